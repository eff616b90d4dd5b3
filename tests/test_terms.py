"""The house's terms: each with its edge, by hand; and that a row means the same wherever it stands."""

from datetime import timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import CABLE, HOUSE, INTERNAL, NOW, ONSITE, REMOTE, agreed, contract, line, ticket, timer, world

from syncro_nb import frames, terms
from syncro_nb.money import line_cents
from syncro_nb.policy import Policy, Rounding
from syncro_nb.service.records import Product, Ticket
from syncro_nb.tables import TABLES, Column
from syncro_nb.terms import CHARGED, TIMED

QUARTERS = Rounding(minimum_minutes=15, increment_minutes=15)


def timed(*timers, house=HOUSE, **more):
    books = world(**{"tickets": [ticket(1)], **more}, timers=timers)
    return terms.timed(books.table("timers"), books, house)


def only(column, *timers, **more):
    return timed(*timers, **more)[column].tolist()


# ---------------------------------------------------------------- what is open, pending, uncharged


@pytest.mark.parametrize(
    ("status", "done"),
    [
        ("Resolved", True),
        ("Resolved (by phone)", True),
        ("Invoiced", True),
        ("Closed", True),
        ("New", False),
        ("", False),
    ],
)
def test_resolved_is_a_matter_of_the_status(status, done):
    books = world(tickets=[ticket(1, status=status)])
    assert terms.resolved(books.table("tickets"), HOUSE).tolist() == [done]


def test_a_house_has_further_words_for_resolved():
    from dataclasses import replace

    books = world(tickets=[ticket(1, status="Cancelled")])
    house = replace(HOUSE, resolved_statuses=frozenset({"Cancelled"}))
    assert terms.resolved(books.table("tickets"), house).tolist() == [True]


def test_a_line_is_pending_until_an_invoice_has_taken_it():
    books = world(charges=[line(1), line(2, converted=True)])
    assert terms.pending(books.table("charges")).tolist() == [True, False]


def test_uncharged_has_ended_is_billable_and_was_neither_recorded_nor_linked():
    rows = [
        timer(1),
        timer(2, minutes=None),
        timer(3, billable=False),
        timer(4, recorded=True),
        timer(5, line_item_id=9),
    ]
    assert only("uncharged", *rows) == [True, False, False, False, False]


# ---------------------------------------------------------------- how long


def test_actual_time_is_the_active_duration_else_end_minus_start():
    rows = [
        timer(1),
        timer(2, active_seconds=600),
        timer(3, minutes=None),
        timer(4, minutes=-5),
        timer(5, minutes=1.51),
    ]
    assert only("actual_seconds", *rows) == [1800, 600, 0, -300, 90]


def test_billable_time_is_the_override_then_syncros_then_the_actual_time():
    rows = [
        timer(1),
        timer(2, billable_seconds=2700),
        timer(3, billable_seconds=2700, override_seconds=3600),
        timer(4, override_seconds=0),
    ]
    assert only("billable_seconds", *rows) == [1800, 2700, 3600, 0]


def test_billable_time_under_a_minute_is_not_trusted_for_longer_work():
    rows = [timer(1, billable_seconds=45), timer(2, minutes=1, billable_seconds=45), timer(3, billable_seconds=60)]
    assert only("billable_seconds", *rows) == [1800, 45, 60]


def test_nothing_is_billed_below_zero():
    assert only("billable_seconds", timer(1, minutes=-5), timer(2, override_seconds=-600)) == [0, 0]


def test_the_policy_rounds_only_what_has_no_billable_time():
    house = agreed(rounding={"default": QUARTERS, "onsite": Rounding(60, 30)})
    rows = [
        timer(1, minutes=16),
        timer(2, minutes=16, billable_seconds=960),
        timer(3, minutes=16, product_id=ONSITE),
        timer(4, minutes=61, product_id=ONSITE),
        timer(5, minutes=0),
    ]
    assert only("billable_seconds", *rows, house=house) == [1800, 960, 3600, 5400, 0]


def test_rounding_per_ticket_rounds_the_sum_and_puts_the_rest_on_the_last_entry():
    policy = Policy(rounding={"default": QUARTERS}, per="ticket")
    rows = [timer(1, minutes=10, days_ago=1), timer(2, minutes=10, days_ago=2), timer(3, number=2, minutes=1)]
    books = world(tickets=[ticket(1), ticket(2)], timers=rows)
    kinds = pd.Series(["remote"] * 3)
    # 10 + 10 are 20, rounded up to 30: the entry of yesterday gets the other ten. One minute on another ticket is 15.
    assert terms.policy_seconds(books.table("timers"), kinds, policy).tolist() == [1200, 600, 900]


def test_time_without_a_ticket_is_rounded_for_itself():
    policy = Policy(rounding={"default": QUARTERS}, per="ticket")
    books = world(timers=[timer(1, number=None, minutes=10), timer(2, number=None, minutes=10)])
    assert terms.policy_seconds(books.table("timers"), pd.Series(["remote"] * 2), policy).tolist() == [900, 900]


@given(
    st.lists(st.integers(-4000, 40_000), min_size=1, max_size=20),
    st.integers(0, 90),
    st.integers(0, 90),
)
def test_columns_are_rounded_as_single_values_are(seconds, minimum, increment):
    rounding = Rounding(minimum, increment)
    rows = pd.DataFrame(
        {
            "active_seconds": pd.Series(seconds, dtype="Int64"),
            "started_at": pd.Series(NOW, index=range(len(seconds))),
            "ended_at": pd.Series(NOW, index=range(len(seconds))),
        }
    )
    kinds = pd.Series(["remote"] * len(seconds))
    found = terms.policy_seconds(rows, kinds, Policy(rounding={"remote": rounding}))
    assert found.tolist() == [rounding.billable_seconds(one) for one in seconds]


# ---------------------------------------------------------------- which labour, at what rate


def test_a_labour_kind_is_the_catalogues_else_by_the_category():
    extra = (
        Product(7, "Drive", category="Labor;After Hours"),
        Product(8, "Work", category="Services;Labor"),
        Product(9, "Collaboration suite", category="Collaboration"),
    )
    books = world(products=extra)
    rows = pd.DataFrame({"product_id": pd.Series([REMOTE, 7, 8, 9, None, 404], dtype="Int64")})
    kinds = terms.kind(rows, books.table("products"), HOUSE)
    assert kinds.tolist() == ["remote", "after-hours", "other", "", "", ""]
    assert terms.is_labour(kinds).tolist() == [True, True, True, False, False, False]


def test_a_line_of_an_unknown_product_falls_back_on_its_own_category():
    books = world(charges=[line(1, product_id=404, category="Labor"), line(2, product_id=CABLE)], tickets=[ticket(1)])
    assert terms.charged(books.table("charges"), books, HOUSE)["kind"].tolist() == ["other", ""]


def test_the_rate_is_the_agreed_one_else_the_products_and_says_which():
    house = agreed(rates={"Anvil Works": {"remote": 14000}, "30": {"onsite": 1}})
    rows = [timer(1), timer(2, product_id=ONSITE), timer(3, number=2, product_id=ONSITE), timer(4, product_id=404)]
    found = timed(*rows, house=house, tickets=[ticket(1), ticket(2, customer=30)])
    assert found["rate_cents"].tolist() == [14000, 17500, 1, pd.NA]
    assert found["rate_source"].tolist() == ["agreed", "product", "agreed", "unknown"]


@given(st.integers(0, 400_000), st.integers(0, 100_000))
def test_time_at_a_rate_is_exact_and_half_up(seconds, rate):
    found = terms.hours_cents(pd.Series([seconds]), pd.Series([rate], dtype="Int64"))
    exact = (Decimal(seconds) * rate / 3600).quantize(Decimal(1), "ROUND_HALF_UP")
    assert found.tolist() == [int(exact)]


def test_half_a_cent_is_rounded_up_and_quarters_are_as_lines_are():
    # 18 s at $1.00 are half a cent; 0.75 h are what a line of 0.75 costs.
    found = terms.hours_cents(pd.Series([18, 17, 2700]), pd.Series([100, 100, 14999], dtype="Int64"))
    assert found.tolist() == [1, 0, line_cents("0.75", 14999)]


def test_a_timer_is_worth_its_billable_time_at_its_rate():
    found = timed(timer(1, minutes=20), timer(2, minutes=20, product_id=404))
    assert found["amount_cents"].tolist() == [5000, 0]


# ---------------------------------------------------------------- how it is paid for


def modes(*timers, house=HOUSE, **more):
    return only("mode", *timers, house=house, **more)


def test_work_for_a_customer_with_hours_left_is_block():
    assert modes(timer(1), tickets=[ticket(1, customer=20)]) == ["block"]
    assert modes(timer(1), tickets=[ticket(1, customer=10)]) == ["time-and-materials"]


def test_a_contract_holds_between_its_days_while_it_is_active():
    rows = [timer(1), timer(2, days_ago=120)]
    assert modes(*rows, contracts=[contract(10)]) == ["contract", "time-and-materials"]
    assert modes(*rows, contracts=[contract(10, starts_on=None, ends_on=None)]) == ["contract", "contract"]
    assert modes(*rows, contracts=[contract(10, status="Expired")]) == ["time-and-materials"] * 2
    assert modes(*rows, contracts=[contract(30)]) == ["time-and-materials"] * 2


def test_a_contract_covers_the_kinds_that_are_listed_else_all_if_it_applies_to_all():
    rows = [timer(1), timer(2, product_id=ONSITE)]
    house = agreed(contracts={"Care": ("remote",)})
    assert modes(*rows, house=house, contracts=[contract(10)]) == ["contract", "time-and-materials"]
    assert modes(*rows, contracts=[contract(10, applies_to_all=False)]) == ["time-and-materials"] * 2


def test_the_last_day_of_a_contract_counts_in_the_accounts_time_zone():
    # 06:30 UTC on 1 April is still 31 March in Los Angeles.
    late = timer(1, started_at=NOW + timedelta(hours=10.5), ended_at=NOW + timedelta(hours=11))
    last = contract(10, ends_on=NOW.date())
    assert modes(late, contracts=[last]) == ["contract"]
    assert only("worked_on", late) == [pd.Timestamp("2026-03-31")]


def test_internal_and_warranty_are_told_by_product_or_tag():
    assert modes(timer(1, product_id=INTERNAL)) == ["internal"]
    assert modes(timer(1), tickets=[ticket(1, tags=("vip", "Warranty"))]) == ["warranty"]
    assert modes(timer(1), tickets=[ticket(1, tags=("out of warranty",))]) == ["time-and-materials"]
    assert modes(timer(1), tickets=[ticket(1, customer_tags=("internal",))]) == ["internal"]


def test_goods_are_not_paid_by_a_block_or_a_contract():
    rows = [line(1, product_id=CABLE), line(2), line(3, number=2, product_id=CABLE), line(4, number=2)]
    books = world(tickets=[ticket(1, customer=20), ticket(2)], charges=rows, contracts=[contract(10)])
    found = terms.charged(books.table("charges"), books, HOUSE)
    assert found["mode"].tolist() == ["time-and-materials", "block", "time-and-materials", "contract"]


# ---------------------------------------------------------------- whole rows


def test_a_line_takes_day_technician_and_actual_time_from_its_timers():
    rows = [
        timer(1, days_ago=9, user_id=2, line_item_id=7, recorded=True),
        timer(2, minutes=10, days_ago=8, line_item_id=7),
    ]
    books = world(tickets=[ticket(1)], timers=rows, charges=[line(7, hours="0.75"), line(8, days_ago=3)])
    found = terms.charged(books.table("charges"), books, HOUSE)
    assert found["technician"].tolist() == ["Priya", "Dana"]
    assert found["worked_on"].dt.day.tolist() == [22, 28]
    assert found["actual_seconds"].tolist() == [2400, pd.NA]
    assert found["billable_seconds"].tolist() == [2700, 3600]


def test_a_timer_of_an_unknown_ticket_stays_and_names_none():
    found = timed(timer(1, number=404), timer(2, number=None))
    assert found["number"].isna().all()
    assert found["customer"].tolist() == ["", ""]
    assert found["amount_cents"].tolist() == [7500, 7500]


def test_who_has_left_keeps_the_name_that_tickets_know_else_the_id():
    from syncro_nb.service.records import User

    gone = Ticket(1005, 5, user_id=7, technician=User(7, "Olga"))
    found = only("technician", timer(1, user_id=7), timer(2, user_id=8), timer(3, user_id=None), tickets=[gone])
    assert found == ["Olga", "technician 8", ""]


@pytest.mark.parametrize(
    ("table", "terms_of", "declared"), [("timers", terms.timed, TIMED), ("charges", terms.charged, CHARGED)]
)
def test_the_columns_are_the_declared_ones_with_rows_and_without(table, terms_of, declared):
    full = world(tickets=[ticket(1)], timers=[timer(1)], charges=[line(1)])
    for books in (full, world()):
        found = terms_of(books.table(table), books, HOUSE)
        assert {name: str(dtype) for name, dtype in found.dtypes.items()} == {
            name: column.dtype for name, column in declared.items()
        }


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(8)))
def test_a_row_means_the_same_wherever_it_stands(order):
    rows = [
        timer(one, number=one % 3, minutes=7 * one, product_id=(REMOTE, ONSITE, 404)[one % 3], days_ago=one)
        for one in range(1, 9)
    ]
    tickets = [ticket(0), ticket(1, customer=20), ticket(2, tags=("warranty",))]
    house = agreed(rounding={"default": QUARTERS}, rates={"10": {"remote": 12345}})
    books = world(tickets=tickets, timers=rows, contracts=[contract(30)])
    straight = terms.timed(books.table("timers"), books, house)
    shuffled = world(tickets=tickets[::-1], timers=[rows[place] for place in order], contracts=[contract(30)])
    again = terms.timed(shuffled.table("timers"), shuffled, house).sort_values("timer_id", ignore_index=True)
    pd.testing.assert_frame_equal(straight, again, check_categorical=False)


def test_terms_need_no_table_that_was_never_read():
    from syncro_nb.books import from_records

    bare = from_records({"timers": [timer(1)]}, as_of=NOW)
    found = terms.timed(bare.table("timers"), bare, HOUSE)
    assert found["rate_source"].tolist() == ["unknown"]
    assert found["worked_on"].tolist() == [pd.Timestamp("2026-03-30")]
    assert list(frames.from_records("timers", [])) == list(TABLES["timers"].columns)


# ---------------------------------------------------------------- looking up by id


@given(
    st.lists(st.tuples(st.integers(-3, 9), st.integers(0, 99)), max_size=12),
    st.lists(st.none() | st.integers(-3, 9), max_size=12),
    st.booleans(),
)
def test_a_look_up_finds_the_first_row_of_each_id_in_any_order(rows, wanted, is_sorted):
    rows = sorted(rows) if is_sorted else rows
    listed = frames.frame({"key": Column("int64", ""), "value": Column("int64", "")}, rows)
    first = dict(reversed(rows))
    expected = [None if one is None else first.get(one) for one in wanted]
    for index in (None, pd.Index(listed["key"])):
        found = terms.look_up(pd.Series(wanted, dtype="Int64"), listed, "key", {"v": "value"}, index)["v"]
        assert [None if pd.isna(one) else int(one) for one in found] == expected
