"""Whether the platform's models can be believed, and what they say, as API, chat and the page say it."""

from datetime import date
from typing import Literal

import orjson
from pydantic import BaseModel, Field

from gtm_platform.serving.store import Snapshot


class CalibrationBin(BaseModel):
    """A tenth of those tested by score."""

    rows: int
    predicted: float
    observed: float


class ModelMonth(BaseModel):
    """A month's model: what it learned of, and how it did on a later day."""

    month: date
    tested_on: date
    available_on: date
    trained_from: date | None
    trained_until: date | None
    rows: int = Field(description="Customers or leads, and days, that it learned of.")
    events: int
    test_rows: int
    test_events: int
    verdict: Literal["signal", "no signal", "too little data"] = Field(
        description="signal: ranking and probabilities are both better than chance in 97.5 % of resampled tests."
    )
    stage: Literal["shadow", "shown"] = Field(description="In shadow, scores are kept and not shown.")
    model: str | None
    base_rate: float | None
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    brier: float | None
    brier_of_base_rate: float | None
    skill: float | None
    ece: float | None
    ece_floor: float | None
    lift: float | None
    drift: float | None
    drifted_column: str | None
    policy_hash: str
    library: str


class ScoreReason(BaseModel):
    """What a column adds to a score, in log-odds."""

    column: str
    value: float | None = Field(description="Its value, where that is a number.")
    text: str | None = Field(default=None, description="Its value, where that is a text.")
    log_odds: float


class Scored(BaseModel):
    """A customer or lead with a high score, and why."""

    id: str = Field(description="Of a customer; of a lead also of a company.")
    score: float
    base_log_odds: float | None = Field(description="With the reasons it adds up to the log-odds of the score.")
    reasons: list[ScoreReason]


class ModelReport(BaseModel):
    """A model, the newest month in detail, and whom it names where its scores are shown."""

    name: str
    title: str
    about: str = Field(description="What it foretells.")
    subjects: str = Field(description="Of whom: customers or leads.")
    event: str = Field(description="What they did, where it happened.")
    horizon_days: int = Field(description="Within how many days that counts.")
    months: list[ModelMonth] = Field(description="The newest first, at most 24.")
    calibration: list[CalibrationBin] = Field(description="Of the newest month: what was said, and what came.")
    importance: dict[str, float] = Field(
        description="Of the newest month: how far a column moves a score, in log-odds."
    )
    leaks: dict[str, str] = Field(description="Of the newest month: columns that were left out, with the reason.")
    scored: int = Field(description="Customers or leads with a score on the newest day, shown or not.")
    scores: list[Scored] = Field(description="The highest, at most 100; none while the model is in shadow.")


class ModelsAnswer(BaseModel):
    """The models that are trained each month."""

    models: list[ModelReport]


def models(snapshot: Snapshot) -> ModelsAnswer:
    """Return them."""
    return ModelsAnswer.model_validate(orjson.loads(snapshot.fact("models")))
