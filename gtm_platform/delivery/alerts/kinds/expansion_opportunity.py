"""A paying company shows a new sign that it may buy more, of those that the policy wants to be told of."""

from collections.abc import Iterator

from gtm_platform.delivery.alerts.alert import Alert, Facts, Occurrence
from gtm_platform.delivery.alerts.customer_day import CustomerDay

KIND = "expansion_opportunity"
SIGNS = {"near_limit": "It is near its limits", "new_people": "New people came", "hiring": "It hires"}
ADVICE = {
    "near_limit": "Offer the next plan before they run into the limit.",
    "new_people": "Welcome the new people, and ask which team they are.",
    "hiring": "Ask what the new team is to build, and what it will need.",
}


def detect(observed: CustomerDay) -> Iterator[Occurrence]:
    """Yield of each company the new sign with the most at stake, unless it had an alert lately."""
    rules, chosen = observed.rules.alerts, dict[str, Facts]()
    for row in observed.opportunities:
        worth = row["sign"] in rules.expansion_signs and row["at_stake"] >= rules.expansion_least_at_stake
        if worth and row["at_stake"] > chosen.get(row["company_id"], {"at_stake": -1})["at_stake"]:
            chosen[row["company_id"]] = row
    since = observed.day_before(rules.expansion_quiet_days)
    for company, row in sorted(chosen.items()):
        last = observed.last_alerts.get(KIND, {}).get(company)
        if last is None or last.day <= since or last.day == observed.day:
            facts = {name: row[name] for name in ("sign", "evidence", "at_stake", "currency")}
            yield Occurrence(company, observed.day, facts)


def _why(facts: Facts) -> str:
    stake = f"{facts['at_stake']:,.0f} {facts['currency'].upper()} of MRR at stake"
    return f"{SIGNS[facts['sign']]}: {facts['evidence']}. {stake}."


ALERT = Alert(
    kind=KIND,
    subject="company",
    detect=detect,
    title="May buy more",
    why=_why,
    advice=lambda facts: ADVICE[facts["sign"]],
    severity="info",
    route="customers",
)
