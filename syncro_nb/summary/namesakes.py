"""Customers of one name, told apart: a summary groups by the name that it shows, and that must mean one customer."""

from __future__ import annotations

import re
from collections import Counter

import pandas as pd

from ..books import Books

_LOOKS_TOLD = re.compile(r"\(id \d+\)$")


def customer_names(rows: pd.DataFrame, books: Books) -> pd.Series:
    """The customers of rows with `customer_id` and `customer`, each under one name that is no other customer's.

    The name as it stands, with the id behind it where two share it, as in "Anvil Works (id 77)". A customer who was renamed
    has the name of the customers' list. Rows that name no id keep their name.
    """
    listed = books.table("customers", ["customer_id", "name"])
    names = dict(zip(listed["customer_id"].tolist(), listed["name"].tolist(), strict=True))
    met: dict[int | None, list[str]] = {}
    for one in rows[["customer_id", "customer"]].drop_duplicates().itertuples(index=False):
        met.setdefault(None if pd.isna(one.customer_id) else int(one.customer_id), []).append(one.customer)
    without_id = met.pop(None, [])
    called = names | {
        one: names[one] if len(theirs) > 1 and one in names else theirs[0]
        for one, theirs in met.items()
        if one is not None
    }
    count = Counter([*called.values(), *without_id])
    shown = {
        one: f"{name} (id {one})".strip() if count[name] > 1 or _LOOKS_TOLD.search(name) else name
        for one, name in called.items()
    }
    return rows["customer_id"].map(shown).fillna(rows["customer"]).astype("str")
