"""Billing work on a ticket: the draft that a person fills in, and the plan that follows from it. Pure.

The order is always comment, charge, invoice, reading it back, status: the customer's text is on record before money is,
and the status says "Invoiced" only once the invoice is proved.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from ..config import House, unknown
from ..errors import InputError
from ..money import exact, format_cents, hours_of, round_half_up, tax_cents, total
from ..service import requests
from ..service.records import Customer, Invoice, Product, Ticket, TicketLine, Timer, in_minutes
from . import reference
from .plan import Basis, Expected, ExpectedLine, Plan, Step
from .tax import TaxRate, certain

INVOICED = "Invoiced"
LOOK_ALIKE_DAYS = 60
OF_THE_CHARGE = "of the line that the charge makes"  # where its id will stand
MAX_MINUTES = 1440
MAX_TEXT = 10_000
MAX_SUBJECT = 250


@dataclass(frozen=True)
class DraftLine:
    """A line that is worked out already, as by the shop's policy. `price_cents` and `taxable` None: the product's own.

    `timer_ids` are the timers whose time it bills instead of charging them; several lines may share one timer.
    """

    product_id: int
    quantity: Decimal
    text: str
    price_cents: int | None = None
    taxable: bool | None = None
    timer_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class BillDraft:
    """What a person wants to bill. Minutes and labour are empty where timers or lines give them; nothing is assumed.

    `timer_ids` are charged. `overrides`: (timer id, seconds), set as billable time before the charge. `amends`: (timer id,
    price in cents or None, taxable or None), set on the line that the charge makes; None stays the product's. `waiting`:
    nothing is added, only what waits on the ticket is invoiced. `left_out`: timers that were looked at and are rightly not
    billed.
    """

    ticket_number: int | None = None
    minutes: int | None = None
    labour: str = ""
    text: str = ""
    subject: str = "Work done"
    hidden: bool = False
    email: bool = True
    invoice: bool = True
    timer_ids: tuple[int, ...] = ()
    lines: tuple[DraftLine, ...] = ()
    overrides: tuple[tuple[int, int], ...] = ()
    amends: tuple[tuple[int, int | None, bool | None], ...] = ()
    waiting: bool = False
    left_out: tuple[int, ...] = ()

    @property
    def has_work(self) -> bool:
        """Whether timers, lines or what waits on the ticket say what is billed, so that minutes and labour need not."""
        return bool(self.timer_ids or self.lines or self.waiting)

    @property
    def billed_timer_ids(self) -> tuple[int, ...]:
        """Every timer whose time this bills, charged or as lines."""
        return tuple(dict.fromkeys((*self.timer_ids, *(one for line in self.lines for one in line.timer_ids))))

    def problems(self, house: House) -> dict[str, str]:
        """What is missing or wrong, by field; empty if it can be planned."""
        said: dict[str, str] = {}
        if self.ticket_number is None or not 0 < self.ticket_number < 10**12:
            said["ticket_number"] = "which ticket? Its number is a whole number, as in 32164"
        if self.minutes is None:
            if not self.has_work:
                said["minutes"] = f"how many minutes? 1 to {MAX_MINUTES}"
        elif not 1 <= self.minutes <= MAX_MINUTES:
            said["minutes"] = f"minutes must be from 1 to {MAX_MINUTES}, not {self.minutes}"
        if not self.labour:
            if not self.has_work:
                said["labour"] = f"which labour? {', '.join(house.labour)}"
        elif self.labour not in house.labour:
            said["labour"] = unknown("labour kind", self.labour, house.labour)
        said |= text_problem("text", self.text, MAX_TEXT, "what was done? The customer reads it on the invoice")
        said |= text_problem("subject", self.subject, MAX_SUBJECT, "the comment needs a subject")
        if "subject" not in said and any(character in self.subject for character in "\n\r\t"):
            said["subject"] = "the subject must be one line"
        if len(set(self.timer_ids)) != len(self.timer_ids):
            said["timer_ids"] = "a timer is named twice"
        if set(self.timer_ids) & {one for line in self.lines for one in line.timer_ids}:
            said["timer_ids"] = "a timer is either charged or billed as a line, never both"
        if {one for one, _ in self.overrides} - set(self.timer_ids):
            said["timer_ids"] = "only a timer that is charged can be given other billable seconds"
        if {one for one, _, _ in self.amends} - set(self.timer_ids):
            said["timer_ids"] = "only a timer that is charged can be given another price or tax"
        for line in self.lines:
            said |= text_problem("lines", line.text, MAX_TEXT, "what was done? The customer reads it on the invoice")
            if line.quantity <= 0:
                said["lines"] = f"a line's hours must be above 0, not {line.quantity}"
        return said


@dataclass(frozen=True)
class BillFacts:
    """What was read live to plan a bill. `timers` are the named ones; `products` by id, for labour and timers."""

    ticket: Ticket
    customer: Customer
    products: Mapping[int, Product]
    invoices: tuple[Invoice, ...]
    read_at: datetime
    tax: TaxRate | None = None
    open_run: str | None = None
    labour_product_ids: frozenset[int] = field(default_factory=frozenset)
    author_id: int | None = None


def basis_of(ticket: Ticket, invoices: Sequence[Invoice] | None, prepaid_hours: Decimal | None) -> Basis:
    """What a plan on this ticket is based on. `invoices` None: they were not looked at."""
    lines, timers = ticket.lines or (), ticket.timers or ()
    return Basis(
        customer_id=ticket.customer_id or (ticket.customer.id if ticket.customer else None),
        subject=ticket.subject,
        status=ticket.status,
        prepaid_hours="none" if prepaid_hours is None else _short(prepaid_hours),
        comment_ids=tuple(sorted(comment.id for comment in ticket.comments or ())),
        lines=tuple(f"{line.id} ({line.quantity.normalize():f} × {format_cents(line.price_cents)})" for line in lines),
        line_ids=tuple(line.id for line in lines),
        timers=tuple(_timer_text(timer) for timer in timers),
        invoice_ids=None if invoices is None else tuple(sorted(invoice.id for invoice in invoices)),
    )


def _timer_text(timer: Timer) -> str:
    state = " (charged)" if timer.recorded else "" if timer.ended_at else " (running)"
    free = "" if timer.billable else ", not billable"
    return f"{timer.id} ({in_minutes(timer.charged_seconds)} min, product {timer.product_id}{free}){state}"


def plan_bill(draft: BillDraft, facts: BillFacts, house: House, *, account: str, run: str, signed: bool = True) -> Plan:
    """The plan for a draft without problems. `signed` False: an account that does without references.

    Raises InputError if minutes or labour, given beside timers, do not agree with them.
    """
    ticket = facts.ticket
    timers = {timer.id: timer for timer in ticket.timers or ()}
    overrides = dict(draft.overrides)
    named = [
        replace(timers[number], override_seconds=overrides.get(number, timers[number].override_seconds))
        for number in draft.timer_ids
        if number in timers
    ]
    unit = unit_of(draft, run)
    text = reference.strip(draft.text)
    _agree(draft, named, house)
    comment = requests.add_comment(
        ticket.id,
        subject=draft.subject.strip(),
        body=_sign(text, account, ticket, unit, signed=signed),
        hidden=draft.hidden,
        do_not_email=draft.hidden or not draft.email,
    )
    steps = [Step("comment", comment, visible=not draft.hidden)]
    for number, seconds in draft.overrides:
        setting = requests.update_timer_entry(ticket.id, number, override_seconds=seconds)
        steps.append(Step("timer_setting", setting, record_id=number))
    ours: list[ExpectedLine] = []
    amends = {number: (price, taxed) for number, price, taxed in draft.amends}
    for timer in named:
        steps.append(Step("charge", requests.charge_timer_entry(ticket.id, timer.id), timer_id=timer.id))
        made = timer_lines(timer, facts.products)
        if timer.id in amends:
            price, taxed = amends[timer.id]
            step = requests.update_line_item(ticket.id, OF_THE_CHARGE, price_cents=price, taxable=taxed)
            steps.append(Step("reprice", step, timer_id=timer.id))
            made = [_amended(line, price, taxed) for line in made]
        ours += made
    for place, line in enumerate(_lines(draft, facts, house, text)):
        product, work = facts.products[line.product_id], unit if place == 0 else f"{unit}#{place + 1}"
        price_cents = product.price_cents if line.price_cents is None else line.price_cents
        taxable = product.taxable if line.taxable is None else line.taxable
        quantity = line.quantity
        request = requests.add_line_item(
            ticket.id,
            product_id=product.id,
            name=product.name,
            description=_sign(reference.strip(line.text), account, ticket, work, signed=signed),
            quantity=quantity,
            price_cents=price_cents,
            cost_cents=product.cost_cents,
            taxable=taxable,
        )
        steps.append(Step("line_item", request, claims=line.timer_ids, unit=work))
        ours.append(
            ExpectedLine(product.name, reference.strip(line.text), quantity, price_cents, taxable, product.id, True)
        )
    if not draft.invoice:
        steps.append(Step("verify"))
    else:
        steps += [
            Step("invoice", requests.create_invoice(ticket.id, facts.customer.id), visible=True),
            Step("verify"),
            Step("status", requests.update_ticket(ticket.id, status=INVOICED)),
        ]
    waiting = [_waiting_line(line) for line in ticket.lines or () if not line.converted] if draft.invoice else []
    plan = Plan(
        run=run,
        kind="bill",
        account=account,
        ticket_id=ticket.id,
        ticket_number=ticket.number,
        customer_id=facts.customer.id,
        customer_name=facts.customer.name or ticket.customer_name,
        subject=ticket.subject,
        unit=unit,
        steps=tuple(steps),
        expected=_expected([*waiting, *ours], facts, house, invoiced=draft.invoice),
        basis=basis_of(ticket, facts.invoices, facts.customer.prepaid_hours),
        ticket_created_at=ticket.created_at,
        signed=signed,
        author_id=facts.author_id,
    )
    return replace(
        plan,
        blockers=tuple(_blockers(draft, facts, ours, timers, account)),
        warnings=tuple(_warnings(draft, facts, plan, waiting)),
        notes=tuple(_notes(draft, facts, plan)),
    )


def unit_of(draft: BillDraft, run: str) -> str:
    """The unit of work that a draft's references stand for: the timers that it bills, else the run."""
    return ",".join(f"timer {number}" for number in sorted(draft.billed_timer_ids)) or f"run {run}"


def _sign(text: str, account: str, ticket: Ticket, unit: str, *, signed: bool) -> str:
    return reference.under(text, reference.make(account, ticket.id, unit, 1)) if signed else text


# ---------------------------------------------------------------- lines and amounts


def _lines(draft: BillDraft, facts: BillFacts, house: House, text: str) -> tuple[DraftLine, ...]:
    """The lines to add: as worked out already, else the minutes of the one labour kind."""
    if draft.has_work:
        return draft.lines
    product = facts.products[house.product_id(draft.labour)]
    return (DraftLine(product.id, hours_of(draft.minutes or 0, product.price_cents), text),)


def timer_lines(timer: Timer, products: Mapping[int, Product]) -> list[ExpectedLine]:
    """The line that charging a timer makes; none if its product is not known."""
    product = products.get(timer.product_id or 0)
    if product is None:
        return []
    hours = round_half_up(Decimal(timer.charged_seconds) / 3600, 6).normalize()
    return [
        ExpectedLine(
            product.name,
            None,
            exact(f"{hours:f}"),
            product.price_cents,
            product.taxable,
            product.id,
            True,
            hint=timer.notes,
        )
    ]


def _amended(line: ExpectedLine, price_cents: int | None, taxable: bool | None) -> ExpectedLine:
    price_cents = line.price_cents if price_cents is None else price_cents
    return replace(line, price_cents=price_cents, taxable=line.taxable if taxable is None else taxable)


def _waiting_line(line: TicketLine) -> ExpectedLine:
    return ExpectedLine(line.name, line.description, line.quantity, line.price_cents, line.taxable, line.product_id)


def _expected(lines: Sequence[ExpectedLine], facts: BillFacts, house: House, *, invoiced: bool) -> Expected:
    """What Syncro will make of these lines: a customer with prepaid hours pays labour in hours, at $0.00."""
    prepaid = Decimal(0)
    priced: list[ExpectedLine] = []
    block = (facts.customer.prepaid_hours or Decimal(0)) > 0
    for line in lines:
        is_labour = line.product_id in facts.labour_product_ids or house.kind_of(line.product_id) is not None
        if block and is_labour:
            prepaid += line.quantity
            priced.append(replace(line, prepaid=True))
        else:
            priced.append(line)
    subtotal = total(line.amount_cents for line in priced)
    base = total(line.amount_cents for line in priced if line.taxable)
    rate = certain(Decimal(0), "nothing taxable") if base == 0 else facts.tax
    if rate is None:
        note = "the tax rate of this customer is not known yet" if invoiced else "not looked up: no invoice is made"
        return Expected(tuple(priced), subtotal, None, None, prepaid, note)
    tax = tax_cents(base, rate.percent)
    least, most = rate.tax_between(base)
    note = f"{rate.percent.normalize():f} %, {rate.source}"
    note += "" if least == most else f"; these tell it only from {format_cents(least)} to {format_cents(most)}"
    return Expected(tuple(priced), subtotal, tax, subtotal + tax, prepaid, note)


def _agree(draft: BillDraft, timers: Sequence[Timer], house: House) -> None:
    """Minutes and labour beside timers must be those of the timers."""
    if not timers:
        return
    seconds = total(timer.charged_seconds for timer in timers)
    if draft.minutes is not None and draft.minutes * 60 != seconds:
        raise InputError(f"{draft.minutes} minutes do not agree with the timers, which hold {seconds / 60:g} minutes")
    kinds = {house.kind_of(timer.product_id) or "none" for timer in timers}
    if draft.labour and kinds != {draft.labour}:
        raise InputError(f"labour {draft.labour} does not agree with the timers, which are {', '.join(sorted(kinds))}")


# ---------------------------------------------------------------- what stands against it, what to know


def _blockers(
    draft: BillDraft, facts: BillFacts, ours: Sequence[ExpectedLine], timers: Mapping[int, Timer], account: str
) -> list[str]:
    ticket, said = facts.ticket, []
    if facts.open_run:
        said.append(f"run {facts.open_run} on this ticket is not finished: `syncro runs show {facts.open_run}`")
    if facts.invoices:
        numbers = ", ".join(invoice.number for invoice in facts.invoices)
        said.append(f"the ticket is already invoiced: invoice {numbers}")
    elif ticket.status == INVOICED:
        said.append("the ticket's status is Invoiced already")
    for number in draft.billed_timer_ids:
        timer = timers.get(number)
        if timer is None:
            said.append(f"timer {number} is not on this ticket")
        elif timer.recorded or timer.line_item_id:
            said.append(f"timer {number} is charged already")
        elif timer.ended_at is None:
            said.append(f"timer {number} is still running")
        elif not timer.billable:
            said.append(f"timer {number} is marked as not billable in Syncro")
        elif number in draft.timer_ids and not 0 < _seconds(draft, timer) <= MAX_MINUTES * 60:
            minutes = _seconds(draft, timer) / 60
            said.append(f"timer {number} holds {minutes:g} billable minutes, not 1 to {MAX_MINUTES}")
        elif number in draft.timer_ids and timer.product_id not in facts.products:
            said.append(f"timer {number} has no labour product: choose one in Syncro")
    for line in ours:
        if line.price_cents <= 0:
            said.append(f"{line.name} costs {format_cents(line.price_cents)} in Syncro: nothing would be billed")
    if draft.waiting and all(line.converted for line in ticket.lines or ()):
        said.append("nothing waits on this ticket to be invoiced")
    return (
        said
        + _look_alikes(facts, [line for line in ours if line.description is not None])
        + _billed(draft, facts, account)
    )


def _seconds(draft: BillDraft, timer: Timer) -> int:
    return dict(draft.overrides).get(timer.id, timer.charged_seconds)


def _billed(draft: BillDraft, facts: BillFacts, account: str) -> list[str]:
    """Timers that were billed as lines are not marked by Syncro; the reference on the line tells."""
    if not any(line.timer_ids for line in draft.lines):
        return []
    unit = unit_of(draft, "")
    units = [unit, *(f"{unit}#{place}" for place in range(2, len(draft.lines) + 2))]
    marks = {reference.make(account, facts.ticket.id, one, attempt) for one in units for attempt in range(1, 6)}
    lines = [line for line in facts.ticket.lines or () if reference.last_reference(line.description) in marks]
    return [f"these timers were billed as line {line.id} already" for line in lines]


def _look_alikes(facts: BillFacts, ours: Sequence[ExpectedLine]) -> list[str]:
    """Lines of the last days that say the same: billing them again would bill the same work twice."""
    since = facts.read_at - timedelta(days=LOOK_ALIKE_DAYS)
    said = []
    for line in facts.ticket.lines or ():
        recent = line.created_at is None or line.created_at >= since
        same = any(
            line.product_id == mine.product_id
            and line.quantity == mine.quantity
            and reference.strip(line.description).casefold() == mine.text.casefold()
            for mine in ours
        )
        if recent and same:
            day = f" of {line.created_at:%Y-%m-%d}" if line.created_at else ""
            said.append(
                f"line {line.id}{day} has the same labour, hours and text: say what is different, or it is done"
            )
    return said


def _warnings(draft: BillDraft, facts: BillFacts, plan: Plan, waiting: Sequence[ExpectedLine]) -> list[str]:
    """What may cost money or a customer's trust."""
    said = [*_prepaid_warnings(facts, plan), *_contract_warnings(facts)]
    if waiting:
        amount = total(line.amount_cents for line in plan.expected.lines if not line.ours)
        said.append(f"the invoice also takes {len(waiting)} line(s) already on the ticket, {format_cents(amount)}")
    lines = facts.ticket.lines or ()
    if draft.invoice and any(not line.converted and (line.discount_percent or line.discount_cents) for line in lines):
        said.append("a line on the ticket carries a discount, which the expected amounts do not count")
    if any(line.converted for line in lines) and not facts.invoices:
        said.append("a line on the ticket is marked as invoiced, but no invoice of this ticket was found")
    seen = {*draft.billed_timer_ids, *draft.left_out}
    for timer in facts.ticket.timers or ():
        charged = timer.recorded or timer.line_item_id
        if timer.id not in seen and timer.billable and timer.ended_at and not charged:
            minutes = in_minutes(timer.charged_seconds)
            said.append(
                f"timer {timer.id} ({minutes} minutes) stays uncharged; if it holds this work, bill the timer instead"
            )
    if draft.invoice and plan.expected.tax_cents is None:
        said.append(
            "the tax rate is not known: Syncro adds its own, shown afterwards; `tax_rates` in syncro.yaml tells us"
        )
    elif draft.invoice and plan.expected.tax_cents and facts.tax and "other customers" in facts.tax.source:
        said.append("the tax rate is that of other customers: this one has no earlier invoice to tell")
    elif draft.invoice and "only from" in plan.expected.tax_note:
        said.append(f"the tax is not certain to the cent: {plan.expected.tax_note}")
    if draft.hidden and not draft.has_work:
        said.append(
            "the comment is hidden, but the labour line has the same text, and the customer reads it on the invoice"
        )
    return said


def _prepaid_warnings(facts: BillFacts, plan: Plan) -> list[str]:
    left, drawn = facts.customer.prepaid_hours, plan.expected.prepaid_hours
    if left is None:
        return []
    if drawn > max(left, Decimal(0)):
        return [f"the prepaid hours do not suffice: {_short(drawn)} are drawn and only {_short(left)} are left"]
    if left <= 0 and any(line.ours for line in plan.expected.lines):
        return [f"no prepaid hours are left ({_short(left)}): this is billed in money"]
    return []


def _contract_warnings(facts: BillFacts) -> list[str]:
    """Whether a contract covers the work is for the house to say; that there is one must be seen."""
    day = facts.read_at.date()
    said = []
    for contract in facts.customer.contracts or ():
        begun = contract.starts_on is None or contract.starts_on <= day
        runs = contract.ends_on is None or contract.ends_on >= day
        if begun and runs and contract.status.lower() in ("active", "signed", "won"):
            until = f" until {contract.ends_on}" if contract.ends_on else ""
            said.append(f"the customer has the contract {contract.name!r}{until}: is this work covered by it?")
    return said


def _notes(draft: BillDraft, facts: BillFacts, plan: Plan) -> list[str]:
    ticket, said = facts.ticket, []
    if not draft.hidden and draft.email:
        contact = ticket.contact.email if ticket.contact and ticket.contact.email else facts.customer.email
        mailed = f"the comment is mailed to {contact}" if contact else "the comment is mailed to the customer"
        said.append(
            "the customer has mail switched off: the comment is not mailed" if facts.customer.no_email else mailed
        )
    if plan.expected.prepaid_hours:
        left = (facts.customer.prepaid_hours or Decimal(0)) - plan.expected.prepaid_hours
        said.append(f"{_short(plan.expected.prepaid_hours)} prepaid hours are drawn, {_short(left)} are left")
    if draft.invoice and ticket.status != INVOICED:
        said.append(f"the status goes from {ticket.status} to {INVOICED}")
    return said


def _short(hours: Decimal) -> str:
    return f"{hours.normalize():f}"


def text_problem(name: str, text: str, limit: int, question: str) -> dict[str, str]:
    """What is wrong with a text that is to be sent, by the name of its field; empty if nothing is."""
    if not reference.strip(text):  # a reference line alone says nothing
        return {name: question}
    if len(text) > limit:
        return {name: f"the {name} may have at most {limit:,} characters, not {len(text):,}"}
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\r\t":
            return {
                name: f"the {name} holds a control character (U+{ord(character):04X}); only line breaks and tabs are allowed"
            }
    return {}
