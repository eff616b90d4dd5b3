"""The grammar of the `syncro` command, as data: verbs, their words and options. The doors (cli, magic) are built from it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NoReturn

from . import __version__
from .errors import ConfigError


@dataclass(frozen=True)
class Option:
    """One word or option, as argparse takes it."""

    names: tuple[str, ...]
    settings: dict[str, Any]


@dataclass(frozen=True)
class Verb:
    """One verb; `subverbs` are the words that may follow it. The function of its name is in `actions.py`.

    `writes`: it changes something in Syncro, so that its help speaks of --dry-run and --yes. The others take both as well,
    because these options mean the same before every verb.
    """

    name: str
    help: str
    options: tuple[Option, ...] = ()
    subverbs: tuple[Verb, ...] = ()
    writes: bool = False
    is_group: bool = False  # does nothing without one of its subverbs
    reads_live: bool = False  # --yes gives it leave to read details, which its help says


def _whole(what: str) -> Callable[[str], int]:
    def convert(text: str) -> int:
        digits = text.strip().removeprefix("#")
        if not digits.isascii() or not digits.removeprefix("-").isdigit() or len(digits) > 12:
            raise argparse.ArgumentTypeError(f"{what}, a whole number, not {text[:40]!r}")
        return int(digits)

    return convert


def _day(text: str) -> date:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day
    except ValueError:
        raise argparse.ArgumentTypeError(f"a day as in 2026-03-31, not {text[:40]!r}") from None


def _field(text: str) -> tuple[str, str]:
    name, equals, title = text.partition("=")
    if not equals or not name.strip() or not title.strip():
        raise argparse.ArgumentTypeError(f'a field and a column, as in total="Amount Due", not {text[:40]!r}')
    return name.strip(), title.strip()


def _option(*names: str, **settings: Any) -> Option:
    return Option(names, settings)


_NUMBER = _option(
    "number", metavar="NUMBER", type=_whole("a ticket number"), help="ticket number as people see it, as in 32164"
)
_QUERY = _option("query", metavar="QUERY", nargs="+", help="part of a name or subject; several words need no quotes")
_DIR = _option("folder", metavar="DIR", nargs="?", default="syncro-notebooks", help="where the notebooks are copied to")
_NO_BROWSER = _option("--no-browser", action="store_true", help="print the address only")

COMMON = (
    _option("--json", action="store_true", help="one JSON document on stdout"),
    _option("--profile", metavar="NAME", help="which account of syncro.yaml; `sandbox` is always there"),
    _option(
        "--out",
        metavar="FILE",
        help="where a table is shown: write it to FILE (.csv, .xlsx, .json or .parquet)",
    ),
)
OF_WRITES = (
    _option("--dry-run", action="store_true", help="show what would be sent, send nothing"),
    _option("--yes", action="store_true", help="confirm without being asked"),
)
# Spelled out here, because reading config.py and the reports for it would make `syncro --help` slow; tests hold them together.
KINDS = "remote, onsite, emergency, project, internal, travel, website"
REPORTS = (
    *("open", "wip", "uncharged", "no-time", "waiting", "blocks", "leakage", "rate", "utilisation", "realisation"),
    *("write-offs", "labour-mix", "response", "reopened", "top-talkers", "receivables", "unlinked", "recurring"),
    "checklist",
)

_LABOUR = _option(
    "--labor",
    "--labour",
    dest="labour",
    metavar="KIND",
    default="",
    help=f"{KINDS}, or another kind of syncro.yaml",
)
_TIMER = _option("timer_id", metavar="ID", type=_whole("a timer id"), help="its id; `syncro ticket NUMBER` lists them")
_FIELDS = (
    _option("--problem-type", metavar="P", default="", help="one of the account's own"),
    _option("--priority", metavar="P", default="", help="one of the account's own; `high` is enough for `1 High`"),
    _option("--due", metavar="DATE", default="", help="a day, as in 2026-03-31"),
    _option("--tech", dest="technician", metavar="NAME", default="", help="who does it"),
    _option("--contact", metavar="NAME", default="", help="the customer's person"),
)

_PERIOD = (
    _option("--from", dest="first", metavar="DATE", type=_day, help="first day, as in 2026-03-01"),
    _option("--to", dest="last", metavar="DATE", type=_day, help="last day"),
)

VERBS = (
    Verb("ticket", "one ticket: header, comments, time, charges, billing", (_NUMBER,)),
    Verb("search", "tickets by subject or customer", (_QUERY,)),
    Verb("customers", "customers by name, with open tickets and prepaid hours", (_QUERY,)),
    Verb(
        "triage",
        "the open tickets in the order in which to work, each with the reasons",
        (_option("--live", action="store_true", help="read the list anew, and the details of ten tickets at the top"),),
    ),
    Verb(
        "bill",
        "bill work on a ticket: comment, charge, invoice, verification, status",
        (
            _NUMBER,
            _option("--minutes", metavar="M", type=_whole("minutes from 1 to 1440"), help="1 to 1440"),
            _LABOUR,
            _option("--text", metavar="WORK", default="", help="what was done; the customer reads it"),
            _option(
                "--timer",
                dest="timers",
                metavar="ID",
                type=_whole("a timer id"),
                action="append",
                default=[],
                help="charge this timer; may be given several times",
            ),
            _option("--subject", metavar="S", default="Work done", help="of the comment (Work done)"),
            _option("--hidden", action="store_true", help="the comment is for technicians only"),
            _option("--no-email", action="store_true", help="the comment is not mailed"),
            _option("--no-invoice", action="store_true", help="stop after the charge; the status stays"),
        ),
        writes=True,
    ),
    Verb(
        "create",
        "a new ticket",
        (
            _option("customer", metavar="CUSTOMER", help="by name, or by id"),
            _option("subject", metavar="SUBJECT", help="what it is about"),
            _option("--text", metavar="T", default="", help="the opening comment"),
            *_FIELDS,
        ),
        writes=True,
    ),
    Verb(
        "update",
        "change a ticket: its status and other fields",
        (
            _NUMBER,
            _option("status", metavar="STATUS", nargs="?", default="", help="one of the account's own"),
            *_FIELDS,
            _option("--subject", metavar="S", default="", help="another subject"),
            _option(
                "--start",
                metavar="TIME",
                default="",
                help='scheduled for, as in "2026-03-31 09:30", your account\'s time',
            ),
            _option("--end", metavar="TIME", default="", help="scheduled until"),
        ),
        writes=True,
    ),
    Verb(
        "comment",
        "one comment: public and mailed, unless told otherwise",
        (
            _NUMBER,
            _option("text", metavar="TEXT", help="the comment"),
            _option("--subject", metavar="S", default="Update", help="of the comment (Update)"),
            _option("--hidden", action="store_true", help="for technicians only"),
            _option("--no-email", action="store_true", help="the customer can see it, and gets no mail"),
        ),
        writes=True,
    ),
    Verb(
        "close",
        "resolve a ticket, with a comment if a text is given",
        (
            _NUMBER,
            _option("--text", metavar="RESOLUTION", default="", help="how it was resolved; the customer reads it"),
            _option(
                "--log",
                action=argparse.BooleanOptionalAction,
                default=None,
                help="write the session log into the clients folder",
            ),
        ),
        writes=True,
    ),
    Verb(
        "timer",
        "time on a ticket: start, stop, add, charge, delete",
        (_NUMBER,),
        is_group=True,
        subverbs=(
            Verb(
                "start",
                "a running timer of yours",
                (_LABOUR, _option("--text", metavar="WORK", default="", help="notes")),
                writes=True,
            ),
            Verb("stop", "stop your running timer", writes=True),
            Verb(
                "add",
                "time that was worked, ending now",
                (
                    _option("--minutes", metavar="M", type=_whole("minutes from 1 to 1440"), help="1 to 1440"),
                    _LABOUR,
                    _option("--text", metavar="WORK", default="", help="what was done"),
                ),
                writes=True,
            ),
            Verb("charge", "make a timer a line on the ticket", (_TIMER,), writes=True),
            Verb("delete", "delete a timer that is not charged", (_TIMER,), writes=True),
        ),
    ),
    Verb(
        "runs",
        "the journal of writes",
        subverbs=(
            Verb("show", "one run, step by step", (_option("run", metavar="RUN"),)),
            Verb(
                "audit",
                "the journal held against Syncro: each reference once, each run with its records and invoice",
                (
                    _option(
                        "--mirror",
                        action="store_true",
                        help="every ticket of the mirror instead of live: for the night",
                    ),
                ),
            ),
            Verb(
                "resume",
                "finish a run that was cut off or is in doubt: looks first",
                (
                    _option("run", metavar="RUN"),
                    _option(
                        "--no-wait", action="store_true", help="leave with 5 instead of waiting out the settling time"
                    ),
                ),
                writes=True,
            ),
            Verb(
                "decide",
                "say what is to happen with a step that only a person may settle",
                (
                    _option("run", metavar="RUN"),
                    _option("--adopt", metavar="ID", type=_whole("an id"), help="this record is it"),
                    _option("--resend", action="store_true", help="send it once more"),
                    _option("--abandon", action="store_true", help="end the run; what was written stays"),
                    _option(
                        "--ticket",
                        metavar="NUMBER",
                        type=_whole("a ticket number"),
                        required=True,
                        help="the ticket's number, typed as the confirmation",
                    ),
                ),
                writes=True,
            ),
        ),
    ),
    Verb(
        "sync",
        "pull what changed into the mirror, the local copy that summaries are made from",
        (
            _option(
                "--full",
                action="store_true",
                help="read every list through, and every detail; hours on a large account",
            ),
        ),
    ),
    Verb(
        "report",
        "a weekly or monthly report, from the mirror; without a name the list of them",
        (
            _option("report", metavar="NAME", nargs="?", default="", help=f"{', '.join(REPORTS)}; without it the list"),
            *_PERIOD,
        ),
    ),
    Verb(
        "reconcile",
        "what lies between work, charges, invoices and ledger; from the mirror",
        (
            _option("--from", dest="from_", metavar="DATE", type=_day, help="only what lies on this day or later"),
            _option(
                "--to",
                metavar="DATE",
                type=_day,
                help="the cut-off: work up to the end of this day is leak, later work timing (the end of last month)",
            ),
            _option("--ledger", metavar="FILE", help="invoices of QuickBooks or Xero as CSV, to be held against"),
            _option(
                "--column",
                dest="columns",
                metavar="FIELD=NAME",
                type=_field,
                action="append",
                default=[],
                help='of the ledger, where it is not recognised: total="Amount Due"; may be given several times',
            ),
            _option(
                "--date-order", metavar="ORDER", help="of the ledger's dates, where they do not tell: mm/dd or dd/mm"
            ),
        ),
        reads_live=True,
    ),
    Verb("unbilled", "timers not charged, charges not invoiced, tickets resolved without time; from the mirror"),
    Verb("lab", "JupyterLab on the notebooks, with the configured account", (_DIR, _NO_BROWSER)),
    Verb(
        "demo",
        "the same on the built-in sandbox: no account, no key, no network",
        (_DIR, _NO_BROWSER, _option("--port", metavar="N", type=_whole("a port"), help="of the sandbox")),
    ),
    Verb(
        "sandbox",
        "serve the sandbox alone on 127.0.0.1",
        (
            _option("--port", metavar="N", type=_whole("a port"), help="8765 if it is free"),
            _option("--today", metavar="DATE", help="data up to this day, as in 2026-03-31 (today)"),
            _option("--seed", metavar="N", type=_whole("a seed"), default=1, help="other data (1)"),
            _option("--size", default="small", choices=("small", "medium", "large"), help="how many tickets (small)"),
        ),
    ),
    Verb(
        "completion",
        "what the shell needs to complete verbs and labour kinds: source <(syncro completion bash)",
        (_option("shell", metavar="SHELL", choices=("bash", "zsh"), help="bash or zsh"),),
    ),
    Verb(
        "doctor",
        "what is configured, what answers, what the key may read; never the key",
        (
            _option(
                "--accept-journal", action="store_true", help="go on with a journal that was lost or is an older copy"
            ),
        ),
    ),
)


class Grammar(argparse.ArgumentParser):
    """argparse whose complaint is one line, raised instead of printed, so that each door can say it its own way.

    Help and version go through `say` where one is given.
    """

    say: Callable[[str], None] | None = None

    def error(self, message: str) -> NoReturn:
        """Raises ConfigError."""
        first = message.replace("argument ", "", 1) if message.startswith("argument ") else message
        raise ConfigError(f"{first}; see `{self.prog} --help`")

    def _print_message(self, message: str, file: Any = None) -> None:
        if self.say is None:
            super()._print_message(message, file)
        else:
            self.say(message.removesuffix("\n"))


def grammar(say: Callable[[str], None] | None = None, prog: str = "syncro") -> Grammar:
    """The parser of the whole grammar. The result has `verb` ("" for the list of open tickets, "runs resume", ...)."""
    parser = Grammar(
        prog=prog,
        description="Tickets, time and invoices of Syncro, safely billed. Without a verb: the open tickets.",
        allow_abbrev=False,
    )
    parser.say = say
    parser.add_argument("--version", action="version", version=f"syncro_nb {__version__}")
    for option in COMMON:
        parser.add_argument(*option.names, **option.settings)
    for option in OF_WRITES:
        parser.add_argument(*option.names, **{**option.settings, "help": argparse.SUPPRESS})
    parser.set_defaults(verb="", writes=False)
    _add(parser, VERBS, "")
    return parser


def _add(parser: Grammar, verbs: tuple[Verb, ...], before: str, *, required: bool = False) -> None:
    places = parser.add_subparsers(metavar="VERB" if required else "[VERB]", parser_class=Grammar, required=required)
    for verb in verbs:
        name = f"{before} {verb.name}".strip()
        title = f"{verb.help[:1].upper()}{verb.help[1:]}."
        inner = places.add_parser(verb.name, help=verb.help, description=title, allow_abbrev=False)
        inner.say = parser.say
        inner.set_defaults(verb=name, writes=verb.writes)
        for option in verb.options:
            inner.add_argument(*option.names, **option.settings)
        # These may stand before or after the verb; after it, absence must not undo what stood before.
        for option in COMMON:
            inner.add_argument(*option.names, **{**option.settings, "default": argparse.SUPPRESS})
        for option in OF_WRITES:
            shown = {} if verb.writes else {"help": argparse.SUPPRESS}
            if verb.reads_live and "--yes" in option.names:
                shown = {"help": "leave to read details live, at most 200, where a finding depends on them"}
            inner.add_argument(*option.names, **{**option.settings, "default": argparse.SUPPRESS, **shown})
        if verb.subverbs:
            _add(inner, verb.subverbs, name, required=verb.is_group)
