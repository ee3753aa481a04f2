"""What is shown of the platform itself: summary, freshness, alerts, runs."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from gtm_platform.serving.answers.freshness import freshness as freshness_at
from gtm_platform.serving.api.context import Reader
from gtm_platform.serving.api.models import AlertPage, Freshness, RunPage, Summary
from gtm_platform.serving.api.queries import NoQuery, PageQuery, place_of, plain_page, with_day
from gtm_platform.serving.store import Snapshot

ROUTER = APIRouter(prefix="/v1", tags=["operations"])


@ROUTER.get("/summary", response_model=None, responses={200: {"model": Summary}}, summary="Show the summary")
async def summary(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """Each metric with its change in 7 and 30 days, how customers are spread, and the risk signals."""
    return call.answer(lambda snapshot: snapshot.fact("summary"))


@ROUTER.get("/freshness", response_model=None, responses={200: {"model": Freshness}}, summary="Show how fresh it is")
async def freshness(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """When each source was read last, after which moment it counts as late, and whether it does."""
    now = call.api.now()

    def make(snapshot: Snapshot) -> bytes:
        state = freshness_at(snapshot, now).model_dump()
        return with_day(snapshot, **{name: orjson.dumps(value) for name, value in state.items()})

    return call.answer(make, lambda snapshot: ",".join(freshness_at(snapshot, now).late))


@ROUTER.get("/alerts", response_model=None, responses={200: {"model": AlertPage}}, summary="List alerts")
async def alerts(call: Reader, query: Annotated[PageQuery, Query()]) -> Response:
    """The alerts of the last 90 days, the newest first."""
    after = place_of(query.cursor, (int,)) or (0,)

    def make(snapshot: Snapshot) -> bytes:
        return plain_page(snapshot, snapshot.alerts(query.limit + 1, after[0]), query.limit)

    return call.answer(make)


@ROUTER.get("/sync-runs", response_model=None, responses={200: {"model": RunPage}}, summary="List runs")
async def sync_runs(call: Reader, query: Annotated[PageQuery, Query()]) -> Response:
    """The newest runs that Dagster had when the snapshot was made."""
    after = place_of(query.cursor, (int,)) or (0,)

    def make(snapshot: Snapshot) -> bytes:
        return plain_page(snapshot, snapshot.sync_runs(query.limit + 1, after[0]), query.limit)

    return call.answer(make)
