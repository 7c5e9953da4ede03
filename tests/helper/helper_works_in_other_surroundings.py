# SPDX-License-Identifier: LGPL-2.1-or-later
"""The helper on kernels without the newer system calls, with a file capability
instead of the setuid bit, without either, under shared mounts, and as root.

usage: ... HELPER WITHOUT-SYSCALLS"""
import sys

from lab import *

enter()
lab = Lab(sys.argv[1])
WITHOUT = os.path.abspath(sys.argv[2])
M, FILE = lab.dir("m"), os.path.join(lab.home, "file")
open(FILE, "w").close()
os.chown(FILE, UID, UID)


def works(where, uid=UID):
    """What any surroundings have to provide."""
    for options, kind, source in (("ro,noexec,sync", "fuse", "/dev/fuse"),
                                  ("fsname=a b,subtype=c", "fuse.c", "a b"),
                                  ("fsname=" + "x" * 2000, "fuse", "x" * 2000),
                                  ("default_permissions,max_read=8192", "fuse", "/dev/fuse")):
        try:
            d = lab.mount(M, "-o", options, uid=uid)
        except Refused as e:
            check(False, where, options[:30], e)
            continue
        ms = mounts_at(M)
        m = ms[-1]
        check(len(ms) == 1 and (m.type, m.source) == (kind, source), where, [x.raw for x in ms])
        check({"nosuid", "nodev"} <= set(m.attrs), where, m.raw)
        check("user_id=%d" % uid in m.options, where, m.raw)
        if options.startswith("ro"):
            check({"ro", "noexec"} <= set(m.attrs) and "sync" in m.options, where, m.raw)
        for args in (["-u"], ["-uz"]):
            got = lab.run(*args, M, uid=OTHER_UID)
            check(got[0] == 1 and mounts_at(M), where, "another user", args, got)
        # Busy, and not.
        inside = lab.stand_in(M, uid=uid)
        check(lab.unmount(M, uid=uid)[0] == 1 and mounts_at(M), where, "a busy mount")
        inside.kill()
        inside.wait()
        got = lab.unmount(M, uid=uid)
        check(got == (0, "") and not mounts_at(M), where, "-u", got)
        d.crash()
    Daemon.file_mode = True
    d = lab.mount(FILE, uid=uid)
    check(lab.unmount(FILE, "-z", uid=uid) == (0, "") and not mounts_at(FILE), where, "a file")
    d.crash()
    Daemon.file_mode = False
    # Dead, stacked, and covered by root.
    d = lab.mount(M, uid=uid)
    d2 = lab.mount(M, uid=uid)
    check(len(mounts_at(M)) == 2, where, "two on one directory")
    d2.crash()
    check(lab.unmount(M, uid=uid) == (0, "") and len(mounts_at(M)) == 1, where, "the dead one")
    mount("lid", M, "tmpfs")
    check(lab.unmount(M, uid=uid)[0] == 1, where, "-u of root's mount")
    check(lab.unmount(M, "-z", uid=uid)[0] == 1, where, "-uz of root's mount")
    check([m.type for m in mounts_at(M)] == ["fuse", "tmpfs"], where, "something was unmounted")
    umount(M)
    check(lab.unmount(M, uid=uid) == (0, ""), where, "-u")
    d.crash()
    # The caller has gone: nothing stays.
    p, mine = lab.start("-o", "fsname=" + "y" * 300, M, uid=uid)
    mine.close()
    p.wait(20)
    p.stderr.close()
    lab.clean()
    for cycle in range(5):
        d = lab.start_auto(M, "-o", "auto_unmount", uid=uid)
        d.crash()
        wait_until("auto_unmount", lambda: not mounts_at(M))
        check(d.helper.wait(20) == 0, where, "auto_unmount")
    # A later mount has the number of an earlier one on kernels that have no better.
    d = lab.start_auto(M, "-o", "auto_unmount", uid=uid)
    lab.unmount(M, uid=uid)
    second = lab.mount(M, uid=uid)
    d.crash()
    check(d.helper.wait(20) == 0 and mounts_at(M), where, "a later mount was taken away")
    lab.unmount(M, uid=uid)
    second.crash()
    if uid:
        for path in (lab.other, "/proc", "/proc/self/attr", lab.home + "/link"):
            try:
                lab.mount(path, uid=uid)
                check(False, where, "mounted over", path)
            except Refused as e:
                check(e.status == 1 and not e.got_device, where, path, e)


os.symlink(M, lab.home + "/link")

for calls in ("fsopen,move_mount", "openat2", "faccessat2", "close_range", "statx",
              "fsopen,move_mount,openat2,faccessat2,close_range,statx"):
    lab.wrapper = [WITHOUT, "UID", calls]
    works("without " + calls)
lab.wrapper = None

# Mounts that other namespaces share, as systemd sets it up.
mount(None, lab.root, None, MS_SHARED)
works("below a shared mount")
mount(None, lab.root, None, MS_PRIVATE)

# CAP_SYS_ADMIN on the file: version 2, effective.
os.chmod(lab.helper, 0o755)
try:
    os.setxattr(lab.helper, "security.capability", struct.pack("<5I", 0x02000001, 1 << 21, 0, 0, 0))
except OSError as e:
    print("no file capabilities here:", e)
else:
    works("with a file capability")
    os.removexattr(lab.helper, "security.capability")

# Neither: a clean refusal.
try:
    lab.mount(M)
    check(False, "mounted without privilege")
except Refused as e:
    check(e.status == 1 and not e.got_device and "Operation not permitted" in e.text, e)
os.chmod(lab.helper, 0o4755)

works("as root", uid=0)

# In a user namespace, by its own root, no privilege of the program is needed.
script = ('unshare -Urm sh -c \'"$1" --comm-fd "$2" "$3" && grep -c " $3 .* - fuse " '
          '/proc/self/mountinfo && "$1" -u "$3"\' sh "$@"')
mine, theirs = socket.socketpair()
p = subprocess.run(["sh", "-c", script, "sh", lab.helper, str(theirs.fileno()), M], user=UID,
                   group=UID, extra_groups=[], capture_output=True, pass_fds=[theirs.fileno()])
if b"unshare" in p.stderr:
    print("no user namespaces for users here:", p.stderr.decode())
else:
    check(p.returncode == 0 and p.stdout == b"1\n", "in a user namespace", p)

done(lab)
