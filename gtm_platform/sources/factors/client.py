"""How Factors.ai is reached: the token, a careful rate, and the journey of an account. No address lists accounts.

Which accounts are read is said by the settings; whoever learns of further ones, by alerts or by lists, adds to
`domains`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from pydantic import SecretStr

from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.errors import InvalidResponse, NotFound
from gtm_platform.http.pages import Page, expect_list, rows
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.factors.settings import FactorsSettings as Settings

EXAMPLE_DOMAIN = "example.com"  # an account to ask for, where none is named


@dataclass(frozen=True)
class Factors:
    """One project for one run."""

    api: Api
    domains: tuple[str, ...]

    def journey(self, domain: str, since: datetime | None) -> Page:
        """Return the users of an account with what they did from a day on; none for an account that never came."""
        params = {"from": f"{since.astimezone(UTC):%Y-%m-%d}"} if since else None
        try:
            return users(self.api.get(f"/account/{quote(domain, safe='')}/journey", params, check=_expect_users))
        except NotFound:
            return []


def users(body: bytes) -> Page:
    """Return the users of an answer, which is a list of them, or has one."""
    return rows(body, "" if body.lstrip()[:1] in (b"[", b"n") else "users")


def _expect_users(body: bytes) -> bytes:
    try:
        return expect_list("")(body)
    except InvalidResponse:
        return expect_list("users")(body)


@contextmanager
def connect(settings: Settings) -> Iterator[Factors]:
    """Open the project of the token for one run."""
    with Api(
        "Factors.ai",
        settings.factors_base_url,
        auth=BearerAuth(settings.factors_api_token or SecretStr("")),
        rate_limiters=RateLimiter(1.0, burst=1),  # how many calls are allowed is not published
        retry=RetryPolicy(initial_delay=1.0),
        keys=("FACTORS_API_TOKEN",),
    ) as api:
        yield Factors(api, settings.domains)


def check(factors: Factors) -> str:
    """Ask for one account, and say how many are read."""
    factors.journey((*factors.domains, EXAMPLE_DOMAIN)[0], None)
    return f"the visits of {len(factors.domains)} accounts are read"
