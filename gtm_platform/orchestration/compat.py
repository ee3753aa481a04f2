"""Everything this platform uses of Dagster that is not public. `test_compat.py` fails when an upgrade changes it.

Nothing else in the platform imports `dagster._…` or reads an attribute that Dagster does not document.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.errors import DagsterAssetCheckFailedError
from dagster._core.scheduler.instigation import TickStatus
from dagster._core.storage.asset_check_execution_record import (
    COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES,
    AssetCheckExecutionRecordStatus,
)
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._utils.schedules import schedule_execution_time_iterator
from dagster_shared.error import SerializableErrorInfo

Graph = BaseAssetGraph[Any]
AssetJob = UnresolvedAssetJobDefinition  # what `define_asset_job` returns

CODE_VERSION_TAG = "dagster/code_version"  # on a materialisation: the version of the code that made it
WILL_RETRY_TAG = "dagster/will_retry"  # on a run that failed: Dagster starts it again by itself
RETRIED_BY_TAG = "dagster/auto_retry_run_id"  # on such a run, once it was started again: the other run
# Which tell what a step is for: to evaluate checks, to make assets, or both.
STEP_PURPOSE_EVENTS = {
    dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
}
EVALUATIONS_READ = 10  # newest of a check: runs that were planned in one order may end in another


@dataclass(frozen=True)
class Evaluation:
    """What a check said when it was evaluated to its end."""

    run_id: str
    passed: bool
    severity: dg.AssetCheckSeverity
    timestamp: float
    target_id: int | None  # storage id of the materialisation that was looked at, where Dagster knows it


def completed_evaluations(instance: dg.DagsterInstance, check: dg.AssetCheckKey) -> list[Evaluation]:
    """Return the newest evaluations of a check that came to an end, the newest first.

    Dagster writes a row when a run is *planned* and fills it in when the check ends: the row of a check that crashed,
    or of a run that waits in the queue, holds no verdict and is left out here.
    """
    history = instance.event_log_storage.get_asset_check_execution_history(
        check, limit=EVALUATIONS_READ, status=COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES
    )
    completed = [
        Evaluation(
            run_id=record.run_id,
            passed=record.evaluation.passed,
            severity=record.evaluation.severity,
            timestamp=record.event.timestamp,
            target_id=target.storage_id if (target := record.evaluation.target_materialization_data) else None,
        )
        for record in history
        if record.event and record.evaluation
    ]
    return sorted(completed, key=lambda evaluation: evaluation.timestamp, reverse=True)


def checks_upstream(graph: Graph, assets: Sequence[dg.AssetKey]) -> list[dg.AssetCheckKey]:
    """List the checks of the assets and of everything upstream of them."""
    upstream, ahead = set(assets), list(assets)
    while ahead:
        parents = graph.get(ahead.pop()).parent_keys - upstream
        upstream |= parents
        ahead += parents
    checks = [key for key in graph.asset_check_keys if key.asset_key in upstream]
    return sorted(checks, key=lambda key: key.to_user_string())


def is_blocking(graph: Graph, check: dg.AssetCheckKey) -> bool:
    """Whether the check is declared with `blocking=True`."""
    return bool(graph.get(check).blocking)


def graph_of_run(context: dg.AssetExecutionContext) -> Graph:
    """Return the whole graph that the job of a run was taken from, also of a run in this process."""
    return context.job_def.asset_layer.asset_graph.source_asset_graph


def assets_of_job(job: dg.JobDefinition) -> set[dg.AssetKey]:
    """Return the assets that a job makes."""
    return set(job.asset_layer.asset_graph.executable_asset_keys)


def next_tick(schedule: dg.ScheduleDefinition, after: datetime) -> datetime:
    """Return when a schedule ticks next."""
    timezone = schedule.execution_timezone or "UTC"
    return next(schedule_execution_time_iterator(after.timestamp(), schedule.cron_schedule, timezone, ascending=True))


def output_without_materialization() -> dg.MaterializeResult[None]:
    """Return a result that lets downstream steps run and marks no partition as made.

    A run over a range would otherwise mark each of its partitions. The asset logs those that it wrote itself.
    """
    return dg.MaterializeResult(metadata={SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True})


def step_failures(instance: dg.DagsterInstance, run_id: str) -> Iterator[Mapping[str, Any]]:
    """Yield the metadata of each step failure of a run, as plain values; empty where the step raised no `Failure`."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        event = entry.dagster_event
        data = event.step_failure_data.user_failure_data if event else None
        yield {name: value.value for name, value in (data.metadata if data else {}).items()}


def died(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether a run ended without an error of its own: its process was killed, or its machine went away."""
    ended = instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    details = [entry.dagster_event.event_specific_data for entry in ended if entry.dagster_event]
    return bool(details) and all(getattr(data, "error", None) is None for data in details)


def run_folders(instance: dg.DagsterInstance, run_id: str) -> list[Path]:
    """List what lies on the disk of one run: its output, and on SQLite the database of its events."""
    paths = [Path(instance.storage_directory(), run_id)]
    if isinstance(instance.event_log_storage, SqliteEventLogStorage):
        shard = instance.event_log_storage.path_for_shard(run_id)
        paths += [Path(shard + suffix) for suffix in ("", "-wal", "-shm")]
    return [path for path in paths if path.exists()]


@dataclass(frozen=True)
class RecordedEvaluation:
    """An evaluation as Dagster recorded it; the id of its row is older than the evaluation itself."""

    id: int
    run_id: str
    partition: str | None
    timestamp: float
    result: dg.AssetCheckEvaluation


def newest_check_rows(instance: dg.DagsterInstance, checks: Collection[dg.AssetCheckKey]) -> dict[str, str]:
    """Return the newest row of each check, as a text that differs once an evaluation has begun or ended."""
    # Dagster asks for every asset with every name, and so answers with pairs that are no checks of ours.
    rows = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(checks))
    return {
        key.to_user_string(): f"{row.id}:{row.status.value}:{row.event.timestamp if row.event else 0}"
        for key, row in rows.items()
        if key in checks
    }


def evaluations_since(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey, after: float, page: int = 200
) -> list[RecordedEvaluation]:
    """Return what a check said after a moment, in the order in which it was said; of all time no more than a page.

    A row is made when its run begins and filled in when the check ends: rows do not end in the order of their ids.
    """
    evaluations: list[RecordedEvaluation] = []
    cursor: int | None = None
    while True:
        rows = instance.event_log_storage.get_asset_check_execution_history(
            check, limit=page, cursor=cursor, status=COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES
        )
        recent = [
            RecordedEvaluation(row.id, row.run_id, row.partition, row.event.timestamp, row.evaluation)
            for row in rows
            if row.event and row.evaluation and row.event.timestamp > after
        ]
        evaluations += recent
        if len(rows) < page or not recent or not after:
            return sorted(evaluations, key=lambda evaluation: (evaluation.timestamp, evaluation.id))
        cursor = rows[-1].id


def runs_still_to_evaluate(instance: dg.DagsterInstance, check: dg.AssetCheckKey, limit: int = 5) -> list[str]:
    """Return the runs that were to evaluate a check and have not done so; some of them may never do."""
    rows = instance.event_log_storage.get_asset_check_execution_history(
        check, limit=limit, status={AssetCheckExecutionRecordStatus.PLANNED}
    )
    return [row.run_id for row in rows]


@dataclass(frozen=True)
class FreshnessChange:
    """An asset that became stale, or no longer is."""

    id: int
    asset: dg.AssetKey
    was_stale: bool
    is_stale: bool


def freshness_changes(instance: dg.DagsterInstance, after: int, limit: int) -> list[FreshnessChange]:
    """Return what Dagster's freshness daemon noticed after an event, the oldest first."""
    records = instance.event_log_storage.get_event_records(
        dg.EventRecordsFilter(dg.DagsterEventType.FRESHNESS_STATE_CHANGE, after_cursor=after), limit, ascending=True
    )
    changes = [
        (record.storage_id, record.event_log_entry.dagster_event.event_specific_data)
        for record in records
        if record.event_log_entry.dagster_event
    ]
    return [
        FreshnessChange(
            id,
            change.key,  # type: ignore[union-attr]  # its class is not public
            change.previous_state == FreshnessState.FAIL,  # type: ignore[union-attr]
            change.new_state == FreshnessState.FAIL,  # type: ignore[union-attr]
        )
        for id, change in changes
    ]


def newest_freshness_change(instance: dg.DagsterInstance) -> int:
    """Return the id of the last change of freshness, 0 where there was none."""
    records = instance.event_log_storage.get_event_records(
        dg.EventRecordsFilter(dg.DagsterEventType.FRESHNESS_STATE_CHANGE), limit=1
    )
    return records[0].storage_id if records else 0


def stale_assets(instance: dg.DagsterInstance, assets: Collection[dg.AssetKey]) -> list[dg.AssetKey]:
    """Return those of the assets that are stale now."""
    records = instance.get_freshness_state_records(list(assets))
    return sorted(key for key, record in records.items() if record.freshness_state == FreshnessState.FAIL)


@dataclass(frozen=True)
class Automation:
    """A sensor or schedule as the daemon knows it."""

    name: str
    is_schedule: bool
    is_running: bool
    location: str
    origin_id: str
    selector_id: str
    started_at: float  # 0 where nobody started it by hand


@dataclass(frozen=True)
class Tick:
    """One tick of a sensor or schedule that has ended."""

    timestamp: float
    failed: bool
    error: SerializableErrorInfo | None


def automations(instance: dg.DagsterInstance) -> list[Automation]:
    """Return every sensor and schedule that the daemon has ever seen, in all code locations."""
    return [
        Automation(
            state.instigator_name,
            state.instigator_type == InstigatorType.SCHEDULE,
            state.is_running,
            state.repository_selector.location_name,
            state.instigator_origin_id,
            state.selector_id,
            getattr(state.instigator_data, "start_timestamp", None) or 0.0,
        )
        for state in instance.all_instigator_state()
    ]


def newest_ticks(instance: dg.DagsterInstance, automation: Automation, limit: int) -> list[Tick]:
    """Return the last ticks that ended, the newest first."""
    ended = [TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE]
    ticks = instance.get_ticks(automation.origin_id, automation.selector_id, limit=limit, statuses=ended)
    return [Tick(tick.timestamp, tick.status == TickStatus.FAILURE, tick.error) for tick in ticks]


def previous_tick(schedule: dg.ScheduleDefinition, before: datetime) -> datetime:
    """Return when a schedule was due last."""
    timezone = schedule.execution_timezone or "UTC"
    return next(schedule_execution_time_iterator(before.timestamp(), schedule.cron_schedule, timezone, ascending=False))


def launched_through_dagster(run: dg.DagsterRun) -> bool:
    """Whether the UI or a daemon launched the run; one in a command's own process ends before a person's eyes."""
    return run.remote_job_origin is not None


@dataclass(frozen=True)
class FailedStep:
    """A step that failed: by the verdict of a check, or by an error; and the checks that it only was to evaluate."""

    error: SerializableErrorInfo | None
    by_verdict: bool
    crashed_checks: tuple[str, ...]


def failed_steps(instance: dg.DagsterInstance, run_id: str) -> list[FailedStep]:
    """Return the steps of a run that failed, in the order in which they did."""
    planned: dict[str, set[str]] = {}
    evaluated: set[str] = set()
    making: set[str] = set()
    for event in _events(instance, run_id, STEP_PURPOSE_EVENTS):
        step = event.step_key or ""
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
            planned.setdefault(step, set()).add(event.asset_check_planned_data.asset_check_key.to_user_string())
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluated.add(event.asset_check_evaluation_data.asset_check_key.to_user_string())
        else:
            making.add(step)
    steps = []
    for event in _events(instance, run_id, {dg.DagsterEventType.STEP_FAILURE}):
        step, error = event.step_key or "", event.step_failure_data.error
        checks = set() if step in making else planned.get(step, set()) - evaluated
        by_verdict = error is not None and error.cls_name == DagsterAssetCheckFailedError.__name__
        steps.append(FailedStep(error, by_verdict, tuple(sorted(checks))))
    return steps


def _events(instance: dg.DagsterInstance, run_id: str, types: set[dg.DagsterEventType]) -> Iterator[dg.DagsterEvent]:
    for entry in instance.all_logs(run_id, of_type=types):
        if entry.dagster_event:
            yield entry.dagster_event
