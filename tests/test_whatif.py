"""What another policy would have made of a month, for each customer, to the cent."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from world import HOUSE, ONSITE, agreed, ticket, timer, world

from syncro_nb.policy import Policy, Rounding
from syncro_nb.reconcile.whatif import WHAT_IF, what_if

EMERGENCY = 26184
QUARTERS = {"default": Rounding(15, 15)}
LATE = datetime(2026, 3, 31, 5, tzinfo=UTC)  # 22:00 on Monday in Los Angeles


def rows(policy, *columns, house=HOUSE, **records):
    made = what_if(world(**records), house, policy, date(2026, 3, 1), date(2026, 3, 31))
    return [tuple(one) for one in made[list(columns)].values.tolist()]


def late(id, minutes=60, **more):
    return timer(id, started_at=LATE, ended_at=LATE + timedelta(minutes=minutes), **more)


def test_a_larger_increment_brings_this_much_from_each_customer():
    made = rows(
        Policy(rounding=QUARTERS), "customer", "mode", "actual_hours", "changed_hours", "amount_cents", "difference_cents",
        tickets=[ticket(1), ticket(2, customer=30)],
        timers=[timer(1, minutes=20), timer(2, minutes=40), timer(3, number=2, minutes=30), timer(4, minutes=20, days_ago=40)],
    )  # fmt: skip
    # 20 + 40 minutes at $150 are $150.00; rounded up to quarters 30 + 45 minutes, $187.50
    assert made == [
        ("Anvil Works", "time-and-materials", 1.0, 1.25, 15000, 3750),
        ("Cedar", "time-and-materials", 0.5, 0.5, 7500, 0),
        ("(all)", "", 1.5, 1.75, 22500, 3750),
    ]


def test_rounding_per_ticket_rounds_the_sum_once():
    timers = [timer(1, minutes=20), timer(2, minutes=20), timer(3, minutes=20)]
    world = {"tickets": [ticket(1)], "timers": timers, "house": agreed(rounding=QUARTERS)}
    assert rows(Policy(rounding=QUARTERS), "billable_hours", "changed_hours", "difference_cents", **world)[0] == (
        1.5,
        1.5,
        0,
    )
    by_ticket = Policy(rounding=QUARTERS, per="ticket")
    assert rows(by_ticket, "billable_hours", "changed_hours", "difference_cents", **world)[0] == (1.5, 1.0, -7500)


def test_what_a_person_has_set_stays():
    timers = [timer(1, minutes=20, override_seconds=600)]
    made = rows(Policy(rounding=QUARTERS), "changed_hours", "difference_cents", tickets=[ticket(1)], timers=timers)
    assert made[0] == (600 / 3600, 0)


def test_another_multiplier_counts_on_hours_outside_business_hours():
    double = Policy(after_hours_multiplier=Decimal(2))
    made = rows(
        double, "after_hours", "rounding_cents", "after_hours_cents", "difference_cents",
        tickets=[ticket(1)], timers=[late(1), timer(2, minutes=60), late(3, 30, product_id=ONSITE)],
    )  # fmt: skip
    # (2 - 1.5) × (1 h × $150 + half an hour × $175)
    assert made[0] == (1.5, 0, 7500 + 4375, 11875)


def test_emergency_work_is_reckoned_on_the_rate_of_remote_and_less_is_less():
    single = Policy(after_hours_multiplier=Decimal("1.25"))
    made = rows(single, "after_hours_cents", tickets=[ticket(1)], timers=[late(1, product_id=EMERGENCY)])
    assert made[0] == (-3750,)


def test_a_block_gives_hours_and_no_dollars():
    made = rows(
        Policy(rounding=QUARTERS), "mode", "billable_hours", "changed_hours", "difference_cents",
        tickets=[ticket(1, customer=20)], timers=[timer(1, minutes=20)],
    )  # fmt: skip
    assert made[0] == ("block", 20 / 60, 0.5, 0)


def test_what_is_not_billable_or_runs_is_left_out_and_the_frame_is_declared():
    timers = [timer(1, billable=False), timer(2, minutes=None)]
    assert rows(Policy(), "customer", tickets=[ticket(1)], timers=timers) == []
    made = what_if(world(), HOUSE, Policy(), date(2026, 3, 1), date(2026, 3, 31))
    assert {name: str(made[name].dtype) for name in made} == {name: one.dtype for name, one in WHAT_IF.items()}
