"""Planted in what comes without a ticket: goods sold over the counter and invoiced twice, credit notes, what recurs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from ...money import line_cents, total
from .. import billing, recurring
from ..state import Row
from ..times import DAY, MINUTE, from_ms
from .cast import GOODS, HOSTING, MANAGED_SERVICE, Business
from .opening import add_schedule
from .team import Team
from .workdays import after, at


def _sale(team: Team, business: Business, goods: str, quantity: int, now: int) -> Row:
    """Goods that somebody fetched: an invoice without a ticket."""
    customer = team.customers[business.name]
    fields = {"customer_id": customer["id"], "name": "Goods", "due_date": team.due(business, now)}
    invoice = billing.create_invoice(team.account, fields, now)
    billing.add_invoice_line(team.account, invoice, {"product_id": GOODS[goods][0], "quantity": quantity}, now)
    return invoice


def sale_scene(team: Team, business: Business, goods: str, now: int) -> Iterator[int]:
    """An ordinary sale."""
    yield now
    invoice = _sale(team, business, goods, 1, now)
    yield from _payment(team, invoice, now)


def sold_twice_scene(team: Team, business: Business, goods: str, now: int, days: int) -> Iterator[int]:
    """One sale, invoiced by two people; `days` later than three, it is another sale."""
    yield now
    first = _sale(team, business, goods, 2, now)
    again = after(now + days * DAY, 40, team.zone)
    yield again
    second = _sale(team, business, goods, 2, again)
    customer = team.customers[business.name]
    if days > 3:
        excuse = "the same goods, but more than three days apart"
        team.key.near_miss("duplicate-invoice", customer=customer, invoice=second, excused_by=excuse)
    else:
        why = "the same lines for the same customer, invoiced again within three days"
        named = {"customer": customer, "invoice": second, "other_invoice_id": first["id"]}
        team.key.case("duplicate-invoice", None, second["subtotal_cents"], "over", why=why, **named)
    yield from _payment(team, first, again)


def credit_note_scene(team: Team, business: Business, goods: str, now: int) -> Iterator[int]:
    """Goods that were sold and came back: an invoice, its payment, a negative invoice and the money back."""
    yield now
    invoice = _sale(team, business, goods, 1, now)
    paid_at = after(now + 3 * DAY, 60, team.zone)
    yield paid_at
    team.take_payment(invoice, "Credit Card", paid_at)
    back = after(paid_at + 6 * DAY, 90, team.zone)
    yield back
    note = _sale(team, business, goods, -1, back)
    note.update(name=f"Credit note for {invoice['number']}", took_payment=True)
    team.refund(note, back)
    customer = team.customers[business.name]
    excuse = "a credit note, settled by a refund"
    team.key.near_miss("paid-flags", customer=customer, invoice=note, excused_by=excuse)


def _payment(team: Team, invoice: Row, now: int) -> Iterator[int]:
    paid_at = after(now + 9 * DAY, 70, team.zone)
    yield paid_at
    team.take_payment(invoice, "Check", paid_at)


# ---------------------------------------------------------------- recurring-missed


def sign_up(team: Team, business: Business, begin: int) -> list[Row]:
    """The schedules of a customer who has nothing but these."""
    account, today = team.account, team.account.today
    due = today - timedelta(days=12)
    last = due.replace(day=min(due.day, 28))  # when the last run was due
    first = recurring.later(last, "Monthly", -((last - from_ms(begin, team.zone).date()).days // 31))
    customer = team.customers[business.name]
    hosting = [(HOSTING, "1.0")]
    if business.recurs == "yearly":
        yearly = today - timedelta(days=75)
        return [
            add_schedule(account, customer, "Web Hosting, one year", [(HOSTING, "12.0")], yearly, frequency="Annually")
        ]
    if business.recurs == "two sites":
        sites = [(MANAGED_SERVICE, "4.0")]
        return [
            add_schedule(account, customer, f"Managed Services, {place}", sites, first) for place in ("Mill", "Dock")
        ]
    return [add_schedule(account, customer, "Web Hosting", hosting, first)]


def schedule_scene(team: Team, schedule: Row, habit: str, minutes: int) -> Iterator[int]:
    """In the morning of the day the invoice is made, and paid two weeks later; some habits are bad ones."""
    account, key = team.account, team.key
    customer = account.customers.rows[schedule["customer_id"]]
    lines = account.schedule_lines.where("schedule_id", schedule["id"])
    amount = total(line_cents(one["quantity"], one["retail_cents"]) for one in lines)
    named = {"customer": customer, "schedule_id": schedule["id"]}
    while True:
        day = date.fromisoformat(schedule["next_run"])
        now = at(day, 6, 0, team.zone)
        yield now
        is_last = at(recurring.later(day, schedule["frequency"]), 6, 0, team.zone) > team.end
        if is_last and habit in ("stuck", "yearly"):
            schedule["stuck"] = True
            why = "its next run is past, and it made no invoice"
            key.case("recurring-missed", None, amount, "leak", why=why, **named)
            return
        if is_last and habit == "paused":
            schedule["paused"] = True
            key.near_miss("recurring-missed", excused_by="the schedule is paused", **named)
            return
        if is_last and habit == "skipped":
            recurring.move_on(schedule)
            why = "its last run is past, and the customer has no invoice near that day"
            key.case("recurring-missed", None, amount, "leak", why=why, **named)
            return
        if is_last and habit == "late":
            now += 2 * DAY + 4 * 60 * MINUTE
            yield now
            excuse = "the invoice came two days after the run"
            key.near_miss("recurring-missed", excused_by=excuse, **named)
        invoice = recurring.run(account, schedule, now)
        if is_last and habit == "two sites" and schedule["name"].endswith("Dock"):
            excuse = "two schedules of one customer, one for each site"
            key.near_miss("duplicate-invoice", customer=customer, invoice=invoice, excused_by=excuse)
        paid_at = now + 14 * DAY + minutes * MINUTE
        yield paid_at
        team.take_payment(invoice, "Credit Card", paid_at)
