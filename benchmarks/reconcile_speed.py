"""All first rules on a large account, beside plain pandas for the three heaviest of them, in turns and one process.

    python benchmarks/reconcile_speed.py                 the small sandbox 400 times over, every copy with ids of its own
    python benchmarks/reconcile_speed.py --times 2000    a million timers and lines and more

The oracle answers, with the same tables in memory and no regard to what is left out or not evaluated: lines of a ticket that
repeat each other on one day, hours on lines against the timers that name them, and money by ticket and product on invoices
against that of converted ticket lines. Median of three; exit status 1 if all rules take more than twice as long.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

import pandas as pd
from reconcile_score import HOUSE, World

from syncro_nb.books import Books
from syncro_nb.reconcile.registry import STARRED, every_rule
from syncro_nb.reconcile.report import reconcile

GOAL = 2.0
SHARED = ("product_id", "tax_rate_id", "sla_id", "snapshot_id")
STEP = 10**10  # between the ids of two copies


def many(books: Books, times: int) -> Books:
    """Books with every table so many times, each copy with ids of its own; products are shared."""
    tables = {}
    for name, table in books.tables.items():
        if name == "products":
            tables[name] = table
            continue
        mine = [one for one in table if one.endswith("_id") and one not in SHARED]
        copies = [
            table.assign(**{one: table[one] + copy * STEP for one in mine if str(table[one].dtype).lower() == "int64"})
            for copy in range(times)
        ]
        tables[name] = pd.concat(copies, ignore_index=True)
    return replace(books, tables=tables)


def oracle(books: Books) -> list[int]:
    """Plain pandas for double-charge, quantity-vs-timer and invoice-vs-ticket; how many rows each finds."""
    lines, timers = books.table("charges"), books.table("timers")
    invoices, billed = books.table("invoices"), books.table("invoice_lines")
    day = lines["created_at"].dt.tz_convert(books.zone).dt.date
    same = ["ticket_id", "product_id", "quantity_millionths", "price_cents", "name", "description"]
    twice = lines.assign(day=day).duplicated([*same, "day"])
    worked = timers.dropna(subset="line_id").groupby("line_id")["billable_seconds"].sum()
    held = lines.merge(worked.rename("worked"), left_on="line_id", right_index=True)
    other = (held["worked"] - held["quantity_millionths"] * 36 / 10_000).abs() > 36
    owner = billed.merge(invoices[["invoice_id", "ticket_id"]].dropna(), on="invoice_id")
    theirs = owner.groupby(["ticket_id", "product_id"])["amount_cents"].sum()
    mine = lines[lines["converted"]].groupby(["ticket_id", "product_id"])["amount_cents"].sum()
    both = pd.concat([mine.rename("mine"), theirs.rename("theirs")], axis=1).fillna(0)
    return [int(twice.sum()), int(other.sum()), int((both["mine"] != both["theirs"]).sum())]


def timed(function: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = perf_counter()
    function()
    return perf_counter() - began


def peak_mb() -> int:
    """The most memory that this process has had. Linux tells kilobytes, macOS bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform != "darwin" else 1024**2)


def main() -> int:
    """Fill, measure in turns, print."""
    options = argparse.ArgumentParser(description="Measure the rules beside plain pandas.")
    options.add_argument("--times", type=int, default=400, help="how many copies of the small sandbox")
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    books = many(World("small", 1).books(), given.times)
    rows = {name: len(books.table(name)) for name in ("tickets", "timers", "charges", "invoice_lines", "comments")}
    print(", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in rows.items()), flush=True)
    before = peak_mb()
    every = list(every_rule())
    ours, theirs, more = [], [], []
    for _ in range(given.rounds):
        theirs.append(timed(lambda: oracle(books)))
        after_oracle = peak_mb()
        ours.append(timed(lambda: reconcile(books, HOUSE, rules=STARRED)))
    peak = peak_mb()
    more.append(timed(lambda: reconcile(books, HOUSE, rules=every)))
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(
        f"all {len(STARRED)} first rules   {statistics.median(ours):6.2f} s   peak {peak:,} MB (tables alone {before:,} MB)"
    )
    print(f"oracle, three rules  {statistics.median(theirs):6.2f} s   peak {after_oracle:,} MB or less")
    print(f"ratio {ratio:.2f} (goal <= {GOAL:g})")
    print(f"all {len(every)} rules       {more[0]:6.2f} s   peak {peak_mb():,} MB")
    return int(ratio > GOAL)


if __name__ == "__main__":
    sys.exit(main())
