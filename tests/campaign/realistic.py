"""Bills under the faults of everyday life: one request in two hundred times out, half of the writes among them after the commit.

A bill whose requests all succeed is the run without a fault, carried out once; only the others are played. The share that
ends with a person is given twice: as it came out, and as it is to be expected, from one fault at a time.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from . import invariants
from .drive import drive
from .faults import READ, WIRE, Act, Fault, OnWire
from .matrix import planned, trace
from .scenarios import SCENARIOS
from .world import World

RATE = 0.005
AGAIN = 2  # so many further requests of an operation that a run makes because of a fault may fail, too


@dataclass
class Share:
    """What became of the bills."""

    bills: int = 0
    played: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    expected: float = 0.0

    @property
    def asked(self) -> float:
        """The share that ended with a person."""
        return self.ends["asked"] / self.bills

    def text(self) -> list[str]:
        """The figures as lines."""
        return [
            f"bills {self.bills}, of which {self.played} met a time-out (0.5 % of all requests, half of the writes committed)",
            f"ends: {', '.join(f'{end} {count}' for end, count in self.ends.most_common())}",
            f"duplicates, losses and other invariants broken {len(self.broken)}",
            f"asked {self.asked:.2%}; to be expected {self.expected:.2%}",
        ]


def simulate(bills: int, *, seed: int = 1, name: str = "line") -> Share:
    """So many bills by a line item with an invoice."""
    rng, share = random.Random(seed), Share(bills)
    found = trace(name)
    counts = Counter(label.removeprefix("send ") for label in found.seams if label.startswith("send "))
    for _ in range(bills):
        faults = [
            (operation, nth, kind)
            for operation, count in counts.items()
            for nth in range(count + AGAIN)
            if rng.random() < RATE
            for kind in [rng.choice(("time-out, done", "time-out, not done"))]
        ]
        if any(nth < counts[operation] for operation, nth, _ in faults):
            share.played += 1
            end, broken = _play(name, faults)
            share.ends[end] += 1
            share.broken += broken
        else:
            share.ends["done"] += 1
    singles = [
        (operation, kind) for operation, _, _ in found.writes for kind in ("time-out, done", "time-out, not done")
    ]
    share.expected = sum(RATE / 2 * (_play(name, [(operation, 0, kind)])[0] == "asked") for operation, kind in singles)
    share.broken += [] if _play(name, [])[0] == "done" else ["the run without a fault is not done"]
    return share


def _play(name: str, met: list[tuple[str, int, str]]) -> tuple[str, list[str]]:
    world = World()
    try:
        world.faults += [_fault(*one) for one in met]
        ending = drive(world, SCENARIOS[name], planned(name))
        return ending.how, [f"{met}: {words}" for words in invariants.check(world, ending)]
    finally:
        world.close()


def _fault(operation: str, nth: int, kind: str) -> Fault:
    act: Act = READ["time-out"] if operation.startswith("GET") else WIRE[kind]
    return OnWire(operation, act, nth)
