"""The screens that begin with a customer, found while somebody types: a new ticket, a new contact; and a new customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InputError, Missing
from ..escape import clip, line
from ..service.client import NOT_CLOSED
from ..service.records import Customer
from ..workspace import Workspace
from ..writes.customer import ContactDraft, CustomerDraft
from ..writes.ticket import CreateDraft
from . import markup, preview
from .form import Form
from .inputs import Field
from .screen import Panel
from .ticketscreen import AccountScreen

SHORTEST_QUERY = 2  # letters before anybody is asked


def create_form(workspace: Workspace, ticket: int | None = None, **values: Any) -> Form:
    """A new ticket; `ticket` is one whose customer it is for, `values` as in CreateDraft. Reads, never writes by itself;
    raises InputError for a value that it has no input for."""
    screen = CreateScreen(workspace)
    return Form(screen, screen.filled_in(ticket, values))


def contact_form(workspace: Workspace, ticket: int | None = None, **values: Any) -> Form:
    """A new person at a customer; `ticket` is one of that customer, `values` as in ContactDraft. Else as create_form."""
    screen = ContactScreen(workspace)
    return Form(screen, screen.filled_in(ticket, values))


def customer_form(workspace: Workspace, ticket: int | None = None, **values: Any) -> Form:
    """A new customer; `values` as in CustomerDraft. `ticket` is there as in every form, and means nothing here."""
    return Form(CustomerScreen(workspace), values)


class Customers:
    """The customers that were seen so far, and when to ask for more: seldom, because each answer is a request of many.

    Nobody is asked while what is typed is the beginning of nothing, is part of a name that was seen, or goes on from what
    found nobody. What is left out can still be typed in full: the plan looks for it.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._seen: dict[int, Customer] = {}
        self._nobody: list[str] = []  # queries that found nobody

    def suggest(self, typed: str) -> list[str]:
        """Names that hold what is typed; one request where none is known that does."""
        sought = " ".join(typed.split()).casefold()
        if len(sought) < SHORTEST_QUERY or sought.isdigit():
            return []
        if not self._fitting(sought) and not any(one in sought for one in self._nobody) and self.named(typed) is None:
            rows = self._workspace.client.customers_like(sought)
            self._seen |= {row.id: row for row in rows}
            self._nobody += [] if rows else [sought]
        return [self._label(row) for row in self._fitting(sought)]

    def know(self, customer_id: int) -> None:
        """Read one customer by its id. Raises InputError if there is none."""
        try:
            self._seen[customer_id] = self._workspace.client.customer(customer_id)
        except Missing:
            raise InputError(f"there is no customer with id {customer_id}") from None

    def named(self, typed: str) -> int | None:
        """The id of the one customer that was seen and is meant: by its id, a label that was offered, or a name of its own."""
        said = " ".join(typed.split()).casefold()
        same = [
            row
            for row in self._seen.values()
            if said in (str(row.id), _name(row).casefold(), self._label(row).casefold())
        ]
        return same[0].id if len(same) == 1 else None

    def _fitting(self, sought: str) -> list[Customer]:
        rows = [row for row in self._seen.values() if sought in f"{_name(row)} {line(row.fullname)}".casefold()]
        return sorted(rows, key=lambda row: (_name(row).casefold(), row.id))

    def _label(self, row: Customer) -> str:
        shared = sum(_name(one).casefold() == _name(row).casefold() for one in self._seen.values()) > 1
        return f"{_name(row)} ({row.id})" if shared else _name(row)


def _name(row: Customer) -> str:
    return line(row.name)


class _AtCustomer(AccountScreen):
    looks_up = "customer"

    def __init__(self, workspace: Workspace) -> None:
        self._customers = Customers(workspace)
        super().__init__(workspace)
        hint = "type part of the name, or the id"
        self.fields = (Field("customer", "Customer", "suggest", hint=hint), *self.fields)

    def filled_in(self, ticket: int | None, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values, with the customer of the ticket where none is named; one that is named by its id is read, and part of a
        name that only one has becomes that name."""
        customer = str(values.get("customer") or "").strip()
        if ticket is not None and not customer:
            found = self._workspace.ticket(ticket).ticket
            customer = str(found.customer_id or (found.customer.id if found.customer else ""))
        if customer.isascii() and customer.isdigit() and len(customer) < 15:
            self._customers.know(int(customer))
        elif len(offered := self._customers.suggest(customer)) == 1:
            customer = offered[0]
        return {**values, **({"customer": customer} if customer else {})}

    def about(self, values: Mapping[str, Any]) -> int | None:
        """The customer's id."""
        return self._customers.named(values["customer"])

    def draft(self, values: Mapping[str, Any]) -> Any:
        """The draft, for the customer that is meant, or the name as it was typed: the plan looks for it."""
        return super().draft({**values, "customer": str(self.about(values) or values["customer"])})

    def suggest(self, typed: str) -> Sequence[str]:
        """Customers that fit."""
        return self._customers.suggest(typed)

    def look_up(self, values: Mapping[str, Any]) -> Panel:
        """The customer beside the form, its people to choose from, and a run for it that stopped: three requests."""
        customer_id, client = self.about(values), self._workspace.client
        if customer_id is None:
            return Panel()
        try:
            customer = client.customer(customer_id)
        except Missing:
            return Panel(markup.text(f"there is no customer with id {customer_id}", "bad"))
        people = [one for one in client.contacts(customer_id=customer_id) if one.name.strip()]
        self._names["contact_id"] = {one.id: one.name for one in people}
        rows = client.tickets(customer_id=customer_id, status=NOT_CLOSED)
        open_tickets = [row for row in rows if not self._workspace.house.is_resolved(row.status)]
        html = preview.customer_panel(customer, [one.name for one in people], open_tickets)
        offers = {"contact": [(clip(one.name, 60), one.name) for one in people]}
        return Panel(html, offers, self._open_run(-customer_id))


class CreateScreen(_AtCustomer):
    """A new ticket."""

    title = "New ticket"
    draft_type = CreateDraft

    def own_fields(self) -> tuple[Field, ...]:
        """What it is about, whose it is, and the opening comment."""
        return (
            Field("contact", "Contact", "one", hint="nobody in particular"),
            Field("subject", "Subject", hint="what it is about, in one line"),
            *self._word_fields("none", "nobody"),
            Field("text", "Opening", "long", hint="the opening comment; empty: none"),
            Field("email", "Mail the opening comment to the customer", "flag", default=False),
            Field("hidden", "Hidden comment, for technicians only", "flag", default=False),
        )

    def question(self, plan: Any) -> str:
        """Subject, customer and account in one line."""
        return f"Yes, make the ticket {clip(plan.subject, 50)!r} for {clip(plan.customer_name, 40)} ({self._place})"


class ContactScreen(_AtCustomer):
    """A new person at a customer."""

    title = "New contact"
    draft_type = ContactDraft

    def own_fields(self) -> tuple[Field, ...]:
        """Name, mail address, telephone."""
        return (Field("name", "Name"), Field("email", "Mail address"), Field("phone", "Telephone"))

    def question(self, plan: Any) -> str:
        """Who, where, and in whose account."""
        name = str(plan.requests[0].body["name"])
        return f"Yes, add {clip(name, 40)} to {clip(plan.customer_name, 40)} ({self._place})"


class CustomerScreen(AccountScreen):
    """A new customer: a business, or a person."""

    title = "New customer"
    draft_type = CustomerDraft

    def own_fields(self) -> tuple[Field, ...]:
        """Names, mail address, telephone."""
        return (
            Field("business_name", "Business", hint="empty for a person"),
            Field("firstname", "First name"),
            Field("lastname", "Last name"),
            Field("email", "Mail address"),
            Field("phone", "Telephone"),
        )

    def question(self, plan: Any) -> str:
        """Who, and in whose account."""
        return f"Yes, make the customer {clip(plan.customer_name, 60)} ({self._place})"
