"""From a source's declaration to what Dagster runs: one partitioned asset per stream, its checks, job and schedule."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from typing import Any

import dagster as dg

from gtm_platform.accounts import require_own_account
from gtm_platform.http.errors import ApiFailure
from gtm_platform.ingest.source import Source, Stream
from gtm_platform.ingest.stream_sync import Sync, WindowResult, partition_windows
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.policy import policy
from gtm_platform.settings import settings

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
REASONS_SHOWN = 20  # of records in quarantine, the most frequent first


@cache
def windows(hours: int) -> dg.TimeWindowPartitionsDefinition:
    """Windows of some hours that divide the day; their keys sort as time does and hold no colon, for file names."""
    first = settings().gtm_first_day.isoformat()
    if hours == 24:
        return dg.TimeWindowPartitionsDefinition(start=first, cron_schedule="0 0 * * *", fmt="%Y-%m-%d")
    return dg.TimeWindowPartitionsDefinition(
        start=f"{first}T0000", cron_schedule=f"0 */{hours} * * *", fmt="%Y-%m-%dT%H%M"
    )


def definitions_of(source: Source) -> dg.Definitions:
    assets = asset_of(source)
    job = dg.define_asset_job(
        f"sync_{source.name}",
        selection=dg.AssetSelection.assets(assets),
        description=f"{source.about} Read for one window of {source.hours} hours, or a range of them in one sweep.",
        tags={"source": source.name},
    )
    return dg.Definitions(assets=[assets], jobs=[job], schedules=[schedule_of(source, job)])


def asset_of(source: Source) -> dg.AssetsDefinition:
    parts = windows(source.hours)
    by_key = {dg.AssetKey([source.name, stream.name]): stream for stream in source.streams}

    @dg.multi_asset(
        name=source.name,
        specs=[_spec(source, key, stream, parts) for key, stream in by_key.items()],
        check_specs=[_quarantine_check(key) for key in by_key],
        can_subset=True,
        pool=f"source_{source.name}",
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def sync(context: dg.AssetExecutionContext, lake: LakeResource) -> Iterator[Any]:
        if off := source.off(settings()):
            context.log.info(off)
            return
        chosen = {key: by_key[key] for key in sorted(context.selected_asset_keys)}
        failed: dict[str, BaseException] = {}
        with source.connect(settings()) as client, ThreadPoolExecutor(len(chosen)) as threads:
            _require_own_account(source, client)
            slots = partition_windows(parts, context.partition_keys)
            started = {
                key: threads.submit(_syncing(source, stream, lake, context.run.run_id).fill, client, slots)
                for key, stream in chosen.items()
            }
            for key, future in started.items():
                if error := future.exception():
                    failed[key.path[-1]] = error
                else:
                    yield from _told(context, key, future)
        if failed:
            raise _failure(source, failed, len(chosen))

    return sync


def _require_own_account(source: Source, client: Any) -> None:
    """Refuse, before anything is read, an account that this home does not belong to."""
    if source.identity is None:
        return
    try:
        require_own_account(source.identity(client))
    except ApiFailure as failure:
        details = {f"account.{name}": value for name, value in failure.metadata().items()}
        raise dg.Failure(f"{source.name}: {failure}", metadata=details) from failure


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
        ),
        tags={"source": source.name, "read": stream.kind},
        metadata={
            "dagster/column_schema": contract.column_schema,
            "dagster/table_name": f"{source.name}.{stream.name}",
            "needs": ", ".join(source.needs),
        },
    )


def _syncing(source: Source, stream: Stream, lake: LakeResource, run_id: str) -> Sync:
    return Sync(lake.open(), source, stream, policy(), settings().now(), run_id)


def _told(context: dg.AssetExecutionContext, key: dg.AssetKey, future: "Future[list[WindowResult]]") -> Iterator[Any]:
    """What a stream brought, per window; nothing at all where nothing can be known about the windows."""
    filled = future.result()
    if not filled:
        context.log.info(f"{key.to_user_string()}: before the first sync; an API cannot be asked about a past day.")
        return
    for window in filled:
        told = {
            "dagster/row_count": window.rows,
            "full_snapshot": window.full,
            "read": window.read,
            "duplicates": window.duplicates,
            "outside": window.outside,
            "quarantined": window.quarantined,
        }
        context.add_asset_metadata(told, asset_key=key, partition_key=window.key)
    yield dg.MaterializeResult(asset_key=key, check_results=[_quarantine_result(key, filled)])


def _quarantine_check(key: dg.AssetKey) -> dg.AssetCheckSpec:
    about = "Every record was what it should be; one that is not is kept in the quarantine, as received."
    return dg.AssetCheckSpec("nothing_quarantined", asset=key, description=about)


def _quarantine_result(key: dg.AssetKey, filled: Sequence[WindowResult]) -> dg.AssetCheckResult:
    reasons = sum((Counter(window.reasons) for window in filled), Counter[str]())
    told: dict[str, Any] = {"quarantined": reasons.total()}
    if reasons:
        shown = reasons.most_common(REASONS_SHOWN)
        told["reasons"] = dg.MetadataValue.table([dg.TableRecord({"reason": why, "records": n}) for why, n in shown])
        told["look"] = f'gtm query "select reason, record_id, payload from quarantine.{"_".join(key.path)}"'
    return dg.AssetCheckResult(
        asset_key=key,
        check_name="nothing_quarantined",
        passed=not reasons,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=told,
    )


def _failure(source: Source, failed: dict[str, BaseException], of: int) -> dg.Failure:
    sentences = {stream: str(error)[:600] for stream, error in failed.items()}
    details = {
        f"{stream}.{name}": value
        for stream, error in failed.items()
        if isinstance(error, ApiFailure)
        for name, value in error.metadata().items()
    }
    streams = "; ".join(f"{stream}: {sentence}" for stream, sentence in sentences.items())
    raised = dg.Failure(f"{source.name}: {len(failed)} of {of} streams failed. {streams}", metadata=details)
    raised.__cause__ = next(iter(failed.values()))
    return raised


def schedule_of(source: Source, job: Any) -> dg.ScheduleDefinition:
    parts = windows(source.hours)
    hour = "0" if source.hours == 24 else f"*/{source.hours}"

    @dg.schedule(
        name=f"{source.name}_schedule",
        cron_schedule=f"{source.minute} {hour} * * *",
        job=job,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Reads what {source.name} changed in the {source.hours} hours that have just closed.",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if off := source.off(settings()):
            return dg.SkipReason(off)
        if still := _still_read(context.instance, tick.name):
            return dg.SkipReason(still)
        with dg.partition_loading_context(effective_dt=context.scheduled_execution_time):
            closed = parts.get_last_partition_key()
        return dg.RunRequest(run_key=closed, partition_key=closed)

    return tick


def _still_read(instance: dg.DagsterInstance, schedule: str) -> str | None:
    """A run that takes longer than its interval is not queued up behind: the next window asks from where it ended."""
    unfinished = dg.RunsFilter(tags={"dagster/schedule_name": schedule}, statuses=UNFINISHED)
    runs = instance.get_runs(unfinished, limit=1)
    if not runs:
        return None
    return (
        f"run {runs[0].run_id} still reads {runs[0].tags.get('dagster/partition')}; the next window brings this one too"
    )
