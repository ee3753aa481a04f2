"""An outage costs no window: one whose run failed for a reason that passes is requested again, without a person.

A failure that does not pass (a key that is refused, a wrong setting, a bug) is not tried again; nor is a run that a
person launched, who sees how it ended. How a call is retried within a run belongs to `http/retry`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from gtm_platform.automation.daily_tables import Clock
from gtm_platform.orchestration.compat import WILL_RETRY_TAG, AssetJob, died, step_failures
from gtm_platform.orchestration.graph_policy import SOURCE_TAG
from gtm_platform.orchestration.graph_reading import assets_of_run, unfinished_runs
from gtm_platform.orchestration.origin import PARTITION_TAG, RETRY_TAG, started_by_person
from gtm_platform.policy import policy
from gtm_platform.settings import settings

TICK_SECONDS = 60
RUNS_READ = 200  # failed runs of the last hours that are looked at in a tick
LOOK_BACK = timedelta(hours=6)  # beyond the longest wait: a daemon that was down for long has the next window to read
# Names of failures that pass, for records that do not say so themselves.
PASSING = {"RateLimited", "Unavailable", "InvalidResponse", "RetriesExhausted"}


def retry_failed_windows(jobs: Sequence[AssetJob], clock: Clock = lambda: settings().now()) -> dg.SensorDefinition:
    """Define the sensor that requests failed windows again, after the waits that the policy names."""

    @dg.sensor(
        name="retry_failed_windows",
        jobs=list(jobs),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=TICK_SECONDS,
        description="Requests a window of a source again when its run failed for a reason that passes.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        assert context.repository_def
        waiting, requested = [], 0
        for failed in failed_windows(context.instance, context.repository_def, clock()):
            if reason := failed.waits_for(clock()):
                waiting.append(f"{failed.source} {failed.window}: {reason}")
                continue
            requested += 1
            yield failed.request()
        if not requested:
            yield dg.SkipReason("; ".join(waiting) or "no window failed for a reason that passes")

    return sensor


@dataclass(frozen=True)
class FailedWindow:
    """A window of a source that failed for a passing reason, and that nothing has covered since."""

    source: str
    window: str
    job: str
    streams: tuple[dg.AssetKey, ...]
    tries: int
    failed_at: datetime
    busy: bool  # a run of the source is queued or at work, and may cover the window

    def waits_for(self, now: datetime) -> str | None:
        """Say what the next try waits for, or None."""
        if self.busy:
            return "a run of the source is under way"
        due = self.failed_at + timedelta(minutes=policy().automation.retry_after_minutes[self.tries])
        return f"try {self.tries + 1} at {due:%H:%M}" if now < due else None

    def request(self) -> dg.RunRequest:
        """Request the streams that failed, of the same window."""
        tried = self.tries + 1
        return dg.RunRequest(
            run_key=f"{self.source}:{self.window}:{tried}",
            job_name=self.job,
            asset_selection=list(self.streams),
            tags={PARTITION_TAG: self.window, RETRY_TAG: str(tried)},
        )


def failed_windows(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, now: datetime
) -> Iterator[FailedWindow]:
    """Yield the windows that are to be tried again, each as its newest run left it."""
    newest: set[tuple[str, str]] = set()
    recent = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=now - LOOK_BACK)
    for record in instance.get_run_records(recent, limit=RUNS_READ):  # the newest first
        run = record.dagster_run
        source, window = run.tags.get(SOURCE_TAG), run.tags.get(PARTITION_TAG)
        if not source or not window or started_by_person(run.tags) or run.tags.get(WILL_RETRY_TAG) == "true":
            continue
        if (source, window) in newest or not repository.has_job(run.job_name):
            continue
        newest.add((source, window))
        tries, failed_at = int(run.tags.get(RETRY_TAG, 0)), datetime.fromtimestamp(record.end_time or 0, now.tzinfo)
        if tries >= len(policy().automation.retry_after_minutes):
            continue
        streams = [
            key for key in passing_streams(instance, repository, run) if not _covered(instance, key, window, failed_at)
        ]
        if streams:
            busy = any(unfinished_runs(instance, repository, set(streams)))
            yield FailedWindow(source, window, run.job_name, tuple(streams), tries, failed_at, busy)


def passing_streams(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, run: dg.DagsterRun
) -> list[dg.AssetKey]:
    """Return the streams that failed for a reason that passes; all of them where the process died."""
    keys = sorted(assets_of_run(run, repository), key=lambda key: key.to_user_string())
    failures = list(step_failures(instance, run.run_id))
    if not failures:
        return keys if died(instance, run.run_id) else []
    return [key for key in keys if any(_passes(failure, key.path[-1]) for failure in failures)]


def _passes(failure: object, stream: str) -> bool:
    """Whether the failure's metadata calls what happened to the stream transient."""
    metadata = failure if isinstance(failure, dict) else {}
    worth = metadata.get(f"{stream}.transient", metadata.get(f"{stream}.worth_retrying"))
    return worth is True or metadata.get(f"{stream}.failure") in PASSING


def _covered(instance: dg.DagsterInstance, key: dg.AssetKey, window: str, failed_at: datetime) -> bool:
    """Whether the stream has landed since for this window or a later one, which asks from where the last one ended."""
    since = dg.AssetRecordsFilter(key, after_timestamp=failed_at.timestamp())
    landed = instance.fetch_materializations(since, limit=RUNS_READ).records
    return any((record.partition_key or "") >= window for record in landed)
