"""How Stripe is reached: the key, the pinned version, the pace, and its two ways of answering, lists and objects."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.pages import Page, get_path, listing
from gtm_platform.http.pagination import LastIdPaging
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.stripe.settings import StripeSettings as Settings

# Stripe allows 100 calls a second in live mode but 25 to one endpoint, and 25 in all in test mode. What is left of the
# second is room for calls that are held up on their way more than others.
EVERYTHING, ENDPOINT, SECOND = 100, 25, 1.05
IN_FLIGHT = 4
LARGEST_PAGE = 100


@dataclass(frozen=True)
class Stripe:
    """One account for one run; all streams share it, and so its pace."""

    api: Api
    now: Callable[[], datetime]
    live: bool

    def pages(self, path: str, params: Mapping[str, Any], expand: Sequence[str] = ()) -> Iterator[Page]:
        first = {"limit": LARGEST_PAGE, **params, "expand[]": [f"data.{each}" for each in expand]}
        for page, _ in LastIdPaging().walk(lambda asked: self.api.get(path, asked, check=listing()), first):
            yield page

    def one(self, path: str, expand: Sequence[str] = ()) -> bytes:
        return self.api.get(path, {"expand[]": list(expand)})


def paces(*, live: bool) -> Callable[[str, str], Sequence[RateLimiter]]:
    """That of the account, and that of the endpoint, which is all calls to a kind of objects."""
    account = RateLimiter.within(EVERYTHING if live else ENDPOINT, SECOND)
    endpoints: dict[str, RateLimiter] = {}

    def of(_: str, path: str) -> Sequence[RateLimiter]:
        endpoint = "/".join(path.split("/")[:3])
        return account, endpoints.setdefault(endpoint, RateLimiter.within(ENDPOINT, SECOND))

    return of


@contextmanager
def connect(settings: Settings) -> Iterator[Stripe]:
    key = settings.stripe_api_key or SecretStr("")
    live = "_live_" in key.get_secret_value()
    with Api(
        "Stripe",
        settings.stripe_base_url,
        auth=BearerAuth(key),
        headers={"Stripe-Version": settings.stripe_api_version},
        paces=paces(live=live),
        patience=RetryPolicy(),
        keys=("STRIPE_API_KEY",),
    ) as api:
        yield Stripe(api, settings.now, live)


def check(stripe: Stripe) -> str:
    return f"account {get_path(stripe.one('/v1/account'), 'id')}, {'live' if stripe.live else 'test'} mode"
