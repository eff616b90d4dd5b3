"""The clock of the account moves on by days, and what is due in them happens: schedules run, prepaid hours are sold and drawn.

Tickets stay as they are. One of the planted faults can only be seen in this way: a balance that moves by other hours than the
invoices say.
"""

from __future__ import annotations

from datetime import date

from ..money import exact
from . import billing, recurring
from .request import shortest
from .state import Account, Row
from .times import HOUR, from_ms, midnight


def let_pass(account: Account, until: int) -> int:
    """All that is due up to that instant, in the order of time; how many things happened."""
    happened = 0
    while True:
        due = [(event["due"], place, event) for place, event in enumerate(account.coming) if event["due"] <= until]
        due += [
            (at, -schedule["id"], schedule)
            for schedule in account.schedules
            if (at := _runs_at(account, schedule)) <= until
        ]
        if not due:
            account.today = from_ms(until, account.switches.zone).date()
            return happened
        now, _, what = min(due, key=lambda one: one[:2])
        if "moves" in what:
            account.coming.remove(what)
            _draw(account, what, now)
        else:
            recurring.run(account, what, now)
        happened += 1


_NEVER = 10**15


def _runs_at(account: Account, schedule: Row) -> int:
    """Six in the morning of its next day. One that is paused, or stuck as planted, never runs."""
    if schedule["paused"] or schedule.get("stuck") or schedule["frequency"] not in recurring.MONTHS:
        return _NEVER
    return midnight(date.fromisoformat(schedule["next_run"]), account.switches.zone) + 6 * HOUR


def _draw(account: Account, event: Row, now: int) -> None:
    """An invoice that draws or sells hours, after which the balance is as planned, right or wrong."""
    customer = account.customers.rows[event["customer_id"]]
    before = exact(customer["prepay_hours"] or "0")
    invoice = billing.create_invoice(account, {"customer_id": customer["id"], "name": "Support"}, now)
    sold = event["what"] == "prepay"
    product_id = event["hours_product_id"] if sold else account.default_labor_product_id
    billing.add_invoice_line(account, invoice, {"product_id": product_id, "quantity": event["quantity"]}, now)
    customer.update(prepay_hours=shortest(before + exact(event["moves"])), updated_at=now)
