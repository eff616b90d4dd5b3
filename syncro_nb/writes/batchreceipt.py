"""What became of a batch, ticket by ticket, for people and programs. Every chosen ticket is in it, whatever happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .. import frames
from ..errors import InputError
from ..escape import clip, line
from ..money import format_cents, total
from ..tables import Column
from .batchbook import CHANGED, GIVEN_UP, KeptBatch, KeptItem
from .journal import Journal
from .plan import Plan
from .receipt import Receipt

if TYPE_CHECKING:
    import pandas as pd

STATES = {
    "done": "billed, read back and verified",
    "accepted": "billed, and a person has let a difference pass",
    "parked": "in doubt or cut off; resume looks and goes on",
    "asked": "a person must say",
    "changed": "not what was confirmed any more; nothing was written",
    "blocked": "could not be billed, and was left out",
    "not begun": "nothing was written yet; resume begins it",
    "abandoned": "a person gave the run up; what was written stays in Syncro",
    "given up": "a person gave it up before anything was written",
}
ROWS: Mapping[str, Column] = {
    "ticket": Column("int64", "ticket number, as people see it"),
    "customer": Column("str", "business name, else the person's"),
    "subject": Column("str", "subject as written"),
    "state": Column("category", "; ".join(f"{name}: {words}" for name, words in STATES.items())),
    "verified": Column("bool", "read back, and exactly as approved"),
    "invoice": Column("str", "invoice number; empty if there is none"),
    "subtotal_cents": Column("Int64", "of the invoice as read back, in cents; absent: none"),
    "tax_cents": Column("Int64", "of the invoice as read back, in cents; absent: none"),
    "total_cents": Column("Int64", "of the invoice as read back, in cents; absent: none"),
    "confirmed_cents": Column(
        "Int64", "what was confirmed, in cents; before tax where its rate was not known; absent: none"
    ),
    "run": Column("str", "name of its run in the journal; empty if none was begun"),
    "question": Column("str", "what a person must know or decide"),
}


@dataclass(frozen=True)
class BatchRow:
    """One ticket of a batch as it stands. `state` is one of STATES; amounts are those of the invoice as it was read back."""

    item: KeptItem
    state: str
    question: str = ""
    receipt: Receipt | None = None

    @property
    def is_verified(self) -> bool:
        """Whether the invoice was read back and is exactly as approved."""
        return self.receipt is not None and self.receipt.is_verified

    @property
    def invoice(self) -> dict[str, Any] | None:
        """Number and amounts of the invoice in cents, once it is there."""
        return self.receipt.invoice if self.receipt else None

    @property
    def confirmed_cents(self) -> int | None:
        """What a person has confirmed for this ticket; None: it was left out."""
        if self.item.plan is None:
            return None
        expected = self.item.plan.expected
        return expected.subtotal_cents if expected.total_cents is None else expected.total_cents

    def as_json(self) -> dict[str, Any]:
        """As the file says it."""
        plan: Plan | None = self.item.plan
        return {
            "ticket": self.item.number,
            "customer": self.item.customer,
            "subject": self.item.subject,
            "state": self.state,
            "verified": self.is_verified,
            "run": self.receipt.run.id if self.receipt else None,
            "invoice": self.invoice,
            "confirmed": plan.expected.as_json() if plan else None,
            "why": list(self.item.reasons),
            "question": self.question,
        }


@dataclass(frozen=True, repr=False)
class BatchReceipt:
    """A batch as it stands. `as_of` is the server's time at which it was asked."""

    batch: KeptBatch
    rows: tuple[BatchRow, ...]
    as_of: datetime
    stopped: str = ""

    def count(self, *states: str) -> int:
        """How many tickets are in one of these states."""
        return sum(row.state in states for row in self.rows)

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing that `resume` could go on with."""
        return not self.count("parked", "not begun")

    @property
    def written_cents(self) -> int:
        """The total of all invoices that were read back, tax included, in cents."""
        return total(row.invoice["total_cents"] for row in self.rows if row.invoice)

    @property
    def message(self) -> str:
        """One sentence: what happened, and what to do next."""
        counts = ", ".join(f"{self.count(state)} {state}" for state in STATES if self.count(state))
        said = f"Batch {self.batch.name}: {counts}; invoices over {format_cents(self.written_cents)}."
        said += f" Stopped: {self.stopped}." if self.stopped else ""
        return said if self.is_finished else f"{said} Resume it to go on."

    def frame(self) -> pd.DataFrame:
        """One row per ticket (ROWS)."""
        return frames.frame(ROWS, (_row(row) for row in self.rows))

    def as_json(self) -> dict[str, Any]:
        """The document that is saved; amounts in cents."""
        return {
            "batch": self.batch.name,
            "account": self.batch.account,
            "confirmed_at": self.batch.confirmed_at.isoformat(),
            "confirmed_by": self.batch.confirmed_by,
            "as_of": self.as_of.isoformat(),
            "confirmed": {
                "tickets": sum(row.item.plan is not None for row in self.rows),
                "total_cents": self.batch.total_cents,
                "includes_tax": self.batch.is_taxed,
            },
            "tickets": [row.as_json() for row in self.rows],
            "totals": {
                **{state: self.count(state) for state in STATES},
                "written_cents": self.written_cents,
                "verified_cents": total(
                    row.invoice["total_cents"] for row in self.rows if row.invoice and row.is_verified
                ),
            },
        }

    def text(self) -> list[str]:
        """One line per ticket, and the message."""
        said = []
        for row in self.rows:
            invoice = (
                f"invoice {row.invoice['number']} {format_cents(row.invoice['total_cents'])}" if row.invoice else ""
            )
            about = clip(row.item.customer, 26)
            said.append(f"#{row.item.number}  {row.state:<10}{about:<28}{invoice}  {line(row.question)}".rstrip())
        return [*said, self.message]

    def __repr__(self) -> str:
        return "\n".join(self.text())


def row_of(item: KeptItem, journal: Journal) -> BatchRow:
    """How a ticket of a batch stands: the journal's word, where a run was opened for it, else what the book has noted."""
    for name in reversed(item.runs):
        try:
            receipt = Receipt(journal.load(name))
        except InputError:
            continue  # the program ended between the two
        if receipt.run.state != "nothing":
            return _of_run(item, receipt)
        if not item.note:
            return BatchRow(item, "not begun", receipt.message)
    if item.plan is None:
        return BatchRow(item, "blocked", "; ".join(item.blockers))
    return BatchRow(item, {CHANGED: "changed", GIVEN_UP: "given up"}.get(item.note_kind, "not begun"), item.note)


def _of_run(item: KeptItem, receipt: Receipt) -> BatchRow:
    run = receipt.run
    if run.state == "abandoned":
        return BatchRow(item, "abandoned", receipt.message, receipt)
    if run.state == "done":
        return BatchRow(item, "done" if receipt.is_verified else "accepted", "", receipt)
    return BatchRow(item, "asked" if receipt.next == "decide" else "parked", receipt.message, receipt)


def _row(row: BatchRow) -> tuple[Any, ...]:
    invoice = row.invoice or {}
    return (
        row.item.number,
        row.item.customer,
        row.item.subject,
        row.state,
        row.is_verified,
        str(invoice.get("number", "")),
        invoice.get("subtotal_cents"),
        invoice.get("tax_cents"),
        invoice.get("total_cents"),
        row.confirmed_cents,
        row.receipt.run.id if row.receipt else "",
        row.question,
    )
