"""How Intercom refuses: the list of errors, and the refusals that several endpoints share."""

from starlette.requests import Request

from gtm_platform.sandbox.intercom.wire import Shape
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors
from gtm_platform.sandbox.kit.limits import Limit


class IntercomError(ApiError):
    """A refusal in Intercom's shape."""

    def body(self, request_number: int) -> Shape:
        """A list with one error."""
        error = {"code": self.code, "message": self.message} | ({"field": self.field} if self.field else {})
        request_id = f"00000000-0000-4000-8000-{request_number:012d}"
        return {"type": "error.list", "request_id": request_id, "errors": [error]}


class IntercomErrors(Errors):
    """The kit's refusals in Intercom's words."""

    def __init__(self) -> None:
        super().__init__(IntercomError)

    def unauthorized(self, key: str) -> ApiError:  # noqa: ARG002
        """A missing token is refused like a wrong one."""
        return self.error(401, "Access Token Invalid", code="unauthorized")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """One call more than the only limit allows."""
        message = f"Exceeded rate limit of {limit.calls} in {limit.seconds:.0f}_seconds"
        return self.error(429, message, code="rate_limit_exceeded")

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return invalid(problem.message, problem.field)

    def unknown_path(self, request: Request) -> ApiError:  # noqa: ARG002
        """No such address; Intercom does not repeat it."""
        return not_found()


def invalid(message: str, field: str | None = None) -> IntercomError:
    """A parameter that cannot be what it is."""
    return IntercomError(400, message, code="parameter_invalid", field=field)


def missing(name: str) -> IntercomError:
    """A required parameter is not in the request."""
    return IntercomError(400, f"{name} not specified", code="parameter_not_found", field=name)


def not_found(message: str = "Resource Not Found", code: str = "not_found") -> IntercomError:
    """No such record, or no such address."""
    return IntercomError(404, message, code=code)
