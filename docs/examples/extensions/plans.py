"""A table in pandas, as a value beside its rule: how much of the revenue comes from the largest customers of a plan."""

import ibis
import pandas as pd

from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable

LARGEST = 10  # customers of a plan


def concentration(customers: ibis.Table) -> pd.DataFrame:
    """Sum the revenue of a plan, and that of its largest customers."""
    paying = customers.select("plan_name", "mrr").filter(customers["mrr"] > 0).to_pandas()
    ranked = paying.sort_values("mrr", ascending=False)
    largest = ranked.groupby("plan_name").head(LARGEST)
    sums = pd.DataFrame(
        {"mrr": ranked.groupby("plan_name")["mrr"].sum(), "largest": largest.groupby("plan_name")["mrr"].sum()}
    )
    return sums.assign(share=(sums["largest"] / sums["mrr"]).astype(float)).reset_index()


PLANS = DailyTable(
    "marts/plans",
    Contract(
        {
            "plan_name": Column("string", "The plan.", nullable=False),
            "mrr": Column("decimal(18, 2)", "What its customers pay a month.", nullable=False),
            "largest": Column("decimal(18, 2)", f"What the {LARGEST} largest of them pay.", nullable=False),
            "share": Column("float64", "The one as a part of the other.", rule=lambda share: share.between(0, 1)),
        },
        key=("plan_name",),
        about="How much of a plan's revenue comes from its largest customers.",
    ),
    inputs={"customers": "core/unified_customers"},
    rule=concentration,
)
