"""Ways in which declared lists go on that no other source needs: by page number, by offset, or not at all."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gtm_platform.http.errors import CursorLoop
from gtm_platform.http.pages import get_path, rows
from gtm_platform.http.pagination import Ask, CursorPaging, LastIdPaging, Listed, Paging
from gtm_platform.ingest.declared.schema import PagingDeclaration

NEXT_CURSOR = "next_cursor"


@dataclass(frozen=True)
class CountedPaging:
    """Paging by a number that grows: of pages by 1, of records by those of the page.

    A page without records ends it. Where a flag at `more_at` says whether there is more, it ends there.
    """

    send_as: str
    first: int
    rows: str
    by_records: bool = False
    more_at: tuple[str, ...] = ()

    def walk(self, ask: Ask, first: Mapping[str, Any]) -> Iterator[Listed]:
        """Yield page after page, the first for these parameters."""
        number, before = self.first, None
        while True:
            body = ask({**first, self.send_as: number})
            listed = Listed(rows(body, self.rows), body)
            if listed.page and listed.page == before:
                raise CursorLoop("", f"Paging does not advance: {self.send_as} {number} brings the page before again.")
            yield listed
            if not listed.page or (self.more_at and not get_path(body, *self.more_at)):
                return
            number, before = number + (len(listed.page) if self.by_records else 1), listed.page


@dataclass(frozen=True)
class SinglePage:
    """A list that comes whole."""

    rows: str

    def walk(self, ask: Ask, first: Mapping[str, Any]) -> Iterator[Listed]:
        """Yield the one page."""
        body = ask(dict(first))
        yield Listed(rows(body, self.rows), body)


def paging_of(declared: PagingDeclaration, rows_at: str) -> Paging:
    """Return how a declared list goes on."""
    more = tuple(declared.more_at.split(".")) if declared.more_at else ()
    if declared.by == "cursor":
        return CursorPaging(tuple((declared.next_at or NEXT_CURSOR).split(".")), declared.send_as, rows_at, more)
    if declared.by == "last_id":
        return LastIdPaging(rows_at, more, declared.send_as)
    if declared.by == "page":
        return CountedPaging(declared.send_as, declared.first, rows_at, more_at=more)
    if declared.by == "offset":
        return CountedPaging(declared.send_as, 0, rows_at, by_records=True, more_at=more)
    return SinglePage(rows_at)
