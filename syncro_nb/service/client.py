"""Syncro's API, read: one method per endpoint, each typed and documented with its path and permission.

Lists come as iterators over every page. A filter that an account may ignore is applied again on our side, because Syncro
answers an unknown filter with everything; where a row does not say enough to tell, it is kept. Dates in filters may be aware
datetimes or days. Every method raises `Refused`, `Missing` and `Unreachable` as `reading.Reader` says.

Writes are not methods: `requests.py` makes each as a value, and only `writes/run.py` sends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from . import wire
from .reading import ListPage, Reader, not_syncro
from .records import (
    Comment,
    Contact,
    Contract,
    Customer,
    Estimate,
    Invoice,
    InvoiceLine,
    Me,
    Payment,
    PaymentMethod,
    Product,
    Schedule,
    SearchHit,
    Settings,
    Ticket,
    TicketSettings,
    Timelog,
    Timer,
    User,
)
from .requests import Request
from .transport import Reply

When = datetime | date
NOT_CLOSED = "Not Closed"  # Syncro's pseudo-status for everything that is not resolved
_LARGEST_PAGE = 250  # rows; an answer with more that names no pages is a list without pages
_ANY_ZONE = timedelta(hours=14)  # a bare day begins somewhere on earth this much earlier than in UTC


# By the name of the table that each fills: record, path, and where its rows stand in the answer.
LISTS: Mapping[str, tuple[type[Any], str, str]] = {
    "tickets": (Ticket, "/tickets", "tickets"),
    "timers": (Timer, "/ticket_timers", "ticket_timers"),
    "invoices": (Invoice, "/invoices", "invoices"),
    "invoice_lines": (InvoiceLine, "/line_items", "line_items"),
    "customers": (Customer, "/customers", "customers"),
    "contacts": (Contact, "/contacts", "contacts"),
    "products": (Product, "/products", "products"),
    "payments": (Payment, "/payments", "payments"),
    "schedules": (Schedule, "/schedules", "schedules"),
    "contracts": (Contract, "/contracts", "contracts"),
    "timelogs": (Timelog, "/timelogs", "timelogs"),
}
_BY_ID = {
    "tickets": "ticket",
    "invoices": "invoice",
    "customers": "customer",
    "contacts": "contact",
    "products": "product",
    "payments": "payment",
    "schedules": "schedule",
    "contracts": "contract",
}


class Client(Reader):
    """One account of Syncro, over one transport."""

    # ------------------------------------------------------------ account

    def me(self) -> Me:
        """GET /me: whose key it is, and what it may do. Needs no permission."""
        return self._one(Me, "/me", "")

    def users(self) -> tuple[User, ...]:
        """GET /users: the technicians, id and name; the answer's rows are [id, name] pairs."""
        rows = self._page("/users", "users", {}, 1).rows
        pairs = [row for row in rows if isinstance(row, list) and len(row) == 2]
        return tuple(self._records(User, "/users", [{"id": row[0], "full_name": row[1]} for row in pairs]))

    def user(self, user_id: int) -> User:
        """GET /users/{id}: a technician with mail address and group."""
        return self._one(User, f"/users/{user_id}", "user")

    def settings(self) -> Settings:
        """GET /settings: locale, business hours, holiday calendar, problem types, priorities."""
        return self._one(Settings, "/settings", "")

    def ticket_settings(self) -> TicketSettings:
        """GET /tickets/settings: the account's statuses, technicians and default labour product."""
        return self._one(TicketSettings, "/tickets/settings", "")

    def search(self, query: str) -> tuple[SearchHit, ...]:
        """GET /search?query=: hits of every sort that the key may list, in Syncro's order, one page."""
        data = self._get("/search", {"query": query})
        rows = wire.page(data, "results").rows if isinstance(data, dict) and data.get("results") else []
        return tuple(self._records(SearchHit, "/search", [row.get("table") for row in rows if isinstance(row, dict)]))

    def timelogs(self, *, user_id: int | None = None) -> Iterator[Timelog]:
        """GET /timelogs: attendance of technicians, in and out as aware times."""
        for log in self._list(Timelog, "/timelogs", "timelogs", {"user_id": user_id}):
            if user_id is None or log.user_id == user_id:
                yield log

    # ------------------------------------------------------------ tickets

    def tickets(
        self,
        *,
        number: int | None = None,
        status: str | None = None,
        customer_id: int | None = None,
        contact_id: int | None = None,
        user_id: int | None = None,
        query: str | None = None,
        created_after: When | None = None,
        resolved_after: When | None = None,
        since_updated_at: When | None = None,
        mine: bool | None = None,
        ticket_search_id: int | None = None,
        asset_name: str | None = None,
        asset_serial: str | None = None,
        parent_id: int | None = None,
        bulk: bool = False,
    ) -> Iterator[Ticket]:
        """GET /tickets (permission: Tickets - List/Search). Rows without lines and timers, with at most one comment.

        `status` may be NOT_CLOSED. `query`, `mine`, `ticket_search_id`, the assets' and NOT_CLOSED mean what Syncro makes
        of them; the others are applied again here. `bulk` lets more urgent requests of this machine go first.
        """
        asked = {
            "number": number,
            "status": status,
            "customer_id": customer_id,
            "contact_id": contact_id,
            "user_id": user_id,
            "query": query,
            "created_after": _written(created_after),
            "resolved_after": _written(resolved_after),
            "since_updated_at": _written(since_updated_at),
            "mine": mine,
            "ticket_search_id": ticket_search_id,
            "asset_name": asset_name,
            "asset_serial": asset_serial,
            "parent_id": parent_id,
        }
        for ticket in self._list(Ticket, "/tickets", "tickets", asked, bulk=bulk):
            if (
                (number is None or ticket.number == number)
                and (status in (None, NOT_CLOSED) or ticket.status == status)
                and (customer_id is None or ticket.customer_id in (None, customer_id))
                and (contact_id is None or ticket.contact_id in (None, contact_id))
                and (user_id is None or ticket.user_id == user_id)
                and _not_before(ticket.created_at, created_after)
                and _not_before(ticket.updated_at, since_updated_at)
                and (resolved_after is None or ticket.resolved_at is not None)
                and _not_before(ticket.resolved_at, resolved_after)
            ):
                yield ticket

    def ticket_by_number(self, number: int) -> Ticket | None:
        """GET /tickets?number=: the list row of the number that people see, or None if there is no such ticket."""
        return next(self.tickets(number=number), None)

    def ticket(self, ticket_id: int, *, bulk: bool = False, flaws: list[wire.Flaw] | None = None) -> Ticket:
        """GET /tickets/{id} (Tickets - View Details): all comments, lines and timers, by its internal id.

        With `flaws` those of them that cannot be read are left out and noted there, instead of failing the ticket. Raises
        Unreachable where one of the three is missing: an answer without them must not pass for a ticket without any.
        """
        path = f"/tickets/{ticket_id}"
        ticket = self._one(Ticket, path, "ticket", bulk=bulk, flaws=flaws)
        parts = {"line_items": ticket.lines, "ticket_timers": ticket.timers, "comments": ticket.comments}
        lacking = [name for name, part in parts.items() if part is None]
        if lacking:
            raise not_syncro(path, f"no {' or '.join(lacking)} in it")
        return ticket

    def comments(self, ticket_id: int) -> Iterator[Comment]:
        """GET /tickets/{id}/comments (Tickets - View Details), newest first; bodies as plain text."""
        for comment in self._list(Comment, f"/tickets/{ticket_id}/comments", "comments"):
            if comment.ticket_id in (None, ticket_id):
                yield comment

    def ticket_timers(
        self,
        *,
        ticket_id: int | None = None,
        user_id: int | None = None,
        created_after: When | None = None,
        created_before: When | None = None,
        bulk: bool = False,
    ) -> Iterator[Timer]:
        """GET /ticket_timers (Ticket Timers - Overview). Durations in seconds; older accounts ignore the first two filters."""
        asked = {
            "ticket_id": ticket_id,
            "user_id": user_id,
            "created_at_gt": _written(created_after),
            "created_at_lt": _written(created_before),
        }
        for timer in self._list(Timer, "/ticket_timers", "ticket_timers", asked, bulk=bulk):
            if (
                (ticket_id is None or timer.ticket_id == ticket_id)
                and (user_id is None or timer.user_id == user_id)
                and _not_before(timer.created_at, created_after)
                and _not_after(timer.created_at, created_before)
            ):
                yield timer

    # ------------------------------------------------------------ customers and contacts

    def customers(
        self,
        *,
        query: str | None = None,
        business_name: str | None = None,
        email: str | None = None,
        ids: Iterable[int] = (),
        include_disabled: bool | None = None,
        bulk: bool = False,
    ) -> Iterator[Customer]:
        """GET /customers (Customers - List/Search); disabled ones only if asked for. No prepaid hours in these rows."""
        wanted = set(ids)
        asked = {
            "query": query,
            "business_name": business_name,
            "email": email,
            "id[]": sorted(wanted) or None,
            "include_disabled": include_disabled,
        }
        for customer in self._list(Customer, "/customers", "customers", asked, bulk=bulk):
            if (
                (not wanted or customer.id in wanted)
                and (email is None or customer.email.lower() == email.lower())
                and (business_name is None or business_name.lower() in customer.business_name.lower())
            ):
                yield customer

    def customers_like(self, text: str) -> list[Customer]:
        """GET /customers/autocomplete?query=: the few customers that fit what somebody has typed so far."""
        return self._first(Customer, "/customers/autocomplete", "customers", {"query": text})

    def customer(self, customer_id: int, *, bulk: bool = False, flaws: list[wire.Flaw] | None = None) -> Customer:
        """GET /customers/{id} (Customers - View Detail): with prepaid hours and links to its invoices. `flaws`: as `ticket`."""
        return self._one(Customer, f"/customers/{customer_id}", "customer", bulk=bulk, flaws=flaws)

    def contacts(self, *, customer_id: int | None = None, bulk: bool = False) -> Iterator[Contact]:
        """GET /contacts (Customers - View Detail)."""
        for contact in self._list(Contact, "/contacts", "contacts", {"customer_id": customer_id}, bulk=bulk):
            if customer_id is None or contact.customer_id == customer_id:
                yield contact

    def contact(self, contact_id: int) -> Contact:
        """GET /contacts/{id} (Customers - View Detail)."""
        return self._one(Contact, f"/contacts/{contact_id}", "contact")

    # ------------------------------------------------------------ products

    def products(
        self, *, query: str | None = None, category_id: int | None = None, bulk: bool = False
    ) -> Iterator[Product]:
        """GET /products (Products - List/Search). Prices in cents."""
        return self._list(Product, "/products", "products", {"query": query, "category_id": category_id}, bulk=bulk)

    def product(self, product_id: int) -> Product:
        """GET /products/{id} (Products - List/Search): its price in cents."""
        return self._one(Product, f"/products/{product_id}", "product")

    # ------------------------------------------------------------ invoices, payments, estimates

    def invoices(
        self,
        *,
        ticket_id: int | None = None,
        paid: bool | None = None,
        since_updated_at: When | None = None,
        bulk: bool = False,
    ) -> Iterator[Invoice]:
        """GET /invoices (Invoices - List/Search), without lines. Amounts in cents. `paid` False asks for the unpaid ones.

        With `ticket_id`: rows that name another ticket are dropped; rows that name none stay (some accounts leave it out),
        so look at the detail before you call one the ticket's.
        """
        asked = {
            "ticket_id": ticket_id,
            "paid": True if paid else None,
            "unpaid": True if paid is False else None,
            "since_updated_at": _written(since_updated_at),
        }
        for invoice in self._list(Invoice, "/invoices", "invoices", asked, bulk=bulk):
            if (
                (ticket_id is None or invoice.ticket_id in (None, ticket_id))
                and (paid is None or invoice.is_paid == paid)
                and _not_before(invoice.updated_at, since_updated_at)
            ):
                yield invoice

    def first_invoices(self) -> list[Invoice]:
        """GET /invoices, its first page only: a sample of what this account's invoices look like."""
        return self._first(Invoice, "/invoices", "invoices")

    def invoice(self, id_or_number: int | str, *, bulk: bool = False, flaws: list[wire.Flaw] | None = None) -> Invoice:
        """GET /invoices/{id or number} (Invoices - View Details): with its lines and payments. `flaws`: as `ticket`."""
        return self._one(Invoice, f"/invoices/{id_or_number}", "invoice", bulk=bulk, flaws=flaws)

    def invoice_ticket(self, invoice_id: int) -> Ticket:
        """GET /invoices/{id}/ticket (Invoices and Tickets - View Details)."""
        return self._one(Ticket, f"/invoices/{invoice_id}/ticket", "ticket")

    def line_items(self, *, invoice_id: int | None = None, bulk: bool = False) -> Iterator[InvoiceLine]:
        """GET /line_items (Global Admin): the lines of invoices, never of tickets; without `invoice_id` those of all."""
        asked = {"invoice_id": invoice_id, "invoice_id_not_null": True if invoice_id is None else None}
        for line in self._list(InvoiceLine, "/line_items", "line_items", asked, bulk=bulk):
            if line.invoice_id is not None and (invoice_id is None or line.invoice_id == invoice_id):
                yield line

    def payments(self, *, query: str | None = None, bulk: bool = False) -> Iterator[Payment]:
        """GET /payments (Payments - View List). Amounts in cents."""
        return self._list(Payment, "/payments", "payments", {"query": query}, bulk=bulk)

    def payment(self, payment_id: int) -> Payment:
        """GET /payments/{id} (Payments - View List)."""
        return self._one(Payment, f"/payments/{payment_id}", "payment")

    def payment_methods(self) -> tuple[PaymentMethod, ...]:
        """GET /payment_methods: what a payment may be made with."""
        return tuple(self._list(PaymentMethod, "/payment_methods", "payment_methods"))

    def estimates(self, *, status: str | None = None, bulk: bool = False) -> Iterator[Estimate]:
        """GET /estimates (Estimates - List/Search). `status`: approved or declined."""
        return self._list(Estimate, "/estimates", "estimates", {"status": status}, bulk=bulk)

    def estimate(self, estimate_id: int) -> Estimate:
        """GET /estimates/{id} (Estimates - View Details)."""
        return self._one(Estimate, f"/estimates/{estimate_id}", "estimate")

    # ------------------------------------------------------------ recurring work

    def schedules(self, *, customer_id: int | None = None, bulk: bool = False) -> Iterator[Schedule]:
        """GET /schedules (Recurring Invoices - List): recurring invoices with their lines."""
        for schedule in self._list(Schedule, "/schedules", "schedules", {"customer_id": customer_id}, bulk=bulk):
            if customer_id is None or schedule.customer_id == customer_id:
                yield schedule

    def schedule(self, schedule_id: int) -> Schedule:
        """GET /schedules/{id} (Recurring Invoices - List)."""
        return self._one(Schedule, f"/schedules/{schedule_id}", "schedule")

    def contracts(self, *, bulk: bool = False) -> Iterator[Contract]:
        """GET /contracts (Contracts - List/Search)."""
        return self._list(Contract, "/contracts", "contracts", bulk=bulk)

    def contract(self, contract_id: int) -> Contract:
        """GET /contracts/{id} (Contracts - Edit)."""
        return self._one(Contract, f"/contracts/{contract_id}", "contract")

    # ------------------------------------------------------------ whole lists, a page at a time

    def list_page(
        self, name: str, number: int = 1, query: Mapping[str, Any] | None = None, *, bulk: bool = True
    ) -> ListPage:
        """GET /tickets?page= and the like: one page of one of LISTS, from 1; past the end it is empty.

        Datetimes in the query are written as Syncro reads them.

        Rows are taken as they come: whether a filter was obeyed is for the caller to see.
        """
        record, path, wrapper = LISTS[name]
        asked = {key: _written(value) if isinstance(value, date) else value for key, value in (query or {}).items()}
        page = self._list_page(record, path, wrapper, asked, number, bulk=bulk)
        if page.pages is None and page.rows > _LARGEST_PAGE:
            return replace(page, pages=1)
        return page

    def listed_record(
        self, name: str, record_id: int, *, bulk: bool = True, flaws: list[wire.Flaw] | None = None
    ) -> Any:
        """GET /tickets/{id} and the like: one record of one of LISTS. `flaws`: as `ticket`.

        Raises LookupError for a list without such a path (timers, lines, attendance).

        Raises Missing where it is proved that it is not there: by a 404, or as contracts do it by an empty answer.
        """
        if name not in _BY_ID:
            raise LookupError(name)
        record, path, _ = LISTS[name]
        return self._one(record, f"{path}/{record_id}", _BY_ID[name], bulk=bulk, flaws=flaws)

    # ------------------------------------------------------------ writing

    def send(self, request: Request, *, leaving: Callable[[], None] | None = None) -> Reply:
        """Send a write once, and give what came back, whatever it is. Called by `writes/run.py` alone.

        `leaving` is called when the request has its turn at the limiter, just before its first byte. Raises NotSent or
        Unreachable as `Transport.ask` does.
        """
        return self._transport.ask(request.method, request.path, body=request.body or None, leaving=leaving)


def _written(when: When | None) -> str | None:
    return None if when is None else when.isoformat()


def _floor(when: When) -> datetime:
    return when if isinstance(when, datetime) else datetime.combine(when, time(), UTC)


def _not_before(moment: datetime | None, since: When | None) -> bool:
    """Whether a row may belong to "since"; one without a time is kept. A bare day is the account's, in any zone."""
    if moment is None or since is None:
        return True
    return moment >= _floor(since) - (timedelta(0) if isinstance(since, datetime) else _ANY_ZONE)


def _not_after(moment: datetime | None, until: When | None) -> bool:
    if moment is None or until is None:
        return True
    return moment <= _floor(until) + (timedelta(0) if isinstance(until, datetime) else _ANY_ZONE)
