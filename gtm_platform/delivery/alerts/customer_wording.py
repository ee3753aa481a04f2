"""How an alert about a customer reads: who, what it is worth, why, what to do, where to look."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from gtm_platform.delivery.alerts.alert import SEVERITIES, Alert, worded
from gtm_platform.delivery.alerts.kinds import routed
from gtm_platform.delivery.alerts.wording import (
    FIELD,
    HEADER,
    Block,
    Message,
    clean,
    counted,
    digest,
    escape,
    header,
    link,
    mrkdwn,
    pages,
    repeat_mark,
    section,
)
from gtm_platform.state.slack_journal import Entry

Row = Mapping[str, Any]

COLUMNS = (  # of the customers, for all that a message names
    "customer_id",
    "name",
    "company_name",
    "mrr",
    "currency",
    "assigned_am",
    "hubspot_contact_id",
    "health_score",
    "health_status",
    "churn_risk",
    "risk_signals",
    "recommended_actions",
)


def compose(
    entries: Sequence[Entry], customers: Mapping[str, Row], digest_above: int, portal: str | None
) -> list[Message]:
    """Return a message per alert, or one digest in a thread of pages above `digest_above` alerts."""
    alerts = routed("customers")
    ordered = sorted(entries, key=lambda entry: SEVERITIES.index(alerts[entry.kind].severity_of(entry.facts)))
    if len(ordered) <= digest_above:
        return [_single(entry, alerts[entry.kind], customers[entry.subject_id], portal) for entry in ordered]
    return [_page(page, alerts, customers, portal, len(ordered), number) for number, page in enumerate(pages(ordered))]


def _single(entry: Entry, alert: Alert[Any], customer: Row, portal: str | None) -> Message:
    title = f"{repeat_mark(entry)}{worded(alert.title, entry.facts)}: {who(customer)}"
    reason = why(entry, alert, customer)
    figures = {"MRR": money(customer), "Account manager": customer["assigned_am"], "Health": _health(customer)}
    fields = [mrkdwn(f"*{name}*\n{escape(str(value or 'unknown'))}", FIELD) for name, value in figures.items()]
    blocks: list[Block] = [
        header(title),
        {"type": "section", "fields": fields},
        section(f"*Why*\n{escape(reason)}"),
        section(f"*What to do*\n{_advice(entry, alert, customer)}"),
    ]
    if url := hubspot_link(customer, portal):
        blocks.append(section(link(url, "Open in HubSpot")))
    return Message((entry,), escape(f"{title}. {reason}"), tuple(blocks))


def _page(
    entries: Sequence[Entry],
    alerts: Mapping[str, Alert[Any]],
    customers: Mapping[str, Row],
    portal: str | None,
    total: int,
    number: int,
) -> Message:
    titles = [worded(alerts[entry.kind].title, entry.facts) for entry in entries]
    lines = [_line(entry, alerts[entry.kind], customers[entry.subject_id], portal) for entry in entries]
    return digest(entries, lines, counted(titles), total, number)


def _line(entry: Entry, alert: Alert[Any], customer: Row, portal: str | None) -> str:
    title, url = worded(alert.title, entry.facts), hubspot_link(customer, portal)
    name = link(url, who(customer)) if url else escape(who(customer))
    worth = escape(f"{money(customer)} MRR, AM {customer['assigned_am'] or 'unknown'}")
    return f"{repeat_mark(entry)}*{escape(title)}*: {name} ({worth}): {escape(why(entry, alert, customer))}"


def why(entry: Entry, alert: Alert[Any], customer: Row) -> str:
    """Return why it is sent, and what else speaks against the customer staying."""
    signals = ", ".join(str(signal).replace("_", " ") for signal in customer["risk_signals"] or [])
    return worded(alert.why, entry.facts) + (f" Signals: {signals}." if signals else "")


def who(customer: Row) -> str:
    """Return the customer's name and company."""
    names = [customer["name"] or f"customer {customer['customer_id']}", customer["company_name"]]
    return clean(", ".join(name for name in names if name))[:HEADER]


def money(customer: Row) -> str:
    """Return the MRR in its currency."""
    if customer["mrr"] is None:
        return "unknown"
    amount = Decimal(customer["mrr"])
    whole = amount == amount.to_integral_value()
    return f"{amount:,.{0 if whole else 2}f} {(customer['currency'] or '').upper()}".strip()


def hubspot_link(customer: Row, portal: str | None) -> str | None:
    """Return the address of the contact's page in HubSpot."""
    contact = customer["hubspot_contact_id"]
    return f"https://app.hubspot.com/contacts/{portal}/record/0-1/{contact}" if portal and contact else None


def _health(customer: Row) -> str:
    if customer["health_score"] is None:
        return "unknown"
    status = customer["health_status"].replace("_", " ")
    return f"{customer['health_score']} ({status}), churn risk {customer['churn_risk']} %"


def _advice(entry: Entry, alert: Alert[Any], customer: Row) -> str:
    actions = customer["recommended_actions"] or [worded(alert.advice, entry.facts)]
    return "\n".join(f"• {escape(str(action))}" for action in actions)
