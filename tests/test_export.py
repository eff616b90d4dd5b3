"""Tables as files: read back with other programs, attacks are text, money is exact, and nothing is written over in silence."""

import csv
import gc
import json
import os
import re
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncro_nb import export
from syncro_nb.errors import InputError
from syncro_nb.escape import for_csv, from_csv, name_trouble

ATTACKS = [
    '=HYPERLINK("http://evil.example","see here")',
    "+1+cmd|'/C calc'!A0",
    "-2+3",
    "@SUM(1,2)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "＝1+1",
    "http://evil.example",
    "<script>alert(1)</script>",
    "a\x07b\u202ec",
    'quote " and, comma; and\nline',
    "plain",
]


def frame():
    return pd.DataFrame(
        {
            "subject": pd.Series(ATTACKS, dtype="str"),
            "status": pd.Categorical(["=evil()", "New"] * 7),
            "amount_cents": pd.Series(range(-700, 700, 100), dtype="int64") + 5,
            "rate_cents": pd.array([None, *range(13)], dtype="Int64"),
            "hours": [0.25] * 13 + [np.nan],
            "count": range(14),
            "open": [True, False] * 7,
            "day": pd.to_datetime(["2026-03-31", None] * 7).astype("datetime64[ms]"),
            "at": pd.to_datetime(["2026-03-31T23:30:00Z", None] * 7).astype("datetime64[us, UTC]"),
        }
    )


def sheet(path, number=0):
    return openpyxl.load_workbook(path).worksheets[number]


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


# ---------------------------------------------------------------- no formulas


def test_in_a_workbook_every_text_is_text(tmp_path):
    done = export.write(frame(), tmp_path / "a.xlsx")
    cells = [row[0] for row in sheet(done.path).iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.hyperlink for cell in cells] == [None] * len(ATTACKS)
    assert cells[0].value == ATTACKS[0]
    assert cells[ATTACKS.index("a\x07b\u202ec")].value == "abc"
    assert [row[1].data_type for row in sheet(done.path).iter_rows(min_row=2)] == ["s"] * 14


def test_in_a_csv_what_looks_like_a_formula_gets_an_apostrophe(tmp_path):
    done = export.write(frame(), tmp_path / "a.csv")
    texts = [row["subject"] for row in rows_of(done.path)]
    for text in texts[:9]:
        assert text.startswith("'")
    assert texts[9:] == ["http://evil.example", "<script>alert(1)</script>", "abc", *ATTACKS[12:]]
    assert {row["status"] for row in rows_of(done.path)} == {"'=evil()", "New"}


CLOSE_TO_FORMULAS = st.text(alphabet=" \u00a0\u3000\ufeff,;|\t\r\n\"'=+-@＝－ab", max_size=12)


def written(texts, folder):
    path = folder / "a.csv"
    column = pd.Series([text.encode("utf-8", "replace").decode() for text in texts], dtype="str")
    export.write(pd.DataFrame({"first": column, "number": 1, "last": column}), path, replace=True)
    return path.read_bytes().decode("utf-8-sig")


def cells_of(content):
    """Every cell that somebody sees in the file: readers that split at one separator, and one that knows of no quotes."""
    for separator in ",;|\t":
        for row in csv.reader(content.splitlines(keepends=True), delimiter=separator):
            yield from row
        for line in content.splitlines():  # one line at a time, as `sort` and `grep` leave them
            yield from next(csv.reader([line], delimiter=separator), [])
    yield from re.split(r"[,;|\t\r\n]", content)


def is_live(cell):
    """It begins a formula, or with a tab; every \\r in the file is part of its own line ends."""
    return cell[:1] == "\t" or cell.strip(' \r\n\u00a0\u3000\ufeff"')[:1] in tuple("=+-@＝＋－＠")


@pytest.mark.parametrize(
    "text",
    [
        "Bistro;=cmd|'/C calc'!A0;x",
        "Bistro; =1+1",
        "Bistro;\t=1+1",
        "Bistro\t=1+1",
        "\t=1+1",
        "Bistro\n=1+1",
        "Bistro\r\n\r\n  @SUM(1)",
        "Bistro;－1",
        "Bistro;\u00a0＠a",
        "Bistro;\u3000+1",
        "Bistro;\ufeff+1",
        "Bistro|-1",
        "Bistro, -1",
        'a;"=1+1";b',
        'a;""=1+1',
        "a;\tb",
        'a;"\tb',
        "'=1+1;=1",
        "=1;=2\n=3",
    ],
)
def test_in_a_csv_no_reader_finds_a_formula_whatever_it_splits_at(tmp_path, text):
    content = written([text], tmp_path)
    assert [cell for cell in cells_of(content) if is_live(cell)] == []
    (row,) = rows_of(tmp_path / "a.csv")
    assert from_csv(row["first"]) == text.replace("\r\n", "\n")


@given(st.lists(st.one_of(CLOSE_TO_FORMULAS, st.text(max_size=12)), min_size=1, max_size=3))
def test_no_text_reaches_a_csv_as_a_formula(tmp_path_factory, texts):
    content = written(texts, tmp_path_factory.mktemp("csv"))
    assert [cell for cell in cells_of(content) if is_live(cell)] == []


@given(CLOSE_TO_FORMULAS)
def test_the_apostrophes_of_a_csv_can_be_taken_off_again(text):
    assert from_csv(for_csv(text)) == text


def test_a_text_that_has_an_apostrophe_before_a_formula_gets_one_more(tmp_path):
    written(["'=1+1", "=1+1", "''-1"], tmp_path)
    assert [row["first"] for row in rows_of(tmp_path / "a.csv")] == ["''=1+1", "'=1+1", "''" + "'-1"]


def test_a_text_without_formulas_and_our_own_numbers_are_left_as_they_are(tmp_path):
    text = "It's 'so': a-b; c = d, 5 + 3 (x@y.example) | 'quoted'\nand\n\nmore"
    export.write(
        pd.DataFrame({"amount_cents": [-1250], "hours": [-0.5], "count": [-3], "text": [text]}), tmp_path / "a.csv"
    )
    assert rows_of(tmp_path / "a.csv") == [{"amount": "-12.50", "hours": "-0.5", "count": "-3", "text": text}]


def test_only_a_csv_has_apostrophes(tmp_path):
    text = "'=1;=2\n-3"
    for ending in (".xlsx", ".json", ".parquet"):
        export.write(pd.DataFrame({"t": pd.Series([text], dtype="str")}), tmp_path / f"a{ending}")
    assert sheet(tmp_path / "a.xlsx")["A2"].value == text
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == [{"t": text}]
    assert pd.read_parquet(tmp_path / "a.parquet")["t"].tolist() == [text]


def test_a_column_whose_name_comes_from_outside_is_no_formula_either(tmp_path):
    made = pd.DataFrame({"=evil()": [1]})
    export.write(made, tmp_path / "a.csv")
    assert list(rows_of(tmp_path / "a.csv")[0]) == ["'=evil()"]
    export.write(made, tmp_path / "a.xlsx")
    assert sheet(tmp_path / "a.xlsx")["A1"].data_type == "s"


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("a/b:c", "a b c"),
        ("'quoted'", "quoted"),
        ("History", "Table"),
        ("", "Table"),
        ("x" * 40, "x" * 31),
        ("[*]?\\", "Table"),
    ],
)
def test_sheet_names_are_those_that_excel_accepts(name, made):
    taken = set()
    assert export.sheet_name(name, taken) == made
    assert export.sheet_name(name.upper(), taken).lower() != made.lower()


# ---------------------------------------------------------------- values


def test_a_workbook_has_real_dates_numbers_and_amounts(tmp_path):
    from zoneinfo import ZoneInfo

    done = export.write(frame(), tmp_path / "a.xlsx", zone=ZoneInfo("America/Los_Angeles"), title="Unbilled")
    made = sheet(done.path)
    assert made.title == "Unbilled"
    assert [cell.value for cell in made[1]][2:] == [
        *("amount", "rate", "hours", "count", "open", "day", "at (America/Los_Angeles)")
    ]
    first = dict(zip([cell.value for cell in made[1]], made[2], strict=True))
    assert first["amount"].value == -6.95
    assert "0.00" in first["amount"].number_format
    assert first["rate"].value is None
    assert first["day"].is_date
    assert str(first["day"].value) == "2026-03-31 00:00:00"
    assert str(first["at (America/Los_Angeles)"].value) == "2026-03-31 16:30:00"
    assert first["open"].value is True
    assert made.freeze_panes == "A2"
    assert made.auto_filter.ref == "A1:I15"


def test_a_csv_has_decimals_and_iso_times(tmp_path):
    export.write(frame(), tmp_path / "a.csv")
    rows = rows_of(tmp_path / "a.csv")
    assert rows[0]["amount"] == "-6.95"
    assert rows[7]["amount"] == "0.05"
    assert sum(Decimal(row["amount"]) for row in rows) * 100 == int(frame()["amount_cents"].sum())
    assert rows[0]["rate"] == ""
    assert rows[0]["day"] == "2026-03-31"
    assert rows[0]["at"] == "2026-03-31T23:30:00+00:00"
    assert rows[1]["at"] == ""


def test_a_csv_keeps_fractions_of_seconds_where_there_are_any(tmp_path):
    times = pd.Series(pd.to_datetime(["2026-03-31T23:30:00Z", "2026-03-31T23:30:00.25Z"], format="ISO8601"))
    export.write(pd.DataFrame({"at": times}), tmp_path / "a.csv")
    said = [row["at"] for row in rows_of(tmp_path / "a.csv")]
    assert said == ["2026-03-31T23:30:00+00:00", "2026-03-31T23:30:00.250000+00:00"]


def test_a_number_of_more_digits_than_a_cell_keeps_is_a_text_in_a_workbook(tmp_path):
    whole = pd.array([2**53, 2**53 + 1, -(2**53) - 1, None], dtype="Int64")
    cents = pd.Series([10**15 - 1, 10**15 + 1, -(10**15) - 1, 0], dtype="int64")
    export.write(pd.DataFrame({"id": whole, "amount_cents": cents}), tmp_path / "a.xlsx")
    made = sheet(tmp_path / "a.xlsx")
    assert [cell.value for cell in made["A"][1:]] == [2**53, "9007199254740993", "-9007199254740993", None]
    assert [cell.value for cell in made["B"][1:]] == [9999999999999.99, "10000000000000.01", "-10000000000000.01", 0]


def test_json_has_null_for_what_is_no_number_and_refuses_what_is_infinite(tmp_path):
    export.write(pd.DataFrame({"x": [float("nan"), 1.5]}), tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == [{"x": None}, {"x": 1.5}]
    for bad in (float("inf"), float("-inf")):
        with pytest.raises(InputError, match="infinite"):
            export.write(pd.DataFrame({"x": [1.5, bad]}), tmp_path / "b.json")
        with pytest.raises(InputError, match="infinite"):
            export.write_document({"x": bad}, tmp_path / "b.json")
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]


def test_json_keeps_cents_and_text_as_they_are(tmp_path):
    export.write(frame(), tmp_path / "a.json")
    rows = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert [row["subject"] for row in rows] == ATTACKS
    assert rows[0] == {
        "subject": ATTACKS[0],
        "status": "=evil()",
        "amount_cents": -695,
        "rate_cents": None,
        "hours": 0.25,
        "count": 0,
        "open": True,
        "day": "2026-03-31",
        "at": "2026-03-31T23:30:00+00:00",
    }
    assert rows[-1]["hours"] is None


def test_parquet_gives_the_same_frame_back(tmp_path):
    export.write(frame(), tmp_path / "a.parquet")
    back = pd.read_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(back, frame(), check_dtype=False, check_categorical=False)
    assert str(back["amount_cents"].dtype) == "int64"


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=20))
def test_cents_as_decimals_lose_nothing(cents):
    made = export.decimals(pd.DataFrame({"amount_cents": pd.Series(cents, dtype="int64")}))
    assert [int(Decimal(text) * 100) for text in made["amount"]] == cents


def test_amounts_keep_apart_from_a_column_of_the_short_name():
    made = export.decimals(pd.DataFrame({"amount": ["?"], "amount_cents": [5]}))
    assert list(made) == ["amount", "amount_dollars"]


def test_for_reading_amounts_are_dollars_and_the_exact_units_are_left_out():
    made = export.readable(
        pd.DataFrame({"amount_cents": pd.array([123456, None], dtype="Int64"), "actual_seconds": [1, 2]})
    )
    assert made.to_dict("list") == {"amount": ["$1,234.56", ""]}


def test_for_reading_hours_have_two_decimals():
    hours = pd.DataFrame({"billable_hours": [13.288333, float("nan")], "share": [0.123456, 1.0]})
    made = export.readable(hours)
    assert made["billable_hours"].iloc[0] == 13.29
    assert made["share"].iloc[0] == 0.123456
    assert hours["billable_hours"].iloc[0] == 13.288333  # exact where it came from


@pytest.mark.parametrize("ending", export.ENDINGS)
def test_an_empty_table_is_a_file_with_its_columns(tmp_path, ending):
    done = export.write(frame().head(0), tmp_path / f"a{ending}")
    assert done.rows == 0
    assert done.path.stat().st_size > 0
    assert "0 rows written to" in str(done)


def test_further_tables_are_further_sheets(tmp_path):
    export.write(frame(), tmp_path / "a.xlsx", sheets={"By / customer": frame().head(1), "TABLE": frame().head(0)})
    assert openpyxl.load_workbook(tmp_path / "a.xlsx").sheetnames == ["Table", "By   customer", "TABLE 2"]


def test_long_text_is_cut_to_what_a_cell_holds(tmp_path):
    export.write(pd.DataFrame({"t": ["x" * 40_000]}), tmp_path / "a.xlsx")
    assert len(sheet(tmp_path / "a.xlsx")["A2"].value) == 32_767


def test_an_index_that_says_something_becomes_a_column(tmp_path):
    counts = pd.DataFrame({"status": ["New", "New"], "n": [1, 2]}).groupby("status").sum()
    export.write(counts, tmp_path / "a.csv")
    assert rows_of(tmp_path / "a.csv") == [{"status": "New", "n": "3"}]


# ---------------------------------------------------------------- what analysts make of tables


def back(path):
    """Names and rows of a file, as text."""
    if path.suffix == ".csv":
        rows = rows_of(path)
    elif path.suffix == ".json":
        rows = json.loads(path.read_text("utf-8"))
    elif path.suffix == ".parquet":
        rows = pd.read_parquet(path).to_dict("records")
    else:
        first, *others = sheet(path).iter_rows(values_only=True)
        rows = [dict(zip(first, row, strict=True)) for row in others]
    return [{str(name): str(value) for name, value in row.items()} for row in rows]


def worked():
    return pd.DataFrame(
        {
            "who": ["Ana", "Ana", "Ben"],
            "month": pd.PeriodIndex(["2026-03", "2026-04", "2026-03"], freq="M"),
            "hours": [1, 2, 4],
        }
    )


@pytest.mark.parametrize("ending", export.ENDINGS)
def test_durations_are_hours_that_can_be_summed_and_months_are_text(tmp_path, ending):
    took = pd.Series(pd.to_timedelta(["1h30min", "-15min", None]))
    made = pd.DataFrame({"took": took, "rest_hours": took, "month": worked()["month"], "on": pd.Timestamp(0).date()})
    made["part"] = pd.cut(pd.Series([1, 2, 3]), [0, 2, 4])
    rows = back(export.write(made, tmp_path / f"a{ending}").path)
    assert list(rows[0]) == ["took_hours", "rest_hours", "month", "on", "part"]
    assert list(rows[0].values()) == ["1.5", "1.5", "2026-03", "1970-01-01", "(0, 2]"]
    assert rows[1]["took_hours"] == "-0.25"
    assert rows[2]["took_hours"] in ("", "None", "nan")


@pytest.mark.parametrize("ending", export.ENDINGS)
def test_headers_of_several_levels_are_joined_and_indexes_are_columns(tmp_path, ending):
    pivot = worked().pivot_table(values=["hours"], index=["who"], columns="month", aggfunc="sum")
    rows = back(export.write(pivot, tmp_path / f"a{ending}").path)
    assert list(rows[0]) == ["who", "hours_2026-03", "hours_2026-04"]
    assert float(rows[1]["hours_2026-03"]) == 4
    cross = pd.crosstab(worked()["who"], worked()["month"])
    assert back(export.write(cross, tmp_path / f"b{ending}").path)[1] == {"who": "Ben", "2026-03": "1", "2026-04": "0"}
    by_month = worked().groupby(["month", "who"])["hours"].sum()
    assert back(export.write(by_month, tmp_path / f"c{ending}").path)[0] == {
        "month": "2026-03",
        "who": "Ana",
        "hours": "1",
    }
    sizes = worked().astype({"who": "category"}).groupby("who", observed=True).size()
    assert back(export.write(sizes, tmp_path / f"d{ending}").path)[0] == {"who": "Ana", "value": "2"}


def test_an_index_that_only_numbers_rows_stays_out_and_any_other_does_not():
    for rows in (worked(), worked()[worked()["hours"] > 1], worked().sort_values("hours", ascending=False)):
        assert list(export.flat(rows)) == ["who", "month", "hours"]
        assert list(export.flat(rows).index) == list(range(len(rows)))
    assert list(export.flat(worked()["hours"].describe())) == ["index", "hours"]
    assert list(export.flat(pd.crosstab(worked()["who"], worked()["who"].astype("category")))) == ["who", "Ana", "Ben"]


@pytest.mark.parametrize("ending", export.ENDINGS)
def test_two_columns_of_one_name_are_refused_by_name(tmp_path, ending):
    twice = pd.concat([worked()[["hours"]]] * 2, axis=1)
    for bad in (twice, worked().set_index("hours", drop=False), pd.DataFrame({1: [1], "1": [2]})):
        with pytest.raises(InputError, match=r"two columns have the name (hours|1); give one of them another"):
            export.write(bad, tmp_path / f"a{ending}")
    with pytest.raises(InputError, match="the name hours"):
        export.readable(twice)
    assert list(tmp_path.iterdir()) == []


def test_a_column_that_parquet_cannot_have_is_refused_in_words(tmp_path):
    mixed = pd.DataFrame({"x": [1, "a"]})
    with pytest.raises(InputError, match="several kinds"):
        export.write(mixed, tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_list_in_a_cell_is_one_in_json(tmp_path):
    export.write(pd.DataFrame({"x": [[1, 2], None]}), tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == [{"x": [1, 2]}, {"x": None}]


def test_a_series_is_read_as_a_frame_of_one_column():
    amounts = pd.Series([123456], index=pd.Index(["Ana"], name="who"), name="amount_cents")
    assert export.readable(amounts).to_dict() == {"amount": {"Ana": "$1,234.56"}}


# ---------------------------------------------------------------- files


def test_a_file_that_exists_is_refused_with_a_free_name(tmp_path):
    (tmp_path / "a.csv").write_text("mine")
    with pytest.raises(InputError, match=r"a.csv exists; name another file \(a \(2\).csv is free\)"):
        export.write(frame(), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "mine"


def test_replaced_on_demand_it_says_so(tmp_path):
    (tmp_path / "a.csv").write_text("mine")
    done = export.write(frame(), tmp_path / "a.csv", replace=True)
    assert done.remark == "it replaced the file that was there"
    assert len(rows_of(tmp_path / "a.csv")) == 14


def test_renamed_on_demand_it_says_so(tmp_path):
    (tmp_path / "a.csv").write_text("mine")
    (tmp_path / "a (2).csv").write_text("mine too")
    done = export.write(frame(), tmp_path / "a.csv", rename=True)
    assert done.path.name == "a (3).csv"
    assert "a.csv was there already" in str(done)


def test_a_file_that_is_open_elsewhere_is_left_alone(tmp_path, monkeypatch):
    target = tmp_path / "a.csv"
    target.write_text("mine")
    move = os.replace

    def locked(source, place):  # what Windows does while Excel has the file
        if place == target:
            raise PermissionError(13, "in use")
        move(source, place)

    monkeypatch.setattr(os, "replace", locked)
    done = export.write(frame(), target, replace=True)
    assert done.path.name == "a (2).csv"
    assert "open in another program" in done.remark
    assert target.read_text() == "mine"


def test_nothing_is_left_where_writing_failed(tmp_path):
    with pytest.raises(InputError, match=r"write \.csv or \.parquet"):
        export.write(pd.DataFrame({"n": range(1_048_576)}), tmp_path / "a.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.xls", "a", "nowhere/a.csv", "a.csv.exe"])
def test_a_place_where_no_table_can_go_is_refused_before_any_work(tmp_path, name):
    with pytest.raises(InputError):
        export.check(Path(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("CON.xlsx", "device"),
        ("nul.tar.csv", "device"),
        ("lpt1 .csv", "device"),
        ("a?b.csv", r"Windows allows no \? in a name"),
        ("a:b.csv", "Windows allows no : in"),
        ("a\\b.csv", "Windows allows no"),
        ('a"b.csv', "Windows allows no"),
        ("a\nb.csv", "line breaks"),
        ("a\u2028b.csv", "line breaks"),
        ("a\x00b.csv", "cannot be seen"),
        ("a\ud800b.csv", "cannot be seen"),
        ("a\u202evsc.csv", "cannot be seen"),
        ("a.csv.", "no dot or blank at the end"),
        ("a.csv ", "no dot or blank at the end"),
        ("x" * 252 + ".csv", "at most 255 bytes"),
        ("é" * 126 + ".csv", "at most 255 bytes"),
        ("", "which file"),
        (" ", "which file"),
        (".", "which file"),
        (".csv", "which file"),
        ("~nobody-of-that-name/a.csv", "no such home folder"),
    ],
)
def test_a_name_that_some_system_does_not_take_is_refused_everywhere(tmp_path, monkeypatch, name, said):
    monkeypatch.chdir(tmp_path)
    for act in (export.check, lambda path: export.write(frame(), path, rename=True)):
        with pytest.raises(InputError, match=said):
            act(name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["a.csv", ".a.csv", "a  b.csv", "Müller, Söhne.csv", "請求.csv", "console.csv", "com10.csv"]
)
def test_any_other_name_is_taken_in_a_folder_of_any_name(tmp_path, name):
    folder = tmp_path / ("CON" if sys.platform != "win32" else "a")
    folder.mkdir()
    assert name_trouble(name) == ""
    assert export.write(frame(), folder / name).path == folder / name


def test_the_free_name_of_a_name_that_is_as_long_as_can_be_is_no_longer(tmp_path):
    name = "é" * 125 + "a.csv"
    for _ in range(2):
        done = export.write(frame(), tmp_path / name, rename=True)
    assert done.path.name == "é" * 123 + " (2).csv"
    with pytest.raises(InputError, match=r"\(3\).csv is free"):
        export.check(tmp_path / name)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("folder.csv", "is a folder"),
        ("file/a.csv", "there is no folder"),
        ("nowhere/a.csv", "there is no folder"),
        ("a\x00b/a.csv", "there is no folder"),
        ("x" * 300 + "/a.csv", "File name too long"),
    ],
)
def test_a_place_where_nothing_can_be_written_is_said_in_words(tmp_path, place, said):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").write_text("")
    for act in (export.check, lambda path: export.write(frame(), path, replace=True)):
        with pytest.raises(InputError, match=said):
            act(tmp_path / place)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "folder.csv"]


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder in which nobody may write, not even root")
def test_a_folder_that_is_for_reading_only_is_said_before_any_work():
    with pytest.raises(InputError, match=r"cannot be written: (Permission denied|Read-only file system)"):
        export.check("/sys/a.csv")


@pytest.fixture
def full_disk():
    """No file of this process can grow beyond a few thousand bytes, once it is called."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # files that xlsxwriter left open
@pytest.mark.parametrize("rows", [5_000, 60_000])
@pytest.mark.parametrize("ending", export.ENDINGS)
def test_where_a_file_cannot_be_written_to_its_end_nothing_is_left_of_it(
    tmp_path, monkeypatch, full_disk, ending, rows
):
    import tempfile

    (tmp_path / "parts").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "parts"))
    texts = pd.Series([f"{number * 7919 % 1009}" for number in range(rows)], dtype="str")
    export.write(frame(), tmp_path / f"first{ending}")  # the libraries are there
    full_disk()
    with pytest.raises(InputError, match="cannot be written: File too large"):
        export.write(pd.DataFrame({"t": texts}), tmp_path / f"a{ending}")
    gc.collect()
    assert list((tmp_path / "parts").iterdir()) == []
    assert sorted(one.name for one in tmp_path.iterdir()) == [f"first{ending}", "parts"]


@pytest.mark.parametrize("ending", export.ENDINGS)
def test_an_ending_may_be_in_capitals(tmp_path, ending):
    small, large = (export.write(frame(), tmp_path / name).path for name in (f"a{ending}", f"B{ending.upper()}"))
    assert large.name == f"B{ending.upper()}"
    assert large.read_bytes()[:4] == small.read_bytes()[:4]
    again = export.write(frame(), large, rename=True)
    assert again.path.name == f"B (2){ending.upper()}"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_file_is_its_owners_alone(tmp_path):
    done = export.write(frame(), tmp_path / "a.csv")
    assert done.path.stat().st_mode & 0o077 == 0


def test_a_document_is_written_whole_and_never_over_another_in_silence(tmp_path):
    path = tmp_path / "receipt.json"
    written = export.write_document({"total_cents": 24458, "subject": ATTACKS[0]}, path)
    assert str(written) == f"written to {path}"
    assert json.loads(path.read_text("utf-8")) == {"total_cents": 24458, "subject": ATTACKS[0]}
    with pytest.raises(InputError, match="exists"):
        export.write_document({}, path)
    second = export.write_document({"total_cents": 1}, path, rename=True)
    assert (second.path.name, "was there already" in second.remark) == ("receipt (2).json", True)
    assert json.loads(path.read_text("utf-8"))["total_cents"] == 24458
    assert "replaced" in export.write_document({}, path, replace=True).remark
    assert sorted(one.name for one in tmp_path.iterdir()) == ["receipt (2).json", "receipt.json"]


@pytest.mark.parametrize(("name", "document"), [("a.txt", {}), ("nowhere/a.json", {})])
def test_a_document_that_cannot_be_written_is_said(tmp_path, name, document):
    with pytest.raises(InputError):
        export.write_document(document, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
