"""Which customers there are for what: the cast, and for each kind of plot the customers that it needs."""

from __future__ import annotations

from collections import defaultdict

from .cast import BUSINESSES, NEWCOMER, Business
from .names import Names
from .plots import PLOTS

SUBSCRIBERS = ("hosting", "stuck", "skipped", "yearly", "paused", "late", "two sites")
# These are on no tickets but their own plot's: the rule looks at all that the customer has.
SET_APART = ("exempt", "quiet", "billed")
_KINDS: dict[str, dict[str, object]] = {
    "exempt": {"taxed": False},
    "quiet": {"billing": "contract", "workstations": 4},
    "billed": {"billing": "contract", "workstations": 5},
}


class Pools:
    """The customers by what is planted on them. `fold` is how many times more of each there is than in the small account."""

    def __init__(self, seed: int, fold: int, more: int) -> None:
        names = Names(seed)
        self.everybody: list[Business] = list(BUSINESSES)
        self._by_kind: dict[str, list[Business]] = defaultdict(list)
        for one in BUSINESSES:
            self._by_kind[_kind(one)].append(one)
        for place in range(2 + more // 10):
            hours = f"{6 + place % 7}.0"
            self._add(names.business(share=3, billing="prepaid", prepaid=hours), "block")
        for place in range(more // 10):
            sweeps = place % 2 == 0
            made = names.business(share=4, billing="contract", workstations=3 + place % 12, sweeps_tickets=sweeps)
            self._add(made, "sweeping" if sweeps else "contract")
        for place in range(3 + more - more // 5):
            late = 0.3 if place % 4 == 0 else 0.1
            self._add(names.business(share=3, pays_late=late), "hourly")
        for kind in SET_APART:
            count = sum(planted.times for planted in PLOTS if planted.whose == kind)
            for _ in range(count * fold):
                self._add(names.business(**_KINDS[kind]), kind)
        for habit in SUBSCRIBERS:
            times = 1 if habit in ("paused", "late", "two sites") else fold
            for _ in range(times):
                self._add(names.business(recurs=habit), "subscriber")

    def _add(self, business: Business, kind: str) -> None:
        self.everybody.append(business)
        self._by_kind[kind].append(business)

    def of(self, kind: str) -> list[Business]:
        """The customers of a kind."""
        return self._by_kind[kind]

    def settled(self) -> list[Business]:
        """Those with ordinary tickets, but for the newcomer."""
        return [one for one in self.everybody if one.share and one.name != NEWCOMER]


def _kind(business: Business) -> str:
    if business.name == NEWCOMER:
        return "new"
    if business.billing == "contract":
        return "sweeping" if business.sweeps_tickets else "contract"
    if business.prepaid:
        return "block"
    return "hourly" if business.taxed else "not taxed"
