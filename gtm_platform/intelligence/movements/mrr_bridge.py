"""`intelligence/mrr_bridge`: why a customer's MRR is another by another definition, to the cent.

From our definition to each of the compared, one setting after the other is changed; what each changes is its cause.
What is left in the end is what a definition that follows no rates has of older ones.
"""

import ibis

from gtm_platform.intelligence.movements.counted import CAUSES, FX, book, in_reporting, steps
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day
from gtm_platform.policy import OURS, Policy
from gtm_platform.policy import policy as current_policy

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "to_policy": Column("string", "The definition of MRR that ours is compared with.", nullable=False),
        "cause": Column("string", ", ".join(CAUSES) + ".", nullable=False, rule=lambda v: v.isin(CAUSES)),
        "amount": Column(
            "int64", "What is added to our MRR, in minor units of the reporting currency.", nullable=False
        ),
    },
    key=("customer_id", "to_policy", "cause"),
    about="What leads from a customer's MRR by our definition to its MRR by another: closing of ours + amounts = "
    "closing of the other in intelligence/mrr_movements, exactly.",
    figures={"customers": lambda t: t["customer_id"].nunique(), "amount": lambda t: t["amount"].sum()},
)


def table(subscriptions: ibis.Table, moved: ibis.Table, policy: Policy, day: Day) -> ibis.Table:
    """Return a row per customer, other definition and cause that changes anything."""
    ours, *compared = policy.mrr_policies
    paths = {other.name: list(steps(ours, other)) for other in compared}
    distinct = {rules for path in paths.values() for _, rules in path} | {ours}
    names = {rules: f"amount_{place}" for place, rules in enumerate(sorted(distinct, key=repr))}
    amounts = book(subscriptions, {name: rules for rules, name in names.items()}, policy.money, day)
    worth = amounts.select(
        "customer_id",
        **{name: in_reporting(amounts[name], amounts["currency"], policy.money) for name in names.values()},
    )
    sums = worth.group_by("customer_id").agg(**{name: worth[name].sum() for name in names.values()})
    closings = moved.group_by("customer_id").agg(
        **{f"closing_{name}": moved["closing"].sum(where=moved["mrr_policy"] == name) for name in (OURS, *paths)}
    )
    both = closings.left_join(sums, "customer_id", rname="{name}_of_sums")
    changes = []
    for other, path in paths.items():
        before: ibis.Value = both[f"closing_{OURS}"].fill_null(0)
        for cause, rules in path:
            after = both[names[rules]].fill_null(0)
            changes.append({"to_policy": other, "cause": cause, "amount": after - before})
            before = after
        rest = both[f"closing_{other}"].fill_null(0) - before
        changes.append({"to_policy": other, "cause": FX, "amount": rest})
    each = ibis.array([ibis.struct(change) for change in changes])
    rows = both.select("customer_id", each=each.unnest())
    rows = rows.select("customer_id", **{name: rows["each"][name] for name in ("to_policy", "cause", "amount")})
    return rows.filter(rows["amount"] != 0)


TABLE = DailyTable(
    "intelligence/mrr_bridge",
    CONTRACT,
    inputs={
        "subscriptions": "core/subscriptions",
        "moved": "intelligence/mrr_movements",
        "policy": current_policy,
    },
    rule=table,
)
