"""The object that a notebook holds, and every door uses: one account, its reads, its plans and its journal.

ws = connect()                       # the configured account, else the built-in sandbox
ws.open_tickets()                    # a DataFrame
plan = ws.plan_bill(BillDraft(...))  # looks live, sends nothing
ws.apply(plan, confirm=32164)        # the only call that writes
"""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, date, datetime, time, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from . import config as configuration
from . import frames
from . import hours as business
from .clock import Clock, StillClock, SystemClock
from .config import Config
from .errors import ConfigError, Error, InputError, Missing
from .escape import paragraph
from .hours import Hours
from .keptsandbox import KeptSandbox
from .keys import Sealed, find_key
from .mirror.mirror import Mirror, steadily
from .mirror.store import Store
from .secret import Secret
from .service.client import Client
from .service.limiter import Limiter, parse_rate
from .service.records import Settings, Ticket
from .service.transport import Inside, Transport
from .tables import TABLES
from .thresholds import Thresholds
from .ticketview import TicketView
from .words import Words, pull_words
from .zones import zone_of

if TYPE_CHECKING:
    import pandas as pd

    from .books import Books
    from .directory import CustomerRow, CustomerView
    from .mirror.asking import Tell
    from .mirror.sync import Synced
    from .policy import Policy
    from .reconcile.decisions import Decisions
    from .reconcile.finding import Proofs
    from .reconcile.ledger import Ledger
    from .reconcile.report import Report
    from .reports import Table
    from .sandbox import Sandbox
    from .summary.open_tickets import OpenTickets
    from .summary.unbilled import Unbilled
    from .writes.audit import Entry, Remark
    from .writes.batchbook import BatchBook
    from .writes.batchrun import BatchRunner
    from .writes.bill import BillDraft
    from .writes.bulk import Bulk, BulkReceipt
    from .writes.journal import Journal
    from .writes.plan import Plan
    from .writes.planning import Draft, Planning
    from .writes.receipt import Receipt
    from .writes.run import Progress, Runner

_WORKERS = 4  # requests of a sync under way at once: one alone waits for answers longer than the rate limit asks
Say = Callable[[str], None]

_RUN_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def _quiet(text: str) -> None:
    """Says nothing."""


def connect(
    profile: str | None = None,
    *,
    today: str | date | None = None,
    environment: Mapping[str, str] | None = None,
    clock: Clock | None = None,
) -> Workspace:
    """Open an account: `profile` of syncro.yaml, else the one that is configured, else the built-in sandbox.

    `today` gives a fresh sandbox of its own, made up to that day and gone with this object; it holds for the sandbox only.
    Without it the sandbox keeps what was done to it in the user's data folder (see `practice` for one of your own). Sends
    nothing yet. Raises ConfigError.
    """
    environment = Sealed(os.environ if environment is None else environment)
    clock = clock or SystemClock()
    config = configuration.load(environment, profile=profile or None)
    if config.url is None:
        return practice(today) if today else _kept_sandbox(config, clock)
    rate, seconds = parse_rate(config.rate)
    limiter = Limiter(config.home / "limiter.sqlite", requests=rate, seconds=seconds, clock=clock, scope=config.host)
    transport = Transport(
        config.url,
        find_key(config, environment),
        auth=config.auth,
        timeout_seconds=config.timeout_seconds,
        clock=clock,
        limiter=limiter,
    )
    return Workspace(config, Client(transport), clock, closing=(limiter,))


LONGEST_TEXT = 80  # characters of a cell of a pandas table in a notebook; pandas cuts at 50, within a customer's name


def _set_up_notebook() -> None:
    """How plain pandas tables are shown: dollars as such, no marks that turn the reading direction, names in whole.

    Jupyter sets what stands between two dollar signs of a pandas table as mathematics: amounts, and hostile subjects. What is
    shown is cleaned, the data stay as they are. A width that somebody has set is left alone.
    """
    import pandas as pd

    pd.set_option("display.html.use_mathjax", False)
    if pd.get_option("display.max_colwidth") == 50:
        pd.set_option("display.max_colwidth", LONGEST_TEXT)
    shell = sys.modules["IPython"].get_ipython()
    if shell is None or shell.display_formatter is None:
        return
    shown = shell.display_formatter.formatters
    for kind in (pd.DataFrame, pd.Series):
        shown["text/plain"].for_type(kind, lambda data, printer, _: printer.text(paragraph(repr(data))))
    shown["text/html"].for_type(pd.DataFrame, _html)


def _html(frame: pd.DataFrame) -> str | None:
    made = frame._repr_html_()
    return None if made is None else paragraph(made)


class _Frame:
    """A table of the mirror as an attribute of the workspace, loaded when it is first looked at."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, workspace: Workspace | None, owner: type) -> pd.DataFrame:
        if workspace is None:
            return self  # on the class, for help()
        return workspace._frame(self._name)


class Workspace:
    """One account. Close it, or use it in a `with` block, where it does not live as long as the program.

    In a notebook it sets how pandas tables are shown: two dollar signs are no formula, text cannot turn the reading direction,
    and a cell has 80 characters instead of 50.
    """

    # The tables of the mirror (tables.TABLES) as DataFrames; `.attrs["as_of"]` says how old each is.
    tickets = _Frame()
    comments = _Frame()
    charges = _Frame()
    timers = _Frame()
    invoices = _Frame()
    invoice_lines = _Frame()
    customers = _Frame()
    contacts = _Frame()
    products = _Frame()
    payments = _Frame()
    schedules = _Frame()
    schedule_lines = _Frame()
    contracts = _Frame()
    users = _Frame()
    timelogs = _Frame()
    prepaid = _Frame()

    def __init__(
        self,
        config: Config,
        client: Client,
        clock: Clock,
        *,
        closing: tuple[Any, ...] = (),
        folder: Path | None = None,
        run_names: Iterator[str] | None = None,
    ) -> None:
        self.config = config
        self.house = config.house
        self.client = client
        self._clock = clock
        self._closing = closing
        self._folder = folder  # a temporary home, removed at the end
        self._run_names = run_names or iter(_new_run_name, None)
        self._journal: Journal | None = None
        self._batch_book: BatchBook | None = None
        self._batches: BatchRunner | None = None
        self._mirror: Mirror | None = None
        self._zone: ZoneInfo | None = None
        self._hours: Hours | None = None
        self._own_settings: Settings | None = None
        self._words: Words | None = None
        self._decisions: Decisions | None = None
        self._settings: Books | None = None  # what `standing` needs besides the ticket
        if "IPython" in sys.modules:
            _set_up_notebook()

    def __repr__(self) -> str:
        where = "the built-in sandbox (invented data)" if self.is_sandbox else f"account {self.config.account}"
        return f"<Workspace on {where}>"

    # ------------------------------------------------------------ reading

    @property
    def is_sandbox(self) -> bool:
        """Whether it is a Syncro of ours with invented data, in this process or on this machine, and no account."""
        return self.config.url is None or self.config.host in configuration.LOOPBACK

    @property
    def journal(self) -> Journal:
        """The journal of this home, opened when it is first needed."""
        if self._journal is None:
            from .writes.journal import Journal

            self._journal = Journal(self.config.home, self._clock)
        return self._journal

    @property
    def zone(self) -> ZoneInfo | None:
        """The account's time zone, read once; None if Syncro does not name one that this machine knows."""
        if self._zone is None:
            self._zone = zone_of(self._account_settings().locale)
        return self._zone

    @property
    def hours(self) -> Hours | None:
        """The account's business hours, read once; None if Syncro names neither them nor a time zone that this machine knows."""
        if self._hours is None and self.zone is not None:
            self._hours = business.from_settings(self._account_settings(), self.zone)
        return None if self._hours is None or self._hours.is_assumed else self._hours

    def _account_settings(self) -> Settings:
        if self._own_settings is None:
            self._own_settings = self.client.settings()
        return self._own_settings

    @property
    def clock_zone(self) -> ZoneInfo | None:
        """The zone by whose clock tables and files show times: as the mirror has it, so that no server is asked for that."""
        kept = self.mirror.settings()
        return self.zone if kept is None else zone_of(kept.locale)

    def now(self) -> datetime:
        """The account's present time: the server's, since ages are measured against its records."""
        return self.client.server_now()

    def open_ticket_records(self) -> list[Ticket]:
        """The tickets that are not resolved, newest first."""
        rows = [row for row in self.client.tickets(status="Not Closed") if not self.house.is_resolved(row.status)]
        return sorted(rows, key=lambda row: row.number, reverse=True)

    def open_tickets(self) -> pd.DataFrame:
        """The tickets that are not resolved, newest first (frames.OPEN_TICKETS)."""
        rows = self.open_ticket_records()
        return frames.open_tickets(rows, self.now())

    def ticket(self, number: int) -> TicketView:
        """One ticket with its comments, time, charges and invoices. Raises InputError if there is none of that number."""
        from .writes.facts import pull_ticket_invoices

        row = self.client.ticket_by_number(number)
        if row is None:
            raise InputError(f"there is no ticket {number} in this account")
        ticket = self.client.ticket(row.id)
        if row.due_utc or ticket.due_utc:
            with suppress(Error):  # without the account's settings the day stays as it is written
                row, ticket = row.in_zone(self.clock_zone), ticket.in_zone(self.clock_zone)
        link = f"{self.config.site}/tickets/{ticket.id}" if self.config.site else None
        labour = {product_id: kind for kind, product_id in self.house.labour.items()}
        try:
            invoices = pull_ticket_invoices(self.client, ticket.id, ticket.customer_id, ticket.created_at)
        except InputError as error:
            return TicketView(ticket, row, (), labour, link, str(error))
        return TicketView(ticket, row, invoices, labour, link)

    def customer(self, customer_id: int) -> CustomerView:
        """One customer with its open tickets, people and unpaid invoices, live. Raises InputError if there is none."""
        from .directory import pull_customer

        return pull_customer(self.client, self.house, customer_id)

    def standing(self, view: TicketView) -> pd.DataFrame:
        """Where a ticket that was just read stands: its row of the queue (triage.QUEUE); no row if it is resolved.

        Reads the account's settings once, three requests or more.
        """
        from . import live, triage

        if self._settings is None:
            known = bool(self.mirror.known())
            self._settings = self.books() if known else live.first_books(self.client, prices=True)
        return triage.queue(live.of_ticket(self._settings, view.ticket, view.row, self.now()), self.house)

    # ------------------------------------------------------------ the mirror

    @property
    def mirror(self) -> Mirror:
        """The local copy of the account, opened when it is first needed."""
        if self._mirror is None:
            self._mirror = Mirror(self.config.mirror)
        return self._mirror

    def sync(self, full: bool = False, progress: Tell | None = None, only: Collection[str] = ()) -> Synced:
        """Bring the mirror up to date; with `full` every list is read through, and every detail.

        `only`: of a first sync the lists of these tables and what hangs on them; the next sync reads the others.
        `progress` is called after each request; without it a notebook shows how far an account's sync is, if it takes a while.
        Raises InputError where another sync of this account is at work, Refused or Unreachable if nothing could be read;
        what is merely missing is in `freshness`.
        """
        from . import progress as showing
        from .mirror.sync import sync

        is_inside = self.config.url is None
        if progress is None and not is_inside and showing.in_notebook():
            with showing.bar(self.config.rate, self._clock) as tell:
                return self.sync(full, tell, only)
        store = Store(self.config.mirror)
        try:
            workers = 1 if is_inside else _WORKERS
            return sync(store, self.client, self.house, full=full, only=only, tell=progress, workers=workers)
        finally:
            store.close()

    def books(self) -> Books:
        """The mirror as books, for summaries and rules. Raises InputError before the first sync."""
        return self.mirror.books()

    def unbilled(self) -> Unbilled:
        """Timers not charged, charges not invoiced, and tickets resolved without time, from the mirror.

        Raises InputError before the first sync.
        """
        from .summary.unbilled import summarise_unbilled

        return steadily(lambda: summarise_unbilled(self.books(), self.house, site=self.config.site))

    def unbilled_under(self, policy: Policy) -> pd.DataFrame:
        """What another policy would make of the timers that are not charged (summary.unbilled.POLICY_CHANGE)."""
        from .summary.unbilled import policy_change

        return steadily(lambda: policy_change(self.books(), self.house, policy))

    def open_summary(self, since: date | str | None = None) -> OpenTickets:
        """The open tickets by status, technician, customer, priority and age, and what has changed, from the mirror.

        `since`: from when on changes count: a time, or a day of the account's calendar, as in "2026-03-30". Without it they
        count since the last look, which this one then is, and tickets that are gone since are told as well; where the mirror is
        as it was then, the answer is as it was.
        Raises InputError before the first sync, and for what is no time.
        """
        from .summary.open_tickets import open_now, summarise_open_tickets

        def summarise() -> OpenTickets:
            books, site = self.books(), self.config.site
            if since is not None:
                return summarise_open_tickets(books, self.house, since=_moment(since, books.zone), site=site)
            moment, seen = self.mirror.look_before(books.as_of)
            found = summarise_open_tickets(books, self.house, since=moment, seen=seen, site=site)
            self.mirror.note_look(books.as_of, open_now(books, self.house))
            return found

        return steadily(summarise)

    def report(self, name: str, *, first: date | None = None, last: date | None = None) -> Table:
        """A weekly or monthly report of the mirror (reports.every_report): rows, how old they are, what is missing, notes.

        Monthly ones cover the days `first` to `last`: without both the last calendar month, with one the month that begins or
        ends on it. Raises InputError for a name that there is not, for a period that ends before it begins, and before the
        first sync. Those that tell of findings evaluate every rule on the mirror, besides what earlier reconciliations found.
        """
        from . import reports
        from .reconcile.decisions import sighted
        from .reconcile.report import reconcile

        wanted = reports.find(name)
        kept, site = self.decisions, self.config.site
        decided, seen = tuple(kept.all()), kept.sightings()

        def make() -> Table:
            books = self.books()
            now = [sighted(reconcile(books, self.house))] if wanted.of_findings else []
            return reports.make(name, reports.Question(books, self.house, first, last, decided, (*seen, *now), site))

        return steadily(make)

    @property
    def freshness(self) -> pd.DataFrame:
        """How old and how complete each table of the mirror is (mirror.FRESHNESS)."""
        return self.mirror.freshness()

    @property
    def unreadable(self) -> pd.DataFrame:
        """The rows that Syncro lists and that could not be read, each with the reason (mirror.UNREADABLE)."""
        return self.mirror.unreadable()

    def _frame(self, name: str) -> pd.DataFrame:
        if name not in self.mirror.known():
            why = next((gap.reason for gap in self.mirror.gaps() if gap.table == name), "")
            said = f"was not read ({why}): ws.sync() tries it again" if why else "was not read yet: ws.sync() reads it"
            raise InputError(f"the table {name} {said}")
        return self.mirror.frame(name)

    def reconcile(
        self,
        from_: date | str | None = None,
        to: date | str | None = None,
        *,
        ledger: Ledger | pd.DataFrame | Path | str | None = None,
        prove: bool | Callable[[Proofs], bool] = False,
        say: Say = _quiet,
    ) -> Report:
        """Every dollar between work and ledger, from the mirror (reconcile.report.Report); without dates all up to now.

        `to` is the cut-off, by default the end of the last calendar month: work up to it is leak, later work timing. With
        both days only what lies between is in the report. `ledger`: the accounting export, as a file or as it was read.
        `prove`: leave to read details live (at most proof.MOST requests) where a finding depends on them, or who is asked for
        it. Where nothing was read from Syncro yet, it syncs first. The findings are remembered for the bridge. `say` is told
        what it does meanwhile. Raises InputError for a wrong period or ledger.
        """
        from .reconcile.ledger import Ledger, read_ledger
        from .reconcile.report import reconcile

        first, last = (_day_of(one, name) for one, name in ((from_, "from_"), (to, "to")))
        if isinstance(ledger, str | Path):
            ledger = read_ledger(ledger)
        rows = ledger.rows if isinstance(ledger, Ledger) else ledger
        if self.mirror.as_of is None:
            say("nothing was read from Syncro yet: reading the account first")
            self.sync()
        site = self.config.site

        def look() -> tuple[Books, Report]:
            books = self.books()
            return books, reconcile(books, self.house, from_=first, to=last, ledger=rows, site=site)

        books, report = steadily(look)
        wanted = report.proofs_wanted
        if wanted and (prove(wanted) if callable(prove) else prove):
            from . import live as live_look

            seen = live_look.prove(books, self.client, wanted)
            say(seen.said)
            proved = seen.proved
            report = reconcile(seen.books, self.house, from_=first, to=last, ledger=rows, proved=proved, site=site)
        try:
            self.decisions.remember(report)
        except ConfigError as error:  # a folder that cannot be written keeps no history; the report is as good
            say(f"not remembered for the bridge: {error}")
        return report

    @property
    def decisions(self) -> Decisions:
        """What was decided about findings, and what earlier reconciliations found, in this home."""
        if self._decisions is None:
            from .reconcile.decisions import Decisions

            self._decisions = Decisions(self.config.home, self.config.account, self._clock)
        return self._decisions

    def search_tickets(self, query: str, *, most: int = 200) -> tuple[list[Ticket], bool]:
        """Tickets with these words in subject or customer, newest first; False: there are more than `most`."""
        from . import directory

        return directory.search_tickets(self.client, query, most=most)

    def find_customers(self, query: str, *, most: int = 10) -> list[CustomerRow]:
        """Customers with these words in their name; open tickets and prepaid hours of the first `most`."""
        from . import directory

        return directory.find_customers(self.client, self.house, query, most=most)

    def triage(self, *, live: bool = False, thresholds: Thresholds | None = None, say: Say = _quiet) -> pd.DataFrame:
        """The open tickets in the order in which to work (triage.QUEUE), each with the reasons why it is where it is.

        `live` reads the list of open tickets anew, and the details of at most ten at its top. `thresholds`: other limits than
        the house's, to see what they would do. `say` is told what has to be read first.
        """
        from . import triage

        return steadily(lambda: triage.queue(self.queue_books(live=live, say=say), self.house, thresholds=thresholds))

    def what_if(self, *, live: bool = False, **changes: Any) -> pd.DataFrame:
        """The tickets that changed thresholds would put into another lane, as `what_if(chase_days=2)`; nothing is kept.

        `changes` by the names of thresholds.Thresholds; `live` as in `triage`. Raises InputError for a name that is none.
        """
        from . import triage

        known = [one.name for one in fields(Thresholds)]
        strange = [name for name in changes if name not in known]
        if strange:
            raise InputError(f"there is no threshold {strange[0]!r}; they are {', '.join(known)}")
        other = replace(self.house.triage, **changes)
        return steadily(lambda: triage.what_if(self.queue_books(live=live), self.house, other))

    def queue_books(self, *, live: bool = False, say: Say = _quiet) -> Books:
        """The books that the queue is made from, as `triage` says."""
        from . import live as live_look

        if self.mirror.known():
            kept = self.books()
            return live_look.look(kept, self.client, self.house, details=live_look.DETAILS) if live else kept
        say("nothing is kept on this machine yet: reading settings, open tickets and their details")
        first = live_look.first_books(self.client, prices=not live)
        most = live_look.DETAILS - live_look.SETTINGS_REQUESTS if live else None
        return live_look.look(first, self.client, self.house, details=most)

    # ------------------------------------------------------------ writing

    @property
    def words(self) -> Words:
        """The account's own statuses, priorities, problem types and technicians, read once."""
        if self._words is None:
            self._words = pull_words(self.client)
        return self._words

    def plan(self, draft: Draft) -> Plan:
        """Read live what a write depends on, and say what it would send. Sends nothing.

        Raises InputError if the draft has problems, or names a ticket, customer or word that does not exist.
        """
        return self.planning().pull_plan(draft, next(self._run_names))

    def planning(self, client: Client | None = None) -> Planning:
        """What plans on this account are made with; `client` reads instead of the workspace's own."""
        from .writes.planning import Planning

        account = self.config.account
        return Planning(
            client=client or self.client,
            house=self.house,
            account=account,
            words=lambda: self.words,
            open_run=lambda ticket_id: self.journal.open_run(account, ticket_id),
            made_here=lambda ticket_id: self.journal.has_made(account, ticket_id),
            signed=self.config.references,
            claims=self.config.claims,
            history=lambda ticket_id: self.journal.history(account, ticket_id),
            zone=lambda: self.zone,
        )

    def plan_bill(self, draft: BillDraft) -> Plan:
        """`plan` for a bill."""
        return self.plan(draft)

    def apply(self, plan: Plan, *, confirm: int | str | None, progress: Progress | None = None) -> Receipt:
        """Carry out a plan. `confirm` is what a person typed after reading it: the ticket's number (`plan.confirmation`).

        Raises InputError, with nothing written, if it is not, if the plan has blockers, or if the ticket has changed.
        """
        if isinstance(confirm, bool) or str(confirm).strip() != plan.confirmation:
            raise InputError(f"nothing was written: to confirm, give {plan.confirmation_name}, {plan.confirmation}")
        return self._runner(progress).start(plan)

    def bulk(self, tickets: Any, *, status: str = "", priority: str = "", technician: str = "") -> Bulk:
        """The same change of several tickets, planned one by one; sends nothing. `tickets`: numbers, or a table's selected rows.

        Raises InputError if nothing is to change, or for a word that the account does not know.
        """
        from .writes.bulk import BulkDraft, check_words, numbers_of, plan_bulk

        draft = BulkDraft(numbers_of(tickets), status, priority, technician)
        problems = draft.problems(self.house)
        if problems:
            raise InputError("; ".join(problems.values()))
        check_words(draft, self.words)
        return plan_bulk(draft, self.plan)

    def apply_bulk(
        self, bulk: Bulk, *, confirm: int | str | None, progress: Callable[[int, int, str], None] | None = None
    ) -> BulkReceipt:
        """Carry it out, one ticket after the other. `confirm` is the number of tickets, as a person typed it.

        Raises InputError, with nothing written, if it is not, or if there is nothing to change.
        """
        if bulk.blockers:
            raise InputError(f"nothing was written: {'; '.join(bulk.blockers)}")
        if isinstance(confirm, bool) or str(confirm).strip() != bulk.confirmation:
            raise InputError(f"nothing was written: to confirm, give the number of tickets, {bulk.confirmation}")
        from .writes.bulk import carry_out

        return carry_out(bulk, lambda plan: self.apply(plan, confirm=plan.confirmation), progress)

    def resume(self, run: str, *, wait: bool = True, progress: Progress | None = None) -> Receipt:
        """Go on with a run that was cut off or is in doubt; looks before it does anything."""
        self._same_account(run)
        return self._runner(progress).resume(run, wait=wait)

    def decide(
        self, run: str, choice: str, *, ticket: int, record_id: int | None = None, progress: Progress | None = None
    ) -> Receipt:
        """A person's word on a run that asks: `adopt` (with record_id), `resend` or `abandon`."""
        self._same_account(run)
        return self._runner(progress).decide(run, choice, ticket_number=ticket, record_id=record_id)

    def receipts(self) -> list[Receipt]:
        """Every run of this home's journal, newest first."""
        from .writes.receipt import Receipt

        return [Receipt(run) for run in self.journal.runs()]

    def receipt(self, run: str) -> Receipt:
        """One run as it stands. Raises InputError if there is none of that name."""
        from .writes.receipt import Receipt

        return Receipt(self.journal.load(run))

    def audit(self, books: Books | None = None) -> list[Remark]:
        """What is not as it must be between the journal and Syncro (writes.audit.WHAT); an empty list: all of it was looked at.

        Live, it reads each ticket and invoice of this journal's runs, and says nothing of other tickets; with the mirror's
        `books` it looks at every ticket, as they were then. Raises Refused and Unreachable as the client does.
        """
        from .writes.audit import audit, entries_in, entries_of, twins_beside
        from .writes.look import Look

        account = self.config.account
        runs = [run for run in self.journal.runs() if run.plan.account == account]
        if books is not None:
            invoices = books.table("invoices", ["invoice_id", "ticket_id"])
            named = zip(invoices["invoice_id"], invoices["ticket_id"], invoices["ticket_id"].notna(), strict=True)
            by_id = {int(number): int(ticket) if has else None for number, ticket, has in named}
            newest = {}
            for sort, name in (("comment", "comments"), ("line", "charges"), ("invoice", "invoices")):
                key = TABLES[name].key
                newest[sort] = max(books.table(name, [key])[key].tolist(), default=0)
            tickets = books.table("tickets", ["ticket_id"])["ticket_id"]
            return audit(account, runs, entries_in(books), by_id, tickets, newest)
        entries: list[Entry] = []
        looked_at = sorted({run.plan.ticket_id for run in runs if run.plan.ticket_id > 0 and run.state != "nothing"})
        for ticket_id in looked_at:
            with suppress(Missing):
                entries += entries_of(self.client.ticket(ticket_id))
        found: dict[int, int | None] = {}
        for number in sorted(
            {one.record_id for run in runs for one in run.steps if one.step.name == "invoice" and one.record_id}
        ):
            with suppress(Missing):
                found[number] = self.client.invoice(number).ticket_id
        beside = [run for run in runs if run.plan.ticket_id < 0 and run.state != "nothing"]
        twins = [remark for run in beside for remark in twins_beside(run, Look(self.client))]
        return [*twins, *audit(account, runs, entries, found, looked_at)]

    def runs(self) -> pd.DataFrame:
        """Every run of this home's journal, newest first (frames.RUNS)."""
        return frames.frame(frames.RUNS, ((*run_row(one), one.run.started_at) for one in self.receipts()))

    @property
    def batches(self) -> BatchRunner:
        """Billing many tickets as one: `plan`, `confirm`, `run`, `receipts`."""
        if self._batches is None:
            from .writes.batchbook import BatchBook
            from .writes.batchrun import BatchRunner

            self._batch_book = BatchBook(self.config.home)
            self._batches = BatchRunner(self, self._batch_book, clock=self._clock, names=self._run_names)
        return self._batches

    def close(self) -> None:
        """Close connections and files; a sandbox of its own is gone."""
        if self._batch_book is not None:
            self._batch_book.close()
            self._batch_book = self._batches = None
        self.client.close()
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        if self._mirror is not None:
            self._mirror.close()
            self._mirror = None
        if self._decisions is not None:
            self._decisions.close()
            self._decisions = None
        for one in self._closing:
            one.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _runner(self, progress: Progress | None) -> Runner:
        from .writes.run import Runner

        return Runner(
            self.client,
            self.journal,
            clock=self._clock,
            settle_seconds=self.config.settle_seconds,
            progress=progress,
            resend_visible=self.config.resend_visible,
        )

    def _same_account(self, run: str) -> None:
        account = self.journal.load(run).plan.account
        if account != self.config.account:
            raise InputError(
                f"run {run} was on account {account}, and this is {self.config.account}; choose its --profile"
            )


def _day_of(day: date | str | None, name: str) -> date | None:
    """A day that may be written as in "2026-03-31". Raises InputError."""
    if not isinstance(day, str):
        return day
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise InputError(f"{name} must be a day as in 2026-03-31, not {day[:40]!r}") from None


def _moment(since: date | str, zone: tzinfo) -> datetime:
    """A time, or the beginning of a day, as an aware instant. Raises InputError."""
    try:
        moment = datetime.fromisoformat(since if isinstance(since, str) else since.isoformat())
    except (ValueError, AttributeError):
        raise InputError(f"since must be a day or a time, as in 2026-03-30, not {str(since)[:40]!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _new_run_name() -> str:
    return "R" + "".join(secrets.choice(_RUN_LETTERS) for _ in range(7))


def run_row(receipt: Receipt) -> tuple[str, int, str, str, str, str]:
    """Run, ticket, kind, state, step at which it stands, and what comes next."""
    run = receipt.run
    step = receipt.current.step.name if run.state == "open" and receipt.current else ""
    return run.id, run.plan.ticket_number, run.plan.kind, run.state, step, receipt.next or ""


# ---------------------------------------------------------------- the built-in sandbox, without a socket


def practice(today: str | date = "2026-03-31", *, seed: int = 1, faults: Sequence[Mapping[str, Any]] = ()) -> Workspace:
    """A sandbox of your own inside this program, with invented data up to that day; gone when it is closed.

    Another `seed` is another account.

    Nothing that is done to it reaches any account, nothing waits, and the same steps give the same output every time.
    `faults` let something go wrong on purpose (docs/sandbox.md): {"match": "POST /invoices", "kind": "drop_after"} loses the
    answer to the first invoice. Raises ConfigError for one that cannot be.
    """
    from .sandbox import Sandbox

    day = date.fromisoformat(today) if isinstance(today, str) else today
    folder = Path(tempfile.mkdtemp(prefix="syncro_nb-"))
    config = configuration.load({"SYNCRO_NB_HOME": str(folder)}, profile=configuration.SANDBOX, folder=folder)
    sandbox = Sandbox(today=day, seed=seed)
    sandbox.arm([dict(fault) for fault in faults])
    clock = StillClock(datetime.combine(day, time(23, 30), UTC))
    names = (f"R{number:07}" for number in itertools.count(1))
    client = _inside(sandbox, sandbox.handle, config, clock)
    workspace = Workspace(config, client, clock, folder=folder, run_names=names)
    # Notebooks rarely close theirs: then the folder goes with the object, or at the end of the program.
    weakref.finalize(workspace, shutil.rmtree, folder, ignore_errors=True)
    return workspace


def practice_ledger(program: str = "quickbooks", today: str | date = "2026-03-31") -> bytes:
    """The invoices of `practice(today)` as the accounting program exports them (CSV), with the differences that are planted
    there. `program` is quickbooks or xero. Raises InputError for another one."""
    from .sandbox import LEDGERS, Sandbox

    if program not in LEDGERS:
        raise InputError(f"there is no export of {program[:40]!r}; there is: {', '.join(LEDGERS)}")
    day = date.fromisoformat(today) if isinstance(today, str) else today
    return Sandbox(today=day).handle("GET", f"/_sandbox/ledger.csv?format={program}", {}, b"").body


def _kept_sandbox(config: Config, clock: Clock) -> Workspace:
    """The sandbox in the user's data folder: what one command did to it, the next one finds."""
    config = replace(config, home=config.home / "sandbox")
    kept = KeptSandbox(config.home, clock)
    return Workspace(config, _inside(kept.sandbox, kept.handle, config, clock), clock, closing=(kept,))


def _inside(sandbox: Sandbox, handle: Inside, config: Config, clock: Clock) -> Client:
    key, seconds = Secret(sandbox.key), config.timeout_seconds
    return Client(Transport("http://sandbox/api/v1", key, timeout_seconds=seconds, clock=clock, inside=handle))
