"""What happened to a customer, the newest first: calls, conversations, payments, changes, alerts, writes to HubSpot.

Everything comes from the snapshot, and is bounded there: 90 days, and the newest of each kind.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal

import orjson
from pydantic import BaseModel, Field

from gtm_platform.ingest.plain_words import plain_words
from gtm_platform.serving.store import Customer, Snapshot
from gtm_platform.serving.store.sight import hand_out
from gtm_platform.serving.wording import counted, symbol, words

Kind = Literal["call", "conversation", "payment", "status", "score", "mrr", "rules", "alert", "hubspot", "milestone"]
KINDS: tuple[Kind, ...] = Kind.__args__  # type: ignore[attr-defined]
LEAST_CHANGE = 3  # points of the score from one day to the next that are worth a line
MOST = 500
OPTIONS = re.compile(r"[a-z0-9_]+(;[a-z0-9_]+)*")  # one or several of HubSpot's
MILESTONES = {
    "signup_at": "Signed up",
    "customer_since": "Paid for the first time",
    "cancel_mentioned_at": "Spoke of cancelling",
    "last_seen_at": "Last seen in the product",
    "churned_at": "Left",
}
CALLS = {
    "held": "Call held",
    "booked": "Call booked",
    "no_show": "Call missed by the customer",
    "canceled": "Call called off",
    "rescheduled": "Call moved to another time",
    "recorded": "Call recorded",
}


class Event(BaseModel):
    """Something that happened."""

    at: datetime
    kind: Kind
    title: str
    detail: list[str] = Field(default=[], description="More of it, line by line.")
    text: str | None = Field(
        default=None, description="What outsiders wrote, such as a subject; only with the scope personal:read."
    )
    tone: Literal["good", "bad", ""] = ""
    run_id: str | None = Field(default=None, description="The Dagster run that did it.")


class Timeline(BaseModel):
    """The events of a customer, the newest first."""

    total: int = Field(description="Events of the chosen kinds.")
    by_kind: dict[str, int] = Field(description="How many there are of each kind, whatever was chosen.")
    events: list[Event]


def timeline(
    snapshot: Snapshot, customer: Customer, *, personal: bool, kinds: Collection[str] = (), limit: int = MOST
) -> Timeline:
    """Return the newest events of a customer, of some kinds or of all."""
    everything = sorted(_events(snapshot, customer), key=lambda event: (event.at, event.title), reverse=True)
    by_kind = Counter(event.kind for event in everything)
    chosen = [event for event in everything if not kinds or event.kind in kinds]
    shown = chosen[:limit]
    if personal and snapshot.sight.personal:
        hand_out([customer.customer_id])
    else:
        shown = [_masked(event) for event in shown]
    return Timeline(total=len(chosen), by_kind={kind: by_kind[kind] for kind in KINDS if by_kind[kind]}, events=shown)


def _masked(event: Event) -> Event:
    """Return an event without outsiders' words, nor the values that HubSpot has, which a policy may choose freely."""
    return event.model_copy(update={"text": None, "detail": [] if event.kind == "hubspot" else event.detail})


def _events(snapshot: Snapshot, customer: Customer) -> Iterator[Event]:
    row, summary = customer.row(personal=False), orjson.loads(snapshot.fact("summary"))
    words = {"cancel_mentioned_at": orjson.loads(customer.personal or b"{}").get("cancel_sentence")}  # masked later
    for name, title in MILESTONES.items():
        if row[name]:
            yield Event(at=row[name], kind="milestone", title=title, text=words.get(name))
    for event in orjson.loads(snapshot.events_of(customer.customer_id)):
        yield READ[event["kind"]](event)
    yield from (_alert(orjson.loads(alert)) for alert in customer.alerts)
    yield from (_write(orjson.loads(write)) for write in snapshot.hubspot_writes(customer.customer_id))
    history = orjson.loads(customer.history)
    yield from _changes(history, summary["currency"])
    days = {day for day, score in zip(history["day"], history["health_score"], strict=True) if score is not None}
    for change in orjson.loads(snapshot.fact("rule_changes")):
        if change["day"] in days:
            detail = [f"From {change['before']} to {change['policy_hash']}"]
            yield Event(at=_end_of(change["day"]), kind="rules", title="Scores made by other rules", detail=detail)


def _call(event: Mapping[str, Any]) -> Event:
    title = CALLS.get(event["outcome"], words(event["outcome"]))
    tone: Literal["bad", ""] = "bad" if event["outcome"] == "no_show" else ""
    return Event(at=event["at"], kind="call", title=title, detail=_of(event), text=event["text"], tone=tone)


def _conversation(event: Mapping[str, Any]) -> Event:
    rating = event["rating"]
    title = f"Conversation, {event['outcome'] or 'state unknown'}{f', rated {rating} of 5' if rating else ''}"
    tone: Literal["good", "bad", ""] = "" if rating is None else "bad" if rating <= 2 else "good"
    return Event(at=event["at"], kind="conversation", title=title, detail=_of(event), text=event["text"], tone=tone)


def _payment(event: Mapping[str, Any]) -> Event:
    amount, outcome = abs(event["amount"] or 0), event["outcome"]
    money = f" {_money(amount, event['currency'])}" if amount else ""
    titles = {"paid": f"Paid{money}", "failed": f"Payment{money} failed", "refunded": f"Refunded{money}"}
    tone: Literal["bad", ""] = "" if outcome == "paid" else "bad"
    title = titles.get(outcome, f"Payment{money}")
    return Event(at=event["at"], kind="payment", title=title, detail=_of(event), tone=tone)


READ: dict[str, Callable[[Mapping[str, Any]], Event]] = {
    "call": _call,
    "conversation": _conversation,
    "payment": _payment,
}


def _of(event: Mapping[str, Any]) -> list[str]:
    return [f"In {words(event['source'])}"]


def _alert(alert: Mapping[str, Any]) -> Event:
    detail = [part for part in (alert["why"], alert["advice"]) if part]
    if alert["status"] != "sent":
        detail.append(f"Status of the alert: {alert['status']}")
    tone: Literal["bad", ""] = "bad" if alert["severity"] == "critical" else ""
    return Event(at=alert["at"], kind="alert", title=f"Alert: {alert['title']}", detail=detail, tone=tone)


def _write(write: Mapping[str, Any]) -> Event:
    changed = [field for field in write["fields"] if field["status"] == "written"]
    unwritten = [field for field in write["fields"] if field["status"] != "written"]
    what = counted(len(changed), "property", "properties") if changed else "nothing"
    lines = [f"{_property(field)}: {_value(field['before'])} → {_value(field['after'])}" for field in changed]
    lines += [
        f"{_property(field)}: {', '.join(filter(None, (field['status'], field['reason'])))}" for field in unwritten
    ]
    title = f"Wrote {what} to HubSpot"
    return Event(at=write["at"], kind="hubspot", title=title, detail=lines, run_id=write["run_id"])


def _property(field: Mapping[str, Any]) -> str:
    return plain_words(str(field["property"]).removeprefix("gtm_"))


def _not_written(field: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, (field["status"], field["reason"])))


def _value(value: str) -> str:
    if OPTIONS.fullmatch(value):
        return ", ".join(map(plain_words, value.split(";")))
    return value.replace(";", ", ").replace("_", " ") if value else "empty"


def _changes(history: Mapping[str, list[Any]], currency: str) -> Iterator[Event]:
    """Yield what was another from one day to the next: subscription, health, score, MRR."""
    days = [dict(zip(history, values, strict=True)) for values in zip(*history.values(), strict=True)]
    for before, now in pairwise(days):
        at = _end_of(now["day"])
        if _differ(before, now, "customer_status"):
            title = f"Subscription {words(before['customer_status']).lower()} → {words(now['customer_status']).lower()}"
            yield Event(at=at, kind="status", title=title)
        if _differ(before, now, "health_score"):
            moved = now["health_score"] - before["health_score"]
            turned = _differ(before, now, "health_status")
            if turned or abs(moved) >= LEAST_CHANGE:
                title = f"Score {before['health_score']} → {now['health_score']} ({moved:+d})"
                names = [words(day["health_status"]).lower() for day in (before, now)]
                tone: Literal["good", "bad"] = "good" if moved > 0 else "bad"
                detail = [f"Health turned from {names[0]} to {names[1]}"] if turned else []
                yield Event(at=at, kind="score", title=title, detail=detail, tone=tone)
        if _differ(before, now, "mrr"):
            tone = "good" if now["mrr"] > before["mrr"] else "bad"
            title = f"MRR {_money(before['mrr'], currency)} → {_money(now['mrr'], currency)}"
            yield Event(at=at, kind="mrr", title=title, tone=tone)


def _differ(before: Mapping[str, Any], now: Mapping[str, Any], name: str) -> bool:
    return before[name] is not None and now[name] is not None and before[name] != now[name]


def _money(amount: float, currency: str | None) -> str:
    return f"{symbol(currency or '').lstrip()}{amount:,.2f}"


def _end_of(day: str) -> datetime:
    """Return the last second of a day: what a day's tables say is so at its end."""
    return datetime.fromisoformat(f"{day}T23:59:59Z")
