"""`syncro reconcile` and `ws.reconcile`: against the sandbox on a real socket, held against its answer key."""

import csv
import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from datetime import date

import openpyxl
import pytest
from desk import Desk

from syncro_nb import actions, live
from syncro_nb.door import Door
from syncro_nb.errors import InputError
from syncro_nb.reconcile.finding import Proofs
from syncro_nb.reconcile.registry import STARRED
from syncro_nb.sandbox import DEMO_DAY, Sandbox, serve
from syncro_nb.verbs import grammar

# What a program may rely on, to INTERFACE's letter.
FINDING = {
    *("rule", "severity", "direction", "amount_cents", "exact", "customer", "ticket", "invoice", "key", "message"),
    "evidence",
}


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """A sandbox on a socket, a home with a full mirror of it, and the environment of a command there."""
    home = tmp_path_factory.mktemp("home")
    with serve(Sandbox(today=DEMO_DAY)) as server:
        settings = {
            "SYNCRO_NB_URL": server.url,
            "SYNCRO_NB_API_KEY": "sandbox",
            "SYNCRO_NB_HOME": str(home / "kept"),
            "SYNCRO_NB_RATE": "100000/1",
            "PYTHONIOENCODING": "utf-8",
        }
        around = {**os.environ, "HOME": str(home), **settings}
        done = run(around, "sync", "--full")
        assert done.returncode == 0, done.stderr
        yield server, around


def run(around, *words, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "syncro_nb", *words],
        env={**around, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def syncro(account):
    return lambda *words, **environment: run(account[1], *words, **environment)


def fetch(server, path):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        server.url.removesuffix("/api/v1") + path, timeout=30
    ) as answer:
        return answer.read()


def key(server):
    """What is planted, without what needs a second reading of prepaid hours, or a ledger."""
    answers = json.loads(fetch(server, "/_sandbox/answers"))
    return Counter(
        (rule, one["ticket"], one["invoice"], one["direction"], amount(rule, one), one["exact"], one["severity"])
        for rule, found in answers.items()
        if rule not in ("block-draw", "ledger-difference")
        for one in found["cases"]
    )


def amount(rule, one):
    """Its cents; a running timer runs on while the test does."""
    return one["amount_cents"] if rule != "timer-running" else one["amount_cents"] > 0


def told(document, rules=STARRED):
    return Counter(
        (
            one["rule"],
            one["ticket"],
            one["invoice"],
            one["direction"],
            amount(one["rule"], one),
            one["exact"],
            one["severity"],
        )
        for one in document["findings"]
        if one["rule"] in rules and one["rule"] not in ("block-draw", "ledger-difference")
    )


def test_the_document_is_the_answer_key(account, syncro):
    done = syncro("reconcile", "--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert set(document) == {"from", "to", "as_of", "findings", "not_evaluated", "totals"}
    assert all(set(one) == FINDING for one in document["findings"])
    assert (document["from"], document["to"]) == (None, None)
    assert told(document) == key(account[0])
    sums = Counter()
    for one in document["findings"]:
        sums[f"{one['direction']}_cents"] += one["amount_cents"]
    assert document["totals"] == {
        name: sums[name] for name in ("leak_cents", "over_cents", "timing_cents", "cash_cents")
    }


def test_keys_stay_from_run_to_run_and_the_findings_are_remembered(syncro):
    one, other = (json.loads(syncro("reconcile", "--json").stdout) for _ in range(2))
    keys = [row["key"] for row in one["findings"]]
    assert keys == [row["key"] for row in other["findings"]]
    assert len(set(keys)) == len(keys)


def test_a_period_holds_only_what_lies_in_it(syncro):
    whole = json.loads(syncro("reconcile", "--json").stdout)
    february = json.loads(syncro("reconcile", "--from", "2026-02-01", "--to", "2026-02-28", "--json").stdout)
    assert (february["from"], february["to"]) == ("2026-02-01", "2026-02-28")
    days = {one["evidence"]["on"] for one in february["findings"]}
    assert days
    assert all("2026-02-01" <= day <= "2026-02-28" for day in days)
    assert 0 < len(february["findings"]) < len(whole["findings"])


@pytest.mark.parametrize("program", ["quickbooks", "xero"])
def test_a_ledger_gives_what_was_planted_in_it(account, syncro, tmp_path, program):
    place = tmp_path / "ledger.csv"
    place.write_bytes(fetch(account[0], f"/_sandbox/ledger.csv?format={program}"))
    done = syncro("reconcile", "--ledger", str(place), "--json")
    assert "invoices read" in done.stderr
    findings = json.loads(done.stdout)["findings"]
    cases = json.loads(fetch(account[0], "/_sandbox/answers"))["ledger-difference"]["cases"]
    mine = Counter(str(one["invoice"]) for one in findings if one["rule"] == "ledger-difference")
    assert mine == Counter(str(one["invoice"]) for one in cases if one["ids"].get("only", program) == program)


def test_columns_of_a_ledger_can_be_named(account, syncro, tmp_path):
    place = tmp_path / "ledger.csv"
    text = fetch(account[0], "/_sandbox/ledger.csv?format=quickbooks").decode("utf-8-sig")
    head, _, rest = text.partition("\n")
    place.write_text(head.replace("Num", "Ref").replace("No.", "Ref") + "\n" + rest, encoding="utf-8")
    assert syncro("reconcile", "--ledger", str(place), "--json").returncode == 2
    done = syncro("reconcile", "--ledger", str(place), "--column", "invoice_number=Ref", "--json")
    assert done.returncode == 0, done.stderr
    assert syncro("reconcile", "--column", "total=Amount").returncode == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "31.3.2026"), "a day as in 2026-03-31"),
        (("--to", "2026-02-30"), "a day as in 2026-03-31"),
        (("--from", "2026-03-01", "--to", "2026-02-01"), "before it begins"),
        (("--ledger", "nowhere.csv"), "there is no file"),
        (("--column", "total"), "a field and a column"),
    ],
)
def test_wrong_words_are_a_sentence_and_nothing_is_read(syncro, words, said, tmp_path):
    done = syncro("reconcile", *words, SYNCRO_NB_HOME=str(tmp_path / "none"))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Nothing was read" not in done.stderr


def test_a_ledger_that_is_no_csv(syncro, tmp_path):
    place = tmp_path / "ledger.csv"
    place.write_bytes(b"PK\x03\x04" + bytes(100))
    done = syncro("reconcile", "--ledger", str(place), "--json")
    assert done.returncode == 2
    assert "Excel workbook" in json.loads(done.stdout)["error"]


def test_a_month_without_data_is_never_clear(syncro):
    done = syncro("reconcile", "--from", "2019-01-01", "--to", "2019-01-31")
    assert done.returncode == 0
    assert "There is no data in this period" in done.stdout
    assert "No open findings" not in done.stdout


def test_people_read_counts_and_dollars_estimates_apart(syncro):
    said = syncro("reconcile").stdout.splitlines()
    assert said[0].startswith("Reconciliation: everything up to now; work before 2026-03-01 00:00 PST is leak")
    (running,) = [one for one in said if " timer-running " in one]
    assert "about $" in running
    (over,) = [one.split() for one in said if one.startswith("  over ")]
    assert over[1] != over[2]
    assert "Not evaluated" in said
    assert any("no ledger was given" in one for one in said)
    assert said[-1].startswith("As of 2026-03-31")


def test_the_table_goes_to_a_workbook_and_to_a_csv(syncro, tmp_path):
    book, table = tmp_path / "march.xlsx", tmp_path / "march.csv"
    findings = json.loads(syncro("reconcile", "--json", "--out", str(book)).stdout)["findings"]
    sheets = openpyxl.load_workbook(book).sheetnames
    assert {"Summary", *(one["rule"] for one in findings)} <= {*sheets, "Summary"}
    assert len(sheets) > len({one["rule"] for one in findings})
    assert syncro("reconcile", "--out", str(table)).returncode == 0
    with table.open(newline="", encoding="utf-8-sig") as file:
        assert len(list(csv.DictReader(file))) == len(findings)
    assert syncro("reconcile", "--out", str(book)).returncode == 2


# ---------------------------------------------------------------- without a socket


@pytest.fixture
def desk(tmp_path):
    one = Desk(tmp_path)
    yield one
    one.close()


def verb(desk, *words, ask=None):
    said = []
    parsed = grammar().parse_args(["reconcile", *words])
    return actions.reconcile(desk.ws, parsed, Door(said.append, ask=ask, remark=said.append)), said


def test_without_a_mirror_the_account_is_read_first_and_what_lacks_is_said(desk):
    result, said = verb(desk)
    assert "reading the account first" in said[0]
    assert "Read with" in said[1]
    assert result.document["not_evaluated"]
    assert "  `syncro sync --full` reads every detail." in result.lines
    assert len(desk.ws.decisions.sightings()) == 1


def test_a_half_read_mirror_never_says_all_clear(desk):
    desk.fault("GET /invoices", "status", status=500, times=500)
    result, _ = verb(desk)
    assert any(one["rule"] == "invoiced-unproven" for one in result.document["not_evaluated"])
    assert not any(one["rule"] == "invoiced-unproven" for one in result.document["findings"])


def test_what_was_decided_stands_apart_and_the_document_stays(desk):
    desk.ws.sync(full=True)
    before, _ = verb(desk)
    first = desk.ws.reconcile().findings[0]
    desk.ws.decisions.decide(first, "accepted", by="Ana", reason="courtesy")
    after, _ = verb(desk)
    assert after.document == before.document
    assert any(one.startswith("Decided before: 1 finding") for one in after.lines)
    assert not any(one.startswith("Decided before") for one in before.lines)


def doubtful(desk):
    """A mirror in which one ticket that counts as invoiced has a charge, and its details were never read."""
    desk.ws.sync()
    report = desk.ws.reconcile()
    return report.proofs_wanted


def test_details_are_read_live_only_with_leave(desk):
    wanted = doubtful(desk)
    assert wanted.tickets
    before = len(desk.sandbox._log)
    result, _ = verb(desk)
    assert len(desk.sandbox._log) == before
    assert any("would have to be read live" in one for one in result.lines)
    asked = []
    verb(desk, ask=lambda question: asked.append(question) or "no\n")
    assert len(desk.sandbox._log) == before
    assert "Read them live now?" in asked[0]
    result, said = verb(desk, "--yes")
    assert any(one.startswith("read ") and "details live" in one for one in said)
    assert len(desk.sandbox._log) > before
    assert not any("is not proved" in one["reason"] for one in result.document["not_evaluated"])


def test_no_more_details_are_read_than_agreed(desk):
    wanted = doubtful(desk)
    before = len(desk.sandbox._log)
    seen = live.prove(desk.ws.books(), desk.ws.client, Proofs(wanted.tickets, wanted.invoices), most=5)
    assert len(desk.sandbox._log) - before <= 5 + 1  # the server's time may cost one
    assert seen.requests <= 5
    assert "stay in doubt" in seen.said


def test_a_refused_detail_stays_in_doubt(desk):
    doubtful(desk)
    desk.fault("GET /tickets/*", "status", status=401, times=500)
    result, said = verb(desk, "--yes")
    assert "stay in doubt" in said[-1]
    assert any("is not proved" in one["reason"] for one in result.document["not_evaluated"])


def test_days_may_be_written_or_given_and_wrong_ones_are_refused(desk):
    desk.ws.sync()
    assert desk.ws.reconcile("2026-02-01", date(2026, 2, 28)).to == date(2026, 2, 28)
    with pytest.raises(InputError, match="must be a day"):
        desk.ws.reconcile("March")
    with pytest.raises(InputError, match="before it begins"):
        desk.ws.reconcile("2026-03-01", "2026-02-01")
