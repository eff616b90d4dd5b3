"""The sandbox itself: one embedded Syncro account that answers requests, with its clock, its log and its faults."""

from __future__ import annotations

import json
import threading
import time as system_time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from email.utils import format_datetime
from typing import Any

from ..errors import ConfigError
from . import ledger, routes
from .data import make_account
from .faults import Fault, as_json, read_faults
from .lag import Past
from .passing import let_pass
from .request import PREFIX, Refusal, Request, is_too_deep, plain, read_fields, reread, take_apart
from .state import Account
from .switches import Switches
from .times import DAY, SECOND, SteppingClock, from_ms, to_ms

DEMO_DAY = date(2026, 3, 31)

_YEARS = range(2000, 2101)  # the invented data reaches some years around the day
_LONGEST_ADVANCE = 400  # days
_LOG_LENGTH = 20_000  # requests; older ones are forgotten
_TOO_MANY = b"Retry later\n"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. Status 0 means that the connection is dropped without one."""

    status: int
    headers: dict[str, str]
    body: bytes


class Sandbox:
    """An embedded Syncro account with invented data, made from (today, seed, size).

    Without `clock` its time is half past four in the afternoon of `today`, and one second more at each request.
    `sleep` is how a delay fault waits. Raises ConfigError for a day outside 2000 to 2100.
    """

    def __init__(
        self,
        today: date = DEMO_DAY,
        seed: int = 1,
        size: str = "small",
        clock: Callable[[], datetime] | None = None,
        key: str = "sandbox",
        *,
        switches: Switches | None = None,
        sleep: Callable[[float], None] = system_time.sleep,
    ) -> None:
        if today.year not in _YEARS:
            raise ConfigError(f"the sandbox's day must lie between {_YEARS[0]} and {_YEARS[-1]}, not in {today.year}")
        self.today, self.seed, self.size, self.key = today, seed, size, key
        self._first_switches = switches or Switches()
        self._given_clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._begin(make_account(today, seed, size, self._first_switches))

    def _begin(self, account: Account) -> None:
        self._account = account
        start = datetime.combine(self.today, time(16, 30), account.switches.zone)
        self._clock = self._given_clock or SteppingClock(start)
        self._next_at = to_ms(start)  # where a stepping clock would go on
        self._moved = 0  # how far `advance` has moved the clock on, in milliseconds
        self._log: deque[dict[str, Any]] = deque(maxlen=_LOG_LENGTH)
        self._faults: list[Fault] = []
        self._late: list[dict[str, Any]] = []  # writes that will be done later
        self._past = Past()
        self._recent: deque[int] = deque()  # instants of the requests that the rate limit counts

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request. `target` is the path with its query: "/api/v1/tickets?status=New"."""
        request = take_apart(method, target, headers, body)
        if request.path.startswith("/_sandbox"):
            with self._lock:
                return self._control(request)
        try:
            request.body = read_fields(request)
        except Refusal as refusal:
            request.refusal = refusal
        if not routes.has_key(request, self.key):
            request.refusal = routes.WRONG_KEY
        with self._lock:
            request.now = to_ms(self._clock()) + self._moved
            self._next_at = request.now + SECOND
            self._commit_late(request.now)
            if self._over_limit(request.now):
                return self._too_many(request)
            operation = f"{request.method} {request.path.removeprefix(PREFIX)}"
            fault = next((one for one in self._faults if one.strikes(operation)), None)
        if fault and fault.kind == "delay":
            self._sleep(fault.seconds)  # without the lock: others are served meanwhile
            request.now += int(fault.seconds * SECOND)
        with self._lock:
            return self._respond(request, fault)

    def arm(self, faults: object) -> None:
        """Let something go wrong on purpose: a fault as JSON has it, or a list (docs/sandbox.md). Raises ConfigError."""
        self._faults += read_faults(faults)

    def _respond(self, request: Request, fault: Fault | None) -> Answer:
        entry = self._note(request)
        if fault is None:
            return self._answer(request, entry, *self._do(request))
        if fault.kind == "late_commit" and not request.refusal:
            due = request.now + int(fault.seconds * SECOND)
            asked = {"method": request.method, "path": request.path, "query": request.query}
            self._late.append({"due": due, **asked, "body": plain(request.body)})
        if fault.kind in ("drop_before", "late_commit"):
            return self._answer(request, entry, 0, None)
        if fault.kind == "status":
            return self._answer(request, entry, fault.status, _page(fault.status))
        request.body = fault.bent(request.body)
        status, body = self._do(request)
        if fault.kind == "drop_after":
            return self._answer(request, entry, 0, None)
        if fault.kind == "status_after":
            return self._answer(request, entry, fault.status, _page(fault.status))
        if fault.kind == "garbage":
            return self._answer(request, entry, 200, _page(200))
        answer = self._answer(request, entry, status, body)
        half = len(answer.body) // 2 if fault.kind == "truncate" else len(answer.body)
        return Answer(answer.status, answer.headers, answer.body[:half])

    def _do(self, request: Request) -> tuple[int, object]:
        if request.refusal:
            return request.refusal.status, request.refusal.body
        lost = self._account.switches.drops(f"{request.method} {request.path.removeprefix(PREFIX)}")
        request.body = {name: value for name, value in request.body.items() if name not in lost}
        if routes.is_list(request):
            return routes.answer(self._past.seen(self._account, request.now), request)
        if request.method not in ("GET", "HEAD"):
            self._past.keep(self._account, request.now)
        return routes.answer(self._account, request)

    def _answer(self, request: Request, entry: dict[str, Any], status: int, body: object) -> Answer:
        entry["status"] = status
        if status == 0:
            return Answer(0, {}, b"")
        kind, data = routes.as_bytes(body)
        return Answer(status, self._headers(request.now, kind, data), data)

    def _headers(self, now: int, kind: str, data: bytes) -> dict[str, str]:
        when = format_datetime(from_ms(now), usegmt=True)
        return {"Date": when, "Content-Type": kind, "Content-Length": str(len(data))}

    def _note(self, request: Request) -> dict[str, Any]:
        entry = {
            "at": from_ms(request.now, self._account.switches.zone).isoformat(timespec="milliseconds"),
            "method": request.method,
            "path": request.path.removeprefix(PREFIX),
            "query": {name: values[-1] for name, values in request.query.items()},
            "body": plain(request.body) or None,
        }
        self._log.append(self._without_key({**entry, "status": None}))
        return self._log[-1]

    def _without_key(self, value: Any) -> Any:
        """The same without the key, should somebody have put it where it does not belong."""
        if isinstance(value, dict):
            return {self._without_key(name): self._without_key(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self._without_key(one) for one in value]
        if isinstance(value, str) and (value == self.key or (len(self.key) > 11 and self.key in value)):
            return value.replace(self.key, "[key]")
        return value

    def _commit_late(self, now: int) -> None:
        due = [one for one in self._late if one["due"] <= now]
        self._late = [one for one in self._late if one["due"] > now]
        for one in sorted(due, key=lambda one: int(one["due"])):
            body = reread(one["body"])
            routes.answer(
                self._account, Request(one["method"], one["path"], one["query"], {}, b"", body, (), one["due"])
            )

    def _over_limit(self, now: int) -> bool:
        limit = self._account.switches.rate_limit
        if limit is None:
            return False
        while self._recent and self._recent[0] <= now - int(limit[1] * SECOND):
            self._recent.popleft()
        if len(self._recent) >= limit[0]:
            return True
        self._recent.append(now)
        return False

    def _too_many(self, request: Request) -> Answer:
        self._note(request)["status"] = 429
        headers = self._headers(request.now, "text/plain; charset=utf-8", _TOO_MANY)
        limit = self._account.switches.rate_limit
        if limit and self._account.switches.retry_after:
            free_at = self._recent[0] + int(limit[1] * SECOND)
            headers["Retry-After"] = str(max(1, -(-(free_at - request.now) // SECOND)))
        return Answer(429, headers, _TOO_MANY)

    def _control(self, request: Request) -> Answer:
        """The routes below /_sandbox: no key, no time passes, nothing is logged.

        GET log, answers (the answer key) and ledger.csv?format=quickbooks|xero; POST faults, switches, reset, and advance
        {"days": n}, which moves the clock on and lets happen what is due in that time.
        """
        status, kind = 200, "application/json; charset=utf-8"
        body: object = None
        asked = f"{request.method} {request.path}"
        try:
            if asked == "GET /_sandbox/log":
                body = list(self._log)
            elif asked == "GET /_sandbox/answers":
                body = self._account.answers
            elif asked == "GET /_sandbox/ledger.csv":
                kind, body = "text/csv; charset=utf-8", self._ledger(request.asked("format") or ledger.FORMATS[0])
            elif asked == "POST /_sandbox/reset":
                self._begin(make_account(self.today, self.seed, self.size, self._first_switches))
                body = {"reset": True}
            elif asked == "POST /_sandbox/advance":
                body = self._advance(_json(request.raw))
            elif asked == "POST /_sandbox/faults":
                self.arm(_json(request.raw))
                body = {"faults": [as_json(one) for one in self._faults]}
            elif asked == "POST /_sandbox/switches":
                self._account.switches = self._account.switches.changed(_json(request.raw))
                self._account.found.clear()
                body = {"switches": asdict(self._account.switches)}
            else:
                status, body = 404, {"error": "no such control"}
        except ConfigError as error:
            status, kind, body = 422, "application/json; charset=utf-8", {"error": str(error)}
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        headers = self._headers(self._next_at, kind, data)
        return Answer(status, headers, data)

    def _ledger(self, program: str) -> str:
        if program not in ledger.FORMATS:
            raise ConfigError(
                f"the sandbox's ledger has no format {program[:40]!r}; there is: {', '.join(ledger.FORMATS)}"
            )
        return ledger.as_csv(self._account, program)

    def _advance(self, data: object) -> dict[str, Any]:
        days = data.get("days") if isinstance(data, Mapping) else None
        if type(days) is not int or not 0 <= days <= _LONGEST_ADVANCE:
            raise ConfigError(f"to advance, give days, a whole number from 0 to {_LONGEST_ADVANCE}")
        self._moved += days * DAY
        now = self._next_at + days * DAY
        self._next_at = now
        self._account.found.clear()
        happened = let_pass(self._account, now)
        return {"now": from_ms(now, self._account.switches.zone).isoformat(timespec="seconds"), "happened": happened}

    def dump(self) -> dict[str, Any]:
        """The whole state, as JSON can hold it."""
        with self._lock:
            return {
                "today": self.today.isoformat(),
                "seed": self.seed,
                "size": self.size,
                "key": self.key,
                "switches": asdict(self._account.switches),
                "account": self._account.dump(),
                "next_at": self._next_at,
                "moved": self._moved,
                "log": list(self._log),
                "faults": [as_json(one) for one in self._faults],
                "late": list(self._late),
            }

    @classmethod
    def load(cls, data: dict[str, Any], clock: Callable[[], datetime] | None = None) -> Sandbox:
        """The sandbox that was dumped. Without a clock, a stepping one goes on where the other stopped."""
        sandbox = cls.__new__(cls)
        sandbox.today, sandbox.seed = date.fromisoformat(data["today"]), data["seed"]
        sandbox.size, sandbox.key = data["size"], data["key"]
        sandbox._first_switches = Switches().changed(data["switches"])
        sandbox._given_clock, sandbox._sleep = clock, system_time.sleep
        sandbox._lock = threading.Lock()
        sandbox._begin(Account.load(data["account"], sandbox._first_switches))
        sandbox._next_at = data["next_at"]
        sandbox._moved = data.get("moved", 0)
        sandbox._clock = clock or SteppingClock(from_ms(data["next_at"] - sandbox._moved))
        sandbox._late = list(data["late"])
        sandbox._log.extend(data["log"])
        sandbox._faults = read_faults(data["faults"])
        return sandbox


def _page(status: int) -> str | None:
    """What stands between a client and Syncro shows a page, not JSON."""
    page = f"<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>One moment please</h1></body></html>"
    return None if status in (204, 304) else page


def _json(raw: bytes) -> Any:
    try:
        data = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ConfigError("the body is not JSON") from None
    if is_too_deep(data):
        raise ConfigError("the body is nested too deep")
    return data
