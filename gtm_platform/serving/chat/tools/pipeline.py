"""What is in the pipeline, what will be won, and which companies may buy more."""

from typing import Annotated

from pydantic import Field

from gtm_platform.serving.answers.pipeline import pipeline
from gtm_platform.serving.chat.answers import Pipeline
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool

TABLES = ("pipeline_deals", "pipeline_forecast", "expansion_opportunities")


def answer(
    question: Question,
    companies: Annotated[int, Field(ge=0, le=50, description="Companies that may buy more.")] = 10,
) -> Pipeline:
    """Show the pipeline, what of it will be won, and who may buy more.

    Open deals by stage; what will be won within some days, beside the naive forecast, with the interval and why the
    method was chosen; paying companies with signs that they may buy more, and the MRR at stake.
    """
    whole = pipeline(question.snapshot)
    listed = whole.opportunities.listed[:companies]
    shown = whole.model_copy(update={"opportunities": whole.opportunities.model_copy(update={"listed": listed})})
    return Pipeline(**question.origin(*(f"intelligence/{name}" for name in TABLES)), **shown.model_dump())


TOOL = Tool("pipeline", "Pipeline", answer)
