# SPDX-License-Identifier: GPL-2.0-or-later
"""What the machine is, and whether it was quiet."""
import os
import re
import subprocess
import time

URING = "/sys/module/fuse/parameters/enable_uring"


class Ring:
    """Turns fuse-over-io_uring on and puts the switch back; true if it is on."""

    def __enter__(self):
        self.before = None
        try:
            with open(URING, encoding="ascii") as f:
                state = f.read(1)
            if state == "Y":
                return True
            with open(URING, "w", encoding="ascii") as f:
                f.write("Y")
            self.before = state
            return True
        except OSError:
            return False

    def __exit__(self, *_):
        if self.before:
            with open(URING, "w", encoding="ascii") as f:
                f.write(self.before)


def calibrate():
    """Microseconds of a fixed piece of work. When it takes longer than usual,
    somebody else had the CPU, or the host gave less of it."""
    start = time.perf_counter()
    n = 0
    for i in range(100000):
        n += i
    return (time.perf_counter() - start) * 1e6


def first_match(path, pattern):
    try:
        with open(path, encoding="utf-8") as f:
            found = re.search(pattern, f.read(), re.M)
            return found.group(1) if found else "unknown"
    except OSError:
        return "unknown"


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def description(source):
    return {
        "kernel": os.uname().release,
        "cpus": os.cpu_count(),
        "processor": first_match("/proc/cpuinfo", r"^model name\s*:\s*(.*)$"),
        "virtual": "hypervisor" in first_match("/proc/cpuinfo", r"^flags\s*:\s*(.*)$").split(),
        "libfuse": output_of("pkg-config", "--modversion", "/usr/lib/x86_64-linux-gnu/pkgconfig/fuse3.pc")
        or output_of("pkg-config", "--modversion", "fuse3") or "unknown",
        "profuse": output_of("git", "-C", source, "describe", "--always", "--dirty") or "unknown",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }
