"""Everything this platform uses of Dagster that is not public. `test_compat.py` fails when an upgrade changes it.

Nothing else in the platform imports `dagster._…` or reads an attribute that Dagster does not document.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dagster as dg
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.asset_check_execution_record import COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES
from dagster._utils.schedules import schedule_execution_time_iterator

Graph = BaseAssetGraph[Any]
AssetJob = UnresolvedAssetJobDefinition  # what `define_asset_job` returns

CODE_VERSION_TAG = "dagster/code_version"  # on a materialisation: the version of the code that made it
WILL_RETRY_TAG = "dagster/will_retry"  # on a run that failed: Dagster starts it again by itself
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


def has_materializations(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the run materialised anything, which would be forgotten with it."""
    return bool(instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION))
