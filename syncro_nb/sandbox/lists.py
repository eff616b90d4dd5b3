"""Lists: the part of the rows that was asked for, one page of it, and what Syncro says about the pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import overload

from .render import Json
from .request import Request, whole
from .state import Account, Row, Table
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


class Newest(Sequence[Row]):
    """A table, the newest row first, of which only the pages that are asked for are copied."""

    def __init__(self, table: Table) -> None:
        self._rows = table.in_order()

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        if isinstance(place, int):
            return self._rows[-1 - place]
        first, last, _ = place.indices(len(self))
        return self._rows[len(self) - last : len(self) - first][::-1]


def is_unfiltered(request: Request) -> bool:
    """Whether all rows are asked for."""
    return request.query.keys() <= {"page", "per_page"}


def remembered(account: Account, request: Request, find: Callable[[], Iterable[Row]]) -> list[Row]:
    """What was found for these filters, until something is written: the next page of a long list costs nothing."""
    filters = {name: tuple(values) for name, values in request.query.items() if name not in ("page", "per_page")}
    key = (request.path, tuple(sorted(filters.items())))
    if key not in account.found:
        if len(account.found) >= _REMEMBERED:
            del account.found[next(iter(account.found))]
        account.found[key] = list(find())
    return account.found[key]


_REMEMBERED = 8  # lists


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
