"""The requests of a sync: sources that are read side by side, what failed, and when Syncro is to be given up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import Error, Missing, Refused, Unreachable

MOST_FAILURES = 12  # requests one after another that had no answer, each tried several times: Syncro is away
MOST_SORTS = 3  # ... and of so many sorts: one that alone fails for good does not end a sync

Fetch = Callable[[], Any]
Tell = Callable[["Progress"], None]


@dataclass(frozen=True)
class Progress:
    """Requests made, those still to come as far as is known, and what is read now."""

    done: int
    left: int
    what: str


class Source(Protocol):
    """Something that is read by a number of requests."""

    name: str

    @property
    def is_done(self) -> bool: ...
    @property
    def left(self) -> int: ...
    def take(self) -> Fetch | None: ...
    def absorb(self, answer: Any) -> None: ...
    def fail(self, error: Error) -> None: ...


class Asking:
    """All requests of one sync. `to_come` tells how many follow once the sources at hand are read, for the progress."""

    def __init__(self, workers: int, tell: Tell | None, to_come: Callable[[list[Source]], int]) -> None:
        self.requests = 0
        self.is_over = False  # Syncro has gone away
        self.problems: dict[str, str] = {}  # what to tell of each source that failed
        self._workers, self._tell, self._to_come = workers, tell, to_come
        self._failures: list[str] = []
        self._successes = 0
        self._first_error: Error | None = None

    def pull(self, name: str, fetch: Fetch) -> Any:
        """One request by itself. Raises what `fetch` raises, and notes it."""
        self.requests += 1
        try:
            answer = fetch()
        except Error as error:
            self._first_error = self._first_error or error
            self.problems[name] = f"{name}: {error}"
            raise
        self._successes += 1
        return answer

    def check(self, *sorts: type[Error], or_else: Fetch | None = None) -> None:
        """Raise the first error, if it is of one of these sorts and nothing at all could be read so far.

        `or_else`: is asked first, and what it raises is raised.
        """
        if not self._successes and isinstance(self._first_error, sorts or Error):
            if or_else is None:
                raise self._first_error
            self.pull("account", or_else)

    def read(self, sources: Iterable[Source]) -> None:
        """Work through sources side by side: the first has precedence, and each list is read a page after another."""
        todo = list(sources)
        if self._workers == 1:
            return self._read_alone(todo)
        flying: dict[Future[Any], Source] = {}
        while not self.is_over:
            while len(flying) < self._workers and (taken := _next(todo)):
                source, fetch = taken
                self.requests += 1
                flying[_begin(fetch)] = source
            if not flying:
                return None
            ready, _ = wait(flying, return_when=FIRST_COMPLETED)
            for future in ready:
                self._take_in(flying.pop(future), future.result, todo)
        return self._gone_away()

    def _read_alone(self, todo: list[Source]) -> None:
        while not self.is_over and (taken := _next(todo)):
            source, fetch = taken
            self.requests += 1
            self._take_in(source, fetch, todo)
        if self.is_over:
            self._gone_away()

    def _take_in(self, source: Source, fetch: Fetch, todo: list[Source]) -> None:
        try:
            answer = fetch()
        except (Refused, Unreachable) as error:
            self._note(source, error)
            source.fail(error)
        else:
            self._successes += 1
            self._failures.clear()
            source.absorb(answer)
        if self._tell:
            left = sum(one.left for one in todo)
            self._tell(Progress(self.requests, left + self._to_come(todo), source.name))

    def _note(self, source: Source, error: Error) -> None:
        name = source.name
        self._first_error = self._first_error or error
        if not isinstance(error, Missing):
            self.problems.setdefault(name, f"{name}: {error}")
        if isinstance(error, Unreachable):
            self._failures.append(name)
            self.is_over = len(self._failures) >= MOST_FAILURES and len(set(self._failures)) >= MOST_SORTS

    def _gone_away(self) -> None:
        raise Unreachable(
            f"Syncro stopped answering after {self.requests} requests ({next(iter(self.problems.values()), '')}); "
            "what was read is kept, and the next sync goes on from there"
        )


def _begin(fetch: Fetch) -> Future[Any]:
    """A request in a thread that nobody waits for when the program is stopped: it may wait a minute for its turn."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(fetch())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def _next(todo: list[Source]) -> tuple[Source, Fetch] | None:
    for source in todo:
        fetch = source.take()
        if fetch is not None:
            return source, fetch
    return None
