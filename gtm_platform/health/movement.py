"""Why a score moved: by how many points each component and override is better or worse than on an earlier day.

It is a pure function of the rows of health of both days and of the rules that both were made with.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from gtm_platform.health.customer_health import COMPONENTS, OVERRIDES
from gtm_platform.health.points import points_of
from gtm_platform.policy import Policy

LEAST = 0.05  # points that are worth naming
Row = Mapping[str, Any]


class MovedPart(BaseModel):
    """A component, or an override, and by how much it moved the score."""

    part: str
    points: float


class ScoreMovement(BaseModel):
    """From where a score came, and what moved it."""

    since: date
    score_before: int | None
    score: int | None
    rules_before: str = Field(description="The business rules that the earlier score was made with.")
    rules: str = Field(description="Those of the score now; where they differ, parts cannot be compared.")
    parts: list[MovedPart] = Field(description="What moved it, the most first, before rounding and limits.")


def moved(before: Row, now: Row, rules: Policy | None) -> ScoreMovement:
    """Return what moved a score; without the rules, or with others in between, no parts of it."""
    comparable = rules is not None and before["policy_hash"] == now["policy_hash"]
    return ScoreMovement(
        since=date.fromisoformat(str(before["as_of"])[:10]),
        score_before=before["health_score"],
        score=now["health_score"],
        rules_before=before["policy_hash"],
        rules=now["policy_hash"],
        parts=_parts(before, now, rules) if rules is not None and comparable else [],
    )


def _parts(before: Row, now: Row, rules: Policy) -> list[MovedPart]:
    moves = {name: _earned(now, name, rules) - _earned(before, name, rules) for name in COMPONENTS}
    moves |= {name: now[f"override_{name}"] - before[f"override_{name}"] for name in OVERRIDES}
    parts = [MovedPart(part=name, points=round(points, 2)) for name, points in moves.items() if abs(points) >= LEAST]
    return sorted(parts, key=lambda part: -abs(part.points))


def _earned(health: Row, name: str, rules: Policy) -> float:
    weight = getattr(rules.health.weights, name)
    return points_of(name, health[f"{name}_score"], weight, health["health_confidence"]).earned or 0
