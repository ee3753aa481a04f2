"""`core/unified_customers`: everything known about a customer in one row. Joins, nothing else: what a column means is
said, and computed, where its domain is.
"""

from datetime import date

import ibis

from gtm_platform.core import activity, calls, pipeline, profile, revenue, support
from gtm_platform.core.joined import beside
from gtm_platform.identity import people
from gtm_platform.lake.contracts import Column, Contract


def _of(contract: Contract) -> dict[str, Column]:
    return {name: column for name, column in contract.columns.items() if name != "customer_id"}


DOMAINS = {
    name: _of(module.CONTRACT)
    for name, module in {
        "profile": profile,
        "revenue": revenue,
        "activity": activity,
        "support": support,
        "calls": calls,
        "pipeline": pipeline,
    }.items()
}
HEALTH = {
    "health_score": Column("int64", "0 to 100; null for who is no customer.", rule=lambda v: v.between(0, 100)),
    "health_status": Column("string", "healthy, at_risk, high_risk or critical."),
    "churn_risk": Column(
        "int64", "Probability in percent of churning within 90 days.", rule=lambda v: v.between(0, 100)
    ),
    "risk_signals": Column("array<string>", "What speaks against the customer staying, sorted."),
    "recommended_actions": Column("array<string>", "What to do, the most pressing first."),
}
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
LATER_IDS = (
    "chartmogul_uuid",
    "calendly_invitee",
    "userflow_user_id",
    "fathom_email",
    "listkit_account_id",
    "posthog_distinct_id",
    "orb_customer_id",
    "chroma_account_id",
)
PRESENT_IDS = (
    "customer_id",
    "email",
    "all_emails",
    "company_id",
    "hubspot_contact_id",
    "intercom_contact_id",
    "stripe_customer_id",
)
IDS = {name: people.CONTRACT.columns[name] for name in PRESENT_IDS}

CONTRACT = Contract(
    {
        **IDS,
        **{name: Column("string", "No such source yet.") for name in LATER_IDS},
        "as_of": Column("date", "The day at whose end all of this was so.", nullable=False),
        **{name: column for domain in DOMAINS.values() for name, column in domain.items()},
        **HEALTH,
        **QUALITY,
    },
    key=("customer_id",),
    about="One row per customer with everything known about it at the end of the day.",
    figures={
        "customers": lambda t: t["is_customer"].sum(),
        "mrr": lambda t: t["mrr_reporting"].sum(),
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
    day: date,
) -> ibis.Table:
    judged = health.select("customer_id", *HEALTH)
    found = quality.select("customer_id", *QUALITY)
    wide = beside(people.select(*IDS), [profile, revenue, activity, support, calls, pipeline, judged, found])
    later = {name: ibis.null("string") for name in LATER_IDS}
    return wide.mutate(as_of=ibis.literal(day), **later).select(*CONTRACT.columns)
