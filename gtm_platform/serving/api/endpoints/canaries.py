"""Canaries as they are now, beside the snapshot."""

import asyncio
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from gtm_platform.serving.answers.canaries import CanariesAnswer, canaries_now
from gtm_platform.serving.api.context import Call, Reader
from gtm_platform.serving.api.queries import NoQuery

ROUTER = APIRouter(prefix="/v1", tags=["operations"])


@ROUTER.get("/canaries", response_model=None, responses={200: {"model": CanariesAnswer}}, summary="Show the canaries")
async def canaries(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """Synthetic customers that show that everything works: which stage saw what they did, which failed."""
    return Response(
        await asyncio.to_thread(_answer, call), headers={"Cache-Control": "no-store"}, media_type="application/json"
    )


def _answer(call: Call) -> bytes:
    return orjson.dumps(canaries_now(call.api.state, call.api.now()).model_dump(mode="json"))
