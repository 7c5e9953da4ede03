#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command sees the mount, and its caller sees the command."""

import os
import signal
import subprocess
import sys
import time

import support
from support import RunTest, USER


class TheCommand(RunTest):
    def test_reads_from_a_stock_filesystem_in_the_background(self):
        status, out, err = self.run_it(
            self.need(self.hello), "--", "sh", "-c", 'cat "$PROFUSE_MOUNTPOINT/hello"')
        self.assertEqual((status, out), (0, "hello from outside\n"), err)
        self.assert_nothing_left()

    def test_reads_from_a_stock_filesystem_in_the_foreground(self):
        status, out, err = self.run_it(
            self.need(self.hello), "-f", "--", "sh", "-c", 'cat "$PROFUSE_MOUNTPOINT/hello"')
        self.assertEqual((status, out), (0, "hello from outside\n"), err)
        self.assert_nothing_left()

    def test_writes_to_a_filesystem_of_ours(self):
        self.env["FUSERMOUNT_PROG"] = "/nowhere"
        for where in ((), ("-f",), ("-f", "-s")):
            status, out, err = self.run_it(
                self.memfs, *where, "--", "sh", "-ec",
                'cd "$PROFUSE_MOUNTPOINT"; cp -r /usr/include/linux x; '
                'diff -r /usr/include/linux x; rm -r x; ls -A; stat -f -c %t .')
            self.assertEqual((status, out), (0, "65735546\n"), err)
            self.assert_nothing_left()

    def test_needs_no_helper(self):
        self.env["PATH"] = "/nowhere"
        status, _, err = self.run_it(self.need(self.hello), "--", "/bin/true")
        self.assertEqual(status, 0, err)
        # One that cannot be executed is as good as none.
        fake = os.path.join(self.tmp, "fusermount3")
        with open(fake, "w", encoding="utf-8"):
            pass
        self.env["PATH"] = self.tmp
        status, _, err = self.run_it(self.need(self.hello), "--", "/bin/true")
        self.assertEqual(status, 0, err)
        self.assert_nothing_left(["fusermount3"])

    def test_gives_its_exit_status(self):
        for want in (0, 1, 42, 255):
            status, _, err = self.run_it(self.tiny, "--", "sh", "-c", f"exit {want}")
            self.assertEqual(status, want, err)
        self.assert_nothing_left()

    def test_ended_by_a_signal_gives_128_and_the_signal(self):
        for sig in (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM):
            status, _, err = self.run_it(self.tiny, "--", "sh", "-c", f"kill -{sig:d} $$")
            self.assertEqual(status, 128 + sig, err)
        self.assert_nothing_left()

    def test_that_is_not_there_gives_127_and_one_that_is_no_program_126(self):
        status, _, err = self.run_it(self.tiny, "--", "no-such-command")
        self.assertEqual(status, 127)
        self.assertIn("no-such-command: No such file or directory", err)
        status, _, err = self.run_it(self.tiny, "--", "/etc/passwd")
        self.assertEqual(status, 126)
        self.assertIn("/etc/passwd: Permission denied", err)
        self.assert_nothing_left()

    def test_gets_the_signals_that_are_sent_to_us(self):
        text = 'trap "echo got it; exit 9" {}; echo ready; while :; do sleep 0.05; done'
        for sig in ("TERM", "INT", "HUP", "USR1", "USR2", "QUIT"):
            p = self.popen(self.profuse, "run", self.tiny, "--", "sh", "-c", text.format(sig))
            self.assertEqual(p.stdout.readline(), "ready\n")
            p.send_signal(getattr(signal, "SIG" + sig))
            out, err = p.communicate(timeout=30)
            self.assertEqual((p.returncode, out), (9, "got it\n"), sig + err)
        self.assert_nothing_left()

    def test_is_the_user_and_has_no_rights(self):
        status, out, err = self.run_it(
            self.tiny, "--", "sh", "-c", "id -u; id -g; grep -E 'Cap(Inh|Prm|Eff|Amb)' "
            "/proc/self/status; umount $PROFUSE_MOUNTPOINT 2>/dev/null || echo refused")
        lines = out.split("\n")
        self.assertEqual(lines[:2], [str(USER)] * 2, err)
        for line in lines[2:6]:
            self.assertEqual(int(line.split()[1], 16), 0, line)
        self.assertEqual(lines[6], "refused")

    def test_is_root_on_request(self):
        status, out, err = self.run_it(
            "--root", self.tiny, "--", "sh", "-c",
            "id -u; stat -c %u $PROFUSE_MOUNTPOINT; touch x && mount -t tmpfs none /mnt")
        self.assertEqual((status, out), (0, "0\n0\n"), err)
        # Outside, it was the user all the same.
        self.assertEqual(os.stat(os.path.join(self.tmp, "x")).st_uid, USER)
        os.unlink(os.path.join(self.tmp, "x"))
        self.assert_nothing_left()

    def test_of_root_works_without_a_user_namespace(self):
        if os.getuid() != 0:
            self.skipTest("needs root")
        status, out, err = self.run_it(
            self.need(self.hello), "--", "sh", "-c",
            'cat "$PROFUSE_MOUNTPOINT/hello"; readlink /proc/self/ns/user', user=0)
        self.assertEqual(status, 0, err)
        self.assertEqual(out.split("\n")[1], os.readlink("/proc/self/ns/user"))
        self.assert_nothing_left()

    def test_has_its_output_for_itself(self):
        fs = self.script("talker", f'#!/bin/sh\necho noise\nexec {self.tiny} "$@"\n')
        status, out, err = self.run_it(fs, "--", "echo", "signal")
        self.assertEqual((status, out), (0, "signal\n"))
        self.assertIn("noise", err)

    def test_has_its_input_for_itself(self):
        p = self.popen(self.profuse, "run", "-q", self.tiny, "--", "cat", stdin=subprocess.PIPE)
        out, err = p.communicate("from stdin", timeout=30)
        self.assertEqual((out, err), ("from stdin", ""))

    def test_in_the_mountpoint_is_in_the_mount(self):
        where = os.path.join(self.tmp, "here")
        os.mkdir(where)
        os.chown(where, USER, USER)
        status, out, err = self.run_it(
            "-m", ".", self.need(self.hello), "--", "cat", "hello", cwd=where)
        self.assertEqual((status, out), (0, "hello from outside\n"), err)
        self.assert_nothing_left(["here"])

    def test_keeps_its_working_directory(self):
        status, out, err = self.run_it(self.tiny, "--", "pwd")
        self.assertEqual((status, out), (0, self.tmp + "\n"), err)


class TheMountpoint(RunTest):
    def echo(self):
        # Shows its arguments; mounts on the word behind "at".
        return self.script("echofs", f"""#!/bin/sh
echo "args: $*" >&2
while [ "$1" != at ]; do shift; done
exec {self.tiny} "$2"
""")

    def test_is_the_last_argument(self):
        status, _, err = self.run_it("-m", "/mnt", self.echo(), "-o", "a", "at", "--", "true")
        self.assertEqual(status, 0, err)
        self.assertIn("args: -o a at /mnt\n", err)

    def test_replaces_braces(self):
        status, _, err = self.run_it("-m", "/mnt", self.echo(), "at", "{}", "-x", "{}y", "--",
                                     "true")
        self.assertEqual(status, 0, err)
        self.assertIn("args: at /mnt -x {}y\n", err)

    def test_given_stays_and_one_of_ours_goes(self):
        given = os.path.join(self.tmp, "a b")
        os.mkdir(given)
        os.chown(given, USER, USER)
        status, out, err = self.run_it(
            "-m", "a b", self.tiny, "--", "sh", "-c", 'echo "$PROFUSE_MOUNTPOINT"')
        self.assertEqual((status, out), (0, given + "\n"), err)
        self.assert_nothing_left(["a b"])

    def test_can_be_seen_from_outside_as_said(self):
        p = self.popen(self.profuse, "run", self.need(self.hello), "--", "sh", "-c",
                       "echo ready; read x", stdin=subprocess.PIPE)
        self.assertEqual(p.stdout.readline(), "ready\n")
        line = ""
        while "from outside: " not in line:
            line = p.stderr.readline()
            self.assertNotEqual(line, "")
        path = line.split("from outside: ")[1].strip()
        self.assertTrue(path.startswith(f"/proc/{p.pid}/root/"), path)
        # As the same user, not as root.
        seen = self.popen("cat", path + "/hello").communicate(timeout=30)[0]
        self.assertEqual(seen, "hello from outside\n")
        # In the common namespace there is nothing.
        self.assertFalse(os.path.ismount(path.split("/root", 1)[1]))
        p.communicate("\n", timeout=30)
        self.assertEqual(p.returncode, 0)
        self.assert_nothing_left()


class Runs(RunTest):
    def test_many_at_once_do_not_meet(self):
        procs = [
            self.popen(self.profuse, "run", "-q", self.tiny, "--", "sh", "-c",
                       f"ls $PROFUSE_MOUNTPOINT && exit {i}")
            for i in range(20)
        ]
        for i, p in enumerate(procs):
            out, err = p.communicate(timeout=60)
            self.assertEqual((p.returncode, out, err), (i, "", ""))
        self.assert_nothing_left()

    def test_nest(self):
        status, out, err = self.run_it(
            "-q", self.tiny, "--", self.profuse, "run", "-q", self.need(self.hello), "--",
            "sh", "-c", 'cat "$PROFUSE_MOUNTPOINT/hello"')
        self.assertEqual((status, out), (0, "hello from outside\n"), err)
        self.assert_nothing_left()

    def test_work_inside_a_container_like_sandbox(self):
        # Root in a user namespace, without fusermount3's setuid meaning
        # anything, and no capability to mount where it started.
        p = self.popen("unshare", "-Ur", "setpriv", "--bounding-set", "-sys_admin",
                       self.profuse, "run", "-q", self.need(self.hello), "--", "sh", "-c",
                       'cat "$PROFUSE_MOUNTPOINT/hello"')
        out, err = p.communicate(timeout=30)
        self.assertEqual((p.returncode, out), (0, "hello from outside\n"), err)
        self.assert_nothing_left()

    def test_end_soon_after_the_command(self):
        start = time.monotonic()
        status, _, err = self.run_it(self.tiny, "--", "true")
        self.assertEqual(status, 0, err)
        self.assertLess(time.monotonic() - start, 5)


if __name__ == "__main__":
    support.main(sys.modules[__name__])
