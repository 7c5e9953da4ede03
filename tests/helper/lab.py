# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the helper's tests share: a private mount namespace, a setuid copy of
the helper in a directory of root's, users that exist only as numbers, and a
FUSE daemon of a few lines that speaks the bare protocol.

Every test runs as root in a mount namespace of its own, so that whatever it
leaves behind is gone when it ends; it checks all the same that nothing is.
"""
import atexit
import contextlib
import ctypes
import os
import re
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time

# No passwd entry has these, and no other test that runs at the same time.
UID = 100000 + os.getpid() % 500000 * 2
OTHER_UID = UID + 1
SKIP = 77

libc = ctypes.CDLL(None, use_errno=True)
MNT_DETACH = 2
MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE, MS_SHARED = 4096, 8192, 16384, 1 << 18, 1 << 20


def skip(reason):
    print("SKIP:", reason)
    sys.exit(SKIP)


def mount(source, target, fstype=None, flags=0, data=None):
    enc = lambda s: None if s is None else os.fsencode(s)
    if libc.mount(enc(source), enc(target), enc(fstype), ctypes.c_ulong(flags), enc(data)) < 0:
        raise OSError(ctypes.get_errno(), "mount " + str(target))


def umount(target, flags=0):
    if libc.umount2(os.fsencode(target), flags) < 0:
        raise OSError(ctypes.get_errno(), "umount " + str(target))


def enter():
    """Starts the test again as root in a mount namespace of its own."""
    if os.geteuid() != 0:
        skip("needs root to install a setuid copy of the helper")
    if os.environ.get("PROFUSE_LAB") != str(os.getppid()):
        env = dict(os.environ, PROFUSE_LAB=str(os.getpid()))
        child = subprocess.Popen(
            ["unshare", "-m", "--propagation", "private", sys.executable] + sys.argv, env=env)
        sys.exit(child.wait())
    if not os.path.exists("/dev/fuse"):
        skip("no /dev/fuse")
    if stat.S_IMODE(os.stat("/dev/fuse").st_mode) & 0o666 != 0o666:
        print("chmod 0666 /dev/fuse, as distributions have it")
        os.chmod("/dev/fuse", 0o666)


class Mount:
    """A line of mountinfo."""

    def __init__(self, line):
        head, _, tail = line.rstrip("\n").partition(" - ")
        f = head.split(" ")
        self.id, self.parent = int(f[0]), int(f[1])
        unescape = lambda s: re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), s)
        self.path, self.attrs = unescape(f[4]), f[5].split(",")
        self.type, source, self.options = (tail.split(" ") + [""])[:3]
        self.source = unescape(source)
        self.raw = line

    @property
    def fuse(self):
        return re.fullmatch(r"fuse(blk)?(\..*)?", self.type) is not None


def table():
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as f:
        return [Mount(line) for line in f]


def mounts_at(path):
    return [m for m in table() if m.path == path]


def fuse_mounts(below):
    return [m for m in table() if m.fuse and (m.path + "/").startswith(below + "/")]


def wait_until(what, condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("not within %d s: %s" % (seconds, what))
        time.sleep(0.005)


def helpers(uid=None):
    """Pids of running helpers (all names begin alike)."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            text = open("/proc/%s/status" % pid).read()
            if text.startswith("Name:\tfusermount3") and "State:\tZ" not in text:
                owner = int(re.search(r"^Uid:\t(\d+)", text, re.M)[1])
                if owner == uid or (uid is None and owner in (UID, OTHER_UID)):
                    found.append(int(pid))
    return found


class Lab:
    """A directory on a filesystem of its own, with bin/ (root's, the setuid
    helper), home/ (the user's) and other/ (another user's)."""

    def __init__(self, helper, conf="", extra=()):
        self.root = tempfile.mkdtemp(prefix="profuse-helper-")
        atexit.register(self.close)
        os.chmod(self.root, 0o755)
        mount("lab", self.root, "tmpfs", 0, "mode=755")
        self.bin = self.make("bin", 0o755, 0)
        self.helper = self.install(helper, "fusermount3")
        self.home = self.make("home", 0o755, UID)
        self.other = self.make("other", 0o755, OTHER_UID)
        self.conf_path = self.find_conf()
        self.set_conf(conf)
        self.daemons = []

    def make(self, name, mode, uid):
        path = os.path.join(self.root, name)
        os.mkdir(path)
        os.chown(path, uid, uid)
        os.chmod(path, mode)
        return path

    def install(self, binary, name):
        target = os.path.join(self.bin, name)
        shutil.copyfile(binary, target)
        os.chmod(target, 0o4755)
        return target

    def find_conf(self):
        """The fuse.conf that was compiled in; a tmpfs over its directory lets
        the test write it without touching the machine's."""
        out = subprocess.run([self.helper, "-V"], capture_output=True)
        assert out.returncode == 0, out
        with open(self.helper, "rb") as f:
            path = re.search(rb"(/[\w./-]+/fuse\.conf)\0", f.read())[1].decode()
        directory = os.path.dirname(path)
        if os.path.samefile(directory, "/etc") if os.path.exists(directory) else False:
            if not os.path.exists(path):
                skip("%s does not exist and /etc cannot be covered" % path)
            self.conf_file = os.path.join(self.root, "fuse.conf")
            open(self.conf_file, "w").close()
            mount(self.conf_file, path, None, MS_BIND)
            return path
        if not os.path.isdir(directory):
            os.makedirs(directory)
            atexit.register(os.rmdir, directory)
        mount("conf", directory, "tmpfs", 0, "mode=755")
        self.conf_file = path
        return path

    def set_conf(self, text, mode=0o644, uid=0):
        with open(self.conf_file, "w") as f:
            f.write(text)
        os.chown(self.conf_file, uid, uid)
        os.chmod(self.conf_file, mode)

    def dir(self, name, uid=UID, mode=0o755):
        path = os.path.join(self.home, name)
        os.mkdir(path)
        os.chown(path, uid, uid)
        os.chmod(path, mode)
        return path

    wrapper = None  # a program that runs another as a user: [..., "UID", ...]

    def command(self, uid, args, argv0=None, **kw):
        """What to give to subprocess to run the helper as a user."""
        if self.wrapper:
            return dict(kw, args=[str(uid) if w == "UID" else w for w in self.wrapper] +
                        [self.helper, *args])
        return dict(kw, args=[argv0 or self.helper, *args], executable=self.helper, user=uid,
                    group=uid, extra_groups=[])

    def run(self, *args, uid=UID, env=None, argv0="fusermount3", cwd="/", **kw):
        """Runs the helper as a user and returns (status, stderr)."""
        p = subprocess.run(**self.command(uid, args, argv0, **kw), env=env or {}, cwd=cwd,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=60)
        return p.returncode, p.stderr.decode("utf-8", "surrogateescape")

    def start(self, *args, uid=UID, kind=socket.SOCK_STREAM):
        """A helper that runs, and the other end of its socket."""
        mine, theirs = socket.socketpair(socket.AF_UNIX, kind)
        with theirs:
            n = theirs.fileno()
            p = subprocess.Popen(**self.command(uid, args), pass_fds=[n], stderr=subprocess.PIPE,
                                 cwd="/", env={"_FUSE_COMMFD": str(n)})
        return p, mine

    def mount(self, path, *args, kind=socket.SOCK_STREAM, serve=True, **kw):
        """Mounts the way a library does. Returns a Daemon, or raises Refused."""
        mine, theirs = socket.socketpair(socket.AF_UNIX, kind)
        with theirs:
            status, text = self.run(*args, path, pass_fds=[theirs.fileno()],
                                    env={"_FUSE_COMMFD": str(theirs.fileno())}, **kw)
        device = receive_device(mine)
        if status != 0 or device is None:
            mine.close()
            if device is not None:
                os.close(device)
            raise Refused(status, text, device is not None)
        d = Daemon(device, mine, path, text)
        self.daemons.append(d)
        if serve:
            d.start()
        return d

    def start_auto(self, path, *args, serve=True, **kw):
        """Like mount, with a helper that stays; it becomes d.helper."""
        p, mine = self.start(*args, path, **kw)
        device = receive_device(mine, wait=20)
        if device is None:
            mine.close()
            raise Refused(p.wait(20), p.stderr.read().decode(), False)
        p.stderr.close()
        d = Daemon(device, mine, path, "")
        d.helper = p
        self.daemons.append(d)
        if serve:
            d.start()
        return d

    def shell(self, script, *args, uid=UID):
        """A process of the user's that runs until it is killed."""
        return subprocess.Popen(["sh", "-c", script, "sh", *args], user=uid, group=uid,
                                extra_groups=[], cwd="/", stdout=subprocess.PIPE)

    def stand_in(self, path, uid=UID):
        """Keeps a mount busy."""
        p = self.shell('cd "$1" && echo && exec sleep 1000', path, uid=uid)
        assert p.stdout.read(1) == b"\n", "cannot enter " + path
        return p

    def unmount(self, path, *args, **kw):
        return self.run("-u", *args, path, **kw)

    def clean(self):
        """Takes down all FUSE mounts of the lab; returns how many there were."""
        for d in self.daemons:
            d.crash()
        self.daemons.clear()
        n = 0
        for m in reversed(fuse_mounts(self.root)):
            with contextlib.suppress(OSError):
                umount(m.path, MNT_DETACH)
            n += 1
        return n

    def close(self):
        self.clean()
        for pid in helpers():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            umount(self.root, MNT_DETACH)
        with contextlib.suppress(OSError):
            os.rmdir(self.root)


class Refused(Exception):
    def __init__(self, status, text, got_device):
        super().__init__("exit %d, %r%s" % (status, text, ", device sent" if got_device else ""))
        self.status, self.text, self.got_device = status, text, got_device


def receive_device(sock, wait=0):
    """The descriptor, or None when the other end has sent none."""
    sock.settimeout(wait or 0.5)
    try:
        data, fds, _, _ = socket.recv_fds(sock, 1, 4)
    except (TimeoutError, BlockingIOError, ConnectionResetError):
        return None
    finally:
        sock.settimeout(None)
    assert len(fds) <= 1 and (not fds or data == b"\0"), (data, fds)
    return fds[0] if fds else None


class Daemon:
    """Answers INIT, GETATTR, OPENDIR, READDIR, STATFS and the like for a root
    directory (or file) with one directory, sub; the rest is ENOENT or ENOSYS."""

    INIT, GETATTR, LOOKUP, STATFS, OPENDIR, READDIR = 26, 3, 1, 17, 27, 28
    RELEASEDIR, ACCESS, FLUSH, FORGET, INTERRUPT, BATCH_FORGET = 29, 34, 25, 2, 36, 42

    def __init__(self, device, sock, path, text):
        self.device, self.sock, self.path, self.text = device, sock, path, text
        self.helper = None
        self.thread = None
        self.stop = threading.Event()
        self.requests = 0

    def start(self):
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def reply(self, unique, error=0, body=b""):
        with contextlib.suppress(OSError):
            os.write(self.device, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)

    def serve(self):
        os.set_blocking(self.device, False)
        poller = select.poll()
        poller.register(self.device, select.POLLIN)
        while not self.stop.is_set():
            if not poller.poll(5):
                continue
            try:
                request = os.read(self.device, 1 << 20)
            except BlockingIOError:
                continue
            except OSError:
                return
            self.answer(request)

    def answer(self, request):
        self.requests += 1
        _, op, unique, node = struct.unpack_from("<IIQQ", request)
        if op in (self.FORGET, self.INTERRUPT, self.BATCH_FORGET):
            return
        if op == self.INIT:
            body = struct.pack("<IIIIHHIIHH", 7, 31, 65536, 0, 12, 9, 65536, 1, 16, 0)
            self.reply(unique, 0, body + bytes(64 - len(body)))
        elif op == self.GETATTR:
            self.reply(unique, 0, struct.pack("<QII", 0, 0, 0) + self.attr(node))
        elif op == self.LOOKUP and request[40:] == b"sub\0":
            self.reply(unique, 0, struct.pack("<QQQQII", 2, 0, 60, 0, 0, 0) + self.attr(2))
        elif op == self.STATFS:
            self.reply(unique, 0, bytes(80))
        elif op == self.OPENDIR:
            self.reply(unique, 0, bytes(16))
        elif op in (self.READDIR, self.RELEASEDIR, self.ACCESS, self.FLUSH):
            self.reply(unique)
        else:
            self.reply(unique, 2 if op == self.LOOKUP else 38)

    file_mode = False

    def attr(self, node):
        mode = 0o100644 if self.file_mode and node == 1 else 0o40755
        return struct.pack("<QQQQQQIIIIIIIIII", node, 0, 0, 0, 0, 0, 0, 0, 0, mode, 2, UID, UID, 0,
                           4096, 0)

    def crash(self):
        """What the kernel does for a daemon that is killed: its threads end
        first, then its descriptors are closed."""
        self.stop.set()
        if self.thread:
            self.thread.join()
            self.thread = None
        self.sock.close()
        if self.device >= 0:
            os.close(self.device)
            self.device = -1


_failures = 0


def check(condition, *what):
    """Counts instead of ending at the first: one run shows all that is wrong."""
    global _failures
    if not condition:
        _failures += 1
        print("FAILED:", *what)
    return condition


def done(lab=None):
    if lab:
        left = [m.raw for m in fuse_mounts(lab.root)]
        check(lab.clean() == 0 or not left, "mounts left behind:", left)
        try:
            wait_until("all helpers have ended", lambda: not helpers(), 10)
        except AssertionError as e:
            check(False, e, helpers())
    print("failed: %d" % _failures if _failures else "all as expected")
    sys.exit(1 if _failures else 0)
