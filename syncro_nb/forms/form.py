"""One generic form: descriptions of fields in, widgets out; a draft, its problems, a preview, a confirmation, a run.

A screen (`bill.py`) says which fields there are and what they become. Any change of an input takes the preview and the
confirmation away; the button only calls `submit()`, which checks everything again. What goes wrong and is expected becomes
the status line; anything else is shown there and raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import ipywidgets as widgets

from ..errors import Error, InputError
from ..writes.plan import STEP_TITLES, Plan
from ..writes.receipt import Receipt
from ..writes.run import Progress
from . import markup

_MARKS = {"verified": "✓", "adopted": "✓", "acked": "…", "intent": "…", "planned": "·", "skipped": "–"}


@dataclass(frozen=True)
class Field:
    """One input. `kind`: line, long, whole, choice, flag, pick (type, or choose from a list that is offered), or several
    (any number of what the panel's look-up offers; hidden while it offers nothing)."""

    name: str
    label: str
    kind: str = "line"
    default: Any = ""
    hint: str = ""
    choices: Sequence[tuple[str, Any]] = ()


class Screen(Protocol):
    """What a form is about."""

    title: str
    fields: Sequence[Field]
    looks_up: str  # the field whose change brings up the panel beside the form

    def draft(self, values: Mapping[str, Any]) -> Any:
        """The draft that the inputs make."""

    def problems(self, draft: Any) -> Mapping[str, str]:
        """What is missing or wrong, by field."""

    def look_up(self, draft: Any) -> tuple[str, Mapping[str, Sequence[tuple[str, Any]]]]:
        """What is to be seen beside the form, as HTML from `markup`, and what the `several` fields offer now."""

    def plan(self, draft: Any) -> Plan:
        """The plan, from live reads."""

    def preview(self, plan: Plan) -> str:
        """The plan as HTML from `markup`."""

    def question(self, plan: Plan) -> str:
        """What a person confirms, in one line."""

    def apply(self, plan: Plan, progress: Progress) -> Receipt:
        """Carry the plan out."""

    def result(self, receipt: Receipt) -> str:
        """The receipt as HTML from `markup`."""


class Form:
    """A screen's widgets. `plan` is what was previewed and still holds; `receipt` what became of the last run."""

    def __init__(self, screen: Screen, values: Mapping[str, Any] | None = None) -> None:
        self.screen = screen
        self.plan: Plan | None = None
        self.receipt: Receipt | None = None
        self._planned: Any = None
        self._busy = False
        self._offering = False
        self.inputs = {field.name: _widget(field) for field in screen.fields}
        self.confirm = widgets.Checkbox(description="", indent=False, disabled=True, layout=_wide())
        self.preview_button = widgets.Button(description="Preview", icon="search", tooltip="Look live, send nothing")
        self.submit_button = widgets.Button(description="Write to Syncro", button_style="primary", disabled=True)
        self.status, self.side, self.shown, self.steps = (widgets.HTML(layout=_wide()) for _ in range(4))
        self._lay_out()
        for name, value in (values or {}).items():
            self.inputs[name].value = value
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
        return self.screen.draft({name: widget.value for name, widget in self.inputs.items()})

    @property
    def problems(self) -> Mapping[str, str]:
        """What is missing or wrong now, by field."""
        return self.screen.problems(self.draft)

    def look(self) -> Plan:
        """Preview: read live, show the plan, send nothing. Raises InputError while there are problems."""
        self._unconfirm()
        draft = self.draft
        problems = self.screen.problems(draft)
        if problems:
            raise InputError("; ".join(problems.values()))
        self._say("looking in Syncro ...", "quiet")
        plan = self.screen.plan(draft)
        self.plan, self._planned, self.receipt = plan, draft, None
        self.shown.value = self.screen.preview(plan)
        self.steps.value = ""
        if plan.blockers:
            self._say("It cannot be written: " + "; ".join(plan.blockers), "bad")
        else:
            self.confirm.description = self.screen.question(plan)
            self.confirm.disabled = False
            self._gate()
            self._say("Read the preview, then confirm. Nothing has been sent.", "quiet")
        return plan

    def submit(self) -> Receipt:
        """Write what was previewed and confirmed, once. Raises InputError if it was not, or if an input has changed."""
        plan = self.plan
        if self._busy:
            raise InputError("it is being written at this moment")
        if plan is None or self._planned != self.draft:
            raise InputError("look at the preview first")
        if not self.confirm.value:
            raise InputError("confirm the preview first")
        self._busy = True
        states = dict.fromkeys(range(len(plan.steps)), "planned")
        try:
            self._gate()
            self._say("writing ...", "quiet")
            self._show_steps(plan, states, "")
            self.receipt = self.screen.apply(
                plan, lambda step, state, text: self._moved(plan, states, step, state, text)
            )
        finally:
            self._busy = False
            self._unconfirm()  # a second click finds nothing to write
        self._show_receipt(self.receipt)
        return self.receipt

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

    # ------------------------------------------------------------ inside

    def _lay_out(self) -> None:
        left = widgets.VBox([*self.inputs.values(), self.preview_button], layout=widgets.Layout(width="460px"))
        right = widgets.VBox(
            [self.side], layout=widgets.Layout(flex="1 1 320px", padding="0 0 0 20px", max_width="560px")
        )
        title = widgets.HTML(markup.heading(self.screen.title))
        self.box = widgets.VBox(
            [
                title,
                widgets.HBox([left, right], layout=widgets.Layout(flex_flow="row wrap")),
                self.status,
                self.shown,
                self.confirm,
                self.submit_button,
                self.steps,
            ]
        )

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

    def _changed(self, name: str, _: object) -> None:
        if self._offering:  # it is the look-up that changes what a field offers, not a person
            return
        self._unconfirm()
        self.shown.value = self.steps.value = ""
        self._say("", "plain")
        if name == self.screen.looks_up:
            if self.receipt is not None:
                self._empty()  # the next ticket begins with nothing of the last one's work
            self._look_up()
        self.receipt = None

    def _look_up(self) -> None:
        self.side.value = ""
        self.side.value, offers = self.screen.look_up(self.draft)
        self._offering = True
        for field in self.screen.fields:
            if field.kind == "several":
                self.inputs[field.name].options = offers.get(field.name, ())
                self.inputs[field.name].layout.display = "" if offers.get(field.name) else "none"
        self._offering = False

    def _empty(self) -> None:
        for field in self.screen.fields:
            if field.name != self.screen.looks_up and field.kind != "several":
                self.inputs[field.name].value = field.default

    def _unconfirm(self) -> None:
        self.plan = self._planned = None
        self.confirm.value = False
        self.confirm.disabled = True
        self.confirm.description = ""
        self._gate()

    def _gate(self) -> None:
        self.submit_button.disabled = not (self.confirm.value and self.plan is not None and not self._busy)
        self.confirm.layout.display = "" if self.confirm.description else "none"

    def _moved(self, plan: Plan, states: dict[int, str], step: str, state: str, text: str) -> None:
        """A step has moved: the first of its name that is not settled yet."""
        index = next(
            (i for i, one in enumerate(plan.steps) if one.name == step and states[i] not in ("verified", "adopted")),
            None,
        )
        if index is not None:
            states[index] = state
        self._show_steps(plan, states, text)

    def _show_steps(self, plan: Plan, states: Mapping[int, str], text: str) -> None:
        rows = [(_MARKS.get(states[i], "!"), STEP_TITLES[one.name], states[i]) for i, one in enumerate(plan.steps)]
        self.steps.value = markup.table(("", "Step", "State"), rows) + (markup.text(text, "quiet") if text else "")

    def _show_receipt(self, receipt: Receipt) -> None:
        tone = "good" if receipt.is_verified else "bad" if receipt.exit_status else "warn"
        self._say(receipt.message, tone)
        self.shown.value, self.steps.value = self.screen.result(receipt), ""
        self._look_up()

    def _say(self, words: str, tone: str) -> None:
        self.status.value = markup.text(words, tone, bold=tone in ("good", "bad")) if words else ""


def _wide() -> widgets.Layout:
    return widgets.Layout(width="auto", max_width="1000px")


def _widget(field: Field) -> Any:
    """The widget of a field. Values are sent when the field is left, so that half a number is never looked up."""
    style = {"description_width": "90px"}
    shape = {"description": field.label, "style": style, "layout": widgets.Layout(width="440px")}
    if field.kind == "flag":
        return widgets.Checkbox(value=bool(field.default), indent=True, **shape)
    if field.kind == "choice":
        return widgets.Dropdown(options=[("choose ...", ""), *field.choices], value=field.default, **shape)
    if field.kind == "long":
        shape["layout"] = widgets.Layout(width="440px", height="110px")
        return widgets.Textarea(value=field.default, placeholder=field.hint, continuous_update=False, **shape)
    if field.kind == "several":
        shape["layout"] = widgets.Layout(width="440px", height="70px", display="none")
        return widgets.SelectMultiple(options=(), **shape)
    if field.kind == "pick":
        offered = [label for label, _ in field.choices]
        return widgets.Combobox(
            value=field.default,
            options=offered,
            placeholder=field.hint,
            ensure_option=False,
            continuous_update=False,
            **shape,
        )
    return widgets.Text(value=field.default, placeholder=field.hint, continuous_update=False, **shape)
