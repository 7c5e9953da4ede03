# SPDX-License-Identifier: LGPL-2.1-or-later
"""The place that a program runs in: a mount, process and network namespace of
its own, in which the library and the helper of a column lie over the machine's.

Nothing of the machine is changed. Files lie on a tmpfs that only this namespace
has, and whatever a program leaves behind ends with the namespace.
"""
import ctypes
import fcntl
import os
import random
import re
import shutil
import socket
import struct
import subprocess

UID = 60321
USER = "profuseclient"

MS_BIND, MS_NOATIME = 4096, 1024

libc = ctypes.CDLL(None, use_errno=True)


def mount(source, target, fstype=None, flags=0, data=None):
    def enc(text):
        return None if text is None else os.fsencode(text)
    if libc.mount(enc(source), enc(target), enc(fstype), ctypes.c_ulong(flags), enc(data)) < 0:
        raise OSError(ctypes.get_errno(), f"mount on {target}")


class Mount:
    """A line of mountinfo."""

    def __init__(self, line):
        head, _, tail = line.rstrip("\n").partition(" - ")
        fields = head.split(" ")
        self.path = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[4])
        self.flags = fields[5].split(",")
        self.type, self.source, self.options = (tail.split(" ") + [""])[:3]

    @property
    def fuse(self):
        return re.fullmatch(r"fuse(blk)?(\..*)?", self.type) is not None


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as f:
        return [Mount(line) for line in f]


def mounted_at(path):
    """The topmost mount there, or None."""
    found = [m for m in mounts() if m.path == path]
    return found[-1] if found else None


def stock_library():
    """Where programs find libfuse3.so.3, or None."""
    out = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False)
    found = re.search(r"^\s*libfuse3\.so\.3 .*=> (\S+)", out.stdout, re.M)
    return os.path.realpath(found[1]) if found else None


class World:
    """root/ is the tmpfs; ours/ holds what lies over the machine's files,
    source/ what filesystems show, and work/ is for the program."""

    def __init__(self, root, uid):
        self.root, self.uid = root, uid
        mount("clients", root, "tmpfs", 0, "mode=755,size=4g")
        # Services want to write there, and must not do it for real.
        mount("run", "/run", "tmpfs", 0, "mode=755")
        self.work = self.directory("work")
        self.home = self.directory("home")
        self.source = self.directory("source")
        self.tmp = self.directory("tmp")
        self.runtime = self.directory("runtime", 0o700)
        self.library = None
        self._name_the_user()
        self._loopback()
        fill_source(self.source, uid)

    def directory(self, name, mode=0o755, uid=None):
        path = os.path.join(self.root, name)
        os.mkdir(path)
        os.chown(path, *([self.uid if uid is None else uid] * 2))
        os.chmod(path, mode)
        return path

    def _name_the_user(self):
        """Some programs want their user to have a name."""
        for file, line in (("passwd", f"{USER}:x:{UID}:{UID}::{self.home}:/bin/sh\n"),
                           ("group", f"{USER}:x:{UID}:\n")):
            copy = os.path.join(self.root, file)
            with open("/etc/" + file, encoding="utf-8") as f:
                text = f.read()
            with open(copy, "w", encoding="utf-8") as f:
                f.write(text + line)
            mount(copy, "/etc/" + file, None, MS_BIND)

    @staticmethod
    def _loopback():
        """A new network namespace has lo, but down."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            request = struct.pack("16sH14x", b"lo", 0x1 | 0x40)  # IFF_UP, IFF_RUNNING
            fcntl.ioctl(s, 0x8914, request)  # SIOCSIFFLAGS

    def cover(self, ours, target, mode):
        """Lays a copy of one of our files over one of the machine's."""
        if not ours or not target or not os.path.exists(target):
            return None
        folder = os.path.join(self.root, "ours")
        if not os.path.isdir(folder):
            self.directory("ours", uid=0)
        copy = os.path.join(folder, os.path.basename(target))
        shutil.copyfile(ours, copy)
        os.chmod(copy, mode)
        mount(copy, os.path.realpath(target), None, MS_BIND)
        return copy

    def install(self, library, helper, mount_fuse):
        self.library = self.cover(library, stock_library(), 0o755)
        self.cover(helper, "/usr/bin/fusermount3", 0o4755)
        self.cover(mount_fuse, "/usr/sbin/mount.fuse3", 0o755)

    def users_of_the_library(self):
        """{pid: (whether the library is ours, how many rings it has)} of the
        processes that run with a libfuse3.so.3."""
        ours = os.stat(self.library) if self.library else None
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/maps", encoding="utf-8") as f:
                    lines = [line.split() for line in f if "libfuse3.so.3" in line]
                rings = sum(os.readlink(f"/proc/{pid}/fd/{fd}").startswith("anon_inode:[io_uring")
                            for fd in os.listdir(f"/proc/{pid}/fd"))
            except OSError:
                continue  # it ended meanwhile
            if lines:
                found[int(pid)] = (ours is not None and int(lines[0][4]) == ours.st_ino and
                                   device(lines[0][3]) == ours.st_dev, rings)
        return found


def device(text):
    major, minor = text.split(":")
    return os.makedev(int(major, 16), int(minor, 16))


def fill_source(path, uid):
    """Small files, a long one, a binary one, a symlink; the same every time."""
    rng = random.Random(7)
    os.makedirs(os.path.join(path, "dir/deeper"))
    for i in range(1, 6):
        write(os.path.join(path, f"f{i}"), f"file {i}\n".encode())
        write(os.path.join(path, f"dir/deeper/f{i}"), f"deeper {i}\n".encode())
    write(os.path.join(path, "long"), b"".join(b"%d\n" % i for i in range(20000)))
    write(os.path.join(path, "dir/random"), rng.randbytes(300000))
    os.symlink("dir/random", os.path.join(path, "link"))
    give(path, uid)


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def give(path, uid):
    for folder, _, files in os.walk(path):
        os.chown(folder, uid, uid)
        for name in files:
            os.chown(os.path.join(folder, name), uid, uid, follow_symlinks=False)
