"""Many bills confirmed as one, as a scenario: two tickets, each with a plan, a run and a promise of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from syncro_nb.workspace import Workspace
from syncro_nb.writes.batch import Batch, Choice
from syncro_nb.writes.receipt import Receipt

from .scenarios import SCENARIOS, Promise, Scenario, add_part, waiting
from .world import LINE_TICKET, TIMER_TICKET, World


@dataclass(frozen=True)
class Both:
    """What each ticket of a batch promises."""

    promises: tuple[Promise, ...]

    @property
    def mails(self) -> int:
        """A batch mails nobody."""
        return sum(one.mails for one in self.promises)

    def broken(self, world: World) -> list[str]:
        """What is not as promised on any of them."""
        return [f"ticket {one.number}: {words}" for one in self.promises for words in one.broken(world)]


def _promise(world: World) -> Both:
    timers = SCENARIOS["timers"].promise(world)
    hours = sum(line.hours for line in timers.lines)
    said = f"Billed: {len(timers.lines)} time entries, {float(hours):g} h"
    first = Promise(**{**vars(timers), "comment": ("Billed", said, True), "mails": 0})
    holder, there = world.ticket(LINE_TICKET)["customer_id"], waiting(world, LINE_TICKET)
    comment = ("Billed", "Billed: what waited on the ticket", True)
    return Both((first, Promise(LINE_TICKET, holder, comment, (), True, "Invoiced", 0, there)))


def plan_batch(ws: Workspace) -> Batch:
    """The preview of both tickets."""
    return ws.batches.plan([Choice(TIMER_TICKET), Choice(LINE_TICKET)])


def carry(ws: Workspace, world: World) -> Receipt | str:
    """Confirm the batch, or go on with it; the receipt of a ticket that is not done yet, else of the last one.

    "blocked": a ticket is not what was confirmed any more, or cannot be billed, and the others are done.
    """
    found = ws.batches.receipts()
    if not found:
        batch = plan_batch(ws)
        world.promise = world.promise or _promise(world)
        if not _confirm(ws, batch):
            return "blocked"
    rows = [row for one in found or ws.batches.receipts() for row in ws.batches.run(one.batch.name).rows]
    for state in ("parked", "asked", "not begun"):
        for row in rows:
            if row.state == state:
                return row.receipt or "open"
    last = {row.item.number: row.receipt for row in rows if row.receipt is not None}
    if len(last) < len({row.item.number for row in rows}):
        return "blocked"
    return next((one for one in last.values() if not one.is_verified), [*last.values()][-1])


def twice(ws: Workspace, world: World, *, planned: bool) -> None:
    """The cell runs twice: the same batch goes on, or a second one was planned from the same choice before."""
    batches = [plan_batch(ws) for _ in range(1 + planned)]
    world.promise = _promise(world)
    names = [_confirm(ws, one) for one in batches]
    for name in names * (2 - planned):
        if name:
            ws.batches.run(name)


def _confirm(ws: Workspace, batch: Batch) -> str:
    if batch.blocked:
        return ""
    ws.batches.confirm(batch, batch.confirmation)
    return batch.name


def _none(ws: Workspace, world: World) -> Any:
    raise ValueError("a batch has a plan for each ticket, and is confirmed as a whole")


BATCH: dict[str, Scenario] = {
    "batch": Scenario("batch", TIMER_TICKET, _none, lambda world: None, add_part, carry=carry, ticket=LINE_TICKET)
}
