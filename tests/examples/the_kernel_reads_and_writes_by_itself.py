# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: ... PROGRAM

The program (passthrough_hp, passthrough_fh) hands open files to the kernel. Then no READ and no WRITE reaches
it, whatever is done to them; the file below is let go of when the last open file
ends; and where it may not be done, all works the same by requests.
"""
import mmap
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../highlevel"))
import mounted  # noqa: E402

SIZE = 1 << 20


def direct(path, flags):
    return os.open(path, flags | os.O_DIRECT)


def use(m, source):
    """Reads and writes in all ways; the content must be the same from both sides."""
    path, below = m.dir + "/file", source + "/file"
    data = os.urandom(SIZE)
    with open(path, "wb") as f:
        f.write(data)
    with open(below, "rb") as f:
        assert f.read() == data
    with open(path, "rb") as f:
        assert f.read() == data

    # Two that have it open at the same time, with different flags.
    one, two = os.open(path, os.O_RDONLY), os.open(path, os.O_RDWR)
    os.pwrite(two, b"second", 4096)
    assert os.pread(one, 6, 4096) == b"second"
    os.close(one)
    assert os.pread(two, 6, 4096) == b"second"

    # A shared mapping and a write, and O_DIRECT, see the same bytes.
    with mmap.mmap(two, SIZE) as view:
        view[8192:8197] = b"third"
        assert os.pread(two, 5, 8192) == b"third"
        os.pwrite(two, b"fourth", 8192)
        assert view[8192:8198] == b"fourth"
        view.flush()
    page = mmap.mmap(-1, 4096)
    fd = direct(path, os.O_RDWR)
    assert os.preadv(fd, [page], 8192) == 4096 and page[:6] == b"fourth"
    page[:5] = b"fifth"
    os.pwritev(fd, [page], 0)
    assert os.pread(two, 5, 0) == b"fifth"
    os.close(fd)
    os.close(two)

    with open(path, "ab") as f:
        f.write(b"end")
    assert os.stat(path).st_size == SIZE + 3 == os.stat(below).st_size
    os.truncate(path, 10)
    with open(path, "rb") as f:
        assert f.read()[:5] == b"fifth"
    assert os.stat(path).st_size == 10
    os.unlink(path)


def programs_run(m, source):
    shutil.copy("/bin/true", source + "/true")
    with open(m.dir + "/true", "rb") as f:
        f.read(16)
        subprocess.run([m.dir + "/true"], check=True)
    os.unlink(m.dir + "/true")


def nothing_is_kept(m, source):
    """A file below that the kernel still knew would keep its space after it was removed."""
    def used():
        st = os.statvfs(source)
        return (st.f_blocks - st.f_bfree) * st.f_frsize

    before = used()
    for i in range(64):
        with open(f"{m.dir}/big{i}", "wb") as f:
            f.write(bytes(SIZE))
        with open(f"{m.dir}/big{i}", "rb") as f:
            f.read(10)
    assert used() > before + 60 * SIZE
    for i in range(64):
        os.unlink(f"{m.dir}/big{i}")
    mounted.wait_until("the space to be free again", lambda: used() <= before + 65536)


def tmpfs(path):
    os.makedirs(path, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)


def by_the_kernel(program, source, options=()):
    with mounted.Mounted(program + [source, "-d", *options]) as m:
        use(m, source)
        programs_run(m, source)
        nothing_is_kept(m, source)
        for name in ("READ", "WRITE"):
            assert m.requests(name) == 0, f"{m.requests(name)} {name}"
        assert m.requests("OPEN") > 10


def by_requests(command, source, log_has=None, count=1):
    with mounted.Mounted(command) as m:
        use(m, source)
        assert m.requests("READ") > 0 and m.requests("WRITE") > 0
        if log_has:
            found = m.log().count(log_has)
            assert found == count, f"'{log_has}' {found} times:\n{m.log()[-2000:]}"


def on_overlay(program, top):
    """A stacked source is one level deeper; a plain one leaves a level for what is put on top."""
    for name in ("lower", "upper", "work", "merged"):
        os.makedirs(f"{top}/{name}")
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                    f"lowerdir={top}/lower,upperdir={top}/upper,workdir={top}/work",
                    f"{top}/merged"], check=True)
    by_the_kernel(program, f"{top}/merged")


def on_itself(program, source):
    """Two levels are what the kernel allows; the third one does it by requests."""
    with mounted.Mounted(program + [source]) as below:
        by_the_kernel(program, below.dir)
        with mounted.Mounted(program + [below.dir]) as middle:
            by_requests(program + [middle.dir, "-d"], middle.dir)


def under_overlay(program, source, top):
    os.makedirs(f"{top}/over")
    with open(f"{source}/below", "w", encoding="ascii") as f:
        f.write("seen through both")
    with mounted.Mounted(program + [source]) as m:
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir={m.dir}:{top}/lower", f"{top}/over"], check=True)
        with open(f"{top}/over/below", encoding="ascii") as f:
            assert f.read() == "seen through both"
        subprocess.run(["umount", f"{top}/over"], check=True)
    os.unlink(f"{source}/below")


def main():
    program = [os.path.abspath(sys.argv[1])]
    without = [["--nopassthrough"], ["--direct-io"]]
    refused = "cannot be a backing file"
    if os.path.basename(program[0]) == "passthrough_fh":
        program += ["-o", "passthrough"]
        without = [[]]
        refused = "the kernel does not read and write files by itself"
    mounted.need_root("mounts")
    mounted.need_device()
    mounted.in_a_namespace_of_its_own()
    if "NOT_PRIVILEGED_WITH" in os.environ:
        source = os.environ["NOT_PRIVILEGED_WITH"]
        by_requests(program + [source, "-d"], source, refused)
        return
    top = tempfile.mkdtemp(prefix="profuse-kernel-", dir="/tmp")
    try:
        tmpfs(top)
        source = f"{top}/source"
        tmpfs(source)
        by_the_kernel(program, source)
        by_the_kernel(program, source, ["-s"])
        for options in without:
            by_requests(program[:1] + [source, "-d", *options], source)
        # The right to do it is the whole machine's, which root of a user namespace has not.
        subprocess.run(["unshare", "-Ur", "-m", sys.executable] + sys.argv,
                       env=dict(os.environ, NOT_PRIVILEGED_WITH=source), check=True)
        on_overlay(program, top)
        on_itself(program, source)
        under_overlay(program, source, top)
    finally:
        for path in ("over", "merged", "source", ""):
            subprocess.run(["umount", "-l", f"{top}/{path}"], capture_output=True, check=False)
        os.rmdir(top)


main()
