"""The cases: every fault kind at every step and every moment, alone and in pairs, for every scenario.

The yield points are not listed by hand: a scenario is carried out once without a fault, and the seams that it passed are the
moments. A case is named so that it can be run again alone: `python -m campaign --only NAME`.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from . import faults
from .batches import BATCH
from .drive import drive
from .faults import AtSeam, Fault, OnWire
from .otherwork import OTHER_WORK
from .scenarios import SCENARIOS, Scenario
from .world import World

if TYPE_CHECKING:
    from syncro_nb.writes.plan import Plan

EVERY = {**SCENARIOS, **OTHER_WORK, **BATCH}
MOST_PAIRS = 3000
LOSSES = ("time-out, not done", "time-out, done", "503, not done", "503, done", "late by 100 s", "422", "no connection")


@dataclass(frozen=True)
class Case:
    """One case. `make` gives fresh faults. `then`: what happens in Syncro once it is asked, before somebody looks again."""

    name: str
    scenario: Scenario
    make: Callable[[], list[Fault]]
    tags: frozenset[str] = frozenset()
    switches: Mapping[str, Any] = field(default_factory=dict)
    then: Callable[[World], None] | None = None


@dataclass(frozen=True)
class Trace:
    """A run without a fault: the labels of its seams, and its writes as (operation, nth, fields)."""

    seams: tuple[str, ...]
    writes: tuple[tuple[str, int, dict[str, Any]], ...]
    proof: int  # the seam from which it is read back

    def places(self, *starts: str) -> list[int]:
        """The seams whose label starts with one of these."""
        return [place for place, label in enumerate(self.seams) if label.startswith(starts)]


@cache
def trace(name: str, setup: str = "", times: int = 1) -> Trace:
    """The scenario carried out once; `setup` as "operation|nth|kind" sets one fault on the wire before, so many times."""
    world = fresh_world(EVERY[name])
    try:
        plan = planned(name)
        EVERY[name].prepare(world)
        if setup:
            operation, nth, kind = setup.split("|")
            world.faults.append(OnWire(operation, faults.WIRE[kind], int(nth), times))
        drive(world, EVERY[name], plan)
        counts: dict[str, int] = {}
        writes = []
        for one in world.deliveries:
            writes.append((one.operation, counts.setdefault(one.operation, 0), one.fields))
            counts[one.operation] += 1
        writes_at = [p for p, label in enumerate(world.seams) if label.startswith(("send P", "send D"))]
        posts = [p for p in writes_at if world.seams[p].startswith("send POST")] or writes_at[-1:]
        reads = (p for p in range(posts[-1], len(world.seams)) if world.seams[p].startswith("send GET"))
        proof = next(reads, len(world.seams))
        return Trace(tuple(world.seams), tuple(writes), proof)
    finally:
        world.close()


def fresh_world(scenario: Scenario, switches: Mapping[str, Any] | None = None) -> World:
    """A world as the scenario needs it."""
    return World(switches, claims=scenario.claims, batches=scenario.carry is not None)


@cache
def planned(name: str) -> Plan | None:
    """The scenario's plan on a world where nothing has happened yet, the same in every case; a batch has none."""
    if EVERY[name].carry:
        return None
    world = fresh_world(EVERY[name])
    try:
        EVERY[name].prepare(world)
        return EVERY[name].plan(world.ws, world)
    finally:
        world.close()


def cases(size: str, *, seed: int = 1) -> Iterator[Case]:
    """All cases of a size: `short` thins what differs little between scenarios, `long` leaves nothing out."""
    whole = size == "long"
    for place, scenario in enumerate(SCENARIOS.values()):
        full = whole or place < 2
        yield Case(f"{scenario.name}: nothing", scenario, list)
        yield from _thin(_on_writes(scenario), 1 if whole or not place else 5 if full else 17)
        yield from _thin(_doubled(scenario), 1)
        yield from _thin(_beyond(scenario), 1)
        yield from _thin(_fields(scenario), 1 if whole or not place else 2 if full else 7)
        yield from _thin(_seams(scenario), 1 if whole else 7 if full else 43)
        yield from _thin(_reads(scenario), 1 if whole else 7 if full else 40)
        yield from _thin(_planning(scenario), 1 if whole else 11 if full else 40)
        yield from _thin(_people(scenario), 1 if whole else 9 if full else 41)
        yield from _thin(_second(scenario), 1 if whole else 5 if full else 23)
        yield from _waiting_second(scenario) if full else ()
        yield from _thin(_overtaken(scenario), 1 if full else 7)
        yield from _thin(_slow(scenario), 1 if full else 5)
        yield from _mended(scenario) if place == 0 else ()
        yield from _thin(_twice(scenario), 1 if whole else 4)
        yield from _pairs(scenario, None if whole else random.Random(seed), 50 if full else 20)
        yield from _in_the_resume(scenario, None if whole else random.Random(seed), 6 if full else 3, 9)
        yield from _any_two(scenario, random.Random(seed), MOST_PAIRS if whole else 40 if full else 10)
    for place, scenario in enumerate((*OTHER_WORK.values(), *BATCH.values())):
        yield Case(f"{scenario.name}: nothing", scenario, list)
        for sort, step in _OTHER_SORTS.items():
            yield from _thin(sort(scenario), 1 if whole else step * (4 if scenario.carry else 1), place)
        if whole:
            yield from _pairs(scenario, None, 0)
            yield from _in_the_resume(scenario, None, 0, 0)
        yield from _any_two(scenario, random.Random(seed), MOST_PAIRS if whole else 5)


def alone(scenario: Scenario) -> Iterator[Case]:
    """Every case of a scenario in which one thing goes wrong, or nothing."""
    yield Case(f"{scenario.name}: nothing", scenario, list)
    for sort in _OTHER_SORTS:
        yield from sort(scenario)
    if scenario.name == "line":
        yield from _mended(scenario)


def _thin(found: Iterator[Case], step: int, start: int = 0) -> Iterator[Case]:
    """Every so-many-th, and always those by which a fault was found."""
    return (case for number, case in enumerate(found, start) if number % step == 0 or _FOUND.search(case.name))


# The cases that found something once: they stay in the short form.
_FOUND = re.compile(
    "|".join(
        [
            r"^(line|timers): another process bills at seam [0-6] ",
            r"delivered twice at",
            r"^line: (Ctrl-C|disk full once) at seam \d+ \(commit\)",
            r"^timers: somebody changes the price at seam \d+ \(done POST /invoices\)",
            r"^line: kill at seam \d+ \(begin\)",
            r"charge_timer_entry 0, then somebody adds the same line",
            r"charge_timer_entry 1, then somebody (deletes the line|charges a timer)",
        ]
    )
)


def _wire(scenario: Scenario, kinds: Mapping[str, faults.Act], tag: str, times: int | None = 1) -> Iterator[Case]:
    for operation, nth, _ in trace(scenario.name).writes:
        for kind, act in kinds.items():
            name = f"{scenario.name}: {kind}{'' if times else ', lasting'} at {operation} {nth}"

            def make(operation: str = operation, nth: int = nth, act: faults.Act = act) -> list[Fault]:
                return [OnWire(operation, act, nth, times)]

            yield Case(name, scenario, make, frozenset({tag}))


def _on_writes(scenario: Scenario) -> Iterator[Case]:
    yield from _wire(scenario, faults.WIRE, "wire")
    yield from _wire(scenario, {kind: faults.WIRE[kind] for kind in faults.LASTING}, "wire", times=None)


def _doubled(scenario: Scenario) -> Iterator[Case]:
    yield from _wire(scenario, faults.DOUBLED, "doubled")


def _beyond(scenario: Scenario) -> Iterator[Case]:
    yield from _wire(scenario, faults.BEYOND, "beyond")


def _fields(scenario: Scenario) -> Iterator[Case]:
    """Each sent field dropped or altered by the server; what it keeps altered after a true answer; what it forgets."""
    for operation, nth, body in trace(scenario.name).writes:
        acts = faults.by_fields(body)
        acts += [
            (f"{table}.{column} stored otherwise", faults.store_otherwise(table, column, change))
            for table, column, change in faults.STORED.get(operation, ())
        ]
        for kind, act in acts:

            def make(operation: str = operation, nth: int = nth, act: faults.Act = act) -> list[Fault]:
                return [OnWire(operation, act, nth)]

            yield Case(f"{scenario.name}: {kind} at {operation} {nth}", scenario, make, frozenset({"field"}))


def _seams(scenario: Scenario) -> Iterator[Case]:
    for kind, act in faults.SEAM.items():
        for place, label in enumerate(trace(scenario.name).seams):
            if not _may_be(kind, label):
                continue

            def make(place: int = place, act: Any = act) -> list[Fault]:
                return [AtSeam(place, act)]

            tags = frozenset({"seam", *({"power"} if kind.startswith("power") else ())})
            yield Case(f"{scenario.name}: {kind} at seam {place} ({label})", scenario, make, tags)


def _planning(scenario: Scenario) -> Iterator[Case]:
    """The reads that a plan is made of fail: then there is none, or none that is wrong."""
    for number in range(8):
        for kind, act in faults.READ.items():

            def make(number: int = number, act: faults.Act = act) -> list[Fault]:
                return [faults.OnRequest(number, act)]

            name = f"{scenario.name}: {kind} at read {number} of the planning"
            yield Case(name, scenario, make, frozenset({"read", "planning"}))


def _reads(scenario: Scenario) -> Iterator[Case]:
    counts: dict[str, int] = {}
    for label in trace(scenario.name).seams:
        if not label.startswith("send GET"):
            continue
        operation = label.removeprefix("send ")
        nth = counts.get(operation, 0)
        counts[operation] = nth + 1
        for kind, act in faults.READ.items():
            for times in (1, None):

                def make(
                    operation: str = operation, nth: int = nth, act: faults.Act = act, times: int | None = times
                ) -> list[Fault]:
                    return [OnWire(operation, act, nth, times)]

                lasting = "" if times else ", lasting"
                name = f"{scenario.name}: {kind}{lasting} at {operation} {nth}"
                yield Case(name, scenario, make, frozenset({"read"}))


def _people(scenario: Scenario) -> Iterator[Case]:
    """Somebody is at work in Syncro at the same time: at every seam up to the one from which everything is read back."""
    found = trace(scenario.name)
    ticket = scenario.number if scenario.ticket is None else scenario.ticket
    for kind, act in (faults.PERSON if scenario.people is None else scenario.people).items():
        for place in range(found.proof):
            at = faults.person(act, ticket)

            def make(place: int = place, at: Any = at) -> list[Fault]:
                return [AtSeam(place, at)]

            label = found.seams[place]
            yield Case(
                f"{scenario.name}: somebody {kind} at seam {place} ({label})", scenario, make, frozenset({"person"})
            )
        earlier = [one for one in found.writes if one[0].startswith("POST")]  # what comes after the proof is not in it
        for (operation, nth, _), loss in itertools.product(earlier, ("time-out, not done", "503, done", "422")):
            after = trace(scenario.name, f"{operation}|{nth}|{loss}")
            place = next((p for p in range(len(after.seams)) if _stops(after, p, operation, nth)), None)
            if place is not None:
                at = faults.person(act, ticket)

                def both(
                    operation: str = operation, nth: int = nth, loss: str = loss, place: int = place, at: Any = at
                ) -> list[Fault]:
                    return [OnWire(operation, faults.WIRE[loss], nth), AtSeam(place, at)]

                name = f"{scenario.name}: {loss} at {operation} {nth}, then somebody {kind}"
                yield Case(name, scenario, both, frozenset({"person"}))


def _stops(found: Trace, place: int, operation: str, nth: int) -> bool:
    """The commit that settles what became of that write: after it the run stands, and others may be at work."""
    sends = [p for p, label in enumerate(found.seams) if label == f"send {operation}"]
    return place > sends[nth] and found.seams[place] == "committed"


def _second(scenario: Scenario) -> Iterator[Case]:
    """Another process of the same home: it resumes the run, or it was about to carry out the same draft."""

    def applies(world: World, life: Any) -> None:
        _, ws = world.spawn()

        def act() -> Any:
            if scenario.carry:
                return scenario.carry(ws, world)
            plan = scenario.plan(ws, world)
            return None if plan.blockers else ws.apply(plan, confirm=plan.confirmation)

        _quietly(act)

    for kind, act in (("resumes", _resumes), ("bills", applies)):
        for place, label in enumerate(trace(scenario.name).seams):
            if label == "commit":  # the other would wait for this one's transaction, and this one for the other
                continue

            def make(place: int = place, act: Any = act) -> list[Fault]:
                return [AtSeam(place, act)]

            yield Case(
                f"{scenario.name}: another process {kind} at seam {place} ({label})",
                scenario,
                make,
                frozenset({"second"}),
            )


def _overtaken(scenario: Scenario) -> Iterator[Case]:
    """A run has begun and has sent nothing; another process goes on with it, and one of its writes gets in doubt."""
    found = trace(scenario.name)
    first = next((place for place, label in enumerate(found.seams) if label.startswith(("send P", "send D"))), 0)
    for place in (place for place in range(first) if found.seams[place] in ("committed", "begin")):
        for operation, nth, _ in found.writes:

            def make(place: int = place, operation: str = operation, nth: int = nth) -> list[Fault]:
                return [OnWire(operation, faults.WIRE["503, done"], nth), AtSeam(place, _resumes)]

            name = f"{scenario.name}: overtaken at seam {place} ({found.seams[place]}), 503, done at {operation} {nth}"
            yield Case(name, scenario, make, frozenset({"second"}))


def _resumes(world: World, life: Any) -> None:
    _, ws = world.spawn()
    for receipt in ws.receipts():
        if receipt.next == "resume":
            _quietly(lambda ws=ws, run=receipt.run.id: ws.resume(run, wait=False))


def _waiting_second(scenario: Scenario) -> Iterator[Case]:
    """The process is suspended before a request leaves, and another one goes on with its run, waiting as long as it takes."""

    def resumes(world: World, life: Any) -> None:
        _, ws = world.spawn()
        for receipt in ws.receipts():
            if receipt.next == "resume":
                _quietly(lambda ws=ws, run=receipt.run.id: ws.resume(run))

    for place in trace(scenario.name).places("send P", "done P"):

        def make(place: int = place) -> list[Fault]:
            return [AtSeam(place, resumes)]

        label = trace(scenario.name).seams[place]
        yield Case(
            f"{scenario.name}: suspended at seam {place} ({label}), another goes on",
            scenario,
            make,
            frozenset({"second"}),
        )


def _slow(scenario: Scenario) -> Iterator[Case]:
    """The request waits long in this machine before it leaves, as behind a limiter, and then it lands late."""
    for operation, nth, _ in trace(scenario.name).writes:
        for kind in ("time-out, not done", "late by 75 s, time-out", "late by 100 s", "late by 119 s"):

            def make(operation: str = operation, nth: int = nth, kind: str = kind) -> list[Fault]:
                return [faults.HeldBack(operation, nth, 100.0), OnWire(operation, faults.WIRE[kind], nth)]

            name = f"{scenario.name}: {operation} {nth} is held back for 100 s, and then {kind}"
            yield Case(name, scenario, make, frozenset({"slow"}))


def _mended(scenario: Scenario) -> Iterator[Case]:
    """It is asked; then something changes in Syncro, and somebody has it look again."""
    line, comment, status = "POST /tickets/*/add_line_item", "POST /tickets/*/comment", "PUT /tickets/*"
    number = scenario.number

    def on(operation: str, act: faults.Act, times: int = 1) -> Callable[[], list[Fault]]:
        return lambda: [OnWire(operation, act, 0, times)]

    def reprice(dollars: int) -> Callable[[World], None]:
        return lambda world: faults.reprice(world, number, dollars)

    def arrive(world: World) -> None:
        world.let_everything_arrive()

    def add(world: World) -> None:
        faults.PERSON["adds a line"](world, number)

    def remove(world: World) -> None:
        faults.PERSON["deletes the line"](world, number)

    def late_otherwise(world: World, ask: faults.Ask, deliver: faults.Deliver) -> Any:
        altered = ask.with_fields({**ask.fields, "subject": "Something else"})
        world.later(600, lambda: deliver(altered))
        return faults.reply(503)

    def added(operation: str, loss: str, times: int) -> Callable[[], list[Fault]]:
        place = _settled(scenario, operation, loss, times)
        return lambda: [OnWire(operation, faults.WIRE[loss], 0, times), AtSeam(place, lambda world, life: add(world))]

    def otherwise_unanswered(world: World, ask: faults.Ask, deliver: faults.Deliver) -> Any:
        deliver(ask.with_fields({**ask.fields, "quantity": 5}))
        return faults.reply(503)

    free = faults.drop_field("price_retail")
    quoted = trace(scenario.name).places(f"done {comment}")[0]
    there = trace(scenario.name).places(f"done {line}")[0]
    quotes = faults.person(faults.PERSON["quotes us"], number)
    told = [
        ("the price was lost, and is mended", on(line, free), reprice(150)),
        ("the price was lost, and is changed to another wrong one", on(line, free), reprice(140)),
        ("the comment comes after the question", on(comment, faults.WIRE["late by 100 s"]), arrive),
        ("the comment comes late, after the question", on(comment, faults.BEYOND["late by 600 s"]), arrive),
        ("the comment comes late and otherwise", on(comment, late_otherwise), arrive),
        ("a line was in the way, and is removed", added(line, "422", 1), remove),
        ("no connection, and a line is in the way", added(line, "no connection", 3), None),
        ("the status is refused, and set by hand", on(status, faults.WIRE["422"]), None),
        (
            "killed in doubt, and the customer quotes us",
            lambda: [AtSeam(quoted, quotes), AtSeam(quoted, faults.kill)],
            None,
        ),
        ("it is otherwise, and unanswered", on(line, otherwise_unanswered), None),
        ("killed in doubt, and it is otherwise", lambda: [OnWire(line, free), AtSeam(there, faults.kill)], None),
    ]
    for name, make, then in told:
        tags = frozenset({"mended", *({"beyond"} if "late" in name else ())})
        yield Case(f"{scenario.name}: {name}", scenario, make, tags, then=then)
    by_hand = faults.person(faults.PERSON["sets it to Invoiced"], number)
    place = _settled(scenario, status, "422", 1)
    yield Case(
        f"{scenario.name}: the status is refused, and somebody sets it",
        scenario,
        lambda: [OnWire(status, faults.WIRE["422"]), AtSeam(place, by_hand)],
        frozenset({"mended"}),
    )


def _settled(scenario: Scenario, operation: str, loss: str, times: int) -> int:
    """The seam at which the run stands after that write was lost so many times."""
    after = trace(scenario.name, f"{operation}|0|{loss}", times)
    sends = [p for p, label in enumerate(after.seams) if label == f"send {operation}"]
    return next(p for p in range(sends[times - 1], len(after.seams)) if after.seams[p] == "committed")


def _quietly(act: Callable[[], Any]) -> None:
    from syncro_nb.errors import Error

    try:
        act()
    except Error:
        return


def _twice(scenario: Scenario) -> Iterator[Case]:
    """A notebook's cell is run twice: the same plan is applied again, or the same draft planned again."""
    for kind in ("again", "planned twice"):
        for loss in (None, *LOSSES):
            for operation, nth, _ in trace(scenario.name).writes if loss else trace(scenario.name).writes[:1]:

                def make(operation: str = operation, nth: int = nth, loss: str | None = loss) -> list[Fault]:
                    return [OnWire(operation, faults.WIRE[loss], nth)] if loss else []

                name = f"{scenario.name}: {loss or 'nothing'} at {operation} {nth}, the cell runs {kind}"
                yield Case(name, scenario, make, frozenset({"twice", kind}))


def _pairs(scenario: Scenario, rng: random.Random | None, count: int) -> Iterator[Case]:
    """Two faults on the wire, each at any step; where both are at one step, the second meets what is sent again."""
    singles = [(operation, nth, kind) for operation, nth, _ in trace(scenario.name).writes for kind in faults.WIRE]
    everything = itertools.product(singles, singles)
    drawn = everything if rng is None else ((rng.choice(singles), rng.choice(singles)) for _ in range(count))
    for (operation, nth, kind), (other, other_nth, other_kind) in drawn:
        again = other_nth + ((other, other_nth) == (operation, nth))

        def make(
            first: tuple[str, int, str] = (operation, nth, kind),
            second: tuple[str, int, str] = (other, again, other_kind),
        ) -> list[Fault]:
            return [OnWire(where, faults.WIRE[what], number) for where, number, what in (first, second)]

        name = f"{scenario.name}: {kind} at {operation} {nth}, {other_kind} at {other} {again}"
        yield Case(name, scenario, make, frozenset({"pair"}))


def _in_the_resume(scenario: Scenario, rng: random.Random | None, losses: int, moments: int) -> Iterator[Case]:
    """A write is lost, and then something happens at each seam of the way on, the resume and its reads among them."""
    lost = [(operation, nth, loss) for operation, nth, _ in trace(scenario.name).writes for loss in LOSSES]
    for operation, nth, loss in lost if rng is None else rng.sample(lost, losses):
        after = trace(scenario.name, f"{operation}|{nth}|{loss}")
        start = [p for p, label in enumerate(after.seams) if label == f"send {operation}"][nth]
        found = [(place, kind) for place in range(start, len(after.seams)) for kind in faults.SEAM]
        found = [(place, kind) for place, kind in found if _may_be(kind, after.seams[place])]
        for place, kind in found if rng is None else rng.sample(found, moments):

            def make(
                operation: str = operation, nth: int = nth, loss: str = loss, place: int = place, kind: str = kind
            ) -> list[Fault]:
                return [OnWire(operation, faults.WIRE[loss], nth), AtSeam(place, faults.SEAM[kind])]

            tags = frozenset({"pair", *({"power"} if kind.startswith("power") else ())})
            name = f"{scenario.name}: {loss} at {operation} {nth}, {kind} at seam {place} ({after.seams[place]})"
            yield Case(name, scenario, make, tags)


def _may_be(kind: str, label: str) -> bool:
    """Whether this kind says anything at this seam."""
    if kind.startswith("power"):  # a torn commit is one after which nothing has been done yet
        return label == "committed" or (label == "commit" and "torn" not in kind)
    return not kind.startswith("disk full") or label in ("begin", "commit")


def _any_two(scenario: Scenario, rng: random.Random, count: int) -> Iterator[Case]:
    """Any two things go wrong in one run, of whatever sort: a kill and a person, a lost read and a second process."""
    sorts = (_on_writes, _fields, _seams, _reads, _people, _second, _slow)
    singles = [found for sort in sorts if (found := [*sort(scenario)])]
    for _ in range(count):
        first, second = (rng.choice(rng.choice(singles)) for _ in range(2))

        def make(first: Case = first, second: Case = second) -> list[Fault]:
            return [*first.make(), *second.make()]

        name = f"{first.name}, and {second.name.partition(': ')[2]}"
        yield Case(name, scenario, make, first.tags | second.tags | {"two"})


# What is done with every sort of write, and every how many-th case of it the short form has for what is no bill.
_OTHER_SORTS: dict[Callable[[Scenario], Iterator[Case]], int] = {
    _on_writes: 4,
    _fields: 3,
    _doubled: 3,
    _second: 9,
    _overtaken: 5,
    _beyond: 3,
    _seams: 11,
    _reads: 17,
    _planning: 31,
    _people: 29,
    _slow: 5,
    _twice: 5,
}


def with_switches(case: Case, **switches: Any) -> Case:
    """The same on an account that differs."""
    return replace(case, name=f"{case.name} [{', '.join(switches)}]", switches=switches)
