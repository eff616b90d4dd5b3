"""The house's terms, as functions of whole columns: what is open, pending, uncharged, how long, at what rate, in which mode.

Summaries, rules and reports take the same words from here, so that they mean the same. `timed` and `charged` give timers and
ticket lines with all of their terms; the functions above them give one term each. Seconds and cents are int64 and exact
(half up); nothing here passes through a float. A frame may be any part of a table: terms depend on the row alone, but
for the rounding per ticket.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from .books import Books
from .config import House
from .policy import FREE_KINDS, Policy, Rounding
from .tables import DAY, Column

OTHER_LABOUR = "other"  # labour by its category, of a kind that nobody has named
MODES = ("block", "contract", "internal", "warranty", "time-and-materials")
AGREED, PRODUCT, UNKNOWN = "agreed", "product", "unknown"
NOBODY = ""
NO_ID = -(2**62)

_OF_TICKET = {
    "number": Column("Int64", "ticket number, as people see it; absent: the ticket is not known"),
    "subject": Column("str", "the ticket's subject as written"),
    "status": Column("category", "the ticket's status"),
    "problem_type": Column("category", "the ticket's problem type"),
    "customer_id": Column("Int64", "customer id"),
    "customer": Column("str", "business name, else the person's"),
    "resolved": Column("bool", "the ticket is resolved"),
}
_OF_WORK = {
    "kind": Column("category", "labour kind; empty: no labour product"),
    "mode": Column("category", f"how this work is paid for: {', '.join(MODES)}"),
    "worked_on": Column(DAY, "day of the work, in the account's time zone"),
    "technician": Column("str", "name of who worked; empty: nobody is named"),
    "technician_id": Column("Int64", "id of who worked"),
}
TIMED: Mapping[str, Column] = {
    "timer_id": Column("int64", "timer entry id"),
    "ticket_id": Column("Int64", "ticket id"),
    **_OF_TICKET,
    **_OF_WORK,
    "actual_seconds": Column("int64", "actual time; 0 where neither a duration nor an end is known"),
    "billable_seconds": Column("int64", "billable time: the override, else Syncro's, else by the policy"),
    "rate_cents": Column("Int64", "cents an hour; absent: neither an agreed rate nor a product is known"),
    "rate_source": Column("category", "agreed (syncro.yaml), product (its own price), or unknown"),
    "amount_cents": Column("int64", "billable time × rate, half up, in cents; 0 where the rate is unknown"),
    "uncharged": Column("bool", "it ended, is billable, and was never charged"),
}
CHARGED: Mapping[str, Column] = {
    "line_id": Column("int64", "ticket line item id"),
    "ticket_id": Column("Int64", "ticket id"),
    **_OF_TICKET,
    **_OF_WORK,
    "actual_seconds": Column("Int64", "actual time of the timers that name this line; absent: none does"),
    "billable_seconds": Column("int64", "its hours as charged, in seconds; 0 for what is not labour"),
    "rate_cents": Column("Int64", "its price, in cents"),
    "rate_source": Column("category", "line: as it stands there"),
    "amount_cents": Column("int64", "quantity × price, half up, in cents"),
    "pending": Column("bool", "no invoice has taken it yet"),
}


# ---------------------------------------------------------------- one term each


def resolved(tickets: pd.DataFrame, house: House) -> pd.Series:
    """Whether a ticket of this `status` counts as resolved."""
    status = tickets["status"].astype("category")
    done = [word for word in status.cat.categories if house.is_resolved(str(word))]
    return status.isin(done)


def pending(charges: pd.DataFrame) -> pd.Series:
    """Ticket lines that no invoice has taken yet."""
    return ~charges["converted"]


def uncharged(timers: pd.DataFrame) -> pd.Series:
    """Timers that ended, are billable, are not recorded as charged and name no ticket line."""
    return timers["ended_at"].notna() & timers["billable"] & ~timers["recorded"] & timers["line_id"].isna()


def actual_seconds(timers: pd.DataFrame) -> pd.Series:
    """Actual time: the active duration, else end minus start (whole seconds, negative if it ends first); 0 if unknown."""
    spent = timers["ended_at"] - timers["started_at"]
    micros = spent.fillna(pd.Timedelta(0)).astype("timedelta64[us]").astype("int64")
    whole = micros.abs() // 1_000_000
    return timers["active_seconds"].fillna(whole.where(micros >= 0, -whole)).astype("int64")


def kind(rows: pd.DataFrame, products: pd.DataFrame, house: House) -> pd.Series:
    """The labour kind of rows with `product_id`, by the catalogue, else by a category with "Labor" in its path; "" for none.

    The path is the product's; rows that have a `category` of their own (lines) fall back on it. A kind that only the path
    knows is its last part in small letters, as in `Labor;Onsite`, or `other`.
    """
    by_path = _by_category(products["category"].rename(None))
    known = dict(zip(products["product_id"], by_path, strict=True))
    known |= {product_id: name for name, product_id in house.labour.items()}
    ids, codes = _factor(rows["product_id"])
    found = pd.Series([known.get(one, "") for one in ids] or [""], dtype="str")
    kinds = found.take(codes).set_axis(rows.index)
    if "category" in rows:
        kinds = kinds.where(kinds != "", _by_category(rows["category"]))
    return kinds.astype("category")


def is_labour(kinds: pd.Series) -> pd.Series:
    """Whether rows of these kinds are labour."""
    return kinds.astype("str") != ""


def policy_seconds(timers: pd.DataFrame, kinds: pd.Series, policy: Policy) -> pd.Series:
    """What the policy alone makes of the actual time: each entry rounded by its kind, or the sum of a ticket and kind.

    Per ticket, what the rounding adds is put on the entry that began last; give all entries of a ticket then.
    """
    worked = actual_seconds(timers)
    if policy.per != "ticket":
        return _rounded(worked, kinds, policy)
    rows = pd.DataFrame(
        {
            "ticket_id": timers["ticket_id"],
            "kind": kinds.astype("str"),
            "worked": worked.clip(lower=0),
            "started_at": timers["started_at"],
            "timer_id": timers["timer_id"],
        }
    )
    loose = rows["ticket_id"].isna()  # no ticket to sum by: each for itself
    rows["ticket_id"] = rows["ticket_id"].where(~loose, -rows["timer_id"])
    rows = rows.sort_values(["started_at", "timer_id"], na_position="first")
    groups = rows.groupby(["ticket_id", "kind"], sort=False)
    total = groups["worked"].transform("sum")
    added = _rounded(total, rows["kind"], policy) - total
    last = groups.cumcount(ascending=False) == 0
    return (rows["worked"] + added.where(last, 0)).reindex(timers.index)


def billable_seconds(timers: pd.DataFrame, kinds: pd.Series, policy: Policy) -> pd.Series:
    """Billable time: the override, else Syncro's where it is to be trusted, else the policy's; never below 0.

    Syncro's is not trusted where it is under 60 s for a timer longer than a minute.
    """
    worked, theirs = actual_seconds(timers), timers["billable_seconds"]
    wrong = ((theirs < 60) & (worked > 60)).fillna(False).astype("bool")
    known = timers["override_seconds"].fillna(theirs.mask(wrong))
    lacking = known.isna()
    if lacking.any():  # rarely: Syncro nearly always has one
        known = known.fillna(policy_seconds(timers[lacking], kinds[lacking], policy).astype("Int64"))
    return known.clip(lower=0).astype("int64")


def rate(rows: pd.DataFrame, kinds: pd.Series, products: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """`rate_cents` (an hour; absent: unknown) and `rate_source` of rows with `product_id`, `customer_id` and `customer`.

    The rate agreed with the customer for the kind, else the product's own price.
    """
    listed = look_up(rows["product_id"], products, "product_id", {"rate_cents": "price_cents"})["rate_cents"]
    source = pd.Series(PRODUCT, index=rows.index, dtype="str").mask(listed.isna(), UNKNOWN)
    if policy.rates:
        every = pd.DataFrame(
            {"customer_id": rows["customer_id"], "customer": rows["customer"], "kind": kinds.astype("str")}
        )
        named = every["customer_id"].astype("str").isin(policy.rates) | every["customer"].isin(policy.rates)
        for (customer_id, customer, one), part in every[named].groupby(list(every), dropna=False, sort=False):
            cents = policy.rate_cents(None if pd.isna(customer_id) else int(customer_id), str(customer), str(one))
            if cents is not None:
                listed.loc[part.index], source.loc[part.index] = cents, AGREED
    return pd.DataFrame({"rate_cents": listed, "rate_source": source.astype("category")})


def hours_cents(seconds: pd.Series, rate_cents: pd.Series) -> pd.Series:
    """Seconds at cents an hour, in whole cents, half up; 0 where the rate is not known."""
    doubled = 2 * seconds * rate_cents.fillna(0).astype("int64")
    return (doubled.abs() + 3600) // 7200 * (1 - 2 * (doubled < 0).astype("int64"))


def local_day(instants: pd.Series, zone: ZoneInfo) -> pd.Series:
    """The day that an instant falls on in this time zone."""
    return instants.dt.tz_convert(zone).dt.tz_localize(None).dt.floor("D").astype(DAY)


def today(books: Books) -> date:
    """The day of the books in the account's time zone."""
    return books.as_of.astimezone(books.zone).date()


def mode(work: pd.DataFrame, labour: pd.Series, books: Books, house: House) -> pd.Series:
    """How work with `customer_id`, `kind`, `worked_on`, `tags` and `customer_tags` is paid for: one of MODES.

    `block` where the customer has prepaid hours left now; `contract` where a contract that is active on that day covers the
    kind; `internal` or `warranty` by the product's kind or by a tag of that name; else `time-and-materials`. Blocks and
    contracts pay for labour only, not for goods: `labour` says which rows are (every timer is).
    """
    kinds = work["kind"].astype("str")
    codes = np.full(len(work), MODES.index("time-and-materials"))
    for one in FREE_KINDS:
        free = (kinds == one) | _tagged(work["tags"], one) | _tagged(work["customer_tags"], one)
        codes[free.to_numpy()] = MODES.index(one)
    codes[(labour & _covered(work, kinds, books, house.policy)).to_numpy()] = MODES.index("contract")
    customers = books.table("customers", ["customer_id", "prepaid_millionths"])
    holders = customers.loc[customers["prepaid_millionths"].fillna(0) > 0, "customer_id"]
    codes[(labour & work["customer_id"].isin(holders.tolist())).to_numpy()] = MODES.index("block")
    return pd.Series(pd.Categorical.from_codes(codes, list(MODES)), index=work.index)


# ---------------------------------------------------------------- rows with all of their terms


def timed(timers: pd.DataFrame, books: Books, house: House) -> pd.DataFrame:
    """Timers (the table, or part of it) with their ticket and terms, as TIMED, in the same order and with the same index."""
    products = books.table("products", ["product_id", "category", "price_cents"])
    work = timers[["timer_id", "ticket_id", "product_id"]].join(of_ticket(timers["ticket_id"], books, house))
    work["kind"] = kind(timers, products, house)
    began = timers["started_at"].fillna(timers["ended_at"]).fillna(timers["created_at"])
    work["worked_on"] = local_day(began, books.zone)
    work["mode"] = mode(work, pd.Series(True, index=work.index), books, house)
    work["technician_id"], work["technician"] = timers["user_id"], technician(timers["user_id"], books)
    work["actual_seconds"] = actual_seconds(timers)
    work["billable_seconds"] = billable_seconds(timers, work["kind"], house.policy)
    work = work.join(rate(work, work["kind"], products, house.policy))
    work["amount_cents"] = hours_cents(work["billable_seconds"], work["rate_cents"])
    work["uncharged"] = uncharged(timers)
    return work[list(TIMED)]


def charged(charges: pd.DataFrame, books: Books, house: House) -> pd.DataFrame:
    """Ticket lines (the table, or part of it) with their ticket and terms, as CHARGED, same order and index.

    The day and the technician are those of the first timer that names the line, else of the line itself.
    """
    products = books.table("products", ["product_id", "category", "price_cents"])
    work = charges[["line_id", "ticket_id", "product_id"]].join(of_ticket(charges["ticket_id"], books, house))
    work["kind"] = kind(charges, products, house)
    source = _timers_of(charges["line_id"], books)
    work["worked_on"] = local_day(source["started_at"].fillna(charges["created_at"]), books.zone)
    work["mode"] = mode(work, is_labour(work["kind"]), books, house)
    work["technician_id"] = source["user_id"].fillna(charges["user_id"])
    work["technician"] = technician(work["technician_id"], books)
    work["actual_seconds"] = source["actual_seconds"]
    hours = (charges["quantity_millionths"] * 36 + 5_000) // 10_000
    work["billable_seconds"] = hours.where(is_labour(work["kind"]), 0)
    work["rate_cents"] = charges["price_cents"].astype("Int64")
    work["rate_source"] = pd.Series("line", index=charges.index, dtype="category")
    work["amount_cents"] = charges["amount_cents"]
    work["pending"] = pending(charges)
    return work[list(CHARGED)]


def of_ticket(ticket_ids: pd.Series, books: Books, house: House, index: pd.Index[Any] | None = None) -> pd.DataFrame:
    """What a row takes from its ticket: number, subject, status, problem type, customer, tags, and whether it is resolved.

    A ticket that is not known leaves numbers absent and text empty, and is not resolved.
    """
    names = ["number", "subject", "status", "problem_type", "customer_id", "customer", "tags", "customer_tags"]
    tickets = books.table("tickets", ["ticket_id", *names])
    found = look_up(ticket_ids, tickets, "ticket_id", {name: name for name in names}, index)
    found["resolved"] = resolved(found, house)
    for name in ("status", "problem_type"):
        found[name] = _filled(found[name])
    return found


def technician(user_ids: pd.Series, books: Books) -> pd.Series:
    """Names of technicians by id: from the users, else from tickets that were theirs, else the id; "" for nobody."""
    users = books.table("users", ["user_id", "name"])
    known = dict(zip(users["user_id"], users["name"], strict=True))
    ids, codes = _factor(user_ids)
    if set(ids) - set(known) - {None}:
        former = books.table("tickets", ["user_id", "technician"]).drop_duplicates("user_id").dropna(subset="user_id")
        known = {one: str(name) for one, name in former.itertuples(index=False) if name} | known
    names = [NOBODY if one is None else known.get(one) or f"technician {one}" for one in ids]
    return pd.Series(names or [NOBODY], dtype="str").take(codes).set_axis(user_ids.index)


def look_up(
    ids: pd.Series, frame: pd.DataFrame, key: str, columns: Mapping[str, str], index: pd.Index[Any] | None = None
) -> pd.DataFrame:
    """For each id, columns (new name: name) of the row with that `key`; absent where there is none, text then empty.

    Whole numbers become Int64 and flags boolean, since they may be absent. Where a key occurs twice the first row counts.
    Many long look-ups in one large frame are quicker with an `index` of its keys that is kept.
    """
    wanted = plain_ids(ids)
    if index is not None and index.is_unique:
        places = index.get_indexer(pd.Index(wanted))
    else:
        places = places_of(wanted, plain_ids(frame[key]))
    found = {}
    for new, old in columns.items():
        column = frame[old]
        if column.dtype == "int64":
            column = column.astype("Int64")
        elif column.dtype == "bool":
            column = column.astype("boolean")
        values = pd.api.extensions.take(column.array, places, allow_fill=True)
        one = pd.Series(values, index=ids.index)
        found[new] = one.fillna("") if pd.api.types.is_string_dtype(column.dtype) else one
    return pd.DataFrame(found, index=ids.index)


def plain_ids(ids: pd.Series) -> Any:
    """Ids as an array of int64, NO_ID where there is none."""
    return ids.to_numpy("int64", na_value=NO_ID) if ids.dtype != "int64" else ids.to_numpy()


def places_of(wanted: Any, ids: Any) -> Any:
    """The place of each wanted id among `ids` (`plain_ids` both), the first if it is there twice; -1 where it is not there."""
    if not len(ids):
        return np.full(len(wanted), -1)
    order = None if (ids[1:] >= ids[:-1]).all() else np.argsort(ids, kind="stable")
    found = np.searchsorted(ids, wanted, sorter=order).clip(max=len(ids) - 1)
    places = found if order is None else order[found]
    return np.where((ids[places] == wanted) & (wanted != NO_ID), places, -1)


# ---------------------------------------------------------------- inside


def _factor(ids: pd.Series) -> tuple[list[int | None], Any]:
    """The different ids (None first, for those that are absent) and for each row the place of its own."""
    codes, unique = pd.factorize(ids)
    return [None, *(int(one) for one in unique)], codes + 1


def _filled(words: pd.Series) -> pd.Series:
    """Categories with "" for what is absent."""
    if not words.isna().any():
        return words
    return words.cat.add_categories([] if "" in words.cat.categories else [""]).fillna("")


def _by_category(category: pd.Series) -> pd.Series:
    """Labour kinds by category path alone."""
    path = category.astype("category")
    kinds = {one: _kind_of_path(str(one)) for one in path.cat.categories}
    return path.map(kinds).astype("str").where(path.notna(), "")


def _kind_of_path(path: str) -> str:
    if "Labor" not in path:
        return ""
    last = path.split(";")[-1].strip().lower().replace(" ", "-")
    return OTHER_LABOUR if last in ("labor", "") else last


def _rounded(worked: pd.Series, kinds: pd.Series, policy: Policy) -> pd.Series:
    """Rounding.billable_seconds for whole columns."""
    words = kinds.astype("category")
    result = worked.clip(lower=0)
    for one in words.cat.categories:
        rounding = policy.rounding_of(str(one))
        if rounding != Rounding():
            step = rounding.increment_minutes * 60
            up = -(-worked // step) * step if step else worked
            up = up.clip(lower=rounding.minimum_minutes * 60)
            result = result.mask((words == one) & (worked > 0), up)
    return result


def _tagged(tags: pd.Series, word: str) -> pd.Series:
    """Whether one of the tags (one a line) is this word, in any case."""
    some = tags != ""
    if not some.any():
        return some
    listed = "\n" + tags[some].str.lower() + "\n"
    return listed.str.contains(f"\n{word}\n", regex=False).reindex(tags.index, fill_value=False).astype("bool")


def _covered(work: pd.DataFrame, kinds: pd.Series, books: Books, policy: Policy) -> pd.Series:
    """Whether a contract of the customer is active on the day of the work and covers its kind."""
    contracts = books.table(
        "contracts", ["contract_id", "customer_id", "name", "status", "starts_on", "ends_on", "applies_to_all"]
    )
    active = contracts[contracts["status"].astype("str").str.strip().str.lower() == "active"]
    active = active[active["customer_id"].isin(work["customer_id"].dropna().unique().tolist())]
    covered = pd.Series(False, index=work.index)
    theirs = work["customer_id"].isin(active["customer_id"].tolist()).to_numpy() & work["worked_on"].notna().to_numpy()
    rows = pd.DataFrame(
        {
            "customer_id": work["customer_id"].to_numpy()[theirs],
            "kind": kinds.array[theirs],
            "day": work["worked_on"].to_numpy()[theirs],
            "place": theirs.nonzero()[0],
        }
    )
    names: Sequence[str] = rows["kind"].unique().tolist()
    pairs = [
        (one.customer_id, word, one.starts_on, one.ends_on)
        for one in active.itertuples(index=False)
        for word in names
        if policy.covers(one.contract_id, one.name, bool(one.applies_to_all), word or None)
    ]
    if pairs:
        both = rows.merge(
            pd.DataFrame(pairs, columns=["customer_id", "kind", "first", "last"]), on=["customer_id", "kind"]
        )
        first, last = pd.to_datetime(both["first"]), pd.to_datetime(both["last"])
        inside = (first.isna() | (both["day"] >= first)) & (last.isna() | (both["day"] <= last))
        covered.iloc[both.loc[inside, "place"].unique()] = True
    return covered


def _timers_of(line_ids: pd.Series, books: Books) -> pd.DataFrame:
    """For each ticket line: of the timers that name it the first one's start and technician, and the actual time of all."""
    names = ["timer_id", "line_id", "user_id", "started_at", "ended_at", "active_seconds"]
    timers = books.table("timers", names)
    timers = timers[timers["line_id"].isin(line_ids.tolist())].sort_values(["started_at", "timer_id"])
    # One that ends before it starts takes nothing off the others.
    timers = timers.assign(actual_seconds=actual_seconds(timers).clip(lower=0))
    first = timers.drop_duplicates("line_id").drop(columns="actual_seconds")
    total = timers.groupby("line_id", as_index=False)["actual_seconds"].sum()
    columns = {name: name for name in ("user_id", "started_at")}
    found = look_up(line_ids, first, "line_id", columns)
    return found.join(look_up(line_ids, total, "line_id", {"actual_seconds": "actual_seconds"}))
