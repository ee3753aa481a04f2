"""The routes of the HubSpot emulator: the whole API on one page."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gtm_platform.sandbox.hubspot import account, associations, batch, objects, schema, search
from gtm_platform.sandbox.hubspot.access import Limits, check_rate, check_token
from gtm_platform.sandbox.hubspot.errors import RefusedError
from gtm_platform.sandbox.hubspot.portal import Portal
from gtm_platform.sandbox.hubspot.store import HubSpotStore

Handler = Callable[[Portal, Request], Awaitable[Response]]
Table = list[tuple[str, str, Handler]]

_OBJECT_PREFIXES = ("/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09")

_OBJECTS: Table = [
    ("POST", "/{kind}/search", search.search),
    ("POST", "/{kind}/batch/read", batch.read),
    ("POST", "/{kind}/batch/create", batch.create),
    ("POST", "/{kind}/batch/update", batch.update),
    ("POST", "/{kind}/batch/upsert", batch.upsert),
    ("POST", "/{kind}/batch/archive", batch.archive),
    ("POST", "/{kind}/merge", objects.merge),
    ("POST", "/{kind}/gdpr-delete", objects.erase),
    ("GET", "/{kind}", objects.page),
    ("POST", "/{kind}", objects.create),
    ("GET", "/{kind}/{id}", objects.get),
    ("PATCH", "/{kind}/{id}", objects.update),
    ("DELETE", "/{kind}/{id}", objects.archive),
]

_PAIR = "/crm/v4/objects/{source}/{id}/associations/{target}/{other}"
_PAIRS = "/crm/v4/associations/{source}/{target}"

_OTHERS: Table = [
    ("GET", "/crm/v4/objects/{source}/{id}/associations/{target}", associations.page),
    ("PUT", "/crm/v4/objects/{source}/{id}/associations/default/{target}/{other}", associations.link_default),
    ("PUT", _PAIR, associations.link_typed),
    ("DELETE", _PAIR, associations.part),
    ("POST", f"{_PAIRS}/batch/read", associations.batch_read),
    ("POST", f"{_PAIRS}/batch/associate/default", associations.batch_link_default),
    ("POST", f"{_PAIRS}/batch/create", associations.batch_link_typed),
    ("POST", f"{_PAIRS}/batch/archive", associations.batch_part),
    ("POST", f"{_PAIRS}/batch/labels/archive", associations.batch_unlabel),
    ("GET", f"{_PAIRS}/labels", associations.labels),
    ("GET", "/crm/v3/properties/{kind}/groups", schema.list_groups),
    ("POST", "/crm/v3/properties/{kind}/groups", schema.create_group),
    ("GET", "/crm/v3/properties/{kind}/groups/{name}", schema.get_group),
    ("PATCH", "/crm/v3/properties/{kind}/groups/{name}", schema.update_group),
    ("DELETE", "/crm/v3/properties/{kind}/groups/{name}", schema.archive_group),
    ("POST", "/crm/v3/properties/{kind}/batch/create", schema.create_properties),
    ("GET", "/crm/v3/properties/{kind}", schema.properties),
    ("POST", "/crm/v3/properties/{kind}", schema.create_property),
    ("GET", "/crm/v3/properties/{kind}/{name}", schema.get_property),
    ("PATCH", "/crm/v3/properties/{kind}/{name}", schema.update_property),
    ("DELETE", "/crm/v3/properties/{kind}/{name}", schema.archive_property),
    ("GET", "/crm/v3/owners", account.owners),
    ("GET", "/crm/v3/owners/", account.owners),
    ("GET", "/crm/v3/owners/{id}", account.owner),
    ("GET", "/crm/v3/pipelines/{kind}", account.pipelines),
    ("GET", "/crm/v3/pipelines/{kind}/{id}", account.pipeline),
    ("GET", "/crm/v3/pipelines/{kind}/{id}/stages", account.stages),
    ("GET", "/account-info/v3/details", account.details),
]


def app(
    store: HubSpotStore,
    clock: Callable[[], datetime],
    keep: Callable[[dict[str, Any]], None] = lambda _: None,
    limits: Limits | None = None,
) -> Starlette:
    """HubSpot on this store; `keep` is told of each accepted write before it is answered."""
    portal = Portal(store, clock, keep)
    limits = limits or Limits()
    table = [(method, prefix + path, handler) for prefix in _OBJECT_PREFIXES for method, path, handler in _OBJECTS]
    routes = [
        Route(path, _guarded(portal, limits, handler), methods=[method]) for method, path, handler in table + _OTHERS
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _no_such_call})


def _guarded(portal: Portal, limits: Limits, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """The handler behind the token and the limits. Searches have a limit of their own and tell nothing of it."""
    searching = handler is search.search

    async def answer(request: Request) -> Response:
        try:
            check_token(request)
            check_rate(limits, searching=searching)
            response = await handler(portal, request)
        except RefusedError as refusal:
            response = refusal.response()
        if response.status_code != 401 and not searching:
            response.headers.update(limits.headers())
        return response

    return answer


async def _no_such_call(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return RefusedError(
        error.status_code, f"{request.method} {request.url.path}: {error.detail}", "NOT_FOUND"
    ).response()
