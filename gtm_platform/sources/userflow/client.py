"""How Userflow is reached: the key of an environment, the pinned version, the rate limits; and its lists.

Which lists a stream reads stands in `streams`. No address tells whose environment a key opens.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore

from pydantic import SecretStr

from gtm_platform.http.client import Api, BearerAuth, Params
from gtm_platform.http.errors import BadRequest
from gtm_platform.http.pages import Page, expect_list, get_path
from gtm_platform.http.pagination import LastIdPaging
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.userflow.settings import UserflowSettings as Settings

VERSION = "2020-01-03"
LARGEST_PAGE = 100
IN_FLIGHT = 2  # calls at once are limited, too; how many is not published
STARTS = 3  # how often a list is begun: the record that it would go on after may be deleted for good


@dataclass(frozen=True)
class Userflow:
    """One environment for one run; all streams share it, and so its rate limits."""

    api: Api
    onboarding_ids: tuple[str, ...]
    slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(IN_FLIGHT))

    def pages(self, path: str, expand: Sequence[str] = (), **filters: str) -> Iterator[Page]:
        """Read a list page by page, the oldest first; one that cannot go on is begun again."""
        # Ordered by what can be null, a list breaks off at the first such record.
        order = {"order_by": "created_at", "sort": "asc"}
        first = {"limit": LARGEST_PAGE, **order, **filters, "expand[]": list(expand)}
        for left in reversed(range(STARTS)):
            try:
                for page, _ in LastIdPaging().walk(lambda more: self._get(path, more), first):
                    yield page
                return
            except BadRequest as refusal:
                if not left or "starting_after" not in refusal.message:
                    raise

    def _get(self, path: str, params: Params) -> bytes:
        with self.slots:
            return self.api.get(path, params, check=expect_list())


@contextmanager
def connect(settings: Settings) -> Iterator[Userflow]:
    """Open the environment of the key for one run."""
    with Api(
        "Userflow",
        settings.userflow_base_url,
        auth=BearerAuth(settings.userflow_api_key or SecretStr("")),
        headers={"Userflow-Version": VERSION, "Accept": "application/json"},
        rate_limiters=RateLimiter(settings.userflow_max_rps, burst=IN_FLIGHT),
        retry=RetryPolicy(initial_delay=1.0, max_delay=60.0),
        keys=("USERFLOW_API_KEY",),
    ) as api:
        yield Userflow(api, settings.onboarding_ids)


def check(userflow: Userflow) -> str:
    """List the content, and say which of it is the onboarding."""
    rows = [row for page in userflow.pages("/content") for row in page]
    names = {get_path(row, "id"): get_path(row, "name") for row in rows}
    if missing := [each for each in userflow.onboarding_ids if each not in names]:
        return f"{len(names)} pieces of content, but none with the id {', '.join(missing)} of the onboarding"
    chosen = ", ".join(str(names[each]) for each in userflow.onboarding_ids)
    return f"{len(names)} pieces of content; the onboarding is {chosen or 'not named'}"
