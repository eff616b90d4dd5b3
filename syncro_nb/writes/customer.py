"""New customers and contacts. Drafts, and the plans that follow. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..config import House
from ..service import requests
from ..service.records import Contact, Customer
from .plan import NOTHING_BILLED, Plan, Step
from .ticket import nothing_there

_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_ANY = 2**31  # stands for "no customer yet" where a run needs something to be about


def _mail_problem(email: str) -> dict[str, str]:
    return {} if not email or _MAIL.fullmatch(email.strip()) else {"email": f"{email[:60]!r} is no mail address"}


@dataclass(frozen=True)
class CustomerDraft:
    """A new customer: a business, or a person."""

    business_name: str = ""
    firstname: str = ""
    lastname: str = ""
    email: str = ""
    phone: str = ""

    def problems(self, house: House) -> dict[str, str]:
        """What is missing or wrong, by field."""
        said = _mail_problem(self.email)
        if not (self.business_name.strip() or self.lastname.strip()):
            said["business_name"] = "what is the business called? For a person give the last name"
        return said


def plan_customer(draft: CustomerDraft, namesakes: Sequence[Customer], *, account: str, run: str) -> Plan:
    """The plan for a new customer. One of the same name or mail address is a blocker."""
    name = draft.business_name.strip() or f"{draft.firstname} {draft.lastname}".strip()
    request = requests.create_customer(
        business_name=draft.business_name.strip() or None,
        firstname=draft.firstname.strip() or None,
        lastname=draft.lastname.strip() or None,
        email=draft.email.strip() or None,
        phone=draft.phone.strip() or None,
    )
    mail = draft.email.strip().casefold()
    same = [
        one for one in namesakes if one.name.casefold() == name.casefold() or (mail and one.email.casefold() == mail)
    ]
    return Plan(
        run=run,
        kind="customer",
        account=account,
        ticket_id=-_ANY,
        ticket_number=0,
        customer_id=0,
        customer_name=name,
        subject="",
        unit=f"run {run}",
        steps=(Step("customer", request), Step("verify")),
        expected=NOTHING_BILLED,
        basis=nothing_there(tuple(sorted(one.id for one in namesakes))),
        blockers=tuple(f"customer {one.name} (id {one.id}) has this name or mail address already" for one in same),
        done=f"Customer {name} is made",
        confirm_word=name,
    )


@dataclass(frozen=True)
class ContactDraft:
    """A new person at a customer."""

    customer: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""

    def problems(self, house: House) -> dict[str, str]:
        """What is missing or wrong, by field."""
        said = _mail_problem(self.email)
        said |= {} if self.customer.strip() else {"customer": "at which customer?"}
        return said | ({} if self.name.strip() else {"name": "what is the person called?"})


def plan_contact(
    draft: ContactDraft, customer: Customer, contacts: Sequence[Contact], *, account: str, run: str
) -> Plan:
    """The plan for a new contact. One of the same name or mail address at this customer is a blocker."""
    request = requests.create_contact(
        customer.id, draft.name.strip(), email=draft.email.strip() or None, phone=draft.phone.strip() or None
    )
    mail, name = draft.email.strip().casefold(), draft.name.strip()
    same = [
        one
        for one in contacts
        if one.name.strip().casefold() == name.casefold() or (mail and one.email.casefold() == mail)
    ]
    return Plan(
        run=run,
        kind="contact",
        account=account,
        ticket_id=-customer.id,
        ticket_number=0,
        customer_id=customer.id,
        customer_name=customer.name,
        subject="",
        unit=f"run {run}",
        steps=(Step("contact", request), Step("verify")),
        expected=NOTHING_BILLED,
        basis=nothing_there(tuple(sorted(one.id for one in contacts))),
        blockers=tuple(f"contact {one.name} (id {one.id}) is there already" for one in same),
        done=f"Contact {name} of {customer.name} is made",
    )
