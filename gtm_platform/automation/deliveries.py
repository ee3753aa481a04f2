"""When a delivery is requested: once the newest day is made, its checks have passed and nothing makes it again."""

from datetime import timedelta

import dagster as dg

from gtm_platform.automation.daily_tables import TICK_SECONDS, Clock
from gtm_platform.delivery.gate import CUSTOMERS, closed_reasons, newest_day
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.orchestration.compat import AssetJob
from gtm_platform.orchestration.graph_policy import DAILY_TAG
from gtm_platform.orchestration.graph_reading import keys_tagged, unfinished_runs
from gtm_platform.orchestration.origin import DAY_TAG, covers_any
from gtm_platform.settings import settings

JOINED_LAST = dg.AssetKey(CUSTOMERS.split("/"))  # when it is made, so is the health in it
OLDEST_DAYS = 1  # a lake that was filled up to a day long past is not delivered by itself


def request_delivery(job: AssetJob, clock: Clock = lambda: settings().now()) -> dg.SensorDefinition:
    """Define the sensor that requests one delivery each time that the newest day was made and checked."""

    @dg.sensor(
        name="request_delivery",
        job=job,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=TICK_SECONDS,
        description="Requests one delivery when the newest day is made and its checks have passed.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = newest_day(the_lake())
        if not day:
            return dg.SkipReason(f"{CUSTOMERS} has no day yet")
        oldest = str(clock().date() - timedelta(days=OLDEST_DAYS))
        if day < oldest:
            return dg.SkipReason(f"the newest day, {day}, is past; it is delivered when a person launches {job.name}")
        made = context.instance.fetch_materializations(
            dg.AssetRecordsFilter(JOINED_LAST, asset_partitions=[day]), limit=1
        )
        if not made.records:
            return dg.SkipReason(f"no run has told Dagster that it made {CUSTOMERS} of {day}")
        [newest] = made.records
        if newest.storage_id <= int(context.cursor or 0):
            return dg.SkipReason(f"{day} was delivered as it is; past days made again are not delivered")
        if reason := _not_yet(context, newest.run_id, day):
            return dg.SkipReason(reason)
        context.update_cursor(str(newest.storage_id))
        return dg.RunRequest(run_key=f"{day}:{newest.storage_id}", tags={DAY_TAG: day})

    return sensor


def _not_yet(context: dg.SensorEvaluationContext, made_by: str, day: str) -> str | None:
    """Say what the delivery waits for: the end of a run that makes the day, or a check."""
    repository = context.repository_def
    assert repository
    run = context.instance.get_run_by_id(made_by)
    if run and not run.is_finished:
        return f"the run {made_by[:8]} that made {day} still goes on: its checks come first"
    tables = keys_tagged(repository.asset_graph, DAILY_TAG)
    again = [run for run in unfinished_runs(context.instance, repository, tables) if covers_any(run.tags, [day])]
    if again:
        return f"the run {again[0].run_id[:8]} makes {day} again"
    if reasons := closed_reasons(context.instance, repository.asset_graph, day):
        return f"{day} is held back: {'; '.join(reasons)}"
    return None
