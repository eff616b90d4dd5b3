from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncro_nb.service import records, wire
from syncro_nb.service.records import in_minutes


def test_both_generations_of_an_invoice_are_read_alike():
    april = {"id": 4, "date": "2019-06-19T00:00:00.000Z", "subtotal": "9.99", "total": "9.99", "tax": "0.0"}
    autumn = {
        "id": 4,
        "date": "2019-06-19",
        "subtotal": Decimal("9.99"),
        "total": Decimal("9.99"),
        "tax": Decimal("0.0"),
    }
    assert wire.read(records.Invoice, april) == wire.read(records.Invoice, autumn)
    assert wire.read(records.Invoice, april).dated_on == date(2019, 6, 19)
    assert wire.read(records.Invoice, april).total_cents == 999


def test_times_are_aware_and_keep_their_instant():
    comment = wire.read(records.Comment, {"id": 1, "created_at": "2019-11-05T07:18:43.727-08:00"})
    assert comment.created_at == datetime(2019, 11, 5, 15, 18, 43, 727000, UTC)


def test_a_new_field_of_syncros_breaks_nothing_and_is_kept():
    assert wire.read(records.Comment, {"id": 1, "mood": "good"}).extra == {"mood": "good"}


def test_the_key_and_the_customers_login_link_are_not_kept():
    assert wire.read(records.Me, {"user_id": 1, "user_token": "secret"}).extra == {}
    assert wire.read(records.Customer, {"id": 1, "online_profile_url": "http://x/?portal_key=1"}).extra == {}


def test_a_list_row_has_no_lines_but_a_detail_may_have_none():
    assert wire.read(records.Ticket, {"id": 1, "number": 2}).lines is None
    assert wire.read(records.Ticket, {"id": 1, "number": 2, "line_items": []}).lines == ()


@pytest.mark.parametrize(
    ("record", "data", "complaint"),
    [
        (records.Ticket, {"id": "abc", "number": 1}, "ticket.id"),
        (records.Ticket, {"number": 1}, "no id"),
        (records.Ticket, [], "expected an object"),
        (records.Invoice, {"id": 1, "subtotal": "x", "total": "1.0"}, "invoice.subtotal"),
        (records.Comment, {"id": 1, "hidden": "no"}, "comment.hidden"),
        (records.Comment, {"id": 1, "created_at": "2019-11-05T07:18:43"}, "no time zone"),
        (records.Ticket, {"id": 1, "number": 1, "comments": {}}, "expected a list"),
    ],
)
def test_what_cannot_be_read_is_named(record, data, complaint):
    with pytest.raises(wire.Unreadable, match=complaint):
        wire.read(record, data)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"error": "Customer required field"}, "Customer required field"),
        ({"errors": ["Ticket not found"]}, "Ticket not found"),
        (
            {"errors": "Name can't be blank, Description can't be blank", "params": {}},
            "Name can't be blank, Description can't be blank",
        ),
        (
            {"success": False, "message": ["Body can't be blank", "Subject can't be blank"]},
            "Body can't be blank; Subject can't be blank",
        ),
        ({"record": {"id": None}, "errors": "Email is not an email"}, "Email is not an email"),
        (
            {"customer_id": ["can't be blank"], "date": ["can't be blank"]},
            "customer id can't be blank; date can't be blank",
        ),
        ({"error": ["Frequency can't be blank"]}, "Frequency can't be blank"),
        ({"success": False, "error": "no", "message": "no", "params": {}}, "no"),
        ({"errors": {"mute_for": ["is odd"]}}, "mute for is odd"),
        ({"message": "Not found"}, "Not found"),
        ({}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_every_shape_of_an_error_becomes_one_sentence(body, sentence):
    assert wire.sentence(body) == sentence


def test_an_error_message_cannot_break_a_line():
    assert "\n" not in wire.sentence({"error": "a\nFAKE log line\x1b[31m"})


def test_without_meta_a_list_is_one_page():
    assert wire.page({"users": [[1, "A"]]}, "users") == wire.Page([[1, "A"]], 1, None)
    assert wire.page({"users": [], "meta": {"total_pages": 7, "total_entries": 9}}, "users") == wire.Page([], 7, 9)


def test_a_meta_of_strings_is_read():
    assert wire.page({"rows": [], "meta": {"total_pages": "3", "total_entries": "61"}}, "rows") == wire.Page([], 3, 61)


@pytest.mark.parametrize("pages", [None, "x", "", {}, [], -1, "-1", True, Decimal("2.5"), 10**9])
def test_a_number_of_pages_that_cannot_be_read_is_not_one(pages):
    assert wire.page({"rows": [1], "meta": {"total_pages": pages, "total_entries": pages}}, "rows").pages is None


@pytest.mark.parametrize("meta", [{}, {"meta": None}, {"meta": {}}])
def test_a_full_page_without_meta_may_go_on(meta):
    assert wire.page({"rows": [1] * 9, **meta}, "rows").pages == 1
    assert wire.page({"rows": [1] * 10, **meta}, "rows").pages is None
    assert wire.page({"rows": [1], "meta": "x"}, "rows").pages is None
    assert wire.page({"rows": [1], "meta": {"total_pages": 0}}, "rows").pages is None


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"NaN", b"[" * 100_000, b"\xff"])
def test_what_is_no_json_is_said_to_be_none(body):
    with pytest.raises(wire.Unreadable, match="not JSON"):
        wire.parse(body)


def test_a_quantity_is_read_with_the_decimals_of_a_float():
    line = wire.read(records.TicketLine, {"id": 1, "quantity": "0.3333333333333333"})
    assert line.quantity == Decimal("0.3333333333333333")
    assert wire.read(records.TicketLine, wire.parse(b'{"id": 1, "quantity": 1e-1}')).quantity == Decimal("0.1")
    with pytest.raises(wire.Unreadable, match=r"ticketline\.quantity"):
        wire.read(records.TicketLine, wire.parse(b'{"id": 1, "quantity": 1e999999}'))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9))
def test_an_amount_survives_the_way_out_and_back(amount):
    assert wire.parse(repr(wire.number(amount)).encode()) == amount


def test_work_time_comes_from_the_override_then_syncro_then_the_clock():
    times = {"id": 1, "start_time": "2026-03-01T10:00:00Z", "end_time": "2026-03-01T10:30:00Z"}
    assert wire.read(records.Timer, {**times, "billable_override": 2700, "billable_time": 900}).charged_seconds == 2700
    assert wire.read(records.Timer, {**times, "billable_time": 900}).charged_seconds == 900
    assert wire.read(records.Timer, {**times, "billable_time": 12, "active_duration": 1800}).charged_seconds == 1800
    assert wire.read(records.Timer, times).worked_seconds == 1800


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0"), (1, "0.1"), (4, "0.1"), (90, "1.5"), (1800, "30"), (6304, "105.1"), (3599, "60")]
)
def test_seconds_in_minutes_as_people_read_them(seconds, said):
    assert in_minutes(seconds) == said
