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
    """Where churn risk comes from; the formula of it from the score, and its floors."""

    risk_from: Literal["model", "formula"] = "model"
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
    new_within_days: Annotated[int, Field(ge=0)] = 0
    new_below_confidence: Share = 0


# What to do about each risk signal. {inactive_days} and {renewal_days} stand for the policy's.
ACTIONS = {
    "cancellation_scheduled": "Ask what would make the customer stay: the subscription is set to end.",
    "cancel_mentioned": "Call today: the customer spoke of cancelling.",
    "payment_delinquent": "Settle the overdue payment with the billing contact.",
    "critical_ticket_open": "Escalate the critical ticket and tell the customer.",
    "failed_payments": "Ask for a working payment method: charges failed.",
    "renewal_soon": "Talk to the customer before it renews: that is within {renewal_days} days.",
    "inactive": "Win the customer back: not seen for {inactive_days} days or more.",
    "champion_left": "Get to know a colleague: the main contact has left, or is no longer seen while others are.",
    "usage_falling": "Ask what has changed: the product is used much less.",
    "low_csat": "Follow up on the poor support ratings.",
    "negative_tone": "Read the last messages and reach out.",
    "low_engagement": "Offer a session on getting more of the product.",
    "single_user": "Get a colleague on board: one person uses the product.",
}


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
    actions: dict[str, str] = Field(default={}, validate_default=True)

    @field_validator("actions")
    @classmethod
    def _complete(cls, actions: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(actions.keys() - ACTIONS.keys()):
            raise ValueError(f"there is no signal {', '.join(unknown)}; there are {', '.join(ACTIONS)}")
        return {**ACTIONS, **actions}

    @model_validator(mode="after")
    def _actions_read(self) -> Self:
        for signal in self.actions:
            self.action(signal)
        return self

    def action(self, signal: str) -> str:
        """Return what to do about a risk signal."""
        try:
            return self.actions[signal].format(inactive_days=self.inactive_days, renewal_days=self.signals.renewal_days)
        except (KeyError, IndexError, ValueError):
            raise ValueError(
                f"the action for {signal} may name {{inactive_days}} and {{renewal_days}}, nothing else"
            ) from None

    @field_validator("activity_points")
    @classmethod
    def _days_rise(cls, points: list[tuple[int, float]]) -> list[tuple[int, float]]:
        days = [day for day, _ in points]
        if days != sorted(set(days)):
            raise ValueError("the days of activity_points must rise")
        return points
