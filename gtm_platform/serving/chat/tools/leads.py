"""Who is most likely to become a customer."""

from typing import Annotated

from pydantic import Field

from gtm_platform.intelligence.leads.outcomes import TABLE as OUTCOMES
from gtm_platform.intelligence.leads.scores import TABLE as SCORES
from gtm_platform.serving.answers.leads import leads
from gtm_platform.serving.chat.answers import Leads
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool


def answer(question: Question, limit: Annotated[int, Field(ge=1, le=50)] = 10) -> Leads:
    """List the leads that are most likely to become customers, and why.

    A lead is a company, or a person without one, that never paid.
    Reasons are log-odds that add up to the score. While the model is in shadow, or has no signal, nobody is named.
    """
    whole = leads(question.snapshot)
    shown = whole.model_copy(update={"leads": whole.leads[:limit]})
    question.subjects.extend(each.lead_id for each in shown.leads)
    return Leads(**question.origin(SCORES.key, OUTCOMES.key), **shown.model_dump())


TOOL = Tool("leads", "Best leads", answer)
