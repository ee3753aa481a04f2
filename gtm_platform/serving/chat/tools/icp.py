"""Which companies are won, pay and stay, by what they are."""

from typing import Annotated

from pydantic import Field

from gtm_platform.intelligence.icp.fit import TABLE as FIT
from gtm_platform.intelligence.icp.groups import TABLE as GROUPS
from gtm_platform.serving.answers.icp import icp
from gtm_platform.serving.chat.answers import Icp
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool


def answer(
    question: Question,
    companies: Annotated[int, Field(ge=0, le=50, description="Open companies that fit best.")] = 10,
) -> Icp:
    """Show the ideal customer: won, lost, LTV and churn of companies by what they are.

    That is industry, size, country, type, use case, technology, the competitor in use, and hiring for AI.
    Each rate and mean with its interval (95 %), and drawn to that of all where companies are few: quote these. Then the
    open companies that fit best, with reasons; none where what they are does not foretell who is won.
    """
    whole = icp(question.snapshot)
    shown = whole.model_copy(update={"companies": whole.companies[:companies]})
    return Icp(**question.origin(GROUPS.key, FIT.key), **shown.model_dump())


TOOL = Tool("icp", "Ideal customer", answer)
