"""How companies are spread over the cohorts, and which moved from one to another."""

from datetime import date

import orjson
from pydantic import BaseModel, Field

from gtm_platform.serving.store import Snapshot

DAYS, MOST = 30, 200


class CohortSize(BaseModel):
    """A cohort, and what its companies come to."""

    cohort: str
    companies: int
    people: int
    customers: int
    mrr: float = Field(description="In the reporting currency.")
    mean_health: float | None
    mean_priority: float | None
    completeness: float | None = Field(description="Mean share of the fields nice to have that are filled, 0 to 100.")
    dormant: int


class MissingField(BaseModel):
    """A field that companies of a cohort need, and lack."""

    cohort: str | None
    field: str
    error: str
    companies: int


class Transition(BaseModel):
    """A company that moved from a cohort to another, or fell dormant, or came back."""

    company_id: str
    company: str
    at: date
    from_cohort: str | None
    to_cohort: str | None
    trigger: str
    competitor_displaced: str | None
    evidence: list[str]


class CohortsAnswer(BaseModel):
    """The cohorts, what moved in some days, and what rows lack."""

    days: int
    cohorts: list[CohortSize]
    moved: dict[str, int] = Field(description="Changes in the days, by what brought them.")
    transitions: list[Transition] = Field(description="The newest first.")
    missing: list[MissingField]


def cohorts(snapshot: Snapshot, days: int = DAYS, limit: int = MOST) -> CohortsAnswer:
    """Return the cohorts from the highest in priority to the lowest, and who moved."""
    fact = orjson.loads(snapshot.fact("cohorts"))
    return CohortsAnswer(
        days=days,
        cohorts=fact["cohorts"],
        moved=snapshot.count_transitions(days),
        transitions=transitions_of(snapshot, days, limit),
        missing=fact["missing"],
    )


def transitions_of(snapshot: Snapshot, days: int, limit: int, company_id: str | None = None) -> list[Transition]:
    """Return the changes in so many days, the newest first."""
    return [
        Transition(company=name, **orjson.loads(body)) for name, body in snapshot.transitions(days, limit, company_id)
    ]
