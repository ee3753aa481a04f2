"""`core/activity`: when the customer was last seen and how much the product is used."""

from collections.abc import Mapping, Sequence

import ibis

from gtm_platform.core.usage import Figure, Latest, Newest, Sum, Tables, figures_of
from gtm_platform.ingest.feeds import UsageFeed
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import Day, days_since
from gtm_platform.lake.expressions.literals import number
from gtm_platform.lake.expressions.scores import capped, mixed
from gtm_platform.lake.owners import Owner
from gtm_platform.policy import Health, Policy
from gtm_platform.policy import policy as current_policy
from gtm_platform.sources.feeds import usage_feeds

FEEDS = usage_feeds()
TABLES = {feed.table: feed.table for feed in FEEDS}
OWNERS = {table: tuple(Owner(feed.source, feed.record_id) for feed in FEEDS if feed.table == table) for table in TABLES}

FIGURES: Mapping[str, Figure] = {
    "last_seen_at": Latest(),
    "logins_7d": Sum("logins", 7),
    "logins_14d": Sum("logins", 14),
    "logins_14d_before": Sum("logins", 14, days_before=14),
    "logins_28d_before": Sum("logins", 28, days_before=7),
    "logins_30d": Sum("logins", 30),
    "onboarding_pct": Newest("onboarding", without_rows=0),
    "credits_remaining": Newest("credits_left"),
    "credits_used_30d": Sum("credits_used", 30),
    "exports_30d": Sum("exports", 30),
}


def _is_percent(value: ibis.Value) -> ibis.ir.BooleanValue:
    return value.between(0, 100)


CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "last_seen_at": Column("timestamp('UTC', 6)", "Latest in any source that sees people."),
        "days_since_seen": Column("int64", "Days from then to the day."),
        "logins_7d": Column("int64", "Logins in 7 days; null for whom no source that counts them knows."),
        "logins_14d": Column("int64", "Logins in 14 days."),
        "logins_14d_before": Column("int64", "Logins in the 14 days before those."),
        "logins_28d_before": Column("int64", "Logins in the 28 days before the last 7."),
        "logins_30d": Column("int64", "Logins in 30 days."),
        "engagement_score": Column(
            "float64",
            "0 to 100, of logins in 30 days and onboarding by the policy's shares, of either alone where the other is "
            "null; it is the engagement component of health.",
            rule=_is_percent,
        ),
        "onboarding_pct": Column("float64", "How far onboarding got, 0 to 100.", rule=_is_percent),
        "credits_remaining": Column(money.AMOUNT, "Credits left; below 0 it is an overdraft."),
        "credits_used_30d": Column(money.AMOUNT, "Credits used in 30 days."),
        "exports_30d": Column("int64", "Exports completed, of those begun in 30 days."),
    },
    key=("customer_id",),
    about="Last seen, logins, onboarding, credits and exports of each customer, by the usage feeds of all sources.",
    figures={
        "seen": lambda t: t["last_seen_at"].notnull().sum(),
        "logins_30d": lambda t: t["logins_30d"].sum(),
        "mean_engagement": lambda t: t["engagement_score"].mean(),
    },
)


def table(people: ibis.Table, links: ibis.Table, used: Tables, policy: Policy, day: Day) -> ibis.Table:
    """Return a row per customer."""
    return activity(FEEDS, people, links, used, policy, day)


def activity(
    feeds: Sequence[UsageFeed], people: ibis.Table, links: ibis.Table, used: Tables, policy: Policy, day: Day
) -> ibis.Table:
    """Return a row per customer, by these feeds."""
    customers = figures_of(people.select("customer_id"), links, used, feeds, FIGURES, day)
    customers = customers.mutate(**{name: _as(CONTRACT.columns[name].type, customers[name]) for name in FIGURES})
    return customers.mutate(
        days_since_seen=days_since(customers["last_seen_at"], day),
        engagement_score=engagement(customers["logins_30d"], customers["onboarding_pct"], policy.health),
    )


def _as(kind: str, value: ibis.Value) -> ibis.Value:
    return money.shown(money.exact(value)) if kind == money.AMOUNT else value.cast(kind)


def engagement(logins: ibis.ir.IntegerValue, onboarding: ibis.ir.FloatingValue, rules: Health) -> ibis.ir.FloatingValue:
    """Score logins and onboarding, mixed."""
    share = capped(logins / number(rules.logins_for_full_engagement))
    return mixed((rules.logins_share, share * 100), (rules.onboarding_share, onboarding))


TABLE = DailyTable(
    "core/activity",
    CONTRACT,
    inputs={"people": "identity/people", "links": "identity/links", "used": TABLES, "policy": current_policy},
    rule=table,
    has_canaries=True,
    per="customer",
    owners=OWNERS,
)
