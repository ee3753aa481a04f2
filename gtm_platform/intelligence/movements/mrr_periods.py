"""`intelligence/mrr_periods`: the movements of every period so far, with NRR and GRR."""

import ibis

from gtm_platform.intelligence.movements.mrr_movements import KINDS
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, PreviousDay
from gtm_platform.lake.expressions.days import Day, as_scalar

AMOUNTS = ("opening", "fx", *KINDS, "closing")

CONTRACT = Contract(
    {
        "mrr_policy": Column("string", "The definition of MRR.", nullable=False),
        "period_start": Column("date", "First day of the period.", nullable=False),
        "until": Column(
            "date", "The last day of it that is in: of the current period, the day itself.", nullable=False
        ),
        **{name: Column("int64", "In minor units of the reporting currency.", nullable=False) for name in AMOUNTS},
        "customers": Column("int64", "Who pays at the end.", nullable=False),
        **{f"{name}_customers": Column("int64", f"Whose movement is {name}.", nullable=False) for name in KINDS},
        "nrr": Column(
            "float64", "(Opening + fx + expansion − contraction − churn) ÷ opening; null without an opening."
        ),
        "grr": Column("float64", "The same without expansion; what rates did is in."),
    },
    key=("mrr_policy", "period_start"),
    about="Movements of MRR by period and definition of MRR. Movements between the ends of a period: what came and "
    "went within one is in none, so that daily periods sum to more, in both directions, than monthly ones.",
    figures={
        "nrr": lambda t: t["nrr"].argmax(t["period_start"], where=t["mrr_policy"] == "ours"),
        "grr": lambda t: t["grr"].argmax(t["period_start"], where=t["mrr_policy"] == "ours"),
    },
)


def table(moved: ibis.Table, previous: ibis.Table, day: Day) -> ibis.Table:
    """Return the periods that are over, as they were when they ended, and the one that the day is in."""
    current = _current(moved, day)
    start = moved.aggregate(start=moved["period_start"].max())
    over = previous.cross_join(start)
    over = over.filter(over["period_start"] < over["start"]).drop("start")
    return current.union(over.select(*current.columns))


def _current(moved: ibis.Table, day: Day) -> ibis.Table:
    of_customer = moved.group_by("mrr_policy", "period_start", "customer_id").agg(
        **{name: moved[name].sum() for name in AMOUNTS}
    )
    sums = of_customer.group_by("mrr_policy", "period_start").agg(
        **{name: of_customer[name].sum() for name in AMOUNTS},
        customers=(of_customer["closing"] > 0).sum(),
        **{f"{name}_customers": (of_customer[name] > 0).sum() for name in KINDS},
    )
    opening = sums["opening"].cast("float64").nullif(0)
    kept = sums["opening"] + sums["fx"] - sums["contraction"] - sums["churn"]
    return sums.select(
        "mrr_policy",
        "period_start",
        *AMOUNTS,
        "customers",
        *(f"{name}_customers" for name in KINDS),
        until=as_scalar(day),
        nrr=(kept + sums["expansion"]).cast("float64") / opening,
        grr=kept.cast("float64") / opening,
    )


TABLE = DailyTable(
    "intelligence/mrr_periods",
    CONTRACT,
    inputs={"moved": "intelligence/mrr_movements", "previous": PreviousDay("intelligence/mrr_periods")},
    rule=table,
)
