"""The years before: closed tickets with their talk and their time, written straight into the tables.

The last months of a larger account are played scene by scene like the small one. What lies before is written by this module and
`history_bills`, many times faster, in rows of the same form (a test holds the two against each other). Nothing is planted here,
and nothing may be found here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from ..desk import TICKET_TYPE
from ..state import Row
from ..times import DAY, MINUTE
from .cast import GOODS, LABOR, Business
from .history_bills import QUANTITIES, Bills
from .opening import SERVICE_LEVEL
from .patrons import Patron
from .phrases import ACKNOWLEDGED
from .shifts import Shifts
from .stories_visits import EMERGENCIES
from .story import Story
from .team import Team
from .workdays import at, is_workday, workdays

_EMERGENCIES = 0.03  # of all tickets
_PIECES = (1, 2, 3, 3, 3, 3, 4, 4, 5)  # of work that a ticket takes; more would use a text of _STEPS twice
_STEPS = (
    "First look, collected the logs",
    "Went through it with the vendor",
    "Tried it again after the restart",
    "Checked with the user that it holds",
)
_SLACK = timedelta(days=21)  # after the last ticket, until the last one is invoiced


class History:
    """Writes tickets of the days from `first` to `last`, numbered from `number` on."""

    def __init__(self, team: Team, businesses: Sequence[Business], seed: int, number: int) -> None:
        self.team, self.account, self.zone = team, team.account, team.zone
        self._rng = Random(f"{seed}/history")
        self._number = number
        self._patrons = [Patron(self.account, team.customers[one.name], one) for one in businesses]
        self._weights = [one.share for one in businesses]
        self.bills = Bills(self.account, self._patrons, Random(f"{seed}/bills"))

    def write(self, first: date, last: date, tickets: int) -> None:
        """Day by day: what recurs, the invoices and payments that are due, and the tickets that come."""
        open_days = workdays(first, last + _SLACK)
        shifts = Shifts(self.team.crew, open_days, self.zone, self._rng)
        spread = _spread(workdays(first, last), tickets)
        day, place = first, 0
        while day <= last + _SLACK:
            self.bills.run_schedules(day)
            if is_workday(day):
                self.bills.make_invoices(day)
                self.bills.take_payments(day)
                whose = self._rng.choices(self._patrons, self._weights, k=spread.get(day, 0))
                for order, patron in enumerate(whose):
                    opens = at(day, 8, 0, self.zone)
                    self._write_ticket(shifts, patron, place, opens + (order * 420 // len(whose) + 2) * MINUTE)
                place += 1
            day += timedelta(days=1)
        self.bills.settle_hours()

    def _write_ticket(self, shifts: Shifts, patron: Patron, place: int, opened: int) -> None:
        rng, say = self._rng, patron.say
        is_call = rng.random() < _EMERGENCIES and shifts.can_call(place) and patron.may_call(place)
        story = rng.choice(EMERGENCIES) if is_call else patron.next_story(rng)
        whom, where = rng.randrange(len(patron.contacts)), rng.randrange(18)
        contact = patron.contacts[whom]
        who, start = shifts.call(place) if is_call else (shifts.pick(), 0)
        technician = self.team.technicians[who.name]["id"]
        opened = start - 15 * MINUTE if is_call else opened
        ticket = self._ticket(patron, story, say(story.subject, whom, where), contact, opened, technician)
        self._comment(ticket, opened, "Initial Issue", say(story.opening, whom, where), contact["name"], None)
        answered = opened + (5 if is_call else rng.randint(4, 40)) * MINUTE
        said = say(rng.choice(ACKNOWLEDGED) + f"\n\n{who.sign_off}", whom, where)
        self._comment(ticket, answered, "Update", said, who.name, technician)
        pieces = 1 if is_call else rng.choice(_PIECES)
        done, day = answered, place
        for piece in range(pieces):
            quarters = rng.randint(*story.quarters) if pieces == 1 else rng.randint(1, 3)
            if not is_call:
                start, day = shifts.work(who, day, done + 5 * MINUTE, quarters)
            done = start + quarters * 15 * MINUTE
            notes = say(story.notes, whom, where) if piece == pieces - 1 else _STEPS[piece]
            self._work(ticket, patron, technician, start, quarters, story.kind, notes)
        if story.kind == "onsite" and patron.business.billing == "hourly":
            self._line(ticket, technician, LABOR["travel"][0], 4, done, "")
        if story.goods:
            self._line(ticket, technician, GOODS[story.goods][0], 4, done, "")
        resolved = done + 8 * MINUTE
        said = say(f"{story.done}\n\n{who.sign_off}", whom, where)
        self._comment(ticket, resolved, "Resolution", said, who.name, technician)
        ticket.update(resolved_at=resolved, updated_at=resolved, status="Resolved")
        self.bills.expect(ticket, patron, shifts.day(day + rng.randint(1, 3)))

    def _ticket(self, patron: Patron, story: Story, subject: str, contact: Row, now: int, technician: int) -> Row:
        number, self._number = self._number, self._number + 1
        row = {
            "id": self.account.tickets.next_id(),
            "number": number,
            "subject": subject,
            "created_at": now,
            "updated_at": now,
            "customer_id": patron.customer["id"],
            "due_date": now + 3 * DAY,
            "resolved_at": None,
            "start_at": None,
            "end_at": None,
            "problem_type": story.problem_type,
            "status": "New",
            "ticket_type_id": TICKET_TYPE["id"],
            "properties": {},
            "user_id": technician,
            "priority": story.priority,
            "billing_status": None,
            "tag_list": [],
            "customer_reply": False,
            "contact_id": contact["id"],
            "contract_id": patron.contract_id,
            "sla_id": None,
            "sla_name": None,
            "sla_breached": False,
            "sla_breaching_soon": False,
            "response_time": None,
            "resolution_time": None,
            "signature_name": None,
            "parent_id": None,
            "creator_name_or_email": contact["email"],
        }
        if patron.contract_id:
            row.update(SERVICE_LEVEL)
        return self.account.tickets.add(row)

    def _comment(self, ticket: Row, now: int, subject: str, body: str, tech: str, user_id: int | None) -> None:
        self.account.comments.add(
            {
                "id": self.account.comments.next_id(),
                "created_at": now,
                "updated_at": now,
                "ticket_id": ticket["id"],
                "subject": subject,
                "body": body,
                "tech": tech,
                "hidden": False,
                "user_id": user_id,
            }
        )

    def _work(
        self, ticket: Row, patron: Patron, user_id: int, start: int, quarters: int, kind: str, notes: str
    ) -> None:
        """A timer, and the line of its charge; under a contract it is not billable."""
        seconds, product_id = quarters * 900, LABOR[kind][0]
        billable = patron.business.billing != "contract"
        end = start + seconds * 1000
        entered = end + 6 * MINUTE
        line_id = self._line(ticket, user_id, product_id, quarters, entered, notes) if billable else None
        self.account.timers.add(
            {
                "id": self.account.timers.next_id(),
                "ticket_id": ticket["id"],
                "user_id": user_id,
                "start_time": start,
                "end_time": end,
                "recorded": billable,
                "created_at": entered,
                "updated_at": entered,
                "billable": billable,
                "notes": notes,
                "product_id": product_id,
                "comment_id": None,
                "ticket_line_item_id": line_id,
                "active_duration": seconds,
                "billable_time": seconds,
                "billable_override": None,
                "before_seconds": seconds,
                "running_since": None,
            }
        )

    def _line(self, ticket: Row, user_id: int, product_id: int, quarters: int, now: int, notes: str) -> int:
        lines, product = self.account.ticket_lines, self.account.products.rows[product_id]
        line_id = lines.next_id()
        lines.add(
            {
                "id": line_id,
                "ticket_id": ticket["id"],
                "user_id": user_id,
                "product_id": product_id,
                "name": product["name"],
                "description": notes or product["description"],
                "quantity": QUANTITIES[quarters],
                "product_category": product["product_category"],
                "upc_code": None,
                "taxable": product["taxable"],
                "cost_cents": product["cost_cents"],
                "retail_cents": product["retail_cents"],
                "created_at": now,
                "updated_at": now,
                "converted": False,
                "position": 1 + lines.count("ticket_id", ticket["id"]),
            }
        )
        return line_id


def _spread(days: list[date], tickets: int) -> dict[date, int]:
    """How many tickets come on which day: more on Mondays, and more from year to year."""
    weights = [(1.25 if day.weekday() == 0 else 1.0) * (1 + place / len(days)) for place, day in enumerate(days)]
    whole, so_far, done = sum(weights), 0.0, 0
    spread: dict[date, int] = {}
    for day, weight in zip(days, weights, strict=True):
        so_far += weight
        spread[day] = round(tickets * so_far / whole) - done
        done += spread[day]
    return spread
