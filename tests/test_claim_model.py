"""Every order of events that two or three runners can meet, explored to the end: see claim_model.py and doubt_model.py."""

from dataclasses import replace

import doubt_model
import pytest
from claim_model import PROVED, Model, Rules
from explorer import explore

from syncro_nb.writes.claim import CLAIM_SECONDS, Go, TakeOver, Wait, Withdraw, decide, standing


def run(rules, *, reduced=True):
    model = Model(rules)
    return explore(model.start(), model.moves if reduced else model.all_moves, model.broken)


@pytest.mark.parametrize("name", PROVED)
def test_two_runners_are_never_both_at_the_bill(name, capsys):
    explored = run(PROVED[name])
    with capsys.disabled():
        print(f"\n  {name}: {explored}", end="")
    assert not explored.finding, explored
    assert explored.states > 1000


def test_leaving_out_what_cannot_matter_changes_no_finding():
    for rules in (Rules(faults=1, ticks=0, attempts=1), Rules(faults=0, ticks=3, bills=False)):
        whole, reduced = run(rules, reduced=False), run(rules)
        assert not whole.finding
        assert not reduced.finding
        assert reduced.states < whole.states


# ---------------------------------------------------------------- what is naive is caught


def lowest_id_wins(comments, mine, account, ticket_id, *, is_invoiced, now):
    """Goes on with the lowest id, without waiting until the others have withdrawn."""
    decision = decide(comments, mine, account, ticket_id, is_invoiced=is_invoiced)
    return Go(0) if isinstance(decision, Wait) else decision


def nobody_else_is_enough(comments, mine, account, ticket_id, *, is_invoiced, now):
    """Goes on with a claim that it has not seen."""
    others = [one for one in standing(comments, account, ticket_id) if one.claim.run != mine.run]
    return Withdraw(tuple(others)) if others else Go(0)


def by_its_own_clock(comments, mine, account, ticket_id, *, is_invoiced, now):
    """Takes over what its own clock, ten minutes ahead, says has expired."""
    decision = decide(comments, mine, account, ticket_id, is_invoiced=is_invoiced)
    if isinstance(decision, Wait | Withdraw):
        age = 600 + max((now - one.created_at).total_seconds() for one in decision.others)
        return TakeOver(decision.others) if age >= CLAIM_SECONDS else decision
    return decision


def takes_over_what_stands(comments, mine, account, ticket_id, *, is_invoiced, now):
    """Does not wait for the expiry."""
    decision = decide(comments, mine, account, ticket_id, is_invoiced=is_invoiced)
    return TakeOver(decision.others) if isinstance(decision, Wait | Withdraw) else decision


NAIVE = {
    "the lowest id wins": Rules(faults=1, ticks=0, attempts=1, decide=lowest_id_wins),
    "goes on without reading": Rules(faults=0, ticks=0, attempts=1, reads=False),
    "goes on with a claim that it has not seen": Rules(faults=1, ticks=0, attempts=1, decide=nobody_else_is_enough),
    "expiry by a clock of its own": Rules(faults=0, ticks=2, decide=by_its_own_clock),
    "takes over a claim that has not expired": Rules(faults=0, ticks=1, decide=takes_over_what_stands),
    "goes on however old its claim is": Rules(faults=0, ticks=4, lease_from="never", bills=False),
    "counts from when the claim was seen": Rules(faults=0, ticks=4, lease_from="seen", bills=False),
    "an end speaks of every attempt": Rules(faults=1, ticks=0, bills=False, ends_all_attempts=True),
    "renews its claim over a write in doubt": Rules(faults=0, ticks=2, bills=False, settles_first=False),
}


@pytest.mark.parametrize("name", NAIVE)
def test_a_naive_variant_is_caught(name):
    explored = run(NAIVE[name])
    assert "at the bill together" in explored.finding
    assert explored.trace


@pytest.mark.parametrize("name", NAIVE)
def test_without_its_naivety_the_same_bounds_hold(name):
    rules = replace(
        NAIVE[name], decide=decide, reads=True, lease_from="sent", ends_all_attempts=False, settles_first=True
    )
    assert not run(rules).finding


# ---------------------------------------------------------------- alone, it goes on


def test_alone_and_without_faults_it_goes_on_after_one_comment_and_one_read():
    model = Model(Rules(runners=1, faults=0, attempts=1, ticks=0))
    after = next(after for what, after in model.all_moves(model.start()) if "claims" in what)
    assert any(" Go" in what for what, _ in model.all_moves(after))


def test_from_wherever_two_runners_are_one_of_them_can_still_finish():
    model = Model(Rules(faults=0, ticks=0, attempts=3))
    before, todo = {model.start(): set()}, [model.start()]
    while todo:
        world = todo.pop()
        for _, after in model.moves(world):
            if after not in before:
                todo.append(after)
            before.setdefault(after, set()).add(world)
    good = {world for world in before if world.is_invoiced}
    todo = list(good)
    while todo:
        fresh = before[todo.pop()] - good
        good |= fresh
        todo += fresh
    assert len(good) > 100
    assert not [world for world in before.keys() - good if min(one.attempt for one in world.runners) < 3]


# ---------------------------------------------------------------- without claims: one journal, a write in doubt


def settle(rules):
    model = doubt_model.Model(rules)
    return explore(model.start(), model.moves, model.broken)


@pytest.mark.parametrize("processes", [1, 2])
def test_there_is_one_line_and_every_further_post_was_proved_absent(processes, capsys):
    explored = settle(doubt_model.Rules(processes=processes))
    with capsys.disabled():
        print(f"\n  a write in doubt, {processes} process(es): {explored}", end="")
    assert not explored.finding, explored
    assert explored.states > 300


@pytest.mark.parametrize(
    ("processes", "naive"),
    [
        (1, {"settles": False}),
        (1, {"settles": False, "looks_twice": False}),
        (1, {"since_intent": True}),
        (2, {"checks_when_leaving": False}),
        (2, {"compares_attempts": False}),
    ],
)
def test_sending_again_without_settling_and_its_kin_are_caught(processes, naive):
    explored = settle(doubt_model.Rules(processes=processes, **naive))
    assert "lines for one piece of work" in explored.finding or "more often" in explored.finding
    assert explored.trace
