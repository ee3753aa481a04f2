"""What moved in a week or a month: metrics, scores, who left."""

from typing import Annotated, Literal

from pydantic import Field

from gtm_platform.serving.answers.changes import LEAST, changes
from gtm_platform.serving.api.models import Movement
from gtm_platform.serving.chat.answers import Changes
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool
from gtm_platform.serving.metrics.metric import WINDOWS
from gtm_platform.serving.snapshot.layout import CUSTOMERS, SCORES


def answer(
    question: Question,
    days: Annotated[Literal[tuple(WINDOWS)], Field(description="Over so many days.")] = 7,  # type: ignore[valid-type]
    account_manager: Annotated[
        str | None, Field(max_length=200, description="Lists only customers of this one.")
    ] = None,
    least: Annotated[int, Field(ge=1, le=100, description="Points that a score fell at least.")] = LEAST,
) -> Changes:
    """Say what changed in 7 or 30 days.

    Every metric with its change, movements of MRR, whose score fell, who churned.
    Scores are compared over 7 days, whatever `days` is.
    """
    moved = changes(question.snapshot, days, personal=question.personal, account_manager=account_manager, least=least)
    return Changes(
        **question.origin(CUSTOMERS, SCORES),
        days=days,
        currency=moved.currency,
        metrics={name: Movement.model_validate(moves) for name, moves in moved.metrics.items()},
        mrr=moved.mrr,
        fell=question.brief(moved.fell.rows(personal=question.personal)),
        total_fell=moved.fell.total,
        churned=question.departed(moved.churned),
        total_churned=moved.churned.total,
    )


TOOL = Tool("what_changed", "What changed", answer)
