"""Putting right what was written: change or remove a line, add one, make the invoice that is missing, delete an unpaid one.

Drafts, and the plans that follow. Pure. Each goes the way of every write: plan, preview, confirmation, journal, reading back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from ..config import House
from ..errors import InputError
from ..money import format_cents, line_cents
from ..service import requests
from ..service.records import Customer, Invoice, TicketLine
from . import checks, reference
from .bill import MAX_TEXT, text_problem
from .plan import NOTHING_BILLED, Plan, Step
from .ticket import TicketFacts, nothing_there, number_problem, ticket_plan

INVOICED = "Invoiced"


def _line_of(facts: TicketFacts, line_id: int | None) -> TicketLine:
    line = next((one for one in facts.ticket.lines or () if one.id == line_id), None)
    if line is None:
        raise InputError(f"line {line_id} is not on ticket {facts.ticket.number}")
    return line


def _show(line: TicketLine) -> str:
    amount = format_cents(line_cents(line.quantity, line.price_cents))
    return f"{line.name}: {line.quantity.normalize():f} × {format_cents(line.price_cents)} = {amount}"


# ---------------------------------------------------------------- lines of a ticket


@dataclass(frozen=True)
class LineDraft:
    """Another price, quantity or text of a line that waits on a ticket; `remove` takes it off. None stays as it is."""

    ticket_number: int | None = None
    line_id: int | None = None
    quantity: Decimal | None = None
    price_cents: int | None = None
    description: str | None = None
    taxable: bool | None = None
    remove: bool = False

    def problems(self, house: House) -> dict[str, str]:
        """What is missing or wrong, by field."""
        said = number_problem(self.ticket_number)
        if self.line_id is None:
            said["line_id"] = "which line? `syncro ticket NUMBER` lists them"
        changes = (self.quantity, self.price_cents, self.description, self.taxable)
        if self.remove and any(one is not None for one in changes):
            said["remove"] = "a line is either removed or changed"
        elif not self.remove and all(one is None for one in changes):
            said["price_cents"] = "what is to change? A price, a quantity, a text"
        if self.quantity is not None and self.quantity <= 0:
            said["quantity"] = f"the quantity must be above 0, not {self.quantity}"
        if self.price_cents is not None and self.price_cents < 0:
            said["price_cents"] = "the price cannot be below $0.00"
        if self.description is not None:
            said |= text_problem("description", self.description, MAX_TEXT, "the line needs a text")
        return said


def plan_line(draft: LineDraft, facts: TicketFacts, *, account: str, run: str) -> Plan:
    """The plan that changes or removes one line. Raises InputError if it is not on the ticket."""
    ticket, line = facts.ticket, _line_of(facts, draft.line_id)
    blockers = [f"line {line.id} is on an invoice: delete the invoice first"] if line.converted else []
    timers = [one for one in ticket.timers or () if one.line_item_id == line.id]
    if draft.remove:
        step = Step("remove_line", requests.remove_line_item(ticket.id, line.id), record_id=line.id)
        warnings = [
            f"timer {one.id} stays marked as charged though its line is gone: Syncro has no way to take that back"
            for one in timers
        ]
        notes, done = [f"removed: {_show(line)}"], f"Line {line.id} is no longer on ticket {ticket.number}"
        return ticket_plan(
            facts,
            "line",
            [step, Step("verify")],
            account=account,
            run=run,
            unit=f"line {line.id}",
            blockers=blockers,
            warnings=warnings,
            notes=notes,
            done=done,
        )
    description = draft.description
    if description is not None:  # whose line it is must stay readable
        mark = reference.last_reference(line.description)
        description = reference.under(reference.strip(description), mark) if mark else description.strip()
    request = requests.update_line_item(
        ticket.id,
        line.id,
        quantity=draft.quantity,
        price_cents=draft.price_cents,
        description=description,
        taxable=draft.taxable,
    )
    values = checks.line_values(line)
    before = {name: value for name, value in values.items() if name in request.body}
    after = replace(
        line,
        quantity=line.quantity if draft.quantity is None else draft.quantity,
        price_cents=line.price_cents if draft.price_cents is None else draft.price_cents,
    )
    if not checks.repriced(request, line):
        blockers.append("the line is like this already: nothing would change")
    warnings = [f"the line no longer agrees with its timer {one.id}" for one in timers if draft.quantity is not None]
    warnings += ["the line will cost nothing"] if after.price_cents == 0 else []
    return ticket_plan(
        facts,
        "line",
        [Step("reprice", request, record_id=line.id, before=before), Step("verify")],
        account=account,
        run=run,
        unit=f"line {line.id}",
        blockers=blockers,
        warnings=warnings,
        notes=[f"before: {_show(line)}", f"after: {_show(after)}"],
        done=f"Line {line.id} of ticket {ticket.number} is changed",
    )


# ---------------------------------------------------------------- invoices


@dataclass(frozen=True)
class UnbillDraft:
    """Delete an invoice that nobody has paid. Confirmed by typing the invoice's number."""

    invoice_number: str = ""

    def problems(self, house: House) -> dict[str, str]:
        """What is missing or wrong, by field."""
        return {} if self.invoice_number.strip() else {"invoice_number": "which invoice? Its number, as people see it"}


def plan_unbill(
    invoice: Invoice, customer: Customer, facts: TicketFacts | None, house: House, *, account: str, run: str
) -> Plan:
    """The plan that deletes an unpaid invoice, and takes the ticket's status back from Invoiced.

    `facts` is about the ticket that it names; None if it names none.
    """
    blockers = [f"invoice {invoice.number} has been paid, in part at least"] if checks.is_paid(invoice) else []
    before = {"total_cents": invoice.total_cents}
    steps = [Step("remove_invoice", requests.delete_invoice(invoice.id), record_id=invoice.id, before=before)]
    notes = [f"invoice {invoice.number} over {format_cents(invoice.total_cents)} is deleted; a 404 proves it"]
    warnings = ["a deleted invoice cannot be brought back, and the customer may have it in their hands"]
    if facts is not None:
        steps.append(Step("verify"))
        ticket = facts.ticket
        if ticket.status == INVOICED:
            status = next((one for one in facts.words.statuses if one.startswith("Resolved")), "Resolved")
            request = requests.update_ticket(ticket.id, status=status)
            steps.append(Step("status", request, before={"status": ticket.status}))
            notes.append(f"the status goes from {INVOICED} to {status}")
        notes.append("the ticket's lines must wait on the ticket again afterwards; that is read back")
        plan = ticket_plan(
            facts,
            "unbill",
            steps,
            account=account,
            run=run,
            unit=f"invoice {invoice.id}",
            blockers=blockers,
            warnings=warnings,
            notes=notes,
            done=f"Invoice {invoice.number} of ticket {ticket.number} is deleted",
        )
        return replace(plan, confirm_word=invoice.number)
    return Plan(
        run=run,
        kind="unbill",
        account=account,
        ticket_id=-invoice.id,
        ticket_number=0,
        customer_id=customer.id,
        customer_name=customer.name,
        subject=f"Invoice {invoice.number}",
        unit=f"invoice {invoice.id}",
        steps=tuple(steps),
        expected=NOTHING_BILLED,
        basis=nothing_there(()),
        blockers=tuple(blockers),
        warnings=tuple(warnings),
        notes=tuple(notes),
        done=f"Invoice {invoice.number} is deleted",
        confirm_word=invoice.number,
    )


@dataclass(frozen=True)
class PaymentDraft:
    """Money that has come in for an invoice. `method` is one of the account's; `reference` a cheque's number, say."""

    invoice_number: str = ""
    amount_cents: int | None = None
    method: str = ""
    reference: str = ""

    def problems(self, house: House) -> dict[str, str]:
        """What is missing or wrong, by field."""
        said = {} if self.invoice_number.strip() else {"invoice_number": "which invoice? Its number, as people see it"}
        if self.amount_cents is None or self.amount_cents <= 0:
            said["amount_cents"] = "how much? An amount above $0.00"
        if not self.method.strip():
            said["method"] = "how was it paid? Cash, Check, Credit Card, ..."
        return said


def plan_payment(
    draft: PaymentDraft, invoice: Invoice, customer: Customer, *, open_run: str | None, account: str, run: str
) -> Plan:
    """The plan for one payment. There is no way to take one back, so more than what is due is a blocker, and its like, too."""
    amount = draft.amount_cents or 0
    paid = sum(one.amount_cents for one in invoice.payments or () if one.success)
    due = invoice.balance_due_cents if invoice.balance_due_cents is not None else invoice.total_cents - paid
    blockers = [f"run {open_run} on this invoice is not finished: `syncro runs show {open_run}`"] if open_run else []
    if amount > due:
        blockers.append(f"only {format_cents(due)} of invoice {invoice.number} is due")
    told = draft.reference.strip().casefold()
    for one in invoice.payments or ():
        if one.success and one.amount_cents == amount and one.reference.strip().casefold() == told:
            blockers.append(
                f"payment {one.id} of {format_cents(amount)} with {'the same' if told else 'no'} reference is on the invoice "
                "already; if this is another one, its reference can say so"
            )
    request = requests.create_payment(
        customer.id,
        invoice_id=invoice.id,
        amount_cents=amount,
        method=draft.method.strip(),
        reference=draft.reference.strip() or None,
    )
    return Plan(
        run=run,
        kind="payment",
        account=account,
        ticket_id=-invoice.id,
        ticket_number=0,
        customer_id=customer.id,
        customer_name=customer.name,
        subject=f"Invoice {invoice.number}",
        unit=f"run {run}",
        steps=(Step("payment", request, visible=True), Step("verify")),
        expected=NOTHING_BILLED,
        basis=replace(nothing_there(()), payment_ids=tuple(sorted(one.id for one in invoice.payments or ()))),
        blockers=tuple(blockers),
        warnings=("a payment cannot be taken back through the API",),
        notes=(f"{format_cents(amount)} for invoice {invoice.number}; {format_cents(due - amount)} is due afterwards",),
        done=f"The payment for invoice {invoice.number} is recorded",
        confirm_word=invoice.number,
    )
