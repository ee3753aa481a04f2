"""Who gets which alerts now: one by one those that matter most, the others in a digest, none in quiet hours."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gtm_platform.delivery.alerts.alert import SEVERITIES, Alert, recovered
from gtm_platform.delivery.alerts.quiet_hours import is_quiet, local_day
from gtm_platform.policy import Alerts
from gtm_platform.state.slack_journal import Entry

Row = Mapping[str, Any]
DAY = timedelta(days=1)  # what was sent longer ago was not sent today, in whatever time zone


@dataclass(frozen=True)
class Reader:
    """An account manager as a reader of alerts: where, and by which clock."""

    recipient: str  # "" is the usual channel
    zone: str
    name: str  # "" for the customers of nobody


@dataclass
class Portion:
    """What one channel or person gets: alerts one by one, and alerts in a digest."""

    recipient: str
    single: list[Entry] = field(default_factory=list)
    digest: list[Entry] = field(default_factory=list)


def reader_of(customer: Row, rules: Alerts) -> Reader:
    """Return who reads the alerts about a customer."""
    email, name = customer.get("assigned_am_email"), customer["assigned_am"]
    manager = rules.account_manager(email)
    recipient = manager.slack if manager else ""
    return Reader(recipient, (manager and manager.time_zone) or rules.time_zone, str(email or name or ""))


def weight(customer: Row) -> float:
    """Return how much is at stake: churn risk times MRR."""
    return float(customer.get("churn_risk") or 0) * float(customer.get("mrr_reporting") or 0)


def portions(
    entries: Sequence[Entry],
    sent_lately: Sequence[Entry],
    customers: Mapping[str, Row],
    alerts: Mapping[str, Alert[Any]],
    rules: Alerts,
    now: datetime,
) -> list[Portion]:
    """Return what each reader gets now; alerts of whom it is quiet are in no portion.

    Of each account manager's alerts the weightiest are sent one by one, up to the policy's number a day, less those
    that were so sent today. What came up in quiet hours, and what is more, is digested.
    """

    def order(entry: Entry) -> tuple[bool, float, int]:
        severity = alerts[entry.kind].severity_of(entry.facts)
        return recovered(entry.facts), -weight(customers[entry.subject_id]), SEVERITIES.index(severity)

    had = _had_today(sent_lately, customers, rules, now)
    by_recipient: dict[str, Portion] = {}
    for entry in sorted(entries, key=order):
        reader = reader_of(customers[entry.subject_id], rules)
        if is_quiet(now, rules, reader.zone):
            continue
        portion = by_recipient.setdefault(reader.recipient, Portion(reader.recipient))
        if had[reader] >= rules.max_a_day or (entry.at and is_quiet(entry.at, rules, reader.zone)):
            portion.digest.append(entry)
        else:
            had[reader] += 1
            portion.single.append(entry)
    return [_folded(portion, rules) for portion in by_recipient.values()]


def _folded(portion: Portion, rules: Alerts) -> Portion:
    """Return it as a digest only, where a channel would get a storm of messages."""
    if len(portion.single) <= rules.digest_above:
        return portion
    return Portion(portion.recipient, [], [*portion.single, *portion.digest])


def _had_today(sent: Sequence[Entry], customers: Mapping[str, Row], rules: Alerts, now: datetime) -> Counter[Reader]:
    """Count the alerts that each reader was sent one by one on this day."""
    in_message = Counter(entry.text_hash for entry in sent)
    had: Counter[Reader] = Counter()
    for entry in sent:
        customer = customers.get(entry.subject_id)
        if customer is None or entry.sent_at is None or in_message[entry.text_hash] > 1:
            continue
        reader = reader_of(customer, rules)
        had[reader] += local_day(entry.sent_at, reader.zone) == local_day(now, reader.zone)
    return had
