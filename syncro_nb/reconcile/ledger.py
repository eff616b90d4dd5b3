"""The bookkeeper's side: invoice exports of QuickBooks and Xero, read from a CSV file into one declared frame.

What these programs write, as far as it is read here (names without regard to case, spaces and dots):

- QuickBooks Online, list of sales: `Date, Type, No., Customer, Memo, Due date, Balance, Total before sales tax, Sales tax,
  Total, Status`; its reports have a few title rows, then `Transaction date, Transaction type, Num, Name, Memo/Description,
  Due date, Amount, Open balance`, groups by customer (the name alone on a row), `Total for ...` rows and a footer.
- QuickBooks Desktop: `Type, Date, Num, Name, Memo, Due Date, Aging, Open Balance, Amount` behind an empty first column, with
  `Total ...` rows; the older transaction lists have `Debit` and `Credit`.
- Xero, export of sales invoices: one row for each line, `ContactName, ..., InvoiceNumber, Reference, InvoiceDate, DueDate,
  PlannedDate, Total, TaxTotal, ..., LineAmount, ..., TaxAmount, ..., Type, Sent, Status`.

Nothing is guessed in silence: what was read, how, and what was left out is in the result, and a file from which no invoice
comes is an error, never an empty ledger. Amounts go from text to whole cents by Decimal.
"""

from __future__ import annotations

import calendar
import csv
import io
import itertools
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..escape import clip
from ..money import cents
from ..tables import DAY, Column

if TYPE_CHECKING:
    import pandas as pd

LEDGER = {
    "invoice_number": Column("str", "invoice number as in the accounting program"),
    "dated_on": Column(DAY, "invoice date"),
    "due_on": Column(DAY, "due day; absent where the file does not say"),
    "customer": Column("str", "customer's name as in the accounting program; empty where the file does not say"),
    "subtotal_cents": Column("Int64", "without tax, in cents; absent where the file does not say"),
    "tax_cents": Column("Int64", "tax, in cents; absent where the file does not say"),
    "total_cents": Column("Int64", "total, in cents; negative for a credit note; absent where the file does not say"),
    "line": Column("int64", "line number in the file; the first one, where an invoice has several"),
}
BAD_ROWS = {
    "line": Column("int64", "line number in the file"),
    "reason": Column("str", "why it was not read"),
    "text": Column("str", "its beginning"),
}

# What people may name, and by which names the programs' columns are known; the first that is there is taken.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "invoice_number": (
        *("invoicenumber", "invoiceno", "invoicenum", "no", "num", "number", "docnumber", "documentnumber"),
        *("refnumber", "refno", "invoice"),
    ),
    "dated_on": ("invoicedate", "transactiondate", "txndate", "date", "dateissued", "issuedate"),
    "due_on": ("duedate", "due", "dateddue"),
    "customer": (
        *("contactname", "customer", "customername", "customerfullname", "name", "contact", "client"),
        *("displayname", "customerproject", "customerjob", "to"),
    ),
    "subtotal": (
        "totalbeforesalestax",
        "totalbeforetax",
        "subtotal",
        "net",
        "netamount",
        "nettotal",
        "amountbeforetax",
    ),
    "tax": ("taxtotal", "totaltax", "salestax", "salestaxamount", "tax", "vat", "gst", "vatamount", "gstamount"),
    "total": ("total", "totalamount", "invoicetotal", "invoiceamount", "gross", "grosstotal", "grossamount", "amount"),
    "line_amount": ("lineamount", "linetotal"),
    "line_tax": ("taxamount", "linetaxamount"),
    "debit": ("debit",),
    "credit": ("credit",),
    "type": ("transactiontype", "type", "txntype", "doctype", "documenttype"),
    "status": ("status", "invoicestatus"),
}
# A file with one of these has a row for each line of an invoice; an "Amount" in it is the line's.
_LINE_MARKS = (
    "lineamount",
    "quantity",
    "qty",
    "productservice",
    "item",
    "inventoryitemcode",
    "unitamount",
    "salesprice",
)
_MONEY = ("subtotal", "tax", "total", "line_amount", "line_tax", "debit", "credit")
_NAMED = ("invoice_number", "dated_on", "due_on", "customer", "subtotal", "tax", "total", "type", "status")
_INVOICES = frozenset(("", "invoice", "salesinvoice", "accountsreceivableinvoice", "accrec", "taxinvoice"))
_CREDITS = frozenset(("creditmemo", "creditnote", "salescreditnote", "accreccredit", "adjustmentnote"))
_NOT_POSTED = frozenset(("voided", "void", "deleted", "draft", "awaitingapproval", "submitted"))
_TITLE_ROWS = 40  # how far down the column names are looked for
_CHUNK = 5_000


@dataclass(frozen=True)
class BadRow:
    """A row that was not read: its line number in the file, why, and its beginning."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class Ledger:
    """An export as it was read: `rows` (LEDGER, in the file's order) and everything a person must know about the reading.

    `program` is "QuickBooks", "Xero" or "unknown"; `columns` says which column of the file each field was taken from;
    `date_order` is "mm/dd", "dd/mm", "yyyy-mm-dd" or "written out"; `left_out` counts rows that are no posted invoice, by
    what they are; `notes` are sentences.
    """

    name: str
    rows: pd.DataFrame
    bad: tuple[BadRow, ...]
    program: str
    columns: Mapping[str, str]
    encoding: str
    separator: str
    date_order: str
    left_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def bad_rows(self) -> pd.DataFrame:
        """The rows that were not read (BAD_ROWS), by line number."""
        from ..frames import frame

        return frame(BAD_ROWS, ((row.line, row.reason, row.text) for row in self.bad))

    def sentences(self) -> list[str]:
        """What was read and how, for people; bad rows by line number."""
        separator = {"\t": "tab", ";": "semicolon", ",": "comma", "|": "bar"}[self.separator]
        said = [
            f"{self.name}: {len(self.rows):,} invoices read ({self.program}; {self.encoding}, {separator}-separated, "
            f"dates as {self.date_order})."
        ]
        for what, count in self.left_out.items():
            said.append(f"{count:,} row{'s' if count != 1 else ''} left out: {what}.")
        said += self.notes
        if self.bad:
            said.append(f"{len(self.bad):,} row{'s' if len(self.bad) != 1 else ''} could not be read:")
            said += [f"  line {row.line}: {row.reason}" for row in self.bad[:20]]
            said += [f"  ... and {len(self.bad) - 20:,} more"] if len(self.bad) > 20 else []
        return said

    def __repr__(self) -> str:
        return "\n".join(self.sentences())


def read_ledger(path: str | Path, *, columns: Mapping[str, str] | None = None, date_order: str | None = None) -> Ledger:
    """The invoices of an accounting export, from a file; see `parse_ledger`."""
    path = Path(path).expanduser()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"the ledger {path} cannot be read: {error.strerror or type(error).__name__}") from None
    return parse_ledger(content, path.name, columns=columns, date_order=date_order)


def parse_ledger(
    content: bytes,
    name: str = "the ledger",
    *,
    columns: Mapping[str, str] | None = None,
    date_order: str | None = None,
) -> Ledger:
    """The invoices of an accounting export.

    `columns` names columns that are not recognised, or recognised wrongly: {"invoice_number": "Ref"}; the fields are
    invoice_number, dated_on, due_on, customer, subtotal, tax, total, type, status. `date_order` is "mm/dd" or "dd/mm", where
    the file itself does not tell. Raises InputError for what is no such file, and where not one invoice could be read.
    """
    if date_order not in (None, "mm/dd", "dd/mm"):
        raise InputError(f"date_order is mm/dd or dd/mm, not {date_order!r}")
    text, encoding = _decode(content, name)
    separator, skipped = _separator(text)
    head = _header(text, separator, skipped, name, columns or {})
    sheet = _read_cells(text, separator, head, name)
    return _assemble(sheet, head, name, encoding, separator, date_order)


# ---------------------------------------------------------------- bytes to text


_SIGNATURES = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a compressed file",
    b"SQLite": "a database",
    b"PAR1": "a Parquet file",
    b"\x89PNG": "a picture",
}


def _decode(content: bytes, name: str) -> tuple[str, str]:
    if not content.strip():
        raise InputError(f"{name} is empty: no invoice was compared")
    for signature, what in _SIGNATURES.items():
        if content.startswith(signature):
            raise InputError(f"{name} is {what}, not CSV; export it as CSV, or save it as CSV UTF-8 in Excel")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text, encoding = _decoded(content, "utf-16", name), "UTF-16"
    elif content.startswith(b"\xef\xbb\xbf"):
        text, encoding = _decoded(content, "utf-8-sig", name), "UTF-8 with a mark"
    elif b"\0" in content[:4096]:
        little = content[1:200:2].count(0) > content[0:200:2].count(0)
        text, encoding = _decoded(content, "utf-16-le" if little else "utf-16-be", name), "UTF-16 without a mark"
    else:
        try:
            text, encoding = content.decode("utf-8"), "UTF-8"
        except UnicodeDecodeError:
            text, encoding = _decoded(content, "cp1252", name), "Windows-1252"
    start = text.lstrip()[:200].lower()
    for sign, what in (
        ("<!doctype html", "a web page"),
        ("<html", "a web page"),
        ("<?xml", "XML"),
        ("{", "JSON"),
        ("[{", "JSON"),
        ("!trns", "a QuickBooks IIF file"),
        ("!hdr", "a QuickBooks IIF file"),
        ("ofxheader", "a bank file (OFX)"),
    ):
        if start.startswith(sign):
            raise InputError(f"{name} is {what}, not CSV; export the invoices as CSV")
    if not text.strip() or "\0" in text:
        raise InputError(f"{name} is not text that could be CSV" if text.strip() else f"{name} is empty")
    return text, encoding


def _decoded(content: bytes, encoding: str, name: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not CSV in UTF-8, UTF-16 or Windows-1252 (byte {error.start:,} fits none of them)"
        ) from None


# ---------------------------------------------------------------- column names


@dataclass(frozen=True)
class _Header:
    """Where the column names are, and where each field is taken from. `line`: of the header row, from 1."""

    line: int
    titles: tuple[str, ...]
    places: Mapping[str, int]
    per_line: bool
    grouped: bool  # customers stand alone on a row above their invoices


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _separator(text: str) -> tuple[str, int]:
    """The separator that gives the most known column names, and the lines to skip (Excel's own `sep=;`)."""
    lines = text.split("\n", _TITLE_ROWS)[:_TITLE_ROWS]
    told = re.fullmatch(r'"?sep=(.)"?\s*', lines[0])
    if told and told[1] in ",;\t|":
        return told[1], 1
    known = {name for names in FIELDS.values() for name in names}

    def fits(separator: str) -> tuple[int, int]:
        found = [len({_plain(cell) for cell in one.split(separator)} & known) for one in lines]
        return max(found), sum(one.count(separator) for one in lines)

    return max(",;\t|", key=fits), 0


def _places(cells: Sequence[str]) -> dict[str, int]:
    plain = [_plain(cell) for cell in cells]
    found = {}
    for name, known in FIELDS.items():
        place = next((plain.index(one) for one in known if one in plain), None)
        if place is not None:
            found[name] = place
    return found


def _header(text: str, separator: str, skipped: int, name: str, asked: Mapping[str, str]) -> _Header:
    for wanted in asked:
        if wanted not in _NAMED:
            raise InputError(f"there is no field {wanted[:40]!r} to name a column for; fields: {', '.join(_NAMED)}")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    best: tuple[int, int, list[str]] = (0, 0, [])
    first: list[str] = []
    try:
        for cells in itertools.islice(reader, skipped, skipped + _TITLE_ROWS):
            first = first or [cell for cell in cells if cell.strip()]
            given = {cell.strip().casefold() for cell in cells} & {one.strip().casefold() for one in asked.values()}
            score = len(_places(cells)) + 10 * len(given)
            if score > best[0]:
                best = (score, reader.line_num, cells)
    except csv.Error:
        pass  # the rows that are wrong are listed later
    score, line, cells = best
    if score < 2:
        found = ", ".join(clip(cell, 30) for cell in first[:12])
        raise InputError(
            f"{name} is no invoice export that is known here: no row of column names was found in its first "
            f"{_TITLE_ROWS} rows (it begins with: {found or 'nothing'})"
        )
    titles = tuple(" ".join(cell.split()) for cell in cells)
    places = _places(cells)
    for wanted, title in asked.items():
        place = next(
            (at for at, one in enumerate(titles) if one.casefold() == " ".join(title.split()).casefold()), None
        )
        if place is None:
            raise InputError(f"{name} has no column {title[:60]!r}; columns found: {_listed(titles)}")
        places = {key: at for key, at in places.items() if at != place} | {wanted: place}
    plain = [_plain(title) for title in titles]
    per_line = any(mark in plain for mark in _LINE_MARKS)
    if per_line and "total" in places and plain[places["total"]] == "amount" and "total" not in asked:
        places.setdefault("line_amount", places["total"])
        del places["total"]
    if not per_line and "tax" not in places and "line_tax" in places:  # a row is an invoice, and so is its tax
        places["tax"] = places.pop("line_tax")
    _complain_of_missing(name, titles, places)
    return _Header(line, titles, places, per_line, "customer" not in places and not plain[0])


def _complain_of_missing(name: str, titles: Sequence[str], places: Mapping[str, int]) -> None:
    missing = [one for one in ("invoice_number", "dated_on") if one not in places]
    if not {"total", "subtotal", "line_amount", "debit"} & places.keys():
        missing.append("total")
    if missing:
        example = ", ".join(f"{one!r}: '...'" for one in missing)
        raise InputError(
            f"{name}: no column was recognised for {' and '.join(one.replace('_', ' ') for one in missing)}; "
            f"columns found: {_listed(titles)}. Say which it is: columns={{{example}}}"
        )


def _listed(titles: Iterable[str]) -> str:
    return ", ".join(clip(title, 40) for title in titles if title) or "none"


# ---------------------------------------------------------------- cells


@dataclass
class _Sheet:
    """The wanted columns as text, one row per record of the file; `lines` is where each begins."""

    cells: pd.DataFrame  # `head`: the first cell that says something, where there is no invoice number
    lines: pd.Series
    bad: list[BadRow]


def _read_cells(text: str, separator: str, head: _Header, name: str) -> _Sheet:
    import pandas as pd

    bad: list[BadRow] = []
    whole = _read_plain(text, separator, head)
    if whole is not None:
        cells, numbers = whole, pd.Series(range(head.line + 1, head.line + 1 + len(whole)), dtype="int64")
    else:
        try:
            lines, parts = _take(_records(text, separator, head.line), head, bad)
        except csv.Error:  # its quotes do not match somewhere
            bad = []
            lines, parts = _take(_line_by_line(text, separator, head.line, bad), head, bad)
        cells = pd.DataFrame({key: pd.concat(some, ignore_index=True).str.strip() for key, some in parts.items()})
        numbers = pd.Series(lines, dtype="int64")
    if cells.eq("").all(axis=None) and not bad:
        raise InputError(f"{name} has column names and no row below them: no invoice was compared")
    return _Sheet(cells, numbers, bad)


def _read_plain(text: str, separator: str, head: _Header) -> pd.DataFrame | None:
    """The wanted cells in one go, where a record is a line and none has too many cells; None: it needs the careful way.

    This is what makes a million rows a matter of seconds.
    """
    import pandas as pd

    places = {**head.places, _HEAD: 0} if 0 not in head.places.values() else dict(head.places)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # it drops surplus cells of the first row
            read = pd.read_csv(
                io.StringIO(text),
                sep=separator,
                header=None,
                names=range(len(head.titles)),  # all of them, else cells beyond the last one pass without a word
                index_col=False,
                skiprows=head.line,
                dtype="str",
                keep_default_na=False,
                skip_blank_lines=False,
                on_bad_lines="error",
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning, ValueError):
        return None
    physical = text.count("\n") + (not text.endswith("\n"))
    if len(read) != physical - head.line or "\r" in text.replace("\r\n", ""):
        return None
    cells = pd.DataFrame({key: read[place].fillna("").str.strip() for key, place in places.items()})
    if _HEAD not in cells:
        cells[_HEAD] = cells[next(key for key, place in places.items() if place == 0)]
    alone = cells[cells["invoice_number"].eq("")]
    firsts = [next(filter(None, [row[-1], *row]), "") for row in alone.itertuples(index=False, name=None)]
    cells[_HEAD] = ""
    cells.loc[alone.index, _HEAD] = firsts
    return cells.astype("str")


_HEAD = "head"


def _take(
    records: Iterator[tuple[int, list[str]]], head: _Header, bad: list[BadRow]
) -> tuple[list[int], dict[str, list[pd.Series]]]:
    """The line of every record, and its wanted cells a chunk at a time, so that a large file is never held as rows."""
    parts: dict[str, list[pd.Series]] = {key: [_text([])] for key in (*head.places, _HEAD)}
    lines: list[int] = []
    width, number = len(head.titles), head.places["invoice_number"]
    while chunk := list(itertools.islice(records, _CHUNK)):
        rows = []
        for line, cells in chunk:
            if len(cells) != width:
                if len(cells) > width and any(cell.strip() for cell in cells[width:]):
                    bad.append(BadRow(line, f"{len(cells)} cells, and the column names are {width}", _begin(cells)))
                    continue
                cells = [*cells, *[""] * (width - len(cells))]
            lines.append(line)
            rows.append(cells)
        for key, place in head.places.items():
            parts[key].append(_text([row[place] for row in rows]))
        parts[_HEAD].append(_text(["" if row[number].strip() else next(filter(str.strip, row), "") for row in rows]))
    return lines, parts


def _text(cells: list[str]) -> pd.Series:
    import pandas as pd

    return pd.Series(cells, dtype="str") if cells else pd.Series([], dtype="str")


def _begin(cells: Sequence[str]) -> str:
    return clip(" | ".join(cell for cell in cells if cell.strip()), 80)


def _records(text: str, separator: str, after: int) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of every record below the column names. Raises csv.Error where quotes do not match."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    for cells in reader:
        if begins > after and any(cells):
            yield begins, cells
        begins = reader.line_num + 1


def _line_by_line(text: str, separator: str, after: int, bad: list[BadRow]) -> Iterator[tuple[int, list[str]]]:
    for line, written in enumerate(io.StringIO(text), 1):
        if line <= after or not written.strip():
            continue
        try:
            (cells,) = csv.reader([written.rstrip("\n")], delimiter=separator, strict=True)
        except (csv.Error, ValueError):
            bad.append(BadRow(line, "its quotation marks do not match", clip(written, 80)))
            continue
        yield line, cells


# ---------------------------------------------------------------- values


def _assemble(sheet: _Sheet, head: _Header, name: str, encoding: str, separator: str, date_order: str | None) -> Ledger:
    import pandas as pd

    notes: list[str] = []
    frame = sheet.cells.assign(line=sheet.lines)
    number = frame["invoice_number"]
    if head.grouped:
        frame["customer"] = _customers_above(frame)
    said = [key for key in (*_MONEY, "dated_on") if key in frame]
    blank = number.eq("") & frame[said].eq("").all(axis=1)
    totals = frame["head"].str.casefold().str.match(r"(grand\s+)?totals?\b") | number.str.casefold().str.match(
        r"(grand\s+)?totals?\b"
    )
    left = Counter({"total rows": int(totals.sum())} if totals.any() else {})
    kept = frame[~(blank | totals)]
    if kept.empty and not sheet.bad:
        what = "only total rows" if totals.any() else "no row with an invoice"
        raise InputError(f"{name} holds {what}: no invoice was compared")

    kinds = _coded(kept, "type")
    states = _coded(kept, "status")
    other = ~kinds.isin(_INVOICES | _CREDITS)
    unposted = ~other & states.isin(_NOT_POSTED)
    for mask, column, words in ((other, "type", "of type"), (unposted, "status", "with status")):
        for value, count in kept.loc[mask, column].value_counts().items() if mask.any() else ():
            left[f"{words} {clip(value, 40)}"] = int(count)
    credit = kinds.isin(_CREDITS)[~(other | unposted)]
    kept = kept[~(other | unposted)].copy()

    written = kept[list(head.places)].copy()
    kept["why"] = ""
    kept.loc[kept["invoice_number"].eq(""), "why"] = "no invoice number"
    comma = _decimal_comma(kept)
    money = {key: _amounts(kept, key, comma) for key in _MONEY if key in kept}
    if comma:
        notes.append("Amounts have a decimal comma.")
    order, how = _dates(kept, date_order, _program(head), notes)
    amounts = _totals(kept, money, head, credit, notes)
    good = kept["why"].eq("")
    bad = [
        BadRow(int(line), why, _begin(row))
        for line, why, row in zip(
            kept.loc[~good, "line"], kept.loc[~good, "why"], written[~good].to_numpy(), strict=True
        )
    ]
    rows = pd.DataFrame(
        {
            "invoice_number": kept["invoice_number"],
            "dated_on": kept["dated_on"],
            "due_on": kept["due_on"],
            "customer": kept["customer"] if "customer" in kept else pd.Series("", index=kept.index, dtype="str"),
            **amounts,
            "line": kept["line"],
        }
    )[good]
    rows = _one_per_invoice(rows, kept[good], head, notes) if head.per_line else rows
    if "customer" not in kept:
        notes.append("There is no column with the customer: customers are not compared.")
    everything = sorted([*sheet.bad, *bad], key=lambda row: row.line)
    if rows.empty:
        raise InputError(_nothing(name, everything, left))
    return Ledger(
        name=name,
        rows=rows[list(LEDGER)].astype({key: column.dtype for key, column in LEDGER.items()}).reset_index(drop=True),
        bad=tuple(everything),
        program=_program(head),
        columns={key: head.titles[place] for key, place in head.places.items()},
        encoding=encoding,
        separator=separator,
        date_order=order,
        left_out=dict(left),
        notes=tuple([how, *notes] if how else notes),
    )


def _nothing(name: str, bad: Sequence[BadRow], left: Mapping[str, int]) -> str:
    reasons = [f"line {row.line}: {row.reason}" for row in bad[:3]] + [
        f"{count:,} {what}" for what, count in left.items()
    ]
    return f"{name} holds no invoice that can be read: no invoice was compared ({'; '.join(reasons) or 'no rows'})"


def _coded(frame: pd.DataFrame, column: str) -> pd.Series:
    """A column of few words, without regard to case, spaces and punctuation; empty where the file has none."""
    if column not in frame:
        return frame["invoice_number"].str.slice(0, 0)
    found = frame[column]
    return found.map({one: _plain(one) for one in found.unique()}).astype("str")


def _program(head: _Header) -> str:
    plain = {_plain(title) for title in head.titles}
    if {"contactname", "invoicenumber"} <= plain:
        return "Xero"
    if plain & {"transactiontype", "txntype"} or ("type" in plain and plain & {"num", "no"}):
        return "QuickBooks"
    return "unknown program"


def _customers_above(frame: pd.DataFrame) -> pd.Series:
    """The name that stands alone on the row above an invoice, as reports grouped by customer write it."""
    alone = frame.drop(columns=["line", "head"]).eq("").all(axis=1) & ~frame["head"].str.casefold().str.startswith(
        "total"
    )
    return frame["head"].where(alone).ffill().fillna("").astype("str")


# The currency's sign or letters, spaces of all kinds, and Excel's apostrophe are no part of an amount.
_SIGNS = re.compile(r"[\s\u00a0\u202f\u2009'’$€£¥₹]")
_LETTERS = re.compile(r"^(?:[A-Z]{2,3}|A|C|R|kr\.?)(?=[-(\d.,])|(?<=[\d)])(?:[A-Z]{3}|kr\.?)$")
_POINT = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d*\.\d+|\d+\.?")
_COMMA = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d*,\d+|\d+,?")


_USUAL = re.compile(r"[0-9]{1,15}\.[0-9][0-9]|[0-9]{1,3}(?:,[0-9]{3}){1,4}\.[0-9][0-9]")


def amount_cents(text: str, *, comma: bool = False) -> int:
    """Cents of an amount as accounting programs write it: "$1,234.50", "(75.00)", "75.00-", "1.234,50 €" (`comma`).

    An empty text is 0. Raises ValueError for anything else.
    """
    if not comma and _USUAL.fullmatch(text):  # nearly all of them: whole cents without a detour
        return int(text.replace(",", "").replace(".", ""))
    bare = _LETTERS.sub("", _SIGNS.sub("", text.replace("\u2212", "-").replace("–", "-")))
    sign = 1
    if bare.startswith("(") and bare.endswith(")"):
        sign, bare = -1, bare[1:-1]
    elif bare.endswith("-"):
        sign, bare = -1, bare[:-1]
    elif bare.upper().endswith("CR"):
        sign, bare = -1, bare[:-2]
    if bare[:1] in "+-" and bare:
        sign, bare = (-sign if bare[0] == "-" else sign), bare[1:]
    if not bare:
        if text.strip() in ("", "-", "\u2212", "–"):
            return 0
        raise ValueError(f"{clip(text, 40)!r} is not an amount")
    if not (_COMMA if comma else _POINT).fullmatch(bare):
        raise ValueError(f"{clip(text, 40)!r} is not an amount")
    plain = bare.replace(".", "").replace(",", ".") if comma else bare.replace(",", "")
    return sign * cents(f"0{plain}".rstrip("."))


def _decimal_comma(frame: pd.DataFrame) -> bool:
    """Whether the file as a whole writes 1.234,50: some amount ends on a comma and two digits, and none on a point."""
    seen = [frame[key].head(100_000) for key in _MONEY if key in frame]
    commas = any(bool(one.str.contains(r"\d,\d{1,2}\D*$", regex=True).any()) for one in seen)
    return commas and not any(bool(one.str.contains(r"\d\.\d{1,2}\D*$", regex=True).any()) for one in seen)


def _amounts(frame: pd.DataFrame, key: str, comma: bool) -> pd.Series:
    """A column's cents (absent where the cell is empty); what cannot be read goes to `why`."""
    import pandas as pd

    texts = frame[key]
    read = pd.Series(pd.NA, index=frame.index, dtype="Int64")
    usual = texts.str.fullmatch(_USUAL.pattern) if not comma else texts.eq("\0")
    plain = texts[usual].str.replace(",", "", regex=False).str.replace(".", "", regex=False)
    read[usual] = plain.astype("int64")
    wrong: dict[str, str] = {}
    others = texts[~usual & texts.ne("")]
    values: dict[str, int] = {}
    for text in others.unique().tolist():
        try:
            values[text] = amount_cents(text, comma=comma)
        except ValueError as error:
            wrong[text] = f"{key.replace('_', ' ')}: {error}"
    if not others.empty:
        read.loc[others.index] = others.map(pd.Series(values, dtype="Int64")).astype("Int64").array
    if wrong:
        _blame(frame, others.map(wrong))
    return read


def _blame(frame: pd.DataFrame, reasons: pd.Series) -> None:
    found = reasons.dropna()
    before = frame.loc[found.index, "why"]
    frame.loc[found.index, "why"] = before.where(before.eq(""), before + "; ") + found.astype("str")


def _totals(
    frame: pd.DataFrame, money: Mapping[str, pd.Series], head: _Header, credit: pd.Series, notes: list[str]
) -> dict[str, pd.Series]:
    """Subtotal, tax and total of each row, what the file leaves out filled in from the other two; credit notes negative."""
    import pandas as pd

    absent = pd.Series(pd.NA, index=frame.index, dtype="Int64")
    subtotal, tax, total = (money.get(key, absent) for key in ("subtotal", "tax", "total"))
    if "debit" in money and "total" not in money:
        total = money["debit"].fillna(0) - money.get("credit", absent).fillna(0)
    if "line_amount" in money and "total" not in money and "subtotal" not in money:
        subtotal, tax = money["line_amount"], money.get("line_tax", tax)
        notes.append("There is no total of an invoice in the file: the amounts of its lines are added up, without tax.")
    missing = total.isna() & subtotal.isna()
    _blame(frame, pd.Series("no amount", index=frame.index).where(missing & frame["why"].eq("")))
    turned = pd.Series(1, index=frame.index, dtype="Int64").mask(
        credit & (total.fillna(subtotal) > 0).fillna(False), -1
    )
    subtotal, tax, total = subtotal * turned, tax * turned, total * turned
    if head.per_line and "total" not in money:
        return {"subtotal_cents": subtotal, "tax_cents": tax, "total_cents": (subtotal + tax)}
    tax = tax.fillna(0) if "tax" in money else tax  # an empty cell of a tax column is no tax
    return {
        "subtotal_cents": subtotal.fillna(total - tax),
        "tax_cents": tax.fillna(total - subtotal),
        "total_cents": total.fillna(subtotal + tax),
    }


def _one_per_invoice(rows: pd.DataFrame, read: pd.DataFrame, head: _Header, notes: list[str]) -> pd.DataFrame:
    """One row for each invoice of a file with a row for each line. Rows that differ in their totals stay apart."""
    money = ["subtotal_cents", "tax_cents", "total_cents"]
    kind = _coded(read, "type")
    told = ["invoice_number", "customer", "dated_on"]
    if "total" in head.places:
        return rows[~rows.assign(kind=kind).duplicated([*told, "kind", "due_on", *money])]
    grouped = rows.assign(kind=kind).groupby([*told, "kind"], sort=False, dropna=False)
    summed = grouped.agg({"due_on": "first", "line": "first"}).join(grouped[money].sum(min_count=1)).reset_index()
    if "line_tax" not in head.places and "tax" not in head.places:
        summed[["tax_cents", "total_cents"]] = None
    return summed


# ---------------------------------------------------------------- dates


_MONTHS = {name.lower(): at for at, name in enumerate(calendar.month_abbr)}
_CLOCK = re.compile(r"[ T]\d{1,2}:\d{2}(:\d{2})?(\.\d+)?\s*([AaPp][Mm])?(Z|[+-]\d{2}:?\d{2})?$")
_NUMERIC = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}|\d{2})")
_ISO = re.compile(r"(\d{4})[/.\-]?(\d{2})[/.\-]?(\d{2})")
_DAY_MONTH = re.compile(r"(\d{1,2})[\s\-./]*([A-Za-z]{3})[a-z]*\.?[\s\-./,]*(\d{4}|\d{2})")
_MONTH_DAY = re.compile(r"([A-Za-z]{3})[a-z]*\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4}|\d{2})")


def _dates(frame: pd.DataFrame, asked: str | None, program: str, notes: list[str]) -> tuple[str, str]:
    """Read both date columns in place; gives the order of their dates, and a sentence where it is not certain."""
    import pandas as pd

    columns = [key for key in ("dated_on", "due_on") if key in frame]
    texts = {text for key in columns for text in frame[key].unique() if text}
    order, how = _order(texts, asked, program, frame)
    for key in ("dated_on", "due_on"):
        if key not in frame:
            frame[key] = pd.Series(pd.NaT, index=frame.index, dtype=DAY)
            continue
        codes, texts = pd.factorize(frame[key])
        read: list[date | None] = []
        wrong: dict[str, str] = {} if key == "due_on" else {"": "no date"}
        for text in texts.tolist():
            try:
                read.append(parse_day(text, order) if text else None)
            except ValueError as error:
                read.append(None)
                wrong[text] = f"{'date' if key == 'dated_on' else 'due day'}: {error}"
        _blame(frame, frame[key].map(wrong))
        seen = pd.Series(pd.to_datetime(pd.Series(read, dtype=object))).astype(DAY)
        frame[key] = pd.Series(seen.array.take(codes), index=frame.index)
    return order, how


def parse_day(text: str, order: str) -> date:
    """A day as accounting programs write it; `order` is "mm/dd" or "dd/mm" and holds for 03/04/2026. Raises ValueError."""
    bare = _CLOCK.sub("", text.strip())
    if found := _ISO.fullmatch(bare):
        year, month, day = map(int, found.groups())
    elif found := _NUMERIC.fullmatch(bare):
        first, second, year = map(int, found.groups())
        month, day = (second, first) if order == "dd/mm" else (first, second)
    elif found := _DAY_MONTH.fullmatch(bare):
        day, month, year = int(found[1]), _MONTHS.get(found[2].lower(), 0), int(found[3])
    elif found := _MONTH_DAY.fullmatch(bare):
        day, month, year = int(found[2]), _MONTHS.get(found[1].lower(), 0), int(found[3])
    else:
        raise ValueError(f"{clip(text, 30)!r} is not a date")
    year += 2000 if year < 100 else 0
    try:
        found_day = date(year, month, day)
    except ValueError:
        raise ValueError(f"{clip(text, 30)!r} is no day (read as {order})") from None
    if not 1990 <= found_day.year <= 2100:
        raise ValueError(f"{clip(text, 30)!r} is not a date that an invoice has")
    return found_day


def _order(texts: set[str], asked: str | None, program: str, frame: pd.DataFrame) -> tuple[str, str]:
    numeric = [found for text in texts if (found := _NUMERIC.fullmatch(_CLOCK.sub("", text)))]
    if not numeric:
        return asked or ("yyyy-mm-dd" if any(map(_ISO.match, texts)) else "written out"), ""
    if asked:
        return asked, f"Dates were read as {asked}, as asked."
    first = sum(int(found[1]) > 12 for found in numeric)
    second = sum(int(found[2]) > 12 for found in numeric)
    if first and second:
        order = "dd/mm" if first > second else "mm/dd"
        return (
            order,
            f"Most dates are {order}; those that are no day that way are listed as rows that could not be read.",
        )
    if first or second:
        return ("dd/mm" if first else "mm/dd"), ""
    order = _by_terms(frame) or ("dd/mm" if program == "Xero" or any("." in one[0] for one in numeric) else "mm/dd")
    return order, (
        f"No date in the file has a day above the 12th, so that mm/dd and dd/mm both fit: read as {order}; "
        f"if that is wrong, say date_order."
    )


def _by_terms(frame: pd.DataFrame) -> str | None:
    """The order in which no invoice is due before its date, where only one is so."""
    if "due_on" not in frame:
        return None
    pairs = set(zip(frame["dated_on"], frame["due_on"], strict=True))
    fits = []
    for order in ("mm/dd", "dd/mm"):
        try:
            terms = [(parse_day(due, order) - parse_day(day, order)).days for day, due in pairs if day and due]
        except ValueError:
            continue
        if terms and all(0 <= days <= 120 for days in terms):
            fits.append(order)
    return fits[0] if len(fits) == 1 else None
