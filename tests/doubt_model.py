"""A model of one or two processes that work on the same step, with one journal, against one Syncro that forgets nothing.

What is modelled: the journal's compare-and-set, a process that pauses anywhere (between its intent and its request, too: the
limiter makes it wait, the lid of a laptop is closed), a crash, a request that is lost, a lost answer, a late commit, and time.
What is real: `doubt.judge`. Ten minutes are one step of time; a request lands within one, the settling time is two.
"""

from collections import namedtuple
from dataclasses import dataclass

from syncro_nb.writes import doubt

LANDS_TICKS, SETTLE_TICKS = 1, 2

# at: free, leaving (intent on record, request not sent), heard, looked (once, and found nothing), sure (that it is absent)
Process = namedtuple("Process", "at attempt heard")
World = namedtuple("World", "tick lines flights state attempt since posts absences processes faults")


@dataclass(frozen=True)
class Rules:
    """What the processes do, and the bounds. The naive variants change one of the last four."""

    processes: int = 2
    ticks: int = 6
    attempts: int = 3
    faults: int = 3
    settles: bool = True
    looks_twice: bool = True
    since_intent: bool = False  # the settling time is counted from the intent
    checks_when_leaving: bool = True  # just before a request leaves: is the step still this process's?
    compares_attempts: bool = True  # the compare-and-set knows which attempt was looked for


class Model:
    """The moves of a world under some rules."""

    def __init__(self, rules):
        self.rules = rules

    def start(self):
        free = (Process("free", 0, ""),) * self.rules.processes
        return World(0, 0, (), "planned", 1, None, 0, 0, free, self.rules.faults)

    def broken(self, world):
        if world.lines > 1:
            return f"{world.lines} lines for one piece of work"
        return "it was sent more often than it was proved absent" if world.posts > 1 + world.absences else ""

    def moves(self, world):
        """Every next world."""
        if world.tick < self.rules.ticks and world.tick not in world.flights:
            yield f"time passes ({world.tick + 1})", world._replace(tick=world.tick + 1)
        for place in range(len(world.flights)):
            rest = world.flights[:place] + world.flights[place + 1 :]
            yield "a late request lands", world._replace(flights=rest, lines=world.lines + 1)
            yield "a late request is lost", world._replace(flights=rest)
        for place, process in enumerate(world.processes):
            for what, after, then in self._of(world, process):
                processes = sorted((*world.processes[:place], then, *world.processes[place + 1 :]))
                yield f"process at {process.at!r} {what}", after._replace(processes=tuple(processes))

    def _of(self, world, process):
        free = Process("free", 0, "")
        if process.at != "free" and world.faults:
            yield "crashes", world._replace(faults=world.faults - 1), free
        match process.at:
            case "free":
                yield from self._at_liberty(world)
            case "leaving":
                if self.rules.checks_when_leaving and (world.state, world.attempt) != ("intent", process.attempt):
                    yield "sees that the step is no longer its own", world, free
                else:
                    yield from self._sends(world, process)
            case "heard" if world.state != "intent" or world.attempt != process.attempt:
                yield "finds the step taken over", world, free
            case "heard" if process.heard == "answer":
                yield "records the answer", world._replace(state="verified"), free
            case "heard":
                since = world.since if self.rules.since_intent else world.tick
                yield "records that nobody knows", world._replace(state="unknown", since=since), free
            case "looked":
                yield from self._looks(world, process.attempt, 2)
            case "sure":
                same = world.attempt == process.attempt or not self.rules.compares_attempts
                if world.state == "unknown" and same:
                    yield "records that it is absent", world._replace(state="absent", absences=world.absences + 1), free
                else:
                    yield "finds the step taken over", world, free

    def _at_liberty(self, world):
        if world.state in ("planned", "absent"):
            attempt = world.attempt + (world.state == "absent")
            if attempt <= self.rules.attempts:
                after = world._replace(state="intent", attempt=attempt, since=world.tick)
                yield f"records its intent (attempt {attempt})", after, Process("leaving", attempt, "")
        elif world.state == "intent":
            since = world.since if self.rules.since_intent else world.tick
            yield "finds an intent without an end", world._replace(state="unknown", since=since), Process("free", 0, "")
        elif world.state == "unknown":
            yield from self._looks(world, world.attempt, 1)

    def _looks(self, world, attempt, looks):
        settle = SETTLE_TICKS if self.rules.settles else 0
        looks = looks if self.rules.looks_twice else 2
        elapsed = world.tick - (world.since or 0)
        verdict = doubt.judge(world.lines, 0, looks=looks, elapsed_seconds=elapsed, settle_seconds=settle)
        free = Process("free", 0, "")
        if verdict == "adopt" and world.state == "unknown":
            yield "finds it", world._replace(state="verified"), free
        elif verdict == "absent":
            yield "has looked, and it is not there", world, Process("sure", attempt, "")
        elif verdict == "look again":
            yield "looks, and it is not there yet", world, Process("looked", attempt, "")
        else:
            yield "asks", world, free

    def _sends(self, world, process):
        sent = world._replace(posts=world.posts + 1)
        heard = process._replace(at="heard", heard="answer")
        yield "sends it, and is answered", sent._replace(lines=world.lines + 1), heard
        if world.faults:
            sent, heard = sent._replace(faults=world.faults - 1), heard._replace(heard="nothing")
            yield "sends it, and the answer is lost", sent._replace(lines=world.lines + 1), heard
            yield "sends it, and it is lost", sent, heard
            late = tuple(sorted((*world.flights, world.tick + LANDS_TICKS)))
            yield "sends it, and it is slow", sent._replace(flights=late), heard
