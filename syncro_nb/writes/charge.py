"""What the time on one ticket comes to by the shop's policy, entry by entry, and why. Pure; nothing is sent.

    35 minutes, rounded up to 45 (increment 15), remote $150.00 = $112.50

The policy (`policy` in syncro.yaml) says whether timers are charged or billed as lines; a timer is never both. Charged, a
timer makes a line of its billable time at its product's price: where the policy comes to other hours or another price, the
timer's override is set before, the line is corrected after, and what is due for work after hours is a line of its own.
Billed as lines, a timer becomes one line, or two where a part of it was after hours.

After hours the price is multiplied, never the hours, except from prepaid hours: there the price is nothing, so that the
hours are. Hours that a person has set (Syncro's billable override) stand as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal

from ..config import House
from ..escape import clip, paragraph
from ..money import exact, format_cents, hours_of_seconds, line_cents, round_half_up, total
from ..policy import FREE_KINDS, STANDARD_KINDS, Rounding
from ..service.records import Customer, Product, Ticket, Timer
from . import reference

AFTER_HOURS_SECONDS = 15 * 60  # less than this after hours counts as within them
LINE_TEXT = 2000  # characters of a note that go on an invoice line

Outside = Callable[[datetime, datetime], int]
"""Seconds between two instants in which the shop is closed."""


@dataclass(frozen=True)
class Work:
    """What is known of the time on one ticket. `timer_ids` None: every entry that waits to be charged.

    `outside` None: the business hours are not known, and nothing counts as after hours.
    """

    ticket: Ticket
    customer: Customer
    products: Mapping[int, Product]
    timer_ids: tuple[int, ...] | None = None
    outside: Outside | None = None
    zone: tzinfo = UTC

    @property
    def timers(self) -> tuple[Timer, ...]:
        """The entries that are meant, in the order of the work."""
        rows = self.ticket.timers or ()
        if self.timer_ids is None:
            rows = tuple(row for row in rows if not (row.recorded or row.line_item_id))
        else:
            rows = tuple(row for row in rows if row.id in self.timer_ids)
        return tuple(sorted(rows, key=lambda row: (row.started_at or datetime.min.replace(tzinfo=UTC), row.id)))


@dataclass(frozen=True)
class Line:
    """A labour line to be added: `quantity` hours at `price_cents`. `timer_ids`: whose time it bills instead of a charge."""

    product_id: int
    quantity: Decimal
    price_cents: int
    text: str
    taxable: bool
    timer_ids: tuple[int, ...] = ()

    @property
    def amount_cents(self) -> int:
        """Quantity times price, half up."""
        return line_cents(self.quantity, self.price_cents)


@dataclass(frozen=True)
class Entry:
    """One time entry: how it is billed and why. `how`: timer, line, or left out.

    `seconds` are billed or drawn, `amount_cents` is what they come to before tax; both 0 for what is left out.
    """

    timer_id: int
    kind: str
    how: str
    why: str
    note: str = ""
    seconds: int = 0
    amount_cents: int = 0


@dataclass(frozen=True)
class Charge:
    """What a ticket's time comes to. `overrides`: (timer, billable seconds) to set before its charge.

    `amends`: (timer, price in cents or None, taxable or None) to set on the line that its charge makes.
    """

    entries: tuple[Entry, ...] = ()
    timer_ids: tuple[int, ...] = ()
    overrides: tuple[tuple[int, int], ...] = ()
    amends: tuple[tuple[int, int | None, bool | None], ...] = ()
    lines: tuple[Line, ...] = ()
    blockers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def amount_cents(self) -> int:
        """All of it before tax, in cents; what prepaid hours pay for is 0."""
        return total(entry.amount_cents for entry in self.entries)

    @property
    def billed(self) -> tuple[Entry, ...]:
        """The entries that are billed or drawn."""
        return tuple(entry for entry in self.entries if entry.how != "left out")

    @property
    def hours(self) -> Decimal:
        """Billed and drawn hours, to two decimals, for reading."""
        return round_half_up(Decimal(total(entry.seconds for entry in self.entries)) / 3600, 2)


@dataclass
class _Share:
    """One entry on its way: worked and billed seconds, and how much of them is after hours."""

    timer: Timer
    product: Product
    kind: str
    seconds: int
    after: int = 0
    said: list[str] = field(default_factory=list)
    by_hand: bool = False


def charge_ticket(work: Work, house: House) -> Charge:
    """What the time on a ticket comes to by the policy of this house, and why. Raises nothing: what cannot be is said."""
    blockers, warnings = _missing(work), []
    left: dict[int, Entry] = {}
    shares: list[_Share] = []
    for timer in work.timers:
        product, kind = work.products.get(timer.product_id or 0), house.kind_of(timer.product_id) or ""
        why = _left_out(work, timer, kind, house)
        if why:
            left[timer.id] = Entry(timer.id, kind, "left out", why, clip(timer.notes, 80))
        elif product is None:
            blockers.append(f"timer {timer.id} has no labour product: choose one in Syncro")
            left[timer.id] = Entry(timer.id, kind, "left out", "it has no labour product", clip(timer.notes, 80))
        else:
            shares.append(_Share(timer, product, kind, timer.worked_seconds))
    _round(shares, house)
    for share in shares:
        _split(share, work, house)
        warnings += _doubts(share, work, house)
    made = [_bill(share, work, house) for share in shares]
    entries = {entry.timer_id: entry for part in made for entry in part.entries} | left
    if any(share.kind == "onsite" for share in shares) and house.policy.travel_wanted and not _has_travel(work, house):
        warnings.append("onsite work without a travel line, which the policy wants")
    return Charge(
        entries=tuple(entries[timer.id] for timer in work.timers),
        timer_ids=tuple(one for part in made for one in part.timer_ids),
        overrides=tuple(one for part in made for one in part.overrides),
        amends=tuple(one for part in made for one in part.amends),
        lines=tuple(one for part in made for one in part.lines),
        blockers=tuple(blockers),
        warnings=tuple(warnings),
    )


# ---------------------------------------------------------------- what is left out


def _missing(work: Work) -> list[str]:
    there = {timer.id for timer in work.ticket.timers or ()}
    return [f"timer {number} is not on this ticket" for number in work.timer_ids or () if number not in there]


def _left_out(work: Work, timer: Timer, kind: str, house: House) -> str:
    """Why an entry is not billed; empty if it is."""
    if timer.recorded or timer.line_item_id:
        return "it is charged already"
    if timer.ended_at is None:
        return "it is still running"
    if not timer.billable:
        reason = _reason(timer, house)
        return f"marked as not billable ({reason})" if reason else "marked as not billable; no reason is given"
    if timer.override_seconds is not None and timer.override_seconds <= 0:
        return "its billable time was set to 0 by hand"
    if timer.override_seconds is None and timer.worked_seconds <= 0:
        return "it holds no time"
    if kind in FREE_KINDS:
        return f"{kind} work is not billed"
    tag = next((word for word in FREE_KINDS if word in {one.strip().casefold() for one in work.ticket.tags}), "")
    if tag:
        return f"the ticket is tagged {tag}"
    contract = covering(work.customer, kind, _day(timer, work), house)
    if contract and not _has_block(work):
        return f"covered by the contract {contract!r}"
    return ""


def covering(customer: Customer, kind: str, day: date | None, house: House) -> str:
    """The name of an active contract that covers this kind of labour on that day; empty if none does."""
    for one in customer.contracts or ():
        active = one.status.strip().casefold() in ("active", "signed", "won")
        begun = day is None or one.starts_on is None or one.starts_on <= day
        runs = day is None or one.ends_on is None or day <= one.ends_on
        if active and begun and runs and house.policy.covers(one.id, one.name, one.applies_to_all, kind or None):
            return clip(one.name, 60) or f"contract {one.id}"
    return ""


def _day(timer: Timer, work: Work) -> date | None:
    return timer.started_at.astimezone(work.zone).date() if timer.started_at else None


def _has_block(work: Work) -> bool:
    return (work.customer.prepaid_hours or Decimal(0)) > 0


def _reason(timer: Timer, house: House) -> str:
    words = timer.notes.casefold()
    return next((word for word in house.policy.reasons if word.casefold() in words), "")


# ---------------------------------------------------------------- hours


def _round(shares: Sequence[_Share], house: House) -> None:
    """The billable time of each entry: by hand, by the policy for the entry or for its kind on the ticket, or Syncro's."""
    policy = house.policy
    groups: dict[str | int, list[_Share]] = {}
    for share in shares:
        if share.timer.override_seconds is not None:
            share.seconds, share.by_hand = share.timer.override_seconds, True
            share.said.append(f"{_minutes(share.timer.worked_seconds)}, set by hand to {_short(share.seconds)}")
        elif not policy.has_rounding(share.kind or None):
            share.seconds = share.timer.charged_seconds
            same = share.seconds == share.timer.worked_seconds
            counted = "" if same else f", counted by Syncro as {_short(share.seconds)}"
            share.said.append(f"{_minutes(share.timer.worked_seconds)}{counted}")
        else:
            groups.setdefault(share.kind if policy.per == "ticket" else share.timer.id, []).append(share)
    for group in groups.values():
        rounding, worked = policy.rounding_of(group[0].kind or None), total(one.seconds for one in group)
        rounded, last = rounding.billable_seconds(worked), group[-1]
        how = _how_rounded(rounding, worked)
        for one in group:
            one.said.append(_minutes(one.seconds))
        last.seconds += rounded - worked
        if len(group) > 1 and rounded != worked:
            last.said.append(f"and {_short(rounded - worked)} more: the ticket's {_short(worked)} {how}")
        elif rounded != worked:
            last.said.append(how)


def _how_rounded(rounding: Rounding, worked: int) -> str:
    billed = rounding.billable_seconds(worked)
    if rounding.minimum_minutes and billed == rounding.minimum_minutes * 60:
        return f"raised to the minimum of {_short(billed)}"
    return f"rounded up to {_short(billed)} (increment {rounding.increment_minutes})"


def _split(share: _Share, work: Work, house: House) -> None:
    """How much of an entry is after hours. What rounding has added counts as within them, unless all the work was after."""
    timer, policy = share.timer, house.policy
    if share.kind not in STANDARD_KINDS or policy.after_hours_multiplier == 1 or work.outside is None:
        return
    if timer.started_at is None or timer.ended_at is None:
        return
    # A pause is taken to have been after hours: what cannot be known is decided for the customer.
    open_seconds = int((timer.ended_at - timer.started_at).total_seconds()) - work.outside(
        timer.started_at, timer.ended_at
    )
    after = timer.worked_seconds - max(0, open_seconds)
    if after < AFTER_HOURS_SECONDS:
        return
    share.after = share.seconds if after >= timer.worked_seconds else min(after, share.seconds)


def _doubts(share: _Share, work: Work, house: House) -> list[str]:
    said, timer = [], share.timer
    reason = _reason(timer, house)
    if reason:
        said.append(f"the note of timer {timer.id} says {reason!r}, and it is billed")
    contract = covering(work.customer, share.kind, _day(timer, work), house)
    if contract:
        said.append(f"the contract {contract!r} covers timer {timer.id} too, and its hours are drawn from the block")
    if share.by_hand and share.after and _draws(share, work, house):
        said.append(f"timer {timer.id} was after hours; the hours set by hand are drawn as they are")
    return said


# ---------------------------------------------------------------- money


def _draws(share: _Share, work: Work, house: House) -> bool:
    """Whether prepaid hours pay for it: Syncro draws them for labour while some are left."""
    return _has_block(work) and (bool(share.kind) or "labor" in share.product.category.lower())


def _bill(share: _Share, work: Work, house: House) -> Charge:
    """One entry as a charge or as lines, with its explanation."""
    policy, customer = house.policy, work.customer
    name = customer.name or work.ticket.customer_name
    agreed = policy.rate_cents(customer.id, name, share.kind or None)
    price = share.product.price_cents if agreed is None else agreed
    wanted = policy.is_taxable(share.kind or None)
    taxable = share.product.taxable if wanted is None else wanted
    label = share.kind or clip(share.product.name, 40)
    if _draws(share, work, house):
        return _draw(share, work, house, price, taxable, label)
    text, rate = _text(share, work), f"{label} {format_cents(price)}{'' if agreed is None else ', agreed'}"
    raised = int(round_half_up(price * policy.after_hours_multiplier))
    times, within = f"× {policy.after_hours_multiplier.normalize():f}", share.seconds - share.after
    made, lines, parts = Charge(), [], []  # parts: what is said of each amount, and the amount
    if policy.bill_by == "lines":
        if within:
            lines.append(_line(share, within, price, text, taxable, (share.timer.id,)))
            parts.append((f"{_short(within)} at {rate}" if share.after else rate, lines[-1].amount_cents))
        if share.after:
            lines.append(_line(share, share.after, raised, f"{text}\nAfter hours", taxable, (share.timer.id,)))
            parts.append((f"{_after(share)} at {rate} {times} = {format_cents(raised)}", lines[-1].amount_cents))
    else:
        made = _charge(share, price, taxable)
        parts.append((rate, line_cents(_hours_as_charged(share.seconds), price)))
        if share.after:
            lines.append(_line(share, share.after, raised - price, f"{text}\nAfter hours, added to the above", taxable))
            more = f"{times}, {format_cents(raised - price)} more an hour"
            parts.append((f"{_after(share)} {more}", lines[-1].amount_cents))
    amount = total(cents for _, cents in parts)
    why = ", ".join(share.said) + ", " + " and ".join(f"{words} = {format_cents(cents)}" for words, cents in parts)
    why += f", together {format_cents(amount)}" if len(parts) > 1 else ""
    why += "" if wanted is None else ", taxable" if wanted else ", not taxable"
    entry = _entry(share, "line" if policy.bill_by == "lines" else "timer", why, share.seconds, amount)
    return replace(made, entries=(entry,), lines=tuple(lines))


def _after(share: _Share) -> str:
    return f"{_short(share.after)} after hours"


def _draw(share: _Share, work: Work, house: House, price: int, taxable: bool, label: str) -> Charge:
    """An entry that prepaid hours pay for. Hours set by hand are drawn as they are; else those after hours are multiplied."""
    times = house.policy.after_hours_multiplier
    added = 0 if share.by_hand else int(round_half_up(share.after * (times - 1)))
    drawn = share.seconds + added
    said = ", ".join(share.said)
    if added:
        said += f", {_short(share.after)} after hours × {times.normalize():f}"
    hours = round_half_up(Decimal(drawn) / 3600, 4).normalize()
    why = f"{said}, {label}: {hours:f} h drawn from the prepaid hours"
    if house.policy.bill_by == "lines":
        line = _line(share, drawn, price, _text(share, work), taxable, (share.timer.id,))
        return Charge(entries=(_entry(share, "line", why, drawn, 0),), lines=(line,))
    made = _charge(replace(share, seconds=drawn), price, taxable)
    return replace(made, entries=(_entry(share, "timer", why, drawn, 0),))


def _charge(share: _Share, price: int, taxable: bool) -> Charge:
    """A charge, with what must be set before and corrected after it."""
    timer, product = share.timer, share.product
    set_already = timer.override_seconds if timer.override_seconds is not None else timer.billable_seconds
    overrides = ((timer.id, share.seconds),) if set_already != share.seconds else ()
    other_price = price if price != product.price_cents else None
    other_tax = taxable if taxable != product.taxable else None
    amends = ((timer.id, other_price, other_tax),) if (other_price, other_tax) != (None, None) else ()
    return Charge(timer_ids=(timer.id,), overrides=overrides, amends=amends)


def _line(share: _Share, seconds: int, price: int, text: str, taxable: bool, timer_ids: tuple[int, ...] = ()) -> Line:
    return Line(share.product.id, hours_of_seconds(seconds, price), price, text, taxable, timer_ids)


def _hours_as_charged(seconds: int) -> Decimal:
    """The quantity that Syncro gives the line of a charged timer: hours to six decimals."""
    return exact(f"{round_half_up(Decimal(seconds) / 3600, 6).normalize():f}")


def _entry(share: _Share, how: str, why: str, seconds: int, amount_cents: int) -> Entry:
    return Entry(share.timer.id, share.kind, how, why, clip(share.timer.notes, 80), seconds, amount_cents)


def _text(share: _Share, work: Work) -> str:
    """What the customer reads on the line: the entry's note, else the ticket's subject."""
    note = reference.strip(paragraph(share.timer.notes))[:LINE_TEXT].strip()
    return note or clip(work.ticket.subject, 200) or clip(share.product.name, 200)


def _has_travel(work: Work, house: House) -> bool:
    travel = house.labour.get("travel")
    lines = any(line.product_id == travel and not line.converted for line in work.ticket.lines or ())
    return travel is None or lines or any(timer.product_id == travel for timer in work.timers)


def _minutes(seconds: int) -> str:
    number = _short(seconds)
    return f"{number} minute" if number == "1" else f"{number} minutes"


def _short(seconds: int) -> str:
    """Seconds as minutes: 45, or 35.5."""
    return f"{round_half_up(Decimal(seconds) / 60, 2).normalize():f}"
