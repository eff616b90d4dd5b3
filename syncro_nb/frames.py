"""The declared tables: what each column holds, its dtype and unit; and records -> pandas DataFrames.

Cents are int64, times are aware (UTC), statuses are categories. A frame is sorted and has the same columns whether or not it
has rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .service.records import Comment, Ticket, TicketLine, Timer
from .tables import INSTANT, TABLES, Column

if TYPE_CHECKING:
    import pandas as pd


OPEN_TICKETS = {
    "number": Column("int64", "ticket number, as people see it"),
    "status": Column("category", "the account's own word"),
    "customer": Column("str", "business name, else the person's"),
    "subject": Column("str", "subject as written"),
    "priority": Column("category", "the account's own word; empty is normal"),
    "technician": Column("category", "who it is assigned to; empty is nobody"),
    "age_days": Column("int64", "whole days since it was created"),
    "created_at": Column("datetime64[us, UTC]", "when it was created"),
    "updated_at": Column("datetime64[us, UTC]", "when anything on it last changed"),
}
COMMENTS = {
    "at": Column("datetime64[us, UTC]", "when it was written"),
    "author": Column("str", "technician, or the customer's person"),
    "subject": Column("str", "subject"),
    "text": Column("str", "the comment"),
    "hidden": Column("bool", "never shown to the customer"),
}
LINES = {
    "line_id": Column("int64", "ticket line item id"),
    "name": Column("str", "product name"),
    "description": Column("str", "text as on the invoice"),
    "hours": Column("float64", "quantity: hours for labour, pieces otherwise", None, False, "hours or pieces"),
    "price_cents": Column("int64", "price of one, in cents"),
    "amount_cents": Column("int64", "quantity × price, half up, in cents"),
    "invoiced": Column("bool", "it is on an invoice"),
}
TIMERS = {
    "timer_id": Column("int64", "timer entry id"),
    "started_at": Column("datetime64[us, UTC]", "when the work began"),
    "worked_minutes": Column("float64", "actual time", nullable=False),
    "billable_minutes": Column("float64", "billable time: the override, else Syncro's", nullable=False),
    "billable": Column("bool", "it is to be charged"),
    "charged": Column("bool", "it is a line item already"),
    "notes": Column("str", "what was done"),
}
RUNS = {
    "run": Column("str", "name of the run"),
    "ticket": Column("int64", "ticket number"),
    "kind": Column("category", "what was written"),
    "state": Column("category", "open, done, abandoned, or nothing was written"),
    "step": Column("str", "where it stands; empty when it has ended"),
    "next": Column("str", "resume, decide, or empty"),
    "started_at": Column("datetime64[us, UTC]", "when it was confirmed"),
}


DICTIONARY = {
    "column": Column("str", "name of the column"),
    "dtype": Column("str", "its pandas dtype"),
    "unit": Column(
        "str", "cents, seconds, minutes, hours, days, millionths, percent; empty: it counts or names something"
    ),
    "nullable": Column("bool", "it may be absent; text that nobody wrote is empty, and not absent"),
    "meaning": Column("str", "what it holds"),
}
# What other rooms declare, by the name to ask for it. They build on this one, so it looks there only when asked.
_ELSEWHERE = {
    "unbilled": "summary.unbilled:UNBILLED",
    "totals": "summary.unbilled:TOTALS",
    "by_mode": "summary.unbilled:BY_MODE",
    "without_time": "summary.unbilled:WITHOUT_TIME",
    "problems": "summary.unbilled:PROBLEMS",
    "policy_change": "summary.unbilled:POLICY_CHANGE",
    "open_tickets": "summary.open_tickets:OPEN",
    "counts": "summary.open_tickets:COUNTS",
    "changes": "summary.open_tickets:CHANGES",
    "queue": "triage:QUEUE",
    "findings": "reconcile.report:FINDINGS",
    "blocks": "reconcile.blocks:BLOCKS",
    "freshness": "mirror.mirror:FRESHNESS",
    "unreadable": "mirror.mirror:UNREADABLE",
}


def dictionary(table: str) -> pd.DataFrame:
    """What each column of a table of the mirror or of a summary holds, as DICTIONARY. Raises InputError for another name."""
    if table in TABLES:
        columns = TABLES[table].columns
    elif table in _ELSEWHERE:
        columns = resolve_name(f"{__package__}.{_ELSEWHERE[table]}")
    else:
        raise InputError(f"there is no table {table[:40]!r}; there is: {', '.join((*TABLES, *_ELSEWHERE))}")
    return frame(
        DICTIONARY,
        ((name, one.dtype, one.unit_as(name), one.may_be_absent, one.meaning) for name, one in columns.items()),
    )


def frame(columns: Mapping[str, Column], rows: Iterable[Sequence[Any]]) -> pd.DataFrame:
    """A DataFrame of exactly these columns and dtypes, one row per sequence."""
    import pandas as pd

    listed = list(rows)
    values: dict[str, Any] = {}
    for place, (name, column) in enumerate(columns.items()):
        cells = [row[place] for row in listed]
        if column.dtype.startswith("datetime64"):
            aware = "UTC" in column.dtype
            values[name] = pd.Series(pd.to_datetime(pd.Series(cells, dtype=object), utc=aware)).astype(column.dtype)
        elif column.dtype == "str":
            values[name] = pd.Series(cells, dtype=object).astype("str") if cells else pd.Series([], dtype="str")
        else:
            values[name] = pd.Series(cells, dtype=column.dtype)
    return pd.DataFrame(values)


def of_columns(columns: Mapping[str, Column], rows: pd.DataFrame) -> pd.DataFrame:
    """A DataFrame cut to exactly these columns, in their order and dtypes, its rows numbered from 0."""
    cut = rows[list(columns)].reset_index(drop=True)
    return cut.astype({name: column.dtype for name, column in columns.items() if cut[name].dtype != column.dtype})


def from_arrow(data: Any, columns: Mapping[str, Column]) -> pd.DataFrame:
    """An Arrow table as a DataFrame of the declared dtypes, which takes over its memory where possible, to write to, too.

    Raises InputError where a number, a flag or a text that must be there is absent. A category that is absent is one that an
    older version of this package did not keep, and stays so.
    """
    import pandas as pd

    made = {}
    for name in data.column_names:
        column, dtype = data.column(name), columns[name].dtype
        if dtype != "category" and not columns[name].may_be_absent and column.null_count:
            first = column.is_null().index(True).as_py()
            raise InputError(f"{column.null_count} rows have no {name}, the first of them row {first + 1}")
        made[name] = _series(column, dtype)
    return pd.DataFrame(made, copy=False)


def _series(values: Any, dtype: str) -> Any:
    import numpy as np
    import pandas as pd

    if dtype == INSTANT:  # whole microseconds are what both have in memory
        return pd.Series(_numbers(values.cast("int64").fill_null(pd.NaT.value)), copy=False).astype(dtype)
    if dtype == "Int64":
        absent = values.is_null().to_numpy() if values.null_count else np.zeros(len(values), bool)
        return pd.Series(pd.arrays.IntegerArray(_numbers(values.cast("int64")), absent), copy=False)
    if dtype in ("int64", "float64") and not values.null_count:
        return pd.Series(_numbers(values.cast(dtype.replace("float64", "double"))), copy=False)
    if dtype in ("boolean", "str"):
        declared = pd.Series([], dtype=dtype).dtype
        if hasattr(declared, "__from_arrow__"):
            return pd.Series(declared.__from_arrow__(values), copy=False)
        return values.to_pandas().astype(dtype)
    if dtype == "category":
        return _sorted_categories(values.to_pandas())
    return values.to_pandas().astype(dtype)


def _numbers(values: Any) -> Any:
    """Numbers of Arrow as an array that can be written to, as they lie in memory where possible; those absent are anything.

    pandas would copy them, twice where some are absent.
    """
    import numpy as np

    whole = values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()
    data = whole.buffers()[1]
    if data is None:
        return np.zeros(len(whole), whole.type.to_pandas_dtype())
    numbers = np.frombuffer(data, whole.type.to_pandas_dtype(), len(whole), whole.offset * (whole.type.bit_width // 8))
    return numbers if numbers.flags.writeable else numbers.copy()


def _sorted_categories(words: pd.Series) -> pd.Series:
    """The same with only the categories that occur, sorted. pandas has this, too, and takes ten times as long."""
    import numpy as np
    import pandas as pd

    codes, known = words.cat.codes.to_numpy(), words.cat.categories
    used = np.bincount(codes + 1, minlength=len(known) + 1)[1:] > 0
    kept = sorted(known[used])
    if len(kept) == len(known) and kept == list(known):
        return words
    places = np.append(pd.Index(kept, dtype=known.dtype).get_indexer(known), -1)  # the last is that of absent ones
    return pd.Series(pd.Categorical.from_codes(places[codes], pd.Index(kept, dtype=known.dtype)), index=words.index)


def from_records(table: str, records: Iterable[Any]) -> pd.DataFrame:
    """Records as one of the declared tables (tables.TABLES), in their order; columns that only the mirror fills are empty."""
    declared = TABLES[table]
    return frame(declared.columns, (declared.row(record) for record in records))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as plain dictionaries that json can write: cents as they are, instants and days as text, absent as None."""
    columns = [_plain(frame[name]) for name in frame]
    return [dict(zip(frame, row, strict=True)) for row in zip(*columns, strict=True)]


def open_tickets(tickets: Iterable[Ticket], now: datetime) -> pd.DataFrame:
    """Tickets as OPEN_TICKETS, newest first."""
    newest = sorted(tickets, key=lambda ticket: ticket.number, reverse=True)
    return frame(
        OPEN_TICKETS,
        (
            (
                ticket.number,
                ticket.status,
                ticket.customer_name,
                ticket.subject,
                ticket.priority,
                ticket.technician_label,
                (now - ticket.created_at).days if ticket.created_at else 0,
                ticket.created_at,
                ticket.updated_at,
            )
            for ticket in newest
        ),
    )


def comments(rows: Iterable[Comment]) -> pd.DataFrame:
    """Comments as COMMENTS, newest first."""
    newest = sorted(rows, key=lambda row: row.id, reverse=True)
    return frame(COMMENTS, ((row.created_at, row.author, row.subject, row.body, row.hidden) for row in newest))


def lines(rows: Iterable[TicketLine]) -> pd.DataFrame:
    """Ticket line items as LINES, in their order."""
    from .money import line_cents

    return frame(
        LINES,
        (
            (
                row.id,
                row.name,
                row.description,
                float(row.quantity),
                row.price_cents,
                line_cents(row.quantity, row.price_cents),
                row.converted,
            )
            for row in rows
        ),
    )


def timers(rows: Iterable[Timer]) -> pd.DataFrame:
    """Timer entries as TIMERS, in their order."""
    return frame(
        TIMERS,
        (
            (
                row.id,
                row.started_at,
                row.worked_seconds / 60,
                row.charged_seconds / 60,
                row.billable,
                row.recorded or row.line_item_id is not None,
                row.notes,
            )
            for row in rows
        ),
    )


def _plain(column: pd.Series) -> list[Any]:
    import pandas as pd

    text = column
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        text = column.map(lambda at: at.isoformat(), na_action="ignore")
    elif pd.api.types.is_datetime64_dtype(column.dtype):
        text = column.dt.strftime("%Y-%m-%d")
    values = text.astype(object).tolist()
    absent = column.isna().tolist()
    return [
        None if gone else value.item() if hasattr(value, "item") else value
        for value, gone in zip(values, absent, strict=True)
    ]
