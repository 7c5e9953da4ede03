# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of mount.fuse3 and umount.fuse3 share: a mount namespace in
which /sbin holds nothing but our two programs and their other names, so that the
real mount(8) and umount(8) run them, and a filesystem that reports its call.

Usage of each test: TEST MOUNT.FUSE3 UMOUNT.FUSE3 PROBEFS [FUSERMOUNT3] [STOCK_HELLO]
"""
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
import unittest

SKIP = 77
BASE = "/mnt"
USER = 54321
LIMIT_S = 90  # more than umount.fuse3 waits, to hear what it says

# What there is to know about a mount beside its filesystem's own options.
FLAGS = {"ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "strictatime", "nosymfollow",
         "sync", "dirsync", "lazytime"}


def skip(why):
    print("skipped:", why)
    sys.exit(SKIP)


def sh(*args):
    subprocess.run(args, check=True)


def enter():
    """Starts the test again in a mount namespace of its own and sets it up."""
    if os.geteuid() != 0:
        skip("needs root, to put programs into /sbin of a private mount namespace")
    if not os.path.exists("/dev/fuse"):
        skip("no /dev/fuse")
    if os.environ.get("PROFUSE_FRONT") != str(os.getppid()):
        env = dict(os.environ, PROFUSE_FRONT=str(os.getpid()))
        child = subprocess.Popen(["unshare", "-m", "--propagation", "private", sys.executable] +
                                 sys.argv, env=env)
        sys.exit(child.wait())
    if stat.S_IMODE(os.stat("/dev/fuse").st_mode) & 0o666 != 0o666:
        print("chmod 0666 /dev/fuse, as distributions have it")
        os.chmod("/dev/fuse", 0o666)
    programs = {}
    while len(sys.argv) > 1 and "/" in sys.argv[1]:
        path = sys.argv.pop(1)
        programs[os.path.basename(path)] = path
    sh("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", BASE)
    for name in ("bin", "sbin", "out", "d", "user"):
        os.mkdir(f"{BASE}/{name}")
    os.chmod(f"{BASE}/out", 0o777)
    os.chown(f"{BASE}/user", USER, USER)
    for name in ("mount.fuse3", "umount.fuse3"):
        shutil.copy(programs.pop(name), f"{BASE}/sbin/{name}")
    for link, to in (("mount.fuse", "mount.fuse3"), ("mount.fuse.byname", "mount.fuse3"),
                     ("umount.fuse", "umount.fuse3")):
        os.symlink(to, f"{BASE}/sbin/{link}")
    for name, path in programs.items():
        shutil.copy(path, f"{BASE}/bin/{name}")
        # mount(8) takes PATH away, and then only system directories count.
        os.symlink(f"{BASE}/bin/{name}", f"{BASE}/sbin/{name}")
    os.symlink(f"{BASE}/bin/probefs", f"{BASE}/sbin/byname")
    if "fusermount3" in programs:
        os.chmod(f"{BASE}/bin/fusermount3", 0o4755)
        # So that the library, whatever path it was built for, finds ours.
        os.environ["FUSERMOUNT_PROG"] = f"{BASE}/bin/fusermount3"
    os.environ["PATH"] = f"{BASE}/bin:{BASE}/sbin:/usr/bin:/bin"
    os.environ["PROBE_OUT"] = f"{BASE}/out"
    open(f"{BASE}/fstab", "w", encoding="utf-8").close()
    for path in ("/etc/fstab", "/etc/passwd", "/etc/group"):
        if not os.path.exists(path):
            open(path, "a", encoding="utf-8").close()
    sh("mount", "--bind", f"{BASE}/sbin", os.path.realpath("/sbin"))
    sh("mount", "--bind", f"{BASE}/fstab", "/etc/fstab")
    for name, line in (("passwd", f"probeuser:x:{USER}:{USER}::/mnt/user:/bin/sh\n"),
                       ("group", f"probeuser:x:{USER}:\nprobegroup:x:{USER + 1}:probeuser\n")):
        shutil.copy(f"/etc/{name}", f"{BASE}/{name}")
        with open(f"{BASE}/{name}", "a", encoding="utf-8") as f:
            f.write(line)
        sh("mount", "--bind", f"{BASE}/{name}", f"/etc/{name}")


class Mounted:
    """A line of mountinfo."""

    def __init__(self, line):
        head, _, tail = line.rstrip("\n").partition(" - ")
        fields = head.split(" ")
        unescape = lambda s: re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), s)
        self.path = unescape(fields[4])
        self.type, source, options = tail.split(" ")
        self.source = unescape(source)
        self.options = options.split(",")
        self.flags = " ".join(sorted(FLAGS & (set(fields[5].split(",")) | set(self.options))))


def mounts(path=None):
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as f:
        found = [Mounted(line) for line in f]
    return [m for m in found if m.type.startswith("fuse") and path in (None, m.path)]


def as_user(*args):
    return ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups") + args


def wait_until(condition, what):
    end = time.monotonic() + 20
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited too long until " + what)
        time.sleep(0.01)


class FrontTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = f"{BASE}/d"
        self.addCleanup(self.clean_up)

    def clean_up(self):
        for pid in self.daemons():
            os.kill(pid, signal.SIGKILL)
        for m in reversed(mounts()):
            subprocess.run(["umount", "-i", "-l", m.path], check=False)
        wait_until(lambda: not self.daemons(), "the filesystems had ended")
        for name in os.listdir(f"{BASE}/out"):
            os.unlink(f"{BASE}/out/{name}")

    def daemons(self):
        """The filesystems of this test."""
        found = []
        for pid in os.listdir("/proc"):
            try:
                # A zombie has none any more; another run of the tests has another /mnt.
                if (os.readlink(f"/proc/{pid}/exe").startswith(f"{BASE}/bin/") and
                        os.stat(f"/proc/{pid}/exe").st_dev == os.stat(f"{BASE}/bin").st_dev):
                    found.append(int(pid))
            except OSError:
                continue
        return found

    def run_it(self, *args, code=0, env=None, cwd=None):
        """Runs a command that must end with this code; returns what it said."""
        run = subprocess.run(args, env=dict(os.environ, **(env or {})), capture_output=True,
                             text=True, timeout=LIMIT_S, check=False, cwd=cwd,
                             stdin=subprocess.DEVNULL)
        self.assertEqual(run.returncode, code, f"{args}\n{run.stdout}{run.stderr}")
        return run.stdout + run.stderr

    def fstab(self, *lines):
        with open(f"{BASE}/fstab", "w", encoding="utf-8") as f:
            f.write("".join(line + "\n" for line in lines))

    def reported(self, name):
        with open(f"{BASE}/out/{name}", encoding="utf-8", errors="surrogateescape") as f:
            return f.read()

    def argv(self):
        return self.reported("argv").split("\0")[:-1]

    def environ(self):
        return dict(v.split("=", 1) for v in self.reported("environ").split("\0") if "=" in v)

    def pid(self):
        """Of the filesystem in the background, which reports it there."""
        wait_until(lambda: os.path.exists(f"{BASE}/out/pid"), "the filesystem ran")
        return int(self.reported("pid"))

    def status(self, key):
        return re.search(rf"^{key}:\s*(.*)$", self.reported("status"), re.M)[1].split()

    def mounted(self, path=None):
        """The one mount at path."""
        found = mounts(path or self.dir)
        self.assertEqual(len(found), 1)
        return found[0]

    def unmount(self, path=None):
        self.run_it("umount", path or self.dir)
        self.assertEqual(mounts(path or self.dir), [])


def main():
    unittest.main(module="__main__")
