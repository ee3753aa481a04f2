"""How Intercom is reached: the key, the pinned version, the pace; and how it lists: in pages, by search, by scroll."""

import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from pydantic import SecretStr

from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.errors import BadRequest, CursorLoop, InvalidResponse, NotFound, RetriesExhausted, Unavailable
from gtm_platform.http.pages import Page, get_path, listing, rows
from gtm_platform.http.pagination import REPEATS, CursorPaging, Listed
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.intercom.settings import IntercomSettings as Settings

# 10,000 calls a minute are allowed to an app, counted in slices of 10 seconds; two fifths are left to others.
RATE = 100.0
SLICE = 10.0
LARGEST_PAGE = 150
# A list may come up short without an error. People come and go while it is read, but not this share of them.
MAX_MISSING_SHARE = 0.05
# One scroll may be open at a time; one that nobody reads from dies after a minute.
SCROLL_TTL = 60.0
SCROLLS = 3


@dataclass(frozen=True)
class Intercom:
    """One workspace for one run. `hasty` is the same without patience: what fails there is begun afresh."""

    api: Api
    api_without_retries: Api

    def listed(self, path: str, at: str = "data") -> Iterator[Page]:
        def ask(asked: Mapping[str, Any]) -> bytes:
            return self.api.get(path, asked, check=listing(at))

        return _whole(CursorPaging(rows=at).walk(ask, {"per_page": LARGEST_PAGE}), path)

    def linked(self, path: str) -> Iterator[Page]:
        """A list whose pages name the address of the next one. What that asks is asked where we are at home."""

        def ask(asked: Mapping[str, Any]) -> bytes:
            return self.api.get(path, httpx.URL(asked.get("link", "")).params.multi_items(), check=listing())

        return _whole(CursorPaging(next_at=("pages", "next"), send_as="link").walk(ask, {}), path)

    def changed(self, path: str, since: datetime, at: str = "data") -> Iterator[Page]:
        query = {"field": "updated_at", "operator": ">", "value": int(since.timestamp()) - 1}
        sort = {"field": "updated_at", "order": "ascending"}

        def ask(pagination: Mapping[str, Any]) -> bytes:
            asked = {"query": {"operator": "AND", "value": [query]}, "sort": sort, "pagination": pagination}
            return self.api.post(path, asked, check=listing(at))

        for page, _ in CursorPaging(rows=at).walk(ask, {"per_page": LARGEST_PAGE}):
            yield page

    def small(self, path: str, at: str = "data") -> Page:
        """A list that comes in one piece."""
        return rows(self.api.get(path, check=listing(at)), at)

    def scrolled(self, path: str) -> Iterator[Page]:
        """A scroll that fails cannot be resumed, only begun again; what came twice is kept once."""
        for left in reversed(range(SCROLLS)):
            try:
                yield from self._scroll(path)
                return
            except (BadRequest, NotFound, RetriesExhausted):
                if not left:
                    raise

    def _scroll(self, path: str) -> Iterator[Page]:
        body = self.api.patience.call(lambda: self._begin(path))
        seen: Counter[bytes] = Counter()
        while page := rows(body):
            yield page
            seen[digest := hashlib.sha256(b"".join(page)).digest()] += 1
            if seen[digest] > 1 + REPEATS:
                raise CursorLoop("Intercom", f"The scroll through {path} does not advance: a page keeps coming back.")
            body = self.api_without_retries.get(path, {"scroll_param": get_path(body, "scroll_param")}, check=listing())

    def _begin(self, path: str) -> bytes:
        try:
            return self.api_without_retries.get(path, check=listing())
        except BadRequest as failure:
            what = f"Another scroll through Intercom's companies seems to be open. {failure.message}"
            raise Unavailable("Intercom", what, status=failure.status, retry_after=SCROLL_TTL) from failure


def _whole(listed: Iterator[Listed], path: str) -> Iterator[Page]:
    """Everything the list says there is. A page that comes twice makes up for none that did not come."""
    seen, total, before = 0, 0, Page()
    for page, body in listed:
        seen, total = seen + (len(page) if page != before else 0), get_path(body, "total_count") or 0
        yield page
        before = page
    if seen < total * (1 - MAX_MISSING_SHARE):
        raise InvalidResponse(
            "Intercom", f"Intercom lists {seen} of {total} records at {path} and then ends. Run again later."
        )


@contextmanager
def connect(settings: Settings) -> Iterator[Intercom]:
    pace = RateLimiter(RATE, burst=int(RATE))
    with _api(settings, pace, RetryPolicy()) as api, _api(settings, pace, RetryPolicy(budget=0)) as api_without_retries:
        yield Intercom(api, api_without_retries)


def _api(settings: Settings, pace: RateLimiter, patience: RetryPolicy) -> Api:
    return Api(
        "Intercom",
        settings.intercom_base_url,
        auth=BearerAuth(settings.intercom_access_token or SecretStr("")),
        headers={"Intercom-Version": settings.intercom_api_version, "Accept": "application/json"},
        paces=pace,
        patience=patience,
        keys=("INTERCOM_ACCESS_TOKEN",),
        learn=allowance,
    )


def allowance(headers: httpx.Headers) -> tuple[int, float] | None:
    """How many calls are left of this slice, and how long it lasts. Some answers do not say: our own pace holds."""
    left, ends = headers.get("x-ratelimit-remaining", ""), headers.get("x-ratelimit-reset", "")
    if not (left.isdecimal() and ends.isdecimal()):
        return None
    return int(left), min(max(int(ends) - time.time(), 0.0), SLICE)


def check(intercom: Intercom) -> str:
    me = intercom.api.get("/me")
    told = {name: get_path(me, "app", name) for name in ("id_code", "region", "timezone")}
    return f"workspace {told['id_code']}, region {told['region']}, days in {told['timezone']}"
