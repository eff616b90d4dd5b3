"""How much of the cap does the limiter use, and does it ever exceed it?

    python benchmarks/limiter.py                      180 requests in 6 s, latencies scaled alike; about three minutes
    python benchmarks/limiter.py --seconds 60         the real thing, half an hour

A server on 127.0.0.1 enforces the cap with a fixed and with a sliding window and answers 429 beyond; real processes
hammer it through one limiter file. The server counts a request somewhere between its start and its answer.

    share     the plain cap's share that was used: `seconds` / the mean time in which the server saw `requests`
              requests, after one window of warm-up. The best that the rule "a window after the answer" allows is
              seconds / (seconds + hair + mean latency), printed above the table
    margin    the shortest time in which the server saw one request more than the cap, beyond `seconds`
    sent      requests of each process, least and most
    wait p99  of each process: the 99th percentile of the wait for a slot, after warm-up, least and most

Exit status 1 if a share is below 0.97, a 429 was seen, or an uncontended slot takes 2 ms.
"""

from __future__ import annotations

import argparse
import http.client
import multiprocessing
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from syncro_nb.clock import SystemClock
from syncro_nb.service.limiter import HAIR, Limiter

GOAL_SHARE, GOAL_OVERHEAD = 0.97, 0.002


@dataclass
class Rate:
    """What the server enforces, and how slowly it answers (seconds)."""

    requests: int
    seconds: float
    latency: float

    def jitter(self) -> float:
        """Half of a latency: never under a quarter of the mean, now and then several times the mean."""
        return self.latency * (0.25 + random.expovariate(4))


@dataclass
class Gate:
    """The server's two windows. `arrived` holds every request that was let through."""

    rate: Rate
    arrived: list[float] = field(default_factory=list)
    refused: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    recent: deque[float] = field(default_factory=deque)
    fixed: Counter[int] = field(default_factory=Counter)

    def admits(self) -> bool:
        with self.lock:
            now = time.monotonic()
            while self.recent and self.recent[0] <= now - self.rate.seconds:
                self.recent.popleft()
            window = int(now // self.rate.seconds)
            if len(self.recent) >= self.rate.requests or self.fixed[window] >= self.rate.requests:
                self.refused += 1
                return False
            self.recent.append(now)
            self.fixed[window] += 1
            self.arrived.append(now)
            return True


def serve(gate: Gate) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            time.sleep(gate.rate.jitter())
            status = 204 if gate.admits() else 429
            time.sleep(gate.rate.jitter())
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@dataclass(frozen=True)
class Worker:
    """One process: `threads` that send one request after another, or (`pause` > 0 seconds) a person who clicks."""

    file: Path
    port: int
    rate: Rate
    bulk: bool
    threads: int
    start: float
    stop: float
    pause: float = 0.0

    def run(self) -> list[float]:
        """Every wait for a slot that began after the first window, and NaN for each one before."""
        limiter = Limiter(self.file, requests=self.rate.requests, seconds=self.rate.seconds, clock=SystemClock())
        time.sleep(max(0.0, self.start - time.monotonic()))
        with ThreadPoolExecutor(self.threads) as pool:
            waits = [
                wait
                for one in [pool.submit(self.hammer, limiter) for _ in range(self.threads)]
                for wait in one.result()
            ]
        limiter.close()
        return waits

    def hammer(self, limiter: Limiter) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        waits = []
        while (asked := time.monotonic()) < self.stop:
            with limiter.slot(bulk=self.bulk):
                wait = time.monotonic() - asked
                connection.request("GET", "/")
                connection.getresponse().read()
            waits.append(wait if asked >= self.start + self.rate.seconds else float("nan"))
            time.sleep(self.pause * 2 * random.random())
        connection.close()
        return waits


def p99(waits: list[float]) -> float:
    steady = sorted(wait for wait in waits if wait == wait)
    return steady[min(len(steady) - 1, int(0.99 * len(steady)))] if steady else float("nan")


def measure(rate: Rate, windows: int, workers: list[tuple[bool, int, float]]) -> tuple[bool, str]:
    """Let the workers (bulk, threads, pause) loose for so many windows; the verdict and a line for the table."""
    gate = Gate(rate)
    server = serve(gate)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "limiter.sqlite"
        Limiter(file, clock=SystemClock()).close()  # the file is made once
        start = time.monotonic() + 1.5  # when every process has started
        stop = start + (1 + windows) * rate.seconds
        jobs = [
            Worker(file, server.server_port, rate, bulk, threads, start, stop, pause)
            for bulk, threads, pause in workers
        ]
        with multiprocessing.get_context("spawn").Pool(len(jobs)) as pool:
            waits = pool.map(Worker.run, jobs, chunksize=1)
    server.shutdown()
    server.server_close()

    arrived = gate.arrived
    spans = [later - earlier for earlier, later in zip(arrived, arrived[rate.requests :], strict=False)]
    steady = [span for span, moment in zip(spans, arrived, strict=False) if moment >= start + rate.seconds]
    share = rate.seconds / statistics.mean(steady)
    hammers = [wait for wait, (_, _, pause) in zip(waits, workers, strict=True) if not pause]
    sent = [len(wait) for wait in hammers]
    slow = [p99(wait) for wait in hammers]
    line = (
        f"{len(arrived):8} {share:7.4f} {gate.refused:5} {1000 * (min(spans) - rate.seconds):7.0f} ms"
        f" {min(sent):6}-{max(sent):<6} {min(slow):7.3f}-{max(slow):.3f} s {max(slow) / max(min(slow), 1e-9):6.2f}"
    )
    for wait, (_, _, pause) in zip(waits, workers, strict=True):
        if pause:
            clicks = [one for one in wait if one == one]
            line += f"\n  the person: {len(clicks)} clicks, wait median {statistics.median(clicks):.3f} s,"
            line += f" p99 {p99(wait):.3f} s, longest {max(clicks):.3f} s"
    return share >= GOAL_SHARE and gate.refused == 0, line


def overhead() -> float:
    """Seconds for one slot that is free, taken and given back: the median of 170, in a window of 180."""
    with tempfile.TemporaryDirectory() as folder:
        limiter = Limiter(Path(folder) / "limiter.sqlite", clock=SystemClock())
        took = [timed(limiter) for _ in range(170)]
        limiter.close()
    return statistics.median(took)


def timed(limiter: Limiter, clock: Callable[[], float] = time.perf_counter) -> float:
    began = clock()
    with limiter.slot():
        pass
    return clock() - began


def main() -> int:
    options = argparse.ArgumentParser(description="Measure the rate limiter against a server that enforces the cap.")
    options.add_argument("--requests", type=int, default=180)
    options.add_argument("--seconds", type=float, default=6.0, help="the server's window")
    options.add_argument("--windows", type=int, default=3, help="windows measured, after one of warm-up")
    options.add_argument("--latency", type=float, help="mean, in seconds (default: a third of a second in 60)")
    options.add_argument("--threads", type=int, default=4, help="requests at once in each process")
    options.add_argument("--processes", type=int, nargs="*", default=[1, 2, 4])
    given = options.parse_args()
    rate = Rate(given.requests, given.seconds, given.latency or given.seconds / 180)

    cost = overhead()
    good = cost < GOAL_OVERHEAD
    print(
        f"cap {rate.requests} in {rate.seconds:g} s, mean latency {rate.latency:.3f} s, "
        f"{given.threads} threads a process"
    )
    print(f"an uncontended slot costs {1000 * cost:.2f} ms (goal < {1000 * GOAL_OVERHEAD:g})")
    best = rate.seconds / (rate.seconds + HAIR + rate.latency)
    print(f"share attainable {best:.4f} (goal >= {GOAL_SHARE}), 429s: goal 0\n")
    print("processes         requests   share   429s     margin      sent         wait p99       most/least")
    for bulk in (False, True):
        for processes in given.processes:
            passed, line = measure(rate, given.windows, [(bulk, given.threads, 0.0)] * processes)
            print(f"{processes} {'bulk' if bulk else 'single':12} {line}{'' if passed else '  MISSED'}", flush=True)
            good &= passed
    crowd = max(given.processes, default=1)
    person = (False, 1, rate.seconds / 30)
    passed, line = measure(rate, given.windows, [(True, given.threads, 0.0)] * crowd + [person])
    print(f"{crowd} bulk + person {line}{'' if passed else '  MISSED'}")
    return 0 if good and passed else 1


if __name__ == "__main__":
    sys.exit(main())
