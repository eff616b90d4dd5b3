"""The live reads that a bill is planned on: never from a copy, because money is decided on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ..config import House
from ..errors import InputError, Missing
from ..service.client import Client
from ..service.records import Customer, Invoice, Product, Ticket
from .bill import BillDraft, BillFacts
from .plan import Basis, Plan
from .tax import TaxRate, certain, seen_on, taxable_cents

MAX_DETAILS = 20
TAX_SAMPLES = 6
CLEAR_CENTS = 5000  # a taxable amount from which one invoice tells the rate; a smaller one fits several


def pull_ticket(client: Client, number: int) -> Ticket:
    """The whole ticket of a number as people see it. Raises InputError if there is none."""
    row = client.ticket_by_number(number)
    if row is None:
        raise InputError(f"there is no ticket {number} in this account")
    return client.ticket(row.id)


def pull_bill_facts(
    client: Client,
    draft: BillDraft,
    house: House,
    *,
    open_run: str | None,
    ticket: Ticket,
    author_id: int | None = None,
) -> BillFacts:
    """What a bill on this ticket depends on: its products with today's prices, customer, invoices, tax rate."""
    wanted = {timer.product_id for timer in ticket.timers or () if timer.id in draft.timer_ids and timer.product_id}
    wanted |= {line.product_id for line in draft.lines}
    if not draft.has_work:
        wanted.add(house.product_id(draft.labour))
    products = {number: _product(client, number) for number in sorted(wanted)}
    customer_id = ticket.customer_id or (ticket.customer.id if ticket.customer else None)
    if customer_id is None:
        raise InputError(f"ticket {ticket.number} has no customer; give it one in Syncro first")
    customer = client.customer(customer_id)
    labour = {line.product_id for line in ticket.lines or () if "labor" in line.category.lower()}
    labour |= {number for number, product in products.items() if "labor" in product.category.lower()}
    return BillFacts(
        ticket=ticket,
        customer=customer,
        products=products,
        invoices=pull_ticket_invoices(client, ticket.id, customer_id, ticket.created_at),
        read_at=client.server_now(),
        tax=pull_tax_rate(client, customer, house) if draft.invoice else None,
        open_run=open_run,
        labour_product_ids=frozenset(number for number in labour if number),
        author_id=author_id,
    )


def pull_ticket_invoices(
    client: Client, ticket_id: int, customer_id: int | None, since: datetime | None = None
) -> tuple[Invoice, ...]:
    """The invoices that name this ticket, proved by their details where the list rows do not say.

    Only the customer's rows can be the ticket's. Raises InputError if too many of them leave it open, also without those
    older than `since` (the ticket's creation): then nobody can say that there is none.
    """
    found: list[Invoice] = []
    silent: list[Invoice] = []
    for row in client.invoices(ticket_id=ticket_id):
        if row.ticket_id == ticket_id:
            found.append(row)
        elif row.customer_id in (None, customer_id):
            silent.append(row)
    if len(silent) > MAX_DETAILS:  # the filter was ignored: then those that are older than the ticket cannot be its
        silent = [row for row in silent if not (row.created_at and since and row.created_at < since)]
    if len(silent) > MAX_DETAILS:
        raise InputError(
            f"{len(silent)} invoices of this customer do not say which ticket they are for, so it cannot be proved that "
            "this one is not invoiced yet; look in Syncro"
        )
    details = [client.invoice(row.id) for row in silent]
    return tuple(found + [invoice for invoice in details if invoice.ticket_id == ticket_id])


def pull_standing(client: Client, plan: Plan) -> Basis:
    """The basis of a plan without a ticket as it is now: the records that look like the one to be made."""
    step = next(step for step in plan.steps if step.request)
    body = step.request.body if step.request else {}
    if step.name == "ticket":
        tickets = client.tickets(customer_id=plan.customer_id, created_after=plan.looked_since)
        same = [row.id for row in tickets if row.subject.strip() == str(body["subject"]).strip()]
        return replace(plan.basis, ticket_ids=tuple(sorted(same)))
    if step.name == "payment":
        payments = client.invoice(int(body["invoice_id"])).payments or ()
        return replace(plan.basis, payment_ids=tuple(sorted(row.id for row in payments)))
    if step.name == "contact":
        contacts = client.contacts(customer_id=plan.customer_id)
        return replace(plan.basis, ticket_ids=tuple(sorted(row.id for row in contacts)))
    if step.name == "customer":
        name = str(body.get("business_name") or body.get("lastname") or "")
        customers = {row.id for row in client.customers(query=name, include_disabled=True)}
        return replace(plan.basis, ticket_ids=tuple(sorted(customers.union(plan.basis.ticket_ids))))
    return plan.basis


def pull_tax_rate(client: Client, customer: Customer, house: House) -> TaxRate | None:
    """The customer's rate: from syncro.yaml, else from its own invoices, else from other customers'; None if unknown."""
    written = house.tax_rates.get(str(customer.tax_rate_id), house.tax_rates.get("default"))
    if written is not None and customer.tax_rate_id is not None:
        return certain(written, "from syncro.yaml")
    linked = sorted((link.id for link in customer.invoices or ()), reverse=True)
    listed: list[Invoice] = []
    if not linked:
        listed = client.first_invoices()
        linked = sorted((row.id for row in listed if row.customer_id == customer.id), reverse=True)
    sample: list[Invoice] = []
    for number in linked[:TAX_SAMPLES]:
        invoice = _invoice(client, number)
        sample += [invoice] if invoice else []
        if invoice and taxable_cents(invoice) >= CLEAR_CENTS:
            break
    own = seen_on(sample, "as on this customer's earlier invoices")
    if own and (written is None or own.percent == 0):  # without a rate of its own and never taxed: exempt
        return own
    if written is not None:
        return certain(written, "from syncro.yaml")
    usual = sorted((row for row in listed or client.first_invoices() if row.tax_cents > 0), key=lambda row: -row.id)
    return seen_on(usual, "as on other customers' invoices")


def _invoice(client: Client, number: int) -> Invoice | None:
    try:
        return client.invoice(number)
    except Missing:
        return None  # deleted since it was listed


def _product(client: Client, number: int) -> Product:
    try:
        return client.product(number)
    except Missing:
        raise InputError(f"Syncro has no product {number}; correct `labour` in syncro.yaml") from None
