"""A customer's subscription was set to end; until then the customer still pays."""

from collections.abc import Iterator
from datetime import datetime

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence
from gtm_platform.delivery.alerts.customer_day import CustomerDay

KIND, LEAVING = "cancellation_scheduled", "leaving"


def detect(observed: CustomerDay) -> Iterator[Occurrence]:
    """Yield who is leaving now and was not on a day since its last alert."""
    for row in observed.customers:
        customer = row["customer_id"]
        if row["customer_status"] == LEAVING and any(
            earlier["customer_status"] not in (LEAVING, None)
            for _, earlier in observed.rows_since_alert(KIND, customer)
        ):
            ends_at: datetime | None = row["current_period_end"]
            yield Occurrence(customer, observed.day, {"ends_on": f"{ends_at:%Y-%m-%d}" if ends_at else None})


def _why(facts: Facts) -> str:
    when = f" on {facts['ends_on']}" if facts["ends_on"] else ""
    return f"The subscription is set to end{when} and will not be renewed."


ALERT = Alert(
    kind=KIND,
    subject="customer",
    detect=detect,
    title="Cancellation scheduled",
    why=_why,
    advice="Talk to the customer before the subscription ends: it can be renewed until then.",
    severity="critical",
    route="customers",
    columns=("customer_status", "current_period_end"),
    history=("customer_status",),
)
