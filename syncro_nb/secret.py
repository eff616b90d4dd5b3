"""A value that never prints itself: the API key."""

from __future__ import annotations

import re
from typing import Any, NoReturn

MASK = "********"
MIN_LENGTH = 8  # a shorter one is a word (the sandbox's), and masking words would change the data


class Secret:
    """Holds a key. Only `reveal()` gives it; repr, str, format, pickle and copies of the object do not."""

    __slots__ = ("__forms", "__value")

    def __init__(self, value: str) -> None:
        self.__value = value
        self.__forms = re.compile("".join(map(_forms, value))) if len(value) >= MIN_LENGTH else None

    def reveal(self) -> str:
        """The key itself. Called in `service/transport.py` only."""
        return self.__value

    def hide_in(self, text: str) -> str:
        """The text with every occurrence of the key masked, as written in an address, in JSON or by repr() too."""
        return self.__forms.sub(MASK, text) if self.__forms else text

    def hide_in_data(self, data: Any) -> Any:
        """Parsed JSON with the key masked in every string and every name, whatever escapes it was written with."""
        if self.__forms is None:
            return data
        if isinstance(data, str):
            return self.__forms.sub(MASK, data)
        if isinstance(data, list):
            return [self.hide_in_data(one) for one in data]
        if isinstance(data, dict):
            return {self.__forms.sub(MASK, name): self.hide_in_data(one) for name, one in data.items()}
        return data

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled")


def _forms(character: str) -> str:
    """A pattern for the ways in which a server, or a log line, may write one character of the key."""
    percent = "".join(f"%{byte:02x}" for byte in character.encode())
    escape = f"(?i:{percent}|\\\\u{ord(character):04x})"
    if character == "\\":
        return rf"(?:{escape}|\\+)"
    if character.isalnum():
        return f"(?:{character}|{escape})"
    return rf"(?:{escape}|\\*{re.escape(character)})"  # a quote, or a slash, may have a backslash before it
