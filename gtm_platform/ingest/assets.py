"""From a source's declaration to what Dagster runs: one partitioned asset per stream, its checks, job and schedule.

What is written, and how, stands in `stream_sync`; the rules of the policy come from whoever assembles the graph.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import dagster as dg

from gtm_platform.ingest.plan import SyncRules
from gtm_platform.ingest.source import Schedule, Source, Stream, Totals
from gtm_platform.ingest.source_run import COMPLETE, SCHEMA_UNCHANGED, SourceRun
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.dagster.asset_pages import definition_metadata
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.orchestration.graph_policy import FIRST_DAY, LONGEST_RUN, SOURCE_TAG
from gtm_platform.orchestration.origin import UNFINISHED


@cache
def windows(hours: int) -> dg.TimeWindowPartitionsDefinition:
    """Define windows of some hours, with the open one; keys sort as time does, without colons."""
    first = FIRST_DAY.isoformat()
    if hours == 24:
        return dg.TimeWindowPartitionsDefinition(start=first, cron_schedule="0 0 * * *", fmt="%Y-%m-%d", end_offset=1)
    return dg.TimeWindowPartitionsDefinition(
        start=f"{first}T0000", cron_schedule=f"0 */{hours} * * *", fmt="%Y-%m-%dT%H%M", end_offset=1
    )


def open_window(hours: int, now: datetime) -> str:
    """Return the partition of the window in which it is now."""
    return _window_start(hours, now).strftime(windows(hours).fmt)


def closed_window(hours: int, now: datetime) -> str | None:
    """Return the partition of the window that closed last; None before the first one did."""
    start = _window_start(hours, now) - timedelta(hours=hours)
    return start.strftime(windows(hours).fmt) if start.date() >= FIRST_DAY else None


def _window_start(hours: int, now: datetime) -> datetime:
    at = now.astimezone(UTC)
    return at.replace(hour=at.hour - at.hour % hours, minute=0, second=0, microsecond=0)


def definitions_of(source: Source, rules: Callable[[], SyncRules]) -> dg.Definitions:
    """Build the assets, job and schedule of a source."""
    assets = asset_of(source, rules)
    job = dg.define_asset_job(
        f"sync_{source.name}",
        # Its own checks only: what others check of its tables is evaluated where they say.
        selection=dg.AssetSelection.assets(assets).without_checks() | dg.AssetSelection.checks(*assets.check_keys),
        description=f"{source.about} Read for one window of {source.hours} hours, or a range of them in one request.",
        tags={SOURCE_TAG: source.name, "dagster/max_runtime": str(int(LONGEST_RUN.total_seconds()))},
    )
    schedules = [schedule_of(source, job)] if source.is_scheduled else []
    return dg.Definitions(assets=[assets], jobs=[job], schedules=schedules)


def asset_of(source: Source, rules: Callable[[], SyncRules]) -> dg.AssetsDefinition:
    """Build the assets of a source's streams, which one step reads side by side under one rate limit."""
    parts = windows(source.hours)
    by_key = {dg.AssetKey([source.name, stream.name]): stream for stream in source.streams}

    @dg.multi_asset(
        name=source.name,
        specs=specs_of(source, parts),
        check_specs=checks_of(source),
        can_subset=True,
        pool=source.pool,
        op_tags={"source": source.name},
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def sync(context: dg.AssetExecutionContext, lake: LakeResource) -> Iterator[Any]:
        streams = {key: by_key[key] for key in sorted(context.selected_asset_keys)}
        yield from SourceRun(context, source, parts, lake.open(), rules()).sync(streams)

    return sync


def specs_of(source: Source, parts: dg.TimeWindowPartitionsDefinition) -> list[dg.AssetSpec]:
    """Return the assets of a source's streams."""
    return [_spec(source, dg.AssetKey([source.name, stream.name]), stream, parts) for stream in source.streams]


def checks_of(source: Source) -> list[dg.AssetCheckSpec]:
    """Return the checks of a source's streams that each of its runs evaluates."""
    by_key = {dg.AssetKey([source.name, stream.name]): stream for stream in source.streams}
    counted = [key for key, stream in by_key.items() if isinstance(stream.totals, Totals)]
    return [*map(_quarantine_check, by_key), *map(_schema_check, by_key), *map(_completeness_check, counted)]


def _spec(source: Source, key: dg.AssetKey, stream: Stream, parts: dg.TimeWindowPartitionsDefinition) -> dg.AssetSpec:
    contract = contract_of(source.table(stream))
    return dg.AssetSpec(
        key,
        description=contract.about,
        partitions_def=parts,
        group_name=source.name,
        kinds={source.name, "parquet"},
        owners=list(source.owners),
        skippable=True,
        freshness_policy=dg.FreshnessPolicy.time_window(
            fail_window=timedelta(hours=source.hours + 24), warn_window=timedelta(hours=source.hours + 12)
        )
        if source.is_scheduled
        else None,
        tags={"source": source.name, "sync_mode": stream.sync_mode},
        metadata={
            **definition_metadata(source.table(stream), stream.pages),
            "required_env": ", ".join(source.required_env),
        },
    )


def _quarantine_check(key: dg.AssetKey) -> dg.AssetCheckSpec:
    about = "Every record was what it should be; one that is not is kept in the quarantine, as received."
    return dg.AssetCheckSpec("nothing_quarantined", asset=key, description=about)


def _schema_check(key: dg.AssetKey) -> dg.AssetCheckSpec:
    about = "The records have the fields and types that they always had, as far as a sample of each sync shows."
    return dg.AssetCheckSpec(SCHEMA_UNCHANGED, asset=key, description=about)


def _completeness_check(key: dg.AssetKey) -> dg.AssetCheckSpec:
    about = "The table has all records that the system counts, as of the end of the window that was synced."
    return dg.AssetCheckSpec(COMPLETE, asset=key, description=about)


def schedule_of(source: Source, job: Any) -> dg.ScheduleDefinition:
    """Build the schedule that asks for each window as it closes."""
    trigger = source.trigger
    if not isinstance(trigger, Schedule):
        raise TypeError(f"{source.name} is not read by a schedule.")

    @dg.schedule(
        name=f"{source.name}_schedule",
        cron_schedule=trigger.cron,
        job=job,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Reads what {source.name} changed in the {source.hours} hours that have just closed.",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if off := source.off():
            return dg.SkipReason(off)
        if busy := _unfinished_run(context.instance, tick.name):
            return dg.SkipReason(busy)
        if (closed := closed_window(source.hours, context.scheduled_execution_time)) is None:
            return dg.SkipReason(f"no window of {source.name} has closed since the first day")
        return dg.RunRequest(run_key=closed, partition_key=closed)

    return tick


def _unfinished_run(instance: dg.DagsterInstance, schedule: str) -> str | None:
    """A run that takes longer than its interval is not queued up behind: the next window asks from where it ended."""
    unfinished = dg.RunsFilter(tags={"dagster/schedule_name": schedule}, statuses=UNFINISHED)
    runs = instance.get_runs(unfinished, limit=1)
    if not runs:
        return None
    window = runs[0].tags.get("dagster/partition")
    return f"run {runs[0].run_id} still reads {window}; the next window brings this one too"
