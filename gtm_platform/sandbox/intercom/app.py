"""The emulator: Intercom's addresses, and what surrounds every answer."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import count

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gtm_platform.sandbox.intercom.access import DOCUMENTED, Access, Limits
from gtm_platform.sandbox.intercom.endpoints import Call, Endpoints
from gtm_platform.sandbox.intercom.errors import IntercomError, not_found
from gtm_platform.sandbox.intercom.store import IntercomStore
from gtm_platform.sandbox.intercom.wire import Shape

METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]

Answer = Callable[[Call], Shape]


def app(
    store: IntercomStore,
    clock: Callable[[], datetime],  # noqa: ARG001  all emulators are made alike; no answer here depends on the time
    limits: Limits = DOCUMENTED,
) -> Starlette:
    endpoints, access, numbers = Endpoints(store, limits), Access(limits), count(1)

    def route(method: str, path: str, answer: Answer) -> Route:
        return Route(path, _endpoint(answer, access, numbers), methods=[method])

    return Starlette(
        routes=[
            route("GET", "/me", endpoints.me),
            route("GET", "/contacts", endpoints.contacts),
            route("POST", "/contacts/search", endpoints.search_contacts),
            route("GET", "/contacts/{id}", endpoints.contact),
            route("GET", "/contacts/{id}/companies", endpoints.contact_companies),
            route("GET", "/contacts/{id}/tags", endpoints.contact_tags),
            route("GET", "/data_attributes", endpoints.data_attributes),
            route("GET", "/companies", endpoints.find_companies),
            route("GET", "/companies/scroll", endpoints.scroll_companies),
            route("POST", "/companies/list", endpoints.list_companies),
            route("GET", "/companies/{id}", endpoints.company),
            route("GET", "/companies/{id}/contacts", endpoints.company_contacts),
            route("GET", "/conversations", endpoints.conversations),
            route("POST", "/conversations/search", endpoints.search_conversations),
            route("GET", "/conversations/{id}", endpoints.conversation),
            route("POST", "/tickets/search", endpoints.search_tickets),
            route("GET", "/admins", endpoints.admins),
            route("GET", "/teams", endpoints.teams),
            route("GET", "/tags", endpoints.tags),
            Route("/{path:path}", _endpoint(_nowhere, access, numbers), methods=METHODS),
        ]
    )


def _nowhere(_: Call) -> Shape:
    raise not_found()


def _endpoint(answer: Answer, access: Access, numbers: "count[int]") -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            access.admit(request.headers)
            call = Call(request.url, request.path_params, request.query_params, await request.body())
            shape, status = answer(call), 200
        except IntercomError as error:
            shape, status = error.body(f"00000000-0000-4000-8000-{next(numbers):012d}"), error.status
        return JSONResponse(shape, status, access.headers())

    return endpoint
