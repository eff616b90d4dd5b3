"""The two demo tickets that are always there, open and not billed: one without time, one with two uncharged timers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ..times import MINUTE, from_ms
from .cast import Business
from .scene import Scene, technician_named
from .stories import STORIES
from .team import Team
from .workdays import at, next_open, workdays

# The ticket with which everybody begins.
_SHOWCASE_SUBJECT = "Shop floor computer loses the mapped drive"
_SHOWCASE_OPENING = (
    "Since the weekend the computer at the big lathe loses drive S: two or three times a day. The drawings are on that "
    "drive, so the machine stands still until somebody signs out and in again. The other computers are fine."
)
_SHOWCASE_ANSWER = (
    "Hello {first}, thank you for the details. I have set up a log on the computer, to see what happens when the drive "
    "goes away. I will connect once it has caught a few of them, at a time when the lathe is idle."
)
_SHOWCASE_INSIDE = (
    "Power saving was on for the network card (driver of 2019). Switched off; drive S: is now mapped by policy and no "
    "longer by script. If it comes back: replace the patch cable, it runs along the power line of the lathe."
)
_SHOWCASE_DONE = (
    "Hello {first}, the log showed that the computer puts its network card to sleep. I have switched that off, and "
    "drive S: is now connected in a more robust way. Could you keep an eye on it for a day?"
)
_SHOWCASE_REPLY = "It held through the whole early shift today. We will tell you if it drops again."

# The ticket with two timers on it that wait to be charged.
_TWO_VISITS_SUBJECT = "Orders mailbox shows messages twice"
_TWO_VISITS_OPENING = (
    "Every message in the orders mailbox shows up twice since yesterday, and answers that we send are in there twice too. "
    "We nearly shipped one order two times. Could you look at it before the next batch goes out?"
)
_TWO_VISITS_ANSWER = "Hello {first}, I connect to {pc} in a few minutes. Please do not delete anything until then."
_TWO_VISITS_DONE = (
    "Hello {first}, the doubles are gone as far as I can see. Please have an eye on it with the next orders."
)
_TWO_VISITS_AGAIN = "It was fine until last night, but this morning there are two of everything again."
_TWO_VISITS_NOTES = (
    "Found a second rule that copies into the mailbox, removed it, merged the duplicates",
    "A phone put the old rule back; removed the account from it, cleaned up, watched three orders come in",
)


def showcase_scene(team: Team, begin: int, business: Business, number: int) -> Iterator[int]:
    """The ticket with which everybody begins: remote work was done on it lately, and nobody has recorded it yet."""
    scene = Scene(team, business, number, next(story for story in STORIES if story.problem_type == "Network"))
    scene.assign(technician_named("Priya"))
    scene.now = begin
    yield begin
    scene.open(_SHOWCASE_SUBJECT, _SHOWCASE_OPENING)
    yield from scene.wait(10, 40)
    scene.comment(scene.say(_SHOWCASE_ANSWER))
    scene.status("In Progress", priority="2 Normal")
    today = team.account.today
    third_last = workdays(today - timedelta(days=12), today)[-3]
    yield from scene.wait(60, 120)
    yield from scene.wait_until(at(third_last, 8, 30, scene.zone))
    yield from scene.wait_until(team.book(scene.who, scene.now, 2) + 38 * MINUTE)
    scene.comment(_SHOWCASE_INSIDE, subject="Internal note", hidden=True)
    yield from scene.wait_until(scene.now + 6 * MINUTE)
    scene.comment(scene.say(_SHOWCASE_DONE))
    yield from scene.wait(240, 300)
    scene.hear(_SHOWCASE_REPLY)
    yield from scene.wait(5, 20)
    scene.comment("Good to hear. I leave the ticket open for another day or two, to be sure.")


def two_timers_scene(team: Team, begin: int, business: Business, number: int) -> Iterator[int]:
    """An open ticket with work of two days on it, entered and not charged yet: half an hour, and three quarters."""
    scene = Scene(team, business, number, next(story for story in STORIES if story.problem_type == "Email"))
    scene.assign(technician_named("Marcus"))
    scene.now = begin
    yield begin
    scene.open(_TWO_VISITS_SUBJECT, _TWO_VISITS_OPENING)
    yield from scene.wait_until(begin + 12 * MINUTE)
    scene.comment(scene.say(_TWO_VISITS_ANSWER))
    scene.status("In Progress", priority="2 Normal")
    start = team.book(scene.who, scene.now + 10 * MINUTE, 2)
    yield from scene.wait_until(start + 34 * MINUTE)
    first = scene.enter(start, 2, _TWO_VISITS_NOTES[0], "remote")
    scene.comment(scene.say(_TWO_VISITS_DONE))
    next_day = at(from_ms(start, scene.zone).date() + timedelta(days=1), 0, 5, scene.zone)
    yield from scene.wait_until(next_open(next_day, scene.zone) + 9 * MINUTE)
    scene.hear(_TWO_VISITS_AGAIN)
    start = team.book(scene.who, scene.now + 10 * MINUTE, 3)
    yield from scene.wait_until(start + 50 * MINUTE)
    second = scene.enter(start, 3, _TWO_VISITS_NOTES[1], "remote")
    scene.comment(scene.say(_TWO_VISITS_DONE))
    for timer in (first, second):
        team.key.judge_timer(scene, timer)
