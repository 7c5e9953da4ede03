# SPDX-License-Identifier: LGPL-2.1-or-later
"""auto_unmount: when the daemon dies its mount goes, wherever it is by then,
and nothing else does. PROFUSE_LONG=1 makes the last parts 1000 cycles each.

usage: ... HELPER FILESYSTEM"""
import sys

from lab import *

enter()
lab = Lab(sys.argv[1])
M = lab.dir("m")
AUTO = ("-o", "auto_unmount")
CYCLES = 1000 if os.environ.get("PROFUSE_LONG") else 100


def gone(what, d, path=M):
    try:
        wait_until("%s: the mount has gone" % what, lambda: not fuse_mounts(path))
        wait_until("%s: the helper has ended" % what, lambda: d.helper.poll() is not None)
    except AssertionError as e:
        check(False, e, [m.raw for m in fuse_mounts(lab.root)])
        d.helper.kill()
    check(d.helper.wait() == 0, what, "the helper ended with", d.helper.wait())


def stays(what, ids):
    check([m.id for m in table() if m.id in ids] == ids, what, "is gone")


for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
    d = lab.start_auto(M, *AUTO, kind=kind)
    d.crash()
    gone("a crash", d)
d = lab.start_auto(M, *AUTO)
busy = lab.stand_in(M)
d.crash()
gone("a crash of a busy mount", d)
busy.kill()
busy.wait()

# A peer that sends bytes, or packets of no length, has not gone.
d = lab.start_auto(M, *AUTO, kind=socket.SOCK_SEQPACKET)
ticks = lambda: sum(map(int, open("/proc/%d/stat" % d.helper.pid).read().split()[13:15]))
for data in (b"", b"x", b""):
    d.sock.send(data)
before = ticks()
time.sleep(0.5)
check(d.helper.poll() is None and mounts_at(M), "data from the daemon ended the helper")
check(ticks() - before < 5, "the helper spins")
d.crash()
gone("after data", d)

# The socket ends and the daemon lives: the mount stays, the helper does not.
d = lab.start_auto(M, *AUTO)
d.sock.close()
check(d.helper.wait(20) == 0 and mounts_at(M), "a live daemon's mount was taken away")
check(lab.unmount(M) == (0, ""), "-u")
d.crash()

# A killed daemon's socket may end before its connection does.
d = lab.start_auto(M, *AUTO)
d.sock.close()
time.sleep(1)
d.crash()
gone("a crash that took its time", d)

# An orderly unmount first: nothing is left to do, and the helper did not keep
# the mount busy.
d = lab.start_auto(M, *AUTO)
check(lab.unmount(M) == (0, ""), "-u of an auto_unmount mount")
d.crash()
gone("an orderly end", d)

# What is mounted at the same place afterwards is another mount.
d = lab.start_auto(M, *AUTO)
check(lab.unmount(M) == (0, ""), "-u")
second = lab.mount(M)
ids = [mounts_at(M)[0].id]
d.crash()
d.helper.wait(20)
stays("a later mount at the same place", ids)
lab.unmount(M)
second.crash()
d = lab.start_auto(M, *AUTO)
check(lab.unmount(M) == (0, ""), "-u")
lab.mount(M).crash()
d.crash()
d.helper.wait(20)
check(len(mounts_at(M)) == 1, "a later, dead mount at the same place is gone")
check(lab.unmount(M) == (0, ""), "-u of it")

# Moved away, by root; something else is mounted where it was.
ELSEWHERE = lab.make("elsewhere", 0o755, 0)
d = lab.start_auto(M, *AUTO)
mount(M, ELSEWHERE, None, MS_MOVE)
second = lab.mount(M)
ids = [mounts_at(M)[0].id]
d.crash()
gone("a moved mount", d, ELSEWHERE)
stays("the mount that took the place of a moved one", ids)
lab.unmount(M)
second.crash()

# A bind mount of it is somebody else's; so is what is mounted over it.
d = lab.start_auto(M, *AUTO)
mount(M, ELSEWHERE, None, MS_BIND)
ids = [mounts_at(ELSEWHERE)[0].id]
d.crash()
gone("a mount with a bind mount", d)
stays("the bind mount", ids)
umount(ELSEWHERE)

d = lab.start_auto(M, *AUTO)
mount("lid", M, "tmpfs")
ids = [mounts_at(M)[1].id]
d.crash()
time.sleep(0.5)
stays("root's mount on top of a dead one", ids)
check(d.helper.poll() is None, "the helper gave up although the mount is still there")
umount(M)
gone("uncovered", d)

# Renamed on the way.
OUTER = lab.dir("outer")
os.mkdir(OUTER + "/m")
os.chown(OUTER + "/m", UID, UID)
d = lab.start_auto(OUTER + "/m", *AUTO)
os.rename(OUTER, OUTER + "2")
OUTER += "2"
d.crash()
gone("a renamed path", d, OUTER)

# Two users, two mounts: each helper takes its own.
their = os.path.join(lab.other, "m")
os.mkdir(their)
os.chown(their, OTHER_UID, OTHER_UID)
a, b = lab.start_auto(M, *AUTO), lab.start_auto(their, *AUTO, uid=OTHER_UID)
ids = [mounts_at(their)[0].id]
a.crash()
gone("one of two users", a)
stays("the other user's mount", ids)
b.crash()
gone("the other", b, their)


# --auto-unmount for a mount that exists: its owner may, others may not.
def watch(path, uid):
    return lab.start("--auto-unmount", "--", path, uid=uid)


def watches(p):
    with contextlib.suppress(OSError):
        return os.readlink("/proc/%d/fd/2" % p.pid) == "/dev/null"


d = lab.mount(M)
p, mine = watch(M, OTHER_UID)
check(p.wait(20) == 1 and mounts_at(M), "another user may watch")
check(p.stderr.read().decode().endswith("entry for %s not found in /etc/mtab\n" % M), "message")
for uid, path in ((UID, M), (0, lab.make("roots", 0o755, 0))):
    if uid == 0:
        d = lab.mount(path, uid=0)
    d.sock.close()
    d.helper, d.sock = watch(path, uid)
    wait_until("the helper waits", lambda: watches(d.helper))
    d.crash()
    gone("--auto-unmount", d, path)

# A helper that stays is not signalled away, and holds nothing but its socket.
d = lab.start_auto(M, *AUTO)
wait_until("the helper waits", lambda: watches(d.helper))
for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM, signal.SIGPIPE):
    os.kill(d.helper.pid, sig)
time.sleep(0.1)
check(d.helper.poll() is None, "a signal ended the helper")
fds = {n: os.readlink("/proc/%d/fd/%s" % (d.helper.pid, n))
       for n in os.listdir("/proc/%d/fd" % d.helper.pid)}
check(len(fds) == 4 and [fds[n] for n in "012"] == ["/dev/null"] * 3, "descriptors", fds)

# Of those that stay, one user has no more than mounts.
lab.set_conf("mount_max = 5\n")
parked = [watch(M, UID) for _ in range(12)]
wait_until("no more than mount_max helpers stay", lambda: len(helpers(UID)) <= 5)
wait_until("some stay", lambda: all(p.poll() is not None or watches(p) for p, _ in parked))
check(2 <= len(helpers(UID)) <= 5, "helpers that stay:", helpers(UID))
lab.set_conf("")
d.crash()
for p, s in parked:
    s.close()
    p.wait(20)
gone("one of many helpers", d)

# ---- cycles ----
BYSTANDER = lab.dir("bystander")
bystander = lab.mount(BYSTANDER)
TMPFS = lab.make("bystander2", 0o755, 0)
mount("bystander", TMPFS, "tmpfs")
ids = [mounts_at(BYSTANDER)[0].id, mounts_at(TMPFS)[0].id]
for i in range(CYCLES):
    path = M if i % 2 else OUTER + "/m"
    d = lab.start_auto(path, *AUTO, serve=i % 5 == 0)
    d.crash()
    lab.daemons.remove(d)
    if i % 3 == 0:
        gone("cycle %d" % i, d, path)
    else:  # mount again at once, while the last helper may still be at it
        d2 = None
        while d2 is None:
            with contextlib.suppress(Refused):
                d2 = lab.start_auto(path, *AUTO)
        wait_until("the first helper has ended", lambda: d.helper.poll() is not None)
        check(len(mounts_at(path)) == 1, "the helper of a dead mount took a live one away", i)
        d2.crash()
        lab.daemons.remove(d2)
        gone("cycle %d" % i, d2, path)
    stays("a bystander, cycle %d," % i, ids)

# ---- a filesystem on the library, over the device and over rings, which keep
# the connection for a moment after their process has ended ----
FILESYSTEM = lab.install(sys.argv[2], "filesystem")
os.chmod(FILESYSTEM, 0o755)
with open("/sys/module/fuse/parameters/enable_uring") as f:
    RINGS = f.read().strip() == "Y"
if not RINGS:
    print("the kernel's rings are off: crashes over rings are not tested")


def holds_a_ring(pid):
    return any("io_uring" in os.readlink(e.path) for e in os.scandir("/proc/%d/fd" % pid))


for rings in (False, True) if RINGS else (False,):
    for i in range(CYCLES if os.environ.get("PROFUSE_LONG") else 10):
        p = subprocess.Popen([FILESYSTEM, "-f", "-o", "auto_unmount", "-o",
                              "io_uring=" + ("on" if rings else "off"), M], user=UID, group=UID,
                             extra_groups=[], cwd="/", env={"FUSERMOUNT_PROG": lab.helper},
                             stderr=subprocess.PIPE)
        seen = subprocess.run(["sh", "-c", 'until [ -e "$1/hello" ]; do sleep 0.01; done', "sh", M],
                              user=UID, group=UID, extra_groups=[], timeout=20, check=False)
        check(seen.returncode == 0 and holds_a_ring(p.pid) == rings, "rings", rings, "cycle", i)
        (watcher,) = helpers(UID) or [0]
        p.kill()
        p.communicate()
        try:
            wait_until("its mount has gone", lambda: not fuse_mounts(M))
            wait_until("its helper has ended", lambda: not helpers(UID))
        except AssertionError as e:
            check(False, "rings", rings, "cycle", i, "helper", watcher, e)
            lab.clean()
        stays("a bystander, cycle %d with rings %s," % (i, rings), ids)
lab.unmount(BYSTANDER)
bystander.crash()
check(not fuse_mounts(lab.root), "stale mounts", [m.raw for m in fuse_mounts(lab.root)])
check(not helpers(), "helpers left", helpers())
print("%d cycles" % CYCLES)
done(lab)
