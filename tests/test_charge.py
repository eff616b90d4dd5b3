"""The shop's policy in an analyst's words: what the time on a ticket comes to, and why."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncro_nb.config import LABOUR, House
from syncro_nb.money import format_cents, line_cents
from syncro_nb.policy import Policy, Rounding
from syncro_nb.service.records import Contract, Customer, Product, Ticket, TicketLine, Timer
from syncro_nb.writes.charge import Work, charge_ticket

MORNING = datetime(2026, 3, 31, 16, 0, tzinfo=UTC)
CUSTOMER = Customer(id=7, name="Larkspur Dental")
QUARTERS = {"default": Rounding(15, 15)}
PRICES = {"remote": 15000, "onsite": 17500, "emergency": 22500, "project": 16000, "internal": 0, "travel": 4000}
PRODUCTS = {
    LABOUR[kind]: Product(
        id=LABOUR[kind],
        name=f"Labor - {kind.title()}",
        price_cents=cents,
        taxable=True,
        category=f"Labor;{kind.title()}",
    )
    for kind, cents in PRICES.items()
}


def timer(number, minutes, kind="remote", *, at=MORNING, counted=None, override=None, seconds=0, **more):
    """A stopped time entry; Syncro counts its billable time as `counted` minutes, or as worked."""
    worked = minutes * 60 + seconds
    row = Timer(
        id=number, ticket_id=900, started_at=at, ended_at=at + timedelta(seconds=worked), billable=True,
        product_id=LABOUR[kind], active_seconds=worked, billable_seconds=worked if counted is None else counted * 60,
        override_seconds=None if override is None else override * 60, notes=f"Work {number}",
    )  # fmt: skip
    return replace(row, **more)


def charge(*timers, customer=CUSTOMER, outside=0, lines=(), tags=(), chosen=None, **policy):
    """`outside`: minutes after hours in each entry, or a function of its start and end."""
    ticket = Ticket(id=900, number=32164, subject="Printer", timers=timers, lines=lines, tags=tags)
    closed = outside if callable(outside) else lambda start, end: min(outside * 60, int((end - start).total_seconds()))
    house = House(LABOUR, {}, policy=Policy(**policy))
    return charge_ticket(Work(ticket, customer, PRODUCTS, chosen, closed), house)


def why(made):
    return [entry.why for entry in made.entries]


def sent(made):
    """Hours and price of each line that is added."""
    return [f"{line.quantity:f} × {format_cents(line.price_cents)}" for line in made.lines]


def test_without_a_policy_a_timer_is_charged_as_syncro_counts_it():
    made = charge(timer(55, 35))
    assert why(made) == ["35 minutes, remote $150.00 = $87.50"]
    assert (made.timer_ids, made.overrides, made.amends, made.lines) == ((55,), (), (), ())


def test_the_increment_is_explained_and_set_before_the_charge():
    made = charge(timer(55, 35), rounding=QUARTERS)
    assert why(made) == ["35 minutes, rounded up to 45 (increment 15), remote $150.00 = $112.50"]
    assert made.overrides == ((55, 45 * 60),)
    assert made.amount_cents == 11250


def test_a_timer_that_syncro_rounds_as_the_policy_does_is_charged_as_it_is():
    made = charge(timer(55, 35, counted=45), rounding=QUARTERS)
    assert (made.timer_ids, made.overrides) == ((55,), ())


@pytest.mark.parametrize(
    ("worked", "words", "dollars"),
    [
        (10, "10 minutes, raised to the minimum of 60, onsite $175.00 = $175.00", "175.00"),
        (60, "60 minutes, onsite $175.00 = $175.00", "175.00"),
        (61, "61 minutes, rounded up to 90 (increment 30), onsite $175.00 = $262.50", "262.50"),
    ],
)
def test_each_kind_has_its_own_minimum_and_increment(worked, words, dollars):
    made = charge(timer(55, worked, "onsite"), rounding={**QUARTERS, "onsite": Rounding(60, 30)})
    assert why(made) == [words]
    assert made.amount_cents == int(Decimal(dollars) * 100)


def test_per_ticket_the_sum_of_a_kind_is_rounded_and_the_last_entry_has_the_difference():
    rows = timer(55, 35), timer(56, 20, at=MORNING + timedelta(hours=1)), timer(57, 10, "onsite")
    made = charge(*rows, rounding=QUARTERS, per="ticket")
    assert [entry.seconds // 60 for entry in made.entries] == [35, 15, 25]
    assert made.entries[2].why == (
        "20 minutes, and 5 more: the ticket's 55 rounded up to 60 (increment 15), remote $150.00 = $62.50"
    )
    assert made.overrides == ((57, 15 * 60), (56, 25 * 60))


def test_billed_as_lines_no_timer_is_charged():
    made = charge(timer(55, 35), timer(56, 20, "onsite"), rounding=QUARTERS, bill_by="lines")
    assert made.timer_ids == ()
    assert sent(made) == ["0.75 × $150.00", "0.5 × $175.00"]
    assert [(line.text, line.timer_ids) for line in made.lines] == [("Work 55", (55,)), ("Work 56", (56,))]


def test_hours_that_a_person_has_set_stand():
    made = charge(timer(55, 35, override=30), rounding=QUARTERS)
    assert why(made) == ["35 minutes, set by hand to 30, remote $150.00 = $75.00"]
    assert made.overrides == ()


def test_after_hours_as_lines_the_price_is_multiplied_and_never_the_hours():
    made = charge(timer(55, 60), outside=30, bill_by="lines")
    assert why(made) == [
        "60 minutes, 30 at remote $150.00 = $75.00 and 30 after hours at remote $150.00 × 1.5 = $225.00 = $112.50,"
        " together $187.50"
    ]
    assert sent(made) == ["0.5 × $150.00", "0.5 × $225.00"]


def test_after_hours_with_timers_the_charge_stays_and_the_rest_is_a_line_of_its_own():
    made = charge(timer(55, 60), outside=60)
    assert why(made) == [
        "60 minutes, remote $150.00 = $150.00 and 60 after hours × 1.5, $75.00 more an hour = $75.00, together $225.00"
    ]
    assert (made.timer_ids, sent(made), made.lines[0].timer_ids) == ((55,), ["1 × $75.00"], ())


@pytest.mark.parametrize(("minutes", "surcharged"), [(14, False), (15, True)])
def test_a_few_minutes_after_hours_are_none(minutes, surcharged):
    assert bool(charge(timer(55, 60), outside=minutes).lines) is surcharged


@pytest.mark.parametrize(("kind", "times"), [("emergency", "1.5"), ("travel", "1.5"), ("remote", "1")])
def test_what_costs_the_same_at_night_has_no_surcharge(kind, times):
    assert charge(timer(55, 60, kind), outside=60, after_hours_multiplier=Decimal(times)).lines == ()


def test_what_rounding_adds_is_within_hours_unless_all_the_work_was_after():
    made = charge(timer(55, 50), outside=20, rounding=QUARTERS, bill_by="lines")
    assert [line.amount_cents for line in made.lines] == [10000, 7500]  # 40 minutes at $150.00, 20 at $225.00
    assert sent(charge(timer(55, 50), outside=50, rounding=QUARTERS, bill_by="lines")) == ["1 × $225.00"]


def test_a_pause_counts_as_after_hours():
    paused = timer(55, 30, ended_at=MORNING + timedelta(minutes=90))  # an hour of pause, an hour after hours
    assert charge(paused, outside=60).lines == ()


def test_from_prepaid_hours_the_hours_are_multiplied():
    block = replace(CUSTOMER, prepaid_hours=Decimal(10))
    made = charge(timer(55, 60), customer=block, outside=60)
    assert why(made) == ["60 minutes, 60 after hours × 1.5, remote: 1.5 h drawn from the prepaid hours"]
    assert (made.overrides, made.lines, made.amount_cents) == (((55, 5400),), (), 0)
    by_hand = charge(timer(55, 60, override=90), customer=block, outside=60)
    assert (by_hand.overrides, by_hand.entries[0].seconds) == ((), 5400)
    assert by_hand.warnings == ("timer 55 was after hours; the hours set by hand are drawn as they are",)


def test_an_agreed_rate_comes_before_the_products():
    rates = {"Larkspur Dental": {"remote": 14000}}
    assert sent(charge(timer(55, 60), rates=rates, bill_by="lines")) == ["1 × $140.00"]
    made = charge(timer(55, 60), rates=rates)
    assert why(made) == ["60 minutes, remote $140.00, agreed = $140.00"]
    assert made.amends == ((55, 14000, None),)


def test_whether_tax_is_due_is_the_policys_word_else_the_products():
    assert charge(timer(55, 60), bill_by="lines").lines[0].taxable is True
    assert charge(timer(55, 60), bill_by="lines", taxable={"default": False}).lines[0].taxable is False
    assert charge(timer(55, 60), taxable={"remote": False}).amends == ((55, None, False),)
    assert charge(timer(55, 60), taxable={"remote": True}).amends == ()
    assert charge(timer(55, 60)).entries[0].why == "60 minutes, remote $150.00 = $150.00"
    assert charge(timer(55, 60), taxable={"remote": True}).entries[0].why.endswith(" = $150.00, taxable")
    assert charge(timer(55, 60), taxable={"remote": False}).entries[0].why.endswith(" = $150.00, not taxable")


CARE = Contract(id=3, name="Managed Care", status="Active", starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31))


@pytest.mark.parametrize(
    ("contract", "contracts", "billed"),
    [
        (CARE, {"Managed Care": ("remote",)}, False),
        (CARE, {"3": ("onsite",)}, True),
        (CARE, {}, True),
        (replace(CARE, applies_to_all=True), {}, False),
        (replace(CARE, ends_on=date(2026, 3, 30)), {"3": ("remote",)}, True),
        (replace(CARE, status="Cancelled"), {"3": ("remote",)}, True),
    ],
)
def test_what_an_active_contract_covers_is_not_billed(contract, contracts, billed):
    made = charge(timer(55, 60), customer=replace(CUSTOMER, contracts=(contract,)), contracts=contracts)
    assert bool(made.billed) is billed
    assert billed or why(made) == ["covered by the contract 'Managed Care'"]


def test_a_customer_with_a_block_pays_with_it_even_where_a_contract_covers_and_that_is_said():
    both = replace(CUSTOMER, prepaid_hours=Decimal(10), contracts=(replace(CARE, applies_to_all=True),))
    made = charge(timer(55, 60), customer=both)
    assert made.timer_ids == (55,)
    assert "drawn from the block" in made.warnings[0]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (timer(55, 30, billable=False), "marked as not billable; no reason is given"),
        (timer(55, 30, billable=False, notes="Courtesy visit"), "marked as not billable (courtesy)"),
        (timer(55, 30, ended_at=None), "it is still running"),
        (timer(55, 30, recorded=True), "it is charged already"),
        (timer(55, 30, line_item_id=9), "it is charged already"),
        (timer(55, 30, override=0), "its billable time was set to 0 by hand"),
        (timer(55, 0), "it holds no time"),
        (timer(55, 30, "internal"), "internal work is not billed"),
    ],
)
def test_what_is_left_out_says_why(row, words):
    made = charge(row, chosen=(55,))
    assert why(made) == [words]
    assert (made.timer_ids, made.lines, made.amount_cents, made.blockers) == ((), (), 0, ())


def test_a_ticket_tagged_internal_or_warranty_is_not_billed():
    assert why(charge(timer(55, 30), tags=("VIP", "Warranty"))) == ["the ticket is tagged warranty"]


def test_what_nobody_can_bill_is_a_blocker():
    made = charge(timer(55, 30, product_id=None), chosen=(55, 99))
    assert made.blockers == (
        "timer 99 is not on this ticket", "timer 55 has no labour product: choose one in Syncro",
    )  # fmt: skip


def test_without_a_choice_every_entry_that_waits_is_meant():
    made = charge(timer(55, 30), timer(56, 30, recorded=True), timer(57, 30))
    assert made.timer_ids == (55, 57)
    assert charge(timer(55, 30), timer(57, 30), chosen=(57,)).timer_ids == (57,)


def test_a_note_that_speaks_of_no_charge_is_asked_about():
    assert charge(timer(55, 30, notes="Warranty case")).warnings == (
        "the note of timer 55 says 'warranty', and it is billed",
    )


def test_onsite_work_wants_its_travel_line_where_the_policy_says_so():
    travel = TicketLine(id=1, product_id=LABOUR["travel"], quantity=Decimal(1), price_cents=4000)
    assert charge(timer(55, 60, "onsite")).warnings == ()
    assert "travel" in charge(timer(55, 60, "onsite"), travel_wanted=True).warnings[0]
    assert charge(timer(55, 60, "onsite"), travel_wanted=True, lines=(travel,)).warnings == ()


def test_a_line_without_a_note_says_what_the_ticket_is_about():
    assert charge(timer(55, 30, notes=" \x07"), bill_by="lines").lines[0].text == "Printer"


ROWS = st.lists(
    st.tuples(st.integers(1, 600), st.integers(0, 59), st.sampled_from(["remote", "onsite", "emergency", "project"])),
    min_size=1,
    max_size=5,
)


@given(
    ROWS, st.integers(0, 600), st.sampled_from([0, 1, 6, 15, 30]), st.sampled_from([0, 10, 60]),
    st.sampled_from(["entry", "ticket"]), st.sampled_from(["timers", "lines"]), st.sampled_from(["1", "1.25", "1.5", "2"]),
)  # fmt: skip
def test_whatever_the_policy_the_lines_come_to_what_is_explained_and_every_second_is_billed_once(
    rows, outside, increment, minimum, per, bill_by, times
):
    timers = [timer(50 + i, m, kind, seconds=s, at=MORNING + timedelta(hours=i)) for i, (m, s, kind) in enumerate(rows)]
    rounding = Rounding(minimum, increment)
    made = charge(
        *timers, outside=outside, rounding={"default": rounding}, per=per, bill_by=bill_by,
        after_hours_multiplier=Decimal(times),
    )  # fmt: skip
    billed = {entry.timer_id: entry.seconds for entry in made.entries}
    assert set(billed) == {one.id for one in timers}
    by_kind = {}
    for one, (_, _, kind) in zip(timers, rows, strict=True):
        by_kind.setdefault(kind if per == "ticket" else one.id, []).append(one)
    for group in by_kind.values():
        worked = sum(one.worked_seconds for one in group)
        assert sum(billed[one.id] for one in group) == rounding.billable_seconds(worked)
    charged = {number: seconds for number, seconds in billed.items() if number in made.timer_ids}
    charged |= dict(made.overrides)
    amounts = {one.id: PRICES[kind] for one, (_, _, kind) in zip(timers, rows, strict=True)}
    charges = sum(
        line_cents((Decimal(seconds) / 3600).quantize(Decimal("0.000001")), amounts[number])
        for number, seconds in charged.items()
    )
    assert charges + sum(line.amount_cents for line in made.lines) == made.amount_cents
    assert all(entry.why.endswith(format_cents(entry.amount_cents)) for entry in made.entries)
    assert bill_by == "timers" or (made.timer_ids, made.overrides) == ((), ())
