"""What rules may read, by the names of their parameters: the tables, the same with terms beside them, and settings.

A provider is a function like a rule: its parameters are what it reads. Everything is made once, when it is first asked for,
and of as few columns as the rules need: a large mirror has millions of lines.

Settings: `house`, `policy`, `zone`, `hours`, `now`, `today` (day in the account's zone), `cut_off`, `proved` (tickets whose
invoices were read live), `ledger` (the accounting export).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from .. import hours as business
from .. import terms
from ..books import Books
from ..config import House
from ..hours import Hours
from ..policy import Policy
from .arithmetic import (
    NO_ID,
    Array,
    _within_runs,
    added_up,
    half_up,
    ids,
    marked,
    mixed,
    net_cents,
    of_one_ticket,
)

HOURLESS = ("travel", "prepay-sale", "contract")  # labour products whose quantity is no time
UNREAD = "unknown"  # the mode of work whose customer was not read in full

COLUMNS: dict[str, tuple[str, ...]] = {
    "tickets": (
        *("ticket_id", "number", "subject", "status", "problem_type", "customer_id", "customer", "user_id"),
        *("technician", "created_at", "updated_at", "resolved_at", "billing_status", "tags", "customer_tags"),
        "detail_at",
    ),
    "comments": ("comment_id", "ticket_id", "created_at", "user_id", "hidden"),
    "charges": (
        *("line_id", "ticket_id", "product_id", "name", "description", "category", "quantity_millionths"),
        *("price_cents", "amount_cents", "cost_cents", "taxable", "converted", "user_id", "discount_percent"),
        *("discount_cents", "created_at"),
    ),
    "timers": (
        *("timer_id", "ticket_id", "user_id", "product_id", "line_id", "started_at", "ended_at", "created_at"),
        *("recorded", "billable", "active_seconds", "billable_seconds", "override_seconds", "notes"),
    ),
    "invoices": (
        *("invoice_id", "number", "customer_id", "customer", "ticket_id", "schedule_id", "dated_on", "due_on"),
        *("created_at", "subtotal_cents", "tax_cents", "total_cents", "balance_due_cents", "is_paid"),
        *("is_recurring", "updated_at", "detail_at", "named_at"),
    ),
    "invoice_lines": (
        *("line_id", "invoice_id", "product_id", "name", "description", "category", "quantity_millionths"),
        *("price_cents", "amount_cents", "cost_cents", "taxable", "discount_percent", "discount_cents"),
    ),
    "customers": ("customer_id", "name", "tax_rate_id", "prepaid_millionths", "created_at", "detail_at"),
    "products": (
        *("product_id", "name", "description", "price_cents", "cost_cents", "taxable", "category", "maintain_stock"),
    ),
    "payments": (
        *("payment_id", "amount_cents", "success", "invoice_id", "invoice_ids", "customer_id", "applied_on"),
        "created_at",
    ),
    "schedules": (
        *("schedule_id", "customer_id", "name", "frequency", "next_run_on", "subtotal_cents", "sweeps_tickets"),
        "paused",
    ),
    "schedule_lines": ("line_id", "schedule_id", "product_id", "quantity_millionths", "price_cents", "amount_cents"),
    "contracts": (
        *("contract_id", "customer_id", "name", "amount_text", "starts_on", "ends_on", "status", "applies_to_all"),
    ),
    "prepaid": ("snapshot_id", "customer_id", "read_at", "prepaid_millionths"),
}


class Absent(Exception):
    """An input that is not there; the message says why. Never leaves this room: it becomes *not evaluated*."""


@dataclass(frozen=True)
class Provider:
    """How an input is made, and the tables that it reads besides those of its parameters."""

    function: Callable[..., Any]
    reads: tuple[str, ...]
    tables: tuple[str, ...]


_PROVIDERS: dict[str, Provider] = {}


def given(*tables: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a provider under its function's name."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        reads = tuple(inspect.signature(function).parameters)
        _PROVIDERS[function.__name__] = Provider(function, reads, tables)
        return function

    return register


@dataclass
class Inputs:
    """The inputs of one reconciliation. `get` makes each once; `tables_of` says what it is made from."""

    books: Books
    house: House
    cut_off: datetime
    ledger: pd.DataFrame | None = None
    proved: frozenset[int] = frozenset()
    period: tuple[pd.Timestamp | None, pd.Timestamp | None] = (None, None)
    _made: dict[str, Any] = field(default_factory=dict, repr=False)

    def get(self, name: str) -> Any:
        """An input by name. Raises Absent where it is not there."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Any:
        if name in _PROVIDERS:
            provider = _PROVIDERS[name]
            return provider.function(**{one: self.get(one) for one in provider.reads})
        if name in COLUMNS:
            return self.books.table(name, COLUMNS[name])
        if name == "cut_off":
            return pd.Timestamp(self.cut_off).tz_convert("UTC")
        if name == "ledger" and self.ledger is None:
            raise Absent("no ledger was given (--ledger FILE)")
        return getattr(self, name)

    def tables_of(self, names: Iterable[str]) -> frozenset[str]:
        """The tables that these inputs are made from."""
        found: set[str] = set()
        for name in names:
            if name in COLUMNS:
                found.add(name)
            if name in _PROVIDERS:
                provider = _PROVIDERS[name]
                found |= {*provider.tables, *self.tables_of(one for one in provider.reads if one != name)}
        return frozenset(found)

    def subjects(self, names: Iterable[str]) -> int | None:
        """How many records the first of these inputs that is a table has; None where it was not read."""
        first = next((name for name in names if name in COLUMNS), None)
        if first is None or first not in self.books.known:
            return None
        return len(self.books.table(first, COLUMNS[first][:1]))


# ---------------------------------------------------------------- settings


@given()
def policy(house: House) -> Policy:
    """How time becomes money in this house."""
    return house.policy


@given()
def zone(books: Books) -> Any:
    """The account's time zone."""
    return books.zone


@given()
def now(books: Books) -> pd.Timestamp:
    """The instant of the books."""
    return pd.Timestamp(books.as_of).tz_convert("UTC")


@given()
def today(books: Books) -> pd.Timestamp:
    """The day of the books in the account's zone, without a zone."""
    return pd.Timestamp(terms.today(books))


@given()
def hours(books: Books) -> Hours:
    """The account's business hours; assumed where it does not tell them."""
    return business.from_settings(books.settings, books.zone)


@given()
def known_hours(books: Books, hours: Hours) -> Hours:
    """The account's business hours as its settings tell them. Raises Absent where they do not."""
    doubts = [one for one in hours.doubts if not one.startswith("the holidays")]
    if doubts:
        raise Absent(f"business hours: {'; '.join(doubts)}")
    return hours


# ---------------------------------------------------------------- products


@dataclass(frozen=True)
class Catalogue:
    """Products as arrays; `place` finds them by id (-1: not known). The last entry of each array stands for those."""

    ids: pd.Index[Any]
    kind: Array  # codes into `kinds`, 0 is no labour
    kinds: tuple[str, ...]
    price: Array
    taxable: Array
    stocked: Array
    prepay: Array
    known: Array
    of_path: Mapping[str, int]

    def place(self, product_ids: pd.Series) -> Array:
        """Where in the arrays the products of these rows stand; -1 for what is not known."""
        places: Array = self.ids.get_indexer(pd.Index(ids(product_ids)))
        return places

    def kind_codes(self, places: Array, category: pd.Series) -> Array:
        """Kind codes by product, else by the row's own category."""
        codes: Array = self.kind[places]
        own = category.astype("category")
        of_category = np.array([self._code(one) for one in own.cat.categories] + [0], dtype="int64")
        if of_category.any():
            codes = np.where(codes == 0, of_category[own.cat.codes.to_numpy()], codes)
        return codes

    def _code(self, category: str) -> int:
        return self.of_path.get(str(category), 0)

    def kind_names(self, codes: Array) -> pd.Categorical:
        """Codes as words."""
        return pd.Categorical.from_codes(codes, categories=list(self.kinds))

    def labour(self, codes: Array) -> Array:
        """Whether rows of these kinds are labour."""
        return np.asarray(codes != 0)

    def timed(self, codes: Array) -> Array:
        """Whether rows of these kinds are labour whose quantity is time."""
        timed = np.array([bool(one) and one not in HOURLESS for one in self.kinds])
        return np.asarray(timed[codes])


@given()
def catalogue(products: pd.DataFrame, house: House, books: Books) -> Catalogue:
    """The products, those of the house's labour catalogue included."""
    named = [one for one in house.labour.values() if one not in set(products["product_id"])]
    every = pd.concat([products["product_id"], pd.Series(named, dtype="int64")], ignore_index=True)
    words = terms.kind(pd.DataFrame({"product_id": every}), products, house).astype("str")
    paths: set[str] = set()
    for table in ("charges", "invoice_lines"):
        if table in books.known:
            paths |= set(books.table(table, ["category"])["category"].astype("category").cat.categories)
    nameless = pd.DataFrame({"product_id": pd.array([pd.NA] * len(paths), dtype="Int64"), "category": sorted(paths)})
    of_paths = terms.kind(nameless, products, house).astype("str") if paths else pd.Series([], dtype="str")
    kinds = ("", *sorted({*words, *of_paths} - {""}))
    places = {one: number for number, one in enumerate(kinds)}
    path = products["category"].astype("str")

    def padded(values: Iterable[Any], dtype: str) -> Array:
        return np.array([*values, *[0] * len(named), 0], dtype=dtype)

    return Catalogue(
        pd.Index(every),
        np.array([*(places[one] for one in words), 0], dtype="int64"),
        kinds,
        padded(products["price_cents"], "int64"),
        padded(products["taxable"], "bool"),
        padded(products["maintain_stock"], "bool"),
        padded(path.str.contains("Prepay Hours", regex=False), "bool"),
        padded([True] * len(products), "bool"),
        {path: places[one] for path, one in zip(sorted(paths), of_paths, strict=True)},
    )


# ---------------------------------------------------------------- tables with terms


@given()
def tickets(books: Books, house: House) -> pd.DataFrame:
    """The tickets, with `resolved`, and `is_read`: their details are at hand and not older than their last change."""
    rows = books.table("tickets", COLUMNS["tickets"]).copy(deep=False)
    rows["resolved"] = terms.resolved(rows, house)
    rows["is_read"] = rows["detail_at"].notna() & ~(rows["updated_at"] > rows["detail_at"])
    return rows


@given()
def ticket_ids(books: Books) -> pd.Index[Any]:
    """The ids of the tickets in the order of the tickets, to find the `ticket` of a row by; made once for all tables."""
    return pd.Index(books.table("tickets", ["ticket_id"])["ticket_id"])


@given("products")
def timers(books: Books, house: House, catalogue: Catalogue, ticket_ids: pd.Index[Any]) -> pd.DataFrame:
    """The timers, with `ticket` (place, -1: unknown), `kind`, `actual_seconds` and `worth_seconds` (billable, by the terms)."""
    rows = books.table("timers", COLUMNS["timers"]).copy(deep=False)
    rows["ticket"] = ticket_ids.get_indexer(pd.Index(ids(rows["ticket_id"])))
    kinds = pd.Series(catalogue.kind_names(catalogue.kind[catalogue.place(rows["product_id"])]), index=rows.index)
    rows["kind"] = kinds
    rows["actual_seconds"] = terms.actual_seconds(rows)
    rows["worth_seconds"] = terms.billable_seconds(rows, kinds, house.policy)
    return rows


@dataclass(frozen=True)
class Waiting:
    """Timers that wait to be billed: `mask` says which; `unsure`: nobody knows, since the lines of their ticket were not read."""

    mask: Array
    unsure: Array


@given()
def waiting(books: Books, house: House, catalogue: Catalogue, timers: pd.DataFrame) -> Waiting:
    """The uncharged timers. Where the house bills by lines, without those that a labour line of their ticket stands for.

    Nothing links the two then. A line stands for a timer by its text (the timer's notes) or by its hours (within 0.01 h), each
    once; and where the lines of a ticket have the hours of all its timers, they stand for all.
    """
    open_ones = terms.uncharged(timers).to_numpy()
    nobody = np.zeros(len(timers), dtype=bool)
    if house.policy.bill_by != "lines" or not open_ones.any():
        return Waiting(open_ones, nobody)
    rows = timers[open_ones & timers["ticket_id"].notna().to_numpy()]
    columns = ["line_id", "ticket_id", "product_id", "category", "description", "quantity_millionths"]
    lines = books.table("charges", columns)
    lines = lines[lines["ticket_id"].isin(ids(rows["ticket_id"])) & ~lines["line_id"].isin(ids(timers["line_id"]))]
    codes = catalogue.kind_codes(catalogue.place(lines["product_id"]), lines["category"])
    lines = lines[catalogue.timed(codes)]
    stand_in = _stand_ins(rows, lines)
    unsure = nobody.copy()
    if books.gaps_of("charges"):
        details = books.table("tickets", ["ticket_id", "updated_at", "detail_at"])
        unread = details[details["detail_at"].isna() | (details["updated_at"] > details["detail_at"])]
        unsure = open_ones & timers["ticket_id"].isin(unread["ticket_id"]).to_numpy()
    return Waiting(open_ones & ~timers["timer_id"].isin(list(stand_in)).to_numpy() & ~unsure, unsure)


def _stand_ins(timers: pd.DataFrame, lines: pd.DataFrame) -> set[int]:
    """The timers for which lines of their tickets stand."""
    by_ticket: dict[int, list[list[Any]]] = {}
    seconds = half_up(lines["quantity_millionths"].to_numpy() * 36, 10_000).tolist()
    for ticket, text, length in zip(ids(lines["ticket_id"]).tolist(), lines["description"], seconds, strict=True):
        by_ticket.setdefault(ticket, []).append([plain_text(text), length])
    found: set[int] = set()
    rows = timers[timers["ticket_id"].isin(list(by_ticket))].sort_values(["started_at", "timer_id"])
    for ticket, some in rows.groupby("ticket_id"):
        left = by_ticket[int(ticket)]
        if sum(length for _, length in left) + 36 >= int(some["worth_seconds"].sum()):
            found |= set(some["timer_id"].tolist())
            continue
        for timer, note, length in some[["timer_id", "notes", "worth_seconds"]].itertuples(index=False):
            own = [one for one in left if plain_text(note) and one[0] == plain_text(note)]
            own = own or [one for one in left if abs(one[1] - length) <= 36][:1]
            if own and sum(one[1] for one in own) + 36 >= length:
                found.add(int(timer))
                left = [one for one in left if one not in own]
    return found


_SIGNED = r"\s*(?:\n\s*Ref \S+)?\s*$"
ADDED_AFTER_HOURS = rf"(?is)(?:^|\n)\s*after hours, added to the above\.?{_SIGNED}"
SAID_AFTER_HOURS = rf"(?is)(?:^|\n)\s*after hours\.?{_SIGNED}"


def plain_text(text: str) -> str:
    """A line's or a timer's text for comparing: without a reference line and what billing adds, in one case and spacing."""
    text = re.sub(ADDED_AFTER_HOURS, "", text or "")
    text = re.sub(SAID_AFTER_HOURS, "", text)
    return " ".join(re.sub(rf"(?i){_SIGNED}", "", text).split()).casefold()


@given("products")
def charges(books: Books, catalogue: Catalogue, ticket_ids: pd.Index[Any]) -> pd.DataFrame:
    """The ticket lines, with `kind`, `labour`, `timed` (labour whose quantity is time), and the places of their `product`
    and `ticket` (-1: unknown).
    """
    rows = books.table("charges", COLUMNS["charges"]).copy(deep=False)
    rows["ticket"] = ticket_ids.get_indexer(pd.Index(ids(rows["ticket_id"])))
    return _with_products(rows, catalogue)


@dataclass(frozen=True)
class Links:
    """Timers and the ticket lines that they name: `charge` has the place of its line for each timer (-1: none, or not at
    hand), `named` tells for each line whether a timer names it.
    """

    charge: Array
    named: Array

    def naming(self, places: Array) -> Array:
        """Which timers name one of these lines (places)."""
        wanted = np.zeros(len(self.named) + 1, dtype=bool)  # the last is that of timers that name none
        wanted[places] = True
        wanted[-1] = False
        return np.asarray(wanted[self.charge])


@given()
def links(charges: pd.DataFrame, timers: pd.DataFrame) -> Links:
    """Which timer names which ticket line; one that stands on another ticket than the timer does not count."""
    place = pd.Index(charges["line_id"]).get_indexer(pd.Index(ids(timers["line_id"])))
    place[np.append(ids(charges["ticket_id"]), NO_ID)[place] != ids(timers["ticket_id"])] = -1
    return Links(place, marked(place, len(charges)))


@given()
def invoices(books: Books, ticket_ids: pd.Index[Any]) -> pd.DataFrame:
    """The invoices, with `day` (its date, else the day it was made), `recurs`, and the place of their `ticket`.

    `unnamed`: nobody knows whether it names a ticket. The list says none, which proves nothing, and it was not read by itself.
    """
    rows = books.table("invoices", COLUMNS["invoices"]).copy(deep=False)
    rows["ticket"] = ticket_ids.get_indexer(pd.Index(ids(rows["ticket_id"])))
    made = terms.local_day(rows["created_at"], books.zone)
    rows["day"] = rows["dated_on"].fillna(made)
    rows["recurs"] = rows["is_recurring"] | rows["schedule_id"].notna()
    seen = rows["named_at"].notna() & ~(rows["updated_at"] > rows["named_at"])
    rows["unnamed"] = rows["ticket_id"].isna() & ~rows["recurs"] & ~seen
    return rows


@given("products")
def invoice_lines(books: Books, catalogue: Catalogue, invoices: pd.DataFrame) -> pd.DataFrame:
    """The lines of invoices, with `place` of their invoice, its customer and ticket, and as `charges`. NO_ID: none.

    Lines of estimates, and of invoices that are not known, are left out.
    """
    rows = books.table("invoice_lines", COLUMNS["invoice_lines"])
    places = pd.Index(invoices["invoice_id"]).get_indexer(pd.Index(ids(rows["invoice_id"])))
    known = places >= 0
    rows = rows.copy(deep=False) if known.all() else rows[known]
    places = places[known]
    rows["place"] = places
    for name in ("customer_id", "ticket_id"):
        rows[name] = ids(invoices[name])[places]
    rows["ticket"] = invoices["ticket"].to_numpy()[places]
    return _with_products(rows, catalogue)


def _with_products(rows: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    places = catalogue.place(rows["product_id"])
    codes = catalogue.kind_codes(places, rows["category"])
    rows["product"] = places
    rows["kind"] = catalogue.kind_names(codes)
    rows["labour"] = catalogue.labour(codes)
    rows["timed"] = catalogue.timed(codes)
    return rows


@given("charges", "invoices", "invoice_lines")
def billed(charges: pd.DataFrame, invoice_lines: pd.DataFrame, invoices: pd.DataFrame, tickets: pd.DataFrame) -> Billed:
    """Which invoice line a ticket line became: by ticket, product, quantity and price, then with less of it.

    Syncro does not say it. What no invoice of the ticket has may have been swept into one that names no ticket (a
    recurring invoice takes pending charges along): there it is looked for by customer, product, quantity and price.
    """
    left = charges["converted"].to_numpy()
    there = np.full(len(charges), -1, dtype="int64")
    free = np.ones(len(invoice_lines), dtype=bool)
    facts = ["product_id", "quantity_millionths", "price_cents"]
    of_ticket = invoice_lines["ticket_id"].to_numpy() != NO_ID
    for used in (facts, facts[:2], facts[:1]):
        lost, open_ones = np.flatnonzero(left & (there < 0)), np.flatnonzero(of_ticket & free)
        _pair(
            there,
            free,
            lost,
            open_ones,
            of_one_ticket(charges, lost, used),
            of_one_ticket(invoice_lines, open_ones, used),
        )
    lost, open_ones = np.flatnonzero(left & (there < 0)), np.flatnonzero(~of_ticket & free)
    if len(lost) and len(open_ones):
        customer = terms.look_up(charges["ticket_id"].iloc[lost], tickets, "ticket_id", {"c": "customer_id"})["c"]
        mine = mixed([ids(customer), *(ids(charges[name])[lost] for name in facts)])
        theirs = mixed([ids(invoice_lines[name])[open_ones] for name in ("customer_id", *facts)])
        _pair(there, free, lost, open_ones, mine, theirs)
    source = np.full(len(invoice_lines), -1, dtype="int64")
    found = np.flatnonzero(there >= 0)
    source[there[found]] = found
    return Billed(there, source)


@given()
def whole_invoices(books: Books, invoices: pd.DataFrame, invoice_lines: pd.DataFrame) -> Array:
    """Which invoices have all of their lines at hand: all of them, or where lines are missing those that add up.

    An invoice that was read in full also counts.
    """
    if not books.gaps_of("invoice_lines"):
        return np.ones(len(invoices), dtype=bool)
    place = invoice_lines["place"].to_numpy()
    added = added_up(place, net_cents(invoice_lines), len(invoices))
    adds_up = (added == invoices["subtotal_cents"].to_numpy()) & marked(place, len(invoices))
    return np.asarray(adds_up | invoices["detail_at"].notna().to_numpy())


@dataclass(frozen=True)
class Billed:
    """For each ticket line the place of its invoice line, and for each invoice line that of its ticket line; -1: none."""

    line: Array
    charge: Array


def _pair(there: Array, free: Array, mine: Array, theirs: Array, one: Array, other: Array) -> None:
    """Pair rows (places `mine` and `theirs`) of equal keys (`one` and `other`), the first with the first; writes into
    `there` and `free`.
    """
    if not len(mine) or not len(theirs):
        return
    order, other_order = np.argsort(one, kind="stable"), np.argsort(other, kind="stable")
    one, other = one[order], other[other_order]
    spots = np.searchsorted(other, one) + _within_runs(one)
    order, one, spots = (column[spots < len(other)] for column in (order, one, spots))
    hits = other[spots] == one
    found = theirs[other_order[spots[hits]]]
    there[mine[order[hits]]] = found
    free[found] = False


# ---------------------------------------------------------------- customers


@given()
def block_customers(
    books: Books, customers: pd.DataFrame, catalogue: Catalogue, prepaid: pd.DataFrame
) -> frozenset[int]:
    """Customers who have, or had, prepaid hours: a balance, a reading of one that is not 0, or hours that they bought."""
    held = customers.loc[customers["prepaid_millionths"].fillna(0) != 0, "customer_id"]
    once = prepaid.loc[prepaid["prepaid_millionths"].fillna(0) != 0, "customer_id"]
    return frozenset(map(int, held)) | frozenset(map(int, once))


def is_prepay(lines: pd.DataFrame, catalogue: Catalogue) -> Array:
    """Lines that sell prepaid hours: category "Prepay Hours" on the line or the product."""
    own = lines["category"].astype("category")
    named = np.array(["Prepay Hours" in str(one) for one in own.cat.categories] + [False])
    return np.asarray(named[own.cat.codes.to_numpy()] | catalogue.prepay[lines["product"].to_numpy()])


@given("invoices", "invoice_lines", "products")
def blocks(block_customers: frozenset[int], invoice_lines: pd.DataFrame, catalogue: Catalogue) -> frozenset[int]:
    """The block customers, those included who only show by the hours on their invoices."""
    sold = is_prepay(invoice_lines, catalogue)
    return block_customers | frozenset(map(int, invoice_lines["customer_id"].to_numpy()[sold]))


@given()
def unread_customers(books: Books, customers: pd.DataFrame) -> frozenset[int]:
    """Customers of whom nobody knows yet whether they have prepaid hours, because only their list row was read."""
    unread = customers["detail_at"].isna() & customers["prepaid_millionths"].isna()
    return frozenset(map(int, customers.loc[unread, "customer_id"]))


@given("tickets", "customers", "contracts")
def paid_by(
    books: Books, house: House, customers: pd.DataFrame, unread_customers: frozenset[int]
) -> Callable[[pd.DataFrame, Any], pd.Series]:
    """How work is paid for: terms.mode of rows with customer_id, kind, worked_on, tags and customer_tags.

    `unknown` where the customer was not read in full, and nothing else (a contract, a tag) decides.
    """
    known = set(map(int, customers["customer_id"])) - unread_customers
    torn = bool(books.gaps_of("contracts"))

    def modes(work: pd.DataFrame, labour: Any) -> pd.Series:
        found = terms.mode(work, pd.Series(np.asarray(labour), index=work.index), books, house).astype("str")
        unsure = (~work["customer_id"].isin(list(known)) | torn) & (found == "time-and-materials")
        return found.mask(unsure & np.asarray(labour), UNREAD)

    return modes


@given()
def of_ticket(books: Books, house: House, ticket_ids: pd.Index[Any]) -> Callable[[pd.Series], pd.DataFrame]:
    """What rows take from their ticket (terms.of_ticket)."""
    return lambda wanted: terms.of_ticket(wanted, books, house, ticket_ids)


@dataclass(frozen=True)
class Rates:
    """What an hour or a piece costs: the agreed rate, else the product's price."""

    books: Books
    house: House
    products: pd.DataFrame
    default: int | None

    def of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """terms.rate of rows with product_id, customer_id, customer and kind; `assumed` where no product is named.

        Time without a product is worth that of the account's default labour product, and then only estimated.
        """
        nameless = rows["product_id"].isna()
        named = rows.assign(product_id=rows["product_id"].fillna(self.default if self.default else pd.NA))
        rates = terms.rate(named, rows["kind"], self.products, self.house.policy)
        rates["assumed"] = nameless
        return rates

    def remote(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The rate of remote labour for rows with customer_id and customer; the default product's where there is none."""
        product = self.house.labour.get("remote")
        kind = "remote"
        if product not in set(self.products["product_id"]):
            product, kind = self.default, ""
        rows = customers.assign(product_id=pd.array([product] * len(customers), dtype="Int64"))
        return terms.rate(rows, pd.Series(kind, index=rows.index, dtype="str"), self.products, self.house.policy)


@given()
def rates(books: Books, house: House, products: pd.DataFrame) -> Rates:
    """What an hour or a piece costs."""
    settings = books.ticket_settings
    default = settings.default_labor_product_id if settings else None
    if default is None and house.labour.get("remote") in set(products["product_id"]):
        default = house.labour["remote"]
    return Rates(books, house, products, default)


@given()
def agreed_prices(books: Books) -> pd.DataFrame:
    """What customers pay for products by their recurring invoices: customer_id, product_id, price_cents, each once."""
    lines = books.table("schedule_lines", COLUMNS["schedule_lines"])
    schedules = books.table("schedules", ("schedule_id", "customer_id"))
    rows = lines[["schedule_id", "product_id", "price_cents"]].merge(schedules, on="schedule_id")
    return rows[["customer_id", "product_id", "price_cents"]].dropna().drop_duplicates()


@given("timers", "tickets")
def usual_hours(timers: pd.DataFrame, tickets: pd.DataFrame) -> dict[str, float]:
    """The median of the billable hours of a ticket, by problem type; of tickets with any. Half an hour where there is
    none.
    """
    seconds = timers["worth_seconds"].to_numpy() * timers["ended_at"].notna().to_numpy()
    worked = pd.Series(added_up(timers["ticket"].to_numpy(), seconds, len(tickets)))
    some = worked > 0
    kinds = tickets["problem_type"].reset_index(drop=True)[some].astype("str").fillna("")
    medians = worked[some].groupby(kinds).median() / 3600
    return {str(kind): float(value) for kind, value in medians.items()}


@given("invoices", "invoice_lines", "products", "customers")
def block_rate(
    house: House, rates: Rates, invoice_lines: pd.DataFrame, invoices: pd.DataFrame, catalogue: Catalogue
) -> Callable[[pd.DataFrame], pd.Series]:
    """What an hour of a block is worth, for rows with customer_id and customer: Int64 cents.

    The customer's in syncro.yaml, else the price of the last hours sold to it, else the price of remote labour.
    """
    sold = invoice_lines[is_prepay(invoice_lines, catalogue) & (invoice_lines["price_cents"].to_numpy() > 0)]
    when = invoices["day"].iloc[sold["place"]].to_numpy()
    last = sold.assign(when=when).sort_values(["when", "line_id"]).drop_duplicates("customer_id", keep="last")
    prices = dict(zip(last["customer_id"].tolist(), last["price_cents"].tolist(), strict=True))

    def of(rows: pd.DataFrame) -> pd.Series:
        remote = rates.remote(rows)["rate_cents"]
        values = [
            _first(house.policy.block_rate_cents(number, str(name)), prices.get(number), other)
            for number, name, other in zip(ids(rows["customer_id"]).tolist(), rows["customer"], remote, strict=True)
        ]
        return pd.Series(values, index=rows.index, dtype="Int64")

    return of


def _first(*values: Any) -> Any:
    return next((one for one in values if one is not None and not pd.isna(one)), pd.NA)
