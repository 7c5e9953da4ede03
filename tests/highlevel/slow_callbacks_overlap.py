# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: ... SLOWFS [SECONDS]

Callbacks that take 10 ms run side by side: twice the clients get twice as much
done, up to max_threads and no further. Prints what 1 to 8 clients get, a sample
SECONDS long (0.5).
"""
import os
import sys
import threading
import time

import mounted

CLIENTS = (1, 2, 4, 8)
LIMIT = 2
CALLBACK_S = 0.01


def stats_per_second(directory, clients, seconds):
    counts = [0] * clients
    end = time.monotonic() + seconds

    def client(n):
        path = os.path.join(directory, str(n))
        while time.monotonic() < end:
            os.stat(path)
            counts[n] += 1

    threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return sum(counts) / seconds


def measure(program, options, seconds):
    command = [program, "-o", "attr_timeout=0,entry_timeout=1000" + options]
    with mounted.Mounted(command) as m:
        for n in range(max(CLIENTS)):
            os.stat(os.path.join(m.dir, str(n)))
        rates = [stats_per_second(m.dir, n, seconds) for n in CLIENTS]
        over_rings = "io_uring" in options and "fuse: no io_uring" not in m.log()
    print(f"{options or '(defaults)':<24}" + "".join(f"{r:>8.0f}" for r in rates)
          + ("" if over_rings or "io_uring" not in options else "  (over the device)"))
    return rates


def grows(rates):
    return all(more > 1.5 * fewer for fewer, more in zip(rates, rates[1:]))


def main():
    program = sys.argv[1]
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
    mounted.need_root("mounts")
    mounted.need_device()
    print(f"{'stat/s with clients:':<24}" + "".join(f"{n:>8}" for n in CLIENTS))
    for options in ("", ",clone_fd", ",io_uring"):
        # Once more, in case the machine had something else to do.
        assert grows(measure(program, options, seconds)) or \
            grows(measure(program, options, seconds)), f"{options}: the clients wait for one another"
    rates = measure(program, f",max_threads={LIMIT}", seconds)
    # What is under way at the end of a sample counts too.
    most = LIMIT / CALLBACK_S + max(CLIENTS) / seconds
    assert max(rates) <= most, "more than max_threads callbacks at a time"


main()
