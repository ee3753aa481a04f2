"""`core/unified_customers`: everything known about a customer in one row. Joins, nothing else: what a column means is
said, and computed, where its domain is.
"""

from datetime import date

import ibis

from gtm_platform.core import activity, pipeline, profile, revenue, support
from gtm_platform.health.customer_health import HEALTH
from gtm_platform.identity import people
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.quality.customer_quality import QUALITY


def _of(contract: Contract) -> dict[str, Column]:
    return {name: column for name, column in contract.columns.items() if name != "customer_id"}


DOMAINS = {
    name: _of(module.CONTRACT)
    for name, module in {
        "profile": profile,
        "revenue": revenue,
        "activity": activity,
        "support": support,
        "pipeline": pipeline,
    }.items()
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
# Until the first source of calls comes, with its table in core.
LATER_CALLS = {
    "calls_booked_90d": Column("int64", "Calls booked for the last 90 days."),
    "calls_held_90d": Column("int64", "Of them, held."),
    "calls_no_show_90d": Column("int64", "Of them, missed by the customer."),
    "calls_cancelled_90d": Column("int64", "Of them, cancelled."),
    "call_show_rate": Column("float64", "Held of held and missed, 0 to 1."),
    "last_call_at": Column("timestamp('UTC', 6)", "Last call held."),
    "next_call_at": Column("timestamp('UTC', 6)", "Next call booked."),
    "last_call_summary": Column("string", "What the last call was about.", personal=True),
}
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
        **{
            name: column
            for domain in DOMAINS.values()
            for name, column in domain.items()
            if domain is not DOMAINS["pipeline"]
        },
        **LATER_CALLS,
        **DOMAINS["pipeline"],
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
    pipeline: ibis.Table,
    health: ibis.Table,
    quality: ibis.Table,
    day: date,
) -> ibis.Table:
    judged = health.select("customer_id", *HEALTH)
    found = quality.select("customer_id", *QUALITY)
    wide = left_join_all(people.select(*IDS), [profile, revenue, activity, support, pipeline, judged, found])
    absent = {name: ibis.null(CONTRACT.schema[name]) for name in (*LATER_IDS, *LATER_CALLS)}
    return wide.mutate(as_of=ibis.literal(day), **absent).select(*CONTRACT.columns)


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
)
