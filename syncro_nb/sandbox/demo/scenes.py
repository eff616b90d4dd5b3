"""How a demo ticket goes, from the customer's mail to the payment: generators that yield the instant of the next act."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from ...money import exact
from .. import billing, desk, timers
from ..state import Row
from ..times import HOUR, MINUTE, from_ms
from .cast import LABOR, TECHNICIANS, Business
from .opening import SERVICE_LEVEL
from .stories import (
    ACKNOWLEDGED,
    CHASED,
    EMERGENCIES,
    ROOMS,
    SHOWCASE_ANSWER,
    SHOWCASE_DONE,
    SHOWCASE_INSIDE,
    SHOWCASE_OPENING,
    SHOWCASE_REPLY,
    SHOWCASE_SUBJECT,
    STORIES,
    THANKS,
    TWO_VISITS_AGAIN,
    TWO_VISITS_ANSWER,
    TWO_VISITS_DONE,
    TWO_VISITS_NOTES,
    TWO_VISITS_OPENING,
    TWO_VISITS_SUBJECT,
    Story,
)
from .team import Team
from .workdays import after, at, next_open, quarter, workdays


@dataclass(frozen=True)
class Fate:
    """What is settled about a ticket before it comes."""

    stays: str = ""  # the open status in which it is at the end
    sure: bool = False  # it is charged, invoiced and paid, come what may
    swift: bool = False  # it waits for nothing


class _Scene:
    """One ticket and those who talk on it."""

    def __init__(self, team: Team, business: Business, number: int, story: Story) -> None:
        self.team, self.account, self.zone = team, team.account, team.zone
        self.business, self.number, self.story = business, number, story
        self.rng = Random(f"{team.seed}/{number}")
        self.customer = team.customers[business.name]
        self.contact = self.rng.choice(self.account.contacts.where("customer_id", self.customer["id"]))
        self.who = self.rng.choices(TECHNICIANS, (3, 4, 5, 4))[0]
        self.technician = team.technicians[self.who.name]
        prefix = "".join(word[0] for word in business.name.split() if word[0].isalpha())[:3].upper()
        self.words = {
            "first": self.contact["name"].split()[0],
            "pc": f"{prefix}-PC{self.rng.randint(2, 19):02}",
            "room": self.rng.choice(ROOMS),
        }
        self.ticket: Row = {}

    def say(self, text: str) -> str:
        return text.format(**self.words)

    def wait(self, now: int, low: int, high: int) -> int:
        """Some time later, by the hours of the desk."""
        return after(now, self.rng.uniform(low, high), self.zone)

    def open(self, now: int, subject: str, opening: str, *, by_mail: bool, assigned: bool) -> None:
        priority = self.story.priority if self.rng.random() > 0.05 else None
        days = {"0 Urgent": 0, "1 High": 1, "3 Low": 7}.get(priority or "", 3)
        due = from_ms(after(now, days * 540, self.zone), self.zone)
        self.ticket = desk.create_ticket(
            self.account,
            {
                "customer_id": self.customer["id"],
                "number": self.number,
                "subject": subject,
                "problem_type": self.story.problem_type,
                "priority": priority,
                "contact_id": self.contact["id"],
                "user_id": self.technician["id"] if assigned else None,
                "due_date": due.replace(hour=17, minute=0, second=0, microsecond=0).isoformat(),
            },
            now,
        )
        values: Row = {"creator_name_or_email": self.contact["email"] if by_mail else self.who.name}
        contracts = self.account.contracts.where("customer_id", self.customer["id"])
        if contracts:
            values.update(SERVICE_LEVEL, contract_id=contracts[0]["id"])
        if self.contact["name"] == "Harriet Quill":
            values["tag_list"] = ["vip"]
        self.account.tickets.change(self.ticket, values)
        author = None if by_mail else self.technician
        name = self.contact["name"] if by_mail else None
        fields = {"subject": "Initial Issue", "body": opening, "tech": name}
        desk.add_comment(self.account, self.ticket, fields, now, author)

    def comment(self, now: int, body: str, *, subject: str = "Update", hidden: bool = False) -> None:
        signed = body if hidden else f"{body}\n\n{self.who.sign_off}"
        fields = {"subject": subject, "body": signed, "hidden": hidden}
        desk.add_comment(self.account, self.ticket, fields, now, self.technician)

    def hear(self, now: int, body: str) -> None:
        desk.hear_from_customer(self.account, self.ticket, body, now)

    def status(self, now: int, status: str, **fields: object) -> None:
        desk.change_ticket(self.account, self.ticket, {"status": status, **fields}, now)

    def time(self, start: int, quarters: int, notes: str, entered: int, kind: str) -> Row:
        """A piece of work, entered some time after its end."""
        row = timers.enter_time(
            self.account,
            self.ticket,
            {
                "start_at": from_ms(start).isoformat(),
                "duration_minutes": 15 * quarters,
                "user_id": self.technician["id"],
                "notes": notes,
                "product_id": LABOR[kind][0],
            },
            entered,
        )
        timers.set_billable(self.account, row, self.business.billing != "contract", entered)
        return row


def ticket_scene(team: Team, begin: int, business: Business, number: int, fate: Fate) -> Iterator[int]:
    """An ordinary ticket."""
    rng = Random(f"{team.seed}/{number}/story")
    if begin >= at(from_ms(begin, team.zone).date(), 17, 30, team.zone) and not (fate.stays or fate.sure):
        yield from _emergency_scene(team, begin, business, number, rng.choice(EMERGENCIES))
        return
    scene = _Scene(team, business, number, team.pick_story([story for story in STORIES if _fits(story, fate)], rng))
    story, later = scene.story, scene.wait
    yield begin
    now = begin
    unassigned = fate.stays == "New" and rng.random() < 0.5
    scene.open(
        now, scene.say(story.subject), scene.say(story.opening), by_mail=rng.random() < 0.75, assigned=not unassigned
    )
    if fate.stays == "New":
        return
    now = later(now, 4, 50)
    yield now
    scene.comment(now, scene.say(rng.choice(ACKNOWLEDGED)))
    scene.status(now, "In Progress")
    if story.question and (fate.stays in ("Waiting on Customer", "Customer Reply") or rng.random() < 0.5):
        now = later(now, 15, 60)
        yield now
        scene.comment(now, scene.say(story.question))
        scene.status(now, "Waiting on Customer")
        if fate.stays == "Waiting on Customer":
            return
        now = later(now, 30, 200 if fate.swift else 500)
        yield now
        scene.hear(now, scene.say(story.reply))
        if fate.stays == "Customer Reply":
            return
        now = later(now, 5, 60)
        yield now
        scene.status(now, "In Progress", customer_reply=False)
    held = fate.stays if fate.stays in _HOLDS else _NEEDS.get(story.needs, "") if rng.random() < 0.5 else ""
    if held and not fate.swift:
        now = later(now, 10, 40)
        yield now
        scene.comment(now, _HOLDS[held])
        scene.status(now, held, **_appointment(team, held, rng))
        if fate.stays:
            return
        now = later(now, 500, 1100)
        yield now
        scene.status(now, "In Progress")
    yield from _work(scene, fate, now)


_NEEDS = {"parts": "Waiting for Parts", "vendor": "Waiting on Vendor"}
_HOLDS = {
    "Waiting for Parts": "The part is ordered and should be here in two or three days. I will come by as soon as I have it.",
    "Waiting on Vendor": "I have opened a case with the vendor, and will write as soon as they come back to me.",
    "Scheduled": "We have an appointment for this; I have put it into the calendar. Please tell me if it does not suit you.",
}


def _fits(story: Story, fate: Fate) -> bool:
    """Whether a story can stand as the ticket is to stand, or be billed as it must be."""
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


def _work(scene: _Scene, fate: Fate, now: int) -> Iterator[int]:
    """The work itself, its entry, and the words with which the ticket is resolved."""
    story, rng = scene.story, scene.rng
    if story.inside:
        now = scene.wait(now, 5, 30)
        yield now
        scene.comment(now, story.inside, subject="Internal note", hidden=True)
    if fate.stays and rng.random() < 0.4:
        now = scene.wait(now, 300, 700)
        yield now
        scene.hear(now, rng.choice(CHASED))
        return
    quarters = rng.randint(*story.quarters)
    start = scene.team.book(scene.who, now + 10 * MINUTE, quarters)
    now = after(start + quarters * 15 * MINUTE, scene.who.enters_late_by + rng.randint(0, 10), scene.zone)
    yield now
    timer = scene.time(start, quarters, scene.say(story.notes), now, story.kind)
    if fate.stays:
        return
    now = scene.wait(now, 2, 15)
    yield now
    scene.comment(now, scene.say(story.done), subject="Resolution")
    scene.status(now, "Resolved")
    if rng.random() < 0.12:
        now = scene.wait(now, 20, 200)
        yield now
        scene.hear(now, rng.choice(THANKS))
        now = scene.wait(now, 5, 60)
        yield now
        scene.status(now, "Resolved", customer_reply=False)
    yield from _bill(scene, fate, timer, now)


def _bill(scene: _Scene, fate: Fate, timer: Row, now: int) -> Iterator[int]:
    """Charge, goods and travel, then the invoice of one of the next mornings, then the money."""
    story, rng, ticket, account = scene.story, scene.rng, scene.ticket, scene.account
    business = scene.business
    hourly = business.billing == "hourly"
    now = scene.wait(now, 3, 240)
    yield now
    if timer["billable"] and (fate.sure or rng.random() >= scene.who.forgets_to_charge):
        timers.charge_timer(account, ticket, timer, now)
        if story.kind == "onsite" and hourly:
            travel = account.products.rows[LABOR["travel"][0]]
            desk.add_line(account, ticket, desk.product_line(travel, "1", travel["description"]), now)
    if story.goods:
        scene.team.add_goods(ticket, story.goods, 1, now)
    day = from_ms(after(now, rng.randint(300, 2400), scene.zone), scene.zone).date()
    now = max(now + MINUTE, at(day, 9, 30, scene.zone) + rng.randrange(90) * MINUTE)
    yield now
    if not desk.ticket_lines(account, ticket):
        scene.status(now, "Closed" if not timer["billable"] else ticket["status"])
        return
    due = scene.team.due(business, now)
    fields = {"customer_id": scene.customer["id"], "ticket_id": ticket["id"], "due_date": due}
    invoice = billing.create_invoice(account, fields, now)
    scene.status(now, "Invoiced")
    if business.prepaid and exact(scene.customer["prepay_hours"]) < 4:
        scene.team.also.append(scene.team.sell_hours(business, 10, now + 20 * MINUTE))
    yield from scene.team.await_payment(invoice, business, rng, now)


def _emergency_scene(team: Team, begin: int, business: Business, number: int, story: Story) -> Iterator[int]:
    """A call in the evening: somebody helps at once, and it is billed as an emergency."""
    scene = _Scene(team, business, number, story)
    now = begin
    yield now
    scene.open(now, scene.say(story.subject), scene.say(story.opening), by_mail=False, assigned=True)
    scene.status(now, "In Progress")
    quarters = scene.rng.randint(*story.quarters)
    start = quarter(now + 5 * MINUTE)
    now = start + quarters * 15 * MINUTE + 6 * MINUTE
    yield now
    timer = scene.time(start, quarters, scene.say(story.notes), now, story.kind)
    scene.comment(now, scene.say(story.done), subject="Resolution")
    scene.status(now, "Resolved")
    yield from _bill(scene, Fate(sure=True), timer, now)


def showcase_scene(team: Team, begin: int, business: Business, number: int) -> Iterator[int]:
    """The ticket with which everybody begins: remote work was done on it lately, and nobody has recorded it yet."""
    scene = _Scene(team, business, number, next(story for story in STORIES if story.problem_type == "Network"))
    scene.who = next(one for one in TECHNICIANS if one.name == "Priya Raman")
    scene.technician = team.technicians[scene.who.name]
    yield begin
    scene.open(begin, SHOWCASE_SUBJECT, SHOWCASE_OPENING, by_mail=True, assigned=True)
    now = scene.wait(begin, 10, 40)
    yield now
    scene.comment(now, scene.say(SHOWCASE_ANSWER))
    scene.status(now, "In Progress", priority="2 Normal")
    today = team.account.today
    third_last = workdays(today - timedelta(days=12), today)[-3]
    lately = max(scene.wait(now, 60, 120), at(third_last, 8, 30, scene.zone))
    yield lately
    start = team.book(scene.who, lately, 2)
    now = start + 38 * MINUTE
    yield now
    scene.comment(now, SHOWCASE_INSIDE, subject="Internal note", hidden=True)
    now += 6 * MINUTE
    yield now
    scene.comment(now, scene.say(SHOWCASE_DONE))
    now = scene.wait(now, 240, 300)
    yield now
    scene.hear(now, SHOWCASE_REPLY)
    now = scene.wait(now, 5, 20)
    yield now
    scene.comment(now, "Good to hear. I leave the ticket open for another day or two, to be sure.")


def two_timers_scene(team: Team, begin: int, business: Business, number: int) -> Iterator[int]:
    """An open ticket with work of two days on it, entered and not charged yet: half an hour, and three quarters."""
    scene = _Scene(team, business, number, next(story for story in STORIES if story.problem_type == "Email"))
    scene.who = next(one for one in TECHNICIANS if one.name == "Marcus Oyelaran")
    scene.technician = team.technicians[scene.who.name]
    yield begin
    scene.open(begin, TWO_VISITS_SUBJECT, TWO_VISITS_OPENING, by_mail=True, assigned=True)
    now = begin + 12 * MINUTE
    yield now
    scene.comment(now, scene.say(TWO_VISITS_ANSWER))
    scene.status(now, "In Progress", priority="2 Normal")
    start = team.book(scene.who, now + 10 * MINUTE, 2)
    now = start + 34 * MINUTE
    yield now
    scene.time(start, 2, TWO_VISITS_NOTES[0], now, "remote")
    scene.comment(now, scene.say(TWO_VISITS_DONE))
    now = (
        next_open(at(from_ms(start, scene.zone).date() + timedelta(days=1), 0, 5, scene.zone), scene.zone) + 9 * MINUTE
    )
    yield now
    scene.hear(now, TWO_VISITS_AGAIN)
    start = team.book(scene.who, now + 10 * MINUTE, 3)
    now = start + 50 * MINUTE
    yield now
    scene.time(start, 3, TWO_VISITS_NOTES[1], now, "remote")
    scene.comment(now, scene.say(TWO_VISITS_DONE))
