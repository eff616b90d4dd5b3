"""The first day of the demo account: technicians, products, customers, contracts and what recurs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from ..billing import PREPAY_CATEGORY
from ..people import create_contact, create_customer
from ..state import Account, Row
from ..times import DAY, from_ms
from .cast import (
    GOODS,
    HOSTING,
    LABOR,
    MANAGED_SERVER,
    MANAGED_SERVICE,
    NOT_TAXED,
    PREPAID_HOURS,
    Business,
    Technician,
)

SERVICE_LEVEL = {"sla_id": 3107, "sla_name": "Managed", "response_time": 3600, "resolution_time": 86_400}
_PAYMENT_METHODS = ("Credit Card", "Cash", "Check", "Offline CC", "Quick", "Other")
_SERVICES = "Managed Services"


def hire(account: Account, crew: Sequence[Technician], begin: int) -> dict[str, Row]:
    """The technicians, by name; the first one's key is the sandbox's key."""
    technicians = {}
    for one in crew:
        technicians[one.name] = account.users.add(
            {
                "email": one.mail,
                "full_name": one.name,
                "created_at": begin - 900 * DAY,
                "updated_at": begin - 40 * DAY,
                "group": one.group,
                "admin": one.group == "Admins",
                "color": one.color,
            }
        )
    account.owner_id = technicians[crew[0].name]["id"]
    return technicians


def stock(account: Account, begin: int) -> None:
    """What is sold, and how it can be paid."""
    for number, name, price, said in LABOR.values():
        path = f"Labor;{name.removeprefix('Labor - ')}"
        _add_product(account, begin, number, name, said, price, category="Labor", path=path)
    for number, name, price, said in (MANAGED_SERVICE, MANAGED_SERVER, HOSTING):
        _add_product(account, begin, number, name, said, price, category=_SERVICES, path=_SERVICES)
    number, name, price, said = PREPAID_HOURS
    _add_product(account, begin, number, name, said, price, category=PREPAY_CATEGORY, path=PREPAY_CATEGORY)
    for short, (number, name, cost, price, path, quantity, said) in GOODS.items():
        category = path.split(";")[-1]
        row = _add_product(account, begin, number, name, said, price, category=category, path=path)
        row.update(cost_cents=cost, quantity=quantity, maintain_stock=path.startswith("Hardware"))
        row["taxable"] = short not in NOT_TAXED
    account.default_labor_product_id = LABOR["remote"][0]
    for name in _PAYMENT_METHODS:
        account.payment_methods.add({"name": name, "created_at": begin, "updated_at": begin})


def _add_product(
    account: Account, begin: int, number: int, name: str, said: str, price: int, *, category: str, path: str
) -> Row:
    return account.products.add(
        {
            "id": number,
            "name": name,
            "description": said,
            "product_category": category,
            "category_path": path,
            "retail_cents": price,
            "cost_cents": 0,
            "quantity": 0,
            "maintain_stock": False,
            "taxable": True,
            "disabled": False,
            "upc_code": None,
            "created_at": begin,
            "updated_at": begin,
        }
    )


def welcome(account: Account, businesses: Sequence[Business], begin: int, end: int) -> dict[str, Row]:
    """The customers, by name; one of them came only lately."""
    customers = {}
    for place, business in enumerate(businesses):
        since = begin - business.since_months * 30 * DAY if business.since_months else end - 24 * DAY
        customers[business.name] = _welcome(account, business, place, since)
    for business in businesses:
        if business.workstations:
            _sign_contract(account, customers[business.name], business, begin)
    return customers


def _welcome(account: Account, business: Business, place: int, since: int) -> Row:
    first, last = business.contacts[0].split(" ", 1)
    address = {"city": business.city, "state": "WA", "zip": f"990{place % 90 + 10}"}
    customer = create_customer(
        account,
        {
            "business_name": business.name,
            "firstname": first,
            "lastname": last,
            "email": _mail(first, business),
            "phone": f"509-555-01{place % 90 + 10}",
            "address": business.street,
            "tax_rate_id": next(iter(account.switches.tax_rates), None) if business.taxed else None,
            **address,
        },
        since,
    )
    customer["prepay_hours"] = business.prepaid
    for order, name in enumerate(business.contacts):
        contact = {
            "customer_id": customer["id"],
            "name": name,
            "email": _mail(name.split()[0], business),
            "phone": f"509-555-01{(place * 3 + order + 30) % 90 + 10}",
            "address1": business.street,
        }
        create_contact(account, {**contact, **address}, since)
    return customer


def _mail(first_name: str, business: Business) -> str:
    return f"{first_name}@{business.domain}.example.com".lower()


def _sign_contract(account: Account, customer: Row, business: Business, begin: int) -> None:
    """A contract for a year or more, and the monthly invoice that goes with it."""
    zone, since = account.switches.zone, customer["created_at"]
    sold = ((MANAGED_SERVICE, business.workstations), (MANAGED_SERVER, 1))
    monthly = sum(price * quantity for (_, _, price, _), quantity in sold)
    account.contracts.add(
        {
            "customer_id": customer["id"],
            "name": _SERVICES,
            "contract_amount": f"{monthly // 100}.{monthly % 100:02}",
            "start_date": from_ms(since, zone).date().replace(day=1).isoformat(),
            "end_date": date(account.today.year + 1, 12, 31).isoformat(),
            "primary_contact": business.contacts[0],
            "description": "Support, monitoring and patching, per month",
            "created_at": since,
            "updated_at": since,
            "status": "Active",
            "likelihood": 100,
            "apply_to_all": True,
            "sla_id": SERVICE_LEVEL["sla_id"],
        }
    )
    first = next_month(from_ms(begin, zone).date())
    lines = [(product, f"{quantity}.0") for product, quantity in sold]
    add_schedule(account, customer, _SERVICES, lines, first, sweeps_tickets=business.sweeps_tickets)


def add_schedule(
    account: Account,
    customer: Row,
    name: str,
    lines: Sequence[tuple[tuple[int, str, int, str], str]],
    next_run: date,
    *,
    frequency: str = "Monthly",
    sweeps_tickets: bool = False,
) -> Row:
    """What will be invoiced again and again: products of the cast, and how much of each."""
    schedule = account.schedules.add(
        {
            "customer_id": customer["id"],
            "email_customer": True,
            "frequency": frequency,
            "name": name,
            "next_run": next_run.isoformat(),
            "invoice_unbilled_ticket_charges": sweeps_tickets,
            "paused": False,
            "last_invoice_paid": None,
        }
    )
    for position, ((number, item, price, said), quantity) in enumerate(lines):
        account.schedule_lines.add(
            {
                "schedule_id": schedule["id"],
                "cost_cents": 0,
                "description": said,
                "name": item,
                "position": position,
                "product_id": number,
                "quantity": quantity,
                "retail_cents": price,
                "taxable": True,
                "user_id": account.owner_id,
                "product_category": account.products.rows[number]["product_category"],
            }
        )
    return schedule


def next_month(day: date) -> date:
    """The first day of the month after this one."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
