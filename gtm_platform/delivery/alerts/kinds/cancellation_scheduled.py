"""A customer's subscription was set to end; until then the customer still pays."""

from collections.abc import Iterator
from datetime import datetime

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence, recovered
from gtm_platform.delivery.alerts.customer_day import CustomerDay

KIND, LEAVING = "cancellation_scheduled", "leaving"
ADVICE = "Talk to the customer before the subscription ends: it can be renewed until then."


def detect(observed: CustomerDay) -> Iterator[Occurrence]:
    """Yield who is leaving now and was not on a day since its last alert, and who took it back."""
    for row in observed.customers:
        customer, status = row["customer_id"], row["customer_status"]
        if status == LEAVING and _was_staying(observed, customer):
            ends_at: datetime | None = row["current_period_end"]
            yield Occurrence(customer, observed.day, {"ends_on": f"{ends_at:%Y-%m-%d}" if ends_at else None})
        elif status not in (LEAVING, None) and observed.open_alert(KIND, customer):
            yield Occurrence(customer, f"{observed.day}:recovered", {"recovered": True})


def _was_staying(observed: CustomerDay, customer: str) -> bool:
    last = observed.last_alert(KIND, customer)
    earlier = [row["customer_status"] for _, row in observed.rows_since_alert(KIND, customer)]
    return bool(last and recovered(last.facts)) or any(status not in (LEAVING, None) for status in earlier)


def _why(facts: Facts) -> str:
    if recovered(facts):
        return "The subscription is no longer set to end."
    when = f" on {facts['ends_on']}" if facts["ends_on"] else ""
    return f"The subscription is set to end{when} and will not be renewed."


ALERT = Alert(
    kind=KIND,
    subject="customer",
    detect=detect,
    title=lambda facts: "Cancellation taken back" if recovered(facts) else "Cancellation scheduled",
    why=_why,
    advice=ADVICE,
    severity="critical",
    route="customers",
    columns=("customer_status", "current_period_end"),
    history=("customer_status",),
)
