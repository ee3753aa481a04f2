"""Who is sent which changes as webhooks, and what became of them."""

import orjson

from gtm_platform.delivery.triggers.messages_table import TABLE
from gtm_platform.serving.chat.answers import TriggersState
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool


def answer(question: Question) -> TriggersState:
    """List the subscriptions to changes: what each asks for, whether it works, and what it was not sent.

    A subscription that is off took nothing for days, or asked for nothing more; messages that are dead can be sent
    again by a person.
    """
    fact = orjson.loads(question.snapshot.fact("triggers"))
    return TriggersState(**question.origin(TABLE), subscriptions=fact["subscriptions"])


TOOL = Tool("triggers", "Triggers", answer, area="operations")
