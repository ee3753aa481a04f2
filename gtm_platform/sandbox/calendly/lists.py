"""Calendly's lists: their filters, their order, and the token of the next page, the place of the last row."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from starlette.requests import Request

from gtm_platform.sandbox.calendly.access import invalid
from gtm_platform.sandbox.calendly.render import HOST, instant
from gtm_platform.sandbox.kit.errors import path_of
from gtm_platform.sandbox.kit.filters import ParameterFilter, compared, equals
from gtm_platform.sandbox.kit.paging import CursorPaging, Page, PageSize
from gtm_platform.sandbox.kit.walks import Walks

R = TypeVar("R")
PAGING = CursorPaging(PageSize(default=20, largest=100, parameter="count"), "page_token")

EVENT_FILTERS: Mapping[str, ParameterFilter] = {
    "status": equals(lambda event: event.status),
    "min_start_time": compared("GTE", lambda event: event.start),
    "max_start_time": compared("LTE", lambda event: event.start),
    "invitee_email": lambda _, text: (
        lambda event: any(invitee.email.lower() == text.lower() for invitee in event.invitees)
    ),
}
INVITEE_FILTERS: Mapping[str, ParameterFilter] = {
    "status": equals(lambda invitee: invitee.status),
    "email": lambda _, text: lambda invitee: invitee.email.lower() == text.lower(),
}


def collection(
    request: Request,
    walks: Walks,
    rows: Iterable[R],
    render: Callable[[R], dict[str, Any]],
    ordered_by: str,
    instant_of: Callable[[R], datetime],
    uuid_of: Callable[[R], str],
) -> dict[str, Any]:
    """A page of rows in the order that `sort` says; they are read only where none are kept."""
    sent = request.query_params
    field, _, direction = sent.get("sort", f"{ordered_by}:asc").partition(":")
    if field != ordered_by or direction not in ("asc", "desc"):
        raise invalid("sort")

    def place(row: R) -> list[str]:
        return [instant(instant_of(row)), uuid_of(row)]

    page = walks.sorted_page(PAGING, request, rows, place, descending=direction == "desc")
    return {"collection": [render(row) for row in page.rows], "pagination": _pagination(request, page)}


def _pagination(request: Request, page: Page[R]) -> dict[str, Any]:
    token = page.next
    following = request.url.include_query_params(page_token=token) if token else None
    return {
        "count": len(page.rows),
        "next_page": f"{HOST}{path_of(request)}?{following.query}" if following else None,
        "previous_page": None,
        "next_page_token": token,
        "previous_page_token": None,
    }
