"""Rules on time: work that nobody entered, timers that run on, time that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from .. import terms
from .arithmetic import among, half_up, ids, marked, matches
from .finding import Found, Lack, hits
from .inputs import Rates
from .registry import rule

HALF_AN_HOUR = 0.5
DISMISSED = (
    *("cancelled", "canceled", "duplicate", "spam", "auto-closed", "auto closed", "autoclosed", "auto-resolved"),
    *("internal", "warranty"),
)
_NOTICED = pd.Timedelta(minutes=15)
_RUNS_TOO_LONG = pd.Timedelta(hours=10)
HOUR = 3600


def unread(tickets: pd.DataFrame, what: str = "their comments and lines") -> tuple[Lack, ...]:
    """The tickets whose details are not at hand, as what a rule left out."""
    lacking = tickets[~tickets["is_read"]]
    if not len(lacking):
        return ()
    reason = f"details of the ticket not read since its last change, so {what} are not known"
    return (Lack(reason, len(lacking), ticket_day(lacking)),)


def ticket_day(tickets: pd.DataFrame, zone: ZoneInfo | None = None) -> pd.Series:
    """The day that a ticket belongs to: that of its resolution, else of its last change, else of its creation."""
    when = tickets["resolved_at"].fillna(tickets["updated_at"]).fillna(tickets["created_at"])
    return terms.local_day(when, zone or ZoneInfo("UTC"))


def median_of(problem_types: pd.Series, usual_hours: dict[str, float]) -> np.ndarray[Any, Any]:
    """The usual hours for these problem types; half an hour where none is known."""
    words = problem_types.astype("str").fillna("")
    return np.array([usual_hours.get(one, HALF_AN_HOUR) for one in words], dtype="float64")


def rated(rows: pd.DataFrame, rate_cents: pd.Series, day: str) -> tuple[pd.DataFrame, tuple[Lack, ...]]:
    """Rows with these rates as whole numbers in rate_cents; those without one are left out and said."""
    unknown = rate_cents.isna()
    lacks: tuple[Lack, ...] = ()
    if unknown.any():
        reason = "its labour product is not known, so its rate is not"
        lacks = (Lack(reason, int(unknown.sum()), rows.loc[unknown, day]),)
        rows, rate_cents = rows[~unknown], rate_cents[~unknown]
    return rows.assign(rate_cents=rate_cents.astype("int64")), lacks


def _worth(hours: Any, rate_cents: pd.Series) -> Any:
    """Estimated hours (a float) at a rate, in cents: by whole seconds, so that no float meets money."""
    seconds = np.round(np.asarray(hours) * HOUR).astype("int64")
    return half_up(seconds * rate_cents.to_numpy(dtype="int64"), HOUR)


@rule("resolved-no-time", "S2", says=("charges", "comments"))
def resolved_no_time(
    tickets: pd.DataFrame,
    timers: pd.DataFrame,
    charges: pd.DataFrame,
    comments: pd.DataFrame,
    usual_hours: dict[str, float],
    rates: Rates,
    paid_by: Callable[[pd.DataFrame, Any], pd.Series],
    zone: ZoneInfo,
) -> Found:
    """A ticket was resolved with neither a timer nor a labour line, though somebody worked on it or it was open for a
    while.

    "Cancelled, duplicate, spam, auto-closed alert, internal, warranty" is taken from the tags (also the customer's),
    the status, the problem type, and a subject that begins with such a word and a colon, a bracket or a dash
    ("Cancelled: ..."); a word inside a subject excuses nothing, because customers write about spam and duplicates. An
    alert on which no technician commented counts as auto-closed. The estimate is the median of the billable hours of a
    ticket of that problem type, half an hour where there is none, at the rate of remote labour. Open time needs
    `resolved_at`; without it, and without a comment, nobody can say.
    """
    resolved, is_read = tickets["resolved"].to_numpy(), tickets["is_read"].to_numpy()
    lacking = unread(tickets[resolved & ~is_read])
    worked = marked(timers["ticket"].to_numpy(), len(tickets))
    worked |= marked(charges["ticket"].to_numpy()[charges["labour"].to_numpy()], len(tickets))
    rows = tickets[resolved & is_read & ~worked]
    theirs = among(ids(comments["ticket_id"]), rows["ticket_id"].to_numpy()) & comments["user_id"].notna().to_numpy()
    by_us = rows["ticket_id"].isin(ids(comments["ticket_id"])[theirs])
    rows = rows[~_dismissed(rows, by_us)]
    by_us = by_us[rows.index]
    untold = rows["resolved_at"].isna() & ~by_us & (rows["updated_at"] - rows["created_at"] > _NOTICED)
    if untold.any():
        told = "no time of resolution and no technician's comment, so how long it was open is not known"
        lacking += (Lack(told, int(untold.sum()), ticket_day(rows[untold], zone)),)
    open_long = (rows["resolved_at"] - rows["created_at"] > _NOTICED) & ~untold
    rows = rows[by_us | open_long].copy()
    rows["on"] = ticket_day(rows, zone)
    work = rows.assign(worked_on=rows["on"], kind="remote")
    mode = paid_by(work, np.ones(len(rows), dtype=bool))
    free = mode.isin(["internal", "warranty"])
    rows, mode = rows[~free], mode[~free]
    rows["usual_hours"] = median_of(rows["problem_type"], usual_hours)
    rows, more = rated(rows, rates.remote(rows)["rate_cents"], "on")
    lacking, mode = lacking + more, mode[rows.index]
    found = hits(
        rows,
        about=("ticket_id",),
        severity=np.where(mode == "contract", "S4", "S2"),
        amount=_worth(rows["usual_hours"], rows["rate_cents"]),
        exact=False,
        on="on",
        evidence=("status", "problem_type", "usual_hours", "rate_cents", "created_at", "resolved_at"),
        claims={"unlogged": "ticket_id"},
        message=lambda e: (
            f"Resolved without a timer or a labour line; tickets like it usually take {e['usual_hours']:.2f} h"
        ),
    )
    return Found(found, lacking)


def _dismissed(tickets: pd.DataFrame, by_us: pd.Series) -> pd.Series:
    """Whether a ticket was no work: by tag, status, problem type, or how its subject begins."""
    words = "|".join(DISMISSED)
    is_none = pd.Series(False, index=tickets.index)
    for name in ("tags", "customer_tags", "status", "problem_type"):
        is_none |= matches(tickets[name], rf"(?i)(?<!\w)(?:{words})(?!\w)")
    begins = rf"(?i)^\W*(?:{words})(?:\s*[:\]\)–-]|\s+of\s+(?:ticket\s*)?#?\d)"
    is_none |= matches(tickets["subject"], begins)
    alert = matches(tickets["subject"], r"(?i)^\W*alert\b")
    for name in ("tags", "problem_type"):
        alert |= matches(tickets[name], r"(?i)\balerts?\b")
    return is_none | (alert & ~by_us)


@rule("timer-running", "S2")
def timer_running(
    timers: pd.DataFrame,
    tickets: pd.DataFrame,
    usual_hours: dict[str, float],
    rates: Rates,
    of_ticket: Callable[[pd.Series], pd.DataFrame],
    now: pd.Timestamp,
    zone: ZoneInfo,
) -> Found:
    """A timer was never stopped: it has run for over ten hours, or its ticket is resolved.

    What it would bill too much is estimated: its run so far, less the median hours of a ticket of that problem type, at
    its rate; nothing where it has not run for so long yet. A timer without a start counts from its creation.
    """
    rows = timers[timers["ended_at"].isna()]
    rows = rows.join(of_ticket(rows["ticket_id"]))
    began = rows["started_at"].fillna(rows["created_at"])
    rows = rows[((now - began) > _RUNS_TOO_LONG) | (rows["resolved"] & began.notna())]
    began = began[rows.index]
    rows = rows.assign(on=terms.local_day(began, zone))
    rows, lacks = rated(rows, rates.of(rows)["rate_cents"], "on")
    elapsed = (now - began[rows.index]).dt.total_seconds() / HOUR
    usual = median_of(rows["problem_type"], usual_hours)
    rows = rows.assign(running_hours=elapsed.round(2), usual_hours=usual)
    found = hits(
        rows,
        about=("timer_id",),
        severity="S2",
        direction="over",
        amount=_worth(np.clip(elapsed - usual, 0, None), rows["rate_cents"]),
        exact=False,
        on="on",
        evidence=("timer_id", "started_at", "running_hours", "usual_hours", "rate_cents"),
        claims={"timer": "timer_id"},
        message=lambda e: f"The timer has run for {e['running_hours']:,.1f} h and was never stopped",
    )
    return Found(found, lacks)
