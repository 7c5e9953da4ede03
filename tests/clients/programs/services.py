# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that are parts of larger services, with the rest played."""
import os
import signal
import socket
import threading

import checks
from case import wait_until
from programs import program


@program("lxcfs", "/usr/bin/lxcfs", root_only="it wants /run/lxcfs and mounts cgroups there")
def lxcfs(c):
    def memory_is_shown():
        with open(c.mnt + "/proc/meminfo", encoding="utf-8") as f:
            assert "MemTotal" in f.read()
        with open(c.mnt + "/proc/uptime", encoding="utf-8") as f:
            assert float(f.read().split()[0]) >= 0
    with c.mounted("lxcfs", "-f", "-p", c.path("pid"), c.mnt,
                   status=None, unmount=lambda at: process.send_signal(signal.SIGTERM)) as process:
        c.check(memory_is_shown)


class Scanner(threading.Thread):
    """As much of a virus scanner as clamfs asks for: files with BAD in them are bad."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.asked = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        os.chmod(path, 0o777)
        self.socket.listen(8)

    def run(self):
        while True:
            peer, _ = self.socket.accept()
            with peer:
                line = peer.recv(4096).decode().strip("\0\n")
                if line.lstrip("nz") == "PING":
                    peer.sendall(b"PONG\n")
                    continue
                path = line.partition(" ")[2]
                self.asked.append(path)
                try:
                    bad = b"BAD" in checks.contents(path)
                except OSError:
                    bad = False
                peer.sendall(f"{path}: {'Test FOUND' if bad else 'OK'}\n".encode())


@program("clamfs", "/usr/bin/clamfs")
def clamfs(c):
    scanner = Scanner(c.path("clamd"))
    scanner.start()
    c.file("bad", "BAD")
    os.rename(c.path("bad"), c.source + "/bad")
    conf = c.file("clamfs.xml", f'''<?xml version="1.0" encoding="UTF-8"?>
<clamfs>
  <clamd socket="{c.path("clamd")}" check="yes" />
  <filesystem root="{c.source}" mountpoint="{c.mnt}" public="no" />
  <file maximal-size="1048576" />
  <log method="stdout" verbose="yes" />
</clamfs>
''')

    def bad_files_are_refused():
        try:
            checks.contents(c.mnt + "/bad")
        except PermissionError:
            return
        raise AssertionError("a bad file could be read")

    def good_files_are_not():
        checks.equal(checks.contents(c.mnt + "/f1"), b"file 1\n")
        checks.equal(checks.contents(c.mnt + "/dir/random"),
                     checks.contents(c.source + "/dir/random"))
    with c.mounted("clamfs", conf):
        c.check(bad_files_are_refused)
        c.check(good_files_are_not)
        c.expect(scanner.asked, "the scanner was asked")
        c.check(checks.read_write, c.mnt)


@program("open-vm-tools", "/usr/bin/vmware-vmblock-fuse")
def vmblock(c):
    """Shows links to files, and lets a program block them."""
    def shows_its_directories():
        assert sorted(os.listdir(c.mnt)) == ["blockdir", "dev", "notifydir"], os.listdir(c.mnt)
    with c.mounted("vmware-vmblock-fuse", "-o", "subtype=vmware-vmblock,default_permissions",
                   c.mnt):
        c.check(shows_its_directories)


@program("xdg-desktop-portal flatpak dbus-daemon",
         "/usr/libexec/xdg-document-portal /usr/bin/dbus-daemon /usr/bin/flatpak")
def document_portal(c):
    """Files are lent to sandboxed programs through a mount."""
    bus = "unix:path=" + c.path("bus")
    env = {"DBUS_SESSION_BUS_ADDRESS": bus}
    c.start("dbus-daemon", "--session", "--nofork", "--address=" + bus)
    wait_until("the bus is there", lambda: os.path.exists(c.path("bus")))
    document = c.file("letter", "dear reader")
    at = c.env["XDG_RUNTIME_DIR"] + "/doc"
    with c.mounted("/usr/libexec/xdg-document-portal", at=at, foreground=True, env=env,
                   unmount=lambda at: process.send_signal(signal.SIGTERM)) as process:
        c.run("flatpak", "document-export", document, env=env)

        def is_lent():
            ids = [n for n in os.listdir(at) if n != "by-app"]
            assert len(ids) == 1, ids
            shown = os.path.join(at, ids[0], "letter")
            checks.equal(checks.contents(shown), b"dear reader")
            with open(shown, "a", encoding="utf-8") as f:
                f.write(", farewell")
            checks.equal(checks.contents(document), b"dear reader, farewell")
        c.check(is_lent)
