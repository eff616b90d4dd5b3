"""The bookkeeper's copy of the invoices: a CSV as QuickBooks Online and Xero write it, with planted differences.

QuickBooks Online (the list of sales): one row for each invoice, dates as 03/31/2026, amounts as "1,234.56". Xero (the export of
sales invoices): one row for each line, with the invoice's totals on every one of them, dates as 31/03/2026.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from . import billing
from .state import Account, Row

FORMATS = ("quickbooks", "xero")

_QUICKBOOKS = (
    *("Date", "Type", "No.", "Customer", "Memo", "Due date", "Balance"),
    *("Total before sales tax", "Sales tax", "Total", "Status"),
)
_ADDRESS = (*(f"AddressLine{number}" for number in (1, 2, 3, 4)), "City", "Region", "PostalCode", "Country")
_XERO = (
    *("ContactName", "EmailAddress", *(f"{kind}{name}" for kind in ("PO", "SA") for name in _ADDRESS)),
    *("InvoiceNumber", "Reference", "InvoiceDate", "DueDate", "PlannedDate", "Total", "TaxTotal", "InvoiceAmountPaid"),
    *("InvoiceAmountDue", "InventoryItemCode", "Description", "Quantity", "UnitAmount", "Discount", "LineAmount"),
    *("AccountCode", "TaxType", "TaxAmount", "TrackingName1", "TrackingOption1", "TrackingName2", "TrackingOption2"),
    *("Currency", "Type", "Sent", "Status"),
)


@dataclass(frozen=True)
class Entry:
    """One invoice as the bookkeeper has it. `lines` are Syncro's own, or empty for one that Syncro does not know."""

    number: str
    customer: str
    day: date
    due: date
    net_cents: int
    tax_cents: int
    paid_cents: int
    lines: tuple[Row, ...] = ()

    @property
    def total_cents(self) -> int:
        return self.net_cents + self.tax_cents


def as_csv(account: Account, program: str) -> str:
    """All invoices up to now as that program exports them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_QUICKBOOKS if program == "quickbooks" else _XERO)
    for entry in _entries(account, program):
        writer.writerows([_quickbooks(entry)] if program == "quickbooks" else _xero(account, entry))
    return out.getvalue()


def _entries(account: Account, program: str) -> list[Entry]:
    changes: dict[str, str] = {one["number"]: one["change"] for one in account.ledger}
    names = sorted(one["business_then_name"] for one in account.customers)
    entries = []
    for invoice in account.invoices:
        entry = _plain(account, invoice)
        entries += _changed(entry, changes.get(invoice["number"], ""), names, program)
    for one in account.ledger:
        if one["change"] == "unknown":
            today = account.today
            entries.append(Entry(one["number"], "Walk-in customer", today, today, one["cents"], 0, 0))
    return entries


def _plain(account: Account, invoice: Row) -> Entry:
    customer = account.customers.rows[invoice["customer_id"]]
    day, due = (date.fromisoformat(invoice[name]) for name in ("date", "due_date"))
    amounts = (invoice["subtotal_cents"], invoice["tax_cents"], invoice["paid_cents"])
    lines = tuple(billing.lines_of(account, invoice))
    return Entry(invoice["number"], customer["business_then_name"], day, due, *amounts, lines)


def _changed(entry: Entry, change: str, names: list[str], program: str) -> list[Entry]:
    values: dict[str, Any] = {}
    if change == "missing":
        return []
    if change == "twice" and program == "quickbooks":  # Xero takes a number only once
        return [entry, entry]
    if change == "total":
        values = {"net_cents": entry.net_cents + 1000}
    elif change == "tax":
        values = {"net_cents": entry.net_cents + 100, "tax_cents": entry.tax_cents - 100}
    elif change == "sales tax":
        values = {"tax_cents": entry.tax_cents + 1}
    elif change == "customer":
        values = {"customer": next(name for name in names if name != entry.customer)}
    elif change in ("date", "month end"):
        values = {"day": entry.day + timedelta(days=9 if change == "date" else 1)}
    return [replace(entry, **values)]


def _quickbooks(entry: Entry) -> list[str]:
    left = entry.total_cents - entry.paid_cents
    kind = "Invoice" if entry.total_cents >= 0 else "Credit Memo"
    status = "Paid" if left <= 0 else "Open"
    days = [f"{one:%m/%d/%Y}" for one in (entry.day, entry.due)]
    amounts = [_dollars(one) for one in (left, entry.net_cents, entry.tax_cents, entry.total_cents)]
    return [days[0], kind, entry.number, entry.customer, "", days[1], *amounts, status]


def _xero(account: Account, entry: Entry) -> list[list[str]]:
    left = entry.total_cents - entry.paid_cents
    days = [f"{one:%d/%m/%Y}" for one in (entry.day, entry.due)]
    totals = [_plain_dollars(one) for one in (entry.total_cents, entry.tax_cents, entry.paid_cents, left)]
    kind = "Sales invoice" if entry.total_cents >= 0 else "Sales credit note"
    status = "Paid" if left <= 0 else "Awaiting Payment"
    head = [entry.customer, *[""] * (1 + 2 * len(_ADDRESS)), entry.number, "", *days, "", *totals]
    rows = []
    for line in entry.lines or ({},):
        cents = billing.amount_cents(line) if line else entry.net_cents
        tax = "Tax on Sales" if line.get("taxable") else "Tax Exempt"
        price = _plain_dollars(line.get("price_cents", entry.net_cents))
        said = line.get("name") or line.get("item") or ""
        middle = [
            "",
            said,
            line.get("quantity", "1.0"),
            price,
            line.get("discount_percent") or "",
            _plain_dollars(cents),
        ]
        rows.append([*head, *middle, "200", tax, "", *[""] * 4, "USD", kind, "Sent", status])
    return rows


def _dollars(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100:,}.{abs(cents) % 100:02}"


def _plain_dollars(cents: int) -> str:
    return _dollars(cents).replace(",", "")
