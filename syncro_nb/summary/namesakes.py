"""Customers and technicians of one name, told apart: a summary groups by the name that it shows, which must mean one of them."""

from __future__ import annotations

import re
from collections import Counter

import pandas as pd

from ..books import Books

_LOOKS_TOLD = re.compile(r"\(id \d+\)$")


def customer_names(rows: pd.DataFrame, books: Books) -> pd.Series:
    """The customers of rows with `customer_id` and `customer`, each under one name that is no other customer's."""
    return _told_apart(rows["customer_id"], rows["customer"], books.table("customers", ["customer_id", "name"]))


def technician_names(user_ids: pd.Series, names: pd.Series, books: Books) -> pd.Series:
    """Technicians by their ids and names, each under one name that is no other technician's; "" is nobody."""
    return _told_apart(user_ids, names, books.table("users", ["user_id", "name"]))


def _told_apart(ids: pd.Series, names: pd.Series, listed: pd.DataFrame) -> pd.Series:
    """The name as it stands, with the id behind it where two share it, as in "Anvil Works (id 77)".

    Who was renamed has the name of the list (id, name). Rows that name no id keep their name.
    """
    of_list = dict(zip(*(listed[name].tolist() for name in listed), strict=True))
    met: dict[int | None, list[str]] = {}
    for one, name in pd.DataFrame({"id": ids, "name": names}).drop_duplicates().itertuples(index=False):
        met.setdefault(None if pd.isna(one) else int(one), []).append(str(name))
    without_id = met.pop(None, [])
    called = of_list | {
        one: of_list[one] if len(theirs) > 1 and one in of_list else theirs[0]
        for one, theirs in met.items()
        if one is not None
    }
    count = Counter([*called.values(), *without_id])
    shown = {
        one: f"{name} (id {one})".strip() if count[name] > 1 or _LOOKS_TOLD.search(name) else name
        for one, name in called.items()
    }
    return ids.map(shown).fillna(names.astype("str")).astype("str")
