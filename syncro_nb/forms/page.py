"""What every form does the same way: how a click is guarded, and what a notebook keeps of it as text.

JupyterLab shows nothing of an exception in a callback, so a guarded one says it in the form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from ..errors import Error
from . import markup

Say = Callable[[str, str], None]


def guarded(action: Callable[[Any], Any], say: Say) -> Callable[[Any], None]:
    """A callback that says what went wrong: expected errors to the status line, others there and raised."""

    def run(event: Any) -> None:
        try:
            action(event)
        except Error as error:
            say(str(error), "bad")
        except Exception as error:
            say(f"A fault of syncro_nb, please report it: {type(error).__name__}", "bad")
            raise

    return run


def bundle(box: Any, words: str, **options: Any) -> Any:
    """A widget as a notebook shows it, with its text: what is left of it when the notebook is opened again."""
    shown = box._repr_mimebundle_(**options)
    data = shown[0] if isinstance(shown, tuple) else shown
    data["text/plain"] = words
    return data


def say_in(place: widgets.HTML) -> Say:
    """A way to show one sentence in a place of the page; none takes it away."""

    def say(words: str, tone: str) -> None:
        place.value = markup.text(words, tone, bold=tone in ("good", "bad")) if words else ""

    return say
