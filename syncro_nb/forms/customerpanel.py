"""Customers on the screen: search, and one of them with its tickets, invoices, balance, prepaid hours and people. Reads only.

CustomerPanel(ws, "hobnail")      # searches; a customer is chosen from what was found
CustomerPanel(ws, 30512)          # by its id
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from ..directory import CustomerRow, CustomerView, due_cents
from ..escape import clip, line
from ..money import format_cents
from ..workspace import Workspace
from . import markup
from .inputs import wide
from .page import bundle, guarded, say_in
from .ticketpanel import contract_words, prepaid_words

MOST_TICKETS, LATEST = 25, 8
DETAILED = 10  # of the customers that are found: these are listed with open tickets and prepaid hours


class CustomerPanel:
    """The widgets: a line to search by name, what was found to choose from, and the customer that was chosen.

    `sought` is a part of a name, or an id. Raises InputError for an id that no customer has.
    """

    def __init__(self, workspace: Workspace, sought: str | int = "") -> None:
        self._workspace = workspace
        self.found: list[CustomerRow] = []
        self.view: CustomerView | None = None
        self.query = widgets.Text(placeholder="part of a name", layout=widgets.Layout(width="320px"))
        self.search_button = widgets.Button(description="Search", icon="search")
        self.choice = widgets.Select(options=(), rows=6, layout=widgets.Layout(width="640px", display="none"))
        self.status, self.shown = widgets.HTML(layout=wide()), widgets.HTML(layout=wide())
        self._say = say_in(self.status)
        self.search_button.on_click(self._guarded(lambda: self.search(self.query.value)))
        self.choice.observe(self._guarded(self._choose), "value")
        bar = widgets.HBox([self.query, self.search_button])
        self.box = widgets.VBox([bar, self.status, self.choice, self.shown])
        if isinstance(sought, int):
            self.show(sought)
        elif sought:
            self.query.value = sought
            self.search(sought)

    def search(self, query: str) -> list[CustomerRow]:
        """Look for customers by name; the only one that is found is shown. Raises InputError for an empty query."""
        self._say("", "plain")
        self.choice.value = None
        self.found = self._workspace.find_customers(query, most=DETAILED)
        self.choice.options = [(_label(one), one.id) for one in self.found]
        self.choice.value = None
        self.choice.layout.display = "" if len(self.found) > 1 else "none"
        self.view, self.shown.value = None, ""
        if not self.found:
            self._say(f"No customer has {clip(query, 60)!r} in its name.", "warn")
        elif len(self.found) == 1:
            self.show(self.found[0].id)
        return self.found

    def show(self, customer_id: int) -> CustomerView:
        """Show one customer, read live. Raises InputError if there is none of that id."""
        self.view = self._workspace.customer(customer_id)
        self.shown.value = _panel(self.view, self._workspace.config.site)
        return self.view

    def __repr__(self) -> str:
        if self.view is None:
            return "\n".join(_label(one) for one in self.found) or "<no customer>"
        return "\n".join(_lines(self.view))

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return bundle(self.box, repr(self), **options)

    def _choose(self) -> None:
        if self.choice.value is not None:
            self.show(self.choice.value)

    def _guarded(self, action: Callable[[], Any]) -> Callable[[Any], None]:
        return guarded(lambda _: action(), self._say)


def _label(one: CustomerRow) -> str:
    hours = "" if one.prepaid_hours is None else f", {one.prepaid_hours.normalize():f} prepaid hours"
    counted = "" if one.open_tickets is None else f" · {one.open_tickets} open{hours}"
    return f"{clip(one.name, 50)} ({one.id}){counted}"


def _facts(view: CustomerView) -> list[tuple[str, str]]:
    customer, balance = view.customer, view.balance_cents
    unpaid = len(view.unpaid or ())
    owed = "not read" if balance is None else f"{format_cents(balance)} on {unpaid} unpaid invoice{'s' * (unpaid != 1)}"
    return [
        ("Mail address", line(customer.email) or "none"),
        ("Telephone", line(customer.phone) or "none"),
        ("Balance", owed),
        ("Prepaid hours", prepaid_words(customer)),
        ("Contracts", ", ".join(contract_words(view.contracts)) or "none"),
        ("Invoices", f"{len(customer.invoices)} linked" if customer.invoices is not None else "not listed"),
        *([("Mail", "switched off for this customer")] if customer.no_email else []),
        *([("Disabled", "yes")] if customer.disabled else []),
    ]


def _people(view: CustomerView) -> list[tuple[str, str, str]]:
    return [(line(one.name), line(one.email), line(one.mobile or one.phone)) for one in view.contacts or ()]


def _unpaid(view: CustomerView) -> list[tuple[str, str, str, str]]:
    return [
        (line(one.number), str(one.dated_on or ""), format_cents(one.total_cents), format_cents(due_cents(one)))
        for one in sorted(view.unpaid or (), key=lambda one: (str(one.dated_on), one.id))
    ]


def _latest(view: CustomerView) -> list[tuple[str, str, str, str]]:
    """The newest invoices, paid ones too, as the customer's own record lists them."""
    unpaid = None if view.unpaid is None else {one.id for one in view.unpaid}
    rows = sorted(view.customer.invoices or (), key=lambda one: one.id, reverse=True)[:LATEST]
    return [
        (
            line(one.number),
            line(one.extra.get("date") or "")[:10],
            "" if one.total_cents is None else format_cents(one.total_cents),
            "" if unpaid is None else "not paid" if one.id in unpaid else "paid",
        )
        for one in rows
    ]


def _panel(view: CustomerView, site: str | None) -> str:
    customer = view.customer
    parts = [markup.heading(line(customer.name)), markup.facts(_facts(view))]
    parts += [markup.text(one, "warn", small=True) for one in view.doubts]
    parts += [markup.link("Open in Syncro", f"{site}/customers/{customer.id}")] if site else []
    tickets = [(f"#{one.number}", line(one.status), clip(one.subject, 80)) for one in view.tickets]
    parts += [markup.heading(f"Open tickets ({len(tickets)})")]
    parts += [markup.table(("Ticket", "Status", "Subject"), tickets[:MOST_TICKETS])] if tickets else []
    more = len(tickets) - MOST_TICKETS
    parts += [markup.text(f"and {more} more", "quiet")] if more > 0 else []
    if view.unpaid:
        head = ("Invoice", "Dated", "Total", "Due")
        parts += [markup.heading("Unpaid invoices"), markup.table(head, _unpaid(view), numbers=frozenset({2, 3}))]
    if latest := _latest(view):
        head = ("Invoice", "Dated", "Total", "State")
        parts += [markup.heading("Latest invoices"), markup.table(head, latest, numbers=frozenset({2}))]
    if view.contacts:
        parts += [markup.heading("People"), markup.table(("Name", "Mail address", "Telephone"), _people(view))]
    return "".join(parts)


def _lines(view: CustomerView) -> list[str]:
    """The same as lines of text."""
    said = [f"{line(view.customer.name)} ({view.customer.id})"]
    said += [f"  {name:<14}{value}" for name, value in _facts(view)]
    said += [f"  {line(one)}" for one in view.doubts]
    said += ["", f"Open tickets ({len(view.tickets)})"]
    said += [f"  #{one.number}  {line(one.status)}  {clip(one.subject, 70)}" for one in view.tickets[:MOST_TICKETS]]
    said += ["", "Unpaid invoices"] if view.unpaid else []
    said += [f"  {number}  {day}  {total}, due {due}" for number, day, total, due in _unpaid(view)]
    latest = _latest(view)
    said += ["", "Latest invoices"] if latest else []
    said += [f"  {number}  {day}  {total}  {state}".rstrip() for number, day, total, state in latest]
    said += ["", "People"] if view.contacts else []
    return said + [f"  {'  '.join(filter(None, one))}" for one in _people(view)]
