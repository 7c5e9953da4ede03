#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""usage: benchmarks_run_and_compare.py SOURCE BUILD

Runs every part of the benchmarks for a moment and checks that they compare what they
claim to compare: each contender got figures that can be true, the record is
complete, plots come of it, and nothing is left mounted. How fast anything is, is not
looked at.
"""
import json
import os
import subprocess
import sys
import tempfile
import xml.dom.minidom

SOURCE, BUILD = sys.argv[1:3]
QUICK = ["--workloads", "fstat,create,read1m", "--threads", "2", "--rounds", "1", "--seconds", "0.05",
         "--warm-up", "0.01", "--mounts", "1", "--idle-seconds", "0.1", "--settle", "0.1",
         "--max-inodes", "1000", "--growth-rounds", "1"]
EXPECTED = {"profuse dev", "profuse dev -s", "bare dev", "bare dev -1", "native"}


def check(what, condition):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


def left_behind():
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return "profuse-bench-" in f.read()


def run(record):
    done = subprocess.run([os.path.join(SOURCE, "bench/run"), BUILD, "--json", record] + QUICK,
                          capture_output=True, text=True, timeout=100)
    print(done.stdout + done.stderr)
    check("the runner ends well", done.returncode == 0)
    with open(record, encoding="utf-8") as f:
        return json.load(f)


def check_speed(record):
    check("a table for each workload, data also file-backed", len(record["speed"]) == 4)
    for s in record["speed"]:
        rows = s["rows"]
        check("everybody took part in " + s["setting"]["workload"], EXPECTED <= set(rows))
        check("nobody did nothing", all(r["rate"] > 0 and r["client_us"] > 0 for r in rows.values()))
        check("a server's CPU time is seen",
              all(r["server_us"] > 0 for n, r in rows.items() if n != "native"))
    fstat = record["speed"][0]["rows"]
    check("no FUSE is faster than FUSE", fstat["native"]["rate"] > fstat["profuse dev"]["rate"])


def check_passthrough(record):
    for r in record["passthrough"]:
        check(f"{r['workload']} on {r['on']} is done in all ways",
              len(r["rows"]) == 4 and all(row["us"] > 0 for row in r["rows"].values()))


def check_costs(record):
    check("mounting takes time", all(0 < t[0] < 10000 for t in record["mount_ms"].values()))
    check("memory is seen", all(r["rss_kib"] > 100 for r in record["idle"].values()))
    check("the path API has flat and deep trees", len(record["growth"]) == 2)
    check("inodes cost memory", all(row["bytes_per_inode"] > 0 for g in record["growth"]
                                    for row in g["rows"].values()))


def main():
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.W_OK):
        print("skipped: benchmarks mount, so they need root and /dev/fuse")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as tmp:
        record = run(os.path.join(tmp, "record.json"))
        check_speed(record)
        check_passthrough(record)
        check_costs(record)
        subprocess.run([os.path.join(SOURCE, "bench/plot"), os.path.join(tmp, "record.json"), tmp],
                       check=True)
        for plot in ("speed", "cpu", "growth", "memory"):
            xml.dom.minidom.parse(os.path.join(tmp, plot + ".svg"))
        check("the record makes plots", True)
    check("nothing is left mounted", not left_behind())


main()
