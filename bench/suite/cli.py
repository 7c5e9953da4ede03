# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line of bench/run."""
import argparse
import json
import os
import signal
import sys

from . import contenders as table
from . import costs, growth, machine, passthrough, speed
from .mounts import Arena

PARTS = ["speed", "mount", "idle", "growth", "passthrough"]

SHORT = {"rounds": 5, "seconds": 0.3, "warm_up": 0.1, "threads": "1,2", "pin": "no", "mounts": 5,
         "max_inodes": 10000, "growth_rounds": 1, "idle_seconds": 10.0, "settle": 1.0}
FULL = {"rounds": 9, "seconds": 0.5, "warm_up": 0.2, "threads": "1,2,4,16", "pin": "both",
        "mounts": 20, "max_inodes": 1000000, "growth_rounds": 3, "idle_seconds": 10.0,
        "settle": 1.0}


def arguments():
    p = argparse.ArgumentParser(
        prog="bench/run", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Compares contenders side by side, in turns; as root. METHOD.md says how\n"
                    "to read the result. Without options: a short run of everything, some\n"
                    "minutes long; --full takes hours.")
    p.add_argument("build", help="the build directory")
    p.add_argument("--full", action="store_true", help="every setting, more and longer samples")
    p.add_argument("--parts", default=",".join(PARTS), help="of: " + ",".join(PARTS))
    p.add_argument("--workloads", help="for speed; of: " + ",".join(speed.WORKLOADS))
    p.add_argument("--threads", help="numbers of client threads, such as 1,2,16")
    p.add_argument("--pin", choices=["no", "yes", "both"], help="client thread n on CPU n")
    p.add_argument("--backing", choices=["memory", "file", "both"], default="both",
                   help="where the bytes of data workloads are")
    p.add_argument("--contenders", help="of: " + ", ".join(c.name for c in table.ALL)
                   + "; and, not by default: " + ", ".join(c.name for c in table.EXTRA))
    p.add_argument("--reference", default="libfuse", help="to whom ratios refer")
    p.add_argument("--rounds", type=int)
    p.add_argument("--seconds", type=float, help="a sample's length")
    p.add_argument("--warm-up", type=float)
    p.add_argument("--mounts", type=int, help="how often each is mounted for the mount time")
    p.add_argument("--idle-seconds", type=float)
    p.add_argument("--settle", type=float, help="seconds before idling is measured")
    p.add_argument("--max-inodes", type=int)
    p.add_argument("--growth-rounds", type=int)
    p.add_argument("--json", help="write everything here")
    args = p.parse_args()
    for key, value in (FULL if args.full else SHORT).items():
        if getattr(args, key) is None:
            setattr(args, key, value)
    for part in args.parts.split(","):
        if part not in PARTS:
            p.error(f"no such part: {part}")
    for name in (args.workloads or "fstat").split(","):
        if name not in speed.WORKLOADS:
            p.error(f"no such workload: {name}")
    if args.contenders:
        args.contenders = [table.find(name) or p.error(f"no such contender: {name}")
                           for name in args.contenders.split(",")]
    return args


def settings(args):
    """The combinations that are measured."""
    out = []
    for workload in args.workloads.split(",") if args.workloads else speed.WORKLOADS:
        for threads in map(int, args.threads.split(",")):
            for pinned in {"no": [False], "yes": [True], "both": [False, True]}[args.pin]:
                for backed in {"memory": [False], "file": [True], "both": [False, True]}[
                        args.backing]:
                    if backed and workload not in speed.DATA:
                        continue
                    out.append({"workload": workload, "threads": threads, "pinned": pinned,
                                "backed": backed})
    if not args.full and not args.workloads:
        out = [s for s in out if worth_a_short_run(s)]
    return out


def worth_a_short_run(s):
    if s["threads"] > 1:
        return s["workload"] in ("fstat", "create", "read4k") and not s["backed"]
    return not s["backed"] or s["workload"] in ("read1m", "write1m")


def choose(args, have_ring):
    chosen, missing = table.available(args.contenders or table.ALL, args.build, have_ring)
    for line in missing:
        print(f"left out: {line}", file=sys.stderr)
    return chosen


def own_namespace():
    """Nothing that is mounted here outlives the run, however it ends."""
    if os.environ.get("PROFUSE_BENCH_NAMESPACE") == str(os.getpid()):
        return
    os.environ["PROFUSE_BENCH_NAMESPACE"] = str(os.getpid())
    os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable] + sys.argv)


def main(source):
    args = arguments()
    if os.geteuid() != 0:
        sys.exit("bench/run mounts filesystems: run it as root")
    own_namespace()
    # Each contender finds the library that it was linked with.
    os.environ.pop("LD_LIBRARY_PATH", None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parts = args.parts.split(",")
    record = {"machine": machine.description(source), "reference": args.reference,
              "seconds": args.seconds, "rounds": args.rounds}
    print(", ".join(f"{k} {v}" for k, v in record["machine"].items()))
    with machine.Ring() as have_ring, Arena(args.build) as arena:
        chosen = choose(args, have_ring)
        if "speed" in parts:
            record["speed"] = speed.run(arena, chosen, settings(args), args)
        if "mount" in parts:
            record["mount_ms"] = costs.mount_times(arena, chosen, args)
        if "idle" in parts:
            record["idle"] = costs.idle(arena, chosen, args)
        if "growth" in parts:
            record["growth"] = growth.run(arena, chosen, args)
        if "passthrough" in parts:
            record["passthrough"] = passthrough.run(args.build, args)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(record, f, indent=1)
