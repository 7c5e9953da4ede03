# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs in other languages that use the library through a binding."""
import os

import checks
from programs import program

HELLO = '''\
import errno, os, stat, sys
import pyfuse3, trio

class Hello(pyfuse3.Operations):
    names = {b"hello": (2, b"hello world\\n"), b"other": (3, b"x" * 100000)}

    async def getattr(self, inode, ctx=None):
        entry = pyfuse3.EntryAttributes()
        if inode == pyfuse3.ROOT_INODE:
            entry.st_mode = stat.S_IFDIR | 0o755
        else:
            data = [d for i, d in self.names.values() if i == inode]
            if not data:
                raise pyfuse3.FUSEError(errno.ENOENT)
            entry.st_mode, entry.st_size = stat.S_IFREG | 0o644, len(data[0])
        entry.st_ino, entry.st_uid, entry.st_gid = inode, os.getuid(), os.getgid()
        entry.entry_timeout = entry.attr_timeout = 5
        return entry

    async def lookup(self, parent, name, ctx=None):
        if parent != pyfuse3.ROOT_INODE or name not in self.names:
            raise pyfuse3.FUSEError(errno.ENOENT)
        return await self.getattr(self.names[name][0])

    async def opendir(self, inode, ctx):
        return inode

    async def readdir(self, fh, start, token):
        for n, (name, (inode, _)) in enumerate(sorted(self.names.items())):
            if n >= start:
                if not pyfuse3.readdir_reply(token, name, await self.getattr(inode), n + 1):
                    return

    async def open(self, inode, flags, ctx):
        if flags & os.O_ACCMODE != os.O_RDONLY:
            raise pyfuse3.FUSEError(errno.EACCES)
        return pyfuse3.FileInfo(fh=inode)

    async def read(self, fh, off, size):
        return [d for i, d in self.names.values() if i == fh][0][off:off + size]

options = set(pyfuse3.default_options) | {"fsname=hello"}
pyfuse3.init(Hello(), sys.argv[1], options)
try:
    trio.run(pyfuse3.main)
finally:
    pyfuse3.close(unmount=True)
'''


@program("python3-pyfuse3", "/usr/lib/python3/dist-packages/pyfuse3-3.2.1.egg-info "
                            "/usr/lib/python3/dist-packages/trio")
def pyfuse3(c):
    c.own_loop = True
    c.note = "reads the device in a loop of its own"
    script = c.file("p3.py", HELLO)

    def cat_and_ls():
        assert sorted(os.listdir(c.mnt)) == ["hello", "other"]
        assert checks.contents(c.mnt + "/hello") == b"hello world\n"
        assert checks.contents(c.mnt + "/other") == b"x" * 100000
    with c.mounted("/usr/bin/python3", script, c.mnt, foreground=True):
        c.check(cat_and_ls)
        c.check(checks.read_only, c.mnt)
        c.probe(read_only=True)


@program("borgbackup python3-pyfuse3", "/usr/bin/borg /usr/lib/python3/dist-packages/trio")
def borg(c):
    """A backup, browsed."""
    c.own_loop = True
    c.note = "reads the device in a loop of its own"
    env = {"BORG_FUSE_IMPL": "pyfuse3", "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}
    repo = c.path("repo")
    c.run("borg", "init", "-e", "none", repo, env=env)
    c.run("borg", "create", repo + "::first", ".", cwd=c.source, env=env)
    for extra in ((), ("-f",)):
        with c.mounted("borg", "mount", *extra, repo + "::first", c.mnt, env=env):
            c.check(checks.same_tree, c.source, c.mnt)
            c.check(checks.read_only, c.mnt)
            c.probe(read_only=True)
