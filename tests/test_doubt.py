"""What a look means for a write in doubt; that this is enough against every order of events is shown in `doubt_model.py`."""

import pytest

from syncro_nb.writes.doubt import judge


@pytest.mark.parametrize(
    ("found", "doubts", "looks", "elapsed", "verdict"),
    [
        (1, 0, 1, 0, "adopt"),
        (1, 1, 1, 0, "ask"),
        (2, 0, 1, 0, "ask"),
        (0, 1, 2, 500, "ask"),
        (0, 0, 1, 500, "look again"),
        (0, 0, 2, 119, "look again"),
        (0, 0, 2, 120, "absent"),
    ],
)
def test_a_look_decides(found, doubts, looks, elapsed, verdict):
    assert judge(found, doubts, looks=looks, elapsed_seconds=elapsed, settle_seconds=120) == verdict
