"""What people decided about findings: kept in SQLite at home, exchanged by a plain file, remembered by the finding's key.

A decision is never changed or deleted. Each has an id made of its content and names the decisions that it knew of and
replaces (`after`). So two analysts' files are merged by putting both sets together, whatever the order and however often:
the last decision by time stands, all of them are kept, and two that did not know of each other and disagree are a conflict
that is shown until somebody decides again.

The exchange file has one JSON object a line (a spreadsheet cannot break this one).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import frames
from ..clock import Clock
from ..database import open_database
from ..errors import InputError
from ..escape import clip, line
from ..tables import INSTANT, Column
from .finding import Finding
from .report import FINDINGS, Report

if TYPE_CHECKING:
    import pandas as pd

FIXED, ACCEPTED, NO_ISSUE, SNOOZED = "fixed", "accepted", "not an issue", "snoozed"
CHOICES = (FIXED, ACCEPTED, NO_ISSUE, SNOOZED)
OPEN, REOPENED = "open", "reopened"
STATES = (OPEN, REOPENED, SNOOZED, FIXED, ACCEPTED, NO_ISSUE)
_LONGEST = 2_000  # characters of a reason
_FAR = timedelta(days=1)  # how far another machine's clock may be ahead

REVIEWED = {
    **FINDINGS,
    "state": Column("category", "open, reopened, snoozed, fixed, accepted or not an issue"),
    "why": Column("str", "why it is open again, or what was decided; empty where nothing was"),
    "decided_by": Column("str", "who decided last"),
    "decided_at": Column(INSTANT, "when"),
    "conflict": Column("bool", "two people decided differently without knowing of each other"),
}
WRITE_OFFS = {
    "month": Column("str", "month of the finding, as in 2026-03"),
    "reason": Column("str", "why it was accepted"),
    "rule": Column("category", "name of the rule"),
    "direction": Column("category", "leak, over, timing, cash or none; never netted against another"),
    "findings": Column("int64", "how many"),
    "amount_cents": Column("int64", "how much was accepted, in cents"),
}
BRIDGE = {
    "month": Column("str", "month of the findings, as in 2026-03"),
    "rule": Column("category", "name of the rule"),
    "findings": Column("int64", "how many were ever found"),
    "found_cents": Column("int64", "what was found, in cents: recovered + accepted + dismissed + open"),
    "recovered_cents": Column(
        "int64", "decided fixed, or no longer found by a later look at the same period, in cents"
    ),
    "accepted_cents": Column("int64", "written off with a reason, in cents"),
    "dismissed_cents": Column("int64", "decided to be no issue, in cents"),
    "open_cents": Column("int64", "still open, snoozed ones with it, in cents"),
}


@dataclass(frozen=True)
class Decision:
    """One decision on one finding, as it then was. `after`: ids of the decisions on it that the person knew of."""

    account: str
    key: str
    choice: str
    by: str
    at: datetime
    reason: str = ""
    until: date | None = None
    after: tuple[str, ...] = ()
    rule: str = ""
    direction: str = ""
    amount_cents: int = 0
    exact: bool = True
    customer: str = ""
    ticket: int | None = None
    invoice: str = ""
    on: str = ""
    message: str = ""
    id: str = ""

    def as_json(self) -> dict[str, Any]:
        """As a line of the exchange file."""
        until = self.until.isoformat() if self.until else None
        at = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return {**asdict(self), "at": at, "until": until, "after": list(self.after)}

    @property
    def said(self) -> str:
        """The decision in a few words: "accepted: courtesy (Ana, 2026-04-02)"."""
        what = f"{self.choice} until {self.until}" if self.until else self.choice
        reason = f": {line(self.reason)}" if self.reason else ""
        return f"{what}{reason} ({line(self.by)}, {self.at:%Y-%m-%d})"


def identified(decision: Decision) -> Decision:
    """The decision with its id, which is made of all the rest."""
    rest = {name: value for name, value in decision.as_json().items() if name != "id"}
    written = json.dumps(rest, sort_keys=True, ensure_ascii=True)
    return replace(decision, id=hashlib.sha256(written.encode()).hexdigest()[:24])


def problems(choice: str, reason: str, until: date | None, today: date) -> dict[str, str]:
    """What is missing from a decision, by field; empty where it can be kept."""
    found = {}
    if choice not in CHOICES:
        found["choice"] = f"choose one of {', '.join(CHOICES)}"
    if choice == ACCEPTED and not reason.strip():
        found["reason"] = "why is it accepted? The write-off report goes by the reason"
    if len(reason) > _LONGEST:
        found["reason"] = f"at most {_LONGEST:,} characters"
    if choice == SNOOZED and (until is None or until <= today):
        found["until"] = "until which day? It must lie ahead"
    return found


# ---------------------------------------------------------------- what stands


def merge(*some: Iterable[Decision]) -> dict[str, Decision]:
    """All decisions by id. Commutative, associative and idempotent: it is the union of sets."""
    return dict(sorted((one.id, one) for part in some for one in part))


@dataclass(frozen=True)
class Standing:
    """How a finding stands: its state, the decision behind it (the last by time), why, and others that disagree with it."""

    state: str = OPEN
    decision: Decision | None = None
    why: str = ""
    against: tuple[Decision, ...] = ()


def last(decisions: Iterable[Decision]) -> tuple[Decision | None, tuple[Decision, ...]]:
    """The decision on a finding that stands, and those that disagree with it and that nobody replaced knowingly."""
    ordered = sorted(decisions, key=lambda one: (one.at, one.id))
    if not ordered:
        return None, ()
    replaced = {known for one in ordered for known in one.after}
    final = ordered[-1]
    meant = (final.choice, final.reason.strip(), final.until)
    heads = [one for one in ordered[:-1] if one.id not in replaced]
    return final, tuple(one for one in heads if (one.choice, one.reason.strip(), one.until) != meant)


def standing(finding: Finding, decisions: Iterable[Decision], *, as_of: datetime, today: date) -> Standing:
    """How a finding of data read at `as_of` stands on `today`, with the decisions on its key.

    It is open again where the amount is another one (an estimate may move by a tenth), where a snooze is over, and where it
    was decided fixed and data read later still shows it.
    """
    final, against = last(decisions)
    if final is None:
        return Standing()
    if _moved(finding, final):
        was, now = _money(final.direction, final.amount_cents), _money(finding.direction, finding.amount_cents)
        return Standing(REOPENED, final, f"the amount was {was}, and is {now}; it was {final.said}", against)
    if final.choice == SNOOZED and final.until is not None and today >= final.until:
        return Standing(REOPENED, final, f"it was {final.said}", against)
    if final.choice == FIXED and as_of > final.at:
        return Standing(REOPENED, final, f"still found in data read later; it was {final.said}", against)
    return Standing(final.choice, final, final.said, against)


def _moved(finding: Finding, decision: Decision) -> bool:
    if finding.direction != decision.direction:
        return True
    change = abs(finding.amount_cents - decision.amount_cents)
    if finding.exact and decision.exact:
        return change > 0
    return change * 10 > decision.amount_cents


def _money(direction: str, amount_cents: int) -> str:
    from ..money import format_cents

    return f"{format_cents(amount_cents)} ({direction})"


def review(report: Report, decisions: Iterable[Decision], today: date) -> pd.DataFrame:
    """The report's findings with how each stands (REVIEWED), in the report's order."""
    known = by_key(decisions)
    made = frames.frame(FINDINGS, []) if not report.findings else report.frame()
    stands = [standing(one, known.get(one.key, ()), as_of=report.as_of, today=today) for one in report.findings]
    more = frames.frame(
        {name: column for name, column in REVIEWED.items() if name not in FINDINGS},
        (
            (
                one.state,
                one.why,
                one.decision.by if one.decision else "",
                one.decision.at if one.decision else None,
                bool(one.against),
            )
            for one in stands
        ),
    )
    return made.join(more)


def by_key(decisions: Iterable[Decision]) -> Mapping[str, list[Decision]]:
    """Decisions by the key of their finding."""
    found: dict[str, list[Decision]] = defaultdict(list)
    for one in decisions:
        found[one.key].append(one)
    return found


def write_offs(decisions: Iterable[Decision]) -> pd.DataFrame:
    """What was accepted, by month, reason and rule (WRITE_OFFS), from the decisions that stand."""
    import pandas as pd

    rows = []
    for some in by_key(decisions).values():
        final, _ = last(some)
        if final is not None and final.choice == ACCEPTED:
            month = (final.on or final.at.date().isoformat())[:7]
            rows.append((month, line(final.reason), final.rule, final.direction, 1, final.amount_cents))
    made = frames.frame(WRITE_OFFS, rows)
    keys = ["month", "reason", "rule", "direction"]
    summed = made.groupby(keys, observed=True, as_index=False)[["findings", "amount_cents"]].sum()
    whole = pd.DataFrame(summed).sort_values(
        ["month", "amount_cents", *keys[1:]], ascending=[True, False, True, True, True]
    )
    return whole.astype({name: column.dtype for name, column in WRITE_OFFS.items()}).reset_index(drop=True)


# ---------------------------------------------------------------- the bridge


@dataclass(frozen=True)
class Sighting:
    """What one reconciliation found: its period, its findings, and the rules that could not look at everything."""

    as_of: datetime
    from_: date | None
    to: date | None
    findings: tuple[Finding, ...]
    unevaluated: frozenset[str] = frozenset()

    def covers(self, finding: Finding, seen: Sighting) -> bool:
        """Whether this one looked, in full, where `seen` found that: absence here then means that it is gone."""
        if finding.rule in self.unevaluated or self.as_of <= seen.as_of:
            return False
        first, end = (finding.on, finding.on) if finding.on else (_text(seen.from_), _text(seen.to))
        begins = self.from_ is None or (first != "" and self.from_.isoformat() <= first)
        ends = self.to is None or (end != "" and self.to.isoformat() >= end)
        return begins and ends


def sighted(report: Report) -> Sighting:
    """The part of a report that the bridge needs."""
    unevaluated = frozenset(one.rule for one in report.not_evaluated)
    return Sighting(report.as_of, report.from_, _end(report), report.findings, unevaluated)


def _end(report: Report) -> date | None:
    """The last day that a report holds findings of: without a first day its `to` is only the cut-off."""
    return report.to if report.from_ else None


def bridge(sightings: Sequence[Sighting], decisions: Iterable[Decision], *, direction: str = "leak") -> pd.DataFrame:
    """Found, recovered, accepted, dismissed and open (BRIDGE), by month and rule, of one direction.

    A finding counts once, with the amount and in the month where it was last seen. It is recovered if it was decided fixed,
    or if a later reconciliation that looked at the same days with the same rule in full does not find it any more; one whose
    dollars another rule claims now is left to that rule.
    """
    ordered = sorted(sightings, key=lambda one: one.as_of)
    seen: dict[str, tuple[Finding, Sighting]] = {}
    for sighting in ordered:
        seen |= {one.key: (one, sighting) for one in sighting.findings if one.direction == direction}
    present = [({one.key for one in sighting.findings}, _claims(sighting)) for sighting in ordered]
    known = by_key(decisions)
    rows = []
    for key, (finding, sighting) in seen.items():
        later = [at for at, one in enumerate(ordered) if one.covers(finding, sighting) and key not in present[at][0]]
        if later and (finding.rule, finding.ticket, finding.invoice) in present[later[-1]][1]:
            continue
        final, _ = last(known.get(key, ()))
        choice = final.choice if final is not None and not _moved(finding, final) else OPEN
        still = choice == FIXED and final is not None and sighting.as_of > final.at
        kept = {ACCEPTED: "accepted", NO_ISSUE: "dismissed"}.get(choice, "open")
        where = "recovered" if (later and kept == "open") or (choice == FIXED and not still) else kept
        cents = [finding.amount_cents if where == one else 0 for one in ("recovered", "accepted", "dismissed", "open")]
        rows.append((_month(finding, sighting), finding.rule, 1, finding.amount_cents, *cents))
    made = frames.frame(BRIDGE, rows)
    summed = made.groupby(["month", "rule"], observed=True, as_index=False).sum()
    whole = summed.sort_values(["month", "found_cents", "rule"], ascending=[True, False, True])
    return whole.astype({name: column.dtype for name, column in BRIDGE.items()}).reset_index(drop=True)


def _claims(sighting: Sighting) -> set[tuple[str, int | None, int | str | None]]:
    """(rule, ticket, invoice) of dollars that another rule claims."""
    return {(also, one.ticket, one.invoice) for one in sighting.findings for also in one.evidence.get("also", ()) or ()}


def _month(finding: Finding, sighting: Sighting) -> str:
    return (finding.on or _text(sighting.to) or sighting.as_of.date().isoformat())[:7]


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""


# ---------------------------------------------------------------- kept at home


FORMAT = 1
_SCHEMA = """
CREATE TABLE decisions (id TEXT PRIMARY KEY, account TEXT NOT NULL, key TEXT NOT NULL, at TEXT NOT NULL, document TEXT NOT NULL);
CREATE INDEX decisions_by_key ON decisions (account, key);
CREATE TABLE sightings (
    account TEXT NOT NULL, as_of TEXT NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (account, first, last, as_of)
);
CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are never changed'); END;
CREATE TRIGGER decisions_are_kept BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are never deleted'); END
"""


@dataclass(frozen=True)
class Merged:
    """What came of reading another analyst's file: new decisions, those known already, lines that were not taken."""

    new: int
    known: int
    refused: tuple[tuple[int, str], ...] = ()
    conflicts: tuple[str, ...] = field(default=())

    def sentences(self) -> list[str]:
        """For people."""
        said = [f"{self.new:,} new decision{'' if self.new == 1 else 's'}, {self.known:,} known already."]
        said += [f"line {number} was not taken: {why}" for number, why in self.refused[:20]]
        said += [f"... and {len(self.refused) - 20:,} more lines" for _ in self.refused[20:21]]
        said += [f"decided differently: {one}" for one in self.conflicts]
        return said


class Decisions:
    """The decisions and the earlier findings of one account, in one home folder. Raises ConfigError if it cannot be kept."""

    def __init__(self, home: Path, account: str, clock: Clock) -> None:
        self.account = account
        self._clock = clock
        self._database = open_database(home / "decisions.sqlite", _SCHEMA, FORMAT, durable=True)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # ------------------------------------------------------------ deciding

    def today(self) -> date:
        """The day on which a decision made now is made."""
        return self._clock.now().date()

    def decide(
        self, finding: Finding, choice: str, *, by: str, reason: str = "", until: date | None = None
    ) -> Decision:
        """Keep a decision on a finding, knowing all that were kept before. Raises InputError for one that is incomplete."""
        return self.decide_all([finding], choice, by=by, reason=reason, until=until)[0]

    def decide_all(
        self, findings: Iterable[Finding], choice: str, *, by: str, reason: str = "", until: date | None = None
    ) -> list[Decision]:
        """The same decision on several findings, all or none. Raises InputError."""
        now = self._clock.now()
        wrong = problems(choice, reason, until, now.date())
        if wrong or not by.strip():
            raise InputError("; ".join(wrong.values()) or "who decides? A decision needs a name")
        made = [
            identified(
                Decision(
                    account=self.account,
                    key=finding.key,
                    choice=choice,
                    by=line(by),
                    at=now,
                    reason=reason.strip(),
                    until=until if choice == SNOOZED else None,
                    after=tuple(sorted(one.id for one in self.history(finding.key))),
                    rule=finding.rule,
                    direction=finding.direction,
                    amount_cents=finding.amount_cents,
                    exact=finding.exact,
                    customer=finding.customer,
                    ticket=finding.ticket,
                    invoice="" if finding.invoice is None else str(finding.invoice),
                    on=finding.on,
                    message=finding.message,
                )
            )
            for finding in findings
        ]
        self._keep(made)
        return made

    def all(self) -> list[Decision]:
        """Every decision of the account, oldest first."""
        rows = self._database.execute("SELECT document FROM decisions WHERE account = ?", (self.account,))
        found = [_from_document(json.loads(row["document"])) for row in rows]
        return sorted(found, key=lambda one: (one.at, one.id))

    def history(self, key: str) -> list[Decision]:
        """Every decision on one finding, oldest first."""
        rows = self._database.execute(
            "SELECT document FROM decisions WHERE account = ? AND key = ?", (self.account, key)
        )
        found = [_from_document(json.loads(row["document"])) for row in rows]
        return sorted(found, key=lambda one: (one.at, one.id))

    def conflicts(self) -> list[tuple[Decision, tuple[Decision, ...]]]:
        """The decisions that stand and others that disagree with them, by key."""
        ends = (last(some) for _, some in sorted(by_key(self.all()).items()))
        return [(final, against) for final, against in ends if final is not None and against]

    # ------------------------------------------------------------ remembering what was found

    def remember(self, report: Report) -> None:
        """Keep what a reconciliation found, so that the bridge can say later what became of it."""
        unevaluated = sorted({one.rule for one in report.not_evaluated})
        findings = [
            {**asdict(one), "evidence": {"also": list(one.evidence.get("also", ()))}} for one in report.findings
        ]
        document = json.dumps({"findings": findings, "unevaluated": unevaluated}, default=str)
        values = (
            self.account,
            report.as_of.astimezone(UTC).isoformat(),
            _text(report.from_),
            _text(_end(report)),
            document,
        )
        self._database.execute(
            "INSERT OR REPLACE INTO sightings (account, as_of, first, last, document) VALUES (?,?,?,?,?)", values
        )

    def sightings(self) -> list[Sighting]:
        """What earlier reconciliations of the account found, oldest first."""
        rows = self._database.execute("SELECT * FROM sightings WHERE account = ? ORDER BY as_of", (self.account,))
        found = []
        for row in rows:
            document = json.loads(row["document"])
            findings = tuple(Finding(**one) for one in document["findings"])
            first, end = (date.fromisoformat(row[name]) if row[name] else None for name in ("first", "last"))
            as_of = datetime.fromisoformat(row["as_of"])
            found.append(Sighting(as_of, first, end, findings, frozenset(document["unevaluated"])))
        return found

    def bridge(self, direction: str = "leak") -> pd.DataFrame:
        """The bridge over all months that were ever looked at (BRIDGE)."""
        return bridge(self.sightings(), self.all(), direction=direction)

    # ------------------------------------------------------------ exchanging

    def write_file(self, path: Path | str) -> int:
        """Write every decision of the account to a file, one JSON object a line, always in the same order; how many.

        The file is replaced as a whole or not at all. What another analyst put in it is not lost if `exchange` is used.
        """
        path = Path(path).expanduser()
        lines = [json.dumps(one.as_json(), sort_keys=True, ensure_ascii=False) for one in self.all()]
        try:
            handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            try:
                with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
                    out.writelines(f"{one}\n" for one in lines)
                os.replace(name, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(name)
                raise
        except OSError as error:
            raise InputError(f"{line(path)} cannot be written: {error.strerror or type(error).__name__}") from None
        return len(lines)

    def read_file(self, path: Path | str) -> Merged:
        """Take in another analyst's decisions. Lines that are none, or of another account, are said and left out."""
        path = Path(path).expanduser()
        try:
            written = path.read_text("utf-8-sig")
        except OSError as error:
            raise InputError(f"{line(path)} cannot be read: {error.strerror or type(error).__name__}") from None
        except UnicodeDecodeError:
            raise InputError(f"{line(path)} is no file of decisions: it is not UTF-8 text") from None
        taken, refused = [], []
        for number, one in enumerate(written.split("\n"), 1):
            if not one.strip():
                continue
            try:
                taken.append(self._checked(json.loads(one)))
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                refused.append((number, clip(error if isinstance(error, _Wrong) else "it is no decision", 120)))
        if refused and not taken:
            raise InputError(
                f"{line(path)} is no file of decisions for this account: line {refused[0][0]}: {refused[0][1]}"
            )
        before = {one.id for one in self.all()}
        new = [one for one in merge(taken).values() if one.id not in before]
        self._keep(new)
        against = tuple(
            f"{line(final.rule)} ({line(final.customer)}): {final.said}; {'; '.join(one.said for one in others)}"
            for final, others in self.conflicts()
        )
        return Merged(len(new), len(taken) - len(new), tuple(refused), against)

    def exchange(self, path: Path | str) -> Merged:
        """Take in what is in the file, if it is there, and write all decisions back to it."""
        merged = self.read_file(path) if Path(path).expanduser().exists() else Merged(0, 0)
        self.write_file(path)
        return merged

    def _checked(self, document: Any) -> Decision:
        if not isinstance(document, dict):
            raise _Wrong("it is no decision")
        json.dumps(document, ensure_ascii=False).encode()  # half a character, which no file can hold, is refused here
        made = _from_document(document)
        if made.id != identified(made).id:
            raise _Wrong("it was changed after it was decided")
        if made.account != self.account:
            raise _Wrong(f"it belongs to account {line(made.account)[:60]}, and this is {self.account}")
        if made.at > self._clock.now() + _FAR:
            raise _Wrong(f"it was decided on {made.at:%Y-%m-%d}, which lies ahead: a clock is wrong")
        return made

    def _keep(self, some: Iterable[Decision]) -> None:
        rows = [
            (one.id, one.account, one.key, one.at.astimezone(UTC).isoformat(), json.dumps(one.as_json()))
            for one in some
        ]
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany("INSERT OR IGNORE INTO decisions VALUES (?,?,?,?,?)", rows)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


class _Wrong(ValueError):
    """A line of a file that is not taken; its text is for people."""


def _from_document(document: Mapping[str, Any]) -> Decision:
    """A decision of its JSON. Raises ValueError, TypeError or KeyError where it is none."""
    made = Decision(
        **{
            **document,
            "at": datetime.fromisoformat(document["at"]),
            "until": date.fromisoformat(document["until"]) if document["until"] else None,
            "after": tuple(map(str, document["after"])),
        }
    )
    texts = (made.account, made.key, made.by, made.reason, made.rule, made.direction, made.customer, made.invoice)
    right = (
        made.choice in CHOICES
        and all(isinstance(one, str) for one in (*texts, made.on, made.message, made.id))
        and type(made.amount_cents) is int
        and (made.ticket is None or type(made.ticket) is int)
        and type(made.exact) is bool
        and made.at.tzinfo is not None
        and len(made.reason) <= _LONGEST
        and (made.choice != ACCEPTED or made.reason.strip())
        and (made.choice == SNOOZED) == (made.until is not None)
    )
    if not right:
        raise _Wrong("it is no complete decision")
    return made
