"""The money of the years before: invoices in the order of their days, payments, prepaid hours, and what recurs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from ...money import tax_cents
from .. import recurring
from ..billing import PREPAY_CATEGORY
from ..request import shortest
from ..state import Account, Row
from ..times import MINUTE
from .cast import PREPAID_HOURS
from .patrons import Patron
from .workdays import at, is_workday

QUANTITIES = {quarters: shortest(Decimal(quarters) / 4) for quarters in range(400)}
_QUARTERS = {text: quarters for quarters, text in QUANTITIES.items()}
_LOW, _BLOCK = 40, 80  # quarter hours: when a customer buys more of them, and how many


class Bills:
    """What is due on which day."""

    def __init__(self, account: Account, patrons: Sequence[Patron], rng: Random) -> None:
        self.account, self.zone, self._rng = account, account.switches.zone, rng
        self._patrons = {one.customer["id"]: one for one in patrons}
        self._due: dict[date, list[tuple[Row | None, Patron]]] = defaultdict(list)  # no ticket: a sale of hours
        self._unpaid: dict[date, list[Row]] = defaultdict(list)

    def expect(self, ticket: Row, patron: Patron, day: date) -> None:
        """The ticket is invoiced on that day."""
        self._due[day].append((ticket, patron))

    def run_schedules(self, day: date) -> None:
        """On the first of the month, as the schedules say."""
        if day.day == 1:
            for schedule in self.account.schedules:
                if schedule["next_run"] == day.isoformat():
                    invoice = recurring.run(self.account, schedule, at(day, 6, 0, self.zone), sweeps=False)
                    self._unpaid[_workday(day + timedelta(days=14))].append(invoice)

    def make_invoices(self, day: date) -> None:
        """Those of resolved tickets, and those of prepaid hours. A ticket without lines is closed."""
        begin = at(day, 9, 30, self.zone)
        jobs = self._due.pop(day, [])
        for place, (ticket, patron) in enumerate(jobs):
            now = begin + place * 90 // len(jobs) * MINUTE
            if ticket is None:
                self._sell_hours(patron, day, now)
                continue
            lines = self.account.ticket_lines.where("ticket_id", ticket["id"])
            if lines:
                self._bill(ticket, patron, lines, day, now)
                ticket["billing_status"] = "invoiced"
            ticket.update(status="Invoiced" if lines else "Closed", updated_at=now)

    def take_payments(self, day: date) -> None:
        """What customers pay on that day, in full."""
        for place, invoice in enumerate(self._unpaid.pop(day, ())):
            self._pay(invoice, day, at(day, 10, 0, self.zone) + place % 240 * MINUTE)

    def unpaid(self) -> Iterator[tuple[Row, int]]:
        """The invoices that are paid after the history has ended, each with its instant."""
        for day, invoices in sorted(self._unpaid.items()):
            for place, invoice in enumerate(invoices):
                yield invoice, at(day, 10, 0, self.zone) + place % 240 * MINUTE

    def settle_hours(self) -> None:
        """The prepaid hours that are left go into the customers' own rows."""
        for patron in self._patrons.values():
            if patron.business.prepaid:
                patron.customer["prepay_hours"] = shortest(Decimal(patron.quarters) / 4)

    def _bill(self, ticket: Row, patron: Patron, lines: list[Row], day: date, now: int) -> None:
        invoice = self._invoice(patron, day, now, ticket)
        subtotal = taxable = 0
        for position, line in enumerate(lines, 1):
            quarters, price = _QUARTERS[line["quantity"]], line["retail_cents"]
            drawn = bool(patron.business.prepaid) and line["product_category"] == "Labor"
            if drawn:
                price = 0
                patron.quarters -= quarters
            amount = (quarters * price + 2) // 4
            subtotal += amount
            taxable += amount if line["taxable"] else 0
            self._line(invoice, line, position, price, line["quantity"] if drawn else "0.0")
            line.update(converted=True, updated_at=now)
        self._finish(invoice, patron, subtotal, taxable, day)
        if patron.business.prepaid and patron.quarters < _LOW and not patron.buys_hours:
            patron.buys_hours = True
            self._due[_workday(day + timedelta(days=1))].append((None, patron))

    def _sell_hours(self, patron: Patron, day: date, now: int) -> None:
        patron.buys_hours = False
        patron.quarters += _BLOCK
        product_id, item, price, said = PREPAID_HOURS
        invoice = self._invoice(patron, day, now, None)
        invoice["name"] = "Prepaid hours"
        sold = {"id": None, "name": item, "description": said, "quantity": QUANTITIES[_BLOCK], "product_id": product_id}
        row = {**sold, "cost_cents": 0, "taxable": True, "product_category": PREPAY_CATEGORY}
        self._line(invoice, row, 1, price, f"-{QUANTITIES[_BLOCK]}")
        self._finish(invoice, patron, _BLOCK * price // 4, _BLOCK * price // 4, day)

    def _invoice(self, patron: Patron, day: date, now: int, ticket: Row | None) -> Row:
        account = self.account
        number, account.next_invoice_number = account.next_invoice_number, account.next_invoice_number + 1
        return account.invoices.add(
            {
                "id": account.invoices.next_id(),
                "number": str(number),
                "name": None,
                "customer_id": patron.customer["id"],
                "created_at": now,
                "updated_at": now,
                "date": day.isoformat(),
                "due_date": (day + timedelta(days=patron.business.terms_days)).isoformat(),
                "ticket_id": ticket["id"] if ticket else None,
                "contact_id": ticket["contact_id"] if ticket else None,
                "po_number": None,
                "note": None,
                "hardwarecost_cents": None,
                "user_id": account.owner_id,
                "schedule_id": None,
                "took_payment": False,
                "tax_percent": str(patron.rate),
                "subtotal_cents": 0,
                "tax_cents": 0,
                "total_cents": 0,
                "paid_cents": 0,
                "payment_ids": [],
            }
        )

    def _line(self, invoice: Row, line: Row, position: int, price: int, drawn: str) -> None:
        self.account.invoice_lines.add(
            {
                "id": self.account.invoice_lines.next_id(),
                "created_at": invoice["created_at"],
                "updated_at": invoice["created_at"],
                "invoice_id": invoice["id"],
                "estimate_id": None,
                "discount_percent": None,
                "discount_dollars": None,
                "product_category": line["product_category"],
                "position": position,
                "drawn_hours": drawn,
                "item": line["name"],
                "name": line["description"],
                "quantity": line["quantity"],
                "product_id": line["product_id"],
                "price_cents": price,
                "cost_cents": line["cost_cents"],
                "taxable": line["taxable"],
                "ticket_line_id": line["id"],
            }
        )

    def _finish(self, invoice: Row, patron: Patron, subtotal: int, taxable: int, day: date) -> None:
        """The totals, and when it will be paid."""
        tax = tax_cents(taxable, patron.rate)
        invoice.update(subtotal_cents=subtotal, tax_cents=tax, total_cents=subtotal + tax)
        if subtotal:
            terms = patron.business.terms_days
            days = self._rng.randint(3, terms + 6)
            if self._rng.random() < patron.business.pays_late:
                days = terms + self._rng.randint(31, 75)
            self._unpaid[_workday(day + timedelta(days=days))].append(invoice)

    def _pay(self, invoice: Row, day: date, now: int) -> None:
        total, method = invoice["total_cents"], self._rng.choice(("Check", "Check", "Credit Card", "Other"))
        row = self.account.payments.add(
            {
                "id": self.account.payments.next_id(),
                "created_at": now,
                "updated_at": now,
                "customer_id": invoice["customer_id"],
                "amount_cents": total,
                "applied": {str(invoice["id"]): total},
                "ref_num": f"{int(invoice['number']) * 7 % 9000 + 1000}" if method == "Check" else None,
                "applied_at": day.isoformat(),
                "payment_method": method,
                "success": True,
                "signature_date": None,
            }
        )
        invoice.update(paid_cents=total, payment_ids=[row["id"]], updated_at=now)


def _workday(day: date) -> date:
    """This day, or the next one on which the desk works."""
    while not is_workday(day):
        day += timedelta(days=1)
    return day
