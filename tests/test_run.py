"""The step machine against the sandbox: whatever goes wrong, at most one of each record, and nothing unproved."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from desk import HALF_AN_HOUR, Desk
from hypothesis import given, settings
from hypothesis import strategies as st

from syncro_nb.errors import ConfigError, InputError
from syncro_nb.writes import reference
from syncro_nb.writes.bill import BillDraft

STEPS = {
    "comment": "POST /tickets/*/comment",
    "line_item": "POST /tickets/*/add_line_item",
    "invoice": "POST /invoices",
    "status": "PUT /tickets/*",
}
IN_DOUBT = ["drop_before", "drop_after", "status_after", "truncate", "garbage"]


@pytest.fixture
def desk(tmp_path):
    opened = Desk(tmp_path)
    yield opened
    opened.close()


def states(receipt):
    return {one["step"]: one["state"] for one in receipt.as_json()["steps"]}


def test_a_bill_ends_verified_to_the_cent_and_the_ticket_says_so(desk):
    receipt = desk.bill()
    assert receipt.exit_status == 0
    assert receipt.invoice == {
        "number": receipt.invoice["number"],
        "subtotal_cents": 7500,
        "tax_cents": 653,
        "total_cents": 8153,
    }
    assert set(states(receipt).values()) == {"verified"}
    assert [name for _, name, _ in desk.writes()][:3] == ["comment", "add_line_item", "invoices"]
    assert desk.ticket().ticket.status == "Invoiced"


def test_a_bill_without_an_invoice_leaves_the_status(desk):
    receipt = desk.bill(BillDraft(32164, 30, "remote", "Cleared the queue", invoice=False))
    assert states(receipt) == {
        "comment": "verified", "line_item": "verified", "verify": "verified", "invoice": "skipped", "status": "skipped",
    }  # fmt: skip
    assert desk.ticket().ticket.status == "In Progress"


def test_named_timers_are_charged_and_never_billed_as_a_line(desk):
    timers = desk.ws.ticket(32182).ticket.timers
    receipt = desk.bill(BillDraft(32182, text="Replaced the dock", timer_ids=tuple(timer.id for timer in timers)))
    assert receipt.is_verified
    assert [one["step"] for one in receipt.as_json()["steps"]] == [
        "comment",
        "charge",
        "charge",
        "invoice",
        "verify",
        "status",
    ]
    assert desk.posts("add_line_item") == []
    after = desk.ws.ticket(32182).ticket
    assert all(timer.recorded for timer in after.timers)
    assert {line.id for line in after.lines} == {
        one["id"] for one in receipt.as_json()["steps"] if one["step"] == "charge"
    }


AGREED = BillDraft(32182, text="Replaced the dock", timer_ids=(), amends=())


def agreed(desk):
    timers = tuple(timer.id for timer in desk.ws.ticket(32182).ticket.timers)
    return replace(AGREED, timer_ids=timers, amends=((timers[1], 14000, False),))


def test_the_line_of_a_charge_is_given_the_agreed_price_and_tax_before_it_is_invoiced(desk):
    plan = desk.ws.plan_bill(agreed(desk))
    assert plan.requests[3].body == {
        "ticket_line_item_id": "of the line that the charge makes", "price_retail": 140, "taxable": False,
    }  # fmt: skip
    receipt = desk.ws.apply(plan, confirm=32182)
    assert receipt.is_verified
    steps = receipt.as_json()["steps"]
    assert [one["step"] for one in steps] == ["comment", "charge", "charge", "reprice", "invoice", "verify", "status"]
    assert steps[3]["id"] == steps[2]["id"]
    lines = {line.id: (line.price_cents, line.taxable) for line in desk.ws.ticket(32182).ticket.lines}
    assert lines == {steps[1]["id"]: (15000, True), steps[2]["id"]: (14000, False)}


def test_a_line_of_a_charge_that_somebody_removed_is_asked_about_and_nothing_is_sent_to_another(desk):
    removed = []

    def meanwhile(step, state, text):
        if (step, state) == ("charge", "verified"):
            number = desk.ws.ticket(32182).ticket
            removed.extend(line.id for line in number.lines)
            for line in number.lines:
                desk.ask("POST", f"/api/v1/tickets/{number.id}/remove_line_item", {"ticket_line_item_id": line.id})

    desk.fault("PUT /tickets/*/update_line_item", "drop_before")
    draft = agreed(desk)
    one = replace(draft, timer_ids=draft.timer_ids[1:])
    receipt = desk.bill(one, progress=meanwhile)
    assert desk.restart().resume(receipt.run.id).next == "decide"
    assert desk.posts("invoices") == []


@pytest.mark.parametrize("timers", [True, False])
def test_prepaid_hours_are_drawn_and_the_invoice_comes_to_nothing(desk, timers):
    rows = [row for row in desk.ws.client.customers() if desk.ws.client.customer(row.id).prepaid_hours]
    before = desk.ws.client.customer(rows[0].id).prepaid_hours
    ticket = desk.ask("POST", "/api/v1/tickets", {"customer_id": rows[0].id, "subject": "Wi-Fi"})["ticket"]
    draft = BillDraft(ticket["number"], text="Surveyed the Wi-Fi", minutes=90, labour="onsite")
    if timers:
        body = {"start_at": "2026-03-30T17:00:00Z", "duration_minutes": 90, "product_id": 26118, "notes": "Survey"}
        timer = desk.ask("POST", f"/api/v1/tickets/{ticket['id']}/timer_entry", body)
        draft = replace(draft, minutes=None, labour="", timer_ids=(timer["id"],))
    plan = desk.ws.plan_bill(draft)
    assert (plan.expected.total_cents, plan.expected.prepaid_hours) == (0, Decimal("1.5"))
    receipt = desk.ws.apply(plan, confirm=ticket["number"])
    assert receipt.is_verified
    assert receipt.invoice["total_cents"] == 0
    assert desk.ws.client.customer(rows[0].id).prepaid_hours == before - Decimal("1.5")


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "garbage"])
def test_a_charge_in_doubt_is_settled_by_reading_the_timer(desk, kind):
    timers = desk.ws.ticket(32182).ticket.timers
    desk.fault("POST /tickets/*/charge_timer_entry", kind, skip=1)
    receipt = desk.bill(BillDraft(32182, text="Replaced the dock", timer_ids=tuple(timer.id for timer in timers)))
    assert receipt.exit_status == 5
    assert desk.restart().resume(receipt.run.id).is_verified
    assert len(desk.ws.ticket(32182).ticket.lines) == 2


def test_a_second_bill_of_the_same_ticket_is_blocked(desk):
    desk.bill()
    before = desk.writes()
    with pytest.raises(InputError, match="already invoiced"):
        desk.bill()
    assert desk.writes() == before


def test_nothing_is_written_without_the_number_of_the_ticket(desk):
    plan = desk.ws.plan_bill(HALF_AN_HOUR)
    for word in (None, 1, True):
        with pytest.raises(InputError, match="nothing was written"):
            desk.ws.apply(plan, confirm=word)
    assert desk.writes() == []


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("comment", {"subject": "Me too", "body": "A colleague writes"}, "comment .* is new"),
        (
            "add_line_item",
            {"name": "Cable", "description": "2 m", "quantity": 1, "price_retail": 10},
            "line item .* is new",
        ),
        ("timer_entry", {"start_at": "2026-03-31T10:00:00Z", "duration_minutes": 5}, "timer .* is new"),
    ],
)
def test_a_ticket_that_changed_since_the_preview_stops_the_plan(desk, path, body, words):
    plan = desk.ws.plan_bill(HALF_AN_HOUR)
    desk.ask("POST", f"/api/v1/tickets/{plan.ticket_id}/{path}", body)
    with pytest.raises(InputError, match=words):
        desk.ws.apply(plan, confirm=32164)
    assert len(desk.writes()) == 1


def test_the_intent_is_on_record_before_the_request_leaves(desk):
    seen = []
    real = desk.sandbox.handle

    def watching(method, target, headers, body):
        if method != "GET":
            other = Desk.__new__(Desk)
            other.sandbox, other.clock, other.config, other.opened = desk.sandbox, desk.clock, desk.config, desk.opened
            current = other.restart().receipts()[0].current
            seen.append((current.step.name, current.state))
        return real(method, target, headers, body)

    desk.sandbox.handle = watching
    desk.restart()
    assert desk.bill().exit_status == 0
    assert seen == [("comment", "intent"), ("line_item", "intent"), ("invoice", "intent"), ("status", "intent")]


@pytest.mark.parametrize("kind", IN_DOUBT)
@pytest.mark.parametrize("step", STEPS)
def test_a_write_in_doubt_stops_the_run_and_is_sent_no_second_time(desk, step, kind):
    desk.fault(STEPS[step], kind, status=503)
    receipt = desk.bill()
    assert receipt.exit_status == 5
    assert states(receipt)[step] == "unknown"
    assert receipt.next == "resume"
    names = [name for _, name, _ in desk.writes()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("kind", ["drop_after", "status_after", "truncate", "garbage"])
@pytest.mark.parametrize("step", STEPS)
def test_what_had_landed_is_found_and_adopted(desk, step, kind):
    desk.fault(STEPS[step], kind, status=500)
    run = desk.bill().run.id
    receipt = desk.restart().resume(run)
    assert receipt.exit_status == 0
    assert receipt.is_verified
    assert receipt.invoice["total_cents"] == 8153
    assert [len(desk.posts(name)) for name in ("comment", "add_line_item", "invoices")] == [1, 1, 1]


def test_a_labour_line_that_is_proved_absent_is_sent_once_more(desk):
    desk.fault(STEPS["line_item"], "drop_before")
    run = desk.bill().run.id
    receipt = desk.ws.resume(run)
    assert receipt.is_verified
    assert desk.clock.elapsed >= 120
    assert len(desk.posts("add_line_item")) == 2
    lines = desk.ticket().ticket.lines
    assert len(lines) == 1
    assert reference.belongs(reference.last_reference(lines[0].description), "sandbox", lines[0].ticket_id)


def test_without_waiting_it_leaves_and_says_how_long(desk):
    desk.fault(STEPS["line_item"], "drop_before")
    told = []
    run = desk.bill().run.id
    receipt = desk.ws.resume(run, wait=False, progress=lambda *words: told.append(words))
    assert (receipt.exit_status, receipt.next) == (5, "resume")
    assert "120 s" in told[-1][2]
    assert len(desk.posts("add_line_item")) == 1


@pytest.mark.parametrize("step", ["comment", "invoice"])
def test_what_a_customer_sees_is_sent_again_only_by_a_persons_word(desk, step):
    desk.fault(STEPS[step], "drop_before")
    run = desk.bill().run.id
    asked = desk.ws.resume(run)
    assert (asked.exit_status, asked.next) == (5, "decide")
    assert asked.as_json()["ask"]["step"] == step
    assert any("looked twice" in fact for fact in asked.as_json()["ask"]["evidence"])
    with pytest.raises(InputError, match="another ticket"):
        desk.ws.decide(run, "resend", ticket=1)
    done = desk.ws.decide(run, "resend", ticket=32164)
    assert done.is_verified
    assert [len(desk.ws.ticket(32164).invoices), done.invoice["total_cents"]] == [1, 8153]


def test_a_write_that_lands_late_is_found_and_not_sent_again(desk):
    desk.fault(STEPS["line_item"], "late_commit", seconds=3)
    run = desk.bill().run.id
    receipt = desk.ws.resume(run)
    assert receipt.is_verified
    assert len(desk.ticket().ticket.lines) == 1
    assert len(desk.posts("add_line_item")) == 1


def test_after_a_reboot_the_settling_time_begins_anew(desk):
    desk.fault(STEPS["line_item"], "drop_before")
    run = desk.bill().run.id
    desk.clock.sleep(1000)
    before = desk.clock.elapsed
    assert desk.restart(boot="another").resume(run).is_verified
    assert desk.clock.elapsed - before >= 120


@pytest.mark.parametrize("landed", [True, False])
def test_a_crash_between_intent_and_answer_counts_as_unknown(desk, landed):
    class Crash(BaseException):
        pass

    real = desk.sandbox.handle

    def crashing(method, target, headers, body):
        if method == "POST" and target.startswith("/api/v1/invoices"):
            desk.sandbox.handle = real
            if landed:
                real(method, target, headers, body)
            raise Crash
        return real(method, target, headers, body)

    desk.sandbox.handle = crashing
    desk.restart()
    with pytest.raises(Crash):
        desk.bill()
    found = desk.restart().receipts()[0]
    assert (found.next, states(found)["invoice"]) == ("resume", "intent")
    receipt = desk.ws.resume(found.run.id)
    assert (receipt.next, receipt.exit_status) == ((None, 0) if landed else ("decide", 5))
    assert len(desk.ticket().invoices) == landed


def test_a_refusal_in_the_middle_keeps_the_run_and_goes_on_when_it_is_mended(desk):
    desk.fault(STEPS["invoice"], "status", status=422)
    receipt = desk.bill()
    assert (receipt.exit_status, receipt.next, states(receipt)["invoice"]) == (3, "resume", "refused")
    with pytest.raises(InputError, match="not finished"):
        desk.bill()
    assert desk.ws.resume(receipt.run.id).is_verified
    assert len(desk.posts("comment")) == 1


def test_a_refusal_of_the_first_step_leaves_the_ticket_free(desk):
    desk.fault(STEPS["comment"], "status", status=422)
    receipt = desk.bill()
    assert (receipt.exit_status, receipt.next, receipt.run.state) == (3, None, "nothing")
    assert desk.bill().is_verified


def test_a_429_is_waited_out(desk):
    desk.fault(STEPS["line_item"], "status", status=429, times=2)
    assert desk.bill().is_verified
    assert desk.clock.elapsed >= 120


def test_a_429_that_does_not_end_is_no_doubt(desk):
    desk.fault(STEPS["line_item"], "status", status=429, times=None)
    assert desk.bill().exit_status == 4
    assert len(desk.posts("add_line_item")) == 4


@pytest.mark.parametrize(
    ("step", "change"),
    [
        ("line_item", {"kind": "drop_fields", "fields": ["price_retail"]}),
        ("line_item", {"kind": "drop_fields", "fields": ["product_id"]}),
        ("line_item", {"kind": "alter_fields", "fields": {"quantity": 5}}),
        ("line_item", {"kind": "alter_fields", "fields": {"taxable": False}}),
        ("comment", {"kind": "drop_fields", "fields": ["hidden"]}),
        ("comment", {"kind": "alter_fields", "fields": {"body": "Something else"}}),
        ("status", {"kind": "drop_fields", "fields": ["status"]}),
    ],
)
def test_a_field_that_syncro_drops_or_alters_is_noticed_and_the_run_stops(desk, step, change):
    desk.fault(STEPS[step], **change)
    receipt = desk.bill(BillDraft(32164, 30, "remote", "Cleared the queue", hidden=True))
    assert (receipt.exit_status, receipt.next, states(receipt)[step]) == (6, "decide", "mismatch")
    assert receipt.as_json()["ask"]["evidence"]
    assert not receipt.is_verified


def test_a_line_that_a_person_mends_in_syncro_lets_the_run_go_on(desk):
    desk.fault(STEPS["line_item"], "drop_fields", fields=["price_retail"])
    receipt = desk.bill()
    line = desk.ticket().ticket.lines[0]
    path = f"/api/v1/tickets/{line.ticket_id}/update_line_item"
    desk.ask("PUT", path, {"ticket_line_item_id": line.id, "price_retail": 150})
    assert desk.ws.resume(receipt.run.id).is_verified


def test_what_a_person_lets_pass_is_done_but_not_called_verified(desk):
    desk.fault(STEPS["line_item"], "alter_fields", fields={"price_retail": 140})
    receipt = desk.bill()
    line = desk.ticket().ticket.lines[0]
    with pytest.raises(InputError, match="no labour line with id 1"):
        desk.ws.decide(receipt.run.id, "adopt", ticket=32164, record_id=1)
    with pytest.raises(InputError, match="second one"):
        desk.ws.decide(receipt.run.id, "resend", ticket=32164)
    after = desk.ws.decide(receipt.run.id, "adopt", ticket=32164, record_id=line.id)
    assert (after.exit_status, states(after)["verify"]) == (6, "mismatch")
    done = desk.ws.decide(receipt.run.id, "adopt", ticket=32164, record_id=desk.ticket().invoices[0].id)
    assert (done.exit_status, done.run.state, done.is_verified) == (6, "done", False)


def test_a_run_that_is_abandoned_frees_the_ticket_and_keeps_what_it_wrote(desk):
    desk.fault(STEPS["invoice"], "status", status=422)
    run = desk.bill().run.id
    assert desk.ws.decide(run, "abandon", ticket=32164).run.state == "abandoned"
    assert desk.ws.journal.open_run("sandbox", desk.ticket().ticket.id) is None
    assert len(desk.ticket().ticket.lines) == 1


def test_a_run_in_doubt_is_not_abandoned_before_somebody_has_looked(desk):
    desk.fault(STEPS["invoice"], "drop_after")
    run = desk.bill().run.id
    with pytest.raises(InputError, match="resume"):
        desk.ws.decide(run, "abandon", ticket=32164)


def test_a_status_that_somebody_changed_meanwhile_is_a_persons_decision(desk):
    desk.fault(STEPS["status"], "status", status=422)
    run = desk.bill().run.id
    desk.ask("PUT", f"/api/v1/tickets/{desk.ticket().ticket.id}", {"status": "Waiting on Customer"})
    asked = desk.ws.resume(run)
    assert (asked.exit_status, asked.as_json()["ask"]["step"]) == (5, "status")
    assert desk.ws.decide(run, "resend", ticket=32164).is_verified
    assert desk.ticket().ticket.status == "Invoiced"


def test_a_customer_who_quotes_our_reference_is_not_taken_for_us(desk):
    desk.fault(STEPS["comment"], "drop_before")
    receipt = desk.bill()
    body = receipt.run.plan.requests[0].body["body"]
    quoted = {"subject": "Re", "body": body, "hidden": False}
    desk.ask("POST", f"/api/v1/tickets/{receipt.run.plan.ticket_id}/comment", quoted)
    newest = max(desk.sandbox._account.comments, key=lambda row: row["id"])
    newest["user_id"] = None  # a reply by mail has no technician
    asked = desk.ws.resume(receipt.run.id)
    assert asked.next == "decide"
    assert any("no technician wrote it" in fact for fact in asked.as_json()["ask"]["evidence"])


def test_two_processes_cannot_send_one_step(desk):
    desk.fault(STEPS["line_item"], "status", status=422)
    run = desk.bill().run.id
    other = desk.ws
    second = desk.restart()

    def meddle(step, state, text):
        if (step, state) == ("line_item", "intent"):
            with pytest.raises(InputError, match="another process"):
                second.resume(run)

    assert other.resume(run, progress=meddle).is_verified
    assert len(desk.ticket().ticket.lines) == 1


def test_the_chain_of_events_shows_a_change(desk):
    desk.bill()
    assert desk.ws.journal.is_whole()
    database = desk.ws.journal._database
    database.execute("DROP TRIGGER events_stay")
    database.execute("UPDATE events SET what = 'verified' WHERE id = 2")
    assert not desk.ws.journal.is_whole()


def test_a_newer_journal_is_refused(desk, tmp_path):
    desk.ws.journal._database.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigError, match="newer syncro_nb"):
        _ = desk.restart().journal


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([*STEPS]), st.sampled_from([*IN_DOUBT, "status"]), st.integers(0, 1)), max_size=3
    )
)
def test_whatever_fails_there_is_one_of_each_and_the_end_is_verified_or_asked(tmp_path_factory, faults):
    desk = Desk(tmp_path_factory.mktemp("home"))
    try:
        for step, kind, skip in faults:
            desk.fault(STEPS[step], kind, status=503, skip=skip)
        receipt = desk.bill()
        for _ in range(12):
            if receipt.next == "resume":
                receipt = desk.restart().resume(receipt.run.id)
        assert receipt.run.state in ("done", "open")
        assert receipt.is_verified == (receipt.run.state == "done")
        assert receipt.is_verified or receipt.next == "decide"
        view = desk.ticket()
        ours = [one for one in view.ticket.comments if reference.last_reference(one.body)]
        assert max(len(ours), len(view.ticket.lines), len(view.invoices)) <= 1
        if receipt.is_verified:
            assert (len(ours), len(view.ticket.lines), view.invoices[0].total_cents) == (1, 1, 8153)
    finally:
        desk.close()


# ---------------------------------------------------------------- somebody else is at work, too


def meddle(desk, path, body, method="POST"):
    return desk.ask(method, f"/api/v1{path}", body)


def test_a_ticket_that_moved_to_another_customer_stops_the_plan(desk):
    plan = desk.ws.plan_bill(HALF_AN_HOUR)
    other = next(row.id for row in desk.ws.client.customers() if row.id != plan.customer_id)
    meddle(desk, f"/tickets/{plan.ticket_id}", {"customer_id": other}, "PUT")
    with pytest.raises(InputError, match="customer was"):
        desk.ws.apply(plan, confirm=32164)


def test_a_run_that_was_cut_off_does_not_go_on_over_a_colleagues_invoice(desk):
    desk.fault(STEPS["line_item"], "status", status=422)
    receipt = desk.bill()
    plan = receipt.run.plan
    line = {"name": "Part", "description": "Dock", "quantity": 1, "price_retail": 99}
    meddle(desk, f"/tickets/{plan.ticket_id}/add_line_item", line)
    meddle(desk, "/invoices", {"ticket_id": plan.ticket_id, "customer_id": plan.customer_id})
    asked = desk.restart().resume(receipt.run.id)
    assert (asked.exit_status, asked.next) == (5, "decide")
    assert any("invoice" in fact for fact in asked.as_json()["ask"]["evidence"])
    assert len(desk.ticket().invoices) == 1


def test_a_timer_that_a_colleague_charged_meanwhile_is_not_charged_again(desk):
    timers = desk.ws.ticket(32182).ticket.timers
    desk.fault("POST /tickets/*/charge_timer_entry", "status", status=422)
    receipt = desk.bill(BillDraft(32182, text="Replaced the dock", timer_ids=(timers[0].id,)))
    meddle(desk, f"/tickets/{receipt.run.plan.ticket_id}/charge_timer_entry", {"timer_entry_id": timers[0].id})
    assert desk.restart().resume(receipt.run.id).next == "decide"
    assert len(desk.ws.ticket(32182).ticket.lines) == 1


@pytest.mark.parametrize("choice", ["resume", "resend"])
def test_a_comment_that_came_after_the_question_is_adopted_and_never_sent_again(desk, choice):
    desk.fault(STEPS["comment"], "late_commit", seconds=300)
    run = desk.bill().run.id
    assert desk.ws.resume(run).next == "decide"
    desk.clock.sleep(300)
    desk.ticket()
    if choice == "resend":
        with pytest.raises(InputError, match="it is there"):
            desk.ws.decide(run, "resend", ticket=32164)
    assert desk.restart().resume(run).is_verified
    assert len(desk.posts("comment")) == 1


def test_what_was_there_before_the_run_cannot_be_adopted(desk):
    desk.fault(STEPS["comment"], "drop_before")
    run = desk.bill().run.id
    desk.ws.resume(run)
    old = desk.ticket().ticket.comments[0].id
    with pytest.raises(InputError, match="before this run"):
        desk.ws.decide(run, "adopt", ticket=32164, record_id=old)


def test_a_reference_whose_line_break_was_lost_is_a_question_and_not_an_absence(desk):
    desk.fault(STEPS["comment"], "drop_before")
    receipt = desk.bill()
    body = receipt.run.plan.requests[0].body["body"].replace("\n", " ")
    meddle(desk, f"/tickets/{receipt.run.plan.ticket_id}/comment", {"subject": "Work done", "body": body})
    asked = desk.ws.resume(receipt.run.id)
    assert any("not as its last line" in fact for fact in asked.as_json()["ask"]["evidence"])


def test_on_an_account_without_references_what_was_there_before_is_not_found_as_ours(desk):
    desk.config = replace(desk.config, references=False)
    desk.restart()
    body = {"subject": "Work done", "body": HALF_AN_HOUR.text}
    meddle(desk, f"/tickets/{desk.ticket().ticket.id}/comment", body)  # the same words, earlier
    desk.fault(STEPS["comment"], "drop_before")
    run = desk.bill().run.id
    asked = desk.ws.resume(run)
    assert asked.next == "decide"
    assert "confirmed absent" in asked.as_json()["ask"]["question"]


def test_a_comment_that_many_others_followed_is_found_on_a_later_page(desk):
    desk.fault(STEPS["comment"], "drop_after")
    receipt = desk.bill()
    for number in range(60):
        body = {"subject": "Re", "body": f"Another word, {number}"}
        meddle(desk, f"/tickets/{receipt.run.plan.ticket_id}/comment", body)
    assert desk.ws.resume(receipt.run.id).is_verified
    assert len(desk.posts("comment")) == 61


def test_what_is_sent_once_more_carries_a_reference_of_its_own(desk):
    desk.fault(STEPS["line_item"], "drop_before")
    receipt = desk.bill()
    assert desk.ws.resume(receipt.run.id).is_verified
    (line,) = desk.ticket().ticket.lines
    first = reference.last_reference(receipt.run.plan.requests[1].body["description"])
    assert reference.last_reference(line.description) not in (None, first)


def test_an_answer_that_names_an_older_record_says_nothing_and_a_look_finds_ours(desk):
    real, old = desk.sandbox.handle, desk.ticket().ticket.comments[0].id

    def handle(method, target, headers, body):
        answer = real(method, target, headers, body)
        if method == "POST" and "/comment" in target:
            told = json.loads(answer.body)
            told["comment"]["id"] = old
            return replace(answer, body=json.dumps(told).encode())
        return answer

    desk.sandbox.handle = handle
    desk.restart()
    receipt = desk.bill()
    assert states(receipt)["comment"] == "unknown"
    assert desk.posts("add_line_item") == []
    desk.sandbox.handle = real
    assert desk.restart().resume(receipt.run.id).is_verified
    assert len(desk.posts("comment")) == 1


def test_what_lost_its_reference_on_the_way_is_not_sent_again_while_it_is_there(desk):
    real = desk.sandbox.handle

    def handle(method, target, headers, body):
        if "/add_line_item" in target:
            body = json.dumps({**json.loads(body), "description": "Something else"}).encode()
        return real(method, target, headers, body)

    desk.sandbox.handle = handle
    desk.restart()
    run = desk.bill().run.id
    with pytest.raises(InputError, match="would make a second one"):
        desk.ws.decide(run, "resend", ticket=32164)
    assert len(desk.posts("add_line_item")) == 1


def test_an_invoice_without_our_lines_is_a_question(desk):
    desk.fault(STEPS["invoice"], "drop_before")
    receipt = desk.bill()
    ticket = desk.ticket().ticket
    desk.sandbox._account.ticket_lines.change(
        desk.sandbox._account.ticket_lines.rows[ticket.lines[0].id], {"quantity": "5.0"}
    )
    meddle(desk, "/invoices", {"ticket_id": ticket.id, "customer_id": receipt.run.plan.customer_id})
    asked = desk.ws.resume(receipt.run.id)
    assert asked.next == "decide"
    assert any("does not hold our lines" in fact for fact in asked.as_json()["ask"]["evidence"])


@pytest.mark.parametrize("invoice", [True, False])
def test_what_is_stored_otherwise_than_it_was_answered_is_noticed(desk, invoice):
    def tamper(step, state, text):
        if (step, state) == ("line_item", "verified"):
            next(row for row in desk.sandbox._account.comments if row["subject"] == "Work done")["body"] = "cut"

    receipt = desk.bill(replace(HALF_AN_HOUR, invoice=invoice), progress=tamper)
    assert receipt.exit_status == 6
    assert any("comment: the text was changed" in fact for fact in receipt.as_json()["ask"]["evidence"])


@pytest.mark.parametrize("one", [("tax", "total", 1), ("subtotal", "tax", -1)])
def test_amounts_that_add_up_and_are_not_the_planned_ones_are_noticed(desk, one):
    first, second, sign = one

    def tamper(step, state, text):
        if (step, state) == ("invoice", "verified"):
            invoices = desk.sandbox._account.invoices
            row = max(invoices, key=lambda row: row["id"])
            fields = {f"{first}_cents": row[f"{first}_cents"] + 1, f"{second}_cents": row[f"{second}_cents"] + sign}
            invoices.change(row, fields)

    receipt = desk.bill(progress=tamper)
    assert receipt.exit_status == 6
    assert any(f"{first} is" in fact for fact in receipt.as_json()["ask"]["evidence"])


def test_a_wrong_line_that_a_person_removed_may_be_sent_again(desk):
    desk.fault(STEPS["line_item"], "drop_fields", fields=["price_retail"])
    receipt = desk.bill()
    line = desk.ticket().ticket.lines[0]
    meddle(desk, f"/tickets/{line.ticket_id}/remove_line_item", {"ticket_line_item_id": line.id})
    assert desk.ws.decide(receipt.run.id, "resend", ticket=32164).is_verified


def test_ctrl_c_while_a_request_is_under_way_leaves_a_run_in_doubt(desk):
    real = desk.sandbox.handle

    def interrupted(method, target, headers, body):
        if method == "POST" and target.startswith("/api/v1/invoices"):
            desk.sandbox.handle = real
            real(method, target, headers, body)
            raise KeyboardInterrupt
        return real(method, target, headers, body)

    desk.sandbox.handle = interrupted
    desk.restart()
    receipt = desk.bill()
    assert (receipt.exit_status, receipt.next) == (5, "resume")
    assert desk.restart().resume(receipt.run.id).is_verified


def test_a_bill_takes_nine_requests_after_the_confirmation(desk):
    plan = desk.ws.plan_bill(HALF_AN_HOUR)
    before = len(desk.ask("GET", "/_sandbox/log"))
    desk.ws.apply(plan, confirm=32164)
    assert len(desk.ask("GET", "/_sandbox/log")) - before <= 9


def test_a_customer_who_writes_meanwhile_does_not_stop_a_run_that_was_cut_off(desk):
    desk.fault(STEPS["line_item"], "status", status=422)
    receipt = desk.bill()
    meddle(desk, f"/tickets/{receipt.run.plan.ticket_id}/comment", {"subject": "Re", "body": "Thanks"})
    assert desk.restart().resume(receipt.run.id).is_verified


def test_a_change_that_is_undone_lets_the_run_go_on_and_one_that_stays_is_asked_about_once(desk):
    desk.fault(STEPS["line_item"], "status", status=422)
    receipt = desk.bill()
    ticket_id, run = receipt.run.plan.ticket_id, receipt.run.id
    part = {"name": "Part", "description": "Dock", "quantity": 1, "price_retail": 99}
    added = meddle(desk, f"/tickets/{ticket_id}/add_line_item", part)
    assert desk.restart().resume(run).next == "decide"
    meddle(desk, f"/tickets/{ticket_id}/remove_line_item", {"ticket_line_item_id": added["id"]})
    desk.fault(STEPS["invoice"], "status", status=422)
    stopped = desk.restart().resume(run)
    assert (states(stopped)["line_item"], states(stopped)["invoice"]) == ("verified", "refused")
    meddle(desk, f"/tickets/{ticket_id}/add_line_item", part)
    assert desk.restart().resume(run).as_json()["ask"]["step"] == "invoice"
    billed = desk.ws.decide(run, "resend", ticket=32164)  # a person wants the part on it: written, but not as approved
    assert (billed.exit_status, states(billed)["verify"]) == (6, "mismatch")
    assert len(desk.ticket().invoices) == 1


def test_no_second_invoice_is_made_while_the_ticket_does_not_hold_our_line(desk):
    def remove(step, state, text):
        if (step, state) == ("invoice", "intent"):
            (line,) = desk.ticket().ticket.lines
            meddle(desk, f"/tickets/{line.ticket_id}/remove_line_item", {"ticket_line_item_id": line.id})

    desk.fault(STEPS["invoice"], "drop_after")
    receipt = desk.bill(progress=remove)
    again = desk.restart()
    asked = again.resume(receipt.run.id)
    assert (asked.exit_status, states(asked)["invoice"]) == (5, "ask")
    with pytest.raises(InputError, match="does not hold what is to be invoiced"):
        again.decide(receipt.run.id, "resend", ticket=32164)
    assert len(desk.posts("invoices")) == 1


# ---------------------------------------------------------------- what a run can meet and not get past by itself


def test_a_ticket_that_is_gone_while_a_write_is_in_doubt_is_a_persons_and_the_run_can_be_ended(desk):
    timers = desk.ws.ticket(32182).ticket.timers
    desk.fault("POST /tickets/*/charge_timer_entry", "drop_before")
    receipt = desk.bill(BillDraft(32182, text="Replaced the dock", timer_ids=(timers[0].id,)))
    assert receipt.next == "resume"
    desk.ask("DELETE", f"/api/v1/tickets/{receipt.run.plan.ticket_id}")
    for _ in range(2):
        receipt = desk.restart().resume(receipt.run.id)
        assert (receipt.exit_status, receipt.next) == (5, "decide")
        assert "Syncro has no /tickets/" in str(receipt.as_json()["ask"]["evidence"])
    ended = desk.ws.decide(receipt.run.id, "abandon", ticket=32182)
    assert ended.run.state == "abandoned"
    assert desk.ws.journal.open_run(ended.run.plan.account, ended.run.plan.ticket_id) is None


def test_a_key_that_may_not_read_any_more_is_a_question_until_it_may_again(desk):
    desk.fault("POST /tickets/*/add_line_item", "drop_after")
    run = desk.bill().run.id
    desk.fault("GET /tickets/*", "status", status=401, times=1)
    assert desk.restart().resume(run).next == "decide"
    assert desk.restart().resume(run).is_verified
    assert len(desk.posts("add_line_item")) == 1


def test_what_syncro_refuses_again_is_a_question_and_each_resume_tries_once(desk):
    desk.fault("POST /tickets/*/add_line_item", "status", status=422, times=3)
    receipt = desk.bill()
    assert (receipt.exit_status, receipt.next) == (3, "resume")
    for tries in (2, 3):
        receipt = desk.restart().resume(receipt.run.id)
        assert receipt.next == "decide"
        assert "refused it (422)" in str(receipt.as_json()["ask"])
        assert len(desk.posts("add_line_item")) == tries
    assert desk.restart().resume(receipt.run.id).is_verified


def before(desk, wanted, act):
    """Do something in Syncro just before the first request for which `wanted(method, path, writes so far)` holds."""
    real, state = desk.sandbox.handle, {"writes": 0, "done": False}

    def handle(method, target, headers, body):
        if not state["done"] and wanted(method, target.partition("?")[0], state["writes"]):
            state["done"] = True
            act()
        state["writes"] += method != "GET"
        return real(method, target, headers, body)

    desk.sandbox.handle = handle
    desk.restart()


def test_a_ticket_that_became_another_customers_meanwhile_is_not_called_verified(desk):
    ticket = desk.ticket().ticket
    other = next(row["id"] for row in desk.sandbox._account.customers if row["id"] != ticket.customer_id)
    path = f"/api/v1/tickets/{ticket.id}"
    before(desk, lambda method, where, writes: writes == 2, lambda: desk.ask("PUT", path, {"customer_id": other}))
    receipt = desk.bill()
    assert receipt.exit_status == 6
    assert f"it is customer {other}'s" in str(receipt.as_json()["ask"])


def test_a_status_that_somebody_set_while_the_invoice_was_proved_is_not_overwritten(desk):
    path = f"/api/v1/tickets/{desk.ticket().ticket.id}"
    before(
        desk,
        lambda method, where, writes: writes == 3 and where.endswith("/invoices"),
        lambda: desk.ask("PUT", path, {"status": "Waiting on Customer"}),
    )
    receipt = desk.bill()
    assert receipt.next == "decide"
    assert desk.ticket().ticket.status == "Waiting on Customer"


def test_a_disk_that_is_full_when_the_work_is_read_back_leaves_a_run_to_go_on_with(desk):
    def full():
        raise ConfigError("the limiter's file cannot be written (disk full)")

    before(desk, lambda method, where, writes: writes == 3 and method == "GET", full)
    receipt = desk.bill()
    assert (receipt.exit_status, receipt.next) == (5, "resume")
    assert desk.restart().resume(receipt.run.id).is_verified


@pytest.mark.parametrize("rated", [False, True])
def test_a_customer_who_has_no_rate_and_was_never_taxed_is_exempt_also_beside_a_default_rate(desk, rated):
    account, customer_id = desk.sandbox._account, desk.ticket().ticket.customer_id
    if not rated:
        account.customers.change(account.customers.rows[customer_id], {"tax_rate_id": None})
        for invoice in account.invoices.where("customer_id", customer_id):
            account.invoices.change(invoice, {"tax_cents": 0, "total_cents": invoice["subtotal_cents"]})
    house = replace(desk.config.house, tax_rates={"default": Decimal("8.7")})
    desk.config = replace(desk.config, house=house)
    desk.restart()
    receipt = desk.bill()
    assert receipt.is_verified
    assert receipt.invoice["tax_cents"] == (653 if rated else 0)
