"""What each verb does, whichever door it came through: words in, a `Result` out. Nothing here prints.

A door gives `ask` (a question to a person, or None where nobody sits) and `say` (a line of the preview or of progress).
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import editing, looking, reconciling
from .door import NOTHING_SENT, Door, Result, tell_progress
from .errors import ConfigError, InputError, Stopped
from .escape import clip, line
from .progress import bar

if TYPE_CHECKING:
    from .config import Config
    from .workspace import Workspace
    from .writes.receipt import Receipt


def act(words: argparse.Namespace, door: Door, workspace: Workspace | None = None) -> Result:
    """Do what the words say. Raises the package's errors. `workspace`: one that is open already, and stays open."""
    if words.out is not None:
        _check_out(words)
    if words.verb in _ALONE:
        return _ALONE[words.verb](words, door)
    from .workspace import connect

    if workspace is not None:
        return _act_on(workspace, words, door)
    with _home_to_read(words, door) as environment, connect(words.profile, environment=environment) as opened:
        return _act_on(opened, words, door)


def _act_on(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    result = _ON_ACCOUNT[words.verb](workspace, words, door)
    if words.out is not None:
        _write_out(result, workspace, words, door)
    return result


def _check_out(words: argparse.Namespace) -> None:
    """Before anything is read: whether this verb has a table, and whether it can go there. Raises ConfigError, InputError."""
    if words.verb not in _WITH_TABLE:
        known = ", ".join(f"`{f'syncro {verb}'.strip()}`" for verb in _WITH_TABLE)
        raise ConfigError(f"--out is for the verbs that show a table: {known}")
    from . import export

    export.check(words.out, replace=words.yes)


def _write_out(result: Result, workspace: Workspace, words: argparse.Namespace, door: Door) -> None:
    """Puts the result's table into the file that --out names, and says where it is."""
    from . import export

    if result.save is not None and Path(words.out).suffix.lower() == ".xlsx":
        door.say(str(result.save(Path(words.out))))
        return
    name = (words.verb or "open tickets").capitalize()
    done = export.write(
        result.table, words.out, sheets=result.sheets, zone=workspace.clock_zone, replace=words.yes, title=name
    )
    door.say(str(done))


@contextmanager
def _home_to_read(words: argparse.Namespace, door: Door) -> Iterator[Mapping[str, str]]:
    """The environment to work in: for a dry run in a data folder that cannot be written, one with a copy of it.

    The limiter and the journal keep files of their own even while nothing is sent, and SQLite reads none without writing.
    """
    if not words.dry_run or not words.writes:
        yield door.environment
        return
    from . import config
    from .keys import Sealed

    home = config.load(Sealed(door.environment), profile=words.profile).home
    if _can_be_written(home):
        yield door.environment
        return
    with tempfile.TemporaryDirectory(prefix="syncro-dry-", ignore_cleanup_errors=True) as copy:
        seen = _copy_journals(home, Path(copy))
        known = "worked on a copy of it" if seen else "whether a run is open on the ticket is not known"
        door.say(f"Note: the data folder {home} cannot be written; {known}")
        yield Sealed({**door.environment, "SYNCRO_NB_HOME": copy})


def _can_be_written(home: Path) -> bool:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            return True
    except OSError:
        return False


def _copy_journals(home: Path, copy: Path) -> bool:
    """Copies the journal and what the built-in sandbox keeps; False where there is no journal that can be read."""
    try:
        for name in ("journal.sqlite", "journal.sqlite-wal", "sandbox"):
            found = home / name
            if found.is_dir():
                shutil.copytree(found, copy / name)
            elif found.exists():
                shutil.copy(found, copy / name)
    except OSError:
        return False
    return any(copy.rglob("journal.sqlite"))


# ---------------------------------------------------------------- reading


def list_open(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro`: the open tickets, newest first, one line each."""
    rows = workspace.open_ticket_records()
    said = looking.ticket_lines(rows, door.width) or ["No open tickets. Looked at every page of the list."]
    table = None
    if words.out or door.tables:
        from . import frames

        table = frames.open_tickets(rows, workspace.now())
    return Result(said, [looking.ticket_row(row) for row in rows], table=table)


def show_ticket(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro ticket NUMBER`."""
    view = workspace.ticket(words.number)
    return Result(view.text(), view.as_json(), view=view)


def list_runs(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro runs`: newest first."""
    from .workspace import run_row

    receipts = workspace.receipts()
    said = []
    for receipt in receipts:
        name, number, kind, state, step, then = run_row(receipt)
        ticket = f"#{number}" if number else "-"
        where = f"at {step}, next: {then}" if step else "verified" if receipt.is_verified else state
        said.append(f"{name}  {receipt.run.started_at.astimezone():%Y-%m-%d %H:%M}  {ticket}  {kind}  {state}  {where}")
    table = workspace.runs() if door.tables or words.out else None
    return Result(said or ["No runs yet."], [_listed(receipt) for receipt in receipts], table=table)


def _listed(receipt: Receipt) -> dict[str, Any]:
    """The document of a run, with what a list of runs is sorted and filtered by."""
    run = receipt.run
    return {**receipt.as_json(), "started_at": run.started_at.isoformat(), "state": run.state, "kind": run.plan.kind}


def show_run(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro runs show RUN`."""
    receipt = workspace.receipt(words.run)
    said = [f"Run {receipt.run.id}: {receipt.run.state}", *receipt.text(), "", "Events"]
    for event in workspace.journal.events(receipt.run.id):
        facts = "; ".join(f"{name}: {line(value)}" for name, value in event["detail"].items())
        said.append(f"  {event['at']}  {event['step']:<10} {event['what']}  {clip(facts, 160)}")
    return Result(said, receipt.as_json())


def audit_runs(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro runs audit`: 6 if anything is not as it was approved; a run that is unfinished or newer is no such thing."""
    from .writes.audit import HARMLESS

    books = workspace.books() if words.mirror else None
    remarks = workspace.audit(books)
    if books is None:
        looked = f"Looked at {len({one.run.plan.ticket_id for one in workspace.receipts()})} tickets of this journal."
    else:
        gaps = books.gaps_of("tickets", "comments", "charges", "timers", "invoices")
        looked = f"Looked at every ticket of the mirror, as of {books.as_of:%Y-%m-%d %H:%M} UTC."
        looked += "".join(f" Not whole: {gap.table}, {gap.reason}." for gap in gaps)
    said = [*(line(one.message) for one in remarks), looked] if remarks else [f"Nothing is amiss. {line(looked)}"]
    is_wrong = any(one.problem not in HARMLESS for one in remarks)
    return Result(said, [one.as_json() for one in remarks], 6 if is_wrong else 0)


# ---------------------------------------------------------------- the mirror


def pull(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro sync [--full]`: what changed, and what is incomplete."""
    try:
        with bar(workspace.config.rate) as tell:
            done = workspace.sync(words.full, tell)
    except KeyboardInterrupt:
        kept = "stopped by the keyboard: what was read is kept; the next `syncro sync` goes on from there"
        raise Stopped(kept) from None
    gaps = workspace.mirror.gaps()
    changed = {name: one for name, one in done.changes.items() if one.any}
    said = [f"Synced with {done.requests} requests, as of {done.started.astimezone():%Y-%m-%d %H:%M}."]
    for name, one in changed.items():
        said.append(f"  {name:<15}{one.new:>9,} new{one.changed:>9,} changed{one.gone:>7,} gone")
    said += [] if changed else ["  Nothing has changed in what was asked for."]
    said += _taking_turns(workspace, done.started)
    said += (
        ["Incomplete:", *(f"  {gap.table:<15}{line(gap.reason)}" for gap in gaps)] if gaps else ["Everything is in."]
    )
    told = " ".join(gap.reason for gap in gaps)
    met = [one for one in done.problems if one.partition(": ")[2] not in told]
    said += ["Met on the way:", *(f"  {line(one)}" for one in met)] if met else []
    document = {
        "as_of": done.started.isoformat(),
        "requests": done.requests,
        "full": words.full,
        "changes": {name: {"new": one.new, "changed": one.changed, "gone": one.gone} for name, one in changed.items()},
        "incomplete": [{"table": gap.table, "reason": gap.reason, "records": gap.records} for gap in gaps],
        "problems": list(done.problems),
    }
    return Result(said, document)


def _taking_turns(workspace: Workspace, started: datetime) -> list[str]:
    """The lists that a sync has left out, with their age: in a quiet account they take turns."""
    from .summary.missing import counted
    from .tables import TABLES

    blocks = workspace.mirror.old_blocks(started)
    ages = {name: at for name in TABLES if (at := workspace.mirror.as_of_table(name))}
    old = [
        f"{name} ({at.astimezone():%Y-%m-%d %H:%M})" for name, at in ages.items() if at < started - timedelta(minutes=1)
    ]
    old += [f"the prepaid hours of {counted(blocks, 'customer')} (more than a day ago)"] if blocks else []
    return [f"Not asked for this time, since they take turns: {', '.join(old)}."] if old else []


def reconcile(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro reconcile`: from the mirror; where nothing was read yet, the account is read first."""
    reconciling.check(words)
    fill_first(workspace, door)
    return reconciling.reconcile(workspace, words, door)


def unbilled(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro unbilled`: from the mirror; where nothing was read yet, what it needs is read first."""
    from .summary.unbilled import NEEDS

    if workspace.mirror.as_of is None:
        door.remark("Nothing was read from Syncro yet: reading what this needs first; `syncro sync` reads the rest.")
        with bar(workspace.config.rate) as tell:
            done = workspace.sync(progress=tell, only=NEEDS)
        door.remark(f"Read with {done.requests} requests.")
    found = workspace.unbilled()
    document = found.as_json()
    sheets = {
        "Customers": found.by_customer,
        "Technicians": found.by_technician,
        "Kinds of work": found.by_kind,
        "Ages": found.by_age,
        "Paid how": found.by_mode,
        "Without time": found.without_time,
        "Problems": found.problems,
        "Incomplete": _as_table(document["incomplete"]),
    }
    return Result(found.text(workspace.books().zone), document, table=found.rows, sheets=sheets)


def _as_table(gaps: list[dict[str, Any]]) -> Any:
    """What is missing as a table, with its columns also where nothing is."""
    import pandas as pd

    return pd.DataFrame(gaps, columns=["table", "reason", "records"]).astype({"records": "Int64"})


def fill_first(workspace: Workspace, door: Door) -> None:
    """Fill the mirror where nothing was read into it yet, and say so beside the answer: a summary needs something to look at."""
    if workspace.mirror.as_of is not None:
        return
    door.remark("Nothing was read from Syncro yet: reading the account first, as `syncro sync` does.")
    with bar(workspace.config.rate) as tell:
        done = workspace.sync(progress=tell)
    door.remark(f"Read with {done.requests} requests.")


# ---------------------------------------------------------------- summaries of the mirror


def report(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro report [NAME]`: a report of the mirror; without a name the list of them."""
    from . import reports

    if not words.report:
        return _reports()
    reports.find(words.report)  # a wrong name is said before anything is read
    fill_first(workspace, door)
    made = workspace.report(words.report, first=words.first, last=words.last)
    sheets = {"About this report": made.about}
    return Result(made.text(door.width), made.as_json(), table=made.rows, sheets=sheets)


def _reports() -> Result:
    """The reports by name, each with its sentence."""
    import pandas as pd

    from .reports import every_report

    every = every_report().values()
    said = [f"  {one.name:<13}{one.said}" for one in every]
    document = [{"report": one.name, "shows": one.said, "monthly": one.monthly} for one in every]
    return Result(["Reports, as in `syncro report wip`:", *said], document, table=pd.DataFrame(document))


# ---------------------------------------------------------------- writing


def resume(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro runs resume RUN`."""
    if words.dry_run:
        return _dry(workspace.receipt(words.run))
    receipt = workspace.resume(words.run, wait=not words.no_wait, progress=tell_progress(door))
    return Result([receipt.message], receipt.as_json(), receipt.exit_status)


def decide(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro runs decide RUN ...`."""
    chosen = [name for name in ("resend", "abandon") if getattr(words, name)] + (
        ["adopt"] if words.adopt is not None else []
    )
    if len(chosen) != 1:
        raise ConfigError("say one of --adopt ID, --resend, --abandon")
    if words.dry_run:
        return _dry(workspace.receipt(words.run), _decision(workspace.receipt(words.run), chosen[0], words))
    receipt = workspace.decide(
        words.run, chosen[0], ticket=words.ticket, record_id=words.adopt, progress=tell_progress(door)
    )
    return Result([receipt.message], receipt.as_json(), receipt.exit_status)


def _dry(receipt: Receipt, would: str = "") -> Result:
    document = {**receipt.as_json(), "would": would} if would else receipt.as_json()
    return Result([*receipt.text(), *([would] if would else []), NOTHING_SENT], document)


def _decision(receipt: Receipt, choice: str, words: argparse.Namespace) -> str:
    """What a decision would do, in one sentence. Raises InputError where it would be refused."""
    from .writes.plan import STEP_TITLES

    run, state = receipt.run, receipt.current
    if run.state != "open" or state is None:
        raise InputError(f"run {run.id} has ended ({run.state}); there is nothing to decide")
    if words.ticket != run.plan.number:
        raise InputError(f"run {run.id} is on another ticket: type its number to confirm")
    if receipt.next != "decide" and (choice != "abandon" or state.state in ("unknown", "intent")):
        raise InputError(f"run {run.id} needs no decision now: `syncro runs resume {run.id}` looks and goes on with it")
    title, request = STEP_TITLES[state.step.name].lower(), state.step.request
    if choice == "abandon":
        return f"It would end run {run.id}; what was written stays in Syncro, and ticket {words.ticket} is free again."
    if choice == "adopt":
        return f"It would take record {words.adopt} as the {title} of run {run.id}, if it is there, and go on."
    if request is None:
        return "It would read it all back once more, and go on."
    if state.state == "mismatch":
        raise InputError("it was written, only not as planned: sending it again would make a second one")
    return f"It would send the {title} once more ({request.method} {request.path}), and go on."


# ---------------------------------------------------------------- without an account


def doctor(words: argparse.Namespace, door: Door) -> Result:
    """`syncro doctor`: configuration, key, what answers and what the key may read. The key itself never shows."""
    from .doctor import examine

    report = examine(door.environment, profile=words.profile, accept_journal=words.accept_journal)
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
    from .keys import Sealed

    # A wrong configuration is said here, not in a notebook.
    found = config.load(Sealed(door.environment), profile=words.profile)
    folder = Path(words.folder)
    copied = lab.put_notebooks(folder, door.say)
    for one in copied:
        door.say(f"copied {one.name} to {folder}")
    door.say(_account_line(found))
    status = lab.run_lab(
        folder, environment=_for_kernels(found), open_browser=not words.no_browser, ours=copied, announce=door.say
    )
    return Result(exit_status=status)


def _for_kernels(found: Config) -> dict[str, str]:
    """The same configuration for kernels, which run in another folder: every path absolute, and never a key."""
    environment = {"SYNCRO_NB_PROFILE": found.profile, "SYNCRO_NB_HOME": str(found.home.absolute())}
    return environment | ({"SYNCRO_NB_CONFIG": str(found.path.absolute())} if found.path else {})


def _account_line(found: Config) -> str:
    if found.url is None:
        return "Account:    the built-in sandbox (invented data); for yours, write a syncro.yaml: docs/configuration.md"
    source = f"profile {found.profile} of {found.path}" if found.path else "from the environment"
    return f"Account:    {found.account}  ({found.url}, {source})"


def completion(words: argparse.Namespace, door: Door) -> Result:
    """`syncro completion bash`: what the shell needs."""
    from . import config
    from .completion import script
    from .keys import Sealed

    house = config.load(Sealed(door.environment), profile=words.profile).house
    text = script(words.shell, house.labour)
    return Result(text.split("\n"), {"shell": words.shell, "script": text})


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day
    except ValueError:
        raise ConfigError(f"--today must be a day as in 2026-03-31, not {text[:40]!r}") from None


_ALONE: dict[str, Callable[[argparse.Namespace, Door], Result]] = {
    "completion": completion,
    "doctor": doctor,
    "sandbox": sandbox,
    "demo": demo,
    "lab": open_lab,
}
_WITH_TABLE = ("", "search", "customers", "triage", "runs", "unbilled", "reconcile", "report")
_ON_ACCOUNT: dict[str, Callable[[Any, argparse.Namespace, Door], Result]] = {
    "": list_open,
    "ticket": show_ticket,
    "search": looking.search,
    "customers": looking.customers,
    "triage": looking.triage,
    "bill": editing.bill,
    "create": editing.edit,
    "update": editing.edit,
    "comment": editing.edit,
    "close": editing.close,
    "timer start": editing.timer,
    "timer stop": editing.timer,
    "timer add": editing.timer,
    "timer charge": editing.timer,
    "timer delete": editing.timer,
    "sync": pull,
    "report": report,
    "reconcile": reconcile,
    "unbilled": unbilled,
    "runs": list_runs,
    "runs show": show_run,
    "runs audit": audit_runs,
    "runs resume": resume,
    "runs decide": decide,
}
