"""Who churned, and whether it could have been foreseen."""

from typing import Annotated, Literal

import orjson
from pydantic import Field

from gtm_platform.serving.answers.churned import churned
from gtm_platform.serving.chat.answers import ChurnedCustomers
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool
from gtm_platform.serving.metrics.metric import WINDOWS
from gtm_platform.serving.snapshot.layout import CUSTOMERS, SCORES


def answer(
    question: Question,
    days: Annotated[Literal[tuple(WINDOWS)], Field(description="In so many days.")] = 30,  # type: ignore[valid-type]
    account_manager: Annotated[str | None, Field(max_length=200, description="Only customers of this one.")] = None,
    limit: Annotated[int, Field(ge=1, le=50)] = 20,
) -> ChurnedCustomers:
    """Say who churned in 7 or 30 days, what they paid, and whether it could have been known.

    `flagged_since` is the day of the first warning in the 30 days before they left; `foreseen` counts who had been
    flagged; score, status and churn risk are those of the last day as a customer.
    """
    left = churned(question.snapshot, days, personal=question.personal, account_manager=account_manager, limit=limit)
    return ChurnedCustomers(
        **question.origin(CUSTOMERS, SCORES),
        days=days,
        currency=orjson.loads(question.snapshot.fact("summary"))["currency"],
        total=left.total,
        total_mrr=left.total_mrr,
        foreseen=left.foreseen,
        watched=left.watched,
        churned=question.departed(left),
    )


TOOL = Tool("who_churned", "Who churned", answer)
