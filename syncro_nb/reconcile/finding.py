"""What a rule has to say: a finding, what it could not look at, and what it wants to have read before it speaks.

A rule hands back `Found`: a frame with one row for each finding (built with `found`), the records that it could not evaluate
(`Lack`) and those whose detail would have to be read live (`Proofs`). The report makes `Finding`s of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

SEVERITIES = ("S1", "S2", "S3", "S4")
DIRECTIONS = ("leak", "over", "timing", "cash", "none")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or may be. `amount_cents` is never negative: `direction` says which way it goes.

    `ticket` and `invoice` are the numbers that people see, `on` the day it belongs to ("2026-02-17", empty: no day), `key`
    the fingerprint that a decision is remembered by. `evidence` holds ids, fields and arithmetic; its `also` names the rules
    that would have claimed the same dollars. `technician` is empty where nobody in particular is concerned.
    """

    rule: str
    severity: str
    direction: str
    amount_cents: int
    exact: bool
    customer: str
    ticket: int | None
    invoice: int | str | None
    key: str
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    technician: str = ""
    on: str = ""

    def as_json(self) -> dict[str, Any]:
        """As INTERFACE's `findings`; the technician and the day stand in the evidence."""
        more = {name: value for name, value in (("technician", self.technician), ("on", self.on)) if value}
        return {
            "rule": self.rule,
            "severity": self.severity,
            "direction": self.direction,
            "amount_cents": self.amount_cents,
            "exact": self.exact,
            "customer": self.customer,
            "ticket": self.ticket,
            "invoice": self.invoice,
            "key": self.key,
            "message": self.message,
            "evidence": {**self.evidence, **more},
        }


@dataclass(frozen=True)
class NotEvaluated:
    """What a rule could not look at: why, and how many records (None: nobody can say)."""

    rule: str
    reason: str
    records: int | None

    def as_json(self) -> dict[str, Any]:
        """As INTERFACE's `not_evaluated`."""
        return {"rule": self.rule, "reason": self.reason, "records": self.records}


@dataclass(frozen=True)
class Proofs:
    """Records whose detail has to be read live before a rule may say that something is absent: ticket ids, invoice ids."""

    tickets: frozenset[int] = frozenset()
    invoices: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.tickets) + len(self.invoices)

    def __or__(self, other: Proofs) -> Proofs:
        return Proofs(self.tickets | other.tickets, self.invoices | other.invoices)


@dataclass(frozen=True)
class Lack:
    """Records that a rule left out: why, how many, and on which days (None: they count in every period)."""

    reason: str
    records: int | None
    on: pd.Series | None = None


@dataclass(frozen=True)
class Found:
    """What one rule came to. `rows` is made by `registry.rows`."""

    rows: pd.DataFrame
    lacks: tuple[Lack, ...] = ()
    proofs: Proofs = Proofs()


def key_of(rule: str, *ids: object) -> str:
    """The fingerprint of a finding: the rule and the ids that it is about, and nothing that changes from day to day."""
    written = "|".join((rule, *(str(one) for one in ids)))
    return hashlib.sha256(written.encode()).hexdigest()[:16]


def totals(findings: Iterable[Finding]) -> dict[str, int]:
    """Cents by direction, never netted: leak_cents, over_cents, timing_cents, cash_cents."""
    sums = {name: 0 for name in DIRECTIONS if name != "none"}
    for one in findings:
        if one.direction in sums:
            sums[one.direction] += one.amount_cents
    return {f"{name}_cents": cents for name, cents in sums.items()}
