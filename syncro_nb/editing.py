"""What each verb does that writes: words to a draft, the preview, the confirmation, the run. Nothing here prints."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from .door import NOTHING_SENT, Door, Result, tell_progress
from .errors import ConfigError, Error, InputError
from .escape import clip, line
from .money import format_cents

if TYPE_CHECKING:
    from .workspace import Workspace
    from .writes.bill import BillDraft
    from .writes.plan import Plan
    from .writes.planning import Draft
    from .writes.receipt import Receipt
    from .writes.timer import TimerDraft


def draft_of(words: argparse.Namespace) -> Draft:
    """The draft that the words of a verb make, as far as they go. Raises ConfigError for a day that is none."""
    return _DRAFTS[words.verb](words)


def bill(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro bill NUMBER ...`."""
    return write(workspace, _ask_missing(_bill_draft(words), workspace, door), words, door)


def edit(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro comment`, `create`, `update`: what the words say."""
    return write(workspace, draft_of(words), words, door)


def close(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro close NUMBER ...`; the session log is offered, never written silently."""

    def offer_log(receipt: Receipt) -> list[str]:
        question = f"Write the session log below {line(workspace.config.clients)}? Type yes: "
        wanted = words.log
        if wanted is None:
            wanted = not words.yes and door.ask is not None and door.ask(question).strip().lower() == "yes"
        return [_write_log(workspace, words.number, words.text)] if wanted else []

    return write(workspace, draft_of(words), words, door, offer_log)


def _write_log(workspace: Workspace, number: int, resolution: str) -> str:
    """Writes the session log, and says where it is. The ticket is closed by now: that it failed is a remark, not an error."""
    from . import sessionlog

    try:
        zone = workspace.zone
        day = workspace.now().astimezone(zone).date()
        view = workspace.ticket(number)
        path = sessionlog.write(view, workspace.config.clients, day, resolution=resolution, zone=zone)
    except Error as error:
        return f"The session log was not written: {error}"
    return f"Session log: {path}"


def timer(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro timer NUMBER start | stop | add | charge ID | delete ID`."""
    draft = _timer_draft(words)
    if draft.action == "add":
        draft = _ask_missing_time(draft, workspace, door)
    return write(workspace, draft, words, door)


def _bill_draft(words: argparse.Namespace) -> BillDraft:
    from .writes.bill import BillDraft

    return BillDraft(
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


def _comment_draft(words: argparse.Namespace) -> Draft:
    from .writes.ticket import CommentDraft

    return CommentDraft(
        ticket_number=words.number,
        text=words.text,
        subject=words.subject,
        hidden=words.hidden,
        email=not words.no_email,
    )


def _create_draft(words: argparse.Namespace) -> Draft:
    from .writes.ticket import CreateDraft

    return CreateDraft(
        customer=words.customer,
        subject=words.subject,
        text=words.text,
        problem_type=words.problem_type,
        priority=words.priority,
        due_on=_day(words.due),
        technician=words.technician,
        contact=words.contact,
    )


def _update_draft(words: argparse.Namespace) -> Draft:
    from .writes.ticket import UpdateDraft

    return UpdateDraft(
        ticket_number=words.number,
        status=words.status or "",
        priority=words.priority,
        due_on=_day(words.due),
        technician=words.technician,
        contact=words.contact,
        problem_type=words.problem_type,
        subject=words.subject,
        start_at=_time("--start", words.start),
        end_at=_time("--end", words.end),
    )


def _close_draft(words: argparse.Namespace) -> Draft:
    from .writes.ticket import CloseDraft

    return CloseDraft(ticket_number=words.number, text=words.text)


def _timer_draft(words: argparse.Namespace) -> TimerDraft:
    from .writes.timer import TimerDraft

    return TimerDraft(
        ticket_number=words.number,
        action=words.verb.rpartition(" ")[2],
        minutes=getattr(words, "minutes", None),
        labour=getattr(words, "labour", ""),
        text=getattr(words, "text", ""),
        timer_id=getattr(words, "timer_id", None),
    )


_TIMER_VERBS = ("start", "stop", "add", "charge", "delete")
_DRAFTS: dict[str, Callable[[argparse.Namespace], Draft]] = {
    "bill": _bill_draft,
    "comment": _comment_draft,
    "create": _create_draft,
    "update": _update_draft,
    "close": _close_draft,
    **{f"timer {one}": _timer_draft for one in _TIMER_VERBS},
}


def write(
    workspace: Workspace,
    draft: Draft,
    words: argparse.Namespace,
    door: Door,
    after: Callable[[Receipt], list[str]] | None = None,
) -> Result:
    """Plan, preview, confirmation, run: the way of every verb that writes. `after` adds lines once it is done."""
    problems = draft.problems(workspace.house)
    if problems:
        raise InputError("; ".join(problems.values()))
    plan = workspace.plan(draft)
    for said in plan.text():
        door.say(said)
    if words.dry_run or plan.blockers:
        said = "Nothing was sent: see what stands against it above." if plan.blockers else NOTHING_SENT
        return Result(["", said], plan.as_json(), 2 if plan.blockers else 0)
    if not words.yes and not _confirmed(door, plan):
        raise InputError("not confirmed: nothing was written")
    receipt = workspace.apply(plan, confirm=plan.confirmation, progress=tell_progress(door))
    more = after(receipt) if after and receipt.run.state == "done" else []
    return Result([receipt.message, *more], receipt.as_json(), receipt.exit_status)


def _confirmed(door: Door, plan: Plan) -> bool:
    if door.ask is None:
        raise InputError("not confirmed: without a terminal, add --yes; nothing was written")
    expected, customer = plan.expected, clip(plan.customer_name, 40)
    amount = format_cents(expected.subtotal_cents if expected.total_cents is None else expected.total_cents)
    amount += " plus tax" if expected.total_cents is None else ""
    if plan.kind == "bill":
        question = f"Bill {amount} on ticket {plan.ticket_number} ({customer})? Type yes: "
    else:
        question = f"Send {len(plan.requests)} request(s) to {plan.where} ({customer})? Type yes: "
    return door.ask(question).strip().lower() == "yes"


def _ask_missing(draft: BillDraft, workspace: Workspace, door: Door) -> BillDraft:
    """Ask for minutes, labour and text where they are missing and somebody sits at a terminal; never assume them."""
    if door.ask is None:
        return draft
    if not draft.timer_ids and draft.minutes is None:
        draft = replace(draft, minutes=_ask_minutes(door))
    if not draft.timer_ids and not draft.labour:
        draft = replace(draft, labour=door.ask(f"Labour ({', '.join(workspace.house.labour)}): ").strip())
    return draft if draft.text else replace(draft, text=door.ask("What was done: ").strip())


def _ask_missing_time(draft: TimerDraft, workspace: Workspace, door: Door) -> TimerDraft:
    """The same for time that is entered."""
    if door.ask is None:
        return draft
    if draft.minutes is None:
        draft = replace(draft, minutes=_ask_minutes(door))
    if not draft.labour:
        draft = replace(draft, labour=door.ask(f"Labour ({', '.join(workspace.house.labour)}): ").strip())
    return draft if draft.text else replace(draft, text=door.ask("What was done: ").strip())


def _ask_minutes(door: Door) -> int:
    answer = door.ask("Minutes (1 to 1440): ").strip() if door.ask else ""
    if not answer.isascii() or not answer.isdigit():
        raise InputError(f"minutes must be a whole number, not {answer[:40]!r}")
    return int(answer[:12])


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day
    except ValueError:
        raise ConfigError(f"--due must be a day as in 2026-03-31, not {text[:40]!r}") from None


def _time(option: str, text: str) -> datetime | None:
    """A day with a time; without an offset it is by the account's clock, which the plan knows."""
    if not text.strip():
        return None
    try:
        if ":" in text:
            return datetime.fromisoformat(text.strip())
    except ValueError:
        pass
    raise ConfigError(f'{option} must be a day and a time as in "2026-03-31 09:30", not {text[:40]!r}')
