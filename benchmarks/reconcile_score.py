"""How much of what is planted in the sandbox the rules find, and what else they say: precision and recall by rule.

    python benchmarks/reconcile_score.py                     small at seeds 1 to 4, medium at seeds 1 and 2
    python benchmarks/reconcile_score.py small --seeds 1-20

A finding is right if rule, ticket, invoice, customer, direction, severity and whether it is exact are those of the answer key,
and the amount: exact ones to the cent, estimates within 1 % (a running timer runs on while it is read). `block-draw` needs two
readings of the prepaid hours: one now, one after the sandbox's clock was moved on. The ledger is QuickBooks' export of the
sandbox. The rules that are in no answer key are counted below. Exit status 1 if anything is missing or too much.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from syncro_nb.books import Books, from_records
from syncro_nb.clock import StillClock
from syncro_nb.config import LABOUR, House
from syncro_nb.reconcile.ledger import parse_ledger
from syncro_nb.reconcile.registry import STARRED
from syncro_nb.reconcile.report import reconcile
from syncro_nb.sandbox import Sandbox
from syncro_nb.secret import Secret
from syncro_nb.service.client import Client
from syncro_nb.service.transport import Transport
from syncro_nb.tables import Snapshot

NOW = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
HOUSE = House(LABOUR, {})
BY_DEFAULT = {"small": "1-4", "medium": "1-2"}


class World:
    """A sandbox and what an outside tool reads of it."""

    def __init__(self, size: str, seed: int) -> None:
        self.clock = StillClock(NOW)
        self.sandbox = Sandbox(size=size, seed=seed, clock=self.clock.now)
        inside = Transport("http://sandbox/api/v1", Secret("sandbox"), clock=self.clock, inside=self.sandbox.handle)
        self.client = Client(inside)

    def control(self, method: str, path: str, body: Any = None) -> bytes:
        """The answer of a control of the sandbox."""
        content = b"" if body is None else json.dumps(body).encode()
        return bytes(self.sandbox.handle(method, f"/_sandbox/{path}", {}, content).body)

    def readings(self) -> list[Snapshot]:
        """The prepaid hours of all customers as they are now."""
        now = self.client.server_now()
        some = [self.client.customer(row.id) for row in self.client.customers(include_disabled=True)]
        return [Snapshot(f"{one.id}@{now}", one.id, now, _millionths(one.prepaid_hours)) for one in some]

    def books(self, earlier: Iterable[Snapshot] = ()) -> Books:
        """Every table, each ticket and customer in full."""
        client = self.client
        tickets = []
        for row in client.tickets():
            detail = client.ticket(row.id)
            tickets.append(replace(row, comments=detail.comments, lines=detail.lines, timers=detail.timers))
        customers = [replace(client.customer(row.id), name=row.name) for row in client.customers(include_disabled=True)]
        schedules = [client.schedule(row.id) for row in client.schedules()]
        lines = (replace(line, schedule_id=one.id) for one in schedules for line in one.lines or ())
        now = client.server_now()
        tables = {
            "tickets": tickets,
            "comments": [replace(row, ticket_id=one.id) for one in tickets for row in one.comments or ()],
            "charges": [replace(row, ticket_id=one.id) for one in tickets for row in one.lines or ()],
            "timers": [replace(row, ticket_id=one.id) for one in tickets for row in one.timers or ()],
            "invoices": list(client.invoices()),
            "invoice_lines": list(client.line_items()),
            "customers": customers,
            "products": list(client.products()),
            "payments": list(client.payments()),
            "schedules": schedules,
            "schedule_lines": list(lines),
            "contracts": list(client.contracts()),
            "users": list(client.users()),
            "prepaid": [
                *earlier,
                *(Snapshot(f"{one.id}@{now}", one.id, now, _millionths(one.prepaid_hours)) for one in customers),
            ],
        }
        return from_records(tables, as_of=now, settings=client.settings(), ticket_settings=client.ticket_settings())


def _millionths(hours: Any) -> int | None:
    return None if hours is None else int(hours * 1_000_000)


Facts = tuple[str, Any, Any, str, str, str, bool]


def score(size: str, seed: int) -> tuple[Counter[str], Counter[str], Counter[str], Counter[str]]:
    """Right, missed and too much by rule; and what the rules without an answer key found."""
    world = World(size, seed)
    key = json.loads(world.control("GET", "answers"))
    ledger = parse_ledger(world.control("GET", "ledger.csv?format=quickbooks"), "ledger.csv").rows
    before = world.readings()
    report = reconcile(world.books(), HOUSE, ledger=ledger)
    found = list(report.findings)
    days = max((one["ids"]["after_days"] for one in key["block-draw"]["cases"]), default=1)
    world.control("POST", "advance", {"days": days})
    found += reconcile(world.books(before), HOUSE, rules=["block-draw"]).findings
    right, missed, more, others = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    mine: dict[Facts, list[int]] = {}
    for one in found:
        if one.rule not in STARRED:
            others[one.rule] += 1
            continue
        facts = (one.rule, one.ticket, one.invoice, one.customer, one.direction, one.severity, one.exact)
        mine.setdefault(facts, []).append(one.amount_cents)
    for rule, cases in key.items():
        for case in cases["cases"]:
            names = ("ticket", "invoice", "customer", "direction", "severity", "exact")
            amounts = mine.get((rule, *(case[name] for name in names)), [])
            near = [one for one in amounts if _same(one, case["amount_cents"], case["exact"])]
            if near:
                amounts.remove(near[0])
                right[rule] += 1
            else:
                missed[rule] += 1
                print(f"  missed: {size} seed {seed} {rule}: {case}"[:300])
    for facts, amounts in mine.items():
        if amounts:
            more[facts[0]] += len(amounts)
            print(f"  too much: {size} seed {seed} {facts} {amounts}"[:300])
    return right, missed, more, others


def _same(one: int, other: int, exact: bool) -> bool:
    return one == other if exact else abs(one - other) * 100 <= other


def main() -> int:
    """Every world, then the table."""
    options = argparse.ArgumentParser(description="Hold the rules against the sandbox's answer key.")
    options.add_argument("sizes", nargs="*", default=["small", "medium"], help="small, medium or large")
    options.add_argument("--seeds", help="as in 1-20, or 3")
    given = options.parse_args()
    sums = [Counter[str]() for _ in range(4)]
    for size in given.sizes:
        first, _, last = (given.seeds or BY_DEFAULT.get(size, "1")).partition("-")
        for seed in range(int(first), int(last or first) + 1):
            began = perf_counter()
            for total, part in zip(sums, score(size, seed), strict=True):
                total.update(part)
            print(f"{size}, seed {seed}: {perf_counter() - began:.0f} s", flush=True)
    right, missed, more, others = sums
    print(f"\n{'':28}{'planted':>9}{'found':>8}{'too much':>10}{'precision':>11}{'recall':>8}")
    for rule in itertools.chain((one for one in right | missed | more), ["all"]):
        hits, lost, extra = ((one.total() if rule == "all" else one[rule]) for one in (right, missed, more))
        precision = hits / (hits + extra) if hits + extra else 1.0
        recall = hits / (hits + lost) if hits + lost else 1.0
        print(f"{rule:28}{hits + lost:>9}{hits:>8}{extra:>10}{precision:>11.2f}{recall:>8.2f}")
    print("\nnot in the answer key: " + ", ".join(f"{rule} {count}" for rule, count in sorted(others.items())))
    return int(bool(missed.total() or more.total()))


if __name__ == "__main__":
    sys.exit(main())
