"""The screen for money that has come in for an invoice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import InputError, Missing, Refused
from ..escape import clip
from ..money import format_cents
from ..workspace import Workspace
from ..writes.correction import PaymentDraft
from . import markup, preview
from .form import Form
from .inputs import Field
from .screen import Panel
from .ticketscreen import AccountScreen


def payment_form(workspace: Workspace, ticket: int | None = None, **values: Any) -> Form:
    """A payment; `ticket` is one whose only unpaid invoice it is for, `values` as in PaymentDraft. Reads, never writes by
    itself. Raises InputError for a value that it has no input for, and for a ticket without such an invoice."""
    return Form(PaymentScreen(workspace), {**_invoice_of(workspace, ticket), **values})


def _invoice_of(workspace: Workspace, ticket: int | None) -> dict[str, str]:
    if ticket is None:
        return {}
    due = [one.number for one in workspace.ticket(ticket).invoices if not one.is_paid]
    if len(due) != 1:
        numbers = f": {', '.join(due)}; say which" if due else ""
        raise InputError(f"ticket {ticket} has {len(due) or 'no'} unpaid invoices{numbers}")
    return {"invoice_number": due[0]}


class PaymentScreen(AccountScreen):
    """The invoice, and the money."""

    title = "Record a payment"
    draft_type = PaymentDraft
    looks_up = "invoice_number"

    def own_fields(self) -> tuple[Field, ...]:
        """Which invoice, how much, how, and what it is known by."""
        try:
            methods = [one.name for one in self._workspace.client.payment_methods()]
        except Refused:
            methods = []
        return (
            Field("invoice_number", "Invoice", hint="its number, as people see it"),
            Field("amount_cents", "Amount", "money", hint="what came in, as in 81.53"),
            self._words("method", "Method", methods),
            Field("reference", "Reference", hint="a cheque's number, say"),
        )

    def about(self, values: Mapping[str, Any]) -> str | None:
        """The invoice's number."""
        return values["invoice_number"].strip().removeprefix("#") or None

    def draft(self, values: Mapping[str, Any]) -> Any:
        """The draft, on the invoice that is meant."""
        return super().draft({**values, "invoice_number": self.about(values) or ""})

    def look_up(self, values: Mapping[str, Any]) -> Panel:
        """The invoice beside the form, and a run on it that stopped."""
        number = self.about(values)
        if number is None:
            return Panel()
        try:
            invoice = self._workspace.client.invoice(number)
        except Missing:
            invoice = None
        if invoice is None or invoice.number != number:  # Syncro takes an internal id at the same place
            return Panel(markup.text(f"there is no invoice {clip(number, 40)!r} in this account", "bad"))
        return Panel(preview.invoice_panel(invoice), {}, self._open_run(-invoice.id))

    def question(self, plan: Any) -> str:
        """How much, for which invoice of whom."""
        amount = format_cents(int(plan.requests[0].body["amount_cents"]))
        what = f"record {amount} for invoice {clip(plan.confirmation, 20)} of {clip(plan.customer_name, 40)}"
        return f"Yes, {what} ({self._place})"
