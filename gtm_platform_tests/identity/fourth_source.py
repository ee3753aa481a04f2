"""Run by a test in a process of its own, as tables take their columns from the feeds when they are imported.

A package with one file, `feeds.py`, joins the packages of the sources. Its table is declared and filled by hand, as a
stream of a source would; a day of all daily tables shows what they made of it, printed as JSON.
"""

import json
import os
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

DAY = date(2026, 2, 10)
FEEDS = """
from gtm_platform.ingest.feeds import PersonFeed

FEEDS = (
    PersonFeed(
        "events",
        "events/guests",
        id_column="events_guest_id",
        id_about="Its registration for an event; of several the oldest.",
        precedence=5,
        precedence_by_field={"country": 99},
        email="address",
        shared_ids={"hubspot": "crm_id"},
        name="full_name",
        country="country",
    ),
)
"""


def main(folder: Path) -> None:
    """Add the source, land a few rows, make the day, print what the tables hold."""
    package = folder / "more_sources" / "events"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "feeds.py").write_text(FEEDS)
    os.environ |= {"GTM_HOME": str(folder / "home"), "DAGSTER_HOME": str(folder / "home/dagster")}
    from gtm_platform import sources

    sources.__path__.append(str(package.parent))
    print(json.dumps(_made(), default=str))


def _made() -> dict[str, list[dict[str, object]]]:
    _declare()
    from gtm_platform.definitions import DAILY_TABLES
    from gtm_platform.lake.dagster.resource import the_lake
    from gtm_platform_tests.tables import rows_of

    _land()
    lake = the_lake()
    for table in DAILY_TABLES:
        table.write_day(lake, str(DAY))
    shown = ("identity/links", "identity/people", "core/profile", "quality/customer_quality", "core/unified_customers")
    return {name: rows_of(lake.partition(name, str(DAY))) for name in shown}


def _declare() -> None:
    """Do what a stream of the source would do."""
    from gtm_platform.ingest.source import QUARANTINE_COLUMNS, SYNC_COLUMNS
    from gtm_platform.lake.contracts import Column, Contract, declare

    names = ("id", "address", "full_name", "country", "crm_id")
    columns = {name: Column("string", nullable=name != "id") for name in names}
    columns["created_at"] = Column("timestamp('UTC', 6)")
    declare("events/guests", Contract({**columns, **SYNC_COLUMNS}, key=("id",), cadence=24))
    declare(
        "quarantine/events_guests", Contract(QUARANTINE_COLUMNS, key=("digest",), cadence=24, made_with="events/guests")
    )


def _land() -> None:
    from gtm_platform.lake.dagster.resource import the_lake
    from gtm_platform.lake.duckdb_engine import engine
    from gtm_platform_tests.tables import filled

    end = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(days=1)
    rows = {
        "hubspot/contacts": [
            {"id": "h1", "email": "dana@acme.example", "first_name": "Dana", "country": "DE"},
            {"id": "h2", "email": "eve@acme.example", "first_name": "Eve"},
        ],
        "events/guests": [
            {"id": "g1", "address": "Dana@acme.example", "full_name": "Dana Reed", "country": "Germany"},
            {"id": "g2", "address": "eve@home.example", "crm_id": "h2"},
            {"id": "g3", "address": "new@beta.example", "full_name": "Noa New", "country": "France"},
        ],
    }
    for table, records in rows.items():
        partition = str(DAY) if table == "events/guests" else f"{DAY}T1200"
        complete = [{"_window": end, "_extracted_at": end, **record} for record in records]
        reader = engine().to_pyarrow(filled(table, *complete)).to_reader()
        the_lake().write(table, partition, reader, full=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
