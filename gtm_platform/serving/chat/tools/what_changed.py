"""What moved in a week or a month: metrics, scores, who left."""

from datetime import date, timedelta
from typing import Annotated, Literal

import orjson
from pydantic import Field

from gtm_platform.serving.chat.answers import Changes
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool
from gtm_platform.serving.metrics import discover
from gtm_platform.serving.metrics.metric import WINDOWS
from gtm_platform.serving.snapshot.layout import CUSTOMERS, SCORES
from gtm_platform.serving.store import CustomerQuery

LISTED = 20


def answer(
    question: Question,
    days: Annotated[Literal[tuple(WINDOWS)], Field(description="Over so many days.")] = 7,  # type: ignore[valid-type]
    account_manager: Annotated[
        str | None, Field(max_length=200, description="Lists only customers of this one.")
    ] = None,
    least: Annotated[int, Field(ge=1, le=100, description="Points that a score fell at least.")] = 5,
) -> Changes:
    """Say what changed in 7 or 30 days.

    Every metric with its change, movements of MRR, whose score fell, who churned.
    Scores are compared over 7 days, whatever `days` is.
    """
    mine = {} if account_manager is None else {"account_manager": [account_manager]}
    fell = question.snapshot.customers(CustomerQuery({**mine, "change_max": [-least]}, "score_change_7d", LISTED))
    left = question.snapshot.customers(CustomerQuery(mine, "-churned_at", LISTED, customers="former"))
    since = (date.fromisoformat(question.snapshot.as_of) - timedelta(days=days)).isoformat()
    churned = [row for row in left.rows(personal=question.personal) if (row["churned_at"] or "") > since]
    summary = orjson.loads(question.snapshot.fact("summary"))
    longer_or_shorter = tuple(f"_{window}d" for window in WINDOWS if window != days)
    return Changes(
        **question.origin(CUSTOMERS, SCORES),
        days=days,
        currency=summary["currency"],
        metrics={name: summary["metrics"][name] for name in discover() if not name.endswith(longer_or_shorter)},
        fell=question.brief(fell.rows(personal=question.personal)),
        total_fell=fell.total,
        churned=question.brief(churned),
    )


TOOL = Tool("what_changed", "What changed", answer)
