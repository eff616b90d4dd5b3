"""The careful user, who goes on with what was cut off until it is done or asks; and the person who then looks and decides."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from syncro_nb.errors import Error, InputError
from syncro_nb.writes import claim
from syncro_nb.writes.plan import Plan
from syncro_nb.writes.receipt import Receipt

from .scenarios import Scenario
from .world import Killed, World

ROUNDS = 24
MENDED_AFTER = 4
DECISIONS = 10


@dataclass
class Ending:
    """How it ended: done, asked, blocked (told before anything was written), or open, which is no end at all."""

    how: str
    receipt: Receipt | None
    told: list[str] = field(default_factory=list)  # what the doors would have said on the way
    wrong_answers_refused: int = 0


def drive(world: World, scenario: Scenario, plan: Plan | None = None) -> Ending:
    """Plan, confirm, and go on as a careful user does, over every crash; what lasts is mended after some rounds.

    `plan`: one that was made already, and is confirmed first.
    """
    told: list[str] = []
    world.skip_name(plan)
    for number in range(ROUNDS):
        if number >= MENDED_AFTER:
            world.mend()
        first, plan = plan, None
        receipt = attempt(world, lambda first=first: _next(world, scenario, first), told)
        if receipt is None:
            continue
        if receipt == "blocked":
            return Ending("blocked", None, told)
        if isinstance(receipt, str):
            continue
        if receipt.run.state == "done":
            return Ending("done", receipt, told)
        if receipt.next == "decide" and not (_is_obstacle(receipt) and number <= MENDED_AFTER):
            return Ending("asked", receipt, told)
    return Ending("open", None, told)


def attempt(world: World, act: Callable[[], Receipt | str], told: list[str]) -> Receipt | str | None:
    """Do it in the present process; None if it ended in a crash or an error that a door shows."""
    try:
        return act()
    except Killed:
        told.append("killed")
        world.revive()
    except KeyboardInterrupt:
        told.append("stopped")
    except Error as error:
        told.append(f"{type(error).__name__}: {error}")
    except sqlite3.OperationalError as error:
        if "disk is full" not in str(error):
            raise
        told.append(f"the disk: {error}")
        if world.is_full:
            world.restart()
    return None


def _next(world: World, scenario: Scenario, plan: Plan | None = None) -> Receipt | str:
    if scenario.carry:
        return scenario.carry(world.ws, world)
    mine = [one for one in world.ws.receipts() if one.run.plan.number == scenario.number]
    for receipt in mine:
        if receipt.run.state == "open":
            goes_on = receipt.next == "resume" or _is_obstacle(receipt)
            return world.ws.resume(receipt.run.id) if goes_on else receipt
    for receipt in mine:
        if receipt.run.state == "done":
            return receipt
    world.promise = scenario.promise(world)
    try:
        plan = plan or scenario.plan(world.ws, world)
    except InputError:  # what it is about is not there any more
        return "blocked"
    return "blocked" if plan.blockers else world.ws.apply(plan, confirm=plan.confirmation)


def _is_obstacle(receipt: Receipt) -> bool:
    """Whether it asks only because Syncro refuses something, which may be over when one looks later."""
    return receipt.current is not None and bool(receipt.current.detail.get("obstacle"))


def look_again(world: World, scenario: Scenario, ending: Ending) -> Ending:
    """Somebody mended something in Syncro, and has the run go on without another word."""
    if ending.receipt is not None:
        run = ending.receipt.run.id
        attempt(world, lambda: world.ws.resume(run), ending.told)
    return Ending(*_parts(drive(world, scenario), ending))


def decide(world: World, scenario: Scenario, ending: Ending, *, stubborn: bool = False) -> Ending:
    """Someone who looks at the server: adopts what is there, has what is absent sent, and abandons what is more than one.

    `stubborn`: first says "send it again" where it is there, which must be refused.
    """
    for number in range(DECISIONS):
        if ending.how != "asked" or ending.receipt is None:
            return ending
        if number == 2:
            world.mend()
        run = ending.receipt.run
        choice, record_id = _choice(world, ending.receipt)

        def say(
            choice: str = choice, record_id: int | None = record_id, run_id: str = run.id, number: int = run.plan.number
        ) -> Receipt:
            return world.ws.decide(run_id, choice, ticket=number, record_id=record_id)

        if stubborn and choice == "adopt":
            before = len(world.deliveries)
            attempt(world, lambda say=say: say("resend", None), ending.told)
            ending.wrong_answers_refused += len(world.deliveries) == before
            receipt = world.ws.receipt(run.id)
        else:
            receipt = attempt(world, say, ending.told)
        if receipt is None and ending.told[-1].startswith(InputError.__name__):
            receipt = attempt(world, lambda say=say: say("abandon", None), ending.told)
        stubborn = False
        if receipt is not None and receipt.run.state == "abandoned":
            return Ending("abandoned", receipt, ending.told, ending.wrong_answers_refused)
        ending = Ending(*_parts(drive(world, scenario), ending))
    return ending


def _parts(new: Ending, old: Ending) -> tuple[str, Receipt | None, list[str], int]:
    return new.how, new.receipt, [*old.told, *new.told], old.wrong_answers_refused


def _choice(world: World, receipt: Receipt) -> tuple[str, int | None]:
    state, run = receipt.current, receipt.run
    assert state is not None
    if state.step.name == claim.STEP:
        return ("adopt", state.record_id) if state.state == "mismatch" else ("resend", None)
    if state.step.request is None:  # the proof: what was read back is let pass
        return ("adopt", state.record_id) if state.record_id is not None else ("abandon", None)
    if state.step.request.method != "POST":
        return "resend", None
    there = world.made_for(run.id, state.seq)
    return ("adopt", there[0]) if len(there) == 1 else ("resend", None) if not there else ("abandon", None)
