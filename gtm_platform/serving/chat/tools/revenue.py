"""How revenue moved, what of it is retained, and what is to come."""

from typing import Annotated

from pydantic import Field

from gtm_platform.policy import OURS
from gtm_platform.serving.answers.revenue import revenue
from gtm_platform.serving.chat.answers import Revenue
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool

TABLES = ("mrr_periods", "mrr_bridge", "retention_cohorts", "revenue_forecast")


def answer(
    question: Question,
    mrr_policy: Annotated[str, Field(description="The definition of MRR: ours, stripe, chartmogul.")] = OURS,
    periods: Annotated[int, Field(ge=1, le=24, description="The last so many periods.")] = 6,
    ages: Annotated[int, Field(ge=0, le=24, description="Months after the first that cohorts are listed at.")] = 12,
) -> Revenue:
    """Show how MRR moved, what is retained of it, and the forecast.

    Each period with new, expansion, contraction and churn, NRR and GRR; why another definition of MRR differs from
    ours; the retention of each month's customers; MRR of the months to come, beside the naive forecast.
    """
    whole = revenue(question.snapshot)
    shown = whole.model_copy(
        update={
            "periods": whole.of_policy(mrr_policy)[-periods:],
            "causes": [each for each in whole.causes if mrr_policy in (OURS, each.to_policy)],
            "movement_causes": [each for each in whole.movement_causes if mrr_policy in (OURS, each.to_policy)],
            "cohorts": [each for each in whole.cohorts if each.age in (0, ages)],
        }
    )
    return Revenue(**question.origin(*(f"intelligence/{name}" for name in TABLES)), **shown.model_dump())


TOOL = Tool("revenue", "Revenue", answer)
