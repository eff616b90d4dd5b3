"""Rules between charge and invoice: what waits, what was invoiced twice or otherwise than charged, tax, and what recurs."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from .. import terms
from ..books import Books
from ..config import House
from ..hours import Hours
from ..money import format_cents
from .arithmetic import (
    NO_ID,
    Array,
    added_up,
    among,
    at,
    half_up,
    ids,
    marked,
    matches,
    mixed,
    net_cents,
    repeated,
    sum_by,
)
from .charges import FREE_MODES, OfTicket, PaidBy, priced, split_unread, timed_work, timers_of
from .finding import Found, Hit, Lack, Proofs, hits
from .inputs import Billed, Catalogue, Rates, Waiting
from .registry import rule
from .time import ticket_day, unread

_STALE_DAYS = 5
_NEAR = np.timedelta64(3, "D")
_NO_TICKET_FOR = pd.Timedelta(days=45)
_NOT_INVOICED = r"(?i)\b(?:not|un|never|to be)[\s_-]*(?:yet[\s_-]*)?invoiced"


# ---------------------------------------------------------------- what waits


@rule("pending-stale", "S2", says=("charges", "schedules"))
def pending_stale(
    charges: pd.DataFrame,
    tickets: pd.DataFrame,
    schedules: pd.DataFrame,
    timers: pd.DataFrame,
    books: Books,
    hours: Hours,
    today: pd.Timestamp,
    cut_off: pd.Timestamp,
    zone: ZoneInfo,
) -> Found:
    """A charge still waits on a ticket that was resolved more than five business days ago.

    Business days are the days after that of the resolution on which the shop opens; a ticket that does not say when it
    was resolved counts from its last change, which cannot be earlier. A run of a schedule that is due today is ahead.
    The day that decides between leak and timing is that of the work: the first timer of the line, else the day of its
    entry. Lines that come to nothing are left out.
    """
    resolved, is_read = tickets["resolved"].to_numpy(), tickets["is_read"].to_numpy()
    lacks = unread(tickets[resolved & ~is_read], "the lines that wait on them")
    ended = np.append(resolved & is_read, False)[charges["ticket"].to_numpy()]
    rows = charges[ended & (~charges["converted"] & (charges["amount_cents"] != 0)).to_numpy()]
    facts = ["customer_id", "customer", "status", "resolved_at", "updated_at"]
    rows = rows.join(tickets[facts].iloc[rows["ticket"]].set_axis(rows.index))
    since = terms.local_day(rows["resolved_at"].fillna(rows["updated_at"]), zone)
    days = _business_days(since, today, hours)
    rows = rows.assign(business_days=days)[days > _STALE_DAYS]
    gaps = books.gaps_of("schedules")
    if gaps and len(rows):
        said = f"the recurring invoices are incomplete, so whether one takes it along is not known: {gaps[0].reason}"
        return Found([], (*lacks, Lack(said, len(rows), _worked(rows, timers, zone)["on"])))
    ahead = schedules["next_run_on"] >= today
    sweeping = schedules.loc[schedules["sweeps_tickets"] & ~schedules["paused"] & ahead, "customer_id"]
    rows = rows[~rows["customer_id"].isin(ids(sweeping))]
    rows = _worked(rows, timers, zone)
    rows["quantity"] = rows["quantity_millionths"] / 1_000_000
    over = rows["amount_cents"] < 0
    found = hits(
        rows,
        about=("line_id",),
        severity="S2",
        direction=np.where(over, "over", np.where(rows["worked_at"] < cut_off, "leak", "timing")),
        amount=rows["amount_cents"].abs(),
        on="on",
        evidence=("line_id", "status", "quantity", "price_cents", "product_id", "resolved_at", "business_days"),
        claims={"line": "line_id"},
        message=lambda e: (
            f"{e['quantity']:g} × {format_cents(e['price_cents'])} waits to be invoiced; "
            f"resolved {e['business_days']} business days ago"
        ),
    )
    return Found(found, lacks)


def _business_days(since: pd.Series, today: pd.Timestamp, hours: Hours) -> Array:
    """Business days after `since`, up to and with today."""
    days = since.dropna().unique()
    if not len(days):
        return np.zeros(len(since), dtype="int64")
    first = min(pd.Timestamp(one) for one in days)
    every = pd.date_range(first, today, freq="D")
    opens = np.array([hours.is_business_day(one.date()) for one in every], dtype="int64")
    passed = np.cumsum(opens)
    place = ((since - first) / pd.Timedelta(days=1)).fillna(len(every) - 1).clip(0, len(every) - 1).astype("int64")
    return np.asarray(passed[-1] - passed[place.to_numpy()])


def _worked(rows: pd.DataFrame, timers: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    """Ticket lines with when their work began (`worked_at`: the first timer, else the entry), its day, and who did it."""
    source = timers_of(rows["line_id"], timers)
    rows = rows.assign(worked_at=source["started_at"].fillna(rows["created_at"]))
    rows["user_id"] = source["user_id"].fillna(rows["user_id"])
    rows["on"] = terms.local_day(rows["worked_at"], zone)
    return rows


# ---------------------------------------------------------------- invoiced, and no invoice


@rule("invoiced-unproven", "S1", whole=("invoices",), says=("charges",))
def invoiced_unproven(
    tickets: pd.DataFrame,
    charges: pd.DataFrame,
    timers: pd.DataFrame,
    waiting: Waiting,
    invoices: pd.DataFrame,
    of_ticket: OfTicket,
    paid_by: PaidBy,
    rates: Rates,
    proved: frozenset[int],
    zone: ZoneInfo,
) -> Found:
    """A ticket counts as invoiced, no invoice of it exists, and it has charges or time that nobody was billed for.

    "Invoiced" is the status, or a billing status with that word in it ("not invoiced" and "uninvoiced" say the
    contrary). What it would bill are its pending lines and its uncharged timers, those under a contract, warranty or
    internal left out. That there is no invoice is only said where the details were read: the ticket's own, and those of
    the customer's later invoices that name no ticket; else the ticket is not evaluated, and one of those whose invoices
    should be read live.
    """
    billing = tickets["billing_status"]
    said = matches(billing, "(?i)invoiced") & ~matches(billing, _NOT_INVOICED)
    said |= (tickets["status"] == "Invoiced").to_numpy()
    rows = tickets[said & ~marked(invoices["ticket"].to_numpy(), len(tickets))]
    lacks: tuple[Lack, ...] = ()
    silent = invoices[invoices["unnamed"].to_numpy()]
    latest = silent.sort_values("created_at", ascending=False).dropna(subset="customer_id")
    last = at(rows["customer_id"], latest, "customer_id", "created_at")
    open_question = (last >= rows["created_at"]).fillna(False).to_numpy(dtype=bool)
    open_question = open_question | ~rows["is_read"].to_numpy()
    open_question = open_question & ~rows["ticket_id"].isin(list(proved)).to_numpy()
    doubtful, rows = rows[open_question], rows[~open_question]
    if len(doubtful):
        reason = (
            "that it has no invoice is not proved: the details of its customer's invoices, or its own, were not read"
        )
        lacks += (Lack(reason, len(doubtful), ticket_day(doubtful, zone)),)
    asked = rows["ticket_id"].to_numpy()
    lines = charges[(~charges["converted"] & (charges["amount_cents"] > 0)).to_numpy()]
    lines = lines[among(ids(lines["ticket_id"]), asked)]
    open_timers = timers[waiting.mask & (timers["worth_seconds"] > 0).to_numpy()]
    open_timers = open_timers[among(ids(open_timers["ticket_id"]), asked)]
    work = timed_work(open_timers, of_ticket, zone)
    mode = paid_by(work, np.ones(len(work), dtype=bool))
    known, more = split_unread(work, mode, "worked_on")
    work, unpriced = priced(work[known & ~mode.isin(FREE_MODES)], rates, "worth_seconds", "worked_on")
    more += unpriced
    parts: dict[int, list[tuple[str, int]]] = {}
    listed = zip(ids(lines["ticket_id"]).tolist(), lines["line_id"], lines["amount_cents"], strict=True)
    for ticket, line, cents in listed:
        parts.setdefault(ticket, []).append((f"line:{line}", int(cents)))
    listed = zip(ids(work["ticket_id"]).tolist(), work["timer_id"], work["amount_cents"], strict=True)
    for ticket, timer, cents in listed:
        parts.setdefault(ticket, []).append((f"timer:{timer}", int(cents)))
    rows = rows[rows["ticket_id"].isin(list(parts))]
    mine = [parts[one] for one in rows["ticket_id"]]
    rows = rows.assign(
        on=ticket_day(rows, zone),
        line_ids=pd.Series([_numbers(one, "line") for one in mine], index=rows.index, dtype=object),
        timer_ids=pd.Series([_numbers(one, "timer") for one in mine], index=rows.index, dtype=object),
    )
    assumed = set(ids(work.loc[work["assumed"], "ticket_id"]).tolist())
    found = hits(
        rows,
        about=("ticket_id",),
        severity="S1",
        amount=[sum(cents for _, cents in one) for one in mine],
        exact=[one not in assumed for one in rows["ticket_id"]],
        on="on",
        evidence=("status", "billing_status", "line_ids", "timer_ids"),
        parts=mine,
        message=lambda e: (
            "It counts as invoiced, no invoice names it, and "
            f"{len(e['line_ids'])} lines and {len(e['timer_ids'])} timers were never billed"
        ),
    )
    return Found(found, lacks + more, Proofs(tickets=frozenset(map(int, doubtful["ticket_id"]))))


def _numbers(parts: list[tuple[str, int]], sort: str) -> list[int]:
    return [int(name.split(":")[1]) for name, _ in parts if name.startswith(f"{sort}:")]


# ---------------------------------------------------------------- invoiced twice


@rule("duplicate-invoice", "S1")
def duplicate_invoice(
    invoices: pd.DataFrame,
    invoice_lines: pd.DataFrame,
    tickets: pd.DataFrame,
    charges: pd.DataFrame,
    schedule_lines: pd.DataFrame,
    schedules: pd.DataFrame,
) -> Found:
    """A customer was invoiced the same twice: the same lines within three days, or lines of a ticket on two of its
    invoices.

    The later one (by date, then id) is the finding. Lines are the same by product, quantity, price, name and text.
    Recurring invoices are left out; where a list does not say which those are, invoices without a ticket that have the
    lines of a schedule of the customer. Lines that the tickets themselves bear out are no duplicates: two tickets that
    each have the line, or one ticket that has it as often as its invoices. What comes to $0.00 or less is left out.
    Invoices of which nobody knows whether they are a ticket's, or whose ticket was not read, are not evaluated.
    """
    plain = ~invoices["recurs"].to_numpy()
    places = invoice_lines["place"].to_numpy()
    lines = np.flatnonzero(plain[places] & (invoice_lines["amount_cents"] != 0).to_numpy())
    names = ("product_id", "quantity_millionths", "price_cents")
    alike = mixed([ids(invoice_lines[name])[lines] for name in names])
    place = places[lines]
    several = [_same_lines(invoices, place, alike), _same_ticket(invoices, place, alike)]
    pairs = pd.concat(several, ignore_index=True).drop_duplicates(["later", "earlier"])
    lacks = unnamed(invoices)
    owner, is_read = invoices["ticket"].to_numpy(), np.append(tickets["is_read"].to_numpy(), False)
    blind = invoices["ticket_id"].notna().to_numpy() & ~is_read[owner]
    unsure = (blind | invoices["unnamed"].to_numpy())[pairs[["earlier", "later"]].to_numpy()].any(axis=1)
    torn = np.unique(pairs.loc[unsure & blind[pairs["later"].to_numpy()], "later"])
    if len(torn):
        reason = "the ticket of the invoice was not read, so whether it has the lines that often is not known"
        lacks += (Lack(reason, len(torn), invoices["day"].iloc[torn]),)
    pairs = pairs[~unsure]
    if not len(pairs):
        return Found([], lacks)
    taken = among(place, np.unique(pairs[["earlier", "later"]].to_numpy()))
    some = invoice_lines.iloc[lines[taken]]
    return Found(_duplicates(pairs, invoices, some, charges, _of_schedules(schedules, schedule_lines)), lacks)


def unnamed(invoices: pd.DataFrame) -> tuple[Lack, ...]:
    """The invoices of which nobody knows whether they name a ticket, as what a rule left out."""
    rows = invoices[invoices["unnamed"].to_numpy()]
    if not len(rows):
        return ()
    reason = "the list shows the invoice without a ticket, and it was not read by itself, so which ticket it names is not known"
    return (Lack(reason, len(rows), rows["day"]),)


def _same_lines(invoices: pd.DataFrame, place: Array, alike: Array) -> pd.DataFrame:
    """Neighbours by date among a customer's invoices of one sum of lines: candidates, as places (earlier, later)."""
    sums = added_up(place, alike, len(invoices))
    customer = ids(invoices["customer_id"])
    keys = mixed([customer, sums])
    some = np.flatnonzero(marked(place, len(invoices)))
    some = some[repeated(keys[some])]
    rows = pd.DataFrame({"place": some, "customer": customer[some], "sum": sums[some]})
    rows = rows.assign(day=invoices["day"].to_numpy()[some], id=invoices["invoice_id"].to_numpy()[some])
    rows = rows.sort_values(["customer", "sum", "day", "id"])
    same = (rows["customer"] == rows["customer"].shift()) & (rows["sum"] == rows["sum"].shift())
    near = same & ((rows["day"] - rows["day"].shift()) <= _NEAR)
    pairs = pd.DataFrame({"earlier": rows["place"].shift(), "later": rows["place"]})[near]
    return pairs.astype("int64").assign(way="dates")


def _same_ticket(invoices: pd.DataFrame, place: Array, alike: Array) -> pd.DataFrame:
    """Invoices of one ticket that have a line in common: candidates."""
    owner = ids(invoices["ticket_id"])
    several = repeated(owner) & (owner != NO_ID)
    some = several[place]
    place, alike = place[some], alike[some]
    rows = pd.DataFrame({"key": mixed([owner[place], alike]), "place": place}).drop_duplicates()
    rows = rows[repeated(rows["key"].to_numpy())]
    chosen = invoices.iloc[rows["place"].to_numpy()]
    rows = rows.assign(day=chosen["day"].to_numpy(), id=chosen["invoice_id"].to_numpy())
    rows = rows.sort_values(["key", "day", "id"])
    same = rows["key"] == rows["key"].shift()
    pairs = pd.DataFrame({"earlier": rows["place"].shift(), "later": rows["place"]})[same]
    return pairs.astype("int64").assign(way="ticket")


def _of_schedules(schedules: pd.DataFrame, schedule_lines: pd.DataFrame) -> set[tuple[int, frozenset[Any]]]:
    """For each schedule its customer and its lines: products, quantities, prices and how often."""
    owner = dict(zip(ids(schedules["schedule_id"]).tolist(), ids(schedules["customer_id"]).tolist(), strict=True))
    names = ("schedule_id", "product_id", "quantity_millionths", "price_cents")
    bags: dict[int, dict[Any, int]] = {}
    for schedule, *one in zip(*(ids(schedule_lines[name]).tolist() for name in names), strict=True):
        if owner.get(schedule, NO_ID) != NO_ID:
            bag = bags.setdefault(schedule, {})
            bag[tuple(one)] = bag.get(tuple(one), 0) + 1
    return {(owner[schedule], frozenset(bag.items())) for schedule, bag in bags.items()}


def _duplicates(
    pairs: pd.DataFrame,
    invoices: pd.DataFrame,
    lines: pd.DataFrame,
    charges: pd.DataFrame,
    recurring: set[tuple[int, frozenset[Any]]],
) -> list[Hit]:
    """Candidates looked at in full, text included; they are few, so one at a time."""
    rows = lines.sort_values("line_id")
    bags: dict[int, dict[Any, list[int]]] = {}
    names = ["product_id", "quantity_millionths", "price_cents", "name", "description"]
    listed = zip(
        rows["place"], ids(rows["product_id"]), *(rows[one] for one in names[1:]), rows["line_id"], strict=True
    )
    for place, product, quantity, price, name, text, line in listed:
        bags.setdefault(place, {}).setdefault((product, quantity, price, name, text), []).append(line)
    owners = ids(rows["ticket_id"])
    owners = owners[owners != NO_ID]
    taken = charges[["ticket_id", *names]][charges["converted"].to_numpy() & among(ids(charges["ticket_id"]), owners)]
    backed: dict[Any, int] = {}
    for had in zip(
        ids(taken["ticket_id"]), ids(taken["product_id"]), *(taken[name] for name in names[1:]), strict=True
    ):
        backed[had] = backed.get(had, 0) + 1
    found: dict[int, tuple[int, int, dict[Any, int]]] = {}
    customers, tickets = ids(invoices["customer_id"]), ids(invoices["ticket_id"])
    for earlier, later, way in pairs.sort_values(["later", "way", "earlier"]).itertuples(index=False):
        one, other = bags[earlier], bags[later]
        shared = {key: min(len(one[key]), len(other[key])) for key in one if key in other}
        if way == "dates" and _counts(one) != _counts(other):
            continue
        customer, first, second = customers[later], tickets[earlier], tickets[later]
        bare = frozenset(((key[0], key[1], key[2]), len(ids_)) for key, ids_ in other.items())
        if second == NO_ID and (int(customer), bare) in recurring:
            continue
        if first != NO_ID and second != NO_ID and first != second:
            if all(backed.get((owner, *key), 0) for key in shared for owner in (first, second)):
                continue
        elif first != NO_ID and first == second:
            shared = {
                key: min(count, len(one[key]) + len(other[key]) - backed.get((first, *key), 0))
                for key, count in shared.items()
            }
            shared = {key: count for key, count in shared.items() if count > 0}
        amount = sum(_cents(key) * count for key, count in shared.items())
        if amount > 0 and (later not in found or amount > found[later][1]):
            found[later] = (earlier, amount, shared)
    if not found:
        return []
    chosen = invoices.iloc[list(found)].copy()
    pairs_of = list(found.values())
    chosen["other_invoice_id"] = invoices["invoice_id"].to_numpy()[[one for one, _, _ in pairs_of]]
    chosen["other_invoice"] = invoices["number"].to_numpy()[[one for one, _, _ in pairs_of]]
    shared_lines, parts = [], []
    for place, (_, _, shared) in found.items():
        taken_lines = [(key, line) for key, count in shared.items() for line in bags[place][key][-count:]]
        shared_lines.append([int(line) for _, line in taken_lines])
        owner = tickets[place]
        # A product of a ticket's invoices is what `invoice-vs-ticket` speaks of.
        whole = [
            (f"vs:{owner}/{key[0]}" if owner != NO_ID else f"iline:{line}", _cents(key)) for key, line in taken_lines
        ]
        # Where all of a line is too much, nothing is to be said of its price.
        parts.append(whole + [(f"price:i{line}", 0) for _, line in taken_lines])
    chosen["invoice_line_ids"] = pd.Series(shared_lines, index=chosen.index, dtype=object)
    return hits(
        chosen,
        about=("invoice_id",),
        severity="S1",
        direction="over",
        amount=[amount for _, amount, _ in pairs_of],
        on="day",
        evidence=("other_invoice_id", "other_invoice", "invoice_line_ids", "dated_on"),
        parts=parts,
        message=lambda e: f"It repeats {len(e['invoice_line_ids'])} lines of invoice {e['other_invoice']}",
    )


def _counts(bag: dict[Any, list[int]]) -> dict[Any, int]:
    return {key: len(lines) for key, lines in bag.items()}


def _cents(key: Any) -> int:
    return int(half_up(int(key[1]) * int(key[2]), 1_000_000))


# ---------------------------------------------------------------- invoiced otherwise than charged


@rule("invoice-vs-ticket", "S1", says=("charges", "invoice_lines"))
def invoice_vs_ticket(
    tickets: pd.DataFrame,
    charges: pd.DataFrame,
    invoices: pd.DataFrame,
    invoice_lines: pd.DataFrame,
    billed: Billed,
    blocks: frozenset[int],
    whole_invoices: Array,
) -> Found:
    """A ticket's invoices have another amount of a product than the lines of the ticket that count as invoiced.

    Compared are quantity × price less discounts, product by product, over all invoices that name the ticket. Left out:
    labour of customers who have or had prepaid hours; ticket lines that a ticketless invoice of the customer (a
    recurring one that takes charges along) has; tickets that no invoice names. The finding names the newest invoice
    that has the product, else the newest one.
    """
    owner, is_read = invoices["ticket"].to_numpy(), tickets["is_read"].to_numpy()
    with_invoice = marked(owner, len(tickets))
    torn = marked(owner[~whole_invoices], len(tickets))
    lacks = unread(tickets[with_invoice & ~is_read], "the lines that were invoiced") + unnamed(invoices)
    if torn.any():
        lacks += (
            Lack("the lines of an invoice of the ticket were not read", int(torn.sum()), ticket_day(tickets[torn])),
        )
    asked = with_invoice & is_read & ~torn
    has_block = np.append(among(ids(tickets["customer_id"]), list(blocks)), False)
    elsewhere = np.zeros(len(charges), dtype=bool)
    there = billed.line >= 0
    elsewhere[there] = invoice_lines["ticket_id"].to_numpy()[billed.line[there]] == NO_ID
    mine = _compared(charges, charges["converted"].to_numpy() & ~elsewhere, asked, has_block)
    theirs = _compared(invoice_lines, np.ones(len(invoice_lines), dtype=bool), asked, has_block)
    # Tickets with a difference are few. A sum in which every product has a weight of its own tells them.
    weighed = [added_up(ticket, _weighed(product, cents), len(tickets)) for _, ticket, product, cents in (mine, theirs)]
    differs = weighed[0] != weighed[1]
    mine, theirs = (tuple(one[differs[side[1]]] for one in side) for side in (mine, theirs))
    owner, product = (np.concatenate([mine[at], theirs[at]]) for at in (1, 2))
    keys = mixed([owner, product])
    balance = sum_by(keys, np.concatenate([mine[3], -theirs[3]]))
    off = balance.sums != 0
    if not off.any():
        return Found([], lacks)
    first = _first_places(keys, balance.keys[off])
    rows = pd.DataFrame(
        {
            "ticket_id": tickets["ticket_id"].to_numpy()[owner[first]],
            "product_id": pd.array([None if one == NO_ID else one for one in product[first].tolist()], dtype="Int64"),
            "off": balance.sums[off],
        }
    )
    on_ticket, on_invoice = sum_by(keys[: len(mine[0])], mine[3]), sum_by(keys[len(mine[0]) :], theirs[3])
    rows["ticket_cents"], rows["invoice_cents"] = on_ticket.at(balance.keys[off]), on_invoice.at(balance.keys[off])
    chosen = invoices[among(ids(invoices["ticket_id"]), rows["ticket_id"].to_numpy())]
    chosen = chosen.sort_values(["day", "invoice_id"]).drop_duplicates("ticket_id", keep="last")
    rows["invoice_id"] = at(rows["ticket_id"], chosen, "ticket_id", "invoice_id")
    with_it = invoice_lines.iloc[theirs[0]][["invoice_id", "ticket_id", "product_id", "place"]]
    with_it = with_it.assign(day=invoices["day"].iloc[with_it["place"]].to_numpy())
    with_it = with_it.sort_values(["day", "invoice_id"]).drop_duplicates(["ticket_id", "product_id"], keep="last")
    rows = rows.merge(
        with_it[["ticket_id", "product_id", "invoice_id"]].rename(columns={"invoice_id": "better"}),
        on=["ticket_id", "product_id"],
        how="left",
    )
    rows["invoice_id"] = rows["better"].astype("Int64").fillna(rows["invoice_id"])
    rows["day"] = terms.look_up(rows["invoice_id"], invoices, "invoice_id", {"day": "day"})["day"]
    rows["vs"] = rows["ticket_id"].astype("str") + "/" + product[first].astype("str")
    return Found(
        hits(
            rows,
            about=("ticket_id", "product_id"),
            severity="S1",
            direction=np.where(rows["off"] > 0, "leak", "over"),
            amount=rows["off"].abs(),
            on="day",
            evidence=("product_id", "ticket_cents", "invoice_cents"),
            parts=[[(f"vs:{name}", abs(int(cents)))] for name, cents in zip(rows["vs"], rows["off"], strict=True)],
            message=lambda e: (
                f"The ticket has {format_cents(e['ticket_cents'])} of a product, "
                f"and its invoices {format_cents(e['invoice_cents'])}"
            ),
        ),
        lacks,
    )


def _compared(lines: pd.DataFrame, wanted: Array, asked: Array, has_block: Array) -> tuple[Array, ...]:
    """Of the lines that are wanted, on tickets that are asked about: their places, tickets, products and cents."""
    ticket, labour = lines["ticket"].to_numpy(), lines["labour"].to_numpy()
    places = np.flatnonzero(wanted & np.append(asked, False)[ticket] & ~(labour & has_block[ticket]))
    return places, ticket[places], ids(lines["product_id"])[places], net_cents(lines)[places]


def _weighed(product: Array, cents: Array) -> Array:
    return np.asarray(cents.astype("uint64") * (mixed([product]) | np.uint64(1)))


def _first_places(keys: Array, wanted: Array) -> Array:
    """Where each wanted key stands first."""
    order = np.argsort(keys, kind="stable")
    return np.asarray(order[np.searchsorted(keys, wanted, sorter=order)])


# ---------------------------------------------------------------- tax


@rule("tax", "S1", says=("invoice_lines",))
def tax(
    invoices: pd.DataFrame,
    invoice_lines: pd.DataFrame,
    customers: pd.DataFrame,
    catalogue: Catalogue,
    whole_invoices: Array,
    house: House,
) -> Found:
    """Tax was charged where none is due, or not charged where it is.

    A line is held against the house's rule for its kind of labour (`taxable` in syncro.yaml), else against its product. A
    customer is exempt who has no tax rate and no tax on any other invoice; tax of its invoice is then too much, all of
    it. If that is its only taxed invoice, the others are rightly without tax. Where no customer at all has a tax rate,
    the account does not tell, and only its other invoices do. The rate is that of syncro.yaml, else what most of the
    customer's other invoices with tax show (the shortest number that fits), else what this invoice itself shows; an
    invoice without tax of a customer of whom none of that is known is not evaluated, unless its other invoices with
    taxable goods have no tax either. Amounts are base × rate, once for what was not taxed and once for what should not
    have been. Lines of unknown products are taken as they are.
    """
    place = invoice_lines["place"].to_numpy()
    product = invoice_lines["product"].to_numpy()
    net = net_cents(invoice_lines)
    flag = invoice_lines["taxable"]
    untold = flag.isna().to_numpy()
    does = flag.fillna(False).to_numpy(dtype=bool) if untold.any() else flag.to_numpy(dtype=bool)
    known = catalogue.known[product]
    should = np.where(known, catalogue.taxable[product], does)
    kinds, labour = invoice_lines["kind"], invoice_lines["labour"].to_numpy()
    for kind in kinds.cat.categories if house.policy.taxable else ():
        wanted = house.policy.is_taxable(kind)
        if wanted is not None and kind not in ("", "prepay-sale", "contract"):  # those sell no labour of a day
            should[labour & (kinds == kind).to_numpy()] = wanted
    count = len(invoices)

    def per_invoice(chosen: Array) -> Array:
        return added_up(place, net * chosen, count)

    due, taken = per_invoice(should), per_invoice(does)
    missing, extra = per_invoice(should & ~does), per_invoice(does & ~should)
    doubtful = np.zeros(count, dtype=bool)
    doubtful[place[untold]] = True
    doubtful &= whole_invoices
    taxed = invoices["tax_cents"].to_numpy()
    found_customer = pd.Index(customers["customer_id"]).get_indexer(pd.Index(ids(invoices["customer_id"])))
    rate_id = ids(customers["tax_rate_id"])[found_customer] if len(customers) else np.full(count, NO_ID)
    owner = ids(invoices["customer_id"])
    who, different = pd.factorize(owner)

    def of_owner(cases: Array) -> Array:
        return np.asarray(added_up(who, cases.astype("int64"), len(different))[who])

    with_tax = of_owner(taxed != 0)
    others_taxed = with_tax - (taxed != 0)
    has_rate_id = (rate_id != NO_ID) & (found_customer >= 0)
    # Of a customer without a rate whose only tax is on one invoice that one is wrong, not all the others.
    exempt = ~has_rate_id & ((others_taxed == 0) | (with_tax == 1))
    untold_ids = not has_rate_id.any()
    untaxed_goods = (due != 0) & (taxed == 0)
    with_goods = of_owner(untaxed_goods) - untaxed_goods
    unsure_exempt = exempt & (taxed != 0) & (with_goods == 0) & untold_ids

    leak = np.where(taxed == 0, due, missing) * ~exempt
    over = np.where(taxed == 0, 0, extra) * ~exempt
    cases = np.flatnonzero(whole_invoices & ~doubtful & ((leak != 0) | (over != 0)) & (found_customer >= 0))
    lacks: list[Lack] = []
    if not whole_invoices.all():
        lacks.append(Lack("its lines were not read", int((~whole_invoices).sum()), invoices["day"][~whole_invoices]))
    if doubtful.any():
        reason = "its lines do not say whether they are taxable"
        lacks.append(Lack(reason, int(doubtful.sum()), invoices["day"][doubtful]))
    if unsure_exempt.any():
        reason = "no customer has a tax rate, and this one no other invoice, so whether it is exempt is not known"
        lacks.append(Lack(reason, int(unsure_exempt.sum()), invoices["day"][unsure_exempt]))
    strangers = (found_customer < 0) & ((due != 0) | (taken != 0) | (taxed != 0))
    if strangers.any():
        lacks.append(Lack("its customer is not known", int(strangers.sum()), invoices["day"][strangers]))

    percent, known_rate = _rates_of(cases, owner, rate_id, has_rate_id, taxed, taken, due, doubtful, house)
    unsure = cases[~known_rate]
    if len(unsure):
        reason = "the tax rate is neither in syncro.yaml nor on another invoice of the customer"
        lacks.append(Lack(reason, len(unsure), invoices["day"].iloc[unsure]))
    cases, percent = cases[known_rate], percent[known_rate]
    found = []
    for name, base, said in (
        ("leak", leak, "should have been taxed and was not"),
        ("over", over, "was taxed and should not have been"),
    ):
        amount = half_up(base[cases] * percent, 100_000_000)
        some = amount != 0
        rows = invoices.iloc[cases[some]].assign(
            base_cents=base[cases][some], percent=percent[some] / 1_000_000, side=name
        )
        gain = amount[some] > 0
        found += hits(
            rows,
            about=("invoice_id", "side"),
            severity="S1",
            direction=np.where(gain, name, "over" if name == "leak" else "leak"),
            amount=np.abs(amount[some]),
            on="day",
            evidence=("base_cents", "percent", "tax_cents", "subtotal_cents"),
            fixed={"said": said},
            claims={f"tax-{name}": "invoice_id"},
            message=lambda e: f"{format_cents(e['base_cents'])} {e['said']}, at {e['percent']:g} %",
        )
    wrongly = invoices[exempt & (taxed != 0) & (found_customer >= 0) & ~unsure_exempt].assign(side="exempt")
    found += hits(
        wrongly,
        about=("invoice_id", "side"),
        severity="S1",
        direction=np.where(wrongly["tax_cents"] > 0, "over", "leak"),
        amount=wrongly["tax_cents"].abs(),
        on="day",
        evidence=("tax_cents", "subtotal_cents"),
        claims={"tax-over": "invoice_id"},
        message=lambda e: f"{format_cents(e['tax_cents'])} of tax for a customer who is exempt",
    )
    return Found(found, tuple(lacks))


def _shown_rates(owner: Array, taxed: Array, taken: Array) -> dict[int, Array]:
    """Per customer its invoices that show a rate (places), the largest base first."""
    places = np.flatnonzero((taken > 0) & (taxed > 0))
    places = places[np.lexsort((-taxed[places], -taken[places], owner[places]))]
    owners, starts = np.unique(owner[places], return_index=True)
    return dict(zip(owners.tolist(), np.split(places, starts[1:]), strict=True)) if len(places) else {}


def _rates_of(
    cases: Array,
    owner: Array,
    rate_id: Array,
    has_rate_id: Array,
    taxed: Array,
    taken: Array,
    due: Array,
    doubtful: Array,
    house: House,
) -> tuple[Array, Array]:
    """The rate of each case in millionths of a percent, and whether it is known. The cases are few."""
    percent, known = np.zeros(len(cases), dtype="int64"), np.ones(len(cases), dtype=bool)
    written = {name: int(rate * 1_000_000) for name, rate in house.tax_rates.items()}
    chosen = among(owner, owner[cases])
    told_base = np.where(chosen & ~doubtful, taken, 0)
    shown = _shown_rates(owner, taxed, told_base)
    untaxed = sum_by(owner, (chosen & (due > 0) & (taxed == 0) & (told_base > 0)).astype("int64"))
    nothing = np.zeros(0, dtype="int64")
    for spot, case in enumerate(cases.tolist()):
        agreed = written.get(str(rate_id[case]) if has_rate_id[case] else "", written.get("default"))
        if agreed is not None:
            percent[spot] = agreed
            continue
        mine = shown.get(int(owner[case]), nothing)
        others = mine[mine != case]
        told = _usual_rate(told_base[others], taxed[others])
        if told is None and len(others) < len(mine):
            told = _usual_rate(told_base[[case]], taxed[[case]])
        if told is None:  # its other invoices with taxable lines have no tax: the rate that they show is nothing
            itself = due[case] > 0 and taxed[case] == 0 and told_base[case] > 0
            known[spot] = untaxed.at(owner[[case]])[0] > int(itself)
            told = 0
        percent[spot] = told
    return percent, known


def _usual_rate(bases: Array, taxes: Array) -> int | None:
    """The rate that most of these invoices agree with, as the shortest number: 8.7 % shows as $6.53 on $75.00."""
    if not len(bases):
        return None
    bases, taxes = bases[:50], taxes[:50]
    best: tuple[int, int] = (0, 0)
    for base, cents in zip(bases.tolist(), taxes.tolist(), strict=True):
        candidate = _shortest(cents, base)
        fits = int((half_up(bases * candidate, 100_000_000) == taxes).sum())
        if fits > best[0]:
            best = (fits, candidate)
        if fits == len(bases):
            break
    return best[1]


def _shortest(tax_cents: int, base_cents: int) -> int:
    """The rate with the fewest decimals that gives this tax on this base, in millionths of a percent."""
    low = (Decimal(tax_cents) - Decimal("0.5")) * 100 / base_cents
    high = (Decimal(tax_cents) + Decimal("0.5")) * 100 / base_cents
    for places in range(7):
        step = Decimal(1).scaleb(-places)
        rate = (low / step).to_integral_value("ROUND_CEILING") * step
        if low <= rate < high:
            return int(rate * 1_000_000)
    return int((low + high) / 2 * 1_000_000)


# ---------------------------------------------------------------- what recurs


_MONTHS = {
    **dict.fromkeys(("monthly", "month", "every month", "1 month"), 1),
    **dict.fromkeys(("bi-monthly", "bimonthly", "every 2 months", "every two months"), 2),
    **dict.fromkeys(("quarterly", "every 3 months", "every three months"), 3),
    **dict.fromkeys(("semi-annually", "semiannually", "semi-annual", "biannually", "half-yearly", "every 6 months"), 6),
    **dict.fromkeys(("annually", "annual", "yearly", "every year", "1 year"), 12),
    **dict.fromkeys(("biennially", "every 2 years", "every two years"), 24),
    **dict.fromkeys(("triennially", "every 3 years", "every three years"), 36),
}
_DAYS = {
    **dict.fromkeys(("daily", "every day"), 1),
    **dict.fromkeys(("weekly", "every week"), 7),
    **dict.fromkeys(("bi-weekly", "biweekly", "every 2 weeks", "every two weeks", "fortnightly"), 14),
    **dict.fromkeys(("every 3 weeks", "every three weeks"), 21),
    **dict.fromkeys(("every 4 weeks", "every four weeks"), 28),
}


def last_run(next_run: pd.Timestamp, frequency: str) -> pd.Timestamp | None:
    """The run before this one; None for a frequency that is not known."""
    word = re.sub(r"\s+", " ", frequency.strip().lower())
    if word in _MONTHS:
        return next_run - pd.DateOffset(months=_MONTHS[word])
    if word in _DAYS:
        return next_run - pd.Timedelta(days=_DAYS[word])
    return None


@rule("recurring-missed", "S2", says=("invoices",))
def recurring_missed(
    schedules: pd.DataFrame,
    schedule_lines: pd.DataFrame,
    invoices: pd.DataFrame,
    customers: pd.DataFrame,
    books: Books,
    today: pd.Timestamp,
) -> Found:
    """A recurring invoice was not made: its next run is past, or its customer has no invoice within three days of its
    last run.

    A run that is due today is not past. The last run is the next one less the frequency, as far as it lies after the
    customer was entered and after the oldest invoice at hand. A frequency in words that are not known is not evaluated
    for it, and a schedule that comes to nothing only makes an invoice if it takes charges along, so it is left out
    there. The amount is the schedule's subtotal, else the sum of its lines.
    """
    rows = schedules[~schedules["paused"].to_numpy()].copy()
    added = sum_by(ids(schedule_lines["schedule_id"]), schedule_lines["amount_cents"].to_numpy()).at(
        ids(rows["schedule_id"])
    )
    rows["amount"] = rows["subtotal_cents"].where(rows["subtotal_cents"] != 0, added)
    lacks: list[Lack] = []
    if rows["next_run_on"].isna().any():
        lacks.append(Lack("the schedule does not say when it runs next", int(rows["next_run_on"].isna().sum())))
        rows = rows[rows["next_run_on"].notna()]
    past = (rows["next_run_on"] < today).to_numpy()
    # Many schedules run on a few days.
    runs = list(zip(rows["next_run_on"].tolist(), rows["frequency"].astype("str").tolist(), strict=True))
    before = {(day, word): last_run(day, word) for day, word in set(runs)}
    rows["last_due"] = pd.Series([before[one] for one in runs], index=rows.index, dtype="datetime64[ms]")
    strange = rows["last_due"].isna().to_numpy() & ~past
    if strange.any():
        lacks.append(Lack("how often the schedule runs is in words that are not known", int(strange.sum())))
    ask = ~past & ~strange & (rows["amount"] != 0).to_numpy()
    gaps = books.gaps_of("invoices", of_details=False)
    if gaps and ask.any():
        said = f"invoices are incomplete, so whether the last run was made is not known: {gaps[0].reason}"
        lacks.append(Lack(said, int(ask.sum())))
        ask[:] = False
    entered = at(rows["customer_id"], customers, "customer_id", "created_at").dt.tz_localize(None)
    oldest = invoices["day"].min()
    ask = ask & ~(entered > rows["last_due"]).to_numpy() & (pd.notna(oldest) & (rows["last_due"] >= oldest)).to_numpy()
    days = invoices["day"].to_numpy().astype("datetime64[D]").astype("int64")
    owner = ids(invoices["customer_id"])
    theirs = among(owner, ids(rows["customer_id"]))
    made = set(zip(owner[theirs].tolist(), days[theirs].tolist(), strict=True))
    due = rows["last_due"].to_numpy().astype("datetime64[D]").astype("int64")
    near = [
        any((customer, day + step) in made for step in range(-3, 4))
        for customer, day in zip(ids(rows["customer_id"]).tolist(), due.tolist(), strict=True)
    ]
    rows["how"] = np.where(past, "its next run is past", "no invoice of the customer near its last run")
    rows["on"] = rows["next_run_on"].where(past, rows["last_due"])
    rows = rows[past | (ask & ~np.array(near, dtype=bool))]
    found = hits(
        rows,
        about=("schedule_id", "on"),
        severity="S2",
        amount=rows["amount"].abs(),
        on="on",
        evidence=("schedule_id", "frequency", "next_run_on", "last_due", "how"),
        claims={"schedule": "schedule_id"},
        message=lambda e: f"A recurring invoice was not made: {e['how']} ({e['on'][:10]})",
    )
    return Found(found, tuple(lacks))


@rule("no-path-to-bill", "S2", whole=("schedules", "invoices"), says=("charges",))
def no_path_to_bill(
    schedules: pd.DataFrame,
    charges: pd.DataFrame,
    tickets: pd.DataFrame,
    invoices: pd.DataFrame,
    today: pd.Timestamp,
    zone: ZoneInfo,
) -> Found:
    """Charges wait for a customer whose recurring invoices leave ticket charges out, and nobody invoices its tickets.

    A schedule that takes charges along but is paused is none that does. It is the customer's finding, dated by its
    newest charge. Where an invoice of the last 45 days does not say whether it is for a ticket, and was not read by
    itself, the customer is not evaluated.
    """
    sweeping = schedules.loc[schedules["sweeps_tickets"] & ~schedules["paused"], "customer_id"]
    stuck = schedules.loc[~schedules["customer_id"].isin(ids(sweeping)), "customer_id"].dropna().unique()
    rows = charges[(~charges["converted"] & (charges["amount_cents"] > 0)).to_numpy()]
    facts = tickets[["ticket_id", "customer_id", "is_read"]]
    rows = rows.merge(facts[facts["customer_id"].isin(stuck)], on="ticket_id")
    lately = invoices[(today - invoices["day"] <= _NO_TICKET_FOR).to_numpy()]
    lately = lately[lately["customer_id"].isin(stuck)]
    by_ticket = lately.loc[lately["ticket_id"].notna(), "customer_id"]
    rows = rows[~rows["customer_id"].isin(ids(by_ticket))]
    lacks: tuple[Lack, ...] = ()
    stale = facts[facts["customer_id"].isin(stuck) & ~facts["is_read"]]
    stale = stale[~stale["customer_id"].isin(ids(by_ticket))]
    if len(stale):
        lacks += (Lack("details of the ticket not read, so what waits on it is not known", len(stale)),)
    silent = lately[lately["unnamed"].to_numpy()]
    silent = silent[silent["customer_id"].isin(rows["customer_id"])]
    doubtful = rows["customer_id"].isin(ids(silent["customer_id"]))
    if doubtful.any():
        reason = "an invoice of the last 45 days does not say whether it is for a ticket, and was not read by itself"
        lacks += (Lack(reason, int(rows.loc[doubtful, "customer_id"].nunique())),)
    rows = rows[~doubtful].sort_values(["customer_id", "created_at", "line_id"])
    rows = rows.assign(on=terms.local_day(rows["created_at"], zone))
    of_customer: dict[int, list[tuple[str, int]]] = {}
    for customer, line, cents in zip(
        ids(rows["customer_id"]).tolist(), rows["line_id"].tolist(), rows["amount_cents"].tolist(), strict=True
    ):
        of_customer.setdefault(customer, []).append((f"line:{line}", cents))
    parts = list(of_customer.values())
    found = pd.DataFrame({"customer_id": pd.array(list(of_customer), dtype="Int64")})
    found["on"] = rows.groupby("customer_id", sort=True)["on"].last().to_numpy()
    found["line_ids"] = pd.Series([_numbers(one, "line") for one in parts], dtype=object)
    return Found(
        hits(
            found,
            about=("customer_id",),
            severity="S2",
            amount=[sum(cents for _, cents in one) for one in parts],
            on="on",
            evidence=("line_ids",),
            parts=parts,
            message=lambda e: (
                f"{len(e['line_ids'])} charges wait, the customer's recurring invoices leave them out, and none of its "
                "tickets was invoiced in 45 days"
            ),
        ),
        lacks,
        Proofs(invoices=frozenset(map(int, silent["invoice_id"]))),
    )
