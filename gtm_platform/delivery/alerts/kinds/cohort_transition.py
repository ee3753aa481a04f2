"""A company moved to another cohort, or a customer's company fell dormant or came back."""

from collections.abc import Iterator

from gtm_platform.cohorts.transitions import (
    BECAME_PARTNER,
    CAME_BACK,
    CAME_INTO_MARKET,
    DISPLACEMENT,
    FELL_DORMANT,
    IN_MARKET_CONVERTED,
    SIGNED_UP,
)
from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence
from gtm_platform.delivery.alerts.customer_day import CustomerDay
from gtm_platform.ingest.plain_words import plain_words

ADVICE = {
    IN_MARKET_CONVERTED: "Welcome them, and see that their first project works.",
    CAME_INTO_MARKET: "Reach out while they look: lead with what they show interest in.",
    BECAME_PARTNER: "Introduce the partner team, and look for customers in common.",
    SIGNED_UP: "Welcome them, and see that their first project works.",
    FELL_DORMANT: "Ask why nobody uses the product any more.",
    CAME_BACK: "Ask what brought them back, and offer help.",
}
NAMES = {
    "cohort_1_current_customer": "current customers",
    "cohort_2_in_market": "in-market companies",
    "cohort_3_competitor": "companies with a competitor",
    "cohort_4_si_partner": "partners",
    None: "no cohort",
}


def detect(observed: CustomerDay) -> Iterator[Occurrence]:
    """Yield the changes of companies that the policy names, but for displacements.

    A company that nothing was known of is no news in itself, as a new source brings many; a new partner is.
    """
    for row in observed.transitions:
        trigger, is_new = row["trigger"], row["from_cohort"] is None
        if trigger == DISPLACEMENT or trigger not in observed.rules.alerts.cohort_changes:
            continue
        if not is_new or trigger == BECAME_PARTNER:
            names = ("trigger", "from_cohort", "to_cohort", "competitor_displaced", "evidence")
            yield Occurrence(row["company_id"], f"{row['at']}", {name: row[name] for name in names})


def why(facts: Facts) -> str:
    """Return from where to where it moved, and the signs of it."""
    before, now = NAMES[facts["from_cohort"]], NAMES[facts["to_cohort"]]
    if facts["trigger"] == FELL_DORMANT:
        moved = "None of its people used the product for more than 30 days."
    elif facts["trigger"] == CAME_BACK:
        moved = "Its people use the product again."
    else:
        moved = f"From {before} to {now}."
    left = f" It leaves {facts['competitor_displaced']}." if facts["competitor_displaced"] else ""
    signs = ", ".join(map(plain_words, facts["evidence"]))
    return f"{moved}{left}" + (f" Signs: {signs}." if signs else "")


ALERT = Alert(
    kind="cohort_transition",
    subject="company",
    detect=detect,
    title=lambda facts: str(facts["trigger"]),
    why=why,
    advice=lambda facts: ADVICE.get(facts["trigger"], "Look at what changed."),
    severity=lambda facts: "warning" if facts["trigger"] == FELL_DORMANT else "info",
    route="customers",
)
