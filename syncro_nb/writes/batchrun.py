"""Billing many tickets: planning them in one go, carrying them out one after the other, and going on later.

Every ticket goes through `Workspace.apply`, `resume` and the journal like a single bill; nothing here sends. A batch can be
cut at any point: between two tickets, between two steps of one, or by a killed program. What was begun is in the journal, and
what was not is planned anew and must come to the same lines and amounts, or a person looks at it again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Protocol

from ..clock import Clock, seconds_since
from ..config import Config, House
from ..errors import InputError, Refused, Stopped, Unreachable, Unrecorded
from ..escape import clip
from ..hours import Hours
from ..policy import STANDARD_KINDS
from ..service.client import Client
from ..service.once import Once
from ..service.records import Product, Ticket, Timer
from .batch import Batch, Choice, Item, changes, merged
from .batchbook import CHANGED, FAILED, GIVEN_UP, WAITS, BatchBook, KeptItem
from .batchreceipt import BatchReceipt, BatchRow, row_of
from .bill import BillDraft, DraftLine
from .charge import Charge, Work, charge_ticket
from .facts import pull_ticket
from .journal import Journal
from .plan import STEP_TITLES, Plan
from .planning import Planning
from .receipt import Receipt
from .run import Progress

FAILURES = 3  # tickets in a row that could not be read or written: then Syncro, and not a ticket, is the trouble
ROUNDS = 3  # how often what is in doubt is waited out: each time another step of it may get in doubt
WAIT_SLICE_SECONDS = 0.5
SUBJECT = "Billed"

BatchProgress = Callable[[int, int, str], None]
"""How many tickets are through, of how many, and what is done at this moment."""


class Desk(Protocol):
    """What a workspace gives: one account, its journal, and the only way to write."""

    config: Config
    house: House
    client: Client

    @property
    def journal(self) -> Journal: ...

    @property
    def zone(self) -> tzinfo | None: ...

    @property
    def hours(self) -> Hours | None: ...

    def now(self) -> datetime: ...

    def planning(self, client: Client | None = None) -> Planning: ...

    def apply(self, plan: Plan, *, confirm: int | str | None, progress: Progress | None = None) -> Receipt: ...

    def resume(self, run: str, *, wait: bool = True, progress: Progress | None = None) -> Receipt: ...


@dataclass(frozen=True)
class Cancel:
    """A person's Cancel: set from any thread, it takes hold before the next request that writes."""

    event: threading.Event

    def check(self) -> None:
        """Raises Stopped once it is set."""
        if self.event.is_set():
            raise Stopped("cancelled; what was written is on record, and the batch can be resumed")


class BatchRunner:
    """Plans, carries out and goes on with the batches of one account."""

    def __init__(self, desk: Desk, book: BatchBook, *, clock: Clock, names: Iterator[str]) -> None:
        self._desk, self._book, self._clock = desk, book, clock
        self._names = names
        self._ready: dict[str, dict[int, Plan]] = {}  # plans that this object has confirmed and not begun

    # ------------------------------------------------------------ planning

    def plan(
        self, choices: Iterable[Choice], *, progress: BatchProgress | None = None, cancel: threading.Event | None = None
    ) -> Batch:
        """Read every chosen ticket live and plan its bill; sends nothing.

        What cannot be billed is in it, with the reason. Raises InputError if nothing is chosen, Stopped if cancelled, Refused
        and Unreachable if Syncro, rather than one ticket, is the trouble.
        """
        tell, stop = progress or _silent, Cancel(cancel or threading.Event())
        wanted = merged(choices)
        planner = _Planner(self._desk, self._names)
        items: list[Item] = []
        failed = 0
        for place, choice in enumerate(wanted):
            stop.check()
            tell(place, len(wanted), f"looking at ticket {choice.ticket_number}")
            try:
                items.append(planner.plan(choice))
                failed = 0
            except (Refused, Unreachable) as error:
                failed += 1
                if failed == FAILURES:
                    raise
                items.append(Item(choice, blockers=(f"it could not be read: {error}",)))
        tell(len(wanted), len(wanted), "planned")
        name = "B" + next(self._names)[1:]
        return Batch(name, self._desk.config.account, tuple(items), self._notes(items))

    def _notes(self, items: Sequence[Item]) -> tuple[str, ...]:
        """What must be known of the whole preview: how far after-hours work can be told from other work."""
        times = self._desk.house.policy.after_hours_multiplier
        raised = any(entry.kind in STANDARD_KINDS for item in items for entry in item.charge.billed)
        if times == 1 or not raised:
            return ()
        if self._desk.hours is not None:
            return self._desk.hours.doubts
        return (
            f"after-hours work is not worked out: the policy wants × {times.normalize():f}, but Syncro names no business hours, "
            "and everything is billed as within them",
        )

    def confirm(self, batch: Batch, words: str) -> None:
        """Put a batch on record that a person has confirmed by typing its count and total.

        Raises InputError if the words do not say so, or if it belongs to another account.
        """
        problem = batch.unconfirmed(words)
        if problem:
            raise InputError(f"nothing was written: {problem}")
        if batch.account != self._desk.config.account:
            raise InputError(f"the batch is for account {batch.account}, and this is {self._desk.config.account}")
        self._book.add(batch, at=self._desk.now(), by=self._desk.client.me().name)
        self._ready[batch.name] = {plan.ticket_number: plan for plan in batch.plans}

    # ------------------------------------------------------------ carrying out

    def run(
        self, name: str, *, progress: BatchProgress | None = None, cancel: threading.Event | None = None
    ) -> BatchReceipt:
        """Carry out a confirmed batch, or go on with one. Ends when everything is done or waits for a person, or when cancelled.

        Raises InputError if there is no such batch of this account.
        """
        self._of_account(name)
        stop, tell, stopped = Cancel(cancel or threading.Event()), progress or _silent, ""
        try:
            self._look(name, stop, tell, ("asked",))  # what was missing may have come, what was in the way may be gone
            self._begin_all(name, stop, tell)
            self._settle(name, stop, tell)
            if any(row.item.note_kind == WAITS for row in self.receipt(name).rows):
                self._begin_all(name, stop, tell, only=WAITS)
                self._settle(name, stop, tell)
        except (Stopped, Unreachable, Refused, Unrecorded) as error:
            stopped = str(error)
        receipt = replace(self.receipt(name), stopped=stopped)
        tell(len(receipt.rows) - receipt.count("not begun", "parked"), len(receipt.rows), receipt.message)
        return receipt

    def receipt(self, name: str) -> BatchReceipt:
        """How a batch stands now. Raises InputError if there is none of that name."""
        batch = self._book.load(name)
        rows = tuple(row_of(item, self._desk.journal) for item in batch.items)
        return BatchReceipt(batch, rows, self._desk.now())

    def receipts(self) -> list[BatchReceipt]:
        """Every batch of this account, newest first."""
        return [self.receipt(one.name) for one in self._book.batches(self._desk.config.account)]

    def give_up(self, name: str) -> BatchReceipt:
        """A person's word that what was not begun of a batch is not to be begun any more; writes nothing to Syncro.

        Runs that were begun stay what they are. Raises InputError if there is no such batch of this account.
        """
        self._of_account(name)
        for row in self.receipt(name).rows:
            if row.state in ("not begun", "changed"):
                self._book.note(name, row.item.number, GIVEN_UP, "given up; nothing was written")
        return self.receipt(name)

    # ------------------------------------------------------------ one ticket after the other

    def _begin_all(self, name: str, stop: Cancel, tell: BatchProgress, only: str | None = None) -> None:
        """Begin every ticket that was not begun, or only those with such a note. Raises Stopped, Unreachable, Refused."""
        failed = 0
        rows = list(self.receipt(name).rows)
        for place in range(len(rows)):
            row = rows[place] = self._row(name, rows[place])  # another program may be at this batch too
            if row.state not in ("not begun", "changed") or only not in (None, row.item.note_kind):
                continue
            stop.check()
            through = sum(one.state not in ("not begun", "parked") for one in rows)
            tell(through, len(rows), f"ticket {row.item.number}: {clip(row.item.customer, 40)}")
            before = _unsettled_before(rows, row)
            if before is not None:
                why = f"ticket {before} of the same customer draws prepaid hours too, and is not settled"
                self._book.note(name, row.item.number, WAITS, why)
                continue
            trouble: Exception | None = None
            try:
                receipt = self._begin(name, row.item, _telling(stop, tell, through, len(rows), row.item.number))
            except (Refused, Unreachable) as error:
                self._book.note(name, row.item.number, FAILED, str(error))
                trouble = error
            else:
                if receipt is not None and isinstance(receipt.trouble, Stopped):
                    raise receipt.trouble
                if receipt is not None and receipt.run.state == "nothing":
                    trouble = receipt.trouble or Stopped(receipt.message)
            rows[place] = self._row(name, row)
            failed = failed + 1 if trouble else 0
            if trouble and failed == FAILURES:
                raise trouble

    def _row(self, name: str, row: BatchRow) -> BatchRow:
        return row_of(self._book.item(name, row.item.number), self._desk.journal)

    def _begin(self, name: str, item: KeptItem, progress: Progress) -> Receipt | None:
        """Carry out one ticket's plan, made anew where it was not made just now. None: it is not what was confirmed."""
        plan = self._ready.get(name, {}).pop(item.number, None)
        if plan is not None:
            try:
                return self._apply(name, item, plan, progress)
            except Unrecorded:
                raise
            except InputError:
                pass  # it has changed since the preview: perhaps only by another ticket of this batch
        now = _Planner(self._desk, self._names).plan(Choice(item.number, item.timer_ids))
        said = list(now.blockers) if now.plan is None or item.plan is None else changes(item.plan, now.plan)
        if said or now.plan is None:
            self._book.note(name, item.number, CHANGED, "; ".join(said))
            return None
        try:
            return self._apply(name, item, now.plan, progress)
        except Unrecorded:
            raise
        except InputError as error:
            self._book.note(name, item.number, CHANGED, str(error))
            return None

    def _apply(self, name: str, item: KeptItem, plan: Plan, progress: Progress) -> Receipt:
        self._book.begin(name, item.number, plan.run, at=self._clock.now())
        return self._desk.apply(plan, confirm=plan.confirmation, progress=progress)

    # ------------------------------------------------------------ what is in doubt

    def _settle(self, name: str, stop: Cancel, tell: BatchProgress) -> None:
        """Come back to what is in doubt: look, wait out the settling time once for all, and look again."""
        for _ in range(ROUNDS):
            parked = self._look(name, stop, tell)
            if not parked:
                return
            self._wait(parked, stop, tell)
            if not self._look(name, stop, tell):
                return

    def _look(
        self, name: str, stop: Cancel, tell: BatchProgress, states: tuple[str, ...] = ("parked",)
    ) -> list[BatchRow]:
        """Go on with the runs in these states as far as they come without waiting; gives those that are in doubt."""
        rows = self.receipt(name).rows
        elsewhere: set[int] = set()
        for row in rows:
            if row.state in states and row.receipt is not None:
                stop.check()
                through = sum(one.state not in ("not begun", "parked") for one in rows)
                progress = _telling(stop, tell, through, len(rows), row.item.number)
                try:
                    receipt = self._desk.resume(row.receipt.run.id, wait=False, progress=progress)
                except InputError:  # another program is at this very run, and brings it to its end
                    elsewhere.add(row.item.number)
                    continue
                if isinstance(receipt.trouble, Stopped):
                    raise receipt.trouble
        ours = (row for row in self.receipt(name).rows if row.item.number not in elsewhere)
        return [row for row in ours if row.state == "parked" and self._remaining(row) is not None]

    def _wait(self, parked: Sequence[BatchRow], stop: Cancel, tell: BatchProgress) -> None:
        seconds = max(self._remaining(row) or 0.0 for row in parked)
        numbers = ", ".join(str(row.item.number) for row in parked)
        while seconds > 0:
            stop.check()
            tell(0, 0, f"ticket {numbers}: it may still arrive; looking again in {seconds:.0f} s")
            self._clock.sleep(min(seconds, WAIT_SLICE_SECONDS))
            seconds -= WAIT_SLICE_SECONDS

    def _remaining(self, row: BatchRow) -> float | None:
        """Seconds until a step in doubt counts as absent when it is not found; None: it is not in doubt."""
        state = row.receipt.current if row.receipt else None
        if state is None or state.state not in ("unknown", "intent"):
            return None
        elapsed = None if state.sent is None else seconds_since(state.sent, self._clock)
        return max(0.0, self._desk.config.settle_seconds - (elapsed or 0.0))

    def _of_account(self, name: str) -> None:
        account = self._book.load(name).account
        if account != self._desk.config.account:
            raise InputError(f"batch {name} is for account {account}, and this is {self._desk.config.account}")


class _Planner:
    """Plans tickets one after the other, with the prepaid hours that are left after those before."""

    def __init__(self, desk: Desk, names: Iterator[str]) -> None:
        self._desk, self._names = desk, names
        wanted = desk.house.policy.after_hours_multiplier != 1  # else nobody has to read the settings
        self._outside = desk.hours.outside_seconds if wanted and desk.hours else None
        self._client = Once(desk.client)
        self._planning = desk.planning(self._client)
        self._left: dict[int, Decimal] = {}

    def plan(self, choice: Choice) -> Item:
        """One ticket; what stands against it is in its blockers. Raises Refused and Unreachable if it cannot be read."""
        try:
            return self._plan(choice)
        except InputError as error:
            return Item(choice, blockers=(str(error),))

    def _plan(self, choice: Choice) -> Item:
        ticket = pull_ticket(self._client, choice.ticket_number)
        customer_id = ticket.customer_id or (ticket.customer.id if ticket.customer else None)
        if customer_id is None:
            raise InputError(f"ticket {ticket.number} has no customer; give it one in Syncro first")
        customer = self._client.customer(customer_id)
        if customer_id in self._left:
            customer = replace(customer, prepaid_hours=self._left[customer_id])
        work = Work(ticket, customer, self._products(ticket), choice.timer_ids, self._outside, self._desk.zone or UTC)
        charge = charge_ticket(work, self._desk.house)
        item = Item(choice, charge, None, charge.blockers, charge.warnings, customer.name, ticket.subject)
        waits = any(not line.converted for line in ticket.lines or ())
        if not charge.billed and not waits:
            none = f"no time and no lines wait on it; its status is {clip(ticket.status, 40)}"
            said = "; ".join(dict.fromkeys(entry.why for entry in charge.entries)) or none
            return replace(item, blockers=(*charge.blockers, f"nothing to bill: {said}"))
        plan = self._planning.pull_bill(draft_of(choice, charge), next(self._names), ticket, customer)
        blockers = tuple(dict.fromkeys((*charge.blockers, *plan.blockers)))
        if not blockers and customer.prepaid_hours is not None:
            self._left[customer_id] = customer.prepaid_hours - plan.expected.prepaid_hours
        warnings = tuple(dict.fromkeys((*charge.warnings, *plan.warnings)))
        return replace(item, plan=replace(plan, blockers=blockers), blockers=blockers, warnings=warnings)

    def _products(self, ticket: Ticket) -> Mapping[int, Product]:
        wanted = {timer.product_id for timer in ticket.timers or () if timer.product_id and _waits(timer)}
        return {number: self._client.product(number) for number in sorted(wanted)}


def draft_of(choice: Choice, charge: Charge) -> BillDraft:
    """The draft of one ticket's bill: its comment is for technicians only and mailed to nobody."""
    count = len(charge.billed)
    text = f"Billed: {count} time entr{'y' if count == 1 else 'ies'}, {charge.hours.normalize():f} h"
    return BillDraft(
        ticket_number=choice.ticket_number,
        text=text if count else "Billed: what waited on the ticket",
        subject=SUBJECT,
        hidden=True,
        email=False,
        timer_ids=charge.timer_ids,
        overrides=charge.overrides,
        amends=charge.amends,
        lines=tuple(
            DraftLine(line.product_id, line.quantity, line.text, line.price_cents, line.taxable, line.timer_ids)
            for line in charge.lines
        ),
        waiting=not count,
        left_out=tuple(entry.timer_id for entry in charge.entries if entry.how == "left out"),
    )


def _unsettled_before(rows: Sequence[BatchRow], row: BatchRow) -> int | None:
    """An earlier ticket of the same customer whose prepaid hours may or may not have been drawn yet."""
    if row.item.plan is None or row.item.plan.basis.prepaid_hours == "none":
        return None
    customer_id = row.item.plan.customer_id
    for one in rows:
        if one is row:
            return None
        same = one.item.plan is not None and one.item.plan.customer_id == customer_id
        if same and one.state in ("parked", "asked"):
            return one.item.number
    return None


def _telling(stop: Cancel, tell: BatchProgress, through: int, of: int, number: int) -> Progress:
    """A run's progress as the batch's; raises Stopped before the next request once Cancel was pressed."""

    def told(step: str, state: str, text: str) -> None:
        stop.check()
        tell(through, of, f"ticket {number}: {STEP_TITLES[step].lower()}, {text or state}")

    return told


def _waits(timer: Timer) -> bool:
    return not (timer.recorded or timer.line_item_id)


def _silent(done: int, of: int, text: str) -> None:
    pass
