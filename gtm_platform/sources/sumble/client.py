"""How Sumble is reached: the key, the pinned version, the rate limit, the price of each call; and its lists.

Every read is a POST, and one that is repeated is paid for again.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from gtm_platform.http.caller import Response
from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.errors import ApiFailure, BadRequest, InvalidResponse
from gtm_platform.http.pages import Page, expect_list, get_path, get_path_or_none, rows
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.credits import MonthLedger, current_allowance
from gtm_platform.sources.sumble.credits import Credits, OutOfCredits
from gtm_platform.sources.sumble.settings import SumbleSettings as Settings

LARGEST_PAGE = 200
LAST_OFFSET = 10_000
BATCH = 1_000  # organisations of one call
READINGS = 2  # posts come and go while they are paged through by offset: what is short is read once more
JOB_ATTRIBUTES = (
    "title", "location", "posted_date", "organization", "technologies", "job_functions", "job_levels", "projects",
)  # fmt: skip
JOB_PRICE = 1 + 4  # technologies, functions, levels and projects are paid for
ORGANIZATION_ATTRIBUTES = ("id", "slug", "name", "url", "employee_count", "industry", "headquarters_country")
ORGANIZATION_PRICE = 1 + 3  # the last three are paid for
LOOKUP_PRICE = 1
PERIODS = (("1mo", 28), ("3mo", 89), ("6mo", 180), ("1yr", 360))  # and the days that each is sure to cover
WHOLE = "3mo"  # older posts say nothing more


@dataclass
class Sumble:
    """One account for one run; all streams share it, its rate limit and its credits."""

    api: Api
    settings: Settings
    credits: Credits
    _listed: dict[str, list[Page]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def period_since(self, start: datetime) -> str:
        """Return the shortest hiring period that reaches back to an instant."""
        age = self.settings.now() - start
        return next((name for name, days in PERIODS if age <= timedelta(days=days)), PERIODS[-1][0])

    def jobs(self, period: str) -> Sequence[Page]:
        """Return the posts of a hiring period that match what is watched: paid for once a run."""
        with self._lock:
            if period not in self._listed:
                self._listed[period] = list(self._job_pages(self._query(period)))
            return self._listed[period]

    def organizations(self, ids: Sequence[int]) -> Iterator[Page]:
        """Read organisations by their numbers; those that Sumble no longer has are left out."""
        for begin in range(0, len(ids), BATCH):
            listed = [{"id": id_} for id_ in ids[begin : begin + BATCH]]
            body = {"organizations": listed, "select": {"attributes": ORGANIZATION_ATTRIBUTES}}
            answer = self._ask("/organizations", body, ORGANIZATION_PRICE * len(listed), "organizations")
            yield [row for row in rows(answer, "organizations") if get_path_or_none(row, "attributes", "id")]

    def technologies(self, slugs: Sequence[str]) -> Page:
        """Look technologies up by their slugs."""
        return rows(
            self._ask("/technologies/lookup", {"technologies": list(slugs)}, LOOKUP_PRICE, "results"), "results"
        )

    def _query(self, period: str) -> str:
        config = self.settings
        watched = [("technology", config.competitors + config.technologies), ("job_function", config.job_functions)]
        parts = [f"{name} IN ({', '.join(map(_quoted, values))})" for name, values in watched if values]
        if not parts:
            raise BadRequest(
                "Sumble", "No post is watched for: set SUMBLE_COMPETITORS, SUMBLE_TECHNOLOGIES or SUMBLE_JOB_FUNCTIONS."
            )
        return f"({' OR '.join(parts)}) AND hiring_period EQ '{period}'"

    def _job_pages(self, query: str) -> Iterator[Page]:
        ids: set[Any] = set()
        last_total = 0
        for _ in range(READINGS):
            for page, total in self._walk(query):
                ids.update(get_path_or_none(row, "job_id") for row in page)
                last_total = total
                yield page
            if len(ids) >= last_total:
                return
        raise InvalidResponse(
            "Sumble", f"Sumble lists {len(ids):,} of {last_total:,} job posts, twice. Run again later."
        )

    def _walk(self, query: str) -> Iterator[tuple[Page, int]]:
        # Where a whole page could cost too much, a single post says how many there are.
        offset, limit = 0, LARGEST_PAGE if self.credits.allow(JOB_PRICE * LARGEST_PAGE) else 1
        while True:
            filter_ = {"query": {"query": query}}
            body = {"filter": filter_, "select": {"attributes": JOB_ATTRIBUTES}, "limit": limit, "offset": offset}
            answer = self._ask("/jobs", body, JOB_PRICE * limit, "jobs")
            page, total = rows(answer, "jobs"), get_path(answer, "total")
            if not isinstance(total, int):
                raise InvalidResponse("Sumble", "Sumble's list of job posts says no total.")
            yield page, total
            offset += len(page)
            if not page or offset >= total:
                return
            if total > LAST_OFFSET + LARGEST_PAGE:
                raise BadRequest(
                    "Sumble", f"{total:,} job posts match, more than can be listed: name fewer technologies."
                )
            self.credits.expect(JOB_PRICE * (total - offset))  # before more is spent on what cannot be finished
            limit = min(LARGEST_PAGE, total - offset)

    def _ask(self, path: str, body: Mapping[str, Any], most: int, list_at: str) -> bytes:
        reserved = self.credits.reserve(path, most)
        try:
            answer = self.api.post(path, body, check=expect_list(list_at))
        except ApiFailure as failure:
            self.credits.fail(reserved, failure)
            raise
        self.credits.settle(reserved, answer)
        return answer


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "") + "'"


def _refine(failure: ApiFailure, response: Response) -> ApiFailure:
    """Say of a 402 what it means; nothing is asked again after it."""
    if response.status != 402:
        return failure
    message = f"Sumble is out of credits ({failure.message}) Buy credits, or wait for the next period."
    return OutOfCredits("Sumble", message, status=402, method=failure.method, url=failure.url)


@contextmanager
def connect(settings: Settings) -> Iterator[Sumble]:
    """Open the account of the key for one run."""
    with Api(
        "Sumble",
        f"{settings.sumble_base_url.rstrip('/')}/{settings.sumble_api_version}",
        auth=BearerAuth(settings.sumble_api_key or SecretStr("")),
        rate_limiters=RateLimiter.within(10, 1.0),
        retry=RetryPolicy(initial_delay=1.0),
        keys=("SUMBLE_API_KEY",),
        refine=_refine,
    ) as api:
        month = MonthLedger("sumble", current_allowance())
        yield Sumble(api, settings, Credits(settings.sumble_max_credits_per_run, month))


def check(sumble: Sumble) -> str:
    """Look one technology up, which costs a credit, and say how many are left."""
    sumble.technologies(sumble.settings.competitors[:1] or ("pinecone",))
    return f"{sumble.credits.remaining or 0:,} credits left"
