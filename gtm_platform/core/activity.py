"""`core/activity`: when the customer was last seen and how much the product is used."""

from datetime import date

import ibis

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import days_since
from gtm_platform.lake.expressions.joins import left_join_all

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "last_seen_at": Column("timestamp('UTC', 6)", "Latest of all its contacts in Intercom."),
        "days_since_seen": Column("int64", "Days from then to the day."),
        "logins_7d": Column("int64", "Logins in 7 days; no source brings it yet."),
        "logins_30d": Column("int64", "Logins in 30 days; no source brings it yet."),
        "engagement_score": Column("float64", "0 to 100; no source brings it yet."),
        "onboarding_pct": Column("float64", "0 to 100; no source brings it yet."),
        "credits_remaining": Column("decimal(18, 2)", "Credits left; no source brings it yet."),
        "credits_used_30d": Column("decimal(18, 2)", "Credits used in 30 days; no source brings it yet."),
        "exports_30d": Column("int64", "Exports in 30 days; no source brings it yet."),
    },
    key=("customer_id",),
    about="Last seen, logins and usage of each customer.",
    figures={"seen": lambda t: t["last_seen_at"].notnull().sum()},
)

PRESENT = ("customer_id", "last_seen_at", "days_since_seen")


def table(people: ibis.Table, links: ibis.Table, intercom: ibis.Table, day: date) -> ibis.Table:
    """Return a row per customer."""
    users = links.filter(links["source"] == "intercom").select("customer_id", "record_id")
    seen = users.join(intercom.select(record_id="id", at="last_seen_at"), "record_id")
    seen = seen.group_by("customer_id").agg(last_seen_at=seen["at"].max())
    customers = left_join_all(people.select("customer_id"), [seen])
    absent = {name: ibis.null(kind) for name, kind in CONTRACT.schema.items() if name not in PRESENT}
    return customers.mutate(days_since_seen=days_since(customers["last_seen_at"], day), **absent)


TABLE = DailyTable(
    "core/activity",
    CONTRACT,
    inputs={
        "people": "identity/people",
        "links": "identity/links",
        "intercom": "intercom/contacts",
    },
    rule=table,
)
