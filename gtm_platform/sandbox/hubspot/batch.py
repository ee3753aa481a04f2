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
from gtm_platform.sandbox.hubspot.render import Wire, flag_in, record_wire
from gtm_platform.sandbox.hubspot.store import HubSpotRecord
from gtm_platform.sandbox.hubspot.writes import Writer
from gtm_platform.sandbox.kit.render import iso_milliseconds
from gtm_platform.sandbox.kit.write_log import Write

MOST_INPUTS, MOST_WITH_HISTORY = 100, 50


def batch_answer(portal: Portal, results: list[Wire], errors: list[Wire], status: int = 200) -> Response:
    """The answer of a batch, which is a multi-status one as soon as one input failed."""
    now = iso_milliseconds(portal.clock())
    body: Wire = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return JSONResponse(body, 207 if errors else status)


def check_size(inputs: Sequence[object], most: int = MOST_INPUTS) -> None:
    """Refuse a batch without inputs, or with too many."""
    if not inputs:
        raise RefusedError(400, "The batch has no inputs.")
    if len(inputs) > most:
        raise RefusedError(400, f"The batch has {len(inputs)} inputs; at most {most} are allowed.")


def _check_distinct(ids: list[str]) -> None:
    twice = sorted({key for key in ids if ids.count(key) > 1})
    if twice:
        raise RefusedError(400, f"Duplicate IDs found in batch input: [{', '.join(twice)}]. IDs must be unique")


async def read(portal: Portal, request: Request) -> Response:
    """Records by id, or by a unique property."""
    kind, body = kind_in(request), await body_of(request, BatchRead)
    ids = [ref.id for ref in body.inputs]
    check_size(ids, MOST_WITH_HISTORY if body.properties_with_history else MOST_INPUTS)
    _check_distinct(ids)
    by_key = portal.find_by(kind, body.id_property, ids, archived=flag_in(request, "archived"))
    defined, names, past = portal.definitions(kind), body.properties, body.properties_with_history or []
    records = {record.id: record for record in by_key.values()}
    results = [record_wire(kind, record, defined, portal.store.portal_id, names, past) for record in records.values()]
    return batch_answer(portal, results, _missing(kind, [key for key in ids if key not in by_key]))


def _missing(kind: Kind, ids: list[str]) -> list[Wire]:
    return [missing_record(kind.singular, ids).entry({})] if ids else []


async def create(portal: Portal, request: Request) -> Response:
    """New records."""
    kind, body = kind_in(request), await body_of(request, BatchCreate)
    check_size(body.inputs)
    traces = [item.object_write_trace_id for item in body.inputs if item.object_write_trace_id]
    if len(set(traces)) < len(traces):
        raise RefusedError(400, "Every objectWriteTraceId of a batch must be unique.")
    writer = Writer(portal, kind, (item.properties for item in body.inputs))
    some_may_fail = len(traces) == len(body.inputs)
    accepted, errors = _planned_creations(writer, body.inputs, some_may_fail=some_may_fail)
    records = _save(portal, kind, [saved for _, saved in accepted])
    results = [
        written_wire(portal, kind, record, item.properties, **_trace(item.object_write_trace_id))
        for record, (item, _) in zip(records, accepted, strict=True)
    ]
    return batch_answer(portal, results, errors, 201)


def _planned_creations(
    writer: Writer, inputs: list[NewRecord], *, some_may_fail: bool
) -> tuple[list[tuple[NewRecord, Write]], list[Wire]]:
    accepted, errors = [], []
    for item in inputs:
        try:
            accepted.append((item, writer.creation(item.properties, item.associations)))
        except RefusedError as refusal:
            if not some_may_fail:
                raise
            errors.append(refusal.entry({"objectWriteTraceId": [item.object_write_trace_id or ""]}))
    return accepted, errors


def _save(portal: Portal, kind: Kind, saved: list[Write]) -> list[HubSpotRecord]:
    return portal.do({"do": "save", "kind": kind.name, "records": saved}) if saved else []


def _trace(trace_id: str | None) -> dict[str, Any]:
    return {"objectWriteTraceId": trace_id} if trace_id else {}


async def update(portal: Portal, request: Request) -> Response:
    """Changes of records that exist."""
    kind, body = kind_in(request), await body_of(request, BatchChanges)
    if any(item.id_property == "email" for item in body.inputs):
        raise non_unique(kind, "email")
    return _changed(portal, kind, body.inputs, may_create=False)


async def upsert(portal: Portal, request: Request) -> Response:
    """Changes of records that exist, and new ones for those that do not."""
    kind, body = kind_in(request), await body_of(request, BatchChanges)
    return _changed(portal, kind, body.inputs, may_create=True)


def _changed(portal: Portal, kind: Kind, inputs: list[BatchChange], *, may_create: bool) -> Response:
    check_size(inputs)
    _check_distinct([key_of(item.id_property or "", item.id) for item in inputs])
    records = _records_of(portal, kind, inputs)
    writer = Writer(portal, kind, ({(item.id_property or ""): item.id, **item.properties} for item in inputs))
    accepted: list[tuple[BatchChange, Write]] = []
    errors: list[Wire] = []
    unknown: list[str] = []
    for item, record in zip(inputs, records, strict=True):
        try:
            if record is not None:
                accepted.append((item, writer.change(record, _without_own_key(item))))
            elif may_create and item.id_property:
                accepted.append((item, writer.creation({item.id_property: item.id, **item.properties})))
            else:
                unknown.append(item.id)
        except RefusedError as refusal:
            trace = {"objectWriteTraceId": [item.object_write_trace_id]} if item.object_write_trace_id else {}
            errors.append(refusal.entry({"ids": [item.id], **trace}))
    written = _save(portal, kind, [saved for _, saved in accepted])
    results = [
        _result(portal, kind, record, item, saved, with_new=may_create)
        for record, (item, saved) in zip(written, accepted, strict=True)
    ]
    return batch_answer(portal, results, [*_missing(kind, unknown), *errors])


def _records_of(portal: Portal, kind: Kind, inputs: list[BatchChange]) -> list[HubSpotRecord | None]:
    """The record that each input means, None if it does not exist."""
    by_property: dict[str | None, dict[str, HubSpotRecord]] = {}
    for id_property in {item.id_property for item in inputs}:
        ids = [item.id for item in inputs if item.id_property == id_property]
        by_property[id_property] = portal.find_by(kind, id_property, ids)
    return [by_property[item.id_property].get(item.id) for item in inputs]


def _without_own_key(item: BatchChange) -> dict[str, Any]:
    """An upsert by a secondary address must not make it the first one."""
    return {name: value for name, value in item.properties.items() if (name, value) != (item.id_property, item.id)}


def _result(
    portal: Portal, kind: Kind, record: HubSpotRecord, item: BatchChange, saved: Write, *, with_new: bool
) -> Wire:
    more = _trace(item.object_write_trace_id)
    if with_new:
        more["new"] = saved["id"] is None
    return written_wire(portal, kind, record, item.properties, **more)


async def archive(portal: Portal, request: Request) -> Response:
    """Move records to the archive; unknown ids are passed over."""
    kind, body = kind_in(request), await body_of(request, BatchRefs)
    check_size(body.inputs)
    archive_all(portal, kind, [ref.id for ref in body.inputs])
    return Response(status_code=204)
