"""How a score is made, by what a snapshot holds of it: points of the components, and what overrides took off.

With the figures behind the points it is explained by `health.explanation`, which has the day's rules and facts.
"""

from typing import Any

import orjson
from pydantic import BaseModel, Field

from gtm_platform.health.points import ComponentPoints, points_of, rounded


class Override(BaseModel):
    """What takes points off whatever the components say."""

    override: str
    why: str
    points: int = Field(description="0 or less.")


class Explanation(BaseModel):
    """How a score is made: the mean of the components by weight, less the overrides that apply."""

    health_score: int | None
    base_score: float | None = Field(description="Mean of the components by weight.")
    health_confidence: float = Field(description="Share of the weights that have data, 0 to 1.")
    components: list[ComponentPoints]
    overrides: list[Override] = Field(description="Those that apply.")
    changes: dict[str, int | None] = Field(description="Change of the score by the number of days.")
    policy_hash: str = Field(description="The business rules that the score was made with.")
    rules_in_force: bool = Field(description="Whether these are the rules in force.")


def explained(row: bytes, rules: bytes) -> Explanation:
    """Return the explanation of a row of health, as the snapshot has it, by its rules."""
    health, policy = orjson.loads(row), orjson.loads(rules)
    same = health["policy_hash"] == policy["policy_hash"]
    weights: dict[str, float] = policy["weights"]
    confidence = health["health_confidence"]
    return Explanation(
        health_score=health["health_score"],
        base_score=rounded(health["base_score"]),
        health_confidence=confidence,
        components=[
            points_of(name, health.get(f"{name}_score"), weight if same else None, confidence)
            for name, weight in weights.items()
        ],
        overrides=_overrides(health, policy["overrides"]),
        changes={
            name.removeprefix("score_change_"): health[name] for name in health if name.startswith("score_change_")
        },
        policy_hash=health["policy_hash"],
        rules_in_force=same,
    )


def _overrides(health: dict[str, Any], reasons: dict[str, str]) -> list[Override]:
    points = {name: health.get(f"override_{name}", 0) for name in reasons}
    return [Override(override=name, why=reasons[name], points=taken) for name, taken in points.items() if taken]
