"""Which competitors are used, how deals and companies go where one is, and what hurts."""

from typing import Annotated

from pydantic import Field

from gtm_platform.serving.answers.competition import competition
from gtm_platform.serving.chat.answers import Competition
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool

TABLES = ("competitor_rates", "competitor_usage", "competitor_pains")


def answer(
    question: Question,
    competitor: Annotated[str | None, Field(description="One competitor alone; without it, all.")] = None,
    months: Annotated[int, Field(ge=0, le=24, description="Newest months of use.")] = 3,
    evidence: Annotated[int, Field(ge=0, le=50, description="Pieces of evidence.")] = 10,
) -> Competition:
    """Show competitors: use by month, win and displacement rates, pain points with evidence.

    Rates are of what was known before the outcome, with intervals; they are association. What sales wrote afterwards
    is counted apart, and is no part of a rate.
    """
    whole = competition(question.snapshot, personal=question.personal)
    kept = {
        name: [each for each in getattr(whole, name) if competitor in (None, each.competitor)]
        for name in ("rates", "usage", "pains", "evidence")
    }
    newest = sorted({each.month for each in whole.usage})[-months:] if months else []
    kept["usage"] = [each for each in kept["usage"] if each.month in newest]
    shown = whole.model_copy(update=kept | {"evidence": kept["evidence"][:evidence]})
    return Competition(**question.origin(*(f"intelligence/{name}" for name in TABLES)), **shown.model_dump())


TOOL = Tool("competition", "Competition", answer)
