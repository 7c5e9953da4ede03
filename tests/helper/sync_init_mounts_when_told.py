# SPDX-License-Identifier: LGPL-2.1-or-later
"""--sync-init: the device first, the mount when the caller says so, then how
it went; and what a caller may try in between."""
import sys

from lab import *

enter()
lab = Lab(sys.argv[1])
M = lab.dir("m")


class Waiting:
    """A helper that has sent the device and waits."""

    def __init__(self, path, *args, **kw):
        self.p, self.sock = lab.start("--sync-init", *args, path, **kw)
        self.device = receive_device(self.sock, wait=20)
        self.path = path

    def go(self):
        """The status that the helper sends."""
        self.daemon = Daemon(self.device, self.sock, self.path, "")
        self.daemon.start()
        self.sock.send(b"g")
        self.sock.settimeout(20)
        data = self.sock.recv(16)
        return struct.unpack("<i", data)[0] if len(data) == 4 else data

    def text(self):
        return self.p.stderr.read().decode()

    def end(self):
        if hasattr(self, "daemon"):
            self.daemon.crash()
        elif self.device is not None:
            os.close(self.device)
        self.sock.close()
        self.p.wait(20)
        self.p.stderr.close()


for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
    w = Waiting(M, "-o", "ro", kind=kind)
    check(w.device is not None and not mounts_at(M), "mounted before it was told to")
    check(w.go() == 0 and w.p.wait(20) == 0, "status", w.text())
    check("ro" in mounts_at(M)[0].attrs, mounts_at(M)[0].raw)
    check(lab.unmount(M) == (0, ""), "-u")
    w.end()

# Refusals come before the device.
for path, args in ((lab.other, ()), (M, ("-o", "allow_other")), (M, ("-o", "foo"))):
    w = Waiting(path, *args)
    check(w.device is None and w.p.wait(20) == 1, "refusal of", path, args)
    w.end()

# The caller goes away instead.
w = Waiting(M)
w.sock.close()
check(w.p.wait(20) == 1 and not mounts_at(M), "the caller has gone")
w.end()
w = Waiting(M)
w.sock.shutdown(socket.SHUT_WR)
check(w.p.wait(20) == 1 and not mounts_at(M), "the caller will not say")
w.end()

# With the parent swapped for another in between, the mount is where it was
# checked, and not in the victim.
P, VICTIM = lab.dir("p"), lab.make("victim", 0o755, 0)
os.mkdir(P + "/x")
os.chown(P + "/x", UID, UID)
os.mkdir(VICTIM + "/x")
for how in ("rename", "symlink"):
    w = Waiting(P + "/x")
    os.rename(P, P + ".old")
    if how == "symlink":
        os.symlink(VICTIM, P)
    else:
        os.mkdir(P)
        os.mkdir(P + "/x")
    check(w.go() == 0, how, w.text())
    check(mounts_at(P + ".old/x") and not mounts_at(VICTIM + "/x") and not mounts_at(P + "/x"),
          how, [m.raw for m in fuse_mounts(lab.root)])
    check(lab.unmount(P + ".old/x") == (0, ""), "-u")
    w.end()
    if how == "symlink":
        os.unlink(P)
    else:
        os.rmdir(P + "/x")
        os.rmdir(P)
    os.rename(P + ".old", P)

# What became of the mountpoint counts: rights, a mount on top, its removal.
w = Waiting(P + "/x")
os.chown(P + "/x", 0, 0)
status = w.go()
check(status < 0 and w.p.wait(20) == 1 and not mounts_at(P + "/x"), "rights were lost:", status)
check("no write access" in w.text(), "message")
w.end()
os.chown(P + "/x", UID, UID)
w = Waiting(P + "/x")
mount("lid", P + "/x", "tmpfs", 0, "mode=755")
status = w.go()
check(status < 0 and w.p.wait(20) == 1 and not fuse_mounts(P), "root mounted there:", status,
      w.text(), [m.raw for m in fuse_mounts(P)])
check(len(mounts_at(P + "/x")) == 1, "root's mount is gone")
w.end()
umount(P + "/x")
w = Waiting(P + "/x")
os.rmdir(P + "/x")
status = w.go()
check(status < 0 and w.p.wait(20) == 1 and not fuse_mounts(P), "it was removed:", status)
w.end()
os.mkdir(P + "/x")
os.chown(P + "/x", UID, UID)

# Together with auto_unmount.
w = Waiting(M, "-o", "auto_unmount")
check(w.go() == 0, "status")
check(mounts_at(M) and w.p.poll() is None, "the helper should stay")
w.daemon.crash()
wait_until("the mount has gone", lambda: not mounts_at(M))
check(w.p.wait(20) == 0, "exit")
w.end()

# No more than 16 of one user's helpers wait; another user is not affected.
many = [Waiting(M) for _ in range(24)]
check(sum(w.device is not None for w in many) == 16, "of 24 helpers wait",
      sum(w.device is not None for w in many))
check(len(helpers(UID)) <= 16, len(helpers(UID)), "helpers wait")
THEIRS = os.path.join(lab.other, "m")
os.mkdir(THEIRS)
os.chown(THEIRS, OTHER_UID, OTHER_UID)
w = Waiting(THEIRS, uid=OTHER_UID)
check(w.device is not None, "another user may not wait", w.device is None and w.text())
for x in many + [w]:
    x.end()
check(not helpers(), "they end with their callers")

# And none waits for ever.
if os.environ.get("PROFUSE_LONG"):
    w = Waiting(M)
    start = time.monotonic()
    check(w.p.wait(60) == 1 and time.monotonic() - start < 31, "the deadline")
    w.end()

done(lab)
