"""An account in which every text that somebody outside can fill is an attack: names, notes, texts, tags, words of the account.

The names that the house goes by (statuses, kinds of labour, numbers, days) stay, with a hostile one among them, so that every
summary still has something to show.
"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from attacks import CONTROL, FORGED, FORMULA, LONG, MARKUP, SCRIPT, TURNED
from desk import Desk

from syncro_nb.sandbox import Sandbox

FREE = {
    "users": ("full_name",),
    "products": ("name", "description"),
    "customers": (
        *("business_name", "firstname", "lastname", "fullname", "business_and_full_name", "business_then_name"),
        *("phone", "address", "city", "notes"),
    ),
    "contacts": ("name", "phone", "mobile", "address1", "city", "notes"),
    "contracts": ("name", "description", "primary_contact"),
    "tickets": ("subject", "problem_type", "priority", "creator_name_or_email", "sla_name"),
    "comments": ("subject", "body", "tech"),
    "ticket_lines": ("name", "description"),
    "timers": ("notes",),
    "invoices": ("name", "note", "po_number"),
    "invoice_lines": ("item", "name"),
    "payments": ("ref_num", "payment_method"),
    "payment_methods": ("name",),
    "schedules": ("name",),
    "schedule_lines": ("name", "description"),
}
KINDS = (SCRIPT, TURNED, CONTROL, FORGED, FORMULA, MARKUP)
MAILBOX = '"><img src=x onerror=alert(4)>"@shop.example.com'


def spoilt(text):
    """The text with an attack behind it; the same text gets the same one, so that names still agree."""
    return f"{text} {SCRIPT} {KINDS[sum(text.encode()) % len(KINDS)]}"


def hostile_desk(folder=None):
    """A desk on the small account, spoilt; `.ws` is the workspace."""
    kept = Sandbox().dump()
    tables = {name: table["rows"] for name, table in kept["account"]["tables"].items()}
    for name, fields in FREE.items():
        for row in tables[name]:
            row.update({field: spoilt(row[field]) for field in fields if isinstance(row.get(field), str)})
    for row in tables["tickets"]:
        row["tag_list"] = [*row["tag_list"], SCRIPT, CONTROL]
    for row in tables["customers"][::5]:
        row["email"] = MAILBOX
    for row in tables["tickets"][-40::9]:
        row["status"] = spoilt(row["status"])
    for row in tables["comments"][-40::3]:
        row["body"] = LONG
    for row in tables["invoices"][::9]:
        row["number"] = spoilt(row["number"])
    kept["switches"]["statuses"] = [*kept["switches"]["statuses"], SCRIPT]
    still = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    return Desk(Path(folder or tempfile.mkdtemp()), Sandbox.load(kept, clock=lambda: still))
