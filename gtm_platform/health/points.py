"""Points of the score: what each component earned of those it could. Shared by everything that explains a score."""

from pydantic import BaseModel, Field


class ComponentPoints(BaseModel):
    """A part of the score. Points are of the 100 that components with data share by their weights."""

    component: str
    score: float | None = Field(description="0 to 100; null without data.")
    weight: float | None = Field(description="Of 100; null where the rules of the score are not at hand.")
    possible: float | None = Field(description="Points that it could earn; null without data.")
    earned: float | None = Field(description="Points that it earned.")
    missed: float | None = Field(description="Points that it did not earn.")


def points_of(component: str, score: float | None, weight: float | None, confidence: float) -> ComponentPoints:
    """Return the points of a component; `confidence` is the share of the weights that have data."""
    possible = None if score is None or not weight or not confidence else weight / confidence
    earned = None if possible is None or score is None else score / 100 * possible
    missed = None if possible is None or earned is None else possible - earned
    return ComponentPoints(
        component=component,
        score=rounded(score),
        weight=weight,
        possible=rounded(possible),
        earned=rounded(earned),
        missed=rounded(missed),
    )


def rounded(value: float | None) -> float | None:
    """Return a figure as it is shown."""
    return None if value is None else round(value, 2)
