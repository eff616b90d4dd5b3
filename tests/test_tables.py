"""The declared tables: every record becomes a row of the declared columns and dtypes, empty or not."""

from dataclasses import MISSING, fields
from datetime import UTC, datetime

import pandas as pd
import pytest
from desk import Desk
from everything import read_everything

from syncro_nb import frames
from syncro_nb.errors import InputError
from syncro_nb.service import wire
from syncro_nb.tables import INSTANT, TABLES


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    desk = Desk(tmp_path_factory.mktemp("home"))
    yield read_everything(desk.ws.client)
    desk.close()


def dtypes(frame):
    return {name: str(dtype) for name, dtype in frame.dtypes.items()}


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_has_the_declared_columns_and_dtypes(name):
    declared = {column: one.dtype for column, one in TABLES[name].columns.items()}
    assert dtypes(frames.from_records(name, [])) == declared


@pytest.mark.parametrize("name", TABLES)
def test_a_full_table_has_the_same_ones_and_each_key_once(name, books):
    frame = books.table(name)
    assert dtypes(frame) == {column: one.dtype for column, one in TABLES[name].columns.items()}
    assert len(frame) > 0
    assert frame[TABLES[name].key].is_unique


def test_money_is_exact(books):
    lines = books.table("charges")
    exact = (lines["quantity_millionths"] * lines["price_cents"] * 2 + 1_000_000) // 2_000_000  # half up
    assert (exact == lines["amount_cents"]).all()


def test_a_table_that_was_never_read_is_a_gap(books):
    assert books.gaps_of("tickets") == ()
    assert [gap.reason for gap in frames_without(books, "payments").gaps_of("payments")] == ["it was never read"]


def frames_without(books, name):
    from dataclasses import replace

    return replace(books, tables={key: value for key, value in books.tables.items() if key != name})


def test_the_dictionary_tells_every_column_with_its_dtype_and_meaning():
    found = frames.dictionary("timers").set_index("column")
    assert list(found.index) == list(TABLES["timers"].columns)
    assert found.loc["active_seconds", "dtype"] == "Int64"
    assert "seconds" in found.loc["active_seconds", "meaning"]
    assert found.loc["active_seconds", ["unit", "nullable"]].tolist() == ["seconds", True]
    assert found.loc["recorded", ["unit", "nullable"]].tolist() == ["", False]
    assert dtypes(frames.dictionary("timers")) == {name: one.dtype for name, one in frames.DICTIONARY.items()}
    assert "not in ws.timers" in found.loc["extra", "meaning"].replace("ws.tickets", "ws.timers")
    with pytest.raises(InputError, match="no table 'people'; there is: tickets"):
        frames.dictionary("people")


def test_the_dictionary_knows_the_tables_of_summaries_too():
    for name in frames._ELSEWHERE:
        assert len(frames.dictionary(name)) > 2
    found = frames.dictionary("unbilled").set_index("column")
    assert found.loc["worth_cents", ["unit", "nullable"]].tolist() == ["cents", False]
    assert found.loc["actual_hours", ["unit", "nullable"]].tolist() == ["hours", True]
    assert frames.dictionary("queue").set_index("column").loc["unbilled_cents", "unit"] == "cents"


@pytest.mark.parametrize("name", TABLES)
def test_every_number_has_a_unit_or_counts_or_names_something(name):
    bare = {"number", "quantity"}
    for column, one in TABLES[name].columns.items():
        if one.dtype in ("int64", "Int64", "float64") and not one.unit_as(column):
            assert column.endswith("_id") or column in bare


@pytest.mark.parametrize("name", [name for name in TABLES if name != "prepaid"])
def test_what_is_declared_as_never_absent_is_there_even_if_syncro_gives_nothing(name):
    table = TABLES[name]
    keys = [field for field in fields(table.record) if "key" in field.metadata]
    bare = {field.metadata["key"]: 1 if field.default is MISSING else None for field in keys}
    values = dict(zip(table.columns, table.row(wire.read(table.record, bare)), strict=True))
    absent = {column for column, value in values.items() if value is None}
    assert absent <= {column for column, one in table.columns.items() if one.may_be_absent}


@pytest.mark.parametrize("name", TABLES)
def test_what_is_declared_as_never_absent_is_never_absent_in_the_sandbox(name, books):
    frame = books.table(name)
    for column, one in TABLES[name].columns.items():
        assert one.may_be_absent or not frame[column].isna().any()


@pytest.mark.parametrize(
    ("column", "values"), [("notes", ["a", None]), ("recorded", [True, None]), ("timer_id", [1, None])]
)
def test_what_must_be_there_and_is_absent_is_told_with_its_row(column, values):
    import pyarrow as pa

    with pytest.raises(InputError, match=f"1 rows have no {column}, the first of them row 2"):
        frames.from_arrow(pa.table({column: values}), TABLES["timers"].columns)


@pytest.mark.parametrize("absent", [False, True])
@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("timer_id", [5, 2**62, -1, 7]),
        ("active_seconds", [5, 2**62, -1, 7]),
        ("started_at", [datetime(2026, 3, day, 9, 30, 0, day, tzinfo=UTC) for day in (1, 8, 29, 30)]),
    ],
)
def test_arrow_becomes_a_frame_whatever_its_pieces_are_and_can_be_written_to(column, cells, absent):
    import pyarrow as pa

    dtype = TABLES["timers"].columns[column].dtype
    if absent and dtype == "int64":
        pytest.skip("it is never absent")
    cells = [*cells[:2], None, *cells[2:]] if absent else cells
    kind = pa.timestamp("us", "UTC") if dtype == INSTANT else pa.int64()
    whole = pa.array([*cells, *cells], kind)
    for data in (whole[: len(cells)], whole[len(cells) :], whole[:0], [whole[:2], whole[2:2], whole[2 : len(cells)]]):
        data = pa.chunked_array(data if isinstance(data, list) else [data])
        made = frames.from_arrow(pa.table({column: data}), {column: TABLES["timers"].columns[column]})
        wanted = pd.DataFrame({column: pd.Series(data.to_pylist(), dtype=dtype)})
        pd.testing.assert_frame_equal(made, wanted)
        if len(made):
            made.loc[0, column] = cells[-1]
            assert made[column].tolist()[:2] == [cells[-1], cells[1]]
