"""Which webhooks come, and which do not."""

import orjson

from gtm_platform.serving.chat.answers import Hooks
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool


def answer(question: Question) -> Hooks:
    """Say which webhooks are on, when each came last, what was refused, and what is wrong.

    A webhook makes a source be read within a minute or two; without it the source is read by its schedule.
    The hot path delivers within seconds what webhooks change: whether it runs, or was stopped and why, and how soon.
    """
    fact = orjson.loads(question.snapshot.fact("hooks"))
    parts = {name: fact.get(name) for name in ("address", "hooks", "hot_path")}
    return Hooks(**question.origin("serving/snapshot"), **parts)


TOOL = Tool("hooks", "Webhooks", answer, area="operations")
