"""Rules on time: what fires, what does not, and how much it comes to."""

from dataclasses import replace
from datetime import timedelta

import pytest
from shop import amounts, left_out, report, shop
from world import HOUSE, NOW, PRODUCTS, agreed, comment, contract, line, ticket, timer

from syncro_nb.books import Gap
from syncro_nb.reconcile.report import reconcile

CABLES = PRODUCTS[-1]  # all that a shop without a labour product sells


def done(number=1, customer=10, hours_open=4.0, **more):
    """A ticket that was resolved yesterday."""
    at = NOW - timedelta(days=1)
    return ticket(number, customer, resolved_at=at, updated_at=at, created_at=at - timedelta(hours=hours_open), **more)


# ---------------------------------------------------------------- resolved-no-time


def test_a_resolved_ticket_with_a_comment_of_ours_and_no_time_is_half_an_hour_of_remote_work():
    assert amounts("resolved-no-time", done(), comment(1)) == [("leak", 7500)]


def test_work_and_a_running_timer_whose_rate_nobody_knows_are_not_evaluated():
    assert left_out("resolved-no-time", done(), comment(1), CABLES) == [1]
    assert left_out("timer-running", done(), timer(1, minutes=None), CABLES) == [1]


def test_the_estimate_is_the_median_of_the_tickets_of_that_problem_type():
    others = [done(number, problem_type="Mail") for number in (2, 3, 4)]
    work = [timer(2, 2, 60), timer(3, 3, 120), timer(4, 4, 60), timer(5, 4, 180)]
    (found,) = report("resolved-no-time", done(problem_type="Mail"), comment(1), others, work).findings
    assert (found.amount_cents, found.exact, found.severity) == (30000, False, "S2")


def test_a_ticket_that_was_open_for_long_needs_no_comment():
    assert amounts("resolved-no-time", done(hours_open=0.3)) == [("leak", 7500)]
    assert amounts("resolved-no-time", done(hours_open=0.2)) == []


@pytest.mark.parametrize(
    "excused",
    [
        {"tags": ("cancelled",)},
        {"tags": ("Duplicate",)},
        {"tags": ("spam",)},
        {"tags": ("auto-closed",)},
        {"tags": ("internal",)},
        {"tags": ("warranty",)},
        {"customer_tags": ("internal",)},
        {"subject": "Cancelled: new monitor"},
        {"subject": "[DUPLICATE] printer"},
        {"subject": "Duplicate of #32164"},
        {"problem_type": "Spam"},
        {"status": "Resolved - Duplicate"},
    ],
)
def test_tickets_that_were_no_work_are_left_alone(excused):
    assert amounts("resolved-no-time", done(**excused), comment(1)) == []


@pytest.mark.parametrize(
    "subject", ["Too much spam in the inbox", "Duplicate mails arrive", "Internal network down", "Alert box pops up"]
)
def test_a_customers_words_excuse_nothing(subject):
    assert amounts("resolved-no-time", done(subject=subject), comment(1)) == [("leak", 7500)]


def test_an_alert_that_nobody_worked_on_closed_itself():
    alert = done(subject="Alert: disk space low")
    assert amounts("resolved-no-time", alert) == []
    assert amounts("resolved-no-time", alert, comment(1)) == [("leak", 7500)]


def test_time_or_labour_is_enough_and_goods_are_not():
    assert amounts("resolved-no-time", done(), comment(1), timer(1)) == []
    assert amounts("resolved-no-time", done(), comment(1), line(1)) == []
    assert amounts("resolved-no-time", done(), comment(1), line(1, product_id=555)) == [("leak", 7500)]


def test_an_open_ticket_is_left_alone_and_so_are_comments_of_the_customer():
    assert amounts("resolved-no-time", done(status="In Progress"), comment(1)) == []
    assert amounts("resolved-no-time", done(hours_open=0.1), comment(1, user_id=None)) == []


def test_under_a_contract_it_is_hygiene():
    (found,) = report("resolved-no-time", done(customer=30), comment(1), contract(30)).findings
    assert found.severity == "S4"


def test_the_agreed_rate_of_the_customer_counts():
    house = agreed(rates={"Anvil Works": {"remote": 12000}})
    assert amounts("resolved-no-time", done(), comment(1), house=house) == [("leak", 6000)]


def test_a_ticket_whose_details_were_not_read_is_not_evaluated():
    books = shop(done(), done(2), comment(1), comment(2, 2))
    books.tables["tickets"].loc[0, "detail_at"] -= timedelta(days=3)
    made = reconcile(books, HOUSE, rules=["resolved-no-time"])
    assert [one.ticket for one in made.findings] == [2]
    assert [one.records for one in made.not_evaluated] == [1]


def test_without_a_time_of_resolution_a_silent_ticket_is_not_evaluated():
    silent = replace(done(), resolved_at=None)
    assert left_out("resolved-no-time", silent) == [1]
    assert amounts("resolved-no-time", silent, comment(1)) == [("leak", 7500)]


def test_a_table_that_was_never_read_is_no_all_clear():
    made = report(
        "resolved-no-time", done(), comment(1), without=("comments",), gaps=(Gap("comments", "not permitted"),)
    )
    assert made.findings == ()
    assert [(one.records, "not permitted" in one.reason) for one in made.not_evaluated] == [(1, True)]


# ---------------------------------------------------------------- timer-running


def running(id=1, number=1, hours=11.0, **more):
    """A timer that was started so many hours ago and not stopped."""
    began = NOW - timedelta(hours=hours)
    return replace(timer(id, number, None), started_at=began, created_at=began, **more)


def test_a_timer_that_runs_for_eleven_hours_bills_them_less_the_usual_half():
    assert amounts("timer-running", ticket(1, status="In Progress"), running()) == [("over", 157500)]
    assert amounts("timer-running", ticket(1, status="In Progress"), running(hours=10)) == []


def test_on_a_resolved_ticket_any_running_timer_is_found():
    assert amounts("timer-running", ticket(1), running(hours=2)) == [("over", 22500)]
    assert amounts("timer-running", ticket(1), running(hours=0.25)) == [("over", 0)]


def test_a_timer_that_was_stopped_is_left_alone():
    assert amounts("timer-running", ticket(1), timer(1, minutes=700)) == []
