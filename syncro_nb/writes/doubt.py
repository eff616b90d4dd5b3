"""A write in doubt: what a look at Syncro means for it. Pure; `run.py` does the looking and the waiting.

Never sent again on a guess: only two complete looks that find nothing, the second of which begins a settling time after the
request had ended, prove that it is not there. The settling time does not begin with the intent, because a request may wait
for its turn; it begins when its sender gave it up, or when somebody found it without one.
"""

from __future__ import annotations

from typing import Literal

Verdict = Literal["adopt", "ask", "look again", "absent"]


def judge(found: int, doubts: int, *, looks: int, elapsed_seconds: float, settle_seconds: float) -> Verdict:
    """What is to be done after so many looks, the last of which began `elapsed_seconds` after the request had ended.

    `found`: records that are ours, whichever attempt they are from. `doubts`: what may have to do with it.
    """
    if doubts or found > 1:
        return "ask"
    if found:
        return "adopt"
    return "absent" if looks > 1 and elapsed_seconds >= settle_seconds else "look again"
