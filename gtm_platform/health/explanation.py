"""How a score is made: what each component earned of what it could, what overrides took off, what speaks against the
customer staying and by which figures, and what to do.

It is a pure function of a row of health, the row of the customer's facts (both as dictionaries, also from JSON) and the
rules that the score was made with: the command has them from the lake, pages, API and chat from the served snapshot.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field

from gtm_platform.health.actions import signals
from gtm_platform.health.calculations import calculation
from gtm_platform.health.components import INPUTS, OVERRIDE_INPUTS
from gtm_platform.health.customer_health import AGO, COMPONENTS, OVERRIDES
from gtm_platform.health.movement import ScoreMovement, movements
from gtm_platform.health.points import ComponentPoints, points_of, rounded
from gtm_platform.policy import Policy

Row = Mapping[str, Any]


class Component(ComponentPoints):
    """A part of the score, with the figures that it is made of."""

    inputs: dict[str, Any] = Field(description="The figures that it is made of, by column.")
    calculation: str | None = Field(description="How the score is worked out.")


class Override(BaseModel):
    """What takes points off whatever the components say."""

    override: str
    why: str
    points: int = Field(description="0 or less.")
    inputs: dict[str, Any] = Field(description="The figures that it is made of, by column.")


class RiskSignal(BaseModel):
    """What speaks against the customer staying."""

    signal: str
    evidence: dict[str, Any] = Field(description="The figures that show it, by column.")
    action: str | None = Field(description="What to do about it.")


class Explanation(BaseModel):
    """How a score is made: the mean of the components by weight, less the overrides that apply."""

    customer_id: str
    as_of: date
    health_score: int | None
    health_status: str | None
    base_score: float | None = Field(description="Mean of the components by weight.")
    health_confidence: float = Field(description="Share of the weights that have data, 0 to 1.")
    components: list[Component]
    overrides: list[Override] = Field(description="Those that apply.")
    churn_risk: int | None
    churn_risk_model: str
    signals: list[RiskSignal] = Field(description="The most pressing first.")
    recommended_actions: list[str]
    changes: dict[str, int | None] = Field(description="Change of the score by the number of days.")
    movements: list[ScoreMovement] = Field(
        description="What moved the score since yesterday, in 7 and in 30 days; those over which anything did."
    )
    policy_hash: str = Field(description="The business rules that the score was made with.")
    rules_in_force: bool = Field(description="Whether these are the rules in force.")


def explained(
    health: Row, facts: Row, rules: Policy | None, changes: Sequence[Row] = (), *, rules_in_force: bool
) -> Explanation:
    """Explain a row of health by the customer's facts, the rules it was made with, and its changes."""
    day = date.fromisoformat(str(health["as_of"])[:10])
    columns = {name: _as_in_json(value) for name, value in {**facts, **health}.items()}
    return Explanation(
        **{name: columns[name] for name in ("customer_id", "health_score", "health_status", "churn_risk")},
        as_of=day,
        base_score=rounded(health["base_score"]),
        health_confidence=health["health_confidence"],
        components=[_component(name, columns, rules, day) for name in COMPONENTS],
        overrides=_overrides(columns),
        churn_risk_model=health["churn_risk_model"],
        signals=_signals(columns, rules),
        recommended_actions=list(health["recommended_actions"]),
        changes={f"{days}d": health[name] for days, name in AGO.items()},
        movements=movements(changes, health["health_score"], day),
        policy_hash=health["policy_hash"],
        rules_in_force=rules_in_force,
    )


def _as_in_json(value: Any) -> Any:
    """Return a figure as JSON has it, so that an explanation reads alike wherever its rows come from."""
    if isinstance(value, Decimal):
        return float(value)
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value


def _component(name: str, columns: Row, rules: Policy | None, day: date) -> Component:
    score, weight = columns[f"{name}_score"], getattr(rules.health.weights, name) if rules else None
    return Component(
        **points_of(name, score, weight, columns["health_confidence"]).model_dump(),
        inputs=_some(columns, INPUTS[name]),
        calculation=calculation(name, columns, score, rules.health, day) if rules else None,
    )


def _overrides(columns: Row) -> list[Override]:
    return [
        Override(override=name, why=why, points=taken, inputs=_some(columns, OVERRIDE_INPUTS[name]))
        for name, why in OVERRIDES.items()
        if (taken := columns[f"override_{name}"])
    ]


def _signals(columns: Row, rules: Policy | None) -> list[RiskSignal]:
    """Return the signals of the row, in the order of their actions where the rules are there to order them."""
    present = set(columns["risk_signals"])
    ordered = [signal for signal in signals(rules) if signal.name in present] if rules else []
    listed = [
        RiskSignal(signal=signal.name, evidence=_some(columns, signal.evidence), action=signal.action)
        for signal in ordered
    ]
    without_rules = sorted(present - {signal.name for signal in ordered})
    return [*listed, *(RiskSignal(signal=name, evidence={}, action=None) for name in without_rules)]


def _some(columns: Row, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: columns.get(name) for name in names}
