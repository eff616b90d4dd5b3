"""What cannot be read of an account is told by its id, takes nothing else with it, and is never taken for a default."""

import json

import pandas as pd
import pytest
from mirrored import MirrorDesk, wrong_now

from syncro_nb.sandbox.emulator import Answer
from syncro_nb.tables import TABLES


@pytest.fixture
def desk(tmp_path):
    made = MirrorDesk(tmp_path)
    yield made
    made.close()


def test_a_row_that_cannot_be_read_is_told_by_its_id_until_it_can_or_is_gone(desk):
    """It keeps nobody from counting, is no reason to read the list again, and stays told by syncs that do not meet it."""
    answer, payments = desk.sandbox.handle, desk.ask("GET", "/api/v1/payments?page=9")["payments"]
    mended, deleted = payments[0]["id"], payments[1]["id"]
    broken = {mended, deleted}

    def handle(method, target, headers, body):
        told = answer(method, target, headers, body)
        if target.partition("?")[0] != "/api/v1/payments" or method != "GET":
            return told
        page = json.loads(told.body)
        for row in page["payments"]:
            row["payment_amount"] = "much" if row["id"] in broken else row["payment_amount"]
        return Answer(200, told.headers, json.dumps(page).encode())

    desk.sandbox.handle = handle
    desk.restart()
    desk.pull(full=True)
    for _ in range(3):
        desk.clock.sleep(60)
        assert desk.pull()["/payments"] <= 2
        assert [(row.table, row.record_id) for row in desk.ws.unreadable.itertuples()] == [
            ("payments", mended),
            ("payments", deleted),
        ]
        assert (
            f"2 rows could not be read in full (id {mended}: payment.payment_amount: 'much'" in desk.gaps("payments")[0]
        )
    broken.clear()
    account = desk.sandbox._account
    account.payments.remove(account.payments.rows[deleted])
    account.found.clear()
    desk.clock.sleep(25 * 3600)
    desk.pull()
    assert desk.ws.mirror.gaps() == ()
    assert len(desk.ws.unreadable) == 0
    assert wrong_now(desk) == {}


def rewriting(desk, change):
    """From now on each object in an answer to a GET goes through `change(name of its list or wrapper, object)`."""
    answer = desk.sandbox.handle

    def walk(name, value):
        for key, inner in value.items() if isinstance(value, dict) else ():
            walk(key, inner)
        for inner in value if isinstance(value, list) else ():
            walk(name, inner)
        if isinstance(value, dict):
            change(name, value)

    def handle(method, target, headers, body):
        told = answer(method, target, headers, body)
        if method != "GET" or told.status != 200 or not target.startswith("/api/"):
            return told
        page = json.loads(told.body)
        walk("", page)
        return Answer(200, told.headers, json.dumps(page).encode())

    desk.sandbox.handle = handle
    desk.restart()


def without(key, *values):
    """Takes a key out of an object, or gives it a value."""

    def change(row):
        row.pop(key)
        row.update(dict.fromkeys([key] if values else [], *values))

    return change


SPOILED = (  # in the answers' words: of what, a field that is there only in this sort of it, and what is wrong
    ("timers", "ticket_timers", "notes", without("billable")),
    ("timers", "ticket_timers", "notes", without("billable", None)),
    ("timers", "ticket_timers", "notes", without("recorded", None)),
    ("timers", "ticket_timers", "notes", without("end_time")),
    ("timers", "ticket_timers", "notes", without("ticket_line_item_id")),
    ("charges", "line_items", "price_retail", without("quantity", None)),
    ("charges", "line_items", "price_retail", without("quantity", "abc")),
    ("charges", "line_items", "price_retail", without("price_retail", None)),
    ("charges", "line_items", "price_retail", without("converted")),
    ("invoice_lines", "line_items", "price", without("price")),
    ("products", "products", "price_retail", without("price_retail")),
    ("payments", "payments", "payment_amount", without("payment_amount", None)),
    ("payments", "payments", "payment_amount", without("success")),
    ("invoices", "invoices", "subtotal", without("is_paid")),
    ("invoices", "invoices", "subtotal", without("tax", None)),
    ("schedules", "schedules", "subtotal", without("subtotal")),
    ("schedules", "schedules", "subtotal", without("paused", None)),
    ("schedule_lines", "lines", "retail_cents", without("retail_cents", "much")),
)


def test_what_money_depends_on_is_never_taken_for_its_default(desk):
    account = desk.sandbox._account
    rows = {
        "charges": account.ticket_lines,
        "invoice_lines": [row for row in account.invoice_lines if row["invoice_id"]],
        "schedule_lines": list(account.schedule_lines)[:1],
    }
    left = {table: sorted(row["id"] for row in rows.get(table, getattr(account, table, ()))) for table, *_ in SPOILED}
    spoiled = {}
    for table, wrapper, field, change in SPOILED:
        spoiled[wrapper, field, left[table].pop()] = table, change

    def spoil(wrapper, row):
        for field in {field for _, field in {(one, name) for one, name, _ in spoiled} if field in row}:
            if found := spoiled.get((wrapper, field, row.get("id"))):
                return found[1](row)

    expected = {(table, key) for (_, _, key), (table, _) in spoiled.items()}
    rewriting(desk, spoil)
    desk.pull(full=True)
    told = {(row.table, row.record_id) for row in desk.ws.unreadable.itertuples()}
    assert told >= expected
    lost = {key for table, key in expected if table in ("invoices", "schedules")}  # with what hangs on them
    assert {table for table, _ in told - expected} <= ({"invoice_lines", "schedule_lines"} if lost else set())
    for table, key in expected:
        assert key not in set(getattr(desk.ws, table)[TABLES[table].key])
        assert any("could not be read in full" in reason for reason in desk.gaps(table))
    spoiled.clear()
    desk.clock.sleep(3600)
    desk.pull(full=True)
    assert len(desk.ws.unreadable) == 0
    assert wrong_now(desk) == {}


def test_one_wrong_line_does_not_take_the_others_with_it(desk):
    lines = desk.sandbox._account.ticket_lines
    ticket = next(
        one for one in (row["ticket_id"] for row in lines) if sum(row["ticket_id"] == one for row in lines) > 1
    )
    own = sorted(row["id"] for row in lines if row["ticket_id"] == ticket)
    spoil = without("quantity", "abc")
    rewriting(
        desk, lambda name, row: name == "line_items" and row.get("id") == own[0] and "converted" in row and spoil(row)
    )
    desk.pull(full=True)
    charges = desk.ws.charges
    assert sorted(charges.loc[charges["ticket_id"] == ticket, "line_id"]) == own[1:]
    assert [(row.table, row.record_id) for row in desk.ws.unreadable.itertuples()] == [("charges", own[0])]
    assert desk.gaps("comments") == []
    desk.clock.sleep(60)
    desk.pull()
    assert len(desk.ws.unreadable) == 1
    lines.remove(lines.rows[own[0]])
    desk.sandbox._account.found.clear()
    desk.clock.sleep(60)
    desk.pull(full=True)
    assert len(desk.ws.unreadable) == 0


def test_a_customer_that_cannot_be_read_takes_nothing_else_with_it(desk):
    customer = next(row["customer_id"] for row in desk.sandbox._account.payments)
    spoil = without("tax_rate_id", "x")
    rewriting(desk, lambda name, row: row.get("id") == customer and "business_then_name" in row and spoil(row))
    desk.pull(full=True)
    assert ("customers", customer) in [(row.table, row.record_id) for row in desk.ws.unreadable.itertuples()]
    assert desk.gaps("payments") == []
    assert desk.gaps("comments") == []
    held = desk.ws.payments
    assert len(held) == len(desk.sandbox._account.payments.rows)
    assert (held["customer_id"] == customer).any()


def test_prepaid_hours_that_no_detail_has_named_are_no_reading(desk):
    block = next(row["id"] for row in desk.sandbox._account.customers if float(row["prepay_hours"] or 0) > 0)
    rewriting(desk, lambda name, row: row.get("id") == block and row.pop("prepay_hours", None))
    desk.pull(full=True)
    assert block not in set(desk.ws.prepaid["customer_id"])
    assert [reason for reason in desk.gaps("prepaid") if f"id {block}: " in reason] != []


def test_prepaid_hours_that_a_detail_does_not_name_are_not_none(desk):
    block = next(row["id"] for row in desk.sandbox._account.customers if float(row["prepay_hours"] or 0) > 0)
    desk.pull(full=True)
    before = desk.ws.customers.set_index("customer_id").loc[block, "prepaid_millionths"]
    rewriting(desk, lambda name, row: row.get("id") == block and row.pop("prepay_hours", None))
    desk.clock.sleep(60)
    desk.pull(full=True)
    assert desk.ws.customers.set_index("customer_id").loc[block, "prepaid_millionths"] == before
    assert [reason for reason in desk.gaps("prepaid") if "no prepay_hours" in reason] != []


@pytest.mark.parametrize("page", [1, 2])
def test_rows_that_are_no_records_are_told_by_the_first_sync_and_counted(page, desk):
    def spoil(name, answer):
        if name == "" and "payments" in answer and answer["meta"]["page"] == page:
            answer["payments"][-3:] = ["oops", "oops", None]

    rewriting(desk, spoil)
    desk.pull(full=True)
    assert len(desk.ws.unreadable) == 3
    assert desk.gaps("payments")[0].startswith("3 rows could not be read in full")
    desk.clock.sleep(60)
    desk.pull()
    assert len(desk.ws.unreadable) == 3


def test_an_id_that_no_column_holds_is_told(desk):
    def spoil(name, answer):
        if name == "" and "payments" in answer and answer["meta"]["page"] == 1:
            answer["payments"].append({**answer["payments"][0], "id": 2**70})

    rewriting(desk, spoil)
    desk.pull(full=True)
    told = desk.ws.unreadable
    assert [value is pd.NA for value in told["record_id"]] == [True]
    assert str(2**70) in told["why"][0]
