"""A group of accounts: each one's figures are those of its own summary, whoever works them out."""

import pandas as pd
import pytest

from syncro_nb import practice
from syncro_nb.errors import InputError
from syncro_nb.group import OPEN_OF, UNBILLED_OF, open_of, unbilled_of


@pytest.fixture(scope="module")
def accounts():
    made = [practice(seed=seed) for seed in (1, 2)]
    for one in made:
        one.sync()
    yield made
    for one in made:
        one.close()


def folders(accounts):
    return [one.mirror.folder for one in accounts]


def test_each_row_is_what_the_account_itself_says(accounts):
    rows = pd.concat(map(unbilled_of, folders(accounts)), ignore_index=True)
    totals = [one.unbilled().totals for one in accounts]
    assert list(rows) == list(UNBILLED_OF)
    for name in ("records", "amount_cents", "billable_hours", "without_time"):
        assert rows[name].tolist() == [one[name] for one in totals]
    assert rows["amount_cents"].nunique() == 2  # other seeds are other accounts
    assert not rows["complete"].any()  # a usual sync leaves old details out, and every row says so


def test_open_tickets_of_each(accounts):
    rows = pd.concat(map(open_of, folders(accounts)), ignore_index=True)
    assert list(rows) == list(OPEN_OF)
    assert rows["tickets"].tolist() == [len(one.open_summary(since="2026-03-30").rows) for one in accounts]
    assert rows["complete"].all()  # of the open ones every detail was read


def test_an_account_that_was_never_read_is_said(tmp_path):
    with pytest.raises(InputError, match="nothing was read from Syncro yet"):
        unbilled_of(tmp_path)
