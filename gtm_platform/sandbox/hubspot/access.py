"""Who may call and how often: the bearer token, the burst and daily limits, and the search limit apart from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from gtm_platform.sandbox.hubspot.errors import HubSpotErrors
from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, bearer_token
from gtm_platform.sandbox.kit.limits import Limit, Rate, RateHeaders

TOKEN = "pat-na1-sandbox"

# A private app or service key on a Professional account.
DOCUMENTED: Mapping[str, Rate] = {"burst": Rate(190, 10), "daily": Rate(625_000, 86_400), "search": Rate(5, 1)}

_DAILY = RateHeaders("X-HubSpot-RateLimit-Daily", "X-HubSpot-RateLimit-Daily-Remaining")
_BURST = RateHeaders("X-HubSpot-RateLimit-Max", "X-HubSpot-RateLimit-Remaining")


@dataclass
class Limits:
    """How much of each limit is left."""

    burst: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["burst"]))
    daily: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["daily"]))
    search: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["search"]))

    def counting(self, request: Request) -> dict[str, Limit]:
        """The limits that a request counts against."""
        return {"daily": self.daily, **({"search": self.search} if is_search(request) else {"burst": self.burst})}

    def headers(self, request: Request, status: int) -> dict[str, str]:
        """The rate-limit headers, which searches and strangers do not get."""
        if status == 401 or is_search(request):
            return {}
        interval = {"X-HubSpot-RateLimit-Interval-Milliseconds": str(max(1, int(self.burst.real_seconds * 1000)))}
        return {**_DAILY.of(self.daily), **interval, **_BURST.of(self.burst)}


def is_search(request: Request) -> bool:
    """All searches of an account share one limit."""
    return request.method == "POST" and request.url.path.endswith("/search")


def api(limits: Limits) -> Api:
    """HubSpot's key, limits, headers and errors around the handlers."""
    return Api(Authentication(TOKEN, (bearer_token,)), HubSpotErrors(), limits.counting, limits.headers)
