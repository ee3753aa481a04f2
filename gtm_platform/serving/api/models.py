"""What answers look like, for OpenAPI: made from the contracts, so that a new column is in the description by itself.

Answers are not made from these models; a test validates answers by them.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import ibis.expr.datatypes as dt
from pydantic import BaseModel, Field, create_model

from gtm_platform.health.explanation import Explanation
from gtm_platform.lake.contracts import Column
from gtm_platform.serving.answers.account_managers import AccountManager
from gtm_platform.serving.answers.activity import ActivityAnswer
from gtm_platform.serving.answers.churned import Departure
from gtm_platform.serving.answers.cohorts import CohortsAnswer, Transition
from gtm_platform.serving.answers.competition import CompetitionAnswer
from gtm_platform.serving.answers.effect import EffectAnswer, SuccessAnswer
from gtm_platform.serving.answers.freshness import DataFreshness
from gtm_platform.serving.answers.hubspot import HubSpotAnswer
from gtm_platform.serving.answers.icp import IcpAnswer
from gtm_platform.serving.answers.leads import LeadsAnswer
from gtm_platform.serving.answers.models import ModelsAnswer
from gtm_platform.serving.answers.mrr_movement import MrrMovement
from gtm_platform.serving.answers.pipeline import PipelineAnswer
from gtm_platform.serving.answers.revenue import RevenueAnswer
from gtm_platform.serving.answers.timeline import Timeline
from gtm_platform.serving.answers.track_record import TrackRecord as TrackRecordAnswer
from gtm_platform.serving.answers.triggers import TriggersAnswer
from gtm_platform.serving.answers.who_is_who import WhoIsWhoAnswer
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


class Freshness(Answer, DataFreshness):
    """When each source was read last, after which moment it counts as late, and whether it does."""


class AccountManagers(Answer):
    """The account managers, the one with most MRR at risk first."""

    currency: str = Field(description="The reporting currency.")
    data: list[AccountManager]


class DepartedCustomer(Departure):
    """Somebody who left."""

    customer: CustomerRow  # type: ignore[valid-type]


class ChurnedCustomers(Answer):
    """Who left, the latest first, at most 200; totals are of all."""

    days: int
    total: int
    total_mrr: float = Field(description="What they paid when they left, in the reporting currency.")
    foreseen: int = Field(description="How many had been flagged in the 30 days before.")
    watched: int = Field(description="Of how many this is known; the rest left before the first day that is shown.")
    data: list[DepartedCustomer]


class ChangesAnswer(Answer):
    """What moved in some days."""

    days: int
    currency: str = Field(description="The reporting currency.")
    mrr: MrrMovement | None = Field(description="Null in a home that is younger.")
    metrics: dict[str, Movement]
    total_fell: int
    fell: list[CustomerRow] = Field(description="Scores that fell most in 7 days.")  # type: ignore[valid-type]
    total_churned: int
    churned: list[DepartedCustomer] = Field(description="Who left, the latest first.")


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


class WhoIsWhoPairs(Answer, WhoIsWhoAnswer):
    """Who may be the same, those that a rule held back first."""


class HubSpotFields(Answer, HubSpotAnswer):
    """What HubSpot was sent in the last 30 days, without what it had already; and how much is true there."""


class Triggers(Answer, TriggersAnswer):
    """Who is sent which changes, and what became of the messages."""


class Revenue(Answer, RevenueAnswer):
    """How MRR moved by period and definition, what is retained by cohort, and the forecast."""


class Pipeline(Answer, PipelineAnswer):
    """The pipeline by stage, what will be won, and which companies may buy more."""


class Competition(Answer, CompetitionAnswer):
    """Use, win and displacement rates, and pain points by competitor."""


class Activity(Answer, ActivityAnswer):
    """Activity beside outcomes, and of account managers; association, and no effect."""


class Cohorts(Answer, CohortsAnswer):
    """The cohorts of companies, and who moved between them."""


class TrackRecord(Answer, TrackRecordAnswer):
    """Whether health saw churn coming, what it missed, and how useful alerts were."""


class Models(Answer, ModelsAnswer):
    """Whether the models can be believed, and what they say."""


class Icp(Answer, IcpAnswer):
    """Which companies are won, pay and stay, by what they are, and who fits best."""


class Leads(Answer, LeadsAnswer):
    """The leads that are most likely to become customers, with reasons."""


class Effect(Answer, EffectAnswer):
    """What each experiment shows that the platform changes."""


class Success(Answer, SuccessAnswer):
    """The metrics of success, each with its baseline."""


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


class SyncAnswer(BaseModel):
    """A launched run."""

    run_id: str
    source: str
    status: str = Field(description="In Dagster's words; launched until Dagster knows the run.")


class ErasureAnswer(BaseModel):
    """An erasure: its plan, and how far it is. It names nobody."""

    id: str
    status: str = Field(description="planned, begun or done.")
    requested_at: str
    plan: dict[str, Any] = Field(description="How many rows and files name the person, by table, place and system.")
    receipt: dict[str, Any] | None = Field(description="Signed: what was done, and what others must do; once done.")


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


class AuditRow(BaseModel):
    """Something that was read or done, and its place in the chain."""

    id: int
    at: datetime
    actor: str = Field(description="A token, a person by a digest of the address, a user of the machine, a part of us.")
    action: str
    subject: str = Field(description="About whom or what, by an id.")
    detail: dict[str, Any] = Field(description="`people` are the customers whose personal data was shown.")
    previous: str = Field(description="Hash of the entry before it.")
    hash: str = Field(description="Of all of the above; see `gtm audit verify`.")


class AuditPage(BaseModel):
    """A page of the audit trail, the oldest first."""

    next_cursor: str | None
    data: list[AuditRow]
