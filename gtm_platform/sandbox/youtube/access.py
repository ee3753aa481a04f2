"""Who may call YouTube, how often, and how it refuses. Searches have a quota of a day of their own.

A quota that is used up is a 403, and a key that is not accepted a 400: only the reason in the body tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, header, query_parameter
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors, path_of
from gtm_platform.sandbox.kit.limits import Limit, Rate

TOKEN = "youtube-sandbox-key"
PREFIX = "/youtube/v3"
_DAY = 86_400
DOCUMENTED: Mapping[str, Rate] = {"searches": Rate(100, _DAY), "units": Rate(10_000, _DAY)}


@dataclass
class Limits:
    """How many calls are left."""

    searches: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["searches"]))
    units: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["units"]))

    def of(self, request: Request) -> Mapping[str, Limit]:
        """The quota that a call is counted against."""
        is_search = path_of(request) == f"{PREFIX}/search"
        return {"searches": self.searches} if is_search else {"units": self.units}


class YouTubeError(ApiError):
    """A refusal in the shape of Google's APIs."""

    def body(self, request_number: int) -> dict[str, Any]:  # noqa: ARG002
        """Code and message, and once more with the reason."""
        domain = "youtube.quota" if self.code == "quotaExceeded" else "youtube.parameter"
        reason = {"message": self.message, "domain": domain, "reason": self.code}
        return {"error": {"code": self.status, "message": self.message, "errors": [reason]}}


class YouTubeErrors(Errors):
    """The kit's refusals in YouTube's words."""

    def __init__(self) -> None:
        super().__init__(YouTubeError)

    def unauthorized(self, key: str) -> ApiError:
        """The key is missing or wrong."""
        if key:
            return self.error(400, "API key not valid. Please pass a valid API key.", code="keyInvalid")
        return self.error(403, "Method doesn't allow unregistered callers.", code="forbidden")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """The quota of the day is used up."""
        link = '<a href="/youtube/v3/getting-started#quota">quota</a>'
        message = f"The request cannot be completed because you have exceeded your {link}."
        return self.error(403, message, code="quotaExceeded")

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return self.error(400, problem.message, code="badRequest")

    def unknown_path(self, request: Request) -> ApiError:  # noqa: ARG002
        """No such address."""
        return self.error(404, "Not Found", code="notFound")


def api(limits: Limits) -> Api:
    """YouTube's key, quotas and errors around the handlers."""
    readers = (header("X-Goog-Api-Key"), query_parameter("key"))
    return Api(Authentication(TOKEN, readers), YouTubeErrors(), limits=limits.of)
