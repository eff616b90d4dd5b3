"""The sandbox of the first day: without an account, what one command did is there for the next."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from .clock import Clock
from .database import Connection, OperationalError, open_database
from .errors import ConfigError, NotSent

if TYPE_CHECKING:
    from .sandbox import Answer, Sandbox


class KeptSandbox:
    """A sandbox whose state is in a file that several programs share: a write loads it, changes it and keeps it, under a lock.

    Without the lock the program that keeps last would undo what another did meanwhile.
    """

    def __init__(self, home: Path, clock: Clock) -> None:
        self._path, self._clock = home / "state.json", clock
        self._seen: tuple[int, ...] | None = None  # which version of the file `sandbox` is
        self._lock: Connection | None = None
        self.sandbox = self._load() or self._new()

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request, on what the file holds now; with 503 if a write could not be kept, which undoes it.

        Raises ConfigError if the state cannot be read, NotSent if another program keeps the lock.
        """
        if method == "GET":
            self.sandbox = self._load() or self.sandbox
            return self.sandbox.handle(method, target, headers, body)
        with self._locked():
            self.sandbox = self._load() or self.sandbox
            answer = self.sandbox.handle(method, target, headers, body)
            return answer if self._keep() else replace(answer, status=503, headers={}, body=b"")

    def close(self) -> None:
        """Close the lock's file."""
        if self._lock is not None:
            self._lock.close()

    def _new(self) -> Sandbox:
        from .sandbox import RunningClock, Sandbox, Switches

        # Up to yesterday, where the sandbox is: a day of invented data ends in the afternoon, later perhaps than now.
        now = self._clock.now()
        day = now.astimezone(Switches().zone).date() - timedelta(days=1)
        return Sandbox(today=day, clock=RunningClock(now))

    def _load(self) -> Sandbox | None:
        """The sandbox that is in the file; None if it is the one we have, or if there is none yet."""
        from .sandbox import RunningClock, Sandbox

        try:
            version = self._version()
            if version == self._seen:
                return None
            kept = Sandbox.load(json.loads(self._path.read_text("utf-8")), clock=RunningClock(self._clock.now()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError):
            problem = f"the sandbox's state in {self._path} cannot be read; delete that file to begin anew"
            raise ConfigError(problem) from None
        self._seen = version
        return kept

    def _keep(self) -> bool:
        draft = self._path.with_suffix(".new")
        try:
            draft.write_text(json.dumps(self.sandbox.dump()), "utf-8")
            os.replace(draft, self._path)
            self._seen = self._version()
        except OSError:
            self._seen = None
            self.sandbox = self._load() or self._new()
            return False
        return True

    def _version(self) -> tuple[int, ...]:
        facts = self._path.stat()
        return facts.st_ino, facts.st_mtime_ns, facts.st_size

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if self._lock is None:
            self._lock = open_database(self._path.with_name("state.lock"), "", 1, durable=False)
        try:
            self._lock.execute("BEGIN IMMEDIATE")  # waits up to 30 s for another program
        except OperationalError:
            raise NotSent(f"the sandbox in {self._path.parent} has been busy with another program for 30 s") from None
        try:
            yield
        finally:
            self._lock.execute("ROLLBACK")
