"""The billing form, driven as a person would: set values, look, confirm, submit."""

import pytest
from desk import Desk

from syncro_nb.errors import InputError
from syncro_nb.forms import bill_form, markup

ATTACK = "<img src=x onerror=alert(1)>\"'</td><script>alert(2)</script>\u202egnp"


@pytest.fixture
def desk(tmp_path):
    opened = Desk(tmp_path)
    yield opened
    opened.close()


def filled(desk, **values):
    form = bill_form(desk.ws, ticket=32164)
    for name, value in {"minutes": "30", "labour": "remote", "text": "Cleared the queue", **values}.items():
        form.inputs[name].value = value
    return form


def confirmed(desk, **values):
    form = filled(desk, **values)
    form.look()
    form.confirm.value = True
    return form


def test_an_empty_form_says_what_it_needs_and_assumes_nothing(desk):
    form = bill_form(desk.ws)
    assert set(form.problems) == {"ticket_number", "minutes", "labour", "text"}
    assert "how many minutes?" in repr(form)
    form.preview_button.click()
    assert "how many minutes?" in form.status.value
    assert form.plan is None


def test_the_ticket_stands_beside_the_form(desk):
    form = bill_form(desk.ws, ticket=32164)
    assert "In Progress" in form.side.value
    form.inputs["ticket_number"].value = "99999"
    assert "there is no ticket 99999" in form.side.value


def test_a_ticket_may_be_chosen_from_the_open_ones(desk):
    form = bill_form(desk.ws)
    choice = next(option for option in form.inputs["ticket_number"].options if option.startswith("32164"))
    form.inputs["ticket_number"].value = choice
    assert form.draft.ticket_number == 32164
    assert "#32164" in form.side.value


def test_preview_confirm_submit_bills_once_to_the_cent(desk):
    form = confirmed(desk)
    assert "$81.53" in form.confirm.description
    assert not form.submit_button.disabled
    form.submit_button.click()
    assert form.receipt.is_verified
    assert "$81.53" in form.status.value
    assert "read back and verified" in repr(form)
    form.submit_button.click()
    assert "look at the preview first" in form.status.value
    assert len(desk.posts("comment")) == 1


def test_ticket_after_ticket_the_next_one_begins_empty(desk):
    form = confirmed(desk)
    form.submit()
    form.inputs["ticket_number"].value = "32185"
    assert (form.inputs["minutes"].value, form.inputs["labour"].value, form.inputs["text"].value) == ("", "", "")
    assert form.receipt is None
    assert "#32185" in form.side.value


@pytest.mark.parametrize(
    ("name", "value"),
    [("minutes", "45"), ("labour", "onsite"), ("text", "Other"), ("subject", "S"), ("hidden", True), ("email", False)],
)
def test_any_change_takes_the_confirmation_away(desk, name, value):
    form = confirmed(desk)
    form.inputs[name].value = value
    assert not form.confirm.value
    assert form.submit_button.disabled
    with pytest.raises(InputError, match="preview"):
        form.submit()
    form.submit_button.click()  # a program's click ignores `disabled`
    assert desk.writes() == []


def test_without_confirmation_nothing_is_written(desk):
    form = filled(desk)
    form.look()
    with pytest.raises(InputError, match="confirm"):
        form.submit()
    assert desk.writes() == []


def test_a_blocker_cannot_be_confirmed(desk):
    desk.bill()
    form = filled(desk)
    form.preview_button.click()
    assert "already invoiced" in form.status.value
    assert form.confirm.disabled


@pytest.mark.parametrize("minutes", ["0", "-5", "1441", "abc", "1.5", ""])
def test_minutes_that_make_no_sense_are_said_in_the_form(desk, minutes):
    form = filled(desk, minutes=minutes)
    form.preview_button.click()
    assert "minutes" in form.status.value
    assert form.plan is None


def test_a_timer_that_waits_is_offered_and_charged(desk):
    ticket = desk.ticket().ticket
    body = {"start_at": "2026-03-30T17:00:00Z", "duration_minutes": 45, "product_id": 1190473, "notes": "On the phone"}
    timer = desk.ask("POST", f"/api/v1/tickets/{ticket.id}/timer_entry", body)
    desk.ask("PATCH", f"/api/v1/ticket_timers/{timer['id']}", {"billable": True})
    form = confirmed(desk, minutes="", labour="", timer_ids=(timer["id"],))
    assert form.submit().invoice["subtotal_cents"] == 11250


def test_a_write_in_doubt_is_said_in_the_form(desk):
    desk.fault("POST /tickets/*/add_line_item", "drop_after")
    form = confirmed(desk)
    form.submit_button.click()
    assert "in doubt" in form.status.value
    assert "syncro runs resume" in form.status.value


def test_a_fault_of_ours_is_shown_and_raised(desk, monkeypatch):
    form = filled(desk)
    monkeypatch.setattr(form.screen, "plan", lambda draft: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        form._guarded(lambda _: form.look())(None)
    assert "ZeroDivisionError" in form.status.value


def test_text_from_syncro_is_shown_as_text(desk):
    ticket = desk.ticket().ticket
    desk.ask("PUT", f"/api/v1/tickets/{ticket.id}", {"subject": ATTACK})
    desk.ask("POST", f"/api/v1/tickets/{ticket.id}/comment", {"subject": ATTACK, "body": ATTACK})
    form = filled(desk, text="<b>bold</b>")
    form.look()
    for place in (form.side, form.shown, form.status):
        assert "<img" not in place.value
        assert "<script" not in place.value
        assert "<b>" not in place.value
        assert "\u202e" not in place.value
    assert "&lt;img" in form.side.value


def test_markup_escapes_wherever_it_is_given_text():
    pieces = [
        markup.text(ATTACK), markup.heading(ATTACK), markup.facts([(ATTACK, ATTACK)]), markup.table([ATTACK], [[ATTACK]]),
        markup.link(ATTACK, "https://x/" + ATTACK),
    ]  # fmt: skip
    for piece in pieces:
        assert "<img" not in piece
        assert "<script" not in piece
        assert 'onerror=alert(1)>"' not in piece
