"""An end for requests that have none: a server that sends a byte now and then is never "too slow" for a time-out per read.

The limiter counts on it: it gives a request's slot to another when the longest request must have ended.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakSet


class Deadline:
    """Shuts the connections of one transport when a request takes longer than `seconds` in all."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._streams: WeakSet[Any] = WeakSet()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """What the HTTP library reports of itself: here we learn of its connections (its `trace` extension)."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._streams.add(info["return_value"])

    @contextmanager
    def armed(self) -> Iterator[None]:
        """While inside, the time runs; a read that is cut off fails as a broken connection does."""
        alarm = threading.Timer(self.seconds, self._shut)
        alarm.daemon = True
        alarm.start()
        try:
            yield
        finally:
            alarm.cancel()

    def _shut(self) -> None:
        for stream in list(self._streams):
            connection = stream.get_extra_info("socket")
            if connection is not None:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)  # closing alone would not wake a read that waits
