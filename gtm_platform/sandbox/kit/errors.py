"""What a system refuses: one exception, and the wording of the refusals that the kit itself makes.

A system subclasses `ApiError` for the shape of its error bodies, and `Errors` where its wording or status differs.
"""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.kit.limits import Limit


class ApiError(Exception):
    """A request that the emulated system refuses."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.field = field
        self.headers = dict(headers or {})

    def body(self, request_number: int) -> Any:
        """The error in the system's shape; the number makes an id for the request."""
        return {"error": {"code": self.code, "message": self.message, "request_id": str(request_number)}}

    def response(self, request_number: int) -> Response:
        """The whole answer."""
        return JSONResponse(self.body(request_number), self.status, self.headers)


class BadParameterError(Exception):
    """A parameter that the kit cannot read; `Errors` puts it into the system's words."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class Errors:
    """The refusals that the kit makes for a system, in the system's own error."""

    def __init__(self, error: Callable[..., ApiError] = ApiError) -> None:
        self.error = error

    def unauthorized(self, key: str) -> ApiError:
        """The key is missing (empty) or wrong."""
        message = "The API key is wrong." if key else "The API key is missing."
        return self.error(401, message, code="unauthorized")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:
        """One call more than the named limit allows."""
        message = f"At most {limit.calls} calls within {limit.seconds:g} seconds are allowed ({name})."
        return self.error(429, message, code="rate_limited")

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return self.error(400, problem.message, code="invalid_parameter", field=problem.field)

    def unknown_path(self, request: Request) -> ApiError:
        """No such address, or not with this method."""
        return self.error(404, f"{request.method} {path_of(request)} does not exist.", code="not_found")


class PlainErrors(Errors):
    """The refusals of a system that says little: a missing key is refused like a wrong one."""

    def unauthorized(self, key: str) -> ApiError:  # noqa: ARG002
        """The key is missing or wrong."""
        return self.error(401, "Unauthorized")

    def too_many_calls(self, name: str, limit: Limit) -> ApiError:  # noqa: ARG002
        """One call too many; how long to wait is for headers to say."""
        return self.error(429, "Too many requests")

    def bad_parameter(self, problem: BadParameterError) -> ApiError:
        """A parameter that cannot be read."""
        return self.error(400, problem.message)

    def unknown_path(self, request: Request) -> ApiError:  # noqa: ARG002
        """No such address."""
        return self.error(404, "Not found")


def path_of(request: Request) -> str:
    """The path below the emulator's own address, as its clients know it."""
    return request.url.path.removeprefix(str(request.scope.get("root_path", "")))
