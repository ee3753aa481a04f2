"""Property definitions and the groups they stand in."""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.hubspot.batch import batch_answer, check_size
from gtm_platform.sandbox.hubspot.errors import RefusedError
from gtm_platform.sandbox.hubspot.inputs import (
    BatchProperties,
    ChangedGroup,
    ChangedProperty,
    NewGroup,
    NewProperty,
    body_of,
)
from gtm_platform.sandbox.hubspot.kinds import Kind
from gtm_platform.sandbox.hubspot.objects import kind_in
from gtm_platform.sandbox.hubspot.portal import Portal
from gtm_platform.sandbox.hubspot.render import Wire, flag_asked
from gtm_platform.sandbox.hubspot.standard import Definition, groups, modification
from gtm_platform.sandbox.hubspot.values import iso

MOST_UNIQUE = 10
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FIELD_TYPES = {
    "string": {"text", "textarea", "file", "html", "phonenumber"},
    "number": {"number", "calculation_equation"},
    "enumeration": {"select", "radio", "checkbox", "booleancheckbox"},
    "bool": {"booleancheckbox"},
    "date": {"date"},
    "datetime": {"date"},
}


# --- definitions ---------------------------------------------------------------------------------------------------


async def properties(portal: Portal, request: Request) -> Response:
    archived = flag_asked(request, "archived")
    known = portal.definitions(kind_in(request))
    return JSONResponse({"results": [found for found in known.values() if _is_archived(found) == archived]})


def _is_archived(definition: Definition) -> bool:
    return bool(definition.get("archived"))


async def get_property(portal: Portal, request: Request) -> Response:
    return JSONResponse(_existing(portal, request, archived=flag_asked(request, "archived")))


def _existing(portal: Portal, request: Request, *, archived: bool = False) -> Definition:
    name = request.path_params["name"]
    definition = portal.definitions(kind_in(request)).get(name)
    if definition is None or _is_archived(definition) != archived:
        raise RefusedError(404, f"Property {name} does not exist", "OBJECT_NOT_FOUND")
    return definition


async def create_property(portal: Portal, request: Request) -> Response:
    kind, body = kind_in(request), await body_of(request, NewProperty)
    definition = _new_definition(portal, kind, body)
    _define(portal, kind, [definition])
    return JSONResponse(definition, 201)


async def create_properties(portal: Portal, request: Request) -> Response:
    kind, body = kind_in(request), await body_of(request, BatchProperties)
    check_size(body.inputs)
    accepted: list[Definition] = []
    errors: list[Wire] = []
    for given in {given.name: given for given in body.inputs}.values():
        try:
            accepted.append(_new_definition(portal, kind, given))
        except RefusedError as refusal:
            errors.append(refusal.entry({"name": [given.name]}))
    if accepted:
        _define(portal, kind, accepted)
    return batch_answer(portal, accepted, errors, 201)


async def update_property(portal: Portal, request: Request) -> Response:
    """What is given overwrites what was there, the list of options as a whole."""
    kind, body = kind_in(request), await body_of(request, ChangedProperty)
    held = _existing(portal, request)
    given = body.model_dump(by_alias=True, exclude_none=True)
    definition = {**held, **given, "updatedAt": iso(portal.clock())}
    _check_definition(portal, kind, definition)
    _define(portal, kind, [definition])
    return JSONResponse(definition)


async def archive_property(portal: Portal, request: Request) -> Response:
    """The definition moves to the recycle bin, where it keeps its name."""
    held = _existing(portal, request)
    if not held.get("modificationMetadata", {}).get("archivable"):
        raise RefusedError(400, f"Property {held['name']} cannot be archived.")
    now = iso(portal.clock())
    _define(portal, kind_in(request), [{**held, "archived": True, "archivedAt": now}])
    return Response(status_code=204)


def _define(portal: Portal, kind: Kind, definitions: list[Definition]) -> None:
    portal.do({"do": "define", "kind": kind.name, "definitions": definitions})


def _new_definition(portal: Portal, kind: Kind, body: NewProperty) -> Definition:
    known = portal.definitions(kind)
    if body.name in known:
        message = f"A property named '{body.name}' already exists."
        raise RefusedError(409, message, "OBJECT_ALREADY_EXISTS", context={"name": [body.name]})
    if not _NAME.fullmatch(body.name):
        raise RefusedError(400, f"Property name '{body.name}' must be lower case letters, digits and underscores.")
    if body.has_unique_value and _own_unique(known) >= MOST_UNIQUE:
        raise RefusedError(400, f"At most {MOST_UNIQUE} properties of a type can have unique values.")
    now = iso(portal.clock())
    definition = {
        **body.model_dump(by_alias=True),
        "archived": False,
        "calculated": False,
        "hubspotDefined": False,
        "createdAt": now,
        "updatedAt": now,
        "createdUserId": "1",
        "updatedUserId": "1",
        "modificationMetadata": modification(read_only=False, archivable=True),
    }
    _check_definition(portal, kind, definition)
    return definition


def _own_unique(known: dict[str, Definition]) -> int:
    return sum(bool(found.get("hasUniqueValue")) for found in known.values() if not found.get("hubspotDefined"))


def _check_definition(portal: Portal, kind: Kind, definition: Definition) -> None:
    if definition["groupName"] not in groups(portal.store, kind):
        raise RefusedError(400, f"Property group '{definition['groupName']}' does not exist.")
    if definition["fieldType"] not in _FIELD_TYPES.get(definition["type"], set()):
        raise RefusedError(400, f"Field type '{definition['fieldType']}' does not go with type '{definition['type']}'.")
    values = [option["value"] for option in definition.get("options", [])]
    if len(set(values)) < len(values) or any(";" in value for value in values):
        raise RefusedError(400, "Option values must be unique and must not contain a semicolon.")
    if definition["type"] == "bool" and set(values) != {"true", "false"}:
        raise RefusedError(400, "A bool property needs the two options 'true' and 'false'.")


# --- groups --------------------------------------------------------------------------------------------------------


async def list_groups(portal: Portal, request: Request) -> Response:
    known = groups(portal.store, kind_in(request))
    return JSONResponse({"results": [group for group in known.values() if not _is_archived(group)]})


async def get_group(portal: Portal, request: Request) -> Response:
    return JSONResponse(_existing_group(portal, request))


def _existing_group(portal: Portal, request: Request) -> dict[str, Any]:
    name = request.path_params["name"]
    group = groups(portal.store, kind_in(request)).get(name)
    if group is None or _is_archived(group):
        raise RefusedError(404, f"Property group {name} does not exist", "OBJECT_NOT_FOUND")
    return group


async def create_group(portal: Portal, request: Request) -> Response:
    kind, body = kind_in(request), await body_of(request, NewGroup)
    held = groups(portal.store, kind).get(body.name)
    if held is not None and not _is_archived(held):
        message = f"A property group named '{body.name}' already exists."
        raise RefusedError(409, message, "OBJECT_ALREADY_EXISTS", context={"name": [body.name]})
    return _keep_group(portal, kind, {**body.model_dump(by_alias=True), "archived": False}, 201)


async def update_group(portal: Portal, request: Request) -> Response:
    kind, body = kind_in(request), await body_of(request, ChangedGroup)
    given = body.model_dump(by_alias=True, exclude_none=True)
    return _keep_group(portal, kind, {**_existing_group(portal, request), **given}, 200)


def _keep_group(portal: Portal, kind: Kind, group: dict[str, Any], status: int) -> Response:
    portal.do({"do": "group", "kind": kind.name, "group": group})
    return JSONResponse(group, status)


async def archive_group(portal: Portal, request: Request) -> Response:
    group = _existing_group(portal, request)
    _keep_group(portal, kind_in(request), {**group, "archived": True}, 200)
    return Response(status_code=204)
