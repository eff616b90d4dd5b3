"""Rows of a list that could not be read: which, and why; known from sync to sync until they can be read, or are gone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

MOST_KEPT = 1_000  # rows; of a list of which nothing can be read, more would tell no more
_TOLD = 3


class Unread:
    """The unreadable rows of one table, by id; of one that has no id either only what is wrong with it is known."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._rows: dict[int | str, str] = {_key(key): said for key, said in state.get("unreadable_rows", {}).items()}
        self._owners: dict[int | str, int] = {_key(key): of for key, of in state.get("unreadable_of", {}).items()}

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def ids(self) -> set[int]:
        """The ids of those that have one."""
        return {key for key in self._rows if isinstance(key, int)}

    def add(self, key: int | str, said: str, of: int | None = None) -> None:
        """A row could not be read: its id, else where it was met; `of`: the id of the record in whose detail it stands."""
        self._rows[key] = said
        if of is not None:
            self._owners[key] = of

    def has_nameless(self, said: str) -> bool:
        """Whether a row without an id and with this fault is known."""
        return any(fault == said for key, fault in self._rows.items() if isinstance(key, str))

    def forget_of(self, owner: int) -> bool:
        """The detail of this record was read, or it is gone: its rows are told again if they still cannot be read.

        Whether there were any.
        """
        old = [place for place, of in self._owners.items() if of == owner]
        for place in old:
            del self._owners[place]
            self._rows.pop(place, None)
        return bool(old)

    def drop(self, key: int) -> None:
        """It could be read, or is gone."""
        self._rows.pop(key, None)
        self._owners.pop(key, None)

    def keep(self, seen: Collection[int]) -> None:
        """The list was read through, and these ids were on it."""
        self._rows = {key: said for key, said in self._rows.items() if not isinstance(key, int) or key in seen}

    def forget_without_id(self) -> None:
        """The list is read from its beginning: what has no id is told again if it is still there."""
        self._rows = {key: said for key, said in self._rows.items() if isinstance(key, int)}

    def as_state(self) -> dict[str, Any]:
        """What is kept of it."""
        told = [f"id {key}: {said}" if isinstance(key, int) else said for key, said in self._rows.items()]
        more = [f"and {len(told) - _TOLD} more"] if len(told) > _TOLD else []
        rows = list(self._rows.items())[:MOST_KEPT]
        return {
            "unreadable": len(told),
            "unreadable_because": "; ".join([*(one[:160] for one in told[:_TOLD]), *more]),
            "unreadable_rows": {str(key): said[:200] for key, said in rows},
            "unreadable_of": {str(key): self._owners[key] for key, _ in rows if key in self._owners},
        }


def _key(text: str) -> int | str:
    return int(text) if text.isdigit() else text
