"""The terminal door: `syncro VERB ...`. Parses, calls `actions`, prints, and turns errors into one line and an exit status.

A run that writes must not stop halfway because its words have nowhere to go: when the reader (head, less) has gone or the
disk is full, the door falls silent, and the exit status stays that of the run.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from . import errors
from .verbs import grammar

if TYPE_CHECKING:
    from .door import Result


_COLOURS = {"bad": "31", "warn": "33", "good": "32", "quiet": "2", "title": "1"}


class Paper:
    """A stream to print on, until it fails: from then on it takes everything and prints nothing. `trouble` says why."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.trouble: OSError | None = None
        self.width: int | None = None  # of the terminal; None for a file or a pipe, whose lines stay whole
        if stream is not None:
            with suppress(OSError, ValueError):
                self.width = shutil.get_terminal_size((100, 24)).columns if stream.isatty() else None

    def print(self, text: str, end: str = "\n") -> None:
        """Print and flush; never fails."""
        if self._stream is None or self.trouble:
            return
        try:
            self._stream.write(text + end)
            self._stream.flush()
        except OSError as error:
            self.trouble = error
            # The interpreter flushes once more at its end: give it somewhere to write what is left.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def print_line(self, text: str, tone: str = "") -> None:
        """One line, wrapped to the terminal with a hanging indent, and there in the colour of its tone."""
        self.print(self._made(text, tone))

    def print_lines(self, lines: Sequence[str], tones: Mapping[int, str], paged: bool = False) -> None:
        """Lines of a result. If they may be paged and the terminal is too low for them, the reader's pager shows them."""
        made = [self._made(text, tones.get(place, "")) for place, text in enumerate(lines)]
        if not paged or self.width is None or not _paged("\n".join(made)):
            for text in made:
                self.print(text)

    def _made(self, text: str, tone: str) -> str:
        if self.width is None:
            return text
        indent = " " * (len(text) - len(text.lstrip()) + 2)
        room = max(20, self.width)
        if len(text) > room:
            text = textwrap.fill(text, room, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        colour = "" if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else _COLOURS.get(tone, "")
        return f"\x1b[{colour}m{text}\x1b[0m" if colour else text


def _paged(text: str) -> bool:
    """Show a text in the pager ($PAGER, else less) if the screen is too low for it and somebody sits there; False if not."""
    if text.count("\n") + 1 < shutil.get_terminal_size((100, 24)).lines or not sys.stdin or not sys.stdin.isatty():
        return False
    import shlex
    import subprocess

    if os.environ.get("TERM", "dumb") == "dumb":
        return False  # a screen on which a pager cannot move
    command = shlex.split(os.environ.get("PAGER", "less -FRX"))
    if not command or shutil.which(command[0]) is None:
        return False
    try:
        subprocess.run(command, input=text.encode(errors="replace") + b"\n", check=False)
    except OSError:
        return False
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit status (docs/command-line.md). An unexpected exception is a bug and passes through."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    _utf8(sys.stdout, sys.stderr)
    output, remarks = Paper(sys.stdout), Paper(sys.stderr)
    as_json = "--json" in arguments
    preview = remarks if as_json else output
    try:
        _set_up_log(os.environ.get("SYNCRO_NB_LOG") or "warning")
        words = grammar(output.print).parse_args(arguments)
        from .actions import act
        from .door import Door

        def ask(question: str) -> str:
            if preview.trouble:
                raise errors.InputError(f"{_why(preview.trouble)}, so nobody has seen the preview: nothing was written")
            return _answer(question, remarks)

        person = ask if sys.stdin is not None and sys.stdin.isatty() else None
        columns = shutil.get_terminal_size((120, 24)).columns
        result = act(words, Door(say=preview.print_line, ask=person, width=columns, remark=remarks.print_line))
    except errors.Error as error:
        return _complain(" ".join(str(error).split()), error.exit_status, as_json, output, remarks)
    except KeyboardInterrupt:
        said = "stopped by the keyboard; `syncro runs` shows whether a write was under way"
        return _complain(said, errors.Stopped.exit_status, as_json, output, remarks)
    _print_result(result, as_json, output, remarks, paged=result.view is None and not words.writes)
    if output.trouble and not isinstance(output.trouble, BrokenPipeError):
        remarks.print_line(f"syncro: {_why(output.trouble)}")
        if result.exit_status == 0 and not words.writes:
            return errors.InputError.exit_status  # whoever reads the file must not take it for whole
    return result.exit_status


def _print_result(result: Result, as_json: bool, output: Paper, remarks: Paper, paged: bool) -> None:
    if as_json and result.document is not None:
        import json

        output.print(json.dumps(result.document, indent=2, default=str))
    if as_json and result.exit_status:
        for text in result.lines:
            remarks.print_line(text)
    if not as_json:
        output.print_lines(result.lines, {} if result.exit_status else result.tones, paged)


def _answer(question: str, remarks: Paper) -> str:
    """What a person types. Ctrl-C and Ctrl-D are answers too: questions come before the first write."""
    try:
        remarks.print(question, end="")
        typed = sys.stdin.readline()
    except KeyboardInterrupt:
        remarks.print("")
        raise errors.Stopped("stopped by the keyboard: nothing was written") from None
    if not typed:
        remarks.print("")
        raise errors.InputError("not confirmed: nothing was written")
    return typed


def _why(trouble: OSError) -> str:
    return f"the output cannot be printed ({trouble.strerror or type(trouble).__name__})"


def _complain(message: str, status: int, as_json: bool, output: Paper, remarks: Paper) -> int:
    from .escape import line

    remarks.print(f"syncro: {line(message)}")
    if as_json:
        import json

        output.print(json.dumps({"error": message, "exit_status": status}))
    return status


def _set_up_log(level: str) -> None:
    names = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
    if level.lower() not in names:
        raise errors.ConfigError(f"SYNCRO_NB_LOG must be one of {', '.join(names)}, not {level[:20]!r}")
    logging.basicConfig(level=names[level.lower()], stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


def _utf8(*streams: TextIO | None) -> None:
    """Customers' names hold letters that an old Windows code page or a pipe cannot: replace them instead of failing."""
    for stream in streams:
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
