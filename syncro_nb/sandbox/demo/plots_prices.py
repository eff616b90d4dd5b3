"""Planted in prices: the wrong one, none at all, and the ordinary one for work after hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from .. import billing, timers
from ..times import DAY, HOUR, from_ms
from .cast import GOODS, LABOR
from .plots import plot, resolved_and_invoiced, worked_and_charged
from .scene import Scene
from .workdays import after, at, holidays, quarters_outside

# ---------------------------------------------------------------- rate-drift and zero-line


def _priced(scene: Scene, quarters: int, price: int, direction: str) -> Iterator[int]:
    yield from worked_and_charged(scene, quarters=quarters)
    scene.change_line(scene.line, price_retail=f"{price // 100}.{price % 100:02}")
    yield from resolved_and_invoiced(scene)
    amount = abs(scene.price(scene.story.kind) - price) * quarters // 4
    why = f"the line has a price of ${price / 100:.2f}, and the product of ${scene.price(scene.story.kind) / 100:.2f}"
    ids = {"ticket_line_item_id": scene.line["id"]}
    scene.key.case("rate-drift", scene, amount, direction, invoice=scene.invoice, why=why, **ids)
    yield from scene.pays()


@plot()
def old_price(scene: Scene) -> Iterator[int]:
    """The price of last year."""
    yield from _priced(scene, 4, 13500, "leak")


@plot()
def price_of_another_kind(scene: Scene) -> Iterator[int]:
    """Remote work at the price of a visit."""
    yield from _priced(scene, 2, 17500, "over")


@plot(kind="onsite")
def visit_as_remote(scene: Scene) -> Iterator[int]:
    """A visit at the price of remote work."""
    yield from _priced(scene, 6, 15000, "leak")


@plot()
def discounted(scene: Scene) -> Iterator[int]:
    """A discount is shown as such, and the price is the product's. No ticket: a standing arrangement."""
    yield from scene.begins()
    yield from scene.works(billable=False, notes="Goodwill: ten minutes on the telephone")
    yield from scene.resolves("Closed")
    yield from scene.morning(300, 900)
    fields = {"customer_id": scene.customer["id"], "due_date": scene.team.due(scene.business, scene.now)}
    scene.invoice = billing.create_invoice(scene.account, {**fields, "name": "Training"}, scene.now)
    sold = {"product_id": LABOR["project"][0], "quantity": 2, "name": "Training of two colleagues"}
    line = {**sold, "line_discount_percent": 10}
    billing.add_invoice_line(scene.account, scene.invoice, line, scene.now)
    scene.key.near_miss("rate-drift", scene, invoice=scene.invoice, excused_by="a discount of 10 % is on the line")
    yield from scene.pays()


def _free(scene: Scene, kind: str, quarters: int, goods: str) -> Iterator[int]:
    """The price was sent under a name that Syncro does not know, so it became zero."""
    yield from worked_and_charged(scene, kind, quarters)
    scene.change_line(scene.line, price_retail="0")
    scene.sell(goods)
    yield from resolved_and_invoiced(scene)


@plot()
def free_labour(scene: Scene) -> Iterator[int]:
    """Half an hour at $0.00."""
    yield from _free(scene, "remote", 2, "antivirus")
    _found_free(scene, scene.amount("0.5", "remote"))
    yield from scene.pays()


@plot(kind="onsite")
def free_visit(scene: Scene) -> Iterator[int]:
    """A visit at $0.00, with the way to it."""
    yield from _free(scene, "onsite", 4, "toner")
    _found_free(scene, scene.amount("1", "onsite"))
    yield from scene.pays()


@plot(kind="onsite")
def free_goods(scene: Scene) -> Iterator[int]:
    """A part from the shelf at $0.00."""
    yield from worked_and_charged(scene)
    scene.sell("keyboard")
    scene.change_line(scene.line, price_retail="0")
    yield from resolved_and_invoiced(scene)
    _found_free(scene, GOODS["keyboard"][3])
    yield from scene.pays()


def _found_free(scene: Scene, amount: int) -> None:
    line = next(one for one in billing.lines_of(scene.account, scene.invoice) if not one["price_cents"])
    ids = {"ticket_line_item_id": line["ticket_line_id"], "line_item_id": line["id"]}
    why = "a line at $0.00 without a reason"
    scene.key.case("zero-line", scene, amount, invoice=scene.invoice, why=why, **ids)


@plot()
def free_with_a_reason(scene: Scene) -> Iterator[int]:
    """The text says why."""
    yield from _free(scene, "remote", 2, "mailbox")
    reason = "Goodwill for the trouble of last week"
    line = next(one for one in billing.lines_of(scene.account, scene.invoice) if not one["price_cents"])
    scene.change_line(scene.account.ticket_lines.rows[line["ticket_line_id"]], description=reason)
    line["name"] = reason
    scene.key.near_miss("zero-line", scene, invoice=scene.invoice, excused_by='the text says "goodwill"')
    yield from scene.pays()


@plot()
def free_under_warranty(scene: Scene) -> Iterator[int]:
    """A tag says why."""
    yield from _free(scene, "remote", 2, "antivirus")
    scene.tag("warranty")
    scene.key.near_miss("zero-line", scene, invoice=scene.invoice, excused_by="tagged as warranty")
    yield from scene.pays()


@plot(kind="onsite")
def free_internal(scene: Scene) -> Iterator[int]:
    """Internal work shows on the invoice, at its price of nothing."""
    yield from worked_and_charged(scene)
    yield from scene.works("internal", 1, "Put the spare part on the list")
    scene.charge()
    yield from resolved_and_invoiced(scene)
    scene.key.near_miss("zero-line", scene, invoice=scene.invoice, excused_by="the product is internal work")
    yield from scene.pays()


# ---------------------------------------------------------------- after-hours-at-standard


def _after_hours(scene: Scene, start: int, quarters: int) -> Iterator[int]:
    """Work at that time, at the ordinary price: half of it is missing for the hours outside those of the desk."""
    yield scene.now  # not before: what is booked now is booked for good
    start = scene.team.call_out(scene.who, start, quarters)
    yield from scene.begins()
    yield from scene.works(quarters=quarters, start=start)
    scene.charge()
    if scene.story.kind == "onsite":
        scene.travel()
    yield from resolved_and_invoiced(scene)
    kind = scene.story.kind
    outside = f"{quarters_outside(start, quarters, scene.zone) / 4:g}"
    amount = scene.amount(outside, kind) // 2
    why = f"{outside} hours after hours or on a holiday, billed as {kind} work"
    ids = {"timer_id": scene.timer["id"], "ticket_line_item_id": scene.line["id"]}
    scene.key.case("after-hours-at-standard", scene, amount, invoice=scene.invoice, why=why, **ids)
    yield from scene.pays()


def _evening(scene: Scene, hour: int, minute: int) -> int:
    """An hour of the evening of the day on which the desk is open next."""
    opens = after(scene.now + 2 * HOUR, 60, scene.zone)
    return at(from_ms(opens, scene.zone).date(), hour, minute, scene.zone)


def _late_afternoon(scene: Scene, minute: int) -> int:
    """So many minutes past four on the first day on which the technician is free then."""
    scene.assign(scene.team.least_busy())
    start = _evening(scene, 16, minute)
    while not scene.team.is_free(scene.who, start, 6):
        start = at(from_ms(after(start, 60, scene.zone), scene.zone).date(), 16, minute, scene.zone)
    return start


def _saturday(scene: Scene) -> int:
    """Ten o'clock on the Saturday that comes."""
    day = from_ms(scene.now, scene.zone).date()
    return at(day + timedelta(days=(5 - day.weekday()) % 7), 10, 0, scene.zone)


@plot()
def in_the_evening(scene: Scene) -> Iterator[int]:
    """At seven, for an hour."""
    yield from _after_hours(scene, _evening(scene, 19, 0), 4)


@plot(kind="onsite")
def over_the_closing(scene: Scene) -> Iterator[int]:
    """From half past four to six: one hour of it is outside."""
    yield scene.now
    yield from _after_hours(scene, _late_afternoon(scene, 30), 6)


@plot(kind="project")
def on_a_saturday(scene: Scene) -> Iterator[int]:
    """Two hours on a Saturday, as a project."""
    yield from _after_hours(scene, _saturday(scene), 8)


@plot()
def on_a_holiday(scene: Scene) -> Iterator[int]:
    """On the next federal holiday, while the office was empty; on a Saturday where none is near."""
    start = _saturday(scene)
    first = from_ms(scene.now, scene.zone).date() + timedelta(days=1)
    for place in range(60):
        day = first + timedelta(days=place)
        instant = at(day, 10, 0, scene.zone)
        if day.weekday() < 5 and day in holidays(day.year) and instant < scene.key.cut_off - 9 * DAY:
            start = instant
            break
    yield from _after_hours(scene, start, 6)


@plot()
def ten_minutes_over(scene: Scene) -> Iterator[int]:
    """It took ten minutes longer than the day."""
    yield scene.now
    start = _late_afternoon(scene, 25)  # which also says who
    start = scene.team.call_out(scene.who, start, 3)
    yield from scene.begins()
    yield from scene.works(quarters=3, start=start)
    scene.charge()
    excuse = "only ten minutes lie outside the hours of the desk"
    scene.key.near_miss("after-hours-at-standard", scene, excused_by=excuse, timer_id=scene.timer["id"])
    yield from resolved_and_invoiced(scene)
    yield from scene.pays()


@plot()
def evening_as_agreed(scene: Scene) -> Iterator[int]:
    """At the ordinary price, and the text says why."""
    yield scene.now
    start = scene.team.call_out(scene.who, _evening(scene, 18, 0), 4)
    yield from scene.begins()
    yield from scene.works(quarters=4, notes="Courtesy: evening work at the ordinary price", start=start)
    scene.charge()
    scene.key.near_miss("after-hours-at-standard", scene, excused_by='the text says "courtesy"')
    yield from resolved_and_invoiced(scene)
    yield from scene.pays()


@plot("contract")
def evening_by_contract(scene: Scene) -> Iterator[int]:
    """A contract covers it."""
    yield scene.now
    start = scene.team.call_out(scene.who, _evening(scene, 18, 0), 4)
    yield from scene.begins()
    yield from scene.works(quarters=4, start=start)
    yield from scene.resolves("Closed")
    scene.key.near_miss("after-hours-at-standard", scene, excused_by="a contract covers the work")


@plot("block")
def evening_from_the_block(scene: Scene) -> Iterator[int]:
    """One hour in the evening draws one and a half."""
    yield scene.now
    start = scene.team.call_out(scene.who, _evening(scene, 18, 0), 4)
    yield from scene.begins()
    yield from scene.works(quarters=4, notes="Evening work: one hour, drawn as one and a half", start=start)
    timers.change_timer(scene.account, scene.ticket, scene.timer, {"billable_override": 5400}, scene.now)
    scene.charge()
    scene.key.near_miss("after-hours-at-standard", scene, excused_by="1.5 times the hour was drawn from the block")
    yield from resolved_and_invoiced(scene)
