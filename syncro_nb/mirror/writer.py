"""What a sync puts into the mirror: rows that are new or differ, keys that are gone, and states, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..tables import TABLES
from .columns import Unkept, values, written, written_gone
from .store import Batch, Index, Store

# The column that names the record to which a row belongs.
PARENTS = {
    "comments": "ticket_id",
    "charges": "ticket_id",
    "timers": "ticket_id",
    "invoice_lines": "invoice_id",
    "schedule_lines": "schedule_id",
    "contacts": "customer_id",
}


@dataclass
class Changes:
    """How many rows of a table were new, changed, and gone."""

    new: int = 0
    changed: int = 0
    gone: int = 0

    @property
    def any(self) -> bool:
        """Whether there were any."""
        return bool(self.new or self.changed or self.gone)


class Writer:
    """Rows and states on their way to the store; `commit` writes what has come together since the last one."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.changes: dict[str, Changes] = {name: Changes() for name in TABLES}
        self._states = store.states()
        self._indexes: dict[str, Index] = {}
        self.batch = Batch()

    def index(self, name: str) -> Index:
        """The newest version of every row of a table."""
        if name not in self._indexes:
            self._indexes[name] = self.store.index(name, PARENTS.get(name))
        return self._indexes[name]

    def state(self, name: str) -> dict[str, Any]:
        """What is known under a name; change it and give it to `keep`."""
        return self._states.setdefault(name, {})

    def keep(self, name: str, **changed: Any) -> None:
        """Change a state with the next commit."""
        state = self.state(name)
        state.update(changed)
        self.batch.states[name] = state

    def put(self, name: str, record: Any) -> bool:
        """Whether a record is new or differs from the row that is there. Raises columns.Unkept."""
        row = values(name, record)
        parent = getattr(record, PARENTS[name]) if name in PARENTS else None
        return self._put(name, record.id, row, parent)

    def put_row(self, name: str, key: int, row: tuple[Any, ...]) -> bool:
        """The same with the values of a row, as the store gives them; it belongs to the same record as before."""
        return self._put(name, key, row, None)

    def append(self, name: str, record: Any) -> None:
        """A row that is new in any case."""
        self.batch.lines.setdefault(name, []).append(written(values(name, record))[1])
        if name in self.changes:
            self.changes[name].new += 1

    def drop(self, name: str, keys: Iterable[int]) -> None:
        """These rows are gone."""
        index = self.index(name)
        for key in keys:
            if index.get(key) is not None:
                index.note(key, None)
                self.batch.lines.setdefault(name, []).append(written_gone(key))
                self.changes[name].gone += 1

    def lose(self, name: str, key: int) -> None:
        """A row of one of the mirror's own tables is gone, if it was there."""
        self.batch.lines.setdefault(name, []).append(written_gone(key))

    def put_parts(self, name: str, parent: int, records: Iterable[Any]) -> list[tuple[int, str]]:
        """All rows that belong to a record: what was there and is not among them is gone.

        Gives the ids of those that the mirror cannot hold, and why.
        """
        there = self.index(name).children(parent)
        present, unkept = set(), []
        for record in records:
            try:
                self.put(name, record)
            except Unkept as error:
                unkept.append((record.id, str(error)))
            else:
                present.add(record.id)
        self.drop(name, there - present)
        return unkept

    def commit(self) -> None:
        """Write everything that has come together, all of it or nothing."""
        batch, self.batch = self.batch, Batch()
        self.store.commit(batch)

    def _put(self, name: str, key: int, row: tuple[Any, ...], parent: int | None) -> bool:
        mark, line = written(row)
        index = self.index(name)
        known = index.get(key)
        if known == mark:
            return False
        index.note(key, mark, parent)
        self.batch.lines.setdefault(name, []).append(line)
        changes = self.changes[name]
        if known is None:
            changes.new += 1
        else:
            changes.changed += 1
        return True
