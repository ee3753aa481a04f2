"""Customers: the list, those at risk, and one with its history and how its score is made."""

from http import HTTPStatus
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from gtm_platform.health.customer_health import STATUSES
from gtm_platform.health.explanation_text import written
from gtm_platform.serving.api.context import Call, Reader, require
from gtm_platform.serving.api.models import CustomerDetail, CustomerPage
from gtm_platform.serving.api.problems import Problem
from gtm_platform.serving.api.queries import (
    CustomerListQuery,
    ListQuery,
    NoQuery,
    columns_of,
    page_answer,
    with_day,
)
from gtm_platform.serving.store import Customer, Snapshot
from gtm_platform.serving.store.documents import array, joined

ROUTER = APIRouter(prefix="/v1", tags=["customers"])
HEALTHY, *AT_RISK = STATUSES


@ROUTER.get("/customers", response_model=None, responses={200: {"model": CustomerPage}}, summary="List customers")
async def customers(call: Reader, query: Annotated[CustomerListQuery, Query()]) -> Response:  # type: ignore[valid-type]
    """Current customers, those with the most MRR first; filters narrow the list, all of them together."""
    return _page(call, query)


@ROUTER.get("/at-risk", response_model=None, responses={200: {"model": CustomerPage}}, summary="List who is at risk")
async def at_risk(call: Reader, query: Annotated[CustomerListQuery, Query()]) -> Response:  # type: ignore[valid-type]
    """The same list for customers whose health is not healthy, with their risk signals and what to do."""
    if HEALTHY in query.health:  # type: ignore[attr-defined]
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"Who is at risk is {', '.join(AT_RISK)}; see /v1/customers.")
    return _page(call, query, health=AT_RISK)


@ROUTER.get(
    "/customers/{who}", response_model=None, responses={200: {"model": CustomerDetail}}, summary="Show a customer"
)
async def customer(
    call: Reader,
    who: Annotated[
        str, Path(max_length=320, description="Id, former id or any address; the last needs personal:read.")
    ],
    _: Annotated[NoQuery, Query()],
) -> Response:
    """A customer, current or not, with 90 days of history, how the score is made, and alerts."""
    if "@" in who:
        require(call.principal, "personal:read")
    return call.answer(lambda snapshot: _detail(call, snapshot, who))


def _page(call: Call, query: ListQuery, **preset: list[str]) -> Response:
    columns = columns_of(query.fields, call)
    question = query.question(**preset)

    def make(snapshot: Snapshot) -> bytes:
        page = snapshot.customers(question)
        return page_answer(snapshot, page, personal=call.principal.sees_personal, columns=columns)

    return call.answer(make)


def _detail(call: Call, snapshot: Snapshot, who: str) -> bytes:
    shown = snapshot.customer(who)
    if shown is None:
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such customer: neither an id nor an address of one.")
    call.request.state.subject = shown.customer_id
    return with_day(
        snapshot,
        customer=joined(shown.body, shown.personal if call.principal.sees_personal else b""),
        **_explanation(snapshot, shown),
        history=shown.history,
        alerts=array(shown.alerts),
    )


def _explanation(snapshot: Snapshot, shown: Customer) -> dict[str, bytes]:
    explanation, movement = snapshot.explanation(shown), snapshot.movement(shown)
    return {
        "explanation": orjson.dumps(explanation.model_dump() if explanation else None),
        "written_explanation": orjson.dumps(written(explanation) if explanation else None),
        "movement": orjson.dumps(movement.model_dump() if movement else None),
    }
