"""Books amended by what was read live: absence is proved by the detail, never by a list.

A report says which details it would need (`proofs_wanted`); the workspace reads them with the analyst's consent, and the rules
are asked again on the amended books.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pandas as pd

from .. import frames
from ..books import Books, Gap
from ..service.records import Invoice, Ticket

MOST = 200  # details that one reconciliation reads live, unless it is told otherwise


@dataclass(frozen=True)
class Amendment:
    """Rows that take the place of all rows of some owners (tickets, invoices) in one table."""

    owner: str
    ids: frozenset[int]
    rows: pd.DataFrame


@dataclass(frozen=True)
class Amended(Books):
    """Books with some rows read anew; everything else is as in `base`."""

    base: Books | None = None
    amendments: Mapping[str, Amendment] = field(default_factory=dict)

    def table(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """One table, amended, only with these columns if they are given."""
        assert self.base is not None
        amendment = self.amendments.get(name)
        if amendment is None:
            return self.base.table(name, columns)
        wanted = None if columns is None else [*columns, *({amendment.owner} - set(columns))]
        whole = self.base.table(name, wanted)
        kept = whole[~whole[amendment.owner].isin(list(amendment.ids))]
        rows = amendment.rows[list(whole.columns)]
        joined = {one: _joined(kept[one], rows[one]) for one in whole.columns}
        made = pd.DataFrame(joined)
        return made if columns is None else made[list(columns)]

    def gaps_of(self, *names: str, of_details: bool = True) -> tuple[Gap, ...]:
        """What is missing from these tables; `of_details`: with what only the details of other records give."""
        assert self.base is not None
        return self.base.gaps_of(*names, of_details=of_details)

    @property
    def known(self) -> frozenset[str]:
        """The tables that were read at all."""
        assert self.base is not None
        return self.base.known


def _joined(one: pd.Series, other: pd.Series) -> pd.Series:
    if not len(other):
        return one.reset_index(drop=True)
    if isinstance(one.dtype, pd.CategoricalDtype):
        text = pd.concat([one.astype("str"), other.astype("str")], ignore_index=True)
        return text.astype("category")
    return pd.concat([one, other.astype(one.dtype)], ignore_index=True)


def amend(books: Books, tickets: Sequence[Ticket], invoices: Sequence[Invoice], read_at: datetime) -> Books:
    """The books with the details of these tickets and invoices as they were read at that time.

    Of a ticket only what the detail tells is taken: comments, lines, timers, status, and when it changed; the rest is the
    list row's. Invoices that are not in the books yet are added.
    """
    numbers = frozenset(one.id for one in tickets)
    bills = frozenset(one.id for one in invoices)
    inner: dict[str, list[Any]] = {
        "comments": [replace(row, ticket_id=one.id) for one in tickets for row in one.comments or ()],
        "charges": [replace(row, ticket_id=one.id) for one in tickets for row in one.lines or ()],
        "timers": [replace(row, ticket_id=one.id) for one in tickets for row in one.timers or ()],
    }
    amendments = {
        name: Amendment("ticket_id", numbers, frames.from_records(name, rows))
        for name, rows in inner.items()
        if name in books.known
    }
    amendments["tickets"] = Amendment("ticket_id", numbers, _tickets(books, tickets, read_at))
    if bills:
        rows = _read(frames.from_records("invoices", invoices), read_at)
        lines = [replace(line, invoice_id=one.id) for one in invoices for line in one.lines or ()]
        amendments["invoices"] = Amendment("invoice_id", bills, rows)
        amendments["invoice_lines"] = Amendment("invoice_id", bills, frames.from_records("invoice_lines", lines))
    return Amended(
        as_of=books.as_of,
        settings=books.settings,
        ticket_settings=books.ticket_settings,
        gaps=books.gaps,
        base=books,
        amendments=amendments,
    )


def _tickets(books: Books, details: Sequence[Ticket], read_at: datetime) -> pd.DataFrame:
    whole = books.table("tickets")
    rows = whole[whole["ticket_id"].isin([one.id for one in details])].copy()
    by_id = {one.id: one for one in details}
    known: list[Any] = [by_id[int(one)] for one in rows["ticket_id"]]
    rows["status"] = pd.Series([one.status for one in known], index=rows.index, dtype="str").astype("category")
    for name in ("updated_at", "resolved_at"):
        told = pd.to_datetime(
            pd.Series([getattr(one, name) for one in known], index=rows.index, dtype=object), utc=True
        )
        rows[name] = told.astype(whole[name].dtype)
    return _read(rows, read_at)


def _read(rows: pd.DataFrame, read_at: datetime) -> pd.DataFrame:
    stamp = pd.Series(pd.Timestamp(read_at).tz_convert("UTC"), index=rows.index)
    return rows.assign(detail_at=stamp.astype("datetime64[us, UTC]"))
