"""The same change on several tickets: one preview, one confirmation by their count, a result for each."""

import pytest
from attacks import ATTACK, is_text, shown_by
from desk import Desk

from syncro_nb.errors import InputError, Refused, Unreachable
from syncro_nb.forms import bulk_form
from syncro_nb.writes.bulk import MOST, BulkDraft, carry_out, numbers_of, plan_bulk

MISSING = 99999


@pytest.fixture
def desk(tmp_path):
    opened = Desk(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def numbers(desk):
    """Four open tickets that are not scheduled."""
    return [row.number for row in desk.ws.open_ticket_records() if row.status != "Scheduled"][:4]


def statuses(desk, numbers):
    return [desk.ws.ticket(number).ticket.status for number in numbers]


def states(receipt):
    return [(row.number, row.state) for row in receipt.rows]


def test_all_of_them_are_changed_and_each_has_its_own_run(desk, numbers):
    bulk = desk.ws.bulk(numbers, status="scheduled", priority="low")
    assert len(bulk.plans) == 4
    assert desk.writes() == []
    receipt = desk.ws.apply_bulk(bulk, confirm=4)
    assert states(receipt) == [(number, "changed") for number in numbers]
    assert receipt.is_verified
    assert receipt.exit_status == 0
    assert "4 changed, read back and verified" in receipt.message
    assert statuses(desk, numbers) == ["Scheduled"] * 4
    assert len({row.run for row in receipt.rows}) == 4
    assert [one.run.state for one in desk.ws.receipts()] == ["done"] * 4


@pytest.mark.parametrize("word", [None, "", "3", "5", True, "32164"])
def test_only_the_count_confirms_it(desk, numbers, word):
    bulk = desk.ws.bulk(numbers, status="Scheduled")
    with pytest.raises(InputError, match="the number of tickets, 4"):
        desk.ws.apply_bulk(bulk, confirm=word)
    assert desk.writes() == []


def test_what_cannot_be_changed_is_left_out_with_its_reason_and_not_counted(desk, numbers):
    first = desk.ws.plan(BulkDraft((numbers[0],), status="Scheduled").drafts[0])
    desk.ws.apply(first, confirm=first.confirmation)
    bulk = desk.ws.bulk([*numbers, MISSING, numbers[1]], status="Scheduled")
    assert bulk.confirmation == "3"
    left = {one.number: one.why_not for one in bulk.items if not one.stands}
    assert "like this already" in left[numbers[0]]
    assert "no ticket 99999" in left[MISSING]
    assert len(bulk.items) == 5  # named twice is once
    receipt = desk.ws.apply_bulk(bulk, confirm="3")
    assert [state for _, state in states(receipt)] == ["left out", "changed", "changed", "changed", "left out"]


def test_one_that_somebody_changed_meanwhile_stops_no_other(desk, numbers):
    bulk = desk.ws.bulk(numbers, status="Scheduled")
    ticket = desk.ws.ticket(numbers[1]).ticket
    desk.ask("PUT", f"/api/v1/tickets/{ticket.id}", {"status": "Waiting on Customer"})
    receipt = desk.ws.apply_bulk(bulk, confirm=4)
    assert [state for _, state in states(receipt)] == ["changed", "not changed", "changed", "changed"]
    assert "has changed since the preview" in receipt.rows[1].said
    assert not receipt.is_verified
    assert receipt.exit_status == 2
    assert statuses(desk, numbers)[1] == "Waiting on Customer"


def test_one_that_is_in_doubt_stops_no_other_and_waits_in_the_journal(desk, numbers):
    bulk = desk.ws.bulk(numbers, status="Scheduled")
    desk.fault("PUT /tickets/*", "drop_after", skip=1)
    receipt = desk.ws.apply_bulk(bulk, confirm=4)
    assert [state for _, state in states(receipt)] == ["changed", "stopped", "changed", "changed"]
    assert receipt.rows[1].run in receipt.message
    assert receipt.exit_status == 5
    assert desk.ws.resume(receipt.rows[1].run).is_verified
    assert len(desk.writes()) == 4


def test_one_that_syncro_refuses_stops_no_other(desk, numbers):
    bulk = desk.ws.bulk(numbers, status="Scheduled")
    desk.fault("PUT /tickets/*", "status", status=422)
    receipt = desk.ws.apply_bulk(bulk, confirm=4)
    assert [state for _, state in states(receipt)] == ["not changed", "changed", "changed", "changed"]
    assert receipt.exit_status == 3


def test_when_syncro_is_gone_the_rest_is_not_begun(desk, numbers):
    bulk = desk.ws.bulk(numbers, status="Scheduled")
    calls = []

    def gone(plan):
        calls.append(plan.ticket_number)
        raise Unreachable("Syncro does not answer")

    receipt = carry_out(bulk, gone)
    assert calls == numbers[:3]
    assert [state for _, state in states(receipt)] == ["not changed"] * 3 + ["not begun"]


def test_ctrl_c_ends_it_and_says_of_each_what_became_of_it(desk, numbers):
    bulk = desk.ws.bulk(numbers, status="Scheduled")
    told = []

    def apply(plan):
        if plan.ticket_number == numbers[2]:
            raise KeyboardInterrupt
        return desk.ws.apply(plan, confirm=plan.confirmation)

    receipt = carry_out(bulk, apply, lambda through, total, text: told.append((through, total)))
    assert [state for _, state in states(receipt)] == ["changed", "changed", "not begun", "not begun"]
    assert receipt.exit_status == 130
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4)]


def test_when_no_ticket_can_be_read_that_is_said_as_it_is():
    def refused(draft):
        raise Refused("no permission", status=401, said="no permission")

    with pytest.raises(Refused):
        plan_bulk(BulkDraft((1, 2, 3, 4), status="New"), refused)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([], {"status": "Scheduled"}), "which tickets"),
        (([32164], {}), "what is to change"),
        (([-1], {"status": "Scheduled"}), "whole number"),
        ((range(1, MOST + 2), {"status": "Scheduled"}), f"at most {MOST}"),
        (([32164], {"status": "Schedulled"}), "did you mean Scheduled"),
        (([32164], {"status": "Wating"}), "did you mean Waiting on"),
        (([32164], {"technician": "Zoe"}), "no technician"),
        ((["x"], {"status": "Scheduled"}), "list of ticket numbers"),
        ((None, {"status": "Scheduled"}), "list of ticket numbers"),
    ],
)
def test_what_makes_no_sense_is_said_before_any_ticket_is_read(desk, arguments, words):
    tickets, values = arguments
    with pytest.raises(InputError, match=words):
        desk.ws.bulk(tickets, **values)
    assert not any(row["path"].startswith("/api/v1/tickets/1") for row in desk.ask("GET", "/_sandbox/log"))


def test_tickets_come_from_a_table_too(desk):
    frame = desk.ws.open_tickets()
    assert numbers_of(frame.head(3)) == tuple(frame["number"].head(3))
    with pytest.raises(InputError, match="no column"):
        numbers_of(frame[["status"]])


# ---------------------------------------------------------------- the form


def test_the_form_changes_the_selected_tickets_after_their_count_is_typed(desk, numbers):
    form = bulk_form(desk.ws, numbers)
    assert form.draft.ticket_numbers == tuple(numbers)
    form.inputs["status"].value = "Scheduled"
    form.look()
    assert all(f"#{number}" in form.shown.value for number in numbers)
    assert "on 4 ticket(s)" in form.asked.value
    for wrong in ("", "3", "yes"):
        form.word.value = wrong
        assert form.submit_button.disabled
    form.word.value = "4"
    form.submit_button.click()
    assert form.receipt.is_verified
    assert statuses(desk, numbers) == ["Scheduled"] * 4
    assert form.shown.value.count("changed") >= 4
    written = desk.writes()
    form.submit_button.click()
    assert desk.writes() == written


def test_a_ticket_more_takes_the_confirmation_away(desk, numbers):
    form = bulk_form(desk.ws, status="Scheduled")
    form.inputs["ticket_numbers"].value = tuple(numbers[:2])
    form.look()
    form.word.value = "2"
    form.inputs["ticket_numbers"].value = tuple(numbers[:3])
    assert form.submit_button.disabled
    with pytest.raises(InputError, match="Tickets changed since the preview"):
        form.submit()
    assert desk.writes() == []


def test_what_is_left_out_stands_in_the_preview_and_nothing_to_do_blocks(desk):
    form = bulk_form(desk.ws, [MISSING], status="Scheduled")
    form.preview_button.click()
    assert "none of the 1 ticket(s) can be changed" in form.status.value
    assert "no ticket 99999" in form.shown.value
    assert form.typing.layout.display == "none"


def test_hostile_subjects_stay_text(desk, numbers):
    for number in numbers[:2]:
        ticket = desk.ws.ticket(number).ticket
        desk.ask("PUT", f"/api/v1/tickets/{ticket.id}", {"subject": ATTACK})
    form = bulk_form(desk.ws, numbers[:2], status="Scheduled")
    plan = form.look()
    assert is_text(shown_by(form.box))
    form.word.value = plan.confirmation
    form.submit()
    assert is_text(shown_by(form.box))
    assert form.receipt.is_verified
