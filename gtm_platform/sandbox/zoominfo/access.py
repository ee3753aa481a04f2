"""Who may call ZoomInfo, how often, and how it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors
from gtm_platform.sandbox.kit.limits import Limit, Rate, wait_seconds, window_time

CLIENT_ID, CLIENT_SECRET = "zoominfo-sandbox", "zoominfo-sandbox-secret"
MEDIA_TYPE = "application/vnd.api+json"
TOKEN_LIFE = 3600

# The smallest package.
DOCUMENTED: Mapping[str, Rate] = {"second": Rate(5, 1), "hour": Rate(10_800, 3600), "day": Rate(129_600, 86_400)}


@dataclass
class Limits:
    """How many calls are left in each window."""

    second: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["second"]))
    hour: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["hour"]))
    day: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["day"]))

    def by_name(self) -> dict[str, Limit]:
        """The limits by the names of their windows."""
        return {"second": self.second, "hour": self.hour, "day": self.day}


class ZoomInfoError(ApiError):
    """A refusal in the shape of JSON:API; those of the gateway have another one."""

    def body(self, request_number: int) -> dict[str, Any]:
        """The errors, each with its code."""
        if str(self.code).startswith("ZI"):
            details = {"code": self.code, "message": self.message, "status": self.status}
            return {"error": {**details, "requestId": f"req_{request_number}", "retryable": self.status == 429}}
        error = {"id": f"err_{request_number}", "code": self.code, "status": str(self.status), "title": self.message}
        return {"errors": [{**error, "detail": self.message}], "title": self.message, "detail": self.message}


class ZoomInfoErrors(Errors):
    """The kit's refusals in ZoomInfo's words."""

    def __init__(self) -> None:
        super().__init__(ZoomInfoError)

    def unauthorized(self, key: str) -> ApiError:  # noqa: ARG002
        """A token that is missing, wrong or too old."""
        return self.error(401, "The access token is invalid or has expired.", code="ZI0001")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:
        """One call too many within a window, which is named."""
        headers = {"Retry-After": str(wait_seconds(limit)), "X-RateLimit-Rejected-Bucket": name}
        message = "You have exceeded the rate limit for this resource. Please try again later."
        return self.error(429, message, code="ZI0004", headers=headers)

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return refusal("PFAPI0006", f"{problem.field}: {problem.message}")


def refusal(code: str, message: str) -> ZoomInfoError:
    """A request that is refused, by its code."""
    return ZoomInfoError(400, message, code=code)


@dataclass(frozen=True)
class Tokens(Authentication):
    """The tokens that were handed out, each with its end; `key` is what no client has."""

    ends: dict[str, float] = field(default_factory=dict)

    def hand_out(self, number: int) -> str:
        """Make a token that lives for an hour."""
        token = f"zi_sandbox_{number}"
        self.ends[token] = window_time() + TOKEN_LIFE
        return token

    def accepts(self, key: str) -> bool:
        """Whether the token was handed out and has not ended."""
        return window_time() < self.ends.get(key, float("-inf"))


def api(limits: Limits, tokens: Tokens) -> Api:
    """ZoomInfo's tokens, limits, headers and errors around the handlers."""

    def headers(_: Request, status: int) -> dict[str, str]:  # noqa: ARG001
        left = {name: limit.remaining for name, limit in limits.by_name().items()}
        return {f"X-RateLimit-Remaining-{name.capitalize()}": str(value) for name, value in left.items()}

    return Api(tokens, ZoomInfoErrors(), limits=lambda _: limits.by_name(), headers=headers)
