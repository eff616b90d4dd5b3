"""The search: what differs between our rows and a list is found, whatever it is, and in few looks where it is little."""

from hypothesis import example, given
from hypothesis import strategies as st

from syncro_nb.mirror.search import Search


def search(ours, theirs, size, is_falling=True):
    """The search at its end, how often it looked, and what ours came to."""
    rows = sorted(theirs, reverse=is_falling)
    pages = max(1, -(-len(rows) // size))
    made, looks, seen = Search(ours, is_falling, size, pages), 0, set()
    while not made.is_done:
        ids = rows[(made.number - 1) * size : made.number * size]
        seen.update(ids)
        made.look(ids, len(ids), pages)
        looks += 1
    return made, looks, (set(ours) | seen) - made.gone


ids = st.sets(st.integers(1, 400), max_size=120)


@example({1, 3, 4, 5, 6, 7, 8, 9}, {1}, {2, 10}, True)  # on the last page a row that we lack stands for a ghost of ours
@given(ids, st.sets(st.integers(1, 400), max_size=6), st.sets(st.integers(1, 400), max_size=6), st.booleans())
def test_where_it_is_clear_ours_are_theirs(theirs, lost, ghosts, is_falling):
    ours = (theirs - lost) | ghosts
    made, _, mended = search(ours, theirs, 7, is_falling)
    if made.is_clear and len(ours) != len(theirs):
        assert len(mended) == len(theirs)
    if made.is_clear and not (lost & theirs):
        assert made.gone == ours - theirs or len(ours) == len(theirs)


@given(st.integers(1, 20_000))
def test_one_deleted_row_of_a_long_list_takes_few_looks(gone):
    ours = set(range(1, 20_001))
    made, looks, mended = search(ours, ours - {gone}, 50)
    assert made.is_clear
    assert made.gone == {gone}
    assert mended == ours - {gone}
    assert looks <= 14


@given(st.sets(st.integers(1, 5_000), min_size=1, max_size=9))
def test_rows_that_we_lack_come_in_with_the_pages_that_hold_them(lost):
    theirs = set(range(1, 5_001))
    made, _, mended = search(theirs - lost, theirs, 50)
    assert made.is_clear
    assert mended == theirs


def test_a_list_in_no_order_is_not_cleared_by_it():
    made = Search(range(1, 101), True, 10, 10)
    while not made.is_done:
        made.look([5, 99, 17, 3, 42, 77, 61, 8, 90, 23], 10, 10)
    assert not made.is_clear


def test_a_list_that_loses_pages_while_it_is_searched_ends():
    made = Search(range(1, 101), True, 10, 10)
    looks = 0
    while not made.is_done:
        number = made.number
        rows = sorted(range(30, 60), reverse=True)
        made.look(rows[(number - 1) * 10 : number * 10], len(rows[(number - 1) * 10 : number * 10]), 3)
        looks += 1
    assert looks < 20
    assert not made.is_clear or len(made.gone) == 70
