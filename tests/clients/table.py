# SPDX-License-Identifier: LGPL-2.1-or-later
"""Results, and the table that is printed of them."""
import dataclasses
import json

PASS, FAIL, SKIP = "PASS", "FAIL", "SKIP"
COLUMN_TITLES = {"stock": "stock", "helper": "helper", "dev": "dev", "ring": "ring"}


@dataclasses.dataclass
class Result:
    program: str
    identity: str  # root or user
    column: str    # stock, helper, dev, ring
    verdict: str
    reason: str = ""
    checked: list = dataclasses.field(default_factory=list)
    traits: dict = dataclasses.field(default_factory=dict)
    note: str = ""
    seconds: float = 0
    log: str = ""

    def as_json(self):
        return json.dumps(dataclasses.asdict(self))


class Table:
    def __init__(self, identities, columns):
        self.cells = {}
        self.columns = [(i, c) for i in identities for c in columns]
        self.differences = []

    def add(self, result):
        self.cells[result.program, result.identity, result.column] = result

    def get(self, program, identity, column):
        return self.cells.get((program, identity, column))

    def compare(self, why_differs):
        """What a program shows on ours must be what it shows on stock, unless
        there is a reason to show something else."""
        for (program, identity, column), r in sorted(self.cells.items()):
            stock = self.get(program, identity, "stock")
            if column in ("stock", "helper") or not stock or r.verdict != PASS or \
                    stock.verdict != PASS:
                continue
            wrong = []
            for trait in sorted(set(r.traits) | set(stock.traits)):
                ours, theirs = r.traits.get(trait), stock.traits.get(trait)
                if ours == theirs:
                    continue
                why = why_differs(trait, ours)
                self.differences.append((program, identity, column, trait, ours, why))
                if not why:
                    wrong.append(f"{trait}: stock {theirs}, ours {ours}")
            if wrong:
                r.verdict, r.reason = FAIL, "behaves otherwise: " + "; ".join(wrong)

    def regressions(self):
        """What fails on ours and does not fail on stock."""
        found = []
        for (program, identity, column), r in self.cells.items():
            stock = self.get(program, identity, "stock")
            if column != "stock" and r.verdict == FAIL and \
                    (stock is None or stock.verdict == PASS):
                found.append(r)
        return found

    def failed_controls(self):
        return [r for r in self.cells.values() if r.column == "stock" and r.verdict == FAIL]

    def print(self, programs):
        width = max([len(p) for p in programs] + [7])
        cell = 8
        identities = dict.fromkeys(i for i, _ in self.columns)
        print()
        print(" " * width, *("| " + f"as {i}".ljust(sum(cell for j, _ in self.columns if j == i))
                             for i in identities))
        print("program".ljust(width), *(
            ("| " if n == 0 or self.columns[n - 1][0] != i else "") +
            COLUMN_TITLES[c].ljust(cell - 1) for n, (i, c) in enumerate(self.columns)),
            "| checked")
        for program in programs:
            row, checked = [], []
            for n, (i, c) in enumerate(self.columns):
                r = self.get(program, i, c)
                text = "-" if r is None else r.verdict + ("*" if r.note else "")
                row.append(("| " if n == 0 or self.columns[n - 1][0] != i else "") +
                           text.ljust(cell - 1))
                if r and len(r.checked) > len(checked):
                    checked = r.checked
            print(program.ljust(width), *row, "| " + ", ".join(checked))

    def print_reasons(self):
        """Each reason once, with the columns that it holds for."""
        reasons = {}
        for (program, identity, column), r in self.cells.items():
            for verdict, text in ((r.verdict, r.reason), ("*", r.note)):
                if text:
                    reasons.setdefault((program, verdict, text), []).append(
                        f"{identity} {column}")
        if reasons:
            print()
        for (program, verdict, text), where in reasons.items():
            print(f"{verdict:4} {program} ({', '.join(where)}): {text}")
        seen = {}
        for program, _, _, trait, ours, why in self.differences:
            if why:
                seen.setdefault((trait, ours, why), {})[program] = None
        for (trait, ours, why), where in seen.items():
            print(f"note {trait} is {ours} on ours alone: {why} ({', '.join(where)})")
