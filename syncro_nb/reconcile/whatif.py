"""What another policy would have made of a month: rounding per entry or per ticket, another increment, another multiplier.

other = replace(house.policy, rounding={"default": Rounding(15, 15)}, per="ticket", after_hours_multiplier=Decimal(2))
what_if(books, house, other, date(2026, 3, 1), date(2026, 3, 31))
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pandas as pd

from .. import hours as business
from .. import terms
from ..books import Books
from ..config import House
from ..frames import of_columns
from ..policy import STANDARD_KINDS, Policy
from ..tables import Column

ALL = "(all)"
TO_BILL = "time-and-materials"
WHAT_IF: Mapping[str, Column] = {
    "customer": Column("str", "business name, else the person's; the last row is all of them"),
    "mode": Column("str", "how the work is paid for; dollars are those of time-and-materials only"),
    "timers": Column("int64", "billable timers of the period that ended"),
    "actual_hours": Column("float64", "hours worked"),
    "billable_hours": Column("float64", "billable hours as they stand"),
    "changed_hours": Column("float64", "billable hours by the other policy"),
    "amount_cents": Column("int64", "what they come to as they stand, in cents"),
    "rounding_cents": Column("int64", "difference that the rounding makes, in cents"),
    "after_hours": Column("float64", "of the changed hours those after hours and on holidays"),
    "after_hours_cents": Column("int64", "difference that the multiplier makes on these, in cents"),
    "difference_cents": Column("int64", "both differences, in cents"),
}


def what_if(books: Books, house: House, policy: Policy, first: date, last: date) -> pd.DataFrame:
    """The effect of another policy on the billable time of a period, as WHAT_IF, by customer and mode.

    As it stands: the override, else Syncro's billable time, else by the house's policy. By the other policy: from the actual
    time, rounded per entry or per ticket and kind (the entries of the period together); what a person has set stays. The
    multiplier counts on the hours outside business hours: (new − present) × the rate, for emergency work × the rate of remote.
    """
    table = books.table("timers")
    rows = terms.timed(table, books, house)
    ended = table["ended_at"].notna() & table["billable"]
    inside = (rows["worked_on"] >= pd.Timestamp(first)) & (rows["worked_on"] <= pd.Timestamp(last))
    rows, table = rows[ended & inside], table[ended & inside]
    by_policy = terms.policy_seconds(table, rows["kind"], policy)
    changed = by_policy.where(table["override_seconds"].isna(), rows["billable_seconds"]).clip(lower=0)
    new_cents = terms.hours_cents(changed, rows["rate_cents"])
    late = _outside(table, changed, books)
    base = _base_rate(rows, books, house)
    to_bill = rows["mode"].astype("str").eq(TO_BILL).astype("int64")
    more = _times(late, base, policy.after_hours_multiplier - house.policy.after_hours_multiplier)
    parts = pd.DataFrame(
        {
            "customer": rows["customer"].astype("str"),
            "mode": rows["mode"].astype("str"),
            "timers": 1,
            "actual_hours": rows["actual_seconds"].clip(lower=0),
            "billable_hours": rows["billable_seconds"],
            "changed_hours": changed,
            "amount_cents": rows["amount_cents"] * to_bill,
            "rounding_cents": (new_cents - rows["amount_cents"]) * to_bill,
            "after_hours": late,
            "after_hours_cents": more * to_bill,
        }
    )
    sums = parts.groupby(["customer", "mode"], as_index=False).sum()
    sums["difference_cents"] = sums["rounding_cents"] + sums["after_hours_cents"]
    order = sums["difference_cents"].abs()
    sums = sums.assign(size=order).sort_values(["size", "customer", "mode"], ascending=[False, True, True])
    if len(sums):
        total = sums.drop(columns=["customer", "mode"]).sum().to_frame().T.assign(customer=ALL, mode="")
        sums = pd.concat([sums, total], ignore_index=True)
    for name in WHAT_IF:
        if name.endswith("_hours"):
            sums[name] = sums[name].astype("float64") / 3600
    return of_columns(WHAT_IF, sums)


def _outside(timers: pd.DataFrame, seconds: pd.Series, books: Books) -> pd.Series:
    """The part of these seconds that was worked outside business hours: as the whole span of each timer lies."""
    shop = business.from_settings(books.settings, books.zone)
    span = (timers["ended_at"] - timers["started_at"]).dt.total_seconds().fillna(0).clip(lower=0).astype("int64")
    open_part = shop.open_seconds_between(timers["started_at"], timers["ended_at"]).fillna(0).astype("int64")
    closed = (span - open_part).clip(lower=0)
    return (seconds * closed // span.mask(span == 0, 1)).where(span > 0, 0).astype("int64")


def _base_rate(rows: pd.DataFrame, books: Books, house: House) -> pd.Series:
    """The rate that a multiplier is put on: a standard kind's own, the customer's for remote where it is emergency work."""
    products = books.table("products", ["product_id", "category", "price_cents"])
    kinds = rows["kind"].astype("str")
    standard = rows["rate_cents"].where(kinds.isin(STANDARD_KINDS))
    remote = rows[["customer_id", "customer"]].assign(product_id=house.labour.get("remote", -1))
    as_remote = terms.rate(remote, pd.Series("remote", index=rows.index, dtype="category"), products, house.policy)
    return standard.where(kinds != "emergency", as_remote["rate_cents"]).fillna(0).astype("int64")


def _times(seconds: pd.Series, rate_cents: pd.Series, factor: Decimal) -> pd.Series:
    """Seconds × cents an hour × a factor, in whole cents, half up, exactly: the factor has few decimals."""
    top, bottom = factor.as_integer_ratio()
    doubled = 2 * seconds * rate_cents * abs(top)
    cents = (doubled + 3600 * bottom) // (7200 * bottom)
    return cents if top >= 0 else -cents
