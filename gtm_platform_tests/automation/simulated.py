"""Days of landings in a made-up graph, under a clock that is moved by hand: what the sensors request, and when.

The scheduler, the queue and the workers are played: a run is begun, takes its minutes, and then tells Dagster what it
made. The sensors are the platform's own.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.metadata import normalize_metadata
from dagster._core.events import StepMaterializationData
from dagster._core.execution.plan.objects import StepFailureData, UserFailureData

from gtm_platform.automation.daily_tables import daily_tables_job, make_daily_tables
from gtm_platform.automation.deliveries import request_delivery
from gtm_platform.automation.retries import retry_failed_windows
from gtm_platform.delivery.gate import DELIVERED
from gtm_platform.delivery.sensors import deliver
from gtm_platform.orchestration.compat import assets_of_job, next_tick
from gtm_platform.orchestration.graph_policy import SOURCE_TAG
from gtm_platform.orchestration.origin import PARTITION_TAG, partition_span
from gtm_platform_tests.automation import synthetic
from gtm_platform_tests.automation.synthetic import MadeUpSource

TABLES_TAKE, DELIVERY_TAKES = timedelta(minutes=6), timedelta(minutes=2)


@dataclass
class AtWork:
    """A run under way: when it ends, what it makes, and whether it fails with which metadata."""

    run: dg.DagsterRun
    ends: datetime
    makes: Sequence[dg.AssetKey]
    failure: dict[str, Any] | None = None


@dataclass
class Ended:
    """A run that is over, for the counts."""

    job: str
    tags: dict[str, str]
    began: datetime
    other_jobs: list[str]  # jobs that were under way when it began


@dataclass
class Simulation:
    """A deployment under a clock."""

    defs: dg.Definitions
    sources: Sequence[MadeUpSource]
    instance: dg.DagsterInstance
    lake: Path
    now: datetime
    passed: Callable[[str], bool] = lambda _: True  # what the blocking check says of the last day of a run
    fails: Callable[[str, str, int], dict[str, Any] | None] = lambda *_: None  # source, window, how often asked
    at_work: list[AtWork] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    requested: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.repository = self.defs.get_repository_def()
        syncs = [job for job in self.defs.jobs or () if SOURCE_TAG in (job.tags or {})]
        self.sensors = [
            make_daily_tables(daily_tables_job(), self.clock),
            request_delivery(deliver, self.clock),
            retry_failed_windows(syncs, self.clock),  # type: ignore[arg-type]
        ]

    def clock(self) -> datetime:
        return self.now

    def until(self, end: datetime, step: timedelta = timedelta(minutes=1)) -> None:
        """Let time pass: runs end, schedules tick, sensors look."""
        while self.now < end:
            before, self.now = self.now, self.now + step
            for work in [work for work in self.at_work if work.ends <= self.now]:
                self._end(work)
            for source in self.sources:
                self._tick(source, before)
            for sensor in self.sensors:
                self.look(sensor)

    def look(self, sensor: dg.SensorDefinition) -> list[dg.RunRequest]:
        """Evaluate a sensor once, and begin what it requests; a run key counts once."""
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursors.get(sensor.name), repository_def=self.repository
        )
        data = sensor.evaluate_tick(context)
        if data.cursor:
            self.cursors[sensor.name] = data.cursor
        self.skipped[sensor.name] = data.skip_message or ""
        new = [request for request in data.run_requests or [] if f"{sensor.name} {request.run_key}" not in self.keys]
        for request in new:
            self.keys.add(f"{sensor.name} {request.run_key}")
            tags = {**request.tags, "dagster/sensor_name": sensor.name}
            self._request(request.job_name or sensor.job_name, tags, request.asset_selection)
        return list(new)

    def _tick(self, source: MadeUpSource, before: datetime) -> None:
        schedule = self.repository.get_schedule_def(f"{source.name}_schedule")
        if next_tick(schedule, before + timedelta(seconds=1)) <= self.now:
            with dg.partition_loading_context(effective_dt=self.now):
                *_, window, _open = source.windows.get_partition_keys()
            tags = {PARTITION_TAG: window, "dagster/schedule_name": schedule.name}
            self._request(schedule.job_name, {**tags, SOURCE_TAG: source.name}, None)

    def _request(self, job: str, tags: dict[str, str], chosen: Sequence[dg.AssetKey] | None) -> None:
        source = next((source for source in self.sources if job == f"sync_{source.name}"), None)
        takes = DELIVERY_TAKES if job == deliver.name else TABLES_TAKE
        if source:
            tags, takes = {**tags, SOURCE_TAG: source.name}, timedelta(minutes=source.takes_minutes)
        self.begin(job, tags, takes, chosen)

    def begin(
        self, job: str, tags: dict[str, str], takes: timedelta, chosen: Sequence[dg.AssetKey] | None = None
    ) -> AtWork:
        """Begin a run, which is under way from now on."""
        run = dg.DagsterRun(
            job_name=job, status=dg.DagsterRunStatus.STARTED, tags=tags, asset_selection=set(chosen) if chosen else None
        )
        self.instance.add_run(run)
        self.ended.append(Ended(job, tags, self.now, [work.run.job_name for work in self.at_work]))
        work = AtWork(run, self.now + takes, list(chosen or assets_of_job(self.repository.get_job(job))))
        if source := tags.get(SOURCE_TAG):
            window = source, tags[PARTITION_TAG]
            tries = self.requested[window] = self.requested.get(window, 0) + 1
            work.failure = self.fails(*window, tries)
        self.at_work.append(work)
        return work

    def _end(self, work: AtWork) -> None:
        self.at_work.remove(work)
        if work.failure is not None:
            self._fail(work)
            return
        span = partition_span(work.run.tags)
        for partition in dict.fromkeys(span) if span else [None]:
            for key in work.makes:
                made = dg.AssetMaterialization(key, partition=partition)
                self._log(work.run, dg.DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(made))
            if partition and DELIVERED[0] in work.makes:
                synthetic.land_day(self.lake, partition)
        if span and DELIVERED[1] in work.makes:
            verdict = dg.AssetCheckEvaluation(
                asset_key=DELIVERED[1], check_name="guard", passed=self.passed(span[1]), metadata={}
            )
            self._log(work.run, dg.DagsterEventType.ASSET_CHECK_EVALUATION, verdict)
        self._log(work.run, dg.DagsterEventType.RUN_SUCCESS, None)

    def _fail(self, work: AtWork) -> None:
        """A failure without metadata is the death of the process."""
        if work.failure:
            details = UserFailureData("failed", metadata=normalize_metadata(work.failure))
            data = StepFailureData(error=None, user_failure_data=details)
            self._log(work.run, dg.DagsterEventType.STEP_FAILURE, data)
        self._log(work.run, dg.DagsterEventType.RUN_FAILURE, None)

    def _log(self, run: dg.DagsterRun, kind: dg.DagsterEventType, data: Any) -> None:
        event = dg.DagsterEvent(kind.value, run.job_name, step_key="made_up", event_specific_data=data)
        self.instance.report_dagster_event(event, run.run_id, timestamp=self.now.timestamp())

    def runs(self, job: str) -> list[Ended]:
        return [run for run in self.ended if run.job == job]

    def days(self) -> list[tuple[str, str]]:
        """The days of each run of the tables, in their order."""
        return [span for run in self.runs("daily_tables") if (span := partition_span(run.tags))]

    def overlapping_runs(self) -> Iterator[Ended]:
        """Runs of tables that began while a source was read, and deliveries that began while tables were made."""
        for run in self.ended:
            if run.job == "daily_tables" and any(other.startswith("sync_") for other in run.other_jobs):
                yield run
            if run.job == deliver.name and "daily_tables" in run.other_jobs:
                yield run


def begin(
    sources: Sequence[MadeUpSource],
    tables: int,
    instance: dg.DagsterInstance,
    home: Path,
    kind: type[Simulation] = Simulation,
    **more: Any,
) -> Simulation:
    """Set up a deployment shortly before midnight of a day, without any history."""
    now = datetime(2026, 11, 20, 23, 50, tzinfo=UTC)
    return kind(synthetic.graph(sources, tables), sources, instance, home / "lake", now, **more)
