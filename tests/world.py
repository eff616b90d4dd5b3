"""Little worlds for tests of terms, summaries and rules: a few records, written down so that an analyst can read them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from syncro_nb import books
from syncro_nb.config import LABOUR, House
from syncro_nb.policy import Policy
from syncro_nb.service.records import (
    Comment,
    Contract,
    Customer,
    Product,
    Settings,
    Ticket,
    TicketLine,
    TicketSettings,
    Timer,
    User,
)

NOW = datetime(2026, 3, 31, 20, 0, tzinfo=UTC)  # 13:00 in Los Angeles
HOUSE = House(LABOUR, {})
REMOTE, ONSITE, INTERNAL, CABLE = 1190473, 26118, 9269124, 555
PRODUCTS = (
    Product(REMOTE, "Labor - Remote", price_cents=15000, category="Labor;Remote"),
    Product(ONSITE, "Labor - Onsite", price_cents=17500, category="Labor;Onsite"),
    Product(INTERNAL, "Labor - Internal", price_cents=0, category="Labor;Internal"),
    Product(CABLE, "Cable", price_cents=999, category="Hardware;Network"),
)
USERS = (User(1, "Dana"), User(2, "Priya"))
CUSTOMERS = (
    Customer(10, "Anvil Works"),
    Customer(20, "Block House", prepaid_hours=Decimal("5")),
    Customer(30, "Cedar"),
)
NAMES = {row.id: row.name for row in CUSTOMERS}


def agreed(**policy):
    """The house with a policy."""
    return replace(HOUSE, policy=Policy(**policy))


def ticket(number, customer=10, **more):
    """A ticket whose id is its number + 1000, so that the two cannot be mixed up; ten days old, nobody's."""
    usual = {"status": "Resolved", "created_at": NOW - timedelta(days=10), "customer_name": NAMES.get(customer, "")}
    return Ticket(number + 1000, number, customer_id=customer, **{**usual, **more})


def timer(id, number=1, minutes=30, days_ago=1, **more):
    """A billable timer of Dana's, of so many minutes, begun at noon UTC so many days ago, not charged."""
    began = (NOW - timedelta(days=days_ago)).replace(hour=19, minute=0)
    worked = None if minutes is None else began + timedelta(minutes=minutes)
    facts = {
        "ticket_id": None if number is None else number + 1000,
        "user_id": 1,
        "started_at": began,
        "ended_at": worked,
        "created_at": began,
        "billable": True,
        "product_id": REMOTE,
    }
    return Timer(id, **{**facts, **more})


def line(id, number=1, hours="1", product_id=REMOTE, price_cents=15000, days_ago=1, **more):
    """A ticket line of Dana's that no invoice has taken."""
    at = NOW - timedelta(days=days_ago)
    facts = {"ticket_id": number + 1000, "quantity": Decimal(hours), "created_at": at, "user_id": 1, **more}
    return TicketLine(id, product_id=product_id, price_cents=price_cents, name=f"product {product_id}", **facts)


def contract(customer, **more):
    """A contract of this whole year that covers everything."""
    facts = {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31), "status": "Active", "applies_to_all": True}
    return Contract(customer * 100, customer, "Care", **{**facts, **more})


def comment(id, number=1, days_ago=1.0, user_id=1, **more):
    """A public comment; user_id None: the customer's."""
    facts = {"ticket_id": number + 1000, "created_at": NOW - timedelta(days=days_ago), "user_id": user_id, **more}
    return Comment(id, **facts)


def world(**records):
    """Books at NOW in Los Angeles of these records by table; tables that are not named are there, as every shop has them."""
    usual = {"products": PRODUCTS, "users": USERS, "customers": CUSTOMERS}
    empty = dict.fromkeys(("tickets", "timers", "charges", "comments", "contracts", "invoices", "invoice_lines"), ())
    gaps = records.pop("gaps", ())
    return books.from_records(
        {**empty, **usual, **records},
        as_of=NOW,
        settings=Settings(locale={"time_zone": "America/Los_Angeles"}),
        ticket_settings=TicketSettings(default_labor_product_id=REMOTE),
        gaps=gaps,
    )
