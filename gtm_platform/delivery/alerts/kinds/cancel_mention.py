"""A customer wrote of cancelling."""

from collections.abc import Iterator
from datetime import datetime

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence
from gtm_platform.delivery.alerts.customer_day import CustomerDay, Row


def detect(observed: CustomerDay) -> Iterator[Occurrence]:
    """Yield customers whose latest mention of cancelling is within the policy's days, once per message."""
    oldest = observed.day_before(observed.rules.support.cancel_days)
    for row in observed.customers:
        at: datetime | None = row["cancel_mentioned_at"]
        if at and str(at.date()) > oldest:
            facts = {"mentioned_at": _moment(at)}
            yield Occurrence(row["customer_id"], f"{at:%Y-%m-%dT%H:%M:%SZ}", facts)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _quote(facts: Facts, customer: Row) -> str | None:
    """Return the sentence, unless the customer has written of it again since."""
    at: datetime | None = customer["cancel_mentioned_at"]
    return customer["cancel_sentence"] if at and _moment(at) == facts["mentioned_at"] else None


ALERT = Alert(
    kind="cancel_mention",
    subject="customer",
    detect=detect,
    title="Cancel mention",
    why=lambda facts: f"Wrote of cancelling on {facts['mentioned_at']}.",
    advice="Call the customer today and ask what went wrong.",
    severity="critical",
    route="customers",
    columns=("cancel_mentioned_at", "cancel_sentence"),
    quote=_quote,
)
