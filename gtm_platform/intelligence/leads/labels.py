"""Which leads were won after a day: paid for the first time, or had a deal won, within the policy's horizon.

Asked of the lake's own days of `intelligence/lead_features`, up to the end of the horizon and not beyond.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import pyarrow as pa

from gtm_platform.intelligence.leads.features import FEATURES
from gtm_platform.intelligence.leads.features import TABLE as FEATURE_TABLE
from gtm_platform.intelligence.models.monthly import HAPPENED_ON, OUTCOME, require_over
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.file_query import quoted
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Policy

PEOPLE, COMPANIES = "identity/people", "identity/companies"
# Who is which lead at the end: people who were merged, who got a company since, and companies that were merged.
SAME = """select former, min(lead) as lead from (
    select unnest(list_append(aliases, customer_id)) as former, coalesce(company_id, customer_id) as lead from {people}
    union all select unnest(former_ids), company_id from {companies}
) where former <> lead group by former"""
WON = """select coalesce(lead, lead_id) as lead_id, min(day) as won_on
    from {until} left join same on former = lead_id where is_won group by all"""
LABELLED = """with same as ({same}), won as ({won}),
    asked as (select coalesce(lead, lead_id) as lead_id, day, {columns}
        from {asked} left join same on former = lead_id where in_scope)
select distinct on (lead_id, day) lead_id, day, coalesce(won_on <= day + {horizon}, false) as {outcome},
    case when won_on <= day + {horizon} then won_on end as {happened_on}, {columns}
from asked left join won using (lead_id) where won_on is null or won_on > day order by all"""


def labelled(lake: Lake, days: Sequence[date], policy: Policy) -> pa.Table:
    """Return [lead_id, day, outcome, happened_on, …features] of the leads in scope on some days.

    Leads that were merged are one, and a person who got a company is that company. Who was won before is no lead.
    """
    horizon = policy.intelligence.lead_horizon_days
    until = require_over(lake, FEATURE_TABLE.key, days, timedelta(days=horizon))
    made = [day for day in lake.partitions(FEATURE_TABLE.key) if str(min(days)) <= day <= str(until)]
    people, companies = (_newest(lake, table, until) for table in (PEOPLE, COMPANIES))
    query = LABELLED.format(
        same=SAME.format(people=people, companies=companies),
        won=WON.format(until=_days(lake, made)),
        asked=_days(lake, [str(day) for day in days]),
        columns=quoted(FEATURES),
        horizon=horizon,
        outcome=OUTCOME,
        happened_on=HAPPENED_ON,
    )
    with cursor() as connection, lake.naming_damage(lambda: _paths(lake)):
        return connection.execute(query).to_arrow_table()


def _newest(lake: Lake, table: str, until: date) -> str:
    """Return a query for a table on the newest day that is not after one."""
    day = max((made for made in lake.partitions(table) if made <= str(until)), default="")
    return f"({lake.query_day(table, day).sql})"


def _days(lake: Lake, days: Sequence[str]) -> str:
    files = [file for file in lake.files(FEATURE_TABLE.key) if file.partition in set(days)]
    return f"({lake.file_query(FEATURE_TABLE.key, files).sql})"


def _paths(lake: Lake) -> list[str]:
    return [path for table in (PEOPLE, COMPANIES, FEATURE_TABLE.key) for path in lake.paths(lake.files(table))]
