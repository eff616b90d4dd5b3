"""The books: every table of one account as it was known at one time, and what is missing from them.

The mirror gives them from the disk, tests make them from records. Summaries, rules and reports read nothing else, so that
each can say how old its figures are and what it could not see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from . import frames
from .service.records import Settings, TicketSettings
from .tables import TABLES
from .zones import zone_of

if TYPE_CHECKING:
    import pandas as pd


NEVER_READ = "it was never read"


@dataclass(frozen=True)
class Gap:
    """What is missing from a table: why, and how many records it concerns (None: nobody can say).

    `of_details`: rows that only the details of other records give; `records` counts these, of any kind and age.
    """

    table: str
    reason: str
    records: int | None = None
    of_details: bool = False


@dataclass(frozen=True)
class Books:
    """Tables by name (tables.TABLES) as of one instant. `gaps` lists what is incomplete; an empty list means complete.

    `settings` None: the account's settings could not be read. `load` is asked once for each table and set of columns.
    """

    as_of: datetime
    settings: Settings | None = None
    ticket_settings: TicketSettings | None = None
    tables: Mapping[str, Any] = field(default_factory=dict)
    gaps: Sequence[Gap] = ()

    def table(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """One table, only with these columns if they are given. A table that nothing is known of is empty."""
        whole = self.tables.get(name)
        if whole is None:
            whole = frames.from_records(name, [])
        return whole if columns is None else whole[list(columns)]

    def gaps_of(self, *names: str, of_details: bool = True) -> tuple[Gap, ...]:
        """What is missing from these tables; `of_details`: with what only the details of other records give."""
        found = [gap for gap in self.gaps if gap.table in names and (of_details or not gap.of_details)]
        return (*found, *self._never_read(names, found))

    def _never_read(self, names: Sequence[str], found: Sequence[Gap]) -> list[Gap]:
        """Those of which nothing is known, unless it was found why."""
        told = {gap.table for gap in found}
        return [Gap(name, NEVER_READ) for name in names if name not in self.known and name not in told]

    @property
    def known(self) -> frozenset[str]:
        """The tables that were read at all."""
        return frozenset(self.tables)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The account's time zone; UTC if Syncro names none that this machine knows."""
        return self.known_zone or ZoneInfo("UTC")

    @property
    def known_zone(self) -> ZoneInfo | None:
        """The same; None if Syncro names none that this machine knows."""
        return zone_of(self.settings.locale if self.settings else None)


def from_records(records: Mapping[str, Sequence[Any]], *, as_of: datetime, **more: Any) -> Books:
    """Books of records by table name, for tests and small accounts. Tables that are not named were never read.

    Tickets, invoices and customers count as read in full (`detail_at`, `named_at`).
    """
    made = {name: frames.from_records(name, rows) for name, rows in records.items() if name in TABLES}
    for frame in made.values():
        for name in ("detail_at", "named_at"):
            if name in frame:
                frame[name] = as_of.astimezone(UTC)
                frame[name] = frame[name].astype("datetime64[us, UTC]")
    return Books(as_of=as_of, tables=made, **more)
