"""Who may be the same, and what a person would have to decide."""

from typing import Annotated, Literal

import orjson
from pydantic import Field

from gtm_platform.identity.review import TABLE
from gtm_platform.serving.chat.answers import WhoIsWho
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool


def answer(
    question: Question,
    kind: Annotated[Literal["person", "company"] | None, Field(description="Only people, or only companies.")] = None,
    limit: Annotated[int, Field(ge=1, le=100)] = 20,
) -> WhoIsWho:
    """List customers, or companies, that may be the same and wait for a person to decide.

    Each pair with its evidence, how sure it is, and the commands by which a person merges the two or keeps them apart.
    """
    fact = orjson.loads(question.snapshot.fact("who_is_who"))
    counts = [row for row in fact["counts"] if kind in (None, row["kind"])]
    pairs = [row for row in fact["pairs"] if kind in (None, row["kind"])]
    total = sum(row["pairs"] for row in counts)
    return WhoIsWho(**question.origin(TABLE.key), total=total, counts=counts, pairs=pairs[:limit])


TOOL = Tool("who_is_who", "Who is who", answer, area="rules")
