"""Rules on time entries: what fires, what does not, how much it comes to, and what is not evaluated."""

from datetime import timedelta

import pytest
from shop import amounts, left_out, report
from world import NOW, ONSITE, agreed, comment, contract, line, ticket, timer

from syncro_nb.books import Gap
from syncro_nb.policy import Rounding

NOTE = "Replaced the power supply"


def later(id, number, minutes_later, minutes=60, **more):
    """A timer on another ticket that begins so many minutes after noon of yesterday."""
    began = (NOW - timedelta(days=1)).replace(hour=19, minute=0) + timedelta(minutes=minutes_later)
    return timer(id, number, started_at=began, ended_at=began + timedelta(minutes=minutes), created_at=began, **more)


# ---------------------------------------------------------------- timer-overlap


def test_an_hour_on_two_tickets_is_too_much_at_the_lower_rate():
    two = [ticket(1), ticket(2), timer(1, 1, 60, product_id=ONSITE), later(2, 2, 30)]
    (found,) = report("timer-overlap", two).findings
    assert (found.direction, found.amount_cents, found.severity, found.exact) == ("over", 7500, "S3", True)
    assert (found.ticket, found.evidence["other_timer_id"], found.evidence["minutes"]) == (2, 1, 30)


@pytest.mark.parametrize(
    "other",
    [
        later(2, 2, 55),  # exactly five minutes
        later(2, 1, 30),  # the same ticket
        later(2, 2, 30, user_id=2),
        later(2, 2, 30, billable=False),
        later(2, 2, 60),
    ],
)
def test_what_is_no_overlap(other):
    assert amounts("timer-overlap", ticket(1), ticket(2), timer(1, 1, 60), other) == []


def test_a_long_timer_overlaps_with_each_that_lies_in_it():
    many = [timer(1, 1, 300), later(2, 2, 10, 20), later(3, 3, 60, 20), later(4, 2, 290, 30)]
    made = report("timer-overlap", [ticket(one) for one in (1, 2, 3)], many)
    pairs = {(one.evidence["other_timer_id"], one.evidence["timer_id"]): one.amount_cents for one in made.findings}
    assert pairs == {(1, 2): 5000, (1, 3): 5000, (1, 4): 2500}


def test_a_pause_is_no_overlap():
    assert amounts("timer-overlap", ticket(1), ticket(2), timer(1, 1, 60, active_seconds=240), later(2, 2, 30)) == []


def test_a_timer_of_nobody_is_not_evaluated():
    assert left_out("timer-overlap", ticket(1), timer(1, user_id=None)) == [1]


def test_the_dollars_of_an_uncharged_timer_stay_there():
    two = [ticket(1), ticket(2), timer(1, 1, 60, days_ago=40), timer(2, 2, 60, days_ago=40)]
    made = report(["timer-overlap", "timer-uncharged"], two)
    assert [one.rule for one in made.findings] == ["timer-uncharged"] * 2
    assert any("timer-overlap" in one.evidence.get("also", ()) for one in made.findings)


# ---------------------------------------------------------------- timer-implausible


def test_thirteen_hours_are_too_much_but_for_the_usual_half_hour():
    (found,) = report("timer-implausible", ticket(1), timer(1, minutes=13 * 60, days_ago=3)).findings
    assert found.evidence["why"] == "over 12 hours"
    # Its own thirteen hours are the median of its kind of ticket.
    assert (found.direction, found.amount_cents, found.exact) == ("none", 0, False)
    others = [ticket(number) for number in (2, 3)], [timer(number, number, 30) for number in (2, 3)]
    assert amounts("timer-implausible", ticket(1), timer(1, minutes=13 * 60, days_ago=3), others) == [("over", 187500)]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"minutes": 0}, "it took no time"),
        ({"minutes": -30}, "it ends before it starts"),
        ({"minutes": 30, "days_ago": -2}, "it lies in the future"),
        ({"started_at": NOW.replace(hour=4), "ended_at": NOW.replace(hour=11)}, "long past midnight"),
    ],
)
def test_times_that_cannot_be(wrong, why):
    (found,) = report("timer-implausible", ticket(1), timer(1, **wrong)).findings
    assert (found.evidence["why"], found.severity) == (why, "S3")


@pytest.mark.parametrize(
    "fine",
    [
        {"minutes": 12 * 60},
        {"minutes": None},  # it runs: timer-running
        {"started_at": NOW.replace(hour=4), "ended_at": NOW.replace(hour=10)},  # six hours across midnight
    ],
)
def test_times_that_may_be(fine):
    assert amounts("timer-implausible", ticket(1), timer(1, **fine)) == []


def test_without_the_accounts_time_zone_nobody_knows_where_midnight_is():
    long = timer(1, started_at=NOW.replace(hour=20) - timedelta(days=1), ended_at=NOW.replace(hour=3))
    assert left_out("timer-implausible", ticket(1), long, settings=None) == [1]


def test_a_timer_without_start_and_duration_is_not_evaluated():
    assert left_out("timer-implausible", ticket(1), timer(1, started_at=None)) == [1]
    assert amounts("timer-implausible", ticket(1), timer(1, started_at=None, active_seconds=600)) == []


# ---------------------------------------------------------------- late-entry


def test_time_that_was_entered_four_days_later_is_late():
    entered = timer(1, days_ago=5, created_at=NOW - timedelta(days=1))
    (found,) = report("late-entry", ticket(1), entered).findings
    assert (found.severity, found.direction, found.amount_cents) == ("S4", "none", 0)
    assert amounts("late-entry", ticket(1), timer(1, days_ago=3, created_at=NOW - timedelta(days=1))) == []
    assert left_out("late-entry", ticket(1), timer(1, created_at=None)) == [1]


# ---------------------------------------------------------------- note-blank


@pytest.mark.parametrize("note", ["", "   ", "done", "Exactly 14 chr", "Printer offline again"])
def test_a_note_that_says_nothing(note):
    (found,) = report("note-blank", ticket(1, subject="Printer offline again"), timer(1, notes=note)).findings
    assert (found.severity, found.direction) == ("S3", "none")


def test_a_note_that_says_something_and_time_that_nobody_pays():
    assert amounts("note-blank", ticket(1, subject="Printer"), timer(1, notes=NOTE)) == []
    assert amounts("note-blank", ticket(1), timer(1, billable=False)) == []
    assert amounts("note-blank", ticket(1), timer(1, minutes=None)) == []


# ---------------------------------------------------------------- work-without-time


def test_a_comment_without_time_is_a_quarter_of_an_hour():
    (found,) = report("work-without-time", ticket(1), comment(1, days_ago=5)).findings
    assert (found.direction, found.amount_cents, found.exact, found.severity) == ("leak", 3750, False, "S3")
    assert found.technician == "Dana"
    half = agreed(rounding={"remote": Rounding(30, 15)})
    assert amounts("work-without-time", ticket(1), comment(1, days_ago=5), house=half) == [("leak", 7500)]


@pytest.mark.parametrize(
    "more",
    [
        [timer(1, days_ago=6)],
        [timer(1, days_ago=4)],
        [line(1, days_ago=5)],
        [contract(10)],
    ],
)
def test_time_of_the_day_before_or_after_and_a_contract_are_enough(more):
    assert amounts("work-without-time", ticket(1), comment(1, days_ago=5), more) == []


@pytest.mark.parametrize(
    "harmless",
    [
        comment(1, days_ago=5, hidden=True),
        comment(1, days_ago=5, user_id=None),
        comment(1, days_ago=5, subject="Initial Issue"),
        comment(1, days_ago=1),  # its time may still come
    ],
)
def test_comments_that_are_no_work(harmless):
    assert amounts("work-without-time", ticket(1), harmless) == []


def test_somebody_elses_time_and_time_two_days_away_are_not_enough():
    for other in (timer(1, days_ago=5, user_id=2), timer(1, days_ago=7)):
        assert amounts("work-without-time", ticket(1), comment(1, days_ago=5), other) == [("leak", 3750)]


def test_two_comments_of_one_day_are_one_finding_and_a_resolved_ticket_has_them_already():
    twice = [comment(1, days_ago=5), comment(2, days_ago=5)]
    assert len(amounts("work-without-time", ticket(1), twice)) == 1
    made = report(["work-without-time", "resolved-no-time"], ticket(1), twice)
    assert [one.rule for one in made.findings] == ["resolved-no-time"]


def test_half_of_the_timers_prove_no_absence():
    assert left_out("work-without-time", ticket(1), comment(1, days_ago=5), gaps=(Gap("timers", "page 2"),)) == [1]
