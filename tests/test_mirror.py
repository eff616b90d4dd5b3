"""The store: what goes in comes out, whatever it holds, and neither a kill nor a damaged file is taken for the truth."""

import dataclasses
import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd
import pytest

from syncro_nb import frames
from syncro_nb.errors import ConfigError, InputError
from syncro_nb.mirror import store as store_module
from syncro_nb.mirror.columns import Unkept
from syncro_nb.mirror.mirror import Mirror
from syncro_nb.mirror.store import Batch, Damaged, Store
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
        if name == "prepaid":
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


def test_a_full_disk_is_said_plainly_and_what_was_read_stays(store, monkeypatch):
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


def test_a_column_that_an_older_version_did_not_keep_is_empty(store, monkeypatch):
    put(store, "users", *users((1, "A")))
    store.fold("users")
    columns = store_module.kept_columns("users") | {"email": TABLES["contacts"].columns["email"]}
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "kept_columns", lambda name: columns)
        assert store.values("users", ["name", "email"]) == [("A", "")]


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
