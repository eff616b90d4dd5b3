"""Planted between time and charge: lines that are gone, double, too long or too short."""

from __future__ import annotations

from collections.abc import Iterator

from .. import desk, timers
from ..state import Row
from ..times import MINUTE
from .cast import GOODS, LABOR
from .plots import plot, resolved_and_invoiced, worked_and_charged
from .scene import Scene

# ---------------------------------------------------------------- charged-no-line


def _line_goes(scene: Scene) -> None:
    desk.remove_line(scene.account, scene.ticket, scene.line, scene.now)
    amount = scene.amount(_hours(scene.timer), scene.story.kind)
    why = "the timer is recorded as charged, and its line was removed from the ticket"
    ids = {"timer_id": scene.timer["id"], "ticket_line_item_id": scene.line["id"]}
    scene.key.case("charged-no-line", scene, amount, why=why, **ids)


@plot(times=2)
def line_removed(scene: Scene) -> Iterator[int]:
    """Removed to enter it anew, and then the telephone rang."""
    yield from worked_and_charged(scene)
    yield from scene.resolves()
    _line_goes(scene)


@plot(kind="onsite")
def line_removed_travel_left(scene: Scene) -> Iterator[int]:
    """The way to the customer was billed, and the work there was not."""
    yield from worked_and_charged(scene)
    _line_goes(scene)
    yield from resolved_and_invoiced(scene)
    yield from scene.pays()


@plot()
def line_reworded(scene: Scene) -> Iterator[int]:
    """Another name and text on the line; it is still the timer's."""
    yield from worked_and_charged(scene)
    scene.change_line(scene.line, name="Remote support", description=scene.say("Remote help at {pc}"))
    excuse = "the line was reworded and is still on the ticket"
    scene.key.near_miss("charged-no-line", scene, excused_by=excuse, timer_id=scene.timer["id"])
    yield from resolved_and_invoiced(scene)
    yield from scene.pays()


# ---------------------------------------------------------------- double-charge


@plot(times=2)
def charged_twice(scene: Scene) -> Iterator[int]:
    """The button was slow, and was pressed again."""
    yield from worked_and_charged(scene)
    first = scene.line
    scene.now += 4000
    second = scene.charge()
    yield from resolved_and_invoiced(scene)
    amount = scene.amount(_hours(scene.timer), scene.story.kind)
    ids = {"timer_id": scene.timer["id"], "ticket_line_item_ids": [first["id"], second["id"]]}
    why = "one timer was charged twice; the later line is one too many"
    scene.key.case("double-charge", scene, amount, "over", invoice=scene.invoice, why=why, **ids)
    yield from scene.pays()


@plot(kind="onsite")
def goods_twice(scene: Scene) -> Iterator[int]:
    """Two people put the same part on a ticket that is still open."""
    yield from scene.begins()
    first = scene.sell("ssd")
    yield from scene.wait_until(scene.now + 9 * MINUTE)
    second = scene.sell("ssd")
    scene.comment("The part is in the shop, and I have put it on the ticket.", subject="Internal note", hidden=True)
    scene.status("Waiting on Customer")
    ids = {"ticket_line_item_ids": [first["id"], second["id"]]}
    why = "same product, quantity, price and text on one day"
    scene.key.case("double-charge", scene, GOODS["ssd"][3], "over", why=why, **ids)


def _by_hand(scene: Scene, user: Row, quantity: str) -> Row:
    """A labour line typed in by somebody, not made from the timer."""
    product = scene.account.products.rows[LABOR[scene.story.kind][0]]
    fields = desk.product_line(product, quantity, scene.say("Support for {first}"))
    line = desk.add_line(scene.account, scene.ticket, fields, scene.now)
    line["user_id"] = user["id"]
    return line


@plot()
def line_beside_timer(scene: Scene) -> Iterator[int]:
    """The technician typed the line in, and left the timer uncharged."""
    yield from scene.begins()
    yield from scene.works(quarters=3, late=4)
    line = _by_hand(scene, scene.technician, "0.75")
    yield from resolved_and_invoiced(scene)
    amount = scene.amount("0.75", scene.story.kind)
    ids = {"timer_id": scene.timer["id"], "ticket_line_item_id": line["id"]}
    why = "a labour line by hand beside an uncharged timer of the same technician, day and length"
    scene.key.case("double-charge", scene, amount, "over", invoice=scene.invoice, why=why, **ids)
    excuse = "double-charge: a line by hand bills these hours already"
    scene.key.near_miss("timer-uncharged", scene, excused_by=excuse, timer_id=scene.timer["id"])
    yield from scene.pays()


@plot()
def line_of_a_colleague(scene: Scene) -> Iterator[int]:
    """Two people worked on it, and only the other one's hours were billed."""
    yield from scene.begins()
    yield from scene.works(quarters=3, late=4)
    other = next(one for name, one in scene.team.technicians.items() if name != scene.who.name)
    _by_hand(scene, other, "0.75")
    excuse = "the line is another technician's"
    scene.key.near_miss("double-charge", scene, excused_by=excuse, timer_id=scene.timer["id"])
    scene.key.judge_timer(scene, scene.timer, "the timer was never charged; the labour line is a colleague's")
    yield from resolved_and_invoiced(scene)
    yield from scene.pays()


@plot(kind="onsite")
def goods_on_two_days(scene: Scene) -> Iterator[int]:
    """One part was not enough."""
    yield from worked_and_charged(scene)
    scene.sell("toner")
    yield from scene.wait(545, 900)
    scene.sell("toner")
    scene.key.near_miss("double-charge", scene, excused_by="the same goods, but on different days")
    yield from resolved_and_invoiced(scene)
    yield from scene.pays()


@plot(kind="onsite")
def goods_for_two_rooms(scene: Scene) -> Iterator[int]:
    """The same part for two places."""
    yield from worked_and_charged(scene)
    for room in ("for the front desk", "for the warehouse"):
        line = scene.sell("keyboard")
        scene.change_line(line, description=f"Wireless set, {room}")
    scene.key.near_miss("double-charge", scene, excused_by="the same product, but with different texts")
    yield from resolved_and_invoiced(scene)
    yield from scene.pays()


# ---------------------------------------------------------------- quantity-vs-timer


def _quantity(scene: Scene, quarters: int, quantity: str, direction: str) -> Iterator[int]:
    yield from worked_and_charged(scene, quarters=quarters)
    scene.change_line(scene.line, quantity=quantity)
    yield from resolved_and_invoiced(scene)
    amount = abs(scene.amount(quantity, scene.story.kind) - scene.amount(str(quarters / 4), scene.story.kind))
    ids = {"timer_id": scene.timer["id"], "ticket_line_item_id": scene.line["id"]}
    why = f"{quarters / 4:g} hours were worked, and {quantity} are on the line"
    scene.key.case("quantity-vs-timer", scene, amount, direction, invoice=scene.invoice, why=why, **ids)
    yield from scene.pays()


@plot()
def too_short(scene: Scene) -> Iterator[int]:
    """A quarter of an hour got lost."""
    yield from _quantity(scene, 3, "0.5", "leak")


@plot()
def too_long(scene: Scene) -> Iterator[int]:
    """One hour became two."""
    yield from _quantity(scene, 4, "2", "over")


@plot()
def two_timers_one_line(scene: Scene) -> Iterator[int]:
    """The second timer was put to the first one's line, which was not made longer."""
    yield from worked_and_charged(scene, quarters=3)
    line = scene.line
    yield from scene.works(quarters=2, notes="Called back, and checked that it held")
    scene.timer.update(recorded=True, ticket_line_item_id=line["id"])
    yield from resolved_and_invoiced(scene)
    ids = {"timer_id": scene.timer["id"], "ticket_line_item_id": line["id"]}
    why = "the line of 0.75 hours stands for two timers of 0.75 and 0.5 hours"
    amount = scene.amount("0.5", scene.story.kind)
    scene.key.case("quantity-vs-timer", scene, amount, "leak", invoice=scene.invoice, why=why, **ids)
    yield from scene.pays()


@plot()
def two_timers_well_added(scene: Scene) -> Iterator[int]:
    """Two timers on one line, and the line is their sum."""
    yield from worked_and_charged(scene, quarters=3)
    line = scene.line
    yield from scene.works(quarters=2, notes="Called back, and looked at it together")
    scene.timer.update(recorded=True, ticket_line_item_id=line["id"])
    scene.change_line(line, quantity="1.25")
    scene.key.near_miss("quantity-vs-timer", scene, excused_by="the line is the sum of its two timers")
    yield from resolved_and_invoiced(scene)
    yield from scene.pays()


@plot()
def two_decimals(scene: Scene) -> Iterator[int]:
    """A third of an hour, written with two decimals."""
    yield from scene.begins()
    yield from scene.works(quarters=2, notes="Half an hour, of which we bill 20 minutes as agreed")
    timers.change_timer(scene.account, scene.ticket, scene.timer, {"billable_override": 1200}, scene.now)
    scene.charge()
    scene.change_line(scene.line, quantity="0.33")
    scene.key.near_miss("quantity-vs-timer", scene, excused_by="0.33 and 0.3333 hours differ by less than 0.01")
    yield from resolved_and_invoiced(scene)
    yield from scene.pays()


@plot()
def minutes_for_seconds(scene: Scene) -> Iterator[int]:
    """Syncro's own billable_time is nonsense here; the line has the hours that were worked."""
    yield from worked_and_charged(scene, quarters=4)
    scene.timer["billable_time"] = 45
    excuse = "billable_time is below 60 for an hour's work and is not trusted; the line has the hour"
    scene.key.near_miss("quantity-vs-timer", scene, excused_by=excuse, timer_id=scene.timer["id"])
    yield from resolved_and_invoiced(scene)
    yield from scene.pays()


def _hours(timer: Row) -> str:
    return f"{timers.billable_seconds(timer) / 3600:g}"
