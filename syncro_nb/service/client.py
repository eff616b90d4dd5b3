"""Syncro's API, read: one method per endpoint, each typed and documented with its path. Writes are in `requests.py`.

Every method raises `Refused` (401 for a wrong key or a missing permission, 404 as `Missing`, other 4xx with Syncro's
words) and `Unreachable` (no connection, 5xx or 429 that did not end, an answer that is not Syncro's). Reads are repeated
with growing pauses; a 429 is waited out.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from ..errors import Missing, NotSent, Refused, Unreachable
from . import wire
from .requests import Request
from .transport import Reply, Transport
from .wire import (
    Comment,
    Customer,
    Invoice,
    Me,
    Product,
    Settings,
    Ticket,
    TicketSettings,
    Timer,
    User,
)

R = TypeVar("R", bound=wire.Record)

READ_TRIES = 4
RATE_WAITS = 3
RATE_WAIT_SECONDS = 60.0
MAX_PAGES = 20_000
_log = logging.getLogger("syncro_nb.service")


class Client:
    """One account of Syncro, over one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._random = random.Random()

    # ------------------------------------------------------------ account

    def me(self) -> Me:
        """GET /me: whose key it is, and what it may do."""
        return self._one(Me, "/me", "")

    def users(self) -> tuple[User, ...]:
        """GET /users: the technicians; the answer's rows are [id, name] pairs."""
        rows, _ = self._page("/users", "users", {}, 1)
        pairs = [row for row in rows if isinstance(row, list) and len(row) == 2]
        return wire.read_rows(User, [{"id": row[0], "full_name": row[1]} for row in pairs])

    def settings(self) -> Settings:
        """GET /settings: locale, business hours, problem types, priorities."""
        return self._one(Settings, "/settings", "")

    def ticket_settings(self) -> TicketSettings:
        """GET /tickets/settings: the account's statuses, technicians and default labour product."""
        return self._one(TicketSettings, "/tickets/settings", "")

    # ------------------------------------------------------------ tickets

    def tickets(
        self,
        *,
        number: int | None = None,
        status: str | None = None,
        customer_id: int | None = None,
        query: str | None = None,
        since_updated_at: datetime | None = None,
        bulk: bool = False,
    ) -> Iterator[Ticket]:
        """GET /tickets, every page (permission: tickets, view). Rows without lines and timers.

        `status` may be the pseudo-status "Not Closed". A filter that the server ignored is applied again here, except
        `query` and "Not Closed", whose meaning is the server's (see `config.House.is_resolved`).
        """
        since = since_updated_at.isoformat() if since_updated_at else None
        asked = {
            "number": number,
            "status": status,
            "customer_id": customer_id,
            "query": query,
            "since_updated_at": since,
        }
        for ticket in self._list(Ticket, "/tickets", "tickets", asked, bulk=bulk):
            if number is not None and ticket.number != number:
                continue
            if customer_id is not None and ticket.customer_id != customer_id:
                continue
            if status not in (None, "Not Closed") and ticket.status != status:
                continue
            yield ticket

    def ticket_by_number(self, number: int) -> Ticket | None:
        """GET /tickets?number=: the list row of the number that people see, or None if there is no such ticket."""
        return next(self.tickets(number=number), None)

    def ticket(self, ticket_id: int) -> Ticket:
        """GET /tickets/{id}: the whole ticket with comments, lines and timers, by its internal id."""
        return self._one(Ticket, f"/tickets/{ticket_id}", "ticket")

    def comments(self, ticket_id: int) -> Iterator[Comment]:
        """GET /tickets/{id}/comments, every page, newest first."""
        return self._list(Comment, f"/tickets/{ticket_id}/comments", "comments", {})

    def ticket_timers(self, *, ticket_id: int | None = None, bulk: bool = False) -> Iterator[Timer]:
        """GET /ticket_timers, every page. `ticket_id` is applied again here: older accounts ignore it."""
        for timer in self._list(Timer, "/ticket_timers", "ticket_timers", {"ticket_id": ticket_id}, bulk=bulk):
            if ticket_id is None or timer.ticket_id == ticket_id:
                yield timer

    # ------------------------------------------------------------ customers, products, invoices

    def customers(self, *, query: str | None = None) -> Iterator[Customer]:
        """GET /customers, every page; disabled ones are left out by Syncro."""
        return self._list(Customer, "/customers", "customers", {"query": query})

    def customer(self, customer_id: int) -> Customer:
        """GET /customers/{id}: with prepaid hours and links to its invoices."""
        return self._one(Customer, f"/customers/{customer_id}", "customer")

    def products(self) -> Iterator[Product]:
        """GET /products, every page."""
        return self._list(Product, "/products", "products", {})

    def product(self, product_id: int) -> Product:
        """GET /products/{id}: its price in cents."""
        return self._one(Product, f"/products/{product_id}", "product")

    def invoices(self, *, ticket_id: int | None = None, bulk: bool = False) -> Iterator[Invoice]:
        """GET /invoices, every page, without lines.

        With `ticket_id`: rows that name another ticket are dropped; rows that name none stay (some accounts leave it out),
        so look at the detail before you call one the ticket's.
        """
        for invoice in self._list(Invoice, "/invoices", "invoices", {"ticket_id": ticket_id}, bulk=bulk):
            if ticket_id is None or invoice.ticket_id in (None, ticket_id):
                yield invoice

    def first_invoices(self) -> list[Invoice]:
        """GET /invoices, its first page only: a sample of what this account's invoices look like."""
        rows, _ = self._page("/invoices", "invoices", {}, 1)
        try:
            return list(wire.read_rows(Invoice, rows))
        except wire.Unreadable as error:
            raise _not_syncro("/invoices", str(error)) from None

    def invoice(self, id_or_number: int | str) -> Invoice:
        """GET /invoices/{id or number}: with its lines."""
        return self._one(Invoice, f"/invoices/{id_or_number}", "invoice")

    # ------------------------------------------------------------ sending and reading

    def send(self, request: Request) -> Reply:
        """Send a write once, and give what came back, whatever it is. Called by `writes/run.py` alone.

        Raises NotSent or Unreachable as `Transport.ask` does.
        """
        return self._transport.ask(request.method, request.path, body=request.body)

    def wait_out(self, reply: Reply) -> None:
        """Wait as a 429 asks: Retry-After, else a minute."""
        seconds = RATE_WAIT_SECONDS if reply.retry_after is None else reply.retry_after
        _log.warning("Syncro answers 429 (too many requests from this address): waiting %.0f s", seconds)
        self._transport.wait_out(seconds)

    def server_now(self) -> datetime:
        """The server's present time."""
        return self._transport.server_now()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _one(self, record: type[R], path: str, wrapper: str) -> R:
        data = self._get(path, {})
        try:
            return wire.read(record, wire.unwrap(data, wrapper) if wrapper else data)
        except wire.Unreadable as error:
            raise _not_syncro(path, str(error)) from None

    def _page(
        self, path: str, wrapper: str, query: Mapping[str, Any], number: int, bulk: bool = False
    ) -> tuple[list[Any], int]:
        data = self._get(path, query if number == 1 else {**query, "page": number}, bulk=bulk)
        try:
            return wire.page(data, wrapper)
        except wire.Unreadable as error:
            raise _not_syncro(path, str(error)) from None

    def _list(
        self, record: type[R], path: str, wrapper: str, query: Mapping[str, Any], *, bulk: bool = False
    ) -> Iterator[R]:
        """Every row of every page, each id once: rows move between pages while people work."""
        seen: set[int] = set()
        for number in range(1, MAX_PAGES):
            rows, pages = self._page(path, wrapper, query, number, bulk)
            try:
                records = wire.read_rows(record, rows)
            except wire.Unreadable as error:
                raise _not_syncro(path, str(error)) from None
            for one in records:
                identity = one.id  # type: ignore[attr-defined]
                if identity not in seen:
                    seen.add(identity)
                    yield one
            if not rows or number >= pages:
                return

    def _get(self, path: str, query: Mapping[str, Any], *, bulk: bool = False) -> Any:
        tries = waits = 0
        while True:
            tries += 1
            try:
                reply = self._transport.ask("GET", path, query=query, bulk=bulk)
                problem: Exception | None = judge(path, reply)
            except Unreachable as error:
                reply, problem = None, error
            if problem is None:
                assert reply is not None
                return reply.data
            if reply is not None and reply.status == 429 and waits < RATE_WAITS:
                waits, tries = waits + 1, 0
                self.wait_out(reply)
            elif tries < READ_TRIES and _may_pass(reply, problem):
                pause = 0.5 * 2**tries * (0.5 + self._random.random() / 2)
                _log.info("GET %s: %s; trying again in %.1f s", path, problem, pause)
                self._transport.clock.sleep(pause)
            else:
                raise problem


def judge(path: str, reply: Reply) -> Exception | None:
    """The error that an answer to a read means, or None if it is fine. Pure."""
    status, said = reply.status, reply.said
    if status == 401:
        return Refused(_unauthorised(path, said), status, said)
    if 200 <= status < 300:
        return (
            None if reply.is_json and reply.data is not None else _not_syncro(path, reply.problem or "an empty answer")
        )
    if 300 <= status < 400:
        return _not_syncro(path, f"a redirect ({status}); check the subdomain")
    if status == 404 and reply.is_json:
        return Missing(f"Syncro has no {path}" + (f": {said}" if said else ""), status, said)
    if status == 404:
        return _not_syncro(path, reply.problem)
    if status == 429:
        return Unreachable(
            f"GET {path}: Syncro keeps answering 429, too many requests from this address; try again later"
        )
    if 400 <= status < 500 and status != 408:
        return Refused(f"Syncro refused GET {path} ({status}): {said or 'it gave no reason'}", status, said)
    return Unreachable(f"GET {path}: Syncro answers {status}" + (f": {said}" if said else "; try again later"))


def _may_pass(reply: Reply | None, problem: Exception) -> bool:
    if reply is None:
        return isinstance(problem, NotSent | Unreachable)
    return reply.status >= 500 or reply.status == 408


def _unauthorised(path: str, said: str) -> str:
    if "permission" in said.lower():
        return f"the API key may not read {path} (401): {said} An administrator can allow it under Admin > API Tokens."
    return f"Syncro does not accept the API key (401 on {path}){': ' + said if said else ''}; check it with `syncro doctor`"


def _not_syncro(path: str, what: str) -> Unreachable:
    return Unreachable(f"GET {path}: the answer is not Syncro's: {what}; check the address with `syncro doctor`")
