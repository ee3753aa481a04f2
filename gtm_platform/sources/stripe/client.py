"""How Stripe is reached: the key, the pinned version, the rate limits; and its two answers, lists and objects.

Which lists a stream reads stands in `streams`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from gtm_platform.accounts import AccountIdentity
from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.errors import Forbidden
from gtm_platform.http.pages import Page, expect_list, get_path
from gtm_platform.http.pagination import LastIdPaging
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.stripe.settings import StripeSettings as Settings

# Stripe allows 100 calls a second in live mode but 25 to one endpoint, and 25 in all in test mode. What is left of the
# second is room for calls that are held up on their way more than others.
EVERYTHING, ENDPOINT, SECOND = 100, 25, 1.05
IN_FLIGHT = 4
LARGEST_PAGE = 100
ACCOUNT_ID = re.compile(r"\bacct_\w+")


@dataclass(frozen=True)
class Stripe:
    """One account for one run; all streams share it, and so its rate limits."""

    api: Api
    now: Callable[[], datetime]
    live: bool

    def pages(self, path: str, params: Mapping[str, Any], expand: Sequence[str] = ()) -> Iterator[Page]:
        """Read a list page by page."""
        first = {"limit": LARGEST_PAGE, **params, "expand[]": [f"data.{each}" for each in expand]}
        for page, _ in LastIdPaging().walk(lambda more: self.api.get(path, more, check=expect_list()), first):
            yield page

    def retrieve(self, path: str, expand: Sequence[str] = ()) -> bytes:
        """Read one object."""
        return self.api.get(path, {"expand[]": list(expand)})


def rate_limiters(*, live: bool) -> Callable[[str, str], Sequence[RateLimiter]]:
    """Return a function that chooses the limits of a call: the account's and its endpoint's.

    An endpoint is a kind of objects.
    """
    account = RateLimiter.within(EVERYTHING if live else ENDPOINT, SECOND)
    endpoints: dict[str, RateLimiter] = {}

    def limiters_of(_method: str, path: str) -> Sequence[RateLimiter]:
        endpoint = "/".join(path.split("/")[:3])
        return account, endpoints.setdefault(endpoint, RateLimiter.within(ENDPOINT, SECOND))

    return limiters_of


@contextmanager
def connect(settings: Settings) -> Iterator[Stripe]:
    """Open the account of the environment for one run."""
    key = settings.stripe_api_key or SecretStr("")
    live = "_live_" in key.get_secret_value()
    with Api(
        "Stripe",
        settings.stripe_base_url,
        auth=BearerAuth(key),
        headers={"Stripe-Version": settings.stripe_api_version},
        rate_limiters=rate_limiters(live=live),
        retry=RetryPolicy(),
        keys=("STRIPE_API_KEY",),
    ) as api:
        yield Stripe(api, settings.now, live)


def identity(stripe: Stripe) -> AccountIdentity:
    """Ask which account the key opens; its test data and its live data lie apart, as two accounts would."""
    account, mode = _account_id(stripe), "live" if stripe.live else "test"
    return AccountIdentity("stripe", f"{account}/{mode}", f"Stripe account {account}, {mode} mode")


def _account_id(stripe: Stripe) -> str:
    try:
        return str(get_path(stripe.retrieve("/v1/account"), "id"))
    except Forbidden as refusal:
        # A restricted key may read customers and not its own account: the refusal names the account all the same.
        if named := ACCOUNT_ID.search(refusal.message):
            return named[0]
        raise


def check(stripe: Stripe) -> str:
    """Make one cheap call and return which account the key opens."""
    return f"account {get_path(stripe.retrieve('/v1/account'), 'id')}, {'live' if stripe.live else 'test'} mode"
