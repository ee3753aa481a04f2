"""`core/unified_customers`: everything that is known about a customer in one row. Joins, nothing else: what a column
means, and how it is computed, stands where its domain is.
"""

import ibis

from gtm_platform.core import activity, calls, pipeline, profile, revenue, support
from gtm_platform.health.customer_health import HEALTH
from gtm_platform.identity import people as identity_people
from gtm_platform.identity.people import IDS as IDS_BY_SOURCE
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.quality.customer_quality import QUALITY


def _columns(contract: Contract) -> dict[str, Column]:
    return {name: column for name, column in contract.columns.items() if name != "customer_id"}


DOMAINS = {
    name: _columns(module.CONTRACT)
    for name, module in {
        "profile": profile,
        "revenue": revenue,
        "activity": activity,
        "support": support,
        "calls": calls,
        "pipeline": pipeline,
    }.items()
}
IDS = {
    name: identity_people.CONTRACT.columns[name]
    for name in ("customer_id", "email", "all_emails", "company_id", *IDS_BY_SOURCE.values())
}

CONTRACT = Contract(
    {
        **IDS,
        "as_of": Column("date", "The day at whose end all of this was so.", nullable=False),
        **{name: column for domain in DOMAINS.values() for name, column in domain.items()},
        **HEALTH,
        **QUALITY,
    },
    key=("customer_id",),
    about="One row per customer with everything known about it at the end of the day.",
    figures={
        "customers": lambda t: t["is_customer"].sum(),
        "mrr": lambda t: t["mrr_reporting"].sum(where=t["is_customer"]),
        "mean_health": lambda t: t["health_score"].mean(),
    },
)


def table(
    people: ibis.Table,
    profile: ibis.Table,
    revenue: ibis.Table,
    activity: ibis.Table,
    support: ibis.Table,
    calls: ibis.Table,
    pipeline: ibis.Table,
    health: ibis.Table,
    quality: ibis.Table,
    day: Day,
) -> ibis.Table:
    """Return a row per person of identity/people, customers and others."""
    health = health.select("customer_id", *HEALTH)
    quality = quality.select("customer_id", *QUALITY)
    wide = left_join_all(people.select(*IDS), [profile, revenue, activity, support, calls, pipeline, health, quality])
    return wide.mutate(as_of=as_scalar(day)).select(*CONTRACT.columns)


TABLE = DailyTable(
    "core/unified_customers",
    CONTRACT,
    inputs={
        "people": "identity/people",
        **{domain: f"core/{domain}" for domain in DOMAINS},
        "health": "health/customer_health",
        "quality": "quality/customer_quality",
    },
    rule=table,
    group="unified",
    has_canaries=True,
    per="customer",
)
