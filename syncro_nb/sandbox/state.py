"""The account's data: plain rows in tables, found by id and by a few indexed fields.

A row is a dict of what JSON can hold. Its keys are Syncro's own names; its values are kept in a form that can be
computed with: instants in milliseconds (`times`), money in whole cents (`..._cents`), quantities as decimal strings,
calendar days as "2026-03-31". Only `render` turns rows into Syncro's JSON.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from copy import deepcopy
from datetime import date
from typing import Any

from .switches import Switches

Row = dict[str, Any]

ACCOUNT_ID = 48213

# name: (id before the first, indexed fields). Ids of nine digits, as in production, and of another range per table.
_TABLES: dict[str, tuple[int, tuple[str, ...]]] = {
    "users": (105_310_218, ()),
    "products": (9_300_000, ()),
    "customers": (312_540_017, ()),
    "contacts": (142_871_330, ("customer_id",)),
    "phones": (164_200_541, ("customer_id",)),
    "contracts": (110_402_900, ("customer_id",)),
    "tickets": (108_430_102, ("customer_id", "number")),
    "comments": (421_007_315, ("ticket_id",)),
    "ticket_lines": (236_118_204, ("ticket_id",)),
    "timers": (187_553_009, ("ticket_id",)),
    "invoices": (163_904_411, ("customer_id", "number", "ticket_id")),
    "invoice_lines": (352_771_840, ("invoice_id", "estimate_id")),
    "payments": (129_066_273, ("customer_id",)),
    "payment_methods": (102_430_700, ()),
    "estimates": (114_805_332, ("customer_id",)),
    "schedules": (101_778_050, ("customer_id",)),
    "schedule_lines": (118_660_127, ("schedule_id",)),
    "timelogs": (133_245_871, ("user_id",)),
}


class Table:
    """Rows by id, in the order in which they were made."""

    def __init__(self, last_id: int, indexed: tuple[str, ...] = ()) -> None:
        self.rows: dict[int, Row] = {}
        self._in_order: list[Row] | None = []  # the same rows; None when it must be made anew
        self.last_id = last_id
        self._indexes: dict[str, dict[Any, list[int]]] = {name: defaultdict(list) for name in indexed}

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def next_id(self) -> int:
        """The id of the row that is made next."""
        return self.last_id + 3 + self.last_id % 11

    def add(self, row: Row) -> Row:
        """Keep a row; without an "id" it gets the next one. Ids rise, with gaps, as on a service with many accounts."""
        if "id" not in row:
            row = {"id": self.next_id(), **row}
        self.last_id = max(self.last_id, row["id"])
        if self._in_order is not None and row["id"] not in self.rows:
            self._in_order.append(row)
        else:
            self._in_order = None
        self.rows[row["id"]] = row
        for name, index in self._indexes.items():
            index[row.get(name)].append(row["id"])
        return row

    def get(self, row_id: int | None) -> Row | None:
        """The row with this id, or None."""
        return None if row_id is None else self.rows.get(row_id)

    def change(self, row: Row, values: Row) -> None:
        """Set some values of a row that is in this table."""
        for name in values.keys() & self._indexes.keys():
            self._forget(name, row)
            self._indexes[name][values[name]].append(row["id"])
        row.update(values)

    def remove(self, row: Row) -> None:
        """Drop a row."""
        del self.rows[row["id"]]
        self._in_order = None
        for name in self._indexes:
            self._forget(name, row)

    def in_order(self) -> Sequence[Row]:
        """All rows, the oldest first, without a search through a long table."""
        if self._in_order is None:
            self._in_order = list(self.rows.values())
        return self._in_order

    def where(self, name: str, value: object) -> list[Row]:
        """The rows that have this value in an indexed field, oldest first."""
        return [self.rows[row_id] for row_id in sorted(self._indexes[name].get(value, ()))]

    def count(self, name: str, value: object) -> int:
        """How many rows have this value in an indexed field."""
        return len(self._indexes[name].get(value, ()))

    def _forget(self, name: str, row: Row) -> None:
        ids = self._indexes[name][row.get(name)]
        ids.remove(row["id"])
        if not ids:
            del self._indexes[name][row.get(name)]


class Account:
    """One Syncro account: its tables, its next numbers, its settings, and the technician whose key is used."""

    def __init__(self, today: date, switches: Switches) -> None:
        self.today = today
        self.switches = switches
        self.next_ticket_number = 1
        self.next_invoice_number = 1
        self.owner_id = 0
        self.default_labor_product_id: int | None = None
        self.found: dict[
            tuple[Any, ...], list[Row]
        ] = {}  # the rows of lists that were asked for, see `lists.remembered`
        self.answers: Row = {}  # what is planted in the demo data, by rule
        self.coming: list[Row] = []  # what will happen when the clock is moved on
        self.ledger: list[Row] = []  # how the bookkeeper's copy differs
        self._tables = {name: Table(*parts) for name, parts in _TABLES.items()}
        self.users = self._tables["users"]
        self.products = self._tables["products"]
        self.customers = self._tables["customers"]
        self.contacts = self._tables["contacts"]
        self.phones = self._tables["phones"]
        self.contracts = self._tables["contracts"]
        self.tickets = self._tables["tickets"]
        self.comments = self._tables["comments"]
        self.ticket_lines = self._tables["ticket_lines"]
        self.timers = self._tables["timers"]
        self.invoices = self._tables["invoices"]
        self.invoice_lines = self._tables["invoice_lines"]
        self.payments = self._tables["payments"]
        self.payment_methods = self._tables["payment_methods"]
        self.estimates = self._tables["estimates"]
        self.schedules = self._tables["schedules"]
        self.schedule_lines = self._tables["schedule_lines"]
        self.timelogs = self._tables["timelogs"]

    @property
    def owner(self) -> Row:
        """The technician whose key is used."""
        return self.users.rows[self.owner_id]

    def dump(self) -> dict[str, Any]:
        """Everything but the switches, as JSON can hold it."""
        return {
            "today": self.today.isoformat(),
            "owner_id": self.owner_id,
            "default_labor_product_id": self.default_labor_product_id,
            "next_ticket_number": self.next_ticket_number,
            "next_invoice_number": self.next_invoice_number,
            "answers": self.answers,
            "coming": self.coming,
            "ledger": self.ledger,
            "tables": {
                name: {"last_id": table.last_id, "rows": [dict(row) for row in table]}
                for name, table in self._tables.items()
            },
        }

    @classmethod
    def load(cls, data: dict[str, Any], switches: Switches) -> Account:
        """The account that was dumped."""
        account = cls(date.fromisoformat(data["today"]), switches)
        for name in ("owner_id", "default_labor_product_id", "next_ticket_number", "next_invoice_number"):
            setattr(account, name, data[name])
        for name in ("answers", "coming", "ledger"):
            setattr(account, name, deepcopy(data.get(name) or getattr(account, name)))
        for name, kept in data["tables"].items():
            table = account._tables[name]
            for row in kept["rows"]:
                table.add(dict(row))
            table.last_id = kept["last_id"]
        return account


def is_resolved(status: str | None) -> bool:
    """Whether a ticket of this status is off the desk."""
    return str(status).startswith("Resolved") or status in ("Invoiced", "Closed")
