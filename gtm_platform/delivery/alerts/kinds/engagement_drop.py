"""A customer logs in much less than in the four weeks before, or not at all, or again as much."""

from collections.abc import Iterator

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence, recovered
from gtm_platform.delivery.alerts.customer_day import CustomerDay, Row
from gtm_platform.policy import Alerts

KIND = "engagement_drop"
WEEKS = 4  # that the last 7 days are compared with
AS_BEFORE, BETWEEN, FALLEN, STOPPED = 0, 1, 2, 3  # how bad it is
ADVICE = "Ask what changed: who used the product, and what for. Offer a session on what they have not tried."


def detect(observed: CustomerDay) -> Iterator[Occurrence]:
    """Yield whose use fell since the last alert of it, or since the days before, and whose use is back.

    Use that stays low becomes usual after four weeks: that is neither news nor a recovery.
    """
    rules = observed.rules.alerts
    for row in observed.customers:
        customer, now = row["customer_id"], _level(row, rules)
        if now is None:
            continue
        last = observed.open_alert(KIND, customer)
        if now >= FALLEN and now > _best_since(observed, customer):
            yield Occurrence(customer, observed.day, _facts(row, now))
        elif now == AS_BEFORE and last and row["logins_7d"] >= rules.engagement_recovered_share * _weekly(last.facts):
            yield Occurrence(customer, f"{observed.day}:recovered", _facts(row, now) | {"recovered": True})


def _best_since(observed: CustomerDay, customer: str) -> int:
    """Return the best level since the last alert; of a customer without earlier days the worst, so that none is news.

    While an alert is open, use that is a little better is no recovery, and falling back from it is no news.
    """
    last, is_open = observed.last_alert(KIND, customer), observed.open_alert(KIND, customer) is not None
    levels = [int(last.facts["level"])] if last else []
    for _, row in observed.rows_since_alert(KIND, customer):
        level = _level(row, observed.rules.alerts)
        if level is not None:
            levels.append(FALLEN if is_open and level == BETWEEN else level)
    return min(levels, default=STOPPED)


def _weekly(facts: Facts) -> float:
    return float(facts["weekly_before"])


def _level(row: Row, rules: Alerts) -> int | None:
    """Return how bad it is; None for whom nothing counts logins, or who logged in too seldom before to say."""
    logins, before = row["logins_7d"], row["logins_28d_before"]
    if logins is None or before is None or before < rules.engagement_drop_min_logins:
        return None
    if logins == 0:
        return STOPPED
    share = logins / (before / WEEKS)
    if share <= rules.engagement_drop_share:
        return FALLEN
    return AS_BEFORE if share >= rules.engagement_recovered_share else BETWEEN


def _facts(row: Row, level: int) -> dict[str, float | int]:
    return {"level": level, "logins_7d": int(row["logins_7d"]), "weekly_before": row["logins_28d_before"] / WEEKS}


def _why(facts: Facts) -> str:
    before = f"{facts['weekly_before']:g} a week in the four weeks before"
    if facts["logins_7d"] == 0:
        return f"No login in 7 days, after {before}."
    return f"{facts['logins_7d']} login{'s' if facts['logins_7d'] != 1 else ''} in 7 days; {before}."


def _title(facts: Facts) -> str:
    if recovered(facts):
        return "Engagement recovered"
    return "Engagement stopped" if facts["level"] == STOPPED else "Engagement drop"


ALERT = Alert(
    kind=KIND,
    subject="customer",
    detect=detect,
    title=_title,
    why=_why,
    advice=ADVICE,
    severity="warning",
    route="customers",
    columns=("logins_7d", "logins_28d_before"),
    history=("logins_7d", "logins_28d_before"),
)
