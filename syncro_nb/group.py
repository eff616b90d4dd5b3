"""A group of accounts: the same summary of each one's mirror, an account at a time, so that any pool of workers can share them.

    pd.concat(map(unbilled_of, folders))                        # one after the other
    pd.concat(client.gather(client.map(unbilled_of, folders)))  # on a Dask cluster, of this machine or of many

What travels is the name of a folder and one row of figures, never a table.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .frames import frame
from .mirror.mirror import Mirror, steadily
from .tables import Column

if TYPE_CHECKING:
    import pandas as pd

    from .config import House

ACCOUNT = {
    "account": Column("str", "name of the mirror's folder"),
    "as_of": Column("datetime64[us, UTC]", "when its last sync began"),
    "complete": Column("bool", "nothing that the summary needs is missing"),
}
UNBILLED_OF = {
    **ACCOUNT,
    "records": Column("int64", "timers not charged and charges not invoiced, of any mode"),
    "billable_hours": Column("float64", "billable time of what is to be billed, in hours"),
    "amount_cents": Column("int64", "what is to be billed, in cents"),
    "prepaid_hours": Column("float64", "billable time that a block of hours pays"),
    "contract_hours": Column("float64", "billable time that a contract covers"),
    "without_time": Column("int64", "tickets resolved without time"),
    "problems": Column("int64", "records that lack or contradict something"),
}
OPEN_OF = {
    **ACCOUNT,
    "tickets": Column("int64", "open tickets"),
    "unassigned": Column("int64", "of these nobody's"),
    "overdue": Column("int64", "of these past their due day, or with a breached service level"),
    "oldest_days": Column("Int64", "age of the oldest, in whole days"),
}


def unbilled_of(folder: Path | str, house: House | None = None) -> pd.DataFrame:
    """What is unbilled in one account's mirror, as one row (UNBILLED_OF). `house`: its policy; the default one without.

    Raises InputError if nothing was read into it yet, and store.Damaged.
    """
    from .summary.unbilled import summarise_unbilled

    with closing(Mirror(Path(folder))) as mirror:
        found = steadily(lambda: summarise_unbilled(mirror.books(), house or _standard()))
    totals = {**found.totals, "problems": len(found.problems)}
    figures = [totals[name] for name in UNBILLED_OF if name not in ACCOUNT]
    return frame(UNBILLED_OF, [(*_account(folder, found.as_of, not found.incomplete), *figures)])


def open_of(folder: Path | str, house: House | None = None) -> pd.DataFrame:
    """The open tickets of one account's mirror, as one row (OPEN_OF); otherwise like `unbilled_of`."""
    from .summary.open_tickets import summarise_open_tickets

    with closing(Mirror(Path(folder))) as mirror:
        found = steadily(lambda: summarise_open_tickets(mirror.books(), house or _standard()))
    rows = found.rows
    oldest = rows["age_days"].max() if len(rows) else None
    figures = (len(rows), int(rows["unassigned"].sum()), int(rows["overdue"].sum()), oldest)
    return frame(OPEN_OF, [(*_account(folder, found.as_of, not found.incomplete), *figures)])


def _account(folder: Path | str, as_of: datetime, is_complete: bool) -> tuple[str, datetime, bool]:
    return Path(folder).name, as_of, is_complete


def _standard() -> House:
    from .config import LABOUR, House

    return House(LABOUR, {})
