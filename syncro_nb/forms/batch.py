"""The form for billing many tickets: choose from what is unbilled, look, type count and total, write, keep the receipt.

    batch_form(ws)

Reading, planning and writing take minutes, so they run in a thread (`page.Work`) and Cancel answers meanwhile. Nothing here
decides anything: `ws.batches` plans, holds the words that are typed against the plan, carries out, and goes on later.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import ipywidgets as widgets

from ..errors import InputError, Stopped
from ..export import Written
from ..mirror.asking import Progress
from ..money import format_cents, total
from ..receiptfile import save_receipt
from ..workspace import Workspace
from ..writes.batch import Batch, Choice
from ..writes.batchreceipt import BatchReceipt
from ..writes.plan import STEP_TITLES
from ..writes.receipt import Receipt
from . import batchpreview, markup, preview
from .ask import Ask, standing
from .inputs import button, offer_one, wide
from .page import Work, bundle, guarded, say_in
from .screen import account
from .table import Table

if TYPE_CHECKING:
    import pandas as pd

R = TypeVar("R")

TITLE = "Bill many tickets"
WIDTHS = {
    "number": "60px",
    "customer": "180px",
    "subject": "270px",
    "status": "120px",
    "worked_on": "85px",
    "kind": "60px",
    "billable_hours": "70px",
    "amount_cents": "80px",
}
# How work is paid for that no bill is for, and how the page says it.
NOT_BILLED = {"contract": "covered by a contract", "internal": "internal", "warranty": "warranty"}
NEEDS_SOMEBODY = ("asked", "parked")


def batch_form(workspace: Workspace, *, work: pd.DataFrame | None = None, folder: Path | str = "receipts") -> BatchForm:
    """The form, on what is unbilled by the mirror of this account. Reads, never writes by itself.

    `work`: other rows to choose from (summary.unbilled.UNBILLED), as a part of them. `folder`: where receipts go.
    """
    return BatchForm(workspace, work=work, folder=folder)


class BatchForm:
    """The widgets. `batch` is what was previewed and still holds; `receipt` how the last batch stands."""

    def __init__(self, workspace: Workspace, *, work: pd.DataFrame | None, folder: Path | str) -> None:
        self._workspace = workspace
        self._given = work
        self._folder = folder
        self.batch: Batch | None = None
        self.receipt: BatchReceipt | None = None
        self._cancel = threading.Event()
        self._busy = ""  # what is done at this moment
        self._make()
        self._lay_out()
        self._show_work(*self._load_work())
        self._show_unfinished()
        self._gate()
        self._listen()

    # ------------------------------------------------------------ what a program asks it

    @property
    def choices(self) -> list[Choice]:
        """What is chosen: the selected timers, what waits on selected tickets as lines, and the tickets that were typed whole."""
        typed = re.split(r"[\s,;#]+", self.numbers.value.strip(" ,;#\t"))
        wrong = [one for one in typed if one and not re.fullmatch(r"[0-9]{1,12}", one)]
        if wrong:
            raise InputError(f"{wrong[0][:40]!r} is not the number of a ticket")
        rows = self.table.selected
        chosen = [
            Choice(int(number), (int(record),) if what.startswith("timer") else ())
            for number, record, what in zip(
                rows["number"], rows["record_id"], rows["what"].astype("str"), strict=True
            )
        ]  # fmt: skip
        return [*chosen, *(Choice(int(one)) for one in typed if one)]

    def look(self) -> Batch:
        """Preview: read every chosen ticket live and plan it, send nothing. Raises InputError if nothing is chosen."""
        return self._looking().now(self._ended)

    def submit(self) -> BatchReceipt:
        """Write what was previewed, if the words that were typed confirm it. Raises InputError, with nothing written, if not."""
        return self._writing().now(self._ended)

    def go_on(self, name: str | None = None) -> BatchReceipt:
        """Go on with an earlier batch: the chosen one of the list at the top, or the one of that name."""
        return self._going_on(name).now(self._ended)

    def decide(self, choice: str) -> Receipt | None:
        """Go on with the run that is shown: `resume`, or `adopt`, `resend`, `abandon` with the number typed in `ask`."""
        work = self._deciding(choice)
        return work.now(self._ended) if work else None

    def save(self) -> tuple[Written, Written]:
        """Write the receipt that is shown as .xlsx and .json. Raises InputError."""
        if self.receipt is None:
            raise InputError("there is no receipt yet")
        self.receipt = self._workspace.batches.receipt(self.receipt.batch.name)
        written = save_receipt(self.receipt, self.folder.value.strip() or ".", zone=self._workspace.zone)
        self._say_saved(" · ".join(str(one.path) for one in written), "good")
        return written

    def select(self, which: str) -> None:
        """Select rows: `all`, `resolved` (those of resolved tickets), `none`, `customer` or `tickets`: all rows
        of the customers, or of the tickets, of which some are selected."""
        rows = self.work
        if which == "all":
            mask = rows["number"].notna()
        elif which == "resolved":
            mask = rows["resolved"]
        elif which == "none":
            mask = rows["number"].isna()
        else:
            column = "customer" if which == "customer" else "number"
            mask = rows[column].isin(self.table.selected[column].tolist())
        self.table.selected = mask.to_numpy().nonzero()[0].tolist()

    def __repr__(self) -> str:
        if self.receipt is not None:
            return f"<{TITLE}: {self.receipt.message}>"
        if self.batch is not None:
            return f"<{TITLE}: previewed, not confirmed: {self.batch.confirmation}>"
        amount = format_cents(total(int(one) for one in self.work["amount_cents"]))
        return f"<{TITLE}: {len(self.work)} rows to choose from, {amount} as recorded>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return bundle(self.box, repr(self), **options)

    # ------------------------------------------------------------ the work, each as what takes long and what shows it

    def _looking(self) -> Work[Batch]:
        choices = self.choices
        self._begin("looking")
        self._forget()
        self.receipt = None
        self._show_receipt()

        def work() -> Batch:
            return self._workspace.batches.plan(choices, progress=self._tell, cancel=self._cancel)

        return Work(work, lambda batch: self._show_batch(batch, choices))

    def _writing(self) -> Work[BatchReceipt]:
        if self._busy:
            raise InputError(f"it is {self._busy} at this moment")
        batch, words = self.batch, self.words.value
        if batch is None:
            raise InputError("look at the preview first")
        if batch.blocked and not self.leave_out.value:
            raise InputError("say that the tickets that cannot be billed are left out, or take them out of the choice")
        problem = batch.unconfirmed(words)
        if problem:
            raise InputError(f"nothing was written: {problem}")
        self._begin("writing")

        def work() -> BatchReceipt:
            self._workspace.batches.confirm(batch, words)
            return self._workspace.batches.run(batch.name, progress=self._tell, cancel=self._cancel)

        return Work(work, self._show_outcome)

    def _going_on(self, name: str | None) -> Work[BatchReceipt]:
        wanted = name or self.earlier.value
        if not wanted:
            raise InputError("choose a batch")
        self._begin("writing")
        self._forget()
        return Work(
            lambda: self._workspace.batches.run(wanted, progress=self._tell, cancel=self._cancel), self._show_outcome
        )

    def _deciding(self, choice: str) -> Work[Receipt] | None:
        stopped = self.ask.receipt
        if stopped is None:  # a click that came late
            return None
        if self._busy:
            raise InputError(f"it is {self._busy} at this moment")
        number, record = self.ask.answer(choice)
        self._begin("writing")

        def progress(step: str, state: str, text: str) -> None:
            self._tell(0, 0, f"{STEP_TITLES[step].lower()}, {text or state}")
            if self._cancel.is_set():
                raise Stopped("cancelled; what was written is on record, and the run can be resumed")

        def work() -> Receipt:
            if choice == "resume":
                return self._workspace.resume(stopped.run.id, progress=progress)
            return self._workspace.decide(stopped.run.id, choice, ticket=number, record_id=record, progress=progress)

        return Work(work, self._show_run)

    def _reading(self) -> Work[tuple[pd.DataFrame, str]]:
        self._begin("reading")
        self._forget()
        return Work(self._read, lambda found: self._show_work(*found))

    def _begin(self, what: str) -> None:
        if self._busy:
            raise InputError(f"it is {self._busy} at this moment")
        self._busy = what
        self._cancel.clear()
        self._say("", "plain")
        self.progress.value, self.doing.value = 0.0, ""
        self.progress_box.layout.display = ""
        self._gate()

    def _ended(self) -> None:
        self._busy, self.doing.value = "", ""
        self.progress_box.layout.display = "none"
        self._show_unfinished()
        self._gate()

    def _tell(self, done: int, of: int, text: str) -> None:
        """Called in the thread: nothing but values is set."""
        if of:
            self.progress.value = done / of
        self.doing.value = markup.text(f"{done} of {of}: {text}" if of else text, "quiet")

    def _stop(self) -> None:
        self._cancel.set()
        self._say("Stopping before the next request that writes; what was begun is on record.", "warn")

    # ------------------------------------------------------------ what stands on the page

    def _read(self) -> tuple[pd.DataFrame, str]:
        """Bring the mirror up to date, and give what it says."""

        def progress(read: Progress) -> None:
            if self._cancel.is_set():
                raise Stopped("cancelled; what was read is kept, and the next sync goes on there")
            self._tell(read.done, read.done + read.left, f"requests: {read.what}")

        self._workspace.sync(progress=progress)
        return self._load_work()

    def _load_work(self) -> tuple[pd.DataFrame, str]:
        """The rows to choose from, as the mirror has them, and what must be said of them."""
        from .. import frames
        from ..summary.missing import say
        from ..summary.unbilled import UNBILLED

        if self._given is not None:
            return self._given, ""
        try:
            found = self._workspace.unbilled()
        except InputError:
            return frames.frame(UNBILLED, []), "Nothing was read from this account yet: press Read from Syncro."
        missing = f" Incomplete: {'; '.join(map(say, found.incomplete))}." if found.incomplete else ""
        return found.rows, f"As of {found.as_of.astimezone(self._workspace.zone):%Y-%m-%d %H:%M}.{missing}"

    def _show_work(self, rows: pd.DataFrame, remark: str) -> None:
        modes, loose = rows["mode"].astype("str"), rows["number"].isna()
        counts = {words: int((modes == mode).sum()) for mode, words in NOT_BILLED.items()}
        counts["without a known ticket"] = int((loose & ~modes.isin(NOT_BILLED)).sum())
        left_out = [f"{many} {what}" for what, many in counts.items() if many]
        self._remark = f"{remark} Not listed: {', '.join(left_out)}.".strip() if left_out else remark
        kept = rows[~modes.isin(NOT_BILLED) & ~loose]
        # A block pays by way of a bill, too: what it pays is to be seen here like the rest.
        kept = kept.assign(
            billable_hours=kept["billable_hours"] + kept["prepaid_hours"], amount_cents=kept["worth_cents"]
        )
        kept = kept.sort_values(["customer", "number", "worked_on", "record_id"])
        self._put_table(kept.reset_index(drop=True))

    def _put_table(self, rows: pd.DataFrame) -> None:
        self.work = rows
        zone = self._workspace.zone
        self.table = Table(
            rows, "What waits to be billed", columns=list(WIDTHS), zone=zone, name="unbilled", widths=WIDTHS
        )
        self.table.widget.observe(guarded(lambda _: self._changed("The choice"), self._say), "selected_rows")
        tone = "warn" if "Incomplete: " in self._remark else "quiet"
        remark = widgets.HTML(markup.text(self._remark, tone, small=True) if self._remark else "", layout=wide())
        self.place.children = [self.table.box, remark]
        self._show_choice()

    def _show_choice(self) -> None:
        rows = self.table.selected
        amount = format_cents(total(int(one) for one in rows["amount_cents"]))
        said = "Select rows by clicking; Shift-click for a range, Ctrl-click for single ones."
        if len(rows):
            parts = (
                f"{len(rows)} row{'' if len(rows) == 1 else 's'}",
                f"{rows['number'].nunique()} ticket(s)",
                f"{rows['customer'].nunique()} customer(s)",
            )
            said = f"Selected: {', '.join(parts)}, {amount} as recorded; the preview goes by your policy."
        self.chosen.value = markup.text(said, "quiet")

    def _changed(self, what: str) -> None:
        """A person has changed what is chosen: a preview of something else must not be confirmed."""
        self._show_choice()
        if self.batch is not None and not self._busy:
            self._forget()
            self._say(f"{what} changed since the preview: look at the preview again", "warn")

    def _show_batch(self, batch: Batch, choices: Sequence[Choice]) -> None:
        if choices != self.choices:
            raise InputError("the choice changed while it was looked at: look at the preview again")
        self.batch = batch
        self.shown.value = batchpreview.batch_preview(batch)
        many = len(batch.blocked)
        self.leave_out.description = f"Leave out the {many} ticket{'' if many == 1 else 's'} that cannot be billed"
        self.leave_out.layout.display = "" if batch.blocked and batch.ready else "none"
        if batch.ready:
            self.question.value = batchpreview.question(batch, self._whose)
            self.confirm_box.layout.display = ""
            self._say("Read the preview, then type the confirmation. Nothing has been sent.", "quiet")
        else:
            self._say("None of these tickets can be billed; the reasons stand below.", "bad")
        self._gate()

    def _forget(self) -> None:
        """Nothing of a preview is left on the page."""
        self.batch = None
        self.words.value = self.shown.value = self.question.value = self.typed.value = ""
        self.leave_out.value = False
        self.confirm_box.layout.display = self.leave_out.layout.display = "none"
        self._gate()

    def _show_outcome(self, receipt: BatchReceipt) -> None:
        self._forget()
        self.receipt = receipt
        self._say(receipt.message, batchpreview.receipt_tone(receipt))
        begun = [row.item.number for row in receipt.rows if row.receipt is not None]
        if self.work["number"].isin(begun).any():
            self._put_table(self.work[~self.work["number"].isin(begun)].reset_index(drop=True))
        self._show_receipt()

    def _show_run(self, run: Receipt) -> None:
        if self.receipt is not None:
            self.receipt = self._workspace.batches.receipt(self.receipt.batch.name)
        tone = "good" if run.is_verified else "bad" if run.exit_status else "warn"
        self._say(standing(run) if run.next else run.message, tone)
        self._show_receipt()

    def _show_receipt(self) -> None:
        receipt = self.receipt
        self.result.value = batchpreview.receipt_table(receipt) if receipt else ""
        self.save_box.layout.display = "" if receipt else "none"
        self._say_saved("", "plain")
        rows = [row for row in receipt.rows if row.state in NEEDS_SOMEBODY and row.receipt] if receipt else []
        offer_one(self.stopped, [(batchpreview.run_label(row), row.item.number) for row in rows])
        self.stopped_box.layout.display = "" if rows else "none"
        self._show_stopped()

    def _show_stopped(self) -> None:
        number = self.stopped.value
        rows = self.receipt.rows if self.receipt and number is not None else ()
        run = next((row.receipt for row in rows if row.item.number == number), None)
        self.ask.show(run, preview.receipt_result(run) if run else "")

    def _show_unfinished(self) -> None:
        """Earlier batches that are not at their end, at the top of the page."""
        every = self._workspace.batches.receipts()
        open_ones = [one for one in every if not one.is_finished or one.count("asked")]
        options = [(batchpreview.unfinished_label(one), one.batch.name) for one in open_ones]
        offer_one(self.earlier, options)
        self.earlier_box.layout.display = "" if options else "none"

    def _show_earlier(self) -> None:
        self._forget()
        self.receipt = self._workspace.batches.receipt(self.earlier.value)
        self._say(self.receipt.message, batchpreview.receipt_tone(self.receipt))
        self._show_receipt()

    def _give_up(self) -> None:
        if self._busy:
            raise InputError(f"it is {self._busy} at this moment")
        self.receipt = self._workspace.batches.give_up(self.earlier.value)
        self._say(self.receipt.message, batchpreview.receipt_tone(self.receipt))
        self._show_receipt()
        self._show_unfinished()

    def _gate(self) -> None:
        """Which buttons answer. Each handler asks again: a program's click ignores `disabled`."""
        busy = bool(self._busy)
        problem = self.batch.unconfirmed(self.words.value) if self.batch else "-"
        if self.batch and self.batch.blocked and not self.leave_out.value:
            problem = problem or "say that the tickets that cannot be billed are left out"
        self.submit_button.disabled = busy or bool(problem)
        self.typed.value = markup.text(problem, "quiet") if self.batch and self.words.value and problem else ""
        for one in (self.preview_button, self.read_button, self.go_on_button, self.give_up_button, self.show_button):
            one.disabled = busy
        for one in self.selecting.values():
            one.disabled = busy
        self.cancel_button.disabled = not self._busy
        self.ask.lock(busy)

    # ------------------------------------------------------------ the page

    def _make(self) -> None:
        self._whose = account(self._workspace)
        self._remark = ""
        self.status, self.chosen, self.shown, self.question = (widgets.HTML(layout=wide()) for _ in range(4))
        self.typed, self.doing, self.result, self.saved = (widgets.HTML(layout=wide()) for _ in range(4))
        self._say, self._say_saved = say_in(self.status), say_in(self.saved)
        self.selecting = {
            "resolved": button("All resolved", "Every row of tickets that are resolved"),
            "all": button("All", "Every row of the table"),
            "none": button("None", "No row"),
            "customer": button("This customer", "Every row of the customers of which a row is selected"),
            "tickets": button("Whole tickets", "Every row of the tickets of which a row is selected"),
        }
        named = {"style": {"description_width": "120px"}, "layout": widgets.Layout(width="440px", max_width="100%")}
        self.numbers = widgets.Text(description="Further tickets", placeholder="numbers, as in 32164 32185", **named)
        self.read_button = button("Read from Syncro", "Bring the mirror up to date", icon="refresh")
        self.preview_button = button("Preview", "Look live at every chosen ticket, send nothing", icon="search")
        self.progress = widgets.FloatProgress(min=0.0, max=1.0, layout=widgets.Layout(width="320px"))
        self.cancel_button = button("Cancel", "Stop before the next request that writes", icon="stop")
        self.leave_out = widgets.Checkbox(indent=False, layout=wide())
        self.words = widgets.Text(placeholder="number of tickets and total", layout=widgets.Layout(width="240px"))
        self.submit_button = button("Write to Syncro", f"{self._whose}: writes what you previewed and confirmed")
        self.submit_button.button_style = "primary"
        self.earlier = widgets.Dropdown(layout=widgets.Layout(width="640px", max_width="100%"))
        self.show_button = button("Show", "How this batch stands")
        self.go_on_button = button("Go on", "Look at what is in doubt, begin what was not begun, and finish it")
        self.give_up_button = button("Give up the rest", "What was not begun is not begun any more; writes nothing")
        self.stopped = widgets.Dropdown(description="Ticket", **named)
        self.ask = Ask(guarded(self._behind_choice, self._say), self._workspace.config.settle_seconds)
        self.folder = widgets.Text(description="Folder", value=str(self._folder), **named)
        self.save_button = button("Save the receipt", "As .xlsx and .json; a file that is there stays", icon="download")

    def _lay_out(self) -> None:
        badge = markup.badge(self._whose, "info" if self._workspace.is_sandbox else "plain")
        head = widgets.HTML(markup.heading(TITLE) + badge)
        self.place = widgets.VBox()
        unfinished = widgets.HTML(markup.text("Earlier batches that are not at their end", "warn", bold=True))
        self.earlier_box = widgets.VBox(
            [unfinished, _in_a_row(self.earlier, self.show_button, self.go_on_button, self.give_up_button)]
        )
        self.progress_box = _in_a_row(self.progress, self.cancel_button, self.doing)
        self.confirm_box = widgets.VBox(
            [self.leave_out, self.question, _in_a_row(self.words, self.submit_button), self.typed]
        )
        needs = widgets.HTML(markup.heading("Tickets that stopped"))
        self.stopped_box = widgets.VBox([needs, self.stopped, self.ask.box])
        self.save_box = widgets.VBox([_in_a_row(self.folder, self.save_button), self.saved])
        self.read_button.layout.display = "" if self._given is None else "none"
        for hidden in (self.progress_box, self.confirm_box, self.stopped_box, self.save_box, self.earlier_box):
            hidden.layout.display = "none"
        select = _in_a_row(*self.selecting.values())
        act = _in_a_row(self.preview_button, self.read_button)
        choose = [self.place, select, self.chosen, self.numbers, act]
        write = [self.shown, self.confirm_box, self.progress_box, self.status]
        write += [self.result, self.save_box, self.stopped_box]
        self.box = widgets.VBox([head, self.earlier_box, *choose, *write])

    def _listen(self) -> None:
        def on(one: Any, action: Callable[[], Any]) -> None:
            one.on_click(guarded(lambda _: action(), self._say))

        for which, one in self.selecting.items():
            on(one, partial(self.select, which))
        on(self.preview_button, lambda: self._behind(self._looking()))
        on(self.read_button, lambda: self._behind(self._reading()))
        on(self.submit_button, lambda: self._behind(self._writing()))
        on(self.go_on_button, lambda: self._behind(self._going_on(None)))
        on(self.show_button, self._show_earlier)
        on(self.give_up_button, self._give_up)
        on(self.cancel_button, self._stop)
        self.save_button.on_click(guarded(lambda _: self.save(), self._say_saved))
        self.numbers.observe(guarded(lambda _: self._changed("The choice"), self._say), "value")
        self.words.observe(guarded(lambda _: self._gate(), self._say), "value")
        self.leave_out.observe(guarded(lambda _: self._gate(), self._say), "value")
        self.stopped.observe(guarded(lambda _: self._show_stopped(), self._say), "value")

    def _behind(self, work: Work[R]) -> None:
        work.behind(self._ended, self._say)

    def _behind_choice(self, choice: str) -> None:
        work = self._deciding(choice)
        if work is not None:
            self._behind(work)


def _in_a_row(*parts: Any) -> widgets.HBox:
    """Side by side, and below each other where there is no room."""
    return widgets.HBox(parts, layout=widgets.Layout(flex_flow="row wrap"))
