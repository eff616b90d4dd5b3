"""Rules on prepaid hours: what was drawn against what was sold and worked."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from .. import terms
from ..policy import FREE_KINDS, Policy
from .arithmetic import NO_ID, among, at, has_word, ids, line_amount, sum_by
from .charges import OfTicket
from .finding import Found, Lack, hits
from .inputs import Billed, Catalogue, is_prepay
from .registry import rule

BlockRate = Callable[[pd.DataFrame], pd.Series]


def _priced(rows: pd.DataFrame, block_rate: BlockRate, day: str) -> tuple[pd.DataFrame, tuple[Lack, ...]]:
    """Rows with the rate_cents of their customer's block; those for which no rate is known are left out and said."""
    rows = rows.assign(rate_cents=block_rate(rows))
    unknown = rows["rate_cents"].isna()
    if not unknown.any():
        return rows.astype({"rate_cents": "int64"}), ()
    reason = (
        "what an hour of the block is worth is not known: none is in syncro.yaml, none was sold, and remote labour has no "
        "price"
    )
    lacks = (Lack(reason, int(unknown.sum()), rows.loc[unknown, day]),)
    return rows[~unknown].astype({"rate_cents": "int64"}), lacks


@rule("block-draw", "S1", whole=("invoices", "invoice_lines"), says=("prepaid",))
def block_draw(
    prepaid: pd.DataFrame,
    customers: pd.DataFrame,
    invoices: pd.DataFrame,
    invoice_lines: pd.DataFrame,
    catalogue: Catalogue,
    block_rate: BlockRate,
    zone: ZoneInfo,
) -> Found:
    """A customer's prepaid hours did not move as the hours that were sold and invoiced say.

    Compared are two readings of the balance that follow each other, the customer's present one included, with the lines
    of the invoices that were made between them: hours sold (category "Prepay Hours") less hours of labour. Labour that
    was billed in cash may or may not have been drawn: either is right here. A customer with one reading only cannot be
    judged.
    """
    present = customers[customers["detail_at"].notna().to_numpy()]
    reads = pd.concat(
        [
            prepaid[["customer_id", "read_at", "prepaid_millionths"]],
            present[["customer_id", "prepaid_millionths"]].assign(read_at=present["detail_at"]),
        ],
        ignore_index=True,
    )
    held = reads.loc[reads["prepaid_millionths"].notna(), "customer_id"]
    reads = reads[reads["customer_id"].isin(held.unique())]
    reads = reads.drop_duplicates(["customer_id", "read_at"]).sort_values(["customer_id", "read_at"])
    same = reads["customer_id"] == reads["customer_id"].shift()
    balance = reads["prepaid_millionths"].fillna(0).astype("int64")
    rows = pd.DataFrame(
        {
            "customer_id": reads["customer_id"].astype("Int64"),
            "from_at": reads["read_at"].shift(),
            "to_at": reads["read_at"],
            "before": balance.shift().fillna(0).astype("int64"),
            "after": balance,
        }
    )[same]
    alone = set(map(int, held.unique())) - set(map(int, rows["customer_id"]))
    lacks: tuple[Lack, ...] = ()
    if alone:
        lacks = (Lack("prepaid hours were read only once, so no draw can be seen yet", len(alone)),)
    if not len(rows):
        return Found([], lacks)
    owner = invoice_lines["customer_id"].to_numpy()
    sold = is_prepay(invoice_lines, catalogue)
    labour = invoice_lines["labour"].to_numpy() & ~sold
    wanted = among(owner, ids(rows["customer_id"])) & (sold | labour)
    lines = invoice_lines[wanted]
    moved = lines.assign(
        made=invoices["created_at"].iloc[lines["place"]].to_numpy(),
        sold=np.where(sold[wanted], lines["quantity_millionths"], 0),
        drawn=np.where(labour[wanted], lines["quantity_millionths"], 0),
        cash=np.where(labour[wanted] & (lines["price_cents"] != 0), lines["quantity_millionths"], 0),
    )[["customer_id", "invoice_id", "made", "sold", "drawn", "cash"]]
    rows = rows.reset_index(drop=True)
    moved["made"] = pd.to_datetime(moved["made"], utc=True).astype("datetime64[us, UTC]")
    first = at(moved["customer_id"], rows.sort_values("from_at"), "customer_id", "from_at")
    last = at(moved["customer_id"], rows.sort_values("to_at", ascending=False), "customer_id", "to_at")
    moved = moved[(moved["made"] > first) & (moved["made"] <= last)]
    # Readings of a customer follow each other without a gap, so each line belongs to the first reading after it.
    span = _span(rows, moved)
    for name in ("sold", "drawn", "cash"):
        rows[name] = sum_by(span.to_numpy(dtype="int64"), moved[name].to_numpy()).at(rows.index.to_numpy())
    latest = moved.assign(span=span).sort_values("made", ascending=False)
    rows["last_made"] = at(rows.index.to_series(), latest, "span", "made")
    invoice_ids: dict[int, set[int]] = {}
    for one, invoice in zip(span.tolist(), ids(moved["invoice_id"]).tolist(), strict=True):
        invoice_ids.setdefault(one, set()).add(invoice)
    off = rows["after"] - rows["before"] - (rows["sold"] - rows["drawn"])
    rows["off"] = off
    rows = rows[(off != 0) & (off != rows["cash"])]
    rows = rows.assign(
        invoice_ids=pd.Series([sorted(invoice_ids.get(one, ())) for one in rows.index], index=rows.index, dtype=object),
        on=terms.local_day(rows["last_made"].fillna(rows["to_at"]), zone),
        customer=terms.look_up(rows["customer_id"], customers, "customer_id", {"name": "name"})["name"],
    )
    rows, unpriced = _priced(rows, block_rate, "on")
    lacks += unpriced
    for name in ("before", "after", "sold", "drawn", "off"):
        rows[f"{name}_hours"] = rows[name] / 1_000_000
    return Found(
        hits(
            rows,
            about=("customer_id", "from_at"),
            severity="S1",
            direction=np.where(rows["off"] > 0, "leak", "over"),
            amount=np.abs(line_amount(rows["off"], rows["rate_cents"])),
            exact=False,
            on="on",
            evidence=(
                *("from_at", "to_at", "before_hours", "after_hours", "sold_hours", "drawn_hours", "off_hours"),
                *("rate_cents", "invoice_ids"),
            ),
            claims={"draw": "customer_id"},
            message=lambda e: (
                f"Prepaid hours went from {e['before_hours']:g} to {e['after_hours']:g}; {e['sold_hours']:g} h were sold and "
                f"{e['drawn_hours']:g} h of labour invoiced"
            ),
        ),
        lacks,
    )


def _span(rows: pd.DataFrame, moved: pd.DataFrame) -> pd.Series:
    """For each line the row of the readings between which its invoice was made."""
    ends = rows[["customer_id", "to_at"]].assign(span=rows.index, customer_id=rows["customer_id"].astype("int64"))
    found = pd.merge_asof(
        moved.assign(order=np.arange(len(moved))).sort_values("made"),
        ends.sort_values("to_at"),
        left_on="made",
        right_on="to_at",
        by="customer_id",
        direction="forward",
    )
    return found.sort_values("order")["span"].set_axis(moved.index)


@rule("block-on-free-work", "S1", says=("charges", "prepaid"))
def block_on_free_work(
    charges: pd.DataFrame,
    invoices: pd.DataFrame,
    invoice_lines: pd.DataFrame,
    tickets: pd.DataFrame,
    billed: Billed,
    blocks: frozenset[int],
    catalogue: Catalogue,
    block_rate: BlockRate,
    of_ticket: OfTicket,
    policy: Policy,
) -> Found:
    """Work that was meant to be free stands on an invoice of a customer with prepaid hours, so Syncro drew hours for
    it.

    Free is a labour line (category Labor) at $0.00 that is at $0.00 on its ticket, too: ordinary work has its price
    there, and is drawn as it should be. A free line that came from no ticket is only found where its text has a reason,
    or its product is internal or warranty work. An invoice whose ticket was not read is not evaluated.
    """
    owner = invoice_lines["customer_id"].to_numpy()
    free = (invoice_lines["price_cents"] == 0).to_numpy() & invoice_lines["labour"].to_numpy()
    free &= (invoice_lines["quantity_millionths"] > 0).to_numpy() & among(owner, list(blocks))
    places = np.flatnonzero(free)
    source = billed.charge[places]
    rows = invoice_lines.iloc[places].assign(source=source)
    told = source >= 0
    spots = np.where(told, source, 0)
    price = charges["price_cents"].to_numpy()[spots] if len(charges) else np.zeros(len(rows), dtype="int64")
    meant = told & (price == 0)
    loose = ~told & (rows["ticket_id"] == NO_ID).to_numpy()
    texts = rows["name"].where(loose, "") + " \n " + rows["description"].where(loose, "")
    meant |= loose & (has_word(texts, policy.reasons) | rows["kind"].isin(FREE_KINDS).to_numpy())
    is_read = np.append(tickets["is_read"].to_numpy(), False)[rows["ticket"].to_numpy()]
    unknown = ~told & (rows["ticket_id"] != NO_ID).to_numpy() & ~is_read
    lacks: tuple[Lack, ...] = ()
    if unknown.any():
        reason = "the ticket of the invoice was not read, so whether the work was meant to be free is not known"
        days = invoices["day"].iloc[rows["place"][unknown]]
        lacks = (Lack(reason, int(unknown.sum()), days),)
    rows, source = rows[meant], source[meant]
    told = source >= 0
    spots = np.where(told, source, 0)
    line = pd.array(
        charges["line_id"].to_numpy()[spots] if len(charges) else np.zeros(len(rows), "int64"), dtype="Int64"
    )
    invoice = invoices.iloc[rows["place"]]
    rows = rows.rename(columns={"line_id": "invoice_line_id"}).assign(
        line_id=line,
        customer=invoice["customer"].to_numpy(),
        on=invoice["day"].to_numpy(),
        quantity=rows["quantity_millionths"] / 1_000_000,
    )
    rows.loc[~told, "line_id"] = pd.NA
    rows["ticket_id"] = rows["ticket_id"].where(rows["ticket_id"] != NO_ID).astype("Int64")
    rows, unpriced = _priced(rows, block_rate, "on")
    lacks += unpriced
    return Found(
        hits(
            rows,
            about=("invoice_line_id",),
            severity="S1",
            direction="over",
            amount=line_amount(rows["quantity_millionths"], rows["rate_cents"]),
            exact=False,
            on="on",
            evidence=("line_id", "invoice_line_id", "quantity", "rate_cents", "product_id"),
            claims={"free": "invoice_line_id"},
            message=lambda e: f"{e['quantity']:g} h of free work were drawn from the prepaid hours",
        ),
        lacks,
    )


# ---------------------------------------------------------------- cash beside a block, and blocks that run out


@rule("cash-while-block", "S1")
def cash_while_block(
    invoices: pd.DataFrame,
    invoice_lines: pd.DataFrame,
    prepaid: pd.DataFrame,
    blocks: frozenset[int],
    catalogue: Catalogue,
    billed: Billed,
    charges: pd.DataFrame,
    zone: ZoneInfo,
) -> Found:
    """A customer had prepaid hours left, and labour was billed in cash.

    Hours were left if the last reading before the invoice was above nothing and no other invoice lies between; or if the next
    reading after it is, and no hours were sold in between. Otherwise nobody knows, and the invoice is not evaluated. At most as
    many hours are too much as were left. Travel and hours sold are no time.
    """
    made = invoices["created_at"].to_numpy()[invoice_lines["place"].to_numpy()] if len(invoices) else np.zeros(0)
    owner = invoice_lines["customer_id"].to_numpy()
    cash = (invoice_lines["timed"] & (invoice_lines["amount_cents"] > 0)).to_numpy() & among(owner, list(blocks))
    cash &= ~invoices["recurs"].to_numpy()[invoice_lines["place"].to_numpy()] if len(invoices) else True
    places = np.flatnonzero(cash)
    if not len(places):
        return Found()
    rows = invoice_lines.iloc[places].assign(at=pd.to_datetime(pd.Series(made[places]), utc=True).to_numpy())
    rows["at"] = pd.to_datetime(rows["at"], utc=True)
    sales = invoice_lines[is_prepay(invoice_lines, catalogue)]
    sold_at: dict[int, list[pd.Timestamp]] = {}
    for customer, place in zip(sales["customer_id"].tolist(), sales["place"].tolist(), strict=True):
        sold_at.setdefault(customer, []).append(invoices["created_at"].iloc[place])
    labour_at: dict[int, list[pd.Timestamp]] = {}
    mine = invoice_lines[invoice_lines["timed"].to_numpy() & among(owner, list(blocks))]
    for customer, place in set(zip(mine["customer_id"].tolist(), mine["place"].tolist(), strict=True)):
        labour_at.setdefault(customer, []).append(invoices["created_at"].iloc[place])
    readings: dict[int, list[tuple[pd.Timestamp, int]]] = {}
    known = prepaid[prepaid["prepaid_millionths"].notna()].sort_values("read_at")
    for customer, when, left in known[["customer_id", "read_at", "prepaid_millionths"]].itertuples(index=False):
        readings.setdefault(int(customer), []).append((when, int(left)))
    left = [
        _left(when, readings.get(customer, []), sold_at.get(customer, []), labour_at.get(customer, []))
        for customer, when in zip(rows["customer_id"].tolist(), rows["at"], strict=True)
    ]
    rows["left"] = pd.array(left, dtype="Int64")
    days = invoices["day"].iloc[rows["place"]].set_axis(rows.index)
    unknown = rows["left"].isna()
    lacks: tuple[Lack, ...] = ()
    if unknown.any():
        reason = "whether prepaid hours were left when the invoice was made is not known: no reading says it"
        lacks = (Lack(reason, int(rows.loc[unknown, "invoice_id"].nunique()), days[unknown]),)
    rows = rows[(rows["left"].fillna(0) > 0).to_numpy(dtype=bool)].copy()
    # Hours that were left go to the lines of an invoice in their order.
    before = rows.groupby("invoice_id")["quantity_millionths"].cumsum() - rows["quantity_millionths"]
    hours = np.minimum(rows["quantity_millionths"], (rows["left"].astype("int64") - before).clip(lower=0))
    rows = rows.assign(hours_over=hours)[(hours > 0).to_numpy()]
    source = billed.charge[invoice_lines.index.get_indexer(rows.index)]
    told = source >= 0
    line = charges["line_id"].to_numpy()[np.where(told, source, 0)] if len(charges) else np.zeros(len(rows), "int64")
    invoice = invoices.iloc[rows["place"]]
    rows = rows.rename(columns={"line_id": "invoice_line_id"}).assign(
        line_id=pd.array(line, dtype="Int64"),
        customer=invoice["customer"].to_numpy(),
        on=invoice["day"].to_numpy(),
        quantity=rows["quantity_millionths"] / 1_000_000,
        left_hours=rows["left"].astype("float64") / 1_000_000,
    )
    rows.loc[~told, "line_id"] = pd.NA
    rows["ticket_id"] = rows["ticket_id"].where(rows["ticket_id"] != NO_ID).astype("Int64")
    # The dollars of a line have one name, whether it stands on the ticket or on the invoice.
    rows["dollar"] = (
        rows["line_id"].astype("str").where(rows["line_id"].notna(), "i" + rows["invoice_line_id"].astype("str"))
    )
    return Found(
        hits(
            rows,
            about=("invoice_line_id",),
            severity="S1",
            direction="over",
            amount=line_amount(rows["hours_over"], rows["price_cents"]),
            on="on",
            evidence=("line_id", "invoice_line_id", "quantity", "price_cents", "left_hours", "product_id"),
            claims={"line": "line_id", "price": "dollar"},
            message=lambda e: (
                f"{e['quantity']:g} h were billed in cash while {e['left_hours']:g} prepaid hours were left"
            ),
        ),
        lacks,
    )


def _left(
    when: pd.Timestamp,
    readings: list[tuple[pd.Timestamp, int]],
    sold: list[pd.Timestamp],
    invoiced: list[pd.Timestamp],
) -> int | None:
    """The hours that were certainly left at an instant, in millionths; 0 for none, None where no reading says it."""
    if pd.isna(when):
        return None
    before = [(at, left) for at, left in readings if at <= when]
    after = [(at, left) for at, left in readings if at > when]
    if before:
        at, left = before[-1]
        between = [one for one in (*sold, *invoiced) if not pd.isna(one) and at < one < when]
        if not between:
            return max(0, left)
    if after:
        at, left = after[0]
        if left > 0 and not any(not pd.isna(one) and when < one <= at for one in sold):
            return left
    return None


@rule("block-low", "S3")
def block_low(
    customers: pd.DataFrame,
    prepaid: pd.DataFrame,
    invoices: pd.DataFrame,
    invoice_lines: pd.DataFrame,
    blocks: frozenset[int],
    unread_customers: frozenset[int],
    block_rate: BlockRate,
    now: pd.Timestamp,
    today: pd.Timestamp,
) -> Found:
    """A customer's prepaid hours are used up, or last for less than ten days as they were used in the last 28.

    Used are the hours of labour that invoices took at $0.00 in these 28 days. What is below nothing is owed: cash, estimated at
    the block rate; where that is not known, the finding has no amount, and that is said. Customers who never had prepaid hours
    are none.
    """
    read = prepaid[prepaid["prepaid_millionths"].notna()].sort_values("read_at")
    last = terms.look_up(
        customers["customer_id"], read.drop_duplicates("customer_id", keep="last"), "customer_id",
        {"left": "prepaid_millionths"},
    )["left"]  # fmt: skip
    rows = customers.assign(left=last.fillna(customers["prepaid_millionths"]))
    rows = rows[rows["customer_id"].isin(list(blocks)).to_numpy()]
    unknown = rows["left"].isna()
    lacks: tuple[Lack, ...] = ()
    if unknown.any() or unread_customers:
        count = int(unknown.sum()) + len(unread_customers - set(rows.loc[unknown, "customer_id"].tolist()))
        lacks = (Lack("the prepaid hours of the customer were not read", count),)
    rows = rows[~unknown]
    lately = invoices["created_at"].fillna(pd.Timestamp(0, tz="UTC")) > now - pd.Timedelta(days=28)
    drawn = invoice_lines["timed"].to_numpy() & (invoice_lines["price_cents"] == 0).to_numpy()
    drawn &= lately.to_numpy()[invoice_lines["place"].to_numpy()] if len(invoices) else True
    burnt = sum_by(
        invoice_lines["customer_id"].to_numpy()[drawn], invoice_lines["quantity_millionths"].to_numpy()[drawn]
    ).at(rows["customer_id"].to_numpy())
    left = rows["left"].to_numpy(dtype="int64")
    low = (left <= 0) | (left * 28 < burnt * 10)
    rows, left, burnt = rows[low], left[low], burnt[low]
    rows = rows.assign(
        customer=rows["name"],
        left_hours=left / 1_000_000,
        drawn_28_days_hours=burnt / 1_000_000,
        days_left=np.where(burnt > 0, np.floor(np.maximum(left, 0) * 28 / np.maximum(burnt, 1)), np.nan),
        on=today,
    )
    rows["rate_cents"] = block_rate(rows)
    owed = np.maximum(-left, 0)
    unpriced = rows["rate_cents"].isna().to_numpy() & (owed > 0)
    if unpriced.any():
        reason = "how much is owed for the hours below nothing is not known, since no price of an hour is"
        lacks += (Lack(reason, int(unpriced.sum()), rows.loc[unpriced, "on"]),)
    return Found(
        hits(
            rows,
            about=("customer_id",),
            severity="S3",
            direction=np.where(unpriced, "none", "cash"),
            amount=line_amount(owed, rows["rate_cents"].fillna(0).astype("int64")),
            exact=False,
            on="on",
            evidence=("left_hours", "drawn_28_days_hours", "days_left", "rate_cents"),
            claims={"block": "customer_id"},
            message=lambda e: (
                f"{e['left_hours']:g} prepaid hours are left"
                + (f", for about {e['days_left']:.0f} days" if e.get("days_left") is not None else "")
            ),
        ),
        lacks,
    )
