"""The store: what goes in comes out, whatever it holds, and neither a kill nor a damaged file is taken for the truth."""

import dataclasses
import os
import shutil
import sqlite3
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from syncro_nb import frames
from syncro_nb.errors import ConfigError, InputError
from syncro_nb.mirror import store as store_module
from syncro_nb.mirror.columns import DetailRead, Unkept, microseconds
from syncro_nb.mirror.mirror import Mirror
from syncro_nb.mirror.store import Batch, Damaged, Moved, Store
from syncro_nb.mirror.writer import Writer
from syncro_nb.service import records
from syncro_nb.tables import TABLES, Snapshot

NOW = datetime(2026, 3, 31, 23, 30, 0, 123456, tzinfo=UTC)
HOSTILE = "=cmd|' /C calc'!A0\x00\x1b[31m\r\n‮<script>alert(1)</script> '; DROP TABLE segments; --🙈"


def filled(record, number=7):
    """A record with every field set, texts hostile."""
    if record is Snapshot:
        return Snapshot(f"{number}@x", number, NOW, 2_500_000)
    values = {}
    for field in dataclasses.fields(record):
        kind = str(field.type)
        if field.name in ("id", "number") and "int" in kind:
            values[field.name] = number
        elif field.name.startswith("extra"):
            values[field.name] = {"unknown": [HOSTILE, {"deep": None}]}
        elif "tuple[int" in kind:
            values[field.name] = (3, 2**53 + 1)
        elif "tuple[str" in kind:
            values[field.name] = ("one", HOSTILE)
        elif kind.startswith("str"):
            values[field.name] = HOSTILE
        elif kind.startswith("bool"):
            values[field.name] = True
        elif "datetime" in kind:
            values[field.name] = NOW
        elif "date" in kind:
            values[field.name] = date(2026, 2, 28)
        elif "Decimal" in kind:
            values[field.name] = Decimal("0.3333333")
        elif kind.startswith("int"):
            values[field.name] = -(2**40)
    return record(**values)


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path)
    yield made
    made.close()


def put(store, name, *made):
    writer = Writer(store)
    for record in made:
        if name in ("prepaid", "ticket_details"):
            writer.append(name, record)
        else:
            writer.put(name, record)
    writer.commit()


def users(*pairs):
    return [records.User(id=key, name=name) for key, name in pairs]


def names(store):
    return dict(store.values("users", ["user_id", "name"]))


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("name", TABLES)
def test_every_table_comes_back_as_it_went_in_with_the_worst_of_texts(name, folded, store, tmp_path):
    record = filled(TABLES[name].record)
    put(store, name, record)
    if folded:
        store.tidy()
    mirror = Mirror(tmp_path)
    loaded = mirror.load(name)
    mirror.close()
    expected = frames.from_records(name, [record])
    joined = [column for column in ("detail_at", "prepaid_millionths", "prepaid_hours") if column in expected]
    joined = joined if name == "customers" else [column for column in joined if column == "detail_at"]
    pd.testing.assert_frame_equal(loaded.drop(columns=joined), expected.drop(columns=joined), check_categorical=False)
    assert {one: str(dtype) for one, dtype in loaded.dtypes.items()} == {
        one: column.dtype for one, column in TABLES[name].columns.items()
    }


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_has_the_declared_columns(name, store, tmp_path):
    mirror = Mirror(tmp_path)
    assert {one: str(dtype) for one, dtype in mirror.load(name).dtypes.items()} == {
        one: column.dtype for one, column in TABLES[name].columns.items()
    }
    mirror.close()


def test_only_the_columns_that_are_asked_for_are_loaded_in_their_order(store, tmp_path):
    put(store, "users", *users((1, "A")))
    mirror = Mirror(tmp_path)
    assert list(mirror.load("users", ["name", "user_id"]).columns) == ["name", "user_id"]
    with pytest.raises(InputError, match="no column 'subject'"):
        mirror.load("users", ["subject"])
    with pytest.raises(InputError, match="no table 'people'"):
        mirror.load("people")
    mirror.close()


def test_the_newest_version_of_a_row_wins_and_a_gone_row_stays_gone(store):
    put(store, "users", *users((1, "old"), (2, "stays"), (3, "goes")))
    store.fold("users")
    put(store, "users", *users((1, "new"), (4, "comes")))
    writer = Writer(store)
    writer.drop("users", [3])
    writer.commit()
    expected = {1: "new", 2: "stays", 4: "comes"}
    assert names(store) == expected
    store.fold("users")
    assert names(store) == expected
    store.compact("users")
    assert len(store.files("users")) == 1
    assert names(store) == expected
    put(store, "users", *users((3, "back")))
    assert names(store) == expected | {3: "back"}


def test_many_small_segments_become_few_and_nothing_is_lost(store):
    put(store, "users", *users(*((key, "first") for key in range(1000))))
    for turn in range(40):
        put(store, "users", *users((turn, f"turn {turn}")))
        store.compact("users")
    assert len(store.files("users")) <= store_module.MANY_SEGMENTS + 1
    assert names(store) == {key: f"turn {key}" if key < 40 else "first" for key in range(1000)}


def test_an_unchanged_row_is_not_written_again(store):
    put(store, "users", *users((1, "A")))
    version = store.version("users")
    put(store, "users", *users((1, "A")))
    assert store.version("users") == version


def test_a_segment_that_no_manifest_names_is_no_part_of_the_table(store, tmp_path, monkeypatch):
    """A kill between the file and the manifest: the rows are still in the tail."""
    put(store, "users", *users((1, "A")))

    def killed(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "_transaction", killed)
        with pytest.raises(KeyboardInterrupt):
            store.fold("users")
    assert [path.name for path in tmp_path.glob("*.parquet")] == ["users-1.parquet"]
    again = Store(tmp_path)
    assert names(again) == {1: "A"}
    again.tidy()
    assert names(again) == {1: "A"}
    again.close()


def test_a_batch_is_written_whole_or_not_at_all(store):
    class Broken(dict):
        def items(self):
            raise KeyboardInterrupt

    writer = Writer(store)
    writer.put("users", records.User(id=1, name="A"))
    writer.batch.states = Broken()
    with pytest.raises(KeyboardInterrupt):
        writer.commit()
    assert names(store) == {}


def test_readers_go_on_while_segments_are_compacted_away(store, tmp_path):
    put(store, "users", *users((1, "A")))
    store.fold("users")
    reader = Store(tmp_path)
    segments, tail = reader._manifest("users")
    put(store, "users", *users((2, "B")))
    store.tidy()  # the file that the reader is about to open is gone
    found = iter([(segments, tail)])
    manifest = reader._manifest
    reader._manifest = lambda name: next(found, None) or manifest(name)
    assert names(reader) == {1: "A", 2: "B"}
    reader.close()


@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_damaged_segment_is_said_plainly_and_found_before_anything_is_written(harm, store, tmp_path):
    put(store, "users", *users(*((key, f"user {key}") for key in range(500))))
    store.fold("users")
    (path,) = store.files("users")
    content = path.read_bytes()
    if harm == "flip":
        path.write_bytes(content[:60] + bytes(256 - byte - 1 for byte in content[60:90]) + content[90:])
    elif harm == "cut":
        path.write_bytes(content[:-20])
    else:
        path.unlink()
    with pytest.raises(Damaged, match=r"users.*syncro sync"):
        store.load("users")
    (segment,) = store.damaged()
    store.set_aside(segment, {"users": {"complete": False}})
    assert names(store) == {}
    assert store.state("users") == {"complete": False}


def test_a_newer_format_is_refused(tmp_path):
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / "manifest.sqlite") as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(ConfigError, match="newer syncro_nb"):
        Store(tmp_path)


def test_a_full_disk_is_said_plainly_and_what_was_read_stays(store, tmp_path, monkeypatch):
    put(store, "users", *users((1, "A")))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store_module, "_write", full)
        with pytest.raises(InputError, match="No space left on device"):
            store.fold("users")
    store._db.execute("PRAGMA max_page_count=1")
    with pytest.raises(InputError, match="full"):
        store.commit(Batch(states={"much": {"of it": "x" * 10_000_000}}))
    assert names(store) == {1: "A"}
    (tmp_path / "syncing.sqlite").mkdir()  # SQLite's word for a disk without room names no cause either
    with pytest.raises(ConfigError, match="set SYNCRO_NB_HOME"), store.writing({}):
        pass
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(ConfigError, match="the disk is full; make room"), store.writing({}):
        pass


def test_a_folder_that_may_not_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ConfigError, match=f"the folder {tmp_path} may not be written"):
        Store(tmp_path / "file" / "mirror")


def test_a_column_that_an_older_version_did_not_keep_is_empty(store, monkeypatch):
    put(store, "users", *users((1, "A")))
    store.fold("users")
    columns = store_module.kept_columns("users") | {"email": TABLES["contacts"].columns["email"]}
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "kept_columns", lambda name: columns)
        assert store.values("users", ["name", "email"]) == [("A", "")]


def test_a_number_that_an_older_version_did_not_keep_is_said_and_not_taken_for_zero(store, tmp_path, monkeypatch):
    put(store, "products", records.Product(id=1, name="A", price_cents=15000))
    columns = {name: one for name, one in store_module.kept_columns("products").items() if name != "price_cents"}
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "kept_columns", lambda name: columns)
        patch.setattr(
            store_module, "_latest", lambda tail, name: {1: [1, 1, "A", "", 0, False, None, False, False, None, ""]}
        )
        store.fold("products")
    mirror = Mirror(tmp_path)
    with pytest.raises(Damaged, match=r"products has no column price_cents .* `syncro sync --full`"):
        mirror.load("products", ["price_cents"])
    assert mirror.load("products", ["name"])["name"].tolist() == ["A"]
    mirror.close()


def replaced(path, **columns):
    """The same file with other columns, as another program might have left it."""
    table = pq.read_table(path)
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, [values])
    pq.write_table(table, path)


def test_a_column_of_another_kind_is_said(store, tmp_path):
    put(store, "users", *users((1, "A")))
    store.fold("users")
    replaced(store.files("users")[0], name=pa.array([[1, 2]]))
    with pytest.raises(Damaged, match="users cannot be read"):
        store.load("users")


def test_a_number_that_is_absent_is_told_by_its_row(store, tmp_path):
    put(store, "timers", *[records.Timer(id=key, ticket_id=1, billable=True) for key in (1, 2, 3)])
    store.fold("timers")
    replaced(store.files("timers")[0], billable=pa.array([True, None, True]))
    mirror = Mirror(tmp_path)
    with pytest.raises(InputError, match="1 rows have no billable, the first of them row 2"):
        mirror.load("timers")
    mirror.close()


@pytest.mark.parametrize("harm", ["no database", "pages"])
def test_a_damaged_manifest_is_said_with_the_remedy(harm, store, tmp_path):
    store.close()
    path = tmp_path / "manifest.sqlite"
    whole = path.read_bytes()
    path.write_bytes(
        b"no database at all" * 100 if harm == "no database" else whole[:4096] + b"x" * (len(whole) - 4096)
    )
    for more in tmp_path.glob("manifest.sqlite-*"):
        more.unlink()
    with pytest.raises(Damaged, match=r"manifest.sqlite is damaged .*: move the folder .* away, and `syncro sync`"):
        Mirror(tmp_path)


def test_a_manifest_that_was_long_is_short_again(store, tmp_path):
    store.commit(Batch(seen={"much": list(range(3_000_000))}))
    store.commit(Batch(unseen={"much"}))
    store.tidy()
    assert (tmp_path / "manifest.sqlite").stat().st_size < 200_000


def read_back(path):
    table = pq.read_table(path)
    return dict(zip(table.column("user_id").to_pylist(), table.column("name").to_pylist(), strict=True))


def test_one_file_has_the_whole_table_at_any_moment(store, tmp_path):
    mirror = Mirror(tmp_path)
    assert read_back(mirror.file("users")) == {}
    put(store, "users", *users((1, "old"), (2, "goes")))
    first = mirror.file("users")
    assert read_back(first) == {1: "old", 2: "goes"}  # still in the tail
    store.fold("users")
    assert mirror.file("users") == store.files("users")[0]  # it stands alone: no copy
    put(store, "users", *users((1, "new")))
    writer = Writer(store)
    writer.drop("users", [2])
    writer.commit()
    second = mirror.file("users")
    assert read_back(second) == {1: "new"}
    assert mirror.file("users") == second
    assert [path.name for path in second.parent.iterdir()] == [second.name]  # old copies are gone
    with pytest.raises(InputError, match="no table 'people'"):
        mirror.file("people")
    mirror.close()


def test_the_file_of_a_table_has_its_details_too(store, tmp_path):
    put(store, "tickets", records.Ticket(7, 32164))
    put(store, "ticket_details", DetailRead(7, None, NOW))
    store.tidy()
    mirror = Mirror(tmp_path)
    table = pq.read_table(mirror.file("tickets"))
    assert table.column_names == list(TABLES["tickets"].columns)
    assert table.column("detail_at").to_pylist() == [NOW]
    mirror.close()


def books_of(mirror, store):
    writer = Writer(store)
    for name in TABLES:
        writer.keep(name, as_of=microseconds(NOW), complete=True)
    writer.commit()
    return mirror.books()


def test_books_are_of_one_instant_whatever_is_written_meanwhile(store, tmp_path):
    put(store, "users", *users((1, "A")))
    mirror = Mirror(tmp_path)
    books = books_of(mirror, store)
    assert books.table("users", ["user_id"])["user_id"].tolist() == [1]
    put(store, "users", *users((0, "B"), (1, "C")))
    store.fold("users")
    both = books.table("users", ["name", "user_id"])
    assert list(both.itertuples(index=False, name=None)) == [("A", 1)]
    assert mirror.books().table("users")["name"].tolist() == ["B", "C"]
    mirror.close()


def test_books_whose_files_were_rewritten_say_so(store, tmp_path):
    put(store, "users", *users((1, "A")))
    store.fold("users")
    mirror = Mirror(tmp_path)
    books = books_of(mirror, store)
    assert len(books.table("users", ["user_id"])) == 1
    put(store, "users", *users((2, "B")))
    store.tidy()
    assert len(books.table("users", ["user_id"])) == 1  # what was loaded stays
    with pytest.raises(Moved, match=r"rewritten the table users .* open them again"):
        books.table("users", ["name"])
    mirror.close()


def test_what_one_caller_does_to_a_table_is_not_seen_by_the_next(store, tmp_path):
    put(store, "users", *users((1, "A")))
    mirror = Mirror(tmp_path)
    books = books_of(mirror, store)
    mine = books.table("users", ["user_id", "name"])
    mine["name"] = "changed"
    mine.loc[0, "user_id"] = 9
    assert books.table("users", ["user_id", "name"]).iloc[0].tolist() == [1, "A"]
    mirror.close()


def test_a_second_look_at_the_same_books_tells_the_same(store, tmp_path):
    mirror = Mirror(tmp_path)
    monday, tuesday, wednesday = (NOW + timedelta(days=day) for day in (0, 1, 2))
    days, first = (monday, monday, tuesday, tuesday, wednesday), [[1, 32100, "New"]]
    before = []
    for day in days:
        before.append(mirror.look_before(day))
        mirror.note_look(day, first if day == monday else [])
    assert before == [(None, None), (None, None), (monday, first), (monday, first), (tuesday, [])]
    mirror.close()


def test_what_no_column_can_hold_is_refused_and_not_bent(store):
    with pytest.raises(Unkept, match="user_id is too large"):
        Writer(store).put("users", records.User(id=2**70))


def test_a_second_writer_is_told_who_is_at_work(store, tmp_path):
    other = Store(tmp_path)
    with store.writing({"process": 4711, "machine": "desk", "since": "noon"}):
        with pytest.raises(InputError, match="process 4711 on desk, since noon"), other.writing({}):
            pass
        assert names(other) == {}  # reading goes on
    with other.writing({}):
        pass
    other.close()
