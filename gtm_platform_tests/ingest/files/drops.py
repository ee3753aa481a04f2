"""A source of files with one kind of row, and a home in which such files are dropped and read."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gtm_platform.ingest.files.cells import MaybeDay
from gtm_platform.ingest.files.folder import FileFolder
from gtm_platform.ingest.files.layout import FileLayout
from gtm_platform.ingest.files.streams import FileRow, FileSettings, file_source, folder_of
from gtm_platform.ingest.plan import PartitionWindow
from gtm_platform.ingest.record import Id, MaybeInt, MaybeText, fact
from gtm_platform.ingest.source import Source
from gtm_platform.ingest.stream_sync import StreamSync, WindowResult
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform_tests.ingest.syncing import RULES

NOW = datetime(2026, 3, 5, 10, 30, tzinfo=UTC)
DAY = timedelta(days=1)
QUARANTINE = "quarantine/guests_guests"


class Guest(FileRow):
    """Somebody on a list."""

    email: Id = fact("email", default=..., personal=True, about="Address.")
    name: MaybeText = fact("name", personal=True, about="Name.")
    age: MaybeInt = fact("age", about="Age.")
    came_on: MaybeDay = fact("came_on", about="When they came.")


GUESTS = FileLayout(
    record=Guest,
    key=("email",),
    names=("guests",),
    headings={"email": ("e-mail address", "mail"), "name": ("full name",), "age": (), "came_on": ("date",)},
    required=(("email",),),
)


class GuestSettings(FileSettings):
    title, where = "Guests", "here"


def guest_source() -> Source:
    """A source of its own for each test: its tables go with the test."""
    return file_source("guests", GuestSettings, {"guests": GUESTS}, about="Guests.")


@dataclass
class Place:
    """A home with the source's drop folder, and a clock."""

    source: Source
    lake: Lake
    monkeypatch: Any
    now: datetime = NOW

    @property
    def folder(self) -> FileFolder:
        folder = folder_of(self.source)
        assert folder is not None
        return folder

    @property
    def newest(self) -> PartitionWindow:
        end = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        return PartitionWindow(f"{end - DAY:%Y-%m-%d}", end - DAY, end)

    def set_clock(self, now: datetime) -> None:
        self.now = now
        self.monkeypatch.setenv("GTM_NOW", now.isoformat())
        settings.cache_clear()

    def drop(self, name: str, content: bytes | str, *, complete: bool = True) -> Path:
        self.folder.drop.mkdir(parents=True, exist_ok=True)
        path = self.folder.drop / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if complete:
            os.utime(path, (0, 0))
        return path

    def sync(self, *, full_refresh: bool = False) -> WindowResult:
        (stream,) = self.source.streams
        sync = StreamSync(self.lake, self.source, stream, RULES, self.now, "run", full_refresh)
        with self.source.open() as client:
            (result,) = sync.sync(client, [self.newest])
        assert stream.on_written is not None
        stream.on_written("run")
        return result

    def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        table = self.lake.as_of("guests/guests", "9999").to_pyarrow().to_pylist()
        return sorted(tuple(row[column] for column in columns) for row in table)

    def quarantined(self) -> list[tuple[str, str]]:
        if not self.lake.files(QUARANTINE):
            return []
        table = self.lake.read(QUARANTINE, self.lake.files(QUARANTINE)).to_pyarrow().to_pylist()
        return sorted((row["record_id"], row["reason"]) for row in table)
