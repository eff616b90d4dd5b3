"""What Syncro's API can put right of a finding: which write, with which fields. Pure; nothing is planned or sent here.

A repair names a draft of `writes` by a short word and gives its fields. Whoever holds the workspace makes the draft, has it
planned live (it may have been put right meanwhile), and shows the plan: the one way of every write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..money import format_cents
from .finding import Finding

BILL, TIMER, LINE, UPDATE, UNBILL = "bill", "timer", "line", "update", "unbill"


@dataclass(frozen=True)
class Repair:
    """A write that would put a finding right.

    `kind`: bill (BillDraft), timer (TimerDraft), line (LineDraft), update (UpdateDraft), unbill (UnbillDraft). `fields` are
    those of the draft that the finding tells; `asks` names others that only a person can fill in. `ticket` is the number that
    people see, None where an invoice is meant. A bill's `lines` are (product id, quantity, text).
    """

    kind: str
    ticket: int | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    sentence: str = ""
    asks: tuple[str, ...] = ()


def repair_of(finding: Finding) -> Repair | None:
    """The write that repairs a finding, or None where Syncro's API cannot, or where a person has to look first."""
    make = _REPAIRS.get(finding.rule)
    return make(finding) if make is not None else None


def _waiting(finding: Finding) -> bool:
    """Whether the line that it is about still waits on the ticket: on an invoice it cannot be changed any more."""
    facts = finding.evidence
    return finding.ticket is not None and facts.get("line_id") is not None and facts.get("invoice_line_id") is None


def _charge(finding: Finding) -> Repair | None:
    timer_id = finding.evidence.get("timer_id")
    if finding.ticket is None or timer_id is None:
        return None
    fields = {"ticket_number": finding.ticket, "action": "charge", "timer_id": timer_id}
    return Repair(
        TIMER, finding.ticket, fields, f"Charge timer {timer_id}: it becomes a line on ticket {finding.ticket}"
    )


def _stop(finding: Finding) -> Repair | None:
    if finding.ticket is None:
        return None
    fields = {"ticket_number": finding.ticket, "action": "stop"}
    said = f"Stop the timer on ticket {finding.ticket}, if it is yours; then set its billable time"
    return Repair(TIMER, finding.ticket, fields, said)


def _add_line(finding: Finding) -> Repair | None:
    facts = finding.evidence
    if finding.ticket is None or facts.get("product_id") is None or not facts.get("hours"):
        return None
    hours = Decimal(str(facts["hours"]))
    fields = {
        "ticket_number": finding.ticket,
        "lines": ((facts["product_id"], hours, ""),),
        "invoice": False,
        "hidden": True,
        "email": False,
    }
    said = f"Put the missing line of {hours.normalize():f} h on ticket {finding.ticket}"
    return Repair(BILL, finding.ticket, fields, said, ("text",))


def _reprice(finding: Finding) -> Repair | None:
    price = finding.evidence.get("rate_cents")
    if not _waiting(finding) or not isinstance(price, int) or price <= 0:
        return None
    fields = {"ticket_number": finding.ticket, "line_id": finding.evidence["line_id"], "price_cents": price}
    said = f"Set the price of line {finding.evidence['line_id']} on ticket {finding.ticket} to {format_cents(price)}"
    return Repair(LINE, finding.ticket, fields, said)


def _requantify(finding: Finding) -> Repair | None:
    hours = finding.evidence.get("timer_hours")
    if not _waiting(finding) or not hours:
        return None
    quantity = Decimal(str(hours))
    fields = {"ticket_number": finding.ticket, "line_id": finding.evidence["line_id"], "quantity": quantity}
    said = f"Set line {finding.evidence['line_id']} on ticket {finding.ticket} to the {quantity.normalize():f} h of its timers"
    return Repair(LINE, finding.ticket, fields, said)


def _remove(finding: Finding) -> Repair | None:
    if not _waiting(finding):
        return None
    line_id = finding.evidence["line_id"]
    fields = {"ticket_number": finding.ticket, "line_id": line_id, "remove": True}
    return Repair(LINE, finding.ticket, fields, f"Take line {line_id} off ticket {finding.ticket}: it is there twice")


def _bill(finding: Finding) -> Repair | None:
    """What waits on the ticket is invoiced; its timers are charged with it."""
    if finding.ticket is None:
        return None
    timers = tuple(finding.evidence.get("timer_ids") or ())
    fields: dict[str, Any] = {"ticket_number": finding.ticket, "timer_ids": timers, "waiting": not timers}
    what = f"timers {', '.join(map(str, timers))}" if timers else "what waits on it"
    return Repair(BILL, finding.ticket, fields, f"Make the invoice of ticket {finding.ticket} from {what}", ("text",))


def _bill_work(finding: Finding) -> Repair | None:
    if finding.ticket is None:
        return None
    said = f"Bill the work on ticket {finding.ticket}, if there was any"
    return Repair(BILL, finding.ticket, {"ticket_number": finding.ticket}, said, ("minutes", "labour", "text"))


def _unbill(finding: Finding) -> Repair | None:
    if finding.invoice is None:
        return None
    fields = {"invoice_number": str(finding.invoice)}
    return Repair(UNBILL, None, fields, f"Delete invoice {finding.invoice}, if nothing was paid on it yet")


def _set_invoiced(finding: Finding) -> Repair | None:
    if finding.ticket is None:
        return None
    fields = {"ticket_number": finding.ticket, "status": "Invoiced"}
    return Repair(UPDATE, finding.ticket, fields, f"Set ticket {finding.ticket} to Invoiced")


_REPAIRS: Mapping[str, Callable[[Finding], Repair | None]] = {
    "resolved-no-time": _bill_work,
    "work-without-time": _bill_work,
    "timer-running": _stop,
    "timer-uncharged": _charge,
    "charged-no-line": _add_line,
    "double-charge": _remove,
    "quantity-vs-timer": _requantify,
    "rate-drift": _reprice,
    "zero-line": _reprice,
    "pending-stale": _bill,
    "invoiced-unproven": _bill,
    "no-path-to-bill": _bill,
    "duplicate-invoice": _unbill,
    "invoiced-but-open": _set_invoiced,
}
