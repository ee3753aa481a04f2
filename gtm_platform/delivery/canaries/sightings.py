"""What deliveries note of canaries: that their alert was due as alerts were sent, that a report was made with them."""

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime

from gtm_platform.delivery.alerts.customer_day import CustomerDay, Row, read_customers, read_past
from gtm_platform.delivery.alerts.kinds import routed
from gtm_platform.delivery.canaries.stages import ALERT, ALERTS, CUSTOMERS, REPORT
from gtm_platform.delivery.canaries.systems import INTERCOM
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.settings import settings
from gtm_platform.state import State, open_state
from gtm_platform.state import canaries as journal
from gtm_platform.state.canaries import REMOVED, SIGN_UP, CanaryAct, Sighting


def sight_alerts(lake: Lake, state: State, day: str, now: datetime) -> list[Sighting]:
    """Note whose alerts are due on a day, by the kinds that are sent to people; none of these is sent."""
    alerts = {kind: each for kind, each in routed("customers").items() if each.subject == "customer"}
    only = lake.reading("only")
    columns = {"customer_id", "intercom_contact_id", *(name for each in alerts.values() for name in each.columns)}
    customers = read_customers(only, day, columns)
    if not customers:
        return []
    history = {"customer_id", *(name for each in alerts.values() for name in each.history)}
    past = read_past(only, day, policy().alerts.health_drop_days, history)
    observed = CustomerDay(day, customers, past, {}, policy())
    due = {(fact.kind, fact.subject_id) for alert in alerts.values() for fact in alert.facts_of(observed, day)}
    contacts: dict[str, Row] = {row["intercom_contact_id"]: row for row in customers}
    seen = []
    for act, contact in _acts(state):
        subject = contacts.get(contact)
        if subject and act.day <= day and (ALERTS.get(act.act), subject["customer_id"]) in due:
            seen.append(Sighting(act.canary, act.act, ALERT, day, now))
    with state.writing() as tx:
        journal.sight(tx, seen)
    return seen


def sight_report(lake: Lake, last_day: str) -> list[Sighting]:
    """Note the canaries that the lake had on the last day of a report that was made of it."""
    config = settings()
    with closing(open_state(config.state_url)) as state:
        acts = [(act, contact) for act, contact in _acts(state) if act.day <= last_day]
        if not acts:
            return []
        rows = lake.reading("only").partition(CUSTOMERS, last_day).select("intercom_contact_id").to_pyarrow()
        contacts = {row["intercom_contact_id"] for row in rows.to_pylist()}
        now = config.now()
        seen = [Sighting(act.canary, act.act, REPORT, last_day, now) for act, contact in acts if contact in contacts]
        with state.writing() as tx:
            journal.sight(tx, seen)
    return seen


def _acts(state: State) -> Iterable[tuple[CanaryAct, str]]:
    """Return what canaries did, each with their contact."""
    with state.reading() as tx:
        acts = journal.every_act(tx)
    contacts = {each.canary: each.objects.get(INTERCOM) for each in acts if each.act == SIGN_UP}
    done = [each for each in acts if each.done_at and each.act != REMOVED]
    return [(each, contact) for each in done if (contact := contacts.get(each.canary))]
