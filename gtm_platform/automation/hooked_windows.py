"""From hook to window: because of what webhooks said, the open window of a source is read, of the streams that changed.

An event is a hint. A burst of them is one read; one that was lost loses nothing, since the schedule reads the same
window again once it is over. What a run has read is noted by the run itself (`ingest/source_run`), so that a read that
failed leaves its events waiting. What is kept of old events is deleted here, too.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import dagster as dg

from gtm_platform.automation.daily_tables import Clock
from gtm_platform.delivery.alerts.hook import REACTIONS_FROM
from gtm_platform.delivery.alerts.precision import alert_precision
from gtm_platform.ingest.assets import open_window
from gtm_platform.ingest.plan import opening
from gtm_platform.ingest.source import Pushed, Source
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.compat import AssetJob
from gtm_platform.orchestration.origin import PARTITION_TAG, UNFINISHED
from gtm_platform.policy import Hooks, policy
from gtm_platform.settings import settings, settings_of
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform.state import State, open_state
from gtm_platform.state.hook_events import ToRead, drop_bodies, forget, forget_counts, to_read

TICK_SECONDS = 10
TIDIED_EVERY = timedelta(hours=1)
KEY_SECONDS = 900  # a read that came to nothing is asked for again so seldom, while no further event comes


@dataclass
class Memory:
    """When each source was read last because of hooks, in seconds; and when old events were deleted last."""

    read: dict[str, float] = field(default_factory=dict)
    read_whole: dict[str, float] = field(default_factory=dict)
    tidied: float = 0.0

    @classmethod
    def of(cls, cursor: str | None) -> "Memory":
        """Read it from a cursor."""
        return cls(**json.loads(cursor)) if cursor else cls()

    def cursor(self) -> str:
        """Write it as a cursor."""
        return json.dumps(vars(self))


def read_hooked_windows(
    syncs: Sequence[AssetJob], deliver: AssetJob, clock: Clock = lambda: settings().now()
) -> dg.SensorDefinition:
    """Define the sensor that requests the open windows of sources whose hooks spoke."""

    @dg.sensor(
        name="read_hooked_windows",
        jobs=[*syncs, deliver],
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=TICK_SECONDS,
        description="Reads the open window of a source because its webhooks say that something changed.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        memory, lake, now = Memory.of(context.cursor), the_lake(), clock()
        jobs = {job.name for job in syncs}
        with closing(open_state(settings().state_url)) as state:
            with state.reading() as tx:
                waiting = to_read(tx)
            _tidy(state, lake, memory, now)
        requests, reasons = [], []
        for source, unread in waiting.items():
            decided = Decision(context.instance, lake, memory, now, policy().hooks, source, unread)
            answer = decided.of_reactions(deliver) if source == REACTIONS_FROM else decided.of_source(jobs)
            if isinstance(answer, str):
                reasons.append(f"{source}: {answer}")
            else:
                requests.append(answer)
        if requests:
            return dg.SensorResult(run_requests=requests, cursor=memory.cursor())
        reason = "; ".join(reasons) or "no event of a webhook waits"
        return dg.SensorResult(skip_reason=reason, cursor=memory.cursor())

    return sensor


@dataclass(frozen=True)
class Decision:
    """Whether a source is read now because of events that wait, or what that waits for."""

    instance: dg.DagsterInstance
    lake: Lake
    memory: Memory
    now: datetime
    rules: Hooks
    source: str
    unread: ToRead

    def of_source(self, jobs: set[str]) -> dg.RunRequest | str:
        """Return the request for the open window, or what it waits for."""
        source = next((each for each in SCHEDULED if each.name == self.source), None)
        job = f"sync_{self.source}"
        if source is None or job not in jobs:
            return "there is no such source any more"
        if off := source.off():
            return off
        if not settings_of(source.settings).reads_api:
            return "it is read from landed tables, by its schedule"
        if waits := self._waits_for(job):
            return waits
        streams = list(self._readable(source))
        if not streams:
            return "its streams were read too short a time ago, or never whole yet"
        window = open_window(source.hours, self.now)
        self._remember(source, streams)
        return dg.RunRequest(
            run_key=self._key(window, *streams),
            job_name=job,
            asset_selection=[dg.AssetKey([source.name, stream]) for stream in streams],
            tags={PARTITION_TAG: window},
        )

    def of_reactions(self, job: AssetJob) -> dg.RunRequest | str:
        """Return the request to read reactions to alerts, or what it waits for."""
        if waits := self._waits_for(job.name):
            return waits
        if self._since(self.memory.read) < self.rules.gap_seconds:
            return "reactions were read too short a time ago"
        self.memory.read[self.source] = self.now.timestamp()
        return dg.RunRequest(run_key=self._key(), job_name=job.name, asset_selection=[alert_precision.key])

    def _waits_for(self, job: str) -> str | None:
        quiet, waited = self.now - self.unread.last_at, self.now - self.unread.first_at
        is_burst = quiet < timedelta(seconds=self.rules.settle_seconds)
        if is_burst and waited < timedelta(seconds=self.rules.longest_settle_seconds):
            return f"{self.unread.events} events have come, and more may"
        if self.instance.get_runs(dg.RunsFilter(job_name=job, statuses=UNFINISHED), limit=1):
            return "a run of it is under way"
        failed = self.instance.get_run_records(dg.RunsFilter(job_name=job), limit=1)
        for record in failed:
            ago = time.time() - (record.end_time or 0)
            if record.dagster_run.status == dg.DagsterRunStatus.FAILURE and ago < self.rules.after_failure_minutes * 60:
                return "its last run failed a short time ago"
        return None

    def _readable(self, source: Source) -> Iterator[str]:
        """Yield the streams that changed and may be read now; an open window never begins one."""
        may_read = self._since(self.memory.read) >= self.rules.gap_seconds
        may_read_whole = self._since(self.memory.read_whole) >= self.rules.whole_gap_minutes * 60
        for stream in source.streams:
            begun = stream.is_kept_here or self.lake.last_full(source.table(stream)) is not None
            may = may_read_whole if stream.sync_mode == "full_refresh" else may_read
            if stream.name in self.unread.streams and begun and may:
                yield stream.name

    def _remember(self, source: Source, streams: Sequence[str]) -> None:
        modes = {stream.sync_mode for stream in source.streams if stream.name in streams}
        if "full_refresh" in modes:
            self.memory.read_whole[self.source] = self.now.timestamp()
        if modes - {"full_refresh"}:
            self.memory.read[self.source] = self.now.timestamp()

    def _since(self, times: Mapping[str, float]) -> float:
        return self.now.timestamp() - times.get(self.source, float("-inf"))

    def _key(self, *parts: str) -> str:
        seconds = int(self.now.timestamp())
        return ":".join([self.source, *parts, str(self.unread.last_id), str(seconds // KEY_SECONDS)])


def _tidy(state: State, lake: Lake, memory: Memory, now: datetime) -> None:
    """Delete bodies whose windows have landed for some days, and events that nobody repeats any more."""
    if 0 <= now.timestamp() - memory.tidied < TIDIED_EVERY.total_seconds():
        return
    memory.tidied = now.timestamp()
    rules = policy().hooks
    landed = {source.name: _landed_until(source, lake) for source in SCHEDULED if isinstance(source.trigger, Pushed)}
    with state.writing() as tx:
        for source, until in landed.items():
            if until:
                drop_bodies(tx, source, min(until, now - timedelta(days=rules.keep_bodies_days)))
        forget(tx, now - timedelta(days=rules.keep_events_days))
        forget_counts(tx, str((now - timedelta(days=rules.keep_events_days)).date()))


def _landed_until(source: Source, lake: Lake) -> datetime | None:
    """Return until when all streams have what was sent, by windows that were read to their end."""
    newest = [[file.partition for file in lake.closed_files(source.table(stream))] for stream in source.streams]
    if not all(newest):
        return None
    return min(opening(max(partitions)) for partitions in newest) + timedelta(hours=source.hours)
