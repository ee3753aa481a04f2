"""The account's own facts: owners, pipelines and details."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.hubspot.errors import RefusedError
from gtm_platform.sandbox.hubspot.kinds import DEALS
from gtm_platform.sandbox.hubspot.objects import kind_in
from gtm_platform.sandbox.hubspot.portal import Portal
from gtm_platform.sandbox.hubspot.render import (
    PORTAL_ID,
    Wire,
    after_id,
    cursor,
    flag_asked,
    limit_asked,
    next_page,
    owner_wire,
)


async def details(_portal: Portal, _request: Request) -> Response:
    return JSONResponse(
        {
            "portalId": PORTAL_ID,
            "accountType": "DEVELOPER_TEST",
            "timeZone": "UTC",
            "companyCurrency": "USD",
            "additionalCurrencies": [],
            "utcOffset": "+00:00",
            "utcOffsetMilliseconds": 0,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }
    )


async def owners(portal: Portal, request: Request) -> Response:
    limit = limit_asked(request, default=100, most=500)
    archived, email = flag_asked(request, "archived"), request.query_params.get("email")
    start = after_id(request.query_params.get("after"))
    found = sorted(
        (
            owner
            for owner in portal.store.owners.values()
            if owner.archived == archived and int(owner.id) > start and email in (None, owner.email)
        ),
        key=lambda owner: int(owner.id),
    )
    body: Wire = {"results": [owner_wire(owner) for owner in found[:limit]]}
    if len(found) > limit:
        body["paging"] = next_page(request, cursor(found[limit - 1].id))
    return JSONResponse(body)


async def owner(portal: Portal, request: Request) -> Response:
    key, by_user = request.path_params["id"], request.query_params.get("idProperty") == "userId"
    archived = flag_asked(request, "archived")
    for found in portal.store.owners.values():
        if key == (str(found.user_id) if by_user else found.id) and found.archived == archived:
            return JSONResponse(owner_wire(found))
    raise RefusedError(404, f"Owner {key} does not exist.", "OBJECT_NOT_FOUND")


def _pipelines(portal: Portal, request: Request) -> list[Wire]:
    return portal.store.pipelines if kind_in(request) is DEALS else []


async def pipelines(portal: Portal, request: Request) -> Response:
    return JSONResponse({"results": _pipelines(portal, request)})


async def pipeline(portal: Portal, request: Request) -> Response:
    return JSONResponse(_existing_pipeline(portal, request))


async def stages(portal: Portal, request: Request) -> Response:
    return JSONResponse({"results": _existing_pipeline(portal, request)["stages"]})


def _existing_pipeline(portal: Portal, request: Request) -> Wire:
    key = request.path_params["id"]
    for found in _pipelines(portal, request):
        if found["id"] == key:
            return found
    raise RefusedError(404, f"Pipeline {key} does not exist.", "OBJECT_NOT_FOUND")
