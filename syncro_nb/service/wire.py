"""JSON of Syncro's API to records, and back. Pure: how a value is written, how a list is paged, how an error speaks.

The records themselves are in `records.py`, the bodies of writes in `requests.py`; the vendor's spelling lives in these three
modules and nowhere else. Both generations of the official document are read (April and autumn 2026: money as strings or
numbers, days with or without a time, lists with or without `meta`).
"""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Protocol, TypeVar

from ..money import cents, dollars, exact

Json = Mapping[str, Any]
MOST_CENTS, MOST_HOURS = 10**13, 10**7  # more is no invoice, and would not fit where it is multiplied
_DEEPEST_ERROR = 8
SMALLEST_PAGE = 10  # rows; no list of Syncro's has smaller pages
MAX_PAGES = 20_000
# The key itself, and a link that logs a customer in: they are not kept, not even among what we do not know.
_NOT_KEPT = frozenset({"user_token", "online_profile_url"})


class Unreadable(ValueError):
    """The answer is not what Syncro documents; the message names the field."""


# ---------------------------------------------------------------- values


@dataclass(frozen=True)
class Kind:
    """How one sort of value is read from JSON (raising Unreadable) and written back to it."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any]


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    raise Unreadable(f"{value!r:.40} is not a whole number")


def _decimal(value: object) -> Decimal:
    try:
        return exact(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise Unreadable(f"{value!r:.40} is not a decimal number") from None


def _money(value: object) -> int:
    amount = cents(_decimal(value))
    if abs(amount) > MOST_CENTS:
        raise Unreadable(f"{value!r:.40} is no amount of money")
    return amount


def _hours(value: object) -> Decimal:
    hours = _decimal(value if value != "" else "0")
    if abs(hours) > MOST_HOURS:
        raise Unreadable(f"{value!r:.40} is no quantity")
    return hours


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return (
            value if value.isascii() else value.encode("utf-8", "replace").decode()
        )  # JSON can spell half a character
    if isinstance(value, int | Decimal):
        return str(value)
    raise Unreadable(f"{value!r:.40} is not text")


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Unreadable(f"{value!r:.40} is not true or false")


def _instant(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        raise Unreadable(f"{value!r:.40} is not a time") from None
    if moment.tzinfo is None:
        raise Unreadable(f"{value!r:.40} has no time zone")
    return moment


def _day(value: object) -> date:
    """The calendar day as it is written: April sent midnight, autumn sends the bare date."""
    try:
        return date.fromisoformat(_text(value)[:10])
    except ValueError:
        raise Unreadable(f"{value!r:.40} is not a date") from None


def _utc_time(value: object) -> datetime | None:
    """The instant of a day that is written as a time in UTC, whose calendar day only the account's zone tells; else None."""
    try:
        moment = _instant(value)
    except Unreadable:
        return None
    return None if moment.utcoffset() else moment  # another offset is the account's own


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Unreadable(f"{value!r:.40} is not a list")
    return tuple(_text(one) for one in value)


def _ids(value: object) -> tuple[int, ...]:
    """A list of ids; an unapplied payment holds [null]."""
    if not isinstance(value, list):
        raise Unreadable(f"{value!r:.40} is not a list")
    return tuple(_whole(one) for one in value if one is not None)


def _same(value: Any) -> Any:
    return value


def _iso(value: datetime | date) -> str:
    return value.isoformat()


WHOLE = Kind(_whole, _same)
MONEY = Kind(_money, lambda amount: f"{dollars(amount):f}")
CENTS = Kind(_whole, _same)
HOURS = Kind(_hours, lambda hours: f"{hours:f}")
TEXT = Kind(_text, _same)
FLAG = Kind(_flag, _same)
INSTANT = Kind(_instant, _iso)
DAY = Kind(_day, _iso)
UTC_TIME = Kind(_utc_time, _iso)
TEXTS = Kind(_texts, list)
IDS = Kind(_ids, list)
RAW = Kind(_same, _same)


# ---------------------------------------------------------------- records


class Record(Protocol):
    """A frozen dataclass whose fields were made with `key` and `rows`, and `extra` for all the rest."""

    __dataclass_fields__: typing.ClassVar[dict[str, Any]]


R = TypeVar("R", bound=Record)


VALUE, NAMED, NOTED = "value", "named", "noted"


def key(name: str, kind: Kind, default: Any = MISSING, *, soft: bool = False, counts: str = "") -> Any:
    """A field that is read from `name`. Without a default it must be there and not null.

    `soft`: nothing is decided on it, so a value of an odd form is left in `extra` instead of failing the whole record.
    `counts`: money or hours depend on it, so that its default must not stand for what was not said, where flaws are noted:
    VALUE: the record cannot be read without a value of it; NAMED: without the key (null has a meaning); NOTED: the record
    can be, and that the key is absent is a flaw.
    """
    return field(default=default, metadata={"key": name, "kind": kind, "soft": soft, "counts": counts})


def rows(name: str, record: Callable[[], type[Any]], *, soft: bool = False) -> Any:
    """A field that holds a list of records; None where the answer has no such key (list rows have no lines)."""
    kind = Kind(lambda found: read_rows(record(), found), lambda held: [write(one) for one in held])
    return field(default=None, metadata={"key": name, "kind": kind, "soft": soft, "holds": record, "is_list": True})


def inner(name: str, record: Callable[[], type[Any]]) -> Any:
    """A field that holds one record inside another, or None."""
    kind = Kind(lambda found: read(record(), found), write)
    return field(default=None, metadata={"key": name, "kind": kind, "holds": record})


def extra() -> Any:
    """The field for what we do not know."""
    return field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class _Way:
    """Where a record's attribute stands in the JSON, and how."""

    attribute: str
    name: str
    kind: Kind
    needed: bool
    soft: bool
    counts: str = ""
    holds: Callable[[], type[Any]] | None = None  # the type of the records, or of the one record, inside it
    is_list: bool = False


@cache
def _ways(record: type[Any]) -> tuple[_Way, ...]:
    found = []
    for one in fields(record):
        said = dict(one.metadata)
        if "key" in said:
            found.append(
                _Way(one.name, said.pop("key"), said.pop("kind"), one.default is MISSING, **{"soft": False, **said})
            )
    return tuple(found)


@dataclass(frozen=True)
class Flaw:
    """A record inside an answer that could not be read, or not in full: its type, its id (None: not even that), and why."""

    record: type[Any]
    id: int | None
    why: str


def read(record: type[R], data: object, flaws: list[Flaw] | None = None) -> R:
    """One record from one JSON object. Raises Unreadable with the record and the field.

    With `flaws`, rows inside it that cannot be read are left out and noted there, and nothing that money depends on is
    taken for its default (`key`); without, an answer is taken whole or not at all.
    """
    name = getattr(record, "__name__", "record").lower()
    if not isinstance(data, Mapping):
        raise Unreadable(f"{name}: expected an object, got {type(data).__name__}")
    values: dict[str, Any] = {}
    used = set(_NOT_KEPT)
    for way in _ways(record):
        found = data.get(way.name)
        used.add(way.name)
        if found is None or (found == "" and way.kind is not TEXT):
            if flaws is not None and way.counts and (way.counts == VALUE or way.name not in data):
                said = f"{name}: no {way.name} in the answer"
                if way.counts != NOTED:
                    raise Unreadable(said)
                flaws.append(Flaw(record, id_of(data), said))
            continue  # null, absent and empty are one; a field that needs a value fails below
        try:
            values[way.attribute] = (
                way.kind.read(found) if flaws is None or way.holds is None else _read_inside(way, found, flaws)
            )
        except Unreadable as error:
            if not way.soft:
                raise Unreadable(f"{name}.{way.name}: {error}") from None
            used.discard(way.name)
    values["extra"] = {spelled: value for spelled, value in data.items() if spelled not in used}
    try:
        return record(**values)
    except TypeError:
        lacking = [way.name for way in _ways(record) if way.needed and way.attribute not in values]
        raise Unreadable(f"{name}: no {' or '.join(lacking[:3]) or 'value'} in the answer") from None


def read_rows(record: type[R], found: object, flaws: list[Flaw] | None = None) -> tuple[R, ...]:
    """A list of records; with `flaws` those that can be read."""
    if not isinstance(found, list):
        raise Unreadable(f"expected a list, got {type(found).__name__}")
    if flaws is None:
        return tuple(read(record, row) for row in found)
    made = []
    for row in found:
        try:
            made.append(read(record, row, flaws))
        except Unreadable as error:
            flaws.append(Flaw(record, id_of(row), str(error)))
    return tuple(made)


def _read_inside(way: _Way, found: Any, flaws: list[Flaw]) -> Any:
    """A value; rows each by itself, and of a record inside that cannot be read its id, by which its own list has it."""
    assert way.holds is not None
    record = way.holds()
    if way.is_list:
        return read_rows(record, found, flaws)
    try:
        return read(record, found)
    except Unreadable:
        key = id_of(found)
        if key is None:
            raise
        return record(id=key)


def id_of(data: object) -> int | None:
    """The id of a row, whatever else of it can be read; None if it has none."""
    try:
        return _whole(data.get("id")) if isinstance(data, Mapping) else None
    except Unreadable:
        return None


def write(record: Any) -> dict[str, Any]:
    """A record as JSON in the autumn spelling: reading it again gives an equal record. None is left out."""
    data = dict(record.extra)
    for way in _ways(record.__class__):
        value = getattr(record, way.attribute)
        if value is not None and way.name not in data:
            data[way.name] = way.kind.write(value)
    return data


# ---------------------------------------------------------------- answers


def parse(body: bytes) -> Any:
    """The JSON of an answer, decimals as Decimal. Raises Unreadable for anything else, and for absurd nesting."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, ArithmeticError, RecursionError):
        raise Unreadable("it is not JSON") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def unwrap(data: object, wrapper: str) -> Any:
    """What stands under `wrapper`; the object itself where an endpoint answers flat."""
    if isinstance(data, Mapping) and wrapper in data:
        return data[wrapper]
    if isinstance(data, Mapping) and "id" in data:
        return data
    raise Unreadable(f"there is no {wrapper} in it")


@dataclass(frozen=True)
class Page:
    """One page of a list: its rows, how many pages there are, and how many rows if it says.

    `pages` is None where that cannot be known: only reading on shows where the list ends.
    """

    rows: list[Any]
    pages: int | None
    entries: int | None


def page(data: object, wrapper: str) -> Page:
    """A list answer. Raises Unreadable if there is no list of that name in it.

    Some lists have no `meta` and are one page; one with as many rows as a page may have could still go on.
    """
    found = data.get(wrapper) if isinstance(data, Mapping) else None
    if not isinstance(found, list):
        raise Unreadable(f"there is no list of {wrapper} in it")
    meta = data.get("meta") if isinstance(data, Mapping) else None
    said = meta if isinstance(meta, Mapping) else {} if meta is None else {"total_pages": meta}
    pages, entries = _count(said.get("total_pages")), _count(said.get("total_entries"))
    if "total_pages" not in said and len(found) < SMALLEST_PAGE:
        pages = 1
    elif pages is not None and (pages > MAX_PAGES or (pages == 0 and found)):
        pages = None
    return Page(found, pages, entries)


def _count(value: object) -> int | None:
    try:
        count = _whole(value)
    except Unreadable:
        return None
    return count if count >= 0 else None


def sentence(data: object) -> str:
    """Syncro's own words in an error body, whichever of its shapes it has, as one line; empty if it says nothing.

    `error`, `errors` and `message` may each be a string, a list or a map of lists; some answers are the bare map.
    """
    if not isinstance(data, Mapping):
        return ""
    said = [data[name] for name in ("error", "errors", "message") if data.get(name)]
    if not said and "success" not in data:
        said = [data] if all(isinstance(value, list) for value in data.values()) else []
    words = dict.fromkeys(word for part in said for word in _words(part))
    return "; ".join(words)[:500]


def _words(part: object, depth: int = 0) -> list[str]:
    if depth > _DEEPEST_ERROR:
        return []
    if isinstance(part, Mapping):
        inner = [
            (str(name).replace("_", " "), word) for name, words in part.items() for word in _words(words, depth + 1)
        ]
        return [f"{name} {word}" for name, word in inner]
    if isinstance(part, list):
        return [word for one in part for word in _words(one, depth + 1)]
    line = " ".join("".join(character if character.isprintable() else " " for character in str(part)).split())
    return [line] if line else []


def number(value: Decimal | int) -> int | float:
    """A decimal as the JSON number that prints the same: the one place where a float carries an amount, outwards only."""
    return int(value) if value == int(value) else float(str(value))
