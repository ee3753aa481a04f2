"""How a list goes on: one small object per stream, declared, never guessed. Each yields the pages, with their bodies.

`ask` gets the parameters to send, so the same object serves a query string and the body of a search.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from gtm_platform.http.errors import CursorLoop
from gtm_platform.http.pages import Page, get_path, get_path_or_none, rows
from gtm_platform.http.redaction import excerpt

Ask = Callable[[dict[str, Any]], bytes]
# Reads the page at an address, the first one for None: its body and its headers.
AskAddress = Callable[[str | None], tuple[bytes, Mapping[str, str]]]
NEXT_LINK = re.compile(r"""<([^>]*)>[^,<]*;\s*rel="?next"?(?=[;,\s]|$)""", re.IGNORECASE)
EMPTY_PAGES = 10
REPEATS = 3  # how often in a row the page before may come once more


class Listed(NamedTuple):
    """A page, and the whole answer that it was cut from."""

    page: Page
    body: bytes


class Paging(Protocol):
    """A way in which a list goes on."""

    def walk(self, ask: Ask, first: Mapping[str, Any]) -> Iterator[Listed]:
        """Yield page after page, the first for these parameters."""
        ...


@dataclass(frozen=True)
class CursorPaging:
    """The next cursor lies in the body at `next_at`; missing, null or "" is the end.

    Where a flag at `more_at` says whether there is more, the cursor of the last page means nothing.
    """

    next_at: tuple[str, ...] = ("pages", "next", "starting_after")
    send_as: str = "starting_after"
    rows: str = "data"
    more_at: tuple[str, ...] = ()

    def walk(self, ask: Ask, first: Mapping[str, Any]) -> Iterator[Listed]:
        """Yield page after page, the first for these parameters."""
        return _walk(ask, first, self.send_as, self.rows, self._next, ".".join(self.next_at))

    def _next(self, listed: Listed) -> Any:
        if not self.more_at:
            return get_path(listed.body, *self.next_at)
        if not get_path(listed.body, *self.more_at):
            return None
        if not (cursor := get_path(listed.body, *self.next_at)):
            flag, where = ".".join(self.more_at), ".".join(self.next_at)
            raise CursorLoop("", f"The answer says {flag} but names no cursor at {where} to go on from.")
        return cursor


@dataclass(frozen=True)
class LastIdPaging:
    """Paging by the id of the last row, as long as the flag at `has_more` is set (Stripe's way)."""

    rows: str = "data"
    has_more: tuple[str, ...] = ("has_more",)
    send_as: str = "starting_after"
    id: str = "id"

    def walk(self, ask: Ask, first: Mapping[str, Any]) -> Iterator[Listed]:
        """Yield page after page, the first for these parameters."""
        return _walk(ask, first, self.send_as, self.rows, self._next, f"the last id of {self.rows}")

    def _next(self, listed: Listed) -> Any:
        if not get_path(listed.body, *self.has_more):
            return None
        if not listed.page:
            flag = ".".join(self.has_more)
            raise CursorLoop("", f"The answer says {flag} but holds no rows, so there is no id to go on from.")
        # A last row that is not what it should be is set aside by its reader; it is no reason to stop.
        if not (ids := [key for raw in listed.page if (key := get_path_or_none(raw, self.id))]):
            raise CursorLoop("", f"No row of '{self.rows}' has an id, so there is nothing to go on from.")
        return ids[-1]


@dataclass(frozen=True)
class LinkPaging:
    """The address of the next page lies in the body at `next_at`; without that, in the header Link."""

    rows: str = "data"
    next_at: tuple[str, ...] = ()

    def walk(self, ask: AskAddress) -> Iterator[Listed]:
        """Yield page after page."""
        newest: list[Mapping[str, str]] = []

        def body_at(params: Mapping[str, Any]) -> bytes:
            body, headers = ask(params.get("address"))
            newest[:] = [headers]
            return body

        where = ".".join(self.next_at) or "the header Link"
        return _walk(body_at, {}, "address", self.rows, lambda listed: self._next(listed, newest[0]), where)

    def _next(self, listed: Listed, headers: Mapping[str, str]) -> Any:
        if self.next_at:
            return get_path(listed.body, *self.next_at)
        match = NEXT_LINK.search(headers.get("link", ""))
        return match[1] if match else None


def _walk(
    ask: Ask, first: Mapping[str, Any], send_as: str, rows_at: str, following: Callable[[Listed], Any], where: str
) -> Iterator[Listed]:
    seen: set[str | int] = set()
    params, empty, repeats = dict(first), 0, 0
    while True:
        body = ask(params)
        yield (listed := Listed(rows(body, rows_at), body))
        cursor = following(listed)
        if cursor is None or cursor == "":
            return
        if not isinstance(cursor, str | int):
            raise CursorLoop("", f"The cursor at {where} is a {type(cursor).__name__}, not a text or a number.")
        empty = 0 if listed.page else empty + 1
        if empty > EMPTY_PAGES:
            raise CursorLoop("", f"More than {EMPTY_PAGES} pages in a row are empty, yet {where} says there are more.")
        # A page that ends where it was asked to begin is the page before once more: the right one is asked for again.
        repeats = repeats + 1 if cursor == params.get(send_as) else 0
        if repeats > REPEATS or (cursor in seen and not repeats):
            raise CursorLoop("", f"Paging does not advance: the cursor '{excerpt(str(cursor))}' at {where} came twice.")
        seen.add(cursor)
        params = {**first, send_as: cursor}
