"""Rules on charges that need a second look: how they came about, what covers them, and what is missing beside them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from .. import terms
from ..config import House
from ..money import format_cents
from ..policy import STANDARD_KINDS, Policy
from .arithmetic import among, half_up, ids, line_amount, mixed, sum_by
from .charges import (
    _TOLERANCE,
    FREE_MODES,
    OfTicket,
    PaidBy,
    hours_of,
    judged,
    line_seconds,
    located,
    priced,
    split_unread,
    timed_work,
    timers_of,
    with_invoice,
)
from .finding import Found, Lack, hits
from .inputs import ADDED_AFTER_HOURS, Billed, Rates
from .registry import rule
from .time import unread


@rule("line-no-timer", "S4", whole=("timers",), says=("charges",))
def line_no_timer(
    charges: pd.DataFrame,
    timers: pd.DataFrame,
    tickets: pd.DataFrame,
    policy: Policy,
    zone: ZoneInfo,
) -> Found:
    """A labour line stands on a ticket, and no timer points to it.

    Not where the house bills by lines (policy), and not the line for after-hours that stands beside a charged timer. Travel and
    hours sold are no time. Where a charged timer of the ticket does not say which line it became, nobody can say.
    """
    if policy.bill_by == "lines":
        return Found()
    rows = charges[(charges["timed"] & (charges["quantity_millionths"] > 0)).to_numpy()]
    rows = rows[~rows["line_id"].isin(ids(timers["line_id"]))]
    beside = rows["description"].str.contains(ADDED_AFTER_HOURS, regex=True)
    rows = rows[~beside.fillna(False).to_numpy(dtype=bool)]
    rows = rows.assign(on=terms.local_day(rows["created_at"], zone), quantity=rows["quantity_millionths"] / 1_000_000)
    silent = timers[timers["recorded"].to_numpy() & timers["line_id"].isna().to_numpy()]
    unsure = rows["ticket_id"].isin(ids(silent["ticket_id"]))
    lacks = unread(tickets, "their lines")
    if unsure.any():
        reason = "a charged timer of the ticket does not say which line it became"
        lacks += (Lack(reason, int(unsure.sum()), rows.loc[unsure, "on"]),)
    rows = rows[~unsure]
    found = hits(
        rows,
        about=("line_id",),
        severity="S4",
        direction="none",
        on="on",
        evidence=("line_id", "quantity", "price_cents", "product_id"),
        message=lambda e: f"{e['quantity']:g} h of labour were entered by hand, without a timer",
    )
    return Found(found, lacks)


@rule("rounding-policy", "S3")
def rounding_policy(
    timers: pd.DataFrame,
    of_ticket: OfTicket,
    rates: Rates,
    policy: Policy,
    zone: ZoneInfo,
) -> Found:
    """The billable hours of a timer are not what the policy gives for its actual hours.

    Not where a person has set them (an override) and wrote a note. Where the policy rounds the sum of a ticket, that sum is
    looked at, and its last timer is named. A kind for which no rounding is written down is not evaluated.
    """
    rows = timers[(timers["billable"] & timers["ended_at"].notna() & (timers["actual_seconds"] > 0)).to_numpy()]
    kinds = rows["kind"].astype("str")
    written = {one: policy.has_rounding(one or None) for one in kinds.unique().tolist()}
    known = kinds.map(written).astype("bool")
    lacks: tuple[Lack, ...] = ()
    if not known.all():
        days = terms.local_day(rows.loc[~known, "started_at"].fillna(rows.loc[~known, "ended_at"]), zone)
        lacks = (Lack("no rounding is written down in syncro.yaml (policy)", int((~known).sum()), days),)
    rows = rows[known]
    rows = rows.assign(
        policy_seconds=terms.policy_seconds(rows, rows["kind"], policy),
        excused=(rows["override_seconds"].notna() & (rows["notes"].fillna("").str.strip() != "")).to_numpy(),
    )
    if policy.per == "ticket" and len(rows):
        rows = _by_ticket(rows)
    off = rows["policy_seconds"] - rows["worth_seconds"]
    rows = rows[(off.abs() > _TOLERANCE) & ~rows["excused"]]
    rows = timed_work(rows, of_ticket, zone)
    off = rows["policy_seconds"] - rows["worth_seconds"]
    rows = rows.assign(off_seconds=off.abs(), more=off > 0)
    rows, more = priced(rows, rates, "off_seconds", "worked_on")
    rows = rows.assign(
        actual_hours=hours_of(rows["actual_seconds"]),
        billable_hours=hours_of(rows["worth_seconds"]),
        policy_hours=hours_of(rows["policy_seconds"]),
    )
    found = hits(
        rows,
        about=("timer_id",),
        severity="S3",
        direction=np.where(rows["amount_cents"] == 0, "none", np.where(rows["more"], "leak", "over")),
        amount=rows["amount_cents"],
        exact=~rows["assumed"],
        on="worked_on",
        evidence=("timer_id", "actual_hours", "billable_hours", "policy_hours", "rate_cents", "rate_source"),
        claims={"round": "timer_id"},
        message=lambda e: (
            f"{e['actual_hours']:g} h of work are {e['policy_hours']:g} h by the policy, and {e['billable_hours']:g} are "
            "billable"
        ),
    )
    return Found(found, lacks + more)


def _by_ticket(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each ticket and kind, the last timer's, with the sums of all; those without a ticket each for itself."""
    owner = rows["ticket_id"].where(rows["ticket_id"].notna(), -rows["timer_id"])
    keyed = rows.assign(owner=owner, word=rows["kind"].astype("str")).sort_values(["started_at", "timer_id"])
    groups = keyed.groupby(["owner", "word"], sort=False)
    for name in ("actual_seconds", "worth_seconds", "policy_seconds"):
        keyed[name] = groups[name].transform("sum")
    keyed["excused"] = groups["excused"].transform("any")
    return keyed.drop_duplicates(["owner", "word"], keep="last").drop(columns=["owner", "word"])


@rule("after-hours-stacked", "S1", says=("charges",))
def after_hours_stacked(
    charges: pd.DataFrame,
    timers: pd.DataFrame,
    tickets: pd.DataFrame,
    of_ticket: OfTicket,
    billed: Billed,
    invoice_lines: pd.DataFrame,
    policy: Policy,
    zone: ZoneInfo,
) -> Found:
    """After-hours work was charged twice over: at a standard kind and as an emergency for the same hours, or as an emergency
    with the multiplier in its quantity.

    The same hours are: timers of one technician that overlap by over five minutes, one with a standard and one with an emergency
    line; or lines of one ticket, technician, day and quantity, of which one has no timer. Then the standard line is too much.
    The multiplier is in the quantity where an emergency line has its timers' actual hours (as they are, rounded by the policy,
    or up to a quarter) times it; then what lies above them is. An emergency line without a timer is not evaluated for that.
    """
    every = charges[(charges["timed"] & (charges["amount_cents"] > 0)).to_numpy()]
    every = every.assign(at=np.flatnonzero((charges["timed"] & (charges["amount_cents"] > 0)).to_numpy()))
    kinds = every["kind"].astype("str")
    emergency, standard = every[kinds == "emergency"], every[kinds.isin(STANDARD_KINDS)]
    standard = standard[standard["ticket_id"].isin(ids(emergency["ticket_id"]))]
    beside = standard["description"].str.contains(ADDED_AFTER_HOURS, regex=True)
    standard = standard[~beside.fillna(False).to_numpy(dtype=bool)]
    linked = timers[timers["line_id"].notna().to_numpy()]
    both = _same_hours(standard, emergency, linked, zone)
    both["over_cents"] = both["amount_cents"]
    both["how"] = "standard and emergency for the same hours"
    more, lacks = _multiplied_emergency(emergency, linked, policy, zone)
    rows = pd.concat([both, more]) if len(both) and len(more) else (both if len(both) else more)
    rows = rows.join(of_ticket(rows["ticket_id"]))
    places = billed.line[rows["at"].to_numpy(dtype="int64")] if len(billed.line) else np.zeros(0, "int64")
    rows = with_invoice(rows, places, invoice_lines)
    source = timers_of(rows["line_id"], linked)
    rows["on"] = terms.local_day(source["started_at"].fillna(rows["created_at"]), zone)
    rows["user_id"] = source["user_id"].fillna(rows["user_id"])
    rows["quantity"] = rows["quantity_millionths"] / 1_000_000
    found = hits(
        rows,
        about=("line_id",),
        severity="S1",
        direction="over",
        amount=rows["over_cents"].astype("int64"),
        on="on",
        evidence=("line_id", "other_line_id", "quantity", "price_cents", "hours", "how", "invoice_line_id"),
        claims={"line": "line_id", "hours": "line_id", "late": "line_id"},
        message=lambda e: f"{e['quantity']:g} × {format_cents(e['price_cents'])} after hours is too much: {e['how']}",
    )
    return Found(found, unread(tickets, "their lines")[:1] + lacks)


_STACKED = [
    *("line_id", "ticket_id", "user_id", "created_at", "quantity_millionths", "price_cents", "amount_cents", "at"),
    *("product_id", "other_line_id", "hours", "over_cents", "how"),
]


def _same_hours(standard: pd.DataFrame, emergency: pd.DataFrame, linked: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    """Standard lines whose hours an emergency line has, too."""
    sides = []
    for one in (standard, emergency):
        source = timers_of(one["line_id"], linked)
        ends = linked.sort_values("ended_at").drop_duplicates("line_id", keep="last")
        until = terms.look_up(one["line_id"], ends, "line_id", {"ended_at": "ended_at"})["ended_at"]
        side = one.assign(
            worker=source["user_id"].fillna(one["user_id"]),
            begins=source["started_at"],
            ends=until,
            day=terms.local_day(source["started_at"].fillna(one["created_at"]), zone),
            seconds=line_seconds(one),
        )
        sides.append(side)
    names = ["line_id", "ticket_id", "worker", "begins", "ends", "day", "seconds"]
    pairs = sides[0].merge(sides[1][names], on=["ticket_id", "worker"], suffixes=("", "_other"))
    shared = pairs[["ends", "ends_other"]].min(axis=1) - pairs[["begins", "begins_other"]].max(axis=1)
    timed = pairs["begins"].notna() & pairs["begins_other"].notna()
    overlap = timed & (shared > pd.Timedelta(minutes=5))
    alike = (pairs["seconds"] - pairs["seconds_other"]).abs() <= _TOLERANCE
    by_hand = ~timed & (pairs["day"] == pairs["day_other"]) & alike
    pairs = pairs[overlap | by_hand].sort_values(["line_id", "line_id_other"]).drop_duplicates("line_id")
    pairs = pairs.drop_duplicates("line_id_other")
    pairs = pairs.assign(other_line_id=pairs["line_id_other"], hours=hours_of(pairs["seconds"]), over_cents=0, how="")
    return pairs[_STACKED]


def _multiplied_emergency(
    emergency: pd.DataFrame, linked: pd.DataFrame, policy: Policy, zone: ZoneInfo
) -> tuple[pd.DataFrame, tuple[Lack, ...]]:
    """Emergency lines whose quantity has the multiplier, with what lies above their hours."""
    theirs = linked[linked["line_id"].isin(emergency["line_id"])]
    nobody = ~emergency["line_id"].isin(ids(theirs["line_id"]))
    lacks: tuple[Lack, ...] = ()
    if nobody.any():
        reason = "no timer names the emergency line, so whether its hours were multiplied is not known"
        lacks = (Lack(reason, int(nobody.sum()), terms.local_day(emergency.loc[nobody, "created_at"], zone)),)
    rows = emergency[~nobody]
    actual = theirs["actual_seconds"].to_numpy().clip(min=0)
    owner, line = ids(theirs["line_id"]), rows["line_id"].to_numpy()
    quantity = np.asarray(line_seconds(rows))
    thousandths = int(policy.after_hours_multiplier * 1000)
    base = np.zeros(len(rows), dtype="int64")
    for hours in (actual, terms.policy_seconds(theirs, theirs["kind"], policy).to_numpy(), -(-actual // 900) * 900):
        sums = sum_by(owner, hours).at(line)
        fits = (np.abs(half_up(sums * thousandths, 1000) - quantity) <= _TOLERANCE) & (sums > 0)
        base = np.where((base == 0) & fits, sums, base)
    # Hours that are what the timers say in another way are no multiplied ones.
    plain = np.zeros(len(rows), dtype=bool)
    for hours in (actual, -(-actual // 900) * 900, terms.policy_seconds(theirs, theirs["kind"], policy).to_numpy()):
        plain |= np.abs(sum_by(owner, hours).at(line) - quantity) <= _TOLERANCE
    stacked = (base > 0) & ~plain & (thousandths > 1000)
    rows, base, quantity = rows[stacked], base[stacked], quantity[stacked]
    over = half_up((quantity - base) * rows["price_cents"].to_numpy(), 3600)
    rows = rows.assign(
        other_line_id=pd.array([pd.NA] * len(rows), dtype="Int64"),
        hours=hours_of(pd.Series(base, index=rows.index)),
        over_cents=over,
        how="an emergency with the multiplier in its quantity",
    )
    return rows[_STACKED], lacks


@rule("covered-but-charged", "S1")
def covered_but_charged(
    charges: pd.DataFrame,
    invoice_lines: pd.DataFrame,
    invoices: pd.DataFrame,
    billed: Billed,
    of_ticket: OfTicket,
    timers: pd.DataFrame,
    paid_by: PaidBy,
    zone: ZoneInfo,
) -> Found:
    """Labour that a contract covers, or a tag calls covered, internal or warranty, was charged.

    Lines that wait and lines on invoices, by the day of the work. Hours sold, a contract's own fee, and what a recurring
    invoice has are not looked at. A customer with prepaid hours is not covered by that (see `cash-while-block`). The tag
    "contract" counts on the ticket only: on a customer it may say what sort of customer it is.
    """
    worth = (charges["labour"] & (charges["amount_cents"] > 0)).to_numpy()
    mine = np.flatnonzero(~charges["converted"].to_numpy() & worth)
    sold = invoice_lines["kind"].astype("str").isin(["prepay-sale", "contract"]).to_numpy()
    recurs = invoices["recurs"].to_numpy()[invoice_lines["place"].to_numpy()] if len(invoices) else np.zeros(0, bool)
    from_ticket = billed.charge >= 0
    theirs = np.flatnonzero(
        (invoice_lines["labour"] & (invoice_lines["amount_cents"] > 0)).to_numpy() & ~sold & (~recurs | from_ticket)
    )
    rows = located(judged(charges, invoice_lines, mine, theirs), charges, invoices, billed, of_ticket, timers, zone)
    rows = rows[~rows["kind"].isin(["prepay-sale", "contract"])]
    mode = paid_by(rows, np.ones(len(rows), dtype=bool))
    known, lacks = split_unread(rows, mode, "on")
    by_tag = _tagged(rows, r"internal|warranty", "tags", "customer_tags") & mode.isin(["internal", "warranty"])
    said = _tagged(rows, r"covered", "tags", "customer_tags") | _tagged(rows, r"contract", "tags")
    said &= ~by_tag & ~mode.isin(["contract", "block"])
    covered = ((mode == "contract") | by_tag | said) & known
    rows = rows[covered].assign(mode=mode.astype("str").mask(said, "covered")[covered])
    found = hits(
        rows,
        about=("dollar",),
        severity="S1",
        direction="over",
        amount=rows["amount_cents"],
        on="on",
        evidence=("line_id", "invoice_line_id", "quantity", "price_cents", "kind", "mode", "worked_on", "product_id"),
        claims={"line": "line_id", "price": "dollar", "hours": "line_id"},
        message=lambda e: (
            f"{e['quantity']:g} × {format_cents(e['price_cents'])} was charged, and "
            f"{'a contract covers it' if e['mode'] == 'contract' else 'a tag says ' + e['mode']}"
        ),
    )
    return Found(found, lacks)


def _tagged(rows: pd.DataFrame, words: str, *columns: str) -> pd.Series:
    marked = pd.Series(False, index=rows.index)
    for name in columns:
        marked |= rows[name].astype("str").str.contains(rf"(?mi)^(?:{words})$", regex=True).fillna(False)
    return marked


@rule("travel-missing", "S3", says=("charges",))
def travel_missing(
    charges: pd.DataFrame,
    tickets: pd.DataFrame,
    invoices: pd.DataFrame,
    invoice_lines: pd.DataFrame,
    of_ticket: OfTicket,
    paid_by: PaidBy,
    rates: Rates,
    house: House,
    policy: Policy,
    zone: ZoneInfo,
) -> Found:
    """Work on site was charged without travel, and the policy wants it (`travel_wanted: true`).

    Once for a ticket; travel on the ticket or on one of its invoices will do. Work under a contract, warranty and internal work
    have none.
    """
    if not policy.travel_wanted:
        return Found()
    kinds = charges["kind"].astype("str")
    rows = charges[((kinds == "onsite") & (charges["quantity_millionths"] > 0)).to_numpy()]
    gone = charges.loc[(kinds == "travel").to_numpy(), "ticket_id"]
    billed_travel = invoice_lines.loc[(invoice_lines["kind"].astype("str") == "travel").to_numpy(), "ticket_id"]
    rows = rows[~rows["ticket_id"].isin(np.concatenate([ids(gone), ids(billed_travel)]))]
    rows = rows.sort_values(["created_at", "line_id"]).drop_duplicates("ticket_id")
    rows = rows.join(of_ticket(rows["ticket_id"]))
    rows["worked_on"] = terms.local_day(rows["created_at"], zone)
    mode = paid_by(rows, np.ones(len(rows), dtype=bool))
    free = mode.isin(FREE_MODES)
    rows, mode = rows[~free], mode[~free]
    known, lacks = split_unread(rows, mode, "worked_on")
    rows = rows[known]
    product = house.labour.get("travel")
    rows["onsite_product_id"] = rows["product_id"]
    travel = rows.assign(product_id=pd.array([product] * len(rows), dtype="Int64"), kind="travel")
    price = rates.of(travel)["rate_cents"] if product else pd.Series(pd.NA, index=rows.index, dtype="Int64")
    rows["price_cents"] = price
    if rows["price_cents"].isna().any():
        unknown = rows["price_cents"].isna()
        reason = "the product for travel, or its price, is not known"
        lacks += (Lack(reason, int(unknown.sum()), rows.loc[unknown, "worked_on"]),)
        rows = rows[~unknown]
    found = hits(
        rows,
        about=("ticket_id",),
        severity="S3",
        amount=rows["price_cents"].astype("int64"),
        on="worked_on",
        evidence=("line_id", "price_cents"),
        claims={"travel": "ticket_id"},
        message=lambda e: f"Work on site, and no travel ({format_cents(e['price_cents'])})",
    )
    return Found(found, unread(tickets, "their lines") + lacks)


@rule("below-cost", "S2")
def below_cost(
    charges: pd.DataFrame,
    invoice_lines: pd.DataFrame,
    invoices: pd.DataFrame,
    products: pd.DataFrame,
    billed: Billed,
    of_ticket: OfTicket,
    timers: pd.DataFrame,
    agreed_prices: pd.DataFrame,
    zone: ZoneInfo,
) -> Found:
    """Something that is not labour was sold for less than it cost.

    The cost is the line's own, else the product's. What a recurring invoice gives for nothing is as agreed.
    """
    sides = []
    for lines in (charges, invoice_lines):
        listed = terms.look_up(lines["product_id"], products, "product_id", {"cost": "cost_cents"})["cost"]
        own = lines["cost_cents"].astype("Int64")
        cost = own.where(own.fillna(0) > 0, listed).fillna(0).astype("int64").to_numpy()
        less = (lines["price_cents"].to_numpy() < cost) & ~lines["labour"].to_numpy()
        less &= (lines["quantity_millionths"] > 0).to_numpy() & (lines["price_cents"] >= 0).to_numpy()
        sides.append((less, cost))
    (waits, cost), (sold, cost_sold) = sides
    mine = np.flatnonzero(waits & ~charges["converted"].to_numpy())
    theirs = np.flatnonzero(sold)
    rows = judged(charges, invoice_lines, mine, theirs)
    rows["cost_cents"] = np.concatenate([cost[mine], cost_sold[theirs]])
    rows = located(rows, charges, invoices, billed, of_ticket, timers, zone)
    free = mixed([ids(rows["customer_id"]), ids(rows["product_id"]), rows["price_cents"].to_numpy()])
    known = mixed(
        [ids(agreed_prices["customer_id"]), ids(agreed_prices["product_id"]), agreed_prices["price_cents"].to_numpy()]
    )
    rows = rows[~(among(free, known) & (rows["price_cents"] == 0).to_numpy())]
    amount = line_amount(rows["quantity_millionths"], (rows["cost_cents"] - rows["price_cents"]).to_numpy())
    found = hits(
        rows,
        about=("dollar",),
        severity="S2",
        amount=amount,
        on="on",
        evidence=("line_id", "invoice_line_id", "quantity", "price_cents", "cost_cents", "product_id"),
        claims={"price": "dollar"},
        message=lambda e: (
            f"{e['quantity']:g} × {format_cents(e['price_cents'])}, and each cost {format_cents(e['cost_cents'])}"
        ),
    )
    return Found(found)
