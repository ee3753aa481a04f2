"""What was done with customers beside what came of it: association, and no effect."""

import orjson
from pydantic import BaseModel, Field

from gtm_platform.serving.store import Snapshot


class ActivityRate(BaseModel):
    """How often outcomes were good with an activity in the days before, and without it."""

    outcome: str
    activity: str
    split: str = Field(description="all, account_manager or stage.")
    member: str = Field(description="Which of them; empty for all, and for none.")
    outcomes_with: int
    good_with: int
    rate_with: float | None
    rate_with_low: float | None
    rate_with_high: float | None
    outcomes_without: int
    good_without: int
    rate_without: float | None
    rate_without_low: float | None
    rate_without_high: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    verdict: str


class ManagerActivity(BaseModel):
    """What the customers of an account manager got in the last days, and what the manager logged."""

    account_manager: str = Field(description="Empty for customers without one.")
    customers: int
    customers_met: int
    meetings_held: int
    meetings_missed: int
    written: int = Field(description="E-mails and messages of customers.")
    answered: int
    answered_quickly: int
    outreach: int
    logged_calls: int
    logged_emails: int
    logged_meetings: int
    median_response_hours: float | None
    slow_response_hours: float | None = Field(description="Nine tenths of the answers came within these hours.")


class ActivityAnswer(BaseModel):
    """Activity beside outcomes."""

    caveat: str
    before_days: int = Field(description="What was done in so many days before an outcome is set beside it.")
    quick_hours: float
    interval: float
    activities: dict[str, str] = Field(description="What each activity means.")
    rates: list[ActivityRate]
    account_managers: list[ManagerActivity]


def activity(snapshot: Snapshot) -> ActivityAnswer:
    """Return what the snapshot says of activity."""
    return ActivityAnswer(**orjson.loads(snapshot.fact("activity")))
