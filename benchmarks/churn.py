"""Whether rows are lost when people work on while they are read: many seeds of the churn test (tests/churn.py), on the real code.

    python benchmarks/churn.py                 1,000 seeds; a quarter of an hour on one idle core
    python benchmarks/churn.py --seeds 50
    python benchmarks/churn.py --first 417 --seeds 1     one of them again

Each seed is another account with other habits (page sizes, counts, orders, filters that are ignored) and other people. After some
syncs in the midst of changes, kills and failures it is quiet; one more sync, and the mirror is held against the account, row by
row. Exit status 1 if a row is missing, stale or a ghost, or a gap is left.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from churn import churn


def main() -> int:
    options = argparse.ArgumentParser(
        description="Sync accounts that change while they are read, and look for wrong rows."
    )
    options.add_argument("--seeds", type=int, default=1000)
    options.add_argument("--first", type=int, default=0)
    given = options.parse_args()
    began, figures, wrong = time.monotonic(), Counter(), Counter()
    for seed in range(given.first, given.first + given.seeds):
        with tempfile.TemporaryDirectory() as folder:
            found, desk = churn(Path(folder), seed)
        figures.update(seeds=1, changes=desk.written, syncs=desk.syncs, kills=desk.kills, requests=desk.requests)
        for table, (rows, columns) in found.items():
            wrong[table] += len(rows)
            print(f"seed {seed}: {table} {rows[:5]} {columns}", flush=True)
        if (seed + 1) % 100 == 0:
            print(f"... {seed + 1} seeds, {sum(wrong.values())} wrong, {time.monotonic() - began:.0f} s", flush=True)
    print(", ".join(f"{count:,} {name}" for name, count in figures.items()))
    print(f"wrong rows and gaps once it was quiet: {sum(wrong.values())} {dict(wrong) or ''}(goal 0)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
