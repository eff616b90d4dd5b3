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


@pytest.mark.parametrize(
    "text",
    ["", "1,000", "e3", "1e", "1e3.0", "NaN", "Infinity", "0x10", "١٢", "1.2.3", "9" * 40, "1e15",
     "1e-61", "1e-999", "0." + "3" * 31],
)  # fmt: skip
def test_text_that_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="decimal number"):
        money.cents(text)


@pytest.mark.parametrize("number", ["1e999999", "1e15", "-1e15", "1e-61", "NaN", "sNaN", "-Infinity"])
def test_a_number_of_a_size_that_never_occurs_is_refused(number):
    with pytest.raises(ValueError, match=r"decimal number|finite"):
        money.exact(Decimal(number))


def test_what_a_program_makes_of_a_third_of_an_hour_is_read():
    assert money.exact("0.3333333333333333") == Decimal("0.3333333333333333")
    assert money.exact("0." + "3" * 30) == Decimal("0." + "3" * 30)
    assert money.exact("1e-1") == money.exact(Decimal("1E-1")) == Decimal("0.1")
    assert money.cents("1.5e3") == 150_000


def test_many_decimals_are_rounded_once():
    assert money.cents("1.00499999999999999999999999999") == 100
    assert money.line_cents("0.499999999999999999999999999999", 1) == 0


@pytest.mark.parametrize(
    ("minutes", "hours"), [(45, "0.75"), (30, "0.5"), (60, "1"), (6, "0.1"), (3, "0.05"), (1440, "24")]
)
def test_minutes_become_hours_exactly_where_that_is_possible(minutes, hours):
    assert money.hours_of(minutes, 15000) == Decimal(hours)


@given(st.integers(1, 1440), st.integers(1, 100_000))
def test_hours_cost_what_the_exact_minutes_cost(minutes, price_cents):
    exact = Fraction(minutes * price_cents, 60)
    half_up = int(exact + Fraction(1, 2))
    hours = money.hours_of(minutes, price_cents)
    assert money.line_cents(hours, price_cents) == half_up
    assert abs(Fraction(hours) - Fraction(minutes, 60)) <= Fraction(1, 10_000)
    if minutes % 3:  # else the hours are exact, and what they cost is, too
        low, high = half_up - Fraction(1, 2), half_up + Fraction(1, 2)
        cost = Fraction(hours) * price_cents
        assert cost > low
        assert cost - low >= min(Fraction(1, 20), (exact - low) / 2)
        assert high - cost >= min(Fraction(1, 20), (high - exact) / 2)
        in_floats = float(hours) * (price_cents / 100) * 100
        assert int(in_floats + 0.5) == half_up


def test_twenty_minutes_at_150_dollars_do_not_end_on_half_a_cent():
    assert money.hours_of(20, 15000) == Decimal("0.33333")


@given(st.integers(-(10**12), 10**12))
def test_cents_to_dollars_and_back_loses_nothing(amount):
    assert money.cents(money.dollars(amount)) == amount


def test_the_sum_of_nothing_is_a_whole_zero():
    assert money.total([]) == 0
    assert isinstance(money.total([]), int)
