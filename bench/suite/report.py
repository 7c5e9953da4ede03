# SPDX-License-Identifier: GPL-2.0-or-later
"""From samples to tables: medians, spreads, ratios."""
import statistics
import sys


def median(samples, key):
    return statistics.median(s[key] for s in samples)


def quiet(samples):
    """Without those that were taken while somebody else had the machine, as
    long as most remain. See METHOD.md for the two signs of that."""
    slow = 1.3 * min(s["calibration_us"] for s in samples)
    busy = 15 + min(s["others"] for s in samples)
    good = [s for s in samples if s["calibration_us"] < slow and s["others"] < busy]
    return good if 2 * len(good) > len(samples) else samples


def summary(samples):
    """One contender's medians in one setting."""
    kept = quiet(samples)
    rates = [s["rate"] for s in kept]
    rate = statistics.median(rates)
    return {
        "rate": rate,
        "spread": (max(rates) - min(rates)) / rate if rate else 0,
        "server_us": median(kept, "server_us"),
        "client_us": median(kept, "client_us"),
        "samples": len(kept),
        "dropped": len(samples) - len(kept),
    }


def title(setting):
    n = setting["threads"]
    words = [setting["workload"], f"{n} client thread{'s' if n > 1 else ''}"]
    if setting["pinned"]:
        words.append("pinned")
    if setting["backed"]:
        words.append("file-backed")
    return ", ".join(words)


def show_speed(setting, rows, reference):
    print(f"\n{title(setting)}")
    print(f"  {'':<16} {'per second':>11} {'spread':>7} {'server us':>10} {'client us':>10} "
          f"{'x ' + reference:>10} {'dropped':>8}")
    base = rows[reference]["rate"] if reference in rows else 0
    for name, row in rows.items():
        ratio = f"{row['rate'] / base:.2f}" if base else ""
        print(f"  {name:<16} {row['rate']:>11.0f} {row['spread']:>6.0%} {row['server_us']:>10.2f} "
              f"{row['client_us']:>10.2f} {ratio:>10} {row['dropped'] or '':>8}")
    sys.stdout.flush()


def show_table(heading, columns, rows):
    """rows: [(name, [text, ...]), ...]"""
    print(f"\n{heading}")
    width = [max([len(c)] + [len(r[1][i]) for r in rows]) + 2 for i, c in enumerate(columns)]
    print("  " + " " * 16 + "".join(f"{c:>{w}}" for c, w in zip(columns, width)))
    for name, cells in rows:
        print(f"  {name:<16}" + "".join(f"{c:>{w}}" for c, w in zip(cells, width)))
    sys.stdout.flush()


def show_ratios(speed, reference):
    """One line a setting: everybody's ratio to the reference at a glance."""
    names = []
    for s in speed:
        names += [n for n in s["rows"] if n not in names and n != reference]
    rows = []
    for s in speed:
        base = s["rows"].get(reference, {}).get("rate")
        if not base:
            continue
        cells = [f"{s['rows'][n]['rate'] / base:.2f}" if n in s["rows"] else "-" for n in names]
        rows.append((title(s["setting"]), cells))
    if not rows:
        return
    wide = max(len(r[0]) for r in rows) + 2
    print(f"\noperations per second, in multiples of {reference}'s")
    print(" " * wide + "".join(f"{n:>{max(len(n), 6) + 2}}" for n in names))
    for name, cells in rows:
        print(f"{name:<{wide}}" + "".join(f"{c:>{max(len(n), 6) + 2}}"
                                          for c, n in zip(cells, names)))
