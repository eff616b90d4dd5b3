"""When a ticket needs somebody: the shop's limits, targets and words for the triage queue. Pure values with usable defaults.

`syncro.yaml`, section `triage`, changes them; docs/configuration.md says how.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

HOUR = 3600
DAY = 24 * HOUR
URGENT, HIGH, NORMAL, LOW = range(4)

# Phrases, as whole words: "shut down the old server" and "download" are no emergency.
IMPACT_WORDS = (
    "is down",
    "are down",
    "went down",
    "all down",
    "everything down",
    "server down",
    "network down",
    "internet down",
    "email down",
    "phones down",
    "system down",
    "systems down",
    "site down",
    "down for everyone",
    "outage",
    "ransomware",
    "hacked",
    "data breach",
    "security breach",
    "nobody can",
    "no one can",
    "all users",
    "whole office",
    "entire office",
    "cannot work",
    "can't work",
    "unable to work",
    "production stopped",
)


@dataclass(frozen=True)
class Target:
    """What the house promises where a ticket has no service level: calendar seconds since it came; None: nothing."""

    response_seconds: int | None = None
    resolution_seconds: int | None = None


# Outer limits, not ambitions: wide enough that a forgotten ticket turns stale before it counts as breached.
TARGETS: Mapping[int, Target] = {
    URGENT: Target(1 * HOUR, 1 * DAY),
    HIGH: Target(4 * HOUR, 7 * DAY),
    NORMAL: Target(24 * HOUR, 30 * DAY),
    LOW: Target(72 * HOUR, 60 * DAY),
}


@dataclass(frozen=True)
class Thresholds:
    """The limits of triage. Priorities are the leading digit of Syncro's text: 0 urgent, 1 high, 2 normal, 3 low.

    `stale_hours` are business hours, `chase_days` business days, the rest is calendar time. `targets` of a priority that is
    not listed are those of the nearest higher one that is.
    """

    stale_hours: Mapping[int, float] = field(default_factory=lambda: {URGENT: 8, HIGH: 24, NORMAL: 72})
    chase_days: int = 3
    unassigned_minutes: int = 15
    risk_hours: float = 1
    risk_share: float = 0.25
    targets: Mapping[int, Target] = field(default_factory=lambda: TARGETS)
    impact_words: tuple[str, ...] = IMPACT_WORDS
    vip_tags: tuple[str, ...] = ("vip",)

    def stale_after(self, priority: int) -> float:
        """Business hours without a technician after which a ticket of this priority is stale."""
        return self.stale_hours[_nearest(priority, self.stale_hours)] if self.stale_hours else float("inf")

    def target_of(self, priority: int) -> Target:
        """The house's target for a priority."""
        return self.targets[_nearest(priority, self.targets)] if self.targets else Target()

    @cached_property
    def impact(self) -> re.Pattern[str] | None:
        """What finds an impact word in a subject, as whole words in any case; None if the shop has none."""
        words = [r"\s+".join(map(re.escape, word.split())) for word in self.impact_words if word.strip()]
        return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE) if words else None


def _nearest(priority: int, known: Mapping[int, object]) -> int:
    """The priority itself, else the nearest higher one that is known, else the highest that is."""
    higher = [one for one in known if one <= priority]
    return max(higher) if higher else min(known)
