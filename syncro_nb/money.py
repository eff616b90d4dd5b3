"""Money is a whole number of cents, rounded half up; a float never touches it.

Decimals enter as `decimal.Decimal`, `int` or the strings of Syncro's JSON. A `float` is refused with a TypeError, because
it has already lost what we would need: 0.285 * 100 is not 28.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, ROUND_UP, Context, Decimal, InvalidOperation

Exact = Decimal | int | str

_PLAIN = re.compile(r"-?\d{1,15}(\.\d{1,30})?([eE][+-]?\d{1,2})?", re.ASCII)
_LARGEST_POWER, _SMALLEST_POWER = 14, -60  # of ten; anything beyond is a mistake, and would only cost time
_WIDE = Context(prec=120)  # products of what `exact` lets through are exact: rounding happens once


def exact(value: Exact) -> Decimal:
    """The value as a Decimal, nothing lost.

    Raises TypeError for a float (or bool), ValueError for text that is not a decimal number (up to 30 decimals, perhaps an
    exponent: a program's float is written so) and for what is 10^15 or more, or has digits below 10^-60.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise TypeError(f"money and hours are Decimal, int or str, not {type(value).__name__}")
    if isinstance(value, str):
        text = value.strip()
        if not _PLAIN.fullmatch(text):
            raise ValueError(f"{text[:40]!r} is not a decimal number")
        value = text
    number = Decimal(value)
    _, digits, power = number.as_tuple()
    if not isinstance(power, int):  # NaN and Infinity have a letter there
        raise ValueError("an amount must be finite")
    if power < _SMALLEST_POWER or power + len(digits) - 1 > _LARGEST_POWER:
        raise ValueError(f"{str(value)[:40]!r} is not a decimal number of a size that occurs")
    return number


def round_half_up(value: Decimal, places: int = 0) -> Decimal:
    """Rounded to so many decimal places, halves away from zero (accounting's "half up")."""
    try:
        return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    except InvalidOperation as error:
        raise ValueError("the amount is too large") from error


def cents(dollars: Exact) -> int:
    """Dollars as cents: cents("149.995") is 15000."""
    return int(round_half_up(_WIDE.multiply(exact(dollars), 100)))


def line_cents(quantity: Exact, price_cents: int) -> int:
    """What a line of `quantity` at `price_cents` each comes to, in cents."""
    return int(round_half_up(_WIDE.multiply(exact(quantity), price_cents)))


def tax_cents(taxable_subtotal_cents: int, rate_percent: Decimal) -> int:
    """Tax on a subtotal, rounded once: 8.7 % of 7500 is 653 (cents)."""
    return int(round_half_up(rate_percent * taxable_subtotal_cents / 100))


def dollars(amount_cents: int) -> Decimal:
    """Cents as dollars with two decimal places, for a request to Syncro or a spreadsheet."""
    return Decimal(amount_cents).scaleb(-2)


def format_cents(amount_cents: int) -> str:
    """For people: format_cents(-123456) is "-$1,234.56"."""
    sign = "-" if amount_cents < 0 else ""
    return f"{sign}${dollars(abs(amount_cents)):,.2f}"


def hours_of(minutes: int, price_cents: int) -> Decimal:
    """Minutes as hours: exactly where that is possible (45 is 0.75), else as `hours_of_seconds` says."""
    return hours_of_seconds(minutes * 60, price_cents)


def hours_of_seconds(seconds: int, price_cents: int) -> Decimal:
    """Seconds as hours: exactly where that is possible (2700 is 0.75), else with the fewest decimals that cost the same.

    A third of an hour has no finite decimal form, and few decimals of it may cost a cent too much or too little. So
    decimals are added, from four on, until quantity times price rounds to what the exact time costs, and is 0.05 cents or
    more (half of what the exact time leaves, if that is less) from where it would round otherwise: a server that
    multiplies in floats must come to the same cent.
    """
    if seconds % 9 == 0:
        return exact(f"{(Decimal(seconds) / 3600).normalize():f}")
    hours, amount = Decimal(seconds) / 3600, Decimal(seconds * price_cents) / 3600
    want = round_half_up(amount)
    half, enough = Decimal("0.5"), Decimal("0.05")
    low, high = want - half, want + half
    below, above = min(enough, (amount - low) / 2), min(enough, (high - amount) / 2)
    for places in range(4, 13):
        # Rounded up only where the exact amount ends on half a cent, which the nearest decimal may fall short of.
        for rounding in (ROUND_HALF_UP, ROUND_UP):
            near = hours.quantize(Decimal(1).scaleb(-places), rounding)
            cost = near * price_cents
            if low < cost and low + below <= cost <= high - above:
                return exact(f"{near.normalize():f}")
    raise ValueError(f"{seconds} seconds at {format_cents(price_cents)} cannot be written as hours")


def total(amounts: Iterable[int]) -> int:
    """The sum of whole cents; an empty sum is the integer 0 (pandas would say 0.0)."""
    return sum(amounts, 0)
