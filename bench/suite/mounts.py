# SPDX-License-Identifier: GPL-2.0-or-later
"""Bringing a contender up and down. Everything lives in one temporary directory
and, because the runner has a mount namespace of its own, is gone after it."""
import os
import select
import shutil
import subprocess
import tempfile
import time

FILE_SIZE = 64 << 20
ENTRIES = 10000
DEADLINE = 20


class MountFailed(Exception):
    pass


def is_mounted(path):
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return any(line.split(" ", 5)[4] == path for line in f)


class Mount:
    """A contender that serves; for the length of a with."""

    def __init__(self, command, directory, probe="f"):
        self.command = command
        self.dir = directory
        self.probe = probe
        self.process = None
        self.seconds = 0.0  # from exec to the first answer

    @property
    def pid(self):
        return self.process.pid if self.process else 0

    def __enter__(self):
        os.makedirs(self.dir, exist_ok=True)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        with open("/proc/self/mountinfo", encoding="utf-8") as table:
            change = select.poll()
            change.register(table, select.POLLPRI | select.POLLERR)
            began = time.perf_counter()
            self.process = subprocess.Popen(self.command + [self.dir],
                                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            while not is_mounted(self.dir):
                change.poll(50)
                if self.process.poll() is not None or time.perf_counter() - began > DEADLINE:
                    raise MountFailed(" ".join(self.command) + ": " + self.complaint())
            os.stat(os.path.join(self.dir, self.probe))
            self.seconds = time.perf_counter() - began

    def complaint(self):
        self.process.kill()
        return self.process.stderr.read().decode(errors="replace").strip() or "did not mount"

    def __exit__(self, *_):
        if is_mounted(self.dir):
            subprocess.run(["umount", "-l", self.dir], stderr=subprocess.DEVNULL, check=False)
        if self.process:
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process.stderr.close()


class Native:
    """A tmpfs with the same names; made once, kept for the whole run."""

    pid = 0

    def __init__(self, directory):
        self.dir = directory

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def fill(self):
        os.makedirs(self.dir)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.dir], check=True)
        write_file(os.path.join(self.dir, "f"))
        os.mkdir(os.path.join(self.dir, "d"))
        for i in range(ENTRIES):
            os.close(os.open(os.path.join(self.dir, "d", f"e{i:05}"), os.O_CREAT, 0o644))


def write_file(path):
    with open(path, "wb") as f:
        for _ in range(FILE_SIZE >> 20):
            f.write(os.urandom(1 << 20))


class Arena:
    """The place where all of it happens."""

    def __init__(self, build):
        self.build = build
        self.native = None

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="profuse-bench-")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.dir], check=True)
        self.backing = os.path.join(self.dir, "backing")
        write_file(self.backing)
        return self

    def __exit__(self, *_):
        if self.native:
            subprocess.run(["umount", "-l", self.native.dir], check=False)
        subprocess.run(["umount", "-l", self.dir], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def mount(self, contender, backed=False, number=0):
        """`backed`: the bytes of `f` are those of a file on tmpfs. `number`
        tells several mounts at a time apart."""
        if not contender.program:
            if not self.native:
                self.native = Native(os.path.join(self.dir, "native"))
                self.native.fill()
            return self.native
        command = contender.command(self.build)
        if backed or contender.needs_backing:
            command += ["--backing=" + self.backing]
        return Mount(command, os.path.join(self.dir, f"mnt{number}"))
