"""Streams of dropped files: part of a source whose only way is files, or beside the streams that read an API.

A file stream is synced like any other. What is received anew is what was dropped since; a full refresh reads all
originals again, so that rows of an original that was deleted go.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import dagster as dg

from gtm_platform.ingest.files.folder import FileFolder
from gtm_platform.ingest.files.layout import FileLayout
from gtm_platform.ingest.files.outcome import outcome_of
from gtm_platform.ingest.record import Instant, Record, Whole, fact
from gtm_platform.ingest.source import FileDrop, Source, Stream, Window
from gtm_platform.settings import SystemSettings

SHOWN = 20  # files in the metadata of a table, the newest first
CURSOR = "as_of"
LATE = timedelta(hours=1)  # a file that arrives within the last minute of a window ends soon after it
NO_TOTALS = "A file says nothing of how many rows it should have; its report counts each."


class FileRow(Record):
    """A row of a file: where it stands, and since when it counts."""

    file: str = fact("file", default=..., about="The file's name.")
    line: Whole = fact("line", default=..., about="The line on which the row begins.")
    received_at: Instant = fact("received_at", default=..., about="When the file was picked up.")
    as_of: Instant = fact(CURSOR, default=..., about="When it counts as of: in the window before it was picked up.")


@dataclass(frozen=True)
class FileStream(Stream):
    """A stream that reads the dropped files of one kind."""

    folder: FileFolder = field(kw_only=True)


def file_streams(source: str, layouts: Mapping[str, FileLayout], hours: int = 24) -> tuple[FileStream, ...]:
    """Return a stream for each kind of file of a source; `hours` are those of its windows."""
    folder = FileFolder(source, layouts, hours)
    return tuple(_stream(folder, name, layout) for name, layout in layouts.items())


def _stream(folder: FileFolder, name: str, layout: FileLayout) -> FileStream:
    def pages(_client: Any, window: Window) -> Iterator[Any]:
        return folder.pages(name, window)

    def on_written(run_id: str) -> Mapping[str, Any]:
        return _metadata(folder, name, run_id)

    return FileStream(
        name,
        layout.record,
        pages,
        key=layout.key,
        cursor_field=CURSOR,
        lookback=LATE,
        probe=lambda _client: folder.waiting(),
        totals=NO_TOTALS,
        on_written=on_written,
        folder=folder,
    )


def _metadata(folder: FileFolder, stream: str, run_id: str) -> Mapping[str, Any]:
    """What Dagster shows of the files: one sentence each of those that the run read, and a table of the newest."""
    files = folder.written(stream, run_id)[::-1]
    if not files:
        return {}
    sentences = [str(outcome_of(file)) for file in files if file.run_id == run_id]
    shown = [dg.TableRecord(outcome_of(file).row()) for file in files[:SHOWN]]
    read = {"files_read": dg.MetadataValue.md("\n\n".join(sentences))} if sentences else {}
    return {**read, "files": dg.MetadataValue.table(shown)}


def folder_of(source: Source) -> FileFolder | None:
    """Return the drop folder of a source; None where it takes no files."""
    return next((stream.folder for stream in source.streams if isinstance(stream, FileStream)), None)


class FileSettings(SystemSettings):
    """What holds for every source that is read from files alone: nothing is to be set."""

    permissions = "no key"
    when_refused = "See that the platform may read and move files in the drop folder."


def file_source(
    name: str, settings: type[FileSettings], layouts: Mapping[str, FileLayout], about: str, minute: int = 10
) -> Source:
    """Return a source whose only way is files."""
    streams = file_streams(name, layouts)
    folder = streams[0].folder

    @contextmanager
    def connect(_settings: Any) -> Iterator[FileFolder]:
        yield folder

    return Source(
        name,
        FileDrop(minute=minute),
        settings,
        connect=connect,
        check=_describe,
        streams=streams,
        about=about,
        identity="A folder of files belongs to whoever fills it.",
        idle=folder.reason_for_rest,
    )


def _describe(folder: FileFolder) -> str:
    """Say what came of the files so far."""
    files: Sequence[Any] = folder.files("read", "refused", "accepted", "received") if folder.originals.is_dir() else []
    newest = f"; the newest: {outcome_of(files[-1])}" if files else ""
    return f"{len(files)} files were picked up from {folder.drop}{newest}"
