"""The companies of a snapshot, with what their current customers come to, and the changes of their cohorts."""

from gtm_platform.cohorts.transitions import CONTRACT as TRANSITION
from gtm_platform.identity.companies import CONTRACT as IDENTITY
from gtm_platform.intelligence.icp.fit import TABLE as FIT
from gtm_platform.intelligence.leads.scores import TABLE as LEAD_SCORES
from gtm_platform.intelligence.models.registry import SHOWN as STAGE_SHOWN
from gtm_platform.lake.contracts import Column
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.serving.snapshot.documents import document, fields, shown_to_all
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.layout import COMPANIES, COMPANY_IDS, CUSTOMERS, TRANSITIONS
from gtm_platform.unified.companies import CONTRACT as WIDE

ROWS_AT_ONCE = 2_000
# What is shown of a company besides the columns of its contracts, each with its meaning.
TOTALS = {
    "people": Column("int64", "Everybody of the company.", nullable=False),
    "customers": Column("int64", "Its current customers.", nullable=False),
    "mrr_reporting": Column("decimal(18, 2)", "Their MRR, in the reporting currency.", nullable=False),
    "health_score": Column("float64", "Mean of their health scores; null for none."),
    "at_risk": Column("int64", "Those of them that are not healthy.", nullable=False),
    "account_managers": Column("array<string>", "Their account managers, sorted.", nullable=False),
}
# Of the wide table; a company that came about since it was made has none of it.
UNIFIED = {
    name: Column(column.type, column.about)
    for name, column in shown_to_all(WIDE.columns).items()
    if name not in IDENTITY.columns and name not in TOTALS and name != "as_of"
}
# How well it fits, and how likely it becomes a customer, where there is a signal; of a score in shadow nothing.
SCORED = {
    "win_fit": Column("float64", "How likely a company like it is won; null where that cannot be foretold."),
    "win_fit_reasons": Column("array<string>", "What adds most to that, in log-odds."),
    "lead_score": Column("float64", "How likely it becomes a customer soon; null for customers, and in shadow."),
    "lead_score_reasons": Column("array<string>", "What adds most to that, in log-odds."),
}
SHOWN = {**shown_to_all(IDENTITY.columns), **TOTALS, **UNIFIED, **SCORED}
REASONS = """list_transform(reasons[:3], lambda r: concat(
    replace(r."column", '_', ' '), ' ', coalesce(r.text, printf('%.4g', r.value), 'unknown'),
    ' (', printf('%+.2f', r.log_odds), ')'))"""


def fill(draft: Draft) -> int:
    """Write every company that has people or is in a cohort; return how many they are."""
    lake, day = draft.landing.lake, draft.landing.day
    identity, companies = lake.query_day(COMPANY_IDS, day), lake.query_day(COMPANIES, day)
    wide = lake.query_day(CUSTOMERS, day)
    fits, leads = lake.query_day(FIT.key, day), lake.query_day(LEAD_SCORES.key, day)
    parts = (
        *((shown_to_all(IDENTITY.columns), "company"), (TOTALS, "totals")),
        *((UNIFIED, "unified"), (SCORED, "scored")),
    )
    body = ", ".join(fields(columns, source) for columns, source in parts)
    number = 0
    read = [*identity.files, *companies.files, *wide.files, *fits.files, *leads.files]
    with cursor() as connection, lake.naming_damage(lambda: read):
        connection.execute(f"""
            with of_people as (
                select company_id, count(*) as people,
                    count(*) filter (is_customer) as customers,
                    coalesce(sum(mrr_reporting) filter (is_customer), 0)::decimal(18, 2) as mrr_reporting,
                    round(avg(health_score), 1) as health_score,
                    count(*) filter (is_customer and health_status not in ('healthy', 'new')) as at_risk,
                    coalesce(list_sort(list(distinct assigned_am) filter (is_customer and assigned_am is not null)), [])
                        as account_managers
                from ({wide.sql}) where company_id is not null group by company_id
            ), totals as (
                select company_id, coalesce(people, 0) as people, coalesce(customers, 0) as customers,
                    coalesce(mrr_reporting, 0)::decimal(18, 2) as mrr_reporting, health_score,
                    coalesce(at_risk, 0) as at_risk, coalesce(account_managers, []) as account_managers
                from (select company_id from ({identity.sql})) left join of_people using (company_id)
            ), scored as (
                select company_id, win_fit, win_fit_reasons, lead_score, lead_score_reasons
                from (select company_id, fit as win_fit, {REASONS} as win_fit_reasons
                    from ({fits.sql}) where len(reasons) > 0)
                full join (select lead_id as company_id, score as lead_score, {REASONS} as lead_score_reasons
                    from ({leads.sql}) where stage = '{STAGE_SHOWN}') using (company_id)
            )
            select company_id, company.domain, totals.customers, totals.mrr_reporting::double, totals.health_score,
                unified.customer_cohort, coalesce(unified.cohort_priority_score, 0), to_json({{{body}}})::varchar
            from ({identity.sql}) as company join totals using (company_id)
                left join ({companies.sql}) as unified using (company_id)
                left join scored using (company_id)
            where totals.people > 0 or unified.customer_cohort is not null order by company_id""")
        while rows := connection.fetchmany(ROWS_AT_ONCE):
            draft.db.executemany(
                "insert into companies values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                ((id, *row) for id, row in enumerate(rows, number + 1)),
            )
            number += len(rows)
    return number


def fill_transitions(draft: Draft) -> None:
    """Write the changes of cohorts in the days that are shown, the newest first."""
    lake, days = draft.landing.lake, set(draft.landing.days)
    query = lake.file_query(TRANSITIONS, [file for file in lake.files(TRANSITIONS) if file.partition in days])
    with cursor() as connection, lake.naming_damage(lambda: query.files):
        rows = connection.execute(
            f"""select change."at"::varchar, company_id, {document(TRANSITION.columns, "change")}
                from ({query.sql}) as change order by change."at" desc, company_id"""
        ).fetchall()
    draft.db.executemany("insert into transitions (day, company_id, body) values (?, ?, ?)", rows)
