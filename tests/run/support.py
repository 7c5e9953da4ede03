# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of `profuse run` share.

Each program is given the built profuse and the filesystems it may use. They
are copied to a place where an ordinary user can reach them, and everything
runs as such a user; as root only where a test says so.
"""

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

USER = 54321 if os.getuid() == 0 else os.getuid()
LIMIT_S = 60

# Whoever starts the tests may ignore signals (nohup does), and what is ignored
# stays so in every program.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def skip_program(why):
    print(f"skipped: {why}")
    sys.exit(77)


def wait_until(condition, limit_s=20):
    """Waits for a condition; the test fails where it stays false."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited too long")
        time.sleep(0.01)


class RunTest(unittest.TestCase):
    profuse = hello = tiny = memfs = None
    bin = None

    @classmethod
    def set_up_programs(cls, paths):
        cls.bin = tempfile.mkdtemp(prefix="profuse-test-bin-", dir="/tmp")
        os.chmod(cls.bin, 0o755)
        cls.programs = {}
        for path in paths:
            # The library goes by its soname, as in an installation.
            name = re.sub(r"^libfuse3\.so\..*", "libfuse3.so.4", os.path.basename(path))
            copy = os.path.join(cls.bin, name)
            shutil.copy(path, copy)
            os.chmod(copy, 0o755)
            cls.programs[name] = copy
        cls.profuse = cls.programs["profuse"]
        cls.hello = cls.programs.get("stock_hello")
        cls.tiny = cls.programs.get("tinyfs")
        cls.memfs = cls.programs.get("memfs_ll")

    def setUp(self):
        # Everything that a test starts carries its mark in the environment,
        # and makes its temporary files in its own directory.
        self.mark = uuid.uuid4().hex
        self.tmp = tempfile.mkdtemp(prefix="profuse-test-", dir="/tmp")
        os.chown(self.tmp, USER, USER)
        self.env = dict(os.environ, PATH="/usr/sbin:/usr/bin:/sbin:/bin", TMPDIR=self.tmp,
                        LD_LIBRARY_PATH=self.bin, PROFUSE_TEST_MARK=self.mark)
        self.addCleanup(self.clean_up)

    def clean_up(self):
        for pid in self.processes():
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        for name in os.listdir(self.tmp):
            path = os.path.join(self.tmp, name)
            subprocess.run(["umount", "-l", path], capture_output=True, check=False)
        shutil.rmtree(self.tmp, ignore_errors=True)

    def need(self, program):
        if not program:
            self.skipTest("built without the distribution's libfuse3 (libfuse3-dev)")
        return program

    def processes(self):
        """The living processes that this test started."""
        found = []
        mark = f"PROFUSE_TEST_MARK={self.mark}".encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as f:
                    if mark in f.read():
                        found.append(int(pid))
            except OSError:
                pass
        return found

    def popen(self, *args, user=None, **kw):
        if os.getuid() == 0:
            uid = USER if user is None else user
            kw.update(user=uid, group=uid, extra_groups=[])
        kw.setdefault("stdout", subprocess.PIPE)
        kw.setdefault("stderr", subprocess.PIPE)
        kw.setdefault("stdin", subprocess.DEVNULL)
        kw.setdefault("env", self.env)
        kw.setdefault("cwd", self.tmp)
        return subprocess.Popen([str(a) for a in args], text=True, **kw)

    def run_it(self, *args, **kw):
        """Runs `profuse run ARGS` to its end: (status, stdout, stderr)."""
        p = self.popen(self.profuse, "run", *args, **kw)
        try:
            out, err = p.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            self.fail(f"did not end\n{out}\n{err}")
        return p.returncode, out, err

    def assert_nothing_left(self, besides=()):
        wait_until(lambda: not self.processes(), 5)
        # The thread sanitizer starts with a file that a signal may interrupt.
        left = [name for name in os.listdir(self.tmp) if not name.startswith("tsan.")]
        self.assertEqual(sorted(left), sorted(besides))

    def script(self, name, text):
        path = os.path.join(self.tmp, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o755)
        return path


def main(suite):
    """Runs a program's tests; argv is the programs it may use."""
    try:
        usable = stat.S_IMODE(os.stat("/dev/fuse").st_mode) & 0o666 == 0o666
    except OSError:
        usable = False
    if not usable:
        skip_program("/dev/fuse is not there with mode 0666; `make setup' changes that")
    RunTest.set_up_programs(sys.argv[1:])
    try:
        p = subprocess.run(["unshare", "-Ur", "true"], check=False, capture_output=True)
        if p.returncode and os.getuid() != 0:
            skip_program("no user namespaces here: " + p.stderr.decode().strip())
        tests = unittest.defaultTestLoader.loadTestsFromModule(suite)
        result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(tests)
    finally:
        shutil.rmtree(RunTest.bin, ignore_errors=True)
    for _, why in result.skipped:
        print(f"skipped: {why}")
    sys.exit(0 if result.wasSuccessful() else 1)
