"""Tickets on which something was planted for a reconciliation to find, or to leave alone: what kinds there are, and when.

Each plot is an act on a scene that ends with an entry in the answer key. The families are in `plots_time`, `plots_charges`,
`plots_invoices` and `plots_money`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from .cast import Business
from .scene import Scene
from .stories import STORIES
from .team import Team

Act = Callable[[Scene], Iterator[int]]


@dataclass(frozen=True)
class Plot:
    """What is planted, whose ticket it is, and when the ticket comes.

    `whose` is a pool of customers: "hourly" (taxed), "contract" (its schedule sweeps no tickets), "sweeping", "block",
    "exempt", "quiet" and "billed" (contracts that are on no other ticket). `when` is "old" (all is over before the cut-off),
    "late" (after the cut-off, yet ten days ago) or "now" (the last two workdays).
    """

    act: Act
    whose: str = "hourly"
    when: str = "old"
    kind: str = "remote"  # of the story's labour
    times: int = 1  # how many there are in the small account


PLOTS: list[Plot] = []


def plot(whose: str = "hourly", when: str = "old", kind: str = "remote", times: int = 1) -> Callable[[Act], Act]:
    """Register an act."""

    def register(act: Act) -> Act:
        PLOTS.append(Plot(act, whose, when, kind, times))
        return act

    return register


def plot_scene(team: Team, begin: int, business: Business, number: int, planted: Plot) -> Iterator[int]:
    """The ticket of a plot, told with a story that needs no goods of its own."""
    fitting = [one for one in STORIES if one.kind == planted.kind and not one.goods and one.priority != "0 Urgent"]
    rng = Random(f"{team.seed}/{number}/story")
    scene = Scene(team, business, number, team.pick_story(fitting, rng, business))
    scene.now = begin
    yield from planted.act(scene)


def worked_and_charged(scene: Scene, kind: str = "", quarters: int = 0, notes: str = "") -> Iterator[int]:
    """The ticket comes, the work is done and charged, with the way to it."""
    yield from scene.begins()
    yield from scene.works(kind, quarters, notes)
    scene.charge()
    if scene.story.kind == "onsite" and scene.business.billing == "hourly":
        scene.travel()


def resolved_and_invoiced(scene: Scene) -> Iterator[int]:
    """Resolved, and invoiced like any other ticket."""
    yield from scene.resolves()
    yield from scene.invoices()
