"""The account's own facts: owners, pipelines and details."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.hubspot.access import TOKEN
from gtm_platform.sandbox.hubspot.errors import RefusedError
from gtm_platform.sandbox.hubspot.inputs import TokenKey, body_of
from gtm_platform.sandbox.hubspot.kinds import DEALS
from gtm_platform.sandbox.hubspot.objects import kind_in
from gtm_platform.sandbox.hubspot.portal import Portal
from gtm_platform.sandbox.hubspot.render import APP, USER, Wire, flag_in, owner_wire, page_wire
from gtm_platform.sandbox.hubspot.store import HubSpotOwner
from gtm_platform.sandbox.kit.paging import CursorPaging, PageSize

OWNERS_PAGING = CursorPaging(PageSize(default=100, largest=500))


async def details(portal: Portal, _request: Request) -> Response:
    """Which account the token belongs to."""
    return JSONResponse(
        {
            "portalId": portal.store.portal_id,
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


async def token_info(portal: Portal, request: Request) -> Response:
    """Which app and user a token of a private app belongs to."""
    if (await body_of(request, TokenKey)).token_key != TOKEN:
        raise RefusedError(404, "The token is not one of a private app.", "OBJECT_NOT_FOUND")
    scopes = [f"crm.objects.{kind}.{may}" for kind in ("companies", "contacts", "deals") for may in ("read", "write")]
    return JSONResponse({"userId": USER, "hubId": portal.store.portal_id, "appId": int(APP), "scopes": scopes})


async def owners(portal: Portal, request: Request) -> Response:
    """The users that records can belong to, or those who have left."""
    archived, email = flag_in(request, "archived"), request.query_params.get("email")
    matching = [each for each in portal.store.owners.values() if each.archived == archived]
    ordered = sorted((each for each in matching if email in (None, each.email)), key=_number)
    page = OWNERS_PAGING.page(ordered, request.query_params, _number)
    return JSONResponse(page_wire(request, [owner_wire(each) for each in page.rows], page))


def _number(owner: HubSpotOwner) -> int:
    return int(owner.id)


async def owner(portal: Portal, request: Request) -> Response:
    """One owner, by its id or by the user's."""
    key, by_user = request.path_params["id"], request.query_params.get("idProperty") == "userId"
    archived = flag_in(request, "archived")
    for each in portal.store.owners.values():
        if key == (str(each.user_id) if by_user else each.id) and each.archived == archived:
            return JSONResponse(owner_wire(each))
    raise RefusedError(404, f"Owner {key} does not exist.", "OBJECT_NOT_FOUND")


def _pipelines(portal: Portal, request: Request) -> list[Wire]:
    return portal.store.pipelines if kind_in(request) is DEALS else []


async def pipelines(portal: Portal, request: Request) -> Response:
    """All pipelines of a type, with their stages."""
    return JSONResponse({"results": _pipelines(portal, request)})


async def pipeline(portal: Portal, request: Request) -> Response:
    """One pipeline, with its stages."""
    return JSONResponse(_existing_pipeline(portal, request))


async def stages(portal: Portal, request: Request) -> Response:
    """The stages of one pipeline."""
    return JSONResponse({"results": _existing_pipeline(portal, request)["stages"]})


def _existing_pipeline(portal: Portal, request: Request) -> Wire:
    key = request.path_params["id"]
    for each in _pipelines(portal, request):
        if each["id"] == key:
            return each
    raise RefusedError(404, f"Pipeline {key} does not exist.", "OBJECT_NOT_FOUND")
