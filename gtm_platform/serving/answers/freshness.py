"""Whether the data are fresh, at a moment."""

from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel, Field

from gtm_platform.serving.store import Snapshot


class TableState(BaseModel):
    """A table of a source, whether it was read in time, and whether anything in it changes."""

    table: str
    synced_at: datetime = Field(description="It has everything until then.")
    late_after: datetime
    newest_event_at: datetime | None = Field(description="When a record of it last changed; null without such times.")
    silent_after: datetime | None = Field(description="When no change is unusual; null where that is not known.")
    is_late: bool
    is_silent: bool = Field(description="Read in time, but nothing in it has changed for unusually long.")


class SourceState(BaseModel):
    """A source; it is as fresh as its table that is due first."""

    source: str
    title: str = Field(description="What people call it.")
    synced_at: datetime
    late_after: datetime
    is_late: bool
    tables: list[TableState]


class DataFreshness(BaseModel):
    """When the data were read and put together."""

    made_at: datetime
    late: list[str] = Field(description="The sources that were not read in time.")
    silent: list[str] = Field(description="Tables in which nothing has changed for unusually long.")
    never_read: list[str] = Field(description="Tables of sources that are on, of which nothing was read yet.")
    sources: list[SourceState]


def freshness(snapshot: Snapshot, now: datetime) -> DataFreshness:
    """Return the state of each source at a moment."""
    fact = orjson.loads(snapshot.fact("freshness"))
    sources = [
        SourceState(
            **{name: source[name] for name in ("source", "title", "synced_at", "late_after")},
            is_late=_is_past(source["late_after"], now),
            tables=[_table(table, now) for table in source["tables"]],
        )
        for source in fact["sources"]
    ]
    late = [each.source for each in sources if each.is_late]
    return DataFreshness(
        made_at=fact["made_at"],
        late=late,
        silent=[table.table for source in sources for table in source.tables if table.is_silent],
        never_read=fact["never_read"],
        sources=sources,
    )


def _table(table: dict[str, Any], now: datetime) -> TableState:
    is_late = _is_past(table["late_after"], now)
    is_silent = not is_late and bool(table["silent_after"]) and _is_past(table["silent_after"], now)
    return TableState(**table, is_late=is_late, is_silent=is_silent)


def _is_past(moment: str, now: datetime) -> bool:
    return datetime.fromisoformat(moment) < now
