# SPDX-License-Identifier: LGPL-2.1-or-later
"""sshfs, over an sftp-server of its own: no network and no sshd."""
import os
import signal

import checks
import world as w
from case import wait_until
from programs import program

SERVER = "/usr/lib/openssh/sftp-server"
PACKAGES = "sshfs openssh-sftp-server"
NEEDS = "/usr/bin/sshfs " + SERVER


def command(c, options=""):
    shell = c.path("fakessh")
    if not os.path.exists(shell):
        c.file("fakessh", f"#!/bin/sh\nexec {SERVER}\n", 0o755)
    return ["sshfs", "-o", f"ssh_command={shell}{options}", "localhost:" + c.source, c.mnt]


@program(PACKAGES, NEEDS)
def sshfs(c):
    with c.mounted(*command(c), kind="fuse.sshfs"):
        c.check(checks.same_tree, c.source, c.mnt)
        c.check(checks.read_write, c.mnt)
        c.check(checks.links, c.mnt)
        c.check(checks.chmod_and_times, c.mnt)
        c.check(checks.many_files, c.mnt)
        c.check(checks.together, c.source, c.mnt)
        c.probe()
    with c.mounted(*command(c), "-f"):
        c.check(checks.same_tree, c.source, c.mnt)


@program(PACKAGES, NEEDS)
def sshfs_s(c):
    """One thread, no caches, all nodes kept."""
    args = command(c, ",auto_unmount,cache=no,noforget") + ["-s"]
    with c.mounted(*args, "-f"):
        c.check(checks.same_tree, c.source, c.mnt)
        c.check(checks.read_write, c.mnt)
        c.probe()
    with c.mounted(*args):
        c.check(checks.writes, c.mnt)


@program(PACKAGES, NEEDS)
def sshfs_killed(c):
    """auto_unmount: killed, its mount goes by itself."""
    for _ in range(3):
        with c.mounted(*command(c, ",auto_unmount"), "-f", status=-signal.SIGKILL,
                       unmount=lambda at: process.kill()) as process:
            c.check(checks.same_tree, c.source, c.mnt)


@program(PACKAGES, NEEDS)
def sshfs_maxconns(c):
    args = command(c, ",max_conns=2")
    with c.mounted(*args, "-f"):
        c.check(checks.same_tree, c.source, c.mnt)
        c.check(checks.read_write, c.mnt)
        c.check(checks.together, c.source, c.mnt)


@program(PACKAGES, NEEDS)
def sshfs_options(c):
    """Options of the library and of mounting, and an end by a signal."""
    args = command(c, ",ro,nodev,noexec,noatime,fsname=far away,subtype=far,max_read=16384,"
                      "attr_timeout=1,entry_timeout=1,kernel_cache")
    with c.mounted(*args, "-f", kind="fuse.far",
                   unmount=lambda at: process.send_signal(signal.SIGTERM), status=None) as process:
        c.check(checks.same_tree, c.source, c.mnt)
        c.check(checks.read_only, c.mnt)
        m = w.mounted_at(c.mnt)
        c.expect(m.source == "far\\040away" and {"ro", "nodev", "noexec"} <= set(m.flags),
                 "mount options")
    c.run("sshfs", "-V")
    wait_until("nothing is mounted", lambda: not c.is_mounted())
