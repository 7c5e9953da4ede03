#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A filesystem without any right runs as a service, and mount(8), or a user, mounts it."""
import os
import shutil
import socket
import stat
import subprocess

import services
from services import front
from front import BASE, USER, as_user, wait_until

PARTFS = f"{BASE}/bin/partfs"


class Mounting(services.ServiceTest):
    def setUp(self):
        super().setUp()
        self.image = f"{BASE}/image"
        services.disk_image(self.image)
        self.addCleanup(os.unlink, self.image)

    def look(self, path):
        self.assertEqual(sorted(os.listdir(path)), ["1", "2"])
        with open(f"{path}/1", "rb") as f:
            self.assertEqual(f.read(), b"1" * 3 * 512)

    def test_from_fstab_as_root(self):
        for transport in ("", ",io_uring"):
            with self.subTest(transport):
                service = services.Program("partfs", [PARTFS])
                self.addCleanup(lambda s=service: os.path.exists(s.path) and s.close())
                self.fstab(f"{self.image} {self.dir} fuse.partfs noauto,nofail,noexec{transport} 0 0")
                self.run_it("mount", self.dir)
                m = self.mounted()
                self.assertEqual((m.type, m.source), ("fuse.partfs", "partfs"))
                self.assertEqual(m.flags, "nodev noexec nosuid")
                self.assertIn("user_id=0", m.options)
                self.look(self.dir)
                pid = service.process().pid
                open_files = [os.readlink(f"/proc/{pid}/fd/{fd}")
                              for fd in os.listdir(f"/proc/{pid}/fd")]
                self.assertEqual("anon_inode:[io_uring]" in open_files, bool(transport))
                with open(f"/proc/{pid}/status", encoding="utf-8") as f:
                    status = f.read()
                self.assertIn(f"Uid:\t{services.SERVICE_USER}\t{services.SERVICE_USER}", status)
                self.assertIn("CapPrm:\t0000000000000000", status)
                self.unmount()
                self.assertEqual(service.statuses(), [0])
                service.close()

    def test_the_process_has_only_what_it_was_given(self):
        service = self.program("partfs", [PARTFS])
        self.run_it("mount", "-t", "fuse.partfs", self.image, self.dir)
        self.look(self.dir)
        pid = service.process().pid
        with open(f"/proc/{pid}/environ", "rb") as f:
            self.assertNotIn(b"TERM=", f.read())
        targets = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        files = {t for t in targets if t.startswith("/")} - {"/dev/null", service.output}
        self.assertEqual(files, {"/dev/fuse", self.image})
        self.assertFalse([t for t in targets if t.startswith("socket:") or "memfd" in t])
        self.unmount()
        self.assertEqual(service.statuses(), [0])

    def test_writing_goes_to_the_image(self):
        self.program("partfs", [PARTFS])
        self.run_it("mount", "-t", "fuse.partfs", self.image, self.dir)
        with open(f"{self.dir}/2", "r+b") as f:
            f.write(b"new")
        self.unmount()
        with open(self.image, "rb") as f:
            f.seek(4 * 512)
            self.assertEqual(f.read(4), b"new2")

    def test_ro_keeps_the_image_unwritten(self):
        self.program("partfs", [PARTFS])
        self.run_it("mount", "-t", "fuse.partfs", "-o", "ro", self.image, self.dir)
        self.assertIn("ro", self.mounted().flags.split())
        self.look(self.dir)
        with self.assertRaises(OSError):
            open(f"{self.dir}/1", "r+b").close()
        self.unmount()

    def test_two_at_once(self):
        service = self.program("partfs", [PARTFS])
        second = f"{BASE}/second"
        os.mkdir(second)
        self.addCleanup(os.rmdir, second)
        self.run_it("mount", "-t", "fuse.partfs", self.image, self.dir)
        self.run_it("mount", "-t", "fuse.partfs", self.image, second)
        self.look(self.dir)
        self.unmount()
        self.look(second)
        self.unmount(second)
        self.assertEqual(service.statuses(), [0, 0])

    def test_the_names_of_the_helper(self):
        self.program("partfs", [PARTFS])
        for command in (["fuservicemount3", self.image, self.dir, "-t", "partfs"],
                        ["fuservicemount3", self.image, self.dir, "-t", "fuse.partfs"],
                        ["mount.fuse3", self.image, self.dir, "-t", "partfs"],
                        ["mount.fuse3", f"partfs#{self.image}", self.dir]):
            with self.subTest(command):
                self.run_it(*command)
                self.look(self.dir)
                self.unmount()

    def test_by_a_user(self):
        """With the user's rights: those of fusermount3, and to the image."""
        service = self.program("partfs", [PARTFS])
        os.chown(self.image, USER, USER)
        for transport in ("own=1", "io_uring"):
            with self.subTest(transport):
                self.run_it(*as_user("mount.fuse3", self.image, f"{BASE}/user", "-t", "partfs",
                                     "-o", "max_read=131072" if transport == "own=1" else transport))
                m = self.mounted(f"{BASE}/user")
                self.assertEqual(m.flags, "nodev nosuid")
                self.assertEqual(m.type, "fuse.partfs")
                self.assertIn(f"user_id={USER}", m.options)
                self.run_it(*as_user("cmp", "-n", "1536", f"{BASE}/user/1", "/dev/zero"), code=1)
                out = self.run_it(*as_user("head", "-c", "4", f"{BASE}/user/1"))
                self.assertEqual(out, "1111")
                self.run_it(*as_user("fusermount3", "-u", f"{BASE}/user"))
        self.assertEqual(service.statuses(), [0, 0])

    def test_a_user_from_fstab(self):
        self.program("partfs", [PARTFS])
        os.chown(self.image, USER, USER)
        self.fstab(f"{self.image} {BASE}/user fuse.partfs user,noauto 0 0")
        self.run_it(*as_user("mount", f"{BASE}/user"))
        self.assertEqual(self.mounted(f"{BASE}/user").flags, "nodev noexec nosuid")
        self.run_it(*as_user("fusermount3", "-u", f"{BASE}/user"))

    def test_a_user_lends_only_what_they_have(self):
        service = self.program("partfs", [PARTFS])
        said = self.run_it(*as_user("fuservicemount3", self.image, f"{BASE}/user", "-t", "partfs"),
                           code=1)
        self.assertIn("with status 1", said)
        self.assertIn("Permission denied", service.said())
        self.assertEqual(front.mounts(f"{BASE}/user"), [])

    def test_a_user_mounts_only_where_they_may(self):
        self.program("partfs", [PARTFS])
        os.chown(self.image, USER, USER)
        said = self.run_it(*as_user("fuservicemount3", self.image, self.dir, "-t", "partfs"), code=4)
        self.assertIn("user has no write access to mountpoint", said)

    def test_allow_other_is_the_users_word(self):
        self.program("partfs", [PARTFS])
        self.run_it("mount", "-t", "fuse.partfs", "-o", "allow_other,default_permissions",
                    self.image, self.dir)
        self.assertTrue({"allow_other", "default_permissions"} <= set(self.mounted().options))
        self.run_it(*as_user("ls", self.dir))
        self.unmount()

    def test_devices_and_setuid_only_if_asked_for(self):
        self.program("partfs", [PARTFS])
        # mount(8) takes suid and dev for what goes without saying, and away.
        self.run_it("mount", "-t", "fuse.partfs", "-o", "suid,dev", self.image, self.dir)
        self.assertEqual(self.mounted().flags, "nodev nosuid")
        self.unmount()
        self.run_it("mount.fuse3", "-t", "partfs", "-o", "suid", self.image, self.dir)
        self.assertEqual(self.mounted().flags, "nodev")
        self.unmount()


class LowLevel(services.ServiceTest):
    """With every function of the interface, and a file as the mountpoint."""

    def setUp(self):
        super().setUp()
        self.file, self.image = f"{BASE}/file", f"{BASE}/image"
        open(self.file, "w", encoding="utf-8").close()
        with open(self.image, "wb") as f:
            f.write(b"Z" + bytes((1 << 20) - 1))
        self.addCleanup(os.unlink, self.file)
        self.addCleanup(os.unlink, self.image)
        self.service = self.program("onefile", [f"{BASE}/bin/onefile"])

    def read(self):
        with open(self.file, encoding="utf-8") as f:
            return f.read().splitlines()

    def test_what_it_is_told(self):
        for options, may in (("own=1", "allow_other 0 fuseblk 0"),
                             ("allow_other", "allow_other 1 fuseblk 0")):
            with self.subTest(options):
                options = options.replace("own=1", "max_read=65536")
                self.run_it("mount", "-t", "fuse.onefile", "-o", options, self.image, self.file)
                self.assertEqual(self.read(), [f" {self.image} {self.file} -o rw,{options}", may,
                                               "Z 0"])
                self.unmount(self.file)
        self.assertEqual(self.service.statuses(), [0, 0])

    def test_only_on_a_file(self):
        said = self.run_it("mount", "-t", "fuse.onefile", self.image, self.dir, code=1)
        self.assertIn("Is a directory", said)

    def test_block_devices(self):
        """As root alone: the kernel opens the device itself."""
        device = self.loop_device(self.image)
        self.run_it("mount.fuse3", "-t", "fuseblk.onefile", "-o", "blockdev", device, self.file)
        m = self.mounted(self.file)
        self.assertEqual((m.type, m.source), ("fuseblk.onefile", device))
        self.assertEqual(self.read()[1:], ["allow_other 0 fuseblk 1", "Z 1024"])
        self.unmount(self.file)
        self.run_it("mount", "-t", "fuse.onefile", "-o", "blockdev", device, self.file)
        self.assertEqual(self.read()[1:], ["allow_other 0 fuseblk 0", "Z 1024"])
        self.unmount(self.file)
        self.run_it("mount", "-t", "fuse.onefile", "-o", "blockdev", self.image, self.file, code=1)
        self.assertEqual(self.service.statuses(), [0, 0, 1])

    def test_a_signal_ends_it(self):
        self.run_it("mount", "-t", "fuse.onefile", self.image, self.file)
        self.service.process().terminate()
        self.assertEqual(self.service.statuses(), [0])
        # It has no right to unmount.
        self.run_it("umount", "-i", self.file)


class Failures(services.ServiceTest):
    def test_an_image_that_is_not_there(self):
        service = self.program("partfs", [PARTFS])
        said = self.run_it("mount", "-t", "fuse.partfs", f"{BASE}/nothing", self.dir, code=1)
        self.assertIn("the service gave up, with status 1", said)
        self.assertIn(f"cannot open {BASE}/nothing: No such file or directory", service.said())
        self.assertEqual(service.statuses(), [1])

    def test_an_image_that_is_none(self):
        service = self.program("partfs", [PARTFS])
        self.run_it("mount", "-t", "fuse.partfs", "/etc/passwd", self.dir, code=1)
        self.assertIn("no partition table", service.said())
        self.assertEqual(front.mounts(self.dir), [])

    def test_a_directory_in_place_of_an_image(self):
        service = self.program("partfs", [PARTFS])
        self.run_it("mount", "-t", "fuse.partfs", f"{BASE}/out", self.dir, code=1)
        self.assertIn("Is a directory", service.said())

    def test_a_mountpoint_of_the_wrong_kind(self):
        self.program("partfs", [PARTFS])
        image, file = f"{BASE}/image", f"{BASE}/file"
        services.disk_image(image)
        open(file, "w", encoding="utf-8").close()
        self.addCleanup(os.unlink, image)
        self.addCleanup(os.unlink, file)
        said = self.run_it("mount", "-t", "fuse.partfs", image, file, code=4)
        self.assertIn("Not a directory", said)

    def test_an_option_that_nobody_knows(self):
        service = self.program("partfs", [PARTFS])
        image = f"{BASE}/image"
        services.disk_image(image)
        self.addCleanup(os.unlink, image)
        self.run_it("mount", "-t", "fuse.partfs", "-o", "nonsense", image, self.dir, code=3)
        self.assertIn("nonsense", service.said())

    def test_an_init_that_asks_for_the_impossible(self):
        """The mount was there by then, and is gone again."""
        service = self.program("refuser", [f"{BASE}/bin/refuser"])
        said = self.run_it("mount.fuse3", "", self.dir, "-t", "refuser", code=4)
        self.assertIn("the service gave up, with status 4", said)
        self.assertEqual(front.mounts(self.dir), [])
        self.assertEqual(service.statuses(), [1])

    def test_a_service_that_dies(self):
        self.program("partfs", ["/bin/false"])
        said = self.run_it("mount", "-t", "fuse.partfs", "x", self.dir, code=32)
        self.assertIn("the service ended before it was through", said)

    def test_a_service_that_stays_silent(self):
        def serve(conn):
            while conn.recv(services.MAX_MESSAGE):
                pass

        self.listen("partfs", serve)
        said = self.run_it("mount", "-t", "fuse.partfs", "-o", "service_timeout=1", "x", self.dir,
                           code=32)
        self.assertIn("the service took too long", said)


class WhichWay(services.ServiceTest):
    """A service if there is one, else the program."""

    def test_without_a_socket_the_program_runs(self):
        self.run_it("mount", "-t", "fuse.probefs", "src", self.dir)
        self.assertEqual(self.argv()[0], "probefs")
        self.unmount()

    def test_the_program_also_where_nobody_listens(self):
        services.listen("probefs").close()
        self.addCleanup(os.unlink, f"{services.SOCKETS}/probefs")
        said = self.run_it("mount.fuse3", "probefs#src", self.dir)
        self.assertIn("left aside: Connection refused", said)
        self.unmount()

    def refuse(self, conn):
        raise AssertionError("the service was asked")

    def test_sockets_that_somebody_else_could_have_put_there(self):
        listener = self.listen("probefs", self.refuse)
        for owner, mode in ((USER, 0o755), (0, 0o775), (0, 0o757)):
            with self.subTest((owner, mode)):
                os.chown(services.SOCKETS, owner, 0)
                os.chmod(services.SOCKETS, mode)
                said = self.run_it("mount.fuse3", "probefs#src", self.dir)
                self.assertIn("left aside: Operation not permitted", said)
                self.unmount()
        os.chown(services.SOCKETS, 0, 0)
        os.chmod(services.SOCKETS, 0o755)
        self.assertIsNone(listener.error)

    def test_users_who_may_not_use_the_socket(self):
        listener = self.listen("probefs", self.refuse, mode=0o660)
        self.run_it(*as_user("mount.fuse3", "probefs#src", f"{BASE}/user"))
        self.mounted(f"{BASE}/user")
        said = self.run_it(*as_user("fuservicemount3", "-t", "probefs", "--check"), code=32)
        self.assertIn("Permission denied", said)
        self.assertIsNone(listener.error)

    def test_setuid_and_drop_privileges_need_the_program(self):
        listener = self.listen("probefs", self.refuse)
        os.chown(self.dir, USER, USER)
        for option in ("setuid=probeuser", "drop_privileges"):
            with self.subTest(option):
                self.run_it("mount.fuse3", "probefs#src", self.dir, "-o", option)
                self.unmount()
        self.assertIsNone(listener.error)

    def test_types_that_are_paths(self):
        for name in (f"{BASE}/bin/probefs", "../run/fuse/probefs"):
            self.assertIn("Invalid argument", self.run_it("fuservicemount3", "-t", name, "--check",
                                                          code=32))

    def test_checking(self):
        said = self.run_it("fuservicemount3", "-t", "fuse.partfs", "--check", code=32)
        self.assertIn("No such file or directory", said)
        self.program("partfs", [PARTFS])
        self.assertEqual(self.run_it("fuservicemount3", "-t", "fuse.partfs", "--check"), "")
        said = self.run_it("fuservicemount3", "src", self.dir, "-t", "probefs", code=32)
        self.assertIn("no service for the filesystem type probefs", said)

    def test_saying_what_would_be_done(self):
        listener = self.listen("partfs", self.refuse)
        said = self.run_it("mount", "-f", "-v", "-t", "fuse.partfs", "src", self.dir)
        self.assertIn(f"would ask the service {services.SOCKETS}/partfs for {self.dir}", said)
        self.assertIsNone(listener.error)


class Systemd(services.ServiceTest):
    def test_units_are_well_formed(self):
        analyze = shutil.which("systemd-analyze")
        if not analyze:
            self.skipTest("no systemd-analyze")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/partfs")
        os.mkdir(f"{BASE}/units")
        self.addCleanup(shutil.rmtree, f"{BASE}/units")
        for name in ("partfs.socket", "partfs@.service"):
            with open(f"{source}/{name}", encoding="utf-8") as f:
                text = f.read().replace("/usr/bin/partfs", PARTFS)
            with open(f"{BASE}/units/{name}", "w", encoding="utf-8") as f:
                f.write(text)
        run = subprocess.run([analyze, "verify", f"{BASE}/units/partfs.socket",
                              f"{BASE}/units/partfs@.service"],
                             env=dict(os.environ, SYSTEMD_UNIT_PATH=f"{BASE}/units:"),
                             capture_output=True, text=True, check=False)
        self.assertEqual([line for line in run.stderr.splitlines() if "partfs" in line], [])

    def test_socket_activation_as_systemd_does_it(self):
        tool = shutil.which("systemd-socket-activate")
        if not tool:
            self.skipTest("no systemd-socket-activate")
        services.disk_image(f"{BASE}/image")
        self.addCleanup(os.unlink, f"{BASE}/image")
        path = f"{services.SOCKETS}/partfs"
        manager = subprocess.Popen([tool, "--seqpacket", "--accept", "-l", path, PARTFS],
                                   stderr=subprocess.PIPE)
        self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))
        self.addCleanup(manager.stderr.close)
        self.addCleanup(services.kill, manager)
        wait_until(lambda: os.path.exists(path) and stat.S_ISSOCK(os.stat(path).st_mode),
                   "the socket was there")
        self.run_it("mount", "-t", "fuse.partfs", f"{BASE}/image", self.dir)
        self.assertEqual(sorted(os.listdir(self.dir)), ["1", "2"])
        self.unmount()


class Starting(services.ServiceTest):
    """The program by itself, and with sockets that are not what it expects."""

    def start(self, conn, **env):
        run = services.activate(conn, [PARTFS, f"{BASE}/image", self.dir], user=0, env=env,
                                output=subprocess.PIPE)
        out, _ = run.communicate(timeout=30)
        return run.returncode, out.decode()

    def test_as_an_ordinary_program(self):
        services.disk_image(f"{BASE}/image")
        self.addCleanup(os.unlink, f"{BASE}/image")
        self.run_it(PARTFS, f"{BASE}/image", self.dir)
        self.assertEqual(sorted(os.listdir(self.dir)), ["1", "2"])
        self.unmount()

    def test_sockets_meant_for_another_process(self):
        services.disk_image(f"{BASE}/image")
        self.addCleanup(os.unlink, f"{BASE}/image")
        self.run_it(PARTFS, f"{BASE}/image", self.dir, env={"LISTEN_FDS": "1", "LISTEN_PID": "1"})
        self.unmount()

    def test_sockets_of_the_wrong_kind(self):
        kinds = [socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM),
                 socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM),
                 (socket.socket(socket.AF_INET),),
                 (services.listen("x"),)]
        self.addCleanup(os.unlink, f"{services.SOCKETS}/x")
        for ends in kinds:
            with self.subTest(ends[0].family, kind=ends[0].type):
                code, said = self.start(ends[0])
                self.assertEqual(code, 1)
                self.assertIn("ListenSequentialPacket= and Accept=yes", said)
            for end in ends:
                end.close()

    def test_another_number_of_sockets(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for count in ("0", "2", "", "1x", "-1"):
            with self.subTest(count):
                code, said = self.start(theirs, LISTEN_FDS=count)
                self.assertEqual(code, 1)
                self.assertIn("needs ListenSequentialPacket= and Accept=yes", said)
        ours.close()
        theirs.close()


if __name__ == "__main__":
    services.enter()
    front.main()
