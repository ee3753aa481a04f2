"""Whether health and alerts work, as API, chat and the page say it."""

from datetime import date

import orjson
from pydantic import BaseModel, Field

from gtm_platform.serving.store import Snapshot


class MeasuredFigure(BaseModel):
    """A figure of the back-test, with the interval that 95 % of resampled sets of customers lie in."""

    value: float | None
    low: float | None
    high: float | None


class RulesTested(BaseModel):
    """How the scores of some business rules did."""

    policy_hash: str
    in_force: bool = Field(description="Whether these rules make today's scores.")
    verdict: str = Field(description="too few, no signal, or signal: whether scores rank churners beyond chance.")
    tested_until: date
    counts: dict[str, int] = Field(description="Such as churners, flagged, missed, alerts.")
    figures: dict[str, MeasuredFigure] = Field(
        description="Such as base_rate, precision_at_risk, flagged_42_days_ahead, green_at_churn, precision_alerts."
    )


class MissedChurn(BaseModel):
    """A churn that health missed: healthy to the end, or flagged too late."""

    customer_id: str
    churned_on: date
    policy_hash: str | None
    score_before: int | None
    days_ahead: int | None = Field(description="Null where the customer was never flagged.")
    first_knowable: date | None
    rule: str | None = Field(description="The cheapest rule that would have caught it.")
    rule_days_ahead: int | None
    more_alarms: int | None = Field(description="Customers a month who stayed, and would have been flagged by it.")


class HelpfulRule(BaseModel):
    """A rule that would have caught churns; null stands for those that nothing known shows."""

    rule: str | None
    churns: int
    more_alarms: int | None


class AlertKind(BaseModel):
    """A kind of alert, and what its readers thought of it."""

    kind: str
    sent: int
    useful: int
    not_useful: int
    precision: float | None = Field(description="Useful ones of those that were judged; null where none was.")


class TrackRecord(BaseModel):
    """Whether health saw churn coming, what it missed, and how useful alerts were."""

    month: date | None = Field(description="The last month that the newest back-test tests; null before the first.")
    rules: list[RulesTested] = Field(description="The newest first.")
    missed: list[MissedChurn] = Field(description="The latest first, at most 100.")
    rules_that_would_help: list[HelpfulRule]
    alert_days: int
    alerts: list[AlertKind] = Field(description="Of these days, the most frequent kind first.")


def track_record(snapshot: Snapshot) -> TrackRecord:
    """Return it."""
    return TrackRecord.model_validate(orjson.loads(snapshot.fact("track_record")))
