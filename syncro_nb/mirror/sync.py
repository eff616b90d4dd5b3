"""What is pulled from Syncro, and in which order: first what today's questions need, then the history; resumable.

A first sync reads the settings and the small lists, the open tickets with their details, what is unpaid, and then every list
from end to end; details of tickets of the last RECENT_DAYS, or all of them with `full`. A later one asks for what has changed:

    tickets, invoices       since_updated_at, from the start of the last sync with an overlap; how many there are (`Recount`)
    payments                the newest pages, until one holds nothing new
    timers                  those created lately; a change of an older one shows in its ticket's updated_at
    lines, comments         in the details of the tickets and invoices that changed
    customers, contacts     the whole list of customers, which names the contacts with their updated_at
    the other lists         whole; while nothing happens in the account, by turns, so that an idle sync takes IDLE_REQUESTS;
                            a long list of customers as well

Time is the server's. A row that a list no longer has is only suspected: a GET that answers 404 proves that it is gone.
"""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import Error, Refused, Unreachable
from ..service import wire
from ..service.client import NOT_CLOSED, Client
from ..service.records import Settings
from ..tables import TABLES
from ..zones import zone_of
from .asking import Asking, Source, Tell
from .columns import DetailRead, instant, kept_columns, microseconds
from .details import (
    MOMENT,
    MOST_BLOCKS,
    RECENT_DAYS,
    STALE,
    CustomerDetails,
    InvoiceDetails,
    Records,
    TicketDetails,
    old_blocks,
    wanted_customers,
    wanted_invoices,
    wanted_tickets,
)
from .lists import A_MINUTE, Changed, FullPass, Head, Listing, Recent, Recount, Tail, Users, moment_of
from .store import Store
from .unread import Unread
from .unsaid import rename, rewrite
from .writer import PARENTS, Changes, Writer

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from ..config import House

IDLE_REQUESTS = 12
OVERLAP = timedelta(minutes=10)
SETTINGS_AGE = timedelta(hours=1)
MOST_PROOFS = 500  # GETs in one sync for rows that are missing from lists, of each table
MOST_ORPHANS = 20  # GETs in one sync for records that no list has
SMALL_LISTS = ("users", "products", "contracts", "schedules", "timelogs")
LARGE_LISTS = ("tickets", "timers", "invoices", "payments")
SHORT = {
    "payments": 2,
    "timers": 3,
    "customers": 3,
}  # so many pages are read whole, rather than looked through for changes
DAILY_PAGES = 60  # of a list whose older rows may change without a sign: one that is not longer is read once a day
COUNTED = ("tickets", "invoices", "payments")
QUERIES: dict[str, dict[str, Any]] = {
    "customers": {"include_disabled": True},
    "invoice_lines": {"invoice_id_not_null": True},
}


@dataclass(frozen=True)
class Synced:
    """What a sync came to: changes by table, requests, and when it began by the server's clock."""

    started: datetime
    requests: int
    changes: dict[str, Changes]
    problems: tuple[str, ...] = ()


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
        self.asking = Asking(workers, tell, self._to_come)
        self._tells = tell is not None
        self._suspects: dict[str, set[int]] = {
            name: set(state["suspected"]) for name, state in store.states().items() if state.get("suspected")
        }
        self._unproved: dict[str, set[int]] = {}
        self.found_by_order: dict[str, set[int]] = {}  # suspects of a search that trusts the order of a list
        self._is_resumed = False
        self._is_alive = True  # something has changed in the account
        self.anew_before = 0
        self.wants_all = full
        self.read_through: set[str] = set()  # lists, from end to end
        self.forced: dict[str, set[int]] = {"tickets": set(), "invoices": set()}
        self._odd_contacts: set[int] = set()
        self._contact_times: dict[int, int | None] | None = None
        self.awaited: set[int] = set()  # tickets whose details will be read, for the progress
        self._unread: dict[str, Unread] = {}

    # ------------------------------------------------------------ the order

    def run(self) -> Synced:
        """All stages, one after another."""
        self._repair()
        self._renew()
        self._settings()
        started = self.now()
        self._mind_the_clock(started)
        if self.zone is not None and self.writer.state("tickets").get("unzoned"):  # their due days are those of UTC
            self.writer.keep("tickets", unzoned=False, cursor=None, whole_at=0, **{"pass": None})
        self._begin_full(started)
        is_first = not self._is_read("tickets") and not self.writer.state("tickets").get("refused")
        if is_first:
            self._first()
        if not is_first or self._is_resumed or self.now() - started > OVERLAP:
            self._changed(started)
        self._lines()
        self._prove()
        self._details()
        self._finish(started)
        return Synced(started, self.asking.requests, self.writer.changes, tuple(self.asking.problems.values()))

    def _begin_full(self, started: datetime) -> None:
        """What a full reading has read is not read again when it was interrupted and goes on."""
        since: int = self.writer.state("sync").get("full_since") or 0
        if self.full and not since:
            since = microseconds(started)
            self.writer.keep("sync", full_since=since)
        self.anew_before = since if self.full else 0
        self.wants_all = self.full or bool(self.writer.state("sync").get("full"))

    def _mind_the_clock(self, started: datetime) -> None:
        """Where Syncro's clock was set back, its times no longer tell what is older than what: every list is read again."""
        now, states = microseconds(started), self.store.states()
        times = [state.get(name) or 0 for state in states.values() for name in ("as_of", "cursor", "whole_at")]
        ahead = timedelta(microseconds=max(times, default=0) - now)
        if ahead <= A_MINUTE:
            return
        by = timedelta(seconds=round(ahead.total_seconds()))
        self.asking.problems["clock"] = (
            f"clock: it was set back since the last sync, by {by} or more: every list is read again"
        )
        for name in TABLES:
            if at := self.writer.state(name).get("as_of"):
                old = min(at, microseconds(started - STALE) - 1)
                self.writer.keep(name, **{"pass": None}, as_of=old, cursor=None, whole_at=0)
                if name not in _PARTS:
                    self.writer.keep(name, reason="the account's clock was set back; it is read again")
        self.writer.keep("sync", full_since=None)

    def now(self) -> datetime:
        """The server's present time."""
        return self.client.server_now()

    def _settings(self) -> None:
        """The account's settings. The first request of all: it says if Syncro cannot be reached, and tells the server's time."""
        now = self.now()
        for name, pull, longest in (
            ("settings", self.client.settings, SETTINGS_AGE),
            ("ticket_settings", self.client.ticket_settings, STALE),
        ):
            state = self.writer.state(name)
            read_at = moment_of(state.get("as_of"))
            is_fresh = read_at is not None and abs(now - read_at) < longest and not state.get("reason")
            if is_fresh and not self.full and (self.client.has_heard_time or name != "settings"):
                continue
            try:
                record = self.asking.pull(name, pull)
            except Error as error:
                self.writer.keep(name, reason=str(error))
            else:
                data = wire.write(record)
                self.writer.keep(name, record=data, as_of=microseconds(self.now()), reason="")
        self.writer.commit()
        with suppress(Refused):  # it answers: what is wrong is wrong with the settings
            self.asking.check(Unreachable, or_else=self.client.me)

    def _first(self) -> None:
        """The order of use: small lists, open tickets and their details, what is unpaid, then every list."""
        small = ("customers", "contacts", "users", "products", "contracts", "schedules")
        self._is_resumed = any(
            self.writer.state(name).get("pass") or self._is_read(name) for name in (*small, "tickets")
        )
        self.asking.read(self._whole(name) for name in small if self._is_asked_for(name) and not self._is_read(name))
        self.asking.check()
        if not self.writer.state("tickets").get("pass"):
            self.asking.read([Listing(self, "tickets", {"status": NOT_CLOSED}, "open_tickets")])
            self.asking.read([TicketDetails(self, wanted_tickets(self, only_open=True))])
            if self._is_asked_for("invoices"):
                self.asking.read([Listing(self, "invoices", {"unpaid": True}, "unpaid_invoices")])
        large = (*LARGE_LISTS, "timelogs")
        self.asking.read([self._whole(name) for name in large if self._is_asked_for(name) and not self._is_read(name)])
        self._try_filters()

    def _is_asked_for(self, name: str) -> bool:
        return not self.only or name in self.only

    def _try_filters(self) -> None:
        """Ask once whether a filter that no document names is obeyed: if so, it tells of changes that are far from the newest."""
        for name in ("payments", "timers"):
            if self._is_asked_for(name) and (self.full or "ignored" not in self.writer.state(name)):
                self.writer.keep(name, ignored=False)
                self.asking.read([one] if isinstance(one := self._latest(name), Changed) else [])

    def _changed(self, started: datetime) -> None:
        """What has changed since the last sync, and by turns the lists that do not say when their rows changed."""
        small = [*SMALL_LISTS]
        sources = [self._latest(name) for name in LARGE_LISTS]
        if (self.writer.state("customers").get("pages") or 1) <= SHORT["customers"] or not self._is_read("customers"):
            sources.append(self._whole("customers"))
        else:
            small.append("customers")
        self.asking.read(sources)
        # An account that knows no such filter is asked in another way, from now on.
        self.asking.read([self._latest(one.name) for one in sources if isinstance(one, Changed) and one.is_ignored])
        left_out = [name for name in LARGE_LISTS if self._has_left_out(name) and not self._is_whole(name)]
        self.asking.read([self._whole(name) for name in left_out])
        self._count({*COUNTED, *left_out})
        self.asking.check()
        self._is_alive = self.full or any(change.any for change in self.writer.changes.values())
        self.asking.read([self._whole(name) for name in self._turns(small, started)])
        self._read_contacts()
        if self.full:
            self._try_filters()

    def _turns(self, names: list[str], started: datetime) -> list[str]:
        """Which of the small lists are read now: all while something happens, else the oldest that the allowance holds."""
        left = IDLE_REQUESTS - self.asking.requests - len(old_blocks(self.store, self.now())[:MOST_BLOCKS])
        chosen = []
        for name in sorted(names, key=lambda name: self.writer.state(name).get("as_of") or 0):
            state = self.writer.state(name)
            read_at, cost = moment_of(state.get("as_of")), state.get("pages") or 1
            is_broken = state.get("reason") and not state.get("refused")
            if self._is_alive or is_broken or read_at is None or started - read_at > STALE or cost <= left:
                chosen.append(name)
                left -= cost
        return chosen

    @property
    def blocks_in_turn(self) -> int | None:
        """Of how many customers prepaid hours that are a day old are read now: a few, if an idle sync has room for them."""
        room = MOST_BLOCKS if self._is_alive else max(0, IDLE_REQUESTS - self.asking.requests)
        return None if self.full else min(room, MOST_BLOCKS)

    # ------------------------------------------------------------ lists

    def is_complete(self, name: str) -> bool:
        return bool(self.writer.state(name).get("complete")) and not self.writer.state(name).get("pass")

    def _has_left_out(self, name: str) -> bool:
        """Whether pages of it that failed for good are still to be read."""
        return bool((self.writer.state(name).get("pass") or {}).get("ended"))

    def _is_read(self, name: str) -> bool:
        """Whether it was read to its end: from then on its changes are enough. A full reading reads it once more."""
        state = self.writer.state(name)
        is_under_way = state.get("pass") and not self._has_left_out(name)
        is_over = state.get("complete") or self._has_left_out(name)
        return bool(is_over and not is_under_way and (state.get("whole_at") or 0) >= self.anew_before)

    def _whole(self, name: str, *, anew: bool = False) -> Source:
        if name == "users":
            return Users(self)
        # Long lists are counted afterwards. A small one that was read before and cut off this time would have rows of two ages.
        may_go_on = name in LARGE_LISTS or not (self._has_left_out(name) or self.writer.state(name).get("complete"))
        return FullPass(self, name, QUERIES.get(name), anew=anew or not may_go_on)

    def _latest(self, name: str) -> Source:
        """What has changed in a long list: by the filter for it, where the account obeys one; else in the list's own way."""
        state = self.writer.state(name)
        cursor = moment_of(state.get("cursor"))
        if cursor is None or not self._is_read(name) or not state.get("counted"):
            return self._whole(name, anew=self._has_left_out(name))
        is_short = (state.get("pages") or 1) <= SHORT.get(name, 0)
        if not state.get("ignored") and not is_short:
            return Changed(self, name, self._since(name, "updated_at", cursor))
        if state.get("pages", 1) <= DAILY_PAGES and microseconds(self.now() - STALE) > state.get("whole_at", 0):
            return self._whole(name, anew=True)
        if name == "payments" and state.get("order") and not is_short:
            return Head(self, name, self._since(name, "created_at", cursor))
        if name == "timers" and not is_short:
            return self._recent_timers(cursor)
        return self._whole(name, anew=True)

    def _since(self, name: str, column: str, cursor: datetime) -> datetime:
        """From when on changes are asked for: by the server's clock, but by its own rows where that runs ahead of these.

        An answer need not tell the time, and then ours counts, which may be wrong by hours.
        """
        newest = moment_of(self.store.newest(name, column))
        return min(cursor - OVERLAP, newest or cursor)

    def _recent_timers(self, cursor: datetime) -> Source:
        """Timers as far back as one page reaches."""
        state = self.writer.state("timers")
        size = state.get("size") or 25
        times = sorted((at for (at,) in self.store.values("timers", ["created_at"]) if at), reverse=True)
        since = moment_of(times[max(0, min(len(times) - 1, size - 5))]) if times else None
        last = (moment_of(state.get("as_of")) or cursor) - OVERLAP
        return Recent(self, min(since or last, last))

    def _count(self, names: Iterable[str]) -> None:
        """How many there are; where that is not what we hold, what is missing and what has gone is searched for."""
        sources = [Recount(self, name, QUERIES.get(name)) for name in sorted(names) if self._is_counted(name)]
        self.asking.read(sources)
        self.asking.read([self._whole(one.name, anew=True) for one in sources if one.is_unclear])

    def _is_counted(self, name: str) -> bool:
        state = self.writer.state(name)
        return self.is_complete(name) and not state.get("reason") and not self._is_whole(name)

    def _is_whole(self, name: str) -> bool:
        """Whether this sync has read it through."""
        return name in self.read_through

    def _lines(self) -> None:
        """The lines of all invoices from their list, where the key may read it and it was not read through yet."""
        state = self.writer.state("invoice_lines")
        is_read = self._is_read("invoice_lines") and not self._has_left_out("invoice_lines")
        if is_read and not state.get(
            "reason"
        ):  # a full reading that came to nothing leaves its reason, and is made up for
            return self._new_lines()
        if not self.is_complete("invoices") and not state.get("pass"):
            # An invoice must be known before its lines are read, or they could be older than it.
            self.writer.keep("invoice_lines", reason="they are read after the invoices, which are not complete")
            return None
        invoices = self.store.values("invoices", ["invoice_id", "updated_at", "ticket_id"])
        source = FullPass(self, "invoice_lines", QUERIES["invoice_lines"])
        self.asking.read([source])
        self._count(["invoice_lines"])
        as_of = state.get("as_of")
        if source.is_done and not state.get("pass") and not state.get("reason") and as_of:
            known = self.details_of("invoices")
            for key, updated_at, ticket in invoices:
                self.follow(ticket, moment_of(updated_at))
                changed = updated_at is None or updated_at < as_of
                if changed and (key not in known or known[key][1] < as_of):
                    moment = None if updated_at is None else instant(updated_at)
                    self.writer.append("invoice_details", DetailRead(key, moment, instant(as_of)))
            self.writer.commit()
        return None

    def _new_lines(self) -> None:
        """The lines of many new invoices from the end of the list; one whose lines do not come to its sum is read by itself."""
        known = self.details_of("invoices")
        columns = ["invoice_id", "created_at", "updated_at", "subtotal_cents", "ticket_id"]
        new = [row for row in self.store.values("invoices", columns) if row[0] not in known and row[1] and row[2]]
        state, lines = self.writer.state("invoice_lines"), len(self.writer.index("invoice_lines"))
        pages = 2 + 2 * len(new) * (1 + lines // max(1, len(known))) // (state.get("size") or 1)
        if len(new) <= pages or not state.get("order"):
            return
        tail = Tail(self, QUERIES["invoice_lines"], instant(min(row[1] for row in new)) - OVERLAP)
        self.asking.read([tail])
        for key, _, updated_at, subtotal, ticket in new:
            moment = instant(updated_at)
            self.follow(ticket, moment)
            if tail.started and moment < tail.started - MOMENT and tail.sums.get(key) == subtotal:
                self.writer.append("invoice_details", DetailRead(key, moment, tail.started))
        self.writer.commit()

    def _read_contacts(self) -> None:
        """Contacts, where the customers' rows do not tell everything about them."""
        state, now = self.writer.state("contacts"), self.now()
        looked = moment_of(state.get("customers_at"))
        if self._is_whole("customers") and self.is_complete("contacts") and (not looked or now - looked > STALE):
            self._odd_contacts |= self._without_customer()
            self.writer.keep("contacts", customers_at=microseconds(now))
        if self.full or not self.is_complete("contacts") or self.writer.state("contacts").get("reason"):
            self.asking.read([self._whole("contacts")])
        elif (
            self._odd_contacts
            and -1 not in self._odd_contacts
            and len(self._odd_contacts) <= (self.writer.state("contacts").get("pages") or 1)
        ):
            self.asking.read([Records(self, "contacts", sorted(self._odd_contacts))])
        elif self._odd_contacts:
            self.asking.read([self._whole("contacts")])

    def _without_customer(self) -> set[int]:
        """The contacts of customers that no list has: perhaps deleted before their customers could ever be read."""
        known = self.writer.index("customers").keys()
        owners = self.store.values("contacts", ["contact_id", "customer_id"])
        return {contact for contact, customer in owners if customer and customer not in known}

    # ------------------------------------------------------------ rows

    def keep(self, name: str, record: Any, flaws: Sequence[wire.Flaw] = ()) -> None:
        """Put one row of a list, and what hangs on it; `flaws`: what could not be read of it. Raises Unkept."""
        if name == "invoice_lines" and record.invoice_id is None:
            return  # of an estimate
        if name == "customers":
            self._look_at_contacts(record)
        elif name == "invoices" and record.ticket_id is None:
            moment = None if record.updated_at is None else microseconds(record.updated_at)
            record = replace(record, ticket_id=self._owner(record.id, moment))
        elif name == "tickets":
            if self.zone is None and record.due_utc is not None:
                self.writer.keep(name, unzoned=True)
            record = record.in_zone(self.zone)
        is_news = self.writer.put(name, record)
        self.unread(name).drop(record.id)
        if name == "tickets" and self._tells and (is_news or record.id not in self.ticket_reads):
            self._await(record)
        if name == "schedules" and record.lines is not None:
            self.keep_parts(
                "schedule_lines", record.id, [replace(one, schedule_id=record.id) for one in record.lines], flaws
            )
        if name != "customers":  # only their details have everything
            self.note_unreadable(name, [(one.id, one.why) for one in flaws if one.record is type(record)])

    def _await(self, ticket: Any) -> None:
        moment = ticket.updated_at or ticket.created_at
        is_recent = moment is not None and moment >= self.now() - timedelta(days=RECENT_DAYS)
        is_known = ticket.id in self.ticket_reads
        if self.wants_all or is_recent or is_known or not self.house.is_resolved(ticket.status):
            self.awaited.add(ticket.id)

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

    def suspect(self, name: str, keys: Iterable[int]) -> None:
        """Rows that a whole list no longer has."""
        found = set(keys)
        if name == "timelogs":
            self.writer.drop(name, found)  # one answer holds them all, and there is no path to one of them
        elif found:
            self._suspects.setdefault(name, set()).update(found)

    def unread(self, name: str) -> Unread:
        """The rows of a list that could not be read, in this sync or before."""
        if name not in self._unread:
            self._unread[name] = Unread(self.writer.state(name))
        return self._unread[name]

    def note_unreadable(self, name: str, rows: Iterable[tuple[int | None, str]], page: int | None = None) -> None:
        """Rows that could not be read: their ids, and why. Kept with the page, which is not read again after an interruption.

        `page`: of a list that is read through; a look at a part of it meets those without an id again.
        """
        unread, alike = self.unread(name), Counter[str]()
        for key, said in rows:
            alike[said] += key is None
            if key is not None:
                unread.add(key, said)
            elif page is not None or not unread.has_nameless(said):
                unread.add(f"no id, page {page or '?'}, {alike[said]}: {said}", said)
            self.writer.keep(name, **unread.as_state())

    def keep_parts(self, name: str, owner: int, records: list[Any], flaws: Sequence[wire.Flaw]) -> None:
        """Put all rows that belong to a record, and note those that cannot be read, or not be kept."""
        told = self.writer.put_parts(name, owner, records)
        has_list = name in ("timers", "invoice_lines")  # which tells of the rows without an id
        noted = [
            (one.id, one.why)
            for one in flaws
            if one.record is TABLES[name].record and not (has_list and one.id is None)
        ]
        unread = self.unread(name)
        if unread.forget_of(owner) or told or noted:
            for place, (key, said) in enumerate((*told, *noted)):
                unread.add(f"no id, in {owner}, {place}: {said}" if key is None else key, said, owner)
            self.writer.keep(name, **unread.as_state())

    def _prove(self) -> None:
        """Ask for each row that is missing from a list: a 404 proves that it is gone."""
        left = dict.fromkeys(TABLES, MOST_PROOFS)
        while self._suspects:
            sources: list[Records] = []
            suspects, self._suspects = self._suspects, {}
            for name, keys in suspects.items():
                unread = self.unread(name).ids
                there = sorted(key for key in keys if self.writer.index(name).get(key) is not None or key in unread)
                asked = there[: left[name]]
                left[name] -= len(asked)
                self._unproved.setdefault(name, set()).update(there)
                owner = _OWNERS.get(name)
                if owner is None:
                    sources.append(Records(self, name, asked))
                    continue
                key_of, whose = owner
                owners = dict(self.store.values(name, [TABLES[name].key, whose]))
                self.forced[key_of] |= {owners[key] for key in asked if owners.get(key)}
                nobodys = [key for key in asked if not owners.get(key)]
                self.writer.drop(name, nobodys)
                for key in nobodys:
                    self.unread(name).drop(key)
            self.writer.commit()
            self.asking.read(sources)
            for one in sources:
                self._unproved[one.name] -= one.read
                if one.alive & self.found_by_order.pop(one.name, set()):  # its order is not what it seemed
                    self.asking.read([self._whole(one.name, anew=True)])

    def _orphans(self, name: str) -> set[int]:
        """Records of which we hold parts and that no list of ours has: made and deleted between two looks at their list.

        Only the newest few, which are the ones that this happens to; what a whole list has just shown is left alone.
        """
        if not self.is_complete(name):
            return set()
        found: set[int] = set()
        for part in ("timers", "comments", "charges") if name == "tickets" else ("invoice_lines",):
            if not self._is_whole(part):
                found.update(self.store.load(part, [PARENTS[part]]).column(0).unique().to_pylist())
        return set(sorted(found - self.writer.index(name).keys() - {None})[-MOST_ORPHANS:])

    def _keep_unproved(self, read: dict[str, set[int]]) -> None:
        """What nobody could prove yet is asked for by the next sync, and is a gap until then."""
        for name in (*_PROVABLE, *_OWNERS):
            keys = self._unproved.get(name, set()) | self._suspects.get(name, set())
            if name in _OWNERS and keys:
                key_of, whose = _OWNERS[name]
                owners = dict(self.store.values(name, [TABLES[name].key, whose]))
                keys = {key for key in keys if owners.get(key) not in read[key_of]}
            keys = {key for key in keys if self.writer.index(name).get(key) is not None}
            if keys or self.writer.state(name).get("suspects"):
                self.writer.keep(name, suspects=len(keys), suspected=sorted(keys))

    def forget(self, name: str, key: int) -> None:
        """A row is proved gone, and what hung on it with it."""
        if name == "invoices":  # its lines are the ticket's again
            owners = self.store.values("invoices", ["invoice_id", "ticket_id"])
            self.forced["tickets"] |= {ticket for one, ticket in owners if one == key and ticket}
        self.writer.drop(name, [key])
        self.unread(name).drop(key)
        for own in _DETAILS_BEHIND.get(name, ()):  # it may come back as it was, and is read anew then
            self.writer.lose(own, key)
        if name == "customers":
            self.unread("prepaid").drop(key)
            for part in ("contacts", "payments", "contracts", "schedules"):
                owners = self.store.values(part, [TABLES[part].key, "customer_id"])
                self.suspect(part, {one for one, owner in owners if owner == key})
        elif name == "tickets":
            self.ticket_reads.pop(key, None)
            for part in ("comments", "charges", "timers"):
                self.keep_parts(part, key, [], ())
            self.forced["invoices"] |= {
                invoice
                for invoice, ticket in self.store.values("invoices", ["invoice_id", "ticket_id"])
                if ticket == key
            }
        elif name == "invoices":
            self.owners.pop(key, None)
            self.keep_parts("invoice_lines", key, [], ())
        elif name == "schedules":
            self.keep_parts("schedule_lines", key, [], ())
        elif name == "contacts":
            rewrite(self.writer, "tickets", lambda row: row["contact_id"] == key, {"contact_id": None, "contact": ""})

    @cached_property
    def zone(self) -> ZoneInfo | None:
        """The account's time zone; None where its settings could not be read, or name none that this machine knows."""
        data = self.writer.state("settings").get("record")
        return None if data is None else zone_of(wire.read(Settings, data).locale)

    @cached_property
    def ticket_reads(self) -> dict[int, int]:
        """When each ticket was last read by itself, in microseconds; a reading of this sync is noted by who makes it."""
        return {key: at for key, (_, at) in self.details_of("tickets").items()}

    @cached_property
    def owners(self) -> dict[int, tuple[int, int | None]]:
        """The tickets that invoices name when they are read by themselves, and the time of their change then."""
        read = self.store.values("invoice_owners", ["id", "ticket_id", "updated_at"])
        return {invoice: (ticket, at) for invoice, ticket, at in read if ticket is not None}

    def _owner(self, invoice: int, updated_at: int | None) -> int | None:
        """The ticket that an invoice of a list names, which may not say it: as it did by itself.

        Not if it has changed since, nor where the ticket has gone: that takes it off the invoice without a sign.
        """
        ticket, then = self.owners.get(invoice, (None, None))
        if ticket is None or (self.is_complete("tickets") and self.writer.index("tickets").get(ticket) is None):
            return None
        return ticket if updated_at is None or then is None or updated_at <= then else None

    def _name_owners(self) -> None:
        """Invoices that the list shows without a ticket, and that name one themselves."""
        columns = list(kept_columns("invoices"))
        key, ticket, changed = (columns.index(name) for name in ("invoice_id", "ticket_id", "updated_at"))
        if self.owners:
            for row in self.store.values("invoices", columns):
                owner = self._owner(row[key], row[changed]) if row[ticket] is None else None
                if owner is not None:
                    self.writer.put_row("invoices", row[key], (*row[:ticket], owner, *row[ticket + 1 :]))
            self.writer.commit()

    def follow(self, ticket: int | None, changed_at: datetime | None) -> None:
        """Lines of an invoice are new or have changed: what its ticket says of its own lines is old, if it was read before."""
        if ticket is None or changed_at is None:
            return
        read_at = self.ticket_reads.get(ticket)
        if read_at is not None and read_at < microseconds(changed_at + MOMENT):
            self.forced["tickets"].add(ticket)

    # ------------------------------------------------------------ details

    def details_of(self, name: str) -> dict[int, tuple[int | None, int]]:
        """When each record was last read by itself: its updated_at then, and the moment."""
        own = {
            "tickets": "ticket_details",
            "invoices": "invoice_details",
            "owners": "invoice_owners",
            "customers": "customer_details",
        }[name]
        return {key: (then, at) for key, then, at in self.store.values(own, ["id", "updated_at", "read_at"])}

    def _details(self) -> None:
        self.writer.commit()
        unknown = {
            name: sorted((keys - self.writer.index(name).keys()) | self._orphans(name))
            for name, keys in self.forced.items()
        }
        tickets = TicketDetails(self, [*wanted_tickets(self), *unknown["tickets"]])
        invoices = InvoiceDetails(self, [*wanted_invoices(self), *unknown["invoices"]])
        customers = CustomerDetails(self, wanted_customers(self))
        sources: list[Records] = [customers, invoices, tickets] if self.full else [tickets, invoices, customers]
        read: dict[str, set[int]] = {"tickets": set(), "invoices": set(), "customers": set()}
        while sources:
            self.forced = {"tickets": set(), "invoices": set()}
            self.asking.read(sources)
            for one in sources:
                read[one.name] |= one.read
            again = {name: set(keys) for name, keys in self.forced.items()}
            # A row that has gone after the rows were counted: it may have stood in for one that we lack.
            if recounted := {one.name for one in sources if one.has_gone and not one.is_proof}:
                self._count(recounted & {*COUNTED})
                again["tickets"] |= set(wanted_tickets(self)) - read["tickets"]
                again["invoices"] |= set(wanted_invoices(self)) - read["invoices"]
            # Meanwhile: invoices of tickets that have gone, and tickets whose lines an invoice has taken or given back.
            following = (InvoiceDetails(self, sorted(again["invoices"])), TicketDetails(self, sorted(again["tickets"])))
            sources = [one for one in following if one.left]
        self._name_owners()
        self._prove()  # what hung on a record that the details showed to be gone
        self._keep_unproved(read)

    def _to_come(self, todo: list[Source]) -> int:
        """Details of tickets that are read once the lists are; of a full reading those on its next pages, too."""
        if any(isinstance(one, TicketDetails) for one in todo):
            return 0
        pages = [one for one in todo if self.wants_all and one.name == "tickets" and isinstance(one, FullPass)]
        return len(self.awaited) + sum(one.rows_left for one in pages)

    # ------------------------------------------------------------ the end

    def _finish(self, started: datetime) -> None:
        rename(self.writer)
        for name, unread in self._unread.items():
            if unread or self.writer.state(name).get("unreadable"):
                self.writer.keep(name, **unread.as_state())
        self.writer.keep("sync", as_of=microseconds(started), full=self.wants_all)
        if self.full:
            self.writer.keep("sync", full_since=None)
        self.writer.commit()
        self.store.tidy()

    def _repair(self) -> None:
        """Set damaged files aside, and see to it that what was in them is read again."""
        for segment in self.store.damaged():
            lost = f"a damaged file with {segment.rows} rows was set aside; they are read again"
            name = segment.name
            states: dict[str, dict[str, Any]] = {}
            if name in TABLES and name not in _PARTS:
                states[name] = self.writer.state(name) | {"complete": False, "pass": None, "reason": lost}
            self.asking.problems[segment.file] = f"{name}: {lost}"
            self.store.set_aside(segment, states)
            for own in _DETAILS_BEHIND.get(name, ()):
                self.store.empty(own)
        if self.asking.problems:
            self.writer = Writer(self.store)

    def _renew(self) -> None:
        """A later version may keep columns that this mirror has not: what they belong to is read again."""
        kept = self.writer.state("columns")
        for name in TABLES:
            new = sorted(kept_columns(name).keys() - set(kept.get(name, kept_columns(name))))
            if new:
                said = f"this version also keeps {', '.join(new)}; it is read again for that"
                if name not in _PARTS:
                    self.writer.keep(name, **{"pass": None}, complete=False, reason=said)
                for own in _DETAILS_BEHIND.get(name, ()):
                    self.store.empty(own)
        self.writer.keep("columns", **{name: list(kept_columns(name)) for name in TABLES})
        self.writer.commit()


_PROVABLE = ("tickets", "invoices", "payments", "customers", "contacts", "products", "schedules", "contracts")
_PARTS = ("comments", "charges", "prepaid", "schedule_lines")  # they have no list of their own
# Rows without a path of their own: the detail of the record that they belong to proves what there is.
_OWNERS = {"timers": ("tickets", "ticket_id"), "invoice_lines": ("invoices", "invoice_id")}
_DETAILS_BEHIND = {
    "tickets": ("ticket_details",),
    "comments": ("ticket_details",),
    "charges": ("ticket_details",),
    "timers": ("ticket_details",),
    "invoice_lines": ("invoice_details",),
    "invoices": ("invoice_details", "invoice_owners"),
    "customers": ("customer_details",),
    "prepaid": ("customer_details",),
}
