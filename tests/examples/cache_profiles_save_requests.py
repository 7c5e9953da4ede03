# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: ... FILESYSTEM HELLO_LL

What reaches a filesystem with each -o cache=PROFILE, counted in its trace, for
both APIs; that operations without a callback are asked for once; and what a
session says of itself with -d.
"""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../highlevel"))
import mounted  # noqa: E402

AGAIN = 5


class Counted:
    def __init__(self, m):
        self.m = m
        self.before = self.now()

    def now(self):
        return re.findall(r"opcode: (\w+) \(", self.m.log())

    def __getitem__(self, name):
        return self.now()[len(self.before):].count(name)


def look(m):
    """Each thing `AGAIN` times."""
    for _ in range(AGAIN):
        os.stat(m.dir + "/hello")
        assert not os.path.exists(m.dir + "/absent")
        with open(m.dir + "/hello", "rb") as f:
            assert f.read()
        assert os.listdir(m.dir) == ["hello"]


def requests(command, profile, extra=""):
    options = ",".join(o for o in (f"cache={profile}" if profile else "", extra) if o)
    with mounted.Mounted(command + ["-d"] + (["-o", options] if options else [])) as m:
        look(m)
        counted = Counted(m)
        look(m)
        return {op: counted[op] for op in ("LOOKUP", "GETATTR", "READ", "READDIR", "READDIRPLUS")}, m.log()


def profiles(command):
    said, _ = requests(command, "")
    default, log = requests(command, "default")
    assert default == said and "cache=default" in log, (said, default)

    none, log = requests(command, "none")
    assert "cache=none" in log
    # Twice each: by stat and by open.
    assert none["LOOKUP"] >= 3 * AGAIN and none["READ"] >= AGAIN, none
    assert none["READDIR"] + none["READDIRPLUS"] >= AGAIN, none

    for profile in ("aggressive", "immutable"):
        n, log = requests(command, profile)
        assert f"cache={profile}" in log
        assert n["LOOKUP"] == 0 and n["READ"] == 0, (profile, n)
        assert n["READDIR"] + n["READDIRPLUS"] == 0, (profile, n)
    assert n["GETATTR"] == 0, n


def asked_once(command):
    """The kernel remembers ENOSYS for the whole mount."""
    with mounted.Mounted(command + ["-d"]) as m:
        counted = Counted(m)
        path = m.dir + "/hello"
        for i in range(AGAIN):
            for call in (lambda: os.getxattr(path, "user.x"), lambda: os.listxattr(path),
                         lambda: os.setxattr(path, f"user.{i}", b"x"),
                         lambda: os.removexattr(path, "user.x")):
                try:
                    call()
                except OSError:
                    pass
            os.access(path, os.R_OK)
            fd = os.open(path, os.O_RDONLY)
            for call in (lambda: os.fsync(fd), lambda: os.lseek(fd, 0, os.SEEK_HOLE)):
                try:
                    call()
                except OSError:
                    pass
            os.close(fd)
        for op in ("GETXATTR", "LISTXATTR", "SETXATTR", "REMOVEXATTR", "ACCESS", "FLUSH", "FSYNC",
                   "LSEEK"):
            assert counted[op] <= 1, f"{counted[op]} {op}"
        assert counted["GETXATTR"] == 1


def unknown_values_are_refused(command):
    done = subprocess.run(command + ["-f", "-o", "cache=much", "/tmp"], capture_output=True, text=True,
                          check=False, timeout=30)
    assert done.returncode != 0 and "cache=much" in done.stderr, done.stderr


def described(command):
    """Among others the limits, as the kernel has them."""
    with mounted.Mounted(command + ["-d"]) as m:
        os.listdir(m.dir)
        log = m.log()
    assert re.search(r"^   flags: .*ASYNC_READ", log, re.M), log
    assert re.search(r"^   max_write=0x00[0-9a-f]{6}$", log, re.M), log
    assert re.search(r"^   INIT: 7\.\d+$", log, re.M), log


def largest_requests(command):
    """As large as the kernel allows, if a file is right about what that is."""
    limit = "/proc/sys/fs/fuse/max_pages_limit"
    if not os.path.exists(limit):
        return
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as f:
        f.write("1024\n")
        f.flush()
        subprocess.run(["mount", "--bind", f.name, limit], check=True)
    try:
        with mounted.Mounted(command + ["-d"]) as m:
            os.listdir(m.dir)
            assert "max_write=0x00400000" in m.log(), m.log()
    finally:
        subprocess.run(["umount", limit], check=True)


def by_itself(hello):
    """A time that is given beside the profile stands."""
    n, _ = requests(hello, "immutable", "negative_timeout=0")
    assert n["LOOKUP"] == AGAIN, n


def main():
    hello, hello_ll = [sys.argv[1]], [sys.argv[2]]
    mounted.need_root("mounts")
    mounted.need_device()
    mounted.in_a_namespace_of_its_own()
    for command in (hello, hello_ll):
        profiles(command)
        asked_once(command)
        unknown_values_are_refused(command)
        described(command)
        largest_requests(command)
    by_itself(hello)


main()
