"""Reading a list of Syncro's page by page while people work on it, so that no row is lost.

Rows move between pages: a new one at the head pushes others down (they come twice, which is harmless), a deleted one lets
others move up, past the page that is read next. So a first look tells how many rows there are; when the last page is read as
many of them must have been seen. Else a search finds the pages that differ from what was seen (`search.py`) where the list
has an order, and where it has none it is read again. Where the total falls in between, the reading steps back.
Page sizes differ from list to list, and only `meta` tells; where it says nothing, a list ends with a page of nothing new.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import Error, Refused, Unreachable
from ..service.reading import ListPage
from ..tables import TABLES
from .asking import Fetch
from .columns import Unkept, instant, microseconds
from .search import Search

if TYPE_CHECKING:
    from .sync import Pull

MOST_PASSES = 3  # of a list that is never still
MOST_SKIPPED = 3  # pages that fail for good; then the reading stops
A_MINUTE = timedelta(minutes=1)


class Listing:
    """A list, a page after the other. `take` gives the next request, `absorb` or `fail` what came of it."""

    is_kept = False  # where it stands is kept, and it goes on there after an interruption

    def __init__(self, pull: Pull, name: str, query: Mapping[str, Any] | None = None, stream: str = "") -> None:
        self.pull, self.name, self.query = pull, name, dict(query or {})
        self.stream = stream or name
        self.state = pull.writer.state(self.stream)
        self.is_done = False
        self.number = 1  # of the page that is asked for next
        self.pages: int | None = None
        self.seen: set[int] = set()
        self.without_id = 0  # rows of the last page
        self.lacks_ids = False
        self._is_busy = False
        self._ordering = _Ordering()

    @property
    def left(self) -> int:
        """How many requests it will still take, as far as one can know."""
        if self.is_done:
            return 0
        pages = self.pages or self.state.get("pages") or 1
        return max(1, pages - self.number + 1)

    def take(self) -> Fetch | None:
        """The next request; None while one is under way, and when it is done."""
        if self.is_done or self._is_busy:
            return None
        self._is_busy = True
        client, name, number, query = self.pull.client, self.name, self.number, self.query
        return lambda: client.list_page(name, number, query)

    def absorb(self, page: ListPage) -> None:
        """Take a page in, and commit it with the place behind it."""
        self._is_busy = False
        ids = self._keep(page)
        self.turn(page, ids)
        self.pull.writer.commit()

    def fail(self, error: Error) -> None:
        """A page could not be read."""
        self._is_busy = False
        self.stop(str(error), isinstance(error, Refused))

    def stop(self, reason: str, is_refused: bool = False) -> None:
        """End without having read everything."""
        self.is_done = True
        self.pull.writer.keep(self.stream, reason=reason, refused=is_refused)
        self.pull.writer.commit()

    def turn(self, page: ListPage, ids: list[int]) -> None:
        """Go on to the next page, or finish."""
        before = len(self.seen)
        self.seen.update(ids)
        self.pages = page.pages
        is_last = self.number >= page.pages if page.pages is not None else len(self.seen) == before
        if is_last or self.is_enough(page, ids):
            self.finish()
        else:
            self.number += 1

    def is_enough(self, page: ListPage, ids: list[int]) -> bool:
        """Whether nothing of interest comes after this page."""
        return False

    def finish(self) -> None:
        """The last page was read."""
        self.is_done = True

    def _keep(self, page: ListPage) -> list[int]:
        """Put the rows of a page; gives their ids, those of rows that are not kept as well."""
        self.pull.note_unreadable(self.name, page.unreadable, self.number if self.is_kept else None)
        for record in page.records:
            try:
                self.pull.keep(self.name, record, page.flaws.get(record.id, ()))
            except Unkept as error:
                self.pull.note_unreadable(self.name, [(record.id, str(error))])
        ids = list(page.ids)
        self.without_id = page.rows - len(ids)
        self.lacks_ids |= self.without_id > 0
        self._ordering.look(ids)
        return ids


class FullPass(Listing):
    """A whole list, from the first page to the last; goes on where it stopped. Rows that have gone from it are suspected."""

    is_kept = True

    def __init__(self, pull: Pull, name: str, query: Mapping[str, Any] | None = None, *, anew: bool = False) -> None:
        super().__init__(pull, name, query)
        kept = None if anew else self.state.get("pass")
        self._is_resumed = bool(kept)
        self._search: Search | None = None
        self._known: set[int] | None = None  # what we held when the reading began
        self._is_odd = bool(self.state.get("odd"))  # its `meta` counts something else than its rows
        if kept:
            self.at = dict(kept) | {
                "skipped": [],
                "earlier": sorted({*kept["skipped"], *kept["earlier"]}),
                "rest": False,
            }
            self.seen = pull.store.seen(self.stream)
            self.number, self.pages = self.at["next"], self.at["pages"]
            self._ordering = _Ordering(kept.get("order", ""))
            if kept["phase"] == "search":
                self._begin_search()
            elif kept.get("ended"):  # its other rows have been kept up to date since, and they are counted afterwards
                self.at |= {"rest": True, "total": None, "next": self.at["earlier"][0]}
                self.number = self.at["next"]
        else:
            self._begin(1)

    def _begin(self, tries: int) -> None:
        self.at = {
            "started": 0,
            "phase": "first",
            "next": 1,
            "pages": None,
            "tries": tries,
            "later": 0,  # rows that were made after the count, by their time ...
            "higher": 0,  # ... and by their ids, where these are in an order
            "skipped": [],
            "earlier": [],
        }
        self.seen, self.number, self._ordering, self._is_resumed = set(), 1, _Ordering(), False

    @property
    def rows_left(self) -> int:
        """How many rows the pages have that were not read yet, as far as one can know."""
        return max(0, (self.at["pages"] or 0) - self.number + 1) * int(self.at.get("size") or 0)

    def take(self) -> Fetch | None:
        if self._known is None:
            self._known = self.pull.writer.index(self.name).keys()
        fetch = super().take()
        if fetch is not None and not self.at["started"]:
            self.at["started"] = microseconds(self.pull.now())
            self.pull.unread(self.name).forget_without_id()
            self.pull.writer.batch.unseen.add(self.stream)
        return fetch

    def turn(self, page: ListPage, ids: list[int]) -> None:
        """Page 1 tells how many rows there are, or else the last page, which is then looked at first; then all of them."""
        phases = {"first": self._first, "peek": self._peek, "read": self._read, "search": self._look}
        if page.pages and self.number < page.pages:  # not the last
            self.at["smallest"] = min(self.at.get("smallest", page.rows), page.rows)
        phases[self.at["phase"]](page, ids)
        at = self.at
        if not self.is_done:
            self.number = at["next"]
            self.pages = at["pages"]
            at["size"] = max(at.get("size", 0), page.rows)
            at["order"] = self._ordering.word
            self.pull.writer.keep(self.stream, **{"pass": at})

    def _first(self, page: ListPage, ids: list[int]) -> None:
        at = self.at
        at |= {"pages": page.pages, "entries": page.entries, "size": page.rows, "newest": max(ids, default=0)}
        at["counted_at"] = microseconds(self.pull.now())
        if page.pages is not None and page.pages > 1 and (page.entries is None or self._is_odd):
            at |= {"phase": "peek", "next": page.pages}
            return
        at |= {
            "phase": "read",
            "total": page.rows if page.pages == 1 else page.entries,
            "counted": page.pages not in (None, 1),
        }
        self._read(page, ids)

    def _peek(self, page: ListPage, ids: list[int]) -> None:
        at = self.at
        if page.pages is not None and page.pages != self.number and at.setdefault("looks", 0) < MOST_PASSES:
            at |= {"next": page.pages, "pages": page.pages, "looks": at["looks"] + 1}
            return
        at["total"] = (self.number - 1) * at["size"] + page.rows
        at["counted_at"] = microseconds(self.pull.now())
        at |= {"phase": "read", "next": 1, "newest": max([at["newest"], *ids])}

    def _read(self, page: ListPage, ids: list[int]) -> None:
        at, before = self.at, len(self.seen)
        new = set(ids) - self.seen
        at["later"] += sum(_is_after(record, at["counted_at"]) for record in page.records if record.id in new)
        at["higher"] += sum(one > at["newest"] for one in new)
        self.seen.update(ids)
        self.pull.writer.batch.seen.setdefault(self.stream, []).extend(ids)
        if at.get("total") is not None:
            at["total"] -= self.without_id
        back = self._steps_back(page) if at.setdefault("backs", 0) <= (page.pages or 0) else 0
        at["backs"] += bool(back)  # a count that wavers without end would never let it arrive
        at |= {"pages": page.pages, "entries": page.entries}
        if at.get("rest"):
            self._look_beside(page, bool(new))
            is_last = not at["earlier"]
        elif page.pages is not None and self.number >= page.pages:
            if at.get("counted") and not self._is_odd and page.entries != (self.number - 1) * at["size"] + page.rows:
                self._is_odd = True  # from now on the pages themselves are counted
                self.pull.writer.keep(self.stream, odd=True)
                return self._begin(at["tries"])
            is_last = not back
        else:
            is_last = page.pages is None and len(self.seen) == before
        if is_last:
            return self.finish()
        at["next"] = at["earlier"][0] if at.get("rest") else max(1, self.number - back) if back else self.number + 1

    def _look_beside(self, page: ListPage, is_news: bool) -> None:
        """Rows of a page that failed have moved to the pages beside it since: these are looked at until one has nothing new."""
        at, number = self.at, self.number
        looked = at.setdefault("looked", [])
        looked.append(number)
        at["earlier"].remove(number)
        if is_news or not page.rows:
            beside = {number - 1, number + 1} & set(range(1, (page.pages or 0) + 1))
            at["earlier"] += sorted(beside - {*looked, *at["earlier"]})

    def _steps_back(self, page: ListPage) -> int:
        """How many pages the rows behind this one have moved up since the last page."""
        at = self.at
        then, now = at.get("entries"), page.entries
        if then is not None and now is not None and now < then:
            return int(-(-(then - now) // max(1, at["size"])))
        if at["pages"] is not None and page.pages is not None and page.pages < at["pages"]:
            return int(at["pages"]) - page.pages
        return 0

    def fail(self, error: Error) -> None:
        """A page that fails for good is left out for now; the next sync begins with it."""
        self._is_busy = False
        at, number = self.at, self.number
        can_skip = at["phase"] == "read" and at["pages"] and len(at["skipped"]) < MOST_SKIPPED
        if isinstance(error, Refused) or not can_skip or self.pull.asking.is_over:
            return self.stop(str(error), isinstance(error, Refused))
        at["skipped"].append(number)
        self.pull.writer.keep(self.stream, reason=f"page {number} of {at['pages']} could not be read: {error}")
        if at.get("rest"):
            at["earlier"].remove(number)
            at["next"] = at["earlier"][0] if at["earlier"] else at["pages"] + 1
        else:
            at["next"] = number + 1
        self.number = at["next"]
        if self.number > at["pages"]:
            self.finish()
        if not self.is_done:
            self.pull.writer.keep(self.stream, **{"pass": at})
        self.pull.writer.commit()

    def finish(self) -> None:
        """Complete, if as many rows were seen as there were at the beginning; else the missing ones are looked for."""
        at = self.at
        if at["earlier"] and not at.get("rest"):  # pages that failed in an earlier sync
            at |= {"rest": True, "next": at["earlier"][0]}
            self.number = at["next"]
            return None
        if at["skipped"]:
            return self._end_with_gaps()
        knows_newest = self._ordering.is_falling or (self._ordering.is_rising and not at.get("counted"))
        young = at["higher"] if knows_newest else at["later"]
        missing = (at.get("total") or 0) - (len(self.seen) - young)
        if missing <= 0:
            return self._end()
        if self._ordering.word and at["pages"] and not self.lacks_ids and at["tries"] < MOST_PASSES:
            at |= {"phase": "search", "tries": at["tries"] + 1}
            return self._begin_search()
        return self._once_more(f"; up to {missing} may be missing")

    def _once_more(self, said: str = "") -> None:
        if self.at["tries"] < MOST_PASSES:
            return self._begin(self.at["tries"] + 1)
        self.pull.writer.keep(self.stream, **{"pass": None})
        return self.stop(f"its rows kept moving while it was read{said}; the next sync reads it again")

    def _begin_search(self) -> None:
        at = self.at
        self._search = Search(self.seen, self._ordering.is_falling, at["size"], at["pages"])
        self.number = at["next"] = self._search.number

    def _look(self, page: ListPage, ids: list[int]) -> None:
        """A page that is compared with what was seen."""
        search = self._search
        assert search is not None
        search.look(ids, page.rows, page.pages)
        new = [one for one in ids if one not in self.seen]
        self.seen.update(new)
        self.pull.writer.batch.seen.setdefault(self.stream, []).extend(new)
        self.at["pages"] = page.pages
        if search.is_clear and len(self.seen - search.gone) <= self.at.get("smallest", 0) * ((page.pages or 1) - 1):
            self._once_more("; its pages had the same rows")
        elif search.is_clear:
            self.seen -= search.gone
            self.pull.found_by_order[self.name] = search.gone
            self._end()
        elif search.is_done:
            self._once_more()
        else:
            self.at["next"] = search.number

    def _end(self) -> None:
        """Every row was seen: what we have beside these is suspected."""
        self.is_done = True
        self.pull.writer.keep(
            self.stream,
            **{"pass": None},
            **self._habits(),
            complete=True,
            **self._moments(),
            reason="",
            refused=False,
        )
        self.pull.writer.batch.unseen.add(self.stream)
        self.pull.writer.batch.seen.pop(self.stream, None)
        if not self.at.get("ended"):
            self.pull.suspect(self.name, (self._known or set()) - self.seen)
            self.pull.unread(self.name).keep(self.seen)

    def _end_with_gaps(self) -> None:
        """Pages that fail for good were left out; whatever changes elsewhere is read from now on as if there were none."""
        at = self.at
        self.is_done = True
        at["next"] = at["pages"] + 1
        at["ended"] = True
        self.pull.writer.keep(self.stream, **{"pass": at}, **self._moments(), **self._habits())

    def _moments(self) -> dict[str, Any]:
        """What has been read since by other ways is not forgotten."""
        started = self.at["started"]
        if not self._is_resumed:
            self.pull.read_through.add(self.name)
        latest = {name: max(started, self.state.get(name) or 0) for name in ("as_of", "cursor")}
        return {**latest, "whole_at": started}

    def _habits(self) -> dict[str, Any]:
        at = self.at
        return {
            "pages": at["pages"] or self.number,
            "size": at["size"],
            "order": self._ordering.word,
            "counted": at["pages"] is not None,
        }


class Changed(Listing):
    """The rows that changed since an instant. `is_ignored`: the account answers with everything."""

    def __init__(self, pull: Pull, name: str, since: datetime) -> None:
        super().__init__(pull, name, {"since_updated_at": since})
        self.since = since
        self.is_ignored = False
        self._begin(1)

    def _begin(self, tries: int) -> None:
        self.tries, self.number, self.pages = tries, 1, None
        self.started: datetime | None = None
        self.total: int | None = None
        self.size = self.looks = 0
        self.still: set[int] = set()
        self.seen = set()

    @property
    def left(self) -> int:
        return 0 if self.is_done else max(1, (self.pages or 1) - self.number + 1)

    def take(self) -> Fetch | None:
        fetch = super().take()
        if fetch is not None and self.started is None:
            self.started = self.pull.now()
        return fetch

    def turn(self, page: ListPage, ids: list[int]) -> None:
        """One page is one look; of more, the last is looked at first, to know how many rows there are."""
        assert self.started is not None
        if any(record.updated_at is None or record.updated_at < self.since - A_MINUTE for record in page.records):
            self.is_ignored = self.is_done = True
            self.pull.writer.keep(self.stream, ignored=True)
            return
        self.pages = page.pages
        if self.total is None and page.pages is not None and page.pages > 1 and self.looks <= MOST_PASSES:
            self.looks += 1
            if self.number == page.pages and self.size:
                self.total, self.number = (self.number - 1) * self.size + page.rows, 1
            else:
                self.size, self.number = max(self.size, page.rows), page.pages
            if self.looks > MOST_PASSES:
                self.number = 1  # what it says of its pages never agrees: read on until one has nothing new
            return
        before = len(self.seen)
        self.seen.update(ids)
        latest = self.pull.now() + A_MINUTE  # what is later was changed before the account's clock was set back
        moving = {one.id for one in page.records if one.updated_at and self.started <= one.updated_at <= latest}
        self.still |= set(ids) - moving
        if self.total is not None:
            self.total -= self.without_id
        is_sure = page.pages is not None and (self.total is not None or self.looks <= MOST_PASSES)
        if self.number >= (page.pages or 0) if is_sure else len(self.seen) == before:
            self.finish()
        else:
            self.number += 1

    def finish(self) -> None:
        """Complete, unless rows moved away under it; then once more, and at last again in the next sync."""
        assert self.started is not None
        if self.total is not None and len(self.still) < self.total:
            if self.tries < MOST_PASSES:
                return self._begin(self.tries + 1)
            return self.stop("rows kept moving while what had changed was read; the next sync reads it again")
        self.is_done = True
        moment = microseconds(self.started)
        self.pull.writer.keep(self.stream, cursor=moment, as_of=moment, reason="", refused=False)


class Head(Listing):
    """The newest rows of a list that has no filter: page after page, until one holds only rows that were made by then.

    They stand on the first page, or where the ids rise from row to row on the last one.
    """

    def __init__(self, pull: Pull, name: str, since: datetime) -> None:
        super().__init__(pull, name)
        self.since = since
        self.started: datetime | None = None
        self._is_rising = self.state.get("order") == "rising"
        self.number = (self.state.get("pages") or 1) if self._is_rising else 1

    @property
    def left(self) -> int:
        return 0 if self.is_done else 1

    def take(self) -> Fetch | None:
        fetch = super().take()
        if fetch is not None and self.started is None:
            self.started = self.pull.now()
        return fetch

    def turn(self, page: ListPage, ids: list[int]) -> None:
        """On to the older ones; where these stand in front, from the page that is really the last."""
        if not self._is_rising:
            return super().turn(page, ids)
        is_further = page.pages is not None and page.pages > max(self.number, self.pages or 0)
        self.pages = page.pages
        if is_further and page.pages is not None:
            self.number = page.pages
        elif self.number == 1 or self.is_enough(page, ids):
            self.finish()
        else:
            self.number -= 1
        return None

    def is_enough(self, page: ListPage, ids: list[int]) -> bool:
        return bool(page.records) and all(one.created_at and one.created_at <= self.since for one in page.records)

    def finish(self) -> None:
        super().finish()
        assert self.started is not None
        moment = microseconds(self.started)
        kept = {"as_of": moment, "cursor": moment, "reason": "", "refused": False}
        self.pull.writer.keep(self.stream, **kept, pages=self.pages or self.state.get("pages") or 1)


class Recent(Listing):
    """The timers that were created after an instant, which may have changed since; those that are missing are suspected."""

    def __init__(self, pull: Pull, since: datetime) -> None:
        super().__init__(pull, "timers", {"created_at_gt": since})
        self.since = since
        self.started: datetime | None = None

    @property
    def left(self) -> int:
        return 0 if self.is_done else max(1, (self.pages or 1) - self.number + 1)

    def take(self) -> Fetch | None:
        fetch = super().take()
        if fetch is not None and self.started is None:
            self.started = self.pull.now()
        return fetch

    def is_enough(self, page: ListPage, ids: list[int]) -> bool:
        """Where the filter is ignored: a page on which everything is older."""
        older = [one.created_at is not None and one.created_at <= self.since for one in page.records]
        return bool(older) and all(older)

    def finish(self) -> None:
        super().finish()
        assert self.started is not None
        after = microseconds(self.since + timedelta(seconds=2))
        known = self.pull.store.values("timers", ["timer_id", "created_at"])
        index = self.pull.writer.index("timers")
        missing = {
            key for key, at in known if at and at > after and key not in self.seen and index.get(key) is not None
        }
        self.pull.suspect("timers", missing)
        self.pull.writer.keep(self.stream, as_of=microseconds(self.started), reason="", refused=False)


class Tail(Listing):
    """The lines of invoices that were made after an instant, from the end of their list where new ones are.

    Read towards the older ones: what is deleted meanwhile then moves rows to pages that are still to come.
    """

    def __init__(self, pull: Pull, query: Mapping[str, Any], since: datetime) -> None:
        super().__init__(pull, "invoice_lines", query)
        self.since = since
        self.started: datetime | None = None
        self.sums: dict[int, int] = {}  # cents of the lines that were read, by invoice
        self._is_rising = self.state.get("order") == "rising"
        self._is_found = not self._is_rising
        self._looks = 0
        self.number = (self.state.get("pages") or 1) if self._is_rising else 1
        self._counted: set[int] = set()

    def take(self) -> Fetch | None:
        fetch = super().take()
        if fetch is not None and self.started is None:
            self.started = self.pull.now()
        return fetch

    def turn(self, page: ListPage, ids: list[int]) -> None:
        """To the end of the list first, then back."""
        if page.pages is None or any(record.created_at is None for record in page.records):
            return self.finish()
        if not self._is_found and page.pages != self.number:
            self.number, self._looks = page.pages, self._looks + 1
            return self.fail(Unreachable("its count wavers")) if self._looks > MOST_PASSES else None
        self._is_found = True
        amount = TABLES["invoice_lines"].columns["amount_cents"].take
        assert amount is not None
        for record in page.records:
            if record.id not in self._counted and record.invoice_id is not None:
                self._counted.add(record.id)
                self.sums[record.invoice_id] = self.sums.get(record.invoice_id, 0) + amount(record)
        is_behind = bool(page.records) and all(record.created_at < self.since for record in page.records)
        self.number += -1 if self._is_rising else 1
        if is_behind or not 1 <= self.number <= page.pages:
            self.finish()
        self.pull.writer.keep(self.stream, pages=page.pages)
        return None

    def fail(self, error: Error) -> None:
        """They are read with their invoices."""
        self._is_busy, self.is_done, self.sums = False, True, {}


class Recount(Listing):
    """How many rows a list has, from its last page. Where that is not what we hold, the rows that differ are searched for.

    `is_unclear`: they were not found in this way, and the list is to be read through.
    """

    def __init__(self, pull: Pull, name: str, query: Mapping[str, Any] | None = None) -> None:
        super().__init__(pull, name, query)
        size = self.state.get("size") or 1
        index = pull.writer.index(name)
        self._unread = {key for key in pull.unread(name).ids if index.get(key) is None}
        self._held = len(index) + len(self._unread) + len(pull.unread(name)) - len(pull.unread(name).ids)
        self.number = max(1, -(-self._held // size))
        self.is_unclear = False
        self._looks = 0
        self._search: Search | None = None

    @property
    def left(self) -> int:
        return 0 if self.is_done else 1

    def turn(self, page: ListPage, ids: list[int]) -> None:
        """Count, or look at the page that is really the last; then compare."""
        if page.pages is None:
            return self._end(is_unclear=True)
        if self._search is not None:
            return self._look(page, ids)
        if page.pages != self.number:
            self.number, self._looks = page.pages, self._looks + 1
            if self._looks > MOST_PASSES:
                self._end(is_unclear=True)
            return None
        size = self.state.get("size") or page.rows
        if (page.pages - 1) * size + page.rows == self._held:
            return self._end()
        order = self.state.get("order")
        if not order:
            return self._end(is_unclear=True)
        ours = self.pull.writer.index(self.name).keys() | self._unread
        self._search = Search(ours, order == "falling", size, page.pages)
        return self._look(page, ids)

    def _look(self, page: ListPage, ids: list[int]) -> None:
        search = self._search
        assert search is not None
        search.look(ids, page.rows, page.pages, self.number)
        self.number = search.number
        if search.is_done:
            self.pull.found_by_order[self.name] = search.gone
            self.pull.suspect(self.name, search.gone)
            self._end(is_unclear=not search.is_clear)

    def _end(self, is_unclear: bool = False) -> None:
        self.is_done, self.is_unclear = True, is_unclear

    def fail(self, error: Error) -> None:
        """It stays unknown."""
        self._is_busy, self.is_done = False, True


class Users:
    """The technicians: pairs in one answer."""

    name = "users"

    def __init__(self, pull: Pull) -> None:
        self.pull, self.is_done, self._is_busy = pull, False, False

    @property
    def left(self) -> int:
        return 0 if self.is_done else 1

    def take(self) -> Fetch | None:
        if self.is_done or self._is_busy:
            return None
        self._is_busy = True
        return self.pull.client.users

    def absorb(self, users: tuple[Any, ...]) -> None:
        self.is_done = True
        writer = self.pull.writer
        for user in users:
            writer.put("users", user)
        writer.drop("users", writer.index("users").keys() - {user.id for user in users})
        now = microseconds(self.pull.now())
        writer.keep("users", complete=True, as_of=now, pages=1, reason="", refused=False)
        writer.commit()

    def fail(self, error: Error) -> None:
        self.is_done = True
        self.pull.writer.keep("users", reason=str(error), refused=isinstance(error, Refused))
        self.pull.writer.commit()


def _is_after(record: Any, moment: int) -> bool:
    created_at = getattr(record, "created_at", None)
    return created_at is not None and microseconds(created_at) > moment


class _Ordering:
    """Whether the ids of a list rise or fall from row to row."""

    def __init__(self, word: str = "falling or rising") -> None:
        self.is_falling, self.is_rising = "falling" in word, "rising" in word

    def look(self, ids: list[int]) -> None:
        pairs = list(itertools.pairwise(ids))
        self.is_falling &= all(one > other for one, other in pairs)
        self.is_rising &= all(one < other for one, other in pairs)

    @property
    def word(self) -> str:
        """What is known of it; empty: neither."""
        return "falling" if self.is_falling else "rising" if self.is_rising else ""


def moment_of(value: int | None) -> datetime | None:
    """An instant as a state keeps it."""
    return None if not value else instant(value)
