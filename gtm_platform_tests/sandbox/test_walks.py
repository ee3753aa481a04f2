"""Pages of a walk cost what their rows cost, and say what they would say if each of them read the whole list."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from gtm_platform.sandbox.kit.cached import AsOfNow
from gtm_platform.sandbox.kit.paging import CursorPaging, Page, PageSize, encode_cursor
from gtm_platform.sandbox.kit.walks import MOST_KEPT, Walks
from gtm_platform.sandbox.kit.write_log import discard

START = datetime(2026, 3, 10, 9, 20, tzinfo=UTC)
PAGING = CursorPaging(PageSize(default=3, largest=10))


@dataclass
class Shelf:
    """A list of numbers that counts how often it is read."""

    numbers: list[int] = field(default_factory=lambda: list(range(10)))
    now: datetime = START
    readings: int = 0

    def __post_init__(self) -> None:
        self.walks = Walks(lambda: self.now)

    def read(self) -> Iterator[int]:
        self.readings += 1
        yield from self.numbers

    def page(self, query: str = "", *, descending: bool = False) -> Page[int]:
        request = Request({"type": "http", "path": "/numbers", "query_string": query.encode(), "headers": []})
        return self.walks.sorted_page(PAGING, request, self.read(), int, descending=descending)


def test_a_walk_reads_the_list_once_and_another_walk_again() -> None:
    shelf = Shelf()
    for readings in (1, 2):
        page = shelf.page()
        numbers = page.rows
        while page.next:
            page = shelf.page(f"after={page.next}")
            numbers = numbers + page.rows
        assert (numbers, shelf.readings) == (list(range(10)), readings)


def test_a_first_page_shows_what_came_since() -> None:
    shelf = Shelf()
    shelf.page()
    shelf.numbers.insert(0, -1)
    assert shelf.page().rows == [-1, 0, 1]


def test_a_following_page_shows_what_was_written_or_came_with_time() -> None:
    for forget in (lambda shelf: shelf.walks.forgetting(discard)({"do": "put"}), _later):
        shelf = Shelf()
        following = shelf.page().next
        shelf.numbers.remove(4)
        forget(shelf)
        assert shelf.page(f"after={following}").rows == [3, 5, 6]


def _later(shelf: Shelf) -> None:
    shelf.now += timedelta(seconds=1)


def test_other_filters_are_another_list() -> None:
    shelf = Shelf()
    following = shelf.page("odd=no").next
    shelf.page(f"odd=no&after={following}")
    assert shelf.readings == 1
    shelf.page(f"odd=yes&after={following}")
    assert shelf.readings == 2


def test_only_the_walks_that_were_used_last_are_kept() -> None:
    shelf = Shelf()
    following = [shelf.page(f"list={number}").next for number in range(MOST_KEPT + 1)]
    shelf.page(f"list={MOST_KEPT}&after={following[-1]}")
    assert shelf.readings == MOST_KEPT + 1
    shelf.page(f"list=0&after={following[0]}")
    assert shelf.readings == MOST_KEPT + 2


def test_short_lists_push_no_walk_out() -> None:
    shelf = Shelf()
    following = shelf.page().next
    for number in range(MOST_KEPT + 1):
        shelf.page(f"limit=10&list={number}")
    readings = shelf.readings
    assert shelf.page(f"after={following}").rows == [3, 4, 5]
    assert shelf.readings == readings


@given(st.lists(st.integers(0, 30), unique=True), st.integers(-1, 31), st.booleans())
def test_a_page_begins_after_its_place_whatever_came_or_went(numbers: list[int], after: int, descending: bool) -> None:
    page = Shelf(numbers).page(f"after={encode_cursor(after)}", descending=descending)
    left = [number for number in numbers if (number < after if descending else number > after)]
    assert page.rows == sorted(left, reverse=descending)[:3]
    assert (page.next is not None) == (len(left) > 3)


def test_a_value_as_of_now_is_made_once_for_each_time() -> None:
    shelf = Shelf()
    value = AsOfNow(lambda: shelf.now, lambda now: [now])
    first = value()
    assert value() is first
    _later(shelf)
    assert value() == [START + timedelta(seconds=1)]
