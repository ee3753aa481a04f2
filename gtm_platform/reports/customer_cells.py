"""How a customer is shown in the tables of every report."""

from gtm_platform.reports.content import Cell
from gtm_platform.reports.drawing import TITLES
from gtm_platform.reports.figures import Row
from gtm_platform.reports.wording import number, signed
from gtm_platform.serving.wording import NOTHING

# What tables show of a customer, for a query over `now`.
SHOWN = ", ".join(
    f"now.{name}"
    for name in (
        "customer_id",
        "name",
        "company_name",
        "assigned_am",
        "plan_tier",
        "mrr_reporting",
        "health_score",
        "health_status",
        "churn_risk",
        "risk_signals",
        "recommended_actions",
    )
)


def customer(row: Row) -> Cell:
    """Return who it is, and of which company."""
    return Cell(row["name"] or row["company_name"] or row["customer_id"], (row["name"] and row["company_name"]) or "")


def health(row: Row) -> Cell:
    """Return the score with its status, coloured."""
    status = row["health_status"]
    return Cell(f"{number(row['health_score'])} · {TITLES[status]}", status=status) if status else Cell(NOTHING)


def change(points: float | None) -> str:
    """Return by how many points a score moved."""
    return NOTHING if points is None else signed(number(points))


def action(row: Row) -> str:
    """Return the most pressing of the recommended actions."""
    actions = row["recommended_actions"] or []
    return actions[0] if actions else NOTHING
