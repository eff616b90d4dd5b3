"""How an ordinary demo ticket goes, from the customer's mail to the payment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from ..state import Row
from ..times import HOUR, MINUTE, from_ms
from .cast import Business
from .phrases import ACKNOWLEDGED, CHASED, THANKS
from .scene import Scene
from .stories import STORIES
from .stories_visits import EMERGENCIES
from .story import Story
from .team import Team
from .workdays import after, at, quarter

FRESH = 40 * HOUR  # so long a technician may leave a timer uncharged on an open ticket


@dataclass(frozen=True)
class Fate:
    """What is settled about a ticket before it comes."""

    stays: str = ""  # the open status in which it is at the end
    swift: bool = False  # it waits for nothing


def ticket_scene(team: Team, begin: int, business: Business, number: int, fate: Fate) -> Iterator[int]:
    """An ordinary ticket."""
    rng = Random(f"{team.seed}/{number}/story")
    if begin >= at(from_ms(begin, team.zone).date(), 17, 30, team.zone) and not fate.stays:
        yield from _emergency(team, begin, business, number, rng.choice(EMERGENCIES))
        return
    no_goods = business.billing == "contract" and not fate.stays  # they would wait for an invoice that nobody makes
    fitting = [story for story in STORIES if _fits(story, fate) and not (story.goods and no_goods)]
    scene = Scene(team, business, number, team.pick_story(fitting, rng, business))
    story = scene.story
    scene.now = begin
    yield begin
    unassigned = fate.stays == "New" and rng.random() < 0.5
    scene.open(by_mail=rng.random() < 0.75, assigned=not unassigned)
    if fate.stays == "New":
        return
    yield from scene.wait(4, 50)
    scene.comment(scene.say(rng.choice(ACKNOWLEDGED)))
    scene.status("In Progress")
    if story.question and (fate.stays in ("Waiting on Customer", "Customer Reply") or rng.random() < 0.5):
        yield from scene.wait(15, 60)
        scene.comment(scene.say(story.question))
        scene.status("Waiting on Customer")
        if fate.stays == "Waiting on Customer":
            return
        yield from scene.wait(30, 200 if fate.swift else 500)
        scene.hear(scene.say(story.reply))
        if fate.stays == "Customer Reply":
            return
        yield from scene.wait(5, 60)
        scene.status("In Progress", customer_reply=False)
    held = fate.stays if fate.stays in _HOLDS else _NEEDS.get(story.needs, "") if rng.random() < 0.5 else ""
    if held and not fate.swift:
        yield from scene.wait(10, 40)
        scene.comment(_HOLDS[held])
        scene.status(held, **_appointment(team, held, rng))
        if fate.stays:
            return
        yield from scene.wait(500, 1100)
        scene.status("In Progress")
    yield from _work(scene, fate)


_NEEDS = {"parts": "Waiting for Parts", "vendor": "Waiting on Vendor"}
_HOLDS = {
    "Waiting for Parts": "The part is ordered and should be here in two or three days. I will come by as soon as I have it.",
    "Waiting on Vendor": "I have opened a case with the vendor, and will write as soon as they come back to me.",
    "Scheduled": "We have an appointment for this; I have put it into the calendar. Please tell me if it does not suit you.",
}


def _fits(story: Story, fate: Fate) -> bool:
    """Whether a story can stand as the ticket is to stand."""
    if fate.stays in ("Waiting on Customer", "Customer Reply"):
        return bool(story.question)
    if fate.stays in _NEEDS.values():
        return _NEEDS.get(story.needs) == fate.stays
    if fate.stays == "Scheduled":
        return story.kind in ("onsite", "project") and story.priority != "0 Urgent"
    return True


def _appointment(team: Team, status: str, rng: Random) -> Row:
    """For a ticket that is scheduled, some morning of the days after the end."""
    if status != "Scheduled":
        return {}
    start = after(at(team.account.today, 17, 0, team.zone), rng.choice((60, 90, 600, 1200)), team.zone)
    return {"start_at": from_ms(start).isoformat(), "end_at": from_ms(start + HOUR).isoformat()}


def _work(scene: Scene, fate: Fate) -> Iterator[int]:
    """The work itself, its entry and its charge, and the words with which the ticket is resolved."""
    story, rng = scene.story, scene.rng
    if story.inside:
        yield from scene.wait(5, 30)
        scene.comment(story.inside, subject="Internal note", hidden=True)
    if fate.stays and rng.random() < 0.4:
        yield from scene.wait(300, 700)
        scene.hear(rng.choice(CHASED))
        return
    if story.kind == "project" and not fate.stays:
        yield from _prepare(scene)
    yield from scene.works()
    fresh = fate.stays and scene.timer["end_time"] > scene.team.end - FRESH
    if scene.timer["billable"] and not fresh:
        scene.charge()
    if fate.stays:
        return
    yield from scene.resolves()
    if rng.random() < 0.12:
        yield from scene.wait(20, 200)
        scene.hear(rng.choice(THANKS))
        yield from scene.wait(5, 60)
        scene.status("Resolved", customer_reply=False)
    yield from settles(scene)


def _prepare(scene: Scene) -> Iterator[int]:
    """A project takes another day, before the one on which it is done."""
    yield from scene.works(quarters=scene.rng.randint(2, 4), notes=f"Preparation: {scene.say(scene.story.subject)}")
    if scene.timer["billable"]:
        scene.charge()
    yield from scene.wait(300, 700)


def settles(scene: Scene) -> Iterator[int]:
    """Goods and travel, then the invoice of one of the next mornings, then the money."""
    story, business = scene.story, scene.business
    yield from scene.wait(3, 240)
    if story.kind == "onsite" and business.billing == "hourly":
        scene.travel()
    if story.goods:
        scene.sell(story.goods)
    if not scene.account.ticket_lines.where("ticket_id", scene.ticket["id"]):
        yield from scene.morning(300, 1500)
        scene.status("Closed")
        return
    yield from scene.invoices()
    yield from scene.pays()


def _emergency(team: Team, begin: int, business: Business, number: int, story: Story) -> Iterator[int]:
    """A call in the evening: somebody helps at once, and it is billed as an emergency."""
    scene = Scene(team, business, number, story)
    scene.now = begin
    yield begin
    scene.open(by_mail=False)
    scene.status("In Progress")
    quarters = scene.rng.randint(*story.quarters)
    start = team.call_out(scene.who, quarter(begin + 5 * MINUTE), quarters)
    yield from scene.works(quarters=quarters, start=start)
    if scene.timer["billable"]:
        scene.charge()
    scene.comment(scene.say(story.done), subject="Resolution")
    scene.status("Resolved")
    yield from settles(scene)
