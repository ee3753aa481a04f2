"""What the platform does in other systems by itself, of customers and companies: nothing, unless it is switched on."""

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gtm_platform.policy.rules import Days, Rules

TAGS = ("intercom_tag", "intercom_company_tag")  # are taken off again
COMPANY_TAG = "intercom_company_tag"

Cohort = Literal["cohort_1_current_customer", "cohort_2_in_market", "cohort_3_competitor", "cohort_4_si_partner"]


class Action(Rules):
    """One thing to do for each customer of some states of health, or for each company of some cohorts."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=48)]
    does: Literal["hubspot_task", "intercom_tag", "intercom_company_tag"]
    text: Annotated[str, Field(min_length=1, max_length=100)]
    enabled: bool = False
    health: tuple[Literal["at_risk", "high_risk", "critical"], ...] = ("high_risk", "critical")
    cohorts: tuple[Cohort, ...] = ()
    strengths: tuple[Literal["very_strong", "strong", "moderate", "weak"], ...] = ()
    min_mrr: Annotated[float, Field(ge=0)] = 0
    at_most: Annotated[int, Field(ge=1, le=500)] = 25
    due_days: Days = 2
    priority: Literal["LOW", "MEDIUM", "HIGH"] = "HIGH"

    @property
    def of_companies(self) -> bool:
        """Whether it is done for companies."""
        return self.does == COMPANY_TAG

    @model_validator(mode="after")
    def _is_about_its_subjects(self) -> "Action":
        """Refuse a condition that says nothing of those for whom it is done: it would be as good as none."""
        if self.of_companies and not self.cohorts:
            raise ValueError(f"action {self.name} is done for companies: say in which cohorts")
        if self.of_companies and self.health != Action.model_fields["health"].default:
            raise ValueError(f"action {self.name} is done for companies, which have no health")
        if not self.of_companies and (self.cohorts or self.strengths):
            raise ValueError(f"action {self.name} is done for customers: cohorts and strengths are of companies")
        return self


class Actions(Rules):
    """All of them, each with a name of its own, by which the journal knows it."""

    rules: tuple[Action, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> "Actions":
        names = Counter(rule.name for rule in self.rules)
        if repeated := [name for name, count in names.items() if count > 1]:
            raise ValueError(f"two actions are called {repeated[0]}; the journal tells them apart by their names")
        return self
