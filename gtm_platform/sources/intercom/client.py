"""How Intercom is reached (key, pinned version, rate limit) and how it lists: in pages, by search, by scroll.

Which lists a stream reads stands in `streams`.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
from pydantic import SecretStr

from gtm_platform.accounts import AccountIdentity
from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.errors import BadRequest, CursorLoop, InvalidResponse, NotFound, RetriesExhausted, Unavailable
from gtm_platform.http.pages import Page, expect_list, get_path, rows
from gtm_platform.http.pagination import REPEATS, CursorPaging, Listed
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.intercom.settings import IntercomSettings as Settings

# 10,000 calls a minute are allowed to an app, counted in slices of 10 seconds. What is left of a slice is room for
# calls that are held up on their way more than others. Older accounts have a tenth of that, which each answer says.
CALLS, SLICE = (1_660, 10.2), 10.0
LARGEST_PAGE = 150
# A list may come up short without an error. People come and go while it is read, but not this share of them.
MAX_MISSING_SHARE = 0.05
# One scroll may be open at a time; one that nobody reads from dies after a minute.
SCROLL_TTL = 60.0
SCROLLS = 3


@dataclass(frozen=True)
class Intercom:
    """One workspace for one run. `api_without_retries` is for what must be begun afresh instead."""

    api: Api
    api_without_retries: Api

    def listed(self, path: str, at: str = "data") -> Iterator[Page]:
        """Read a list page by page."""

        def ask(params: Mapping[str, Any]) -> bytes:
            return self.api.get(path, params, check=expect_list(at))

        return _expect_complete(CursorPaging(rows=at).walk(ask, {"per_page": LARGEST_PAGE}), path)

    def linked(self, path: str) -> Iterator[Page]:
        """Read a list whose pages name the address of the next one; of that only the parameters are taken."""

        def ask(params: Mapping[str, Any]) -> bytes:
            return self.api.get(path, httpx.URL(params.get("link", "")).params.multi_items(), check=expect_list())

        return _expect_complete(CursorPaging(next_at=("pages", "next"), send_as="link").walk(ask, {}), path)

    def changed(self, path: str, since: datetime, at: str = "data") -> Iterator[Page]:
        """Search for what changed since a moment."""
        query = {"field": "updated_at", "operator": ">", "value": int(since.timestamp()) - 1}
        sort = {"field": "updated_at", "order": "ascending"}

        def ask(pagination: Mapping[str, Any]) -> bytes:
            search = {"query": {"operator": "AND", "value": [query]}, "sort": sort, "pagination": pagination}
            return self.api.post(path, search, check=expect_list(at))

        for page, _ in CursorPaging(rows=at).walk(ask, {"per_page": LARGEST_PAGE}):
            yield page

    def changed_total(self, path: str, after: int, before: int) -> int:
        """Return how many records a search counts that changed between two seconds."""
        bounds = ((">", after), ("<", before))
        value = [{"field": "updated_at", "operator": operator, "value": moment} for operator, moment in bounds]
        search = {"query": {"operator": "AND", "value": value}, "pagination": {"per_page": 1}}
        return int(get_path(self.api.post(path, search), "total_count"))

    @cached_property
    def timezone(self) -> ZoneInfo | None:
        """The workspace's zone, in whose days contacts are searched; None where it is no zone that is known here."""
        try:
            return ZoneInfo(str(get_path(self.api.get("/me"), "app", "timezone")))
        except (ZoneInfoNotFoundError, ValueError):
            return None

    def single_page(self, path: str, at: str = "data") -> Page:
        """Read a list that comes in one piece."""
        return rows(self.api.get(path, check=expect_list(at)), at)

    def scrolled(self, path: str) -> Iterator[Page]:
        """Read by scroll. One that fails cannot be resumed, only begun again; what came twice is kept once."""
        for left in reversed(range(SCROLLS)):
            try:
                yield from self._scroll(path)
                return
            except (BadRequest, NotFound, RetriesExhausted):
                if not left:
                    raise

    def _scroll(self, path: str) -> Iterator[Page]:
        body = self.api.retry.call(lambda: self._begin(path))
        seen: Counter[bytes] = Counter()
        while page := rows(body):
            yield page
            seen[digest := hashlib.sha256(b"".join(page)).digest()] += 1
            if seen[digest] > 1 + REPEATS:
                raise CursorLoop("Intercom", f"The scroll through {path} does not advance: a page keeps coming back.")
            params = {"scroll_param": get_path(body, "scroll_param")}
            body = self.api_without_retries.get(path, params, check=expect_list())

    def _begin(self, path: str) -> bytes:
        try:
            return self.api_without_retries.get(path, check=expect_list())
        except BadRequest as failure:
            message = f"Another scroll through Intercom's companies seems to be open. {failure.message}"
            raise Unavailable("Intercom", message, status=failure.status, retry_after=SCROLL_TTL) from failure


def _expect_complete(listed: Iterator[Listed], path: str) -> Iterator[Page]:
    """Yield the pages, and fail where fewer records came than the list says there are.

    A page that comes twice makes up for none that did not come.
    """
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
    """Open the workspace of the environment for one run."""
    limiter, no_retries = RateLimiter.within(*CALLS), RetryPolicy(budget=0)
    with _api(settings, limiter, RetryPolicy()) as api, _api(settings, limiter, no_retries) as api_without_retries:
        yield Intercom(api, api_without_retries)


def _api(settings: Settings, limiter: RateLimiter, retry: RetryPolicy) -> Api:
    return Api(
        "Intercom",
        settings.intercom_base_url,
        auth=BearerAuth(settings.intercom_access_token or SecretStr("")),
        headers={"Intercom-Version": settings.intercom_api_version, "Accept": "application/json"},
        rate_limiters=limiter,
        retry=retry,
        keys=("INTERCOM_ACCESS_TOKEN",),
        read_limits=allowance,
    )


def allowance(headers: Mapping[str, str]) -> tuple[int, float] | None:
    """Return how many calls are left of this slice, and for how long; None where an answer does not say."""
    left, ends = headers.get("x-ratelimit-remaining", ""), headers.get("x-ratelimit-reset", "")
    if not (left.isdecimal() and ends.isdecimal()):
        return None
    return int(left), min(max(int(ends) - time.time(), 0.0), SLICE)


def identity(intercom: Intercom) -> AccountIdentity:
    """Ask which workspace the key opens."""
    me = intercom.api.get("/me")
    workspace, name = get_path(me, "app", "id_code"), get_path(me, "app", "name")
    return AccountIdentity("intercom", str(workspace), f"Intercom workspace {workspace} ({name})")


def check(intercom: Intercom) -> str:
    """Make one cheap call and return which workspace the key opens."""
    me = intercom.api.get("/me")
    workspace = {name: get_path(me, "app", name) for name in ("id_code", "region", "timezone")}
    return f"workspace {workspace['id_code']}, region {workspace['region']}, days in {workspace['timezone']}"
