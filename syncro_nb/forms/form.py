"""One generic form: descriptions of fields in, widgets out; a draft, its problems, a preview, a confirmation, a run.

A screen (`screen.py`, `bill.py`) says which fields there are and what they become. Any change of an input takes the preview
and the confirmation away; the button only calls `submit()`, which checks everything again. What goes wrong and is expected
becomes the status line; anything else is shown there and raised. A run that stopped is shown with the ways on (`ask.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import ipywidgets as widgets

from ..errors import Error, InputError
from ..writes.plan import Plan
from ..writes.receipt import Receipt
from ..writes.run import Progress
from . import markup
from .ask import Ask, moving, standing
from .inputs import offer, row_of, wide, widget_of
from .screen import Panel, Screen


class Form:
    """A screen's widgets. `plan` is what was previewed and still holds; `receipt` what became of the last run."""

    def __init__(self, screen: Screen, values: Mapping[str, Any] | None = None) -> None:
        self.screen = screen
        self.plan: Plan | None = None
        self.receipt: Receipt | None = None
        self._planned: Any = None
        self._stale: list[str] = []  # the fields that were changed since the preview
        self._ended = False  # a run has ended, and nothing was changed since
        self._about: Any = None  # what the inputs are about: the ticket that was looked up last
        self._busy = self._quiet = False
        self._kept: dict[str, Any] = {}  # what an input held before it went out of use
        self._filled: dict[str, str] = {}  # what we proposed, which a person has not touched
        self.inputs = {one.name: widget_of(one, lively=one.name != screen.looks_up) for one in screen.fields}
        self.rows = {one.name: row_of(one, self.inputs[one.name]) for one in screen.fields}
        self.confirm = widgets.Checkbox(description="", indent=False, disabled=True, layout=wide())
        self.confirm.layout.height = "auto"
        self.confirm.add_class(markup.WRAPS)
        self.preview_button = widgets.Button(description="Preview", icon="search", tooltip="Look live, send nothing")
        self.submit_button = widgets.Button(description="Write to Syncro", button_style="primary", disabled=True)
        self.submit_button.tooltip = f"{screen.account}: writes what you previewed and confirmed"
        self.status, self.side, self.shown, self.caution, self.steps = (widgets.HTML(layout=wide()) for _ in range(5))
        self.ask = Ask(self._guarded(self.go_on), screen.settle_seconds)
        self._lay_out()
        for name, value in (values or {}).items():
            self.inputs[name].value = value
        self._switch()
        self._gate()
        if self.inputs[screen.looks_up].value:
            self._guarded(lambda _: self._look_up())(None)
        for name, widget in self.inputs.items():
            widget.observe(self._guarded(partial(self._changed, name)), "value")
        self.confirm.observe(self._guarded(lambda _: self._gate()), "value")
        self.preview_button.on_click(self._guarded(lambda _: self.look()))
        self.submit_button.on_click(self._guarded(lambda _: self.submit()))

    # ------------------------------------------------------------ what a program asks it

    @property
    def draft(self) -> Any:
        """The draft that the inputs make now."""
        return self.screen.draft(self._values)

    @property
    def problems(self) -> Mapping[str, str]:
        """What is missing or wrong now, by field."""
        return self.screen.problems(self.draft)

    def look(self) -> Plan:
        """Preview: read live, show the plan, send nothing. Raises InputError while there are problems."""
        self._forget()
        draft = self.draft
        problems = self.screen.problems(draft)
        if problems:
            raise InputError("; ".join(problems.values()))
        self._say("looking in Syncro ...", "quiet")
        plan = self.screen.plan(draft)
        self.plan, self._planned = plan, draft
        self.shown.value = self.screen.preview(plan)
        if plan.blockers:
            with suppress(Error):  # what stands against it may be new: show the ticket as it is
                self._look_up()
            self._say("It cannot be written: " + "; ".join(plan.blockers), "bad")
            return plan
        self.confirm.description = self.screen.question(plan)
        self.confirm.disabled = False
        self.caution.value = "".join(markup.text(f"Warning: {one}", "warn", bold=True) for one in plan.warnings)
        self._gate()
        self._say("Read the preview, then confirm. Nothing has been sent.", "quiet")
        return plan

    def submit(self) -> Receipt:
        """Write what was previewed and confirmed, once; called again, it gives the same receipt and writes nothing.

        Raises InputError if nothing was previewed or confirmed, or if an input has changed since.
        """
        plan = self.plan
        if self._busy:
            raise InputError("it is being written at this moment")
        if plan is None and self._ended and self.receipt is not None:
            return self.receipt
        if plan is None or self._planned != self.draft:
            raise InputError(self._stale_words if self._stale else "look at the preview first")
        if plan.blockers or not self.confirm.value:
            raise InputError("; ".join(plan.blockers) if plan.blockers else "confirm the preview first")
        states = dict.fromkeys(range(len(plan.steps)), "planned")
        return self._carry_out(plan, states, lambda progress: self.screen.apply(plan, progress))

    def go_on(self, choice: str) -> Receipt | None:
        """Go on with the run that stopped: `resume`, or `adopt`, `resend`, `abandon` with the number typed in `ask`."""
        stopped = self.ask.receipt
        if self._busy:
            raise InputError("it is being written at this moment")
        if stopped is None:  # a click that came late
            return None
        ticket, record = self.ask.answer(choice)
        self._forget()
        states = {one.seq: one.state for one in stopped.run.steps}
        return self._carry_out(
            stopped.run.plan,
            states,
            lambda progress: self.screen.go_on(stopped.run.id, choice, ticket, record, progress),
        )

    def __repr__(self) -> str:
        problems = self.problems
        if self.receipt is not None:
            return f"<{self.screen.title}: {self.receipt.message}>"
        if problems:
            return f"<{self.screen.title}: {'; '.join(problems.values())}>"
        return f"<{self.screen.title}: {'previewed, not confirmed' if self.plan else 'ready for the preview'}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = self.box._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["text/plain"] = repr(self)
        return data

    # ------------------------------------------------------------ inputs

    @property
    def _values(self) -> dict[str, Any]:
        return {name: widget.value for name, widget in self.inputs.items()}

    @property
    def _stale_words(self) -> str:
        return f"{' and '.join(self._stale)} changed since the preview: look at the preview again"

    @contextmanager
    def _by_us(self) -> Iterator[None]:
        """What changes meanwhile was changed by the form, not by a person."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    def _changed(self, name: str, _: object) -> None:
        if self._quiet:
            return
        if name == self.screen.looks_up:
            about = getattr(self.draft, name)
            if self._ended or (about is not None and self._about not in (None, about)):
                self._empty()  # the next ticket begins with nothing of the last one's work
            self._forget()
            self._look_up()
            return
        kinds = {one.name: one for one in self.screen.fields}
        if self.plan is not None or self._stale:
            self._stale += [kinds[name].label] if kinds[name].label not in self._stale else []
            self._unconfirm()
            self.shown.value = ""
            self._say(self._stale_words, "warn")
        elif not self.receipt:  # what became of a run stays on the page until the next preview or ticket
            self._say("", "plain")
        self._ended = False
        if kinds[name].kind == "several":
            self._propose()
        self._switch()

    def _switch(self) -> None:
        """Inputs that are out of use are greyed and emptied; what they held comes back with them."""
        off = self.screen.off(self._values)
        with self._by_us():
            for name, widget in self.inputs.items():
                if name in off:
                    if not widget.disabled:
                        self._kept[name] = widget.value
                    widget.disabled, widget.value = True, off[name]
                elif widget.disabled:
                    widget.disabled, widget.value = False, self._kept.pop(name)

    def _propose(self) -> None:
        with self._by_us():
            for name, words in self.screen.fills(self._values).items():
                if self.inputs[name].value.strip() in ("", self._filled.get(name)):
                    self.inputs[name].value = self._filled[name] = words

    def _look_up(self) -> None:
        about = getattr(self.draft, self.screen.looks_up)
        self._about = self._about if about is None else about
        self.side.value = ""
        self.ask.show(None)
        with self._by_us():
            panel = Panel()
            try:
                panel = self.screen.look_up(self._values)
            finally:
                for one in self.screen.fields:
                    if one.kind == "several":
                        offer(self.inputs[one.name], panel.offers.get(one.name, ()))
                        self.rows[one.name].layout.display = "" if panel.offers.get(one.name) else "none"
            if panel.found:
                self.inputs[self.screen.looks_up].value = panel.found
                self._about = getattr(self.draft, self.screen.looks_up)
        self.side.value = panel.html
        self._switch()
        if panel.stopped is not None:
            self.ask.show(panel.stopped, self.screen.result(panel.stopped))

    def _empty(self) -> None:
        with self._by_us():
            for one in self.screen.fields:
                if one.name != self.screen.looks_up:
                    self.inputs[one.name].disabled = False
                    self.inputs[one.name].value = () if one.kind == "several" else one.default
        self._kept, self._filled = {}, {}

    # ------------------------------------------------------------ preview, run, result

    def _forget(self) -> None:
        """Nothing of an earlier preview or run is left on the page."""
        self._unconfirm()
        self.receipt, self._stale, self._ended = None, [], False
        self.shown.value = self.steps.value = ""
        self._say("", "plain")

    def _unconfirm(self) -> None:
        self.plan = self._planned = None
        self.confirm.value = False
        self.confirm.disabled = True
        self.confirm.description = self.caution.value = ""
        self._gate()

    def _gate(self) -> None:
        self.submit_button.disabled = not (self.confirm.value and self.plan is not None and not self._busy)
        self.confirm.layout.display = "" if self.confirm.description else "none"

    def _carry_out(self, plan: Plan, states: dict[int, str], work: Callable[[Progress], Receipt]) -> Receipt:
        self._busy = True
        self.ask.lock(True)
        try:
            self._gate()
            self._say("writing ...", "quiet")
            self.steps.value = moving(plan, states, "")
            receipt = work(lambda step, state, text: self._moved(plan, states, step, state, text))
        except Error:  # nothing of the old preview holds any more: the ticket is shown as it is now
            self.shown.value = self.steps.value = ""
            with suppress(Error):
                self._look_up()
            raise
        finally:
            self._busy = False
            self._stale = []
            self._unconfirm()  # a second click finds nothing to write
            self.ask.lock(False)
        self.receipt, self._ended = receipt, True
        self._show_receipt(receipt)
        return receipt

    def _moved(self, plan: Plan, states: dict[int, str], step: str, state: str, text: str) -> None:
        """A step has moved: the first of its name that is not settled yet."""
        index = next(
            (i for i, one in enumerate(plan.steps) if one.name == step and states[i] not in ("verified", "adopted")),
            None,
        )
        if index is not None:
            states[index] = state
        self.steps.value = moving(plan, states, text)

    def _show_receipt(self, receipt: Receipt) -> None:
        tone = "good" if receipt.is_verified else "bad" if receipt.exit_status else "warn"
        self._say(f"{standing(receipt)} How to go on stands below." if receipt.next else receipt.message, tone)
        self.shown.value, self.steps.value = "" if receipt.next else self.screen.result(receipt), ""
        with suppress(Error):  # the outcome must stay readable, even if the next look fails
            self._look_up()
        if receipt.next:
            self.ask.show(receipt, self.screen.result(receipt))

    # ------------------------------------------------------------ the page

    def _lay_out(self) -> None:
        left = widgets.VBox(
            [*self.rows.values(), self.preview_button, self.status],
            layout=widgets.Layout(width="460px", max_width="100%"),
        )
        right = widgets.VBox(
            [self.side], layout=widgets.Layout(flex="1 1 320px", padding="0 0 0 20px", max_width="560px")
        )
        # wrap-reverse: where there is no room for two columns, the panel stands above the inputs
        columns = widgets.HBox(
            [left, right], layout=widgets.Layout(flex_flow="row wrap-reverse", align_items="flex-end")
        )
        account = markup.badge(self.screen.account, "info" if self.screen.is_sandbox else "plain")
        head = widgets.HTML(markup.LABELS_WRAP + markup.heading(self.screen.title) + account)
        after = [self.ask.box, self.shown, self.caution, self.confirm, self.submit_button, self.steps]
        self.box = widgets.VBox([head, columns, *after])

    def _guarded(self, action: Callable[[Any], Any]) -> Callable[[Any], None]:
        """JupyterLab shows nothing of an exception in a callback: expected ones go to the status line, others there and up."""

        def run(event: Any) -> None:
            try:
                action(event)
            except Error as error:
                self._say(str(error), "bad")
            except Exception as error:
                self._say(f"A fault of syncro_nb, please report it: {type(error).__name__}", "bad")
                raise

        return run

    def _say(self, words: str, tone: str) -> None:
        self.status.value = markup.text(words, tone, bold=tone in ("good", "bad")) if words else ""
