"""Who may call ChartMogul, how often, and how it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, basic_user
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors
from gtm_platform.sandbox.kit.limits import Limit, Rate

TOKEN = "chartmogul-sandbox-key"

# The limits on computing time and on connections have no published numbers that could be counted here.
DOCUMENTED: Mapping[str, Rate] = {"calls": Rate(40, 1)}


@dataclass
class Limits:
    """How many calls are left."""

    calls: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["calls"]))


class ChartMogulError(ApiError):
    """A refusal; the bodies are not uniform: about a parameter, about the key, or a mere message."""

    def body(self, request_number: int) -> dict[str, Any]:  # noqa: ARG002
        """One of the three shapes."""
        if self.field:
            return {"errors": {self.field: self.message}}
        if self.status == 401:
            return {"code": self.status, "message": self.message, "params": None}
        return {"message": self.message}


class ChartMogulErrors(Errors):
    """The kit's refusals in ChartMogul's words."""

    def __init__(self) -> None:
        super().__init__(ChartMogulError)

    def unauthorized(self, key: str) -> ApiError:  # noqa: ARG002
        """A missing key is refused like a wrong one."""
        return self.error(401, "No valid API key provided")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """One call too many. No Retry-After header is documented."""
        return self.error(429, "Your request rate has exceeded our rate limit.")

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return invalid(problem.field, problem.message)

    def unknown_path(self, request: Request) -> ApiError:  # noqa: ARG002
        """No such address."""
        return not_found()


def invalid(parameter: str, problem: str, status: int = 400) -> ChartMogulError:
    """A parameter that is missing or cannot be used."""
    return ChartMogulError(status, problem, field=parameter)


def not_found() -> ChartMogulError:
    """No such record, or no such address."""
    return ChartMogulError(404, "Not found")


def api(limits: Limits) -> Api:
    """ChartMogul's key, limit and errors around the handlers."""
    return Api(Authentication(TOKEN, (basic_user,)), ChartMogulErrors(), limits=lambda _: {"calls": limits.calls})
