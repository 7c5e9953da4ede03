# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is checked on a mount. Each is called in a process that is the user of
the run, and fails by raising."""
import errno
import mmap
import os
import random
import stat
import subprocess
import threading


def equal(a, b, what=""):
    assert a == b, f"{what} {a!r} is not {b!r}"


def contents(path):
    with open(path, "rb") as f:
        return f.read()


def same_tree(source, mnt):
    p = subprocess.run(["diff", "-r", "--no-dereference", source, mnt], capture_output=True,
                       text=True, check=False)
    assert p.returncode == 0, (p.stdout + p.stderr)[-400:]


def read_write(mnt):
    """Create, append, mkdir, copy and compare, rename, truncate, ls, statfs,
    unlink, rmdir."""
    f, d, big = (os.path.join(mnt, n) for n in ("rw-f", "rw-d", "rw-big"))
    with open(f, "w", encoding="utf-8") as file:
        file.write("a\n")
    with open(f, "a", encoding="utf-8") as file:
        file.write("b\n")
    equal(contents(f), b"a\nb\n", "appended:")
    os.mkdir(d)
    data = random.Random(1).randbytes(1300000)
    with open("rw-original", "wb") as file:
        file.write(data)
    subprocess.run(["cp", "rw-original", d + "/big"], check=True, capture_output=True)
    subprocess.run(["cmp", "rw-original", d + "/big"], check=True, capture_output=True)
    os.rename(d + "/big", big)
    os.truncate(big, 1000)
    equal(os.stat(big).st_size, 1000, "size after truncate:")
    equal(contents(big), data[:1000], "contents after truncate:")
    assert {"rw-f", "rw-d", "rw-big"} <= set(os.listdir(mnt))
    subprocess.run(["ls", "-l", mnt], check=True, capture_output=True)
    os.statvfs(mnt)
    os.unlink(f)
    os.unlink(big)
    os.rmdir(d)
    os.unlink("rw-original")
    assert not {"rw-f", "rw-d", "rw-big"} & set(os.listdir(mnt))


def writes(mnt):
    """The least that a writable mount can do."""
    path = os.path.join(mnt, "written")
    with open(path, "wb") as f:
        f.write(b"x" * 100000)
    equal(contents(path), b"x" * 100000, "written:")
    os.unlink(path)


def links(mnt):
    f, hard, soft = (os.path.join(mnt, n) for n in ("ln-f", "ln-hard", "ln-soft"))
    with open(f, "wb") as file:
        file.write(b"linked")
    os.link(f, hard)
    os.symlink("ln-f", soft)
    equal(contents(hard), b"linked")
    equal(os.readlink(soft), "ln-f")
    equal(contents(soft), b"linked")
    for name in (f, hard, soft):
        os.unlink(name)


def chmod_and_times(mnt):
    f = os.path.join(mnt, "cm-f")
    with open(f, "wb"):
        pass
    for mode in (0o600, 0o444, 0o755):
        os.chmod(f, mode)
        equal(stat.S_IMODE(os.stat(f).st_mode), mode, "mode:")
    os.utime(f, (1000000000, 1100000000))
    equal(int(os.stat(f).st_mtime), 1100000000, "mtime:")
    os.unlink(f)


def many_files(mnt):
    """More names than fit into one answer, and all of them once."""
    d = os.path.join(mnt, "many")
    os.mkdir(d)
    names = [f"a-rather-long-name-for-a-file-{i:04}" for i in range(300)]
    for name in names:
        with open(os.path.join(d, name), "wb"):
            pass
    equal(sorted(os.listdir(d)), names, "listing:")
    for name in names:
        os.unlink(os.path.join(d, name))
    os.rmdir(d)


def mapped_pages(path):
    """Reading through a mapping is what programs are started by."""
    with open(path, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
        equal(m[:], contents(path), "mapped:")


def together(source, mnt):
    """Eight threads that read all at once."""
    names = [os.path.relpath(os.path.join(d, n), source) for d, _, files in os.walk(source)
             for n in files]
    want = {n: contents(os.path.join(source, n)) for n in names
            if not os.path.islink(os.path.join(source, n))}
    errors = []

    def read():
        for n, data in list(want.items()) * 3:
            if contents(os.path.join(mnt, n)) != data:
                errors.append(n)
    threads = [threading.Thread(target=read) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(errors, [])


def read_only(mnt):
    try:
        with open(os.path.join(mnt, "new"), "wb"):
            pass
    except OSError as e:
        assert e.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSYS), e
    else:
        raise AssertionError("a file could be created")
