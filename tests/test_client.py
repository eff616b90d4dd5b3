"""Every method of the client against the sandbox, which shares no code with it; and every record there and back."""

import dataclasses
import inspect
import typing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from desk import Desk
from hypothesis import given
from hypothesis import strategies as st

from syncro_nb import lab
from syncro_nb.errors import ConfigError, Missing, Refused
from syncro_nb.sandbox import Sandbox, Switches
from syncro_nb.service import records, requests, wire
from syncro_nb.service.client import NOT_CLOSED, Client
from syncro_nb.writes import outcome

RECORDS = [one for _, one in inspect.getmembers(records, inspect.isclass) if one.__module__ == records.__name__]


@pytest.fixture(scope="module", params=["2026-fall", "2026-04"])
def client(request, tmp_path_factory):
    """The client on both generations of the document."""
    desk = Desk(tmp_path_factory.mktemp("home"), Sandbox(switches=Switches(spec_profile=request.param)))
    yield desk.ws.client
    desk.close()


def sent(client, request):
    """The record that the sandbox answers; a test may write without a plan, the package may not."""
    result = outcome.send(request, client.send)
    assert isinstance(result, outcome.Answered), result
    return result.record


def test_the_account(client):
    me = client.me()
    assert me.admin is True
    assert client.user(me.user_id).name == me.name
    assert me.name in [user.name for user in client.users()]
    assert client.settings().locale["time_zone"] == "America/Los_Angeles"
    assert "New" in client.ticket_settings().statuses
    assert all(log.user_id == me.user_id for log in client.timelogs(user_id=me.user_id))


@pytest.mark.parametrize(
    "name",
    ["tickets", "customers", "contacts", "products", "invoices", "line_items", "payments", "schedules", "contracts", "estimates",
     "timelogs", "ticket_timers", "payment_methods"],
)  # fmt: skip
def test_every_list_is_read_to_its_end_and_typed(client, name):
    rows = list(getattr(client, name)())
    assert rows
    assert len({row.id for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("many", "one"),
    [("tickets", "ticket"), ("customers", "customer"), ("contacts", "contact"), ("products", "product"),
     ("invoices", "invoice"), ("payments", "payment"), ("schedules", "schedule"), ("contracts", "contract"),
     ("estimates", "estimate")],
)  # fmt: skip
def test_one_of_a_list_is_the_same_record_in_full(client, many, one):
    row = next(iter(getattr(client, many)()))
    assert getattr(client, one)(row.id).id == row.id
    with pytest.raises(Missing):
        getattr(client, one)(999_999_999)


def test_the_filters_of_tickets(client):
    row = client.ticket_by_number(32164)
    everything = list(client.tickets())
    month = row.created_at - timedelta(seconds=1)
    for filters in (
        {"customer_id": row.customer_id}, {"status": "Resolved"}, {"user_id": row.user_id}, {"contact_id": row.contact_id},
        {"created_after": month}, {"since_updated_at": month}, {"resolved_after": month}, {"status": NOT_CLOSED},
        {"created_after": date(2026, 3, 25)}, {"number": 32164},
    ):  # fmt: skip
        found = list(client.tickets(**filters))
        assert 0 < len(found) < len(everything), filters
    assert [hit.number for hit in client.tickets(query=row.subject)] == [32164]
    assert all(ticket.resolved_at >= month for ticket in client.tickets(resolved_after=month))


def test_customers_are_found_by_what_people_know(client):
    customer = client.customer(client.ticket_by_number(32164).customer_id)
    assert customer.id in [one.id for one in client.customers_like(customer.business_name[:5])]
    assert [one.id for one in client.customers(email=customer.email)] == [customer.id]
    assert [one.id for one in client.customers(ids=[customer.id])] == [customer.id]
    assert [one.id for one in client.customers(business_name=customer.business_name)] == [customer.id]
    assert "customer" in {hit.sort for hit in client.search(customer.business_name)}
    assert all(contact.customer_id == customer.id for contact in client.contacts(customer_id=customer.id))


def test_invoices_their_lines_payments_and_ticket(client):
    paid = next(iter(client.invoices(paid=True)))
    detail = client.invoice(paid.number)
    assert detail.id == paid.id
    assert detail.total_cents == detail.subtotal_cents + detail.tax_cents
    assert sum(payment.amount_cents for payment in detail.payments) == detail.total_cents
    assert {line.id for line in client.line_items(invoice_id=paid.id)} == {line.id for line in detail.lines}
    assert not any(invoice.is_paid for invoice in client.invoices(paid=False))
    billed = next(invoice for invoice in client.invoices() if invoice.ticket_id)
    assert client.invoice_ticket(billed.id).id == billed.ticket_id


def test_a_ticket_from_its_creation_to_its_deletion(client):
    customer = client.ticket_by_number(32164).customer_id
    wanted = {"priority": "1 High", "problem_type": "Hardware", "due_on": date(2026, 4, 2), "comment": "It smokes"}
    ticket = sent(client, requests.create_ticket(customer, "Printer", **wanted))
    assert (ticket.subject, ticket.priority, ticket.due_on, ticket.comments[0].body) == (
        "Printer", "1 High", date(2026, 4, 2), "It smokes",
    )  # fmt: skip
    note = requests.add_comment(ticket.id, subject="Note", body="Text", hidden=True, do_not_email=True)
    assert sent(client, note).hidden is True
    assert len(list(client.comments(ticket.id))) == 2
    changed = sent(client, requests.update_ticket(ticket.id, status="In Progress", subject="Printer 2"))
    assert (changed.status, changed.subject, changed.priority) == ("In Progress", "Printer 2", "1 High")
    assert sent(client, requests.delete_ticket(ticket.id)).message.startswith("Ticket was successfully deleted")
    with pytest.raises(Missing):
        client.ticket(ticket.id)


def test_lines_timers_and_an_invoice_from_add_to_remove(client):
    customer = client.ticket_by_number(32164).customer_id
    ticket = sent(client, requests.create_ticket(customer, "Work"))
    line = sent(client, requests.add_line_item(
        ticket.id, product_id=None, name="Cable", description="2 m", quantity=Decimal("2"), price_cents=1050, cost_cents=400,
        taxable=False,
    ))  # fmt: skip
    assert (line.quantity, line.price_cents, line.cost_cents) == (2, 1050, 400)
    assert sent(client, requests.update_line_item(ticket.id, line.id, price_cents=1199)).price_cents == 1199
    start = datetime(2026, 3, 30, 17, 0, tzinfo=UTC)
    timer = sent(
        client, requests.add_timer_entry(ticket.id, start_at=start, minutes=30, product_id=1190473, notes="Fixed")
    )
    assert (timer.started_at, timer.worked_seconds, timer.recorded) == (start, 1800, False)
    assert sent(client, requests.set_timer_billable(timer.id, False)).billable is False
    assert sent(client, requests.set_timer_billable(timer.id, True)).billable is True
    assert sent(client, requests.update_timer_entry(ticket.id, timer.id, notes="Mended")).notes == "Mended"
    assert [one.id for one in client.ticket_timers(ticket_id=ticket.id)] == [timer.id]
    doomed = sent(client, requests.add_timer_entry(ticket.id, start_at=start, minutes=5))
    assert sent(client, requests.delete_timer_entry(ticket.id, doomed.id)).success
    assert sent(client, requests.charge_timer_entry(ticket.id, timer.id)).recorded
    extra = sent(client, requests.add_line_item(
        ticket.id, product_id=None, name="X", description="Y", quantity=Decimal(1), price_cents=1, cost_cents=0, taxable=False,
    ))  # fmt: skip
    assert sent(client, requests.remove_line_item(ticket.id, extra.id)).success
    invoice = sent(client, requests.create_invoice(ticket.id, customer))
    assert sorted(one.price_cents for one in client.invoice(invoice.id).lines) == [1199, 15000]
    assert sent(client, requests.update_invoice(invoice.id, note="Thanks", po_number="P1")).note == "Thanks"
    part = requests.add_invoice_line(
        invoice.id, name="P", description="Q", quantity=Decimal(1), price_cents=500, taxable=False
    )
    added = sent(client, part)
    sent(client, requests.update_invoice_line(invoice.id, added.id, price_cents=700))
    assert 700 in [one.price_cents for one in client.invoice(invoice.id).lines]
    sent(client, requests.delete_invoice_line(invoice.id, added.id))
    assert len(client.invoice(invoice.id).lines) == 2
    sent(client, requests.delete_invoice(invoice.id))
    with pytest.raises(Missing):
        client.invoice(invoice.id)


def test_a_live_timer_runs_until_it_is_stopped(tmp_path):
    desk = Desk(tmp_path)
    client, ticket = desk.ws.client, desk.ticket().ticket
    running = sent(client, requests.start_timer(ticket.id, notes="Live"))
    assert running.ended_at is None
    assert sent(client, requests.start_timer(ticket.id)).id == running.id
    assert sent(client, requests.stop_timer(running.id)).ended_at is not None
    assert sent(client, requests.delete_timer_entry(ticket.id, running.id)).success
    desk.close()


def test_customers_contacts_and_payments_are_written_and_read_back(client):
    customer = sent(client, requests.create_customer(business_name="Tin Whistle Co", email="a@tin.example.com"))
    assert sent(client, requests.update_customer(customer.id, notes="Good")).notes == "Good"
    contact = sent(client, requests.create_contact(customer.id, "Ada", email="ada@tin.example.com"))
    assert sent(client, requests.update_contact(contact.id, "Ada B")).name == "Ada B"
    unpaid = next(iter(client.invoices(paid=False)))
    detail = client.invoice(unpaid.id)
    method = client.payment_methods()[0].name
    payment = sent(client, requests.create_payment(
        detail.customer.id, invoice_id=unpaid.id, amount_cents=detail.balance_due_cents, method=method, reference="R1",
    ))  # fmt: skip
    assert (payment.amount_cents, payment.invoice_ids, payment.reference) == (
        detail.balance_due_cents,
        (unpaid.id,),
        "R1",
    )
    assert client.invoice(unpaid.id).is_paid


def test_a_refused_write_carries_syncros_words(client):
    result = outcome.send(
        requests.Request("POST", "/tickets", {"subject": "No customer"}, "Ticket", "ticket"), client.send
    )
    assert isinstance(result, outcome.Refused)
    assert result.said == "Customer required field"


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1999, 12, 31), date(2101, 1, 1), date(9999, 12, 31)])
def test_a_sandbox_of_an_absurd_day_is_one_clear_line(day):
    with pytest.raises(ConfigError, match=r"^[^\n]*between 2000 and 2100[^\n]*$"):
        lab.made_up_to(day)


def test_every_ticket_of_the_sandbox_has_its_lines_timers_and_comments(client):
    for row in client.tickets():
        ticket = client.ticket(row.id)
        assert None not in (ticket.lines, ticket.timers, ticket.comments)


def test_a_missing_permission_is_told_from_a_bad_key(tmp_path):
    desk = Desk(tmp_path, Sandbox(switches=Switches(denied=("invoice",))))
    with pytest.raises(Refused, match="may not read /invoices"):
        list(desk.ws.client.invoices())
    desk.close()


# ---------------------------------------------------------------- every record there and back

INSTANTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.isoformat()
)
DECIMALS = st.decimals(-10_000, 10_000, places=2).map(lambda number: f"{number:f}")
VALUES = {
    wire.WHOLE: st.integers(0, 2**53),
    wire.CENTS: st.integers(0, 10**9),
    wire.MONEY: DECIMALS,
    wire.HOURS: DECIMALS,
    wire.TEXT: st.text(max_size=20),
    wire.FLAG: st.booleans(),
    wire.INSTANT: INSTANTS,
    wire.DAY: st.dates().map(lambda day: day.isoformat()),
    wire.TEXTS: st.lists(st.text(max_size=5), max_size=3),
    wire.IDS: st.lists(st.integers(1, 2**40), max_size=3),
    wire.RAW: st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
}


def payloads(record):
    """JSON objects of a record: its needed fields, any of the others, and fields that we do not know."""
    needed, optional = {}, {"a_field_of_2031": st.integers()}
    for one in dataclasses.fields(record):
        kind = one.metadata.get("kind")
        if kind in VALUES:
            place = needed if one.default is dataclasses.MISSING else optional
            place[one.metadata["key"]] = VALUES[kind] if place is needed else st.one_of(st.none(), VALUES[kind])
    return st.fixed_dictionaries(needed, optional=optional)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_a_record_written_and_read_again_is_the_same(record):
    @given(payloads(record))
    def there_and_back(data):
        first = wire.read(record, data)
        assert wire.read(record, wire.write(first)) == first
        assert first.extra.get("a_field_of_2031") == data.get("a_field_of_2031")

    there_and_back()


def test_everything_that_the_sandbox_holds_survives_the_way(client):
    for record in (*client.tickets(), *client.invoices(), client.ticket(client.ticket_by_number(32182).id)):
        assert wire.read(type(record), wire.write(record)) == record


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_a_record_is_frozen_and_keeps_what_it_does_not_know(record):
    assert record.__dataclass_params__.frozen
    assert "extra" in {one.name for one in dataclasses.fields(record)}


def test_every_method_and_every_write_names_its_endpoint():
    public = [one for name, one in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")]
    own = [one for one in public if one.__qualname__.startswith("Client.") and one.__name__ != "send"]
    assert all("GET /" in (one.__doc__ or "") for one in own)
    builders = [
        one for name, one in inspect.getmembers(requests, inspect.isfunction)
        if typing.get_type_hints(one).get("return") is requests.Request
    ]  # fmt: skip
    assert len(builders) > 20
    assert all(
        any(f"{verb} /" in (one.__doc__ or "") for verb in ("POST", "PUT", "PATCH", "DELETE")) for one in builders
    )
