"""The receipt of a batch as files: a workbook for people, a document for programs. Every chosen ticket is in both.

    save_receipt(ws.batches.receipt(name), "receipts", zone=ws.zone)

The workbook has four sheets: the tickets with what became of each, every time entry with how the policy came to it, the totals,
and whose batch it is. Amounts are cells of money there, and whole cents in the document; text is never a formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from . import export, frames
from .errors import InputError
from .escape import line
from .money import total
from .tables import Column
from .writes.batchreceipt import STATES, BatchReceipt, BatchRow

if TYPE_CHECKING:
    import pandas as pd

TOTALS: Mapping[str, Column] = {
    "state": Column("str", "what became of the tickets"),
    "tickets": Column("int64", "how many"),
    "confirmed_cents": Column("int64", "what was confirmed for them, in cents"),
    "invoiced_cents": Column("int64", "the total of their invoices as read back, in cents"),
    "meaning": Column("str", "what the state means"),
}
REASONS: Mapping[str, Column] = {
    "ticket": Column("int64", "ticket number, as people see it"),
    "customer": Column("str", "business name, else the person's"),
    "why": Column("str", "a time entry, and how the policy came to its amount"),
}
FACTS: Mapping[str, Column] = {"what": Column("str", "name"), "value": Column("str", "value")}


def save_receipt(
    receipt: BatchReceipt, folder: Path | str, *, zone: ZoneInfo | None = None
) -> tuple[export.Written, export.Written]:
    """Write a receipt into a folder as .xlsx and .json; the folder is made if need be. A file that is there stays.

    `zone`: the account's time zone, for the days in the name and in the workbook. Raises InputError.
    """
    try:
        place = Path(folder).expanduser()
        place.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError, ValueError) as error:  # the latter: a home folder that is none, a NUL
        why = getattr(error, "strerror", None) or error
        raise InputError(f"the folder {line(folder)[:200]} cannot be made: {why}") from None
    zone = zone or ZoneInfo("UTC")
    name = f"receipt {receipt.batch.name} {receipt.as_of.astimezone(zone):%Y-%m-%d}"
    sheets = {"Entries": _reasons(receipt), "Totals": _totals(receipt), "Batch": _facts(receipt, zone)}
    book = export.write(receipt.frame(), place / f"{name}.xlsx", sheets=sheets, zone=zone, rename=True, title="Tickets")
    return book, export.write_document(receipt.as_json(), place / f"{name}.json", rename=True)


def _totals(receipt: BatchReceipt) -> pd.DataFrame:
    parts = {state: ([row for row in receipt.rows if row.state == state], words) for state, words in STATES.items()}
    parts["all"] = (list(receipt.rows), "every ticket that was chosen")
    return frames.frame(TOTALS, (_total_row(state, rows, words) for state, (rows, words) in parts.items()))


def _total_row(state: str, rows: list[BatchRow], meaning: str) -> tuple[str, int, int, int, str]:
    confirmed = total(row.confirmed_cents or 0 for row in rows)
    invoiced = total(row.invoice["total_cents"] for row in rows if row.invoice)
    return state, len(rows), confirmed, invoiced, meaning


def _reasons(receipt: BatchReceipt) -> pd.DataFrame:
    items = [row.item for row in receipt.rows]
    return frames.frame(REASONS, ((item.number, item.customer, why) for item in items for why in item.reasons))


def _facts(receipt: BatchReceipt, zone: ZoneInfo) -> pd.DataFrame:
    batch = receipt.batch
    rows = [
        ("Batch", batch.name),
        ("Account", batch.account),
        ("Confirmed by", batch.confirmed_by),
        ("Confirmed at", f"{batch.confirmed_at.astimezone(zone):%Y-%m-%d %H:%M:%S} ({zone.key})"),
        ("Includes tax", "yes" if batch.is_taxed else "no: a tax rate was not known"),
        ("As of", f"{receipt.as_of.astimezone(zone):%Y-%m-%d %H:%M:%S} ({zone.key}), by Syncro's clock"),
        ("Outcome", receipt.message),
    ]
    return frames.frame(FACTS, rows)
