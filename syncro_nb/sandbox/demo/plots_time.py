"""Planted in the time: resolved without time, timers that run on, work that was not billable or never charged."""

from __future__ import annotations

from collections.abc import Iterator

from .. import timers
from ..times import MINUTE, from_ms
from .plots import plot
from .scene import Scene

_NOT_BILLABLE = "the work was set to not billable without a reason"
_NO_TIME = "resolved with technician comments, and neither a timer nor a labour line"


@plot(times=2)
def done_without_time(scene: Scene) -> Iterator[int]:
    """Somebody helped on the telephone and forgot to enter it."""
    yield from scene.begins()
    yield from scene.wait(60, 200)
    yield from scene.resolves()
    scene.key.case("resolved-no-time", scene, None, why=_NO_TIME)


@plot()
def closed_without_time(scene: Scene) -> Iterator[int]:
    """The same, and closed. Nobody wrote on it, but it was open for hours."""
    yield scene.now
    scene.open()
    yield from scene.wait(120, 300)
    scene.status("Closed")
    why = "closed after some hours without a comment, a timer or a labour line"
    scene.key.case("resolved-no-time", scene, None, why=why)


@plot("contract")
def contract_without_time(scene: Scene) -> Iterator[int]:
    """A contract pays for it, but the hours are missing all the same."""
    yield from scene.begins()
    yield from scene.resolves()
    scene.key.case("resolved-no-time", scene, None, severity="S4", why=f"{_NO_TIME}; a contract covers it")


def _dismissed(scene: Scene, tag: str, subject: str, said: str) -> Iterator[int]:
    yield scene.now
    scene.open(subject)
    yield from scene.wait(20, 60)
    scene.comment(said, subject="Resolution")
    scene.tag(tag)
    scene.status("Resolved")
    scene.key.near_miss("resolved-no-time", scene, excused_by=f"{tag}: nothing was worked")


@plot()
def cancelled(scene: Scene) -> Iterator[int]:
    """The customer took it back."""
    subject = f"Cancelled: {scene.say(scene.story.subject)}"
    yield from _dismissed(scene, "cancelled", subject, "Cancelled at the customer's request.")


@plot()
def duplicate(scene: Scene) -> Iterator[int]:
    """Two people wrote about one thing."""
    yield from _dismissed(scene, "duplicate", "", "Duplicate of a ticket that we are working on.")


@plot()
def spam(scene: Scene) -> Iterator[int]:
    """An advertisement."""
    yield from _dismissed(scene, "spam", "Your listing in the business directory", "Spam, closed.")


@plot("contract")
def alert(scene: Scene) -> Iterator[int]:
    """The monitoring opened it and closed it."""
    subject = f"Alert: disk space low on {scene.words['pc']}"
    yield from _dismissed(scene, "auto-closed", subject, "The alert has cleared; auto-closed by monitoring.")


@plot()
def settled_at_once(scene: Scene) -> Iterator[int]:
    """Open for ten minutes, and nobody wrote on it."""
    yield scene.now
    scene.open(by_mail=True)
    yield from scene.wait_until(scene.now + 10 * MINUTE)
    scene.status("Resolved")
    excuse = "open for less than 15 minutes, without a technician's comment"
    scene.key.near_miss("resolved-no-time", scene, excused_by=excuse)


@plot()
def under_warranty(scene: Scene) -> Iterator[int]:
    """Our own mistake of last month, put right without time."""
    yield from scene.begins()
    scene.tag("warranty")
    yield from scene.resolves()
    scene.key.near_miss("resolved-no-time", scene, excused_by="tagged as warranty")


@plot()
def internal_ticket(scene: Scene) -> Iterator[int]:
    """A reminder to ourselves."""
    yield from scene.begins()
    scene.tag("internal")
    yield from scene.resolves("Closed")
    scene.key.near_miss("resolved-no-time", scene, excused_by="tagged as internal")


def _run_on(scene: Scene, start: int) -> None:
    fields = {"start_at": from_ms(start).isoformat(), "user_id": scene.technician["id"]}
    named = {"notes": scene.say(scene.story.notes), "product_id": scene.account.default_labor_product_id}
    scene.timer = timers.enter_time(scene.account, scene.ticket, {**fields, **named}, scene.now)


@plot(times=2)
def runs_since_resolved(scene: Scene) -> Iterator[int]:
    """The ticket was resolved, and its timer was never stopped."""
    yield from scene.begins()
    _run_on(scene, scene.now)
    yield from scene.wait(30, 60)
    yield from scene.resolves()
    why = "the ticket is resolved, and its timer still runs"
    scene.key.case("timer-running", scene, None, "over", why=why, timer_id=scene.timer["id"])


@plot()
def runs_since_days(scene: Scene) -> Iterator[int]:
    """Started some weeks ago on a ticket that still waits for the customer."""
    yield from scene.begins()
    _run_on(scene, scene.now)
    yield from scene.wait(30, 60)
    scene.comment("Could you try it tomorrow, and tell me whether it holds?")
    scene.status("Waiting on Customer")
    why = "the timer was started weeks ago and never stopped"
    scene.key.case("timer-running", scene, None, "over", why=why, timer_id=scene.timer["id"])


@plot(when="now")
def runs_now(scene: Scene) -> Iterator[int]:
    """Somebody is at work on it."""
    yield from scene.begins()
    yield from scene.wait_until(scene.team.end - scene.rng.randint(40, 140) * MINUTE)
    _run_on(scene, scene.now)
    scene.key.near_miss("timer-running", scene, excused_by="started less than ten hours ago, on an open ticket")


@plot(times=2)
def never_charged(scene: Scene) -> Iterator[int]:
    """Entered, resolved, forgotten."""
    if scene.rng.random() < 0.7:
        scene.assign("Theo Lindqvist")  # it is a habit of his
    yield from scene.begins()
    yield from scene.works()
    yield from scene.resolves()
    scene.key.judge_timer(scene, scene.timer)


@plot(kind="onsite")
def never_charged_override(scene: Scene) -> Iterator[int]:
    """Three quarters of an hour are to be billed for the whole hour, and were not."""
    yield from scene.begins()
    yield from scene.works(quarters=4, notes="Helped with the move of the desks; a quarter of an hour was coffee")
    named = {"billable_override": 2700}
    timers.change_timer(scene.account, scene.ticket, scene.timer, named, scene.now)
    yield from scene.resolves()
    scene.key.judge_timer(
        scene, scene.timer, "the timer was never charged; its override says three quarters of an hour"
    )


@plot()
def never_charged_and_open(scene: Scene) -> Iterator[int]:
    """The work of weeks ago on a ticket that still waits."""
    yield from scene.begins()
    yield from scene.works(quarters=3)
    scene.comment("I have done my part; the vendor still has to answer.")
    scene.status("Waiting on Vendor")
    scene.key.judge_timer(scene, scene.timer)


@plot(when="late", times=2)
def never_charged_lately(scene: Scene) -> Iterator[int]:
    """Work of this month: it may still be billed in time."""
    yield from scene.begins()
    yield from scene.works()
    yield from scene.resolves()
    scene.key.judge_timer(scene, scene.timer)


@plot("contract")
def contract_timer(scene: Scene) -> Iterator[int]:
    """Billable by mistake, but a contract covers it."""
    yield from scene.begins()
    yield from scene.works(billable=True)
    yield from scene.resolves("Closed")
    scene.key.near_miss("timer-uncharged", scene, excused_by="a contract covers the work")


@plot()
def warranty_timer(scene: Scene) -> Iterator[int]:
    """Put right at our own cost."""
    yield from scene.begins()
    scene.tag("warranty")
    yield from scene.works(notes="Warranty: set the profile up once more, ours from last week was wrong")
    yield from scene.resolves("Closed")
    scene.key.near_miss("timer-uncharged", scene, excused_by="warranty")


@plot()
def internal_timer(scene: Scene) -> Iterator[int]:
    """Time for ourselves on a customer's ticket."""
    yield from scene.begins()
    yield from scene.works("internal", 2, "Wrote the steps down for the team", billable=True)
    yield from scene.resolves("Closed")
    scene.key.near_miss("timer-uncharged", scene, excused_by="the product is internal work")


def _given_away(scene: Scene, quarters: int, notes: str = "") -> Iterator[int]:
    yield from scene.begins()
    yield from scene.works(quarters=quarters, notes=notes, billable=False)
    yield from scene.resolves("Closed")


@plot(times=2)
def not_billable(scene: Scene) -> Iterator[int]:
    """One or two hours for which nobody said why they are free."""
    hours = scene.rng.choice((1, 2))
    yield from _given_away(scene, hours * 4)
    amount = scene.amount(str(hours), "remote")
    scene.key.case("unexplained-non-billable", scene, amount, why=_NOT_BILLABLE, timer_id=scene.timer["id"])


@plot(kind="project")
def not_billable_recovered(scene: Scene) -> Iterator[int]:
    """The text has "covered" in it, but only as a part of "recovered"."""
    yield from _given_away(scene, 6, "Recovered the archive of the old server and checked every folder")
    amount = scene.amount("1.5", "project")
    scene.key.case("unexplained-non-billable", scene, amount, why=_NOT_BILLABLE, timer_id=scene.timer["id"])


@plot()
def courtesy(scene: Scene) -> Iterator[int]:
    """Free, and it says so."""
    yield from _given_away(scene, 2, "Courtesy: helped with the new telephone")
    scene.key.near_miss("unexplained-non-billable", scene, excused_by='the notes say "courtesy"')


@plot()
def no_charge(scene: Scene) -> Iterator[int]:
    """Free, and it says so in other words."""
    yield from _given_away(scene, 4, "Second try after ours of Monday failed, no charge")
    scene.key.near_miss("unexplained-non-billable", scene, excused_by='the notes say "no charge"')


@plot()
def goodwill_tag(scene: Scene) -> Iterator[int]:
    """Free, and a tag says so."""
    yield from _given_away(scene, 4)
    scene.tag("goodwill")
    scene.key.near_miss("unexplained-non-billable", scene, excused_by='the ticket is tagged "goodwill"')


@plot()
def internal_product(scene: Scene) -> Iterator[int]:
    """Internal work is never billable."""
    yield from scene.begins()
    yield from scene.works("internal", 4, "Tried the update on our own computer first")
    yield from scene.resolves("Closed")
    scene.key.near_miss("unexplained-non-billable", scene, excused_by="the product is internal work")


@plot("block")
def block_not_billable(scene: Scene) -> Iterator[int]:
    """Not taken from the customer's prepaid hours: a matter of hours, not of money."""
    yield from _given_away(scene, 4)
    excuse = "the customer has prepaid hours, so the mode is not time-and-materials"
    scene.key.near_miss("unexplained-non-billable", scene, excused_by=excuse)


@plot("contract")
def contract_not_billable(scene: Scene) -> Iterator[int]:
    """As all work under a contract."""
    yield from _given_away(scene, 4)
    scene.key.near_miss("unexplained-non-billable", scene, excused_by="a contract covers the work")
