"""What is withheld from some customers to see what it does, and what the house says of the time that it saves."""

from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gtm_platform.policy.rules import Days, Rules

Withheld = Literal["alerts", "risk", "expansion"]
Stratum = Literal["plan_tier", "mrr_band", "account_manager"]
Outcome = Literal["churn", "mrr", "expansion"]
Minutes = Annotated[float, Field(ge=0)]


class Effect(Rules):
    """An experiment as it is to be registered; once it is, a change here does nothing."""

    experiment: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] = "holdout"
    hypothesis: Annotated[str, Field(max_length=500)] = ""
    share: Annotated[float, Field(ge=0, le=0.5)] = 0
    withholds: Annotated[tuple[Withheld, ...], Field(min_length=1)] = ("alerts", "risk")
    enters: Literal["at_risk", "paying"] = "at_risk"
    strata: tuple[Stratum, ...] = ("mrr_band",)
    mrr_bands: tuple[Annotated[int, Field(ge=1)], ...] = (100, 500, 2000)
    outcome: Outcome = "churn"
    outcome_days: Days = 90
    confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.95
    starts_on: date | None = None
    ends_on: date | None = None
    sample_size: Annotated[int, Field(ge=50)] | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not self.share:
            return self
        if not self.hypothesis or self.starts_on is None:
            raise ValueError("an experiment with a share needs a hypothesis and the day on which it starts (starts_on)")
        if self.ends_on is None and self.sample_size is None:
            raise ValueError("an experiment with a share needs its end: ends_on, sample_size or both")
        if self.ends_on and self.ends_on <= self.starts_on + timedelta(days=self.outcome_days):
            raise ValueError(
                f"ends_on has to be more than outcome_days ({self.outcome_days}) after starts_on: nobody's outcome "
                "would be known before"
            )
        return self


class Success(Rules):
    """What success is measured by, where the house has to say it."""

    complete_from: Annotated[float, Field(gt=0, le=100)] = 80
    minutes_per_alert: Minutes = 0
    minutes_per_written_value: Minutes = 0
