"""What the written history keeps of each customer: contacts, prepaid hours, and which stories it told last."""

from __future__ import annotations

from random import Random

from ...money import exact
from ..state import Account, Row
from .cast import Business
from .phrases import ROOMS
from .stories import STORIES
from .story import Story


class Patron:
    """One customer of the history."""

    def __init__(self, account: Account, customer: Row, business: Business) -> None:
        self.customer, self.business = customer, business
        self.contacts = account.contacts.where("customer_id", customer["id"])
        contracts = account.contracts.where("customer_id", customer["id"])
        self.contract_id = contracts[0]["id"] if contracts else None
        self.rate = account.switches.tax_rate(customer["tax_rate_id"])
        self.quarters = int(exact(customer["prepay_hours"] or "0") * 4)  # prepaid, in quarter hours
        self.buys_hours = False  # a sale of hours is under way
        self._called = -8
        self._stories: list[Story] = []
        self._last: list[Story] = []
        self._said: dict[tuple[str, int, int], str] = {}

    def next_story(self, rng: Random) -> Story:
        """All stories once before one comes again, so that no two invoices of a week are alike."""
        if not self._stories:
            fitting = [one for one in STORIES if not (one.goods and self.business.billing == "contract")]
            fresh = [one for one in fitting if one not in self._last]
            self._stories = rng.sample(fresh, len(fresh))
        self._last = [*self._last[-7:], self._stories[-1]]
        return self._stories.pop()

    def may_call(self, place: int) -> bool:
        """Whether its last emergency is long ago, counted in workdays: no two in one week."""
        if place < self._called + 8:
            return False
        self._called = place
        return True

    def say(self, text: str, contact: int, place: int) -> str:
        """A text with this customer's names in it. The same text is kept once."""
        key = (text, contact, place)
        if key not in self._said:
            prefix = "".join(word[0] for word in self.business.name.split() if word[0].isalpha())[:3].upper()
            first = self.contacts[contact]["name"].split()[0]
            self._said[key] = text.format(first=first, pc=f"{prefix}-PC{place + 2:02}", room=ROOMS[place % len(ROOMS)])
        return self._said[key]
