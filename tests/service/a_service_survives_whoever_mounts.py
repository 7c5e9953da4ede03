#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whoever may write to the socket can start a service and tell it anything. It ends
with a message, and never by a signal."""
import os
import socket
import struct

import services
from services import front, number, place, string
from front import BASE

PARTFS = f"{BASE}/bin/partfs"
HELLO = b"SAFT" + struct.pack(">HHI", 1, 1, 0)


def arguments(*words, magic=b"ARGS", count=None):
    """The file of arguments, as mount.fuse3 writes it."""
    raw = [os.fsencode(w) for w in words]
    pos = 8 + 8 * len(raw)
    head = magic + struct.pack(">I", len(raw) if count is None else count)
    for word in raw:
        head += struct.pack(">II", pos, len(word))
        pos += len(word) + 1
    return head + b"".join(word + b"\0" for word in raw)


def memory_file(data):
    fd = os.memfd_create("argv")
    os.write(fd, data)
    return fd


class Mounter:
    """Our end of a conversation with the real filesystem."""

    def __init__(self, test):
        self.test = test
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(20)
        self.log = open(f"{BASE}/out/partfs.log", "w+b")
        self.process = services.activate(theirs, [PARTFS], output=self.log)
        theirs.close()
        test.addCleanup(self.close)

    def close(self):
        self.sock.close()
        if self.process.poll() is None:
            services.kill(self.process)
        self.log.close()

    def send(self, data, *fds):
        try:
            if fds:
                socket.send_fds(self.sock, [data], fds)
            else:
                self.sock.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has had enough

    def receive(self):
        try:
            return self.sock.recv(services.MAX_MESSAGE)
        except ConnectionResetError:
            return b""

    def send_file(self, name, fd):
        self.send(number(b"FILE", 0) + name + b"\0", fd)
        os.close(fd)

    def greet(self):
        self.send(HELLO)
        self.test.assertEqual(self.receive(), b"LAST\0\1\0\0")

    def begin(self, *words, data=None):
        """Up to its first request."""
        self.greet()
        self.send_file(b"argv", memory_file(arguments("x", *words) if data is None else data))
        self.send_file(b"fusedev", os.open("/dev/fuse", os.O_RDWR))

    def hand_over(self, image):
        """Answers its request for the image."""
        request = self.receive()
        self.test.assertEqual(request, services.open_command(os.fsencode(image), os.O_RDWR, 0, 1))
        self.send_file(os.fsencode(image), os.open(image, os.O_RDWR))

    def ended(self, *told):
        """It ends, with a status that is an error, and says what it was."""
        self.sock.close()
        status = self.process.wait(timeout=30)
        self.log.seek(0)
        said = self.log.read().decode(errors="replace")
        self.test.assertEqual(status, 1, said)
        for text in told:
            self.test.assertIn(text, said)
        return said


class SurvivalTest(services.ServiceTest):
    def setUp(self):
        super().setUp()
        self.image = f"{BASE}/image"
        services.disk_image(self.image)
        self.addCleanup(os.unlink, self.image)


class Beginnings(SurvivalTest):
    def test_nobody_there_any_more(self):
        Mounter(self).ended("cannot begin: Connection reset by peer")

    def test_greetings_that_are_none(self):
        for hello in (b"", b"SAFT", HELLO[:-1], HELLO + b"\0", b"LAST" + HELLO[4:], b"\0" * 12,
                      b"x" * 70000):
            with self.subTest(hello[:16]):
                m = Mounter(self)
                m.send(hello)
                m.ended("cannot begin")

    def test_another_version(self):
        for low, high in ((2, 3), (0, 0), (2, 1)):
            with self.subTest((low, high)):
                m = Mounter(self)
                m.send(b"SAFT" + struct.pack(">HHI", low, high, 0))
                m.ended("Protocol not supported")

    def test_a_newer_one_that_knows_ours(self):
        m = Mounter(self)
        m.send(b"SAFT" + struct.pack(">HHI", 1, 9, 0xffffffff))
        self.assertEqual(m.receive(), b"LAST\0\1\0\0")
        m.ended()

    def test_descriptors_where_none_belong(self):
        m = Mounter(self)
        m.send(HELLO, *[0] * 10)
        m.ended("cannot begin")

    def files(self):
        good = number(b"FILE", 0) + b"argv\0"
        return [(good, 0), (good, 2), (good, 100), (good[:-1], 1), (good + b"\0", 1), (good[:8], 1),
                (b"FILE", 1), (b"", 1), (number(b"FILE", 0) + b"argw\0", 1),
                (number(b"REPL", 0) + b"argv\0", 1), (number(b"FILE", 2) + b"argv\0", 1),
                (number(b"FILE", 2) + b"argv\0", 0), (number(b"FILE", 4096) + b"argv\0", 0),
                (number(b"FILE", 0xffffffff) + b"argv\0", 0), (good + b"x" * 9000, 1)]

    def test_files_that_are_none(self):
        for message, count in self.files():
            with self.subTest(message[:20], count=count):
                m = Mounter(self)
                m.greet()
                m.send(message, *[0] * count)
                m.ended("cannot begin")

    def test_a_device_that_is_none(self):
        m = Mounter(self)
        m.greet()
        m.send_file(b"argv", memory_file(arguments("x", self.image, self.dir)))
        m.send_file(b"fusedev", os.open(self.image, os.O_RDONLY))
        m.hand_over(self.image)
        for _ in range(4):
            m.receive()
            m.send(number(b"REPL", 0))
        m.ended("is not a FUSE device")


class Arguments(SurvivalTest):
    def test_files_that_make_no_sense(self):
        good = arguments("x", self.image, self.dir)
        span = lambda pos, length: good[:16] + struct.pack(">II", pos, length) + good[24:]
        for data in (b"", b"A", good[:4], good[:7], good[:8], good[:12], good[:31], b"SGRA" + good[4:],
                     arguments("x", count=0), arguments("x", count=2), arguments("x", count=0xffffffff),
                     arguments("x", count=1 << 29), span(0xffffffff, 1), span(8, 0xffffffff),
                     span(0xffffffff, 0xffffffff), span(len(good), 1), span(len(good) - 1, 2),
                     span(32, 40), good + b"\0" * (1 << 20)):
            with self.subTest(data[:40], size=len(data)):
                m = Mounter(self)
                m.begin(data=data)
                m.ended()

    def test_a_file_that_is_no_file(self):
        m = Mounter(self)
        m.greet()
        r, w = os.pipe()
        os.close(w)
        m.send_file(b"argv", r)
        m.send_file(b"fusedev", os.open("/dev/fuse", os.O_RDWR))
        m.ended()

    def test_options_that_the_filesystem_refuses(self):
        m = Mounter(self)
        m.begin(self.image, self.dir, "-o", "nonsense")
        m.hand_over(self.image)
        self.assertEqual(m.receive(), number(b"BYEE", 3))
        m.ended("nonsense")

    def test_help_is_no_mount(self):
        m = Mounter(self)
        m.begin("--help")
        self.assertEqual(m.receive(), number(b"BYEE", 0))
        m.sock.close()
        self.assertEqual(m.process.wait(timeout=30), 0)


class Requests(SurvivalTest):
    def test_answers_to_another_question(self):
        path = os.fsencode(self.image) + b"\0"
        for message, count in ((number(b"FILE", 0) + path, 0), (number(b"FILE", 0) + path, 2),
                               (number(b"FILE", 5) + path, 1), (number(b"FILE", 5000) + path, 0),
                               (number(b"FILE", 0) + b"/other\0", 1), (number(b"REPL", 0), 0),
                               (number(b"FILE", 0) + path[:-1], 1), (b"", 0), (b"x" * 100000, 0)):
            with self.subTest(message[:20], count=count):
                m = Mounter(self)
                m.begin(self.image, self.dir)
                m.receive()
                m.send(message, *[0] * count)
                m.ended("cannot open")

    def test_files_that_cannot_be_opened(self):
        m = Mounter(self)
        m.begin(self.image, self.dir)
        for flags, error in ((os.O_RDWR, 13), (os.O_RDONLY, 2)):
            self.assertEqual(m.receive(), services.open_command(os.fsencode(self.image), flags, 0, 1))
            m.send(number(b"FILE", error) + os.fsencode(self.image) + b"\0")
        self.assertEqual(m.receive(), number(b"BYEE", 1))
        m.ended("No such file or directory")

    def test_no_descriptors_after_the_last_file(self):
        """The kernel sees to it, from 6.16 on."""
        m = Mounter(self)
        m.begin(self.image, self.dir)
        m.hand_over(self.image)
        self.assertEqual(m.receive(), number(b"TYPE", 0))
        try:
            socket.send_fds(m.sock, [number(b"REPL", 0)], [0])
        except PermissionError:
            m.send(number(b"REPL", 0))
            self.assertEqual(m.receive(), string(b"NAME", b"partfs"))
        m.ended()

    def steps(self, m):
        return [number(b"TYPE", 0), string(b"NAME", b"partfs"),
                place(os.fsencode(self.dir), 0o040000), number(b"DOIT", 6)]

    def test_what_it_asks_for(self):
        m = Mounter(self)
        m.begin(self.image, self.dir, "-o", "ro,fsname=a\\,b,allow_other,max_read=65536,suid")
        request = services.open_command(os.fsencode(self.image), os.O_RDONLY, 0, 1)
        self.assertEqual(m.receive(), request)
        m.send_file(os.fsencode(self.image), os.open(self.image, os.O_RDONLY))
        for command in (number(b"TYPE", 0), string(b"NAME", b"a,b"),
                        place(os.fsencode(self.dir), 0o040000),
                        string(b"OPTS", b"allow_other,max_read=65536"), number(b"DOIT", 5)):
            self.assertEqual(m.receive(), command)
            m.send(number(b"REPL", 0 if command[:4] != b"DOIT" else 1))
        self.assertEqual(m.receive(), number(b"BYEE", 4))
        m.ended("refused DOIT")

    def test_refusals_and_nonsense_at_each_step(self):
        for count in range(4):
            for answer in (number(b"REPL", 1), number(b"REPL", 4096), number(b"REPL", 0xffffffff),
                           number(b"FILE", 0), number(b"REPL", 0) + b"\0", b"REPL", b"", None):
                with self.subTest(count=count, answer=answer):
                    m = Mounter(self)
                    m.begin(self.image, self.dir)
                    m.hand_over(self.image)
                    for i, step in enumerate(self.steps(m)):
                        self.assertEqual(m.receive(), step)
                        if i == count:
                            break
                        m.send(number(b"REPL", 0))
                    if answer is not None:
                        m.send(answer)
                    m.ended("refused " + step[:4].decode())


if __name__ == "__main__":
    services.enter()
    front.main()
