"""What is pulled from Syncro, and in which order: first what today's questions need, then the history; resumable.

A first sync reads the settings and the small lists, the open tickets with their details, what is unpaid, and then every list
from end to end; details of tickets of the last RECENT_DAYS, or all of them with `full`. A later one asks for what has changed:

    tickets, invoices       since_updated_at, from the start of the last sync with an overlap; how many there are (`Census`)
    payments                the newest pages, until one holds nothing new
    timers                  those created lately; a change of an older one shows in its ticket's updated_at
    lines, comments         in the details of the tickets and invoices that changed
    customers, contacts     the whole list of customers, which names the contacts with their updated_at
    the other lists         whole; while nothing happens in the account, by turns, so that an idle sync takes IDLE_REQUESTS

Time is the server's. A row that a list no longer has is only suspected: a GET that answers 404 proves that it is gone.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import Error, InputError, Missing, Refused, Unreachable
from ..service import wire
from ..service.client import NOT_CLOSED, Client
from ..tables import TABLES, Snapshot
from .columns import OWN_TABLES, DetailRead, Unkept, instant, kept_columns, microseconds
from .lists import Census, Changed, Fetch, FullPass, Head, Listing, Recent, moment_of
from .store import Store
from .writer import Changes, Writer

if TYPE_CHECKING:
    from ..config import House

RECENT_DAYS = 90
IDLE_REQUESTS = 12
OVERLAP = timedelta(minutes=10)
STALE = timedelta(hours=24)  # a list is not left out for longer
SETTINGS_AGE = timedelta(hours=1)
MOMENT = timedelta(seconds=2)  # a change this close to a reading may have come after it
MOST_PROOFS = 500  # GETs in one sync for rows that are missing from lists, of each table
MOST_FAILURES = 12  # requests one after another that had no answer, each tried several times: Syncro is away
SMALL_LISTS = ("users", "products", "contracts", "schedules", "timelogs")
LARGE_LISTS = ("tickets", "timers", "invoices", "payments")
QUERIES: dict[str, dict[str, Any]] = {
    "customers": {"include_disabled": True},
    "invoice_lines": {"invoice_id_not_null": True},
}

Tell = Callable[["Progress"], None]


@dataclass(frozen=True)
class Progress:
    """Requests made, those still to come as far as is known, and what is read now."""

    done: int
    left: int
    what: str


@dataclass(frozen=True)
class Synced:
    """What a sync came to: changes by table, requests, and when it began by the server's clock."""

    started: datetime
    requests: int
    changes: dict[str, Changes]
    problems: tuple[str, ...] = ()


class Source(Protocol):
    """Something that is read by a number of requests."""

    name: str

    @property
    def is_done(self) -> bool: ...
    @property
    def left(self) -> int: ...
    def take(self) -> Fetch | None: ...
    def absorb(self, answer: Any) -> None: ...
    def fail(self, error: Error) -> None: ...


def sync(
    store: Store,
    client: Client,
    house: House,
    *,
    full: bool = False,
    only: Collection[str] = (),
    tell: Tell | None = None,
    workers: int = 1,
) -> Synced:
    """Bring the mirror up to date. Raises InputError where another sync is at work or the disk is full.

    `only`: of a first sync the lists of these tables and what hangs on them; the next one without it reads the others.

    Raises Refused or Unreachable only if nothing could be read at all, and Unreachable if Syncro went away in the middle;
    what was read before is kept. `workers` requests are under way at once; lists are still read a page after the other.
    """
    who = {"process": os.getpid(), "machine": platform.node(), "since": f"{client.server_now():%Y-%m-%d %H:%M} UTC"}
    with store.writing(who):
        return Pull(store, client, house, full=full, only=only, tell=tell, workers=workers).run()


class Pull:
    """One sync under way."""

    def __init__(
        self,
        store: Store,
        client: Client,
        house: House,
        *,
        full: bool,
        tell: Tell | None,
        workers: int,
        only: Collection[str] = (),
    ) -> None:
        self.store, self.client, self.house, self.full, self.only = store, client, house, full, only
        self.writer = Writer(store)
        self.requests = 0
        self.is_over = False
        self._tell, self._workers = tell, workers
        self._failures: list[str] = []
        self._problems: dict[str, str] = {}
        self._successes = 0
        self._first_error: Error | None = None
        self._suspects: dict[str, set[int]] = {}
        self._forced: dict[str, set[int]] = {"tickets": set(), "invoices": set()}
        self._odd_contacts: set[int] = set()
        self._names: dict[str, dict[int, str]] = {}
        self._contact_times: dict[int, int | None] | None = None
        self._later = 0  # requests of stages to come, for the progress
        self._unread: dict[str, list[str]] = {}

    # ------------------------------------------------------------ the order

    def run(self) -> Synced:
        """All stages, one after another."""
        self._repair()
        self._settings()
        started = self.now()
        if not self._is_complete("tickets"):
            self._first()
        else:
            self._changed(started)
        self._lines()
        self._prove()
        self._details()
        self._finish(started)
        return Synced(started, self.requests, self.writer.changes, tuple(self._problems.values()))

    def now(self) -> datetime:
        """The server's present time."""
        return self.client.server_now()

    def _settings(self) -> None:
        """The account's settings. The first request of all: if Syncro cannot be reached, this says so."""
        kept, now = self.writer.state("settings"), self.now()
        read_at = moment_of(kept.get("as_of"))
        if read_at is not None and now - read_at < SETTINGS_AGE and not self.full:
            return
        for name, pull in (("settings", self.client.settings), ("ticket_settings", self.client.ticket_settings)):
            try:
                self.requests += 1
                record = pull()
            except Error as error:
                self._first_error = self._first_error or error
                self._problems[name] = str(error)
                self.writer.keep(name, reason=str(error))
            else:
                self._successes += 1
                data = wire.write(record)
                self.writer.keep(name, record=data, as_of=microseconds(self.now()), reason="")
        self.writer.commit()
        if not self._successes and isinstance(self._first_error, Unreachable):
            raise self._first_error

    def _first(self) -> None:
        """The order of use: small lists, open tickets and their details, what is unpaid, then every list."""
        small = ("customers", "contacts", "users", "products", "contracts", "schedules")
        self._read(self._whole(name) for name in small if self._is_asked_for(name))
        if not self._successes and self._first_error is not None:
            raise self._first_error
        if not self.writer.state("tickets").get("pass"):
            self._read([Listing(self, "tickets", {"status": NOT_CLOSED}, "open_tickets")])
            self._read([self._ticket_details(self._wanted_tickets(only_open=True))])
            if self._is_asked_for("invoices"):
                self._read([Listing(self, "invoices", {"unpaid": True}, "unpaid_invoices")])
        self._read([self._whole(name) for name in (*LARGE_LISTS, "timelogs") if self._is_asked_for(name)])

    def _is_asked_for(self, name: str) -> bool:
        return not self.only or name in self.only

    def _changed(self, started: datetime) -> None:
        """What has changed since the last sync, and by turns the lists that do not say when their rows changed."""
        sources: list[Source] = [self._latest(name) for name in ("tickets", "invoices")]
        sources.append(self._whole("customers"))
        # What is not yet complete goes on; what has a cheap way is asked for what is new.
        sources.append(self._head("payments"))
        sources.append(self._recent_timers(started))
        self._read(sources)
        ignored = [one.name for one in sources if isinstance(one, Changed) and one.is_ignored]
        shrunk = [one.name for one in sources if isinstance(one, Head) and one.has_shrunk]
        self._read(self._whole(name, anew=True) for name in (*ignored, *shrunk))
        self._count()
        if not self._successes and self._first_error is not None:
            raise self._first_error
        alive = self.full or any(change.any for change in self.writer.changes.values())
        self._read(self._whole(name) for name in self._turns(started, alive))
        self._read_contacts()

    def _turns(self, started: datetime, alive: bool) -> list[str]:
        """Which of the small lists are read now: all while something happens, else the oldest that the allowance holds."""
        left = IDLE_REQUESTS - self.requests
        chosen = []
        for name in sorted(SMALL_LISTS, key=lambda name: self.writer.state(name).get("as_of") or 0):
            state = self.writer.state(name)
            read_at, cost = moment_of(state.get("as_of")), state.get("pages") or 1
            if alive or read_at is None or started - read_at > STALE or cost <= left:
                chosen.append(name)
                left -= cost
        return chosen

    # ------------------------------------------------------------ lists

    def _is_complete(self, name: str) -> bool:
        return bool(self.writer.state(name).get("complete")) and not self.writer.state(name).get("pass")

    def _whole(self, name: str, *, anew: bool = False) -> Source:
        if name == "users":
            return _Users(self)
        return FullPass(self, name, QUERIES.get(name), anew=anew)

    def _latest(self, name: str) -> Source:
        state = self.writer.state(name)
        cursor = moment_of(state.get("cursor"))
        if self.full or cursor is None or not self._is_complete(name) or state.get("ignored"):
            return self._whole(name)
        return Changed(self, name, cursor - OVERLAP)

    def _head(self, name: str) -> Source:
        state = self.writer.state(name)
        is_small = (state.get("pages") or 1) <= 2
        if self.full or not self._is_complete(name) or state.get("order") != "falling" or is_small:
            return self._whole(name)
        return Head(self, name)

    def _recent_timers(self, started: datetime) -> Source:
        """Timers as far back as one page reaches; all of them where the list is short."""
        state = self.writer.state("timers")
        if self.full or not self._is_complete("timers") or (state.get("pages") or 1) <= 3:
            return self._whole("timers")
        size = state.get("size") or 25
        times = sorted((at for (at,) in self.store.values("timers", ["created_at"]) if at), reverse=True)
        since = moment_of(times[min(len(times) - 1, size - 5)]) if times else None
        cursor = moment_of(state.get("as_of")) or started
        return Recent(self, min(since or started, cursor - OVERLAP))

    def _count(self) -> None:
        """How many tickets and invoices there are. Fewer than we hold: the list is read through, and the missing proved gone."""
        names = [name for name in ("tickets", "invoices") if self._is_counted(name)]
        sources = [Census(self, name) for name in names]
        self._read(sources)
        for one in sources:
            if one.total is not None and one.total != len(self.writer.index(one.name)):
                if one.total > len(self.writer.index(one.name)):  # made since we asked, or missed
                    again = self._latest(one.name)
                    recount = Census(self, one.name)
                    self._read([again])
                    self._read([recount])
                    if recount.total == len(self.writer.index(one.name)):
                        continue
                self._read([self._whole(one.name, anew=True)])

    def _is_counted(self, name: str) -> bool:
        state = self.writer.state(name)
        return self._is_complete(name) and not self.full and not state.get("ignored") and not state.get("reason")

    def _lines(self) -> None:
        """The lines of all invoices from their list, where the key may read it and it was not read through yet."""
        state = self.writer.state("invoice_lines")
        if not self.full and self._is_complete("invoice_lines"):
            return
        if not self._is_complete("invoices") and not state.get("pass"):
            return  # an invoice must be known before its lines are read, or they could be older than it
        invoices = self.store.values("invoices", ["invoice_id", "updated_at"])
        source = FullPass(self, "invoice_lines", QUERIES["invoice_lines"])
        self._read([source])
        as_of = state.get("as_of")
        if source.is_done and not state.get("pass") and not state.get("reason") and as_of:
            known = self._details_of("invoices")
            for key, updated_at in invoices:
                changed = updated_at is None or updated_at < as_of
                if changed and (key not in known or known[key][1] < as_of):
                    moment = None if updated_at is None else instant(updated_at)
                    self.writer.append("invoice_details", DetailRead(key, moment, instant(as_of)))
            self.writer.commit()

    def _read_contacts(self) -> None:
        """Contacts, where the customers' rows do not tell everything about them."""
        if self.full or not self._is_complete("contacts"):
            self._read([self._whole("contacts")])
        elif (
            self._odd_contacts
            and -1 not in self._odd_contacts
            and len(self._odd_contacts) <= (self.writer.state("contacts").get("pages") or 1)
        ):
            self._read([_Records(self, "contacts", sorted(self._odd_contacts))])
        elif self._odd_contacts:
            self._read([self._whole("contacts")])

    # ------------------------------------------------------------ rows

    def keep(self, name: str, record: Any) -> bool:
        """Put one row of a list, and what hangs on it. Whether it is new or differs. Raises Unkept."""
        if name == "invoice_lines" and record.invoice_id is None:
            return False  # of an estimate
        if name == "customers":
            self._look_at_contacts(record)
        if name in ("customers", "contacts"):
            self._remember_names(name)
        changed = self.writer.put(name, record)
        if name == "schedules" and record.lines is not None:
            self.writer.put_parts(
                "schedule_lines", record.id, [replace(line, schedule_id=record.id) for line in record.lines]
            )
        return changed

    def _look_at_contacts(self, customer: Any) -> None:
        """The contacts in a customer's row: whether one is new, has changed, or is missing."""
        if customer.contacts is None:
            if not customer.disabled:
                self._odd_contacts.add(-1)  # the rows do not tell: read the list of contacts
            return
        if self._contact_times is None:
            self._contact_times = dict(self.store.values("contacts", ["contact_id", "updated_at"]))
        for contact in customer.contacts:
            moment = None if contact.updated_at is None else microseconds(contact.updated_at)
            if contact.id not in self._contact_times or self._contact_times[contact.id] != moment:
                self._odd_contacts.add(contact.id)
        present = {contact.id for contact in customer.contacts}
        self._odd_contacts |= self.writer.index("contacts").children(customer.id) - present

    def _remember_names(self, name: str) -> None:
        """The names as they were before this sync."""
        if name not in self._names:
            self._names[name] = dict(self.store.values(name, [TABLES[name].key, "name"]))

    def suspect(self, name: str, keys: Iterable[int]) -> None:
        """Rows that a whole list no longer has."""
        found = set(keys)
        if name == "timelogs":
            self.writer.drop(name, found)  # one answer holds them all, and there is no path to one of them
        elif found:
            self._suspects.setdefault(name, set()).update(found)

    def note_unreadable(self, stream: str, said: list[str]) -> None:
        """Rows of a list that could not be read."""
        self._unread.setdefault(stream, []).extend(said)

    def _prove(self) -> None:
        """Ask for each row that is missing from a list: a 404 proves that it is gone."""
        sources: list[Source] = []
        for name, keys in self._suspects.items():
            asked = sorted(keys)[:MOST_PROOFS]
            left = len(keys) - len(asked)
            self.writer.keep(name, suspects=left)
            if name == "timers":
                owners = dict(self.store.values("timers", ["timer_id", "ticket_id"]))
                self._forced["tickets"] |= {owners[key] for key in asked if owners.get(key)}
                self.writer.drop(name, [key for key in asked if not owners.get(key)])
            elif name == "invoice_lines":
                owners = dict(self.store.values("invoice_lines", ["line_id", "invoice_id"]))
                self._forced["invoices"] |= {owners[key] for key in asked if owners.get(key)}
            else:
                sources.append(_Records(self, name, asked))
        self.writer.commit()
        self._read(sources)

    def forget(self, name: str, key: int) -> None:
        """A row is proved gone, and what hung on it with it."""
        self.writer.drop(name, [key])
        if name == "tickets":
            for part in ("comments", "charges", "timers"):
                self.writer.drop(part, self.writer.index(part).children(key))
            self._forced["invoices"] |= {
                invoice
                for invoice, ticket in self.store.values("invoices", ["invoice_id", "ticket_id"])
                if ticket == key
            }
        elif name == "invoices":
            self.writer.drop("invoice_lines", self.writer.index("invoice_lines").children(key))
        elif name == "schedules":
            self.writer.drop("schedule_lines", self.writer.index("schedule_lines").children(key))
        elif name == "contacts":
            self._rewrite("tickets", lambda row: row["contact_id"] == key, {"contact_id": None, "contact": ""})

    def _rewrite(self, name: str, chosen: Callable[[dict[str, Any]], bool], new: dict[str, Any]) -> None:
        """Change columns of rows that we hold: Syncro shows them so from now on, without a new updated_at."""
        columns = list(kept_columns(name))
        self.writer.commit()
        for row in self.store.values(name, columns):
            named = dict(zip(columns, row, strict=True))
            if chosen(named):
                self.writer.put_row(name, row[0], tuple((named | new).values()))

    # ------------------------------------------------------------ details

    def _details_of(self, name: str) -> dict[int, tuple[int | None, int]]:
        """When each record was last read by itself: its updated_at then, and the moment."""
        own = {"tickets": "ticket_details", "invoices": "invoice_details", "customers": "customer_details"}[name]
        return {key: (then, at) for key, then, at in self.store.values(own, ["id", "updated_at", "read_at"])}

    def _details(self) -> None:
        tickets = self._ticket_details(self._wanted_tickets())
        invoices = _Invoices(self, self._wanted_invoices())
        customers = _Customers(self, self._wanted_customers())
        if self.full:
            self._read([customers, invoices, tickets])
        else:
            self._read([tickets, invoices, customers])
        again = self._forced["invoices"] - invoices.read
        if again:  # invoices that named a ticket which is gone
            self._read([_Invoices(self, sorted(again))])

    def _ticket_details(self, wanted: list[int]) -> Source:
        return _Tickets(self, wanted)

    def _wanted_tickets(self, *, only_open: bool = False) -> list[int]:
        """The tickets whose details are missing or old: open ones first, then by their last change, the newest first."""
        details = self._details_of("tickets")
        names = ["ticket_id", "status", "updated_at", "created_at"]
        recent = microseconds(self.now() - timedelta(days=RECENT_DAYS))
        resolved: dict[str, bool] = {}
        ranked = []
        for key, status, updated_at, created_at in self.store.values("tickets", names):
            if key not in self._forced["tickets"] and not _is_wanted(details.get(key), updated_at):
                continue
            status = status or ""
            if status not in resolved:
                resolved[status] = self.house.is_resolved(status)
            moment = updated_at or created_at or 0
            if resolved[status] and only_open:
                continue
            is_known = key in details or key in self._forced["tickets"]
            if not resolved[status] or moment >= recent or self.full or is_known:
                ranked.append((resolved[status], -moment, key))
        return [key for _, _, key in sorted(ranked)]

    def _wanted_invoices(self) -> list[int]:
        """The invoices whose lines are missing or old."""
        details = self._details_of("invoices")
        recent = microseconds(self.now() - timedelta(days=RECENT_DAYS))
        is_refused = not self._is_complete("invoice_lines")
        ranked = []
        for key, updated_at, is_paid in self.store.values("invoices", ["invoice_id", "updated_at", "is_paid"]):
            if key in self._forced["invoices"] or _is_wanted(details.get(key), updated_at):
                is_needed = self.full or not is_refused or not is_paid or (updated_at or 0) >= recent or key in details
                if is_needed:
                    ranked.append((bool(is_paid), -(updated_at or 0), key))
        return [key for _, _, key in sorted(ranked)]

    def _wanted_customers(self) -> list[int]:
        """Customers whose prepaid hours are to be read: changed ones, those with a block whose invoices changed, new ones."""
        own = self.store.values("customer_details", ["id", "updated_at", "read_at", "prepaid_millionths"])
        details = {key: (then, at) for key, then, at, _ in own}
        blocks = {key for key, _, _, hours in own if hours is not None}
        now = self.now()
        recent, day_ago = microseconds(now - timedelta(days=RECENT_DAYS)), microseconds(now - STALE)
        billed: dict[int, int] = {}
        for customer, updated_at in self.store.values("invoices", ["customer_id", "updated_at"]):
            if customer is not None:
                billed[customer] = max(billed.get(customer, 0), updated_at or 0)
        busy = {key for key, at in billed.items() if at >= recent}
        for key, at in self.store.values("tickets", ["customer_id", "updated_at"]):
            if key is not None and (at or 0) >= recent:
                busy.add(key)
        wanted = []
        for key, updated_at in self.store.values("customers", ["customer_id", "updated_at"]):
            known = details.get(key)
            is_block = key in blocks and known is not None
            moved = is_block and known is not None and billed.get(key, 0) > known[1] - microseconds_of(MOMENT)
            if (
                self.full
                or (known is None and key in busy)
                or (known is not None and _is_wanted(known, updated_at))
                or moved
                or (is_block and known is not None and known[1] < day_ago)
            ):
                wanted.append((known[1] if known else 0, key))
        return [key for _, key in sorted(wanted)]

    # ------------------------------------------------------------ the end

    def _finish(self, started: datetime) -> None:
        self._rename()
        for stream in TABLES:
            said = self._unread.get(stream)
            if said is not None:
                self.writer.keep(stream, unreadable=len(said), unreadable_because=said[0][:200])
            elif self.writer.state(stream).get("unreadable") and self.writer.state(stream).get(
                "as_of", 0
            ) >= microseconds(started):
                self.writer.keep(stream, unreadable=0)
        self.writer.keep(
            "sync", as_of=microseconds(started), full=self.full or self.writer.state("sync").get("full", False)
        )
        self.writer.commit()
        self.store.tidy()

    def _rename(self) -> None:
        """Tickets and invoices show names of customers and contacts; when these change, no updated_at of theirs does."""
        self.writer.commit()
        for name, key, shown in (
            ("customers", "customer_id", {"tickets": "customer", "invoices": "customer"}),
            ("contacts", "contact_id", {"tickets": "contact"}),
        ):
            before = self._names.get(name)
            if before is None or not self.writer.changes[name].changed:
                continue
            now = dict(self.store.values(name, [key, "name"]))
            renamed = {one: (before[one], new) for one, new in now.items() if one in before and before[one] != new}
            for table, column in shown.items() if renamed else ():
                columns = list(kept_columns(table))
                who, what = columns.index(key), columns.index(column)
                for row in self.store.values(table, columns):
                    old, new = renamed.get(row[who], (None, None))
                    if new is not None and row[what] == old:
                        self.writer.put_row(table, row[0], (*row[:what], new, *row[what + 1 :]))
        self.writer.commit()

    def _repair(self) -> None:
        """Set damaged files aside, and see to it that what was in them is read again."""
        for segment in self.store.damaged():
            lost = f"a damaged file with {segment.rows} rows was set aside; they are read again"
            name = segment.name
            states: dict[str, dict[str, Any]] = {}
            if name in TABLES and name not in ("comments", "charges", "prepaid", "schedule_lines"):
                states[name] = self.writer.state(name) | {"complete": False, "pass": None, "reason": lost}
            self._problems[segment.file] = f"{name}: {lost}"
            self.store.set_aside(segment, states)
            for own in _DETAILS_BEHIND.get(name, ()):
                self.store.empty(own)
        if self._problems:
            self.writer = Writer(self.store)

    # ------------------------------------------------------------ requests

    def _read(self, sources: Iterable[Source]) -> None:
        """Work through sources side by side: the first has precedence, and each list is read a page after another."""
        todo = list(sources)
        if self._workers == 1:
            return self._read_alone(todo)
        flying: dict[Future[Any], Source] = {}
        with ThreadPoolExecutor(self._workers) as pool:
            try:
                while not self.is_over:
                    while len(flying) < self._workers and (taken := _next(todo)):
                        source, fetch = taken
                        self.requests += 1
                        flying[pool.submit(fetch)] = source
                    if not flying:
                        return None
                    ready, _ = wait(flying, return_when=FIRST_COMPLETED)
                    for future in ready:
                        self._take_in(flying.pop(future), future.result, todo)
            finally:
                pool.shutdown(cancel_futures=True)
        return self._gone_away()

    def _read_alone(self, todo: list[Source]) -> None:
        while not self.is_over and (taken := _next(todo)):
            source, fetch = taken
            self.requests += 1
            self._take_in(source, fetch, todo)
        if self.is_over:
            self._gone_away()

    def _take_in(self, source: Source, fetch: Fetch, todo: list[Source]) -> None:
        try:
            answer = fetch()
        except (Refused, Unreachable) as error:
            self._note(source, error)
            source.fail(error)
        else:
            self._successes += 1
            self._failures.clear()
            source.absorb(answer)
        if self._tell:
            left = sum(one.left for one in todo)
            self._tell(Progress(self.requests, left + self._later, source.name))

    def _note(self, source: Source, error: Error) -> None:
        name = source.name
        self._first_error = self._first_error or error
        if not isinstance(error, Missing):
            self._problems.setdefault(name, f"{name}: {error}")
        if isinstance(error, Unreachable):
            self._failures.append(name)
            self.is_over = len(self._failures) >= MOST_FAILURES

    def _gone_away(self) -> None:
        raise Unreachable(
            f"Syncro stopped answering after {self.requests} requests ({next(iter(self._problems.values()), '')}); "
            "what was read is kept, and the next sync goes on from there"
        )


_DETAILS_BEHIND = {
    "tickets": ("ticket_details",),
    "comments": ("ticket_details",),
    "charges": ("ticket_details",),
    "timers": ("ticket_details",),
    "invoice_lines": ("invoice_details",),
    "invoices": ("invoice_details",),
    "customers": ("customer_details",),
    "prepaid": ("customer_details",),
}


def _next(todo: list[Source]) -> tuple[Source, Fetch] | None:
    for source in todo:
        fetch = source.take()
        if fetch is not None:
            return source, fetch
    return None


def _is_wanted(known: tuple[int | None, int] | None, updated_at: int | None) -> bool:
    """Whether a detail is missing, older than the row, or so close to a change that it may be either."""
    if known is None:
        return True
    then, read_at = known
    if updated_at is None or then is None:
        return False
    return then < updated_at or then > read_at - microseconds_of(MOMENT)


def microseconds_of(span: timedelta) -> int:
    """A length of time in microseconds."""
    return span // timedelta(microseconds=1)


class _Users:
    """The technicians: pairs in one answer."""

    name = "users"

    def __init__(self, pull: Pull) -> None:
        self.pull, self.is_done, self._is_busy = pull, False, False

    @property
    def left(self) -> int:
        return 0 if self.is_done else 1

    def take(self) -> Fetch | None:
        if self.is_done or self._is_busy:
            return None
        self._is_busy = True
        return self.pull.client.users

    def absorb(self, users: tuple[Any, ...]) -> None:
        self.is_done = True
        writer = self.pull.writer
        for user in users:
            writer.put("users", user)
        writer.drop("users", writer.index("users").keys() - {user.id for user in users})
        now = microseconds(self.pull.now())
        writer.keep("users", complete=True, as_of=now, pages=1, reason="", refused=False)
        writer.commit()

    def fail(self, error: Error) -> None:
        self.is_done = True
        self.pull.writer.keep("users", reason=str(error), refused=isinstance(error, Refused))
        self.pull.writer.commit()


class _Records:
    """Single records by their ids, one request for each."""

    def __init__(self, pull: Pull, name: str, wanted: list[int]) -> None:
        self.pull, self.name = pull, name
        self._wanted = wanted[::-1]
        self._flying: list[int] = []
        self.read: set[int] = set()

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

    def _fetch(self, key: int) -> tuple[int, Any]:
        """The record, or None where it is proved that there is none."""
        try:
            return key, self.pull_record(key)
        except Missing:
            return key, None

    def pull_record(self, key: int) -> Any:
        """GET one record."""
        return self.pull.client.listed_record(self.name, key)

    def absorb(self, answer: tuple[int, Any]) -> None:
        key, record = answer
        self.read.add(key)
        if record is None:
            self.pull.forget(self.name, key)
        else:
            try:
                self.take_in(record, self.pull.now())
            except Unkept as error:
                self.pull.note_unreadable(self.name, [str(error)])
        self.pull.writer.commit()

    def take_in(self, record: Any, read_at: datetime) -> None:
        """Put the record. Of a ticket, a customer or an invoice the list's row has more, and it stays."""
        if self.name not in ("tickets", "customers", "invoices"):
            self.pull.keep(self.name, record)

    def fail(self, error: Error) -> None:
        if isinstance(error, Refused):
            self._wanted.clear()  # the key may not read any of them


class _Tickets(_Records):
    """Details of tickets: comments, lines, timers."""

    def __init__(self, pull: Pull, wanted: list[int]) -> None:
        super().__init__(pull, "tickets", wanted)

    def pull_record(self, key: int) -> Any:
        return self.pull.client.ticket(key, bulk=True)

    def take_in(self, record: Any, read_at: datetime) -> None:
        writer = self.pull.writer
        for name, parts in (("comments", record.comments), ("charges", record.lines), ("timers", record.timers)):
            writer.put_parts(name, record.id, [replace(part, ticket_id=record.id) for part in parts])
        writer.append("ticket_details", DetailRead(record.id, record.updated_at, read_at))

    def fail(self, error: Error) -> None:
        super().fail(error)
        self.pull.writer.keep("ticket_details", reason=str(error), refused=isinstance(error, Refused))


class _Invoices(_Records):
    """Details of invoices: lines."""

    def __init__(self, pull: Pull, wanted: list[int]) -> None:
        super().__init__(pull, "invoices", wanted)

    def pull_record(self, key: int) -> Any:
        return self.pull.client.invoice(key, bulk=True)

    def take_in(self, record: Any, read_at: datetime) -> None:
        writer = self.pull.writer
        if record.lines is None:
            raise Unkept("an invoice without line_items")
        writer.put_parts("invoice_lines", record.id, [replace(line, invoice_id=record.id) for line in record.lines])
        writer.append("invoice_details", DetailRead(record.id, record.updated_at, read_at))
        if record.id in self.pull._forced["invoices"] and record.ticket_id is None:
            self.pull._rewrite("invoices", lambda row: row["invoice_id"] == record.id, {"ticket_id": None})

    def fail(self, error: Error) -> None:
        super().fail(error)
        self.pull.writer.keep("invoice_details", reason=str(error), refused=isinstance(error, Refused))


class _Customers(_Records):
    """Details of customers: prepaid hours, with every reading that differs from the last."""

    def __init__(self, pull: Pull, wanted: list[int]) -> None:
        super().__init__(pull, "customers", wanted)
        latest: dict[int, tuple[int, int | None]] = {}
        for customer, at, hours in pull.store.values("prepaid", ["customer_id", "read_at", "prepaid_millionths"]):
            if customer not in latest or latest[customer][0] < at:
                latest[customer] = (at, hours)
        self._hours = {customer: hours for customer, (_, hours) in latest.items()}

    def pull_record(self, key: int) -> Any:
        return self.pull.client.customer(key, bulk=True)

    def take_in(self, record: Any, read_at: datetime) -> None:
        hours = TABLES["customers"].columns["prepaid_millionths"].take
        assert hours is not None
        left = hours(record)
        writer = self.pull.writer
        writer.append("customer_details", DetailRead(record.id, record.updated_at, read_at, left))
        if record.id not in self._hours or self._hours[record.id] != left:
            self._hours[record.id] = left
            writer.append("prepaid", Snapshot(f"{record.id}@{read_at.isoformat()}", record.id, read_at, left))

    def fail(self, error: Error) -> None:
        super().fail(error)
        self.pull.writer.keep("customer_details", reason=str(error), refused=isinstance(error, Refused))


__all__ = ["OWN_TABLES", "InputError", "Progress", "Synced", "sync"]
