"""One kind of trouble that a demo ticket can be about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Story:
    """One kind of trouble: how it begins, what the technician does and writes, and what it takes."""

    subject: str
    problem_type: str
    opening: str
    done: str  # the public comment that ends it
    notes: str  # of the timer
    quarters: tuple[int, int]  # quarter hours that it takes, from and to
    kind: str = "remote"
    priority: str = "2 Normal"
    goods: str = ""
    question: str = ""  # asked of the customer, who answers
    reply: str = ""
    inside: str = ""  # a hidden note
    needs: str = ""  # "parts" or "vendor": what it may have to wait for
