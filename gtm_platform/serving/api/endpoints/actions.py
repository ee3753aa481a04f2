"""Actions for customers at risk as they are now, beside the snapshot."""

import asyncio
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from gtm_platform.policy import policy
from gtm_platform.serving.answers.actions import ActionsAnswer, actions_now
from gtm_platform.serving.api.context import Call, Reader
from gtm_platform.serving.api.queries import NoQuery

ROUTER = APIRouter(prefix="/v1", tags=["operations"])


@ROUTER.get("/actions", response_model=None, responses={200: {"model": ActionsAnswer}}, summary="Show the actions")
async def actions(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """What the policy has done for customers at risk, in counts: tasks in HubSpot, tags in Intercom."""
    return Response(
        await asyncio.to_thread(_answer, call), headers={"Cache-Control": "no-store"}, media_type="application/json"
    )


def _answer(call: Call) -> bytes:
    answer = actions_now(call.api.state, policy().actions, call.api.now())
    return orjson.dumps(answer.model_dump(mode="json"))
