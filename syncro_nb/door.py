"""What every door has in common: how a caller talks with a person, and what a verb comes to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .escape import line

NOTHING_SENT = "Nothing was sent (--dry-run)."


@dataclass(frozen=True)
class Result:
    """What a verb came to: lines for people, a document for programs, an exit status."""

    lines: list[str] = field(default_factory=list)
    document: Any = None
    exit_status: int = 0
    table: Any = None  # the DataFrame that --out writes
    sheets: Mapping[str, Any] = field(default_factory=dict)  # further ones, for .xlsx
    view: Any = None  # the ticketview.TicketView that a door may show in its own way
    tones: Mapping[int, str] = field(default_factory=dict)  # of lines on a terminal: bad, warn, good, quiet, title
    save: Callable[[Path], object] | None = None  # writes --out's .xlsx itself, where it is more than tables


@dataclass(frozen=True)
class Door:
    """How the caller talks with a person. `ask` is None where nobody can answer.

    `say` is for what belongs to the answer (a preview), `remark` for what is said beside it, as while one waits.
    """

    say: Callable[[str], None]
    ask: Callable[[str], str] | None = None
    width: int = 100
    tables: bool = False  # whether it shows lists as tables, so that a verb makes one without --out
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    remark: Callable[[str], None] = field(default=lambda text: None, repr=False)


def tell_progress(door: Door) -> Callable[[str, str, str], None]:
    """A run's progress, said through the door: one line whenever a step has come to something."""
    from .writes.plan import STEP_TITLES

    def tell(step: str, state: str, text: str) -> None:
        if state != "intent":
            door.say(f"  {STEP_TITLES[step]:<22}{state}{'  ' + line(text) if text else ''}")

    return tell
