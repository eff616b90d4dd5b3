"""How long the sandbox's accounts take to make, how much memory they need, and how fast their lists answer.

    python benchmarks/sandbox.py [small medium large]

Each size is made in a process of its own, so that the memory is its own. The first page of a list is asked for after a write,
when nothing is remembered; the page in the middle is asked for next.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from statistics import median
from time import perf_counter

from syncro_nb.sandbox import Sandbox
from syncro_nb.sandbox.data import SIZES

KEY = {"Authorization": "Bearer sandbox", "Content-Type": "application/json"}
LISTS = ("tickets", "ticket_timers", "ticket_comments", "invoices", "line_items", "payments", "customers")
TABLES = ("customers", "tickets", "comments", "timers", "ticket_lines", "invoices", "invoice_lines", "payments")
ROUNDS = 5


def main(sizes: list[str]) -> None:
    for size in sizes or list(SIZES):
        subprocess.run([sys.executable, __file__, "--one", size], check=True)


def measure(size: str) -> None:
    began = perf_counter()
    sandbox = Sandbox(size=size)
    seconds = perf_counter() - began
    # Linux tells kilobytes, macOS bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform != "darwin" else 1024**2)
    tables = {name: len(getattr(sandbox._account, name)) for name in TABLES}
    print(f"\n{size}: made in {seconds:.2f} s, {peak:,} MB at most")
    print("  rows: " + ", ".join(f"{count:,} {name}" for name, count in tables.items()))
    print(f"  {'list':34}{'first page':>12}{'middle page':>13}   milliseconds, median of {ROUNDS}")
    row = ask(sandbox, "tickets?page=2")["tickets"][0]
    filtered = (
        f"tickets?customer_id={row['customer_id']}",
        f"ticket_timers?ticket_id={row['id']}",
        "tickets?since_updated_at=2026-03-30",
        "invoices?since_updated_at=2026-03-30",
        "line_items?invoice_id_not_null=true",
    )
    for target in (*LISTS, *filtered):
        report(sandbox, target)
    timed("a ticket by its id", [clock(sandbox, f"tickets/{row['id']}") for _ in range(ROUNDS)])
    timed("a customer by its id", [clock(sandbox, f"customers/{row['customer_id']}") for _ in range(ROUNDS)])


def report(sandbox: Sandbox, target: str) -> None:
    joint = "&" if "?" in target else "?"
    pages = ask(sandbox, target)["meta"]["total_pages"]
    first, middle = [], []
    for _ in range(ROUNDS):
        sandbox.handle("PUT", "/api/v1/tickets/1", KEY, b"{}")  # a write, though there is no such ticket
        first.append(clock(sandbox, target))
        middle.append(clock(sandbox, f"{target}{joint}page={max(1, pages // 2)}"))
    timed(target, first, middle)


def timed(name: str, *columns: list[float]) -> None:
    print(f"  {name:34}" + "".join(f"{1000 * median(column):>12.2f}" for column in columns))


def clock(sandbox: Sandbox, target: str) -> float:
    began = perf_counter()
    ask(sandbox, target)
    return perf_counter() - began


def ask(sandbox: Sandbox, target: str) -> dict:
    answer = sandbox.handle("GET", f"/api/v1/{target}", KEY, b"")
    assert answer.status == 200, answer
    return json.loads(answer.body)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(sys.argv[2])
    else:
        main(sys.argv[1:])
