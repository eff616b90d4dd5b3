"""The audit of what was written: the journal held against Syncro, and Syncro against the journal. Pure; nothing is assumed clean.

Each reference stands once on a comment and once on a line; each was made by a run of this journal; each run that is done has
its records and its invoice; and no line that carries no reference says the same as one that does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..books import Books
from ..service.records import Ticket
from . import claim, reference
from .bill import LOOK_ALIKE_DAYS
from .journal import Run
from .kinds import KINDS
from .look import Look, kind_of
from .receipt import SETTLED

WHAT = {
    "twice": "the same reference stands twice: a write may have been made twice",
    "unknown": "no run of this journal made this reference: another machine's, or of a journal that was lost",
    "elsewhere": "the reference was made for another ticket: merged, cloned or copied",
    "missing": "a run is done, and its record is not there any more",
    "no invoice": "a run is done, and its invoice is not there, or names another ticket",
    "unfinished": "a run is open",
    "newer": "a run is newer than what was looked at: `syncro sync`, then again",
    "look-alike": "a line without a reference says the same as one of ours",
}
HARMLESS = ("unfinished", "newer")


@dataclass(frozen=True)
class Entry:
    """A comment or line of a ticket. `like`: what makes two lines alike (product, quantity in millionths, price in cents)."""

    sort: str
    id: int
    ticket_id: int
    text: str
    is_technicians: bool = True
    like: tuple[int | None, int, int] | None = None
    created_at: datetime | None = None


@dataclass(frozen=True)
class Remark:
    """One thing that is not as it must be. `problem` is a name of WHAT."""

    problem: str
    ticket: int
    run: str
    records: tuple[str, ...]

    @property
    def message(self) -> str:
        """One sentence for a person."""
        where = f"ticket {self.ticket}" if self.ticket else "a ticket that no run of this journal is on"
        who = f", run {self.run}" if self.run else ""
        what = f" ({', '.join(self.records)})" if self.records else ""
        return f"{where}{who}: {WHAT[self.problem]}{what}"

    def as_json(self) -> dict[str, object]:
        """As `runs audit --json` prints it."""
        return {
            "problem": self.problem,
            "ticket": self.ticket or None,
            "run": self.run or None,
            "records": list(self.records),
            "message": self.message,
        }


def audit(
    account: str,
    runs: Sequence[Run],
    entries: Iterable[Entry],
    invoices: Mapping[int, int | None],
    looked_at: Iterable[int],
    newest: Mapping[str, int] | None = None,
) -> list[Remark]:
    """Everything that is not as it must be, by ticket.

    `newest`: of a look that may be older than a run the highest ids that it saw, by sort; a run all of whose records lie
    above is not judged yet.

    `entries` are all comments and lines of the tickets in `looked_at` (internal ids); a ticket that is not among them is not
    judged. `invoices`: the ticket that each invoice names, by invoice id; one that is absent is not there.
    """
    seen, mine = set(looked_at), [run for run in runs if run.plan.account == account]
    numbers = {run.plan.ticket_id: run.plan.ticket_number for run in mine}
    made = {name: run for run in mine for name in _references(run)}
    there = [entry for entry in entries if entry.ticket_id in seen and entry.is_technicians]
    remarks: list[Remark] = []
    marked: dict[tuple[int, str, str], list[Entry]] = defaultdict(list)
    for entry in there:
        mark = reference.last_reference(entry.text)
        if mark is not None:
            marked[entry.ticket_id, mark, entry.sort].append(entry)
    for one in mine:
        remarks += _late_twins(one, marked)
    for (ticket_id, mark, _), found in marked.items():
        names, run = tuple(f"{one.sort} {one.id}" for one in found), made.get(mark)
        number = numbers.get(ticket_id, 0)
        if not reference.belongs(mark, account, ticket_id):
            remarks.append(Remark("elsewhere", number, "", (*names, mark)))
        elif run is None:
            remarks.append(Remark("unknown", number, "", (*names, mark)))
        if len(found) > 1:
            remarks.append(Remark("twice", number, run.id if run else "", (*names, mark)))
    present = {(entry.sort, entry.ticket_id, entry.id) for entry in there}
    removed = {(one.step.name, one.step.record_id) for run in mine for one in run.steps if one.state in SETTLED}
    for run in mine:
        if run.plan.ticket_id in seen and ("remove_ticket", run.plan.ticket_id) not in removed:
            remarks += _of_run(run, present, removed, invoices, newest or {})
    remarks += _look_alikes(there, made, numbers)
    return sorted(set(remarks), key=lambda one: (one.ticket, one.run, one.problem, one.records))


def entries_of(ticket: Ticket) -> list[Entry]:
    """The comments and lines of a ticket that was read in full."""
    comments = [
        Entry("comment", one.id, ticket.id, one.body, one.user_id is not None, None, one.created_at)
        for one in ticket.comments or ()
    ]
    lines = [
        Entry(
            "line",
            one.id,
            ticket.id,
            one.description,
            like=(one.product_id, int(one.quantity * 1_000_000), one.price_cents),
            created_at=one.created_at,
        )
        for one in ticket.lines or ()
    ]
    timers = [Entry("timer", one.id, ticket.id, one.notes, created_at=one.started_at) for one in ticket.timers or ()]
    return [*comments, *lines, *timers]


def entries_in(books: Books) -> list[Entry]:
    """The same of a whole mirror: comments that hold a reference, and the lines of every ticket."""
    comments = books.table("comments", ["comment_id", "ticket_id", "body", "user_id", "created_at"])
    comments = comments[comments["body"].str.contains("SNB-", regex=False) & comments["ticket_id"].notna()]
    columns = ["line_id", "ticket_id", "description", "product_id", "quantity_millionths", "price_cents", "created_at"]
    lines = books.table("charges", columns)
    lines = lines[lines["ticket_id"].notna()]
    found = [
        Entry(
            "comment", int(number), int(ticket_id), body, bool(technician), None, at.to_pydatetime() if known else None
        )
        for number, ticket_id, body, technician, at, known in zip(
            comments["comment_id"],
            comments["ticket_id"],
            comments["body"],
            comments["user_id"].notna(),
            comments["created_at"],
            comments["created_at"].notna(),
            strict=True,
        )
    ]
    found += [
        Entry(
            "line",
            int(number),
            int(ticket_id),
            text,
            like=(int(product) if has_product else None, int(quantity), int(price)),
            created_at=at.to_pydatetime() if known else None,
        )
        for number, ticket_id, text, product, has_product, quantity, price, at, known in zip(
            lines["line_id"],
            lines["ticket_id"],
            lines["description"],
            lines["product_id"],
            lines["product_id"].notna(),
            lines["quantity_millionths"],
            lines["price_cents"],
            lines["created_at"],
            lines["created_at"].notna(),
            strict=True,
        )
    ]
    timers = books.table("timers", ["timer_id", "ticket_id", "notes"])
    timers = timers[timers["notes"].str.contains("SNB-", regex=False) & timers["ticket_id"].notna()]
    found += [
        Entry("timer", int(number), int(ticket_id), text)
        for number, ticket_id, text in zip(timers["timer_id"], timers["ticket_id"], timers["notes"], strict=True)
    ]
    return found


def twins_beside(run: Run, look: Look) -> list[Remark]:
    """What a run made beside tickets (a ticket, customer, contact, payment) and is there twice. Reads live."""
    remarks = []
    for one in run.steps:
        if one.record_id is None or one.step.name not in KINDS or kind_of(one).nature != "create":
            continue
        others, doubts = look.pull_twins(run, one)
        if others or doubts:
            names = tuple(f"{one.step.name} {number}" for number in (one.record_id, *others)) + tuple(doubts)
            remarks.append(Remark("twice", int(one.detail.get("number", 0)), run.id, names))
    return remarks


# ---------------------------------------------------------------- inside


def _references(run: Run) -> set[str]:
    plan = run.plan
    return {
        reference.make(plan.account, plan.ticket_id, one.step.unit or plan.unit, attempt)
        for one in run.steps
        for attempt in range(1, one.attempt + 1)
    }


def _late_twins(run: Run, marked: Mapping[tuple[int, str, str], Sequence[Entry]]) -> list[Remark]:
    """Attempts of one step that are both there: one arrived after the settling time, when it counted as absent."""
    plan, remarks, sorts = run.plan, [], {"comment": "comment", "line_item": "line", "timer": "timer"}
    for one in run.steps:
        if one.step.name not in sorts:
            continue
        unit = one.step.unit or plan.unit
        marks = (reference.make(plan.account, plan.ticket_id, unit, number) for number in range(1, one.attempt + 1))
        found = [marked.get((plan.ticket_id, mark, sorts[one.step.name]), ()) for mark in marks]
        there = [entry for entries in found for entry in entries]
        if sum(bool(entries) for entries in found) > 1:
            names = tuple(f"{entry.sort} {entry.id}" for entry in there)
            remarks.append(Remark("twice", plan.ticket_number, run.id, names))
    return remarks


def _of_run(
    run: Run,
    present: set[tuple[str, int, int]],
    removed: set[tuple[str, int | None]],
    invoices: Mapping[int, int | None],
    newest: Mapping[str, int],
) -> list[Remark]:
    plan = run.plan
    if run.state == "open":
        return [Remark("unfinished", plan.ticket_number, run.id, ())]
    if run.state != "done":
        return []
    sorts = {"comment": "comment", claim.STEP: "comment", "line_item": "line", "charge": "line"}
    kept = [(sorts.get(one.step.name, one.step.name), one.record_id) for one in run.steps if one.record_id is not None]
    known = [(newest[sort], number) for sort, number in kept if sort in newest]
    if known and all(number > last for last, number in known):  # a look that saw one of them would have seen its id
        return [Remark("newer", plan.ticket_number, run.id, ())]
    remarks = []
    for one in run.steps:
        sort = sorts.get(one.step.name)
        if (
            one.record_id is None
            or one.state not in SETTLED
            or (f"remove_{sort or one.step.name}", one.record_id) in removed
        ):
            continue
        if sort and (sort, plan.ticket_id, one.record_id) not in present:
            remarks.append(Remark("missing", plan.ticket_number, run.id, (f"{sort} {one.record_id}",)))
        elif one.step.name == "invoice" and invoices.get(one.record_id, -1) not in (None, plan.ticket_id):
            remarks.append(Remark("no invoice", plan.ticket_number, run.id, (f"invoice id {one.record_id}",)))
    return remarks


def _look_alikes(entries: Sequence[Entry], made: Mapping[str, Run], numbers: Mapping[int, int]) -> list[Remark]:
    """Lines without a reference beside ours with the same labour, hours, price and text, within some weeks."""
    alike: dict[tuple[object, ...], list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.like is not None:
            alike[entry.ticket_id, entry.like, reference.strip(entry.text).casefold()].append(entry)
    remarks = []
    for found in alike.values():
        ours = [one for one in found if made.get(reference.last_reference(one.text) or "")]
        bare = [one for one in found if reference.last_reference(one.text) is None]
        for one in bare:
            near = [mine for mine in ours if _days_between(one, mine) <= LOOK_ALIKE_DAYS]
            if near:
                run = made[reference.last_reference(near[0].text) or ""]
                names = tuple(f"line {each.id}" for each in (near[0], one))
                remarks.append(Remark("look-alike", numbers.get(one.ticket_id, 0), run.id, names))
    return remarks


def _days_between(one: Entry, other: Entry) -> float:
    if one.created_at is None or other.created_at is None:
        return 0.0
    return abs(one.created_at - other.created_at) / timedelta(days=1)
