"""Whether the data are fresh."""

from gtm_platform.serving.answers.freshness import freshness
from gtm_platform.serving.chat.answers import Freshness
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool


def answer(question: Question) -> Freshness:
    """Say when each source was read last, and which were not read in time."""
    state = freshness(question.snapshot, question.now)
    tables = [table.table for source in state.sources for table in source.tables]
    return Freshness(**question.origin(*tables), **state.model_dump())


TOOL = Tool("freshness", "Freshness of the data", answer)
