"""The billing form, driven as a person would: set values, look, confirm, submit."""

import html
from dataclasses import replace

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
    shown = form.status.value, form.shown.value
    form.submit_button.click()  # the second of a double click
    assert (form.status.value, form.shown.value) == shown
    assert form.submit() is form.receipt
    form.inputs["minutes"].value = "45"
    assert (form.status.value, form.shown.value) == shown
    with pytest.raises(InputError, match="look at the preview first"):
        form.submit()
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
    changed = f"{form.inputs[name].description} changed since the preview"
    assert changed in form.status.value
    assert form.shown.value == ""
    with pytest.raises(InputError, match=changed):
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
    assert "already invoiced" not in form.shown.value
    assert "What the invoice would say" in form.shown.value
    assert "What will be sent" not in form.shown.value
    assert form.confirm.disabled
    form.confirm.value = True
    with pytest.raises(InputError, match="already invoiced"):
        form.submit()


@pytest.mark.parametrize("minutes", ["0", "-5", "1441", "abc", "1.5", ""])
def test_minutes_that_make_no_sense_are_said_in_the_form(desk, minutes):
    form = filled(desk, minutes=minutes)
    form.preview_button.click()
    assert "minutes" in form.status.value
    assert form.plan is None


def timer_on(desk, minutes=45, notes="On the phone"):
    ticket = desk.ticket().ticket
    body = {"start_at": "2026-03-30T17:00:00Z", "duration_minutes": minutes, "product_id": 1190473, "notes": notes}
    timer = desk.ask("POST", f"/api/v1/tickets/{ticket.id}/timer_entry", body)
    desk.ask("PATCH", f"/api/v1/ticket_timers/{timer['id']}", {"billable": True})
    return timer["id"]


def test_a_timer_that_waits_is_offered_and_charged(desk):
    timer = timer_on(desk)
    form = confirmed(desk, minutes="", labour="", timer_ids=(timer,))
    assert form.submit().invoice["subtotal_cents"] == 11250
    assert timer not in [value for _, value in form.inputs["timer_ids"].options]


def test_timers_bring_minutes_and_labour_and_give_them_back(desk):
    timer = timer_on(desk)
    form = filled(desk, timer_ids=(timer,))
    assert [form.inputs[name].value for name in ("minutes", "labour")] == ["", ""]
    assert form.inputs["minutes"].disabled
    assert form.inputs["labour"].disabled
    form.inputs["timer_ids"].value = ()
    assert [form.inputs[name].value for name in ("minutes", "labour")] == ["30", "remote"]
    assert not form.inputs["minutes"].disabled


def test_the_note_of_the_one_timer_is_proposed_as_the_work_done(desk):
    one, two = timer_on(desk, notes="On the phone"), timer_on(desk, notes="At the desk")
    form = filled(desk, text="")
    text = form.inputs["text"]
    for chosen, proposed in (
        ((one,), "On the phone"),
        ((two,), "At the desk"),
        ((one, two), ""),
        ((one,), "On the phone"),
    ):
        form.inputs["timer_ids"].value = chosen
        assert text.value == proposed
    text.value = "On the phone with Eddie"
    form.inputs["timer_ids"].value = (two,)
    assert text.value == "On the phone with Eddie"


def test_the_preview_shows_a_timers_note_whole_for_it_is_what_the_customer_reads(desk):
    note = "Called back.\n" + "Set the network card to stay awake, and watched it through the shift. " * 3
    form = filled(desk, timer_ids=(timer_on(desk, notes=note),))
    form.look()
    assert note.strip() in form.shown.value
    assert "0.75 (45 min)" in form.shown.value


def test_a_hidden_comment_is_mailed_to_nobody_and_its_text_is_warned_of(desk):
    form = filled(desk)
    form.inputs["hidden"].value = True
    assert (form.inputs["email"].value, form.inputs["email"].disabled) == (False, True)
    plan = form.look()
    assert any("the customer reads it on the invoice" in one for one in plan.warnings)
    for one in plan.warnings:
        assert one in html.unescape(form.caution.value)
        assert one in html.unescape(form.shown.value)
    form.inputs["hidden"].value = False
    assert (form.inputs["email"].value, form.inputs["email"].disabled) == (True, False)
    assert form.caution.value == ""


def test_the_preview_says_it_in_a_persons_words_and_keeps_line_breaks(desk):
    form = filled(desk, text="First\nSecond")
    form.look()
    for words in (
        "First\nSecond",
        "0.5 (30 min)",
        "Mailed to the customer",
        "$150.00",
        "remote (1190473)",
        "POST /tickets/",
    ):
        assert words in form.shown.value
    assert "do_not_email" not in form.shown.value


# ---------------------------------------------------------------- whose data, which ticket


def test_the_form_names_the_account_wherever_something_is_decided(desk):
    form = filled(desk)
    assert "Sandbox, invented data" in form.box.children[0].value
    assert "Sandbox, invented data" in form.submit_button.tooltip
    form.look()
    assert "(sandbox, invented data)" in form.confirm.description


@pytest.mark.parametrize(
    ("url", "account"),
    [
        (None, "Sandbox, invented data"),
        ("http://127.0.0.1:8123/api/v1", "Sandbox, invented data"),
        ("https://your-shop.syncromsp.com/api/v1", "Account your-shop"),
    ],
)
def test_a_server_on_this_machine_is_the_sandbox_and_another_an_account(desk, url, account):
    desk.ws.config = replace(desk.config, url=url)
    form = bill_form(desk.ws)
    assert account in form.box.children[0].value
    assert account in form.submit_button.tooltip


def test_another_ticket_begins_empty_even_if_nothing_was_billed(desk):
    form = filled(desk, subject="S", hidden=True)
    form.inputs["ticket_number"].value = ""
    form.inputs["ticket_number"].value = "32185"
    assert {name: one.value for name, one in form.inputs.items() if name != "ticket_number"} == {
        "timer_ids": (), "minutes": "", "labour": "", "text": "", "subject": "Work done", "email": True, "hidden": False,
    }  # fmt: skip
    assert not form.inputs["email"].disabled


def test_what_was_typed_before_there_was_a_ticket_stays(desk):
    form = bill_form(desk.ws)
    form.inputs["text"].value = "Cleared the queue"
    form.inputs["ticket_number"].value = "32164"
    assert form.inputs["text"].value == "Cleared the queue"


def test_a_search_takes_the_only_ticket_that_matches(desk):
    form = bill_form(desk.ws)
    subject = desk.ticket().ticket.subject
    form.inputs["ticket_number"].value = subject.upper()[:44]
    assert form.draft.ticket_number == 32164
    assert form.inputs["ticket_number"].value == "32164"
    assert "#32164" in form.side.value


@pytest.mark.parametrize("typed", ["no such thing", "32164.5", "<b>x</b>", "32164 and more"])
def test_a_search_that_finds_nothing_says_so(desk, typed):
    form = bill_form(desk.ws)
    form.inputs["ticket_number"].value = typed
    assert "no open ticket matches" in form.side.value
    assert "<b>" not in form.side.value
    assert form.draft.ticket_number is None


def test_a_search_that_finds_several_names_them(desk):
    form = bill_form(desk.ws)
    form.inputs["ticket_number"].value = "e"
    assert "open tickets match" in form.side.value
    assert form.draft.ticket_number is None


def test_a_number_may_have_its_hash(desk):
    form = bill_form(desk.ws)
    form.inputs["ticket_number"].value = " #32164 "
    assert form.draft.ticket_number == 32164


def test_only_the_ticket_waits_until_it_is_left(desk):
    form = bill_form(desk.ws)
    assert not form.inputs["ticket_number"].continuous_update
    assert all(form.inputs[name].continuous_update for name in ("minutes", "text", "subject"))


def test_a_fresh_form_has_nothing_to_confirm(desk):
    form = bill_form(desk.ws)
    assert form.confirm.layout.display == "none"
    assert form.ask.box.layout.display == "none"


# ---------------------------------------------------------------- what may happen between preview and end


def test_a_ticket_that_has_changed_since_is_shown_anew_and_nothing_was_written(desk):
    form = confirmed(desk)
    desk.ask("PUT", f"/api/v1/tickets/{desk.ticket().ticket.id}", {"status": "Waiting on Customer"})
    before = desk.writes()
    form.submit_button.click()
    assert "othing was written" in form.status.value
    assert "has changed since the preview" in form.status.value
    assert form.shown.value == ""
    assert "Waiting on Customer" in form.side.value
    assert desk.writes() == before


def test_a_write_in_doubt_is_settled_in_the_form(desk):
    desk.fault("POST /tickets/*/add_line_item", "drop_after")
    form = confirmed(desk)
    form.submit_button.click()
    assert "in doubt" in form.status.value
    assert form.ask.box.layout.display == ""
    assert "120 seconds" in form.ask.foot.value
    form.ask.again.click()
    assert form.receipt.is_verified
    assert "read back and verified" in form.status.value
    assert form.ask.box.layout.display == "none"
    assert len(desk.posts("add_line_item")) == 1
    form.ask.again.click()  # the second of a double click
    assert "read back and verified" in form.status.value


def asking(desk):
    """A form whose run asks a person: the comment was in doubt, and is not to be found."""
    desk.fault("POST /tickets/*/comment", "drop_before")
    form = confirmed(desk)
    form.submit()
    form.ask.again.click()
    assert form.receipt.next == "decide"
    return form


def test_a_question_stands_in_the_form_with_its_evidence(desk):
    form = asking(desk)
    assert "Send it again?" in form.ask.head.value
    assert "it is not there" in form.ask.head.value
    assert form.ask.again.layout.display == "none"


def test_a_decision_needs_the_number_of_the_ticket_typed_each_time(desk):
    form = asking(desk)
    form.ask.resend.click()
    assert "type the ticket" in form.status.value
    form.ask.ticket.value = "32185"
    form.ask.resend.click()
    assert "another ticket" in form.status.value
    assert len(desk.posts("comment")) == 1
    form.ask.ticket.value = "32164"
    form.ask.resend.click()
    assert form.receipt.is_verified
    assert len(desk.posts("comment")) == 2


def test_a_record_is_adopted_by_its_id(desk):
    form = asking(desk)
    ticket = desk.ticket().ticket
    by_hand = desk.ask("POST", f"/api/v1/tickets/{ticket.id}/comment", {"subject": "S", "body": "By hand"})
    form.ask.ticket.value = "32164"
    form.ask.adopt.click()
    assert "adopt which record?" in form.status.value
    form.ask.record.value = str(by_hand["comment"]["id"])
    form.ask.adopt.click()
    assert form.receipt.run.state == "done"


def test_a_run_is_abandoned_and_the_ticket_is_free(desk):
    form = asking(desk)
    form.ask.ticket.value = "32164"
    form.ask.abandon.click()
    assert "abandoned" in form.status.value
    assert form.ask.box.layout.display == "none"
    assert not form.look().blockers


def test_a_run_that_stopped_elsewhere_is_offered_where_its_ticket_is_looked_up(desk):
    desk.fault("POST /invoices", "drop_after")
    receipt = desk.bill()
    form = bill_form(desk.ws)
    assert form.ask.receipt is None
    form.inputs["ticket_number"].value = "32164"
    assert form.ask.receipt.run.id == receipt.run.id
    assert receipt.run.id in form.ask.head.value
    form.ask.again.click()
    assert form.receipt.is_verified


def test_what_was_written_but_not_as_planned_can_be_adopted_but_not_sent_again(desk):
    desk.fault("POST /tickets/*/add_line_item", "alter_fields", fields={"quantity": 5})
    form = confirmed(desk)
    form.submit_button.click()
    assert "not what was approved" in form.status.value
    assert "quantity is 5" in form.ask.head.value
    assert form.ask.resend.disabled
    assert form.ask.again.layout.display == ""  # a person may mend it in Syncro first
    line = max(one.id for one in desk.ticket().ticket.lines)
    assert form.ask.record.value == str(line)
    form.ask.ticket.value = "32164"
    form.ask.adopt.click()
    assert len(desk.posts("add_line_item")) == 1


def test_a_refused_write_may_be_abandoned(desk):
    desk.fault("POST /invoices", "status", status=422)
    form = confirmed(desk)
    form.submit_button.click()
    assert "Syncro refused it (422)" in form.status.value
    assert (form.ask.again.layout.display, form.ask.adopt.layout.display) == ("", "none")
    form.ask.ticket.value = "32164"
    form.ask.abandon.click()
    assert form.receipt.run.state == "abandoned"


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
        markup.link(ATTACK, "https://x/" + ATTACK), markup.badge(ATTACK, "info"), markup.items([ATTACK]),
        markup.table(["a"], [[(ATTACK, ATTACK)]]), markup.part(markup.text(ATTACK)),
    ]  # fmt: skip
    for piece in pieces:
        assert "<img" not in piece
        assert "<script" not in piece
        assert 'onerror=alert(1)>"' not in piece
