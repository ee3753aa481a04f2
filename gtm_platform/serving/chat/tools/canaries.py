"""Whether what customers do reaches every stage, by synthetic ones."""

import orjson

from gtm_platform.delivery.canaries.table import TABLE
from gtm_platform.serving.chat.answers import Canaries
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool


def answer(question: Question) -> Canaries:
    """Say which stage did not see in time what canaries did.

    They are synthetic customers that show that everything works, and in no other answer: no list, no total.
    """
    fact = orjson.loads(question.snapshot.fact("canaries"))
    parts = {name: fact[name] for name in ("domains", "stages", "acts")}
    return Canaries(**question.origin(TABLE), **parts)


TOOL = Tool("canaries", "Canaries", answer)
