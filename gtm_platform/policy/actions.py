"""What the platform does about customers at risk in other systems by itself: nothing, unless it is switched on."""

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gtm_platform.policy.rules import Days, Rules


class Action(Rules):
    """One thing to do for each customer of some states of health."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=48)]
    does: Literal["hubspot_task", "intercom_tag"]
    text: Annotated[str, Field(min_length=1, max_length=100)]
    enabled: bool = False
    health: tuple[Literal["at_risk", "high_risk", "critical"], ...] = ("high_risk", "critical")
    min_mrr: Annotated[float, Field(ge=0)] = 0
    at_most: Annotated[int, Field(ge=1, le=500)] = 25
    due_days: Days = 2
    priority: Literal["LOW", "MEDIUM", "HIGH"] = "HIGH"


class Actions(Rules):
    """All of them, each with a name of its own, by which the journal knows it."""

    rules: tuple[Action, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> "Actions":
        names = Counter(rule.name for rule in self.rules)
        if repeated := [name for name, count in names.items() if count > 1]:
            raise ValueError(f"two actions are called {repeated[0]}; the journal tells them apart by their names")
        return self
