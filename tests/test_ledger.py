"""The bookkeeper's export: what QuickBooks and Xero write is read, and what cannot be read is said."""

from datetime import date
from time import process_time

import pytest

from syncro_nb import practice_ledger
from syncro_nb.errors import InputError
from syncro_nb.reconcile.ledger import LEDGER, amount_cents, parse_day, parse_ledger, read_ledger
from syncro_nb.sandbox import Sandbox

SALES = """Date,Type,No.,Customer,Memo,Due date,Balance,Total before sales tax,Sales tax,Total,Status
03/31/2026,Invoice,1001,Harbor Dental,,04/15/2026,81.53,75.00,6.53,81.53,Open
04/01/2026,Invoice,1002,"Stone, Field & Co",,04/16/2026,0.00,"1,150.00",100.05,"1,250.05",Paid
"""
XERO = """ContactName,EmailAddress,InvoiceNumber,Reference,InvoiceDate,DueDate,Total,TaxTotal,InvoiceAmountDue,Description,\
Quantity,UnitAmount,LineAmount,TaxAmount,Currency,Type,Sent,Status
Harbor Dental,,INV-1,,31/03/2026,14/04/2026,163.06,13.06,163.06,Remote,0.5,150.00,75.00,6.53,USD,Sales invoice,Sent,Paid
Harbor Dental,,INV-1,,31/03/2026,14/04/2026,163.06,13.06,163.06,"Onsite
two lines",0.5,150.00,75.00,6.53,USD,Sales invoice,Sent,Paid
Harbor Dental,,CN-1,,01/04/2026,,81.53,6.53,0.00,Credit,1,75.00,75.00,6.53,USD,Sales credit note,,Awaiting Payment
Stone,,INV-2,,01/04/2026,,10.00,0.00,10.00,Cable,1,10.00,10.00,0.00,USD,Sales invoice,,Voided
Shop,,B-1,,01/04/2026,,10.00,0.00,10.00,Paper,1,10.00,10.00,0.00,USD,Bill,,Paid
"""
REPORT = """Example Shop,,,,,,
Invoice List by Date,,,,,,
"March 1 - 31, 2026",,,,,,
,,,,,,
,Transaction date,Transaction type,Num,Memo/Description,Due date,Amount,Open balance
Harbor Dental,,,,,,
,03/02/2026,Invoice,1001,,03/17/2026,$81.53,$81.53
,03/13/2026,Credit Memo,1002,,,-$75.00,$0.00
Total for Harbor Dental,,,,,,$6.53,$81.53
Stone,,,,,,
,03/05/2026,Payment,55,,,"($1,000.00)",0.00
,03/05/2026,Invoice,1003,,03/20/2026,"$1,000.00",0.00
Total for Stone,,,,,,$0.00,0.00
TOTAL,,,,,,$6.53,$81.53
"Tuesday, March 31, 2026 08:12 AM GMT-05:00",,,,,,
"""
DESKTOP = (
    '"","Type","Date","Num","Name","Memo","Due Date","Aging","Open Balance","Amount"\r\n'
    '"Harbor Dental","","","","","","","","",""\r\n'
    '"","Invoice","03/31/2026","1001","Harbor Dental","","04/15/2026","",81.53,81.53\r\n'
    '"Total Harbor Dental","","","","","","","",81.53,81.53\r\n'
)


def read(text, encoding="utf-8", **more):
    return parse_ledger(text.encode(encoding), "books.csv", **more)


def amounts(ledger):
    rows = ledger.rows
    return dict(zip(rows["invoice_number"], rows["total_cents"], strict=True))


def refusal(content, **more):
    with pytest.raises(InputError) as caught:
        parse_ledger(content if isinstance(content, bytes) else content.encode(), "books.csv", **more)
    return str(caught.value)


# ---------------------------------------------------------------- what the programs write


def test_a_list_of_sales_of_quickbooks_online_is_read_to_the_cent():
    ledger = read(SALES)
    first, second = ledger.rows.to_dict("records")
    assert first["invoice_number"] == "1001"
    assert (first["dated_on"].date(), first["due_on"].date()) == (date(2026, 3, 31), date(2026, 4, 15))
    assert (first["subtotal_cents"], first["tax_cents"], first["total_cents"]) == (7500, 653, 8153)
    assert (second["customer"], second["total_cents"], second["line"]) == ("Stone, Field & Co", 125005, 3)
    assert (ledger.program, ledger.date_order, ledger.bad) == ("QuickBooks", "mm/dd", ())


def test_the_frame_has_the_declared_columns_and_types():
    rows = read(SALES).rows
    assert {name: str(dtype) for name, dtype in rows.dtypes.items()} == {
        name: column.dtype for name, column in LEDGER.items()
    }


def test_xero_has_a_row_for_each_line_and_the_invoice_is_one():
    ledger = read(XERO)
    assert ledger.program == "Xero"
    assert ledger.date_order == "dd/mm"
    assert amounts(ledger) == {"INV-1": 16306, "CN-1": -8153}
    assert ledger.rows["subtotal_cents"].tolist() == [15000, -7500]
    assert ledger.rows["line"].tolist() == [2, 5]
    assert ledger.left_out == {"of type Bill": 1, "with status Voided": 1}


def test_a_report_of_quickbooks_has_titles_groups_totals_and_a_footer():
    ledger = read(REPORT)
    assert amounts(ledger) == {"1001": 8153, "1002": -7500, "1003": 100000}
    assert ledger.rows["customer"].tolist() == ["Harbor Dental", "Harbor Dental", "Stone"]
    assert ledger.rows["line"].tolist() == [7, 8, 12]
    assert ledger.left_out == {"total rows": 3, "of type Payment": 1}
    assert ledger.rows["tax_cents"].isna().all()


def test_quickbooks_desktop_puts_an_empty_column_first():
    ledger = read(DESKTOP, "cp1252")
    assert amounts(ledger) == {"1001": 8153}
    assert ledger.rows["customer"].tolist() == ["Harbor Dental"]


def test_a_detail_report_without_totals_adds_up_the_lines():
    ledger = read(
        "Date,Transaction Type,Num,Customer,Product/Service,Qty,Sales Price,Amount\n"
        "03/31/2026,Invoice,7,Harbor Dental,Remote,0.5,150.00,75.00\n"
        "03/31/2026,Invoice,7,Harbor Dental,Cable,2,4.99,9.98\n"
    )
    (row,) = ledger.rows.to_dict("records")
    assert (row["subtotal_cents"], row["line"]) == (8498, 2)
    assert ledger.rows["total_cents"].isna().all()
    assert any("added up" in note for note in ledger.notes)


def test_a_tax_amount_on_a_row_that_is_an_invoice_is_the_invoices():
    text = "Date,Transaction Type,Num,Name,Amount,Tax Amount,Total\n10/05/2026,Invoice,1001,Anvil,100.00,8.70,108.70\n"
    (row,) = parse_ledger(text.encode(), "list.csv").rows.to_dict("records")
    assert (row["subtotal_cents"], row["tax_cents"], row["total_cents"]) == (10000, 870, 10870)


def test_a_number_that_occurs_twice_stays_twice():
    ledger = read(SALES + "03/31/2026,Invoice,1001,Harbor Dental,,04/15/2026,81.53,75.00,6.53,81.53,Open\n")
    assert ledger.rows["invoice_number"].tolist() == ["1001", "1002", "1001"]


@pytest.mark.parametrize("program", ["quickbooks", "xero"])
def test_the_sandboxs_exports_agree_with_its_invoices(program):
    sandbox = Sandbox()
    body = sandbox.handle("GET", f"/_sandbox/ledger.csv?format={program}", {}, b"").body
    ledger = parse_ledger(body)
    assert ledger.program.lower() == program
    assert ledger.bad == ()
    assert len(ledger.rows) > 200
    whole = ledger.rows
    assert (whole["subtotal_cents"] + whole["tax_cents"] == whole["total_cents"]).all()


# ---------------------------------------------------------------- encodings and separators


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8 with a mark"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16 without a mark"),
        ("utf-16-be", "UTF-16 without a mark"),
        ("cp1252", "Windows-1252"),
    ],
)
def test_every_encoding_that_the_programs_use_is_read(encoding, said):
    ledger = read(SALES.replace("Harbor Dental", "Café Zürich"), encoding)
    assert ledger.rows["customer"][0] == "Café Zürich"
    assert ledger.encoding == said


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_every_separator_is_recognised(separator):
    text = "Invoice No,Invoice Date,Customer,Total\n1,2026-03-31,Harbor Dental,75.00\n".replace(",", separator)
    ledger = read(text)
    assert (ledger.separator, ledger.date_order) == (separator, "yyyy-mm-dd")


def test_excels_own_separator_line_is_obeyed():
    ledger = read("sep=;\nNumber;Date;Customer;Total\n1;31.03.2026;Harbor Dental;1.234,50 €\n")
    assert amounts(ledger) == {"1": 123450}
    assert ledger.rows["line"].tolist() == [3]
    assert "Amounts have a decimal comma." in ledger.notes


@pytest.mark.parametrize("place", [2, 100, 254])
def test_an_amount_that_is_none_costs_its_own_row_only_wherever_it_stands(place):
    lines = practice_ledger("quickbooks").decode().splitlines(keepends=True)
    lines.insert(place - 1, "03/01/2026,Invoice,20001,Anvil Works,,,0,ten,0.00,ten,Open\r\n")
    ledger = read("".join(lines))
    assert [(row.line, "'ten' is not an amount" in row.reason) for row in ledger.bad] == [(place, True)]
    assert len(ledger.rows) == len(lines) - 2


def test_old_line_ends_are_line_ends():
    assert amounts(read("Number,Date,Customer,Total\r1,2026-03-31,A,2.00\r2,2026-03-31,A,3.00\r")) == {
        "1": 200,
        "2": 300,
    }


# ---------------------------------------------------------------- amounts


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("81.53", 8153),
        ("1,234.50", 123450),
        ("$1,234.50", 123450),
        ("-$75.00", -7500),
        ("$-75.00", -7500),
        ("(75.00)", -7500),
        ("($1,075.00)", -107500),
        ("75.00-", -7500),
        ("\u221275.00", -7500),
        ("75.00 CR", -7500),
        ("USD 75.00", 7500),
        ("75.00 USD", 7500),
        ("US$75", 7500),
        ("1 234.50", 123450),
        ("1\u00a0234.50", 123450),
        ("1'234.50", 123450),
        (".5", 50),
        ("75.", 7500),
        ("0.005", 1),
        ("12,345,678.90", 1234567890),
        ("", 0),
        ("-", 0),
    ],
)
def test_amounts_become_whole_cents(text, cents):
    assert amount_cents(text) == cents


@pytest.mark.parametrize(
    ("text", "cents"), [("1.234,50", 123450), ("1234,5", 123450), ("(75,00) €", -7500), ("-75,00", -7500)]
)
def test_amounts_with_a_decimal_comma_become_whole_cents(text, cents):
    assert amount_cents(text, comma=True) == cents


@pytest.mark.parametrize(
    "text", ["12,34", "1,23,456.00", "twelve", "1e5", "12.3.4", "=1+1", "NaN", "--5", "1,234,5", "()"]
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="is not an amount"):
        amount_cents(text)


# ---------------------------------------------------------------- dates


def days(*texts, **more):
    rows = "\n".join(f"{at},{text},A,1.00" for at, text in enumerate(texts, 1))
    return read(f"Number,Date,Customer,Total\n{rows}\n", **more)


def test_the_file_as_a_whole_tells_the_order_of_its_dates():
    assert days("03/04/2026", "04/25/2026").rows["dated_on"][0].date() == date(2026, 3, 4)
    assert days("03/04/2026", "25/04/2026").rows["dated_on"][0].date() == date(2026, 4, 3)


def test_an_order_that_nothing_tells_is_taken_from_habit_and_said():
    ledger = days("03/04/2026", "05/06/2026")
    assert ledger.date_order == "mm/dd"
    assert any("both fit" in note for note in ledger.notes)
    assert days("03/04/2026", date_order="dd/mm").rows["dated_on"][0].date() == date(2026, 4, 3)


def test_due_days_tell_an_order_that_the_dates_leave_open():
    # 3 April, due 5 April; as mm/dd it would be due in May, before which nothing speaks, but 1 February would be due in January
    text = "Number,Date,Due date,Customer,Total\n1,02/01/2026,01/02/2026,A,1.00\n2,03/04/2026,05/04/2026,A,1.00\n"
    assert read(text).date_order == "dd/mm"


def test_dates_that_are_no_day_are_listed_and_the_others_go_on():
    ledger = days("03/31/2026", "13/13/2026", "02/30/2026", "someday", "")
    assert amounts(ledger) == {"1": 100}
    assert [row.line for row in ledger.bad] == [3, 4, 5, 6]
    assert "no day" in ledger.bad[1].reason


def test_both_orders_in_one_file_are_said():
    ledger = days("03/31/2026", "04/30/2026", "31/03/2026")
    assert len(ledger.rows) == 2
    assert ledger.bad[0].line == 4
    assert any("Most dates are mm/dd" in note for note in ledger.notes)


@pytest.mark.parametrize(
    "text", ["2026-03-31", "20260331", "31 Mar 2026", "Mar 31, 2026", "March 31, 2026", "31-Mar-26", "3/31/26"]
)
def test_days_are_read_in_all_usual_forms(text):
    assert parse_day(text, "mm/dd") == date(2026, 3, 31)
    assert parse_day(f"{text} 00:00:00", "mm/dd") == date(2026, 3, 31)


# ---------------------------------------------------------------- bad rows


def test_bad_rows_are_listed_by_line_number_and_the_good_ones_go_on():
    ledger = read(
        SALES
        + "04/01/2026,Invoice,1003,Stone,,04/16/2026,0.00,ten,0.00,ten,Paid\n"
        + "04/01/2026,Invoice,,Stone,,04/16/2026,0.00,10.00,0.00,10.00,Paid\n"
        + "04/01/2026,Invoice,1004,Stone,,04/16/2026,0.00,10.00,0.00,10.00,Paid,,surplus\n"
        + "04/01/2026,Invoice,1005,Stone,,04/16/2026,0.00,10.00,0.00,10.00,Paid\n"
        + "04/01/2026,Invoice,1006,Stone\n"
    )
    assert amounts(ledger) == {"1001": 8153, "1002": 125005, "1005": 1000}
    assert [(row.line, row.reason.split(":")[0]) for row in ledger.bad] == [
        (4, "subtotal"),
        (5, "no invoice number"),
        (6, "13 cells, and the column names are 11"),
        (8, "no amount"),
    ]
    assert ledger.bad_rows()["line"].tolist() == [4, 5, 6, 8]


def test_surplus_cells_in_the_first_row_are_seen_too():
    ledger = read("Number,Date,Customer,Total\n1,2026-03-31,A,1.00,?\n2,2026-03-31,A,2.00,\n")
    assert amounts(ledger) == {"2": 200}
    assert ledger.bad[0].line == 2


def test_a_quotation_mark_that_is_never_closed_costs_its_row_only():
    ledger = read(
        "Number,Date,Customer,Total\n1,2026-03-31,A,1.00\n"
        '2,2026-03-31,"Broken,1.00\n3,2026-03-31,C,1.00\n4,2026-03-31,"D, Inc",1.00\n'
    )
    assert list(amounts(ledger)) == ["1", "3", "4"]
    assert [(row.line, row.reason) for row in ledger.bad] == [(3, "its quotation marks do not match")]


def test_line_numbers_count_the_line_breaks_inside_cells():
    ledger = read('Number,Date,Customer,Total\n1,2026-03-31,"A\nB\nC",1.00\n2,2026-03-31,D,oops\n3,2026-03-31,D,2.00\n')
    assert ledger.rows["line"].tolist() == [2, 6]
    assert ledger.bad[0].line == 5


# ---------------------------------------------------------------- what is refused


def test_columns_that_are_not_recognised_are_asked_for():
    text = "Ref,Date,Customer,Sum\nA-1,2026-03-31,Harbor Dental,75.00\n"
    said = refusal(text)
    assert "Ref, Date, Customer, Sum" in said
    assert "columns={'invoice_number': '...', 'total': '...'}" in said
    assert amounts(read(text, columns={"invoice_number": "Ref", "total": "Sum"})) == {"A-1": 7500}


def test_a_column_that_is_named_and_not_there_is_said():
    assert "no column 'Nummer'" in refusal(SALES, columns={"invoice_number": "Nummer"})
    assert "there is no field 'number'" in refusal(SALES, columns={"number": "No."})


def test_a_named_column_wins_over_the_one_that_would_be_recognised():
    ledger = read("Number,PO,Date,Customer,Total\n1,X-1,2026-03-31,A,1.00\n", columns={"invoice_number": "PO"})
    assert list(amounts(ledger)) == ["X-1"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\r\n\r\n", "empty"),
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"%PDF-1.7", "a PDF"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b'{"a": 1}', "JSON"),
        (b"!TRNS\tTRNSID\n", "IIF"),
        (b"\x81\x8d\x8f\x90 no text", "not CSV in UTF-8, UTF-16 or Windows-1252"),
        (b"a letter\nto the bookkeeper\n", "no row of column names"),
        (SALES.splitlines()[0].encode(), "no row below"),
        (SALES.splitlines()[0].encode() + b"\nTotal,,,,,,81.53,75.00,6.53,81.53,\n", "only total rows"),
        (SALES.splitlines()[0].encode() + b"\n,,,,,,,,,,\n", "no row below"),
        (SALES.splitlines()[0].encode() + b"\n03/31/2026,Payment,5,A,,,,,,5.00,\n", "1 of type Payment"),
        (SALES.splitlines()[0].encode() + b"\n03/31/2026,Invoice,5,A,,,,,,five,\n", "line 2: total"),
    ],
)
def test_what_holds_no_invoice_is_an_error_and_never_an_empty_ledger(content, said):
    assert said in refusal(content)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_ledger(tmp_path / "none.csv")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_ledger(tmp_path)


def test_hostile_text_stays_text():
    hostile = '=HYPERLINK("http://x")'
    ledger = read(SALES.replace("Harbor Dental", hostile.replace('"', "'")))
    assert ledger.rows["customer"][0].startswith("=HYPERLINK")
    assert "\x1b" not in repr(read(SALES + "oops,Invoice,\x1b[31m9,A,,,,,,1.00,\n"))


def test_what_was_read_is_said_in_sentences():
    said = repr(read(REPORT))
    assert said.startswith("books.csv: 3 invoices read (QuickBooks; UTF-8, comma-separated, dates as mm/dd).")
    assert "3 rows left out: total rows." in said


def test_a_hundred_thousand_rows_take_a_moment():
    head, row = SALES.splitlines()[:2]
    text = "\n".join([head, *(row.replace("1001", str(at)) for at in range(100_000))])
    before = process_time()
    assert len(read(text).rows) == 100_000
    assert process_time() - before < 5
