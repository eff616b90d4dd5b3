"""The short form of the campaign (`make campaign` runs the long one), and what a bill costs; a real kill of a real process."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from campaign import invariants
from campaign.drive import drive
from campaign.faults import DOUBLED, PERSON, WIRE, OnWire
from campaign.known import KNOWN
from campaign.matrix import planned
from campaign.realistic import simulate
from campaign.run import in_processes
from campaign.scenarios import SCENARIOS
from campaign.world import KEY, World

from syncro_nb.sandbox import Sandbox
from syncro_nb.sandbox.server import serve

MOST_REQUESTS = 9
EXAMPLES = int(os.environ.get("CAMPAIGN_EXAMPLES", "25"))


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


@pytest.mark.parametrize(("name", "most"), [("line", MOST_REQUESTS), ("timers", MOST_REQUESTS + 3)])
def test_a_bill_takes_nine_requests_after_the_confirmation_and_each_charge_a_look_of_its_own(name, most):
    world = World()
    try:
        plan = planned(name)
        assert world.ws.apply(plan, confirm=plan.confirmation).is_verified
        assert world.reads + len(world.deliveries) <= most
    finally:
        world.close()


def test_under_everyday_faults_hardly_any_bill_needs_a_person():
    share = simulate(2000)
    assert share.broken == []
    assert share.ends.keys() <= {"done", "asked"}
    assert share.expected <= 0.006
    assert share.asked <= 0.006


# ---------------------------------------------------------------- each invariant can fail

LINE, COMMENT, INVOICE = "POST /tickets/*/add_line_item", "POST /tickets/*/comment", "POST /invoices"


def twice(operation):
    return lambda world: OnWire(operation, DOUBLED["delivered twice"])


def in_doubt(world):
    return OnWire(LINE, WIRE["time-out, not done"])


def call_it_nothing(world):
    world._opened[-1][1].execute("UPDATE runs SET state = 'nothing'")


def send_once_more(world):
    world.deliveries.append(next(one for one in world.deliveries if one.operation == LINE))


def go_another_way(world):
    world.edges = lambda: [("verified", "planned")]


def hurry(world):
    first, second = (one for one in world.deliveries if one.operation == LINE)
    second.at = first.at + 1


def forget_the_intent(world):
    world.deliveries[0].step = None


def trust_the_cache(world):
    world.deliveries[0].durable = False


def write_the_key_down(world):
    (world.home / "debug.log").write_text(KEY)


UNTRUE = {  # what goes wrong on the wire, what is done to the world once it is done, and the invariant that must say so
    "a second line": (twice(LINE), None, "duplicate: POST /tickets/*/add_line_item"),
    "a second invoice": (twice(INVOICE), None, "duplicate: POST /invoices"),
    "a second mail": (twice(COMMENT), None, "mail: 2"),
    "a line that was changed": (None, lambda world: PERSON["changes the price"](world, 32164), "false proof"),
    "an invoice that is gone": (None, lambda world: PERSON["deletes the invoice"](world, 32164), "false proof"),
    "another status": (None, lambda world: PERSON["changes the status"](world, 32164), "false proof"),
    "work of a run that calls itself nothing": (None, call_it_nothing, "lost"),
    "a third end": (None, "open", "third end"),
    "sent again without a look": (in_doubt, send_once_more, "posts"),
    "sent again at once": (in_doubt, hurry, "too early"),
    "sent before it was on record": (None, forget_the_intent, "intent"),
    "an intent that a power cut takes": (None, trust_the_cache, "intent"),
    "a state that is not in the diagram": (None, go_another_way, "edge"),
    "the key on the disk": (None, write_the_key_down, "key"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNTRUE)
def test_the_campaign_can_fail(name):
    fault, change, words = UNTRUE[name]
    world = World()
    try:
        world.faults += [fault(world)] if fault else []
        ending = drive(world, SCENARIOS["line"])
        if fault in (None, in_doubt):
            assert ending.how == "done"
            assert invariants.check(world, ending) == []
        if change == "open":
            ending.how = change
        elif change:
            change(world)
        assert any(one.startswith(words) for one in invariants.check(world, ending))
    finally:
        world.close()


# ---------------------------------------------------------------- a real process, really killed


class Killing:
    """A served sandbox that kills its client at one request, before it is done or after."""

    def __init__(self, request, done):
        self.sandbox = Sandbox(key="SK-of-the-killed-0123456789")
        self.request, self.done, self.victim = re.compile(request), done, None
        self.real, self.sandbox.handle = self.sandbox.handle, self.handle

    def handle(self, method, target, headers, body):
        if self.victim and self.request.fullmatch(f"{method} {target.partition('?')[0]}"):
            victim, self.victim = self.victim, None
            answer = self.real(method, target, headers, body) if self.done else None
            os.kill(victim, signal.SIGKILL)
            time.sleep(0.2)  # the kill has arrived before any answer does
            return answer or self.real("GET", "/api/v1/me", headers, b"")
        return self.real(method, target, headers, body)


# The request, and who says how it goes on if it had not arrived: what customers see is a person's.
KILLS = {
    "POST .*/comment": "decide",
    "POST .*/add_line_item": None,
    "POST .*/invoices": "decide",
    "PUT .*/tickets/[0-9]+": None,
}
ALL = [(request, done) for request in KILLS for done in (False, True)]
SAMPLE = ALL if EXAMPLES > 25 else [ALL[2], ALL[4], ALL[5]]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(("call", "done"), SAMPLE)
def test_a_process_that_is_killed_is_finished_by_the_next_one(tmp_path, isolated, call, done):
    killing = Killing(call, done)
    asks = None if done else KILLS[call]
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
        assert (second.returncode, json.loads(said)["next"]) == (5 if asks else 0, asks), errors
        if asks:
            word = ("--resend", "--ticket", "32164", "--json")
            said, errors = begin("runs", "decide", run["run"], *word).communicate(timeout=60)
        assert json.loads(said)["verified"], errors
        log = json.loads(killing.real("GET", "/_sandbox/log", {}, b"").body)
        posts = [row["path"].rsplit("/", 1)[-1] for row in log if row["method"] == "POST" and row["status"] == 200]
        assert sorted(posts) == ["add_line_item", "comment", "invoices"]
    held = [one for one in Path(tmp_path / "syncro").rglob("*") if one.is_file()]
    assert not [one for one in held if killing.sandbox.key.encode() in one.read_bytes()]
