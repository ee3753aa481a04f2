"""The files that were dropped for sources: each content once per source, with what came of it.

A file is `received` when it was picked up, `accepted` or `refused` once it was looked through, and `read` when its rows
stand in the lake.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gtm_platform.state.schema import dropped_files as files

RECEIVED, ACCEPTED, REFUSED, READ = "received", "accepted", "refused", "read"


@dataclass(frozen=True)
class DroppedFile:
    """A file in the register."""

    id: int
    source: str
    digest: str
    name: str
    stream: str
    status: str
    size: int
    received_at: datetime
    as_of: datetime
    until: datetime
    report: Mapping[str, Any]
    settled_at: datetime | None = None
    run_id: str = ""
    dropped_again_at: datetime | None = None


def register(tx: sa.Connection, file: DroppedFile) -> DroppedFile:
    """Add a file and return it with its id."""
    row = {name: value for name, value in asdict(file).items() if name != "id"}
    key = tx.execute(sa.insert(files).values(**row)).inserted_primary_key
    assert key is not None
    return DroppedFile(**{**asdict(file), "id": key[0]})


def with_digest(tx: sa.Connection, source: str, digest: str) -> DroppedFile | None:
    """Return the file of a source that has this content."""
    return next(iter(_select(tx, files.c.source == source, files.c.digest == digest)), None)


def update(tx: sa.Connection, file: DroppedFile, **changes: Any) -> None:
    """Change what is registered of a file."""
    tx.execute(sa.update(files).where(files.c.id == file.id).values(**changes))


def of_source(tx: sa.Connection, source: str, *statuses: str) -> list[DroppedFile]:
    """Return the files of a source with one of the statuses, in the order in which they count."""
    return _select(tx, files.c.source == source, files.c.status.in_(statuses))


def last_until(tx: sa.Connection, source: str) -> datetime | None:
    """Return the moment as of which the last row of all files of a source counts."""
    newest = sa.select(files.c.until).where(files.c.source == source).order_by(files.c.until.desc()).limit(1)
    return tx.execute(newest).scalar()


def mark_read(tx: sa.Connection, ids: Sequence[int], run_id: str, at: datetime) -> None:
    """Note that the rows of accepted files stand in the lake; what was noted before stays."""
    accepted = files.c.id.in_(list(ids)) & (files.c.status == ACCEPTED)
    tx.execute(sa.update(files).where(accepted).values(status=READ, run_id=run_id, settled_at=at))


def news_since(tx: sa.Connection, moment: datetime) -> list[DroppedFile]:
    """Return the files that were refused, read or dropped again since a moment, that moment too."""
    return _select(tx, (files.c.settled_at >= moment) | (files.c.dropped_again_at >= moment))


def _select(tx: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[DroppedFile]:
    rows = tx.execute(sa.select(files).where(*conditions).order_by(files.c.as_of, files.c.id)).mappings()
    return [DroppedFile(**row) for row in rows]
