"""The notebook door: `%load_ext syncro_nb`, then `%syncro VERB ...`, with the grammar of the terminal.

    %syncro triage                           # a table; the same text as in a terminal where no widgets are shown
    %syncro ticket 32164                     # the ticket's panel
    %syncro bill 32164 --minutes 30          # the form, filled in; nothing is written before it is confirmed there
    found = %syncro search printer           # found.frame is the DataFrame, found.document what --json prints

Without `--yes` nothing here writes, so that "Run all cells" never does: a verb that writes opens its form, or shows what it
would send. `--yes` in a cell is a person's word, each time that the cell runs; the write then goes the way of every write. A
whole word `{name}` becomes the text of that variable, as one word that is no option; nothing else in the line is replaced.

In a cell that begins with `%%syncro comment 32164` the lines below are the text. What goes wrong is one line, without a
traceback, and stops "Run all cells" as any error does.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import MISSING, fields, replace
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from .door import NOTHING_SENT, Door, Result
from .errors import ConfigError, Error, InputError
from .escape import line as one_line
from .verbs import grammar

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .workspace import Workspace

NAME = "%syncro"
IN_A_TERMINAL = ("completion", "demo", "lab", "sandbox")
_FORMS = {"bill": "bill_form", "comment": "comment_form", "create": "create_form", "update": "update_form"}
_FORMS |= {"close": "close_form"}
_WIDTH = 110


class Answer:
    """What a verb came to. `frame`: its list as a DataFrame, or None; `view`: its ticket; `document`: what `--json` prints.

    It shows as a table or panel, and prints as in a terminal.
    """

    def __init__(self, workspace: Workspace | None, verb: str, result: Result) -> None:
        self._workspace, self._verb = workspace, verb
        self._box: Any = None
        self.lines, self.document = result.lines, result.document
        self.frame, self.view = result.table, result.view

    @property
    def widget(self) -> Any:
        """The table or panel; None where there is nothing but text."""
        if self._box is None and self._workspace is not None:
            if self.view is not None:
                from .forms.ticketpanel import TicketPanel

                self._box = TicketPanel(self._workspace, view=self.view)
            elif self.frame is not None:
                self._box = self._table(self._workspace)
        return self._box

    def _table(self, workspace: Workspace) -> Any:
        from .forms.table import Table

        if self._verb == "triage":
            from .forms.workbench import table_of

            return table_of(workspace, self.frame)
        return Table(self.frame, zone=workspace.zone, name=self._verb or "open-tickets")

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        data = {"text/plain": repr(self)}
        shown = self.widget
        return data if shown is None else {**shown._repr_mimebundle_(**options), **data}


@magics_class
class SyncroMagic(Magics):
    """`%syncro`. One workspace for each profile is kept as long as the session."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._opened: dict[tuple[Any, ...], Workspace] = {}
        self._given: Workspace | None = None

    def use(self, workspace: Workspace | None) -> None:
        """Work on this workspace where no `--profile` is said; None: on the configured account again."""
        self._given = workspace

    def close(self) -> None:
        """Close what was opened here; a workspace that was given stays as it is."""
        self._given = None
        while self._opened:
            self._opened.popitem()[1].close()

    @no_var_expand
    @line_cell_magic
    def syncro(self, line: str, cell: str | None = None) -> Any:
        """Replaced below by the help of the grammar."""
        try:
            words = grammar(print, NAME).parse_args(self._words(line, cell))
            return self._do(words)
        except SystemExit:  # --help and --version have been printed
            return None
        except KeyboardInterrupt:
            raise UsageError("stopped by the keyboard; `%syncro runs` shows whether a write was under way") from None
        except Error as error:
            raise UsageError(one_line(error)) from None

    def _do(self, words: argparse.Namespace) -> Any:
        from . import actions

        if words.verb in IN_A_TERMINAL:
            raise ConfigError(f"`syncro {words.verb}` is for a terminal: it serves or prints until it is stopped")
        workspace = None if words.verb == "doctor" else self._workspace(words.profile)
        preview_only = words.writes and not (words.yes or words.dry_run)
        if preview_only:
            if workspace is not None and (form := _form(workspace, words)) is not None:
                return form
            words.dry_run = True
        say: Callable[[str], None] = print
        result = actions.act(words, Door(say, None, _WIDTH, tables=not words.json), workspace)
        if preview_only and not result.exit_status:
            kept = [one for one in result.lines if one not in ("", NOTHING_SENT)]
            result = replace(result, lines=[*kept, "Nothing was sent. To write it: the same with --yes."])
        if result.exit_status:
            say("\n".join(result.lines[:-1]))
            raise UsageError(one_line(result.lines[-1] if result.lines else f"exit status {result.exit_status}"))
        return result.document if words.json else Answer(workspace, words.verb, result)

    def _workspace(self, profile: str | None) -> Workspace:
        """The one that is open for this profile and environment. The key is no part of what tells them apart."""
        from .workspace import connect

        if self._given is not None and profile is None:
            return self._given
        around = {name: value for name, value in os.environ.items() if name.startswith("SYNCRO_NB_")}
        around.pop("SYNCRO_NB_API_KEY", None)
        which = (profile, *sorted(around.items()))
        if which not in self._opened:
            self._opened[which] = connect(profile)
        return self._opened[which]

    # ------------------------------------------------------------ words

    def _words(self, line: str, cell: str | None) -> list[str]:
        words = [self._filled_in(one) for one in split(line)]
        if cell is None:
            return words
        text = cell.strip("\n")
        return [*words, text] if words[:1] == ["comment"] else [*words, f"--text={text}"]

    def _filled_in(self, word: str) -> str:
        """A word that is `{name}` as that variable's text; no option can come out of it."""
        found = re.fullmatch(r"\{([^\W\d]\w*)\}", word)
        if found is None:
            return word
        known = self.shell.user_ns if self.shell is not None else {}
        if found[1] not in known:
            raise InputError(f"there is no variable {found[1]}")
        text = str(known[found[1]])
        if text.startswith("-"):
            raise InputError(f"the variable {found[1]} begins with a dash and would be read as an option")
        return text

    def complete(self, event: Any) -> list[str]:
        """What may stand at the cursor: verbs, options, labour kinds, the account's statuses and other words."""
        from .completion import following

        before = event.text_until_cursor.split(NAME, 1)[-1]
        symbol = event.symbol
        words, half, quote = split_at(before)
        said = []
        for one in following(words, self._known):
            # What is half typed without a quote cannot get one in front; the account's words are known with dashes, too.
            alone = re.sub(r"\s+", "-", one) if half else f'"{one}"'
            quoted = f"{one}{quote}" if quote else alone if re.search(r"\s", one) else one
            if quote and one.startswith(half):
                said.append(quoted[len(half) - len(symbol) :])
            elif not quote:
                said.append(quoted)
        return said

    def _known(self, what: str) -> Iterable[str]:
        """The account's own words; none while they cannot be read: a completion is no place for an error."""
        with suppress(Error):
            workspace = self._workspace(None)
            if what == "labour":
                return list(workspace.house.labour)
            words = workspace.words
            names = [name for _, name in words.technicians]
            lists = {"status": words.statuses, "priority": words.priorities, "problem_type": words.problem_types}
            return [one for one in {**lists, "technician": names}.get(what, ()) if one]
        return []


SyncroMagic.syncro.__doc__ = f"{__doc__}\n{grammar(prog=NAME).format_help()}"
_loaded: SyncroMagic | None = None


def load(shell: InteractiveShell) -> SyncroMagic:
    """`%load_ext syncro_nb`: the magic and its completion; opens nothing yet."""
    global _loaded
    unload(shell)
    made = SyncroMagic(shell)
    shell.register_magics(made)
    shell.set_hook("complete_command", _complete, str_key=NAME)  # type: ignore[no-untyped-call]
    _loaded = made
    return made


def unload(shell: InteractiveShell) -> None:
    """Close what the magic has opened."""
    global _loaded
    if _loaded is not None:
        _loaded.close()
        _loaded = None


def _complete(shell: InteractiveShell, event: Any) -> list[str]:
    """IPython never forgets a completer: this one asks whichever magic is loaded now."""
    return _loaded.complete(event) if _loaded is not None else []


def use(workspace: Workspace | None) -> None:
    """Let `%syncro` work on this workspace, as on the notebook's own practice account. Raises InputError before %load_ext."""
    if _loaded is None:
        raise InputError("first: %load_ext syncro_nb")
    _loaded.use(workspace)


def split(line: str) -> list[str]:
    """A line as words, in quotes where they hold blanks; a backslash is a backslash. Raises ConfigError for a quote left open."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    try:
        return list(lexer)
    except ValueError:
        raise ConfigError("a quote is left open: put a text that holds one into quotes of the other kind") from None


def split_at(before: str) -> tuple[list[str], str, str]:
    """The whole words before the cursor, the half one at it, and the quote that is open there."""
    for quote in ("", '"', "'"):
        with suppress(ConfigError):
            words = split(f"{before}{quote}" if quote else f"{before}|")
            half = words.pop() if words else ""
            return words, half if quote else half.removesuffix("|"), quote
    return [], "", ""


def _form(workspace: Workspace, words: argparse.Namespace) -> Any:
    """The verb's form with the draft's values in it; None where there is none, or where it has no place for one of them."""
    from . import editing, forms

    name = _FORMS.get(words.verb, "timer_form" if words.verb.startswith("timer ") else "")
    make: Callable[..., Any] | None = getattr(forms, name, None) if name else None
    if make is None:
        return None
    draft: Any = editing.draft_of(words)
    values = {one.name: getattr(draft, one.name) for one in fields(draft) if _is_said(draft, one)}
    number = values.pop("ticket_number", None)
    with suppress(InputError):  # then the preview says what is wrong, or shows what the form has no input for
        return make(workspace, number, **values)
    return None


def _is_said(draft: Any, field: Any) -> bool:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    return bool(getattr(draft, field.name) != default)
