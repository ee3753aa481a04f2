"""Which companies are won, pay and stay, by what they are, and who fits best; as API, chat and the page say it."""

import orjson
from pydantic import BaseModel, Field

from gtm_platform.intelligence.icp.groups import ALL
from gtm_platform.serving.answers.models import ScoreReason
from gtm_platform.serving.store import Snapshot


class IcpGroup(BaseModel):
    """Companies of a kind: rates and means as counted, with intervals (95 %), and drawn to those of all."""

    trait: str = Field(description="industry, size, country …; all for every company.")
    value: str
    companies: int
    won: int
    lost: int
    win_rate: float | None
    win_rate_low: float | None
    win_rate_high: float | None
    win_rate_drawn: float | None
    customers: int = Field(description="Those that ever paid.")
    ltv: float | None = Field(description="Mean of what these paid so far, in the reporting currency.")
    ltv_low: float | None
    ltv_high: float | None
    ltv_drawn: float | None
    seasoned: int = Field(description="Of these, with a first payment as long ago as the policy's churn_days.")
    left_in_time: int = Field(description="Of these, left within so many days of it.")
    churn_rate: float | None
    churn_rate_low: float | None
    churn_rate_high: float | None
    churn_rate_drawn: float | None


class FittingCompany(BaseModel):
    """An open company, how likely one like it is won, and what speaks for it."""

    company_id: str
    company: str | None
    fit: float
    times_all: float = Field(description="The same as a multiple of the rate of all.")
    base_log_odds: float = Field(description="With the reasons it adds up to the log-odds of the fit.")
    reasons: list[ScoreReason]


class IcpAnswer(BaseModel):
    """The ideal customer."""

    groups: list[IcpGroup] = Field(description="All companies first.")
    verdict: str | None = Field(description="signal, no signal or too little data: whether the fit foretells.")
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    left_out: dict[str, str] = Field(description="Traits that may hold the outcome, with the reason.")
    open_companies: int = Field(description="Companies that are neither won nor lost.")
    companies: list[FittingCompany] = Field(description="Those that fit best, at most 100; none without a signal.")

    @property
    def everybody(self) -> IcpGroup | None:
        """All companies; None where there is none."""
        return next((each for each in self.groups if each.trait == ALL), None)


def icp(snapshot: Snapshot) -> IcpAnswer:
    """Return what the snapshot says of it."""
    return IcpAnswer.model_validate(orjson.loads(snapshot.fact("icp")))
