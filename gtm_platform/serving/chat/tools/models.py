"""Whether the platform's models can be believed, and whom they name."""

from gtm_platform.intelligence.churn.model import MODEL as CHURN
from gtm_platform.intelligence.churn.scores import TABLE as CHURN_SCORES
from gtm_platform.intelligence.leads.model import MODEL as LEADS
from gtm_platform.intelligence.leads.scores import TABLE as LEAD_SCORES
from gtm_platform.serving.answers.models import models
from gtm_platform.serving.chat.answers import Models
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool


def answer(question: Question) -> Models:
    """Say whether the models of churn and leads can be believed, and who is likely to leave or buy.

    Each month's verdict (signal, no signal, too little data) with AUC, Brier beside the base rate, and calibration, of
    a later day than it learned of. While a model is in shadow it names nobody.
    """
    tables = (CHURN.registry, CHURN_SCORES.key, LEADS.registry, LEAD_SCORES.key)
    return Models(**question.origin(*tables), **models(question.snapshot).model_dump())


TOOL = Tool("models", "Can the models be believed", answer)
