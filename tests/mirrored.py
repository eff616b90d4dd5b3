"""A desk with a mirror, and the mirror held against everything that the account answers."""

import collections
import re

import pandas as pd
from desk import Desk
from everything import read_everything

from syncro_nb.tables import TABLES

# A customer's detail has links to everything, which the mirror leaves to the tables; readings have their own times.
NOT_COMPARED = {"customers": ["extra", "detail_at"], "tickets": ["detail_at"], "invoices": ["detail_at", "named_at"]}


class MirrorDesk(Desk):
    """`pull()` syncs and tells the requests that it took, by path."""

    def pull(self, full=False):
        before = len(self.sandbox._log)
        self.synced = self.ws.sync(full=full)
        asked = [row["path"] for row in list(self.sandbox._log)[before:]]
        return collections.Counter(re.sub(r"\d+", "N", path) for path in asked)

    def gaps(self, name):
        return [gap.reason for gap in self.ws.mirror.gaps() if gap.table == name]

    def changed(self):
        return {name: (one.new, one.changed, one.gone) for name, one in self.synced.changes.items() if one.any}


def wrong_rows(books, everything, names=TABLES):
    """By table, the ids that are missing, stale or ghosts in the books."""
    wrong = {}
    for name in names:
        if name == "prepaid":
            continue
        key, dropped = TABLES[name].key, NOT_COMPARED.get(name, [])
        ours, theirs = (_by_key(one.table(name).drop(columns=dropped), key) for one in (books, everything))
        ids = set(ours) ^ set(theirs)
        columns = set()
        for one in ours.keys() & theirs.keys():
            if ours[one] != theirs[one]:
                ids.add(one)
                columns |= {column for column in ours[one] if ours[one][column] != theirs[one][column]}
        if ids:
            wrong[name] = (sorted(ids), sorted(columns))
    return wrong


def _by_key(frame, key):
    """The rows of a frame by their key; what is absent is None."""
    columns = [
        [None if absent else value for value, absent in zip(frame[name].tolist(), frame[name].isna(), strict=True)]
        for name in frame.columns
    ]
    rows = [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)]
    return {row[key]: row for row in rows}


def wrong_now(desk):
    return wrong_rows(desk.ws.books(), read_everything(desk.ws.client))


def latest_hours(books):
    """The last reading of each customer's prepaid hours."""
    rows = books.table("prepaid").sort_values("read_at").groupby("customer_id").tail(1)
    return {
        row.customer_id: None if pd.isna(row.prepaid_millionths) else row.prepaid_millionths
        for row in rows.itertuples()
    }
