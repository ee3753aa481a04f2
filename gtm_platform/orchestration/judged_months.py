"""What is made for a month and judged by what came within some days of its first: partitions, inputs and requests."""

from datetime import timedelta

import dagster as dg

from gtm_platform.orchestration.graph_policy import FIRST_DAY

MONTHS = dg.MonthlyPartitionsDefinition(start_date=FIRST_DAY.replace(day=1).isoformat())


def all_days_of(*tables: str) -> list[dg.AssetDep]:
    """Return daily tables as inputs of a month, also of one that began before them."""
    mapping = dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)
    return [dg.AssetDep(table.split("/"), partition_mapping=mapping) for table in tables]


def request_newest(context: dg.ScheduleEvaluationContext, days: int) -> dg.RunRequest | dg.SkipReason:
    """Ask for the newest month on whose first day so many days have followed."""
    now = context.scheduled_execution_time
    month = (now.date() - timedelta(days=days)).replace(day=1)
    with dg.partition_loading_context(effective_dt=now):
        if not MONTHS.has_partition_key(month.isoformat()):
            return dg.SkipReason(
                f"The {days} days after the first of {month:%B %Y} are over, but nothing was read then."
            )
    return dg.RunRequest(run_key=month.isoformat(), partition_key=month.isoformat())
