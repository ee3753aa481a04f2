"""`intelligence/competitor_usage`: how many companies use each competitor's product, month by month.

Months are by the dates of the evidence, as far as it was read by the day. Between its first and its newest evidence a
company uses the product, and for the policy's days after it.
"""

import ibis

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

CONTRACT = Contract(
    {
        "competitor": Column("string", "The competitor, as the policy names it.", nullable=False),
        "month": Column("date", "First day of the month.", nullable=False),
        "until": Column("date", "The day at whose end it is looked at: the month's last, or the day.", nullable=False),
        "is_current": Column("boolean", "The month that the day is in.", nullable=False),
        "companies": Column("int64", "Companies that use it then.", nullable=False, rule=lambda v: v >= 0),
        "customers": Column("int64", "Of them, companies with an account of ours on the day.", nullable=False),
        "first_seen": Column("int64", "Companies that were seen to use it first in the month.", nullable=False),
        "last_seen": Column("int64", "Companies whose newest evidence is of the month.", nullable=False),
    },
    key=("competitor", "month"),
    about="Use of each competitor's product by month, by evidence that is certain enough to act upon.",
    figures={
        "companies": lambda t: t["companies"].sum(where=t["is_current"]),
        "first_seen": lambda t: t["first_seen"].sum(where=t["is_current"]),
    },
)


def table(usage: ibis.Table, accounts: ibis.Table, policy: Policy, day: Day) -> ibis.Table:
    """Return a row per competitor and month, from the first month in which it was seen."""
    rules = policy.competition
    certain = usage.filter(usage["first_certain_at"].notnull()).select(
        "company_id",
        competitor="vector_db",
        first=usage["first_certain_at"].date(),
        last=usage["last_seen_at"].date(),
    )
    certain = certain.filter(certain["first"] <= as_scalar(day))
    certain = left_join_all(certain, [accounts.select("company_id", "is_signed_up")], "company_id")
    this_month = as_scalar(day).truncate("M")
    certain = certain.view()
    rows = certain.select("competitor", "first", "last", "is_signed_up", ago=ibis.range(0, rules.months).unnest())
    month = (this_month - ibis.interval(months=1) * rows["ago"]).cast("date")
    rows = rows.mutate(month=month, is_current=rows["ago"] == 0)
    last_day = (rows["month"] + ibis.interval(months=1) - ibis.interval(days=1)).cast("date")
    rows = rows.mutate(until=ibis.ifelse(rows["is_current"], as_scalar(day), last_day))
    rows = rows.filter(rows["first"] <= rows["until"]).view()
    idle = rows["until"].epoch_days() - rows["last"].epoch_days()
    uses = idle < rules.in_use_days
    in_month = {name: (rows[name] >= rows["month"]) & (rows[name] <= rows["until"]) for name in ("first", "last")}
    return rows.group_by("competitor", "month", "until", "is_current").agg(
        companies=rows.count(where=uses),
        customers=rows.count(where=uses & rows["is_signed_up"].fill_null(False)),
        first_seen=rows.count(where=in_month["first"]),
        last_seen=rows.count(where=in_month["last"]),
    )


TABLE = DailyTable(
    "intelligence/competitor_usage",
    CONTRACT,
    inputs={"usage": "competitor_intel/usage", "accounts": "cohorts/company_accounts", "policy": current_policy},
    rule=table,
)
