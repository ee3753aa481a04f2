"""How a health score is made, what overrides it, and what counts as a risk."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from gtm_platform.policy.rules import Days, Penalty, Points, Rules, Share


class Weights(Rules):
    """What each component weighs; 100 together."""

    activity: Points
    support: Points
    payment: Points
    engagement: Points
    tenure: Points
    mrr: Points

    @model_validator(mode="after")
    def _sum_to_100(self) -> Self:
        if (total := sum(self.model_dump().values())) != 100:
            raise ValueError(f"the weights sum to {total:g}, not to 100")
        return self


class PaymentPoints(Rules):
    """The payment component by the status of the newest subscription."""

    active: Points
    trialing: Points
    paused: Points
    past_due: Points
    unpaid: Points
    canceled: Points


class Overrides(Rules):
    """Points that come off the score, whatever the components say."""

    cancel: Penalty
    delinquent: Penalty
    inactive: Penalty
    critical: Penalty


class Status(Rules):
    """The lowest score of each status."""

    healthy: int
    at_risk: int
    high_risk: int
    critical: Literal[0]

    @model_validator(mode="after")
    def _descends(self) -> Self:
        if not 100 >= self.healthy > self.at_risk > self.high_risk > self.critical:
            raise ValueError("the lowest scores must descend: healthy > at_risk > high_risk > critical = 0")
        return self


class Churn(Rules):
    """The formula of churn risk from the score, and its floors."""

    midpoint: float
    slope: Annotated[float, Field(gt=0)]
    min_risk_after_cancel_mention: Points
    min_risk_when_leaving: Points


class Signals(Rules):
    """Where risk signals begin."""

    low_csat: Annotated[float, Field(ge=1, le=5)]
    negative_tone: Annotated[float, Field(ge=-1, le=1)]
    low_engagement: Points
    falling_logins_share: Share
    renewal_days: Days


class Refinements(Rules):
    """Refinements where the plain rules are weak; by default none is in force."""

    tenure_from_days: Annotated[int, Field(ge=0)] = 0
    never_seen_counts_from_signup: bool = False
    logins_by_days_since_signup: bool = False
    csat_prior_answers: Annotated[int, Field(ge=0)] = 0
    csat_prior: Annotated[float, Field(ge=1, le=5)] = 4.0
    inactive_ramp_days: Annotated[int, Field(ge=0)] = 0
    overrides_beside_components: bool = True
    failed_payments_from: Annotated[int, Field(ge=1)] = 1


class Health(Rules):
    """The health of a customer."""

    weights: Weights
    activity_points: Annotated[list[tuple[int, Points]], Field(min_length=2)]
    csat_share: Share
    tone_share: Share
    payment_points: PaymentPoints
    failed_payment_points: Points
    logins_for_full_engagement: Annotated[int, Field(ge=1)]
    logins_share: Share
    onboarding_share: Share
    months_for_full_tenure: Annotated[float, Field(gt=0)]
    inactive_days: Days
    overrides: Overrides
    status: Status
    signals: Signals
    churn: Churn
    refinements: Refinements = Refinements()

    @field_validator("activity_points")
    @classmethod
    def _days_rise(cls, points: list[tuple[int, float]]) -> list[tuple[int, float]]:
        days = [day for day, _ in points]
        if days != sorted(set(days)):
            raise ValueError("the days of activity_points must rise")
        return points
