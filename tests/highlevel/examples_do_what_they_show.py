# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: ... EXAMPLES-FOLDER NAME

The example NAME, mounted and used as its README says.
"""
import os
import select
import subprocess
import sys
import time

import mounted

EXAMPLES, NAME = sys.argv[1:3]


def program(name=NAME, folder=None):
    return os.path.join(EXAMPLES, folder or name, name)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def changes(what, get, times=3):
    """Sees a value change so often."""
    seen = [get()]

    def changed():
        value = get()
        if value != seen[-1]:
            seen.append(value)
        return len(seen) > times

    mounted.wait_until(what, changed)


def hello():
    with mounted.Mounted([program()]) as m:
        assert os.listdir(m.dir) == ["hello"]
        assert read(m.dir + "/hello") == "Hello, world!\n"
        try:
            open(m.dir + "/hello", "w", encoding="utf-8")
            raise AssertionError("could be written")
        except PermissionError:
            pass
    # It says no inode numbers; with use_ino, too, its file is to be seen.
    for options in ("use_ino", "readdir_ino", "use_ino,readdir_ino"):
        with mounted.Mounted([program(), "-o", options]) as m:
            assert os.listdir(m.dir) == ["hello"], options


def null():
    with mounted.Mounted([program()], on_file=True) as m:
        with open(m.dir, "r+b") as f:
            assert f.read(65536) == bytes(65536)
            f.seek(0)
            assert f.write(b"x" * 100000) == 100000


def ioctl():
    with mounted.Mounted([program()]) as m:
        path = m.dir + "/memory"

        def client(*args):
            return subprocess.run([program("ioctl_client", "ioctl"), path, *args],
                                  capture_output=True, text=True, check=True).stdout.strip()

        with open(path, "w", encoding="utf-8") as f:
            f.write("hello\n")
        assert client() == "6"
        assert client("0", "74") == "104"
        assert read(path) == "Jello\n"
        client("3")
        assert read(path) == "Jel"
        failed = subprocess.run([program("ioctl_client", "ioctl"), path, "99", "0"],
                                capture_output=True, text=True, check=False)
        assert failed.returncode == 1 and "Invalid argument" in failed.stderr


def poll():
    with mounted.Mounted([program()]) as m:
        fds = {os.open(m.dir + "/" + n, os.O_RDONLY): n for n in os.listdir(m.dir)}
        poller = select.poll()
        for fd in fds:
            poller.register(fd, select.POLLIN)
        ticks = {n: 0 for n in fds.values()}

        def ticked():
            for fd, _ in poller.poll(1000):
                ticks[fds[fd]] += len(os.read(fd, 100))
            return ticks["every-1s"] >= 2

        mounted.wait_until("two slow ticks", ticked)
        assert ticks["every-100ms"] > ticks["every-1s"], ticks
        for fd in fds:
            os.close(fd)


def notify_inval_inode():
    with mounted.Mounted([program(), "-o", "interval=0.1"]) as m:
        changes("new contents", lambda: read(m.dir + "/counter"))
    with mounted.Mounted([program(), "-o", "interval=0.05,no_notify"]) as m:
        first = read(m.dir + "/counter")
        time.sleep(0.5)
        assert read(m.dir + "/counter") == first, "the cache was not used"
        m.process.terminate()
        assert m.process.wait(30) == 0 and not mounted.is_mounted(m.dir)


def notify_inval_entry():
    with mounted.Mounted([program(), "-o", "interval=0.2"]) as m:
        name = os.listdir(m.dir)[0]
        mounted.wait_until("the old name to go",
                           lambda: not os.path.exists(os.path.join(m.dir, name)))
        changes("another name", lambda: os.listdir(m.dir))
    with mounted.Mounted([program(), "-o", "interval=0.3,no_notify"]) as m:
        def looked_up():
            found = os.path.join(m.dir, os.listdir(m.dir)[0])
            return found if os.path.exists(found) else None

        mounted.wait_until("a name", looked_up)
        path = looked_up() or looked_up()
        time.sleep(0.7)
        assert os.path.exists(path), "the cache was not used"


def notify_store_retrieve():
    with mounted.Mounted([program(), "-o", "interval=0.1"]) as m:
        changes("new contents", lambda: read(m.dir + "/counter"))
        assert m.log() == "", m.log()


def invalidate_path():
    with mounted.Mounted([program(), "-o", "interval=0.1"]) as m:
        stale = read(m.dir + "/stale")
        changes("another time", lambda: read(m.dir + "/time"))
        assert read(m.dir + "/stale") == stale


def command_line():
    """Help and version need neither a mountpoint nor root, and errors are one sentence."""
    def run(*args):
        return subprocess.run([program(), *args], capture_output=True, text=True, check=False)

    for option in ("-h", "--help"):
        out = run(option)
        assert out.returncode == 0 and out.stdout.startswith("usage: "), out
        assert ("interval=SECONDS" in out.stdout) == ("inval" in NAME or "store" in NAME), out
    out = run("-V")
    assert out.returncode == 0 and "usage" not in out.stdout and not out.stderr, out
    assert "FUSE kernel interface version" in out.stdout, out
    out = run()
    assert out.returncode in (1, 2) and "--help" in out.stderr, out
    out = run("-o", "nonsense", "/tmp")
    assert out.returncode and "nonsense" in out.stderr, out


command_line()
mounted.need_root("mounts")
mounted.need_device()
globals()[NAME]()
