"""The queue of open tickets: who waits, what breaks next, in which order to look, and why each row is where it is. Pure.

    queue(books, house)              a DataFrame, QUEUE, in the order in which a dispatcher works
    what_if(books, house, other)     which tickets other thresholds would move

The signals and lanes are those of the house's terms:

- **ball**: *ours* if Syncro marks a customer reply (flag or status), or the last public comment is the customer's; *theirs*
  while it waits on the customer; *third* while it waits for a vendor or parts; *none* when it is scheduled ahead. Empty:
  nobody waits for anybody, it is in work.
- **customer wait**: business hours since the first customer comment after our last public reply.
- **next breach**: the earlier of the response target (met by the second public comment) and the resolution target, in
  calendar hours; without a service level the house's own targets, marked `house`.
- **stale**: business hours since a technician last wrote (hidden comments too) or worked; since it came if none ever did.
  Whoever has the ball, and scheduled ahead or not: so long a silence is worth a look.
- **chase due**: theirs for more than 3 business days, counted from our last public comment, else from the last change.
- **unassigned**: no technician, and more than 15 minutes old, whoever has the ball.
- **due**: due today; or earlier, unless somebody else has the ball. Syncro dates a ticket without a due date on the day on
  which it came: such a day that has passed is no promise and does not count.
- **emergency**: priority 0, whatever it is called, or an impact word in the subject (`thresholds.IMPACT_WORDS`). Emergency
  labour does not make one: it says when somebody worked, not what stands still.

A customer's comment is a public one that no technician wrote. Comments come with a ticket's details; where these were not
read, ball and next breach rest on the list's fields alone (a ticket that is no longer "New" counts as answered), stale and
customer wait are not known, and the row says so (`details`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from . import hours as business_hours
from . import terms
from .books import Books
from .escape import clip
from .hours import Hours
from .tables import DAY, INSTANT, Column
from .thresholds import HIGH, LOW, NORMAL, URGENT, Thresholds

if TYPE_CHECKING:
    from .config import House

LANES = (
    "emergency",
    "breached",
    "customer-waiting",
    "at-risk",
    "new-unassigned",
    "due-today",
    "stale",
    "chase-due",
    "parked",
)
TONES = {"emergency": "bad", "breached": "bad", "customer-waiting": "warn", "at-risk": "warn", "parked": "quiet"}
BALLS = ("", "ours", "theirs", "third", "none")
AGE_BANDS = ((0, "today"), (3, "1 to 3 days"), (7, "4 to 7"), (30, "8 to 30"), (None, "older"))  # last whole day, name
SEPARATOR = " · "
MOST_REASONS = 3

QUEUE: Mapping[str, Column] = {
    "rank": Column("int64", "place in the whole queue, from 1"),
    "number": Column("int64", "ticket number, as people see it"),
    "lane": Column("category", f"the first that fits of: {', '.join(LANES)}"),
    "why": Column("str", "up to three reasons with their numbers"),
    "status": Column("category", "the account's own word"),
    "customer": Column("str", "business name, else the person's"),
    "subject": Column("str", "subject as written"),
    "priority": Column("category", "the account's own word; empty is normal"),
    "technician": Column("category", "who it is assigned to; empty is nobody"),
    "ball": Column("category", "who is to move: ours, theirs, third, none (scheduled ahead); empty: in work"),
    "customer_wait_hours": Column("float64", "business hours that the customer waits; absent: does not, or not known"),
    "breach_in_hours": Column("float64", "calendar hours to the next target, negative when it is past; absent: none"),
    "breach_of": Column("category", "which target that is: response or resolution; empty: none"),
    "target": Column("category", "whose targets: sla (Syncro's), house (syncro.yaml), or empty"),
    "untouched_hours": Column("float64", "business hours since a technician wrote or worked; absent: not known"),
    "age_days": Column("int64", "whole days since it came"),
    "due_on": Column(DAY, "due day"),
    "vip": Column("bool", "it, or its customer, has a VIP tag"),
    "unbilled_cents": Column("int64", "uncharged time and pending charges on it, in cents; shown, never ranks"),
    "details": Column("category", "read, old (it changed since) or missing: whether its comments are known"),
    "ticket_id": Column("int64", "ticket id"),
}
_WANTED = [
    "ticket_id",
    "number",
    "subject",
    "status",
    "priority",
    "customer_id",
    "customer",
    "user_id",
    "technician",
    "created_at",
    "updated_at",
    "start_at",
    "due_on",
    "tags",
    "customer_tags",
    "customer_reply",
    "sla_breached",
    "sla_breaching_soon",
    "response_seconds",
    "resolution_seconds",
    "detail_at",
]
_OF_TIMERS = [
    "timer_id",
    "ticket_id",
    "product_id",
    "line_id",
    "started_at",
    "ended_at",
    "recorded",
    "billable",
    "active_seconds",
    "billable_seconds",
    "override_seconds",
]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_URGENT_WORDS, _HIGH_WORDS, _LOW_WORDS = ("urgent", "emergency", "critical"), ("high",), ("low",)


def queue(books: Books, house: House, *, thresholds: Thresholds | None = None) -> pd.DataFrame:
    """The open tickets of these books as QUEUE, ranked. `thresholds` None: the house's own."""
    limits = thresholds or house.triage
    tickets = books.table("tickets", _WANTED)
    tickets = tickets[~terms.resolved(tickets, house).to_numpy()].reset_index(drop=True)
    timers, whose = _on(tickets, books.table("timers", _OF_TIMERS))
    unbilled = _unbilled(tickets, timers, whose, books, house)
    signals = {**_signals(tickets, timers, whose, books, limits), "unbilled": unbilled}
    lane = _lanes(signals)
    order = np.lexsort(
        (
            tickets["number"].to_numpy(),
            _or(signals["created"], np.inf),
            -_or(signals["wait_hours"], -1),
            ~signals["vip"],
            signals["digit"],
            _or(signals["breach_hours"], np.inf),
            lane,
        )
    )
    tickets, lane = tickets.iloc[order], lane[order]
    sorted_signals = {name: values[order] for name, values in signals.items()}
    why = _reasons(tickets, lane, sorted_signals, limits)
    columns = {
        "rank": np.arange(1, len(tickets) + 1),
        "lane": pd.Categorical.from_codes(lane, list(LANES), ordered=True),
        "why": pd.array([SEPARATOR.join(one) for one in why], dtype="str"),
        "ball": pd.Categorical(sorted_signals["ball"], BALLS),
        "customer_wait_hours": sorted_signals["wait_hours"],
        "breach_in_hours": sorted_signals["breach_hours"],
        "breach_of": pd.Categorical(sorted_signals["breach_of"], ["", "response", "resolution"]),
        "target": pd.Categorical(sorted_signals["target"], ["", "sla", "house"]),
        "untouched_hours": sorted_signals["untouched_hours"],
        "age_days": np.maximum(_or(sorted_signals["age_hours"], 0), 0).astype("int64") // 24,
        "vip": sorted_signals["vip"],
        "unbilled_cents": sorted_signals["unbilled"],
        "details": pd.Categorical(sorted_signals["details"], ["read", "old", "missing"]),
    }
    return tickets.assign(**columns)[list(QUEUE)].reset_index(drop=True)


def as_json(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """A queue as `syncro triage --json` prints its tickets, in order."""
    shown = rows.drop(columns="ticket_id")
    shown = shown.assign(
        why=[one.split(SEPARATOR) for one in rows["why"]],
        due_on=[None if pd.isna(one) else f"{one:%Y-%m-%d}" for one in rows["due_on"]],
        **{name: rows[name].round(2) for name in ("customer_wait_hours", "breach_in_hours", "untouched_hours")},
    )
    listed: list[dict[str, Any]] = shown.astype(object).to_dict("records")
    return [{name: _plain(value) for name, value in row.items()} for row in listed]


def what_if(books: Books, house: House, thresholds: Thresholds) -> pd.DataFrame:
    """The tickets that other thresholds would put into another lane, in their new order: number, customer, subject,
    `lane` and `rank` as they are, `new_lane`, `new_rank` and `new_why`."""
    now, then = queue(books, house), queue(books, house, thresholds=thresholds)
    both = then.merge(now[["number", "lane", "rank"]], on="number", suffixes=("", "_now"))
    moved = both[both["lane"].astype("str") != both["lane_now"].astype("str")]
    names = {"lane_now": "lane", "rank_now": "rank", "lane": "new_lane", "rank": "new_rank", "why": "new_why"}
    columns = ["number", "customer", "subject", "lane_now", "rank_now", "lane", "rank", "why"]
    return moved[columns].rename(columns=names).reset_index(drop=True)


def clock(row: Any) -> str:
    """The next target of one row of a queue in words: when, which, and whose it is."""
    left, which = row.breach_in_hours, str(row.breach_of)
    if _none(left) or not which:
        return "no target"
    whose = "house target" if str(row.target) == "house" else "service level"
    said = f"{which} target missed {_span(-left)} ago" if left <= 0 else f"{which} due in {_span(left)}"
    return f"{said} ({whose})"


def age_bands(rows: pd.DataFrame) -> pd.Series:
    """The age of each row of a queue as one of AGE_BANDS."""
    edges = [-1, *(days for days, _ in AGE_BANDS if days is not None), 10**6]
    return pd.cut(rows["age_days"], edges, labels=[name for _, name in AGE_BANDS])


def doubts(books: Books, rows: pd.DataFrame) -> list[str]:
    """What a reader of this queue has to know: what was assumed of the business hours, what is missing, what was not read."""
    said = list(business_hours.from_settings(books.settings, books.zone).doubts)
    unread = int((rows["details"].astype("str") != "read").sum())
    # Comments and charges come with a ticket's details: where those of every open ticket were read, no gap is about the queue.
    about = ("tickets", "timers", *(("comments", "charges") if unread else ()))
    said += [f"{gap.table}: {gap.reason}" for gap in books.gaps if gap.table in about]
    if "products" not in books.known:
        said.append("the products were not read, so uncharged time has no price yet")
    if unread:
        said.append(
            f"{unread} of {len(rows)} tickets were placed without their latest comments (marked); customer wait and stale are "
            "not known of those that were never read"
        )
    return said


def counts(rows: pd.DataFrame) -> pd.Series:
    """How many tickets each lane has, in the order of the lanes, empty ones too."""
    return rows["lane"].value_counts().reindex(list(LANES), fill_value=0).rename_axis("lane").rename("tickets")


def to_look_at(rows: pd.DataFrame, most: int) -> list[int]:
    """The ids of the tickets at the top of a queue whose details a live look should read, best first."""
    lacking = rows.loc[rows["details"].astype("str") != "read", "ticket_id"]
    return [int(one) for one in lacking.head(most)]


# ---------------------------------------------------------------- signals
#
# Plain arrays, one value for each ticket: instants as microseconds since 1970 and hours as floats, NaN where there is none,
# so that every comparison with an unknown is false.

_HOUR = 3_600_000_000.0
Array = np.ndarray[Any, Any]


def _signals(
    tickets: pd.DataFrame, timers: pd.DataFrame, whose: Array, books: Books, limits: Thresholds
) -> dict[str, Array]:
    """Every signal of these tickets, by name, in their order. `whose`: for each timer the place of its ticket."""
    moment = books.as_of.replace(
        microsecond=0
    )  # the server's clock shows whole seconds: a limit that is just met is not passed
    now = _micros(pd.Series([pd.Timestamp(moment)]))[0]
    shop = business_hours.from_settings(books.settings, books.zone)

    def open_hours_since(instants: Array) -> Array:
        known = np.where(np.isnan(instants), now, instants).astype("int64")
        spent = shop.opened(np.array([now], dtype="int64")) - shop.opened(known)
        return np.where(np.isnan(instants), np.nan, np.maximum(spent, 0) / _HOUR)

    created, updated, starts = (_micros(tickets[name]) for name in ("created_at", "updated_at", "start_at"))
    details = _details(tickets)
    read = details != "missing"
    talk = _talk(tickets, books)
    status = _by_word(tickets["status"], lambda word: " ".join(word.lower().split()))
    digit = _by_word(tickets["priority"], priority_digit).astype("int64")
    overdue = _overdue_days(tickets, books)
    ball = _balls(tickets, status, read & talk["customer_last"], _ahead(status, starts - now, overdue))
    elsewhere = np.isin(ball, ("theirs", "third", "none"))
    age_hours = (now - created) / _HOUR
    nobodys = tickets["user_id"].isna().to_numpy()

    touched = np.fmax(talk["touched"], _worked(timers, whose, len(tickets)))
    untouched = open_hours_since(np.where(read, np.where(np.isnan(touched), created, touched), np.nan))
    stale_after = np.array([limits.stale_after(one) for one in range(10)])[digit]
    since = np.where(read & ~np.isnan(talk["our_word"]), talk["our_word"], updated)
    waiting_days, chase = _waiting(since, ball, shop, moment, limits)
    signals = {
        "created": created,
        "starts_in_hours": (starts - now) / _HOUR,
        "age_hours": age_hours,
        "details": details,
        "digit": digit,
        "impact": _impact(tickets["subject"], limits),
        "vip": _tagged(tickets, limits.vip_tags),
        "ball": ball,
        "wait_hours": open_hours_since(np.where(read, talk["unanswered"], np.nan)),
        "untouched_hours": untouched,
        "stale_after": stale_after,
        "stale": untouched > stale_after,
        "waiting_days": waiting_days,
        "chase": chase,
        "unassigned": nobodys & (age_hours * 60 > limits.unassigned_minutes),
        "overdue_days": overdue,
        "due": (overdue == 0) | (overdue > 0) & ~elsewhere,
    }
    answered = (talk["public"] >= 2) | ~read & (status != "new")
    return signals | _targets(tickets, digit, answered, age_hours, limits)


def _targets(
    tickets: pd.DataFrame, digit: Array, answered: Array, age_hours: Array, limits: Thresholds
) -> dict[str, Array]:
    """The next breach: in how many hours, of which target, whose it is, and whether it is past or near."""
    own = {name: _floats(tickets[f"{name}_seconds"]) / 3600 for name in ("response", "resolution")}
    has_own = (own["response"] > 0) | (own["resolution"] > 0)
    promised = [limits.target_of(one) for one in range(10)]
    house = {
        "response": np.array([one.response_seconds or np.nan for one in promised]) / 3600,
        "resolution": np.array([one.resolution_seconds or np.nan for one in promised]) / 3600,
    }
    response, resolution = (np.where(has_own, own[name], house[name][digit]) for name in own)
    response = np.where((response > 0) & ~answered, response, np.nan)
    resolution = np.where(resolution > 0, resolution, np.nan)
    total = np.fmin(response, resolution)
    left = total - age_hours
    none = np.isnan(left)
    breached = tickets["sla_breached"].to_numpy() | (left <= 0)
    near = left <= np.fmax(limits.risk_hours, total * limits.risk_share)
    return {
        "breach_hours": left,
        "target_hours": total,
        "breach_of": np.where(none, "", np.where(response == total, "response", "resolution")),
        "target": np.where(none, "", np.where(has_own, "sla", "house")),
        "breached": breached,
        "at_risk": ~breached & (tickets["sla_breaching_soon"].to_numpy() | near),
    }


def _lanes(of: Mapping[str, Array]) -> Array:
    """For each ticket the place of the first lane that fits."""
    conditions = [
        (of["digit"] == URGENT) | (of["impact"] != ""),
        of["breached"],
        of["ball"] == "ours",
        of["at_risk"],
        of["unassigned"],
        of["due"],
        of["stale"],
        of["chase"],
    ]
    return np.select(conditions, range(len(conditions)), len(LANES) - 1)


def priority_digit(text: str) -> int:
    """A priority as a number: its leading digit; without one by the usual words; blank, and all else, is normal."""
    word = text.strip().lower()
    if word[:1].isascii() and word[:1].isdigit():
        return int(word[0])
    for digit, words in ((URGENT, _URGENT_WORDS), (HIGH, _HIGH_WORDS), (LOW, _LOW_WORDS)):
        if any(one in word for one in words):
            return digit
    return NORMAL


def _details(tickets: pd.DataFrame) -> Array:
    """Whether the comments are known: `read`, `old` where the ticket changed since, `missing`."""
    seen, changed = _micros(tickets["detail_at"]), _micros(tickets["updated_at"])
    return np.where(np.isnan(seen), "missing", np.where(changed > seen, "old", "read"))


def _talk(tickets: pd.DataFrame, books: Books) -> dict[str, Array]:
    """What the comments of each ticket say: `public` (how many), `customer_last`, `unanswered` (since when), `our_word` (our
    last public comment) and `touched` (a technician's last comment, hidden ones too)."""
    rows = books.table("comments", ["comment_id", "ticket_id", "created_at", "author", "user_id", "hidden"])
    rows, place = _on(tickets, rows)
    at = _micros(rows["created_at"])
    order = np.lexsort((rows["comment_id"].to_numpy(), at, place))
    rows, place, at = rows.iloc[order], place[order], at[order]
    ours, public = _by_technicians(rows, tickets, books), ~rows["hidden"].to_numpy()
    many, turn = len(tickets), np.arange(len(rows))
    last_reply, first_word = np.full(many, -1), np.full(many, len(rows))
    np.maximum.at(last_reply, place[public & ours], turn[public & ours])
    words = public & ~ours & (turn > last_reply[place])
    np.minimum.at(first_word, place[words], turn[words])
    ends = np.append(at, np.nan)  # the places -1 and len(rows) are nobody's word
    touched = np.full(many, np.nan)
    np.fmax.at(touched, place[ours], at[ours])
    return {
        "public": np.bincount(place[public], minlength=many),
        "customer_last": first_word < len(rows),
        "unanswered": ends[first_word],
        "our_word": ends[last_reply],
        "touched": touched,
    }


def _by_technicians(comments: pd.DataFrame, tickets: pd.DataFrame, books: Books) -> Array:
    """Which comments a technician wrote: those with the id of one, or in the name of one."""
    names = {*books.table("users", ["name"])["name"], *tickets["technician"].astype("category").cat.categories} - {""}
    by_id = comments["user_id"].notna().to_numpy()
    by_name = comments["author"].isin(list(names)).to_numpy() if not by_id.all() else by_id
    return np.asarray(by_id | by_name, dtype=bool)


def _worked(timers: pd.DataFrame, whose: Array, many: int) -> Array:
    """When somebody last worked on each ticket, as its timers say: their end, or the start of one that runs."""
    last = np.full(many, np.nan)
    np.fmax.at(last, whose, np.fmax(_micros(timers["started_at"]), _micros(timers["ended_at"])))
    return last


def _balls(tickets: pd.DataFrame, status: Array, customer_last: Array, ahead: Array) -> Array:
    ours = tickets["customer_reply"].to_numpy() | (status == "customer reply") | customer_last
    known = {word: _ball_of_status(word) for word in set(status)}
    other = np.array([known[word] for word in status], dtype=object)
    found: Array = np.select([ours, other != "", ahead], ["ours", other, "none"], "")
    return found


def _ball_of_status(status: str) -> str:
    if re.search(r"^(?:a?waiting|pending)\b.*\b(?:customer|client)\b", status):
        return "theirs"
    return "third" if re.search(r"\b(?:vendor|parts?|supplier|third[ -]party)\b", status) else ""


def _ahead(status: Array, starts_in: Array, overdue: Array) -> Array:
    """Scheduled ahead: its start is to come; or its status says scheduled, and neither a start nor a due day has come."""
    scheduled = np.array([word.startswith("scheduled") for word in status], dtype=bool)
    return (starts_in > 0) | scheduled & ~(starts_in <= 0) & ~(overdue >= 0)


def _overdue_days(tickets: pd.DataFrame, books: Books) -> Array:
    """Days since it was due: 0 today, negative ahead, NaN without a due day, or with one that Syncro set by itself.

    A due day that has passed and is the day on which the ticket came (here, or by UTC) is no promise.
    """
    today = pd.Timestamp(terms.today(books)).to_numpy().astype("datetime64[D]")
    due = tickets["due_on"].to_numpy().astype("datetime64[D]")
    came = tickets["created_at"]
    first = terms.local_day(came, books.zone).to_numpy().astype("datetime64[D]")
    by_default = (due == first) | (due == came.dt.tz_localize(None).to_numpy().astype("datetime64[D]"))
    days = (today - due).astype("float64")
    return np.where(np.isnat(due) | by_default & (days > 0), np.nan, days)


def _waiting(since: Array, ball: Array, shop: Hours, now: datetime, limits: Thresholds) -> tuple[Array, Array]:
    """For tickets that wait on somebody else: whole business days since then; and whether the customer is to be chased.

    More than three means: the same time of the day, three business days later, has passed.
    """
    days, chase = np.full(len(since), np.nan), np.zeros(len(since), dtype=bool)
    for place in np.flatnonzero(np.isin(ball, ("theirs", "third")) & ~np.isnan(since)):
        asked = _EPOCH + timedelta(microseconds=int(since[place]))
        days[place] = shop.days_between(asked, now)
        is_over = shop.days_between(asked, now - timedelta(microseconds=1)) >= limits.chase_days
        chase[place] = ball[place] == "theirs" and is_over
    return days, chase


def _tagged(tickets: pd.DataFrame, tags: tuple[str, ...]) -> Array:
    """Whether one of these tags, in any case, is the ticket's or its customer's."""
    wanted = {tag.strip().lower() for tag in tags}
    listed = zip(tickets["tags"], tickets["customer_tags"], strict=True)
    return np.array(
        [bool(wanted & {*map(str.strip, f"{one}\n{two}".lower().split("\n"))}) for one, two in listed], bool
    )


def _impact(subjects: pd.Series, limits: Thresholds) -> Array:
    """The impact word that a subject holds, or an empty text."""
    found = ((limits.impact.search(one) if limits.impact else None) for one in subjects)
    return np.array(["" if one is None else " ".join(one.group().lower().split()) for one in found], dtype=object)


def _unbilled(tickets: pd.DataFrame, timers: pd.DataFrame, whose: Array, books: Books, house: House) -> Array:
    """Uncharged time and pending charges of each ticket, in cents."""
    cents = np.zeros(len(tickets), dtype="int64")
    lines, place = _on(tickets, books.table("charges", ["ticket_id", "amount_cents", "converted"]))
    np.add.at(cents, place, np.where(lines["converted"].to_numpy(), 0, lines["amount_cents"].to_numpy()))
    waits = terms.uncharged(timers).to_numpy()
    timers, place = timers[waits].reset_index(drop=True), whose[waits]
    if len(timers):
        products = books.table("products", ["product_id", "category", "price_cents"])
        kinds = terms.kind(timers, products, house)
        seconds = terms.billable_seconds(timers, kinds, house.policy)
        customers = tickets[["customer_id", "customer"]].iloc[place].reset_index(drop=True)
        rates = terms.rate(timers.join(customers), kinds, products, house.policy)["rate_cents"]
        np.add.at(cents, place, terms.hours_cents(seconds, rates).to_numpy())
    return cents


# ---------------------------------------------------------------- why


def _reasons(tickets: pd.DataFrame, lane: Array, of: Mapping[str, Array], limits: Thresholds) -> Iterator[list[str]]:
    """For each ticket its reasons: what put it into its lane first, then what else is to be known, three at most."""
    columns = {**{name: values.tolist() for name, values in of.items()}, "priority": list(tickets["priority"])}
    for place, number in enumerate(lane):
        yield _Row(LANES[number], {name: values[place] for name, values in columns.items()}).reasons()


@dataclass(frozen=True)
class _Row:
    """One ticket's signals in words."""

    lane: str
    of: Mapping[str, Any]

    def reasons(self) -> list[str]:
        said = {
            "emergency": self._urgent(),
            "breached": self._target(),
            "customer-waiting": self._customer(),
            "new-unassigned": self._unassigned(),
            "due-today": self._due(),
            "stale": self._stale(),
            "chase-due": self._chase(),
            "vip": "VIP" if self.of["vip"] else "",
            "blank": "" if str(self.of["priority"]).strip() else "no priority set",
        }
        first = said.pop(_REASON_OF.get(self.lane, self.lane), "")
        return [one for one in (first, *said.values()) if one][:MOST_REASONS] or [self._quiet()]

    def _urgent(self) -> str:
        if self.of["digit"] == URGENT:
            return f"priority {clip(self.of['priority'], 20).replace(SEPARATOR, ' ')}"
        return f"the subject says {self.of['impact']!r}" if self.of["impact"] else ""

    def _target(self) -> str:
        left, which = self.of["breach_hours"], self.of["breach_of"]
        whose = " (house)" if self.of["target"] == "house" else ""
        if left <= 0:
            return f"{which} missed {_span(-left)} ago{whose}"
        if self.of["breached"]:
            return "Syncro says that its service level is breached"
        if self.of["at_risk"]:
            total = self.of["target_hours"]
            return (
                f"{which} due in {_span(left)} of {_span(total)}{whose}"
                if which
                else "Syncro says that a breach is near"
            )
        return ""

    def _customer(self) -> str:
        if self.of["ball"] != "ours":
            return ""
        waited = self.of["wait_hours"]
        return "the customer replied" if _none(waited) else f"customer waits {_amount(waited)}"

    def _unassigned(self) -> str:
        return f"nobody's for {_span(self.of['age_hours'])}" if self.of["unassigned"] else ""

    def _due(self) -> str:
        if not self.of["due"]:
            return ""
        days = int(self.of["overdue_days"])
        return f"due {days} day{'s' * (days > 1)} ago" if days else "due today"

    def _stale(self) -> str:
        if not self.of["stale"]:
            return ""
        return f"no technician for {_amount(self.of['untouched_hours'])} (limit {self.of['stale_after']:g})"

    def _chase(self) -> str:
        days = self.of["waiting_days"]
        return f"with the customer for {int(days)} business days" if self.of["chase"] else ""

    def _quiet(self) -> str:
        if self.of["ball"] == "none":
            start = self.of["starts_in_hours"]
            return f"scheduled, in {_span(start)}" if start > 0 else "scheduled ahead"
        if self.of["ball"] in ("theirs", "third"):
            days = self.of["waiting_days"]
            whom = "the customer" if self.of["ball"] == "theirs" else "a vendor or parts"
            return f"waits for {whom}" + ("" if _none(days) else f", {int(days)} business days")
        left = self.of["breach_hours"]
        return "nothing is due" + ("" if _none(left) else f"; {self.of['breach_of']} due in {_span(left)}")


_REASON_OF = {"at-risk": "breached"}  # the same reason speaks of a target that is missed and of one that is near


def _amount(hours: float) -> str:
    """Business hours: they do not add up to days."""
    return f"{hours:.0f} business h" if hours >= 100 else f"{hours:.1f} business h".replace(".0 ", " ")


def _span(hours: float) -> str:
    """Calendar hours as people say them: 40 min, 3.5 h, 3 days."""
    if hours < 1:
        return f"{int(hours * 60)} min"
    if hours < 48:
        return f"{hours:.1f} h".replace(".0 h", " h")
    return f"{int(hours // 24)} days"


# ---------------------------------------------------------------- inside


def _none(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def _or(values: Array, other: float) -> Array:
    return np.where(np.isnan(values), other, values)


def _micros(moments: pd.Series) -> Array:
    """Aware times as microseconds since 1970, NaN where there is none. Exact: they are far below 2^53."""
    raw = moments.astype(INSTANT).dt.tz_localize(None).to_numpy()
    return np.where(np.isnat(raw), np.nan, raw.astype("int64").astype("float64"))


def _floats(column: pd.Series) -> Array:
    values: Array = column.to_numpy(dtype="float64", na_value=np.nan)
    return values


def _on(tickets: pd.DataFrame, rows: pd.DataFrame) -> tuple[pd.DataFrame, Array]:
    """The rows that hang on these tickets, and for each the place of its ticket."""
    place = pd.Index(tickets["ticket_id"]).get_indexer(pd.Index(rows["ticket_id"].fillna(-1).astype("int64")))
    hang = place >= 0
    return rows[hang], place[hang]


def _by_word(column: pd.Series, take: Callable[[str], Any]) -> Array:
    """A function of text for each row of a column with few different texts; absent is blank."""
    words = column.astype("category")
    table = np.array([*(take(str(one)) for one in words.cat.categories), take("")], dtype=object)
    taken: Array = table[words.cat.codes.to_numpy()]
    return taken


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return value
    if _none(value):
        return None
    return value.item() if isinstance(value, np.generic) else value
