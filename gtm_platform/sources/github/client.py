"""How GitHub is reached: the token, the pinned version, a limit for each kind of call; and how its lists go on.

A list names its next page in a header, which is followed as it is. Stars are listed by GraphQL, as only there the
newest come first. Which lists a stream reads stands in `streams`.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from pydantic import SecretStr

from gtm_platform.http.caller import Response
from gtm_platform.http.client import Answer, Api, BearerAuth
from gtm_platform.http.errors import (
    ApiFailure,
    BadRequest,
    CursorLoop,
    Forbidden,
    InvalidResponse,
    NotFound,
    RateLimited,
)
from gtm_platform.http.pages import Page, expect_list, get_path, rows
from gtm_platform.http.pagination import LinkPaging
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.settings import settings as platform_settings
from gtm_platform.sources.github.etags import EtagFiles, Stored
from gtm_platform.sources.github.settings import GitHubSettings as Settings

VERSION = "2022-11-28"
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION, "User-Agent": "gtm-platform"}
TEXT_MATCH = {"Accept": "application/vnd.github.text-match+json"}
LARGEST_PAGE = 100
GONE = 410  # such as issues of a repository that has none
REPEATS = 3  # how often in a row the page before may come once more
HOUR, MINUTE = 3600.0, 60.0
SECONDARY_WAIT = 60.0  # seconds, where GitHub says that there are too many calls, and not for how long
EDGES = "data.repository.stargazers.edges"
STARS = """query($owner:String!,$name:String!,$first:Int!,$after:String){
  repository(owner:$owner,name:$name){ stargazerCount
    stargazers(first:$first,after:$after,orderBy:{field:STARRED_AT,direction:DESC}){
      pageInfo{hasNextPage endCursor}
      edges{ starredAt node{ login databaseId name company%s websiteUrl location
        organizations(first:5){nodes{login name websiteUrl}} } } } } }"""


@dataclass
class GitHub:
    """What is public, for one run; all streams share it, its rate limits and the profiles."""

    api: Api
    settings: Settings
    graphql: str  # where GraphQL is asked
    files: EtagFiles
    shows_email: bool = True  # until GitHub says that the token may not see it
    _listed: dict[Any, Sequence[Page]] = field(default_factory=dict, repr=False)
    _profiles: dict[str, bytes | None] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _list_lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def listed(self, key: Any, read: Callable[[], Iterator[Page]]) -> Sequence[Page]:
        """Return the pages of a list that several streams need: read once a run."""
        with self._list_lock:
            if key not in self._listed:
                self._listed[key] = list(read())
            return self._listed[key]

    def pages(self, path: str, params: Mapping[str, Any]) -> Iterator[Page]:
        """Read a list page by page; a repository that keeps no such list has an empty one."""
        try:
            yield from self._walk(path, params, {}, expect_list(""), "")
        except BadRequest as failure:
            if failure.status != GONE:
                raise

    def matches(self, query: str) -> Iterator[Page]:
        """Search in code, page by page."""
        return self._walk("/search/code", {"q": query}, TEXT_MATCH, _complete_search, "items")

    def _walk(
        self,
        path: str,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        check: Callable[[bytes], bytes],
        rows_at: str,
    ) -> Iterator[Page]:
        """Follow the addresses that answers name as the next page; a page that comes twice is asked for again."""
        query = {**params, "per_page": LARGEST_PAGE}

        def ask(address: str | None) -> Answer:
            return self.api.get_answer(address or path, None if address else query, headers, check=check)

        for page, _ in LinkPaging(rows_at).walk(ask):
            yield page

    def stars(self, repository: str) -> Iterator[Page]:
        """Read the stars of a repository, the newest first, each with the profile of who gave it."""
        owner, _, name = repository.partition("/")
        after, repeats = None, 0
        while True:
            variables = {"owner": owner, "name": name, "first": LARGEST_PAGE, "after": after}
            body = self._star_page(variables)
            yield rows(body, EDGES)
            info = get_path(body, "data", "repository", "stargazers", "pageInfo") or {}
            cursor = info.get("endCursor")
            if not info.get("hasNextPage"):
                return
            repeats = repeats + 1 if cursor == after else 0
            if not cursor or repeats > REPEATS:
                raise CursorLoop("GitHub", f"GitHub's stars of {repository} do not advance.")
            after = cursor

    def _star_page(self, variables: Mapping[str, Any]) -> bytes:
        try:
            return self._query(variables)
        except Forbidden:
            if not self.shows_email:
                raise
            self.shows_email = False
            return self._query(variables)

    def _query(self, variables: Mapping[str, Any]) -> bytes:
        text = STARS % (" email" if self.shows_email else "")
        check = partial(_answered, f"{variables['owner']}/{variables['name']}")
        return self.api.post(self.graphql, {"query": text, "variables": variables}, check=check)

    def user(self, login: str) -> bytes | None:
        """Return a person's profile; None for somebody who is gone."""
        return self._profile(f"/users/{login}")

    def organization(self, login: str) -> bytes | None:
        """Return an organisation's profile; None where there is none of that name."""
        return self._profile(f"/orgs/{login}")

    def _profile(self, path: str) -> bytes | None:
        path = path.lower()
        with self._lock:
            if path in self._profiles:
                return self._profiles[path]
        body = self._stored_or_read(path)
        with self._lock:
            self._profiles[path] = body
        return body

    def _stored_or_read(self, path: str) -> bytes | None:
        now, stored = self.settings.now(), self.files.read(path)
        if stored and stored.is_fresh(now):
            return stored.body
        try:
            answer = self.api.get_answer(path, headers={"If-None-Match": stored.etag} if stored else {})
        except NotFound:
            return None
        except BadRequest as failure:
            if failure.status != 304 or stored is None:
                raise
            self.files.write(path, replace(stored, at=now))
            return stored.body
        if etag := answer.headers.get("etag"):
            self.files.write(path, Stored(etag, now, answer.body))
        return answer.body


def _answered(repository: str, body: bytes) -> bytes:
    """Return an answer of GraphQL; it names its errors under the status of success."""
    errors = get_path(body, "errors")
    if not errors:
        return expect_list(EDGES)(body)
    first = errors[0] if isinstance(errors, list) and isinstance(errors[0], dict) else {}
    kind, message = str(first.get("type")), f"GitHub's GraphQL says of {repository}: {first.get('message')}"
    if kind in ("RATE_LIMITED", "RATE_LIMIT"):
        raise RateLimited("GitHub", message, retry_after=SECONDARY_WAIT)
    if kind == "NOT_FOUND":
        raise NotFound("GitHub", f"{message}. Check GITHUB_WATCHED_REPOS.")
    if kind in ("INSUFFICIENT_SCOPES", "FORBIDDEN"):
        raise Forbidden("GitHub", message)
    raise InvalidResponse("GitHub", message)


def _complete_search(body: bytes) -> bytes:
    """Return the matches of a search; one that ran out of time has only some of them."""
    if get_path(body, "incomplete_results"):
        raise InvalidResponse("GitHub", "The search ran out of time, so that matches are missing.")
    return expect_list("items")(body)


def allowance(headers: Mapping[str, str]) -> tuple[int, float] | None:
    """Return how many calls of the kind are left, and for how many seconds; None if unsaid."""
    left, reset = headers.get("x-ratelimit-remaining", ""), headers.get("x-ratelimit-reset", "")
    if not (left.isdecimal() and reset.isdecimal()) or not int(left):
        return None  # a refusal says for how long to wait
    return int(left), max(1.0, float(reset) - time.time())


def _refine(failure: ApiFailure, response: Response) -> ApiFailure:
    """Tell the secondary limit from a permission that is missing, and a rename from a wrong address."""
    where: dict[str, Any] = {"status": failure.status, "method": failure.method, "url": failure.url}
    if response.status in (403, 429) and b"secondary rate limit" in response.body:
        message = "GitHub's secondary limit is met: there were too many calls at once."
        return RateLimited("GitHub", message, retry_after=failure.retry_after or SECONDARY_WAIT, **where)
    if response.status in (301, 307, 308):
        message = f"GitHub says that what {failure.url} names was renamed: write its new name in GITHUB_WATCHED_REPOS."
        return BadRequest("GitHub", message, **where)
    return failure


@contextmanager
def connect(settings: Settings) -> Iterator[GitHub]:
    """Open what the token of the environment sees, for one run."""
    core, code, graphql = (RateLimiter.within(*each) for each in ((5000, HOUR), (10, MINUTE), (5000, HOUR)))
    points = RateLimiter.within(900, MINUTE)  # of all calls together

    def limiters(method: str, path: str) -> Sequence[RateLimiter]:
        if method == "POST":
            return graphql, points
        return (code, points) if "/search/code" in path else (core, points)

    base_url = settings.github_base_url.rstrip("/")
    with Api(
        "GitHub",
        base_url,
        auth=BearerAuth(settings.github_token or SecretStr("")),
        headers=HEADERS,
        rate_limiters=limiters,
        retry=RetryPolicy(initial_delay=1.0),
        keys=("GITHUB_TOKEN",),
        read_limits=allowance,
        refine=_refine,
    ) as api:
        files = EtagFiles(platform_settings().home, base_url)
        yield GitHub(api, settings, settings.github_graphql_url or f"{base_url}/graphql", files)


def check(github: GitHub) -> str:
    """Ask how many calls are left, which costs none, and say what is watched."""
    left = get_path(github.api.get("/rate_limit"), "resources", "core", "remaining")
    return f"{len(github.settings.repositories)} repositories are watched; {left or 0:,} calls left in this hour"
