"""What `syncro reconcile` does: evaluates, asks before it reads details live, and says it for people. Nothing here prints."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .door import Door, Result
from .errors import ConfigError

if TYPE_CHECKING:
    from .reconcile.finding import Proofs
    from .workspace import Workspace


def check(words: argparse.Namespace) -> None:
    """Before anything is read from Syncro: what is wrong with the words. Raises ConfigError."""
    if words.from_ and words.to and words.to < words.from_:
        raise ConfigError(f"the period ends ({words.to}) before it begins ({words.from_})")
    for option, given in (("--column", words.columns), ("--date-order", words.date_order)):
        if given and not words.ledger:
            raise ConfigError(f"{option} is about the ledger: give it with --ledger FILE")
    if words.ledger and not Path(words.ledger).expanduser().is_file():
        raise ConfigError(f"there is no file {words.ledger[:200]}")


def reconcile(workspace: Workspace, words: argparse.Namespace, door: Door) -> Result:
    """The report as lines, document, table and workbook, from a mirror that was read before."""
    from .reconcile import printed
    from .reconcile.ledger import read_ledger

    check(words)
    ledger = None
    if words.ledger:
        ledger = read_ledger(words.ledger, columns=dict(words.columns), date_order=words.date_order)
        for sentence in ledger.sentences():
            door.remark(sentence)

    def may_read(wanted: Proofs) -> bool:
        if words.yes:
            return True
        needed = f"Some findings depend on details of {len(wanted):,} records that were not read"
        if door.ask is None:
            return False
        return door.ask(f"{needed}. Read them live now? Type yes: ").strip() == "yes"

    report = workspace.reconcile(words.from_, words.to, ledger=ledger, prove=may_read, say=door.remark)
    decisions = workspace.decisions.all()
    zone = workspace.books().zone
    lines, tones = printed.text(report, decisions, today=workspace.decisions.today(), zone=zone)

    def save(path: Path) -> object:
        from . import workbook

        account, site = workspace.config.account, workspace.config.site
        return workbook.write_report(
            report, path, decisions=decisions, account=account, site=site, zone=zone, replace=words.yes
        )

    return Result(lines, report.as_json(), table=report.frame(), tones=tones, save=save)
