"""A live look: the open tickets as Syncro lists them now, and the details of the few that matter most; and the details on
which a reconciliation's findings depend.

A look at the queue costs the pages of the list of open tickets, and one request for each ticket whose details are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pandas as pd

from . import frames, triage
from .books import Books
from .config import House
from .errors import Missing, Refused, Unreachable
from .reconcile import proof
from .reconcile.finding import Proofs
from .service.client import NOT_CLOSED, Client
from .service.records import Invoice, Ticket, User
from .tables import INSTANT, TABLES

_PARTS = {"comments": "comments", "timers": "timers", "charges": "lines"}


DETAILS = 10  # of how many tickets at the top of the queue a live look reads the details
SETTINGS_REQUESTS = 2


def first_books(client: Client, *, prices: bool) -> Books:
    """Books with the account's settings and technicians only, for a look where nothing has been kept yet: two requests.

    `prices`: with the products too, so that uncharged time has a price; one request more for each page of them.
    """
    ticket_settings, settings = client.ticket_settings(), client.settings()
    named = ticket_settings.users if isinstance(ticket_settings.users, list) else []
    users = [User(row["id"], str(row.get("name") or "")) for row in named if isinstance(row, dict) and row.get("id")]
    tables: dict[str, Any] = {"users": frames.from_records("users", users)}
    if prices:
        tables["products"] = frames.from_records("products", client.products())
    return Books(client.server_now(), settings, ticket_settings, tables)


def with_open_tickets(books: Books, client: Client, house: House) -> Books:
    """The books with the list of open tickets as it is now; what they knew of a ticket's details stays.

    A ticket that is not listed any more is taken out: it was resolved, or deleted. One request for each page.
    """
    listed = [row for row in client.tickets(status=NOT_CLOSED) if not house.is_resolved(row.status)]
    known = books.table("tickets")
    rows = frames.from_records("tickets", [row.in_zone(books.known_zone) for row in listed])
    seen = known.set_index("ticket_id")["detail_at"].reindex(rows["ticket_id"])
    rows["detail_at"] = seen.astype(INSTANT).array
    return _with(books, client.server_now(), tickets=rows)


def with_details(books: Books, client: Client, ticket_ids: Iterable[int]) -> Books:
    """The books with the comments, timers and lines of these tickets as they are now. One request for each."""
    began = client.server_now()  # a change after this instant may not be in what is read
    read: list[Ticket] = []
    gone: list[int] = []
    for ticket_id in ticket_ids:
        try:
            read.append(client.ticket(ticket_id))
        except Missing:
            gone.append(ticket_id)
    tickets = books.table("tickets")
    tickets = tickets[~tickets["ticket_id"].isin(gone)].copy()
    seen = tickets["ticket_id"].isin([one.id for one in read])
    tickets["detail_at"] = tickets["detail_at"].mask(seen, pd.Timestamp(began)).astype(INSTANT)
    # What the list said of `updated_at` is older than what was read just now.
    for one in read:
        if one.updated_at:
            tickets.loc[tickets["ticket_id"] == one.id, "updated_at"] = pd.Timestamp(one.updated_at).tz_convert("UTC")
    parts = {name: _replaced(books, name, attribute, read) for name, attribute in _PARTS.items()}
    return _with(books, client.server_now(), tickets=tickets, **parts)


def of_ticket(books: Books, ticket: Ticket, row: Ticket, now: datetime) -> Books:
    """The books of one ticket alone, as it was just read: `ticket` with its details, `row` as the list has it."""
    rows = frames.from_records("tickets", [row.in_zone(books.known_zone)])
    rows["detail_at"] = pd.Series([pd.Timestamp(now)] * len(rows)).astype(INSTANT)
    parts: dict[str, pd.DataFrame] = {"tickets": rows}
    for name, attribute in _PARTS.items():
        listed = getattr(ticket, attribute) or ()
        parts[name] = frames.from_records(name, [replace(one, ticket_id=ticket.id) for one in listed])
    return _with(books, now, **parts)


def look(books: Books, client: Client, house: House, *, details: int | None = DETAILS) -> Books:
    """The books with the queue as it is now: the whole list, and the details of at most so many tickets at its top.

    `details` None: of all that are not known or have changed.
    """
    books = with_open_tickets(books, client, house)
    queue = triage.queue(books, house)
    most = len(queue) if details is None else details
    return with_details(books, client, triage.to_look_at(queue, most))


@dataclass(frozen=True)
class Seen:
    """Books after a look at what was in doubt: the tickets whose invoices are known now, how many requests, and in words."""

    books: Books
    proved: frozenset[int]
    requests: int
    said: str


def prove(books: Books, client: Client, wanted: Proofs, *, most: int = proof.MOST) -> Seen:
    """Read what a reconciliation wants proved: tickets with the invoices that may be theirs, and invoices.

    At most about `most` requests; a ticket for which they do not suffice stays unproved. A refusal of one record leaves that
    one unproved; where Syncro goes away the look ends with what was read.
    """
    began = client.server_now()
    look = _Look(client, most)
    proved: set[int] = set()
    customers = dict(books.table("tickets", ["ticket_id", "customer_id"]).itertuples(index=False, name=None))
    trouble = ""
    try:
        for number in sorted(wanted.invoices):
            look.invoice(number)
        for number in sorted(wanted.tickets):
            if look.ticket(number, customers.get(number)):
                proved.add(number)
    except Unreachable as error:
        trouble = f"; then Syncro could not be reached ({error})"
    tickets = [look.tickets[number] for number in sorted(proved)]
    invoices = [one for one in look.invoices.values() if one is not None]
    left = len(wanted.tickets) - len(proved) + len(wanted.invoices - set(look.invoices))
    said = f"read {look.requests} details live{trouble}" + (f"; {left} records stay in doubt" if left else "")
    return Seen(proof.amend(books, tickets, invoices, began), frozenset(proved), look.requests, said)


@dataclass
class _Look:
    """Details that were read, each once, within a number of requests."""

    client: Client
    most: int
    requests: int = 0
    tickets: dict[int, Ticket] = field(default_factory=dict)
    invoices: dict[int, Invoice | None] = field(default_factory=dict)  # None: gone, or refused

    def invoice(self, number: int) -> Invoice | None:
        """An invoice with its lines; None where it is gone, refused, or the requests are used up."""
        if number not in self.invoices and self.requests < self.most:
            self.requests += 1
            try:
                self.invoices[number] = self.client.invoice(number)
            except Refused:
                self.invoices[number] = None
        return self.invoices.get(number)

    def ticket(self, number: int, customer_id: int | None) -> bool:
        """Whether a ticket and every invoice that may be its own could be read."""
        if self.requests + 2 > self.most:
            return False
        self.requests += 2
        try:
            ticket = self.client.ticket(number)
            listed = list(self.client.invoices(ticket_id=number))
        except Refused:
            return False
        since = ticket.created_at
        own = [row for row in listed if row.ticket_id == number]
        silent = [
            row
            for row in listed
            if row.ticket_id is None
            and row.customer_id in (None, customer_id)
            and not (row.created_at and since and row.created_at < since)
        ]
        unread = [row.id for row in (*own, *silent) if row.id not in self.invoices]
        if self.requests + len(unread) > self.most:
            return False
        if any(self.invoice(row.id) is None for row in (*own, *silent)):
            return False
        self.tickets[number] = ticket
        return True


def _replaced(books: Books, name: str, attribute: str, read: list[Ticket]) -> pd.DataFrame:
    """A table with the rows of these tickets as they were just read; a row that moved to another ticket is there once."""
    rows = [replace(row, ticket_id=one.id) for one in read for row in getattr(one, attribute) or ()]
    new, old = frames.from_records(name, rows), books.table(name)
    key = TABLES[name].key
    kept = old[~(old["ticket_id"].isin([one.id for one in read]) | old[key].isin(new[key])).to_numpy()]
    if not len(kept) or not len(new):
        return new if not len(kept) else kept
    return pd.concat([kept, new], ignore_index=True)


@dataclass(frozen=True)
class _Newer(Books):
    """Books of which some tables were read just now (`tables`); the others are those of `older`, loaded as it loads them."""

    older: Books | None = None

    def table(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """One table, only with these columns if they are given. A table that nothing is known of is empty."""
        if self.older is None or name in self.tables:
            return super().table(name, columns)
        return self.older.table(name, columns)

    @property
    def known(self) -> frozenset[str]:
        """The tables that were read at all."""
        return super().known | (self.older.known if self.older else frozenset())


def _with(books: Books, now: datetime, **tables: pd.DataFrame) -> Books:
    older, newer = (books.older, {**books.tables, **tables}) if isinstance(books, _Newer) else (books, tables)
    return _Newer(now, books.settings, books.ticket_settings, newer, books.gaps, older)
