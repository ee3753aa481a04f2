"""What is due: read from what the lake lacks, so that a new history of Dagster changes nothing.

A source is due while the lake lacks its newest closed window, the tables while a landing is newer than they are, a
delivery while the newest day was not delivered as it is, any other schedule while nothing was made since its last tick.
What leaves no file is told by the marks in the state. `due_run` does what stands here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any

import dagster as dg

from gtm_platform.delivery.gate import CUSTOMERS, closed_reasons, newest_day
from gtm_platform.delivery.sensors import deliver
from gtm_platform.lake.lake import File, Lake
from gtm_platform.orchestration.compat import Graph, assets_of_job, previous_tick
from gtm_platform.orchestration.graph_policy import DAILY_TAG, DAYS, SOURCE_TAG, WINDOWS_READ_DAYS
from gtm_platform.orchestration.graph_reading import keys_tagged, unfinished_runs
from gtm_platform.orchestration.origin import DAY_TAG, covers_any, partition_tags

DUE_TAG = "gtm/due"  # on a run that `gtm run --due` made
TABLES = "daily_tables"  # the job, and the name of its marks
SCHEDULE_TAG, SENSOR_TAG = "dagster/schedule_name", "dagster/sensor_name"
TWO_DAYS = timedelta(days=2)  # hold a closed window of every source
# The daemon's own affairs: what it requests is decided here, or is about the daemon itself.
DECIDED_HERE = frozenset({"make_daily_tables", "request_delivery", "retry_failed_windows", "end_dead_runs"})
OF_THE_DAEMON = frozenset({"report_failing_automations"})

Marks = Mapping[tuple[str, str], str | None]
NO_CONFIG: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Step:
    """A run that is due: its job and partitions, and the mark that is kept once it is done."""

    name: str
    about: str
    job: str
    tags: Mapping[str, str]
    key: str
    value: str | None = None
    assets: tuple[dg.AssetKey, ...] = ()
    config: Mapping[str, Any] = field(default_factory=lambda: NO_CONFIG)

    def __str__(self) -> str:
        return f"{self.name}: {self.about}"


@dataclass(frozen=True)
class Waiting:
    """What would be due, and why it is not done now. `needs_person` where it will not pass by itself."""

    name: str
    reason: str
    needs_person: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


Steps = Iterator[Step | Waiting]


@dataclass(frozen=True)
class Due:
    """What is due at a moment, by the lake and the marks."""

    instance: dg.DagsterInstance
    repository: dg.RepositoryDefinition
    lake: Lake
    marks: Marks
    now: datetime
    failed_days: str = ""  # those whose tables failed, and were not made since

    @property
    def graph(self) -> Graph:
        return self.repository.asset_graph

    # --- sources ------------------------------------------------------------------------------------------------------

    def sources(self) -> Steps:
        """Yield each source whose newest closed window the lake lacks."""
        for schedule in self._schedules(of_sources=True):
            if step := self._source(schedule):
                yield step

    def _source(self, schedule: dg.ScheduleDefinition) -> Step | Waiting | None:
        job = self.repository.get_job(schedule.job_name)
        window = closed_window_of(job, self.now)
        if window is None:
            return Waiting(job.name, "no window has closed since the first day")
        lacking = self._lacking(job, window)
        if not lacking:
            return None
        if reason := self._tick(schedule, self.now).skip_message:
            return Waiting(job.name, reason)
        if busy := next(unfinished_runs(self.instance, self.repository, set(lacking)), None):
            return Waiting(job.name, f"run {busy.run_id[:8]} reads it")
        tags = {SOURCE_TAG: job.tags[SOURCE_TAG], SCHEDULE_TAG: schedule.name, **partition_tags([window])}
        return Step(job.name, f"window {window}", job.name, tags, window, assets=tuple(lacking))

    def _lacking(self, job: dg.JobDefinition, window: str) -> list[dg.AssetKey]:
        """List the streams of a source that lack a window, unless a run found nothing to write for it."""
        if (job.name, window) in self.marks:
            return []
        keys = sorted(assets_of_job(job), key=lambda key: key.to_user_string())
        return [key for key in keys if max(self._closed(key), default="") < window]

    def _closed(self, key: dg.AssetKey) -> list[str]:
        return [file.partition for file in self.lake.closed_files("/".join(key.path))]

    # --- tables -------------------------------------------------------------------------------------------------------

    def tables(self) -> Steps:
        """Yield the tables of those of yesterday and today that are older than what landed."""
        landings = {day: self._newest_landing(day) for day in self._days()}
        due = [day for day, landing in landings.items() if landing > max(self._made(day), self._answered(day))]
        if not due:
            return
        making = unfinished_runs(self.instance, self.repository, keys_tagged(self.graph, DAILY_TAG))
        if busy := next((run for run in making if covers_any(run.tags, due)), None):
            yield Waiting(TABLES, f"run {busy.run_id[:8]} makes {' and '.join(due)}")
            return
        tags = {SENSOR_TAG: "make_daily_tables", **partition_tags(due)}
        answered = str(max(landings.values()))
        yield Step(TABLES, " and ".join(due), TABLES, tags, " ".join(due), answered)

    def _days(self) -> list[str]:
        first, today = DAYS.get_first_partition_key() or "", self.now.date()
        return [day for day in (str(today - timedelta(days=1)), str(today)) if day >= first]

    def _newest_landing(self, day: str) -> int:
        """Return when the newest file of a source was written that the day reads, in nanoseconds; 0 without any."""
        begin, end = date.fromisoformat(day) - timedelta(days=WINDOWS_READ_DAYS), date.fromisoformat(day)
        oldest, after = str(begin), str(end + timedelta(days=1))
        tables = ["/".join(key.path) for key in keys_tagged(self.graph, SOURCE_TAG)]
        read = (file for table in tables for file in self.lake.files(table) if oldest <= file.partition < after)
        return max(map(_stamp, read), default=0)

    def _made(self, day: str) -> int:
        """Return when the first of the day's tables was made that any day has; 0 where one is missing, or failed."""
        if day in self.failed_days:
            return 0
        stamps = []
        for key in keys_tagged(self.graph, DAILY_TAG):
            files = {file.partition: file for file in self.lake.files("/".join(key.path))}
            if files:
                stamps.append(_stamp(files[day]) if day in files else 0)
        return min(stamps, default=0)

    def _answered(self, day: str) -> int:
        """Return the newest landing that a run answered which made all of the day that could be made."""
        answered = [int(value or 0) for (name, days), value in self.marks.items() if name == TABLES and day in days]
        return max(answered, default=0)

    # --- deliveries ---------------------------------------------------------------------------------------------------

    def delivery(self) -> Steps:
        """Yield the delivery of the newest day, where that was made since it was delivered."""
        day = newest_day(self.lake)
        if not day or day < str(self.now.date() - timedelta(days=1)):
            return
        made = next(_stamp(file) for file in self.lake.files(CUSTOMERS) if file.partition == day)
        key = f"{day}:{made}"
        if (deliver.name, key) in self.marks or self._delivered_since(made):
            return
        if reasons := closed_reasons(self.instance, self.graph, day):
            yield Waiting(deliver.name, f"{day} is held back: {'; '.join(reasons)}", needs_person=True)
            return
        if self.instance.get_runs(dg.RunsFilter(job_name=deliver.name, statuses=_UNFINISHED), limit=1):
            yield Waiting(deliver.name, "a run delivers already")
            return
        tags = {SENSOR_TAG: "request_delivery", DAY_TAG: day}
        yield Step(deliver.name, day, deliver.name, tags, key)

    def _delivered_since(self, made: int) -> bool:
        """Whether the daemon delivered the day after it was made."""
        succeeded = dg.RunsFilter(job_name=deliver.name, statuses=[dg.DagsterRunStatus.SUCCESS])
        whole = (record for record in self.instance.get_run_records(succeeded, limit=20) if _is_whole(record))
        return any((record.start_time or 0) * 1e9 > made for record in whole)

    # --- the rest of the schedules ------------------------------------------------------------------------------------

    def schedules(self) -> Steps:
        """Yield what the other schedules asked for at their last tick, where nothing has answered it."""
        begin = datetime.combine(date.fromisoformat(DAYS.get_first_partition_key() or str(date.max)), time(), UTC)
        for schedule in self._schedules(of_sources=False):
            tick = previous_tick(schedule, self.now)
            if tick < begin or (schedule.name, tick.isoformat()) in self.marks or self._answered_tick(schedule, tick):
                continue
            data = self._tick(schedule, tick)
            if not data.run_requests:
                yield Waiting(schedule.name, data.skip_message or "it asks for nothing")
            for request in data.run_requests or []:
                yield self._requested(schedule.name, schedule.job_name, request, tick.isoformat(), SCHEDULE_TAG)

    def _answered_tick(self, schedule: dg.ScheduleDefinition, tick: datetime) -> bool:
        """Whether the daemon ran it since, or runs it now."""
        since = dg.RunsFilter(job_name=schedule.job_name, created_after=tick - timedelta(seconds=1))
        failed = {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
        runs = [run for run in self.instance.get_runs(since, limit=20) if DUE_TAG not in run.tags]
        return any(run.status not in failed for run in runs)

    # --- sensors ------------------------------------------------------------------------------------------------------

    def sensors(self, *, reading: bool) -> list[dg.SensorDefinition]:
        """List the sensors that make sources be read, or the others; not those whose decision stands here."""
        kept = [each for each in self.repository.sensor_defs if each.name not in DECIDED_HERE | OF_THE_DAEMON]
        return [each for each in kept if _is_plain(each) and self._reads(each) == reading]

    def only_with_daemon(self) -> list[str]:
        """Name the sensors that nothing but Dagster's daemon can evaluate."""
        return [each.name for each in self.repository.sensor_defs if not _is_plain(each)]

    def look(self, sensor: dg.SensorDefinition, cursor: str | None) -> tuple[list[Step], str | None]:
        """Evaluate a sensor once; return what it requests, and its next cursor."""
        context = dg.build_sensor_context(instance=self.instance, cursor=cursor, repository_def=self.repository)
        data = sensor.evaluate_tick(context)
        for event in data.asset_events or ():
            self.instance.report_runless_asset_event(event)
        requests = [(request, str(request.job_name or sensor.job_name)) for request in data.run_requests or []]
        requested = [
            self._requested(sensor.name, job, request, request.run_key or "", SENSOR_TAG) for request, job in requests
        ]
        return [step for step in requested if not step.key or (step.name, step.key) not in self.marks], data.cursor

    def _reads(self, sensor: dg.SensorDefinition) -> bool:
        jobs = [self.repository.get_job(target.job_name) for target in sensor.targets]
        return any(SOURCE_TAG in job.tags for job in jobs)

    # --- of both ------------------------------------------------------------------------------------------------------

    def _schedules(self, *, of_sources: bool) -> Iterator[dg.ScheduleDefinition]:
        for schedule in sorted(self.repository.schedule_defs, key=lambda each: each.name):
            if (SOURCE_TAG in self.repository.get_job(schedule.job_name).tags) == of_sources:
                yield schedule

    def _tick(self, schedule: dg.ScheduleDefinition, at: datetime) -> Any:
        context = dg.build_schedule_context(
            instance=self.instance, scheduled_execution_time=at, repository_def=self.repository
        )
        return schedule.evaluate_tick(context)

    def _requested(self, name: str, job: str, request: dg.RunRequest, key: str, tag: str) -> Step:
        partition = partition_tags([request.partition_key]) if request.partition_key else {}
        tags = {**request.tags, **partition, tag: name}
        about = request.partition_key or tags.get("dagster/partition") or tags.get(DAY_TAG) or "now"
        assets = tuple(request.asset_selection or ())
        return Step(name, f"{job} of {about}", job, tags, key, assets=assets, config=request.run_config or NO_CONFIG)


_UNFINISHED = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def closed_window_of(job: dg.JobDefinition, now: datetime) -> str | None:
    """Return the partition of a source's window that closed last; None before the first one did."""
    windows = job.partitions_def
    if not isinstance(windows, dg.TimeWindowPartitionsDefinition):
        return None
    with dg.partition_loading_context(effective_dt=now):
        recent: Sequence[str] = windows.get_partition_keys_in_time_window(dg.TimeWindow(now - TWO_DAYS, now))
    closed = [key for key in recent if windows.time_window_for_partition_key(key).end <= now]
    return max(closed, default=None)


def _stamp(file: File) -> int:
    return int(file.stamp[:20])


def _is_plain(sensor: dg.SensorDefinition) -> bool:
    """Whether a sensor is evaluated by a call; those of run statuses and of conditions are not."""
    return type(sensor) is dg.SensorDefinition


def _is_whole(record: Any) -> bool:
    """Whether a run was a whole delivery, and not of some of it only."""
    return not record.dagster_run.asset_selection
