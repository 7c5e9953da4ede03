#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each obstacle is named, with what to do; the status is 125."""

import os
import sys
import time

import support
from support import RunTest, USER

FUSE_GETATTR = 3
FUSE_STATFS = 17


class Failures(RunTest):
    def fails(self, *args, **kw):
        status, out, err = self.run_it(*args, **kw)
        self.assertEqual((status, out), (125, ""), err)
        self.assertTrue(any(line.startswith("profuse run: ") for line in err.split("\n")), err)
        self.assert_nothing_left()
        return err

    def in_namespace(self, setup, *args):
        """As root, in mount and user namespaces of its own, after a set-up."""
        if os.getuid() != 0:
            self.skipTest("needs root")
        script = (f'{setup} && exec setpriv --reuid {USER} --regid {USER} --clear-groups '
                  f'{self.profuse} run "$@"')
        p = self.popen("unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh",
                       *args, user=0)
        out, err = p.communicate(timeout=30)
        self.assertEqual((p.returncode, out), (125, ""), err)
        self.assert_nothing_left()
        return err

    def test_the_filesystem_ends(self):
        err = self.fails(self.tiny, "exit=3", "--", "true")
        self.assertIn("tinyfs: cannot go on\n", err)
        self.assertIn("tinyfs exited with status 3 before it answered", err)

    def test_the_filesystem_is_not_there(self):
        err = self.fails("no-such-fs", "--", "true")
        self.assertIn("no-such-fs: No such file or directory", err)

    def test_the_filesystem_does_not_mount(self):
        err = self.fails(self.tiny, "no-mount", "--", "true")
        self.assertIn("exited with status 0 but has not mounted anything on /", err)

    def test_the_filesystem_takes_too_long_to_mount(self):
        err = self.fails("-t", "1", self.tiny, "sleep", "--", "true")
        self.assertIn("has not mounted anything within 1 s", err)

    def test_the_filesystem_does_not_answer(self):
        for how in ("no-init", f"hang={FUSE_GETATTR}", f"hang={FUSE_STATFS}"):
            for where in ((), ("background",)):
                start = time.monotonic()
                err = self.fails("-t", "1", self.tiny, how, *where, "--", "true")
                self.assertIn("has mounted but not answered within 1 s", err)
                self.assertLess(time.monotonic() - start, 15)

    def test_the_filesystem_refuses(self):
        err = self.fails(self.tiny, "refuse", "--", "true")
        self.assertIn("has mounted but then refused to serve", err)

    def test_the_mountpoint_is_missing(self):
        err = self.fails("-m", "/no/where", self.tiny, "--", "true")
        self.assertIn("/no/where: No such file or directory", err)
        self.assertIn("mkdir -p '/no/where'", err)

    def test_no_temporary_directory(self):
        self.env["TMPDIR"] = "/no/where"
        err = self.fails(self.tiny, "--", "true")
        self.assertIn("no temporary directory /no/where/profuse-", err)

    def test_usage(self):
        for args, part in (
            ((), "no filesystem given"),
            (("--", "true"), "no filesystem given"),
            ((self.tiny,), "no command given"),
            ((self.tiny, "--"), "no command given"),
            (("-t", "soon", self.tiny, "--", "true"), "--timeout takes seconds, not `soon'"),
        ):
            self.assertIn(part, self.fails(*args))
        status, _, err = self.run_it("--no-such-option", self.tiny, "--", "true")
        self.assertEqual(status, 125)
        self.assertIn("usage:", err)
        status, out, _ = self.run_it("--help")
        self.assertEqual(status, 0)
        self.assertIn("usage:", out)

    def test_no_user_namespaces(self):
        # The limit belongs to a namespace, so only this one gets it.
        if os.getuid() != 0:
            self.skipTest("needs root")
        script = ('echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv '
                  f'--bounding-set=-all {self.profuse} run {self.tiny} -- true')
        p = self.popen("unshare", "-Ur", "sh", "-c", script)
        _, err = p.communicate(timeout=30)
        if "Permission denied" in err and "max_user_namespaces:" in err:
            self.skipTest("the limit cannot be set in a namespace: " + err)
        self.assertEqual(p.returncode, 125, err)
        self.assertIn("new user namespace: No space left on device", err)
        self.assertIn("sysctl user.max_user_namespaces=", err)
        self.assert_nothing_left()

    def test_the_device_is_missing(self):
        err = self.in_namespace("mount -t tmpfs none /dev", self.tiny, "--", "true")
        self.assertIn("cannot open /dev/fuse: No such file or directory", err)
        self.assertIn("modprobe fuse", err)
        self.assertIn("--device /dev/fuse", err)

    def test_the_device_is_closed(self):
        err = self.in_namespace(
            "mount -t tmpfs none /mnt && mknod -m 0600 /mnt/fuse c 10 229 && "
            "mount --bind /mnt/fuse /dev/fuse", self.tiny, "--", "true")
        self.assertIn("cannot open /dev/fuse: Permission denied", err)
        self.assertIn("chmod 0666 /dev/fuse", err)

    def test_unknown_subcommands(self):
        p = self.popen(self.profuse, "walk")
        _, err = p.communicate(timeout=30)
        self.assertEqual(p.returncode, 2)
        self.assertIn("no command `walk'", err)


if __name__ == "__main__":
    support.main(sys.modules[__name__])
