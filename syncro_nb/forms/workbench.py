"""The dispatcher's desk: the queue as a table, the selected ticket beside it, and the forms that act on it.

    desk = Workbench(ws)          # from the mirror, else from what is read now
    desk.refresh(live=True)       # the list anew, and the details of ten tickets at the top
    desk.selected                 # the rows that are selected

Nothing is written from here: a button opens a form, and that one previews and asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from .. import triage
from ..errors import InputError
from ..workspace import Workspace
from . import markup
from .bill import bill_form
from .bulk import bulk_form
from .inputs import button, wide
from .page import bundle, guarded, say_in
from .table import Table
from .ticket import close_form, comment_form, schedule_form, update_form
from .ticketpanel import TicketPanel
from .timer import timer_form

if TYPE_CHECKING:
    import pandas as pd

ACTIONS: Mapping[str, Callable[[Workspace, int], Any]] = {
    "Comment": comment_form,
    "Change": update_form,
    "Schedule": schedule_form,
    "Time": timer_form,
    "Bill": bill_form,
    "Close": close_form,
}
SHOWN = ("number", "lane", "customer", "subject", "why")
WIDTHS = {"number": "8%", "lane": "13%", "customer": "18%", "subject": "24%", "why": "37%"}


class Workbench:
    """The widgets of the desk. `actions`: what the buttons open, by their titles, ACTIONS unless told otherwise; each takes the
    workspace and a ticket's number. `several`: what is opened for several tickets; it takes the workspace and their numbers."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        actions: Mapping[str, Callable[[Workspace, int], Any]] | None = None,
        several: Callable[[Workspace, list[int]], Any] = bulk_form,
    ) -> None:
        self._workspace, self._several = workspace, several
        self._actions = dict(ACTIONS if actions is None else actions)
        self.panel = TicketPanel(workspace)
        self.head, self.status = (widgets.HTML(layout=wide()) for _ in range(2))
        self._say = say_in(self.status)
        self.refresh_button = button("Look again", "The list of open tickets anew, and ten at the top in full")
        self.refresh_button.on_click(self._guarded(lambda: self.refresh(live=True)))
        self.buttons = {title: button(title, f"{title}: opens the form below") for title in self._actions}
        for title, one in self.buttons.items():
            one.on_click(self._guarded(partial(self.open, title)))
        self.several_button = button("Change several", "Status, technician or priority of every selected ticket")
        self.several_button.on_click(self._guarded(self.open_several))
        self.place, self.opened = widgets.VBox(), widgets.VBox()
        self._lay_out()
        self.refresh()

    # ------------------------------------------------------------ what a program asks it

    @property
    def selected(self) -> pd.DataFrame:
        """The selected rows of the queue (triage.QUEUE)."""
        return self.table.selected

    def select(self, *numbers: int) -> None:
        """Select the rows of these tickets, as a click does."""
        shown = self.table.frame["number"].tolist()
        self.table.selected = [place for place, number in enumerate(shown) if number in numbers]

    def refresh(self, *, live: bool = False) -> None:
        """Make the queue anew; `live` as in Workspace.triage."""
        # Without a mirror, all details would be one request for each open ticket: a live look takes the top ten.
        books = self._workspace.queue_books(live=live or not self._workspace.mirror.known())
        self.queue = triage.queue(books, self._workspace.house)
        self.head.value = _heading(self.queue, f"{books.as_of.astimezone(books.zone):%Y-%m-%d %H:%M %Z}")
        self.head.value += "".join(
            markup.text(f"Note: {one}", "warn", small=True) for one in triage.doubts(books, self.queue)
        )
        self.table = table_of(self._workspace, self.queue)
        self.table.widget.observe(self._guarded(self._show), "selected_rows")
        self.place.children = (self.table.box,)
        self._show()

    def open(self, title: str) -> Any:
        """Open a form on the selected ticket. Raises InputError unless one is selected."""
        chosen = self.selected
        if len(chosen) != 1:
            raise InputError("select one ticket in the table first")
        form = self._actions[title](self._workspace, int(chosen["number"].iloc[0]))
        self._put(form)
        return form

    def open_several(self) -> Any:
        """Open the form that changes every selected ticket. Raises InputError if none is selected."""
        numbers = [int(one) for one in self.selected["number"]]
        if not numbers:
            raise InputError("select one or more tickets in the table first")
        form = self._several(self._workspace, numbers)
        self._put(form)
        return form

    def __repr__(self) -> str:
        counts = triage.counts(self.queue)
        return f"<triage of {len(self.queue)} open tickets: {_counted(counts)}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return bundle(self.box, repr(self), **options)

    # ------------------------------------------------------------ the page

    def _lay_out(self) -> None:
        bar = [*self.buttons.values(), self.several_button, self.refresh_button]
        left = widgets.VBox([self.place], layout=widgets.Layout(flex="3 1 640px", min_width="0", overflow="auto"))
        right = widgets.VBox(
            [self.panel.box], layout=widgets.Layout(flex="2 1 420px", min_width="0", padding="0 0 0 20px")
        )
        columns = widgets.HBox([left, right], layout=widgets.Layout(flex_flow="row wrap", align_items="flex-start"))
        tools = widgets.HBox(bar, layout=widgets.Layout(flex_flow="row wrap"))
        self.box = widgets.VBox([self.head, tools, self.status, columns, self.opened])

    def _show(self) -> None:
        """The panel and the buttons follow the selection; a form that was opened stays until the next one."""
        numbers = [int(one) for one in self.selected["number"]]
        for one in self.buttons.values():
            one.disabled = len(numbers) != 1
        self.several_button.disabled = not numbers
        self._say(f"{len(numbers)} tickets selected" if len(numbers) > 1 else "", "quiet")
        self.panel.show(numbers[0] if len(numbers) == 1 else None)

    def _put(self, form: Any) -> None:
        shown = form if isinstance(form, widgets.Widget) else form.box
        self.opened.children = (shown,)
        self._say(
            "The form is below the table. Opening it sends nothing; what it writes is shown up here after Look again.",
            "info",
        )

    def _guarded(self, action: Callable[[], Any]) -> Callable[[Any], None]:
        return guarded(lambda _: action(), self._say)


def table_of(workspace: Workspace, queue: pd.DataFrame) -> Table:
    """A queue (triage.QUEUE) as a table to sort, search and select from."""
    return Table(queue, columns=SHOWN, zone=workspace.zone, name="triage", widths=WIDTHS)


def _heading(queue: pd.DataFrame, as_of: str) -> str:
    return markup.heading(f"{len(queue)} open tickets, as of {as_of}") + markup.text(_counted(triage.counts(queue)))


def _counted(counts: pd.Series) -> str:
    said = [f"{number} {lane}" for lane, number in counts.items() if number]
    return ", ".join(said) or "none"
