"""Text from Syncro is hostile: it passes through here before a person or a program sees it.

A ticket's subject may hold a script, a terminal's colour codes, a line break that forges a log line, or marks that turn the
reading direction around. It is shown as text, never obeyed.
"""

from __future__ import annotations

import html
import unicodedata

_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def for_html(text: object) -> str:
    """For a place where HTML is rendered: no tag, no attribute, no direction mark of the text's own survives."""
    return html.escape(paragraph(text), quote=True)


def line(text: object) -> str:
    """One printable line, for a terminal, a log or a table's cell."""
    return " ".join(paragraph(text).split())


def paragraph(text: object) -> str:
    """Printable text that may have line breaks and tabs; every other control character is dropped."""
    written = str(text).replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(character for character in written if character in "\n\t" or _is_shown(character))


def clip(text: object, width: int) -> str:
    """One line of at most `width` characters."""
    whole = line(text)
    return whole if len(whole) <= width else whole[: max(0, width - 1)] + "…"


def _is_shown(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cs") and character not in _TURNS
