"""What is worth an alert, and how many at once become one message."""

from typing import Annotated

from pydantic import Field

from gtm_platform.policy.rules import Days, Rules, Share


class Alerts(Rules):
    """Alerts in Slack."""

    health_drop_points: Annotated[int, Field(ge=1)]
    health_drop_days: Days
    health_drop_margin: Annotated[int, Field(ge=0)]
    engagement_drop_share: Share = 0.5
    engagement_recovered_share: Share = 0.75
    engagement_drop_min_logins: Annotated[int, Field(ge=1)] = 4
    digest_above: Annotated[int, Field(ge=1)]
