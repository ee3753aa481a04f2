"""Whether the data are fresh."""

import orjson

from gtm_platform.serving.chat.answers import Freshness, SourceState
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool


def answer(question: Question) -> Freshness:
    """Say when each source was read last, and which were not read in time."""
    fact = orjson.loads(question.snapshot.fact("freshness"))
    tables = [table["table"] for source in fact["sources"] for table in source["tables"]]
    sources = [SourceState(**source, is_late=False) for source in fact["sources"]]
    sources = [each.model_copy(update={"is_late": each.late_after < question.now}) for each in sources]
    late = [each.source for each in sources if each.is_late]
    return Freshness(**question.origin(*tables), made_at=fact["made_at"], sources=sources, late=late)


TOOL = Tool("freshness", "Freshness of the data", answer)
