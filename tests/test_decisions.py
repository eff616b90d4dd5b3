"""Decisions on findings: kept, shown next month, merged between analysts, and what became of the money."""

import json
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncro_nb.clock import StillClock
from syncro_nb.errors import InputError
from syncro_nb.reconcile.decisions import (
    BRIDGE,
    REVIEWED,
    WRITE_OFFS,
    Decision,
    Decisions,
    Sighting,
    bridge,
    identified,
    last,
    merge,
    review,
    standing,
    write_offs,
)
from syncro_nb.reconcile.finding import Finding, NotEvaluated
from syncro_nb.reconcile.report import Report

MARCH = datetime(2026, 3, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def finding(key="k1", cents=7500, direction="leak", exact=True, rule="timer-uncharged", on="2026-03-10", **more):
    values = {"severity": "S2", "customer": "Harbor Dental", "ticket": 32164, "invoice": None, "message": "Not charged"}
    return Finding(rule=rule, direction=direction, amount_cents=cents, exact=exact, key=key, on=on, **(values | more))


def report(*findings, as_of=MARCH, from_=date(2026, 3, 1), to=date(2026, 3, 31), missed=()):
    gaps = tuple(NotEvaluated(one, "a page failed", None) for one in missed)
    return Report(tuple(findings), gaps, as_of, as_of, from_, to)


def seen(*findings, as_of=MARCH, from_=date(2026, 3, 1), to=date(2026, 3, 31), missed=()):
    return Sighting(as_of, from_, to, tuple(findings), frozenset(missed))


def decided(choice="accepted", at=MARCH, by="Ana", key="k1", after=(), cents=7500, **more):
    reason = more.pop("reason", "courtesy" if choice == "accepted" else "")
    return identified(
        Decision(
            account="acme", key=key, choice=choice, by=by, at=at, reason=reason, after=tuple(one.id for one in after),
            rule="timer-uncharged", direction="leak", amount_cents=cents, on="2026-03-10", **more,
        )
    )  # fmt: skip


@pytest.fixture
def kept(tmp_path):
    opened = Decisions(tmp_path, "acme", StillClock(MARCH))
    yield opened
    opened.close()


def state(one, *decisions, as_of=MARCH, today=date(2026, 4, 1)):
    return standing(one, decisions, as_of=as_of, today=today).state


# ---------------------------------------------------------------- how a finding stands


def test_nothing_decided_is_open():
    assert state(finding()) == "open"


def test_a_decision_is_shown_again_next_month():
    next_month = {"as_of": MARCH + 30 * DAY, "today": date(2026, 4, 30)}
    assert state(finding(), decided("accepted"), **next_month) == "accepted"
    assert state(finding(), decided("not an issue"), **next_month) == "not an issue"


def test_another_amount_opens_it_again():
    one = standing(finding(cents=7501), [decided("accepted")], as_of=MARCH, today=date(2026, 4, 1))
    assert one.state == "reopened"
    assert one.why.startswith(
        "the amount was $75.00 (leak), and is $75.01 (leak); it was accepted: courtesy (Ana, 2026-03-31)"
    )


def test_another_direction_opens_it_again():
    assert state(finding(direction="over"), decided("accepted")) == "reopened"


def test_an_estimate_may_move_by_a_tenth():
    assert state(finding(cents=8250, exact=False), decided("accepted")) == "accepted"
    assert state(finding(cents=8251, exact=False), decided("accepted")) == "reopened"


def test_a_snoozed_one_comes_back_on_its_day():
    snoozed = decided("snoozed", until=date(2026, 4, 10))
    assert state(finding(), snoozed, today=date(2026, 4, 9)) == "snoozed"
    assert state(finding(), snoozed, today=date(2026, 4, 10)) == "reopened"


def test_fixed_and_still_found_in_later_data_is_open():
    assert state(finding(), decided("fixed"), as_of=MARCH) == "fixed"
    assert state(finding(), decided("fixed"), as_of=MARCH + DAY) == "reopened"


def test_the_last_decision_by_time_stands():
    first = decided("not an issue")
    second = decided("accepted", at=MARCH + DAY, after=[first])
    assert last([second, first]) == (second, ())


def test_two_who_did_not_know_of_each_other_and_disagree_are_a_conflict_until_somebody_decides_again():
    ana, ben = decided("accepted"), decided("not an issue", at=MARCH + DAY, by="Ben")
    assert last([ana, ben]) == (ben, (ana,))
    settled = decided("accepted", at=MARCH + 2 * DAY, after=[ana, ben])
    assert last([ben, settled, ana]) == (settled, ())


def test_two_who_agree_are_no_conflict():
    ana, ben = decided("accepted"), decided("accepted", at=MARCH + DAY, by="Ben")
    assert last([ana, ben]) == (ben, ())


def test_the_review_has_every_finding_with_its_state():
    rows = review(report(finding(), finding("k2", cents=100)), [decided("accepted")], date(2026, 4, 1))
    assert list(rows.columns) == list(REVIEWED)
    assert rows["state"].tolist() == ["accepted", "open"]
    assert rows["decided_by"].tolist() == ["Ana", ""]
    empty = review(report(), [], date(2026, 4, 1))
    assert {name: str(dtype) for name, dtype in empty.dtypes.items()} == {
        name: column.dtype for name, column in REVIEWED.items()
    }


# ---------------------------------------------------------------- kept at home


def test_what_was_decided_is_there_after_a_restart(tmp_path):
    clock = StillClock(MARCH)
    first = Decisions(tmp_path, "acme", clock)
    made = first.decide(finding(), "accepted", by="Ana", reason=" courtesy ")
    first.close()
    second = Decisions(tmp_path, "acme", clock)
    assert second.all() == [made]
    assert made.reason == "courtesy"
    assert (made.amount_cents, made.rule, made.customer, made.ticket) == (
        7500,
        "timer-uncharged",
        "Harbor Dental",
        32164,
    )
    second.close()


def test_accounts_in_one_home_do_not_see_each_other(tmp_path):
    clock = StillClock(MARCH)
    ours, theirs = Decisions(tmp_path, "acme", clock), Decisions(tmp_path, "other", clock)
    ours.decide(finding(), "fixed", by="Ana")
    assert theirs.all() == []
    ours.close()
    theirs.close()


@pytest.mark.parametrize(
    ("choice", "more", "said"),
    [
        ("accepted", {}, "why is it accepted"),
        ("snoozed", {}, "until which day"),
        ("snoozed", {"until": date(2026, 3, 31)}, "must lie ahead"),
        ("ignored", {}, "choose one of"),
        ("accepted", {"reason": "x" * 2001}, "at most 2,000"),
        ("fixed", {"by": " "}, "needs a name"),
    ],
)
def test_an_incomplete_decision_is_refused(kept, choice, more, said):
    with pytest.raises(InputError, match=said):
        kept.decide(finding(), choice, **({"by": "Ana"} | more))
    assert kept.all() == []


def test_deciding_again_keeps_both_in_the_history(kept):
    first = kept.decide(finding(), "not an issue", by="Ana")
    kept._clock.sleep(60)
    second = kept.decide(finding(), "accepted", by="Ben", reason="goodwill")
    assert kept.history("k1") == [first, second]
    assert second.after == (first.id,)
    assert kept.conflicts() == []


# ---------------------------------------------------------------- exchanged by a file


def test_two_analysts_come_to_the_same_by_exchanging_a_file(tmp_path):
    clock = StillClock(MARCH)
    ana, ben = Decisions(tmp_path / "a", "acme", clock), Decisions(tmp_path / "b", "acme", clock)
    file = tmp_path / "decisions.jsonl"
    ana.decide(finding(), "accepted", by="Ana", reason="courtesy")
    clock.sleep(60)
    ben.decide(finding(), "not an issue", by="Ben")
    ben.decide(finding("k2"), "fixed", by="Ben")
    assert ana.exchange(file).new == 0
    merged = ben.exchange(file)
    assert merged.new == 1
    assert len(merged.conflicts) == 1
    assert "accepted: courtesy (Ana" in merged.conflicts[0]
    assert ana.exchange(file).new == 2
    assert ana.all() == ben.all()
    before = file.read_bytes()
    assert ben.exchange(file).sentences()[0] == "0 new decisions, 3 known already."
    assert file.read_bytes() == before
    ana.close()
    ben.close()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda row: {**row, "amount_cents": 1}, "changed after it was decided"),
        (lambda row: {**row, "choice": "ignored"}, "no complete decision"),
        (lambda row: [row], "no decision"),
        (lambda row: {**row, "surprise": 1}, "no decision"),
        (lambda row: {**row, "reason": "\ud800"}, "no decision"),
        (lambda row: {key: value for key, value in row.items() if key != "at"}, "no decision"),
        (lambda row: {**row, "at": "2026-03-31T12:00:00"}, "no complete decision"),
    ],
)
def test_a_line_that_is_no_decision_is_said_and_the_others_are_taken(kept, tmp_path, spoil, said):
    good, bad = decided("accepted"), decided("accepted", key="k2")
    file = tmp_path / "theirs.jsonl"
    file.write_text(f"{json.dumps(good.as_json())}\n{json.dumps(spoil(bad.as_json()))}\n", "utf-8")
    merged = kept.read_file(file)
    assert merged.new == 1
    assert merged.refused[0][0] == 2
    assert said in merged.refused[0][1]
    assert kept.all() == [good]


def test_decisions_of_another_account_or_from_tomorrow_are_not_taken(kept, tmp_path):
    file = tmp_path / "theirs.jsonl"
    for one, said in (
        (identified(replace(decided(), account="other")), "belongs to account other, and this is acme"),
        (decided(at=MARCH + 3 * DAY), "a clock is wrong"),
    ):
        file.write_text(json.dumps(one.as_json()) + "\n", "utf-8")
        with pytest.raises(InputError, match=said):
            kept.read_file(file)


def test_a_file_that_is_something_else_is_said(kept, tmp_path):
    file = tmp_path / "theirs.jsonl"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        kept.read_file(file)
    with pytest.raises(InputError, match="No such file"):
        kept.read_file(tmp_path / "none")
    with pytest.raises(InputError, match="cannot be written"):
        kept.write_file(tmp_path / "no folder" / "x")


moments = st.integers(0, 40).map(lambda hours: MARCH - timedelta(hours=hours))
choices = st.sampled_from(["fixed", "accepted", "not an issue"])


@st.composite
def histories(draw):
    made = []
    for _ in range(draw(st.integers(0, 8))):
        known = [one for one in made if draw(st.booleans())]
        made.append(
            decided(
                draw(choices), at=draw(moments), by=draw(st.sampled_from(["Ana", "Ben", "Cy"])),
                key=draw(st.sampled_from(["k1", "k2"])), after=known, cents=draw(st.integers(0, 3)),
            )
        )  # fmt: skip
    return made


@settings(max_examples=100, deadline=None)
@given(histories(), histories(), histories())
def test_merging_is_commutative_associative_and_idempotent(a, b, c):
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b).values(), c) == merge(a, merge(b, c).values())
    assert merge(a, a) == merge(a)
    assert last(merge(a, b).values()) == last(merge(b, a).values())


@settings(max_examples=15, deadline=None)
@given(histories(), histories())
def test_files_read_in_any_order_and_twice_give_the_same(a, b):
    ends = []
    for order in ([a, b], [b, a, b]):
        with tempfile.TemporaryDirectory() as folder:
            store = Decisions(Path(folder), "acme", StillClock(MARCH))
            for at, part in enumerate(order):
                file = Path(folder) / f"{at}.jsonl"
                file.write_text("".join(json.dumps(one.as_json()) + "\n" for one in part), "utf-8")
                store.read_file(file)
            store.write_file(Path(folder) / "all")
            ends.append((store.all(), store.conflicts(), (Path(folder) / "all").read_bytes()))
            store.close()
    assert ends[0] == ends[1]


# ---------------------------------------------------------------- what became of the money


def amounts(rows):
    keys = ["found_cents", "recovered_cents", "accepted_cents", "dismissed_cents", "open_cents"]
    return [int(rows[key].sum()) for key in keys]


LATER = MARCH + 30 * DAY


def test_the_bridge_adds_up():
    march = seen(*(finding(f"k{at}", cents=at * 100) for at in (1, 2, 3, 4, 5)))
    later = seen(*(finding(f"k{at}", cents=at * 100) for at in (2, 3, 4)), as_of=LATER)
    decisions = [
        decided("accepted", key="k2", cents=200),
        decided("not an issue", key="k3", cents=300),
        decided("fixed", key="k5", cents=500),
    ]
    assert amounts(bridge([march, later], decisions)) == [1500, 600, 200, 300, 400]


def test_what_a_later_look_did_not_evaluate_is_not_recovered():
    march = seen(finding())
    assert amounts(bridge([march, seen(as_of=LATER, missed=["timer-uncharged"])], [])) == [7500, 0, 0, 0, 7500]
    assert amounts(bridge([march, seen(as_of=LATER)], [])) == [7500, 7500, 0, 0, 0]


def test_what_a_later_look_did_not_cover_is_not_recovered():
    april = seen(as_of=LATER, from_=date(2026, 4, 1), to=date(2026, 4, 30))
    assert amounts(bridge([seen(finding()), april], [])) == [7500, 0, 0, 0, 7500]
    everything = seen(as_of=LATER, from_=None, to=None)
    assert amounts(bridge([seen(finding()), everything], [])) == [7500, 7500, 0, 0, 0]


def test_a_finding_without_a_day_is_gone_only_where_its_whole_period_was_looked_at():
    march = seen(finding(on=""))
    assert amounts(bridge([march, seen(as_of=LATER, from_=date(2026, 3, 2))], []))[1] == 0
    assert amounts(bridge([march, seen(as_of=LATER)], []))[1] == 7500


def test_what_another_rule_claims_now_is_counted_there():
    march = seen(finding())
    other = finding("k9", cents=9000, rule="double-charge", evidence={"also": ["timer-uncharged"]})
    rows = bridge([march, seen(other, as_of=LATER)], [])
    assert rows["rule"].tolist() == ["double-charge"]
    assert amounts(rows) == [9000, 0, 0, 0, 9000]


def test_fixed_and_found_again_is_open():
    again = seen(finding(), as_of=LATER)
    assert amounts(bridge([seen(finding()), again], [decided("fixed")])) == [7500, 0, 0, 0, 7500]


def test_directions_are_never_mixed():
    march = seen(finding(), finding("k2", direction="over", cents=100))
    assert amounts(bridge([march], []))[0] == 7500
    assert amounts(bridge([march], [], direction="over"))[0] == 100


def test_the_bridge_goes_by_month_and_is_declared():
    rows = bridge([seen(finding(), finding("k2", on="2026-02-03", cents=100))], [])
    assert rows["month"].tolist() == ["2026-02", "2026-03"]
    for some in (rows, bridge([], [])):
        assert {name: str(dtype) for name, dtype in some.dtypes.items()} == {
            name: column.dtype for name, column in BRIDGE.items()
        }


def test_findings_are_remembered_from_run_to_run(kept):
    one = finding(evidence={"also": ("late-entry",), "arithmetic": "0.5 h × $150.00"})
    kept.remember(report(one))
    kept.remember(report(one))
    kept.remember(report(as_of=LATER))
    assert len(kept.sightings()) == 2
    assert kept.sightings()[0].findings[0].key == "k1"
    assert amounts(kept.bridge()) == [7500, 7500, 0, 0, 0]


def test_write_offs_are_summed_by_reason():
    decisions = [
        decided("accepted", key="k1", reason="courtesy"),
        decided("accepted", key="k2", reason="courtesy", cents=100),
        decided("accepted", key="k3", reason="warranty", cents=50),
        decided("accepted", key="k4", reason="courtesy", cents=999),
        decided("not an issue", key="k4", at=MARCH + DAY, by="Ben", cents=999),
    ]
    rows = write_offs(decisions)
    assert rows[["month", "reason", "findings", "amount_cents"]].values.tolist() == [
        ["2026-03", "courtesy", 2, 7600],
        ["2026-03", "warranty", 1, 50],
    ]
    assert {name: str(dtype) for name, dtype in write_offs([]).dtypes.items()} == {
        name: column.dtype for name, column in WRITE_OFFS.items()
    }
