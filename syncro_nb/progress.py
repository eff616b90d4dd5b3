"""How far a sync is: requests made and left, and the time that the rate limit makes of them; on a terminal, in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .clock import Clock, SystemClock, seconds_since

if TYPE_CHECKING:
    from .mirror.asking import Progress, Tell

PATIENCE_SECONDS = 3.0  # of a sync in a notebook that takes less nothing is shown
EVERY_SECONDS = 0.5
COLUMNS = 90


@contextmanager
def bar(rate: str, clock: Clock | None = None) -> Iterator[Tell]:
    """What to give to a sync as its `progress`: a bar on the terminal, a line below the cell in a notebook, else nothing.

    `rate`: requests and seconds of the limit, as in "180/60". Both are gone when it ends.
    """
    shown: _InNotebook | _OnTerminal
    shown = _InNotebook(rate, clock or SystemClock()) if in_notebook() else _OnTerminal(rate)
    try:
        yield shown.tell
    finally:
        shown.close()


def in_notebook() -> bool:
    """Whether this runs in a kernel."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


class _OnTerminal:
    def __init__(self, rate: str) -> None:
        from tqdm import tqdm

        self._rate = rate
        self._bar = tqdm(total=0, disable=None, leave=False, bar_format="{desc} |{bar}| {n_fmt}/{total_fmt}")

    def tell(self, progress: Progress) -> None:
        self._bar.total = progress.done + progress.left
        self._bar.set_description_str(_said(progress, self._rate), False)
        self._bar.update(progress.done - self._bar.n)

    def close(self) -> None:
        self._bar.close()


class _InNotebook:
    """A line of text: a widget would stay in the saved notebook, and a stream would be coloured as an error."""

    def __init__(self, rate: str, clock: Clock) -> None:
        self._rate, self._clock = rate, clock
        self._last, self._pause = clock.moment(), PATIENCE_SECONDS
        self._handle: Any = None

    def tell(self, progress: Progress) -> None:
        from tqdm import tqdm

        if (seconds_since(self._last, self._clock) or 0.0) >= self._pause:
            self._last, self._pause = self._clock.moment(), EVERY_SECONDS
            total = progress.done + progress.left
            form = "{desc} |{bar}| {n_fmt}/{total_fmt} requests"
            self._show(
                tqdm.format_meter(progress.done, total, 0, COLUMNS, _said(progress, self._rate), bar_format=form)
            )

    def _show(self, text: str) -> None:
        data = {"text/plain": text}
        if self._handle is None:
            self._handle = sys.modules["IPython"].display.display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)

    def close(self) -> None:
        if self._handle is not None:
            self._show("")


def _said(progress: Progress, rate: str) -> str:
    from .service.limiter import parse_rate

    requests, window = parse_rate(rate)
    seconds = int(progress.left * window / requests)
    return f"{progress.what:<15} {progress.left} left, about {seconds // 60}:{seconds % 60:02}"
