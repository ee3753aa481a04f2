"""One run of a source in Dagster: its streams side by side, and what Dagster is told of each window, wait and failure.

Streams succeed and fail apart: what succeeded is materialised, and the run fails with a sentence per failed stream.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from queue import SimpleQueue
from typing import Any

import dagster as dg
from sqlalchemy.exc import DBAPIError

from gtm_platform.accounts import require_own_account
from gtm_platform.http.errors import ApiFailure, RetriesExhausted, Transient
from gtm_platform.http.rate_limit import LimitShare
from gtm_platform.http.waiting import on_wait
from gtm_platform.ingest.completeness import Completeness
from gtm_platform.ingest.credits import CreditAllowance
from gtm_platform.ingest.hooks.hook import hooked_sources
from gtm_platform.ingest.plan import PartitionWindow, SyncRules, covered_windows, partition_windows
from gtm_platform.ingest.progress import StreamProgress
from gtm_platform.ingest.schema_drift import changes_of
from gtm_platform.ingest.source import Source, Stream
from gtm_platform.ingest.stream_sync import StreamSync, SyncReport, WindowResult
from gtm_platform.ingest.truncation import ACCEPT_SHRINKAGE_TAG
from gtm_platform.lake.contract_check import Written
from gtm_platform.lake.dagster.asset_pages import written_metadata
from gtm_platform.lake.lake import File, Lake
from gtm_platform.orchestration.first_day import record_first_day
from gtm_platform.orchestration.graph_policy import FIRST_DAY, SOURCE_TAG
from gtm_platform.orchestration.origin import started_by_person
from gtm_platform.settings import settings
from gtm_platform.state import StateError, open_state
from gtm_platform.state.hook_events import note_read
from gtm_platform.state.source_use import add as add_use

FULL_REFRESH_TAG = "gtm/full_refresh"  # "true" on a run: its newest window is taken whole
TRANSIENT_TAG = "gtm/transient"  # on a failed run: whether all that failed in it may pass
CHANGES_SHOWN, CHANGES_NAMED = 50, 5  # of a schema: in the table, and in the sentence
REASONS_SHOWN = 20  # of records in quarantine, the most frequent first
LONGEST_SENTENCE = 600
COMPLETE, SCHEMA_UNCHANGED = "complete", "schema_unchanged"  # the names of checks

Streams = Mapping[dg.AssetKey, Stream]


@dataclass
class SourceRun:
    """A source being read for the windows of one run."""

    context: dg.AssetExecutionContext
    source: Source
    parts: dg.TimeWindowPartitionsDefinition
    lake: Lake
    rules: SyncRules
    failures: dict[str, BaseException] = field(default_factory=dict)  # by stream
    sentences: list[str] = field(default_factory=list)  # why nothing was done, where a person has to hear it
    streams_read: list[str] = field(default_factory=list)
    share: LimitShare = field(default_factory=LimitShare)  # of the limits on calls; it counts them
    records: int = 0  # that came

    def sync(self, streams: Streams) -> Iterator[Any]:
        """Sync the streams and yield what became of them; fail when any of them failed."""
        if off := self.source.off():
            self._explain(off)
        else:
            self._tag_run({SOURCE_TAG: self.source.name})
            self._make_ready()
            began, started = settings().now(), time.monotonic()
            try:
                yield from self._sync(streams)
            except ApiFailure as failure:  # there is nothing to be opened
                self.failures["account"] = failure
            finally:
                self._note_use(round((time.monotonic() - started) * 1000))
            self._note_events_read(began)
        if self.failures:
            raise self._failure(len(streams))
        if self.sentences:
            raise dg.Failure(" ".join(self.sentences), metadata={"transient": False})

    def _sync(self, streams: Streams) -> Iterator[Any]:
        windows = partition_windows(self.parts, self.context.partition_keys)
        # DuckDB loads it when it is first needed; threads that need it at once would find it half loaded.
        import_module("pandas")
        lines: SimpleQueue[str | None] = SimpleQueue()
        share = LimitShare(self.rules.limit_share(self.source.name))
        allowance = CreditAllowance(self.rules.credit_cap(self.source.name), self.context.run.run_id)
        self.share = share
        with self.source.open(share, allowance) as client, ThreadPoolExecutor(len(streams)) as threads:
            if not self._is_own_account(client):
                return
            streams = self._readable(client, streams)
            # The files from before show which windows were missed and are covered now.
            before = {key: self.lake.closed_files(self.source.table(stream)) for key, stream in streams.items()}
            started = {
                key: threads.submit(copy_context().run, self._report, stream, client, windows, lines)
                for key, stream in streams.items()
            }
            for _ in started.values():
                while line := lines.get():  # until one more stream has ended
                    self.context.log.info(line)
            for key, future in started.items():
                yield from self._outcome(key, streams[key], future, before[key], windows)

    def _is_own_account(self, client: Any) -> bool:
        """Whether the key opens the account that this home belongs to; nothing is read from another one."""
        try:
            if account := self.source.account(client):
                require_own_account(account)
        except ApiFailure as failure:
            self.failures["account"] = failure
            return False
        return True

    def _note_events_read(self, began: datetime) -> None:
        """What webhooks said before the run began, and within its windows, is read of the streams that succeeded."""
        if not self.streams_read or self.source.name not in hooked_sources():
            return
        windows = partition_windows(self.parts, self.context.partition_keys)
        with closing(open_state(settings().state_url)) as state, state.writing() as tx:
            before = min(began, windows[-1].end)
            note_read(tx, self.source.name, self.streams_read, before, settings().now())

    def _note_use(self, milliseconds: int) -> None:
        """Keep what the run took of the system, also where it failed: `quality/source_costs` is made of it."""
        try:
            with closing(open_state(settings().state_url)) as state, state.writing() as tx:
                add_use(tx, self.source.name, settings().now(), self.share.calls, self.records, milliseconds)
        except (StateError, DBAPIError) as error:  # what was read is there all the same
            self.context.log.warning(f"What the run took of {self.source.name} is not counted: {error}")

    def _make_ready(self) -> None:
        """What cannot be made ready is read as it is; whether that is too old is for the reading to say."""
        try:
            self.source.make_ready()
        except ApiFailure as failure:
            self.context.log.warning(str(failure))

    def _readable(self, client: Any, streams: Streams) -> Streams:
        """The streams as they are read with this client, without those that are off: the log says what is lacking."""
        read = {key: self.source.stream_for(client, stream) for key, stream in streams.items()}
        for note in self.source.notes(client):
            self.context.log.info(note)
        return {key: stream for key, stream in read.items() if isinstance(stream, Stream)}

    def _report(
        self, stream: Stream, client: Any, windows: Sequence[PartitionWindow], lines: "SimpleQueue[str | None]"
    ) -> SyncReport:
        progress = StreamProgress(stream.name, lines)
        tags = self.context.run.tags
        sync = StreamSync(
            self.lake,
            self.source,
            stream,
            self.rules,
            settings().now(),
            self.context.run.run_id,
            full_refresh=tags.get(FULL_REFRESH_TAG) == "true",
            accept_shrinkage=tags.get(ACCEPT_SHRINKAGE_TAG) == "true",
            progress=progress.page,
        )
        try:
            with on_wait(progress.wait):
                return sync.report(client, windows)
        finally:
            lines.put(None)

    # --- what is reported to Dagster ---------------------------------------------------------------------------------

    def _outcome(
        self,
        key: dg.AssetKey,
        stream: Stream,
        future: "Future[SyncReport]",
        before: Sequence[File],
        windows: Sequence[PartitionWindow],
    ) -> Iterator[Any]:
        if error := future.exception():
            self.failures[key.path[-1]] = error
            return
        report = future.result()
        if not report.windows:
            self._explain(f"{key.to_user_string()}: {report.reason}")
            return
        record_first_day(FIRST_DAY)
        self.streams_read.append(key.path[-1])
        self.records += sum(window.read for window in report.windows)
        newest = max(self.lake.partitions("/".join(key.path)))
        added = dict(stream.on_written(self.context.run.run_id)) if stream.on_written else {}
        for window in report.windows:
            written = self._metadata(key, window, newest) | (added if window is report.windows[-1] else {})
            self.context.add_asset_metadata(written, asset_key=key, partition_key=window.key)
        results = [_quarantine_result(key, report.windows), self._schema_result(key)]
        if report.completeness:
            results.append(_completeness_result(key, report.completeness))
            self.context.log.info(f"{key.to_user_string()}: {report.completeness}")
        yield dg.MaterializeResult(asset_key=key, check_results=results)
        for missed in self._covered(before, windows):
            metadata: dict[str, Any] = {
                "dagster/partition_row_count": 0,
                "technical/kept": True,
                "technical/covered_by": windows[0].key,
            }
            description = f"Missed when it was due; what changed in it came with the window {windows[0].key}."
            yield dg.AssetMaterialization(key, partition=missed, metadata=metadata, description=description)

    def _schema_result(self, key: dg.AssetKey) -> dg.AssetCheckResult:
        """A warning while a change of what the system sends is open; the records are kept as received anyway."""
        table, days = "/".join(key.path), self.rules.schema_change_days
        changes = [each for each in changes_of(self.lake, table) if each.is_open(settings().now(), days)]
        metadata: dict[str, Any] = {"open_changes": len(changes)}
        if changes:
            columns = ("field", "kind", "type_before", "type_now", "first_seen")
            rows = [{name: getattr(change, name) for name in columns} for change in changes[-CHANGES_SHOWN:]]
            metadata["changes"] = dg.MetadataValue.table([dg.TableRecord(row) for row in rows])
            metadata["look"] = f"gtm schema acknowledge {table}"
        return dg.AssetCheckResult(
            asset_key=key,
            check_name=SCHEMA_UNCHANGED,
            passed=not changes,
            severity=dg.AssetCheckSeverity.WARN,
            metadata=metadata,
            description="; ".join(map(str, changes[-CHANGES_NAMED:])) or "The fields are as they were.",
        )

    def _metadata(self, key: dg.AssetKey, window: WindowResult, newest: str) -> dict[str, Any]:
        technical: dict[str, Any] = {"full_snapshot": window.full}
        if window.is_open:
            technical["open_window"] = True
        if window.unchanged:
            technical["kept"] = True
        else:
            technical |= {name: getattr(window, name) for name in ("read", "duplicates", "outside", "quarantined")}
        return written_metadata(self.lake, "/".join(key.path), window.key, Written(window.rows), technical, newest)

    def _covered(self, before: Sequence[File], windows: Sequence[PartitionWindow]) -> list[str]:
        earlier = max((file.partition for file in before if file.partition < windows[0].key), default=None)
        if earlier is None:
            return []
        span = dg.PartitionKeyRange(max(earlier, self.parts.get_first_partition_key() or earlier), windows[-1].key)
        return covered_windows(before, windows, self.parts.get_partition_keys_in_range(span))

    def _explain(self, sentence: str) -> None:
        """Log why nothing was done; a person who asked for it sees the run fail with the sentence."""
        self.context.log.info(sentence)
        if started_by_person(self.context.run.tags):
            self.sentences.append(sentence)

    def _failure(self, streams: int) -> dg.Failure:
        sentences = {stream: str(error)[:LONGEST_SENTENCE] for stream, error in self.failures.items()}
        transient = {stream: is_transient(error) for stream, error in self.failures.items()}
        details: dict[str, Any] = {
            f"{stream}.{name}": value
            for stream, error in self.failures.items()
            if isinstance(error, ApiFailure)
            for name, value in error.metadata().items()
        }
        details |= {f"{stream}.transient": passes for stream, passes in transient.items()}
        details |= {"transient": all(transient.values()), "first_partition": self.context.partition_keys[0]}
        details |= {"last_partition": self.context.partition_keys[-1]}
        self._tag_run({TRANSIENT_TAG: str(all(transient.values())).lower()})
        listed = "; ".join(f"{stream}: {sentence}" for stream, sentence in sentences.items())
        headline = f"{len(sentences)} of {streams} streams failed" if "account" not in sentences else "nothing was read"
        failure = dg.Failure(f"{self.source.name}: {headline}. {listed}", metadata=details)
        failure.__cause__ = next(iter(self.failures.values()))
        return failure

    def _tag_run(self, tags: dict[str, str]) -> None:
        """Tag the run, also one that a person launched: the queue and the sensors tell runs apart by their tags."""
        if any(self.context.run.tags.get(name) != value for name, value in tags.items()):
            self.context.instance.add_run_tags(self.context.run.run_id, tags)


def is_transient(error: BaseException) -> bool:
    """Whether the reason of a failure may pass by itself, so that a later run is worth it."""
    return isinstance(error, Transient | RetriesExhausted)


def _quarantine_result(key: dg.AssetKey, windows: Sequence[WindowResult]) -> dg.AssetCheckResult:
    reasons = sum((Counter(window.reasons) for window in windows), Counter[str]())
    metadata: dict[str, Any] = {"quarantined": reasons.total()}
    if reasons:
        shown = reasons.most_common(REASONS_SHOWN)
        metadata["reasons"] = dg.MetadataValue.table(
            [dg.TableRecord({"reason": reason, "records": count}) for reason, count in shown]
        )
        metadata["look"] = f'gtm query "select reason, record_id, payload from quarantine.{"_".join(key.path)}"'
    return dg.AssetCheckResult(
        asset_key=key,
        check_name="nothing_quarantined",
        passed=not reasons,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )


def _completeness_result(key: dg.AssetKey, completeness: Completeness) -> dg.AssetCheckResult:
    """A warning: what the table has is right, and the next sync fetches what it lacks."""
    metadata: dict[str, Any] = {"records": completeness.records, "refetched": completeness.refetched}
    if completeness.as_of:
        metadata["as_of"] = dg.MetadataValue.timestamp(completeness.as_of)
    if completeness.shortages:
        metadata["missing"] = sum(shortage.missing for shortage in completeness.shortages)
        metadata["slices"] = dg.MetadataValue.table([dg.TableRecord(each.row()) for each in completeness.shortages])
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=COMPLETE,
        passed=completeness.complete,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
        description=str(completeness),
    )
