"""The customer's panel: search, one customer with what it owes and what is open, and text that stays text."""

import re

import pytest
from attacks import MIXED, SCRIPT, UNPRINTABLE
from desk import Desk

from syncro_nb.errors import InputError
from syncro_nb.forms.customerpanel import CustomerPanel


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.close()


def test_the_only_one_that_is_found_is_shown(desk):
    panel = CustomerPanel(desk.ws, "hobnail")
    assert panel.view.customer.name == "Hobnail Machine Works"
    assert "Open tickets (6)" in panel.shown.value
    assert "eddie@hobnail.example.com" in panel.shown.value
    assert repr(panel).startswith("Hobnail Machine Works (")


def test_of_several_one_is_chosen(desk):
    panel = CustomerPanel(desk.ws, "gantry")
    assert len(panel.found) > 1
    assert panel.view is None
    panel.choice.value = panel.found[1].id
    assert panel.view.customer.id == panel.found[1].id


def test_the_balance_is_what_is_due_on_unpaid_invoices(desk):
    customer = desk.ws.ticket(32164).ticket.customer_id
    before = desk.ws.customer(customer).balance_cents
    desk.bill()
    view = CustomerPanel(desk.ws, customer).view
    assert view.balance_cents == before + 8153
    everything = [one for one in desk.ws.client.invoices() if one.customer_id == customer and not one.is_paid]
    assert {one.id for one in view.unpaid} == {one.id for one in everything}


def test_the_latest_invoices_are_listed_the_paid_ones_too(desk):
    customer = desk.ws.ticket(32164).ticket.customer_id
    receipt = desk.bill()
    said = repr(CustomerPanel(desk.ws, customer)).split("Latest invoices\n")[1].split("\n\n")[0].splitlines()
    assert said[0].split() == [receipt.invoice["number"], "2026-03-31", "$81.53", "not", "paid"]
    assert len(said) == 8
    assert said[-1].endswith("  paid")


def test_nobody_found_and_nobody_of_that_id(desk):
    panel = CustomerPanel(desk.ws, "nobody at all")
    assert "No customer has" in panel.status.value
    with pytest.raises(InputError, match="no customer with id 5"):
        CustomerPanel(desk.ws, 5)
    panel.query.value = " "
    panel.search_button.click()
    assert "say what to look for" in panel.status.value


def test_what_the_key_may_not_read_is_said(desk):
    customer = desk.ws.ticket(32164).ticket.customer_id
    desk.fault("GET /invoices", "status", status=401, times=9)
    panel = CustomerPanel(desk.ws, customer)
    assert panel.view.balance_cents is None
    assert "invoices: not read" in panel.shown.value
    assert "Balance" in panel.shown.value


def test_all_text_stays_text(desk):
    customer = desk.ws.ticket(32164).ticket.customer_id
    desk.ask("PUT", f"/api/v1/customers/{customer}", {"business_name": f"hob {MIXED[:200]}", "phone": SCRIPT})
    ticket = desk.ask("GET", "/api/v1/tickets?number=32164")["tickets"][0]["id"]
    desk.ask("PUT", f"/api/v1/tickets/{ticket}", {"subject": MIXED[:250]})
    panel = CustomerPanel(desk.ws, customer)
    html = panel.shown.value
    assert "&lt;img src=x" in html
    assert set(re.findall(r"<\s*/?\s*([a-z]+)", html)) <= {"div", "table", "tr", "td", "th", "ul", "li", "a"}
    assert not set(UNPRINTABLE) & set(html + repr(panel))
