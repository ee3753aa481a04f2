"""When each source table was read last, by when it has to be read again, and when anything in it last changed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.quality.freshness import TableFreshness, freshness
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft, instant
from gtm_platform.serving.wording import words
from gtm_platform.sources.assets import ON_DEMAND, SOURCES

TITLES = {source.name: source.settings.title for source in SOURCES}


def make(draft: Draft) -> dict[str, Any]:
    """Return the sources with their tables; a source is as fresh as the table of it that is due first."""
    landing = draft.landing
    fresh = {each.table: each for each in freshness(landing.lake, landing.rules)}
    never_late = {source.table(stream) for source in ON_DEMAND for stream in source.streams}
    sources: dict[str, list[dict[str, Any]]] = {}
    with cursor() as connection:
        rows = connection.execute(f"select * from ({landing.lake.query_synced(landing.day).sql}) order by 1").fetchall()
    for table, source, synced_at in rows:
        if table in never_late:
            continue
        due = _due(table, synced_at, landing.rules.quality.overdue_hours)
        sources.setdefault(source, []).append(
            {
                "table": table,
                "synced_at": instant(synced_at),
                "late_after": instant(due),
                "newest_event_at": _instant_of(fresh, table, "newest_event"),
                "silent_after": _instant_of(fresh, table, "silent_after"),
            }
        )
    return {
        "as_of": landing.day,
        "made_at": instant(landing.made_at),
        "sources": [_source(name, tables) for name, tables in sorted(sources.items())],
        "never_read": sorted(name for name, table in fresh.items() if not table.read_until and not table.off),
    }


def _instant_of(fresh: Mapping[str, TableFreshness], table: str, name: str) -> str | None:
    moment = getattr(fresh.get(table), name, None)
    return instant(moment) if moment else None


def _due(table: str, synced_at: datetime, grace: int) -> datetime:
    return synced_at + timedelta(hours=(contract_of(table).cadence or 0) + grace)


def _source(name: str, tables: list[dict[str, Any]]) -> dict[str, Any]:
    oldest = {key: min(table[key] for table in tables) for key in ("synced_at", "late_after")}
    return {"source": name, "title": TITLES.get(name) or words(name), **oldest, "tables": tables}


FACT = Fact("freshness", "When each source was last read and last changed, and when it counts as late.", make)
