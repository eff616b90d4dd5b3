"""One input of a form: its description, and the widget that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets

from . import markup

INPUT_WIDTH = "440px"


@dataclass(frozen=True)
class Field:
    """One input. `kind`: line, long, whole, choice, flag, pick (type, or choose from a list that is offered), or several
    (any number of what the panel's look-up offers; hidden while it offers nothing). `hint` stands in the empty input, `note`
    below it."""

    name: str
    label: str
    kind: str = "line"
    default: Any = ""
    hint: str = ""
    choices: Sequence[tuple[str, Any]] = ()
    note: str = ""


def wide() -> widgets.Layout:
    """The layout of what may take the whole width."""
    return widgets.Layout(width="auto", max_width="1000px")


def widget_of(field: Field, *, lively: bool) -> Any:
    """The widget of a field. `lively`: it tells each key that is pressed, and not only what it holds when it is left."""
    shape = {
        "description": field.label,
        "style": {"description_width": "90px"},
        "layout": widgets.Layout(width=INPUT_WIDTH, max_width="100%"),
    }
    if field.kind == "flag":
        return widgets.Checkbox(value=bool(field.default), indent=True, **shape)
    if field.kind == "choice":
        return widgets.Dropdown(options=[("choose ...", ""), *field.choices], value=field.default, **shape)
    if field.kind == "several":
        shape["layout"].height = "70px"
        return widgets.SelectMultiple(options=(), **shape)
    typed = {"value": field.default, "placeholder": field.hint, "continuous_update": lively, **shape}
    if field.kind == "long":
        shape["layout"].height = "110px"
        return widgets.Textarea(**typed)
    if field.kind == "pick":
        return widgets.Combobox(options=[label for label, _ in field.choices], ensure_option=False, **typed)
    return widgets.Text(**typed)


def row_of(field: Field, widget: Any) -> Any:
    """The widget with the field's note below it; a `several` field begins hidden."""
    layout = widgets.Layout(display="none" if field.kind == "several" else "")
    if not field.note:
        return widgets.VBox([widget], layout=layout)
    note = widgets.HTML(
        markup.text(field.note, "quiet", small=True), layout=widgets.Layout(width="342px", margin="0 0 4px 100px")
    )
    return widgets.VBox([widget, note], layout=layout)


def offer(widget: Any, choices: Sequence[tuple[str, Any]]) -> None:
    """New choices for a `several` input; what was chosen and is still among them stays chosen.

    The choice is taken away first: a browser that hears of the shorter list before would look for a choice that is gone.
    """
    if tuple(widget.options) == tuple(choices):
        return
    offered = [value for _, value in choices]
    kept = tuple(value for value in widget.value if value in offered)
    widget.index = ()
    widget.options = tuple(choices)
    widget.value = kept
