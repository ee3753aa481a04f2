"""How MRR moved by period and definition, what is retained of each cohort, and what is to come."""

from datetime import date

import orjson
from pydantic import BaseModel, Field

from gtm_platform.policy import OURS
from gtm_platform.serving.store import Snapshot

OUR_POLICY = OURS


class MrrPeriod(BaseModel):
    """The movements of a period; opening + fx + gains − losses = closing, in the reporting currency."""

    mrr_policy: str = Field(description="The definition of MRR.")
    period_start: date
    until: date = Field(description="The last day that is in.")
    opening: float
    fx: float
    new: float
    reactivation: float
    expansion: float
    contraction: float = Field(description="0 or more; it is subtracted.")
    churn: float = Field(description="0 or more; it is subtracted.")
    closing: float
    customers: int
    new_customers: int
    reactivation_customers: int
    expansion_customers: int
    contraction_customers: int
    churn_customers: int
    nrr: float | None = Field(description="Net revenue retention; what rates did is in.")
    grr: float | None = Field(description="Gross revenue retention; what rates did is in.")


class MrrCause(BaseModel):
    """Why MRR by another definition differs from ours."""

    to_policy: str
    cause: str
    customers: int
    amount: float = Field(description="What it adds to our MRR, in the reporting currency.")


class MovementCause(BaseModel):
    """Why a kind of movement of the current period is another by another definition."""

    to_policy: str
    item: str = Field(description="opening, fx, new, reactivation, expansion, contraction or churn.")
    cause: str
    customers: int
    amount: float = Field(description="What the difference adds to the closing, in the reporting currency.")


class CohortMonth(BaseModel):
    """What is left of who began to pay in a month, in another."""

    cohort: date
    month: date
    age: int = Field(description="Months between.")
    basis: str = Field(description="observed, or reconstructed from when subscriptions began and ended.")
    customers: int
    mrr: float
    customer_retention: float | None
    mrr_retention: float | None


class MonthOfMrr(BaseModel):
    """MRR at the end of a month, or of the day in the month that is not over."""

    month: date
    mrr: float
    is_over: bool


class RevenueStep(BaseModel):
    """What MRR is forecast to be at the end of a month."""

    month: date
    months_ahead: int
    value: float
    low: float | None
    high: float | None
    naive: float
    method: str
    verdict: str
    error: float | None = Field(description="Mean error of the method so far ahead, in logarithms.")
    naive_error: float | None
    coverage: float | None = Field(description="Share of what came that past intervals held.")
    months: int
    observed_months: int


class RevenueAnswer(BaseModel):
    """How revenue moved and will."""

    period: str = Field(description="day, week or month.")
    periods: list[MrrPeriod] = Field(description="By definition, the oldest first; the last one may go on.")
    causes: list[MrrCause]
    movement_causes: list[MovementCause] = Field(description="Why movements of the current period differ, by kind.")
    cohorts: list[CohortMonth]
    history: list[MonthOfMrr]
    forecast: list[RevenueStep]

    @property
    def policies(self) -> list[str]:
        """The definitions of MRR, ours first."""
        names = dict.fromkeys(each.mrr_policy for each in self.periods)
        return sorted(names, key=lambda name: (name != OURS, name))

    def of_policy(self, name: str) -> list[MrrPeriod]:
        """Return the periods by one definition, the oldest first."""
        return [each for each in self.periods if each.mrr_policy == name]


def revenue(snapshot: Snapshot) -> RevenueAnswer:
    """Return what the snapshot says of revenue."""
    return RevenueAnswer(**orjson.loads(snapshot.fact("revenue")))
