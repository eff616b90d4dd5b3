"""Faults: what goes wrong on purpose, for which requests, and how often."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import ConfigError
from .request import reread
from .state import Row
from .switches import MATCH, matches

KINDS = {
    "drop_before": "nothing is done, and the connection is dropped",
    "drop_after": "it is done, and the connection is dropped",
    "status": "this status is answered, and nothing is done",
    "status_after": "it is done, and this status is answered",
    "delay": "it is done so many seconds later",
    "truncate": "it is done, and half of the answer is sent",
    "garbage": "it is done, and a page of HTML is answered with 200",
    "late_commit": "the connection is dropped, and it is done so many seconds later",
    "drop_fields": "these fields of the body are lost, and the rest is done",
    "alter_fields": "these fields of the body are changed, and it is done so",
}


@dataclass
class Fault:
    """One fault. `match` is as "POST /tickets/*/comment", relative to /api/v1; a * stands for one part of the path."""

    match: str
    kind: str
    status: int = 503
    seconds: float = 1.0
    times: int | None = 1  # None: for ever
    skip: int = 0  # so many requests that match pass unharmed first
    fields: list[str] | dict[str, Any] = field(default_factory=list)

    def strikes(self, operation: str) -> bool:
        """Whether this request is hit; counts it."""
        if self.times == 0 or not matches(self.match, operation):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def bent(self, body: Row) -> Row:
        """The body of the request as the account gets it."""
        if self.kind == "drop_fields":
            return {name: value for name, value in body.items() if name not in self.fields}
        if self.kind == "alter_fields" and isinstance(self.fields, dict):
            return {**body, **reread(self.fields)}
        return body


def read_faults(data: object) -> list[Fault]:
    """Faults from JSON: one, or a list of them. ConfigError says which value cannot be."""
    return [_read_fault(one) for one in (data if isinstance(data, list) else [data])]


def as_json(fault: Fault) -> dict[str, Any]:
    """The form from which `read_faults` makes it again."""
    return asdict(fault)


def _read_fault(data: object) -> Fault:
    if not isinstance(data, Mapping):
        raise ConfigError("a fault is an object")
    unknown = data.keys() - Fault.__dataclass_fields__.keys()
    if unknown:
        raise ConfigError(f"a fault has no {min(map(str, unknown))[:40]!r}")
    if not isinstance(data.get("kind"), str) or data["kind"] not in KINDS:
        raise ConfigError(f"a fault's kind is one of {', '.join(KINDS)}")
    if not re.fullmatch(MATCH, str(data.get("match"))):
        raise ConfigError('a fault\'s match is as "POST /tickets/*/comment"')
    fault = Fault(**{str(name): value for name, value in data.items()})
    for name, low, high in (("status", 200, 599), ("times", 0, 10**9), ("skip", 0, 10**9)):
        value = getattr(fault, name)
        if not (name == "times" and value is None) and (type(value) is not int or not low <= value <= high):
            raise ConfigError(f"a fault's {name} is a whole number from {low} to {high}")
    if type(fault.seconds) not in (int, float) or not 0 <= fault.seconds <= 86_400:
        raise ConfigError("a fault's seconds are a number from 0 to 86400")
    if not isinstance(fault.fields, dict if fault.kind == "alter_fields" else list):
        raise ConfigError("a fault's fields are a list of names, or for alter_fields an object")
    return fault
