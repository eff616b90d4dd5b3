"""The declared tables: every record becomes a row of the declared columns and dtypes, empty or not."""

import pytest
from desk import Desk
from everything import read_everything

from syncro_nb import frames
from syncro_nb.errors import InputError
from syncro_nb.tables import TABLES


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
    with pytest.raises(InputError, match="no table 'people'; there is: tickets"):
        frames.dictionary("people")
