"""Who may call Factors.ai, how often, and how it refuses. Neither limits nor bodies of errors are published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, bearer_token
from gtm_platform.sandbox.kit.errors import ApiError, PlainErrors
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


def api(limits: Limits) -> Api:
    """Factors.ai's token, limit and errors around the handlers."""
    return Api(
        Authentication(TOKEN, (bearer_token,)), PlainErrors(FactorsError), limits=lambda _: {"calls": limits.calls}
    )
