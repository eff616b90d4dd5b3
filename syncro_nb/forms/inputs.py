"""One input of a form: its description, the widget that it becomes, and how what stands in it is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import ipywidgets as widgets

from ..config import unknown
from ..errors import InputError
from ..money import cents, dollars, exact
from ..words import pick
from . import markup

INPUT_WIDTH, LIST_WIDTH = "440px", "900px"
_LINES = {"whole", "money", "decimal"}  # a line of text that is read as a number
_PICKED = ("choice", "one")


@dataclass(frozen=True)
class Field:
    """One input. `kind`: line, long, whole, money (dollars; read as cents), decimal, date,
    moment (day and time by the account's clock), flag, choice (one of `choices`),
    pick (type, or choose from `choices`), suggest (type, and what fits is offered meanwhile), or `one` and `several` of what
    the panel's look-up offers (hidden while it offers nothing; `several` may have `choices` of its own instead).

    `hint` stands in the empty input, `note` below it.
    """

    name: str
    label: str
    kind: str = "line"
    default: Any = ""
    hint: str = ""
    choices: Sequence[tuple[str, Any]] = ()
    note: str = ""

    @property
    def empty(self) -> Any:
        """What the widget holds while nobody has touched it."""
        return {"several": (), "date": None, "moment": None}.get(self.kind, self.default)

    @property
    def is_offered(self) -> bool:
        """Whether the look-up says what there is to choose from."""
        return self.kind == "one" or (self.kind == "several" and not self.choices)

    @property
    def is_pressed(self) -> bool:
        """Whether one press changes it: then what follows from it is done at once."""
        return self.kind in (*_PICKED, "several", "flag")


def wide() -> widgets.Layout:
    """The layout of what may take the whole width."""
    return widgets.Layout(width="auto", max_width="1000px")


def button(title: str, tooltip: str, **more: Any) -> widgets.Button:
    """A button as wide as its title."""
    layout = widgets.Layout(width="auto", min_width="120px", align_self="flex-start")
    return widgets.Button(description=title, tooltip=tooltip, layout=layout, **more)


def widget_of(field: Field, *, lively: bool) -> Any:
    """The widget of a field. `lively`: it tells each key that is pressed, and not only what it holds when it is left."""
    shape = {
        "description": field.label,
        "style": {"description_width": "90px"},
        "layout": widgets.Layout(width=INPUT_WIDTH, max_width="100%"),
    }
    if field.kind == "flag":
        return widgets.Checkbox(value=bool(field.default), indent=True, **shape)
    if field.kind in _PICKED:
        return widgets.Dropdown(options=_options(field, field.choices), value=field.default, **shape)
    if field.kind == "several":
        shape["layout"].height = "200px" if field.choices else "70px"
        shape["layout"].width = LIST_WIDTH if field.choices else INPUT_WIDTH
        return widgets.SelectMultiple(options=tuple(field.choices), **shape)
    if field.kind == "date":
        return widgets.DatePicker(value=None, **shape)
    if field.kind == "moment":
        return widgets.NaiveDatetimePicker(value=None, **shape)
    typed = {"value": field.default, "placeholder": field.hint, "continuous_update": lively, **shape}
    if field.kind == "long":
        shape["layout"].height = "110px"
        return widgets.Textarea(**typed)
    if field.kind in ("pick", "suggest"):
        return widgets.Combobox(options=[label for label, _ in field.choices], ensure_option=False, **typed)
    return widgets.Text(**typed)


def row_of(field: Field, widget: Any) -> Any:
    """The widget with the field's note below it; what a look-up has to fill begins hidden."""
    layout = widgets.Layout(display="none" if field.is_offered else "")
    if not field.note:
        return widgets.VBox([widget], layout=layout)
    note = widgets.HTML(
        markup.text(field.note, "quiet", small=True), layout=widgets.Layout(width="342px", margin="0 0 4px 100px")
    )
    return widgets.VBox([widget, note], layout=layout)


def offer_one(widget: Any, choices: Sequence[tuple[str, Any]]) -> None:
    """New choices for a drop-down list, the first of them chosen; what was chosen and is still among them stays chosen.

    The place of the choice is told once more at the end: a browser that hears of it before the list would show none.
    """
    if tuple(widget.options) == tuple(choices):
        return
    before, values = widget.value, [value for _, value in choices]
    widget.options = tuple(choices)
    widget.index = None
    if values:
        widget.index = values.index(before) if before in values else 0


def offer(field: Field, widget: Any, choices: Sequence[tuple[str, Any]]) -> None:
    """New choices for a `one` or `several` input; what was chosen and is still among them stays chosen.

    The choice is taken away first: a browser that hears of the shorter list before would look for a choice that is gone.
    """
    options, chosen = _options(field, choices), widget.value
    if tuple(widget.options) == options:
        return
    offered = [value for _, value in options]
    widget.index = () if field.kind == "several" else None
    widget.options = options
    if field.kind == "several":
        widget.value = tuple(value for value in chosen if value in offered)
    else:
        widget.value = chosen if chosen in offered else field.default


def _options(field: Field, choices: Sequence[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
    return tuple(choices) if field.kind == "several" else ((field.hint or "choose ...", field.default), *choices)


# ---------------------------------------------------------------- from what stands in it to a value, and back


def read(fields: Iterable[Field], held: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What the inputs hold, as drafts want it (numbers None while they are empty), and what cannot be read, by field."""
    values, problems = dict(held), {}
    for field in fields:
        if field.kind in _LINES:
            values[field.name], problem = _number(field, str(held[field.name]))
            if problem:
                problems[field.name] = problem
    return values, problems


def _number(field: Field, typed: str) -> tuple[int | Decimal | None, str]:
    text = typed.strip()
    if not text:
        return None, ""
    wrong = f"{field.label.lower()}: {text[:40]!r} is no "
    if field.kind == "whole":
        sound = re.fullmatch(r"-?\d{1,15}", text, re.ASCII)
        return (int(text), "") if sound else (None, f"{wrong}whole number")
    plain = re.sub(r"(?<=\d),(?=\d{3}(\D|$))", "", text)
    try:
        if field.kind == "decimal":
            return exact(plain), ""
        amount = exact(plain.replace("$", "", 1))
        if amount == amount.quantize(Decimal("0.01")):
            return cents(amount), ""
    except (ValueError, ArithmeticError):
        pass
    kind = "number, as in 1.5" if field.kind == "decimal" else "amount in dollars and cents, as in 149.50"
    return None, wrong + kind


def held_by(field: Field, value: Any) -> Any:
    """What the widget holds for a value that a program gives. Raises InputError if it can hold no such value."""
    if value is None:
        return field.empty
    if field.kind == "flag":
        if not isinstance(value, bool):
            raise InputError(f"{field.name} is True or False, not {str(value)[:40]!r}")
        return value
    if field.kind == "choice":
        known = {str(one): one for pair in field.choices for one in pair}
        meant = next((one for said, one in known.items() if said.casefold() == str(value).strip().casefold()), None)
        if meant is None and str(value).strip():
            meant = meant_by(field, str(value), field.choices)
        return dict(field.choices).get(meant, meant) if meant is not None else field.default
    if field.kind == "several":
        return tuple(value)
    if field.kind == "date":
        return value if isinstance(value, date) else _day(field, str(value))
    if field.kind == "moment":
        return _time(field, value)
    if field.kind == "money" and isinstance(value, int) and not isinstance(value, bool):
        return f"{dollars(value)}"
    return value if field.kind == "one" else str(value)


def meant_by(field: Field, said: str, choices: Iterable[tuple[str, Any]]) -> Any:
    """The label among these choices that a few letters mean, as in a terminal. Raises InputError naming the nearest."""
    labels = [label for label, value in choices if value]
    if not labels:
        raise InputError(unknown(field.label.lower(), said, labels))
    return pick(field.label.lower(), said, labels)


def _day(field: Field, text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise InputError(f"{field.label.lower()} must be a day as in 2026-03-31, not {text[:40]!r}") from None


def _time(field: Field, value: object) -> datetime | None:
    """A time without a zone; one that has its own is for whoever can turn it into the account's."""
    if value is None or not str(value).strip():
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        said = f"a day and a time of the account's clock, as in 2026-03-31 09:30, not {str(value)[:40]!r}"
        raise InputError(f"{field.label.lower()} must be {said}")
    return moment
