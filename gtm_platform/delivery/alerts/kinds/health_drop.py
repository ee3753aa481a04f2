"""A customer's health fell by a full drop, or into a worse status and some points beyond its border."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence
from gtm_platform.delivery.alerts.customer_day import CustomerDay, Row
from gtm_platform.policy import Policy

KIND = "health_drop"
STATUSES = ("healthy", "at_risk", "high_risk", "critical")  # from best to worst


@dataclass(frozen=True)
class Level:
    """Where a customer's health stood on a day."""

    score: int
    status: str

    @property
    def rank(self) -> int:
        return STATUSES.index(self.status)


def detect(observed: CustomerDay) -> Iterator[Occurrence]:
    """Yield whose health fell since the best of the days before.

    The last alert is where the next fall is measured from, so a drop that persists is not sent again.
    """
    for row in observed.customers:
        customer, now = row["customer_id"], _level(row)
        earlier = _levels_since_alert(observed, customer)
        if now and earlier and (before := _fallen_from(now, earlier, observed.rules)):
            facts = {"score": now.score, "status": now.status, "from_score": before.score, "from_status": before.status}
            yield Occurrence(customer, observed.day, facts)


def _levels_since_alert(observed: CustomerDay, customer: str) -> list[Level]:
    """Return the levels from the last alert on, that of the alert included."""
    last = observed.last_alert(KIND, customer)
    alerted = [Level(last.facts["score"], last.facts["status"])] if last else []
    levels = [_level(row) for _, row in observed.rows_since_alert(KIND, customer)]
    return [*alerted, *(level for level in levels if level)]


def _fallen_from(now: Level, earlier: Sequence[Level], rules: Policy) -> Level | None:
    best = max(earlier, key=lambda level: level.score)
    if best.score - now.score >= rules.alerts.health_drop_points:
        return best
    least_bad = min(earlier, key=lambda level: level.rank)
    if now.rank <= least_bad.rank:
        return None
    # The border of a status is its lowest score. Who hovers about it is no news.
    border = int(getattr(rules.health.status, least_bad.status))
    return least_bad if border - now.score >= rules.alerts.health_drop_margin else None


def _level(row: Row) -> Level | None:
    score: Any = row["health_score"]
    return None if score is None else Level(int(score), row["health_status"])


def _why(facts: Facts) -> str:
    before, now = (
        f"{facts[score]} ({facts[status].replace('_', ' ')})"
        for score, status in (("from_score", "from_status"), ("score", "status"))
    )
    return f"Health fell from {before} to {now}."


ALERT = Alert(
    kind=KIND,
    subject="customer",
    detect=detect,
    title="Health drop",
    why=_why,
    advice="Look at what changed and talk to the customer.",
    severity="warning",
    route="customers",
    columns=("health_score", "health_status"),
    history=("health_score", "health_status"),
)
