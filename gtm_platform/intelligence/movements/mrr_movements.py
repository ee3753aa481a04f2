"""`intelligence/mrr_movements`: what became of each customer's MRR since the period began.

A day goes on from the newest one before it: its opening is what that had as closing, where a period begins, and else
its opening. So every opening is a closing, and nothing of after the day is used.
"""

from typing import Any

import ibis

from gtm_platform.intelligence.movements.counted import book, in_reporting
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, PreviousDay
from gtm_platform.lake.expressions import movements
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

GAINS, LOSSES = ("new", "reactivation", "expansion"), ("contraction", "churn")
KINDS = (*GAINS, *LOSSES)
KEY = ("mrr_policy", "customer_id", "currency")
UNITS = {"day": "D", "week": "W", "month": "M"}
CARRIED = ("opening_minor", "closing_minor", "opening", "closing")

CONTRACT = Contract(
    {
        "mrr_policy": Column(
            "string", "The definition of MRR: ours, or one of `[[revenue.compared]]`.", nullable=False
        ),
        "customer_id": Column("string", "The customer.", nullable=False),
        "currency": Column("string", "Of the subscriptions.", nullable=False),
        "period_start": Column("date", "First day of the period that the day is in.", nullable=False),
        "had_mrr": Column("boolean", "It had MRR, or paid, at some time before the period.", nullable=False),
        "opening_minor": Column("int64", "When the period began, in minor units of the currency.", nullable=False),
        "closing_minor": Column("int64", "At the end of the day, in minor units of the currency.", nullable=False),
        "opening": Column("int64", "When the period began, in minor units of the reporting currency.", nullable=False),
        "fx": Column("int64", "What another rate alone did to the opening.", nullable=False),
        **{
            name: Column(
                "int64",
                f"{name.capitalize()}, as the customer moved over all its currencies; of a currency it may be below 0.",
                nullable=False,
            )
            for name in KINDS
        },
        "closing": Column("int64", "At the end of the day, in minor units of the reporting currency.", nullable=False),
    },
    key=KEY,
    about="Opening + fx + new + reactivation + expansion − contraction − churn = closing, for each customer, currency "
    "and definition of MRR, over the policy's period to the day.",
    figures={
        name: (lambda t, column=name: t[column].sum(where=t["mrr_policy"] == "ours"))  # type: ignore[misc]
        for name in ("opening", *KINDS, "closing")
    },
)


def table(
    subscriptions: ibis.Table, revenue: ibis.Table, people: ibis.Table, previous: ibis.Table, policy: Policy, day: Day
) -> ibis.Table:
    """Return a row per definition, customer and currency with an amount at either end, or before."""
    start = as_scalar(day).truncate(UNITS[policy.revenue.period])
    rows = _both_ends(_now(subscriptions, policy, day), _before(previous, people, start), previous)
    rows = rows.left_join(revenue.select("customer_id", "first_paid_at"), "customer_id", rname="{name}_of_revenue")
    paid = (rows["first_paid_at"].date() < start).fill_null(False)
    rows = rows.mutate(had_mrr=rows["had_mrr"] | paid)
    rows = rows.filter((rows["opening_minor"] != 0) | (rows["closing_minor"] != 0) | rows["had_mrr"])
    return _moved(_valued(rows, policy), start)


def _now(subscriptions: ibis.Table, policy: Policy, day: Day) -> ibis.Table:
    """Return [*KEY, closing_minor] of the day."""
    definitions = {rules.name: rules for rules in policy.mrr_policies}
    amounts = book(subscriptions, definitions, policy.money, day)
    each = ibis.array([ibis.struct({"name": name, "amount": amounts[name]}) for name in definitions])
    rows = amounts.select("customer_id", "currency", each=each.unnest())
    return rows.select(
        "customer_id",
        "currency",
        mrr_policy=rows["each"]["name"],
        closing_minor=rows["each"]["amount"],
    )


def _before(previous: ibis.Table, people: ibis.Table, start: ibis.ir.DateScalar) -> ibis.Table:
    """Return [*KEY, opening_minor, opening, had_mrr] as the period began, of who was merged in one."""
    goes_on = previous["period_start"] == start
    had = previous["had_mrr"] | (~goes_on & (previous["closing_minor"] > 0))
    rows = previous.mutate(
        opening_minor=ibis.ifelse(goes_on, previous["opening_minor"], previous["closing_minor"]),
        opening=ibis.ifelse(goes_on, previous["opening"], previous["closing"]),
        had_mrr=had,
    )
    merged = people.select(alias=people["aliases"].unnest(), into="customer_id")
    rows = rows.left_join(merged, rows["customer_id"] == merged["alias"])
    rows = rows.mutate(customer_id=ibis.coalesce(rows["into"], rows["customer_id"]))
    return rows.group_by(*KEY).agg(
        opening_minor=rows["opening_minor"].sum(), opening=rows["opening"].sum(), had_mrr=rows["had_mrr"].any()
    )


def _both_ends(now: ibis.Table, before: ibis.Table, previous: ibis.Table) -> ibis.Table:
    """Return both ends side by side; of a definition that no day has yet, the opening is the closing."""
    names = previous.select("mrr_policy").distinct().mutate(is_followed=True)
    rows = now.outer_join(before, list(KEY), rname="{name}_before")
    rows = rows.mutate(**{name: ibis.coalesce(rows[name], rows[f"{name}_before"]) for name in KEY})
    rows = rows.left_join(names, "mrr_policy", rname="{name}_of_names")
    is_first = rows["is_followed"].isnull()
    closing = rows["closing_minor"].fill_null(0)
    opening = ibis.ifelse(is_first, closing, rows["opening_minor"].fill_null(0))
    return rows.select(
        *KEY,
        is_first=is_first,
        closing_minor=closing,
        opening_minor=opening,
        opening=rows["opening"].fill_null(0),
        had_mrr=rows["had_mrr"].fill_null(False),
    )


def _valued(rows: ibis.Table, policy: Policy) -> ibis.Table:
    """Add opening, `opening_now` (at the rate of the day) and closing in the reporting currency."""

    def worth(name: str) -> ibis.ir.IntegerValue:
        return in_reporting(rows[name], rows["currency"], policy.money)

    opening = ibis.ifelse(rows["is_first"], worth("opening_minor"), rows["opening"])
    keeps_rate = rows["mrr_policy"].isin([rules.name for rules in policy.mrr_policies if rules.fx == "none"])
    # Where rates move nothing, what is left keeps the rate that it came with, and what is more comes at today's.
    gain = rows["closing_minor"] - rows["opening_minor"]
    shared = (
        opening.cast("float64")
        * rows["closing_minor"].cast("float64")
        / rows["opening_minor"].cast("float64").nullif(0)
    )
    kept = ibis.ifelse(
        gain >= 0, opening + in_reporting(gain, rows["currency"], policy.money), shared.round().cast("int64")
    )
    return rows.mutate(
        opening=opening,
        opening_now=ibis.ifelse(keeps_rate, opening, worth("opening_minor")),
        closing=ibis.ifelse(keeps_rate, kept, worth("closing_minor")),
    )


def _moved(rows: ibis.Table, start: ibis.ir.DateScalar) -> ibis.Table:
    """Name what happened to each customer, over all of its currencies."""
    customers = rows.group_by("mrr_policy", "customer_id").agg(
        before=rows["opening_now"].sum(), after=rows["closing"].sum(), had=rows["had_mrr"].any()
    )
    rows = rows.join(customers, ["mrr_policy", "customer_id"])
    before, after, change = rows["before"], rows["after"], rows["closing"] - rows["opening_now"]
    came = movements.came(before, after)
    churned, shrank = movements.left(before, after), movements.shrank(before, after)
    happened: dict[str, Any] = {
        "new": (came & ~rows["had"], change),
        "reactivation": (came & rows["had"], change),
        # What only moved from a currency to another is summed here, to nothing.
        "expansion": (~came & ~churned & ~shrank, change),
        "contraction": (shrank, -change),
        "churn": (churned, -change),
    }
    return rows.select(
        *KEY,
        "had_mrr",
        *CARRIED,
        period_start=start,
        fx=rows["opening_now"] - rows["opening"],
        **{name: ibis.ifelse(holds, amount, 0).cast("int64") for name, (holds, amount) in happened.items()},
    )


TABLE = DailyTable(
    "intelligence/mrr_movements",
    CONTRACT,
    inputs={
        "subscriptions": "core/subscriptions",
        "revenue": "core/revenue",
        "people": "identity/people",
        "previous": PreviousDay("intelligence/mrr_movements"),
        "policy": current_policy,
    },
    rule=table,
    in_part=True,
    whole=("previous",),  # in which one may still be who went into another since
)
