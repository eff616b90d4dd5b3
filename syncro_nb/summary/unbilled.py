"""Unbilled time: timers that nobody charged, charges that no invoice has taken, and tickets resolved without any time.

`summarise_unbilled(books, house)` gives everything; `unbilled_rows` is the list that the rest is made from, one row per timer
or ticket line. A timer that was charged is counted as its line only, so that no dollar is counted twice. Amounts are exact:
whole cents, half up, from whole seconds and millionths. Amounts and billable hours are those of what is to be billed, in a row
as in a total, so that every total is the sum of its rows. What a block of hours or a contract pays, and what is internal or
warranty, has columns of its own; `worth_cents` says what a row comes to at its rate, whoever pays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from .. import terms
from ..books import Books, Gap
from ..config import House, unknown
from ..errors import InputError
from ..escape import clip, line
from ..frames import frame, of_columns, records
from ..money import format_cents
from ..policy import DEFAULT, FREE_KINDS, Policy
from ..tables import DAY, INSTANT, Column
from ..terms import places_of, plain_ids
from .age import AGE_BANDS, age_band
from .missing import counted, document, gaps, say
from .namesakes import customer_names, technician_names
from .open_tickets import CUSTOMER, links

TIMER, CHARGE = "timer not charged", "charge not invoiced"
RECORDED = "timer recorded as charged"
TO_BILL = "time-and-materials"
GOODS, NO_PRODUCT = "goods", "no product"
# Whose billable time each column of hours has, of a row and of a total.
HOURS_OF: Mapping[str, tuple[str, ...]] = {
    "billable_hours": (TO_BILL,),
    "prepaid_hours": ("block",),
    "contract_hours": ("contract",),
    "free_hours": ("internal", "warranty"),
}
_CALLED = {"prepaid_hours": "prepaid", "contract_hours": "by contract", "free_hours": "internal or warranty"}
# The lists that it is made from, with the details of the tickets; where nothing was read yet, these are enough.
NEEDS = ("tickets", "timers", "customers", "users", "products", "contracts")
SPARED = ("cancelled", "canceled", "duplicate", "spam", "auto-closed", "internal", "warranty")
LONG_OPEN_SECONDS = 15 * 60
DAY_SECONDS = 24 * 3600
_MOST_LINES = 20  # customers in a terminal; a file has all of them

# Who else may pay for work; what is not known of them makes what is to be billed too high.
_PAYERS = {
    "customers": "what prepaid hours pay may be counted as to be billed",
    "contracts": "what a contract covers may be counted as to be billed",
}
BACKWARDS = "it ends before it starts: its actual time counts as 0"
TOO_LONG = "it is longer than 24 hours: counted as it stands"

UNBILLED: Mapping[str, Column] = {
    "what": Column("category", f"{TIMER}, or {CHARGE}"),
    "record_id": Column("int64", "timer id or ticket line item id"),
    "number": Column("Int64", "ticket number; absent: the ticket is not known"),
    "customer": CUSTOMER,
    "technician": Column("str", "who worked; empty: nobody is named"),
    "kind": Column(
        "category", f"labour kind; {GOODS} for a line that is no labour, {NO_PRODUCT} for a timer without one"
    ),
    "mode": Column("category", "block (prepaid), contract, internal, warranty, or time-and-materials: to be billed"),
    "worked_on": Column(DAY, "day of the work, in the account's time zone"),
    "age_days": Column("Int64", "days from then to the day of the books"),
    "age_band": Column("category", "band of that age, in days"),
    "actual_hours": Column("float64", "actual time of what is to be billed, in hours; absent: no timer names the line"),
    "billable_hours": Column("float64", "billable time of what is to be billed, in hours; 0 for goods", nullable=False),
    "prepaid_hours": Column("float64", "billable time that a block of hours pays", nullable=False),
    "contract_hours": Column("float64", "billable time that a contract covers", nullable=False),
    "free_hours": Column("float64", "billable time that is internal or warranty", nullable=False),
    "actual_seconds": Column(
        "Int64", "actual time in whole seconds, whoever pays; below 0 where it ends before it starts"
    ),
    "billable_seconds": Column("int64", "billable time in whole seconds, whoever pays"),
    "rate_cents": Column("Int64", "price of an hour (a piece), in cents; absent: not known"),
    "rate_source": Column("category", "agreed (syncro.yaml), product (its own price), line (as charged), or unknown"),
    "amount_cents": Column(
        "int64", "what is to be billed, exactly, in cents; 0 where the mode or an unknown rate says so"
    ),
    "worth_cents": Column(
        "int64", "what it comes to at its rate, whoever pays, in cents; 0 where the rate is not known"
    ),
    "resolved": Column("bool", "the ticket is resolved"),
    "status": Column("category", "the ticket's status"),
    "subject": Column("str", "the ticket's subject as written"),
    "ticket_id": Column("Int64", "ticket id"),
    "customer_id": Column("Int64", "customer id"),
    "link": Column("str", "the ticket's page in Syncro; empty where the account has none"),
}
TOTALS: Mapping[str, Column] = {
    "records": Column("int64", "timers and charges, of any mode"),
    "actual_hours": Column(
        "float64", "actual time of what is to be billed, in hours, as far as timers tell", nullable=False
    ),
    "billable_hours": Column("float64", "billable time of what is to be billed, in hours", nullable=False),
    "uncharged_cents": Column("int64", "timers that are to be billed, in cents"),
    "pending_cents": Column("int64", "charges that are to be invoiced, in cents"),
    "amount_cents": Column("int64", "both together, in cents"),
    "prepaid_hours": Column("float64", "billable time that a block of hours pays", nullable=False),
    "contract_hours": Column("float64", "billable time that a contract covers", nullable=False),
    "free_hours": Column("float64", "billable time that is internal or warranty", nullable=False),
}
BY_MODE: Mapping[str, Column] = {
    "mode": Column("str", "how the work is paid for"),
    **TOTALS,
    "worth_cents": Column("int64", "what it comes to at its rates, whoever pays, in cents"),
}
WITHOUT_TIME: Mapping[str, Column] = {
    "number": Column("int64", "ticket number"),
    "customer": CUSTOMER,
    "technician": Column("str", "who it is assigned to"),
    "subject": Column("str", "subject as written"),
    "status": Column("category", "its status"),
    "problem_type": Column("category", "the account's own word"),
    "mode": Column("category", "how its work would be paid for"),
    "resolved_at": Column(INSTANT, "when it was resolved"),
    "age_days": Column("Int64", "days since then"),
    "age_band": Column("category", "band of that age, in days"),
    "comments": Column("int64", "comments by technicians"),
    "ticket_id": Column("int64", "ticket id"),
    "link": Column("str", "its page in Syncro; empty where the account has none"),
}
PROBLEMS: Mapping[str, Column] = {
    "what": Column("category", f"{TIMER}, {CHARGE}, or {RECORDED}"),
    "record_id": Column("int64", "timer id or ticket line item id"),
    "number": Column("Int64", "ticket number; absent: not known"),
    "problem": Column("str", "what the record lacks or contradicts, and how it was counted"),
}
POLICY_CHANGE: Mapping[str, Column] = {
    "timer_id": Column("int64", "timer entry id"),
    "number": Column("Int64", "ticket number; absent: not known"),
    "customer": CUSTOMER,
    "technician": Column("str", "who worked"),
    "kind": Column("category", "labour kind"),
    "mode": Column("category", "how it is paid for"),
    "actual_seconds": Column("int64", "actual time, in seconds"),
    "billable_seconds": Column("int64", "billable time as it stands, in seconds"),
    "changed_seconds": Column("int64", "billable time under the other policy, in seconds"),
    "amount_cents": Column("int64", "what is to be billed as it stands, in cents; 0 for what is paid otherwise"),
    "changed_cents": Column("int64", "what would be, in cents"),
    "difference_cents": Column("int64", "the second less the first, in cents"),
}


@dataclass(frozen=True, repr=False)
class Unbilled:
    """What is unbilled at one instant. `rows` is every timer and charge (UNBILLED); the tables are made from it.

    The totals and tables are those of the rows as they were found: what is changed in `rows` afterwards may not reach them. For
    a what-if take `rows.copy()` or `rows.assign(...)`, and `total_by` of it.

    `without_time`: tickets resolved without time (WITHOUT_TIME); no dollars, because nobody knows them. `problems`: records that
    lack or contradict something (PROBLEMS). `incomplete`: what could not be seen; empty means that nothing is missing.
    """

    as_of: datetime
    rows: pd.DataFrame
    without_time: pd.DataFrame
    problems: pd.DataFrame
    incomplete: tuple[Gap, ...] = ()

    @cached_property
    def _parts(self) -> pd.DataFrame:
        return _parts(self.rows)

    @property
    def totals(self) -> dict[str, int | float]:
        """The sums of all rows by name (TOTALS), and `without_time`: tickets resolved without time."""
        sums = self._parts.sum()
        return {
            **{name: int(sums[name]) / 3600 if name.endswith("_hours") else int(sums[name]) for name in TOTALS},
            "without_time": len(self.without_time),
        }

    @property
    def by_customer(self) -> pd.DataFrame:
        """TOTALS by customer, most dollars first."""
        return _total(self._parts, self.rows["customer"])

    @property
    def by_technician(self) -> pd.DataFrame:
        """TOTALS by technician, most dollars first."""
        return _total(self._parts, self.rows["technician"])

    @property
    def by_kind(self) -> pd.DataFrame:
        """TOTALS by labour kind, most dollars first."""
        return _total(self._parts, self.rows["kind"])

    @property
    def by_age(self) -> pd.DataFrame:
        """TOTALS by age of the work, youngest first; all four bands are there."""
        return _total(self._parts, self.rows["age_band"], AGE_BANDS)

    @property
    def by_what(self) -> pd.DataFrame:
        """TOTALS of timers not charged and of charges not invoiced."""
        return _total(self._parts, self.rows["what"])

    @property
    def by_mode(self) -> pd.DataFrame:
        """TOTALS by how the work is paid for, and what each comes to at its rates (BY_MODE); what is to be billed is first."""
        order = (TO_BILL, *(one for one in terms.MODES if one != TO_BILL))
        sums = _total(self._parts, self.rows["mode"], order)
        worth = self.rows["worth_cents"].groupby(self.rows["mode"].astype("str")).sum()
        sums["worth_cents"] = sums["mode"].map(worth).fillna(0)
        return of_columns(BY_MODE, sums[sums["records"] > 0])

    def text(self, zone: tzinfo | None = None) -> list[str]:
        """As lines for a terminal."""
        totals = self.totals
        said = [
            f"Unbilled as of {self.as_of.astimezone(zone):%Y-%m-%d %H:%M}",
            f"  {'to be billed':<22}{format_cents(int(totals['amount_cents'])):>14}"
            f"  {totals['billable_hours']:>9.2f} h billable, {totals['actual_hours']:.2f} h actual where timers tell",
            f"    {'timers not charged':<20}{format_cents(int(totals['uncharged_cents'])):>14}",
            f"    {'charges not invoiced':<20}{format_cents(int(totals['pending_cents'])):>14}",
            f"  {'paid otherwise':<36}  {totals['prepaid_hours']:>9.2f} h prepaid, "
            f"{totals['contract_hours']:.2f} h by contract, {totals['free_hours']:.2f} h internal or warranty",
        ]
        for title, column, table in (
            ("Age of the work, days", "age_band", self.by_age),
            ("Customer", "customer", self.by_customer),
        ):
            shown, rest = table.head(_MOST_LINES), table.iloc[_MOST_LINES:]
            said += ["", title]
            said += [_line(clip(row[column], 34) or "(none)", row) for row in shown.to_dict("records")]
            if len(rest):
                said.append(_line(f"{len(rest):,} more", rest[list(TOTALS)].sum().to_dict()))
        numbers = [f"#{number}" for number in self.without_time["number"]]
        more = f" and {len(numbers) - 10:,} more" if len(numbers) > 10 else ""
        said += ["", f"Resolved without time: {len(numbers)} {' '.join(numbers[:10])}{more}".rstrip()]
        if len(self.problems):
            said += ["", f"Problems ({counted(len(self.problems), 'record')}, counted as far as possible)"]
            counts = self.problems["problem"].value_counts().sort_index()
            said += [f"  {count:>5}  {problem}" for problem, count in counts.items()]
        said += ["", "Incomplete: these figures are not the whole"] if self.incomplete else []
        return said + [f"  {line(say(gap))}" for gap in self.incomplete]

    def as_json(self) -> dict[str, Any]:
        """As `syncro unbilled --json` prints it: amounts in whole cents."""
        return {
            "as_of": self.as_of.isoformat(),
            "totals": self.totals,
            "rows": records(self.rows),
            "without_time": records(self.without_time),
            "problems": records(self.problems),
            "incomplete": document(self.incomplete),
        }

    def __repr__(self) -> str:
        totals = self.totals
        return (
            f"<unbilled {format_cents(int(totals['amount_cents']))}, {totals['billable_hours']:.2f} h "
            f"in {counted(len(self.rows), 'record')}; {counted(len(self.without_time), 'ticket')} resolved without time"
            f"{'; ' + counted(len(self.problems), 'problem') if len(self.problems) else ''}"
            f"{'; INCOMPLETE' if self.incomplete else ''}>"
        )


def summarise_unbilled(books: Books, house: House, *, site: str | None = None) -> Unbilled:
    """What is unbilled in these books. `site`: the account's address, for links."""
    timers, lines = _uncharged(books), _pending(books)
    rows = _rows(timers, lines, books, house, site)
    unseen = (
        *gaps(books, "tickets", "timers", "charges", "comments", "products", "users", details_of="tickets"),
        *gaps(books, "customers", "contracts", details_of="customers"),
    )
    return Unbilled(
        books.as_of,
        rows,
        resolved_without_time(books, house, site=site),
        problems(rows, timers, lines, books, house),
        tuple(
            replace(gap, reason=f"{gap.reason}; {_PAYERS[gap.table]}") if gap.table in _PAYERS else gap
            for gap in dict.fromkeys(unseen)
        ),
    )


def unbilled_rows(books: Books, house: House, *, site: str | None = None) -> pd.DataFrame:
    """Every uncharged timer and every pending charge as UNBILLED, oldest work first. `site`: the account's address."""
    return _rows(_uncharged(books), _pending(books), books, house, site)


def _rows(
    raw_timers: pd.DataFrame, raw_lines: pd.DataFrame, books: Books, house: House, site: str | None
) -> pd.DataFrame:
    timers = terms.timed(raw_timers, books, house).rename(columns={"timer_id": "record_id"})
    lines = terms.charged(raw_lines, books, house).rename(columns={"line_id": "record_id"})
    for part, what, nameless in ((timers, TIMER, NO_PRODUCT), (lines, CHARGE, GOODS)):
        part["what"] = what
        part["kind"] = part["kind"].astype("str").replace("", nameless)
        part["actual_seconds"] = part["actual_seconds"].astype("Int64")
        for name in ("status", "rate_source", "mode"):
            part[name] = part[name].astype("str")
    shared = [name for name in timers if name in lines]
    rows = pd.concat([timers[shared], lines[shared]], ignore_index=True)
    rows["age_days"] = (pd.Timestamp(terms.today(books)) - rows["worked_on"]).dt.days.astype("Int64")
    rows["age_band"] = age_band(rows["age_days"])
    to_bill = rows["mode"] == TO_BILL
    rows["worth_cents"], rows["amount_cents"] = rows["amount_cents"], rows["amount_cents"].where(to_bill, 0)
    rows["actual_hours"] = _hours(_worked(rows).mask(~to_bill & rows["actual_seconds"].notna(), 0))
    for name, modes in HOURS_OF.items():
        rows[name] = _hours(rows["billable_seconds"].where(rows["mode"].isin(modes), 0))
    rows["customer"] = customer_names(rows, books)
    rows["technician"] = technician_names(rows["technician_id"], rows["technician"], books)
    rows["link"] = links(rows["ticket_id"], site)
    return of_columns(UNBILLED, rows.sort_values(["worked_on", "what", "record_id"]))


def total_by(rows: pd.DataFrame, column: str, *, all_of: tuple[str, ...] = ()) -> pd.DataFrame:
    """Unbilled rows (UNBILLED) summed by one of their columns, as that column and TOTALS; most dollars first.

    `all_of`: these values in this order, those without rows too. Hours and dollars are those of what is to be billed; what a
    block or a contract pays, and what is free, is in hours of its own.
    """
    return _total(_parts(rows), rows[column], all_of)


def _parts(rows: pd.DataFrame) -> pd.DataFrame:
    """What each row adds to the TOTALS, in their order; hours still in whole seconds, so that sums are exact."""
    cents, seconds, is_timer = rows["amount_cents"], rows["billable_seconds"], rows["what"] == TIMER
    parts = {
        "records": 1,
        "actual_hours": _worked(rows).fillna(0).astype("int64").where(rows["mode"] == TO_BILL, 0),
        **{name: seconds.where(rows["mode"].isin(modes), 0) for name, modes in HOURS_OF.items()},
        "uncharged_cents": cents.where(is_timer, 0),
        "pending_cents": cents.where(~is_timer, 0),
        "amount_cents": cents,
    }
    return pd.DataFrame({name: parts[name] for name in TOTALS}, index=rows.index)


def _total(parts: pd.DataFrame, groups: pd.Series, all_of: tuple[str, ...] = ()) -> pd.DataFrame:
    column = str(groups.name)
    sums = parts.groupby(groups.astype("str")).sum()
    hours = [name for name in TOTALS if name.endswith("_hours")]
    sums = sums.assign(**(sums[hours] / 3600)).reset_index()
    if all_of:
        more = [one for one in sums[column] if one not in all_of]
        sums = sums.set_index(column).reindex([*all_of, *more], fill_value=0).rename_axis(column).reset_index()
    else:
        sums = sums.sort_values(["amount_cents", "records", column], ascending=[False, False, True])
    return of_columns({column: Column("str", ""), **TOTALS}, sums)


def resolved_without_time(books: Books, house: House, *, site: str | None = None) -> pd.DataFrame:
    """Tickets resolved with no timer and no labour line, as WITHOUT_TIME, newest first.

    Only those on which somebody worked: a comment by a technician, or open for over 15 minutes. Not those that were cancelled,
    duplicates, spam, closed by an alert, internal or warranty (by status or tag). Only tickets whose details were read can be
    judged; the summary says how many were not.
    """
    names = ["ticket_id", "number", "customer_id", "customer", "technician", "subject", "status", "problem_type"]
    names += ["created_at", "resolved_at", "updated_at", "tags", "customer_tags", "detail_at", "user_id"]
    tickets = books.table("tickets", names)
    timed = books.table("timers", ["ticket_id"])["ticket_id"].dropna().astype("int64")
    # Nearly every ticket has a timer: one mask, so that only the few others are copied with all of their text.
    is_over = terms.resolved(tickets, house) & tickets["detail_at"].notna()
    tickets = tickets[is_over & ~tickets["ticket_id"].isin(timed)]
    lines = books.table("charges", ["ticket_id", "product_id", "category"])
    lines = lines[lines["ticket_id"].isin(tickets["ticket_id"].tolist())]
    labour = terms.is_labour(terms.kind(lines, books.table("products", ["product_id", "category"]), house))
    tickets = tickets[~tickets["ticket_id"].isin(lines.loc[labour, "ticket_id"].tolist())]
    comments = books.table("comments", ["ticket_id", "user_id"])
    written = comments[comments["ticket_id"].isin(tickets["ticket_id"].tolist())].dropna()
    tickets = tickets.assign(comments=tickets["ticket_id"].map(written["ticket_id"].value_counts()).fillna(0))
    ended = tickets["resolved_at"].fillna(tickets["updated_at"])
    long_open = (ended - tickets["created_at"]).dt.total_seconds() > LONG_OPEN_SECONDS
    tickets = tickets[((tickets["comments"] > 0) | long_open) & ~_spared(tickets)]
    work = tickets.assign(
        kind=_default_kind(books, house), worked_on=terms.local_day(ended.loc[tickets.index], books.zone)
    )
    rows = work.assign(
        mode=terms.mode(work, pd.Series(True, index=work.index), books, house),
        age_days=(pd.Timestamp(terms.today(books)) - work["worked_on"]).dt.days.astype("Int64"),
        customer=customer_names(work, books),
        technician=technician_names(work["user_id"], work["technician"], books),
        link=links(work["ticket_id"], site),
    )
    rows["age_band"] = age_band(rows["age_days"])
    return of_columns(WITHOUT_TIME, rows.sort_values("number", ascending=False))


def problems(rows: pd.DataFrame, timers: pd.DataFrame, lines: pd.DataFrame, books: Books, house: House) -> pd.DataFrame:
    """What unbilled records (UNBILLED, with their timers and ticket lines) lack or contradict, as PROBLEMS; one row each.

    Also of timers that stand for no row: those whose line is not there, and those of the charges.
    """
    times = rows[rows["what"] == TIMER].merge(timers, left_on="record_id", right_on="timer_id", suffixes=("", "_raw"))
    charges = rows[rows["what"] == CHARGE].merge(lines, left_on="record_id", right_on="line_id", suffixes=("", "_raw"))
    of_any = [
        (rows, rows["ticket_id"].isna(), "it names no ticket"),
        (rows, rows["ticket_id"].notna() & rows["number"].isna(), "its ticket is not among the tickets that were read"),
        (rows, rows["worked_on"].isna(), "it has no date: it is in no age band"),
        (rows, rows["age_days"].fillna(0) < 0, "its work lies in the future"),
        *_unknown_payers(rows, books),
    ]
    no_price = (times["rate_source"] == terms.PRODUCT) & (times["rate_cents"] == 0)
    is_free = times["kind"].isin(FREE_KINDS) | times["mode"].isin(FREE_KINDS)
    of_timers = [
        (
            times,
            times["rate_cents"].isna(),
            "neither a product nor an agreed rate is known: hours are counted, no dollars",
        ),
        (times, no_price & ~is_free, "its product has no price: hours are counted, no dollars"),
        (times, times["actual_seconds"] < 0, BACKWARDS),
        (times, times[["actual_seconds", "billable_seconds"]].gt(DAY_SECONDS).any(axis=1), TOO_LONG),
        (times, times["actual_seconds"] == 0, "it has no actual time"),
        (times, times["override_seconds"].fillna(0) < 0, "its billable time is below 0: counted as 0"),
        (times, times["active_seconds"].isna() & times["started_at"].isna(), "it has no beginning and no duration"),
    ]
    discounted = charges["discount_percent"].fillna(0).ne(0) | charges["discount_cents"].fillna(0).ne(0)
    of_charges = [
        (charges, discounted, "it has a discount, which is not taken off here"),
        (charges, charges["amount_cents"] < 0, "its amount is below 0: it lowers the total"),
    ]
    every = (*of_any, *of_timers, *of_charges, *_charged_problems(lines, books, house))
    found = [part.loc[mask, list(PROBLEMS)[:3]].assign(problem=text) for part, mask, text in every if mask.any()]
    listed = pd.concat(found, ignore_index=True) if found else frame(PROBLEMS, [])
    return of_columns(PROBLEMS, listed.sort_values(["what", "record_id", "problem"]))


def _unknown_payers(rows: pd.DataFrame, books: Books) -> list[tuple[pd.DataFrame, Any, str]]:
    """The problems of work that counts as to be billed, though nobody has read whether something else pays for it."""
    to_bill = rows["customer_id"].notna() & (rows["mode"] == TO_BILL) & (rows["kind"] != GOODS)
    details = books.table("customers", ["customer_id", "detail_at"])
    read_at = terms.look_up(rows["customer_id"], details, "customer_id", {"at": "detail_at"})["at"]
    return [
        (rows, to_bill & read_at.isna(), "whether prepaid hours pay for it was not read: counted as to be billed"),
        (
            rows,
            to_bill & ("contracts" not in books.known),
            "whether a contract covers it was not read: counted as to be billed",
        ),
    ]


def _charged_problems(lines: pd.DataFrame, books: Books, house: House) -> list[tuple[pd.DataFrame, Any, str]]:
    """The problems of timers that name a line or are recorded as charged, as `problems` lists them. `lines`: those pending."""
    names = ["timer_id", "ticket_id", "recorded", "line_id", "started_at", "ended_at", "billable", "active_seconds"]
    timers = books.table("timers", names)
    charges = books.table("charges", ["line_id", "ticket_id", "product_id", "category"])
    tickets = books.table("tickets", ["ticket_id", "number", "detail_at", "updated_at"])
    # Nearly every timer was charged, and its line is there: whole columns tell, and few rows are looked at.
    places = places_of(plain_ids(timers["line_id"]), plain_ids(charges["line_id"]))
    is_there, recorded = places >= 0, timers["recorded"].to_numpy()
    lines_ticket = plain_ids(charges["ticket_id"])[places] if len(charges) else places
    kept = recorded & is_there & (lines_ticket == plain_ids(timers["ticket_id"]))
    names_line = timers["line_id"].notna().to_numpy()
    rest = timers[(recorded | names_line) & ~kept].assign(is_there=is_there[(recorded | names_line) & ~kept])
    is_pending = np.zeros(len(charges) + 1, dtype=bool)  # the last is for timers without a line
    is_pending[places_of(plain_ids(lines["line_id"]), plain_ids(charges["line_id"]))] = True
    of_charge = timers[is_there & is_pending[places]]
    # One that is recorded and names no line may have become any labour line of its ticket that no timer names.
    is_named = np.zeros(len(charges) + 1, dtype=bool)
    is_named[places] = True
    loose = charges[~is_named[:-1] & charges["ticket_id"].isin(rest.loc[rest["line_id"].isna(), "ticket_id"].tolist())]
    labour = terms.is_labour(
        terms.kind(loose, books.table("products", ["product_id", "category", "price_cents"]), house)
    )
    covered = rest["line_id"].isna() & rest["ticket_id"].isin(loose.loc[labour, "ticket_id"].tolist())

    def named(part: pd.DataFrame) -> pd.DataFrame:
        what = part["recorded"].map({True: RECORDED, False: TIMER}).astype("str")
        found = terms.look_up(
            part["ticket_id"], tickets, "ticket_id", {one: one for one in ("number", "detail_at", "updated_at")}
        )
        return part.assign(what=what, record_id=part["timer_id"], **found)

    rest, of_charge = named(rest[~covered]), named(of_charge)
    is_read = rest["detail_at"].notna() & ~(rest["detail_at"] < rest["updated_at"]) & ("charges" in books.known)
    torn = ~rest["recorded"] & rest["billable"] & rest["ended_at"].notna()
    has_line, why = rest["is_there"], "it names a ticket line and is not recorded as charged"
    worked = terms.actual_seconds(of_charge)
    return [
        (rest, torn & has_line, f"{why}: counted as its line only"),
        (rest, torn & ~has_line & is_read, f"{why}: that line is not there, so it is counted nowhere"),
        (rest, torn & ~has_line & ~is_read, f"{why}: that line was not read, so it is counted nowhere"),
        (
            rest,
            rest["recorded"] & is_read,
            "its line is not on the ticket: counted nowhere; see charged-no-line of `syncro reconcile`",
        ),
        (of_charge, worked < 0, BACKWARDS),
        (of_charge, worked > DAY_SECONDS, TOO_LONG),
    ]


def policy_change(books: Books, house: House, policy: Policy) -> pd.DataFrame:
    """What another policy would make of the uncharged timers, as POLICY_CHANGE, biggest difference first.

    Their billable time as it stands, beside what `policy` gives for their actual time: per entry, or per ticket and kind (the
    uncharged entries of a ticket together). What a person has set (the override) stays. Charges stay as they are. Raises
    InputError for what is no policy and for a labour kind that there is not.
    """
    if not isinstance(policy, Policy):
        raise InputError('another policy looks like Policy(rounding={"default": Rounding(15, 15)})')
    products = books.table("products", ["product_id", "category", "price_cents"])
    sold = filter(None, terms.kind(products, products, house))
    kinds = sorted({DEFAULT, terms.OTHER_LABOUR, *FREE_KINDS, *house.labour, *sold})
    for one in sorted(policy.rounding.keys() - kinds):
        raise InputError(unknown("labour kind", one, kinds))
    timers = _uncharged(books)
    rows = terms.timed(timers, books, house)
    seconds = terms.policy_seconds(timers, rows["kind"], policy)
    overridden = timers["override_seconds"].notna()
    rows["changed_seconds"] = rows["billable_seconds"].where(overridden, seconds)
    to_bill = rows["mode"] == TO_BILL
    rows["amount_cents"] = rows["amount_cents"].where(to_bill, 0)
    rows["changed_cents"] = terms.hours_cents(rows["changed_seconds"], rows["rate_cents"]).where(to_bill, 0)
    rows["difference_cents"] = rows["changed_cents"] - rows["amount_cents"]
    rows["customer"] = customer_names(rows, books)
    rows["technician"] = technician_names(rows["technician_id"], rows["technician"], books)
    size = rows["difference_cents"].abs()
    return of_columns(POLICY_CHANGE, rows.assign(size=size).sort_values(["size", "timer_id"], ascending=[False, True]))


def _uncharged(books: Books) -> pd.DataFrame:
    names = ["timer_id", "ticket_id", "user_id", "product_id", "line_id", "started_at", "ended_at", "created_at"]
    names += ["recorded", "billable", "active_seconds", "billable_seconds", "override_seconds"]
    timers = books.table("timers", names)
    return timers[terms.uncharged(timers)]


def _pending(books: Books) -> pd.DataFrame:
    names = ["line_id", "ticket_id", "product_id", "category", "quantity_millionths", "price_cents", "amount_cents"]
    names += ["converted", "user_id", "discount_percent", "discount_cents", "created_at"]
    lines = books.table("charges", names)
    return lines[terms.pending(lines)]


def _default_kind(books: Books, house: House) -> str:
    """The kind of the account's default labour product; "" if it is not known."""
    settings = books.ticket_settings
    return house.kind_of(settings.default_labor_product_id if settings else None) or ""


def _spared(tickets: pd.DataFrame) -> pd.Series:
    """Tickets that rightly have no time: by a word of the status, or a tag."""
    words = "|".join(SPARED)
    status = tickets["status"].astype("str").str.lower().str.contains(words, regex=True)
    tags = (tickets["tags"] + "\n" + tickets["customer_tags"]).str.lower()
    return status | tags.str.contains(rf"(?:^|\n)(?:{words})(?:\n|$)", regex=True)


def _worked(rows: pd.DataFrame) -> pd.Series:
    """Actual seconds as they are summed: one that ends before it starts takes nothing off the others."""
    return rows["actual_seconds"].clip(lower=0)


def _line(name: str, sums: Mapping[str, Any]) -> str:
    """A line of a terminal: what is to be billed of a group, its records, and the hours that are paid otherwise."""
    said = f"  {name:<36}{format_cents(int(sums['amount_cents'])):>14}  {sums['billable_hours']:>8.2f} h"
    apart = [f"{sums[one]:.2f} h {called}" for one, called in _CALLED.items() if sums[one]]
    return ", ".join([f"{said}  {counted(int(sums['records']), 'record')}", *apart])


def _hours(seconds: pd.Series) -> Any:
    """Seconds as hours, for reading."""
    return seconds.astype("Float64").astype("float64") / 3600
