"""One record at a time, and the list: read, create, change, archive, merge, erase."""

from itertools import islice

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.hubspot.errors import RefusedError, missing_record
from gtm_platform.sandbox.hubspot.inputs import ChangedRecord, GdprDelete, Merge, NewRecord, body_of
from gtm_platform.sandbox.hubspot.kinds import CONTACTS, Kind, kind_called
from gtm_platform.sandbox.hubspot.portal import Portal, is_there
from gtm_platform.sandbox.hubspot.render import (
    Wire,
    after_id,
    associated_ids,
    cursor,
    flag_asked,
    limit_asked,
    names_asked,
    next_page,
    record_wire,
)
from gtm_platform.sandbox.hubspot.store import HubSpotRecord
from gtm_platform.sandbox.hubspot.writes import Writer


def kind_in(request: Request, parameter: str = "kind") -> Kind:
    return kind_called(request.path_params[parameter])


async def page(portal: Portal, request: Request) -> Response:
    kind = kind_in(request)
    limit = limit_asked(request, default=10, most=100)
    archived = flag_asked(request, "archived")
    following = portal.following(kind, after_id(request.query_params.get("after")))
    found = list(islice((record for record in following if is_there(record, archived)), limit + 1))
    body: Wire = {"results": [_detailed(portal, kind, record, request) for record in found[:limit]]}
    if len(found) > limit:
        body["paging"] = next_page(request, cursor(found[limit - 1].id))
    return JSONResponse(body)


async def get(portal: Portal, request: Request) -> Response:
    kind = kind_in(request)
    record = _addressed(portal, kind, request, archived=flag_asked(request, "archived"))
    return JSONResponse(_detailed(portal, kind, record, request))


def _detailed(portal: Portal, kind: Kind, record: HubSpotRecord, request: Request) -> Wire:
    wire = record_wire(kind, record, portal.definitions(kind), names_asked(request, "properties"))
    linked: Wire = {}
    for target in (kind_called(name) for name in names_asked(request, "associations")):
        marks = live_links(portal, record, target)
        if marks:
            linked[target.name] = {"results": associated_ids(marks)}
    return {**wire, "associations": linked} if linked else wire


def live_links(portal: Portal, record: HubSpotRecord, target: Kind) -> dict[str, set[int]]:
    """The links of a record to records of one kind that are still there."""
    known = portal.records(target)
    links = record.links.get(target.name, {})
    return {other: marks for other, marks in links.items() if marks and other in known and is_there(known[other])}


def _addressed(portal: Portal, kind: Kind, request: Request, *, archived: bool = False) -> HubSpotRecord:
    """The record a path names, by its id or by the `idProperty` of the query."""
    key = request.path_params["id"]
    record = portal.find_by(kind, request.query_params.get("idProperty"), [key], archived=archived).get(key)
    if record is None:
        raise missing_record(kind.singular, [key])
    return record


async def create(portal: Portal, request: Request) -> Response:
    kind, body = kind_in(request), await body_of(request, NewRecord)
    saved = Writer(portal, kind, [body.properties]).creation(body.properties, body.associations)
    [record] = portal.do({"do": "save", "kind": kind.name, "records": [saved]})
    return JSONResponse(written_wire(portal, kind, record, saved["properties"]), 201)


async def update(portal: Portal, request: Request) -> Response:
    kind, body = kind_in(request), await body_of(request, ChangedRecord)
    record = _addressed(portal, kind, request)
    saved = Writer(portal, kind, [body.properties]).change(record, body.properties)
    portal.do({"do": "save", "kind": kind.name, "records": [saved]})
    return JSONResponse(written_wire(portal, kind, record, body.properties))


def written_wire(portal: Portal, kind: Kind, record: HubSpotRecord, written: dict[str, object], **more: object) -> Wire:
    return record_wire(kind, record, portal.definitions(kind), {*written, *kind.shown}, **more)


async def archive(portal: Portal, request: Request) -> Response:
    archive_all(portal, kind_in(request), [request.path_params["id"]])
    return Response(status_code=204)


def archive_all(portal: Portal, kind: Kind, ids: list[str]) -> None:
    """Unknown ids are passed over in silence."""
    found = [record.id for key in dict.fromkeys(ids) if (record := portal.find(kind, key))]
    if found:
        portal.do({"do": "archive", "kind": kind.name, "ids": found})


async def merge(portal: Portal, request: Request) -> Response:
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
        found = portal.find_by(kind, body.id_property, [body.object_id], archived=archived)
        for record in found.values():
            portal.do({"do": "erase", "kind": kind.name, "id": record.id})
    return Response(status_code=204)
