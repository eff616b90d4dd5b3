"""Rules on prepaid hours."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from shop import HOURS, SOLD, amounts, invoice, left_out, report, shop
from world import CUSTOMERS, HOUSE, INTERNAL, NOW, REMOTE, agreed, line, ticket

from syncro_nb.books import Gap
from syncro_nb.reconcile.report import reconcile
from syncro_nb.tables import Snapshot

LABOUR = (1, REMOTE, 0, "")
WITHOUT_LABOUR = [one for one in SOLD if not one.category.startswith("Labor")]


def reading(hours, days_ago, customer=20):
    """The balance as it was read so many days ago; now it is 5 hours."""
    at = NOW - timedelta(days=days_ago)
    return Snapshot(f"{customer}@{at}", customer, at, None if hours is None else int(Decimal(hours) * 1_000_000))


# ---------------------------------------------------------------- block-draw


def test_a_balance_that_moved_more_than_was_invoiced_is_over():
    made = invoice(7, 20, lines=[(2, REMOTE, 0, "")], days_ago=2)
    (found,) = report("block-draw", reading("8", 3), made).findings
    assert (found.customer, found.direction, found.amount_cents, found.exact) == ("Block House", "over", 15000, False)
    assert found.evidence["off_hours"] == -1


def test_a_balance_that_did_not_move_is_a_leak_at_the_price_of_the_last_hours_sold():
    some = [invoice(6, 20, lines=[(5, HOURS, 13500, "")], days_ago=9), invoice(7, 20, lines=[LABOUR], days_ago=2)]
    assert amounts("block-draw", reading("5", 3), some) == [("leak", 13500)]
    assert amounts("block-draw", reading("5", 3), some, house=agreed(block_rates={"Block House": 12000})) == [
        ("leak", 12000)
    ]


def test_hours_sold_and_drawn_and_nothing_at_all_are_right():
    some = [invoice(6, 20, lines=[(5, HOURS, 13500, "")], days_ago=2), invoice(7, 20, lines=[LABOUR], days_ago=2)]
    assert amounts("block-draw", reading("1", 3), some) == []
    assert amounts("block-draw", reading("5", 3)) == []


def test_only_what_was_invoiced_between_two_readings_counts():
    some = [invoice(6, 20, lines=[LABOUR], days_ago=5), invoice(7, 20, lines=[LABOUR], days_ago=2)]
    assert amounts("block-draw", reading("7", 6), reading("6", 4), some) == []
    assert amounts("block-draw", reading("6", 4), some) == []


def test_one_reading_tells_nothing_and_neither_do_half_of_the_invoices():
    assert left_out("block-draw", invoice(7, 20, lines=[LABOUR])) == [1]
    assert left_out("block-draw", reading("8", 3), gaps=(Gap("invoices", "page 2 failed"),)) == [1]


def test_hours_whose_price_nobody_knows_are_not_evaluated_and_no_finding_of_nothing():
    some = [reading("5", 3), invoice(7, 20, lines=[LABOUR], days_ago=2), WITHOUT_LABOUR]
    assert left_out("block-draw", some) == [1]
    assert "no price" in report("block-draw", some).not_evaluated[0].reason
    assert amounts("block-draw", some, house=agreed(block_rates={"20": 12000})) == [("leak", 12000)]


def test_the_key_stays_while_the_balance_does():
    made = invoice(7, 20, lines=[LABOUR], days_ago=2)
    books = shop(reading("5", 3), made)
    keys = {one.key for one in reconcile(books, HOUSE, rules=["block-draw"]).findings}
    later = replace(books, as_of=NOW + timedelta(days=1))
    later.tables["customers"]["detail_at"] += timedelta(days=1)
    assert {one.key for one in reconcile(later, HOUSE, rules=["block-draw"]).findings} == keys


# ---------------------------------------------------------------- block-on-free-work


def free(price, product=REMOTE, **more):
    """A line of a block customer's ticket that was invoiced, and its invoice."""
    on_ticket = line(1, price_cents=price, product_id=product, converted=True, **more)
    return [ticket(1, 20), on_ticket, invoice(7, 20, 1, [(1, product, 0, "")])]


def test_free_work_on_the_invoice_of_a_block_customer_was_drawn():
    (found,) = report("block-on-free-work", free(0)).findings
    assert (found.ticket, found.invoice, found.direction, found.amount_cents, found.exact) == (
        1,
        7,
        "over",
        15000,
        False,
    )
    assert amounts("block-on-free-work", free(0, INTERNAL)) == [("over", 15000)]


def test_work_with_a_price_on_the_ticket_is_drawn_as_it_should_be():
    assert amounts("block-on-free-work", free(15000)) == []


def test_other_customers_and_other_goods_have_nothing_to_draw():
    rows = [ticket(1), line(1, price_cents=0, converted=True), invoice(7, ticket=1, lines=[LABOUR])]
    assert amounts("block-on-free-work", rows) == []
    assert amounts("block-on-free-work", free(0, 555)) == []


def test_free_work_of_a_block_whose_price_nobody_knows_is_not_evaluated():
    assert left_out("block-on-free-work", free(0), WITHOUT_LABOUR) == [1]


def test_an_invoice_of_no_ticket_needs_a_reason():
    assert amounts("block-on-free-work", invoice(7, 20, lines=[(1, REMOTE, 0, "Courtesy")])) == [("over", 15000)]
    assert amounts("block-on-free-work", invoice(7, 20, lines=[(1, REMOTE, 0, "Cleared it")])) == []


def test_a_ticket_that_was_not_read_is_not_evaluated():
    books = shop(free(0)[0], free(0)[2])
    books.tables["tickets"]["detail_at"] -= timedelta(days=99)
    books.tables["tickets"]["updated_at"] = books.as_of
    made = reconcile(books, HOUSE, rules=["block-on-free-work"])
    assert made.findings == ()
    assert [one.records for one in made.not_evaluated] == [1]


assert CUSTOMERS


# ---------------------------------------------------------------- cash-while-block

CASH = [(2, REMOTE, 15000, "")]


def test_labour_in_cash_while_hours_were_left_is_over():
    (found,) = report("cash-while-block", reading("8", 3), invoice(7, 20, lines=CASH, days_ago=2)).findings
    assert (found.severity, found.direction, found.amount_cents, found.exact) == ("S1", "over", 30000, True)
    assert found.evidence["left_hours"] == 8


def test_no_more_is_too_much_than_was_left():
    assert amounts("cash-while-block", reading("0.5", 3), invoice(7, 20, lines=CASH, days_ago=2)) == [("over", 7500)]
    twice = invoice(7, 20, lines=[*CASH, *CASH], days_ago=2)
    assert [cents for _, cents in amounts("cash-while-block", reading("3", 3), twice)] == [30000, 15000]


def test_used_up_hours_a_customer_without_any_and_hours_that_were_drawn_are_fine():
    assert amounts("cash-while-block", reading("0", 3), invoice(7, 20, lines=CASH, days_ago=2)) == []
    assert amounts("cash-while-block", invoice(7, 10, lines=CASH, days_ago=2)) == []
    assert amounts("cash-while-block", reading("8", 3), invoice(7, 20, lines=[LABOUR], days_ago=2)) == []


def test_hours_that_are_left_now_were_left_then_unless_some_were_sold():
    some = invoice(7, 20, lines=CASH, days_ago=2)
    sold = invoice(8, 20, lines=[(5, HOURS, 13500, "")], days_ago=1)
    assert amounts("cash-while-block", reading("5", 0.5), some) == [("over", 30000)]
    assert left_out("cash-while-block", reading("5", 0.5), some, sold) == [1]
    assert left_out("cash-while-block", some) == [1]


# ---------------------------------------------------------------- block-low


def holder(hours, customer=20):
    return [replace(one, prepaid_hours=Decimal(hours)) if one.id == customer else one for one in CUSTOMERS]


def test_hours_that_are_owed_at_a_price_nobody_knows_have_no_amount():
    owing = replace(CUSTOMERS[1], prepaid_hours=Decimal("-2"))
    made = report("block-low", owing, WITHOUT_LABOUR)
    assert [(one.direction, one.amount_cents) for one in made.findings] == [("none", 0)]
    assert [one.records for one in made.not_evaluated] == [1]


def test_hours_that_are_used_up_or_soon_will_be():
    used = invoice(7, 20, lines=[(14, REMOTE, 0, "")], days_ago=3)
    (found,) = report("block-low", holder("4.9"), used).findings
    assert (found.severity, found.direction, found.amount_cents, found.customer) == ("S3", "cash", 0, "Block House")
    assert found.evidence["days_left"] == 9
    assert amounts("block-low", holder("5"), used) == []
    assert amounts("block-low", holder("1")) == []
    assert amounts("block-low", holder("-2")) == [("cash", 30000)]


def test_customers_who_never_had_hours_are_none():
    assert amounts("block-low", holder("0")) == []
    assert amounts("block-low", holder("0"), invoice(7, 20, lines=[(5, HOURS, 13500, "")], days_ago=90)) == [
        ("cash", 0)
    ]
