"""A customer's payment failed, or the customer fell behind with paying."""

from collections.abc import Iterator

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence, recovered
from gtm_platform.delivery.alerts.customer_day import CustomerDay, Row

KIND = "payment_failed"
PAYS, FAILED, DELINQUENT = 0, 1, 2  # how bad it is


def detect(observed: CustomerDay) -> Iterator[Occurrence]:
    """Yield customers whose payments are worse than at their best since the last alert.

    Another attempt at a card that already failed is no reason for an alert. An invoice that was past due and is paid is
    a recovery; that a failure is older than 30 days is none.
    """
    for row in observed.customers:
        customer, now = row["customer_id"], _level(row)
        last = observed.last_alert(KIND, customer)
        earlier = [int(last.facts["level"])] if last else []
        earlier += [_level(past) for _, past in observed.rows_since_alert(KIND, customer)]
        if earlier and now > min(earlier):
            facts = {"level": now, "failed_payments_30d": int(row["failed_payments_30d"] or 0)}
            yield Occurrence(customer, observed.day, facts)
        elif now < DELINQUENT and _is_overdue(observed, customer):
            yield Occurrence(customer, f"{observed.day}:recovered", {"level": now, "recovered": True})


def _is_overdue(observed: CustomerDay, customer: str) -> bool:
    alert = observed.open_alert(KIND, customer)
    return alert is not None and int(alert.facts["level"]) == DELINQUENT


def _level(row: Row) -> int:
    if row["is_delinquent"]:
        return DELINQUENT
    return FAILED if row["failed_payments_30d"] else PAYS


def _why(facts: Facts) -> str:
    if recovered(facts):
        return "No invoice is past due any more."
    failed = facts["failed_payments_30d"]
    times = f"{failed} payment{'s' if failed != 1 else ''} failed in the last 30 days."
    if facts["level"] == FAILED:
        return times
    return f"An invoice is past due. {times}" if failed else "An invoice is past due."


def _title(facts: Facts) -> str:
    if recovered(facts):
        return "Payment settled"
    return "Payment overdue" if facts["level"] == DELINQUENT else "Payment failed"


ALERT = Alert(
    kind=KIND,
    subject="customer",
    detect=detect,
    title=_title,
    why=_why,
    advice="Ask the customer for another card or to settle the invoice.",
    severity="critical",
    route="customers",
    columns=("is_delinquent", "failed_payments_30d"),
    history=("is_delinquent", "failed_payments_30d"),
)
