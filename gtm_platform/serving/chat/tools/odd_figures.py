"""Which daily figures of tables are unlike those of the weeks before."""

from typing import Annotated

import orjson
from pydantic import Field

from gtm_platform.quality.odd_figures import ANOMALIES, METRICS
from gtm_platform.serving.chat.answers import OddDailyFigures
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool


def answer(
    question: Question,
    table: Annotated[str | None, Field(max_length=100, description="Only figures of this table.")] = None,
    *,
    past: Annotated[bool, Field(description="Also those of the last 30 days that are over.")] = False,
) -> OddDailyFigures:
    """Say which daily figures are odd: records, changes, shares of nulls, MRR, active users, scores.

    Each with what was expected by the weeks before, and its history up to the day.
    """
    fact = orjson.loads(question.snapshot.fact("anomalies"))
    figures = [row for row in fact["figures"] if (past or row["is_now"]) and table in (None, row["table"])]
    return OddDailyFigures(
        **question.origin(ANOMALIES, METRICS), judged_day=fact["judged_day"], days=fact["days"], figures=figures
    )


TOOL = Tool("odd_figures", "Odd daily figures", answer, area="operations")
