"""Lists in pages, by cursors and, where Intercom has those, by numbers.

A cursor tells where the page before it ended, not how many rows it had, so a row that is updated while a client pages
does not shift the rest.
"""

import heapq
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar

from gtm_platform.sandbox.intercom.errors import invalid
from gtm_platform.sandbox.intercom.wire import Shape
from gtm_platform.sandbox.kit.paging import PageSize, decode_cursor, encode_cursor, whole_number

MAX_PAGE = 150
FIRST = datetime.min.replace(tzinfo=UTC)

_AFTER = "starting_after"


class Dated(Protocol):
    """A record with a place in the order of creation."""

    id: str
    created: datetime


R = TypeVar("R")
D = TypeVar("D", bound=Dated)
Key = tuple[datetime, str]

_id = attrgetter("id")


def by_creation(record: Dated) -> Key:
    """The order of the plain lists."""
    return record.created, record.id


@dataclass(frozen=True)
class Cursor:
    """The last row of a page, and the number and the total that go with the page after it."""

    after: Key
    page: int
    total: int

    def __str__(self) -> str:
        moment, identifier = self.after
        return encode_cursor([moment.isoformat(), identifier, self.page, self.total])

    @staticmethod
    def parse(text: str) -> "Cursor":
        """Read what a client sent back."""
        try:
            moment, identifier, page, total = decode_cursor(text, _AFTER)
            return Cursor((datetime.fromisoformat(moment), str(identifier)), int(page), int(total))
        except (ValueError, TypeError):
            raise invalid("starting_after is not a cursor of this list", _AFTER) from None


@dataclass(frozen=True)
class PageRequest:
    """How many rows a client wants, and after which."""

    per_page: int
    cursor: Cursor | None

    @property
    def page(self) -> int:
        """The number of the page."""
        return self.cursor.page if self.cursor else 1


def page_request(parameters: Mapping[str, Any], per_page: int) -> PageRequest:
    """Read the parameters of a list that pages by cursors."""
    after = parameters.get(_AFTER)
    return PageRequest(_per_page(parameters, per_page), Cursor.parse(str(after)) if after else None)


def _per_page(parameters: Mapping[str, Any], default: int) -> int:
    return PageSize(default, MAX_PAGE, "per_page").read(parameters)


@dataclass(frozen=True)
class Page(Generic[R]):
    """The rows of a page, the object `pages` of the answer, and how many rows the whole list has."""

    rows: list[R]
    pages: Shape
    total: int


def newest_first(ordered: Sequence[D], shown: Callable[[D], bool], request: PageRequest) -> Page[D]:
    """A page of the visible ones of rows that are ordered by creation."""
    end = bisect_left(ordered, request.cursor.after, key=by_creation) if request.cursor else len(ordered)
    total = request.cursor.total if request.cursor else sum(map(shown, ordered))
    rows: list[D] = []
    while end and len(rows) <= request.per_page:
        end -= 1
        if shown(ordered[end]):
            rows.append(ordered[end])
    return _page(rows, by_creation, request, total)


def sorted_by(moment: Callable[[D], datetime | None], rows: list[D], ascending: bool, request: PageRequest) -> Page[D]:
    """A page of rows, of which no more are sorted than the page holds.

    Rows without a moment come before the first one.
    """
    moments = [value or FIRST for value in map(moment, rows)]
    keyed: Iterable[tuple[datetime, str, D]] = zip(moments, map(_id, rows), rows, strict=True)
    if request.cursor:
        after = request.cursor.after
        keyed = (row for row in keyed if (row[:2] > after if ascending else row[:2] < after))
    pick = heapq.nsmallest if ascending else heapq.nlargest
    picked = [row for _, _, row in pick(request.per_page + 1, keyed)]
    return _page(picked, lambda row: (moment(row) or FIRST, row.id), request, len(rows))


def _page(rows: list[D], key: Callable[[D], Key], request: PageRequest, total: int) -> Page[D]:
    shown = rows[: request.per_page]
    pages = _pages(request.page, request.per_page, total)
    if len(rows) > request.per_page:
        cursor = Cursor(key(shown[-1]), request.page + 1, total)
        pages["next"] = {"page": cursor.page, _AFTER: str(cursor)}
    return Page(shown, pages, total)


def numbered(rows: Sequence[R], parameters: Mapping[str, Any], per_page: int, most: int | None = None) -> Page[R]:
    """A page by its number, as a parameter or inside a cursor; `most` rows can be reached at all."""
    size, number = _per_page(parameters, per_page), _number(parameters)
    reachable = rows[:most]
    pages = _pages(number, size, len(reachable)) | {"next": None}
    if number * size < len(reachable):
        pages["next"] = {"page": number + 1, _AFTER: encode_cursor(number + 1)}
    return Page(list(reachable[(number - 1) * size : number * size]), pages, len(rows))


def _number(parameters: Mapping[str, Any]) -> int:
    after = parameters.get(_AFTER)
    number = decode_cursor(str(after), _AFTER) if after else whole_number(parameters, "page", 1)
    if not isinstance(number, int) or number < 1:
        raise invalid("page must be at least 1", _AFTER if after else "page")
    return number


def _pages(number: int, per_page: int, total: int) -> Shape:
    return {"type": "pages", "page": number, "per_page": per_page, "total_pages": ceil(total / per_page)}
