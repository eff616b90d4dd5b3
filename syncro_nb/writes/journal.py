"""The journal of writes: what was approved, what was sent, what came of it. One SQLite file per home.

An intent is on the disk (WAL, `synchronous=FULL`) before the first byte of its request leaves. A ticket has one open run
and a timer one claim, by unique index. Every change of a step is a compare-and-set, so that two processes cannot both send
it, and leaves an event; events are never changed, and each holds the hash of the one before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from ..clock import Clock, Moment
from ..database import IntegrityError, Row, open_database
from ..errors import InputError
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


class Journal:
    """The journal in one home folder. Raises ConfigError if its file cannot be opened."""

    def __init__(self, home: Path, clock: Clock) -> None:
        self._clock = clock
        self._database = open_database(home / "journal.sqlite", _SCHEMA, FORMAT, durable=True)

    def begin(self, plan: Plan) -> None:
        """Open a run. Raises InputError if the ticket has one already, or a timer is claimed by another."""
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

    def intend(self, run: str, seq: int, *, was: str, attempt: int) -> None:
        """Put on record that the request of this step is about to leave. On the disk when this returns."""
        sent = self._clock.moment()
        with self._commit():
            self._set(run, seq, was, "intent")
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
        record_id: int | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Put on record what became of a step. Raises InputError if another process has moved it meanwhile."""
        with self._commit():
            self._set(run, seq, was, state)
            self._database.execute(
                "UPDATE steps SET record_id = coalesce(?, record_id), detail = ? WHERE run = ? AND seq = ?",
                (record_id, json.dumps(detail or {}), run, seq),
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

    def open_run(self, account: str, ticket_id: int) -> str | None:
        """The run that is open on a ticket, or None."""
        row = self._database.execute(
            "SELECT id FROM runs WHERE account = ? AND ticket_id = ? AND state = 'open'", (account, ticket_id)
        ).fetchone()
        return row["id"] if row else None

    def has_made(self, account: str, ticket_id: int) -> bool:
        """Whether a run of this journal made that ticket."""
        row = self._database.execute(
            "SELECT 1 FROM steps s JOIN runs r ON r.id = s.run WHERE r.account = ? AND s.name = 'ticket' AND s.record_id = ?",
            (account, ticket_id),
        ).fetchone()
        return row is not None

    def load(self, run: str) -> Run:
        """A run with its steps. Raises InputError if there is none of that name."""
        row = self._database.execute("SELECT * FROM runs WHERE id = ?", (run.strip().upper(),)).fetchone()
        if row is None:
            raise InputError(f"there is no run {run[:40]!r} in this journal; `syncro runs` lists them")
        return self._run(row)

    def runs(self) -> list[Run]:
        """Every run, newest first."""
        return [
            self._run(row) for row in self._database.execute("SELECT * FROM runs ORDER BY started_at DESC, rowid DESC")
        ]

    def events(self, run: str) -> list[dict[str, Any]]:
        """What happened in a run, in order: at, step, what, detail."""
        rows = self._database.execute(
            "SELECT e.at, s.name, e.what, e.detail FROM events e LEFT JOIN steps s ON s.run = e.run AND s.seq = e.seq"
            " WHERE e.run = ? ORDER BY e.id",
            (run,),
        )
        return [
            {"at": row["at"], "step": row["name"] or "", "what": row["what"], "detail": json.loads(row["detail"])}
            for row in rows
        ]

    def is_whole(self) -> bool:
        """Whether the chain of events is unbroken: none was changed, none is missing from the middle."""
        before = ""
        for row in self._database.execute("SELECT * FROM events ORDER BY id"):
            if row["hash"] != _hash(before, row["run"], row["seq"], row["at"], row["what"], row["detail"]):
                return False
            before = row["hash"]
        return True

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # ------------------------------------------------------------ inside

    @contextmanager
    def _commit(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _set(self, run: str, seq: int, was: str, state: str) -> None:
        changed = self._database.execute(
            "UPDATE steps SET state = ? WHERE run = ? AND seq = ? AND state = ?", (state, run, seq, was)
        ).rowcount
        if changed != 1:
            raise InputError(f"another process is at work on run {run}; look again with `syncro runs show {run}`")

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
            steps=tuple(_step(step, plan) for step in steps),
        )


def _step(row: Row, plan: Plan) -> StepState:
    sent = Moment(row["boot"], row["seconds"]) if row["boot"] is not None else None
    detail = json.loads(row["detail"])
    return StepState(row["seq"], plan.steps[row["seq"]], row["state"], row["attempt"], row["record_id"], sent, detail)


def _hash(before: str, *parts: object) -> str:
    return hashlib.sha256("\x1f".join([before, *map(str, parts)]).encode()).hexdigest()
