# SPDX-License-Identifier: GPL-2.0-or-later
"""Operations per second and CPU per operation, workload by workload."""
import os
import random
import subprocess
import sys

from . import machine, report
from .mounts import MountFailed

WORKLOADS = ["fstat", "stat", "open", "create", "readdir", "readdir+stat", "read4k", "write4k",
             "read1m", "write1m"]
DATA = ["read4k", "write4k", "read1m", "write1m"]


def parse(text):
    return {k: float(v) for k, v in (word.split("=") for word in text.split())}


def sample(arena, contender, setting, args):
    """One contender, mounted afresh, for one moment."""
    with arena.mount(contender, setting["backed"]) as m:
        client = [os.path.join(arena.build, "bench", "client"), "-w", str(args.warm_up),
                  "-s", str(m.pid)] + (["-p"] if setting["pinned"] else [])
        load = machine.calibrate()
        out = parse(subprocess.run(
            client + [m.dir, setting["workload"], str(setting["threads"]), str(args.seconds)],
            check=True, stdout=subprocess.PIPE, text=True).stdout)
        load = max(load, machine.calibrate())
    n = max(out["operations"], 1)
    return {
        "rate": out["operations"] / out["seconds"],
        "server_us": out["server_us"] / n,
        "client_us": out["client_us"] / n,
        "others": out["others"],
        "calibration_us": load,
    }


def measure(arena, contenders, setting, args):
    """Everybody once a round, in an order that changes."""
    samples = {c.name: [] for c in contenders}
    for _ in range(args.rounds):
        for c in random.sample(contenders, len(contenders)):
            try:
                samples[c.name].append(sample(arena, c, setting, args))
            except (MountFailed, subprocess.CalledProcessError) as e:
                print(f"  {c.name}: {e}", file=sys.stderr)
    return {name: s for name, s in samples.items() if s}


def run(arena, contenders, settings, args):
    results = []
    for setting in settings:
        taking_part = [c for c in contenders if setting["backed"] or not c.needs_backing]
        samples = measure(arena, taking_part, setting, args)
        rows = {name: report.summary(s) for name, s in samples.items()}
        report.show_speed(setting, rows, args.reference)
        results.append({"setting": setting, "rows": rows, "samples": samples})
    report.show_ratios(results, args.reference)
    return results
