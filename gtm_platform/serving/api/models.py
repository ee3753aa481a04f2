"""What answers of several places look like, for OpenAPI; what one endpoint answers stands beside its routes.

Rows are made from the contracts, so that a new column is in the description by itself. Answers are not made from these
models; a test validates answers by them.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import ibis.expr.datatypes as dt
from pydantic import BaseModel, Field, create_model

from gtm_platform.health.explanation import Explanation
from gtm_platform.lake.contracts import Column
from gtm_platform.serving.answers.cohorts import Transition
from gtm_platform.serving.answers.timeline import Timeline
from gtm_platform.serving.metrics import discover
from gtm_platform.serving.snapshot import company_rows, layout

PERSONAL = " Only with the scope personal:read."


def model_of(name: str, about: str, columns: Mapping[str, Column]) -> type[BaseModel]:
    """Return the model of rows with these columns; personal ones may be missing."""
    fields: dict[str, Any] = {}
    for column_name, column in columns.items():
        kind: Any = _python(dt.dtype(column.type))
        about_column = column.about + (PERSONAL if column.personal else "")
        if column.personal:
            fields[column_name] = (kind | None, Field(default=None, description=about_column))
        else:
            fields[column_name] = (kind if not column.nullable else kind | None, Field(description=about_column))
    model: type[BaseModel] = create_model(name, __doc__=about, **fields)
    return model


def _python(kind: dt.DataType) -> Any:
    if kind.is_array():
        return list[_python(kind.value_type)]  # type: ignore[misc]
    if kind.is_timestamp():
        return datetime
    if kind.is_date():
        return date
    if kind.is_boolean():
        return bool
    if kind.is_integer():
        return int
    return float if kind.is_numeric() else str


class Answer(BaseModel):
    """What every answer says of itself."""

    as_of: date = Field(description="The day at whose end all of this was so.")


CustomerRow = model_of("Customer", "A customer, with the columns of core/unified_customers.", layout.SHOWN)
CompanyRow = model_of("Company", "A company, with what its current customers come to.", company_rows.SHOWN)


class CustomerPage(Answer):
    """A page of customers."""

    total: int = Field(description="Customers on all pages.")
    total_mrr: float = Field(description="Their MRR, in the reporting currency.")
    next_cursor: str | None = Field(description="Cursor of the next page; null on the last.")
    data: list[CustomerRow]  # type: ignore[valid-type]


class History(BaseModel):
    """Up to 90 days of a customer, a value for each of the days."""

    day: list[date]
    health_score: list[int | None]
    health_status: list[str | None]
    mrr: list[float | None] = Field(description="In the reporting currency.")
    churn_risk: list[int | None]
    customer_status: list[str | None]


class AlertRow(BaseModel):
    """An alert that was, or is to be, sent. It names nobody: `subject_id` is an id."""

    id: int
    at: datetime
    day: date
    kind: str
    severity: str
    subject_kind: str
    subject_id: str
    title: str
    why: str
    advice: str
    status: str = Field(description="intent, unknown, sent or failed.")
    sent_at: datetime | None


class CustomerDetail(Answer):
    """A customer with its history, how its score is made, and its alerts."""

    customer: CustomerRow  # type: ignore[valid-type]
    explanation: Explanation | None = Field(description="Null for who has no score.")
    written_explanation: str | None = Field(description="The same in sentences, as `gtm health explain` prints them.")
    history: History
    alerts: list[AlertRow]


class CustomerTimeline(Answer, Timeline):
    """What happened to a customer, the newest first; times of changes are the ends of days."""


class CompanyPage(Answer):
    """A page of companies, those with the most MRR, or of the highest priority, first."""

    total: int = Field(description="Companies on all pages, of the cohort where one is asked for.")
    next_cursor: str | None
    data: list[CompanyRow]  # type: ignore[valid-type]


class CompanyDetail(Answer):
    """A company with its people, current customers or not; at most 1,000 of them."""

    company: CompanyRow  # type: ignore[valid-type]
    transitions: list[Transition] = Field(description="How its cohort changed in the days shown, the newest first.")
    total_people: int
    people: list[CustomerRow]  # type: ignore[valid-type]


class Movement(BaseModel):
    """A metric now, and how it moved; null where it has no value."""

    value: float | None
    change_7d: float | None
    change_30d: float | None


class Spread(BaseModel):
    """The customers of one member of a dimension."""

    member: str | None
    customers: float
    mrr: float | None
    at_risk: float | None
    mrr_at_risk: float | None
    mean_health: float | None


class SignalCount(BaseModel):
    """How many current customers have a risk signal, and their MRR."""

    signal: str
    customers: int
    mrr: float


class Summary(Answer):
    """Each metric with its change, the spread by each dimension, and the signals."""

    made_at: datetime
    currency: str = Field(description="The reporting currency.")
    metrics: dict[str, Movement]
    by: dict[str, list[Spread]]
    signals: list[SignalCount]


class MetricRow(BaseModel):
    """The definition of a metric."""

    name: str
    title: str
    unit: str
    formula: str
    about: str
    population: str = Field(description="The rows that it is computed over.")
    good: str | None = Field(description="Which way is better: rise, fall, or null.")
    decimals: int
    dimensions: list[str]


class MetricList(Answer):
    """Every metric."""

    data: list[MetricRow]


class MetricPoint(BaseModel):
    """A value of a metric on a day."""

    day: date
    member: str | None = Field(description="Of the dimension; null in all, and for customers without.")
    value: float


class MetricSeries(Answer):
    """A metric by day, in all or by the members of a dimension."""

    metric: MetricRow
    dimension: str | None
    data: list[MetricPoint]


class OddFigureRow(BaseModel):
    """A daily figure of a table that is unlike those of the weeks before."""

    table: str
    metric: str
    kind: str = Field(description="spike, drop or missing.")
    day: date
    since: date
    value: float | None
    expected: float
    change: float | None = Field(description="The difference, as a share of what was expected.")
    is_now: bool = Field(description="Whether it is of the newest days; the others are over.")
    history: list[float | None] = Field(description="The days up to the day, which is the last; null is a day without.")


class OddFigures(Answer):
    """The figures that were odd in the last days, those that are odd now first."""

    judged_day: date | None = Field(description="The newest day whose figures were judged; null before the first.")
    days: int
    now: int
    figures: list[OddFigureRow]


class SchemaChangeRow(BaseModel):
    """A field that a source sends otherwise than before."""

    table: str
    field: str
    kind: str = Field(description="new field, vanished field or changed type.")
    type_before: str | None
    type_now: str | None
    first_seen: datetime
    acknowledged_at: datetime | None
    is_open: bool = Field(description="Whether it is warned of.")


class SchemaChanges(Answer):
    """What sources send otherwise than before, the open changes first."""

    days: int = Field(description="How long a change is warned of.")
    open: int
    changes: list[SchemaChangeRow]


class AlertPage(Answer):
    """A page of alerts, the newest first."""

    next_cursor: str | None
    data: list[AlertRow]


class RunRow(BaseModel):
    """A run, as Dagster had it when the snapshot was made."""

    run_id: str
    job: str
    status: str
    first_partition: str | None
    last_partition: str | None
    created_at: datetime
    began_at: datetime | None
    ended_at: datetime | None


class RunPage(Answer):
    """A page of runs, the newest first."""

    next_cursor: str | None
    data: list[RunRow]


def metric_row(name: str) -> dict[str, Any]:
    """Return the definition of a metric as it is sent."""
    metric = discover()[name]
    return {
        "name": metric.name,
        "title": metric.title,
        "unit": metric.unit,
        "formula": metric.formula,
        "about": metric.about,
        "population": metric.over.about,
        "good": metric.good,
        "decimals": metric.decimals,
        "dimensions": list(metric.over.dimensions),
    }
