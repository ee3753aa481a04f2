"""One job for everything of a day: the sources' windows, the tables, the deliveries, in this order.

Their partitions differ (windows of some hours, days, none), which one asset job cannot hold. So this is a job of one
op that runs the jobs of the graph one after another in its own process, each as a run of its own that the UI shows; it
works from the launchpad and from `gtm run everything_of_a_day` alike, without a daemon.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta

import dagster as dg

from gtm_platform.automation.daily_tables import daily_tables_job
from gtm_platform.delivery.gate import newest_day
from gtm_platform.delivery.sensors import deliver
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.orchestration.compat import assets_of_job
from gtm_platform.orchestration.graph_policy import DAYS, SOURCE_TAG
from gtm_platform.orchestration.liveness import execute_here, sentence
from gtm_platform.orchestration.origin import DAY_TAG, PART_OF_TAG, partition_tags
from gtm_platform.settings import settings

JOB_NAME = "everything_of_a_day"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}  # the event log of each run has it all


def everything_of_a_day(graph: Callable[[], dg.Definitions]) -> dg.JobDefinition:
    """Define the job, given how to reach the graph whose jobs it runs."""

    @dg.op(name="everything", description="Reads the day's windows of every source, makes its tables, delivers it.")
    def everything(context: dg.OpExecutionContext) -> None:
        day, definitions, failed = context.partition_key, graph(), []
        for name, partitions in _steps(definitions, day):
            if not partitions:
                context.log.info(f"{name}: no window of {day} has closed yet")
                continue
            if error := _execute(context, definitions, name, partition_tags(partitions)):
                failed.append(f"{name}: {error}")
        if (newest := newest_day(the_lake())) != day:
            context.log.info(f"{day} is not delivered: only the newest day, {newest or 'of which there is none'}, is")
        elif error := _execute(context, definitions, deliver.name, {DAY_TAG: day}):
            failed.append(f"{deliver.name}: {error}")
        if failed:
            raise dg.Failure("; ".join(failed))

    @dg.job(
        name=JOB_NAME,
        partitions_def=DAYS,
        description="Everything of one day: every source, the tables, and the deliveries if it is the newest day.",
        executor_def=dg.in_process_executor,
    )
    def job() -> None:
        everything()

    return job


def _steps(definitions: dg.Definitions, day: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each source's job with its windows of the day that have closed, then that of the tables."""
    for job in definitions.jobs or ():
        if SOURCE_TAG in (job.tags or {}):
            yield job.name, _windows(definitions.resolve_job_def(job.name), day)
    yield daily_tables_job().name, [day]


def _windows(job: dg.JobDefinition, day: str) -> list[str]:
    begin = datetime.combine(date.fromisoformat(day), time(), UTC)
    span = dg.TimeWindow(begin, min(begin + timedelta(days=1), settings().now()))
    windows = job.partitions_def
    assert isinstance(windows, dg.TimeWindowPartitionsDefinition)
    inside = windows.get_partition_keys_in_time_window(span) if span.start < span.end else []
    return [key for key in inside if windows.time_window_for_partition_key(key).end <= settings().now()]


def _execute(
    context: dg.OpExecutionContext, definitions: dg.Definitions, name: str, tags: dict[str, str]
) -> str | None:
    """Run a job as a run of its own; the sentence of its failure, or None."""
    job = definitions.resolve_job_def(name)
    context.log.info(f"{name} {' to '.join(tags.values())}: {len(assets_of_job(job))} tables")
    ran = execute_here(job, context.instance, tags={**tags, PART_OF_TAG: context.run_id}, run_config=QUIET)
    if ran.success:
        return None
    errors = [event.step_failure_data.error for event in ran.all_events if event.is_step_failure]
    return " ".join(sentence(error) for error in errors if error) or "failed"
