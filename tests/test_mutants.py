"""Deliberate mistakes in the write path are noticed: a dozen here, all of them in `make mutants`."""

import pytest
from campaign.mutants import DOZEN, MUTANTS, Edit, Mutant, missing_anchors, named, try_mutant


def test_every_mutant_can_still_be_made():
    assert missing_anchors() == []


def test_there_are_at_least_thirty_and_each_says_who_should_notice():
    assert len({one.name for one in MUTANTS}) == len(MUTANTS) >= 30
    assert [one.name for one in MUTANTS if not one.cases and not one.tests] == []


def test_an_anchor_that_is_gone_is_said():
    gone = Mutant("gone", (Edit("writes/doubt.py", "this is not in it", ""),))
    assert missing_anchors([gone]) == ["gone: writes/doubt.py holds 0 times, not once: 'this is not in it'"]


def test_a_mistake_that_changes_nothing_survives(tmp_path):
    harmless = Mutant(
        "harmless", (Edit("writes/doubt.py", "Pure; `run.py` does", "Pure: `run.py` does"),), cases="^line: nothing$"
    )
    assert try_mutant(harmless, tmp_path).caught == ""


@pytest.mark.parametrize("name", DOZEN)
def test_it_is_noticed(tmp_path, name):
    (mutant,) = (one for one in named([name]) if one.name == name)
    assert try_mutant(mutant, tmp_path).caught
