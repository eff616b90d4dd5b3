"""The checklist for closing a month: what must be done, what is, and what nobody could see."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from .. import terms
from ..frames import frame
from ..reconcile.decisions import by_key, last
from ..summary.unbilled import CHARGE, TIMER, TO_BILL, resolved_without_time, unbilled_rows
from ..tables import Column
from .monthly import balances, recurring, tells_schedules
from .registry import Question, report
from .weekly import blocks

DONE, TO_DO, UNKNOWN = "done", "to do", "not known"
CHECKLIST = {
    "step": Column("str", "what has to be so before the month is closed"),
    "state": Column("category", f"{DONE}, {TO_DO}, or {UNKNOWN}: it could not be seen"),
    "records": Column("Int64", "how many are left; absent: not known"),
    "amount_cents": Column("Int64", "what they come to, in cents; absent: not known, or not in money"),
    "see": Column("str", "where they are listed"),
}


def _notes(question: Question) -> Iterator[str]:
    yield "Done means: looked at in full, and nothing was left up to the last day of the period."
    if question.period[1] > terms.today(question.books):
        yield "The period is not over on the day of these books: nothing in it is done yet."


@report(
    "checklist",
    CHECKLIST,
    *("tickets", "timers", "charges", "comments", "products", "customers", "contracts", "invoices", "invoice_lines"),
    *("payments", "schedules", "prepaid"),
    details_of=("tickets", "customers"),
    monthly=True,
    of_findings=True,
    notes=_notes,
)
def checklist(question: Question) -> pd.DataFrame:
    """The steps of closing the month, each with what is left."""
    return frame(CHECKLIST, (_step(question, *one) for one in _steps(question)))


def _step(
    question: Question, step: str, tables: tuple[str, ...], records: int | None, cents: int | None, see: str
) -> tuple[str, str, int | None, int | None, str]:
    """A row. What was found is to do, whatever else is missing.

    Nothing found counts only where everything was seen, and no day of the period is still to come.
    """
    from ..summary.missing import gaps

    is_over = question.period[1] <= terms.today(question.books)
    seen = is_over and not gaps(question.books, *tables, details_of="tickets" if "tickets" in tables else None)
    if records is None or (records == 0 and not seen):
        return step, UNKNOWN, None, None, see
    return step, TO_DO if records else DONE, records, cents, see


def _steps(question: Question) -> Iterator[tuple[str, tuple[str, ...], int | None, int | None, str]]:
    books, house = question.books, question.house
    end = pd.Timestamp(question.period[1])
    timers = books.table("timers", ["started_at", "ended_at"])
    running = timers["ended_at"].isna() & (question.local_days(timers["started_at"]) <= end)
    yield "No timer is running", ("tickets", "timers"), int(running.sum()), None, "syncro reconcile: timer-running"

    rows = unbilled_rows(books, house)
    rows = rows[(rows["mode"] == TO_BILL) & (rows["worked_on"] <= end)]
    for what, step, see in (
        (TIMER, "Every timer of the month is charged", "syncro report uncharged"),
        (CHARGE, "Every charge of resolved tickets is invoiced", "syncro unbilled"),
    ):
        part = rows[(rows["what"] == what) & (rows["resolved"] | (what == TIMER))]
        cents = None if part["rate_cents"].isna().any() else int(part["amount_cents"].sum())
        yield step, ("tickets", "timers", "charges"), len(part), cents, see

    idle = resolved_without_time(books, house)
    idle = idle[question.local_days(idle["resolved_at"]) <= end]
    yield (
        "No ticket is resolved without time",
        ("tickets", "timers", "charges"),
        len(idle),
        None,
        "syncro report no-time",
    )

    plans = recurring(question)
    short = plans[(plans["expected"].fillna(0) > plans["made"]) | (plans["overdue"] & (plans["next_run_on"] <= end))]
    # A run that is past and was not made is due, whether the period has another one or not.
    due = short["expected_cents"].fillna(0).clip(lower=short["run_cents"].where(short["overdue"], 0))
    missing = (due - short["made_cents"]).clip(lower=0)
    # An invoice that is not at hand may have been made.
    unsure = bool(books.gaps_of("schedules", "invoices", of_details=False))
    unsure = unsure or not (short["overdue"].all() or tells_schedules(question))
    known = None if unsure or (plans["expected"].isna().any() and short.empty) else len(short)
    yield (
        "Every recurring invoice is made",
        ("schedules", "invoices"),
        known,
        int(missing.sum()),
        "syncro report recurring",
    )

    empty = blocks(question)
    empty = empty[empty["left_millionths"] < 0]
    yield "No prepaid block is overdrawn", ("customers", "prepaid"), len(empty), None, "syncro report blocks"

    owed = balances(question)
    owed = owed[
        (owed["balance_cents"].fillna(0) > 0)
        & (owed["due_on"].fillna(owed["dated_on"]) < pd.Timestamp(terms.today(books)))
    ]
    yield (
        *("Nothing that customers owe is overdue", ("invoices", "payments"), len(owed)),
        *(int(owed["balance_cents"].sum()), "syncro report receivables"),
    )
    yield _reconciled(question)


def _reconciled(question: Question) -> tuple[str, tuple[str, ...], int | None, int | None, str]:
    """Whether the month was reconciled, and every finding that is wrong now or lost at the close was decided."""
    step, see = "Every finding of the reconciliation is decided", "syncro reconcile"
    first, end = question.period
    looked = [
        one
        for one in question.sightings or ()
        if (one.from_ is None or one.from_ <= first) and (one.to is None or one.to >= end) and one.as_of.date() >= end
    ]
    if question.sightings is None or question.decisions is None or not looked:
        return step, (), None, None, see
    newest = max(looked, key=lambda one: one.as_of)
    known = by_key(question.decisions)
    serious = [one for one in newest.findings if one.severity in ("S1", "S2") and one.on <= end.isoformat()]
    left = [one for one in serious if last(known.get(one.key, ()))[0] is None]
    if not left and newest.unevaluated:
        return step, (), None, None, see
    return step, (), len(left), sum(one.amount_cents for one in left if one.direction == "leak"), see
