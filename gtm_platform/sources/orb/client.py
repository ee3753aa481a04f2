"""How Orb is reached: the key, the pace, and the lists that go on by cursor.

Which lists a stream reads stands in `streams`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from gtm_platform.accounts import AccountIdentity
from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.pages import Page, expect_list, get_path
from gtm_platform.http.pagination import CursorPaging
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.orb.settings import OrbSettings as Settings

# Orb publishes no limit on reading and advises to go easy: five calls a second, counted over ten.
CALLS, SECONDS = 50, 10.5
LARGEST_PAGE = 100
PAGING = CursorPaging(next_at=("pagination_metadata", "next_cursor"), send_as="cursor")
NO_PLANS = "no-plans"


@dataclass(frozen=True)
class Orb:
    """One account for one run."""

    api: Api

    def pages(self, path: str, params: Mapping[str, Any] = {}) -> Iterator[Page]:
        """Read a list page by page."""
        first = {"limit": LARGEST_PAGE, **params}
        for page, _ in PAGING.walk(lambda more: self.api.get(path, more, check=expect_list()), first):
            yield page


@contextmanager
def connect(settings: Settings) -> Iterator[Orb]:
    """Open the account of the environment for one run."""
    with Api(
        "Orb",
        settings.orb_base_url,
        auth=BearerAuth(settings.orb_api_key or SecretStr("")),
        rate_limiters=RateLimiter.within(CALLS, SECONDS),
        retry=RetryPolicy(),
        keys=("ORB_API_KEY",),
    ) as api:
        yield Orb(api)


def identity(orb: Orb) -> AccountIdentity:
    """Say which account the key opens. Orb has no name for it: it is recognised by its oldest plan.

    Plans are archived, never deleted, and no two accounts, nor live and test mode, have one in common.
    """
    plans = _plans(orb)
    if not plans:
        return AccountIdentity("orb", NO_PLANS, f"Orb account with {NO_PLANS} yet")
    _, oldest = min(plans)
    return AccountIdentity("orb", oldest, f"Orb account with {oldest} as its oldest plan")


def check(orb: Orb) -> str:
    """Make a cheap call or two and return what account the key opens."""
    orb.api.get("/ping")
    return f"account with {len(_plans(orb))} plans"


def _plans(orb: Orb) -> list[tuple[str, str]]:
    """When each plan was made, and its id."""
    pages = orb.pages("/plans")
    return [(str(get_path(raw, "created_at")), str(get_path(raw, "id"))) for page in pages for raw in page]
