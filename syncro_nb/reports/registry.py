"""Reports by name, what each needs, and the table that it makes."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .. import terms
from ..books import Books
from ..config import House, unknown
from ..errors import InputError
from ..frames import frame, of_columns, records
from ..reconcile.decisions import Decision, Sighting
from ..summary.missing import gaps, say
from ..tables import Column

if TYPE_CHECKING:
    import pandas as pd

# The order in which they are listed everywhere.
ORDER = (
    *("open", "wip", "uncharged", "no-time", "waiting", "blocks", "leakage", "rate", "utilisation", "realisation"),
    *("write-offs", "labour-mix", "response", "reopened", "top-talkers", "receivables", "unlinked", "recurring"),
    "checklist",
)
ABOUT = {
    "what": Column("str", "report, period, as of, incomplete or note"),
    "is": Column("str", "what is to be known"),
}


@dataclass(frozen=True)
class Question:
    """What a report is made from. `first` and `last` (days, both with it): the last calendar month unless they are given.

    `decisions` and `sightings`: what people decided about findings, and what earlier reconciliations found; None where
    nobody could look. `site`: the account's address, for links.
    """

    books: Books
    house: House
    first: date | None = None
    last: date | None = None
    decisions: tuple[Decision, ...] | None = None
    sightings: tuple[Sighting, ...] | None = None
    site: str | None = None

    @cached_property
    def period(self) -> tuple[date, date]:
        """First and last day. Without both, the calendar month before the day of the books."""
        today = terms.today(self.books)
        before = today.replace(day=1) - timedelta(days=1)
        last = self.last or (before if self.first is None else _month_end(self.first))
        first = self.first or last.replace(day=1)
        if first > last:
            raise InputError(f"the period begins on {first}, after its end on {last}")
        return first, last

    def within(self, days: pd.Series) -> pd.Series:
        """Which of these days (datetime64 without a zone) lie in the period."""
        import pandas as pd

        first, last = self.period
        return (days >= pd.Timestamp(first)) & (days <= pd.Timestamp(last))

    def local_days(self, instants: pd.Series) -> pd.Series:
        """The days on which instants fall in the account's time zone."""
        return terms.local_day(instants, self.books.zone)


@dataclass(frozen=True)
class Report:
    """A report: what it is for (the first sentence of its docstring), its columns, and what it reads.

    `monthly`: it covers a period; the others tell how things stand. `details_of`: the tables whose details must have been read.
    `of_findings`: it tells of findings, so that a look of today belongs to the sightings.
    """

    name: str
    columns: Mapping[str, Column]
    function: Callable[[Question], pd.DataFrame]
    needs: tuple[str, ...]
    details_of: tuple[str, ...] = ()
    monthly: bool = False
    notes: Callable[[Question], Iterable[str]] | None = None
    doubts: Callable[[Question], Iterable[str]] | None = None  # what could not be seen, besides gaps of the tables
    of_findings: bool = False

    @property
    def said(self) -> str:
        """What it shows, in a sentence."""
        text = " ".join((self.function.__doc__ or "").split())
        return text.split(". ")[0].rstrip(".") + "."


@dataclass(frozen=True, repr=False)
class Table:
    """A report that was made: its rows, how old they are, and what has to be known with them."""

    name: str
    said: str
    as_of: datetime
    rows: pd.DataFrame
    notes: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    missing: tuple[str, ...] = field(default=())

    @property
    def period(self) -> str:
        """ "2026-03-01 to 2026-03-31", or nothing where the report tells how things stand."""
        return f"{self.first} to {self.last}" if self.first else ""

    @property
    def about(self) -> pd.DataFrame:
        """What has to be known with the rows, as a table (ABOUT): the report, its period and age, what is missing, notes."""
        facts = [("report", self.said), ("period", self.period), ("as of", f"{self.as_of:%Y-%m-%d %H:%M %Z}")]
        facts += [("incomplete", one) for one in self.missing] + [("note", one) for one in self.notes]
        return frame(ABOUT, [fact for fact in facts if fact[1]])

    def text(self, width: int = 120, most: int = 60) -> list[str]:
        """As lines for a terminal: amounts in dollars, the first `most` rows, then the notes."""
        from ..escape import clip

        said = [f"{self.said}  {self.period}".rstrip(), f"As of {self.as_of:%Y-%m-%d %H:%M %Z}", ""]
        columns = {name: _shown(self.rows[name].head(most), self.as_of.tzinfo) for name in self.rows}
        heads = {name: name.removesuffix("_cents").replace("_", " ") for name in columns}
        wide = {
            name: min(48, max([len(heads[name]), *(len(clip(cell, 48)) for cell in cells)]))
            for name, (cells, _) in columns.items()
        }
        for name in [one for one in reversed(wide) if one != "amount_cents"]:  # what does not fit is in --out
            if len(wide) > 3 and sum(wide.values()) + 2 * len(wide) > width:
                wide.pop(name)

        def row(cells: Mapping[str, str]) -> str:
            aligned = [
                f"{clip(cells[name], room):>{room}}" if columns[name][1] else f"{clip(cells[name], room):<{room}}"
                for name, room in wide.items()
            ]
            return "  ".join(aligned).rstrip()

        said += [row(heads)]
        said += [
            row({name: cells[at] for name, (cells, _) in columns.items()}) for at in range(min(most, len(self.rows)))
        ]
        if len(self.rows) == 0:
            said.append("No rows." if not self.missing else "No rows, which proves nothing: see below.")
        if len(self.rows) > most:
            said.append(f"... and {len(self.rows) - most:,} more rows; --out FILE writes them all")
        if len(wide) < len(columns):
            said.append(
                f"(further columns in --out and --json: {', '.join(name for name in columns if name not in wide)})"
            )
        said += ["", *(f"Incomplete: {one}" for one in self.missing)] if self.missing else []
        return said + (["", *self.notes] if self.notes else [])

    def as_json(self) -> dict[str, Any]:
        """As `syncro report NAME --json` prints it: amounts in whole cents, days and instants as text."""
        return {
            "report": self.name,
            "as_of": self.as_of.isoformat(),
            "from": self.first.isoformat() if self.first else None,
            "to": self.last.isoformat() if self.last else None,
            "rows": records(self.rows),
            "incomplete": list(self.missing),
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        missing = "; INCOMPLETE" if self.missing else ""
        return f"<report {self.name}: {len(self.rows):,} rows{f', {self.period}' if self.first else ''}{missing}>"


REPORTS: dict[str, Report] = {}


def report(
    name: str,
    columns: Mapping[str, Column],
    *needs: str,
    details_of: tuple[str, ...] = (),
    monthly: bool = False,
    notes: Callable[[Question], Iterable[str]] | None = None,
    doubts: Callable[[Question], Iterable[str]] | None = None,
    of_findings: bool = False,
) -> Callable[[Callable[[Question], pd.DataFrame]], Callable[[Question], pd.DataFrame]]:
    """Register a report under its name."""

    def register(function: Callable[[Question], pd.DataFrame]) -> Callable[[Question], pd.DataFrame]:
        REPORTS[name] = Report(name, columns, function, needs, details_of, monthly, notes, doubts, of_findings)
        return function

    return register


def every_report() -> Mapping[str, Report]:
    """All reports, in the order of docs/command-line.md."""
    from . import close, monthly, weekly  # noqa: F401 - they register themselves

    return {name: REPORTS[name] for name in ORDER}


def find(name: str) -> Report:
    """The report of that name, not made yet. Raises InputError naming the nearest ones where there is none."""
    known = every_report()
    if name not in known:
        raise InputError(unknown("report", name, known))
    return known[name]


def make(name: str, question: Question) -> Table:
    """The report of that name. Raises InputError naming the nearest ones where there is none."""
    one = find(name)
    books = question.books
    absent = [table for table in one.needs if table not in books.known]
    rows = one.function(question)
    told = [gaps(books, *one.needs, details_of=name) for name in ((not absent and one.details_of) or (None,))]
    missing = [say(gap) for gap in dict.fromkeys(gap for some in told for gap in some)]
    missing += one.doubts(question) if one.doubts else ()
    first, last = question.period if one.monthly else (None, None)
    return Table(
        name,
        one.said,
        books.as_of.astimezone(books.zone),
        of_columns(one.columns, rows),
        (*_standing(one, question), *(one.notes(question) if one.notes else ())),
        first,
        last,
        tuple(missing),
    )


def _standing(one: Report, question: Question) -> Iterator[str]:
    if not one.monthly and (question.first or question.last):
        yield "It tells how things stand as of the time above; a period does not apply to it."


def _month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _shown(column: pd.Series, zone: tzinfo | None) -> tuple[list[str], bool]:
    """A column's cells for reading, instants by the clock of a zone; and whether they are numbers."""
    import pandas as pd

    from ..escape import line
    from ..money import format_cents

    name = str(column.name)
    if name.endswith("_cents"):
        return ["" if pd.isna(one) else format_cents(int(one)) for one in column], True
    if pd.api.types.is_float_dtype(column.dtype):
        return ["" if pd.isna(one) else f"{one:,.2f}" for one in column], True
    if pd.api.types.is_bool_dtype(column.dtype):
        return ["yes" if one else "" for one in column], False
    if pd.api.types.is_integer_dtype(column.dtype):
        return ["" if pd.isna(one) else str(one) for one in column], True
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return ["" if pd.isna(one) else f"{one.astimezone(zone):%Y-%m-%d %H:%M}" for one in column], False
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return ["" if pd.isna(one) else f"{one:%Y-%m-%d}" for one in column], False
    return ["" if pd.isna(one) else line(one) for one in column], False
