"""`syncro report` and `ws.report()`: reports of a mirror with every detail, and of one that was never filled."""

import json
from datetime import date

import openpyxl
import pytest
from mirrored import MirrorDesk

from syncro_nb import actions
from syncro_nb.door import Door
from syncro_nb.errors import ConfigError, InputError
from syncro_nb.reconcile.report import reconcile
from syncro_nb.reports.registry import ORDER
from syncro_nb.verbs import REPORTS, grammar


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    one = MirrorDesk(tmp_path_factory.mktemp("home"))
    one.pull(full=True)
    yield one
    one.close()


def run(desk, *words):
    """What the verb comes to, and what is said beside it."""
    said = []
    parsed = grammar().parse_args(["report", *words])
    door = Door(say=said.append, remark=lambda text: said.append(f"beside: {text}"), width=160)
    return actions._ON_ACCOUNT[parsed.verb](desk.ws, parsed, door), said


def document(desk, *words):
    return json.loads(json.dumps(run(desk, *words)[0].document))


def test_without_a_name_every_report_is_listed_with_a_sentence(desk):
    result, _ = run(desk)
    assert [row["report"] for row in result.document] == list(ORDER)
    assert all(row["shows"].endswith(".") for row in result.document)
    assert len(result.lines) == len(ORDER) + 1


@pytest.mark.parametrize("name", ORDER)
def test_every_report_of_a_whole_mirror_is_complete_and_says_how_old_it_is(desk, name):
    made = document(desk, name)
    assert made["report"] == name
    assert made["as_of"].startswith("2026-03-31T")
    assert (made["from"], made["to"]) in ((None, None), ("2026-02-01", "2026-02-28"))
    tables = [one for one in made["incomplete"] if "Not evaluated" not in one and "attendance" not in one]
    assert tables == []


def test_a_period_is_chosen_by_its_days_or_by_one_of_them(desk):
    assert document(desk, "rate", "--from", "2026-01-05", "--to", "2026-01-20")["from"] == "2026-01-05"
    assert document(desk, "rate", "--from", "2026-01-05")["to"] == "2026-01-31"
    assert document(desk, "rate", "--to", "2026-01-20")["from"] == "2026-01-01"


def test_a_period_that_does_not_apply_is_said_and_changes_nothing(desk):
    plain, asked = document(desk, "wip"), document(desk, "wip", "--from", "2026-01-05")
    assert asked["rows"] == plain["rows"]
    assert "a period does not apply" in asked["notes"][0]
    assert not plain["notes"]


def test_the_money_of_a_report_is_that_of_its_rows(desk):
    result, _ = run(desk, "uncharged")
    rows = result.document["rows"]
    assert rows
    assert sum(row["amount_cents"] for row in rows) == int(result.table["amount_cents"].sum()) > 0
    assert result.lines[0].startswith("Timers that ended, are billable, and were never charged")


def test_the_bridge_has_the_leaks_of_today_without_an_earlier_reconciliation(desk):
    found = reconcile(desk.ws.books(), desk.ws.house)
    rows = document(desk, "leakage")["rows"]
    assert sum(row["found_cents"] for row in rows) == found.totals["leak_cents"]
    assert desk.ws.decisions.sightings() == []


def test_the_bridge_knows_what_was_decided(desk):
    leak = next(one for one in reconcile(desk.ws.books(), desk.ws.house).findings if one.rule == "rate-drift")
    desk.ws.decisions.decide(leak, "accepted", by="Ana", reason="courtesy")
    rows = [row for row in document(desk, "leakage")["rows"] if row["accepted_cents"]]
    assert [(row["rule"], row["accepted_cents"]) for row in rows] == [("rate-drift", leak.amount_cents)]
    accepted = document(desk, "write-offs", "--from", f"{leak.on[:7]}-01")["rows"]
    assert ["courtesy", leak.amount_cents] in [[row["reason"], row["amount_cents"]] for row in accepted]


def test_the_checklist_knows_the_findings_that_nobody_decided(desk):
    rows = {row["step"]: row for row in document(desk, "checklist")["rows"]}
    assert rows["Every finding of the reconciliation is decided"]["state"] == "to do"


def test_an_unknown_name_is_refused_with_the_nearest_before_anything_is_read(tmp_path):
    empty = MirrorDesk(tmp_path)
    with pytest.raises(InputError, match="did you mean wip"):
        run(empty, "wipp")
    assert empty.ws.mirror.as_of is None
    empty.close()


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        (("rate", "--from", "2026-13-01"), ConfigError, "a day as in"),
        (("rate", "--from", "2026-03-01", "--to", "2026-02-01"), InputError, "after its end"),
    ],
)
def test_a_wrong_period_is_refused(desk, words, error, says):
    with pytest.raises(error, match=says):
        run(desk, *words)


def test_where_nothing_was_read_it_is_read_first_and_said_beside_the_answer(tmp_path):
    empty = MirrorDesk(tmp_path)
    result, said = run(empty, "recurring")
    assert said[0].startswith("beside: Nothing was read from Syncro yet")
    assert result.document["rows"]
    assert run(empty, "recurring")[1] == []
    empty.close()


def test_the_workbook_has_what_is_to_be_known_on_a_sheet_of_its_own(desk, tmp_path):
    parsed = grammar().parse_args(["report", "leakage", "--out", str(tmp_path / "leakage.xlsx")])
    door = Door(say=lambda text: None)
    actions._write_out(actions.report(desk.ws, parsed, door), desk.ws, parsed, door)
    book = openpyxl.load_workbook(tmp_path / "leakage.xlsx")
    about = {row[0].value: row[1].value for row in book["About this report"].iter_rows(min_row=2)}
    assert about["as of"].startswith("2026-03-31")
    assert "Not evaluated in full" in about["incomplete"]


def test_a_report_of_a_workspace(desk):
    made = desk.ws.report("receivables", first=date(2026, 3, 1))
    assert made.rows["balance_cents"].sum() > 0


def test_the_grammar_knows_every_report():
    assert list(ORDER) == list(REPORTS)
