"""A report for people on a terminal: what is open by rule, what was decided, what was not evaluated, and the totals.

Exact and estimated dollars stand apart everywhere: an estimate (a timer that runs for months) must not drown what is known.
"""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import TYPE_CHECKING

from ..money import format_cents
from .finding import DIRECTIONS, Finding, by_reason

if TYPE_CHECKING:
    from .decisions import Decision
    from .report import Report

_TONES = {"S1": "bad", "S2": "warn"}
_OPEN = ("open", "reopened")


def text(
    report: Report, decisions: Iterable[Decision] = (), *, today: date | None = None, zone: tzinfo = UTC
) -> tuple[list[str], dict[int, str]]:
    """A report as lines, and the tones of some of them. With `decisions` those decided stand apart from what is open.

    `today` is the day on which it is read (that of the report without it), `zone` that of the times which it names.
    """
    said: list[str] = [_span(report, zone), ""]
    tones: dict[int, str] = {0: "title"}
    states = _states(report, decisions, today or report.as_of.astimezone(zone).date())
    shown = [one for one in report.findings if states.get(one.key, "open") in _OPEN]
    if not report.has_data:
        said += ["There is no data in this period: no ticket, no timer, no invoice. Nothing can be said of it.", ""]
    elif not shown:
        doubt = ", which is not everything: see below" if report.not_evaluated else ""
        said += [f"No open findings in what was looked at{doubt}.", ""]
    said += _by_rule(shown, tones, len(said))
    reopened = sum(states.get(one.key) == "reopened" for one in shown)
    if reopened:
        said.append(f"  {reopened:,} of these had been decided, and are open again.")
    decided = [one for one in report.findings if states.get(one.key, "open") not in _OPEN]
    if decided:
        said += ["", f"Decided before: {len(decided):,} findings, not counted above"]
        for state in dict.fromkeys(sorted(states[one.key] for one in decided)):
            rows = [one for one in decided if states[one.key] == state]
            said.append(f"  {state:<14}{len(rows):>6}  {_sums(rows)}".rstrip())
    if report.not_evaluated:
        tones[len(said) + 1] = "warn"
        said += ["", "Not evaluated", *_not_evaluated(report)]
    if report.proofs_wanted:
        said.append(
            f"  {len(report.proofs_wanted):,} records would have to be read live to settle some of it "
            f"(at least {report.proofs_wanted.requests:,} requests): add --yes."
        )
    said += ["", *_totals(shown, decided), f"As of {_written(report.as_of, zone)}."]
    return said, tones


def _states(report: Report, decisions: Iterable[Decision], today: date) -> dict[str, str]:
    from .decisions import by_key, standing

    known = by_key(decisions)
    if not known:
        return {}
    found = ((one, known[one.key]) for one in report.findings if one.key in known)
    return {one.key: standing(one, some, as_of=report.as_of, today=today).state for one, some in found}


def _by_rule(shown: Sequence[Finding], tones: dict[int, str], first: int) -> list[str]:
    from .registry import every_rule

    sentences = {name: one.said for name, one in every_rule().items()}
    groups: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for one in shown:
        groups[one.severity, one.rule, one.direction].append(one)
    said: list[str] = []
    for (severity, name, _), rows in groups.items():
        tones[first + len(said)] = _TONES.get(severity, "")
        said.append(f"  {severity}  {name:<26}{len(rows):>6}  {_sums(rows)}".rstrip())
        tones[first + len(said)] = "quiet"
        said.append(f"      {sentences[name]}")
    return said


def _sums(rows: Sequence[Finding]) -> str:
    """Dollars by direction, exact and estimated ones apart: "$1,200.00 leak, and about $90.00 leak"."""
    parts = []
    for direction in DIRECTIONS:
        for exact in (True, False):
            some = [one for one in rows if one.direction == direction and one.exact == exact and direction != "none"]
            if some:
                cents = sum(one.amount_cents for one in some)
                parts.append(f"{'' if exact else 'about '}{format_cents(cents)} {direction}")
    return ", ".join(parts)


def _not_evaluated(report: Report) -> list[str]:
    """Each reason once, and under it the rules that it silences. Where details lack, what reads them."""
    said = []
    for reason, rules in by_reason(report.not_evaluated):
        names = textwrap.wrap(", ".join(rules), 100, break_on_hyphens=False)
        said += [f"  {reason}", *(f"      {some}" for some in names)]
    if any("not read" in gap.reason for gap in report.not_evaluated):
        said.append("  `syncro sync --full` reads every detail.")
    return said


def _totals(shown: Sequence[Finding], decided: Sequence[Finding]) -> list[str]:
    head = "Totals of what is open (never netted)" if decided else "Totals (never netted)"
    said = [f"{head:<40}{'exact':>16}{'estimated':>18}"]
    for direction in DIRECTIONS:
        if direction == "none":
            continue
        sums = {
            exact: sum(one.amount_cents for one in shown if one.direction == direction and one.exact == exact)
            for exact in (True, False)
        }
        said.append(f"  {direction:<38}{format_cents(sums[True]):>16}{format_cents(sums[False]):>18}")
    return said


def _span(report: Report, zone: tzinfo) -> str:
    if report.from_ and report.to:
        span = f"from {report.from_} to {report.to}"
    elif report.from_:
        span = f"from {report.from_} on"
    else:
        span = "everything up to now"
    return f"Reconciliation: {span}; work before {_written(report.cut_off, zone)} is leak, later work timing"


def _written(when: datetime, zone: tzinfo) -> str:
    return f"{when.astimezone(zone):%Y-%m-%d %H:%M %Z}"
