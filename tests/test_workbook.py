"""A reconciliation as a workbook: a summary to print, a sheet for each rule, real dates and amounts, nothing live."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from syncro_nb.errors import InputError
from syncro_nb.reconcile.decisions import Decision, identified
from syncro_nb.reconcile.finding import Finding, NotEvaluated
from syncro_nb.reconcile.report import Report
from syncro_nb.workbook import write_report

NOW = datetime(2026, 3, 31, 20, tzinfo=UTC)
EVIL = '=HYPERLINK("http://evil","x")'


def finding(key, rule="timer-uncharged", direction="leak", cents=7500, severity="S2", **more):
    evidence = {
        "ticket_id": 9001, "invoice_id": 7, "hours": 0.5, "rate_cents": 15000, "started_at": "2026-03-10T16:15:00+00:00",
        "dated_on": "2026-03-10T00:00:00", "line_ids": [4, 5], "also": ["late-entry"],
    }  # fmt: skip
    values = {"customer": "Anvil Works", "ticket": 1, "invoice": "INV-7", "message": "half an hour", "on": "2026-03-10"}
    return Finding(rule, severity, direction, cents, True, key=key, evidence=evidence, **{**values, **more})


def report(*findings, missed=()):
    return Report(tuple(findings), tuple(missed), NOW, NOW, date(2026, 3, 1), date(2026, 3, 31), rows={"tickets": 5})


def sheets(tmp_path, made, **more):
    path = tmp_path / "march.xlsx"
    write_report(made, path, zone=ZoneInfo("America/Los_Angeles"), **more)
    return openpyxl.load_workbook(path), path


def cells(sheet):
    return [[cell for cell in row if cell is not None] for row in sheet.iter_rows(values_only=True)]


def test_there_is_a_summary_all_findings_and_a_sheet_for_each_rule(tmp_path):
    book, _ = sheets(tmp_path, report(finding("a"), finding("b", "tax", "over", 99, "S1")))
    assert book.sheetnames == ["Summary", "All findings", "timer-uncharged", "tax"]
    assert [len(list(book[name].rows)) for name in book.sheetnames[1:]] == [3, 2, 2]


def test_a_rules_sheet_has_a_frozen_header_a_filter_and_the_evidence_as_real_values(tmp_path):
    book, _ = sheets(tmp_path, report(finding("a")), site="https://shop.example")
    sheet = book["timer-uncharged"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref[:2]) == ("A2", "A1")
    heads = [cell.value for cell in sheet[1]]
    row = dict(zip(heads, [cell.value for cell in sheet[2]], strict=True))
    assert row["amount"] == 75
    assert row["on"] == datetime(2026, 3, 10)
    assert row["started_at (America/Los_Angeles)"] == datetime(2026, 3, 10, 9, 15)
    assert row["dated_on"] == datetime(2026, 3, 10)
    assert (row["rate"], row["hours"], row["line_ids"]) == (150, 0.5, "4, 5")
    assert (row["ticket"], row["invoice"], row["also"]) == (1, "INV-7", "late-entry")
    assert row["ticket_link"] == "https://shop.example/tickets/9001"
    assert row["invoice_link"] == "https://shop.example/invoices/7"
    assert "#,##0.00" in sheet.cell(2, heads.index("amount") + 1).number_format


def test_the_summary_prints_on_a_page_and_says_everything(tmp_path):
    missed = [NotEvaluated("ledger-difference", "no ledger was given", 12), NotEvaluated("tax", "a page failed", None)]
    made = report(finding("a"), finding("b", cents=2500), finding("c", "tax", "over", 99, "S1"), missed=missed)
    book, _ = sheets(tmp_path, made, account="acme")
    sheet = book["Summary"]
    assert sheet.page_setup.orientation == "landscape"
    assert sheet.page_setup.fitToWidth in (
        None,
        1,
    )  # one page wide, which the file need not say, and as many as it takes
    assert sheet.page_setup.fitToHeight == 0
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    rows = cells(sheet)
    assert rows[0] == ["Reconciliation of acme"]
    assert rows[1] == ["Period: 2026-03-01 to 2026-03-31"]
    assert "2026-03-31 13:00" in rows[2][0]
    assert ["leak", "we did not bill it", 2, 100, 0, 0, 100] in rows
    assert ["over", "the customer was billed too much", 1, 0.99, 0, 0, 0.99] in rows
    assert ["ledger-difference", "no ledger was given", 12] in rows
    assert ["tax", "a page failed", "not known"] in rows
    assert ["all", 3, 100, 0.99, 0, 0] in rows


def test_an_estimate_is_never_added_to_what_is_exact(tmp_path):
    guess = replace(finding("b", cents=900_000), exact=False)
    rows = cells(sheets(tmp_path, report(finding("a"), guess, replace(guess, key="c", rule="tax")))[0]["Summary"])
    assert ["leak", "we did not bill it", 3, 75, 18_000, 0, 18_075] in rows
    assert [row[-1] for row in rows if row and row[0] in ("timer-uncharged", "tax")] == [
        "partly estimated",
        "estimated",
    ]


def test_every_sheet_of_rows_is_printed_as_wide_as_a_page_with_its_header_on_each(tmp_path):
    book, _ = sheets(tmp_path, report(finding("a")))
    for name in book.sheetnames[1:]:
        assert book[name].page_setup.orientation == "landscape"
        assert book[name].sheet_properties.pageSetUpPr.fitToPage
        assert book[name].print_title_rows == "$1:$1"


def test_what_was_decided_is_told_apart_from_what_is_open(tmp_path):
    decision = identified(
        Decision(
            "acme", "a", "accepted", "Ana", NOW, "courtesy", direction="leak", amount_cents=7500, rule="timer-uncharged"
        )
    )
    book, _ = sheets(tmp_path, report(finding("a"), finding("b", cents=2500)), decisions=[decision])
    assert ["leak", "we did not bill it", 2, 100, 0, 75, 25] in cells(book["Summary"])
    rows = list(book["All findings"].iter_rows(values_only=True))
    place = rows[0].index("state")
    assert [row[place] for row in rows[1:]] == ["accepted", "open"]


def test_nothing_from_outside_is_ever_a_formula_or_a_link(tmp_path):
    made = report(
        finding("a", customer=EVIL, message=EVIL, technician="+1+1", invoice=EVIL),
        missed=[NotEvaluated("tax", EVIL, None)],
    )
    book, path = sheets(tmp_path, made, account="=1+1", site="https://shop.example")
    for sheet in book:
        assert all(cell.data_type != "f" for row in sheet.rows for cell in row)
    with ZipFile(path) as archive:
        texts = [archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml")]
    assert not any("<f>" in text or "<hyperlink " in text for text in texts)


def test_an_amount_of_more_digits_than_a_cell_keeps_is_exact_in_the_summary_too(tmp_path):
    book, _ = sheets(tmp_path, report(finding("a", cents=10**15 + 1)))
    assert sum("10000000000000.01" in row for row in cells(book["Summary"])) == 3  # by direction, by rule, all
    assert "10000000000000.01" in cells(book["All findings"])[1]


def test_no_findings_and_nothing_to_look_at_is_no_all_clear(tmp_path):
    made = Report((), (), NOW, NOW, rows={"tickets": 0})
    book, _ = sheets(tmp_path, made)
    assert ["There was nothing in the period to look at, so that nothing is clear."] in cells(book["Summary"])
    assert book.sheetnames == ["Summary", "All findings"]


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"must end in \.xlsx"):
        write_report(report(), tmp_path / "march.csv")
