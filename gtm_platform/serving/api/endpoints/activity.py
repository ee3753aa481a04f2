"""Activity with customers beside what came of it."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from gtm_platform.serving.answers.activity import ActivityAnswer
from gtm_platform.serving.answers.activity import activity as activity_of
from gtm_platform.serving.api.context import Reader
from gtm_platform.serving.api.models import Answer
from gtm_platform.serving.api.queries import NoQuery, with_day
from gtm_platform.serving.store import Snapshot

ROUTER = APIRouter(prefix="/v1", tags=["intelligence"])


class Activity(Answer, ActivityAnswer):
    """Activity beside outcomes, and of account managers; association, and no effect."""


@ROUTER.get("/activity", response_model=None, responses={200: {"model": Activity}}, summary="Show activity")
async def activity(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """Good outcomes with and without each activity before them; what account managers did."""

    def make(snapshot: Snapshot) -> bytes:
        answer = activity_of(snapshot).model_dump(mode="json")
        return with_day(snapshot, **{name: orjson.dumps(value) for name, value in answer.items()})

    return call.answer(make)
