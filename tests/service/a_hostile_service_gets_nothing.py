#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""mount.fuse3 has root's rights, and the service that it talks to is an attacker: it
gets no file, no option and no mount that the command line does not have."""
import array
import fcntl
import os
import socket
import stat
import struct
import subprocess
import threading

import services
from services import FLAG_NODEV, FLAG_NOSUID, FLAG_RDONLY, front, number, open_command, place, string
from front import BASE, USER, as_user

EPERM, ENOENT, EBUSY, EISDIR, EINVAL, EROFS, ELOOP = 1, 2, 16, 21, 22, 30, 40
ENOTDIR, ENOTBLK = 20, 15
DIR = f"{BASE}/d".encode()


class Hostile(services.ServiceTest):
    """The service is the test itself: attack() runs when mount.fuse3 has connected."""

    def attack(self, attack, *options, code=32, source=f"{BASE}/image", type_="fuse.evil",
               user=False, dir_=None):
        result = {}

        def serve(conn):
            service = services.Service(conn)
            result["service"] = service
            try:
                attack(service)
            finally:
                result["done"] = True
                os.close(service.args_fd)
                os.close(service.device)

        listener = services.Listener("evil", serve)
        command = ["mount.fuse3", source, dir_ or self.dir, "-t", type_, *options]
        run = subprocess.run(as_user(*command) if user else command, capture_output=True,
                             text=True, timeout=front.LIMIT_S, check=False)
        listener.close()
        if listener.error:
            raise listener.error
        self.assertEqual(run.returncode, code, run.stderr)
        self.assertTrue(result.get("done"))
        return run.stdout + run.stderr

    def setUp(self):
        super().setUp()
        self.image = f"{BASE}/image"
        services.disk_image(self.image)
        self.addCleanup(os.unlink, self.image)

    def assert_not_mounted(self):
        self.assertEqual(front.mounts(self.dir), [])


class Files(Hostile):
    def get(self, path, *args, options=(), **named):
        """What the service gets for its request: a descriptor or -errno."""
        got = []

        def attack(service):
            fd = service.open(os.fsencode(path), *args, **named)
            got.append(fd)
            service.bye(7)

        said = self.attack(attack, *options, code=7)
        if got[0] >= 0:
            self.addCleanup(os.close, got[0])
        return got[0], said

    def test_only_what_the_command_line_names(self):
        for path in ("/etc/shadow", "/etc/passwd", f"{BASE}/image/", f"{BASE}//image",
                     f"{BASE}/./image", f"{BASE}/d", self.dir, "", "image", "evil", "/",
                     f"{BASE}/image\n", "own", "own=/etc/shadow", "rw", "/dev/sda", "/proc/self/mem",
                     "/proc/self/fd/0"):
            with self.subTest(path):
                fd, said = self.get(path, options=("-o", "own=1,rw"))
                self.assertEqual(fd, -EPERM)
                self.assertIn("the service may not open", said)
        fd, _ = self.get(f"{BASE}/image")
        self.assertGreater(fd, 0)

    def test_values_of_options_are_named_but_not_those_of_the_mount(self):
        open(f"{BASE}/log", "w", encoding="utf-8").close()
        open(f"{BASE}/a,b", "w", encoding="utf-8").close()
        self.addCleanup(os.unlink, f"{BASE}/log")
        self.addCleanup(os.unlink, f"{BASE}/a,b")
        self.assertGreater(self.get(f"{BASE}/log", options=("-o", f"own={BASE}/log"))[0], 0)
        self.assertGreater(self.get(f"{BASE}/a,b", options=("-o", f"own={BASE}/a\\,b"))[0], 0)
        for option in (f"fsname={BASE}/log", f"x-own={BASE}/log", f"comment={BASE}/log",
                       f"subtype={BASE}/log"):
            with self.subTest(option):
                self.assertEqual(self.get(f"{BASE}/log", options=("-o", option))[0], -EPERM)

    def test_no_flags_that_do_more_than_open(self):
        for flags in (os.O_PATH, os.O_DIRECTORY, os.O_TMPFILE, os.O_ASYNC, os.O_ACCMODE,
                      1 << 31, 1 << 26):
            with self.subTest(flags):
                self.assertEqual(self.get(self.image, flags)[0], -EINVAL)
        self.assertEqual(self.get(self.image, request=2)[0], -EINVAL)

    def test_no_directory(self):
        """With it one could walk out of any namespace."""
        os.mkdir(f"{BASE}/tree")
        self.addCleanup(os.rmdir, f"{BASE}/tree")
        self.assertEqual(self.get(f"{BASE}/tree", options=("-o", f"own={BASE}/tree"))[0], -EISDIR)

    def test_nothing_that_acts_when_it_is_opened(self):
        os.mkfifo(f"{BASE}/fifo")
        self.addCleanup(os.unlink, f"{BASE}/fifo")
        for path in (f"{BASE}/fifo", "/dev/null", "/dev/tty", f"{services.SOCKETS}/evil"):
            with self.subTest(path):
                self.assertEqual(self.get(path, os.O_RDWR, options=("-o", f"own={path}"))[0], -EPERM)

    def test_a_link_only_if_it_is_followed(self):
        os.symlink(self.image, f"{BASE}/link")
        self.addCleanup(os.unlink, f"{BASE}/link")
        options = ("-o", f"own={BASE}/link")
        self.assertEqual(self.get(f"{BASE}/link", os.O_NOFOLLOW, options=options)[0], -ELOOP)
        self.assertGreater(self.get(f"{BASE}/link", options=options)[0], 0)

    def test_block_devices_only_where_there_is_one(self):
        self.assertEqual(self.get(self.image, word=b"BDEV", block=512)[0], -ENOTBLK)
        self.assertEqual(self.get(self.image, word=b"BDEV", block=0xffffffff)[0], -EINVAL)
        self.assertEqual(self.get(f"{BASE}/none", os.O_RDWR | os.O_CREAT, 0o600, word=b"BDEV",
                                  options=("-o", f"own={BASE}/none"))[0], -ENOENT)
        self.assertFalse(os.path.exists(f"{BASE}/none"))

    def test_ro_on_the_command_line_is_for_files_too(self):
        for flags in (os.O_RDWR, os.O_WRONLY, os.O_RDONLY | os.O_TRUNC, os.O_RDONLY | os.O_CREAT):
            with self.subTest(flags):
                self.assertEqual(self.get(self.image, flags, options=("-o", "ro"))[0], -EROFS)
        fd, _ = self.get(self.image, options=("-r",))
        self.assertGreater(fd, 0)
        with self.assertRaises(OSError):
            os.write(fd, b"x")

    def test_new_files_have_no_special_bits(self):
        new = f"{BASE}/new"
        options = ("-o", f"own={new}")
        flags = os.O_RDWR | os.O_CREAT
        for mode in (0o4755, 0o2755, 0o1777, stat.S_IFCHR | 0o600):
            self.assertEqual(self.get(new, flags, mode, options=options)[0], -EINVAL)
            self.assertFalse(os.path.exists(new))
        self.assertGreater(self.get(new, flags, 0o600, options=options)[0], 0)
        self.addCleanup(os.unlink, new)
        self.assertEqual(stat.S_IMODE(os.stat(new).st_mode), 0o600)
        # And none through a dangling link that somebody else has left.
        os.symlink(f"{BASE}/elsewhere", f"{BASE}/dangling")
        self.addCleanup(os.unlink, f"{BASE}/dangling")
        self.assertLess(self.get(f"{BASE}/dangling", flags, 0o600,
                                 options=("-o", f"own={BASE}/dangling"))[0], 0)
        self.assertFalse(os.path.lexists(f"{BASE}/elsewhere"))

    def test_no_file_once_the_mountpoint_is_named(self):
        def attack(service):
            self.assertEqual(service.ask(place(DIR)), 0)
            self.assertEqual(service.open(os.fsencode(self.image)), -EPERM)
            service.bye(7)

        self.attack(attack, code=7)

    def test_a_user_lends_only_their_own_rights(self):
        got = []

        def attack(service):
            got.append(service.open(os.fsencode(self.image)))
            service.bye(7)

        self.attack(attack, code=7, user=True, dir_=f"{BASE}/user")
        self.assertEqual(got, [-13])

    def test_what_it_says_cannot_play_with_the_terminal(self):
        _, said = self.get("\x1b[2J\x07\r" + "x" * 4000)
        self.assertNotIn("\x1b", said)
        self.assertLess(len(said), 1000)

    def test_it_gets_the_command_line_and_nothing_else(self):
        def attack(service):
            self.assertEqual(service.arguments(),
                             ["evil", self.image, self.dir, "-o", "own=1,suid"])
            # Nobody changes afterwards what was said.
            with self.assertRaises(OSError):
                os.ftruncate(service.args_fd, 1)
            with self.assertRaises(OSError):
                os.pwrite(service.args_fd, b"x", 0)
            self.assertEqual(os.fstat(service.device).st_rdev, os.makedev(10, 229))
            service.bye(7)

        self.attack(attack, "-o", "own=1,suid,nofail,x-a,service_timeout=20", code=7)


class Mounts(Hostile):
    def result(self, *options, code=7, type_="fuse.evil", name=b"src", dir_=DIR, **how):
        """Mounts; returns the errno and, if it was 0, the line of the mount table."""
        got = {}

        def attack(service):
            got["err"] = service.mount(dir_, source=name, **how)
            if got["err"] == 0:
                got["mount"] = self.mounted()
            service.bye(7)

        self.attack(attack, *options, code=code, type_=type_)
        # It said goodbye with an error, so there is nothing left.
        self.assert_not_mounted()
        return got["err"], got.get("mount")

    def test_no_setuid_programs_and_no_devices(self):
        for flags in (0, FLAG_NOSUID, FLAG_NODEV):
            self.assertEqual(self.result(flags=flags)[1].flags, "nodev nosuid")
        # Each only where the user has written it, and the service agrees.
        self.assertEqual(self.result("-o", "suid", flags=0)[1].flags, "nodev")
        self.assertEqual(self.result("-o", "suid,dev", flags=0)[1].flags, "")
        self.assertEqual(self.result("-o", "suid,nosuid", flags=0)[1].flags, "nodev nosuid")
        self.assertEqual(self.result("-o", "suid,user", flags=0)[1].flags, "nodev noexec nosuid")
        self.assertEqual(self.result("-o", "suid", flags=FLAG_NOSUID)[1].flags, "nodev nosuid")

    def test_it_can_ask_for_less(self):
        self.assertEqual(self.result(flags=FLAG_RDONLY | 8 | 1024)[1].flags,
                         "noatime nodev noexec nosuid ro")

    def test_flags_of_the_user_stay(self):
        self.assertEqual(self.result("-o", "ro,noexec,nosymfollow", flags=0)[1].flags,
                         "nodev noexec nosuid nosymfollow ro")

    def test_no_flags_that_make_another_call_of_it(self):
        for bit in (5, 12, 13, 14, 17, 18, 19, 20, 22, 23, 27, 30, 31):
            with self.subTest(bit):
                self.assertEqual(self.result(flags=1 << bit)[0], EINVAL)

    def test_no_access_for_others_unless_the_user_says_so(self):
        self.assertEqual(self.result(options=b"allow_other")[0], EPERM)
        err, m = self.result("-o", "allow_other", options=b"allow_other,default_permissions")
        self.assertEqual(err, 0)
        self.assertIn("allow_other", m.options)
        self.assertEqual(self.result("-o", "allow_root", options=b"allow_other")[0], 0)
        # Not by hiding it, either.
        for words in (b"default_permissions,allow_other", b"allow_other,", b",allow_other",
                      b"max_read=1\\,allow_other", b'"allow_other"', b"max_read=1,allow_other"):
            with self.subTest(words):
                self.assertNotEqual(self.result(options=words)[0], 0)

    def test_it_is_told_what_is_allowed(self):
        def flags(*options, type_="fuse.evil"):
            got = []

            def attack(service):
                got.append(service.flags)
                service.bye(7)

            self.attack(attack, *options, code=7, type_=type_)
            return got[0]

        self.assertEqual(flags(), 0)
        self.assertEqual(flags("-o", "allow_other"), 1)
        self.assertEqual(flags("-o", "allow_root"), 1)
        self.assertEqual(flags(type_="fuseblk.evil"), 2)

    def test_only_options_of_a_known_kind(self):
        for words in (b"fd=0", b"rootmode=40000", b"user_id=1", b"group_id=0", b"subtype=x",
                      b"fsname=/dev/sda1", b"blkdev", b"suid", b"dev", b"ro", b"auto_unmount",
                      b"userns", b"context=x", b"fscontext=x", b"nonsense", b"setuid=root", b"remount",
                      b"max_read=x", b"max_read=-1", b"max_read=99999999999", b"x-a"):
            with self.subTest(words):
                self.assertNotEqual(self.result(options=words)[0], 0)
        err, m = self.result(options=b"max_read=65536,default_permissions")
        self.assertEqual(err, 0)
        self.assertTrue({"max_read=65536", "default_permissions"} <= set(m.options))

    def test_the_type_is_what_the_user_said(self):
        self.assertEqual(self.result()[1].type, "fuse.evil")

    def test_the_source_is_no_other_path(self):
        for name in (b"/dev/sda1", b"/etc/passwd", b"../x", b"host:/x", b"a\nb", b"a\x1bb",
                     b"x/" * 3000):
            with self.subTest(name[:20]):
                self.assertNotEqual(self.result(name=name)[0], 0)

    def test_names_that_are_none_of_a_path(self):
        def attack(service):
            self.assertEqual(service.mount(DIR, source=b"plain name"), 0)
            self.assertEqual(self.mounted().source, "plain name")
            service.bye(7)

        self.attack(attack, code=7)

    def test_only_at_the_users_mountpoint(self):
        os.mkdir(f"{BASE}/other")
        self.addCleanup(os.rmdir, f"{BASE}/other")
        for path in (f"{BASE}/other", "/etc", "/", "", f"{BASE}/d/", f"{BASE}/./d", "d"):
            with self.subTest(path):
                self.assertEqual(self.result(dir_=path.encode())[0], EPERM)

    def test_a_mountpoint_of_another_kind(self):
        self.assertEqual(self.result(form=stat.S_IFREG)[0], EISDIR)
        self.assertEqual(self.result(form=stat.S_IFLNK)[0], EINVAL)
        self.assertEqual(self.result(form=0o7777)[0], EINVAL)

    def test_no_block_device_unless_that_was_the_type(self):
        self.assertEqual(self.result(kind=1)[0], EPERM)
        self.assertEqual(self.result(kind=2)[0], EINVAL)

    def test_a_device_that_the_type_makes_it_open_is_the_users(self):
        device, other = self.loop_device(self.image), self.loop_device(self.image)

        def attack(service):
            self.assertEqual(service.ask(string(b"NAME", other.encode())), EPERM)
            self.assertEqual(service.mount(DIR, source=b"plain", kind=1), 0)
            self.assertEqual(self.mounted().source, device)
            service.bye(7)

        self.attack(attack, code=7, source=device, type_="fuseblk.evil")

    def test_one_mount_and_only_one(self):
        def attack(service):
            self.assertEqual(service.ask(number(b"DOIT", 0)), EINVAL)  # where?
            self.assertEqual(service.mount(DIR), 0)
            for command in (number(b"DOIT", 0), place(DIR), string(b"OPTS", b"allow_other"),
                            number(b"TYPE", 0), string(b"NAME", b"x"), string(b"MTAB", b"x")):
                self.assertEqual(service.ask(command), EBUSY)
            self.mounted()
            service.bye(7)

        self.attack(attack, code=7)
        self.assert_not_mounted()

    def test_the_device_is_tied_to_this_mount_or_to_none(self):
        """One that already has a connection cannot be given ours."""
        def attack(service):
            other = os.open("/dev/fuse", os.O_RDWR)
            path = f"{BASE}/other"
            os.mkdir(path)
            libc = __import__("ctypes").CDLL(None)
            data = f"fd={other},rootmode=40000,user_id=0,group_id=0".encode()
            self.assertEqual(libc.mount(b"x", path.encode(), b"fuse", 6, data), 0)
            fcntl.ioctl(service.device, 0x8004e500, array.array("I", [other]))
            self.assertEqual(service.mount(DIR), EINVAL)
            libc.umount2(path.encode(), 2)
            os.rmdir(path)
            os.close(other)
            service.bye(7)

        said = self.attack(attack, code=7)
        self.assertIn("takes no connection", said)
        self.assert_not_mounted()


class Endings(Hostile):
    def test_nothing_stays_when_it_leaves_early(self):
        def after(steps):
            def attack(service):
                for step in [number(b"TYPE", 0), string(b"NAME", b"x"), place(DIR),
                             number(b"DOIT", 0)][:steps]:
                    self.assertEqual(service.ask(step), 0)
                service.conn.shutdown(socket.SHUT_RDWR)
            return attack

        for steps in range(5):
            with self.subTest(steps):
                said = self.attack(after(steps))
                self.assertIn("the service ended before it was through", said)
                self.assert_not_mounted()

    def test_success_without_a_mount_is_none(self):
        said = self.attack(lambda service: service.bye(0))
        self.assertIn("the service gave up", said)

    def test_strange_statuses_are_a_failure(self):
        for status in (256, 0x100000000 - 1, 1 << 31):
            with self.subTest(status):
                self.attack(lambda service, s=status: service.bye(s))

    def test_success_with_a_mount_stays(self):
        kept = []

        def attack(service):
            self.assertEqual(service.mount(DIR), 0)
            services.answer_init(service.device)
            kept.append(os.dup(service.device))
            service.bye(0)

        self.attack(attack, code=0)
        self.mounted()
        os.close(kept[0])
        self.run_it("umount", "-i", "-l", self.dir)

    def test_patience_ends(self):
        for steps in (0, 1):
            def attack(service, mounts=steps):
                if mounts:
                    self.assertEqual(service.mount(DIR), 0)
                self.assertEqual(service.receive(), (b"", None))  # it has hung up

            with self.subTest(steps):
                said = self.attack(attack, "-o", "service_timeout=2")
                self.assertIn("the service took too long", said)
                self.assert_not_mounted()

    def test_a_service_that_asks_without_listening(self):
        def attack(service):
            service.conn.settimeout(1)
            try:
                while True:
                    service.send(open_command(os.fsencode(self.image)))
            except OSError:
                pass
            while service.receive() != (b"", None):
                pass

        said = self.attack(attack, "-o", "service_timeout=2")
        self.assertIn("the service took too long", said)

    def test_a_service_that_asks_without_end(self):
        def attack(service):
            try:
                while True:
                    service.ask(string(b"MTAB", b""))
            except (OSError, AssertionError):
                return

        said = self.attack(attack)
        self.assertIn("the service said what nobody understands", said)

    def test_interrupting(self):
        ready = threading.Event()

        def serve(conn):
            service = services.Service(conn)
            self.assertEqual(service.mount(DIR), 0)
            ready.set()
            service.receive()  # until it hangs up

        listener = services.Listener("evil", serve)
        try:
            run = subprocess.Popen(["mount.fuse3", "x", self.dir, "-t", "evil"],
                                   stderr=subprocess.PIPE)
            self.assertTrue(ready.wait(30))
            run.terminate()
            _, said = run.communicate(timeout=30)
            self.assertEqual(run.returncode, 8, said)
            self.assert_not_mounted()
        finally:
            listener.close()

    def test_fuseblk_whose_service_has_died(self):
        """Then there is nothing to wait for."""
        with open(self.image, "r+b") as f:
            f.truncate(1 << 20)
        device = self.loop_device(self.image)

        def attack(service):
            self.assertEqual(service.mount(DIR, source=device.encode(), kind=1), 0)
            services.answer_init(service.device)

        said = self.attack(attack, source=device, type_="fuseblk.evil")
        self.assertNotIn("unmount", said)
        self.assert_not_mounted()

    def test_fuseblk_that_keeps_the_unmounting_waiting(self):
        """DESTROY of a fuseblk filesystem waits for an answer. Not ours to wait for."""
        with open(self.image, "r+b") as f:
            f.truncate(1 << 20)
        device = self.loop_device(self.image)
        kept = []

        def attack(service):
            kept.append(os.dup(service.device))
            self.assertEqual(service.mount(DIR, source=device.encode(), kind=1), 0)
            services.answer_init(service.device)
            service.bye(7)

        said = self.attack(attack, code=7, source=device, type_="fuseblk.evil")
        self.assertIn("keeps the unmounting waiting", said)
        self.assert_not_mounted()
        os.close(kept[0])


class Messages(Hostile):
    """What does not keep to the protocol ends it, with nothing mounted."""

    BAD = [
        b"", b"O", b"OPE", b"OPEN", b"XXXX", b"SAFT" + bytes(8), b"REPL" + bytes(4), b"\0" * 64,
        open_command(b"/x")[:-1], open_command(b"/x")[:19], open_command(b"/x")[:20],
        open_command(b"/x\0y"), open_command(b"/x") + b"\0", open_command(b"/x") + b"z",
        b"BDEV", b"NAME", b"NAMEx", string(b"NAME", b"a\0b"), b"OPTS", b"OPTSx", b"MTAB", b"MTABx",
        b"MNTP", b"MNTP\0\0\0\0", b"MNTP\0\0\0\0x", place(b"a\0b"), b"TYPE", b"TYPE\0\0\0",
        number(b"TYPE", 0) + b"\0", b"DOIT", number(b"DOIT", 0) + b"\0", b"BYEE", b"BYEE\0\0\0",
        b"DOIT\0\0\0", string(b"NAME", b"x" * (1 << 16)), b"x" * (1 << 17),
    ]

    def test_each_ends_the_conversation(self):
        for bad in self.BAD:
            with self.subTest(bad[:40]):
                def attack(service, data=bad):
                    self.assertEqual(service.mount(DIR), 0)
                    service.send(data)
                    try:
                        self.assertEqual(service.receive(), (b"", None))
                    except ConnectionResetError:
                        pass

                said = self.attack(attack)
                self.assertIn("understands" if bad else "ended before", said)
                self.assert_not_mounted()

    def test_the_longest_that_is_none_too_long(self):
        def attack(service):
            self.assertEqual(service.ask(string(b"MTAB", b"x" * 65531)), 0)
            self.assertEqual(service.open(b"/" + b"x" * 65000), -EPERM)
            service.bye(7)

        self.attack(attack, code=7)

    def test_descriptors_are_not_taken(self):
        def attack(service):
            self.assertEqual(service.ask(string(b"MTAB", b"x")), 0)
            before = len(os.listdir(f"/proc/{peer(service.conn)}/fd"))
            fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
            for _ in range(20):
                try:
                    service.send(string(b"MTAB", b"x"), fds)
                except PermissionError:  # where the kernel refuses for it
                    service.send(string(b"MTAB", b"x"))
                service.receive()
            self.assertEqual(len(os.listdir(f"/proc/{peer(service.conn)}/fd")), before)
            for fd in fds:
                os.close(fd)
            service.bye(7)

        self.attack(attack, code=7)

    def test_a_beginning_that_is_none(self):
        for hello in (b"", b"LAST", b"LAST\0\1\0", b"LAST\0\2\0\0", b"LAST\0\0\0\0", b"SAFT\0\1\0\0",
                      b"LAST\0\1\0\0\0", b"x" * 70000):
            with self.subTest(hello[:16]):
                def serve(conn, data=hello):
                    service = services.Service(conn, agree=False)
                    service.send(data)
                    try:
                        service.receive()
                    except ConnectionResetError:
                        pass

                listener = services.Listener("evil", serve)
                try:
                    self.run_it("mount.fuse3", "x", self.dir, "-t", "evil", code=32)
                finally:
                    listener.close()
                self.assertIsNone(listener.error)
        self.assert_not_mounted()


def peer(conn):
    creds = conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return struct.unpack("iII", creds)[0]


if __name__ == "__main__":
    services.enter()
    front.main()
