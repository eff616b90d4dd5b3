"""Nothing is lost, old or a ghost after people have worked on while the account was read. The long form: benchmarks/churn.py."""

import pytest
from churn import churn


# 172: a ticket is deleted, and takes itself off its invoice without a sign, just before a kill.
# 288: ids that fall within each page, but not from page to page, and two payments are gone.
# 887: a full reading that does not get to the lines, and a smaller one after it.
# 586: an invoice loses its only line without a sign, after its ticket was read and before it is read itself.
# 1755: a page fails for three syncs; meanwhile one of its rows moves to the next page, and a deletion makes up the number.
@pytest.mark.parametrize("seed", [*range(24), 172, 288, 586, 887, 1755])
def test_once_it_is_quiet_the_mirror_is_the_account(seed, tmp_path):
    wrong, _ = churn(tmp_path, seed)
    assert wrong == {}


def test_it_has_changed_much_while_it_was_read(tmp_path):
    _, desk = churn(tmp_path, 3)
    assert desk.written > 100
    assert desk.requests > 100
