"""The values of all metrics, by day and dimension; those of days that did not change come from the snapshot before."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from gtm_platform.intelligence.effect.shown_lake import withheld_version
from gtm_platform.lake.encrypted_files import plain_name
from gtm_platform.lake.lake import File, Lake
from gtm_platform.serving.metrics.values import Value, definitions, files_by_day, files_read, values_of_days
from gtm_platform.serving.snapshot.files import opened
from gtm_platform.serving.snapshot.landing import Draft
from gtm_platform.serving.snapshot.layout import FORMAT

INSERT = "insert into metric_values (day, metric, dimension, member, value) values (?, ?, ?, ?, ?)"
DAYS_AT_ONCE = 10  # computed by one query; more take more memory


def fill(draft: Draft, previous: Path | None) -> int:
    """Write the values of every day that is shown; return how many days were computed anew."""
    lake, made = draft.landing.lake, _fingerprints_of(previous)
    files = files_by_day(lake)
    read = {day: files_read(files, day) for day in draft.landing.days}
    fingerprints = {day: _fingerprint(of_day, withheld_version(lake, day)) for day, of_day in read.items()}
    unchanged = [day for day, fingerprint in fingerprints.items() if made.get(day) == fingerprint]
    changed = [day for day in fingerprints if day not in set(unchanged)]
    if previous and unchanged:
        draft.db.executemany(INSERT, _copied(previous, unchanged))
    for days in batched(changed, DAYS_AT_ONCE):
        draft.db.executemany(INSERT, _computed(lake, days, [file for day in days for file in read[day]]))
    draft.db.executemany("insert into metric_days values (?, ?)", fingerprints.items())
    return len(changed)


def batched(days: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yield the days, so many at a time."""
    yield from (days[begin : begin + size] for begin in range(0, len(days), size))


def _computed(lake: Lake, days: Sequence[str], read: Sequence[File]) -> list[Value]:
    with lake.naming_damage(lambda: lake.paths(read)):
        return list(values_of_days(lake, days))


def _fingerprint(read: Sequence[File], withheld: str) -> str:
    """Return what the values of a day were computed from: the files, what is withheld of them, the definitions."""
    names = [f"{file.path.parent.name}/{plain_name(file.path.name)}" for file in read]
    return hashlib.sha256("\n".join([definitions(), *names, withheld]).encode()).hexdigest()[:24]


def _fingerprints_of(previous: Path | None) -> dict[str, str]:
    if previous is None:
        return {}
    db = opened(previous)
    try:
        if db.execute("pragma user_version").fetchone() != (FORMAT,):
            return {}
        return dict(db.execute("select day, fingerprint from metric_days"))
    finally:
        db.close()


def _copied(previous: Path, days: Sequence[str]) -> list[Value]:
    db = opened(previous)
    try:
        query = f"""select day, metric, dimension, member, value from metric_values
            where day in ({", ".join("?" * len(days))})"""
        return db.execute(query, days).fetchall()
    finally:
        db.close()
