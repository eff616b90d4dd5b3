"""A batch as its form shows it: what it comes to before it is confirmed, and what became of it. Pure."""

from __future__ import annotations

from decimal import Decimal

from ..escape import clip, line
from ..money import format_cents, total
from ..writes.batch import Batch, Item
from ..writes.batchreceipt import STATES, BatchReceipt, BatchRow
from ..writes.plan import Plan, known
from . import markup
from .ask import standing

OPEN_TICKETS = 12  # up to so many tickets are shown unfolded
_TONES = {"done": "good", "asked": "bad", "changed": "warn", "parked": "warn", "not begun": "warn"}


def batch_preview(batch: Batch) -> str:
    """What each customer's tickets come to, each ticket with its entries and the policy's words, and what cannot be billed."""
    said = [markup.heading(f"What will be invoiced: {_size(batch)}") if batch.ready else ""]
    said += [markup.text(f"Note: {note}", "warn", bold=True) for note in batch.notes]
    said += [_customers(batch)] if batch.ready else []
    by_customer: dict[str, list[Item]] = {}
    for item in batch.ready:
        by_customer.setdefault(item.customer, []).append(item)
    is_open = len(batch.ready) <= OPEN_TICKETS
    for customer, items in sorted(by_customer.items()):
        content = "".join(_ticket(item) for item in items)
        said.append(markup.fold(f"{line(customer)}: {_count(len(items), 'ticket')}", content, is_open=is_open))
    return "".join([*said, blocked(batch)])


def blocked(batch: Batch) -> str:
    """The tickets that cannot be billed, each with the reason; empty if there is none."""
    if not batch.blocked:
        return ""
    rows = [
        (f"#{item.number}", (line(item.customer), clip(item.subject, 80)), "; ".join(map(line, item.blockers)))
        for item in batch.blocked
    ]
    title = f"Cannot be billed: {_count(len(rows), 'ticket')}"
    return markup.heading(title) + markup.table(("Ticket", "Customer", "Why"), rows)


def question(batch: Batch, account: str) -> str:
    """What a person confirms, and how."""
    before_tax = "" if batch.is_taxed else ", before a tax that is not known"
    what = f"{_count(len(batch.ready), 'bill')} over {format_cents(batch.total_cents)}{before_tax} ({account})"
    return markup.text(f"To write {what}, type: {batch.confirmation}", bold=True)


def receipt_table(receipt: BatchReceipt) -> str:
    """Every ticket of a batch with its state, invoice and amounts, and what a person must know."""
    rows = [_row(row) for row in receipt.rows]
    invoices = [row.invoice for row in receipt.rows if row.invoice]
    sums = [format_cents(total(one[key] for one in invoices)) for key in ("subtotal_cents", "tax_cents", "total_cents")]
    rows.append(("", "Total", "", _count(len(invoices), "invoice"), *sums))
    head = ("Ticket", "Customer", "State", "Invoice", "Subtotal", "Tax", "Total")
    there = [state for state in STATES if receipt.count(state)]
    meaning = markup.text(". ".join(f"{state.capitalize()}: {STATES[state]}" for state in there), "quiet", small=True)
    title = markup.heading(f"Batch {receipt.batch.name}, confirmed by {line(receipt.batch.confirmed_by)}")
    return title + markup.table(head, rows, numbers=frozenset({0, 3, 4, 5, 6})) + meaning


def receipt_tone(receipt: BatchReceipt) -> str:
    """How the outcome is to be taken: good, warn or bad."""
    if receipt.count("asked"):
        return "bad"
    if receipt.stopped or receipt.count("parked", "not begun", "changed", "accepted", "abandoned"):
        return "warn"
    return "good"


def unfinished_label(receipt: BatchReceipt) -> str:
    """An earlier batch in one line of a list."""
    counts = ", ".join(f"{receipt.count(state)} {state}" for state in STATES if receipt.count(state))
    return f"{receipt.batch.name} of {receipt.batch.confirmed_at:%Y-%m-%d %H:%M} UTC: {counts}"


def run_label(row: BatchRow) -> str:
    """A ticket that needs somebody in one line of a list."""
    return f"#{row.item.number} · {clip(row.item.customer, 26)} · {row.state}"


def _size(batch: Batch) -> str:
    drawn = f", {_hours(batch.prepaid_hours)} prepaid hours drawn" if batch.prepaid_hours else ""
    taxed = "" if batch.is_taxed else " before tax (a tax rate is not known)"
    return f"{_count(len(batch.ready), 'ticket')}, {format_cents(batch.total_cents)}{taxed}{drawn}"


def _customers(batch: Batch) -> str:
    frame = batch.customers()
    totals = frame["total_cents"].astype(object).where(frame["total_cents"].notna(), None)
    rows = [
        (line(row.customer), row.tickets, f"{row.hours:.2f}", f"{row.prepaid_hours:.2f}" if row.prepaid_hours else "",
         format_cents(row.subtotal_cents), known(cents))
        for row, cents in zip(frame.itertuples(index=False), totals, strict=True)
    ]  # fmt: skip
    expected = [plan.expected for plan in batch.plans]
    subtotal = format_cents(total(one.subtotal_cents for one in expected))
    whole = format_cents(batch.total_cents) if batch.is_taxed else "not known yet"
    hours = f"{sum((item.charge.hours for item in batch.ready), Decimal(0)):.2f}"
    drawn = f"{batch.prepaid_hours:.2f}" if batch.prepaid_hours else ""
    rows.append(("All", str(len(batch.ready)), hours, drawn, subtotal, whole))
    head = ("Customer", "Tickets", "Hours", "Prepaid hours drawn", "Subtotal", "Total with tax")
    return markup.table(head, rows, numbers=frozenset({1, 2, 3, 4, 5}))


def _ticket(item: Item) -> str:
    rows: list[tuple[object, ...]] = [
        ((line(entry.note) or "(no note)", entry.why), _amount(entry.how, entry.amount_cents))
        for entry in item.charge.entries
    ]
    plan = item.plan
    if plan is not None:
        rows += [
            ((line(one.name), "already on the ticket"), format_cents(one.amount_cents))
            for one in plan.expected.lines
            if not one.ours
        ]
        rows.append((_sums(plan), known(plan.expected.total_cents)))
    warnings = "".join(markup.text(f"Warning: {line(one)}", "warn") for one in item.warnings)
    title = markup.text(f"#{item.number}  {clip(item.subject, 90)}", bold=True)
    return title + markup.part(markup.table(("Work", "Amount"), rows, numbers=frozenset({1})) + warnings)


def _sums(plan: Plan) -> str:
    expected = plan.expected
    return f"Invoice: {format_cents(expected.subtotal_cents)} + tax {known(expected.tax_cents)}"


def _amount(how: str, amount_cents: int) -> str:
    return "left out" if how == "left out" else format_cents(amount_cents)


def _row(row: BatchRow) -> tuple[object, ...]:
    invoice = row.invoice
    amounts = [format_cents(invoice[key]) if invoice else "" for key in ("subtotal_cents", "tax_cents", "total_cents")]
    number = invoice["number"] if invoice else ""
    said = standing(row.receipt) if row.receipt and row.receipt.next else row.question
    return (f"#{row.item.number}", (line(row.item.customer), line(said)), row.state, number, *amounts)


def _hours(hours: Decimal) -> str:
    return f"{hours.normalize():f}"


def _count(many: int, what: str) -> str:
    return f"{many} {what}{'' if many == 1 else 's'}"
