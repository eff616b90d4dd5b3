"""`python -m campaign --size short|long`: the figures on the terminal; status 1 if an invariant is broken."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter

from .known import KNOWN
from .realistic import simulate
from .run import Figures, campaign, chosen, in_processes

SHOWN = 12


def main() -> int:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(prog="campaign", description=__doc__)
    parser.add_argument("--size", choices=["short", "long"], default="short")
    parser.add_argument("--only", default="", help="only cases whose name holds this")
    parser.add_argument("--seed", type=int, default=1, help="of what the short form draws")
    parser.add_argument("--jobs", type=int, default=1, help="so many processes")
    parser.add_argument("--part", default="0/1", help="this part of the cases only")
    parser.add_argument(
        "--bills", type=int, default=0, help="instead: so many bills where 0.5 %% of all requests time out"
    )
    parser.add_argument("--json", action="store_true", help="the figures for a program")
    asked = parser.parse_args()
    if asked.bills:
        print("\n".join(simulate(asked.bills, seed=asked.seed).text()))
        return 0
    part, parts = map(int, asked.part.split("/"))
    if asked.jobs > 1:
        figures = in_processes(asked.size, asked.jobs, seed=asked.seed, only=asked.only)
    else:
        figures = campaign(chosen(asked.size, seed=asked.seed, only=asked.only, part=part, parts=parts))
    if asked.json:
        print(json.dumps(figures.as_json()))
        return 0
    print("\n".join([*broken(figures, whole=not asked.only), *figures.text()]))
    return int(bool(figures.broken))


def broken(figures: Figures, *, whole: bool) -> list[str]:
    """The first cases of each invariant that is broken, and what is known to be."""
    said, shown = [], Counter()
    for name, words in figures.broken:
        kind = words.partition(":")[0]
        shown[kind] += 1
        if shown[kind] <= SHOWN:
            said += [f"BROKEN {name}", f"       {words}"]
    for one in KNOWN:
        count = len({n for n, w in figures.known if one.fits(n, w)})
        if count or whole:
            said.append(f"known ({count} cases): {one.why}" if count else f"NOT NEEDED ANY MORE in known.py: {one.why}")
    return said


sys.exit(main())
