"""Customers of all kinds that rules are tried on: the best, the worst, one worse in a single thing, and many at random.

They are made by the same code as health; nobody of them is real.
"""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import ibis
import pyarrow as pa

from gtm_platform.health import customer_health
from gtm_platform.health.customer_health import AGO
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.policy import Policy
from gtm_platform.policy.health import PaymentPoints

Facts = Mapping[str, Any]

DAY = date(2026, 1, 31)
RANDOM_CUSTOMERS = 1000
KINDS = pa.schema(
    {
        "customer_id": pa.string(),
        "customer_status": pa.string(),
        "days_since_seen": pa.int64(),
        "csat_avg_90d": pa.float64(),
        "csat_count_90d": pa.int64(),
        "sentiment_90d": pa.float64(),
        "subscription_status": pa.string(),
        "failed_payments_30d": pa.int64(),
        "logins_30d": pa.int64(),
        "onboarding_pct": pa.float64(),
        "signup_at": pa.timestamp("us", "UTC"),
        "first_paid_at": pa.timestamp("us", "UTC"),
        "mrr_reporting": pa.decimal128(18, 2),
        "cancel_mentioned_at": pa.timestamp("us", "UTC"),
        "is_delinquent": pa.bool_(),
        "open_critical_tickets": pa.int64(),
        "current_period_end": pa.timestamp("us", "UTC"),
        "logins_14d": pa.int64(),
        "logins_14d_before": pa.int64(),
        "company_users": pa.int64(),
        "company_days_since_seen": pa.int64(),
        "is_main_contact": pa.bool_(),
        "mail_bounces": pa.bool_(),
        "seat_deactivated": pa.bool_(),
    }
)


def days_ago(days: int) -> datetime:
    """Return noon of the day so many days before the day on which the customers are judged."""
    return datetime.combine(DAY - timedelta(days=days), time(12), UTC)


def from_best_to_worst(policy: Policy) -> dict[str, Sequence[Any]]:
    """Return the values of each fact from the best to the worst."""
    seen, last = policy.health.inactive_days, policy.health.activity_points[-1][0]
    full = policy.health.logins_for_full_engagement
    return {
        "customer_status": ("active", "leaving"),
        "days_since_seen": range(max(seen, last) + 30),
        "csat_avg_90d": [5 - step / 4 for step in range(17)],
        "sentiment_90d": [1 - step / 8 for step in range(17)],
        "subscription_status": tuple(PaymentPoints.model_fields),
        "failed_payments_30d": range(8),
        "logins_30d": range(full, -1, -1),
        "onboarding_pct": [float(100 - step * 5) for step in range(21)],
        "first_paid_at": [days_ago(days) for days in (4000, 1000, 700, 400, 100, 10, 0)],
        "cancel_mentioned_at": (None, *(days_ago(days) for days in (400, 100, 29, 10, 0))),
        "is_delinquent": (False, True),
        "open_critical_tickets": (0, 1, 3),
        "current_period_end": (days_ago(-300), days_ago(-5)),
        "logins_14d": (20, 10, 5, 1, 0),
        "logins_14d_before": (20,),
        "company_users": (5, 1),
        "company_days_since_seen": (0,),
        "is_main_contact": (False, True),
        "mail_bounces": (False, True),
        "seat_deactivated": (False, True),
        "mrr_reporting": (100, 0),
    }


def best(policy: Policy) -> Facts:
    """Return the facts of the best customer that there can be."""
    return {name: values[0] for name, values in from_best_to_worst(policy).items()}


def worst(policy: Policy) -> Facts:
    """Return the facts of the worst customer that there can be."""
    return {name: values[-1] for name, values in from_best_to_worst(policy).items()}


def at_random(policy: Policy) -> list[Facts]:
    """Return customers at random, the same each time; of some a fact is missing."""
    draw, values = random.Random(0), from_best_to_worst(policy)
    return [
        {name: draw.choice(tuple(each)) if draw.random() < 0.9 else None for name, each in values.items()}
        for _ in range(RANDOM_CUSTOMERS)
    ]


def judged(customers: Sequence[Facts], policy: Policy) -> list[dict[str, Any]]:
    """Return what health says of customers, in their order."""
    rows = [{**facts, "customer_id": f"{n:06}"} for n, facts in enumerate(customers)]
    table = ibis.memtable(pa.Table.from_pylist(rows, schema=KINDS))
    table = table.mutate(
        **{f"score_{days}d_ago": ibis.null("int64") for days in AGO},
        engagement_score=customer_health.engaged(table, policy),
        modelled_risk=ibis.null("int64"),
        model_month=ibis.null("date"),
    )
    health = customer_health.judged(customer_health.scored(table, policy, DAY), policy, DAY)
    health = health.select(*customer_health.CONTRACT.columns).order_by("customer_id")
    judged_rows: list[dict[str, Any]] = engine().to_pyarrow(health).to_pylist()
    return judged_rows
