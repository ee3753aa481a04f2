"""What lists are paged from: made for each first page, and kept for the pages that follow it.

It is made anew once the clock has moved or something was written, so that rows come and go while a client pages.
"""

from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from starlette.requests import Request

from gtm_platform.sandbox.kit.paging import NEXT_PAGE_PARAMETERS, CursorPaging, Page, Placed
from gtm_platform.sandbox.kit.write_log import Persist, Write

MOST_KEPT = 8  # walks of one system at a time
_FIRST = (None, "", "0", "1")  # values of those parameters with which a page may be the first one

W = TypeVar("W")
R = TypeVar("R")


class Walks:
    """The walks through the lists of one system that are under way."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._now: datetime | None = None
        self._kept: dict[Hashable, Any] = {}  # the one that was used last at the end

    def sorted_page(
        self,
        paging: CursorPaging,
        request: Request,
        rows: Iterable[R],
        place: Callable[[R], Any],
        *more: Hashable,
        descending: bool = False,
    ) -> Page[R]:
        """A page of rows in any order; they are read, and put into the order of their places, only if none are kept.

        Beside the path and the query, `more` says what the rows depend on.
        """

        def make() -> Placed[R]:
            return Placed.of(rows, place, descending=descending)

        def turn(placed: Placed[R]) -> Page[R]:
            return paging.placed_page(placed, request.query_params)

        return self.page(request, make, turn, *more)

    def page(self, request: Request, make: Callable[[], W], turn: Callable[[W], Page[R]], *more: Hashable) -> Page[R]:
        """A page that is turned to in a list, which is made only if it is not kept."""
        sent = request.query_params
        follows = any(sent.get(name) not in _FIRST for name in NEXT_PAGE_PARAMETERS)
        filters = tuple(sorted(each for each in sent.multi_items() if each[0] not in NEXT_PAGE_PARAMETERS))
        return self.page_of((request.url.path, filters, *more), follows, make, turn)

    def page_of(self, key: Hashable, follows: bool, make: Callable[[], W], turn: Callable[[W], Page[R]]) -> Page[R]:
        """A page of the list that a key stands for; `follows` says that it is not the first one."""
        if (now := self._clock()) != self._now:
            self.forget()
            self._now = now
        kept = self._kept.pop(key, None)
        walk: W = kept if follows and kept is not None else make()
        page = turn(walk)
        if page.next is not None:
            self._kept[key] = walk
            if len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return page

    def forget(self) -> None:
        """Make everything anew from here on."""
        self._kept.clear()

    def forgetting(self, persist: Persist) -> Persist:
        """Persist a write, and forget what was made before it."""

        def after_write(write: Write) -> None:
            self.forget()
            persist(write)

        return after_write
