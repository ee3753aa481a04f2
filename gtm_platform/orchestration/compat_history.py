"""What Dagster recorded of checks, freshness, sensors and schedules, where its storage has no public way to read it.

Only this module, `compat` and the two of SQLite use of Dagster what is not public. `test_compat.py` fails when an
upgrade changes it.
"""

from collections.abc import Collection
from dataclasses import dataclass

import dagster as dg
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import TickStatus
from dagster._core.storage.asset_check_execution_record import (
    COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES,
    AssetCheckExecutionRecordStatus,
)
from dagster_shared.error import SerializableErrorInfo

EVALUATIONS_READ = 10  # newest of a check: runs that were planned in one order may end in another


@dataclass(frozen=True)
class Evaluation:
    """The verdict of a check that was evaluated to its end."""

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


def newest_evaluations(
    instance: dg.DagsterInstance, checks: Collection[dg.AssetCheckKey]
) -> dict[dg.AssetCheckKey, RecordedEvaluation]:
    """Return the last completed evaluation of each check that has one, most of them with a single query."""
    newest: dict[dg.AssetCheckKey, RecordedEvaluation] = {}
    for key, row in instance.event_log_storage.get_latest_asset_check_execution_by_key(list(checks)).items():
        if key not in checks:
            continue
        if row.status in COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES and row.event and row.evaluation:
            newest[key] = RecordedEvaluation(row.id, row.run_id, row.partition, row.event.timestamp, row.evaluation)
        elif earlier := evaluations_since(instance, key, 0.0, EVALUATIONS_READ):
            newest[key] = earlier[-1]
    return newest


def evaluations_since(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey, after: float, page: int = 200
) -> list[RecordedEvaluation]:
    """Return the evaluations of a check after a moment, by time; with `after` 0, at most a page of them.

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
