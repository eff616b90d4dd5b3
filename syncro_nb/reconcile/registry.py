"""The rules by name, and how each gets what it reads.

A rule is a function whose parameter names are the frames and settings that it reads (`inputs.py` lists them); it returns
`Found`, and the first sentence of its docstring is what the analyst sees. The registry passes what it asks for. Where an
input was never read, or one that must be whole (absence is concluded from it) has a gap, the rule is *not evaluated*, with
the reason and how many records that concerns; a gap in any other input is reported beside the findings of the rest.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .finding import Found, NotEvaluated
from .inputs import Absent, Inputs

# Their order: of two rules of one severity that claim the same dollar, the first stands.
ORDER = (
    *("resolved-no-time", "timer-running", "timer-overlap", "timer-implausible", "late-entry", "note-blank"),
    *("work-without-time", "timer-uncharged", "charged-no-line", "double-charge", "line-no-timer"),
    *("quantity-vs-timer", "rounding-policy", "rate-drift", "zero-line", "after-hours-at-standard"),
    *("after-hours-stacked", "unexplained-non-billable", "covered-but-charged", "travel-missing", "below-cost"),
    *("pending-stale", "invoiced-unproven", "invoiced-but-open", "duplicate-invoice", "invoice-vs-ticket"),
    *("invoice-arithmetic", "empty-invoice", "tax", "recurring-missed", "no-path-to-bill", "contract-vs-schedule"),
    *("block-draw", "block-on-free-work", "cash-while-block", "block-low"),
    *("paid-flags", "ledger-difference", "receivable-overdue", "cut-off"),
)
STARRED = frozenset(
    (
        *("resolved-no-time", "timer-running", "timer-uncharged", "charged-no-line", "double-charge"),
        *("quantity-vs-timer", "rate-drift", "zero-line", "after-hours-at-standard", "unexplained-non-billable"),
        *("pending-stale", "invoiced-unproven", "duplicate-invoice", "invoice-vs-ticket", "tax", "recurring-missed"),
        *("no-path-to-bill", "block-draw", "block-on-free-work", "paid-flags", "ledger-difference"),
    )
)


@dataclass(frozen=True)
class Rule:
    """A rule: its function, its usual severity, what it reads, and which tables must be whole for it to speak at all.

    `says`: tables whose gaps it reports itself, record by record.
    """

    name: str
    severity: str
    function: Callable[..., Found]
    reads: tuple[str, ...]
    whole: tuple[str, ...] = ()
    says: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """What it looks for, in a sentence: the first of its docstring."""
        text = " ".join((self.function.__doc__ or "").split())
        return text.split(". ")[0].rstrip(".") + "."

    @property
    def place(self) -> int:
        """Its place in the order of the rules."""
        return ORDER.index(self.name)


RULES: dict[str, Rule] = {}


def rule(
    name: str, severity: str, *, whole: Iterable[str] = (), says: Iterable[str] = ()
) -> Callable[[Callable[..., Found]], Callable[..., Found]]:
    """Register a rule. `whole`: the tables in which a gap makes every finding doubtful; `says`: see Rule."""

    def register(function: Callable[..., Found]) -> Callable[..., Found]:
        reads = tuple(inspect.signature(function).parameters)
        RULES[name] = Rule(name, severity, function, reads, tuple(whole), tuple(says))
        return function

    return register


def every_rule() -> Mapping[str, Rule]:
    """All rules, in their order."""
    from . import bills, cash, charges, entries, invoices, lines, prepaid, time  # noqa: F401 - they register themselves

    return {name: RULES[name] for name in ORDER if name in RULES}


def evaluate(one: Rule, inputs: Inputs) -> tuple[Found | None, list[NotEvaluated]]:
    """What a rule found (None: it could not be evaluated at all), and what it could not look at."""
    tables = inputs.tables_of(one.reads)
    missing = [name for name in sorted(tables) if name not in inputs.books.known]
    if missing:
        reasons = {gap.reason for gap in inputs.books.gaps if gap.table in missing}
        said = f"{_listed(missing)} could not be read" + (f": {'; '.join(sorted(reasons))}" if reasons else "")
        return None, [NotEvaluated(one.name, said, inputs.subjects(one.reads))]
    # Which ticket an invoice belongs to concerns a few rules, and each of them says it of the records that it means.
    gaps = [one for one in inputs.books.gaps_of(*sorted(tables)) if not (one.table == "invoices" and one.of_details)]
    torn = [gap for gap in gaps if gap.table in one.whole]
    if torn:
        said = "; ".join(sorted({f"{_shown(gap.table)} are incomplete: {gap.reason}" for gap in torn}))
        return None, [NotEvaluated(one.name, said, inputs.subjects(one.reads))]
    notes = [
        NotEvaluated(one.name, f"{_shown(gap.table)}: {gap.reason}", gap.records)
        for gap in gaps
        if gap.table not in one.says
    ]
    try:
        arguments: dict[str, Any] = {name: inputs.get(name) for name in one.reads}
    except Absent as absent:
        return None, [NotEvaluated(one.name, str(absent), inputs.subjects(one.reads))]
    return one.function(**arguments), notes


def _shown(table: str) -> str:
    return {"charges": "ticket lines", "invoice_lines": "invoice lines", "schedule_lines": "schedule lines"}.get(
        table, table
    )


def _listed(names: Iterable[str]) -> str:
    return " and ".join(_shown(name) for name in names)
