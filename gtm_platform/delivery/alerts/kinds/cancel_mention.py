"""A customer wrote of cancelling."""

from collections.abc import Iterator
from datetime import datetime

from gtm_platform.delivery.alerts.alert import Alert, Occurrence
from gtm_platform.delivery.alerts.customer_day import CustomerDay


def detect(observed: CustomerDay) -> Iterator[Occurrence]:
    """Yield customers whose latest mention of cancelling is within the policy's days, once per message."""
    oldest = observed.day_before(observed.rules.support.cancel_days)
    for row in observed.customers:
        at: datetime | None = row["cancel_mentioned_at"]
        if at and str(at.date()) > oldest:
            facts = {"mentioned_at": f"{at:%Y-%m-%d %H:%M} UTC"}
            yield Occurrence(row["customer_id"], f"{at:%Y-%m-%dT%H:%M:%SZ}", facts)


ALERT = Alert(
    kind="cancel_mention",
    subject="customer",
    detect=detect,
    title="Cancel mention",
    why=lambda facts: f"Wrote of cancelling on {facts['mentioned_at']}.",
    advice="Call the customer today and ask what went wrong.",
    severity="critical",
    route="customers",
    columns=("cancel_mentioned_at",),
)
