"""What was asked: a request taken apart, and its values read as tolerantly as Rails reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import parse_qs, parse_qsl, unquote

from ..money import cents, exact
from .nested import nest
from .state import Row

PREFIX = "/api/v1"
LARGEST_BODY = 10_000_000  # bytes
_DEEPEST = 64  # objects and lists inside one another
_DIGITS, _PLACES = 9, 12  # before and after the point of a price or a quantity that anybody means


class Refusal(Exception):
    """The request cannot be done: the status and the body that say so. A body of None is sent as no body at all."""

    def __init__(self, status: int, body: object = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass
class Request:
    """One request. `path` is whole, without query and `.json`; `ids` are what stood at the {…} of its route."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Mapping[str, str]  # names in lower case
    raw: bytes
    body: Row = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    now: int = 0
    refusal: Refusal | None = None  # settled before it is routed: the key is wrong, or the body cannot be read

    def asked(self, name: str) -> str | None:
        """A parameter of the query, or None where it is missing or empty."""
        return (self.query.get(name) or [""])[-1] or None

    def asked_id(self, name: str) -> int | None:
        """A parameter of the query as an id: 0, which no record has, where it is there but is not a number."""
        text = self.asked(name)
        return None if text is None else whole(text) or 0


def take_apart(method: str, target: str, headers: Mapping[str, str], raw: bytes) -> Request:
    """Split the target; the body is left for `read_body`, because a wrong key is told before a wrong body."""
    path, _, asked = target.partition("#")[0].partition("?")
    path = re.sub(r"/{2,}", "/", unquote(re.sub(r"^\w+://[^/]*", "", path), errors="replace"))
    path = path.removesuffix("/").removesuffix(".json")
    try:
        query = parse_qs(asked, keep_blank_values=True, errors="replace", max_num_fields=1000)
    except ValueError:  # too many fields
        query = {}
    return Request(method.upper(), path, query, {name.lower(): value for name, value in headers.items()}, raw)


def read_body(request: Request) -> Row:
    """The fields of the body. A GET's body is ignored, and so is one of a type that Rails does not parse."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if len(request.raw) > LARGEST_BODY:
        raise Refusal(413)
    if request.method in ("GET", "HEAD") or not request.raw.strip():
        return {}
    if kind == "application/x-www-form-urlencoded":
        return _read_form(request.raw)
    if kind != "application/json" and not kind.endswith("+json"):
        return {}
    try:
        data = json.loads(request.raw.decode("utf-8"), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError, ArithmeticError):
        raise Refusal(400, {"status": 400, "error": "Bad Request"}) from None
    if is_too_deep(data):
        raise Refusal(400, {"status": 400, "error": "Bad Request"})
    return data if isinstance(data, dict) else {}


def read_fields(request: Request) -> Row:
    """All parameters of a write, as Rails merges them: the query's, and over them the body's."""
    body = read_body(request)
    if request.method in ("GET", "HEAD", "DELETE"):
        return body
    asked = ((name, value) for name, values in request.query.items() if name != "api_key" for value in values)
    return {**nest(asked), **body}


def is_too_deep(data: object) -> bool:
    """Whether more is nested than anybody means; what reads it further down may go into itself as deep as this."""
    level = [data]
    for _ in range(_DEEPEST):
        parts = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list))
        level = [inner for part in parts for inner in part]
        if not level:
            return False
    return True


def _read_form(raw: bytes) -> Row:
    text = raw.decode("utf-8", "replace")
    if text.lstrip()[:1] in ("{", "["):
        raise Refusal(400, "<html><head><title>400 Bad Request</title></head><body>400 Bad Request</body></html>")
    try:
        return nest(parse_qsl(text, keep_blank_values=True, max_num_fields=1000))
    except ValueError:
        raise Refusal(400, {"status": 400, "error": "Bad Request"}) from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def text(value: object) -> str | None:
    """A text; numbers become theirs, anything else and the empty text None."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    return str(value) if str(value).strip() else None


def whole(value: object) -> int | None:
    """A whole number from 0 to nine quintillion, or None."""
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,18}\s*", value, re.ASCII):
        return int(value)
    if (
        isinstance(value, Decimal)
        and value.is_finite()
        and value.adjusted() < 18
        and value == value.to_integral_value()
    ):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18 else None


def number(value: object) -> Decimal | None:
    """A plain decimal number of a sensible size, or None."""
    try:
        read = exact(value)  # type: ignore[arg-type]  # it raises TypeError for what it cannot take
    except (TypeError, ValueError):
        return None
    return read if read.adjusted() < _DIGITS and -int(read.as_tuple().exponent) <= _PLACES else None


def in_cents(value: object) -> int | None:
    """Dollars as cents, or None where it is not a number."""
    read = number(value)
    return None if read is None else cents(read)


def flag(value: object) -> bool | None:
    """True and false in the spellings of JSON and of forms; None for anything else."""
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())


def listed(value: object) -> list[Any]:
    """A list, also from Rails' form of it: {"0": …, "1": …}."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def plain(value: Any) -> Any:
    """What was read, as JSON can hold it: decimals become floats again, where they are only kept or shown back."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, Decimal):
        return float(value) if value.adjusted() < 300 else str(value)
    return value


def reread(value: Any) -> Any:
    """What JSON holds, with decimals again in place of floats, as a request has them."""
    return json.loads(json.dumps(value), parse_float=Decimal)


def shortest(value: Decimal | int | str) -> str:
    """A decimal as Ruby prints it: without needless zeros, but with one decimal place at least: "0.5", "2.0"."""
    plain = f"{Decimal(value).normalize():f}"
    return plain if "." in plain else plain + ".0"
