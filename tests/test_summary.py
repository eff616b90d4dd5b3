"""The two summaries: little worlds whose numbers anybody can add up; totals are their rows; what is missing is said."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from desk import Desk
from everything import read_everything
from hypothesis import given, settings
from hypothesis import strategies as st
from world import CABLE, HOUSE, INTERNAL, NOW, ONSITE, PRODUCTS, agreed, comment, contract, line, ticket, timer, world

from syncro_nb import export
from syncro_nb.books import Gap
from syncro_nb.errors import InputError
from syncro_nb.policy import Policy, Rounding
from syncro_nb.service.records import Customer, Product, Settings, User
from syncro_nb.summary import age, missing, open_tickets, unbilled
from syncro_nb.summary.open_tickets import CHANGES, COUNTS, OPEN, summarise_open_tickets
from syncro_nb.summary.unbilled import (
    BY_MODE,
    POLICY_CHANGE,
    PROBLEMS,
    TOTALS,
    UNBILLED,
    WITHOUT_TIME,
    policy_change,
    summarise_unbilled,
    total_by,
)

DANA = {"user_id": 1, "technician": User(1, "Dana")}


def days_ago(days):
    return NOW - timedelta(days=days)


def opened(number, **more):
    return ticket(number, **{"status": "New", "updated_at": days_ago(2), **more})


def summary(house=HOUSE, **records):
    return summarise_unbilled(world(**{"tickets": [ticket(1), ticket(2, customer=30)], **records}), house)


def look(**records):
    return summarise_open_tickets(world(**records), HOUSE)


def pairs(table, *columns):
    return list(table[list(columns)].itertuples(index=False, name=None))


# ---------------------------------------------------------------- ages


def test_the_bands_end_on_the_seventh_the_fourteenth_and_the_thirtieth_day():
    days = pd.Series([-1, 0, 7, 8, 14, 15, 30, 31, 999, None], dtype="Int64")
    assert age.age_band(days).tolist() == [
        *("0–7", "0–7", "0–7", "8–14", "8–14", "15–30", "15–30", "30+", "30+", "no date")
    ]


# ---------------------------------------------------------------- open tickets


def test_only_what_is_not_resolved_is_open_newest_first():
    rows = look(tickets=[opened(1), ticket(2), opened(3), ticket(4, status="Invoiced")]).rows
    assert rows["number"].tolist() == [3, 1]


def test_open_tickets_are_counted_by_whatever_people_ask_for():
    found = look(
        tickets=[
            opened(1, created_at=days_ago(3), priority="1 High", **DANA),
            opened(2, created_at=days_ago(9), status="In Progress", customer=30),
            opened(3, created_at=days_ago(40), due_on=date(2026, 3, 30), **DANA),
        ]
    )
    assert pairs(found.by_status, "status", "tickets", "oldest_days") == [("New", 2, 40), ("In Progress", 1, 9)]
    assert pairs(found.by_technician, "technician", "tickets", "unassigned") == [("Dana", 2, 0), ("", 1, 1)]
    assert pairs(found.by_customer, "customer", "tickets", "overdue") == [("Anvil Works", 2, 1), ("Cedar", 1, 0)]
    assert pairs(found.by_priority, "priority", "tickets") == [("", 2), ("1 High", 1)]
    assert pairs(found.by_age, "age_band", "tickets") == [("0–7", 1), ("8–14", 1), ("30+", 1)]
    assert found.oldest["number"].tolist() == [3, 2, 1]
    assert found.unassigned["number"].tolist() == [2]
    assert repr(found) == "<3 open tickets, 1 unassigned, 1 overdue, 3 waiting on us>"


def test_overdue_is_a_due_day_that_is_past_or_a_breached_service_level():
    # The books are of 31 March, 13:00 in the account's time zone: what is due that day is not late yet.
    found = look(
        tickets=[
            opened(1, due_on=date(2026, 3, 31)),
            opened(2, due_on=date(2026, 3, 30)),
            opened(3, due_on=date(2026, 4, 20), sla_breached=True),
            opened(4, due_on=date(2026, 3, 1)),
            ticket(5, due_on=date(2026, 3, 1)),
        ]
    ).overdue
    assert [(number, None if pd.isna(days) else days) for number, days in pairs(found, "number", "overdue_days")] == [
        (4, 30),
        (2, 1),
        (3, None),
    ]


def turn(comments=(), **more):
    (row,) = look(tickets=[opened(1, **more)], comments=comments).rows.itertuples()
    return row.waiting_on, row.waiting_days, row.waiting_source


def test_it_is_our_turn_since_the_first_question_after_our_last_answer():
    asked = [comment(1, days_ago=9, user_id=None), comment(2, days_ago=8), comment(3, days_ago=5, user_id=None)]
    assert turn([*asked, comment(4, days_ago=1, user_id=None)]) == ("us", 5, "comments")


def test_a_hidden_comment_is_no_answer():
    assert turn([comment(1, days_ago=5, user_id=None), comment(2, days_ago=1, hidden=True)]) == ("us", 5, "comments")


def test_waiting_on_the_customer_counts_from_our_last_word():
    said = [comment(1, days_ago=9), comment(2, days_ago=4)]
    assert turn(said, status="Waiting on Customer") == ("customer", 4, "comments")
    assert turn([*said, comment(3, days_ago=3, user_id=None)], status="Waiting on Customer") == ("us", 3, "comments")


@pytest.mark.parametrize(
    ("status", "more", "whose"),
    [
        ("Waiting on Vendor", {}, "third party"),
        ("Waiting for Parts", {}, "third party"),
        ("Customer Reply", {}, "us"),
        ("Waiting on Customer", {"customer_reply": True}, "us"),
        ("Scheduled", {"start_at": NOW + timedelta(days=1)}, "nobody (scheduled)"),
        ("Scheduled", {"start_at": NOW - timedelta(days=1)}, "us"),
        ("In Progress", {}, "us"),
    ],
)
def test_whose_turn_it_is_without_comments(status, more, whose):
    assert turn(status=status, **more) == (whose, 2, "last change")


def test_comments_of_a_ticket_whose_details_were_not_read_prove_nothing():
    books = world(tickets=[opened(1)], comments=[comment(1, days_ago=5, user_id=None)])
    books.table("tickets")["detail_at"] = pd.NaT
    books.table("tickets")["detail_at"] = books.table("tickets")["detail_at"].dt.tz_localize("UTC")
    found = summarise_open_tickets(books, HOUSE)
    assert found.rows["waiting_source"].tolist() == ["last change"]
    assert [missing.say(gap) for gap in found.incomplete] == ["tickets: their details were never read (1 record)"]
    assert "INCOMPLETE" in repr(found)


def test_what_has_changed_since_the_last_look():
    found = look(
        tickets=[
            opened(1, created_at=days_ago(0.5), updated_at=days_ago(0.4)),
            opened(2, created_at=days_ago(9), updated_at=days_ago(0.2)),
            opened(3, created_at=days_ago(9), updated_at=days_ago(3)),
            ticket(4, created_at=days_ago(9), resolved_at=days_ago(0.1), updated_at=days_ago(0.1)),
            ticket(5, created_at=days_ago(0.3), resolved_at=days_ago(0.3), updated_at=days_ago(0.05)),
            ticket(6, created_at=days_ago(9), resolved_at=days_ago(8), updated_at=days_ago(0.1)),
            opened(7, created_at=days_ago(9), resolved_at=days_ago(0.7), updated_at=days_ago(0.6)),
        ]
    )
    assert pairs(found.changes, "number", "change") == [
        *((4, "resolved"), (2, "touched"), (5, "opened and resolved"), (1, "opened"), (7, "reopened"))
    ]
    assert found.since == days_ago(1)


def test_a_ticket_has_a_link_where_the_account_has_a_site():
    books = world(tickets=[opened(1)])
    assert open_tickets.open_rows(books, HOUSE, site="https://x.example")["link"].tolist() == [
        "https://x.example/tickets/1001"
    ]
    assert open_tickets.open_rows(books, HOUSE)["link"].tolist() == [""]


# ---------------------------------------------------------------- unbilled


def test_timers_and_charges_add_up_by_hand():
    # Dana, half an hour remote at $150 yesterday: $75. An hour and a half onsite at $175 ten days ago: $262.50.
    # A line of two cables at $9.99, twenty days ago: $19.98. A line of an hour remote, forty days ago: $150.
    found = summary(
        timers=[timer(1), timer(2, number=2, minutes=90, days_ago=10, product_id=ONSITE, user_id=2)],
        charges=[
            line(3, hours="2", product_id=CABLE, price_cents=999, days_ago=20),
            line(4, number=2, days_ago=40),
            line(5, converted=True),
        ],
    )
    assert pairs(found.rows, "record_id", "amount_cents") == [(4, 15000), (3, 1998), (2, 26250), (1, 7500)]
    assert found.totals == {
        "records": 4,
        "actual_hours": 2.0,
        "billable_hours": 3.0,
        "uncharged_cents": 33750,
        "pending_cents": 16998,
        "amount_cents": 50748,
        "prepaid_hours": 0.0,
        "contract_hours": 0.0,
        "free_hours": 0.0,
        "without_time": 0,
    }
    assert pairs(found.by_age, "age_band", "amount_cents") == [
        *(("0–7", 7500), ("8–14", 26250), ("15–30", 1998), ("30+", 15000))
    ]
    assert pairs(found.by_customer, "customer", "uncharged_cents", "pending_cents") == [
        ("Cedar", 26250, 15000),
        ("Anvil Works", 7500, 1998),
    ]
    assert pairs(found.by_technician, "technician", "amount_cents") == [("Priya", 26250), ("Dana", 24498)]
    assert pairs(found.by_kind, "kind", "amount_cents") == [("onsite", 26250), ("remote", 22500), ("goods", 1998)]
    assert repr(found) == "<unbilled $507.48, 3.00 h in 4 records; 0 tickets resolved without time>"


def test_a_timer_that_was_charged_is_counted_as_its_line_only():
    found = summary(timers=[timer(1, recorded=True, line_item_id=7)], charges=[line(7, hours="0.5")])
    assert pairs(found.rows, "what", "record_id", "amount_cents") == [("charge not invoiced", 7, 7500)]
    again = summary(timers=[timer(1, recorded=True, line_item_id=7)], charges=[line(7, hours="0.5", converted=True)])
    assert again.totals["amount_cents"] == 0


def test_what_runs_is_not_billable_or_was_charged_is_not_unbilled():
    found = summary(timers=[timer(1, minutes=None), timer(2, billable=False), timer(3, recorded=True)])
    assert found.rows.empty
    assert found.totals["amount_cents"] == 0
    assert pairs(found.by_age, "age_band", "records") == [("0–7", 0), ("8–14", 0), ("15–30", 0), ("30+", 0)]


def test_prepaid_contract_and_free_work_stand_apart_from_what_is_to_be_billed():
    tickets = [ticket(1), ticket(2, customer=20), ticket(3, customer=30), ticket(4, tags=("warranty",))]
    found = summary(
        tickets=tickets,
        timers=[timer(number, number=number) for number in (1, 2, 3, 4)] + [timer(5, product_id=INTERNAL)],
        contracts=[contract(30)],
    )
    totals = found.totals
    assert totals["amount_cents"] == 7500
    assert [totals[name] for name in ("billable_hours", "prepaid_hours", "contract_hours", "free_hours")] == [
        *(0.5, 0.5, 0.5, 1.0)
    ]
    assert pairs(found.by_mode, "mode", "records", "amount_cents", "worth_cents") == [
        ("time-and-materials", 1, 7500, 7500),
        *(("block", 1, 0, 7500), ("contract", 1, 0, 7500), ("internal", 1, 0, 0), ("warranty", 1, 0, 7500)),
    ]
    assert pairs(found.rows, "mode", "billable_hours", "prepaid_hours", "contract_hours", "free_hours") == [
        ("time-and-materials", 0.5, 0, 0, 0),
        *(("block", 0, 0.5, 0, 0), ("contract", 0, 0, 0.5, 0), ("warranty", 0, 0, 0, 0.5), ("internal", 0, 0, 0, 0.5)),
    ]
    assert found.rows["billable_seconds"].tolist() == [1800] * 5
    said = [" ".join(one.split()) for one in found.text()]
    assert "Anvil Works $75.00 0.50 h 3 records, 1.00 h internal or warranty" in said
    assert "Block House $0.00 0.00 h 1 record, 0.50 h prepaid" in said
    assert "Cedar $0.00 0.00 h 1 record, 0.50 h by contract" in said


def test_actual_hours_stand_beside_billable_ones():
    found = summary(timers=[timer(1, minutes=20, override_seconds=3600)], charges=[line(2, hours="2")])
    assert pairs(found.rows, "record_id", "actual_seconds", "billable_seconds")[0] == (2, pd.NA, 7200)
    assert found.totals["actual_hours"] == pytest.approx(1 / 3)
    assert found.totals["billable_hours"] == 3.0


def test_customers_of_one_name_stand_apart_in_the_rows_and_in_the_sums():
    twins = (Customer(10, "Anvil Works"), Customer(77, "Anvil Works"), Customer(30, "Cedar"))
    tickets = [
        opened(1, updated_at=NOW - timedelta(hours=1)),
        opened(2, customer=77, customer_name="Anvil Works"),
        opened(3, customer=30),
        ticket(4, customer=77, customer_name="Anvil Works", resolved_at=days_ago(9)),
        opened(5, customer=30, customer_name="Cedar as it was called"),
    ]
    books = world(tickets=tickets, timers=[timer(n, number=n, minutes=30 * n) for n in (1, 2, 3, 5)], customers=twins)
    found, looked = summarise_unbilled(books, HOUSE), summarise_open_tickets(books, HOUSE)
    assert pairs(found.by_customer, "customer", "records", "amount_cents") == [
        ("Cedar", 2, 60000),
        ("Anvil Works (id 77)", 1, 15000),
        ("Anvil Works (id 10)", 1, 7500),
    ]
    assert set(pairs(found.rows, "customer_id", "customer")) == {
        *((10, "Anvil Works (id 10)"), (77, "Anvil Works (id 77)"), (30, "Cedar"))
    }
    assert found.without_time["customer"].tolist() == ["Anvil Works (id 77)"]
    assert pairs(looked.by_customer, "customer", "tickets") == [
        *(("Cedar", 2), ("Anvil Works (id 10)", 1), ("Anvil Works (id 77)", 1))
    ]
    assert pairs(looked.changes, "number", "customer") == [(1, "Anvil Works (id 10)")]
    assert set(policy_change(books, HOUSE, Policy())["customer"]) == set(found.by_customer["customer"])


def test_work_of_which_nobody_has_read_who_pays_for_it_is_told_with_its_record():
    books = world(
        tickets=[ticket(1)], timers=[timer(1), timer(2, product_id=INTERNAL)], charges=[line(3, product_id=CABLE)]
    )
    customers = books.table("customers")
    never = customers["detail_at"].mask(customers["detail_at"].notna())
    unread = replace(books, tables={**books.tables, "customers": customers.assign(detail_at=never)})
    told = "whether prepaid hours pay for it was not read: counted as to be billed"
    assert len(summarise_unbilled(books, HOUSE).problems) == 0
    assert pairs(summarise_unbilled(unread, HOUSE).problems, "record_id", "problem") == [(1, told)]
    nothing = replace(books, tables={name: one for name, one in books.tables.items() if name != "contracts"})
    found = summarise_unbilled(nothing, HOUSE)
    told = "whether a contract covers it was not read: counted as to be billed"
    assert pairs(found.problems, "record_id", "problem") == [(1, told)]
    assert [missing.say(gap) for gap in found.incomplete] == [
        "contracts: it was never read; what a contract covers may be counted as to be billed"
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: Policy(per="Ticket"), "per is entry or ticket, not 'Ticket'"),
        (lambda: Policy(bill_by="timer"), "bill_by is timers or lines, not 'timer'"),
        (lambda: Rounding(-30, 15), "whole minutes, 0 or more, not '-30'"),
        (lambda: Rounding("30"), "whole minutes, 0 or more, not '30'"),
        (lambda: Rounding(7.5), "whole minutes, 0 or more, not '7.5'"),
        (lambda: policy_change(world(), HOUSE, 30), "another policy looks like Policy"),
        (lambda: policy_change(world(), HOUSE, Policy(rounding={"remot": Rounding(30)})), "did you mean remote"),
    ],
)
def test_a_policy_that_is_none_is_said_in_one_line(change, said):
    with pytest.raises(InputError, match=said):
        change()


def test_a_policy_may_round_every_kind_that_the_catalogue_has():
    assert len(policy_change(world(timers=[timer(1)]), HOUSE, Policy(rounding={"warranty": Rounding(30)}))) == 1


def test_technicians_of_one_name_stand_apart_in_the_rows_and_in_the_sums():
    twins = (User(5, "Sam Reed"), User(6, "Sam Reed"), User(7, "Ada Holt"))
    tickets = [
        *(opened(n, user_id=n, technician=twins[n - 5], updated_at=NOW - timedelta(hours=n)) for n in (5, 6)),
        opened(7, user_id=7, technician=twins[2]),
        opened(8),
        ticket(9, user_id=6, technician=twins[1], resolved_at=days_ago(9)),
    ]
    timers = [timer(n, number=n, minutes=30, user_id=n) for n in (5, 6, 7)]
    books = world(tickets=tickets, timers=timers, users=twins)
    found, looked = summarise_unbilled(books, HOUSE), summarise_open_tickets(books, HOUSE)
    apart = ["Ada Holt", "Sam Reed (id 5)", "Sam Reed (id 6)"]
    assert sorted(found.by_technician["technician"]) == apart
    assert sorted(looked.by_technician["technician"]) == ["", *apart]
    assert found.without_time["technician"].tolist() == ["Sam Reed (id 6)"]
    assert set(policy_change(books, HOUSE, Policy())["technician"]) == set(apart)
    assert pairs(looked.changes, "number", "technician") == [(5, "Sam Reed (id 5)"), (6, "Sam Reed (id 6)")]


def test_a_name_that_looks_like_one_with_an_id_is_nobody_elses():
    named = {77: "Anvil", 78: "Anvil", 79: "Anvil (id 77)"}
    tickets = [opened(n, customer=n, customer_name=name) for n, name in named.items()]
    tickets += [opened(1, customer=None, customer_name="Anvil")]
    counted = look(tickets=tickets, customers=()).by_customer
    assert sorted(pairs(counted, "customer", "tickets")) == [
        *(("Anvil", 1), ("Anvil (id 77)", 1), ("Anvil (id 77) (id 79)", 1), ("Anvil (id 78)", 1))
    ]


def test_every_row_names_its_ticket_and_record():
    found = summarise_unbilled(world(tickets=[ticket(1)], timers=[timer(1)]), HOUSE, site="https://x.example")
    (row,) = found.rows.itertuples()
    assert (row.number, row.record_id, row.link) == (1, 1, "https://x.example/tickets/1001")


def without_time(*tickets, **records):
    return summary(tickets=tickets, **records).without_time["number"].tolist()


def test_resolved_without_time_has_no_timer_and_no_labour_but_somebody_worked():
    long, short = {"resolved_at": days_ago(9)}, {"resolved_at": days_ago(10) + timedelta(minutes=15)}
    assert without_time(ticket(1, **long), ticket(2, **short), ticket(3, **short), comments=[comment(1, number=3)]) == [
        3,
        1,
    ]
    assert without_time(ticket(1, **long), timers=[timer(1, billable=False)]) == []
    assert without_time(ticket(1, **long), charges=[line(1)]) == []
    assert without_time(ticket(1, **long), charges=[line(1, product_id=CABLE)]) == [1]
    assert without_time(ticket(1, status="New", **long)) == []
    assert without_time(ticket(1, **short), comments=[comment(1, user_id=None)]) == []


@pytest.mark.parametrize("word", ["cancelled", "Duplicate", "spam", "auto-closed", "internal", "warranty"])
def test_what_rightly_has_no_time_is_left_out(word):
    assert without_time(ticket(1, resolved_at=days_ago(9), tags=("vip", word))) == []
    assert without_time(ticket(1, resolved_at=days_ago(9), status=f"Resolved - {word}")) == []


# ---------------------------------------------------------------- wrong and missing data


def problems(**records):
    return pairs(summary(**records).problems, "record_id", "problem")


def test_what_a_record_lacks_is_said_by_row_and_it_is_counted_all_the_same():
    future = {"started_at": NOW + timedelta(days=2), "ended_at": NOW + timedelta(days=2, hours=1)}
    found = summary(
        timers=[
            timer(1, number=None),
            timer(2, number=404),
            timer(3, product_id=None),
            timer(4, minutes=-5),
            timer(5, override_seconds=-60),
            timer(6, **future),
            timer(7, line_item_id=99),
            timer(8),
        ],
        charges=[line(9, discount_percent=Decimal(10)), line(10, hours="-1")],
    )
    said = dict(pairs(found.problems, "record_id", "problem"))
    assert [said[one].split(":")[0] for one in (1, 2, 3, 4, 5, 6, 7, 9, 10)] == [
        "it names no ticket",
        "its ticket is not among the tickets that were read",
        "neither a product nor an agreed rate is known",
        "it ends before it starts",
        "its billable time is below 0",
        "its work lies in the future",
        "it names a ticket line and is not recorded as charged",
        "it has a discount, which is not taken off here",
        "its amount is below 0",
    ]
    assert 8 not in said
    assert len(found.rows) == 9  # all but 7, which is its line's
    assert found.rows.set_index("record_id")["amount_cents"].loc[[1, 3, 4, 5]].tolist() == [7500, 0, 0, 0]
    assert "9 problems" in repr(found)


LOST = "its line is not on the ticket: counted nowhere; see charged-no-line of `syncro reconcile`"


def test_a_timer_whose_line_is_not_there_is_counted_nowhere_and_that_is_said():
    torn = "it names a ticket line and is not recorded as charged"
    tickets = [ticket(1), ticket(2), ticket(3)]
    timers = [
        timer(1, line_item_id=7),
        timer(2, line_item_id=99),
        timer(3, recorded=True, line_item_id=99),
        timer(4, recorded=True, line_item_id=8),  # on another ticket
        timer(5, recorded=True),  # it may have become line 9
        timer(6, number=3, recorded=True),
    ]
    charges = [line(7, hours="0.5"), line(8, number=2), line(9), line(10, number=3, product_id=CABLE, price_cents=100)]
    books = world(tickets=tickets, timers=timers, charges=charges)
    found = summarise_unbilled(books, HOUSE)
    assert pairs(found.problems, "what", "record_id", "problem") == [
        (unbilled.TIMER, 1, f"{torn}: counted as its line only"),
        (unbilled.TIMER, 2, f"{torn}: that line is not there, so it is counted nowhere"),
        *((unbilled.RECORDED, one, LOST) for one in (3, 4, 6)),
    ]
    assert found.totals["amount_cents"] == 7500 + 15000 + 15000 + 100
    assert f"      3  {LOST}" in found.text()
    unread = books.table("tickets").assign(detail_at=pd.Series(pd.NaT, index=range(3), dtype="datetime64[us, UTC]"))
    blind = summarise_unbilled(replace(books, tables={**books.tables, "tickets": unread}), HOUSE)
    assert pairs(blind.problems, "record_id", "problem") == [
        (1, f"{torn}: counted as its line only"),
        (2, f"{torn}: that line was not read, so it is counted nowhere"),
    ]
    lineless = replace(books, tables={name: table for name, table in books.tables.items() if name != "charges"})
    assert LOST not in set(summarise_unbilled(lineless, HOUSE).problems["problem"])


def test_time_below_zero_takes_nothing_off_the_other_time_and_a_timer_of_days_is_told():
    # Half an hour, one that ends an hour before it starts, and 25 hours; behind the line 20 minutes and -60.
    found = summary(
        timers=[
            *(timer(1), timer(2, minutes=-60), timer(3, minutes=25 * 60, override_seconds=3600)),
            *(
                timer(4, minutes=20, line_item_id=9, recorded=True),
                timer(5, minutes=-60, line_item_id=9, recorded=True),
            ),
        ],
        charges=[line(9)],
    )
    assert found.totals["actual_hours"] == pytest.approx(0.5 + 25 + 1 / 3) == found.rows["actual_hours"].sum()
    assert found.totals["billable_hours"] == 0.5 + 1 + 1
    assert found.rows.set_index("record_id")["actual_seconds"].loc[[1, 2, 9]].tolist() == [1800, -3600, 1200]
    assert pairs(found.problems, "what", "record_id", "problem") == [
        (unbilled.TIMER, 2, "it ends before it starts: its actual time counts as 0"),
        (unbilled.TIMER, 3, "it is longer than 24 hours: counted as it stands"),
        (unbilled.RECORDED, 5, "it ends before it starts: its actual time counts as 0"),
    ]


def test_labour_without_a_price_is_told_unless_it_is_internal_or_agreed():
    free = Product(ONSITE, "Labor - Onsite", category="Labor;Onsite")
    more = {"products": [*(one for one in PRODUCTS if one.id != ONSITE), free]}
    timers = [timer(1, product_id=ONSITE), timer(2, product_id=INTERNAL), timer(3)]
    assert problems(timers=timers, **more) == [(1, "its product has no price: hours are counted, no dollars")]
    assert summary(house=agreed(rates={"10": {"onsite": 0}}), timers=timers, **more).problems.empty


def test_one_is_not_many():
    found = summary(timers=[timer(1, minutes=-60)], tickets=[ticket(1), ticket(2, resolved_at=days_ago(9))])
    assert repr(found) == "<unbilled $0.00, 0.00 h in 1 record; 1 ticket resolved without time; 1 problem>"
    assert "Problems (1 record, counted as far as possible)" in found.text()
    assert repr(look(tickets=[opened(1)])).startswith("<1 open ticket, ")


def test_sound_records_are_no_problem():
    assert problems(timers=[timer(1)], charges=[line(2)]) == []


def test_what_was_not_read_is_said_with_every_summary():
    gap = Gap("timers", "page 3 could not be read", 100)
    found = summary(gaps=[gap])
    assert gap in found.incomplete
    assert "  timers: page 3 could not be read (100 records)" in found.text()
    books = world(tickets=[ticket(1)])
    less = replace(books, tables={name: table for name, table in books.tables.items() if name != "charges"})
    assert Gap("charges", "it was never read") in summarise_unbilled(less, HOUSE).incomplete
    assert summarise_unbilled(books, HOUSE).incomplete == ()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (None, "could not be read"),
        (Settings(locale={"time_zone": "Middle-earth"}), "name no time zone that this machine knows"),
    ],
)
def test_days_of_utc_are_incomplete_where_the_time_zone_of_the_account_is_not_known(settings, why):
    books = replace(world(tickets=[opened(1)], timers=[timer(1)]), settings=settings)
    said = f"settings: the account's settings {why}: days and ages are those of UTC"
    unbilled_time, looked = summarise_unbilled(books, HOUSE), summarise_open_tickets(books, HOUSE)
    for found in (unbilled_time, looked):
        assert [missing.say(gap) for gap in found.incomplete] == [said]
        assert "INCOMPLETE" in repr(found)
    assert f"  {said}" in unbilled_time.text()


def test_details_that_are_older_than_their_ticket_are_incomplete():
    found = summary(tickets=[ticket(1, updated_at=NOW + timedelta(minutes=1))])
    assert [missing.say(gap) for gap in found.incomplete] == [
        "tickets: they have changed since their details were read (1 record)"
    ]


# ---------------------------------------------------------------- another policy

HALF_HOURS = Rounding(minimum_minutes=30, increment_minutes=30)


def change(policy, *timers):
    table = policy_change(world(tickets=[ticket(1), ticket(2)], timers=timers), HOUSE, policy)
    return pairs(table.sort_values("timer_id"), "timer_id", "changed_seconds", "difference_cents")


def test_what_another_increment_would_make_of_the_uncharged_timers():
    rows = [timer(1, minutes=20), timer(2, minutes=35, billable_seconds=3600), timer(3, recorded=True)]
    assert change(Policy(rounding={"default": HALF_HOURS}), *rows) == [(1, 1800, 2500), (2, 3600, 0)]
    assert change(Policy(), *rows) == [(1, 1200, 0), (2, 2100, -6250)]


def test_per_ticket_rounds_once_a_ticket():
    rows = [timer(1, minutes=10, days_ago=2), timer(2, minutes=10), timer(3, number=2, minutes=10)]
    assert change(Policy(rounding={"default": HALF_HOURS}), *rows) == [
        (1, 1800, 5000),
        (2, 1800, 5000),
        (3, 1800, 5000),
    ]
    per_ticket = Policy(rounding={"default": HALF_HOURS}, per="ticket")
    assert change(per_ticket, *rows) == [(1, 600, 0), (2, 1200, 2500), (3, 1800, 5000)]


def test_what_a_person_has_set_stays():
    assert change(Policy(rounding={"default": HALF_HOURS}), timer(1, minutes=20, override_seconds=60)) == [(1, 60, 0)]


# ---------------------------------------------------------------- the whole of the sandbox


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    desk = Desk(tmp_path_factory.mktemp("home"))
    yield read_everything(desk.ws.client)
    desk.close()


def dtypes(frame):
    return {name: str(dtype) for name, dtype in frame.dtypes.items()}


def declared(columns):
    return {name: column.dtype for name, column in columns.items()}


def tables_of(books):
    looked, found = summarise_open_tickets(books, HOUSE), summarise_unbilled(books, HOUSE)
    change = policy_change(books, HOUSE, Policy(rounding={"default": HALF_HOURS}))
    return [
        (looked.rows, OPEN),
        (looked.changes, CHANGES),
        (looked.by_status[list(COUNTS)], COUNTS),
        (found.rows, UNBILLED),
        (found.by_customer[list(TOTALS)], TOTALS),
        (found.by_age[list(TOTALS)], TOTALS),
        (found.by_mode, BY_MODE),
        (found.without_time, WITHOUT_TIME),
        (found.problems, PROBLEMS),
        (change, POLICY_CHANGE),
    ]


def test_every_table_has_its_declared_columns_with_rows_and_without(books):
    for one in (books, world()):
        for frame, columns in tables_of(one):
            assert dtypes(frame) == declared(columns)
            never_absent = [name for name, column in columns.items() if not column.may_be_absent]
            assert not frame[never_absent].isna().any(axis=None)


def test_every_column_of_the_rows_adds_up_to_every_line_and_to_the_total(books):
    found = summarise_unbilled(books, HOUSE)
    assert set(found.rows["mode"]) == {"time-and-materials", "block", "contract", "internal", "warranty"}
    shared = [name for name in TOTALS if name in found.rows]
    assert {"actual_hours", "billable_hours", "prepaid_hours", "contract_hours", "free_hours", "amount_cents"} == set(
        shared
    )
    lines = {
        "customer": found.by_customer,
        "technician": found.by_technician,
        "kind": found.by_kind,
        "age_band": found.by_age,
        "what": found.by_what,
        "mode": found.by_mode,
    }
    for column, table in lines.items():
        assert (table["uncharged_cents"] + table["pending_cents"] == table["amount_cents"]).all()
        for row in table.to_dict("records"):
            theirs = found.rows[found.rows[column] == row[column]]
            assert row["records"] == len(theirs)
            assert [row[name] for name in shared] == pytest.approx(theirs[shared].sum().tolist())
    for table in (*lines.values(), *(total_by(found.rows, name) for name in ("number", "status", "record_id"))):
        for name in TOTALS:
            assert table[name].sum() == pytest.approx(found.totals[name])
    assert found.totals["records"] == len(found.rows)
    assert found.totals["amount_cents"] == found.rows["amount_cents"].sum() > 0
    assert found.by_mode["worth_cents"].sum() == found.rows["worth_cents"].sum() > found.totals["amount_cents"]


def test_an_exported_column_of_amounts_adds_up_to_the_total_that_is_shown(books, tmp_path):
    found = summarise_unbilled(books, HOUSE)
    written = pd.read_csv(export.write(found.rows, tmp_path / "unbilled.csv").path, dtype={"amount": "str"})
    assert round(sum(map(Decimal, written["amount"])) * 100) == found.totals["amount_cents"]


def test_what_another_policy_would_make_adds_up_to_the_uncharged_total(books):
    table = policy_change(books, HOUSE, Policy(rounding={"default": HALF_HOURS}))
    assert table["amount_cents"].sum() == summarise_unbilled(books, HOUSE).totals["uncharged_cents"]
    assert (table["changed_cents"] - table["amount_cents"] == table["difference_cents"]).all()


def test_open_counts_add_up_to_the_open_tickets(books):
    found = summarise_open_tickets(books, HOUSE)
    for table in (
        found.by_status,
        found.by_technician,
        found.by_customer,
        found.by_priority,
        found.by_age,
        found.waiting,
    ):
        assert table["tickets"].sum() == len(found.rows) > 0
        assert table["overdue"].sum() == len(found.overdue)


@settings(max_examples=5)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_records_changes_nothing(books, seed):
    def shuffled(frame):
        return frame.sample(frac=1, random_state=seed, ignore_index=True)

    mixed = replace(books, tables={name: shuffled(table) for name, table in books.tables.items()})
    for (frame, _), (again, _) in zip(tables_of(books), tables_of(mixed), strict=True):
        pd.testing.assert_frame_equal(frame, again, check_categorical=False)


def test_the_document_is_json_with_whole_cents(books):
    import json

    document = json.loads(json.dumps(summarise_unbilled(books, HOUSE).as_json(), allow_nan=False))
    assert set(document) == {"as_of", "totals", "rows", "without_time", "problems", "incomplete"}
    assert isinstance(document["totals"]["amount_cents"], int)
    assert len(document["rows"]) == document["totals"]["records"]
    assert {row["what"] for row in document["rows"]} == {unbilled.TIMER, unbilled.CHARGE}


def test_on_a_terminal_hostile_names_are_one_plain_line():
    found = summary(
        tickets=[ticket(1, customer_name="x")],
        timers=[timer(1)],
        customers=(),
        gaps=[Gap("timers", "a\x1b[31m\nb")],
    )
    rows = found.rows.assign(customer="Evil\x1b[2J\nCorp")
    text = "\n".join(replace(found, rows=rows).text())
    assert "\x1b" not in text
    assert "Evil[2J Corp" in text


def test_agreed_rates_are_used_and_named():
    found = summary(house=agreed(rates={"Anvil Works": {"remote": 10000}}), timers=[timer(1)])
    assert pairs(found.rows, "rate_cents", "rate_source", "amount_cents") == [(10000, "agreed", 5000)]
