"""One record at a time, and the list: read, create, change, archive, merge, erase."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.hubspot.errors import RefusedError, missing_record
from gtm_platform.sandbox.hubspot.inputs import ChangedRecord, GdprDelete, Merge, NewRecord, body_of
from gtm_platform.sandbox.hubspot.kinds import CONTACTS, Kind, kind_called
from gtm_platform.sandbox.hubspot.portal import Portal, is_shown
from gtm_platform.sandbox.hubspot.render import Wire, associated_ids, flag_in, names_in, page_wire, record_wire
from gtm_platform.sandbox.hubspot.store import SOURCES, HubSpotRecord
from gtm_platform.sandbox.hubspot.writes import Writer
from gtm_platform.sandbox.kit.paging import CursorPaging, PageSize

PLAYED = "X-Sandbox-Source"
PAGING = CursorPaging(PageSize(default=10, largest=100))
PAGING_WITH_HISTORY = CursorPaging(PageSize(default=10, largest=50))


def kind_in(request: Request, parameter: str = "kind") -> Kind:
    """The object type that the path names."""
    return kind_called(request.path_params[parameter])


def id_of(record: HubSpotRecord) -> int:
    """The place of a record in every list that is in the order of ids."""
    return int(record.id)


# --- reading -------------------------------------------------------------------------------------------------------


async def page(portal: Portal, request: Request) -> Response:
    """The list, in the order of ids."""
    kind, archived = kind_in(request), flag_in(request, "archived")
    paging = PAGING_WITH_HISTORY if names_in(request, "propertiesWithHistory") else PAGING
    following = portal.following(kind, paging.position(request.query_params) or 0)
    shown = (record for record in following if is_shown(record, archived))
    records = paging.first_page(shown, request.query_params, id_of)
    return JSONResponse(page_wire(request, [_detailed(portal, kind, each, request) for each in records.rows], records))


async def get(portal: Portal, request: Request) -> Response:
    """A record by its id, or by a unique property."""
    kind = kind_in(request)
    record = _addressed(portal, kind, request, archived=flag_in(request, "archived"))
    return JSONResponse(_detailed(portal, kind, record, request))


def _detailed(portal: Portal, kind: Kind, record: HubSpotRecord, request: Request) -> Wire:
    """A record with what the query wants to see of it; a type that it has no links to is left out."""
    names, past = names_in(request, "properties"), names_in(request, "propertiesWithHistory")
    wire = record_wire(kind, record, portal.definitions(kind), portal.store.portal_id, names, past)
    associations: Wire = {}
    for target in (kind_called(name) for name in names_in(request, "associations")):
        marks = live_links(portal, record, target)
        if marks:
            associations[_key_of(target)] = {"results": associated_ids(marks)}
    return {**wire, "associations": associations} if associations else wire


def _key_of(target: Kind) -> str:
    """The type's label, under which an answer holds its associations."""
    return target.name.replace("_", " ")


def live_links(portal: Portal, record: HubSpotRecord, target: Kind) -> dict[str, set[int]]:
    """The links of a record to records of one kind that are still shown."""
    records = portal.records(target)
    links = record.links.get(target.name, {})
    return {key: marks for key, marks in links.items() if marks and key in records and is_shown(records[key])}


def _addressed(portal: Portal, kind: Kind, request: Request, *, archived: bool = False) -> HubSpotRecord:
    """The record a path names, by its id or by the `idProperty` of the query."""
    key = request.path_params["id"]
    record = portal.find_by(kind, request.query_params.get("idProperty"), [key], archived=archived).get(key)
    if record is None:
        raise missing_record(kind.singular, [key])
    return record


# --- writing -------------------------------------------------------------------------------------------------------


async def create(portal: Portal, request: Request) -> Response:
    """A new record, with its first associations."""
    kind, body = kind_in(request), await body_of(request, NewRecord)
    saved = Writer(portal, kind, [body.properties]).creation(body.properties, body.associations)
    [record] = portal.do({"do": "save", "kind": kind.name, "records": [saved]})
    return JSONResponse(written_wire(portal, kind, record, saved["properties"]), 201)


async def update(portal: Portal, request: Request) -> Response:
    """Some properties of a record."""
    kind, body = kind_in(request), await body_of(request, ChangedRecord)
    record = _addressed(portal, kind, request)
    saved = Writer(portal, kind, [body.properties]).change(record, body.properties)
    portal.do({"do": "save", "kind": kind.name, "records": [saved], **_source_of(request)})
    return JSONResponse(written_wire(portal, kind, record, body.properties))


def _source_of(request: Request) -> dict[str, str]:
    """What makes a change, where the request plays somebody else than an integration: a person, a workflow, an import.

    The API has no such header; it is how tests and people do in the sandbox what is done in HubSpot's app.
    """
    source = request.headers.get(PLAYED)
    if source not in (None, *SOURCES):
        raise RefusedError(400, f"{PLAYED} is one of {', '.join(SOURCES)}, not {source!r}.")
    return {"source": source} if source else {}


def written_wire(portal: Portal, kind: Kind, record: HubSpotRecord, written: dict[str, object], **more: Any) -> Wire:
    """A record as the answer to a write shows it: with what was written, besides the usual properties."""
    return record_wire(kind, record, portal.definitions(kind), portal.store.portal_id, {*written, *kind.shown}, **more)


async def archive(portal: Portal, request: Request) -> Response:
    """Move a record to the archive."""
    archive_all(portal, kind_in(request), [request.path_params["id"]])
    return Response(status_code=204)


def archive_all(portal: Portal, kind: Kind, ids: list[str]) -> None:
    """Archive records; unknown ids are passed over in silence."""
    records = [record.id for key in dict.fromkeys(ids) if (record := portal.find(kind, key))]
    if records:
        portal.do({"do": "archive", "kind": kind.name, "ids": records})


async def merge(portal: Portal, request: Request) -> Response:
    """Merge one record into another, which stays."""
    kind, body = kind_in(request), await body_of(request, Merge)
    if kind.is_engagement:
        raise RefusedError(400, f"Objects of type {kind.name} cannot be merged.")
    winner = portal.find(kind, body.primary_object_id)
    loser = portal.find(kind, body.object_id_to_merge)
    if winner is None or loser is None:
        raise missing_record(kind.singular, [body.primary_object_id, body.object_id_to_merge])
    if winner is loser:
        raise RefusedError(400, f"Cannot merge {kind.singular} {winner.id} with itself.")
    portal.do({"do": "merge", "kind": kind.name, "winner": winner.id, "loser": loser.id})
    return JSONResponse(written_wire(portal, kind, winner, {"hs_merged_object_ids": ""}))


async def erase(portal: Portal, request: Request) -> Response:
    """The GDPR delete: nothing of the contact is left, not even in the archive."""
    kind, body = kind_in(request), await body_of(request, GdprDelete)
    if kind is not CONTACTS:
        raise RefusedError(400, "Only contacts can be deleted under GDPR.")
    for archived in (False, True):
        records = portal.find_by(kind, body.id_property, [body.object_id], archived=archived)
        for record in records.values():
            portal.do({"do": "erase", "kind": kind.name, "id": record.id})
    return Response(status_code=204)
