"""The monthly reports: what a month brought in, took, and left undone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pandas as pd

from .. import hours as business
from .. import terms
from ..frames import frame
from ..policy import FREE_KINDS
from ..reconcile import decisions as decided
from ..reconcile.arithmetic import has_word, net_cents
from ..reconcile.blocks import HOURLESS, sells_hours
from ..reconcile.cash import received
from ..tables import DAY, INSTANT, Column
from .registry import Question, report
from .weekly import labour_seconds

ALL = "(all)"
WORK = ("tickets", "timers", "products", "users", "customers")
INVOICED = ("invoices", "invoice_lines", "products")

RATE = {
    "customer": Column("str", "business name, else the person's; the last row is all of them"),
    "hours": Column("float64", "hours worked on tickets in the period, by its timers"),
    "labour_cents": Column("int64", "labour invoiced in the period, in cents, without tax"),
    "invoiced_cents": Column("int64", "everything invoiced in the period, in cents, without tax"),
    "rate_cents": Column("Int64", "effective hourly rate: labour by hours, in cents; absent: no hours"),
    "revenue_rate_cents": Column("Int64", "everything by hours, in cents; absent: no hours"),
}
UTILISATION = {
    "technician": Column("str", "technician; the last row is all of them"),
    "ticket_hours": Column("float64", "hours on tickets, by timers that ended"),
    "billable_hours": Column("float64", "of these on timers that are billable"),
    "attendance_hours": Column("Float64", "hours of attendance by the time clock; absent: none recorded"),
    "utilisation_percent": Column("Float64", "hours on tickets by attendance, in percent; absent: no attendance"),
    "billable_percent": Column("Float64", "billable hours by attendance, in percent; absent: no attendance"),
}
REALISATION = {
    "customer": Column("str", "business name, else the person's; the last row is all of them"),
    "hours": Column("float64", "hours worked on tickets in the period"),
    "standard_cents": Column("int64", "these hours at the products' own prices, in cents"),
    "labour_cents": Column("int64", "labour invoiced in the period, in cents, without tax"),
    "realisation_percent": Column("Float64", "labour by standard, in percent; absent: no standard"),
}
WRITE_OFFS = {
    "source": Column("category", "decision (on a finding), or not billable (time in Syncro that nobody bills)"),
    "reason": Column("str", "why; empty: no reason is given"),
    "direction": Column("category", "leak, over, timing, cash or none; never netted against another"),
    "records": Column("int64", "findings, or timers"),
    "hours": Column("float64", "hours by the house's rounding; 0 for decisions"),
    "amount_cents": Column("int64", "in cents; time at its rate"),
}
MIX = {
    "kind": Column("str", "labour kind; the last row is all of them"),
    "lines": Column("int64", "labour lines on invoices"),
    "hours": Column("float64", "hours invoiced, or drawn from a block"),
    "hours_percent": Column("Float64", "share of all hours, in percent"),
    "amount_cents": Column("int64", "invoiced, in cents, without tax"),
    "worked_hours": Column("float64", "hours worked on tickets, by timers of the kind"),
    "after_hours": Column("float64", "of these outside business hours and on holidays"),
    "after_hours_percent": Column("Float64", "their share, in percent; absent: nothing was worked"),
}
RESPONSE = {
    "priority": Column("str", "the account's own word; empty: none; the last row is all of them"),
    "tickets": Column("int64", "tickets that were created in the period"),
    "answered": Column("int64", "of these with a public answer of a technician"),
    "response_median_hours": Column("Float64", "hours from creation to the first public answer, median"),
    "response_p90_hours": Column("Float64", "the same, 90th percentile"),
    "resolved": Column("int64", "of these resolved by now"),
    "resolution_median_hours": Column("Float64", "hours from creation to resolution, median"),
    "resolution_p90_hours": Column("Float64", "the same, 90th percentile"),
}
REOPENED = {
    "number": Column("int64", "ticket number"),
    "customer": Column("str", "business name, else the person's"),
    "technician": Column("category", "who it is assigned to"),
    "status": Column("category", "its status now"),
    "resolved_at": Column(INSTANT, "when it was resolved"),
    "sign": Column("category", "open again, or the customer wrote after it was resolved"),
    "since": Column(INSTANT, "when it was taken up again, as far as can be seen"),
    "subject": Column("str", "subject as written"),
}
TALKERS = {
    "customer": Column("str", "business name, else the person's"),
    "contact": Column("str", "the person; empty: nobody is named"),
    "tickets": Column("int64", "tickets created in the period"),
    "comments": Column("int64", "comments that the customer wrote in the period, on any ticket"),
    "hours": Column("float64", "hours worked in the period on this person's tickets"),
}
_AGES = {
    "current": (None, 0),
    "days_1_30": (1, 30),
    "days_31_60": (31, 60),
    "days_61_90": (61, 90),
    "days_90_plus": (91, None),
}
RECEIVABLES = {
    "customer": Column("str", "business name, else the person's; the last row is all of them"),
    "invoices": Column("int64", "invoices with a balance due"),
    "current_cents": Column("int64", "not due yet, in cents"),
    "days_1_30_cents": Column("int64", "overdue 1 to 30 days, in cents"),
    "days_31_60_cents": Column("int64", "overdue 31 to 60 days, in cents"),
    "days_61_90_cents": Column("int64", "overdue 61 to 90 days, in cents"),
    "days_90_plus_cents": Column("int64", "overdue more than 90 days, in cents"),
    "balance_cents": Column("int64", "all of it, in cents"),
    "oldest_due_on": Column(DAY, "the earliest due day"),
}
UNLINKED = {
    "what": Column("category", "invoice without ticket, or ticket without invoice"),
    "number": Column("str", "invoice number or ticket number"),
    "customer": Column("str", "business name, else the person's"),
    "on": Column(DAY, "invoice date, or the day on which the ticket was resolved"),
    "amount_cents": Column("int64", "the invoice without tax; what waits on the ticket (charges and timers), in cents"),
    "mode": Column("str", "how the work on the ticket is paid for; empty for an invoice, or where no time tells"),
    "text": Column("str", "first line of the invoice, or the ticket's subject"),
}
RECURRING = {
    "customer": Column("str", "business name, else the person's"),
    "schedule": Column("str", "name of the recurring invoice"),
    "frequency": Column("category", "how often, in Syncro's words"),
    "paused": Column("bool", "it does not run"),
    "expected": Column("Int64", "runs due in the period; absent: its frequency is not known here"),
    "made": Column("int64", "invoices that name this schedule, dated in the period"),
    "run_cents": Column("int64", "amount of one run, in cents, without tax"),
    "expected_cents": Column("Int64", "runs × amount of one, in cents, without tax"),
    "made_cents": Column("int64", "what these invoices come to, in cents, without tax"),
    "next_run_on": Column(DAY, "day of its next run"),
    "overdue": Column("bool", "the next run is past, and it is not paused"),
}


# ---------------------------------------------------------------- what several reports read


def _hours_by(rows: pd.DataFrame, column: str) -> pd.Series:
    return rows.groupby(rows[column].astype("str"))["actual_seconds"].sum() / 3600


def _worked(question: Question) -> pd.DataFrame:
    """Timers of the period that ended, with their terms; time that is negative or missing counts as none."""
    rows = labour_seconds(question)
    ended = question.books.table("timers", ["ended_at"])["ended_at"].notna()
    return rows[ended.reindex(rows.index)].assign(actual_seconds=lambda one: one["actual_seconds"].clip(lower=0))


def _invoices(question: Question) -> pd.DataFrame:
    names = ["invoice_id", "number", "customer_id", "customer", "ticket_id", "schedule_id", "is_recurring", "dated_on"]
    invoices = question.books.table("invoices", [*names, "subtotal_cents", "named_at"])
    return invoices[question.within(invoices["dated_on"])]


def _invoice_lines(question: Question, invoices: pd.DataFrame) -> pd.DataFrame:
    """Lines of these invoices with the customer, the labour kind ("" for none), and whether they sell prepaid hours."""
    names = [
        "line_id",
        "invoice_id",
        "product_id",
        "category",
        "name",
        "description",
        "quantity_millionths",
        "amount_cents",
        "discount_percent",
        "discount_cents",
    ]
    lines = question.books.table("invoice_lines", names)
    lines = lines[lines["invoice_id"].isin(invoices["invoice_id"].tolist())]
    lines = lines.assign(amount_cents=net_cents(lines))
    found = terms.look_up(lines["invoice_id"], invoices, "invoice_id", {"customer": "customer"})
    products = question.books.table("products", ["product_id", "category"])
    kinds = terms.kind(lines, products, question.house).astype("str")
    sold = sells_hours(lines, products)
    return lines.assign(customer=found["customer"].astype("str"), kind=kinds.where(~sold, ""), prepaid=sold)


def _labour(question: Question) -> pd.Series:
    """Labour invoiced in the period, in cents less discounts, by customer."""
    lines = _invoice_lines(question, _invoices(question))
    return lines[lines["kind"].ne("")].groupby("customer")["amount_cents"].sum()


def _ratio(top: pd.Series, bottom: pd.Series, times: float = 1) -> pd.Series:
    """Top by bottom, for reading; absent where the bottom is 0 or absent."""
    under = bottom.astype("Float64").mask((bottom.fillna(0) <= 0).astype("bool"))
    return top.astype("Float64") * times / under


def _cents_by_hours(cents: pd.Series, hours: pd.Series) -> pd.Series:
    """Cents an hour, rounded half up; absent where there are no hours."""
    return ((_ratio(cents, hours) + 0.5) // 1).astype("Int64")


def _at(moments: pd.Series, ids: pd.Series) -> pd.Series:
    """For each id its instant; absent where there is none. (`map` refuses an empty column of instants.)"""
    return moments.reindex(ids.astype("Int64")).astype(INSTANT).set_axis(ids.index)


def _text_at(texts: pd.Series, ids: pd.Series) -> pd.Series:
    """For each id its text; empty where there is none."""
    return texts.reindex(ids.astype("Int64")).astype(object).fillna("").astype("str").set_axis(ids.index)


def _with_all(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """The rows and one more with their sums, under ALL."""
    total = rows.drop(columns=key).sum(numeric_only=True).to_frame().T.assign(**{key: ALL})
    return pd.concat([rows, total], ignore_index=True)[list(rows)] if len(rows) else rows


# ---------------------------------------------------------------- money and time


def _leakage_doubts(question: Question) -> Iterator[str]:
    if question.sightings is None or question.decisions is None:
        yield "Earlier reconciliations and decisions could not be looked at: nothing is known of any leak."
    elif not question.sightings:
        yield "No reconciliation has been made on this machine yet (`syncro reconcile`): nothing is known of any leak."
    else:
        newest = max(question.sightings, key=lambda one: one.as_of)
        if newest.unevaluated:
            rules = ", ".join(sorted(newest.unevaluated))
            yield f"Not evaluated in full, so that more may leak there (`syncro reconcile` says why): {rules}"


def _leakage_notes(question: Question) -> Iterator[str]:
    yield "Recovered: decided fixed, or gone when a later reconciliation looked at the same days in full. Leaks only."


@report("leakage", decided.BRIDGE, of_findings=True, notes=_leakage_notes, doubts=_leakage_doubts)
def leakage(question: Question) -> pd.DataFrame:
    """The leakage bridge: what was found, recovered, accepted, dismissed and is open, by month and rule."""
    return decided.bridge(question.sightings or (), question.decisions or ())


@report("rate", RATE, *WORK, *INVOICED, monthly=True)
def effective_rate(question: Question) -> pd.DataFrame:
    """Effective hourly rate by customer: labour invoiced in the period by hours worked in it."""
    invoices = _invoices(question)
    rows = pd.DataFrame(
        {
            "hours": _hours_by(_worked(question), "customer"),
            "labour_cents": _labour(question),
            "invoiced_cents": invoices.groupby(invoices["customer"].astype("str"))["subtotal_cents"].sum(),
        }
    ).fillna(0)
    rows = rows.rename_axis("customer").reset_index().astype({"labour_cents": "int64", "invoiced_cents": "int64"})
    rows = _with_all(rows.sort_values(["labour_cents", "customer"], ascending=[False, True]), "customer")
    rows["rate_cents"] = _cents_by_hours(rows["labour_cents"], rows["hours"])
    rows["revenue_rate_cents"] = _cents_by_hours(rows["invoiced_cents"], rows["hours"])
    return rows


def _attendance_doubts(question: Question) -> Iterator[str]:
    logs = question.books.table("timelogs", ["in_at", "out_at"])
    logs = logs[question.within(question.local_days(logs["in_at"]))]
    open_ones = int(logs["out_at"].isna().sum())
    if len(logs) == 0:
        yield "Nobody's attendance is recorded (no time clock entries): utilisation is not known."
    if open_ones:
        yield f"{open_ones} attendance entries have no end, and count for nothing."


@report("utilisation", UTILISATION, *WORK, "timelogs", monthly=True, doubts=_attendance_doubts)
def utilisation(question: Question) -> pd.DataFrame:
    """Hours on tickets by attendance, for each technician."""
    worked = _worked(question)
    billable = question.books.table("timers", ["billable"])["billable"].reindex(worked.index)
    logs = question.books.table("timelogs", ["user_id", "in_at", "out_at"])
    logs = logs[question.within(question.local_days(logs["in_at"])) & logs["out_at"].notna()]
    stayed = (logs["out_at"] - logs["in_at"]).dt.total_seconds().clip(lower=0) / 3600
    names = terms.technician(logs["user_id"], question.books)
    rows = pd.DataFrame(
        {
            "ticket_hours": _hours_by(worked, "technician"),
            "billable_hours": _hours_by(worked[billable], "technician"),
            "attendance_hours": stayed.groupby(names.astype("str")).sum().astype("Float64"),
        }
    )
    rows = rows.fillna({"ticket_hours": 0.0, "billable_hours": 0.0}).rename_axis("technician").reset_index()
    rows = _with_all(rows.sort_values("technician"), "technician")
    both = rows["attendance_hours"].astype("Float64").mask(rows["attendance_hours"].fillna(0).eq(0).astype("bool"))
    rows["attendance_hours"] = both
    rows["utilisation_percent"] = _ratio(rows["ticket_hours"], both, 100)
    rows["billable_percent"] = _ratio(rows["billable_hours"], both, 100)
    return rows


@report("realisation", REALISATION, *WORK, *INVOICED, monthly=True)
def realisation(question: Question) -> pd.DataFrame:
    """Labour invoiced by what the hours worked come to at the standard rate, by customer."""
    worked = _worked(question)
    products = question.books.table("products", ["product_id", "price_cents"])
    timers = question.books.table("timers", ["product_id"]).reindex(worked.index)
    price = terms.look_up(timers["product_id"], products, "product_id", {"price": "price_cents"})["price"]
    standard = terms.hours_cents(worked["actual_seconds"], price)
    rows = pd.DataFrame(
        {
            "hours": _hours_by(worked, "customer"),
            "standard_cents": standard.groupby(worked["customer"].astype("str")).sum(),
            "labour_cents": _labour(question),
        }
    ).fillna(0)
    rows = rows.rename_axis("customer").reset_index().astype({"standard_cents": "int64", "labour_cents": "int64"})
    rows = _with_all(rows.sort_values(["standard_cents", "customer"], ascending=[False, True]), "customer")
    rows["realisation_percent"] = _ratio(rows["labour_cents"], rows["standard_cents"], 100)
    return rows


def _write_off_doubts(question: Question) -> Iterator[str]:
    if question.decisions is None:
        yield "Decisions on findings could not be looked at: only time that is not billable is counted."


def _write_off_notes(question: Question) -> Iterator[str]:
    yield "Decisions count in the month of their finding; time counts in the month of the work."


@report(
    "write-offs",
    WRITE_OFFS,
    *(*WORK, "contracts"),
    details_of=("customers",),
    monthly=True,
    notes=_write_off_notes,
    doubts=_write_off_doubts,
)
def write_offs(question: Question) -> pd.DataFrame:
    """What was written off, by reason: findings that were accepted, and time on tickets that nobody bills."""
    first, last = question.period
    accepted = decided.write_offs(question.decisions or ())
    accepted = accepted[(accepted["month"] >= f"{first:%Y-%m}") & (accepted["month"] <= f"{last:%Y-%m}")]
    ours = accepted.assign(source="decision", hours=0.0).rename(columns={"findings": "records"})
    worked = _worked(question)
    timers = question.books.table(
        "timers", ["billable", "notes", "started_at", "ended_at", "active_seconds", "ticket_id", "timer_id"]
    )
    timers = timers.reindex(worked.index)
    free = (
        ~timers["billable"].astype("bool") & worked["mode"].eq("time-and-materials") & ~worked["kind"].isin(FREE_KINDS)
    )
    worked, timers = worked[free], timers[free]
    seconds = terms.policy_seconds(timers, worked["kind"], question.house.policy)
    theirs = pd.DataFrame(
        {
            "source": "not billable",
            "reason": _reason(timers, question),
            "direction": "leak",
            "records": 1,
            "hours": seconds / 3600,
            "amount_cents": terms.hours_cents(seconds, worked["rate_cents"]),
        }
    )
    keys = ["source", "reason", "direction"]
    both = pd.concat([part[list(WRITE_OFFS)].astype(dict.fromkeys(keys, "str")) for part in (ours, theirs)])
    sums = both.groupby(keys, as_index=False).sum()
    return sums.sort_values(["amount_cents", *keys], ascending=[False, True, True, True])


def _reason(timers: pd.DataFrame, question: Question) -> pd.Series:
    """The first of the account's words for free work in a timer's notes or its ticket's tags, whole; empty for none."""
    words = terms.of_ticket(timers["ticket_id"], question.books, question.house)
    said = timers["notes"].fillna("") + "\n" + words["tags"].fillna("") + "\n" + words["customer_tags"].fillna("")
    found = pd.Series("", index=timers.index, dtype="str")
    for word in reversed(question.house.policy.reasons):
        found = found.mask(has_word(said, [word]), word)
    return found


def _mix_doubts(question: Question) -> Iterator[str]:
    yield from business.from_settings(question.books.settings, question.books.zone).doubts


@report("labour-mix", MIX, *WORK, *INVOICED, monthly=True, doubts=_mix_doubts)
def labour_mix(question: Question) -> pd.DataFrame:
    """Labour by kind: hours and amounts invoiced, and how much of the work was done after hours."""
    lines = _invoice_lines(question, _invoices(question))
    lines = lines[lines["kind"].ne("")]
    counted = lines["quantity_millionths"].where(~lines["kind"].isin(HOURLESS), 0)
    worked = _worked(question)
    kinds = worked["kind"].astype("str")
    timers = question.books.table("timers", ["started_at", "ended_at"]).reindex(worked.index)
    shop = business.from_settings(question.books.settings, question.books.zone)
    elapsed = (timers["ended_at"] - timers["started_at"]).dt.total_seconds()
    outside = (elapsed - shop.open_seconds_between(timers["started_at"], timers["ended_at"]).astype("Float64")).clip(
        lower=0
    )
    # Breaks are not dated: what was worked outside is the outside part of the span, and no more than what was worked.
    share = _ratio(outside, elapsed).fillna(0).astype("float64")
    late = worked["actual_seconds"] * share
    rows = pd.DataFrame(
        {
            "lines": lines.groupby("kind").size(),
            "millionths": counted.groupby(lines["kind"]).sum(),
            "amount_cents": lines.groupby("kind")["amount_cents"].sum(),
            "worked_hours": worked.groupby(kinds)["actual_seconds"].sum() / 3600,
            "after_hours": late.groupby(kinds).sum() / 3600,
        }
    ).fillna(0)
    rows = rows.rename_axis("kind").reset_index().astype({"lines": "int64", "amount_cents": "int64"})
    rows["hours"] = rows["millionths"] / 1_000_000
    rows = _with_all(rows.sort_values(["hours", "kind"], ascending=[False, True]), "kind")
    rows["kind"] = rows["kind"].replace("", "(no labour product)")
    every = pd.Series(rows.loc[rows["kind"] == ALL, "hours"].sum(), index=rows.index)
    rows["hours_percent"] = _ratio(rows["hours"], every, 100)
    rows["after_hours_percent"] = _ratio(rows["after_hours"], rows["worked_hours"], 100)
    return rows


# ---------------------------------------------------------------- service


@report("response", RESPONSE, "tickets", "comments", details_of=("tickets",), monthly=True)
def response(question: Question) -> pd.DataFrame:
    """Hours to the first public answer and to resolution, median and 90th percentile, by priority. Calendar hours.

    The first answer is the first public comment of a technician after the ticket's first comment (Syncro's definition).
    """
    names = ["ticket_id", "priority", "status", "created_at", "resolved_at", "detail_at"]
    tickets = question.books.table("tickets", names)
    tickets = tickets[question.within(question.local_days(tickets["created_at"]))]
    comments = question.books.table("comments", ["comment_id", "ticket_id", "created_at", "user_id", "hidden"])
    comments = comments[comments["ticket_id"].isin(tickets["ticket_id"].tolist())].sort_values(
        ["created_at", "comment_id"]
    )
    public = comments[~comments["hidden"]]
    later = public[public.groupby("ticket_id").cumcount() > 0]
    answers = later[later["user_id"].notna()].groupby("ticket_id")["created_at"].min()
    answered_at = _at(answers, tickets["ticket_id"]).where(tickets["detail_at"].notna())
    done = terms.resolved(tickets, question.house) & tickets["resolved_at"].notna()
    parts = pd.DataFrame(
        {
            "priority": tickets["priority"].astype("str").replace("nan", ""),
            "answer": (answered_at - tickets["created_at"]).dt.total_seconds() / 3600,
            "resolution": ((tickets["resolved_at"] - tickets["created_at"]).dt.total_seconds() / 3600).where(done),
        }
    )
    every = pd.concat([parts, parts.assign(priority=ALL)]) if len(parts) else parts
    groups = every.groupby("priority", sort=True)
    rows = pd.DataFrame(
        {
            "tickets": groups.size(),
            "answered": groups["answer"].count(),
            "response_median_hours": groups["answer"].median(),
            "response_p90_hours": groups["answer"].quantile(0.9),
            "resolved": groups["resolution"].count(),
            "resolution_median_hours": groups["resolution"].median(),
            "resolution_p90_hours": groups["resolution"].quantile(0.9),
        }
    ).reset_index()
    return rows.sort_values("priority", key=lambda words: words.map(lambda word: (word == ALL, word))).convert_dtypes()


@report("reopened", REOPENED, "tickets", "comments", details_of=("tickets",), monthly=True)
def reopened(question: Question) -> pd.DataFrame:
    """Tickets that were resolved and taken up again in the period, newest first. Syncro keeps no history: see the sign."""
    names = ["ticket_id", "number", "customer", "technician", "status", "resolved_at", "updated_at", "subject"]
    tickets = question.books.table("tickets", names)
    tickets = tickets[tickets["resolved_at"].notna()]
    comments = question.books.table("comments", ["ticket_id", "created_at", "user_id", "hidden"])
    theirs = comments[comments["user_id"].isna() & ~comments["hidden"]].merge(
        tickets[["ticket_id", "resolved_at"]], on="ticket_id"
    )
    written = theirs[theirs["created_at"] > theirs["resolved_at"]].groupby("ticket_id")["created_at"].min()
    wrote = _at(written, tickets["ticket_id"])
    is_open = ~terms.resolved(tickets, question.house)
    since = wrote.where(wrote.notna(), tickets["updated_at"])
    sign = pd.Series("the customer wrote after it was resolved", index=tickets.index).mask(is_open, "open again")
    rows = tickets.assign(sign=sign, since=since)[is_open | wrote.notna()]
    return rows[question.within(question.local_days(rows["since"]))].sort_values("number", ascending=False)


@report("top-talkers", TALKERS, "tickets", "comments", "timers", "contacts", details_of=("tickets",), monthly=True)
def top_talkers(question: Question) -> pd.DataFrame:
    """The customers' people with the most tickets, with the comments that they wrote and the hours that they took."""
    names = ["ticket_id", "customer", "contact", "created_at"]
    tickets = question.books.table("tickets", names)
    fresh = question.within(question.local_days(tickets["created_at"]))
    comments = question.books.table("comments", ["ticket_id", "created_at", "user_id"])
    comments = comments[comments["user_id"].isna() & question.within(question.local_days(comments["created_at"]))]
    worked = _worked(question)
    parts = pd.DataFrame(
        {
            "customer": tickets["customer"],
            "contact": tickets["contact"],
            "tickets": fresh.astype("int64"),
            "comments": tickets["ticket_id"].map(comments["ticket_id"].value_counts()).fillna(0).astype("int64"),
            "seconds": tickets["ticket_id"]
            .map(worked.groupby("ticket_id")["actual_seconds"].sum())
            .fillna(0)
            .astype("int64"),
        }
    )
    sums = parts.groupby(["customer", "contact"], as_index=False).sum()
    sums = sums[(sums[["tickets", "comments", "seconds"]] > 0).any(axis=1)]
    sums["hours"] = sums["seconds"] / 3600
    order = ["tickets", "comments", "hours", "customer", "contact"]
    return sums.sort_values(order, ascending=[False, False, False, True, True])


# ---------------------------------------------------------------- invoices


def balances(question: Question) -> pd.DataFrame:
    """What is still to be paid of each invoice: Syncro's figure, else its total less the payments that went through.

    Nothing of what Syncro calls paid. Absent where one payment was put to several invoices and nothing tells how.
    """
    names = ["invoice_id", "number", "customer", "dated_on", "due_on", "total_cents", "balance_due_cents", "is_paid"]
    invoices = question.books.table("invoices", names)
    payments = question.books.table("payments", ["invoice_id", "invoice_ids", "amount_cents", "success"])
    got, unknown = received(invoices, payments[payments["success"]])
    left = (invoices["total_cents"] - got).astype("Int64").mask(unknown).where(~invoices["is_paid"], 0)
    return invoices.assign(balance_cents=invoices["balance_due_cents"].astype("Int64").fillna(left))


def _balance_doubts(question: Question) -> Iterator[str]:
    unknown = int(balances(question)["balance_cents"].isna().sum())
    if unknown:
        yield f"{unknown:,} invoices share a payment with others, and how it was split is not known: they are not counted."


@report("receivables", RECEIVABLES, "invoices", "payments", doubts=_balance_doubts)
def receivables(question: Question) -> pd.DataFrame:
    """What customers owe, by customer and by days overdue. Without a due day the invoice date counts."""
    rows = balances(question).astype({"balance_cents": "Int64"})
    rows = rows[rows["balance_cents"].fillna(0) != 0].astype({"balance_cents": "int64"})
    due = rows["due_on"].fillna(rows["dated_on"])
    late = (pd.Timestamp(terms.today(question.books)) - due).dt.days.fillna(0)
    parts = pd.DataFrame({"customer": rows["customer"], "invoices": 1})
    for name, (least, most) in _AGES.items():
        inside = (late >= (least if least is not None else -(10**6))) & (late <= (most if most is not None else 10**6))
        parts[f"{name}_cents"] = rows["balance_cents"].where(inside, 0)
    parts["balance_cents"] = rows["balance_cents"]
    sums = parts.groupby("customer", as_index=False).sum()
    sums = _with_all(sums.sort_values(["balance_cents", "customer"], ascending=[False, True]), "customer")
    oldest = due.groupby(rows["customer"]).min()
    sums["oldest_due_on"] = oldest.reindex(sums["customer"]).astype(DAY).set_axis(sums.index)
    if len(sums):
        sums.loc[sums["customer"] == ALL, "oldest_due_on"] = due.min()
    return sums


def _unlinked_doubts(question: Question) -> Iterator[str]:
    unread = _invoices(question)
    loose = unread["ticket_id"].isna() & unread["schedule_id"].isna() & ~unread["is_recurring"]
    unread = unread[loose & unread["named_at"].isna()]
    if len(unread):
        yield (
            f"{len(unread):,} invoices were seen in the list only, which does not always say the ticket: "
            f"that they name none is not proved, and neither is it that a ticket has no invoice."
        )
    if "schedules" in question.books.known and not tells_schedules(question):
        yield "No invoice of this account says whether it is a recurring one: those are among the invoices without a ticket."


@report(
    "unlinked",
    UNLINKED,
    *(*INVOICED, "tickets", "charges", "timers", "customers", "contracts"),
    details_of=("tickets", "customers"),
    monthly=True,
    doubts=_unlinked_doubts,
)
def unlinked(question: Question) -> pd.DataFrame:
    """Invoices without a ticket (recurring ones left out), and resolved tickets without an invoice that have charges or time."""
    invoices = _invoices(question)
    loose = invoices[invoices["ticket_id"].isna() & invoices["schedule_id"].isna() & ~invoices["is_recurring"]]
    lines = question.books.table("invoice_lines", ["line_id", "invoice_id", "name", "description"]).sort_values(
        "line_id"
    )
    first = lines["description"].where(lines["description"].ne(""), lines["name"]).groupby(lines["invoice_id"]).first()
    bills = pd.DataFrame(
        {
            "what": "invoice without ticket",
            "number": loose["number"],
            "customer": loose["customer"],
            "on": loose["dated_on"],
            "amount_cents": loose["subtotal_cents"],
            "mode": "",
            "text": _text_at(first, loose["invoice_id"]),
        }
    )
    names = ["ticket_id", "number", "customer", "status", "resolved_at", "subject"]
    tickets = question.books.table("tickets", names)
    days = question.local_days(tickets["resolved_at"])
    billed = question.books.table("invoices", ["ticket_id"])["ticket_id"].dropna().tolist()
    charges = question.books.table("charges", ["ticket_id", "amount_cents", "converted"])
    taken = charges.loc[charges["converted"], "ticket_id"].dropna().tolist()
    timers = terms.timed(question.books.table("timers"), question.books, question.house)
    waits = charges[~charges["converted"]].groupby("ticket_id")["amount_cents"].sum()
    modes = timers.dropna(subset="ticket_id").drop_duplicates("ticket_id").set_index("ticket_id")["mode"].astype("str")
    works = timers[timers["uncharged"]].groupby("ticket_id")["amount_cents"].sum()
    has = {*charges["ticket_id"].dropna(), *timers["ticket_id"].dropna()}
    left = (
        terms.resolved(tickets, question.house)
        & question.within(days)
        & ~tickets["ticket_id"].isin([*billed, *taken])
        & tickets["ticket_id"].isin(list(has))
    )
    alone = tickets[left]
    amount = alone["ticket_id"].map(waits).fillna(0) + alone["ticket_id"].map(works).fillna(0)
    work = pd.DataFrame(
        {
            "what": "ticket without invoice",
            "number": alone["number"].astype("str"),
            "customer": alone["customer"],
            "on": days[left],
            "amount_cents": amount.astype("int64"),
            "mode": _text_at(modes, alone["ticket_id"]),
            "text": alone["subject"],
        }
    )
    return pd.concat([bills, work], ignore_index=True).sort_values(
        ["what", "amount_cents", "number"], ascending=[True, False, True]
    )


_MONTHS = {"monthly": 1, "bimonthly": 2, "bi-monthly": 2, "quarterly": 3, "semi-annually": 6, "semiannually": 6}
_MONTHS |= {"biannually": 6, "bi-annually": 6, "annually": 12, "yearly": 12, "biennially": 24, "bi-yearly": 24}
_DAYS = {"daily": 1, "weekly": 7, "biweekly": 14, "bi-weekly": 14}


def _runs(next_run: date, frequency: str, first: date, last: date) -> int | None:
    """How many runs fall in the period, reckoned from the next one in steps of the frequency; None: it is not known."""
    import calendar

    word = frequency.strip().lower()
    if word not in _MONTHS and word not in _DAYS:
        return None
    if word in _DAYS:
        step, gap = _DAYS[word], (next_run - first).days
        return len(range(gap % step, (last - first).days + 1, step))
    found = 0
    months = (last.year - first.year) * 12 + last.month - first.month
    for ahead in range(months + 1):
        at = first.year * 12 + first.month - 1 + ahead
        if (at - (next_run.year * 12 + next_run.month - 1)) % _MONTHS[word] == 0:
            year, month = at // 12, at % 12 + 1
            day = date(year, month, min(next_run.day, calendar.monthrange(year, month)[1]))
            found += first <= day <= last
    return found


def tells_schedules(question: Question) -> bool:
    """Whether the account's invoices say which recurring invoice made them; not where none does and there are some."""
    invoices = question.books.table("invoices", ["schedule_id", "is_recurring"])
    return bool(not len(question.books.table("schedules", ["schedule_id"])) or invoices.notna()["schedule_id"].any())


def _recurring_doubts(question: Question) -> Iterator[str]:
    if not tells_schedules(question):
        yield "No invoice of this account says which recurring invoice made it: what was made is not known."


@report("recurring", RECURRING, "schedules", "invoices", "customers", monthly=True, doubts=_recurring_doubts)
def recurring(question: Question) -> pd.DataFrame:
    """Recurring invoices: runs that were due in the period, and invoices that were made. Runs are reckoned from the next one."""
    first, last = question.period
    schedules = question.books.table("schedules")
    invoices = _invoices(question)
    groups = invoices.dropna(subset="schedule_id").groupby("schedule_id")
    made, amounts = groups.size(), groups["subtotal_cents"].sum()
    customers = question.books.table("customers", ["customer_id", "name"])
    names = terms.look_up(schedules["customer_id"], customers, "customer_id", {"customer": "name"})["customer"]
    today = terms.today(question.books)
    rows = []
    for one, customer in zip(schedules.itertuples(index=False), names, strict=True):
        next_run = None if pd.isna(one.next_run_on) else one.next_run_on.date()
        expected = None if next_run is None else 0 if one.paused else _runs(next_run, str(one.frequency), first, last)
        cents = None if expected is None else expected * int(one.subtotal_cents)
        rows.append(
            (
                customer, one.name, one.frequency, one.paused, expected, int(made.get(one.schedule_id, 0)),
                int(one.subtotal_cents), cents, int(amounts.get(one.schedule_id, 0)), next_run,
                next_run is not None and next_run < today and not one.paused,
            )
        )  # fmt: skip
    return frame(RECURRING, rows).sort_values(["customer", "schedule"])
