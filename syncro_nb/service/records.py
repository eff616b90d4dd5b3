"""What Syncro holds, as frozen typed records: money in whole cents, hours as Decimal, times aware, days as dates.

A value that may be null or absent is None, or "" for text. What a record does not know stays in its `extra`, so that a new
field of Syncro's breaks nothing and is not lost. Source: the official OpenAPI document, April and autumn 2026.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from .wire import (
    CENTS,
    DAY,
    FLAG,
    HOURS,
    IDS,
    INSTANT,
    MONEY,
    NAMED,
    NOTED,
    RAW,
    TEXT,
    TEXTS,
    UTC_TIME,
    VALUE,
    WHOLE,
    Json,
    extra,
    inner,
    key,
    rows,
)


@dataclass(frozen=True)
class Comment:
    """A ticket comment. `user_id` None: not written by a technician. `hidden`: never shown to the customer."""

    id: int = key("id", WHOLE)
    ticket_id: int | None = key("ticket_id", WHOLE, None)
    created_at: datetime | None = key("created_at", INSTANT, None)
    updated_at: datetime | None = key("updated_at", INSTANT, None)
    subject: str = key("subject", TEXT, "")
    body: str = key("body", TEXT, "")
    author: str = key("tech", TEXT, "")
    hidden: bool = key("hidden", FLAG, False)
    user_id: int | None = key("user_id", WHOLE, None)
    extra: Json = extra()


@dataclass(frozen=True)
class TicketLine:
    """A charge on a ticket: `quantity` (hours for labour) × `price_cents`. `converted`: it is on an invoice."""

    id: int = key("id", WHOLE)
    ticket_id: int | None = key("ticket_id", WHOLE, None)
    product_id: int | None = key("product_id", WHOLE, None)
    name: str = key("name", TEXT, "")
    description: str = key("description", TEXT, "")
    category: str = key("product_category", TEXT, "")
    quantity: Decimal = key("quantity", HOURS, Decimal(0), counts=VALUE)
    price_cents: int = key("price_retail", MONEY, 0, counts=VALUE)
    cost_cents: int = key("price_cost", MONEY, 0)
    taxable: bool = key("taxable", FLAG, False)
    converted: bool = key("converted", FLAG, False, counts=VALUE)
    created_at: datetime | None = key("created_at", INSTANT, None)
    updated_at: datetime | None = key("updated_at", INSTANT, None)
    user_id: int | None = key("user_id", WHOLE, None)
    position: int | None = key("position", WHOLE, None, soft=True)
    discount_percent: Decimal | None = key("line_discount_percent", HOURS, None)
    discount_cents: int | None = key("discount_dollars", MONEY, None)
    extra: Json = extra()


def in_minutes(seconds: int) -> str:
    """Seconds in minutes as people read them, to a tenth: 30, 7.5; 0.1 for whatever is less."""
    tenths = max((seconds + 3) // 6, 1 if seconds > 0 else 0)
    return f"{tenths // 10}" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10}"


@dataclass(frozen=True)
class Timer:
    """A timer entry. Durations in seconds; `ended_at` None: it runs; `recorded`: it was charged."""

    id: int = key("id", WHOLE)
    ticket_id: int | None = key("ticket_id", WHOLE, None)
    user_id: int | None = key("user_id", WHOLE, None)
    started_at: datetime | None = key("start_time", INSTANT, None)
    ended_at: datetime | None = key("end_time", INSTANT, None, counts=NAMED)
    created_at: datetime | None = key("created_at", INSTANT, None)
    updated_at: datetime | None = key("updated_at", INSTANT, None)
    recorded: bool = key("recorded", FLAG, False, counts=VALUE)
    billable: bool = key("billable", FLAG, False, counts=VALUE)
    notes: str = key("notes", TEXT, "")
    product_id: int | None = key("product_id", WHOLE, None)
    comment_id: int | None = key("comment_id", WHOLE, None)
    line_item_id: int | None = key("ticket_line_item_id", WHOLE, None, counts=NAMED)
    active_seconds: int | None = key("active_duration", WHOLE, None)
    billable_seconds: int | None = key("billable_time", WHOLE, None)
    override_seconds: int | None = key("billable_override", WHOLE, None)
    status: str = key("status", TEXT, "")
    elapsed_seconds: int | None = key("elapsed_seconds", WHOLE, None, soft=True)  # of a running one, when it was asked
    extra: Json = extra()

    @property
    def worked_seconds(self) -> int:
        """Actual time: the active duration, else end minus start; 0 while it runs."""
        if self.active_seconds is not None:
            return self.active_seconds
        if self.started_at and self.ended_at:
            return int((self.ended_at - self.started_at).total_seconds())
        return 0

    @property
    def charged_seconds(self) -> int:
        """Billable time: the override, else Syncro's billable time, which is not trusted below a minute for longer work."""
        if self.override_seconds is not None:
            return self.override_seconds
        known = self.billable_seconds
        if known is None or (known < 60 < self.worked_seconds):
            return self.worked_seconds
        return known


@dataclass(frozen=True)
class Contact:
    """A person at a customer."""

    id: int = key("id", WHOLE)
    name: str = key("name", TEXT, "")
    email: str = key("email", TEXT, "")
    phone: str = key("phone", TEXT, "")
    mobile: str = key("mobile", TEXT, "")
    customer_id: int | None = key("customer_id", WHOLE, None)
    notes: str = key("notes", TEXT, "")
    opt_out: bool = key("opt_out", FLAG, False, soft=True)
    created_at: datetime | None = key("created_at", INSTANT, None)
    updated_at: datetime | None = key("updated_at", INSTANT, None)
    extra: Json = extra()


@dataclass(frozen=True)
class InvoiceLink:
    """An invoice as a customer's detail lists it. `total_cents` in cents."""

    id: int = key("id", WHOLE)
    number: str = key("number", TEXT, "")
    total_cents: int | None = key("total", MONEY, None)
    extra: Json = extra()


@dataclass(frozen=True)
class Customer:
    """A customer. `prepaid_hours` None: no block of hours, or a list row that does not say."""

    id: int = key("id", WHOLE)
    name: str = key("business_then_name", TEXT, "")
    business_name: str = key("business_name", TEXT, "")
    firstname: str = key("firstname", TEXT, "")
    lastname: str = key("lastname", TEXT, "")
    fullname: str = key("fullname", TEXT, "")
    email: str = key("email", TEXT, "")
    phone: str = key("phone", TEXT, "")
    notes: str = key("notes", TEXT, "")
    no_email: bool = key("no_email", FLAG, False)
    disabled: bool = key("disabled", FLAG, False)
    tax_rate_id: int | None = key("tax_rate_id", WHOLE, None)
    prepaid_hours: Decimal | None = key("prepay_hours", HOURS, None, counts=NOTED)
    created_at: datetime | None = key("created_at", INSTANT, None)
    updated_at: datetime | None = key("updated_at", INSTANT, None)
    contacts: tuple[Contact, ...] | None = rows("contacts", lambda: Contact)
    invoices: tuple[InvoiceLink, ...] | None = rows("invoice_links", lambda: InvoiceLink)
    contracts: tuple[Contract, ...] | None = rows("contracts", lambda: Contract, soft=True)
    extra: Json = extra()


@dataclass(frozen=True)
class User:
    """A technician."""

    id: int = key("id", WHOLE)
    name: str = key("full_name", TEXT, "")
    email: str = key("email", TEXT, "")
    group: str = key("group", TEXT, "", soft=True)
    extra: Json = extra()


@dataclass(frozen=True)
class Ticket:
    """A ticket. List rows have no lines and no timers (None), and at most their first comment; the detail has all.

    `due_on` is the day as it is written; where that is a time in UTC (`due_utc`), `in_zone` gives the account's.

    `response_seconds` and `resolution_seconds`: the service level's targets as the list row gives them.
    """

    id: int = key("id", WHOLE)
    number: int = key("number", WHOLE)
    subject: str = key("subject", TEXT, "")
    status: str = key("status", TEXT, "")
    priority: str = key("priority", TEXT, "")
    problem_type: str = key("problem_type", TEXT, "")
    customer_id: int | None = key("customer_id", WHOLE, None)
    customer_name: str = key("customer_business_then_name", TEXT, "")
    contact_id: int | None = key("contact_id", WHOLE, None)
    contact_name: str = key("contact_fullname", TEXT, "")
    contact: Contact | None = inner("contact", lambda: Contact)
    customer: Customer | None = inner("customer", lambda: Customer)
    user_id: int | None = key("user_id", WHOLE, None)
    technician: User | None = inner("user", lambda: User)
    created_at: datetime | None = key("created_at", INSTANT, None)
    updated_at: datetime | None = key("updated_at", INSTANT, None)
    resolved_at: datetime | None = key("resolved_at", INSTANT, None)
    start_at: datetime | None = key("start_at", INSTANT, None, soft=True)
    end_at: datetime | None = key("end_at", INSTANT, None, soft=True)
    due_utc: datetime | None = key("due_date", UTC_TIME, None)
    due_on: date | None = key("due_date", DAY, None)
    billing_status: str = key("billing_status", TEXT, "")
    tags: tuple[str, ...] = key("tag_list", TEXTS, (), soft=True)
    customer_tags: tuple[str, ...] = key("customer_tag_list", TEXTS, (), soft=True)
    customer_reply: bool = key("customer_reply", FLAG, False)
    contract_id: int | None = key("contract_id", WHOLE, None, soft=True)
    sla_id: int | None = key("sla_id", WHOLE, None, soft=True)
    sla_name: str = key("sla_name", TEXT, "", soft=True)
    sla_breached: bool = key("sla_breached", FLAG, False, soft=True)
    sla_breaching_soon: bool = key("sla_breaching_soon", FLAG, False, soft=True)
    response_seconds: int | None = key("response_time", WHOLE, None, soft=True)
    resolution_seconds: int | None = key("resolution_time", WHOLE, None, soft=True)
    comments: tuple[Comment, ...] | None = rows("comments", lambda: Comment)
    lines: tuple[TicketLine, ...] | None = rows("line_items", lambda: TicketLine)
    timers: tuple[Timer, ...] | None = rows("ticket_timers", lambda: Timer)
    extra: Json = extra()

    @property
    def contact_label(self) -> str:
        """The contact's name, from the detail or the list row."""
        return self.contact.name if self.contact else self.contact_name

    def in_zone(self, zone: ZoneInfo | None) -> Ticket:
        """The same with the due day of the account's calendar; as it is written where the zone is not known."""
        if zone is None or self.due_utc is None:
            return self
        return replace(self, due_on=self.due_utc.astimezone(zone).date())

    @property
    def technician_label(self) -> str:
        """The technician's name, or an empty string."""
        return self.technician.name if self.technician else ""


@dataclass(frozen=True)
class Product:
    """A product of the catalogue; labour is one too. Its price is what a unit (an hour) costs the customer, in cents."""

    id: int = key("id", WHOLE)
    name: str = key("name", TEXT, "")
    description: str = key("description", TEXT, "")
    price_cents: int = key("price_retail", MONEY, 0, counts=VALUE)
    cost_cents: int = key("price_cost", MONEY, 0)
    taxable: bool = key("taxable", FLAG, False, counts=NOTED)
    category: str = key("category_path", TEXT, "")
    maintain_stock: bool = key("maintain_stock", FLAG, False)
    disabled: bool = key("disabled", FLAG, False)
    tax_rate_id: int | None = key("tax_rate_id", WHOLE, None)
    extra: Json = extra()


@dataclass(frozen=True)
class InvoiceLine:
    """A line of an invoice or estimate. Syncro calls the product's name `item` and the description `name`."""

    id: int = key("id", WHOLE)
    invoice_id: int | None = key("invoice_id", WHOLE, None)
    product_id: int | None = key("product_id", WHOLE, None)
    name: str = key("item", TEXT, "")
    description: str = key("name", TEXT, "")
    category: str = key("product_category", TEXT, "")
    quantity: Decimal = key("quantity", HOURS, Decimal(0), counts=VALUE)
    price_cents: int = key("price", MONEY, 0, counts=VALUE)
    cost_cents: int = key("cost", MONEY, 0)
    taxable: bool | None = key("taxable", FLAG, None)
    discount_percent: Decimal | None = key("discount_percent", HOURS, None)
    discount_cents: int | None = key("discount_dollars", MONEY, None)
    created_at: datetime | None = key("created_at", INSTANT, None)
    updated_at: datetime | None = key("updated_at", INSTANT, None)
    extra: Json = extra()


@dataclass(frozen=True)
class Payment:
    """A payment of `amount_cents`. `invoice_ids` is empty for one that is not applied to any invoice."""

    id: int = key("id", WHOLE)
    amount_cents: int = key("payment_amount", MONEY, 0, counts=VALUE)
    success: bool = key("success", FLAG, False, counts=VALUE)
    invoice_ids: tuple[int, ...] = key("invoice_ids", IDS, ())
    method: str = key("payment_method", TEXT, "")
    reference: str = key("ref_num", TEXT, "")
    applied_on: date | None = key("applied_at", DAY, None)
    created_at: datetime | None = key("created_at", INSTANT, None)
    updated_at: datetime | None = key("updated_at", INSTANT, None)
    customer: Customer | None = inner("customer", lambda: Customer)
    extra: Json = extra()


@dataclass(frozen=True)
class Invoice:
    """An invoice, amounts in cents. `lines` and `payments` are None in lists; `ticket_id` may be absent in lists.

    The detail has `customer` and no `customer_id`; the list the other way round.
    """

    id: int = key("id", WHOLE)
    subtotal_cents: int = key("subtotal", MONEY)
    total_cents: int = key("total", MONEY)
    number: str = key("number", TEXT, "")
    customer_id: int | None = key("customer_id", WHOLE, None)
    customer_name: str = key("customer_business_then_name", TEXT, "")
    customer: Customer | None = inner("customer", lambda: Customer)
    ticket_id: int | None = key("ticket_id", WHOLE, None)
    schedule_id: int | None = key("schedule_id", WHOLE, None)
    created_at: datetime | None = key("created_at", INSTANT, None)
    updated_at: datetime | None = key("updated_at", INSTANT, None)
    dated_on: date | None = key("date", DAY, None)
    due_on: date | None = key("due_date", DAY, None)
    tax_cents: int = key("tax", MONEY, 0, counts=VALUE)
    balance_due_cents: int | None = key("balance_due", MONEY, None)
    is_paid: bool = key("is_paid", FLAG, False, counts=VALUE)
    is_recurring: bool = key("is_recurring", FLAG, False)
    note: str = key("note", TEXT, "")
    po_number: str = key("po_number", TEXT, "")
    lines: tuple[InvoiceLine, ...] | None = rows("line_items", lambda: InvoiceLine)
    payments: tuple[Payment, ...] | None = rows("payments", lambda: Payment)
    extra: Json = extra()


@dataclass(frozen=True)
class PaymentMethod:
    """A way to pay that the account knows."""

    id: int = key("id", WHOLE)
    name: str = key("name", TEXT, "")
    extra: Json = extra()


@dataclass(frozen=True)
class ScheduleLine:
    """A line of a recurring invoice; price and cost in cents."""

    id: int = key("id", WHOLE)
    schedule_id: int | None = key("schedule_id", WHOLE, None)
    product_id: int | None = key("product_id", WHOLE, None)
    name: str = key("name", TEXT, "")
    description: str = key("description", TEXT, "")
    quantity: Decimal = key("quantity", HOURS, Decimal(0), counts=VALUE)
    price_cents: int = key("retail_cents", CENTS, 0, counts=VALUE)
    cost_cents: int = key("cost_cents", CENTS, 0)
    taxable: bool = key("taxable", FLAG, False)
    extra: Json = extra()


@dataclass(frozen=True)
class Schedule:
    """A recurring invoice. `sweeps_tickets`: it also takes the customer's pending ticket charges."""

    id: int = key("id", WHOLE)
    customer_id: int | None = key("customer_id", WHOLE, None)
    name: str = key("name", TEXT, "")
    frequency: str = key("frequency", TEXT, "")
    next_run_on: date | None = key("next_run", DAY, None, counts=NAMED)
    subtotal_cents: int = key("subtotal", MONEY, 0, counts=VALUE)
    sweeps_tickets: bool = key("invoice_unbilled_ticket_charges", FLAG, False)
    paused: bool = key("paused", FLAG, False, counts=VALUE)
    lines: tuple[ScheduleLine, ...] | None = rows("lines", lambda: ScheduleLine)
    extra: Json = extra()


@dataclass(frozen=True)
class Contract:
    """A contract. `amount_text` is what somebody typed ("30k" can be), not money."""

    id: int = key("id", WHOLE)
    customer_id: int | None = key("customer_id", WHOLE, None)
    name: str = key("name", TEXT, "")
    amount_text: str = key("contract_amount", TEXT, "")
    starts_on: date | None = key("start_date", DAY, None)
    ends_on: date | None = key("end_date", DAY, None)
    status: str = key("status", TEXT, "", counts=NAMED)
    applies_to_all: bool = key("apply_to_all", FLAG, False)
    sla_id: int | None = key("sla_id", WHOLE, None, soft=True)
    created_at: datetime | None = key("created_at", INSTANT, None)
    updated_at: datetime | None = key("updated_at", INSTANT, None)
    extra: Json = extra()


@dataclass(frozen=True)
class Estimate:
    """An estimate, amounts in cents."""

    id: int = key("id", WHOLE)
    number: str = key("number", TEXT, "")
    name: str = key("name", TEXT, "")
    status: str = key("status", TEXT, "")
    customer_id: int | None = key("customer_id", WHOLE, None)
    ticket_id: int | None = key("ticket_id", WHOLE, None)
    invoice_id: int | None = key("invoice_id", WHOLE, None)
    dated_on: date | None = key("date", DAY, None)
    subtotal_cents: int = key("subtotal", MONEY, 0)
    tax_cents: int = key("tax", MONEY, 0)
    total_cents: int = key("total", MONEY, 0)
    lines: tuple[InvoiceLine, ...] | None = rows("line_items", lambda: InvoiceLine)
    extra: Json = extra()


@dataclass(frozen=True)
class Timelog:
    """A technician's attendance; `out_at` None: still there."""

    id: int = key("id", WHOLE)
    user_id: int | None = key("user_id", WHOLE, None)
    in_at: datetime | None = key("in_at", INSTANT, None)
    out_at: datetime | None = key("out_at", INSTANT, None)
    in_note: str = key("in_note", TEXT, "")
    out_note: str = key("out_note", TEXT, "")
    extra: Json = extra()


@dataclass(frozen=True)
class SearchHit:
    """A result of the account's search: what it is (`sort`: customer, ticket, ...) and its fields as they come."""

    id: int = key("_id", WHOLE)
    sort: str = key("_type", TEXT, "")
    source: Any = key("_source", RAW, None)
    extra: Json = extra()


@dataclass(frozen=True)
class Me:
    """Whose key it is, and what it may do."""

    user_id: int = key("user_id", WHOLE)
    name: str = key("user_name", TEXT, "")
    email: str = key("user_email", TEXT, "")
    subdomain: str = key("subdomain", TEXT, "")
    admin: bool = key("admin", FLAG, False)
    permissions: Any = key("permissions", RAW, None)
    extra: Json = extra()


@dataclass(frozen=True)
class TicketSettings:
    """The account's own words for tickets. `users` are its technicians: [{id, name}]."""

    statuses: tuple[str, ...] = key("ticket_status_list", TEXTS, ())
    default_labor_product_id: int | None = key("default_labor_product_id", WHOLE, None)
    users: Any = key("users", RAW, None)
    extra: Json = extra()


@dataclass(frozen=True)
class Settings:
    """The account's settings: locale, business hours, problem types and priorities, as they come."""

    locale: Any = key("locale", RAW, None)
    ticket: Any = key("ticket", RAW, None)
    business_hours: Any = key("business_hours", RAW, None)
    holiday_calendar: str = key("default_holiday_calendar", TEXT, "")
    extra: Json = extra()


@dataclass(frozen=True)
class Done:
    """The answer to a removal: Syncro says that it was done. It may say so wrongly; read to be sure."""

    success: bool = key("success", FLAG, True)
    message: str = key("message", TEXT, "")
    extra: Json = extra()
