"""The mirror on disk, and the one owner of pyarrow: Parquet segments that are never changed, and a manifest in SQLite.

    ACCOUNT/manifest.sqlite     which segments make a table, the tail, and where each stream of the sync stands
    ACCOUNT/TABLE-N.parquet     a segment: rows of one table, each key once, sorted by it
    ACCOUNT/syncing.sqlite      the lock of the one process that may write

What is read from Syncro goes to the *tail* first: a page's rows and the cursor behind it are one transaction, so a kill loses
at most the page under way. A tail that has grown is *folded* into a segment, and many segments are *compacted* into one: the
file is written and synced, then one transaction swaps it in. The newest version of a key wins; a `gone` row hides it. Readers
take a manifest and the files that it names, and wait for nobody.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..database import Connection, DatabaseError, OperationalError, Row, open_database
from ..errors import ConfigError, InputError
from ..tables import DAY, INSTANT, MILLION, TABLES, Column
from .columns import JOINED, OWN_TABLES, declared, kept_columns

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

FORMAT = 1
_SCHEMA = """
CREATE TABLE segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    file TEXT NOT NULL UNIQUE,
    rows INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    digest TEXT NOT NULL
);
CREATE TABLE tail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    rows TEXT NOT NULL
);
CREATE TABLE seen (
    stream TEXT NOT NULL,
    ids TEXT NOT NULL
);
CREATE TABLE states (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
)
"""
TAIL_ROWS = 20_000  # a longer tail is folded
MANY_SEGMENTS = 6
LARGE_SHARE = 0.25  # of the first segment: later ones that come to more are merged into it
_ROW_GROUP = 131_072
_MANY = 20_000  # rows; below, threads cost more than they bring
_MANY_FREE = 2_000  # pages of the manifest that hold nothing
_MARK, _GONE = "_mark", "_gone"
_LOOKS = 5  # at a manifest whose files were compacted away meanwhile


class Moved(InputError):
    """A sync has rewritten the files of a table since they were pinned."""


class Damaged(InputError):
    """A file of the mirror cannot be read. `syncro sync` sets it aside and reads those rows again."""


@dataclass(frozen=True)
class Segment:
    """One Parquet file of a table."""

    id: int
    name: str
    file: str
    rows: int
    gone: int
    bytes: int
    digest: str


Pin = Mapping[str, tuple[list[Segment], list[str]]]


@dataclass
class Batch:
    """What one transaction writes: lines (`columns.written`) by table, states by name, and the ids that a stream has seen."""

    lines: dict[str, list[str]] = field(default_factory=dict)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: dict[str, list[int]] = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)  # streams whose seen ids are forgotten first


class Index:
    """The newest version of every row of a table, by key: a mark that tells whether a row is still the same, and its parent."""

    def __init__(
        self, keys: np.ndarray[Any, Any], marks: np.ndarray[Any, Any], parents: np.ndarray[Any, Any] | None = None
    ) -> None:
        import numpy as np

        order = np.argsort(keys, kind="stable")
        self._keys, self._marks = keys[order], marks[order]
        self._newer: dict[int, int | None] = {}  # None: gone
        self._parent: dict[int, int | None] = {}
        self._children: dict[int, set[int]] = {}
        self._count = len(keys)
        if parents is not None:
            by_parent = np.argsort(parents, kind="stable")
            self._parents, self._by_parent = parents[by_parent], keys[by_parent]

    def __len__(self) -> int:
        return self._count

    def get(self, key: int) -> int | None:
        """The mark of a row, or None if there is none."""
        if key in self._newer:
            return self._newer[key]
        place = int(self._keys.searchsorted(key))
        return int(self._marks[place]) if place < len(self._keys) and self._keys[place] == key else None

    def note(self, key: int, value: int | None, parent: int | None = None) -> None:
        """There is a new version of a row; None: it is gone."""
        self._count += (value is not None) - (self.get(key) is not None)
        self._newer[key] = value
        self._parent[key] = parent
        if parent is not None:
            self._children.setdefault(parent, set()).add(key)

    def keys(self) -> set[int]:
        """All keys."""
        found = set(self._keys.tolist())
        for key, value in self._newer.items():
            if value is None:
                found.discard(key)
            else:
                found.add(key)
        return found

    def children(self, parent: int) -> set[int]:
        """The keys of the rows that belong to a parent."""
        first, last = self._parents.searchsorted(parent), self._parents.searchsorted(parent, "right")
        known = set(self._by_parent[first:last].tolist()) | self._children.get(parent, set())
        return {key for key in known if self.get(key) is not None and self._parent.get(key, parent) == parent}


class Store:
    """The mirror of one account in a folder. Reading needs no lock; writing is for the process that holds it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._db = _manifest_in(folder)
        self._lock: Connection | None = None
        self._tail_rows: dict[str, int] = {}
        self._lacking: dict[str, tuple[Any, int]] = {}

    def close(self) -> None:
        """Close the files."""
        self._db.close()

    # ------------------------------------------------------------ one writer

    @contextmanager
    def writing(self, who: Mapping[str, Any]) -> Iterator[None]:
        """Alone among all processes. Raises InputError that says who is at work.

        The lock is the operating system's: it ends with the process, however that ends.
        """
        lock = open_database(self.folder / "syncing.sqlite", "", 1, durable=False)
        try:
            lock.execute("PRAGMA busy_timeout=0")
            try:
                lock.execute("BEGIN IMMEDIATE")
            except OperationalError:
                other = self.state("writer")
                at_work = f"process {other.get('process', '?')} on {other.get('machine', 'this machine')}"
                raise InputError(
                    f"another sync of this account is at work ({at_work}, since {other.get('since', 'just now')}): "
                    "nothing was done here, and nothing is lost; wait for it to end"
                ) from None
            try:
                self.commit(Batch(states={"writer": dict(who)}))
                yield
            finally:
                with suppress(OperationalError):
                    lock.execute("ROLLBACK")
        finally:
            lock.close()

    def commit(self, batch: Batch) -> None:
        """Write a batch, all of it or nothing. Raises InputError if the disk is full."""
        with self._transaction():
            for stream in batch.unseen:
                self._db.execute("DELETE FROM seen WHERE stream = ?", (stream,))
            for name, lines in batch.lines.items():
                content = "[" + ",".join(lines) + "]"
                self._db.execute("INSERT INTO tail (name, rows) VALUES (?, ?)", (name, content))
                self._tail_rows[name] = self._tail_rows.get(name, 0) + len(lines)
            for stream, ids in batch.seen.items():
                self._db.execute("INSERT INTO seen VALUES (?, ?)", (stream, json.dumps(ids)))
            for name, state in batch.states.items():
                self._db.execute("REPLACE INTO states VALUES (?, ?)", (name, json.dumps(state, default=str)))
        for name in batch.lines:
            if self._tail_rows[name] > TAIL_ROWS:
                self.fold(name)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(OperationalError):
                    self._db.execute("ROLLBACK")
                raise
        except OperationalError as error:
            raise InputError(
                f"the mirror in {self.folder} cannot be written: {error}; what was read before is kept"
            ) from None

    # ------------------------------------------------------------ states

    def state(self, name: str) -> dict[str, Any]:
        """What was kept under a name; empty if nothing was."""
        found = self._db.execute("SELECT value FROM states WHERE name = ?", (name,)).fetchone()
        return dict(json.loads(found["value"])) if found else {}

    def states(self) -> dict[str, dict[str, Any]]:
        """All that was kept, by name."""
        return {row["name"]: json.loads(row["value"]) for row in self._db.execute("SELECT * FROM states")}

    def seen(self, stream: str) -> set[int]:
        """The ids that a stream has seen."""
        found = self._db.execute("SELECT ids FROM seen WHERE stream = ?", (stream,))
        return {key for row in found for key in json.loads(row["ids"])}

    # ------------------------------------------------------------ reading

    def version(self, name: str) -> tuple[int, int]:
        """A value that changes whenever the table does."""
        row = self._db.execute(
            "SELECT (SELECT max(id) FROM segments WHERE name = :name) AS one,"
            " (SELECT max(id) FROM tail WHERE name = :name) AS two",
            {"name": name},
        ).fetchone()
        return row["one"] or 0, row["two"] or 0

    def version_joined(self, name: str) -> tuple[int, ...]:
        """The same of a table with what is joined to it."""
        others = dict.fromkeys(own for own, _ in JOINED.get(name, {}).values())
        return tuple(one for table in (name, *others) for one in self.version(table))

    def pin(self) -> Pin:
        """What makes every table at this instant: loading with it gives the same rows each time, whatever a sync does."""
        pinned: dict[str, tuple[list[Segment], list[str]]] = {name: ([], []) for name in (*TABLES, *OWN_TABLES)}
        self._db.execute("BEGIN")
        try:
            for row in self._db.execute("SELECT * FROM segments ORDER BY id"):
                pinned[row["name"]][0].append(_segment(row))
            for row in self._db.execute("SELECT name, rows FROM tail ORDER BY id"):
                pinned[row["name"]][1].append(row["rows"])
        finally:
            self._db.execute("COMMIT")
        return pinned

    def load(self, name: str, columns: Sequence[str] | None = None, pin: Pin | None = None) -> pa.Table:
        """The rows of a table as Arrow, sorted by key: these kept columns (all of them without), the newest version.

        `pin`: the version of that instant. Raises Damaged, and Moved where that version is no more.
        """
        wanted = list(kept_columns(name) if columns is None else columns)
        if pin is not None:
            try:
                return self._merged(name, wanted, *pin[name])
            except FileNotFoundError as error:
                if pin[name][0] == self._manifest(name)[0]:
                    raise self._damaged(name, error) from None
                raise Moved(
                    f"a sync has rewritten the table {name} since these books were opened: open them again (ws.books())"
                ) from None
        for look in range(_LOOKS):
            segments, tail = self._manifest(name)
            try:
                return self._merged(name, wanted, segments, tail)
            except FileNotFoundError as error:
                if look == _LOOKS - 1:
                    raise self._damaged(name, error) from None
        raise AssertionError

    def join(self, table: pa.Table, name: str, columns: Sequence[str], pin: Pin | None = None) -> pa.Table:
        """A table with these of its columns that other reads give (columns.JOINED), as the readings with detail_at."""
        import pyarrow as pa
        import pyarrow.compute as pc

        keys = table.column(declared(name).key)
        places: dict[str, tuple[pa.Table, Any]] = {}
        for column in columns:
            own, source = JOINED[name][column]
            if own not in places:
                sources = [one for where, one in JOINED[name].values() if where == own]
                read = self.load(own, list(dict.fromkeys(["id", *sources])), pin)
                places[own] = read, _places(keys.to_numpy(), read.column("id").to_numpy())
            read, place = places[own]
            values = read.column(source) if place is None else read.column(source).take(place)
            if column == "prepaid_hours":
                values = pc.divide(values.cast(pa.float64()), float(MILLION))
            table = table.append_column(column, values)
        return table

    def index(self, name: str, parent: str | None = None) -> Index:
        """Keys and marks of a table, and the column that names the parent of each row."""
        import pyarrow.compute as pc

        table = self.load(name, [declared(name).key, _MARK, *([parent] if parent else [])])
        parents = pc.fill_null(table.column(2), 0).to_numpy() if parent else None
        return Index(table.column(0).to_numpy(), table.column(1).to_numpy(), parents)

    def values(self, name: str, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        """Rows as tuples of these columns; instants in microseconds, days in milliseconds since 1970."""
        import pyarrow as pa

        table = self.load(name, columns)
        lists = [
            (column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_pylist()
            for column in table.columns
        ]
        return list(zip(*lists, strict=True))

    def count(self, name: str) -> int:
        """How many rows a table has."""
        return len(self.load(name, [declared(name).key]))

    def newest(self, name: str, column: str) -> int | None:
        """The latest instant in a column, in microseconds; None where there is none."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found: int | None = pc.max(self.load(name, [column]).column(0).cast(pa.int64())).as_py()
        return found

    def without_detail(self, name: str, details: str) -> int:
        """How many rows of a table were never read by themselves, or have changed since. Counted once for each version.

        Of invoices in `invoice_owners` only those count that the list shows without a ticket, and that no schedule has made.
        """
        versions = (self.version(name), self.version(details))
        seen, lacking = self._lacking.get(details, (None, 0))
        if seen != versions:
            lacking = self._without_detail(name, details)
            self._lacking[details] = (versions, lacking)
        return lacking

    def _without_detail(self, name: str, details: str) -> int:
        import pyarrow.compute as pc

        more = ("ticket_id", "schedule_id", "is_recurring") if details == "invoice_owners" else ()
        rows, read = (
            self.load(name, [declared(name).key, "updated_at", *more]),
            self.load(details, ["id", "updated_at"]),
        )
        if more:
            made = pc.or_(pc.is_valid(rows.column(3)), pc.fill_null(rows.column(4), False))
            rows = rows.filter(pc.invert(pc.or_(pc.is_valid(rows.column(2)), made)))
        place = pc.index_in(rows.column(0), value_set=read.column(0).combine_chunks())
        then = read.column(1).take(place)
        changed = pc.fill_null(pc.greater(rows.column(1), then), False)
        return int(pc.sum(pc.or_(pc.is_null(place), changed)).as_py() or 0)

    def files(self, name: str) -> list[Path]:
        """The segments of a table. More than one, or a tail beside them, may hold several versions of a row."""
        return [self.folder / one.file for one in self._manifest(name)[0]]

    def file(self, name: str) -> Path:
        """The whole table as one Parquet file: its only segment, or a copy in `whole/` of this version of it."""
        segments, tail = self._manifest(name)
        if len(segments) == 1 and not tail and not segments[0].gone and name not in JOINED:
            return self.folder / segments[0].file
        versions = self.version_joined(name)
        folder = self.folder / "whole"
        path = folder / f"{name}-{'-'.join(map(str, versions))}.parquet"
        if not path.exists():
            table = self.join(self.load(name), name, tuple(JOINED.get(name, ())))
            try:
                folder.mkdir(exist_ok=True)
                beside = folder / f"{path.stem}.{os.getpid()}"
                _write(table.select(list(declared(name).columns)), beside)
                os.replace(beside, path)
            except OSError as error:
                if not path.exists():  # Windows: another process made it meanwhile, and somebody reads it
                    raise InputError(f"{path} cannot be written: {error.strerror or error}") from None
            for old in folder.glob(f"{name}-*.parquet"):
                if old != path:
                    with suppress(OSError):  # Windows: another program has it open
                        old.unlink()
        return path

    def size(self) -> tuple[int, int]:
        """Rows and bytes of all segments."""
        row = self._db.execute("SELECT sum(rows) AS rows, sum(bytes) AS bytes FROM segments").fetchone()
        return row["rows"] or 0, row["bytes"] or 0

    def _manifest(self, name: str) -> tuple[list[Segment], list[str]]:
        """Segments and tail of a table at one instant, oldest first."""
        self._db.execute("BEGIN")
        try:
            segments = [_segment(row) for row in self._db.execute(_SEGMENTS_OF, (name,))]
            tail = [
                row["rows"] for row in self._db.execute("SELECT rows FROM tail WHERE name = ? ORDER BY id", (name,))
            ]
        finally:
            self._db.execute("COMMIT")
        return segments, tail

    def _merged(self, name: str, wanted: list[str], segments: list[Segment], tail: list[str]) -> pa.Table:
        import pyarrow as pa
        import pyarrow.compute as pc

        key = declared(name).key
        needed = list(dict.fromkeys([key, *wanted]))
        alone = len(segments) == 1 and not tail
        layers = []
        for segment in segments:
            asked = wanted if alone and not segment.gone else [*needed, _GONE]
            layers.append(self._read(segment, asked))
        if alone and not segments[0].gone:
            return layers[0]
        if tail:
            layers.append(_as_arrow(name, _latest(tail, name)).select([*needed, _GONE]))
        newest: list[Any] = []
        hidden: list[Any] = []
        for layer in reversed(layers):
            keys = layer.column(key)
            if hidden:
                layer = layer.filter(pc.invert(pc.is_in(keys, value_set=pa.concat_arrays(hidden))))
            hidden += keys.chunks
            newest.append(layer.filter(pc.invert(layer.column(_GONE))))
        empty = _as_arrow(name, {}).select([*needed, _GONE])
        merged = pa.concat_tables([empty, *reversed(newest)]).unify_dictionaries()
        if sum(len(one) > 0 for one in newest) > 1:
            merged = merged.take(pc.sort_indices(merged, sort_keys=[(key, "ascending")]))
        return merged.select(wanted)

    def _read(self, segment: Segment, columns: list[str]) -> pa.Table:
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = _schema(segment.name)
        try:
            with pq.ParquetFile(self.folder / segment.file, page_checksum_verification=True) as file:
                there = set(file.schema_arrow.names)
                table = file.read(columns=[name for name in columns if name in there], use_threads=segment.rows > _MANY)
        except FileNotFoundError:
            raise
        except (OSError, pa.ArrowException) as error:
            raise self._damaged(segment.name, error, segment) from None
        lacking = [name for name in columns if name not in there and not _may_be_absent(segment.name, name)]
        if lacking:
            raise Damaged(
                f"the mirror's table {segment.name} has no column {lacking[0]} ({segment.file} in {self.folder} was "
                "written by another version of this program): `syncro sync --full` reads it again"
            )
        arrays = [
            table.column(name) if name in there else _filled(schema.field(name).type, len(table)) for name in columns
        ]
        try:
            return pa.table(arrays, schema=pa.schema([schema.field(name) for name in columns]))
        except (ValueError, TypeError, pa.ArrowException) as error:
            raise self._damaged(segment.name, error, segment) from None

    def _damaged(self, name: str, error: Exception, segment: Segment | None = None) -> Damaged:
        file = segment.file if segment else "a file"
        said = " ".join(str(error).split())[:160]
        return Damaged(
            f"the mirror's table {name} cannot be read: {file} in {self.folder} is damaged or gone ({said}); "
            "`syncro sync` sets it aside and reads those rows again"
        )

    # ------------------------------------------------------------ segments

    def damaged(self) -> list[Segment]:
        """The segments whose file is not what was written."""
        return [
            _segment(row) for row in self._db.execute("SELECT * FROM segments") if not self._is_whole(_segment(row))
        ]

    def set_aside(self, segment: Segment, states: Mapping[str, dict[str, Any]]) -> None:
        """Take a segment out of the manifest, and keep what is to be known of it in the same transaction."""
        with self._transaction():
            self._db.execute("DELETE FROM segments WHERE id = ?", (segment.id,))
            for name, state in states.items():
                self._db.execute("REPLACE INTO states VALUES (?, ?)", (name, json.dumps(state)))
        with suppress(OSError):
            path = self.folder / segment.file
            path.replace(path.with_suffix(".damaged"))

    def empty(self, name: str) -> None:
        """Forget every row of a table."""
        with self._transaction():
            self._db.execute("DELETE FROM segments WHERE name = ?", (name,))
            self._db.execute("DELETE FROM tail WHERE name = ?", (name,))
        self._tail_rows.pop(name, None)

    def fold(self, name: str) -> None:
        """Write the tail of a table as a segment."""
        rows = self._db.execute("SELECT id, rows FROM tail WHERE name = ? ORDER BY id", (name,)).fetchall()
        if rows:
            latest = _latest([row["rows"] for row in rows], name)
            self._swap(name, _as_arrow(name, latest), [], rows[-1]["id"])
        self._tail_rows[name] = 0

    def compact(self, name: str) -> None:
        """Fold, and merge the segments of a table if there are many of them, or much in the later ones."""
        self.fold(name)
        segments, _ = self._manifest(name)
        later = segments[1:]
        if sum(one.rows for one in later) > LARGE_SHARE * (segments[0].rows if segments else 0) or (
            segments and len(segments) == 1 and segments[0].gone
        ):
            self._merge(name, segments)
        elif len(segments) > MANY_SEGMENTS:
            self._merge(name, later)

    def tidy(self) -> None:
        """Compact every table, and remove files that nothing names any more."""
        for name in (*TABLES, *OWN_TABLES):
            self.compact(name)
        if self._db.execute("PRAGMA freelist_count").fetchone()[0] > _MANY_FREE:  # a long tail was folded
            with suppress(OperationalError):
                self._db.execute("VACUUM")
        if self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            return  # somebody reads: a power cut could still bring the old manifest back, and its files must be there
        named = {row["file"] for row in self._db.execute("SELECT file FROM segments")}
        for path in self.folder.glob("*.parquet*"):
            if path.name not in named:
                with suppress(OSError):  # Windows: a reader has it open
                    path.unlink()

    def _merge(self, name: str, segments: list[Segment]) -> None:
        """Some of the newest segments become one. Only where they are all of them are gone rows left out."""
        import pyarrow as pa
        import pyarrow.compute as pc

        key = declared(name).key
        columns = list(_schema(name).names)
        if len(segments) == len(self._manifest(name)[0]):
            kept = self._merged(name, [*kept_columns(name), _MARK], segments, [])
            table = kept.append_column(_GONE, pa.array([False] * len(kept))).select(columns)
        else:
            layers: list[Any] = []
            hidden: list[Any] = []
            for segment in reversed(segments):
                layer = self._read(segment, columns)
                keys = layer.column(key)
                if hidden:
                    layer = layer.filter(pc.invert(pc.is_in(keys, value_set=pa.concat_arrays(hidden))))
                hidden += keys.chunks
                layers.append(layer)
            table = pa.concat_tables(reversed(layers)).unify_dictionaries()
            table = table.take(pc.sort_indices(table, sort_keys=[(key, "ascending")]))
        self._swap(name, table, segments, 0)

    def _swap(self, name: str, table: pa.Table, replaced: list[Segment], tail_id: int) -> None:
        """A new segment takes the place of others, and of the tail up to an id."""
        import pyarrow.compute as pc

        last = self._db.execute("SELECT max(seq) AS last FROM sqlite_sequence WHERE name = 'segments'").fetchone()[
            "last"
        ]
        number = 1 + (last or 0)
        path = self.folder / f"{name}-{number}.parquet"
        try:
            digest = _write(table, path)
            size = path.stat().st_size
        except OSError as error:
            with suppress(OSError):
                path.unlink()
            raise InputError(
                f"the mirror in {self.folder} cannot be written: {error.strerror or error}; what was read before is kept"
            ) from None
        gone = pc.sum(table.column(_GONE)).as_py() or 0
        with self._transaction():
            for one in replaced:
                self._db.execute("DELETE FROM segments WHERE id = ?", (one.id,))
            if len(table):
                self._db.execute(
                    "INSERT INTO segments (name, file, rows, gone, bytes, digest) VALUES (?, ?, ?, ?, ?, ?)",
                    (name, path.name, len(table), gone, size, digest),
                )
            self._db.execute("DELETE FROM tail WHERE name = ? AND id <= ?", (name, tail_id))

    def _is_whole(self, segment: Segment) -> bool:
        try:
            return _digest(self.folder / segment.file) == segment.digest
        except OSError:
            return False


def _manifest_in(folder: Path) -> Connection:
    """The manifest, looked through: it is small, and a damaged one must not pass for a mirror. Raises Damaged."""
    path = folder / "manifest.sqlite"
    try:
        manifest = open_database(path, _SCHEMA, FORMAT, durable=False)
    except ConfigError as error:
        if "not a database" not in str(error) and "malformed" not in str(error):
            raise
        found = "it is no database"
    else:
        try:
            found = str(manifest.execute("PRAGMA quick_check(1)").fetchone()[0])
        except DatabaseError as error:
            found = str(error)
        if found == "ok":
            return manifest
        manifest.close()
    raise Damaged(
        f"the mirror's manifest {path} is damaged ({' '.join(found.split())[:100]}): move the folder {folder} away, and "
        "`syncro sync` reads the account again"
    )


_SEGMENTS_OF = "SELECT * FROM segments WHERE name = ? ORDER BY id"


def _segment(row: Row) -> Segment:
    return Segment(row["id"], row["name"], row["file"], row["rows"], row["gone"], row["bytes"], row["digest"])


def _digest(path: Path) -> str:
    digest = blake2b(digest_size=16)
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def _write(table: pa.Table, path: Path) -> str:
    import pyarrow.parquet as pq

    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=6,
        row_group_size=_ROW_GROUP,
        write_page_checksum=True,
    )
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return _digest(path)


def _latest(tail: Iterable[str], name: str) -> dict[Any, list[Any]]:
    """The newest version of each row of a tail, by key: [mark, values...], or [None, key] for one that is gone."""
    place = 1 + list(kept_columns(name)).index(declared(name).key)
    latest: dict[Any, list[Any]] = {}
    for text in tail:
        for row in json.loads(text):
            latest[row[place] if row[0] is not None else row[1]] = row
    return latest


def _schema(name: str) -> pa.Schema:
    import pyarrow as pa

    fields = [(column, _arrow_type(one)) for column, one in kept_columns(name).items()]
    return pa.schema([*fields, (_MARK, pa.int64()), (_GONE, pa.bool_())])


def _arrow_type(column: Column) -> pa.DataType:
    import pyarrow as pa

    types: dict[str, Callable[[], Any]] = {
        "int64": pa.int64,
        "Int64": pa.int64,
        "float64": pa.float64,
        "bool": pa.bool_,
        "boolean": pa.bool_,
        "str": pa.large_string,
        "category": lambda: pa.dictionary(pa.int32(), pa.string()),
        INSTANT: lambda: pa.timestamp("us", "UTC"),
        DAY: lambda: pa.timestamp("ms"),
    }
    return types[column.dtype]()


def _as_arrow(name: str, latest: Mapping[Any, list[Any]]) -> pa.Table:
    """Rows of values as Arrow, sorted by key."""
    import pyarrow as pa

    schema, key = _schema(name), declared(name).key
    names = list(kept_columns(name))
    ordered = sorted(latest.items())
    gone = [row[0] is None for _, row in ordered]
    arrays = []
    for place, column in enumerate(names, 1):
        if column == key:
            cells = [one for one, _ in ordered]
        else:
            cells = [None if row[0] is None else row[place] for _, row in ordered]
        arrays.append(_array(cells, schema.field(column).type))
    arrays += [pa.array([row[0] or 0 for _, row in ordered], pa.int64()), pa.array(gone, pa.bool_())]
    return pa.table(arrays, schema=schema)


def _array(cells: list[Any], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return pa.array(cells, pa.string()).dictionary_encode().cast(kind)
    if pa.types.is_timestamp(kind):
        return pa.array(cells, pa.int64()).cast(kind)
    return pa.array(cells, kind)


def _places(wanted: Any, ids: Any) -> pa.Array | None:
    """The place of each wanted id among ids, absent where it is not there; None where both are the same."""
    import numpy as np
    import pyarrow as pa

    from ..terms import places_of

    if np.array_equal(wanted, ids):
        return None
    found = places_of(wanted, ids)
    return pa.array(found, mask=found < 0)


def _may_be_absent(table: str, column: str) -> bool:
    """Whether a column that an older version did not keep can be shown as empty; a number or a flag would be a lie."""
    declared_column = kept_columns(table).get(column)
    return declared_column is not None and declared_column.dtype not in ("int64", "bool")


def _filled(kind: pa.DataType, count: int) -> pa.Array:
    """A column that an older version of this package did not keep: empty text, or absent."""
    import pyarrow as pa

    plain: Any = "" if pa.types.is_large_string(kind) else None
    return _array([plain] * count, kind)
