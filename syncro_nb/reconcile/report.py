"""What a reconciliation came to: findings with every dollar claimed once, what was not evaluated, totals, and how old it is.

`reconcile` asks every rule, weighs what they found against each other (S1 before S2 before S3, then the order of the rules),
and keeps what lies in the period. All of the books are looked at whatever the period is, so that the same dollar goes to
the same finding in every period, and the periods of a year have between them what the year has.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from .. import frames
from ..errors import InputError
from ..money import format_cents
from ..tables import DAY, Column
from .finding import DIRECTIONS, Finding, Found, Hit, NotEvaluated, Proofs, key_of, plain, totals

if TYPE_CHECKING:
    import pandas as pd

    from ..books import Books
    from ..config import House
    from .inputs import Inputs
    from .registry import Rule

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

    def __repr__(self) -> str:
        sums = [f"{name.removesuffix('_cents')} {format_cents(cents)}" for name, cents in self.totals.items() if cents]
        left = sorted({one.rule for one in self.not_evaluated})
        said = f"<{len(self.findings)} findings: {', '.join(sums)}" if sums else f"<{len(self.findings)} findings"
        return f"{said}; {len(left)} rules not evaluated, or not on every record>" if left else f"{said}>"

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
        """The document of `reconcile --json` (docs/command-line.md)."""
        return {
            "from": self.from_.isoformat() if self.from_ else None,
            "to": self.to.isoformat() if self.to else None,
            "as_of": self.as_of.isoformat(),
            "findings": [one.as_json() for one in self.findings],
            "not_evaluated": [one.as_json() for one in self.not_evaluated],
            "totals": self.totals,
        }

    def by(self, *names: str) -> pd.DataFrame:
        """Findings and cents by columns of FINDINGS and direction: "rule", "customer", "technician", ...; large sums first.

        Directions have columns of their own (`leak_cents`, `over_cents`, ...) and are never netted.
        """
        import pandas as pd

        rows = self.frame()
        listed = [name for name in DIRECTIONS if name != "none"]
        sums = pd.DataFrame(
            {f"{name}_cents": rows["amount_cents"].where(rows["direction"] == name, 0) for name in listed}
        )
        table = pd.concat([rows[list(names)].astype("str"), sums], axis=1).assign(findings=1)
        added = table.groupby(list(names), as_index=False).sum()
        added["most"] = added[list(sums)].sum(axis=1)
        added = added.sort_values(["most", "findings", *names], ascending=[False, False, *[True] * len(names)])
        columns = [*names, "findings", *sums]
        return added[columns].astype(dict.fromkeys(columns[len(names) :], "int64")).reset_index(drop=True)

    @property
    def has_data(self) -> bool:
        """Whether there was anything in the period to look at. Without it, nothing is clear."""
        return any(self.rows.values())

    def text(self) -> list[str]:
        """For people: by rule with count and dollars, what was not evaluated, totals, and how old it is."""
        from .printed import text

        return text(self)[0]


# ---------------------------------------------------------------- making it


def end_of(day: date, zone: Any) -> datetime:
    """The instant at which a day ends in a time zone."""
    return datetime.combine(day + timedelta(days=1), time(0), zone).astimezone(UTC)


def end_of_last_month(books: Books) -> date:
    """The last day of the calendar month before that of the books, in the account's zone."""
    return books.as_of.astimezone(books.zone).date().replace(day=1) - timedelta(days=1)


def reconcile(
    books: Books,
    house: House,
    *,
    from_: date | None = None,
    to: date | None = None,
    ledger: pd.DataFrame | None = None,
    proved: Iterable[int] = (),
    rules: Collection[str] | None = None,
    site: str | None = None,
) -> Report:
    """Evaluate the rules (all, or these) on the books. Nothing is read from Syncro.

    `to` sets the cut-off (the end of that day; without it the end of the last calendar month): work up to it is leak, later
    work timing. With `from_` and `to` only what lies between is in the report; with `from_` alone, all from that day on.
    `ledger` is the accounting export as ledger.LEDGER, `proved` the ids of tickets whose invoices were read live,
    `site` the account's address, by which the evidence has a link to each record. Raises
    InputError for a period that ends before it begins, and for a rule that there is not.
    """
    import pandas as pd

    from .inputs import Inputs
    from .registry import ORDER, evaluate, every_rule

    if from_ and to and to < from_:
        raise InputError(f"the period ends ({to}) before it begins ({from_})")
    every = every_rule()
    unknown = sorted(set(rules or ()) - set(ORDER))
    if unknown:
        raise InputError(f"there is no rule {unknown[0]!r}; known: {', '.join(ORDER)}")
    cut_off = end_of(to or end_of_last_month(books), books.zone)
    period = _Period(from_, to if from_ else None)
    asked = [one for name, one in every.items() if rules is None or name in rules]
    bounds = (pd.Timestamp(from_) if from_ else None, pd.Timestamp(to) if from_ and to else None)
    inputs = Inputs(books, house, cut_off, ledger, frozenset(proved), bounds)
    found: list[tuple[Rule, Found]] = []
    not_evaluated: list[NotEvaluated] = []
    for one in asked:
        result, notes = evaluate(one, inputs)
        not_evaluated += notes
        if result is not None:
            found.append((one, result))
            not_evaluated += [
                NotEvaluated(one.name, lack.reason, count)
                for lack in result.lacks
                if (count := period.count(lack.on, lack.records)) != 0
            ]
    weighed = weigh((one, hit) for one, result in found for hit in result.hits)
    findings = _named([(one, hit) for one, hit in weighed if period.has(hit.on)], inputs, site)
    undated = Counter(one.name for one, hit in weighed if not hit.on and not period.has(hit.on))
    no_day = "the record has no date, so it lies in no period"
    not_evaluated += [NotEvaluated(name, no_day, count) for name, count in undated.items()]
    proofs = Proofs()
    for _, result in found:
        proofs = proofs | result.proofs
    return Report(
        findings=tuple(findings),
        not_evaluated=tuple(not_evaluated),
        as_of=books.as_of,
        cut_off=cut_off,
        from_=from_,
        to=to,
        proofs_wanted=proofs,
        rows=_rows(books, period),
    )


@dataclass(frozen=True)
class _Period:
    """Days from one to another, both included; None: open on that side."""

    first: date | None
    last: date | None

    def has(self, day: str) -> bool:
        """Whether a day ("2026-02-17") lies in it; what has no day is in no period that has a beginning."""
        if not day:
            return self.first is None
        return not (self.first and day < self.first.isoformat()) and not (self.last and day > self.last.isoformat())

    def count(self, days: Any, records: int | None) -> int | None:
        """How many of these days lie in it; `records` where the days are not told."""
        if days is None or (self.first is None and self.last is None):
            return records
        return int(self.inside(days).sum())

    def inside(self, days: Any) -> Any:
        """Which days of a column lie in it; those that are absent do."""
        import pandas as pd

        chosen = pd.Series(True, index=days.index)
        if self.first:
            chosen &= ~(days < pd.Timestamp(self.first))
        if self.last:
            chosen &= ~(days > pd.Timestamp(self.last))
        return chosen


def weigh(hits: Iterable[tuple[Rule, Hit]]) -> list[tuple[Rule, Hit]]:
    """The hits of all rules with every dollar claimed once, by severity and then in the order of the rules.

    A hit whose dollar another rule has is left out, and named under `also` of the one that stands; of a hit that consists of
    several dollars only those are taken away. A hit of no amount claims nothing, and stands beside the others.
    """
    ordered = sorted(hits, key=lambda pair: (pair[1].severity, pair[0].place))
    owners: dict[str, int] = {}
    kept: list[tuple[Rule, Hit]] = []
    also: dict[int, list[str]] = defaultdict(list)
    for one, hit in ordered:
        if hit.amount_cents:
            others = _taken(hit.claims, owners, kept, one)
            if others:
                _name(also, others, one)
                continue
            if hit.parts is not None:
                left = [part for part in hit.parts if not _taken(part[:1], owners, kept, one)]
                gone = _taken((name for name, _ in hit.parts), owners, kept, one)
                _name(also, gone, one)
                if not any(cents for _, cents in left):
                    continue
                if len(left) < len(hit.parts):
                    lost = sorted({kept[place][0].name for place in gone})
                    facts = {**hit.evidence, "without": lost, "whole_cents": hit.amount_cents}
                    amount = sum(cents for _, cents in left)
                    hit = replace(hit, amount_cents=amount, parts=tuple(left), evidence=facts)
            for token in (*hit.claims, *(name for name, _ in hit.parts or ())):
                owners.setdefault(token, len(kept))
        kept.append((one, hit))
    return [
        (one, replace(hit, evidence={**hit.evidence, "also": also[place]}) if place in also else hit)
        for place, (one, hit) in enumerate(kept)
    ]


def _taken(tokens: Iterable[str], owners: Mapping[str, int], kept: list[tuple[Rule, Hit]], one: Rule) -> list[int]:
    """Which hits of other rules have these dollars."""
    places = dict.fromkeys(owners[token] for token in tokens if token in owners)
    return [place for place in places if kept[place][0] is not one]


def _name(also: dict[int, list[str]], places: Iterable[int], one: Rule) -> None:
    for place in places:
        if one.name not in also[place]:
            also[place].append(one.name)


def _named(weighed: list[tuple[Rule, Hit]], inputs: Inputs, site: str | None) -> list[Finding]:
    """Hits as findings: ticket and invoice by the numbers that people see, customer and technician by name."""
    import pandas as pd

    from .. import terms

    books = inputs.books

    def ids_of(name: str) -> pd.Series:
        return pd.Series([getattr(hit, name) for _, hit in weighed], dtype="Int64")

    invoices = books.table("invoices", ["invoice_id", "number", "ticket_id", "customer_id", "customer"])
    tickets = books.table("tickets", ["ticket_id", "number", "customer", "customer_id"])
    customers = books.table("customers", ["customer_id", "name"])
    names = {"number": "number", "ticket_id": "ticket_id", "customer": "customer", "customer_id": "customer_id"}
    invoice = terms.look_up(ids_of("invoice_id"), invoices, "invoice_id", names)
    # The ledger knows invoices, and nothing of tickets.
    of_books = pd.Series([one.name == "ledger-difference" for one, _ in weighed], dtype="bool")
    ticket_ids = ids_of("ticket_id").fillna(invoice["ticket_id"]).mask(of_books)
    names.pop("ticket_id")
    ticket = terms.look_up(ticket_ids, tickets, "ticket_id", names)
    customer_ids = ids_of("customer_id").fillna(ticket["customer_id"]).fillna(invoice["customer_id"])
    customer = terms.look_up(customer_ids, customers, "customer_id", {"name": "name"})["name"]
    technicians = terms.technician(ids_of("user_id"), books).tolist()
    # As lists: to take one value after the other out of a column costs more than all of the rest.
    listed = zip(
        weighed,
        *(plain(one) for one in (ticket_ids, customer_ids, ticket["number"])),
        *(plain(one) for one in (ticket["customer"], invoice["customer"], customer, invoice["number"])),
        technicians,
        strict=True,
    )
    findings = []
    for (one, hit), ticket_id, customer_id, number, of_ticket, of_invoice, name, invoice_number, technician in listed:
        facts = dict(hit.evidence)
        if ticket_id is not None:
            facts["ticket_id"] = ticket_id
        if customer_id is not None:
            facts["customer_id"] = customer_id
        if site:
            known = {name: facts.get(f"{name}_id") for name in ("ticket", "invoice", "customer")}
            facts["links"] = {name: f"{site}/{name}s/{one}" for name, one in known.items() if one is not None}
        findings.append(
            Finding(
                rule=one.name,
                severity=hit.severity,
                direction=hit.direction,
                amount_cents=hit.amount_cents,
                exact=hit.exact,
                customer=hit.customer or of_ticket or of_invoice or name or "",
                ticket=number,
                invoice=_number(hit.invoice or invoice_number),
                key=key_of(one.name, *hit.about),
                message=hit.message,
                evidence=facts,
                technician=technician,
                on=hit.on,
            )
        )
    places = {one.name: one.place for one, _ in weighed}
    return sorted(findings, key=lambda one: (one.severity, places[one.rule], -one.amount_cents, one.key))


def _number(written: str) -> int | str | None:
    """An invoice number as people see it: a whole number where it is one."""
    if not written:
        return None
    plain = written.isascii() and written.isdigit() and (written == "0" or not written.startswith("0"))
    return int(written) if plain and len(written) < 16 else written


def _rows(books: Books, period: _Period) -> dict[str, int]:
    """How many tickets, timers and invoices there are in the period."""
    from .. import terms

    counted = {}
    for name, column in (("tickets", "created_at"), ("timers", "started_at"), ("invoices", "dated_on")):
        days = books.table(name, [column])[column]
        days = days if column == "dated_on" else terms.local_day(days, books.zone)
        counted[name] = int((period.inside(days) & days.notna()).sum())
    return counted
