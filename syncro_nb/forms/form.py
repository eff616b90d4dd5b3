"""One generic form: descriptions of fields in, widgets out; a draft, its problems, a preview, a confirmation, a run.

A screen (`screen.py`) says which fields there are and what they become; `ticketscreen.py` has what most of them share. Any
change of an input takes the preview and the confirmation away; the button only calls `submit()`, which checks everything
again. What goes wrong and is expected becomes the status line; anything else is shown there and raised. A run that stopped is
shown with the ways on (`ask.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import ipywidgets as widgets

from ..config import unknown
from ..errors import Error, InputError
from ..writes.receipt import Receipt
from . import markup
from .ask import Ask, standing
from .inputs import button, held_by, meant_by, offer, read, row_of, wide, widget_of
from .page import bundle, guarded, say_in
from .screen import Offer, Panel, Screen, Show


class Form:
    """A screen's widgets. `plan` is what was previewed and still holds; `receipt` what became of the last run.

    `values` fill inputs in, as drafts name them. Raises InputError for one that the form has not, or that cannot be.
    """

    def __init__(self, screen: Screen, values: Mapping[str, Any] | None = None) -> None:
        self.screen = screen
        self.plan: Any = None  # screen.Planned
        self.receipt: Any = None  # screen.Outcome
        self._planned: Any = None
        self._stale: list[str] = []  # the fields that were changed since the preview
        self._ended = False  # a run has ended, and nothing was changed since
        self._about: Any = None  # what the inputs are about: the ticket that was looked up last
        self._busy = self._quiet = False
        self._to_type = ""  # what confirms the plan, where a tick is not enough
        self._fields = {one.name: one for one in screen.fields}
        self._offering: set[str] = set()  # the inputs for which the look-up found something to choose
        self._kept: dict[str, Any] = {}  # what an input held before it went out of use
        self._filled: dict[str, str] = {}  # what we proposed, which a person has not touched
        self.inputs = {
            one.name: widget_of(one, lively=one.name != screen.looks_up or one.kind == "suggest")
            for one in screen.fields
        }
        self.rows = {one.name: row_of(one, self.inputs[one.name]) for one in screen.fields}
        self.confirm = widgets.Checkbox(description="", indent=False, disabled=True, layout=wide())
        self.confirm.layout.height = "auto"
        self.confirm.add_class(markup.WRAPS)
        self.asked = widgets.HTML(layout=wide())
        self.word = widgets.Text(placeholder="type it here to confirm", layout=widgets.Layout(width="260px"))
        self.typing = widgets.VBox([self.asked, self.word], layout=widgets.Layout(display="none"))
        self.preview_button = widgets.Button(description="Preview", icon="search", tooltip="Look live, send nothing")
        self.submit_button = widgets.Button(description="Write to Syncro", button_style="primary", disabled=True)
        self.submit_button.tooltip = f"{screen.account}: writes what you previewed and confirmed"
        self.status, self.side, self.shown, self.caution, self.steps = (widgets.HTML(layout=wide()) for _ in range(5))
        self._say = say_in(self.status)
        self.after = widgets.HBox([], layout=widgets.Layout(flex_flow="row wrap"))
        self.ask = Ask(self._guarded(self.go_on), screen.settle_seconds)
        self._lay_out()
        self._fill_in(dict(values or {}))
        self._gate()
        for name, widget in self.inputs.items():
            widget.observe(self._guarded(partial(self._changed, name)), "value")
        for one in (self.confirm, self.word):
            one.observe(self._guarded(lambda _: self._gate()), "value")
        self.preview_button.on_click(self._guarded(lambda _: self.look()))
        self.submit_button.on_click(self._guarded(lambda _: self.submit()))

    # ------------------------------------------------------------ what a program asks it

    @property
    def draft(self) -> Any:
        """The draft that the inputs make now."""
        return self.screen.draft(self.values)

    @property
    def problems(self) -> dict[str, str]:
        """What is missing, wrong or cannot be read now, by field."""
        _, unreadable = read(self.screen.fields, self._held)
        return {**self.screen.problems(self.draft), **unreadable}

    @property
    def values(self) -> dict[str, Any]:
        """The inputs by name, read by their kind; None for a number that is not there or cannot be read."""
        return read(self.screen.fields, self._held)[0]

    def look(self) -> Any:
        """Preview: read live, show the plan, send nothing. Raises InputError while there are problems."""
        self._forget()
        draft, problems = self.draft, self.problems
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
        self._to_type = self.screen.to_type(plan)
        if self._to_type:
            self.asked.value = markup.text(f"{self.screen.question(plan)}: type {self._to_type}", bold=True)
        else:
            self.confirm.description = self.screen.question(plan)
            self.confirm.disabled = False
        self.caution.value = "".join(markup.text(f"Warning: {one}", "warn", bold=True) for one in plan.warnings)
        self._gate()
        self._say("Read the preview, then confirm. Nothing has been sent.", "quiet")
        return plan

    def submit(self) -> Any:
        """Write what was previewed and confirmed, once; called again, it gives the same receipt and writes nothing.

        Raises InputError if nothing was previewed or confirmed, or if an input has changed since.
        """
        plan = self.plan
        if self._busy:
            raise InputError("it is being written at this moment")
        if plan is None and self._ended and self.receipt is not None:
            return self.receipt
        if plan is None or self._planned != self.draft or self.problems:
            raise InputError(self._stale_words if self._stale else "look at the preview first")
        if plan.blockers or not self._is_confirmed:
            first = f"type {self._to_type} to confirm" if self._to_type else "confirm the preview first"
            raise InputError("; ".join(plan.blockers) if plan.blockers else first)
        word = self.word.value.strip()
        return self._carry_out(lambda show: self.screen.apply(plan, word, show))

    def go_on(self, choice: str) -> Any:
        """Go on with the run that stopped: `resume`, or `adopt`, `resend`, `abandon` with the number typed in `ask`."""
        stopped = self.ask.receipt
        if self._busy:
            raise InputError("it is being written at this moment")
        if stopped is None:  # a click that came late
            return None
        ticket, record = self.ask.answer(choice)
        self._forget()
        return self._carry_out(lambda show: self.screen.go_on(stopped, choice, ticket, record, show))

    def __repr__(self) -> str:
        problems = self.problems
        if self.receipt is not None:
            return f"<{self.screen.title}: {self.receipt.message}>"
        if problems:
            return f"<{self.screen.title}: {'; '.join(problems.values())}>"
        return f"<{self.screen.title}: {'previewed, not confirmed' if self.plan else 'ready for the preview'}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return bundle(self.box, repr(self), **options)

    # ------------------------------------------------------------ inputs

    @property
    def _held(self) -> dict[str, Any]:
        return {name: widget.value for name, widget in self.inputs.items()}

    def _fill_in(self, values: dict[str, Any]) -> None:
        """The looked-up input first: it brings what the others choose from."""
        for name in values:
            if name not in self._fields:
                raise InputError(unknown(f"input of {self.screen.title!r} called", name, self._fields))
        first = self.screen.looks_up
        if values.get(first):
            self.inputs[first].value = held_by(self._fields[first], values.pop(first))
            self._guarded(lambda _: self._suggest(first))(None)
            self._guarded(lambda _: self._look_up())(None)
        for name, value in values.items():
            field, widget = self._fields[name], self.inputs[name]
            held = held_by(field, value)
            if field.kind in ("one", "several"):
                offered = [one for _, one in widget.options]
                if field.kind == "one" and isinstance(held, str) and held and held not in offered:
                    held = dict(widget.options)[meant_by(field, held, widget.options)]
                missing = [one for one in (held if field.kind == "several" else [held]) if one not in offered]
                if missing:
                    raise InputError(f"{field.label.lower()}: there is no {str(missing[0])[:40]} to choose")
            if widget.disabled:  # out of use as yet: another value may bring it in
                self._kept[name] = held
            else:
                widget.value = held
        self._switch()
        self._propose()
        self._switch()

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
        field = self._fields[name]
        if name == self.screen.looks_up:
            self._suggest(name)
            about = self.screen.about(self.values)
            other = about is not None and self._about not in (None, about)
            if self._ended or (other and self.screen.each_anew):
                self._empty()  # the next ticket begins with nothing of the last one's work
            self._forget()
            self._look_up()
            return
        if self.plan is not None or self._stale:
            self._stale += [field.label] if field.label not in self._stale else []
            self._unconfirm()
            self.shown.value = ""
            self._say(self._stale_words, "warn")
        elif not self.receipt:  # what became of a run stays on the page until the next preview or ticket
            self._say("", "plain")
        self._ended = False
        if field.is_pressed:
            self._propose()
            self._switch()

    def _switch(self) -> None:
        """Inputs that are out of use are greyed and emptied; what they held comes back with them."""
        values = self.values
        away = self.screen.away(values)
        off = {**self.screen.off(values), **{name: self._fields[name].empty for name in away}}
        with self._by_us():
            for name, widget in self.inputs.items():
                if name in off:
                    if not widget.disabled:
                        self._kept[name] = widget.value
                    widget.disabled, widget.value = True, off[name]
                elif widget.disabled:
                    widget.disabled = False
                    self._put(name, self._kept.pop(name))
        for name, field in self._fields.items():
            shown = name not in away and (not field.is_offered or name in self._offering)
            self.rows[name].layout.display = "" if shown else "none"

    def _put(self, name: str, value: Any) -> None:
        """What an input held before, unless it cannot be chosen any more."""
        if self._fields[name].kind in ("one", "several"):
            offered = [one for _, one in self.inputs[name].options]
            chosen = [one for one in (value if isinstance(value, tuple) else (value,)) if one in offered]
            value = tuple(chosen) if isinstance(value, tuple) else chosen[0] if chosen else self._fields[name].empty
        self.inputs[name].value = value

    def _suggest(self, name: str) -> None:
        if self._fields[name].kind == "suggest":
            options = self.screen.suggest(self.inputs[name].value)
            if options is not None:
                self.inputs[name].options = tuple(options)

    def _propose(self) -> None:
        with self._by_us():
            for name, words in self.screen.fills(self.values).items():
                if self.inputs[name].value.strip() in ("", self._filled.get(name)):
                    self.inputs[name].value = self._filled[name] = words

    def _look_up(self) -> None:
        if not self.screen.looks_up:
            return
        about = self.screen.about(self.values)
        self._about = self._about if about is None else about
        self.side.value = ""
        self.ask.show(None)
        with self._by_us():
            panel = Panel()
            try:
                panel = self.screen.look_up(self.values)
            finally:
                self._offering = {name for name, choices in panel.offers.items() if choices}
                for one in self.screen.fields:
                    if one.is_offered:
                        offer(one, self.inputs[one.name], panel.offers.get(one.name, ()))
                self._switch()
            if panel.found:
                self.inputs[self.screen.looks_up].value = panel.found
                self._about = self.screen.about(self.values)
        self.side.value = panel.html
        if panel.stopped is not None:
            self.ask.show(panel.stopped, self.screen.result(panel.stopped))

    def _empty(self) -> None:
        with self._by_us():
            for one in self.screen.fields:
                if one.name != self.screen.looks_up:
                    self.inputs[one.name].disabled = False
                    self.inputs[one.name].value = one.empty
        self._kept, self._filled = {}, {}

    # ------------------------------------------------------------ preview, run, result

    def _forget(self) -> None:
        """Nothing of an earlier preview or run is left on the page."""
        self._unconfirm()
        self.receipt, self._stale, self._ended = None, [], False
        self.shown.value = self.steps.value = ""
        self.after.children = ()
        self._say("", "plain")

    def _unconfirm(self) -> None:
        self.plan = self._planned = None
        self.confirm.value = False
        self.confirm.disabled = True
        self.confirm.description = self.caution.value = self.asked.value = self.word.value = self._to_type = ""
        self._gate()

    @property
    def _is_confirmed(self) -> bool:
        return self.word.value.strip() == self._to_type if self._to_type else bool(self.confirm.value)

    def _gate(self) -> None:
        self.submit_button.disabled = not (self._is_confirmed and self.plan is not None and not self._busy)
        self.confirm.layout.display = "" if self.confirm.description else "none"
        self.typing.layout.display = "" if self._to_type else "none"

    def _carry_out(self, work: Callable[[Show], Any]) -> Any:
        self._busy = True
        self.ask.lock(True)
        try:
            self._gate()
            self._say("writing ...", "quiet")
            receipt = work(self._show)
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

    def _show(self, html: str) -> None:
        self.steps.value = html

    def _show_receipt(self, receipt: Any) -> None:
        tone = "good" if receipt.is_verified else "bad" if receipt.exit_status else "warn"
        stopped = isinstance(receipt, Receipt) and receipt.next is not None
        self._say(f"{standing(receipt)} How to go on stands below." if stopped else receipt.message, tone)
        self.shown.value, self.steps.value = "" if stopped else self.screen.result(receipt), ""
        with suppress(Error):  # the outcome must stay readable, even if the next look fails
            self._look_up()
        if stopped:
            self.ask.show(receipt, self.screen.result(receipt))
            return
        if not self.screen.looks_up:
            self.ask.show(None)
        self.after.children = tuple(self._button_of(one) for one in self.screen.offers(receipt))

    def _button_of(self, one: Offer) -> widgets.Button:
        made = button(one.title, one.tooltip)

        def pressed(_: object) -> None:
            if made.disabled:  # once is enough: a file is never written over, so twice would be two
                return
            self.steps.value = markup.text(one.act(), "good")
            made.disabled = True

        made.on_click(self._guarded(pressed))
        return made

    # ------------------------------------------------------------ the page

    def _lay_out(self) -> None:
        has_list = any(one.kind == "several" and one.choices for one in self.screen.fields)
        left = widgets.VBox(
            [*self.rows.values(), self.preview_button, self.status],
            layout=widgets.Layout(width="auto" if has_list else "460px", max_width="100%"),
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
        after = [self.ask.box, self.shown, self.caution, self.confirm, self.typing, self.submit_button]
        self.box = widgets.VBox([head, columns, *after, self.after, self.steps])

    def _guarded(self, action: Callable[[Any], Any]) -> Callable[[Any], None]:
        return guarded(action, self._say)
