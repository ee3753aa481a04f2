"""Who may call Clay, how often, and how it refuses. The public API has a key, a table's webhook a token of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, header
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors
from gtm_platform.sandbox.kit.limits import Limit, Rate, wait_seconds

KEY, WEBHOOK_TOKEN, CALLBACK_SECRET = "clay-sandbox-key", "clay-sandbox-webhook", "clay-sandbox-callback"

DOCUMENTED: Mapping[str, Rate] = {"records": Rate(10, 1)}  # a second in a workspace; bursts of 20 are let through


@dataclass
class Limits:
    """How many calls are left."""

    records: Limit = field(default_factory=lambda: Limit(2 * DOCUMENTED["records"].calls, 2.0))


class ClayError(ApiError):
    """A refusal in Clay's shape."""

    def body(self, request_number: int) -> dict[str, Any]:  # noqa: ARG002
        """The message, and nothing else."""
        return {"message": self.message}


class ClayErrors(Errors):
    """The kit's refusals in Clay's words."""

    def __init__(self) -> None:
        super().__init__(ClayError)

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """One call too many."""
        return self.error(429, "Too many requests", headers={"Retry-After": str(wait_seconds(limit))})

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return self.error(400, f"{problem.field}: {problem.message}")


def public_api(limits: Limits) -> Api:
    """The key, the limit and the errors of the public API."""
    authentication = Authentication(KEY, (header("clay-api-key"),))
    return Api(authentication, ClayErrors(), limits=lambda _: {"records": limits.records})


def webhook_api(limits: Limits) -> Api:
    """The token, the limit and the errors of a table's webhook."""
    authentication = Authentication(WEBHOOK_TOKEN, (header("x-clay-webhook-auth"),))
    return Api(authentication, ClayErrors(), limits=lambda _: {"records": limits.records})
