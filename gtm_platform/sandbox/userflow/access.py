"""Who may call Userflow, how often, and how it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, bearer_token
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors
from gtm_platform.sandbox.kit.limits import Limit, Rate

TOKEN = "ak_sandbox"
API_VERSION = "2020-01-03"

# The numbers are not established, nor is a limit on concurrent calls that could be counted: this is a careful guess.
DOCUMENTED: Mapping[str, Rate] = {"calls": Rate(100, 10)}


@dataclass
class Limits:
    """How many calls are left."""

    calls: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["calls"]))


class UserflowError(ApiError):
    """A refusal in Userflow's shape."""

    def body(self, request_number: int) -> dict[str, Any]:  # noqa: ARG002
        """Code and message."""
        return {"error": {"code": self.code, "message": self.message}}


class UserflowErrors(Errors):
    """The kit's refusals in Userflow's words."""

    def __init__(self) -> None:
        super().__init__(UserflowError)

    def unauthorized(self, key: str) -> ApiError:  # noqa: ARG002
        """A missing key is refused like one of another environment."""
        return self.error(401, "Invalid API key", code="unauthorized")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """One call too many. Whether Retry-After comes is not established: there is none."""
        return self.error(429, "Too many requests", code="rate_limit_exceeded")

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return invalid(f"{problem.field}: {problem.message}")

    def unknown_path(self, request: Request) -> ApiError:  # noqa: ARG002
        """No such address."""
        return not_found("Not found")


def invalid(message: str) -> UserflowError:
    """A parameter that cannot be used."""
    return UserflowError(400, message, code="invalid_params")


def not_found(message: str) -> UserflowError:
    """No such record, or no such address."""
    return UserflowError(404, message, code="not_found")


def api(limits: Limits) -> Api:
    """Userflow's key, limit and errors around the handlers."""
    return Api(Authentication(TOKEN, (bearer_token,)), UserflowErrors(), limits=lambda _: {"calls": limits.calls})
