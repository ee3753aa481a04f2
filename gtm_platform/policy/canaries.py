"""Synthetic customers that show that everything works: at which addresses, what they do, and what must follow when."""

from typing import Annotated

from pydantic import Field, model_validator

from gtm_platform.policy.rules import Days, Hours, Rules

Domain = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]


class WithinHours(Rules):
    """So many hours after an act was due each stage has to have seen it."""

    written: Hours = 2
    landed: Hours = 10
    identity: Hours = 36
    scores: Hours = 36
    alert: Hours = 40
    hubspot: Hours = 40
    report: Hours = 240


class Canaries(Rules):
    """Where canaries live, and the days of their life; none without a domain."""

    domains: tuple[Domain, ...] = ()
    born_every_days: Days = 4
    complains_on_day: Days = 1
    pays_late_on_day: Days = 2
    churns_on_day: Days = 3
    lives_days: Days = 14
    hubspot_property: Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]*)?$", max_length=100)] = "gtm_canary"
    within_hours: WithinHours = WithinHours()

    @model_validator(mode="after")
    def _days_are_in_order(self) -> "Canaries":
        days = (0, self.complains_on_day, self.pays_late_on_day, self.churns_on_day, self.lives_days)
        if list(days) != sorted(set(days)):
            raise ValueError("a canary complains, pays late, churns and is taken away on days one after another")
        return self
