"""A customer's health fell by a full drop, or into a worse status and some points beyond its border."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence, recovered
from gtm_platform.delivery.alerts.customer_day import CustomerDay, Row
from gtm_platform.policy import Policy
from gtm_platform.state.slack_journal import Entry

KIND = "health_drop"
STATUSES = ("healthy", "at_risk", "high_risk", "critical")  # from best to worst


@dataclass(frozen=True)
class Level:
    """Where a customer's health stood on a day."""

    score: int
    status: str

    @property
    def rank(self) -> int:
        """How bad the status is; one that is by no score is as good as any."""
        return STATUSES.index(self.status) if self.status in STATUSES else 0


def detect(observed: CustomerDay) -> Iterator[Occurrence]:
    """Yield whose health fell since the best of the days before, and who is back where the fall began.

    The last alert is where the next fall is measured from, so a drop that persists is not sent again.
    """
    for row in observed.customers:
        customer, now = row["customer_id"], _level(row)
        if now is None:
            continue
        earlier = _levels_since_alert(observed, customer)
        if earlier and (before := _fallen_from(now, earlier, observed.rules)):
            yield Occurrence(customer, observed.day, _facts(now, before))
        elif fallen_from := _recovered_to(now, observed.open_alert(KIND, customer), observed.rules):
            yield Occurrence(customer, f"{observed.day}:recovered", _facts(now, fallen_from) | {"recovered": True})


def _facts(now: Level, before: Level) -> dict[str, Any]:
    return {"score": now.score, "status": now.status, "from_score": before.score, "from_status": before.status}


def _recovered_to(now: Level, alert: Entry | None, rules: Policy) -> Level | None:
    """Return the level of the alert where the customer is back, but for the margin, at the one before it."""
    if alert is None:
        return None
    before = Level(alert.facts["from_score"], alert.facts["from_status"])
    is_back = now.rank <= before.rank and now.score >= before.score - rules.alerts.health_drop_margin
    return Level(alert.facts["score"], alert.facts["status"]) if is_back else None


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
    by_score = [level for level in earlier if level.status in STATUSES]
    least_bad = min(by_score, key=lambda level: level.rank, default=None)
    if least_bad is None or now.rank <= least_bad.rank:
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
    return f"Health {'rose' if recovered(facts) else 'fell'} from {before} to {now}."


def _title(facts: Facts) -> str:
    """Who is back where the fall began may be in trouble as before: only who is healthy has recovered."""
    if not recovered(facts):
        return "Health drop"
    return "Health recovered" if facts["status"] == STATUSES[0] else "Health rose again"


ALERT = Alert(
    kind=KIND,
    subject="customer",
    detect=detect,
    title=_title,
    why=_why,
    advice="Look at what changed and talk to the customer.",
    severity="warning",
    route="customers",
    columns=("health_score", "health_status"),
    history=("health_score", "health_status"),
)
