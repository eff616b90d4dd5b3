"""Draft -> plan, without any server: what would be sent, what it comes to, what stands against it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from syncro_nb.config import LABOUR, House
from syncro_nb.errors import InputError
from syncro_nb.service.records import (
    Contact,
    Contract,
    Customer,
    Invoice,
    InvoiceLine,
    Product,
    Ticket,
    TicketLine,
    Timer,
)
from syncro_nb.writes import checks, reference
from syncro_nb.writes.bill import BillDraft, BillFacts, plan_bill
from syncro_nb.writes.tax import certain, seen_on

NOW = datetime(2026, 3, 31, 23, 0, tzinfo=UTC)
HOUSE = House(LABOUR, {})
REMOTE = Product(
    id=1190473, name="Labor - Remote", price_cents=15000, cost_cents=4000, taxable=True, category="Labor;Remote"
)
CUSTOMER = Customer(id=7, name="Larkspur Dental", email="office@larkspur.example.com")
TICKET = Ticket(
    id=900, number=32164, subject="Printer", status="In Progress", customer_id=7, comments=(), lines=(), timers=(),
    contact=Contact(id=1, name="Ada", email="ada@larkspur.example.com"),
)  # fmt: skip
DRAFT = BillDraft(ticket_number=32164, minutes=30, labour="remote", text="Cleared the queue")
TIMER = Timer(
    id=55, ticket_id=900, started_at=NOW - timedelta(hours=2), ended_at=NOW - timedelta(hours=1), billable=True,
    product_id=1190473, active_seconds=3600, billable_seconds=3600,
)  # fmt: skip


def facts(ticket=TICKET, customer=CUSTOMER, product=REMOTE, invoices=(), percent="8.7", open_run=None):
    tax = certain(Decimal(percent), "as on an invoice") if percent else None
    return BillFacts(ticket, customer, {product.id: product}, tuple(invoices), NOW, tax, open_run, frozenset({1190473}))


def plan(draft=DRAFT, **changes):
    return plan_bill(draft, facts(**changes), HOUSE, account="blue", run="R2345678")


def test_half_an_hour_is_four_requests_and_81_53():
    made = plan()
    assert [(one.method, one.path) for one in made.requests] == [
        ("POST", "/tickets/900/comment"),
        ("POST", "/tickets/900/add_line_item"),
        ("POST", "/invoices"),
        ("PUT", "/tickets/900"),
    ]
    assert made.expected.as_json() == {
        "subtotal_cents": 7500,
        "tax_cents": 653,
        "total_cents": 8153,
        "prepaid_hours": 0.0,
    }
    assert made.blockers == ()


def test_the_line_carries_the_only_names_that_syncro_saves():
    body = plan().requests[1].body
    assert body["price_retail"] == 150
    assert body["quantity"] == 0.5
    assert (body["name"], body["product_id"], body["taxable"]) == ("Labor - Remote", 1190473, True)
    assert body["description"].startswith("Cleared the queue\nRef SNB-")


def test_comment_and_line_end_in_one_reference_that_belongs_to_this_ticket():
    comment, line = plan().requests[:2]
    marks = {reference.last_reference(comment.body["body"]), reference.last_reference(line.body["description"])}
    assert len(marks) == 1
    mark = marks.pop()
    assert reference.belongs(mark, "blue", 900)
    assert not reference.belongs(mark, "blue", 901)
    assert not reference.belongs(mark, "green", 900)


def test_without_an_invoice_the_status_stays():
    assert [step.name for step in plan(replace(DRAFT, invoice=False)).steps] == ["comment", "line_item", "verify"]


def test_a_hidden_comment_is_never_mailed():
    assert plan(replace(DRAFT, hidden=True)).requests[0].body["do_not_email"] is True
    assert plan(replace(DRAFT, email=False)).requests[0].body["do_not_email"] is True
    assert plan().requests[0].body["do_not_email"] is False
    assert any("ada@larkspur" in note for note in plan().notes)


def test_what_waits_on_the_ticket_goes_onto_the_invoice_too():
    waiting = TicketLine(id=3, name="Cable", description="2 m", quantity=Decimal(2), price_cents=1000, taxable=False)
    done = replace(waiting, id=4, converted=True)
    made = plan(ticket=replace(TICKET, lines=(waiting, done)))
    assert made.expected.subtotal_cents == 9500
    assert made.expected.tax_cents == 653
    assert any("1 line(s) already on the ticket, $20.00" in warning for warning in made.warnings)


def test_prepaid_hours_pay_for_labour_and_nothing_else():
    part = TicketLine(id=3, name="Cable", description="2 m", quantity=Decimal(2), price_cents=1000, taxable=True)
    made = plan(ticket=replace(TICKET, lines=(part,)), customer=replace(CUSTOMER, prepaid_hours=Decimal("3.5")))
    assert made.expected.as_json() == {
        "subtotal_cents": 2000,
        "tax_cents": 174,
        "total_cents": 2174,
        "prepaid_hours": 0.5,
    }
    assert "0.5 prepaid hours are drawn, 3 are left" in made.notes


@pytest.mark.parametrize(
    ("hours", "words"),
    [("0.25", "0.5 are drawn and only 0.25 are left"), ("0", "billed in money"), ("-2", "billed in money")],
)
def test_prepaid_hours_that_do_not_suffice_are_a_warning(hours, words):
    assert any(words in warning for warning in plan(customer=replace(CUSTOMER, prepaid_hours=Decimal(hours))).warnings)


def test_an_active_contract_is_a_warning_and_an_ended_one_is_not():
    contract = Contract(id=1, name="Managed", status="Active", starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31))
    assert any("'Managed'" in warning for warning in plan(customer=replace(CUSTOMER, contracts=(contract,))).warnings)
    ended = replace(contract, ends_on=date(2026, 2, 1))
    assert plan(customer=replace(CUSTOMER, contracts=(ended,))).warnings == ()


def test_a_timer_that_stays_uncharged_and_a_hidden_text_are_warnings():
    assert any("stays uncharged" in warning for warning in plan(ticket=replace(TICKET, timers=(TIMER,))).warnings)
    assert any(
        "the customer reads it on the invoice" in warning for warning in plan(replace(DRAFT, hidden=True)).warnings
    )
    assert plan().warnings == ()


def test_an_unknown_tax_rate_is_said_and_not_guessed():
    made = plan(percent=None)
    assert made.expected.as_json()["total_cents"] is None
    assert any("tax rate is not known" in warning for warning in made.warnings)


def test_timers_give_minutes_and_labour_and_are_charged_instead_of_a_line():
    made = plan(replace(DRAFT, minutes=None, labour="", timer_ids=(55,)), ticket=replace(TICKET, timers=(TIMER,)))
    assert [step.name for step in made.steps] == ["comment", "charge", "invoice", "verify", "status"]
    assert made.requests[1].as_json() == {
        "method": "POST",
        "path": "/tickets/900/charge_timer_entry",
        "body": {"timer_entry_id": 55},
    }
    assert made.expected.total_cents == 16305


@pytest.mark.parametrize(
    ("wrong", "words"), [({"minutes": 30}, "60 minutes"), ({"labour": "onsite"}, "which are remote")]
)
def test_minutes_and_labour_beside_timers_must_agree(wrong, words):
    draft = replace(DRAFT, minutes=None, labour="", timer_ids=(55,))
    with pytest.raises(InputError, match=words):
        plan(replace(draft, **wrong), ticket=replace(TICKET, timers=(TIMER,)))
    assert plan(replace(draft, minutes=60, labour="remote"), ticket=replace(TICKET, timers=(TIMER,))).blockers == ()


INVOICE = Invoice(id=5, number="1001", subtotal_cents=1, total_cents=1, ticket_id=900)
LOOK_ALIKE = TicketLine(
    id=3, product_id=1190473, name="Labor", description="cleared THE queue\nRef SNB-AAAAAA-BBBB", quantity=Decimal("0.50"),
    created_at=NOW - timedelta(days=59), converted=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"invoices": [INVOICE]}, "already invoiced: invoice 1001"),
        ({"ticket": replace(TICKET, status="Invoiced")}, "status is Invoiced already"),
        ({"product": replace(REMOTE, price_cents=0)}, r"costs \$0.00"),
        ({"open_run": "R9"}, "run R9 on this ticket is not finished"),
        ({"ticket": replace(TICKET, lines=(LOOK_ALIKE,))}, "same labour, hours and text"),
    ],
)
def test_what_stands_against_a_bill(changes, words):
    with pytest.raises(AssertionError, match=words):
        assert plan(**changes).blockers == ()


def test_a_look_alike_of_long_ago_or_of_other_work_blocks_nothing():
    old = replace(LOOK_ALIKE, created_at=NOW - timedelta(days=61))
    other = replace(LOOK_ALIKE, description="Another thing")
    assert plan(ticket=replace(TICKET, lines=(old, other))).blockers == ()


@pytest.mark.parametrize(
    ("timer", "words"),
    [
        (replace(TIMER, recorded=True), "charged already"),
        (replace(TIMER, line_item_id=4), "charged already"),
        (replace(TIMER, ended_at=None), "still running"),
        (replace(TIMER, override_seconds=0), "0 billable minutes"),
        (replace(TIMER, override_seconds=90_000), "1500 billable minutes"),
        (replace(TIMER, billable=False), "marked as not billable"),
        (replace(TIMER, product_id=None), "no labour product"),
        (replace(TIMER, id=56), "not on this ticket"),
    ],
)
def test_a_timer_that_cannot_be_charged_blocks(timer, words):
    draft = replace(DRAFT, minutes=None, labour="", timer_ids=(55,))
    assert any(words in blocker for blocker in plan(draft, ticket=replace(TICKET, timers=(timer,))).blockers)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"ticket_number": None}, "ticket_number"),
        ({"minutes": None}, "minutes"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": -5}, "minutes"),
        ({"minutes": 1441}, "minutes"),
        ({"labour": ""}, "labour"),
        ({"labour": "remot"}, "labour"),
        ({"text": " \n"}, "text"),
        ({"text": "x" * 10_001}, "text"),
        ({"text": "a\x07b"}, "text"),
        ({"text": "a\x1b[31m"}, "text"),
        ({"text": "\ud800"}, "text"),
        ({"subject": ""}, "subject"),
        ({"subject": "two\nlines"}, "subject"),
        ({"timer_ids": (5, 5)}, "timer_ids"),
        ({"timer_ids": (5,), "amends": ((6, 100, None),)}, "timer_ids"),
    ],
)
def test_what_is_missing_or_wrong_is_said_by_field(wrong, field):
    assert list(replace(DRAFT, **wrong).problems(HOUSE)) == [field]


def test_line_breaks_tabs_emoji_and_other_scripts_are_fine():
    assert replace(DRAFT, text="one\n\ttwo 🖨️ ネット עברית").problems(HOUSE) == {}


def taxed(number, base, tax):
    return Invoice(id=number, subtotal_cents=base, tax_cents=tax, total_cents=base + tax)


def test_a_rate_is_read_off_invoices_as_the_shortest_that_fits():
    assert seen_on([taxed(1, 7500, 653)], "here").percent == Decimal("8.7")
    assert seen_on([taxed(1, 15000, 0)], "here").percent == 0
    assert seen_on([taxed(1, 0, 0)], "here") is None
    assert seen_on([], "here") is None


def test_several_small_invoices_tell_the_rate_together():
    small = [
        taxed(number, base, int(base * 8725 / 100_000 + 0.5)) for number, base in enumerate([4013, 5377, 7919, 9001])
    ]
    assert seen_on(small[:1], "here").percent != Decimal("8.725")
    assert abs(seen_on(small, "here").percent - Decimal("8.725")) <= Decimal("0.005")


def test_after_a_change_of_the_rate_the_newer_invoices_stand():
    assert seen_on([taxed(3, 10000, 870), taxed(2, 10000, 850), taxed(1, 10000, 850)], "here").percent == Decimal("8.7")


def test_a_tax_that_is_known_only_roughly_is_said_and_still_held_to_the_cent():
    rough = seen_on([taxed(1, 300, 26)], "on a small invoice")
    made = plan_bill(DRAFT, replace(facts(), tax=rough), HOUSE, account="blue", run="R2")
    assert any("not certain to the cent" in warning for warning in made.warnings)

    def read_back(tax):
        text = {"name": "Labor - Remote", "description": "Cleared the queue"}
        line = InvoiceLine(id=1, quantity=Decimal("0.5"), price_cents=15000, **text)
        return replace(taxed(9, 7500, tax), ticket_id=900, customer_id=7, lines=(line,))

    expected = made.expected.tax_cents
    assert checks.invoice(made.expected, read_back(expected), 900, 7) == []
    assert checks.invoice(made.expected, read_back(expected + 1), 900, 7)
