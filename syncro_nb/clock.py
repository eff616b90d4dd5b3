"""Now and waiting. The only module that reads a clock, so that a test can hold it still."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

_PROCESS = uuid.uuid4().hex  # stands in for the boot where the system does not name it


@dataclass(frozen=True)
class Moment:
    """A point on the machine's steady clock. Two moments can be compared only if they belong to one boot."""

    boot: str
    seconds: float


class Clock(Protocol):
    """What the rest of the package knows of time."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""

    def moment(self) -> Moment:
        """The present on the steady clock: it never jumps, and counts while the machine sleeps where the system can."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


def seconds_since(then: Moment, clock: Clock) -> float | None:
    """Seconds from `then` to now, or None after a reboot: then nobody knows."""
    present = clock.moment()
    return present.seconds - then.seconds if present.boot == then.boot else None


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        # The steady clock counts from the start of the system on macOS and Windows; this dates that start, to 10 s.
        started = time.time() - time.monotonic()
        return f"started-{round(started / 10)}" if started > 0 else _PROCESS


@dataclass(frozen=True)
class SystemClock:
    """The machine's own clocks."""

    boot: str = field(default_factory=_boot_id)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def moment(self) -> Moment:
        steady = getattr(time, "CLOCK_BOOTTIME", None)
        return Moment(self.boot, time.monotonic() if steady is None else time.clock_gettime(steady))

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))


@dataclass
class StillClock:
    """A clock that moves only when it is told to, or when somebody sleeps."""

    instant: datetime
    boot: str = "still"
    elapsed: float = 0.0

    def now(self) -> datetime:
        return self.instant + timedelta(seconds=self.elapsed)

    def moment(self) -> Moment:
        return Moment(self.boot, self.elapsed)

    def sleep(self, seconds: float) -> None:
        self.elapsed += max(0.0, seconds)
