"""Hostile text, as it may stand in any field of any record: shown as text wherever it appears."""

ATTACK = "<img src=x onerror=alert(1)>\"'</td></select></script><script>alert(2)</script>\u202egnp"


def shown_by(box):
    """The HTML of every widget in a box that renders HTML."""
    own = [box.value] if type(box).__name__ == "HTML" else []
    return "".join([*own, *(shown_by(child) for child in getattr(box, "children", ()))])


def is_text(html):
    """Whether nothing of an attack is markup there."""
    return not any(piece in html for piece in ("<img", "<script", "</select", "\u202e", 'onerror=alert(1)>"'))


# Every kind of it: markup, other directions, control characters, forged lines, formulas, languages of markup, and length.
SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'</td></div>"
TURNED = "\u202egnp.exe\u2066 شارع 你好 🔥👩‍🔧"
CONTROL = "\x1b[31mred\x1b]0;title\x07\x00\x08 beep\x9b31m"
FORGED = "line one\r\nERROR syncro_nb: a forged line\u2028and another\u0085"
FORMULA = "=cmd|' /C calc'!A0"
MARKUP = "$$x^2$$ **bold** [click](javascript:alert(3)) {{7*7}} %s"
LONG = "ab " * 3333 + "end"

ALL = (SCRIPT, TURNED, CONTROL, FORGED, FORMULA, MARKUP, LONG)
MIXED = " ".join((*ALL[:-1], LONG))[:9_900]
UNPRINTABLE = "\x1b\x00\x07\x08\x9b\u202e\u2066\u2028\u0085"
