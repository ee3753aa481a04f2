"""Verdicts of checks, kept from run to run: a day of the same files, judged by the same rule, is not read again.

Files of the lake never change under their names, so a verdict holds for as long as they count. What damages one from
outside moves its size or its time. A verdict about what could not be read is not kept.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gtm_platform.lake.day_check import Check, Verdict
from gtm_platform.lake.lake import File, Lake
from gtm_platform.sealed_files import read_bytes, write_text


@dataclass(frozen=True)
class Judged:
    """The verdict of each day, and for how many of them files were read."""

    verdicts: Mapping[str, Verdict]
    days_read: int


@dataclass(frozen=True)
class ListedLake(Lake):
    """A lake whose folders are listed once, for all the days of a check."""

    listed: dict[str, list[File]] = field(default_factory=dict)

    def files(self, table: str) -> list[File]:
        """The newest file of each partition."""
        if table not in self.listed:
            self.listed[table] = super().files(table)
        return self.listed[table]


def judge(lake: Lake, check: Check, days: Iterable[str], folder: Path) -> Judged:
    """Return the verdict of each day, out of the folder where it is kept there, and keep those there."""
    file = folder / f"{check.table.replace('/', '.')}.{check.name}.json"
    kept, listed, version = _load(file), ListedLake(lake.root), check.version()
    verdicts: dict[str, Verdict] = {}
    keep: dict[str, Verdict] = {}
    days_read = 0
    for day in days:
        mark = _mark(version, day, *check.reads(listed, day))
        if mark not in kept:
            days_read += 1
        verdict = verdicts[day] = kept[mark] if mark in kept else check.verdict(listed, day)
        if verdict.lasting:
            keep[mark] = verdict
    if keep != kept:
        _save(file, keep)
    return Judged(verdicts, days_read)


def _mark(version: str, day: str, queries: Iterable[str], paths: Iterable[str]) -> str:
    """A name for all that the verdict of a day follows from."""
    files = []
    for path in paths:
        with suppress(FileNotFoundError):  # whoever reads it says so
            status = os.stat(path)
            files.append((path, status.st_size, status.st_mtime_ns))
    return hashlib.sha256(repr((version, day, list(queries), files)).encode()).hexdigest()[:24]


def _load(file: Path) -> dict[str, Verdict]:
    """The verdicts kept in a file; none where it is not what was written, since all can be judged again."""
    with suppress(OSError, ValueError, TypeError, AttributeError):
        kept: dict[str, dict[str, Any]] = json.loads(read_bytes(file))
        return {mark: Verdict(**{**verdict, "rows": tuple(verdict["rows"])}) for mark, verdict in kept.items()}
    return {}


def _save(file: Path, verdicts: Mapping[str, Verdict]) -> None:
    with suppress(OSError):  # a verdict that cannot be kept is come to again
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, json.dumps({mark: asdict(verdict) for mark, verdict in verdicts.items()}))
