"""Two analysts on two machines: a claim on the ticket, so that only one of them is at its bill.

A claim is a hidden comment that is not mailed. Its runner writes it, reads the ticket, and goes on only if it *sees* its own
claim and no other that stands. Of two that see each other the one with the higher comment id withdraws, and the other waits
until it has read that: a lower id alone gives nobody the ticket, because a write may become visible after a later one.

A claim stands until its runner writes its end, until the status is Invoiced (for a bill that says so), or until a person takes
it over, who may do that once it has expired: `CLAIM_SECONDS` by the stamps of Syncro's own on two comments, never by a clock of
ours. So that an expired claim really is idle, its runner stops sending `allowed_seconds` after its claim *left*, on the steady
clock: whatever was under way lands before anybody may take over. A claim in doubt is looked for; one that is not seen gives
nothing; a later attempt has a name of its own, so that a claim or an end that arrives late speaks of its own attempt only.

Comments cannot be edited or deleted, so nothing here needs either. `tests/test_claim_model.py` explores what can happen.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..clock import Clock, Moment, seconds_since
from ..service import requests
from ..service.client import Client
from ..service.records import Comment, Ticket
from ..service.requests import Request
from .plan import Plan, Step
from .reference import LETTERS, last_reference, letters

CLAIM_SECONDS = 900
MARGIN_SECONDS = 60  # for clocks that do not run alike, and stamps of whole seconds
INVOICED = "Invoiced"
SUBJECT = "Billing"
_NAME = rf"SNB-(R[{LETTERS}]{{7}})-(\d{{1,3}})-([{LETTERS}]{{4}})"
_LINE = re.compile(rf"(Claim|End) {_NAME}(?: over ((?:{_NAME}(?:, )?)+))?( until {INVOICED})?")

Name = tuple[str, int]  # run and attempt


@dataclass(frozen=True)
class Claim:
    """One attempt of a run at a ticket. `over`: the claims that a person takes over with it.

    `until_invoiced`: the status Invoiced ends it; else only its own end does.
    """

    run: str
    attempt: int = 1
    over: tuple[Name, ...] = ()
    until_invoiced: bool = True

    @property
    def name(self) -> Name:
        """Run and attempt."""
        return self.run, self.attempt


@dataclass(frozen=True)
class Standing:
    """A claim as it was read on a ticket: whose comment it is, and when Syncro stamped it."""

    claim: Claim
    comment_id: int
    created_at: datetime | None
    author: str = ""

    def is_expired(self, now: datetime | None) -> bool:
        """Whether its time is over at `now`, a stamp of the server's. Without stamps nobody can say, so it is not."""
        if self.created_at is None or now is None:
            return False
        return now - self.created_at >= timedelta(seconds=CLAIM_SECONDS)

    def __str__(self) -> str:
        since = f" since {self.created_at:%Y-%m-%d %H:%M %Z}" if self.created_at else ""
        return f"{self.author or 'somebody'} (run {self.claim.run}, comment {self.comment_id}){since}"


# ---------------------------------------------------------------- what is read of a ticket


def claim_request(account: str, ticket_id: int, claim: Claim) -> Request:
    """The comment that claims a ticket: hidden, not mailed, short, and readable for people."""
    minutes = CLAIM_SECONDS // 60
    said = f"At work on this ticket's bill. Please leave its charges alone; after {minutes} minutes somebody may take over."
    over = ", ".join(_written("Claim", account, ticket_id, name) for name in claim.over)
    said += " Taken over from a claim that had expired, by a person's word." if over else ""
    last = f"Claim {_written('Claim', account, ticket_id, claim.name)}"
    last += (f" over {over}" if over else "") + (f" until {INVOICED}" if claim.until_invoiced else "")
    return _comment(ticket_id, f"{said}\n{last}")


def end_request(account: str, ticket_id: int, claim: Claim, why: str = "Done here.") -> Request:
    """The comment that ends a claim and the earlier attempts of its run."""
    return _comment(ticket_id, f"{why}\nEnd {_written('End', account, ticket_id, claim.name)}")


def is_claim(text: str) -> bool:
    """Whether a comment's text has the form of a claim or of its end."""
    return _LINE.fullmatch(_last_line(text)) is not None


def standing(
    comments: Iterable[Comment],
    account: str,
    ticket_id: int,
    *,
    is_invoiced: bool = False,
    ended_runs: Collection[str] = (),
) -> list[Standing]:
    """The claims on a ticket that stand, by comment id: not ended, not taken over, not of a run that we know to have ended.

    Only last lines that a technician wrote count, and only names that were made for this ticket of this account: a quoted
    reply, a merged or a cloned ticket never match. A claim that arrived twice stands once, with the lower id.
    """
    found: dict[Name, Standing] = {}
    last_ended: dict[str, int] = {}
    taken_over: set[Name] = set()
    for comment in sorted(comments, key=lambda one: one.id):
        match = _LINE.fullmatch(_last_line(comment.body)) if comment.user_id is not None else None
        name = _read(match[1], match.groups()[1:4], account, ticket_id) if match else None
        if match is None or name is None:
            continue
        if match[1] == "End":
            last_ended[name[0]] = max(name[1], last_ended.get(name[0], 0))
            continue
        over = tuple(_read("Claim", parts, account, ticket_id) for parts in re.findall(_NAME, match[5] or ""))
        claim = Claim(*name, tuple(one for one in over if one), match[9] is not None)
        taken_over.update(claim.over)
        found.setdefault(name, Standing(claim, comment.id, comment.created_at, comment.author))
    return [
        one
        for name, one in found.items()
        if name[1] > last_ended.get(name[0], 0)
        and name not in taken_over
        and name[0] not in ended_runs
        and not (is_invoiced and one.claim.until_invoiced)
    ]


# ---------------------------------------------------------------- the decision


@dataclass(frozen=True)
class Go:
    """The ticket is ours: our claim was seen, and no other stands."""

    comment_id: int


@dataclass(frozen=True)
class Unseen:
    """Our claim is not there (yet). It gives nothing, and may still arrive."""


@dataclass(frozen=True)
class Wait:
    """Others claimed after us; they will withdraw. Look again."""

    others: tuple[Standing, ...]


@dataclass(frozen=True)
class Withdraw:
    """Somebody claimed before us: write our end, and leave."""

    others: tuple[Standing, ...]


@dataclass(frozen=True)
class TakeOver:
    """Only claims that have expired stand in the way: a person may take them over, in a claim of the next attempt."""

    others: tuple[Standing, ...]


@dataclass(frozen=True)
class Lost:
    """Our claim was ended or taken over: it never counts again. The next attempt may try."""


@dataclass(frozen=True)
class Billed:
    """The ticket's status is Invoiced: somebody has billed it meanwhile."""


Decision = Go | Unseen | Wait | Withdraw | TakeOver | Lost | Billed


def decide(
    comments: Iterable[Comment],
    mine: Claim,
    account: str,
    ticket_id: int,
    *,
    is_invoiced: bool = False,
    ended_runs: Collection[str] = (),
) -> Decision:
    """What our claim is worth, by one read of the ticket's comments (all of them). Pure.

    "Now" is the stamp that Syncro put on our own claim: no clock of ours has a say in whether another has expired.
    """
    read = list(comments)
    if is_invoiced and mine.until_invoiced:
        return Billed()
    stands = standing(read, account, ticket_id, is_invoiced=is_invoiced, ended_runs=ended_runs)
    own = next((one for one in stands if one.claim.name == mine.name), None)
    if own is None:
        wanted = _written("Claim", account, ticket_id, mine.name)
        was_there = any(one.user_id is not None and _last_line(one.body).startswith(f"Claim {wanted}") for one in read)
        return Lost() if was_there else Unseen()
    others = tuple(one for one in stands if one.claim.run != mine.run)
    alive = tuple(one for one in others if not one.is_expired(own.created_at))
    if not others:
        return Go(own.comment_id)
    if not alive:
        return TakeOver(others)
    return Withdraw(alive) if any(one.comment_id < own.comment_id for one in alive) else Wait(alive)


def allowed_seconds(settle_seconds: float) -> float:
    """How long after its claim left a runner may still send: a settling time and a margin before others may take over."""
    return CLAIM_SECONDS - settle_seconds - MARGIN_SECONDS


# ---------------------------------------------------------------- in a plan and its run

STEP = "claim"
MONEY = frozenset({"line_item", "charge", "invoice", "reprice", "remove_line", "remove_invoice"})


def claimed(plan: Plan) -> Plan:
    """The plan with a claim as its first step, if it moves money on a ticket; with its end as the last, if no status ends it."""
    names = {step.name for step in plan.steps}
    if plan.ticket_id <= 0 or not names & MONEY:
        return plan
    mine = Claim(plan.run, until_invoiced=plan.kind == "bill" and "status" in names)
    steps = (Step(STEP, claim_request(plan.account, plan.ticket_id, mine)), *plan.steps)
    if not mine.until_invoiced:
        steps = (*steps, Step(STEP, end_request(plan.account, plan.ticket_id, mine)))
    note = "if somebody else is at this ticket, the claim is withdrawn in another hidden comment, and nothing else is written"
    return replace(plan, steps=steps, notes=(*plan.notes, note))


def claim_of(plan: Plan, attempt: int, over: Iterable[Name] = ()) -> Claim:
    """What the first step of a plan claims in this attempt."""
    body = str(plan.steps[0].request.body["body"]) if plan.steps[0].request else ""
    return Claim(plan.run, attempt, tuple(over), until_invoiced=body.endswith(f" until {INVOICED}"))


def has_foreign_marks(ticket: Ticket, plan: Plan) -> bool:
    """Whether another run has written to the ticket since the plan was made: then what it did must be looked at."""
    own = f" SNB-{plan.run}-"
    return any(
        comment.id not in plan.basis.comment_ids
        and (
            last_reference(comment.body) is not None or (is_claim(comment.body) and own not in _last_line(comment.body))
        )
        for comment in ticket.comments or ()
    )


# ---------------------------------------------------------------- on one account


class Claims:
    """Looks at claims through one client. It writes nothing: `run.py` sends what `request` and `end` make."""

    def __init__(self, client: Client, clock: Clock, *, settle_seconds: float) -> None:
        self._client = client
        self._clock = clock
        self._allowed_seconds = allowed_seconds(settle_seconds)

    def pull_stand(
        self, account: str, ticket_id: int, mine: Claim, *, ended_runs: Collection[str] = ()
    ) -> tuple[Decision, Ticket]:
        """One read of the ticket, and what it says of our claim. Raises Refused and Unreachable as the client does."""
        ticket = self._client.ticket(ticket_id)
        is_invoiced = ticket.status == INVOICED
        decision = decide(
            ticket.comments or (), mine, account, ticket_id, is_invoiced=is_invoiced, ended_runs=ended_runs
        )
        return decision, ticket

    def is_fresh(self, sent: Moment | None) -> bool:
        """Whether a claim that left at `sent` still allows a write to leave now. After a reboot nobody knows: no."""
        elapsed = None if sent is None else seconds_since(sent, self._clock)
        return elapsed is not None and 0 <= elapsed < self._allowed_seconds


# ---------------------------------------------------------------- the form


def _comment(ticket_id: int, body: str) -> Request:
    return requests.add_comment(ticket_id, subject=SUBJECT, body=body, hidden=True, do_not_email=True)


def _written(word: str, account: str, ticket_id: int, name: Name) -> str:
    """The name with its check letters, which tie it to the word, the account and the ticket."""
    run, attempt = name
    return f"SNB-{run}-{attempt}-{letters(f'{word}|{account}|{ticket_id}|{run}|{attempt}', 4)}"


def _read(word: str, parts: Iterable[str], account: str, ticket_id: int) -> Name | None:
    run, attempt, check = parts
    name = run, int(attempt)
    return name if _written(word, account, ticket_id, name) == f"SNB-{run}-{attempt}-{check}" else None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
