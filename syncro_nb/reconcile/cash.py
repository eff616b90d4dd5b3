"""Rules on cash and ledger: what was paid against what was invoiced, and the bookkeeper's copy."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from .. import terms
from ..books import Books
from ..money import format_cents
from .arithmetic import Array, among, ids, sum_by
from .finding import Found, Lack, hits
from .inputs import Billed
from .registry import rule

_FEW_CENTS = 5


@rule("paid-flags", "S1", whole=("payments",))
def paid_flags(
    invoices: pd.DataFrame,
    payments: pd.DataFrame,
    customers: pd.DataFrame,
    books: Any,
    zone: Any,
) -> Found:
    """An invoice counts as paid and is not, or the other way round; or a payment belongs to no invoice.

    Only payments that went through count. A total of $0.00 agrees with either flag; a credit note is paid when as much
    was given back. Where one payment was put to several invoices Syncro's list does not say how it was split: the
    invoice's own balance tells, and without that it is not evaluated. A payment to an invoice that is not among those
    at hand is only found where the list of invoices is whole.
    """
    good = payments[payments["success"].to_numpy()]
    single = good[good["invoice_id"].notna().to_numpy()]
    number = invoices["invoice_id"].to_numpy()
    total = invoices["total_cents"].to_numpy()
    got, unknown = received(invoices, good)
    lacks: tuple[Lack, ...] = ()
    if unknown.any():
        reason = "a payment was put to several invoices, and how it was split is not known"
        lacks = (Lack(reason, int(unknown.sum()), invoices["day"][unknown]),)
    settled = np.where(total > 0, got >= total, got <= total)
    flag = invoices["is_paid"].to_numpy()
    wrong = (total != 0) & (flag != settled) & ~unknown
    rows = invoices[wrong].assign(paid_cents=got[wrong])
    amount = np.where(rows["is_paid"], (rows["total_cents"] - rows["paid_cents"]).abs(), 0)
    found = hits(
        rows,
        about=("invoice_id",),
        severity="S1",
        direction="cash",
        amount=amount,
        on="day",
        evidence=("total_cents", "paid_cents", "is_paid", "balance_due_cents"),
        claims={"cash": "invoice_id"},
        message=lambda e: (
            f"Marked as {'paid' if e['is_paid'] else 'not paid'}; {format_cents(e['paid_cents'])} of "
            f"{format_cents(e['total_cents'])} came in"
        ),
    )
    stray = good[(good["invoice_ids"] == "").to_numpy() & (good["amount_cents"] != 0).to_numpy()]
    gone = single[~single["invoice_id"].isin(number)]
    if books.gaps_of("invoices", of_details=False) and len(gone):
        lacks += (Lack("the invoice of a payment is not at hand, and the list of invoices is not whole", len(gone)),)
        gone = gone[:0]
    rows = pd.concat([stray, gone]) if len(gone) else stray
    day = rows["applied_on"].fillna(terms.local_day(rows["created_at"], zone))
    rows = rows.assign(on=day).rename(columns={"invoice_id": "lost_invoice_id"})
    found += hits(
        rows,
        about=("payment_id",),
        severity="S1",
        direction="cash",
        amount=rows["amount_cents"].abs(),
        on="on",
        evidence=("payment_id", "lost_invoice_id", "amount_cents"),
        claims={"payment": "payment_id"},
        message=lambda e: f"A payment of {format_cents(e['amount_cents'])} belongs to no invoice",
    )
    return Found(found, lacks)


def received(invoices: pd.DataFrame, good: pd.DataFrame) -> tuple[Array, Array]:
    """What payments that went through have brought each invoice, in cents; and of which invoices nobody can say."""
    single = good[good["invoice_id"].notna().to_numpy()]
    several = good[(good["invoice_id"].isna() & (good["invoice_ids"] != "")).to_numpy()]
    number, total = invoices["invoice_id"].to_numpy(), invoices["total_cents"].to_numpy()
    got = sum_by(ids(single["invoice_id"]), single["amount_cents"].to_numpy()).at(number)
    shared = among(number, [int(one) for text in several["invoice_ids"] for one in text.split("\n")])
    balance = invoices["balance_due_cents"]
    told = balance.notna().to_numpy()
    got = np.where(shared & told, total - balance.fillna(0).to_numpy(dtype="int64"), got)
    return got, shared & ~told & (total != 0)


_TOTALS = (("total_cents_ledger", "left_only"), ("total_cents", "right_only"))


@rule("ledger-difference", "S1", whole=("invoices",))
def ledger_difference(invoices: pd.DataFrame, ledger: pd.DataFrame, period: Any) -> Found:
    """An invoice differs between Syncro and the ledger: missing on one side, twice, or another total, tax, customer or
    date.

    Joined on the invoice number (case, blanks, a leading # and leading zeros do not count). Invoices dated outside of
    what the ledger spans (its first to its last date, or the period that was asked for) are not evaluated. Known causes
    are S4: the ledger's date is the day after, in the next month (entered on the first); the net agrees, and a tax that
    both have differs by up to 5 cents, or 0.5 % of the net (the accounting program works its sales tax out by itself).
    Names are compared without regard to case, blanks and punctuation. What the ledger does not say is not compared.
    """
    mine = invoices.assign(join=_joined(invoices["number"]), dated=invoices["day"])
    theirs = ledger.assign(join=_joined(ledger["invoice_number"].astype("str")))
    first, last = theirs["dated_on"].min(), theirs["dated_on"].max()
    first = min(one for one in (first, period[0]) if one is not None) if pd.notna(first) else first
    last = max(one for one in (last, period[1]) if one is not None) if pd.notna(last) else last
    mine = mine[mine["join"] != ""]
    mine_times = mine["join"].map(mine["join"].value_counts())
    theirs_times = theirs["join"].map(theirs["join"].value_counts())
    mine = mine.assign(here=mine_times).sort_values(["join", "invoice_id"]).drop_duplicates("join")
    theirs = theirs.assign(there=theirs_times).sort_values(["join", "line"]).drop_duplicates("join")
    both = mine.merge(theirs, on="join", how="outer", suffixes=("", "_ledger"), indicator="side")
    lacks: tuple[Lack, ...] = ()
    outside = (both["side"] == "left_only") & ~both["dated"].between(first, last)
    if outside.any():
        reason = "dated outside of what the ledger spans"
        lacks = (Lack(reason, int(outside.sum()), both.loc[outside, "dated"]),)
        both = both[~outside]
    causes: dict[Any, list[str]] = {}
    known: dict[Any, bool] = {}

    def note(rows: Any, cause: str, is_known: Any = False) -> None:
        flags = np.broadcast_to(np.asarray(is_known), len(both))
        for place in np.flatnonzero(np.asarray(rows, dtype=bool)):
            causes.setdefault(place, []).append(cause)
            known[place] = known.get(place, True) and bool(flags[place])

    paired = (both["side"] == "both").to_numpy()
    note(both["side"] == "left_only", "missing in the ledger")
    note(both["side"] == "right_only", "missing in Syncro")
    note((both["here"].fillna(0) > 1) | (both["there"].fillna(0) > 1), "number occurs twice")
    # What is missing on a side is nothing there: the difference is all of it.
    there, here = (both[name].where(both["side"] != gone, 0) for name, gone in _TOTALS)
    total = (there - here).astype("Int64")
    taxed = (both["tax_cents_ledger"] - both["tax_cents"]).astype("Int64")
    net = (total - taxed).fillna(total)
    other_total = paired & (total.fillna(0) != 0).to_numpy()
    other_tax = paired & (taxed.fillna(0) != 0).to_numpy()
    limit = np.maximum(_FEW_CENTS, (both["total_cents"] - both["tax_cents"]).abs().fillna(0) * 5 // 1000)
    automatic = other_tax & (net == 0).fillna(False).to_numpy(dtype=bool)
    automatic &= (taxed.abs() <= limit).fillna(False).to_numpy(dtype=bool)
    automatic &= (both["tax_cents"].fillna(0) != 0).to_numpy() & (both["tax_cents_ledger"].fillna(0) != 0).to_numpy(
        dtype=bool
    )
    note(automatic, "automatic sales tax", True)
    note(other_total & ~automatic, "total differs")
    note(other_tax & ~automatic, "tax differs")
    said = both["customer_ledger"].fillna("").astype("str")
    other_name = (
        paired & (said.str.strip() != "").to_numpy() & ~_same_name(both["customer"].fillna("").astype("str"), said)
    )
    note(other_name, "customer differs")
    days = (both["dated_on_ledger"] - both["dated"]).dt.days
    late = (days == 1) & (both["dated_on_ledger"].dt.day == 1)
    other_day = paired & (days.fillna(0) != 0).to_numpy()
    note(other_day & late.to_numpy(), "a day's delay at month end", True)
    note(other_day & ~late.to_numpy(), "date differs")
    rows = both.iloc[sorted(causes)].copy()
    places = sorted(causes)
    rows["causes"] = pd.Series([causes[one] for one in places], index=rows.index, dtype=object)
    rows["difference_cents"] = total.iloc[places].astype("Int64")
    rows["tax_difference_cents"] = taxed.iloc[places].astype("Int64")
    rows["ledger_total_cents"] = rows["total_cents_ledger"].astype("Int64")
    rows["syncro_total_cents"] = rows["total_cents"].astype("Int64")
    rows["ledger_date"], rows["syncro_date"] = rows["dated_on_ledger"], rows["dated"]
    rows["ledger_customer"] = rows["customer_ledger"]
    rows["ledger_line"] = rows["line"].astype("Int64")
    rows["on"] = rows["dated"].fillna(rows["dated_on_ledger"])
    lonely = rows["side"] == "right_only"
    rows["invoice"] = rows["invoice_number"].where(lonely, "")
    rows["customer"] = rows["customer"].where(~lonely, rows["customer_ledger"]).fillna("")
    for name in ("invoice_id", "customer_id", "ticket_id"):
        rows[name] = rows[name].astype("Int64")
    return Found(
        hits(
            rows,
            about=("join",),
            severity=["S4" if known[one] else "S1" for one in places],
            direction="none",
            on="on",
            evidence=(
                *("causes", "difference_cents", "tax_difference_cents", "syncro_total_cents", "ledger_total_cents"),
                *("syncro_date", "ledger_date", "ledger_customer", "ledger_line"),
            ),
            message=lambda e: f"Syncro and the ledger disagree: {', '.join(e['causes'])}",
        ),
        lacks,
    )


def _joined(numbers: pd.Series) -> pd.Series:
    plain = numbers.str.strip().str.lstrip("#").str.strip().str.casefold()
    bare = plain.str.lstrip("0")
    return bare.where(bare != "", plain)


def _same_name(one: pd.Series, other: pd.Series) -> Any:
    """Whether names agree but for case, blanks and punctuation; a customer's job counts as the customer."""

    def bare(name: str) -> str:
        return re.sub(r"[\W_]+", "", name.casefold())

    pairs = zip(one, other, strict=True)
    return np.array([bare(a) == bare(b) or bare(a) == bare(b.split(":")[0]) for a, b in pairs], dtype=bool)


# ---------------------------------------------------------------- what is due, and in which period


_AGES = ((0, "0"), (30, "1-30"), (60, "31-60"), (90, "61-90"))


@rule("receivable-overdue", "S3")
def receivable_overdue(invoices: pd.DataFrame, books: Books, today: pd.Timestamp) -> Found:
    """An invoice is due and not paid.

    By the age of its due day (its date where it has none): 0 (due today), 1-30, 31-60, 61-90, 90+ days. What is not due yet, and
    what is marked as paid (see `paid-flags`), is left out. Where an invoice does not tell its balance, its payments do, if all
    of them are at hand; else it is not evaluated.
    """
    balance = invoices["balance_due_cents"]
    if balance.isna().any() and not books.gaps_of("payments"):
        payments = books.table("payments", ["invoice_id", "invoice_ids", "amount_cents", "success"])
        got, unknown = received(invoices, payments[payments["success"].to_numpy()])
        balance = balance.fillna((invoices["total_cents"] - got).mask(unknown).astype("Int64"))
        invoices = invoices.assign(balance_due_cents=balance)
    due = invoices["due_on"].fillna(invoices["day"])
    late = ((today - due).dt.days).astype("Int64")
    waiting = ~invoices["is_paid"].to_numpy() & (invoices["total_cents"] > 0).to_numpy()
    waiting &= (late >= 0).fillna(False).to_numpy(dtype=bool)
    silent = waiting & invoices["balance_due_cents"].isna().to_numpy()
    lacks: tuple[Lack, ...] = ()
    if silent.any():
        reason = "the balance of an unpaid invoice is not known"
        lacks = (Lack(reason, int(silent.sum()), invoices["day"][silent]),)
    rows = invoices[waiting & (invoices["balance_due_cents"].fillna(0) > 0).to_numpy()]
    days = late[rows.index].astype("int64")
    ages = np.select([(days <= most).to_numpy() for most, _ in _AGES], [name for _, name in _AGES], default="90+")
    rows = rows.assign(due_on=due[rows.index], days_overdue=days, age=ages)
    found = hits(
        rows,
        about=("invoice_id",),
        severity="S3",
        direction="cash",
        amount=rows["balance_due_cents"].astype("int64"),
        on="day",
        evidence=("due_on", "days_overdue", "age", "balance_due_cents", "total_cents"),
        claims={"cash": "invoice_id"},
        message=lambda e: (
            f"{format_cents(e['balance_due_cents'])} is {e['days_overdue']} days overdue ({e['age']} days)"
        ),
    )
    return Found(found, lacks)


@rule("cut-off", "S4")
def cut_off_crossed(
    invoices: pd.DataFrame,
    invoice_lines: pd.DataFrame,
    charges: pd.DataFrame,
    timers: pd.DataFrame,
    tickets: pd.DataFrame,
    billed: Billed,
    cut_off: pd.Timestamp,
    zone: Any,
) -> Found:
    """Work was done in a month that is closed, and invoiced in a later one.

    Closed is every month that ended by the cut-off. One finding for each invoice and month of work: what its lines of that month
    come to, without tax, by the start of their timers (by the day of the ticket line, where no timer names it).
    """
    source = billed.charge
    places = np.flatnonzero((source >= 0) & (invoice_lines["amount_cents"] > 0).to_numpy())
    if not len(places):
        return Found()
    line = charges.iloc[source[places]]
    linked = timers[timers["line_id"].notna().to_numpy()].sort_values(["started_at", "timer_id"])
    first = linked.drop_duplicates("line_id")
    began = terms.look_up(line["line_id"], first, "line_id", {"at": "started_at"})["at"].fillna(line["created_at"])
    rows = invoice_lines.iloc[places][["invoice_id", "place", "amount_cents", "customer_id"]].assign(
        line_id=line["line_id"].to_numpy(), worked_on=terms.local_day(began, zone).to_numpy()
    )
    rows["billed_on"] = invoices["day"].iloc[rows["place"]].to_numpy()
    rows = rows[rows["worked_on"].notna().to_numpy() & rows["billed_on"].notna().to_numpy()]
    months = rows["worked_on"].dt.year * 12 + rows["worked_on"].dt.month
    later = rows["billed_on"].dt.year * 12 + rows["billed_on"].dt.month
    # The first instant after the cut-off, less a moment, lies in the last day that is closed.
    end = (cut_off - pd.Timedelta(seconds=1)).tz_convert(zone)
    following = end + pd.Timedelta(days=1)
    last_closed = end.year * 12 + end.month - (0 if following.month != end.month else 1)
    rows = rows.assign(month=months)[((months < later) & (months <= last_closed)).to_numpy()]
    groups = rows.sort_values(["invoice_id", "month", "worked_on", "line_id"]).groupby(
        ["invoice_id", "month"], sort=True
    )
    made = groups.agg(
        place=("place", "first"),
        amount_cents=("amount_cents", "sum"),
        worked_on=("worked_on", "last"),
        billed_on=("billed_on", "first"),
    ).reset_index()
    parts = [
        [(f"line:{number}", int(cents)) for number, cents in zip(part["line_id"], part["amount_cents"], strict=True)]
        for _, part in groups
    ]
    invoice = invoices.iloc[made["place"]].reset_index(drop=True)
    made["customer"], made["customer_id"] = invoice["customer"], invoice["customer_id"]
    made["ticket_id"], made["invoice_id"] = invoice["ticket_id"], invoice["invoice_id"].astype("Int64")
    found = hits(
        made,
        about=("invoice_id", "month"),
        severity="S4",
        direction="timing",
        amount=made["amount_cents"],
        on="worked_on",
        evidence=("worked_on", "billed_on"),
        parts=parts,
        fixed={},
        message=lambda e: f"Work of {e['worked_on'][:7]} was invoiced on {e['billed_on'][:10]}",
    )
    return Found(found)
