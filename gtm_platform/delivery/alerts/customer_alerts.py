"""The alerts about customers and companies of a day: what is due, and sending it."""

from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime

from gtm_platform.delivery.alerts.alert import Route
from gtm_platform.delivery.alerts.audience import Audience, audience_of
from gtm_platform.delivery.alerts.company_day import read_companies, read_opportunities, read_transitions
from gtm_platform.delivery.alerts.customer_day import CustomerDay, Row, read_customers, read_past
from gtm_platform.delivery.alerts.customer_wording import COLUMNS, Wording
from gtm_platform.delivery.alerts.kinds import routed
from gtm_platform.delivery.alerts.portions import DAY, portions, reader_of
from gtm_platform.delivery.alerts.quiet_hours import is_quiet
from gtm_platform.delivery.alerts.sender import AlertSender, Compose, SendReport, age_reason
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import SlackChannel
from gtm_platform.delivery.alerts.wording import Message
from gtm_platform.delivery.hotpath.fresher import newer_than_tables
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.intelligence.effect.shown_lake import IsWithheld, nothing_withheld, withheld_alerts
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.settings import settings, settings_of
from gtm_platform.state import State, open_state
from gtm_platform.state import slack_journal as journal
from gtm_platform.state.slack_journal import Entry, Fact

ROUTE: Route = "customers"


@dataclass(frozen=True)
class DueAlerts:
    """What is due on a day, and the customers and companies whom the messages name."""

    day: str
    facts: Sequence[Fact]
    subjects: dict[str, Row]
    is_withheld: IsWithheld = nothing_withheld

    def drop_reason(self, entry: Entry) -> str | None:
        """Say why an alert that waits has become pointless, or nothing."""
        if self.is_withheld(entry.kind, entry.subject_id):
            return f"The {entry.kind} of {entry.day} is not due any more."
        if entry.subject_id not in self.subjects:
            what = "current customer" if entry.subject_kind == "customer" else entry.subject_kind
            return f"{entry.subject_id} is no {what}; the {entry.kind} of {entry.day} was not sent."
        subject = self.subjects[entry.subject_id]
        if not audience_of_recipient(reader_of(subject, policy().alerts).recipient).sees(subject):
            return f"Whoever reads the channel may not see {entry.subject_id}; the {entry.kind} was not sent."
        return age_reason(entry, self.day)


def send(lake: Lake, day: str) -> SendReport:
    """Send what is due on the day, and what still waits."""
    config = settings()
    with closing(open_state(config.state_url)) as state:
        due = _due(lake, state, day)
        sender = AlertSender(SlackChannel.of(settings_of(SlackSettings)), state, tuple(routed(ROUTE)), config.now)

        return sender.send(due.facts, composer(state, due.subjects, config.now()), due.drop_reason)


def composer(state: State, subjects: dict[str, Row], now: datetime) -> Compose:
    """Return what makes messages of alerts that wait: who gets which, and how they read."""
    rules, kinds = policy(), routed(ROUTE)
    portal = settings_of(HubSpotDeliverySettings).hubspot_portal_id
    wording = Wording(
        subjects, rules.money.reporting_currency, portal, settings().gtm_dashboard_url, audience_of_recipient
    )

    def composed(entries: Sequence[Entry]) -> list[Message]:
        with state.reading() as tx:
            lately = journal.sent_since(tx, tuple(kinds), now - DAY)
        shares = portions(entries, lately, subjects, kinds, rules.alerts, now)
        return [message for share in shares for message in wording.messages(share)]

    return composed


def audience_of_recipient(recipient: str) -> Audience:
    """Return who reads what a recipient gets; "" is the usual channel."""
    return audience_of(recipient or settings_of(SlackSettings).slack_alert_channel, policy().access)


def ready_to_send(lake: Lake, day: str) -> list[Entry]:
    """Return what waits and could be sent now: nothing that is to wait for the end of quiet hours."""
    rules, now = policy().alerts, settings().now()
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        waiting = journal.waiting(tx, tuple(routed(ROUTE)))
    if not waiting:
        return []
    rows = read_customers(lake, day, ("customer_id", "assigned_am", "assigned_am_email"))
    zones = {row["customer_id"]: reader_of(row, rules).zone for row in rows}
    return [entry for entry in waiting if not is_quiet(now, rules, zones.get(entry.subject_id, rules.time_zone))]


def preview(lake: Lake, day: str) -> list[Fact]:
    """Return what would be sent on the day, and journal nothing."""
    with closing(open_state(settings().state_url)) as state:
        due = _due(lake, state, day)
        with state.reading() as tx:
            waiting = [entry for entry in journal.waiting(tx, tuple(routed(ROUTE))) if not due.drop_reason(entry)]
            return [*waiting, *journal.new_facts(tx, due.facts)]


@dataclass(frozen=True)
class Preview:
    """What would be said on a day.

    `waiting` counts the alerts that would wait for the end of quiet hours.
    """

    messages: Sequence[Message]
    waiting: int


def preview_messages(lake: Lake, day: str, kinds: Collection[str] = ()) -> Preview:
    """Return the messages that would be posted on the day, of some kinds or of all.

    Nothing is journaled or sent.
    """
    now = settings().now()
    with closing(open_state(settings().state_url)) as state:
        due = _due(lake, state, day)
        with state.reading() as tx:
            waiting = [entry for entry in journal.waiting(tx, tuple(routed(ROUTE))) if not due.drop_reason(entry)]
            new = journal.new_facts(tx, due.facts)
        intended = [Entry(**asdict(fact), id=-number, status="intent", at=now) for number, fact in enumerate(new, 1)]
        entries = [entry for entry in (*waiting, *intended) if not kinds or entry.kind in kinds]
        messages = composer(state, due.subjects, now)(entries)
    return Preview(messages, len(entries) - sum(len(message.entries) for message in messages))


def due_of_some(
    lake: Lake, earlier: Lake, state: State, day: str, ids: frozenset[str], stale: frozenset[str]
) -> list[Fact]:
    """Return what is due of some current customers by their own rows.

    `lake` has the day, `earlier` the days before. Alerts that are decided by a stale column wait; those about companies
    are `due_of_transitions`.
    """
    alerts = {
        kind: alert
        for kind, alert in routed(ROUTE).items()
        if alert.subject == "customer" and stale.isdisjoint(alert.columns)
    }
    columns = {"customer_id", *(name for alert in alerts.values() for name in alert.columns)}
    history = {"customer_id", *(name for alert in alerts.values() for name in alert.history)}
    customers = [row for row in read_customers(lake, day, columns) if row["customer_id"] in ids]
    past = read_past(earlier, day, policy().alerts.health_drop_days, history, ids)
    with state.reading() as tx:
        last_alerts = {kind: journal.newest(tx, kind) for kind in alerts}
    observed = CustomerDay(day, customers, past, last_alerts, policy())
    is_withheld = withheld_alerts(earlier, day)
    detected = [fact for alert in alerts.values() for fact in alert.facts_of(observed, day)]
    return [fact for fact in detected if not is_withheld(fact.kind, fact.subject_id)]


def due_of_transitions(lake: Lake, earlier: Lake, day: str, ids: frozenset[str]) -> list[Fact]:
    """Return what is due of some companies whose cohort changed on the day, as `lake` has it."""
    changed = [row for row in read_transitions(lake, day, day) if row["company_id"] in ids]
    observed = CustomerDay(day, (), {}, {}, policy(), changed)
    is_withheld = withheld_alerts(earlier, day)
    alerts = [alert for alert in routed(ROUTE).values() if alert.subject == "company"]
    detected = [fact for alert in alerts for fact in alert.facts_of(observed, day)]
    return [fact for fact in detected if not is_withheld(fact.kind, fact.subject_id)]


def _due(lake: Lake, state: State, day: str) -> DueAlerts:
    alerts, rules = routed(ROUTE), policy()
    columns = {*COLUMNS, *(name for alert in alerts.values() for name in alert.columns)}
    history = {"customer_id", *(name for alert in alerts.values() for name in alert.history)}
    customers = read_customers(lake, day, columns)
    past = read_past(lake, day, rules.alerts.health_drop_days, history)
    with state.reading() as tx:
        last_alerts = {kind: journal.newest(tx, kind) for kind in alerts}
    newer = newer_than_tables(lake, day, state)  # of whom the hot path knows more it has said so
    transitions = [row for row in read_transitions(lake, day) if str(row["at"]) < day or row["company_id"] not in newer]
    companies_changed = transitions, read_opportunities(lake, day, rules)
    decided = [row for row in customers if row["customer_id"] not in newer]
    observed = CustomerDay(day, decided, past, last_alerts, rules, *companies_changed)
    is_withheld = withheld_alerts(lake, day)
    detected = [fact for alert in alerts.values() for fact in alert.facts_of(observed, day)]
    facts = [fact for fact in detected if not is_withheld(fact.kind, fact.subject_id)]
    companies = read_companies(lake, day, _company_ids(state, facts), rules)
    return DueAlerts(day, facts, {row["customer_id"]: row for row in customers} | companies, is_withheld)


def _company_ids(state: State, facts: Sequence[Fact]) -> set[str]:
    """Return the companies of what is due, what waits and what was sent today."""
    kinds = tuple(routed(ROUTE))
    with state.reading() as tx:
        journaled = [*journal.waiting(tx, kinds), *journal.sent_since(tx, kinds, settings().now() - DAY)]
    return {fact.subject_id for fact in (*facts, *journaled) if fact.subject_kind == "company"}
