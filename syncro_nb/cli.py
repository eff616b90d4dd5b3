"""The terminal door: `syncro VERB ...`. Parses, calls `actions`, prints, and turns errors into one line and an exit status."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Sequence
from typing import TextIO

from . import errors
from .verbs import grammar


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit status (INTERFACE.md). An unexpected exception is a bug and passes through."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    as_json = "--json" in arguments
    _utf8(sys.stdout, sys.stderr)
    try:
        _set_up_log(os.environ.get("SYNCRO_NB_LOG") or "warning")
        words = grammar().parse_args(arguments)
        from .actions import Door, act

        def say(text: str) -> None:
            print(text, file=sys.stderr if as_json else sys.stdout, flush=True)

        def ask(question: str) -> str:
            print(question, end="", file=sys.stderr, flush=True)  # noqa: T201
            return sys.stdin.readline()

        person = ask if sys.stdin is not None and sys.stdin.isatty() else None
        result = act(words, Door(say=say, ask=person, width=shutil.get_terminal_size((120, 24)).columns))
        if as_json:
            if result.document is not None:
                print(json.dumps(result.document, indent=2, default=str))  # noqa: T201
            for text in result.lines if result.exit_status else ():
                print(text, file=sys.stderr)  # noqa: T201
        else:
            for text in result.lines:
                print(text)  # noqa: T201
        sys.stdout.flush()
        return result.exit_status
    except errors.Error as error:
        return _complain(" ".join(str(error).split()), error.exit_status, as_json)
    except KeyboardInterrupt:
        return _complain("stopped by the keyboard; `syncro runs` shows whether a write was under way", 130, False)
    except BrokenPipeError:
        # The reader (head, less) has gone. Give the interpreter's own flush at exit somewhere to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _complain(message: str, status: int, as_json: bool) -> int:
    from .escape import line

    print(f"syncro: {line(message)}", file=sys.stderr)  # noqa: T201
    if as_json:
        print(json.dumps({"error": message, "exit_status": status}))  # noqa: T201
    return status


def _set_up_log(level: str) -> None:
    names = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
    if level.lower() not in names:
        raise errors.ConfigError(f"SYNCRO_NB_LOG must be one of {', '.join(names)}, not {level[:20]!r}")
    logging.basicConfig(level=names[level.lower()], stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


def _utf8(*streams: TextIO) -> None:
    """Customers' names hold letters that an old Windows code page or a pipe cannot: replace them instead of failing."""
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
