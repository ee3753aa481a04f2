"""`intelligence/icp_companies`: what each company is, and how it ended with us; groups and fit count these rows."""

import ibis

from gtm_platform.intelligence.leads.outcomes import COMPANY
from gtm_platform.intelligence.leads.outcomes import TABLE as OUTCOMES
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import NO_TEXTS
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

TRAITS = {
    "industry": "What it does, in small letters.",
    "size": "Its band by employees, as the policy's companies.fit has them.",
    "country": "Where it sits, in small letters.",
    "company_type": "Such as private or public, in small letters.",
    "use_case": "What it builds, by the policy's words.",
    "competitor": "The competitor that it was seen to use last.",
    "hiring": "Whether it hires for AI.",
}
TECHNOLOGY = "technology"

CONTRACT = Contract(
    {
        "company_id": Column("string", "The company.", nullable=False),
        "as_of": Column("date", "The day at whose end all of this was so.", nullable=False),
        **{name: Column("string", about) for name, about in TRAITS.items()},
        "technologies": Column(
            "array<string>", "What its job posts name, of the technologies that the most companies use.", nullable=False
        ),
        "outcome": Column("string", "won, lost or open, as intelligence/lead_outcomes has it.", nullable=False),
        "ltv": Column(money.AMOUNT, "What it paid so far, in the reporting currency; null for who never did."),
        "is_seasoned": Column(
            "boolean", "Whether its first payment is as long ago as the policy's churn_days.", nullable=False
        ),
        "left_in_time": Column("boolean", "Of these: whether it left within so many days.", nullable=False),
    },
    key=("company_id",),
    about="What each company is, whether it was won or lost, what it paid, and whether it left within the first year.",
    figures={
        "won": lambda t: (t["outcome"] == "won").sum(),
        "lost": lambda t: (t["outcome"] == "lost").sum(),
        "seasoned": lambda t: t["is_seasoned"].sum(),
    },
)


def table(outcomes: ibis.Table, companies: ibis.Table, signals: ibis.Table, policy: Policy, day: Day) -> ibis.Table:
    """Return a row per company."""
    rules = policy.intelligence.icp
    sizes = policy.companies.fit.sizes
    described = companies.select(
        "company_id",
        industry=companies["industry"].lower(),
        size=_band(companies["employee_count"], sizes),
        country=companies["country"].lower(),
        company_type=companies["company_type"].lower(),
        use_case=companies["use_case_detected"],
        competitor=companies["current_vector_db"],
        hiring=companies["ai_hiring_status"],
    )
    ended = outcomes.filter(outcomes["kind"] == COMPANY)
    ended = ended.select("outcome", "ltv", "first_paid_on", "left_on", company_id="lead_id")
    rows = left_join_all(ended, [described, _technologies(signals, rules.most_technologies)], "company_id")
    today = as_scalar(day).epoch_days()
    since = rows["first_paid_on"].epoch_days()
    seasoned = (today - since >= rules.churn_days).fill_null(False)
    stayed = rows["left_on"].epoch_days() - since
    return rows.mutate(
        as_of=as_scalar(day),
        technologies=ibis.coalesce(rows["technologies"], NO_TEXTS),
        ltv=ibis.ifelse(rows["first_paid_on"].notnull(), rows["ltv"], ibis.null(money.AMOUNT)),
        is_seasoned=seasoned,
        left_in_time=seasoned & (stayed <= rules.churn_days).fill_null(False),
    ).select(*CONTRACT.columns)


def _band(employees: ibis.ir.IntegerValue, sizes: tuple[int, ...]) -> ibis.ir.StringValue:
    """Return a band such as 11–50."""
    least = (1, *sizes)
    names = [f"{low}–{high - 1}" for low, high in zip(least, sizes, strict=False)] + [f"{least[-1]}+"]
    bands = reversed(list(zip(least, names, strict=True)))
    return ibis.cases(*((employees >= low, name) for low, name in bands), else_=None)


def _technologies(signals: ibis.Table, most: int) -> ibis.Table:
    """Return [company_id, technologies] of the technologies that the most companies name in job posts."""
    jobs = signals.filter(signals["kind"] == "job")
    named = jobs.select("company_id", technology=jobs["topics"].unnest()).distinct()
    used = named.group_by("technology").agg(users=named.count())
    place = ibis.row_number().over(order_by=[ibis.desc("users"), ibis.asc("technology")])
    frequent = used.mutate(place=place).filter(lambda t: t["place"] < most).select("technology")
    kept = named.view().semi_join(frequent, "technology")
    collected = kept.group_by("company_id").agg(technologies=kept["technology"].collect())
    return collected.mutate(technologies=collected["technologies"].sort())


TABLE = DailyTable(
    "intelligence/icp_companies",
    CONTRACT,
    inputs={
        "outcomes": OUTCOMES.key,
        "companies": "core/unified_companies",
        "signals": "market/signals",
        "policy": current_policy,
    },
    rule=table,
)
