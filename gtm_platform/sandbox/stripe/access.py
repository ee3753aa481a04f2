"""Who may call Stripe, and how often."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from gtm_platform.sandbox.kit.authentication import Authentication, basic_user, bearer_token
from gtm_platform.sandbox.kit.errors import path_of
from gtm_platform.sandbox.kit.limits import KeyedLimits, Limit, Rate, window_time

TOKEN = "sk_test_sandbox"


@dataclass(frozen=True)
class Limits:
    """Requests a second to the whole account, to each endpoint, and to search.

    In test mode the account is allowed no more than one endpoint.
    """

    account: int = 25
    endpoint: int = 25
    search: int = 20
    now: Callable[[], float] = window_time


DOCUMENTED = Limits()


def authentication() -> Authentication:
    """The secret key, as a bearer token or as the user of basic authentication."""
    return Authentication(TOKEN, (bearer_token, basic_user))


class RequestLimits:
    """The limits that a request counts against, by the reason that Stripe gives for its refusal."""

    def __init__(self, limits: Limits) -> None:
        self._account = Limit(limits.account, 1.0, limits.now)
        self._endpoints = KeyedLimits(Rate(limits.endpoint, 1.0), limits.now)
        self._search = Limit(limits.search, 1.0, limits.now)

    def of(self, request: Request) -> dict[str, Limit]:
        """The account's limit and the endpoint's own."""
        is_search = path_of(request).endswith("/search")
        endpoint = self._search if is_search else self._endpoints.of(request.scope["endpoint"])
        return {"global-rate": self._account, "endpoint-rate": endpoint}
