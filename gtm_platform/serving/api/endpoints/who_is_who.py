"""Who may be the same, for a person to decide."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from gtm_platform.serving.answers.who_is_who import WhoIsWhoAnswer
from gtm_platform.serving.api.context import RulesReader
from gtm_platform.serving.api.models import Answer
from gtm_platform.serving.api.queries import NoQuery

ROUTER = APIRouter(prefix="/v1", tags=["identity"])


class WhoIsWhoPairs(Answer, WhoIsWhoAnswer):
    """Who may be the same, those that a rule held back first."""


@ROUTER.get(
    "/who-is-who", response_model=None, responses={200: {"model": WhoIsWhoPairs}}, summary="List who may be the same"
)
async def who_is_who(call: RulesReader, _: Annotated[NoQuery, Query()]) -> Response:
    """Customers and companies that may be the same, with the evidence and how a person decides."""
    return call.answer(lambda snapshot: snapshot.fact("who_is_who"))
