"""Many bills confirmed as one: whatever happens meanwhile, no ticket is billed twice and none is lost from the receipt."""

import contextlib
import json
import threading
from dataclasses import replace
from decimal import Decimal

import pytest
from desk import Desk
from hypothesis import given, settings
from hypothesis import strategies as st

from syncro_nb.errors import InputError, Stopped
from syncro_nb.policy import Policy, Rounding
from syncro_nb.writes import reference
from syncro_nb.writes.batch import Choice, merged, not_confirmed
from syncro_nb.writes.batchreceipt import STATES

THREE = (32080, 32131, 32137)  # resolved, each with one timer that waits: 30, 30 and 60 minutes remote
WRITES = {
    "comment": "POST /tickets/*/comment",
    "charge": "POST /tickets/*/charge_timer_entry",
    "invoice": "POST /invoices",
    "status": "PUT /tickets/*",
}


class Killed(BaseException):
    """The program ends at once, as by a kill: nothing of ours catches it."""


@pytest.fixture
def desk(tmp_path):
    opened = Desk(tmp_path)
    yield opened
    opened.close()


def with_policy(desk, **policy):
    desk.config = replace(desk.config, house=replace(desk.config.house, policy=Policy(**policy)))
    return desk.restart()


def planned(desk, *numbers):
    return desk.ws.batches.plan(Choice(number) for number in numbers or THREE)


def confirmed(desk, *numbers):
    batch = planned(desk, *numbers)
    desk.ws.batches.confirm(batch, batch.confirmation)
    return batch.name


def states(receipt):
    return {row.item.number: row.state for row in receipt.rows}


def invoices(desk, number):
    """The invoices of a ticket in Syncro, in full, whoever made them."""
    client = desk.ws.client
    ticket = client.ticket_by_number(number)
    return [client.invoice(row.id) for row in client.invoices(ticket_id=ticket.id) if row.ticket_id == ticket.id]


def once_each(desk, receipt):
    """What must hold whatever happened: one invoice at most, one line for a timer, everybody in the receipt."""
    for row in receipt.rows:
        found = invoices(desk, row.item.number)
        assert len(found) <= 1, row
        lines = desk.ws.ticket(row.item.number).ticket.lines
        assert len(lines) <= 1, row
        assert row.state in STATES
        if row.state == "done":
            assert (row.is_verified, [one.number for one in found]) == (True, [row.invoice["number"]])
    return True


def test_the_preview_says_what_each_ticket_and_customer_comes_to_and_sends_nothing(desk):
    batch = planned(desk)
    assert batch.tickets()[["number", "entries", "subtotal_cents", "total_cents"]].to_numpy().tolist() == [
        [32080, 1, 7500, 8153], [32131, 1, 7500, 8153], [32137, 1, 15000, 16305],
    ]  # fmt: skip
    assert batch.customers()[["customer", "tickets", "total_cents"]].to_numpy().tolist() == [
        ["Copperkettle Bakehouse", 1, 8153], ["Gantry Yard Optometry", 1, 16305],
        ["Gristle & Thyme Provisions", 1, 8153],
    ]  # fmt: skip
    assert batch.entries()["why"].tolist()[0] == "30 minutes, remote $150.00 = $75.00"
    assert batch.confirmation == "3 326.11"
    assert batch.text()[-1] == "To confirm, type: 3 326.11"
    assert desk.writes() == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("12 1,845.50", ""), ("12 $1845.50", ""), ("  12   1,845.50 ", ""), ("12", "type the number"),
        ("", "type the number"), ("yes", "type the number"), ("12 1,845.5", "type the number"),
        ("11 1,845.50", "not the number of tickets"), ("12 1,845.51", "not the total"), ("12 ,.50", "type the number"),
        ("１２ 1,845.50", "type the number"),
    ],
)  # fmt: skip
def test_it_is_confirmed_by_typing_count_and_total(words, complaint):
    said = not_confirmed(words, 12, 184550)
    assert complaint in said
    assert bool(complaint) is bool(said)


def test_nothing_can_be_confirmed_where_nothing_can_be_billed():
    assert "nothing to bill" in not_confirmed("0 0.00", 0, 0)


def test_wrong_words_write_nothing_and_leave_no_batch(desk):
    batch = planned(desk)
    with pytest.raises(InputError, match=r"nothing was written: .*3 326\.11"):
        desk.ws.batches.confirm(batch, "ok")
    assert desk.ws.batches.receipts() == []
    desk.ws.batches.confirm(batch, "3 326.11")
    with pytest.raises(InputError, match="confirmed already"):
        desk.ws.batches.confirm(batch, "3 326.11")


def test_a_ticket_is_chosen_once_and_a_whole_one_comes_before_its_timers():
    assert merged([Choice(1, (5,)), Choice(2), Choice(1, (6, 5))]) == [Choice(1, (5, 6)), Choice(2)]
    assert merged([Choice(1, (5,)), Choice(1)]) == [Choice(1)]
    with pytest.raises(InputError, match="nothing is chosen"):
        merged([])
    with pytest.raises(InputError, match="at most 500"):
        merged(Choice(number) for number in range(501))


def test_every_ticket_is_billed_read_back_and_in_the_receipt(desk):
    said = []
    name = confirmed(desk)
    receipt = desk.ws.batches.run(name, progress=lambda done, of, text: said.append((done, of)))
    assert set(states(receipt).values()) == {"done"}
    assert once_each(desk, receipt)
    document = receipt.as_json()
    assert document["totals"]["written_cents"] == document["totals"]["verified_cents"] == 32611
    assert document["confirmed"] == {"tickets": 3, "total_cents": 32611, "includes_tax": True}
    assert receipt.frame()["total_cents"].tolist() == [8153, 8153, 16305]
    assert said[0] == (0, 3)
    assert said[-1] == (3, 3)
    before = desk.writes()
    assert states(desk.restart().batches.run(name)) == states(receipt)
    assert desk.writes() == before


def test_the_comment_is_hidden_and_mailed_to_nobody(desk):
    desk.ws.batches.run(confirmed(desk, 32080))
    comment = desk.ws.ticket(32080).last_comments[0]
    assert (comment.hidden, reference.strip(comment.body)) == (True, "Billed: 1 time entry, 0.5 h")


def test_billed_as_lines_each_timer_is_one_line_with_a_reference_of_its_own(desk):
    with_policy(desk, bill_by="lines", rounding={"default": Rounding(60, 60)})
    receipt = desk.ws.batches.run(confirmed(desk, 32182))
    assert states(receipt) == {32182: "done"}
    ticket = desk.ws.ticket(32182).ticket
    assert [(line.quantity, line.price_cents) for line in ticket.lines] == [(1, 15000), (1, 15000)]
    assert len({reference.last_reference(line.description) for line in ticket.lines}) == 2
    assert not any(timer.recorded for timer in ticket.timers)
    assert "already invoiced" in planned(desk, 32182).blocked[0].blockers[0]


def test_the_policys_hours_are_set_before_a_timer_is_charged(desk):
    with_policy(desk, rounding={"default": Rounding(0, 60)})
    receipt = desk.ws.batches.run(confirmed(desk, 32080))
    assert [one["step"] for one in receipt.rows[0].receipt.as_json()["steps"]][:3] == [
        "comment", "timer_setting", "charge",
    ]  # fmt: skip
    assert receipt.rows[0].invoice["subtotal_cents"] == 15000
    assert "30 minutes, rounded up to 60 (increment 60), remote $150.00 = $150.00" in receipt.rows[0].item.reasons[0]


def test_an_agreed_rate_is_set_on_the_line_that_charging_makes(desk):
    with_policy(desk, rates={desk.ws.ticket(32080).ticket.customer_name: {"remote": 14000}})
    receipt = desk.ws.batches.run(confirmed(desk, 32080))
    assert [one["step"] for one in receipt.rows[0].receipt.as_json()["steps"]][:3] == ["comment", "charge", "reprice"]
    assert receipt.rows[0].invoice["subtotal_cents"] == 7000
    assert desk.ws.ticket(32080).ticket.timers[0].recorded


def test_what_only_waits_as_lines_is_invoiced_too(desk):
    body = {"customer_id": desk.ws.ticket(32080).ticket.customer_id, "subject": "Cable", "status": "Resolved"}
    ticket = desk.ask("POST", "/api/v1/tickets", body)["ticket"]
    line = {"name": "Cable", "description": "2 m", "quantity": 1, "price_retail": 10, "taxable": True}
    desk.ask("POST", f"/api/v1/tickets/{ticket['id']}/add_line_item", line)
    receipt = desk.ws.batches.run(confirmed(desk, ticket["number"]))
    assert receipt.rows[0].invoice["total_cents"] == 1087


def test_what_cannot_be_billed_is_shown_left_out_and_in_the_receipt(desk):
    batch = planned(desk, 32080, 32075, 32087, 99)
    assert {item.number: item.blockers[0] for item in batch.blocked} == {
        32075: "the ticket is already invoiced: invoice 10580",
        32087: "nothing to bill: internal work is not billed",
        99: "there is no ticket 99 in this account",
    }
    assert batch.confirmation == "1 81.53"
    desk.ws.batches.confirm(batch, "1 81.53")
    receipt = desk.ws.batches.run(batch.name)
    assert states(receipt) == {32080: "done", 32075: "blocked", 32087: "blocked", 99: "blocked"}
    assert {row["ticket"] for row in receipt.as_json()["tickets"]} == {32080, 32075, 32087, 99}


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_what_is_in_doubt_does_not_stop_the_batch_and_is_waited_for_once(desk, kind):
    desk.fault(WRITES["charge"], kind, times=2)
    name = confirmed(desk)
    before = desk.clock.elapsed
    receipt = desk.ws.batches.run(name)
    assert set(states(receipt).values()) == {"done"}
    assert once_each(desk, receipt)
    assert desk.clock.elapsed - before < 125


def test_an_invoice_that_did_not_arrive_is_asked_about_and_the_others_are_billed(desk):
    desk.fault(WRITES["invoice"], "drop_before")
    receipt = desk.ws.batches.run(confirmed(desk))
    assert states(receipt) == {32080: "asked", 32131: "done", 32137: "done"}
    asked = receipt.rows[0]
    assert "Send it again?" in asked.question
    run = desk.ws.decide(asked.receipt.run.id, "resend", ticket=32080)
    assert run.is_verified
    assert set(states(desk.ws.batches.receipt(receipt.batch.name)).values()) == {"done"}


def test_a_ticket_that_changed_since_the_preview_is_not_billed(desk):
    name = confirmed(desk)
    changed = desk.ws.ticket(32131).ticket
    line = {"name": "Cable", "description": "2 m", "quantity": 1, "price_retail": 10}
    desk.ask("POST", f"/api/v1/tickets/{changed.id}/add_line_item", line)
    talked = desk.ws.ticket(32137).ticket
    desk.ask("POST", f"/api/v1/tickets/{talked.id}/comment", {"subject": "Re", "body": "Thank you"})
    receipt = desk.ws.batches.run(name)
    assert states(receipt) == {32080: "done", 32131: "changed", 32137: "done"}
    assert "line item" in receipt.rows[1].question
    assert invoices(desk, 32131) == []


def test_a_price_that_changed_overnight_is_not_what_was_confirmed(desk):
    name = confirmed(desk)
    desk.ask("PUT", "/api/v1/products/1190473", {"price_retail": 160})
    receipt = desk.restart().batches.run(name)
    assert set(states(receipt).values()) == {"changed"}
    assert "the subtotal was $75.00 and is $80.00" in receipt.rows[0].question
    assert desk.posts("comment") == []


def block_customer(desk, hours, *minutes):
    """A new customer who has bought so many hours, and a resolved ticket for each of those minutes; the tickets' numbers."""
    customer = desk.ask("POST", "/api/v1/customers", {"business_name": "Blockwell Press", "email": "a@example.com"})
    customer = customer.get("customer", customer)["id"]
    hours_sold = next(row for row in desk.ws.client.products() if "Prepay" in row.category)
    invoice = desk.ask("POST", "/api/v1/invoices", {"customer_id": customer})["invoice"]["id"]
    desk.ask("POST", f"/api/v1/invoices/{invoice}/line_items", {"product_id": hours_sold.id, "quantity": hours})
    numbers = []
    for length in minutes:
        body = {"customer_id": customer, "subject": f"{length} minutes", "status": "Resolved"}
        ticket = desk.ask("POST", "/api/v1/tickets", body)["ticket"]
        timer = {"start_at": "2026-03-30T17:00:00Z", "duration_minutes": length, "product_id": 1190473, "notes": "Work"}
        desk.ask("POST", f"/api/v1/tickets/{ticket['id']}/timer_entry", timer)
        numbers.append(ticket["number"])
    return customer, numbers


def test_prepaid_hours_are_counted_down_from_ticket_to_ticket(desk):
    customer, numbers = block_customer(desk, "2.0", 60, 90, 30)
    batch = planned(desk, *numbers)
    assert [plan.expected.prepaid_hours for plan in batch.plans] == [Decimal(1), Decimal("1.5"), 0]
    assert [plan.expected.subtotal_cents for plan in batch.plans] == [0, 0, 7500]
    desk.ws.batches.confirm(batch, batch.confirmation)
    receipt = desk.ws.batches.run(batch.name)
    assert set(states(receipt).values()) == {"done"}
    assert desk.ws.client.customer(customer).prepaid_hours == Decimal("-0.5")


def test_a_block_in_doubt_is_settled_before_more_is_drawn_from_it(desk):
    _, numbers = block_customer(desk, "2.0", 60, 90, 30)
    name = confirmed(desk, *numbers)
    desk.fault(WRITES["invoice"], "drop_after")
    receipt = desk.ws.batches.run(name)
    assert set(states(receipt).values()) == {"done"}
    name = confirmed(desk, *THREE)
    assert desk.ws.batches.run(name).is_finished


def test_others_of_a_block_customer_wait_while_a_person_is_asked(desk):
    _, numbers = block_customer(desk, "2.0", 60, 90)
    name = confirmed(desk, *numbers, 32080)
    desk.fault(WRITES["invoice"], "drop_before")
    receipt = desk.ws.batches.run(name)
    assert list(states(receipt).values()) == ["asked", "not begun", "done"]
    assert "not settled" in receipt.rows[1].question
    desk.ws.decide(receipt.rows[0].receipt.run.id, "resend", ticket=numbers[0])
    assert set(states(desk.ws.batches.run(name)).values()) == {"done"}


def test_a_syncro_that_is_down_ends_the_batch_and_it_goes_on_later(desk):
    name = confirmed(desk)
    desk.fault("GET /tickets/*", "status", status=503, times=12)  # three tickets, four tries each
    receipt = desk.ws.batches.run(name)
    assert set(states(receipt).values()) == {"not begun"}
    assert "503" in receipt.stopped
    assert desk.writes() == []
    assert set(states(desk.ws.batches.run(name)).values()) == {"done"}


def test_a_key_that_may_not_write_ends_the_batch_after_three_tickets(desk):
    name = confirmed(desk, *THREE, 31947)
    desk.fault(WRITES["comment"], "status", status=422, times=None)
    receipt = desk.ws.batches.run(name)
    assert set(states(receipt).values()) == {"not begun"}
    assert "Syncro refused it (422)" in receipt.stopped
    assert len(desk.posts("comment")) == 3


def test_ctrl_c_ends_the_batch_and_not_only_the_ticket(desk):
    name = confirmed(desk)

    def act(number, method):
        if method != "GET":
            raise KeyboardInterrupt

    stop = watch(desk, act)
    receipt = desk.restart().batches.run(name)
    stop()
    assert list(states(receipt).values()) == ["parked", "not begun", "not begun"]
    assert desk.writes() == []
    assert set(states(desk.restart().batches.run(name)).values()) == {"done"}


def test_a_bill_of_a_batch_costs_few_requests(desk):
    def asked():
        return len(desk.ask("GET", "/_sandbox/log"))

    before = asked()
    name = confirmed(desk)
    planning, before = asked() - before, asked()
    desk.ws.batches.run(name)
    assert asked() - before <= 10 * len(THREE)  # a charge is read back once more than a line
    assert planning <= 6 * len(THREE)


def without_hours(desk):
    """Syncro does not say when the shop is open."""
    real = desk.sandbox.handle

    def handle(method, target, headers, body):
        answer = real(method, target, headers, body)
        if target.split("?")[0].endswith("/api/v1/settings"):
            settings = json.loads(answer.body)
            settings.pop("business_hours")
            answer = replace(answer, body=json.dumps(settings).encode())
        return answer

    desk.sandbox.handle = handle
    return desk.restart()


def test_after_hours_work_is_told_by_the_accounts_own_business_hours(desk):
    body = {"customer_id": desk.ws.ticket(32080).ticket.customer_id, "subject": "At night", "status": "Resolved"}
    ticket = desk.ask("POST", "/api/v1/tickets", body)["ticket"]
    timer = {"start_at": "2026-03-31T06:00:00Z", "duration_minutes": 60, "product_id": 1190473, "notes": "At night"}
    made = desk.ask("POST", f"/api/v1/tickets/{ticket['id']}/timer_entry", timer)  # 23:00 in the account's zone
    desk.ask("PATCH", f"/api/v1/ticket_timers/{made['id']}", {"billable": True})
    batch = planned(desk, ticket["number"])
    assert "60 after hours × 1.5" in batch.items[0].charge.entries[0].why
    assert batch.plans[0].expected.subtotal_cents == 22500
    assert batch.notes == ()
    desk.ws.batches.confirm(batch, batch.confirmation)
    assert desk.ws.batches.run(batch.name).rows[0].invoice["subtotal_cents"] == 22500


def test_where_syncro_names_no_hours_nothing_is_billed_as_after_hours_and_that_is_said(desk):
    without_hours(desk)
    (note,) = planned(desk).notes
    assert "after-hours work is not worked out: the policy wants × 1.5" in note
    assert f"Note: {note}" in planned(desk).text()
    with_policy(desk, after_hours_multiplier=Decimal(1))
    assert planned(desk).notes == ()


def test_a_timer_that_is_rightly_left_out_is_no_warning_and_one_that_was_not_chosen_is(desk):
    ticket = desk.ws.ticket(32182).ticket
    first, second = (timer.id for timer in ticket.timers)
    (item,) = desk.ws.batches.plan([Choice(32182, (first,))]).items
    assert any(f"timer {second}" in one and "stays uncharged" in one for one in item.warnings)
    body = {"timer_entry_id": second, "product_id": 9269124}
    desk.ask("PUT", f"/api/v1/tickets/{ticket.id}/update_timer_entry", body)
    (item,) = planned(desk, 32182).items
    assert [entry.how for entry in item.charge.entries] == ["timer", "left out"]
    assert not any("stays uncharged" in one for one in item.warnings)


def test_a_run_that_another_program_is_at_is_left_to_it_and_nobody_waits_for_it(desk):
    desk.fault(WRITES["charge"], "drop_before")
    name, event = confirmed(desk), threading.Event()
    stop_waiting = lambda *said: event.set() if "looking again" in said[2] else None  # noqa: E731
    parked = desk.ws.batches.run(name, progress=stop_waiting, cancel=event)
    assert states(parked) == {32080: "parked", 32131: "done", 32137: "done"}
    before, other = desk.clock.elapsed, desk.restart()
    with desk.opened[0].journal.alone(parked.rows[0].receipt.run.id):
        assert states(other.batches.run(name)) == states(parked)
    assert desk.clock.elapsed == before
    assert set(states(other.batches.run(name)).values()) == {"done"}
    assert once_each(desk, other.batches.receipt(name))


def test_what_was_not_begun_can_be_given_up_and_what_was_begun_stays(desk):
    name, event = confirmed(desk), threading.Event()
    desk.fault(WRITES["invoice"], "drop_before")
    receipt = desk.ws.batches.run(name, progress=lambda done, *_: event.set() if done else None, cancel=event)
    assert receipt.count("not begun") >= 1
    receipt = desk.ws.batches.give_up(name)
    assert receipt.count("not begun") == 0
    assert set(states(receipt).values()) <= {"asked", "parked", "done", "given up"}
    written = desk.writes()
    assert states(desk.restart().batches.run(name))[32137] == "given up"
    assert [one for one in desk.writes()[len(written) :] if "32137" in str(one)] == []


def test_threads_share_the_journal_and_the_book_of_batches(desk):
    name, failed = confirmed(desk), []

    def read():
        try:
            for _ in range(60):
                desk.ws.batches.receipt(name)
                desk.ws.journal.is_whole()
                desk.ws._batch_book.note(name, 32137, "waits", "for another")
        except BaseException as error:
            failed.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for one in readers:
        one.start()
    receipt = desk.ws.batches.run(name)
    for one in readers:
        one.join()
    assert failed == []
    assert set(states(receipt).values()) == {"done"}
    assert desk.ws.journal.is_whole()


# ---------------------------------------------------------------- cut off, cancelled, two at once


def watch(desk, act):
    """Call `act(number of the request, method)` before each request that the sandbox gets; gives a way to stop."""
    real, count = desk.sandbox.handle, iter(range(10**6))

    def watching(method, target, headers, body):
        act(next(count), method)
        return real(method, target, headers, body)

    desk.sandbox.handle = watching
    return lambda: setattr(desk.sandbox, "handle", real)


@pytest.mark.parametrize("place", range(0, 36, 3))
def test_a_batch_that_was_killed_anywhere_goes_on_in_another_process(tmp_path, place):
    desk = Desk(tmp_path)
    name = confirmed(desk)
    stop = watch(desk, lambda number, method: (_ for _ in ()).throw(Killed()) if number == place else None)
    desk.restart()
    with pytest.raises(Killed):
        desk.ws.batches.run(name)
    stop()
    receipt = desk.restart().batches.run(name)
    assert set(states(receipt).values()) <= {"done", "asked"}
    assert all("Send it again?" in row.question for row in receipt.rows if row.state == "asked")  # an invoice under way
    assert receipt.count("asked") <= 1
    assert once_each(desk, receipt)
    desk.close()


@pytest.mark.parametrize("place", range(0, 36, 4))
def test_cancel_stops_before_the_next_write_and_what_was_begun_is_finished_later(tmp_path, place):
    desk, event, writes = Desk(tmp_path), threading.Event(), []
    name = confirmed(desk)

    def act(number, method):
        if event.is_set() and method != "GET":
            writes.append(number)
        if number == place:
            event.set()

    stop = watch(desk, act)
    desk.restart()
    receipt = desk.ws.batches.run(name, cancel=event)
    assert writes == []
    assert "cancelled" in receipt.stopped
    assert not receipt.is_finished
    stop()
    assert set(states(desk.ws.batches.run(name)).values()) == {"done"}
    assert once_each(desk, desk.ws.batches.receipt(name))
    desk.close()


def test_planning_can_be_cancelled(desk):
    event = threading.Event()
    with pytest.raises(Stopped):
        desk.ws.batches.plan([Choice(32080), Choice(32131)], progress=lambda *_: event.set(), cancel=event)


@pytest.mark.parametrize("place", range(0, 40, 3))
def test_two_programs_at_one_batch_bill_each_ticket_once(tmp_path, place):
    desk = Desk(tmp_path)
    name, others = confirmed(desk), []

    def act(number, method):
        if number == place and not others:
            first = desk.ws
            others.append(None)
            others[0] = desk.restart().batches.run(name)
            desk.ws = first

    desk.restart()
    stop = watch(desk, act)
    desk.restart()
    receipt = desk.ws.batches.run(name)
    stop()
    assert once_each(desk, receipt)
    last = desk.restart().batches.run(name)
    assert set(states(last).values()) == {"done"}
    assert once_each(desk, last)
    desk.close()


def test_a_ticket_in_two_batches_is_billed_by_the_first_alone(desk):
    first, second = confirmed(desk), confirmed(desk, 32080, 31947)
    desk.ws.batches.run(first)
    receipt = desk.ws.batches.run(second)
    assert states(receipt) == {32080: "changed", 31947: "done"}
    assert receipt.rows[0].question.endswith("its status is Invoiced")
    assert once_each(desk, receipt)


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(WRITES.values())),
            st.sampled_from(["drop_before", "drop_after", "status_after", "truncate", "garbage", "late_commit"]),
            st.integers(0, 3),
        ),
        max_size=4,
    ),
    st.lists(st.integers(0, 45), max_size=2),
)
def test_whatever_goes_wrong_every_ticket_ends_done_or_is_asked_about(tmp_path_factory, faults, kills):
    desk = Desk(tmp_path_factory.mktemp("batch"))
    name = confirmed(desk)
    for match, kind, skip in faults:
        desk.fault(match, kind, skip=skip, seconds=60)
    for place in kills:
        stop = watch(desk, lambda number, method, at=place: (_ for _ in ()).throw(Killed()) if number == at else None)
        desk.restart()
        with contextlib.suppress(Killed):
            desk.ws.batches.run(name)
        stop()
    for _ in range(3):
        receipt = desk.restart().batches.run(name)
    assert once_each(desk, receipt)
    assert set(states(receipt).values()) <= {"done", "asked", "parked"}
    asked = [row for row in receipt.rows if row.state == "asked"]
    assert len(asked) <= len(faults) + len(kills)  # a kill on the way leaves what customers see to a person
    desk.close()
