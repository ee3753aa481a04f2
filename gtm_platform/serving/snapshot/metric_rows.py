"""The values of all metrics, by day and dimension; those of days that did not change come from the snapshot before."""

import hashlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from gtm_platform.lake.lake import Lake
from gtm_platform.serving.metrics.values import days_read, definitions, values_of_day
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.layout import CUSTOMERS, FORMAT

INSERT = "insert into metric_values (metric, dimension, member, value, day) values (?, ?, ?, ?, ?)"


def fill(draft: Draft, previous: Path | None) -> int:
    """Write the values of every day that is shown; return how many days were computed anew."""
    lake, made = draft.landing.lake, _fingerprints_of(previous)
    files = {file.partition: file.path.name for file in lake.files(CUSTOMERS)}
    computed = 0
    for day in draft.landing.days:
        fingerprint = _fingerprint(files, day)
        if previous and made.get(day) == fingerprint:
            draft.db.executemany(INSERT, _copied(previous, day))
        else:
            draft.db.executemany(INSERT, ((*value, day) for value in _computed(lake, day)))
            computed += 1
        draft.db.execute("insert into metric_days values (?, ?)", (day, fingerprint))
    return computed


def _computed(lake: Lake, day: str) -> list[tuple[str, str, str, float]]:
    with lake.naming_damage(
        lambda: [path for read in days_read(day) for path in lake.query_day(CUSTOMERS, read).files]
    ):
        return list(values_of_day(lake, day))


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


def _copied(previous: Path, day: str) -> list[tuple[str, str, str, float, str]]:
    db = sqlite3.connect(f"file:{previous}?immutable=1", uri=True)
    try:
        query = "select metric, dimension, member, value, day from metric_values where day = ?"
        return db.execute(query, (day,)).fetchall()
    finally:
        db.close()
