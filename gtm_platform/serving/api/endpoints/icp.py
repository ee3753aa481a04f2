"""The ideal customer, and the best leads."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from gtm_platform.serving.answers.icp import IcpAnswer
from gtm_platform.serving.answers.icp import icp as icp_of
from gtm_platform.serving.answers.leads import LeadsAnswer
from gtm_platform.serving.answers.leads import leads as leads_of
from gtm_platform.serving.api.context import Reader
from gtm_platform.serving.api.models import Answer
from gtm_platform.serving.api.queries import NoQuery, with_day
from gtm_platform.serving.store import Snapshot

ROUTER = APIRouter(prefix="/v1", tags=["companies"])


class Icp(Answer, IcpAnswer):
    """Which companies are won, pay and stay, by what they are, and who fits best."""


class Leads(Answer, LeadsAnswer):
    """The leads that are most likely to become customers, with reasons."""


@ROUTER.get("/icp", response_model=None, responses={200: {"model": Icp}}, summary="Show the ideal customer")
async def icp(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """Won, lost, LTV and churn of companies by what they are, and the open ones that fit best."""

    def make(snapshot: Snapshot) -> bytes:
        answer = icp_of(snapshot).model_dump(mode="json")
        return with_day(snapshot, **{name: orjson.dumps(value) for name, value in answer.items()})

    return call.answer(make)


@ROUTER.get("/leads", response_model=None, responses={200: {"model": Leads}}, summary="List the best leads")
async def leads(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """The leads that are most likely to become customers, with reasons, once their scores are shown."""

    def make(snapshot: Snapshot) -> bytes:
        answer = leads_of(snapshot).model_dump(mode="json")
        return with_day(snapshot, **{name: orjson.dumps(value) for name, value in answer.items()})

    return call.answer(make)
