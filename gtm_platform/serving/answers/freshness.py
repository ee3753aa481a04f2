"""Whether the data are fresh, at a moment."""

from datetime import datetime

import orjson
from pydantic import BaseModel, Field

from gtm_platform.serving.store import Snapshot


class TableState(BaseModel):
    """A table of a source, and whether it was read in time."""

    table: str
    synced_at: datetime = Field(description="It has everything until then.")
    late_after: datetime
    is_late: bool


class SourceState(BaseModel):
    """A source; it is as fresh as its table that is due first."""

    source: str
    synced_at: datetime
    late_after: datetime
    is_late: bool
    tables: list[TableState]


class DataFreshness(BaseModel):
    """When the data were read and put together."""

    made_at: datetime
    late: list[str] = Field(description="The sources that were not read in time.")
    sources: list[SourceState]


def freshness(snapshot: Snapshot, now: datetime) -> DataFreshness:
    """Return the state of each source at a moment."""
    fact = orjson.loads(snapshot.fact("freshness"))
    sources = [
        SourceState(
            **{name: source[name] for name in ("source", "synced_at", "late_after")},
            is_late=_is_past(source["late_after"], now),
            tables=[TableState(**table, is_late=_is_past(table["late_after"], now)) for table in source["tables"]],
        )
        for source in fact["sources"]
    ]
    late = [each.source for each in sources if each.is_late]
    return DataFreshness(made_at=fact["made_at"], late=late, sources=sources)


def _is_past(moment: str, now: datetime) -> bool:
    return datetime.fromisoformat(moment) < now
