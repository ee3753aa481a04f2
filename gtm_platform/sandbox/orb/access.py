"""Who may call Orb, how often, and how it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, bearer_token
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors
from gtm_platform.sandbox.kit.limits import Limit, Rate

TOKEN = "orb-sandbox-key"

# No limit on reading is published: this one is the pace that is advised.
DOCUMENTED: Mapping[str, Rate] = {"calls": Rate(50, 10)}
_REFERENCE = "https://docs.withorb.com/reference/error-responses"


@dataclass
class Limits:
    """How many calls are left."""

    calls: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["calls"]))


class OrbError(ApiError):
    """A refusal as a problem document; clients tell them apart by the fragment of its type."""

    def body(self, request_number: int) -> dict[str, Any]:  # noqa: ARG002
        """Status, type, title and what is wrong."""
        body = {
            "status": self.status,
            "type": f"{_REFERENCE}#{self.code}",
            "title": (self.code or "").partition("-")[2].replace("-", " ").capitalize(),
            "detail": self.message,
        }
        return {**body, "validation_errors": [f"{self.field}: {self.message}"]} if self.field else body


class OrbErrors(Errors):
    """The kit's refusals in Orb's words."""

    def __init__(self) -> None:
        super().__init__(OrbError)

    def unauthorized(self, key: str) -> ApiError:  # noqa: ARG002
        """A missing key is refused like a wrong one."""
        return self.error(401, "Incorrect API key provided.", code="401-authentication-error")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """One call too many. Whether a Retry-After header comes is not established: there is none."""
        return self.error(429, "Too many requests. Slow down.", code="429-too-many-requests")

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return invalid(problem.field, problem.message)

    def unknown_path(self, request: Request) -> ApiError:  # noqa: ARG002
        """No such address."""
        return self.error(404, "The URL does not exist.", code="404-url-not-found")


def invalid(parameter: str, problem: str) -> OrbError:
    """A parameter that cannot be used."""
    return OrbError(400, problem, code="400-request-validation-errors", field=parameter)


def not_found(kind: str) -> OrbError:
    """No such record."""
    return OrbError(404, f"No {kind} with that id.", code="404-resource-not-found")


def api(limits: Limits) -> Api:
    """Orb's key, limit and errors around the handlers."""
    return Api(Authentication(TOKEN, (bearer_token,)), OrbErrors(), limits=lambda _: {"calls": limits.calls})
