"""The team of the demo account: when its technicians are free, and what it does with money."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

from ...money import tax_cents
from .. import billing, desk
from ..state import Account, Row
from ..times import DAY, MINUTE, from_ms
from .cast import GOODS, PREPAID_HOURS, Business, Offer, Technician
from .stories import Story
from .workdays import after, next_open, quarter


class Team:
    """Who works at the desk and for whom."""

    def __init__(self, account: Account, seed: int, technicians: dict[str, Row], customers: dict[str, Row]) -> None:
        self.account, self.seed, self.zone = account, seed, account.switches.zone
        self.technicians, self.customers = technicians, customers
        self._free_at = dict.fromkeys(technicians, 0)
        self._told: list[Story] = []
        self.also: list[Iterator[int]] = []  # scenes that others have begun

    def pick_story(self, fitting: list[Story], rng: Random) -> Story:
        """One of the stories that were not told for the longest time, so that few tickets are alike."""
        rest = [story for story in fitting if story not in self._told]
        told = [story for story in self._told if story in fitting]
        story = rng.choice((rest + told)[: max(4, len(fitting) // 3)])
        self._told = [one for one in self._told if one != story] + [story]
        return story

    def book(self, who: Technician, earliest: int, quarters: int) -> int:
        """The start of the next free piece of work of a technician, all of it inside the hours of the desk."""
        length = quarters * 15 * MINUTE
        start = quarter(next_open(max(earliest, self._free_at[who.name]), self.zone))
        while not self._open_throughout(start, start + length - MINUTE):
            start = next_open(start + 15 * MINUTE, self.zone)
        self._free_at[who.name] = start + length
        return start

    def _open_throughout(self, first: int, last: int) -> bool:
        one_day = from_ms(first, self.zone).date() == from_ms(last, self.zone).date()
        return one_day and all(next_open(instant, self.zone) == instant for instant in (first, last))

    def add_goods(self, ticket: Row, goods: str, quantity: int, now: int) -> None:
        """A line item for goods or licences."""
        product = self.account.products.rows[GOODS[goods][0]]
        desk.add_line(self.account, ticket, desk.product_line(product, str(quantity), product["description"]), now)

    def take_payment(self, invoice: Row, method: str, now: int) -> None:
        """The customer pays the whole of an invoice."""
        billing.add_payment(
            self.account,
            {
                "customer_id": invoice["customer_id"],
                "invoice_id": invoice["id"],
                "amount_cents": invoice["total_cents"],
                "payment_method": method,
                "ref_num": f"{int(invoice['number']) * 7 % 9000 + 1000}" if method == "Check" else None,
            },
            now,
        )

    def await_payment(self, invoice: Row, business: Business, rng: Random, now: int) -> Iterator[int]:
        """Most customers pay within their terms, some a little later, and some much later."""
        if not invoice["total_cents"]:
            return
        days = rng.randint(3, business.terms_days + 6)
        if rng.random() < business.pays_late:
            days = business.terms_days + rng.randint(31, 75)
        paid_at = after(now + days * DAY, rng.randint(20, 300), self.zone)
        yield paid_at
        self.take_payment(invoice, rng.choice(("Check", "Check", "Credit Card", "Other")), paid_at)

    def sell_hours(self, business: Business, hours: int, now: int) -> Iterator[int]:
        """A block of prepaid hours: its invoice, and some days later the payment."""
        customer = self.customers[business.name]
        yield now
        due = self.due(business, now)
        fields = {"customer_id": customer["id"], "name": "Prepaid hours", "due_date": due}
        invoice = billing.create_invoice(self.account, fields, now)
        billing.add_invoice_line(self.account, invoice, {"product_id": PREPAID_HOURS[0], "quantity": hours}, now)
        yield from self.await_payment(invoice, business, Random(f"{self.seed}/{invoice['number']}"), now)

    def due(self, business: Business, now: int) -> str:
        """When an invoice of today is due."""
        return (from_ms(now, self.zone).date() + timedelta(days=business.terms_days)).isoformat()

    def make_offer(self, offer: Offer, number: str, now: int) -> None:
        """An estimate with its one line."""
        account, customer = self.account, self.customers[offer.business]
        product = account.products.rows[GOODS[offer.goods][0]]
        subtotal = product["retail_cents"] * offer.quantity
        tax = tax_cents(subtotal, account.switches.tax_rate(customer["tax_rate_id"]))
        estimate = account.estimates.add(
            {
                "customer_id": customer["id"],
                "name": offer.title,
                "number": number,
                "status": offer.status,
                "created_at": now,
                "updated_at": now,
                "date": from_ms(now, self.zone).date().isoformat(),
                "subtotal_cents": subtotal,
                "tax_cents": tax,
                "total_cents": subtotal + tax,
                "ticket_id": None,
                "invoice_id": None,
                "employee": account.owner["email"],
            }
        )
        account.invoice_lines.add(
            {
                "created_at": now,
                "updated_at": now,
                "invoice_id": None,
                "estimate_id": estimate["id"],
                "item": product["name"],
                "name": product["description"],
                "quantity": f"{offer.quantity}.0",
                "product_id": product["id"],
                "product_category": product["product_category"],
                "price_cents": product["retail_cents"],
                "cost_cents": product["cost_cents"],
                "taxable": product["taxable"],
                "discount_percent": None,
                "discount_dollars": None,
                "position": 1,
                "drawn_hours": "0.0",
                "ticket_line_id": None,
            }
        )
