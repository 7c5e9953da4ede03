# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every class of attack that setuid mount helpers have fallen for, tried as an
unprivileged user against the installed setuid program. (The races have tests
of their own.)"""
import resource
import sys

from lab import *

enter()
lab = Lab(sys.argv[1])
M = lab.dir("m")


def attempt(path, *args, **kw):
    """(status, text) of a mount, undone where it worked."""
    try:
        d = lab.mount(path, *args, serve=False, **kw)
    except Refused as e:
        return e.status, e.text
    d.crash()
    lab.clean()
    return 0, d.text


def must_fail(what, path, *args, **kw):
    before = len(table())
    status, text = attempt(path, *args, **kw)
    check(status == 1, what, "exit", status, text)
    check(len(table()) == before, what, "changed the mount table")


# ---- names that a mount table writes in its own way ----
NAMES = ["a b", "a\nb", r"a\040b", "a,b", 'a"b', "a'b", "-u", "--help", "x (deleted)", "x __deleted",
         "#c", "tab\there", "\u00e9\u4e2d", "back\\slash", "\\", "%s%n", "$(id)", "a=b", "\x7f\x01"]
for name in NAMES:
    path = lab.dir(name)
    before = table()
    d = lab.mount("./" + name if name.startswith("-") else path, cwd=lab.home)
    new = [m for m in table() if m.id not in {b.id for b in before}]
    check(len(new) == 1 and new[0].fuse, repr(name), "gave", [m.raw for m in new])
    got = lab.unmount("./" + name, cwd=lab.home)
    check(got == (0, ""), "-u", repr(name), got)
    check(len(table()) == len(before), repr(name), "is still mounted")
    d.crash()

# ---- symlinks in the place of the mountpoint, and on the way to it ----
os.symlink(M, lab.home + "/link")
must_fail("a symlink as mountpoint", lab.home + "/link")
must_fail("a symlink and a slash", lab.home + "/link/")
d = lab.mount(M)
check(lab.unmount(lab.home + "/link")[0] == 1, "-u of a symlink")
check(mounts_at(M), "-u of a symlink unmounted what it points to")
lab.unmount(M)
d.crash()

# Other people's mounts: root's, another user's, live and dead.
VICTIM = lab.make("victim", 0o755, 0)
mount("victim", VICTIM, "tmpfs")
THEIRS = os.path.join(lab.other, "theirs")
os.mkdir(THEIRS)
os.chown(THEIRS, OTHER_UID, OTHER_UID)
live = lab.mount(THEIRS, uid=OTHER_UID)
DEAD = os.path.join(lab.other, "dead")
os.mkdir(DEAD)
os.chown(DEAD, OTHER_UID, OTHER_UID)
lab.mount(DEAD, uid=OTHER_UID).crash()
os.symlink(lab.root, lab.home + "/up")
for path in (VICTIM, THEIRS, DEAD, lab.home + "/up/victim", lab.home + "/up/other/theirs",
             lab.home + "/up/other/dead", "/proc", "/", lab.root):
    for flags in ((), ("-z",), ("-q", "-z"), ("--auto-unmount",)):
        mine, theirs = socket.socketpair()
        n = theirs.fileno()
        args = (["-u"] if "--auto-unmount" not in flags else []) + list(flags)
        status, text = lab.run(*args, path, env={"_FUSE_COMMFD": str(n)}, pass_fds=[n])
        check(status == 1, "unmounting", path, flags, status, text)
        mine.close()
        theirs.close()
check(mounts_at(VICTIM) and mounts_at(THEIRS) and mounts_at(DEAD), "a mount is gone")

# Numbers that begin alike are different users.
for uid in (UID // 10, UID * 10, OTHER_UID, 1, 65534):
    d = lab.mount(M)
    check(lab.unmount(M, uid=uid)[0] == 1 and mounts_at(M), "unmounted by", uid)
    check(lab.unmount(M, "-z", uid=uid)[0] == 1 and mounts_at(M), "unmounted lazily by", uid)
    lab.unmount(M)
    d.crash()

# A mount of root's on top of the user's is root's.
d = lab.mount(M)
mount("lid", M, "tmpfs")
for flags in ((), ("-z",)):
    check(lab.unmount(M, *flags)[0] == 1, "-u of root's mount on top of one's own", flags)
check([m.type for m in mounts_at(M)] == ["fuse", "tmpfs"], [m.raw for m in mounts_at(M)])
umount(M)
check(lab.unmount(M) == (0, ""), "and then one's own")
d.crash()

# Nor does a lazy unmount take root's mounts below one's own along.
lab.set_conf("user_allow_other\n")
d = lab.mount(M, "-o", "allow_other")
mount("inner", M + "/sub", "tmpfs")
check(lab.unmount(M)[0] == 1, "-u with root's mount below")
got = lab.unmount(M, "-z")
check(got == (1, "fusermount3: failed to unmount %s: Device or resource busy\n" % M), "-uz", got)
check(mounts_at(M + "/sub") and mounts_at(M), "root's mount below one's own is gone")
umount(M + "/sub")
# One's own mounts below go along.
inner = lab.mount(M + "/sub")
check(lab.unmount(M, "-z") == (0, "") and not fuse_mounts(M), "-uz with one's own mount below")
inner.crash()
d.crash()
lab.set_conf("")

# On top of a filesystem that root has mounted for the user.
USB = lab.dir("usb")
mount("usb", USB, "tmpfs", 0, "uid=%d,mode=755" % UID)
for flags in ((), ("-z",)):
    d = lab.mount(USB)
    check([m.type for m in mounts_at(USB)] == ["tmpfs", "fuse"], "on top of root's")
    check(lab.unmount(USB, *flags) == (0, ""), "-u on top of root's mount")
    check([m.type for m in mounts_at(USB)] == ["tmpfs"], "root's mount below is gone")
    check(lab.unmount(USB, *flags)[0] == 1 and mounts_at(USB), "-u of root's mount below")
    d.crash()
umount(USB)

# In a directory of root's, next to mounts of root's: a busy mount stays.
MEDIA = lab.make("media", 0o755, 0)
for name, uid in (("mine", UID), ("roots", 0)):
    os.mkdir(MEDIA + "/" + name)
    os.chown(MEDIA + "/" + name, uid, uid)
mount("roots", MEDIA + "/roots", "tmpfs")
d = lab.mount(MEDIA + "/mine")
inside = lab.stand_in(MEDIA + "/mine")
check(lab.unmount(MEDIA + "/mine")[0] == 1 and mounts_at(MEDIA + "/mine"), "a busy mount")
inside.kill()
inside.wait()
check(lab.unmount(MEDIA + "/mine") == (0, ""), "-u in a directory of root's")
d.crash()
umount(MEDIA + "/roots")

# Parallel unmounts: one succeeds, the others find nothing.
for _ in range(20):
    d = lab.mount(M)
    ps = [subprocess.Popen([lab.helper, "-u", M], user=UID, group=UID, extra_groups=[], env={},
                           stderr=subprocess.PIPE) for _ in range(3)]
    for p in ps:
        p.communicate()
    ok = sum(p.returncode == 0 for p in ps)
    # They may also find each other looking at it and leave it as busy.
    check(ok <= 1 and ok == (not mounts_at(M)), "%d parallel unmounts succeeded" % ok)
    lab.unmount(M)
    d.crash()

# ---- options ----
for option in (r"x\,allow_other", 'context="a,allow_other"', r"max_read=1\,allow_other",
               r"\,allow_other", r"ro\,allow_other", "user_id=0,allow_other", "foo=,allow_other",
               r"fsname=a,\allow_other", r"fsname=a\\,allow_other", r"subtype=a\\,allow_other",
               "remount,suid", "bind", "move", "context=x", "fscontext=x", "defcontext=x",
               "rootcontext=x", "blkdev,fsname=/etc/passwd", "loop", "user=root", "users", "owner",
               "_netdev=,dev", "offset=1", "silent", "mand", "strictatime", "lazytime"):
    must_fail("-o " + option, M, "-o", option)
for option in ("dev", "suid", "dev,suid", "suid,dev,ro", "nodev,dev", "nosuid,suid", "dev,nosuid",
               "ro,suid,exec,dev", "fd=0,rootmode=0,user_id=0,group_id=0"):
    d = lab.mount(M, "-o", option)
    (m,) = mounts_at(M)
    check("nosuid" in m.attrs and "nodev" in m.attrs, "-o", option, "gave", m.raw)
    check("user_id=%d,group_id=%d" % (UID, UID) in m.options, "-o", option, "gave", m.raw)
    lab.unmount(M)
    d.crash()
for option in ("fsname=--target=/etc", "fsname=--bind", "fsname=-o dev", r"fsname=a\,dev\,suid",
               "fsname=a\nb /etc ext4 rw 0 0", "subtype=../x", "subtype=a b", "subtype=x\ny",
               r"fsname=a\,user_id=0", "subtype=,user_id=0"):
    d = lab.mount(M, "-o", option)
    (m,) = mounts_at(M)
    check("nosuid" in m.attrs and "nodev" in m.attrs and
          m.options.startswith("rw,user_id=%d,group_id=%d" % (UID, UID)), option, "gave", m.raw)
    check(lab.unmount(M) == (0, ""), "-u after", option)
    d.crash()

# ---- places where a file of the user's would be believed ----
sleeper = lab.shell("exec sleep 1000")
PROC = "/proc/%d/" % sleeper.pid
for path in (PROC + "fd", PROC + "attr", PROC + "attr/current", PROC + "comm", PROC + "oom_score_adj",
             PROC + "cwd", PROC + "root/etc", PROC + "map_files", "/proc/self/fd", "/proc/self/attr",
             "/proc/self/comm", "/proc/self/uid_map", "/proc/sys/kernel", "/sys/fs/fuse",
             "/sys/kernel", "/dev/null", "/dev/pts", "/dev", "/sys/fs/cgroup", "/etc/passwd",
             "/etc", "/usr/bin", "/root", "/", lab.bin, lab.helper, "/tmp"):
    if os.path.exists(path):
        must_fail("mounting over " + path, path)
PTS = lab.make("pts", 0o755, 0)
mount("pts", PTS, "devpts", 0, "newinstance,ptmxmode=0666,mode=620")
os.chown(PTS, UID, UID)
must_fail("mounting over a devpts of one's own", PTS)
umount(PTS)
CG = lab.make("cg", 0o755, 0)
with contextlib.suppress(OSError):
    mount("cg", CG, "cgroup2")
    must_fail("mounting over a cgroup", CG)
    umount(CG)
sleeper.kill()
sleeper.wait()

# ---- whose rights count ----
# A directory that root cannot enter but the user can, as on a network.
PARENT = lab.dir("parent", UID, 0o700)
os.mkdir(PARENT + "/m")
os.chown(PARENT + "/m", UID, UID)
d = lab.mount(PARENT + "/m")
check(lab.unmount(PARENT + "/m") == (0, ""), "below a directory closed to others")
d.crash()
# In a filesystem of the user's own, which not even root can look into.
outer = lab.mount(M)
inner = lab.mount(M + "/sub")
check(len(fuse_mounts(M)) == 2, "a mount in a mount")
check(lab.unmount(M)[0] == 1 and len(fuse_mounts(M)) == 2, "-u with a mount in it")
check(lab.unmount(M + "/sub") == (0, ""), "-u of a mount in a mount")
check(lab.unmount(M) == (0, ""), "and of the outer")
inner.crash()
outer.crash()
# And the other way: what the user cannot reach, the helper does not reach either.
SECRET = lab.make("secret", 0o700, 0)
os.mkdir(SECRET + "/open")
os.chmod(SECRET + "/open", 0o777)
os.mkdir(SECRET + "/there")
for rest in ("", "/x"):
    texts = {attempt(SECRET + "/" + n + rest)[1].replace(n, "X")
             for n in ("open", "there", "missing")}
    check(len(texts) == 1, "the helper tells what is in a directory closed to the user:", texts)
texts = {lab.unmount(SECRET + "/" + n)[1].replace(n, "X") for n in ("open", "there", "missing")}
check(len(texts) == 1, "-u tells what is in a directory closed to the user:", texts)

# ---- the environment ----
BAIT = lab.home + "/bait"
HOSTILE = {
    "LIBMOUNT_MTAB": BAIT, "LIBMOUNT_FSTAB": BAIT, "LIBMOUNT_DEBUG": "all", "MALLOC_TRACE": BAIT,
    "LD_PRELOAD": lab.home + "/evil.so", "LD_LIBRARY_PATH": lab.home, "LD_DEBUG": "all",
    "LD_DEBUG_OUTPUT": BAIT, "LD_AUDIT": lab.home + "/evil.so",
    "GCONV_PATH": lab.home, "LOCPATH": lab.home, "LANGUAGE": "xx", "LC_ALL": "../../" + lab.home,
    "NLSPATH": BAIT + "%N", "TMPDIR": lab.home, "PATH": lab.home, "IFS": "/", "HOME": lab.home,
    "POSIXLY_CORRECT": "1", "GLIBC_TUNABLES": "glibc.malloc.check=3", "RES_OPTIONS": "debug",
    "HOSTALIASES": BAIT, "TZ": BAIT, "FUSE_KERN_DEVICE": "/dev/../root/.bashrc", "MTAB": BAIT,
    "FUSE_CONF": BAIT, "FUSERMOUNT_PATH": BAIT, "COLUMNS": "1", "_FUSE_COMMFD2": "0",
}
files = sorted(os.listdir(lab.home))
mine, theirs = socket.socketpair()
n = theirs.fileno()
status, text = lab.run(M, "-o", "ro", env=dict(HOSTILE, _FUSE_COMMFD=str(n)), pass_fds=[n])
device = receive_device(mine)
check((status, text) == (0, "") and device is not None, "with a hostile environment:", status, text)
check(lab.run("-u", M, env=HOSTILE) == (0, ""), "-u with a hostile environment")
check(sorted(os.listdir(lab.home)) == files, "files appeared:", os.listdir(lab.home))
texts = set()
for name in (".bashrc", "no-such-file"):
    status, text = lab.run(M, env={"FUSE_KERN_DEVICE": "/dev/../root/" + name, "_FUSE_COMMFD": "x"})
    texts.add(text.replace(name, "X"))
check(len(texts) == 1, "the environment serves to look at root's files:", texts)

# ---- descriptors ----
for closed in ((0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)):
    mine, theirs = socket.socketpair()
    script = "".join(" %d>&-" % i for i in closed)
    p = subprocess.run(["sh", "-c", 'exec "$1" --comm-fd "$2" "$3"' + script, "sh", lab.helper,
                        str(theirs.fileno()), M], user=UID, group=UID, extra_groups=[], env={},
                       pass_fds=[theirs.fileno()])
    device = receive_device(mine)
    check(p.returncode == 0 and device is not None, "with", closed, "closed:", p)
    check(lab.run("-u", M)[0] == 0, "-u")
    for s in (mine, theirs):
        s.close()
    if device is not None:
        os.close(device)

# ---- the caller goes away, or never was there ----
for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
    mine, theirs = socket.socketpair(socket.AF_UNIX, kind)
    mine.close()
    status, text = lab.run(M, "--comm-fd", str(theirs.fileno()), pass_fds=[theirs.fileno()])
    check(status == 1 and not mounts_at(M), "the caller had gone:", status, text)
    theirs.close()
full, theirs = socket.socketpair()
theirs.setblocking(False)
with contextlib.suppress(BlockingIOError):
    while True:
        theirs.send(bytes(65536))
start = time.monotonic()
status, text = lab.run(M, "--comm-fd", str(theirs.fileno()), pass_fds=[theirs.fileno()])
check(status == 1 and not mounts_at(M), "a caller who does not read:", status, text)
check(time.monotonic() - start < 20, "waited too long for a caller who does not read")

# It goes, or the helper is told to end, at any moment: either all or nothing.
outcomes = set()
for i in range(300):
    mine, theirs = socket.socketpair(socket.AF_UNIX, (socket.SOCK_STREAM, socket.SOCK_SEQPACKET)[i % 2])
    n = theirs.fileno()
    p = subprocess.Popen([lab.helper, "--comm-fd", str(n), M], user=UID, group=UID, extra_groups=[],
                         env={}, pass_fds=[n], stderr=subprocess.DEVNULL)
    theirs.close()
    time.sleep(i % 50 * 0.0001)
    if i % 3 == 2:
        p.send_signal((signal.SIGTERM, signal.SIGINT, signal.SIGHUP)[i // 3 % 3])
    else:
        mine.close()
    rc = p.wait(20)
    there = bool(mounts_at(M))
    check(there == (rc == 0), "at an odd moment: exit", rc, "mounted", there)
    outcomes.add(rc)
    mine.close()
    lab.clean()
check({0, 1} <= outcomes, "too early or too late each time:", outcomes)

# ---- limits ----
def limits_test(limit, values, *args):
    for value in values:
        mine, theirs = socket.socketpair()
        n = theirs.fileno()
        pre = lambda: resource.setrlimit(limit, (value, value))
        try:
            p = subprocess.run([lab.helper, "--comm-fd", str(n), *args, M], user=UID, group=UID,
                               extra_groups=[], env={}, pass_fds=[n], preexec_fn=pre,
                               stderr=subprocess.PIPE)
            rc = p.returncode
        except (OSError, subprocess.SubprocessError):
            rc = None  # not even the program could be started
        device = receive_device(mine)
        works = device is not None and len(mounts_at(M)) == 1
        nothing = device is None and not mounts_at(M)
        check(works if rc == 0 else nothing, "limit", limit, value, "exit", rc, "device", device,
              [m.raw for m in mounts_at(M)])
        if device is not None:
            os.close(device)
        # And the other direction: unmounted, or untouched.
        d = lab.mount(M, serve=False) if not mounts_at(M) else None
        rc = None
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            rc = subprocess.run([lab.helper, "-u", M], user=UID, group=UID, extra_groups=[], env={},
                                preexec_fn=pre, stderr=subprocess.DEVNULL).returncode
        check(bool(mounts_at(M)) != (rc == 0), "-u with limit", limit, value, "exit", rc)
        if d:
            d.crash()
        lab.clean()
        mine.close()
        theirs.close()


limits_test(resource.RLIMIT_FSIZE, (0, 1, 100))
limits_test(resource.RLIMIT_NOFILE, list(range(3, 24)))
limits_test(resource.RLIMIT_NOFILE, list(range(3, 24)), "-o", "fsname=" + "x" * 300)
limits_test(resource.RLIMIT_STACK, (16 << 10, 32 << 10, 64 << 10, 128 << 10))
for args in ((), ("-o", "fsname=" + "x" * 300)):
    limits_test(resource.RLIMIT_AS, [n << 18 for n in range(4, 24)], *args)
    limits_test(resource.RLIMIT_DATA, [n << 14 for n in range(20)], *args)
limits_test(resource.RLIMIT_NPROC, (0, 1))
limits_test(resource.RLIMIT_MEMLOCK, (0,))
limits_test(resource.RLIMIT_SIGPENDING, (0,))
limits_test(resource.RLIMIT_CORE, (0,))

# A small stack is enough.
mine, theirs = socket.socketpair()
n = theirs.fileno()
small = lambda: resource.setrlimit(resource.RLIMIT_STACK, (64 << 10, 64 << 10))
for args in (["--comm-fd", str(n), M], ["-u", M]):
    p = subprocess.run([lab.helper, *args], user=UID, group=UID, extra_groups=[], env={},
                       pass_fds=[n], preexec_fn=small, stderr=subprocess.PIPE)
    check(p.returncode == 0, args, "with 64 KiB of stack:", p)
receive_device(mine)

# ---- how many ----
lab.set_conf("mount_max = 3\n")
DIRS = [lab.dir("max%d" % i) for i in range(12)]
their = [os.path.join(lab.other, "max%d" % i) for i in range(3)]
for path in their:
    os.mkdir(path)
    os.chown(path, OTHER_UID, OTHER_UID)
ds = [lab.mount(p, uid=OTHER_UID) for p in their[:1]]
ds += [lab.mount(p) for p in DIRS[:3]]
status, text = attempt(DIRS[3])
check(status == 1 and "mount_max=N can be set in " + lab.conf_path in text, status, text)
try:
    ds.append(lab.mount(their[1], uid=OTHER_UID))
except Refused as e:
    check(False, "one user's mounts use up another's limit:", e)
for d in ds:
    lab.unmount(d.path, uid=0)
    d.crash()
# Many at once: exactly the limit.
pairs = [socket.socketpair() for _ in DIRS]
ps = [subprocess.Popen([lab.helper, "--comm-fd", str(t.fileno()), p], user=UID, group=UID,
                       extra_groups=[], env={}, pass_fds=[t.fileno()], stderr=subprocess.DEVNULL)
      for p, (_, t) in zip(DIRS, pairs)]
oks = sum(p.wait() == 0 for p in ps)
mounts = [m for m in fuse_mounts(lab.home)]
check(oks == 3 and len(mounts) == 3, "12 mounts at once, limit 3: %d succeeded, %d mounts"
      % (oks, len(mounts)))
lab.clean()
for pair in pairs:
    for s in pair:
        s.close()
lab.set_conf("")

# ---- privileges of a running helper ----
mine, theirs = socket.socketpair()
p = subprocess.Popen([lab.helper, "--sync-init", "--comm-fd", str(theirs.fileno()), M], user=UID,
                     group=UID, extra_groups=[], env={"SECRET": "x"}, pass_fds=[theirs.fileno()])
device = receive_device(mine, wait=10)
status = open("/proc/%d/status" % p.pid).read()
get = lambda key: re.search(r"^%s:\s*(.*)$" % key, status, re.M)[1]
check(get("Uid").split() == [str(UID)] * 4, "Uid", get("Uid"))
check(get("Gid").split() == [str(UID)] * 4, "Gid", get("Gid"))
check(int(get("CapEff"), 16) == 0, "CapEff", get("CapEff"))
check(int(get("CapPrm"), 16) == 1 << 21, "CapPrm (CAP_SYS_ADMIN alone)", get("CapPrm"))
check(int(get("CapInh"), 16) == 0 and int(get("CapAmb"), 16) == 0, "CapInh, CapAmb")
check(get("NoNewPrivs") == "1", "NoNewPrivs", get("NoNewPrivs"))
check(os.readlink("/proc/%d/cwd" % p.pid) == "/", "cwd")
held = {int(n): os.readlink("/proc/%d/fd/%s" % (p.pid, n)) for n in os.listdir("/proc/%d/fd" % p.pid)}
check(held.pop(theirs.fileno(), "").startswith("socket:"), "the socket is not among", held)
for n in (0, 1, 2):
    held.pop(n)
check(sorted(held.values()) == sorted(["/proc", "/proc/%d/mountinfo" % p.pid, lab.home, M, "/dev/fuse"]),
      "open descriptors", held)
for probe in ('cat "/proc/$1/environ"', 'cat "/proc/$1/mem"', 'ls "/proc/$1/fd/"',
              'readlink "/proc/$1/cwd"', 'cat "/proc/$1/maps"'):
    r = subprocess.run(["sh", "-c", probe, "sh", str(p.pid)], user=UID, group=UID, extra_groups=[],
                       capture_output=True)
    check(r.returncode != 0 or not r.stdout, "the caller can look into the helper:", probe, r)
p.terminate()
check(p.wait(10) == -signal.SIGTERM and not mounts_at(M), "a helper that waits can be ended")

done(lab)
