"""The prepaid ledger: hours sold, drawn and left, every draw with its line, and what nothing explains."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from world import CUSTOMERS, HOUSE, NOW, REMOTE, ticket, world

from syncro_nb.reconcile.blocks import BLOCKS, MOVES, blocks, moves, of_customer
from syncro_nb.service.records import Invoice, InvoiceLine
from syncro_nb.tables import MILLION, Snapshot

TRAVEL = 26117


def invoice(number, days_ago, customer=20, **more):
    at = NOW - timedelta(days=days_ago)
    return Invoice(number, 0, 0, str(number), customer_id=customer, created_at=at, dated_on=at.date(), **more)


def sold(id, number, hours):
    return InvoiceLine(
        id, invoice_id=number, quantity=Decimal(hours), price_cents=12000, category="Services;Prepay Hours"
    )  # fmt: skip


def drawn(id, number, hours, price_cents=0, product_id=REMOTE):
    return InvoiceLine(
        id, invoice_id=number, quantity=Decimal(hours), price_cents=price_cents, product_id=product_id, description="Printer"
    )  # fmt: skip


def read(hours, days_ago, customer=20):
    at = NOW - timedelta(days=days_ago)
    return Snapshot(f"{customer}@{at}", customer, at, None if hours is None else int(Decimal(hours) * MILLION))


def ledger(invoices, lines, readings, **more):
    return world(invoices=invoices, invoice_lines=lines, prepaid=readings, **more)


def story(books):
    rows = moves(books, HOUSE)
    return [(what, hours, left) for what, hours, left in rows[["what", "hours", "balance_hours"]].values.tolist()]


def test_hours_are_sold_drawn_and_left():
    books = ledger([invoice(1, 30), invoice(2, 10)], [sold(1, 1, "10"), drawn(2, 2, "1.5")], [read("8.5", 1)])
    assert story(books) == [("sold", 10.0, 10.0), ("drawn", -1.5, 8.5), ("read", 0.0, 8.5)]


def test_a_draw_names_its_invoice_its_line_and_its_ticket():
    books = ledger(
        [invoice(2, 10, ticket_id=1007)], [drawn(5, 2, "1.5")], [read("8.5", 1)], tickets=[ticket(7, customer=20)]
    )
    row = moves(books, HOUSE).query("what == 'drawn'").iloc[0]
    assert (row["invoice"], row["line_id"], row["ticket"], row["text"]) == ("2", 5, 7, "Printer")
    assert row["hours_millionths"] == -1_500_000


def test_what_was_there_before_the_first_record_is_said():
    books = ledger([invoice(2, 10)], [drawn(2, 2, "1.5")], [read("8.5", 1)])
    assert story(books)[0] == ("opening", 10.0, 10.0)


def test_a_change_between_readings_that_no_invoice_explains_is_shown():
    books = ledger([invoice(2, 10)], [drawn(2, 2, "1")], [read("9", 20), read("5", 5), read("5.5", 1)])
    assert story(books) == [
        ("opening", 9.0, 9.0),
        ("read", 0.0, 9.0),
        ("drawn", -1.0, 8.0),
        ("unexplained", -3.0, 5.0),
        ("read", 0.0, 5.0),
        ("unexplained", 0.5, 5.5),
        ("read", 0.0, 5.5),
    ]
    assert blocks(books, HOUSE)["unexplained_hours"].tolist() == [3.5]


def test_what_happened_after_the_last_reading_is_reckoned_on():
    books = ledger([invoice(2, 1)], [drawn(2, 2, "1")], [read("9", 5)])
    assert story(books)[-1] == ("drawn", -1.0, 8.0)


@pytest.mark.parametrize(
    "line",
    [drawn(2, 2, "1", price_cents=15000), drawn(2, 2, "40", product_id=TRAVEL), drawn(2, 2, "1", product_id=555)],
)
def test_paid_labour_travel_and_goods_draw_nothing(line):
    books = ledger([invoice(2, 10)], [line], [read("9", 1)])
    assert "drawn" not in [what for what, _, _ in story(books)]


def test_customers_who_never_had_a_block_are_left_out():
    books = ledger(
        [invoice(2, 10, customer=10)], [drawn(2, 2, "1")], [read(None, 1, customer=10), read("0", 1, customer=30)]
    )
    assert moves(books, HOUSE).empty
    assert blocks(books, HOUSE).empty


def test_hours_that_were_never_read_are_not_known_whatever_was_sold():
    row = blocks(ledger([invoice(2, 10)], [sold(1, 2, "10")], []), HOUSE).iloc[0]
    assert row["sold_hours"] == 10
    assert row[["left_hours", "left_millionths"]].isna().all()
    assert not row["low"]


def test_a_block_that_was_used_up_stays_in_the_ledger():
    books = ledger([], [], [read("2", 20), read(None, 1)])
    assert story(books)[-2:] == [("unexplained", -2.0, 0.0), ("read", 0.0, 0.0)]
    assert blocks(books, HOUSE)["low"].tolist() == [True]


def test_days_left_come_from_the_burn_of_the_last_28_days():
    lines = [drawn(2, 2, "7"), drawn(3, 3, "5")]
    row = blocks(ledger([invoice(2, 10), invoice(3, 29)], lines, [read("2", 1)]), HOUSE).iloc[0]
    assert row["drawn_28_days_hours"] == 7.0
    assert row["days_left"] == 8.0  # two hours at a quarter of an hour a day
    assert row["low"]
    assert not blocks(ledger([invoice(2, 10)], [drawn(2, 2, "7")], [read("2.5", 1)]), HOUSE)["low"].iloc[0]  # ten days


def test_the_frames_are_declared_also_without_rows():
    for books in (ledger([], [], []), ledger([invoice(1, 3)], [sold(1, 1, "10")], [read("10", 1)])):
        for columns, made in ((MOVES, moves(books, HOUSE)), (BLOCKS, blocks(books, HOUSE))):
            assert {name: str(made[name].dtype) for name in made} == {name: one.dtype for name, one in columns.items()}


def test_one_customers_moves_can_be_taken_out():
    books = ledger([], [], [read("2", 1), read("3", 1, customer=30)])
    assert of_customer(moves(books, HOUSE), 30)["balance_hours"].tolist() == [3.0, 3.0]
    assert CUSTOMERS[2].name in set(moves(books, HOUSE)["customer"])


def test_an_invoice_without_a_time_counts_by_its_day():
    undated = Invoice(2, 0, 0, "2", customer_id=20, dated_on=date(2026, 3, 20))
    books = ledger([undated], [drawn(2, 2, "1")], [read("9", 1)])
    assert moves(books, HOUSE).query("what == 'drawn'")["at"].iloc[0] == datetime(2026, 3, 20, tzinfo=UTC)
