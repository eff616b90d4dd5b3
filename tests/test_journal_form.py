"""The journal on the screen: what asks stands first, one run with its evidence, and the ways on."""

import pytest
from attacks import ATTACK, is_text, shown_by
from desk import Desk

from syncro_nb import practice
from syncro_nb.errors import ConfigError, InputError
from syncro_nb.forms import journal_form
from syncro_nb.forms.journal import run_list
from syncro_nb.writes.bill import BillDraft
from syncro_nb.writes.customer import CustomerDraft
from syncro_nb.writes.ticket import CommentDraft

NUMBER = 32164


@pytest.fixture
def desk(tmp_path):
    opened = Desk(tmp_path)
    yield opened
    opened.close()


def write(desk, draft):
    plan = desk.ws.plan(draft)
    return desk.ws.apply(plan, confirm=plan.confirmation).run.id


def three_runs(desk):
    """One that asks, one in doubt, one that is done; confirmed in this order."""
    desk.fault("POST /tickets/*/comment", "drop_before")
    asks = write(desk, CommentDraft(NUMBER, "Rang the office"))
    desk.ws.resume(asks)
    desk.fault("POST /tickets/*/add_line_item", "drop_after")
    in_doubt = write(desk, BillDraft(32182, 30, "remote", "Docked"))
    done = write(desk, CommentDraft(32185, "Noted", hidden=True))
    return asks, in_doubt, done


def test_an_empty_journal_says_so_and_asks_syncro_for_nothing(desk):
    form = journal_form(desk.ws)
    assert "0 run(s), 0 to decide, 0 to resume" in repr(form)
    assert "Nothing was ever written" in shown_by(form.box)
    assert desk.ask("GET", "/_sandbox/log") == []


def test_what_waits_for_a_person_stands_first(desk):
    asks, in_doubt, done = three_runs(desk)
    rows = run_list(desk.ws)
    assert list(rows["run"]) == [asks, in_doubt, done]
    assert list(rows["next"]) == ["decide", "resume", ""]
    assert "Send it again?" in rows["what_happened"][0]
    assert "may or may not have landed" in rows["what_happened"][1]
    assert "read back and verified" in rows["what_happened"][2]
    assert rows["last_moved_at"].notna().all()
    assert "3 run(s), 1 to decide, 1 to resume" in repr(journal_form(desk.ws))


def test_a_row_that_is_clicked_shows_its_steps_and_evidence(desk):
    asks, _, done = three_runs(desk)
    form = journal_form(desk.ws)
    form.table.selected = [0]
    assert form.receipt.run.id == asks
    assert "looked twice at" in form.ask.head.value
    assert "What is on record" in form.detail.value
    assert form.ask.box.layout.display == ""
    form.table.selected = [2]
    assert form.receipt.run.id == done
    assert form.ask.box.layout.display == "none"


def test_a_run_in_doubt_is_finished_by_its_button(desk):
    _, in_doubt, _ = three_runs(desk)
    form = journal_form(desk.ws, in_doubt)
    form.ask.again.click()
    assert form.receipt.is_verified
    assert "read back and verified" in form.status.value
    assert form.ask.box.layout.display == "none"
    assert list(form.table.frame["next"]) == ["decide", "", ""]
    assert len(desk.posts("add_line_item")) == 1
    form.ask.again.click()  # the second of a double click
    assert len(desk.posts("add_line_item")) == 1


def test_a_decision_needs_the_number_of_the_ticket(desk):
    asks, _, _ = three_runs(desk)
    form = journal_form(desk.ws, asks)
    sent = len(desk.posts("comment"))
    form.ask.resend.click()
    assert "type the ticket number" in form.status.value
    form.ask.ticket.value = "32182"
    form.ask.resend.click()
    assert "another ticket" in form.status.value
    assert len(desk.posts("comment")) == sent
    form.ask.ticket.value = str(NUMBER)
    form.ask.resend.click()
    assert form.receipt.is_verified
    assert len(desk.posts("comment")) == sent + 1


def test_a_look_that_finds_nothing_new_says_when_it_looked(desk):
    desk.fault("POST /tickets/*/add_line_item", "alter_fields", fields={"quantity": 5})
    run = write(desk, BillDraft(NUMBER, 30, "remote", "Cleared the queue"))
    form = journal_form(desk.ws, run)
    assert form.receipt.next == "decide"
    form.ask.again.click()
    assert "Looked in Syncro at" in form.status.value
    assert form.receipt.next == "decide"


def test_a_run_without_a_ticket_is_abandoned_by_the_number_that_the_form_names(desk):
    desk.fault("POST /customers", "alter_fields", fields={"business_name": "Quill"})
    run = write(desk, CustomerDraft(business_name="Quillfeather Books"))
    form = journal_form(desk.ws, run)
    assert form.ask.ticket.description == "Number 0"
    form.ask.ticket.value = "0"
    form.ask.abandon.click()
    assert "abandoned" in form.status.value


def test_what_another_terminal_did_is_seen_when_the_journal_is_read_again(desk):
    _, in_doubt, _ = three_runs(desk)
    form = journal_form(desk.ws, in_doubt)
    desk.ws.resume(in_doubt)
    form.again.click()
    assert form.receipt.run.state == "done"
    assert form.ask.box.layout.display == "none"


def test_a_run_that_there_is_not_is_said(desk):
    with pytest.raises(InputError, match="there is no run"):
        journal_form(desk.ws, "R9999999")


def test_hostile_text_stays_text(desk):
    ticket = desk.ticket().ticket
    desk.ask("PUT", f"/api/v1/tickets/{ticket.id}", {"subject": ATTACK})
    desk.fault("POST /tickets/*/comment", "alter_fields", fields={"subject": ATTACK})
    run = write(desk, CommentDraft(NUMBER, "<img src=x>", subject="<script>alert(3)</script>"))
    form = journal_form(desk.ws, run)
    assert "&lt;img" in form.detail.value
    assert is_text(shown_by(form.box))
    assert "<script" not in str(form.table.widget._dt_args)


# ---------------------------------------------------------------- faults on purpose, for a rehearsal


def test_a_rehearsal_may_have_a_fault_and_a_wrong_one_is_said():
    with practice(faults=[{"match": "POST /tickets/*/comment", "kind": "drop_after"}]) as ws:
        plan = ws.plan(CommentDraft(NUMBER, "Noted", hidden=True))
        receipt = ws.apply(plan, confirm=NUMBER)
        assert receipt.next == "resume"
        assert ws.resume(receipt.run.id).is_verified
    with pytest.raises(ConfigError, match="kind is one of"):
        practice(faults=[{"match": "POST /invoices", "kind": "melt"}])
