"""A model of two or three runners that claim one ticket, each on a machine of its own, against one Syncro.

What is modelled: the comments of the ticket in the order in which they became visible, requests that were lost, answered,
answered too late, or land at any later time (with the id of then or of now), reads of a copy that lags behind, runners
that pause anywhere, crash, restart or reboot, a person who takes over, and time. What is real: the texts of the comments
and the decision, both from `claim.py`. Time goes in steps of five minutes; the settling time is one step.
"""

import time
from collections import namedtuple
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache

from explorer import explore

from syncro_nb.service.records import Comment
from syncro_nb.writes import claim
from syncro_nb.writes.claim import Billed, Claim, Go, Lost, TakeOver, Unseen, Wait, Withdraw

ACCOUNT, TICKET = "blue-river", 5
TICK_SECONDS = 300
SETTLE_TICKS = 1
ALLOWED_SECONDS = claim.allowed_seconds(SETTLE_TICKS * TICK_SECONDS)
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
LONG_AGO = -99
RUNS = ("RA222222", "RB333333", "RC444444")

# phase: idle (nothing sent in this attempt), sent (a claim left), in (granted), leaving (its end must be written), done
Runner = namedtuple("Runner", "phase attempt sent over landing")
World = namedtuple("World", "tick log late runners is_invoiced faults")
Note = namedtuple("Note", "id word run attempt over tick")  # a comment; id or tick None: given when it lands


@dataclass(frozen=True)
class Rules:
    """What the runners do, and the bounds of what is explored. The naive variants change one of these."""

    runners: int = 2
    ticks: int = 4
    attempts: int = 2
    faults: int = 2
    bills: bool = True  # the status Invoiced ends a claim; else its own end does
    lag: bool = False  # a read may show the ticket as it was some comments ago
    decide: object = claim.decide
    reads: bool = True
    lease_from: str = "sent"  # or "seen", or "never": a runner that goes on for as long as it likes
    ends_all_attempts: bool = False  # an end that speaks of its run, not of one attempt
    settles_first: bool = True  # what is in doubt is settled before the claim is renewed


@cache
def text(word, run, attempt, over, bills):
    mine = Claim(run, attempt, over, until_invoiced=bills)
    made = claim.claim_request if word == "Claim" else claim.end_request
    return made(ACCOUNT, TICKET, mine).body["body"]


@cache
def comment(note, bills):
    body = text(note.word, note.run, note.attempt, note.over, bills)
    return Comment(id=note.id, body=body, user_id=1, created_at=at(note.tick))


def at(tick):
    return NOON + timedelta(seconds=tick * TICK_SECONDS)


class Model:
    """The moves of a world under some rules."""

    def __init__(self, rules):
        self.rules = rules
        self.decided = lru_cache(maxsize=None)(self._decide)

    def start(self):
        idle = Runner("idle", 1, None, (), None)
        return World(0, (), (), (idle,) * self.rules.runners, False, self.rules.faults)

    def _decide(self, log, mine, is_invoiced, tick):
        comments = [comment(note, self.rules.bills) for note in log]
        more = {} if self.rules.decide is claim.decide else {"now": at(tick)}
        return self.rules.decide(comments, mine, ACCOUNT, TICKET, is_invoiced=is_invoiced, **more)

    # ------------------------------------------------------------ what must not be

    def is_fresh(self, world, runner):
        if self.rules.lease_from == "never":
            return True
        return runner.sent is not None and (world.tick - runner.sent) * TICK_SECONDS < ALLOWED_SECONDS

    def is_at_the_bill(self, world, runner):
        """It may send, or something that it sent is still under way."""
        return runner.landing is not None or (runner.phase == "in" and self.is_fresh(world, runner))

    def broken(self, world):
        both = [run for run, one in zip(RUNS, world.runners, strict=False) if self.is_at_the_bill(world, one)]
        return f"{' and '.join(both)} are at the bill together" if len(both) > 1 else ""

    # ------------------------------------------------------------ what can happen

    def moves(self, world):
        """Every next world, reduced."""
        for what, after in self.all_moves(world):
            yield what, self.reduced(after)

    def all_moves(self, world):
        """Every next world as it is: with names that stay, for a trace that can be read."""
        if world.tick < self.rules.ticks and all(one.landing != world.tick for one in world.runners):
            yield f"five minutes pass ({world.tick + 1})", world._replace(tick=world.tick + 1)
        for place, note in enumerate(world.late):
            rest = world.late[:place] + world.late[place + 1 :]
            yield f"{note.word} {note.run}-{note.attempt} arrives late", self._landed(world._replace(late=rest), note)
        for place, runner in enumerate(world.runners):
            for what, after in self._of(world, place, runner):
                yield f"{RUNS[place]} {what}", after

    def reduced(self, world):
        """The same world in fewer words, so that worlds which differ in nothing that can matter count as one.

        Left out is a claim that was ended, once its runner has gone on and nothing of it can arrive any more; ids keep
        their order only. With lag nothing is left out, because a read may show any of it again.
        """
        if self.rules.lag:
            return world
        present = {
            run: 99 if one.phase == "done" else one.attempt for run, one in zip(RUNS, world.runners, strict=False)
        }  # earlier attempts of a run are nothing that it looks for
        ended, over = {}, set()
        for note in world.log:
            over.update(note.over)
            if note.word == "End" and note.attempt > ended.get(note.run, (0,))[0]:
                ended[note.run] = (note.attempt, note)

        def is_over(note):
            return note.attempt < present[note.run] and (
                note.attempt <= ended.get(note.run, (0,))[0] or (note.run, note.attempt) in over
            )

        claims = [note for note in world.log if note.word == "Claim"]
        named = {(note.run, note.attempt) for note in (*claims, *world.late) if not is_over(note)}
        claims = [note for note in claims if not is_over(note) or any(one in named for one in note.over)]
        late = [
            note
            for note in world.late
            if note.over
            or not (is_over(note) if note.word == "Claim" else note.attempt <= ended.get(note.run, (0,))[0])
        ]
        ends = [
            note
            for attempt, note in ended.values()
            if any(one.run == note.run and one.attempt <= attempt for one in (*claims, *late) if one.word == "Claim")
            or attempt >= present[note.run]
        ]
        kept = sorted((*claims, *ends))
        rank = {number: place for place, number in enumerate(sorted({one.id for one in (*kept, *late) if one.id}), 1)}
        runners = [
            Runner("done", 0, None, (), one.landing)
            if one.phase == "done"
            else one._replace(sent=LONG_AGO)
            if one.sent is not None and one.phase == "in" and not self.is_fresh(world, one)
            else one
            for one in world.runners
        ]
        order = sorted(range(len(runners)), key=lambda place: repr(runners[place]))
        new = {RUNS[old]: RUNS[place] for place, old in enumerate(order)}

        def renamed(note):
            others = tuple((new[run], attempt) for run, attempt in note.over)
            return note._replace(id=rank.get(note.id), run=new[note.run], over=others)

        return world._replace(
            log=tuple(map(renamed, kept)),
            late=tuple(sorted(map(renamed, late), key=repr)),
            runners=tuple(
                runners[old]._replace(over=tuple((new[run], attempt) for run, attempt in runners[old].over))
                for old in order
            ),
        )

    def _of(self, world, place, runner):
        def now(world=world, **changes):
            runners = world.runners
            return world._replace(runners=(*runners[:place], runner._replace(**changes), *runners[place + 1 :]))

        if runner.landing is not None:
            yield "'s write lands, or is lost", now(landing=None)
        if runner.phase == "idle" and runner.attempt <= self.rules.attempts:
            note = Note(None, "Claim", RUNS[place], runner.attempt, runner.over, None)
            answered = "in" if not self.rules.reads else "sent"
            for what, after in self._sent(world, note):
                heard = answered if what == "is answered" else "sent"
                yield f"claims (attempt {runner.attempt}), which {what}", now(after, phase=heard, sent=world.tick)
        if runner.phase == "sent":
            yield from self._read(world, place, runner, now)
        if runner.phase in ("sent", "in") and runner.landing is None:
            yield "gives up", now(phase="leaving")
        if runner.phase == "leaving":
            named = self.rules.attempts if self.rules.ends_all_attempts else runner.attempt
            note = Note(None, "End", RUNS[place], named, (), None)
            later = {"phase": "idle", "attempt": runner.attempt + 1, "over": (), "sent": None}
            for what, after in self._sent(world, note):
                yield f"withdraws attempt {runner.attempt}, which {what}", now(after, **later)
        if runner.phase == "in":
            yield from self._at_the_bill(world, place, runner, now)
        if world.faults and runner.sent is not None:  # after a reboot nobody knows how long ago the claim left
            after = world._replace(faults=world.faults - 1)
            yield "is rebooted", now(after, sent=None)

    def _read(self, world, place, runner, now):
        mine = Claim(RUNS[place], runner.attempt, runner.over, until_invoiced=self.rules.bills)
        later = {"phase": "idle", "attempt": runner.attempt + 1, "sent": None}
        shown = range(len(world.log) + 1) if self.rules.lag else [len(world.log)]
        for length in shown:
            decision = self.decided(world.log[:length], mine, world.is_invoiced, world.tick)
            what = f"reads {length} comments: {type(decision).__name__}"
            match decision:
                case Go():
                    seen = {"sent": world.tick} if self.rules.lease_from == "seen" else {}
                    yield what, now(phase="in", **seen)
                case Unseen():  # after the settling time it counts as lost; sending it earlier would do no harm
                    yield f"{what}; claims anew", now(over=runner.over, **later)
                case Withdraw() | Wait():
                    yield what, now(phase="leaving")
                case TakeOver(others):
                    names = tuple(sorted(one.claim.name for one in others))
                    yield f"{what}, and a person says so", now(over=names, **later)
                case Lost():
                    yield what, now(over=(), **later)
                case Billed():
                    yield what, now(phase="done")

    def _at_the_bill(self, world, place, runner, now):
        if self.is_fresh(world, runner):
            if runner.landing is None:
                yield "sends a write", now(landing=world.tick + SETTLE_TICKS)
        elif runner.landing is None or not self.rules.settles_first:  # what is in doubt is settled first
            later = {"phase": "idle", "attempt": runner.attempt + 1, "over": (), "sent": None}
            yield "finds its claim too old; claims anew", now(**later)
        if runner.landing is None:
            if self.rules.bills:
                yield (
                    "has verified the invoice and sets the status",
                    now(world._replace(is_invoiced=True), phase="done"),
                )
            else:
                note = Note(None, "End", RUNS[place], runner.attempt, (), None)
                for what, after in self._sent(world, note):
                    yield f"is done and ends its claim, which {what}", now(after, phase="done")

    # ------------------------------------------------------------ the network, and Syncro

    def _sent(self, world, note):
        """What may become of a comment that leaves: (what its sender knows, the world after)."""
        yield "is answered", self._landed(world, note)
        if not world.faults:
            return
        world = world._replace(faults=world.faults - 1)
        yield "lands, and the answer is lost", self._landed(world, note)
        yield "is lost", world
        for is_numbered in (False, True):  # the id and the stamp may be of now, and the comment visible later
            kept = note._replace(id=self._next(world), tick=world.tick) if is_numbered else note
            late = tuple(sorted((*world.late, kept), key=repr))
            yield "is on its way" + (" with an id" if is_numbered else ""), world._replace(late=late)

    def _landed(self, world, note):
        if note.id is None:
            note = note._replace(id=self._next(world), tick=world.tick)
        return world._replace(log=(*world.log, note))

    def _next(self, world):
        return 1 + max((note.id for note in (*world.log, *world.late) if note.id is not None), default=0)


# What holds, with the bounds in which it was looked at: the first in every test run, all of them with `make model`.
PROVED = {
    "two runners, a fault, bills": Rules(faults=1, ticks=2),
    "two runners, a fault, ends": Rules(faults=1, ticks=3, bills=False),
    "two runners, one attempt, two faults": Rules(faults=2, ticks=2, attempts=1, bills=False),
    "two runners, a fault, reads that lag": Rules(faults=1, ticks=0, lag=True, bills=False),
    "three runners, a fault": Rules(runners=3, faults=1, ticks=1, attempts=1, bills=False),
}
FURTHER = {
    "two runners, a fault, more time": Rules(faults=1, ticks=5),
    "two runners, two faults, bills": Rules(faults=2, ticks=3),
    "two runners, two faults, ends": Rules(faults=2, ticks=3, bills=False),
    "two runners, a fault, reads that lag, time": Rules(faults=1, ticks=1, lag=True, bills=False),
    "three runners that take over": Rules(runners=3, faults=0, ticks=3),
    "three runners, two faults": Rules(runners=3, faults=2, ticks=1, attempts=1, bills=False),
}

if __name__ == "__main__":
    for name, rules in (PROVED | FURTHER).items():
        model, began = Model(rules), time.monotonic()
        print(
            f"{name}: {explore(model.start(), model.moves, model.broken)}, {time.monotonic() - began:.0f} s", flush=True
        )
