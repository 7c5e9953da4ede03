# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: ... PROGRAM [OPTION...]

The program hands open files to the kernel, which then writes to them without asking for
security.capability again and again. All the same, what a write takes away is taken away, below
and in the mount: set-user-ID, set-group-ID and file capabilities, also if a file got them while it was
open. The source itself is the control.
"""
import mmap
import os
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../highlevel"))
import mounted  # noqa: E402

OWNER, WRITER, GROUP = 4001, 4002, 4003
WRITES = 50
# Revision 2; CAP_NET_RAW is permitted.
CAPABILITY = struct.pack("<5I", 0x02000000, 1 << 13, 0, 0, 0)


def as_user(uid, what, groups=()):
    """In a process of that user, which may not fail."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups(groups)
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            what()
        except BaseException as e:  # pylint: disable=broad-except
            print(f"user {uid}: {e!r}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0, f"user {uid} failed"


def mode(path):
    return os.stat(path).st_mode & 0o7777


def capability(path):
    return "security.capability" in os.listxattr(path)


class File:
    """A file of OWNER that all may write. It got its bits while it was open."""

    def __init__(self, top, source, bits=0o6777, group=OWNER):
        self.path, self.below = f"{top}/f", f"{source}/f"
        with open(self.path, "wb") as f:
            f.write(bytes(8192))
        os.chown(self.path, OWNER, group)
        os.chmod(self.path, 0o777)
        self.fd = os.open(self.path, os.O_RDWR)
        os.pwrite(self.fd, b"x", 0)
        os.chmod(self.path, bits)
        os.setxattr(self.path, "security.capability", CAPABILITY)
        self.expect("made", bits, True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)
        os.unlink(self.path)

    def expect(self, what, bits, has_capability=False):
        for path in (self.below, self.path):
            assert mode(path) == bits, f"{what}: mode {mode(path):o}, not {bits:o}, of {path}"
            assert capability(path) == has_capability, f"{what}: capability of {path}"


def by_name(flags, what):
    return lambda f: what(os.open(f.path, flags))


CHANGES = {
    "write": lambda f: os.pwrite(f.fd, b"x", 0),
    "append": by_name(os.O_WRONLY | os.O_APPEND, lambda fd: os.write(fd, b"x")),
    "direct write": by_name(os.O_WRONLY | os.O_DIRECT,
                            lambda fd: os.pwritev(fd, [mmap.mmap(-1, 4096)], 0)),
    "fallocate": lambda f: os.posix_fallocate(f.fd, 0, 10000),
    "copy_file_range": by_name(os.O_RDWR, lambda fd: os.copy_file_range(fd, fd, 100, 0, 4096)),
    "ftruncate": lambda f: os.ftruncate(f.fd, 10),
    "truncate": lambda f: os.truncate(f.path, 10),
    "O_TRUNC": by_name(os.O_WRONLY | os.O_TRUNC, os.close),
}


def changes_take_all(top, source):
    for what, change in CHANGES.items():
        for who in (WRITER, OWNER):
            with File(top, source) as f:
                as_user(who, lambda: change(f))
                f.expect(f"{what} by {who}", 0o777)


def members_keep_setgid_of_no_program(top, source):
    with File(top, source, bits=0o2767, group=GROUP) as f:
        as_user(WRITER, lambda: CHANGES["truncate"](f), groups=[GROUP])
        f.expect("truncate by a member", 0o2767)
        as_user(WRITER, lambda: CHANGES["truncate"](f))
        f.expect("truncate by another", 0o767)


def stores_take_nothing(top, source):
    def store():
        with mmap.mmap(f.fd, 4096) as m:
            m[0] = 1
            m.flush()
    with File(top, source) as f:
        as_user(WRITER, store)
        f.expect("store", 0o6777, True)


def a_new_owner_takes_all(top, source):
    with File(top, source) as f:
        os.chown(f.path, WRITER, -1)
        f.expect("chown", 0o777)


def root_keeps_bits(top, source, m):
    """Of a file that had them when it was opened; and of others where the kernel does not write."""
    of_open_files = m is None
    with File(top, source) as f:
        os.pwrite(f.fd, b"x", 0)
        f.expect("write by root", 0o6777 if of_open_files else 0o777)
    with File(top, source) as f:
        os.close(f.fd)
        # To take this away the kernel asks in the same way as for all to be taken away.
        os.removexattr(f.path, "security.capability")
        if m:
            mounted.wait_until("the file to be closed", lambda: all_closed(m))
        f.fd = os.open(f.path, os.O_RDWR)
        os.pwrite(f.fd, b"x", 0)
        f.expect("write by root, opened again", 0o6777)
        as_user(WRITER, lambda: CHANGES["write"](f))
        f.expect("write by another, opened again", 0o777)


def all_closed(m):
    """And answered."""
    closed = re.findall(r"unique: (\d+), opcode: RELEASE \(", m.log())
    return len(closed) == m.requests("OPEN") + m.requests("CREATE") and \
        f"unique: {closed[-1]}, success" in m.log()


def all_goes(top, source, m=None):
    changes_take_all(top, source)
    members_keep_setgid_of_no_program(top, source)
    stores_take_nothing(top, source)
    a_new_owner_takes_all(top, source)
    root_keeps_bits(top, source, m)


def nothing_is_asked_again(m):
    """While nobody looks at the attributes. Both times of another file, whose inode is new."""
    for user in (0, WRITER):
        path = f"{m.dir}/asked{user}"
        with open(path, "wb"):
            os.chmod(path, 0o777)
        before = {name: m.requests(name) for name in ("GETXATTR", "WRITE", "SETATTR")}
        fd = os.open(path, os.O_RDWR)
        as_user(user, lambda: [os.pwrite(fd, b"x", i) for i in range(WRITES)])
        os.close(fd)
        n = {name: m.requests(name) - before[name] for name in before}
        assert n["GETXATTR"] <= 2 and n["WRITE"] == n["SETATTR"] == 0, n
        os.unlink(path)


def main():
    program = [os.path.abspath(sys.argv[1])] + sys.argv[2:]
    mounted.need_root("several users, and mounts")
    mounted.need_device()
    mounted.in_a_namespace_of_its_own()
    source = tempfile.mkdtemp(prefix="profuse-setuid-", dir="/tmp")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", source], check=True)
    try:
        all_goes(source, source)
        options = ["-d", "-o", "allow_other,suid"]
        if os.path.basename(program[0]) == "passthrough_ll":
            options += ["-o", f"source={source}"]
        else:
            options += [source]
        with mounted.Mounted(program + options) as m:
            os.chmod(m.tmp, 0o755)
            nothing_is_asked_again(m)
            all_goes(m.dir, source, m)
    finally:
        subprocess.run(["umount", "-l", source], check=False)
        os.rmdir(source)


main()
