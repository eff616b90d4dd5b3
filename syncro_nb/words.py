"""The account's own words for a ticket: statuses, priorities, problem types, technicians. Read once, matched kindly.

Sources: GET /tickets/settings (`ticket_status_list`, `users`) and GET /settings (`ticket.priorities`, `ticket.problem_types`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .config import unknown
from .errors import InputError, Refused
from .service.client import Client


@dataclass(frozen=True)
class Words:
    """What the account knows, in its order. An empty list could not be read: then every word is taken as it is written."""

    statuses: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    problem_types: tuple[str, ...] = ()
    technicians: tuple[tuple[int, str], ...] = ()
    charges_on_stop: bool = False

    def status(self, word: str) -> str:
        """The status that is meant. Raises InputError naming the nearest."""
        return pick("status", word, self.statuses)

    def priority(self, word: str) -> str:
        """The priority that is meant: `high` and `1` are `1 High`. Raises InputError naming the nearest."""
        return pick("priority", word, [one for one in self.priorities if one])

    def problem_type(self, word: str) -> str:
        """The problem type that is meant. Raises InputError naming the nearest."""
        return pick("problem type", word, self.problem_types)

    def technician(self, word: str) -> int:
        """The id of the technician that is meant, by name or part of it. Raises InputError naming the nearest."""
        if not self.technicians:
            raise InputError("this account's technicians cannot be read; look with `syncro doctor`")
        names = [name for _, name in self.technicians]
        name = pick("technician", word, names)
        if names.count(name) > 1:
            raise InputError(f"there are several technicians called {name!r}; choose one in Syncro")
        return next(number for number, called in self.technicians if called == name)


def pick(what: str, word: str, known: Iterable[str]) -> str:
    """The known word that is meant: the same but for case and dashes, else the only one that holds it.

    Raises InputError for one that is unknown, with the nearest, and for one that several hold.
    """
    choices, said = list(known), word.strip()
    if not choices:
        return said
    plain = _plain(said)
    same = [one for one in choices if one.casefold() == said.casefold()] or [
        one for one in choices if _plain(one) == plain
    ]
    if same:
        return same[0]
    near = [one for one in choices if plain and plain in _plain(one)]
    if len(near) > 1:
        raise InputError(f"{what} {said!r} may be {' or '.join(near)}; say which")
    if not near:
        raise InputError(unknown(what, said, choices))
    return near[0]


def _plain(text: str) -> str:
    """So that a word in a shell needs no quotes: waiting-on-customer."""
    return " ".join(text.casefold().replace("-", " ").replace("_", " ").split())


def pull_words(client: Client) -> Words:
    """Read the account's words. What the key may not read stays empty."""
    try:
        ticket: Any = client.settings().ticket or {}
    except Refused:
        ticket = {}
    try:
        own = client.ticket_settings()
    except Refused:
        return Words(priorities=_texts(ticket, "priorities"), problem_types=_texts(ticket, "problem_types"))
    rows = [row for row in own.users or () if isinstance(row, dict) and isinstance(row.get("id"), int)]
    return Words(
        statuses=own.statuses,
        priorities=_texts(ticket, "priorities"),
        problem_types=_texts(ticket, "problem_types"),
        technicians=tuple((row["id"], str(row.get("name", ""))) for row in rows),
        charges_on_stop=own.extra.get("ticket_timer_charge_by_default") is True,
    )


def _texts(settings: Any, name: str) -> tuple[str, ...]:
    listed = settings.get(name) if isinstance(settings, dict) else None
    return tuple(str(one) for one in listed) if isinstance(listed, list) else ()
