"""Who churned, and whether it could have been foreseen."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from pydantic import BaseModel, Field

from gtm_platform.serving.store import Snapshot

MOST = 200


class Departure(BaseModel):
    """How somebody stood who left, on the last day as a customer that is shown."""

    customer_id: str
    churned_at: datetime
    last_day: date | None = Field(description="The last day as a customer; null where it is older than what is shown.")
    mrr_before: float | None = Field(description="What the customer paid then, in the reporting currency.")
    health_score: int | None
    health_status: str | None
    churn_risk: int | None
    flagged_since: date | None = Field(
        description="The first of the 30 days before on which health or churn risk gave warning; null for none."
    )
    days_of_warning: int = Field(description="Days from then until the customer left.")
    alerts: int = Field(description="Alerts about the customer before it left.")


@dataclass(frozen=True)
class Churned:
    """Those who left in some days, the latest first; totals are of all of them, whoever is listed."""

    days: int
    total: int
    total_mrr: float
    foreseen: int  # who had been flagged before
    watched: int  # whose last day as a customer is shown: of the rest neither payment nor warning is known
    departures: list[Departure]
    rows: list[dict[str, Any]]  # of the customers who are listed

    def listed(self) -> list[tuple[Departure, dict[str, Any]]]:
        """Return the departures with the rows of their customers."""
        return list(zip(self.departures, self.rows, strict=True))


def churned(
    snapshot: Snapshot, days: int, *, personal: bool, account_manager: str | None = None, limit: int = MOST
) -> Churned:
    """Return who had a paid subscription, ended it in so many days, and is no customer now."""
    bodies, (total, mrr, foreseen, watched) = snapshot.departures(days, account_manager, limit)
    departures = [Departure(**orjson.loads(body)) for body in bodies]
    customers = [snapshot.customer(each.customer_id) for each in departures]
    rows = [customer.row(personal=personal) for customer in customers if customer]
    return Churned(days, total, mrr, foreseen, watched, departures, rows)
