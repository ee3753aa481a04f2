"""Who may call Reo.dev, how often, and how it refuses. The numbers of its limits are not published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, header
from gtm_platform.sandbox.kit.errors import ApiError, PlainErrors
from gtm_platform.sandbox.kit.limits import Limit, Rate, RateHeaders

TOKEN = "reo-sandbox-key"
DOCUMENTED: Mapping[str, Rate] = {"calls": Rate(120, 60)}  # none is published: a careful guess
_HEADERS = RateHeaders("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After")


@dataclass
class Limits:
    """How many calls are left."""

    calls: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["calls"]))


class ReoError(ApiError):
    """A refusal. Its body is not documented: nothing should depend on it."""

    def body(self, request_number: int) -> Any:  # noqa: ARG002
        """A mere message."""
        return {"message": self.message}


def not_found() -> ReoError:
    """No such record, or no such address."""
    return ReoError(404, "Not found")


def api(limits: Limits) -> Api:
    """Reo.dev's key, limit, headers and errors around the handlers."""

    def headers(_: Request, status: int) -> Mapping[str, str]:
        return _HEADERS.of(limits.calls) if status == 429 else {}

    return Api(
        Authentication(TOKEN, (header("x-api-key"),)),
        PlainErrors(ReoError),
        limits=lambda _: {"calls": limits.calls},
        headers=headers,
    )
