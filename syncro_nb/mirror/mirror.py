"""The mirror of one account as it is read: frames with only the columns that are asked for, and what is missing from them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .. import frames
from ..books import NEVER_READ, Books, Gap
from ..errors import InputError
from ..service import wire
from ..service.records import Settings, TicketSettings
from ..tables import TABLES, Column
from .columns import JOINED, microseconds
from .details import old_blocks
from .lists import moment_of
from .store import Batch, Moved, Pin, Store

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

# The list on which a table depends, where that is not its own.
_LIST_OF = {"comments": "tickets", "charges": "tickets", "schedule_lines": "schedules", "prepaid": "customers"}
_LOOK = "look"
_LOOKS = 8  # at files that a sync goes on rewriting
_SETTINGS = ("settings", "ticket_settings")  # one record each
MOST_ID = 2**63  # no column holds a larger number
_DETAILS = {"tickets": "ticket_details", "customers": "customer_details", "invoices": "invoice_details"}

FRESHNESS = {
    "table": Column("str", "name of the table"),
    "rows": Column("int64", "rows that are here"),
    "as_of": Column("datetime64[us, UTC]", "when it was last read, by the server's clock; absent: never"),
    "complete": Column("bool", "nothing is known to be missing"),
    "missing": Column("Int64", "records that are missing; absent: none, or nobody can say"),
    "why": Column("str", "what is missing, and why"),
}

UNREADABLE = {
    "table": Column("str", "name of the table in which it is missing"),
    "record_id": Column("Int64", "its id; absent: not even that could be read"),
    "why": Column("str", "the field, and what is wrong with it"),
}


def steadily(make: Callable[[], T]) -> T:
    """What `make` makes of books that it opens; made again where a sync has rewritten their files meanwhile."""
    for _ in range(_LOOKS - 1):
        with suppress(Moved):
            return make()
    return make()


class Mirror:
    """One account's mirror in a folder, for reading; it never waits for a sync."""

    def __init__(self, folder: Path) -> None:
        self._store = Store(folder)
        self._cache: dict[str, tuple[tuple[Any, ...], pd.DataFrame]] = {}

    def close(self) -> None:
        """Close the files."""
        self._store.close()

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._store.folder

    @property
    def as_of(self) -> datetime | None:
        """When the last sync began that came to its end, else the one that is under way; None before the first."""
        states = self._store.states()
        found = moment_of(states.get("sync", {}).get("as_of"))
        read = [at for name in TABLES if (at := moment_of(states.get(name, {}).get("as_of"))) is not None]
        begun = [at for one in states.values() if (at := moment_of((one.get("pass") or {}).get("started"))) is not None]
        return found or min([*read, *begun], default=None)

    def load(self, name: str, columns: Sequence[str] | None = None, pin: Pin | None = None) -> pd.DataFrame:
        """One table (tables.TABLES), sorted by its key; only these columns if they are given. `attrs["as_of"]` is its age.

        `pin` (Store.pin): as it was at that instant. Raises InputError for a table or a column that there is not, and
        store.Damaged and store.Moved.
        """
        table = TABLES.get(name)
        if table is None:
            raise InputError(f"there is no table {name[:40]!r}; there is: {', '.join(TABLES)}")
        wanted = list(table.columns if columns is None else columns)
        unknown = [column for column in wanted if column not in table.columns]
        if unknown:
            raise InputError(f"the table {name} has no column {str(unknown[0])[:40]!r}")
        joined = [column for column in wanted if column in JOINED.get(name, ())]
        kept = [column for column in wanted if column not in joined]
        needed = list(dict.fromkeys([*kept, table.key])) if joined else kept
        data = self._store.load(name, needed, pin)
        if joined:
            data = self._store.join(data, name, joined, pin)
        made = frames.from_arrow(data.select(wanted), table.columns)
        made.attrs["as_of"] = self.age_of(name)
        return made

    def frame(self, name: str) -> pd.DataFrame:
        """A whole table but for `extra`, which is as large as all the rest; kept in memory until it changes."""
        version = self._store.version_joined(name)
        kept = self._cache.get(name)
        if kept is None or kept[0] != version:
            kept = (version, self.load(name, [column for column in TABLES[name].columns if column != "extra"]))
            self._cache[name] = kept
        made = kept[1].copy(deep=False)
        made.attrs["as_of"] = self.age_of(name)
        return made

    def as_of_table(self, name: str) -> datetime | None:
        """When a table was last read; None: never."""
        return moment_of(self._store.state(_LIST_OF.get(name, name)).get("as_of"))

    def age_of(self, name: str) -> str | None:
        """The same as text, since pandas writes what is attached to a frame into a Parquet file as JSON."""
        read_at = self.as_of_table(name)
        return read_at.isoformat(timespec="seconds") if read_at else None

    def known(self) -> frozenset[str]:
        """The tables of which something was read."""
        states = self._store.states()
        return frozenset(
            name
            for name in TABLES
            if states.get(_LIST_OF.get(name, name), {}).get("as_of") or any(self._store.version(name))
        )

    def settings(self) -> Settings | None:
        """The account's settings; None if they could not be read."""
        data = self._store.state("settings").get("record")
        return None if data is None else wire.read(Settings, data)

    def ticket_settings(self) -> TicketSettings | None:
        """The account's words for tickets; None if they could not be read."""
        data = self._store.state("ticket_settings").get("record")
        return None if data is None else wire.read(TicketSettings, data)

    def gaps(self, names: Collection[str] = (*_SETTINGS, *TABLES), *, of_details: bool = True) -> tuple[Gap, ...]:
        """What is known to be missing, from the settings and every table or from these; `of_details`: with what only details of
        records give.
        """
        states = self._store.states()
        found = [Gap(name, why) for name in _SETTINGS if name in names and (why := states.get(name, {}).get("reason"))]
        found += [gap for name in TABLES if name in names for gap in _list_gaps(name, states)]
        more = self._detail_gaps(states, frozenset(names)) if of_details else ()
        return (*found, *(gap for gap in more if gap.table in names))

    def _detail_gaps(self, states: Mapping[str, dict[str, Any]], names: frozenset[str]) -> Iterator[Gap]:
        wanted = not names.isdisjoint(("comments", "charges", "timers"))
        tickets = self._store.without_detail("tickets", "ticket_details") if wanted else 0
        if tickets:
            why = _because(
                f"the details of {tickets} tickets were not read yet, or have changed since", states, "tickets"
            )
            yield Gap("comments", why, tickets, True)
            yield Gap("charges", why, tickets, True)
            if not states.get("timers", {}).get("complete"):
                yield Gap("timers", why, tickets, True)
        invoices = self._store.without_detail("invoices", "invoice_details") if "invoice_lines" in names else 0
        if invoices:
            why = f"the lines of {invoices} invoices were not read yet, or have changed since"
            yield Gap("invoice_lines", _because(why, states, "invoices"), invoices, True)
        loose = self._store.without_detail("invoices", "invoice_owners") if "invoices" in names else 0
        if loose:
            why = f"whether {loose} invoices name a ticket was not read yet; the list says none, which proves nothing"
            yield Gap("invoices", _because(why, states, "invoices"), loose, True)
        customers = self._store.without_detail("customers", "customer_details") if "prepaid" in names else 0
        if customers:
            why = f"the prepaid hours of {customers} customers were not read yet, or may have changed since"
            yield Gap("prepaid", _because(why, states, "customers"), customers, True)

    def books(self) -> Books:
        """Every table as it is now, loaded when it is asked for, with what is missing. Raises InputError before any sync."""
        as_of = self.as_of
        if as_of is None:
            raise InputError(
                "nothing was read from Syncro yet: `syncro sync` fills the mirror (in a notebook: ws.sync())"
            )
        return MirroredBooks(
            as_of=as_of.astimezone(UTC),
            settings=self.settings(),
            ticket_settings=self.ticket_settings(),
            tables=_Tables(self, self.known()),
            gaps=_Gaps(self),
            mirror=self,
            pin=self._store.pin(),
        )

    def look_before(self, as_of: datetime) -> tuple[datetime | None, list[list[Any]] | None]:
        """The time of the books at which somebody looked before these, and what there was to see; None: there was none.

        Looking again at the same books gives the same, so that a cell that is run again tells no less.
        """
        kept = self._store.state(_LOOK)
        if kept.get("at") == microseconds(as_of):
            return moment_of(kept["before"]), kept.get("seen_before")
        return moment_of(kept.get("at")), kept.get("seen")

    def note_look(self, as_of: datetime, seen: Sequence[Sequence[Any]]) -> None:
        """Note that somebody has looked at the open tickets of these books, and what there was to see, as JSON can hold it."""
        now, kept = microseconds(as_of), self._store.state(_LOOK)
        if kept.get("at") != now:
            before = {"before": kept.get("at"), "seen_before": kept.get("seen")}
            self._store.commit(Batch(states={_LOOK: {"at": now, "seen": [list(one) for one in seen], **before}}))

    def freshness(self) -> pd.DataFrame:
        """A row for the settings and each table: rows, when it was read, whether it is complete, what is missing (FRESHNESS)."""
        gaps, known = self.gaps(), self.known()
        rows: list[tuple[Any, ...]] = []
        for name in _SETTINGS:
            state = self._store.state(name)
            is_read, why = "record" in state, state.get("reason") or ""
            read_at = moment_of(state.get("as_of"))
            rows.append(
                (name, int(is_read), read_at, is_read and not why, None, why or ("" if is_read else NEVER_READ))
            )
        for name in TABLES:
            own = [gap for gap in gaps if gap.table == name]
            counts = [gap.records for gap in own if gap.records is not None]
            why = "; ".join(gap.reason for gap in own) or ("" if name in known else NEVER_READ)
            rows.append(
                (
                    name,
                    self._store.count(name),
                    self.as_of_table(name),
                    name in known and not own,
                    max(counts) if counts else None,
                    why,
                )
            )
        return frames.frame(FRESHNESS, rows)

    def unreadable(self) -> pd.DataFrame:
        """The rows that Syncro lists and that could not be read, each with the reason (UNREADABLE)."""
        kept = {name: self._store.state(name).get("unreadable_rows", {}) for name in TABLES}
        rows = []
        for name, found in kept.items():
            for key, said in found.items():
                is_id = key.isdigit() and int(key) < MOST_ID
                rows.append(
                    (name, int(key) if is_id else None, f"id {key}: {said}" if key.isdigit() and not is_id else said)
                )
        return frames.frame(UNREADABLE, rows)

    def file(self, name: str) -> Path:
        """The whole table as one Parquet file, for other engines: every row once, in its newest version, as it is now.

        A file that stands alone is given as it is; where newer rows lie beside it, or its details do, a copy is made once and
        kept until the table changes. Columns that begin with _ are the mirror's own. Raises InputError.
        """
        if name not in TABLES:
            raise InputError(f"there is no table {name[:40]!r}; there is: {', '.join(TABLES)}")
        return self._store.file(name)

    def old_blocks(self, now: datetime) -> int:
        """How many customers with prepaid hours left were last read more than a day before this time."""
        return len(old_blocks(self._store, now))

    def size(self) -> tuple[int, int]:
        """Rows and bytes on the disk."""
        return self._store.size()


def _because(what: str, states: Mapping[str, dict[str, Any]], name: str) -> str:
    reason = states.get(_DETAILS[name], {}).get("reason")
    return f"{what} ({reason})" if reason else what


def _list_gaps(name: str, states: Mapping[str, dict[str, Any]]) -> Iterator[Gap]:
    state = states.get(_LIST_OF.get(name, name), {})
    under_way = state.get("pass") or {}
    if state.get("refused") and name == "invoice_lines":
        return  # they come from the invoices' details, which have a gap of their own
    if state.get("reason"):
        yield Gap(name, str(state["reason"]))
    elif not state.get("complete") and (under_way or state):
        pages = under_way.get("pages")
        where = f"page {under_way.get('next')} of {pages}" if pages else "its first page"
        yield Gap(name, f"its first reading has come to {where}; `syncro sync` goes on")
    elif not state.get("complete") and state != {}:
        yield Gap(name, "it was not read to its end yet")
    if state.get("suspects"):
        yield Gap(name, f"{state['suspects']} rows are on no list any more; not yet proved gone", state["suspects"])
    for one in dict.fromkeys((_LIST_OF.get(name, name), name)):
        kept = states.get(one, {})
        if count := kept.get("unreadable"):
            rows = "row" if count == 1 else "rows"
            yield Gap(name, f"{count} {rows} could not be read in full ({kept.get('unreadable_because', '')})", count)


class _Tables(Mapping[str, Any]):
    """The tables of a mirror, each loaded when it is asked for."""

    def __init__(self, mirror: Mirror, known: frozenset[str]) -> None:
        self._mirror, self._known = mirror, known

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._known:
            raise KeyError(name)
        return self._mirror.load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(name for name in TABLES if name in self._known)

    def __len__(self) -> int:
        return len(self._known)


class _Gaps(Sequence[Gap]):
    """What is missing, counted when it is looked at."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    @cached_property
    def _all(self) -> tuple[Gap, ...]:
        return self._mirror.gaps()

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, place: Any) -> Any:
        return self._all[place]


@dataclass(frozen=True)
class MirroredBooks(Books):
    """Books that load from the disk, only the columns that are asked for and each of them once, all of one instant."""

    mirror: Mirror | None = None
    pin: Pin | None = field(default=None, repr=False)
    _loaded: dict[str, dict[str, pd.Series]] = field(default_factory=dict, repr=False, compare=False)

    def table(self, name: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """One table, only with these columns if they are given. A table that nothing is known of is empty.

        Raises store.Damaged, and store.Moved where a sync has rewritten the files since.
        """
        import pandas as pd

        if self.mirror is None or name not in self.known:
            return super().table(name, columns)
        wanted = list(TABLES[name].columns if columns is None else columns)
        loaded = self._loaded.setdefault(name, {})
        lacking = [column for column in wanted if column not in loaded]
        if lacking:
            made = self.mirror.load(name, lacking, self.pin)
            loaded.update((column, made[column]) for column in lacking)
        frame = pd.DataFrame({column: loaded[column] for column in wanted}, copy=False)
        frame.attrs["as_of"] = self.mirror.age_of(name)
        return frame

    def gaps_of(self, *names: str, of_details: bool = True) -> tuple[Gap, ...]:
        """What is missing from these tables; `of_details`: with what only the details of other records give."""
        if self.mirror is None:
            return super().gaps_of(*names, of_details=of_details)
        found = self.mirror.gaps(names, of_details=of_details)
        return (*found, *self._never_read(names, found))
