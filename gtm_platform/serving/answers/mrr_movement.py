"""How MRR moved over a window: what came, grew, shrank and left."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from gtm_platform.serving.metrics.metric import WINDOWS

PARTS = {"new": 1, "expansion": 1, "contraction": -1, "churned": -1}  # the metric without its end, and its sign


class MrrMovement(BaseModel):
    """MRR at the begin of a window, what moved it, and at its end, in the reporting currency."""

    days: int
    before: float
    new: float
    expansion: float
    contraction: float = Field(description="0 or more; it is subtracted.")
    churned: float = Field(description="0 or more; it is subtracted.")
    after: float

    @property
    def net(self) -> float:
        """By how much MRR grew."""
        return round(self.after - self.before, 2)


def mrr_movement(summary: Mapping[str, Any], days: int) -> MrrMovement | None:
    """Return the movement over a window by the summary of a snapshot; None in a home that is younger."""
    metrics = summary["metrics"]
    parts = {part: metrics[f"{part}_mrr_{days}d"]["value"] for part in PARTS}
    if any(value is None for value in parts.values()):
        return None
    after = metrics["mrr"]["value"]
    net = sum(sign * parts[part] for part, sign in PARTS.items())
    return MrrMovement(days=days, before=round(after - net, 2), after=after, **parts)


def windows(summary: Mapping[str, Any]) -> list[int]:
    """Return the windows, in days, over which there are movements."""
    return [days for days in WINDOWS if mrr_movement(summary, days)]
