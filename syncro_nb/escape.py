"""Text from Syncro is hostile: it passes through here before a person or a program sees it.

A ticket's subject may hold a script, a formula, a terminal's colour codes, a line break that forges a log line, or marks that
turn the reading direction around. It is shown as text, never obeyed. The names that no file may have are here, too.
"""

from __future__ import annotations

import html
import re
import unicodedata

_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
# A reader of a .csv may split it where we did not mean it, at ";" or at a line break, since quotes tell it nothing there; so what
# stands between two of these is a cell for somebody.
_BEGINS = r"(?<![^,;|\t\n])"
# What a spreadsheet may take for a formula, with the wide forms that Asian versions accept: also after blanks, after quotes
# (a reader takes "" away) and after what cannot be seen. A cell that begins with a tab is none, and programs trim it to one.
_LIVE = r"""'*(?:[^\S\t\n]|["\u200b-\u200d\u2060\ufeff])*[\t=+\-@＝＋－＠]"""
_FORMULA = re.compile(rf"{_BEGINS}(?={_LIVE})|\A(?='*\n)")
_DEFUSED = re.compile(rf"{_BEGINS}'(?={_LIVE})|\A'(?='*\n)")
FORBIDDEN = frozenset('<>:"/\\|?*')  # by Windows, in a name
_DEVICES = frozenset({"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"})
_DEVICE = re.compile(r"(?:com|lpt)[0-9¹²³]")
LONGEST_NAME = 255  # bytes: what file systems take


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


def for_csv(text: str) -> str:
    """A text of which no part is a formula, wherever a reader splits it: before each that would be one stands an apostrophe."""
    return _FORMULA.sub("'", text)


def from_csv(text: str) -> str:
    """The text that `for_csv` was given."""
    return _DEFUSED.sub("", text)


def is_device(name: str) -> bool:
    """Windows keeps this name for a device (CON, LPT1), in any case and with any ending."""
    first = name.split(".")[0].strip().casefold()
    return first in _DEVICES or _DEVICE.fullmatch(first) is not None


def name_trouble(name: str) -> str:
    """Why a file that people share between systems cannot have this name, as a sentence's end; "" if it can."""
    if any(unicodedata.category(one) in ("Zl", "Zp") or not _is_shown(one) for one in name):
        return "a name has no line breaks or other characters that cannot be seen"
    for one in name:
        if one in FORBIDDEN:
            return f"Windows allows no {one} in a name"
    if name != name.rstrip(". "):
        return "Windows allows no dot or blank at the end of a name"
    if is_device(name):
        return "Windows keeps that name for a device"
    return f"a name has at most {LONGEST_NAME} bytes" if len(name.encode()) > LONGEST_NAME else ""


def _is_shown(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cs") and character not in _TURNS
