"""Associations, version 4: reading, linking and parting records, one by one and in batches."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.hubspot.batch import batch_answer, check_size
from gtm_platform.sandbox.hubspot.errors import RefusedError, missing_record
from gtm_platform.sandbox.hubspot.inputs import (
    BatchPairs,
    BatchPartings,
    BatchReadLinks,
    LinkSpec,
    LinkSpecs,
    Pair,
    ReadLinks,
    body_of,
)
from gtm_platform.sandbox.hubspot.kinds import Kind
from gtm_platform.sandbox.hubspot.links import LINK_TYPES, default_type, type_from, types_between
from gtm_platform.sandbox.hubspot.objects import kind_in, live_links
from gtm_platform.sandbox.hubspot.portal import Portal
from gtm_platform.sandbox.hubspot.render import Wire, link_wire, page_wire
from gtm_platform.sandbox.hubspot.store import HubSpotRecord
from gtm_platform.sandbox.kit.paging import CursorPaging, Page, PageSize, Parameters

PAGING = CursorPaging(PageSize(default=500, largest=500))
MOST_READ, MOST_WRITTEN = 1_000, 2_000

Linking = tuple[str, str, list[int]]  # from, to, association type ids


def _kinds(request: Request) -> tuple[Kind, Kind]:
    return kind_in(request, "source"), kind_in(request, "target")


def _existing(portal: Portal, kind: Kind, record_id: str) -> HubSpotRecord:
    record = portal.find(kind, record_id)
    if record is None:
        raise missing_record(kind.singular, [record_id])
    return record


# --- reading -------------------------------------------------------------------------------------------------------


async def page(portal: Portal, request: Request) -> Response:
    """What one record is linked with."""
    source, target = _kinds(request)
    record = _existing(portal, source, request.path_params["id"])
    linked = _linked(portal, record, target, request.query_params)
    return JSONResponse(page_wire(request, linked.rows, linked))


def _linked(portal: Portal, record: HubSpotRecord, target: Kind, parameters: Parameters) -> Page[Wire]:
    """A page of what a record is linked with."""
    links = live_links(portal, record, target)
    page = PAGING.page(sorted(links, key=int), parameters, int)
    return Page([link_wire(key, links[key]) for key in page.rows], page.next)


async def batch_read(portal: Portal, request: Request) -> Response:
    """What many records are linked with; one without links is an error of its own."""
    source, target = _kinds(request)
    body = await body_of(request, BatchReadLinks)
    check_size(body.inputs, MOST_READ)
    results, errors = [], []
    for item in body.inputs:
        linked = _read_links(portal, source, target, item)
        if linked is None:
            errors.append(_without_links(source, target, item.id))
        else:
            results.append(linked)
    return batch_answer(portal, results, errors)


def _read_links(portal: Portal, source: Kind, target: Kind, item: ReadLinks) -> Wire | None:
    record = portal.find(source, item.id)
    linked = _linked(portal, record, target, {"after": item.after}) if record else Page([])
    if not linked.rows:
        return None
    wire: Wire = {"from": {"id": item.id}, "to": linked.rows}
    return {**wire, "paging": {"next": {"after": linked.next}}} if linked.next else wire


def _without_links(source: Kind, target: Kind, record_id: str) -> Wire:
    message = f"No {target.singular} is associated with {source.singular} {record_id}."
    refusal = RefusedError(404, message, "OBJECT_NOT_FOUND", subCategory="crm.associations.NO_ASSOCIATIONS_FOUND")
    context = {"fromObjectId": [record_id], "fromObjectType": [source.singular], "toObjectType": [target.singular]}
    return refusal.entry(context)


async def labels(_portal: Portal, request: Request) -> Response:
    """The link types between two object types."""
    links = types_between(*_kinds(request))
    described = [{"category": "HUBSPOT_DEFINED", "typeId": link.id, "label": link.label} for link in links]
    return JSONResponse({"results": described})


# --- linking -------------------------------------------------------------------------------------------------------


async def link_default(portal: Portal, request: Request) -> Response:
    """Link two records without a label."""
    source, target = _kinds(request)
    source_id, target_id = _existing_pair(portal, request)
    type_id = default_type(source, target).id
    _link(portal, source, target, [(source_id, target_id, [type_id])])
    return batch_answer(portal, _default_links(source_id, target_id, type_id), [])


def _existing_pair(portal: Portal, request: Request) -> tuple[str, str]:
    source, target = _kinds(request)
    start = _existing(portal, source, request.path_params["id"])
    end = _existing(portal, target, request.path_params["target_id"])
    return start.id, end.id


def _default_links(source_id: str, target_id: str, type_id: int) -> list[Wire]:
    """What a default link makes: one association each way."""
    ways = ((source_id, target_id, type_id), (target_id, source_id, LINK_TYPES[type_id].inverse))
    return [
        {
            "from": {"id": start},
            "to": {"id": end},
            "associationSpec": {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": mark},
        }
        for start, end, mark in ways
    ]


async def link_typed(portal: Portal, request: Request) -> Response:
    """Link two records with these types."""
    source, target = _kinds(request)
    source_id, target_id = _existing_pair(portal, request)
    specs = await body_of(request, LinkSpecs)
    type_ids = _type_ids(source, target, specs.root)
    _link(portal, source, target, [(source_id, target_id, type_ids)])
    return JSONResponse(_labels_between(source, target, source_id, target_id, type_ids), 201)


def _type_ids(source: Kind, target: Kind, specs: list[LinkSpec]) -> list[int]:
    links = [type_from(source, spec.association_type_id) for spec in specs]
    wrong = [link.id for link in links if link.target != target.name]
    if wrong or not links:
        message = f"Association types {wrong} are not valid between {source.singular} and {target.singular}."
        raise RefusedError(400, message)
    return [link.id for link in links]


def _labels_between(source: Kind, target: Kind, source_id: str, target_id: str, type_ids: list[int]) -> Wire:
    return {
        "fromObjectTypeId": source.type_id,
        "fromObjectId": source_id,
        "toObjectTypeId": target.type_id,
        "toObjectId": target_id,
        "labels": [label for type_id in type_ids if (label := LINK_TYPES[type_id].label)],
    }


def _link(portal: Portal, source: Kind, target: Kind, pairs: list[Linking]) -> None:
    if pairs:
        portal.do({"do": "link", "source": source.name, "target": target.name, "pairs": pairs})


async def batch_link_default(portal: Portal, request: Request) -> Response:
    """Link many pairs without a label."""
    source, target = _kinds(request)
    type_id = default_type(source, target).id
    pairs, errors = await _planned(portal, request, lambda _: [type_id])
    _link(portal, source, target, pairs)
    results = [wire for start, end, _ in pairs for wire in _default_links(start, end, type_id)]
    answer = batch_answer(portal, results, errors)
    answer.status_code = 200  # failures show in the body of this call only
    return answer


async def batch_link_typed(portal: Portal, request: Request) -> Response:
    """Link many pairs, each with its own types."""
    source, target = _kinds(request)
    pairs, errors = await _planned(portal, request, lambda pair: _type_ids(source, target, pair.types))
    _link(portal, source, target, pairs)
    results = [_labels_between(source, target, *pair) for pair in pairs]
    return batch_answer(portal, results, errors, 201)


async def _planned(
    portal: Portal, request: Request, types_of: Callable[[Pair], list[int]]
) -> tuple[list[Linking], list[Wire]]:
    """The pairs that can be linked, and an error for each of the rest."""
    source, target = _kinds(request)
    body = await body_of(request, BatchPairs)
    check_size(body.inputs, MOST_WRITTEN)
    pairs, errors = [], []
    for pair in body.inputs:
        try:
            start, end = _existing(portal, source, pair.source.id), _existing(portal, target, pair.to.id)
            pairs.append((start.id, end.id, types_of(pair)))
        except RefusedError as refusal:
            errors.append(refusal.entry({"fromObjectId": [pair.source.id], "toObjectId": [pair.to.id]}))
    return pairs, errors


# --- parting -------------------------------------------------------------------------------------------------------


async def part(portal: Portal, request: Request) -> Response:
    """Remove all links between two records."""
    source, target = _kinds(request)
    return _part(portal, source, target, [(request.path_params["id"], request.path_params["target_id"])])


async def batch_part(portal: Portal, request: Request) -> Response:
    """Remove all links between many pairs."""
    source, target = _kinds(request)
    body = await body_of(request, BatchPartings)
    check_size(body.inputs, MOST_WRITTEN)
    return _part(portal, source, target, [(parting.source.id, end.id) for parting in body.inputs for end in parting.to])


def _part(portal: Portal, source: Kind, target: Kind, ids: list[tuple[str, str]]) -> Response:
    """Records that do not exist, or are not linked, are passed over in silence."""
    records = [(portal.find(source, start), portal.find(target, end)) for start, end in ids]
    pairs = [(start.id, end.id) for start, end in records if start and end]
    if pairs:
        portal.do({"do": "part", "source": source.name, "target": target.name, "pairs": pairs})
    return Response(status_code=204)


async def batch_unlabel(portal: Portal, request: Request) -> Response:
    """Remove labels and leave the plain links."""
    source, target = _kinds(request)
    pairs, errors = await _planned(portal, request, lambda pair: _type_ids(source, target, pair.types))
    if errors:
        raise RefusedError(400, errors[0]["message"], context=errors[0]["context"])
    portal.do({"do": "unlabel", "pairs": pairs})
    return Response(status_code=204)
