"""One ticket on the screen: what the next deadline is, whose it is, what was said and worked, and what is not billed yet.

    TicketPanel(ws, 32164)      # looks live; panel.show(32165) looks at another one

Reads only. All text of Syncro's passes through `markup`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any

import ipywidgets as widgets

from .. import directory, triage
from ..errors import Error
from ..escape import clip, line
from ..money import format_cents, line_cents
from ..service.records import Comment, Contract, Customer, in_minutes
from ..ticketview import LAST_COMMENTS, TicketView
from ..workspace import Workspace
from ..writes import reference
from . import markup
from .inputs import wide
from .page import bundle

SHORT = 400  # characters of a comment that are shown at first


class TicketPanel:
    """The widgets of one ticket. `view`: one that was just read; else `number` is looked up, if there is one.

    `view` None: no ticket is shown. Raises InputError for a number that no ticket has.
    """

    def __init__(self, workspace: Workspace, number: int | None = None, *, view: TicketView | None = None) -> None:
        self._workspace = workspace
        self.view: TicketView | None = None
        self.customer: directory.CustomerView | None = None
        self.head, self.talk, self.work = (widgets.HTML(layout=wide()) for _ in range(3))
        self.all_button = widgets.Button(description="All comments", layout=widgets.Layout(width="auto"))
        self.all_button.on_click(lambda _: self.show_all())
        self.box = widgets.VBox([self.head, self.talk, self.all_button, self.work], layout=widgets.Layout(width="auto"))
        self._empty()
        if view is not None or number is not None:
            self.show(number, view=view)

    def show(self, number: int | None, *, view: TicketView | None = None) -> None:
        """Look at a ticket. Raises InputError if there is none of that number."""
        if view is None and number is not None:
            view = self._workspace.ticket(number)
        if view is None:
            self._empty()
            return
        self.view = view
        self.customer, doubts = self._customer(view)
        zone = self._workspace.zone
        self.head.value = self._headline(view, zone) + "".join(markup.text(one, "warn", small=True) for one in doubts)
        self._talk(view, zone, LAST_COMMENTS, SHORT)
        self.work.value = _work(view, zone)

    def show_all(self) -> None:
        """Every comment, each in full."""
        if self.view is not None:
            self._talk(self.view, self._workspace.zone, None, None)

    def __repr__(self) -> str:
        return "<no ticket>" if self.view is None else "\n".join(self.view.text(self._workspace.zone))

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return bundle(self.box, repr(self), **options)

    # ------------------------------------------------------------ its parts

    def _empty(self) -> None:
        self.view = self.customer = None
        self.head.value = markup.text("Select a ticket to see it here.", "quiet")
        self.talk.value = self.work.value = ""
        self.all_button.layout.display = "none"

    def _customer(self, view: TicketView) -> tuple[directory.CustomerView | None, list[str]]:
        """The ticket's customer; a list that cannot be read leaves the rest of the panel as it is, and is said."""
        customer_id = view.ticket.customer_id or (view.ticket.customer.id if view.ticket.customer else None)
        if customer_id is None:
            return None, []
        client, house = self._workspace.client, self._workspace.house
        try:
            found = directory.pull_customer(client, house, customer_id, whole=False)
        except Error as error:
            return None, [f"The customer was not read: {error}"]
        return found, list(found.doubts)

    def _headline(self, view: TicketView, zone: tzinfo | None) -> str:
        ticket = view.ticket
        parts = [markup.heading(f"#{ticket.number}  {line(ticket.subject)}")]
        parts.append(self._standing(view))
        unbilled = view.unbilled
        parts.append(markup.text(f"Not billed yet: {'; '.join(unbilled)}", "warn", bold=True) if unbilled else "")
        parts.append(
            markup.facts(
                [
                    ("Status", ticket.status),
                    ("Priority", ticket.priority or "none"),
                    ("Customer", self._customer_words(ticket.customer_name)),
                    ("Contact", ticket.contact_label or view.row.contact_name or "none"),
                    ("Technician", ticket.technician_label or view.row.technician_label or "nobody"),
                    ("Problem type", ticket.problem_type or "none"),
                    ("Came", _when(ticket.created_at, zone)),
                    ("Due", ticket.due_on or "none"),
                    *([("Scheduled", view.scheduled(zone))] if view.scheduled(zone) else []),
                    ("Changed", _when(ticket.updated_at, zone)),
                    ("Billing", view.billing),
                ]
            )
        )
        parts.append(markup.link("Open in Syncro", view.link) if view.link else "")
        return "".join(parts)

    def _standing(self, view: TicketView) -> str:
        """Lane, reasons and the clock; nothing of a resolved ticket."""
        try:
            rows = self._workspace.standing(view)
        except Error as error:
            return markup.text(f"Where it stands in the queue is not known: {error}", "warn", small=True)
        if not len(rows):
            return markup.badge("resolved", "quiet")
        row = next(rows.itertuples(index=False))
        lane = str(row.lane)
        said = markup.badge(lane, triage.TONES.get(lane, "info")) + markup.text(row.why)
        known = row.breach_in_hours == row.breach_in_hours
        late = known and row.breach_in_hours <= 0
        return said + markup.text(f"Next: {triage.clock(row)}", "bad" if late else "plain", bold=bool(late))

    def _customer_words(self, name: str) -> str:
        found = self.customer
        if found is None:
            return line(name)
        said = [line(name or found.customer.name), f"{len(found.tickets)} open", prepaid_words(found.customer)]
        return " · ".join([*said, *contract_words(found.contracts)])

    def _talk(self, view: TicketView, zone: tzinfo | None, most: int | None, longest: int | None) -> None:
        rows = sorted(view.ticket.comments or (), key=lambda one: one.id, reverse=True)
        shown = rows[:most]
        cut = any(longest is not None and len(reference.strip(one.body)) > longest for one in shown)
        title = f"Comments ({len(shown)} of {len(rows)}), newest first" if rows else "No comments"
        self.talk.value = markup.heading(title) + "".join(_comment(one, zone, longest) for one in shown)
        self.all_button.layout.display = "" if len(shown) < len(rows) or cut else "none"


def _comment(row: Comment, zone: tzinfo | None, longest: int | None) -> str:
    """One comment: who, when, who may read it, and its text."""
    seen = markup.badge("hidden, internal", "warn") if row.hidden else ""
    text = reference.strip(row.body)
    text = text if longest is None or len(text) <= longest else text[: longest - 1] + "…"
    about = f"{_when(row.created_at, zone)} · {line(row.author) or 'unknown'} · {clip(row.subject, 60)}"
    about += "" if row.hidden else " · public"
    return markup.text(about, "quiet", small=True) + seen + markup.part(markup.text(text))


def _work(view: TicketView, zone: tzinfo | None) -> str:
    """Timers, charges and invoices, each as a table."""
    return "".join(
        [
            markup.heading("Time"),
            _table(("Begun", "What", "Minutes", "State"), _timers(view, zone), {2}),
            markup.heading("Charges"),
            _table(("What", "Amount", "State"), _charges(view), {1}),
            markup.heading("Invoices"),
            _table(("Number", "Dated", "Total", "State"), _invoices(view), {2}),
            markup.text(view.doubt, "warn") if view.doubt else "",
        ]
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]], numbers: set[int]) -> str:
    listed = list(rows)
    return markup.table(head, listed, numbers=frozenset(numbers)) if listed else markup.text("none", "quiet")


def _timers(view: TicketView, zone: tzinfo | None) -> Iterable[tuple[Any, ...]]:
    for row in view.ticket.timers or ():
        state = "charged" if row.recorded or row.line_item_id else "runs" if not row.ended_at else "not charged"
        state += "" if row.billable else ", not billable"
        kind = view.labour.get(row.product_id or 0, "no labour")
        note = clip(reference.strip(row.notes), 160)
        yield _when(row.started_at, zone), (kind, note), in_minutes(row.charged_seconds), state


def _charges(view: TicketView) -> Iterable[tuple[Any, ...]]:
    for row in view.ticket.lines or ():
        note = clip(reference.strip(row.description), 160)
        price = f"{row.quantity.normalize():f} × {format_cents(row.price_cents)}"
        amount = format_cents(line_cents(row.quantity, row.price_cents))
        said = (f"{line(row.name)}, {price}", note)
        yield said, amount, "invoiced" if row.converted else "not invoiced"


def _invoices(view: TicketView) -> Iterable[tuple[Any, ...]]:
    for row in view.invoices:
        state = "paid" if row.is_paid else "not paid"
        yield line(row.number), row.dated_on or "", format_cents(row.total_cents), state


def prepaid_words(customer: Customer) -> str:
    """The prepaid hours that are left, in words."""
    hours = customer.prepaid_hours
    return "no prepaid hours" if hours is None else f"{hours.normalize():f} prepaid hours left"


def contract_words(contracts: Iterable[Contract]) -> list[str]:
    """Each contract's name and how long it runs."""
    return [f"contract {clip(one.name, 40)}{f' until {one.ends_on}' if one.ends_on else ''}" for one in contracts]


def _when(moment: datetime | None, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone) if zone else moment:%Y-%m-%d %H:%M}" if moment else "-"
