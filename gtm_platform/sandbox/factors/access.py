"""Who may call Factors.ai, how often, and how it refuses. Neither limits nor bodies of errors are published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, bearer_token
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors
from gtm_platform.sandbox.kit.limits import Limit, Rate

TOKEN = "factors-sandbox-token"
PREFIX = "/open/v1"
DOCUMENTED: Mapping[str, Rate] = {"calls": Rate(60, 60)}


@dataclass
class Limits:
    """How many calls are left."""

    calls: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["calls"]))


class FactorsError(ApiError):
    """A refusal. Its body is not documented: nothing should depend on it."""

    def body(self, request_number: int) -> Any:  # noqa: ARG002
        """A mere message."""
        return {"error": self.message}


class FactorsErrors(Errors):
    """The kit's refusals in Factors.ai's shape."""

    def __init__(self) -> None:
        super().__init__(FactorsError)

    def unauthorized(self, key: str) -> ApiError:  # noqa: ARG002
        """A missing token is refused like a wrong one."""
        return self.error(401, "Unauthorized")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """One call too many."""
        return self.error(429, "Too many requests")

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return self.error(400, problem.message)

    def unknown_path(self, request: Request) -> ApiError:  # noqa: ARG002
        """No such address."""
        return self.error(404, "Not found")


def api(limits: Limits) -> Api:
    """Factors.ai's token, limit and errors around the handlers."""
    return Api(Authentication(TOKEN, (bearer_token,)), FactorsErrors(), limits=lambda _: {"calls": limits.calls})
