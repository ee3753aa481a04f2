"""How YouTube is reached: the key, the quotas of a day; and its lists.

Searches have a quota of their own, so they only discover: what a channel uploads is read from its playlist, and what
is shown of a video from the video itself, fifty at a time.
"""

import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import httpx
from pydantic import SecretStr

from gtm_platform.http.caller import Response
from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.errors import ApiFailure, NotFound, RateLimited, RetriesExhausted, Unauthorized
from gtm_platform.http.pages import Page, expect_list, get_path_or_none, rows
from gtm_platform.http.pagination import CursorPaging
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.youtube.settings import YouTubeSettings as Settings

LARGEST_PAGE = 50
MOST_PAGES = 10  # a search yields no more than 500 results
PER_SECOND = 5  # calls; YouTube publishes quotas of a day only, which are counted and not waited for
PAGING = CursorPaging(("nextPageToken",), send_as="pageToken", rows="items")


class QuotaSpent(RetriesExhausted):
    """The quota of the day is used up; a run of another day succeeds."""


class KeyAuth(httpx.Auth):
    """A key that travels in a header, and in no address."""

    def __init__(self, key: SecretStr) -> None:
        self.secret = BearerAuth(key).secret

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the key into the request's header."""
        request.headers["X-Goog-Api-Key"] = self.secret.get_secret_value()
        yield request


@dataclass
class YouTube:
    """What is public, for one run, within the quotas of a day."""

    api: Api
    settings: Settings
    searches: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def search(self, query: str, **bounds: str) -> Iterator[Page]:
        """Search for videos, the newest first, as far as the share of each query in the day's searches goes."""
        share = self.settings.youtube_max_searches_per_day // max(1, len(self.settings.competitors))
        params = {"part": "snippet", "type": "video", "order": "date", "q": query, "maxResults": LARGEST_PAGE, **bounds}
        for page, _ in islice(PAGING.walk(self._search, params), max(1, min(MOST_PAGES, share))):
            yield page

    def _search(self, params: Mapping[str, Any]) -> bytes:
        with self._lock:
            most = self.settings.youtube_max_searches_per_day
            if self.searches >= most:
                message = (
                    f"{self.searches} searches were made, of {most} that YOUTUBE_MAX_SEARCHES_PER_DAY allows a run."
                )
                raise QuotaSpent("YouTube", f"{message} Name fewer competitors, or run again tomorrow.")
            self.searches += 1
        return self.api.get("/search", params, check=expect_list("items"))

    def uploads(self, channel_id: str) -> Iterator[Page]:
        """Read what a channel uploaded, the newest first."""
        playlist = f"UU{channel_id.removeprefix('UC')}"
        params = {"part": "snippet,contentDetails", "playlistId": playlist, "maxResults": LARGEST_PAGE}

        def ask(more: Mapping[str, Any]) -> bytes:
            return self.api.get("/playlistItems", more, check=expect_list("items"))

        with suppress(NotFound):  # a channel that was closed
            for page, _ in PAGING.walk(ask, params):
                yield page

    def videos(self, ids: Sequence[str]) -> Iterator[Page]:
        """Read videos by their ids; those that are private or gone are left out."""
        for begin in range(0, len(ids), LARGEST_PAGE):
            chosen = ",".join(ids[begin : begin + LARGEST_PAGE])
            params = {"part": "snippet,contentDetails,statistics", "id": chosen}
            yield rows(self.api.get("/videos", params, check=expect_list("items")), "items")


def _refine(failure: ApiFailure, response: Response) -> ApiFailure:
    """Tell a quota that is used up, a burst and a key that is not valid apart: the status does not."""
    errors = get_path_or_none(response.body, "error", "errors")
    reasons = {each.get("reason") for each in errors if isinstance(each, dict)} if isinstance(errors, list) else set()
    where: dict[str, Any] = {"status": failure.status, "method": failure.method, "url": failure.url}
    if reasons & {"quotaExceeded", "dailyLimitExceeded"}:
        message = "YouTube's quota of the day is used up. It begins anew at midnight Pacific time: run again after it."
        return QuotaSpent("YouTube", message, **where)
    if reasons & {"rateLimitExceeded", "userRateLimitExceeded"}:
        return RateLimited("YouTube", failure.message, retry_after=failure.retry_after, **where)
    if "keyInvalid" in reasons or b"API_KEY_INVALID" in response.body:
        message = "YouTube does not accept the key. Check that YOUTUBE_API_KEY holds a valid key, or make a new one."
        return Unauthorized("YouTube", message, **where)
    return failure


@contextmanager
def connect(settings: Settings) -> Iterator[YouTube]:
    """Open what the key of the environment sees, for one run."""
    with Api(
        "YouTube",
        settings.youtube_base_url,
        auth=KeyAuth(settings.youtube_api_key or SecretStr("")),
        rate_limiters=RateLimiter(PER_SECOND, burst=PER_SECOND),
        retry=RetryPolicy(initial_delay=1.0),
        keys=("YOUTUBE_API_KEY",),
        refine=_refine,
    ) as api:
        yield YouTube(api, settings)


def check(youtube: YouTube) -> str:
    """Ask for a channel or for a video, which costs one unit and no search."""
    ids = youtube.settings.channel_ids
    params = (
        {"part": "snippet", "id": ",".join(ids[:LARGEST_PAGE])} if ids else {"part": "snippet", "id": "jNQXAC9IVRw"}
    )
    listed = rows(youtube.api.get("/channels" if ids else "/videos", params, check=expect_list("items")), "items")
    missing = len(ids) - len(listed) if ids else 0
    note = f"; {missing} of YOUTUBE_CHANNEL_IDS do not exist" if missing > 0 else ""
    return f"{len(youtube.settings.competitors)} competitors are searched for, {len(ids)} channels read{note}"
