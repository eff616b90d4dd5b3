"""What a summary could not see: told with every summary, with how many records it concerns."""

from __future__ import annotations

from typing import Any

from ..books import Books, Gap


def gaps(books: Books, *tables: str, details_of: str | None = None, of_records: Any = None) -> tuple[Gap, ...]:
    """The gaps of these tables, and of the tickets (or customers) in `details_of` those whose details are missing or old.

    `of_records`: a mask that says which of those records matter; all by default. Details are old where the record has changed
    since they were read; these counts stand for what the books say of the details of all records. That the days are those of
    another time zone is a gap of every summary.
    """
    found = [*_of_zone(books), *books.gaps_of(*tables, of_details=details_of is None)]
    if details_of is not None and details_of in books.known:
        rows = books.table(details_of, ["detail_at", "updated_at"])
        rows = rows if of_records is None else rows[of_records]
        never = int(rows["detail_at"].isna().sum())
        old = int((rows["detail_at"] < rows["updated_at"]).sum())
        found += [Gap(details_of, "their details were never read", never)] if never else []
        found += [Gap(details_of, "they have changed since their details were read", old)] if old else []
    return tuple(dict.fromkeys(found))


def _of_zone(books: Books) -> list[Gap]:
    if books.known_zone is not None:
        return []
    why = "could not be read" if books.settings is None else "name no time zone that this machine knows"
    return [Gap("settings", f"the account's settings {why}: days and ages are those of UTC")]


def say(gap: Gap) -> str:
    """A gap as one sentence."""
    many = "" if gap.records is None else f" ({counted(gap.records, 'record')})"
    return f"{gap.table.replace('_', ' ')}: {gap.reason}{many}"


def counted(many: int, noun: str) -> str:
    """ "1 record", "1,200 records"."""
    return f"{many:,} {noun}{'' if many == 1 else 's'}"


def document(found: tuple[Gap, ...]) -> list[dict[str, Any]]:
    """Gaps as `--json` prints them."""
    return [{"table": gap.table, "reason": gap.reason, "records": gap.records} for gap in found]
