"""What the platform changes, by its experiments, and the metrics of success."""

from gtm_platform.intelligence.effect.effect import TABLE as EFFECT
from gtm_platform.intelligence.effect.success import TABLE as SUCCESS
from gtm_platform.serving.answers.effect import effect, success
from gtm_platform.serving.chat.answers import Effect
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool


def answer(question: Question) -> Effect:
    """Say what the platform changes, by experiments, and what success comes to.

    Churn, MRR and expansion beside customers from whom it was withheld. Each experiment with its hypothesis, the
    difference with an interval that holds however often it is looked at, and a verdict. Metrics of success with
    baselines: churn, days of warning, MRR saved, expansion, minutes, coverage; what is not measured says so,
    and is not to be guessed. It does not say from whom anything is withheld.
    """
    answers = {**effect(question.snapshot).model_dump(), **success(question.snapshot).model_dump()}
    return Effect(**question.origin(EFFECT.key, SUCCESS.key), **answers)


TOOL = Tool("effect", "What the platform changes", answer)
