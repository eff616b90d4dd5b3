"""Rules between time and charge: what was worked against what stands on the ticket, at which price."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from .. import terms
from ..config import House
from ..hours import Hours
from ..money import format_cents
from ..policy import FREE_KINDS, STANDARD_KINDS, Policy
from .arithmetic import (
    NO_ID,
    Array,
    added_up,
    among,
    at,
    half_up,
    has_word,
    ids,
    line_amount,
    marked,
    matches,
    mixed,
    of_one_ticket,
    repeated,
    sum_by,
)
from .finding import Found, Lack, hits
from .inputs import ADDED_AFTER_HOURS, UNREAD, Billed, Catalogue, Links, Rates, Waiting
from .registry import rule
from .time import HOUR, rated, unread

FREE_MODES = ("contract", "warranty", "internal")
_STALE = pd.Timedelta(hours=48)
_TOLERANCE = 36  # seconds: 0.01 h
_LEAST_OUTSIDE = 15 * 60
UNREAD_CUSTOMER = (
    "whether prepaid hours or a contract pay for it is not known: the customer or the contracts were not read in full"
)
OfTicket = Callable[[pd.Series], pd.DataFrame]
PaidBy = Callable[[pd.DataFrame, Any], pd.Series]


def timed_work(timers: pd.DataFrame, of_ticket: OfTicket, zone: ZoneInfo) -> pd.DataFrame:
    """Timers with what they take from their ticket and the day of their work."""
    rows = timers.join(of_ticket(timers["ticket_id"]))
    began = rows["started_at"].fillna(rows["ended_at"]).fillna(rows["created_at"])
    return rows.assign(worked_on=terms.local_day(began, zone))


def split_unread(rows: pd.DataFrame, mode: pd.Series, day: str) -> tuple[pd.Series, tuple[Lack, ...]]:
    """Which rows have a known mode, and the others as what was left out."""
    unknown = mode == UNREAD
    lacks = (Lack(UNREAD_CUSTOMER, int(unknown.sum()), rows.loc[unknown, day]),) if unknown.any() else ()
    return ~unknown, lacks


def priced(rows: pd.DataFrame, rates: Rates, seconds: str, day: str) -> tuple[pd.DataFrame, tuple[Lack, ...]]:
    """Rows with rate_cents, rate_source, assumed and amount_cents; those whose rate is not known are left out and said."""
    rows = rows.join(rates.of(rows))
    unknown = rows["rate_cents"].isna()
    lacks: tuple[Lack, ...] = ()
    if unknown.any():
        lacks = (
            Lack("its labour product is not known, so its rate is not", int(unknown.sum()), rows.loc[unknown, day]),
        )
        rows = rows[~unknown]
    return rows.assign(amount_cents=terms.hours_cents(rows[seconds], rows["rate_cents"])), lacks


def hours_of(seconds: pd.Series) -> pd.Series:
    """Seconds as hours for reading."""
    return (seconds / HOUR).round(6)


def _times(evidence: Any) -> str:
    return f"{evidence['hours']:g} h × {format_cents(evidence['rate_cents'])}"


# ---------------------------------------------------------------- timers that were not charged


@rule("timer-uncharged", "S2")
def timer_uncharged(
    timers: pd.DataFrame,
    waiting: Waiting,
    of_ticket: OfTicket,
    paid_by: PaidBy,
    rates: Rates,
    now: pd.Timestamp,
    cut_off: pd.Timestamp,
    zone: ZoneInfo,
) -> Found:
    """A billable timer that ended over two days ago, or before the cut-off, was never charged.

    Left out: work under a contract, warranty or internal work, and timers with a billable time of nothing. A timer
    without a product is worth the account's default labour product, and then only estimated. Where the house bills by
    lines, a labour line of the ticket may stand for a timer (inputs.waiting).
    """
    rows = timers[waiting.mask]
    rows = rows[(rows["ended_at"] < cut_off) | (now - rows["ended_at"] > _STALE)]
    rows = timed_work(rows[rows["worth_seconds"] > 0], of_ticket, zone)
    mode = paid_by(rows, np.ones(len(rows), dtype=bool))
    rows, mode = rows[~mode.isin(FREE_MODES)], mode[~mode.isin(FREE_MODES)]
    known, lacks = split_unread(rows, mode, "worked_on")
    if waiting.unsure.any():
        days = terms.local_day(timers.loc[waiting.unsure, "started_at"], zone)
        reason = "details of the ticket not read, so whether a line stands for the timer is not known"
        lacks += (Lack(reason, int(waiting.unsure.sum()), days),)
    rows, more = priced(rows[known], rates, "worth_seconds", "worked_on")
    rows = rows.assign(hours=hours_of(rows["worth_seconds"]), mode=mode[rows.index])
    found = hits(
        rows,
        about=("timer_id",),
        severity="S2",
        direction=np.where(rows["ended_at"] < cut_off, "leak", "timing"),
        amount=rows["amount_cents"],
        exact=~rows["assumed"],
        on="worked_on",
        evidence=("timer_id", "started_at", "ended_at", "hours", "rate_cents", "rate_source", "mode", "product_id"),
        claims={"timer": "timer_id"},
        message=lambda e: f"{_times(e)} of billable time was never charged",
    )
    return Found(found, lacks + more)


@rule("charged-no-line", "S1", says=("charges", "comments"))
def charged_no_line(
    timers: pd.DataFrame,
    charges: pd.DataFrame,
    links: Links,
    tickets: pd.DataFrame,
    of_ticket: OfTicket,
    rates: Rates,
    zone: ZoneInfo,
) -> Found:
    """A timer is recorded as charged, and its line item is not on the ticket.

    Syncro does not always say which line a charged timer became. Such a timer is only found where the labour lines of
    its ticket that no timer names cannot stand for it: there is none, or their hours are fewer, and none has its hours.
    A line that stands on another ticket is not on this one.
    """
    lost = timers["recorded"].to_numpy() & timers["ticket_id"].notna().to_numpy() & (links.charge < 0)
    linked = timers["line_id"].notna().to_numpy()
    gone, silent = timers[lost & linked], timers[lost & ~linked]
    silent = silent[_unmatched(silent, charges[charges["timed"].to_numpy() & ~links.named])]
    rows = pd.concat([gone, silent]) if len(silent) else gone
    is_read = tickets.loc[tickets["is_read"], "ticket_id"]
    seen = rows["ticket_id"].isin(is_read)
    lacks: tuple[Lack, ...] = ()
    if not seen.all():
        reason = "details of the ticket not read since its last change, so its lines are not known"
        lacks = (Lack(reason, int((~seen).sum()), terms.local_day(rows.loc[~seen, "started_at"], zone)),)
    rows, more = priced(timed_work(rows[seen], of_ticket, zone), rates, "worth_seconds", "worked_on")
    rows = rows.assign(hours=hours_of(rows["worth_seconds"]))
    found = hits(
        rows,
        about=("timer_id",),
        severity="S1",
        amount=rows["amount_cents"],
        exact=~rows["assumed"],
        on="worked_on",
        evidence=("timer_id", "line_id", "hours", "rate_cents", "rate_source", "product_id"),
        claims={"timer": "timer_id"},
        message=lambda e: f"{_times(e)} is recorded as charged, and the line is not on the ticket",
    )
    return Found(found, lacks + more)


def _unmatched(silent: pd.DataFrame, lines: pd.DataFrame) -> Array:
    """Of charged timers that name no line, those for which none of these labour lines on their ticket can stand."""
    owner = ids(silent["ticket_id"])
    lines = lines[among(ids(lines["ticket_id"]), owner)]
    theirs, seconds = ids(lines["ticket_id"]), line_seconds(lines)
    there = sum_by(theirs, np.asarray(seconds)).at(owner)
    wanted = sum_by(owner, silent["worth_seconds"].to_numpy()).at(owner)
    enough = (there > 0) & (there + _TOLERANCE >= wanted)
    # Hours in units of the tolerance, so that equal means near enough.
    own = mixed([owner, silent["worth_seconds"].to_numpy() // _TOLERANCE])
    near = [mixed([theirs, np.asarray(seconds) // _TOLERANCE + step]) for step in (-1, 0, 1)]
    fits = among(own, np.concatenate(near))
    return np.asarray(~enough & ~fits)


def line_seconds(lines: pd.DataFrame) -> Any:
    """The quantity of labour lines as whole seconds."""
    return half_up(lines["quantity_millionths"].to_numpy() * 36, 10_000)


# ---------------------------------------------------------------- one thing charged twice


@rule("double-charge", "S1", says=("charges", "comments"))
def double_charge(
    charges: pd.DataFrame,
    timers: pd.DataFrame,
    links: Links,
    tickets: pd.DataFrame,
    of_ticket: OfTicket,
    billed: Billed,
    invoice_lines: pd.DataFrame,
    policy: Policy,
    zone: ZoneInfo,
) -> Found:
    """The same work or goods were charged twice on one ticket.

    Three ways. Lines of one ticket, product, quantity, price, name and text on one day: the later ones are too many,
    but a line that has a timer of its own is not (two half hours of one day may read the same). Two lines for one
    timer, on whichever days: a labour line that no timer names, the same in all of that and with a text, as one that a
    timer names and whose hours that timer has; only where the house charges timers. A labour line that no timer names,
    within 10 % of an uncharged timer of the same technician and day, each taken once, the nearest first; lines of
    travel and of hours sold are no time. Where the house bills by lines such a line is how the timer is billed. Lines that
    come to nothing, and the line that bills after-hours beside a charged timer, are left out.
    """
    twice = _alike(charges, timers, links, policy, zone)
    beside, lacks = _beside(charges, timers, links, zone) if policy.bill_by == "timers" else (twice[:0], ())
    beside = beside[~beside["line_id"].isin(twice["line_id"])]
    every = pd.concat([twice, beside])
    every = every.join(of_ticket(every["ticket_id"]))
    every = with_invoice(every, billed.line[every["at"].to_numpy(dtype="int64")], invoice_lines)
    every["quantity"] = every["quantity_millionths"] / 1_000_000
    found = hits(
        every,
        about=("line_id",),
        severity="S1",
        direction=np.where(every["amount_cents"] > 0, "over", "leak"),
        amount=every["amount_cents"].abs(),
        on="on",
        evidence=(
            "line_id",
            "first_line_id",
            "timer_id",
            "quantity",
            "price_cents",
            "product_id",
            "invoice_line_id",
            "how",
        ),
        claims={"line": "line_id", "price": "line_id", "hours": "line_id", "timer": "timer_id"},
        message=lambda e: f"{e['quantity']:g} × {format_cents(e['price_cents'])} is one too many: {e['how']}",
    )
    return Found(found, unread(tickets, "their lines")[:1] + lacks)


_TWICE = [
    *("line_id", "ticket_id", "product_id", "quantity_millionths", "price_cents", "amount_cents", "user_id", "at"),
    *("first_line_id", "timer_id", "how", "on"),
]


_NUMBERS = ("product_id", "quantity_millionths", "price_cents")


def _alike(charges: pd.DataFrame, timers: pd.DataFrame, links: Links, policy: Policy, zone: ZoneInfo) -> pd.DataFrame:
    """Lines that repeat another one."""
    places = np.flatnonzero(charges["ticket_id"].notna().to_numpy() & (charges["amount_cents"] != 0).to_numpy())
    places = places[repeated(of_one_ticket(charges, places, _NUMBERS))]
    texts = [pd.factorize(charges[name].iloc[places])[0] for name in ("name", "description")]
    same = of_one_ticket(charges, places, _NUMBERS, *texts)
    twice = repeated(same)
    places, same = places[twice], same[twice]
    rows = charges.iloc[places].assign(at=places, same=same, named=links.named[places])
    rows = rows.assign(on=terms.local_day(rows["created_at"], zone)).sort_values("line_id")
    groups = rows.groupby(["same", "on"], dropna=False, sort=False)
    kept = groups["named"].transform("sum").clip(lower=1)
    extra = (groups.cumcount() >= kept) & rows["on"].notna()
    rows["first_line_id"] = groups["line_id"].transform("first")
    rows["how"] = "same product, quantity, price and text on one day"
    found = rows[extra]
    linked = np.flatnonzero(links.naming(places))
    if policy.bill_by == "timers":
        # The first of each that has the hours of a timer of its own.
        charged = links.charge[linked]
        lasted = timers["worth_seconds"].to_numpy()[linked]
        fits = np.abs(line_seconds(charges.iloc[charged]) - lasted) <= _TOLERANCE
        own = rows["line_id"].astype("Int64").where(rows["at"].isin(charged[fits]))
        original = own.groupby(rows["same"]).transform("first")
        again = rows["timed"] & ~rows["named"] & original.notna() & ~extra & (rows["description"].str.strip() != "")
        again &= ~rows["line_id"].isin(ids(found["first_line_id"]))
        more = rows[again].assign(first_line_id=original[again], how="one timer was charged twice")
        found = pd.concat([found, more])
    told = timers[["timer_id", "line_id"]].iloc[linked].sort_values("timer_id")
    first = found["first_line_id"].astype("Int64")
    found["timer_id"] = at(found["line_id"], told, "line_id", "timer_id").fillna(at(first, told, "line_id", "timer_id"))
    other = found["timer_id"].isna() | ~found["timed"]
    found["how"] = found["how"].where(other, "one timer was charged twice, with the same text")
    return found[_TWICE]


def _beside(
    charges: pd.DataFrame, timers: pd.DataFrame, links: Links, zone: ZoneInfo
) -> tuple[pd.DataFrame, tuple[Lack, ...]]:
    """Labour lines beside an uncharged timer of the same technician, day and, nearly, length."""
    waiting = timers[terms.uncharged(timers).to_numpy() & (timers["worth_seconds"] > 0).to_numpy()]
    by_hand = charges["timed"].to_numpy() & ~links.named & (charges["amount_cents"] != 0).to_numpy()
    by_hand &= charges["ticket_id"].notna().to_numpy() & among(ids(charges["ticket_id"]), ids(waiting["ticket_id"]))
    lines = charges[by_hand].assign(at=np.flatnonzero(by_hand))
    lines = lines[~matches(lines["description"], ADDED_AFTER_HOURS)]
    lines = lines.assign(on=terms.local_day(lines["created_at"], zone), seconds=line_seconds(lines))
    began = waiting["started_at"].fillna(waiting["ended_at"])
    waiting = waiting.assign(on=terms.local_day(began, zone))
    nameless = lines["user_id"].isna() | lines["on"].isna()
    lacks: tuple[Lack, ...] = ()
    if nameless.any():
        reason = "a labour line beside an uncharged timer does not say who entered it, or when"
        lacks = (Lack(reason, int(nameless.sum()), lines.loc[nameless, "on"]),)
    pairs = lines[~nameless].merge(
        waiting[["timer_id", "ticket_id", "user_id", "on", "worth_seconds"]].dropna(),
        on=["ticket_id", "user_id", "on"],
    )
    pairs["apart"] = (pairs["seconds"] - pairs["worth_seconds"]).abs()
    pairs = pairs[pairs["apart"] * 10 <= pairs["worth_seconds"]].sort_values(["apart", "line_id", "timer_id"])
    while True:
        once = ~pairs.duplicated("line_id") & ~pairs.duplicated("timer_id")
        rest = pairs[
            once
            | ~(pairs["line_id"].isin(pairs.loc[once, "line_id"]) | pairs["timer_id"].isin(pairs.loc[once, "timer_id"]))
        ]
        if len(rest) == len(pairs):
            break
        pairs = rest
    pairs["how"] = "a labour line by hand beside an uncharged timer of the same technician, day and length"
    pairs["first_line_id"] = pd.array([pd.NA] * len(pairs), dtype="Int64")
    return pairs, lacks


# ---------------------------------------------------------------- how much, and at which price


@rule("quantity-vs-timer", "S2")
def quantity_vs_timer(
    charges: pd.DataFrame,
    timers: pd.DataFrame,
    links: Links,
    of_ticket: OfTicket,
    billed: Billed,
    invoice_lines: pd.DataFrame,
    zone: ZoneInfo,
) -> Found:
    """The hours on a line are not the billable hours of its timers (by more than 0.01 h).

    A line that became an invoice line is judged as that: by the invoice line's quantity and price (the ticket line's
    price where the hours were drawn from a block at $0.00).
    """
    ended = timers["ended_at"].notna().to_numpy()
    charge = np.where(ended, links.charge, -1)
    worked = added_up(charge, timers["worth_seconds"].to_numpy(), len(charges))
    rows = np.flatnonzero(marked(charge, len(charges)) & charges["timed"].to_numpy())
    on_invoice = billed.line[rows]
    there = on_invoice >= 0
    spots = on_invoice[there]
    on_ticket = charges["quantity_millionths"].to_numpy()[rows]
    quantity, price = on_ticket.copy(), charges["price_cents"].to_numpy()[rows]
    quantity[there] = invoice_lines["quantity_millionths"].to_numpy()[spots]
    cash = invoice_lines["price_cents"].to_numpy()[spots]
    price[there] = np.where(cash == 0, price[there], cash)
    off = worked[rows] * 10_000 - quantity * 36  # in 1/10,000 s
    wrong = np.abs(off) > _TOLERANCE * 10_000
    places, on_invoice, off, quantity, on_ticket, price = (
        one[wrong] for one in (rows, on_invoice, off, quantity, on_ticket, price)
    )
    rows = charges.iloc[places].assign(quantity=quantity / 1_000_000, price_cents=price)
    rows = with_invoice(rows, on_invoice, invoice_lines)
    rows = rows.join(of_ticket(rows["ticket_id"]))
    source = timers_of(rows["line_id"], timers[ended & links.naming(places)])
    rows["on"] = terms.local_day(source["started_at"].fillna(rows["created_at"]), zone)
    rows["user_id"] = source["user_id"].fillna(rows["user_id"])
    rows["timer_ids"] = source["timer_ids"]
    rows["timer_hours"] = hours_of(pd.Series(worked[places], index=rows.index))
    vs = rows["ticket_id"].astype("str") + "/" + rows["product_id"].astype("str")
    rows["vs"] = vs.where(quantity != on_ticket)
    found = hits(
        rows,
        about=("line_id",),
        severity="S2",
        direction=np.where(off > 0, "leak", "over"),
        amount=np.abs(half_up(off * price, 36_000_000)),
        on="on",
        evidence=("line_id", "timer_ids", "timer_hours", "quantity", "price_cents", "product_id", "invoice_line_id"),
        claims={"hours": "line_id", "vs": "vs"},
        message=lambda e: f"{e['timer_hours']:g} h were worked and {e['quantity']:g} are on the line",
    )
    return Found(found)


def timers_of(line_ids: pd.Series, timers: pd.DataFrame) -> pd.DataFrame:
    """For each ticket line: of the timers that name it the first one's start and technician, all notes, and all ids."""
    names = ids(timers["line_id"])
    wanted = np.flatnonzero(among(names, ids(line_ids)) & (names != NO_ID))
    columns = ["timer_id", "line_id", "started_at", "user_id", "notes"]
    linked = timers[columns].iloc[wanted].sort_values(["started_at", "timer_id"])
    first = linked.drop_duplicates("line_id")
    found = terms.look_up(line_ids, first, "line_id", {"started_at": "started_at", "user_id": "user_id"})
    notes: dict[int, list[str]] = {}
    numbers: dict[int, list[int]] = {}
    for line, timer, note in zip(
        ids(linked["line_id"]).tolist(), linked["timer_id"].tolist(), linked["notes"], strict=True
    ):
        notes.setdefault(line, []).append(note)
        numbers.setdefault(line, []).append(timer)
    owners = ids(line_ids).tolist()
    found["notes"] = pd.Series([" \n ".join(notes.get(one, ())) for one in owners], index=line_ids.index, dtype="str")
    found["timer_ids"] = pd.Series([numbers.get(one, []) for one in owners], index=line_ids.index, dtype=object)
    return found


def with_invoice(rows: pd.DataFrame, places: Array, invoice_lines: pd.DataFrame) -> pd.DataFrame:
    """Rows with the invoice_id and invoice_line_id of these places of the invoice lines (-1: none)."""
    there = places >= 0
    spots = np.where(there, places, 0)
    columns = {"invoice_id": "invoice_id", "invoice_line_id": "line_id"}
    for new, old in columns.items():
        values = ids(invoice_lines[old])[spots] if len(invoice_lines) else np.zeros(len(rows), dtype="int64")
        rows[new] = pd.array(np.where(there, values, 0), dtype="Int64")
        rows.loc[~there, new] = pd.NA
    return rows


COLUMNS_OF_A_LINE = [
    *("line_id", "ticket_id", "product_id", "name", "description", "quantity_millionths", "price_cents"),
    *("amount_cents", "discount_percent", "discount_cents", "product", "kind", "labour", "timed"),
]


def judged(charges: pd.DataFrame, invoice_lines: pd.DataFrame, mine: Array, theirs: Array) -> pd.DataFrame:
    """Lines as they are judged: pending ticket lines (places `mine`) and invoice lines (places `theirs`), each once.

    `line_id` is the ticket line's and `invoice_line_id` the invoice line's; a ticket line that became an invoice line
    is judged as the invoice line only.
    """
    one = charges.iloc[mine][[*COLUMNS_OF_A_LINE, "created_at", "user_id"]].assign(charge=mine, there=-1)
    other = invoice_lines.iloc[theirs][[*COLUMNS_OF_A_LINE, "invoice_id", "place", "customer_id"]].assign(there=theirs)
    other = other.rename(columns={"line_id": "invoice_line_id"})
    one["invoice_line_id"] = pd.array([pd.NA] * len(one), dtype="Int64")
    other["ticket_id"] = pd.array(np.where(other["ticket_id"] == NO_ID, 0, other["ticket_id"]), dtype="Int64")
    other.loc[other["ticket_id"] == 0, "ticket_id"] = pd.NA
    one = one.drop(columns=["kind"]).assign(kind=one["kind"].astype("str"))
    other = other.drop(columns=["kind"]).assign(kind=other["kind"].astype("str"))
    rows = pd.concat([one, other], ignore_index=True)
    for name in ("ticket_id", "line_id", "invoice_line_id", "invoice_id", "customer_id", "charge", "place", "user_id"):
        rows[name] = rows[name].astype("Int64") if name in rows else pd.array([pd.NA] * len(rows), dtype="Int64")
    return rows


def located(
    rows: pd.DataFrame,
    charges: pd.DataFrame,
    invoices: pd.DataFrame,
    billed: Billed,
    of_ticket: OfTicket,
    timers: pd.DataFrame,
    zone: ZoneInfo,
) -> pd.DataFrame:
    """Judged rows with their ticket's words, customer, day of the work (`worked_on`), source line and its timers'
    notes.

    `on` is the invoice's day, or that of the work for what is pending. `changed`: the invoice line's price is not the
    ticket line's.
    """
    source = np.where(rows["there"] >= 0, billed.charge[rows["there"].clip(lower=0)] if len(billed.charge) else -1, -1)
    charge = np.where(rows["there"] >= 0, source, rows["charge"].fillna(-1).astype("int64"))
    told = charge >= 0
    spots = np.where(told, charge, 0)

    def of_charge(name: str) -> Any:
        return charges[name].iloc[spots].reset_index(drop=True) if len(charges) else pd.Series(pd.NA, index=rows.index)

    rows = rows.reset_index(drop=True)
    for name in ("line_id", "ticket_id", "user_id"):
        rows[name] = rows[name].fillna(of_charge(name).where(told)).astype("Int64")
    words = of_ticket(rows["ticket_id"])
    number = rows["place"].fillna(-1).astype("int64").to_numpy()
    invoice = invoices.iloc[np.where(number >= 0, number, 0)].reset_index(drop=True) if len(invoices) else None
    has = number >= 0
    rows["customer_id"] = rows["customer_id"].where(rows["customer_id"] != NO_ID).fillna(words["customer_id"])
    rows["customer"] = words["customer"]
    rows["on"] = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[ms]")
    if invoice is not None:
        rows["customer"] = rows["customer"].where(~has | (rows["customer"] != ""), invoice["customer"])
        rows["on"] = invoice["day"].where(has)
    for name in ("tags", "customer_tags", "status"):
        rows[name] = words[name]
    entered = of_charge("created_at").where(told) if len(charges) else pd.Series(pd.NaT, index=rows.index)
    entered = pd.to_datetime(entered, utc=True)
    source_timers = timers_of(rows["line_id"], timers)
    began = source_timers["started_at"]
    rows["worked_on"] = terms.local_day(began.fillna(entered), zone).fillna(rows["on"])
    rows["on"] = rows["on"].fillna(rows["worked_on"])
    rows["user_id"] = source_timers["user_id"].fillna(rows["user_id"])
    rows["notes"] = source_timers["notes"]
    original = of_charge("description").where(told).astype("str").where(told, "") if len(charges) else ""
    rows["said"] = rows["name"] + " \n " + rows["description"] + " \n " + original + " \n " + rows["notes"]
    before = of_charge("price_cents").where(told) if len(charges) else pd.Series(pd.NA, index=rows.index)
    rows["ticket_price_cents"] = before.astype("Int64")
    changed = (rows["there"] >= 0) & told & (rows["ticket_price_cents"] != rows["price_cents"]).fillna(False)
    vs = rows["ticket_id"].astype("str") + "/" + rows["product_id"].astype("str")
    rows["vs"] = vs.where(changed)
    # The dollars of a line have one name, whether it stands on the ticket or on the invoice.
    rows["dollar"] = (
        rows["line_id"].astype("str").where(rows["line_id"].notna(), "i" + rows["invoice_line_id"].astype("str"))
    )
    rows["quantity"] = rows["quantity_millionths"] / 1_000_000
    return rows


@rule("rate-drift", "S2")
def rate_drift(
    charges: pd.DataFrame,
    invoice_lines: pd.DataFrame,
    invoices: pd.DataFrame,
    billed: Billed,
    tickets: pd.DataFrame,
    of_ticket: OfTicket,
    timers: pd.DataFrame,
    rates: Rates,
    agreed_prices: pd.DataFrame,
    catalogue: Catalogue,
    products: pd.DataFrame,
    block_customers: frozenset[int],
    hours: Hours,
    house: House,
    zone: ZoneInfo,
) -> Found:
    """A line's price is not the agreed rate, nor the product's price, and it shows no discount.

    All lines with a known product are held against it: invoice lines, and ticket lines that wait. Left out: a price of
    $0.00 (that is `zero-line`) or below, a product without a price of its own that is no labour, a price that a
    recurring invoice of the customer has for the product, labour that waits on a ticket of a customer with prepaid
    hours; labour of a standard kind at the after-hours price (the rate times the multiplier), where the line says so or
    its timers were after hours, or at what that adds, on a line that says that it is added; and goods for less than they
    cost (that is `below-cost`).
    """
    pending = charges[["product", "price_cents", "discount_percent", "discount_cents", "labour", "product_id"]]
    mine = np.flatnonzero(~charges["converted"].to_numpy() & _drifts(pending, catalogue, bool(house.policy.rates)))
    theirs = np.flatnonzero(_drifts(invoice_lines, catalogue, bool(house.policy.rates)))
    rows = located(judged(charges, invoice_lines, mine, theirs), charges, invoices, billed, of_ticket, timers, zone)
    rows = _explained(rows, tickets)
    rows = rows.join(rates.of(rows))
    rows = rows[(rows["rate_cents"] != rows["price_cents"]).fillna(False).to_numpy(dtype=bool)]
    sold = mixed([ids(rows["customer_id"]), ids(rows["product_id"]), rows["price_cents"].to_numpy()])
    known = mixed(
        [ids(agreed_prices["customer_id"]), ids(agreed_prices["product_id"]), agreed_prices["price_cents"].to_numpy()]
    )
    drawn = (rows["there"] < 0) & rows["labour"] & rows["customer_id"].isin(list(block_customers))
    cost = at(rows["product_id"], products, "product_id", "cost_cents").fillna(0)
    given_away = ~rows["labour"] & (rows["price_cents"] < cost)
    rows = rows[~among(sold, known) & ~drawn.to_numpy() & ~given_away.to_numpy(dtype=bool)]
    rows = rows[~_after_hours_price(rows, timers, hours, house.policy)]
    off = (rows["rate_cents"].astype("int64") - rows["price_cents"]).to_numpy()
    amount = line_amount(rows["quantity_millionths"], off)
    rows = rows[amount != 0]
    amount = amount[amount != 0]
    found = hits(
        rows,
        about=("dollar",),
        severity="S2",
        direction=np.where(amount > 0, "leak", "over"),
        amount=np.abs(amount),
        on="on",
        evidence=("line_id", "invoice_line_id", "quantity", "price_cents", "rate_cents", "rate_source", "product_id"),
        claims={"price": "dollar", "vs": "vs"},
        message=lambda e: (
            f"{e['quantity']:g} × {format_cents(e['price_cents'])}, where {format_cents(e['rate_cents'])} "
            f"{'is agreed' if e['rate_source'] == 'agreed' else 'is the price of the product'}"
        ),
    )
    return Found(found)


def _explained(rows: pd.DataFrame, tickets: pd.DataFrame) -> pd.DataFrame:
    """The lines of which all that could explain them is at hand: those of no ticket, and of tickets that were read.

    That the other tickets were not read is said beside the findings, since their lines are a gap.
    """
    owner = ids(rows["ticket_id"])
    return rows[(owner == NO_ID) | among(owner, tickets.loc[tickets["is_read"], "ticket_id"])]


def _after_hours_price(rows: pd.DataFrame, timers: pd.DataFrame, hours: Hours, policy: Policy) -> Array:
    """Which lines of a standard kind have the after-hours price, and are right to have it."""
    rate, price = rows["rate_cents"].astype("int64").to_numpy(), rows["price_cents"].to_numpy()
    raised = half_up(rate * int(policy.after_hours_multiplier * 1000), 1000)
    added = (np.abs(price - (raised - rate)) <= 1) & matches(rows["description"], ADDED_AFTER_HOURS)
    dear = np.abs(price - raised) <= 1
    found = np.asarray(rows["kind"].isin(STANDARD_KINDS).to_numpy() & (added | dear))
    if not found.any():
        return found
    linked = timers[among(ids(timers["line_id"]), ids(rows["line_id"])[dear]) & timers["ended_at"].notna().to_numpy()]
    lasted = (linked["ended_at"] - linked["started_at"]).dt.total_seconds().fillna(0)
    late = lasted - hours.open_seconds_between(linked["started_at"], linked["ended_at"]).fillna(0) >= _LEAST_OUTSIDE
    was_late = rows["line_id"].isin(ids(linked.loc[late.to_numpy(), "line_id"])).to_numpy()
    words = matches(rows["said"], r"(?i)\bafter[ -]?hours\b")
    return np.asarray(found & (added | was_late | words))


def _drifts(lines: pd.DataFrame, catalogue: Catalogue, has_agreed: bool) -> Array:
    """Lines whose price may be another than the rate: a cheap look at all of them."""
    place, price = lines["product"].to_numpy(), lines["price_cents"].to_numpy()
    listed = catalogue.price[place]
    apart = catalogue.known[place] & (price > 0) & ((listed > 0) | lines["labour"].to_numpy())
    # An agreed rate may differ where the product's price agrees.
    apart &= (price != listed) | (lines["labour"].to_numpy() if has_agreed else False)
    apart &= (lines["discount_percent"].fillna(0).to_numpy() == 0) & (ids(lines["discount_cents"].fillna(0)) == 0)
    return np.asarray(apart)


@rule("zero-line", "S2")
def zero_line(
    charges: pd.DataFrame,
    invoice_lines: pd.DataFrame,
    invoices: pd.DataFrame,
    billed: Billed,
    tickets: pd.DataFrame,
    of_ticket: OfTicket,
    timers: pd.DataFrame,
    paid_by: PaidBy,
    rates: Rates,
    agreed_prices: pd.DataFrame,
    catalogue: Catalogue,
    blocks: frozenset[int],
    policy: Policy,
    zone: ZoneInfo,
) -> Found:
    """Labour or goods from the shelf were billed at $0.00, and nothing says why.

    A reason may stand in the text of the line, of the ticket line that it came from, in the notes of its timers, or in
    a tag. Labour of a customer who has or had prepaid hours counts as drawn from them. What a recurring invoice gives
    for nothing, and a product whose own price is nothing, are as agreed.
    """
    mine = np.flatnonzero(~charges["converted"].to_numpy() & _free(charges, catalogue))
    drawn = invoice_lines["labour"].to_numpy() & among(invoice_lines["customer_id"].to_numpy(), list(blocks))
    theirs = np.flatnonzero(_free(invoice_lines, catalogue) & ~drawn)
    rows = located(judged(charges, invoice_lines, mine, theirs), charges, invoices, billed, of_ticket, timers, zone)
    rows = _explained(rows, tickets)
    rows = rows[~(rows["labour"] & rows["customer_id"].isin(list(blocks)))]
    given = mixed([ids(rows["customer_id"]), ids(rows["product_id"]), rows["price_cents"].to_numpy()])
    known = mixed(
        [ids(agreed_prices["customer_id"]), ids(agreed_prices["product_id"]), agreed_prices["price_cents"].to_numpy()]
    )
    rows = rows[~among(given, known)]
    explained = has_word(rows["said"], policy.reasons) | has_word(rows["tags"], policy.reasons)
    rows = rows[~(explained | has_word(rows["customer_tags"], policy.reasons))]
    mode = paid_by(rows, rows["labour"])
    rows, mode = rows[~mode.isin(FREE_MODES)], mode[~mode.isin(FREE_MODES)]
    known_mode, lacks = split_unread(rows, mode, "on")
    rows = rows[known_mode]
    rows = rows.join(rates.of(rows))
    unknown = rows["rate_cents"].isna()
    if unknown.any():
        lacks += (
            Lack(
                "the product of a free line is not known, so its rate is not",
                int(unknown.sum()),
                rows.loc[unknown, "on"],
            ),
        )
    rows = rows[~unknown & (rows["rate_cents"] != 0).fillna(False)]
    found = hits(
        rows,
        about=("dollar",),
        severity="S2",
        amount=np.abs(line_amount(rows["quantity_millionths"], rows["rate_cents"].astype("int64"))),
        on="on",
        evidence=("line_id", "invoice_line_id", "quantity", "price_cents", "rate_cents", "rate_source", "product_id"),
        claims={"price": "dollar", "vs": "vs"},
        message=lambda e: f"{e['quantity']:g} × {format_cents(e['rate_cents'])} went out at $0.00 without a reason",
    )
    return Found(found, lacks)


def _free(lines: pd.DataFrame, catalogue: Catalogue) -> Array:
    nothing = (lines["quantity_millionths"].to_numpy() == 0) | (lines["price_cents"].to_numpy() == 0)
    return np.asarray(nothing & (lines["labour"].to_numpy() | catalogue.stocked[lines["product"].to_numpy()]))


# ---------------------------------------------------------------- when it was worked


@rule("after-hours-at-standard", "S2")
def after_hours_at_standard(
    timers: pd.DataFrame,
    charges: pd.DataFrame,
    links: Links,
    invoice_lines: pd.DataFrame,
    billed: Billed,
    of_ticket: OfTicket,
    paid_by: PaidBy,
    rates: Rates,
    known_hours: Hours,
    policy: Policy,
    zone: ZoneInfo,
) -> Found:
    """Work of 15 minutes or more after hours or on a holiday was billed at a standard kind.

    Only charged timers are looked at, by the kind of their line (of their own product where Syncro names no line). The
    minutes outside are exact, at most the timer's actual time, and lack half the rate (policy: the multiplier less
    one). Left out: contract work; a reason in the notes, the line's text or a tag; and work for which the multiplier
    was billed, from a block or in cash: a price of so many times the rate, a quantity that has the extra hours on
    top of the hours that were worked, rounded, or a line of its own that is added to the timer's and says so. A line
    that `after-hours-stacked` wants gone is left to it.
    """
    places = _charged(timers, links)
    places = places[_standard(charges, timers, links, places)]
    outside = _outside_seconds(timers, places, known_hours)
    late = outside >= _LEAST_OUTSIDE
    rows = timers.iloc[places[late]].assign(outside_seconds=outside[late])
    places = links.charge[places[late]]
    there, spots = places >= 0, np.where(places >= 0, places, 0)
    said = rows["notes"].astype("str")
    if len(charges):
        line = charges.iloc[spots].set_axis(rows.index)
        rows = rows.assign(product_id=line["product_id"].where(there, rows["product_id"]))
        rows["kind"] = line["kind"].astype("str").where(there, rows["kind"].astype("str"))
        said = said + " \n " + (line["name"] + " \n " + line["description"]).where(there, "")
    rows = timed_work(rows, of_ticket, zone)
    explained = has_word(said, policy.reasons) | has_word(rows["tags"], policy.reasons)
    explained |= has_word(rows["customer_tags"], policy.reasons)
    rows, places = rows[~explained], places[~explained]
    mode = paid_by(rows, np.ones(len(rows), dtype=bool))
    free = mode.isin(FREE_MODES)
    rows, mode, places = rows[~free], mode[~free], places[~free.to_numpy()]
    known, lacks = split_unread(rows, mode, "worked_on")
    rows, mode, places = rows[known], mode[known], places[known.to_numpy()]
    rows = rows.join(rates.of(rows)[["rate_cents", "rate_source"]])
    extra = policy.after_hours_multiplier - 1
    thousandths = int(extra * 1000)
    there, spots = places >= 0, np.where(places >= 0, places, 0)
    if len(charges) and len(rows):
        line = charges.iloc[spots].set_axis(rows.index)
        multiplied = _multiplied(rows, line, timers, policy, thousandths) & there
        rows, places = rows[~multiplied], places[~multiplied]
        added = _added(rows, charges)
        rows, places = rows[~added], places[~added]
    unknown = rows["rate_cents"].isna().to_numpy()
    rows, more = rated(rows, rows["rate_cents"], "worked_on")
    lacks, places, rate = lacks + more, places[~unknown], rows["rate_cents"].to_numpy()
    amount = half_up(rows["outside_seconds"].to_numpy() * rate * thousandths, 3_600_000)
    on_invoice = np.where(places >= 0, billed.line[np.where(places >= 0, places, 0)] if len(billed.line) else -1, -1)
    rows = with_invoice(rows, on_invoice, invoice_lines)
    rows["hours"], rows["multiplier"] = hours_of(rows["outside_seconds"]), str(policy.after_hours_multiplier)
    found = hits(
        rows,
        about=("timer_id",),
        severity="S2",
        amount=amount,
        on="worked_on",
        evidence=(
            *("timer_id", "line_id", "started_at", "ended_at", "hours", "rate_cents", "rate_source", "multiplier"),
            *("kind", "invoice_line_id"),
        ),
        claims={"after": "timer_id", "late": "line_id"},
        message=lambda e: (
            f"{e['hours']:.2f} h after hours or on a holiday were billed as {e['kind']} work at {format_cents(e['rate_cents'])}"
        ),
    )
    return Found(found, lacks)


def _charged(timers: pd.DataFrame, links: Links) -> Array:
    """Places of the timers with both ends that were charged; not those whose line is not at hand."""
    there = timers["ended_at"].notna().to_numpy() & timers["started_at"].notna().to_numpy()
    silent = timers["recorded"].to_numpy() & timers["line_id"].isna().to_numpy()
    return np.flatnonzero(there & (silent | (links.charge >= 0)))


def _standard(charges: pd.DataFrame, timers: pd.DataFrame, links: Links, places: Array) -> Array:
    """Whether these timers (places) were billed at a standard kind: by their line, else by their own product."""
    line = links.charge[places]
    own = timers["kind"].isin(STANDARD_KINDS).to_numpy()[places]
    of_line = np.append(charges["kind"].isin(STANDARD_KINDS).to_numpy(), False)  # the last is that of no line
    return np.asarray(np.where(line >= 0, of_line[line], own))


def _outside_seconds(timers: pd.DataFrame, places: Array, hours: Hours) -> Array:
    """The seconds of these timers (places) outside business hours, at most their actual time."""
    start, end = (timers[name].to_numpy("datetime64[us]")[places].view("int64") for name in ("started_at", "ended_at"))
    actual = timers["actual_seconds"].to_numpy()[places]
    outside = np.zeros(len(places), dtype="int64")
    some = np.flatnonzero(np.minimum((end - start) // 1_000_000, actual) >= _LEAST_OUTSIDE)
    start, end = start[some], end[some]
    inside = (hours.opened(end) - hours.opened(start)) // 1_000_000
    outside[some] = np.minimum((end - start) // 1_000_000 - inside, actual[some])
    return outside


def _added(rows: pd.DataFrame, charges: pd.DataFrame) -> Array:
    """For which timers a line on their ticket bills what after-hours adds: for all of them, or for one of as many hours."""
    lines = charges[among(ids(charges["ticket_id"]), ids(rows["ticket_id"])) & (charges["amount_cents"] > 0).to_numpy()]
    lines = lines[matches(lines["description"], ADDED_AFTER_HOURS)]
    if not len(lines):
        return np.zeros(len(rows), dtype=bool)
    owner, seconds = ids(rows["ticket_id"]), rows["outside_seconds"].to_numpy()
    there = sum_by(ids(lines["ticket_id"]), np.asarray(line_seconds(lines))).at(owner)
    alike = mixed([owner, seconds // _TOLERANCE])
    theirs, length = ids(lines["ticket_id"]), np.asarray(line_seconds(lines)) // _TOLERANCE
    near = np.concatenate([mixed([theirs, length + step]) for step in (-1, 0, 1)])
    return np.asarray((there + _TOLERANCE >= sum_by(owner, seconds).at(owner)) | among(alike, near))


def _multiplied(
    rows: pd.DataFrame, line: pd.DataFrame, timers: pd.DataFrame, policy: Policy, thousandths: int
) -> Array:
    """Whether the line already has the multiplier: in its price, or in its quantity beyond the hours of its timers."""
    dear = line["price_cents"].to_numpy() * 1000 >= rows["rate_cents"].fillna(0).to_numpy("int64") * (
        1000 + thousandths
    )
    dear &= rows["rate_cents"].fillna(0).to_numpy("int64") > 0
    every = timers[among(ids(timers["line_id"]), line["line_id"].to_numpy())]
    rounded = terms.policy_seconds(every, every["kind"], policy).to_numpy()
    # Without a written rounding, hours that Syncro rounded up to a quarter are still only the hours that were worked.
    quarter = -(-every["actual_seconds"].to_numpy() // 900) * 900
    theirs = every["billable_seconds"].fillna(2**40).to_numpy(dtype="int64")
    guessed = np.minimum(np.maximum(theirs, every["actual_seconds"].to_numpy()), quarter)
    has_rounding = np.array([policy.has_rounding(one or None) for one in every["kind"].astype("str")], dtype=bool)
    base = sum_by(ids(every["line_id"]), np.where(has_rounding, rounded, guessed))
    extra = sum_by(line["line_id"].to_numpy(), rows["outside_seconds"].to_numpy())
    owner = line["line_id"].to_numpy()
    want = base.at(owner) + half_up(extra.at(owner) * thousandths, 1000)
    return np.asarray(dear | (line_seconds(line) + _TOLERANCE >= want))


@rule("unexplained-non-billable", "S3")
def unexplained_non_billable(
    timers: pd.DataFrame,
    of_ticket: OfTicket,
    paid_by: PaidBy,
    rates: Rates,
    policy: Policy,
    zone: ZoneInfo,
) -> Found:
    """Time of a customer who pays by the hour was set to not billable, and nothing says why.

    A reason may stand in the timer's notes or in a tag. The hours are the actual ones, rounded as the policy says;
    without a policy, as they are. A timer that was charged all the same is left out.
    """
    rows = timers[
        ~(timers["billable"] | timers["recorded"]).to_numpy()
        & (timers["ended_at"].notna() & timers["line_id"].isna()).to_numpy()
        & ~timers["kind"].isin(FREE_KINDS).to_numpy()
    ]
    if policy.per != "ticket":
        rows = rows[(rows["actual_seconds"] > 0).to_numpy()]
    rows = rows.assign(policy_seconds=terms.policy_seconds(rows, rows["kind"], policy))
    rows = rows[(rows["policy_seconds"] > 0).to_numpy() & ~has_word(rows["notes"], policy.reasons)]
    rows = timed_work(rows, of_ticket, zone)
    rows = rows[~(has_word(rows["tags"], policy.reasons) | has_word(rows["customer_tags"], policy.reasons))]
    mode = paid_by(rows, np.ones(len(rows), dtype=bool))
    rows = rows[mode.isin(["time-and-materials", UNREAD])]
    known, lacks = split_unread(rows, mode[rows.index], "worked_on")
    rows, more = priced(rows[known], rates, "policy_seconds", "worked_on")
    rows = rows[(rows["rate_cents"] != 0).to_numpy(dtype=bool)]
    rows = rows.assign(hours=hours_of(rows["policy_seconds"]))
    found = hits(
        rows,
        about=("timer_id",),
        severity="S3",
        amount=rows["amount_cents"],
        exact=~rows["assumed"],
        on="worked_on",
        evidence=("timer_id", "started_at", "ended_at", "hours", "rate_cents", "rate_source", "product_id"),
        claims={"timer": "timer_id"},
        message=lambda e: f"{_times(e)} was set to not billable without a reason",
    )
    return Found(found, lacks + more)
