"""Open tickets: how many and where, how old, whose turn it is and since when, what is overdue, and what has changed.

`summarise_open_tickets(books, house)` gives everything; `open_rows` is the list that the rest is made from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from ..books import Books, Gap
from ..config import House
from ..frames import of_columns
from ..tables import DAY, INSTANT, Column
from ..terms import look_up, resolved, today
from .age import age_band
from .missing import counted, gaps
from .namesakes import customer_names, technician_names

OURS, THEIRS, THIRD, NONE = "us", "customer", "third party", "nobody (scheduled)"

CUSTOMER = Column("str", "business name, else the person's; with the id behind it where two customers share it")
OPEN: Mapping[str, Column] = {
    "number": Column("int64", "ticket number, as people see it"),
    "status": Column("category", "the account's own word"),
    "priority": Column("category", "the account's own word; empty is normal"),
    "customer": CUSTOMER,
    "technician": Column("category", "who it is assigned to; empty is nobody"),
    "subject": Column("str", "subject as written"),
    "age_days": Column("Int64", "whole days since it was created; absent: Syncro gives no date"),
    "age_band": Column("category", "band of that age, in days"),
    "waiting_on": Column("category", f"whose turn it is: {OURS}, {THEIRS}, {THIRD}, {NONE}"),
    "waiting_since": Column(INSTANT, "since when: the first unanswered comment, our last word, else the last change"),
    "waiting_days": Column("Int64", "whole days since then"),
    "waiting_source": Column("category", "comments, or last change where its comments were not read or say nothing"),
    "due_on": Column(DAY, "due day"),
    "overdue_days": Column("Int64", "days since the due day, if it is past"),
    "sla_breached": Column("bool", "Syncro says that its service level is breached"),
    "overdue": Column("bool", "its due day is past, or its service level is breached"),
    "unassigned": Column("bool", "it is nobody's"),
    "created_at": Column(INSTANT, "when it was created"),
    "updated_at": Column(INSTANT, "when anything on it last changed"),
    "ticket_id": Column("int64", "ticket id"),
    "customer_id": Column("Int64", "customer id"),
    "link": Column("str", "its page in Syncro; empty where the account has none"),
}
COUNTS: Mapping[str, Column] = {
    "tickets": Column("int64", "open tickets"),
    "unassigned": Column("int64", "of these nobody's"),
    "overdue": Column("int64", "of these past their due day, or with a breached service level"),
    "on_us": Column("int64", "of these it is our turn"),
    "oldest_days": Column("Int64", "age of the oldest, in whole days"),
}
CHANGES: Mapping[str, Column] = {
    "number": Column("int64", "ticket number"),
    "change": Column(
        "category", "opened, resolved, opened and resolved, reopened, touched, or gone (deleted or merged)"
    ),
    "changed_at": Column(INSTANT, "when; absent: it is gone, and nobody says since when"),
    "status": Column("category", "its status now"),
    "customer": CUSTOMER,
    "technician": Column("category", "who it is assigned to"),
    "subject": Column("str", "subject as written"),
}
SEEN = ("ticket_id", "number", "status", "customer", "technician", "subject")  # what a look remembers of an open ticket
_NEEDED = [
    *("ticket_id", "number", "status", "priority", "customer_id", "customer", "user_id", "technician", "subject"),
    *("created_at", "updated_at", "due_on", "start_at", "customer_reply", "sla_breached", "detail_at"),
]


@dataclass(frozen=True, repr=False)
class OpenTickets:
    """The open tickets of one instant. `rows` is every one of them (OPEN); the tables are made from it.

    `incomplete`: what could not be seen; empty means that nothing is missing.
    """

    as_of: datetime
    rows: pd.DataFrame
    changes: pd.DataFrame
    since: datetime
    incomplete: tuple[Gap, ...] = ()

    @property
    def by_status(self) -> pd.DataFrame:
        """Counts by status (COUNTS)."""
        return count_by(self.rows, "status")

    @property
    def by_technician(self) -> pd.DataFrame:
        """Counts by technician (COUNTS); the empty name is nobody."""
        return count_by(self.rows, "technician")

    @property
    def by_customer(self) -> pd.DataFrame:
        """Counts by customer (COUNTS)."""
        return count_by(self.rows, "customer")

    @property
    def by_priority(self) -> pd.DataFrame:
        """Counts by priority (COUNTS), in the order of its text."""
        return count_by(self.rows, "priority", by_size=False)

    @property
    def by_age(self) -> pd.DataFrame:
        """Counts by age band (COUNTS), youngest first."""
        return count_by(self.rows, "age_band", by_size=False)

    @property
    def waiting(self) -> pd.DataFrame:
        """Counts by whose turn it is (COUNTS)."""
        return count_by(self.rows, "waiting_on")

    @property
    def unassigned(self) -> pd.DataFrame:
        """The tickets that are nobody's, oldest first (OPEN)."""
        return oldest(self.rows[self.rows["unassigned"]])

    @property
    def overdue(self) -> pd.DataFrame:
        """The overdue tickets, longest first (OPEN)."""
        late = self.rows[self.rows["overdue"]]
        return late.sort_values(["overdue_days", "number"], ascending=[False, True], ignore_index=True)

    @property
    def oldest(self) -> pd.DataFrame:
        """The ten oldest (OPEN)."""
        return oldest(self.rows).head(10)

    def __repr__(self) -> str:
        on_us = int((self.rows["waiting_on"] == OURS).sum())
        return (
            f"<{counted(len(self.rows), 'open ticket')}, {int(self.rows['unassigned'].sum())} unassigned, "
            f"{int(self.rows['overdue'].sum())} overdue, {on_us} waiting on us"
            f"{'; INCOMPLETE' if self.incomplete else ''}>"
        )


def open_now(books: Books, house: House) -> list[list[Any]]:
    """The open tickets as SEEN, to be compared with those of a later look."""
    tickets = books.table("tickets", list(SEEN))
    rows = tickets[~resolved(tickets, house)]
    return [[int(one[0]), int(one[1]), *map(str, one[2:])] for one in rows.itertuples(index=False)]


def summarise_open_tickets(
    books: Books,
    house: House,
    *,
    since: datetime | None = None,
    seen: Sequence[Sequence[Any]] | None = None,
    site: str | None = None,
) -> OpenTickets:
    """The open tickets of these books. `since`: when they were last looked at; a day before the books by default.

    `seen`: what was open then, as `open_now` gave it; without it nobody can say which tickets are gone.
    """
    since = since or books.as_of - timedelta(days=1)
    is_open = ~resolved(books.table("tickets", ["status"]), house)
    return OpenTickets(
        books.as_of,
        open_rows(books, house, site=site),
        changes(books, house, since, seen),
        since,
        gaps(books, "tickets", "comments", details_of="tickets", of_records=is_open),
    )


def open_rows(books: Books, house: House, *, site: str | None = None) -> pd.DataFrame:
    """Every open ticket as OPEN, newest first. `site`: the account's address, for links."""
    tickets = books.table("tickets", _NEEDED)
    rows = tickets[~resolved(tickets, house)].sort_values("number", ascending=False, ignore_index=True)
    day = pd.Timestamp(today(books))
    rows["age_days"] = _days(rows["created_at"], books.as_of)
    rows["age_band"] = age_band(rows["age_days"])
    late = (day - rows["due_on"]).dt.days.astype("Int64")
    rows["overdue_days"] = late.where(late > 0)
    rows["overdue"] = rows["overdue_days"].notna() | rows["sla_breached"]
    rows["unassigned"] = rows["user_id"].isna() & (rows["technician"].astype("str") == "")
    rows = rows.join(turn(rows, books))
    rows["waiting_days"] = _days(rows["waiting_since"], books.as_of)
    rows["customer"] = customer_names(rows, books)
    rows["technician"] = technician_names(rows["user_id"], rows["technician"], books)
    rows["link"] = links(rows["ticket_id"], site)
    return of_columns(OPEN, rows)


def turn(tickets: pd.DataFrame, books: Books) -> pd.DataFrame:
    """Whose turn it is on each ticket: `waiting_on`, `waiting_since` and `waiting_source`, with the tickets' index.

    Ours if Syncro says that the customer wrote last, or the last public comment is the customer's; theirs while waiting on
    the customer; a third party's for vendors and parts; nobody's while scheduled ahead; else ours. Comments count where the
    ticket's details were read. Ours since the customer's first unanswered comment, the others since our last word.
    """
    words = _last_words(tickets, books)
    status = tickets["status"].astype("str").str.strip().str.lower()
    theirs_last = words["asked_at"].notna()
    on = pd.Series(OURS, index=tickets.index, dtype="str")
    on = on.mask(tickets["start_at"] > books.as_of, NONE)
    on = on.mask(status.str.contains("vendor|parts|third party", regex=True), THIRD)
    on = on.mask(status.str.contains("waiting") & status.str.contains("customer"), THEIRS)
    on = on.mask(tickets["customer_reply"] | (status == "customer reply") | theirs_last, OURS)
    said = words["asked_at"].where(on == OURS, words["answered_at"])
    fallback = tickets["updated_at"].fillna(tickets["created_at"])
    # Ours without a question that is open: since it came to us, which is when it was made or last changed.
    return pd.DataFrame(
        {
            "waiting_on": on,
            "waiting_since": said.fillna(fallback),
            "waiting_source": said.notna().map({True: "comments", False: "last change"}).astype("str"),
        },
        index=tickets.index,
    )


def oldest(rows: pd.DataFrame) -> pd.DataFrame:
    """Open tickets (OPEN), oldest first."""
    return rows.sort_values(["created_at", "number"], ignore_index=True)


def count_by(rows: pd.DataFrame, column: str, *, by_size: bool = True) -> pd.DataFrame:
    """Open tickets (OPEN) counted by one of their columns, as that column and COUNTS; most tickets first, or by name."""
    each = pd.DataFrame(
        {
            column: rows[column],
            "tickets": 1,
            "unassigned": rows["unassigned"].astype("int64"),
            "overdue": rows["overdue"].astype("int64"),
            "on_us": (rows["waiting_on"] == OURS).astype("int64"),
            "oldest_days": rows["age_days"],
        }
    )
    ways = {name: ("max" if name == "oldest_days" else "sum") for name in COUNTS}
    counts = each.groupby(column, observed=True, as_index=False, dropna=False).agg(ways)
    # Categories are sorted by their words, not by the order in which they were met; bands have an order of their own.
    if not (isinstance(counts[column].dtype, pd.CategoricalDtype) and counts[column].cat.ordered):
        counts[column] = counts[column].astype("str")
    order, ascending = (["tickets", column], [False, True]) if by_size else ([column], [True])
    return of_columns(
        {column: Column(str(counts[column].dtype), ""), **COUNTS}, counts.sort_values(order, ascending=ascending)
    )


def changes(books: Books, house: House, since: datetime, seen: Sequence[Sequence[Any]] | None = None) -> pd.DataFrame:
    """What has happened to tickets after `since`, as CHANGES, newest first: opened, resolved, reopened, touched, gone.

    A resolved ticket counts by the time at which it was resolved; what was touched while resolved is left out. With `seen`
    (SEEN, what was open at `since`) an older ticket that was not open then is reopened, and one that is in no list any more is
    gone (deleted, or merged into another); without it reopened is told where Syncro still says when it was resolved.
    """
    names = [
        "ticket_id",
        "number",
        "status",
        "customer_id",
        "customer",
        "user_id",
        "technician",
        "subject",
        "created_at",
        "updated_at",
        "resolved_at",
    ]
    tickets = books.table("tickets", names)
    recent = tickets[
        (tickets["created_at"] > since) | (tickets["updated_at"] > since) | (tickets["resolved_at"] > since)
    ]
    done = resolved(recent, house)
    opened = recent["created_at"] > since
    closed = done & (recent["resolved_at"].fillna(recent["updated_at"]) > since)
    touched = ~done & (recent["updated_at"] > since)
    change = pd.Series("", index=recent.index, dtype="str").mask(touched, "touched")
    again = recent["resolved_at"] > since if seen is None else ~recent["ticket_id"].isin([one[0] for one in seen])
    change = change.mask(touched & again, "reopened").mask(opened, "opened")
    change = change.mask(closed, "resolved").mask(closed & opened, "opened and resolved")
    at = recent["updated_at"].mask(opened, recent["created_at"])
    at = at.mask(closed, recent["resolved_at"].fillna(recent["updated_at"]))
    told = {
        "customer": customer_names(recent, books),
        "technician": technician_names(recent["user_id"], recent["technician"], books),
    }
    rows = recent.assign(change=change, changed_at=at, **told)[change != ""]
    rows = rows.sort_values(["changed_at", "number"], ascending=False)
    were_open = pd.DataFrame([*(seen or ())], columns=list(SEEN))
    lost = were_open[~were_open["ticket_id"].isin(tickets["ticket_id"])].assign(change="gone")
    columns = [name for name in CHANGES if name != "changed_at"]
    return of_columns(CHANGES, pd.concat([rows, lost[columns]], ignore_index=True) if len(lost) else rows)


def links(ticket_ids: pd.Series, site: str | None) -> pd.Series:
    """Addresses of tickets on the account's site; empty without one, or where the ticket is not named."""
    if site is None:
        return pd.Series("", index=ticket_ids.index, dtype="str")
    known = ticket_ids.notna()
    return (f"{site}/tickets/" + ticket_ids.astype("Int64").astype("str")).where(known, "").astype("str")


def _days(moments: pd.Series, now: datetime) -> pd.Series:
    return (pd.Timestamp(now) - moments).dt.days.astype("Int64")


def _last_words(tickets: pd.DataFrame, books: Books) -> pd.DataFrame:
    """`answered_at`: our last public comment; `asked_at`: the customer's first after it. Absent where there is none.

    Tickets whose details were never read have neither: their list row shows at most the first comment.
    """
    comments = books.table("comments", ["ticket_id", "created_at", "user_id", "hidden"])
    read = tickets.loc[tickets["detail_at"].notna(), "ticket_id"]
    public = comments[~comments["hidden"] & comments["ticket_id"].isin(read.tolist())]
    ours = public["user_id"].notna()
    said = public[ours].groupby("ticket_id", as_index=False)["created_at"].max()
    last = look_up(public["ticket_id"], said, "ticket_id", {"at": "created_at"})["at"]
    open_ones = public[~ours & (last.isna() | (public["created_at"] > last))]
    asked = open_ones.groupby("ticket_id", as_index=False)["created_at"].min()
    found = look_up(tickets["ticket_id"], said, "ticket_id", {"answered_at": "created_at"})
    return found.join(look_up(tickets["ticket_id"], asked, "ticket_id", {"asked_at": "created_at"}))
