"""`intelligence/movement_bridge`: why a customer moved otherwise by another definition of MRR, by kind, to the cent.

By every definition a customer moves as a whole: one of several subscriptions that ends is contraction, the last one
that counts is churn. Which is the last differs where definitions count different ones.
"""

import ibis

from gtm_platform.intelligence.movements.counted import CAUSES, FX
from gtm_platform.intelligence.movements.mrr_movements import GAINS, KINDS, LOSSES
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.policy import OURS

SEVERAL, COUNTED_BEFORE, EARLIER = "several subscriptions", "counted before", "before the period"
MOVEMENT_CAUSES = (*CAUSES, SEVERAL, COUNTED_BEFORE, EARLIER)
ITEMS = ("opening", "fx", *KINDS)
CAME = ("new", "reactivation")

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "to_policy": Column("string", "The definition of MRR that ours is compared with.", nullable=False),
        "item": Column("string", ", ".join(ITEMS) + ".", nullable=False, rule=lambda v: v.isin(ITEMS)),
        "ours": Column("int64", "By our definition, in minor units of the reporting currency.", nullable=False),
        "theirs": Column("int64", "By the other.", nullable=False),
        "amount": Column("int64", "What the difference adds to the closing: of losses less is more.", nullable=False),
        "cause": Column(
            "string",
            f"{', '.join(CAUSES)}: what its MRR differs by most; {SEVERAL}: another of its subscriptions counts by one "
            f"definition only, so that one says churn and the other contraction, or new and expansion; "
            f"{COUNTED_BEFORE}: one is new that came back by the other; {EARLIER}: they differed as the period began.",
            nullable=False,
            rule=lambda v: v.isin(MOVEMENT_CAUSES),
        ),
    },
    key=("customer_id", "to_policy", "item"),
    about="Which movements of a customer are others by another definition, and why: the amounts come to the difference "
    "of the closings, exactly.",
    figures={
        "customers": lambda t: t["customer_id"].nunique(),
        "other_kind": lambda t: t["cause"].isin((SEVERAL, COUNTED_BEFORE)).sum(),
    },
)


def table(moved: ibis.Table, bridge: ibis.Table, subscriptions: ibis.Table) -> ibis.Table:
    """Return a row per customer, other definition and item that differs."""
    rows = _side_by_side(moved)
    owned = subscriptions.filter(subscriptions["is_leading"])
    counts = owned.group_by("customer_id").agg(subscriptions=owned["subscription_id"].nunique())
    rows = left_join_all(rows, [counts])
    size = ibis.struct({"size": bridge["amount"].abs(), "cause": bridge["cause"]})
    widest = bridge.group_by("customer_id", "to_policy").agg(widest=size.max())
    widest = widest.select("customer_id", "to_policy", widest=widest["widest"]["cause"])
    rows = rows.left_join(widest, ["customer_id", "to_policy"], rname="{name}_of_widest")
    each = ibis.array(
        [
            ibis.struct({"item": item, "ours": rows[f"ours_{item}"], "theirs": rows[f"theirs_{item}"], "cause": cause})
            for item, cause in _causes(rows).items()
        ]
    )
    rows = rows.select("customer_id", "to_policy", each=each.unnest())
    rows = rows.select("customer_id", "to_policy", **{n: rows["each"][n] for n in ("item", "ours", "theirs", "cause")})
    sign = ibis.ifelse(rows["item"].isin(LOSSES), -1, 1)
    rows = rows.mutate(amount=(sign * (rows["theirs"] - rows["ours"])).cast("int64"))
    return rows.filter(rows["amount"] != 0)


def _side_by_side(moved: ibis.Table) -> ibis.Table:
    """Return [customer_id, to_policy, ours_…, theirs_…] of every customer and other definition."""
    sums = moved.group_by("mrr_policy", "customer_id").agg(**{name: moved[name].sum() for name in ITEMS})
    compared = moved.filter(moved["mrr_policy"] != OURS).select(to_policy="mrr_policy").distinct().view()
    pairs = moved.select("customer_id").distinct().cross_join(compared)
    theirs = sums.select("customer_id", to_policy="mrr_policy", **{f"theirs_{name}": sums[name] for name in ITEMS})
    own = sums.filter(sums["mrr_policy"] == OURS)
    own = own.select("customer_id", **{f"ours_{name}": own[name] for name in ITEMS}).view()
    rows = pairs.left_join(theirs.view(), ["customer_id", "to_policy"], rname="{name}_of_theirs")
    rows = rows.left_join(own, "customer_id", rname="{name}_of_ours")
    amounts = {f"{side}_{name}": rows[f"{side}_{name}"].fill_null(0) for side in ("ours", "theirs") for name in ITEMS}
    return rows.select("customer_id", "to_policy", **amounts)


def _causes(rows: ibis.Table) -> dict[str, ibis.Value]:
    """Return why each item differs, where it does."""

    def swapped(first: tuple[str, ...], second: tuple[str, ...]) -> ibis.ir.BooleanValue:
        def has(side: str, names: tuple[str, ...]) -> ibis.ir.BooleanValue:
            return ibis.or_(*(rows[f"{side}_{name}"] != 0 for name in names))

        return (has("ours", first) & has("theirs", second)) | (has("ours", second) & has("theirs", first))

    several = (rows["subscriptions"] > 1).fill_null(False)
    usual = ibis.coalesce(rows["widest"], ibis.literal(EARLIER))
    left = ibis.cases((several & swapped(("churn",), ("contraction",)), SEVERAL), else_=usual)
    returned = swapped(("new",), ("reactivation",))
    came = ibis.cases((returned, COUNTED_BEFORE), (several & swapped(CAME, ("expansion",)), SEVERAL), else_=usual)
    return {
        "opening": ibis.literal(EARLIER),
        "fx": ibis.literal(FX),
        **dict.fromkeys(GAINS, came),
        **dict.fromkeys(LOSSES, left),
    }


TABLE = DailyTable(
    "intelligence/movement_bridge",
    CONTRACT,
    inputs={
        "moved": "intelligence/mrr_movements",
        "bridge": "intelligence/mrr_bridge",
        "subscriptions": "core/subscriptions",
    },
    rule=table,
)
