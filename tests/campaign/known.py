"""Faults of the write path that the campaign found and that are not mended yet: they are counted apart, and no more hidden.

An entry goes when its fault is mended; `python -m campaign` says which entries no case needs any more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """Cases and words, as regular expressions, and what is wrong."""

    case: str
    words: str
    why: str

    def fits(self, name: str, words: str) -> bool:
        """Whether this case broke this, as it is known to."""
        return bool(re.search(self.case, name) and re.search(self.words, words))


KNOWN = (
    Known(
        r"(Ctrl-C|disk full once) at seam \d+ \(commit\)",
        r"^crash: OperationalError: cannot start a transaction",
        "what is raised at a COMMIT leaves the journal's connection in the transaction",
    ),
    Known(
        r"is held back for 100 s|late by .*lid closed .* \(send POST",
        r"^(duplicate|too early|mail)",
        "the settling time counts from the intent, not from when the request left",
    ),
    Known(
        r"^timers: .* at POST /tickets/\*/charge_timer_entry \d, then somebody",
        r"^too early",
        "where there is another doubt it is asked at once, and `resend` is taken before the settling time is over",
    ),
    Known(
        r"suspended at seam \d+ \(send POST",
        r"^(duplicate|mail|intent|posts|too early|false proof|crash|edge)",
        "a process that is suspended before its request leaves, while another one goes on with its run",
    ),
)
