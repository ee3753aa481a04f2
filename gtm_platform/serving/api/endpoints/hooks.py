"""Webhooks as they are now, beside the snapshot."""

import asyncio
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from gtm_platform.ingest.hooks.hook import public_url
from gtm_platform.serving.answers.hooks import HooksAnswer, hooks_now
from gtm_platform.serving.answers.hot_path import hot_path_now
from gtm_platform.serving.api.context import Call, OperationsReader
from gtm_platform.serving.api.queries import NoQuery

ROUTER = APIRouter(prefix="/v1", tags=["operations"])


@ROUTER.get("/hooks", response_model=None, responses={200: {"model": HooksAnswer}}, summary="Show the webhooks")
async def hooks(call: OperationsReader, _: Annotated[NoQuery, Query()]) -> Response:
    """Every webhook: on or off, when it came last, what was refused and why, what is wrong with it."""
    return Response(
        await asyncio.to_thread(_answer, call), headers={"Cache-Control": "no-store"}, media_type="application/json"
    )


def _answer(call: Call) -> bytes:
    state, now = call.api.state, call.api.now()
    answer = HooksAnswer(address=public_url(), hooks=hooks_now(state, now), hot_path=hot_path_now(state, now))
    return orjson.dumps(answer.model_dump(mode="json"))
