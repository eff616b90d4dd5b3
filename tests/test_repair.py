"""From a finding to the write that repairs it: the right draft, with fields that the one write path can plan."""

from dataclasses import replace
from decimal import Decimal

import pytest
from desk import Desk
from everything import read_everything

from syncro_nb.errors import InputError
from syncro_nb.forms.repair import draft_of
from syncro_nb.forms.review import review_form
from syncro_nb.reconcile.finding import Finding
from syncro_nb.reconcile.repair import Repair, repair_of
from syncro_nb.reconcile.report import reconcile
from syncro_nb.writes.bill import BillDraft, DraftLine
from syncro_nb.writes.correction import LineDraft, UnbillDraft
from syncro_nb.writes.ticket import UpdateDraft
from syncro_nb.writes.timer import TimerDraft


def finding(rule, ticket=7, invoice=None, **evidence):
    return Finding(rule, "S2", "leak", 7500, True, "Anvil Works", ticket, invoice, "k", "", evidence)


def test_an_uncharged_timer_is_charged():
    repair = repair_of(finding("timer-uncharged", timer_id=5))
    assert draft_of(repair) == TimerDraft(7, "charge", timer_id=5)
    assert "timer 5" in repair.sentence


def test_a_price_or_a_quantity_is_set_while_the_line_waits():
    assert draft_of(repair_of(finding("rate-drift", line_id=3, rate_cents=15000))) == LineDraft(7, 3, price_cents=15000)
    assert draft_of(repair_of(finding("zero-line", line_id=3, rate_cents=999))) == LineDraft(7, 3, price_cents=999)
    more = draft_of(repair_of(finding("quantity-vs-timer", line_id=3, timer_hours=0.75)))
    assert more == LineDraft(7, 3, quantity=Decimal("0.75"))
    assert draft_of(repair_of(finding("double-charge", line_id=3))) == LineDraft(7, 3, remove=True)


@pytest.mark.parametrize("rule", ["rate-drift", "zero-line", "quantity-vs-timer", "double-charge"])
def test_a_line_on_an_invoice_is_left_to_a_person(rule):
    assert repair_of(finding(rule, line_id=3, rate_cents=15000, timer_hours=0.75, invoice_line_id=4)) is None


def test_what_waits_is_invoiced_and_timers_are_charged_with_it():
    waiting = repair_of(finding("pending-stale", line_id=3))
    assert draft_of(waiting, text="Router") == BillDraft(7, text="Router", waiting=True)
    assert waiting.asks == ("text",)
    timers = repair_of(finding("invoiced-unproven", line_ids=[], timer_ids=[5, 6]))
    assert draft_of(timers, text="Router") == BillDraft(7, text="Router", timer_ids=(5, 6))


def test_a_line_that_is_missing_is_put_back_without_an_invoice_and_without_a_mail():
    repair = repair_of(finding("charged-no-line", timer_id=5, product_id=26118, hours=0.75))
    assert draft_of(repair, text="Router") == BillDraft(
        7, text="Router", hidden=True, email=False, invoice=False, lines=(DraftLine(26118, Decimal("0.75"), "Router"),)
    )


def test_a_second_invoice_is_deleted_and_a_status_set():
    assert draft_of(repair_of(finding("duplicate-invoice", invoice=10456))) == UnbillDraft("10456")
    assert draft_of(repair_of(finding("invoiced-but-open"))) == UpdateDraft(7, status="Invoiced")


def test_a_running_timer_is_stopped_and_work_without_time_billed_by_a_person():
    assert draft_of(repair_of(finding("timer-running", timer_id=5))) == TimerDraft(7, "stop")
    repair = repair_of(finding("resolved-no-time"))
    assert (draft_of(repair), repair.asks) == (BillDraft(7), ("minutes", "labour", "text"))


@pytest.mark.parametrize(
    "rule", ["tax", "paid-flags", "ledger-difference", "block-draw", "receivable-overdue", "recurring-missed"]
)
def test_what_the_api_cannot_repair_is_left_to_a_person(rule):
    assert repair_of(finding(rule, timer_id=5, line_id=3, rate_cents=1)) is None


@pytest.mark.parametrize(
    "rule", ["timer-uncharged", "pending-stale", "charged-no-line", "resolved-no-time", "timer-running"]
)
def test_without_a_ticket_there_is_nothing_to_open(rule):
    assert repair_of(replace(finding(rule, timer_id=5), ticket=None)) is None


def test_a_repair_of_an_unknown_kind_is_no_draft():
    with pytest.raises(KeyError):
        draft_of(Repair("guess", 7))


def test_the_repairs_of_the_sandboxs_findings_can_be_planned(tmp_path):
    desk = Desk(tmp_path)
    books = read_everything(desk.ws.client)
    report = reconcile(books, desk.ws.house, rules={"timer-uncharged", "pending-stale", "zero-line", "rate-drift"})
    repairs = [repair for one in report.findings if (repair := repair_of(one)) is not None]
    assert {one.kind for one in repairs} >= {"timer", "bill"}
    for repair in repairs:
        plan = desk.ws.plan(draft_of(repair, text="Put right at the end of the month"))
        assert plan.steps
    assert desk.writes() == []
    desk.close()


# ---------------------------------------------------------------- from the form, end to end


@pytest.fixture
def month(tmp_path):
    """A desk with a whole mirror, and the review of everything up to now."""
    desk = Desk(tmp_path)
    desk.ws.sync(full=True)
    yield desk, review_form(desk.ws, desk.ws.reconcile(to="2026-03-31"), by="Ana", folder=tmp_path)
    desk.close()


def opened(review, rule):
    """The first finding of a rule whose repair can be planned, with the form of that repair."""
    for one in review.report.findings:
        if one.rule == rule and repair_of(one) is not None:
            review.select(one.key)
            review.repair_button.click()
            return one, review.repair
    raise AssertionError(f"no finding of {rule} can be repaired")


def test_an_uncharged_timer_is_charged_from_the_review_and_counts_as_recovered(month):
    desk, review = month
    finding, form = opened(review, "timer-uncharged")
    assert desk.writes() == []
    form.preview_button.click()
    assert str(finding.evidence["timer_id"]) in form.shown.value
    assert form.submit_button.disabled
    form.word.value = "1"
    assert form.submit_button.disabled
    form.word.value = str(finding.ticket)
    form.submit_button.click()
    assert form.receipt.is_verified
    assert [path for _, path, _ in desk.writes()] == ["charge_timer_entry"]
    (kept,) = desk.ws.receipts()
    assert (kept.run.plan.ticket_number, kept.run.state) == (finding.ticket, "done")

    desk.clock.sleep(3600)
    desk.ws.sync()
    later = desk.ws.reconcile(to="2026-03-31")
    assert finding.key not in {one.key for one in later.findings}
    bridge = desk.ws.decisions.bridge().query("rule == 'timer-uncharged'")
    assert int(bridge["recovered_cents"].sum()) == finding.amount_cents
    assert int(bridge["found_cents"].sum()) == int(bridge["open_cents"].sum()) + finding.amount_cents


def test_a_repair_without_the_number_typed_writes_nothing(month):
    desk, review = month
    _, form = opened(review, "timer-uncharged")
    form.look()
    form.word.value = "no"
    with pytest.raises(InputError, match="to confirm"):
        form.submit()
    assert desk.writes() == []


def test_what_only_a_person_can_say_is_asked(month):
    desk, review = month
    _, form = opened(review, "resolved-no-time")
    assert set(form.inputs) == {"minutes", "labour", "text"}
    assert "minutes" in form.problems
    _, form = opened(review, "pending-stale")
    assert set(form.inputs) == {"text"}
    form.inputs["text"].value = "Put right at the end of the month"
    assert form.look().steps
    assert desk.writes() == []


def test_another_row_takes_the_repair_away(month):
    _, review = month
    opened(review, "timer-uncharged")
    assert review.opened.children
    review.select()
    assert review.opened.children == ()
    assert review.repair is None
