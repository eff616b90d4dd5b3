"""The same change on several tickets: one plan for each, one confirmation by their count, a result for each.

Every ticket goes its own way through `Workspace.apply`, plan and journal; nothing here reads or sends. A ticket that fails
stops no other one. What could not be planned is in the bulk with the reason, and is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..config import House
from ..errors import Error, InputError, Refused, Stopped, Unreachable
from ..escape import clip, line
from ..words import Words
from .plan import Plan
from .receipt import Receipt
from .ticket import UpdateDraft, number_problem

MOST = 200  # tickets of one change: what a person can look over
FAILURES = 3  # tickets in a row for which Syncro could not be reached: then Syncro, and not a ticket, is the trouble
WRITTEN, NOT_WRITTEN, STOPPED, LEFT_OUT, NOT_BEGUN = "changed", "not changed", "stopped", "left out", "not begun"


@dataclass(frozen=True)
class BulkDraft:
    """What several tickets are to become; what is empty stays as it is."""

    ticket_numbers: tuple[int, ...] = ()
    status: str = ""
    priority: str = ""
    technician: str = ""

    def problems(self, house: House) -> dict[str, str]:
        """What is missing or wrong, by field."""
        said = {}
        if not self.ticket_numbers:
            said["ticket_numbers"] = "which tickets?"
        elif len(set(self.ticket_numbers)) > MOST:
            said["ticket_numbers"] = f"at most {MOST} tickets at once, not {len(set(self.ticket_numbers))}"
        elif any(number_problem(one) for one in self.ticket_numbers):
            said["ticket_numbers"] = "a ticket's number is a whole number, as in 32164"
        if not (self.status or self.priority or self.technician):
            said["status"] = "what is to change? A status, a priority or a technician"
        return said

    @property
    def drafts(self) -> list[UpdateDraft]:
        """One for each ticket, in the order in which they were given."""
        return [
            UpdateDraft(number, status=self.status, priority=self.priority, technician=self.technician)
            for number in dict.fromkeys(self.ticket_numbers)
        ]


@dataclass(frozen=True)
class BulkItem:
    """One ticket: its plan, or why there is none."""

    number: int
    plan: Plan | None = None
    reason: str = ""

    @property
    def stands(self) -> bool:
        """Whether it will be changed."""
        return self.plan is not None and not self.plan.blockers

    @property
    def why_not(self) -> str:
        """Why it will not."""
        return "; ".join(self.plan.blockers) if self.plan is not None else self.reason


@dataclass(frozen=True, repr=False)
class Bulk:
    """The plans of all tickets, as they are confirmed together. `say` is the change in words."""

    items: tuple[BulkItem, ...]
    say: str = ""

    @property
    def plans(self) -> tuple[Plan, ...]:
        """What will be carried out, in order."""
        return tuple(one.plan for one in self.items if one.plan is not None and not one.plan.blockers)

    @property
    def confirmation(self) -> str:
        """What a person types to confirm it: the number of tickets that will be changed."""
        return str(len(self.plans))

    @property
    def blockers(self) -> tuple[str, ...]:
        """What forbids the whole: that nothing would change."""
        if self.plans:
            return ()
        said = sorted({one.why_not for one in self.items})
        return (f"none of the {len(self.items)} ticket(s) can be changed: {'; '.join(said)}",)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know before, ticket by ticket."""
        return tuple(f"ticket {plan.ticket_number}: {one}" for plan in self.plans for one in plan.warnings)

    def as_json(self) -> dict[str, Any]:
        """The plans, and the tickets that are left out."""
        left = [{"ticket": one.number, "reason": one.why_not} for one in self.items if not one.stands]
        return {"plans": [plan.as_json() for plan in self.plans], "left_out": left}

    def text(self) -> list[str]:
        """The preview as lines: each ticket with its changes, then those that are left out."""
        said = [f"{self.say} on {len(self.plans)} ticket(s)"]
        for plan in self.plans:
            said.append(f"  #{plan.ticket_number}  {clip(plan.customer_name, 30)}  {clip(plan.subject, 50)}")
            said += [f"       {line(note)}" for note in plan.notes]
        said += [f"  #{one.number}  left out: {line(one.why_not)}" for one in self.items if not one.stands]
        return said + [f"Warning: {line(one)}" for one in self.warnings]

    def __repr__(self) -> str:
        return "\n".join(self.text())


@dataclass(frozen=True)
class BulkRow:
    """What became of one ticket. `state` is one of changed, not changed, stopped, left out, not begun."""

    number: int
    state: str
    said: str
    run: str = ""

    def as_json(self) -> dict[str, Any]:
        """As programs read it."""
        return {"ticket": self.number, "state": self.state, "run": self.run or None, "message": self.said}


@dataclass(frozen=True, repr=False)
class BulkReceipt:
    """A result for each ticket, in the order of the bulk."""

    rows: tuple[BulkRow, ...]
    exit_status: int = 0
    next: None = None  # a run that stopped is on the list of runs, and goes on by itself

    @property
    def is_verified(self) -> bool:
        """Whether every ticket that was to be changed is, read back and compared."""
        return all(row.state in (WRITTEN, LEFT_OUT) for row in self.rows) and self.exit_status == 0

    @property
    def message(self) -> str:
        """How many of each, in one sentence."""
        counts = {
            state: sum(row.state == state for row in self.rows) for state in dict.fromkeys(r.state for r in self.rows)
        }
        said = ", ".join(f"{count} {state}" for state, count in counts.items())
        runs = [row.run for row in self.rows if row.state == STOPPED]
        more = f" Runs that stopped are in the journal: {', '.join(runs)}." if runs else ""
        return f"{said[0].upper()}{said[1:]}{', read back and verified' if self.is_verified else ''}.{more}"

    def as_json(self) -> list[dict[str, Any]]:
        """One object for each ticket."""
        return [row.as_json() for row in self.rows]

    def __repr__(self) -> str:
        return "\n".join([*(f"#{row.number}  {row.state}  {line(row.said)}" for row in self.rows), self.message])


def check_words(draft: BulkDraft, words: Words) -> None:
    """Raises InputError for a word that the account does not know: no ticket could be changed by it."""
    if draft.status:
        words.status(draft.status)
    if draft.priority:
        words.priority(draft.priority)
    if draft.technician:
        words.technician(draft.technician)


def plan_bulk(draft: BulkDraft, plan: Callable[[UpdateDraft], Plan]) -> Bulk:
    """The plans of a draft without problems, each made by `plan`; a ticket that cannot be planned is in it with the reason.

    Raises Refused and Unreachable if three tickets in a row cannot be read: then Syncro, rather than a ticket, is the trouble.
    """
    items: list[BulkItem] = []
    failed = 0
    for one in draft.drafts:
        number = one.ticket_number or 0
        try:
            items.append(BulkItem(number, plan(one)))
            failed = 0
        except InputError as error:
            items.append(BulkItem(number, reason=str(error)))
        except (Refused, Unreachable) as error:
            failed += 1
            if failed == min(FAILURES, len(draft.drafts)):
                raise
            items.append(BulkItem(number, reason=f"it could not be read: {error}"))
    changes = {"status": draft.status, "priority": draft.priority, "technician": draft.technician}
    return Bulk(tuple(items), ", ".join(f"{name} {line(word)}" for name, word in changes.items() if word))


def carry_out(
    bulk: Bulk, apply: Callable[[Plan], Receipt], tell: Callable[[int, int, str], None] | None = None
) -> BulkReceipt:
    """Carry a confirmed bulk out, one ticket after the other, each by `apply`; `tell` gets how many are through, of how many.

    Goes on after a ticket that fails; ends early only when somebody stops it, or Syncro cannot be reached three times in a row.
    """
    rows, status, failed, through = [], 0, 0, 0
    ended = ""
    for item in bulk.items:
        if item.plan is None or not item.stands:
            rows.append(BulkRow(item.number, LEFT_OUT, item.why_not))
            continue
        if ended:
            rows.append(BulkRow(item.number, NOT_BEGUN, ended))
            continue
        if tell is not None:
            tell(through, len(bulk.plans), f"ticket {item.number}")
        through += 1
        try:
            receipt = apply(item.plan)
        except Error as error:
            rows.append(BulkRow(item.number, NOT_WRITTEN, str(error)))
            status, unreachable = status or error.exit_status, isinstance(error, Unreachable)
        except KeyboardInterrupt:  # while it was looked at once more: nothing of it was sent
            ended, status, unreachable = "stopped by the keyboard", Stopped.exit_status, False
            rows.append(BulkRow(item.number, NOT_BEGUN, ended))
        else:
            rows.append(_row(item.number, receipt))
            status, unreachable = status or receipt.exit_status, isinstance(receipt.trouble, Unreachable)
            ended = str(receipt.trouble) if isinstance(receipt.trouble, Stopped) else ""
        failed = failed + 1 if unreachable else 0
        if failed == FAILURES:
            ended = f"Syncro could not be reached for {FAILURES} tickets in a row"
    if tell is not None:
        tell(through, len(bulk.plans), "")
    return BulkReceipt(tuple(rows), status)


def _row(number: int, receipt: Receipt) -> BulkRow:
    state = {"done": WRITTEN, "open": STOPPED}.get(receipt.run.state, NOT_WRITTEN)
    return BulkRow(number, state, receipt.message, receipt.run.id)


def numbers_of(tickets: Any) -> tuple[int, ...]:
    """Ticket numbers from a list of them, or from a table with a column `number` or `ticket` (`table.selected`).

    Raises InputError for anything else.
    """
    columns: Sequence[str] = list(getattr(tickets, "columns", ()))
    if columns:
        name = next((one for one in ("number", "ticket") if one in columns), None)
        if name is None:
            raise InputError("the table has no column `number` or `ticket`")
        tickets = tickets[name].tolist()
    try:
        return tuple(int(one) for one in tickets)
    except (TypeError, ValueError):
        raise InputError("tickets are a list of ticket numbers, or a table with a column `number`") from None
