"""The five ways in which systems page: a cursor, the last id, a page number, an offset, a scroll.

Each is a value that reads its parameters, from a query or a body, and answers a `Page`; how a page is written is the
system's own. A cursor and a last id hold on to a place in the list, so rows may come and go while a client pages; a
page number and an offset do not.
"""

import base64
import binascii
import json
import operator
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from time import monotonic
from typing import Any, Generic, TypeVar

from gtm_platform.sandbox.kit.errors import BadParameterError

# The query parameters by which a call asks for a further page than the first.
NEXT_PAGE_PARAMETERS = ("after", "starting_after", "cursor", "page_token", "scroll_param", "offset", "page")

R = TypeVar("R")
Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Page(Generic[R]):
    """The rows of one page, and what the client sends for the next one; None on the last page.

    `total` is how many rows all pages have, where that is known.
    """

    rows: list[R]
    next: Any = None
    total: int = field(default=0, compare=False)


@dataclass(frozen=True)
class PageSize:
    """How many rows a client may have at once."""

    default: int
    largest: int
    parameter: str = "limit"

    def read(self, parameters: Parameters) -> int:
        """The size that was sent, which has to be a whole number from 1 to the largest."""
        size = whole_number(parameters, self.parameter, self.default)
        if not 1 <= size <= self.largest:
            raise BadParameterError(self.parameter, f"The {self.parameter} must be from 1 to {self.largest}.")
        return size


def whole_number(parameters: Parameters, name: str, default: int) -> int:
    """A parameter that is a whole number from 0 on."""
    value = parameters.get(name)
    text = str(default if value in (None, "") else value)
    if not text.isdigit():
        raise BadParameterError(name, f"The {name} must be a whole number, not {text}.")
    return int(text)


def first_rows(rows: Iterable[R], size: int) -> tuple[list[R], bool]:
    """The first rows, and whether there are more."""
    read = list(islice(rows, size + 1))
    return read[:size], len(read) > size


# --- a cursor ------------------------------------------------------------------------------------------------------


def encode_cursor(position: Any) -> str:
    """A position in a list (JSON), in a form that invites nobody to compute it."""
    text = json.dumps(position, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(text: str, parameter: str) -> Any:
    """The position behind a cursor."""
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError) as error:
        raise BadParameterError(parameter, f"The paging cursor '{text}' is invalid.") from error


@dataclass(frozen=True)
class Placed(Generic[R]):
    """Rows in the order of their places, or in the opposite one."""

    rows: list[R]
    places: list[Any]
    descending: bool

    @classmethod
    def of(cls, rows: Iterable[R], place: Callable[[R], Any], *, descending: bool = False) -> "Placed[R]":
        """Put rows in any order into that of their places."""
        placed = [(place(row), row) for row in rows]
        placed.sort(key=itemgetter(0), reverse=descending)
        return cls([row for _, row in placed], [at for at, _ in placed], descending)

    def start(self, after: Any) -> int:
        """Where the rows after a place begin."""
        passed = operator.lt if self.descending else operator.gt
        return bisect_left(self.places, True, key=lambda at: passed(at, after))


@dataclass(frozen=True)
class CursorPaging:
    """Paging by an opaque cursor that holds the place of the last row in the order of the list."""

    size: PageSize
    parameter: str = "after"

    def position(self, parameters: Parameters) -> Any:
        """The place after which the page begins, None for the first page."""
        text = parameters.get(self.parameter)
        return decode_cursor(str(text), self.parameter) if text else None

    def page(self, rows: Iterable[R], parameters: Parameters, place: Callable[[R], Any]) -> Page[R]:
        """A page of rows that are in the order of their places."""
        after = self.position(parameters)
        following = rows if after is None else (row for row in rows if place(row) > after)
        return self.first_page(following, parameters, place)

    def sorted_page(
        self, rows: Iterable[R], parameters: Parameters, place: Callable[[R], Any], *, descending: bool = False
    ) -> Page[R]:
        """A page of rows in any order, which are put into that of their places, or into the opposite one."""
        return self.placed_page(Placed.of(rows, place, descending=descending), parameters)

    def placed_page(self, placed: "Placed[R]", parameters: Parameters) -> Page[R]:
        """A page of rows that are in their order already."""
        after = self.position(parameters)
        start, size = 0 if after is None else placed.start(after), self.size.read(parameters)
        rows = placed.rows[start : start + size]
        more = len(placed.rows) > start + size
        following = encode_cursor(placed.places[start + size - 1]) if more else None
        return Page(rows, following, len(placed.rows))

    def first_page(self, following: Iterable[R], parameters: Parameters, place: Callable[[R], Any]) -> Page[R]:
        """A page of rows that already begin after the position, for lists which can find that quickly."""
        rows, more = first_rows(following, self.size.read(parameters))
        return Page(rows, encode_cursor(place(rows[-1])) if more else None)


# --- the last id ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Identified(Generic[R]):
    """Rows, and where each id stands among them."""

    rows: Sequence[R]
    identifier: Callable[[R], str]
    places: Mapping[str, int]

    @classmethod
    def of(cls, rows: Sequence[R], identifier: Callable[[R], str]) -> "Identified[R]":
        """Find the place of each id."""
        return cls(rows, identifier, {identifier(row): place for place, row in enumerate(rows)})


@dataclass(frozen=True)
class LastIdPaging:
    """The id of the last row that the client has, or of the first one to go back from."""

    size: PageSize
    after: str = "starting_after"
    before: str = "ending_before"

    def page(self, rows: Sequence[R], parameters: Parameters, identifier: Callable[[R], str]) -> Page[R]:
        """A page in the direction asked for; `next` is an id, the last one forwards and the first one backwards."""
        return self.identified_page(Identified.of(rows, identifier), parameters)

    def identified_page(self, identified: "Identified[R]", parameters: Parameters) -> Page[R]:
        """The same of rows whose places are known by their ids already."""
        rows, places, size = identified.rows, identified.places, self.size.read(parameters)
        if self.before in parameters:
            end = _place_of(places, parameters, self.before)
            page = list(rows[max(0, end - size) : end])
            return Page(page, identified.identifier(page[0]) if end > size else None)
        start = _place_of(places, parameters, self.after) + 1 if self.after in parameters else 0
        page, more = first_rows(rows[start : start + size + 1], size)
        return Page(page, identified.identifier(page[-1]) if more else None)


def _place_of(places: Mapping[str, int], parameters: Parameters, name: str) -> int:
    identifier = str(parameters[name])
    if identifier not in places:
        raise BadParameterError(name, f"No row has the id {identifier}.")
    return places[identifier]


# --- a page number, an offset --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NumberPaging:
    """Pages by number, as far as `reachable` rows; `next` is the next page's number."""

    size: PageSize
    parameter: str = "page"
    first: int = 1
    reachable: int | None = None

    def page(self, rows: Sequence[R], parameters: Parameters) -> Page[R]:
        """One page; a number past the end is an empty page."""
        number, size = whole_number(parameters, self.parameter, self.first), self.size.read(parameters)
        if number < self.first:
            raise BadParameterError(self.parameter, f"The {self.parameter} must be at least {self.first}.")
        start = (number - self.first) * size
        end = min(start + size, self.reachable or len(rows))
        following = number + 1 if end < min(len(rows), self.reachable or len(rows)) else None
        return Page(list(rows[start:end]), following, len(rows))


@dataclass(frozen=True)
class OffsetPaging:
    """Paging by the number of rows to skip, refused beyond `reachable`; `next` is an offset."""

    size: PageSize
    parameter: str = "offset"
    reachable: int | None = None

    def page(self, rows: Sequence[R], parameters: Parameters) -> Page[R]:
        """One page; an offset past the end is an empty page."""
        start, size = whole_number(parameters, self.parameter, 0), self.size.read(parameters)
        if self.reachable is not None and start >= self.reachable:
            raise BadParameterError(self.parameter, f"paging is limited to the first {self.reachable} results.")
        end = start + size if self.reachable is None else min(start + size, self.reachable)
        return Page(list(rows[start:end]), end if end < len(rows) else None)


# --- a scroll ------------------------------------------------------------------------------------------------------


@dataclass
class ScrollPaging(Generic[R]):
    """A walk through a snapshot, one at a time, that expires when idle; `next` is its id until it ends."""

    size: int
    idle: float  # seconds
    parameter: str = "scroll_param"
    now: Callable[[], float] = monotonic
    _rows: list[R] = field(default_factory=list)
    _number: int = 0
    _deadline: float = float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether a walk is under way, so that another one has to wait."""
        return self.now() < self._deadline

    def page(self, rows: Iterable[R], parameters: Parameters) -> Page[R]:
        """The first page of a new walk, or the next one of the walk whose id was sent; an empty page ends it."""
        identifier = parameters.get(self.parameter)
        if identifier is None:
            if self.is_open:
                raise BadParameterError(self.parameter, "A scroll is already open.")
            self._rows, self._number = list(rows), self._number + 1
        elif not self.is_open or identifier != self._identifier:
            raise BadParameterError(self.parameter, "The scroll is unknown or has expired.")
        page, self._rows = self._rows[: self.size], self._rows[self.size :]
        self._deadline = self.now() + self.idle if page else float("-inf")
        return Page(page, self._identifier if page else None)

    @property
    def _identifier(self) -> str:
        return encode_cursor(["scroll", self._number])
