"""Which sales tax rate will hold, and how we know. Syncro's API has no list of rates, so earlier invoices tell.

An invoice pins its rate down to an interval: a tax of $6.53 on $75.00 is anything from 8.70 % to 8.71 %. The newest invoices
are laid over each other for as long as they have a rate in common, and the shortest number in what is left is taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ..money import line_cents, round_half_up, tax_cents, total
from ..service.records import Invoice

MOST = Decimal(50)  # percent; no sales tax is higher


@dataclass(frozen=True)
class TaxRate:
    """A rate in percent and where it was seen. It lies from `low` to `high`, which are one if it is known for certain."""

    percent: Decimal
    source: str
    low: Decimal
    high: Decimal

    def tax_between(self, base_cents: int) -> tuple[int, int]:
        """The least and the most tax on this base, in cents; one and the same where the rate is known well enough."""
        return tax_cents(base_cents, self.low), tax_cents(base_cents, self.high)


def certain(percent: Decimal, source: str) -> TaxRate:
    """A rate that somebody has written down."""
    return TaxRate(percent, source, percent, percent)


def seen_on(invoices: Iterable[Invoice], source: str) -> TaxRate | None:
    """The rate that these invoices, newest first, show. None if none of them has a taxable amount.

    Invoices with lines count only their taxable ones; without lines the whole subtotal is taken as the base, so an invoice
    that mixes both kinds must be read in full to tell.
    """
    low, high = Decimal(0), MOST
    seen = False
    for invoice in invoices:
        base = taxable_cents(invoice)
        if base <= 0:
            continue
        least = max(low, (invoice.tax_cents - Decimal("0.5")) * 100 / base)
        most = min(high, (invoice.tax_cents + Decimal("0.5")) * 100 / base)
        if least >= most:
            break  # the rate changed before this one was made, or it is an odd one: the newer ones stand
        low, high, seen = least, most, True
    if not seen:
        return None
    percent = shortest_between(low, high)
    untaxed = percent == 0
    return TaxRate(percent, source, percent if untaxed else low, percent if untaxed else high)


def shortest_between(low: Decimal, high: Decimal) -> Decimal:
    """The number with the fewest decimals from low (inclusive) to high (exclusive): how rates are set."""
    for places in range(7):
        step = Decimal(1).scaleb(-places)
        rate = (low / step).to_integral_value("ROUND_CEILING") * step
        if low <= rate < high:
            return rate.normalize() if rate else Decimal(0)
    return round_half_up((low + high) / 2, 6)


def taxable_cents(invoice: Invoice) -> int:
    """What of an invoice is taxable, in cents."""
    if invoice.lines is None:
        return invoice.subtotal_cents
    return total(line_cents(line.quantity, line.price_cents) for line in invoice.lines if line.taxable)
