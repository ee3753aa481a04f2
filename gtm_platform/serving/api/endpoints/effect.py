"""What the platform changes, by its experiments, and the metrics of success."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from gtm_platform.serving.answers.effect import EffectAnswer, SuccessAnswer
from gtm_platform.serving.answers.effect import effect as effect_of
from gtm_platform.serving.answers.effect import success as success_of
from gtm_platform.serving.api.context import Reader
from gtm_platform.serving.api.models import Answer
from gtm_platform.serving.api.queries import NoQuery, with_day
from gtm_platform.serving.store import Snapshot

ROUTER = APIRouter(prefix="/v1", tags=["operations"])


class Effect(Answer, EffectAnswer):
    """What each experiment shows that the platform changes."""


class Success(Answer, SuccessAnswer):
    """The metrics of success, each with its baseline."""


@ROUTER.get("/effect", response_model=None, responses={200: {"model": Effect}}, summary="Show what experiments found")
async def effect(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """Each experiment, and the difference in churn, MRR and expansion with an always-valid interval."""
    return call.answer(lambda snapshot: _answer(snapshot, effect_of(snapshot)))


@ROUTER.get("/success", response_model=None, responses={200: {"model": Success}}, summary="Show metrics of success")
async def success(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """Churn, days of warning, MRR saved, expansion, minutes, coverage, each beside its baseline."""
    return call.answer(lambda snapshot: _answer(snapshot, success_of(snapshot)))


def _answer(snapshot: Snapshot, answer: BaseModel) -> bytes:
    fields = answer.model_dump(mode="json")
    return with_day(snapshot, **{name: orjson.dumps(value) for name, value in fields.items()})
