"""From the mirror of an account with 20,000 tickets to a ranked queue, against pandas sorting the same tickets.

    python benchmarks/triage.py              the account of the sandbox's size "medium": 800 tickets are open

The account is synced into a mirror first. Then both begin with the mirror's own files and end with a ranked table: `queue` as
everybody gets it (signals, lanes, reasons); `oracle` reads the columns that it needs, takes the open tickets, joins their last
public comment and their last timer, and sorts by the same keys. Median of seven. Then a live look is made, and its requests are
counted. At last `syncro --help` is set against a bare interpreter, the quickest of 21. Exit status 1 if the queue takes more
than twice as long, the look more than the pages of open tickets and ten, or the help 0.1 s more.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from syncro_nb import live, triage
from syncro_nb.clock import StillClock
from syncro_nb.config import LABOUR, House
from syncro_nb.mirror.mirror import Mirror
from syncro_nb.mirror.store import Store
from syncro_nb.mirror.sync import sync
from syncro_nb.sandbox import Sandbox
from syncro_nb.secret import Secret
from syncro_nb.service.client import NOT_CLOSED, Client
from syncro_nb.service.transport import Transport

GOAL, HELP_GOAL = 2.0, 100  # times; milliseconds


class Counted:
    """The sandbox behind a client, with the number of requests that it answered."""

    def __init__(self) -> None:
        self.clock = StillClock(datetime(2026, 3, 31, 23, 30, tzinfo=UTC))
        self.requests = 0
        self._sandbox = Sandbox(size="medium", clock=self.clock.now)
        self.client = Client(
            Transport("http://sandbox/api/v1", Secret("sandbox"), clock=self.clock, inside=self._handle)
        )

    def _handle(self, *request: Any) -> Any:
        self.requests += 1
        return self._sandbox.handle(*request)


def oracle(mirror: Mirror, house: House, now: pd.Timestamp) -> pd.DataFrame:
    """The same order by plain pandas, without reasons, business hours or house targets."""
    names = ["ticket_id", "number", "subject", "status", "priority", "customer", "user_id", "technician", "created_at"]
    names += ["updated_at", "start_at", "due_on", "tags", "customer_tags", "customer_reply", "sla_breached"]
    names += ["sla_breaching_soon", "response_seconds", "resolution_seconds", "detail_at"]
    rows = mirror.load("tickets", names)
    rows = rows[~rows["status"].astype("str").map(house.is_resolved)]
    comments = mirror.load("comments", ["comment_id", "ticket_id", "created_at", "author", "user_id", "hidden"])
    last = comments[~comments["hidden"]].sort_values("created_at").drop_duplicates("ticket_id", keep="last")
    rows = rows.merge(last[["ticket_id", "created_at", "user_id"]], "left", on="ticket_id", suffixes=("", "_said"))
    timers = mirror.load("timers")
    worked = timers.groupby("ticket_id")["started_at"].max().rename("worked_at")
    waits = timers[timers["ended_at"].notna() & timers["billable"] & ~timers["recorded"] & timers["line_id"].isna()]
    products = mirror.load("products", ["product_id", "price_cents"])
    waits = waits.merge(products, "left", on="product_id")
    unbilled = (
        (waits["active_seconds"].fillna(0) * waits["price_cents"].fillna(0) // 3600).groupby(waits["ticket_id"]).sum()
    )
    charges = mirror.load("charges", ["ticket_id", "amount_cents", "converted"])
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


def started(*commands: tuple[str, ...]) -> list[float]:
    """Milliseconds of a Python with each of these arguments, from its start to its end; in turns, the quickest of 21."""
    spent: dict[tuple[str, ...], list[float]] = {one: [] for one in commands}
    for _ in range(21):
        for one in commands:
            began = time.perf_counter()
            subprocess.run([sys.executable, *one], check=True, capture_output=True)
            spent[one].append(time.perf_counter() - began)
    return [min(turns) * 1000 for turns in spent.values()]


def main() -> int:
    """Measure and say; 1 if a goal is missed."""
    house = House(LABOUR, {})
    with tempfile.TemporaryDirectory() as name:
        began, account = time.perf_counter(), Counted()
        print(f"the account was made in {time.perf_counter() - began:.0f} s", flush=True)
        began, store = time.perf_counter(), Store(Path(name))
        done = sync(store, account.client, house)
        store.close()
        print(f"synced with {done.requests:,} requests in {time.perf_counter() - began:.0f} s", flush=True)
        mirror = Mirror(Path(name))
        books = mirror.books()
        queue = triage.queue(books, house)
        print(f"{len(mirror.load('tickets', ['ticket_id'])):,} tickets, {len(queue):,} of them open")
        print(f"details: {queue['details'].value_counts().to_dict()}")
        ours = median(lambda: triage.queue(mirror.books(), house))
        theirs = median(lambda: oracle(mirror, house, pd.Timestamp(books.as_of)))
        print(triage.counts(queue).to_string())
        account.requests = 0
        seconds = median(lambda: live.look(books, account.client, house), turns=1) / 1000
        looked = account.requests // 2  # one call is not counted by the median
        account.requests = 0
        listed = sum(1 for _ in account.client.tickets(status=NOT_CLOSED))
        pages = account.requests
        mirror.close()
    print(f"queue {ours:.0f} ms, oracle {theirs:.0f} ms: {ours / theirs:.2f} times (goal: at most {GOAL:g})")
    print(
        f"live look: {looked} requests, {seconds:.1f} s; {pages} pages of {listed} tickets (goal: at most {pages + 10})"
    )
    help_, bare = started(("-m", "syncro_nb", "--help"), ("-c", "pass"))
    added = help_ - bare
    print(f"syncro --help over a bare interpreter: {added:.0f} ms (goal: at most {HELP_GOAL})")
    return int(ours > GOAL * theirs or looked > pages + 10 or added > HELP_GOAL)


if __name__ == "__main__":
    sys.exit(main())
