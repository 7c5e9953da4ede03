#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lines of fstab, mounted by mount(8), by mount.fuse3 and by the filesystem's
own program: what the filesystem is given, and what is mounted in the end."""
import os
import re
import subprocess

import front
from front import BASE, FrontTest


class Line:
    def __init__(self, options, via_mount, flags="", direct=None, alone=None):
        self.options = options      # as in fstab
        self.via_mount = via_mount  # the filesystem's -o after mount(8) and mount.fuse3
        # The same without mount(8), which adds "rw" in front where nothing is said.
        self.direct = via_mount.removeprefix("rw,") if direct is None else direct
        self.flags = flags          # of the mount, beside rw
        # Of the mount when the program, given "dev,suid" before these words,
        # mounts alone. It knows no users and shows flags that have no effect.
        self.alone = flags if alone is None else alone


LINES = [
    # Nothing special, and what means nothing.
    Line("defaults", "rw,dev,suid"),
    Line("rw", "rw,dev,suid", direct="rw,dev,suid"),
    Line("ro", "ro,dev,suid", "ro"),
    Line("defaults,ro", "ro,dev,suid", "ro"),
    Line("ro,rw", "rw,dev,suid", direct="rw,dev,suid"),
    # For mount(8), for systemd, for the boot.
    Line("auto", "rw,dev,suid"),
    Line("noauto", "rw,dev,suid"),
    Line("noauto,nofail,_netdev", "rw,dev,suid"),
    Line("nofail,x-systemd.automount,x-systemd.device-timeout=10", "rw,dev,suid"),
    Line("x-gvfs-show,x-systemd.requires=a.service,X-custom=1", "rw,dev,suid"),
    Line("X-mount.mkdir", "rw,dev,suid"),
    Line("comment=systemd.automount", "rw,dev,suid"),
    Line("helper=foo,uhelper=udisks2", "rw,dev,suid"),
    # Who may mount, and what follows from it.
    Line("user", "rw,noexec,nosuid,nodev", "nodev noexec nosuid",
         direct="nodev,nosuid,noexec", alone=""),
    Line("users,noauto", "rw,noexec,nosuid,nodev", "nodev noexec nosuid",
         direct="nodev,nosuid,noexec", alone=""),
    Line("user,exec", "rw,nosuid,nodev,exec", "nodev nosuid",
         direct="exec,nodev,nosuid", alone=""),
    Line("user,suid,dev", "rw,noexec,suid,dev", "noexec", direct="suid,dev,noexec", alone=""),
    Line("owner", "rw,nosuid,nodev", "nodev nosuid", direct="nodev,nosuid", alone=""),
    Line("group,dev", "rw,nosuid,dev", "nosuid", direct="dev,nosuid", alone=""),
    Line("nouser,nousers,noowner,nogroup", "rw,dev,suid"),
    # Flags.
    Line("nosuid", "rw,nosuid,dev", "nosuid"),
    Line("nodev", "rw,nodev,suid", "nodev"),
    Line("nosuid,nodev,noexec", "rw,nosuid,nodev,noexec", "nodev noexec nosuid"),
    Line("suid,dev,exec", "rw,dev,suid", direct="suid,dev,exec"),
    Line("noexec,exec", "rw,dev,suid", direct="exec,dev,suid"),
    Line("sync", "rw,sync,dev,suid", "sync"),
    Line("sync,async", "rw,dev,suid", direct="async,dev,suid"),
    Line("dirsync", "rw,dirsync,dev,suid", "dirsync"),
    Line("nosymfollow", "rw,nosymfollow,dev,suid", "nosymfollow"),
    Line("nosymfollow,symfollow", "rw,dev,suid", direct="dev,suid"),
    # Access times are the filesystem's business; only one word is known to all.
    Line("noatime", "rw,noatime,dev,suid", "noatime"),
    Line("noatime,nodiratime", "rw,noatime,dev,suid", "noatime", alone="noatime nodiratime"),
    Line("nodiratime", "rw,dev,suid", alone="nodiratime"),
    Line("relatime", "rw,dev,suid"),
    Line("noatime,relatime", "rw,dev,suid"),
    Line("strictatime", "rw,dev,suid"),
    Line("lazytime", "rw,dev,suid", alone="lazytime"),
    Line("iversion,mand,silent,loud,nolazytime,norelatime,diratime,atime", "rw,dev,suid"),
    # A filesystem that takes files needs no loop device.
    Line("loop", "rw,dev,suid"),
    Line("loop,ro", "ro,dev,suid", "ro"),
    # The filesystem's own.
    Line("allow_other,default_permissions,max_read=8192",
         "rw,allow_other,default_permissions,max_read=8192,dev,suid"),
    # mount(8) puts the words that it knows first.
    Line("allow_other,_netdev,own=1,x-foo,noatime,other",
         "rw,noatime,allow_other,own=1,other,dev,suid", "noatime",
         direct="allow_other,own=1,noatime,other,dev,suid"),
    Line("fsname=host:/a,subtype=probefs", "rw,fsname=host:/a,subtype=probefs,dev,suid"),
    Line("nonempty", "rw,nonempty,dev,suid"),
    Line("username=joe,password=a:b;c'd$e", "rw,username=joe,password=a:b;c'd$e,dev,suid"),
    # Escapes: blanks are fstab's, commas and backslashes the filesystem's.
    Line("own=a\\040b", "rw,own=a b,dev,suid"),
    Line("own=tab\\011newline\\012end", "rw,own=tab\tnewline\nend,dev,suid"),
    Line("own=a\\134,b,c", "rw,own=a\\,b,c,dev,suid"),
    Line("own=a\\134\\134,b", "rw,own=a\\\\,b,dev,suid"),
    # mount(8) itself knows no backslash, and takes its own words out.
    Line("own=a\\134,nofail,b", "rw,own=a\\,b,dev,suid", direct="own=a\\,nofail,b,dev,suid"),
    Line("own=\"a,b\",c", "rw,own=\"a,b\",c,dev,suid"),
    Line("fsname=a\\134\\054b,subtype=probefs", "rw,fsname=a\\,b,subtype=probefs,dev,suid"),
]


def decoded(options):
    """As fstab's readers see it."""
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\054", ","),
                       ("\\134", "\\")):
        options = options.replace(code, char)
    return options


class FstabLines(FrontTest):
    def expect(self, line, options, flags):
        self.assertEqual(self.argv(), ["probefs", "src", self.dir, "-o", options])
        self.expect_mount(line, flags)

    def expect_mount(self, line, flags):
        m = self.mounted()
        self.assertTrue(m.type in ("fuse", "fuse.probefs"), m.type)
        self.assertEqual(m.flags, flags)
        self.assertEqual("allow_other" in m.options, "allow_other" in line.options)
        self.unmount()

    def for_each_line(self, check):
        for line in LINES:
            with self.subTest(line.options):
                try:
                    check(line)
                finally:
                    self.clean_up()

    def test_through_mount(self):
        def check(line):
            if line.options.startswith("loop"):
                return  # mount(8) makes one before it comes to us
            self.fstab(f"src {self.dir} fuse.probefs {line.options} 0 0")
            self.run_it("mount", "-T", f"{BASE}/fstab", self.dir)
            self.expect(line, line.via_mount, line.flags)
        self.for_each_line(check)

    def test_through_mount_with_the_type_in_the_source(self):
        def check(line):
            self.fstab(f"probefs#src {self.dir} fuse {line.options} 0 0")
            self.run_it("mount", self.dir)
            self.expect(line, line.via_mount, line.flags)
        self.for_each_line(check)

    def test_through_mount_fuse3(self):
        def check(line):
            self.run_it("mount.fuse3", "src", self.dir, "-t", "probefs", "-o",
                        decoded(line.options))
            self.expect(line, line.direct, line.flags)
        self.for_each_line(check)

    def test_through_the_program_alone(self):
        def check(line):
            self.run_it("probefs", "src", self.dir, "-o", "dev,suid," + decoded(line.options))
            self.expect_mount(line, line.alone)
        self.for_each_line(check)

    def test_the_distributions_libfuse_takes_what_is_passed(self):
        """Its own words apart: an unknown one would be an error."""
        if not os.path.exists(f"{BASE}/bin/stock_hello"):
            self.skipTest("built without the distribution's libfuse3 (libfuse3-dev)")

        def check(line):
            if re.search("own=|other|username|nonempty|nosymfollow", line.options):
                return
            self.run_it("mount.fuse3", "stock_hello", self.dir, "-o", decoded(line.options))
            self.assertEqual(self.mounted().flags, line.flags)
            self.unmount()
        self.for_each_line(check)

    def test_all_at_once(self):
        """mount -a, with what must not be mounted left alone."""
        dirs = [f"{BASE}/many{i}" for i in range(4)]
        for path in dirs:
            subprocess.run(["mkdir", "-p", path], check=True)
        self.fstab(f"a {dirs[0]} fuse.probefs noauto 0 0", f"b {dirs[1]} fuse.probefs nofail 0 0",
                   f"c {dirs[2]} fuse.missing defaults 0 0", f"d {dirs[3]} fuse.probefs ro 0 0")
        # Some failed, some succeeded.
        said = self.run_it("mount", "-a", code=64)
        self.assertIn("no program `missing'", said)
        self.assertEqual([len(front.mounts(path)) for path in dirs], [0, 1, 0, 1])


if __name__ == "__main__":
    front.enter()
    front.main()
