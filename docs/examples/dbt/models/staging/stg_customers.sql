-- Current customers on each day, with what is needed of them.
select
    as_of,
    customer_id,
    company_id,
    coalesce(plan_tier, 'none') as plan_tier,
    coalesce(mrr_reporting, 0) as mrr,
    health_status
from {{ source('gtm', 'unified_customers') }}
where is_customer
