"""`intelligence/features`: what a model may know of each current customer on a day, from that day's tables alone.

Rates and differences, so that they mean the same next year. No id, no health score, and nothing of the subscription:
when it ends is what the model foretells.
"""

import ibis

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, as_scalar, days_since
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import number

LEAVING = "leaving"
GROUP = "churn"  # of the graph: health reads it, and most of what is called intelligence reads health

COLUMNS = {
    "tenure_days": "Days since the first of sign-up and first payment.",
    "days_since_seen": "Days since the customer was last seen.",
    "logins_a_day_7d": "Logins a day in 7 days.",
    "logins_a_day_30d": "Logins a day in 30 days.",
    "login_change_7d": "Logins a day in 7 days, less those of the 28 days before.",
    "login_change_14d": "Change of logins from the 14 days before to the last 14, as a share of both: -1 to 1.",
    "onboarding_pct": "How far onboarding got, 0 to 100.",
    "credits_used_share": "Credits used in 30 days, of these and those left: 0 to 1.",
    "exports_a_day_30d": "Exports a day in 30 days.",
    "conversations_a_month": "Conversations begun a month, of 90 days.",
    "open_conversations": "Conversations that are open.",
    "open_critical_tickets": "Critical tickets that are open.",
    "csat_avg_90d": "Mean rating of 90 days, 1 to 5.",
    "sentiment_90d": "Tone of its messages of 90 days, -1 to 1.",
    "days_since_cancel_mention": "Days since it spoke of cancelling; null for never.",
    "calls_a_month": "Calls held a month, of 90 days.",
    "call_show_rate": "Calls held, of those held and missed: 0 to 1.",
    "days_since_call": "Days since the last call; null for never.",
    "failed_payments_30d": "Failed charges in 30 days.",
}

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "day": Column("date", "The day.", nullable=False),
        "in_scope": Column(
            "boolean",
            "Whether it pays, and nothing is set to end: who is trained on and scored. Of others the outcome is known.",
            nullable=False,
        ),
        **{name: Column("float64", about) for name, about in COLUMNS.items()},
    },
    key=("customer_id",),
    about="What models may know of each current customer on a day: rates and differences, from the day's tables alone.",
    figures={
        "in_scope": lambda t: t["in_scope"].sum(),
        "seen": lambda t: t["days_since_seen"].notnull().sum(),
        "mean_logins_a_day_30d": lambda t: t["logins_a_day_30d"].mean(),
    },
)


def table(
    profile: ibis.Table,
    revenue: ibis.Table,
    activity: ibis.Table,
    support: ibis.Table,
    calls: ibis.Table,
    day: Day,
) -> ibis.Table:
    """Return a row per current customer."""
    current = profile.filter(profile["is_customer"]).select("customer_id", "customer_status", "signup_at")
    parts = (
        revenue.select("customer_id", "mrr", "first_paid_at", "failed_payments_30d"),
        activity.drop("engagement_score", "last_seen_at"),
        support.drop("cancel_sentence"),
        calls.select("customer_id", "calls_held_90d", "call_show_rate", "last_call_at"),
    )
    t = left_join_all(current, parts)
    values = {
        "tenure_days": days_since(ibis.least(t["signup_at"], t["first_paid_at"]), day),
        "days_since_seen": t["days_since_seen"],
        "logins_a_day_7d": t["logins_7d"] / number(7),
        "logins_a_day_30d": t["logins_30d"] / number(30),
        "login_change_7d": t["logins_7d"] / number(7) - t["logins_28d_before"] / number(28),
        "login_change_14d": _change(t["logins_14d"], t["logins_14d_before"]),
        "onboarding_pct": t["onboarding_pct"],
        "credits_used_share": _share(t["credits_used_30d"], t["credits_remaining"]),
        "exports_a_day_30d": t["exports_30d"] / number(30),
        "conversations_a_month": t["conversations_90d"] / number(3),
        "open_conversations": t["open_conversations"],
        "open_critical_tickets": t["open_critical_tickets"],
        "csat_avg_90d": t["csat_avg_90d"],
        "sentiment_90d": t["sentiment_90d"],
        "days_since_cancel_mention": days_since(t["cancel_mentioned_at"], day),
        "calls_a_month": t["calls_held_90d"] / number(3),
        "call_show_rate": t["call_show_rate"],
        "days_since_call": days_since(t["last_call_at"], day),
        "failed_payments_30d": t["failed_payments_30d"],
    }
    return t.select(
        "customer_id",
        day=as_scalar(day),
        in_scope=((t["mrr"] > 0) & (t["customer_status"] != LEAVING)).fill_null(False),
        **{name: value.cast("float64") for name, value in values.items()},
    )


def _change(now: ibis.Value, before: ibis.Value) -> ibis.ir.FloatingValue:
    change: ibis.ir.FloatingValue = (now - before) / (now + before).nullif(0)
    return change.fill_null(ibis.ifelse(now.notnull() & before.notnull(), number(0), ibis.null("float64")))


def _share(used: ibis.Value, remaining: ibis.Value) -> ibis.ir.FloatingValue:
    exact, left = used.cast("float64"), ibis.greatest(remaining.cast("float64"), number(0))
    share: ibis.ir.FloatingValue = exact / (exact + left).nullif(0)
    return share


TABLE = DailyTable(
    "intelligence/features",
    CONTRACT,
    inputs={
        "profile": "core/profile",
        "revenue": "core/revenue",
        "activity": "core/activity",
        "support": "core/support",
        "calls": "core/calls",
    },
    rule=table,
    in_part=True,
    group=GROUP,
)
FEATURES = tuple(COLUMNS)
