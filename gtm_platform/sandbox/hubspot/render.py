"""Records, owners and pages in the shape of the API."""

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.hubspot.errors import RefusedError
from gtm_platform.sandbox.hubspot.kinds import Kind
from gtm_platform.sandbox.hubspot.links import LINK_TYPES
from gtm_platform.sandbox.hubspot.standard import Definition
from gtm_platform.sandbox.hubspot.store import HubSpotOwner, HubSpotRecord
from gtm_platform.sandbox.hubspot.values import iso

PORTAL_ID = 1234567
Wire = dict[str, Any]


def value_of(kind: Kind, record: HubSpotRecord, name: str) -> str | None:
    if name == "hs_object_id":
        return record.id
    if name == kind.created:
        return iso(record.created)
    if name == kind.modified:
        return iso(record.updated)
    return record.properties.get(name)


def record_wire(
    kind: Kind, record: HubSpotRecord, known: dict[str, Definition], asked: Iterable[str] = (), **more: Any
) -> Wire:
    """A record with the properties asked for; one that does not exist is left out, one without a value is null."""
    names = {*(asked or kind.shown), *kind.always_shown}
    wire = {
        "id": record.id,
        "properties": {name: value_of(kind, record, name) for name in sorted(names) if name in known},
        "createdAt": iso(record.created),
        "updatedAt": iso(record.updated),
        "archived": record.archived is not None,
        "url": f"https://app.hubspot.com/contacts/{PORTAL_ID}/record/{kind.type_id}/{record.id}",
        **more,
    }
    if record.archived is not None:
        wire["archivedAt"] = iso(record.archived)
    return wire


def associated_ids(marks: dict[str, set[int]]) -> list[Wire]:
    """Links as the list and get-by-id calls show them: one entry per type, so an id may come twice."""
    return [
        {"id": other, "type": LINK_TYPES[mark].name}
        for other in sorted(marks, key=int)
        for mark in sorted(marks[other])
    ]


def link_wire(other: str, marks: set[int]) -> Wire:
    types = [{"category": "HUBSPOT_DEFINED", "typeId": mark, "label": LINK_TYPES[mark].label} for mark in sorted(marks)]
    return {"toObjectId": int(other), "associationTypes": types}


def owner_wire(owner: HubSpotOwner) -> Wire:
    return {
        "id": owner.id,
        "email": owner.email,
        "type": "PERSON",
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        "userId": None if owner.archived else owner.user_id,
        "userIdIncludingInactive": owner.user_id,
        "createdAt": iso(owner.created),
        "updatedAt": iso(owner.updated),
        "archived": owner.archived,
    }


def next_page(request: Request, after: str) -> Wire:
    return {"next": {"after": after, "link": str(request.url.include_query_params(after=after))}}


def cursor(record_id: str) -> str:
    """Where the next page goes on, in a form that invites nobody to compute it."""
    return base64.urlsafe_b64encode(record_id.encode()).decode().rstrip("=")


def after_id(text: str | None) -> int:
    """The id behind a cursor; 0 is before all."""
    if not text:
        return 0
    try:
        return int(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError) as error:
        raise RefusedError(400, f"The paging cursor '{text}' is invalid.") from error


def names_asked(request: Request, parameter: str) -> list[str]:
    """A repeated or comma-joined query parameter."""
    return [name for part in request.query_params.getlist(parameter) for name in part.split(",") if name]


def flag_asked(request: Request, parameter: str) -> bool:
    return request.query_params.get(parameter, "").lower() == "true"


def limit_asked(request: Request, default: int, most: int) -> int:
    text = request.query_params.get("limit", str(default))
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise RefusedError(400, f"The limit must be a number from 1 to {most}, not {text}.")
    return int(text)
