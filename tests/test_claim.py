"""A claim's form and its decision, and two machines on one Syncro: two desks that share a sandbox and nothing else."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from desk import HALF_AN_HOUR, Desk

from syncro_nb.errors import InputError
from syncro_nb.service.records import Comment
from syncro_nb.writes import claim, reference
from syncro_nb.writes.bill import BillDraft
from syncro_nb.writes.claim import Billed, Claim, Go, Lost, TakeOver, Unseen, Wait, Withdraw, decide
from syncro_nb.writes.correction import UnbillDraft
from syncro_nb.writes.ticket import CommentDraft

ANN, BOB = Claim("RA222222"), Claim("RB333333")
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def note(number, request, minutes=0, **more):
    at = NOON + timedelta(minutes=minutes)
    return Comment(**{"id": number, "body": request.body["body"], "user_id": 1, "created_at": at, **more})


def claims(number, mine, minutes=0, account="blue", ticket_id=5, **more):
    return note(number, claim.claim_request(account, ticket_id, mine), minutes, **more)


def ends(number, mine, minutes=0):
    return note(number, claim.end_request("blue", 5, mine), minutes)


def decided(comments, mine=ANN, **more):
    return decide(comments, mine, "blue", 5, **more)


# ---------------------------------------------------------------- the decision


def test_a_claim_is_hidden_not_mailed_and_says_what_it_is_without_naming_the_machine():
    request = claim.claim_request("blue", 5, ANN)
    assert (request.body["hidden"], request.body["do_not_email"]) == (True, True)
    assert request.body["body"].splitlines()[0].startswith("At work on this ticket's bill.")
    assert request.body["body"].splitlines()[-1].startswith("Claim SNB-RA222222-1-")
    assert reference.last_reference(request.body["body"]) is None
    assert claim.is_claim(request.body["body"])
    assert not claim.is_claim(reference.under("Cleared the queue", "SNB-7K3MQ9-4T2X"))


def test_alone_it_goes_on_and_not_before_it_has_seen_its_own_claim():
    assert decided([]) == Unseen()
    assert decided([claims(7, ANN)]) == Go(7)
    assert decided([claims(7, BOB)]) == Unseen()


def test_of_two_that_see_each_other_the_higher_id_withdraws_and_the_lower_waits_until_it_has():
    both = [claims(7, ANN), claims(8, BOB)]
    assert isinstance(decided(both, ANN), Wait)
    assert isinstance(decided(both, BOB), Withdraw)
    assert decided([*both, ends(9, BOB)], ANN) == Go(7)
    assert decided([*both, ends(9, BOB)], BOB) == Lost()


def test_a_claim_that_became_visible_late_with_a_lower_id_gets_nothing_by_it():
    assert decided([claims(8, BOB)], BOB) == Go(8)  # Bob is at the bill
    assert isinstance(decided([claims(7, ANN), claims(8, BOB)], ANN), Wait)


def test_only_what_expired_by_syncros_own_stamps_may_be_taken_over():
    early, late = [claims(7, BOB), claims(8, ANN, 14)], [claims(7, BOB), claims(8, ANN, 15)]
    assert isinstance(decided(early), Withdraw)
    assert isinstance(decided(late), TakeOver)
    assert decided(late).others[0].claim.name == BOB.name
    assert isinstance(decided([claims(7, BOB, created_at=None), claims(8, ANN, 99)]), Withdraw)
    assert isinstance(decided([claims(7, BOB), claims(8, ANN, created_at=None)]), Withdraw)


def test_who_was_taken_over_has_lost_its_claim_and_the_taker_goes_on():
    taker = replace(ANN, attempt=2, over=(BOB.name,))
    rows = [claims(7, BOB), claims(8, ANN, 15), claims(9, taker, 16)]
    assert decided(rows, taker) == Go(9)
    assert decided(rows, BOB) == Lost()
    assert isinstance(decided([*rows, claims(10, replace(BOB, attempt=2), 17)], replace(BOB, attempt=2)), Withdraw)


def test_an_end_speaks_of_its_attempt_and_earlier_ones_only():
    second = replace(ANN, attempt=2)
    rows = [claims(7, ANN), claims(8, second), ends(9, ANN)]
    assert decided(rows, second) == Go(8)
    assert isinstance(decided([*rows, claims(10, BOB)], BOB), Withdraw)
    assert decided([*rows, claims(10, BOB), ends(11, second)], BOB) == Go(10)


def test_the_status_invoiced_ends_a_bills_claim_and_stops_other_bills():
    correction = replace(ANN, until_invoiced=False)
    rows = [claims(7, BOB), claims(8, correction)]
    assert isinstance(decided(rows, correction), Withdraw)
    assert decided(rows, correction, is_invoiced=True) == Go(8)
    assert decided([claims(7, BOB), claims(8, ANN)], ANN, is_invoiced=True) == Billed()
    held = [claims(7, replace(BOB, until_invoiced=False)), claims(8, correction)]
    assert isinstance(decided(held, correction, is_invoiced=True), Withdraw)


def test_runs_that_the_own_journal_knows_to_have_ended_do_not_stand():
    assert decided([claims(7, BOB), claims(8, ANN)], ended_runs={BOB.run}) == Go(8)


@pytest.mark.parametrize(
    "other",
    [
        claims(7, BOB, user_id=None),  # a customer's reply that quotes it
        claims(7, BOB, ticket_id=6),  # a merged ticket
        claims(7, BOB, account="green"),
        note(7, claim.end_request("blue", 5, BOB)),
        Comment(id=7, user_id=1, body=claims(7, BOB).body + "\nThanks!"),
        Comment(id=7, user_id=1, body=claims(7, BOB).body.replace("RB333333-1", "RB333333-2")),
        Comment(id=7, user_id=1, body="Claim"),
        Comment(id=7, user_id=1, body=""),
    ],
)
def test_what_is_not_a_claim_on_this_ticket_does_not_stand(other):
    assert decided([other, claims(8, ANN)]) == Go(8)


def test_a_claim_that_arrived_twice_stands_once():
    assert decided([claims(7, ANN), claims(9, ANN)]) == Go(7)
    assert isinstance(decided([claims(7, ANN), claims(8, BOB), claims(9, ANN)], BOB), Withdraw)


def test_line_ends_and_blanks_do_not_hide_a_claim():
    body = claims(7, ANN).body.replace("\n", "\r\n") + "  \r\n\r\n"
    assert decided([Comment(id=7, body=body, user_id=1)]) == Go(7)


# ---------------------------------------------------------------- two machines


class Machine(Desk):
    """A desk with claims on; `beside` another one it shares the sandbox and the time, and nothing else."""

    def __init__(self, home, beside=None):
        super().__init__(home, beside and beside.sandbox)
        self.clock = beside.clock if beside else self.clock
        self.config = replace(self.config, claims=True)
        self.restart()


@pytest.fixture
def ann(tmp_path):
    machine = Machine(tmp_path / "ann")
    yield machine
    machine.close()


@pytest.fixture
def bob(tmp_path, ann):
    machine = Machine(tmp_path / "bob", ann)
    yield machine
    machine.close()


def states(receipt):
    return {one["step"]: one["state"] for one in receipt.as_json()["steps"]}


def notes(desk):
    """The last lines of claims and ends, oldest first, without their check letters."""
    rows = sorted(desk.ticket().ticket.comments, key=lambda one: one.id)
    return [one.body.splitlines()[-1].split(" until")[0][:-5] for one in rows if claim.is_claim(one.body)]


def billed(desk):
    view = desk.ticket()
    return len(view.invoices), len(view.ticket.lines)


def test_a_bill_alone_claims_first_and_takes_two_requests_more(ann):
    plan = ann.ws.plan_bill(HALF_AN_HOUR)
    assert [step.name for step in plan.steps] == ["claim", "comment", "line_item", "invoice", "verify", "status"]
    assert "POST /tickets/" in "\n".join(plan.text())
    before = len(ann.ask("GET", "/_sandbox/log"))
    receipt = ann.ws.apply(plan, confirm=32164)
    assert len(ann.ask("GET", "/_sandbox/log")) - before <= 9 + 2
    assert receipt.is_verified
    assert receipt.as_json()["steps"][0] == {"step": "claim", "state": "verified", "id": receipt.run.steps[0].record_id}
    mine = next(one for one in ann.ticket().ticket.comments if claim.is_claim(one.body))
    assert mine.hidden
    assert notes(ann) == [f"Claim SNB-{receipt.run.id}-1"]


def test_without_the_switch_nothing_is_claimed(tmp_path):
    desk = Desk(tmp_path / "home")
    assert desk.bill().is_verified
    assert notes(desk) == []
    desk.close()


def test_a_run_without_an_invoice_writes_its_end(ann):
    receipt = ann.bill(replace(HALF_AN_HOUR, invoice=False))
    assert receipt.is_verified
    assert [one["step"] for one in receipt.as_json()["steps"]][:5] == [
        "claim",
        "comment",
        "line_item",
        "verify",
        "claim",
    ]
    assert notes(ann) == [f"Claim SNB-{receipt.run.id}-1", f"End SNB-{receipt.run.id}-1"]


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_an_end_that_does_not_arrive_is_no_doubt_about_the_work(ann, kind):
    ann.fault("POST /tickets/*/comment", kind, skip=2)
    receipt = ann.bill(replace(HALF_AN_HOUR, invoice=False))
    assert (receipt.exit_status, receipt.run.state, receipt.run.steps[-1].state) == (0, "done", "skipped")


def test_two_that_start_at_once_make_one_bill(ann, bob):
    plan = bob.ws.plan_bill(replace(HALF_AN_HOUR, text="The print queue, cleared"))
    second = []

    def meanwhile(step, state, text):
        if (step, state) == ("claim", "intent") and not second:
            second.append(None)
            second[0] = bob.ws.apply(plan, confirm=32164)

    first = ann.bill(progress=meanwhile)
    assert second[0].is_verified  # it was first; the claim of the other came later
    assert (first.exit_status, first.run.state, states(first)["claim"]) == (2, "nothing", "refused")
    assert "Nothing was billed" in first.message
    assert billed(ann) == (1, 1)


def test_the_later_of_two_claims_is_withdrawn_and_the_earlier_goes_on(ann, bob):
    plan = bob.ws.plan_bill(replace(HALF_AN_HOUR, text="The print queue, cleared"))
    real, second = ann.sandbox.handle, []

    def between(method, target, headers, body):
        answer = real(method, target, headers, body)
        if not second and method == "POST" and "/comment" in target:
            second.append(None)
            bob.ws.journal.begin(plan)  # he had looked at the ticket before her claim arrived
            second[0] = bob.ws.resume(plan.run)
        return answer

    ann.sandbox.handle = between
    ann.restart()
    first = ann.bill()
    assert first.is_verified
    assert (second[0].exit_status, second[0].run.state) == (2, "nothing")
    assert "somebody else is at this ticket" in second[0].message
    assert notes(ann) == [
        f"Claim SNB-{first.run.id}-1",
        f"Claim SNB-{second[0].run.id}-1",
        f"End SNB-{second[0].run.id}-1",
    ]
    assert billed(ann) == (1, 1)


def test_who_waits_for_one_that_does_not_withdraw_withdraws_too(ann, bob):
    real = ann.sandbox.handle

    def between(method, target, headers, body):
        answer = real(method, target, headers, body)
        if method == "POST" and "/comment" in target and b"Claim" in body:
            ann.sandbox.handle = real
            ticket_id = int(target.split("/")[4])
            hanging = claim.claim_request("sandbox", ticket_id, BOB).body
            bob.ask("POST", f"/api/v1/tickets/{ticket_id}/comment", dict(hanging))
        return answer

    ann.sandbox.handle = between
    ann.restart()
    receipt = ann.bill()
    assert (receipt.exit_status, receipt.run.state) == (2, "nothing")
    assert ann.clock.elapsed >= 25
    assert billed(ann) == (0, 0)


def test_a_preview_on_a_claimed_ticket_is_blocked_and_says_who_is_there(ann, bob):
    ann.fault("POST /tickets/*/add_line_item", "drop_after")
    receipt = ann.bill()
    assert receipt.exit_status == 5
    plan = bob.ws.plan_bill(replace(HALF_AN_HOUR, text="Something else"))
    assert any(receipt.run.id in one and "at work on this ticket" in one for one in plan.blockers)
    before = bob.writes()
    with pytest.raises(InputError, match="nothing was written"):
        bob.ws.apply(plan, confirm=32164)
    assert bob.writes() == before
    assert ann.restart().resume(receipt.run.id).is_verified


def test_a_claim_of_a_machine_that_is_gone_is_taken_over_by_a_persons_word(ann, bob):
    ann.fault("POST /tickets/*/add_line_item", "drop_before")
    lost = ann.bill()
    ann.clock.sleep(claim.CLAIM_SECONDS)
    plan = bob.ws.plan_bill(replace(HALF_AN_HOUR, text="Something else"))
    assert not plan.blockers
    assert any("never ended it" in one for one in plan.warnings)
    asked = bob.ws.apply(plan, confirm=32164)
    assert (asked.exit_status, asked.next, asked.as_json()["ask"]["step"]) == (5, "decide", "claim")
    assert lost.run.id in asked.as_json()["ask"]["evidence"][0]
    assert bob.ws.resume(asked.run.id).next == "decide"  # it is not asked away
    with pytest.raises(InputError, match="holds no claim that has expired"):
        bob.ws.decide(asked.run.id, "adopt", ticket=32164, record_id=1)
    held = lost.run.steps[0].record_id
    assert bob.ws.decide(asked.run.id, "adopt", ticket=32164, record_id=held).is_verified
    assert billed(bob) == (1, 1)
    # The machine that was gone comes back: it has lost its claim, looks, and finds that the ticket is billed.
    back = ann.restart().resume(lost.run.id)
    assert (back.exit_status, back.next) == (5, "decide")
    assert billed(ann) == (1, 1)
    assert ann.ws.decide(lost.run.id, "abandon", ticket=32164).run.state == "abandoned"


def test_a_run_that_was_slow_claims_anew_before_it_sends_more(ann):
    def slow(step, state, text):
        if (step, state) == ("comment", "verified"):
            ann.clock.sleep(800)

    receipt = ann.bill(progress=slow)
    assert receipt.is_verified
    assert notes(ann) == [f"Claim SNB-{receipt.run.id}-1", f"Claim SNB-{receipt.run.id}-2"]


def test_what_waits_so_long_for_its_turn_that_the_claim_runs_out_does_not_leave(ann):
    waited = []

    class Slots:
        """A limiter that lets the first line item wait for very long."""

        @contextmanager
        def slot(self, *, bulk=False):
            current = ann.ws.receipts()[0].current if ann.ws.receipts() else None
            if current and (current.step.name, current.state) == ("line_item", "intent") and not waited:
                waited.append(True)
                ann.clock.sleep(1000)
            yield

    ann.ws.client._transport._limiter = Slots()
    receipt = ann.bill()
    assert waited
    assert receipt.is_verified
    assert billed(ann) == (1, 1)
    assert len(ann.posts("add_line_item")) == 1
    assert len(notes(ann)) == 2


@pytest.mark.parametrize(("kind", "attempts"), [("drop_before", 2), ("drop_after", 1), ("garbage", 1)])
def test_a_claim_in_doubt_is_looked_for_and_one_that_is_not_there_is_written_anew(ann, kind, attempts):
    ann.fault("POST /tickets/*/comment", kind)
    receipt = ann.bill()
    assert (receipt.exit_status, states(receipt)["claim"]) == (5, "unknown")
    done = ann.restart().resume(receipt.run.id)
    assert done.is_verified
    assert done.run.steps[0].attempt == attempts
    assert billed(ann) == (1, 1)


def test_a_claim_that_lands_after_the_next_one_was_written_does_no_harm(ann, bob):
    ann.fault("POST /tickets/*/comment", "late_commit", seconds=200)
    run = ann.bill().run.id
    ann.clock.sleep(130)
    assert ann.restart().resume(run).is_verified
    ann.clock.sleep(200)
    assert len(notes(ann)) == 2
    assert any("already" in one for one in bob.ws.plan_bill(HALF_AN_HOUR).blockers)


def test_after_a_reboot_nobody_knows_how_old_the_claim_is_so_it_is_written_anew(ann):
    ann.fault("POST /invoices", "status", status=422)
    receipt = ann.bill()
    assert states(receipt)["invoice"] == "refused"
    assert ann.restart(boot="another").resume(receipt.run.id).is_verified
    assert len(notes(ann)) == 2


def test_a_claim_that_customers_would_see_stops_the_run(ann):
    ann.fault("POST /tickets/*/comment", "drop_fields", fields=["hidden"])
    receipt = ann.bill()
    assert (receipt.exit_status, receipt.next, states(receipt)["claim"]) == (6, "decide", "mismatch")
    assert ann.posts("add_line_item") == []
    again = ann.ws.decide(receipt.run.id, "adopt", ticket=32164, record_id=receipt.run.steps[0].record_id)
    assert again.run.state == "done"


def test_a_refusal_of_the_first_step_frees_the_ticket_for_others_at_once(ann, bob):
    ann.fault("POST /tickets/*/comment", "status", status=422, skip=1)
    receipt = ann.bill()
    assert (receipt.exit_status, receipt.run.state) == (3, "nothing")
    assert bob.bill().is_verified


def test_an_abandoned_run_frees_the_ticket_for_others_at_once(ann, bob):
    ann.fault("POST /invoices", "status", status=422)
    receipt = ann.bill()
    assert bob.ws.plan_bill(replace(HALF_AN_HOUR, text="Else")).blockers
    assert ann.ws.decide(receipt.run.id, "abandon", ticket=32164).run.state == "abandoned"
    assert notes(ann)[-1] == f"End SNB-{receipt.run.id}-1"
    assert not [one for one in bob.ws.plan_bill(replace(HALF_AN_HOUR, text="Else")).blockers if "at work" in one]


@pytest.mark.parametrize("landed", [True, False])
def test_a_withdrawal_that_was_cut_off_never_brings_the_claim_back(ann, bob, landed):
    class Crash(BaseException):
        pass

    real = ann.sandbox.handle

    def between(method, target, headers, body):
        if method == "POST" and b"\\nEnd SNB" in body:
            ann.sandbox.handle = real
            if landed:
                real(method, target, headers, body)
            raise Crash
        answer = real(method, target, headers, body)
        if method == "POST" and b"\\nClaim SNB" in body and not any("RB333333" in one for one in notes(bob)):
            ticket_id = int(target.split("/")[4])
            hanging = claim.claim_request("sandbox", ticket_id, BOB).body
            bob.ask("POST", f"/api/v1/tickets/{ticket_id}/comment", dict(hanging))
        return answer

    ticket_id = ann.ticket().ticket.id
    ann.sandbox.handle = between
    ann.restart()
    with pytest.raises(Crash):
        ann.bill()
    run = ann.restart().receipts()[0].run
    bob.ask("POST", f"/api/v1/tickets/{ticket_id}/comment", dict(claim.end_request("sandbox", ticket_id, BOB).body))
    done = ann.ws.resume(run.id)
    assert done.is_verified
    assert notes(ann)[-1] == f"Claim SNB-{run.id}-3"  # the second stands for the withdrawal, and was never written


def test_a_correction_elsewhere_is_not_held_up_by_a_bill_that_is_done(ann, bob):
    receipt = ann.bill()
    plan = bob.ws.plan(UnbillDraft(invoice_number=receipt.invoice["number"]))
    assert not plan.blockers
    done = bob.ws.apply(plan, confirm=plan.confirmation)
    assert done.is_verified
    assert notes(bob)[-2:] == [f"Claim SNB-{done.run.id}-1", f"End SNB-{done.run.id}-1"]


# ---------------------------------------------------------------- what a journal does not know


def test_a_bill_that_a_lost_journal_left_half_done_is_seen_in_the_preview(ann, bob):
    ann.fault("POST /invoices", "status", status=422)
    ann.bill()
    ann.clock.sleep(claim.CLAIM_SECONDS)
    plan = bob.ws.plan_bill(replace(HALF_AN_HOUR, text="Something else"))
    assert any("waits on the ticket, and is by a run that this journal does not know" in one for one in plan.blockers)
    again = bob.ws.plan_bill(HALF_AN_HOUR)
    assert any(one.startswith("comment") and "says the same" in one for one in again.blockers)


def test_a_person_who_accepted_the_journal_has_looked_at_what_was_there_before(ann, bob):
    ann.fault("POST /invoices", "status", status=422)
    ann.bill()
    ann.clock.sleep(claim.CLAIM_SECONDS)
    bob.ws.journal.accept()
    assert not bob.ws.plan_bill(replace(HALF_AN_HOUR, text="Something else")).blockers


def test_a_colleagues_finished_comment_is_told_and_stops_nothing(ann, bob):
    said = ann.ws.plan(CommentDraft(ticket_number=32164, text="Called, nobody there"))
    assert ann.ws.apply(said, confirm=32164).is_verified
    plan = bob.ws.plan_bill(HALF_AN_HOUR)
    assert not plan.blockers
    assert any("this journal does not know" in one for one in plan.warnings)
    assert not [one for one in ann.ws.plan_bill(HALF_AN_HOUR).warnings if "does not know" in one]


def test_timers_are_claimed_like_any_bill(ann):
    timers = ann.ws.ticket(32182).ticket.timers
    receipt = ann.bill(BillDraft(32182, text="Replaced the dock", timer_ids=(timers[0].id,)))
    assert receipt.is_verified
    assert receipt.run.steps[0].step.name == "claim"
