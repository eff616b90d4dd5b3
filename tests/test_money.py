from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncro_nb import money


def test_half_an_hour_at_150_dollars_with_tax_is_81_53():
    line = money.line_cents("0.5", 15000)
    tax = money.tax_cents(line, Decimal("8.7"))
    assert (line, tax, money.format_cents(line + tax)) == (7500, 653, "$81.53")


def test_halves_round_up_away_from_zero():
    assert money.cents("0.005") == 1
    assert money.cents("-0.005") == -1
    assert money.line_cents("0.5", 1) == 1


def test_a_float_never_becomes_money():
    with pytest.raises(TypeError):
        money.cents(0.285)
    with pytest.raises(TypeError):
        money.cents(True)


@pytest.mark.parametrize("text", ["", "1,000", "1e3", "NaN", "Infinity", "0x10", "١٢", "1.2.3", "9" * 40])
def test_text_that_is_no_plain_amount_is_refused(text):
    with pytest.raises(ValueError, match="decimal number"):
        money.cents(text)


@pytest.mark.parametrize(
    ("minutes", "hours"), [(45, "0.75"), (30, "0.5"), (60, "1"), (6, "0.1"), (3, "0.05"), (1440, "24")]
)
def test_minutes_become_hours_exactly_where_that_is_possible(minutes, hours):
    assert money.hours_of(minutes, 15000) == Decimal(hours)


@given(st.integers(1, 1440), st.integers(1, 100_000))
def test_hours_cost_what_the_exact_minutes_cost(minutes, price_cents):
    exact = Fraction(minutes * price_cents, 60)
    half_up = int(exact + Fraction(1, 2))
    assert money.line_cents(money.hours_of(minutes, price_cents), price_cents) == half_up
    assert abs(Fraction(money.hours_of(minutes, price_cents)) - Fraction(minutes, 60)) <= Fraction(1, 10_000)


@given(st.integers(-(10**12), 10**12))
def test_cents_to_dollars_and_back_loses_nothing(amount):
    assert money.cents(money.dollars(amount)) == amount


def test_the_sum_of_nothing_is_a_whole_zero():
    assert money.total([]) == 0
    assert isinstance(money.total([]), int)
