# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images and block devices."""
import os
import signal

import checks
from case import wait_until
from programs import program

SQUASHFS = "squashfuse squashfs-tools"
SQUASHFS_NEEDS = "/usr/bin/squashfuse /usr/bin/mksquashfs"


def squashfs_image(c, offset=0):
    image = c.path("tree.sqsh")
    c.run("mksquashfs", c.source, image, "-quiet", "-no-progress")
    if offset:
        with open(image, "rb") as f:
            data = f.read()
        image = c.file("off.sqsh", bytes(offset) + data)
    return image


@program(SQUASHFS, SQUASHFS_NEEDS)
def squashfuse(c):
    image = squashfs_image(c)
    with c.mounted("squashfuse", image, c.mnt, kind="fuse.squashfuse"):
        c.check(checks.same_tree, c.source, c.mnt)
        c.check(checks.together, c.source, c.mnt)
        c.check(checks.mapped_pages, c.mnt + "/long")
        c.check(checks.read_only, c.mnt)
        c.probe(read_only=True)
    with c.mounted("squashfuse", "-f", image, c.mnt):
        c.check(checks.same_tree, c.source, c.mnt)


@program(SQUASHFS, SQUASHFS_NEEDS)
def squashfuse_off(c):
    image = squashfs_image(c, 4096)
    with c.mounted("squashfuse", "-o", "offset=4096", image, c.mnt):
        c.check(checks.same_tree, c.source, c.mnt)


@program(SQUASHFS, "/usr/bin/squashfuse_ll /usr/bin/mksquashfs")
def squashfuse_ll(c):
    image = squashfs_image(c)
    with c.mounted("squashfuse_ll", image, c.mnt):
        c.check(checks.same_tree, c.source, c.mnt)
        c.check(checks.together, c.source, c.mnt)
        c.check(checks.mapped_pages, c.mnt + "/long")
        c.check(checks.read_only, c.mnt)
        c.probe(read_only=True)
    with c.mounted("squashfuse_ll", "-f", "-s", image, c.mnt):
        c.check(checks.same_tree, c.source, c.mnt)


@program(SQUASHFS, SQUASHFS_NEEDS + " /usr/sbin/mount.fuse3",
         root_only="mount(8) wants root, or a line in fstab")
def mount_fuse(c):
    """The way of fstab lines: mount(8), mount.fuse3, the program."""
    image = squashfs_image(c)
    for kind, what in (("fuse.squashfuse", image), ("fuse", "squashfuse#" + image)):
        with c.mounted("mount", "-t", kind, "-o", "ro,nosuid,nodev", what, c.mnt):
            c.check(checks.same_tree, c.source, c.mnt)


@program("libnbd-bin nbdkit", "/usr/bin/nbdfuse /usr/bin/nbdkit")
def nbdfuse(c):
    disk = c.file("disk.raw", b"MAGIC" + bytes(1 << 20))
    target = c.mnt + "/nbd"

    def write_in_the_middle(path):
        with open(path, "r+b") as f:
            assert f.read(5) == b"MAGIC"
            f.seek(70000)
            f.write(b"abc")
    with c.mounted("nbdfuse", c.mnt, "--command", "nbdkit", "-s", "file", disk, foreground=True):
        c.check(write_in_the_middle, target)
        c.check(checks.mapped_pages, target)
    c.expect(checks.contents(disk)[70000:70003] == b"abc", "written to the backing file")


@program("qemu-system-common qemu-utils", "/usr/bin/qemu-storage-daemon /usr/bin/qemu-img")
def qsd(c):
    """Brings a loop of its own around receive_buf and process_buf, and mounts
    on a file."""
    c.own_loop = True
    c.note = "reads the device in a loop of its own"
    c.run("qemu-img", "create", "-q", "-f", "qcow2", "disk.qcow2", "4M")
    target = c.file("exported", "")

    def size_is_that_of_the_disk():
        assert os.path.getsize(target) == 4 << 20, os.path.getsize(target)

    def write_and_compare():
        data = os.urandom(1 << 20)
        with open(target, "r+b", buffering=0) as f:
            f.seek(12345)
            assert f.write(data) == len(data)
            os.fsync(f.fileno())
        assert checks.contents(target)[12345:12345 + len(data)] == data

    def grows():
        with open(target, "r+b") as f:
            f.seek(4 << 20)
            f.write(b"more" * 1024)
        assert os.path.getsize(target) == (4 << 20) + 4096

    with c.mounted(
            "qemu-storage-daemon",
            "--blockdev", "driver=file,node-name=f,filename=disk.qcow2",
            "--blockdev", "driver=qcow2,node-name=d,file=f",
            "--export", f"type=fuse,id=e,node-name=d,mountpoint={target},writable=on,growable=on",
            at=target, foreground=True,
            unmount=lambda at: process.send_signal(signal.SIGTERM)) as process:
        c.check(size_is_that_of_the_disk)
        c.check(write_and_compare)
        c.check(grows)
    wait_until("the file is an empty one again", lambda: os.path.getsize(target) == 0)
    c.run("qemu-img", "check", "-q", "disk.qcow2")
