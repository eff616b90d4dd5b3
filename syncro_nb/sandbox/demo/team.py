"""The team of the demo account: when its technicians are free, and what it does with money."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random

from ...money import tax_cents
from .. import billing, desk
from ..state import Account, Row
from ..times import DAY, MINUTE, from_ms
from .answer_key import AnswerKey
from .cast import GOODS, PREPAID_HOURS, Business, Offer, Technician
from .story import Story
from .workdays import after, next_open, quarter

_PAY_IN_PARTS = 0.06  # of all invoices: a third at once, the rest when it is due


class Team:
    """Who works at the desk and for whom."""

    def __init__(
        self,
        account: Account,
        seed: int,
        crew: Sequence[Technician],
        technicians: dict[str, Row],
        customers: dict[str, Row],
        end: int,
    ) -> None:
        self.account, self.seed, self.zone, self.end = account, seed, account.switches.zone, end
        self.crew, self.technicians, self.customers = list(crew), technicians, customers
        self.shares = [one.share for one in crew]
        self.key = AnswerKey(account, end)
        self._free_at = dict.fromkeys(technicians, 0)
        self._calls: dict[str, deque[tuple[int, int]]] = {name: deque(maxlen=30) for name in technicians}
        self._told: dict[str, list[Story]] = {}  # by customer, the latest last
        self._told_last: list[Story] = []
        self._refilled: dict[str, int] = {}
        self._billed: dict[tuple[str, tuple[object, ...]], int] = {}
        self.also: list[Iterator[int]] = []  # scenes that others have begun

    def pick_story(self, fitting: list[Story], rng: Random, business: Business) -> Story:
        """One of the stories that were not told for the longest time, and none of this customer's last ones.

        Two invoices of one customer with the same text within a few days would look like one invoice made twice.
        """
        own = self._told.setdefault(business.name, [])
        fitting = [story for story in fitting if story not in own] or fitting
        rest = [story for story in fitting if story not in self._told_last]
        told = [story for story in self._told_last if story in fitting]
        story = rng.choice((rest + told)[: max(4, len(fitting) // 3)])
        self._told_last = [one for one in self._told_last if one != story] + [story]
        own.append(story)
        del own[:-8]
        return story

    def book(self, who: Technician, earliest: int, quarters: int) -> int:
        """The start of the next free piece of work of a technician, all of it inside the hours of the desk."""
        length = quarters * 15 * MINUTE
        start = quarter(next_open(max(earliest, self._free_at[who.name]), self.zone))
        while not self._open_throughout(start, start + length - MINUTE):
            start = next_open(start + 15 * MINUTE, self.zone)
        self._free_at[who.name] = start + length
        return start

    def call_out(self, who: Technician, start: int, quarters: int) -> int:
        """The start of work that does not keep to the hours of the desk: then, or as soon as the technician is free."""
        length = quarters * 15 * MINUTE
        if next_open(start, self.zone) == start:
            start = max(start, self._free_at[who.name])
            self._free_at[who.name] = start + length
        while clash := self._clash(who, start, length):
            start = clash
        self._calls[who.name].append((start, start + length))
        return start

    def is_free(self, who: Technician, start: int, quarters: int) -> bool:
        """Whether nothing is booked that would move work of that time."""
        return start >= self._free_at[who.name] and not self._clash(who, start, quarters * 15 * MINUTE)

    def _clash(self, who: Technician, start: int, length: int) -> int:
        """The end of a call that lies across, or 0."""
        return next((until for since, until in self._calls[who.name] if since < start + length and until > start), 0)

    def least_busy(self) -> str:
        """Who is free first."""
        return min(self._free_at, key=lambda name: (self._free_at[name], name))

    def _open_throughout(self, first: int, last: int) -> bool:
        one_day = from_ms(first, self.zone).date() == from_ms(last, self.zone).date()
        return one_day and all(next_open(instant, self.zone) == instant for instant in (first, last))

    def add_goods(self, ticket: Row, goods: str, quantity: int, now: int) -> Row:
        """A line item for goods or licences."""
        product = self.account.products.rows[GOODS[goods][0]]
        fields = desk.product_line(product, str(quantity), product["description"])
        return desk.add_line(self.account, ticket, fields, now)

    def take_payment(self, invoice: Row, method: str, now: int, cents: int = 0) -> None:
        """The customer pays so much of an invoice, or what is left of it."""
        billing.add_payment(
            self.account,
            {
                "customer_id": invoice["customer_id"],
                "invoice_id": invoice["id"],
                "amount_cents": cents or invoice["total_cents"] - invoice["paid_cents"],
                "payment_method": method,
                "ref_num": f"{int(invoice['number']) * 7 % 9000 + 1000}" if method == "Check" else None,
            },
            now,
        )

    def refund(self, note: Row, now: int) -> None:
        """The money of a credit note goes back."""
        row = billing.add_payment(
            self.account,
            {"customer_id": note["customer_id"], "amount_cents": 1, "payment_method": "Credit Card"},
            now,
        )
        row.update(amount_cents=note["total_cents"], applied={str(note["id"]): note["total_cents"]})
        note.update(paid_cents=note["total_cents"], payment_ids=[row["id"]])

    def await_payment(self, invoice: Row, business: Business, rng: Random, now: int) -> Iterator[int]:
        """Most customers pay within their terms, some a little later, and some much later."""
        if not invoice["total_cents"]:
            return
        days = rng.randint(3, business.terms_days + 6)
        if rng.random() < business.pays_late:
            days = business.terms_days + rng.randint(31, 75)
        paid_at = after(now + days * DAY, rng.randint(20, 300), self.zone)
        if rng.random() < _PAY_IN_PARTS:
            first = after(now + 2 * DAY, rng.randint(20, 300), self.zone)
            yield first
            self.take_payment(invoice, "Check", first, invoice["total_cents"] // 3)
        yield max(now, paid_at)
        self.take_payment(invoice, rng.choice(("Check", "Check", "Credit Card", "Other")), paid_at)

    def refill(self, business: Business, now: int) -> None:
        """The customer's hours run low, and it buys ten more, once a week at most."""
        if now > self._refilled.get(business.name, 0) + 7 * DAY:
            self._refilled[business.name] = now
            self.also.append(self.sell_hours(business, 10, now))

    def billed_alike(self, business: Business, lines: tuple[object, ...], now: int) -> bool:
        """Whether the customer was billed the same within four days: this would look like an invoice made twice."""
        last = self._billed.get((business.name, lines), 0)
        if now < last + 4 * DAY:
            return True
        self._billed[business.name, lines] = now
        return False

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
