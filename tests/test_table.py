"""The table on the screen: text stays text, rows are selected and given back, and the button writes a file and says so."""

import html
import json

import pandas as pd
import pytest

from syncro_nb.errors import InputError
from syncro_nb.forms.table import MOST_ROWS, Table

ATTACK = "<img src=x onerror=alert(1)>\"'</td></script><script>alert(2)</script>\u202egnp"


def frame(rows=3):
    return pd.DataFrame(
        {
            "number": pd.Series(range(1, rows + 1), dtype="int64"),
            "subject": pd.Series([ATTACK] * rows, dtype="str"),
            "status": pd.Categorical([ATTACK] * rows),
            "amount_cents": pd.Series([123456] * rows, dtype="int64"),
            "age_days": pd.array([None] * rows, dtype="Int64"),
            "hours": [1.5] * rows,
            "actual_seconds": [1] * rows,
            "late": [True] * rows,
            "at": pd.to_datetime(["2026-03-31T23:30:00Z"] * rows, utc=True).astype("datetime64[us, UTC]"),
        }
    )


def sent(table):
    """What the browser gets."""
    return table.widget._dt_args


def cells(table):
    return json.loads(sent(table)["data_json"])


def test_every_cell_is_escaped_text_and_no_code_goes_along():
    table = Table(frame(), "Open <b>tickets</b>")
    assert "keys_to_be_evaluated" not in sent(table)
    everything = json.dumps(sent(table)) + table.box.children[0].value
    assert "<img" not in everything
    assert "<script" not in everything
    assert "<b>" not in everything
    assert "\u202e" not in html.unescape(json.loads(json.dumps(sent(table)["data_json"])))
    assert html.unescape(cells(table)[0][1]).startswith("<img src=x")
    assert {type(cell) for row in cells(table) for cell in row} == {str}


def test_a_column_named_by_somebody_else_is_text_too():
    assert "<img" not in sent(Table(pd.DataFrame({ATTACK: [1]})))["table_html"]


def test_values_are_shown_as_people_read_them():
    from zoneinfo import ZoneInfo

    table = Table(frame(1), zone=ZoneInfo("America/Los_Angeles"))
    assert [*cells(table)[0][:1], *cells(table)[0][3:]] == ["1", "$1,234.56", "", "1.50", "yes", "2026-03-31 16:30"]


def test_the_selected_rows_come_back_with_every_column():
    table = Table(frame(), columns=["number"])
    assert table.selected.empty
    table.widget.selected_rows = [2, 0]
    assert table.selected["number"].tolist() == [1, 3]
    assert list(table.selected) == list(frame())
    assert repr(table) == "<table of 3 rows, 2 selected>"


def test_the_button_writes_the_selected_rows_and_says_where(tmp_path):
    table = Table(frame(), "Tickets", folder=tmp_path, name="tickets")
    table.selected = [1]
    table.export_button.click()
    assert "1 row written to" in table.status.value
    assert (tmp_path / "tickets.xlsx").exists()
    table.selected = []
    table.export_button.click()
    assert "tickets (2).xlsx" in table.status.value
    assert "was there already" in table.status.value


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tickets.exe", "the ending must be one of"),
        ("nowhere/a.csv", "there is no folder"),
        ("", "which file?"),
        ("  ", "which file?"),
        (".xlsx", "which file?"),
        ("x" * 300 + ".csv", "at most 255 bytes"),
        ("a\x00.csv", "cannot be seen"),
        ("CON.xlsx", "device"),
        ("~nobody-of-that-name/a.csv", "no such home folder"),
        ("<b>.doc", "Windows allows no &lt; in a name"),
    ],
)
def test_a_name_that_is_no_table_is_said_and_not_raised(tmp_path, name, said):
    table = Table(frame(), folder=tmp_path)
    table.file_name.value = name
    table.export_button.click()
    assert said in table.status.value
    assert "fault" not in table.status.value
    assert "<b>" not in table.status.value
    assert list(tmp_path.iterdir()) == []


def test_a_long_table_shows_its_first_rows_and_says_so(tmp_path):
    table = Table(frame(MOST_ROWS + 1), folder=tmp_path)
    assert len(cells(table)) == MOST_ROWS
    assert "The first 5,000 of 5,001 rows" in table.box.children[0].value
    assert table.export("a.csv").rows == MOST_ROWS + 1


def test_an_empty_table_is_shown():
    assert repr(Table(frame(0), "Nothing")) == "<table Nothing 0 rows>"
    assert cells(Table(frame(0))) == []


def test_in_a_notebook_its_text_is_the_same_each_time():
    bundle = Table(frame(), "Tickets")._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data["text/plain"] == "<table Tickets 3 rows>"
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_grouped_frame_keeps_its_names_on_the_screen_in_the_selection_and_in_the_file(tmp_path):
    rows = pd.DataFrame({"customer": ["A", "B", "A"], "what": ["x", "x", "y"], "amount_cents": [100, 250, 400]})
    table = Table(rows.groupby("customer")["amount_cents"].sum().to_frame(), folder=tmp_path)
    assert list(table.frame) == ["customer", "amount_cents"]
    assert cells(table) == [["A", "$5.00"], ["B", "$2.50"]]
    table.selected = [1]
    assert table.selected.to_dict("records") == [{"customer": "B", "amount_cents": 250}]
    table.export("a.csv")
    assert (tmp_path / "a.csv").read_text("utf-8-sig").splitlines() == ["customer,amount", "B,2.50"]
    assert list(Table(pd.crosstab([rows["customer"], rows["what"]], rows["what"])).frame) == [
        "customer",
        "what",
        "x",
        "y",
    ]
    assert list(Table(rows[rows["what"] == "y"]).frame) == list(rows)


@pytest.mark.parametrize("ending", ["csv", "xlsx", "json", "parquet"])
def test_durations_and_months_are_shown_and_saved(tmp_path, ending):
    rows = pd.DataFrame(
        {"took": pd.to_timedelta([None, "1h15min"]), "month": pd.PeriodIndex(["2026-03"] * 2, freq="M")}
    )
    table = Table(rows.pivot_table(values=["took"], columns="month", aggfunc="max"), folder=tmp_path)
    assert cells(table) == [["took", "1.25"]]
    table = Table(rows, folder=tmp_path)
    assert cells(table) == [["", "2026-03"], ["1.25", "2026-03"]]
    assert "took hours" in sent(table)["table_html"]
    table.file_name.value = f"a.{ending}"
    table.export_button.click()
    assert "2 rows written to" in table.status.value


def test_a_series_is_a_table_of_one_column():
    assert cells(Table(pd.Series([5], name="amount_cents"))) == [["$0.05"]]
    assert cells(Table(pd.Series(["a", "a"], name="status").value_counts())) == [["a", "2"]]


def test_a_column_that_is_not_there_or_there_twice_is_said_in_one_line():
    with pytest.raises(
        InputError, match=r"there is no column nummer; there are: number, subject, status, amount_cents"
    ):
        Table(frame(), columns=["nummer"])
    with pytest.raises(InputError, match="two columns have the name number"):
        Table(pd.concat([frame()[["number"]]] * 2, axis=1))


def search(table, found):
    """What the browser sends when somebody has searched."""
    table.widget._handle_custom_msg({"found": found}, [])


def test_the_file_has_the_rows_that_a_search_shows_unless_some_are_selected(tmp_path):
    table = Table(frame(5), folder=tmp_path)
    search(table, [3, 1])
    written = table.export("a.csv")
    assert str(written) == f"2 rows written to {tmp_path / 'a.csv'} (found by the search, of 5)"
    assert pd.read_csv(written.path)["number"].tolist() == [2, 4]
    table.selected = [0]
    assert "1 row written to" in str(table.export("b.csv"))
    assert table.export("b.csv").remark == "selected, of 5; b.csv was there already, and was left as it is"
    table.selected = []
    search(table, [])
    assert table.export("c.csv").rows == 0
    search(table, None)
    assert str(table.export("d.csv")) == f"5 rows written to {tmp_path / 'd.csv'}"


def test_a_search_in_a_long_table_says_that_it_sees_the_first_rows_only(tmp_path):
    table = Table(frame(MOST_ROWS + 1), folder=tmp_path)
    search(table, [0])
    assert "found by the search among the first 5,000, of 5,001" in str(table.export("a.csv"))


def test_the_module_of_the_widget_is_the_one_that_tells_of_the_search():
    assert "context.model.send({found})" in Table(frame()).widget._esm


def test_days_and_instants_stay_on_one_line():
    days = pd.DataFrame(
        {"x": [1], "on": pd.to_datetime(["2026-03-31"]), "at": pd.to_datetime(["2026-03-31"], utc=True)}
    )
    assert {"targets": [1, 2], "className": "dt-nowrap"} in sent(Table(days))["columnDefs"]
