"""What is shown of the platform itself: summary, freshness, alerts, runs."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from gtm_platform.serving.answers.freshness import DataFreshness
from gtm_platform.serving.answers.freshness import freshness as freshness_at
from gtm_platform.serving.answers.hubspot import HubSpotAnswer
from gtm_platform.serving.answers.track_record import TrackRecord as TrackRecordAnswer
from gtm_platform.serving.api.context import OperationsReader, Reader
from gtm_platform.serving.api.models import AlertPage, Answer, OddFigures, RunPage, SchemaChanges, Summary
from gtm_platform.serving.api.queries import NoQuery, PageQuery, place_of, plain_page, with_day
from gtm_platform.serving.store import Snapshot

ROUTER = APIRouter(prefix="/v1", tags=["operations"])


class Freshness(Answer, DataFreshness):
    """When each source was read last, after which moment it counts as late, and whether it does."""


class HubSpotFields(Answer, HubSpotAnswer):
    """What HubSpot was sent in the last 30 days, without what it had already; and how much is true there."""


class TrackRecord(Answer, TrackRecordAnswer):
    """Whether health saw churn coming, what it missed, and how useful alerts were."""


@ROUTER.get("/summary", response_model=None, responses={200: {"model": Summary}}, summary="Show the summary")
async def summary(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """Each metric with its change in 7 and 30 days, how customers are spread, and the risk signals."""
    return call.answer(lambda snapshot: snapshot.fact("summary"))


@ROUTER.get("/freshness", response_model=None, responses={200: {"model": Freshness}}, summary="Show how fresh it is")
async def freshness(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """When each source was read last and last changed, and whether that is too long ago."""
    now = call.api.now()

    def make(snapshot: Snapshot) -> bytes:
        state = freshness_at(snapshot, now).model_dump()
        return with_day(snapshot, **{name: orjson.dumps(value) for name, value in state.items()})

    def turns(snapshot: Snapshot) -> str:
        state = freshness_at(snapshot, now)
        return ",".join([*state.late, *state.silent])

    return call.answer(make, turns)


@ROUTER.get("/anomalies", response_model=None, responses={200: {"model": OddFigures}}, summary="List odd figures")
async def anomalies(call: OperationsReader, _: Annotated[NoQuery, Query()]) -> Response:
    """Daily figures of the last 30 days that are unlike those of the weeks before."""
    return call.answer(lambda snapshot: snapshot.fact("anomalies"))


@ROUTER.get(
    "/schema-changes", response_model=None, responses={200: {"model": SchemaChanges}}, summary="List changes of schemas"
)
async def schema_changes(call: OperationsReader, _: Annotated[NoQuery, Query()]) -> Response:
    """New, vanished and changed fields of what sources send: names and types, no values."""
    return call.answer(lambda snapshot: snapshot.fact("schema_changes"))


@ROUTER.get("/hubspot", response_model=None, responses={200: {"model": HubSpotFields}}, summary="Show HubSpot's fields")
async def hubspot(call: OperationsReader, _: Annotated[NoQuery, Query()]) -> Response:
    """What became of the fields that HubSpot was to have in 30 days, and how much of all is true there.

    With the reasons for those that are not there, and who changed values there.
    """
    return call.answer(lambda snapshot: snapshot.fact("hubspot"))


@ROUTER.get(
    "/track-record", response_model=None, responses={200: {"model": TrackRecord}}, summary="Show whether health works"
)
async def track_record(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """What the newest back-test says of health, what it missed, and how useful readers find alerts."""
    return call.answer(lambda snapshot: snapshot.fact("track_record"))


@ROUTER.get("/alerts", response_model=None, responses={200: {"model": AlertPage}}, summary="List alerts")
async def alerts(call: Reader, query: Annotated[PageQuery, Query()]) -> Response:
    """The alerts of the last 90 days, the newest first."""
    after = place_of(query.cursor, (int,)) or (0,)

    def make(snapshot: Snapshot) -> bytes:
        return plain_page(snapshot, snapshot.alerts(query.limit + 1, after[0]), query.limit)

    return call.answer(make)


@ROUTER.get("/sync-runs", response_model=None, responses={200: {"model": RunPage}}, summary="List runs")
async def sync_runs(call: OperationsReader, query: Annotated[PageQuery, Query()]) -> Response:
    """The newest runs that Dagster had when the snapshot was made."""
    after = place_of(query.cursor, (int,)) or (0,)

    def make(snapshot: Snapshot) -> bytes:
        return plain_page(snapshot, snapshot.sync_runs(query.limit + 1, after[0]), query.limit)

    return call.answer(make)
