"""The declared tables of the mirror: each column's dtype, unit, source, and whether it may be absent. Nothing is read here.

One place for what the mirror keeps, the frames show, the rules read and the data dictionary prints. Money is whole cents
(int64), a quantity is kept exactly in millionths (int64) and once more as a float for reading, instants are aware (UTC),
days are `datetime64[ms]` without a zone, an id that may be absent is `Int64`. Text is as Syncro holds it, and hostile.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .money import line_cents, round_half_up
from .service import records

INSTANT = "datetime64[us, UTC]"
DAY = "datetime64[ms]"
MILLION = 1_000_000


# The unit of a column is the end of its name, unless it declares another one.
UNITS = ("cents", "seconds", "minutes", "hours", "days", "millionths", "percent")
_NEVER_ABSENT = ("int64", "bool", "str", "category")  # text that nobody wrote is empty


@dataclass(frozen=True)
class Column:
    """One column: its pandas dtype, what it means, and where its value comes from in the record.

    `take` None: the record's attribute of the column's own name. `nullable` None: as the dtype says, which is: whole numbers,
    flags, text and categories are always there, the others may be absent. `unit` "": that of its name, or none.
    """

    dtype: str
    meaning: str
    take: Callable[[Any], Any] | None = None
    nullable: bool | None = None
    unit: str = ""

    @property
    def may_be_absent(self) -> bool:
        """Whether a row may have no value in it."""
        return self.dtype not in _NEVER_ABSENT if self.nullable is None else self.nullable

    def unit_as(self, name: str) -> str:
        """Its unit under this name: one of UNITS, or what it declares; empty where it counts or names something."""
        end = name.rpartition("_")[2]
        return self.unit or (end if end in UNITS and self.dtype in ("int64", "Int64", "float64") else "")


@dataclass(frozen=True)
class Table:
    """A table: one row per record of `record`, known by `key`. `source` is the endpoint that fills it."""

    name: str
    key: str
    source: str
    record: type
    columns: Mapping[str, Column]

    def row(self, record: Any) -> tuple[Any, ...]:
        """A record as the values of this table's columns, in their order."""
        return tuple(
            getattr(record, name) if column.take is None else column.take(record)
            for name, column in self.columns.items()
        )


def _named(name: str) -> Callable[[Any], Any]:
    return lambda record: getattr(record, name)


def _millionths(value: Any) -> int | None:
    return None if value is None else int(round_half_up(value * MILLION))


def _quantity(name: str = "quantity") -> Callable[[Any], Any]:
    return lambda record: _millionths(getattr(record, name))


def _float(name: str) -> Callable[[Any], Any]:
    return lambda record: None if getattr(record, name) is None else float(str(getattr(record, name)))


def _amount(record: Any) -> int:
    return line_cents(record.quantity, record.price_cents)


def _joined(name: str) -> Callable[[Any], Any]:
    return lambda record: "\n".join(getattr(record, name))


def _unknown(record: Any) -> str:
    """The fields that no column knows, as JSON text; empty if there are none."""
    return json.dumps(record.extra, sort_keys=True, default=str) if record.extra else ""


def _customer(record: Any) -> int | None:
    if record.customer_id is not None:
        return int(record.customer_id)
    return record.customer.id if record.customer else None


_ID = "int64"
_LINK = "Int64"
_CREATED = Column(INSTANT, "when it was created")
_UPDATED = Column(INSTANT, "when anything on it last changed, as Syncro says")
_EXTRA = Column(
    "str",
    "fields that this version does not know, as JSON; not in ws.tickets and the like, but in ws.books()",
    _unknown,
)
_COUNT = "hours or pieces"


def _id(what: str) -> Column:
    return Column(_ID, f"{what} id", _named("id"))


def _tickets() -> dict[str, Column]:
    return {
        "ticket_id": _id("ticket"),
        "number": Column("int64", "ticket number, as people see it"),
        "subject": Column("str", "subject as written"),
        "status": Column("category", "the account's own word"),
        "priority": Column("category", "the account's own word; empty is normal"),
        "problem_type": Column("category", "the account's own word"),
        "customer_id": Column(_LINK, "customer id", _customer),
        "customer": Column("str", "business name, else the person's", _named("customer_name")),
        "contact_id": Column(_LINK, "contact id", lambda row: row.contact.id if row.contact else row.contact_id),
        "contact": Column("str", "the contact's name", _named("contact_label")),
        "user_id": Column(_LINK, "id of the technician whose it is; absent: nobody's"),
        "technician": Column("category", "name of that technician; empty is nobody", _named("technician_label")),
        "created_at": _CREATED,
        "updated_at": _UPDATED,
        "resolved_at": Column(INSTANT, "when it was resolved"),
        "start_at": Column(INSTANT, "scheduled for"),
        "end_at": Column(INSTANT, "scheduled until"),
        "due_on": Column(DAY, "due day"),
        "billing_status": Column("category", "Syncro's own word"),
        "tags": Column("str", "tags, one a line", _joined("tags")),
        "customer_tags": Column("str", "tags of the customer, one a line", _joined("customer_tags")),
        "customer_reply": Column("bool", "Syncro says that the customer wrote last"),
        "contract_id": Column(_LINK, "contract id"),
        "sla_id": Column(_LINK, "service level id"),
        "sla_name": Column("category", "service level"),
        "sla_breached": Column("bool", "Syncro says that its service level is breached"),
        "sla_breaching_soon": Column("bool", "Syncro says that it soon will be"),
        "response_seconds": Column(_LINK, "the service level's response target in seconds"),
        "resolution_seconds": Column(_LINK, "the service level's resolution target in seconds"),
        "extra": _EXTRA,
    }


def _comments() -> dict[str, Column]:
    return {
        "comment_id": _id("comment"),
        "ticket_id": Column(_LINK, "ticket id"),
        "created_at": _CREATED,
        "updated_at": _UPDATED,
        "subject": Column("str", "subject"),
        "body": Column("str", "the comment as plain text"),
        "author": Column("str", "technician, or the customer's person"),
        "user_id": Column(_LINK, "id of the technician who wrote it; absent: not a technician"),
        "hidden": Column("bool", "never shown to the customer"),
        "extra": _EXTRA,
    }


def _charges() -> dict[str, Column]:
    return {
        "line_id": _id("ticket line item"),
        "ticket_id": Column(_LINK, "ticket id"),
        "product_id": Column(_LINK, "product id"),
        "name": Column("str", "product name as on the line"),
        "description": Column("str", "text as on the invoice"),
        "category": Column("category", "product category as on the line"),
        "quantity_millionths": Column("int64", "quantity (hours for labour), exactly, in millionths", _quantity()),
        "quantity": Column(
            "float64", "quantity for reading: hours for labour, pieces otherwise", _float("quantity"), False, _COUNT
        ),
        "price_cents": Column("int64", "price of one, in cents"),
        "amount_cents": Column("int64", "quantity × price, half up, in cents", _amount),
        "cost_cents": Column("int64", "what one costs the shop, in cents"),
        "taxable": Column("bool", "tax is due on it"),
        "converted": Column("bool", "it is on an invoice"),
        "user_id": Column(_LINK, "id of the technician who entered it"),
        "discount_percent": Column("float64", "discount in percent", _float("discount_percent")),
        "discount_cents": Column(_LINK, "discount in cents"),
        "created_at": _CREATED,
        "updated_at": _UPDATED,
        "extra": _EXTRA,
    }


def _timers() -> dict[str, Column]:
    return {
        "timer_id": _id("timer entry"),
        "ticket_id": Column(_LINK, "ticket id"),
        "user_id": Column(_LINK, "id of the technician who worked"),
        "product_id": Column(_LINK, "id of the labour product"),
        "comment_id": Column(_LINK, "id of the comment that it was entered with"),
        "line_id": Column(_LINK, "id of the ticket line item that charges it", _named("line_item_id")),
        "started_at": Column(INSTANT, "when the work began"),
        "ended_at": Column(INSTANT, "when it ended; absent: it runs"),
        "created_at": _CREATED,
        "updated_at": _UPDATED,
        "recorded": Column("bool", "it was charged"),
        "billable": Column("bool", "it is to be charged"),
        "active_seconds": Column(_LINK, "actual time in seconds, as Syncro counts it"),
        "billable_seconds": Column(_LINK, "Syncro's own billable time in seconds; not always to be trusted"),
        "override_seconds": Column(_LINK, "billable time in seconds, set by a person"),
        "notes": Column("str", "what was done"),
        "extra": _EXTRA,
    }


def _invoices() -> dict[str, Column]:
    return {
        "invoice_id": _id("invoice"),
        "number": Column("str", "invoice number, as people see it"),
        "customer_id": Column(_LINK, "customer id", _customer),
        "customer": Column(
            "str",
            "business name, else the person's",
            lambda row: row.customer_name or (row.customer.name if row.customer else ""),
        ),
        "ticket_id": Column(
            _LINK,
            "id of the ticket that it names; absent: none, if it was read by itself (named_at), else nobody knows",
        ),
        "schedule_id": Column(_LINK, "id of the recurring invoice that made it"),
        "dated_on": Column(DAY, "invoice date"),
        "due_on": Column(DAY, "due day"),
        "created_at": _CREATED,
        "updated_at": _UPDATED,
        "subtotal_cents": Column("int64", "sum of its lines, in cents"),
        "tax_cents": Column("int64", "tax, in cents"),
        "total_cents": Column("int64", "total, in cents"),
        "balance_due_cents": Column(_LINK, "what is still to be paid, in cents; absent where Syncro does not say"),
        "is_paid": Column("bool", "Syncro says that it is paid"),
        "is_recurring": Column("bool", "made by a recurring invoice"),
        "po_number": Column("str", "the customer's order number"),
        "note": Column("str", "note"),
        "extra": _EXTRA,
    }


def _invoice_lines() -> dict[str, Column]:
    return {
        "line_id": _id("invoice line"),
        "invoice_id": Column(_LINK, "invoice id"),
        "product_id": Column(_LINK, "product id"),
        "name": Column("str", "product name (Syncro calls it `item`)"),
        "description": Column("str", "text (Syncro calls it `name`)"),
        "category": Column("category", "product category as on the line"),
        "quantity_millionths": Column("int64", "quantity (hours for labour), exactly, in millionths", _quantity()),
        "quantity": Column(
            "float64", "quantity for reading: hours for labour, pieces otherwise", _float("quantity"), False, _COUNT
        ),
        "price_cents": Column("int64", "price of one, in cents"),
        "amount_cents": Column("int64", "quantity × price, half up, in cents", _amount),
        "cost_cents": Column("int64", "what one costs the shop, in cents"),
        "taxable": Column("boolean", "tax is due on it; absent where Syncro does not say"),
        "discount_percent": Column("float64", "discount in percent", _float("discount_percent")),
        "discount_cents": Column(_LINK, "discount in cents"),
        "created_at": _CREATED,
        "updated_at": _UPDATED,
        "extra": _EXTRA,
    }


def _customers() -> dict[str, Column]:
    return {
        "customer_id": _id("customer"),
        "name": Column("str", "business name, else the person's"),
        "business_name": Column("str", "business name"),
        "fullname": Column("str", "the person's name"),
        "email": Column("str", "mail address"),
        "phone": Column("str", "telephone, digits only"),
        "no_email": Column("bool", "no mail is sent to this customer"),
        "disabled": Column("bool", "not in use any more"),
        "tax_rate_id": Column(_LINK, "id of its tax rate"),
        "prepaid_millionths": Column(
            _LINK,
            "prepaid hours left, exactly, in millionths; absent: none, or not read (see detail_at)",
            _quantity("prepaid_hours"),
        ),
        "prepaid_hours": Column("float64", "prepaid hours left, for reading", _float("prepaid_hours")),
        "created_at": _CREATED,
        "updated_at": _UPDATED,
        "extra": _EXTRA,
    }


def _contacts() -> dict[str, Column]:
    return {
        "contact_id": _id("contact"),
        "name": Column("str", "the person's name"),
        "email": Column("str", "mail address"),
        "phone": Column("str", "telephone"),
        "mobile": Column("str", "mobile telephone"),
        "customer_id": Column(_LINK, "customer id"),
        "created_at": _CREATED,
        "updated_at": _UPDATED,
        "extra": _EXTRA,
    }


def _products() -> dict[str, Column]:
    return {
        "product_id": _id("product"),
        "name": Column("str", "name"),
        "description": Column("str", "description"),
        "price_cents": Column("int64", "price of one (an hour for labour), in cents"),
        "cost_cents": Column("int64", "what one costs the shop, in cents"),
        "taxable": Column("bool", "tax is due on it"),
        "category": Column("category", "category path, as in `Services;Labor`"),
        "maintain_stock": Column("bool", "it is kept in stock"),
        "disabled": Column("bool", "not sold any more"),
        "tax_rate_id": Column(_LINK, "id of its own tax rate"),
        "extra": _EXTRA,
    }


def _payments() -> dict[str, Column]:
    return {
        "payment_id": _id("payment"),
        "amount_cents": Column("int64", "amount, in cents"),
        "success": Column("bool", "it went through"),
        "invoice_id": Column(
            _LINK,
            "the invoice that it is applied to; absent: none, or several",
            lambda row: row.invoice_ids[0] if len(row.invoice_ids) == 1 else None,
        ),
        "invoice_ids": Column(
            "str",
            "ids of all invoices that it is applied to, one a line",
            lambda row: "\n".join(map(str, row.invoice_ids)),
        ),
        "method": Column("category", "how it was paid"),
        "reference": Column("str", "reference number"),
        "customer_id": Column(_LINK, "customer id", lambda row: row.customer.id if row.customer else None),
        "applied_on": Column(DAY, "day on which it was applied"),
        "created_at": _CREATED,
        "updated_at": _UPDATED,
        "extra": _EXTRA,
    }


def _schedules() -> dict[str, Column]:
    return {
        "schedule_id": _id("recurring invoice"),
        "customer_id": Column(_LINK, "customer id"),
        "name": Column("str", "name"),
        "frequency": Column("category", "how often, in Syncro's words"),
        "next_run_on": Column(DAY, "day of its next run"),
        "subtotal_cents": Column("int64", "what one run comes to without tax, in cents"),
        "sweeps_tickets": Column("bool", "a run also takes the customer's pending ticket charges"),
        "paused": Column("bool", "it does not run"),
        "extra": _EXTRA,
    }


def _schedule_lines() -> dict[str, Column]:
    return {
        "line_id": _id("line of a recurring invoice"),
        "schedule_id": Column(_LINK, "recurring invoice id"),
        "product_id": Column(_LINK, "product id"),
        "name": Column("str", "product name"),
        "description": Column("str", "text"),
        "quantity_millionths": Column("int64", "quantity, exactly, in millionths", _quantity()),
        "quantity": Column("float64", "quantity for reading", _float("quantity"), False, _COUNT),
        "price_cents": Column("int64", "price of one, in cents"),
        "amount_cents": Column("int64", "quantity × price, half up, in cents", _amount),
        "taxable": Column("bool", "tax is due on it"),
        "extra": _EXTRA,
    }


def _contracts() -> dict[str, Column]:
    return {
        "contract_id": _id("contract"),
        "customer_id": Column(_LINK, "customer id"),
        "name": Column("str", "name"),
        "amount_text": Column("str", "what somebody typed as its amount; not money"),
        "starts_on": Column(DAY, "first day"),
        "ends_on": Column(DAY, "last day"),
        "status": Column("category", "Syncro's word"),
        "applies_to_all": Column("bool", "it covers all of the customer's work"),
        "sla_id": Column(_LINK, "service level id"),
        "created_at": _CREATED,
        "updated_at": _UPDATED,
        "extra": _EXTRA,
    }


def _users() -> dict[str, Column]:
    return {"user_id": _id("technician"), "name": Column("str", "name"), "extra": _EXTRA}


def _timelogs() -> dict[str, Column]:
    return {
        "timelog_id": _id("attendance"),
        "user_id": Column(_LINK, "technician id"),
        "in_at": Column(INSTANT, "came"),
        "out_at": Column(INSTANT, "left; absent: still there"),
        "extra": _EXTRA,
    }


@dataclass(frozen=True)
class Snapshot:
    """A customer's prepaid hours as they were at one reading; the mirror keeps every reading that differs from the last."""

    id: str
    customer_id: int
    read_at: datetime
    prepaid_millionths: int | None


def _prepaid() -> dict[str, Column]:
    return {
        "snapshot_id": Column("str", "customer id and time of the reading", _named("id")),
        "customer_id": Column("int64", "customer id"),
        "read_at": Column(INSTANT, "when it was read, by the server's clock", nullable=False),
        "prepaid_millionths": Column(_LINK, "prepaid hours left then, exactly, in millionths; absent: no block"),
    }


# Filled in by the mirror, not by the record: when the whole record was last read, which lists do not give.
DETAIL_AT = Column(
    INSTANT, "when its details (comments, timers, lines; prepaid hours) were last read; absent: never", lambda row: None
)

NAMED_AT = Column(
    INSTANT, "when it was read by itself, which alone proves that it names no ticket; absent: never", lambda row: None
)

_DETAIL = {"detail_at": DETAIL_AT}
_TICKET, _INVOICE, _CUSTOMER = "GET /tickets/{id}", "GET /invoices/{id}", "GET /customers/{id}"

TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        Table("tickets", "ticket_id", f"GET /tickets, {_TICKET}", records.Ticket, _tickets() | _DETAIL),
        Table("comments", "comment_id", _TICKET, records.Comment, _comments()),
        Table("charges", "line_id", f"{_TICKET}: line_items", records.TicketLine, _charges()),
        Table("timers", "timer_id", f"GET /ticket_timers, {_TICKET}", records.Timer, _timers()),
        Table(
            "invoices",
            "invoice_id",
            f"GET /invoices, {_INVOICE}",
            records.Invoice,
            _invoices() | _DETAIL | {"named_at": NAMED_AT},
        ),
        Table("invoice_lines", "line_id", f"GET /line_items, {_INVOICE}", records.InvoiceLine, _invoice_lines()),
        Table("customers", "customer_id", f"GET /customers, {_CUSTOMER}", records.Customer, _customers() | _DETAIL),
        Table("contacts", "contact_id", "GET /contacts", records.Contact, _contacts()),
        Table("products", "product_id", "GET /products", records.Product, _products()),
        Table("payments", "payment_id", "GET /payments", records.Payment, _payments()),
        Table("schedules", "schedule_id", "GET /schedules", records.Schedule, _schedules()),
        Table("schedule_lines", "line_id", "GET /schedules", records.ScheduleLine, _schedule_lines()),
        Table("contracts", "contract_id", "GET /contracts", records.Contract, _contracts()),
        Table("users", "user_id", "GET /users", records.User, _users()),
        Table("timelogs", "timelog_id", "GET /timelogs", records.Timelog, _timelogs()),
        Table("prepaid", "snapshot_id", f"{_CUSTOMER}: prepay_hours", Snapshot, _prepaid()),
    )
}
