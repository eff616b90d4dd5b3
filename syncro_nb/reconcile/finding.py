"""What a rule has to say: a finding, what it could not look at, and what it wants to have read before it speaks.

A rule hands back `Found`: its hits (made of the rows of a frame by `hits`), the records that it could not evaluate (`Lack`) and
those whose detail would have to be read live (`Proofs`). The report weighs the hits against each other and makes `Finding`s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..escape import line

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
        """As in the document's `findings`; the technician and the day stand in the evidence."""
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
        """As in the document's `not_evaluated`."""
        return {"rule": self.rule, "reason": self.reason, "records": self.records}


def by_reason(gaps: Iterable[NotEvaluated]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What could not be looked at, for people: each reason once, with how many records, and the rules that it silences."""
    silenced: dict[tuple[str, int | None], list[str]] = {}
    for gap in gaps:
        silenced.setdefault((gap.reason, gap.records), []).append(gap.rule)
    for (reason, records), rules in silenced.items():
        count = "" if records is None else f" ({records:,} record{'' if records == 1 else 's'})"
        yield f"{line(reason)}{count}", tuple(dict.fromkeys(rules))


@dataclass(frozen=True)
class Proofs:
    """Records whose detail has to be read live before a rule may say that something is absent: ticket ids, invoice ids."""

    tickets: frozenset[int] = frozenset()
    invoices: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.tickets) + len(self.invoices)

    @property
    def requests(self) -> int:
        """How many requests it takes at least: a ticket, and the invoices that may be its."""
        return 2 * len(self.tickets) + len(self.invoices)

    def __or__(self, other: Proofs) -> Proofs:
        return Proofs(self.tickets | other.tickets, self.invoices | other.invoices)


@dataclass(frozen=True)
class Lack:
    """Records that a rule left out: why, how many, and on which days they lie (None: they count in every period)."""

    reason: str
    records: int | None
    on: Any = None


@dataclass(frozen=True)
class Hit:
    """One row of what a rule found, before the report weighs it. Ids are Syncro's own; `about` makes the key.

    `claims` names the dollars that it speaks of ("timer:17", "line:4"); if an earlier rule has one of them, this hit is left
    out. With `parts` (dollar, cents, and so on for each) it only loses those, and keeps the rest of its amount.
    """

    severity: str
    direction: str
    amount_cents: int
    exact: bool
    about: tuple[object, ...]
    message: str
    evidence: dict[str, Any]
    claims: tuple[str, ...] = ()
    parts: tuple[tuple[str, int], ...] | None = None
    ticket_id: int | None = None
    invoice_id: int | None = None
    customer_id: int | None = None
    user_id: int | None = None
    customer: str = ""
    invoice: str = ""
    on: str = ""


@dataclass(frozen=True)
class Found:
    """What one rule came to: its hits, what it left out, and what it would have to have read live."""

    hits: list[Hit] = field(default_factory=list)
    lacks: tuple[Lack, ...] = ()
    proofs: Proofs = Proofs()

    def __add__(self, other: Found) -> Found:
        return Found(self.hits + other.hits, self.lacks + other.lacks, self.proofs | other.proofs)


Words = Callable[[Mapping[str, Any]], str]


def hits(
    rows: pd.DataFrame,
    *,
    about: Sequence[str],
    message: Words,
    severity: Any,
    direction: Any = "leak",
    amount: Any = 0,
    exact: Any = True,
    on: str | None = None,
    evidence: Sequence[str] = (),
    claims: Mapping[str, str] | None = None,
    parts: Any = None,
    fixed: Mapping[str, Any] | None = None,
) -> list[Hit]:
    """Rows as hits. `about` and `evidence` name columns, `on` the column of the day; `claims` is dollar: column of ids.

    `severity`, `direction`, `amount` and `exact` are one value or a column of values. The evidence holds the ids, too.
    """
    if not len(rows):
        return []
    shared = [name for name in ("ticket_id", "invoice_id", "customer_id", "user_id") if name in rows]
    named = dict.fromkeys([*shared, *about, *evidence])
    columns: dict[str, list[Any]] = {name: plain(rows[name]) for name in named if name in rows}
    severities, directions, amounts, exacts = (
        _each(value, len(rows)) for value in (severity, direction, amount, exact)
    )
    days = [one[:10] if one else "" for one in plain(rows[on])] if on else [""] * len(rows)
    tokens = [(prefix, columns.get(column) or plain(rows[column])) for prefix, column in (claims or {}).items()]
    nothing = [""] * len(rows)
    customers, invoices = (plain(rows[name]) if name in rows else nothing for name in ("customer", "invoice"))
    found = []
    for place in range(len(rows)):
        facts = {name: values[place] for name, values in columns.items() if values[place] is not None}
        facts |= fixed or {}
        found.append(
            Hit(
                severity=severities[place],
                direction=directions[place],
                amount_cents=int(amounts[place]),
                exact=bool(exacts[place]),
                about=tuple(columns[name][place] for name in about),
                message=message(facts),
                evidence={name: value for name, value in facts.items() if name != "user_id"},
                claims=tuple(f"{prefix}:{ids[place]}" for prefix, ids in tokens if ids[place] is not None),
                parts=None if parts is None else tuple(parts[place]),
                on=days[place],
                customer=customers[place] or "",
                invoice=invoices[place] or "",
                **{name: columns[name][place] for name in shared},
            )
        )
    return found


def plain(column: Any) -> list[Any]:
    """A column as Python's own values, None for what is absent; times as text."""
    import pandas as pd

    if str(column.dtype).startswith("datetime64"):
        return [None if one is pd.NaT else one.isoformat() for one in column]
    values = column.astype(object).tolist()
    return [None if one is None or one is pd.NA or one != one else one for one in values]


def _each(value: Any, count: int) -> list[Any]:
    if isinstance(value, str | bool | int):
        return [value] * count
    return list(value.tolist() if hasattr(value, "tolist") else value)


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
