"""What it costs to load the mirror and to answer from it, beside what a competent analyst would write by hand.

    python benchmarks/frames.py [small medium large] [--keep FOLDER] [--rounds N]

The mirror of a sandbox of that size (large by default: 600,000 timers) is filled without HTTP: every record is rendered as
Syncro's JSON, read by the client's own parser and put through the mirror's own writer; only the requests in between are left
out, which would take a day at 180 a minute. `--keep` leaves the mirror there, and takes one that is there already.

    load      every column of the timers as a DataFrame, beside `pandas.read_sql` of the same rows from SQLite. That one leaves
              instants as whole numbers and flags as 0 and 1; to make them what ours are would only cost it more
    summary   open tickets and unbilled time with every table that they have, beside the oracle: plain pandas on the same
              Parquet files, written for this one question. Both come to the same numbers, which is checked
    start     a fresh Python to the first table (`connect`, the books, the open tickets), beside `import pandas`; what
              `import syncro_nb` adds to a bare interpreter
    size      bytes of the mirror on the disk, beside those of the JSON that it was made from: each ticket's detail and each
              row of the other lists once (rows of the lists of tickets and timers, which repeat the details, not counted)

Each figure is the quickest of some rounds, in turns, each in a fresh process whose peak memory is its own: what other programs of
the machine take away is no part of it. Libraries are loaded before the clock starts, but for the start itself. Exit status 1 if a
ratio is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

DAY = "2026-03-31"
NOW = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
GOALS = {"load": 0.15, "open": 2.0, "unbilled": 2.0, "start": 2.0, "import": 0.060, "size": 0.2}


# ---------------------------------------------------------------- the mirror of a sandbox


def fill(folder: Path, size: str) -> None:
    """Write every record of a sandbox into a mirror in `folder`, and beside it how large its JSON was."""
    from syncro_nb.mirror.store import Store
    from syncro_nb.mirror.writer import Writer
    from syncro_nb.sandbox import Sandbox

    began = perf_counter()
    sandbox = Sandbox(size=size)
    made = perf_counter() - began
    store = Store(folder)
    with store.writing({}):
        filling = Filling(Writer(store), sandbox)
        filling.run()
        store.tidy()
    rows, size_on_disk = store.size()
    store.close()
    facts = {
        "size": size,
        "rows": rows,
        "json_bytes": filling.json_bytes,
        "listed_bytes": filling.listed_bytes,
        "mirror_bytes": size_on_disk + (folder / "manifest.sqlite").stat().st_size,
        "sandbox_seconds": made,
        "fill_seconds": perf_counter() - began - made,
        "fill_peak_mb": peak_mb(),
    }
    (folder / "facts.json").write_text(json.dumps(facts))


@dataclass
class Filling:
    """All records of an account on their way into a mirror."""

    writer: Any
    sandbox: Any
    json_bytes: int = 0
    listed_bytes: int = 0

    def run(self) -> None:
        """Every table, then what the sync itself would keep of when it read them."""
        from syncro_nb.mirror.columns import microseconds
        from syncro_nb.sandbox import render_billing
        from syncro_nb.service import records, wire
        from syncro_nb.tables import TABLES

        account = self.account = self.sandbox._account
        self.customers()
        for name, table, show, record in (
            ("contacts", account.contacts, _render("contact"), records.Contact),
            ("products", account.products, render_billing.product, records.Product),
            ("contracts", account.contracts, render_billing.contract, records.Contract),
            ("payments", account.payments, render_billing.payment, records.Payment),
            ("timelogs", account.timelogs, render_billing.timelog, records.Timelog),
            ("invoice_lines", account.invoice_lines, render_billing.invoice_line, records.InvoiceLine),
        ):
            for one in self.read(record, table, show):
                self.put(name, one)
        for one in self.read(records.Schedule, account.schedules, render_billing.schedule):
            self.put("schedules", one)
            for line in one.lines or ():
                self.put("schedule_lines", replace(line, schedule_id=one.id))
        for one in self.read(records.Invoice, account.invoices, render_billing.listed_invoice):
            self.put("invoices", one)
            self.detail("invoice_details", one)
            if one.ticket_id is None and one.schedule_id is None:  # the list alone would not prove it
                self.detail("invoice_owners", one)
        for row in account.users:
            self.put("users", records.User(row["id"], row["full_name"]))
        self.tickets()
        now = microseconds(NOW)
        for name in TABLES:
            self.writer.keep(name, complete=True, as_of=now, pages=1)
        for name, kind, path in (
            ("settings", records.Settings, "settings"),
            ("ticket_settings", records.TicketSettings, "tickets/settings"),
        ):
            answer = self.sandbox.handle("GET", f"/api/v1/{path}", {"Authorization": "Bearer sandbox"}, b"")
            self.writer.keep(name, record=wire.write(wire.read(kind, wire.parse(answer.body))), as_of=now, reason="")
        self.writer.keep("sync", as_of=now, full=True)
        self.writer.commit()

    def tickets(self) -> None:
        """Each ticket as its list row has it, and what its detail has."""
        from syncro_nb.sandbox import render
        from syncro_nb.service import records

        details = self.read(records.Ticket, self.account.tickets, render.ticket_detail)
        listed = self.read(records.Ticket, self.account.tickets, render.listed_ticket, repeats=True)
        for row, detail in zip(listed, details, strict=True):
            self.put("tickets", row)
            for name, parts in (("comments", detail.comments), ("charges", detail.lines), ("timers", detail.timers)):
                for part in parts:
                    self.put(name, replace(part, ticket_id=detail.id))
            self.detail("ticket_details", detail)

    def customers(self) -> None:
        """Each customer as its list row has it, and the prepaid hours that only the detail has."""
        from syncro_nb.sandbox import render, render_billing
        from syncro_nb.service import records
        from syncro_nb.tables import TABLES, Snapshot

        take = TABLES["customers"].columns["prepaid_millionths"].take or (lambda record: None)
        listed = self.read(records.Customer, self.account.customers, render.customer)
        details = self.read(records.Customer, self.account.customers, render_billing.customer_detail, repeats=True)
        for row, detail in zip(listed, details, strict=True):
            self.put("customers", row)
            self.detail("customer_details", detail, take(detail))
            self.append("prepaid", Snapshot(f"{row.id}@{NOW.isoformat()}", row.id, NOW, take(detail)))

    def detail(self, name: str, record: Any, *more: Any) -> None:
        """That a record was read by itself."""
        from syncro_nb.mirror.columns import DetailRead

        self.append(name, DetailRead(record.id, record.updated_at, NOW, *more))

    def put(self, name: str, record: Any) -> None:
        """One record; a page's worth of them is a commit, as in a sync."""
        self.writer.put(name, record)
        self._commit_now_and_then()

    def append(self, name: str, record: Any) -> None:
        """A row of the mirror's own."""
        self.writer.append(name, record)
        self._commit_now_and_then()

    def read(
        self, kind: type, rows: Iterable[Any], show: Callable[..., Any], *, repeats: bool = False
    ) -> Iterator[Any]:
        """Rows of the sandbox as JSON, and the JSON as records."""
        from syncro_nb.service import wire

        for row in rows:
            text = json.dumps(show(self.account, row), separators=(",", ":"), ensure_ascii=False).encode()
            if repeats:
                self.listed_bytes += len(text)
            else:
                self.json_bytes += len(text)
            yield wire.read(kind, wire.parse(text))

    def _commit_now_and_then(self) -> None:
        if sum(map(len, self.writer.batch.lines.values())) >= 2_000:
            self.writer.commit()


def _render(name: str) -> Callable[..., Any]:
    from syncro_nb.sandbox import render

    return getattr(render, name)  # type: ignore[no-any-return]


def peak_mb() -> int:
    """The most memory that this process has had. Linux tells kilobytes, macOS bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform != "darwin" else 1024**2)


# ---------------------------------------------------------------- what is measured


def our_frame(folder: Path) -> dict[str, Any]:
    """Every timer with every column."""
    import pandas as pd  # noqa: F401 - both begin with their libraries loaded
    import pyarrow.parquet  # noqa: F401

    from syncro_nb.mirror.mirror import Mirror

    with closing(Mirror(folder)) as mirror:
        began = perf_counter()
        frame = mirror.load("timers")
        return {"seconds": perf_counter() - began, "rows": len(frame), "sum": int(frame["timer_id"].sum())}


def their_frame(folder: Path) -> dict[str, Any]:
    """The same from SQLite."""
    import pandas as pd

    with closing(sqlite3.connect(folder / "timers.sqlite")) as database:
        began = perf_counter()
        frame = pd.read_sql("SELECT * FROM timers", database)
        return {"seconds": perf_counter() - began, "rows": len(frame), "sum": int(frame["timer_id"].sum())}


def put_into_sqlite(folder: Path) -> None:
    """The timers as a table of SQLite: whole numbers, flags as 0 and 1, instants in microseconds."""
    from syncro_nb.mirror.columns import kept_columns
    from syncro_nb.mirror.store import Store

    names = list(kept_columns("timers"))
    with closing(Store(folder)) as store, closing(sqlite3.connect(folder / "timers.sqlite")) as database:
        database.execute(f"CREATE TABLE timers ({', '.join(names)})")
        marks = ", ".join("?" * len(names))
        database.executemany(f"INSERT INTO timers VALUES ({marks})", store.values("timers", names))  # noqa: S608
        database.commit()


def our_open(folder: Path) -> dict[str, Any]:
    """The summary of open tickets, with all of its tables."""
    from syncro_nb.summary.open_tickets import summarise_open_tickets

    with opened(folder) as (books, house):
        began = perf_counter()
        found = summarise_open_tickets(books(), house)
        tables = {
            name: getattr(found, f"by_{name}") for name in ("status", "technician", "customer", "priority", "age")
        }
        tables["waiting"] = found.waiting
        oldest, unassigned, overdue = found.oldest, found.unassigned, found.overdue
        seconds = perf_counter() - began
    counts = {name: counted(table, table.columns[0], OPEN_COUNTS) for name, table in tables.items()}
    return {
        "seconds": seconds,
        "tables": counts,
        "rows": sorted(found.rows[["number", "age_days", "waiting_days"]].fillna(-1).astype(int).values.tolist()),
        "lists": [one["number"].tolist() for one in (oldest, unassigned, overdue)],
        "changes": sorted(map(list, found.changes[["number", "change"]].astype(str).values.tolist())),
    }


OPEN_COUNTS = ["tickets", "unassigned", "overdue", "on_us", "oldest_days"]


def their_open(folder: Path) -> dict[str, Any]:
    """The same as an analyst would write it who knows this account: what it needs and no more."""
    import pandas as pd
    import pyarrow.parquet  # noqa: F401

    began = perf_counter()
    columns = ["ticket_id", "number", "status", "priority", "customer", "user_id", "technician", "subject"]
    columns += ["created_at", "updated_at", "resolved_at", "due_on", "start_at", "customer_reply", "sla_breached"]
    every = pd.read_parquet(only(folder, "tickets"), columns=columns)
    words = pd.Series(every["status"].cat.categories)
    done_words = words[words.str.startswith("Resolved") | words.isin(["Invoiced", "Closed"])]
    done = every["status"].isin(done_words)
    rows = every[~done].copy()
    now = pd.Timestamp(NOW)
    rows["age_days"] = (now - rows["created_at"]).dt.days
    rows["age"] = pd.cut(rows["age_days"], [-10_000, 7, 14, 30, 100_000], labels=["0–7", "8–14", "15–30", "30+"])
    late = (pd.Timestamp(DAY) - rows["due_on"]).dt.days
    rows["overdue_days"] = late.where(late > 0)
    rows["overdue"] = (late > 0) | rows["sla_breached"]
    rows["unassigned"] = rows["user_id"].isna() & (rows["technician"].astype("str").isin(["", "nan"]))
    comments = pd.read_parquet(only(folder, "comments"), columns=["ticket_id", "created_at", "user_id", "hidden"])
    comments = comments[comments["ticket_id"].isin(rows["ticket_id"]) & ~comments["hidden"]]
    ours = comments["user_id"].notna()
    answered = comments[ours].groupby("ticket_id")["created_at"].max()
    theirs = comments[~ours]
    theirs = theirs[~(theirs["created_at"] <= theirs["ticket_id"].map(answered))]
    asked = theirs.groupby("ticket_id")["created_at"].min()
    rows["asked"], rows["answered"] = rows["ticket_id"].map(asked), rows["ticket_id"].map(answered)
    status = rows["status"].astype("str").str.lower()
    turn = pd.Series("us", index=rows.index)
    turn[rows["start_at"] > now] = "nobody (scheduled)"
    turn[status.str.contains("vendor|parts|third party")] = "third party"
    turn[status.str.contains("waiting") & status.str.contains("customer")] = "customer"
    turn[rows["customer_reply"] | (status == "customer reply") | rows["asked"].notna()] = "us"
    rows["waiting"] = turn
    since = rows["asked"].where(turn == "us", rows["answered"]).fillna(rows["updated_at"]).fillna(rows["created_at"])
    rows["waiting_days"] = (now - since).dt.days
    rows["on_us"] = turn == "us"
    rows["tickets"] = 1
    tables = {}
    for name in ("status", "technician", "customer", "priority", "age", "waiting"):
        ways = {one: "max" if one == "oldest_days" else "sum" for one in OPEN_COUNTS}
        keyed = rows.assign(oldest_days=rows["age_days"], key=rows[name].astype(object).fillna(""))
        tables[name] = keyed.groupby("key")[OPEN_COUNTS].agg(ways).reset_index()
    by_age = rows.sort_values(["created_at", "number"])
    oldest, unassigned = by_age.head(10), by_age[by_age["unassigned"]]
    overdue = rows[rows["overdue"]].sort_values(["overdue_days", "number"], ascending=[False, True])
    start = now - pd.Timedelta(days=1)
    recent = every[(every[["created_at", "updated_at", "resolved_at"]] > start).any(axis=1)]
    closed = recent["status"].isin(done_words)
    is_new = recent["created_at"] > start
    ended = closed & (recent["resolved_at"].fillna(recent["updated_at"]) > start)
    change = pd.Series("", index=recent.index)
    change[~closed & (recent["updated_at"] > start)] = "touched"
    change[is_new] = "opened"
    change[ended] = "resolved"
    change[ended & is_new] = "opened and resolved"
    changes = recent.assign(change=change)[change != ""]
    seconds = perf_counter() - began
    return {
        "seconds": seconds,
        "tables": {name: counted(table, "key", OPEN_COUNTS) for name, table in tables.items()},
        "rows": sorted(rows[["number", "age_days", "waiting_days"]].fillna(-1).astype(int).values.tolist()),
        "lists": [one["number"].tolist() for one in (oldest, unassigned, overdue)],
        "changes": sorted(map(list, changes[["number", "change"]].astype(str).values.tolist())),
    }


SUMS = ["records", "actual_hours", "billable_hours", "uncharged_cents", "pending_cents", "amount_cents"]
SUMS += ["prepaid_hours", "contract_hours", "free_hours"]


def our_unbilled(folder: Path) -> dict[str, Any]:
    """The summary of unbilled time, with all of its tables."""
    from syncro_nb.summary.unbilled import summarise_unbilled

    with opened(folder) as (books, house):
        began = perf_counter()
        found = summarise_unbilled(books(), house)
        tables = {name: getattr(found, f"by_{name}") for name in ("customer", "technician", "kind", "age", "what")}
        by_mode, totals = found.by_mode, found.totals
        seconds = perf_counter() - began
    return {
        "seconds": seconds,
        "totals": [round(totals[name], 6) for name in SUMS],
        "tables": {name: counted(table, table.columns[0], SUMS) for name, table in tables.items()},
        "modes": counted(
            by_mode, "mode", ["records", "billable_hours", "prepaid_hours", "amount_cents", "worth_cents"]
        ),
        "without_time": sorted(found.without_time["number"].tolist()),
        "problems": sorted(map(list, found.problems[["what", "record_id"]].astype({"what": "str"}).values.tolist())),
    }


def their_unbilled(folder: Path) -> dict[str, Any]:
    """The same as an analyst would write it who knows this account: no agreed rates, no rounding, contracts that cover all.

    Cents are computed in whole numbers, as they must be to come out the same.
    """
    import pandas as pd
    import pyarrow.parquet  # noqa: F401

    began = perf_counter()
    zone = "America/Los_Angeles"
    columns = ["ticket_id", "number", "customer_id", "customer", "technician", "status", "subject", "tags"]
    columns += ["customer_tags", "created_at", "updated_at", "resolved_at"]
    tickets = pd.read_parquet(only(folder, "tickets"), columns=columns).set_index("ticket_id")
    words = pd.Series(tickets["status"].cat.categories)
    done_words = words[words.str.startswith("Resolved") | words.isin(["Invoiced", "Closed"])]
    products = pd.read_parquet(only(folder, "products"), columns=["product_id", "category", "price_cents"])
    products = products.set_index("product_id")
    path = products["category"].astype("str")
    kinds = path.str.split(";").str[-1].str.lower().str.replace(" ", "-").where(path.str.contains("Labor"))
    kinds = kinds.replace("labor", "other").to_dict() | KINDS
    users = pd.read_parquet(only(folder, "users"), columns=["user_id", "name"]).set_index("user_id")["name"]
    blocks = pd.read_parquet(only(folder, "customer_details"), columns=["id", "prepaid_millionths"]).set_index("id")
    blocks = blocks.index[blocks["prepaid_millionths"] > 0]
    contracts = pd.read_parquet(only(folder, "contracts"))
    contracts = contracts[(contracts["status"].astype("str").str.lower() == "active") & contracts["applies_to_all"]]

    columns = ["timer_id", "ticket_id", "user_id", "product_id", "line_id", "started_at", "ended_at", "recorded"]
    columns += ["billable", "active_seconds", "billable_seconds", "override_seconds"]
    every = pd.read_parquet(only(folder, "timers"), columns=columns)
    open_ones = every["ended_at"].notna() & every["billable"] & ~every["recorded"] & every["line_id"].isna()
    timers = every[open_ones].copy()
    spent = (timers["ended_at"] - timers["started_at"]).dt.total_seconds()
    timers["actual"] = timers["active_seconds"].fillna(spent)
    theirs = timers["billable_seconds"].mask((timers["billable_seconds"] < 60) & (timers["actual"] > 60))
    timers["seconds"] = timers["override_seconds"].fillna(theirs).fillna(timers["actual"]).clip(lower=0)
    timers["at"] = timers["started_at"]
    timers["what"] = "timer not charged"
    rate = timers["product_id"].map(products["price_cents"]).fillna(0).astype("int64")
    timers["amount_cents"] = (timers["seconds"].astype("int64") * rate * 2 + 3600) // 7200
    timers["kind"] = timers["product_id"].map(kinds)

    columns = ["line_id", "ticket_id", "user_id", "product_id", "category", "quantity_millionths", "amount_cents"]
    columns += ["converted", "created_at", "discount_percent", "discount_cents"]
    charges = pd.read_parquet(only(folder, "charges"), columns=columns)
    lines = charges[~charges["converted"]].copy()
    named = every[every["line_id"].isin(lines["line_id"])].sort_values(["started_at", "timer_id"])
    worked = named["active_seconds"].fillna((named["ended_at"] - named["started_at"]).dt.total_seconds())
    first = named.drop_duplicates("line_id").set_index("line_id")
    lines["at"] = lines["line_id"].map(first["started_at"]).fillna(lines["created_at"])
    lines["user_id"] = lines["line_id"].map(first["user_id"]).fillna(lines["user_id"])
    lines["actual"] = lines["line_id"].map(worked.groupby(named["line_id"]).sum())
    own = lines["category"].astype("str")
    own = own.str.split(";").str[-1].str.lower().str.replace(" ", "-").where(own.str.contains("Labor"))
    lines["kind"] = lines["product_id"].map(kinds).fillna(own.replace("labor", "other"))
    lines["seconds"] = (lines["quantity_millionths"] * 36 / 10_000).round().where(lines["kind"].notna(), 0)
    lines["what"] = "charge not invoiced"

    kept = ["what", "ticket_id", "user_id", "at", "actual", "seconds", "amount_cents", "kind"]
    rows = pd.concat([timers[kept], lines[kept]], ignore_index=True)
    rows = rows.join(tickets[["customer_id", "customer", "tags", "customer_tags"]], on="ticket_id")
    rows["worked_on"] = rows["at"].dt.tz_convert(zone).dt.normalize().dt.tz_localize(None)
    rows["days"] = (pd.Timestamp(DAY) - rows["worked_on"]).dt.days
    rows["age"] = pd.cut(rows["days"], [-10_000, 7, 14, 30, 100_000], labels=["0–7", "8–14", "15–30", "30+"]).astype(
        "str"
    )
    rows["technician"] = rows["user_id"].map(users).fillna("")
    rows["customer"] = rows["customer"].astype("str")
    rows["mode"] = modes(rows, blocks, contracts)
    rows["kind"] = rows["kind"].fillna(rows["what"].map({"timer not charged": "no product"})).fillna("goods")
    bill = rows["mode"] == "time-and-materials"
    rows["records"] = 1
    rows["actual_hours"] = rows["actual"].fillna(0).where(bill, 0) / 3600
    rows["billable_hours"] = rows["seconds"].where(bill, 0) / 3600
    rows["worth_cents"] = rows["amount_cents"]
    rows["amount_cents"] = rows["amount_cents"].where(bill, 0)
    rows["uncharged_cents"] = rows["amount_cents"].where(rows["what"] == "timer not charged", 0)
    rows["pending_cents"] = rows["amount_cents"] - rows["uncharged_cents"]
    rows["prepaid_hours"] = rows["seconds"].where(rows["mode"] == "block", 0) / 3600
    rows["contract_hours"] = rows["seconds"].where(rows["mode"] == "contract", 0) / 3600
    rows["free_hours"] = rows["seconds"].where(rows["mode"].isin(["internal", "warranty"]), 0) / 3600
    tables = {
        name: rows.groupby(name)[SUMS].sum().reset_index() for name in ("customer", "technician", "kind", "age", "what")
    }
    totals = rows[SUMS].sum()
    by_mode = rows.groupby("mode")[[*SUMS, "worth_cents"]].sum().reset_index()

    over = tickets[tickets["status"].isin(done_words) & ~tickets.index.isin(every["ticket_id"])]
    labour = charges[charges["ticket_id"].isin(over.index)]
    labour = labour[labour["product_id"].isin(list(kinds)) | labour["category"].astype("str").str.contains("Labor")]
    labour = labour[labour["product_id"].map(kinds).notna() | labour["category"].astype("str").str.contains("Labor")]
    over = over[~over.index.isin(labour["ticket_id"])]
    comments = pd.read_parquet(only(folder, "comments"), columns=["ticket_id", "user_id"])
    written = comments[comments["user_id"].notna() & comments["ticket_id"].isin(over.index)]["ticket_id"]
    long_open = over["resolved_at"].fillna(over["updated_at"]) - over["created_at"] > pd.Timedelta(minutes=15)
    over = over[over.index.isin(written) | long_open]
    spared = "cancelled|canceled|duplicate|spam|auto-closed|internal|warranty"
    tags = (over["tags"] + "\n" + over["customer_tags"]).str.lower()
    over = over[~over["status"].astype("str").str.lower().str.contains(spared)]
    over = over[~tags.loc[over.index].str.contains(rf"(?:^|\n)(?:{spared})(?:\n|$)")]
    rows["record_id"] = pd.concat([timers["timer_id"], lines["line_id"]], ignore_index=True)
    before = perf_counter() - began
    wrong = problems_by_hand(rows, timers, lines, every, charges, products, kinds)
    seconds = perf_counter() - began
    return {
        "seconds": seconds,
        "seconds_without_problems": before,
        "problems": sorted(wrong),
        "totals": [round(totals[name], 6) for name in SUMS],
        "tables": {name: counted(table, name, SUMS) for name, table in tables.items()},
        "modes": counted(
            by_mode, "mode", ["records", "billable_hours", "prepaid_hours", "amount_cents", "worth_cents"]
        ),
        "without_time": sorted(over["number"].tolist()),
    }


def problems_by_hand(
    rows: Any, timers: Any, lines: Any, every: Any, charges: Any, products: Any, kinds: Any
) -> list[list[Any]]:
    """What is wrong with the records, each as what it is and its id; an account of which every detail was read."""
    found: list[list[Any]] = []

    def note(what: str, ids: Any) -> None:
        found.extend([what, int(one)] for one in ids)

    for wrong in (rows["customer_id"].isna(), rows["worked_on"].isna(), rows["days"] < 0):
        found.extend([what, int(one)] for what, one in rows.loc[wrong, ["what", "record_id"]].values)
    day = 24 * 3600
    price = timers["product_id"].map(products["price_cents"])
    free = ["internal", "warranty"]
    mode = rows.loc[rows["what"] == "timer not charged", "mode"].set_axis(timers.index)
    is_free = timers["kind"].isin(free) | mode.isin(free)
    for wrong in (
        price.isna(),
        (price == 0) & ~is_free,
        timers["actual"] < 0,
        (timers["actual"] > day) | (timers["seconds"] > day),
        timers["actual"].fillna(0) == 0,
        timers["override_seconds"] < 0,
        timers["active_seconds"].isna() & timers["started_at"].isna(),
    ):
        note("timer not charged", timers.loc[wrong, "timer_id"])
    note(
        "charge not invoiced",
        lines.loc[
            (lines["discount_percent"] != 0) & lines["discount_percent"].notna()
            | (lines["discount_cents"].fillna(0) != 0),
            "line_id",
        ],
    )
    note("charge not invoiced", lines.loc[lines["amount_cents"] < 0, "line_id"])

    charged = every[every["recorded"] | every["line_id"].notna()]
    charged = charged.merge(
        charges[["line_id", "ticket_id", "converted"]], on="line_id", how="left", suffixes=("", "_of_line")
    )
    torn = charged[~charged["recorded"] & charged["billable"] & charged["ended_at"].notna()]
    note("timer not charged", torn["timer_id"])
    lost = charged[charged["recorded"] & (charged["ticket_id_of_line"] != charged["ticket_id"])]
    unnamed = charges[~charges["line_id"].isin(every["line_id"])]
    unnamed = unnamed[unnamed["ticket_id"].isin(lost.loc[lost["line_id"].isna(), "ticket_id"])]
    labour = unnamed["product_id"].map(kinds).notna() | unnamed["category"].astype("str").str.contains("Labor")
    lost = lost[lost["line_id"].notna() | ~lost["ticket_id"].isin(unnamed.loc[labour, "ticket_id"])]
    note("timer recorded as charged", lost["timer_id"])
    pending = charged[charged["converted"].eq(False)]
    worked = pending["active_seconds"].fillna((pending["ended_at"] - pending["started_at"]).dt.total_seconds())
    for wrong in (worked < 0, worked > day):
        for what, recorded in (("timer recorded as charged", True), ("timer not charged", False)):
            note(what, pending.loc[wrong & (pending["recorded"] == recorded), "timer_id"])
    return found


KINDS = {1190473: "remote", 26118: "onsite", 26184: "emergency", 9269129: "project"}
KINDS |= {9269124: "internal", 26117: "travel", 68055: "website"}


def modes(rows: Any, blocks: Any, contracts: Any) -> Any:
    """How each row is paid for: a block of hours first, then a contract of that day, internal, warranty, else by invoice."""
    import pandas as pd

    labour = rows["kind"].notna() | (rows["what"] == "timer not charged")
    day = rows["worked_on"]
    covered = pd.Series(False, index=rows.index)
    for one in contracts.itertuples():
        begun = True if pd.isna(one.starts_on) else day >= one.starts_on
        ended = True if pd.isna(one.ends_on) else day <= one.ends_on
        covered |= (rows["customer_id"] == one.customer_id) & begun & ended
    tags = "\n" + rows["tags"].fillna("") + "\n" + rows["customer_tags"].fillna("") + "\n"
    tags = tags.str.lower()
    mode = pd.Series("time-and-materials", index=rows.index)
    mode[tags.str.contains("\nwarranty\n", regex=False) | (rows["kind"] == "warranty")] = "warranty"
    mode[tags.str.contains("\ninternal\n", regex=False) | (rows["kind"] == "internal")] = "internal"
    mode[covered & labour] = "contract"
    mode[rows["customer_id"].isin(blocks) & labour] = "block"
    return mode


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Callable[[], Any], Any]]:
    """The books of a mirror, to be opened while the clock runs, and the policy of a shop that has written nothing down."""
    import pandas as pd  # noqa: F401 - both begin with their libraries loaded
    import pyarrow.parquet  # noqa: F401

    from syncro_nb.config import LABOUR, House
    from syncro_nb.mirror.mirror import Mirror

    with closing(Mirror(folder)) as mirror:
        yield mirror.books, House(LABOUR, {})


def counted(table: Any, key: str, columns: list[str]) -> list[list[Any]]:
    """A table as sorted lists that can be compared: rows without anything left out."""
    rows = [
        [str(row[key]), *(round(float(row[one]), 6) for one in columns)]
        for row in table.to_dict("records")
        if row[columns[0]]
    ]
    return sorted(rows)


def only(folder: Path, name: str) -> Path:
    """The one Parquet file of a table."""
    (path,) = folder.glob(f"{name}-*.parquet")
    return path


ONE: dict[str, Callable[[Path], dict[str, Any]]] = {
    "our frame": our_frame,
    "their frame": their_frame,
    "our open": our_open,
    "their open": their_open,
    "our unbilled": our_unbilled,
    "their unbilled": their_unbilled,
}
PROGRAMS = {
    "bare": "pass",
    "import syncro_nb": "import syncro_nb",
    "import pandas": "import pandas",
    "first table": "from syncro_nb import connect; connect().tickets",
    "first summary": "from syncro_nb import connect; connect().open_summary('2026-03-30').rows",
}


# ---------------------------------------------------------------- in turns, and the table


def main() -> int:
    from syncro_nb.config import load

    options = argparse.ArgumentParser(description="Measure the mirror's frames and summaries beside pandas by hand.")
    options.add_argument("size", nargs="?", default="large", choices=("small", "medium", "large"))
    options.add_argument("--keep", type=Path, help="leave the mirror in this folder, or take the one that is there")
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="syncro-frames-") as temporary:
        home = (given.keep or Path(temporary)).absolute()
        folder = load(never_asked(home), folder=home).mirror
        if not (folder / "facts.json").exists():
            print(f"filling the mirror of the {given.size} sandbox", flush=True)
            subprocess.run([sys.executable, __file__, "--fill", str(folder), given.size], check=True)
        if not (folder / "timers.sqlite").exists():
            subprocess.run([sys.executable, __file__, "--sqlite", str(folder)], check=True)
        facts = json.loads((folder / "facts.json").read_text())
        return report(facts, run_all(home, folder, given.rounds))


def never_asked(home: Path) -> dict[str, str]:
    """The environment of an account that is configured and never asked: what is measured reads the disk only."""
    return {
        "SYNCRO_NB_HOME": str(home),
        "SYNCRO_NB_URL": "http://127.0.0.1:9/api/v1",
        "SYNCRO_NB_API_KEY": "none",
    }


def run_all(home: Path, folder: Path, rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Everything in turns, each in a process of its own; the first turn, which warms the disk, is thrown away."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SYNCRO_NB_")}
    environment |= never_asked(home)
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in (*ONE, *PROGRAMS)}
    for turn in range(rounds + 1):
        for name in ONE:
            command = [sys.executable, __file__, "--one", name, str(folder)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            results[name] += [json.loads(done.stdout)] if turn else []
        for name, program in PROGRAMS.items():
            began = perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True, env=environment)
            results[name] += [{"seconds": perf_counter() - began, "peak_mb": 0}] if turn else []
    return results


def report(facts: dict[str, Any], results: dict[str, list[dict[str, Any]]]) -> int:
    """The table; gives the exit status."""
    for what in ("frame", "open", "unbilled"):
        ours, theirs = results[f"our {what}"][0], results[f"their {what}"][0]
        same = [
            name
            for name in theirs
            if not name.startswith("seconds") and name != "peak_mb" and theirs[name] != ours[name]
        ]
        assert not same, f"{what}: not the same numbers in {same}: {[(ours[n], theirs[n]) for n in same]!s:.2000}"
    seconds = {name: min(one["seconds"] for one in found) for name, found in results.items()}
    peak = {name: max(one["peak_mb"] for one in found) for name, found in results.items()}
    print(f"\n{facts['size']} sandbox: {facts['rows']:,} rows, {results['our frame'][0]['rows']:,} timers;")
    print(
        f"  mirror {facts['mirror_bytes'] / 1e6:,.0f} MB, JSON {facts['json_bytes'] / 1e6:,.0f} MB; "
        f"filled in {facts['fill_seconds']:.0f} s ({facts['fill_peak_mb']:,} MB, of which the sandbox has most)"
    )
    lines = [
        ("timers to a frame", "our frame", "their frame", GOALS["load"], "SQLite, pandas.read_sql"),
        ("open tickets", "our open", "their open", GOALS["open"], "pandas by hand"),
        ("unbilled time", "our unbilled", "their unbilled", GOALS["unbilled"], "pandas by hand"),
        ("fresh Python to ws.tickets", "first table", "import pandas", GOALS["start"], "import pandas"),
        ("fresh Python to the open summary", "first summary", "import pandas", None, "import pandas"),
    ]
    missed = False
    print(f"\n{'':34}{'ours':>10}{'other':>10}{'ratio':>8}{'goal':>8}   {'beside':<26}peak MB, ours / other")
    for title, ours, theirs, goal, beside in lines:
        ratio = seconds[ours] / seconds[theirs]
        missed |= goal is not None and ratio > goal
        peaks = f"{peak[ours]:,} / {peak[theirs]:,}" if peak[ours] else ""
        wanted = f"<= {goal:g}" if goal else ""
        print(f"{title:34}{seconds[ours]:>8.3f} s{seconds[theirs]:>8.3f} s{ratio:>8.3f}{wanted:>8}   {beside:<26}{peaks}"
              f"{'   MISSED' if goal and ratio > goal else ''}")  # fmt: skip
    less = min(one["seconds_without_problems"] for one in results["their unbilled"])
    print(
        f"unbilled time beside the same by hand without its list of problems ({less:.3f} s): "
        f"{seconds['our unbilled'] / less:.3f}"
    )
    added = seconds["import syncro_nb"] - seconds["bare"]
    share = facts["mirror_bytes"] / facts["json_bytes"]
    missed |= added > GOALS["import"] or share > GOALS["size"]
    print(f"import syncro_nb over a bare interpreter: {1000 * added:.0f} ms (goal <= {1000 * GOALS['import']:.0f} ms)")
    print(f"mirror over its JSON: {share:.3f} (goal <= {GOALS['size']:g})")
    return int(missed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fill"]:
        fill(Path(sys.argv[2]), sys.argv[3])
    elif sys.argv[1:2] == ["--sqlite"]:
        put_into_sqlite(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["--one"]:
        measured = ONE[sys.argv[2]](Path(sys.argv[3]))
        print(json.dumps({**measured, "peak_mb": peak_mb()}))
    else:
        sys.exit(main())
