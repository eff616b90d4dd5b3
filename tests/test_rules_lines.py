"""Rules on charges that need a second look."""

from dataclasses import replace
from datetime import timedelta

import pytest
from shop import EMERGENCY, SSD, TRAVEL, amounts, invoice, left_out, report, schedule, schedule_line
from world import CABLE, INTERNAL, NOW, ONSITE, REMOTE, agreed, contract, line, ticket, timer

from syncro_nb.policy import Rounding

QUARTERS = agreed(rounding={"default": Rounding(15, 15)})
ADDED = "Moved the mailbox\nAfter hours, added to the above"


# ---------------------------------------------------------------- line-no-timer


def test_a_line_by_hand_is_named():
    (found,) = report("line-no-timer", ticket(1), line(1)).findings
    assert (found.severity, found.direction, found.amount_cents) == ("S4", "none", 0)


def test_a_line_of_a_timer_a_house_of_lines_goods_and_travel_are_fine():
    assert amounts("line-no-timer", ticket(1), line(1), timer(1, line_item_id=1, recorded=True)) == []
    assert amounts("line-no-timer", ticket(1), line(1), house=agreed(bill_by="lines")) == []
    assert amounts("line-no-timer", ticket(1), line(1, product_id=CABLE), line(2, product_id=TRAVEL)) == []
    assert amounts("line-no-timer", ticket(1), line(1, description=ADDED), line(2, description=f"{ADDED}\nRef X")) == []


def test_where_a_charged_timer_names_no_line_nobody_can_say():
    assert left_out("line-no-timer", ticket(1), line(1), timer(1, recorded=True)) == [1]


# ---------------------------------------------------------------- rounding-policy


def test_hours_below_the_policy_are_a_leak_and_above_it_over():
    short, long = timer(1, minutes=20, billable_seconds=900), timer(1, minutes=20, billable_seconds=3600)
    assert amounts("rounding-policy", ticket(1), short, house=QUARTERS) == [("leak", 3750)]
    assert amounts("rounding-policy", ticket(1), long, house=QUARTERS) == [("over", 7500)]
    assert amounts("rounding-policy", ticket(1), timer(1, minutes=20, billable_seconds=1800), house=QUARTERS) == []
    assert amounts("rounding-policy", ticket(1), timer(1, minutes=20), house=QUARTERS) == []


def test_hours_set_by_hand_want_a_note():
    by_hand = {"minutes": 60, "override_seconds": 1800}
    assert amounts("rounding-policy", ticket(1), timer(1, notes="as agreed", **by_hand), house=QUARTERS) == []
    assert amounts("rounding-policy", ticket(1), timer(1, **by_hand), house=QUARTERS) == [("leak", 7500)]


def test_a_ticket_is_rounded_as_one_where_the_policy_says_so():
    per = agreed(rounding={"default": Rounding(15, 15)}, per="ticket")
    two = [timer(1, minutes=20, billable_seconds=1200), timer(2, minutes=20, days_ago=2, billable_seconds=1500)]
    assert amounts("rounding-policy", ticket(1), two, house=per) == []
    three = [timer(1, minutes=20, billable_seconds=1800), timer(2, minutes=20, days_ago=2, billable_seconds=1800)]
    assert amounts("rounding-policy", ticket(1), three, house=per) == [("over", 3750)]


def test_without_a_policy_nothing_is_evaluated():
    assert left_out("rounding-policy", ticket(1), timer(1, billable_seconds=900)) == [1]


# ---------------------------------------------------------------- after-hours-stacked


def test_standard_and_emergency_for_the_same_hours_are_one_too_many():
    two = [
        timer(1, minutes=60, line_item_id=1, recorded=True),
        timer(2, minutes=60, line_item_id=2, recorded=True, product_id=EMERGENCY),
    ]
    lines = [line(1), line(2, product_id=EMERGENCY, price_cents=22500)]
    (found,) = report("after-hours-stacked", ticket(1), two, lines).findings
    assert (found.severity, found.direction, found.amount_cents, found.evidence["line_id"]) == ("S1", "over", 15000, 1)
    late = [replace(one, started_at=NOW.replace(hour=3), ended_at=NOW.replace(hour=4)) for one in two]
    both = report(["after-hours-stacked", "after-hours-at-standard"], ticket(1), late, lines)
    assert [one.rule for one in both.findings] == ["after-hours-stacked"]
    by_hand = report("after-hours-stacked", ticket(1), lines)
    assert [one.amount_cents for one in by_hand.findings] == [15000]


def test_other_hours_are_not_the_same():
    early, evening = timer(1, line_item_id=1, minutes=60), timer(2, line_item_id=2, minutes=60, product_id=EMERGENCY)
    apart = timer(
        2,
        line_item_id=2,
        product_id=EMERGENCY,
        started_at=evening.started_at + timedelta(hours=9),
        ended_at=evening.ended_at + timedelta(hours=9),
    )
    lines = [line(1), line(2, product_id=EMERGENCY, price_cents=22500)]
    assert amounts("after-hours-stacked", ticket(1), early, apart, lines) == []
    assert left_out("after-hours-stacked", ticket(1), line(1, hours="2"), lines[1]) == [1]


def test_an_emergency_whose_quantity_is_multiplied_too():
    one = timer(1, minutes=60, line_item_id=1, recorded=True, product_id=EMERGENCY)
    made = [("over", 11250)]
    assert (
        amounts("after-hours-stacked", ticket(1), one, line(1, hours="1.5", product_id=EMERGENCY, price_cents=22500))
        == made
    )
    assert (
        amounts("after-hours-stacked", ticket(1), one, line(1, hours="1", product_id=EMERGENCY, price_cents=22500))
        == []
    )
    assert (
        amounts("after-hours-stacked", ticket(1), one, line(1, hours="2", product_id=EMERGENCY, price_cents=22500))
        == []
    )  # quantity-vs-timer


# ---------------------------------------------------------------- covered-but-charged


def test_labour_under_a_contract_or_a_tag_that_was_charged_is_over():
    assert amounts("covered-but-charged", ticket(1), line(1), contract(10)) == [("over", 15000)]
    for tag in ("warranty", "Internal", "covered", "contract"):
        assert amounts("covered-but-charged", ticket(1, tags=("vip", tag)), line(1)) == [("over", 15000)]
    billed = [line(1, converted=True), invoice(7, ticket=1, lines=[(1, REMOTE, 15000, "")])]
    (found,) = report("covered-but-charged", ticket(1), billed, contract(10)).findings
    assert (found.severity, found.invoice, found.evidence["line_id"]) == ("S1", 7, 1)


@pytest.mark.parametrize(
    "fine",
    [
        [line(1)],
        [line(1, price_cents=0), contract(10)],
        [line(1, product_id=CABLE, price_cents=999), contract(10)],
        [line(1), contract(10, status="Expired")],
        [line(1), contract(30)],
        [line(1, product_id=INTERNAL, price_cents=1000)],
    ],
)
def test_what_is_not_covered(fine):
    assert amounts("covered-but-charged", ticket(1), fine) == []


def test_a_customer_that_is_called_a_contract_customer_is_not_covered_by_that():
    assert amounts("covered-but-charged", ticket(1, customer_tags=("contract",)), line(1)) == []
    assert amounts("covered-but-charged", ticket(1, customer_tags=("covered",)), line(1)) == [("over", 15000)]


def test_only_the_kinds_that_a_contract_lists():
    remote = agreed(contracts={"Care": ("remote",)})
    assert amounts("covered-but-charged", ticket(1), line(1, product_id=ONSITE), contract(10), house=remote) == []


# ---------------------------------------------------------------- travel-missing


def test_work_on_site_without_travel_where_the_policy_wants_it():
    wants, onsite = agreed(travel_wanted=True), line(1, product_id=ONSITE, price_cents=17500)
    assert amounts("travel-missing", ticket(1), onsite, house=wants) == [("leak", 7500)]
    assert amounts("travel-missing", ticket(1), onsite) == []
    assert amounts("travel-missing", ticket(1), onsite, line(2, product_id=TRAVEL), house=wants) == []
    assert amounts("travel-missing", ticket(1), line(1), house=wants) == []
    assert amounts("travel-missing", ticket(1), onsite, contract(10), house=wants) == []
    two = [onsite, line(2, product_id=ONSITE, days_ago=2)]
    assert amounts("travel-missing", ticket(1), two, house=wants) == [("leak", 7500)]


# ---------------------------------------------------------------- below-cost


def test_goods_below_their_cost_have_one_finding_and_other_prices_of_goods_are_drift():
    both = ["rate-drift", "below-cost"]
    cheap, dear = line(1, product_id=SSD, price_cents=6000), line(2, product_id=SSD, price_cents=9000)
    found = report(both, ticket(1), cheap, dear).findings
    assert [(one.rule, one.amount_cents) for one in found] == [("rate-drift", 900), ("below-cost", 200)]


def test_goods_below_their_cost_are_a_leak_of_the_difference():
    assert amounts("below-cost", ticket(1), line(1, hours="2", product_id=SSD, price_cents=6000)) == [("leak", 400)]
    assert amounts("below-cost", ticket(1), line(1, hours="1", product_id=SSD, price_cents=9000, cost_cents=9500)) == [
        ("leak", 500)
    ]
    assert amounts("below-cost", invoice(7, lines=[(1, SSD, 6000, "")])) == [("leak", 200)]
    assert amounts("below-cost", ticket(1), line(1, hours="1", product_id=SSD, price_cents=6200)) == []
    assert amounts("below-cost", ticket(1), line(1, price_cents=1, cost_cents=5000)) == []


def test_what_a_recurring_invoice_gives_for_nothing_is_as_agreed():
    given = [schedule(1), schedule_line(1, 1, SSD, 0)]
    assert amounts("below-cost", given, invoice(7, lines=[(1, SSD, 0, "")])) == []
    assert amounts("below-cost", invoice(7, lines=[(1, SSD, 0, "")])) == [("leak", 6200)]


# ---------------------------------------------------------------- what batch billing makes


def evening(id=1, hours=1, **more):
    """A timer from 18:00 on in Los Angeles, after hours."""
    began = (NOW - timedelta(days=1)).replace(hour=1, minute=0)
    facts = {"started_at": began, "ended_at": began + timedelta(hours=hours), "created_at": began, **more}
    return timer(id, **facts)


def test_a_charged_timer_and_its_added_line_are_right():
    charged = [evening(line_item_id=1, recorded=True), line(1)]
    added = line(2, price_cents=7500, description=ADDED)
    rules = ["after-hours-at-standard", "rate-drift", "quantity-vs-timer", "line-no-timer", "after-hours-stacked"]
    assert amounts("after-hours-at-standard", ticket(1), charged) == [("leak", 7500)]
    assert amounts(rules, ticket(1), charged, added) == []
    signed = line(2, price_cents=7500, description=f"{ADDED}\nRef SNB-7K3MQ9-4T2X")
    assert amounts([*rules, "double-charge"], ticket(1), charged, signed) == []
    other_price = line(2, price_cents=7000, description=ADDED)
    assert amounts("rate-drift", ticket(1), charged, other_price) == [("leak", 8000)]


def test_a_line_at_the_multiplied_price_is_right_where_it_was_after_hours():
    dear = line(1, price_cents=22500, description="Moved the mailbox\nAfter hours")
    assert amounts("rate-drift", ticket(1), dear) == []
    assert amounts("rate-drift", ticket(1), line(1, price_cents=22500), evening(line_item_id=1, recorded=True)) == []
    assert amounts("rate-drift", ticket(1), line(1, price_cents=22500)) == [("over", 7500)]
    assert amounts("rate-drift", ticket(1), line(1, price_cents=22000, description="After hours")) == [("over", 7000)]


LINES = agreed(bill_by="lines")
WAITED = {"days_ago": 40, "minutes": 60, "notes": "Moved the mailbox to the new server"}


def test_in_a_house_of_lines_a_line_stands_for_a_timer():
    rules = ["timer-uncharged", "double-charge", "invoiced-unproven"]
    by_hours, by_text = line(1, days_ago=40), line(1, hours="1.5", days_ago=40, description=WAITED["notes"])
    assert amounts("timer-uncharged", ticket(1), timer(1, **WAITED), house=LINES) == [("leak", 15000)]
    for one in (by_hours, by_text):
        assert amounts(rules, ticket(1), timer(1, **WAITED), one, house=LINES) == []
    assert [one for one, _ in amounts("double-charge", ticket(1), timer(1, **WAITED), by_hours)] == ["over"]


def test_a_line_stands_for_one_timer_only_and_one_too_short_for_none():
    two = [timer(1, **WAITED), timer(2, **{**WAITED, "days_ago": 39, "notes": "Something else altogether"})]
    assert amounts("timer-uncharged", ticket(1), two, line(1, days_ago=40), house=LINES) == [("leak", 15000)]
    assert amounts("timer-uncharged", ticket(1), timer(1, **WAITED), line(1, hours="0.25"), house=LINES) == [
        ("leak", 15000)
    ]


def test_two_lines_of_one_text_stand_for_a_timer_of_both():
    parts = [
        line(1, hours="0.5", description=WAITED["notes"]),
        line(2, hours="0.5", price_cents=22500, description=f"{WAITED['notes']}\nAfter hours"),
    ]
    other = timer(2, days_ago=40, minutes=90, notes="Something else altogether")
    assert amounts("timer-uncharged", ticket(1), timer(1, **WAITED), other, parts, house=LINES) == [("leak", 22500)]
