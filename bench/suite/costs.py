# SPDX-License-Identifier: GPL-2.0-or-later
"""What a mount costs: time to mount, memory, and what it does while nobody
asks for anything."""
import os
import random
import statistics
import time
from contextlib import ExitStack

from . import report


def mount_times(arena, contenders, args):
    """From exec to the first answer, in milliseconds."""
    contenders = [c for c in contenders if c.program and not c.needs_backing]
    times = {c.name: [] for c in contenders}
    for _ in range(args.mounts):
        for c in random.sample(contenders, len(contenders)):
            with arena.mount(c) as m:
                times[c.name].append(m.seconds * 1e3)
    rows = []
    for name, t in times.items():
        rows.append((name, [f"{statistics.median(t):.1f}", f"{min(t):.1f}", f"{max(t):.1f}"]))
    report.show_table("from start to the first answer, in ms", ["median", "fastest", "slowest"], rows)
    return times


def lines(path, *keys):
    with open(path, encoding="utf-8") as f:
        return sum(int(line.split()[1]) for line in f if line.split(":")[0] in keys)


def switches(pid):
    """Times that a thread of the process was put on a CPU."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        total += lines(f"/proc/{pid}/task/{task}/status", "voluntary_ctxt_switches",
                       "nonvoluntary_ctxt_switches")
    return total


def cpu_ns(pid):
    """The process's CPU clock, as clock_getcpuclockid(3) would name it."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def snapshot(m):
    return {
        "switches": switches(m.pid),
        "cpu_ns": cpu_ns(m.pid),
        "rss_kib": lines(f"/proc/{m.pid}/smaps_rollup", "Rss"),
        "private_kib": lines(f"/proc/{m.pid}/smaps_rollup", "Private_Clean", "Private_Dirty"),
        "threads": len(os.listdir(f"/proc/{m.pid}/task")),
    }


def idle(arena, contenders, args):
    """All of them at once: idle ones do not disturb each other, and if one does
    something, its own counters show it."""
    contenders = [c for c in contenders if c.program and not c.needs_backing]
    result, rows = {}, []
    with ExitStack() as stack:
        mounts = {}
        for number, c in enumerate(contenders):
            mounts[c.name] = stack.enter_context(arena.mount(c, number=number))
        for m in mounts.values():
            for name in os.listdir(os.path.join(m.dir, "d"))[:100]:
                os.stat(os.path.join(m.dir, "d", name))
        time.sleep(args.settle)
        before = {name: snapshot(m) for name, m in mounts.items()}
        time.sleep(args.idle_seconds)
        for name, m in mounts.items():
            after = snapshot(m)
            result[name] = dict(after, switches=after["switches"] - before[name]["switches"],
                                cpu_us=(after["cpu_ns"] - before[name]["cpu_ns"]) / 1e3)
            r = result[name]
            rows.append((name, [f"{r['switches']}", f"{r['cpu_us']:.0f}", f"{r['rss_kib']}",
                                f"{r['private_kib']}", f"{r['threads']}"]))
    report.show_table(f"idle for {args.idle_seconds:g} s, after 100 requests",
                      ["context switches", "CPU us", "RSS KiB", "private KiB", "threads"], rows)
    return result
