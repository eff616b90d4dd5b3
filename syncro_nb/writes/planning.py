"""From a draft to its plan: reads live what the plan depends on, then lets the pure functions decide. Sends nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta, tzinfo
from typing import Any

from ..config import House
from ..errors import InputError, Missing
from ..service.client import Client
from ..service.records import Customer, Invoice, Ticket
from ..words import Words
from .bill import BillDraft, plan_bill
from .claim import claimed
from .correction import LineDraft, PaymentDraft, UnbillDraft, plan_line, plan_payment, plan_unbill
from .customer import ContactDraft, CustomerDraft, plan_contact, plan_customer
from .facts import pull_bill_facts, pull_ticket, pull_ticket_invoices
from .others import History, beside_claims, beside_lost_runs
from .plan import Plan
from .ticket import (
    CloseDraft,
    CommentDraft,
    CreateDraft,
    CreateFacts,
    DeleteDraft,
    TicketFacts,
    UpdateDraft,
    plan_close,
    plan_comment,
    plan_create,
    plan_delete,
    plan_update,
)
from .timer import TimerDraft, plan_timer, product_ids

Draft = (
    BillDraft
    | CommentDraft
    | CreateDraft
    | UpdateDraft
    | CloseDraft
    | DeleteDraft
    | TimerDraft
    | LineDraft
    | UnbillDraft
    | PaymentDraft
    | CustomerDraft
    | ContactDraft
)
MOST_NAMESAKES = 5


@dataclass(frozen=True)
class Planning:
    """What planning needs of an account. `open_run`, `made_here` and `history` ask the journal about a ticket's internal id.

    `signed`: comments and lines carry a reference. `claims`: what moves money claims its ticket first.
    """

    client: Client
    house: House
    account: str
    words: Callable[[], Words]
    open_run: Callable[[int], str | None]
    made_here: Callable[[int], bool]
    signed: bool = True
    claims: bool = False
    history: Callable[[int], History] = field(default=lambda ticket_id: History())
    zone: Callable[[], tzinfo | None] = field(default=lambda: None)

    def pull_plan(self, draft: Draft, run: str) -> Plan:
        """The plan of a draft, named `run`. Raises InputError if the draft has problems or names what does not exist."""
        problems = draft.problems(self.house)
        if problems:
            raise InputError("; ".join(problems.values()))
        return _PLANS[type(draft)](self, draft, run)

    def pull_customer(self, name: str) -> Customer:
        """The one customer that is meant, by name or id. Raises InputError that names the candidates."""
        said = name.strip()
        if said.isascii() and said.isdigit():
            try:
                return self.client.customer(int(said))
            except Missing:
                raise InputError(f"there is no customer with id {said}") from None
        found = {row.id: row for row in self.client.customers(query=said)}
        same = [row for row in found.values() if said.casefold() in (row.name.casefold(), row.fullname.casefold())]
        near = same or [row for row in found.values() if said.casefold() in row.name.casefold()] or list(found.values())
        if not near:
            raise InputError(f"there is no customer called {said[:60]!r}; `syncro customers` searches")
        if len(near) > 1:
            names = ", ".join(f"{row.name} ({row.id})" for row in near[:MOST_NAMESAKES])
            raise InputError(f"{said[:60]!r} may be {names}; give the whole name, or the id")
        return near[0]

    def _pull_facts(self, number: int, *, money: bool = False, contacts: bool = False, me: bool = False) -> TicketFacts:
        client = self.client
        ticket = pull_ticket(client, number)
        customer_id = ticket.customer_id or (ticket.customer.id if ticket.customer else None)
        return TicketFacts(
            ticket=ticket,
            words=self.words(),
            read_at=client.server_now(),
            open_run=self.open_run(ticket.id),
            invoices=pull_ticket_invoices(client, ticket.id, customer_id, ticket.created_at) if money else None,
            contacts=tuple(client.contacts(customer_id=customer_id)) if contacts and customer_id else (),
            me=client.me() if me or not self.signed else None,
        )

    # ------------------------------------------------------------ one of each

    def pull_bill(
        self, draft: BillDraft, run: str, ticket: Ticket | None = None, customer: Customer | None = None
    ) -> Plan:
        """A bill's plan; `ticket` was just read in full, and `customer` (what will be left of its prepaid hours) is to count."""
        problems = draft.problems(self.house)
        if problems:
            raise InputError("; ".join(problems.values()))
        ticket = ticket or pull_ticket(self.client, draft.ticket_number or 0)
        author = None if self.signed else self.client.me().user_id
        facts = pull_bill_facts(
            self.client, draft, self.house, open_run=self.open_run(ticket.id), ticket=ticket, author_id=author
        )
        facts = replace(facts, customer=customer or facts.customer)
        plan = plan_bill(draft, facts, self.house, account=self.account, run=run, signed=self.signed)
        plan = beside_lost_runs(plan, ticket, self.history(ticket.id), facts.read_at, takes_waiting=draft.waiting)
        return self._beside_others(plan, ticket)

    def _beside_others(self, plan: Plan, ticket: Ticket) -> Plan:
        """The plan with what other machines do on this ticket; with a claim of its own where claims are on."""
        plan = claimed(plan) if self.claims else plan
        return beside_claims(plan, ticket, self.history(ticket.id), self.client.server_now())

    def _comment(self, draft: CommentDraft, run: str) -> Plan:
        facts = self._pull_facts(draft.ticket_number or 0)
        return plan_comment(draft, facts, account=self.account, run=run, signed=self.signed)

    def _update(self, draft: UpdateDraft, run: str) -> Plan:
        facts = self._pull_facts(draft.ticket_number or 0, contacts=bool(draft.contact))
        facts = replace(facts, zone=self.zone()) if draft.schedules else facts
        return plan_update(draft, facts, self.house, account=self.account, run=run)

    def _close(self, draft: CloseDraft, run: str) -> Plan:
        facts = self._pull_facts(draft.ticket_number or 0)
        return plan_close(draft, facts, self.house, account=self.account, run=run, signed=self.signed)

    def _delete(self, draft: DeleteDraft, run: str) -> Plan:
        facts = self._pull_facts(draft.ticket_number or 0, money=True)
        ours = self.made_here(facts.ticket.id)
        return plan_delete(draft, facts, account=self.account, run=run, ours=ours)

    def _create(self, draft: CreateDraft, run: str) -> Plan:
        client, now = self.client, self.client.server_now()
        customer = self.pull_customer(draft.customer)
        since = now - timedelta(hours=24)
        rows = client.tickets(customer_id=customer.id, created_after=since)
        namesakes = tuple(row for row in rows if row.subject.strip() == draft.subject.strip())
        facts = CreateFacts(
            customer=customer,
            words=self.words(),
            read_at=now,
            since=since,
            namesakes=namesakes,
            contacts=tuple(client.contacts(customer_id=customer.id)) if draft.contact else (),
            open_run=self.open_run(-customer.id),
            me=None if self.signed and draft.text.strip() else client.me(),
        )
        return plan_create(draft, facts, account=self.account, run=run, signed=self.signed)

    def _timer(self, draft: TimerDraft, run: str) -> Plan:
        charge = draft.action == "charge"
        facts = self._pull_facts(draft.ticket_number or 0, money=charge, me=draft.action in ("start", "stop"))
        wanted = product_ids(draft, facts.ticket.timers or ())
        products = {number: self.client.product(number) for number in sorted(wanted)}
        facts = TicketFacts(**{**vars(facts), "products": products})
        plan = plan_timer(draft, facts, self.house, account=self.account, run=run, signed=self.signed)
        return self._beside_others(plan, facts.ticket)

    def _line(self, draft: LineDraft, run: str) -> Plan:
        facts = self._pull_facts(draft.ticket_number or 0, money=True)
        return self._beside_others(plan_line(draft, facts, account=self.account, run=run), facts.ticket)

    def _invoice(self, number: str) -> tuple[Invoice, Customer]:
        try:
            invoice = self.client.invoice(number.strip())
        except Missing:
            raise InputError(f"there is no invoice {number.strip()[:40]!r} in this account") from None
        if invoice.number != number.strip():  # Syncro takes an internal id at the same place
            raise InputError(f"there is no invoice {number.strip()[:40]!r} in this account (the id of another one is)")
        customer_id = invoice.customer_id or (invoice.customer.id if invoice.customer else 0)
        return invoice, self.client.customer(customer_id)

    def _unbill(self, draft: UnbillDraft, run: str) -> Plan:
        invoice, customer = self._invoice(draft.invoice_number)
        facts = None
        if invoice.ticket_id is not None:
            facts = self._pull_facts(self.client.ticket(invoice.ticket_id).number, money=True)
        plan = plan_unbill(invoice, customer, facts, self.house, account=self.account, run=run)
        return plan if facts is None else self._beside_others(plan, facts.ticket)

    def _payment(self, draft: PaymentDraft, run: str) -> Plan:
        invoice, customer = self._invoice(draft.invoice_number)
        open_run = self.open_run(-invoice.id)
        return plan_payment(draft, invoice, customer, open_run=open_run, account=self.account, run=run)

    def _customer(self, draft: CustomerDraft, run: str) -> Plan:
        name = draft.business_name.strip() or draft.lastname.strip()
        namesakes = {row.id: row for row in self.client.customers(query=name, include_disabled=True)}
        if draft.email.strip():
            namesakes |= {row.id: row for row in self.client.customers_like(draft.email.strip())}
        return plan_customer(draft, tuple(namesakes.values()), account=self.account, run=run)

    def _contact(self, draft: ContactDraft, run: str) -> Plan:
        customer = self.pull_customer(draft.customer)
        contacts = tuple(self.client.contacts(customer_id=customer.id))
        return plan_contact(draft, customer, contacts, account=self.account, run=run)


_PLANS: dict[type, Callable[[Planning, Any, str], Plan]] = {
    BillDraft: Planning.pull_bill,
    CommentDraft: Planning._comment,
    CreateDraft: Planning._create,
    UpdateDraft: Planning._update,
    CloseDraft: Planning._close,
    DeleteDraft: Planning._delete,
    TimerDraft: Planning._timer,
    LineDraft: Planning._line,
    UnbillDraft: Planning._unbill,
    PaymentDraft: Planning._payment,
    CustomerDraft: Planning._customer,
    ContactDraft: Planning._contact,
}
