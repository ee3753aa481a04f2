"""An emulator's addresses behind what surrounds every answer: the key, the limits, the headers and the errors."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gtm_platform.sandbox.kit.authentication import Authentication
from gtm_platform.sandbox.kit.errors import ApiError, BadParameterError, Errors
from gtm_platform.sandbox.kit.limits import Limit

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

Handler = Callable[[Request], Awaitable[Any]]  # answers a Response, or what becomes JSON with status 200
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Api:
    """Authentication, limits, errors and headers around every handler of a system.

    `limits` are those that a request counts against, by name, the first refusal counts; `headers` are those of the
    answer to a request with this status.
    """

    authentication: Authentication
    errors: Errors = field(default_factory=Errors)
    limits: Callable[[Request], Mapping[str, Limit]] = lambda _: {}
    headers: Callable[[Request, int], Mapping[str, str]] = lambda _request, _status: {}
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def app(self, table: Iterable[tuple[str, str, Handler]]) -> Starlette:
        """An application of rows of method, path and handler; any other address is refused in the system's words."""
        routes = [Route(path, self.guarded(handler), methods=[method]) for method, path, handler in table]
        return Starlette(routes=[*routes, Route("/{path:path}", self.guarded(self._unknown_path), methods=METHODS)])

    def guarded(self, handler: Handler) -> Endpoint:
        """The handler behind the key and the limits, its errors in the system's shape."""

        async def endpoint(request: Request) -> Response:
            request.state.number = next(self._numbers)
            try:
                self._admit(request)
                response = as_response(await handler(request))
            except BadParameterError as problem:
                response = self.errors.bad_parameter(problem).response(request.state.number)
            except ApiError as error:
                response = error.response(request.state.number)
            response.headers.update(self.headers(request, response.status_code))
            return response

        return endpoint

    def _admit(self, request: Request) -> None:
        key = self.authentication.presented(request)
        if not self.authentication.accepts(key):
            raise self.errors.unauthorized(key)
        for name, limit in self.limits(request).items():
            if not limit.take():
                raise self.errors.too_many_calls(name, limit)

    async def _unknown_path(self, request: Request) -> Response:
        raise self.errors.unknown_path(request)


def as_response(answer: Any) -> Response:
    """A response as it is, anything else as JSON."""
    return answer if isinstance(answer, Response) else JSONResponse(answer)


async def json_object(request: Request) -> dict[str, Any]:
    """The body, which has to be a JSON object; an empty body is an empty object."""
    try:
        body = await request.json() if await request.body() else {}
    except ValueError as error:
        raise BadParameterError("body", f"The body is not JSON: {error}.") from error
    if not isinstance(body, dict):
        raise BadParameterError("body", "The body is not a JSON object.")
    return body
