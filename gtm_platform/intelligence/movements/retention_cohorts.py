"""`intelligence/retention_cohorts`: who still pays of those who began in a month, and how much.

A month that is over stays as it was on its last day. Months before the platform's first day are reconstructed once,
from when subscriptions began and ended, each at what it was last worth: they know of no expansion by price.
"""

import ibis

from gtm_platform.intelligence.movements.counted import in_reporting
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, PreviousDay
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.policy import OURS, Policy
from gtm_platform.policy import policy as current_policy

OBSERVED, RECONSTRUCTED = "observed", "reconstructed"
COUNTED = ("active", "past_due", "canceled")

CONTRACT = Contract(
    {
        "cohort": Column("date", "First day of the month in which its customers began to pay.", nullable=False),
        "month": Column("date", "First day of the month that is looked at.", nullable=False),
        "age": Column("int64", "Months from the one to the other.", nullable=False, rule=lambda v: v >= 0),
        "until": Column(
            "date", "The day at whose end it is looked at: the month's last, or the newest.", nullable=False
        ),
        "basis": Column(
            "string",
            "observed, or reconstructed from when subscriptions began and ended.",
            nullable=False,
            rule=lambda v: v.isin((OBSERVED, RECONSTRUCTED)),
        ),
        "customers": Column("int64", "Who of the cohort pays.", nullable=False),
        "mrr": Column("int64", "What they pay by the month, in minor units of the reporting currency.", nullable=False),
        "cohort_customers": Column("int64", "Who of it paid at the end of its first month; null for nobody."),
        "cohort_mrr": Column("int64", "What they paid then."),
        "customer_retention": Column("float64", "customers ÷ cohort_customers."),
        "mrr_retention": Column("float64", "mrr ÷ cohort_mrr; above 1 where they pay more than at first."),
    },
    key=("cohort", "month"),
    about="The retention triangle of customers and of money: a row per month of first payment and month since.",
    figures={"cohorts": lambda t: t["cohort"].nunique(), "reconstructed": lambda t: (t["basis"] != OBSERVED).sum()},
)
COUNTS = ("cohort", "month", "until", "basis", "customers", "mrr")


def table(
    subscriptions: ibis.Table, revenue: ibis.Table, moved: ibis.Table, previous: ibis.Table, policy: Policy, day: Day
) -> ibis.Table:
    """Return the months that are over and the one that the day is in."""
    began = _began(subscriptions, revenue)
    month = as_scalar(day).truncate("M")
    now = _now(moved, began, day, month)
    earlier = previous.filter(previous["month"] < month).select(*COUNTS)
    rows = now.union(earlier, _reconstructed(subscriptions, began, previous, policy, month)).view()
    first = rows.filter(rows["cohort"] == rows["month"])
    first = first.select("cohort", cohort_customers="customers", cohort_mrr="mrr")
    rows = rows.left_join(first, "cohort", rname="{name}_of_first")
    return rows.select(
        *COUNTS,
        "cohort_customers",
        "cohort_mrr",
        age=_months(rows["month"]) - _months(rows["cohort"]),
        customer_retention=_share(rows["customers"], rows["cohort_customers"]),
        mrr_retention=_share(rows["mrr"], rows["cohort_mrr"]),
    )


def _began(subscriptions: ibis.Table, revenue: ibis.Table) -> ibis.Table:
    """Return [customer_id, cohort]: by the first payment, or without one by the first subscription."""
    counts = subscriptions.filter(subscriptions["is_leading"] & subscriptions["status"].isin(COUNTED))
    first = counts.group_by("customer_id").agg(started=counts["started_at"].min())
    rows = left_join_all(revenue.select("customer_id", "first_paid_at"), [first])
    at = ibis.coalesce(rows["first_paid_at"], rows["started"])
    rows = rows.select("customer_id", cohort=at.date().truncate("M"))
    return rows.filter(rows["cohort"].notnull()).view()


def _now(moved: ibis.Table, began: ibis.Table, day: Day, month: ibis.ir.DateScalar) -> ibis.Table:
    ours = moved.filter(moved["mrr_policy"] == OURS)
    sums = ours.group_by("customer_id").agg(mrr=ours["closing"].sum())
    paying = sums.filter(sums["mrr"] > 0).left_join(began, "customer_id", rname="{name}_of_began")
    paying = paying.mutate(cohort=ibis.ifelse(paying["cohort"] <= month, paying["cohort"], month).fill_null(month))
    counts = paying.group_by("cohort").agg(customers=paying.count(), mrr=paying["mrr"].sum())
    return counts.select(
        "cohort", month=month, until=as_scalar(day), basis=ibis.literal(OBSERVED), customers="customers", mrr="mrr"
    )


def _reconstructed(
    subscriptions: ibis.Table, began: ibis.Table, previous: ibis.Table, policy: Policy, month: ibis.ir.DateScalar
) -> ibis.Table:
    """Return the months before the first day, where the day is the first; else none."""
    made = previous.aggregate(days=previous.count())
    rows = subscriptions.cross_join(made)
    rows = rows.filter((rows["days"] == 0) & rows["is_leading"] & rows["status"].isin(COUNTED))
    currency = rows["currency"].fill_null(policy.money.reporting_currency).lower()
    worth = ibis.ifelse(rows["status"] == "canceled", rows["list_mrr"], rows["mrr"])
    rows = rows.mutate(worth=in_reporting(money.minor(worth, currency), currency, policy.money))
    rows = rows.filter(rows["worth"] > 0).join(began, "customer_id", rname="{name}_of_began")
    ago = ibis.range(1, policy.revenue.cohort_months + 1).unnest()
    rows = rows.select("customer_id", "cohort", "worth", "started_at", "ended_at", ago=ago)
    end = (month - ibis.interval(months=1) * (rows["ago"] - 1)).cast("timestamp('UTC', 6)")  # with which it is over
    rows = rows.mutate(end=end)
    runs = (rows["started_at"] < rows["end"]) & (rows["ended_at"].isnull() | (rows["ended_at"] >= rows["end"]))
    rows = rows.mutate(until=(rows["end"] - ibis.interval(days=1)).date())
    rows = rows.filter(runs, rows["cohort"] <= rows["until"])
    counts = rows.group_by("cohort", "until").agg(
        customers=rows["customer_id"].nunique(), mrr=rows["worth"].sum().cast("int64")
    )
    return counts.select(
        "cohort",
        "until",
        "customers",
        "mrr",
        month=counts["until"].truncate("M"),
        basis=ibis.literal(RECONSTRUCTED),
    ).select(*COUNTS)


def _months(day: ibis.ir.DateValue) -> ibis.ir.IntegerValue:
    months: ibis.ir.IntegerValue = day.year().cast("int64") * 12 + day.month().cast("int64")
    return months


def _share(part: ibis.Value, whole: ibis.Value) -> ibis.ir.FloatingValue:
    share: ibis.ir.FloatingValue = part.cast("float64") / whole.cast("float64").nullif(0)
    return share


TABLE = DailyTable(
    "intelligence/retention_cohorts",
    CONTRACT,
    inputs={
        "subscriptions": "core/subscriptions",
        "revenue": "core/revenue",
        "moved": "intelligence/mrr_movements",
        "previous": PreviousDay("intelligence/retention_cohorts"),
        "policy": current_policy,
    },
    rule=table,
)
