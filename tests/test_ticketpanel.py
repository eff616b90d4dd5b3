"""The ticket's panel: what it says of a ticket, what it says when something cannot be read, and that text stays text."""

import re

import pytest
from attacks import MIXED, SCRIPT, UNPRINTABLE
from desk import Desk

from syncro_nb.errors import InputError
from syncro_nb.forms.ticketpanel import TicketPanel


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.close()


def words(*parts):
    """What a person reads of HTML."""
    return re.sub(r"<[^>]+>", "\n", "".join(one.value for one in parts))


def seen(panel):
    return words(panel.head, panel.talk, panel.work)


def ticket_id(desk, number=32164):
    return desk.ask("GET", f"/api/v1/tickets?number={number}")["tickets"][0]["id"]


def test_it_says_where_the_ticket_stands_and_what_its_next_target_is(desk):
    said = words(TicketPanel(desk.ws, 32164).head)
    assert "#32164  Shop floor computer loses the mapped drive" in said
    assert "due-today" in said
    assert "due 7 days ago" in said
    assert "Next: resolution due in 21 days (house target)" in said


def test_it_knows_the_customer(desk):
    customer = desk.ws.ticket(32164).ticket.customer_id
    panel = TicketPanel(desk.ws, 32164)
    assert panel.customer.customer.id == customer
    assert f"Hobnail Machine Works · {len(panel.customer.tickets)} open · no prepaid hours" in words(panel.head)


def test_five_comments_newest_first_and_all_on_demand(desk):
    panel = TicketPanel(desk.ws, 32164)
    assert "Comments (5 of 6), newest first" in words(panel.talk)
    assert words(panel.talk).index("Good to hear") < words(panel.talk).index("It held through")
    assert panel.all_button.layout.display == ""
    panel.all_button.click()
    assert "Comments (6 of 6)" in words(panel.talk)
    assert panel.all_button.layout.display == "none"


def test_public_and_hidden_comments_are_told_apart(desk):
    said = words(TicketPanel(desk.ws, 32164).talk)
    assert said.count("hidden, internal") == 1
    assert said.count("· public") == 4


def test_what_is_not_billed_stands_at_the_top(desk):
    body = {"start_at": "2026-03-30T17:00:00Z", "duration_minutes": 45, "product_id": 1190473, "notes": "phone"}
    made = desk.ask("POST", f"/api/v1/tickets/{ticket_id(desk)}/timer_entry", body)
    desk.ask("PATCH", f"/api/v1/ticket_timers/{made['id']}", {"billable": True})
    panel = TicketPanel(desk.ws, 32164)
    assert "Not billed yet: 1 timer(s) not charged, 45 minutes" in words(panel.head)
    assert "not charged" in words(panel.work)


def test_a_billed_ticket_shows_its_invoice_and_no_deadline(desk):
    desk.bill()
    panel = TicketPanel(desk.ws, 32164)
    assert "resolved" in words(panel.head)
    assert "Next:" not in words(panel.head)
    assert "$81.53" in words(panel.work)
    assert "not paid" in words(panel.work)


def test_what_cannot_be_read_is_said_and_the_rest_is_there(desk):
    desk.fault("GET /customers/*", "status", status=401, times=9)
    said = seen(TicketPanel(desk.ws, 32164))
    assert "The customer was not read" in said
    assert "Comments (5 of 6)" in said


def test_another_ticket_takes_its_place_and_none_empties_it(desk):
    panel = TicketPanel(desk.ws, 32164)
    panel.show(32182)
    assert "#32182" in seen(panel)
    assert "#32164" not in seen(panel)
    panel.show(None)
    assert "Select a ticket" in seen(panel)
    assert panel.view is None


def test_a_number_that_no_ticket_has_is_an_error(desk):
    with pytest.raises(InputError, match="no ticket 99999999"):
        TicketPanel(desk.ws, 99999999)


def test_all_text_stays_text(desk):
    number = ticket_id(desk)
    desk.ask("PUT", f"/api/v1/tickets/{number}", {"subject": MIXED[:250]})
    comment = {"subject": MIXED[:200], "body": MIXED, "hidden": True, "do_not_email": True}
    desk.ask("POST", f"/api/v1/tickets/{number}/comment", comment)
    timer = {"start_at": "2026-03-30T17:00:00Z", "duration_minutes": 45, "product_id": 1190473, "notes": MIXED}
    desk.ask("POST", f"/api/v1/tickets/{number}/timer_entry", timer)
    panel = TicketPanel(desk.ws, 32164)
    panel.show_all()
    html = panel.head.value + panel.talk.value + panel.work.value
    assert "&lt;img src=x" in html
    assert not set(UNPRINTABLE) & set(html)
    tags = set(re.findall(r"<\s*/?\s*([a-z]+)", html))
    assert tags <= {"div", "table", "tr", "td", "th", "ul", "li", "a"}
    assert SCRIPT.split("=")[0] not in html
    assert not set(UNPRINTABLE) & set(repr(panel))
