"""The session log of a ticket: Markdown in `clients/<customer>/session-logs/<date>-<ticket>-<slug>.md`.

`render` is pure; `write` puts it where it belongs. A name that comes from outside never leaves the folder: it becomes a name
that Windows, macOS and Linux all take. A file that is there is never written over; the next one is called `-2`. All text of
others stands in code blocks or is escaped, so that a viewer of Markdown shows it and nothing in it does anything.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, tzinfo
from pathlib import Path

from .errors import InputError
from .escape import FORBIDDEN, is_device, line, paragraph
from .money import format_cents, line_cents
from .service.records import Comment, Timer, in_minutes
from .ticketview import TicketView
from .writes import reference

LONGEST_NAME, LONGEST_SLUG = 60, 40
LONGEST_PATH = 240  # characters; Windows takes 259, and a "-12" has to fit
SHORTEST_NAME = 8
MOST_FILES = 999
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&$])")


def render(view: TicketView, *, resolution: str = "", hidden: bool = True, zone: tzinfo | None = None) -> str:
    """The log as Markdown: what, whose, when, by whom, what was done, time, charges, invoice, resolution.

    `resolution` empty: the last public comment of a technician. `hidden` False leaves hidden comments out; with one in it the
    log is marked internal. Times are in `zone`, else as Syncro gave them.
    """
    ticket = view.ticket
    comments = sorted(ticket.comments or (), key=lambda row: row.id)
    shown = [row for row in comments if hidden or not row.hidden]
    solved = [row for row in comments if row.user_id is not None and not row.hidden]
    parts = [f"# Ticket {ticket.number}: {_plain(ticket.subject) or 'no subject'}"]
    if any(row.hidden for row in shown):
        parts.append("**Internal: this log holds hidden comments. Do not give it to the customer.**")
    facts = {
        "Customer": ticket.customer_name,
        "Contact": ticket.contact_label or view.row.contact_name or "none",
        "Technician": ticket.technician_label or view.row.technician_label or "nobody",
        "Status": ticket.status,
        "Priority": ticket.priority or "none",
        "Problem type": ticket.problem_type or "none",
        "Created": _when(ticket.created_at, zone),
        "Resolved": _when(ticket.resolved_at, zone),
    }
    parts.append("\n".join(f"- **{name}:** {_plain(value)}" for name, value in facts.items()))
    parts += ["## Resolution", _block(resolution or (solved[-1].body if solved else "")) or "Nothing was written down."]
    parts.append("## What was done")
    for row in shown:
        parts += [_title(row, zone), _block(row.body) or "(no text)"]
    parts += [] if shown else ["No comments."]
    parts += ["## Time", _list([_time(row, view, zone) for row in ticket.timers or ()])]
    parts += ["## Charges", _list(_charges(view))]
    parts += ["## Invoice", _list(_invoices(view))]
    return "\n\n".join(parts) + "\n"


def write(
    view: TicketView,
    folder: Path,
    day: date,
    *,
    resolution: str = "",
    hidden: bool = True,
    zone: tzinfo | None = None,
) -> Path:
    """Write the log of a ticket below `folder` (made if it is not there) and give its path. `day` is that of the closing.

    Raises InputError if it cannot be written, or would land outside the folder.
    """
    text = render(view, resolution=resolution, hidden=hidden, zone=zone)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        root = folder.resolve()
        target = path_of(root, view.ticket.customer_name, view.ticket.number, view.ticket.subject, day)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(root):
            raise InputError(f"the session log was not written: {line(target.parent)} leads out of {line(root)}")
        return _new_file(target, text)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"the session log was not written below {line(folder)}: {reason}") from None


def path_of(folder: Path, customer: str, number: int, subject: str, day: date) -> Path:
    """Where the log of a ticket goes, before another of that name is there. Pure; within 260 characters if the folder allows."""
    fixed = len(str(folder)) + len(f"/session-logs/{day:%Y-%m-%d}-{number}-.md") + 1
    room = max(2 * SHORTEST_NAME, LONGEST_PATH - fixed)
    longest_slug = max(SHORTEST_NAME, min(LONGEST_SLUG, room // 2))
    end = slug(subject, longest_slug)
    name = safe_name(customer, "no customer", max(SHORTEST_NAME, min(LONGEST_NAME, room - len(end))))
    return folder / name / "session-logs" / f"{day:%Y-%m-%d}-{number}-{end}.md"


def safe_name(text: str, otherwise: str, longest: int = LONGEST_NAME) -> str:
    """A name for a folder or file that every system takes, as close to the text as can be; `otherwise` if nothing is left.

    No separators, control or invisible characters, none that Windows forbids; no dot or blank at an end; no device of Windows
    (CON, LPT1, in any case and with any ending); at most `longest` characters and 180 bytes.
    """
    kept = "".join(
        "-" if one in FORBIDDEN else one
        for one in line(unicodedata.normalize("NFC", text))
        if one == " " or unicodedata.category(one)[0] not in "CZ"
    )
    name = _cut(" ".join(kept.split()).strip(". "), longest)
    if not name.strip("-_. "):
        return otherwise
    return _cut(f"_{name}", longest) if is_device(name) else name


def slug(text: str, longest: int = LONGEST_SLUG) -> str:
    """Small letters, digits and dashes of any script, from a subject; "ticket" if there are none."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", line(text)).casefold())
    return _cut("-".join(words), longest).strip("-") or "ticket"


def _cut(text: str, longest: int) -> str:
    """At most so many characters and 180 bytes (file systems count those), without a dot or blank at the end."""
    text = text[:longest]
    while len(text.encode()) > 180:
        text = text[:-1]
    return text.rstrip(". ")


def _new_file(target: Path, text: str) -> Path:
    for number in range(1, MOST_FILES + 1):
        path = target if number == 1 else target.with_name(f"{target.stem}-{number}{target.suffix}")
        try:
            # "x": whoever is first has it; nothing is ever written over.
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except FileExistsError:
            continue
        except OSError:
            path.unlink(missing_ok=True)  # half a log, as of a full disk; the name was ours
            raise
        return path
    raise InputError(f"the session log was not written: there are {MOST_FILES} of {line(target.name)} already")


# ---------------------------------------------------------------- the text


def _title(row: Comment, zone: tzinfo | None) -> str:
    mark = " (hidden, internal)" if row.hidden else ""
    return f"### {_when(row.created_at, zone)}, {_plain(row.author) or 'unknown'}: {_plain(row.subject)}{mark}"


def _time(row: Timer, view: TicketView, zone: tzinfo | None) -> str:
    state = "running" if not row.ended_at else "charged" if row.recorded or row.line_item_id else "not charged"
    state += "" if row.billable else ", not billable"
    kind = view.labour.get(row.product_id or 0, "no labour")
    worked, billed = (f"{in_minutes(seconds)} min" for seconds in (row.worked_seconds, row.charged_seconds))
    spent = worked if worked == billed else f"{worked}, billable {billed}"
    return f"{_when(row.started_at, zone)}: {spent}, {_plain(kind)}, {state}. {_plain(reference.strip(row.notes))}".rstrip()


def _charges(view: TicketView) -> list[str]:
    said = []
    for row in view.ticket.lines or ():
        amount = format_cents(line_cents(row.quantity, row.price_cents))
        price = f"{row.quantity.normalize():f} × {format_cents(row.price_cents)} = {amount}"
        state = "invoiced" if row.converted else "not invoiced"
        said.append(f"{_plain(row.name)}: {price}, {state}. {_plain(reference.strip(row.description))}".rstrip())
    return said


def _invoices(view: TicketView) -> list[str]:
    said = [
        f"{_plain(row.number)}: {format_cents(row.total_cents)}, {'paid' if row.is_paid else 'not paid'}"
        for row in view.invoices
    ]
    said += [_plain(view.doubt)] if view.doubt else []
    return said + ([f"Not billed yet: {_plain('; '.join(view.unbilled))}"] if view.unbilled else [])


def _list(rows: list[str]) -> str:
    return "\n".join(f"- {row}" for row in rows) or "None."


def _block(text: str) -> str:
    """A text as it is, in a block of code whose fence it cannot close; "" for an empty one."""
    shown = paragraph(reference.strip(text)).strip("\n")
    if not shown.strip():
        return ""
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}"


def _plain(text: object) -> str:
    """One line in which no character means anything to Markdown or HTML; it never stands at the beginning of a line."""
    return _MARKDOWN.sub(r"\\\1", line(text))


def _when(moment: datetime | None, zone: tzinfo | None) -> str:
    return f"{moment.astimezone(zone) if zone else moment:%Y-%m-%d %H:%M}" if moment else "not known"
