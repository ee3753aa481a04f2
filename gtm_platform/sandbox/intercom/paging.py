"""Pages behind a cursor that names the last row seen, so that rows may come, go and move while a client pages; and
numbered pages, where Intercom has those.
"""

import base64
import binascii
import heapq
import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar

from gtm_platform.sandbox.intercom.errors import invalid
from gtm_platform.sandbox.intercom.wire import Shape


class Dated(Protocol):
    id: str
    created: datetime


R = TypeVar("R")
D = TypeVar("D", bound=Dated)
Key = tuple[datetime, str]

FIRST = datetime.min.replace(tzinfo=UTC)
_id = attrgetter("id")


def by_creation(record: Dated) -> Key:
    return record.created, record.id


LARGEST_PAGE = 150


@dataclass(frozen=True)
class Cursor:
    """The last row seen, and the page and the total that were told with the page after it."""

    after: Key
    page: int
    total: int

    def __str__(self) -> str:
        moment, identifier = self.after
        written = json.dumps([moment.isoformat(), identifier, self.page, self.total])
        return base64.urlsafe_b64encode(written.encode()).decode()

    @staticmethod
    def of(written: str) -> "Cursor":
        try:
            moment, identifier, page, total = json.loads(base64.urlsafe_b64decode(written))
            return Cursor((datetime.fromisoformat(moment), str(identifier)), int(page), int(total))
        except (binascii.Error, ValueError, TypeError):
            raise invalid("starting_after is not a cursor of this list", "starting_after") from None


@dataclass(frozen=True)
class Asked:
    per_page: int
    cursor: Cursor | None

    @property
    def page(self) -> int:
        return self.cursor.page if self.cursor else 1


def asked(given: Mapping[str, Any], per_page: int) -> Asked:
    after = given.get("starting_after")
    return Asked(whole(given, "per_page", per_page, LARGEST_PAGE), Cursor.of(str(after)) if after else None)


def whole(given: Mapping[str, Any], name: str, default: int, most: int) -> int:
    try:
        value = int(given.get(name) or default)
    except (TypeError, ValueError):
        raise invalid(f"{name} must be an integer", name) from None
    if not 1 <= value <= most:
        raise invalid(f"{name} must be between 1 and {most}", name)
    return value


@dataclass(frozen=True)
class Page(Generic[R]):
    rows: list[R]
    pages: Shape
    total: int


def newest_first(ordered: Sequence[D], shown: Callable[[D], bool], asked: Asked) -> Page[D]:
    """A page of what is shown of rows that are ordered by creation."""
    end = bisect_left(ordered, asked.cursor.after, key=by_creation) if asked.cursor else len(ordered)
    total = asked.cursor.total if asked.cursor else sum(map(shown, ordered))
    rows: list[D] = []
    while end and len(rows) <= asked.per_page:
        end -= 1
        if shown(ordered[end]):
            rows.append(ordered[end])
    return _page(rows, by_creation, asked, total)


def sorted_by(moment: Callable[[D], datetime | None], rows: list[D], ascending: bool, asked: Asked) -> Page[D]:
    """A page of the rows when only this page of them needs to be sorted. Rows without a moment come before the first
    one."""
    moments = [found or FIRST for found in map(moment, rows)]
    keyed: Iterable[tuple[datetime, str, D]] = zip(moments, map(_id, rows), rows, strict=True)
    if asked.cursor:
        after = asked.cursor.after
        keyed = (row for row in keyed if (row[:2] > after if ascending else row[:2] < after))
    pick = heapq.nsmallest if ascending else heapq.nlargest
    picked = [row for _, _, row in pick(asked.per_page + 1, keyed)]
    return _page(picked, lambda row: (moment(row) or FIRST, row.id), asked, len(rows))


def _page(rows: list[D], key: Callable[[D], Key], asked: Asked, total: int) -> Page[D]:
    shown = rows[: asked.per_page]
    pages = _pages(asked.page, asked.per_page, total)
    if len(rows) > asked.per_page:
        cursor = Cursor(key(shown[-1]), asked.page + 1, total)
        pages["next"] = {"page": cursor.page, "starting_after": str(cursor)}
    return Page(shown, pages, total)


def numbered(rows: Sequence[R], given: Mapping[str, Any], per_page: int, most: int | None = None) -> Page[R]:
    """A page by its number, as a parameter or inside a cursor; `most` rows can be reached at all."""
    size = whole(given, "per_page", per_page, LARGEST_PAGE)
    number = _number(given)
    reachable = rows[:most]
    pages = _pages(number, size, len(reachable)) | {"next": None}
    if number * size < len(reachable):
        cursor = base64.urlsafe_b64encode(str(number + 1).encode()).decode()
        pages["next"] = {"page": number + 1, "starting_after": cursor}
    return Page(list(reachable[(number - 1) * size : number * size]), pages, len(rows))


def _number(given: Mapping[str, Any]) -> int:
    if "starting_after" not in given:
        return whole(given, "page", 1, 10**6)
    try:
        return int(base64.urlsafe_b64decode(given["starting_after"]))
    except (binascii.Error, ValueError):
        raise invalid("starting_after is not a cursor of this list", "starting_after") from None


def _pages(number: int, per_page: int, total: int) -> Shape:
    return {"type": "pages", "page": number, "per_page": per_page, "total_pages": ceil(total / per_page)}
