"""Which runs failed for good: nothing retries them, and more than the verdict of a check failed them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

import dagster as dg

from gtm_platform.automation.check_turns import span_text
from gtm_platform.automation.retries import passing_streams
from gtm_platform.delivery.alerts.kinds.run_failed import FailedRun
from gtm_platform.delivery.alerts.runbooks import PROCESS_DIED
from gtm_platform.orchestration.compat import (
    RETRIED_BY_TAG,
    WILL_RETRY_TAG,
    died,
    failed_steps,
    launched_through_dagster,
    step_failures,
)
from gtm_platform.orchestration.graph_policy import SOURCE_TAG
from gtm_platform.orchestration.liveness import sentence
from gtm_platform.orchestration.origin import BACKFILL_TAG, PARTITION_TAG, RETRY_TAG, started_by_person
from gtm_platform.policy import policy

RUNS_READ = 100  # in one look
OVERLAP = timedelta(minutes=1)  # a run that ended a moment ago may be written after one that ended later
OLDEST = timedelta(days=1)  # what failed longer ago is no news, also where the daemon was down since
UNTAGGED = timedelta(minutes=2)  # Dagster writes that it will retry a run a moment after that it failed
OVERDUE = timedelta(hours=1)  # a retry that has not begun so long after it was due will not


@dataclass
class RunMemory:
    """How far failed runs were read, and those of which it is not known yet whether a retry succeeds."""

    read_until: datetime
    pending: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, cursor: str | None, now: datetime) -> "RunMemory":
        """Read it from a cursor. The first look is at what fails from now on."""
        if not cursor:
            return cls(now)
        memory = json.loads(cursor)
        return cls(datetime.fromisoformat(memory["read_until"]), memory["pending"])

    def cursor(self) -> str:
        """Write it as a cursor."""
        return json.dumps({"read_until": self.read_until.isoformat(), "pending": self.pending})


def read_failed_runs(
    instance: dg.DagsterInstance,
    repository: dg.RepositoryDefinition,
    cursor: str | None,
    now: datetime,
    is_watched: Callable[[dg.DagsterRun], bool] = launched_through_dagster,
) -> tuple[list[FailedRun], RunMemory]:
    """Return the runs that failed for good since the cursor, and what to remember.

    A run in a command's own process is not watched: who gave the command sees how it ends.
    """
    memory = RunMemory.of(cursor, now)
    failed, pending = [], []
    for record in _records(instance, memory):
        memory.read_until = max(memory.read_until, record.update_timestamp.replace(tzinfo=UTC))
        run, ended = record.dagster_run, datetime.fromtimestamp(record.end_time or 0, UTC)
        if now - ended > OLDEST or not is_watched(run):
            continue
        retry = _retry(instance, repository, run, ended, now)
        if retry == "pending":
            pending.append(run.run_id)
        elif retry == "none" and (report := report_of(instance, run)):
            failed.append(report)
    memory.pending = list(dict.fromkeys(pending))
    return failed, memory


def _records(instance: dg.DagsterInstance, memory: RunMemory) -> Iterator[dg.RunRecord]:
    recent = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=memory.read_until - OVERLAP)
    records = list(instance.get_run_records(recent, limit=RUNS_READ, order_by="update_timestamp", ascending=True))
    read = {record.dagster_run.run_id for record in records}
    if remaining := [run_id for run_id in memory.pending if run_id not in read]:
        yield from instance.get_run_records(dg.RunsFilter(run_ids=remaining))
    yield from records


def _retry(
    instance: dg.DagsterInstance,
    repository: dg.RepositoryDefinition,
    run: dg.DagsterRun,
    ended: datetime,
    now: datetime,
) -> Literal["other", "pending", "none"]:
    """Say whether another run takes over ("other"), may still do so ("pending"), or "none" does."""
    if RETRIED_BY_TAG in run.tags:
        return "other"
    will_retry = run.tags.get(WILL_RETRY_TAG)
    if will_retry is None and instance.run_retries_enabled and now - ended < UNTAGGED:
        return "pending"
    if will_retry == "true":
        return "pending" if now - ended < OVERDUE else "none"
    if (due := _window_retry_due(instance, repository, run, ended)) is None:
        return "none"
    if _was_taken_over(instance, run):
        return "other"
    return "pending" if now - due < OVERDUE else "none"


def _window_retry_due(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, run: dg.DagsterRun, ended: datetime
) -> datetime | None:
    """Return when `retry_failed_windows` tries the run's window again; None where that would not mend all of it."""
    waits, tries = policy().automation.retry_after_minutes, int(run.tags.get(RETRY_TAG, 0))
    is_window = SOURCE_TAG in run.tags and PARTITION_TAG in run.tags and not started_by_person(run.tags)
    if not is_window or tries >= len(waits):
        return None
    passing = {key.path[-1] for key in passing_streams(instance, repository, run)}
    failures = list(step_failures(instance, run.run_id))
    failed = {name.rpartition(".")[0] for failure in failures for name in failure if name.endswith(".failure")}
    return ended + timedelta(minutes=waits[tries]) if passing and failed <= passing else None


def _was_taken_over(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the window was tried again, or a later run of its job succeeded, which reads it, too."""
    window = {SOURCE_TAG: run.tags[SOURCE_TAG], PARTITION_TAG: run.tags[PARTITION_TAG]}
    again = dg.RunsFilter(tags={**window, RETRY_TAG: str(int(run.tags.get(RETRY_TAG, 0)) + 1)})
    if instance.get_runs(again, limit=1):
        return True
    record = instance.get_run_record_by_id(run.run_id)
    later = dg.RunsFilter(
        job_name=run.job_name,
        statuses=[dg.DagsterRunStatus.SUCCESS],
        tags={SOURCE_TAG: run.tags[SOURCE_TAG]},
        created_after=record.create_timestamp if record else None,
    )
    return bool(instance.get_runs(later, limit=1))


def report_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> FailedRun | None:
    """Return what failed a run, or None where only verdicts of checks did, which are told by themselves."""
    steps = failed_steps(instance, run.run_id)
    errors = [step for step in steps if not step.by_verdict]
    if steps and not errors:
        return None
    sentences = [sentence(step.error) for step in errors if step.error] or [_last_words(instance, run)]
    crashed = [check for step in errors for check in step.crashed_checks]
    only_checks = bool(errors) and all(step.crashed_checks for step in errors)
    return FailedRun(
        run_id=run.run_id,
        what=_what(run),
        partitions=span_text(run.tags),
        sentences=tuple(dict.fromkeys(sentences)),
        crashed_checks=tuple(crashed) if only_checks else (),
        backfill=run.tags.get(BACKFILL_TAG, ""),
        errors=tuple(dict.fromkeys(name for step in errors for name in step.errors)) or _end(instance, run),
    )


def _what(run: dg.DagsterRun) -> str:
    """Return the job's name, or the assets where they were chosen without one."""
    tables = sorted(key.to_user_string() for key in run.asset_selection or ())
    if not tables:
        return run.job_name
    return f"{tables[0]} and {len(tables) - 1} more" if len(tables) > 1 else tables[0]


def _end(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[str, ...]:
    """Return what ended a run of which no step failed."""
    return (PROCESS_DIED,) if died(instance, run.run_id) else ()


def _last_words(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Return what the run itself said when no step did."""
    ended = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    messages = [entry.dagster_event.message for entry in ended if entry.dagster_event and entry.dagster_event.message]
    return messages[-1] if messages else "It ended without a word."
