"""Checks that span rooms: sources against the day, figures of one source against those of another."""

from datetime import date

import ibis

from gtm_platform.lake.contracts import TABLES
from gtm_platform.lake.daily_table import SyncTimes
from gtm_platform.lake.day_check import DayCheck
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.expressions.days import end_of
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

# Intercom keeps what its Stripe app copied: the price of one item for one interval. Where that is all there is, it is
# the MRR, and where it differs from Stripe's one of them is late or has lost its link.
MRR_SOURCES_DIFFER = """
with one_price as (
  select links.customer_id
  from {subscriptions} as subscriptions
  join {links} as links on links.source = 'stripe' and links.record_id = subscriptions.customer_id
  where subscriptions.status in ('active', 'past_due')
  group by all
  having count(*) = 1 and max(interval_count) = 1 and max(len(phases)) = 1
     and max(json_array_length(payload, '$.items.data')) = 1 and not bool_or(contains(payload, '"di_'))  -- a discount
), copied as (
  select links.customer_id,
         contacts.stripe_plan_price
           * case stripe_plan_interval when 'month' then 1 when 'year' then 1 / 12 when 'week' then 52 / 12
                                       when 'day' then 365 / 12 end as mrr
  from {contacts} as contacts
  join {links} as links on links.source = 'intercom' and links.record_id = contacts.id
  where contacts.stripe_subscription_status in ('active', 'past_due')
)
select customer_id, revenue.mrr::varchar as stripe, round(max(copied.mrr), 2)::varchar as intercom, currency
from copied join one_price using (customer_id) join {revenue} as revenue using (customer_id)
where revenue.mrr_source = 'stripe'
group by customer_id, revenue.mrr, currency
having abs(round(max(copied.mrr), 2) - revenue.mrr) > 1
   and abs(round(max(copied.mrr), 2) - revenue.mrr) > 0.01 * revenue.mrr
"""
DIFFERENCE = ibis.schema({"customer_id": "string", "stripe": "string", "intercom": "string", "currency": "string"})


def differing_mrr(**tables: ibis.Table) -> ibis.Table:
    """Return the customers whose MRR at Stripe and by Intercom's copy differ by more than 1 % and 1 unit."""
    names = {name: f'"{table.get_name()}"' for name, table in tables.items()}
    return engine().sql(MRR_SOURCES_DIFFER.format(**names), schema=DIFFERENCE, dialect="duckdb")


def overdue_sources(synced: ibis.Table, cadences: dict[str, int], policy: Policy, day: date) -> ibis.Table:
    """Return source tables last read longer ago than their cadence plus the policy's hours of grace."""
    due = synced["table"].cases(*cadences.items()).cast("int64") + policy.quality.overdue_hours
    age = (end_of(day).epoch_seconds() - synced["synced_at"].epoch_seconds()) / 3600
    late = synced.mutate(hours_old=age, hours_allowed=due)
    return late.filter(late["hours_old"] > late["hours_allowed"]).select("table", "hours_old", "hours_allowed")


def cadences() -> dict[str, int]:
    """Return how often, in hours, each source table is read."""
    return {table: contract.cadence for table, contract in TABLES.items() if contract.cadence}


CHECKS = (
    DayCheck(
        "quality/customer_quality",
        "sources_are_fresh",
        "Every source table was read within its cadence and the policy's grace (quality.overdue_hours).",
        inputs={"synced": SyncTimes(), "cadences": cadences, "policy": current_policy},
        rule=overdue_sources,
        severity="WARN",
    ),
    DayCheck(
        "core/revenue",
        "mrr_sources_agree",
        "Stripe and what Intercom copied of it differ by no more than 1 % and 1 unit, where one price is all there is.",
        inputs={
            "subscriptions": "stripe/subscriptions",
            "contacts": "intercom/contacts",
            "links": "identity/links",
            "revenue": "core/revenue",
        },
        rule=differing_mrr,
        severity="WARN",
        days=3,  # it reads the subscriptions as received, which is a lot
    ),
)
