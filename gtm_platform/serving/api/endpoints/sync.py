"""Launching a run that reads a source."""

import asyncio
import hashlib
import uuid
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from gtm_platform.serving.api.context import Call, allowed
from gtm_platform.serving.api.problems import Problem
from gtm_platform.serving.api.queries import NoQuery
from gtm_platform.serving.api.syncs import CannotLaunch
from gtm_platform.state import sync_requests
from gtm_platform.state.audit import note
from gtm_platform.state.sync_requests import SyncRequest

ROUTER = APIRouter(prefix="/v1", tags=["operations"])


class SyncAnswer(BaseModel):
    """A launched run."""

    run_id: str
    source: str
    status: str = Field(description="In Dagster's words; launched until Dagster knows the run.")


class SyncBody(BaseModel):
    """What is to be read."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(max_length=64, description="Name of the source, such as stripe.")
    full_refresh: bool = Field(default=False, description="Read it whole, which also shows what was deleted.")


@ROUTER.post(
    "/sync",
    response_model=None,
    status_code=202,
    responses={202: {"model": SyncAnswer}, 409: {"description": "The source is being read."}},
    summary="Launch a run that reads a source",
)
async def sync(
    call: Annotated[Call, allowed("sync:write", area="operations")],
    body: SyncBody,
    _: Annotated[NoQuery, Query()],
    idempotency_key: Annotated[
        str, Header(min_length=8, max_length=200, description="Any text, new for each run that is wanted.")
    ],
) -> Response:
    """Read the newest window of a source that has closed; the same key launches one run only."""
    answer = await asyncio.to_thread(_launch, call, body, idempotency_key)
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(answer), HTTPStatus.ACCEPTED, headers, "application/json")


def _launch(call: Call, body: SyncBody, key: str) -> dict[str, Any]:
    """Launch a run, or return the one that the key launched before."""
    api, syncs = call.api, call.api.syncs
    if body.source not in syncs.sources():
        sources = ", ".join(syncs.sources()) or "none"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"There is no such source; those that can be read: {sources}.")
    request = SyncRequest(
        call.principal.token_id,
        _hash(key.encode()),
        _hash(body.model_dump_json().encode()),
        str(uuid.uuid4()),
        api.now(),
    )
    with api.state.writing() as tx:
        counting = sync_requests.claim(tx, request)
    if counting.body_hash != request.body_hash:
        detail = "The Idempotency-Key was used for another body before: take a new one for a new run."
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    if counting.run_id != request.run_id:
        return _repeated(call, counting)
    try:
        if running := syncs.unfinished(body.source):
            detail = f"This source is being read, by run {running.run_id}: wait until it ends."
            raise Problem(HTTPStatus.CONFLICT, detail)
        syncs.launch(body.source, request.run_id, full_refresh=body.full_refresh)
    except BaseException as error:
        with api.state.writing() as tx:
            sync_requests.release(tx, request)
        if isinstance(error, CannotLaunch):
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from error
        raise
    answer = {"run_id": request.run_id, "source": body.source, "status": "launched"}
    with api.state.writing() as tx:
        sync_requests.answer(tx, request, answer)
        detail_of_run = {"source": body.source, "full_refresh": body.full_refresh}
        note(tx, api.now(), f"token {call.principal.token_id}", "sync launched", request.run_id, detail_of_run)
    return answer


def _repeated(call: Call, earlier: SyncRequest) -> dict[str, Any]:
    if earlier.answer is None:
        raise Problem(HTTPStatus.CONFLICT, "A request with this Idempotency-Key is being answered: ask again shortly.")
    return {**earlier.answer, "status": call.api.syncs.status(earlier.run_id)}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
