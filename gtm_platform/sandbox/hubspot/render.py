"""Records, their history and owners in the shape of the API, and the parameters of reads."""

from collections.abc import Iterable
from typing import Any

from starlette.requests import Request

from gtm_platform.sandbox.hubspot.kinds import Kind
from gtm_platform.sandbox.hubspot.links import LINK_TYPES
from gtm_platform.sandbox.hubspot.standard import Definition
from gtm_platform.sandbox.hubspot.store import (
    BY_ANOTHER_APP,
    BY_DOMAIN,
    BY_IMPORT,
    BY_INTEGRATION,
    BY_MERGE,
    BY_PEOPLE,
    BY_WORKFLOW,
    HubSpotChange,
    HubSpotOwner,
    HubSpotRecord,
)
from gtm_platform.sandbox.kit.paging import Page
from gtm_platform.sandbox.kit.render import iso_milliseconds as iso

Wire = dict[str, Any]

USER = 4242  # who does in the app what people do there
APP = "100001"  # the private app of the token
_SOURCE_IDS = {
    BY_PEOPLE: f"userId:{USER}",
    BY_INTEGRATION: APP,
    BY_MERGE: "merge",
    BY_WORKFLOW: "workflowId:5512",
    BY_IMPORT: "importId:77",
    BY_ANOTHER_APP: "200002",
    BY_DOMAIN: "",
}
_LABELS = {BY_WORKFLOW: "Lead scoring", BY_IMPORT: "conference.csv"}


# --- records -------------------------------------------------------------------------------------------------------


def value_of(kind: Kind, record: HubSpotRecord, name: str) -> str | None:
    """A property's value, None if it has none."""
    if name == "hs_object_id":
        return record.id
    if name == kind.created:
        return iso(record.created)
    if name == kind.modified:
        return iso(record.updated)
    return record.properties.get(name)


def record_wire(
    kind: Kind,
    record: HubSpotRecord,
    definitions: dict[str, Definition],
    portal_id: int,
    names: Iterable[str] = (),
    names_with_history: Iterable[str] = (),
    **more: Any,
) -> Wire:
    """A record with the named properties; undefined ones are left out, ones without a value are null."""
    past = [name for name in names_with_history if name in definitions]
    shown = {*(names or kind.shown), *past, *kind.always_shown}
    wire = {
        "id": record.id,
        "properties": {name: value_of(kind, record, name) for name in sorted(shown) if name in definitions},
        "createdAt": iso(record.created),
        "updatedAt": iso(record.updated),
        "archived": record.archived is not None,
        "url": f"https://app.hubspot.com/contacts/{portal_id}/record/{kind.type_id}/{record.id}",
        **more,
    }
    if past:
        wire["propertiesWithHistory"] = {name: history_wire(kind, record, name) for name in past}
    if record.archived is not None:
        wire["archivedAt"] = iso(record.archived)
    return wire


def history_wire(kind: Kind, record: HubSpotRecord, name: str) -> list[Wire]:
    """All values that a property had, newest first."""
    history = record.history(name)
    if name in kind.always_shown:
        at = record.updated if name == kind.modified else record.created
        history = [HubSpotChange(value_of(kind, record, name) or "", at, record.source)]
    return [_change_wire(change) for change in reversed(history)]


def _change_wire(change: HubSpotChange) -> Wire:
    """A change with what made it: the user only of what people do, the label only of what has a name."""
    wire: Wire = {
        "value": change.value,
        "timestamp": iso(change.at),
        "sourceType": change.source,
        "sourceId": _SOURCE_IDS[change.source],
    }
    if change.source in _LABELS:
        wire["sourceLabel"] = _LABELS[change.source]
    if change.source == BY_PEOPLE:
        wire["updatedByUserId"] = USER
    return wire


def associated_ids(marks: dict[str, set[int]]) -> list[Wire]:
    """Links as the list and get-by-id calls show them: one entry per type, so an id may come twice."""
    return [
        {"id": target_id, "type": LINK_TYPES[mark].name}
        for target_id in sorted(marks, key=int)
        for mark in sorted(marks[target_id])
    ]


def link_wire(target_id: str, marks: set[int]) -> Wire:
    """One linked record as the associations calls show it."""
    types = [{"category": "HUBSPOT_DEFINED", "typeId": mark, "label": LINK_TYPES[mark].label} for mark in sorted(marks)]
    return {"toObjectId": int(target_id), "associationTypes": types}


def owner_wire(owner: HubSpotOwner) -> Wire:
    """An owner; who has left is no user any more."""
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


# --- pages and parameters ------------------------------------------------------------------------------------------


def page_wire(request: Request, results: list[Wire], page: Page[Any], **more: Any) -> Wire:
    """A page of results, with a `paging` member unless it is the last page."""
    body: Wire = {**more, "results": results}
    if page.next is not None:
        after = str(page.next)
        body["paging"] = {"next": {"after": after, "link": str(request.url.include_query_params(after=after))}}
    return body


def names_in(request: Request, parameter: str) -> list[str]:
    """The names of a repeated or comma-joined query parameter."""
    return [name for part in request.query_params.getlist(parameter) for name in part.split(",") if name]


def flag_in(request: Request, parameter: str) -> bool:
    """A query parameter that is true or false, in any case."""
    return request.query_params.get(parameter, "").lower() == "true"
