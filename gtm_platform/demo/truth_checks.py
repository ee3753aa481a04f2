"""What the demo claims, held against the sandbox: its truth about people, and what it was really sent."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE as CONTACTS
from gtm_platform.demo.sandbox_process import Box
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.settings import settings_of
from gtm_platform.sources.hubspot.settings import HubSpotSettings

RECORDS = {
    "hubspot": "hubspot/contacts",
    "intercom": "intercom/contacts",
    "stripe": "stripe/customers",
    "orb": "orb/customers",
    "chartmogul": "chartmogul/customers",
}
READ = ",".join(RECORDS)  # whose records of people are read
UNCOUNTED = ("orb", "chartmogul")  # of these, those whose money core does not count
SYSTEMS = ",".join(system for system in RECORDS if system not in UNCOUNTED)  # whose truth the figures can be held to
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """A claim about the lake or a destination, with a sentence for each case where it is wrong."""

    claim: str
    wrong: Sequence[str] = ()  # sentences; none: the claim is true


def against(box: Box, days: Sequence[date]) -> list[Finding]:
    """Check what the days left in the lake, HubSpot and Slack against the sandbox's truth."""
    last = days[-1]
    truth = box.ask("truth", day=last.isoformat(), systems=SYSTEMS)
    people = box.ask("truth", day=last.isoformat(), systems=READ)
    return [_records(box, last), _people(people, last), _figures(days, box), _hubspot(truth, last), _slack(box)]


def _records(box: Box, day: date) -> Finding:
    """Every live record is known, and of those that are gone none but what went since the last full snapshot."""
    wrong, count = [], 0
    for system, table in RECORDS.items():
        stored = set(the_lake().read_day(table, day.isoformat()).select("id").to_pyarrow()["id"].to_pylist())
        count += len(stored)
        full = the_lake().last_full(table)
        since = date.fromisoformat(full.partition[:10]) if full else day
        ever = {then: _live(box, system, then) for then in _days(since, day)}
        if missing := ever[day] - stored:
            wrong.append(f"{table}: {len(missing)} records are missing, such as {min(missing)}")
        if extra := stored - set().union(*ever.values()):
            wrong.append(f"{table}: {len(extra)} records are too many, such as {min(extra)}")
    return Finding(f"{count:,} records of people, all that there are", wrong)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _live(box: Box, system: str, day: date) -> set[str]:
    people = box.ask("truth", day=day.isoformat(), systems=READ, fields=f"person,{system}")["people"]
    return {record for person in people for record in person[system]}


def _links(day: date) -> dict[tuple[str, str], str]:
    links = the_lake().partition("identity/links", day.isoformat()).select("source", "record_id", "customer_id")
    return {(row["source"], row["record_id"]): row["customer_id"] for row in links.to_pyarrow().to_pylist()}


def _people(truth: Row, day: date) -> Finding:
    """One customer for each person, whatever the systems call them."""
    links, owner, wrong = _links(day), dict[str, str](), []
    for person in truth["people"]:
        customers = {links.get((system, record)) for system in RECORDS for record in person[system]}
        if len(customers) > 1:
            wrong.append(f"{person['person']} became {len(customers)} customers: {sorted(map(str, customers))}")
        for customer in customers:
            if customer and owner.setdefault(customer, person["person"]) != person["person"]:
                wrong.append(f"{person['person']} and {owner[customer]} became one customer, {customer}")
    return Finding(f"{len(owner):,} people, each of them one customer", wrong)


def _figures(days: Sequence[date], box: Box) -> Finding:
    """Who is a customer, money, support and last seen of everybody, customers or not, on every day, exactly."""
    wrong, compared = [], 0
    for day in days:
        links = _links(day)
        customers = the_lake().partition("core/unified_customers", day.isoformat()).select("customer_id", *EXACT)
        by_id = {row["customer_id"]: row for row in customers.to_pyarrow().to_pylist()}
        for person in box.ask("truth", day=day.isoformat(), systems=SYSTEMS)["people"]:
            records = [(system, record) for system in SYSTEMS.split(",") for record in person[system]]
            if not records:
                continue
            customer = by_id.get(links.get(records[0], ""), {})
            compared += 1
            wrong += [
                f"{day} {person['person']}: {name} is {customer.get(name)}, in truth {person[name]}"
                for name, same in EXACT.items()
                if not same(customer.get(name), person[name])
            ]
    names = ", ".join(EXACT)
    return Finding(f"{names}: {compared:,} times exact, for every person on every day", wrong)


def _same_amount(ours: Any, true: Any) -> bool:
    return Decimal(ours or 0) == Decimal(true or 0)


def _same_instant(ours: datetime | None, true: str | None) -> bool:
    return ours == (datetime.fromisoformat(true) if true else None)


def _same_mean(ours: Any, true: Any) -> bool:
    return ours == true or (ours is not None and true is not None and abs(float(ours) - float(true)) < 1e-9)


def _same_count(ours: Any, true: Any) -> bool:
    return (ours or 0) == (true or 0)


def _same(ours: Any, true: Any) -> bool:
    return bool(ours == true)


EXACT = {
    "customer_status": _same,
    "is_customer": _same,
    "customer_since": _same_instant,
    "churned_at": _same_instant,
    "churn_reason": _same,
    "mrr": _same_amount,
    "ltv": _same_amount,
    "csat_avg_90d": _same_mean,
    "csat_count_90d": _same_count,
    "open_conversations": _same_count,
    "open_critical_tickets": _same_count,
    "last_seen_at": _same_instant,
}


def _hubspot(truth: Row, day: date) -> Finding:
    """HubSpot, asked directly, holds what health says of each customer's contact that is there."""
    live = {contact for person in truth["people"] for contact in person["hubspot"]}
    customers = the_lake().partition("core/unified_customers", day.isoformat())
    current = customers.filter(customers.is_customer, customers.hubspot_contact_id.notnull())
    judged = current.filter(current.health_score.notnull())
    rows = judged.select("hubspot_contact_id", "health_score", "health_status", "churn_risk").to_pyarrow().to_pylist()
    rows = [row for row in rows if row["hubspot_contact_id"] in live]
    contacts = _contacts([row["hubspot_contact_id"] for row in rows])
    properties = {contact["id"]: contact["properties"] for contact in contacts}
    wrong = [
        f"contact {row['hubspot_contact_id']}: HubSpot holds {properties.get(row['hubspot_contact_id'])}"
        for row in rows
        if not _holds(properties.get(row["hubspot_contact_id"], {}), row)
    ]
    return Finding(f"{len(rows):,} HubSpot contacts hold today's health", wrong)


def _holds(properties: Mapping[str, str | None], row: Row) -> bool:
    return (
        properties.get("gtm_health_score") == str(row["health_score"])
        and properties.get("gtm_health_status") == row["health_status"]
        and properties.get("gtm_churn_risk") == str(row["churn_risk"])
    )


def _contacts(ids: Sequence[str]) -> Iterable[Row]:
    config = settings_of(HubSpotSettings)
    token = config.hubspot_access_token
    assert token is not None
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
    with httpx.Client(base_url=config.hubspot_base_url, headers=headers, timeout=60, trust_env=False) as client:
        for start in range(0, len(ids), 100):
            inputs = [{"id": contact} for contact in ids[start : start + 100]]
            body = {"inputs": inputs, "properties": CONTACTS.names}
            answer = client.post("/crm/v3/objects/contacts/batch/read", json=body)
            yield from answer.raise_for_status().json()["results"]


def _slack(box: Box) -> Finding:
    """Slack got each message once."""
    messages = box.ask("slack/messages")["messages"]
    marks = Counter(message["metadata"]["event_payload"]["fingerprint"] for message in messages)
    wrong = [f"{mark} was said {times} times" for mark, times in marks.items() if times > 1]
    return Finding(f"{len(messages):,} messages in Slack, each said once", wrong)
