"""The contact properties that are ours: how they are defined in HubSpot, and how their values travel and compare."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

GROUP, GROUP_LABEL = "gtm", "GTM platform"


@dataclass(frozen=True)
class Property:
    name: str
    label: str
    about: str
    type: str  # number | enumeration
    field_type: str  # number | select | checkbox
    options: tuple[str, ...] = ()

    @property
    def is_set(self) -> bool:
        return self.field_type == "checkbox"

    def same(self, one: str, other: str) -> bool:
        """Whether HubSpot would call the two wire values the same."""
        return self._meaning(one) == self._meaning(other)

    def _meaning(self, wire: str) -> object:
        if self.is_set:
            return frozenset(filter(None, wire.split(";")))
        if self.type == "number" and wire:
            try:
                return Decimal(wire)
            except InvalidOperation:
                return wire
        return wire

    def definition(self, used: Iterable[str] = ()) -> dict[str, Any]:
        """As HubSpot takes it; with the options that values in use need, known beforehand or not."""
        return {
            "name": self.name,
            "label": self.label,
            "description": self.about,
            "groupName": GROUP,
            "type": self.type,
            "fieldType": self.field_type,
            "options": [option(value, order) for order, value in enumerate(dict.fromkeys([*self.options, *used]))],
        }


# Those known beforehand; another one is added as an option when a customer has it.
SIGNALS = (
    "cancel_mentioned",
    "payment_delinquent",
    "critical_ticket_open",
    "failed_payments",
    "inactive_30d",
    "low_csat",
    "negative_tone",
    "low_engagement",
)

HEALTH_SCORE = Property("gtm_health_score", "Health score", "Customer health, 0 to 100.", "number", "number")
HEALTH_STATUS = Property(
    "gtm_health_status",
    "Health status",
    "Customer health in words.",
    "enumeration",
    "select",
    ("healthy", "at_risk", "high_risk", "critical"),
)
CHURN_RISK = Property(
    "gtm_churn_risk", "Churn risk", "Probability in percent of churning within 90 days.", "number", "number"
)
MRR = Property("gtm_mrr", "MRR", "Monthly recurring revenue in the customer's currency.", "number", "number")
RISK_SIGNALS = Property(
    "gtm_risk_signals", "Risk signals", "Why the health score is what it is.", "enumeration", "checkbox", SIGNALS
)

OURS = {property.name: property for property in (HEALTH_SCORE, HEALTH_STATUS, CHURN_RISK, MRR, RISK_SIGNALS)}


def option(value: str, order: int) -> dict[str, Any]:
    label = value.replace("_", " ").capitalize()
    return {"label": label, "value": value, "displayOrder": order, "hidden": False}


def wire(value: object) -> str | None:
    """A value as HubSpot takes it; None where there is nothing to say, which leaves what HubSpot holds."""
    if value is None or isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)
    if isinstance(value, Decimal | int | float):
        number = Decimal(str(value))
        return f"{number.normalize() + 0:f}" if number.is_finite() else None  # + 0: the minus of zero says nothing
    if isinstance(value, Iterable):
        return ";".join(sorted({str(item).replace(";", ",") for item in value}))
    raise TypeError(f"A {type(value).__name__} cannot be written to HubSpot.")


def wired(column: Iterable[object]) -> list[str | None]:
    """A whole column of values of one type; those that are the same are put in words once."""
    values = [tuple(value) if isinstance(value, list) else value for value in column]
    words = {value: wire(value) for value in set(values)}
    return [words[value] for value in values]


def used_options(property: Property, values: Iterable[Mapping[str, str]]) -> list[str]:
    """Every option that the values of the property need; only enumerations have options."""
    if property.type != "enumeration":
        return []
    found = {part for held in values for part in held.get(property.name, "").split(";")}
    return sorted(found - {""})
