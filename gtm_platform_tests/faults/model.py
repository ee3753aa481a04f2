"""What must hold after whatever went wrong, asked of the lake itself: nothing lost, twice or half done."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gtm_platform.http.pages import Page, rows
from gtm_platform.ingest.record import Id, Instant, MaybeText, Record, at
from gtm_platform.ingest.source import Schedule, Source, Stream, Window
from gtm_platform.ingest.stream_sync import WindowResult
from gtm_platform.settings import SystemSettings
from gtm_platform_tests.ingest.syncing import Syncing

READING = {"_extracted_at", "_run_id", "_window", "payload"}


def as_of(syncing: Syncing, stream: str, before: datetime) -> list[dict[str, Any]]:
    """What is known of the source as of a moment, whenever it was read; no key of it twice."""
    table = syncing.lake.as_of(f"{syncing.source.name}/{stream}", syncing.slot(before).key)
    rows = [{name: row[name] for name in row if name not in READING} for row in table.to_pyarrow().to_pylist()]
    key = next(each for each in syncing.source.streams if each.name == stream).key
    rows.sort(key=lambda row: [str(row[part]) for part in key])
    keys = [tuple(row[part] for part in key) for row in rows]
    assert len(keys) == len(set(keys)), f"{stream} knows a record twice"
    return rows


def ids(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def adds_up(filled: Sequence[WindowResult], stored: int | None = None) -> WindowResult:
    """What was read is stored, was read before, was set aside or belongs elsewhere; `stored` where a test knows it."""
    last = filled[-1]
    kept = last.read - last.duplicates - last.quarantined - last.outside
    assert min(last.duplicates, last.quarantined, last.outside, kept) >= 0, last
    assert kept == (sum(each.rows for each in filled) if stored is None else stored), last
    return last


def nothing_half_done(root: Path) -> None:
    assert not [path for path in root.rglob(".*") if path.is_file()], "a draft was left behind"


class Note(Record):
    """A note that somebody left."""

    id: Id = at("id", default=...)
    text: MaybeText = at("text")
    changed_at: Instant = at("changed_at", default=...)


@dataclass
class Post:
    """An API that sends the bodies that it was given."""

    bodies: list[bytes]

    def pages(self, _: Window) -> Iterator[Page]:
        return map(rows, self.bodies)


POST = Source(
    "post",
    Schedule(24),
    SystemSettings,
    lambda _: nullcontext(),
    lambda _: "",
    (Stream("notes", Note, Post.pages, cursor_field="changed_at"),),
)
