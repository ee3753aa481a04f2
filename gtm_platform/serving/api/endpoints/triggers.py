"""Who is sent which changes. Subscribing is a person's deed: `gtm trigger`."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from gtm_platform.serving.answers.triggers import TriggersAnswer
from gtm_platform.serving.api.context import OperationsReader
from gtm_platform.serving.api.models import Answer
from gtm_platform.serving.api.queries import NoQuery

ROUTER = APIRouter(prefix="/v1", tags=["operations"])


class Triggers(Answer, TriggersAnswer):
    """Who is sent which changes, and what became of the messages."""


@ROUTER.get("/triggers", response_model=None, responses={200: {"model": Triggers}}, summary="List triggers")
async def triggers(call: OperationsReader, _: Annotated[NoQuery, Query()]) -> Response:
    """The subscriptions to changes, what became of their messages, and which are tried no more.

    As it was when the snapshot was made. Secrets and addresses of receivers are not shown.
    """
    return call.answer(lambda snapshot: snapshot.fact("triggers"))
