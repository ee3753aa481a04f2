"""The leads that are most likely to become customers, as API, chat and the page say it."""

from typing import Literal

import orjson
from pydantic import BaseModel, Field

from gtm_platform.serving.answers.models import ScoreReason
from gtm_platform.serving.store import Snapshot


class Lead(BaseModel):
    """A company or person that is no customer yet, how likely it becomes one, and why."""

    lead_id: str = Field(description="Of the company, or of the person without one.")
    kind: Literal["company", "person"]
    company: str | None
    score: float
    base_log_odds: float | None = Field(description="With the reasons it adds up to the log-odds of the score.")
    reasons: list[ScoreReason]
    people: int = Field(description="People of it in any system.")
    open_deals: int
    lost_deals: int
    fit: float | None = Field(description="How likely a company like it is won; null without a signal.")


class LeadsAnswer(BaseModel):
    """The best leads."""

    horizon_days: int = Field(description="Within how many days a lead has to become a customer.")
    verdict: str | None = Field(description="Of the model that scored; null without one.")
    stage: str | None = Field(description="shadow: scores are kept and nobody is named; shown.")
    scored: int = Field(description="Leads with a score, shown or not.")
    leads: list[Lead] = Field(description="The highest scores, at most 100; none while the model is in shadow.")


def leads(snapshot: Snapshot) -> LeadsAnswer:
    """Return what the snapshot says of them."""
    return LeadsAnswer.model_validate(orjson.loads(snapshot.fact("leads")))
