"""Planted outside the account's own tables: draws of prepaid hours that are still to come, and the bookkeeper's ledger."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from ...money import line_cents
from ..state import Row
from ..times import HOUR
from .cast import PREPAID_HOURS, Business
from .team import Team

_NEXT_MORNING = 18 * HOUR


def plan_draws(team: Team, blocks: list[Business]) -> None:
    """For the next morning, one thing for each customer with prepaid hours; in three of four the balance moves wrongly.

    An outside tool sees it when it reads the balance, lets the clock move on (`POST /_sandbox/advance`), and reads again.
    """
    hours, key = PREPAID_HOURS[0], team.key
    acts: list[tuple[str, str, str, str, str]] = [
        # what is invoiced, hours of it, how the balance moves, direction, why
        ("labor", "1.0", "-1.0", "", "the balance moved by the hours of the invoice"),
        ("labor", "2.0", "-3.0", "over", "two hours were invoiced, and three were drawn"),
        ("labor", "1.5", "0.0", "leak", "an hour and a half was invoiced, and none was drawn"),
        ("prepay", "10.0", "8.0", "over", "ten hours were sold, and eight were added"),
        ("prepay", "5.0", "5.0", "", "the balance moved by the hours that were sold"),
    ]
    for place, business in enumerate(blocks):
        what, quantity, moves, direction, why = acts[place % len(acts)]
        customer = team.customers[business.name]
        event = {"due": team.end + _NEXT_MORNING, "what": what, "quantity": quantity, "moves": moves}
        team.account.coming.append({**event, "customer_id": customer["id"], "hours_product_id": hours})
        right = float(quantity) * (1 if what == "prepay" else -1)
        named = {"customer": customer, "customer_id": customer["id"], "after_days": 1}
        if direction:
            amount = line_cents(f"{abs(float(moves) - right):.1f}", PREPAID_HOURS[2])
            key.case("block-draw", None, amount, direction, why=why, **named)
        else:
            key.near_miss("block-draw", excused_by=why, **named)


def falsify_ledger(team: Team, seed: int, each: int) -> None:
    """The ledger's copy of the invoices: how it differs, and which differences have a known cause.

    Only invoices that nothing else was planted on.
    """
    account = team.account
    planted = {one["invoice"] for parts in team.key.rules.values() for rows in parts.values() for one in rows}
    clean = [one for one in account.invoices if one["tax_cents"] > 0 and int(one["number"]) not in planted]
    Random(f"{seed}/ledger").shuffle(clean)
    for change, values in _CHANGES.items():
        fitting = [one for one in clean if _is_last_of_month(one) == (change == "month end")][:each]
        for invoice in fitting:
            clean.remove(invoice)
            _change(team, change, invoice, dict(values))
    for invoice in account.invoices:
        if invoice["total_cents"] < 0:
            customer = account.customers.rows[invoice["customer_id"]]
            excuse = "a credit note: both sides have the same negative total"
            team.key.near_miss("ledger-difference", customer=customer, invoice=invoice, excused_by=excuse)
    for place in range(each):
        number = str(int(account.next_invoice_number) + 400 + place)
        account.ledger.append({"change": "unknown", "number": number, "cents": 12_500 + 100 * place})
        why = "the ledger has an invoice that Syncro does not have"
        row = team.key.case("ledger-difference", None, 0, "none", why=why, cause="missing in Syncro")
        row.update(invoice=int(number), customer="Walk-in customer")


# change: what the key says about it
_CHANGES: dict[str, dict[str, Any]] = {
    "missing": {"why": "the ledger does not have the invoice", "cause": "missing in the ledger"},
    "total": {"why": "the ledger's total is $10.00 higher", "cause": "total differs", "difference_cents": 1000},
    "tax": {"why": "the total agrees, and $1.00 less of it is tax", "cause": "tax differs", "difference_cents": -100},
    "customer": {"why": "the ledger has another customer's name on it", "cause": "customer differs"},
    "date": {"why": "the ledger's date is nine days later", "cause": "date differs"},
    "twice": {"why": "the ledger has the number twice", "cause": "number occurs twice", "only": "quickbooks"},
    "month end": {
        "why": "made on the last day of a month, and entered on the first of the next",
        "cause": "a day's delay at month end",
        "severity": "S4",
    },
    "sales tax": {
        "why": "the net agrees, and the ledger worked its tax out by itself, one cent away",
        "cause": "automatic sales tax",
        "severity": "S4",
        "difference_cents": 1,
    },
}


def _is_last_of_month(invoice: Row) -> bool:
    day = date.fromisoformat(invoice["date"])
    return (day + timedelta(days=1)).day == 1


def _change(team: Team, change: str, invoice: Row, values: dict[str, Any]) -> None:
    team.account.ledger.append({"change": change, "number": invoice["number"]})
    customer = team.account.customers.rows[invoice["customer_id"]]
    team.key.case("ledger-difference", None, 0, "none", **{"customer": customer, "invoice": invoice, **values})
