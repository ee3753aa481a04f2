"""What the platform changes by its experiments, and the metrics of success, as API, chat and the page say it."""

from datetime import date, datetime
from typing import Any, Literal

import orjson
from pydantic import BaseModel, Field

from gtm_platform.serving.store import Snapshot


class RegisteredExperiment(BaseModel):
    """An experiment as it was registered before it began."""

    experiment: str
    state: Literal["to come", "running", "over", "stopped"]
    hypothesis: str
    registered_at: datetime
    starts_on: date
    ends_on: date | None = Field(description="The last day on which anything is withheld; null while it is not known.")
    share: float = Field(description="Of customers from whom it is withheld, drawn by chance.")
    withholds: list[str] = Field(description="What is withheld from them: alerts, risk, expansion.")
    enters: str = Field(description="From when on a customer counts: at_risk or paying.")
    outcome: str = Field(description="What the hypothesis is about: churn, mrr or expansion.")
    outcome_days: int = Field(description="After so many days the outcome of a customer is read.")
    confidence: float
    sample_size: int | None
    stopped_because: str


class MeasuredEffect(BaseModel):
    """What an experiment shows of an outcome; money is in the reporting currency."""

    experiment: str
    outcome: Literal["churn", "mrr", "expansion"]
    is_primary: bool = Field(description="Registered as what the hypothesis is about; the others only suggest.")
    entered_treated: int
    entered_withheld: int
    treated: int = Field(description="Treated customers whose outcome is known.")
    withheld: int
    mean_treated: float | None = Field(description="Share that churned, or mean change of MRR.")
    mean_withheld: float | None
    difference: float | None = Field(description="Treated less withheld, adjusted for MRR and risk at entry.")
    low: float | None = Field(description="Lower end of an interval that holds however often it is looked at.")
    high: float | None
    total: float | None = Field(description="The difference times the treated: customers, or MRR.")
    total_low: float | None
    total_high: float | None
    verdict: str


class EffectPoint(BaseModel):
    """The difference in the registered outcome of the newest experiment, as it stood on a day."""

    day: date
    outcome: str
    treated: int
    withheld: int
    difference: float | None
    low: float | None
    high: float | None


class EffectAnswer(BaseModel):
    """What experiments show."""

    experiments: list[RegisteredExperiment] = Field(description="The last registered first.")
    effects: list[MeasuredEffect]
    path: list[EffectPoint] = Field(description="The oldest day first.")

    def of(self, experiment: str) -> list[MeasuredEffect]:
        """Return what an experiment shows, the registered outcome first."""
        return sorted((row for row in self.effects if row.experiment == experiment), key=lambda row: not row.is_primary)


class SuccessFigure(BaseModel):
    """A metric of success with what it is compared with; money is in the reporting currency."""

    metric: str
    title: str
    unit: Literal["share", "days", "money", "minutes"]
    good: Literal["rise", "fall"]
    value: float | None = Field(description="Null where it could not be measured.")
    low: float | None
    high: float | None
    baseline: float | None
    baseline_is: str
    baseline_on: date | None
    basis: Literal["measured", "estimated", "not measured"]
    how: str = Field(description="How it was measured, or why it could not be.")
    tables: list[str]


class SuccessMonth(BaseModel):
    """A metric at the end of a month, or on the newest day of the one that goes on."""

    day: date
    metric: str
    value: float | None
    basis: str


class SuccessAnswer(BaseModel):
    """The metrics of success, now and by month."""

    metrics: list[SuccessFigure]
    months: list[SuccessMonth]


def _fact(snapshot: Snapshot) -> dict[str, Any]:
    return dict(orjson.loads(snapshot.fact("effect")))


def effect(snapshot: Snapshot) -> EffectAnswer:
    """Return what experiments show."""
    return EffectAnswer(**{name: value for name, value in _fact(snapshot).items() if name in EffectAnswer.model_fields})


def success(snapshot: Snapshot) -> SuccessAnswer:
    """Return the metrics of success."""
    return SuccessAnswer(
        **{name: value for name, value in _fact(snapshot).items() if name in SuccessAnswer.model_fields}
    )
