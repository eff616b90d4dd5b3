"""Records as the values that the mirror keeps: whole numbers, text, true and false, and nothing that a file could not hold.

An instant is microseconds and a day milliseconds since 1970; what stands for one is the declared column (`tables.py`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import blake2b
from typing import Any

from ..tables import DAY, INSTANT, TABLES, Column, Table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_LARGEST = 2**63 - 1
_DAY_MS = 86_400_000


class Unkept(ValueError):
    """A record that the mirror cannot hold; the message names the column."""


@dataclass(frozen=True)
class DetailRead:
    """That a record was read by itself: when, and its `updated_at` at that time. Kept beside the record's own table."""

    id: int
    updated_at: datetime | None
    read_at: datetime
    prepaid_millionths: int | None = None
    ticket_id: int | None = None


def _detail_table(name: str, source: str, **more: Column) -> Table:
    columns = {
        "id": Column("int64", "id of the record"),
        "updated_at": Column(INSTANT, "its updated_at as the detail gave it"),
        "read_at": Column(INSTANT, "when it was read, by the server's clock"),
        **more,
    }
    return Table(name, "id", source, DetailRead, columns)


# What the mirror keeps for itself, beside the declared tables.
OWN_TABLES = {
    table.name: table
    for table in (
        _detail_table("ticket_details", "GET /tickets/{id}"),
        _detail_table(
            "customer_details",
            "GET /customers/{id}",
            prepaid_millionths=Column("Int64", "prepaid hours left, exactly, in millionths"),
        ),
        _detail_table("invoice_details", "GET /line_items, GET /invoices/{id}"),
        _detail_table(
            "invoice_owners",
            "GET /invoices/{id}",
            ticket_id=Column(
                "Int64", "id of the ticket that it names; absent: none, which a list alone does not prove"
            ),
        ),
    )
}
# Columns that are not kept with the row, because another read gives them: they are joined when the table is loaded, each from
# a table of the mirror's own and a column of it.
JOINED: dict[str, dict[str, tuple[str, str]]] = {
    "tickets": {"detail_at": ("ticket_details", "read_at")},
    "invoices": {"detail_at": ("invoice_details", "read_at"), "named_at": ("invoice_owners", "read_at")},
    "customers": {
        "detail_at": ("customer_details", "read_at"),
        "prepaid_millionths": ("customer_details", "prepaid_millionths"),
        "prepaid_hours": ("customer_details", "prepaid_millionths"),
    },
}


def declared(name: str) -> Table:
    """A table of the books or of the mirror's own."""
    return TABLES.get(name) or OWN_TABLES[name]


@cache
def kept_columns(name: str) -> dict[str, Column]:
    """The columns of a table that are kept with its rows."""
    joined = JOINED.get(name, {})
    return {column: one for column, one in declared(name).columns.items() if column not in joined}


def values(name: str, record: Any) -> tuple[Any, ...]:
    """A record as the values of the kept columns, in their order. Raises Unkept."""
    return tuple(
        _kept(column, one, getattr(record, column) if one.take is None else one.take(record))
        for column, one in kept_columns(name).items()
    )


def written(row: Sequence[Any]) -> tuple[int, str]:
    """A row of values as one line of JSON, with a number in front that tells two versions of the row apart."""
    text = json.dumps(row, separators=(",", ":"))
    mark = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
    return mark, f"[{mark},{text[1:]}"


def written_gone(key: Any) -> str:
    """The line that says that a row is gone."""
    return f"[null,{json.dumps(key)}]"


def microseconds(moment: datetime) -> int:
    """An aware instant as microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def instant(value: int) -> datetime:
    """Microseconds since 1970 as an aware instant."""
    return _EPOCH + value * _MICROSECOND


def _kept(name: str, column: Column, value: Any) -> Any:
    if value is None:
        if column.dtype in ("int64", "bool", "str"):
            raise Unkept(f"no {name}")
        return None
    if column.dtype == INSTANT:
        return microseconds(value)
    if column.dtype == DAY:
        return (value - _FIRST_DAY).days * _DAY_MS
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise Unkept(f"{name} is too large a number")
    return value
