"""Property definitions. Options belong to enumerations and booleans only: other types are refused with them."""

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.hubspot.batch import batch_answer, check_size
from gtm_platform.sandbox.hubspot.errors import RefusedError
from gtm_platform.sandbox.hubspot.inputs import (
    BatchProperties,
    ChangedProperty,
    NewProperty,
    body_of,
)
from gtm_platform.sandbox.hubspot.kinds import Kind
from gtm_platform.sandbox.hubspot.objects import kind_in
from gtm_platform.sandbox.hubspot.portal import Portal
from gtm_platform.sandbox.hubspot.render import Wire, flag_in
from gtm_platform.sandbox.hubspot.standard import Definition, groups, modification
from gtm_platform.sandbox.kit.render import iso_milliseconds

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
_TYPES_WITH_OPTIONS = ("enumeration", "bool")


async def properties(portal: Portal, request: Request) -> Response:
    """All definitions of an object type, or those in its recycle bin."""
    return JSONResponse({"results": defined_in(portal, kind_in(request), archived=flag_in(request, "archived"))})


def defined_in(portal: Portal, kind: Kind, *, archived: bool = False) -> list[Definition]:
    """The definitions of an object type, or those in its recycle bin."""
    return [each for each in portal.definitions(kind).values() if is_archived(each) == archived]


def is_archived(definition: Definition) -> bool:
    """Whether a definition, or a group, is in the recycle bin."""
    return bool(definition.get("archived"))


async def get_property(portal: Portal, request: Request) -> Response:
    """One definition."""
    return JSONResponse(existing(portal, request, archived=flag_in(request, "archived")))


def existing(portal: Portal, request: Request, *, archived: bool = False) -> Definition:
    """The definition that the path names."""
    name = request.path_params["name"]
    definition = portal.definitions(kind_in(request)).get(name)
    if definition is None or is_archived(definition) != archived:
        raise RefusedError(404, f"Property {name} does not exist", "OBJECT_NOT_FOUND")
    return definition


async def create_property(portal: Portal, request: Request) -> Response:
    """A new definition."""
    kind, body = kind_in(request), await body_of(request, NewProperty)
    definition = _new_definition(portal, kind, body)
    _define(portal, kind, [definition])
    return JSONResponse(definition, 201)


async def create_properties(portal: Portal, request: Request) -> Response:
    """Several new definitions; those that fail are listed beside the rest."""
    kind, body = kind_in(request), await body_of(request, BatchProperties)
    check_size(body.inputs)
    accepted: list[Definition] = []
    errors: list[Wire] = []
    for item in {item.name: item for item in body.inputs}.values():
        try:
            accepted.append(_new_definition(portal, kind, item))
        except RefusedError as refusal:
            errors.append(refusal.entry({"name": [item.name]}))
    if accepted:
        _define(portal, kind, accepted)
    return batch_answer(portal, accepted, errors, 201)


async def update_property(portal: Portal, request: Request) -> Response:
    """Some fields of a definition; the list of options is replaced as a whole."""
    kind, body = kind_in(request), await body_of(request, ChangedProperty)
    changes = body.model_dump(by_alias=True, exclude_none=True)
    definition = {**existing(portal, request), **changes, "updatedAt": iso_milliseconds(portal.clock())}
    if "options" not in changes and definition["type"] not in _TYPES_WITH_OPTIONS:
        definition["options"] = []
    _check_definition(portal, kind, definition)
    _define(portal, kind, [definition])
    return JSONResponse(definition)


async def archive_property(portal: Portal, request: Request) -> Response:
    """The definition moves to the recycle bin, where it keeps its name."""
    definition = existing(portal, request)
    if not definition.get("modificationMetadata", {}).get("archivable"):
        raise RefusedError(400, f"Property {definition['name']} cannot be archived.")
    now = iso_milliseconds(portal.clock())
    _define(portal, kind_in(request), [{**definition, "archived": True, "archivedAt": now}])
    return Response(status_code=204)


def _define(portal: Portal, kind: Kind, definitions: list[Definition]) -> None:
    portal.do({"do": "define", "kind": kind.name, "definitions": definitions})


def _new_definition(portal: Portal, kind: Kind, body: NewProperty) -> Definition:
    defined = portal.definitions(kind)
    if body.name in defined:
        message = f"A property named '{body.name}' already exists."
        raise RefusedError(409, message, "OBJECT_ALREADY_EXISTS", context={"name": [body.name]})
    if not _NAME.fullmatch(body.name):
        raise RefusedError(400, f"Property name '{body.name}' must be lower case letters, digits and underscores.")
    if body.has_unique_value and _own_unique(defined) >= MOST_UNIQUE:
        raise RefusedError(400, f"At most {MOST_UNIQUE} properties of a type can have unique values.")
    now = iso_milliseconds(portal.clock())
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


def _own_unique(defined: dict[str, Definition]) -> int:
    return sum(bool(each.get("hasUniqueValue")) for each in defined.values() if not each.get("hubspotDefined"))


def _check_definition(portal: Portal, kind: Kind, definition: Definition) -> None:
    if definition["groupName"] not in groups(portal.store, kind):
        raise RefusedError(400, f"Property group '{definition['groupName']}' does not exist.")
    if definition["fieldType"] not in _FIELD_TYPES.get(definition["type"], set()):
        raise RefusedError(400, f"Field type '{definition['fieldType']}' does not go with type '{definition['type']}'.")
    values = [option["value"] for option in definition.get("options", [])]
    if values and definition["type"] not in _TYPES_WITH_OPTIONS:
        raise RefusedError(
            400,
            f"Property {definition['name']} of type {definition['type']} cannot have options.",
            context={"propertyName": [definition["name"]], "type": [definition["type"]]},
        )
    if len(set(values)) < len(values) or any(";" in value for value in values):
        raise RefusedError(400, "Option values must be unique and must not contain a semicolon.")
    if definition["type"] == "bool" and set(values) != {"true", "false"}:
        raise RefusedError(400, "A bool property needs the two options 'true' and 'false'.")
