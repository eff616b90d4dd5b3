"""A group of accounts: unbilled time of twenty generated ones, one after the other and on a Dask cluster of this machine.

    python benchmarks/group.py [--accounts N] [--size small|medium] [--workers N]

Each account is a sandbox with a seed of its own; its mirror is filled as in benchmarks/frames.py. Both ways must give the same
rows. A cluster of processes shows what more cores bring: what travels is a folder's name and one row. The first run of the
cluster, in which each worker loads pandas, is shown apart. Needs Dask: `pip install "syncro-nb[scale]"`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import frames as filling
import pandas as pd

from syncro_nb.group import unbilled_of
from syncro_nb.mirror.store import Store
from syncro_nb.mirror.writer import Writer
from syncro_nb.money import format_cents
from syncro_nb.sandbox import Sandbox


def fill(folder: Path, seed: int, size: str) -> int:
    """The mirror of one account; gives its rows."""
    store = Store(folder)
    with store.writing({}):
        filling.Filling(Writer(store), Sandbox(size=size, seed=seed)).run()
        store.tidy()
    rows, _ = store.size()
    store.close()
    return rows


def main() -> int:
    options = argparse.ArgumentParser(description="Unbilled time of many accounts, in turn and on a Dask cluster.")
    options.add_argument("--accounts", type=int, default=20)
    options.add_argument("--size", default="small", choices=("small", "medium"))
    options.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = options.parse_args()
    from dask.distributed import Client, LocalCluster

    with tempfile.TemporaryDirectory(prefix="syncro-group-") as home:
        folders = [Path(home) / f"account-{number:03}" for number in range(1, given.accounts + 1)]
        began = perf_counter()
        rows = sum(fill(folder, seed, given.size) for seed, folder in enumerate(folders, 1))
        print(f"{given.accounts} accounts ({given.size}), {rows:,} rows, generated in {perf_counter() - began:.1f} s")
        unbilled_of(folders[0])  # libraries are loaded
        began = perf_counter()
        in_turn = pd.concat(map(unbilled_of, folders), ignore_index=True)
        alone = perf_counter() - began
        began = perf_counter()
        with (
            LocalCluster(n_workers=given.workers, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            ready = perf_counter() - began
            seconds = []
            for _ in range(2):
                began = perf_counter()
                gathered = client.gather(client.map(unbilled_of, folders, pure=False))
                seconds.append(perf_counter() - began)
        together = pd.concat(gathered, ignore_index=True)
    pd.testing.assert_frame_equal(in_turn, together)
    print(f"one after the other         {alone:6.2f} s   {1000 * alone / given.accounts:6.0f} ms an account")
    print(
        f"{given.workers} Dask workers, first time   {seconds[0]:6.2f} s   (and {ready:.1f} s for the cluster to be ready)"
    )
    print(f"{given.workers} Dask workers, after that   {seconds[1]:6.2f} s   {alone / seconds[1]:.2f} times as fast")
    amount, records = int(in_turn["amount_cents"].sum()), int(in_turn["records"].sum())
    print(f"together {format_cents(amount)} in {records:,} records, the same both ways")
    return 0


if __name__ == "__main__":
    sys.exit(main())
