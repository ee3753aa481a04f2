"""The groups that property definitions stand in."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.hubspot.errors import RefusedError
from gtm_platform.sandbox.hubspot.inputs import ChangedGroup, NewGroup, body_of
from gtm_platform.sandbox.hubspot.kinds import Kind
from gtm_platform.sandbox.hubspot.objects import kind_in
from gtm_platform.sandbox.hubspot.portal import Portal
from gtm_platform.sandbox.hubspot.properties import is_archived
from gtm_platform.sandbox.hubspot.standard import groups


async def list_groups(portal: Portal, request: Request) -> Response:
    """The groups of an object type."""
    by_name = groups(portal.store, kind_in(request))
    return JSONResponse({"results": [group for group in by_name.values() if not is_archived(group)]})


async def get_group(portal: Portal, request: Request) -> Response:
    """One group."""
    return JSONResponse(_existing_group(portal, request))


def _existing_group(portal: Portal, request: Request) -> dict[str, Any]:
    name = request.path_params["name"]
    group = groups(portal.store, kind_in(request)).get(name)
    if group is None or is_archived(group):
        raise RefusedError(404, f"Property group {name} does not exist", "OBJECT_NOT_FOUND")
    return group


async def create_group(portal: Portal, request: Request) -> Response:
    """A new group; the name of an archived one may be used again."""
    kind, body = kind_in(request), await body_of(request, NewGroup)
    existing = groups(portal.store, kind).get(body.name)
    if existing is not None and not is_archived(existing):
        message = f"A property group named '{body.name}' already exists."
        raise RefusedError(409, message, "OBJECT_ALREADY_EXISTS", context={"name": [body.name]})
    return _save_group(portal, kind, {**body.model_dump(by_alias=True), "archived": False}, 201)


async def update_group(portal: Portal, request: Request) -> Response:
    """A group's label or place."""
    kind, body = kind_in(request), await body_of(request, ChangedGroup)
    changes = body.model_dump(by_alias=True, exclude_none=True)
    return _save_group(portal, kind, {**_existing_group(portal, request), **changes}, 200)


def _save_group(portal: Portal, kind: Kind, group: dict[str, Any], status: int) -> Response:
    portal.do({"do": "group", "kind": kind.name, "group": group})
    return JSONResponse(group, status)


async def archive_group(portal: Portal, request: Request) -> Response:
    """Archive a group."""
    group = _existing_group(portal, request)
    _save_group(portal, kind_in(request), {**group, "archived": True}, 200)
    return Response(status_code=204)
