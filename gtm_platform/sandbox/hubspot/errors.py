"""What HubSpot answers when it refuses: one exception, shown as an error body or as one of a 207's `errors`."""

import json
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.hubspot.store import PORTAL_ID
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors, path_of
from gtm_platform.sandbox.kit.limits import Limit

_POLICIES = {"daily": "DAILY", "search": "SECONDLY", "burst": "TEN_SECONDLY_ROLLING"}


class RefusedError(ApiError):
    """A request, or one input of a batch, that HubSpot does not accept."""

    def __init__(self, status: int, message: str, category: str | None = "VALIDATION_ERROR", **more: Any) -> None:
        super().__init__(status, message, code=category)
        self.more = more

    def body(self, request_number: int) -> dict[str, Any]:
        """The error as a whole answer."""
        return {
            "status": "error",
            "message": self.message,
            "correlationId": f"00000000-0000-4000-8000-{request_number:012d}",
            **({"category": self.code} if self.code else {}),
            **self.more,
        }

    def entry(self, context: dict[str, list[str]]) -> dict[str, Any]:
        """The error as one of those of a multi-status answer."""
        return {
            "status": "error",
            "category": self.code,
            "message": self.message,
            "errors": [],
            "links": {},
            **self.more,
            "context": {**self.more.get("context", {}), **context},
        }


class HubSpotErrors(Errors):
    """The kit's refusals in HubSpot's words."""

    def unauthorized(self, key: str) -> ApiError:  # noqa: ARG002  HubSpot words a missing and a wrong key alike
        """No token, or a wrong one."""
        message = "Authentication credentials not found. This API supports OAuth 2.0 authentication."
        return RefusedError(401, message, "INVALID_AUTHENTICATION")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002  the figures are in the headers
        """The body of a 429 has an `errorType` where other errors have a category."""
        policy = _POLICIES[name]
        words = policy.lower()
        group = f"publicapi:private-app-api-calls-{words.removesuffix('_rolling').replace('_', '-')}:{PORTAL_ID}"
        more = {"errorType": "RATE_LIMIT", "policyName": policy, "groupName": group}
        return RefusedError(429, f"You have reached your {words} limit.", None, **more)

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that the kit cannot read."""
        return RefusedError(400, problem.message)

    def unknown_path(self, request: Request) -> ApiError:
        """No such address, or not with this method."""
        return RefusedError(404, f"{request.method} {path_of(request)}: Not Found", "NOT_FOUND")


def missing_record(singular: str, ids: list[str]) -> RefusedError:
    """Records that an id or a unique value does not lead to."""
    message = (
        f"Could not get some {singular.upper()} objects, they may be deleted or not exist. Check that ids are valid."
    )
    return RefusedError(404, message, "OBJECT_NOT_FOUND", context={"ids": ids})


def bad_values(problems: list[dict[str, str]]) -> RefusedError:
    """The older form, a JSON array inside the message, together with the newer `errors`."""
    nested = [
        {"isValid": False, "message": problem["message"], "error": problem["error"], "name": problem["name"]}
        for problem in problems
    ]
    errors = [
        {"message": problem["message"], "code": problem["error"], "context": {"propertyName": [problem["name"]]}}
        for problem in problems
    ]
    text = json.dumps(nested, separators=(",", ":"))
    return RefusedError(400, f"Property values were not valid: {text}", errors=errors)
