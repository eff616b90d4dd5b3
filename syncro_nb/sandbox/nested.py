"""Names as Rails reads them in forms and queries: `customer[email]`, `tag_list[]`, `comments_attributes[][body]`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_NAME = re.compile(r"[^\[\]]+")
_PART = re.compile(r"\[([^\[\]]*)\]")
_DEEPEST = 20


def nest(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The fields that the pairs make; of two values for one place the later holds. An odd name is left as it is."""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        head = _NAME.match(name)
        parts = _PART.findall(name[head.end() :]) if head else []
        if not head or len(parts) > _DEEPEST or head.end() + sum(len(part) + 2 for part in parts) != len(name):
            fields[name] = value
        else:
            fields[head[0]] = _put(fields.get(head[0]), parts, value)
    return fields


def _put(place: Any, parts: list[str], value: str) -> Any:
    """`place` with the value put in at `parts`. An empty part is the next row of a list."""
    if not parts:
        return value
    if parts[0] == "":
        rows = place if isinstance(place, list) else []
        inner = parts[1:]
        last = rows[-1] if rows else None
        if inner and isinstance(last, dict) and inner[0] not in last:
            return [*rows[:-1], _put(last, inner, value)]  # another field of the row that is being written
        return [*rows, _put(None, inner, value)]
    row = dict(place) if isinstance(place, dict) else {}
    row[parts[0]] = _put(row.get(parts[0]), parts[1:], value)
    return row
