"""The screen for billing work on a ticket."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..config import LOOPBACK
from ..errors import Error, InputError
from ..escape import clip, paragraph
from ..money import format_cents
from ..service.records import Ticket, Timer
from ..ticketview import TicketView
from ..workspace import Workspace
from ..writes.bill import BillDraft
from ..writes.plan import Plan
from ..writes.receipt import Receipt
from ..writes.run import Progress
from . import markup, preview
from .form import Form
from .inputs import Field
from .screen import Panel


def bill_form(workspace: Workspace, ticket: int | None = None) -> Form:
    """The form, on the open tickets of this account; `ticket` fills in the number. Reads, never writes by itself."""
    return Form(BillScreen(workspace), {"ticket_number": str(ticket)} if ticket else None)


class BillScreen:
    """Fields, draft, plan and panels of billing one ticket."""

    title = "Bill a ticket"
    looks_up = "ticket_number"

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._notes: dict[int, str] = {}  # of the timers that are offered
        self._choices = {_choice(row): row for row in workspace.open_ticket_records()}
        kinds = [(kind.capitalize(), kind) for kind in workspace.house.labour]
        tickets = [(label, row.number) for label, row in self._choices.items()]
        self.settle_seconds = workspace.config.settle_seconds
        self.fields: Sequence[Field] = (
            Field("ticket_number", "Ticket", "pick", hint="number, or type to search the open ones", choices=tickets),
            Field(
                "timer_ids",
                "Timers",
                "several",
                note="Ctrl-click for several; minutes and labour come from the timers.",
            ),
            Field("minutes", "Minutes", "whole", hint="1 to 1440; empty if timers are chosen"),
            Field("labour", "Labour", "choice", choices=kinds),
            Field("text", "Work done", "long", hint="what was done; the customer reads it on the invoice"),
            Field("subject", "Subject", default="Work done"),
            Field("email", "Mail the comment to the customer", "flag", default=True),
            Field(
                "hidden",
                "Hidden comment, for technicians only",
                "flag",
                default=False,
                note="Hides the comment, not the work done: without timers its text is the labour line's too, and the customer "
                "reads it on the invoice.",
            ),
        )

    @property
    def is_sandbox(self) -> bool:
        """Whether it is a server of ours with invented data: inside this process, or on this machine."""
        url = self._workspace.config.url
        return url is None or urlsplit(url).hostname in LOOPBACK

    @property
    def account(self) -> str:
        """Whose data it is, as a person must see it."""
        return "Sandbox, invented data" if self.is_sandbox else f"Account {self._workspace.config.account}"

    def draft(self, values: Mapping[str, Any]) -> BillDraft:
        """Inputs as a draft; what is no number stays empty, and is asked for."""
        return BillDraft(
            ticket_number=self._ticket_number(values["ticket_number"]),
            minutes=_whole(values["minutes"]),
            labour=values["labour"],
            text=values["text"],
            subject=values["subject"],
            hidden=values["hidden"],
            email=values["email"],
            timer_ids=tuple(values["timer_ids"]),
        )

    def problems(self, draft: BillDraft) -> Mapping[str, str]:
        """The draft's own problems."""
        return draft.problems(self._workspace.house)

    def off(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """A hidden comment is mailed to nobody; timers bring their minutes and labour."""
        said: dict[str, Any] = {"email": False} if values["hidden"] else {}
        return {**said, "minutes": "", "labour": ""} if values["timer_ids"] else said

    def fills(self, values: Mapping[str, Any]) -> Mapping[str, str]:
        """The note of the one timer that is chosen is what was done."""
        chosen = values["timer_ids"]
        return {"text": self._notes.get(chosen[0], "") if len(chosen) == 1 else ""}

    def look_up(self, values: Mapping[str, Any]) -> Panel:
        """The ticket beside the form, its timers that wait to be charged, and a run on it that stopped."""
        self._notes = {}
        typed = values["ticket_number"]
        number = self._ticket_number(typed)
        if number is None:
            return Panel(markup.text(self._no_ticket(typed), "bad") if typed.strip() else "")
        try:
            view = self._workspace.ticket(number)
        except InputError as error:
            return Panel(markup.text(error, "bad"))
        self._notes = {timer.id: paragraph(timer.notes).strip() for timer in view.uncharged}
        timers = [_timer_choice(view, timer) for timer in view.uncharged]
        run = self._workspace.journal.open_run(self._workspace.config.account, view.ticket.id)
        return Panel(
            preview.ticket_panel(view),
            {"timer_ids": timers},
            self._workspace.receipt(run) if run else None,
            "" if _plain_number(typed) or typed in self._choices else str(number),
        )

    def plan(self, draft: BillDraft) -> Plan:
        """From live reads."""
        return self._workspace.plan_bill(draft)

    def preview(self, plan: Plan) -> str:
        """Lines, amounts, warnings, notes and requests."""
        return preview.plan_preview(plan, self._workspace.house)

    def question(self, plan: Plan) -> str:
        """Amount, ticket, customer and account in one line."""
        amount = plan.expected.total_cents
        total = format_cents(plan.expected.subtotal_cents) + " plus tax" if amount is None else format_cents(amount)
        where = "sandbox, invented data" if self.is_sandbox else f"account {self._workspace.config.account}"
        return f"Yes, bill {total} on ticket {plan.ticket_number} to {clip(plan.customer_name, 40)} ({where})"

    def apply(self, plan: Plan, progress: Progress) -> Receipt:
        """The one path of all writes."""
        try:
            return self._workspace.apply(plan, confirm=plan.ticket_number, progress=progress)
        except Error as error:
            if self._has_begun(plan.run) or "nothing was written" in str(error):
                raise
            raise InputError(f"Nothing was written: {error}") from error

    def go_on(self, run: str, choice: str, ticket: int, record_id: int | None, progress: Progress) -> Receipt:
        """`resume`, or a person's word with the ticket's number that was typed."""
        if choice == "resume":
            return self._workspace.resume(run, progress=progress)
        return self._workspace.decide(run, choice, ticket=ticket, record_id=record_id, progress=progress)

    def result(self, receipt: Receipt) -> str:
        """The invoice as Syncro holds it, and the record of each step."""
        return preview.receipt_result(receipt)

    def _has_begun(self, run: str) -> bool:
        try:
            self._workspace.receipt(run)
        except InputError:
            return False
        return True

    def _ticket_number(self, typed: str) -> int | None:
        """A number, a chosen label, or a search that only one open ticket answers."""
        if _plain_number(typed) is not None:
            return _plain_number(typed)
        found = self._matches(typed)
        return found[0].number if len(found) == 1 else None

    def _matches(self, typed: str) -> list[Ticket]:
        if typed in self._choices:
            return [self._choices[typed]]
        sought = " ".join(typed.split()).casefold()
        if not sought:
            return []
        return [
            row
            for label, row in self._choices.items()
            if sought in label.casefold() or sought in f"{row.customer_name} · {row.subject}".casefold()
        ]

    def _no_ticket(self, typed: str) -> str:
        found, sought = self._matches(typed), clip(typed, 60)
        if not found:
            return f"no open ticket matches {sought!r}"
        numbers = ", ".join(str(row.number) for row in found[:8]) + (", ..." if len(found) > 8 else "")
        return f"{len(found)} open tickets match {sought!r}: {numbers}"


def _choice(row: Ticket) -> str:
    return f"{row.number} · {clip(row.customer_name, 26)} · {clip(row.subject, 44)}"


def _timer_choice(view: TicketView, timer: Timer) -> tuple[str, int]:
    day = f"{timer.started_at:%b %d}, " if timer.started_at else ""
    kind = view.labour.get(timer.product_id or 0, "no labour")
    return f"{day}{timer.charged_seconds / 60:g} min {kind}: {clip(timer.notes, 40)}", timer.id


def _plain_number(text: str) -> int | None:
    found = re.fullmatch(r"\s*#?(\d{1,12})\s*", text, re.ASCII)
    return int(found[1]) if found else None


def _whole(text: str) -> int | None:
    found = re.fullmatch(r"\s*(-?\d{1,9})\s*", text, re.ASCII)
    return int(found[1]) if found else None
