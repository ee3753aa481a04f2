"""Erasing a person: a plan, then the same plan confirmed. An answer names nobody."""

import asyncio
import re
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from gtm_platform.privacy.person import Nobody
from gtm_platform.serving.answers.erasures import ErasuresAnswer, erasures_now
from gtm_platform.serving.api.context import Api, Call, allowed
from gtm_platform.serving.api.erasures import Erasures
from gtm_platform.serving.api.problems import Problem
from gtm_platform.serving.api.queries import NoQuery
from gtm_platform.serving.api.syncs import CannotLaunch
from gtm_platform.settings import SettingsError
from gtm_platform.state.erasures import DONE, Erasure, erasure_of

ROUTER = APIRouter(prefix="/v1", tags=["operations"])
PLAN_ID = re.compile(r"[0-9a-f]{12}")
Eraser = Annotated[Call, allowed("erase")]


class ErasureAnswer(BaseModel):
    """An erasure: its plan, and how far it is. It names nobody."""

    id: str
    status: str = Field(description="planned, begun or done.")
    requested_at: str
    plan: dict[str, Any] = Field(description="How many rows and files name the person, by table, place and system.")
    receipt: dict[str, Any] | None = Field(description="Signed: what was done, and what others must do; once done.")


class ErasureBody(BaseModel):
    """Who is to be erased, and why."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    person: str = Field(min_length=3, max_length=320, description="An address, a customer's id, or source:record.")
    reason: str = Field(min_length=1, max_length=500, description="Why, for the record.")


@ROUTER.post(
    "/erasure",
    response_model=None,
    status_code=201,
    responses={201: {"model": ErasureAnswer}, 404: {"description": "Nothing names the person."}},
    summary="Plan the erasure of a person",
)
async def plan(call: Eraser, body: ErasureBody, _: Annotated[NoQuery, Query()]) -> Response:
    """Find a person everywhere, and say what would be erased; nothing is before the plan is confirmed."""
    erasure = await asyncio.to_thread(_plan, call, body)
    return _answer(erasure, HTTPStatus.CREATED)


@ROUTER.get("/erasure", response_model=None, responses={200: {"model": ErasuresAnswer}}, summary="Every erasure")
async def listed(call: Eraser, _: Annotated[NoQuery, Query()]) -> Response:
    """Which wait to be confirmed, which were begun, which are done; the newest first."""
    answer = await asyncio.to_thread(erasures_now, call.api.state)
    return Response(answer.model_dump_json(), HTTPStatus.OK, {"Cache-Control": "no-store"}, "application/json")


@ROUTER.post(
    "/erasure/{plan_id}",
    response_model=None,
    status_code=202,
    responses={202: {"model": ErasureAnswer}},
    summary="Carry out a plan of erasure",
)
async def confirm(call: Eraser, plan_id: str, _: Annotated[NoQuery, Query()]) -> Response:
    """Carry a plan out in a process of its own; the same again finishes one that was broken off."""
    erasure = await asyncio.to_thread(_confirm, call, plan_id)
    return _answer(erasure, HTTPStatus.ACCEPTED)


@ROUTER.get(
    "/erasure/{plan_id}",
    response_model=None,
    responses={200: {"model": ErasureAnswer}},
    summary="How far an erasure is",
)
async def state(call: Eraser, plan_id: str, _: Annotated[NoQuery, Query()]) -> Response:
    """The plan, how far it is, and once it is done the signed receipt."""
    return _answer(await asyncio.to_thread(_kept, call.api, plan_id), HTTPStatus.OK)


def _plan(call: Call, body: ErasureBody) -> Erasure:
    try:
        return _erasures(call.api).plan(body.person, body.reason, f"token {call.principal.token_id}")
    except Nobody:
        raise Problem(HTTPStatus.NOT_FOUND, "Nothing here names the person that is meant.") from None
    except SettingsError as error:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from None


def _confirm(call: Call, plan_id: str) -> Erasure:
    erasure = _kept(call.api, plan_id)
    if erasure.status != DONE:
        try:
            _erasures(call.api).launch(erasure.id)
        except CannotLaunch as error:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from error
    return erasure


def _kept(api: Api, plan_id: str) -> Erasure:
    with api.state.reading() as tx:
        erasure = erasure_of(tx, plan_id) if PLAN_ID.fullmatch(plan_id) else None
    if erasure is None:
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such plan; one that nobody confirms is forgotten.")
    return erasure


def _erasures(api: Api) -> Erasures:
    if api.erasures is None:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Nobody can be erased through this server.")
    return api.erasures


def _answer(erasure: Erasure, status: HTTPStatus) -> Response:
    content: dict[str, Any] = {
        "id": erasure.id,
        "status": erasure.status,
        "requested_at": f"{erasure.requested_at:%Y-%m-%dT%H:%M:%SZ}",
        "plan": erasure.plan,
        "receipt": erasure.receipt,
    }
    return Response(orjson.dumps(content), status, {"Cache-Control": "no-store"}, "application/json")
