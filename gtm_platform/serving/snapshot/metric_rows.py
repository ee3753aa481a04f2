"""The values of all metrics, by day and dimension; those of days that did not change come from the snapshot before."""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gtm_platform.lake.lake import Lake
from gtm_platform.serving.metrics.values import Value, days_read, definitions, values_of_days
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.layout import CUSTOMERS, FORMAT

INSERT = "insert into metric_values (day, metric, dimension, member, value) values (?, ?, ?, ?, ?)"
DAYS_AT_ONCE = 10  # computed by one query; more take more memory


def fill(draft: Draft, previous: Path | None) -> int:
    """Write the values of every day that is shown; return how many days were computed anew."""
    lake, made = draft.landing.lake, _fingerprints_of(previous)
    files = {file.partition: file.path.name for file in lake.files(CUSTOMERS)}
    fingerprints = {day: _fingerprint(files, day) for day in draft.landing.days}
    unchanged = [day for day, fingerprint in fingerprints.items() if made.get(day) == fingerprint]
    changed = [day for day in fingerprints if day not in set(unchanged)]
    if previous and unchanged:
        draft.db.executemany(INSERT, _copied(previous, unchanged))
    for days in batched(changed, DAYS_AT_ONCE):
        draft.db.executemany(INSERT, _computed(lake, days))
    draft.db.executemany("insert into metric_days values (?, ?)", fingerprints.items())
    return len(changed)


def batched(days: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yield the days, so many at a time."""
    yield from (days[begin : begin + size] for begin in range(0, len(days), size))


def _computed(lake: Lake, days: Sequence[str]) -> list[Value]:
    read = {each for day in days for each in days_read(day)}
    with lake.naming_damage(lambda: [path for day in read for path in lake.query_day(CUSTOMERS, day).files]):
        return list(values_of_days(lake, days))


def _fingerprint(files: Mapping[str, str], day: str) -> str:
    """Return what the values of a day were computed from: the files of the days, and the definitions."""
    read = [files.get(each, "") for each in days_read(day)]
    return hashlib.sha256("\n".join([definitions(), *read]).encode()).hexdigest()[:24]


def _fingerprints_of(previous: Path | None) -> dict[str, str]:
    if previous is None:
        return {}
    db = sqlite3.connect(f"file:{previous}?immutable=1", uri=True)
    try:
        if db.execute("pragma user_version").fetchone() != (FORMAT,):
            return {}
        return dict(db.execute("select day, fingerprint from metric_days"))
    finally:
        db.close()


def _copied(previous: Path, days: Sequence[str]) -> list[Value]:
    db = sqlite3.connect(f"file:{previous}?immutable=1", uri=True)
    try:
        query = f"""select day, metric, dimension, member, value from metric_values
            where day in ({", ".join("?" * len(days))})"""
        return db.execute(query, days).fetchall()
    finally:
        db.close()
