"""The answer key of the demo account: what was planted in it for a reconciliation to find, and what it must leave alone.

A case says which rule finds it, on which ticket or invoice, how much it comes to and in which direction; a near-miss says what
excuses it. Amounts that a rule can only estimate are not exact. The key stands for the afternoon of the account's day, with
the cut-off at the end of the calendar month before: work after that is `timing`, not `leak`, where a rule makes the difference.
"""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Any

from ...money import line_cents
from .. import timers
from ..state import Account, Row
from ..times import HOUR, SECOND, midnight
from .cast import LABOR

if TYPE_CHECKING:
    from .scene import Scene

SEVERITY = {
    "resolved-no-time": "S2",
    "timer-running": "S2",
    "timer-uncharged": "S2",
    "charged-no-line": "S1",
    "double-charge": "S1",
    "quantity-vs-timer": "S2",
    "rate-drift": "S2",
    "zero-line": "S2",
    "after-hours-at-standard": "S2",
    "unexplained-non-billable": "S3",
    "pending-stale": "S2",
    "invoiced-unproven": "S1",
    "duplicate-invoice": "S1",
    "invoice-vs-ticket": "S1",
    "tax": "S1",
    "recurring-missed": "S2",
    "no-path-to-bill": "S2",
    "block-draw": "S1",
    "block-on-free-work": "S1",
    "paid-flags": "S1",
    "ledger-difference": "S1",
}
ESTIMATED = {"resolved-no-time", "timer-running", "block-draw", "block-on-free-work"}

_UNCHARGED_AFTER = 48 * HOUR


class AnswerKey:
    """Cases and near-misses by rule, written into the account's `answers`."""

    def __init__(self, account: Account, end: int) -> None:
        self.account, self.end = account, end
        self.cut_off = midnight(account.today.replace(day=1), account.switches.zone)
        self.rules: dict[str, dict[str, list[Row]]] = {one: {"cases": [], "near_misses": []} for one in SEVERITY}
        self._estimates: list[tuple[Row, Scene]] = []

    def case(
        self,
        rule: str,
        scene: Scene | None = None,
        amount: int | None = 0,
        direction: str = "leak",
        *,
        why: str,
        **more: Any,
    ) -> Row:
        """A planted fault. `more` may hold customer, invoice, severity and `also`, and ids by name."""
        row = _subject(scene, more)
        row |= {
            "amount_cents": amount,
            "direction": direction,
            "exact": rule not in ESTIMATED,
            "severity": more.pop("severity", SEVERITY[rule]),
            "also": list(more.pop("also", ())),
            "why": why,
            "ids": more,
        }
        self.rules[rule]["cases"].append(row)
        if scene and rule in ("resolved-no-time", "timer-running"):
            self._estimates.append((row, scene))
        return row

    def near_miss(self, rule: str, scene: Scene | None = None, *, excused_by: str, **more: Any) -> None:
        """Something that looks like a fault and is none."""
        row = _subject(scene, more)
        self.rules[rule]["near_misses"].append({**row, "excused_by": excused_by, "ids": more})

    def judge_timer(self, scene: Scene, timer: Row, why: str = "the timer was never charged") -> None:
        """A timer that stays uncharged: a case, unless it is too fresh."""
        amount = line_cents(_hours(timer), self.account.products.rows[timer["product_id"]]["retail_cents"])
        if timer["end_time"] >= self.cut_off and timer["end_time"] > self.end - _UNCHARGED_AFTER:
            excuse = "it ended less than 48 hours ago, after the cut-off"
            self.near_miss("timer-uncharged", scene, excused_by=excuse, timer_id=timer["id"])
            return
        direction = self.direction(timer["end_time"])
        self.case("timer-uncharged", scene, amount, direction, why=why, timer_id=timer["id"])

    def direction(self, instant: int) -> str:
        """Whether work of that instant is lost, or only late."""
        return "leak" if instant < self.cut_off else "timing"

    def finish(self) -> None:
        """The estimates, which need all of the account's tickets; then the key is the account's."""
        if self._estimates:
            hours = _hours_by_problem_type(self.account)
            for row, scene in self._estimates:
                usual = hours[scene.ticket["problem_type"]]
                running = scene.timer.get("end_time", 0) is None
                elapsed = (self.end - scene.timer["start_time"]) / HOUR if running else 0.0
                worth = abs(elapsed - usual) * (scene.price(scene.story.kind) if running else LABOR["remote"][2])
                row["amount_cents"] = round(worth)
        self.account.answers = self.rules


def _subject(scene: Scene | None, more: Row) -> Row:
    """Whom and what it is about: the scene's ticket and customer, unless something else is named."""
    invoice = more.pop("invoice", None)
    if invoice:
        more["invoice_id"] = invoice["id"]
    if scene and scene.ticket:
        more["ticket_id"] = scene.ticket["id"]
    customer = more.pop("customer", None) or (scene.customer if scene else None)
    return {
        "ticket": scene.ticket["number"] if scene and scene.ticket else None,
        "invoice": int(invoice["number"]) if invoice else None,
        "customer": customer["business_then_name"] if customer else None,
    }


def _hours(timer: Row) -> str:
    return f"{timers.billable_seconds(timer) * SECOND / HOUR:.6f}"


def _hours_by_problem_type(account: Account) -> dict[str, float]:
    """The median of the billable hours of a ticket, by problem type."""
    worked: dict[int, int] = defaultdict(int)
    for timer in account.timers:
        if timer["end_time"] is not None:
            worked[timer["ticket_id"]] += timers.billable_seconds(timer)
    kinds: dict[str, list[int]] = defaultdict(list)
    for ticket_id, seconds in worked.items():
        if seconds:
            kinds[account.tickets.rows[ticket_id]["problem_type"]].append(seconds)
    return defaultdict(lambda: 0.5, {kind: median(seconds) / 3600 for kind, seconds in kinds.items()})
