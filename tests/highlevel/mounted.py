# SPDX-License-Identifier: LGPL-2.1-or-later
"""Filesystems mounted for a test.

    with Mounted([program, "-o", "x", source], log=...) as m:
        ... m.dir ...

The program runs in the foreground (-f is added) and gets the mount point as
its last argument. Afterwards it is unmounted and must have ended with status 0.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

LIMIT_S = 30


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def need_device():
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as e:
        skip(f"/dev/fuse: {e.strerror}")


def need_root(why):
    if os.getuid() != 0:
        skip(f"needs root: {why}")


def in_a_namespace_of_its_own():
    """Begins the test again where its mounts are nobody else's."""
    if "IN_NAMESPACE" not in os.environ:
        os.environ["IN_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable]
                  + sys.argv)


def wait_until(what, condition, limit_s=LIMIT_S):
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit_s} s in vain: {what}")
        time.sleep(0.01)


def is_mounted(path):
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return any(line.split()[4] == path for line in f)


def kernel_has_rings():
    try:
        with open("/sys/module/fuse/parameters/enable_uring", encoding="ascii") as f:
            return f.read().strip() == "Y"
    except OSError:
        return False


def uses_rings(pid):
    """Rings that a daemon gave up, or never had, are no open files of it."""
    directory = f"/proc/{pid}/fd"
    for fd in os.listdir(directory):
        try:
            if os.readlink(os.path.join(directory, fd)) == "anon_inode:[io_uring]":
                return True
        except FileNotFoundError:
            pass
    return False


class Mounted:
    def __init__(self, command, on_file=False, env=None, status=0):
        self.command = command
        self.on_file = on_file
        self.env = dict(os.environ, **(env or {}))
        self.status = status

    def __enter__(self):
        self.tmp = tempfile.mkdtemp(prefix="profuse-hl-", dir="/tmp")
        self.dir = os.path.join(self.tmp, "mnt")
        if self.on_file:
            open(self.dir, "w", encoding="utf-8").close()
        else:
            os.mkdir(self.dir)
        self.log_path = os.path.join(self.tmp, "log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                self.command + ["-f", self.dir], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=self.env)
        try:
            wait_until("the mount", lambda: is_mounted(self.dir) or
                       self.process.poll() is not None)
            if self.process.poll() is not None:
                raise AssertionError(f"{self.command}: exit {self.process.returncode}\n"
                                     + self.log())
            self.check_rings()
        except BaseException:
            self.clean_up()
            raise
        return self

    def check_rings(self):
        """A run over the device under another name tests nothing."""
        words = {w for w in ",".join(self.command).split(",")
                 if w.split("=")[0] == "io_uring" and w != "io_uring=off"}
        if not words or not kernel_has_rings():
            return
        os.statvfs(self.dir)  # after INIT
        assert uses_rings(self.process.pid), \
            f"{self.command}: the kernel offers rings and none is used\n" + self.log()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def requests(self, name):
        """How many of them came; with -d."""
        return len(re.findall(rf"opcode: {name} \(", self.log()))

    def unmount(self):
        subprocess.run(["umount", self.dir], check=True, timeout=LIMIT_S)
        assert self.process.wait(LIMIT_S) == self.status, \
            f"{self.command}: exit {self.process.returncode}\n" + self.log()

    def clean_up(self):
        subprocess.run(["umount", "-l", self.dir], capture_output=True, check=False)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        shutil.rmtree(self.tmp, ignore_errors=True)

    def __exit__(self, kind, value, trace):
        try:
            if kind is None and is_mounted(self.dir):
                self.unmount()
            elif kind is not None:
                print(self.log(), file=sys.stderr)
        finally:
            self.clean_up()
