"""How many records of each stream are in the quarantine, and why."""

from datetime import date, timedelta
from typing import Any

from gtm_platform.lake.contracts import TABLES
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.serving.snapshot.facts import Fact
from gtm_platform.serving.snapshot.landing import Draft, Landing, instant

PREFIX = "quarantine/"
DAYS, REASONS_SHOWN = 30, 5


def make(draft: Draft) -> dict[str, Any]:
    """Return the streams of which records were quarantined in the last days, the most first."""
    landing = draft.landing
    tables = [table for table in TABLES if table.startswith(PREFIX) and landing.lake.files(table)]
    streams = [stream for table in tables if (stream := _stream(landing, table))["records"]]
    return {"days": DAYS, "streams": sorted(streams, key=lambda stream: -stream["records"])}


def _stream(landing: Landing, table: str) -> dict[str, Any]:
    since = (date.fromisoformat(landing.day) - timedelta(days=DAYS)).isoformat()
    files = [file for file in landing.lake.files(table) if file.partition > since]
    query = landing.lake.file_query(table, files)
    with cursor() as connection, landing.lake.naming_damage(lambda: query.files):
        rows = connection.execute(f"""
            select reason, count(distinct digest), max(_window) from ({query.sql}) group by reason order by 2 desc, 1
        """).fetchall()
    return {
        "table": TABLES[table].made_with or table,
        "records": sum(count for _, count, _ in rows),
        "last_at": instant(max(at for *_, at in rows)) if rows else None,
        "reasons": [{"reason": reason, "records": count} for reason, count, _ in rows[:REASONS_SHOWN]],
    }


FACT = Fact("quarantine", "Records of the last 30 days that are not what they should be, by stream and reason.", make)
