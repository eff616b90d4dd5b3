"""All first rules on a large account, beside a straight pandas oracle of the three heaviest of them.

    python benchmarks/reconcile_speed.py [--mirror FOLDER] [--rounds N]

The mirror of the large sandbox (over a million ticket and invoice lines) is filled as benchmarks/frames.py does it; `--mirror`
takes one that is there already (`frames.py large --keep HOME` leaves it below HOME/mirror). On a small account the rules take
half a second whatever it has.

The three hold whole tables against each other: double-charge, quantity-vs-timer and invoice-vs-ticket; what each of our rules
takes by itself, with the inputs that it needs, is printed. The oracle is what an analyst writes who knows pandas and this
account, for these three as the rules define them. It says nothing about what was not evaluated, and describes nothing. Both
come to the same ids and cents, which is checked.

Each turn is a fresh process with its own peak memory, libraries loaded. `from the mirror` reads the tables from the disk, ours
with the columns of every rule, the oracle's with those that it needs; `in memory` does the same once more with the tables there.
Each figure is the least of some rounds, in turns: seconds of the processor (all threads), which other programs do not lengthen
much, and by the clock, which they do. Exit status 1 if all first rules take more than twice the processor time of the oracle of
three, either way.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import frames
from frames import KINDS, only, opened, peak_mb

GOAL = 2.0
THREE = ("double-charge", "quantity-vs-timer", "invoice-vs-ticket")
ZONE = "America/Los_Angeles"


# ---------------------------------------------------------------- what is measured


def clocked(function: Callable[[], Any]) -> tuple[Any, tuple[float, float]]:
    """What a function gives; and the seconds that it took, of the processor (all threads) and by the clock."""
    busy, began = process_time(), perf_counter()
    result = function()
    return result, (process_time() - busy, perf_counter() - began)


def ours(folder: Path) -> dict[str, Any]:
    """All first rules; then the same with the tables in memory."""
    from syncro_nb.reconcile.registry import STARRED
    from syncro_nb.reconcile.report import reconcile

    with opened(folder) as (open_books, house):
        books = open_books()
        report, first = clocked(lambda: reconcile(books, house, rules=STARRED))
        peak = peak_mb()
        _, again = clocked(lambda: reconcile(books, house, rules=STARRED))
        keys = {"tickets": "ticket_id", "timers": "timer_id", "charges": "line_id", "invoice_lines": "line_id"}
        rows = {name: len(books.table(name, [key])) for name, key in keys.items()}
        # Each by itself: what it finds before a dollar that two rules claim is left to the first of them.
        alone = {rule: reconcile(books, house, rules=[rule]).findings for rule in THREE}
    found = {}
    for rule, findings in alone.items():
        about = ("ticket_id", "product_id") if rule == "invoice-vs-ticket" else ("line_id",)
        found[rule] = sorted(
            [*(one.evidence[name] for name in about), one.direction, one.amount_cents] for one in findings
        )
    return {
        "first": first,
        "again": again,
        "peak": peak,
        "found": found,
        "findings": len(report.findings),
        "rows": rows,
    }


def every(folder: Path) -> dict[str, Any]:
    """All rules, those included that came later, and each first rule by itself with what it needs, tables in memory."""
    from syncro_nb.reconcile.registry import STARRED
    from syncro_nb.reconcile.report import reconcile

    with opened(folder) as (open_books, house):
        books = open_books()
        reconcile(books, house)
        peak = peak_mb()
        seconds = {}
        for name, rules in {"all": None, **{one: [one] for one in sorted(STARRED)}}.items():
            _, (seconds[name], _) = clocked(partial(reconcile, books, house, rules=rules))
    return {"seconds": seconds, "peak": peak}


def oracle(folder: Path) -> dict[str, Any]:
    """The three rules in plain pandas; then the same with the tables in memory."""
    import pandas as pd  # noqa: F401 - both begin with their libraries loaded
    import pyarrow.parquet  # noqa: F401

    tables, reading = clocked(lambda: read(folder))
    found, answering = clocked(lambda: three(tables))
    peak = peak_mb()
    _, again = clocked(lambda: three(tables))
    first = [sum(pair) for pair in zip(reading, answering, strict=True)]
    return {"first": first, "again": again, "peak": peak, "found": found}


# ---------------------------------------------------------------- the oracle


def read(folder: Path) -> dict[str, Any]:
    """The tables, only the columns that the three rules need."""
    import pandas as pd

    amounts = ["line_id", "product_id", "quantity_millionths", "price_cents", "amount_cents"]
    columns = {
        "tickets": ["ticket_id", "customer_id"],
        "timers": [
            *("timer_id", "ticket_id", "user_id", "line_id", "started_at", "ended_at", "recorded", "billable"),
            *("active_seconds", "billable_seconds", "override_seconds"),
        ],
        "charges": [*amounts, "ticket_id", "name", "description", "converted", "user_id", "created_at"],
        "invoices": ["invoice_id", "ticket_id", "customer_id"],
        "invoice_lines": [*amounts, "invoice_id"],
        "products": ["product_id", "category"],
        "customer_details": ["id", "prepaid_millionths"],
    }
    return {name: pd.read_parquet(only(folder, name), columns=wanted) for name, wanted in columns.items()}


def three(tables: dict[str, Any]) -> dict[str, list[Any]]:
    """What is found: ids, direction and cents."""
    products, timers, lines = tables["products"].set_index("product_id"), tables["timers"], tables["charges"]
    path = products["category"].astype("str")
    labour = products.index[path.str.contains("Labor") | products.index.isin(KINDS)]
    hourless = products.index[path.str.contains("Prepay Hours|Travel")].union([26117])
    timed = labour.difference(hourless)
    timers = timers.assign(seconds=billable_seconds(timers))
    invoices = tables["invoices"][["invoice_id", "ticket_id", "customer_id"]]
    billed = tables["invoice_lines"].merge(invoices, on="invoice_id")
    sold = billed.loc[billed["product_id"].isin(products.index[path.str.contains("Prepay Hours")]), "customer_id"]
    details = tables["customer_details"]
    blocks = set(details.loc[details["prepaid_millionths"].fillna(0) != 0, "id"]) | set(sold)
    return {
        "double-charge": double_charge(lines, timers, timed),
        "quantity-vs-timer": quantity_vs_timer(lines, timers, billed, timed),
        "invoice-vs-ticket": invoice_vs_ticket(lines, billed, tables["tickets"], labour, blocks),
    }


def billable_seconds(timers: Any) -> Any:
    """The override, else Syncro's (not under a minute for more than that), else the actual time: no rounding is agreed."""
    actual = timers["active_seconds"].fillna((timers["ended_at"] - timers["started_at"]).dt.total_seconds())
    theirs = timers["billable_seconds"].mask((timers["billable_seconds"] < 60) & (actual > 60))
    return timers["override_seconds"].fillna(theirs).fillna(actual).fillna(0).clip(lower=0)


def double_charge(lines: Any, timers: Any, timed: Any) -> list[Any]:
    """The same line twice on a day, two lines for one timer, or a line by hand beside an uncharged timer."""
    import pandas as pd

    lines = lines.assign(named=lines["line_id"].isin(timers["line_id"]), timed=lines["product_id"].isin(timed))
    lines = lines[lines["amount_cents"] != 0]
    same = ["ticket_id", "product_id", "quantity_millionths", "price_cents", "name", "description"]
    alike = lines[lines.duplicated(same, keep=False)].sort_values("line_id")
    alike["day"] = alike["created_at"].dt.tz_convert(ZONE).dt.normalize()
    on_day = alike.groupby([*same, "day"])
    twice = alike[on_day.cumcount() >= on_day["named"].transform("sum").clip(lower=1)]

    source = alike[alike["named"]].merge(timers[["line_id", "seconds"]], on="line_id")
    source = source[(source["quantity_millionths"] * 36 / 10_000 - source["seconds"]).abs() <= 36]
    judged = pd.concat([twice["line_id"], on_day["line_id"].transform("first")[twice.index]])
    by_hand = alike[alike["timed"] & ~alike["named"] & ~alike["line_id"].isin(judged)]
    again = by_hand[by_hand["description"] != ""].merge(source[same].drop_duplicates(), on=same)

    open_ones = timers["ended_at"].notna() & timers["billable"] & ~timers["recorded"] & timers["line_id"].isna()
    waiting = timers[open_ones & (timers["seconds"] > 0)]
    beside = lines[lines["timed"] & ~lines["named"] & lines["ticket_id"].isin(waiting["ticket_id"])]
    beside = beside.assign(day=beside["created_at"].dt.tz_convert(ZONE).dt.normalize())
    waiting = waiting.assign(day=waiting["started_at"].dt.tz_convert(ZONE).dt.normalize())
    pairs = beside.merge(
        waiting[["timer_id", "ticket_id", "user_id", "day", "seconds"]], on=["ticket_id", "user_id", "day"]
    )
    pairs["apart"] = (pairs["quantity_millionths"] * 36 / 10_000 - pairs["seconds"]).abs()
    pairs = pairs[pairs["apart"] <= pairs["seconds"] / 10].sort_values(["apart", "line_id", "timer_id"])
    pairs = pairs.drop_duplicates("line_id").drop_duplicates("timer_id")
    found = pd.concat([twice, again, pairs])[["line_id", "amount_cents"]].drop_duplicates("line_id")
    return listed(found["line_id"], cents=-found["amount_cents"])


def quantity_vs_timer(lines: Any, timers: Any, billed: Any, timed: Any) -> list[Any]:
    """Labour lines with other hours than their timers, judged as the invoice line that they became."""
    ended = timers[timers["ended_at"].notna()]
    worked = ended.groupby("line_id")["seconds"].sum()
    mine = lines[lines["product_id"].isin(timed)]
    theirs = billed[billed["product_id"].isin(timed) & billed["ticket_id"].notna()]
    mine = mine.assign(seconds=mine["line_id"].map(worked))
    invoiced, waits = mine[mine["converted"]], mine[~mine["converted"] & mine["seconds"].notna()]
    facts = ["quantity_millionths", "price_cents"]
    # Which invoice line a ticket line became: the same one first, then one of the product with another quantity or price.
    key = ["ticket_id", "product_id", *facts]
    invoiced = invoiced.assign(turn=invoiced.groupby(key).cumcount())
    theirs = theirs.assign(turn=theirs.groupby(key).cumcount())
    both = invoiced[[*key, "turn", "line_id", "seconds"]].merge(
        theirs[[*key, "turn", "line_id"]].rename(columns={"line_id": "other"}), on=[*key, "turn"], how="left"
    )
    sure, rest = both[both["other"].notna()], both[both["other"].isna()].drop(columns=["turn", "other"])
    left = theirs[~theirs["line_id"].isin(sure["other"])]
    for used in (["quantity_millionths"], []):
        key = ["ticket_id", "product_id", *used]
        rest = rest.assign(turn=rest.groupby(key).cumcount())
        left = left.assign(turn=left.groupby(key).cumcount())
        made = left[["ticket_id", "product_id", *facts, "turn", "line_id"]].rename(columns={"line_id": "other"})
        found = rest.merge(made, on=[*key, "turn"], how="left", suffixes=("", "_billed"))
        hit = found["other"].notna()
        for one in set(facts) - set(used):
            cash = (
                found[f"{one}_billed"].where(found[f"{one}_billed"] != 0)
                if one == "price_cents"
                else found[f"{one}_billed"]
            )
            found[one] = cash.fillna(found[one])
        sure = _joined(sure, found[hit])
        rest, left = found[~hit][[*rest.columns]], left[~left["line_id"].isin(found["other"])]
    every = _joined(_joined(sure, rest), waits)
    every = every[every["seconds"].notna()]
    off = every["seconds"] - every["quantity_millionths"] * 36 / 10_000
    wrong = every[off.abs() > 36]
    cents = (off[off.abs() > 36] * wrong["price_cents"] / 3600).round()
    return listed(wrong["line_id"], cents=cents)


def _joined(one: Any, other: Any) -> Any:
    import pandas as pd

    columns = ["line_id", "seconds", "quantity_millionths", "price_cents"]
    return pd.concat([one[columns], other[columns]])


def invoice_vs_ticket(lines: Any, billed: Any, tickets: Any, labour: Any, blocks: set[Any]) -> list[Any]:
    """By ticket and product: money of the ticket's converted lines and of the invoices that name it; no block draws."""
    import pandas as pd

    theirs = billed[billed["ticket_id"].notna()]
    mine = lines[lines["converted"] & lines["ticket_id"].isin(theirs["ticket_id"])]
    drawn = tickets.loc[tickets["customer_id"].isin(blocks), "ticket_id"]
    sums = [
        one[~(one["product_id"].isin(labour) & one["ticket_id"].isin(drawn))]
        .groupby(["ticket_id", "product_id"], dropna=False)["amount_cents"]
        .sum()
        for one in (mine, theirs)
    ]
    both = pd.concat(sums, axis=1, keys=["mine", "theirs"]).fillna(0)
    off = both["mine"] - both["theirs"]
    off = off[off != 0]
    return listed(off.index.get_level_values(0), off.index.get_level_values(1), cents=off)


def listed(*names: Any, cents: Any) -> list[Any]:
    """Ids, direction (leak where cents are positive) and cents as sorted rows that can be compared."""
    rows = zip(*names, cents, strict=True)
    return sorted([*map(int, ids), "leak" if amount > 0 else "over", abs(int(amount))] for *ids, amount in rows)


# ---------------------------------------------------------------- in turns


ONE = {"ours": ours, "oracle": oracle, "every": every}


def main() -> int:
    """Fill, measure in turns, print."""
    options = argparse.ArgumentParser(description="Measure the rules beside plain pandas.")
    options.add_argument("--mirror", type=Path, help="the folder of a mirror that is there already")
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="syncro-rules-") as temporary:
        folder = given.mirror or Path(temporary) / "mirror"
        if not given.mirror:
            print("filling the mirror of the large sandbox", flush=True)
            subprocess.run([sys.executable, frames.__file__, "--fill", str(folder), "large"], check=True)
        results: dict[str, list[dict[str, Any]]] = {"ours": [], "oracle": []}
        for turn in range(given.rounds + 1):  # the first, which warms the disk, is thrown away
            for name, rows in results.items():
                one = measured(name, folder)
                rows += [one] if turn else []
        return report(results["ours"], results["oracle"], measured("every", folder))


def measured(name: str, folder: Path) -> dict[str, Any]:
    """One of them in a process of its own."""
    command = [sys.executable, __file__, "--one", name, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def report(mine: list[dict[str, Any]], theirs: list[dict[str, Any]], more: dict[str, Any]) -> int:
    """The table; gives the exit status."""
    for rule in THREE:
        one, other = mine[0]["found"][rule], theirs[0]["found"][rule]
        apart = [row for row in one if row not in other], [row for row in other if row not in one]
        assert one == other, f"{rule}: not the same; only ours {apart[0]!s:.800}, only the oracle's {apart[1]!s:.800}"
    print(", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in mine[0]["rows"].items()))
    counts = ", ".join(f"{len(rows)} of {rule}" for rule, rows in theirs[0]["found"].items())
    print(f"{mine[0]['findings']} findings of all first rules; both find {counts}")
    missed = False
    print(f"\n{'':32}{'21 first rules':>16}{'oracle of three':>17}{'ratio':>8}   goal <= {GOAL:g}")
    for way, name in (("from the mirror", "first"), ("in memory", "again")):
        for clock, place in (("processor", 0), ("clock", 1)):
            quickest = [min(one[name][place] for one in side) for side in (mine, theirs)]
            ratio = quickest[0] / quickest[1]
            fails = clock == "processor" and ratio > GOAL
            missed |= fails
            said = f"{way}, {clock}"
            print(f"{said:32}{quickest[0]:>14.2f} s{quickest[1]:>15.2f} s{ratio:>8.2f}{'   MISSED' if fails else ''}")
    peaks = [max(one["peak"] for one in side) for side in (mine, theirs)]
    print(f"{'peak memory':32}{peaks[0]:>13,} MB{peaks[1]:>14,} MB")
    print(
        f"\nall rules, in memory {more['seconds'].pop('all'):.2f} s, peak {more['peak']:,} MB; each first rule by itself:"
    )
    for rule, seconds in sorted(more["seconds"].items(), key=lambda pair: -pair[1]):
        print(f"  {rule:28}{seconds:6.2f} s")
    return int(missed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(ONE[sys.argv[2]](Path(sys.argv[3]))))
    else:
        sys.exit(main())
