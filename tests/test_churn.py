"""Nothing is lost, old or a ghost after people have worked on while the account was read. The long form: benchmarks/churn.py."""

import pytest
from churn import churn


@pytest.mark.parametrize("seed", range(24))
def test_once_it_is_quiet_the_mirror_is_the_account(seed, tmp_path):
    wrong, desk = churn(tmp_path, seed)
    assert wrong == {}
    assert desk.written > 0
