# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: ... MANY_FILES [SANITIZERS]

A hundred thousand files are listed and looked at on a real mount. Without
inode_cache the daemon grows by what the kernel caches; with it, by no more than
was said, and every file is still there.
"""
import os
import sys

import mounted

FILES = 100_000
BUDGET = 2 << 20


def rss(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def look_at_all(top):
    fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    try:
        listed = 0
        with os.scandir(fd) as entries:
            for _ in entries:
                listed += 1
        assert listed == FILES, listed
        for i in range(FILES):
            os.stat(f"file{i}", dir_fd=fd)
    finally:
        os.close(fd)


def growth(program, options):
    command = [program, str(FILES), "1", "-o", "entry_timeout=1000,attr_timeout=1000" + options]
    # The address sanitizer keeps what was freed for a while, and has megabytes of
    # stacks of its own for each thread; not here.
    asan = os.environ.get("ASAN_OPTIONS", "") + \
        ":quarantine_size_mb=0:detect_stack_use_after_return=0"
    with mounted.Mounted(command, env={"ASAN_OPTIONS": asan}) as m:
        top = os.path.join(m.dir, "top")
        os.stat(os.path.join(top, "file0"))
        before = rss(m.process.pid)
        look_at_all(top)
        grown = rss(m.process.pid) - before
        look_at_all(top)
        return grown, rss(m.process.pid) - before


def main():
    if "thread" in sys.argv[2:]:
        mounted.skip("the thread sanitizer's own memory is many times that of the program")
    mounted.need_root("mounts")
    mounted.need_device()
    free, _ = growth(sys.argv[1], "")
    first, second = growth(sys.argv[1], f",inode_cache={BUDGET}")
    print(f"without a budget {free >> 10} KiB, within {BUDGET >> 10} KiB: "
          f"{first >> 10} KiB, again {second >> 10} KiB")
    # Threads that were started meanwhile have stacks and slots.
    allowance = BUDGET // 10 + (1 << 20)
    if any("address" in a for a in sys.argv[2:]):
        allowance += 1 << 20  # and what the sanitizer notes about every allocation
    assert free > 3 * BUDGET, "the test has too few files"
    assert first < BUDGET + allowance and second < BUDGET + allowance


main()
