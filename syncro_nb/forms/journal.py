"""The journal of writes on the screen: every run, those that ask first; one of them with its evidence and the ways on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from .. import frames
from ..errors import InputError
from ..escape import clip
from ..tables import Column
from ..workspace import Workspace
from ..writes.plan import STEP_TITLES
from ..writes.receipt import Receipt
from . import markup, preview
from .ask import Ask, standing
from .inputs import button, wide
from .page import bundle, guarded, say_in
from .screen import account
from .table import Table
from .ticketscreen import go_on

if TYPE_CHECKING:
    import pandas as pd

RUN_LIST = {
    "run": Column("str", "name of the run"),
    "about": Column("str", "the ticket, customer or invoice that it is on"),
    "kind": Column("category", "what was written"),
    "state": Column("category", "open, done, abandoned, or nothing was written"),
    "next": Column("str", "decide: a person must say; resume: it looks again and goes on; empty: it has ended"),
    "what_happened": Column("str", "where it stands, or how it ended"),
    "started_at": Column("datetime64[us, UTC]", "when it was confirmed"),
    "last_moved_at": Column(
        "datetime64[us, UTC]", "when anything about it last changed; evidence says when it was looked for"
    ),
}
_URGENCY = {"decide": 0, "resume": 1, None: 2}


def journal_form(workspace: Workspace, run: str | None = None) -> JournalForm:
    """The runs of this home's journal; `run` is chosen. Opening it reads the journal alone, and asks Syncro for nothing."""
    return JournalForm(workspace, run)


def run_list(workspace: Workspace) -> pd.DataFrame:
    """The runs as RUN_LIST: those that wait for a person, then those that can go on, then the others; the newest first."""
    moved = workspace.journal.moved()
    receipts = sorted(workspace.receipts(), key=lambda one: _URGENCY[one.next])  # stable: newest first in each
    return frames.frame(RUN_LIST, (_row(one, moved) for one in receipts))


def _row(receipt: Receipt, moved: dict[str, datetime]) -> tuple[Any, ...]:
    run = receipt.run
    said = standing(receipt) if receipt.next else receipt.message
    ended = run.state, receipt.next or ""
    return run.id, run.plan.where, run.plan.kind, *ended, said, run.started_at, moved.get(run.id, run.started_at)


class JournalForm:
    """The list, the run that is chosen in it, and what can be done about that. `receipt` is that run as it stands now."""

    def __init__(self, workspace: Workspace, run: str | None = None) -> None:
        self._workspace = workspace
        self.receipt: Receipt | None = None
        self._busy = False
        self.head, self.detail, self.status, self.steps = (widgets.HTML(layout=wide()) for _ in range(4))
        self._say = say_in(self.status)
        self.ask = Ask(self._guarded(self.go_on), workspace.config.settle_seconds)
        self.again = button("Read the journal again", "Another notebook or terminal may have moved a run")
        self.again.on_click(self._guarded(lambda _: self.refresh()))
        badge = markup.badge(account(workspace), "info" if workspace.is_sandbox else "plain")
        self.head.value = markup.LABELS_WRAP + markup.heading("The journal of writes") + badge
        self.table = self._new_table()
        self.box = widgets.VBox()
        self._lay_out()
        if run is not None:
            self.choose(run)

    def choose(self, run: str) -> Receipt:
        """Show one run. Raises InputError if there is none of that name."""
        receipt = self._workspace.receipt(run)
        self.receipt = receipt
        self._say("", "plain")
        self._show(receipt)
        return receipt

    def go_on(self, choice: str) -> Receipt | None:
        """Go on with the chosen run: `resume`, or `adopt`, `resend`, `abandon` with the number typed in `ask`."""
        stopped = self.ask.receipt
        if self._busy:
            raise InputError("it is being written at this moment")
        if stopped is None:  # a click that came late
            return None
        ticket, record = self.ask.answer(choice)
        self._busy = True
        self.ask.lock(True)
        try:
            self._say("looking ...", "quiet")
            receipt = go_on(self._workspace, stopped, choice, ticket, record, self._tell)
        finally:
            self._busy = False
            self.ask.lock(False)
            self.steps.value = ""
        self.receipt = receipt
        self.refresh()
        self._show(receipt)
        tone = "good" if receipt.is_verified else "bad" if receipt.exit_status else "warn"
        looked = f"Looked in Syncro at {self._workspace.now():%H:%M:%S} UTC. "
        self._say(f"{looked}{standing(receipt)}" if receipt.next else receipt.message, tone)
        return receipt

    def refresh(self) -> None:
        """Read the journal anew: another notebook or terminal may have moved a run."""
        self.table = self._new_table()
        self._lay_out()
        if self.receipt is not None:
            self.receipt = self._workspace.receipt(self.receipt.run.id)
            self._show(self.receipt)

    def __repr__(self) -> str:
        runs = self.table.frame
        asked, open_runs = (int((runs["next"] == one).sum()) for one in ("decide", "resume"))
        chosen = f"; {self.receipt.run.id}: {self.receipt.message}" if self.receipt else ""
        return f"<The journal of writes: {len(runs)} run(s), {asked} to decide, {open_runs} to resume{chosen}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return bundle(self.box, repr(self), **options)

    # ------------------------------------------------------------ inside

    def _new_table(self) -> Table:
        columns = ["run", "about", "state", "next", "what_happened", "last_moved_at"]
        table = Table(run_list(self._workspace), columns=columns, zone=None, name="runs")
        table.widget.observe(lambda change: self._guarded(self._selected)(change["new"]), "selected_rows")
        return table

    def _selected(self, places: Any) -> None:
        if len(places) != 1:
            return
        self.choose(str(self.table.frame["run"].iloc[places[0]]))

    def _show(self, receipt: Receipt) -> None:
        self.detail.value = _detail(receipt, self._workspace)
        self.ask.show(receipt, "")

    def _tell(self, html: str) -> None:
        self.steps.value = html

    def _lay_out(self) -> None:
        hint = "Choose a run: click its row. Nothing is sent until you press a button below it. Times are UTC."
        if self.table.frame.empty:
            hint = "Nothing was ever written from here."
        note = widgets.HTML(markup.text(hint, "quiet"))
        above = [self.head, self.table.box, note, self.again]
        self.box.children = (*above, self.detail, self.ask.box, self.steps, self.status)

    def _guarded(self, action: Callable[[Any], Any]) -> Callable[[Any], None]:
        return guarded(action, self._say)


def _detail(receipt: Receipt, workspace: Workspace) -> str:
    """The run: what it was for, each step, and what was noted of it, in order."""
    run = receipt.run
    pairs = [
        ("About", run.plan.where),
        ("Customer", clip(run.plan.customer_name, 60) or "none"),
        ("Subject", clip(run.plan.subject, 80) or "none"),
        ("Confirmed", f"{run.started_at:%Y-%m-%d %H:%M} UTC"),
    ]
    events = [
        (
            f"{datetime.fromisoformat(one['at']):%m-%d %H:%M:%S}",
            STEP_TITLES.get(one["step"], ""),
            one["what"],
            _said(one),
        )
        for one in workspace.journal.events(run.id)
    ]
    return "".join(
        [
            markup.heading(f"Run {run.id}"),
            markup.facts(pairs),
            preview.receipt_result(receipt),
            markup.heading("What is on record"),
            markup.table(("UTC", "Step", "State", ""), events, whole=frozenset({0, 1, 2})),
        ]
    )


def _said(event: dict[str, Any]) -> str:
    """What an event holds besides its state, on one line."""
    detail = event["detail"]
    parts = [str(detail[name]) for name in ("reason", "question") if detail.get(name)]
    parts += [str(one) for name in ("differences", "evidence") for one in detail.get(name) or ()]
    parts += [f"id {detail['id']}"] if detail.get("id") is not None else []
    return clip("; ".join(dict.fromkeys(parts)), 300)
