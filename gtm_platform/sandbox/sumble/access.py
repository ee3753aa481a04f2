"""Who may call Sumble, how often, and how it refuses. No header says how many calls are left, or how long to wait."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.kit.api import Api
from gtm_platform.sandbox.kit.authentication import Authentication, bearer_token
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors
from gtm_platform.sandbox.kit.limits import Limit, Rate

TOKEN = "sumble-sandbox-key"
DOCUMENTED: Mapping[str, Rate] = {"calls": Rate(10, 1)}


@dataclass
class Limits:
    """How many calls are left."""

    calls: Limit = field(default_factory=lambda: Limit(*DOCUMENTED["calls"]))


class SumbleError(ApiError):
    """A refusal: its detail is a sentence, or a list of what is wrong with the body."""

    def body(self, request_number: int) -> dict[str, Any]:  # noqa: ARG002
        """The detail."""
        if self.status != 422:
            return {"detail": self.message}
        where = ["body", *filter(None, (self.field or "").split("."))]
        return {"detail": [{"loc": where, "msg": self.message, "type": self.code or "value_error", "input": {}}]}


class SumbleErrors(Errors):
    """The kit's refusals in Sumble's shape."""

    def __init__(self) -> None:
        super().__init__(SumbleError)

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A member of the body that cannot be read."""
        return invalid(problem.field, problem.message)

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """One call too many."""
        return self.error(429, "Rate limit exceeded")

    def unknown_path(self, request: Request) -> ApiError:  # noqa: ARG002
        """No such address."""
        return self.error(404, "Not Found")


def invalid(field: str, message: str, kind: str = "value_error") -> SumbleError:
    """A member of the body that is missing, unexpected or of no use."""
    return SumbleError(422, message, code=kind, field=field)


def expect_members(body: Mapping[str, Any], allowed: Collection[str], where: str = "") -> None:
    """Refuse a body with members that Sumble does not describe."""
    for name in body.keys() - set(allowed):
        raise invalid(f"{where}.{name}" if where else name, "Extra inputs are not permitted", "extra_forbidden")


def api(limits: Limits) -> Api:
    """Sumble's key, limit, version header and errors around the handlers."""
    return Api(
        Authentication(TOKEN, (bearer_token,)),
        SumbleErrors(),
        limits=lambda _: {"calls": limits.calls},
        headers=lambda _request, _status: {"api_version": "v9"},
    )
