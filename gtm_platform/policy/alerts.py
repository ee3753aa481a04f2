"""What is worth an alert, who gets it and when, and how many at once become one message."""

from datetime import time
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from gtm_platform.policy.rules import Days, Rules, Share


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name} is no time zone; they are called Europe/Berlin or America/New_York")
    ZoneInfo(name)
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


# The triggers of cohorts/transitions of which somebody may want to hear.
CohortChange = Literal[
    "In-market converted", "Came into the market", "Became a partner", "Signed up", "Fell dormant", "Came back"
]


# The signs of intelligence/expansion_opportunities.
ExpansionSign = Literal["near_limit", "new_people", "hiring"]


class AccountManager(Rules):
    """Where an account manager reads alerts: a channel (C…), or a person (U…) for direct messages."""

    slack: Annotated[str, Field(pattern=r"^[CGDUW][A-Z0-9]{2,}$")]
    time_zone: Zone | None = None


class Alerts(Rules):
    """Alerts in Slack."""

    health_drop_points: Annotated[int, Field(ge=1)]
    health_drop_days: Days
    health_drop_margin: Annotated[int, Field(ge=0)]
    engagement_drop_share: Share = 0.5
    engagement_recovered_share: Share = 0.75
    engagement_drop_min_logins: Annotated[int, Field(ge=1)] = 4
    cohort_changes: tuple[CohortChange, ...] = get_args(CohortChange)
    expansion_signs: tuple[ExpansionSign, ...] = ("near_limit", "new_people")
    expansion_least_at_stake: Annotated[float, Field(ge=0)] = 100.0
    expansion_quiet_days: Days = 90
    digest_above: Annotated[int, Field(ge=1)]
    max_a_day: Annotated[int, Field(ge=0)] = 5
    feedback_days: Days = 14
    time_zone: Zone = "UTC"
    quiet_hours: tuple[time, time] | None = None
    account_managers: dict[str, AccountManager] = Field(default_factory=dict)

    def account_manager(self, email: str | None) -> AccountManager | None:
        """Return where the account manager with an address reads alerts; None where the policy does not say."""
        by_email = {address.lower(): manager for address, manager in self.account_managers.items()}
        return by_email.get((email or "").lower())
