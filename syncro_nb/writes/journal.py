"""The journal of writes: what was approved, what was sent, what came of it. One SQLite file per home.

An intent is on the disk (WAL, `synchronous=FULL`) before the first byte of its request leaves. A ticket has one open run
and a timer one claim, by unique index. Every change of a step is a compare-and-set, so that two processes cannot both send
it, and leaves an event; events are never changed, and each holds the hash of the one before.

Beside the file stands a witness, `journal.witness`: the last event at the end of the newest run, with its hash. A journal that
does not hold that event was lost or is an older copy: it can still be read, but it takes no new write until a person accepts it,
because what its missing runs wrote would be written a second time. A whole home that was copied back takes its witness along;
then a reference on the ticket that this journal never made is what shows it (`references`).
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from ..clock import Clock, Moment
from ..database import DatabaseError, IntegrityError, Row, alone, committed, open_database
from ..errors import ConfigError, InputError
from . import reference
from .others import History
from .plan import Plan, Step

FORMAT = 1
_SCHEMA = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, ticket_id INTEGER NOT NULL, ticket_number INTEGER NOT NULL,
    kind TEXT NOT NULL, state TEXT NOT NULL, started_at TEXT NOT NULL, plan TEXT NOT NULL
);
CREATE UNIQUE INDEX one_open_run ON runs (account, ticket_id) WHERE state = 'open';
CREATE TABLE steps (
    run TEXT NOT NULL REFERENCES runs (id), seq INTEGER NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
    attempt INTEGER NOT NULL, record_id INTEGER, boot TEXT, seconds REAL, detail TEXT NOT NULL, PRIMARY KEY (run, seq)
);
CREATE TABLE claims (
    account TEXT NOT NULL, timer_id INTEGER NOT NULL, run TEXT NOT NULL REFERENCES runs (id),
    PRIMARY KEY (account, timer_id)
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, seq INTEGER, at TEXT NOT NULL, what TEXT NOT NULL,
    detail TEXT NOT NULL, hash TEXT NOT NULL
);
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_are_kept BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END
"""


@dataclass(frozen=True)
class StepState:
    """A step as it stands. `detail` holds what a person needs: Syncro's words, the differences, the question."""

    seq: int
    step: Step
    state: str
    attempt: int
    record_id: int | None
    sent: Moment | None
    detail: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A run as it stands. `state`: open, done, abandoned, or nothing (it ended before anything was written)."""

    plan: Plan
    state: str
    started_at: datetime
    steps: tuple[StepState, ...]

    @property
    def id(self) -> str:
        """The run's name, as people type it."""
        return self.plan.run


def _damaged(what: object) -> str:
    return f"the journal is damaged ({' '.join(str(what).split())}): restore journal.sqlite and journal.witness from a backup"


@contextmanager
def _readable() -> Iterator[None]:
    """What is read off the file. Raises ConfigError where it is damaged, instead of whatever the first wrong byte leads to."""
    try:
        yield
    except (DatabaseError, msgspec.MsgspecError, ValueError, TypeError) as error:
        raise ConfigError(_damaged(error)) from None


class Journal:
    """The journal in one home folder. Raises ConfigError if its file cannot be opened."""

    def __init__(self, home: Path, clock: Clock) -> None:
        self._clock = clock
        self._witness = home / "journal.witness"
        self._locks = home / "runs"
        self._database = open_database(home / "journal.sqlite", _SCHEMA, FORMAT, durable=True)
        self.trouble = self._compare_with_witness()

    def begin(self, plan: Plan) -> None:
        """Open a run. Raises InputError if the ticket has one already, or a timer is claimed by another.

        Raises ConfigError if this journal was lost or is an older copy, and Unrecorded, as every call that writes, if the
        file cannot be written.
        """
        self._refuse_if_troubled()
        text = msgspec.json.encode(plan).decode()
        try:
            with self._commit():
                self._database.execute(
                    "INSERT INTO runs VALUES (?, ?, ?, ?, ?, 'open', ?, ?)",
                    (plan.run, plan.account, plan.ticket_id, plan.ticket_number, plan.kind, self._now(), text),
                )
                for seq, step in enumerate(plan.steps):
                    self._database.execute(
                        "INSERT INTO steps VALUES (?, ?, ?, 'planned', 1, NULL, NULL, NULL, '{}')",
                        (plan.run, seq, step.name),
                    )
                for timer_id in sorted(plan.claims):
                    self._database.execute("INSERT INTO claims VALUES (?, ?, ?)", (plan.account, timer_id, plan.run))
                self._event(plan.run, None, "begun", {"ticket": plan.ticket_number})
        except IntegrityError:
            other = self.open_run(plan.account, plan.ticket_id)
            what = f"run {other} on {plan.where} is not finished" if other else "one of its timers is in another run"
            raise InputError(f"{what}; nothing was written: look with `syncro runs`") from None

    @contextmanager
    def alone(self, run: str) -> Iterator[None]:
        """Nobody else is at work on this run meanwhile, not even a process that is suspended. Raises InputError if one is."""
        path = self._locks / f"{run}.lock"
        try:
            with alone(path) as is_alone:
                if not is_alone:
                    raise InputError(
                        f"another process is at work on run {run}; look again with `syncro runs show {run}`"
                    )
                yield
        finally:
            with suppress(OSError, DatabaseError):
                is_open = "SELECT 1 FROM runs WHERE id = ? AND state = 'open'"
                if (
                    self._database.execute(is_open, (run,)).fetchone() is None
                ):  # whoever locks it now finds that it has ended
                    path.unlink(missing_ok=True)

    def intend(self, run: str, seq: int, *, was: str, attempt: int) -> None:
        """Put on record that the request of this step is about to leave. On the disk when this returns."""
        self._refuse_if_troubled()
        sent = self._clock.moment()
        with self._commit():
            self._set(run, seq, was, "intent", only_open=True)
            self._database.execute(
                "UPDATE steps SET attempt = ?, boot = ?, seconds = ?, detail = '{}' WHERE run = ? AND seq = ?",
                (attempt, sent.boot, sent.seconds, run, seq),
            )
            self._event(run, seq, "intent", {"attempt": attempt})

    def settle(
        self,
        run: str,
        seq: int,
        state: str,
        *,
        was: str,
        attempt: int | None = None,
        record_id: int | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Put on record what became of a step. Raises InputError if another process has moved it meanwhile.

        `attempt`: the one that was looked for; one that another process has sent meanwhile is in doubt by itself.
        """
        ended = self._clock.moment()
        with self._commit():
            self._set(run, seq, was, state, attempt)
            self._database.execute(
                "UPDATE steps SET record_id = coalesce(?, record_id), detail = ? WHERE run = ? AND seq = ?",
                (record_id, json.dumps(detail or {}), run, seq),
            )
            if state == "unknown":
                # The settling time begins when the request has ended: it may have waited long for its turn. A claim's own
                # time is counted from its intent, which is the earlier and there the safe side.
                self._database.execute(
                    "UPDATE steps SET boot = ?, seconds = ? WHERE run = ? AND seq = ? AND name != 'claim'",
                    (ended.boot, ended.seconds, run, seq),
                )
            self._event(run, seq, state, {**(detail or {}), **({"id": record_id} if record_id is not None else {})})

    def restart_wait(self, run: str, seq: int) -> None:
        """After a reboot nobody knows how long ago the request left: the settling time begins anew."""
        sent = self._clock.moment()
        with self._commit():
            self._database.execute(
                "UPDATE steps SET boot = ?, seconds = ? WHERE run = ? AND seq = ?", (sent.boot, sent.seconds, run, seq)
            )
            self._event(run, seq, "the machine was restarted; waiting anew", {})

    def finish(self, run: str, state: str) -> None:
        """End a run: done, abandoned or nothing. Its ticket and timers are free again."""
        with self._commit():
            self._database.execute("UPDATE runs SET state = ? WHERE id = ? AND state = 'open'", (state, run))
            self._database.execute("DELETE FROM claims WHERE run = ?", (run,))
            self._event(run, None, state, {})
        self._write_witness()

    def accept(self) -> None:
        """A person says that this journal is to be gone on with, although a newer one was lost. Raises ConfigError if damaged.

        What other runs wrote up to now and this journal does not know counts as looked at from here on.
        """
        if not self.is_whole():
            raise ConfigError(
                "events of the journal were changed: move journal.sqlite away, or restore it from a backup"
            )
        with self._commit():
            self._event("", None, "accepted", {"before": self.trouble})
        self.trouble = ""
        self._write_witness()

    @_readable()
    def accepted_at(self) -> datetime | None:
        """When a person last accepted the journal as it is, or None."""
        row = self._database.execute("SELECT max(at) AS at FROM events WHERE what = 'accepted'").fetchone()
        return datetime.fromisoformat(row["at"]) if row["at"] else None

    def is_intended(self, run: str, seq: int, attempt: int) -> bool:
        """Whether this attempt's intent still stands: just before its request leaves, which may be long after `intend`."""
        row = self._database.execute(
            "SELECT 1 FROM steps s JOIN runs r ON r.id = s.run WHERE s.run = ? AND s.seq = ? AND s.attempt = ?"
            " AND s.state = 'intent' AND r.state = 'open'",
            (run, seq, attempt),
        ).fetchone()
        return row is not None

    @_readable()
    def history(self, account: str, ticket_id: int) -> History:
        """What this journal knows of a ticket, for whoever plans on it."""
        return History(self.references(account, ticket_id), self.ended_runs(account, ticket_id), self.accepted_at())

    @_readable()
    def references(self, account: str, ticket_id: int) -> frozenset[str]:
        """Every reference that a run of this journal may have put on a ticket."""
        rows = self._database.execute("SELECT * FROM runs WHERE account = ? AND ticket_id = ?", (account, ticket_id))
        made = set()
        for run in map(self._run, rows):
            for one in run.steps:
                unit = one.step.unit or run.plan.unit
                made |= {reference.make(account, ticket_id, unit, number) for number in range(1, one.attempt + 1)}
        return frozenset(made)

    @_readable()
    def ended_runs(self, account: str, ticket_id: int) -> frozenset[str]:
        """The runs on a ticket that have ended: they send nothing any more."""
        rows = self._database.execute(
            "SELECT id FROM runs WHERE account = ? AND ticket_id = ? AND state != 'open'", (account, ticket_id)
        )
        return frozenset(row["id"] for row in rows)

    @_readable()
    def open_run(self, account: str, ticket_id: int) -> str | None:
        """The run that is open on a ticket, or None."""
        row = self._database.execute(
            "SELECT id FROM runs WHERE account = ? AND ticket_id = ? AND state = 'open'", (account, ticket_id)
        ).fetchone()
        return row["id"] if row else None

    @_readable()
    def has_made(self, account: str, ticket_id: int) -> bool:
        """Whether a run of this journal made that ticket."""
        row = self._database.execute(
            "SELECT 1 FROM steps s JOIN runs r ON r.id = s.run WHERE r.account = ? AND s.name = 'ticket' AND s.record_id = ?",
            (account, ticket_id),
        ).fetchone()
        return row is not None

    def load(self, run: str) -> Run:
        """A run with its steps. Raises InputError if there is none of that name."""
        with _readable():
            row = self._database.execute("SELECT * FROM runs WHERE id = ?", (run.strip().upper(),)).fetchone()
            if row is None:
                raise InputError(f"there is no run {run[:40]!r} in this journal; `syncro runs` lists them")
            return self._run(row)

    def runs(self) -> list[Run]:
        """Every run, newest first."""
        with _readable():
            rows = self._database.execute("SELECT * FROM runs ORDER BY started_at DESC, rowid DESC")
            return [self._run(row) for row in rows]

    def events(self, run: str) -> list[dict[str, Any]]:
        """What happened in a run, in order: at, step, what, detail."""
        with _readable():
            rows = self._database.execute(
                "SELECT e.at, s.name, e.what, e.detail FROM events e LEFT JOIN steps s ON s.run = e.run AND s.seq = e.seq"
                " WHERE e.run = ? ORDER BY e.id",
                (run,),
            )
            return [
                {"at": row["at"], "step": row["name"] or "", "what": row["what"], "detail": json.loads(row["detail"])}
                for row in rows
            ]

    def moved(self) -> dict[str, datetime]:
        """When each run last moved: the instant of its last event."""
        rows = self._database.execute("SELECT run, max(at) AS at FROM events GROUP BY run")
        return {row["run"]: datetime.fromisoformat(row["at"]) for row in rows}

    def is_whole(self) -> bool:
        """Whether the chain of events is unbroken: none was changed, none is missing from the middle."""
        return self._is_chained("", 0)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # ------------------------------------------------------------ inside

    def _commit(self) -> AbstractContextManager[None]:
        """One transaction. Raises Unrecorded, with nothing changed, if it cannot be put on the disk."""
        return committed(self._database, "the journal")

    def _set(
        self, run: str, seq: int, was: str, state: str, attempt: int | None = None, *, only_open: bool = False
    ) -> None:
        changed = self._database.execute(
            "UPDATE steps SET state = ? WHERE run = ? AND seq = ? AND state = ? AND attempt = coalesce(?, attempt)"
            " AND (NOT ? OR run IN (SELECT id FROM runs WHERE state = 'open'))",
            (state, run, seq, was, attempt, only_open),
        ).rowcount
        if changed != 1:
            raise InputError(f"another process is at work on run {run}; look again with `syncro runs show {run}`")

    def _is_chained(self, before: str, after_id: int) -> bool:
        for row in self._database.execute("SELECT * FROM events WHERE id > ? ORDER BY id", (after_id,)):
            if row["hash"] != _hash(before, row["run"], row["seq"], row["at"], row["what"], row["detail"]):
                return False
            before = row["hash"]
        return True

    def _refuse_if_troubled(self) -> None:
        if self.trouble:
            raise ConfigError(f"nothing was sent: {self.trouble}")

    def _compare_with_witness(self) -> str:
        """Why this journal must not be written, or "". What is before the witness's event was looked at when it was made."""
        try:
            seen = json.loads(self._witness.read_text("utf-8"))
            number, mark = int(seen["event"]), str(seen["hash"])
        except FileNotFoundError:
            number, mark = 0, ""
        except (OSError, ValueError, TypeError, KeyError):
            number, mark = -1, ""
        try:
            damage = self._database.execute("PRAGMA quick_check(1)").fetchone()[0]
            if damage != "ok":
                return _damaged(damage)
            row = self._database.execute("SELECT hash FROM events WHERE id = ?", (number,)).fetchone()
            is_known = number == 0 or (row is not None and row["hash"] == mark)
            if is_known and self._is_chained(mark, number):
                return ""
        except DatabaseError as error:
            return _damaged(error)
        if is_known:
            return "events of the journal were changed: restore journal.sqlite from a backup, or move it away"
        return (
            "this journal lacks runs that were on record here: it was lost, or is an older copy. Put the newer journal.sqlite "
            "back, or look in Syncro at what was written since, and then `syncro doctor --accept-journal`"
        )

    def _write_witness(self) -> None:
        """Replaced as a whole, on the disk before its name is. That it cannot be written changes nothing about the run."""
        last = self._database.execute("SELECT id, hash FROM events ORDER BY id DESC LIMIT 1").fetchone()
        if last is None or self.trouble:
            return
        with suppress(OSError):
            handle, name = tempfile.mkstemp(prefix=".witness-", dir=self._witness.parent)
            try:
                with os.fdopen(handle, "w", encoding="ascii") as file:
                    file.write(json.dumps({"event": last["id"], "hash": last["hash"]}))
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, self._witness)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise

    def _event(self, run: str, seq: int | None, what: str, detail: dict[str, Any]) -> None:
        last = self._database.execute("SELECT hash FROM events ORDER BY id DESC LIMIT 1").fetchone()
        at, text = self._now(), json.dumps(detail, sort_keys=True)
        chained = _hash(last["hash"] if last else "", run, seq, at, what, text)
        self._database.execute(
            "INSERT INTO events (run, seq, at, what, detail, hash) VALUES (?, ?, ?, ?, ?, ?)",
            (run, seq, at, what, text, chained),
        )

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")

    def _run(self, row: Row) -> Run:
        plan = msgspec.json.decode(row["plan"], type=Plan)
        steps = self._database.execute("SELECT * FROM steps WHERE run = ? ORDER BY seq", (row["id"],))
        return Run(
            plan=plan,
            state=row["state"],
            started_at=datetime.fromisoformat(row["started_at"]),
            steps=_bound([_step(step, plan) for step in steps]),
        )


def _step(row: Row, plan: Plan) -> StepState:
    sent = Moment(row["boot"], row["seconds"]) if row["boot"] is not None else None
    detail = json.loads(row["detail"])
    return StepState(row["seq"], plan.steps[row["seq"]], row["state"], row["attempt"], row["record_id"], sent, detail)


def _bound(states: Sequence[StepState]) -> tuple[StepState, ...]:
    """The steps with the lines that charges have made meanwhile in those that change these lines."""
    made = {one.step.timer_id: one.record_id for one in states if one.step.name == "charge"}
    return tuple(replace(one, step=one.step.on_line(made.get(one.step.timer_id))) for one in states)


def _hash(before: str, *parts: object) -> str:
    return hashlib.sha256("\x1f".join([before, *map(str, parts)]).encode()).hexdigest()
