"""`syncro doctor`, against the sandbox on a real socket: what it says, with which status, and never the key."""

import json
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from syncro_nb import doctor
from syncro_nb.clock import StillClock
from syncro_nb.sandbox import Sandbox, serve
from syncro_nb.service.limiter import Limiter

KEY = "canary-7f3e9b21-do-not-show"
NOON = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)  # the sandbox's time


@pytest.fixture(scope="module")
def account_of_all():
    """One sandbox for the tests that only read it, where it is always noon."""
    return Sandbox(key=KEY, clock=lambda: NOON)


@pytest.fixture
def examine(tmp_path, account_of_all):
    """Examines a sandbox, served on a port of this machine, whose key may not do what is `denied`."""

    def run(sandbox=account_of_all, *, denied=(), settings=None, clock=None, **environment):
        if settings is not None:
            (tmp_path / "syncro.yaml").write_text(json.dumps(settings), "utf-8")
        before = len(control(sandbox, "GET", "log"))
        control(sandbox, "POST", "switches", {"denied": denied})
        with serve(sandbox) as server:
            known = {"SYNCRO_NB_URL": server.url, "SYNCRO_NB_API_KEY": KEY, "SYNCRO_NB_HOME": str(tmp_path / "home")}
            report = doctor.examine({**os.environ, **known, **environment}, clock=clock or StillClock(NOON))
        run.requests = control(sandbox, "GET", "log")[before:]
        assert KEY not in repr(report) + "\n".join(report.lines()) + json.dumps(report.as_json())
        return report

    return run


def control(sandbox, method, name, body=None):
    return json.loads(sandbox.handle(method, f"/_sandbox/{name}", {}, json.dumps(body).encode()).body)


def states(report):
    return {check.name: check.state for check in report.checks}


def says(report, name):
    return " | ".join(check.says for check in report.checks if check.name == name)


def account(**profile):
    return {"profiles": {"main": profile}}


AREAS = {
    "tickets": "ticket",
    "invoices": "invoice",
    "customers": "customer",
    "products": "product",
    "timers": "timer",
    "line_items": "global_admin",
    "payments": "payment",
    "schedules": "schedule",
    "contracts": "contract",
    "timelogs": "timelog",
}


# ---------------------------------------------------------------- the account


def test_a_usable_account_takes_about_twenty_requests(examine):
    report = examine()
    assert report.exit_status == 0
    assert len(examine.requests) <= 20
    assert {row["method"] for row in examine.requests} == {"GET"}
    found = states(report)
    assert {
        name: found[name] for name in ("auth query", "auth bearer", "key", "journal", "limiter", "data", "clock")
    } == (dict.fromkeys(("auth query", "auth bearer", "key", "journal", "limiter", "data", "clock"), "ok"))
    assert {name: found[name] for name in AREAS} == dict.fromkeys(AREAS, "ok")
    assert says(report, "labour remote") == "Labor - Remote, $150.00 an hour (product 1190473)"
    assert says(report, "key").startswith("is ")


@pytest.mark.parametrize("name", ["tickets", "invoices"])
def test_without_tickets_or_invoices_the_account_cannot_be_used(examine, name):
    report = examine(denied=[AREAS[name]])
    assert report.exit_status == 3
    assert says(report, name).startswith("the key has no permission to read them (401)")
    assert [check.name for check in report.checks if check.state == "FAIL"] == [name]


def test_any_other_missing_permission_is_a_note(examine):
    others = AREAS.keys() - {"tickets", "invoices"}
    report = examine(denied=[AREAS[name] for name in others])
    assert report.exit_status == 0
    assert {name: states(report)[name] for name in others} == dict.fromkeys(others, "note")
    assert all("no permission" in says(report, name) for name in others)
    assert "reads invoices one by one" in says(report, "line_items")


def test_a_key_that_may_read_nothing_is_told_from_a_wrong_one(examine):
    report = examine(denied=[*AREAS.values()])
    assert report.exit_status == 3
    assert states(report)["key"] == "ok"
    assert not any(name.startswith("labour") for name in states(report))


def test_a_wrong_key_fails_in_both_ways_and_nothing_else_is_asked(examine):
    report = examine(SYNCRO_NB_API_KEY="another-key-that-is-wrong")
    assert report.exit_status == 3
    assert says(report, "auth query") == "refused (configured): 401 Unauthorized"
    assert "in neither way" in says(report, "key")
    assert [row["path"] for row in examine.requests] == ["/me", "/me"]
    assert states(report)["journal"] == "ok"


class OnlyBearer(Sandbox):
    """An account that takes the key in a header only."""

    def handle(self, method, target, headers, body):
        return super().handle(method, target.replace("api_key=", "ignored="), headers, body)


def test_it_says_which_way_works_and_which_is_configured(examine):
    report = examine(OnlyBearer(key=KEY), settings=account(url="https://blue.example/api/v1"))
    assert report.exit_status == 3
    assert "write `auth: bearer` in profile main" in says(report, "auth query")
    assert says(report, "auth bearer") == "works (not configured)"
    assert states(report)["tickets"] == "ok"  # read in the way that works
    report = examine(OnlyBearer(key=KEY), settings=account(url="https://blue.example/api/v1", auth="bearer"))
    assert report.exit_status == 0
    assert states(report)["auth query"] == "note"
    assert says(report, "auth bearer") == "works (configured)"


def test_nobody_there_is_one_failure_without_waiting(examine):
    report = examine(SYNCRO_NB_URL="http://127.0.0.1:9/api/v1")
    assert report.exit_status == 4
    assert "cannot connect" in says(report, "connection")
    assert [check.name for check in report.checks if check.state == "FAIL"] == ["connection"]


def test_an_answer_that_is_not_syncros_is_said(examine):
    sandbox = Sandbox(key=KEY)
    fault = [{"match": "GET /me", "kind": "garbage", "times": 99}]
    control(sandbox, "POST", "faults", fault)
    report = examine(sandbox)
    assert report.exit_status == 4
    assert says(report, "connection").endswith("a web page instead of JSON")


def test_what_breaks_halfway_ends_the_questions(examine):
    sandbox = Sandbox(key=KEY)
    fault = [{"match": "GET /customers", "kind": "status", "status": 503, "times": 99}]
    control(sandbox, "POST", "faults", fault)
    report = examine(sandbox)
    assert report.exit_status == 4
    assert states(report)["customers"] == "FAIL"
    assert says(report, "the rest") == "was not asked for"
    assert len(examine.requests) <= 20


def test_a_labour_kind_without_product_and_one_without_price_are_noted(examine):
    report = examine(settings={"labour": {"security": 424242}})
    assert report.exit_status == 0
    assert "no product 424242 in this account: correct labour.security" in says(report, "labour security")
    assert states(report)["labour internal"] == "note"
    assert "costs nothing" in says(report, "labour internal")


def test_many_labour_kinds_do_not_make_many_requests(examine):
    report = examine(settings={"labour": {f"kind{number}": 26118 for number in range(8)}})
    assert states(report)["labour kind7"] == "ok"  # the house's own first
    assert "website" in says(report, "labour")
    assert len(examine.requests) <= 21


def test_a_clock_that_is_off_is_noted(examine):
    report = examine(clock=StillClock(NOON - timedelta(hours=2)))
    assert report.exit_status == 0
    assert says(report, "clock").startswith("this machine's clock is 2:00:00 behind Syncro's")


# ---------------------------------------------------------------- this machine


def test_the_limiters_load_is_said_and_a_stop_is_waited_out(examine, tmp_path):
    clock = StillClock(NOON)
    limiter = Limiter(tmp_path / "home" / "limiter.sqlite", clock=clock, scope="127.0.0.1")
    with limiter.slot():
        pass
    limiter.penalise(20)
    report = examine(clock=clock)
    limiter.close()
    assert states(report)["limiter"] == "note"
    assert says(report, "limiter").startswith("1 of 180 slots are in use, 0 requests wait; after a 429")
    assert (report.exit_status, clock.elapsed) == (0, pytest.approx(20))


def test_a_rate_above_syncros_is_noted_and_a_wrong_one_fails(examine):
    assert "above the 180" in says(examine(SYNCRO_NB_RATE="400/60"), "limiter")
    report = examine(SYNCRO_NB_RATE="many")
    assert (report.exit_status, states(report)["limiter"]) == (2, "FAIL")


def test_without_a_key_the_source_is_named_and_the_rest_is_examined(examine):
    settings = account(url="https://blue.example/api/v1", key={"env": "MY_KEY"})
    report = examine(settings=settings, SYNCRO_NB_API_KEY="")
    assert report.exit_status == 2
    assert report.facts["key"] == "from the environment variable MY_KEY"
    assert "set MY_KEY" in says(report, "key")
    assert states(report)["journal"] == "ok"
    assert examine.requests == []


def test_the_key_is_fetched_once(examine, tmp_path):
    script = tmp_path / "key.py"
    script.write_text(f"open('asked', 'a').write('x'); print({KEY!r})", "utf-8")
    settings = account(url="https://blue.example/api/v1", command=[sys.executable, str(script)])
    report = examine(settings=settings, SYNCRO_NB_API_KEY="")
    assert report.exit_status == 0
    assert report.facts["key"] == f"from the program {sys.executable}"
    assert (tmp_path / "asked").read_text() == "x"


def test_a_wrong_configuration_is_the_one_finding(examine):
    report = examine(settings={"profils": {}})
    assert report.exit_status == 2
    assert [check.name for check in report.checks] == ["configuration"]
    assert "did you mean profiles" in says(report, "configuration")


def test_settings_that_are_not_used_are_noted(examine):
    settings = account(subdomain="blue", url="https://blue.example/api/v1", key={"env": "MY_KEY"})
    found = says(examine(settings=settings), "configuration")
    assert "subdomain in profile main is not used: SYNCRO_NB_URL comes first" in found
    assert "url in profile main is not used: SYNCRO_NB_URL comes first" in found
    assert "the key's source in profile main is not used: SYNCRO_NB_API_KEY comes first" in found
    found = says(examine(settings=settings, SYNCRO_NB_URL="", SYNCRO_NB_RATE="wrong"), "configuration")
    assert "subdomain in profile main is not used: url comes first" in found
    found = says(examine(settings={"profiles": {"sandbox": {"auth": "bearer"}}}, SYNCRO_NB_URL=""), "configuration")
    assert found == "auth in profile sandbox is not used: the built-in sandbox needs none"


def test_a_home_that_cannot_be_written_fails(examine, tmp_path):
    (tmp_path / "file").write_text("")
    report = examine(SYNCRO_NB_HOME=str(tmp_path / "file" / "home"))
    assert report.exit_status == 2
    assert "set SYNCRO_NB_HOME to a folder on a local disk" in says(report, "data")


def test_a_home_that_another_program_copies_is_noted(examine, tmp_path):
    report = examine(SYNCRO_NB_HOME=str(tmp_path / "OneDrive - Blue" / "syncro"))
    assert (report.exit_status, states(report)["data"]) == (0, "note")
    assert "OneDrive" in says(report, "data")


def test_a_journal_that_is_no_longer_whole_fails(examine, syncro, tmp_path):
    assert syncro("bill", "32164", "--minutes", "30", "--labor", "remote", "--text", "x", "--yes").returncode == 0
    assert states(examine())["journal"] == "ok"
    with sqlite3.connect(tmp_path / "home" / "journal.sqlite") as journal:
        for (name,) in journal.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            journal.execute(f"DROP TRIGGER {name}")
        journal.execute("UPDATE events SET detail = '{}' WHERE id = 2")
    journal.close()
    report = examine()
    assert report.exit_status == 2
    assert "restore journal.sqlite" in says(report, "journal")
    (tmp_path / "home" / "journal.sqlite").write_bytes(b"no database" * 1000)
    assert (examine().exit_status, states(examine())["journal"]) == (2, "FAIL")


def test_an_unfinished_run_is_noted(examine, syncro, server, tmp_path):
    fault = [{"match": "POST /tickets/*/add_line_item", "kind": "drop_after"}]
    control(server.sandbox, "POST", "faults", fault)
    bill = ("bill", "32164", "--minutes", "30", "--labor", "remote", "--text", "x", "--yes", "--json")
    run = json.loads(syncro(*bill).stdout)["run"]
    report = examine()
    assert (report.exit_status, states(report)["journal"]) == (0, "note")
    assert says(report, "journal") == f"whole; 1 unfinished: {run}; see `syncro runs`"


# ---------------------------------------------------------------- the command


@pytest.fixture
def server():
    sandbox = Sandbox(key=KEY)
    with serve(sandbox) as running:
        running.sandbox = sandbox
        yield running


@pytest.fixture
def syncro(server, tmp_path):
    def run(*words, **environment):
        settings = {
            "SYNCRO_NB_URL": server.url,
            "SYNCRO_NB_API_KEY": KEY,
            "SYNCRO_NB_HOME": str(tmp_path / "home"),
            "SYNCRO_NB_LOG": "debug",
            "PYTHONIOENCODING": "utf-8",
            **environment,
        }
        command = [sys.executable, "-m", "syncro_nb", *words]
        done = subprocess.run(
            command, env={**os.environ, **settings}, capture_output=True, text=True, encoding="utf-8", timeout=60
        )
        assert KEY not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def test_the_command_prints_lines_for_people_and_a_document_for_programs(syncro):
    done = syncro("doctor")
    assert done.returncode == 0
    assert "ok    auth query        works (configured)" in done.stdout.splitlines()
    assert "      key               from the environment variable SYNCRO_NB_API_KEY" in done.stdout.splitlines()
    document = json.loads(syncro("doctor", "--json").stdout)
    assert (document["profile"], document["exit_status"]) == ("sandbox", 0)
    assert {"check": "tickets", "state": "ok", "ok": True, "says": "can be read"} in document["checks"]


def test_the_command_leaves_with_the_first_failures_status(syncro, tmp_path):
    assert syncro("doctor", SYNCRO_NB_API_KEY="another-key").returncode == 3
    assert syncro("doctor", SYNCRO_NB_API_KEY="").returncode == 2
    done = syncro("doctor", "--profile", "nobody", "--json")
    assert (done.returncode, json.loads(done.stdout)["exit_status"]) == (2, 2)
    assert "FAIL  configuration" in done.stderr


def test_the_built_in_sandbox_needs_neither_address_nor_key(syncro):
    done = syncro("doctor", SYNCRO_NB_URL="", SYNCRO_NB_API_KEY="")
    assert done.returncode == 0
    assert "the built-in sandbox, inside this program" in done.stdout
    assert "Labor - Remote, $150.00 an hour" in done.stdout
    assert "ok    clock" in done.stdout
