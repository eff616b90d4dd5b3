"""Text as somebody hostile would write it, for every place where text is shown."""

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
