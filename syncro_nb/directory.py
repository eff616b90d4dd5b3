"""Looking tickets and customers up by what somebody types; live, with a bounded number of requests.

What Syncro's own search means by a query is not documented, so every row is held against the words once more: each of them
must be in the subject or the customer's name (of a ticket), or in one of the names (of a customer), in any case.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import Any

from .config import House
from .errors import InputError, Missing, Refused
from .service.client import NOT_CLOSED, Client
from .service.records import Contact, Contract, Customer, Invoice, Ticket
from .tables import Column

CUSTOMERS = {
    "customer_id": Column("int64", "customer id"),
    "name": Column("str", "business name, else the person's"),
    "email": Column("str", "mail address"),
    "phone": Column("str", "telephone"),
    "open_tickets": Column("Int64", "tickets that are not resolved; absent: not read"),
    "prepaid_hours": Column("float64", "prepaid hours left; absent: none, or not read"),
}
NAMESAKES = 5  # customers whose tickets a search for tickets also looks through
LONGEST = 200


@dataclass(frozen=True)
class CustomerRow:
    """A customer that was found. `open_tickets` None: its details were not read; `prepaid_hours` None: none, or not read."""

    id: int
    name: str
    email: str
    phone: str
    open_tickets: int | None = None
    prepaid_hours: Decimal | None = None

    def row(self) -> tuple[Any, ...]:
        """As a row of CUSTOMERS."""
        hours = None if self.prepaid_hours is None else float(self.prepaid_hours)
        return self.id, self.name, self.email, self.phone, self.open_tickets, hours

    def as_json(self) -> dict[str, Any]:
        """As `syncro customers --json` prints it; hours as text, so that no digit is lost."""
        hours = None if self.prepaid_hours is None else f"{self.prepaid_hours:f}"
        names = {"id": self.id, "name": self.name, "email": self.email, "phone": self.phone}
        return {**names, "open_tickets": self.open_tickets, "prepaid_hours": hours}


@dataclass(frozen=True, repr=False)
class CustomerView:
    """One customer: itself, its open tickets (newest first), its people, and what it owes. `doubts`: what could not be read;
    `unpaid` and `contacts` None: not read."""

    customer: Customer
    tickets: tuple[Ticket, ...] = ()
    contacts: tuple[Contact, ...] | None = None
    unpaid: tuple[Invoice, ...] | None = None
    doubts: tuple[str, ...] = ()

    @property
    def contracts(self) -> tuple[Contract, ...]:
        """Its contracts, as its own record lists them."""
        return self.customer.contracts or ()

    @property
    def balance_cents(self) -> int | None:
        """What is due on its unpaid invoices, in cents; None if they were not read."""
        return None if self.unpaid is None else sum(due_cents(one) for one in self.unpaid)

    def __repr__(self) -> str:
        return f"<customer {self.customer.id}, {len(self.tickets)} open tickets>"


def due_cents(invoice: Invoice) -> int:
    """What is due on an invoice, in cents; all of it where the list does not say."""
    return invoice.total_cents if invoice.balance_due_cents is None else invoice.balance_due_cents


def pull_customer(client: Client, house: House, customer_id: int, *, whole: bool = True) -> CustomerView:
    """One customer with its open tickets; `whole`: with contacts and unpaid invoices too.

    Two requests, and one for each page of contacts and of the account's unpaid invoices. A list that the key may not read
    becomes a doubt. Raises InputError if there is no such customer.
    """
    doubts: list[str] = []

    def read(what: str, rows: Iterator[Any]) -> tuple[Any, ...] | None:
        try:
            return tuple(rows)
        except Refused as error:
            doubts.append(f"{what}: not read ({error})")
            return None

    try:
        customer = client.customer(customer_id)
    except Missing:
        raise InputError(f"there is no customer with id {customer_id}") from None
    listed = read("open tickets", client.tickets(customer_id=customer_id, status=NOT_CLOSED)) or ()
    mine = [one for one in listed if one.customer_id == customer_id and not house.is_resolved(one.status)]
    tickets = tuple(sorted(mine, key=lambda one: one.number, reverse=True))
    if not whole:
        return CustomerView(customer, tickets, doubts=tuple(doubts))
    contacts = read("contacts", client.contacts(customer_id=customer_id))
    unpaid = read("invoices", (one for one in client.invoices(paid=False) if one.customer_id == customer_id))
    return CustomerView(customer, tickets, contacts, unpaid, tuple(doubts))


def search_tickets(client: Client, query: str, *, most: int) -> tuple[list[Ticket], bool]:
    """Tickets with these words in subject or customer, newest first; False if there are more than `most`.

    Raises InputError for an empty query.
    """
    wanted = _words(query)
    number = query.strip().removeprefix("#")
    asked: list[Iterator[Ticket]] = [client.tickets(query=query)]
    if number.isascii() and number.isdigit() and len(number) < 12:
        asked.append(client.tickets(number=int(number)))
    named = [one for one in client.customers_like(query) if _has(_names(one), wanted)][:NAMESAKES]
    asked += [client.tickets(customer_id=one.id) for one in named]
    found: dict[int, Ticket] = {}
    for row in chain.from_iterable(asked):
        if _has(f"{row.subject}\n{row.customer_name}", wanted) or str(row.number) == number:
            found[row.id] = row
            if len(found) > most:
                break
    newest = sorted(found.values(), key=lambda row: row.number, reverse=True)
    return newest[:most], len(newest) <= most


def find_customers(client: Client, house: House, query: str, *, most: int) -> list[CustomerRow]:
    """Customers with these words in their name, by name; open tickets and prepaid hours of the first `most`.

    One request for each page of the list, and two for each of the first. Raises InputError for an empty query.
    """
    wanted = _words(query)
    rows = [row for row in client.customers(query=query) if _has(_names(row), wanted)]
    rows.sort(key=lambda row: (row.name.casefold(), row.id))
    return [_row(row, client, house) if place < most else _listed(row) for place, row in enumerate(rows)]


def _row(row: Customer, client: Client, house: House) -> CustomerRow:
    detail = client.customer(row.id)
    tickets = client.tickets(customer_id=row.id, status=NOT_CLOSED)
    count = sum(one.customer_id == row.id and not house.is_resolved(one.status) for one in tickets)
    return CustomerRow(row.id, row.name, row.email, row.phone, count, detail.prepaid_hours)


def _listed(row: Customer) -> CustomerRow:
    return CustomerRow(row.id, row.name, row.email, row.phone)


def _names(row: Customer) -> str:
    return f"{row.name}\n{row.business_name}\n{row.fullname}"


def _words(query: str) -> list[str]:
    words = query.casefold().split()
    if not words or len(query) > LONGEST:
        raise InputError(f"say what to look for, in up to {LONGEST} characters")
    return words


def _has(text: str, words: list[str]) -> bool:
    found = text.casefold()
    return all(word in found for word in words)
