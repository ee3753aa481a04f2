"""Who may call Calendly, how often, and how it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, bearer_token
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors
from gtm_platform.sandbox.kit.limits import Limit, Rate, RateHeaders

TOKEN = "calendly-sandbox-token"  # of the organisation's owner

# The numbers are not established: what is said of paid plans, and the headers that some accounts send.
DOCUMENTED: Mapping[str, Rate] = {"calls": Rate(500, 60)}
_HEADERS = RateHeaders("X-RateLimit-Limit", "X-RateLimit-Remaining", reset_in="X-RateLimit-Reset")

_TITLES = {
    400: "Invalid Argument",
    401: "Unauthenticated",
    403: "Permission Denied",
    404: "Resource Not Found",
    409: "Already Exists",
    429: "Too Many Requests",
}


@dataclass
class Limits:
    """How many calls are left."""

    calls: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["calls"]))


class CalendlyError(ApiError):
    """A refusal in Calendly's shape."""

    def body(self, request_number: int) -> dict[str, Any]:  # noqa: ARG002
        """Title, message, and the parameter that it is about."""
        body: dict[str, Any] = {"title": _TITLES[self.status], "message": self.message}
        if self.field:
            body["details"] = [{"parameter": self.field, "message": self.code or "is invalid"}]
        return body


class CalendlyErrors(Errors):
    """The kit's refusals in Calendly's words."""

    def __init__(self) -> None:
        super().__init__(CalendlyError)

    def unauthorized(self, key: str) -> ApiError:  # noqa: ARG002
        """A missing token is refused like a wrong one."""
        return self.error(401, "The access token is invalid")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """One call too many."""
        return self.error(429, "You have exceeded the rate limit. Please try again later.")

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return invalid(problem.field)

    def unknown_path(self, request: Request) -> ApiError:  # noqa: ARG002
        """No such address."""
        return not_found()


def invalid(parameter: str, problem: str = "is invalid") -> CalendlyError:
    """A parameter that is missing or cannot be used."""
    return CalendlyError(400, "The supplied parameters are invalid.", field=parameter, code=problem)


def forbidden(message: str = "You do not have permission to access this resource.") -> CalendlyError:
    """Something that the token's owner may not see."""
    return CalendlyError(403, message)


def not_found() -> CalendlyError:
    """No such record, or no such address."""
    return CalendlyError(404, "The server could not find the requested resource.")


def api(limits: Limits) -> Api:
    """Calendly's token, limit and errors around the handlers."""
    return Api(
        Authentication(TOKEN, (bearer_token,)),
        CalendlyErrors(),
        limits=lambda _: {"calls": limits.calls},
        headers=lambda _request, _status: _HEADERS.of(limits.calls),
    )
