"""Whether the platform's models can be believed, and whom they expect to leave."""

from gtm_platform.intelligence.churn.registry import REGISTRY
from gtm_platform.intelligence.churn.scores import TABLE as SCORES
from gtm_platform.serving.answers.models import models
from gtm_platform.serving.chat.answers import Models
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool


def answer(question: Question) -> Models:
    """Say whether the model of churn can be believed, and who is most likely to leave, and why.

    Each month's verdict (signal, no signal, too little data) with AUC, Brier beside the base rate, and calibration, of
    customers of a later day than it learned of. While it is in shadow it names nobody.
    """
    return Models(**question.origin(REGISTRY, SCORES.key), **models(question.snapshot).model_dump())


TOOL = Tool("models", "Can the models be believed", answer)
