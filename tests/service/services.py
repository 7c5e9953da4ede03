# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of services share: the namespace of the tests of mount.fuse3, with a
/run of its own; a listener that starts a program for each connection, as a
service manager would; both ends of the conversation, for who does not keep to it.
"""
import fcntl
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "mount.fuse3"))
import front  # noqa: E402 pylint: disable=wrong-import-position

SOCKETS = "/run/fuse"
SERVICE_USER = 54399  # has nothing and may nothing
MAX_MESSAGE = 65536

FLAG_RDONLY, FLAG_NOSUID, FLAG_NODEV = 1, 2, 4


def enter():
    front.enter()
    front.sh("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    os.mkdir(SOCKETS)
    os.symlink("mount.fuse3", f"{front.BASE}/sbin/fuservicemount3")
    os.chmod(f"{front.BASE}/bin", 0o755)


def number(word, value):
    return word + struct.pack(">I", value)


def string(word, value):
    return word + value + b"\0"


def open_command(path, flags=os.O_RDONLY, mode=0, request=0, block=0, word=b"OPEN"):
    return word + struct.pack(">IIII", flags, mode, request, block) + path + b"\0"


def place(path, form=0):
    return b"MNTP" + struct.pack(">HH", form, 0) + path + b"\0"


def listen(name, mode=0o666):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.bind(f"{SOCKETS}/{name}")
    os.chmod(f"{SOCKETS}/{name}", mode)
    sock.listen()
    return sock


def activate(conn, argv, user=SERVICE_USER, env=None, output=None):
    """Starts a program with the connection, as systemd does for Accept=yes."""
    return subprocess.Popen([f"{front.BASE}/bin/activate", str(conn.fileno()), str(user)] + argv,
                            pass_fds=(conn.fileno(),), stdin=subprocess.DEVNULL, stdout=output,
                            stderr=subprocess.STDOUT,
                            env={"PATH": os.environ["PATH"], "LISTEN_FDS": "1", **(env or {})})


class Listener:
    """A socket unit: `serve(conn)` is called for each connection, in a thread."""

    def __init__(self, name, serve, mode=0o666):
        self.path = f"{SOCKETS}/{name}"
        self.sock = listen(name, mode)
        self.serve = serve
        self.error = None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            with conn:
                conn.settimeout(30)
                try:
                    self.serve(conn)
                except (OSError, AssertionError) as e:
                    self.error = e

    def close(self):
        os.unlink(self.path)
        self.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.sock.close()


class Program(Listener):
    """A listener that starts a program; output goes to a file."""

    def __init__(self, name, argv, user=SERVICE_USER, **more):
        self.connections = 0
        self.processes = []
        self.output = f"{front.BASE}/out/{name}.log"
        self.argv = argv
        self.user = user
        super().__init__(name, self.start, **more)

    def start(self, conn):
        self.connections += 1
        with open(self.output, "ab") as log:
            self.processes.append(activate(conn, self.argv, self.user, output=log))

    def said(self):
        with open(self.output, encoding="utf-8", errors="replace") as f:
            return f.read()

    def process(self):
        """The first that was started. It may mount before we are told that it was."""
        front.wait_until(lambda: self.connections and len(self.processes) == self.connections,
                         "the services were started")
        return self.processes[0]

    def statuses(self):
        self.process()
        return [p.wait(timeout=30) for p in self.processes]

    def close(self):
        super().close()
        for p in self.processes:
            p.kill()
            p.wait()
        if os.environ.get("VERBOSE") and os.path.exists(self.output):
            print(self.said(), file=sys.stderr)


class Service:
    """Our end of a connection that mount.fuse3 made, with what came unasked."""

    def __init__(self, conn, agree=True):
        self.conn = conn
        self.hello, _ = self.receive()
        assert self.hello[:4] == b"SAFT" and len(self.hello) == 12, self.hello
        self.flags = struct.unpack(">I", self.hello[8:])[0]
        if not agree:
            return
        self.send(b"LAST" + struct.pack(">HH", 1, 0))
        name, self.args_fd = self.receive()
        assert name == number(b"FILE", 0) + b"argv\0", name
        name, self.device = self.receive()
        assert name == number(b"FILE", 0) + b"fusedev\0", name

    def receive(self):
        data, fds, _, _ = socket.recv_fds(self.conn, MAX_MESSAGE, 4)
        return data, fds[0] if fds else None

    def send(self, data, fds=()):
        if fds:
            socket.send_fds(self.conn, [data], fds)
        else:
            self.conn.send(data)

    def ask(self, data):
        """Sends a command; returns the errno of the answer."""
        self.send(data)
        answer, _ = self.receive()
        assert answer[:4] == b"REPL" and len(answer) == 8, answer
        return struct.unpack(">I", answer[4:])[0]

    def open(self, path, *args, **named):
        """Asks for a file; returns a descriptor or a negative errno."""
        self.send(open_command(path, *args, **named))
        answer, fd = self.receive()
        assert answer[:4] == b"FILE" and answer[8:] == path + b"\0", answer
        err = struct.unpack(">I", answer[4:8])[0]
        assert (err == 0) == (fd is not None), answer
        return fd if fd is not None else -err

    def arguments(self):
        data = os.pread(self.args_fd, 1 << 20, 0)
        assert data[:4] == b"ARGS"
        count = struct.unpack(">I", data[4:8])[0]
        spans = [struct.unpack(">II", data[8 + 8 * i:16 + 8 * i]) for i in range(count)]
        return [data[pos:pos + length].decode() for pos, length in spans]

    def mount(self, dir_, flags=FLAG_NOSUID | FLAG_NODEV, source=b"src", options=None, kind=0,
              form=0):
        """Does all that a mount takes; the errno of the first refusal."""
        steps = [number(b"TYPE", kind), string(b"NAME", source), place(dir_, form)]
        if options:
            steps.append(string(b"OPTS", options))
        for step in steps + [number(b"DOIT", flags)]:
            err = self.ask(step)
            if err:
                return err
        return 0

    def bye(self, status=0):
        self.send(number(b"BYEE", status))


def answer_init(device):
    """The least that makes a mount usable: the answer to INIT."""
    request = os.read(device, 1 << 20)
    opcode, unique = struct.unpack("=IQ", request[4:16])
    assert opcode == 26, opcode
    body = struct.pack("=IIII", 7, 31, 0, 0) + struct.pack("=HHIIHHI", 16, 12, 4096, 1, 1, 0, 0)
    body += bytes(64 - len(body))
    os.write(device, struct.pack("=IiQ", 16 + len(body), 0, unique) + body)


class ServiceTest(front.FrontTest):
    """With listeners that end with the test, and a mountpoint of the user's."""

    def listen(self, name, serve, **more):
        listener = Listener(name, serve, **more)
        self.addCleanup(listener.close)
        return listener

    def program(self, name, argv, **more):
        listener = Program(name, argv, **more)
        self.addCleanup(listener.close)
        return listener

    def loop_device(self, path):
        """losetup is not everywhere."""
        try:
            with open("/dev/loop-control", "r+b", buffering=0) as control:
                device = f"/dev/loop{fcntl.ioctl(control, 0x4C82)}"
            loop = os.open(device, os.O_RDWR)
        except OSError as e:
            self.skipTest(f"no loop device: {e}")
        self.addCleanup(os.close, loop)
        with open(path, "r+b") as f:
            fcntl.ioctl(loop, 0x4C00, f.fileno())
        self.addCleanup(fcntl.ioctl, loop, 0x4C01)
        return device


def disk_image(path, sizes=(3, 5), mode=0o600):
    """An MBR with partitions of so many sectors, each full of its number."""
    image = bytearray(512)
    start = 1
    for i, size in enumerate(sizes):
        image[446 + 16 * i:462 + 16 * i] = bytes([0] * 4 + [0x83] + [0] * 3) + \
            struct.pack("<II", start, size)
        start += size
    image[510:512] = b"\x55\xaa"
    for i, size in enumerate(sizes):
        image += bytes([ord("1") + i]) * (512 * size)
    with open(path, "wb") as f:
        f.write(image)
    os.chmod(path, mode)


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def is_socket(fd):
    return stat.S_ISSOCK(os.fstat(fd).st_mode)
