"""How many companies each cohort has, what they come to, and what their rows lack."""

from typing import Any

from gtm_platform.cohorts.company_cohorts import COHORTS
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.layout import COHORT_ERRORS, COMPANIES

FIGURES = ("companies", "people", "customers", "mrr", "mean_health", "mean_priority", "completeness", "dormant")


def make(draft: Draft) -> dict[str, Any]:
    """Return each cohort with its figures, also an empty one, and the fields that are missing."""
    lake, day = draft.landing.lake, draft.landing.day
    companies, errors = lake.query_day(COMPANIES, day), lake.query_day(COHORT_ERRORS, day)
    with cursor() as connection, lake.naming_damage(lambda: [*companies.files, *errors.files]):
        sizes = connection.execute(f"""
            select customer_cohort, count(*), sum(people)::bigint, sum(customers)::bigint,
                sum(chroma_cloud_mrr)::double, round(avg(mean_health), 1), round(avg(cohort_priority_score), 1),
                round(avg(completeness_score), 1), count(*) filter (chroma_customer_status = 'dormant')
            from ({companies.sql}) where customer_cohort is not null group by all""").fetchall()
        missing = connection.execute(f"""
            select customer_cohort, field, error, count(*) from ({errors.sql}) group by all order by all""").fetchall()
    figures = {cohort: dict(zip(FIGURES, values, strict=True)) for cohort, *values in sizes}
    empty = dict.fromkeys(FIGURES, 0) | dict.fromkeys(("mean_health", "mean_priority", "completeness"))
    names = ("cohort", "field", "error", "companies")
    return {
        "cohorts": [{"cohort": cohort, **figures.get(cohort, empty)} for cohort in COHORTS],
        "missing": [dict(zip(names, row, strict=True)) for row in missing],
    }


FACT = Fact("cohorts", "The cohorts of companies with their figures, and the fields that their companies lack.", make)
