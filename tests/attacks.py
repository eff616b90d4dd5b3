"""Hostile text, as it may stand in any field of any record: shown as text wherever it appears."""

ATTACK = "<img src=x onerror=alert(1)>\"'</td></select></script><script>alert(2)</script>\u202egnp"


def shown_by(box):
    """The HTML of every widget in a box that renders HTML."""
    own = [box.value] if type(box).__name__ == "HTML" else []
    return "".join([*own, *(shown_by(child) for child in getattr(box, "children", ()))])


def is_text(html):
    """Whether nothing of an attack is markup there."""
    return not any(piece in html for piece in ("<img", "<script", "</select", "\u202e", 'onerror=alert(1)>"'))
