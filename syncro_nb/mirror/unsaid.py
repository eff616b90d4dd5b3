"""What Syncro changes without a new `updated_at`: rows of the mirror are changed as it shows them from then on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..tables import TABLES
from .columns import kept_columns
from .writer import Writer

MOST_RENAMED = 0.2  # of a table's rows


def rewrite(writer: Writer, name: str, chosen: Callable[[dict[str, Any]], bool], new: dict[str, Any]) -> None:
    """Change columns of the rows that are chosen."""
    columns = list(kept_columns(name))
    writer.commit()
    for row in writer.store.values(name, columns):
        named = dict(zip(columns, row, strict=True))
        if chosen(named):
            writer.put_row(name, row[0], tuple((named | new).values()))


def rename(writer: Writer) -> None:
    """Names of customers and contacts, which tickets and invoices show."""
    writer.commit()
    for table, column, key, named in (
        ("tickets", "customer", "customer_id", "customers"),
        ("invoices", "customer", "customer_id", "customers"),
        ("tickets", "contact", "contact_id", "contacts"),
    ):
        seen = writer.state("names")
        versions = [*writer.store.version(table), *writer.store.version(named)]
        if seen.get(f"{table}.{column}") == versions:
            continue
        names = {one: name for one, name in writer.store.values(named, [TABLES[named].key, "name"]) if name}
        shown = writer.store.values(table, [TABLES[table].key, key, column])
        old = {row for row, one, text in shown if one in names and text != names[one]}
        writer.keep("names", **{f"{table}.{column}": versions})
        if len(old) > MOST_RENAMED * len(shown) and not seen.get(f"{column}s agree"):
            continue  # an account that shows something else than the name
        if shown:
            writer.keep("names", **{f"{column}s agree": True})
        columns = list(kept_columns(table))
        who, what = columns.index(key), columns.index(column)
        for row in writer.store.values(table, columns) if old else ():
            if row[0] in old:
                writer.put_row(table, row[0], (*row[:what], names[row[who]], *row[what + 1 :]))
        writer.commit()
