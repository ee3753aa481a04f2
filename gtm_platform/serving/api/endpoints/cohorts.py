"""The cohorts of companies, and who moved between them."""

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from gtm_platform.serving.answers.cohorts import MOST, CohortsAnswer
from gtm_platform.serving.answers.cohorts import cohorts as cohorts_of
from gtm_platform.serving.api.context import Reader
from gtm_platform.serving.api.models import Answer
from gtm_platform.serving.api.queries import NoQuery, with_day
from gtm_platform.serving.store import Snapshot

ROUTER = APIRouter(prefix="/v1", tags=["companies"])


class Cohorts(Answer, CohortsAnswer):
    """The cohorts of companies, and who moved between them."""


class CohortsQuery(NoQuery):
    """Since when changes are listed."""

    days: Annotated[Literal["7", "30", "90"], Field(description="In so many days.")] = "30"
    limit: Annotated[int, Field(ge=1, le=MOST, description="Changes that are listed.")] = 50


@ROUTER.get("/cohorts", response_model=None, responses={200: {"model": Cohorts}}, summary="Show the cohorts")
async def cohorts(call: Reader, query: Annotated[CohortsQuery, Query()]) -> Response:
    """Cohorts with companies, MRR and health, changes between them, and fields that rows lack."""

    def make(snapshot: Snapshot) -> bytes:
        answer = cohorts_of(snapshot, int(query.days), query.limit).model_dump(mode="json")
        return with_day(snapshot, **{name: orjson.dumps(value) for name, value in answer.items()})

    return call.answer(make)
