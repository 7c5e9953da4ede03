# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is compared: each serves the same filesystem in another way."""
import os
import subprocess
from dataclasses import dataclass, field


@dataclass
class Contender:
    name: str
    program: str = ""  # in BUILD/bench; none: the native filesystem
    options: list = field(default_factory=list)
    ring: bool = False  # needs fuse-over-io_uring
    path_program: str = ""  # the same library under the path API
    needs_backing: bool = False  # has nothing to serve without a backing file

    def command(self, build):
        return [os.path.join(build, "bench", self.program)] + self.options

    def exists(self, build):
        return not self.program or os.path.exists(self.command(build)[0])

    def is_ours_in_disguise(self, build):
        """The reference, run by mistake with the library under test."""
        if not self.program.endswith("_stock"):
            return False
        libraries = subprocess.run(["ldd", self.command(build)[0]], capture_output=True,
                                   text=True, check=True).stdout
        return os.path.realpath(build) in libraries


DEV = ["-f", "-o", "io_uring=off"]
RING = ["-f", "-o", "io_uring=on"]

ALL = [
    Contender("profuse dev", "memory_fs", DEV, path_program="path_fs"),
    Contender("profuse dev -s", "memory_fs", DEV + ["-s"]),
    Contender("profuse ring", "memory_fs", RING, ring=True, path_program="path_fs"),
    Contender("profuse ring -s", "memory_fs", RING + ["-s"], ring=True),
    Contender("libfuse", "memory_fs_stock", ["-f"], path_program="path_fs_stock"),
    Contender("libfuse -s", "memory_fs_stock", ["-f", "-s"]),
    Contender("bare dev", "bare_dev"),
    Contender("bare dev -1", "bare_dev", ["-1"]),
    Contender("bare ring", "bare_ring", ring=True),
    Contender("native"),
]

# Ways to wait for requests on /dev/fuse, compared where somebody names them.
WAITING = {
    "poll 2 pinned": [],
    "read 2 pinned": ["-w", "read"],
    "read 2 clones": ["-w", "read", "-c"],
    "poll 2 clones": ["-c"],
    "poll 2 unpinned": ["-u"],
    "read 2 unpinned": ["-u", "-w", "read"],
    "uring 2 pinned": ["-w", "uring"],
    "spin20 2 pinned": ["-s", "20"],
    "poll 1": ["-n", "1", "-u"],
    "read 1": ["-n", "1", "-u", "-w", "read"],
    "uring 1": ["-n", "1", "-u", "-w", "uring"],
    "spin20 1": ["-n", "1", "-u", "-s", "20"],
    "spin100 1": ["-n", "1", "-u", "-s", "100"],
    "follow16 1": ["-n", "1", "-u", "-f", "16"],
    "attend16 2 pinned": ["-a", "-f", "16"],
    "follow64 1": ["-n", "1", "-u", "-f", "64"],
}
EXTRA = [Contender(name, "waiting", options) for name, options in WAITING.items()]


def find(name):
    for c in ALL + EXTRA:
        if c.name == name:
            return c
    return None


def available(wanted, build, have_ring):
    """Those of `wanted` that can run here, and why the others cannot."""
    chosen, missing = [], []
    for c in wanted:
        if c.ring and not have_ring:
            missing.append(f"{c.name}: no fuse-over-io_uring here")
        elif not c.exists(build):
            missing.append(f"{c.name}: {c.program} was not built (libfuse3-dev installed?)")
        elif c.is_ours_in_disguise(build):
            missing.append(f"{c.name}: would be run with the library under test")
        else:
            chosen.append(c)
    return chosen, missing
