#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""umount.fuse3: when it returns, the filesystem has written everything back and
its process has ended; or it says that it has not."""
import os
import signal
import subprocess
import time

import front
from front import BASE, USER, FrontTest, as_user, wait_until


class UmountTest(FrontTest):
    def mount(self, *options, path=None, destroy_ms=0, user=False, **env):
        env = {"PROBE_DESTROY_MS": str(destroy_ms), **env}
        args = ("probefs", path or self.dir) + options
        self.run_it(*(as_user(*args) if user else args), env=env)
        return self.pid()

    def destroyed(self):
        return os.path.exists(f"{BASE}/out/destroyed")

    def ended(self, pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                return f.read().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    def check_done(self, pid):
        self.assertEqual(front.mounts(self.dir), [])
        self.assertTrue(self.destroyed())
        self.assertTrue(self.ended(pid))


class Waiting(UmountTest):
    def test_it_waits_for_destroy(self):
        pid = self.mount(destroy_ms=1000)
        self.run_it("umount.fuse3", self.dir)
        self.check_done(pid)

    def test_so_does_umount(self):
        pid = self.mount(destroy_ms=1000)
        self.assertEqual(self.run_it("umount", self.dir), "")
        self.check_done(pid)

    def test_umount_alone_does_not(self):
        """The control: this is what it is good for."""
        self.mount(destroy_ms=1000)
        self.run_it("umount", "-i", self.dir)
        self.assertFalse(self.destroyed())

    def test_a_user_too(self):
        for args in (("umount.fuse3",), ("umount",)):
            with self.subTest(args):
                pid = self.mount(path=f"{BASE}/user", destroy_ms=500, user=True)
                self.run_it(*as_user(*args, f"{BASE}/user"))
                self.check_done(pid)
                self.clean_up()

    def test_root_unmounts_what_it_may_not_look_into(self):
        pid = self.mount(path=f"{BASE}/user", destroy_ms=500, user=True)
        with self.assertRaises(PermissionError):
            os.listdir(f"{BASE}/user")
        self.run_it("umount", f"{BASE}/user")
        self.check_done(pid)

    def test_what_fstab_lets_everybody_unmount(self):
        self.fstab(f"src {self.dir} fuse.probefs "
                   "users,noauto,fsname=src,subtype=probefs 0 0")
        self.run_it("mount", self.dir)
        self.run_it(*as_user("umount", self.dir))
        self.assertEqual(front.mounts(self.dir), [])
        # And nothing else.
        self.fstab()
        self.run_it("mount", "-t", "fuse.probefs", "src", self.dir)
        said = self.run_it(*as_user("umount", self.dir), code=1)
        self.assertIn("Operation not permitted", said)
        self.assertEqual(len(front.mounts(self.dir)), 1)

    def test_it_says_so_when_it_takes_long(self):
        pid = self.mount(destroy_ms=2500)
        said = self.run_it("umount.fuse3", self.dir)
        self.assertIn(f"{self.dir} is unmounted; waiting for its process {pid} (probefs) to end",
                      said)
        self.check_done(pid)

    def test_a_limit(self):
        for args, env in ((("-o", "timeout=1"), {}), ((), {"UMOUNT_FUSE_TIMEOUT": "1"})):
            with self.subTest(args):
                pid = self.mount(PROBE_STAYS="1")
                said = self.run_it("umount.fuse3", *args, self.dir, code=64, env=env)
                self.assertIn(f"its process {pid} (probefs) is still running after 1 s", said)
                self.assertEqual(front.mounts(self.dir), [])
                os.kill(pid, signal.SIGTERM)
                self.clean_up()

    def test_no_waiting(self):
        pid = self.mount(PROBE_STAYS="1")
        self.run_it("umount.fuse3", "-o", "timeout=0", self.dir)
        self.assertFalse(self.ended(pid))
        os.kill(pid, signal.SIGTERM)

    def test_interrupted(self):
        pid = self.mount(PROBE_STAYS="1")
        with subprocess.Popen(["umount.fuse3", self.dir], stderr=subprocess.PIPE) as front_end:
            wait_until(self.destroyed, "it was unmounted")
            front_end.send_signal(signal.SIGINT)
            said = front_end.communicate(timeout=front.LIMIT_S)[1]
            self.assertEqual(front_end.returncode, 8)
            self.assertIn(b"still running", said)
        os.kill(pid, signal.SIGTERM)

    def test_the_filesystem_that_unmounts_itself_is_not_waited_for(self):
        """It waits for umount; umount waiting for it would last for ever."""
        for program in ("/usr/bin/umount", f"{BASE}/sbin/umount.fuse3"):
            with self.subTest(program):
                pid = self.mount(PROBE_UMOUNT=program)
                start = time.monotonic()
                os.kill(pid, signal.SIGUSR1)
                wait_until(lambda: self.ended(pid), "it ended")
                self.assertLess(time.monotonic() - start, 10)
                self.assertEqual(self.reported("unmounted"), "0")
                self.check_done(pid)
                self.clean_up()

    def test_the_distributions_libfuse(self):
        if not os.path.exists(f"{BASE}/bin/stock_hello"):
            self.skipTest("built without the distribution's libfuse3 (libfuse3-dev)")
        self.run_it("stock_hello", self.dir)
        self.assertEqual(len(self.daemons()), 1)
        self.run_it("umount", self.dir)
        self.assertEqual(self.daemons(), [])


class WhatIsUnmounted(UmountTest):
    def test_the_mount_on_top(self):
        first = self.mount("-o", "fsname=first")
        os.unlink(f"{BASE}/out/pid")
        second = self.mount("-o", "fsname=second")
        self.run_it("umount.fuse3", self.dir)
        self.assertEqual([m.source for m in front.mounts(self.dir)], ["first"])
        self.assertTrue(self.ended(second))
        self.assertFalse(self.ended(first))
        self.run_it("umount.fuse3", self.dir)
        self.assertTrue(self.ended(first))

    def test_other_names_of_the_same_place(self):
        os.symlink(self.dir, f"{BASE}/link")
        for path in (self.dir + "/", f"{BASE}/./bin/../d", f"{BASE}/link", "d"):
            with self.subTest(path):
                pid = self.mount()
                self.run_it("umount.fuse3", path, cwd=BASE)
                self.check_done(pid)
                self.clean_up()
        os.unlink(f"{BASE}/link")

    def test_a_file(self):
        """Not a directory: what is mounted may be a single file."""
        open(f"{BASE}/file", "w", encoding="utf-8").close()
        pid = self.mount()
        subprocess.run(["umount", "-i", self.dir], check=True)
        wait_until(lambda: self.ended(pid), "it ended")
        said = self.run_it("umount.fuse3", f"{BASE}/file", code=32)
        self.assertIn("not mounted", said)

    def test_nothing_but_fuse(self):
        self.assertIn("none of FUSE", self.run_it("umount.fuse3", BASE, code=1))
        self.assertIn("not mounted", self.run_it("umount.fuse3", self.dir, code=32))
        self.assertIn("No such file", self.run_it("umount.fuse3", f"{BASE}/none", code=32))

    def test_another_place_keeps_the_filesystem(self):
        os.mkdir(f"{BASE}/other")
        pid = self.mount()
        subprocess.run(["mount", "--bind", self.dir, f"{BASE}/other"], check=True)
        said = self.run_it("umount.fuse3", "-v", self.dir)
        self.assertIn("still in use", said)
        self.assertFalse(self.ended(pid))
        self.run_it("umount.fuse3", f"{BASE}/other")
        self.check_done(pid)
        os.rmdir(f"{BASE}/other")

    def test_a_process_with_two_filesystems_is_not_waited_for(self):
        """It goes on, and letting go of the one is all one can ask."""
        os.mkdir(f"{BASE}/other")
        pid = self.mount(PROBE_ALSO=f"{BASE}/other")
        self.run_it("umount.fuse3", f"{BASE}/other")
        self.assertFalse(self.ended(pid))
        self.assertEqual(len(front.mounts(self.dir)), 1)
        self.run_it("umount.fuse3", self.dir)
        self.check_done(pid)
        os.rmdir(f"{BASE}/other")

    def test_wrong_calls(self):
        for args in ((), ("a", "b"), ("-y", "a"), ("-o", "timeout", "a"), ("-o", "timeout=x", "a"),
                     ("-o", "timeout=-1", "a"), ("-o", "other", "a")):
            with self.subTest(args):
                self.assertIn("usage:", self.run_it("umount.fuse3", *args, code=1))

    def test_help_and_version(self):
        self.assertIn("usage:", self.run_it("umount.fuse3", "--help"))
        self.assertIn("profuse", self.run_it("umount.fuse3", "-V"))


class Trouble(UmountTest):
    def in_use(self, path=None):
        process = subprocess.Popen(["sleep", "1000"], cwd=path or self.dir)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_busy(self):
        self.mount()
        self.in_use()
        said = self.run_it("umount", self.dir, code=32)
        self.assertIn("Device or resource busy", said)
        self.assertIn("hint:", said)
        self.assertEqual(len(front.mounts(self.dir)), 1)

    def test_busy_and_read_only_instead(self):
        self.mount("-o", "noexec")
        self.in_use()
        self.run_it("umount", "-r", self.dir)
        self.assertEqual(self.mounted().flags, "nodev noexec nosuid ro")

    def test_lazy(self):
        pid = self.mount()
        process = self.in_use()
        self.run_it("umount", "-l", self.dir)
        self.assertEqual(front.mounts(self.dir), [])
        self.assertFalse(self.ended(pid))
        process.kill()
        wait_until(lambda: self.ended(pid), "it ended with its last user")

    def test_lazy_waits_where_nobody_uses_it(self):
        pid = self.mount(destroy_ms=500)
        self.run_it("umount", "-l", self.dir)
        self.check_done(pid)

    def test_a_dead_mount(self):
        pid = self.mount()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.ended(pid), "it was dead")
        self.run_it("umount.fuse3", self.dir)
        self.assertEqual(front.mounts(self.dir), [])

    def test_a_hung_filesystem(self):
        """Stopped, with somebody waiting for it: nothing of ours may wait."""
        pid = self.mount()
        os.kill(pid, signal.SIGSTOP)
        for args in (("-f",), ("-l",)):
            with self.subTest(args):
                if not front.mounts(self.dir):
                    self.clean_up()
                    pid = self.mount()
                    os.kill(pid, signal.SIGSTOP)
                waiting = subprocess.Popen(["stat", self.dir], stderr=subprocess.DEVNULL)
                self.addCleanup(waiting.wait)
                self.addCleanup(waiting.kill)
                wait_until(lambda: self.waits(waiting.pid), "stat waited")
                self.assertEqual(self.run_it("umount.fuse3", "-o", "timeout=1", self.dir, code=32)
                                 .count("busy"), 1)
                self.run_it("umount", *args, self.dir, code=0 if args == ("-l",) else 64,
                            env={"UMOUNT_FUSE_TIMEOUT": "1"})
                self.assertEqual(front.mounts(self.dir), [])
                os.kill(pid, signal.SIGCONT)

    def waits(self, pid):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rpartition(")")[2].split()[0] in "SD"

    def test_a_hung_filesystem_that_nobody_waits_for(self):
        pid = self.mount()
        os.kill(pid, signal.SIGSTOP)
        said = self.run_it("umount.fuse3", "-o", "timeout=1", self.dir, code=64)
        self.assertEqual(front.mounts(self.dir), [])
        self.assertIn("it is stopped", said)
        self.assertIn("kill -CONT", said)
        os.kill(pid, signal.SIGCONT)
        wait_until(lambda: self.ended(pid), "it ended")
        self.assertTrue(self.destroyed())

    def test_below_a_hung_filesystem(self):
        """The way to the directory leads through one that does not answer."""
        pid = self.mount()
        os.kill(pid, signal.SIGSTOP)
        said = self.run_it("umount.fuse3", "-o", "timeout=1", f"{self.dir}/a/b", code=32)
        self.assertIn("a filesystem that does not answer", said)
        os.kill(pid, signal.SIGCONT)

    def test_what_has_been_covered(self):
        """A mount on a directory above hides ours: it cannot be reached."""
        os.mkdir(f"{BASE}/above")
        os.mkdir(f"{BASE}/above/d")
        self.mount(path=f"{BASE}/above/d")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", f"{BASE}/above"], check=True)
        self.run_it("umount.fuse3", f"{BASE}/above/d", code=32)
        self.assertEqual(len(front.mounts(f"{BASE}/above/d")), 1)
        subprocess.run(["umount", f"{BASE}/above"], check=True)
        self.run_it("umount.fuse3", f"{BASE}/above/d")


if __name__ == "__main__":
    front.enter()
    front.main()
