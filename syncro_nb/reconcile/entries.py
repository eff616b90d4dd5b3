"""Rules on time entries: two at once, impossible ones, late ones, without a note; and work that has none."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from .. import terms
from ..books import Books
from ..money import format_cents
from ..policy import Policy
from .arithmetic import Array, among, half_up, ids, mixed
from .charges import OfTicket, PaidBy, split_unread, timed_work
from .finding import Found, Lack, hits
from .inputs import UNREAD, Rates
from .registry import rule
from .time import HOUR, _worth, median_of, unread

_SLACK = 5 * 60
_LONGEST = 12 * HOUR
_ACROSS_MIDNIGHT = 6 * HOUR
_LATE = pd.Timedelta(hours=72)
_SHORT_NOTE = 15
_QUARTER = 15 * 60


@rule("timer-overlap", "S3")
def timer_overlap(
    timers: pd.DataFrame,
    of_ticket: OfTicket,
    rates: Rates,
    zone: ZoneInfo,
) -> Found:
    """One technician has two billable timers on different tickets at the same time, by more than five minutes.

    What overlaps is at most the actual time of either (a timer that was paused has less than lies between its ends). It is
    worth the lower of the two rates. Each pair is a finding, dated by the later start.
    """
    rows = timers[timers["billable"].to_numpy() & timers["ended_at"].notna().to_numpy()]
    rows = rows[rows["started_at"].notna().to_numpy() & rows["ticket_id"].notna().to_numpy()]
    nobody = rows["user_id"].isna()
    lacks: tuple[Lack, ...] = ()
    if nobody.any():
        days = terms.local_day(rows.loc[nobody, "started_at"], zone)
        lacks = (Lack("the timer does not say whose it is", int(nobody.sum()), days),)
    rows = rows[~nobody].sort_values(["user_id", "started_at", "timer_id"])
    first, second, seconds = _overlaps(rows)
    if not len(first):
        return Found([], lacks)
    one, other = rows.iloc[first].reset_index(drop=True), rows.iloc[second].reset_index(drop=True)
    worked = np.minimum(one["actual_seconds"].to_numpy(), other["actual_seconds"].to_numpy())
    pairs = timed_work(other, of_ticket, zone)
    pairs = pairs.assign(
        other_timer_id=one["timer_id"].to_numpy(),
        other_ticket_id=ids(one["ticket_id"]),
        overlap=np.minimum(seconds, worked),
    )
    theirs = rates.of(timed_work(one, of_ticket, zone))
    mine = rates.of(pairs)
    pairs["rate_cents"] = mine["rate_cents"].where(mine["rate_cents"] <= theirs["rate_cents"], theirs["rate_cents"])
    pairs["assumed"] = mine["assumed"] | theirs["assumed"]
    pairs = pairs[pairs["overlap"] > _SLACK]
    unknown = pairs["rate_cents"].isna()
    if unknown.any():
        reason = "a labour product of two overlapping timers is not known, so the lower rate is not"
        lacks += (Lack(reason, int(unknown.sum()), pairs.loc[unknown, "worked_on"]),)
        pairs = pairs[~unknown]
    pairs = pairs.assign(minutes=(pairs["overlap"] / 60).round(2))
    found = hits(
        pairs,
        about=("other_timer_id", "timer_id"),
        severity="S3",
        direction="over",
        amount=terms.hours_cents(pairs["overlap"], pairs["rate_cents"]),
        exact=~pairs["assumed"],
        on="worked_on",
        evidence=("timer_id", "other_timer_id", "other_ticket_id", "started_at", "ended_at", "minutes", "rate_cents"),
        claims={"overlap": "timer_id", "timer": "timer_id"},
        message=lambda e: (
            f"{e['minutes']:g} minutes were timed on another ticket at the same time, at {format_cents(e['rate_cents'])}"
        ),
    )
    return Found(found, lacks)


def _overlaps(rows: pd.DataFrame) -> tuple[Array, Array, Array]:
    """Pairs of rows (places) of one technician on different tickets, and the seconds between which both run.

    Rows are ordered by technician and start: each is held against the next, then the one after, as long as those begin
    before it ends.
    """
    user, ticket = ids(rows["user_id"]), ids(rows["ticket_id"])
    start = rows["started_at"].astype("datetime64[s, UTC]").astype("int64").to_numpy()
    end = rows["ended_at"].astype("datetime64[s, UTC]").astype("int64").to_numpy()
    firsts, seconds, lengths = [], [], []
    places, step = np.arange(len(rows)), 1
    while len(places):
        places = places[places + step < len(rows)]
        then = places + step
        running = (user[places] == user[then]) & (start[then] < end[places] - _SLACK)
        places, then = places[running], then[running]
        shared = np.minimum(end[places], end[then]) - start[then]
        both = (shared > _SLACK) & (ticket[places] != ticket[then])
        firsts.append(places[both])
        seconds.append(then[both])
        lengths.append(shared[both])
        step += 1
    if not firsts:
        return np.zeros(0, int), np.zeros(0, int), np.zeros(0, int)
    return np.concatenate(firsts), np.concatenate(seconds), np.concatenate(lengths)


@rule("timer-implausible", "S3")
def timer_implausible(
    timers: pd.DataFrame,
    tickets: pd.DataFrame,
    usual_hours: dict[str, float],
    rates: Rates,
    of_ticket: OfTicket,
    now: pd.Timestamp,
    zone: ZoneInfo,
    books: Books,
) -> Found:
    """A timer cannot be right: no time at all, over twelve hours, an end before its start, in the future, or over six hours
    across midnight.

    What is too long is over-billing, estimated: what is billable of it beyond the usual hours of that problem type. Nobody
    can say what the others should have been: their amount is $0.00. A timer that never ended is `timer-running`.
    """
    rows = timers[timers["ended_at"].notna().to_numpy() | (timers["started_at"] > now).to_numpy()]
    silent = rows["started_at"].isna() & rows["active_seconds"].isna()
    lacks: tuple[Lack, ...] = ()
    if silent.any():
        reason = "the timer has neither a start nor a duration, so how long it took is not known"
        lacks = (Lack(reason, int(silent.sum()), terms.local_day(rows.loc[silent, "ended_at"], zone)),)
    rows = rows[~silent]
    began, ended = rows["started_at"], rows["ended_at"]
    worked = rows["actual_seconds"]
    nights = terms.local_day(began, zone) < terms.local_day(ended - pd.Timedelta(seconds=1), zone)
    long_night = np.array(nights & (worked > _ACROSS_MIDNIGHT))
    if books.known_zone is None and long_night.any():
        reason = "the account's time zone was not read, so whether the timer runs across midnight is not known"
        lacks += (Lack(reason, int(long_night.sum()), terms.local_day(began[long_night], zone)),)
        long_night[:] = False
    why = np.select(
        [
            (ended < began).to_numpy(),
            ((began > now) | (ended > now)).to_numpy(),
            (worked <= 0).to_numpy(),
            (worked > _LONGEST).to_numpy(),
            long_night,
        ],
        ["it ends before it starts", "it lies in the future", "it took no time", "over 12 hours", "long past midnight"],
        default="",
    )
    rows = rows.assign(why=why)[why != ""]
    rows = timed_work(rows, of_ticket, zone)
    rows = rows.join(rates.of(rows)[["rate_cents"]])
    usual = median_of(rows["problem_type"], usual_hours)
    long = rows["why"].isin(["over 12 hours", "long past midnight"]) & rows["billable"]
    beyond = np.where(long, np.clip(rows["worth_seconds"] / HOUR - usual, 0, None), 0)
    unpriced = rows["rate_cents"].isna() & (beyond > 0)
    if unpriced.any():
        reason = "how much a timer that is too long bills too much is not known, since its rate is not"
        lacks += (Lack(reason, int(unpriced.sum()), rows.loc[unpriced, "worked_on"]),)
    amount = _worth(beyond, rows["rate_cents"].fillna(0))
    rows = rows.assign(hours=(rows["actual_seconds"] / HOUR).round(2), usual_hours=usual)
    found = hits(
        rows,
        about=("timer_id",),
        severity="S3",
        direction=np.where(amount > 0, "over", "none"),
        amount=amount,
        exact=False,
        on="worked_on",
        evidence=("timer_id", "started_at", "ended_at", "hours", "usual_hours", "rate_cents", "why"),
        claims={"timer": "timer_id"},
        message=lambda e: f"A timer of {e['hours']:g} h cannot be right: {e['why']}",
    )
    return Found(found, lacks)


@rule("late-entry", "S4")
def late_entry(timers: pd.DataFrame, zone: ZoneInfo) -> Found:
    """Time was entered more than 72 hours after the work.

    After its end; a timer that still runs is none. When it was entered is `created_at`.
    """
    rows = timers[timers["ended_at"].notna().to_numpy()]
    untold = rows["created_at"].isna()
    lacks: tuple[Lack, ...] = ()
    if untold.any():
        days = terms.local_day(rows.loc[untold, "ended_at"], zone)
        lacks = (Lack("the timer does not say when it was entered", int(untold.sum()), days),)
    late = (rows["created_at"] - rows["ended_at"] > _LATE).to_numpy()
    rows = rows[late]
    rows = rows.assign(
        on=terms.local_day(rows["ended_at"], zone),
        late_hours=((rows["created_at"] - rows["ended_at"]).dt.total_seconds() / HOUR).round(1),
    )
    found = hits(
        rows,
        about=("timer_id",),
        severity="S4",
        direction="none",
        on="on",
        evidence=("timer_id", "ended_at", "created_at", "late_hours"),
        message=lambda e: f"The time was entered {e['late_hours'] / 24:.1f} days after the work",
    )
    return Found(found, lacks)


@rule("note-blank", "S3")
def note_blank(timers: pd.DataFrame, of_ticket: OfTicket, zone: ZoneInfo) -> Found:
    """Billable time has no note that a customer could read: none, under 15 characters, or only the ticket's subject."""
    rows = timers[timers["billable"].to_numpy() & timers["ended_at"].notna().to_numpy()]
    note = rows["notes"].fillna("").str.strip()
    rows = rows.assign(note=note)
    short = note.str.len() < _SHORT_NOTE
    words = of_ticket(rows["ticket_id"])
    same = (note != "") & (note.str.casefold() == words["subject"].fillna("").str.strip().str.casefold())
    rows = rows[short | same]
    rows = timed_work(rows, of_ticket, zone)
    rows["why"] = np.select(
        [rows["note"] == "", same[rows.index]], ["none", "the ticket's subject"], default="too short"
    )
    found = hits(
        rows,
        about=("timer_id",),
        severity="S3",
        direction="none",
        on="worked_on",
        evidence=("timer_id", "note", "why"),
        message=lambda e: f"The note of billable time says nothing ({e['why']})",
    )
    return Found(found)


@rule("work-without-time", "S3", whole=("timers",), says=("charges", "comments"))
def work_without_time(
    comments: pd.DataFrame,
    timers: pd.DataFrame,
    charges: pd.DataFrame,
    tickets: pd.DataFrame,
    of_ticket: OfTicket,
    paid_by: PaidBy,
    rates: Rates,
    policy: Policy,
    books: Any,
    today: pd.Timestamp,
    zone: ZoneInfo,
) -> Found:
    """A technician wrote to the customer on a day with no time of theirs on that ticket within a day.

    One finding for each ticket, technician and day, worth the least that is billed of remote labour (its minimum or increment;
    a quarter of an hour where no rounding is written down). A labour line that the technician entered by hand within a day
    counts as time. The opening comment of a ticket is none, and yesterday's may still get its time. Only tickets that are paid
    by time and materials.
    """
    opening = books.table("comments", ["comment_id", "subject"])
    opening = opening.loc[opening["subject"].astype("str").str.strip().str.casefold() == "initial issue", "comment_id"]
    rows = comments[(~comments["hidden"] & comments["user_id"].notna() & comments["created_at"].notna()).to_numpy()]
    rows = rows[~rows["comment_id"].isin(opening)]
    rows = rows.assign(worked_on=terms.local_day(rows["created_at"], zone)).sort_values(["created_at", "comment_id"])
    rows = rows.drop_duplicates(["ticket_id", "user_id", "worked_on"])
    rows = rows[(rows["worked_on"] + pd.Timedelta(days=1) < today).to_numpy()]
    lacks = unread(tickets)
    rows = rows[rows["ticket_id"].isin(tickets.loc[tickets["is_read"], "ticket_id"])]
    began = timers["started_at"].fillna(timers["ended_at"]).fillna(timers["created_at"])
    last = timers["ended_at"].fillna(began)
    by_hand = charges[charges["timed"].to_numpy()]
    worked = pd.concat(
        [
            timers[["ticket_id", "user_id"]].assign(day=terms.local_day(began, zone)),
            timers[["ticket_id", "user_id"]].assign(day=terms.local_day(last, zone)),
            by_hand[["ticket_id", "user_id"]].assign(day=terms.local_day(by_hand["created_at"], zone)),
        ]
    ).dropna()
    # By day numbers: the day itself, the one before and the one after.
    day = worked["day"].astype("datetime64[s]").astype("int64").to_numpy() // 86_400
    owner = [ids(worked["ticket_id"]), ids(worked["user_id"])]
    near = (
        np.concatenate([mixed([*owner, day + step]) for step in (-1, 0, 1)]) if len(worked) else np.zeros(0, "uint64")
    )
    own_day = rows["worked_on"].astype("datetime64[s]").astype("int64").to_numpy() // 86_400
    mine = mixed([ids(rows["ticket_id"]), ids(rows["user_id"]), own_day])
    rows = rows[~among(mine, near)]
    rows = rows.join(of_ticket(rows["ticket_id"])).assign(kind="remote")
    mode = paid_by(rows, np.ones(len(rows), dtype=bool))
    rows, mode = rows[mode.isin(["time-and-materials", UNREAD])], mode[mode.isin(["time-and-materials", UNREAD])]
    known, more = split_unread(rows, mode, "worked_on")
    rows = rows[known]
    rounding = policy.rounding_of("remote")
    least = max(rounding.minimum_minutes, rounding.increment_minutes) * 60 or _QUARTER
    rows["rate_cents"] = rates.remote(rows)["rate_cents"]
    unknown = rows["rate_cents"].isna()
    if unknown.any():
        reason = "no labour product is known that such work could be priced by"
        more += (Lack(reason, int(unknown.sum()), rows.loc[unknown, "worked_on"]),)
        rows = rows[~unknown]
    rows["hours"] = least / HOUR
    found = hits(
        rows,
        about=("ticket_id", "user_id", "worked_on"),
        severity="S3",
        amount=half_up(least * rows["rate_cents"].to_numpy(dtype="int64"), HOUR),
        exact=False,
        on="worked_on",
        evidence=("comment_id", "created_at", "hours", "rate_cents"),
        claims={"unlogged": "ticket_id"},
        message=lambda e: "A technician wrote to the customer, and entered no time on that ticket within a day",
    )
    return Found(found, lacks + more)
