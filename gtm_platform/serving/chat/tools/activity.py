"""What was done with customers beside what came of it."""

from typing import Annotated, Literal

from pydantic import Field

from gtm_platform.serving.answers.activity import activity
from gtm_platform.serving.chat.answers import Activity
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool

TABLES = ("activity_rates", "activity_by_manager")


def answer(
    question: Question,
    by: Annotated[
        Literal["all", "account_manager", "stage"], Field(description="Of all, or of each of these.")
    ] = "all",
    outcome: Annotated[
        Literal["deal_won", "stage_moved", "renewed"] | None, Field(description="One outcome alone; without it, all.")
    ] = None,
) -> Activity:
    """Show good outcomes with and without meetings, calls, e-mails and quick answers before them.

    Association, and no effect: say so whenever you pass it on. Account managers come with their meetings, answers and
    what they logged.
    """
    whole = activity(question.snapshot)
    rates = [each for each in whole.rates if each.split == by and outcome in (None, each.outcome)]
    shown = whole.model_copy(update={"rates": rates})
    return Activity(**question.origin(*(f"intelligence/{name}" for name in TABLES)), **shown.model_dump())


TOOL = Tool("activity", "Activity", answer)
