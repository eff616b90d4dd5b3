"""What a sync costs in requests, and how large the mirror is: each figure a ratio, made in one run.

    python benchmarks/sync.py                  the medium sandbox (20,000 tickets); some minutes
    python benchmarks/sync.py small            the small one; seconds
    python benchmarks/sync.py --no-limiter     without the last part, which takes a minute of waiting

    least      the fewest requests that can do it: the pages of each list at the size that the account's pages have, and one for
               each detail that is wanted. After changes: one look at each list that is to be asked, the pages on which what has
               changed would stand, and one for each record whose details have changed
    share      how much of the rate limit a full sync uses: `seconds` / the mean time in which the server saw `requests` requests,
               after one window of warm-up. The limit is scaled (180 requests in 6 s, latencies alike), the server enforces it
    naive      what scripts without a mirror ask for: every page, and one GET for each ticket, invoice and customer, every time

Exit status 1 if a figure misses its goal.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import platform
import random
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from limiter import Gate, Rate

from syncro_nb.clock import StillClock, SystemClock
from syncro_nb.config import LABOUR, House
from syncro_nb.mirror.mirror import Mirror
from syncro_nb.mirror.store import Store
from syncro_nb.mirror.sync import sync
from syncro_nb.sandbox import Sandbox
from syncro_nb.secret import Secret
from syncro_nb.service.client import LISTS, Client
from syncro_nb.service.limiter import Limiter
from syncro_nb.service.transport import Transport

GOALS = {"full": 1.05, "idle": 12, "changes": 1.5, "size": 0.2, "share": 0.97}
PER_MINUTE = 180
KEY = {"Authorization": "Bearer sandbox", "Content-Type": "application/json"}
HOUSE = House(LABOUR, {})
PATHS = {path: wrapper for _, path, wrapper in LISTS.values()}
# The lists that are asked whenever something is to be found out, and have no filter that would make them shorter.
SMALL = ("users", "products", "contracts", "schedules", "timelogs", "customers")


class Account:
    """The sandbox with a mirror beside it; counts requests by sort, and the JSON of each record once."""

    def __init__(self, size: str, folder: Path) -> None:
        self.clock = StillClock(datetime(2026, 3, 31, 23, 30, tzinfo=UTC))
        self.sandbox = Sandbox(size=size, clock=self.clock.now)
        self.tables = self.sandbox._account
        self.store, self.mirror = Store(folder), Mirror(folder)
        transport = Transport("http://sandbox/api/v1", Secret("sandbox"), clock=self.clock, inside=self.answer)
        self.client = Client(transport)
        self.asked: Counter[str] = Counter()
        self.sizes: dict[str, int] = {}  # rows of a page, by list
        self.json: dict[tuple[str, int], int] = {}  # bytes of a record, as the answers write it

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Any:
        self.clock.sleep(1 / 3)
        reply = self.sandbox.handle(method, target, headers, body)
        path, _, query = target.removeprefix("/api/v1").partition("?")
        wrapper = PATHS.get(path)
        self.asked[wrapper or path.rsplit("/", 1)[0]] += 1
        if reply.status != 200:
            return reply
        if wrapper and "page" not in parse_qs(query):
            rows = json.loads(reply.body)[wrapper]
            self.sizes[wrapper] = max(self.sizes.get(wrapper, 0), len(rows))
        if self.is_weighing:
            self.weigh(wrapper, reply.body)
        return reply

    is_weighing = True

    def weigh(self, wrapper: str | None, body: bytes) -> None:
        """The bytes of each row of a list, and of the comments and lines that only a ticket's detail has."""
        data = json.loads(body)
        if wrapper:
            parts = {wrapper: data[wrapper]}
        elif "comments" in data.get("ticket", {}):
            parts = {name: data["ticket"][name] for name in ("comments", "line_items")}
        else:
            return
        for name, rows in parts.items():
            if wrapper == "tickets":
                rows = [{**row, "comments": []} for row in rows]  # the first comment comes again with the others
            for row in rows:
                kind = name if wrapper else f"ticket_{name}"
                self.json[kind, row["id"]] = len(json.dumps(row))

    def sync(self, full: bool = False) -> tuple[int, Any]:
        """How many requests it took, and what it came to."""
        self.clock.sleep(60)
        before = sum(self.asked.values())
        done = sync(self.store, self.client, HOUSE, full=full)
        return sum(self.asked.values()) - before, done

    def pages(self, table: str, wrapper: str) -> int:
        return max(1, math.ceil(len(getattr(self.tables, table)) / self.sizes[wrapper]))

    def least_full(self) -> int:
        """Every page of every list once, and every detail."""
        lists = {
            "tickets": "tickets",
            "timers": "ticket_timers",
            "invoices": "invoices",
            "customers": "customers",
            "contacts": "contacts",
            "products": "products",
            "payments": "payments",
            "schedules": "schedules",
            "contracts": "contracts",
        }
        pages = sum(self.pages(table, wrapper) for table, wrapper in lists.items())
        lines = sum(row["invoice_id"] is not None for row in self.tables.invoice_lines)
        single = 4  # users, timelogs, and two settings
        details = len(self.tables.tickets) + len(self.tables.customers) + self.loose
        return pages + math.ceil(lines / self.sizes["line_items"]) + single + details

    @property
    def loose(self) -> int:
        """Invoices that the list shows without a ticket, which proves nothing: each of them is asked by itself."""
        return sum(not row["ticket_id"] and not row["schedule_id"] for row in self.tables.invoices)

    def naive(self) -> int:
        """The same, and every invoice by itself."""
        return self.least_full() - self.loose + len(self.tables.invoices)


class Changes:
    """People at work: what each change makes necessary to read is noted."""

    def __init__(self, account: Account) -> None:
        self.account, self.rng = account, random.Random(7)
        self.tickets: set[int] = set()
        self.new_tickets: set[int] = set()
        self.invoices: set[int] = set()
        self.new_invoices: set[int] = set()
        self.customers: set[int] = set()
        self.timers = self.payments = self.lines = 0

    def make(self, count: int) -> None:
        kinds: tuple[tuple[Callable[[], None], int], ...] = (
            (self.update, 30),
            (self.comment, 25),
            (self.time, 20),
            (self.charge, 10),
            (self.open, 5),
            (self.bill, 5),
            (self.pay, 5),
        )
        acts, weights = zip(*kinds, strict=True)
        for act in self.rng.choices(acts, weights, k=count):
            self.account.clock.sleep(0.2)
            act()

    def do(self, method: str, path: str, body: dict[str, Any]) -> Any:
        reply = self.account.sandbox.handle(method, f"/api/v1{path}", KEY, json.dumps(body).encode())
        assert reply.status in (200, 201), reply
        return json.loads(reply.body)

    def ticket(self) -> int:
        """Mostly one of the latest, as it is on a desk."""
        rows = self.account.tables.tickets.in_order()
        span = 400 if self.rng.random() < 0.7 else len(rows)
        found = int(rows[-1 - self.rng.randrange(min(span, len(rows)))]["id"])
        self.tickets.add(found)
        return found

    def update(self) -> None:
        self.do("PUT", f"/tickets/{self.ticket()}", {"status": self.rng.choice(("In Progress", "Resolved"))})

    def comment(self) -> None:
        self.do("POST", f"/tickets/{self.ticket()}/comment", {"subject": "Update", "body": "Looked into it"})

    def time(self) -> None:
        body = {"start_at": "2026-03-31T20:00:00Z", "duration_minutes": 15, "notes": "Worked"}
        self.do("POST", f"/tickets/{self.ticket()}/timer_entry", body)
        self.timers += 1

    def charge(self) -> None:
        body = {"name": "Cable", "description": "A cable", "quantity": 1, "price_retail": 9.99}
        self.do("POST", f"/tickets/{self.ticket()}/add_line_item", body)

    def open(self) -> None:
        customer = self.account.tables.tickets.rows[self.ticket()]["customer_id"]
        made = self.do("POST", "/tickets", {"customer_id": customer, "subject": "Printer"})["ticket"]["id"]
        self.tickets.add(made)

    def bill(self) -> None:
        ticket = self.account.tables.tickets.rows[self.ticket()]
        before = {row["id"]: row["prepay_hours"] for row in self.account.tables.customers}
        body = {"ticket_id": ticket["id"], "customer_id": ticket["customer_id"]}
        made = self.do("POST", "/invoices", body)["invoice"]["id"]
        self.new_invoices.add(made)
        self.lines += len(self.account.tables.invoice_lines.where("invoice_id", made))
        hours = {row["id"]: row["prepay_hours"] for row in self.account.tables.customers}
        self.customers |= {key for key in hours if hours[key] != before[key]}

    def pay(self) -> None:
        rows = self.account.tables.invoices.in_order()
        invoice = rows[-1 - self.rng.randrange(len(rows) // 10)]
        body = {"customer_id": invoice["customer_id"], "invoice_id": invoice["id"], "amount_cents": 100}
        self.do("POST", "/payments", {**body, "payment_method": "Check"})
        self.invoices.add(invoice["id"])
        self.payments += 1

    def least(self) -> int:
        """Each list looked at once, the pages on which the changes stand, and one for each changed record's details."""
        account, sizes = self.account, self.account.sizes
        looks = {
            "tickets": len(self.tickets),
            "ticket_timers": self.timers,
            "invoices": len(self.invoices | self.new_invoices),
            "payments": self.payments,
        }
        pages = sum(max(1, math.ceil(rows / sizes[wrapper])) for wrapper, rows in looks.items())
        pages += sum(account.pages(name, name) for name in ("customers", "products", "contracts", "schedules")) + 2
        billed = min(math.ceil(self.lines / sizes["line_items"]), len(self.new_invoices))
        details = len(self.tickets) + len(self.invoices - self.new_invoices) + billed + len(self.customers)
        return pages + details


def minutes(requests: int) -> str:
    return f"{requests / PER_MINUTE:,.1f} min" if requests >= PER_MINUTE else f"{requests / PER_MINUTE * 60:.0f} s"


def table(*rows: tuple[str, ...]) -> None:
    """Rows of a Markdown table."""
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)


def main() -> int:
    options = argparse.ArgumentParser(description="Measure what a sync of the sandbox costs.")
    options.add_argument("size", nargs="?", default="medium", choices=("small", "medium"))
    options.add_argument("--changes", type=int, nargs="*", default=[1, 100, 10_000])
    options.add_argument("--no-limiter", action="store_true")
    options.add_argument("--only-limiter", action="store_true")
    options.add_argument("--window", type=float, default=6.0, help="seconds for 180 requests; Syncro's own are 60")
    given = options.parse_args()
    missed: list[str] = []
    if not given.only_limiter:
        with tempfile.TemporaryDirectory() as folder:
            missed += measure(given.size, Path(folder), given.changes)
    if not given.no_limiter:
        missed += measure_share(given.size, given.window)
    print(f"\nmachine: {os.cpu_count()} cores, {_memory()}, Python {platform.python_version()}")
    print("goals missed: " + ", ".join(missed) if missed else "every goal is met")
    return 1 if missed else 0


def measure(size: str, folder: Path, counts: list[int]) -> list[str]:
    account = Account(size, folder)
    rows = {
        name: len(getattr(account.tables, name)) for name in ("tickets", "comments", "timers", "invoices", "payments")
    }
    print(f"{size}: " + ", ".join(f"{count:,} {name}" for name, count in rows.items()) + "\n")
    missed = []

    def line(what: str, requests: int, least: int, goal: float, naive: int) -> None:
        ratio = requests / least
        good = ratio <= goal
        table((what, f"{requests:,}", f"{least:,}", f"{ratio:.3f}", f"≤ {goal}", minutes(requests), minutes(naive)))
        if not good:
            missed.append(what)

    table(("what", "requests", "least", "ratio", "goal", "at 180 a minute", "naive scripts"))
    table(("---", "--:", "--:", "--:", "--:", "--:", "--:"))
    began = time.process_time()
    requests, done = account.sync(full=True)
    seconds = time.process_time() - began
    assert done.problems == account.mirror.gaps() == (), "something is missing"
    line("full sync", requests, account.least_full(), GOALS["full"], account.naive())
    account.is_weighing = False
    idle = [account.sync()[0] for _ in range(3)]
    good = max(idle) <= GOALS["idle"]
    table(
        (
            "nothing changed",
            str(max(idle)),
            "",
            "",
            f"≤ {GOALS['idle']} requests",
            minutes(max(idle)),
            minutes(account.naive()),
        )
    )
    missed += [] if good else ["nothing changed"]
    whole = sum(path.stat().st_size for path in folder.iterdir() if path.suffix == ".parquet")
    originals = sum(account.json.values())
    for count in counts:
        changes = Changes(account)
        changes.make(count)
        requests, _ = account.sync()
        line(
            f"after {count:,} change{'s' if count > 1 else ''}",
            requests,
            changes.least(),
            GOALS["changes"],
            account.naive(),
        )
    share = whole / originals
    missed += [] if share <= GOALS["size"] else ["size"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform != "darwin" else 1024**2)
    print(
        f"\nmirror: {whole / 1e6:,.1f} MB of Parquet from {originals / 1e6:,.1f} MB of JSON, each record counted once: "
        f"{share:.3f} (goal ≤ {GOALS['size']})"
    )
    print(
        f"a full sync takes {seconds:,.0f} s of processor time, the sandbox's answers included; "
        f"{peak:,} MB at most, the sandbox included"
    )
    return missed


# ---------------------------------------------------------------- the limiter's share


def serve(size: str, rate: Rate, pipe: Connection) -> None:
    """A process of its own: the sandbox behind a server that enforces the limit; tells its port, then what arrived."""
    sandbox, gate = Sandbox(size=size), Gate(rate)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            time.sleep(rate.jitter())
            if gate.admits():
                reply = sandbox.handle("GET", self.path, dict(self.headers.items()), b"")
                status, headers, body = reply.status, reply.headers, reply.body
            else:
                status, headers, body = 429, {"Content-Length": "0"}, b""
            time.sleep(rate.jitter())
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipe.send(server.server_port)
    pipe.recv()
    pipe.send((gate.arrived, gate.refused))


class Enough(Exception):
    """So many windows were measured."""


def measure_share(size: str, window: float, windows: int = 5) -> list[str]:
    rate = Rate(180, window, window / 180)
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(size, rate, theirs), daemon=True)
    process.start()
    port = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        home, clock = Path(folder), SystemClock()
        limiter = Limiter(home / "limiter.sqlite", requests=rate.requests, seconds=rate.seconds, clock=clock)
        url = f"http://127.0.0.1:{port}/api/v1"
        client = Client(Transport(url, Secret("sandbox"), clock=clock, limiter=limiter))
        store = Store(home / "mirror")
        began = time.monotonic()

        def stop(_: object) -> None:
            if time.monotonic() - began > windows * rate.seconds:
                raise Enough

        with suppress(Enough):
            sync(store, client, HOUSE, full=True, tell=stop, workers=4)
        ended = time.monotonic()
        ours.send("stop")
        arrived, refused = ours.recv()
        time.sleep(1)  # requests under way
        store.close()
        client.close()
        limiter.close()
    arrived = [moment for moment in arrived if moment <= ended]
    spans = [later - earlier for earlier, later in zip(arrived, arrived[rate.requests :], strict=False)]
    steady = [span for span, moment in zip(spans, arrived, strict=False) if moment >= arrived[0] + rate.seconds]
    share = rate.seconds / statistics.mean(steady) if steady else float("nan")
    good = share >= GOALS["share"] and refused == 0
    print(
        f"\nlimiter: {len(arrived):,} requests of a full sync, 4 at once, {rate.requests} in {rate.seconds:g} s allowed: "
        f"share {share:.4f} (goal ≥ {GOALS['share']}), {refused} 429s (goal 0)"
    )
    return [] if good else ["share"]


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB of memory"
    except (AttributeError, ValueError, OSError):
        return "memory unknown"


if __name__ == "__main__":
    sys.exit(main())
