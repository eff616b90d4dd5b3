"""`syncro doctor`: what is configured, what answers, what the key may read, and what is wrong. It never shows the key.

It asks once for each thing, in order, and goes on where it can: a missing permission is a note, unless nothing can be
billed without it. All requests together are about twenty, and they go through the limiter like any others.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from . import __version__
from .clock import Clock, SystemClock
from .config import LABOUR, LOOPBACK, Config, House, load
from .database import DOUBTFUL, LOCAL_DISK, far_disk
from .errors import ConfigError, Error, Missing, Refused
from .escape import line
from .keys import EXAMPLES, FIRST, Sealed, find_key, source_of
from .money import format_cents
from .service.client import Client
from .service.limiter import Limiter, parse_rate
from .service.records import Me
from .service.transport import Transport
from .workspace import connect
from .writes.journal import Journal

OK, NOTE, FAIL = "ok", "note", "FAIL"
MOST_LABOUR = 9  # labour products that are looked up, one request each
CLOCK_OFF_BY = timedelta(minutes=1)
_SYNCED = ("OneDrive", "Dropbox", "Google Drive", "Mobile Documents")  # folders that another program writes to

# What is read, by which call, whether it is needed, and what is missing without it.
_AREAS: tuple[tuple[str, Callable[[Client], Iterator[Any]], bool, str], ...] = (
    ("tickets", lambda client: client.tickets(), True, "nothing works without them"),
    ("invoices", lambda client: client.invoices(), True, "nothing can be billed or checked without them"),
    ("customers", lambda client: client.customers(), False, "billing needs them for tax and prepaid hours"),
    ("products", lambda client: client.products(), False, "billing needs them for prices"),
    ("timers", lambda client: client.ticket_timers(), False, "time that was never charged cannot be found"),
    (
        "line_items",
        lambda client: client.line_items(),
        False,
        "only a Global Admin's key may; reconciliation then reads invoices one by one",
    ),
    ("payments", lambda client: client.payments(), False, "what was paid, and when, is not known"),
    ("schedules", lambda client: client.schedules(), False, "recurring invoices cannot be checked"),
    ("contracts", lambda client: client.contracts(), False, "what a contract covers is not known"),
    ("timelogs", lambda client: client.timelogs(), False, "attendance cannot be held against time on tickets"),
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: its state (ok, note, FAIL), what was found, and the exit status if it failed."""

    name: str
    state: str
    says: str
    status: int = 0


@dataclass
class Report:
    """What the doctor found, in order."""

    facts: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    @property
    def exit_status(self) -> int:
        """0 if the account can be used, else the status of the first failure."""
        return next((check.status for check in self.checks if check.state == FAIL), 0)

    def lines(self) -> list[str]:
        """For people."""
        said = [f"syncro_nb {__version__}, Python {sys.version.split()[0]}"]
        said += [f"      {name:<18}{line(value)}" for name, value in self.facts.items()]
        return said + [f"{check.state:<6}{check.name:<18}{line(check.says)}" for check in self.checks]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        checks = [
            {"check": one.name, "state": one.state, "ok": one.state != FAIL, "says": one.says} for one in self.checks
        ]
        return {"version": __version__, **self.facts, "checks": checks, "exit_status": self.exit_status}

    def add(self, name: str, state: str, says: str, status: int = 0) -> None:
        """Note one finding."""
        self.checks.append(Check(name, state, says, status))

    def fail(self, name: str, error: Error) -> None:
        """Note that something is wrong, in the error's words and with its exit status."""
        self.add(name, FAIL, str(error).removesuffix("; check the address with `syncro doctor`"), error.exit_status)


def examine(
    environment: Mapping[str, str],
    *,
    profile: str | None = None,
    clock: Clock | None = None,
    accept_journal: bool = False,
) -> Report:
    """Look at the configuration, then at the account. Whatever is wrong stands in the report; nothing is raised for it.

    `accept_journal`: a person says that a journal which was lost, or is an older copy, is to be gone on with.
    """
    environment, clock = Sealed(environment), clock or SystemClock()
    report = Report()
    with ExitStack() as at_the_end:
        try:
            config = load(environment, profile=profile)
            _configuration(report, config, environment)
            home = config.home
            if config.url is None:
                workspace = at_the_end.enter_context(connect(profile, environment=environment, clock=clock))
                client: Client | None = workspace.client
                home = workspace.config.home
            else:
                client = _log_in(report, config, environment, clock, at_the_end)
        except ConfigError as error:
            report.fail("configuration", error)
            return report
        if client is not None:
            if "products" in _areas(report, client):
                _labour(report, client, config.house)
            _clocks(report, client, clock, is_sandbox=config.host in LOOPBACK)
        _journal(report, home, clock, accept=accept_journal)
    return report


# ---------------------------------------------------------------- this machine


def _configuration(report: Report, config: Config, environment: Mapping[str, str]) -> None:
    report.facts |= {
        "profile": config.profile,
        "configuration": str(config.path) if config.path else "no syncro.yaml was found",
        "address": config.url or "the built-in sandbox, inside this program",
        "data": str(config.home),
    }
    if config.url is not None:
        report.facts |= {"auth": config.auth, "key": f"from {source_of(config, environment)}"}
    unused = list(_unused(config, environment))
    for says in unused:
        report.add("configuration", NOTE, says)
    if not unused:
        report.add("configuration", OK, "it can be read, and every setting is used")
    report.checks.append(_home(config.home))


def _unused(config: Config, environment: Mapping[str, str]) -> Iterator[str]:
    first = None
    if environment.get("SYNCRO_NB_URL"):
        first = "SYNCRO_NB_URL"
    elif {"url", "subdomain"} <= config.settings:
        first = "url"
    for name in sorted(config.settings & {"url", "subdomain"} - {first} if first else ()):
        yield f"{name} in profile {config.profile} is not used: {first} comes first"
    if config.key_source is not None and environment.get(FIRST):
        yield f"the key's source in profile {config.profile} is not used: {FIRST} comes first"
    if config.url is None:
        for name in sorted(config.settings & {"key", "auth", *EXAMPLES}):
            yield f"{name} in profile {config.profile} is not used: the built-in sandbox needs none"


def _home(home: Path) -> Check:
    """Whether the journal can be kept there. SQLite is safe only on a disk of this machine's own."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        return Check(
            "data", FAIL, f"{home} cannot be written ({error.strerror}); {LOCAL_DISK}", ConfigError.exit_status
        )
    where = home.resolve()
    if kind := far_disk(where):
        says = f"{home} is on a disk of another system ({kind}), where a journal may break; {LOCAL_DISK}"
        return Check("data", NOTE, says) if kind in DOUBTFUL else Check("data", FAIL, says, ConfigError.exit_status)
    if synced := next((name for name in _SYNCED for part in where.parts if part.startswith(name)), None):
        return Check(
            "data", NOTE, f"{home} is in a folder that {synced} copies, which may break the journal; {LOCAL_DISK}"
        )
    return Check("data", OK, "the folder can be written")


def _journal(report: Report, home: Path, clock: Clock, *, accept: bool) -> None:
    try:
        with closing(Journal(home, clock)) as journal:
            if accept and journal.trouble:
                journal.accept()
            trouble = journal.trouble
            is_whole = journal.is_whole()
            unfinished = [run.id for run in journal.runs() if run.state == "open"]
    except ConfigError as error:
        return report.fail("journal", error)
    except Exception as error:  # the file is damaged, in whatever way
        is_whole, unfinished, trouble, damage = False, [], "", f" ({type(error).__name__})"
    else:
        damage = ""
    if not is_whole:
        says = f"events were changed or lost{damage}: restore journal.sqlite from a backup before you bill"
        report.add("journal", FAIL, says, ConfigError.exit_status)
    elif trouble:
        report.add("journal", FAIL, trouble, ConfigError.exit_status)
    elif unfinished:
        says = f"whole; {len(unfinished)} unfinished: {', '.join(unfinished[:5])}; see `syncro runs`"
        report.add("journal", NOTE, says)
    else:
        report.add("journal", OK, "whole; no run is unfinished")
    return None


# ---------------------------------------------------------------- the account


def _log_in(
    report: Report, config: Config, environment: Mapping[str, str], clock: Clock, at_the_end: ExitStack
) -> Client | None:
    """A client that works, or None: no key, or nobody there who takes it."""
    looking_at = "limiter"
    try:
        requests, seconds = parse_rate(config.rate)
        path = config.home / "limiter.sqlite"
        limiter = Limiter(path, requests=requests, seconds=seconds, clock=clock, scope=config.host)
        at_the_end.callback(limiter.close)
        _limiter(report, limiter, requests / seconds)
        looking_at = "key"
        key = find_key(config, environment)
    except ConfigError as error:
        report.fail(looking_at, error)
        return None
    clients = {}
    for way in sorted(("query", "bearer"), key=lambda way: way != config.auth):  # the configured one first
        timeout = config.timeout_seconds
        assert config.url is not None
        transport = Transport(config.url, key, auth=way, timeout_seconds=timeout, clock=clock, limiter=limiter)
        clients[way] = Client(transport)
        at_the_end.callback(clients[way].close)
    return _try_both_ways(report, clients, config)


def _limiter(report: Report, limiter: Limiter, rate: float) -> None:
    load = limiter.load()
    says = f"{load.used} of {load.cap} slots are in use, {load.waiting} requests wait"
    if load.stopped_for_seconds:
        says += f"; after a 429 of Syncro's everybody waits for {load.stopped_for_seconds:.0f} s more"
    if rate > 3:
        says += "; SYNCRO_NB_RATE is above the 180 in 60 s that Syncro allows"
    report.add("limiter", NOTE if load.waiting or load.stopped_for_seconds or rate > 3 else OK, says)


def _try_both_ways(report: Report, clients: Mapping[str, Client], config: Config) -> Client | None:
    owners: dict[str, Me] = {}
    problems: dict[str, Error] = {}
    for way, client in clients.items():
        try:
            owners[way] = client.me()
        except Error as error:
            problems[way] = error
            if not owners and not _is_refused(error):
                report.fail("connection", error)
                return None
    for way in clients:
        is_set = "configured" if way == config.auth else "not configured"
        if way in owners:
            report.add(f"auth {way}", OK, f"works ({is_set})")
            continue
        problem = problems[way]
        why = f"{problem.status} {problem.said}".rstrip() if isinstance(problem, Refused) else str(problem)
        remedy = f"; write `auth: {next(iter(owners))}` in profile {config.profile}" if owners else ""
        if way == config.auth:
            report.add(f"auth {way}", FAIL, f"refused ({is_set}): {why}{remedy}", problem.exit_status)
        else:
            report.add(f"auth {way}", NOTE, f"refused ({is_set}): {why}")
    if not owners:
        says = "Syncro takes it in neither way: it was deleted, has run out, or belongs to another account"
        report.add("key", FAIL, says, Refused.exit_status)
        return None
    way, owner = next(iter(owners.items()))
    report.add("key", OK, f"is {owner.name}'s{', an administrator' if owner.admin else ''}")
    return clients[way]


def _is_refused(error: Error) -> bool:
    return isinstance(error, Refused) and error.status == 401


def _areas(report: Report, client: Client) -> set[str]:
    """Read the first page of each, and give the names of those that can be read."""
    readable = set()
    for name, read, needed, without in _AREAS:
        try:
            some = next(read(client), None)
        except Refused as error:  # not for the key itself: /me took it
            why = "the key has no permission to read them (401)" if _is_refused(error) else str(error)
            report.add(name, FAIL if needed else NOTE, f"{why}; {without}", error.exit_status)
        except Error as error:
            report.fail(name, error)
            report.add("the rest", NOTE, "was not asked for")
            return set()
        else:
            readable.add(name)
            report.add(name, OK, "can be read" if some else "can be read; there are none")
    return readable


def _labour(report: Report, client: Client, house: House) -> None:
    """The house's own kinds first; the usual seven need not all exist."""
    kinds = sorted(house.labour.items(), key=lambda item: LABOUR.get(item[0]) == item[1])
    for kind, product_id in kinds[:MOST_LABOUR]:
        try:
            product = client.product(product_id)
        except Missing:
            says = f"there is no product {product_id} in this account: correct labour.{kind} in syncro.yaml"
            report.add(f"labour {kind}", NOTE, says)
        except Error as error:
            return report.fail(f"labour {kind}", error)
        else:
            free = "; whatever is billed with it costs nothing" if product.price_cents == 0 else ""
            says = f"{product.name}, {format_cents(product.price_cents)} an hour (product {product.id}){free}"
            report.add(f"labour {kind}", NOTE if free else OK, says)
    if unseen := [kind for kind, _ in kinds[MOST_LABOUR:]]:
        report.add("labour", NOTE, f"not looked up, to spare requests: {', '.join(unseen)}")
    return None


def _clocks(report: Report, client: Client, clock: Clock, *, is_sandbox: bool) -> None:
    ahead = client.server_now() - clock.now()
    if abs(ahead) <= CLOCK_OFF_BY:
        return report.add("clock", OK, "agrees with Syncro's to the minute")
    which = "behind" if ahead > timedelta(0) else "ahead of"
    by = timedelta(seconds=round(abs(ahead).total_seconds()))
    what = "as it may be: a sandbox can have a day of its own" if is_sandbox else "correct it"
    return report.add("clock", NOTE, f"this machine's clock is {by} {which} Syncro's; {what}")
