"""What the rules of every room are made of: a frozen model that refuses keys it does not have, and bounded numbers."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Points = Annotated[float, Field(ge=0, le=100)]
Penalty = Annotated[int, Field(le=0, ge=-100)]
Days = Annotated[int, Field(ge=1)]
Hours = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]


class Rules(BaseModel):
    """A table of the policy file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
