"""Reading from Syncro: one record, or every row of every page; repeated with growing pauses, a 429 waited out.

A read may be sent again, since it changes nothing. Writes never come through here.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from ..errors import Missing, Refused, Unreachable
from . import wire
from .transport import Reply, Transport

R = TypeVar("R", bound=wire.Record)

READ_TRIES = 4
RATE_WAITS = 3
RATE_WAIT_SECONDS = 60.0
_log = logging.getLogger("syncro_nb.service")


@dataclass(frozen=True)
class ListPage:
    """One page of a list: its records, how many rows it has, and what could not be read of them, by id (None: not even that).

    `pages` and `entries` are how many there are in all, None where the answer does not say. `ids` are those of all rows, in
    their order. `flaws`: what could not be read of the records, by their ids.
    """

    records: tuple[Any, ...]
    rows: int
    pages: int | None
    entries: int | None
    unreadable: tuple[tuple[int | None, str], ...] = ()
    ids: tuple[int, ...] = ()
    flaws: Mapping[int, tuple[wire.Flaw, ...]] = field(default_factory=dict)


class Flawed(Unreachable):
    """A record was answered, and it cannot be read."""


class Reader:
    """What every method of the client is made of.

    Each raises `Refused` (401 for a wrong key or a missing permission, 404 of a record as `Missing`, other 4xx with Syncro's
    words) and `Unreachable` (no connection, 5xx or 429 that did not end, an answer that is not Syncro's, no such list).
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._random = random.Random()

    def wait_out(self, reply: Reply) -> None:
        """Wait as a 429 asks: Retry-After, else a minute."""
        seconds = RATE_WAIT_SECONDS if reply.retry_after is None else reply.retry_after
        _log.warning("Syncro answers 429 (too many requests from this address): waiting %.0f s", seconds)
        self._transport.wait_out(seconds)

    def server_now(self) -> datetime:
        """The server's present time."""
        return self._transport.server_now()

    @property
    def has_heard_time(self) -> bool:
        """Whether an answer has told it; until then it is taken to be ours."""
        return self._transport.has_heard_time

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _one(
        self, record: type[R], path: str, wrapper: str, *, bulk: bool = False, flaws: list[wire.Flaw] | None = None
    ) -> R:
        """One record. With `flaws` rows inside it that cannot be read are noted there (`wire.read`). Raises Flawed."""
        data = self._get(path, {}, bulk=bulk)
        try:
            found = wire.unwrap(data, wrapper) if wrapper else data
        except wire.Unreadable as error:
            raise not_syncro(path, str(error)) from None
        try:
            return wire.read(record, found, flaws)
        except wire.Unreadable as error:
            if wire.id_of(found) is None:
                raise not_syncro(path, str(error)) from None
            raise Flawed(f"GET {path}: it cannot be read: {error}") from None

    def _page(self, path: str, wrapper: str, query: Mapping[str, Any], number: int, *, bulk: bool = False) -> wire.Page:
        data = self._get(path, query if number == 1 else {**query, "page": number}, bulk=bulk)
        try:
            return wire.page(data, wrapper)
        except wire.Unreadable as error:
            raise not_syncro(path, str(error)) from None

    def _first(self, record: type[R], path: str, wrapper: str, query: Mapping[str, Any] | None = None) -> list[R]:
        return self._records(record, path, self._page(path, wrapper, query or {}, 1).rows)

    def _list(
        self, record: type[R], path: str, wrapper: str, query: Mapping[str, Any] | None = None, *, bulk: bool = False
    ) -> Iterator[R]:
        """Every row of every page, each id once: rows move between pages while people work.

        All pages that `meta` names are read, an empty one too: rows that were deleted meanwhile shift the others. Where
        `meta` cannot be read, or contradicts itself (one page, but more entries than rows), or is missing beside a full
        page, it goes on until a page brings nothing new.
        """
        seen: set[int] = set()
        last, is_open = 0, False
        for number in range(1, wire.MAX_PAGES + 1):
            page = self._page(path, wrapper, query or {}, number, bulk=bulk)
            last, is_open = max(last, page.pages or 0), is_open or page.pages is None
            before = len(seen)
            for one in self._records(record, path, page.rows):
                identity = one.id  # type: ignore[attr-defined]
                if identity not in seen:
                    seen.add(identity)
                    yield one
            complete = not is_open and (page.entries is None or len(seen) >= page.entries)
            if number >= last and (complete or len(seen) == before):
                return
        raise not_syncro(path, "the list does not end")

    def _list_page(
        self, record: type[R], path: str, wrapper: str, query: Mapping[str, Any], number: int, *, bulk: bool
    ) -> ListPage:
        """One page, each row for itself: one that cannot be read is told, and does not take the others with it."""
        page = self._page(path, wrapper, query, number, bulk=bulk)
        records, unreadable, ids, told = [], [], [], {}
        for row in page.rows:
            key, flaws = wire.id_of(row), list[wire.Flaw]()
            ids += [] if key is None else [key]
            try:
                records.append(wire.read(record, row, flaws))
            except wire.Unreadable as error:
                unreadable.append((key, str(error)))
            if key is not None and flaws:
                told[key] = tuple(flaws)
        return ListPage(tuple(records), len(page.rows), page.pages, page.entries, tuple(unreadable), tuple(ids), told)

    def _records(self, record: type[R], path: str, rows: list[Any]) -> list[R]:
        try:
            return list(wire.read_rows(record, rows))
        except wire.Unreadable as error:
            raise not_syncro(path, str(error)) from None

    def _get(self, path: str, query: Mapping[str, Any], *, bulk: bool = False) -> Any:
        tries = waits = 0
        while True:
            tries += 1
            reply, problem = self._ask(path, query, bulk)
            if problem is None and reply is not None:
                return reply.data
            if reply is not None and reply.status == 429 and waits < RATE_WAITS:
                waits, tries = waits + 1, 0
                self.wait_out(reply)
            elif tries < READ_TRIES and (reply is None or reply.status >= 500 or reply.status == 408):
                pause = 0.5 * 2**tries * (0.5 + self._random.random() / 2)
                _log.info("GET %s: %s; trying again in %.1f s", path, problem, pause)
                self._transport.clock.sleep(pause)
            elif problem is not None:
                raise problem

    def _ask(self, path: str, query: Mapping[str, Any], bulk: bool) -> tuple[Reply | None, Exception | None]:
        try:
            reply = self._transport.ask("GET", path, query=query, bulk=bulk)
        except Unreachable as error:
            return None, error
        return reply, judge(path, reply)


def judge(path: str, reply: Reply) -> Exception | None:
    """The error that an answer to a read means, or None if it is fine. Pure."""
    status, said = reply.status, reply.said
    if status == 200 and reply.is_json and reply.data is None and path.startswith("/contracts/"):
        return Missing(f"Syncro has no {path}", status)  # its answer for one that was deleted
    if 200 <= status < 300:
        return (
            None if reply.is_json and reply.data is not None else not_syncro(path, reply.problem or "an empty answer")
        )
    if status == 401:
        return Refused(_unauthorised(path, said), status, said)
    if 300 <= status < 400:
        return not_syncro(path, f"a redirect ({status}); check the subdomain")
    if status == 404 and path.count("/") == 1:  # no record was asked for, but something that every account has
        return not_syncro(path, "404; the address is probably wrong: it must end in /api/v1")
    if status == 404 and reply.is_json:
        return Missing(f"Syncro has no {path}" + (f": {said}" if said else ""), status, said)
    if status == 404:
        return not_syncro(path, reply.problem)
    if status == 429:
        return Unreachable(
            f"GET {path}: Syncro keeps answering 429, too many requests from this address; try again later"
        )
    if 400 <= status < 500 and status != 408:
        return Refused(f"Syncro refused GET {path} ({status}): {said or 'it gave no reason'}", status, said)
    return Unreachable(f"GET {path}: Syncro answers {status}" + (f": {said}" if said else "; try again later"))


def _unauthorised(path: str, said: str) -> str:
    if "permission" in said.lower():
        return f"the API key may not read {path} (401): {said} An administrator can allow it under Admin > API Tokens."
    return f"Syncro does not accept the API key (401 on {path}){': ' + said if said else ''}; check it with `syncro doctor`"


def not_syncro(path: str, what: str) -> Unreachable:
    """The error for an answer that Syncro would not give."""
    return Unreachable(f"GET {path}: the answer is not Syncro's: {what}; check the address with `syncro doctor`")
