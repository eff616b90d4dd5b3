"""What must hold whatever happened, judged on the server's tables, the wire's record and the journal's events."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

from .drive import Ending
from .world import KEY, SETTLE_SECONDS, World

# A second removal finds nothing to remove, and a stopped timer cannot be stopped: there is nothing to wait for.
HARMLESS = ("/remove_line_item", "/delete_timer_entry", "/stop")
DEFINITE = (400, 401, 403, 404, 409, 422, 429)
# The changes of a step's state in the diagram of writes/run.py, and those that follow from its sentences.
EDGES = frozenset(
    {
        ("planned", "intent"),
        ("planned", "verified"),  # a step that only reads; a status that is so already
        ("planned", "mismatch"),
        ("planned", "ask"),  # somebody else was at work
        ("intent", "acked"),
        ("intent", "refused"),
        ("intent", "not_sent"),
        ("intent", "unknown"),
        ("intent", "absent"),
        ("acked", "verified"),
        ("acked", "mismatch"),
        ("unknown", "adopted"),
        ("unknown", "absent"),
        ("unknown", "ask"),
        ("unknown", "mismatch"),
        ("refused", "intent"),
        ("refused", "ask"),
        ("refused", "verified"),
        ("not_sent", "intent"),
        ("not_sent", "ask"),
        ("absent", "intent"),
        ("absent", "ask"),
        ("absent", "verified"),
        ("ask", "adopted"),
        ("ask", "absent"),
        ("ask", "planned"),
        ("ask", "mismatch"),
        ("ask", "unknown"),  # what Syncro refused to show, it shows again
        ("ask", "verified"),
        ("acked", "ask"),
        ("ask", "acked"),
        ("mismatch", "verified"),
        ("mismatch", "mismatch"),
        ("mismatch", "adopted"),
        ("mismatch", "absent"),
        ("mismatch", "planned"),
    }
)

# A claim is written, looked for, withdrawn and written anew under another name (writes/claiming.py).
CLAIM_EDGES = frozenset(
    {
        ("intent", "skipped"),
        ("intent", "verified"),
        ("skipped", "refused"),
        ("skipped", "ask"),
        ("unknown", "verified"),
        ("verified", "absent"),
        ("verified", "intent"),
        ("acked", "absent"),
        ("acked", "intent"),
    }
)


def check(world: World, ending: Ending, *, doubled: bool = False, beyond: bool = False) -> list[str]:
    """Every invariant that is broken, each as "which: what".

    `doubled`: the network delivered a request of ours twice, so that two copies are not our doing, but must be noticed.
    `beyond`: a write arrived after the settling time; then its twin is not our doing either.
    """
    said = [*_ends(ending), *_intents(world), *_secret(world)]
    said += copies(world, allowed=doubled or beyond)
    said += _sends(world)
    if ending.how == "done" and ending.receipt is not None and ending.receipt.is_verified:
        said += [f"false proof: verified, but {words}" for words in world.promise.broken(world)]
    said += _lost(world)
    known = EDGES | CLAIM_EDGES if world.has_claims else EDGES
    said += [f"edge: {before} -> {after} is not in the diagram" for before, after in set(world.edges()) - known]
    return said


def _ends(ending: Ending) -> list[str]:
    if ending.how == "open":
        return [f"third end: neither done nor asked after all; {ending.told[-3:]}"]
    return []


def _intents(world: World) -> list[str]:
    said = []
    for one in world.deliveries:
        if one.step is None:
            said.append(f"intent: {one.operation} was sent, and the journal's file knew nothing of it")
        elif not one.durable:
            said.append(f"intent: {one.operation} was sent, and its intent would not survive a power cut")
    return said


def copies(world: World, *, allowed: bool) -> list[str]:
    """At most one of each for a unit of work, whatever became of it since."""
    counts: Counter[tuple[str, object]] = Counter()
    for one in world.deliveries:
        if one.operation.startswith("POST") and not one.is_claim:
            gone = sum(made in world.removed for made in one.made)
            counts[one.operation, one.unit] += one.committed - gone
    limit = 2 if allowed else 1
    said = [
        f"duplicate: {operation} was done {count} times for one unit of work"
        for (operation, _), count in counts.items()
        if count > limit
    ]
    if not allowed and world.promise and world.mails > world.promise.mails:
        said.append(f"mail: {world.mails} mails to the customer")
    return said


def _sends(world: World) -> list[str]:
    """A step is sent once, and once more for each refusal and each confirmed absence; never before the settling time."""
    said = []
    events = Counter((run, seq, what) for run, seq, what in world.events())
    by_step = defaultdict(list)
    for one in world.deliveries:
        if one.step is not None and not one.is_claim:
            by_step[one.step[:2]].append(one)
    for (run, seq), sent in by_step.items():
        allowed = 1 + sum(events[run, seq, what] for what in ("absent", "refused", "not_sent"))
        if len(sent) > allowed:
            said.append(f"posts: {sent[0].operation} was received {len(sent)} times, with {allowed} allowed")
        for first, second in pairwise(sent):
            answered = first.status == 200 and events[run, seq, "acked"] and not events[run, seq, "unknown"]
            known = first.status in DEFINITE or answered
            if (
                first.operation.startswith("POST")
                and not first.operation.endswith(HARMLESS)
                and not known
                and second.at - first.at < SETTLE_SECONDS
            ):
                said.append(f"too early: {second.operation} again after {second.at - first.at:.0f} s")
    return said


def _lost(world: World) -> list[str]:
    """Whatever the server did for us belongs to a run that is done, or that still stands open."""
    states = {one.run.id: one.run.state for one in world.ws.receipts()}
    return [
        f"lost: {one.operation} was done, and its run is {states.get(one.step[0], 'not in the journal')}"
        for one in world.deliveries
        if one.committed and not one.is_claim and one.step is not None and states.get(one.step[0]) in (None, "nothing")
    ]


def _secret(world: World) -> list[str]:
    found = [path.name for path in world.home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    return [f"key: it is in {name}" for name in found]
