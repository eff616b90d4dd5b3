"""What a shop has agreed on how time becomes money: rounding, agreed rates, coverage, after-hours. Pure values.

Nothing is assumed that a shop has not written down: without a rounding in `syncro.yaml` the billable time is the actual time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from .errors import InputError

REASONS = ("no charge", "courtesy", "goodwill", "warranty", "covered", "non-billable", "internal")
STANDARD_KINDS = ("remote", "onsite", "project", "website")  # sold at the normal price, in and out of hours
FREE_KINDS = ("internal", "warranty")
DEFAULT = "default"
PER, BILL_BY = ("entry", "ticket"), ("timers", "lines")


@dataclass(frozen=True)
class Rounding:
    """A labour kind's minimum and increment in whole minutes; 0 leaves it as it is. Raises InputError."""

    minimum_minutes: int = 0
    increment_minutes: int = 0

    def __post_init__(self) -> None:
        for minutes in (self.minimum_minutes, self.increment_minutes):
            if not isinstance(minutes, int) or minutes < 0:
                raise InputError(f"a rounding has whole minutes, 0 or more, not {str(minutes)[:40]!r}")

    def billable_seconds(self, worked_seconds: int) -> int:
        """max(minimum, worked rounded up to the increment), and 0 for nothing worked."""
        if worked_seconds <= 0:
            return 0
        increment = self.increment_minutes * 60
        rounded = -(-worked_seconds // increment) * increment if increment else worked_seconds
        return max(self.minimum_minutes * 60, rounded)


@dataclass(frozen=True)
class Policy:
    """The shop's policy. Customers and contracts are named by id or by name, both as text; prices are cents an hour.

    `per`: round each "entry" or the sum of a "ticket". `bill_by`: "timers" are charged, or billed as "lines".
    Raises InputError for another word.
    """

    rounding: Mapping[str, Rounding] = field(default_factory=dict)
    per: str = "entry"
    bill_by: str = "timers"
    after_hours_multiplier: Decimal = Decimal("1.5")
    rates: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    block_rates: Mapping[str, int] = field(default_factory=dict)
    contracts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reasons: tuple[str, ...] = REASONS
    travel_wanted: bool = False
    taxable: Mapping[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value, known in (("per", self.per, PER), ("bill_by", self.bill_by, BILL_BY)):
            if value not in known:
                raise InputError(f"{name} is {' or '.join(known)}, not {str(value)[:40]!r}")

    def rounding_of(self, kind: str | None) -> Rounding:
        """The rounding of a labour kind, else the shop's default, else none."""
        return self.rounding.get(kind or DEFAULT) or self.rounding.get(DEFAULT) or Rounding()

    def has_rounding(self, kind: str | None) -> bool:
        """Whether the shop has written down how this kind is rounded."""
        return (kind or DEFAULT) in self.rounding or DEFAULT in self.rounding

    def rate_cents(self, customer_id: int | None, customer: str, kind: str | None) -> int | None:
        """The rate agreed with a customer for a kind, in cents an hour; None: the product's own price holds."""
        agreed = self.rates.get(str(customer_id)) or self.rates.get(customer) or {}
        return agreed.get(kind or "")

    def block_rate_cents(self, customer_id: int | None, customer: str) -> int | None:
        """What an hour of a customer's block is worth, in cents; None: not written down."""
        return self.block_rates.get(str(customer_id), self.block_rates.get(customer))

    def is_taxable(self, kind: str | None) -> bool | None:
        """Whether tax is due on a labour kind, else on labour by default; None: as the product says."""
        return self.taxable.get(kind or DEFAULT, self.taxable.get(DEFAULT))

    def covers(self, contract_id: int | None, name: str, applies_to_all: bool, kind: str | None) -> bool:
        """Whether a contract covers a labour kind: as listed, else all of them if it applies to all, else none."""
        listed = self.contracts.get(str(contract_id), self.contracts.get(name))
        return applies_to_all if listed is None else (kind or "") in listed
