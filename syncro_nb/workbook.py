"""A reconciliation as a workbook: a summary that a bookkeeper can print, all findings, and one sheet for each rule.

Built on `export`: real dates, numbers and amounts, a frozen header with a filter, and text that is always text. Links to the
records stand there as text, too: nothing that came from outside is ever live in a spreadsheet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from .errors import InputError
from .escape import line
from .export import MONEY_FORMAT, Written, amount_cell, placed, write
from .frames import frame
from .reconcile.decisions import Decision, review
from .reconcile.finding import DIRECTIONS, Finding
from .reconcile.report import Report
from .tables import DAY, INSTANT, Column

if TYPE_CHECKING:
    import pandas as pd

SUMMARY = "Summary"
ALL_FINDINGS = "All findings"
LINKS = {
    "ticket_link": Column("str", "the ticket's page in Syncro, as text; empty where the account has none"),
    "invoice_link": Column("str", "the invoice's page in Syncro, as text"),
    "customer_link": Column("str", "the customer's page in Syncro, as text"),
}
_NOT_EVIDENCE = ("links", "also", "on", "technician")
_LAST = ("key",)
_MEANINGS = {
    "leak": "we did not bill it",
    "over": "the customer was billed too much",
    "timing": "will be billed, late",
    "cash": "billed, and not received or not assigned",
}


def write_report(
    report: Report,
    path: Path | str,
    *,
    decisions: Iterable[Decision] = (),
    account: str = "",
    site: str | None = None,
    zone: ZoneInfo | None = None,
    replace: bool = False,
    rename: bool = False,
) -> Written:
    """Write a reconciliation as .xlsx. `site`: the account's address, for links. See `export.write` for the rest.

    Raises InputError for another ending than .xlsx, and where the file cannot be written.
    """
    path = placed(path)
    if path.suffix.lower() != ".xlsx":
        raise InputError(f"{line(path.name)[:80]}: a workbook with a sheet for each rule must end in .xlsx")
    zone = zone or ZoneInfo("UTC")
    today = report.as_of.astimezone(zone).date()
    every = review(report, decisions, today)
    every = every.join(_links(report.findings, site))
    every = every[[name for name in every if name not in _LAST] + list(_LAST)]
    sheets = {rule: rule_sheet(report, rule, every) for rule in dict.fromkeys(one.rule for one in report.findings)}

    def front(book: Any) -> None:
        _summary(book, report, every, account, zone)

    return write(every, path, sheets=sheets, zone=zone, replace=replace, rename=rename, title=ALL_FINDINGS, front=front)


def rule_sheet(report: Report, rule: str, every: pd.DataFrame) -> pd.DataFrame:
    """The findings of one rule: what all findings have (`every`, REVIEWED and links), and a column for each evidence."""
    places = [at for at, one in enumerate(report.findings) if one.rule == rule]
    rows = every.iloc[places].drop(columns=["rule"]).reset_index(drop=True)
    evidence = _evidence([report.findings[at] for at in places], set(rows))
    return rows[[name for name in rows if name not in _LAST]].join(evidence).join(rows[list(_LAST)])


def _evidence(findings: list[Finding], taken: set[str]) -> pd.DataFrame:
    """Evidence as columns: numbers, amounts, days and instants as what they are, everything else as text."""
    import pandas as pd

    names = dict.fromkeys(name for one in findings for name in one.evidence if name not in _NOT_EVIDENCE)
    made = {}
    for name in names:
        values = [one.evidence.get(name) for one in findings]
        known = [value for value in values if value is not None]
        called = f"{name} (evidence)" if name in taken else name
        if all(type(value) is int for value in known):
            made[called] = pd.Series(values, dtype="Int64")
        elif all(type(value) in (int, float) for value in known) and not name.endswith("_cents"):
            made[called] = pd.Series(values, dtype="Float64")
        elif (
            name.endswith(("_at", "_on"))
            and (dated := _dated(values, INSTANT if name.endswith("_at") else DAY)) is not None
        ):
            made[called] = dated
        else:
            made[called] = pd.Series([_written(value) for value in values], dtype="str")
    return pd.DataFrame(made, index=range(len(findings)))


def _dated(values: list[Any], dtype: str) -> pd.Series | None:
    """Days or instants that were written as text; None if one of them is something else."""
    import pandas as pd

    try:
        return pd.to_datetime(pd.Series(values, dtype=object), utc=dtype == INSTANT, format="ISO8601").astype(dtype)
    except (ValueError, TypeError):
        return None


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_written(one)}" for name, one in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_written(one) for one in value)
    return str(value)


def _links(findings: Iterable[Finding], site: str | None) -> pd.DataFrame:
    """The pages of the records that findings are about, as LINKS."""
    rows = [links_of(one, site) for one in findings]
    return frame(LINKS, ([row.get(name, "") for name in ("ticket", "invoice", "customer")] for row in rows))


def links_of(finding: Finding, site: str | None) -> dict[str, str]:
    """Addresses of a finding's records, by what they are; empty where the account has no site or no id is known."""
    if site is None:
        return {}
    ids = {name: finding.evidence.get(f"{name}_id") for name in ("ticket", "invoice", "customer")}
    return {name: f"{site}/{name}s/{number}" for name, number in ids.items() if isinstance(number, int)}


# ---------------------------------------------------------------- the summary


def _summary(book: Any, report: Report, every: pd.DataFrame, account: str, zone: ZoneInfo) -> None:
    """The first sheet: title, how old, totals that are never netted, by rule, and what was not evaluated, in full."""
    sheet = book.add_worksheet(SUMMARY)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
    sheet.set_footer("&L&F&RPage &P of &N")
    sheet.hide_gridlines(2)
    look = {
        "title": book.add_format({"bold": True, "font_size": 16}),
        "part": book.add_format({"bold": True, "font_size": 12, "top": 1}),
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        "money": book.add_format({"num_format": MONEY_FORMAT, "valign": "top"}),
        "sum": book.add_format({"num_format": MONEY_FORMAT, "bold": True, "top": 1}),
        "text": book.add_format({"text_wrap": True, "valign": "top"}),
        "bold": book.add_format({"bold": True}),
    }
    listed = [name for name in DIRECTIONS if name != "none"]
    width = 4 + len(listed)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 70)
    sheet.set_column(2, width, 14)
    at = 0

    def put(place: int, value: object, name: str = "text") -> None:
        if isinstance(value, int):
            sheet.write_number(at, place, value, look[name])
        elif value:
            sheet.write_string(at, place, str(value), look[name])

    def cents(place: int, value: int, name: str = "money") -> None:
        sheet.write(at, place, amount_cell(value)[1], look[name])

    put(0, f"Reconciliation{f' of {line(account)}' if account else ''}", "title")
    for sentence in (
        _period(report),
        f"Data of {report.as_of.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key}). "
        f"Work done before {report.cut_off.astimezone(zone):%Y-%m-%d %H:%M} is leak, later work is timing.",
    ):
        at += 1
        put(0, sentence, "bold")

    at += 2
    put(0, "Totals by direction (never netted against each other)", "part")
    at += 1
    for place, head in enumerate(("direction", "meaning", "findings", "exact", "estimated", "decided", "open")):
        put(place, head, "head")
    direction, amount = every["direction"].astype("str"), every["amount_cents"]
    exact = every["exact"].astype("bool")
    is_open = every["state"].isin(["open", "reopened", "snoozed"])
    for name in listed:
        at += 1
        mine = direction == name
        put(0, name)
        put(1, _MEANINGS[name])
        put(2, int(mine.sum()))
        parts = (mine & exact, mine & ~exact, mine & ~is_open, mine & is_open)
        for place, part in enumerate(parts, start=3):
            cents(place, int(amount[part].sum()))

    at += 2
    put(0, "By rule", "part")
    at += 1
    for place, head in enumerate(("rule", "what it looks for", "severity", "findings", *listed, "amounts")):
        put(place, head, "head")
    said = _sentences()
    for rule in dict.fromkeys(one.rule for one in report.findings):
        at += 1
        mine = every["rule"].astype("str") == rule
        put(0, rule)
        put(1, said.get(rule, ""))
        put(2, ", ".join(sorted(set(every.loc[mine, "severity"].astype("str")))))
        put(3, int(mine.sum()))
        for place, name in enumerate(listed, start=4):
            cents(place, int(amount[mine & (direction == name)].sum()))
        kinds = set(exact[mine])
        put(width, "exact" if kinds == {True} else "estimated" if kinds == {False} else "partly estimated")
    at += 1
    put(0, "all", "bold")
    put(3, len(every), "bold")
    for place, name in enumerate(listed, start=4):
        cents(place, int(amount[direction == name].sum()), "sum")

    at += 2
    put(0, "Not evaluated: nothing is known of these", "part")
    at += 1
    for place, head in enumerate(("rule", "why", "records")):
        put(place, head, "head")
    for one in report.not_evaluated:
        at += 1
        put(0, one.rule)
        put(1, line(one.reason))
        put(2, one.records if one.records is not None else "not known")
    if not report.not_evaluated:
        at += 1
        put(0, "Every rule could look at everything.")
    if not report.has_data:
        at += 2
        put(0, "There was nothing in the period to look at, so that nothing is clear.", "bold")
    sheet.repeat_rows(0)
    sheet.print_area(0, 0, at, width)


def _period(report: Report) -> str:
    if report.from_ and report.to:
        return f"Period: {report.from_} to {report.to}"
    return f"Period: everything from {report.from_} on" if report.from_ else "Period: everything up to now"


def _sentences() -> dict[str, str]:
    from .reconcile.registry import every_rule

    return {name: one.said for name, one in every_rule().items()}
