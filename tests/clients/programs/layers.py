# SPDX-License-Identifier: LGPL-2.1-or-later
"""Filesystems over other filesystems."""
import errno
import os
import shutil
import stat
import time

import checks
import world as w
from case import Skipped, wait_until
from programs import program


@program("fuse-overlayfs", "/usr/bin/fuse-overlayfs")
def fuse_overlayfs(c):
    lower, upper, work = c.path("lower"), c.folder("upper"), c.folder("ovlwork")
    shutil.copytree(c.source, lower, symlinks=True)
    w.give(lower, c.uid)
    args = ["fuse-overlayfs", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", c.mnt]

    def whiteout():
        os.unlink(c.mnt + "/f1")
        assert not os.path.exists(c.mnt + "/f1")
        assert os.path.exists(lower + "/f1")
        name = "/f1" if os.path.lexists(upper + "/f1") else "/.wh.f1"
        assert os.path.lexists(upper + name), os.listdir(upper)
        if name == "/f1":
            assert stat.S_ISCHR(os.lstat(upper + "/f1").st_mode)

    def copy_up():
        with open(c.mnt + "/dir/deeper/f2", "a", encoding="utf-8") as f:
            f.write("more\n")
        assert checks.contents(upper + "/dir/deeper/f2") == b"deeper 2\nmore\n"
        assert checks.contents(lower + "/dir/deeper/f2") == b"deeper 2\n"
    with c.mounted(*args):
        c.check(checks.same_tree, lower, c.mnt)
        c.check(checks.read_write, c.mnt)
        c.check(checks.links, c.mnt)
        c.check(checks.chmod_and_times, c.mnt)
        c.check(checks.many_files, c.mnt)
        c.check(checks.together, lower, c.mnt)
        c.probe()
        c.check(whiteout)
        c.check(copy_up)
    c.check(checks.same_tree, c.source, lower)
    with c.mounted(*args, "-f"):
        c.check(checks.writes, c.mnt)


@program("flatpak", "/usr/libexec/revokefs-fuse")
def revokefs(c):
    args = ["/usr/libexec/revokefs-fuse", c.source, c.mnt]
    with c.mounted(*args):
        c.check(checks.same_tree, c.source, c.mnt)
        c.check(checks.read_write, c.mnt)
        c.check(checks.links, c.mnt)
        c.check(checks.together, c.source, c.mnt)
        c.probe()

    def write_through():
        w.write(c.mnt + "/through", b"written through")
    with c.mounted(*args, "-f"):
        c.check(write_through)
        checks.equal(checks.contents(c.source + "/through"), b"written through")


@program("ostree", "/usr/bin/rofiles-fuse")
def rofiles(c):
    """Files with several names may not be written to, others may."""
    os.link(c.source + "/f1", c.source + "/hard")

    def hard_links_are_read_only():
        try:
            with open(c.mnt + "/hard", "ab") as f:
                f.write(b"x")
        except OSError as e:
            assert e.errno == errno.EROFS, e
        else:
            raise AssertionError("written to a file with two names")
        with open(c.mnt + "/f2", "ab") as f:
            f.write(b"y")
        assert checks.contents(c.source + "/f2") == b"file 2\ny"
    args = ["rofiles-fuse", c.source, c.mnt]
    with c.mounted(*args):
        c.check(checks.same_tree, c.source, c.mnt)
        c.check(checks.read_write, c.mnt)
        c.check(checks.together, c.source, c.mnt)
        c.check(hard_links_are_read_only)
        c.probe()
    with c.mounted(*args, "-f"):
        c.check(checks.same_tree, c.source, c.mnt)


@program("charliecloud-runtime squashfs-tools", "/usr/bin/ch-run /usr/bin/mksquashfs")
def charliecloud(c):
    """Mounts an image inside of a user namespace and runs a program from it."""
    if c.root:
        raise Skipped("as root: it is made for users and refuses root")
    tree = c.path("tree")
    for d in ("bin dev etc home proc sys tmp usr/bin usr/lib usr/lib64 lib lib64 mnt root run "
              "var/tmp srv opt media").split():
        os.makedirs(os.path.join(tree, d))
    # ldconfig is linked statically, so it runs anywhere.
    shutil.copy("/sbin/ldconfig", tree + "/bin/ldconfig")
    for f in ("etc/hosts", "etc/resolv.conf", "etc/passwd", "etc/group"):
        w.write(os.path.join(tree, f), b"")
    os.mkdir(c.path("mp"))
    w.give(tree, c.uid)
    os.chown(c.path("mp"), c.uid, c.uid)
    c.run("mksquashfs", tree, "image.sqfs", "-quiet", "-no-progress")
    out = c.run("ch-run", "-m", c.path("mp"), "image.sqfs", "--", "/bin/ldconfig", "-V")
    c.expect("ldconfig" in out, "a program runs from the image")


@program("tup gcc", "/usr/bin/tup /usr/bin/gcc")
def tup(c):
    """A build tool that learns dependencies from what its mount is asked for."""
    p = c.folder("project")
    c.file("project/one.c", '#include "one.h"\nint one(void) { return ONE; }\n')
    c.file("project/two.c", "int two(void) { return 2; }\n")
    c.file("project/one.h", "#define ONE 1\n")
    c.file("project/Tupfile", ": foreach *.c |> gcc -c %f -o %o |> %B.o\n"
                              ": *.o |> ar rc %o %f |> lib.a\n")
    c.run("tup", "init", cwd=p)
    c.run("tup", "upd", cwd=p)
    c.expect(os.path.exists(p + "/lib.a"), "builds")
    two = os.stat(p + "/two.o").st_mtime_ns
    one = os.stat(p + "/one.o").st_mtime_ns
    before = int(os.stat(p + "/one.h").st_ctime)
    wait_until("the next second: tup compares whole ones", lambda: int(time.time()) > before + 1)
    c.file("project/one.h", "#define ONE 3\n")
    c.run("tup", "upd", cwd=p)
    c.expect(os.stat(p + "/one.o").st_mtime_ns != one and
             os.stat(p + "/two.o").st_mtime_ns == two, "builds again what depends on a header")
    wait_until("no mount is left", lambda: not any(m.fuse for m in w.mounts()))
    c.did("no mount is left")
