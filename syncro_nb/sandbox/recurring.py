"""Recurring invoices: when a schedule runs, and what it makes."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from . import billing
from .state import Account, Row

MONTHS = {"Monthly": 1, "Quarterly": 3, "Annually": 12}
TERMS = timedelta(days=15)


def later(day: date, frequency: str, times: int = 1) -> date:
    """The run after the one of that day, or so many runs later; before it where `times` is negative."""
    months = day.year * 12 + day.month - 1 + MONTHS[frequency] * times
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def move_on(schedule: Row) -> None:
    """The next run is one period later."""
    schedule["next_run"] = later(date.fromisoformat(schedule["next_run"]), schedule["frequency"]).isoformat()


def run(account: Account, schedule: Row, now: int, *, sweeps: bool = True) -> Row:
    """The invoice of one run, with the ticket charges that wait, where the schedule takes them along."""
    due = (date.fromisoformat(schedule["next_run"]) + TERMS).isoformat()
    fields = {"customer_id": schedule["customer_id"], "name": schedule["name"], "due_date": due}
    invoice = billing.create_invoice(account, fields, now)
    account.invoices.change(invoice, {"schedule_id": schedule["id"]})
    for line in account.schedule_lines.where("schedule_id", schedule["id"]):
        sold = {"item": line["name"], "name": line["description"], "quantity": line["quantity"]}
        billing.add_invoice_line(account, invoice, {**sold, "product_id": line["product_id"]}, now)
    if sweeps and schedule["invoice_unbilled_ticket_charges"]:
        billing.sweep_tickets(account, invoice, now)
    move_on(schedule)
    return invoice
