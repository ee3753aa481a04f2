"""The metrics of the house, by day and dimension."""

from datetime import date, timedelta
from typing import Annotated, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from gtm_platform.serving.api.models import MetricPoint, MetricRow, metric_row
from gtm_platform.serving.chat.answers import Metrics, MetricSeriesOf
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool
from gtm_platform.serving.metrics import dimensions, discover
from gtm_platform.serving.snapshot.layout import HISTORY_DAYS

MOST_NAMES = 10
Name = Literal[tuple(discover())]  # type: ignore[valid-type]
Dimension = Literal[dimensions()]  # type: ignore[valid-type]


def answer(
    question: Question,
    names: Annotated[
        list[Name],  # type: ignore[valid-type]
        Field(max_length=MOST_NAMES, description="Without any, what metrics there are."),
    ] = [],  # noqa: B006  a schema's default
    dimension: Annotated[
        Dimension | None,  # type: ignore[valid-type]
        Field(description="Split by this."),
    ] = None,
    days: Annotated[int, Field(ge=1, le=HISTORY_DAYS, description="The last so many days.")] = 1,
) -> Metrics:
    """Return metrics such as MRR, churn or mean health, by day: definition and values.

    They are in all, or split by what a metric has as dimensions, such as account manager, plan or cohort.
    Without names it lists the definitions.
    """
    chosen = [metric for metric in discover().values() if metric.name in names or not names]
    if wrong := [metric.name for metric in chosen if names and dimension and dimension not in metric.over.dimensions]:
        raise ToolError(f"{', '.join(wrong)} is not split by {dimension}; each metric lists its dimensions.")
    since = (date.fromisoformat(question.snapshot.as_of) - timedelta(days=days - 1)).isoformat()
    series = [
        MetricSeriesOf(
            metric=MetricRow(**metric_row(metric.name)),
            values=_points(question, metric.name, dimension, since) if names else [],
        )
        for metric in chosen
    ]
    tables = {read.table for metric in chosen for read in metric.over.reads.values()}
    return Metrics(**question.origin(*sorted(tables)), dimension=dimension, metrics=series)


def _points(question: Question, name: str, dimension: str | None, since: str) -> list[MetricPoint]:
    return [MetricPoint.model_validate(vars(value)) for value in question.snapshot.metric(name, dimension or "", since)]


TOOL = Tool("metrics", "Metrics", answer)
