"""The campaign: carries out the cases, holds every invariant against each, and says what it found in figures."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import invariants
from .batches import twice
from .drive import Ending, attempt, decide, drive, look_again
from .known import KNOWN
from .matrix import Case, cases, fresh_world, planned
from .world import World

NAMED = ("duplicate", "mail", "lost", "false proof", "third end", "crash")


@dataclass
class Verdict:
    """What became of one case: how it ended, what it broke, and how it ended once a person had decided."""

    name: str
    tags: frozenset[str]
    end: str
    broken: list[str] = field(default_factory=list)
    edges: Counter[tuple[str, str]] = field(default_factory=Counter)
    after: str = ""
    twins: bool = False  # a write that came beyond the settling time has a twin that only an audit can find


@dataclass
class Figures:
    """The sum of the verdicts."""

    cases: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    by_tag: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[str, str]] = field(default_factory=list)  # case, what
    known: list[tuple[str, str]] = field(default_factory=list)  # the same, where the fault is on the list of `known`
    edges: Counter[tuple[str, str]] = field(default_factory=Counter)
    twins: int = 0
    seconds: float = 0.0

    def add(self, verdict: Verdict) -> None:
        """One more case."""
        self.cases += 1
        self.ends[verdict.end] += 1
        if verdict.after:
            self.after[verdict.after] += 1
        self.by_tag.update(verdict.tags or {"none"})
        for words in verdict.broken:
            (self.known if is_known(verdict.name, words) else self.broken).append((verdict.name, words))
        self.edges += verdict.edges
        self.twins += verdict.twins

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.cases + other.cases,
            self.ends + other.ends,
            self.after + other.after,
            self.by_tag + other.by_tag,
            self.broken + other.broken,
            self.known + other.known,
            self.edges + other.edges,
            self.twins + other.twins,
            max(self.seconds, other.seconds),
        )

    def of(self, *kinds: str) -> str:
        """How many cases broke an invariant of one of these names, and how many more are known to."""
        broken, known = (
            len({name for name, words in found if words.startswith(kinds)}) for found in (self.broken, self.known)
        )
        return f"{broken} (and {known} that are known)" if known else str(broken)

    @property
    def missing_edges(self) -> list[tuple[str, str]]:
        """The edges of the state machine that no case took."""
        return sorted(invariants.EDGES - set(self.edges))

    def text(self) -> list[str]:
        """The figures as lines."""
        share = self.ends["asked"] / self.cases if self.cases else 0.0
        other = {name for name, words in self.broken if not words.startswith(NAMED)}
        missing = f": {', '.join(' -> '.join(one) for one in self.missing_edges)}" if self.missing_edges else ""
        return [
            f"cases {self.cases} ({_counted(self.by_tag)})",
            f"duplicates {self.of('duplicate', 'mail')}",
            f"lost {self.of('lost')}",
            f"false proofs {self.of('false proof')}",
            f"third ends {self.of('third end', 'crash')}",
            f"other invariants broken {len(other)}",
            f"cases that break something that is known and not mended yet {len({name for name, _ in self.known})}",
            f"ends: {_counted(self.ends)} (asked {share:.1%} of these cases, in nearly all of which something fails)",
            f"asked, and then decided by a person who looked: {_counted(self.after)}",
            f"landed after the settling time, so that only an audit finds the twin: {self.twins}",
            f"edges of the state machine {len(invariants.EDGES)}, never taken {len(self.missing_edges)}{missing}",
            f"wall time {self.seconds:.0f} s",
        ]

    def as_json(self) -> dict[str, Any]:
        """For another process."""
        plain = vars(self) | {name: dict(vars(self)[name]) for name in ("ends", "after", "by_tag")}
        return plain | {"edges": [[*edge, count] for edge, count in self.edges.items()]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Figures:
        """What `as_json` gave."""
        figures = cls(**data)
        figures.ends, figures.after, figures.by_tag = (Counter(data[one]) for one in ("ends", "after", "by_tag"))
        figures.broken, figures.known = ([(n, w) for n, w in data[one]] for one in ("broken", "known"))
        figures.edges = Counter({(before, after): count for before, after, count in data["edges"]})
        return figures


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())


def is_known(name: str, words: str) -> bool:
    """Whether this is a fault that is on the list."""
    return any(one.fits(name, words) for one in KNOWN)


def run_case(case: Case) -> Verdict:
    """One case, from the plan to the end, then a person's decisions, then whatever was still under way."""
    world = fresh_world(case.scenario, case.switches)
    world.wants_snapshots = "power" in case.tags
    doubled, beyond = "doubled" in case.tags, "beyond" in case.tags
    try:
        case.scenario.prepare(world)
        world.faults += case.make()
        ending = _begin(world, case)
        if ending.how == "asked" and case.then:
            case.then(world)
            ending = look_again(world, case.scenario, ending)
        verdict = Verdict(case.name, case.tags, ending.how)
        broken = invariants.check(world, ending, doubled=doubled, beyond=beyond)
        if ending.how == "asked":
            stubborn = len(case.name) % 2 == 0 and not doubled and not beyond
            ending = decide(world, case.scenario, ending, stubborn=stubborn)
            verdict.after = ending.how
            broken += invariants.check(world, ending, doubled=doubled, beyond=beyond)
        world.let_everything_arrive()
        twins = invariants.copies(world, allowed=doubled)
        verdict.twins = beyond and bool(twins)
        verdict.broken = list(dict.fromkeys(broken + ([] if beyond else twins)))
        verdict.edges = Counter(world.edges())
        return verdict
    finally:
        world.close()


def _begin(world: World, case: Case) -> Ending:
    if "twice" not in case.tags:
        return drive(world, case.scenario, None if "planning" in case.tags else planned(case.scenario.name))
    told: list[str] = []
    again = "planned twice" in case.tags
    if case.scenario.carry:
        attempt(world, lambda: twice(world.ws, world, planned=again), told)
        return drive(world, case.scenario)
    world.promise = case.scenario.promise(world)
    plan = attempt(world, lambda: case.scenario.plan(world.ws, world), told)
    other = attempt(world, lambda: case.scenario.plan(world.ws, world), told) if again else plan
    for one in (plan, other):
        if one is not None:
            attempt(world, lambda one=one: world.ws.apply(one, confirm=one.confirmation), told)
    return drive(world, case.scenario)


def campaign(found: Iterable[Case]) -> Figures:
    """Every case, one after the other; the figures."""
    logging.getLogger("syncro_nb").setLevel(logging.ERROR)
    figures, started = Figures(), time.monotonic()
    for case in found:
        try:
            verdict = run_case(case)
        except Exception as error:  # a fault of ours: the case is broken, and the others go on
            verdict = Verdict(case.name, case.tags, "crash", [f"crash: {type(error).__name__}: {error}"])
        figures.add(verdict)
    figures.seconds = time.monotonic() - started
    return figures


def chosen(size: str, *, seed: int = 1, only: str = "", part: int = 0, parts: int = 1) -> Iterable[Case]:
    """The cases of a size whose name holds `only`, every `parts`-th of them."""
    found = (case for case in cases(size, seed=seed) if only in case.name)
    return (case for number, case in enumerate(found) if number % parts == part)


def in_processes(size: str, jobs: int, *, seed: int = 1, only: str = "") -> Figures:
    """The same, spread over so many processes of this machine."""
    command = [
        sys.executable,
        "-m",
        "campaign",
        "--size",
        size,
        "--seed",
        str(seed),
        "--only",
        only,
        "--json",
        "--part",
    ]
    tests = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests.parent), str(tests)])}
    workers = [
        subprocess.Popen([*command, f"{part}/{jobs}"], stdout=subprocess.PIPE, text=True, env=environment)
        for part in range(jobs)
    ]
    figures = Figures()
    for worker in workers:
        said, _ = worker.communicate()
        if not said.strip():
            raise RuntimeError(f"a part of the campaign ended with {worker.returncode} and said nothing")
        figures += Figures.from_json(json.loads(said))
    return figures
