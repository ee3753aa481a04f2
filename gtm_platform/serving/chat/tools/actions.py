"""What the platform does by itself for customers at risk."""

import orjson

from gtm_platform.delivery.actions.days_table import TABLE
from gtm_platform.serving.chat.answers import ActionsState
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool


def answer(question: Question) -> ActionsState:
    """Say which actions the policy has for customers at risk, whether each is on, and how often done."""
    fact = orjson.loads(question.snapshot.fact("actions"))
    return ActionsState(**question.origin(TABLE), actions=fact["actions"])


TOOL = Tool("actions", "Actions", answer)
