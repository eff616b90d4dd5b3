"""Every form that writes, driven as a person would: set values, look, confirm, submit; the server has exactly that."""

import ast
import html
import inspect
import json
from dataclasses import replace
from datetime import date, datetime

import pytest
from attacks import ATTACK, is_text, shown_by
from desk import Desk

from syncro_nb import forms
from syncro_nb.errors import InputError
from syncro_nb.forms import preview
from syncro_nb.service import requests
from syncro_nb.writes import reference
from syncro_nb.writes.bill import BillDraft
from syncro_nb.writes.timer import TimerDraft

NUMBER = 32164
TIMED = 32182  # its timer waits to be charged
FORMS = [
    *("bill", "comment", "update", "schedule", "close", "delete", "timer", "correct"),
    *("create", "contact", "customer", "payment"),
]


@pytest.fixture
def desk(tmp_path):
    opened = Desk(tmp_path)
    yield opened
    opened.close()


def opened(desk, name, ticket=NUMBER, /, **values):
    return getattr(forms, f"{name}_form")(desk.ws, ticket, **values)


def confirmed(form):
    plan = form.look()
    assert not plan.blockers
    if form.typing.layout.display == "":
        form.word.value = plan.confirmation
    else:
        form.confirm.value = True
    assert not form.submit_button.disabled
    return form


def customer(desk):
    return desk.ws.client.customer(desk.ticket().ticket.customer_id)


def reads(desk, form_of):
    """How many requests something costs, by path."""
    before = len(desk.ask("GET", "/_sandbox/log"))
    form_of()
    return [row["path"] for row in desk.ask("GET", "/_sandbox/log")[before:]]


def pending_line(desk):
    plan = desk.ws.plan(BillDraft(NUMBER, 30, "remote", "Cleared the queue", invoice=False))
    desk.ws.apply(plan, confirm=plan.confirmation)
    return desk.ticket().ticket.lines[0]


# ---------------------------------------------------------------- each form, and what the server has then


def test_a_comment_is_there_as_it_was_written(desk):
    form = confirmed(opened(desk, "comment", text="Rang the office\nNobody there", email=False))
    assert form.submit().is_verified
    comment = max(desk.ticket().ticket.comments, key=lambda one: one.id)
    assert reference.strip(comment.body) == "Rang the office\nNobody there"
    assert (comment.subject, comment.hidden) == ("Update", False)
    assert desk.writes() == [("POST", "comment", 200)]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "mailed to"),
        ({"email": False}, "gets no mail"),
        ({"hidden": True}, "nobody gets mail"),
        ({"text": "**Done**"}, "looks like Markdown"),
    ],
)
def test_the_preview_says_who_gets_mail_and_warns_about_markdown(desk, values, words):
    form = opened(desk, "comment", **{"text": "Done", **values})
    form.look()
    assert words in form.shown.value + form.caution.value
    assert "invoice" not in form.shown.value.lower()


def test_a_ticket_is_changed_by_what_is_given_and_by_nothing_else(desk):
    before = desk.ticket().ticket
    form = opened(desk, "update", status="waiting on customer", due_on="2026-04-03")
    names = [value for _, value in form.inputs["technician"].options]
    form.inputs["technician"].value = next(name for name in names if name.startswith("Theo"))
    plan = confirmed(form).plan
    assert set(plan.requests[0].body) == {"status", "due_date", "user_id"}
    assert "Theo" in form.shown.value
    assert form.submit().is_verified
    after = desk.ticket().ticket
    assert (after.status, after.due_on) == ("Waiting on Customer", date(2026, 4, 3))
    assert after.technician.name.startswith("Theo")
    assert (after.priority, after.subject, after.problem_type) == (before.priority, before.subject, before.problem_type)


def test_a_ticket_is_scheduled_with_the_status_that_the_account_has_for_it(desk):
    form = opened(desk, "schedule")
    assert form.problems == {"start_at": "when is it to begin?"}
    form.inputs["start_at"].value = datetime(2026, 4, 2, 9, 30)
    plan = confirmed(form).plan
    assert dict(plan.requests[0].body) == {"status": "Scheduled", "start_at": "2026-04-02T16:30:00+00:00"}
    assert "2026-04-02 09:30 PDT" in form.shown.value
    assert form.submit().is_verified
    assert "2026-04-02 09:30" in opened(desk, "schedule").side.value


def test_the_people_at_the_customer_are_there_to_choose_from(desk):
    name = next(iter(desk.ws.client.contacts(customer_id=customer(desk).id))).name
    form = opened(desk, "update", contact=name)
    assert form.draft.contact == name
    form.inputs["ticket_number"].value = ""
    form.inputs["ticket_number"].value = str(TIMED)
    assert name not in [value for _, value in form.inputs["contact"].options]
    assert form.draft.contact == ""


def test_closing_shows_what_is_unbilled_before_anything_is_typed(desk):
    form = opened(desk, "close", TIMED)
    assert "75 minutes" in form.side.value
    form.inputs["text"].value = "Docked"
    assert confirmed(form).submit().is_verified
    ticket = desk.ws.ticket(TIMED).ticket
    assert ticket.status == "Resolved"
    assert "Docked" in [reference.strip(one.body) for one in ticket.comments]


def test_a_ticket_without_resolution_is_closed_without_a_comment(desk):
    before = len(desk.ticket().ticket.comments)
    assert confirmed(opened(desk, "close")).submit().is_verified
    assert desk.ticket().ticket.status == "Resolved"
    assert len(desk.ticket().ticket.comments) == before


def test_the_session_log_is_offered_once_a_ticket_is_closed_and_never_written_by_itself(desk, tmp_path):
    desk.ws.config = replace(desk.ws.config, clients=tmp_path / "clients")
    form = confirmed(opened(desk, "close", TIMED, text="Docked <b>"))
    assert form.after.children == ()
    form.submit()
    (button,) = form.after.children
    assert not (tmp_path / "clients").exists()
    button.click()
    button.click()  # the second of a double click
    (path,) = (tmp_path / "clients").rglob("*.md")
    assert path.name in html.unescape(form.steps.value)
    assert "Docked <b>" in path.read_text("utf-8")
    form.inputs["ticket_number"].value = str(NUMBER)
    assert form.after.children == ()


def test_a_session_log_that_cannot_be_written_is_said_and_may_be_tried_again(desk, tmp_path):
    (tmp_path / "clients").write_text("in the way")
    desk.ws.config = replace(desk.ws.config, clients=tmp_path / "clients")
    form = confirmed(opened(desk, "close", TIMED))
    form.submit()
    form.after.children[0].click()
    assert "session log was not written" in form.status.value
    (tmp_path / "clients").unlink()
    form.after.children[0].click()
    assert len(list((tmp_path / "clients").rglob("*.md"))) == 1


def test_time_is_added_charged_and_only_what_an_action_needs_is_to_be_seen(desk):
    form = opened(desk, "timer", action="add", minutes=25, labour="onsite", text="Swapped the switch")
    assert [name for name in form.rows if form.rows[name].layout.display == ""] == [
        *("ticket_number", "action", "minutes", "labour", "text"),
    ]
    assert confirmed(form).submit().is_verified
    (timer,) = desk.ticket().ticket.timers
    assert (timer.worked_seconds, timer.product_id, timer.recorded) == (1500, 26118, False)
    form.inputs["action"].value = "charge"
    assert form.draft == TimerDraft(NUMBER, "charge")
    assert form.problems == {"timer_id": "which timer?"}
    form.inputs["timer_id"].value = timer.id
    confirmed(form)
    assert "no invoice is made" in form.shown.value
    assert "0.4167" in form.shown.value or "25 min" in form.shown.value
    assert form.submit().is_verified
    assert desk.ticket().ticket.timers[0].recorded


def test_a_timer_is_started_stopped_and_deleted(desk):
    assert confirmed(opened(desk, "timer", action="start", text="At it")).submit().is_verified
    assert confirmed(opened(desk, "timer", action="stop")).submit().is_verified
    (timer,) = desk.ticket().ticket.timers
    assert timer.ended_at is not None
    assert confirmed(opened(desk, "correct", action="delete", timer_id=timer.id)).submit().is_verified
    assert desk.ticket().ticket.timers == ()


def test_what_was_typed_for_one_action_comes_back_with_it(desk):
    form = opened(desk, "timer", action="add", minutes=25)
    form.inputs["action"].value = "stop"
    assert form.draft.minutes is None
    form.inputs["action"].value = "add"
    assert form.draft.minutes == 25


def test_a_line_gets_another_price_quantity_and_text(desk):
    line = pending_line(desk)
    form = opened(desk, "correct", action="change", line_id=line.id)
    for name, typed in {"price_cents": "$140.00", "quantity": "0.75", "description": "Cleared both queues"}.items():
        form.inputs[name].value = typed
    confirmed(form)
    assert "$75.00" in form.shown.value
    assert "$105.00" in form.shown.value
    assert form.submit().is_verified
    after = desk.ticket().ticket.lines[0]
    assert (after.price_cents, str(after.quantity.normalize())) == (14000, "0.75")
    assert reference.strip(after.description) == "Cleared both queues"


def test_a_line_is_removed(desk):
    line = pending_line(desk)
    assert confirmed(opened(desk, "correct", action="remove", line_id=line.id)).submit().is_verified
    assert desk.ticket().ticket.lines == ()


def test_an_invoice_is_deleted_only_after_its_number_is_typed(desk):
    number = desk.bill().invoice["number"]
    form = opened(desk, "correct", action="unbill", invoice_number=number)
    form.look()
    assert form.confirm.layout.display == "none"
    for wrong in ("", str(NUMBER), f"{number}0"):
        form.word.value = wrong
        assert form.submit_button.disabled
        with pytest.raises(InputError, match=f"type {number}"):
            form.submit()
    form.word.value = f" {number} "
    assert not form.submit_button.disabled
    assert form.submit().is_verified
    assert desk.ticket().invoices == ()
    assert desk.ticket().ticket.status == "Resolved"


def test_a_payment_is_recorded_to_the_cent(desk):
    number = desk.bill().invoice["number"]
    form = opened(desk, "payment", method="check", reference="11006")
    assert form.draft.invoice_number == number
    assert "$81.53" in form.side.value
    form.inputs["amount_cents"].value = "81.53"
    assert "$81.53" in confirmed(form).confirm.description
    assert form.submit().is_verified
    (payment,) = desk.ws.client.invoice(number).payments
    assert (payment.amount_cents, payment.reference) == (8153, "11006")
    assert "Paid" in form.side.value


def test_a_customer_and_a_contact_are_made(desk):
    form = opened(desk, "customer", business_name="Quillfeather Books", email="till@quillfeather.example.com")
    assert confirmed(form).submit().is_verified
    made = next(row for row in desk.ws.client.customers() if row.name == "Quillfeather Books")
    form = opened(desk, "contact", None, customer=str(made.id), name="Ada Till", phone="555-0100")
    assert "Quillfeather Books" in form.side.value
    assert confirmed(form).submit().is_verified
    assert [one.name for one in desk.ws.client.contacts(customer_id=made.id)] == ["Ada Till"]


def test_a_new_ticket_for_the_customer_of_another_one(desk):
    contact = next(iter(desk.ws.client.contacts(customer_id=customer(desk).id))).name
    form = opened(desk, "create", subject="The scanner is dark", text="Power light is off", priority="1 High")
    assert f"#{NUMBER}" in form.side.value
    form.inputs["contact"].value = contact
    form.inputs["due_on"].value = date(2026, 4, 3)
    confirmed(form)
    assert "Opening comment" in form.shown.value
    assert "Power light is off" in form.shown.value
    assert contact in html.unescape(form.shown.value)
    receipt = form.submit()
    assert receipt.is_verified
    assert str(receipt.ticket_number) in form.status.value
    made = desk.ws.ticket(receipt.ticket_number).ticket
    assert (made.subject, made.priority, made.due_on) == ("The scanner is dark", "1 High", date(2026, 4, 3))
    assert (made.customer_id or made.customer.id, made.contact.name) == (customer(desk).id, contact)
    assert reference.strip(made.comments[0].body) == "Power light is off"


def test_a_ticket_of_ours_is_deleted_after_its_number_is_typed(desk):
    made = confirmed(opened(desk, "create", subject="By mistake")).submit().ticket_number
    form = opened(desk, "delete", made)
    form.look()
    assert form.submit_button.disabled
    form.word.value = str(made)
    assert form.submit().is_verified
    with pytest.raises(InputError, match="no ticket"):
        desk.ws.ticket(made)


# ---------------------------------------------------------------- customers while somebody types


def type_in(form, text):
    for end in range(1, len(text) + 1):
        form.inputs["customer"].value = text[:end]


def test_customers_are_offered_while_somebody_types_at_the_cost_of_few_requests(desk):
    form = opened(desk, "create", None)
    asked = reads(desk, lambda: type_in(form, "Hobnail Machine Works"))
    assert sum("autocomplete" in one for one in asked) == 1
    assert len(asked) <= 4
    assert "Hobnail Machine Works" in form.inputs["customer"].options
    assert "open ticket" in form.side.value
    assert form.draft.customer == str(customer(desk).id)


def test_what_finds_nobody_is_not_asked_again_letter_by_letter(desk):
    form = opened(desk, "create", None)
    asked = reads(desk, lambda: type_in(form, "Zzyzx and Partners"))
    assert len(asked) == 1
    assert form.draft.customer == "Zzyzx and Partners"
    form.inputs["subject"].value = "S"
    form.preview_button.click()
    assert "no customer called" in form.status.value


def test_two_customers_of_one_name_are_told_apart_by_their_ids(desk):
    for mail in ("a@example.com", "b@example.com"):
        desk.ask("POST", "/api/v1/customers", {"business_name": "Twin Pines", "email": mail})
    form = opened(desk, "create", None)
    type_in(form, "Twin Pines")
    assert form.draft.customer == "Twin Pines"  # nobody knows which
    first, second = form.inputs["customer"].options
    form.inputs["customer"].value = second
    assert form.draft.customer == second.rpartition("(")[2].rstrip(")")
    assert first != second


def test_another_customer_takes_nothing_of_what_was_typed_away(desk):
    form = opened(desk, "create", None, subject="The scanner is dark")
    type_in(form, "Hobnail Machine Works")
    form.inputs["customer"].value = ""
    other = next(row.name for row in desk.ws.client.customers() if row.id != customer(desk).id)
    type_in(form, other)
    assert form.draft.subject == "The scanner is dark"


# ---------------------------------------------------------------- what all of them keep


def ready(desk, name):
    """A form of each sort that can be previewed, and the input that is changed afterwards, to what."""
    if name == "payment":
        desk.bill()
    if name == "correct":
        pending_line(desk)
    line = desk.ticket().ticket.lines
    values, change = {
        "bill": ({"minutes": 30, "labour": "remote", "text": "Cleared"}, ("text", "Other")),
        "comment": ({"text": "Rang the office"}, ("text", "Other")),
        "update": ({"status": "Scheduled"}, ("priority", "0 Urgent")),
        "schedule": ({"start_at": "2026-04-02 09:30"}, ("end_at", datetime(2026, 4, 2, 11))),
        "close": ({"text": "Fixed"}, ("hidden", True)),
        "delete": ({}, ("ticket_number", str(TIMED))),
        "timer": ({"action": "add", "minutes": 5, "labour": "remote", "text": "Read"}, ("minutes", "6")),
        "correct": ({"action": "remove", "line_id": line[0].id if line else None}, ("action", "change")),
        "create": ({"subject": "Dark"}, ("due_on", date(2026, 4, 3))),
        "contact": ({"name": "Ada Till"}, ("phone", "555")),
        "customer": ({"business_name": "Quill"}, ("lastname", "Till")),
        "payment": ({"amount_cents": 100, "method": "Check"}, ("amount_cents", "2")),
    }[name]
    if name == "delete":
        made = desk.ws.plan(forms.create_form(desk.ws, NUMBER, subject="By mistake").draft)
        return opened(desk, name, desk.ws.apply(made, confirm=made.confirmation).ticket_number), change
    return opened(desk, name, **values), change


@pytest.mark.parametrize("name", FORMS)
def test_any_change_takes_the_preview_and_the_confirmation_away(desk, name):
    form, (changed, value) = ready(desk, name)
    confirmed(form)
    before = desk.writes()
    form.inputs[changed].value = value
    assert form.submit_button.disabled
    assert (form.plan, form.shown.value) == (None, "")
    form.submit_button.click()  # a program's click ignores `disabled`
    with pytest.raises(InputError):
        form.submit()
    assert desk.writes() == before


@pytest.mark.parametrize("name", FORMS)
def test_nothing_is_written_before_it_is_confirmed_and_then_once(desk, name):
    form, _ = ready(desk, name)
    before = len(desk.writes())
    form.look()
    with pytest.raises(InputError, match="confirm"):
        form.submit()
    assert len(desk.writes()) == before
    form.submit_button.click()
    confirmed(form)
    form.submit_button.click()
    written = desk.writes()
    assert form.receipt.is_verified
    form.submit_button.click()  # the second of a double click
    assert form.submit() is form.receipt
    assert desk.writes() == written


@pytest.mark.parametrize("name", FORMS)
def test_an_empty_form_says_in_one_line_what_it_needs(desk, name):
    form = opened(desk, name, None)
    assert form.problems
    form.preview_button.click()
    said = html.unescape(form.status.value)
    assert all(words in said for words in form.problems.values())
    assert "\n" not in repr(form)
    assert "`" not in said  # no commands of a terminal
    assert form.plan is None


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("comment", {"text": "x" * 10_001}, "10,000|10000"),
        ("comment", {"text": "a\x07b"}, "control"),
        ("update", {}, "what is to change"),
        ("update", {"subject": "two\nlines"}, "what is to change|one line"),
        ("timer", {"action": "add", "minutes": "25.5", "labour": "remote", "text": "x"}, "whole number"),
        ("timer", {"action": "add", "minutes": "1441", "labour": "remote", "text": "x"}, "1 to 1440"),
        ("contact", {"name": "Ada", "email": "no mail"}, "no mail address"),
        ("customer", {"firstname": "Ada"}, "what is the business called"),
    ],
)  # fmt: skip
def test_bad_input_is_said_in_one_line_and_nothing_is_asked_of_syncro(desk, name, values, words):
    form = opened(desk, name, **values)
    asked = reads(desk, form.preview_button.click)
    assert asked == []
    assert any(one in html.unescape(form.status.value) for one in words.split("|"))
    assert form.plan is None


@pytest.mark.parametrize("typed", ["abc", "1.234", "1,5", "1e3x", "--5", "$", "NaN", "1_000", "٣"])
def test_an_amount_that_is_none_is_never_taken_for_no_change(desk, typed):
    line = pending_line(desk)
    form = opened(desk, "correct", action="change", line_id=line.id, quantity="2")
    form.inputs["price_cents"].value = typed
    assert "price: " in form.problems["price_cents"]
    form.preview_button.click()
    assert "no amount in dollars and cents" in html.unescape(form.status.value)
    assert form.plan is None


@pytest.mark.parametrize(("typed", "cents"), [("81.53", 8153), ("$1,234.5", 123450), (" 7 ", 700), ("0.07", 7)])
def test_amounts_are_read_to_the_cent(desk, typed, cents):
    form = opened(desk, "payment", None, amount_cents=typed)
    assert form.draft.amount_cents == cents


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"colour": "red"}, "there is no input of 'Change a ticket' called 'colour'"),
        ({"status": "Resolvd"}, "did you mean Resolved"),
        ({"due_on": "tomorrow"}, "must be a day as in 2026-03-31"),
        ({"start_at": "at nine"}, "begin must be a day and a time of the account's clock"),
        ({"end_at": "2026-04-02T09:30-07:00"}, "end must be a day and a time of the account's clock"),
        ({"contact": "Nobody"}, "there is no contact 'Nobody'"),
    ],
)
def test_a_program_that_fills_in_what_cannot_be_is_told_in_one_line(desk, values, words):
    with pytest.raises(InputError, match=words):
        opened(desk, "update", **values)


def test_a_few_letters_that_mean_one_word_fill_it_in(desk):
    form = opened(desk, "update", status="waiting-on-customer", priority="high", technician="priya", contact="sonia")
    chosen = (form.draft.status, form.draft.priority, form.draft.technician, form.draft.contact)
    assert chosen == ("Waiting on Customer", "1 High", "Priya Raman", "Sonia Petrescu")


def test_words_that_the_account_does_not_tell_are_typed(desk):
    desk.fault("GET /settings", "status", status=401, times=None)
    desk.fault("GET /tickets/settings", "status", status=401, times=None)
    form = opened(desk, "update", status="Somehow")
    assert form.draft.status == "Somehow"


# ---------------------------------------------------------------- doubt, elsewhere than in a bill


def test_a_comment_in_doubt_is_settled_in_its_form(desk):
    desk.fault("POST /tickets/*/comment", "drop_after")
    form = confirmed(opened(desk, "comment", text="Rang the office"))
    form.submit_button.click()
    assert "in doubt" in form.status.value
    form.ask.again.click()
    assert form.receipt.is_verified
    assert len(desk.posts("comment")) == 1


def test_a_new_ticket_in_doubt_is_offered_where_its_customer_is_looked_up(desk):
    desk.fault("POST /tickets", "drop_after")
    first = confirmed(opened(desk, "create", subject="Dark", text="Power light is off"))
    first.submit_button.click()
    assert first.receipt.next == "resume"
    form = opened(desk, "create")
    assert form.ask.receipt.run.id == first.receipt.run.id
    assert form.ask.ticket.description == "Customer id"
    form.ask.again.click()
    assert form.receipt.is_verified
    assert len(desk.posts("tickets")) == 1


def test_a_form_without_a_look_up_settles_its_own_doubt(desk):
    desk.fault("POST /customers", "drop_after")
    form = confirmed(opened(desk, "customer", business_name="Quillfeather Books"))
    form.submit_button.click()
    assert form.ask.box.layout.display == ""
    form.ask.again.click()
    assert form.receipt.is_verified
    assert form.ask.box.layout.display == "none"


# ---------------------------------------------------------------- hostile text


def hostile(desk):
    """An account in which everything that a form shows is an attack."""
    ticket = desk.ticket().ticket
    customer_id = customer(desk).id
    desk.bill()
    number = desk.ticket().invoices[0].number
    root = f"/api/v1/tickets/{ticket.id}"
    desk.ask("POST", f"{root}/add_line_item", {"name": ATTACK, "description": ATTACK, "quantity": 1, "price_retail": 5})
    body = {"start_at": "2026-03-30T17:00:00Z", "duration_minutes": 45, "product_id": 1190473, "notes": ATTACK}
    timer = desk.ask("POST", f"{root}/timer_entry", body)
    desk.ask("PATCH", f"/api/v1/ticket_timers/{timer['id']}", {"billable": True})
    desk.ask("POST", f"{root}/comment", {"subject": ATTACK, "body": ATTACK})
    desk.ask("POST", "/api/v1/contacts", {"customer_id": customer_id, "name": ATTACK, "email": "x@example.com"})
    desk.ask("PUT", f"/api/v1/customers/{customer_id}", {"business_name": ATTACK})
    desk.ask("PUT", root, {"subject": ATTACK, "status": "In Progress"})
    desk.restart()
    return number


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("bill", {"minutes": 30, "labour": "remote", "text": ATTACK[:-4]}),
        ("comment", {"text": ATTACK[:-4], "subject": "<b>x</b>"}),
        ("update", {"status": "Scheduled", "subject": "<img src=x>"}),
        ("schedule", {"start_at": "2026-04-02 09:30"}),
        ("close", {"text": ATTACK[:-4]}),
        ("timer", {"action": "add", "minutes": 5, "labour": "remote", "text": ATTACK[:-4]}),
        ("correct", {"action": "remove"}),
        ("correct", {"action": "unbill"}),
        ("create", {"subject": "<img src=x>", "text": ATTACK[:-4]}),
        ("contact", {"name": "<img src=x>"}),
        ("payment", {"amount_cents": 100, "method": "Check", "reference": "<img src=x>"}),
    ],
)
def test_hostile_text_stays_text_before_and_after_writing(desk, name, values):
    number = hostile(desk)
    form = opened(desk, name, **values)
    if values.get("action") == "remove":
        form.inputs["line_id"].value = next(value for _, value in form.inputs["line_id"].options if value)
    if values.get("action") == "unbill":
        form.inputs["invoice_number"].value = number
    assert is_text(shown_by(form.box))
    plan = form.look()
    assert is_text(shown_by(form.box))
    if not plan.blockers:
        confirmed(form).submit()
        assert is_text(shown_by(form.box))
    assert "&lt;img" in shown_by(form.box) or name in ("contact", "payment")
    assert all("\u202e" not in str(option) for one in form.inputs.values() for option in getattr(one, "options", ()))


# ---------------------------------------------------------------- the words of a preview


def test_every_field_of_every_request_has_a_name_for_people():
    tree = ast.parse(inspect.getsource(requests))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    fields = set()
    for node in (inner for function in functions for inner in ast.walk(function)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_sent":
            fields |= {keyword.arg for keyword in node.keywords}
        if isinstance(node, ast.Dict):
            fields |= {key.value for key in node.keys}
    assert {"body", "hidden", "user_id", "comments_attributes"} <= fields
    assert fields - set(preview.NAMES) == set()


@pytest.mark.parametrize("name", FORMS)
def test_a_preview_names_no_field_as_a_program_would(desk, name):
    form, _ = ready(desk, name)
    plan = form.look()
    raw = {key for request in plan.requests for key in request.body if "_" in key} - {
        "ticket_id",
        "customer_id",
        "invoice_id",
    }
    shown = form.shown.value.replace(json.dumps(plan.requests[0].path), "")
    assert [key for key in raw if f">{key}<" in shown] == []
    assert all(request.method in shown and request.path in shown for request in plan.requests)
