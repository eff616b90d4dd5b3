"""Every other write than a bill goes the same way: planned, previewed, confirmed once, journalled, read back."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from desk import Desk

from syncro_nb.errors import InputError
from syncro_nb.writes import reference
from syncro_nb.writes.bill import BillDraft
from syncro_nb.writes.correction import LineDraft, PaymentDraft, UnbillDraft
from syncro_nb.writes.customer import ContactDraft, CustomerDraft
from syncro_nb.writes.ticket import CloseDraft, CommentDraft, CreateDraft, DeleteDraft, UpdateDraft
from syncro_nb.writes.timer import TimerDraft

IN_DOUBT = ["drop_before", "drop_after", "status_after", "truncate", "garbage"]
NUMBER = 32164


@pytest.fixture
def desk(tmp_path):
    opened = Desk(tmp_path)
    yield opened
    opened.close()


def write(desk, draft):
    plan = desk.ws.plan(draft)
    return desk.ws.apply(plan, confirm=plan.confirmation)


def states(receipt):
    return [(one["step"], one["state"]) for one in receipt.as_json()["steps"]]


def alter(desk, method, end, **fields):
    """From now on the server takes these fields for what was sent; None drops one."""
    real = desk.sandbox.handle

    def handle(asked, target, headers, content):
        if asked == method and target.partition("?")[0].endswith(end) and content:
            body = json.loads(content) | fields
            content = json.dumps({name: value for name, value in body.items() if value is not None}).encode()
        return real(asked, target, headers, content)

    desk.sandbox.handle = handle
    desk.restart()


def customer(desk):
    return desk.ws.client.customer(desk.ticket().ticket.customer_id)


# A draft of each sort, the request that may go wrong, and how many of the thing there are on the server.
CREATE = CreateDraft(customer="", subject="The scanner is dark", text="Power light is off", priority="high")
CASES = {
    "comment": (CommentDraft(NUMBER, "Rang the office, nobody there"), "POST /tickets/*/comment", "comments"),
    "hidden": (CommentDraft(NUMBER, "Careful: old cabling", hidden=True), "POST /tickets/*/comment", "comments"),
    "timer": (TimerDraft(NUMBER, "add", 25, "remote", "Read the logs"), "POST /tickets/*/timer_entry", "timers"),
    "start": (TimerDraft(NUMBER, "start", text="At it"), "POST /tickets/*/timer_entry", "timers"),
    "update": (UpdateDraft(NUMBER, "Waiting on Customer", priority="0 Urgent"), "PUT /tickets/*", "tickets"),
    "schedule": (
        UpdateDraft(NUMBER, "Scheduled", start_at=datetime(2026, 4, 2, 9, 30), end_at=datetime(2026, 4, 2, 11)),
        "PUT /tickets/*",
        "tickets",
    ),
    "close": (CloseDraft(NUMBER, "Replaced the fuser"), "POST /tickets/*/comment", "comments"),
    "create": (CREATE, "POST /tickets", "tickets"),
}


def draft_of(desk, name):
    draft, match, what = CASES[name]
    return (replace(draft, customer=customer(desk).name) if name == "create" else draft), match, what


def count(desk, what):
    if what == "tickets":
        return sum(1 for _ in desk.ws.client.tickets())
    ticket = desk.ticket().ticket
    return len({"comments": ticket.comments, "timers": ticket.timers, "lines": ticket.lines}[what] or ())


@pytest.mark.parametrize("name", CASES)
def test_a_write_ends_verified_and_is_there_once(desk, name):
    draft, _, what = draft_of(desk, name)
    before = count(desk, what)
    receipt = write(desk, draft)
    assert receipt.exit_status == 0
    assert receipt.is_verified
    assert {state for _, state in states(receipt)} == {"verified"}
    assert count(desk, what) - before == (0 if name in ("update", "schedule") else 1)


@pytest.mark.parametrize("kind", IN_DOUBT)
@pytest.mark.parametrize("name", CASES)
def test_a_write_in_doubt_is_settled_by_reading_and_never_made_twice(desk, name, kind):
    draft, match, what = draft_of(desk, name)
    before = count(desk, what)
    desk.fault(match, kind)
    receipt = write(desk, draft)
    assert receipt.exit_status == 5
    after = desk.restart().resume(receipt.run.id)
    if after.next == "decide":  # a comment that customers see, confirmed absent, is a person's to send again
        assert name in ("comment", "close")
        after = desk.ws.decide(receipt.run.id, "resend", ticket=NUMBER)
    assert after.is_verified
    assert count(desk, what) - before == (0 if name in ("update", "schedule") else 1)


@pytest.mark.parametrize("name", CASES)
def test_a_cell_that_is_run_twice_writes_once(desk, name):
    draft, _, what = draft_of(desk, name)
    before = count(desk, what)
    write(desk, draft)
    with pytest.raises(InputError):
        write(desk, draft)
    assert count(desk, what) - before == (0 if name in ("update", "schedule") else 1)


@pytest.mark.parametrize("name", CASES)
def test_a_plan_that_is_applied_twice_writes_once(desk, name):
    draft, _, what = draft_of(desk, name)
    before, plan = count(desk, what), desk.ws.plan(draft)
    desk.ws.apply(plan, confirm=plan.confirmation)
    with pytest.raises(InputError):
        desk.ws.apply(plan, confirm=plan.confirmation)
    assert count(desk, what) - before == (0 if name in ("update", "schedule") else 1)


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_sent_without_the_confirmation(desk, name):
    plan = desk.ws.plan(draft_of(desk, name)[0])
    for word in (None, 1, True, ""):
        with pytest.raises(InputError, match="nothing was written"):
            desk.ws.apply(plan, confirm=word)
    assert desk.writes() == []


# ---------------------------------------------------------------- comments


def test_a_comment_carries_its_reference_and_says_who_gets_mail(desk):
    plan = desk.ws.plan(CommentDraft(NUMBER, "Done"))
    mark = reference.last_reference(plan.requests[0].body["body"])
    assert reference.belongs(mark, "sandbox", plan.ticket_id)
    assert "mailed to" in " ".join(plan.notes)
    silent = desk.ws.plan(CommentDraft(NUMBER, "Done", email=False))
    assert "no mail" in " ".join(silent.notes)
    assert "nobody gets mail" in " ".join(desk.ws.plan(CommentDraft(NUMBER, "Done", hidden=True)).notes)


@pytest.mark.parametrize("text", ["**Done**", "# Done", "see `ls -l`", "[here](https://example.com)"])
def test_markdown_is_warned_about(desk, text):
    assert "Markdown" in " ".join(desk.ws.plan(CommentDraft(NUMBER, text)).warnings)


def test_a_comment_that_syncro_stores_otherwise_is_not_verified(desk):
    alter(desk, "POST", "/comment", hidden=False)
    receipt = write(desk, CommentDraft(NUMBER, "Careful", hidden=True))
    assert receipt.exit_status == 6
    assert not receipt.is_verified


# ---------------------------------------------------------------- create


def test_a_new_ticket_has_the_fields_in_the_accounts_own_words(desk):
    contacts = list(desk.ws.client.contacts(customer_id=customer(desk).id))
    draft = replace(
        CREATE, customer=customer(desk).name, due_on=date(2026, 4, 3), technician="priya", contact=contacts[0].name
    )
    receipt = write(desk, draft)
    made = desk.ws.ticket(receipt.ticket_number).ticket
    assert (made.subject, made.priority, made.due_on) == ("The scanner is dark", "1 High", date(2026, 4, 3))
    assert made.technician.name == "Priya Raman"
    assert made.contact.id == contacts[0].id
    assert reference.strip(made.comments[0].body) == "Power light is off"
    assert receipt.as_json()["ticket"] == made.number


def test_a_ticket_without_a_text_that_is_in_doubt_is_known_by_its_maker(desk):
    draft = replace(CREATE, customer=customer(desk).name, text="")
    desk.fault("POST /tickets", "drop_after")
    receipt = write(desk, draft)
    assert desk.restart().resume(receipt.run.id).is_verified
    assert sum(row.subject == draft.subject for row in desk.ws.client.tickets()) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"customer": "Nobody & Sons"}, "no customer called"),
        ({"priority": "hihg"}, "did you mean 1 High|no priority"),
        ({"technician": "Zoe"}, "no technician"),
        ({"problem_type": "Plumbing"}, "no problem type"),
        ({"subject": " "}, "what is it about"),
        ({"subject": "two\nlines"}, "one line"),
        ({"contact": "Nobody"}, "no contact|has no contacts"),
    ],
)
def test_what_the_account_does_not_know_is_said_before_anything_is_sent(desk, change, words):
    with pytest.raises(InputError, match=words):
        desk.ws.plan(replace(CREATE, **{"customer": customer(desk).name, **change}))
    assert desk.writes() == []


# ---------------------------------------------------------------- update and close


def test_only_what_is_given_is_sent_and_only_that_is_compared(desk):
    plan = desk.ws.plan(UpdateDraft(NUMBER, priority="low"))
    assert dict(plan.requests[0].body) == {"priority": "3 Low"}


def test_only_what_will_differ_is_told(desk):
    present = desk.ws.ticket(NUMBER).ticket.priority
    plan = desk.ws.plan(UpdateDraft(NUMBER, "Waiting on Customer", priority=present))
    assert [note for note in plan.notes if "goes from" in note and "priority" in note.lower()] == []
    assert [note for note in plan.notes if "goes from" in note] != []


def test_a_field_that_somebody_changed_meanwhile_is_a_persons(desk):
    draft = UpdateDraft(NUMBER, "Waiting on Customer", technician="Theo")
    desk.fault("PUT /tickets/*", "drop_before")
    receipt = write(desk, draft)
    desk.ask("PUT", f"/api/v1/tickets/{receipt.run.plan.ticket_id}", {"status": "Scheduled"})
    after = desk.restart().resume(receipt.run.id)
    assert after.next == "decide"
    assert "Scheduled" in str(after.as_json()["ask"]["evidence"])
    assert desk.ws.decide(receipt.run.id, "resend", ticket=NUMBER).is_verified


def test_a_field_that_syncro_drops_is_a_mismatch(desk):
    alter(desk, "PUT", "", priority=None)
    receipt = write(desk, UpdateDraft(NUMBER, priority="0 Urgent"))
    assert receipt.exit_status == 6


def test_a_ticket_is_scheduled_by_the_accounts_clock_and_read_back_as_the_same_instant(desk):
    plan = desk.ws.plan(UpdateDraft(NUMBER, start_at=datetime(2026, 4, 2, 9, 30), end_at=datetime(2026, 4, 2, 11)))
    assert "begin goes from empty to 2026-04-02 09:30 PDT" in "\n".join(plan.notes)
    assert desk.ws.apply(plan, confirm=plan.confirmation).is_verified
    view = desk.ticket()
    assert view.ticket.start_at == datetime(2026, 4, 2, 16, 30, tzinfo=UTC)
    assert view.scheduled(desk.ws.zone) == "2026-04-02 09:30 to 11:00"
    assert desk.ws.standing(view)["lane"].tolist() == ["parked"]


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-7))])
def test_a_time_with_a_zone_of_its_own_is_that_instant(desk, zone):
    moment = datetime(2026, 4, 2, 16, 30, tzinfo=UTC).astimezone(zone)
    plan = desk.ws.plan(UpdateDraft(NUMBER, start_at=moment))
    assert plan.requests[0].body["start_at"] == "2026-04-02T16:30:00+00:00"


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ({"end_at": datetime(2026, 4, 2, 9)}, "has no begin"),
        ({"start_at": datetime(2026, 4, 2, 9), "end_at": datetime(2026, 4, 2, 9)}, "end at 2026-04-02 09:00 PDT"),
        ({"start_at": datetime(2026, 4, 2, 9), "end_at": datetime(2026, 4, 1, 9)}, "end at 2026-04-01 09:00 PDT"),
    ],
)
def test_times_that_cannot_be_stand_against_the_plan(desk, times, words):
    assert words in "\n".join(desk.ws.plan(UpdateDraft(NUMBER, **times)).blockers)


def test_a_begin_after_the_end_that_stays_on_the_ticket_is_seen(desk):
    write(desk, UpdateDraft(NUMBER, start_at=datetime(2026, 4, 2, 9), end_at=datetime(2026, 4, 2, 10)))
    (blocker,) = desk.ws.plan(UpdateDraft(NUMBER, start_at=datetime(2026, 4, 3, 9))).blockers
    assert "give a new one too" in blocker
    assert desk.ws.plan(UpdateDraft(NUMBER, end_at=datetime(2026, 4, 2, 12))).blockers == ()


def test_an_hour_that_the_clock_leaves_out_and_a_year_of_nobodys_are_refused(desk):
    for moment, words in ((datetime(2027, 3, 14, 2, 30), "put forward"), (datetime(9999, 12, 31), "the year 9999")):
        with pytest.raises(InputError, match=words):
            desk.ws.plan(UpdateDraft(NUMBER, start_at=moment))
    assert desk.writes() == []


def test_a_begin_in_the_past_is_warned_about(desk):
    assert "in the past" in "\n".join(desk.ws.plan(UpdateDraft(NUMBER, start_at=datetime(2026, 3, 2, 9))).warnings)


def test_a_begin_that_syncro_drops_is_a_mismatch(desk):
    alter(desk, "PUT", "", start_at=None)
    assert write(desk, UpdateDraft(NUMBER, "Scheduled", start_at=datetime(2026, 4, 2, 9))).exit_status == 6


def test_another_begin_that_somebody_gave_meanwhile_is_a_persons(desk):
    desk.fault("PUT /tickets/*", "drop_before")
    receipt = write(desk, UpdateDraft(NUMBER, start_at=datetime(2026, 4, 2, 9)))
    place = f"/api/v1/tickets/{receipt.run.plan.ticket_id}"
    desk.ask("PUT", place, {"start_at": "2026-04-05T09:00:00-07:00"})
    after = desk.restart().resume(receipt.run.id)
    assert after.next == "decide"
    assert "begin was empty in the preview" in str(after.as_json()["ask"]["evidence"])


def test_closing_shows_what_is_unbilled_first(desk):
    plan = desk.ws.plan(CloseDraft(32182, "Docked"))
    assert "75 minutes" in " ".join(plan.warnings)
    assert [step.name for step in plan.steps] == ["comment", "verify", "status", "verify"]
    assert write(desk, CloseDraft(32182)).is_verified
    assert desk.ws.ticket(32182).ticket.status == "Resolved"


# ---------------------------------------------------------------- time


def test_time_that_is_added_is_worked_and_not_charged(desk):
    write(desk, TimerDraft(NUMBER, "add", 25, "onsite", "Swapped the switch"))
    (timer,) = desk.ticket().ticket.timers
    assert (timer.worked_seconds, timer.product_id, timer.recorded) == (1500, 26118, False)
    assert reference.strip(timer.notes) == "Swapped the switch"


def test_a_timer_is_started_stopped_charged_and_then_not_deleted(desk):
    write(desk, TimerDraft(NUMBER, "start", labour="remote", text="At it"))
    desk.clock.sleep(1800)
    assert write(desk, TimerDraft(NUMBER, "stop")).is_verified
    (timer,) = desk.ticket().ticket.timers
    assert timer.worked_seconds == pytest.approx(1800, abs=30)
    receipt = write(desk, TimerDraft(NUMBER, "charge", timer_id=timer.id))
    assert states(receipt) == [("charge", "verified"), ("verify", "verified")]
    with pytest.raises(InputError, match="charged"):
        write(desk, TimerDraft(NUMBER, "delete", timer_id=timer.id))


def test_a_timer_is_deleted_once_and_proved_gone(desk):
    timer = desk.ws.ticket(32182).ticket.timers[0]
    desk.fault("POST /tickets/*/delete_timer_entry", "drop_after")
    receipt = write(desk, TimerDraft(32182, "delete", timer_id=timer.id))
    assert receipt.exit_status == 5
    assert desk.restart().resume(receipt.run.id).is_verified
    assert timer.id not in [one.id for one in desk.ws.ticket(32182).ticket.timers]
    assert len(desk.posts("delete_timer_entry")) == 1


def test_somebody_elses_running_timer_is_not_stopped(desk):
    other = desk.ws.words.technicians[2][0]
    body = {"start_at": "2026-03-31T20:00:00Z", "user_id": other}
    desk.ask("POST", f"/api/v1/tickets/{desk.ticket().ticket.id}/timer_entry", body)
    with pytest.raises(InputError, match="somebody else's"):
        write(desk, TimerDraft(NUMBER, "stop"))


# ---------------------------------------------------------------- corrections


@pytest.fixture
def billed(desk):
    """A ticket with one line that waits, and no invoice."""
    receipt = desk.bill(BillDraft(NUMBER, 30, "remote", "Cleared the queue", invoice=False))
    assert receipt.is_verified
    return desk.ticket().ticket.lines[0]


@pytest.mark.parametrize("kind", [None, *IN_DOUBT])
def test_a_line_gets_another_price_and_keeps_its_reference(desk, billed, kind):
    if kind:
        desk.fault("PUT /tickets/*/update_line_item", kind)
    receipt = write(desk, LineDraft(NUMBER, billed.id, price_cents=14000, description="Cleared the print queue"))
    if kind:
        receipt = desk.restart().resume(receipt.run.id)
    assert receipt.is_verified
    line = desk.ticket().ticket.lines[0]
    assert (line.price_cents, reference.strip(line.description)) == (14000, "Cleared the print queue")
    assert reference.last_reference(line.description) == reference.last_reference(billed.description)


@pytest.mark.parametrize("kind", [None, *IN_DOUBT])
def test_a_line_is_removed_and_proved_gone(desk, billed, kind):
    if kind:
        desk.fault("POST /tickets/*/remove_line_item", kind)
    receipt = write(desk, LineDraft(NUMBER, billed.id, remove=True))
    if kind:
        receipt = desk.restart().resume(receipt.run.id)
    assert receipt.is_verified
    assert desk.ticket().ticket.lines == ()


def test_a_line_on_an_invoice_is_not_touched(desk):
    desk.bill()
    line = desk.ticket().ticket.lines[0]
    for draft in (LineDraft(NUMBER, line.id, remove=True), LineDraft(NUMBER, line.id, quantity=Decimal(2))):
        with pytest.raises(InputError, match="on an invoice"):
            write(desk, draft)


@pytest.mark.parametrize("kind", [None, *IN_DOUBT])
def test_an_unpaid_invoice_is_deleted_after_typing_its_number_and_proved_by_a_404(desk, kind):
    number = desk.bill().invoice["number"]
    plan = desk.ws.plan(UnbillDraft(number))
    with pytest.raises(InputError, match="number of the invoice"):
        desk.ws.apply(plan, confirm=NUMBER)
    if kind:
        desk.fault("DELETE /invoices/*", kind)
    receipt = desk.ws.apply(plan, confirm=number)
    if kind:
        receipt = desk.restart().resume(receipt.run.id)
    assert receipt.is_verified
    ticket = desk.ticket().ticket
    assert ticket.status == "Resolved"
    assert [line.converted for line in ticket.lines] == [False]
    assert desk.ws.ticket(NUMBER).invoices == ()


def test_a_deletion_that_syncro_only_says_it_did_is_seen(desk):
    number = desk.bill().invoice["number"]
    desk.fault("DELETE /invoices/*", "status", status=200)  # as Syncro answers when the deletion fails
    receipt = write(desk, UnbillDraft(number))
    assert receipt.exit_status in (5, 6)
    assert len(desk.ws.ticket(NUMBER).invoices) == 1


def test_a_line_that_syncro_says_it_removed_and_did_not_is_seen(desk, billed):
    real = desk.sandbox.handle

    def handle(method, target, headers, body):
        if "/remove_line_item" not in target:
            return real(method, target, headers, body)
        return replace(real("GET", "/api/v1/me", headers, b""), status=200, body=b'{"success": true}')

    desk.sandbox.handle = handle
    desk.restart()
    receipt = write(desk, LineDraft(NUMBER, billed.id, remove=True))
    assert receipt.exit_status == 6
    assert any("still there" in fact for fact in receipt.as_json()["ask"]["evidence"])


def test_a_paid_invoice_is_not_deleted(desk):
    number = desk.bill().invoice["number"]
    assert write(desk, PaymentDraft(number, 100, "Check", "11006")).is_verified
    with pytest.raises(InputError, match="paid"):
        write(desk, UnbillDraft(number))


@pytest.mark.parametrize("kind", IN_DOUBT)
def test_a_payment_in_doubt_is_never_made_twice(desk, kind):
    number = desk.bill().invoice["number"]
    desk.fault("POST /payments", kind)
    receipt = write(desk, PaymentDraft(number, 5000, "Check", "11006"))
    after = desk.restart().resume(receipt.run.id)
    if kind == "drop_before":
        assert after.next == "decide"
        after = desk.ws.decide(receipt.run.id, "resend", ticket=after.run.plan.number)
    assert after.is_verified
    assert [one.amount_cents for one in desk.ws.client.invoice(number).payments] == [5000]


def test_more_than_is_due_is_not_taken(desk):
    number = desk.bill().invoice["number"]
    with pytest.raises(InputError, match="is due"):
        write(desk, PaymentDraft(number, 8154, "Check"))


@pytest.mark.parametrize("reference", ["11006", ""])
def test_the_same_payment_is_not_recorded_a_second_time(desk, reference):
    number = desk.bill().invoice["number"]
    assert write(desk, PaymentDraft(number, 1000, "Check", reference)).is_verified
    with pytest.raises(InputError, match="on the invoice already"):
        write(desk, PaymentDraft(number, 1000, "Check", reference))
    assert write(desk, PaymentDraft(number, 1000, "Check", "11007")).is_verified
    assert write(desk, PaymentDraft(number, 1500, "Check", reference)).is_verified


# ---------------------------------------------------------------- customers, contacts, deleting


@pytest.mark.parametrize("kind", [None, *IN_DOUBT])
def test_a_customer_and_a_contact_are_made_once(desk, kind):
    for match, draft in (
        ("POST /customers", CustomerDraft(business_name="Quillfeather Books", email="till@quillfeather.example.com")),
        ("POST /contacts", ContactDraft("Quillfeather Books", "Ada Till", "ada@quillfeather.example.com")),
    ):
        if kind:
            desk.fault(match, kind)
        receipt = write(desk, draft)
        if kind:
            receipt = desk.restart().resume(receipt.run.id)
        assert receipt.is_verified
        with pytest.raises(InputError, match="already"):
            write(desk, draft)
    assert len([row for row in desk.ws.client.customers() if row.name == "Quillfeather Books"]) == 1


def test_only_an_empty_ticket_of_ours_is_deleted(desk):
    with pytest.raises(InputError, match="not made from here"):
        write(desk, DeleteDraft(NUMBER))
    made = write(desk, replace(CREATE, customer=customer(desk).name, text="")).ticket_number
    assert write(desk, DeleteDraft(made)).is_verified
    with pytest.raises(InputError, match="no ticket"):
        desk.ws.ticket(made)


# ---------------------------------------------------------------- what a network and a second process can do


def deliver_twice(desk, end):
    """From now on the server gets every POST that ends so twice, as from a proxy that repeats."""
    real = desk.sandbox.handle

    def handle(method, target, headers, content):
        if method == "POST" and target.partition("?")[0].endswith(end):
            real(method, target, headers, content)
        return real(method, target, headers, content)

    desk.sandbox.handle = handle
    desk.restart()


@pytest.mark.parametrize(("end", "word"), [("/comment", "comment"), ("/add_line_item", "labour line")])
def test_a_record_that_was_delivered_twice_is_not_called_verified(desk, end, word):
    deliver_twice(desk, end)
    receipt = desk.bill(BillDraft(NUMBER, 30, "remote", "Cleared the queue", invoice=False))
    assert receipt.exit_status == 6
    assert f"{word}: there is another of it" in str(receipt.as_json()["ask"]["evidence"])


def test_a_deletion_that_was_done_and_not_answered_comes_to_its_end(desk):
    number = write(desk, CreateDraft("312540029", "Made by mistake")).ticket_number
    desk.fault("DELETE /tickets/*", "drop_after")
    receipt = write(desk, DeleteDraft(number))
    assert receipt.next == "resume"
    assert desk.ws.resume(receipt.run.id).is_verified


@pytest.mark.parametrize("text", ["It is dark", ""])
def test_a_ticket_that_was_made_twice_is_not_called_verified_and_the_audit_says_so(desk, text):
    deliver_twice(desk, "/tickets")
    receipt = write(desk, CreateDraft("312540029", "The scanner is dark", text))
    assert receipt.exit_status == 6
    assert "there is another of it" in str(receipt.as_json()["ask"])
    desk.ws.decide(receipt.run.id, "adopt", ticket=312540029, record_id=receipt.run.steps[0].record_id)
    assert [one.problem for one in desk.ws.audit()] == ["twice"]


@pytest.mark.parametrize(
    "draft",
    [
        CommentDraft(NUMBER, "Ref SNB-AAAAAA-BBBB"), CommentDraft(NUMBER, " "), CloseDraft(NUMBER, "  "),
        CreateDraft("312540029", "Dark", " "),
    ],
)  # fmt: skip
def test_a_text_that_says_nothing_is_refused_in_words(desk, draft):
    with pytest.raises(InputError, match=r"empty|what is the comment"):
        desk.ws.plan(draft)


def test_a_charge_that_was_delivered_twice_is_not_called_verified(desk):
    timer = desk.ws.ticket(32182).ticket.timers[0]
    deliver_twice(desk, "/charge_timer_entry")
    receipt = write(desk, TimerDraft(32182, "charge", timer_id=timer.id))
    assert receipt.exit_status in (5, 6)
    assert not receipt.is_verified


def test_a_process_that_bills_between_the_preview_and_the_start_is_seen(desk):
    """Both previewed the same; the other one has finished by the time that this one begins."""
    mine = desk.ws.plan(BillDraft(NUMBER, 30, "remote", "Cleared the queue"))
    other = desk.restart()
    theirs = other.plan(BillDraft(NUMBER, 30, "remote", "Cleared the queue"))
    first = desk.opened[0]
    real = first.journal.begin

    def begin_late(plan):
        other.apply(theirs, confirm=NUMBER)
        real(plan)

    first.journal.begin = begin_late
    with pytest.raises(InputError, match="changed since the preview"):
        first.apply(mine, confirm=NUMBER)
    assert len(desk.posts("invoices")) == 1
