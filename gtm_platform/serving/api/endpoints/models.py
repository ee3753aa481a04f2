"""The platform's models: whether they can be believed, and what they say."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from gtm_platform.serving.answers.models import ModelsAnswer
from gtm_platform.serving.api.context import Reader
from gtm_platform.serving.api.models import Answer
from gtm_platform.serving.api.queries import NoQuery

ROUTER = APIRouter(prefix="/v1", tags=["operations"])


class Models(Answer, ModelsAnswer):
    """Whether the models can be believed, and what they say."""


@ROUTER.get("/models", response_model=None, responses={200: {"model": Models}}, summary="Show the models")
async def models(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """Each model by month with verdict and figures, and its highest scores once shown."""
    return call.answer(lambda snapshot: snapshot.fact("models"))
