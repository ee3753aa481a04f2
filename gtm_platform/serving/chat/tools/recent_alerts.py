"""Which alerts were raised lately, about customers and about the platform itself."""

from typing import Annotated

import orjson
from pydantic import Field

from gtm_platform.serving.chat.answers import RecentAlerts
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool

READ, MOST = 1_000, 50  # alerts that are looked through, and that an answer has at most


def answer(
    question: Question,
    kind: Annotated[
        str | None, Field(max_length=60, description="Only of this kind, such as health_drop or check_turned.")
    ] = None,
    limit: Annotated[int, Field(ge=1, le=MOST, description="The newest so many.")] = 20,
) -> RecentAlerts:
    """List the alerts of the last 90 days, the newest first: why, what to do, and whether Slack has them.

    They name nobody; find_customers and explain_health take the subject's id.
    """
    alerts = [orjson.loads(body) for body, _ in question.snapshot.alerts(READ)]
    chosen = [alert for alert in alerts if kind in (None, alert["kind"])]
    return RecentAlerts(**question.origin("delivery/slack_alerts"), total=len(chosen), alerts=chosen[:limit])


TOOL = Tool("recent_alerts", "Recent alerts", answer)
