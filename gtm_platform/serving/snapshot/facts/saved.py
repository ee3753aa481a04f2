"""Who was about to leave, and is healthy again."""

from datetime import date, timedelta
from typing import Any

from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.layout import CUSTOMERS

DAYS, LISTED = 30, 50


def make(draft: Draft) -> dict[str, Any]:
    """Return how many were saved, what they pay, and the ids of those who pay most."""
    landing = draft.landing
    first = (date.fromisoformat(landing.day) - timedelta(days=DAYS)).isoformat()
    files = [file for file in landing.lake.files(CUSTOMERS) if first <= file.partition < landing.day]
    before, now = landing.lake.file_query(CUSTOMERS, files), landing.lake.query_day(CUSTOMERS, landing.day)
    with cursor() as connection, landing.lake.naming_damage(lambda: [*before.files, *now.files]):
        rows = connection.execute(f"""
            with bad as (
                select customer_id, max(as_of) as last_day,
                    arg_max(if(customer_status = 'leaving', 'leaving', health_status), as_of) as was
                from ({before.sql})
                where is_customer and (health_status in ('high_risk', 'critical') or customer_status = 'leaving')
                group by customer_id
            )
            select customer_id, was, last_day::varchar, greatest(coalesce(mrr_reporting, 0), 0)::double as pays
            from ({now.sql}) join bad using (customer_id)
            where is_customer and health_status = 'healthy' and customer_status <> 'leaving'
            order by pays desc, customer_id""").fetchall()
    return {
        "days": DAYS,
        "customers": len(rows),
        "mrr": round(sum(mrr for *_, mrr in rows), 2),
        "listed": [
            {"customer_id": customer, "was": was, "last_day": day, "mrr": round(mrr, 2)}
            for customer, was, day, mrr in rows[:LISTED]
        ],
    }


FACT = Fact(
    "saved",
    "Customers who are healthy, and within 30 days were at high risk, critical, or set to end.",
    make,
)
