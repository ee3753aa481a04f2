"""What `gtm run --due` did of what was due, as far as the lake does not show it; and the cursors of its sensors."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from gtm_platform.state.schema import due_marks

DONE, FAILED, CURSOR = "done", "failed", "cursor"


def note(tx: sa.Connection, name: str, key: str, status: str, at: datetime, value: str | None = None) -> None:
    """Keep what became of something that was due, in the place of what was known of it."""
    tx.execute(sa.delete(due_marks).where(due_marks.c.name == name, due_marks.c.key == key))
    tx.execute(sa.insert(due_marks), {"name": name, "key": key, "status": status, "value": value, "at": at})


def done_keys(tx: sa.Connection) -> Mapping[tuple[str, str], str | None]:
    """Return by name and key what was done, with the value that was kept of it."""
    rows = tx.execute(sa.select(due_marks).where(due_marks.c.status == DONE)).mappings()
    return {(row["name"], row["key"]): row["value"] for row in rows}


def failed_keys(tx: sa.Connection, name: str) -> list[str]:
    """Return the keys of what failed, and was not done since."""
    failed = (due_marks.c.status == FAILED) & (due_marks.c.name == name)
    return list(tx.scalars(sa.select(due_marks.c.key).where(failed)))


def cursors(tx: sa.Connection) -> Mapping[str, str]:
    """Return the cursors of sensors by their names."""
    rows = tx.execute(sa.select(due_marks).where(due_marks.c.status == CURSOR)).mappings()
    return {row["name"]: row["value"] for row in rows}


def forget(tx: sa.Connection, before: datetime) -> None:
    """Delete what was done, or failed, so long ago that nothing is asked of it any more."""
    tx.execute(sa.delete(due_marks).where(due_marks.c.status != CURSOR, due_marks.c.at < before))
