# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that the kernel reads and writes by itself, against the same file without FUSE.
All ways to it are there at once and take turns of milliseconds."""
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack

from . import report, speed
from .mounts import Mount, MountFailed, write_file

PLACES = ["tmpfs", "disk"]
# Examples, which are told the directory to show.
EXAMPLES = {
    "passthrough_hp": ["passthrough_hp"],
    "passthrough_fh": ["passthrough_fh", "-o", "passthrough"],
}


class Source:
    """A directory with the file."""

    def __init__(self, place):
        self.place = place

    def __enter__(self):
        # /tmp is memory on many machines.
        self.top = tempfile.mkdtemp(prefix="profuse-bench-", dir="/var/tmp")
        self.dir = os.path.join(self.top, "source")
        os.mkdir(self.dir)
        if self.place == "tmpfs":
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.dir], check=True)
        write_file(os.path.join(self.dir, "f"))
        # Otherwise its pages are written while somebody is measured.
        with open(os.path.join(self.dir, "f"), "rb") as f:
            os.fsync(f.fileno())
        return self

    def __exit__(self, *_):
        if self.place == "tmpfs":
            subprocess.run(["umount", "-l", self.dir], check=False)
        shutil.rmtree(self.top, ignore_errors=True)


def commands(build, source):
    bare = [os.path.join(build, "bench", "bare_dev"), f"--backing={source.dir}/f", "-p"]
    out = {"bare passthrough": bare}
    for name, (program, *options) in EXAMPLES.items():
        out[name] = [os.path.join(build, "examples", program, program), source.dir, "-f", *options]
    return out


def measure(build, source, workload, args):
    """{way: figures}"""
    with ExitStack() as mounts:
        ways = {"native": source.dir}
        for name, command in commands(build, source).items():
            m = Mount(command, os.path.join(source.top, name.replace(" ", "-")))
            ways[name] = mounts.enter_context(m).dir
        out = subprocess.run([os.path.join(build, "bench", "same_file"), workload,
                              str(args.seconds * args.rounds), *ways.values()],
                             check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(zip(ways, map(speed.parse, out.splitlines())))


def run(build, args):
    workloads = [w for w in (args.workloads or "").split(",") if w in speed.DATA] or speed.DATA
    results = []
    try:
        for place in PLACES:
            with Source(place) as source:
                for workload in workloads:
                    rows = measure(build, source, workload, args)
                    results.append({"on": place, "workload": workload, "rows": rows})
    except (MountFailed, subprocess.CalledProcessError) as e:
        # The bare server is there to fail where the others would do it by requests.
        print(f"left out: passthrough, which this kernel does not do: {e}", file=sys.stderr)
        return []
    show(results)
    return results


def show(results):
    table = []
    for r in results:
        native = r["rows"]["native"]["us"]
        cells = [f"{row['us']:.3f} ({native / row['us']:.2f})" for row in r["rows"].values()]
        table.append((f"{r['workload']}, {r['on']}", cells))
    report.show_table("the kernel reads and writes by itself: us an operation, median (rate to native's)",
                      list(results[0]["rows"]), table)
