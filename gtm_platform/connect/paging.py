"""How a list goes on: one small object per stream, declared, never guessed. Each yields the bodies of the pages.

`ask` gets the parameters to send, so the same object serves a query string and the body of a search."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gtm_platform.connect.failures import CursorLoop
from gtm_platform.connect.pages import dig, rows
from gtm_platform.connect.redaction import excerpt

Ask = Callable[[dict[str, Any]], bytes]
EMPTY_PAGES = 10


class Paging(Protocol):
    def walk(self, ask: Ask, first: Mapping[str, Any]) -> Iterator[bytes]: ...


@dataclass(frozen=True)
class CursorPaging:
    """The next cursor lies in the body at `next_at`; missing, null or "" is the end."""

    next_at: tuple[str, ...] = ("pages", "next", "starting_after")
    send_as: str = "starting_after"
    rows: str = "data"

    def walk(self, ask: Ask, first: Mapping[str, Any]) -> Iterator[bytes]:
        return _walk(ask, first, self.send_as, self.rows, self._next, ".".join(self.next_at))

    def _next(self, body: bytes) -> Any:
        return dig(body, *self.next_at)


@dataclass(frozen=True)
class LastIdPaging:
    """The next page begins after the id of the last row, as long as `has_more` is true (Stripe's way)."""

    rows: str = "data"
    has_more: str = "has_more"
    send_as: str = "starting_after"

    def walk(self, ask: Ask, first: Mapping[str, Any]) -> Iterator[bytes]:
        return _walk(ask, first, self.send_as, self.rows, self._next, f"the last id of {self.rows}")

    def _next(self, body: bytes) -> Any:
        if not dig(body, self.has_more):
            return None
        page = rows(body, self.rows)
        if not page:
            raise CursorLoop("", f"The answer says {self.has_more} but holds no rows, so there is no id to go on from.")
        if not (last := dig(page[-1], "id")):
            raise CursorLoop("", f"The last row of '{self.rows}' has no id, so there is nothing to go on from.")
        return last


def _walk(
    ask: Ask, first: Mapping[str, Any], send_as: str, rows_at: str, following: Callable[[bytes], Any], where: str
) -> Iterator[bytes]:
    seen: set[str | int] = set()
    params, empty = dict(first), 0
    while True:
        body = ask(params)
        yield body
        cursor = following(body)
        if cursor is None or cursor == "":
            return
        if not isinstance(cursor, str | int):
            raise CursorLoop("", f"The cursor at {where} is a {type(cursor).__name__}, not a text or a number.")
        empty = 0 if rows(body, rows_at) else empty + 1
        if empty > EMPTY_PAGES:
            raise CursorLoop("", f"More than {EMPTY_PAGES} pages in a row are empty, yet {where} says there are more.")
        if cursor in seen:
            raise CursorLoop("", f"Paging does not advance: the cursor '{excerpt(str(cursor))}' at {where} came twice.")
        seen.add(cursor)
        params = {**first, send_as: cursor}
