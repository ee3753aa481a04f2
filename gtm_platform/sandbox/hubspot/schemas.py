"""Object types as schemas: the list has those that an account defines itself, and this portal has none."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.hubspot.kinds import KINDS, Kind
from gtm_platform.sandbox.hubspot.links import types_between
from gtm_platform.sandbox.hubspot.objects import kind_in
from gtm_platform.sandbox.hubspot.portal import Portal
from gtm_platform.sandbox.hubspot.properties import defined_in
from gtm_platform.sandbox.hubspot.render import Wire


async def page(_portal: Portal, _request: Request) -> Response:
    """The account's own object types."""
    return JSONResponse({"results": []})


async def get(portal: Portal, request: Request) -> Response:
    """The schema of one object type, of HubSpot's own ones too."""
    kind = kind_in(request)
    label = kind.singular.replace("_", " ").capitalize()
    schema = {
        "id": kind.type_id,
        "objectTypeId": kind.type_id,
        "fullyQualifiedName": kind.singular.upper(),
        "name": kind.singular.upper(),
        "labels": {"singular": label, "plural": kind.name.replace("_", " ").capitalize()},
        "primaryDisplayProperty": next(iter((*kind.shown, *kind.searched))),
        "secondaryDisplayProperties": list(kind.shown[1:]),
        "requiredProperties": list(kind.required),
        "searchableProperties": list(kind.searched),
        "properties": defined_in(portal, kind),
        "associations": _associations(kind),
        "archived": False,
    }
    return JSONResponse(schema)


def _associations(kind: Kind) -> list[Wire]:
    return [
        {
            "id": str(link.id),
            "name": link.name,
            "fromObjectTypeId": kind.type_id,
            "toObjectTypeId": target.type_id,
        }
        for target in KINDS.values()
        for link in types_between(kind, target)
    ]
