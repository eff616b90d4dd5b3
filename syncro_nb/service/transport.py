"""One request over HTTP and what came back, as a value. The only module that touches httpx and the key.

It never sends anything twice, follows no redirect, uses no proxy, and keeps the key out of everything that could be
printed: httpx's own log lines, `repr(request)`, its exceptions and their frames see the address without the key, which is
added in the innermost layer; the key is masked in what httpx and httpcore log, and in an answer that echoes it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any, Protocol

import httpx

from .. import __version__
from ..clock import Clock
from ..errors import NotSent, Unreachable
from ..secret import Secret
from . import wire
from .deadline import Deadline

MAX_BODY_BYTES = 16_000_000
MAX_WAIT_SECONDS = 120.0  # a longer Retry-After would look like a program that hangs
# Their debug lines show an answer's headers and reason phrase. A filter holds for one logger, not for those below it.
_LOGGERS = ("httpx", *("httpcore" + part for part in ("", ".connection", ".http11", ".http2", ".proxy", ".socks")))
# The request did not leave in these cases; any other failure leaves open whether it arrived.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class Answer(Protocol):
    """What a server inside this process answers; status 0 drops the connection."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


Inside = Callable[[str, str, Mapping[str, str], bytes], Answer]


class Slots(Protocol):
    """The rate limiter, as far as the transport needs it."""

    def slot(self, *, bulk: bool = False) -> AbstractContextManager[None]: ...
    def penalise(self, seconds: float) -> None: ...


@dataclass(frozen=True)
class Reply:
    """An answer: its status, its JSON (`data`, None if it has none) and whether the body was JSON or empty at all."""

    status: int
    data: Any = None
    is_json: bool = True
    retry_after: float | None = None
    problem: str = field(default="", compare=False)

    @property
    def said(self) -> str:
        """Syncro's own words, as one line."""
        return wire.sentence(self.data)


class _Keyed(httpx.BaseTransport):
    """Adds the key to a copy of the request, so that nothing outside ever holds an address or header with it."""

    def __init__(self, inner: httpx.BaseTransport, key: Secret, auth: str) -> None:
        self._inner, self._key, self._auth = inner, key, auth

    def _with_key(self, request: httpx.Request) -> httpx.Request:
        url, headers = request.url, request.headers.copy()
        if self._auth == "bearer":
            headers["Authorization"] = f"Bearer {self._key.reveal()}"
        else:
            url = url.copy_with(params=[("api_key", self._key.reveal()), *url.params.multi_items()])
        return httpx.Request(request.method, url, headers=headers, stream=request.stream, extensions=request.extensions)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        failure: httpx.HTTPError
        try:
            return self._inner.handle_request(self._with_key(request))
        except httpx.HTTPError as error:
            # Made anew outside this block: the original's frames and context hold the address with the key.
            words = self._key.hide_in(str(error))
            failure = type(error)(words) if isinstance(error, httpx.RequestError) else httpx.HTTPError(words)
        raise failure

    def close(self) -> None:
        self._inner.close()


class _Masked(logging.Filter):
    """Masks the key in the records of a logger that is not ours, whoever set its level."""

    def __init__(self, key: Secret) -> None:
        super().__init__()
        self._key = key

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._key.hide_in(record.getMessage()), ()
        return True


def _client(url: str, key: Secret, auth: str, timeout_seconds: float, inside: Inside | None) -> httpx.Client:
    inner = httpx.MockTransport(_answer_with(inside)) if inside else httpx.HTTPTransport(trust_env=False)
    return httpx.Client(
        base_url=url,
        transport=_Keyed(inner, key, auth),
        timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, 30.0), pool=min(timeout_seconds, 30.0)),
        follow_redirects=False,
        trust_env=False,
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"syncro_nb/{__version__}",
        },
    )


class Transport:
    """One account's connection. `inside` answers instead of the network, for the sandbox in this process."""

    def __init__(
        self,
        url: str,
        key: Secret,
        *,
        auth: str = "query",
        timeout_seconds: float = 60.0,
        clock: Clock,
        limiter: Slots | None = None,
        inside: Inside | None = None,
    ) -> None:
        self._make: Callable[[], httpx.Client] = lambda: _client(url, key, auth, timeout_seconds, inside)
        self._made: httpx.Client | None = None
        self._making = Lock()
        self.url = url
        self.clock = clock
        self._key = key
        self._filter = _Masked(key)
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self._filter)
        self._limiter = limiter
        self._body_seconds = timeout_seconds  # an answer that trickles is cut off; each part alone would be in time
        # To wait for a connection, to send, to wait for the answer, to read it: below the limiter's LONGEST_REQUEST.
        self._deadline = None if inside else Deadline(2 * timeout_seconds + 90)
        self._server_ahead = timedelta(0)
        self.has_heard_time = False  # an answer has told the server's time

    def _client(self) -> httpx.Client:
        """Made with the first request: a notebook that only asks the mirror need not load the certificates."""
        with self._making:
            if self._made is None:
                self._made = self._make()
            return self._made

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        bulk: bool = False,
        leaving: Callable[[], None] | None = None,
    ) -> Reply:
        """Send one request, once. `leaving` is called when it has its turn, and may still stop it by raising NotSent.

        Raises NotSent if it certainly did not arrive, Unreachable if nobody can know.
        """
        content = None if body is None else json.dumps(body).encode()
        headers = {} if content is None else {"Content-Type": "application/json"}
        params = {name: _plain(value) for name, value in (query or {}).items() if value is not None}
        what = f"{method} {path}"
        problem, sent = "", True
        with self._limiter.slot(bulk=bulk) if self._limiter else nullcontext():
            if leaving is not None:
                leaving()
            try:
                with (
                    self._in_time() as extensions,
                    self._client().stream(
                        method, path, params=params, content=content, headers=headers, extensions=extensions
                    ) as response,
                ):
                    return self._reply(response, self._body(response))
            except httpx.HTTPError as error:
                sent = not isinstance(error, _NOT_SENT)
                problem = _in_words(error)
            except httpx.InvalidURL:
                sent, problem = False, "the address is not valid"
        text = self._key.hide_in(f"{what}: {problem} (at {self.url})")
        raise Unreachable(text) if sent else NotSent(text)

    @contextmanager
    def _in_time(self) -> Iterator[dict[str, Any]]:
        if self._deadline is None:
            yield {}
            return
        with self._deadline.armed():
            yield {"trace": self._deadline.trace}

    def wait_out(self, seconds: float) -> None:
        """A 429 came: hold back every process of this machine for so long."""
        if self._limiter:
            self._limiter.penalise(seconds)
        self.clock.sleep(seconds)

    def server_now(self) -> datetime:
        """The server's present time, as its last answer told it; ours before the first."""
        return self.clock.now() + self._server_ahead

    def close(self) -> None:
        """Close the connections."""
        if self._made is not None:
            self._made.close()
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(self._filter)

    def _body(self, response: httpx.Response) -> bytes:
        started, parts, size = self.clock.moment().seconds, [], 0
        if response.headers.get("content-encoding", "identity").strip().lower() not in ("identity", "gzip", "deflate"):
            raise httpx.ReadError("the answer is packed in an odd way")  # packed twice, a small one can fill the memory
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > MAX_BODY_BYTES:
                raise httpx.ReadError(f"the answer is larger than {MAX_BODY_BYTES // 1_000_000} MB")
            if self.clock.moment().seconds - started > self._body_seconds:
                raise httpx.ReadTimeout("the answer does not end")
        return b"".join(parts)

    def _reply(self, response: httpx.Response, content: bytes) -> Reply:
        self._note_server_time(response.headers.get("date", ""))
        retry_after = _retry_after(response.headers.get("retry-after", ""), self.server_now())
        if not content.strip():
            return Reply(response.status_code, None, True, retry_after)
        try:
            # Masked after parsing: JSON can write a key in many ways, all of which are the key again once they are read.
            data = self._key.hide_in_data(wire.parse(content))
            return Reply(response.status_code, data, True, retry_after)
        except (wire.Unreadable, RecursionError):
            html = content.lstrip()[:1] == b"<"
            problem = "a web page instead of JSON" if html else "something that is not JSON"
            if response.status_code == 429:  # Syncro's own is plain text
                problem = "too many requests from this address"
            return Reply(response.status_code, None, False, retry_after, problem)

    def _note_server_time(self, date: str) -> None:
        try:
            self._server_ahead = parsedate_to_datetime(date) - self.clock.now()
            self.has_heard_time = True
        except (TypeError, ValueError, OverflowError):
            return  # no Date, or an odd one: what was known stays


def _plain(value: Any) -> str | list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _retry_after(written: str, now: datetime) -> float | None:
    """Seconds to wait, at most two minutes: given as such, or as a time, which counts from the server's present one."""
    try:
        digits = written.isascii() and written.isdigit()
        seconds = float(written) if digits else (parsedate_to_datetime(written) - now).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_WAIT_SECONDS)


def _in_words(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return "no connection within the time-out"
    if isinstance(error, httpx.TimeoutException):
        return "no answer within the time-out"
    words = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, httpx.ConnectError):
        return f"cannot connect ({words})"
    return f"the connection broke ({words})"


def _answer_with(inside: Inside) -> Callable[[httpx.Request], httpx.Response]:
    def handler(request: httpx.Request) -> httpx.Response:
        answer = inside(request.method, request.url.raw_path.decode("ascii"), dict(request.headers), request.read())
        if answer.status == 0:
            raise httpx.ReadError("the connection was dropped", request=request)
        return httpx.Response(answer.status, headers=dict(answer.headers), stream=_Body(answer.body))

    return handler


class _Body(httpx.SyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
