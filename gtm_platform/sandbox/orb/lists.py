"""Orb's lists: newest first, with an opaque cursor, filtered by instants in brackets and by repeated parameters."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from starlette.datastructures import QueryParams
from starlette.requests import Request

from gtm_platform.sandbox.kit.filters import COMPARISONS, parse_instant
from gtm_platform.sandbox.kit.paging import CursorPaging, PageSize
from gtm_platform.sandbox.kit.walks import Walks
from gtm_platform.sandbox.orb.access import invalid

R = TypeVar("R")
PAGING = CursorPaging(PageSize(default=20, largest=100), "cursor")


def page(
    request: Request,
    walks: Walks,
    rows: Iterable[R],
    render: Callable[[R], dict[str, Any]],
    instant_of: Callable[[R], datetime],
    id_of: Callable[[R], str],
) -> dict[str, Any]:
    """A page of rows, the newest first; they are read only where none are kept."""

    def place(row: R) -> list[str]:
        return [instant_of(row).isoformat(), id_of(row)]

    shown = walks.sorted_page(PAGING, request, rows, place, descending=True)
    return {
        "data": [render(row) for row in shown.rows],
        "pagination_metadata": {"has_more": shown.next is not None, "next_cursor": shown.next},
    }


def several(sent: QueryParams, name: str) -> set[str]:
    """The values of a parameter that may be repeated, with or without brackets."""
    return {*sent.getlist(f"{name}[]"), *sent.getlist(name)}


def among(sent: QueryParams, name: str, value: str | None) -> bool:
    """Whether a value is one of those asked for, if any are."""
    values = several(sent, name)
    return not values or value in values


def choices(sent: QueryParams, name: str, allowed: Iterable[str]) -> set[str]:
    """The values asked for, each of which has to be one of those that there are."""
    values = several(sent, name)
    if wrong := values - set(allowed):
        raise invalid(name, f"{min(wrong)} is not one of {', '.join(allowed)}.")
    return values


def within(sent: QueryParams, name: str, value: datetime) -> bool:
    """Whether an instant lies within `name[gt]`, `name[gte]`, `name[lt]` and `name[lte]`."""
    for key, text in sent.items():
        if not key.startswith(f"{name}["):
            continue
        comparison, bound = COMPARISONS.get(key[len(name) + 1 : -1].upper()), parse_instant(text)
        if comparison is None or bound is None:
            raise invalid(key, f"{text} is no instant to compare with.")
        if not comparison(value, bound):
            return False
    return True
