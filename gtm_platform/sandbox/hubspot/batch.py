"""Up to a hundred records at a time. Reads, updates and upserts answer 207 when some inputs fail; creates fail as a
whole unless every input carries its own `objectWriteTraceId`.
"""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.hubspot.errors import RefusedError, missing_record
from gtm_platform.sandbox.hubspot.inputs import (
    BatchChange,
    BatchChanges,
    BatchCreate,
    BatchRead,
    BatchRefs,
    NewRecord,
    body_of,
)
from gtm_platform.sandbox.hubspot.kinds import Kind
from gtm_platform.sandbox.hubspot.objects import archive_all, kind_in, written_wire
from gtm_platform.sandbox.hubspot.portal import Portal, key_of, non_unique
from gtm_platform.sandbox.hubspot.render import Wire, flag_asked, record_wire
from gtm_platform.sandbox.hubspot.store import HubSpotRecord
from gtm_platform.sandbox.hubspot.values import iso
from gtm_platform.sandbox.hubspot.write_log import Write
from gtm_platform.sandbox.hubspot.writes import Writer

MOST_INPUTS = 100


def batch_answer(portal: Portal, results: list[Wire], errors: list[Wire], status: int = 200) -> Response:
    now = iso(portal.clock())
    body: Wire = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return JSONResponse(body, 207 if errors else status)


def check_size(inputs: Sequence[object], most: int = MOST_INPUTS) -> None:
    if not inputs:
        raise RefusedError(400, "The batch has no inputs.")
    if len(inputs) > most:
        raise RefusedError(400, f"The batch has {len(inputs)} inputs; at most {most} are allowed.")


def _check_distinct(ids: list[str]) -> None:
    twice = sorted({key for key in ids if ids.count(key) > 1})
    if twice:
        raise RefusedError(400, f"Duplicate IDs found in batch input: [{', '.join(twice)}]. IDs must be unique")


async def read(portal: Portal, request: Request) -> Response:
    kind, body = kind_in(request), await body_of(request, BatchRead)
    ids = [ref.id for ref in body.inputs]
    check_size(ids)
    _check_distinct(ids)
    found = portal.find_by(kind, body.id_property, ids, archived=flag_asked(request, "archived"))
    known = portal.definitions(kind)
    records = {record.id: record for record in found.values()}
    results = [record_wire(kind, record, known, body.properties) for record in records.values()]
    return batch_answer(portal, results, _not_found(kind, [key for key in ids if key not in found]))


def _not_found(kind: Kind, ids: list[str]) -> list[Wire]:
    return [missing_record(kind.singular, ids).entry({})] if ids else []


async def create(portal: Portal, request: Request) -> Response:
    kind, body = kind_in(request), await body_of(request, BatchCreate)
    check_size(body.inputs)
    traces = [given.object_write_trace_id for given in body.inputs if given.object_write_trace_id]
    if len(set(traces)) < len(traces):
        raise RefusedError(400, "Every objectWriteTraceId of a batch must be unique.")
    writer = Writer(portal, kind, (given.properties for given in body.inputs))
    some_may_fail = len(traces) == len(body.inputs)
    accepted, errors = _planned_creations(writer, body.inputs, some_may_fail=some_may_fail)
    records = _save(portal, kind, [saved for _, saved in accepted])
    results = [
        written_wire(portal, kind, record, given.properties, **_trace(given.object_write_trace_id))
        for record, (given, _) in zip(records, accepted, strict=True)
    ]
    return batch_answer(portal, results, errors, 201)


def _planned_creations(
    writer: Writer, inputs: list[NewRecord], *, some_may_fail: bool
) -> tuple[list[tuple[NewRecord, Write]], list[Wire]]:
    accepted, errors = [], []
    for given in inputs:
        try:
            accepted.append((given, writer.creation(given.properties, given.associations)))
        except RefusedError as refusal:
            if not some_may_fail:
                raise
            errors.append(refusal.entry({"objectWriteTraceId": [given.object_write_trace_id or ""]}))
    return accepted, errors


def _save(portal: Portal, kind: Kind, saved: list[Write]) -> list[HubSpotRecord]:
    return portal.do({"do": "save", "kind": kind.name, "records": saved}) if saved else []


def _trace(trace_id: str | None) -> dict[str, Any]:
    return {"objectWriteTraceId": trace_id} if trace_id else {}


async def update(portal: Portal, request: Request) -> Response:
    kind, body = kind_in(request), await body_of(request, BatchChanges)
    if any(given.id_property == "email" for given in body.inputs):
        raise non_unique(kind, "email")
    return _changed(portal, kind, body.inputs, may_create=False)


async def upsert(portal: Portal, request: Request) -> Response:
    kind, body = kind_in(request), await body_of(request, BatchChanges)
    return _changed(portal, kind, body.inputs, may_create=True)


def _changed(portal: Portal, kind: Kind, inputs: list[BatchChange], *, may_create: bool) -> Response:
    check_size(inputs)
    _check_distinct([key_of(given.id_property or "", given.id) for given in inputs])
    found = _held(portal, kind, inputs)
    writer = Writer(portal, kind, ({(given.id_property or ""): given.id, **given.properties} for given in inputs))
    accepted: list[tuple[BatchChange, Write]] = []
    errors: list[Wire] = []
    unknown: list[str] = []
    for given, record in zip(inputs, found, strict=True):
        try:
            if record is not None:
                accepted.append((given, writer.change(record, _without_own_key(given))))
            elif may_create and given.id_property:
                accepted.append((given, writer.creation({given.id_property: given.id, **given.properties})))
            else:
                unknown.append(given.id)
        except RefusedError as refusal:
            trace = {"objectWriteTraceId": [given.object_write_trace_id]} if given.object_write_trace_id else {}
            errors.append(refusal.entry({"ids": [given.id], **trace}))
    records = _save(portal, kind, [saved for _, saved in accepted])
    results = [
        _result(portal, kind, record, given, saved, tell_new=may_create)
        for record, (given, saved) in zip(records, accepted, strict=True)
    ]
    return batch_answer(portal, results, [*_not_found(kind, unknown), *errors])


def _held(portal: Portal, kind: Kind, inputs: list[BatchChange]) -> list[HubSpotRecord | None]:
    """The record each input means, None where there is none."""
    found: dict[str | None, dict[str, HubSpotRecord]] = {}
    for id_property in {given.id_property for given in inputs}:
        ids = [given.id for given in inputs if given.id_property == id_property]
        found[id_property] = portal.find_by(kind, id_property, ids)
    return [found[given.id_property].get(given.id) for given in inputs]


def _without_own_key(given: BatchChange) -> dict[str, Any]:
    """An upsert by a secondary address must not make it the first one."""
    return {name: value for name, value in given.properties.items() if (name, value) != (given.id_property, given.id)}


def _result(
    portal: Portal, kind: Kind, record: HubSpotRecord, given: BatchChange, saved: Write, *, tell_new: bool
) -> Wire:
    more = _trace(given.object_write_trace_id)
    if tell_new:
        more["new"] = saved["id"] is None
    return written_wire(portal, kind, record, given.properties, **more)


async def archive(portal: Portal, request: Request) -> Response:
    kind, body = kind_in(request), await body_of(request, BatchRefs)
    check_size(body.inputs)
    archive_all(portal, kind, [ref.id for ref in body.inputs])
    return Response(status_code=204)
