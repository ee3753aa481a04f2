"""How the health score of one customer is made."""

from typing import Annotated

import orjson
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from gtm_platform.health.explanation_text import written
from gtm_platform.serving.chat.answers import HealthExplained
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool
from gtm_platform.serving.snapshot.layout import CUSTOMERS, SCORES

DAYS, ALERTS = 30, 10


def answer(
    question: Question,
    who: Annotated[
        str, Field(min_length=1, max_length=320, description="Id, former id, or an address where those may be seen.")
    ],
) -> HealthExplained:
    """Explain why a customer has its health score.

    How each component is worked out, points earned and missed, what took points off, the signals with the figures that
    show them, what to do, what moved it and by how much, the scores of the last 30 days, the alerts.
    """
    if "@" in who and not question.personal:
        raise ToolError("Customers are looked up by address with a token that has the scope personal:read only.")
    shown = question.snapshot.customer(who)
    if shown is None:
        raise ToolError("There is no such customer: neither an id nor an address of one. find_customers lists them.")
    question.subjects.append(shown.customer_id)
    [customer] = question.brief([shown.row(personal=question.personal)])
    history, explanation = orjson.loads(shown.history), question.snapshot.explanation(shown)
    return HealthExplained(
        **question.origin(CUSTOMERS, SCORES),
        customer=customer,
        explanation=explanation,
        written_explanation=written(explanation) if explanation else None,
        scores=dict(list(zip(history["day"], history["health_score"], strict=True))[-DAYS:]),
        alerts=[orjson.loads(body) for body in shown.alerts[:ALERTS]],
    )


TOOL = Tool("explain_health", "Explain a health score", answer)
