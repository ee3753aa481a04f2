"""Which customers and companies may be the same, as the snapshot says, with how a person decides."""

from pydantic import BaseModel, Field


class WhoIsWhoCount(BaseModel):
    """How many pairs a rule lists."""

    kind: str = Field(description="person or company.")
    rule: str = Field(description="held_back, similar, similar_name or two_companies.")
    pairs: int


class WhoIsWhoPair(BaseModel):
    """Two customers, or two companies, that may be the same."""

    kind: str = Field(description="person or company.")
    rule: str = Field(description="held_back, similar, similar_name or two_companies.")
    first_id: str
    first_name: str | None
    first_address: str | None = Field(description="The customer's address, or the company's domain.")
    second_id: str = Field(description="The same as the first of one customer who may be two.")
    second_name: str | None
    second_address: str | None
    score: float | None = Field(description="How sure it is that they are the same; null where a rule held them back.")
    reason: str = Field(description="The evidence.")
    if_same: str = Field(description="How a person decides that they are the same.")
    if_not: str = Field(description="How a person decides that they are not.")


class WhoIsWhoAnswer(BaseModel):
    """Who may be the same, those that a rule held back first."""

    total: int = Field(description="How many pairs there are; at most 500 are listed.")
    counts: list[WhoIsWhoCount]
    pairs: list[WhoIsWhoPair]
