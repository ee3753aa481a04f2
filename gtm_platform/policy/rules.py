"""What the rules of every room are made of: a frozen model that refuses keys it does not have, and bounded numbers."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _checked(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    return pattern


Share = Annotated[float, Field(ge=0, le=1)]
Points = Annotated[float, Field(ge=0, le=100)]
Penalty = Annotated[int, Field(le=0, ge=-100)]
Days = Annotated[int, Field(ge=1)]
Hours = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Pattern = Annotated[str, AfterValidator(_checked)]


class Rules(BaseModel):
    """A table of the policy file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
