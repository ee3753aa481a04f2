"""`quality/customer_quality`: how complete, how fresh, how surely matched and how valid a customer's data are."""

from collections.abc import Mapping
from datetime import date

import ibis

from gtm_platform.lake.contracts import Column, Contract, contract_of
from gtm_platform.lake.daily_table import DailyTable, SyncTimes
from gtm_platform.lake.expressions.days import end_of
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import number
from gtm_platform.lake.expressions.rounding import points
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

SOURCES = (
    "hubspot",
    "intercom",
    "stripe",
    "chartmogul",
    "calendly",
    "userflow",
    "fathom",
    "listkit_admin",
    "posthog",
    "orb",
    "chroma_admin",
)
QUALITY = {
    "match_confidence": Column("float64", "Of the customer's least certain link, 0 to 1."),
    "completeness_score": Column("float64", "Share of the fields that are filled, in percent."),
    "data_quality_score": Column("int64", "0 to 100."),
    **{
        f"last_{source}_sync": Column(
            "timestamp('UTC', 6)", f"Until when {source} was read; null if it does not know the customer."
        )
        for source in SOURCES
    },
}


def _is_share(value: ibis.Value) -> ibis.ir.BooleanValue:
    return value.between(0, 1)


CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        **QUALITY,
        "freshness": Column("float64", "Share of its sources that were read in time.", rule=_is_share),
        "validity": Column("float64", "Share of its records whose newest version is valid.", rule=_is_share),
    },
    key=("customer_id",),
    about="Completeness, freshness, certainty and validity of what is known about each customer.",
    figures={
        "mean_quality": lambda t: t["data_quality_score"].mean(),
        "mean_completeness": lambda t: t["completeness_score"].mean(),
    },
)

PERSONS = {"hubspot": "hubspot/contacts", "intercom": "intercom/contacts", "stripe": "stripe/customers"}
IDS = {"hubspot": "hubspot_contact_id", "intercom": "intercom_contact_id", "stripe": "stripe_customer_id"}
# What a complete record says: profile, revenue, activity and relationship. Columns join as their sources come.
FIELDS = {
    "people": ("company_id",),
    "profile": ("name", "company_name", "company_domain", "country", "city", "timezone", "signup_at", "assigned_am"),
    "revenue": (
        *("mrr", "ltv", "currency", "plan_name", "plan_tier"),
        *("plan_price", "subscription_status", "first_paid_at"),
    ),
    "activity": ("last_seen_at",),
    "pipeline": ("lifecycle_stage", "lead_source"),
}
ALL = sum(map(len, FIELDS.values()))


def table(
    people: ibis.Table,
    links: ibis.Table,
    profile: ibis.Table,
    revenue: ibis.Table,
    activity: ibis.Table,
    pipeline: ibis.Table,
    hubspot: ibis.Table,
    intercom: ibis.Table,
    stripe: ibis.Table,
    hubspot_rejected: ibis.Table,
    intercom_rejected: ibis.Table,
    stripe_rejected: ibis.Table,
    synced: ibis.Table,
    cadences: Mapping[str, int],
    policy: Policy,
    day: date,
) -> ibis.Table:
    domains = {"people": people, "profile": profile, "revenue": revenue, "activity": activity, "pipeline": pipeline}
    known = people.select("customer_id", "records", "match_confidence", *IDS.values())
    held = {"hubspot": hubspot, "intercom": intercom, "stripe": stripe}
    rejected = {"hubspot": hubspot_rejected, "intercom": intercom_rejected, "stripe": stripe_rejected}
    known = left_join_all(known, [*_filled(domains), _invalid(links, held, rejected)])
    known = known.mutate(**_syncs(known, synced))
    known = known.mutate(
        completeness_score=_total([known[f"{name}_filled"].fill_null(0) for name in FIELDS]) / ALL * 100,
        freshness=_freshness(known, cadences, policy.quality.overdue_hours, day),
        validity=1 - known["invalid"].fill_null(0) / known["records"],
    )
    return known.mutate(data_quality_score=_score(known, policy)).select(*CONTRACT.columns)


def cadences() -> dict[str, int]:
    """How often, in hours, each source of persons is read."""
    return {source: contract_of(table).cadence or 0 for source, table in PERSONS.items()}


def _score(known: ibis.Table, policy: Policy) -> ibis.ir.IntegerValue:
    weights = policy.quality
    return points(
        number(weights.completeness) * known["completeness_score"] / 100
        + number(weights.freshness) * known["freshness"].fill_null(0)
        + number(weights.match) * known["match_confidence"]
        + number(weights.validity) * known["validity"]
    )


def _syncs(known: ibis.Table, synced: ibis.Table) -> dict[str, ibis.Value]:
    """When each source was last read, for the customers that it knows."""
    never = ibis.null("timestamp('UTC', 6)")
    last = {source: synced["synced_at"].max(where=synced["source"] == source).as_scalar() for source in IDS}
    read = {source: ibis.ifelse(known[IDS[source]].notnull(), last[source], never) for source in IDS}
    return {f"last_{source}_sync": read.get(source, never) for source in SOURCES}


def _freshness(known: ibis.Table, cadences: Mapping[str, int], overdue: int, day: date) -> ibis.ir.FloatingValue:
    """Of the sources that know the customer, the share whose last reading is not older than cadence and grace."""
    end = end_of(day).epoch_seconds()
    age = {source: end - known[f"last_{source}_sync"].epoch_seconds() for source in IDS}
    fresh = [(age[source] <= (cadences[source] + overdue) * 3600).fill_null(False) for source in IDS]
    knows = [known[column].notnull() for column in IDS.values()]
    return _count(fresh) / _count(knows).nullif(0)


def _filled(domains: Mapping[str, ibis.Table]) -> list[ibis.Table]:
    """Of each domain the number of fields that are filled: counted before they are joined, as a number is light."""
    return [
        domains[name].select("customer_id", **{f"{name}_filled": _count([domains[name][f].notnull() for f in fields])})
        for name, fields in FIELDS.items()
    ]


def _invalid(links: ibis.Table, held: Mapping[str, ibis.Table], rejected: Mapping[str, ibis.Table]) -> ibis.Table:
    """[customer_id, invalid]: number of its records of which a newer version was rejected than the one we hold."""
    have = ibis.union(*[t.select("_extracted_at", source=ibis.literal(s), record_id="id") for s, t in held.items()])
    refused = ibis.union(
        *[t.select("record_id", source=ibis.literal(s), refused_at="_extracted_at") for s, t in rejected.items()]
    )
    latest = refused.group_by("source", "record_id").agg(refused_at=refused["refused_at"].max())
    stale = have.join(latest, ["source", "record_id"])
    stale = stale.filter(stale["refused_at"] > stale["_extracted_at"]).select("source", "record_id")
    found = links.select("source", "record_id", "customer_id").join(stale, ["source", "record_id"])
    return found.group_by("customer_id").agg(invalid=found.count())


def _count(flags: list[ibis.ir.BooleanValue]) -> ibis.ir.IntegerValue:
    return _total([flag.cast("int64") for flag in flags])


def _total(numbers: list[ibis.ir.IntegerValue]) -> ibis.ir.IntegerValue:
    return sum(numbers[1:], numbers[0])


TABLE = DailyTable(
    "quality/customer_quality",
    CONTRACT,
    inputs={
        "people": "identity/people",
        "links": "identity/links",
        "profile": "core/profile",
        "revenue": "core/revenue",
        "activity": "core/activity",
        "pipeline": "core/pipeline",
        "hubspot": "hubspot/contacts",
        "intercom": "intercom/contacts",
        "stripe": "stripe/customers",
        "hubspot_rejected": "quarantine/hubspot_contacts",
        "intercom_rejected": "quarantine/intercom_contacts",
        "stripe_rejected": "quarantine/stripe_customers",
        "synced": SyncTimes(),
        "cadences": cadences,
        "policy": current_policy,
    },
    rule=table,
)
