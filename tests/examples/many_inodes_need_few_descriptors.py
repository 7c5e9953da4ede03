# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: ... PROGRAM [FILES [RLIMIT_NOFILE]]

passthrough_hp with few descriptors shows a directory with many files, none of
which it may forget: by file handles, and by names where it has no right to use
handles. All are listed, looked at, written, renamed and removed, while a number
of them is open. Nothing fails, and the limit is the limit.
"""
import os
import resource
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../highlevel"))
import mounted  # noqa: E402

HELD_OPEN = 60


def make_source(top, count, flat):
    """All files at the top, or half of them in directories."""
    half = count if flat else count // 2
    for i in range(half):
        os.close(os.open(f"{top}/file{i}", os.O_CREAT | os.O_WRONLY, 0o644))
    for i in range(count - half):
        if i % 100 == 0:
            os.mkdir(f"{top}/dir{i // 100}")
        os.close(os.open(f"{top}/dir{i // 100}/file{i}", os.O_CREAT | os.O_WRONLY, 0o644))


def all_files(top):
    return [os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names]


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def work(m, count, limit):
    files = all_files(m.dir)
    assert len(files) == count, f"{len(files)} of {count}"
    held = [os.open(f, os.O_RDWR) for f in files[:: count // HELD_OPEN]]
    for f in files:
        assert os.stat(f).st_size == 0
    # The kernel knows them all; each is used once more, in an order that favours none.
    for f in files[::-7]:
        with open(f, "wb") as out:
            out.write(f.encode()[-40:])
    for f in files[::-7]:
        with open(f, "rb") as file:
            assert file.read() == f.encode()[-40:], f
    for f in files[::11]:
        os.rename(f, f + ".moved")
        assert os.stat(f + ".moved").st_nlink == 1
    used = descriptors(m.process.pid)
    assert used <= limit, f"{used} descriptors"
    for fd in held:
        os.pwrite(fd, b"held", 0)
        assert os.pread(fd, 4, 0) == b"held"
        os.close(fd)
    for f in files[::11]:
        os.unlink(f + ".moved")
    left = len(all_files(m.dir))
    assert left == count - len(files[::11]), left
    return used


def run(program, count, limit, privileged, flat):
    source = f"/tmp/profuse-many-{os.getpid()}"
    os.mkdir(source)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=0", "tmpfs", source], check=True)
    prefix = ["prlimit", f"--nofile={limit}:{limit}"]
    if not privileged:
        # Without this right no file can be opened by its handle.
        caps = "-dac_read_search"
        prefix += ["setpriv", f"--bounding-set={caps}", f"--inh-caps={caps}"]
    try:
        make_source(source, count, flat)
        with mounted.Mounted(prefix + [program, source]) as m:
            used = work(m, count, limit)
        return used
    finally:
        subprocess.run(["umount", "-l", source], check=False)
        os.rmdir(source)


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    limit = int(sys.argv[3]) if len(sys.argv) > 3 else 256
    mounted.need_root("mounts")
    mounted.need_device()
    mounted.in_a_namespace_of_its_own()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft > 2 * HELD_OPEN, "this test needs descriptors of its own"
    for privileged in (True, False):
        for flat in (True, False):
            used = run(program, count, limit, privileged, flat)
            print(f"{count} files{' in one directory' if flat else ''}, "
                  f"{'by handle' if privileged else 'by name'}, at most {limit} descriptors: "
                  f"{used} in use", flush=True)


main()
