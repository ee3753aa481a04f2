"""How many alerts about customers some days would have raised by some rules, each counted once; nothing is sent."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from gtm_platform.delivery.alerts.customer_day import CustomerDay, read_customers, read_past
from gtm_platform.delivery.alerts.kinds import routed
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy
from gtm_platform.state.slack_journal import Entry, Fact


def count_alerts(lake: Lake, days: Sequence[str], rules: Policy) -> Counter[str]:
    """Count the alerts of some days, by kind."""
    return Counter(fact.kind for fact in raised_alerts(lake, days, rules))


def raised_alerts(lake: Lake, days: Sequence[str], rules: Policy) -> Sequence[Fact]:
    """Return the alerts of some days as if nothing had been sent before the first of them."""
    alerts = routed("customers")
    columns = {"customer_id", *(name for alert in alerts.values() for name in alert.columns)}
    history = {"customer_id", *(name for alert in alerts.values() for name in alert.history)}
    sent: dict[str, Fact] = {}
    newest: dict[str, dict[str, Entry]] = {kind: {} for kind in alerts}
    for day in days:
        past = read_past(lake, day, rules.alerts.health_drop_days, history)
        observed = CustomerDay(day, read_customers(lake, day, columns), past, newest, rules)
        due = [fact for alert in alerts.values() for fact in alert.facts_of(observed, day)]
        for fact in due:
            if fact.fingerprint not in sent:
                sent[fact.fingerprint] = fact
                newest[fact.kind][fact.subject_id] = Entry(**asdict(fact), id=len(sent), status="sent")
    return list(sent.values())
