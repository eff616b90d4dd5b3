"""A person, a colleague in Syncro, a second process and a bad network take turns in any order, on the real code.

Hypothesis draws what happens next; after every step nothing is there twice, nothing was sent before it was on record, and what
calls itself verified is on the server. CAMPAIGN_EXAMPLES=2000 draws more of them, and longer ones (`make campaign`).
"""

import os
from collections import Counter

from campaign import faults, invariants
from campaign.drive import _choice, attempt
from campaign.faults import AtSeam, OnWire
from campaign.scenarios import SCENARIOS, Promise, Scenario, without_reference
from campaign.world import LINE_TICKET, TIMER_TICKET, World
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from syncro_nb.writes.ticket import CommentDraft

EXAMPLES = int(os.environ.get("CAMPAIGN_EXAMPLES", "25"))
TEXT = "Rang the office, nobody there"
# A bill on one ticket, a comment on another: each is one unit of work, however often it is asked for.
WORK = {
    LINE_TICKET: SCENARIOS["line"],
    TIMER_TICKET: Scenario(
        "comment",
        TIMER_TICKET,
        lambda ws, world: ws.plan(CommentDraft(TIMER_TICKET, TEXT)),
        lambda world: Promise(
            TIMER_TICKET, world.ticket(TIMER_TICKET)["customer_id"], ("Update", TEXT, False), (), False, None, 1
        ),
    ),
}
OPERATIONS = ["POST /tickets/*/comment", "POST /tickets/*/add_line_item", "POST /invoices", "PUT /tickets/*"]
LOSSES = [name for name in faults.WIRE if not name.startswith(("an old", "id 0", "answered"))]
PEOPLE = ["comments", "quotes us", "adds a line", "makes the invoice", "changes the status", "sets it to Invoiced"]
MOMENTS = ["kill", "kill, boot", "Ctrl-C", "disk full once", "lid closed for 100 s", "clock back a day"]


class Desks(RuleBasedStateMachine):
    """One home, one account; everybody takes turns."""

    def __init__(self):
        super().__init__()
        self.world = World()
        self.told, self.promises, self.proved, self.left = [], {}, set(), set()

    @initialize(
        lost=st.lists(st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(LOSSES)), min_size=1, max_size=3),
        moments=st.lists(st.tuples(st.sampled_from(MOMENTS), st.integers(5, 120)), max_size=2),
        number=st.sampled_from([LINE_TICKET, LINE_TICKET, TIMER_TICKET]),
    )
    def begin_in_trouble(self, lost, moments, number):
        """Where all goes well there is little to see."""
        self.world.faults += [OnWire(operation, faults.WIRE[loss]) for operation, loss in lost]
        self.world.faults += [AtSeam(after, faults.SEAM[moment]) for moment, after in moments]
        self.apply_to(number, False)

    def teardown(self):
        self.world.close()

    def workspace(self, other):
        return self.world.spawn()[1] if other else self.world.ws

    def act(self, what):
        receipt = attempt(self.world, what, self.told)
        if receipt is not None and receipt.run.state == "done" and receipt.is_verified:
            run = receipt.run.id
            if run not in self.proved:
                self.proved.add(run)
                assert self.promises[run].broken(self.world) == []
        if receipt is not None and receipt.run.state == "abandoned":
            self.left.add(receipt.run.plan.number)

    @rule(number=st.sampled_from(list(WORK)), other=st.booleans())
    def apply(self, number, other):
        self.apply_to(number, other)

    def apply_to(self, number, other):
        if number in self.left:  # what was left half done is a person's, who looks in Syncro
            return
        ws, work = self.workspace(other), WORK[number]

        def carry_out():
            promise = work.promise(self.world)
            plan = work.plan(ws, self.world)
            if plan.blockers:
                return None
            self.promises[plan.run] = promise
            return ws.apply(plan, confirm=plan.confirmation)

        self.act(carry_out)

    def open_runs(self, what):
        return [one for one in self.world.ws.receipts() if one.run.state == "open" and one.next == what]

    @precondition(lambda self: self.open_runs("resume"))
    @rule(other=st.booleans(), wait=st.booleans())
    def resume(self, other, wait):
        ws, run = self.workspace(other), self.open_runs("resume")[0].run.id
        self.act(lambda: ws.resume(run, wait=wait))

    @precondition(lambda self: self.open_runs("decide"))
    @rule(other=st.booleans())
    def look_again(self, other):
        ws, run = self.workspace(other), self.open_runs("decide")[0].run.id
        self.act(lambda: ws.resume(run))

    @precondition(lambda self: self.open_runs("decide"))
    @rule(word=st.sampled_from(["as it is", "as it is", "resend", "abandon"]))
    def decide(self, word):
        """Mostly by somebody who looks; "resend" is said by one who does not, and must be refused where it is there."""
        receipt = self.open_runs("decide")[0]
        choice, record = _choice(self.world, receipt) if word == "as it is" else (word, None)
        ws, number = self.world.ws, receipt.run.plan.number
        self.act(lambda: ws.decide(receipt.run.id, choice, ticket=number, record_id=record))

    @rule(operation=st.sampled_from(OPERATIONS), loss=st.sampled_from(LOSSES))
    def lose_the_next(self, operation, loss):
        nth = self.world._counts.get(operation, 0)
        self.world.faults.append(OnWire(operation, faults.WIRE[loss], nth))

    @rule(moment=st.sampled_from(MOMENTS), after=st.integers(1, 60))
    def something_at_a_moment(self, moment, after):
        self.world.faults.append(AtSeam(len(self.world.seams) + after, faults.SEAM[moment]))

    @rule(reboot=st.booleans())
    def restart(self, reboot):
        self.world.restart(reboot=reboot)

    @rule(what=st.sampled_from(PEOPLE), number=st.sampled_from(list(WORK)))
    def somebody_is_at_work(self, what, number):
        for one in self.world.ws.receipts():  # what comes after the proof is not in it
            if one.run.plan.number == number and any(
                step.step.name == "verify" and step.record_id for step in one.run.steps
            ):
                return
        faults.PERSON[what](self.world, number)

    @rule(seconds=st.sampled_from([1, 30, 119, 600]))
    def time_passes(self, seconds):
        self.world.true += seconds
        self.world.arrive_late()

    @invariant()
    def nothing_is_there_twice(self):
        done = Counter()
        for one in self.world.deliveries:
            if one.operation.startswith("POST"):
                words = (
                    without_reference(str(one.fields.get(name, ""))) for name in ("body", "description", "ticket_id")
                )
                done[(one.operation, *words)] += one.committed
        assert [what for what, count in done.items() if count > 1] == []

    @invariant()
    def everything_was_on_record_first(self):
        assert invariants._intents(self.world) == []
        assert invariants._sends(self.world) == []
        assert invariants._lost(self.world) == []
        assert set(self.world.edges()) <= invariants.EDGES

    @invariant()
    def the_journal_is_whole(self):
        assert self.world.ws.journal.is_whole()


TestDesks = Desks.TestCase
TestDesks.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=12 if EXAMPLES <= 150 else 50,
    deadline=None,
    phases=[Phase.generate] if EXAMPLES <= 150 else list(Phase),
    derandomize=EXAMPLES <= 150,  # the same in every run of the tests
    suppress_health_check=list(HealthCheck),
)
