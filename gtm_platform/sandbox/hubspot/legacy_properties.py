"""The property definitions at their older address, which some clients still read: a plain list, instants in ms."""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.hubspot.objects import kind_in
from gtm_platform.sandbox.hubspot.portal import Portal
from gtm_platform.sandbox.hubspot.properties import defined_in, existing
from gtm_platform.sandbox.hubspot.render import Wire
from gtm_platform.sandbox.hubspot.standard import Definition
from gtm_platform.sandbox.kit.render import unix_milliseconds

_SAME = ("name", "label", "description", "groupName", "type", "fieldType", "displayOrder", "formField", "hidden")
_SAME_FLAGS = ("calculated", "externalOptions", "hubspotDefined")


async def page(portal: Portal, request: Request) -> Response:
    """All definitions of an object type at once."""
    return JSONResponse([_legacy(definition) for definition in defined_in(portal, kind_in(request))])


async def get(portal: Portal, request: Request) -> Response:
    """One definition."""
    return JSONResponse(_legacy(existing(portal, request)))


def _legacy(definition: Definition) -> Wire:
    rights = definition.get("modificationMetadata", {})
    return {
        **{name: definition.get(name) for name in _SAME},
        **{name: bool(definition.get(name)) for name in _SAME_FLAGS},
        "options": [{**option, "readOnly": False, "doubleData": 0.0} for option in definition.get("options", [])],
        "readOnlyValue": bool(rights.get("readOnlyValue")),
        "readOnlyDefinition": bool(rights.get("readOnlyDefinition")),
        "mutableDefinitionNotDeletable": not rights.get("archivable", False),
        "favorited": False,
        "favoritedOrder": -1,
        "displayMode": "current_value",
        "deleted": bool(definition.get("archived")),
        "createdAt": _milliseconds(definition.get("createdAt")),
        "updatedAt": _milliseconds(definition.get("updatedAt")),
    }


def _milliseconds(text: Any) -> int | None:
    return unix_milliseconds(datetime.fromisoformat(text)) if text else None
