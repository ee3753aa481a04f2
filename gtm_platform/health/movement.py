"""Why a score moved: the parts of `health/score_changes` of one customer, by the number of days.

It is a pure function of the customer's rows of that table, as dictionaries, also from JSON.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel, Field

from gtm_platform.health.score_change_columns import CONTRACT, SPANS

WORTH_NAMING = 0.05  # points
SHOWN = {name: column for name, column in CONTRACT.columns.items() if name not in ("customer_id", "as_of", "points")}
Row = Mapping[str, Any]


class MovedPart(BaseModel):
    """What moved a score, and by how much."""

    cause: str = Field(description=CONTRACT.columns["cause"].about)
    component: str | None = Field(description="Component or override; null but for what the customer did.")
    fact: str | None = Field(description="The fact that changed, by its column; null but for what the customer did.")
    before: str | None = Field(description="The fact then.")
    after: str | None = Field(description="The fact now.")
    points: float = Field(description="The parts of a movement add up to the change.")


class ScoreMovement(BaseModel):
    """From where a score came in some days, and what moved it."""

    days: int
    since: date
    score_before: int = Field(description="What was said on that day.")
    score: int
    parts: list[MovedPart] = Field(description="What moved it, the most first.")

    @property
    def change(self) -> int:
        """By how many points the score moved."""
        return self.score - self.score_before

    @property
    def main_parts(self) -> list[MovedPart]:
        """The parts that are worth naming."""
        return [part for part in self.parts if abs(part.points) >= WORTH_NAMING]


def movements(rows: Sequence[Row], score: int | None, day: date) -> list[ScoreMovement]:
    """Return what moved the score of a day, over each of the spans over which anything did."""
    return [] if score is None else list(_movements(rows, score, day))


def _movements(rows: Sequence[Row], score: int, day: date) -> Iterator[ScoreMovement]:
    for days, points in SPANS.items():
        parts = [_part(row, days, float(row[points])) for row in rows if row[points]]
        if parts:
            yield ScoreMovement(
                days=days,
                since=day - timedelta(days=days),
                score_before=score - round(sum(part.points for part in parts)),
                score=score,
                parts=sorted(
                    parts, key=lambda part: (-abs(part.points), part.cause, part.component or "", part.fact or "")
                ),
            )


def _part(row: Row, days: int, points: float) -> MovedPart:
    return MovedPart(
        cause=row["cause"],
        component=row["component"] or None,
        fact=row["fact"] or None,
        before=row[f"before_{days}d"],
        after=row["after"],
        points=points,
    )
