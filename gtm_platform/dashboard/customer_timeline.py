"""What happened to a customer, the newest first: alerts, writes to HubSpot, turns of health and MRR, and its dates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import orjson
import streamlit as st

from gtm_platform.dashboard.links import run_link
from gtm_platform.dashboard.status import TITLES
from gtm_platform.dashboard.wording import day, money, plain
from gtm_platform.serving.store import Customer, Snapshot
from gtm_platform.serving.wording import counted

MOST_SHOWN, HEIGHT = 60, 420
# Moments of the row of a customer, with what they are.
DATES = {
    "signup_at": (":material/person_add:", "Signed up"),
    "customer_since": (":material/payments:", "Paid for the first time"),
    "cancel_mentioned_at": (":material/sms_failed:", "Spoke of cancelling"),
    "last_call_at": (":material/call:", "Last call"),
    "next_call_at": (":material/event:", "Next call"),
    "last_seen_at": (":material/visibility:", "Seen in the product"),
    "churned_at": (":material/logout:", "Left"),
}
SEVERITIES = {"critical": "red", "warning": "orange", "info": "blue"}


@dataclass(frozen=True)
class Event:
    """Something that happened; `text` is Markdown, escaped already."""

    at: str
    icon: str
    text: str
    detail: str = ""


def show_timeline(snapshot: Snapshot, customer: Customer, row: Mapping[str, Any], currency: str) -> None:
    """Draw it."""
    st.subheader("Timeline", anchor=False)
    events = sorted(events_of(snapshot, customer, row, currency), key=lambda event: event.at, reverse=True)
    if not events:
        st.caption("Nothing is known yet.")
        return
    with st.container(height=HEIGHT if len(events) > 7 else "content", border=False):
        for event in events[:MOST_SHOWN]:
            st.markdown(f"{event.icon} :gray[{day(event.at)}] &nbsp; {event.text}")
            if event.detail:
                st.caption(event.detail)


def events_of(snapshot: Snapshot, customer: Customer, row: Mapping[str, Any], currency: str) -> Iterator[Event]:
    """Yield what the store has of a customer."""
    for name, (icon, text) in DATES.items():
        if row[name]:
            yield Event(row[name], icon, text)
    yield from (_alert(orjson.loads(alert)) for alert in customer.alerts)
    yield from (_write(orjson.loads(write)) for write in snapshot.hubspot_writes(customer.customer_id))
    yield from _turns(orjson.loads(customer.history), currency)


def _alert(alert: Mapping[str, Any]) -> Event:
    colour = SEVERITIES.get(alert["severity"], "gray")
    sent = "" if alert["status"] == "sent" else f" (alert {plain(alert['status'])})"
    text = f":{colour}[**{plain(alert['title'])}**] {plain(alert['why'])}{sent}"
    return Event(alert["at"], ":material/notifications:", text)


def _write(write: Mapping[str, Any]) -> Event:
    changed = [field for field in write["fields"] if field["status"] == "written"]
    rest = len(write["fields"]) - len(changed)
    link = f"[run]({run_link(write['run_id'])})"
    text = (
        f"Wrote {counted(len(changed), 'property', 'properties')} to HubSpot, {link}"
        if changed
        else f"Wrote nothing to HubSpot, {link}"
    )
    lines = [f"{_property(field)}: {_value(field['before'])} → {_value(field['after'])}" for field in changed]
    if rest:
        lines += [f"{_property(field)}: {_not_written(field)}" for field in write["fields"] if field not in changed]
    return Event(write["at"], ":material/upload:", text, "  \n".join(lines))


def _property(field: Mapping[str, Any]) -> str:
    return plain(str(field["property"]).removeprefix("gtm_").replace("_", " "))


def _value(value: str) -> str:
    return plain(value.replace(";", ", ").replace("_", " ")) if value else "empty"


def _not_written(field: Mapping[str, Any]) -> str:
    return plain(f"{field['status']}, {field['reason']}" if field["reason"] else field["status"])


def _turns(history: Mapping[str, Any], currency: str) -> Iterator[Event]:
    """Yield the days on which the status or the MRR was another one than the day before."""
    days = list(zip(history["day"], history["health_status"], history["mrr"], strict=True))
    for (_, status_before, mrr_before), (date, status, mrr) in pairwise(days):
        if status and status_before and status != status_before:
            text = f"Health turned from {TITLES[status_before].lower()} to **{TITLES[status].lower()}**"
            yield Event(f"{date}T23:59:59Z", ":material/monitor_heart:", text)
        if mrr is not None and mrr_before is not None and mrr != mrr_before:
            text = f"MRR went from {plain(money(mrr_before, currency))} to **{plain(money(mrr, currency))}**"
            yield Event(f"{date}T23:59:59Z", ":material/trending_flat:", text)
