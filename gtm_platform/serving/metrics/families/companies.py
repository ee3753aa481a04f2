"""How many companies there are in the cohorts, what they pay, how they do, and what speaks for them."""

import ibis

from gtm_platform.cohorts.company_cohorts import STRENGTHS
from gtm_platform.cohorts.transitions import DORMANT
from gtm_platform.cohorts.validation_errors import TABLE as ERRORS
from gtm_platform.lake.contracts import Column
from gtm_platform.serving.metrics.metric import AMOUNT, TODAY, Days, Metric, Population
from gtm_platform.unified.companies import CONTRACT, TABLE

BY_COHORT = {"cohort": "customer_cohort"}
STRONG = STRENGTHS[:2]
OF_COMPANY = (
    "customer_cohort", "mean_health", "cohort_priority_score", "completeness_score", "chroma_customer_status",
    "signal_strength", "champion_left",
)  # fmt: skip

COMPANIES = Population(
    "companies",
    "The companies in a cohort at the end of the day.",
    f"""select {", ".join(OF_COMPANY)}, coalesce(mrr, 0)::decimal(18, 2) as mrr, coalesce(at_risk, 0) as at_risk,
            lacking.company_id is not null as is_incomplete
        from {{companies}} as company left join (
            select company_id, sum(mrr_reporting) filter (is_customer) as mrr,
                count(*) filter (is_customer and health_status not in ('healthy', 'new')) as at_risk
            from {{day}} where company_id is not null group by company_id
        ) using (company_id) left join (select distinct company_id from {{errors}}) as lacking using (company_id)
        where customer_cohort is not null""",
    {
        **{name: CONTRACT.columns[name] for name in OF_COMPANY},
        "mrr": AMOUNT,
        "at_risk": Column("int64"),
        "is_incomplete": Column("boolean"),
    },
    {"day": TODAY, "companies": Days(TABLE.key), "errors": Days(ERRORS.key, may_be_missing=True)},
    BY_COHORT,
)


def _count(condition: ibis.Value) -> ibis.Scalar:
    return condition.fill_null(False).sum().fill_null(0)


METRICS = (
    Metric(
        "companies",
        "Companies",
        "companies",
        "count of companies in a cohort",
        "Customers, partners, those in the market, those with a competitor.",
        COMPANIES,
        lambda t: t.count(),
        good="rise",
    ),
    Metric(
        "company_mrr",
        "MRR of companies",
        "money",
        "sum of the MRR of current customers of companies in a cohort",
        "In the reporting currency; customers without a company are left out.",
        COMPANIES,
        lambda t: t["mrr"].sum().fill_null(0),
        good="rise",
        decimals=2,
    ),
    Metric(
        "companies_at_risk",
        "Companies at risk",
        "companies",
        "count of companies with a current customer whose health is not healthy",
        "However many of its customers that are.",
        COMPANIES,
        lambda t: _count(t["at_risk"] > 0),
        good="fall",
    ),
    Metric(
        "mean_company_health",
        "Mean health of companies",
        "points",
        "mean over companies of the mean health score of their customers",
        "Every company counts the same, however many customers it has.",
        COMPANIES,
        lambda t: t["mean_health"].mean(),
        good="rise",
        decimals=1,
    ),
    Metric(
        "mean_priority",
        "Mean priority",
        "points",
        "mean of the priority scores of companies in a cohort",
        "0 to 100, of cohort, money and signals, by the policy.",
        COMPANIES,
        lambda t: t["cohort_priority_score"].mean(),
        good="rise",
        decimals=1,
    ),
    Metric(
        "dormant_companies",
        "Dormant companies",
        "companies",
        "count of companies of customers whose product lies idle",
        "They may pay, and nobody of them was active for longer than the policy allows.",
        COMPANIES,
        lambda t: _count(t["chroma_customer_status"] == DORMANT),
        good="fall",
    ),
    Metric(
        "strong_signals",
        "Companies with strong signals",
        "companies",
        "count of companies whose market signals are strong or very strong",
        "By what their signals that still count are worth.",
        COMPANIES,
        lambda t: _count(t["signal_strength"].isin(STRONG)),
        good="rise",
    ),
    Metric(
        "champions_left",
        "Main contacts who left",
        "companies",
        "count of companies whose main contact left",
        "Of companies in a cohort.",
        COMPANIES,
        lambda t: _count(t["champion_left"]),
        good="fall",
    ),
    Metric(
        "incomplete_companies",
        "Incomplete companies",
        "companies",
        "count of companies that lack a field that their cohort needs",
        "The table cohorts/validation_errors says which.",
        COMPANIES,
        lambda t: _count(t["is_incomplete"]),
        good="fall",
    ),
    Metric(
        "company_completeness",
        "Completeness of companies",
        "percent",
        "mean of the completeness scores of companies in a cohort",
        "Share of the fields nice to have in its cohort that are filled, 0 to 100.",
        COMPANIES,
        lambda t: t["completeness_score"].mean(),
        good="rise",
        decimals=1,
    ),
)
