"""A company that used a competitor's product became a customer."""

from collections.abc import Iterator

from gtm_platform.cohorts.transitions import DISPLACEMENT
from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence
from gtm_platform.delivery.alerts.customer_day import CustomerDay
from gtm_platform.ingest.plain_words import plain_words


def detect(observed: CustomerDay) -> Iterator[Occurrence]:
    """Yield companies that came from the cohort of competitors to that of customers."""
    for row in observed.transitions:
        if row["trigger"] == DISPLACEMENT:
            facts = {"competitor": row["competitor_displaced"], "evidence": row["evidence"]}
            yield Occurrence(row["company_id"], f"{row['at']}", facts)


def _why(facts: Facts) -> str:
    signs = ", ".join(map(plain_words, facts["evidence"]))
    left = facts["competitor"] or "a competitor"
    return f"It signed up, and was seen to use {left}." + (f" Signs: {signs}." if signs else "")


ALERT = Alert(
    kind="competitor_displacement",
    subject="company",
    detect=detect,
    title="Competitor displacement",
    why=_why,
    advice="Ask what they leave the competitor for, and help them to migrate.",
    severity="info",
    route="customers",
)
