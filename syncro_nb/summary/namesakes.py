"""Customers of one name, told apart: a summary groups by the name that it shows, and that must mean one customer."""

from __future__ import annotations

import pandas as pd

from ..books import Books

_LOOKS_TOLD = r"\(id \d+\)$"


def customer_names(rows: pd.DataFrame, books: Books) -> pd.Series:
    """The customers of rows with `customer_id` and `customer`, each under one name that is no other customer's.

    The name as it stands, with the id behind it where two share it, as in "Anvil Works (id 77)". A customer who was renamed
    has the name of the customers' list. Rows that name no id keep their name.
    """
    listed = books.table("customers", ["customer_id", "name"]).rename(columns={"name": "customer"})
    listed = listed.astype({"customer_id": "Int64"})
    met = rows[["customer_id", "customer"]].drop_duplicates()
    renamed = met.loc[met["customer_id"].duplicated(), "customer_id"].dropna()
    every = pd.concat([listed[listed["customer_id"].isin(renamed.tolist())], met, listed], ignore_index=True)
    has_id = every["customer_id"].notna()
    every = every[~has_id | ~every["customer_id"].duplicated()]
    shared = every["customer"].duplicated(keep=False) | every["customer"].str.contains(_LOOKS_TOLD, regex=True)
    told = (every["customer"] + " (id " + every["customer_id"].astype("str") + ")").str.strip()
    shown = every.assign(customer=every["customer"].mask(shared & has_id, told)).dropna(subset="customer_id")
    by_id = dict(zip(shown["customer_id"].astype("int64"), shown["customer"], strict=True))
    return rows["customer_id"].map(by_id).fillna(rows["customer"]).astype("str")
