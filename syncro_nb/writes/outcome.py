"""What became of a write: the closed table. Four ends, nothing else; only `NotSent` and a 429 may be sent again by us.

answered   2xx, whole JSON, the expected record with an id      -> it landed
refused    400 401 403 404 409 422 429, and other definite 4xx  -> it did not land
not sent   name resolution, refused connection, TLS             -> it did not arrive
unknown    everything else: time-outs, resets, 5xx, 408, redirects, a 2xx that cannot be read -> only reading can tell
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import errors
from ..service import wire
from ..service.requests import Request
from ..service.transport import Reply

# Only what Syncro itself is known to answer: any other may come from something in between that knows nothing of it.
DEFINITE = frozenset({400, 401, 403, 404, 409, 422, 429})


@dataclass(frozen=True)
class Answered:
    """It landed; `record` is what Syncro says it stored."""

    record: Any


@dataclass(frozen=True)
class Refused:
    """Syncro said no; nothing was stored. `reply` of a 429 tells how long to wait."""

    status: int
    said: str
    reply: Reply


@dataclass(frozen=True)
class NotSent:
    """It did not leave this machine."""

    reason: str


@dataclass(frozen=True)
class Unknown:
    """It may or may not have landed. Only a read can tell; nothing may send it again before."""

    reason: str


Outcome = Answered | Refused | NotSent | Unknown


def send(request: Request, ask: Callable[[Request], Reply]) -> Outcome:
    """Send once, and say which of the four it was. Raises nothing of the network's."""
    try:
        return classify(request, ask(request))
    except (errors.NotSent, errors.ConfigError) as error:  # a ConfigError: the limiter gave it no slot
        return NotSent(str(error))
    except errors.Unreachable as error:
        return Unknown(str(error))


def classify(request: Request, reply: Reply) -> Outcome:
    """Which row of the table an answer is. Pure."""
    if reply.status in DEFINITE:
        return Refused(reply.status, reply.said or reply.problem or "it gave no reason", reply)
    if not 200 <= reply.status < 300:
        return Unknown(f"Syncro answered {reply.status}" + (f": {reply.said}" if reply.said else ""))
    if not reply.is_json or reply.data is None:
        return Unknown(f"Syncro answered {reply.status} with {reply.problem or 'an empty body'}")
    try:
        return Answered(request.read(reply.data))
    except wire.Unreadable as error:
        return Unknown(f"Syncro answered {reply.status}, but {error}")
