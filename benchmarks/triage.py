"""From the books of an account with 20,000 tickets to a ranked queue, against pandas sorting the same tickets.

    python benchmarks/triage.py                  the account of the sandbox's size "medium": 800 tickets are open
    python benchmarks/triage.py --tickets 8      ... every table so many times as large, to see what grows

Both begin with the same Parquet files and end with a ranked table: `queue` as everybody gets it (signals, lanes, reasons);
`oracle` reads the columns that it needs, takes the open tickets, joins their last public comment and their last timer, and
sorts by the same keys. Median of seven. Exit status 1 if the queue takes more than twice as long.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from syncro_nb import live, triage
from syncro_nb.books import Books
from syncro_nb.clock import StillClock
from syncro_nb.config import LABOUR, House
from syncro_nb.frames import from_records
from syncro_nb.sandbox import Sandbox
from syncro_nb.secret import Secret
from syncro_nb.service.client import Client
from syncro_nb.service.transport import Transport

GOAL = 2.0
TABLES = ("tickets", "comments", "timers", "charges", "products", "users")


class Files:
    """The tables of an account as Parquet files, read column by column, as the mirror gives them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def table(self, name: str, columns: list[str] | None = None) -> pd.DataFrame:
        """One table, only these columns."""
        return pd.read_parquet(self.folder / f"{name}.parquet", columns=columns)


def read(folder: Path, times: int) -> Books:
    """The whole account into Parquet files, and its books without tables."""
    from datetime import UTC, datetime

    clock = StillClock(datetime(2026, 3, 31, 23, 30, tzinfo=UTC))
    sandbox = Sandbox(size="medium", clock=clock.now)
    client = Client(Transport("http://sandbox/api/v1", Secret("sandbox"), clock=clock, inside=sandbox.handle))
    house = House(LABOUR, {})
    known = live.look(live.first_books(client, prices=True), client, house, details=None)
    every = from_records("tickets", client.tickets())
    every["detail_at"] = pd.Timestamp(known.as_of)
    tables = {
        "tickets": every,
        "comments": known.table("comments"),
        "timers": from_records("timers", client.ticket_timers()),
        "charges": known.table("charges"),
        "products": known.table("products"),
        "users": known.table("users"),
    }
    for name, frame in tables.items():
        parts = [frame]
        for turn in range(1, times if name in ("tickets", "timers", "comments") else 1):
            more = frame.copy()
            for column in ("ticket_id", "timer_id", "comment_id", "number"):
                if column in more:
                    more[column] += turn * 10**10
            parts.append(more)
        pd.concat(parts, ignore_index=True).to_parquet(folder / f"{name}.parquet", index=False)
    return replace(known, tables={})


def oracle(files: Files, house: House, now: pd.Timestamp) -> pd.DataFrame:
    """The same order by plain pandas, without reasons, business hours or house targets."""
    names = ["ticket_id", "number", "subject", "status", "priority", "customer", "user_id", "technician", "created_at"]
    names += ["updated_at", "start_at", "due_on", "tags", "customer_tags", "customer_reply", "sla_breached"]
    names += ["sla_breaching_soon", "response_seconds", "resolution_seconds", "detail_at"]
    rows = files.table("tickets", names)
    rows = rows[~rows["status"].astype("str").map(house.is_resolved)]
    comments = files.table("comments", ["comment_id", "ticket_id", "created_at", "author", "user_id", "hidden"])
    last = comments[~comments["hidden"]].sort_values("created_at").drop_duplicates("ticket_id", keep="last")
    rows = rows.merge(last[["ticket_id", "created_at", "user_id"]], "left", on="ticket_id", suffixes=("", "_said"))
    timers = files.table("timers")
    worked = timers.groupby("ticket_id")["started_at"].max().rename("worked_at")
    waits = timers[timers["ended_at"].notna() & timers["billable"] & ~timers["recorded"] & timers["line_id"].isna()]
    products = files.table("products", ["product_id", "price_cents"])
    waits = waits.merge(products, "left", on="product_id")
    unbilled = (
        (waits["active_seconds"].fillna(0) * waits["price_cents"].fillna(0) // 3600).groupby(waits["ticket_id"]).sum()
    )
    charges = files.table("charges", ["ticket_id", "amount_cents", "converted"])
    pending = charges[~charges["converted"]].groupby("ticket_id")["amount_cents"].sum()
    rows = (
        rows.join(worked, on="ticket_id")
        .join(unbilled.rename("unbilled"), on="ticket_id")
        .join(pending, on="ticket_id")
    )
    rows["wait"] = (now - rows["created_at_said"]).where(rows["user_id_said"].isna())
    seconds = rows[["response_seconds", "resolution_seconds"]].min(axis=1).astype("float64")
    rows["breach"] = rows["created_at"] + pd.to_timedelta(seconds, unit="s")
    digits = rows["priority"].astype("str").str.extract(r"^(\d)")[0]
    rows["digit"] = digits.fillna("2").astype("int64")
    rows["vip"] = rows["tags"].str.contains("vip") | rows["customer_tags"].str.contains("vip")
    rows["lane"] = np.select(
        [
            rows["digit"] == 0,
            rows["sla_breached"] | (rows["breach"] < now),
            rows["wait"].notna(),
            rows["user_id"].isna(),
        ],
        range(4),
        9,
    )
    keys = ["lane", "breach", "digit", "vip", "wait", "created_at", "number"]
    return rows.sort_values(keys, ascending=[True, True, True, False, False, True, True]).reset_index(drop=True)


def median(call: Callable[[], object], turns: int = 7) -> float:
    """Milliseconds, the median of so many calls after one that is not counted."""
    call()
    spent = []
    for _ in range(turns):
        began = time.perf_counter()
        call()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent) * 1000


def main() -> int:
    """Measure and say; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tickets", type=int, default=1, help="every table so many times as large (1)")
    times = parser.parse_args().tickets
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        empty = read(folder, times)
        files, house = Files(folder), House(LABOUR, {})
        books = _books(empty, files)
        queue = triage.queue(books, house)
        every = len(files.table("tickets", ["ticket_id"]))
        print(f"{every:,} tickets, {len(queue):,} of them open; made in {time.perf_counter() - began:.0f} s")
        ours = median(lambda: triage.queue(books, house))
        theirs = median(lambda: oracle(files, house, pd.Timestamp(empty.as_of)))
        print(triage.counts(queue).to_string())
    print(f"queue {ours:.0f} ms, oracle {theirs:.0f} ms: {ours / theirs:.2f} times (goal: at most {GOAL:g})")
    return int(ours > GOAL * theirs)


def _books(empty: Books, files: Files) -> Books:
    class FromFiles(Books):
        def table(self, name: str, columns: object = None) -> pd.DataFrame:
            return files.table(name, None if columns is None else list(columns))  # type: ignore[call-overload]

    return FromFiles(empty.as_of, empty.settings, empty.ticket_settings, dict.fromkeys(TABLES))


if __name__ == "__main__":
    sys.exit(main())
