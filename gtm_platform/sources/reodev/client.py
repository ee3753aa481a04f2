"""How Reo.dev is reached: the key, the rate, and lists by page number. There is no list of all accounts.

So every walk starts at segments. An account is in many of them, and is read once.
"""

import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import SecretStr

from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.errors import BadRequest, CursorLoop, NotFound
from gtm_platform.http.pages import Page, expect_list, get_path, get_path_or_none, rows
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.reodev.settings import ReoSettings as Settings

REPEATS = 3  # how often in a row the page before may come once more
MOST = 10_000  # pages of a list that never ends


class KeyAuth(httpx.Auth):
    """A key that travels in a header of its own."""

    def __init__(self, key: SecretStr) -> None:
        self.secret = BearerAuth(key).secret

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the key into the request's header."""
        request.headers["x-api-key"] = self.secret.get_secret_value()
        yield request


@dataclass
class Reo:
    """One account of Reo.dev for one run; all streams share it, its rate limit and what was listed."""

    api: Api
    segment_ids: tuple[str, ...]
    _segments: Page | None = None
    _accounts: dict[str, bytes] | None = None
    _segments_of: dict[str, list[str]] = field(default_factory=dict, repr=False)
    _developers: dict[str, Page] = field(default_factory=dict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def segments(self) -> Page:
        """Return the segments that are read; the list is whole on its first page."""
        with self._lock:
            if self._segments is None:
                listed = rows(self.api.get("/segments", check=expect_list()))
                chosen = [row for row in listed if not self.segment_ids or _id(row) in self.segment_ids]
                if missing := set(self.segment_ids) - {_id(row) for row in chosen}:
                    raise BadRequest(
                        "Reo.dev", f"Reo.dev has no segment {', '.join(sorted(missing))}: check REODEV_SEGMENT_IDS."
                    )
                self._segments = chosen
            return self._segments

    def accounts(self) -> Mapping[str, bytes]:
        """Return the accounts of all segments, by id."""
        with self._lock:
            if self._accounts is None:
                self._accounts = {}
                for segment in self._of_type("ACCOUNT"):
                    for row in self._rows(f"/segment/{segment}/accounts"):
                        self._accounts.setdefault(_id(row), row)
                        self._segments_of.setdefault(_id(row), []).append(segment)
            return self._accounts

    def segments_of(self, account_id: str) -> Sequence[str]:
        """Return the ids of the segments that an account is in."""
        return sorted(set(self._segments_of.get(account_id, ())))

    def developers(self, account_id: str) -> Page:
        """Return the developers of an account."""
        with self._lock:
            if account_id not in self._developers:
                self._developers[account_id] = list(self._rows(f"/account/{account_id}/developers"))
            return self._developers[account_id]

    def segment_developers(self) -> Iterator[bytes]:
        """Yield the developers of all segments of developers."""
        for segment in self._of_type("DEVELOPER"):
            yield from self._rows(f"/segment/{segment}/developers")

    def activities(self, account_id: str) -> Iterator[Page]:
        """Read what the developers of an account did, the newest first."""
        return self._pages(f"/account/{account_id}/activities")

    def _of_type(self, type_: str) -> list[str]:
        return [_id(row) for row in self.segments() if get_path_or_none(row, "type") == type_]

    def _rows(self, path: str) -> Iterator[bytes]:
        for page in self._pages(path):
            yield from page

    def _pages(self, path: str) -> Iterator[Page]:
        """Read a list page by page. One that does not say whether it goes on ends with an empty page."""
        number, repeats, before = 1, 0, Page()
        while number <= MOST:
            try:
                body = self.api.get(path, {"page": number}, check=expect_list())
            except NotFound:
                if number > 1 or not path.startswith("/account/"):
                    raise
                return  # an account that has just left
            page = rows(body)
            repeats = repeats + 1 if page and page == before else 0
            if repeats and repeats <= REPEATS:
                continue  # the page before once more: the right one is asked for again
            if repeats:
                return  # a list that knows no pages
            yield page
            following, pages = get_path(body, "next_page"), get_path(body, "total_pages")
            if following is None and (pages is not None or not page):
                return
            number, before = number + 1, page
        raise CursorLoop("Reo.dev", f"Reo.dev's list {path} has more than {MOST:,} pages.")


def _id(row: bytes) -> str:
    value: Any = get_path_or_none(row, "id")
    return str(value) if value is not None else ""


@contextmanager
def connect(settings: Settings) -> Iterator[Reo]:
    """Open the account of the key for one run."""
    with Api(
        "Reo.dev",
        settings.reodev_base_url,
        auth=KeyAuth(settings.reodev_api_key or SecretStr("")),
        headers={"Accept": "application/json"},
        rate_limiters=RateLimiter(settings.reodev_max_rps, burst=max(1, int(settings.reodev_max_rps))),
        retry=RetryPolicy(initial_delay=5.0, max_delay=60.0),
        keys=("REODEV_API_KEY",),
    ) as api:
        yield Reo(api, settings.segment_ids)


def check(reo: Reo) -> str:
    """List the segments, and say how many of each type there are."""
    types = [str(get_path_or_none(row, "type")).lower() for row in reo.segments()]
    return f"{types.count('account')} segments of accounts, {types.count('developer')} of developers"
