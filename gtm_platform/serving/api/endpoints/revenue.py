"""How revenue moved and will, and the pipeline."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from gtm_platform.serving.answers.pipeline import PipelineAnswer
from gtm_platform.serving.answers.pipeline import pipeline as pipeline_of
from gtm_platform.serving.answers.revenue import RevenueAnswer
from gtm_platform.serving.answers.revenue import revenue as revenue_of
from gtm_platform.serving.api.context import Reader
from gtm_platform.serving.api.models import Answer
from gtm_platform.serving.api.queries import NoQuery, with_day
from gtm_platform.serving.store import Snapshot

ROUTER = APIRouter(prefix="/v1", tags=["revenue"])


class Revenue(Answer, RevenueAnswer):
    """How MRR moved by period and definition, what is retained by cohort, and the forecast."""


class Pipeline(Answer, PipelineAnswer):
    """The pipeline by stage, what will be won, and which companies may buy more."""


@ROUTER.get("/revenue", response_model=None, responses={200: {"model": Revenue}}, summary="Show how revenue moved")
async def revenue(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """Movements of MRR by period and definition with NRR and GRR, retention by cohort, and the forecast."""

    def make(snapshot: Snapshot) -> bytes:
        answer = revenue_of(snapshot).model_dump(mode="json")
        return with_day(snapshot, **{name: orjson.dumps(value) for name, value in answer.items()})

    return call.answer(make)


@ROUTER.get("/pipeline", response_model=None, responses={200: {"model": Pipeline}}, summary="Show the pipeline")
async def pipeline(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """Open deals by stage, what will be won beside the naive forecast, and which companies may buy more."""

    def make(snapshot: Snapshot) -> bytes:
        answer = pipeline_of(snapshot).model_dump(mode="json")
        return with_day(snapshot, **{name: orjson.dumps(value) for name, value in answer.items()})

    return call.answer(make)
