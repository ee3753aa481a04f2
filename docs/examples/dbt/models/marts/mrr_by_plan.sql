-- What current customers of each plan paid a month, and how many are at risk, day by day.
select
    as_of,
    plan_tier,
    count(*) as customers,
    sum(mrr) as mrr,
    count(case when health_status in ('at_risk', 'high_risk', 'critical') then 1 end) as customers_at_risk
from {{ ref('stg_customers') }}
group by as_of, plan_tier
