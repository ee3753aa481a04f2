"""How often companies are won and leave, and how many are leads."""

from gtm_platform.intelligence.icp.groups import ALL, CONTRACT, TABLE
from gtm_platform.serving.metrics.metric import Days, Metric, Population

COLUMNS = ("companies", "win_rate", "churn_rate", "ltv")
EVERY = Population(
    "icp",
    "Every company, at the end of the day.",
    f"select {', '.join(COLUMNS)} from {{groups}} where trait = '{ALL}'",
    {name: CONTRACT.columns[name] for name in COLUMNS},
    {"groups": Days(TABLE.key, may_be_missing=True)},
    {},
)
METRICS = (
    Metric(
        "win_rate",
        "Win rate",
        "share",
        "companies that paid or had a deal won ÷ these and those with lost deals alone",
        "By company, however many deals it has; intelligence/icp_groups has it by what companies are.",
        EVERY,
        lambda t: t["win_rate"].max(),
        good="rise",
        decimals=3,
    ),
    Metric(
        "company_ltv",
        "LTV of a company",
        "money",
        "mean of what companies that ever paid have paid so far",
        "Net of refunds, in the reporting currency.",
        EVERY,
        lambda t: t["ltv"].max(),
        good="rise",
        decimals=2,
    ),
    Metric(
        "first_year_churn",
        "Churn within the first year",
        "share",
        "companies that left within the policy's churn_days of their first payment ÷ those that paid so long ago",
        "By company; a year by default ([intelligence.icp] of the policy).",
        EVERY,
        lambda t: t["churn_rate"].max(),
        good="fall",
        decimals=3,
    ),
)
