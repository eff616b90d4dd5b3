"""Lists: the part of the rows that was asked for, one page of it, and what Syncro says about the pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .render import Json
from .request import Request, whole
from .state import Account, Row
from .times import read_instant


@dataclass(frozen=True)
class Paging:
    """How a list is cut: rows per page, how many may be asked for, and whether `meta` counts them."""

    size: int
    largest: int
    counted: bool = False
    sized: bool = False  # does `meta` show per_page without a count?


PAGING = {
    "comments": Paging(10, 100, sized=True),
    "contacts": Paging(50, 50, counted=True),
    "contracts": Paging(50, 50, counted=True),
    "customers": Paging(100, 100, counted=True),
    "estimates": Paging(50, 50),
    "invoices": Paging(25, 25),
    "line_items": Paging(100, 100, counted=True),
    "payments": Paging(25, 25),
    "products": Paging(25, 25),
    "schedules": Paging(25, 25),
    "ticket_comments": Paging(25, 100, sized=True),
    "ticket_timers": Paging(100, 100, counted=True),
    "tickets": Paging(50, 50),
}


def page(
    account: Account,
    request: Request,
    name: str,
    rows: Sequence[Row],
    show: Callable[[Account, Row], Json],
    *,
    wrapper: str = "",
) -> tuple[int, Json]:
    """One page of these rows. Past the end it is empty; a page that makes no sense is the first one."""
    paging = PAGING[name]
    switched = account.switches.page_sizes.get(name)
    size, largest = (switched, switched) if switched else (paging.size, paging.largest)
    size = min(whole(request.asked("per_page")) or size, largest)
    number = max(1, whole(request.asked("page")) or 1)
    total_pages = max(1, -(-len(rows) // size))
    meta: Json = {"total_pages": total_pages}
    if paging.counted and (account.switches.autumn or name != "ticket_timers"):
        meta |= {"total_entries": len(rows), "per_page": size}
    if paging.sized:
        meta["per_page"] = size
    shown = rows[(number - 1) * size : number * size]
    return 200, {wrapper or name: [show(account, row) for row in shown], "meta": {**meta, "page": number}}


def newest(rows: Iterable[Row]) -> list[Row]:
    """Newest first, as nearly all lists are."""
    kept = list(rows)
    kept.reverse()
    return kept


def since(account: Account, request: Request, rows: Iterable[Row], **limits: str) -> Iterable[Row]:
    """The rows at or after the instants in the query: since_updated_at="updated_at". What is no instant is ignored."""
    for parameter, name in limits.items():
        instant = read_instant(request.asked(parameter), account.switches.zone)
        if instant is not None:
            rows = _after(rows, name, instant)
    return rows


def before(account: Account, request: Request, rows: Iterable[Row], **limits: str) -> Iterable[Row]:
    """The rows before the instants in the query."""
    for parameter, name in limits.items():
        instant = read_instant(request.asked(parameter), account.switches.zone)
        if instant is not None:
            rows = _before(rows, name, instant)
    return rows


def equal(request: Request, rows: Iterable[Row], **wanted: str) -> Iterable[Row]:
    """The rows whose ids are as in the query: customer_id="customer_id"."""
    for parameter, name in wanted.items():
        value = request.asked_id(parameter)
        if value is not None:
            rows = _equal(rows, name, value)
    return rows


def contain(rows: Iterable[Row], words: str | None, *names: str) -> Iterable[Row]:
    """The rows with these words, in any case, in one of the fields."""
    if not words:
        return rows
    sought = words.lower()
    return [row for row in rows if any(sought in str(row[name] or "").lower() for name in names)]


def chosen(request: Request, rows: Iterable[Row], wanted: str, *unwanted: str) -> Iterable[Row]:
    """The rows named by id[]=1&id[]=2, without those named by id_not[]."""
    keep = {whole(value) for name in (wanted, f"{wanted}[]") for value in request.query.get(name, ())}
    drop = {whole(value) for name in unwanted for part in (name, f"{name}[]") for value in request.query.get(part, ())}
    return [row for row in rows if (not keep or row["id"] in keep) and row["id"] not in drop]


def ordered(request: Request, rows: list[Row]) -> list[Row]:
    """In the order of sort="updated_at ASC", where that names a field."""
    name, _, direction = (request.asked("sort") or "").partition(" ")
    if not rows or name not in rows[0] or any(isinstance(row[name], dict | list) for row in rows):
        return rows
    order = sorted((row for row in rows if row[name] is not None), key=lambda row: (str(type(row[name])), row[name]))
    order += [row for row in rows if row[name] is None]
    return order[::-1] if direction.strip().upper() == "DESC" else order


def _after(rows: Iterable[Row], name: str, instant: int) -> Iterable[Row]:
    return (row for row in rows if row[name] is not None and row[name] >= instant)


def _before(rows: Iterable[Row], name: str, instant: int) -> Iterable[Row]:
    return (row for row in rows if row[name] is not None and row[name] < instant)


def _equal(rows: Iterable[Row], name: str, value: int) -> Iterable[Row]:
    return (row for row in rows if row[name] == value)
