"""The rate limiter: Syncro allows 180 requests a minute per IP address, and everything on this machine shares them.

A request holds a *slot* while it is under way, and for a whole window (plus a hair) after its *answer*. The server
counted it somewhere in between, so it counts any two requests of one slot more than a window apart: no window of the
server's, fixed or sliding, sees more than the cap, however much the latency jitters.

The state is one table in a small SQLite file. Every row says `until` when it matters, on the machine's steady clock:

    used      a slot. Taken: until LONGEST_REQUEST and a window from now. Answered: until a window from the answer
    waiting   a ticket in the queue, for TICKET_SECONDS unless its owner renews it; ids are the order of arrival
    stop      nobody gets a slot (`penalise`)
    pace      no bulk read gets a slot

*A dead process* needs no care, because every row runs out by itself. These are leases, and no look at process ids:
those are used again, mean nothing across containers, and are read differently on each system. The dead one's request
may have reached Syncro, so its slot comes back only a window after the longest request could have ended; that costs
one slot of 180 for six minutes.

*A reboot* sets the steady clock to 0. A row's `until` is never less than its `span`, the seconds that it was written
for. So when the clock reads `until`, the span has passed in any case: either it is the same boot, or the machine has
been up for that long. A row that lies further ahead than its span is of a former boot, and is counted as from now.
The boot's id is not asked: two processes may name one boot differently where the system does not name it.

*Bulk reads* wait for everything else, and are spread: once they could use up the window, they start one after another
at the pace at which slots come back. A form that is used during a sync waits a moment, not most of a minute.

*After a 429* (a colleague behind the same address) everybody stops for as long as told, and then goes on at once: a
lower rate would be a guess, since nobody can see the colleague. It is no burst, because the slots used before the
stop still cool down and bulk reads are paced; if it is too much still, the next 429 stops everybody again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from ..clock import Clock
from ..database import open_database, trouble
from ..errors import ConfigError

LONGEST_REQUEST = 300.0  # seconds from slot to answer; the transport's time-outs must end every request before
HAIR = 0.05  # seconds; above the tick of the coarsest steady clock (Windows: 16 ms) and a minute's drift of two clocks
TICKET_SECONDS = 5.0  # a waiter that died blocks those behind it no longer than this
LOOK_SECONDS = 1.0  # a waiter looks (and renews its ticket) at least so often

_LAST = 2**63 - 1  # above every id
_SCHEMA = """
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    scope TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('used', 'waiting', 'stop', 'pace')),
    bulk INTEGER NOT NULL,
    until REAL NOT NULL,
    span REAL NOT NULL
);
CREATE INDEX in_order ON entries (scope, kind, until)
"""


@dataclass(frozen=True)
class Load:
    """How busy the limiter is, for `syncro doctor`."""

    used: int  # slots under way or cooling down
    cap: int
    waiting: int  # requests in the queue, of all processes
    free_in_seconds: float  # 0 if a slot is free
    stopped_for_seconds: float  # 0 unless a 429 stopped everybody


def parse_rate(text: str) -> tuple[int, float]:
    """`"180/60"` -> (180, 60.0): requests and seconds, both above 0. Raises ConfigError for anything else."""
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9}(?:\.[0-9]{1,9})?)", text.strip())
    if not found or int(found[1]) == 0 or float(found[2]) == 0:
        raise ConfigError(f"SYNCRO_NB_RATE must be requests/seconds, both above 0, such as 180/60; not {text!r}")
    return int(found[1]), float(found[2])


class Limiter:
    """At most `requests` in any `seconds`, over all threads and processes that open the file at `path`.

    `scope` is the server's host name: each has a limit of its own. Every method raises ConfigError if the file cannot
    be used (damaged, read-only, locked for half a minute).
    """

    def __init__(
        self, path: Path, *, requests: int = 180, seconds: float = 60.0, clock: Clock, scope: str = ""
    ) -> None:
        self._path = path
        self._cap = requests
        self._window = seconds + HAIR
        # A little faster than slots come back, so that no slot idles because somebody woke up late.
        self._pace = 0.95 * seconds / requests
        self._clock = clock
        self._scope = scope
        self._lock = Lock()  # one connection, one transaction at a time
        self._db = open_database(path, _SCHEMA, 1, durable=False)

    @contextmanager
    def slot(self, *, bulk: bool = False) -> Iterator[None]:
        """Wait for a slot, and hold it for the one request that is sent inside. Not for two, and not for longer."""
        ticket = self._wait(bulk)
        try:
            yield
        finally:
            # An answer in hand is worth more than the slot, which comes back by itself if this fails.
            with suppress(ConfigError), self._transaction() as now:
                self._write(ticket, "used", now, self._window)

    def penalise(self, seconds: float) -> None:
        """Syncro said 429: no process gets a slot for so many (finite) seconds. A longer stop stays."""
        with self._transaction() as now:
            if now + seconds > self._gate("stop"):
                self._set_gate("stop", now, seconds)

    def load(self) -> Load:
        """The state of this moment."""
        with self._transaction() as now:
            used = self._count("used")
            free_in = self._returns(used - self._cap) - now if used >= self._cap else 0.0
            return Load(used, self._cap, self._count("waiting"), free_in, max(0.0, self._gate("stop") - now))

    def close(self) -> None:
        """Close the file. Slots that are held come back by themselves; a thread that still waits for one gets ConfigError."""
        with self._lock:  # SQLite does not survive being closed under a thread that is using it
            self._db.close()

    def _wait(self, bulk: bool) -> int:
        ticket, pause = self._ask(None, bulk)
        try:
            while pause:
                self._clock.sleep(pause)
                ticket, pause = self._ask(ticket, bulk)
        except BaseException:  # an interrupted cell must not leave a ticket that others wait behind
            with suppress(ConfigError), self._transaction():
                self._db.execute("DELETE FROM entries WHERE id = ?", (ticket,))
            raise
        return ticket

    def _ask(self, ticket: int | None, bulk: bool) -> tuple[int, float]:
        """Take a slot, or a place in the queue. Returns the row's id, and the seconds to wait before asking again."""
        with self._transaction() as now:
            gate = max(self._gate("stop"), self._gate("pace") if bulk else 0.0)
            free = self._cap - self._count("used")
            ahead = self._ahead(ticket, bulk)
            if free > ahead and gate <= now:
                if bulk:
                    self._spread(now, free)
                return self._write(ticket, "used", now, LONGEST_REQUEST + self._window), 0.0
            slot_at = now if free > ahead else self._returns(ahead - free)
            turn_at = gate + ahead * self._pace if bulk else gate
            ticket = self._write(ticket, "waiting", now, TICKET_SECONDS, bulk)
            # Not less than a millisecond: a float that is a bit short of the moment would turn for ever.
            return ticket, min(max(slot_at - now, turn_at - now, 0.001), LOOK_SECONDS)

    def _spread(self, now: float, free: int) -> None:
        """A bulk read takes one of the `free` slots; the next waits so that the rest last until a slot comes back."""
        if free > self._cap / 2:
            return  # half of the cap is at hand; a short read need not be slow
        back_in = min(self._returns(0) - now, self._window)
        self._set_gate("pace", now, max(self._pace, back_in / free))

    @contextmanager
    def _transaction(self) -> Iterator[float]:
        """Alone in the file, with everything dropped that has run out. Gives the present moment in seconds."""
        try:
            with self._lock, self._db:  # commits, or rolls back
                self._db.execute("BEGIN IMMEDIATE")
                now = self._clock.moment().seconds  # asked only now, so that moments are in the order of transactions
                self._db.execute("DELETE FROM entries WHERE until <= ?", (now,))
                self._db.execute("UPDATE entries SET until = :now + span WHERE until > :now + span", {"now": now})
                yield now
        except self._db.Error as error:
            said = trouble(self._path, error, "close all notebooks, wait a minute, and delete it")
            raise ConfigError(f"cannot use the rate limiter's file {self._path}: {said}") from None

    def _write(self, row: int | None, kind: str, now: float, span: float, bulk: bool = False) -> int:
        """Write a row under its old id, even if it has run out meanwhile (the machine slept): it keeps its place."""
        cursor = self._db.execute(
            "REPLACE INTO entries (id, scope, kind, bulk, until, span) VALUES (?, ?, ?, ?, ?, ?)",
            (row, self._scope, kind, bulk, now + span, span),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _set_gate(self, kind: str, now: float, span: float) -> None:
        self._db.execute("DELETE FROM entries WHERE scope = ? AND kind = ?", (self._scope, kind))
        self._write(None, kind, now, span)

    def _gate(self, kind: str) -> float:
        found = "SELECT max(until) FROM entries WHERE scope = ? AND kind = ?"
        return float(self._db.execute(found, (self._scope, kind)).fetchone()[0] or 0.0)

    def _count(self, kind: str) -> int:
        found = "SELECT count(*) FROM entries WHERE scope = ? AND kind = ?"
        return int(self._db.execute(found, (self._scope, kind)).fetchone()[0])

    def _ahead(self, ticket: int | None, bulk: bool) -> int:
        """How many wait before this one: what is no bulk read first, and then by arrival; the newcomer is last."""
        found = "SELECT count(*) FROM entries WHERE scope = ? AND kind = 'waiting' AND (bulk, id) < (?, ?)"
        return int(self._db.execute(found, (self._scope, bulk, ticket or _LAST)).fetchone()[0])

    def _returns(self, index: int) -> float:
        """When the next (0), the second (1) ... slot comes back; infinite if so many are not in use."""
        found = "SELECT until FROM entries WHERE scope = ? AND kind = 'used' ORDER BY until LIMIT 1 OFFSET ?"
        row = self._db.execute(found, (self._scope, index)).fetchone()
        return float(row[0]) if row else math.inf
