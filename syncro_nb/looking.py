"""What each verb does that only looks at tickets and customers: triage, search, customers. Nothing here prints."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .door import Door, Result
from .escape import clip, line

if TYPE_CHECKING:
    import pandas as pd

    from .directory import CustomerRow
    from .service.records import Ticket
    from .workspace import Workspace

MOST_FOUND, MOST_CUSTOMERS = 200, 10


def triage(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro triage`: the queue by lane, each ticket with its reasons."""
    from . import triage as room

    books = workspace.queue_books(live=words.live, say=door.say)
    queue = room.queue(books, workspace.house)
    return queue_result(queue, books.as_of.astimezone(books.zone), room.doubts(books, queue), door.width)


def queue_result(queue: pd.DataFrame, as_of: datetime, doubts: list[str], width: int) -> Result:
    """A queue as the terminal shows it: a heading for each lane, two lines for each ticket."""
    from . import triage as room

    said: list[str] = []
    tones: dict[int, str] = {}
    lanes = queue["lane"].astype("str")
    for lane, rows in ((name, queue[lanes == name]) for name in room.LANES):
        if not len(rows):
            continue
        tones[len(said)] = room.TONES.get(lane, "title")
        said.append(f"{lane} ({len(rows)})")
        for row in rows.itertuples(index=False):
            head = f"  #{row.number}  {clip(row.customer, 28):<28}  "
            said.append(head + clip(row.subject, max(20, width - len(head))))
            tones[len(said)] = "quiet"
            said.append(f"    {line(row.why)}" + ("" if row.details == "read" else f" (details {row.details})"))
    tones[len(said)] = "quiet"
    said.append(f"{len(queue)} open tickets, as of {as_of:%Y-%m-%d %H:%M %Z}")
    for doubt in doubts:
        tones[len(said)] = "warn"
        said.append(f"Note: {doubt}")
    document = {"as_of": as_of.isoformat(), "tickets": room.as_json(queue), "notes": doubts}
    return Result(said, document, table=queue, tones=tones)


def search(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro search QUERY`: tickets by subject or customer, newest first."""
    query = " ".join(words.query)
    rows, whole = workspace.search_tickets(query, most=MOST_FOUND)
    said = ticket_lines(rows, door.width)
    if not rows:
        said = [f"No ticket has {clip(query, 60)!r} in its subject or its customer's name."]
    said += [] if whole else [f"These are {len(rows)}; there are more. Say more of the subject to see the others."]
    table = None
    if words.out or door.tables:
        from . import frames

        table = frames.open_tickets(rows, workspace.now())
    return Result(said, [ticket_row(row) for row in rows], table=table)


def customers(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """`syncro customers QUERY`: by name, with open tickets and prepaid hours; the first ten in detail."""
    query = " ".join(words.query)
    found = workspace.find_customers(query, most=MOST_CUSTOMERS)
    said = []
    for one in found:
        counted = "open tickets and prepaid hours not read" if one.open_tickets is None else _customer_facts(one)
        said.append(f"{one.id:>10}  {clip(one.name, 36):<36}  {counted}")
    if len(found) > MOST_CUSTOMERS:
        said.append(f"{len(found)} customers; open tickets and prepaid hours of the first {MOST_CUSTOMERS} only")
    table = None
    if words.out or door.tables:
        from . import directory, frames

        table = frames.frame(directory.CUSTOMERS, (one.row() for one in found))
    said = said or [f"No customer has {clip(query, 60)!r} in its name."]
    return Result(said, [one.as_json() for one in found], table=table)


def _customer_facts(one: CustomerRow) -> str:
    hours = "no prepaid hours" if one.prepaid_hours is None else f"{one.prepaid_hours:f} prepaid hours"
    return f"{one.open_tickets} open ticket{'' if one.open_tickets == 1 else 's'}, {hours}"


def ticket_lines(rows: Sequence[Ticket], width: int) -> list[str]:
    """Tickets, one line each."""
    status = min(24, max((len(line(row.status)) for row in rows), default=0))
    customer = min(30, max((len(line(row.customer_name)) for row in rows), default=0))
    said = []
    for row in rows:
        head = f"#{row.number}  {clip(row.status, status):<{status}}  {clip(row.customer_name, customer):<{customer}}  "
        said.append(head + clip(row.subject, max(20, width - len(head))))
    return said


def ticket_row(row: Ticket) -> dict[str, Any]:
    """A ticket in a list, as `--json` prints it."""
    return {
        "number": row.number,
        "status": row.status,
        "customer": row.customer_name,
        "subject": row.subject,
        "priority": row.priority,
        "technician": row.technician_label,
        "created_at": row.created_at.isoformat() if row.created_at else None,
        "updated_at": row.updated_at.isoformat() if row.updated_at else None,
    }
