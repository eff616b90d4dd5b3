"""What a form is about: everything that one form has and another has not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..writes.plan import Plan
from ..writes.receipt import Receipt
from ..writes.run import Progress
from .inputs import Field


@dataclass(frozen=True)
class Panel:
    """What a look-up brings: HTML from `markup`, what the `several` fields offer now, a run that stopped there, and what the
    looked-up input is to hold, where a search has found the one that was meant."""

    html: str = ""
    offers: Mapping[str, Sequence[tuple[str, Any]]] = field(default_factory=dict)
    stopped: Receipt | None = None
    found: str = ""


class Screen(Protocol):
    """What a form is about. The draft has an attribute of the name `looks_up`: None, or what the look-up is about."""

    title: str
    fields: Sequence[Field]
    looks_up: str  # the field whose change brings up the panel beside the form
    settle_seconds: float  # how long a write in doubt is waited for

    @property
    def account(self) -> str:
        """Whose data it is, in a few words."""

    @property
    def is_sandbox(self) -> bool:
        """Whether the data are invented."""

    def draft(self, values: Mapping[str, Any]) -> Any:
        """The draft that the inputs make."""

    def problems(self, draft: Any) -> Mapping[str, str]:
        """What is missing or wrong, by field."""

    def off(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The inputs that are out of use with these values, each with what it then holds."""

    def fills(self, values: Mapping[str, Any]) -> Mapping[str, str]:
        """What an empty input becomes after a choice in a `several` field; empty if there is nothing to propose."""

    def look_up(self, values: Mapping[str, Any]) -> Panel:
        """What is to be seen beside the form."""

    def plan(self, draft: Any) -> Plan:
        """The plan, from live reads."""

    def preview(self, plan: Plan) -> str:
        """The plan as HTML from `markup`, without its blockers."""

    def question(self, plan: Plan) -> str:
        """What a person confirms, in one line."""

    def apply(self, plan: Plan, progress: Progress) -> Receipt:
        """Carry the plan out."""

    def go_on(self, run: str, choice: str, ticket: int, record_id: int | None, progress: Progress) -> Receipt:
        """Go on with a stopped run: `resume`, or a person's `adopt`, `resend`, `abandon`."""

    def result(self, receipt: Receipt) -> str:
        """The receipt as HTML from `markup`."""
