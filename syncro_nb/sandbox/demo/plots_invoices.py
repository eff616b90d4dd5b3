"""Planted between charge and invoice: lines that wait, missing, double or wrong invoices, and tax."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...money import exact, tax_cents
from .. import billing
from ..state import Row
from .cast import GOODS, LABOR
from .plots import plot, resolved_and_invoiced, worked_and_charged
from .scene import Scene

_WAITS = "a line waits on a ticket that was resolved weeks ago"


def _charged(scene: Scene, quarters: int = 0, goods: str = "") -> Iterator[int]:
    yield from worked_and_charged(scene, quarters=quarters)
    if goods:
        scene.sell(goods)


def _invoiced(scene: Scene, quarters: int = 0, goods: str = "") -> Iterator[int]:
    yield from _charged(scene, quarters, goods)
    yield from resolved_and_invoiced(scene)


def _lines(scene: Scene, product: int) -> list[Row]:
    return [one for one in billing.lines_of(scene.account, scene.invoice) if one["product_id"] == product]


# ---------------------------------------------------------------- pending-stale


def _waits(scene: Scene) -> None:
    (line,) = scene.account.ticket_lines.where("ticket_id", scene.ticket["id"])
    amount = scene.amount(line["quantity"], scene.story.kind)
    direction = scene.key.direction(scene.now)
    scene.key.case("pending-stale", scene, amount, direction, why=_WAITS, ticket_line_item_id=line["id"])


@plot(times=2)
def never_invoiced(scene: Scene) -> Iterator[int]:
    """Charged and resolved, and nobody made the invoice."""
    yield from _charged(scene)
    yield from scene.resolves()
    _waits(scene)


@plot()
def goods_never_invoiced(scene: Scene) -> Iterator[int]:
    """The licence was put on the ticket after its invoice had been made."""
    yield from _invoiced(scene)
    line = scene.sell("antivirus")
    amount = GOODS["antivirus"][3]
    why = "a line was added after the invoice, and waits since then"
    scene.key.case("pending-stale", scene, amount, why=why, ticket_line_item_id=line["id"])
    yield from scene.pays()


@plot(when="late", times=2)
def not_yet_invoiced(scene: Scene) -> Iterator[int]:
    """Work of this month whose invoice is late."""
    yield from _charged(scene, 4)
    yield from scene.resolves()
    _waits(scene)


@plot("sweeping", when="late")
def waits_for_the_sweep(scene: Scene) -> Iterator[int]:
    """The monthly invoice will take it along."""
    yield from scene.begins()
    yield from scene.works()
    scene.sell("mailbox")
    yield from scene.resolves()
    excuse = "the customer's schedule takes ticket charges along, and its next run is ahead"
    scene.key.near_miss("pending-stale", scene, excused_by=excuse)


@plot("sweeping")
def was_swept(scene: Scene) -> Iterator[int]:
    """The monthly invoice took it along, and names no ticket."""
    yield from scene.begins()
    yield from scene.works()
    scene.sell("mailbox")
    yield from scene.resolves()
    excuse = "every line is converted: the monthly invoice took it along"
    scene.key.near_miss("invoiced-unproven", scene, excused_by=excuse)
    excuse = "no invoice names the ticket"
    scene.key.near_miss("invoice-vs-ticket", scene, excused_by=excuse)


# ---------------------------------------------------------------- invoiced-unproven


def _unproven(scene: Scene, amount: int, also: str, why: str, **ids: Any) -> None:
    scene.key.case("invoiced-unproven", scene, amount, also=[also], why=why, **ids)
    scene.key.near_miss(also, scene, excused_by="invoiced-unproven (S1) claims the same dollars", **ids)


@plot()
def invoice_deleted(scene: Scene) -> Iterator[int]:
    """The invoice was deleted to be made anew, and the ticket still says that it is invoiced."""
    yield from _invoiced(scene, 4)
    line = scene.line
    yield from scene.wait(30, 90)
    billing.delete_invoice(scene.account, scene.invoice, scene.now)
    why = 'the status is "Invoiced", its invoice was deleted, and its line waits'
    amount = scene.amount("1", scene.story.kind)
    _unproven(scene, amount, "pending-stale", why, ticket_line_item_id=line["id"])


@plot(kind="onsite")
def only_said_invoiced(scene: Scene) -> Iterator[int]:
    """The status was set by hand. The timer was not even charged."""
    yield from scene.begins()
    yield from scene.works(quarters=6)
    yield from scene.resolves("Invoiced")
    why = 'the status is "Invoiced", there is no invoice, and the timer was never charged'
    amount = scene.amount("1.5", scene.story.kind)
    _unproven(scene, amount, "timer-uncharged", why, timer_id=scene.timer["id"])


@plot()
def billing_status_invoiced(scene: Scene) -> Iterator[int]:
    """Another program set the billing status."""
    yield from _charged(scene, 2)
    yield from scene.resolves()
    scene.account.tickets.change(scene.ticket, {"billing_status": "invoiced"})
    why = 'the billing status is "invoiced", there is no invoice, and the line waits'
    amount = scene.amount("0.5", scene.story.kind)
    _unproven(scene, amount, "pending-stale", why, ticket_line_item_id=scene.line["id"])


@plot("contract")
def nothing_to_invoice(scene: Scene) -> Iterator[int]:
    """Marked as invoiced, but under a contract there was nothing to bill."""
    yield from scene.begins()
    yield from scene.works()
    yield from scene.resolves("Invoiced")
    scene.key.near_miss("invoiced-unproven", scene, excused_by="all its work is non-billable")


# ---------------------------------------------------------------- duplicate-invoice and invoice-vs-ticket


@plot()
def invoiced_twice(scene: Scene) -> Iterator[int]:
    """The ticket was invoiced, and on the next day somebody typed the same line into a second invoice of it."""
    yield from _invoiced(scene, 4)
    first = scene.invoice
    (line,) = billing.lines_of(scene.account, first)
    yield from scene.morning(300, 600)
    second = scene.bill()
    copied = {name: line[name] for name in ("item", "name", "quantity", "product_id")}
    billing.add_invoice_line(scene.account, second, copied, scene.now)
    amount = scene.amount("1", scene.story.kind)
    why = "two invoices of one ticket share their line"
    named = {"invoice": second, "also": ["invoice-vs-ticket"], "other_invoice_id": first["id"]}
    scene.key.case("duplicate-invoice", scene, amount, "over", why=why, **named)
    excuse = "duplicate-invoice (S1) claims the same dollars"
    scene.key.near_miss("invoice-vs-ticket", scene, excused_by=excuse, invoice=second)


@plot(kind="onsite")
def billed_in_two_parts(scene: Scene) -> Iterator[int]:
    """First the work, later the part: two invoices of one ticket that share nothing."""
    yield from _invoiced(scene)
    yield from scene.wait(60, 300)
    scene.sell("ups_battery")
    yield from scene.morning(300, 600)
    second = scene.bill()
    excuse = "two invoices of one ticket, without a line in common"
    scene.key.near_miss("duplicate-invoice", scene, invoice=second, excused_by=excuse)
    excuse = "the two invoices together are what the ticket says"
    scene.key.near_miss("invoice-vs-ticket", scene, invoice=second, excused_by=excuse)
    yield from scene.pays()


@plot(kind="onsite")
def two_instead_of_one(scene: Scene) -> Iterator[int]:
    """The quantity of a part was changed on the invoice only."""
    yield from _invoiced(scene, goods="toner")
    (line,) = _lines(scene, GOODS["toner"][0])
    billing.change_invoice_line(scene.account, scene.invoice, line, {"quantity": 2}, scene.now)
    why = "the invoice has two of a part, and the ticket one"
    _differs(scene, GOODS["toner"][3], "over", why, line_item_id=line["id"])
    yield from scene.pays()


@plot(kind="onsite")
def lost_on_the_way(scene: Scene) -> Iterator[int]:
    """A line of the ticket counts as invoiced, and is on no invoice."""
    yield from _invoiced(scene, goods="keyboard")
    (line,) = _lines(scene, GOODS["keyboard"][0])
    scene.account.invoice_lines.remove(line)
    billing.recompute(scene.account, scene.invoice)
    why = "the ticket's line is converted, and the invoice does not have it"
    _differs(scene, GOODS["keyboard"][3], "leak", why, ticket_line_item_id=line["ticket_line_id"])
    yield from scene.pays()


@plot()
def added_by_hand(scene: Scene) -> Iterator[int]:
    """A way that the ticket does not know was added to the invoice."""
    yield from _invoiced(scene)
    added = {"product_id": LABOR["travel"][0], "quantity": 1}
    line = billing.add_invoice_line(scene.account, scene.invoice, added, scene.now)
    why = "the invoice has a product that the ticket has not"
    _differs(scene, scene.price("travel"), "over", why, line_item_id=line["id"])
    yield from scene.pays()


def _differs(scene: Scene, amount: int, direction: str, why: str, **ids: Any) -> None:
    scene.key.case("invoice-vs-ticket", scene, amount, direction, invoice=scene.invoice, why=why, **ids)


@plot("block")
def drawn_from_the_block(scene: Scene) -> Iterator[int]:
    """On the ticket the hour has a price, and on the invoice it is drawn from the prepaid hours."""
    yield from _invoiced(scene, 4)
    ids = {"invoice": scene.invoice}
    for rule in ("invoice-vs-ticket", "rate-drift", "zero-line", "tax"):
        scene.key.near_miss(rule, scene, excused_by="the hours are drawn from a block", **dict(ids))


# ---------------------------------------------------------------- tax


def _tax(scene: Scene) -> int:
    return tax_cents(scene.invoice["subtotal_cents"], exact(_rate(scene)))


def _rate(scene: Scene) -> str:
    return next(iter(scene.account.switches.tax_rates.values()), "0")


@plot(times=2)
def line_not_taxed(scene: Scene) -> Iterator[int]:
    """Somebody took the tax off the line."""
    yield from _charged(scene, scene.rng.choice((3, 4)))
    scene.change_line(scene.line, taxable=False)
    yield from resolved_and_invoiced(scene)
    why = "the line is not taxable, and its product is"
    scene.key.case("tax", scene, _tax(scene), "leak", invoice=scene.invoice, why=why)
    yield from scene.pays()


@plot()
def invoice_not_taxed(scene: Scene) -> Iterator[int]:
    """The whole invoice came out without tax."""
    yield from _charged(scene, 6)
    yield from resolved_and_invoiced(scene)
    scene.invoice["tax_percent"] = "0"
    billing.recompute(scene.account, scene.invoice)
    why = "taxable lines of a customer with a tax rate, and no tax"
    scene.key.case("tax", scene, _tax(scene), "leak", invoice=scene.invoice, why=why)
    yield from scene.pays()


@plot()
def freight_taxed(scene: Scene) -> Iterator[int]:
    """Freight is not taxable here, and was taxed."""
    yield from scene.begins()
    scene.sell("freight", 2)
    scene.change_line(scene.line, taxable=True)
    yield from scene.works(billable=False, notes="Courtesy: sent the cables after them")
    yield from resolved_and_invoiced(scene)
    why = "the line is taxed, and its product is not taxable"
    scene.key.case("tax", scene, _tax(scene), "over", invoice=scene.invoice, why=why)
    yield from scene.pays()


@plot()
def freight_not_taxed(scene: Scene) -> Iterator[int]:
    """As it should be."""
    yield from _invoiced(scene, goods="freight")
    excuse = "the product is not taxable"
    scene.key.near_miss("tax", scene, invoice=scene.invoice, excused_by=excuse)
    yield from scene.pays()


@plot("exempt")
def exempt_and_taxed(scene: Scene) -> Iterator[int]:
    """One invoice of an exempt customer was taxed all the same. The one before it has only what nobody is taxed for."""
    yield from scene.wait_until(scene.now)
    fields = {"customer_id": scene.customer["id"], "due_date": scene.team.due(scene.business, scene.now)}
    first = billing.create_invoice(scene.account, {**fields, "name": "Freight"}, scene.now)
    sold = {"product_id": GOODS["freight"][0], "quantity": 3}
    billing.add_invoice_line(scene.account, first, sold, scene.now)
    excuse = "the customer is exempt, and so is freight"
    scene.key.near_miss("tax", customer=scene.customer, invoice=first, excused_by=excuse)
    yield from _charged(scene, 6)
    yield from resolved_and_invoiced(scene)
    scene.invoice["tax_percent"] = _rate(scene)
    billing.recompute(scene.account, scene.invoice)
    why = "the customer is exempt, and this invoice is taxed"
    scene.key.case("tax", scene, _tax(scene), "over", invoice=scene.invoice, why=why)
    yield from scene.pays()


# ---------------------------------------------------------------- no-path-to-bill


@plot("quiet", times=3)
def no_way_to_bill(scene: Scene) -> Iterator[int]:
    """Its monthly invoices leave ticket charges out, and nobody makes one from its tickets."""
    yield from scene.begins()
    line = scene.sell("dock")
    scene.comment("The dock is reserved for you; I bring it when the new desks are there.")
    scene.status("Waiting on Customer")
    why = "its schedules leave ticket charges out, a charge waits, and no ticket was invoiced in 45 days"
    ids = {"customer": scene.customer, "ticket_line_item_id": line["id"]}
    scene.key.case("no-path-to-bill", scene, GOODS["dock"][3], why=why, **ids)["ticket"] = None


@plot("billed", when="late")
def way_to_bill(scene: Scene) -> Iterator[int]:
    """Its schedule leaves ticket charges out, but a ticket of it was invoiced some days ago."""
    yield from scene.begins()
    scene.sell("dock")
    scene.bill()
    yield from scene.wait(30, 200)
    scene.sell("ups")
    scene.status("Waiting for Parts")
    excuse = "a ticket was invoiced within 45 days"
    scene.key.near_miss("no-path-to-bill", scene, customer=scene.customer, excused_by=excuse)
    yield from scene.pays()


@plot()
def billed_by_ticket(scene: Scene) -> Iterator[int]:
    """A charge waits on an open ticket of a customer who is billed by ticket."""
    yield from scene.begins()
    scene.sell("ups")
    scene.comment("I keep the UPS for you until the electrician has been.")
    scene.status("Waiting on Customer")
    scene.key.near_miss("no-path-to-bill", scene, excused_by="the customer has no schedule: it is billed by ticket")
