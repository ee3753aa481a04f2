"""Which erasures wait, which are open, which are done."""

from gtm_platform.serving.answers.erasures import erasures_now
from gtm_platform.serving.chat.answers import Erasures
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool

SCOPE = "erase"


def answer(question: Question) -> Erasures:
    """Say which people's erasures wait to be confirmed, were begun, or are done; it names none of them.

    Of each: who asked for it and why, how many rows and files it comes to, and what others still have to do. Nobody is
    erased from here: `gtm erase`, the page Erasures of the dashboard and POST /v1/erasure do that.
    """
    listed = erasures_now(question.state)
    return Erasures(**question.origin("state/erasures"), **listed.model_dump())


TOOL = Tool("erasures", "Erasures", answer, area="operations", scope=SCOPE)
