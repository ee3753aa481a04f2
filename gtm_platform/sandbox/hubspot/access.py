"""Who may call and how often: the bearer token, the burst and daily limits, and the search limit apart from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from gtm_platform.sandbox.hubspot.errors import RefusedError
from gtm_platform.sandbox.hubspot.render import PORTAL_ID
from gtm_platform.sandbox.kit.limits import Limit, Rate

TOKEN = "pat-na1-sandbox"

# A private app or service key on a Professional account.
DOCUMENTED: Mapping[str, Rate] = {"burst": Rate(190, 10), "daily": Rate(625_000, 86_400), "search": Rate(5, 1)}


@dataclass
class Limits:
    """How much of each limit is left."""

    burst: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["burst"]))
    daily: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["daily"]))
    search: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["search"]))

    def headers(self) -> dict[str, str]:
        return {
            "X-HubSpot-RateLimit-Daily": str(self.daily.calls),
            "X-HubSpot-RateLimit-Daily-Remaining": str(self.daily.remaining),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(self.burst.seconds * 1000)),
            "X-HubSpot-RateLimit-Max": str(self.burst.calls),
            "X-HubSpot-RateLimit-Remaining": str(self.burst.remaining),
        }


def check_token(request: Request) -> None:
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        message = "Authentication credentials not found. This API supports OAuth 2.0 authentication."
        raise RefusedError(401, message, "INVALID_AUTHENTICATION")


def check_rate(limits: Limits, *, searching: bool) -> None:
    if not limits.daily.take():
        raise _too_many("DAILY")
    if searching and not limits.search.take():
        raise _too_many("SECONDLY")
    if not searching and not limits.burst.take():
        raise _too_many("TEN_SECONDLY_ROLLING")


def _too_many(policy: str) -> RefusedError:
    """The body of a 429 has an `errorType` where other errors have a category."""
    name = policy.lower()
    group = f"publicapi:private-app-api-calls-{name.removesuffix('_rolling').replace('_', '-')}:{PORTAL_ID}"
    message = f"You have reached your {name} limit."
    return RefusedError(429, message, None, errorType="RATE_LIMIT", policyName=policy, groupName=group)
