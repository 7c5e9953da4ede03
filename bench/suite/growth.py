# SPDX-License-Identifier: GPL-2.0-or-later
"""What the path API costs as a tree grows, flat and ten levels deep: microseconds
an operation and bytes an inode, beside the distribution's libfuse."""
import os
import statistics
import subprocess

from . import report
from .mounts import Mount
from .speed import parse

FIELDS = ["list_us", "stat_us", "random_stat_us", "unlink_us", "rename_us", "first_rename_us",
          "bytes_per_inode", "left_per_inode"]


def measure(arena, contender, files, depth):
    program = os.path.join(arena.build, "bench", contender.path_program)
    options = contender.options + ["-o", "attr_timeout=0,entry_timeout=100000"]
    command = [program, str(files), str(depth)] + options
    with Mount(command, os.path.join(arena.dir, "tree"), probe="top") as m:
        client = os.path.join(arena.build, "bench", "path_client")
        return parse(subprocess.run([client, os.path.join(m.dir, "top"), str(files), str(m.pid)],
                                    capture_output=True, text=True, check=True,
                                    timeout=1200).stdout)


def run(arena, contenders, args):
    contenders = [c for c in contenders if c.path_program
                  and os.path.exists(os.path.join(arena.build, "bench", c.path_program))]
    results = []
    files = 1000
    while files <= args.max_inodes:
        for depth in (1, 10):
            samples = {c.name: [] for c in contenders}
            for _ in range(args.growth_rounds):
                for c in contenders:
                    samples[c.name].append(measure(arena, c, files, depth))
            rows = {name: {f: statistics.median(x[f] for x in s) for f in FIELDS}
                    for name, s in samples.items()}
            report.show_table(f"path API, {files} files, {depth} level{'s' if depth > 1 else ''}",
                              FIELDS, [(name, [f"{r[f]:.2f}" for f in FIELDS])
                                       for name, r in rows.items()])
            results.append({"files": files, "depth": depth, "rows": rows})
        files *= 10
    return results
