"""Where our rows and those of an ordered list differ, found with few looks at single pages. Pure.

Pages before the first difference hold exactly the ids that ours would give; every later one is shifted. So the first page that
differs is found by halving; what is new there and what has gone is put right on our side, and the search goes on behind it.
"""

from __future__ import annotations

from collections.abc import Iterable


class Search:
    """A search under way: ask for page `number`, and give what it holds to `look`, until `is_done`.

    `is_clear`: ours, put right, is now what the list has. `gone` are ids of ours that were not where they should be.
    """

    def __init__(self, ids: Iterable[int], is_falling: bool, size: int, pages: int) -> None:
        self._sign = -1 if is_falling else 1
        self._ids = sorted(ids, key=self._rank)
        self._size = max(1, size)
        self._low, self._high = 1, pages
        self._pages = pages
        self._total: int | None = None
        self._looks = 0
        self._met: set[int] = set()  # on any page: where ours lack one of these, an equal number is chance
        self._most = 8 + pages // 2  # with more of them reading the whole list is no dearer
        self.gone: set[int] = set()
        self.is_done = self.is_clear = False

    @property
    def number(self) -> int:
        """The page to look at: the last one first, which tells how many rows there are."""
        return self._pages if self._total is None else (self._low + self._high) // 2

    def look(self, ids: list[int], rows: int, pages: int | None, number: int | None = None) -> None:
        """A page: its ids, how many rows it has, and how many pages there are; `number` if it is not the one asked for."""
        number = number or self.number
        self._looks += 1
        self._met.update(ids)
        if pages and number > pages:  # the list has become shorter
            self._pages, self._high, self._total = pages, max(self._low, pages), None
            return self._end(False) if self._low > pages else None
        if pages is None or rows != len(ids) or self._looks > self._most or (number < pages and rows != self._size):
            return self._end(False)
        if number == pages:
            self._total = (pages - 1) * self._size + rows
        if pages != self._pages:
            self._pages, self._high, self._total = (
                pages,
                max(self._low, pages),
                self._total if number == pages else None,
            )
        if ids != self._ours(number):
            if number > self._low:
                self._high = min(number, self._high)
                return None
            self._mend(ids, number)
            if ids != self._ours(number):
                return self._end(False)
            self._high = self._pages
        self._low = max(self._low, number + 1)
        if len(self._ids) == self._total and self._met.issubset(self._ids):
            return self._end(True)
        if self._low > self._pages:
            return self._end(False)
        if self._low > self._high:
            self._high = self._pages
        return None

    def _ours(self, number: int) -> list[int]:
        return self._ids[(number - 1) * self._size : number * self._size]

    def _mend(self, ids: list[int], number: int) -> None:
        """The first page that differs: what is not on it goes from ours, what is new comes in."""
        first = (number - 1) * self._size
        before, behind = self._ids[:first], self._ids[first:]
        is_last = number >= self._pages
        end = self._rank(ids[-1]) if ids and not is_last else None
        there = set(ids)
        self.gone |= {one for one in behind if one not in there and (end is None or self._rank(one) <= end)}
        self.gone -= there
        later = [] if end is None else [one for one in behind if self._rank(one) > end]
        self._ids = [*before, *ids, *later]

    def _rank(self, one: int) -> int:
        return self._sign * one

    def _end(self, is_clear: bool) -> None:
        self.is_done, self.is_clear = True, is_clear
