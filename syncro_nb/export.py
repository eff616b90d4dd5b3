"""Tables as files: .csv, .xlsx, .json or .parquet, by the file's ending. Nothing from outside ever becomes a formula or a link.

xlsx    real dates, numbers and amounts of money; a frozen header with a filter; text is always text,
        and so is a number of more digits than a cell keeps
csv     amounts as decimals, columns without their `_cents`; days and instants in ISO 8601; UTF-8 with a mark, which Excel wants.
        Where a text, or what follows a separator or line break in it, would be a formula for a spreadsheet, an apostrophe stands
        in front (`escape.for_csv`; `escape.from_csv` takes it off)
json    a list of rows, amounts in cents as they are, instants in ISO 8601, what is absent as null
parquet the columns as they are

In all of them durations are hours, in a column `*_hours`, and periods and intervals are text ("2026-03"); see `flat` for what
becomes of an index and of headers of several levels.

A file that exists is never written over unless the caller says so; then, or where it is open in Excel, what was done is in the
answer.
"""

from __future__ import annotations

import errno
import io
import itertools
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from . import escape
from .errors import InputError
from .escape import line, paragraph
from .frames import records
from .money import dollars

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = (".csv", ".xlsx", ".json", ".parquet")
MONEY_FORMAT = "#,##0.00;[Red]-#,##0.00"
XLSX_ROWS, XLSX_COLUMNS, XLSX_CHARACTERS = 1_048_575, 16_384, 32_767
# What the float of a cell has exactly: whole numbers, and cents, of which a spreadsheet shows fifteen digits.
XLSX_WHOLE, XLSX_CENTS = 2**53, 10**15 - 1
_WIDEST, _NARROWEST = 60, 8
_HIDDEN = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\u2028\u2029]"


@dataclass(frozen=True)
class Written:
    """Where a table went, how many rows, and what the reader has to know (another name, a file that was replaced).

    `rows` None: it is a document, and no table.
    """

    path: Path
    rows: int | None
    remark: str = ""

    def __str__(self) -> str:
        many = "" if self.rows is None else f"{self.rows:,} row{'' if self.rows == 1 else 's'} "
        said = f"{many}written to {self.path}"
        return f"{said} ({self.remark})" if self.remark else said


def placed(path: Path | str, folder: Path | str = "") -> Path:
    """A path as a person wrote it: below `folder` unless it begins elsewhere, `~` filled in.

    Raises InputError if it names no file, or one that not every system can have: people share files with Windows.
    """
    try:
        place = Path(path).expanduser()
    except RuntimeError:
        raise InputError(f"{line(path)[:200]}: there is no such home folder") from None
    if not place.name.strip() or place.name.lower() in ENDINGS:
        raise InputError(f"which file? Its name must end in one of {', '.join(ENDINGS)}")
    if trouble := escape.name_trouble(place.name):
        raise InputError(f"{line(place.name)[:80]}: {trouble}; choose another name")
    return Path(folder) / place


def check(path: Path | str, *, replace: bool = False) -> None:
    """Raises InputError if a table cannot go there: the name, the ending, the folder, or a file that is there already."""
    path = placed(path)
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"{line(path.name)[:80]}: the ending must be one of {', '.join(ENDINGS)}")
    try:
        if path.is_dir():
            raise InputError(f"{line(path)[:200]} is a folder; name a file")
        if not path.parent.is_dir():
            raise InputError(f"{line(path)[:200]} cannot be written: there is no folder {line(path.parent)[:200]}")
        if path.exists() and not replace:
            free = line(_free_name(path).name)
            raise InputError(
                f"{line(path)[:200]} exists; name another file ({free} is free), or add --yes to replace it"
            )
        with tempfile.TemporaryFile(dir=path.parent):  # before minutes of reading, not after them
            pass
    except OSError as error:
        raise _cannot(path, error) from None


def write(
    frame: pd.DataFrame | pd.Series,
    path: Path | str,
    *,
    sheets: Mapping[str, pd.DataFrame] | None = None,
    zone: ZoneInfo | None = None,
    replace: bool = False,
    rename: bool = False,
    title: str = "Table",
    front: Callable[[Any], None] | None = None,
) -> Written:
    """Write a table (see `flat`), all of it or nothing. `sheets`: further tables, which only .xlsx can hold; `front` is given the
    xlsxwriter workbook before them, to put a sheet of its own first.

    `zone`: the time zone of instants in .xlsx and .csv (UTC without it). A file that is there already is refused; `replace`
    replaces it, `rename` takes the next free name. A file that is open in Excel is left alone, and a free name taken.
    Raises InputError.
    """
    path = placed(path)
    frame = _to_write(frame)
    zone = zone or ZoneInfo("UTC")
    ending = path.suffix.lower()
    put: Callable[[Path], object]
    if ending == ".xlsx":
        every = {title: frame, **{name: _to_write(one) for name, one in (sheets or {}).items()}}
        put = lambda place: _xlsx(every, place, zone, front)  # noqa: E731 - four ways to write, chosen once
    elif ending == ".csv":
        put = lambda place: _csv(frame, place, zone)  # noqa: E731
    elif ending == ".json":
        put = lambda place: place.write_text(to_json(frame), encoding="utf-8")  # noqa: E731
    else:
        put = lambda place: _parquet(frame, place)  # noqa: E731
    landed, remark = _land(path, put, replace=replace, rename=rename)
    return Written(landed, len(frame), remark)


def write_document(
    document: Mapping[str, Any], path: Path | str, *, replace: bool = False, rename: bool = False
) -> Written:
    """Write one JSON document, amounts in cents as they are, all of it or nothing; as `write` treats a file that is there.

    Raises InputError, also if the ending is not .json.
    """
    path = placed(path)
    if path.suffix.lower() != ".json":
        raise InputError(f"{line(path.name)[:80]}: the ending of a document must be .json")
    text = _json(document) + "\n"
    landed, remark = _land(path, lambda place: place.write_text(text, "utf-8"), replace=replace, rename=rename)
    return Written(landed, None, remark)


# ---------------------------------------------------------------- tables for people and for programs


def flat(data: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """Data as a table: a Series as its one column, an index as columns at the front, a header of several levels as one name
    (`amount_cents_sum`), values as they are.

    An index of whole numbers without a name stays out: it numbers rows, also those that a filter left. Raises InputError where
    two columns have one name.
    """
    import pandas as pd

    made = _headed(data)
    index = made.index
    if index.nlevels == 1 and index.name is None and pd.api.types.is_integer_dtype(index.dtype):
        return made.reset_index(drop=True)
    made.columns = made.columns.astype(object)  # one of categories or months takes no further name
    named = made.reset_index(allow_duplicates=True)
    _refuse_doubles(named)
    return named


def decimals(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with each `*_cents` as decimal text ("-12.50", empty where absent) in a column of the name without `_cents`."""
    made = frame.copy(deep=False)
    for name in _cents_columns(frame):
        made[name] = _decimal_text(frame[name])
    return made.rename(columns=_money_names(frame))


def readable(data: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """For reading on a screen: amounts as "$1,234.50" in columns without `_cents`, hours with two decimals, and without what is
    in seconds or millionths. The index stays. Raises InputError where two columns have one name."""
    from .money import format_cents

    frame = _plain(_headed(data))
    kept = [name for name in frame if not str(name).endswith(("_seconds", "_millionths"))]
    made = frame[kept].copy(deep=False)
    for name in [one for one in kept if str(one).endswith("hours") and frame[one].dtype.kind == "f"]:
        made[name] = made[name].round(2)
    for name in _cents_columns(made):
        made[name] = made[name].map(lambda cents: format_cents(int(cents)), na_action="ignore").astype("str")
        made[name] = made[name].where(frame[name].notna(), "")
    return made.rename(columns=_money_names(made))


def to_json(frame: pd.DataFrame) -> str:
    """The rows as a JSON list; see the module for how values look. Raises InputError for an infinite number."""
    return _json(records(frame), other=str)


def amount_cell(cents: int) -> tuple[str, float | str]:
    """Dollars as (how to write it, value). A cell is a binary float, whatever is put in; where the nearest one does not show
    as the same cents, it is a text."""
    return ("money", float(dollars(cents))) if abs(cents) <= XLSX_CENTS else ("text", str(dollars(cents)))


def sheet_name(name: str, taken: set[str]) -> str:
    """A name that Excel accepts for a sheet, and that is not taken (in any case); it is added to `taken`."""
    clean = re.sub(r"[\[\]:*?/\\]", " ", line(name)).strip().strip("'").strip() or "Table"
    clean = "Table" if clean.lower() == "history" else clean  # Excel keeps that name for itself
    for number in itertools.count(1):
        end = "" if number == 1 else f" {number}"
        made = clean[: 31 - len(end)].rstrip("' ") + end
        if made.lower() not in taken:
            taken.add(made.lower())
            return made
    raise AssertionError("unreachable")


# ---------------------------------------------------------------- inside


def _land(path: Path, put: Callable[[Path], object], *, replace: bool, rename: bool) -> tuple[Path, str]:
    """Write in one step under a name that is free, or may be replaced; gives where it landed, and what to know of that."""
    try:
        existed = path.exists()
        target = _free_name(path) if rename and existed else path
        check(target, replace=replace)
        landed = _whole(target, put, replace=replace)
    except OSError as error:
        raise _cannot(path, error) from None
    if landed != target:
        return landed, f"{line(target.name)} is open in another program or was just made by one, and was left as it is"
    if target != path:
        return landed, f"{line(path.name)} was there already, and was left as it is"
    return landed, "it replaced the file that was there" if existed else ""


def _whole(target: Path, put: Callable[[Path], object], *, replace: bool) -> Path:
    """Write beside the target and move it there in one step, so that nobody reads half of it; gives where it landed."""
    handle, name = tempfile.mkstemp(prefix=".syncro-", suffix=target.suffix.lower(), dir=target.parent)
    os.close(handle)
    beside = Path(name)
    try:
        put(beside)
        if target.exists() and not replace:  # somebody else made it meanwhile
            target = _free_name(target)
        try:
            os.replace(beside, target)
        except PermissionError:  # Windows: open in Excel
            target = _free_name(target)
            os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return target


def _cannot(path: Path, error: OSError) -> InputError:
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return InputError(f"{line(path)[:200]} cannot be written: {reason}")


def _json(value: object, other: Callable[[Any], str] | None = None) -> str:
    import json

    try:
        return json.dumps(value, indent=1, allow_nan=False, default=other)
    except ValueError:  # readers differ in what they make of it, and most refuse the whole file
        raise InputError("a number is infinite, which JSON does not have; .csv, .xlsx and .parquet do") from None


def _free_name(path: Path) -> Path:
    for number in itertools.count(2):
        end = f" ({number}){path.suffix}"
        stem = path.stem.encode()[: escape.LONGEST_NAME - len(end.encode())].decode(errors="ignore")
        other = path.with_name(stem + end)
        if not other.exists():
            return other
    raise AssertionError("unreachable")


def _headed(data: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """A frame whose columns have one name each. Raises InputError where two have the same."""
    import pandas as pd

    if isinstance(data, pd.Series):
        frame = data.to_frame("value" if data.name is None else data.name)
    else:
        frame = data.copy(deep=False)
    if frame.columns.nlevels > 1:
        frame.columns = pd.Index(["_".join(text for text in map(str, name) if text) for name in frame], dtype=object)
    _refuse_doubles(frame)
    return frame


def _refuse_doubles(frame: pd.DataFrame) -> None:
    seen: set[str] = set()
    for name in map(str, frame):
        if name in seen:
            raise InputError(f"two columns have the name {line(name)[:80]}; give one of them another")
        seen.add(name)


def _to_write(data: pd.DataFrame | pd.Series) -> pd.DataFrame:
    made = _plain(flat(data))
    made.columns = [str(name) for name in made]
    return made


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with durations as hours, and periods and intervals as text."""
    import pandas as pd

    made = frame.copy(deep=False)
    names = {}
    for name in made:
        column = made[name]
        dtype = column.cat.categories.dtype if isinstance(column.dtype, pd.CategoricalDtype) else column.dtype
        if pd.api.types.is_timedelta64_dtype(dtype):
            made[name] = column.astype("timedelta64[us]").dt.total_seconds() / 3600
            names[name] = name if str(name).endswith("hours") else f"{name}_hours"
        elif isinstance(dtype, (pd.PeriodDtype, pd.IntervalDtype)):
            made[name] = column.astype(object).map(str, na_action="ignore")
    made = made.rename(columns=names)
    _refuse_doubles(made)
    return made


def _cents_columns(frame: pd.DataFrame) -> list[str]:
    return [name for name in map(str, frame) if name.endswith("_cents")]


def _money_names(frame: pd.DataFrame) -> dict[str, str]:
    short = {name: name.removesuffix("_cents") for name in _cents_columns(frame)}
    return {name: f"{new}_dollars" if new in frame else new for name, new in short.items()}


def _decimal_text(cents: pd.Series) -> pd.Series:
    known = cents.fillna(0).astype("int64")
    whole, rest = known.abs() // 100, (known.abs() % 100).astype("str").str.zfill(2)
    text = whole.astype("str") + "." + rest
    text = text.mask(known < 0, "-" + text)
    return text.where(cents.notna(), "").astype("str")


def _is_text(column: pd.Series) -> bool:
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return _is_text(column.cat.categories.to_series())
    return bool(pd.api.types.is_string_dtype(column.dtype) or column.dtype == object)


def _is_instant(column: pd.Series) -> bool:
    import pandas as pd

    return isinstance(column.dtype, pd.DatetimeTZDtype)


def _is_day(column: pd.Series) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_datetime64_dtype(column.dtype))


def _clean(column: pd.Series) -> pd.Series:
    """Text without control characters and direction marks; "" for what is absent. Only texts that have some are touched."""
    text = column.astype(object).where(column.notna(), "").astype("str")
    dirty = text.str.contains(_HIDDEN, regex=True)
    return text.mask(dirty, text[dirty].map(paragraph)) if dirty.any() else text


def _csv(frame: pd.DataFrame, place: Path, zone: ZoneInfo) -> None:
    made = decimals(frame)
    amounts = set(_money_names(frame).values())
    for name in made:
        column = made[name]
        if name in amounts:
            continue
        if _is_instant(column):
            local = column.dt.tz_convert(zone)
            made[name] = local.map(lambda at: at.isoformat(), na_action="ignore").astype(object)
        elif _is_day(column):
            made[name] = column.dt.strftime("%Y-%m-%d")
        elif _is_text(column):
            made[name] = _clean(column).map(escape.for_csv)
    made.columns = [escape.for_csv(line(name)) for name in made]
    made.to_csv(place, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def _parquet(frame: pd.DataFrame, place: Path) -> None:
    try:
        frame.to_parquet(place, index=False)
    except (ValueError, TypeError, NotImplementedError):  # as pyarrow's errors are
        raise InputError(
            "a column has values of several kinds, or of one that .parquet does not have; .csv and .xlsx do"
        ) from None


def _xlsx(
    tables: Mapping[str, pd.DataFrame], place: Path, zone: ZoneInfo, front: Callable[[Any], None] | None = None
) -> None:
    for name, frame in tables.items():
        if len(frame) > XLSX_ROWS or len(frame.columns) > XLSX_COLUMNS:
            raise InputError(f"{name} has {len(frame):,} rows; .xlsx holds {XLSX_ROWS:,}: write .csv or .parquet")
    # Small shops' tables fit in memory; a large one is written row by row.
    large = max(len(frame) for frame in tables.values()) > 50_000
    with _workbook(place, {"constant_memory": large}) as book:
        formats = {
            "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
            "money": book.add_format({"num_format": MONEY_FORMAT}),
            "hours": book.add_format({"num_format": "0.00"}),
            "day": book.add_format({"num_format": "yyyy-mm-dd"}),
            "instant": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        }
        taken: set[str] = set()
        if front is not None:
            front(book)
            taken |= {sheet.get_name().lower() for sheet in book.worksheets()}
        for name, frame in tables.items():
            sheet = book.add_worksheet(sheet_name(name, taken))
            _fill(sheet, frame, formats, zone)


@contextmanager
def _workbook(place: Path, options: Mapping[str, Any]) -> Iterator[Any]:
    """A workbook that is written at the end, in which a text is a text. Raises OSError, and leaves no parts of it behind.

    It is packed in memory, and nothing holds the library's own error: on a full disk its ZipFile would complain once more, on
    stderr, when it is thrown away.
    """
    import xlsxwriter

    safe = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    packed, number = io.BytesIO(), 0
    with tempfile.TemporaryDirectory(prefix="syncro-", ignore_cleanup_errors=True) as parts:
        try:
            with xlsxwriter.Workbook(packed, {**safe, **options, "tmpdir": parts}) as book:
                yield book
        except xlsxwriter.exceptions.FileCreateError as error:
            number = error.args[0].errno or errno.EIO
    if number:
        raise OSError(number, os.strerror(number))
    place.write_bytes(packed.getbuffer())


def _fill(sheet: Any, frame: pd.DataFrame, formats: Mapping[str, Any], zone: ZoneInfo) -> None:
    names = _money_names(frame)
    heads = [
        line(names.get(str(name), name)) + (f" ({zone.key})" if _is_instant(frame[name]) else "") for name in frame
    ]
    cells = [_cells(frame[name], formats, zone) for name in frame]
    for place, (head, column) in enumerate(zip(heads, cells, strict=True)):
        shown = [
            len(str(value)) if kind == "text" else 16 if kind == "instant" else 11 for kind, value in column[:1000]
        ]
        longest = max([len(head) + 2, _NARROWEST, *shown])
        sheet.set_column(place, place, min(_WIDEST, longest))
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()  # printed as wide as a page, the header on each
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.autofilter(0, 0, len(frame), max(0, len(heads) - 1))
    for place, head in enumerate(heads):
        sheet.write_string(0, place, head, formats["head"])
    for number, row in enumerate(zip(*cells, strict=True), start=1):
        for place, (kind, value) in enumerate(row):
            if kind == "text":
                if value:
                    sheet.write_string(number, place, value)
            elif kind == "flag":
                sheet.write_boolean(number, place, value)
            elif kind in ("day", "instant"):
                sheet.write_datetime(number, place, value, formats[kind])
            elif kind != "absent":
                sheet.write_number(number, place, value, formats.get(kind))


def _cells(column: pd.Series, formats: Mapping[str, Any], zone: ZoneInfo) -> list[tuple[str, Any]]:
    """A column as (how to write it, value) cells."""
    import pandas as pd

    name = str(column.name)
    if _is_instant(column) or _is_day(column):
        kind = "instant" if _is_instant(column) else "day"
        local = column.dt.tz_convert(zone).dt.tz_localize(None) if kind == "instant" else column
        return [
            ("absent", None)
            if pd.isna(at)
            else (kind, at.to_pydatetime())
            if at.year >= 1900
            else ("text", at.isoformat())
            for at in local
        ]
    if _is_text(column):
        return [
            ("text", text if len(text) <= XLSX_CHARACTERS else text[: XLSX_CHARACTERS - 1] + "…")
            for text in _clean(column)
        ]
    if pd.api.types.is_bool_dtype(column.dtype):
        return [("absent", None) if pd.isna(one) else ("flag", bool(one)) for one in column]
    if name.endswith("_cents"):
        return [("absent", None) if pd.isna(one) else amount_cell(int(one)) for one in column]
    kind = "hours" if name.endswith("hours") else "number"
    number, most = (int, XLSX_WHOLE) if pd.api.types.is_integer_dtype(column.dtype) else (float, 1e300)
    return [
        ("absent", None) if pd.isna(one) else (kind, number(one)) if abs(number(one)) <= most else ("text", str(one))
        for one in column
    ]
