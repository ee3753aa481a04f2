"""Who may call PartnerStack, how often, and how it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, basic_password, basic_user
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors
from gtm_platform.sandbox.kit.limits import Limit, Rate

PUBLIC_KEY, SECRET_KEY = "pk_sandbox", "sk_sandbox"

DOCUMENTED: Mapping[str, Rate] = {"calls": Rate(50, 5)}  # none is published: a careful guess


@dataclass
class Limits:
    """How many calls are left."""

    calls: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["calls"]))


class PartnerStackError(ApiError):
    """A refusal in PartnerStack's shape."""

    def body(self, request_number: int) -> dict[str, Any]:  # noqa: ARG002
        """Message and status."""
        return {"message": self.message, "status": self.status}


class PartnerStackErrors(Errors):
    """The kit's refusals in PartnerStack's words."""

    def __init__(self) -> None:
        super().__init__(PartnerStackError)

    def unauthorized(self, key: str) -> ApiError:  # noqa: ARG002
        """A pair of keys that is missing or wrong."""
        return self.error(401, "Unauthorized")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """One call too many; how long to wait is not told."""
        return self.error(429, "Too many requests")

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return self.error(400, f"{problem.field}: {problem.message}")


def _pair(request: Request) -> str:
    return f"{basic_user(request)}:{basic_password(request)}"


def api(limits: Limits) -> Api:
    """PartnerStack's keys, limit and errors around the handlers."""
    authentication = Authentication(f"{PUBLIC_KEY}:{SECRET_KEY}", (_pair,))
    return Api(authentication, PartnerStackErrors(), limits=lambda _: {"calls": limits.calls})
