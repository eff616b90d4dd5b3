"""The short visible last line by which our own comments and labour lines are known again: `Ref SNB-7K3MQ9-4T2X`.

The first part stands for the unit of work (account, ticket, sources) and the attempt; the second ties it to the account
and the ticket, so that a reference that was merged, cloned or quoted into another ticket is seen not to belong there, and
so that a mistyped one is no reference at all. Price and wording are no part of it: a corrected text is the same work.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O, U: read over the phone
_FORM = re.compile(rf"SNB-([{LETTERS}]{{6}})-([{LETTERS}]{{4}})")


def make(account: str, ticket_id: int, unit: str, attempt: int) -> str:
    """The reference of one unit of work (its sources as text) and one attempt at it."""
    head = letters(f"{account}|{ticket_id}|{unit}|{attempt}", 6)
    return f"SNB-{head}-{_tie(account, ticket_id, head)}"


def belongs(reference: str, account: str, ticket_id: int) -> bool:
    """Whether this reference was made for this ticket of this account."""
    found = _FORM.fullmatch(reference)
    return found is not None and found[2] == _tie(account, ticket_id, found[1])


def under(text: str, reference: str) -> str:
    """The text with the reference as its last line."""
    return f"{text}\nRef {reference}"


def last_reference(text: str) -> str | None:
    """The reference in the last line that is not empty, or None."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = re.fullmatch(r"Ref (\S+)", lines[-1]) if lines else None
    return found[1] if found and _FORM.fullmatch(found[1]) else None


def unknown_references(texts: Iterable[str], account: str, ticket_id: int, known: Collection[str]) -> list[str]:
    """The references among the last lines of these texts that were made for this ticket, but not by this journal's runs.

    Another machine wrote them, or our journal was lost or is an older copy. Each is named once, in order.
    """
    found = (last_reference(text) for text in texts)
    ours = (one for one in found if one is not None and belongs(one, account, ticket_id))
    return [one for one in dict.fromkeys(ours) if one not in known]


def strip(text: str) -> str:
    """The text without its reference line, line ends made equal: what a person wrote."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    plain = "\n".join(lines).strip()
    return plain if last_reference(plain) is None else plain.rpartition("\n")[0].strip()


def _tie(account: str, ticket_id: int, head: str) -> str:
    return letters(f"tie|{account}|{ticket_id}|{head}", 4)


def letters(text: str, length: int) -> str:
    """A fingerprint of a text in `length` (at most 12) of our letters."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return "".join(LETTERS[number >> (5 * place) & 31] for place in range(length))
