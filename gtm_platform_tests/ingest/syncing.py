"""A source being synced into a lake, window by window, at moments that a test chooses."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gtm_platform.ingest.plan import PartitionWindow, SyncRules
from gtm_platform.ingest.source import Source
from gtm_platform.ingest.stream_sync import StreamSync, WindowResult
from gtm_platform.lake.lake import Lake

RULES = SyncRules(full_every_days=7, max_shrinkage=0.2, shrinkage_min_records=100)


@dataclass
class Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Syncing:
    """A source being synced into a lake, some windows of `hours` at a time, when the clock says so."""

    lake: Lake
    source: Source
    clock: Clock

    def slot(self, start: datetime) -> PartitionWindow:
        return PartitionWindow(f"{start:%Y-%m-%dT%H%M}", start, start + timedelta(hours=self.source.hours))

    def fill(self, client: Any, stream: str, *starts: datetime, overlap: timedelta | None = None) -> list[WindowResult]:
        declared = next(each for each in self.source.streams if each.name == stream)
        chosen = self.source.stream_for(client, declared)
        assert not isinstance(chosen, str), chosen
        sync = StreamSync(self.lake, self.source, chosen, RULES, self.clock(), "run_1", overlap=overlap)
        return [each for each in sync.sync(client, [self.slot(start) for start in starts]) if not each.unchanged]

    def rows(self, stream: str, start: datetime, *columns: str) -> list[Any]:
        """What the window holds: one column as values, several as tuples; in order."""
        table = self.lake.partition(f"{self.source.name}/{stream}", self.slot(start).key)
        found = [tuple(row[column] for column in columns) for row in table.select(*columns).to_pyarrow().to_pylist()]
        return sorted(row[0] for row in found) if len(columns) == 1 else sorted(found)

    def current_keys(self, stream: str, before: datetime) -> list[str]:
        """The ids as of a moment."""
        table = self.lake.as_of(f"{self.source.name}/{stream}", self.slot(before).key)
        return sorted(table.select("id").to_pyarrow()["id"].to_pylist())

    def quarantined(self, stream: str, start: datetime) -> list[tuple[str, str]]:
        table = self.lake.partition(f"quarantine/{self.source.name}_{stream}", self.slot(start).key)
        return [(row["record_id"], row["reason"]) for row in table.to_pyarrow().to_pylist()]
