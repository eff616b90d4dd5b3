"""What is remembered of batches: what was confirmed, and which runs were begun for it. One SQLite file per home.

The journal alone says what became of a run; here is only which run was for which ticket of which batch. An attempt is on the
disk before its run is opened, so that a batch whose program was killed finds every run that it has begun.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from ..database import Row, committed, open_database
from ..errors import InputError
from .batch import Batch
from .plan import Plan

FORMAT = 1
CHANGED, FAILED, WAITS, GIVEN_UP = "changed", "failed", "waits", "given up"
_SCHEMA = """
CREATE TABLE batches (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, confirmed_at TEXT NOT NULL, confirmed_by TEXT NOT NULL,
    total_cents INTEGER NOT NULL, is_taxed INTEGER NOT NULL
);
CREATE TABLE items (
    batch TEXT NOT NULL REFERENCES batches (id), place INTEGER NOT NULL, ticket_number INTEGER NOT NULL,
    customer TEXT NOT NULL, subject TEXT NOT NULL, timer_ids TEXT NOT NULL, reasons TEXT NOT NULL, blockers TEXT NOT NULL,
    plan TEXT, note TEXT NOT NULL, note_kind TEXT NOT NULL, PRIMARY KEY (batch, ticket_number)
);
CREATE TABLE attempts (
    run TEXT PRIMARY KEY, batch TEXT NOT NULL REFERENCES batches (id), ticket_number INTEGER NOT NULL, at TEXT NOT NULL
)
"""


@dataclass(frozen=True)
class KeptItem:
    """One ticket of a confirmed batch. `plan` is the one that was confirmed; None: it was blocked and left out.

    `runs` were begun for it, the last one last. `note` says why it could not be begun, `note_kind` whether it has changed,
    failed, waits for another ticket, or was given up.
    """

    number: int
    customer: str
    subject: str
    timer_ids: tuple[int, ...] | None
    reasons: tuple[str, ...]
    blockers: tuple[str, ...]
    plan: Plan | None
    runs: tuple[str, ...] = ()
    note: str = ""
    note_kind: str = ""


@dataclass(frozen=True)
class KeptBatch:
    """A confirmed batch. `confirmed_at` is the server's time, `confirmed_by` the owner of the key."""

    name: str
    account: str
    confirmed_at: datetime
    confirmed_by: str
    total_cents: int
    is_taxed: bool
    items: tuple[KeptItem, ...]


class BatchBook:
    """The batches of one home folder. Raises ConfigError if its file cannot be opened."""

    def __init__(self, home: Path) -> None:
        self._database = open_database(home / "batches.sqlite", _SCHEMA, FORMAT, durable=True)

    def add(self, batch: Batch, *, at: datetime, by: str) -> None:
        """Keep a batch as it was confirmed. Raises InputError if it is kept already."""
        with self._commit():
            if self._database.execute("SELECT 1 FROM batches WHERE id = ?", (batch.name,)).fetchone():
                raise InputError(f"batch {batch.name} is confirmed already: resume it")
            self._database.execute(
                "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)",
                (batch.name, batch.account, at.isoformat(), by, batch.total_cents, batch.is_taxed),
            )
            for place, item in enumerate(batch.items):
                plan = None if item.is_blocked or item.plan is None else msgspec.json.encode(item.plan).decode()
                self._database.execute(
                    "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', '')",
                    (
                        batch.name,
                        place,
                        item.number,
                        item.customer,
                        item.subject,
                        json.dumps(item.choice.timer_ids),
                        json.dumps([f"{one.note}: {one.why}" if one.note else one.why for one in item.charge.entries]),
                        json.dumps(item.blockers),
                        plan,
                    ),
                )

    def begin(self, batch: str, number: int, run: str, *, at: datetime) -> None:
        """Put on record that this run is about to be opened for that ticket. On the disk when this returns."""
        with self._commit():
            self._database.execute("INSERT INTO attempts VALUES (?, ?, ?, ?)", (run, batch, number, at.isoformat()))
            self._note(batch, number, "", "")

    def note(self, batch: str, number: int, kind: str, words: str) -> None:
        """Keep why a ticket was not begun: CHANGED since the preview, FAILED, it WAITS for another, or was GIVEN_UP."""
        with self._commit():
            self._note(batch, number, kind, words)

    def load(self, batch: str) -> KeptBatch:
        """A batch with its tickets. Raises InputError if there is none of that name."""
        row = self._database.execute("SELECT * FROM batches WHERE id = ?", (batch.strip().upper(),)).fetchone()
        if row is None:
            raise InputError(f"there is no batch {batch[:40]!r} in this home")
        return self._batch(row)

    def item(self, batch: str, number: int) -> KeptItem:
        """One ticket of a batch, with the runs that were begun for it by now."""
        runs = self._database.execute(
            "SELECT run FROM attempts WHERE batch = ? AND ticket_number = ? ORDER BY rowid", (batch, number)
        )
        row = self._database.execute("SELECT * FROM items WHERE batch = ? AND ticket_number = ?", (batch, number))
        return _item(row.fetchone(), tuple(one["run"] for one in runs))

    def batches(self, account: str) -> list[KeptBatch]:
        """Every batch of an account, newest first."""
        rows = self._database.execute(
            "SELECT * FROM batches WHERE account = ? ORDER BY confirmed_at DESC, rowid DESC", (account,)
        )
        return [self._batch(row) for row in rows.fetchall()]

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _commit(self) -> AbstractContextManager[None]:
        """One transaction. Raises Unrecorded, with nothing changed, if it cannot be put on the disk."""
        return committed(self._database, "the book of batches")

    def _note(self, batch: str, number: int, kind: str, words: str) -> None:
        self._database.execute(
            "UPDATE items SET note = ?, note_kind = ? WHERE batch = ? AND ticket_number = ?",
            (words, kind, batch, number),
        )

    def _batch(self, row: Row) -> KeptBatch:
        runs: dict[int, list[str]] = {}
        for one in self._database.execute("SELECT * FROM attempts WHERE batch = ? ORDER BY rowid", (row["id"],)):
            runs.setdefault(one["ticket_number"], []).append(one["run"])
        items = self._database.execute("SELECT * FROM items WHERE batch = ? ORDER BY place", (row["id"],))
        return KeptBatch(
            name=row["id"],
            account=row["account"],
            confirmed_at=datetime.fromisoformat(row["confirmed_at"]),
            confirmed_by=row["confirmed_by"],
            total_cents=row["total_cents"],
            is_taxed=bool(row["is_taxed"]),
            items=tuple(_item(one, tuple(runs.get(one["ticket_number"], ()))) for one in items),
        )


def _item(row: Row, runs: tuple[str, ...]) -> KeptItem:
    timer_ids = json.loads(row["timer_ids"])
    return KeptItem(
        number=row["ticket_number"],
        customer=row["customer"],
        subject=row["subject"],
        timer_ids=None if timer_ids is None else tuple(timer_ids),
        reasons=tuple(json.loads(row["reasons"])),
        blockers=tuple(json.loads(row["blockers"])),
        plan=msgspec.json.decode(row["plan"], type=Plan) if row["plan"] else None,
        runs=runs,
        note=row["note"],
        note_kind=row["note_kind"],
    )
