"""The reference line: what it stands for, and when a text carries it."""

import pytest

from syncro_nb.writes import reference

MADE = reference.make("main", 41, "timers 1 2", 1)


@pytest.mark.parametrize(
    "other", [("side", 41, "timers 1 2", 1), ("main", 42, "timers 1 2", 1), ("main", 41, "timers 1", 1)]
)
def test_a_reference_stands_for_account_ticket_and_unit(other):
    assert reference.make(*other) != MADE
    assert reference.make("main", 41, "timers 1 2", 1) == MADE


def test_each_attempt_has_a_reference_of_its_own():
    assert len({reference.make("main", 41, "timers 1 2", attempt) for attempt in range(1, 20)}) == 19


def test_it_belongs_to_the_ticket_that_it_was_made_for_and_no_other():
    assert reference.belongs(MADE, "main", 41)
    assert not reference.belongs(MADE, "main", 42)
    assert not reference.belongs(MADE, "side", 41)


def test_only_the_last_line_counts():
    assert reference.last_reference(reference.under("Done", MADE) + "\n\n") == MADE
    assert reference.last_reference(f"Ref {MADE}\nThanks") is None
    assert reference.last_reference(f"as you said: Ref {MADE}") is None
