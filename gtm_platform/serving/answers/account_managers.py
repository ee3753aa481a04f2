"""Which account manager needs help: who has most MRR at risk."""

from datetime import date, timedelta

import orjson
from pydantic import BaseModel, Field

from gtm_platform.serving.store import Snapshot

DIMENSION = "account_manager"
CHURN = "churned_mrr_30d"


class AccountManager(BaseModel):
    """The customers of one account manager, in sum."""

    account_manager: str | None = Field(description="Null for the customers without one.")
    customers: int
    mrr: float = Field(description="In the reporting currency.")
    at_risk: int = Field(description="Customers who are not healthy.")
    mrr_at_risk: float = Field(description="Their MRR.")
    share_at_risk: float | None = Field(description="Their share of the MRR, 0 to 1; null without MRR.")
    mean_health: float | None
    mean_health_change_7d: float | None = Field(description="Null where there was none seven days before.")
    churned_mrr_30d: float | None = Field(description="MRR lost in 30 days; null in a home that is younger.")


def account_managers(snapshot: Snapshot) -> list[AccountManager]:
    """Return the account managers, the one with most MRR at risk first."""
    spread = orjson.loads(snapshot.fact("summary"))["by"][DIMENSION]
    week_ago = (date.fromisoformat(snapshot.as_of) - timedelta(days=7)).isoformat()
    before, now, lost = (
        {each.member: each.value for each in snapshot.metric(name, DIMENSION, day, day)}
        for name, day in (("mean_health", week_ago), ("mean_health", snapshot.as_of), (CHURN, snapshot.as_of))
    )
    managers = [
        AccountManager(
            account_manager=row["member"],
            customers=row["customers"],
            mrr=row["mrr"] or 0,
            at_risk=row["at_risk"] or 0,
            mrr_at_risk=row["mrr_at_risk"] or 0,
            share_at_risk=round((row["mrr_at_risk"] or 0) / row["mrr"], 3) if row["mrr"] else None,
            mean_health=row["mean_health"],
            mean_health_change_7d=_change(now.get(row["member"]), before.get(row["member"])),
            churned_mrr_30d=round(lost.get(row["member"], 0), 2) if lost else None,
        )
        for row in spread
    ]
    return sorted(managers, key=lambda each: (-each.mrr_at_risk, each.account_manager or ""))


def _change(now: float | None, before: float | None) -> float | None:
    return round(now - before, 1) if now is not None and before is not None else None
