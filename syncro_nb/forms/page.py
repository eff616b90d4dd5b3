"""What every form does the same way: how a click is guarded, what a notebook keeps of it as text, and work that takes long.

JupyterLab shows nothing of an exception in a callback, and a callback that does not return blocks every other button, Cancel
too. So long work runs in a thread. Meanwhile the thread sets values of widgets and nothing else; what follows when it has ended
is done where the click was handled.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import ipywidgets as widgets

from ..errors import Error
from . import markup

R = TypeVar("R")
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


class Work(Generic[R]):
    """Long work of a form. `work` reads and writes, and sets nothing but values of widgets; `then` shows what came of it."""

    def __init__(self, work: Callable[[], R], then: Callable[[R], None]) -> None:
        self._work, self._then = work, then

    def now(self, ended: Callable[[], None]) -> R:
        """Do it here, and give what came of it. `ended` is called before anything is shown, also after an exception."""
        try:
            result = self._work()
        finally:
            ended()
        self._then(result)
        return result

    def behind(self, ended: Callable[[], None], say: Say) -> None:
        """Do it in a thread where there is a page to be kept alive; here where nobody could press a button meanwhile."""
        loop = _running_loop()
        if loop is None:
            self.now(ended)
            return

        def run() -> None:
            try:
                result = self._work()
            except BaseException as error:
                failed = error  # Python takes `error` away at the end of this block
                loop.call_soon_threadsafe(lambda: finish(lambda: _raise(failed)))
            else:
                loop.call_soon_threadsafe(lambda: finish(lambda: self._then(result)))

        def finish(show: Callable[[], None]) -> None:
            ended()
            guarded(lambda _: show(), say)(None)

        # A daemon: a kernel that is shut down must not wait for it. What was begun is on record, and the batch goes on later.
        threading.Thread(target=run, name="syncro_nb form", daemon=True).start()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _raise(error: BaseException) -> None:
    raise error
