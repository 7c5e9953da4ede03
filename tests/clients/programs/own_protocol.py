# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs with an implementation of the protocol of their own: they have the
helper in common with us, and it must serve them as well."""
import os

import checks
from programs import program


@program("gocryptfs", "/usr/bin/gocryptfs", library=False)
def gocryptfs(c):
    cipher = c.folder("cipher")
    password = ["-extpass", "echo pw", "-q"]
    c.run("gocryptfs", "-init", *password, "-scryptn", "10", cipher)
    with c.mounted("gocryptfs", *password, cipher, c.mnt, library=False):
        c.check(checks.read_write, c.mnt)
        c.check(checks.links, c.mnt)
        c.check(checks.many_files, c.mnt)
    with c.mounted("gocryptfs", "-f", *password, cipher, c.mnt, library=False):
        c.check(checks.writes, c.mnt)


@program("rclone", "/usr/bin/rclone", library=False)
def rclone(c):
    args = ["rclone", "mount", "--config", "/dev/null", "--vfs-cache-mode", "full",
            "--cache-dir", c.path("cache"), "--dir-perms", "0755"]
    os.unlink(c.source + "/link")  # it has no symlinks
    with c.mounted(*args, c.source, c.mnt, foreground=True, library=False):
        c.check(checks.same_tree, c.source, c.mnt)
        c.check(checks.writes, c.mnt)


@program("restic", "/usr/bin/restic", library=False)
def restic(c):
    env = {"RESTIC_PASSWORD": "pw", "RESTIC_REPOSITORY": c.path("repo"),
           "RESTIC_CACHE_DIR": c.path("cache")}
    c.run("restic", "init", env=env)
    c.run("restic", "backup", c.source, env=env)
    with c.mounted("restic", "mount", c.mnt, foreground=True, env=env, library=False):
        c.check(checks.same_tree, c.source, c.mnt + "/snapshots/latest" + c.source)


def ntfs_image(c):
    image = c.file("n.img", bytes(16 << 20))
    c.run("mkfs.ntfs", "-F", "-q", image)
    return image


@program("ntfs-3g", "/usr/bin/ntfs-3g /usr/sbin/mkfs.ntfs", library=False)
def ntfs3g(c):
    with c.mounted("ntfs-3g", ntfs_image(c), c.mnt, library=False):
        c.check(checks.read_write, c.mnt)
        c.check(checks.many_files, c.mnt)


@program("ntfs-3g", "/usr/bin/lowntfs-3g /usr/sbin/mkfs.ntfs", library=False,
         root_only="it mounts by itself, and is not setuid")
def lowntfs3g(c):
    with c.mounted("lowntfs-3g", ntfs_image(c), c.mnt, library=False):
        c.check(checks.read_write, c.mnt)
        c.check(checks.links, c.mnt)
