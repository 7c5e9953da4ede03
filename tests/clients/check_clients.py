#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs programs of the distribution, which nobody built for this library, on
the library that they were built with and on ours, and compares.

Columns: "stock" is the distribution's library and helper, the control;
"helper" its library with our helper; "dev" and "ring" are our library and helper
over /dev/fuse and over io_uring. Each run has namespaces of its own.

Exit status: 0 when nothing that passes on stock fails on ours, 1 otherwise, 77
when nothing could be run.
"""
import argparse
import fnmatch
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import differs  # noqa: E402
import programs  # noqa: E402
from case import Case, Failed, Skipped  # noqa: E402
from table import FAIL, PASS, SKIP, Result, Table  # noqa: E402
from world import UID, World, stock_library  # noqa: E402

LIMIT_S = 120
RING_SWITCH = "/sys/module/fuse/parameters/enable_uring"


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    p.add_argument("--library", help="our libfuse3.so.3")
    p.add_argument("--helper", help="our fusermount3")
    p.add_argument("--mount-fuse", help="our mount.fuse3")
    p.add_argument("--columns", default="stock,dev,ring")
    p.add_argument("--as", dest="identities", default="root,user")
    p.add_argument("--list", action="store_true", help="list the programs and end")
    p.add_argument("--packages", action="store_true", help="print the packages they are in")
    p.add_argument("--verbose", action="store_true", help="print what failing programs said")
    p.add_argument("--json", help="write the results to this file")
    p.add_argument("--inside", help=argparse.SUPPRESS)
    p.add_argument("program", nargs="*", help="names or patterns; all without")
    return p.parse_args()


def chosen(patterns):
    names = [r.name for r in programs.ALL]
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            sys.exit(f"check_clients: no program {pattern}; --list shows them")
    return [r for r in programs.ALL
            if not patterns or any(fnmatch.fnmatch(r.name, p) for p in patterns)]


def inside(args):
    """In the namespaces: runs one case and prints the result as JSON."""
    job = json.loads(args.inside)
    recipe = next(r for r in programs.ALL if r.name == job["program"])
    world = World(job["root"], 0 if job["identity"] == "root" else UID)
    if job["column"] in ("dev", "ring"):
        world.install(args.library, args.helper, args.mount_fuse)
    elif job["column"] == "helper":
        world.install(None, args.helper, None)
    case = Case(world, job["column"], job["log"])
    result = Result(recipe.name, job["identity"], job["column"], PASS)
    try:
        recipe.run(case)
    except Skipped as e:
        result.verdict, result.reason = SKIP, str(e)
    except (Failed, OSError, subprocess.SubprocessError, AssertionError) as e:
        result.verdict, result.reason = FAIL, str(e) or repr(e)
    result.checked, result.traits, result.note = case.checked, case.traits, case.note
    with open(job["result"], "w", encoding="utf-8") as f:
        f.write(result.as_json())


def not_runnable(recipe, identity, column, args):
    """The reason why this case cannot be, or None."""
    missing = [p for p in recipe.needs if not os.path.exists(p)]
    if missing:
        return "not installed: " + " ".join(missing)
    if identity == "user" and recipe.root_only:
        return "as a user: " + recipe.root_only
    if column in ("dev", "ring", "helper") and not args.helper:
        return "no helper given"
    if column in ("dev", "ring") and not args.library:
        return "no library given"
    if column == "ring" and not recipe.library:
        return "has a protocol of its own"
    if column == "ring":
        try:
            with open(RING_SWITCH, encoding="utf-8") as f:
                if f.read().strip() == "Y":
                    return None
        except OSError:
            pass
        return "the kernel's fuse.enable_uring is off"
    return None


def run_case(args, recipe, identity, column, scratch):
    reason = not_runnable(recipe, identity, column, args)
    if reason:
        return Result(recipe.name, identity, column, SKIP, reason)
    log = os.path.join(scratch, f"{recipe.name}.{identity}.{column}.log")
    root = tempfile.mkdtemp(dir=scratch)
    os.chmod(root, 0o755)
    answer = root + ".json"
    job = {"program": recipe.name, "identity": identity, "column": column, "root": root,
           "log": log, "result": answer}
    command = ["unshare", "-m", "-n", "-p", "-f", "--mount-proc", "--kill-child",
               "--propagation", "private", sys.executable, os.path.abspath(__file__),
               "--inside", json.dumps(job)]
    for option in ("library", "helper", "mount_fuse"):
        if getattr(args, option):
            command += ["--" + option.replace("_", "-"), os.path.abspath(getattr(args, option))]
    start = time.monotonic()
    with open(log, "ab") as f:
        p = subprocess.Popen(  # pylint: disable=consider-using-with
            command, stdin=subprocess.DEVNULL, stdout=f, stderr=f, start_new_session=True)
    try:
        p.wait(LIMIT_S)
        why = f"the run ended with status {p.returncode}"
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        p.wait()
        why = f"not done after {LIMIT_S} s"
    try:
        with open(answer, encoding="utf-8") as f:
            result = Result(**json.load(f))
        os.unlink(answer)
    except (OSError, ValueError):
        result = Result(recipe.name, identity, column, FAIL, why)
    os.rmdir(root)
    result.seconds = time.monotonic() - start
    with open(log, encoding="utf-8", errors="replace") as f:
        result.log = f.read()
    return result


def run_all(args, recipes, identities, columns):
    table = Table(identities, columns)
    with tempfile.TemporaryDirectory(prefix="profuse-clients-", dir="/tmp") as scratch:
        os.chmod(scratch, 0o755)
        for recipe in recipes:
            for identity in identities:
                for column in columns:
                    result = run_case(args, recipe, identity, column, scratch)
                    table.add(result)
                    print(f"{result.verdict:4} {recipe.name} {identity} {column} "
                          f"{result.seconds:.1f} s {result.reason}", flush=True)
    return table


def report(args, table, recipes):
    table.compare(differs.why)
    table.print([r.name for r in recipes])
    table.print_reasons()
    bad, controls = table.regressions(), table.failed_controls()
    if args.verbose:
        for r in [c for c in table.cells.values() if c.verdict == FAIL]:
            print(f"\n--- {r.program} as {r.identity}, {r.column}:\n{r.log[-3000:]}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            f.write("[" + ",\n".join(r.as_json() for r in table.cells.values()) + "]\n")
    count = {v: sum(r.verdict == v for r in table.cells.values()) for v in (PASS, SKIP)}
    print()
    if controls:
        print(f"{len(controls)} runs fail with the stock library here, and prove nothing")
    print(f"{count[PASS]} passed, {len(bad)} failed, {count[SKIP]} skipped")
    if bad:
        return 1
    return 0 if any(r.verdict == PASS and r.column != "stock" for r in table.cells.values()) else 77


def main():
    args = arguments()
    if args.inside:
        inside(args)
        return 0
    recipes = chosen(args.program)
    if args.list:
        for r in recipes:
            print(f"{r.name:20} {' '.join(r.packages)}")
        return 0
    if args.packages:
        print("\n".join(sorted({p for r in recipes for p in r.packages})))
        return 0
    if os.geteuid() != 0:
        print("SKIP: needs root, for namespaces with a setuid copy of the helper")
        return 77
    if not os.path.exists("/dev/fuse") or not stock_library():
        print("SKIP: no /dev/fuse, or no libfuse3.so.3 of the distribution to replace")
        return 77
    if os.stat("/dev/fuse").st_mode & 0o666 != 0o666:
        print("chmod 0666 /dev/fuse, as distributions have it")
        os.chmod("/dev/fuse", 0o666)
    table = run_all(args, recipes, args.identities.split(","), args.columns.split(","))
    return report(args, table, recipes)


if __name__ == "__main__":
    sys.exit(main())
