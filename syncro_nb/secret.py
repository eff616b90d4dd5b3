"""A value that never prints itself: the API key."""

from __future__ import annotations

from typing import NoReturn
from urllib.parse import quote, quote_plus

MASK = "********"
MIN_LENGTH = 8  # a shorter one is a word (the sandbox's), and masking words would change the data


class Secret:
    """Holds a key. Only `reveal()` gives it; repr, str, format, pickle and copies of the object do not."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The key itself. Called in `service/transport.py` only."""
        return self.__value

    def hide_in(self, text: bytes) -> bytes:
        """The text with every occurrence of the key masked, as written in an address too: a server may echo what it got."""
        for key in {self.__value, quote(self.__value, safe=""), quote_plus(self.__value)}:
            if len(key) >= MIN_LENGTH:
                text = text.replace(key.encode(), MASK.encode())
        return text

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled")
