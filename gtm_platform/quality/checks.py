"""Asset checks that span tables, in SQL over the catalogue: what each of them asks can be asked by hand."""

import dagster as dg
from dagster_duckdb import DuckDBResource

from gtm_platform.lake import catalogue as views
from gtm_platform.lake.dagster.resource import LakeResource

SHOWN = 20  # rows of what a check found

ONE_ROW_EACH = """
with newest as (select max(as_of) as day from core.unified_customers)
select people.customer_id, count(wide.customer_id) as rows
from latest.people
left join (select * from core.unified_customers, newest where as_of = day) as wide using (customer_id)
group by people.customer_id having count(wide.customer_id) <> 1
"""

# Intercom keeps what its Stripe app copied: the price of one item for one interval. Where that is all there is, it is
# the MRR, and where it differs from Stripe's one of them is late or has lost its link.
MRR_SOURCES_DIFFER = """
with one_price as (
  select links.customer_id
  from current.stripe_subscriptions as subscriptions
  join latest.links as links on links.source = 'stripe' and links.record_id = subscriptions.customer_id
  where subscriptions.status in ('active', 'past_due')
  group by all
  having count(*) = 1 and max(interval_count) = 1 and max(len(phases)) = 1
     and max(json_array_length(payload, '$.items.data')) = 1 and not bool_or(contains(payload, '"di_'))  -- a discount
), copied as (
  select links.customer_id,
         contacts.stripe_plan_price
           * case stripe_plan_interval when 'month' then 1 when 'year' then 1 / 12 when 'week' then 52 / 12
                                       when 'day' then 365 / 12 end as mrr
  from current.intercom_contacts as contacts
  join latest.links as links on links.source = 'intercom' and links.record_id = contacts.id
  where contacts.stripe_subscription_status in ('active', 'past_due')
)
select customer_id, revenue.mrr as stripe, round(max(copied.mrr), 2) as intercom, currency
from copied join one_price using (customer_id) join latest.revenue as revenue using (customer_id)
where revenue.mrr_source = 'stripe'
group by all
having abs(intercom - stripe) > 1 and abs(intercom - stripe) > 0.01 * stripe
"""


def _check(
    asset: str, name: str, description: str, sql: str, severity: dg.AssetCheckSeverity
) -> dg.AssetChecksDefinition:
    """A check that passes where the query finds nothing, and shows what it finds: ids and figures, nobody's name."""

    blocking = severity == dg.AssetCheckSeverity.ERROR

    @dg.asset_check(asset=asset.split("/"), name=name, description=description, blocking=blocking)
    def check(lake: LakeResource, catalogue: DuckDBResource) -> dg.AssetCheckResult:
        views.renew(lake.open())
        with catalogue.get_connection() as connection:
            cursor = connection.execute(sql)
            columns, rows = [column[0] for column in cursor.description], cursor.fetchall()
        told: dict[str, dg.MetadataValue | int] = {"found": len(rows), "query": dg.MetadataValue.md(f"```sql{sql}```")}
        if rows:
            records = [dict(zip(columns, map(str, row), strict=True)) for row in rows[:SHOWN]]
            told["rows"] = dg.MetadataValue.table([dg.TableRecord(record) for record in records])
        return dg.AssetCheckResult(passed=not rows, severity=severity, metadata=told)

    return check


CHECKS = [
    _check(
        "core/unified_customers",
        "one_row_for_every_person",
        "Everybody in identity/people has one row in the newest day.",
        ONE_ROW_EACH,
        dg.AssetCheckSeverity.ERROR,
    ),
    _check(
        "core/revenue",
        "mrr_sources_agree",
        "Stripe and what Intercom copied of it differ by no more than 1 % and 1 unit, where one price is all there is.",
        MRR_SOURCES_DIFFER,
        dg.AssetCheckSeverity.WARN,
    ),
]
