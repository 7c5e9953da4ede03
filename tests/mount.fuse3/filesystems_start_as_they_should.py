#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""mount.fuse3 beyond the words of -o: names, users, privileges, failures."""
import os
import signal
import subprocess

import front
from front import BASE, USER, FrontTest, as_user, wait_until

EMPTY_CAPS = ["0000000000000000"]


class Names(FrontTest):
    def mount_odd(self, source, path):
        self.run_it("mount.fuse3", "-t", "probefs", "--", source, path)
        self.assertEqual(self.argv()[1:3], ["-o", "dev,suid"] if source[0] == "-" else
                         [source, path])
        self.assertIn(source, self.argv())

    def test_odd_names_of_directories_and_sources(self):
        for name in ("a b", "it's", 'a"b', "a\nb", "a\tb", "a\\040b", "$(touch x)", "a;b", "a,b",
                     "ü", "*", "x (deleted)", "a#b"):
            with self.subTest(name):
                path = f"{BASE}/d {name}"
                os.mkdir(path)
                self.mount_odd("src " + name, path)
                self.mounted(path)
                self.run_it("umount.fuse3", path)
                self.assertEqual(front.mounts(path), [])
                os.rmdir(path)

    def test_odd_names_in_fstab(self):
        os.mkdir(f"{BASE}/od d\\")
        self.fstab(r"my\040src\134 /mnt/od\040d\134 fuse.probefs own=a\040b 0 0")
        self.run_it("mount", f"{BASE}/od d\\")
        self.assertEqual(self.argv(), ["probefs", "my src\\", f"{BASE}/od d\\", "-o",
                                       "rw,own=a b,dev,suid"])
        self.unmount(f"{BASE}/od d\\")

    def test_a_dash_in_front_makes_no_option(self):
        self.fstab(f"-src {self.dir} fuse.probefs ro 0 0")
        self.run_it("mount", self.dir)
        self.assertEqual(self.argv(), ["probefs", "-o", "ro,dev,suid", "--", "-src", self.dir])
        self.unmount()
        os.mkdir(f"{BASE}/-d")
        self.run_it("mount.fuse3", "--", "probefs#-src", "-d", cwd=BASE)
        self.assertEqual(self.argv()[-3:], ["--", "-src", "./-d"])
        self.run_it("umount.fuse3", "--", "-d", cwd=BASE)
        self.assertEqual(front.mounts(f"{BASE}/-d"), [])

    def test_the_type_in_the_programs_name(self):
        self.fstab(f"src {self.dir} fuse.byname ro 0 0")
        self.run_it("mount", self.dir)
        self.assertEqual(self.argv(), ["byname", "src", self.dir, "-o", "ro,dev,suid"])
        self.unmount()

    def test_types_with_fuse3(self):
        self.run_it("mount", "-t", "fuse3.probefs", "src", self.dir)
        self.assertEqual(self.argv()[0], "probefs")
        self.unmount()

    def test_no_shell_is_involved(self):
        """Quotes, blanks and commands in a type are part of the program's name."""
        os.symlink(f"{BASE}/bin/probefs", f"{BASE}/bin/odd $(name); 'x'")
        self.run_it("mount.fuse3", "src", self.dir, "-t", f"{BASE}/bin/odd $(name); 'x'")
        self.mounted()
        os.unlink(f"{BASE}/bin/odd $(name); 'x'")

    def test_a_script_is_a_program(self):
        for name, first in (("script", "#!/bin/sh\n"), ("bare", "")):
            with self.subTest(name):
                with open(f"{BASE}/bin/{name}", "w", encoding="utf-8") as f:
                    f.write(first + 'exec probefs "$@"\n')
                os.chmod(f"{BASE}/bin/{name}", 0o755)
                self.run_it("mount.fuse3", f"{name}#a b", self.dir)
                self.assertEqual(self.argv()[1], "a b")
                self.run_it("umount.fuse3", self.dir)


class Environment(FrontTest):
    def test_home_is_there(self):
        # mount(8) takes it away.
        self.fstab(f"src {self.dir} fuse.probefs defaults 0 0")
        self.run_it("mount", self.dir)
        self.assertEqual(self.environ()["HOME"], "/root")

    def test_home_stays_as_it_is(self):
        self.run_it("mount.fuse3", "probefs#", self.dir, env={"HOME": "/elsewhere"})
        self.assertEqual(self.environ()["HOME"], "/elsewhere")

    def test_without_path_the_usual_places_count(self):
        self.run_it("env", "-u", "PATH", f"{BASE}/sbin/mount.fuse3", "probefs#", self.dir)
        self.mounted()

    def test_relative_directories_of_path_are_not_for_root(self):
        said = self.run_it(f"{BASE}/sbin/mount.fuse3", "probefs#", self.dir, code=32, cwd=f"{BASE}/bin",
                           env={"PATH": ".::bin"})
        self.assertIn(". (no: relative)", said)


class Users(FrontTest):
    def test_setuid_runs_the_filesystem_as_the_user(self):
        os.chown(self.dir, USER, USER)
        for who in ("probeuser", str(USER)):
            with self.subTest(who):
                self.fstab(f"src {self.dir} fuse.probefs setuid={who},own=1 0 0")
                self.run_it("mount", self.dir)
                self.assertEqual(self.argv()[-1], "rw,own=1")
                self.assertEqual(self.status("Uid"), [str(USER)] * 4)
                self.assertEqual(self.status("Gid"), [str(USER)] * 4)
                self.assertEqual(sorted(map(int, self.status("Groups"))), [USER, USER + 1])
                self.assertEqual(self.status("CapPrm"), EMPTY_CAPS)
                env = self.environ()
                self.assertEqual((env["HOME"], env["USER"]), ("/mnt/user", "probeuser"))
                m = self.mounted()
                self.assertEqual(m.flags, "nodev nosuid")
                self.assertIn(f"user_id={USER}", m.options)
                self.unmount()

    def test_setuid_of_nobody_there(self):
        self.assertIn("no such user", self.run_it("mount.fuse3", "probefs#", self.dir, "-o",
                                                  "setuid=nosuchuser", code=1))
        self.run_it("mount.fuse3", "probefs#", self.dir, "-o", "setuid=", code=1)
        self.run_it("mount.fuse3", "probefs#", self.dir, "-o", "setuid=-1", code=1)
        self.run_it("mount.fuse3", "probefs#", self.dir, "-o", "setuid=4294967295", code=1)

    def test_setuid_needs_root(self):
        said = self.run_it(*as_user("mount.fuse3", "probefs#", f"{BASE}/user", "-o", "setuid=root"),
                           code=1)
        self.assertIn("only root", said)
        # For oneself it changes nothing.
        self.run_it(*as_user("mount.fuse3", "probefs#", f"{BASE}/user", "-o", "setuid=probeuser"))
        self.mounted(f"{BASE}/user")

    def test_a_user_mounts_what_fstab_allows(self):
        self.fstab(f"src {BASE}/user fuse.probefs user,noauto,_netdev,x-foo,own=1 0 0")
        self.run_it(*as_user("mount", f"{BASE}/user"))
        self.assertEqual(self.argv(), ["probefs", "src", f"{BASE}/user", "-o",
                                       "rw,noexec,nosuid,nodev,own=1"])
        m = self.mounted(f"{BASE}/user")
        self.assertEqual(m.flags, "nodev noexec nosuid")
        self.assertIn(f"user_id={USER}", m.options)


class Privileges(FrontTest):
    OPTIONS = "drop_privileges,noatime,nodiratime,nodev,own=1"

    def check_unprivileged(self):
        for caps in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(self.status(caps), EMPTY_CAPS, caps)
        self.assertEqual(self.status("NoNewPrivs"), ["1"])

    def test_the_filesystem_has_no_capabilities(self):
        self.fstab(f"src,x {self.dir} fuse.probefs {self.OPTIONS} 0 0")
        self.run_it("mount", self.dir)
        self.check_unprivileged()
        argv = self.argv()
        self.assertEqual(argv[:2] + argv[3:], ["probefs", "src,x", "-o",
                                               "rw,noatime,nodev,own=1,suid"])
        self.assertRegex(argv[2], "^/dev/fd/[0-9]+$")
        m = self.mounted()
        self.assertEqual((m.type, m.source), ("fuse.probefs", "src,x"))
        self.assertEqual(m.flags, "noatime nodev nodiratime")
        self.assertEqual(os.listdir(self.dir), [])
        self.unmount()

    def test_what_the_line_says_wins(self):
        self.run_it("mount.fuse3", "probefs#src", self.dir, "-o",
                    "drop_privileges,fsname=a\\,b,subtype=other,user")
        m = self.mounted()
        self.assertEqual((m.type, m.source), ("fuse.other", "a,b"))
        self.assertEqual(m.flags, "nodev noexec nosuid")

    def test_of_a_user(self):
        # Whoever mounts is not who serves: /dev/fuse is opened for the user.
        self.run_it("mount.fuse3", "probefs#src", self.dir, "-o",
                    "drop_privileges,setuid=probeuser,suid,nodev")
        self.check_unprivileged()
        self.assertEqual(self.status("Uid"), [str(USER)] * 4)
        self.assertEqual(sorted(map(int, self.status("Groups"))), [USER, USER + 1])
        m = self.mounted()
        self.assertEqual(m.flags, "nodev")
        self.assertIn(f"user_id={USER}", m.options)
        self.assertEqual(self.run_it(*as_user("ls", self.dir)), "")
        self.unmount()

    def test_no_other_descriptor_is_inherited(self):
        read, write = os.pipe()
        os.set_inheritable(write, True)
        subprocess.run(["mount.fuse3", "probefs#src", self.dir, "-o", "drop_privileges"],
                       check=True, close_fds=False, timeout=front.LIMIT_S)
        os.close(write)
        # The end is read only if nobody has the other side any more.
        self.assertEqual(os.read(read, 1), b"")
        os.close(read)

    def test_a_user_needs_no_privilege_to_have_none(self):
        self.run_it(*as_user("mount.fuse3", "probefs#src", f"{BASE}/user", "-o",
                             "drop_privileges"))
        self.assertEqual(self.status("NoNewPrivs"), ["1"])
        self.assertEqual(self.status("CapPrm"), EMPTY_CAPS)
        self.mounted(f"{BASE}/user")

    def test_no_dead_mount_is_left_when_the_program_fails(self):
        said = self.run_it("mount.fuse3", "probefs#src", self.dir, "-o", "drop_privileges", code=3,
                           env={"PROBE_EXIT": "3"})
        self.assertIn("ended with status 3", said)
        self.assertEqual(front.mounts(self.dir), [])

    def test_nor_when_it_succeeds_without_serving(self):
        said = self.run_it("mount.fuse3", "probefs#src", self.dir, "-o", "drop_privileges",
                           code=32, env={"PROBE_EXIT": "0"})
        self.assertIn("is not mounted", said)
        self.assertEqual(front.mounts(self.dir), [])

    def test_nor_when_it_cannot_be_run(self):
        with open(f"{BASE}/bin/broken", "w", encoding="utf-8") as f:
            f.write("#!/no/such/interpreter\n")
        os.chmod(f"{BASE}/bin/broken", 0o755)
        said = self.run_it("mount.fuse3", "broken#src", self.dir, "-o", "drop_privileges", code=32)
        self.assertIn("the interpreter that its first line names", said)
        self.assertEqual(front.mounts(self.dir), [])

    def test_a_filesystem_in_the_foreground_gets_the_signals(self):
        with subprocess.Popen(["mount.fuse3", "probefs#src", self.dir, "-o", "drop_privileges"],
                              env=dict(os.environ, PROBE_FOREGROUND="1")) as front_end:
            self.pid()
            self.mounted()
            front_end.send_signal(signal.SIGTERM)
            self.assertEqual(front_end.wait(front.LIMIT_S), 32)
        self.assertTrue(os.path.exists(f"{BASE}/out/destroyed"))
        self.assertEqual(front.mounts(self.dir), [])

    def test_auto_unmount_goes_with_the_filesystem(self):
        self.run_it("mount.fuse3", "probefs#src", self.dir, "-o", "drop_privileges,auto_unmount")
        self.mounted()
        os.kill(self.pid(), signal.SIGKILL)
        wait_until(lambda: not front.mounts(self.dir), "it was unmounted")

    def test_the_distributions_libfuse_serves_what_we_mounted(self):
        if not os.path.exists(f"{BASE}/bin/stock_hello"):
            self.skipTest("built without the distribution's libfuse3 (libfuse3-dev)")
        self.run_it("mount.fuse3", "stock_hello", self.dir, "-o", "drop_privileges,ro")
        with open(f"{self.dir}/hello", encoding="utf-8") as f:
            self.assertIn("hello", f.read())
        self.unmount()


class Failures(FrontTest):
    def test_the_programs_status_is_ours(self):
        for code in (0, 1, 3, 8, 255):
            self.run_it("mount.fuse3", "probefs#", self.dir, code=code,
                        env={"PROBE_EXIT": str(code)})
            self.run_it("mount", "-t", "fuse.probefs", "src", self.dir, code=code,
                        env={"PROBE_EXIT": str(code)})

    def test_no_program(self):
        self.fstab(f"src {self.dir} fuse.missingfs defaults 0 0")
        said = self.run_it("mount", self.dir, code=32)
        for part in (self.dir, "`missingfs'", "fuse.missingfs", "/usr/sbin, /usr/bin", "hint:"):
            self.assertIn(part, said)

    def test_no_program_but_a_file(self):
        said = self.run_it("mount.fuse3", "src", self.dir, "-t", f"{BASE}/fstab", code=32)
        self.assertIn(f"{BASE}/fstab: Permission denied", said)

    def test_wrong_calls(self):
        for args in ((), ("probefs#",), ("a", "b", "c"), ("probefs#", self.dir, "-o"),
                     ("probefs#", self.dir, "-y"), ("#src", self.dir)):
            with self.subTest(args):
                self.assertIn("usage:", self.run_it("mount.fuse3", *args, code=1))

    def test_no_device_for_a_label(self):
        self.fstab(f"LABEL=nosuchlabel {self.dir} fuse.probefs defaults 0 0")
        self.assertIn("LABEL=", self.run_it("mount", self.dir, code=1))
        # mount(8) sees to this.
        self.fstab(f"LABEL=nosuchlabel {self.dir} fuse.probefs nofail 0 0")
        self.run_it("mount", self.dir)
        self.assertEqual(front.mounts(self.dir), [])

    def test_nothing_is_done_with_f(self):
        said = self.run_it("mount", "-f", "-v", "-t", "fuse.probefs", "it's", self.dir)
        self.assertIn(r"would run /usr/sbin/probefs for /mnt/d: probefs 'it'\''s' /mnt/d -o "
                      "rw,dev,suid", said)
        self.assertEqual(os.listdir(f"{BASE}/out"), [])

    def test_help_and_version(self):
        self.assertIn("usage:", self.run_it("mount.fuse3", "-h"))
        self.assertIn("profuse", self.run_it("mount.fuse3", "--version"))


class Remount(FrontTest):
    def test_flags_change_and_nothing_else(self):
        self.fstab(f"src {self.dir} fuse.probefs nodev,own=1 0 0")
        self.run_it("mount", self.dir)
        pid = self.pid()
        self.run_it("mount", "-o", "remount,ro,noexec", self.dir)
        self.assertEqual(self.mounted().flags, "nodev noexec ro")
        self.run_it("mount", "-o", "remount,rw", self.dir)
        self.assertEqual(self.mounted().flags, "nodev")
        self.assertEqual(self.pid(), pid)
        self.unmount()

    def test_only_what_is_fuse(self):
        said = self.run_it("mount.fuse3", "x#", BASE, "-o", "remount,ro", code=32)
        self.assertIn("no FUSE filesystem", said)

    def test_a_user_may_not(self):
        self.run_it(*as_user("mount.fuse3", "probefs#", f"{BASE}/user"))
        self.run_it(*as_user("mount.fuse3", "x#", f"{BASE}/user", "-o", "remount,suid"), code=1)
        self.assertEqual(self.mounted(f"{BASE}/user").flags, "nodev nosuid")


class Namespaces(FrontTest):
    def test_another_mount_namespace(self):
        with subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c",
                               "echo; read x"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as other:
            other.stdout.readline()
            self.run_it("mount", "-N", str(other.pid), "-t", "fuse.probefs", "src", self.dir)
            self.assertEqual(front.mounts(self.dir), [])
            with open(f"/proc/{other.pid}/mountinfo", encoding="utf-8") as f:
                self.assertIn(f" {self.dir} ", f.read())
            self.run_it("umount", "-N", str(other.pid), self.dir)
            with open(f"/proc/{other.pid}/mountinfo", encoding="utf-8") as f:
                self.assertNotIn(f" {self.dir} ", f.read())
            self.assertTrue(os.path.exists(f"{BASE}/out/destroyed"))
            other.stdin.close()


if __name__ == "__main__":
    front.enter()
    front.main()
