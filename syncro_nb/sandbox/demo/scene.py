"""One demo ticket and those who talk on it: the acts of which scenes and plots are made.

An act is a generator that yields the instant at which it goes on, and `now` is the scene's own time. Between two instants
other scenes play, so that ids and numbers of the account rise with time.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ...money import exact, line_cents
from .. import billing, desk, timers
from ..state import Row
from ..times import MINUTE, from_ms
from .cast import LABOR, TECHNICIANS, Business
from .opening import SERVICE_LEVEL
from .phrases import ACKNOWLEDGED, ROOMS
from .story import Story
from .team import Team
from .workdays import after, at, next_open


class Scene:
    """A ticket, its customer and its technician."""

    def __init__(self, team: Team, business: Business, number: int, story: Story) -> None:
        self.team, self.account, self.zone, self.key = team, team.account, team.zone, team.key
        self.business, self.number, self.story = business, number, story
        self.rng = Random(f"{team.seed}/{number}")
        self.customer = team.customers[business.name]
        self.contact = self.rng.choice(self.account.contacts.where("customer_id", self.customer["id"]))
        self.assign(self.rng.choices(team.crew, team.shares)[0].name)
        prefix = "".join(word[0] for word in business.name.split() if word[0].isalpha())[:3].upper()
        self.words = {
            "first": self.contact["name"].split()[0],
            "pc": f"{prefix}-PC{self.rng.randint(2, 19):02}",
            "room": self.rng.choice(ROOMS),
        }
        self.now = 0
        self.ticket: Row = {}
        self.timer: Row = {}
        self.line: Row = {}
        self.invoice: Row = {}

    def assign(self, name: str) -> None:
        """Whose ticket it is."""
        self.who = next(one for one in self.team.crew if one.name == name)
        self.technician = self.team.technicians[name]

    def say(self, text: str) -> str:
        """A text of the story with the names of this ticket in it."""
        return text.format(**self.words)

    # ------------------------------------------------------------ time passes

    def wait(self, low: float, high: float) -> Iterator[int]:
        """So many minutes of open desk, more or less."""
        self.now = after(self.now, self.rng.uniform(low, high), self.zone)
        yield self.now

    def wait_until(self, instant: int) -> Iterator[int]:
        """Until this instant, or not at all."""
        self.now = max(self.now + MINUTE, instant)
        yield self.now

    def morning(self, low: int, high: int) -> Iterator[int]:
        """Until the hour of invoices, on the day that lies so many minutes of open desk ahead."""
        day = from_ms(after(self.now, self.rng.randint(low, high), self.zone), self.zone).date()
        yield from self.wait_until(at(day, 9, 30, self.zone) + self.rng.randrange(90) * MINUTE)

    # ------------------------------------------------------------ words

    def open(self, subject: str = "", opening: str = "", *, by_mail: bool = True, assigned: bool = True) -> None:
        """The ticket comes in."""
        priority = self.story.priority if self.rng.random() > 0.05 else None
        days = {"0 Urgent": 0, "1 High": 1, "3 Low": 7}.get(priority or "", 3)
        due = from_ms(after(self.now, days * 540, self.zone), self.zone)
        self.ticket = desk.create_ticket(
            self.account,
            {
                "customer_id": self.customer["id"],
                "number": self.number,
                "subject": subject or self.say(self.story.subject),
                "problem_type": self.story.problem_type,
                "priority": priority,
                "contact_id": self.contact["id"],
                "user_id": self.technician["id"] if assigned else None,
                "due_date": due.replace(hour=17, minute=0, second=0, microsecond=0).isoformat(),
            },
            self.now,
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
        fields = {"subject": "Initial Issue", "body": opening or self.say(self.story.opening), "tech": name}
        desk.add_comment(self.account, self.ticket, fields, self.now, author)

    def comment(self, body: str, *, subject: str = "Update", hidden: bool = False) -> None:
        """The technician writes."""
        signed = body if hidden else f"{body}\n\n{self.who.sign_off}"
        fields = {"subject": subject, "body": signed, "hidden": hidden}
        desk.add_comment(self.account, self.ticket, fields, self.now, self.technician)

    def hear(self, body: str) -> None:
        """The customer writes."""
        desk.hear_from_customer(self.account, self.ticket, body, self.now)

    def status(self, status: str, **fields: object) -> None:
        """The ticket's status changes, and with it what else is named."""
        desk.change_ticket(self.account, self.ticket, {"status": status, **fields}, self.now)

    def tag(self, *tags: str) -> None:
        """The ticket gets tags."""
        kept = [*self.ticket["tag_list"], *tags]
        desk.change_ticket(self.account, self.ticket, {"tag_list": kept}, self.now)

    # ------------------------------------------------------------ work

    def enter(self, start: int, quarters: int, notes: str, kind: str, *, billable: bool | None = None) -> Row:
        """A piece of work is entered. Who has a contract does not pay for it, unless the technician says so."""
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
            self.now,
        )
        by_rule = self.business.billing != "contract" and kind != "internal"
        timers.set_billable(self.account, row, by_rule if billable is None else billable, self.now)
        return row

    def begins(self) -> Iterator[int]:
        """The ticket comes, and the technician takes it up."""
        yield self.now
        self.open(by_mail=self.rng.random() < 0.75)
        yield from self.wait(4, 50)
        self.comment(self.say(self.rng.choice(ACKNOWLEDGED)))
        self.status("In Progress")

    def works(
        self,
        kind: str = "",
        quarters: int = 0,
        notes: str = "",
        *,
        start: int = 0,
        late: int | None = None,
        billable: bool | None = None,
    ) -> Iterator[int]:
        """A piece of work inside the hours of the desk, or at `start`; then its entry, which is `self.timer`.

        `late` are the minutes from the end of the work to its entry, where it is not the technician's habit that counts.
        """
        quarters = quarters or self.rng.randint(*self.story.quarters)
        start = start or self.team.book(self.who, self.now + 10 * MINUTE, quarters)
        done = start + quarters * 15 * MINUTE
        habit = self.who.enters_late_by + self.rng.randint(1, 10)
        if late is None and next_open(done, self.zone) == done:
            yield from self.wait_until(after(done, habit, self.zone))
        else:
            yield from self.wait_until(done + (late or 5) * MINUTE)
        notes = notes or self.say(self.story.notes)
        self.timer = self.enter(start, quarters, notes, kind or self.story.kind, billable=billable)

    def charge(self) -> Row:
        """The timer becomes a line of the ticket."""
        self.line = timers.charge_timer(self.account, self.ticket, self.timer, self.now)
        return self.line

    def sell(self, goods: str, quantity: int = 1) -> Row:
        """A line for goods or a licence."""
        self.line = self.team.add_goods(self.ticket, goods, quantity, self.now)
        return self.line

    def travel(self) -> Row:
        """A line for the way to the customer."""
        product = self.account.products.rows[LABOR["travel"][0]]
        fields = desk.product_line(product, "1", product["description"])
        return desk.add_line(self.account, self.ticket, fields, self.now)

    def change_line(self, line: Row, **fields: object) -> None:
        """Somebody edits a line of the ticket."""
        desk.change_line(self.account, self.ticket, line, fields, self.now)

    def resolves(self, status: str = "Resolved") -> Iterator[int]:
        """The technician says that it is done."""
        yield from self.wait(2, 15)
        self.comment(self.say(self.story.done), subject="Resolution")
        self.status(status)

    # ------------------------------------------------------------ money

    def invoices(self) -> Iterator[int]:
        """One of the next mornings the invoice is made from the ticket."""
        yield from self.morning(300, 1500)
        lines = self.account.ticket_lines.where("ticket_id", self.ticket["id"])
        parts = ("product_id", "quantity", "retail_cents", "description")
        while self.team.billed_alike(self.business, tuple(one[name] for one in lines for name in parts), self.now):
            yield from self.morning(500, 540)
        self.bill()
        self.status("Invoiced")
        if self.business.prepaid and exact(self.customer["prepay_hours"]) < 6:
            self.team.refill(self.business, self.now + 20 * MINUTE)

    def bill(self, **fields: object) -> Row:
        """An invoice of the ticket, now."""
        due = self.team.due(self.business, self.now)
        named = {"customer_id": self.customer["id"], "ticket_id": self.ticket["id"], "due_date": due}
        self.invoice = billing.create_invoice(self.account, {**named, **fields}, self.now)
        return self.invoice

    def pays(self) -> Iterator[int]:
        """The customer pays the invoice, sooner or later."""
        yield from self.team.await_payment(self.invoice, self.business, self.rng, self.now)

    def price(self, kind: str) -> int:
        """What an hour of this kind of labour costs, in cents."""
        return LABOR[kind][2]

    def amount(self, hours: str, kind: str) -> int:
        """What so many hours cost, in cents."""
        return line_cents(hours, self.price(kind))


def technician_named(first_name: str) -> str:
    """The full name of one of the four who are always there."""
    return next(one.name for one in TECHNICIANS if one.name.startswith(first_name))
