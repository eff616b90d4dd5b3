"""JSON of Syncro's API to records, and back. Pure; the vendor's spelling lives here and in `requests.py` only.

A record is frozen and typed: money in whole cents, hours as Decimal, times aware, days as dates. What it does not know
stays in `extra`, so that a new field of Syncro's breaks nothing. Both generations of the official document are read
(April and autumn 2026: money as strings or numbers, days with or without a time, lists with or without `meta`).
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

from ..money import cents, exact

Json = Mapping[str, Any]
# The key itself, and a link that logs a customer in: they are not kept, not even among what we do not know.
_NOT_KEPT = frozenset({"user_token", "online_profile_url"})


class Unreadable(ValueError):
    """The answer is not what Syncro documents; the message names the field."""


# ---------------------------------------------------------------- values


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
    return cents(_decimal(value))


def _hours(value: object) -> Decimal:
    return _decimal(value if value != "" else "0")


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
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


def _json(value: object) -> Any:
    return value


# ---------------------------------------------------------------- records


class Record(Protocol):
    """Any of the dataclasses below."""

    __dataclass_fields__: typing.ClassVar[dict[str, Any]]


R = TypeVar("R", bound=Record)


def _key(key: str, read: Callable[[Any], Any], default: Any = MISSING) -> Any:
    """A field that is read from `key`. Without a default it must be there and not null."""
    return field(default=default, metadata={"key": key, "read": read})


def _rows(key: str, record: Callable[[], type[Any]]) -> Any:
    """A field that holds a list of records; None where the answer has no such key (list rows have no lines)."""
    return field(default=None, metadata={"key": key, "read": lambda rows: read_rows(record(), rows)})


def _extra() -> Any:
    return field(default_factory=dict, repr=False)


@cache
def _plan_of(record: type[Any]) -> tuple[tuple[str, str, Callable[[Any], Any], bool], ...]:
    return tuple(
        (one.name, one.metadata["key"], one.metadata["read"], one.default is MISSING)
        for one in fields(record)
        if "key" in one.metadata
    )


def read(record: type[R], data: object) -> R:
    """One record from one JSON object. Raises Unreadable with the record and the field."""
    name = getattr(record, "__name__", "record").lower()
    if not isinstance(data, Mapping):
        raise Unreadable(f"{name}: expected an object, got {type(data).__name__}")
    values: dict[str, Any] = {}
    used = set(_NOT_KEPT)
    for attribute, key, convert, _ in _plan_of(record):
        used.add(key)
        if data.get(key) is None:
            continue  # null and absent are one; a field that needs a value fails below
        try:
            values[attribute] = convert(data[key])
        except Unreadable as error:
            raise Unreadable(f"{name}.{key}: {error}") from None
    try:
        values["extra"] = {key: value for key, value in data.items() if key not in used}
        return record(**values)
    except TypeError:
        lacking = [key for attribute, key, _, needed in _plan_of(record) if needed and attribute not in values]
        raise Unreadable(f"{name}: no {' or '.join(lacking[:3]) or 'value'} in the answer") from None


def read_rows(record: type[R], rows: object) -> tuple[R, ...]:
    """A list of records."""
    if not isinstance(rows, list):
        raise Unreadable(f"expected a list, got {type(rows).__name__}")
    return tuple(read(record, row) for row in rows)


@dataclass(frozen=True)
class Comment:
    """A ticket comment. `user_id` None: not written by a technician. `hidden`: never shown to the customer."""

    id: int = _key("id", _whole)
    ticket_id: int | None = _key("ticket_id", _whole, None)
    created_at: datetime | None = _key("created_at", _instant, None)
    subject: str = _key("subject", _text, "")
    body: str = _key("body", _text, "")
    author: str = _key("tech", _text, "")
    hidden: bool = _key("hidden", _flag, False)
    user_id: int | None = _key("user_id", _whole, None)
    extra: Json = _extra()


@dataclass(frozen=True)
class TicketLine:
    """A charge on a ticket: `quantity` (hours for labour) × `price_cents`. `converted`: it is on an invoice."""

    id: int = _key("id", _whole)
    ticket_id: int | None = _key("ticket_id", _whole, None)
    product_id: int | None = _key("product_id", _whole, None)
    name: str = _key("name", _text, "")
    description: str = _key("description", _text, "")
    quantity: Decimal = _key("quantity", _hours, Decimal(0))
    price_cents: int = _key("price_retail", _money, 0)
    cost_cents: int = _key("price_cost", _money, 0)
    taxable: bool = _key("taxable", _flag, False)
    converted: bool = _key("converted", _flag, False)
    created_at: datetime | None = _key("created_at", _instant, None)
    user_id: int | None = _key("user_id", _whole, None)
    extra: Json = _extra()


@dataclass(frozen=True)
class Timer:
    """A timer entry. Durations in seconds; `recorded`: it was charged."""

    id: int = _key("id", _whole)
    ticket_id: int | None = _key("ticket_id", _whole, None)
    user_id: int | None = _key("user_id", _whole, None)
    started_at: datetime | None = _key("start_time", _instant, None)
    ended_at: datetime | None = _key("end_time", _instant, None)
    recorded: bool = _key("recorded", _flag, False)
    billable: bool = _key("billable", _flag, False)
    notes: str = _key("notes", _text, "")
    product_id: int | None = _key("product_id", _whole, None)
    line_item_id: int | None = _key("ticket_line_item_id", _whole, None)
    active_seconds: int | None = _key("active_duration", _whole, None)
    billable_seconds: int | None = _key("billable_time", _whole, None)
    override_seconds: int | None = _key("billable_override", _whole, None)
    extra: Json = _extra()

    @property
    def worked_seconds(self) -> int:
        """Actual time: the active duration, else end minus start; 0 while it runs."""
        if self.active_seconds is not None:
            return self.active_seconds
        if self.started_at and self.ended_at:
            return int((self.ended_at - self.started_at).total_seconds())
        return 0

    @property
    def charged_seconds(self) -> int:
        """Billable time: the override, else Syncro's billable time, which is not trusted below a minute for longer work."""
        if self.override_seconds is not None:
            return self.override_seconds
        known = self.billable_seconds
        if known is None or (known < 60 < self.worked_seconds):
            return self.worked_seconds
        return known


@dataclass(frozen=True)
class Contact:
    """A person at a customer."""

    id: int = _key("id", _whole)
    name: str = _key("name", _text, "")
    email: str = _key("email", _text, "")
    customer_id: int | None = _key("customer_id", _whole, None)
    extra: Json = _extra()


@dataclass(frozen=True)
class InvoiceLink:
    """An invoice as a customer's detail lists it."""

    id: int = _key("id", _whole)
    number: str = _key("number", _text, "")
    extra: Json = _extra()


@dataclass(frozen=True)
class Customer:
    """A customer. `prepaid_hours` None: no block of hours, or a list row that does not say."""

    id: int = _key("id", _whole)
    name: str = _key("business_then_name", _text, "")
    business_name: str = _key("business_name", _text, "")
    fullname: str = _key("fullname", _text, "")
    email: str = _key("email", _text, "")
    no_email: bool = _key("no_email", _flag, False)
    disabled: bool = _key("disabled", _flag, False)
    tax_rate_id: int | None = _key("tax_rate_id", _whole, None)
    prepaid_hours: Decimal | None = _key("prepay_hours", _hours, None)
    invoices: tuple[InvoiceLink, ...] | None = _rows("invoice_links", lambda: InvoiceLink)
    extra: Json = _extra()


@dataclass(frozen=True)
class User:
    """A technician."""

    id: int = _key("id", _whole)
    name: str = _key("full_name", _text, "")
    email: str = _key("email", _text, "")
    extra: Json = _extra()


def _embedded(record: Callable[[], type[Any]]) -> Callable[[Any], Any]:
    return lambda data: read(record(), data)


@dataclass(frozen=True)
class Ticket:
    """A ticket. List rows have no lines and no timers (None), and at most their first comment; the detail has all."""

    id: int = _key("id", _whole)
    number: int = _key("number", _whole)
    subject: str = _key("subject", _text, "")
    status: str = _key("status", _text, "")
    priority: str = _key("priority", _text, "")
    problem_type: str = _key("problem_type", _text, "")
    customer_id: int | None = _key("customer_id", _whole, None)
    customer_name: str = _key("customer_business_then_name", _text, "")
    contact_name: str = _key("contact_fullname", _text, "")
    contact: Contact | None = _key("contact", _embedded(lambda: Contact), None)
    customer: Customer | None = _key("customer", _embedded(lambda: Customer), None)
    user_id: int | None = _key("user_id", _whole, None)
    technician: User | None = _key("user", _embedded(lambda: User), None)
    created_at: datetime | None = _key("created_at", _instant, None)
    updated_at: datetime | None = _key("updated_at", _instant, None)
    resolved_at: datetime | None = _key("resolved_at", _instant, None)
    due_on: date | None = _key("due_date", _day, None)
    billing_status: str = _key("billing_status", _text, "")
    comments: tuple[Comment, ...] | None = _rows("comments", lambda: Comment)
    lines: tuple[TicketLine, ...] | None = _rows("line_items", lambda: TicketLine)
    timers: tuple[Timer, ...] | None = _rows("ticket_timers", lambda: Timer)
    extra: Json = _extra()

    @property
    def contact_label(self) -> str:
        """The contact's name, from the detail or the list row."""
        return self.contact.name if self.contact else self.contact_name

    @property
    def technician_label(self) -> str:
        """The technician's name, or an empty string."""
        return self.technician.name if self.technician else ""


@dataclass(frozen=True)
class Product:
    """A product of the catalogue; labour is one too. Its price is what a unit (an hour) costs the customer."""

    id: int = _key("id", _whole)
    name: str = _key("name", _text, "")
    description: str = _key("description", _text, "")
    price_cents: int = _key("price_retail", _money, 0)
    cost_cents: int = _key("price_cost", _money, 0)
    taxable: bool = _key("taxable", _flag, False)
    category: str = _key("category_path", _text, "")
    disabled: bool = _key("disabled", _flag, False)
    extra: Json = _extra()


@dataclass(frozen=True)
class InvoiceLine:
    """A line of an invoice. Syncro calls the product's name `item` and the description `name`."""

    id: int = _key("id", _whole)
    invoice_id: int | None = _key("invoice_id", _whole, None)
    product_id: int | None = _key("product_id", _whole, None)
    name: str = _key("item", _text, "")
    description: str = _key("name", _text, "")
    quantity: Decimal = _key("quantity", _hours, Decimal(0))
    price_cents: int = _key("price", _money, 0)
    taxable: bool = _key("taxable", _flag, False)
    extra: Json = _extra()


@dataclass(frozen=True)
class Invoice:
    """An invoice. `lines` is None in lists and in the answer to its creation; `ticket_id` may be absent in lists."""

    id: int = _key("id", _whole)
    subtotal_cents: int = _key("subtotal", _money)
    total_cents: int = _key("total", _money)
    number: str = _key("number", _text, "")
    customer_id: int | None = _key("customer_id", _whole, None)
    customer: Customer | None = _key("customer", _embedded(lambda: Customer), None)
    ticket_id: int | None = _key("ticket_id", _whole, None)
    created_at: datetime | None = _key("created_at", _instant, None)
    dated_on: date | None = _key("date", _day, None)
    tax_cents: int = _key("tax", _money, 0)
    is_paid: bool = _key("is_paid", _flag, False)
    lines: tuple[InvoiceLine, ...] | None = _rows("line_items", lambda: InvoiceLine)
    extra: Json = _extra()


@dataclass(frozen=True)
class Me:
    """Whose key it is. The answer's `user_token` is the key itself and is dropped."""

    user_id: int = _key("user_id", _whole)
    name: str = _key("user_name", _text, "")
    email: str = _key("user_email", _text, "")
    subdomain: str = _key("subdomain", _text, "")
    admin: bool = _key("admin", _flag, False)
    permissions: Json = _key("permissions", _json, None)
    extra: Json = _extra()


@dataclass(frozen=True)
class TicketSettings:
    """The account's own words for tickets."""

    statuses: tuple[str, ...] = _key("ticket_status_list", lambda rows: tuple(_text(row) for row in rows), ())
    default_labor_product_id: int | None = _key("default_labor_product_id", _whole, None)
    users: Json = _key("users", _json, None)
    extra: Json = _extra()


@dataclass(frozen=True)
class Settings:
    """The account's settings: locale, business hours, problem types and priorities."""

    locale: Json = _key("locale", _json, None)
    ticket: Json = _key("ticket", _json, None)
    business_hours: Any = _key("business_hours", _json, None)
    extra: Json = _extra()


# ---------------------------------------------------------------- answers


def parse(body: bytes) -> Any:
    """The JSON of an answer, decimals as Decimal. Raises Unreadable for anything else, and for absurd nesting."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
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


def page(data: object, wrapper: str) -> tuple[list[Any], int]:
    """The rows of a list answer and how many pages there are; without `meta` it is the only one."""
    rows = data.get(wrapper) if isinstance(data, Mapping) else None
    if not isinstance(rows, list):
        raise Unreadable(f"there is no list of {wrapper} in it")
    meta = data.get("meta") if isinstance(data, Mapping) else None
    pages = meta.get("total_pages") if isinstance(meta, Mapping) else None
    return rows, pages if isinstance(pages, int) and not isinstance(pages, bool) else 1


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


def _words(part: object) -> list[str]:
    if isinstance(part, Mapping):
        return [f"{str(name).replace('_', ' ')} {word}" for name, words in part.items() for word in _words(words)]
    if isinstance(part, list):
        return [word for one in part for word in _words(one)]
    line = " ".join("".join(character if character.isprintable() else " " for character in str(part)).split())
    return [line] if line else []


def number(value: Decimal | int) -> int | float:
    """A decimal as the JSON number that prints the same: the one place where a float carries an amount, outwards only."""
    return int(value) if value == int(value) else float(str(value))
