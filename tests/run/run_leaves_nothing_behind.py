#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""No process, no mount, no directory, whoever dies first."""

import os
import signal
import subprocess
import sys
import time

import support
from support import RunTest, wait_until


class NothingIsLeft(RunTest):
    def start(self, *args, command="echo ready; exec sleep 1000", **kw):
        p = self.popen(self.profuse, "run", "-q", *args, "--", "sh", "-c", command, **kw)
        self.assertEqual(p.stdout.readline(), "ready\n")
        return p

    def pid_of(self, name):
        def find():
            found = []
            for pid in self.processes():
                try:
                    with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
                        if f.read().strip() == name[:15]:
                            found.append(pid)
                except OSError:
                    pass
            return found
        wait_until(find, 5)
        return find()[0]

    def finish(self, p):
        out, err = p.communicate(timeout=30)
        return p.returncode, out, err

    def test_when_we_are_killed(self):
        for fs in ([self.tiny], [self.tiny, "background"]):
            p = self.start(*fs)
            self.assertEqual(len(os.listdir(self.tmp)), 1)
            p.kill()
            self.finish(p)
            self.assert_nothing_left()

    def test_when_we_are_killed_while_the_filesystem_starts(self):
        for how in ("sleep", "no-init"):
            p = self.popen(self.profuse, "run", self.tiny, how, "--", "true")
            self.pid_of("tinyfs")
            p.kill()
            self.finish(p)
            self.assert_nothing_left()

    def test_when_the_keeper_is_killed(self):
        for fs in ([self.tiny], [self.tiny, "background"]):
            p = self.start(*fs)
            os.kill(self.pid_of("profuse-keeper"), signal.SIGKILL)
            p.terminate()
            status, _, err = self.finish(p)
            self.assertEqual(status, 128 + signal.SIGTERM)
            self.assertIn("lost the process that keeps the filesystem", err)
            self.assert_nothing_left()

    def test_when_the_filesystem_is_killed(self):
        p = self.start(self.tiny, command="echo ready; read x; ls $PROFUSE_MOUNTPOINT",
                       stdin=subprocess.PIPE)
        fs = self.pid_of("tinyfs")
        os.kill(fs, signal.SIGKILL)
        wait_until(lambda: fs not in self.processes(), 5)
        out, err = p.communicate("\n", timeout=30)
        status = p.returncode
        self.assertEqual(out, "")
        self.assertIn("was ended by signal 9 (Killed) while it was in use", err)
        # The command goes on, and sees what anybody would see.
        self.assertIn("Transport endpoint is not connected", err)
        self.assertEqual(status, 2)
        self.assert_nothing_left()

    def test_when_the_command_is_killed(self):
        p = self.start(self.tiny)
        os.kill(self.pid_of("sleep"), signal.SIGKILL)
        self.assertEqual(self.finish(p)[0], 128 + signal.SIGKILL)
        self.assert_nothing_left()

    def test_when_a_signal_comes_while_the_filesystem_starts(self):
        for how in ("sleep", "no-init"):
            p = self.popen(self.profuse, "run", self.tiny, how, "--", "true")
            self.pid_of("tinyfs")
            p.terminate()
            status, _, err = self.finish(p)
            self.assertEqual((status, err), (128 + signal.SIGTERM, ""))
            self.assert_nothing_left()

    def test_when_the_command_leaves_a_process_in_the_mount(self):
        p = self.popen(self.profuse, "run", "-q", self.tiny, "--", "sh", "-c",
                       "cd $PROFUSE_MOUNTPOINT; sleep 1000 >/dev/null 2>&1 & exit 3")
        status, _, err = self.finish(p)
        self.assertEqual(status, 3)
        self.assertIn("is still in use by a process that the command left behind", err)
        # What the command leaves behind is the command's affair.
        os.kill(self.pid_of("sleep"), signal.SIGKILL)
        self.assert_nothing_left()

    def test_when_the_filesystem_ignores_everything(self):
        p = self.popen(self.profuse, "run", "-q", self.tiny, "ignore-term", "--", "sh", "-c",
                       "cd $PROFUSE_MOUNTPOINT; sleep 1000 >/dev/null 2>&1 & exit 3")
        status, _, err = self.finish(p)
        self.assertEqual(status, 3)
        self.assertIn("does not end; killing it", err)
        os.kill(self.pid_of("sleep"), signal.SIGKILL)
        self.assert_nothing_left()

    def test_when_the_filesystem_stays_after_the_unmount_and_the_user_presses_on(self):
        p = self.start(self.tiny, "ignore-term", command="echo ready")
        wait_until(lambda: not self.mounted_for(self.pid_of("tinyfs")), 10)
        start = time.monotonic()
        p.terminate()
        status, _, err = self.finish(p)
        self.assertEqual(status, 0, err)
        self.assertLess(time.monotonic() - start, 10)
        self.assert_nothing_left()

    def mounted_for(self, pid):
        with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as f:
            return "fuse.tinyfs" in f.read()

    def test_before_the_filesystem_has_finished_its_work(self):
        done = os.path.join(self.tmp, "done")
        for fs in ([self.tiny], [self.tiny, "background"]):
            status, _, err = self.run_it("-q", *fs, f"slow-end={done}", "--", "true")
            self.assertEqual((status, err), (0, ""))
            self.assertTrue(os.path.exists(done))
            os.unlink(done)
            self.assert_nothing_left()

    def test_when_the_filesystem_hangs_in_use(self):
        # ls blocks for ever, and not even SIGKILL would end it.
        p = self.popen(self.profuse, "run", "-q", "-m", "/mnt", self.tiny, "hang=27", "--",
                       "sh", "-c", "echo ready; ls /mnt")
        self.assertEqual(p.stdout.readline(), "ready\n")
        self.pid_of("ls")
        p.kill()
        self.finish(p)
        self.assert_nothing_left()


if __name__ == "__main__":
    support.main(sys.modules[__name__])
