"""Who may call Crossbeam, how often, and how it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, bearer_token
from gtm_platform.sandbox.kit.errors import ApiError, Errors
from gtm_platform.sandbox.kit.limits import Limit, Rate

CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN = "crossbeam-sandbox", "crossbeam-sandbox-secret", "crossbeam-sandbox-refresh"
ACCESS_TOKEN, TOKEN_LIFE = "crossbeam-sandbox-access", 86_400

DOCUMENTED: Mapping[str, Rate] = {"calls": Rate(50, 5)}  # none is published: a careful guess


@dataclass
class Limits:
    """How many calls are left."""

    calls: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["calls"]))


class CrossbeamError(ApiError):
    """A refusal in Crossbeam's shape."""

    def body(self, request_number: int) -> dict[str, Any]:  # noqa: ARG002
        """The errors as texts."""
        return {"errors": [self.message]}


class CrossbeamErrors(Errors):
    """The kit's refusals in Crossbeam's words."""

    def __init__(self) -> None:
        super().__init__(CrossbeamError)

    def unauthorized(self, key: str) -> ApiError:  # noqa: ARG002
        """An access token that is missing, wrong or too old."""
        return self.error(401, "Unauthorized")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """One call too many."""
        return self.error(429, "Too Many Requests")


def api(limits: Limits) -> Api:
    """Crossbeam's tokens, limit and errors around the handlers."""
    authentication = Authentication(ACCESS_TOKEN, (bearer_token,))
    return Api(authentication, CrossbeamErrors(), limits=lambda _: {"calls": limits.calls})
