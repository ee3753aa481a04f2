"""What HubSpot was sent, and how much of what it is to have is true there."""

from typing import Annotated

import orjson
from pydantic import Field

from gtm_platform.delivery.hubspot.truth_table import TABLE
from gtm_platform.serving.chat.answers import HubSpotState
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool


def answer(
    question: Question,
    days: Annotated[int, Field(ge=1, le=30, description="How many of the newest days.")] = 7,
) -> HubSpotState:
    """Say how much of what we write to HubSpot is true there, and who changed the rest.

    With what was written, held back or rejected by day, and why; whether a delivery stopped and waits for consent; and
    what is not created before a person decides. A value that a person changed is left alone; one that a workflow or an
    import changed is set back.
    """
    fact = orjson.loads(question.snapshot.fact("hubspot"))
    compared = sorted({row["day"] for row in fact["truth"]})[-days:]
    truth = [row for row in reversed(fact["truth"]) if row["day"] in compared]
    sent = fact["days"][-days:]
    same = {name: fact[name] for name in ("reasons", "deliveries", "objective")}
    return HubSpotState(**question.origin(TABLE), days=sent, truth=truth, **same)


TOOL = Tool("hubspot", "HubSpot", answer, area="operations")
