"""What each verb does, whichever door it came through: words in, a `Result` out. Nothing here prints.

A door gives `ask` (a question to a person, or None where nobody sits) and `say` (a line of the preview or of progress).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ConfigError, InputError
from .escape import clip, line

if TYPE_CHECKING:
    from .workspace import Workspace
    from .writes.bill import BillDraft
    from .writes.plan import Plan
    from .writes.receipt import Receipt


@dataclass(frozen=True)
class Result:
    """What a verb came to: lines for people, a document for programs, an exit status."""

    lines: list[str] = field(default_factory=list)
    document: Any = None
    exit_status: int = 0


@dataclass(frozen=True)
class Door:
    """How the caller talks with a person. `ask` is None where nobody can answer."""

    say: Callable[[str], None]
    ask: Callable[[str], str] | None = None
    width: int = 100
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)


def act(words: argparse.Namespace, door: Door) -> Result:
    """Do what the words say. Raises the package's errors."""
    if words.verb in _ALONE:
        return _ALONE[words.verb](words, door)
    from .workspace import connect

    with connect(words.profile, environment=door.environment) as workspace:
        return _ON_ACCOUNT[words.verb](workspace, words, door)


# ---------------------------------------------------------------- reading


def list_open(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro`: the open tickets, newest first, one line each."""
    rows = workspace.open_ticket_records()
    status = max((len(row.status) for row in rows), default=0)
    customer = min(30, max((len(line(row.customer_name)) for row in rows), default=0))
    said = []
    for row in rows:
        head = f"#{row.number}  {line(row.status):<{status}}  {clip(row.customer_name, customer):<{customer}}  "
        said.append(head + clip(row.subject, max(20, door.width - len(head))))
    if not rows:
        said = ["No open tickets. Looked at every page of the list."]
    document = [
        {
            "number": row.number,
            "status": row.status,
            "customer": row.customer_name,
            "subject": row.subject,
            "priority": row.priority,
            "technician": row.technician_label,
            "created_at": row.created_at.isoformat() if row.created_at else None,
            "updated_at": row.updated_at.isoformat() if row.updated_at else None,
        }
        for row in rows
    ]
    return Result(said, document)


def show_ticket(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro ticket NUMBER`."""
    view = workspace.ticket(words.number)
    return Result(view.text(), view.as_json())


def list_runs(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro runs`: newest first."""
    from .workspace import run_row

    receipts = workspace.receipts()
    said = []
    for receipt in receipts:
        name, ticket, kind, state, step, then = run_row(receipt)
        where = f"at {step}, next: {then}" if step else "verified" if receipt.is_verified else state
        said.append(
            f"{name}  {receipt.run.started_at.astimezone():%Y-%m-%d %H:%M}  #{ticket}  {kind}  {state}  {where}"
        )
    return Result(said or ["No runs yet."], [receipt.as_json() for receipt in receipts])


def show_run(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro runs show RUN`."""
    receipt = workspace.receipt(words.run)
    said = [f"Run {receipt.run.id}: {receipt.run.state}", *receipt.text(), "", "Events"]
    for event in workspace.journal.events(receipt.run.id):
        facts = "; ".join(f"{name}: {line(value)}" for name, value in event["detail"].items())
        said.append(f"  {event['at']}  {event['step']:<10} {event['what']}  {clip(facts, 160)}")
    return Result(said, receipt.as_json())


# ---------------------------------------------------------------- writing


def bill(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro bill NUMBER ...`: preview, confirmation, run."""
    from .writes.bill import BillDraft

    draft = BillDraft(
        ticket_number=words.number,
        minutes=words.minutes,
        labour=words.labour,
        text=words.text,
        subject=words.subject,
        hidden=words.hidden,
        email=not words.no_email,
        invoice=not words.no_invoice,
        timer_ids=tuple(words.timers),
    )
    draft = _ask_missing(draft, workspace, door)
    problems = draft.problems(workspace.house)
    if problems:
        raise InputError("; ".join(problems.values()))
    plan = workspace.plan_bill(draft)
    for said in plan.text():
        door.say(said)
    if words.dry_run or plan.blockers:
        return Result([], plan.as_json(), 2 if plan.blockers else 0)
    if not words.yes and not _confirmed(door, plan):
        raise InputError("not confirmed: nothing was written")
    receipt = workspace.apply(plan, confirm=plan.ticket_number, progress=_progress(door))
    return Result([receipt.message], receipt.as_json(), receipt.exit_status)


def resume(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro runs resume RUN`."""
    if words.dry_run:
        return _dry(workspace.receipt(words.run))
    receipt = workspace.resume(words.run, wait=not words.no_wait, progress=_progress(door))
    return Result([receipt.message], receipt.as_json(), receipt.exit_status)


def decide(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro runs decide RUN ...`."""
    chosen = [name for name in ("resend", "abandon") if getattr(words, name)] + (
        ["adopt"] if words.adopt is not None else []
    )
    if len(chosen) != 1:
        raise ConfigError("say one of --adopt ID, --resend, --abandon")
    if words.dry_run:
        return _dry(workspace.receipt(words.run))
    receipt = workspace.decide(
        words.run, chosen[0], ticket=words.ticket, record_id=words.adopt, progress=_progress(door)
    )
    return Result([receipt.message], receipt.as_json(), receipt.exit_status)


def _dry(receipt: Receipt) -> Result:
    return Result([*receipt.text(), "Nothing was sent (--dry-run)."], receipt.as_json())


def _progress(door: Door) -> Callable[[str, str, str], None]:
    from .writes.plan import STEP_TITLES

    def tell(step: str, state: str, text: str) -> None:
        if state != "intent":
            door.say(f"  {STEP_TITLES[step]:<22}{state}{'  ' + line(text) if text else ''}")

    return tell


def _confirmed(door: Door, plan: Plan) -> bool:
    if door.ask is None:
        raise InputError("not confirmed: without a terminal, add --yes; nothing was written")
    return door.ask(f"Bill this on ticket {plan.ticket_number}? Type yes: ").strip().lower() in ("y", "yes")


def _ask_missing(draft: BillDraft, workspace: Workspace, door: Door) -> BillDraft:
    """Ask for minutes, labour and text where they are missing and somebody sits at a terminal; never assume them."""
    if door.ask is None or workspace is None:
        return draft
    if not draft.timer_ids and draft.minutes is None:
        answer = door.ask("Minutes (1 to 1440): ").strip()
        if not answer.isascii() or not answer.isdigit():
            raise InputError(f"minutes must be a whole number, not {answer[:40]!r}")
        draft = replace(draft, minutes=int(answer[:12]))
    if not draft.timer_ids and not draft.labour:
        draft = replace(draft, labour=door.ask(f"Labour ({', '.join(workspace.house.labour)}): ").strip())
    if not draft.text:
        draft = replace(draft, text=door.ask("What was done: ").strip())
    return draft


# ---------------------------------------------------------------- without an account


def doctor(words: argparse.Namespace, door: Door) -> Result:
    """`syncro doctor`: configuration, key, what answers and what the key may read. The key itself never shows."""
    from .doctor import examine

    report = examine(door.environment, profile=words.profile)
    return Result(report.lines(), report.as_json(), report.exit_status)


def sandbox(words: argparse.Namespace, door: Door) -> Result:
    """`syncro sandbox`: serve it until Ctrl-C."""
    from . import lab

    today = _day(words.today) if words.today else None
    return Result(
        exit_status=lab.serve_sandbox(today=today, seed=words.seed, size=words.size, port=words.port, announce=door.say)
    )


def demo(words: argparse.Namespace, door: Door) -> Result:
    """`syncro demo [DIR]`."""
    from . import lab

    return Result(
        exit_status=lab.demo(Path(words.folder), open_browser=not words.no_browser, port=words.port, announce=door.say)
    )


def open_lab(words: argparse.Namespace, door: Door) -> Result:
    """`syncro lab [DIR]`: JupyterLab on the configured account."""
    from . import config, lab

    config.load(door.environment, profile=words.profile)  # a wrong configuration is said here, not in a notebook
    environment = {"SYNCRO_NB_PROFILE": words.profile} if words.profile else {}
    folder = Path(words.folder)
    for copied in lab.prepare(folder):
        door.say(f"copied {copied.name} to {folder}")
    return Result(
        exit_status=lab.run_lab(folder, environment=environment, open_browser=not words.no_browser, announce=door.say)
    )


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day
    except ValueError:
        raise ConfigError(f"--today must be a day as in 2026-03-31, not {text[:40]!r}") from None


_ALONE: dict[str, Callable[[argparse.Namespace, Door], Result]] = {
    "doctor": doctor,
    "sandbox": sandbox,
    "demo": demo,
    "lab": open_lab,
}
_ON_ACCOUNT: dict[str, Callable[[Any, argparse.Namespace, Door], Result]] = {
    "": list_open,
    "ticket": show_ticket,
    "bill": bill,
    "runs": list_runs,
    "runs show": show_run,
    "runs resume": resume,
    "runs decide": decide,
}
