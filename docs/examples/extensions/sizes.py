"""A plain Dagster asset in pandas, frame in and frame out, with a job and a schedule of its own."""

import dagster as dg
import pandas as pd

from gtm_platform.lake.contracts import Column, Contract, declare
from gtm_platform.orchestration.graph_policy import DAYS

declare(
    "marts/company_sizes",
    Contract(
        {
            "people": Column("int64", "How many customers a company has.", nullable=False),
            "companies": Column("int64", "How many companies have so many.", nullable=False),
        },
        key=("people",),
        about="How many companies have how many customers.",
    ),
)


@dg.asset(
    key=["marts", "company_sizes"],
    ins={"customers": dg.AssetIn(["core", "unified_customers"], input_manager_key="lake_frames")},
    partitions_def=DAYS,
    io_manager_key="lake_frames",
    group_name="marts",
    kinds={"pandas"},
)
def company_sizes(customers: pd.DataFrame) -> pd.DataFrame:
    """Count the customers of each company, and then the companies by that number."""
    people = customers[customers["is_customer"]].groupby("company_domain").size()
    return people.value_counts().rename_axis("people").rename("companies").reset_index()


job = dg.define_asset_job("company_sizes", selection=dg.AssetSelection.assets(company_sizes))


@dg.schedule(cron_schedule="30 6 * * *", job=job, execution_timezone="UTC")
def every_morning(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Ask for today, when the tables of the night are made."""
    day = context.scheduled_execution_time.strftime("%Y-%m-%d")
    return dg.RunRequest(run_key=day, partition_key=day)
