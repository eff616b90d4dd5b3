"""The short form of the campaign (`make campaign` runs the long one), and what a bill costs; a real kill of a real process."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from campaign.known import KNOWN
from campaign.matrix import planned
from campaign.realistic import simulate
from campaign.run import in_processes
from campaign.scenarios import SCENARIOS
from campaign.world import World

from syncro_nb.sandbox import Sandbox
from syncro_nb.sandbox.server import serve

MOST_REQUESTS = 9


@pytest.fixture(scope="module")
def figures():
    return in_processes("short", 2)


def test_whatever_fails_nothing_is_twice_lost_or_called_verified_without_being_so(figures):
    print(*figures.text(), sep="\n")
    assert figures.broken[:20] == []
    assert figures.cases > 1000


def test_every_edge_of_the_state_machine_was_taken(figures):
    assert figures.missing_edges == []


def test_what_is_listed_as_known_is_still_so(figures):
    needed = {one.why for one in KNOWN for name, words in figures.known if one.fits(name, words)}
    assert {one.why for one in KNOWN} == needed


def test_a_bill_takes_nine_requests_after_the_confirmation_and_no_more():
    world = World()
    try:
        plan = planned("line")
        assert world.ws.apply(plan, confirm=plan.confirmation).is_verified
        assert world.reads + len(world.deliveries) <= MOST_REQUESTS
    finally:
        world.close()


def test_under_everyday_faults_hardly_any_bill_needs_a_person():
    share = simulate(2000)
    assert share.broken == []
    assert share.ends.keys() <= {"done", "asked"}
    assert share.expected <= 0.006
    assert share.asked <= 0.006


def test_the_campaign_can_fail():
    """A world where the server makes two of everything is noticed by the same invariants."""
    from campaign import invariants
    from campaign.drive import drive
    from campaign.faults import DOUBLED, OnWire

    world = World()
    try:
        world.faults.append(OnWire("POST /tickets/*/add_line_item", DOUBLED["delivered twice"]))
        ending = drive(world, SCENARIOS["line"])
        assert any(words.startswith("duplicate") for words in invariants.check(world, ending))
    finally:
        world.close()


# ---------------------------------------------------------------- a real process, really killed


class Killing:
    """A served sandbox that kills its client at one request, before it is done or after."""

    def __init__(self, path, done):
        self.sandbox = Sandbox(key="SK-of-the-killed-0123456789")
        self.path, self.done, self.victim = path, done, None
        self.real, self.sandbox.handle = self.sandbox.handle, self.handle

    def handle(self, method, target, headers, body):
        if self.victim and method != "GET" and target.partition("?")[0].endswith(self.path):
            victim, self.victim = self.victim, None
            answer = self.real(method, target, headers, body) if self.done else None
            os.kill(victim, signal.SIGKILL)
            time.sleep(0.2)  # the kill has arrived before any answer does
            return answer or self.real("GET", "/api/v1/me", headers, b"")
        return self.real(method, target, headers, body)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(("path", "done"), [("/add_line_item", False), ("/invoices", True)])
def test_a_process_that_is_killed_is_finished_by_the_next_one(tmp_path, isolated, path, done):
    killing = Killing(path, done)
    with serve(killing.sandbox) as server:
        environment = {
            **isolated(tmp_path),
            "SYNCRO_NB_URL": server.url,
            "SYNCRO_NB_API_KEY": killing.sandbox.key,
            "SYNCRO_NB_HOME": str(tmp_path / "syncro"),
            "SYNCRO_NB_SETTLE": "1",
        }

        def begin(*words):
            command = [sys.executable, "-m", "syncro_nb", *words]
            return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        work = ("--minutes", "30", "--labor", "remote", "--text", "Cleared the queue", "--yes", "--json")
        first = begin("bill", "32164", *work)
        killing.victim = first.pid
        first.communicate(timeout=60)
        assert first.returncode == -signal.SIGKILL
        said, _ = begin("runs", "--json").communicate(timeout=60)
        (run,) = json.loads(said)
        assert run["next"] == "resume"
        second = begin("runs", "resume", run["run"], "--json")
        said, errors = second.communicate(timeout=60)
        assert (second.returncode, json.loads(said)["verified"]) == (0, True), errors
        log = json.loads(killing.real("GET", "/_sandbox/log", {}, b"").body)
        posts = [row["path"].rsplit("/", 1)[-1] for row in log if row["method"] == "POST" and row["status"] == 200]
        assert sorted(posts) == ["add_line_item", "comment", "invoices"]
    held = [one for one in Path(tmp_path / "syncro").rglob("*") if one.is_file()]
    assert not [one for one in held if killing.sandbox.key.encode() in one.read_bytes()]
