"""What can be withheld from a customer, as values: the rows, columns and alerts that are the treatment.

All else of a customer is a fact, which an experiment never hides: who it is, what it pays, what it did and said.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gtm_platform.health.customer_health import HEALTH

CUSTOMER, COMPANY = "customer_id", "company_id"


@dataclass(frozen=True)
class Hidden:
    """Where a table has the treatment: in some columns of a subject's rows, else in whole rows.

    `day` is the column with the day that a row is about; a table without one holds one day to a file.
    """

    table: str
    subject: str = CUSTOMER
    columns: tuple[str, ...] = ()
    day: str | None = "as_of"


@dataclass(frozen=True)
class Treatment:
    """What is withheld together: parts of tables, and kinds of alerts about customers."""

    name: str
    about: str
    hidden: tuple[Hidden, ...] = ()
    alerts: tuple[str, ...] = ()


ALERTS = Treatment(
    "alerts",
    "Every alert about the customer, alone or in a digest.",
    alerts=("cancel_mention", "cancellation_scheduled", "engagement_drop", "health_drop", "payment_failed"),
)
RISK = Treatment(
    "risk",
    "Health score and status, churn risk, risk signals, recommended actions, what moved the score, scores of models.",
    hidden=(
        Hidden("core/unified_customers", columns=tuple(HEALTH)),
        Hidden("health/customer_health"),
        Hidden("health/score_changes"),
        Hidden("health/missed_churns", day="churned_on"),
        Hidden("intelligence/churn_scores", day="day"),
        Hidden("core/unified_companies", COMPANY, ("lowest_health", "mean_health")),
    ),
    alerts=("health_drop",),
)
EXPANSION = Treatment(
    "expansion",
    "That the customer's company is listed as one that may buy more.",
    hidden=(Hidden("intelligence/expansion_opportunities", COMPANY, day=None),),
)
TREATMENTS: Mapping[str, Treatment] = {each.name: each for each in (ALERTS, RISK, EXPANSION)}


def hidden_in(table: str, names: tuple[str, ...]) -> Hidden | None:
    """Return what some treatments hide in a table."""
    return next((each for name in names for each in TREATMENTS[name].hidden if each.table == table), None)


def alerts_of(names: tuple[str, ...]) -> frozenset[str]:
    """Return the kinds of alerts that some treatments withhold."""
    return frozenset(kind for name in names for kind in TREATMENTS[name].alerts)
