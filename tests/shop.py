"""A shop of a few records, and what one rule makes of it. `world` has the records; here are those of billing."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from world import CUSTOMERS, HOUSE, NOW, PRODUCTS, REMOTE, USERS

from syncro_nb import books
from syncro_nb.money import line_cents, tax_cents
from syncro_nb.reconcile.report import reconcile
from syncro_nb.service import records
from syncro_nb.service.records import Invoice, InvoiceLine, Payment, Product, Schedule, ScheduleLine, Settings
from syncro_nb.tables import TABLES

WEEK = [
    {"day": day, "start": "08:00", "end": "17:00", "closed": day in ("Saturday", "Sunday")}
    for day in ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
]
SETTINGS = Settings(locale={"time_zone": "America/Los_Angeles"}, business_hours=WEEK, holiday_calendar="USA")
SSD, HOURS, EMERGENCY, TRAVEL = 777, 888, 26184, 26117
SOLD = (
    *(replace(one, taxable=True) for one in PRODUCTS),
    Product(
        SSD, "SSD", price_cents=9900, cost_cents=6200, category="Hardware;Storage", maintain_stock=True, taxable=True
    ),
    Product(HOURS, "Prepaid Support Hours", price_cents=13500, category="Prepay Hours"),
    Product(EMERGENCY, "Labor - Emergency", price_cents=22500, category="Labor;Emergency", taxable=True),
    Product(TRAVEL, "Labor - Travel", price_cents=7500, category="Labor;Travel", taxable=True),
)
_TABLE = {table.record: table.name for table in TABLES.values()}


def invoice(number, customer=10, ticket=None, lines=(), days_ago=5, rate=None, **more):
    """An invoice (its id is its number + 5000) with its lines, each (hours or pieces, product, price, text), not paid."""
    day = (NOW - timedelta(days=days_ago)).date()
    made = [
        InvoiceLine(
            number * 10 + place,
            number + 5000,
            product,
            f"product {product}",
            text,
            category="Labor"
            if product in (REMOTE, 26118, 9269124, EMERGENCY, TRAVEL)
            else "Prepay Hours"
            if product == HOURS
            else "",
            quantity=Decimal(str(quantity)),
            price_cents=price,
            taxable=product != HOURS,
        )
        for place, (quantity, product, price, text) in enumerate(lines)
    ]
    subtotal = sum(line_cents(one.quantity, one.price_cents) for one in made)
    taxed = sum(line_cents(one.quantity, one.price_cents) for one in made if one.taxable)
    tax = tax_cents(taxed, Decimal(rate)) if rate else 0
    facts = {
        "number": str(number),
        "customer_id": customer,
        "customer_name": next((one.name for one in CUSTOMERS if one.id == customer), ""),
        "ticket_id": None if ticket is None else ticket + 1000,
        "dated_on": day,
        "created_at": NOW - timedelta(days=days_ago),
        "tax_cents": tax,
    }
    head = Invoice(number + 5000, subtotal, subtotal + tax, **{**facts, **more})
    return [head, *made]


def payment(id, cents, *numbers, **more):
    """A payment that went through, put to these invoices."""
    return Payment(id, cents, **{"success": True, "invoice_ids": tuple(one + 5000 for one in numbers), **more})


def schedule(id, customer=10, next_run=date(2026, 4, 15), cents=6500, **more):
    """A monthly recurring invoice that leaves ticket charges out."""
    facts = {"frequency": "Monthly", "next_run_on": next_run, "subtotal_cents": cents, **more}
    return Schedule(id, customer, f"schedule {id}", **facts)


def schedule_line(id, schedule, product, price, quantity="1"):
    """A line of a recurring invoice."""
    return ScheduleLine(id, schedule, product, quantity=Decimal(quantity), price_cents=price)


def shop(*some, gaps=(), without=(), settings=SETTINGS, **more):
    """Books at NOW of these records (lists of them, too), and of what every shop has unless it is given."""
    tables = defaultdict(list)
    for one in _flat(some):
        tables[_TABLE[type(one)]].append(one)
    usual = {"products": SOLD, "users": USERS, "customers": CUSTOMERS}
    made = {name: tables.get(name, usual.get(name, ())) for name in TABLES if name not in without}
    ticket_settings = records.TicketSettings(default_labor_product_id=REMOTE)
    return books.from_records(made, as_of=NOW, settings=settings, ticket_settings=ticket_settings, gaps=gaps, **more)


def _flat(some):
    for one in some:
        if isinstance(one, list | tuple):
            yield from _flat(one)
        else:
            yield one


def report(rule, *some, house=HOUSE, ledger=None, proved=(), from_=None, to=None, **more):
    """What a reconciliation by one rule (a name), or by several, comes to."""
    rules = [rule] if isinstance(rule, str) else rule
    found = shop(*some, **more)
    return reconcile(found, house, rules=rules, ledger=ledger, proved=proved, from_=from_, to=to)


def amounts(rule, *some, **more):
    """The findings of a rule in short: (direction, cents), in the report's order."""
    made = report(rule, *some, **more)
    assert made.not_evaluated == ()
    return [(one.direction, one.amount_cents) for one in made.findings]


def left_out(rule, *some, **more):
    """What a rule did not evaluate, in short: how many records; and that it found nothing."""
    made = report(rule, *some, **more)
    assert made.findings == ()
    return [one.records for one in made.not_evaluated]
