"""How companies are spread over the cohorts, and which moved."""

from typing import Annotated, Literal

from pydantic import Field

from gtm_platform.serving.answers.cohorts import cohorts
from gtm_platform.serving.chat.answers import Cohorts
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool
from gtm_platform.serving.snapshot.layout import COHORT_ERRORS, COMPANIES, TRANSITIONS


def answer(
    question: Question,
    days: Annotated[Literal[7, 30, 90], Field(description="Changes in so many days.")] = 30,
    limit: Annotated[int, Field(ge=1, le=50)] = 20,
) -> Cohorts:
    """Show the cohorts of companies, and who moved between them.

    Customers, partners, those in the market, those with a competitor.
    Sizes, MRR and health of each; the changes with what brought them; the fields that rows lack.
    """
    answer = cohorts(question.snapshot, days, limit)
    return Cohorts(**question.origin(COMPANIES, TRANSITIONS, COHORT_ERRORS), **answer.model_dump())


TOOL = Tool("cohorts", "Cohorts", answer)
