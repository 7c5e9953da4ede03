# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits hold against a user who tries to get around them: with long paths, with
SIGKILL and SIGSTOP, by starving the helper of descriptors, behind hidepid and
with a /proc that is none."""
import resource
import sys

from lab import *

enter()
lab = Lab(sys.argv[1])
M = lab.dir("m")
ROUNDS = int(os.environ.get("PROFUSE_ROUNDS", 40))


def background(*args, **kw):
    """A helper with its socket; nobody reads from it until asked."""
    mine, theirs = socket.socketpair()
    with theirs:
        n = theirs.fileno()
        p = subprocess.Popen([lab.helper, "--comm-fd", str(n), *args], user=UID, group=UID,
                             extra_groups=[], env={}, pass_fds=[n], stderr=subprocess.DEVNULL, **kw)
    return p, mine


def end(started):
    for p, sock in started:
        with contextlib.suppress(OSError):
            p.send_signal(signal.SIGCONT)
        sock.close()
        p.wait(40)
    for m in mine():
        umount(m.path, MNT_DETACH)


def mine():
    return [m for m in table() if m.fuse and "user_id=%d," % UID in m.options]


# ---- mount_max ----
lab.set_conf("mount_max = 1\n")
# A path that has no name of less than PATH_MAX, and a source that only mount(2) takes.
here = os.open(lab.home, os.O_PATH)
for i in range(20):
    name = "%03d" % i + "x" * 240
    os.mkdir(name, dir_fd=here)
    os.chown(name, UID, UID, dir_fd=here)
    below = os.open(name, os.O_PATH, dir_fd=here)
    os.close(here)
    here = below
for i in range(6):
    name = "m%d" % i
    os.mkdir(name, dir_fd=here)
    os.chown(name, UID, UID, dir_fd=here)
os.fchdir(here)
deep = [background("-o", "fsname=" + "y" * 300, "m%d" % i, cwd=".") for i in range(6)]
oks = [p.wait(20) for p, _ in deep].count(0)
check(oks == 1 and len(mine()) == 1, "deep below: %d succeeded, %d mounts, limit 1"
      % (oks, len(mine())))
for i in range(6):
    with contextlib.suppress(OSError):
        while True:
            umount("m%d" % i, MNT_DETACH)
os.chdir("/")
os.close(here)
end(deep)
DIRS = [lab.dir("max%d" % i) for i in range(12)]

# The silent one counts; two more may come, and no more whoever is killed when.
lab.set_conf("mount_max = 2\n")
most = 0
for i in range(ROUNDS):
    options = ("-o", "fsname=" + "y" * 300) if i % 2 else ()
    started = [background(*options, d) for d in DIRS]
    time.sleep(i % 20 * 0.001)
    for p, _ in started:
        p.send_signal((signal.SIGKILL, signal.SIGSTOP)[i % 4 == 3])
    if i % 4 == 3:
        time.sleep(0.02)  # the others would go on
        started += [background(*options, d) for d in DIRS]
        time.sleep(0.1)
        for p, _ in started:
            p.send_signal(signal.SIGKILL)
    for p, _ in started:
        p.wait(20)
    most = max(most, len(mine()))
    for p, sock in started:
        sock.close()
    end([])
check(most <= 2, "killed at odd moments, helpers left %d mounts, limit 2" % most)
check(most > 0, "killed too early each time: nothing was tested")

# All wait for "go", and get it at once.
started = [background("--sync-init", d) for d in DIRS]
devices = [receive_device(sock, wait=3) for _, sock in started]
check(sum(d is not None for d in devices) == 2, "wait for the last two places:",
      sum(d is not None for d in devices))
for (p, sock), device in zip(started, devices):
    if device is not None:
        sock.send(b"g")
for p, sock in started:
    p.wait(20)
check(len(mine()) == 2, "of those that waited", len(mine()), "mounted, limit 2")
for device in devices:
    if device is not None:
        os.close(device)
end(started)

# Stopped before it mounts, a helper counts as a mount.
M2 = lab.dir("m2")
lab.set_conf("mount_max = 1\n")
waiting = background("--sync-init", M)
device = receive_device(waiting[1], wait=10)
check(device is not None, "one may wait")
waiting[0].send_signal(signal.SIGSTOP)
for limit in list(range(3, 24)) + [1000]:
    pre = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        p, sock = background(M2, preexec_fn=pre)
        check(p.wait(20) != 0, "mounted beside one that waits, descriptors:", limit)
        sock.close()
    check(not mounts_at(M2), "mounted with", limit, "descriptors, limit used up")
os.close(device)
end([waiting])

# ---- fuse.conf ----
# The caller cannot keep the helper from reading it ...
lab.set_conf("mount_max = 0\n")
for limit in list(range(3, 24)) + [1000]:
    pre = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        p, sock = background(M, preexec_fn=pre)
        check(p.wait(20) != 0, "mounted in spite of mount_max = 0, descriptors:", limit)
        sock.close()
    check(not mounts_at(M), "mounted with", limit, "descriptors, and mount_max = 0")
# ... and a file that is not for the caller to read may say anything.
lab.set_conf("mount_max = 5\nuser_allow_other\n", mode=0o600)
theirs = [os.path.join(lab.other, name) for name in ("a", "b")]
for path in theirs:
    os.mkdir(path)
    os.chown(path, OTHER_UID, OTHER_UID)
first = lab.mount(theirs[0], uid=OTHER_UID)
check(first.text.endswith("failed to open %s: Permission denied\n" % lab.conf_path), first.text)
try:
    lab.mount(theirs[1], uid=OTHER_UID).crash()
    check(False, "more than the least, with a fuse.conf that may not be read")
except Refused as e:
    check("too many FUSE filesystems mounted; mount_max=N" in e.text, e)
lab.unmount(theirs[0], uid=OTHER_UID)
first.crash()
lab.set_conf("")

# ---- other people's processes do not count ----
for name in ("fusermount3-m", "fusermount3-w"):
    shutil.copyfile("/bin/sleep", os.path.join(lab.other, name))
    os.chmod(os.path.join(lab.other, name), 0o755)
fakes = [subprocess.Popen([os.path.join(lab.other, n), "100"], user=OTHER_UID, group=OTHER_UID,
                          extra_groups=[]) for n in ("fusermount3-m", "fusermount3-w") * 20]
d = lab.start_auto(M, "-o", "auto_unmount")
d.crash()
check(d.helper.wait(20) == 0, "beside processes of others with such names")
for p in fakes:
    p.kill()
    p.wait()

# ---- behind hidepid ----
mount("proc", "/proc", "proc", 0, "hidepid=2")
hidden = subprocess.run(["ls", "/proc/1/status"], user=UID, group=UID, extra_groups=[],
                        capture_output=True)
check(hidden.returncode != 0, "hidepid hides nothing: this proves nothing")
for how in ("setuid", "with a file capability"):
    if how != "setuid":
        os.chmod(lab.helper, 0o755)
        try:
            os.setxattr(lab.helper, "security.capability",
                        struct.pack("<5I", 0x02000001, 1 << 21, 0, 0, 0))
        except OSError as e:
            print("no file capabilities here:", e)
            break
    many = [background("--sync-init", M) for _ in range(24)]
    got = [receive_device(sock, wait=10) for _, sock in many]
    check(sum(g is not None for g in got) == 16, how, "behind hidepid wait",
          sum(g is not None for g in got))
    for g in got:
        if g is not None:
            os.close(g)
    end(many)
with contextlib.suppress(OSError):
    os.removexattr(lab.helper, "security.capability")
os.chmod(lab.helper, 0o4755)
umount("/proc", MNT_DETACH)

# ---- a /proc that is none ----
VICTIM = lab.make("victim", 0o755, 0)
mount("victim", VICTIM, "tmpfs")
line = mounts_at(VICTIM)[0].raw.replace("- tmpfs victim rw", "- fuse victim rw,user_id=%d" % UID)
FAKE = lab.dir("fakeproc")
os.mkdir(FAKE + "/self")
os.mkdir(FAKE + "/self/fd")
with open(FAKE + "/self/mountinfo", "w") as f:
    f.write(line)
mount(FAKE, "/proc", None, MS_BIND)
try:
    got = [lab.run("-u", *flags, VICTIM) for flags in ((), ("-z",))]
    p, sock = background(M)
    got.append((p.wait(20), None))
    sock.close()
finally:
    umount("/proc", MNT_DETACH)
check([status for status, _ in got] == [1, 1, 1], "with a forged /proc:", got)
check(mounts_at(VICTIM) and not mounts_at(M), "the forged /proc was believed")
umount(VICTIM)

done(lab)
