"""Competitors: use, wins, displacements and pain points."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from gtm_platform.serving.answers.competition import CompetitionAnswer
from gtm_platform.serving.answers.competition import competition as competition_of
from gtm_platform.serving.api.context import Reader
from gtm_platform.serving.api.models import Answer
from gtm_platform.serving.api.queries import NoQuery, with_day
from gtm_platform.serving.store import Snapshot

ROUTER = APIRouter(prefix="/v1", tags=["intelligence"])


class Competition(Answer, CompetitionAnswer):
    """Use, win and displacement rates, and pain points by competitor."""


@ROUTER.get(
    "/competition", response_model=None, responses={200: {"model": Competition}}, summary="Show the competitors"
)
async def competition(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """Use by month, win and displacement rates with intervals, pain points with evidence."""

    def make(snapshot: Snapshot) -> bytes:
        answer = competition_of(snapshot, personal=call.principal.sees_personal).model_dump(mode="json")
        return with_day(snapshot, **{name: orjson.dumps(value) for name, value in answer.items()})

    return call.answer(make)
