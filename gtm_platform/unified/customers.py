"""`core/unified_customers`: everything that is known about a customer in one row. Joins, nothing else: what a column
means, and how it is computed, stands where its domain is.
"""

from datetime import date

import ibis

from gtm_platform.core import activity, pipeline, profile, revenue, support
from gtm_platform.health.customer_health import HEALTH
from gtm_platform.identity import people as identity_people
from gtm_platform.identity.people import IDS as IDS_BY_SOURCE
from gtm_platform.ingest.feeds import sync_column
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
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
        "pipeline": pipeline,
    }.items()
}
# Sources of people that are promised, each with the column of its id, in the order of these columns. Those of sources
# without a feed are null.
PROMISED = (
    ("chartmogul", "chartmogul_uuid"),
    ("calendly", "calendly_invitee"),
    ("userflow", "userflow_user_id"),
    ("fathom", "fathom_email"),
    ("listkit_admin", "listkit_account_id"),
    ("posthog", "posthog_distinct_id"),
    ("orb", "orb_customer_id"),
    ("chroma_admin", "chroma_account_id"),
)
ABSENT_IDS = {
    column: Column("string", "No such source yet.") for source, column in PROMISED if source not in IDS_BY_SOURCE
}
ABSENT_SYNCS = {
    sync_column(source): Column("timestamp('UTC', 6)", "No such source yet.")
    for source, _ in PROMISED
    if source not in IDS_BY_SOURCE
}
# Until the first source of calls comes, with its table in core.
ABSENT_CALLS = {
    "calls_booked_90d": Column("int64", "Calls booked for the last 90 days."),
    "calls_held_90d": Column("int64", "Of them, held."),
    "calls_no_show_90d": Column("int64", "Of them, missed by the customer."),
    "calls_cancelled_90d": Column("int64", "Of them, cancelled."),
    "call_show_rate": Column("float64", "Held of held and missed, 0 to 1."),
    "last_call_at": Column("timestamp('UTC', 6)", "Last call held."),
    "next_call_at": Column("timestamp('UTC', 6)", "Next call booked."),
    "last_call_summary": Column("string", "What the last call was about.", personal=True),
}
ABSENT = ABSENT_IDS | ABSENT_CALLS | ABSENT_SYNCS
PROMISED_IDS = tuple(column for _, column in PROMISED)
IDS = {
    name: identity_people.CONTRACT.columns[name]
    for name in ("customer_id", "email", "all_emails", "company_id", *IDS_BY_SOURCE.values())
}

CONTRACT = Contract(
    {
        **{name: column for name, column in IDS.items() if name not in PROMISED_IDS},
        **{name: (IDS | ABSENT_IDS)[name] for name in PROMISED_IDS},
        "as_of": Column("date", "The day at whose end all of this was so.", nullable=False),
        **{
            name: column
            for domain in DOMAINS.values()
            for name, column in domain.items()
            if domain is not DOMAINS["pipeline"]
        },
        **ABSENT_CALLS,
        **DOMAINS["pipeline"],
        **HEALTH,
        **QUALITY,
        **ABSENT_SYNCS,
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
    pipeline: ibis.Table,
    health: ibis.Table,
    quality: ibis.Table,
    day: date,
) -> ibis.Table:
    """Return a row per person of identity/people, customers and others."""
    health = health.select("customer_id", *HEALTH)
    quality = quality.select("customer_id", *QUALITY)
    wide = left_join_all(people.select(*IDS), [profile, revenue, activity, support, pipeline, health, quality])
    absent = {name: ibis.null(CONTRACT.schema[name]) for name in ABSENT}
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
