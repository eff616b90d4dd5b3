"""What is read one record at a time: which details are wanted, and what is taken from each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import Error, Missing, Refused
from ..service import wire
from ..service.reading import Flawed
from ..tables import TABLES, Snapshot
from .asking import MOST_FAILURES, Fetch
from .columns import DetailRead, Unkept, microseconds
from .unsaid import rewrite

if TYPE_CHECKING:
    from .store import Store
    from .sync import Pull

RECENT_DAYS = 90
STALE = timedelta(hours=24)  # prepaid hours and lists are read again when they are older
MOST_BLOCKS = 2  # ... of so many customers in one sync
MOMENT = timedelta(seconds=2)  # a change this close to a reading may have come after it


def wanted_tickets(pull: Pull, *, only_open: bool = False) -> list[int]:
    """The tickets whose details are missing or old: open ones first, then by their last change, the newest first."""
    details = pull.details_of("tickets")
    names = ["ticket_id", "status", "updated_at", "created_at"]
    present = microseconds(pull.now())
    recent = present - _microseconds_of(timedelta(days=RECENT_DAYS))
    resolved: dict[str, bool] = {}
    ranked = []
    for key, status, updated_at, created_at in pull.store.values("tickets", names):
        if key not in pull.forced["tickets"] and not _is_wanted(pull, present, details.get(key), updated_at):
            continue
        status = status or ""
        if status not in resolved:
            resolved[status] = pull.house.is_resolved(status)
        moment = updated_at or created_at or 0
        if resolved[status] and only_open:
            continue
        is_known = key in details or key in pull.forced["tickets"]
        if not resolved[status] or moment >= recent or pull.wants_all or is_known:
            ranked.append((resolved[status], -moment, key))
    return [key for _, _, key in sorted(ranked)]


def wanted_invoices(pull: Pull) -> list[int]:
    """The invoices whose lines are missing or old, and those of which only the list says that they name no ticket."""
    details, owners = pull.details_of("invoices"), pull.details_of("owners")
    present = microseconds(pull.now())
    recent = present - _microseconds_of(timedelta(days=RECENT_DAYS))
    is_refused = not pull.is_complete("invoice_lines")
    ranked = []
    columns = ["invoice_id", "updated_at", "is_paid", "ticket_id", "schedule_id", "is_recurring"]
    for key, updated_at, is_paid, ticket, schedule, recurs in pull.store.values("invoices", columns):
        is_late = not is_paid or (updated_at or 0) >= recent
        is_loose = ticket is None and schedule is None and not recurs
        if (
            (key in pull.forced["invoices"] or _is_wanted(pull, present, details.get(key), updated_at))
            and (pull.wants_all or not is_refused or is_late or key in details)
        ) or (is_loose and (pull.wants_all or is_late) and _is_wanted(pull, present, owners.get(key), updated_at)):
            ranked.append((bool(is_paid), -(updated_at or 0), key))
    return [key for _, _, key in sorted(ranked)]


def wanted_customers(pull: Pull) -> list[int]:
    """Customers whose prepaid hours are to be read: changed ones, those with a block whose invoices changed, new ones.

    New are those with something of the last 90 days, or with time or charges that no invoice has. Hours that are left are read
    again when they are a day old, since people may change them without a sign: a few in a sync, the oldest first.
    """
    own = pull.store.values("customer_details", ["id", "updated_at", "read_at", "prepaid_millionths"])
    details = {key: (then, at) for key, then, at, _ in own}
    blocks = {key for key, _, _, hours in own if hours is not None}
    present = microseconds(pull.now())
    in_turn = old_blocks(pull.store, pull.now())[: pull.blocks_in_turn]
    recent = present - _microseconds_of(timedelta(days=RECENT_DAYS))
    billed: dict[int, int] = {}
    for customer, updated_at in pull.store.values("invoices", ["customer_id", "updated_at"]):
        if customer is not None:
            billed[customer] = max(billed.get(customer, 0), updated_at or 0)
    busy = {key for key, at in billed.items() if at >= recent}
    customers = pull.store.values("customers", ["customer_id", "updated_at"])
    unbilled: set[int] = set() if all(key in details for key, _ in customers) else _unbilled_tickets(pull.store)
    for ticket, key, at in pull.store.values("tickets", ["ticket_id", "customer_id", "updated_at"]):
        if key is not None and ((at or 0) >= recent or ticket in unbilled):
            busy.add(key)
    wanted = []
    for key, updated_at in customers:
        known = details.get(key)
        is_block = key in blocks and known is not None
        is_later = known is not None and billed.get(key, 0) > known[1] - _microseconds_of(MOMENT)
        # A time that lies ahead, of before the account's clock was set back, is no change since a reading by the new one.
        moved = is_block and known is not None and is_later and (billed[key] <= present or known[1] > present)
        if (
            (known is None and (pull.wants_all or key in busy))
            or (known is not None and _is_wanted(pull, present, known, updated_at))
            or moved
            or key in in_turn
        ):
            wanted.append((known[1] if known else 0, key))
    return [key for _, key in sorted(wanted)]


def old_blocks(store: Store, now: datetime) -> list[int]:
    """The customers with hours left that were read more than a day ago, the longest ago first."""
    day_ago = microseconds(now - STALE)
    read = store.values("customer_details", ["id", "read_at", "prepaid_millionths"])
    return [key for _, key in sorted((at, key) for key, at, hours in read if (hours or 0) > 0 and at < day_ago)]


def _unbilled_tickets(store: Store) -> set[int]:
    """The tickets with a timer that nobody charged or a charge that no invoice has."""
    found = {ticket for ticket, converted in store.values("charges", ["ticket_id", "converted"]) if not converted}
    for ticket, ended_at, billable, charged, line in store.values(
        "timers", ["ticket_id", "ended_at", "billable", "recorded", "line_id"]
    ):
        if ended_at is not None and billable and not charged and line is None:
            found.add(ticket)
    return found


def _is_wanted(pull: Pull, now: int, known: tuple[int | None, int] | None, updated_at: int | None) -> bool:
    """Whether a detail is missing, older than the row, or so close to a change that it may be either. `now`: the present."""
    if known is None:
        return True
    then, read_at = known
    if read_at < pull.anew_before or (pull.anew_before and read_at > now):
        return True
    if updated_at is None or then is None:
        return False
    if then > now:  # the account's clock was set back since: only another time is a change
        return then != updated_at
    return then < updated_at or then > read_at - _microseconds_of(MOMENT)


def _microseconds_of(span: timedelta) -> int:
    """A length of time in microseconds."""
    return span // timedelta(microseconds=1)


_ON_A_LIST = object()  # in place of a record that is on a list and cannot be read


class Records:
    """Single records by their ids, one request for each."""

    is_proof = True  # they are asked for because a list has lost them
    was_refused = True  # the key may read none of them, as far as the last sync tells

    def __init__(self, pull: Pull, name: str, wanted: list[int]) -> None:
        self.pull, self.name = pull, name
        self._wanted = wanted[::-1]
        self.read: set[int] = set()
        self.alive: set[int] = set()
        self.has_gone = False  # one of them
        self._failures = 0  # one after another

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to ask for."""
        return not self._wanted

    @property
    def left(self) -> int:
        return len(self._wanted)

    def take(self) -> Fetch | None:
        if not self._wanted:
            return None
        key = self._wanted.pop()
        return lambda: self._fetch(key)

    def _fetch(self, key: int) -> tuple[int, Any, Sequence[wire.Flaw]]:
        """The record, or None where it is proved that there is none; and what could not be read of it."""
        flaws: list[wire.Flaw] = []
        try:
            return key, self.pull_record(key, flaws), flaws
        except Missing:
            return key, _ON_A_LIST if self.is_listed(key) else None, flaws
        except Flawed as error:
            if not self.is_proof:
                raise
            return key, error, flaws

    def is_listed(self, key: int) -> bool:
        """Whether a list has it all the same."""
        return False

    def pull_record(self, key: int, flaws: list[wire.Flaw]) -> Any:
        """GET one record, and note in `flaws` what could not be read of it."""
        return self.pull.client.listed_record(self.name, key, flaws=flaws)

    def absorb(self, answer: tuple[int, Any, Sequence[wire.Flaw]]) -> None:
        key, record, flaws = answer
        self._failures = 0
        if record is _ON_A_LIST:
            said = f"a list has {self.name} id {key}, and Syncro answers 404 for it"
            self.pull.writer.keep(f"{self.name[:-1]}_details", reason=said)
            return
        self.read.add(key)
        if record is None:
            self.has_gone = True
            self.pull.forget(self.name, key)
        elif isinstance(record, Flawed):
            self.alive.add(key)
            self.pull.note_unreadable(self.name, [(key, str(record))])
        else:
            self.alive.add(key)
            try:
                self.take_in(record, self.pull.now(), flaws)
            except Unkept as error:
                self.pull.note_unreadable(self.name, [(key, str(error))])
        self.pull.writer.commit()

    def take_in(self, record: Any, read_at: datetime, flaws: Sequence[wire.Flaw]) -> None:
        """Put the record. Of a ticket, a customer or an invoice the list's row has more, and it stays."""
        if self.name not in ("tickets", "customers", "invoices"):
            self.pull.keep(self.name, record, flaws)

    def fail(self, error: Error) -> None:
        self._failures += 1
        was_refused = isinstance(error, Refused) and not self.alive and self.was_refused
        if was_refused or self._failures >= MOST_FAILURES:
            self._wanted.clear()  # the key may not read any of them, or something is wrong with all of them


def _was_refused(pull: Pull, name: str) -> bool:
    """Whether the last sync was refused such a detail, and none was ever read: one refusal is enough then."""
    return bool(pull.writer.state(f"{name[:-1]}_details").get("refused")) and not pull.details_of(name)


class TicketDetails(Records):
    """Details of tickets: comments, lines, timers."""

    is_proof = False

    def __init__(self, pull: Pull, wanted: list[int]) -> None:
        super().__init__(pull, "tickets", wanted)
        self._numbers = dict(pull.store.values("tickets", ["ticket_id", "number"]))
        self.was_refused = _was_refused(pull, "tickets")

    def pull_record(self, key: int, flaws: list[wire.Flaw]) -> Any:
        return self.pull.client.ticket(key, bulk=True, flaws=flaws)

    def is_listed(self, key: int) -> bool:
        """Asked by its number. An account that ignores that filter leaves it open, and it stays until the list has lost it."""
        number = self._numbers.get(key)
        if number is None:
            return False
        page = self.pull.client.list_page("tickets", 1, {"number": number})
        return any(record.id == key or record.number != number for record in page.records)

    def take_in(self, record: Any, read_at: datetime, flaws: Sequence[wire.Flaw]) -> None:
        writer = self.pull.writer
        for name, parts in (("comments", record.comments), ("charges", record.lines), ("timers", record.timers)):
            self.pull.keep_parts(name, record.id, [replace(part, ticket_id=record.id) for part in parts], flaws)
        writer.append("ticket_details", DetailRead(record.id, record.updated_at, read_at))
        self.pull.ticket_reads[record.id] = microseconds(read_at)
        self.pull.awaited.discard(record.id)

    def fail(self, error: Error) -> None:
        super().fail(error)
        self.pull.writer.keep("ticket_details", reason=str(error), refused=isinstance(error, Refused))


class InvoiceDetails(Records):
    """Details of invoices: lines."""

    is_proof = False

    def __init__(self, pull: Pull, wanted: list[int]) -> None:
        super().__init__(pull, "invoices", wanted)
        self._known = {key: then for key, (then, _) in pull.details_of("invoices").items()}
        self.was_refused = _was_refused(pull, "invoices")
        self._orphaned = frozenset(
            pull.forced["invoices"]
        )  # their ticket has gone, which no updated_at of theirs tells

    def pull_record(self, key: int, flaws: list[wire.Flaw]) -> Any:
        return self.pull.client.invoice(key, bulk=True, flaws=flaws)

    def take_in(self, record: Any, read_at: datetime, flaws: Sequence[wire.Flaw]) -> None:
        writer = self.pull.writer
        if record.lines is None:
            raise Unkept("an invoice without line_items")
        before, is_new = replace(writer.changes["invoice_lines"]), record.id not in self._known
        lines = [replace(line, invoice_id=record.id) for line in record.lines]
        self.pull.keep_parts("invoice_lines", record.id, lines, flaws)
        if is_new or writer.changes["invoice_lines"] != before:
            # Lines that went without a sign, or before they were ever seen, may have gone since the ticket was read.
            moment = None if record.updated_at is None else microseconds(record.updated_at)
            has_no_sign = (is_new and not lines) or self._known.get(record.id, -1) == moment
            self.pull.follow(record.ticket_id, read_at if has_no_sign else record.updated_at)
        writer.append("invoice_details", DetailRead(record.id, record.updated_at, read_at))
        writer.append("invoice_owners", DetailRead(record.id, record.updated_at, read_at, ticket_id=record.ticket_id))
        if record.ticket_id is None:
            self.pull.owners.pop(record.id, None)
        else:
            at = None if record.updated_at is None else microseconds(record.updated_at)
            self.pull.owners[record.id] = record.ticket_id, at
        if record.id in self._orphaned and record.ticket_id is None:
            rewrite(self.pull.writer, "invoices", lambda row: row["invoice_id"] == record.id, {"ticket_id": None})

    def fail(self, error: Error) -> None:
        super().fail(error)
        self.pull.writer.keep("invoice_details", reason=str(error), refused=isinstance(error, Refused))


class CustomerDetails(Records):
    """Details of customers: prepaid hours, with every reading that differs from the last."""

    def __init__(self, pull: Pull, wanted: list[int]) -> None:
        super().__init__(pull, "customers", wanted)
        self.was_refused = _was_refused(pull, "customers")
        latest: dict[int, tuple[int, int | None]] = {}
        for customer, at, hours in pull.store.values("prepaid", ["customer_id", "read_at", "prepaid_millionths"]):
            if customer not in latest or latest[customer][0] < at:
                latest[customer] = (at, hours)
        self._hours = {customer: hours for customer, (_, hours) in latest.items()}

    def pull_record(self, key: int, flaws: list[wire.Flaw]) -> Any:
        return self.pull.client.customer(key, bulk=True, flaws=flaws)

    def take_in(self, record: Any, read_at: datetime, flaws: Sequence[wire.Flaw]) -> None:
        hours = TABLES["customers"].columns["prepaid_millionths"].take
        assert hours is not None
        silent = [one.why for one in flaws if one.record is type(record)]
        left = self._hours.get(record.id) if silent else hours(record)  # what was not said has not changed
        writer = self.pull.writer
        self.pull.unread("prepaid").drop(record.id)
        self.pull.note_unreadable("prepaid", [(record.id, why) for why in silent])
        writer.append("customer_details", DetailRead(record.id, record.updated_at, read_at, left))
        if not silent and (record.id not in self._hours or self._hours[record.id] != left):
            self._hours[record.id] = left
            writer.append("prepaid", Snapshot(f"{record.id}@{read_at.isoformat()}", record.id, read_at, left))

    def fail(self, error: Error) -> None:
        super().fail(error)
        self.pull.writer.keep("customer_details", reason=str(error), refused=isinstance(error, Refused))
