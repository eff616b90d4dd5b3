"""Planted in prepaid hours and payments: free work that draws hours, and flags that disagree with what was paid."""

from __future__ import annotations

from collections.abc import Iterator

from ...money import line_cents
from .. import billing
from ..state import Row
from ..times import DAY
from .cast import PREPAID_HOURS
from .plots import plot, resolved_and_invoiced, worked_and_charged
from .scene import Scene
from .workdays import after

_DRAWS = "free work in category Labor on the invoice of a customer with prepaid hours: Syncro draws hours for it"


def _invoiced(scene: Scene, quarters: int = 0) -> Iterator[int]:
    yield from worked_and_charged(scene, quarters=quarters)
    yield from resolved_and_invoiced(scene)


# ---------------------------------------------------------------- block-on-free-work


def _free(scene: Scene, quarters: int, notes: str) -> Iterator[int]:
    yield from scene.begins()
    yield from scene.works(quarters=quarters, notes=notes)
    scene.charge()
    scene.change_line(scene.line, price_retail="0")
    yield from resolved_and_invoiced(scene)
    _drawn(scene)


def _drawn(scene: Scene) -> None:
    amount = line_cents(scene.line["quantity"], PREPAID_HOURS[2])
    ids = {"invoice": scene.invoice, "ticket_line_item_id": scene.line["id"]}
    scene.key.case("block-on-free-work", scene, amount, "over", why=_DRAWS, **ids)
    scene.key.near_miss("zero-line", scene, excused_by="the hours were drawn from a block", **dict(ids))


@plot("block", times=2)
def courtesy_drawn(scene: Scene) -> Iterator[int]:
    """Meant as a courtesy, at $0.00; the hours went all the same."""
    yield from _free(scene, 2, "Courtesy: showed the new colleague around in the mailbox, no charge")


@plot("block")
def warranty_drawn(scene: Scene) -> Iterator[int]:
    """Put right what was ours, at the customer's hours."""
    yield from _free(scene, 4, "Warranty: did last week's work over, no charge")


@plot("block")
def internal_drawn(scene: Scene) -> Iterator[int]:
    """Internal work is free, and its product is in category Labor."""
    yield from scene.begins()
    yield from scene.works("internal", 2, "Documented the network for ourselves")
    scene.charge()
    yield from resolved_and_invoiced(scene)
    _drawn(scene)


@plot("block")
def courtesy_not_drawn(scene: Scene) -> Iterator[int]:
    """The shop has a product for this that is not in category Labor."""
    yield from scene.begins()
    yield from scene.works(quarters=1, notes="Courtesy: five minutes on the telephone", billable=False)
    scene.sell("courtesy")
    yield from resolved_and_invoiced(scene)
    excuse = "the free line is not in category Labor, so no hours are drawn"
    scene.key.near_miss("block-on-free-work", scene, invoice=scene.invoice, excused_by=excuse)


@plot("block")
def priced_and_drawn(scene: Scene) -> Iterator[int]:
    """Ordinary work: it has its price on the ticket, and is drawn."""
    yield from _invoiced(scene)
    excuse = "the work has a price on the ticket: it is drawn as it should be"
    scene.key.near_miss("block-on-free-work", scene, invoice=scene.invoice, excused_by=excuse)


# ---------------------------------------------------------------- paid-flags


def _pay(scene: Scene, amount: int, **values: object) -> Row:
    fields = {"customer_id": scene.customer["id"], "amount_cents": amount, "payment_method": "Credit Card"}
    return billing.add_payment(scene.account, {**fields, **values}, scene.now)


def _some_days(scene: Scene) -> Iterator[int]:
    yield from scene.wait_until(after(scene.now + 4 * DAY, scene.rng.randint(20, 200), scene.zone))


@plot()
def paid_without_a_payment(scene: Scene) -> Iterator[int]:
    """Somebody ticked the box, and no payment was entered."""
    yield from _invoiced(scene)
    scene.invoice["took_payment"] = True
    total = scene.invoice["total_cents"]
    why = "marked as paid, and there is no payment"
    scene.key.case("paid-flags", scene, total, "cash", invoice=scene.invoice, why=why)


@plot()
def paid_and_not_marked(scene: Scene) -> Iterator[int]:
    """The payment is there, and the flag says no."""
    yield from _invoiced(scene)
    yield from _some_days(scene)
    paid = _pay(scene, scene.invoice["total_cents"], invoice_id=scene.invoice["id"])
    scene.invoice["wrong_flag"] = False
    why = "paid in full, and not marked as paid; only the flag is wrong"
    scene.key.case("paid-flags", scene, 0, "cash", invoice=scene.invoice, why=why, payment_id=paid["id"])


@plot()
def payment_of_nothing(scene: Scene) -> Iterator[int]:
    """A payment that was put to no invoice. The invoice was paid again by another."""
    yield from _invoiced(scene)
    yield from _some_days(scene)
    stray = _pay(scene, scene.invoice["total_cents"], ref_num="2291")
    why = "a payment without an invoice"
    ids = {"customer": scene.customer, "payment_id": stray["id"]}
    row = scene.key.case("paid-flags", None, stray["amount_cents"], "cash", why=why, **ids)
    row["ids"]["customer_id"] = scene.customer["id"]
    yield from scene.pays()


@plot()
def refused_and_marked(scene: Scene) -> Iterator[int]:
    """The card was refused, and the invoice counts as paid."""
    yield from _invoiced(scene)
    yield from _some_days(scene)
    _refused(scene)
    scene.invoice["wrong_flag"] = True
    why = "marked as paid, and its only payment was refused"
    scene.key.case("paid-flags", scene, scene.invoice["total_cents"], "cash", invoice=scene.invoice, why=why)


def _refused(scene: Scene) -> None:
    """A payment that did not succeed counts for nothing."""
    row = _pay(scene, scene.invoice["total_cents"], invoice_id=scene.invoice["id"])
    row["success"] = False
    scene.invoice["paid_cents"] -= row["amount_cents"]


@plot()
def refused_then_paid(scene: Scene) -> Iterator[int]:
    """The card was refused, and the next one was not."""
    yield from _invoiced(scene)
    yield from _some_days(scene)
    _refused(scene)
    yield from scene.wait(100, 400)
    _pay(scene, scene.invoice["total_cents"], invoice_id=scene.invoice["id"])
    excuse = "the refused payment does not count; the second one paid it"
    scene.key.near_miss("paid-flags", scene, invoice=scene.invoice, excused_by=excuse)


@plot()
def paid_in_part(scene: Scene) -> Iterator[int]:
    """Half of it now, the rest later."""
    yield from _invoiced(scene, 6)
    yield from _some_days(scene)
    _pay(scene, scene.invoice["total_cents"] // 2, invoice_id=scene.invoice["id"])
    excuse = "paid in part, and not marked as paid"
    scene.key.near_miss("paid-flags", scene, invoice=scene.invoice, excused_by=excuse)


@plot("block")
def nothing_to_pay(scene: Scene) -> Iterator[int]:
    """A total of $0.00 that somebody marked as paid."""
    yield from _invoiced(scene)
    scene.invoice["took_payment"] = True
    excuse = "a total of $0.00 agrees with either flag"
    scene.key.near_miss("paid-flags", scene, invoice=scene.invoice, excused_by=excuse)
