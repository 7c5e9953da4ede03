# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: ... PASSTHROUGH_HP

A read or write of 1 MiB is one request over every transport, and readers in sequence get what the
machine reads ahead in one, 128 KiB unless it was told otherwise: with more read-ahead there are
fewer requests.
"""
import mmap
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../highlevel"))
import mounted  # noqa: E402

MIB = 1 << 20
COUNT = 16


def one_each(m):
    page = mmap.mmap(-1, MIB)
    fd = os.open(m.dir + "/file", os.O_RDWR)
    for i in range(COUNT):
        assert os.pwritev(fd, [page], i * MIB) == MIB
    assert m.requests("WRITE") == COUNT, f"{m.requests('WRITE')} WRITE"
    for i in range(COUNT):
        assert os.preadv(fd, [page], i * MIB) == MIB
    assert m.requests("READ") == COUNT, f"{m.requests('READ')} READ"
    os.close(fd)


def read_ahead_of(m):
    dev = os.stat(m.dir).st_dev
    return f"/sys/class/bdi/{os.major(dev)}:{os.minor(dev)}/read_ahead_kb"


def in_sequence(m, kib):
    with open(read_ahead_of(m), "w", encoding="ascii") as f:
        f.write(str(kib))
    with open(m.dir + "/file", "rb", buffering=0) as f:
        while f.read(4096):
            pass
    n, expected = m.requests("READ"), COUNT * MIB // (kib << 10)
    # The first ones are smaller.
    assert expected <= n <= expected + 10, f"{n} READ with {kib} KiB"


def main():
    program = os.path.abspath(sys.argv[1])
    mounted.need_root("mounts")
    mounted.need_device()
    mounted.in_a_namespace_of_its_own()
    source = tempfile.mkdtemp(prefix="profuse-large-", dir="/tmp")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", source], check=True)
    try:
        with open(source + "/file", "wb") as f:
            f.truncate(COUNT * MIB)
        for rings in ("off", "auto"):
            command = [program, source, "-d", "-o", f"io_uring={rings}"]
            with mounted.Mounted(command + ["--direct-io"]) as m:
                one_each(m)
            for kib in (128, 1024):
                with mounted.Mounted(command + ["--nopassthrough"]) as m:
                    in_sequence(m, kib)
    finally:
        subprocess.run(["umount", "-l", source], check=False)
        os.rmdir(source)


main()
