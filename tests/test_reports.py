"""The weekly and monthly reports, on little worlds whose figures can be added up by hand."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from world import CABLE, HOUSE, INTERNAL, NOW, ONSITE, REMOTE, agreed, comment, contract, line, ticket, timer, world

from syncro_nb.books import Gap
from syncro_nb.errors import InputError
from syncro_nb.policy import Rounding
from syncro_nb.reconcile.decisions import Decision, Sighting, identified
from syncro_nb.reconcile.finding import Finding
from syncro_nb.reports import Question, every_report, make
from syncro_nb.reports.monthly import _runs
from syncro_nb.reports.registry import ORDER
from syncro_nb.service.records import Contact, Invoice, InvoiceLine, Payment, Schedule, Timelog
from syncro_nb.tables import Snapshot

MARCH = {"first": date(2026, 3, 1), "last": date(2026, 3, 31)}
REST = {"payments": (), "schedules": (), "timelogs": (), "contacts": (), "prepaid": ()}


def table(name, house=HOUSE, decisions=(), sightings=(), period=MARCH, **records):
    books = world(**{**REST, **records})
    return make(name, Question(books, house, decisions=decisions, sightings=sightings, **period))


def rows(name, *columns, **records):
    made = table(name, **records).rows
    return [tuple(one) for one in made[list(columns)].astype(object).where(made.notna(), None).values.tolist()]


def invoice(number, cents=0, days_ago=5, customer=10, name="Anvil Works", **more):
    day = (NOW - timedelta(days=days_ago)).date()
    return Invoice(
        number, cents, more.pop("total_cents", cents), str(number), customer_id=customer, customer_name=name, dated_on=day, **more
    )  # fmt: skip


def sold(id, number, hours="1", price_cents=15000, product_id=REMOTE, **more):
    return InvoiceLine(
        id, invoice_id=number, product_id=product_id, quantity=Decimal(hours), price_cents=price_cents, **more
    )


# ---------------------------------------------------------------- the registry


def test_the_reports_are_those_of_the_command_line():
    assert tuple(every_report()) == ORDER
    assert len(ORDER) == 19


def test_an_unknown_report_is_refused_with_the_nearest_one():
    with pytest.raises(InputError, match="did you mean utilisation"):
        table("utilization")


@pytest.mark.parametrize("name", ORDER)
def test_every_report_is_declared_also_without_a_record(name):
    made = table(name)
    columns = every_report()[name].columns
    assert {key: str(dtype) for key, dtype in made.rows.dtypes.items()} == {
        key: column.dtype for key, column in columns.items()
    }
    json.dumps(made.as_json())
    assert made.said in made.text()[0]


@pytest.mark.parametrize("name", [name for name in ORDER if every_report()[name].needs])
def test_what_was_never_read_is_said_and_nothing_is_called_clear(name):
    books = replace(world(), tables={}, gaps=())
    made = make(name, Question(books, HOUSE, **MARCH))
    assert any("it was never read" in one for one in made.missing)
    if made.rows.empty:
        assert "No rows, which proves nothing: see below." in made.text()
    if name == "checklist":
        assert set(made.rows["state"]) == {"not known"}


@pytest.mark.parametrize("name", ["wip", "response", "checklist"])
def test_a_gap_is_said_with_every_report_that_reads_the_table(name):
    made = table(name, gaps=(Gap("tickets", "page 3 failed", 12),))
    assert "tickets: page 3 failed (12 records)" in made.missing


def test_the_last_calendar_month_is_meant_unless_days_are_given():
    assert Question(world(), HOUSE).period == (date(2026, 2, 1), date(2026, 2, 28))
    assert Question(world(), HOUSE, first=date(2026, 1, 10)).period == (date(2026, 1, 10), date(2026, 1, 31))
    assert Question(world(), HOUSE, last=date(2026, 1, 10)).period == (date(2026, 1, 1), date(2026, 1, 10))
    with pytest.raises(InputError, match="after its end"):
        _ = Question(world(), HOUSE, first=date(2026, 3, 2), last=date(2026, 3, 1)).period


def test_hostile_names_do_not_reach_the_terminal():
    made = table("wip", tickets=[ticket(1, customer_name="\x1b[2JEvil\nTwin")], timers=[timer(1)])
    assert "\x1b" not in "\n".join(made.text())


def test_a_wide_report_keeps_to_the_screen_and_says_what_is_left_out():
    made = table("uncharged", tickets=[ticket(1)], timers=[timer(1)])
    assert all(len(one) <= 100 for one in made.text(100)[3:5])
    assert "further columns in --out and --json" in made.text(100)[5]


# ---------------------------------------------------------------- weekly


def test_open_tickets_are_counted_four_times_over():
    tickets = [ticket(1, status="New"), ticket(2, status="New"), ticket(3)]
    made = rows("open", "by", "value", "tickets", tickets=tickets)
    assert ("status", "New", 2) in made
    assert ("age", "8–14", 2) in made
    assert ("customer", "Anvil Works", 2) in made
    assert {by for by, _, _ in made} == {"status", "age", "technician", "customer"}


def test_work_in_progress_is_aged_by_the_day_of_the_work():
    made = rows(
        "wip", "customer", "technician", "days_0_7_cents", "days_15_30_cents", "amount_cents", "billable_hours",
        tickets=[ticket(1), ticket(2, customer=20), ticket(3, customer=30)],
        timers=[timer(1, minutes=30), timer(2, minutes=60, days_ago=20), timer(3, number=2), timer(4, number=3, billable=False)],
        charges=[line(9, product_id=CABLE, price_cents=999, hours="2")],
    )  # fmt: skip
    # 30 min and an hour at $150, and two cables; the block customer and what is not billable are left out
    assert made == [("Anvil Works", "Dana", 7500 + 1998, 15000, 24498, 1.5)]


def test_uncharged_timers_are_listed_whoever_pays():
    made = rows("uncharged", "record_id", "mode", "amount_cents", "worth_cents", tickets=[ticket(1), ticket(2, customer=20)],
                timers=[timer(1), timer(2, number=2, days_ago=3), timer(3, recorded=True)])  # fmt: skip
    assert made == [(2, "block", 0, 7500), (1, "time-and-materials", 7500, 7500)]


def test_resolved_without_time_is_listed():
    made = rows("no-time", "number", tickets=[ticket(1), ticket(2)], timers=[timer(1, number=2)], comments=[comment(1)])
    assert made == [(1,)]


def test_customers_who_wait_come_longest_first():
    made = rows(
        "waiting", "number", "waiting_days",
        tickets=[ticket(1, status="In Progress"), ticket(2, status="New"), ticket(3, status="In Progress"), ticket(4)],
        comments=[
            comment(1, 1, days_ago=5), comment(2, 1, days_ago=3, user_id=None), comment(3, 1, days_ago=1, user_id=None),
            comment(4, 2, days_ago=4, user_id=None), comment(5, 3, days_ago=2, user_id=None), comment(6, 3, days_ago=1),
        ],
    )  # fmt: skip
    assert made == [(2, 4), (1, 3)]  # 3 was answered, 4 is resolved


def test_blocks_are_shown_with_the_days_that_they_last():
    made = rows("blocks", "customer", "left_hours", prepaid=[Snapshot("a", 20, NOW - timedelta(days=1), 5_000_000)])
    assert made == [("Block House", 5.0)]


# ---------------------------------------------------------------- monthly: money and time


def test_the_effective_rate_is_labour_invoiced_by_hours_worked():
    made = rows(
        "rate", "customer", "hours", "labour_cents", "invoiced_cents", "rate_cents", "revenue_rate_cents",
        tickets=[ticket(1), ticket(2, customer=30)],
        timers=[timer(1, minutes=90), timer(2, number=2, minutes=30), timer(3, minutes=600, days_ago=40)],
        invoices=[invoice(7, 17000), invoice(8, 99900, days_ago=40)],
        invoice_lines=[sold(1, 7), sold(2, 7, "2", 999, CABLE), sold(3, 8, "6")],
    )  # fmt: skip
    # March: 1.5 h for $150 of labour and $170 in all; the older timer and invoice are not in it
    assert made == [
        ("Anvil Works", 1.5, 15000, 17000, 10000, 11333),
        ("Cedar", 0.5, 0, 0, 0, 0),
        ("(all)", 2.0, 15000, 17000, 7500, 8500),
    ]


def test_a_rate_without_hours_is_absent_and_prepaid_hours_sold_are_no_labour():
    made = rows("rate", "labour_cents", "invoiced_cents", "rate_cents", invoices=[invoice(7, 120000)],
                invoice_lines=[sold(1, 7, "10", 12000, category="Services;Prepay Hours", product_id=77)])  # fmt: skip
    assert made == [(0, 120000, None), (0, 120000, None)]


def test_labour_is_what_was_asked_for_it_less_the_discount():
    made = rows("rate", "labour_cents", invoices=[invoice(7, 27000)],
                invoice_lines=[replace(sold(1, 7, "2"), discount_percent=Decimal(10))])  # fmt: skip
    assert made[0] == (27000,)


def test_utilisation_is_ticket_hours_by_attendance():
    came = datetime(2026, 3, 30, 16, tzinfo=UTC)
    made = rows(
        "utilisation", "technician", "ticket_hours", "billable_hours", "attendance_hours", "utilisation_percent",
        "billable_percent",
        tickets=[ticket(1)],
        timers=[timer(1, minutes=120), timer(2, minutes=60, billable=False), timer(3, user_id=2, minutes=60)],
        timelogs=[Timelog(1, 1, came, came + timedelta(hours=6)), Timelog(2, 1, came, None)],
    )  # fmt: skip
    assert made == [
        ("Dana", 3.0, 2.0, 6.0, 50.0, pytest.approx(100 / 3)),
        ("Priya", 1.0, 1.0, None, None, None),
        ("(all)", 4.0, 3.0, 6.0, pytest.approx(200 / 3), 50.0),
    ]


def test_attendance_that_nobody_records_is_said():
    assert "Nobody's attendance is recorded" in " ".join(table("utilisation").missing)


def test_realisation_is_labour_by_hours_at_the_standard_rate():
    made = rows(
        "realisation", "customer", "hours", "standard_cents", "labour_cents", "realisation_percent",
        tickets=[ticket(1)], timers=[timer(1, minutes=60), timer(2, minutes=60, product_id=ONSITE)],
        invoices=[invoice(7, 26000)], invoice_lines=[sold(1, 7, "1", 13000), sold(2, 7, "1", 13000)],
    )  # fmt: skip
    assert made[0] == ("Anvil Works", 2.0, 32500, 26000, 80.0)


def accepted(reason, cents, key, on="2026-03-10"):
    return identified(
        Decision(
            "acme", key, "accepted", "Ana", NOW, reason, rule="zero-line", direction="leak", amount_cents=cents, on=on
        )
    )


def test_write_offs_come_from_decisions_and_from_time_that_nobody_bills():
    made = rows(
        "write-offs", "source", "reason", "records", "hours", "amount_cents",
        house=agreed(rounding={"default": Rounding(15, 15)}),
        decisions=[accepted("goodwill", 5000, "a"), accepted("goodwill", 100, "b"), accepted("old", 9, "c", on="2026-02-01")],
        tickets=[ticket(1), ticket(2, customer=20)],
        timers=[
            timer(1, minutes=20, billable=False, notes="Courtesy for the long wait"), timer(2, minutes=60, billable=False),
            timer(3, minutes=60, billable=False, product_id=INTERNAL), timer(4, 2, minutes=60, billable=False), timer(5),
        ],
    )  # fmt: skip
    assert made == [
        ("not billable", "", 1, 1.0, 15000),
        ("not billable", "courtesy", 1, 0.5, 7500),
        ("decision", "goodwill", 2, 0.0, 5100),
    ]


def test_write_offs_without_decisions_say_so():
    assert "Decisions on findings could not be looked at" in " ".join(table("write-offs", decisions=None).missing)


def test_the_labour_mix_shows_kinds_and_the_share_after_hours():
    late = datetime(2026, 3, 31, 5, tzinfo=UTC)  # 22:00 on Monday in Los Angeles
    made = rows(
        "labour-mix", "kind", "hours", "hours_percent", "amount_cents", "worked_hours", "after_hours", "after_hours_percent",
        tickets=[ticket(1)],
        timers=[timer(1, minutes=60), timer(2, minutes=60, started_at=late, ended_at=late + timedelta(hours=1))],
        invoices=[invoice(7, 0)], invoice_lines=[sold(1, 7, "3"), sold(2, 7, "1", 17500, ONSITE), sold(3, 7, "9", 999, CABLE)],
    )  # fmt: skip
    assert made == [
        ("remote", 3.0, 75.0, 45000, 2.0, 1.0, 50.0),
        ("onsite", 1.0, 25.0, 17500, 0.0, 0.0, None),
        ("(all)", 4.0, 100.0, 62500, 2.0, 1.0, 50.0),
    ]


def finding(key, cents):
    return Finding("zero-line", "S2", "leak", cents, True, "Anvil Works", 1, None, key, "No price", on="2026-03-10")


def test_leakage_is_the_bridge_over_the_months():
    seen = Sighting(NOW, MARCH["first"], MARCH["last"], (finding("a", 5000), finding("b", 300)))
    made = rows("leakage", "month", "rule", "found_cents", "accepted_cents", "open_cents",
                sightings=[seen], decisions=[accepted("goodwill", 5000, "a")])  # fmt: skip
    assert made == [("2026-03", "zero-line", 5300, 5000, 300)]


def test_leakage_that_nobody_looked_for_is_not_called_none():
    assert "No reconciliation has been made" in " ".join(table("leakage").missing)
    assert "could not be looked at" in " ".join(table("leakage", sightings=None).missing)


# ---------------------------------------------------------------- monthly: service


def test_the_first_answer_is_the_second_public_comment():
    made = rows(
        "response", "priority", "tickets", "answered", "response_median_hours", "resolved", "resolution_median_hours",
        tickets=[
            ticket(1, priority="1 High", created_at=NOW - timedelta(hours=48), resolved_at=NOW - timedelta(hours=38)),
            ticket(2, priority="1 High", created_at=NOW - timedelta(hours=48), status="New"),
        ],
        comments=[
            comment(1, 1, days_ago=2.0), comment(2, 1, days_ago=47 / 24, hidden=True), comment(3, 1, days_ago=45 / 24),
            comment(4, 2, days_ago=2.0, user_id=None), comment(5, 2, days_ago=1.9, user_id=None),
        ],
    )  # fmt: skip
    assert made == [("1 High", 2, 1, 3.0, 1, 10.0), ("(all)", 2, 1, 3.0, 1, 10.0)]


def test_percentiles_lie_between_the_values():
    tickets = [
        ticket(at, created_at=NOW - timedelta(hours=100), resolved_at=NOW - timedelta(hours=100 - at))
        for at in range(1, 12)
    ]
    made = rows("response", "resolution_median_hours", "resolution_p90_hours", tickets=tickets)
    assert made[-1] == (6.0, 10.0)


def test_tickets_that_were_taken_up_again_are_listed_with_the_sign():
    done = NOW - timedelta(days=5)
    made = rows(
        "reopened", "number", "sign",
        tickets=[
            ticket(1, status="In Progress", resolved_at=done, updated_at=NOW), ticket(2, resolved_at=done),
            ticket(3, resolved_at=done), ticket(4, status="In Progress"),
        ],
        comments=[comment(1, 2, days_ago=4, user_id=None), comment(2, 3, days_ago=6, user_id=None), comment(3, 3, days_ago=4)],
    )  # fmt: skip
    assert made == [(2, "the customer wrote after it was resolved"), (1, "open again")]


def test_top_talkers_are_people_with_tickets_comments_and_hours():
    anna = Contact(5, "Anna")
    made = rows(
        "top-talkers", "customer", "contact", "tickets", "comments", "hours",
        tickets=[ticket(1, contact=anna), ticket(2, contact=anna, created_at=NOW - timedelta(days=60)), ticket(3, customer=30)],
        timers=[timer(1, minutes=90)], comments=[comment(1, 2, user_id=None), comment(2, 2)],
    )  # fmt: skip
    assert made == [("Anvil Works", "Anna", 1, 1, 1.5), ("Cedar", "", 1, 0, 0.0)]


# ---------------------------------------------------------------- monthly: invoices


def owed(number, cents, days_late, **more):
    return invoice(number, cents, due_on=date(2026, 3, 31) - timedelta(days=days_late), **more)


def test_receivables_are_aged_by_days_overdue():
    made = rows(
        "receivables", "customer", "invoices", "current_cents", "days_1_30_cents", "days_31_60_cents", "days_61_90_cents",
        "days_90_plus_cents", "balance_cents",
        invoices=[
            owed(1, 100, 0), owed(2, 200, 1), owed(3, 400, 30), owed(4, 800, 31), owed(5, 1600, 60), owed(6, 3200, 61),
            owed(7, 6400, 90), owed(8, 12800, 91), owed(9, 5, 5, is_paid=True),
        ],
        payments=[Payment(1, 50, True, (1,)), Payment(2, 60, False, (1,))],
    )  # fmt: skip
    assert made[0] == ("Anvil Works", 8, 50, 600, 2400, 9600, 12800, 25450)
    assert made[1][0] == "(all)"


def test_syncros_own_balance_comes_first():
    made = rows("receivables", "balance_cents", invoices=[owed(1, 100, 5, balance_due_cents=30)])
    assert made[0] == (30,)


def test_invoices_without_ticket_and_tickets_without_invoice_are_listed():
    done = NOW - timedelta(days=2)
    made = rows(
        "unlinked", "what", "number", "amount_cents", "mode",
        tickets=[ticket(at, resolved_at=done) for at in (1, 2, 3)] + [ticket(4, status="New")],
        timers=[timer(1), timer(2, number=2), timer(4, number=4)],
        charges=[line(1, 1, product_id=CABLE, price_cents=999), line(2, 2, converted=True)],
        invoices=[
            invoice(7, 5000), invoice(8, 1, ticket_id=1002), invoice(9, 2, schedule_id=3), invoice(10, 2, is_recurring=True),
        ],
        invoice_lines=[sold(1, 7, description="By hand")],
    )  # fmt: skip
    assert made == [
        ("invoice without ticket", "7", 5000, ""),
        ("ticket without invoice", "1", 7500 + 999, "time-and-materials"),
    ]


def test_invoices_that_only_the_list_showed_prove_nothing():
    books = world(**REST, invoices=[invoice(7, 5000)])
    books.tables["invoices"]["named_at"] = None
    books.tables["invoices"]["named_at"] = books.tables["invoices"]["named_at"].astype("datetime64[us, UTC]")
    assert "not proved" in " ".join(make("unlinked", Question(books, HOUSE, **MARCH)).missing)


@pytest.mark.parametrize(
    ("next_run", "frequency", "runs"),
    [
        (date(2026, 4, 15), "Monthly", 1),
        (date(2026, 3, 15), "Monthly", 1),
        (date(2026, 4, 15), "Quarterly", 0),
        (date(2026, 6, 30), "Quarterly", 1),
        (date(2027, 3, 1), "Annually", 1),
        (date(2027, 4, 1), "Annually", 0),
        (date(2026, 4, 1), "Weekly", 4),
        (date(2026, 4, 7), "Weekly", 5),
        (date(2026, 4, 1), "Daily", 31),
        (date(2026, 8, 31), "Monthly", 1),
        (date(2026, 4, 1), "Every full moon", None),
    ],
)
def test_runs_are_reckoned_from_the_next_one(next_run, frequency, runs):
    assert _runs(next_run, frequency, *MARCH.values()) == runs


def test_recurring_invoices_are_held_against_what_was_due():
    plan = {"customer_id": 10, "frequency": "Monthly", "subtotal_cents": 2900}
    made = rows(
        "recurring", "schedule", "expected", "made", "expected_cents", "made_cents", "overdue",
        schedules=[
            Schedule(1, name="A", next_run_on=date(2026, 4, 15), **plan),
            Schedule(2, name="B", next_run_on=date(2026, 3, 20), **plan),
            Schedule(3, name="C", next_run_on=date(2026, 3, 20), paused=True, **plan),
        ],
        invoices=[invoice(7, 3900, schedule_id=1)],
    )  # fmt: skip
    assert made == [("A", 1, 1, 2900, 3900, False), ("B", 1, 0, 2900, 0, True), ("C", 0, 0, 0, 0, False)]


# ---------------------------------------------------------------- closing the month


def checklist(**records):
    made = rows("checklist", "step", "state", "records", "amount_cents", **records)
    return {step: (state, left, cents) for step, state, left, cents in made}


def test_the_checklist_says_what_is_left_before_the_month_is_closed():
    made = checklist(
        tickets=[ticket(1), ticket(2)],
        timers=[timer(1), timer(2, ended_at=None)],
        charges=[line(1)],
        comments=[comment(1, 2)],
        schedules=[Schedule(1, 10, "A", "Monthly", date(2026, 3, 20), 2900)],
        invoices=[owed(1, 100, 3)],
    )
    assert made["No timer is running"] == ("to do", 1, None)
    assert made["Every timer of the month is charged"] == ("to do", 1, 7500)
    assert made["Every charge of resolved tickets is invoiced"] == ("to do", 1, 15000)
    assert made["Every recurring invoice is made"] == ("to do", 1, 2900)
    assert made["Nothing that customers owe is overdue"] == ("to do", 1, 100)
    assert made["Every finding of the reconciliation is decided"] == ("not known", None, None)


def test_a_step_is_done_only_where_everything_was_seen():
    assert checklist()["Every timer of the month is charged"] == ("done", 0, 0)
    torn = checklist(gaps=(Gap("timers", "page 2 failed", 25),))
    assert torn["Every timer of the month is charged"] == ("not known", None, None)
    assert torn["Every recurring invoice is made"][0] == "done"


def test_a_run_that_is_past_counts_with_its_amount_and_one_that_may_be_there_is_not_known():
    step = "Every recurring invoice is made"
    yearly = [Schedule(1, 10, "A", "Annually", date(2025, 9, 20), 34800)]
    assert checklist(schedules=yearly)[step] == ("to do", 1, 34800)
    torn = checklist(schedules=yearly, gaps=(Gap("invoices", "page 2 failed"),))
    assert torn[step] == ("not known", None, None)


def test_time_whose_rate_nobody_knows_has_no_amount():
    made = checklist(tickets=[ticket(1)], timers=[timer(1, product_id=None)], products=())
    assert made["Every timer of the month is charged"] == ("to do", 1, None)


def test_the_amount_stays_where_a_terminal_is_narrow():
    said = table("wip", tickets=[ticket(1)], timers=[timer(1)]).text(width=60)
    assert any("amount" in one for one in said)
    assert any("further columns" in one and "amount_cents" not in one for one in said)


def test_prepaid_hours_that_were_never_read_are_a_doubt_of_whoever_counts_dollars():
    books = world(**REST, tickets=[ticket(1)], timers=[timer(1)])
    books.tables["customers"].loc[:, "detail_at"] = pd.NaT
    for name in ("wip", "uncharged", "no-time", "write-offs", "checklist", "unlinked"):
        made = make(name, Question(books, HOUSE, decisions=(), sightings=(), **MARCH))
        assert any("customers: their details were never read" in one for one in made.missing), name


def test_a_month_that_was_reconciled_and_decided_is_done():
    seen = Sighting(NOW + timedelta(days=1), MARCH["first"], MARCH["last"], (finding("a", 5000), finding("b", 300)))
    step = "Every finding of the reconciliation is decided"
    assert checklist(sightings=[seen])[step] == ("to do", 2, 5300)
    decisions = [accepted("goodwill", 5000, "a"), accepted("goodwill", 300, "b")]
    assert checklist(sightings=[seen], decisions=decisions)[step] == ("done", 0, 0)
    torn = replace(seen, unevaluated=frozenset(["tax"]))
    assert checklist(sightings=[torn], decisions=decisions)[step][0] == "not known"


def test_work_that_a_contract_pays_is_nothing_to_do():
    made = checklist(tickets=[ticket(1)], timers=[timer(1)], contracts=[contract(10)])
    assert made["Every timer of the month is charged"][0] == "done"
