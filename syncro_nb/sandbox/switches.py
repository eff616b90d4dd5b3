"""What differs between Syncro accounts, or what nobody could find out: one switch for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ..errors import ConfigError
from ..money import exact

MATCH = r"[A-Z]+ /\S*"  # requests, as "POST /tickets/*/comment", relative to /api/v1
PROFILES = ("2026-fall", "2026-04")
AREAS = (
    "asset",
    "contract",
    "customer",
    "estimate",
    "global_admin",
    "invoice",
    "payment",
    "product",
    "schedule",
    "ticket",
    "timelog",
    "timer",
)
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
STATUSES = (
    "New",
    "In Progress",
    "Waiting on Customer",
    "Waiting for Parts",
    "Waiting on Vendor",
    "Scheduled",
    "Customer Reply",
    "Resolved",
    "Invoiced",
    "Closed",
)


@dataclass(frozen=True)
class Switches:
    """The settings of an account, and the ways in which Syncro accounts have been seen to differ."""

    spec_profile: str = "2026-fall"  # "2026-04": times in UTC, date-times on invoices, fewer keys and filters
    time_zone: str = "America/Los_Angeles"
    page_sizes: Mapping[str, int] = field(default_factory=dict)  # rows per page, by list: {"tickets": 25}
    denied: tuple[str, ...] = ()  # areas that the key may not use: "invoice", or one verb of it: "invoice.write"
    invoice_rows_with_ticket_id: bool = True
    charge_link_in_response: bool = False  # does the answer to a charge name the new line item?
    double_charge: str = "duplicate"  # or "404"
    invoice_create_line_items: str = "honour"  # or "ignore": line_items in POST /invoices
    timer_billable: str = "ignore"  # or "honour": billable in POST timer_entry
    timer_billable_default: bool = True
    rate_limit: tuple[int, float] | None = None  # requests, seconds
    retry_after: bool = True  # does a 429 say how long to wait?
    list_lag: float = 0  # seconds by which lists lag behind; details never do
    dropped_fields: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # {"POST /tickets/*/comment": ["hidden"]}
    prepaid_draws: bool = True  # does labour of a customer with prepaid hours cost nothing and draw them?
    date_format: str = "mm-dd-yy"  # as GET /settings names it
    statuses: tuple[str, ...] = STATUSES
    tax_rates: Mapping[str, str] = field(default_factory=lambda: {"21746": "8.7"})  # per cent, by tax_rate_id
    business_hours: Mapping[str, tuple[str, str]] = field(
        default_factory=lambda: dict.fromkeys(DAYS[1:6], ("08:00", "17:00"))  # a day left out is closed
    )

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not _fits(one.name, value):
                raise ConfigError(f"the sandbox's switch {one.name} cannot be {str(value)[:80]!r}")

    @property
    def autumn(self) -> bool:
        """Whether answers look as in the document of autumn 2026."""
        return self.spec_profile == "2026-fall"

    @property
    def zone(self) -> ZoneInfo:
        """The account's time zone."""
        return ZoneInfo(self.time_zone)

    def tax_rate(self, tax_rate_id: int | None) -> Decimal:
        """The rate in per cent; 0 for a customer without one."""
        return exact(self.tax_rates.get(str(tax_rate_id), "0"))

    def denies(self, area: str, verb: str) -> bool:
        """Whether the key lacks the permission to read, write or delete in this area."""
        return area in self.denied or f"{area}.{verb}" in self.denied

    def drops(self, operation: str) -> set[str]:
        """The fields of the body that are lost with this operation, whatever they hold."""
        return {name for match, names in self.dropped_fields.items() if matches(match, operation) for name in names}

    def changed(self, values: Mapping[str, Any]) -> Switches:
        """These switches with some set anew, from JSON; ConfigError names one that does not exist or cannot be so."""
        if not isinstance(values, Mapping):
            raise ConfigError("the sandbox's switches are an object of names and values")
        unknown = values.keys() - {one.name for one in fields(self)}
        if unknown:
            raise ConfigError(f"the sandbox has no switch {min(unknown)[:40]!r}")
        return replace(self, **{name: _frozen(value) for name, value in values.items()})


def matches(match: str, operation: str) -> bool:
    """Whether "POST /tickets/7/comment" is meant by "POST /tickets/*/comment": a * stands for one part of the path."""
    return re.fullmatch("[^/]+".join(re.escape(part) for part in match.split("*")), operation) is not None


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return {key: _frozen(one) for key, one in value.items()} if isinstance(value, Mapping) else value


def _fits(name: str, value: Any) -> bool:
    try:
        check = _CHECKS.get(name)
        return check(value) if check else isinstance(value, bool)
    except (TypeError, ValueError, KeyError, AttributeError, OSError):
        return False


def _is_zone(value: Any) -> bool:
    return isinstance(value, str) and bool(ZoneInfo(value))  # an unknown zone raises a KeyError


def _is_positive(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 < value < 1_000_000_000


def _is_time(value: Any) -> bool:
    hour, minute = value.split(":")
    return len(value) == 5 and 0 <= int(hour) <= 24 and 0 <= int(minute) < 60


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "spec_profile": lambda value: value in PROFILES,
    "time_zone": _is_zone,
    "page_sizes": lambda value: all(isinstance(size, int) and _is_positive(size) for size in value.values()),
    "denied": lambda value: (
        not isinstance(value, str)
        and all(
            one.split(".")[0] in AREAS and one.split(".")[1:] in ([], ["read"], ["write"], ["delete"]) for one in value
        )
    ),
    "double_charge": lambda value: value in ("duplicate", "404"),
    "invoice_create_line_items": lambda value: value in ("honour", "ignore"),
    "timer_billable": lambda value: value in ("honour", "ignore"),
    "rate_limit": lambda value: (
        value is None or (len(value) == 2 and isinstance(value[0], int) and all(map(_is_positive, value)))
    ),
    "list_lag": lambda value: value == 0 or _is_positive(value),
    "dropped_fields": lambda value: all(
        re.fullmatch(MATCH, match) and not isinstance(names, str) and all(isinstance(one, str) for one in names)
        for match, names in value.items()
    ),
    "date_format": lambda value: isinstance(value, str),
    "statuses": lambda value: isinstance(value, list | tuple) and all(isinstance(one, str) for one in value),
    "tax_rates": lambda value: all(isinstance(rate, str) and 0 <= exact(rate) < 100 for rate in value.values()),
    "business_hours": lambda value: all(
        day in DAYS and len(hours) == 2 and all(map(_is_time, hours)) for day, hours in value.items()
    ),
}
