# SPDX-License-Identifier: LGPL-2.1-or-later
"""While the helper unmounts, names are exchanged in a tight loop, also from a
mount namespace where the mountpoints are ordinary directories, and root mounts
on top: nothing but the caller's own mount may go. A naive helper shows that
the test would notice.

usage: ... HELPER SWAPPER NAIVE-HELPER"""
from racing import *

enter()
lab = Lab(sys.argv[1])
swapper = lab.install(sys.argv[2], "swapper")
os.chmod(swapper, 0o755)
naive = lab.install(sys.argv[3], "naive")
FLAGS = (["-u"], ["-u", "-z"])
HAS_USERNS = subprocess.run(["unshare", "-Urm", "true"], user=UID, group=UID, extra_groups=[],
                            stderr=subprocess.DEVNULL).returncode == 0


NAMES = "names in its directory"
# What a user can do who has a range of ids to give away: root stands in for both.
ALIAS = "names in a directory of another id"


class Arena:
    """home/N/p/m is to be unmounted; p/victim and victims/m are root's tmpfs."""

    def __init__(self, n):
        self.top = lab.dir(str(n))
        for name in ("p", "p/m", "p/victim"):
            os.mkdir(os.path.join(self.top, name))
            os.chown(os.path.join(self.top, name), UID, UID)
        self.victims = lab.make("victims%d" % n, 0o755, 0)
        os.mkdir(self.victims + "/m")
        os.symlink(self.victims, self.top + "/plink")
        self.m = self.top + "/p/m"
        self.paths = [self.top + "/p/victim", self.victims + "/m"]

    def mount_victims(self):
        for path in self.paths:
            mount("victim", path, "tmpfs")

    def lost(self):
        """How many victims are gone; the names may stand either way."""
        return 2 - sum(m.source == "victim" and m.path.startswith((self.top, self.victims))
                       for m in table())


def race(helper, way, attempts, flags):
    a = Arena(len(os.listdir(lab.home)))
    if way == ALIAS:
        os.chown(a.top + "/p", OTHER_UID, OTHER_UID)
        for name in ("q", "q/victim"):
            os.mkdir(os.path.join(a.top, name))
            os.chown(os.path.join(a.top, name), UID, UID)
        a.paths[0] = a.top + "/q/victim"
    # The other namespace begins before there is a mount, and sees none.
    if way in (NAMES, ALIAS):
        s = Swapper(swapper, "exchange", a.m, a.paths[0], other_namespace=True,
                    uid=UID if way == NAMES else 0)
        wait_until("it swaps", lambda: swapping(a.m))
        s.pause()
        a.mount_victims()
    else:
        a.mount_victims()
        s = Swapper(swapper, "exchange", a.top + "/p", a.top + "/plink")
        s.pause()
    worked = lost = 0
    for _ in range(attempts):
        # The names have stopped somewhere; the victim is where there is a tmpfs.
        spot = a.m if os.path.isdir(a.top + "/p/m") and not os.path.islink(a.top + "/p") \
            else a.top + "/plink/m"
        if mounts_at(spot):
            spot = a.paths[0]
        mine, theirs = socket.socketpair()
        with mine, theirs:
            n = theirs.fileno()
            status = lab.run(spot, env={"_FUSE_COMMFD": str(n)}, pass_fds=[n])
            device = receive_device(mine)
        if status[0] != 0:
            check(False, way, "cannot mount", spot, status)
            break
        s.go_on()
        rc = subprocess.run([helper, *flags, a.m], user=UID, group=UID, extra_groups=[],
                            stderr=subprocess.DEVNULL).returncode
        s.pause()
        os.close(device)
        ours = [m for m in fuse_mounts(a.top)]
        worked += not ours
        if helper != naive:
            check((rc == 0) == (not ours), way, flags, "exit", rc, "mounted", bool(ours))
        for m in ours:
            umount(m.path, MNT_DETACH)
        lost = a.lost()
        if lost:
            break
    swaps = s.end()[0]
    left = [m.path for m in table() if m.path.startswith((a.top + "/", a.victims + "/"))]
    for path in reversed(left):
        umount(path, MNT_DETACH)
    return worked, lost, swaps


def swapping(path):
    """Whether the name has led to two different directories by now."""
    first = os.stat(path).st_ino
    return any(os.stat(path).st_ino != first for _ in range(200))


def cover_race(flags, attempts):
    """Root mounts a tmpfs on top of the user's mount and unmounts it."""
    path = lab.dir("covered" + "".join(flags))
    s = Swapper(swapper, "cover", path, uid=0)
    worked = 0
    for _ in range(attempts):
        d = None
        while d is None:
            with contextlib.suppress(Refused):
                d = lab.mount(path, serve=False)
        end = time.monotonic() + 20
        while any(m.fuse for m in mounts_at(path)):
            worked += lab.unmount(path, *flags)[0] == 0
            if not check(time.monotonic() < end, "cannot unmount", path):
                break
        d.crash()
        lab.daemons.clear()
    swaps, lost = s.end()
    return worked, lost, swaps


ways = [NAMES, ALIAS, "the directory itself"]
if not HAS_USERNS:
    print("users have no namespaces here:", ways.pop(0), "are not exchanged")
n = max(ATTEMPTS // 8, 1)
for way in ways:
    for flags in FLAGS:
        worked, lost, swaps = race(lab.helper, way, n, flags)
        print("%s, %s: %d of %d unmounted, %d swaps, %d victims lost"
              % (way, flags, worked, n, swaps, lost))
        check(lost == 0, way, flags, "took away", lost, "mounts of root's")
        check(worked and swaps, way, "nothing unmounted or nothing swapped: nothing was tested")
        worked, lost, swaps = race(naive, way, NAIVE_ATTEMPTS, flags)
        print("    a naive helper takes a victim after %d of its own, %d swaps" % (worked, swaps))
        check(lost, way, flags, "the naive helper never lost, so this proves nothing")
for flags in (), ("-z",):
    worked, lost, swaps = cover_race(flags, n)
    print("root mounts on top, -u %s: %d unmounted, %d covers, %d of root's lost"
          % (" ".join(flags), worked, swaps, lost))
    # The kernel has no lazy unmount that looks at what it unmounts: there the
    # helper's last look and the system call are microseconds apart. Root would
    # have to hit these; here root mounts thousands of times.
    check(lost * 1000 <= (swaps if flags else 0), "took away", lost,
          "mounts of root's on top of the user's", flags)
    check(worked and swaps, "nothing was tested")
done(lab)
