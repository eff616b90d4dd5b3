"""Rules on invoices and agreements that need a second look: sums, emptiness, work that goes on, contracts against schedules."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from .. import terms
from ..money import cents, format_cents
from ..policy import Policy
from .arithmetic import Array, among, has_word, ids, line_amount, net_cents, sum_by
from .charges import FREE_MODES, OfTicket, PaidBy, judged, located
from .finding import Found, Lack, hits
from .inputs import UNREAD, Billed, Rates
from .invoices import unnamed
from .registry import rule
from .time import unread

_CENT = 1


@rule("invoiced-but-open", "S3", says=("charges",))
def invoiced_but_open(
    invoices: pd.DataFrame,
    tickets: pd.DataFrame,
    timers: pd.DataFrame,
    charges: pd.DataFrame,
    zone: ZoneInfo,
) -> Found:
    """An invoice names a ticket that is still open and has work later than it.

    Later work is a timer that began, or a pending labour line that was entered, after the last invoice of the ticket was made.
    """
    bills = invoices[invoices["ticket_id"].notna().to_numpy()]
    ends = (bills["day"].astype("datetime64[us]") + pd.Timedelta(days=1)).dt.tz_localize(
        zone, ambiguous=True, nonexistent="shift_forward"
    )
    bills = bills.assign(made=bills["created_at"].fillna(ends.dt.tz_convert("UTC")))
    bills = bills.sort_values(["made", "invoice_id"]).drop_duplicates("ticket_id", keep="last")
    still = tickets.loc[(~tickets["resolved"]).to_numpy(), "ticket_id"]
    bills = bills[bills["ticket_id"].isin(still) & bills["made"].notna()]
    by_hand = charges[(~charges["converted"] & charges["labour"]).to_numpy()]
    work = pd.concat(
        [
            timers[["ticket_id", "timer_id"]].assign(at=timers["started_at"]),
            by_hand[["ticket_id", "line_id"]].assign(at=by_hand["created_at"]),
        ]
    )
    work = work[work["ticket_id"].isin(ids(bills["ticket_id"])) & work["at"].notna()]
    made = terms.look_up(work["ticket_id"], bills, "ticket_id", {"made": "made"})["made"]
    work = work[(work["at"] > made).to_numpy()].sort_values("at")
    first = work.drop_duplicates("ticket_id")
    rows = bills[bills["ticket_id"].isin(ids(first["ticket_id"]))]
    later = terms.look_up(rows["ticket_id"], first, "ticket_id", {"at": "at"})["at"]
    rows = rows.assign(on=terms.local_day(later, zone), later_work_at=later)
    found = hits(
        rows,
        about=("ticket_id", "invoice_id"),
        severity="S3",
        direction="none",
        on="on",
        evidence=("created_at", "later_work_at"),
        message=lambda e: "The ticket was invoiced, is still open, and has later work that no invoice has",
    )
    concerned = tickets[tickets["ticket_id"].isin(ids(invoices["ticket_id"])) & ~tickets["resolved"]]
    return Found(found, unread(concerned, "their later lines") + unnamed(invoices))


@rule("invoice-arithmetic", "S1", says=("invoice_lines",))
def invoice_arithmetic(invoices: pd.DataFrame, invoice_lines: pd.DataFrame, whole_invoices: Array) -> Found:
    """An invoice does not add up: its lines are not its subtotal, or subtotal and tax not its total, by more than a cent.

    The amount is what lines and tax come to less the total: a leak where the customer was asked for less than that. Lines count
    with their discounts. Subtotals are only looked at where all lines of the invoice are at hand.
    """
    every = np.arange(len(invoices))
    lines = sum_by(invoice_lines["place"].to_numpy(), net_cents(invoice_lines)).at(every)
    subtotal, tax, total = (invoices[name].to_numpy() for name in ("subtotal_cents", "tax_cents", "total_cents"))
    has_lines = among(every, invoice_lines["place"].to_numpy())
    seen = whole_invoices & has_lines
    lacks: tuple[Lack, ...] = ()
    blind = ~whole_invoices
    if blind.any():
        reason = "the lines of the invoice were not all read, so whether they are its subtotal is not known"
        lacks = (Lack(reason, int(blind.sum()), invoices["day"][blind]),)
    wrong_lines = seen & (np.abs(lines - subtotal) > _CENT)
    wrong_total = np.abs(subtotal + tax - total) > _CENT
    wrong = wrong_lines | wrong_total
    rows = invoices[wrong].assign(
        lines_cents=lines[wrong], off=(np.where(wrong_lines, lines, subtotal) + tax - total)[wrong]
    )
    rows["what"] = np.select(
        [(wrong_lines & wrong_total)[wrong], wrong_lines[wrong]],
        ["the lines are not the subtotal, and subtotal and tax are not the total", "the lines are not the subtotal"],
        default="subtotal and tax are not the total",
    )
    rows["lines_cents"] = pd.array(np.where(has_lines[wrong], rows["lines_cents"], 0), dtype="Int64")
    rows.loc[~seen[wrong], "lines_cents"] = pd.NA
    # Where total and lines agree it is the subtotal alone that is wrong.
    found = hits(
        rows,
        about=("invoice_id",),
        severity="S1",
        direction=np.select([rows["off"] > 0, rows["off"] < 0], ["leak", "over"], default="none"),
        amount=rows["off"].abs(),
        on="day",
        evidence=("lines_cents", "subtotal_cents", "tax_cents", "total_cents", "what"),
        claims={"sum": "invoice_id"},
        message=lambda e: (
            f"The invoice does not add up: {e['what']} (subtotal {format_cents(e['subtotal_cents'])}, tax "
            f"{format_cents(e['tax_cents'])}, total {format_cents(e['total_cents'])})"
        ),
    )
    return Found(found, lacks)


@rule("empty-invoice", "S2", says=("invoice_lines",))
def empty_invoice(
    invoices: pd.DataFrame,
    invoice_lines: pd.DataFrame,
    whole_invoices: Array,
    charges: pd.DataFrame,
    billed: Billed,
    of_ticket: OfTicket,
    timers: pd.DataFrame,
    paid_by: PaidBy,
    rates: Rates,
    blocks: frozenset[int],
    policy: Policy,
    zone: ZoneInfo,
) -> Found:
    """An invoice has no lines; or it has labour, comes to $0.00, and no prepaid hours were drawn for it.

    For one without lines the loss is estimated by the converted lines of its ticket that no invoice has, for the other one by
    its hours at their rates. Labour that is free with a reason, under a contract, warranty or internal, is none.
    """
    every = np.arange(len(invoices))
    has_lines = among(every, invoice_lines["place"].to_numpy())
    lacks: tuple[Lack, ...] = ()
    blind = ~has_lines & ~whole_invoices & invoices["detail_at"].isna().to_numpy()
    if blind.any():
        reason = "the lines of the invoice were not read, so whether it has any is not known"
        lacks = (Lack(reason, int(blind.sum()), invoices["day"][blind]),)
    bare = invoices[~has_lines & ~blind]
    lost = charges[(charges["converted"] & (charges["amount_cents"] > 0)).to_numpy() & (billed.line < 0)]
    lost = lost[lost["ticket_id"].isin(ids(bare["ticket_id"]))]
    parts: dict[int, list[tuple[str, int]]] = {}
    for ticket, line, amount in zip(
        ids(lost["ticket_id"]).tolist(), lost["line_id"], lost["amount_cents"], strict=True
    ):
        parts.setdefault(ticket, []).append((f"line:{line}", int(amount)))
    mine = [parts.get(one, []) for one in ids(bare["ticket_id"]).tolist()]
    found = hits(
        bare,
        about=("invoice_id",),
        severity="S2",
        amount=[sum(amount for _, amount in one) for one in mine],
        exact=False,
        on="day",
        evidence=("total_cents", "created_at"),
        parts=mine,
        message=lambda e: "The invoice has no lines",
    )
    nothing = (invoices["total_cents"] == 0).to_numpy()[invoice_lines["place"].to_numpy()]
    owner = among(invoice_lines["customer_id"].to_numpy(), list(blocks))
    theirs = np.flatnonzero(
        nothing & ~owner & (invoice_lines["timed"] & (invoice_lines["quantity_millionths"] > 0)).to_numpy()
    )
    rows = located(
        judged(charges, invoice_lines, np.zeros(0, dtype="int64"), theirs),
        charges,
        invoices,
        billed,
        of_ticket,
        timers,
        zone,
    )
    explained = has_word(rows["said"], policy.reasons) | has_word(rows["tags"], policy.reasons)
    rows = rows[~(explained | has_word(rows["customer_tags"], policy.reasons))]
    mode = paid_by(rows, np.ones(len(rows), dtype=bool))
    unknown = mode == UNREAD
    if unknown.any():
        reason = "whether prepaid hours or a contract pay for the labour of an invoice of $0.00 is not known"
        lacks += (Lack(reason, int(rows.loc[unknown, "invoice_id"].nunique()), None),)
    rows = rows[~unknown & ~mode.isin(FREE_MODES)]
    rows = rows.join(rates.of(rows)[["rate_cents"]])
    rate = rows["rate_cents"].fillna(0).astype("int64")
    rows["worth_cents"] = line_amount(rows["quantity_millionths"], rate)
    rows = rows[rows["worth_cents"] > 0]
    worth: dict[int, list[tuple[str, int]]] = {}
    # Where the ticket line has a price, the difference is what `invoice-vs-ticket` and `zero-line` speak of.
    named = ("price:" + rows["dollar"]).where(rows["vs"].isna(), "vs:" + rows["vs"].astype("str"))
    for number, dollar, amount in zip(ids(rows["invoice_id"]).tolist(), named, rows["worth_cents"], strict=True):
        worth.setdefault(number, []).append((dollar, int(amount)))
    free = invoices[invoices["invoice_id"].isin(list(worth))]
    amounts = [worth[one] for one in free["invoice_id"].tolist()]
    found += hits(
        free,
        about=("invoice_id",),
        severity="S2",
        amount=[sum(amount for _, amount in one) for one in amounts],
        exact=False,
        on="day",
        evidence=("total_cents", "created_at"),
        parts=amounts,
        message=lambda e: "The invoice has labour and comes to $0.00, and the customer has no prepaid hours",
    )
    return Found(found, lacks)


# ---------------------------------------------------------------- contracts


def amount_of(text: str) -> int | None:
    """The amount of a contract as people write it, in cents: "730.00", "$1,250", "30k", "405 / month"; None: unreadable."""
    plain = re.sub(r"(?i)\s*(?:/|per|a|each)?\s*(?:mo|month|monthly|mth)\.?$", "", text.strip())
    found = re.fullmatch(r"(?i)(?:USD|CAD|US\$|\$)?\s*(\d{1,3}(?:,\d{3})+|\d+)?(\.\d+)?\s*(k)?\s*(?:USD|CAD)?", plain)
    if not found or not (found[1] or found[2]):
        return None
    try:
        amount = Decimal((found[1] or "0").replace(",", "") + (found[2] or ""))
        return cents(amount * (1000 if found[3] else 1))
    except (InvalidOperation, ValueError):
        return None


_TIMES_A_YEAR = {
    **{"weekly": 52, "biweekly": 26, "fortnightly": 26, "monthly": 12, "bimonthly": 6, "quarterly": 4},
    **{"semiannually": 2, "semi-annually": 2, "biannually": 2, "annually": 1, "yearly": 1},
}


@rule("contract-vs-schedule", "S2", whole=("schedules", "contracts"))
def contract_vs_schedule(
    contracts: pd.DataFrame,
    schedules: pd.DataFrame,
    timers: pd.DataFrame,
    of_ticket: Callable[[pd.Series], pd.DataFrame],
    today: pd.Timestamp,
    zone: ZoneInfo,
) -> Found:
    """An active contract has no recurring invoice, or one of another amount; or it has ended, counts as active, and work goes on.

    The amount of a contract is that of a month. It agrees if one schedule of the customer has it, by run or by month, or if all
    contracts and all schedules come to the same. A paused schedule bills nothing, and is none. An amount that cannot be read is
    not evaluated ("30k" can); of $0.00 nothing is due. For a contract that has ended nobody can say how much it is.
    """
    active = contracts[(contracts["status"].astype("str").str.strip().str.casefold() == "active").to_numpy()]
    active = active[active["customer_id"].notna().to_numpy() & ~(active["starts_on"] > today).to_numpy()]
    over = (active["ends_on"] < today).to_numpy()
    ended, rows = active[over], active[~over]
    amounts = [amount_of(one) for one in rows["amount_text"].fillna("").astype("str")]
    rows = rows.assign(amount_cents=pd.array(amounts, dtype="Int64"))
    unread_amount = rows["amount_cents"].isna()
    lacks: tuple[Lack, ...] = ()
    if unread_amount.any():
        lacks = (Lack("the amount of the contract cannot be read", int(unread_amount.sum())),)
    running = schedules[(~schedules["paused"] & schedules["customer_id"].notna()).to_numpy()]
    bills: dict[int, list[tuple[int, int | None]]] = {}
    for customer, amount, word in zip(
        ids(running["customer_id"]).tolist(), running["subtotal_cents"], running["frequency"].astype("str"), strict=True
    ):
        times = _TIMES_A_YEAR.get(word.strip().casefold())
        monthly = None if times is None else round(int(amount) * times / 12)
        bills.setdefault(customer, []).append((int(amount), monthly))
    wholes: dict[int, int | None] = {}
    for customer, part in rows.groupby("customer_id"):
        some = part["amount_cents"]
        wholes[int(customer)] = None if some.isna().any() else int(some.sum())
    found_rows = []
    for place, one in enumerate(rows.itertuples(index=False)):
        if pd.isna(one.amount_cents) or int(one.amount_cents) == 0:
            continue
        theirs, own = bills.get(int(one.customer_id), []), int(one.amount_cents)
        whole = sum(one_run if monthly is None else monthly for one_run, monthly in theirs)
        if own in {amount for pair in theirs for amount in pair if amount is not None}:
            continue
        if theirs and wholes[int(one.customer_id)] == whole:
            continue
        off = own - (
            min((monthly or run for run, monthly in theirs), key=lambda some: abs(own - some)) if theirs else 0
        )
        found_rows.append((place, off, whole, "no recurring invoice" if not theirs else "another amount"))
    picked = rows.iloc[[one[0] for one in found_rows]].assign(
        off=[one[1] for one in found_rows],
        schedules_cents=[one[2] for one in found_rows],
        how=[one[3] for one in found_rows],
    )
    # A contract is of today, whatever month it began in.
    picked["on"] = today
    found = hits(
        picked,
        about=("contract_id",),
        severity="S2",
        direction=np.where(np.array(picked["off"], dtype="int64") > 0, "leak", "over"),
        amount=np.abs(np.array(picked["off"], dtype="int64")),
        on="on",
        evidence=("contract_id", "name", "amount_text", "amount_cents", "schedules_cents", "how"),
        claims={"contract": "contract_id"},
        message=lambda e: (
            f"The contract is {format_cents(e['amount_cents'])} a month, and "
            + (
                "no recurring invoice bills it"
                if e["how"] == "no recurring invoice"
                else "no recurring invoice has that"
            )
        ),
    )
    covered = rows["customer_id"].tolist()
    ended = ended[~ended["customer_id"].isin(covered)]
    began = timers[["ticket_id", "started_at"]].dropna() if len(ended) else timers[["ticket_id", "started_at"]][:0]
    began = began.assign(customer_id=of_ticket(began["ticket_id"])["customer_id"])
    began = began.sort_values("started_at").dropna(subset="customer_id").drop_duplicates("customer_id", keep="last")
    last = terms.look_up(ended["customer_id"], began, "customer_id", {"at": "started_at"})["at"]
    worked = terms.local_day(last, zone)
    used = (worked > ended["ends_on"]).fillna(False).to_numpy(dtype=bool)
    rows = ended[used].assign(on=worked[used], last_work_on=worked[used])
    found += hits(
        rows,
        about=("contract_id",),
        severity="S2",
        direction="none",
        on="on",
        evidence=("contract_id", "name", "amount_text", "ends_on", "last_work_on"),
        message=lambda e: f"The contract ended on {e['ends_on'][:10]}, still counts as active, and work went on",
    )
    return Found(found, lacks)
