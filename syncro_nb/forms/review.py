"""The review of a reconciliation: findings to select, the one behind the row in full, and a decision on those selected.

    review = Review(report, decisions, by="Ana")
    review.selected                    # the findings whose rows are selected
    review.decide()                    # what the form says, on all of them; kept at once, at home
    review.read_live()                 # reads what a rule would have to see before it speaks, and looks again

Totals stand by direction and are never netted. A finding that Syncro's API can put right has a button that opens the plan of
that write: `on_repair` gets the `Repair` and shows what is to be confirmed; nothing is written from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import ipywidgets as widgets

from ..errors import InputError
from ..escape import line
from ..export import placed
from ..money import format_cents
from ..reconcile.decisions import ACCEPTED, CHOICES, OPEN, REOPENED, SNOOZED, Decision, Decisions, by_key, review
from ..reconcile.finding import DIRECTIONS, Finding, by_reason
from ..reconcile.repair import Repair, repair_of
from ..reconcile.report import Report
from ..workbook import links_of, write_report
from ..workspace import Workspace
from . import markup
from .inputs import button, wide
from .page import Work, bundle, guarded, say_in
from .repair import repair_form
from .table import Table

if TYPE_CHECKING:
    import pandas as pd

SHOWN = (
    "rule",
    "severity",
    "direction",
    "amount_cents",
    "exact",
    "state",
    "customer",
    "ticket",
    "invoice",
    "on",
)  # the sentence stands beside the table, where there is room for it
UNDECIDED, EVERYTHING = "open and reopened", "all"


def review_form(
    workspace: Workspace, report: Report, *, by: str = "", folder: Path | str = "", ledger: Any = None
) -> Review:
    """The review of a reconciliation of this workspace; decisions are kept in its home, the workbook goes to `folder`.

    `by` is the name that decisions carry, `ledger` what the report was made with, for when details are read and it looks again.
    Nothing is written to Syncro from it but what a repair previews and a person confirms.
    """
    config = workspace.config

    def look_again(say: Callable[[str], None]) -> Report:
        return workspace.reconcile(report.from_, report.to, ledger=ledger, prove=True, say=say)

    return Review(
        report,
        workspace.decisions,
        by=by,
        account=config.account,
        site=config.site,
        zone=workspace.zone,
        folder=Path(folder).expanduser(),
        on_repair=lambda repair: repair_form(workspace, repair),
        on_read=look_again,
    )


class Review:
    """The widgets of a review. `by`: the name that decisions carry.

    `on_repair` None: repairs are told, not opened. `on_read` reads the details that are wanted and gives the report anew; it is
    told where to say what it did.
    """

    def __init__(
        self,
        report: Report,
        decisions: Decisions,
        *,
        by: str = "",
        account: str = "",
        site: str | None = None,
        zone: ZoneInfo | None = None,
        folder: Path | None = None,
        on_repair: Callable[[Repair], Any] | None = None,
        on_read: Callable[[Callable[[str], None]], Report] | None = None,
    ) -> None:
        self.report, self.decisions = report, decisions
        self._on_read = on_read
        self._account, self._site, self._zone, self._folder = account, site, zone or ZoneInfo("UTC"), folder or Path()
        self._on_repair = on_repair
        self.repair: Any = None  # what `on_repair` has opened
        self.rule = widgets.Dropdown(description="Rule", options=_rules(report), **_shape())
        self.state = widgets.Dropdown(description="Show", options=[UNDECIDED, EVERYTHING], value=UNDECIDED, **_shape())
        self.choice = widgets.Dropdown(
            description="Decision", options=[("choose ...", ""), *((one, one) for one in CHOICES)], **_shape()
        )
        self.reason = widgets.Combobox(
            description="Reason", placeholder="why; the write-off report goes by it", **_shape()
        )
        self.until = widgets.DatePicker(description="Until", **_shape())
        self.by = widgets.Text(description="Your name", value=by, **_shape())
        self.decide_button = button(
            "Keep the decision", "at home, on every selected finding", button_style="primary", icon="check"
        )
        self.repair_button = button(
            "Open the repair", "plans the write that puts it right; sends nothing", icon="wrench"
        )
        self.file_name = widgets.Text(value="reconciliation.xlsx", layout=widgets.Layout(width="260px"))
        self.workbook_button = button("Save as workbook", "all findings, with the decisions", icon="download")
        self.read_button = button(
            "Read from Syncro", "reads the records that are in doubt, and looks again", icon="refresh"
        )
        self.status, self.head, self.panel, self.missing = (widgets.HTML(layout=wide()) for _ in range(4))
        self._say = say_in(self.status)
        self.place, self.opened = widgets.VBox(), widgets.VBox()
        self._refresh()
        self._switch()
        for one in (self.rule, self.state):
            one.observe(self._guarded(lambda _: self._refresh()), "value")
        self.choice.observe(self._guarded(lambda _: self._switch()), "value")
        self.decide_button.on_click(self._guarded(lambda _: self.decide()))
        self.repair_button.on_click(self._guarded(lambda _: self.open_repair()))
        self.workbook_button.on_click(self._guarded(lambda _: self._save()))
        self.read_button.on_click(self._guarded(lambda _: self._reading().behind(self._read, self._say)))
        self._lay_out()

    # ------------------------------------------------------------ what a program asks it

    @property
    def rows(self) -> pd.DataFrame:
        """Every finding with how it stands (decisions.REVIEWED), in the report's order."""
        return review(self.report, self.decisions.all(), self.decisions.today())

    @property
    def selected(self) -> tuple[Finding, ...]:
        """The findings whose rows are selected."""
        keys = set(self.table.selected["key"])
        return tuple(one for one in self.report.findings if one.key in keys)

    def select(self, *keys: str) -> None:
        """Select the rows of these findings, as a click does."""
        shown = self.table.frame["key"].tolist()
        self.table.selected = [place for place, key in enumerate(shown) if key in keys]

    def decide(self) -> list[Decision]:
        """Keep what the form says on every selected finding. Raises InputError where something is missing; then none is kept."""
        chosen = self.selected
        if not chosen:
            raise InputError("select one or more findings in the table first")
        made = self.decisions.decide_all(
            chosen, self.choice.value, by=self.by.value, reason=self.reason.value, until=self.until.value
        )
        self.choice.value, self.reason.value, self.until.value = "", "", None
        self._refresh()
        self._say(f"Kept: {made[0].said}, on {len(made)} finding{'' if len(made) == 1 else 's'}.", "good")
        return made

    def read_live(self) -> Report:
        """Read the records that rules want to see before they speak, and show what they say then. Only reads; with your leave."""
        return self._reading().now(self._read)

    def open_repair(self) -> Repair:
        """Open the plan of the write that repairs the selected finding. Raises InputError where there is none."""
        chosen = self.selected
        if len(chosen) != 1:
            raise InputError("select one finding; each repair is a write of its own")
        repair = repair_of(chosen[0])
        if repair is None:
            raise InputError("Syncro's API cannot put this right, or a person has to look first: see the links")
        if self._on_repair is None:
            self._say(f"{repair.sentence}. (Open this review from a workspace to plan it here.)", "info")
            return repair
        self.repair = self._on_repair(repair)
        shown = getattr(self.repair, "box", self.repair)
        self.opened.children = (shown,) if isinstance(shown, widgets.Widget) else ()
        self._say(f"{repair.sentence}: preview and confirm it below. Opening it has sent nothing.", "info")
        return repair

    def save_workbook(self, path: Path | str) -> Any:
        """Write the whole report as .xlsx with the decisions; a name that is taken gets a number. Raises InputError."""
        return write_report(
            self.report,
            placed(path, self._folder),
            decisions=self.decisions.all(),
            account=self._account,
            site=self._site,
            zone=self._zone,
            rename=True,
        )

    def __repr__(self) -> str:
        states = self.rows["state"].astype("str")
        left = int(states.isin([OPEN, REOPENED]).sum())
        missing = len(self.report.not_evaluated)
        return (
            f"<review of {len(self.report.findings)} findings, {left} to decide"
            f"{f'; {missing} not evaluated' if missing else ''}>"
        )

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return bundle(self.box, repr(self), **options)

    # ------------------------------------------------------------ the page

    def _reading(self) -> Work[Report]:
        if self._on_read is None:
            raise InputError("open this review from a workspace to read from Syncro")
        said: list[str] = []
        self.read_button.disabled = True
        self._say(f"Reading up to {self.report.proofs_wanted.requests:,} details from Syncro ...", "info")

        def show(report: Report) -> None:
            self.report = report
            self.rule.options = _rules(report)
            self._refresh()
            self._say(f"Looked again: {'; '.join(said) or 'nothing had to be read'}.", "good")

        read = self._on_read
        return Work(lambda: read(said.append), show)

    def _read(self) -> None:
        self.read_button.disabled = False

    def _refresh(self) -> None:
        rows = self.rows
        self.head.value = self._heading(rows)
        self.missing.value = self._missing()
        wanted = self.report.proofs_wanted
        self.read_button.description = f"Read {len(wanted):,} record{'' if len(wanted) == 1 else 's'} from Syncro"
        self.read_button.layout.display = "" if wanted and self._on_read else "none"
        shown = rows
        if self.rule.value:
            shown = shown[shown["rule"].astype("str") == self.rule.value]
        if self.state.value == UNDECIDED:
            shown = shown[shown["state"].isin([OPEN, REOPENED])]
        reasons = {one.reason for one in self.decisions.all() if one.choice == ACCEPTED}
        self.reason.options = sorted(line(one) for one in reasons)
        self.table = Table(shown, columns=SHOWN, zone=self._zone, folder=self._folder, name="findings")
        self.table.widget.observe(self._guarded(lambda _: self._show()), "selected_rows")
        self.place.children = self.table.box.children[:2]  # without its file: the workbook has all findings
        self._show()

    def _switch(self) -> None:
        """Reason and day are asked for where the decision needs them."""
        self.until.layout.display = "" if self.choice.value == SNOOZED else "none"
        self.reason.layout.display = "" if self.choice.value else "none"

    def _show(self) -> None:
        """The selected finding in full: sentence, evidence, links, history of decisions."""
        chosen = self.selected
        self.opened.children, self.repair = (), None
        self.repair_button.disabled = len(chosen) != 1 or repair_of(chosen[0]) is None
        if not chosen:
            self.panel.value = markup.text(
                "Select a row to see its evidence; select several to decide them together.", "quiet"
            )
        elif len(chosen) > 1:
            self.panel.value = markup.text(f"{len(chosen)} findings are selected.", "quiet") + _amounts(chosen)
        else:
            self.panel.value = self._detail(chosen[0])

    def _detail(self, one: Finding) -> str:
        exact = "exact" if one.exact else "estimated"
        said = [
            markup.heading(f"{one.rule} · {one.severity} · {one.direction} {format_cents(one.amount_cents)} ({exact})"),
            markup.text(one.message),
        ]
        facts = [("customer", one.customer), ("ticket", one.ticket), ("invoice", one.invoice)]
        facts += [("technician", one.technician), ("day", one.on)]
        evidence = [
            (name.removesuffix("_cents").replace("_", " "), _evidence(name, value))
            for name, value in one.evidence.items()
        ]
        said.append(markup.facts([(name, value) for name, value in (*facts, *evidence) if value not in (None, "")]))
        links = links_of(one, self._site)
        said += [markup.link(f"open the {name} in Syncro", address) + "<br>" for name, address in links.items()]
        repair = repair_of(one)
        said += [markup.text(f"Can be repaired: {repair.sentence}.", "info")] if repair else []
        history = by_key(self.decisions.all()).get(one.key, [])
        said += (
            [markup.text("Decided before", bold=True), markup.items(past.said for past in history)] if history else []
        )
        return "".join(said)

    def _heading(self, rows: pd.DataFrame) -> str:
        as_of = self.report.as_of.astimezone(self._zone)
        period = f"{self.report.from_} to {self.report.to}" if self.report.from_ else "everything up to now"
        said = markup.heading(f"Reconciliation: {period}")
        said += markup.text(f"Data of {as_of:%Y-%m-%d %H:%M} ({self._zone.key})", "quiet", small=True)
        said += markup.table(
            ("direction", "findings", "to decide", "exact", "estimated"),
            _by_direction(rows),
            numbers=frozenset((1, 2, 3, 4)),
        )
        if not self.report.has_data:
            said += markup.text(
                "There was nothing in the period to look at, so that nothing is clear.", "warn", bold=True
            )
        conflicts = self.decisions.conflicts()
        if conflicts:
            said += markup.text("Decided differently by two people who did not know of each other", "warn", bold=True)
            said += markup.items(
                (
                    f"{final.rule}, {final.customer}: {final.said}; {'; '.join(one.said for one in others)}"
                    for final, others in conflicts
                ),
                "warn",
            )
        return said

    def _missing(self) -> str:
        """What could not be looked at: each reason once, with the rules that it silences."""
        silenced = {one.rule for one in self.report.not_evaluated}
        if not silenced:
            return ""
        said = markup.text(
            f"{len(silenced)} rules could not look at everything; nothing is known of these records", "warn", bold=True
        )
        reasons = by_reason(self.report.not_evaluated)
        return said + markup.items((f"{reason}: {', '.join(rules)}" for reason, rules in reasons), "warn")

    def _save(self) -> None:
        self._say(str(self.save_workbook(self.file_name.value.strip())), "good")

    def _lay_out(self) -> None:
        filters = widgets.HBox([self.rule, self.state], layout=widgets.Layout(flex_flow="row wrap"))
        form = widgets.VBox(
            [self.choice, self.reason, self.until, self.by, self.decide_button, self.repair_button, self.status],
            layout=widgets.Layout(width="380px", max_width="100%"),
        )
        detail = widgets.VBox([self.panel], layout=widgets.Layout(flex="1 1 360px", padding="0 0 0 20px"))
        below = widgets.HBox([form, detail], layout=widgets.Layout(flex_flow="row wrap"))
        save = widgets.HBox([self.file_name, self.workbook_button])
        self.box = widgets.VBox(
            [self.head, self.missing, self.read_button, filters, self.place, below, self.opened, save]
        )

    def _guarded(self, action: Callable[[Any], Any]) -> Callable[[Any], None]:
        return guarded(action, self._say)


def _shape() -> dict[str, Any]:
    """The looks of an input; each has a layout of its own, since some are hidden at times."""
    return {"style": {"description_width": "70px"}, "layout": widgets.Layout(width="340px", max_width="100%")}


def _rules(report: Report) -> list[tuple[str, str]]:
    return [(EVERYTHING, ""), *((one, one) for one in dict.fromkeys(one.rule for one in report.findings))]


def _by_direction(rows: pd.DataFrame) -> Iterable[tuple[str, int, int, str, str]]:
    """A line for each direction: they are never netted, so there is no sum of them, nor of exact amounts and estimates."""
    undecided = rows["state"].isin([OPEN, REOPENED])
    for name in DIRECTIONS:
        mine = rows["direction"].astype("str") == name
        if name != "none" or mine.any():
            sums = (int(rows.loc[mine & (rows["exact"] == said), "amount_cents"].sum()) for said in (True, False))
            exact, estimated = map(format_cents, sums)
            yield name, int(mine.sum()), int((mine & undecided).sum()), exact, estimated


def _amounts(some: Iterable[Finding]) -> str:
    sums: dict[str, int] = {}
    for one in some:
        sums[one.direction] = sums.get(one.direction, 0) + one.amount_cents
    return markup.facts((name, format_cents(cents)) for name, cents in sums.items())


def _evidence(name: str, value: object) -> str:
    if name.endswith("_cents") and isinstance(value, int):
        return format_cents(value)
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(one) for one in value)
    return "" if value is None else str(value)
