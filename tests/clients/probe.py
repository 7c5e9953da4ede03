# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a mount answers to about a hundred system calls, as words.

A program that runs on two libraries must show the same on both: the runner
compares what the probe saw, and every difference is a finding. Nothing in here
says what is right, so that it can be run on any filesystem.
"""
import ctypes
import errno
import fcntl
import mmap
import os
import select
import stat

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
NAMES = {}


def trait(function):
    NAMES[function.__name__] = function
    return function


def outcome(function, *args):
    try:
        value = function(*args)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    return value if isinstance(value, dict) else "ok" if value is None else str(value)


def add(seen, name, value):
    """A trait of several parts becomes several traits."""
    if isinstance(value, dict):
        seen.update((f"{name}.{part}", v) for part, v in value.items())
    else:
        seen[name] = value


def call(name, *args):
    """A function of libc that returns -1 and errno."""
    value = getattr(libc, name)(*args)
    if value < 0:
        raise OSError(ctypes.get_errno(), name)
    return value


def each(**calls):
    return {name: outcome(f) for name, f in calls.items()}


def create(path, data=b"0123456789"):
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
    if data:
        os.write(fd, data)
    return fd


def quietly(function, *args):
    try:
        function(*args)
    except OSError:
        pass


def made(d, name, data=b"0123456789"):
    path = os.path.join(d, name)
    os.close(create(path, data))
    return path


def missing(d):
    return os.path.join(d, "missing")


# -- names --

@trait
def missing_names(d):
    p = missing(d)
    return each(stat=lambda: os.stat(p), open=lambda: os.open(p, os.O_RDONLY),
                unlink=lambda: os.unlink(p), rmdir=lambda: os.rmdir(p),
                rename=lambda: os.rename(p, p + "2"), link=lambda: os.link(p, p + "2"),
                readlink=lambda: os.readlink(p), chmod=lambda: os.chmod(p, 0o600),
                truncate=lambda: os.truncate(p, 1), utime=lambda: os.utime(p),
                getxattr=lambda: os.getxattr(p, "user.x"), listdir=lambda: os.listdir(p))


@trait
def wrong_kinds(d):
    f, sub = made(d, "f"), os.path.join(d, "sub")
    os.mkdir(sub)
    made(sub, "x")
    return each(below_a_file=lambda: os.stat(f + "/x"), rmdir_file=lambda: os.rmdir(f),
                unlink_dir=lambda: os.unlink(sub), list_file=lambda: os.listdir(f),
                not_empty=lambda: os.rmdir(sub), mkdir_again=lambda: os.mkdir(sub),
                write_dir=lambda: os.open(sub, os.O_WRONLY),
                dir_over_file=lambda: os.rename(sub, f), file_over_dir=lambda: os.rename(f, sub),
                into_itself=lambda: os.rename(sub, sub + "/x/y"),
                readlink_file=lambda: os.readlink(f),
                exclusive=lambda: os.open(f, os.O_CREAT | os.O_EXCL))


@trait
def long_names(d):
    return each(name_255=lambda: os.close(create(os.path.join(d, "n" * 255))),
                name_256=lambda: os.close(create(os.path.join(d, "n" * 256))))


@trait
def odd_names(d):
    names = ["with space", "new\nline", "ümläut", "com,ma", "back\\slash", "-dash", "tab\t"]
    for n in names:
        made(d, n)
    return sorted(os.listdir(d)) == sorted(names) or sorted(os.listdir(d))


@trait
def special_files(d):
    p = lambda n: os.path.join(d, n)

    def kind(name, make):
        make()
        return stat.filemode(os.lstat(p(name)).st_mode)[0]
    return each(fifo=lambda: kind("fifo", lambda: os.mkfifo(p("fifo"))),
                node=lambda: kind("node", lambda: os.mknod(p("node"), stat.S_IFREG | 0o600)),
                socket=lambda: kind("sock", lambda: os.mknod(p("sock"), stat.S_IFSOCK | 0o600)),
                device=lambda: kind("null", lambda: os.mknod(p("null"), stat.S_IFCHR | 0o600,
                                                             os.makedev(1, 3))),
                symlink=lambda: kind("soft", lambda: os.symlink("nowhere", p("soft"))))


@trait
def symlinks(d):
    p = lambda n: os.path.join(d, n)
    made(d, "f")
    os.symlink("f", p("soft"))
    os.symlink("loop", p("loop"))
    os.symlink("x" * 3000, p("long"))
    return each(text=lambda: os.readlink(p("soft")), follow=lambda: os.stat(p("soft")).st_size,
                length=lambda: os.lstat(p("soft")).st_size, loop=lambda: os.stat(p("loop")),
                long=lambda: len(os.readlink(p("long"))))


@trait
def hard_links(d):
    f, g = made(d, "f"), os.path.join(d, "g")
    return each(link=lambda: os.link(f, g), count=lambda: os.stat(f).st_nlink,
                same=lambda: os.path.samefile(f, g), again=lambda: os.link(f, g),
                after_unlink=lambda: os.unlink(f), left=lambda: os.stat(g).st_nlink,
                data=lambda: os.path.getsize(g))


@trait
def rename_flags(d):
    f, g = made(d, "f", b"f"), made(d, "g", b"gg")

    def rename(flags):
        call("renameat2", AT_FDCWD, os.fsencode(f), AT_FDCWD, os.fsencode(g), flags)
    return each(noreplace=lambda: rename(RENAME_NOREPLACE),
                exchange=lambda: rename(RENAME_EXCHANGE), size=lambda: os.path.getsize(g),
                plain=lambda: rename(0), left=lambda: sorted(os.listdir(d)),
                whiteout=lambda: rename(4), unknown=lambda: rename(64))


@trait
def rename_over_open(d):
    f, g = made(d, "f", b"new"), made(d, "g", b"old!")
    fd = os.open(g, os.O_RDONLY)
    try:
        os.rename(f, g)
        return each(old=lambda: os.pread(fd, 10, 0), size=lambda: os.fstat(fd).st_size,
                    new=lambda: os.path.getsize(g), names=lambda: os.listdir(d))
    finally:
        os.close(fd)


@trait
def unlink_while_open(d):
    fd = create(os.path.join(d, "f"))
    try:
        os.unlink(os.path.join(d, "f"))
        return each(read=lambda: os.pread(fd, 10, 0), write=lambda: os.pwrite(fd, b"xx", 8),
                    size=lambda: os.fstat(fd).st_size, truncate=lambda: os.ftruncate(fd, 3),
                    chmod=lambda: os.fchmod(fd, 0o600), again=lambda: os.pread(fd, 10, 0),
                    fsync=lambda: os.fsync(fd), seen=lambda: os.listdir(d))
    finally:
        os.close(fd)


@trait
def removed_directory(d):
    sub = os.path.join(d, "sub")
    os.mkdir(sub)
    fd = os.open(sub, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.rmdir(sub)
        return each(list=lambda: os.listdir(fd),
                    create=lambda: os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=fd),
                    seen=lambda: os.listdir(d))
    finally:
        os.close(fd)


# -- data --

@trait
def open_flags(d):
    f = made(d, "f")

    def opened(flags, action):
        fd = os.open(f, flags, 0o644)
        try:
            return action(fd)
        finally:
            os.close(fd)
    size = lambda fd: os.fstat(fd).st_size
    return each(append=lambda: opened(os.O_WRONLY | os.O_APPEND,
                                      lambda fd: (os.write(fd, b"++"), size(fd))[1]),
                append_pwrite=lambda: opened(os.O_WRONLY | os.O_APPEND,
                                             lambda fd: (os.pwrite(fd, b"+", 0), size(fd))[1]),
                read_on_write=lambda: opened(os.O_WRONLY, lambda fd: os.pread(fd, 1, 0)),
                write_on_read=lambda: opened(os.O_RDONLY, lambda fd: os.pwrite(fd, b"x", 0)),
                direct=lambda: opened(os.O_RDONLY | os.O_DIRECT, lambda fd: None),
                sync=lambda: opened(os.O_WRONLY | os.O_SYNC, lambda fd: os.pwrite(fd, b"x", 0)),
                path=lambda: opened(os.O_PATH, size), nofollow=lambda: opened(os.O_NOFOLLOW, size),
                directory=lambda: opened(os.O_DIRECTORY, size),
                noatime=lambda: opened(os.O_NOATIME, size),
                truncate=lambda: opened(os.O_WRONLY | os.O_TRUNC, size),
                tmpfile=lambda: os.close(os.open(d, os.O_TMPFILE | os.O_RDWR, 0o600)))


@trait
def positions(d):
    fd = create(os.path.join(d, "f"))
    try:
        return each(end=lambda: os.lseek(fd, 0, os.SEEK_END), past=lambda: os.pread(fd, 5, 100),
                    short=lambda: os.pread(fd, 100, 7), hole=lambda: os.lseek(fd, 0, os.SEEK_HOLE),
                    data=lambda: os.lseek(fd, 0, os.SEEK_DATA),
                    no_data=lambda: os.lseek(fd, 50, os.SEEK_DATA),
                    gap=lambda: os.pwrite(fd, b"z", 5000), size=lambda: os.fstat(fd).st_size,
                    zeros=lambda: os.pread(fd, 4, 4000),
                    far=lambda: os.pwrite(fd, b"z", 1 << 33), large=lambda: os.fstat(fd).st_size)
    finally:
        os.close(fd)


@trait
def sizes(d):
    f = made(d, "f")
    return each(grow=lambda: os.truncate(f, 100000), size=lambda: os.path.getsize(f),
                shrink=lambda: os.truncate(f, 3), left=lambda: open(f, "rb").read(),
                negative=lambda: os.truncate(f, -1), huge=lambda: os.truncate(f, 1 << 62))


@trait
def allocation(d):
    fd = create(os.path.join(d, "f"))
    alloc = lambda mode, at, n: call("fallocate", fd, mode, ctypes.c_long(at), ctypes.c_long(n))
    try:
        return each(plain=lambda: alloc(0, 0, 8192), size=lambda: os.fstat(fd).st_size,
                    keep=lambda: alloc(1, 0, 16384), kept=lambda: os.fstat(fd).st_size,
                    punch=lambda: alloc(3, 0, 4096), punched=lambda: os.pread(fd, 3, 0),
                    zero=lambda: alloc(16, 0, 4096), collapse=lambda: alloc(8, 0, 4096),
                    posix=lambda: os.posix_fallocate(fd, 0, 20000),
                    grown=lambda: os.fstat(fd).st_size)
    finally:
        os.close(fd)


@trait
def copies(d):
    src, dst = create(os.path.join(d, "s"), b"abc" * 5000), create(os.path.join(d, "t"), b"")
    r, w = os.pipe()
    try:
        return each(copy=lambda: os.copy_file_range(src, dst, 15000, 0, 0),
                    size=lambda: os.fstat(dst).st_size,
                    same=lambda: os.pread(dst, 20000, 0) == b"abc" * 5000,
                    sendfile=lambda: os.sendfile(dst, src, 0, 9000),
                    splice_out=lambda: os.splice(src, w, 4096, 0),
                    splice_in=lambda: os.splice(r, dst, 4096, None, 0),
                    clone=lambda: fcntl.ioctl(dst, 0x40049409, src),
                    readv=lambda: os.preadv(src, [bytearray(7), bytearray(9)], 1),
                    writev=lambda: os.pwritev(dst, [b"x" * 7, b"y" * 9], 3))
    finally:
        for fd in (src, dst, r, w):
            os.close(fd)


@trait
def mappings(d):
    fd = create(os.path.join(d, "f"), b"m" * 10000)

    def shared():
        with mmap.mmap(fd, 10000) as m:
            m[5000:5004] = b"map!"
            m.flush()
        return os.pread(fd, 6, 4999)

    def private():
        with mmap.mmap(fd, 10000, access=mmap.ACCESS_COPY) as m:
            m[0] = 0
            return m[1:3]
    try:
        return each(shared=shared, private=private)
    finally:
        os.close(fd)


@trait
def large_requests(d):
    data = bytes(range(256)) * 8192  # 2 MiB
    fd = create(os.path.join(d, "f"), b"")
    try:
        return each(write=lambda: os.write(fd, data),
                    read=lambda: os.pread(fd, len(data), 0) == data,
                    unaligned=lambda: os.pwrite(fd, data[:999999], 12345),
                    back=lambda: os.pread(fd, 999999, 12345) == data[:999999],
                    fsync=lambda: os.fsync(fd), fdatasync=lambda: os.fdatasync(fd))
    finally:
        os.close(fd)


# -- attributes --

@trait
def attributes(d):
    f = made(d, "f")
    s = os.stat(f)
    return each(mode=lambda: stat.filemode(s.st_mode), owner=lambda: s.st_uid == os.getuid(),
                group=lambda: s.st_gid == os.getgid(), links=lambda: s.st_nlink,
                size=lambda: s.st_size, blksize=lambda: s.st_blksize,
                same_ino=lambda: os.stat(f).st_ino == s.st_ino,
                dir_ino=lambda: [e.inode() == s.st_ino for e in os.scandir(d)],
                dir_type=lambda: [e.is_file(follow_symlinks=False) for e in os.scandir(d)],
                chmod=lambda: os.chmod(f, 0o4751),
                set=lambda: stat.filemode(os.stat(f).st_mode),
                clears=lambda: (os.close(os.open(f, os.O_WRONLY | os.O_TRUNC)),
                                stat.filemode(os.stat(f).st_mode))[1],
                own=lambda: os.chown(f, os.getuid(), os.getgid()),
                give=lambda: os.chown(f, 12345, -1), uid=lambda: os.stat(f).st_uid == 12345)


@trait
def times(d):
    f = made(d, "f")

    def set_and_get(a, m):
        os.utime(f, ns=(a, m))
        s = os.stat(f)
        return s.st_atime_ns == a, s.st_mtime_ns == m

    def now():
        os.utime(f, ns=(0, 0))
        os.utime(f)
        return os.stat(f).st_mtime > 1e9

    def write_updates():
        os.utime(f, (1, 1))
        with open(f, "ab") as file:
            file.write(b"x")
        return os.stat(f).st_mtime > 1e9
    return each(seconds=lambda: set_and_get(10**18, 11 * 10**17),
                nanoseconds=lambda: set_and_get(10**18 + 123456789, 10**18 + 987654321),
                before_1970=lambda: set_and_get(-10**9 * 5, -10**9 * 7),
                after_2038=lambda: set_and_get(5 * 10**18, 5 * 10**18), now=now,
                write=write_updates)


@trait
def extended_attributes(d):
    f = made(d, "f")
    return each(set=lambda: os.setxattr(f, "user.one", b"1"),
                get=lambda: os.getxattr(f, "user.one"), list=lambda: os.listxattr(f),
                create=lambda: os.setxattr(f, "user.one", b"2", os.XATTR_CREATE),
                replace=lambda: os.setxattr(f, "user.two", b"2", os.XATTR_REPLACE),
                large=lambda: os.setxattr(f, "user.big", b"x" * 20000),
                big=lambda: len(os.getxattr(f, "user.big")),
                remove=lambda: os.removexattr(f, "user.one"),
                gone=lambda: os.getxattr(f, "user.one"),
                remove_again=lambda: os.removexattr(f, "user.one"),
                security=lambda: os.getxattr(f, "security.capability"),
                acl=lambda: os.getxattr(f, "system.posix_acl_access"),
                trusted=lambda: os.setxattr(f, "trusted.x", b"t"))


@trait
def access(d):
    f = made(d, "f")

    def modes(mode):
        os.chmod(f, mode)
        return "".join("rwx"[i] for i, m in enumerate((os.R_OK, os.W_OK, os.X_OK))
                       if os.access(f, m))
    return each(none=lambda: modes(0), read=lambda: modes(0o444), all=lambda: modes(0o777),
                open_none=lambda: (modes(0), os.close(os.open(f, os.O_RDONLY)))[1],
                exists=lambda: os.access(f, os.F_OK))


@trait
def filesystem(d):
    s = os.statvfs(d)
    fd = create(os.path.join(d, "f"))
    try:
        return each(bsize=lambda: s.f_bsize, frsize=lambda: s.f_frsize,
                    namemax=lambda: s.f_namemax, blocks=lambda: s.f_blocks > 0,
                    files=lambda: s.f_files > 0, syncfs=lambda: call("syncfs", fd),
                    flags=lambda: s.f_flag & ~4096)
    finally:
        os.close(fd)


# -- the rest --

@trait
def locks(d):
    f = made(d, "f")
    a, b = os.open(f, os.O_RDWR), os.open(f, os.O_RDWR)

    def in_child(function):
        """POSIX locks are a process's, so a second one has to ask."""
        pid = os.fork()
        if pid == 0:
            try:
                function()
                os._exit(0)
            except OSError as e:
                os._exit(e.errno)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code:
            raise OSError(code, "in the child")
    try:
        return each(flock=lambda: fcntl.flock(a, fcntl.LOCK_EX | fcntl.LOCK_NB),
                    second=lambda: fcntl.flock(b, fcntl.LOCK_EX | fcntl.LOCK_NB),
                    unlock=lambda: fcntl.flock(a, fcntl.LOCK_UN),
                    then=lambda: fcntl.flock(b, fcntl.LOCK_SH | fcntl.LOCK_NB),
                    posix=lambda: fcntl.lockf(a, fcntl.LOCK_EX | fcntl.LOCK_NB, 5),
                    child=lambda: in_child(
                        lambda: fcntl.lockf(b, fcntl.LOCK_EX | fcntl.LOCK_NB, 5)),
                    beside=lambda: in_child(
                        lambda: fcntl.lockf(b, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 5)))
    finally:
        os.close(a)
        os.close(b)


@trait
def directories(d):
    for i in range(50):
        made(d, f"entry-{i}", b"")
    fd = os.open(d, os.O_RDONLY | os.O_DIRECTORY)
    try:
        names = os.listdir(fd)
        return each(count=lambda: len(names), once=lambda: len(set(names)),
                    again=lambda: sorted(os.listdir(fd)) == sorted(names),
                    fsync=lambda: os.fsync(fd), read=lambda: os.read(fd, 10),
                    links=lambda: os.fstat(fd).st_nlink > 0,
                    parent=lambda: os.path.samefile(os.path.join(d, ".."), os.path.dirname(d)))
    finally:
        os.close(fd)


@trait
def changes_while_listing(d):
    for i in range(200):
        made(d, f"entry-with-a-longer-name-{i:03}", b"")
    left = 0
    with os.scandir(d) as entries:
        for e in entries:
            os.unlink(e.path)
            left += 1
    return f"saw {left}, left {len(os.listdir(d))}"


@trait
def other_calls(d):
    fd = create(os.path.join(d, "f"))
    try:
        return each(ioctl=lambda: fcntl.ioctl(fd, 0x5401, bytes(64)),
                    flags=lambda: fcntl.ioctl(fd, 0x80086601, bytes(8)),
                    fiemap=lambda: fcntl.ioctl(fd, 0xC020660B, bytearray(32)) and None,
                    poll=lambda: [e for _, e in _poll(fd)],
                    fadvise=lambda: os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED),
                    bmap=lambda: fcntl.ioctl(fd, 1, bytearray(4)) and None)
    finally:
        os.close(fd)


def _poll(fd):
    p = select.poll()
    p.register(fd, select.POLLIN | select.POLLOUT)
    return p.poll(0)


@trait
def umask_counts(d):
    before = os.umask(0o027)
    try:
        f, sub = os.path.join(d, "f"), os.path.join(d, "sub")
        os.close(os.open(f, os.O_CREAT | os.O_WRONLY, 0o666))
        os.mkdir(sub, 0o777)
        return each(file=lambda: stat.filemode(os.stat(f).st_mode),
                    dir=lambda: stat.filemode(os.stat(sub).st_mode))
    finally:
        os.umask(before)


def _remove(d):
    for folder, dirs, files in os.walk(d, topdown=False):
        for name in files:
            quietly(os.unlink, os.path.join(folder, name))
        for name in dirs:
            path = os.path.join(folder, name)
            quietly(os.unlink if os.path.islink(path) else os.rmdir, path)
    quietly(os.rmdir, d)


def probe(mnt):
    """{trait: what was seen}; works in a directory that it makes on the mount."""
    seen = {}
    for name, function in NAMES.items():
        d = os.path.join(mnt, "probe-" + name)
        os.mkdir(d)
        add(seen, name, outcome(function, d))
        _remove(d)
    return seen


def probe_read_only(mnt):
    """The same for a tree that can only be read."""
    seen = {}
    for folder, dirs, files in os.walk(mnt):
        dirs.sort()
        for name in sorted(dirs + files) + ["missing"]:
            path = os.path.join(folder, name)
            add(seen, os.path.relpath(path, mnt), each(
                mode=lambda p=path: stat.filemode(os.lstat(p).st_mode),
                links=lambda p=path: os.lstat(p).st_nlink,
                size=lambda p=path: os.lstat(p).st_size,
                blocks=lambda p=path: os.lstat(p).st_blocks,
                owner=lambda p=path: os.lstat(p).st_uid,
                xattrs=lambda p=path: os.listxattr(p, follow_symlinks=False),
                xattr=lambda p=path: os.getxattr(p, "user.x", follow_symlinks=False),
                write=lambda p=path: os.open(p, os.O_WRONLY),
                chmod=lambda p=path: os.chmod(p, 0o600), unlink=lambda p=path: os.unlink(p),
                mkdir=lambda p=path: os.mkdir(p + "-new")))
    seen["statfs"] = outcome(lambda: tuple(os.statvfs(mnt)))
    return seen
