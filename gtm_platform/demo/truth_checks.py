"""What the demo claims, held against the sandbox: its truth about people, and what it was really sent."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE as CONTACTS
from gtm_platform.demo.cohort_checks import cohorts, cohorts_in_hubspot, main_contacts
from gtm_platform.demo.findings import Finding, days_since_full_refresh
from gtm_platform.demo.hubspot_checks import hubspot_is_as_wanted, made_by_us
from gtm_platform.demo.hubspot_objects import hubspot_properties
from gtm_platform.demo.market_checks import market
from gtm_platform.demo.sandbox_process import Box
from gtm_platform.ingest.feeds import PersonFeed, feed_rows, read
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.sources.feeds import person_feeds

SOURCES = tuple(feed.source for feed in person_feeds())
SYSTEMS = ",".join(SOURCES)  # whose truth the platform can know
Row = Mapping[str, Any]


def against(box: Box, days: Sequence[date]) -> list[Finding]:
    """Check what the days left in the lake, HubSpot and Slack against the sandbox's truth."""
    last = days[-1]
    truth = box.ask("truth", day=last.isoformat(), systems=SYSTEMS)
    return [
        _records(box, last),
        _people(truth, last),
        _figures(days, box),
        market(box, last),
        cohorts(box, days),
        main_contacts(box, days),
        _hubspot(truth, last),
        cohorts_in_hubspot(box, last),
        hubspot_is_as_wanted(last),
        _slack(box),
    ]


def _records(box: Box, day: date) -> Finding:
    """Every live record is known, and of those that are gone none but what went since the last full snapshot."""
    wrong, count = [], 0
    for feed in person_feeds():
        stored = _stored(feed, day)
        count += len(stored)
        ever = {then: _live(box, feed.source, then) for then in days_since_full_refresh(feed.table, day)}
        if missing := ever[day] - stored:
            wrong.append(f"{feed.table}: {len(missing)} records are missing, such as {min(missing)}")
        extra = stored - set().union(*ever.values())
        if feed.source == "hubspot" and extra:
            extra -= made_by_us(sorted(extra))
        if extra:
            wrong.append(f"{feed.table}: {len(extra)} records are too many, such as {min(extra)}")
    return Finding(f"{count:,} records of people, all that there are", wrong)


def _stored(feed: PersonFeed, day: date) -> set[str]:
    """The ids of a source's records of people, read as identity reads them."""
    table = feed_rows(feed, the_lake().read_day(feed.table, day.isoformat()))
    return set(table.select(id=read(table, feed.id)).to_pyarrow()["id"].to_pylist())


def _live(box: Box, system: str, day: date) -> set[str]:
    people = box.ask("truth", day=day.isoformat(), systems=SYSTEMS, fields=f"person,{system}")["people"]
    return {record for person in people for record in person[system]}


def _links(day: date) -> dict[tuple[str, str], str]:
    links = the_lake().partition("identity/links", day.isoformat()).select("source", "record_id", "customer_id")
    return {(row["source"], row["record_id"]): row["customer_id"] for row in links.to_pyarrow().to_pylist()}


def _people(truth: Row, day: date) -> Finding:
    """One customer for each person, whatever the systems call them."""
    links, owner, wrong = _links(day), dict[str, str](), []
    for person in truth["people"]:
        customers = {links.get((system, record)) for system in SOURCES for record in person[system]}
        if len(customers) > 1:
            wrong.append(f"{person['person']} became {len(customers)} customers: {sorted(map(str, customers))}")
        for customer in customers:
            if customer and owner.setdefault(customer, person["person"]) != person["person"]:
                wrong.append(f"{person['person']} and {owner[customer]} became one customer, {customer}")
    return Finding(f"{len(owner):,} people, each of them one customer", wrong)


def _figures(days: Sequence[date], box: Box) -> Finding:
    """Who is a customer, money, support, calls and use of everybody, customers or not, on every day, exactly."""
    wrong, compared = [], 0
    for day in days:
        links = _links(day)
        customers = the_lake().partition("core/unified_customers", day.isoformat()).select("customer_id", *EXACT)
        by_id = {row["customer_id"]: row for row in customers.to_pyarrow().to_pylist()}
        for person in box.ask("truth", day=day.isoformat(), systems=SYSTEMS)["people"]:
            records = [(system, record) for system in SOURCES for record in person[system]]
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


def _same_flag(ours: Any, true: Any) -> bool:
    return bool(ours) == bool(true)


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
    "mail_bounces": _same_flag,
    "seat_deactivated": _same_flag,
    "last_seen_at": _same_instant,
    "logins_7d": _same,
    "logins_30d": _same,
    "onboarding_pct": _same,
    "credits_remaining": _same,
    "credits_used_30d": _same,
    "exports_30d": _same,
    "calls_booked_90d": _same_count,
    "calls_held_90d": _same_count,
    "calls_no_show_90d": _same_count,
    "calls_cancelled_90d": _same_count,
    "call_show_rate": _same_mean,
    "last_call_at": _same_instant,
    "next_call_at": _same_instant,
}


def _hubspot(truth: Row, day: date) -> Finding:
    """HubSpot, asked directly, holds what health says of each customer's contact that is there."""
    live = {contact for person in truth["people"] for contact in person["hubspot"]}
    customers = the_lake().partition("core/unified_customers", day.isoformat())
    current = customers.filter(customers.is_customer, customers.hubspot_contact_id.notnull())
    judged = current.filter(current.health_score.notnull())
    rows = judged.select("hubspot_contact_id", "health_score", "health_status", "churn_risk").to_pyarrow().to_pylist()
    rows = [row for row in rows if row["hubspot_contact_id"] in live]
    properties = hubspot_properties("contacts", [row["hubspot_contact_id"] for row in rows], CONTACTS.names)
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


def _slack(box: Box) -> Finding:
    """Slack got each message once."""
    messages = box.ask("slack/messages")["messages"]
    marks = Counter(message["metadata"]["event_payload"]["fingerprint"] for message in messages)
    wrong = [f"{mark} was said {times} times" for mark, times in marks.items() if times > 1]
    return Finding(f"{len(messages):,} messages in Slack, each said once", wrong)
