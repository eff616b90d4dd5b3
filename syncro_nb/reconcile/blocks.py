"""The prepaid ledger: hours sold, drawn and left for each customer with a block, every draw with its invoice line.

Syncro shows only how many hours are left. What happened to them is rebuilt here: hours come in with invoice lines in category
"Prepay Hours", and go out with labour lines that an invoice takes at $0.00 from a customer who has some left. Each reading of
the hours that the mirror keeps (`prepaid`) is held against that; what does not come out is a row of its own, never hidden.
"""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from .. import terms
from ..books import Books
from ..config import House
from ..frames import frame, of_columns
from ..tables import INSTANT, MILLION, Column

SOLD, DRAWN, READ, OPENING, UNEXPLAINED = "sold", "drawn", "read", "opening", "unexplained"
_ORDER = (OPENING, SOLD, DRAWN, UNEXPLAINED, READ)
PREPAY_CATEGORY = "Prepay Hours"
HOURLESS = ("travel", "prepay-sale", "contract")  # labour products whose quantity is no time
BURN_DAYS = 28
LOW_DAYS = 10

MOVES = {
    "customer_id": Column("int64", "customer id"),
    "customer": Column("str", "business name, else the person's"),
    "at": Column(INSTANT, "when: the invoice was made, or the hours were read"),
    "what": Column(
        "category",
        "opening (what was left before the first record), sold, drawn, read (Syncro's own figure), or unexplained",
    ),
    "hours": Column("float64", "hours, for reading; negative where they go out; of a reading the change of nothing: 0"),
    "balance_hours": Column("float64", "hours left after it, for reading"),
    "hours_millionths": Column("int64", "the same, exactly, in millionths"),
    "balance_millionths": Column("int64", "the same, exactly, in millionths"),
    "invoice": Column("str", "invoice number; empty for a reading"),
    "line_id": Column("Int64", "id of the invoice line"),
    "ticket": Column("Int64", "number of the ticket that the invoice names"),
    "text": Column("str", "the line's text, or what is to be said"),
}
BLOCKS = {
    "customer": Column("str", "business name, else the person's"),
    "sold_hours": Column("float64", "hours sold, over all that is known"),
    "drawn_hours": Column("float64", "hours drawn by invoices, over all that is known"),
    "unexplained_hours": Column("float64", "changes between readings that no invoice explains, sizes added up"),
    "left_hours": Column("float64", "hours left by the last reading; absent: they were never read"),
    "drawn_28_days_hours": Column("float64", f"hours drawn in the last {BURN_DAYS} days"),
    "days_left": Column(
        "Float64", f"days that they last at the burn of the last {BURN_DAYS}; absent: nothing was drawn"
    ),
    "low": Column("bool", f"none left, or less than {LOW_DAYS} days"),
    "readings": Column("int64", "how often the hours were read at different values"),
    "read_at": Column(INSTANT, "when they were last read"),
    "left_millionths": Column("Int64", "hours left, exactly, in millionths; absent: they were never read"),
    "customer_id": Column("int64", "customer id"),
}


def moves(books: Books, house: House) -> pd.DataFrame:
    """Every movement and reading of the hours of customers with a block (MOVES), by customer and time."""
    readings = _readings(books)
    lines = _lines(books, house)
    holders = set(readings.loc[readings["hours_millionths"].ne(0), "customer_id"]) | set(
        lines.loc[lines["what"] == SOLD, "customer_id"]
    )
    names = books.table("customers", ["customer_id", "name"]).set_index("customer_id")["name"]
    rows = []
    every = pd.concat([lines, readings], ignore_index=True)
    every = every[every["customer_id"].isin(holders)]
    every["rank"] = every["what"].map({what: at for at, what in enumerate(_ORDER)}).astype("int64")
    every = every.sort_values(["customer_id", "at", "rank", "line_id"])
    for customer_id, some in every.groupby("customer_id", sort=True):
        rows += _of_customer(int(customer_id), str(names.get(customer_id, "")), some)
    return frame(MOVES, rows)


def _of_customer(customer_id: int, name: str, some: pd.DataFrame) -> list[tuple[object, ...]]:
    """The moves of one customer with the balance after each. Before the first reading it is reckoned backwards."""
    whats, amounts = some["what"].tolist(), [int(one) for one in some["hours_millionths"]]
    first = whats.index(READ) if READ in whats else None
    balance = 0 if first is None else amounts[first] - sum(amounts[:first])
    nothing = ("", None, None)
    rows: list[tuple[object, ...]] = []

    def put(at: object, what: str, hours: int, source: tuple[object, ...], text: str) -> None:
        exact = (hours / MILLION, balance / MILLION, hours, balance)
        rows.append((customer_id, name, at, what, *exact, *source, text))

    if balance:
        put(some["at"].iloc[0], OPENING, balance, nothing, "left before the first record that is known")
    for row in some.itertuples(index=False):
        amount = int(row.hours_millionths)
        if row.what == READ:
            if amount != balance:
                difference, balance = amount - balance, amount
                put(
                    row.at, UNEXPLAINED, difference, nothing, "Syncro's figure changed by this, and no invoice says why"
                )
            put(row.at, READ, 0, nothing, "read from Syncro")
            continue
        balance += amount
        source = (str(row.invoice), int(row.line_id), None if pd.isna(row.ticket) else int(row.ticket))
        put(row.at, str(row.what), amount, source, str(row.text))
    return rows


def blocks(books: Books, house: House) -> pd.DataFrame:
    """One row for each customer with a block (BLOCKS): sold, drawn, unexplained, left, and how long that lasts."""
    every = moves(books, house)
    since = pd.Timestamp(books.as_of) - timedelta(days=BURN_DAYS)
    rows: list[tuple[object, ...]] = []
    for (customer_id, name), some in every.groupby(["customer_id", "customer"], sort=False):
        exact = some["hours_millionths"]
        drawn = some["what"] == DRAWN
        recent = -int(exact[drawn & (some["at"] > since)].sum())
        readings = some[some["what"] == READ]
        left = int(readings["balance_millionths"].iloc[-1]) if len(readings) else None
        lasts = left * BURN_DAYS / recent if recent > 0 and left is not None else None
        low = (left is not None and left <= 0) or (lasts is not None and lasts < LOW_DAYS)
        unexplained = int(exact[some["what"] == UNEXPLAINED].abs().sum())
        sold, out = int(exact[some["what"] == SOLD].sum()), -int(exact[drawn].sum())
        rest = float("nan") if left is None else left / MILLION
        hours = (sold / MILLION, out / MILLION, unexplained / MILLION, rest, recent / MILLION)
        read_at = readings["at"].iloc[-1] if len(readings) else None
        rows.append((name, *hours, lasts, low, len(readings), read_at, left, customer_id))
    made = frame(BLOCKS, rows)
    return made.sort_values(["days_left", "left_hours", "customer_id"], na_position="last", ignore_index=True)


def _readings(books: Books) -> pd.DataFrame:
    """The readings of every customer's hours; no hours at all count as 0 once there were some."""
    read = books.table("prepaid", ["customer_id", "read_at", "prepaid_millionths"])
    return pd.DataFrame(
        {
            "customer_id": read["customer_id"].astype("Int64"),
            "at": read["read_at"],
            "what": READ,
            "hours_millionths": read["prepaid_millionths"].fillna(0).astype("int64"),
            "invoice": "",
            "line_id": pd.Series(pd.NA, index=read.index, dtype="Int64"),
            "ticket": pd.Series(pd.NA, index=read.index, dtype="Int64"),
            "text": "",
        }
    )


def _lines(books: Books, house: House) -> pd.DataFrame:
    """Invoice lines that sell prepaid hours, and labour that invoices took at nothing."""
    names = [
        "line_id",
        "invoice_id",
        "product_id",
        "name",
        "description",
        "category",
        "quantity_millionths",
        "price_cents",
    ]
    lines = books.table("invoice_lines", names)
    products = books.table("products", ["product_id", "category"])
    sold = sells_hours(lines, products)
    kinds = terms.kind(lines, products, house).astype("str")
    drawn = ~sold & terms.is_labour(kinds) & ~kinds.isin(HOURLESS) & lines["price_cents"].eq(0)
    lines = lines[sold | drawn].assign(what=sold.map({True: SOLD, False: DRAWN}))
    invoices = books.table("invoices", ["invoice_id", "number", "customer_id", "ticket_id", "created_at", "dated_on"])
    invoices = invoices.assign(
        at=invoices["created_at"].fillna(invoices["dated_on"].dt.tz_localize("UTC")).astype(INSTANT)
    )
    tickets = books.table("tickets", ["ticket_id", "number"])
    found = terms.look_up(
        lines["invoice_id"], invoices, "invoice_id",
        {"customer_id": "customer_id", "at": "at", "invoice": "number", "ticket_id": "ticket_id"},
    )  # fmt: skip
    ticket = terms.look_up(found["ticket_id"], tickets, "ticket_id", {"ticket": "number"})["ticket"]
    text = lines["description"].where(lines["description"].ne(""), lines["name"])
    rows = pd.DataFrame(
        {
            "customer_id": found["customer_id"],
            "at": found["at"],
            "what": lines["what"],
            "hours_millionths": lines["quantity_millionths"].where(
                lines["what"] == SOLD, -lines["quantity_millionths"]
            ),
            "invoice": found["invoice"],
            "line_id": lines["line_id"].astype("Int64"),
            "ticket": ticket,
            "text": text,
        }
    )
    return rows[rows["customer_id"].notna() & rows["at"].notna()]


def sells_hours(lines: pd.DataFrame, products: pd.DataFrame) -> pd.Series:
    """Which invoice lines (`product_id`, `category`) sell prepaid hours: by their product's category path, else their own."""
    found = terms.look_up(lines["product_id"], products, "product_id", {"path": "category"})["path"]
    path, own = (one.astype(object).fillna("").astype("str") for one in (found, lines["category"]))
    return path.where(path.ne(""), own).str.split(";").str[-1].str.strip().eq(PREPAY_CATEGORY)


def of_customer(every: pd.DataFrame, customer_id: int) -> pd.DataFrame:
    """The moves (MOVES) of one customer, in order."""
    return of_columns(MOVES, every[every["customer_id"] == customer_id])
