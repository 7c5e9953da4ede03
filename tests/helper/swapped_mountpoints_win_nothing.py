# SPDX-License-Identifier: LGPL-2.1-or-later
"""While the helper mounts, the path is swapped in a tight loop: no mount may
end up where the user could not have mounted. A naive helper shows that the
test would notice.

usage: ... HELPER SWAPPER NAIVE-HELPER"""
from racing import *

enter()
lab = Lab(sys.argv[1])
swapper = lab.install(sys.argv[2], "swapper")
os.chmod(swapper, 0o755)
naive = lab.install(sys.argv[3], "naive")
LAB_MOUNT = mounts_at(lab.root)[-1].id

VICTIMS = lab.make("victims", 0o755, 0)
os.mkdir(VICTIMS + "/x")

# What the mountpoint, home/N/p/x, or its parent is exchanged with.
WAYS = {
    "a symlink in its place": ("exchange", "p/x", "p/link"),
    "a symlink in its parent's place": ("exchange", "p", "plink"),
    "root's directory in its place": ("exchange", "p/x", "p/roots"),
    "root's directory in its parent's place": ("exchange", "p", "proots"),
    "removed and made again": ("recreate", "p/x"),
    "root mounts over it": ("cover", "p/x"),
}


def arena(n):
    """A new set of all that takes part; the user may rename everything."""
    top = lab.dir(str(n))
    for name, uid in (("p", UID), ("p/x", UID), ("p/roots", 0), ("proots", 0), ("proots/x", 0)):
        os.mkdir(os.path.join(top, name))
        os.chown(os.path.join(top, name), uid, uid)
    os.symlink(VICTIMS + "/x", top + "/p/link")
    os.symlink(VICTIMS, top + "/plink")
    return top


def misplaced(m):
    """Why the mount should not be where it is, or None."""
    if m.parent != LAB_MOUNT:
        return "on top of another mount"
    directory, name = os.path.split(m.path)
    # The entry has the number of what is below the mount.
    (below,) = [e.inode() for e in os.scandir(directory) if e.name == name]
    return None if below in users_inodes() else "on a directory that is not the user's"


def users_inodes():
    """Numbers of the user's directories, seen without the mounts on them."""
    if not os.path.ismount(VIEW):
        mount(lab.root, VIEW, None, MS_BIND)  # not recursive: nothing covers anything
    found = set()
    for directory, names, _ in os.walk(VIEW + "/home"):
        for name in names:
            st = os.lstat(os.path.join(directory, name))
            if stat.S_ISDIR(st.st_mode) and st.st_uid == UID:
                found.add(st.st_ino)
    return found


VIEW = tempfile.mkdtemp(prefix="profuse-view-")
atexit.register(os.rmdir, VIEW)
atexit.register(lambda: os.path.ismount(VIEW) and umount(VIEW, MNT_DETACH))


def race(helper, way, attempts, first_is_enough=False):
    what, *names = WAYS[way]
    top = arena(len(os.listdir(lab.home)))
    X = top + "/p/x"
    s = Swapper(swapper, what, *(os.path.join(top, n) for n in names),
                uid=0 if what == "cover" else UID)
    done = wrong = 0
    why = None
    for _ in range(attempts):
        status, device = run_mount(lab, helper, X)
        s.pause()
        ms = fuse_mounts(lab.root)
        for m in ms:
            done += 1
            reason = misplaced(m)
            if reason:
                wrong += 1
                why = why or (reason, m.raw)
        if helper != naive:
            check((status == 0) == (device is not None) == (len(ms) == 1), way, "exit", status,
                  "device", device, "mounts", [m.raw for m in ms])
        if device is not None:
            os.close(device)
        for m in reversed(ms):
            while mounts_at(m.path)[-1].id != m.id:  # root's; it goes by itself
                s.go_on()
                time.sleep(0.001)
                s.pause()
            umount(m.path, MNT_DETACH)
        s.go_on()
        if wrong and first_is_enough:
            break
    swaps, lost = s.end()
    check(lost == 0, way, "%d of root's mounts were taken away" % lost)
    return done, wrong, why, swaps


for way in WAYS:
    done_, wrong, why, swaps = race(lab.helper, way, max(ATTEMPTS // len(WAYS), 1))
    print("%s: %d mounts, %d swaps, %d misplaced" % (way, done_, swaps, wrong))
    check(wrong == 0, way, why)
    check(done_ > 0 and swaps > 0, way, "no mount or no swap: nothing was tested")
    if WAYS[way][0] == "recreate":
        continue  # whatever is made there is the user's
    done_, wrong, why, swaps = race(naive, way, NAIVE_ATTEMPTS, True)
    print("    a naive helper loses after %d mounts, %d swaps" % (done_, swaps))
    check(wrong, way, "the naive helper never lost, so this proves nothing")
done(lab)
