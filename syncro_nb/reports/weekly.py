"""The weekly reports: how things stand on the day of the books."""

from __future__ import annotations

import pandas as pd

from .. import terms
from ..reconcile.blocks import BLOCKS
from ..reconcile.blocks import blocks as block_rows
from ..summary.age import AGE_BANDS
from ..summary.open_tickets import COUNTS, OPEN, OURS, count_by, open_rows
from ..summary.unbilled import TIMER, TO_BILL, UNBILLED, WITHOUT_TIME, resolved_without_time, unbilled_rows
from ..tables import INSTANT, Column
from .registry import Question, report

BANDS = {f"days_{band.replace('–', '_').replace('+', '_plus')}_cents": band for band in AGE_BANDS}
_TICKET_TABLES = ("tickets", "comments")
_WORK_TABLES = ("tickets", "timers", "charges", "products", "users", "customers", "contracts")
_WORK_DETAILS = ("tickets", "customers")  # lines and comments, and the prepaid hours that pay for work

OPEN_COUNTS = {
    "by": Column("category", "what is counted by: status, age, technician, customer"),
    "value": Column("str", "the status, band of ages in days, technician or customer; empty: nobody"),
    **COUNTS,
}
WIP = {
    "customer": Column("str", "business name, else the person's"),
    "technician": Column("str", "who worked; empty: nobody is named"),
    "records": Column("int64", "timers not charged and charges not invoiced"),
    "billable_hours": Column("float64", "billable hours of the timers and labour lines"),
    **{name: Column("int64", f"worked {band} days ago, in cents") for name, band in BANDS.items()},
    "undated_cents": Column("int64", "of work without a date, in cents"),
    "amount_cents": Column("int64", "all of it, in cents"),
}
WAITING = {
    "number": Column("int64", "ticket number"),
    "customer": Column("str", "business name, else the person's"),
    "technician": Column("category", "who it is assigned to; empty: nobody"),
    "status": Column("category", "the account's own word"),
    "priority": Column("category", "the account's own word"),
    "waiting_since": Column(INSTANT, "their first comment that nobody has answered"),
    "waiting_days": Column("Int64", "whole days since then"),
    "subject": Column("str", "subject as written"),
}


@report("open", OPEN_COUNTS, *_TICKET_TABLES)
def open_tickets(question: Question) -> pd.DataFrame:
    """Open tickets by status, age, technician and customer. One row each; a ticket is counted once in each of the four."""
    rows = open_rows(question.books, question.house)
    parts = []
    for by, column in (
        ("status", "status"),
        ("age", "age_band"),
        ("technician", "technician"),
        ("customer", "customer"),
    ):
        counted = count_by(rows, column, by_size=by != "age")
        parts.append(counted.assign(by=by, value=counted[column].astype("str")))
    return pd.concat([part[list(OPEN_COUNTS)] for part in parts], ignore_index=True)


@report("wip", WIP, *_WORK_TABLES, details_of=_WORK_DETAILS)
def work_in_progress(question: Question) -> pd.DataFrame:
    """Work done and not yet billed, by customer and technician, aged by the day of the work. Time and materials only."""
    rows = unbilled_rows(question.books, question.house)
    rows = rows[rows["mode"] == TO_BILL]
    parts = pd.DataFrame(
        {
            "customer": rows["customer"],
            "technician": rows["technician"],
            "records": 1,
            "seconds": rows["billable_seconds"],
            **{name: rows["amount_cents"].where(rows["age_band"] == band, 0) for name, band in BANDS.items()},
            "undated_cents": rows["amount_cents"].where(~rows["age_band"].isin(list(AGE_BANDS)), 0),
            "amount_cents": rows["amount_cents"],
        }
    )
    sums = parts.groupby(["customer", "technician"], as_index=False).sum()
    sums["billable_hours"] = sums["seconds"] / 3600
    return sums.sort_values(["amount_cents", "customer", "technician"], ascending=[False, True, True])


@report("uncharged", UNBILLED, *_WORK_TABLES, details_of=_WORK_DETAILS)
def uncharged(question: Question) -> pd.DataFrame:
    """Timers that ended, are billable, and were never charged, oldest first. Whatever pays for them: see their mode."""
    rows = unbilled_rows(question.books, question.house, site=question.site)
    return rows[rows["what"] == TIMER]


@report("no-time", WITHOUT_TIME, *_WORK_TABLES, "comments", details_of=_WORK_DETAILS)
def without_time(question: Question) -> pd.DataFrame:
    """Tickets that were resolved with no time and no labour line, newest first. Only those whose details were read."""
    return resolved_without_time(question.books, question.house, site=question.site)


@report("waiting", WAITING, *_TICKET_TABLES, details_of=("tickets",))
def waiting(question: Question) -> pd.DataFrame:
    """Customers who wait for our answer, the longest wait first. A question of theirs is the last public word."""
    rows = open_rows(question.books, question.house)
    asked = (rows["waiting_on"] == OURS) & (rows["waiting_source"].astype("str") == "comments")
    tickets = question.books.table("tickets", ["number", "customer_reply", "status"])
    flagged = tickets["customer_reply"] | tickets["status"].astype("str").str.strip().str.lower().eq("customer reply")
    said = rows["number"].isin(tickets.loc[flagged, "number"].tolist())
    return rows[asked | ((rows["waiting_on"] == OURS) & said)].sort_values(["waiting_since", "number"])


@report("blocks", BLOCKS, "customers", "prepaid", "invoices", "invoice_lines", "products", details_of=("customers",))
def blocks(question: Question) -> pd.DataFrame:
    """Prepaid hours of each customer who has a block: sold, drawn, left, and the days that they last."""
    return block_rows(question.books, question.house)


def open_list(question: Question) -> pd.DataFrame:
    """Every open ticket as OPEN, for whoever wants the list behind the counts."""
    return open_rows(question.books, question.house, site=question.site)[list(OPEN)]


def labour_seconds(question: Question) -> pd.DataFrame:
    """The timers of the period with their terms (terms.TIMED)."""
    timers = question.books.table("timers")
    rows = terms.timed(timers, question.books, question.house)
    return rows[question.within(rows["worked_on"])]
