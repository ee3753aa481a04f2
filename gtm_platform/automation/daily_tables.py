"""One decision for the whole graph: when the sources have come to rest, one run makes yesterday and today.

Why not a condition on each table: sources land one after another, and each landing would make nearly all tables again,
in fragments while others are still being read. Which assets are sources and which are daily tables is read from their
tags, so that an asset of a person's own with the tag `gtm/daily` is made along with the platform's.

Two runs never make the same day at once. This sensor waits while a run that makes daily tables of these days is
queued or at work, whoever launched it; and the assets share a pool of one slot, so that of two runs launched by hand
only one writes a table at any time.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import dagster as dg

from gtm_platform.orchestration.compat import AssetJob, Graph, assets_of_job, next_tick
from gtm_platform.orchestration.graph_policy import DAILY_TAG, DAYS, SOURCE_TAG, WINDOWS_READ_DAYS
from gtm_platform.orchestration.graph_reading import keys_tagged, unfinished_runs
from gtm_platform.orchestration.origin import covers_any, partition_tags
from gtm_platform.policy import policy
from gtm_platform.settings import settings

Clock = Callable[[], datetime]
TICK_SECONDS = 60
LANDINGS_READ = 200  # of a stream, since the tables were requested last
SCHEDULER_DELAY = timedelta(minutes=2)  # a tick that is due may take so long to become a run


@dataclass(frozen=True)
class Cursor:
    """The newest landing that was answered, since when a later one waits, when tables were requested."""

    answered: int
    waiting_since: float | None = None
    requested_at: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        return cls(**json.loads(text))

    def __str__(self) -> str:
        return json.dumps(vars(self))


def daily_tables_job() -> AssetJob:
    """Define the job of all daily tables, the platform's and those of extensions."""
    return dg.define_asset_job(
        "daily_tables",
        selection=dg.AssetSelection.tag(DAILY_TAG, ""),
        description="Who is who, the domains, health and the wide tables, for a day or a range of days.",
    )


def make_daily_tables(job: AssetJob, clock: Clock = lambda: settings().now()) -> dg.SensorDefinition:
    """Define the sensor that requests the job once the sources have come to rest."""

    @dg.sensor(
        name="make_daily_tables",
        job=job,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=TICK_SECONDS,
        description="Makes yesterday and today in one run when sources have landed and come to rest.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        assert context.repository_def
        landings = Landings(context.instance, context.repository_def, clock())
        cursor = Cursor.parse(context.cursor) if context.cursor else Cursor(answered=0)
        landed = landings.since(cursor.answered)
        if not landed:
            return _skip("no source has landed since the tables were requested last", cursor)
        cursor = replace(cursor, waiting_since=cursor.waiting_since or landings.now.timestamp())
        if more := landings.more_to_come(landed, cursor):
            return _skip(f"{len(landed)} streams have landed; {more}", cursor)
        if waits_for := landings.unrest(cursor):
            return _skip(f"{len(landed)} streams have landed; waiting for {waits_for}", cursor)
        answered = Cursor(max(landed.values()), requested_at=cursor.requested_at)
        days = landings.days_touched(landed, cursor.answered)
        if not days:
            return _skip("what landed is of past days, which a backfill makes, or a run has read it already", answered)
        request = dg.RunRequest(run_key=f"{days[-1]}:{answered.answered}", tags=partition_tags(days))
        requested = replace(answered, requested_at=landings.now.timestamp())
        return dg.SensorResult(run_requests=[request], cursor=str(requested))

    return sensor


def _skip(reason: str, cursor: Cursor) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=reason, cursor=str(cursor))


@dataclass(frozen=True)
class Landings:
    """What the sources brought, as far as Dagster's history tells, and whether more is to come."""

    instance: dg.DagsterInstance
    repository: dg.RepositoryDefinition
    now: datetime

    @property
    def graph(self) -> Graph:
        return self.repository.asset_graph

    @property
    def days(self) -> list[str]:
        """Yesterday and today, as far as they have partitions."""
        first = DAYS.get_first_partition_key() or ""
        today = self.now.date()
        return [day for day in (str(today - timedelta(days=1)), str(today)) if day >= first]

    def since(self, answered: int) -> dict[dg.AssetKey, int]:
        """Return the streams that landed later than this, with the storage id of their newest landing."""
        newest = self._newest(keys_tagged(self.graph, SOURCE_TAG))
        return {key: storage_id for key, storage_id in newest if storage_id > answered}

    def _newest(self, keys: Iterable[dg.AssetKey]) -> Iterator[tuple[dg.AssetKey, int]]:
        for record in self.instance.get_asset_records(list(keys)):
            yield record.asset_entry.asset_key, record.asset_entry.last_materialization_storage_id or 0

    def unrest(self, cursor: Cursor) -> str | None:
        """Say what the tables have to wait for, or None."""
        making = unfinished_runs(self.instance, self.repository, keys_tagged(self.graph, DAILY_TAG))
        if ours := [run.run_id[:8] for run in making if covers_any(run.tags, self.days)]:
            return f"the run that makes these days: {', '.join(ours)}"
        if self._waited(cursor) >= timedelta(minutes=policy().automation.longest_wait_minutes):
            return None
        sources = keys_tagged(self.graph, SOURCE_TAG)
        if reading := [run.job_name for run in unfinished_runs(self.instance, self.repository, sources)]:
            return f"{len(reading)} runs of sources: {', '.join(sorted(set(reading)))}"
        return self._due()

    def more_to_come(self, landed: Mapping[dg.AssetKey, int], cursor: Cursor) -> str | None:
        """Say until when the tables wait, where all that landed is of open windows, of which webhooks bring more."""
        gap = policy().hooks.tables_gap_minutes * 60
        again = (cursor.requested_at or 0) + gap
        if self.now.timestamp() >= again or not all(self._is_open(key, cursor.answered) for key in landed):
            return None
        return f"their windows are open, and the tables were made less than {gap // 60} minutes ago"

    def _is_open(self, key: dg.AssetKey, answered: int) -> bool:
        """Whether all that landed of a stream since is of a window that is not over yet."""
        windows = self.graph.get(key).partitions_def
        made = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(key, after_storage_id=answered), limit=LANDINGS_READ
        )
        keys = {record.partition_key for record in made.records}
        if not isinstance(windows, dg.TimeWindowPartitionsDefinition) or len(made.records) >= LANDINGS_READ:
            return False
        return all(each and windows.time_window_for_partition_key(each).end > self.now for each in keys)

    def _waited(self, cursor: Cursor) -> timedelta:
        return timedelta(seconds=self.now.timestamp() - (cursor.waiting_since or self.now.timestamp()))

    def _due(self) -> str | None:
        """Name the schedule of a source that ticks soon, or has just ticked, and when."""
        sources, settled = keys_tagged(self.graph, SOURCE_TAG), timedelta(minutes=policy().automation.settle_minutes)
        due = [
            (tick, schedule.name)
            for schedule in self.repository.schedule_defs
            if (tick := next_tick(schedule, self.now - SCHEDULER_DELAY)) <= self.now + settled
            and not sources.isdisjoint(assets_of_job(self.repository.get_job(schedule.job_name)))
        ]
        return f"{min(due)[1]}, which is due at {min(due)[0]:%H:%M}" if due else None

    def days_touched(self, landed: Mapping[dg.AssetKey, int], answered: int) -> list[str]:
        """Return those of yesterday and today that read a window that landed since, and were not made since."""
        earliest = min((day for key in landed if (day := self._earliest(key, answered))), default="")
        touched = [day for day in self.days if earliest and day >= earliest]
        return [day for day in touched if max(landed.values()) > self._read_by(day)]

    def _read_by(self, day: str) -> int:
        """Return the storage id before which all landings were read by every table of the day, whoever made it."""
        read = None
        for key in keys_tagged(self.graph, DAILY_TAG):
            made = self.instance.fetch_materializations(dg.AssetRecordsFilter(key, asset_partitions=[day]), limit=1)
            newest = made.records[0].storage_id if made.records else 0
            read = newest if read is None else min(read, newest)
        return read or 0

    def _earliest(self, key: dg.AssetKey, answered: int) -> str | None:
        """Return the first day of what landed of a stream, as far back as today reads windows."""
        windows = self.graph.get(key).partitions_def
        oldest = str(self.now.date() - timedelta(days=WINDOWS_READ_DAYS))
        if not isinstance(windows, dg.TimeWindowPartitionsDefinition):
            return oldest
        recent = _windows_between(windows, date.fromisoformat(oldest), self.now)
        if not recent:
            return None
        filtered = dg.AssetRecordsFilter(key, asset_partitions=recent, after_storage_id=answered)
        made = self.instance.fetch_materializations(filtered, limit=len(recent)).records
        return min((record.partition_key[:10] for record in made if record.partition_key), default=None)


def _windows_between(windows: dg.TimeWindowPartitionsDefinition, first: date, now: datetime) -> list[str]:
    span = dg.TimeWindow(datetime(first.year, first.month, first.day, tzinfo=now.tzinfo), now)
    return list(windows.get_partition_keys_in_time_window(span))
