"""The routes of the HubSpot emulator: the whole API on one page."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from gtm_platform.sandbox.hubspot import (
    account,
    associations,
    batch,
    groups,
    legacy_properties,
    objects,
    properties,
    schemas,
    search,
)
from gtm_platform.sandbox.hubspot.access import Limits, api
from gtm_platform.sandbox.hubspot.company_creation import CompanyCreation
from gtm_platform.sandbox.hubspot.portal import Portal
from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.sandbox.kit.write_log import Persist, discard

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

_PAIR = "/crm/v4/objects/{source}/{id}/associations/{target}/{target_id}"
_PAIRS = "/crm/v4/associations/{source}/{target}"

_REST: Table = [
    ("GET", "/crm/v4/objects/{source}/{id}/associations/{target}", associations.page),
    ("PUT", "/crm/v4/objects/{source}/{id}/associations/default/{target}/{target_id}", associations.link_default),
    ("PUT", _PAIR, associations.link_typed),
    ("DELETE", _PAIR, associations.part),
    ("POST", f"{_PAIRS}/batch/read", associations.batch_read),
    ("POST", f"{_PAIRS}/batch/associate/default", associations.batch_link_default),
    ("POST", f"{_PAIRS}/batch/create", associations.batch_link_typed),
    ("POST", f"{_PAIRS}/batch/archive", associations.batch_part),
    ("POST", f"{_PAIRS}/batch/labels/archive", associations.batch_unlabel),
    ("GET", f"{_PAIRS}/labels", associations.labels),
    ("GET", "/crm/v3/properties/{kind}/groups", groups.list_groups),
    ("POST", "/crm/v3/properties/{kind}/groups", groups.create_group),
    ("GET", "/crm/v3/properties/{kind}/groups/{name}", groups.get_group),
    ("PATCH", "/crm/v3/properties/{kind}/groups/{name}", groups.update_group),
    ("DELETE", "/crm/v3/properties/{kind}/groups/{name}", groups.archive_group),
    ("POST", "/crm/v3/properties/{kind}/batch/create", properties.create_properties),
    ("GET", "/crm/v3/properties/{kind}", properties.properties),
    ("POST", "/crm/v3/properties/{kind}", properties.create_property),
    ("GET", "/crm/v3/properties/{kind}/{name}", properties.get_property),
    ("PATCH", "/crm/v3/properties/{kind}/{name}", properties.update_property),
    ("DELETE", "/crm/v3/properties/{kind}/{name}", properties.archive_property),
    ("GET", "/properties/v1/{kind}/properties", legacy_properties.page),
    ("GET", "/properties/v1/{kind}/properties/named/{name}", legacy_properties.get),
    ("GET", "/properties/v2/{kind}/properties", legacy_properties.page),
    ("GET", "/properties/v2/{kind}/properties/named/{name}", legacy_properties.get),
    ("GET", "/crm/v3/schemas", schemas.page),
    ("GET", "/crm/v3/schemas/{kind}", schemas.get),
    ("GET", "/crm/v3/owners", account.owners),
    ("GET", "/crm/v3/owners/", account.owners),
    ("GET", "/crm/v3/owners/{id}", account.owner),
    ("GET", "/crm/v3/pipelines/{kind}", account.pipelines),
    ("GET", "/crm/v3/pipelines/{kind}/{id}", account.pipeline),
    ("GET", "/crm/v3/pipelines/{kind}/{id}/stages", account.stages),
    ("GET", "/account-info/v3/details", account.details),
    ("POST", "/oauth/v2/private-apps/get/access-token-info", account.token_info),
]


def app(
    store: HubSpotStore,
    clock: Callable[[], datetime],
    persist: Persist = discard,
    limits: Limits | None = None,
    search_lag: timedelta = timedelta(),
    company_lag: timedelta = timedelta(),
) -> Starlette:
    """HubSpot on this store; each accepted write is persisted before it is answered."""
    portal = Portal(store, clock, persist, search_lag)
    companies = CompanyCreation(portal, company_lag)
    portal.after_write = companies.note
    table = [(method, prefix + path, handler) for prefix in _OBJECT_PREFIXES for method, path, handler in _OBJECTS]
    bound = [(method, path, partial(_answer, portal, companies, handler)) for method, path, handler in table + _REST]
    return api(limits or Limits()).app(bound)


async def _answer(portal: Portal, companies: CompanyCreation, handler: Handler, request: Request) -> Response:
    """Answer a request once HubSpot has done what was due by itself."""
    companies.catch_up()
    return await handler(portal, request)
