"""What this platform uses of Dagster that is not public: graph, schedules, runs. Its records: `compat_history`.

Nothing else in the platform imports `dagster._…` or reads an attribute that Dagster does not document. `test_compat.py`
fails when an upgrade changes any of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph
from dagster._core.definitions.source_asset import SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.errors import DagsterAssetCheckFailedError
from dagster._core.events import RunFailureReason
from dagster._utils.schedules import schedule_execution_time_iterator
from dagster_shared.error import SerializableErrorInfo

Graph = BaseAssetGraph[Any]
AssetJob = UnresolvedAssetJobDefinition  # what `define_asset_job` returns

CODE_VERSION_TAG = "dagster/code_version"  # on a materialisation: the version of the code that made it
WILL_RETRY_TAG = "dagster/will_retry"  # on a run that failed: Dagster starts it again by itself
RETRIED_BY_TAG = "dagster/auto_retry_run_id"  # on such a run, once it was started again: the other run
# Which show what a step is for: to evaluate checks, to make assets, or both.
STEP_PURPOSE_EVENTS = {
    dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
}


def checks_upstream(graph: Graph, assets: Sequence[dg.AssetKey]) -> list[dg.AssetCheckKey]:
    """List the checks of the assets and of everything upstream of them."""
    upstream, unvisited = set(assets), list(assets)
    while unvisited:
        parents = graph.get(unvisited.pop()).parent_keys - upstream
        upstream |= parents
        unvisited += parents
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


def previous_tick(schedule: dg.ScheduleDefinition, before: datetime) -> datetime:
    """Return when a schedule was due last."""
    timezone = schedule.execution_timezone or "UTC"
    return next(schedule_execution_time_iterator(before.timestamp(), schedule.cron_schedule, timezone, ascending=False))


def output_without_materialization() -> dg.MaterializeResult[None]:
    """Return a result that lets downstream steps run and marks no partition as made.

    A run over a range would otherwise mark each of its partitions. The asset logs those that it wrote itself.
    """
    return dg.MaterializeResult(metadata={SYSTEM_METADATA_KEY_SOURCE_ASSET_OBSERVATION: True})


def step_failures(instance: dg.DagsterInstance, run_id: str) -> Iterator[Mapping[str, Any]]:
    """Yield the metadata of each step failure of a run; empty where the step raised no `Failure`."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        event = entry.dagster_event
        data = event.step_failure_data.user_failure_data if event else None
        yield {name: value.value for name, value in (data.metadata if data else {}).items()}


def died(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether a run ended without an error of its own: its process was killed, or its machine went away."""
    ended = instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    details = [entry.dagster_event.event_specific_data for entry in ended if entry.dagster_event]
    return bool(details) and all(getattr(data, "error", None) is None for data in details)


def was_interrupted(ran: dg.ExecuteInProcessResult) -> bool:
    """Whether a run in this process ended as the process was asked to: that is recorded, and not raised."""
    failures = [event for event in ran.all_events if event.event_type == dg.DagsterEventType.RUN_FAILURE]
    reasons = [getattr(event.event_specific_data, "failure_reason", None) for event in failures]
    return RunFailureReason.UNEXPECTED_TERMINATION in reasons


def run_folders(instance: dg.DagsterInstance, run_id: str) -> list[Path]:
    """List what lies on the disk of one run: its output, and on SQLite the database of its events."""
    paths = [Path(instance.storage_directory(), run_id)]
    # Asked for by name: to import the class takes in all that migrates databases, an eighth of the platform's imports.
    if path_for_shard := getattr(instance.event_log_storage, "path_for_shard", None):
        shard = path_for_shard(run_id)
        paths += [Path(shard + suffix) for suffix in ("", "-wal", "-shm")]
    return [path for path in paths if path.exists()]


def launched_through_dagster(run: dg.DagsterRun) -> bool:
    """Whether the UI or a daemon launched the run, and not a command that a person watches."""
    return run.remote_job_origin is not None


FAILURE = "failure"  # the metadata of a step that failed, perhaps behind the name of a stream: what was raised
APPROVE_WITH = "approve_with"  # the metadata of a step that stopped to be approved: the command


@dataclass(frozen=True)
class FailedStep:
    """A failed step; `crashed_checks` are those that it was to evaluate and did not, if it made no asset.

    `errors` are the names of what was raised, the causes of each after it, and of what a `Failure` says that failed.
    What failed `by_verdict` is told elsewhere: by the check, or by the notification that asks for approval.
    """

    error: SerializableErrorInfo | None
    by_verdict: bool
    crashed_checks: tuple[str, ...]
    errors: tuple[str, ...]


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
        raised = event.step_failure_data.user_failure_data
        by_verdict = error is not None and error.cls_name == DagsterAssetCheckFailedError.__name__
        by_verdict |= raised is not None and APPROVE_WITH in raised.metadata
        named = [str(value.value) for name, value in (raised.metadata if raised else {}).items() if _names_error(name)]
        steps.append(FailedStep(error, by_verdict, tuple(sorted(checks)), (*named, *_causes(error))))
    return steps


def _names_error(name: str) -> bool:
    return name == FAILURE or name.endswith(f".{FAILURE}")


def _causes(error: SerializableErrorInfo | None) -> Iterator[str]:
    while error is not None:
        if error.cls_name:
            yield error.cls_name
        error = error.cause


def _events(instance: dg.DagsterInstance, run_id: str, types: set[dg.DagsterEventType]) -> Iterator[dg.DagsterEvent]:
    for entry in instance.all_logs(run_id, of_type=types):
        if entry.dagster_event:
            yield entry.dagster_event
