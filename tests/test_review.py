"""The review of a reconciliation: select, read, decide; totals by direction; nothing from outside becomes live."""

from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest
from desk import Desk

from syncro_nb.clock import StillClock
from syncro_nb.errors import InputError
from syncro_nb.forms.review import Review, review_form
from syncro_nb.reconcile.decisions import Decision, Decisions, identified
from syncro_nb.reconcile.finding import Finding, NotEvaluated
from syncro_nb.reconcile.report import Report

NOW = datetime(2026, 3, 31, 20, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"


def finding(key, rule="timer-uncharged", direction="leak", cents=7500, **more):
    values = {
        "severity": "S2",
        "exact": True,
        "customer": "Anvil Works",
        "ticket": 1,
        "invoice": None,
        "message": "half an hour",
    }
    evidence = {"ticket_id": 9001, "timer_id": 5, "rate_cents": 15000, "line_ids": [3, 4]}
    return Finding(rule, direction=direction, amount_cents=cents, key=key, **{"evidence": evidence, **values, **more})


FINDINGS = (finding("a"), finding("b", cents=2500), finding("c", "tax", "over", 99, evidence={"invoice_id": 7}))


def report(findings=FINDINGS, missed=(), rows=None):
    return Report(
        tuple(findings), tuple(missed), NOW, NOW, date(2026, 3, 1), date(2026, 3, 31), rows=rows or {"tickets": 1}
    )


@pytest.fixture
def kept(tmp_path):
    opened = Decisions(tmp_path, "acme", StillClock(NOW))
    yield opened
    opened.close()


@pytest.fixture
def form(kept, tmp_path):
    return Review(report(), kept, by="Ana", site="https://shop.example", folder=tmp_path)


def shown(form):
    return form.table.frame["key"].tolist()


def page(form):
    return form.head.value + form.missing.value + form.panel.value + form.status.value


# ---------------------------------------------------------------- reading


def test_totals_stand_by_direction_and_are_never_netted(form):
    head = form.head.value
    assert "$100.00" in head
    assert "$0.99" in head
    assert "$99.01" not in head
    assert "$100.99" not in head


def test_a_selected_finding_is_shown_with_sentence_evidence_links_and_repair(form):
    form.select("a")
    assert [one.key for one in form.selected] == ["a"]
    for words in ("half an hour", "$150.00", "3, 4", "exact", "https://shop.example/tickets/9001", "Charge timer 5"):
        assert words in form.panel.value


def test_several_selected_findings_are_added_up_by_direction(form):
    form.select("a", "c")
    assert "2 findings are selected" in form.panel.value
    assert "$75.00" in form.panel.value
    assert form.repair_button.disabled


def test_rules_and_states_can_be_filtered(form):
    form.rule.value = "tax"
    assert shown(form) == ["c"]
    form.rule.value = ""
    assert shown(form) == ["a", "b", "c"]


def test_what_was_not_evaluated_stands_at_the_top_and_nothing_is_an_all_clear(kept):
    made = Review(report((), [NotEvaluated("tax", "a page failed", 3)], rows={"tickets": 0}), kept)
    assert "a page failed (3 records): tax" in made.missing.value
    assert "nothing is clear" in made.head.value
    assert repr(made) == "<review of 0 findings, 0 to decide; 1 not evaluated>"


def test_a_reason_that_silences_several_rules_is_said_once(kept):
    missed = [NotEvaluated(rule, "a page failed", 3) for rule in ("tax", "zero-line")] + [NotEvaluated("tax", "odd", 1)]
    made = Review(report((), missed), kept)
    assert "2 rules could not look at everything" in made.missing.value
    assert made.missing.value.count("a page failed (3 records): tax, zero-line") == 1
    assert "odd (1 record): tax" in made.missing.value


def test_what_is_in_doubt_is_read_from_syncro_by_a_button_and_by_nothing_else(tmp_path):
    desk = Desk(tmp_path)
    desk.ws.sync()
    made = review_form(desk.ws, desk.ws.reconcile())
    wanted, before = made.report.proofs_wanted, len(desk.sandbox._log)
    assert made.read_button.description == f"Read {len(wanted)} records from Syncro"
    made.read_button.click()
    assert len(desk.sandbox._log) > before
    assert not made.report.proofs_wanted
    assert made.read_button.layout.display == "none"
    assert "details live" in made.status.value
    desk.close()


def test_a_review_without_a_workspace_offers_to_read_nothing(form):
    assert form.read_button.layout.display == "none"
    with pytest.raises(InputError, match="from a workspace"):
        form.read_live()


def test_hostile_text_is_shown_as_text(kept):
    made = Review(
        report((finding("a", customer=EVIL, message=EVIL, evidence={EVIL: EVIL}),), [NotEvaluated(EVIL, EVIL, None)]),
        kept,
    )
    made.select("a")
    assert "<script>" not in page(made)
    assert "&lt;script&gt;" in page(made)


# ---------------------------------------------------------------- deciding


def test_a_decision_is_kept_on_every_selected_finding(form, kept):
    form.select("a", "b")
    form.choice.value = "accepted"
    form.reason.value = "courtesy"
    made = form.decide()
    assert [(one.key, one.reason, one.by) for one in made] == [("a", "courtesy", "Ana"), ("b", "courtesy", "Ana")]
    assert kept.all() == sorted(made, key=lambda one: one.id)
    assert shown(form) == ["c"]
    assert "on 2 findings" in form.status.value
    assert form.choice.value == ""
    assert "courtesy" in form.reason.options


def test_decided_ones_can_be_looked_at_again(form):
    form.select("a")
    form.choice.value = "not an issue"
    form.decide()
    form.state.value = "all"
    assert shown(form) == ["a", "b", "c"]
    form.select("a")
    assert "not an issue (Ana, 2026-03-31)" in form.panel.value


@pytest.mark.parametrize(
    ("select", "choice", "more", "said"),
    [
        ((), "fixed", {}, "select one or more"),
        (("a",), "", {}, "choose one of"),
        (("a",), "accepted", {}, "why is it accepted"),
        (("a",), "snoozed", {}, "until which day"),
        (("a",), "fixed", {"by": " "}, "needs a name"),
    ],
)
def test_what_is_missing_is_said_in_the_form_and_nothing_is_kept(form, kept, select, choice, more, said):
    form.select(*select)
    form.choice.value = choice
    for name, value in more.items():
        getattr(form, name).value = value
    with pytest.raises(InputError, match=said):
        form.decide()
    form.decide_button.click()
    assert said in form.status.value
    assert kept.all() == []


def test_reason_and_day_are_asked_for_where_they_are_needed(form):
    assert form.reason.layout.display == "none"
    form.choice.value = "snoozed"
    assert (form.until.layout.display, form.reason.layout.display) == ("", "")
    form.choice.value = "fixed"
    assert form.until.layout.display == "none"


def test_a_snoozed_finding_is_away_until_its_day(form):
    form.select("a")
    form.choice.value = "snoozed"
    form.until.value = date(2026, 4, 10)
    form.decide_button.click()
    assert shown(form) == ["b", "c"]


def test_a_conflict_is_shown(kept):
    common = {"account": "acme", "key": "a", "rule": "timer-uncharged", "direction": "leak", "amount_cents": 7500}
    one = identified(Decision(choice="accepted", by="Ana", at=NOW, reason="courtesy", **common))
    two = identified(Decision(choice="fixed", by="Ben", at=NOW - timedelta(hours=1), **common))
    kept._keep([one, two])
    assert "Decided differently" in Review(report(), kept).head.value


def test_an_unexpected_fault_is_shown_and_raised(form, monkeypatch):
    monkeypatch.setattr(form, "decide", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        form._guarded(lambda _: form.decide())(None)
    assert "A fault of syncro_nb" in form.status.value


# ---------------------------------------------------------------- repairing and saving


def test_a_repair_is_handed_to_who_can_plan_it(kept):
    import ipywidgets as widgets

    asked = []
    made = Review(report(), kept, on_repair=lambda repair: asked.append(repair) or widgets.Label("the plan"))
    made.select("a")
    made.repair_button.click()
    assert asked[0].fields["timer_id"] == 5
    assert [one.value for one in made.opened.children] == ["the plan"]
    assert "Opening it has sent nothing" in made.status.value


def test_where_nothing_can_be_repaired_the_button_is_off_and_says_why(form):
    form.select("c")
    assert form.repair_button.disabled
    with pytest.raises(InputError, match="cannot put this right"):
        form.open_repair()
    form.select("a", "b")
    with pytest.raises(InputError, match="select one finding"):
        form.open_repair()


def test_the_whole_report_is_saved_as_a_workbook_with_the_decisions(form, tmp_path):
    form.select("a")
    form.choice.value = "fixed"
    form.decide()
    form.workbook_button.click()
    assert "reconciliation.xlsx" in form.status.value
    book = openpyxl.load_workbook(tmp_path / "reconciliation.xlsx")
    assert book.sheetnames[:2] == ["Summary", "All findings"]
    form.file_name.value = "reconciliation.csv"
    form.workbook_button.click()
    assert "must end in .xlsx" in form.status.value
    form.file_name.value = ""
    form.workbook_button.click()
    assert "which file?" in form.status.value


def test_it_is_shown_by_its_words_where_there_are_no_widgets(form):
    assert repr(form) == "<review of 3 findings, 3 to decide>"
    assert form._repr_mimebundle_()["text/plain"] == repr(form)
