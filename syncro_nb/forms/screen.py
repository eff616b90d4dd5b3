"""What a form is about: everything that one form has and another has not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..workspace import Workspace
from ..writes.receipt import Receipt
from .inputs import Field

Show = Callable[[str], None]
"""Puts HTML from `markup` where a run's progress is shown."""


@dataclass(frozen=True)
class Panel:
    """What a look-up brings: HTML from `markup`, what the inputs of kind `one` and `several` offer now, a run that stopped
    there, and what the looked-up input is to hold, where a search has found the one that was meant."""

    html: str = ""
    offers: Mapping[str, Sequence[tuple[str, Any]]] = field(default_factory=dict)
    stopped: Receipt | None = None
    found: str = ""


def account(workspace: Workspace) -> str:
    """Whose data it is, as a person must see it."""
    return "Sandbox, invented data" if workspace.is_sandbox else f"Account {workspace.config.account}"


@dataclass(frozen=True)
class Offer:
    """Something that can be done once a run has ended, by a button. `act` gives the sentence that says what was done."""

    title: str
    tooltip: str
    act: Callable[[], str]


class Planned(Protocol):
    """What a form asks of a plan: what stands against it, and what to know before it is confirmed."""

    @property
    def blockers(self) -> tuple[str, ...]: ...

    @property
    def warnings(self) -> tuple[str, ...]: ...


class Outcome(Protocol):
    """What a form asks of a receipt."""

    @property
    def is_verified(self) -> bool: ...

    @property
    def exit_status(self) -> int: ...

    @property
    def next(self) -> str | None: ...

    @property
    def message(self) -> str: ...


class Screen(Protocol):
    """What a form is about. `values` are the inputs by name, read by their kind (`inputs.read`)."""

    title: str
    fields: Sequence[Field]
    looks_up: str  # the field whose change brings up the panel beside the form; "" for none
    each_anew: bool  # whether another ticket, say, begins with empty inputs
    settle_seconds: float  # how long a write in doubt is waited for

    @property
    def account(self) -> str:
        """Whose data it is, in a few words."""

    @property
    def is_sandbox(self) -> bool:
        """Whether the data are invented."""

    def about(self, values: Mapping[str, Any]) -> Any:
        """What the inputs are about, a ticket's number say; None as long as nobody can tell."""

    def draft(self, values: Mapping[str, Any]) -> Any:
        """The draft that the inputs make."""

    def problems(self, draft: Any) -> Mapping[str, str]:
        """What is missing or wrong, by field."""

    def off(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The inputs that are out of use with these values, each with what it then holds."""

    def away(self, values: Mapping[str, Any]) -> frozenset[str]:
        """The inputs that mean nothing with these values: they are not to be seen, and are empty."""

    def fills(self, values: Mapping[str, Any]) -> Mapping[str, str]:
        """What an empty input becomes after a choice in a `several` field; empty if there is nothing to propose."""

    def suggest(self, typed: str) -> Sequence[str] | None:
        """What a `suggest` input offers while somebody types; None leaves it as it is."""

    def look_up(self, values: Mapping[str, Any]) -> Panel:
        """What is to be seen beside the form."""

    def plan(self, draft: Any) -> Any:
        """The plan, from live reads: `Planned`."""

    def preview(self, plan: Any) -> str:
        """The plan as HTML from `markup`, without its blockers."""

    def question(self, plan: Any) -> str:
        """What a person confirms, in one line."""

    def to_type(self, plan: Any) -> str:
        """What must be typed to confirm it; "" where a tick is enough."""

    def apply(self, plan: Any, word: str, show: Show) -> Any:
        """Carry the plan out: `Outcome`. `word` is what was typed, "" where it was ticked."""

    def go_on(self, stopped: Receipt, choice: str, ticket: int, record_id: int | None, show: Show) -> Receipt:
        """Go on with a stopped run: `resume`, or a person's `adopt`, `resend`, `abandon`."""

    def result(self, outcome: Any) -> str:
        """What became of it, as HTML from `markup`."""

    def offers(self, outcome: Any) -> Sequence[Offer]:
        """What can be done after it."""
