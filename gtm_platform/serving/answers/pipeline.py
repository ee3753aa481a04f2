"""What is in the pipeline, what will be won of it, and which companies may buy more."""

from datetime import date

import orjson
from pydantic import BaseModel, Field

from gtm_platform.serving.store import Snapshot


class PipelineStep(BaseModel):
    """What will be won within some days, in the reporting currency."""

    days: int
    until: date
    open_deals: int
    of_open: float = Field(description="Of the deals that are open, by their ages and stages.")
    to_come: float | None = Field(description="Of deals that are still to come.")
    value: float | None = Field(description="What is delivered: the best forecast so far.")
    low: float | None
    high: float | None
    naive: float | None = Field(description="What was won in as many days before.")
    method: str | None
    verdict: str | None
    error: float | None = Field(description="Mean error of the method on past days, in logarithms.")
    naive_error: float | None
    coverage: float | None = Field(description="Share of what came that past intervals held.")
    past_forecasts: int | None
    uses_stages: bool | None


class PipelineGroup(BaseModel):
    """What will be won of the open deals of a group."""

    days: int
    deal_group: str
    open_deals: int
    of_open: float


class StageOfDeals(BaseModel):
    """The open deals of a stage."""

    stage: str
    deals: int
    amount: float
    median_age_days: float | None


class Opportunity(BaseModel):
    """A paying company that may buy more."""

    company_id: str
    company: str | None
    mrr: float
    at_stake: float
    evidence: list[str] = Field(description="The signs with their figures, that with the most at stake first.")


class Opportunities(BaseModel):
    """The companies that may buy more."""

    companies: int
    at_stake: float
    listed: list[Opportunity]


class PipelineAnswer(BaseModel):
    """The pipeline and its forecast."""

    forecast: list[PipelineStep]
    groups: list[PipelineGroup]
    stages: list[StageOfDeals]
    opportunities: Opportunities


def pipeline(snapshot: Snapshot) -> PipelineAnswer:
    """Return what the snapshot says of the pipeline."""
    return PipelineAnswer(**orjson.loads(snapshot.fact("pipeline")))
