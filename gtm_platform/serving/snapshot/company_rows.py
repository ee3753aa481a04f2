"""The companies of a snapshot, with what their current customers come to."""

from gtm_platform.identity.companies import CONTRACT
from gtm_platform.lake.contracts import Column
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.serving.snapshot.documents import fields, shown_to_all
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.layout import COMPANIES, CUSTOMERS

ROWS_AT_ONCE = 2_000
# What is shown of a company besides the columns of its contract, each with its meaning.
TOTALS = {
    "people": Column("int64", "Everybody of the company.", nullable=False),
    "customers": Column("int64", "Its current customers.", nullable=False),
    "mrr_reporting": Column("decimal(18, 2)", "Their MRR, in the reporting currency.", nullable=False),
    "health_score": Column("float64", "Mean of their health scores; null for none."),
    "at_risk": Column("int64", "Those of them that are not healthy.", nullable=False),
    "account_managers": Column("array<string>", "Their account managers, sorted.", nullable=False),
}
SHOWN = {**shown_to_all(CONTRACT.columns), **TOTALS}


def fill(draft: Draft) -> int:
    """Write every company that has people; return how many they are."""
    lake, day = draft.landing.lake, draft.landing.day
    companies, wide = lake.query_day(COMPANIES, day), lake.query_day(CUSTOMERS, day)
    body = f"{fields(shown_to_all(CONTRACT.columns), 'company')}, {fields(TOTALS, 'totals')}"
    number = 0
    with cursor() as connection, lake.naming_damage(lambda: [*companies.files, *wide.files]):
        connection.execute(f"""
            with totals as (
                select company_id, count(*) as people,
                    count(*) filter (is_customer) as customers,
                    coalesce(sum(mrr_reporting) filter (is_customer), 0)::decimal(18, 2) as mrr_reporting,
                    round(avg(health_score), 1) as health_score,
                    count(*) filter (is_customer and health_status <> 'healthy') as at_risk,
                    coalesce(list_sort(list(distinct assigned_am) filter (is_customer and assigned_am is not null)), [])
                        as account_managers
                from ({wide.sql}) where company_id is not null group by company_id
            )
            select company_id, company.domain, totals.customers, totals.mrr_reporting::double, totals.health_score,
                to_json({{{body}}})::varchar
            from ({companies.sql}) as company join totals using (company_id) order by company_id""")
        while rows := connection.fetchmany(ROWS_AT_ONCE):
            draft.db.executemany(
                "insert into companies values (?, ?, ?, ?, ?, ?, ?)",
                ((id, *row) for id, row in enumerate(rows, number + 1)),
            )
            number += len(rows)
    return number
