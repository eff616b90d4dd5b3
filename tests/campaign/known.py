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


KNOWN: tuple[Known, ...] = (
    Known(
        r"tickets\.(status|priority) stored otherwise at PUT /tickets/\*",
        "the status is New",
        "a bill's last write, the status, is proved by its answer; a read of its own would be a tenth request",
    ),
)
