"""What the children of the bench do in a home: settle customers there, make its daily tables, and the floor of that."""

import os
import time
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

SENSOR_NAME_TAG = "dagster/sensor_name"  # on a run that a sensor started
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def settle(home: str, customers: int) -> dict[str, Any]:
    """The customers' source rows, and all tables of the day before, from which the day goes on."""
    _move_in(home)
    from gtm_platform.definitions import DAILY_TABLES
    from gtm_platform_tests.bench import customers as synthetic

    rows = synthetic.settle(Path(home, "lake"), customers)
    _land()
    run(_yesterday(synthetic.DAY), tables=[table.key for table in DAILY_TABLES])
    return {"rows": rows}


def _land() -> None:
    """Tell Dagster that the sources landed, as their runs would."""
    import dagster as dg

    from gtm_platform.orchestration.instance import instance
    from gtm_platform.sources.assets import SOURCES
    from gtm_platform_tests.bench.customers import DAY

    with instance() as dagster:
        for source in SOURCES:
            for stream in source.streams:
                window = f"{DAY}" if source.hours == 24 else f"{DAY}T0000"
                landed = dg.AssetMaterialization([source.name, stream.name], partition=window)
                dagster.report_runless_asset_event(landed)


def make(home: str, days: int = 1, since: int = 0, *, by_itself: bool = False, served: bool = True) -> dict[str, Any]:
    """All daily tables for some days as one run: how long that took, and how long the tables worked themselves.

    `since` leaves out so many of the first days; a run that starts `by_itself` leaves days whose inputs are the same.
    What is `served` of them, a snapshot, is made with them.
    """
    _move_in(home)
    from gtm_platform.definitions import DAILY_TABLES  # what a code server has done long before a run
    from gtm_platform_tests.bench.customers import DAY

    tables = None if served else [table.key for table in DAILY_TABLES]

    began = time.perf_counter()
    first = DAY + timedelta(days=since)
    tags = {SENSOR_NAME_TAG: "bench"} if by_itself else {}
    own = run(first, first + timedelta(days=days - 1), tables, tags)
    return {"wall": time.perf_counter() - began, "own": sum(own.values()), "tables": own}


def touch(home: str, customers: int, times: int) -> dict[str, Any]:
    """Something that happens to one customer in fifty, before the day is made again."""
    _move_in(home)
    from gtm_platform_tests.bench import customers as synthetic

    return {"touched": synthetic.touch(Path(home, "lake"), customers, times)}


def floor(home: str) -> dict[str, Any]:
    """Every column of the day's source rows that tables may read, once; and every daily table, written once."""
    _move_in(home)
    from gtm_platform.definitions import DAILY_TABLES
    from gtm_platform.lake.contracts import TABLES

    lake = Path(home, "lake")
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        began = time.perf_counter()
        for table, contract in TABLES.items():
            if contract.cadence and (files := [str(path) for path in lake.glob(f"{table}/*.parquet")]):
                read = ", ".join(f'max("{name}")' for name in contract.columns if name != "payload")
                connection.execute(f"select {read} from read_parquet({files})").fetchall()
        for made in (sorted(lake.glob(f"{table.key}/*.parquet")) for table in DAILY_TABLES):
            if made:
                connection.execute(f"copy (from '{made[-1]}') to '{home}/written' (format parquet, compression zstd)")
        return {"seconds": time.perf_counter() - began}


def _move_in(home: str) -> None:
    os.environ |= {"GTM_HOME": home, "GTM_FIRST_DAY": "2026-03-01", "GTM_NOW": "2026-03-20T00:30:00"}
    os.environ["DAGSTER_HOME"] = str(Path(home, "dagster"))


def _yesterday(day: date) -> date:
    return day - timedelta(days=1)


def run(
    first: date, last: date | None = None, tables: list[str] | None = None, tags: Mapping[str, str] | None = None
) -> dict[str, float]:
    """The seconds that each table worked, as it says itself."""
    import dagster as dg

    from gtm_platform.cli.runs import span
    from gtm_platform.definitions import defs
    from gtm_platform.orchestration.instance import instance

    job = defs.resolve_job_def("daily_tables")
    with instance() as dagster:
        ran = job.execute_in_process(
            instance=dagster,
            run_config=QUIET,
            tags=span(str(first), str(last or first)) | dict(tags or {}),
            asset_selection=[dg.AssetKey(table.split("/")) for table in tables] if tables else None,
        )
    seconds: dict[str, float] = {}
    for event in ran.get_asset_materialization_events():
        made = event.step_materialization_data.materialization
        if "technical/seconds" in made.metadata:
            name = made.asset_key.to_user_string()
            seconds[name] = seconds.get(name, 0.0) + float(str(made.metadata["technical/seconds"].value))
    return seconds
