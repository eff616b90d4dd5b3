"""Hostile text in every field of a ticket, its customer, its timers and its charges: each verb prints text and nothing else."""

import logging
import subprocess
import sys

import pytest
from attacks import ALL, MIXED, SCRIPT, UNPRINTABLE
from desk import Desk
from hostile import hostile_desk

from syncro_nb import actions
from syncro_nb.door import Door
from syncro_nb.errors import Error
from syncro_nb.reports import every_report
from syncro_nb.verbs import grammar

VERBS = (
    (),
    ("triage",),
    ("triage", "--live"),
    ("ticket", "32164"),
    ("search", "Hobnail"),
    ("search", SCRIPT),
    ("customers", "Hobnail"),
    ("customers", "\x1b[31m"),
    ("comment", "32164", "thanks", "--dry-run"),
    ("update", "32164", "Resolved", "--dry-run"),
    ("update", "32164", MIXED[:80], "--dry-run"),
    ("close", "32164", "--text", "done", "--dry-run"),
    ("bill", "32164", "--minutes", "30", "--labor", "remote", "--text", "done", "--dry-run"),
    ("timer", "32164", "start", "--dry-run"),
    ("create", "Hobnail", MIXED[:80], "--dry-run"),
    ("runs",),
    ("runs", "show", MIXED[:40]),
)


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    ticket = desk.ask("GET", "/api/v1/tickets?number=32164")["tickets"][0]
    place = f"/api/v1/tickets/{ticket['id']}"
    desk.ask("PUT", place, {"subject": f"{SCRIPT} {MIXED[:150]}", "problem_type": MIXED[:60]})
    desk.ask("PUT", f"/api/v1/customers/{ticket['customer_id']}", {"business_name": f"Hobnail {MIXED[:150]}"})
    for text in ALL:
        comment = {"subject": text[:200], "body": text[:9_999], "hidden": True, "do_not_email": True, "tech": text[:50]}
        desk.ask("POST", f"{place}/comment", comment)
    timer = {"start_at": "2026-03-30T17:00:00Z", "duration_minutes": 45, "product_id": 1190473, "notes": MIXED}
    made = desk.ask("POST", f"{place}/timer_entry", timer)
    desk.ask("PATCH", f"/api/v1/ticket_timers/{made['id']}", {"billable": True})
    line = {
        "product_id": 1190473,
        "name": MIXED[:200],
        "description": MIXED,
        "quantity": 1,
        "price_retail": 1,
        "price_cost": 0,
    }
    desk.ask("POST", f"{place}/add_line_item", {**line, "taxable": False})
    yield desk
    desk.close()


@pytest.mark.parametrize("words", VERBS, ids=lambda words: " ".join(words)[:24].encode("ascii", "replace").decode())
def test_a_verb_prints_lines_of_text_only(desk, words, caplog):
    caplog.set_level(logging.DEBUG)
    said = []
    try:
        result = actions.act(grammar().parse_args(list(words)), Door(said.append, width=100), desk.ws)
        said += result.lines
    except Error as error:
        said.append(" ".join(str(error).split()))
    logged = [record.getMessage() for record in caplog.records]
    for text in (*said, *logged):
        assert not set(text) & set(UNPRINTABLE)
        assert "\r" not in text
        assert not text.startswith("ERROR syncro_nb: a forged line")
    assert all("\n" not in one for one in logged)
    assert any(said)


SUMMARIES = [(), ("triage",), ("unbilled",), ("reconcile", "--to", "2026-03-31"), ("customers", "a"), ("search", "a")]
SUMMARIES += [("report", name) for name in every_report()] + [
    ("ticket", str(number)) for number in range(32140, 32186, 5)
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    desk = hostile_desk(tmp_path_factory.mktemp("hostile"))
    desk.ws.sync(full=True)
    yield desk
    desk.close()


@pytest.mark.parametrize("words", SUMMARIES, ids=" ".join)
def test_on_an_account_in_which_every_text_is_an_attack_a_line_is_a_line(hostile, words):
    said = []
    door = Door(said.append, width=100, remark=said.append)
    said += actions.act(grammar().parse_args(list(words)), door, hostile.ws).lines
    assert any(said)
    assert not [one for one in said if set(one) & {*UNPRINTABLE, "\r", "\n"}]


def test_the_whole_command_prints_no_control_character(tmp_path):
    """The message of an error goes through the terminal door itself."""
    done = subprocess.run(
        [sys.executable, "-m", "syncro_nb", "search", "\x1b[31m\u202eevil\x07 " + SCRIPT],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert not set(done.stdout + done.stderr) & set(UNPRINTABLE)
    assert "evil" in done.stdout + done.stderr


def test_what_was_written_is_shown_as_it_was_written(desk):
    text = "\n".join(desk.ws.ticket(32164).text())
    assert "<script>alert(2)</script>" in text
    assert "=cmd|' /C calc'!A0" in text
    assert "شارع 你好 🔥" in text
