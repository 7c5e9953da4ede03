# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: ... ARCHIVEFS MAKE-ARCHIVE

What an archive claims, and what happens to it while it is mounted, never shows
wrong contents, other files of the machine, or an error without a reason.
"""
import errno
import io
import os
import random
import resource
import shutil
import stat
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile

import mounted

ARCHIVEFS, MAKE = (os.path.abspath(a) for a in sys.argv[1:3])


def read(path):
    with open(path, "rb") as f:
        return f.read()


def fails(code, what, *args):
    try:
        what(*args)
    except OSError as e:
        assert e.errno == code, e
    else:
        raise AssertionError(f"{args}: no error")


def refused(*command, status=1):
    out = subprocess.run([ARCHIVEFS, *command], capture_output=True, text=True, check=False,
                         timeout=60)
    assert out.returncode == status, out
    return out.stderr


def tar_of(path, members):
    with tarfile.open(path, "w:gz" if path.endswith("gz") else "w") as t:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return path


def flip(path, at):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 1]))


def command_lines(tmp):
    """The command line is checked before an archive is read."""
    whole = tar_of(tmp + "/whole.tar", [("file", b"text")])
    assert "no archive given" in refused() and "usage:" in refused()
    assert "no mountpoint given" in refused(whole)
    assert "nonsense" in refused("-o", "nonsense", MAKE, tmp)
    for size in ("12X", "1kk", "99999999999G"):
        assert "not a size" in refused("-o", "cache=" + size, whole, tmp), size
    for option, text in (("-V", "FUSE library version"), ("--help", "-o password_file=FILE")):
        out = subprocess.run([ARCHIVEFS, option], capture_output=True, text=True, check=True)
        assert text in out.stdout and not out.stderr, out
    # Words after cache= are the library's, sizes are ours.
    for option in ("cache=none", "cache=immutable", "cache=1M"):
        with mounted.Mounted([ARCHIVEFS, "-o", option, whole]) as m:
            assert read(m.dir + "/file") == b"text"


def in_the_background(tmp):
    """A relative name is good there too, and the archive may go away."""
    tar_of(tmp + "/short,name.tgz", [("file", b"text")])
    mountpoint = tmp + "/mountpoint"
    os.mkdir(mountpoint)
    subprocess.run([ARCHIVEFS, "short,name.tgz", "mountpoint"], cwd=tmp, check=True, timeout=60)
    try:
        os.rename(tmp + "/short,name.tgz", tmp + "/away")
        tar_of(tmp + "/short,name.tgz", [("other", b"another archive")])
        assert os.listdir(mountpoint) == ["file"] and read(mountpoint + "/file") == b"text"
        with open("/proc/self/mounts", encoding="utf-8") as f:
            assert tmp + "/short,name.tgz " + mountpoint + " fuse.archivefs ro," in f.read()
    finally:
        subprocess.run(["umount", mountpoint], check=True)


def no_other_files(tmp):
    """A list of files is no archive: what it names is outside."""
    path = tmp + "/list"
    with open(path, "w", encoding="utf-8") as f:
        f.write("#mtree\n./shown type=file contents=/etc/passwd\n")
    assert "archivefs: " + path in refused(path, tmp)


def changed_archives(tmp):
    path = tar_of(tmp + "/changing.tgz", [("one", b"1" * 100), ("two", b"2" * 100)])
    with mounted.Mounted([ARCHIVEFS, path]) as m:
        assert read(m.dir + "/one") == b"1" * 100
        with open(path, "ab") as f:
            f.write(b"more")
        fails(errno.ESTALE, read, m.dir + "/two")
        assert "changing.tgz has changed since it was mounted" in m.log(), m.log()


def wrong_checksums(tmp):
    """Of a small member nothing is given out; a large one ends in an error."""
    rng = random.Random(3)
    large = rng.randbytes(3_000_000)
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        path = f"{tmp}/{name}.zip"
        with zipfile.ZipFile(path, "w", method) as z:
            z.writestr("small", rng.randbytes(1000))
            z.writestr("large", large)
            z.writestr("good", b"good")
        flip(path, 500)
        flip(path, 1_500_000)
        with mounted.Mounted([ARCHIVEFS, path]) as m:
            fails(errno.EIO, read, m.dir + "/small")
            fails(errno.EIO, read, m.dir + "/large")
            with open(m.dir + "/large", "rb", buffering=0) as f:
                assert f.read(1_000_000) == large[:1_000_000]
            assert read(m.dir + "/good") == b"good"
            assert "CRC" in m.log() or "ecompression" in m.log(), m.log()


def wrong_sizes(tmp):
    """More data than the header says is not unpacked."""
    path = tmp + "/bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("bomb", bytes(50_000_000))
    data = bytearray(read(path))
    struct.pack_into("<L", data, 22, 1000)
    struct.pack_into("<L", data, data.rindex(b"PK\x01\x02") + 24, 1000)
    with open(path, "wb") as f:
        f.write(data)
    with mounted.Mounted([ARCHIVEFS, path]) as m:
        assert os.stat(m.dir + "/bomb").st_size == 1000
        fails(errno.EIO, read, m.dir + "/bomb")


def odd_members(tmp):
    path = tmp + "/odd.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as t:
        def add(name, kind=tarfile.REGTYPE, data=b"", **more):
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, len(data)
            for key, value in more.items():
                setattr(info, key, value)
            t.addfile(info, io.BytesIO(data))

        add("file", data=b"first")
        add("file/below", data=b"no")
        add("dir/in", data=b"in")
        add("dir", data=b"a file now")
        add("dir", tarfile.DIRTYPE, mode=0o711)
        add("n" * 1100, data=b"too long")
        add("n" * 1000, data=b"long")
        add("tab\tand\x1b[31m/../x", data=b"red")
        add("tab\tand\x1b[31m", data=b"red")
        add("same", data=b"1")
        add("also", tarfile.LNKTYPE, linkname="same")
        add("same", data=b"2")
        add("itself", tarfile.LNKTYPE, linkname="itself")
        add("disk", tarfile.BLKTYPE, devmajor=8, devminor=1)
        add("latin-\udce9", data=b"bytes")
    with mounted.Mounted([ARCHIVEFS, path]) as m:
        log = m.log()
        for what in ("file/below: below something", "dir: no directory, but something is below",
                     "nnnn: is longer than names can be", "tab?and?[31m/../x: leads out",
                     "itself: a hard link to"):
            assert what in log, (what, log)
        assert "\x1b" not in log
        assert sorted(os.listdir(m.dir)) == sorted(
            ["file", "dir", "n" * 1000, "tab\tand\x1b[31m", "same", "also", "disk",
             "latin-\udce9"])
        assert stat.S_IMODE(os.stat(m.dir + "/dir").st_mode) == 0o711
        assert read(m.dir + "/dir/in") == b"in" and read(m.dir + "/same") == b"2"
        assert read(m.dir + "/also") == b"1" and os.stat(m.dir + "/also").st_nlink == 1
        assert read(m.dir + "/latin-\udce9") == b"bytes"
        st = os.stat(m.dir + "/disk")
        assert stat.S_ISBLK(st.st_mode) and st.st_rdev == os.makedev(8, 1)
        fails(errno.EACCES, read, m.dir + "/disk")  # nodev


def cpio_links(tmp):
    """cpio keeps the contents of a file with the last of its names."""
    def member(name, data, ino, links):
        fields = [ino, 0o100644, 0, 0, links, 0, len(data), 0, 1, 0, 0, len(name) + 1, 0]
        head = b"070701" + b"".join(b"%08x" % n for n in fields) + name.encode() + b"\0"
        return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)

    path = tmp + "/links.cpio"
    with open(path, "wb") as f:
        f.write(member("first", b"", 7, 2) + member("last", b"text", 7, 2)
                + member("TRAILER!!!", b"", 0, 1))
    with mounted.Mounted([ARCHIVEFS, path]) as m:
        assert read(m.dir + "/first") == read(m.dir + "/last") == b"text"
        assert os.stat(m.dir + "/first").st_nlink == 2


def passwords(tmp):
    tree = tmp + "/secret"
    os.mkdir(tree)
    for name in ("one", "two"):
        with open(f"{tree}/{name}", "wb") as f:
            f.write(name.encode() * 100_000)
    right, wrong = tmp + "/right", tmp + "/wrong"
    for path, word in ((right, "open sesame"), (wrong, "open barley")):
        with open(path, "w", encoding="utf-8") as f:
            f.write(word + "\n")
    for method in ("traditional", "aes256"):
        path = f"{tmp}/{method}.zip"
        made = subprocess.run([MAKE, "zip", "", path, tree, method, "open sesame"], check=False)
        if made.returncode == 77:
            print(f"{method}: this libarchive cannot encrypt")
            continue
        assert made.returncode == 0
        with mounted.Mounted([ARCHIVEFS, "-o", "password_file=" + right, path]) as m:
            assert read(m.dir + "/one") == b"one" * 100_000
            assert read(m.dir + "/two") == b"two" * 100_000
        assert "passphrase" in refused("-o", "password_file=" + wrong, path, tmp)
        assert "No such file" in refused("-o", "password_file=" + tmp + "/none", path, tmp)
        with mounted.Mounted([ARCHIVEFS, path]) as m:
            assert "has encrypted members; -o password" in m.log(), m.log()
            fails(errno.EACCES, read, m.dir + "/one")


def few_descriptors(tmp):
    """Many members are read, and many are open, with few descriptors."""
    names = [f"d{i % 7}/{i}" for i in range(500)]
    path = tar_of(tmp + "/many.tgz", [(n, n.encode() * 50) for n in names])
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        limited = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", ARCHIVEFS]
        with mounted.Mounted(limited + [path]) as m:
            for name in names:
                assert read(f"{m.dir}/{name}") == name.encode() * 50, m.log()
            files = [open(f"{m.dir}/{name}", "rb") for name in names[:20]]
            for f, name in zip(files, names):
                assert f.read() == name.encode() * 50
                f.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def marks(path, size):
    """A sparse file with a line at the beginning of each GiB."""
    with open(path, "wb") as f:
        for at in range(0, size, 1 << 30):
            f.seek(at)
            f.write(b"mark %d\n" % at)
        f.truncate(size)


def jump_in(path, size):
    """Several threads, each in another order, find the marks and zeros between."""
    wrong = []

    def look(seed):
        order = [(at, b"mark %d\n" % at) for at in range(0, size, 1 << 30)]
        order += [(at + 5000, bytes(10)) for at, _ in order[:-1]]
        order += [(size - 3, bytes(3)), (size, b"")]
        random.Random(seed).shuffle(order)
        fd = os.open(path, os.O_RDONLY)
        for at, text in order:
            got = os.pread(fd, len(text) or 1, at)
            if got != text:
                wrong.append((at, got))
        os.close(fd)

    threads = [threading.Thread(target=look, args=(seed,)) for seed in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong, wrong


def large_members(tmp):
    size = 5 * (1 << 30) + 77
    plain, huge = tmp + "/huge.tar", tmp + "/huge"
    info = tarfile.TarInfo("huge")
    info.size = size
    header = info.tobuf(format=tarfile.GNU_FORMAT)
    marks(huge, size)
    # In a plain archive: as long as the member, and as sparse.
    with open(plain, "wb") as f:
        f.write(header)
        for at in range(0, size, 1 << 30):
            f.seek(512 + at)
            f.write(b"mark %d\n" % at)
        f.truncate((512 + size + 511) // 512 * 512 + 1024)
    subprocess.run(["tar", "-C", tmp, "-cSzf", tmp + "/sparse.tgz", "huge"], check=True)
    for archive, space in ((plain, 0), (tmp + "/sparse.tgz", 100_000_000)):
        before = shutil.disk_usage(tmp).used
        with mounted.Mounted([ARCHIVEFS, archive]) as m:
            assert os.stat(m.dir + "/huge").st_size == size
            jump_in(m.dir + "/huge", size)
            with open(f"/proc/{m.process.pid}/status", encoding="utf-8") as f:
                rss = [int(line.split()[1]) for line in f if line.startswith("VmHWM")][0]
            assert rss < 100_000, f"{rss} KiB"
            fds = f"/proc/{m.process.pid}/fd"
            taken = sum(os.stat(f"{fds}/{n}").st_blocks * 512 for n in os.listdir(fds)
                        if os.readlink(f"{fds}/{n}").endswith("(deleted)"))
            assert taken <= space, f"{taken} bytes in temporary files, disk was {before}"


def readers_do_not_wait(tmp):
    """Who reads the beginning does not wait for who unpacks up to the end, and
    who gives up need not wait either."""
    path = tmp + "/slow.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
        with z.open("large", "w", force_zip64=True) as f:
            block = b"".join(b"%d\n" % i for i in range(100_000))
            for _ in range(250):
                f.write(block)
        end = z.getinfo("large").file_size
    with mounted.Mounted([ARCHIVEFS, "-o", "direct_io", path]) as m:
        fd = os.open(m.dir + "/large", os.O_RDONLY)
        assert os.pread(fd, 4, 0) == b"0\n1\n"
        far = subprocess.Popen(["tail", "-c", "3", m.dir + "/large"], stdout=subprocess.PIPE)
        quick = 0
        while far.poll() is None and quick < 20:
            assert os.pread(fd, 4, 0) == b"0\n1\n"
            quick += 1
        assert quick == 20, f"{quick} reads while {end} bytes were unpacked"
        far.kill()
        start = time.monotonic()
        far.communicate()
        assert time.monotonic() - start < 1, "a killed reader waited"
        os.close(fd)


mounted.need_root("mounts")
mounted.need_device()
with tempfile.TemporaryDirectory(prefix="profuse-archivefs-", dir="/tmp") as work:
    for check in (command_lines, in_the_background, no_other_files, changed_archives,
                  wrong_checksums, wrong_sizes, odd_members, cpio_links, passwords, few_descriptors,
                  large_members, readers_do_not_wait):
        begin = time.monotonic()
        check(work)
        print(f"{check.__name__}: {time.monotonic() - begin:.1f} s", flush=True)
