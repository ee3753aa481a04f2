"""Customers: the list, those at risk, and one with its history and how its score is made."""

from http import HTTPStatus
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from gtm_platform.health.customer_health import STATUSES
from gtm_platform.health.explanation_text import written
from gtm_platform.serving.answers.timeline import KINDS, MOST, Kind, timeline
from gtm_platform.serving.api.context import Call, Reader, require
from gtm_platform.serving.api.models import CustomerDetail, CustomerPage, CustomerTimeline
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
from gtm_platform.serving.store.documents import array

ROUTER = APIRouter(prefix="/v1", tags=["customers"])
HEALTHY, *AT_RISK = STATUSES
Who = Annotated[str, Path(max_length=320, description="Id, former id or any address; the last needs personal:read.")]


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
    who: Who,
    _: Annotated[NoQuery, Query()],
) -> Response:
    """A customer with 90 days of history, how the score is made, what moved it, and alerts."""
    if "@" in who:
        require(call.principal, "personal:read")
    return call.answer(lambda snapshot: _detail(call, snapshot, who))


class TimelineQuery(NoQuery):
    """Which events."""

    kind: list[Kind] = Field(default=[], max_length=len(KINDS), description="Any of several; all without.")
    limit: int = Field(default=100, ge=1, le=MOST, description="The newest so many.")


@ROUTER.get(
    "/customers/{who}/timeline",
    response_model=None,
    responses={200: {"model": CustomerTimeline}},
    summary="Show what happened to a customer",
)
async def customer_timeline(call: Reader, who: Who, query: Annotated[TimelineQuery, Query()]) -> Response:
    """Calls, conversations, payments, changes of what is served, alerts, writes to HubSpot."""
    personal = call.principal.sees_personal
    if "@" in who:
        require(call.principal, "personal:read")

    def make(snapshot: Snapshot) -> bytes:
        shown = _customer(call, snapshot, who)
        events = timeline(snapshot, shown, personal=personal, kinds=query.kind, limit=query.limit).model_dump()
        return with_day(snapshot, **{name: orjson.dumps(value) for name, value in events.items()})

    return call.answer(make)


def _page(call: Call, query: ListQuery, **preset: list[str]) -> Response:
    columns = columns_of(query.fields, call)
    question = query.question(**preset)

    def make(snapshot: Snapshot) -> bytes:
        page = snapshot.customers(question)
        return page_answer(snapshot, page, personal=call.principal.sees_personal, columns=columns)

    return call.answer(make)


def _customer(call: Call, snapshot: Snapshot, who: str) -> Customer:
    shown = snapshot.customer(who)
    if shown is None:
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such customer: neither an id nor an address of one.")
    call.request.state.subject = shown.customer_id
    return shown


def _detail(call: Call, snapshot: Snapshot, who: str) -> bytes:
    shown = _customer(call, snapshot, who)
    return with_day(
        snapshot,
        customer=shown.document(personal=call.principal.sees_personal),
        **_explanation(snapshot, shown),
        history=shown.history,
        alerts=array(shown.alerts),
    )


def _explanation(snapshot: Snapshot, shown: Customer) -> dict[str, bytes]:
    explanation = snapshot.explanation(shown)
    return {
        "explanation": orjson.dumps(explanation.model_dump() if explanation else None),
        "written_explanation": orjson.dumps(written(explanation) if explanation else None),
    }
