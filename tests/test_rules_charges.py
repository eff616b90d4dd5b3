"""Rules between time and charge: what fires, what does not, and how much it comes to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from shop import (
    EMERGENCY,
    SETTINGS,
    SSD,
    TRAVEL,
    WEEK,
    amounts,
    invoice,
    left_out,
    report,
    schedule,
    schedule_line,
    shop,
)
from world import CABLE, CUSTOMERS, HOUSE, INTERNAL, ONSITE, REMOTE, agreed, contract, line, ticket, timer

from syncro_nb.books import Gap
from syncro_nb.policy import Rounding
from syncro_nb.reconcile.report import reconcile
from syncro_nb.service.records import Customer

OPEN = "In Progress"


# ---------------------------------------------------------------- timer-uncharged


def test_a_timer_of_three_days_ago_that_was_never_charged_is_billable_time_at_its_rate():
    assert amounts("timer-uncharged", ticket(1), timer(1, minutes=45, days_ago=40)) == [("leak", 11250)]


def test_work_after_the_cut_off_is_timing_and_counts_after_two_days():
    assert amounts("timer-uncharged", ticket(1), timer(1, days_ago=3)) == [("timing", 7500)]
    assert amounts("timer-uncharged", ticket(1), timer(1, days_ago=1)) == []


def test_the_cut_off_may_be_set():
    from datetime import date

    assert amounts("timer-uncharged", ticket(1), timer(1, days_ago=3), to=date(2026, 3, 28)) == [("leak", 7500)]
    assert amounts("timer-uncharged", ticket(1), timer(1, days_ago=3), to=date(2026, 3, 27)) == [("timing", 7500)]


@pytest.mark.parametrize(
    "changed",
    [
        {"billable": False},
        {"recorded": True},
        {"line_item_id": 9},
        {"ended_at": None},
        {"product_id": INTERNAL},
        {"override_seconds": 0},
    ],
)
def test_a_timer_that_is_charged_free_or_runs_is_not_uncharged(changed):
    assert amounts("timer-uncharged", ticket(1), replace(timer(1, days_ago=40), **changed)) == []


def test_contracts_warranty_and_internal_work_are_not_charged():
    assert amounts("timer-uncharged", ticket(1, 30), timer(1, days_ago=40), contract(30)) == []
    assert amounts("timer-uncharged", ticket(1, tags=("warranty",)), timer(1, days_ago=40)) == []
    assert amounts("timer-uncharged", ticket(1, tags=("internal",)), timer(1, days_ago=40)) == []


def test_a_contract_that_had_ended_or_covers_other_work_does_not_count():
    from datetime import date

    ended = contract(30, ends_on=date(2026, 2, 1))
    assert amounts("timer-uncharged", ticket(1, 30), timer(1, days_ago=40), ended) == [("leak", 7500)]
    house = agreed(contracts={"Care": ("onsite",)})
    assert amounts("timer-uncharged", ticket(1, 30), timer(1, days_ago=40), contract(30), house=house) == [
        ("leak", 7500)
    ]


def test_an_override_and_an_agreed_rate_hold():
    billed = timer(1, minutes=60, days_ago=40, override_seconds=2700, product_id=ONSITE)
    assert amounts("timer-uncharged", ticket(1), billed) == [("leak", 13125)]
    house = agreed(rates={"10": {"onsite": 10000}})
    assert amounts("timer-uncharged", ticket(1), billed, house=house) == [("leak", 7500)]


def test_without_a_billable_time_the_policy_rounds():
    house = agreed(rounding={"default": Rounding(15, 15)})
    assert amounts("timer-uncharged", ticket(1), timer(1, minutes=31, days_ago=40), house=house) == [("leak", 11250)]


def test_a_timer_without_a_product_is_worth_the_default_one_and_estimated():
    (found,) = report("timer-uncharged", ticket(1), timer(1, days_ago=40, product_id=None)).findings
    assert (found.amount_cents, found.exact) == (7500, False)


def test_time_of_an_unknown_product_is_not_evaluated():
    assert left_out("timer-uncharged", ticket(1), timer(1, days_ago=40, product_id=4711)) == [1]


def test_a_customer_who_was_not_read_in_full_is_not_evaluated():
    from shop import shop
    from world import HOUSE

    from syncro_nb.reconcile.report import reconcile

    books = shop(ticket(1), timer(1, days_ago=40), ticket(2, 30), timer(2, 2, days_ago=40))
    books.tables["customers"].loc[books.tables["customers"]["customer_id"] == 30, "detail_at"] = None
    made = reconcile(books, HOUSE, rules=["timer-uncharged"])
    assert [one.ticket for one in made.findings] == [1]
    assert [one.records for one in made.not_evaluated] == [1]


# ---------------------------------------------------------------- charged-no-line


def charged(id, line_id, **more):
    """A timer that was charged as this line."""
    return timer(id, recorded=True, line_item_id=line_id, **more)


def test_a_charged_timer_whose_line_is_gone_is_found():
    assert amounts("charged-no-line", ticket(1), charged(1, 7)) == [("leak", 7500)]
    assert amounts("charged-no-line", ticket(1), charged(1, 7), line(7, hours="0.5")) == []


def test_a_line_that_stands_on_another_ticket_is_not_on_this_one():
    elsewhere = line(7, number=2, hours="2")
    found = report(["charged-no-line", "quantity-vs-timer"], ticket(1), ticket(2), charged(1, 7), elsewhere).findings
    assert [(one.rule, one.ticket, one.amount_cents) for one in found] == [("charged-no-line", 1, 7500)]


def test_a_charged_timer_that_names_no_line_is_found_where_no_labour_line_can_stand_for_it():
    silent = charged(1, None)
    assert amounts("charged-no-line", ticket(1), silent) == [("leak", 7500)]
    assert amounts("charged-no-line", ticket(1), silent, line(7, hours="0.5")) == []
    assert amounts("charged-no-line", ticket(1), silent, line(7, product_id=CABLE)) == [("leak", 7500)]
    assert amounts("charged-no-line", ticket(1), silent, charged(2, None, minutes=60), line(7, hours="0.5")) == [
        ("leak", 15000)
    ]


# ---------------------------------------------------------------- double-charge


def test_goods_that_are_on_a_ticket_twice_on_one_day_are_one_too_many():
    twice = [line(1, product_id=SSD, price_cents=9900), line(2, product_id=SSD, price_cents=9900)]
    (found,) = report("double-charge", ticket(1, status=OPEN), twice).findings
    assert (found.direction, found.amount_cents, found.severity, found.evidence["line_id"]) == ("over", 9900, "S1", 2)
    assert amounts("double-charge", ticket(1), twice, line(3, product_id=SSD, price_cents=9900)) == [("over", 9900)] * 2


@pytest.mark.parametrize(
    "other",
    [{"days_ago": 3}, {"description": "for the warehouse"}, {"hours": "2"}, {"price_cents": 9800}, {"number": 2}],
)
def test_goods_of_another_day_text_quantity_price_or_ticket_are_no_double(other):
    one, two = line(1, product_id=SSD, price_cents=9900), line(2, **{"product_id": SSD, "price_cents": 9900, **other})
    assert amounts("double-charge", ticket(1), ticket(2), one, two) == []


def test_two_half_hours_of_one_day_that_have_a_timer_each_are_no_double():
    lines = [line(1, hours="0.5"), line(2, hours="0.5")]
    assert amounts("double-charge", ticket(1), lines, charged(1, 1), charged(2, 2)) == []
    assert amounts("double-charge", ticket(1), lines, charged(1, 2)) == [("over", 7500)]


def test_one_timer_charged_twice_on_two_days_is_found_by_its_text():
    lines = [line(1, hours="0.5", days_ago=4, description="Cleared it"), line(2, hours="0.5", description="Cleared it")]
    assert amounts("double-charge", ticket(1), lines, charged(1, 1)) == [("over", 7500)]
    assert amounts("double-charge", ticket(1), lines) == []
    assert amounts("double-charge", ticket(1), lines, charged(1, 1), house=agreed(bill_by="lines")) == []


def test_a_line_by_hand_beside_an_uncharged_timer_is_one_of_them_too_many():
    by_hand = line(1, hours="0.8", days_ago=40)
    waits = timer(1, minutes=45, days_ago=40)
    made = report(["double-charge", "timer-uncharged"], ticket(1), by_hand, waits)
    (found,) = made.findings
    assert (found.rule, found.amount_cents, found.evidence["timer_id"]) == ("double-charge", 12000, 1)
    assert found.evidence["also"] == ["timer-uncharged"]


@pytest.mark.parametrize(
    "other", [{"hours": "0.9"}, {"user_id": 2}, {"days_ago": 38}, {"product_id": TRAVEL}, {"product_id": CABLE}]
)
def test_a_line_of_another_length_technician_day_or_sort_is_none_of_it(other):
    by_hand = line(1, **{"hours": "0.75", "days_ago": 40, **other})
    assert amounts("double-charge", ticket(1), by_hand, timer(1, minutes=45, days_ago=40)) == []


def test_a_line_that_is_another_timers_is_none_of_it():
    waits, other = timer(1, minutes=45, days_ago=40), charged(2, 1, minutes=45, days_ago=40)
    assert amounts("double-charge", ticket(1), line(1, hours="0.75", days_ago=40), waits, other) == []


# ---------------------------------------------------------------- quantity-vs-timer


def test_hours_on_the_line_are_those_of_its_timers():
    assert amounts("quantity-vs-timer", ticket(1), line(1, hours="0.25"), charged(1, 1)) == [("leak", 3750)]
    assert amounts("quantity-vs-timer", ticket(1), line(1, hours="2"), charged(1, 1)) == [("over", 22500)]
    assert amounts("quantity-vs-timer", ticket(1), line(1, hours="0.5"), charged(1, 1)) == []


def test_several_timers_of_a_line_are_added():
    some = [charged(1, 1, minutes=45), charged(2, 1)]
    assert amounts("quantity-vs-timer", ticket(1), line(1, hours="0.75"), some) == [("leak", 7500)]
    assert amounts("quantity-vs-timer", ticket(1), line(1, hours="1.25"), some) == []


def test_a_hundredth_of_an_hour_is_tolerated():
    third = charged(1, 1, override_seconds=1200)
    assert amounts("quantity-vs-timer", ticket(1), line(1, hours="0.33"), third) == []
    assert amounts("quantity-vs-timer", ticket(1), line(1, hours="0.32"), third) == [("leak", 200)]


def test_seconds_that_are_minutes_are_not_trusted():
    odd = charged(1, 1, minutes=60, billable_seconds=45)
    assert amounts("quantity-vs-timer", ticket(1), line(1, hours="1"), odd) == []


def test_a_line_on_an_invoice_is_judged_as_the_invoice_line():
    on_ticket = line(1, hours="0.25", converted=True)
    repaired = invoice(7, ticket=1, lines=[(0.5, REMOTE, 15000, "")])
    assert amounts("quantity-vs-timer", ticket(1), on_ticket, charged(1, 1), repaired) == []
    same = invoice(7, ticket=1, lines=[(0.25, REMOTE, 15000, "")])
    (found,) = report("quantity-vs-timer", ticket(1), on_ticket, charged(1, 1), same).findings
    assert (found.invoice, found.amount_cents) == (7, 3750)


# ---------------------------------------------------------------- rate-drift


def test_a_price_that_is_not_the_products_is_drift_both_ways():
    assert amounts("rate-drift", ticket(1), line(1, price_cents=13500)) == [("leak", 1500)]
    assert amounts("rate-drift", ticket(1), line(1, price_cents=17500, hours="0.5")) == [("over", 1250)]
    assert amounts("rate-drift", ticket(1), line(1)) == []
    assert amounts("rate-drift", ticket(1), line(1, product_id=SSD, price_cents=9800)) == [("leak", 100)]


def test_an_agreed_rate_is_the_rate():
    house = agreed(rates={"Anvil Works": {"remote": 13500}})
    assert amounts("rate-drift", ticket(1), line(1, price_cents=13500), house=house) == []
    assert amounts("rate-drift", ticket(1), line(1, price_cents=15000), house=house) == [("over", 1500)]


@pytest.mark.parametrize(
    "excused",
    [
        {"price_cents": 0},
        {"discount_percent": Decimal(10)},
        {"discount_cents": 500},
        {"product_id": None},
        {"product_id": 4711},
    ],
)
def test_discounts_free_lines_and_unknown_products_are_no_drift(excused):
    assert amounts("rate-drift", ticket(1), line(1, **{"price_cents": 13500, **excused})) == []


def test_the_price_of_a_recurring_invoice_is_agreed():
    made = invoice(7, lines=[(3, SSD, 8000, "")])
    assert amounts("rate-drift", made, schedule(1), schedule_line(1, 1, SSD, 8000)) == []
    assert amounts("rate-drift", made) == [("leak", 5700)]


def test_hours_drawn_from_a_block_have_no_price_to_drift():
    assert amounts("rate-drift", ticket(1, 20), line(1, price_cents=13500)) == []


def test_a_line_that_became_an_invoice_line_is_judged_once_and_both_are_named():
    (found,) = report(
        "rate-drift",
        ticket(1),
        line(1, price_cents=13500, converted=True),
        invoice(7, ticket=1, lines=[(1, REMOTE, 13500, "")]),
    ).findings
    assert (found.ticket, found.invoice, found.amount_cents) == (1, 7, 1500)
    assert (found.evidence["line_id"], found.evidence["invoice_line_id"]) == (1, 70)


# ---------------------------------------------------------------- zero-line


def test_labour_and_stocked_goods_at_nothing_are_found():
    assert amounts("zero-line", ticket(1), line(1, price_cents=0, hours="0.5")) == [("leak", 7500)]
    assert amounts("zero-line", ticket(1), line(1, price_cents=0, product_id=SSD)) == [("leak", 9900)]
    assert amounts("zero-line", ticket(1), line(1, price_cents=0, product_id=CABLE)) == []
    assert amounts("zero-line", ticket(1), line(1)) == []


@pytest.mark.parametrize("word", ["Courtesy for the wait", "no charge", "WARRANTY", "covered by the vendor"])
def test_a_reason_in_the_text_excuses_it(word):
    assert amounts("zero-line", ticket(1), line(1, price_cents=0, description=word)) == []


@pytest.mark.parametrize("word", ["Recovered the archive", "internally routed", "discovered"])
def test_a_reason_is_a_whole_word(word):
    assert amounts("zero-line", ticket(1), line(1, price_cents=0, description=word)) == [("leak", 15000)]


def test_a_reason_in_a_tag_or_in_the_notes_of_its_timer_excuses_it():
    assert amounts("zero-line", ticket(1, tags=("goodwill",)), line(1, price_cents=0)) == []
    assert amounts("zero-line", ticket(1), line(1, price_cents=0), charged(1, 1, notes="courtesy")) == []


def test_blocks_contracts_and_internal_work_are_free():
    assert amounts("zero-line", ticket(1, 20), line(1, price_cents=0)) == []
    assert amounts("zero-line", ticket(1, 30), line(1, price_cents=0), contract(30)) == []
    assert amounts("zero-line", ticket(1), line(1, price_cents=0, product_id=INTERNAL)) == []


def test_a_balance_of_nothing_is_no_block_unless_hours_were_ever_bought():
    spent = (*CUSTOMERS[:1], Customer(20, "Block House", prepaid_hours=Decimal(0)))
    bought = invoice(7, 20, lines=[(10, 888, 13500, "")])
    assert amounts("zero-line", ticket(1, 20), line(1, price_cents=0), list(spent)) == [("leak", 15000)]
    assert amounts("zero-line", ticket(1, 20), line(1, price_cents=0), list(spent), bought) == []


# ---------------------------------------------------------------- after-hours-at-standard


def evening(id=1, start="2026-03-18 19:00", minutes=60, line_id=1, **more):
    """A charged timer in Los Angeles; 2026-03-18 is a Wednesday."""
    from zoneinfo import ZoneInfo

    began = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo("America/Los_Angeles")).astimezone(UTC)
    ended = began + timedelta(minutes=minutes)
    facts = {
        "started_at": began,
        "ended_at": ended,
        "created_at": ended,
        "recorded": True,
        "line_item_id": line_id,
        **more,
    }
    return replace(timer(id), **facts)


def test_an_evening_at_the_ordinary_price_lacks_half_of_it():
    assert amounts("after-hours-at-standard", ticket(1), evening(), line(1)) == [("leak", 7500)]


def test_only_the_minutes_outside_count_and_fifteen_are_needed():
    over = evening(start="2026-03-18 16:30", minutes=90)
    assert amounts("after-hours-at-standard", ticket(1), over, line(1, hours="1.5")) == [("leak", 7500)]
    some = evening(start="2026-03-18 16:40", minutes=37)
    assert amounts("after-hours-at-standard", ticket(1), some, line(1, hours="0.75")) == [("leak", 2125)]
    few = evening(start="2026-03-18 16:40", minutes=34)
    assert amounts("after-hours-at-standard", ticket(1), few, line(1, hours="0.75")) == []


@pytest.mark.parametrize("start", ["2026-03-21 10:00", "2026-02-16 10:00"])  # a Saturday, Presidents' Day
def test_weekends_and_holidays_are_outside(start):
    assert amounts("after-hours-at-standard", ticket(1), evening(start=start), line(1)) == [("leak", 7500)]


def test_what_was_not_charged_or_is_an_emergency_is_left_alone():
    uncharged = replace(evening(), recorded=False, line_item_id=None)
    assert amounts("after-hours-at-standard", ticket(1), uncharged) == []
    urgent = line(1, product_id=EMERGENCY, price_cents=22500)
    assert amounts("after-hours-at-standard", ticket(1), evening(product_id=EMERGENCY), urgent) == []


def test_contracts_reasons_and_a_multiplier_that_was_billed_excuse_it():
    assert amounts("after-hours-at-standard", ticket(1, 30), evening(), line(1), contract(30)) == []
    assert amounts("after-hours-at-standard", ticket(1), evening(notes="courtesy"), line(1)) == []
    assert amounts("after-hours-at-standard", ticket(1), evening(), line(1, price_cents=22500)) == []
    drawn = evening(override_seconds=5400)
    assert amounts("after-hours-at-standard", ticket(1, 20), drawn, line(1, hours="1.5")) == []
    assert amounts("after-hours-at-standard", ticket(1, 20), evening(), line(1)) == [("leak", 7500)]


def test_hours_that_were_only_rounded_up_have_no_multiplier():
    rounded = evening(minutes=50, billable_seconds=3600)
    assert amounts("after-hours-at-standard", ticket(1), rounded, line(1)) == [("leak", 6250)]


def test_another_multiplier_is_the_policys():
    house = agreed(after_hours_multiplier=Decimal(2))
    assert amounts("after-hours-at-standard", ticket(1), evening(), line(1), house=house) == [("leak", 15000)]


def test_without_business_hours_it_is_not_evaluated():
    assert left_out("after-hours-at-standard", ticket(1), evening(), line(1), settings=None) == [1]
    silent = replace(SETTINGS, business_hours=None)
    assert left_out("after-hours-at-standard", ticket(1), evening(), line(1), settings=silent) == [1]
    assert WEEK


# ---------------------------------------------------------------- unexplained-non-billable


def test_time_that_was_set_to_not_billable_without_a_word_is_found():
    (found,) = report("unexplained-non-billable", ticket(1), timer(1, billable=False)).findings
    assert (found.direction, found.amount_cents, found.severity) == ("leak", 7500, "S3")


@pytest.mark.parametrize("notes", ["Courtesy: helped", "second try, no charge", "Non-billable as agreed"])
def test_a_reason_in_the_notes_explains_it(notes):
    assert amounts("unexplained-non-billable", ticket(1), timer(1, billable=False, notes=notes)) == []


def test_tags_blocks_contracts_and_internal_work_explain_it():
    free = timer(1, billable=False)
    assert amounts("unexplained-non-billable", ticket(1, tags=("goodwill",)), free) == []
    assert amounts("unexplained-non-billable", ticket(1, 20), free) == []
    assert amounts("unexplained-non-billable", ticket(1, 30), free, contract(30)) == []
    assert amounts("unexplained-non-billable", ticket(1), replace(free, product_id=INTERNAL)) == []
    assert amounts("unexplained-non-billable", ticket(1), replace(free, line_item_id=3, recorded=True)) == []


def test_the_words_of_the_house_are_its_own():
    house = agreed(reasons=("pro bono",))
    assert amounts("unexplained-non-billable", ticket(1), timer(1, billable=False, notes="Pro bono"), house=house) == []
    courtesy = timer(1, billable=False, notes="courtesy")
    assert amounts("unexplained-non-billable", ticket(1), courtesy, house=house) == [("leak", 7500)]


def test_its_hours_are_rounded_as_the_policy_says():
    house = agreed(rounding={"remote": Rounding(30, 30)})
    free = timer(1, minutes=40, billable=False, billable_seconds=2400)
    assert amounts("unexplained-non-billable", ticket(1), free, house=house) == [("leak", 15000)]


@pytest.mark.parametrize(("rule", "price"), [("rate-drift", 14000), ("zero-line", 0)])
def test_a_line_whose_ticket_was_not_read_may_have_an_explanation_there(rule, price):
    billed = [ticket(1), invoice(7, ticket=1, lines=[(1, REMOTE, price, "")])]
    assert len(report(rule, billed).findings) == 1
    books = shop(billed, gaps=(Gap("charges", "the details of 1 ticket were not read", 1, True),))
    books.tables["tickets"].loc[:, "detail_at"] = pd.NaT
    made = reconcile(books, HOUSE, rules=[rule])
    assert (made.findings, [one.records for one in made.not_evaluated]) == ((), [1])
