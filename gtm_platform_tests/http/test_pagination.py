import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtm_platform.http.errors import CursorLoop
from gtm_platform.http.pagination import CursorPaging, LastIdPaging, Paging

Ask = Callable[[dict[str, Any]], bytes]
HUBSPOT = CursorPaging(next_at=("paging", "next", "after"), send_as="after", rows="results")


def truth(count: int) -> list[dict[str, str]]:
    return [{"id": f"thing_{number}"} for number in range(count)]


def by_cursor(things: list[dict[str, str]], size: int) -> Ask:
    def ask(params: dict[str, Any]) -> bytes:
        begin = int(params.get("after", 0))
        page: dict[str, Any] = {"results": things[begin : begin + size]}
        if begin + size < len(things):
            page["paging"] = {"next": {"after": str(begin + size)}}
        return json.dumps(page).encode()

    return ask


def by_last_id(things: list[dict[str, str]], size: int) -> Ask:
    def ask(params: dict[str, Any]) -> bytes:
        last = params.get("starting_after")
        begin = 1 + next((at for at, thing in enumerate(things) if thing["id"] == last), -1)
        page = {"data": things[begin : begin + size], "has_more": begin + size < len(things)}
        return json.dumps(page).encode()

    return ask


def ids(paging: Paging, ask: Ask) -> list[str]:
    return [json.loads(row)["id"] for page, _ in paging.walk(ask, {"limit": 3}) for row in page]


@given(count=st.integers(0, 40), size=st.integers(1, 7))
def test_the_union_of_pages_is_everything_once_and_in_order(count: int, size: int) -> None:
    things = truth(count)
    expected = [thing["id"] for thing in things]
    assert ids(HUBSPOT, by_cursor(things, size)) == expected
    assert ids(LastIdPaging(), by_last_id(things, size)) == expected


def scripted(*pages: dict[str, Any]) -> tuple[Ask, list[dict[str, Any]]]:
    requests: list[dict[str, Any]] = []

    def ask(params: dict[str, Any]) -> bytes:
        requests.append(params)
        return json.dumps(pages[min(len(requests), len(pages)) - 1]).encode()

    return ask, requests


def page(after: Any, results: int = 1) -> dict[str, Any]:
    return {"results": truth(results), "paging": {"next": {"after": after}}}


@pytest.mark.parametrize("end", [{}, {"paging": None}, {"paging": {"next": None}}, page(""), page(None)])
def test_a_cursor_that_is_missing_null_or_empty_is_the_end(end: dict[str, Any]) -> None:
    ask, requests = scripted(page("2"), {"results": [], **end})
    list(HUBSPOT.walk(ask, {"limit": 3}))
    assert requests == [{"limit": 3}, {"limit": 3, "after": "2"}]


@pytest.mark.parametrize("cursors", [["a"], ["a", "b", "a"], [7]])
def test_a_cursor_that_comes_back_is_a_loop_and_named(cursors: list[Any]) -> None:
    ask, requests = scripted(*[page(cursor) for cursor in cursors])
    with pytest.raises(CursorLoop, match=f"'{cursors[0]}' at paging.next.after came twice"):
        list(HUBSPOT.walk(ask, {}))
    assert len(requests) <= 5


def test_a_flag_ends_the_list_whatever_cursor_the_last_page_names() -> None:
    flagged = CursorPaging(next_at=("cursor",), send_as="cursor", rows="results", more_at=("has_more",))
    first = {"results": truth(1), "cursor": "a", "has_more": True}
    ask, requests = scripted(first, {"results": truth(1), "cursor": "b", "has_more": False})
    assert len(list(flagged.walk(ask, {}))) == 2
    assert requests == [{}, {"cursor": "a"}]
    ask, _ = scripted({**first, "cursor": None})
    with pytest.raises(CursorLoop, match="has_more but names no cursor at cursor"):
        list(flagged.walk(ask, {}))


def test_empty_pages_without_end_are_a_loop() -> None:
    ask, requests = scripted(*[page(str(number), results=0) for number in range(100)])
    with pytest.raises(CursorLoop, match="More than 10 pages in a row are empty"):
        list(HUBSPOT.walk(ask, {}))
    assert len(requests) == 11


def test_ten_empty_pages_are_borne() -> None:
    ask, _ = scripted(*[page(str(number), results=0) for number in range(10)], page("x"), {"results": []})
    assert len(list(HUBSPOT.walk(ask, {}))) == 12


def test_empty_pages_between_full_ones_are_borne() -> None:
    pages = [page(str(number), results=number % 2) for number in range(40)]
    ask, _ = scripted(*pages, {"results": []})
    assert len(list(HUBSPOT.walk(ask, {}))) == 41


def test_a_cursor_that_is_no_value_is_a_mistaken_declaration() -> None:
    ask, _ = scripted(page({"page": 2}))
    with pytest.raises(CursorLoop, match=r"paging.next.after is a dict"):
        list(HUBSPOT.walk(ask, {}))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"data": [], "has_more": True}, "holds no rows"),
        ({"data": [{"name": "x"}], "has_more": True}, "has an id"),
        ({"data": [{"id": "x"}], "has_more": True}, "'x' at the last id of data came twice"),
    ],
)
def test_last_ids_that_lead_nowhere(answer: dict[str, Any], message: str) -> None:
    with pytest.raises(CursorLoop, match=message):
        list(LastIdPaging().walk(scripted(answer)[0], {}))


def test_pages_are_asked_for_one_at_a_time() -> None:
    ask, requests = scripted(page("1"), page("2"), {"results": []})
    walk = HUBSPOT.walk(ask, {})
    next(walk)
    assert len(requests) == 1
