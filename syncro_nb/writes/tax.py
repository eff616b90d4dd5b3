"""Which sales tax rate will hold, and how we know. Syncro's API has no list of rates, so earlier invoices tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ..money import line_cents, round_half_up, tax_cents, total
from ..service.records import Invoice


@dataclass(frozen=True)
class TaxRate:
    """A rate in percent, and where it was seen."""

    percent: Decimal
    source: str


def seen_on(invoices: Iterable[Invoice], source: str) -> TaxRate | None:
    """The rate that invoices show: most of them, then the largest base. None if none of them has a taxable amount.

    Invoices with lines count only their taxable ones; without lines the whole subtotal is taken as the base, so an invoice
    that mixes both kinds must be read in full to tell.
    """
    rates: Counter[Decimal] = Counter()
    bases: dict[Decimal, int] = {}
    for invoice in invoices:
        base = taxable_cents(invoice)
        rate = implied_percent(base, invoice.tax_cents)
        if base > 0 and rate is not None:
            rates[rate] += 1
            bases[rate] = max(base, bases.get(rate, 0))
    best = max(rates, key=lambda rate: (rates[rate], bases[rate]), default=None)
    return None if best is None else TaxRate(best, source)


def taxable_cents(invoice: Invoice) -> int:
    """What of an invoice is taxable, in cents."""
    if invoice.lines is None:
        return invoice.subtotal_cents
    return total(line_cents(line.quantity, line.price_cents) for line in invoice.lines if line.taxable)


def implied_percent(base_cents: int, tax: int) -> Decimal | None:
    """The shortest rate in percent that makes this tax of this base; None if no sensible rate does."""
    if base_cents <= 0:
        return None
    for places in range(5):
        rate = round_half_up(Decimal(tax) * 100 / base_cents, places)
        if tax_cents(base_cents, rate) == tax and 0 <= rate < 50:
            return rate.normalize() if rate else Decimal(0)
    return None
