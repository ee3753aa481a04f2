"""How PostHog is reached: the key, the project, the rate limits; and its one way to be read in bulk, queries in HogQL.

A query goes on by the key of its last row, as OFFSET is refused. Which queries a stream asks stands in `streams`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from pydantic import SecretStr

from gtm_platform.accounts import AccountIdentity
from gtm_platform.http.caller import Response
from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.errors import ApiFailure, CursorLoop, Forbidden, RateLimited
from gtm_platform.http.pages import expect_list, get_path, get_path_or_none, rows
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.record import RawRecord, with_columns
from gtm_platform.sources.posthog.settings import PostHogSettings as Settings

# 240 queries a minute and 2,400 an hour are allowed to a project, whoever asks them: a sixth is left to other programs.
MINUTE, HOUR = (200, 61.0), (2000, 3601.0)
PAGE = 5_000  # rows; persons with all their properties are large. A LIMIT above 50,000 is cut without a word.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # what min and max make of no rows
AVAILABLE_IN = re.compile(r"available in (\d+) second")

Values = Mapping[str, str]  # by the names in braces of a query
Rows = list[RawRecord]


@dataclass(frozen=True)
class WebSite:
    """The hosts of the web site, the events that are conversions, the property that names companies."""

    hosts: tuple[str, ...] = ()
    conversions: tuple[str, ...] = ()
    company_property: str | None = None


@dataclass(frozen=True)
class PostHog:
    """One project for one run; all streams share it, and so its rate limits."""

    api: Api
    project: str
    signup_event: str
    login_event: str
    site: WebSite = WebSite()
    page_size: int = PAGE

    def query(self, name: str, text: str, values: Values = MappingProxyType({})) -> Rows:
        """Return the rows of a query, computed now; `values` are put where it says {name}."""
        return _named_rows(self._answer(name, text, values))

    def pages(
        self, name: str, text: str, values: Values, first: Values, key_of: Callable[[RawRecord], Values]
    ) -> Iterator[Rows]:
        """Read a query page by page: it compares with the values of a key, and ends with the order of that key.

        A page ends a list only where it is shorter than the limit that held, which may be less than what was sent.
        """
        key = first
        while True:
            answer = self._answer(name, f"{text} LIMIT {self.page_size}", {**values, **key})
            page = _named_rows(answer)
            if not page:
                return
            yield page
            limit = get_path(answer, "limit")
            if isinstance(limit, int) and len(page) < limit:
                return
            following = key_of(page[-1])
            if following == key:
                raise CursorLoop("PostHog", f"The query '{name}' does not advance: its page ends where it began.")
            key = following

    def count(self, name: str, text: str, values: Values = MappingProxyType({})) -> int:
        """Return the one number that a query comes to."""
        (row,) = self.query(name, text, values)
        return int(get_path(row.document, "records"))

    def first_event(self, before: datetime) -> datetime | None:
        """Return when the project's first event happened; None where there is no event yet."""
        text = "SELECT min(timestamp) AS at FROM events WHERE timestamp < toDateTime64({before}, 6, 'UTC')"
        (row,) = self.query("first event", text, {"before": literal(before)})
        at = datetime.fromisoformat(get_path(row.document, "at"))
        return at.astimezone(UTC) if at > EPOCH else None

    def _answer(self, name: str, text: str, values: Values) -> bytes:
        query = {"kind": "HogQLQuery", "query": text, "values": dict(values)}
        body = {"query": query, "refresh": "force_blocking", "name": f"gtm_platform: {name}"}
        return self.api.post(f"/api/projects/{self.project}/query/", body, check=expect_list("results"))


def _named_rows(answer: bytes) -> Rows:
    """The rows with the names of their columns, which the answer holds once."""
    names = get_path(answer, "columns") or ()
    return [with_columns(row, names) for row in rows(answer, "results")]


def literal(at: datetime) -> str:
    """Write an instant as toDateTime64 reads it in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


def _refine(failure: ApiFailure, response: Response) -> ApiFailure:
    """Wait for as long as the refusal says in words, where no header does."""
    if isinstance(failure, RateLimited) and failure.retry_after is None:
        seconds = AVAILABLE_IN.search(str(get_path_or_none(response.body, "detail")))
        failure.retry_after = float(seconds[1]) if seconds else None
    return failure


@contextmanager
def connect(settings: Settings) -> Iterator[PostHog]:
    """Open the project of the environment for one run."""
    limiters = RateLimiter.within(*MINUTE), RateLimiter.within(*HOUR)
    with Api(
        "PostHog",
        settings.posthog_host,
        auth=BearerAuth(settings.posthog_api_key or SecretStr("")),
        rate_limiters=lambda _method, _path: limiters,
        retry=RetryPolicy(),
        keys=("POSTHOG_API_KEY",),
        refine=_refine,
    ) as api:
        yield PostHog(
            api,
            settings.posthog_project_id or "",
            settings.posthog_signup_event,
            settings.posthog_login_event,
            WebSite(settings.web_hosts, settings.conversion_events, settings.posthog_company_property),
        )


def identity(posthog: PostHog) -> AccountIdentity:
    """Ask which project the key opens."""
    return AccountIdentity("posthog", posthog.project, _label(posthog))


def check(posthog: PostHog) -> str:
    """Make one cheap query and return which project the key opens."""
    posthog.query("connection check", "SELECT id FROM persons LIMIT 1")
    return _label(posthog)


def _label(posthog: PostHog) -> str:
    """The project by its name, which a key that may only query does not see."""
    try:
        name = get_path(posthog.api.get(f"/api/projects/{posthog.project}/"), "name")
    except Forbidden:
        return f"PostHog project {posthog.project}"
    return f"PostHog project {posthog.project} ({name})"
