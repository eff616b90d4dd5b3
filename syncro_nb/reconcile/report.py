"""What a reconciliation came to: findings with every dollar claimed once, what was not evaluated, totals, and how old it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from .. import frames
from ..tables import DAY, Column
from .finding import Finding, NotEvaluated, Proofs, totals

if TYPE_CHECKING:
    import pandas as pd

FINDINGS = {
    "rule": Column("category", "name of the rule"),
    "severity": Column("category", "S1 wrong now, S2 lost when the period closes, S3 review, S4 hygiene"),
    "direction": Column("category", "leak, over, timing, cash or none; never netted against another"),
    "amount_cents": Column("int64", "how much, in cents; 0 where no money is concerned"),
    "exact": Column("bool", "the amount is exact; else it is an estimate"),
    "customer": Column("str", "customer"),
    "ticket": Column("Int64", "ticket number"),
    "invoice": Column("str", "invoice number; empty: none"),
    "technician": Column("str", "whom it concerns; empty: nobody in particular"),
    "on": Column(DAY, "the day it belongs to"),
    "key": Column("str", "fingerprint, the same from run to run"),
    "message": Column("str", "what was found, in a sentence"),
    "also": Column("str", "other rules that would have claimed the same dollars, separated by commas"),
}


@dataclass(frozen=True)
class Report:
    """A reconciliation. `from_` and `to` None: everything up to `as_of`; work after `cut_off` is timing, not leak.

    `findings` come by severity, then in the order of the rules, then large amounts first. `rows` counts what there was to
    look at in the period (tickets, timers, invoices): where that is nothing, nothing can be clear.
    """

    findings: tuple[Finding, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    as_of: datetime
    cut_off: datetime
    from_: date | None = None
    to: date | None = None
    proofs_wanted: Proofs = Proofs()
    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def totals(self) -> dict[str, int]:
        """Cents by direction."""
        return totals(self.findings)

    def frame(self) -> pd.DataFrame:
        """The findings as FINDINGS, in their order."""
        return frames.frame(
            FINDINGS,
            (
                (
                    *(one.rule, one.severity, one.direction, one.amount_cents, one.exact, one.customer, one.ticket),
                    *("" if one.invoice is None else str(one.invoice), one.technician, one.on or None, one.key),
                    *(one.message, ", ".join(one.evidence.get("also", ()))),
                )
                for one in self.findings
            ),
        )

    def as_json(self) -> dict[str, Any]:
        """INTERFACE's document of `reconcile --json`."""
        return {
            "from": self.from_.isoformat() if self.from_ else None,
            "to": self.to.isoformat() if self.to else None,
            "as_of": self.as_of.isoformat(),
            "findings": [one.as_json() for one in self.findings],
            "not_evaluated": [one.as_json() for one in self.not_evaluated],
            "totals": self.totals,
        }
