"""The metrics: what they are, and their values by day and dimension."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from gtm_platform.serving.api.context import Reader
from gtm_platform.serving.api.models import MetricList, MetricSeries, metric_row
from gtm_platform.serving.api.problems import Problem
from gtm_platform.serving.api.queries import NoQuery, Text, with_day
from gtm_platform.serving.metrics import dimensions, discover
from gtm_platform.serving.store import Snapshot

ROUTER = APIRouter(prefix="/v1", tags=["metrics"])
NAMES = dimensions()


class SeriesQuery(NoQuery):
    """Which values of a metric."""

    dimension: Literal[NAMES] | None = Field(default=None, description="What to split by.")  # type: ignore[valid-type]
    member: Annotated[
        Text | None, Field(description="Only this member of the dimension; empty: customers without.")
    ] = None
    since: date | None = Field(default=None, description="First day; the oldest that is shown without.")
    until: date | None = Field(default=None, description="Last day; the newest without.")


@ROUTER.get("/metrics", response_model=None, responses={200: {"model": MetricList}}, summary="List the metrics")
async def metrics(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """Every metric with its formula in words, its unit and its dimensions."""
    return call.answer(
        lambda snapshot: with_day(snapshot, data=orjson.dumps([metric_row(name) for name in discover()]))
    )


@ROUTER.get(
    "/metrics/{name}", response_model=None, responses={200: {"model": MetricSeries}}, summary="Show a metric by day"
)
async def metric(
    call: Reader,
    name: Annotated[str, Path(max_length=100)],
    query: Annotated[SeriesQuery, Query()],
) -> Response:
    """The values of a metric, up to 90 days; a day on which it has no value is left out."""
    if name not in discover():
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such metric; /v1/metrics lists them.")
    if query.dimension is not None and query.dimension not in discover()[name].over.dimensions:
        possible = ", ".join(discover()[name].over.dimensions)
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"This metric is split by {possible}, and by nothing else.")
    if query.member is not None and query.dimension is None:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "A member is one of a dimension: name the dimension, too.")
    return call.answer(lambda snapshot: _series(snapshot, name, query))


def _series(snapshot: Snapshot, name: str, query: SeriesQuery) -> bytes:
    since, until = str(query.since or ""), str(query.until or "9999")
    values = snapshot.metric(name, query.dimension or "", since, until, query.member)
    return with_day(
        snapshot,
        metric=orjson.dumps(metric_row(name)),
        dimension=orjson.dumps(query.dimension),
        data=orjson.dumps([vars(value) for value in values]),
    )
