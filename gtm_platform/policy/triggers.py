"""Which changes are worth a message to a subscription, how often it is tried, and when a receiver is given up."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from gtm_platform.policy.rules import Days, Hours, Rules, Share

Seconds = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=1, le=65535)]


class TriggerApproval(Rules):
    """For how long, and for how many more than were held back, an approval holds."""

    hours: Hours = 72
    margin: Share = 0.1


class Triggers(Rules):
    """Webhooks to others; the defaults of retries are those of the specification."""

    score_points: Annotated[int, Field(ge=1, le=100)] = 5
    risk_points: Annotated[int, Field(ge=1, le=100)] = 10
    retry_after_seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)] = (
        5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
    )  # fmt: skip
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.1
    switch_off_after_days: Days = 5
    failures_in_a_row: Annotated[int, Field(ge=1)] = 3
    most_in_a_run: Annotated[int, Field(ge=1)] = 2_000
    kept_days: Days = 90
    ports: tuple[Port, ...] = (443,)
    approval: TriggerApproval = TriggerApproval()

    def wait(self, attempts: int) -> timedelta | None:
        """Return how long after so many attempts the next one is; None where there is none."""
        if attempts > len(self.retry_after_seconds):
            return None
        return timedelta(seconds=self.retry_after_seconds[attempts - 1])
