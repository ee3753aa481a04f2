"""`intelligence/expansion_opportunities`: the signs that a paying company may buy more, with what speaks for each.

Which signs count, and which share of its MRR is at stake with each, is the policy's: `[revenue.expansion]`.
"""

import ibis

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import Day, within
from gtm_platform.lake.expressions.literals import number
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

NEAR_LIMIT, NEW_PEOPLE, HIRING = SIGNS = ("near_limit", "new_people", "hiring")

CONTRACT = Contract(
    {
        "company_id": Column("string", "The company.", nullable=False),
        "sign": Column("string", ", ".join(SIGNS) + ".", nullable=False, rule=lambda v: v.isin(SIGNS)),
        "evidence": Column("string", "What speaks for it, with its figure.", nullable=False),
        "mrr": Column("int64", "What the company pays, in minor units of the reporting currency.", nullable=False),
        "at_stake": Column("int64", "The share of it that the policy names for the sign.", nullable=False),
        "is_largest": Column(
            "boolean", "Of the signs of its company that with the most at stake: sums count these.", nullable=False
        ),
    },
    key=("company_id", "sign"),
    about="Paying companies that use much of their limits, whose people came lately, or that hire.",
    figures={
        "companies": lambda t: t["company_id"].nunique(),
        "at_stake": lambda t: t["at_stake"].sum(where=t["is_largest"]),
    },
)


def table(
    accounts: ibis.Table, cohorts: ibis.Table, people: ibis.Table, profile: ibis.Table, policy: Policy, day: Day
) -> ibis.Table:
    """Return a row per paying company and sign that it shows."""
    rules = policy.revenue.expansion
    signed_up = profile.filter(within(profile["signup_at"], day, rules.new_people_days))
    of_companies = people.filter(people["company_id"].notnull()).select("customer_id", "company_id")
    newcomers = of_companies.semi_join(signed_up, "customer_id").view()
    newcomers = newcomers.group_by("company_id").agg(new_people=newcomers.count())
    rows = accounts.filter(accounts["mrr"] > 0).select("company_id", "limit_share", amount="mrr")
    rows = rows.left_join(newcomers, "company_id", rname="{name}_of_newcomers")
    hiring = cohorts.select("company_id", "ai_hiring_status", "ai_job_count")
    rows = rows.left_join(hiring, "company_id", rname="{name}_of_hiring")
    rows = rows.mutate(mrr=money.minor(rows["amount"], ibis.literal(policy.money.reporting_currency)))
    used = (rows["limit_share"] * 100).round().cast("int64").cast("string")
    signs = {
        NEAR_LIMIT: (rows["limit_share"] >= number(rules.limit_share), used + " % of its limits", rules.limit_stake),
        NEW_PEOPLE: (
            rows["new_people"] >= rules.new_people,
            rows["new_people"].cast("string") + f" people signed up in {rules.new_people_days} days",
            rules.new_people_stake,
        ),
        HIRING: (
            rows["ai_hiring_status"].isin([f"actively_hiring_{level}" for level in rules.hiring]),
            rows["ai_job_count"].cast("string") + " open AI jobs",
            rules.hiring_stake,
        ),
    }
    each = [
        ibis.struct(
            {
                "sign": sign,
                "shows": shows.fill_null(False),
                "evidence": evidence,
                "at_stake": (rows["mrr"].cast("float64") * number(share)).round().cast("int64"),
            }
        )
        for sign, (shows, evidence, share) in signs.items()
    ]
    listed = rows.select("company_id", "mrr", each=ibis.array(each).unnest())
    listed = listed.select(
        "company_id", "mrr", **{name: listed["each"][name] for name in ("sign", "shows", "evidence", "at_stake")}
    )
    listed = listed.filter(listed["shows"]).drop("shows")
    place = ibis.row_number().over(group_by="company_id", order_by=[ibis.desc("at_stake"), ibis.asc("sign")])
    return listed.mutate(is_largest=place == 0)


TABLE = DailyTable(
    "intelligence/expansion_opportunities",
    CONTRACT,
    inputs={
        "accounts": "cohorts/company_accounts",
        "cohorts": "cohorts/company_cohorts",
        "people": "identity/people",
        "profile": "core/profile",
        "policy": current_policy,
    },
    rule=table,
)
